"""Find photos of a project: by words, or like another photo; ranked by the features they were clustered on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, l2_normalize
from kec_core.clustering.geometry import confidence
from kec_core.encoders.base import collection_mean, visual_features
from kec_core.encoders.loading import encode_files
from kec_core.errors import InputError
from kec_core.knowledge.unique_names import is_unclear
from kec_core.paths import is_file
from kec_core.photos.exif import Exif
from kec_core.types import Knowledge
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_features
from state.revisions.overview import Overview, cluster_names, load_overview
from state.revisions.revisions import Revision
from state.work.editing import loaded_encoder, text_encoder
from state.work.photo_filter import PhotoFilter, matching

JUDGED_PHOTOS, BEST_PHOTOS = 5000, 20
"""Photos that suggested words are judged by, and those among them that each word fits best, at most."""
ANY = PhotoFilter()
"""Lets every photo through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A photo that was found.

    Attributes:
        image: its id.
        score: cosine with what was looked for, larger is nearer; None when only a filter was given.
        cluster: id of its cluster.
        name: of that cluster.
        exif: what its camera wrote.
    """

    image: str
    score: float | None
    cluster: int
    name: str
    exif: Exif

    def to_json(self) -> dict[str, Any]:
        """As ``kec search --json`` prints it."""
        known = asdict(self)
        exif = known.pop("exif")
        return {**known, **exif, "score": None if self.score is None else round(self.score, 4)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """The photos of a revision, ready to be searched; a search compares with every photo once.

    Attributes:
        project, revision: where the photos are from.
        ids: N image ids.
        x: visual features, float32 (N, d), unit rows.
        overview: of the clustering.
        names: of the clusters, by id.
    """

    project: Project
    revision: Revision
    ids: tuple[str, ...]
    x: FloatMatrix
    overview: Overview
    names: list[str]

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of every photo by its id."""
        return {image: row for row, image in enumerate(self.ids)}

    @cached_property
    def _labels(self) -> list[str | None]:
        return self.project.labels(self.revision.scan)

    @cached_property
    def exif(self) -> list[Exif]:
        """What the camera of each photo wrote."""
        return self.project.exif(self.revision.scan)

    @property
    def sizes(self) -> list[int]:
        """How many photos each cluster has, by id."""
        sizes: list[int] = np.bincount(self.overview.labels, minlength=len(self.names)).tolist()
        return sizes

    def matching(self, chosen: PhotoFilter) -> NDArray[np.bool_]:
        """The photos that a filter lets through, bool (N,)."""
        return matching(
            chosen,
            ids=self.ids,
            clusters=np.asarray(self.overview.labels),
            confidence=confidence(np.asarray(self.overview.own), np.asarray(self.overview.rival)),
            labels=self._labels if chosen.labels else (),
            exif=self.exif if chosen.needs_exif else (),
        )

    def words(self, query: str, top: int, chosen: PhotoFilter = ANY) -> tuple[Found, ...]:
        """The photos that words fit best, best first.

        Args:
            query: what can be seen in the photos looked for.
            top: how many photos at most, at least 1.
            chosen: which photos are compared.

        Raises:
            InputError: no words came, or ``top`` is below 1.
            ResourceMissing: the weights of the encoder are not on this machine.
        """
        query = " ".join(query.split())
        if not query:
            raise InputError(
                'Words to look for were expected, but none came; write for example "red flowers".'
            )
        text = text_encoder(self.revision.facts.encoder)([query])
        return self._nearest(l2_normalize(text)[0], top, self.matching(chosen))

    def like(self, photos: Sequence[str], top: int, chosen: PhotoFilter = ANY) -> tuple[Found, ...]:
        """The photos most like others, by the mean of these; they themselves are left out.

        Args:
            photos: ids in the project, or paths of any photo files; at least one.
            top: as for ``words``.
            chosen: as for ``words``.

        Raises:
            InputError: there is neither such a photo nor such a file, a file is no photo that can be read, none came,
                or ``top`` is below 1.
            ResourceMissing: the weights of the encoder are not on this machine.
        """
        if not photos:
            raise InputError("A photo to compare with was expected, but none came; name one.")
        rows = [self._row(photo) for photo in photos]
        vectors = [
            self._encoded(photo) if row is None else self.x[row]
            for photo, row in zip(photos, rows, strict=True)
        ]
        among = self.matching(chosen)
        among[[row for row in rows if row is not None]] = False
        return self._nearest(l2_normalize(np.mean(vectors, axis=0, keepdims=True))[0], top, among)

    def filtered(self, chosen: PhotoFilter, top: int) -> tuple[Found, ...]:
        """The photos that a filter lets through, in the order of their names.

        Args:
            chosen: the filter.
            top: how many photos at most, at least 1.

        Raises:
            InputError: ``top`` is below 1.
        """
        _check_top(top)
        return self._found(np.flatnonzero(self.matching(chosen))[:top])

    def newest(self, top: int) -> tuple[Found, ...]:
        """The photos that were taken last; those that do not tell when follow, in the order of their names.

        Args:
            top: how many photos at most, at least 1.

        Raises:
            InputError: ``top`` is below 1.
        """
        _check_top(top)
        order = sorted(range(len(self.ids)), key=lambda row: self.exif[row].taken, reverse=True)
        return self._found(np.array(order[:top], dtype=np.intp))

    def suggested_words(self, count: int) -> tuple[str, ...]:
        """Names and attributes of the knowledge that each set other photos apart, best first.

        A word is judged by how much better it fits its best photos than all; of two that show the same photos the better
        one is taken. Of many photos a sample is looked at.

        Args:
            count: how many words at most.

        Raises:
            ResourceMissing: the weights of the encoder are not on this machine.
        """
        words = _shown_words(self.revision.knowledge)
        if not words:
            return ()
        texts = l2_normalize(text_encoder(self.revision.facts.encoder)(words))
        fits = texts @ np.asarray(self.x[:: max(1, len(self.x) // JUDGED_PHOTOS)]).T
        few = min(fits.shape[1], max(3, min(BEST_PHOTOS, fits.shape[1] // BEST_PHOTOS)))
        best = np.argpartition(-fits, few - 1, axis=1)[:, :few]
        gains = np.take_along_axis(fits, best, axis=1).mean(axis=1) - fits.mean(axis=1)
        chosen: dict[str, set[int]] = {}
        for place in np.argsort(-gains, kind="stable").tolist():
            photos = set(best[place].tolist())
            if all(len(photos & others) <= few // 3 for others in chosen.values()):
                chosen[words[place]] = photos
        return tuple(chosen)[:count]

    def _row(self, photo: str) -> int | None:
        """The row of a photo of the project, by its id or its path."""
        if photo in self.row_of:
            return self.row_of[photo]
        root = self.project.images_root
        path = Path(photo).expanduser().resolve()
        if root is None or not path.is_relative_to(root.resolve()):
            return None
        return self.row_of.get(path.relative_to(root.resolve()).as_posix())

    def _encoded(self, photo: str) -> FloatVector:
        path = Path(photo).expanduser()
        if not is_file(path):
            raise InputError(
                f"A photo of the project or a photo file was expected, but there is no {photo!r}; check the name."
            )
        encoded = encode_files(loaded_encoder(self.revision.facts.encoder), [path])
        if encoded.failed:
            raise InputError(f"{photo} cannot be used: {encoded.failed[0][1]}; give another photo.")
        features = load_features(self.project, self.revision)
        mean = collection_mean(features.raw, features.defaults)
        found: FloatVector = visual_features(encoded.features, features.defaults, mean=mean)[0]
        return found

    def _nearest(self, query: FloatVector, top: int, among: NDArray[np.bool_]) -> tuple[Found, ...]:
        _check_top(top)
        rows = np.flatnonzero(among)
        scores = self.x @ query if len(rows) == len(self.x) else self.x[rows] @ query
        count = min(top, len(rows))
        best = np.argpartition(-scores, max(count - 1, 0))[:count] if count else rows
        order = best[np.lexsort((best, -scores[best]))]
        return self._found(rows[order], scores[order])

    def _found(self, rows: NDArray[np.intp], scores: FloatVector | None = None) -> tuple[Found, ...]:
        clusters = np.asarray(self.overview.labels)[rows].tolist()
        values = [None] * len(rows) if scores is None else scores.tolist()
        return tuple(
            Found(
                image=self.ids[row],
                score=score,
                cluster=cluster,
                name=self.names[cluster],
                exif=self.exif[row],
            )
            for row, score, cluster in zip(rows.tolist(), values, clusters, strict=True)
        )


def _shown_words(knowledge: Knowledge) -> list[str]:
    """What concepts are called and what is typical of them, each once; of those that count and that words fit."""
    told = {one.id: one for one in knowledge.concepts if not one.muted and not is_unclear(one)}
    texts = [
        *(one.name for one in told.values()),
        *(one.text for one in knowledge.uni if one.concept in told),
    ]
    return list({text.casefold(): text for text in reversed(texts)}.values())[::-1]


def _check_top(top: int) -> None:
    if top < 1:
        raise InputError(f"At least 1 photo should be asked for, but {top} came; ask for 20, for example.")


def open_search(project: Project, revision: Revision | None = None, x: FloatMatrix | None = None) -> Search:
    """The photos of a revision, the shown one by default.

    Args:
        project: which.
        revision: which of its results.
        x: its visual features where they are in memory already, else they are read.

    Raises:
        InputError: there is no result yet.
        StoreError: a stored result is missing or damaged.
    """
    shown = revision or revisions.need_current(project, "result to search yet")
    overview = load_overview(project, shown)
    return Search(
        project=project,
        revision=shown,
        ids=tuple(image.id for image in project.images(shown.scan)),
        x=load_features(project, shown).visual() if x is None else x,
        overview=overview,
        names=cluster_names(overview, shown.knowledge),
    )
