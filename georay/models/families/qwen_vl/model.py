"""Qwen-VL: images and text in, next-token scores out; module names are the published ones."""

import math
from typing import Any

import torch
from torch import LongTensor, Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.cache_utils import Cache, DynamicCache
from transformers.generation import GenerationMixin
from transformers.loss.loss_utils import ForCausalLMLoss
from transformers.masking_utils import create_causal_mask
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.utils.generic import can_return_tuple

from .config import QwenVLConfig
from .decoder import QwenVLBlock, QwenVLRMSNorm
from .rotary import Rotation, logn_factor, ntk_alpha, rotation
from .vision import CrossAttention, Resampler, VisionTransformer, sincos_table


class QwenVLPreTrainedModel(PreTrainedModel):
    """What loading, saving and placing a Qwen-VL need to know."""

    config: QwenVLConfig
    base_model_prefix = "transformer"
    _input_embed_layer = "wte"
    supports_gradient_checkpointing = True
    _no_split_modules = ["QwenVLBlock", "VisualBlock"]  # noqa: RUF012
    _skip_keys_device_placement = ["past_key_values"]  # noqa: RUF012
    _supports_sdpa = True
    # Buffers that some published shards carry and that are computed here.
    _keys_to_ignore_on_load_unexpected = [r"inv_freq$", r"masked_bias$"]  # noqa: RUF012

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, QwenVLBlock):
            # Two residual branches a layer: their sum keeps its scale however deep the network.
            std = self.config.initializer_range / math.sqrt(2 * self.config.num_hidden_layers)
            init.normal_(module.attn.c_proj.weight, std=std)
            init.normal_(module.mlp.c_proj.weight, std=std)
        elif isinstance(module, CrossAttention):
            init.normal_(module.in_proj_weight, std=self.config.initializer_range)
            init.zeros_(module.in_proj_bias)
        elif isinstance(module, Resampler):
            init.trunc_normal_(module.query, std=self.config.initializer_range)
            width = module.pos_embed.shape[1]
            init.copy_(module.pos_embed, sincos_table(module.grid_size, width))
        elif isinstance(module, VisionTransformer):
            for table in (module.positional_embedding, module.proj):
                init.normal_(table, std=table.shape[1] ** -0.5)


class QwenVLModel(QwenVLPreTrainedModel):
    """The decoder and the vision side, without the language head."""

    def __init__(self, config: QwenVLConfig) -> None:
        super().__init__(config)
        self.wte = nn.Embedding(config.vocab_size, config.hidden_size)
        self.h = nn.ModuleList(QwenVLBlock(config, n) for n in range(config.num_hidden_layers))
        self.ln_f = QwenVLRMSNorm(config.hidden_size, eps=config.layer_norm_epsilon)
        self.visual = VisionTransformer(config.vision)
        self.image_pad_id = config.vision.image_pad_id
        self.gradient_checkpointing = False
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        image_features: Tensor | None = None,
        use_cache: bool | None = None,
        only_last: bool = False,
    ) -> BaseModelOutputWithPast:
        """As `QwenVLForConditionalGeneration.forward`, up to the last hidden states.

        only_last: of the last token alone.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give either input_ids or inputs_embeds")
        if input_ids is not None:
            inputs_embeds = self._embed(input_ids, pixel_values, image_features)
        assert inputs_embeds is not None
        if use_cache is None:
            use_cache = self.config.use_cache and not self.training
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        if position_ids is None:
            position_ids = _positions(inputs_embeds, attention_mask, past_key_values)
        mask = create_causal_mask(
            self.config, inputs_embeds, attention_mask, past_key_values, position_ids
        )
        turn = self._rotation(position_ids, past_key_values)
        hidden = inputs_embeds
        for number, block in enumerate(self.h, 1):
            ends = only_last and number == len(self.h)
            hidden = block(hidden, turn, mask, past_key_values=past_key_values, only_last=ends)
        return BaseModelOutputWithPast(
            last_hidden_state=self.ln_f(hidden),
            past_key_values=past_key_values if use_cache else None,
        )

    def _embed(
        self, input_ids: Tensor, pixel_values: Tensor | None, image_features: Tensor | None
    ) -> Tensor:
        """Token vectors, those of <imgpad> replaced by the images' in reading order.

        One pass of the encoder serves every image of the batch.
        """
        words = self.wte(input_ids)
        if pixel_values is not None:
            if image_features is not None:
                raise ValueError("give either pixel_values or image_features")
            image_features = self.visual(pixel_values)
        places = torch.eq(input_ids, self.image_pad_id)
        num_places = int(places.sum())
        num_vectors = 0 if image_features is None else image_features.shape[:-1].numel()
        if num_places != num_vectors:
            raise ValueError(
                f"the prompts hold {num_places} image places but the images give {num_vectors} "
                f"vectors, {self.config.vision.n_queries} each: one image for every <img>...</img>"
            )
        if image_features is None:
            return words
        return words.masked_scatter(places[..., None], image_features.to(words.dtype))

    def _prompt_alphas(self, position_ids: Tensor) -> tuple[int, ...]:
        """Dynamic-NTK factor of every row, or one where all are equal."""
        if not self.config.use_dynamic_ntk:
            return (1,)
        lengths = (position_ids.amax(dim=-1) + 1).tolist()
        alphas = tuple(ntk_alpha(length, self.config.seq_length) for length in lengths)
        return alphas[:1] if len(set(alphas)) == 1 else alphas

    def _rotation(self, position_ids: Tensor, cache: Cache | None) -> Rotation:
        """Training sees no text as longer than it was: both extensions are for inference."""
        config = self.config
        past = 0 if cache is None else int(cache.get_seq_length())
        grown = not self.training and past + position_ids.shape[1] > config.seq_length
        if past:
            alphas = getattr(cache, "ntk_alphas", (1,))
        else:
            alphas = self._prompt_alphas(position_ids) if grown else (1,)
            if cache is not None:
                # The answer keeps its prompt's factor: the cached keys were turned with it. It
                # lies with the cache, so that two generations at once do not disturb each other.
                cache.ntk_alphas = alphas  # type: ignore[attr-defined]
        logn = None
        if grown and config.use_logn_attn:
            logn = logn_factor(position_ids, config.seq_length)
        return rotation(position_ids, config.kv_channels, config.rotary_emb_base, alphas, logn)


class QwenVLForConditionalGeneration(QwenVLPreTrainedModel, GenerationMixin):
    """Qwen-VL with its language head (paper, section 3.2).

    State-dict names and shapes are those of the published checkpoints, which load unchanged.
    """

    accepts_loss_kwargs = True

    def __init__(self, config: QwenVLConfig) -> None:
        super().__init__(config)
        self.transformer = QwenVLModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        labels: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        image_features: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        num_items_in_batch: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> CausalLMOutputWithPast:
        """Scores of the next token; with `labels` also the mean loss.

        input_ids: [batch, tokens]; every image is <img>, `n_queries` times <imgpad>, </img>.
        pixel_values: [images, 3, image_size, image_size], all images of the batch in reading
        order; or image_features: [images, n_queries, hidden_size], what `transformer.visual`
        made of them. labels: [batch, tokens], -100 where nothing is learnt.
        attention_mask: [batch, past + tokens], 0 on padding, on either side.
        logits_to_keep: how many last positions are scored, or which; 0 for all.
        Raises ValueError where images and image places do not match.
        """
        if output_attentions or output_hidden_states:
            raise ValueError("Qwen-VL here returns neither attentions nor hidden states")
        outputs = self.transformer(
            input_ids=input_ids,
            pixel_values=pixel_values,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            image_features=image_features,
            use_cache=use_cache,
            only_last=isinstance(logits_to_keep, int) and logits_to_keep == 1,
        )
        if isinstance(logits_to_keep, int):
            hidden = outputs.last_hidden_state[:, -logits_to_keep:]
        else:
            hidden = outputs.last_hidden_state[:, logits_to_keep]
        logits = self.lm_head(hidden)
        loss = None
        if labels is not None:
            loss = ForCausalLMLoss(logits, labels, self.config.vocab_size, num_items_in_batch)
        return CausalLMOutputWithPast(
            loss=loss, logits=logits, past_key_values=outputs.past_key_values
        )

    def prepare_inputs_for_generation(  # type: ignore[override]
        self,
        input_ids: LongTensor,
        is_first_iteration: bool | None = False,
        use_cache: bool | None = True,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """One step's inputs: features, like pixels, only where their places are not yet cached."""
        inputs: dict[str, Any] = super().prepare_inputs_for_generation(  # type: ignore[misc]
            input_ids, is_first_iteration=is_first_iteration, use_cache=use_cache, **kwargs
        )
        if use_cache and not is_first_iteration:
            inputs.pop("image_features", None)
        return inputs

    def _expand_inputs_for_generation(  # type: ignore[override]
        self,
        expand_size: int = 1,
        is_encoder_decoder: bool = False,
        input_ids: LongTensor | None = None,
        **model_kwargs: Any,
    ) -> tuple[LongTensor, dict[str, Any]]:
        """Beams: a prompt's images repeat together, not each one by itself."""
        names = [n for n in ("pixel_values", "image_features") if model_kwargs.get(n) is not None]
        images = {name: model_kwargs.pop(name) for name in names}
        if images and expand_size > 1:
            assert input_ids is not None
            starts = torch.eq(input_ids, self.config.vision.image_start_id)
            num_images = starts.sum(dim=-1).tolist()
            for name in names:
                rows = images[name].split(num_images)
                images[name] = torch.cat([row for row in rows for _ in range(expand_size)])
        expanded, model_kwargs = super()._expand_inputs_for_generation(  # type: ignore[misc]
            expand_size, is_encoder_decoder, input_ids, **model_kwargs
        )
        return expanded, model_kwargs | images


def _positions(inputs: Tensor, mask: Tensor | None, cache: Cache | None) -> Tensor:
    """Position of every new token, [batch or 1, tokens], padding not counted."""
    tokens = inputs.shape[1]
    if mask is not None and mask.ndim == 2:
        return (mask.long().cumsum(dim=-1) - 1).clamp(min=0)[:, -tokens:]
    past = 0 if cache is None else int(cache.get_seq_length())
    return torch.arange(past, past + tokens, device=inputs.device)[None]
