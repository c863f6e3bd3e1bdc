"""A key-value cache with room ahead: a new word does not copy all words before it."""

from torch import Tensor
from transformers import PreTrainedModel
from transformers.cache_utils import DynamicCache, DynamicLayer

_ROOM = 128  # tokens that fit before a buffer has to be copied into a larger one


class _GrowingLayer(DynamicLayer):  # type: ignore[misc]  # transformers is not analysed
    """Keys and values are views of the filled part of larger buffers."""

    keys: Tensor
    values: Tensor

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        super().lazy_initialization(key_states, value_states)
        self._buffers: list[Tensor | None] = [None, None]

    def update(
        self,
        key_states: Tensor,
        value_states: Tensor,
        *args: object,  # noqa: ARG002  # as the parent's
        **kwargs: object,  # noqa: ARG002
    ) -> tuple[Tensor, Tensor]:
        """See `CacheLayerMixin.update`: all keys and values, the new ones last."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        self.keys = self._append(0, self.keys, key_states)
        self.values = self._append(1, self.values, value_states)
        return self.keys, self.values

    def _append(self, which: int, old: Tensor, new: Tensor) -> Tensor:
        length = old.shape[-2] if old.numel() else 0
        end = length + new.shape[-2]
        buffer = self._buffers[which]
        is_ours = buffer is not None and length and old.data_ptr() == buffer.data_ptr()
        if buffer is None or not is_ours or end > buffer.shape[-2]:
            buffer = new.new_empty((*new.shape[:-2], end + max(_ROOM, end // 2), new.shape[-1]))
            if length:
                buffer[..., :length, :] = old
            self._buffers[which] = buffer
        buffer[..., length:end, :] = new
        return buffer[..., :end, :]


def growing_cache(network: PreTrainedModel) -> DynamicCache:
    """A cache for one generation by this network; only its plain layers grow in place."""
    cache = DynamicCache(config=network.config)
    cache.layers = [
        _GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers
    ]
    return cache
