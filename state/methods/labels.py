"""What the comparison of methods needs of labels and files: class names, labels of the test photos, captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from kec_core.arrays import IntVector, Progress, as_labels
from kec_core.disk import short
from kec_core.errors import InputError
from kec_core.llm.captions import caption_photos
from kec_core.llm.client import LLMClient
from kec_core.llm.cost import Meter
from kec_core.methods import MethodInputs
from kec_core.methods.prepare import Split
from kec_core.photos.images import ImageRecord
from kec_core.wording import counted
from state.llm.setup import LLMSetup
from state.project.project import Project
from state.transfer.label_files import labels_from_file


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoCaptions:
    """Where captions come from; neither: there are none.

    Attributes:
        file: CSV with columns file and caption.
        model: shown every photo, so photos leave this machine; only with the person's consent.
    """

    file: Path | None = None
    model: LLMSetup | None = None


def photo_captions(
    project: Project, source: PhotoCaptions, photos: Sequence[ImageRecord], progress: Progress
) -> tuple[str, ...]:
    """A caption for each of these photos, "" where there is none; no caption at all without a source.

    Args:
        project: keeps the model's answers, so each photo is sent once.
        source: a file or a model.
        photos: in the order of the captions.
        progress: told while a model is asked; may raise Cancelled.

    Raises:
        InputError: the file is not usable, or holds no caption of these photos.
        LLMError: the model does not answer, or cannot see photos.
    """
    root = project.images_root
    if root is None or (source.file is None and source.model is None):
        return ()
    if source.file is not None:
        found = labels_from_file(source.file, root, project.images(), column="caption").labels
        captions = tuple(found.get(photo.id, "") for photo in photos)
    else:
        assert source.model is not None
        described = caption_photos(
            _client(project, source.model), photos, root, consent=True, progress=progress
        )
        captions = tuple(caption.text for caption in described)
    if not any(captions):
        raise InputError(
            f"Of {counted(len(photos), 'photo')} none has a caption; write one line per photo with its file and caption."
        )
    return captions


def _client(project: Project, setup: LLMSetup) -> LLMClient:
    """Asks again for what failed: a model that could not see the first photo may have been put right since."""
    meter = Meter(setup.budget, setup.price)
    return LLMClient(setup.endpoint, project.answers, setup.config, meter=meter, retry_failed=True)


def labels_of_test(labels: Sequence[str | None], split: Split | None) -> list[str | None]:
    """Labels of the photos that are clustered, without the name of the part of a split.

    Args:
        labels: of all photos, None where unknown.
        split: of the collection.
    """
    if split is None:
        return list(labels)
    return [_below_part(labels[row]) for row in split.test]


def _below_part(label: str | None) -> str | None:
    """A label made of folders without its first one, which only names the part."""
    if label is None:
        return None
    path = PurePosixPath(label)
    if len(path.parts) < 2 or path.parts[0] not in ("train", "test"):
        return label
    return str(PurePosixPath(*path.parts[1:]))


def with_answers(inputs: MethodInputs, labels: Sequence[str | None]) -> MethodInputs:
    """Class names in label order, and labels where every photo has one; ``run_method`` hides them."""
    known = sorted({label for label in labels if label is not None})
    if not known:
        return inputs
    complete = all(label is not None for label in labels)
    ids = as_labels([label or "" for label in labels]) if complete else None
    return replace(inputs, class_names=readable_names(known), labels=ids)


def readable_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels as words for prompts: the innermost folder, with spaces; the whole where those would coincide."""
    short = [_words(PurePosixPath(label).name) for label in labels]
    if len(set(short)) == len(labels):
        return tuple(short)
    return tuple(_words(label) for label in labels)


def _words(label: str) -> str:
    return " ".join(label.replace("_", " ").replace("-", " ").replace("/", " ").split())


def top1(labels: IntVector, truth: Sequence[str | None]) -> float:
    """Share of labelled photos whose class name is the predicted one, without any matching."""
    known = sorted({label for label in truth if label is not None})
    position = {label: i for i, label in enumerate(known)}
    rows = [(row, position[label]) for row, label in enumerate(truth) if label is not None]
    return float(np.mean([labels[row] == answer for row, answer in rows]))


def read_captions(path: Path) -> tuple[str, ...]:
    """Captions from a text file, one per line; blank lines and repeats are dropped.

    Raises:
        InputError: not readable as UTF-8 text, or empty.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"Captions should be a text file in UTF-8 with one caption per line, but {path} cannot be read ({short(error)})."
        ) from error
    captions = tuple(dict.fromkeys(filter(None, (" ".join(line.split()) for line in lines))))
    if not captions:
        raise InputError(f"{path} holds no caption; write one per line.")
    return captions
