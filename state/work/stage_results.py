"""What the stages of the latest run made, with the photos behind it: read from the store, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.photos.images import ImageRecord
from kec_core.store import StageResult
from kec_core.types import Knowledge
from state.project.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """One over-cluster: the nouns nearest to its centre and some of its photos.

    Attributes:
        component: the concept component it went to, None before that stage.
    """

    number: int
    size: int
    nouns: tuple[str, ...]
    photos: tuple[ImageRecord, ...]
    component: int | None


class StageResults:
    """Results of the stages that are done; a stage that is not gives None or nothing.

    Args:
        project: whose.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._keys = {
            r.report.stage: r.report.fingerprint for r in project.stage_reports() if r.state == "fresh"
        }
        self._photos: tuple[ImageRecord, ...] | None = None

    def photos(self) -> tuple[ImageRecord, ...]:
        """The photo behind every row of the arrays, in row order; empty before "embed" is done."""
        if self._photos is None:
            embedded = self._load("embed")
            project = self._project
            known = {image.id: image for image in (*project.images(project.last_scan), *project.images())}
            ids = embedded.data["ids"] if embedded else ()
            self._photos = tuple(known.get(i) or _gone(i) for i in ids)
        return self._photos

    def n_centres(self) -> int:
        """How many over-clusters there are; 0 before that stage is done."""
        over = self._load("overcluster")
        return 0 if over is None else len(over.arrays["centroids"])

    def sizes(self) -> IntVector:
        """int32 (k,), photos in each over-cluster."""
        over = self._load("overcluster")
        if over is None:
            return np.zeros(0, dtype=np.int32)
        return np.bincount(over.arrays["labels"], minlength=len(over.arrays["centroids"])).astype(np.int32)

    def centres(self, start: int, stop: int, *, photos: int = 6) -> tuple[Centre, ...]:
        """Over-clusters ``start`` to ``stop``, largest first, with at most that many photos spread over each."""
        over = self._load("overcluster")
        if over is None:
            return ()
        sizes = self.sizes()
        order = np.argsort(-sizes, kind="stable")[start:stop]
        words, merged = self._centre_nouns(), self._load("components")
        return tuple(
            Centre(
                number=int(centre),
                size=int(sizes[centre]),
                nouns=words[centre] if words else (),
                photos=self._spread(np.flatnonzero(over.arrays["labels"] == centre), photos),
                component=None if merged is None else int(merged.arrays["components"][centre]),
            )
            for centre in order
        )

    def knowledge(self) -> Knowledge | None:
        """The concepts, with attributes when those are done too."""
        stored = self._load("attributes") or self._load("concepts")
        return None if stored is None else Knowledge.from_json(stored.data["knowledge"])

    def concept_photos(
        self, concept_ids: Sequence[str], *, photos: int = 8
    ) -> dict[str, tuple[ImageRecord, ...]]:
        """For each of these concepts the photos it is strongest in, strongest first."""
        stored = self._load("ground")
        if stored is None:
            return {}
        omega: FloatMatrix = stored.arrays["omega"]
        column = {concept: place for place, concept in enumerate(stored.data["concept_ids"])}
        return {
            concept: self._strongest(omega[:, column[concept]], photos)
            for concept in concept_ids
            if concept in column
        }

    def _strongest(self, weights: FloatMatrix, count: int) -> tuple[ImageRecord, ...]:
        rows = np.argsort(-weights, kind="stable")[:count]
        return tuple(self.photos()[row] for row in rows)

    def _spread(self, rows: NDArray[np.intp], count: int) -> tuple[ImageRecord, ...]:
        shown = rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)] if len(rows) else rows
        return tuple(self.photos()[row] for row in shown)

    def _centre_nouns(self) -> list[tuple[str, ...]]:
        stored = self._load("nouns")
        if stored is None:
            return []
        pool = [word for word, _synset in stored.data["pool"]]
        return [tuple(pool[i] for i in line if i >= 0) for line in stored.arrays["nouns"]]

    def _load(self, stage: str) -> StageResult | None:
        key = self._keys.get(stage)
        return None if key is None else self._project.store.load(stage, key)


def _gone(image_id: str) -> ImageRecord:
    """Stands for a photo that later scans did not find: rows stay aligned."""
    return ImageRecord(id=image_id, width=0, height=0, sha256="", mode="")
