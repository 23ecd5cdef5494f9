"""Find photos of a project: by words, or like another photo; ranked by the features they were clustered on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kec_core.arrays import FloatMatrix, FloatVector, IntVector, l2_normalize
from kec_core.encoders.base import collection_mean, visual_features
from kec_core.encoders.loading import encode_files
from kec_core.errors import InputError
from kec_core.paths import is_file
from state.project.project import Project
from state.revisions import revisions
from state.revisions.features import Features, load_features
from state.revisions.overview import cluster_names, load_overview
from state.revisions.revisions import Revision
from state.work.editing import loaded_encoder, text_encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A photo that was found.

    Attributes:
        image: its id.
        score: cosine with what was looked for, larger is nearer.
        cluster: id of its cluster.
        name: of that cluster.
    """

    image: str
    score: float
    cluster: int
    name: str

    def to_json(self) -> dict[str, Any]:
        """As ``kec search --json`` prints it."""
        return {**asdict(self), "score": round(self.score, 4)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """The photos of a revision, ready to be searched; a search compares with every photo once.

    Attributes:
        project, revision: where the photos are from.
        features: of N photos.
        labels: int32 (N,), cluster of each photo.
        names: of the clusters, by id.
    """

    project: Project
    revision: Revision
    features: Features
    labels: IntVector
    names: list[str]

    @cached_property
    def x(self) -> FloatMatrix:
        """Visual features, float32 (N, d), unit rows."""
        return self.features.visual()

    def words(self, query: str, top: int) -> tuple[Found, ...]:
        """The photos that words fit best, best first.

        Args:
            query: what can be seen in the photos looked for.
            top: how many photos at most, at least 1.

        Raises:
            InputError: no words came, or ``top`` is below 1.
            ResourceMissing: the weights of the encoder are not on this machine.
        """
        query = " ".join(query.split())
        if not query:
            raise InputError(
                'Words to look for were expected, but none came; write for example "red flowers".'
            )
        return self._nearest(l2_normalize(text_encoder(self.revision.facts.encoder)([query]))[0], top)

    def like(self, photo: str, top: int) -> tuple[Found, ...]:
        """The photos most like a photo, most alike first; a photo of the project itself is left out.

        Args:
            photo: its id in the project, or the path of any photo file.
            top: as for ``words``.

        Raises:
            InputError: there is neither such a photo nor such a file, the file is no photo that can be read, or
                ``top`` is below 1.
            ResourceMissing: the weights of the encoder are not on this machine.
        """
        row = self._row(photo)
        if row is not None:
            return self._nearest(self.x[row], top, but=row)
        path = Path(photo).expanduser()
        if not is_file(path):
            raise InputError(
                f"A photo of the project or a photo file was expected, but there is no {photo!r}; check the name."
            )
        encoded = encode_files(loaded_encoder(self.revision.facts.encoder), [path])
        if encoded.failed:
            raise InputError(f"{photo} cannot be used: {encoded.failed[0][1]}; give another photo.")
        mean = collection_mean(self.features.raw, self.features.defaults)
        return self._nearest(visual_features(encoded.features, self.features.defaults, mean=mean)[0], top)

    def _row(self, photo: str) -> int | None:
        names = [photo]
        root = self.project.images_root
        path = Path(photo).expanduser().resolve()
        if root is not None and path.is_relative_to(root.resolve()):
            names.append(path.relative_to(root.resolve()).as_posix())
        return next((self.features.ids.index(name) for name in names if name in self.features.ids), None)

    def _nearest(self, query: FloatVector, top: int, *, but: int | None = None) -> tuple[Found, ...]:
        if top < 1:
            raise InputError(
                f"At least 1 photo should be asked for, but {top} came; ask for 20, for example."
            )
        scores = self.x @ query
        if but is not None:
            scores[but] = -np.inf
        count = min(top, len(scores) - (but is not None))
        best = np.argpartition(-scores, max(count - 1, 0))[:count]
        order = best[np.lexsort((best, -scores[best]))]
        return tuple(
            Found(
                image=self.features.ids[row],
                score=float(scores[row]),
                cluster=int(self.labels[row]),
                name=self.names[int(self.labels[row])],
            )
            for row in order.tolist()
        )


def open_search(project: Project, revision: Revision | None = None) -> Search:
    """The photos of a revision, the shown one by default.

    Raises:
        InputError: there is no result yet.
        StoreError: a stored result is missing or damaged.
    """
    shown = revision or revisions.current(project)
    if shown is None:
        raise InputError(
            f"The project {project.name!r} has no result to search yet; run 'kec run IMAGES --project {project.folder}' first."
        )
    overview = load_overview(project, shown)
    return Search(
        project=project,
        revision=shown,
        features=load_features(project, shown),
        labels=overview.labels,
        names=cluster_names(overview, shown.knowledge),
    )
