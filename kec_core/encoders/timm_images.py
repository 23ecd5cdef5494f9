"""Image networks of timm (DINOv2 and others): photos to features without texts, for a second space of looks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, Progress, fingerprint, no_progress
from kec_core.config import EncoderDefaults
from kec_core.disk import short
from kec_core.encoders.base import EncoderInfo, Pixels
from kec_core.encoders.known_names import may_be_of_timm
from kec_core.encoders.networks import best_device
from kec_core.encoders.openclip_weights import require_hub
from kec_core.errors import InputError
from kec_core.paths import is_file
from kec_core.types import Noun
from kec_core.wording import counted

if TYPE_CHECKING:
    import torch
    from PIL import Image

DINOV2 = "vit_small_patch14_dinov2.lvd142m"
"""The smallest DINOv2: 22 million parameters, 384 numbers for each photo."""


def load_timm(spec: str) -> TimmEncoder:
    """Load "MODEL", its published weights, or "MODEL/CHECKPOINT", a file of them.

    Raises:
        InputError: timm knows no such model, or the file is missing or does not fit.
        ResourceMissing: weights are not on this machine and cannot be fetched.
    """
    model, _, checkpoint = spec.partition("/")
    name = model.partition(".")[0]
    path = Path(checkpoint).expanduser()
    if checkpoint and not is_file(path):
        raise InputError(
            f"A checkpoint of {model} was expected at {path}, but no file is there; check the path."
        )
    if model != DINOV2 and not (may_be_of_timm(name) and _is_model(name)):
        raise InputError(
            f"timm has no model {model!r}; resnet18 and {DINOV2} for example are models of timm."
        )
    if not checkpoint and not (dinov2_on_disk() if model == DINOV2 else _is_cached(model)):
        require_hub(
            f"Weights of {model} are", "run once with internet, or give a file: timm:MODEL/CHECKPOINT."
        )
    import timm  # after what cannot be loaded is refused

    try:
        network = timm.create_model(model, pretrained=not checkpoint, num_classes=0)
        if checkpoint:
            timm.models.load_checkpoint(
                network,
                str(path),
                filter_fn=lambda weights, _: _without_classifier(weights, model),
                weights_only=True,
            )
    except Exception as error:  # timm raises anything at all on weights that do not fit
        raise InputError(
            f"{spec} should be a model of timm and weights that fit it, but cannot be loaded ({short(error)}); "
            "give its state dict, saved by torch.save or as safetensors."
        ) from error
    return TimmEncoder(network.eval(), spec)


def _without_classifier(weights: dict[str, Any], model: str) -> dict[str, Any]:
    """What a checkpoint holds of the network itself: its classifier, as published ones have it, is of no use here."""
    import timm

    heads = timm.get_pretrained_cfg_value(model, "classifier") or ()
    prefixes = tuple(f"{head}." for head in ((heads,) if isinstance(heads, str) else heads))
    return {name: tensor for name, tensor in weights.items() if not name.startswith(prefixes)}


def _is_model(name: str) -> bool:
    import timm

    return bool(timm.is_model(name))


def _is_cached(model: str) -> bool:
    """Whether published weights are on this machine."""
    import timm
    from huggingface_hub import try_to_load_from_cache

    published = timm.get_pretrained_cfg(model)
    repository = "" if published is None else published.hf_hub_id or ""
    return bool(repository) and isinstance(try_to_load_from_cache(repository, "model.safetensors"), str)


def dinov2_on_disk() -> bool:
    """Whether DINOv2's published weights are on this machine; imports and downloads nothing heavy."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(f"timm/{DINOV2}", "model.safetensors"), str)


class TimmEncoder:
    """A network of timm without its classifier, as an Encoder that has no texts."""

    def __init__(self, network: torch.nn.Module, spec: str) -> None:
        """See ``load_timm``.

        Args:
            network: in evaluation mode, with pooled features (B, d) as its output.
            spec: what it was loaded by.
        """
        from timm.data.config import resolve_model_data_config
        from timm.data.transforms_factory import create_transform

        name = spec.partition("/")[0]
        self._device = best_device()
        self._network = network.to(self._device)
        settings = resolve_model_data_config(network)  # type: ignore[no-untyped-call]  # timm has no types
        self._transform = create_transform(**settings, is_training=False)
        content = hashlib.sha256()
        for tensor in network.state_dict().values():
            content.update(tensor.detach().cpu().numpy().tobytes())
        self._info = EncoderInfo(
            name=f"timm:{spec}",
            dim=int(getattr(network, "num_features")),  # noqa: B009 - torch types attributes of modules as modules
            defaults=EncoderDefaults(centre=True),
            caption=name,
            revision=fingerprint("timm", name, settings, content.hexdigest()),
            image_side=max(settings["input_size"][1:]),
        )

    @property
    def info(self) -> EncoderInfo:
        """See Encoder."""
        return self._info

    def preprocess(self, image: Image.Image) -> Pixels:
        """The network's own resize, crop and scaling; see Encoder."""
        pixels: Pixels = self._transform(image).numpy()
        return pixels

    def encode_images(self, pixels: Pixels) -> FloatMatrix:
        """See Encoder."""
        import torch

        with torch.inference_mode():
            features = self._network(torch.from_numpy(pixels).to(self._device))
        return np.asarray(features.float().cpu().numpy(), dtype=np.float32)

    def encode_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """Raises InputError: the network knows photos only."""
        raise self._no_texts(len(texts))

    def covers(self, nouns: Sequence[Noun], *, progress: Progress = no_progress) -> NDArray[np.bool_]:  # noqa: ARG002 - the protocol asks for it
        """Raises InputError: the network knows photos only."""
        raise self._no_texts(len(nouns))

    def _no_texts(self, count: int) -> InputError:
        return InputError(
            f"{self.info.caption} knows photos only, but {counted(count, 'text')} came; choose it with --looks, beside an encoder that "
            "knows words too."
        )
