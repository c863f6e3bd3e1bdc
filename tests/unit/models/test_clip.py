import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, PreTrainedTokenizerFast

from georay.errors import ModelUnavailable
from georay.models.clip import ClipEncoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny CLIP with random weights: what it says means nothing, its form is the real one's."""
    path = tmp_path_factory.mktemp("clip")
    words = ["<pad>", "<unk>", "<start>", "red", "soil", "blue", "sign", "<end>"]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 2), ("<end>", 7)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<start>",
        eos_token="<end>",
    )
    layers = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = CLIPConfig(
        text_config=layers
        | {"vocab_size": 8, "max_position_embeddings": 8, "eos_token_id": 7, "bos_token_id": 2},
        vision_config=layers | {"image_size": 16, "patch_size": 8},
        projection_dim=12,
    )
    torch.manual_seed(0)
    CLIPModel(config).save_pretrained(path)
    fast.save_pretrained(path)
    size = {"height": 16, "width": 16}
    CLIPImageProcessorPil(size=size, crop_size=size).save_pretrained(path)
    return path


def test_pictures_and_sentences_are_unit_vectors_of_one_space(folder, tmp_path):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    clip = ClipEncoder(str(folder))
    texts = clip.encode_texts(["red soil", "blue sign " * 20])
    red, broken, absent = clip.encode_pictures(
        [str(tmp_path / name) for name in ("red.png", "broken.png", "absent.png")]
    )
    assert texts.shape == (2, 12)
    assert red is not None and red.shape == (12,)
    assert np.linalg.norm(np.vstack([texts, red]), axis=1) == pytest.approx(1, abs=1e-5)
    assert broken is None and absent is None


def test_an_absent_model_says_what_to_do(tmp_path):
    with pytest.raises(ModelUnavailable, match=r"pairing\.clip"):
        ClipEncoder(str(tmp_path / "absent"))
