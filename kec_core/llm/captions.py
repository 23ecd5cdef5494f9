"""One sentence per photo from a model that sees photos: the baseline "caption + cluster" (methods.md 7.3).

The one place where photos leave the machine, so nothing is sent without the person's consent.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from kec_core.arrays import Progress, no_progress
from kec_core.errors import InputError, LLMError
from kec_core.llm.client import LLMClient
from kec_core.llm.cost import Estimate
from kec_core.llm.dialogue import Outcome
from kec_core.llm.prompts import Question, caption_question
from kec_core.photos.images import ImageRecord, open_image, thumbnail

SIDE = 512
"""Photos are shrunk to at most so many pixels per side, and lose their metadata, before they are sent."""
_BATCH = 100  # photos held in memory at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What a model says about one photo: at most 40 words, or "" and the reason why there are none."""

    text: str
    reason: str = ""


def caption_photos(
    client: LLMClient,
    photos: Sequence[ImageRecord],
    root: Path,
    *,
    consent: bool,
    progress: Progress = no_progress,
) -> list[Caption]:
    """Have every photo described; the same photo is asked about once, also over several runs.

    Args:
        client: an endpoint whose model takes photos.
        photos: below ``root``; a photo that cannot be read gets no caption.
        root: folder of the photos.
        consent: the person has agreed that these photos are sent to the client's endpoint.
        progress: told (described, all, label) at least five times a second while asking; may raise Cancelled.

    Returns:
        One caption per photo, in order.

    Raises:
        InputError: there is no consent.
        LLMError: the model could not describe the first photo at all; and what ``LLMClient.ask`` raises.
    """
    if not consent:
        raise InputError(
            f"Captions send every photo to {client.endpoint.url}, but nobody has agreed to that; agree first, or "
            "choose a method that keeps photos on this machine."
        )
    different = {photo.sha256: photo for photo in photos}
    found = _stored(client, list(different.values()))
    waiting = [photo for key, photo in different.items() if key not in found]
    for start, stop in _batches(len(waiting)):

        def told(done: int, _total: int, label: str, before: int = len(found)) -> None:
            progress(before + done, len(different), label)

        found |= _ask(client, waiting[start:stop], root, told, blind=not found)
    return [found[photo.sha256] for photo in photos]


def estimate_captions(client: LLMClient, photos: Sequence[ImageRecord]) -> Estimate:
    """What ``caption_photos`` would cost now; reads no photo and asks nothing."""
    return client.estimate([caption_question(photo.sha256, "") for photo in photos])


def _batches(count: int) -> list[tuple[int, int]]:
    """The first photo alone: it tells whether the model sees photos at all."""
    return list(pairwise([0, *range(1, count, _BATCH), count])) if count else []


def _stored(client: LLMClient, photos: Sequence[ImageRecord]) -> dict[str, Caption]:
    outcomes = client.recall([caption_question(photo.sha256, "") for photo in photos])
    pairs = zip(photos, outcomes, strict=True)
    return {photo.sha256: _caption(outcome) for photo, outcome in pairs if outcome.status == "cached"}


def _ask(
    client: LLMClient,
    photos: Sequence[ImageRecord],
    root: Path,
    progress: Progress,
    *,
    blind: bool,
) -> dict[str, Caption]:
    """Captions of these photos; with ``blind`` nobody knows yet whether the model sees, so one failure ends it."""
    captions: dict[str, Caption] = {}
    questions: dict[str, Question] = {}
    for photo in photos:
        try:
            questions[photo.sha256] = caption_question(photo.sha256, _data_address(root / photo.id))
        except InputError as error:
            captions[photo.sha256] = Caption(text="", reason=str(error))
    outcomes = client.ask(list(questions.values()), progress=progress, label="captions")
    if blind and outcomes and all(outcome.answer is None for outcome in outcomes):
        raise LLMError(
            f"{client.endpoint.model} at {client.endpoint.url} could not describe the first photo: "
            f"{outcomes[0].reason}. Choose a model that takes photos."
        )
    return captions | dict(zip(questions, map(_caption, outcomes), strict=True))


def _data_address(path: Path) -> str:
    jpeg = thumbnail(open_image(path, min_side=SIDE), SIDE)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _caption(outcome: Outcome) -> Caption:
    text = "" if outcome.answer is None else str(outcome.answer["caption"])
    return Caption(text=text, reason=outcome.reason)
