"""All prompts: what each stage asks, and how each model family formats it.

A `Conversation` holds a question about pictures and, in training, the answer to learn. Each family
has one rendering function, and training and inference both call it: a conversation with an answer
begins, character for character, with the same conversation without one.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypedDict

AnswerField = Literal["country", "city", "reasons"]


@dataclass(frozen=True)
class Prompt:
    """A question, and the fields of the JSON object that answers it, in their order."""

    name: str
    question: str
    fields: tuple[AnswerField, ...]


# Word for word from the paper, section 4.2.1, the missing space before the last '' included.
INFERENCE = Prompt(
    name="inference",
    question=(
        "According to the content of the image, please think step by step and deduce in which "
        "country and city the image is most likely located and offer possible explanations. "
        "Output in JSON format, e.g., {'country': '', 'city': '', 'reasons':''}."
    ),
    fields=("country", "city", "reasons"),
)

# Stage 1, reasoning tuning (section 3.2): clues name a country at best, so no city is asked.
REASONING = Prompt(
    name="reasoning",
    question=(
        "According to the content of the image, please think step by step and deduce in which "
        "country the image is most likely located and offer possible explanations. "
        "Output in JSON format, e.g., {'country': '', 'reasons':''}."
    ),
    fields=("country", "reasons"),
)

# Stage 2, location tuning (section 3.2): "similar ... but without a reasoning requirement".
LOCATION = Prompt(
    name="location",
    question=(
        "According to the content of the image, please think step by step and deduce in which "
        "country and city the image is most likely located. "
        "Output in JSON format, e.g., {'country': '', 'city': ''}."
    ),
    fields=("country", "city"),
)

PROMPTS: Mapping[str, Prompt] = MappingProxyType(
    {prompt.name: prompt for prompt in (INFERENCE, REASONING, LOCATION)}
)

QWEN_IMAGE_SLOT = "<img></img>"
_QWEN_SYSTEM = "You are a helpful assistant."

# Text that some family's tokenizer would read as control tokens, not as words.
_CONTROL_TOKEN = re.compile(r"<\|[^|<>]*\|>|</?(?:img|ref|box|quad|image|imgpad|s)>")


@dataclass(frozen=True)
class Conversation:
    """One question about `num_images` pictures; in training also the answer to learn.

    Raises ValueError when there is no picture or no question, or when a text holds a control
    token: a clue from the web must not be able to end a turn or to open an image.
    """

    question: str
    num_images: int = 1
    answer: str | None = None

    def __post_init__(self) -> None:
        if self.num_images < 1:
            raise ValueError("a conversation needs at least one picture")
        if not self.question.strip():
            raise ValueError("the question is empty")
        for text in (self.question, self.answer or ""):
            if token := _CONTROL_TOKEN.search(text):
                raise ValueError(f"{token.group()!r} is a control token: remove it from the text")


def target_answer(
    prompt: Prompt, *, country: str, city: str | None = None, reasons: str | None = None
) -> str:
    """The answer that a model learns to give to `prompt`: one line of valid JSON.

    Holds exactly the prompt's fields, in its order. Raises ValueError for a field that the prompt
    asks for and that is absent or blank.
    """
    values = {"country": country, "city": city, "reasons": reasons}
    chosen: dict[str, str] = {}
    for field in prompt.fields:
        value = " ".join((values[field] or "").split())
        if not value:
            raise ValueError(f"the {prompt.name} prompt asks for {field!r}, and it is empty")
        chosen[field] = value
    return json.dumps(chosen, ensure_ascii=False)


@dataclass(frozen=True)
class QwenVLText:
    """A conversation in Qwen-VL-Chat's ChatML: `context` is given, `target` is learnt.

    `context` ends where the assistant speaks and holds one `QWEN_IMAGE_SLOT` per picture, between
    whose two tags the processor puts the picture's places. `target` is the answer with the token
    that ends it; it is empty in inference.
    """

    context: str
    target: str


def qwen_vl_text(conversation: Conversation) -> QwenVLText:
    """The conversation as Qwen-VL-Chat was tuned to read it (`Picture 1: <img>…</img>`, ChatML)."""
    pictures = "".join(
        f"Picture {number}: {QWEN_IMAGE_SLOT}\n" for number in range(1, conversation.num_images + 1)
    )
    context = (
        f"<|im_start|>system\n{_QWEN_SYSTEM}<|im_end|>\n"
        f"<|im_start|>user\n{pictures}{conversation.question}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    answer = conversation.answer
    return QwenVLText(context, "" if answer is None else f"{answer}<|im_end|>")


class ChatPart(TypedDict, total=False):
    """One part of a turn for transformers' chat templates: `text`, or the place of an image."""

    type: Literal["image", "text"]
    text: str


class ChatMessage(TypedDict):
    """One turn for transformers' chat templates."""

    role: Literal["user", "assistant"]
    content: list[ChatPart]


def chat_messages(conversation: Conversation) -> list[ChatMessage]:
    """Turns for `apply_chat_template`: pictures first, then the question, then any answer.

    In inference ask the template for the generation prompt; in training the last turn is learnt.
    """
    pictures: list[ChatPart] = [{"type": "image"} for _ in range(conversation.num_images)]
    asked: list[ChatPart] = [*pictures, {"type": "text", "text": conversation.question}]
    messages: list[ChatMessage] = [{"role": "user", "content": asked}]
    if conversation.answer is not None:
        learnt: list[ChatPart] = [{"type": "text", "text": conversation.answer}]
        messages.append({"role": "assistant", "content": learnt})
    return messages


def openai_messages(conversation: Conversation, image_urls: Sequence[str]) -> list[dict[str, Any]]:
    """Messages of an OpenAI-style chat endpoint; `image_urls` are data URLs, one per picture.

    Raises ValueError when their number differs from the conversation's.
    """
    if len(image_urls) != conversation.num_images:
        raise ValueError(
            f"the conversation is about {conversation.num_images} pictures, got {len(image_urls)}"
        )
    parts: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": url}} for url in image_urls
    ]
    parts.append({"type": "text", "text": conversation.question})
    messages: list[dict[str, Any]] = [{"role": "user", "content": parts}]
    if conversation.answer is not None:
        messages.append({"role": "assistant", "content": conversation.answer})
    return messages
