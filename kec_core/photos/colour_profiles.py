"""Colours of a photo into sRGB, by the ICC profile in its file."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageCms

FROM_PROFILE: Final = "its colours are converted from"
"""How the note about a conversion begins."""
_MISFIT: Final = "its colour profile is damaged or does not fit and is ignored"

_MOST_DIFFERENCE: Final = 4
"""A profile that moves no colour by more than this (of 255) is sRGB under another name: pixels stay as they are."""
_LONGEST_NAME: Final = 60
_SRGB: Final = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_LAB: Final = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str]:
    """Convert an 8-bit image into sRGB; without a profile, or with sRGB's own, it stays as it is.

    Args:
        image: any 8-bit mode; transparency is kept.
        profile: the ICC profile in the file.

    Returns:
        The image, its mode maybe another one, and what was done, in words, or "".
    """
    if image.mode == "LAB":
        return _apply(image, ImageCms.buildTransform(_LAB, _SRGB, "LAB", "RGB")), ""
    if not profile:
        return image, ""
    try:
        space, name = _described(profile)
        colours = _in_space(image, space)
        if colours is None:
            return image, _MISFIT
        transform = _transform(profile, colours.mode)
        if transform is None:
            return image, ""
        converted = _apply(colours, transform)
        if image.has_transparency_data:
            converted.putalpha(image.convert("RGBA").getchannel("A"))
    except (ImageCms.PyCMSError, ValueError, OSError):
        return image, _MISFIT
    return converted, f"{FROM_PROFILE} {name} to sRGB"


def _apply(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None  # only None when it works in place
    return converted


@lru_cache(maxsize=64)
def _described(profile: bytes) -> tuple[str, str]:
    """Colour space and name of a profile."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    name = " ".join(ImageCms.getProfileDescription(opened).split())
    plain = "".join(letter for letter in name if letter.isprintable())[:_LONGEST_NAME]
    return opened.profile.xcolor_space.strip(), plain or "its own profile"


def _in_space(image: Image.Image, space: str) -> Image.Image | None:
    """The colours, without transparency, in the mode that a profile of this space is for; None when it does not fit."""
    if space == "RGB" and image.mode not in ("CMYK", "LAB"):
        return image.convert("RGB")
    if space == "GRAY" and image.mode in ("1", "L", "LA", "La"):
        return image.convert("L")
    return image if space == "CMYK" and image.mode == "CMYK" else None


@lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile to sRGB; None when that changes nothing worth speaking of."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    transform = ImageCms.buildTransform(
        opened,
        _SRGB,
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if mode == "CMYK":
        return transform
    colours = _every_colour().convert(mode)
    moved = np.asarray(_apply(colours, transform)).astype(int)
    before = np.asarray(colours.convert("RGB")).astype(int)
    return None if np.abs(moved - before).max() <= _MOST_DIFFERENCE else transform


def _every_colour() -> Image.Image:
    """A grid over the cube of colours, (27, 27) pixels of RGB: 9 steps of each channel."""
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1)
    return Image.fromarray(grid.reshape(27, 27, 3))
