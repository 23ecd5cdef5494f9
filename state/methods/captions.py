"""One caption per photo for the method that clusters captions: from a file, or from a model that is shown the photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kec_core.arrays import Progress
from kec_core.errors import InputError
from kec_core.llm.captions import caption_photos
from kec_core.llm.client import LLMClient
from kec_core.llm.cost import Meter
from kec_core.photos.images import ImageRecord
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
            f"None of the {len(photos)} photos has a caption; write one line per photo with its file and caption."
        )
    return captions


def _client(project: Project, setup: LLMSetup) -> LLMClient:
    return LLMClient(setup.endpoint, project.answers, setup.config, meter=Meter(setup.budget, setup.price))
