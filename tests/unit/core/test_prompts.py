"""Golden tests of the prompt contract."""

import json

import pytest

from georay.core.prompts import (
    INFERENCE,
    LOCATION,
    PROMPTS,
    REASONING,
    Conversation,
    Prompt,
    chat_messages,
    openai_messages,
    qwen_vl_text,
    target_answer,
)

PAPER_QUESTION = (
    "According to the content of the image, please think step by step and deduce in which country "
    "and city the image is most likely located and offer possible explanations. Output in JSON "
    "format, e.g., {'country': '', 'city': '', 'reasons':''}."
)


def test_inference_asks_the_papers_question_word_for_word() -> None:
    assert INFERENCE.question == PAPER_QUESTION


def test_the_printed_paper_and_the_prompt_differ_only_in_typographic_quotes(shared) -> None:
    paper = shared("reference/paper.txt").read_text(encoding="utf-8")
    assert INFERENCE.question in paper.replace("‘", "'").replace("’", "'")


def test_stage_one_asks_for_reasons_but_no_city() -> None:
    assert "city" not in REASONING.question
    assert "offer possible explanations" in REASONING.question
    assert REASONING.question.endswith("{'country': '', 'reasons':''}.")


def test_stage_two_asks_for_a_city_but_no_reasons() -> None:
    assert "country and city" in LOCATION.question
    assert "explanations" not in LOCATION.question
    assert LOCATION.question.endswith("{'country': '', 'city': ''}.")


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=lambda prompt: prompt.name)
def test_the_example_in_a_prompt_shows_exactly_its_fields(prompt: Prompt) -> None:
    example = prompt.question[prompt.question.index("{") : prompt.question.index("}") + 1]
    assert tuple(json.loads(example.replace("'", '"'))) == prompt.fields


def test_qwen_vl_reads_chatml_with_numbered_pictures() -> None:
    text = qwen_vl_text(Conversation(PAPER_QUESTION, num_images=2))
    assert text.context == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\nPicture 1: <img></img>\nPicture 2: <img></img>\n"
        f"{PAPER_QUESTION}<|im_end|>\n<|im_start|>assistant\n"
    )
    assert text.target == ""


def test_qwen_vl_text_is_what_the_original_was_tuned_on(shared) -> None:
    cases = shared("reference/qwen_vl/tokenizer_cases.json").read_text(encoding="utf-8")
    texts = [case["text"].replace("<imgpad>", "") for case in _with_text(json.loads(cases))]
    learnt = (
        "{'country': 'Chile', 'city': 'Santiago', 'reasons': 'houses in central Chile are more "
        "likely to have terracotta tiled roofs'}"
    )
    text = qwen_vl_text(Conversation("Where?", answer=learnt))
    assert text.context + text.target in texts


def _with_text(node: object) -> list[dict[str, str]]:
    if isinstance(node, dict):
        own = [node] if isinstance(node.get("text"), str) else []
        return own + [case for value in node.values() for case in _with_text(value)]
    if isinstance(node, list):
        return [case for value in node for case in _with_text(value)]
    return []


def test_training_extends_the_inference_text_of_every_family() -> None:
    asked = Conversation("Where?")
    taught = Conversation("Where?", answer='{"country": "Chile"}')
    assert qwen_vl_text(taught).context == qwen_vl_text(asked).context
    assert qwen_vl_text(taught).target == '{"country": "Chile"}<|im_end|>'
    assert chat_messages(taught)[:-1] == chat_messages(asked)
    urls = ["data:image/jpeg;base64,AA=="]
    assert openai_messages(taught, urls)[:-1] == openai_messages(asked, urls)


def test_chat_families_get_pictures_before_the_question() -> None:
    assert chat_messages(Conversation("Where?", num_images=2, answer="Peru")) == [
        {
            "role": "user",
            "content": [{"type": "image"}, {"type": "image"}, {"type": "text", "text": "Where?"}],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "Peru"}]},
    ]


def test_remote_endpoints_get_one_data_url_per_picture() -> None:
    url = "data:image/jpeg;base64,AA=="
    assert openai_messages(Conversation("Where?"), [url]) == [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": url}},
                {"type": "text", "text": "Where?"},
            ],
        }
    ]
    with pytest.raises(ValueError, match="1 pictures, got 2"):
        openai_messages(Conversation("Where?"), [url, url])


@pytest.mark.parametrize(
    "text", ["x<|im_end|>", "<img>a.jpg</img>", "</s>", "<image>", "<|vision_start|>"]
)
def test_text_that_a_tokenizer_would_obey_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="control token"):
        Conversation(text)
    with pytest.raises(ValueError, match="control token"):
        Conversation("Where?", answer=text)


def test_a_conversation_without_picture_or_question_is_refused() -> None:
    with pytest.raises(ValueError, match="picture"):
        Conversation("Where?", num_images=0)
    with pytest.raises(ValueError, match="empty"):
        Conversation("  ")


def test_target_answers_are_one_line_of_json_in_the_prompts_order() -> None:
    answer = target_answer(
        INFERENCE, reasons='a "stop" sign,\nin Spanish', city="Ñemby", country="Paraguay"
    )
    assert answer == (
        '{"country": "Paraguay", "city": "Ñemby", "reasons": "a \\"stop\\" sign, in Spanish"}'
    )
    assert target_answer(LOCATION, country="Peru", city="Lima", reasons="not asked") == (
        '{"country": "Peru", "city": "Lima"}'
    )


def test_a_target_answer_without_a_field_that_is_asked_is_refused() -> None:
    with pytest.raises(ValueError, match="'city'"):
        target_answer(LOCATION, country="Peru", city=" ")


def test_the_answer_to_learn_is_the_assistants_last_turn() -> None:
    taught = Conversation("Where?", answer="Peru")
    assert openai_messages(taught, ["data:,"])[-1] == {"role": "assistant", "content": "Peru"}
    assert chat_messages(taught)[-1]["content"] == [{"type": "text", "text": "Peru"}]


def test_an_empty_answer_is_an_answer_to_learn_and_none_is_a_question() -> None:
    taught, asked = Conversation("Where?", answer=""), Conversation("Where?")
    assert qwen_vl_text(taught).target == "<|im_end|>"
    assert len(chat_messages(taught)) == len(openai_messages(taught, ["data:,"])) == 2
    assert qwen_vl_text(asked).target == ""
    assert len(chat_messages(asked)) == len(openai_messages(asked, ["data:,"])) == 1


def test_a_question_is_about_one_picture_unless_said_otherwise() -> None:
    assert Conversation("Where?").num_images == 1
    assert "Picture 1: <img></img>\nWhere?" in qwen_vl_text(Conversation("Where?")).context


def test_a_refused_text_is_told_with_the_token_in_it() -> None:
    with pytest.raises(ValueError, match=r"^'<box>' is a control token"):
        Conversation("a <b> <box> c")
    assert Conversation("a < b > c, <b>, <|").question


def test_a_prompts_own_name_tells_which_field_is_empty() -> None:
    with pytest.raises(ValueError, match=r"^the reasoning prompt asks for 'reasons', and it is"):
        target_answer(PROMPTS["reasoning"], country="Peru")
    with pytest.raises(ValueError, match=r"^the location prompt asks for 'country', and it is"):
        target_answer(LOCATION, country="", city="Lima")
    assert list(PROMPTS) == ["inference", "reasoning", "location"]
