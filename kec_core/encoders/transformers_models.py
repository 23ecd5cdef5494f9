"""Image-text models of transformers (CLIP, SigLIP and others), from a local folder or by name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kec_core.arrays import FloatMatrix, Progress, blocks, fingerprint, no_progress
from kec_core.config import EncoderDefaults
from kec_core.disk import short
from kec_core.encoders.base import TPL7, EncoderInfo, Pixels
from kec_core.encoders.networks import best_device
from kec_core.encoders.openclip_weights import require_hub
from kec_core.errors import InputError
from kec_core.paths import is_folder
from kec_core.types import Noun

LIBRARY: Final = "transformers"
_SENTENCE_TRANSFORMERS: Final = "0_CLIPModel"
"""Where sentence-transformers keeps the model of its CLIP folders."""
_TEXTS_AT_ONCE: Final = 64
_PADDED: Final = ("siglip", "siglip2")
"""Models that were trained on texts filled up to their whole length."""


def load_transformers(spec: str) -> TransformersEncoder:
    """Load the model in a local folder (``save_pretrained``, or a CLIP folder of sentence-transformers), or by its name.

    Weights are read as safetensors, and no code of the model's own is run.

    Raises:
        InputError: the library is not installed, or there is no image-text model that can be loaded.
        ResourceMissing: a model by name is not on this machine and cannot be fetched.
    """
    if find_spec(LIBRARY) is None:
        raise InputError(
            f"Models of {LIBRARY} need the library {LIBRARY}; install it with pip install {LIBRARY}, "
            "or choose another encoder."
        )
    folder = Path(spec).expanduser()
    is_local = is_folder(folder)
    if is_local and is_folder(folder / _SENTENCE_TRANSFORMERS):
        folder = folder / _SENTENCE_TRANSFORMERS
    if not is_local and not _is_cached(spec):
        require_hub(
            f"Weights of {spec} are", "run once with internet, or give a folder: transformers:FOLDER."
        )
    try:
        return TransformersEncoder(str(folder) if is_local else spec, f"transformers:{spec}")
    except InputError:
        raise
    except Exception as error:  # the library raises anything at all on files that do not fit
        raise InputError(
            f"{spec} should be an image-text model of {LIBRARY} with its tokenizer, image processor and safetensors, but "
            f"cannot be loaded ({short(error)}); save model and processor with save_pretrained, or name another."
        ) from error


def _is_cached(name: str) -> bool:
    """Whether a published model is on this machine."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        return isinstance(try_to_load_from_cache(name, "config.json"), str)
    except HFValidationError as error:
        raise InputError(
            f"A folder or the name of a model (OWNER/NAME) was expected, but {name!r} is neither; check the path."
        ) from error


class TransformersEncoder:
    """An image-text model of transformers as an Encoder."""

    def __init__(self, source: str, name: str) -> None:
        """See ``load_transformers``.

        Args:
            source: folder or name of the model.
            name: of the encoder.

        Raises:
            InputError: the model has no features of images and texts in one space.
        """
        from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

        model = AutoModel.from_pretrained(source, use_safetensors=True, trust_remote_code=False)
        if not all(hasattr(model, wanted) for wanted in ("get_image_features", "get_text_features")):
            raise InputError(
                f"{source} should be a model of images and texts such as CLIP or SigLIP, but is "
                f"{model.config.model_type}; choose another."
            )
        self._device = best_device()
        self._model = model.float().eval().to(self._device)
        self._images = AutoImageProcessor.from_pretrained(source, trust_remote_code=False)  # type: ignore[no-untyped-call]
        self._tokens = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        text = model.config.get_text_config()
        self._padding: dict[str, Any] = {
            "padding": "max_length" if model.config.model_type in _PADDED else True,
            "max_length": int(text.max_position_embeddings),
            "truncation": True,
        }
        self._info = self._describe(source, name)

    def _describe(self, source: str, name: str) -> EncoderInfo:
        model = self._model
        content = hashlib.sha256()
        for tensor in model.state_dict().values():
            content.update(tensor.detach().cpu().numpy().tobytes())
        scale = (
            round(float(model.logit_scale.detach().exp().mean()), 1)
            if hasattr(model, "logit_scale")
            else 100.0
        )
        settings = sorted((key, repr(value)) for key, value in self._images.to_dict().items())
        vocabulary = sorted(self._tokens.get_vocab().items())
        return EncoderInfo(
            name=name,
            dim=self._texts(["a photo"]).shape[1],
            defaults=EncoderDefaults(logit_scale=scale, pair_scale=scale, counterpart_tau=0.5 / scale),
            caption=Path(source).name,
            revision=fingerprint(LIBRARY, content.hexdigest(), settings, vocabulary, self._padding),
            image_side=max(self.preprocess(Image.new("RGB", (64, 64))).shape[1:]),
            noun_templates=TPL7,
        )

    @property
    def info(self) -> EncoderInfo:
        """See Encoder."""
        return self._info

    def preprocess(self, image: Image.Image) -> Pixels:
        """The model's own resize, crop and scaling; see Encoder.

        Raises:
            InputError: the model takes photos in another shape.
        """
        pixels = np.asarray(
            self._images(images=image, return_tensors="np")["pixel_values"][0], dtype=np.float32
        )
        if pixels.ndim != 3:
            raise InputError(
                f"The model should look at squares of pixels, but takes the shape {pixels.shape}; choose one of fixed size."
            )
        return pixels

    def encode_images(self, pixels: Pixels) -> FloatMatrix:
        """See Encoder."""
        import torch

        with torch.inference_mode():
            found = self._model.get_image_features(pixel_values=torch.from_numpy(pixels).to(self._device))
        return _rows(found)

    def encode_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """See Encoder; longer texts than the model takes are cut."""
        if not texts:
            return np.empty((0, self.info.dim), dtype=np.float32)
        return np.concatenate([self._texts(texts[block]) for block in blocks(len(texts), _TEXTS_AT_ONCE)])

    def _texts(self, texts: Sequence[str]) -> FloatMatrix:
        import torch

        tokens = self._tokens(list(texts), return_tensors="pt", **self._padding).to(self._device)
        wanted = {name: tokens[name] for name in ("input_ids", "attention_mask") if name in tokens}
        if self._padding["padding"] == "max_length":
            wanted.pop("attention_mask", None)  # these models were trained without it
        with torch.inference_mode():
            return _rows(self._model.get_text_features(**wanted))

    def covers(self, nouns: Sequence[Noun], *, progress: Progress = no_progress) -> NDArray[np.bool_]:  # noqa: ARG002 - quick
        """See Encoder: the model was trained on words of every kind."""
        return np.ones(len(nouns), dtype=np.bool_)


def _rows(found: Any) -> FloatMatrix:  # noqa: ANN401 - a tensor, or from version 5 on an output that holds it
    tensor = getattr(found, "pooler_output", found)
    return np.asarray(tensor.float().cpu().numpy(), dtype=np.float32)
