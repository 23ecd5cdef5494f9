"""Demo photos as folders CLASS/NAME.jpg, made from what is on the machine or can be fetched."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image
from platformdirs import user_data_path

from kec_core.disk import reason
from kec_core.errors import InputError, ResourceMissing, StoreError
from kec_core.paths import exists, is_folder
from kec_core.photos.images import find_images
from kec_core.store import own_folder
from provision.sources import (
    Found,
    Report,
    Source,
    apt_install,
    first_found,
    folder_in_environment,
    reported,
    run_python,
)

STAMPS_FOLDER = Path("/usr/share/tuxpaint/stamps")

STAMP_CLASSES = {
    "animals/birds": "bird",
    "animals/fish": "fish",
    "animals/insects": "insect",
    "animals/mammals": "mammal",
    "animals/marsupials": "mammal",
    "food/fruit": "fruit",
    "food/vegetables": "vegetable",
    "hobbies/music": "musical_instrument",
    "household/tools": "tool",
    "military/vehicles": "vehicle",
    "plants/flowers": "flower",
    "symbols/money": "coin",
    "town/roadsigns": "road_sign",
    "vehicles": "vehicle",
}
"""Folders of stamps that are taken, with the class each stands for."""

DRAWN_FOLDERS = {"cartoon", "toys", "plastic", "00_symbols"}
PARTIAL_STAMPS = {"sedan_police.png"}  # a decal to lay over another stamp
PHOTO_COLOURS = 15.0
"""Distinct colours per square root of opaque pixels: drawings lie below 12, photos above 21       [M]"""
OPAQUE = 255
LONGEST_SHORT_SIDE = 256
JPEG_QUALITY = 92

PER_CLASS = 60
"""How many photos of each class are taken from a large set."""
DIGIT_SIDE = 64
_FETCH_IMAGENETTE = (
    "import sys, torchvision as t; t.datasets.Imagenette(sys.argv[1], 'val', '160px', download=True)"
)


def ensure_demo(say: Report) -> Found:
    """Demo photos: the folder in ``$KEC_DEMO``, else Tux Paint's stamps, Imagenette, scikit-learn's digits.

    Raises:
        InputError: ``$KEC_DEMO`` holds no image.
        ResourceMissing: no source works.
    """
    given = folder_in_environment("KEC_DEMO")
    if given:
        if not is_folder(given) or next(find_images(given), None) is None:
            raise InputError(
                f"{given} should be a folder of demo photos, but holds no image; choose another."
            )
        return reported(_found(given, "the folder given"), say)
    sources: list[Source] = [
        ("Tux Paint's stamps, made earlier", lambda: _made_earlier("stamps", "Tux Paint's stamps")),
        ("Tux Paint's stamps on this machine", _made_from_stamps),
        ("apt-get install tuxpaint-stamps-default", lambda: _made_from_package(say)),
        ("Imagenette, fetched earlier", lambda: _made_earlier("imagenette", "Imagenette")),
        ("torchvision's Imagenette", _made_from_imagenette),
        ("scikit-learn's digits", _made_from_digits),
    ]
    return first_found("demo photos", sources, "set KEC_DEMO to a folder of photos", say)


def _found(folder: Path, source: str, note: str = "") -> Found:
    return Found(resource="demo photos", path=folder, source=source, note=note)


def _made_earlier(name: str, source: str) -> Found:
    folder = demo_folder(name)
    if not is_folder(folder):
        raise ResourceMissing("not there")
    return _found(folder, source)


def _made_from_stamps() -> Found:
    if not is_folder(STAMPS_FOLDER):
        raise ResourceMissing("not there")
    folder, count = make_folder("stamps", lambda out: from_stamps(STAMPS_FOLDER, out))
    return _found(folder, "Debian's tuxpaint-stamps-default", f"{count} cut-out photos on white, GPL-2")


def _made_from_package(say: Report) -> Found:
    apt_install("tuxpaint-stamps-default", say)
    return _made_from_stamps()


def _made_from_imagenette() -> Found:
    with tempfile.TemporaryDirectory() as root:
        run_python(_FETCH_IMAGENETTE, root)
        folder, count = make_folder("imagenette", lambda out: from_imagenette(Path(root), out))
    return _found(folder, "torchvision's Imagenette", f"{count} photos")


def _made_from_digits() -> Found:
    folder, count = make_folder("digits", from_digits)
    note = f"{count} scanned digits, not photos: words fit them badly"
    return _found(folder, "scikit-learn's digits", note)


def data_dir() -> Path:
    """The folder of things made for the person: ``$KEC_DATA_DIR``, else the user's data folder; made if absent.

    Raises:
        StoreError: it cannot be made.
    """
    return own_folder("data", "KEC_DATA_DIR", user_data_path("kec-studio"))


def demo_folder(name: str) -> Path:
    """Where the demo photos of one source lie, whether they exist or not."""
    return data_dir() / "demo-photos" / name


def make_folder(name: str, fill: Callable[[Path], int]) -> tuple[Path, int]:
    """Fill a new demo folder; it appears whole or not at all. Returns it and the number of photos.

    Raises:
        ResourceMissing: ``fill`` found no photo.
        StoreError: the folder cannot be written.
    """
    folder = demo_folder(name)
    fresh = folder.with_name(f"{name}.new{os.getpid()}")
    try:
        fresh.mkdir(parents=True)
        count = fill(fresh)
        if count == 0:
            raise ResourceMissing(f"The source of the demo photos ({name}) holds no usable photo.")
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    except OSError as error:
        raise StoreError(
            f"The demo photos could not be written to {folder} ({reason(error, folder)}); free some space or set "
            "KEC_DATA_DIR to a writable folder."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder, count


def from_stamps(stamps: Path, out: Path) -> int:
    """Write the photo-like stamps of Tux Paint, laid on white, as ``out/CLASS/NAME.jpg``; returns how many."""
    seen: set[str] = set()
    count = 0
    for path, label in _stamps(stamps):
        with Image.open(path) as image:
            stamp = image.convert("RGBA")
        digest = sha256(stamp.tobytes()).hexdigest()
        if digest not in seen and is_photo(stamp):
            _save_jpeg(_on_white(stamp), out / label / f"{path.stem}.jpg")
            count += 1
        seen.add(digest)
    return count


def _stamps(root: Path) -> Iterator[tuple[Path, str]]:
    """The stamps of the wanted folders with their classes, sorted; folders of drawings, decals and mirrored twins left out."""
    for folder, label in STAMP_CLASSES.items():
        for path in sorted((root / folder).rglob("*.png")):
            drawn = DRAWN_FOLDERS & set(path.relative_to(root).parts)
            if not drawn and path.name not in PARTIAL_STAMPS and not path.stem.endswith("_mirror"):
                yield path, label


def is_photo(stamp: Image.Image) -> bool:
    """Whether a cut-out is rich enough in colours to be a photo and not a drawing."""
    pixels = np.asarray(stamp.convert("RGBA")).reshape(-1, 4)
    opaque = pixels[pixels[:, 3] >= OPAQUE, :3].astype(np.uint32)
    colours = np.unique(opaque @ np.array([1, 256, 65536], dtype=np.uint32))
    return bool(len(colours)) and len(colours) >= PHOTO_COLOURS * math.sqrt(len(opaque))


def _on_white(stamp: Image.Image) -> Image.Image:
    white = Image.new("RGBA", stamp.size, "white")
    white.alpha_composite(stamp)
    return white.convert("RGB")


def _save_jpeg(photo: Image.Image, path: Path) -> None:
    """Save with the shorter side at most LONGEST_SHORT_SIDE, never enlarged, under a name not yet taken."""
    scale = LONGEST_SHORT_SIDE / min(photo.size)
    if scale < 1:
        photo = photo.resize(
            (round(photo.width * scale), round(photo.height * scale)), Image.Resampling.LANCZOS
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    free = path
    number = 2
    while exists(free):
        free = path.with_stem(f"{path.stem}_{number}")
        number += 1
    photo.save(free, quality=JPEG_QUALITY, subsampling=0)


def from_imagenette(root: Path, out: Path) -> int:
    """Copy PER_CLASS photos of each class of a fetched Imagenette (160 px, val) to ``out/CLASS``; returns how many."""
    from torchvision.datasets import Imagenette

    data = Imagenette(str(root), split="val", size="160px", download=False)
    taken = dict.fromkeys(range(len(data.classes)), 0)
    for path, label in data._samples:
        if taken[label] < PER_CLASS:
            folder = out / data.classes[label][0].replace(" ", "_")
            folder.mkdir(exist_ok=True)
            shutil.copyfile(path, folder / Path(path).name)
            taken[label] += 1
    return sum(taken.values())


def from_digits(out: Path) -> int:
    """Write scikit-learn's handwritten digits, enlarged, as ``out/DIGIT/NUMBER.png``; returns how many."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    taken = dict.fromkeys(range(10), 0)
    for image, label in zip(digits.images, digits.target.tolist(), strict=True):
        if taken[label] < PER_CLASS:
            folder = out / str(label)
            folder.mkdir(exist_ok=True)
            picture = Image.fromarray((255 - image * (255 / 16)).astype(np.uint8))
            picture.resize((DIGIT_SIDE, DIGIT_SIDE)).convert("RGB").save(folder / f"{taken[label]:03d}.png")
            taken[label] += 1
    return sum(taken.values())
