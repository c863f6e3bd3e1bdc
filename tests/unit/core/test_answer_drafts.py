"""What a model thought is not what it answered."""

import pytest

from georay.core.answers import parse_answer


@pytest.mark.parametrize(
    "raw",
    [
        "<think>Austria? My guess is Austria.</think>\nPoland",
        "<thinking>Austria</thinking>\n\n**Poland**",
        "<reasoning>\nIt looks like Austria.\n</reasoning>\n{'country': 'Poland'}",
        "◁think▷Maybe Austria◁/think▷Poland",
        "[THINK]Austria[/THINK]Poland",
        "<|channel|>analysis<|message|>Austria.<|end|><|start|>assistant<|channel|>final<|message|>Poland",
        "It may be Austria.</think>\nPoland",
        "<think>\nAustria\n</think>\n\n<answer>\nPoland\n</answer>",
        "<think>Austria, says the plate. <answer>Poland</answer>",
        '<think>It looks like Austria.\n{"country": "Poland"}',
        '<think>Draft: {"country": "Austria"}</think>{"country": "Poland"}',
        r"Austria came to mind. \boxed{\text{Poland}}",
    ],
)
def test_what_stands_outside_the_draft_is_the_answer(raw: str) -> None:
    answer = parse_answer(raw)
    assert (answer.status, answer.country, answer.reasons) == ("answered", "PL", None)


def test_a_draft_that_never_ends_is_no_answer() -> None:
    assert parse_answer("<think>Austria. My guess is Austria.").status == "unparseable"


def test_a_refusal_after_a_draft_is_a_refusal() -> None:
    assert parse_answer("<think>My guess is Austria.</think>I cannot say.").status == "refused"
