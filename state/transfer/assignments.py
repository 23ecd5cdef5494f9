"""Which photo went where, how surely, and by which concept: one row per photo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kec_core.arrays import FloatVector, IntVector
from kec_core.errors import StoreError
from kec_core.photos.exif import Exif
from kec_core.types import Grounding, Knowledge
from state.project.project import Project
from state.revisions.clusterings import Features
from state.revisions.overview import cluster_names, load_overview
from state.revisions.revisions import Revision
from state.transfer.csv_cells import Cell


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assignments:
    """Row i of everything belongs to ``files[i]``.

    Attributes:
        files: N image ids.
        clusters: int32 (N,).
        names: name of every cluster, by its id.
        confidence: float32 (N,) in [0, 1]: 0 on the border to the nearest other cluster, 1 at the cluster's centre.
        concepts: name of each photo's strongest concept, "" without concepts.
        labels: the person's labels, None where unknown; empty when there are none at all.
        exif: what the cameras wrote.
    """

    files: tuple[str, ...]
    clusters: IntVector
    names: tuple[str, ...]
    confidence: FloatVector
    concepts: tuple[str, ...]
    labels: tuple[str | None, ...]
    exif: tuple[Exif, ...]

    def columns(self) -> dict[str, Sequence[Cell]]:
        """The table that is exported, column by column; labels and what cameras wrote only where photos have any."""
        clusters = self.clusters.tolist()
        columns: dict[str, Sequence[Cell]] = {
            "file": self.files,
            "cluster": clusters,
            "cluster_name": [self.names[cluster] for cluster in clusters],
            "confidence": [round(value, 4) for value in self.confidence.tolist()],
            "concept": self.concepts,
        }
        if self.labels:
            columns["label"] = self.labels
        return columns | {
            name: cells
            for name, cells in self._exif_columns()
            if any(cell not in ("", None) for cell in cells)
        }

    def _exif_columns(self) -> Iterator[tuple[str, Sequence[Cell]]]:
        yield "taken", [one.taken for one in self.exif]
        yield "camera", [one.camera for one in self.exif]
        yield "latitude", [one.place.latitude if one.place else None for one in self.exif]
        yield "longitude", [one.place.longitude if one.place else None for one in self.exif]


def load_assignments(project: Project, revision: Revision, features: Features) -> Assignments:
    """The assignments of a revision.

    Raises:
        StoreError: a result is missing or damaged, or does not fit the photos of the revision.
    """
    overview = load_overview(project, revision)
    files = tuple(image.id for image in project.images(revision.scan))
    if files != features.ids or len(files) != len(overview.labels):
        raise StoreError(
            f"The {len(overview.labels)} rows of revision {revision.id} do not fit its {len(files)} photos; "
            "run the project again to restore it."
        )
    labels = tuple(project.labels(revision.scan))
    return Assignments(
        files=files,
        clusters=np.asarray(overview.labels),
        names=tuple(cluster_names(overview, revision.knowledge)),
        confidence=overview.confidence,
        concepts=strongest_concepts(features.grounding, revision.knowledge),
        exif=tuple(project.exif(revision.scan)),
        labels=labels if any(label is not None for label in labels) else (),
    )


def strongest_concepts(grounding: Grounding, knowledge: Knowledge) -> tuple[str, ...]:
    """The name of the concept with the largest omega, for each photo."""
    names = [knowledge.by_id[i].name if i in knowledge.by_id else i for i in grounding.concept_ids]
    return tuple("" if column < 0 else names[column] for column in grounding.winner.tolist())
