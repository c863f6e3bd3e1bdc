"""Separates an answer from the reasoning that a model wrote before it, or instead of it.

Models of thought put drafts between tags (`<think>`, `<reasoning>`, `◁think▷`, `[THINK]`,
`<|channel|>analysis`); a draft is no answer, whatever places it tries.
"""

import re

_TAG_NAME = (
    r"(?:think(?:ing)?|thoughts?|reason(?:ing)?|analysis|reflection|scratch_?pad|cot|"
    r"begin_of_thought)"
)
_OPEN = re.compile(
    rf"<\|?(?:[\w-]{{1,20}}:)?{_TAG_NAME}\|?>|◁{_TAG_NAME}▷|\[{_TAG_NAME}\]|"
    r"<\|channel\|>\s?(?:analysis|commentary)\b[^<\n]{0,40}(?:<\|message\|>)?",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    rf"</\|?(?:[\w-]{{1,20}}:)?{_TAG_NAME}\|?>|<\|(?:end_of_thought|end|/think)\|>|◁/{_TAG_NAME}▷|"
    rf"\[/{_TAG_NAME}\]|<\|channel\|>\s?final\b",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"<(?:final_?)?(?:answer|output|response)>(.*?)(?:</(?:final_?)?(?:answer|output|response)>|$)|"
    r"<\|begin_of_solution\|>(.*?)(?:<\|end_of_solution\|>|$)|◁answer▷(.*?)(?:◁/answer▷|$)|"
    r"\\boxed\{(?:\\text\{)?([^{}]{1,200})\}",
    re.IGNORECASE | re.DOTALL,
)
_LEFT_OVER = re.compile(
    r"<\|(?:im_start|im_end|start|end|message|return|channel|eot_id|endoftext)\|>(?:assistant|"
    r"final)?|"
    r"</?s>|</?(?:final_?)?(?:answer|output|response|solution)>",
    re.IGNORECASE,
)
_OBJECT_AT_THE_END = re.compile(r"\{[^{}]*\}\s*(?:```)?\s*$")


def without_drafts(text: str) -> str:
    """The answer in a text, without what was only thought.

    A draft that never closes swallows all that follows, except an answer that is marked as one:
    in answer tags, or as an object at the very end. A closing tag alone closes what stands before.
    """
    said, draft = _split_off_drafts(text)
    if marked := _marked_answer(said) or (not said.strip() and _marked_answer(draft)):
        return marked
    if not said.strip() and (last := _OBJECT_AT_THE_END.search(draft)):
        return last.group()
    return _LEFT_OVER.sub(" ", said)


def _split_off_drafts(text: str) -> tuple[str, str]:
    """(what is said, the last draft if it never closes)."""
    said: list[str] = []
    position = 0
    while opening := _OPEN.search(text, position):
        said.append(text[position : opening.start()])
        closing = _CLOSE.search(text, opening.end())
        if closing is None:
            return _after_stray_close("".join(said)), text[opening.end() :]
        position = closing.end()
    said.append(text[position:])
    return _after_stray_close("".join(said)), ""


def _after_stray_close(text: str) -> str:
    """What follows the last closing tag whose opening stood in the prompt."""
    *_, rest = _CLOSE.split(text)
    return rest if rest.strip() else _CLOSE.sub(" ", text)


def _marked_answer(text: str) -> str:
    found = [next(filter(None, match.groups()), "") for match in _ANSWER.finditer(text)]
    answers = [answer for answer in found if answer.strip()]
    return answers[-1].strip() if answers else ""
