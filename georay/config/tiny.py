"""The recipe of `tiny`: a network of Qwen-VL's architecture that two CPU cores can train."""

from pydantic import Field, PositiveInt

from georay.config.load import Recipe


class TinyVisionRecipe(Recipe):
    """The vision encoder: image_size pixels are cut into patches of 14 and read by n_queries."""

    image_size: PositiveInt = 224
    width: PositiveInt = 192
    layers: PositiveInt = 5
    heads: PositiveInt = 6
    mlp_ratio: float = Field(default=4.0, gt=0)
    n_queries: PositiveInt = 64


class TinyModelRecipe(Recipe):
    """Everything that decides the untrained tiny model and its tokenizer.

    num_words: words of the vocabulary, at least the 256 single bytes; control tokens come on top.
    cities_per_country: how many of each country's largest cities the vocabulary is learnt from.
    """

    seed: int = 0
    num_words: int = Field(default=2855, ge=256)
    cities_per_country: PositiveInt = 12
    hidden_size: PositiveInt = 256
    num_hidden_layers: PositiveInt = 4
    num_attention_heads: PositiveInt = 4
    intermediate_size: PositiveInt = 1408
    visual: TinyVisionRecipe = TinyVisionRecipe()
