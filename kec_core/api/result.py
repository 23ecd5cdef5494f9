"""What the notebooks work with: groups of photos to look at, to correct and to keep (docs/api.md).

The core knows no project. The distribution says under the entry points ``kec_core.projects`` who keeps and opens them,
and they are loaded when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kec_core.api.features import features_of
from kec_core.api.input import EmbeddedPhotos, Looks, Photos, as_path
from kec_core.arrays import FloatVector, IntVector, Progress
from kec_core.clustering.geometry import centroids_of, confidence, nearness
from kec_core.config import RunConfig
from kec_core.encoders.base import Encoder, collection_mean
from kec_core.errors import InputError, ResourceMissing
from kec_core.explain import Explainer, Explanation, explain_place
from kec_core.grounding import product_centre
from kec_core.knowledge.edits import Edit, named, parse_edit
from kec_core.live import LiveState
from kec_core.live.edited import edited
from kec_core.result.cluster_names import state_names
from kec_core.result.group_model import Assigned, GroupModel, groups_of
from kec_core.types import Knowledge, SkippedImage
from kec_core.wording import counted

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

GROUP = "kec_core.projects"
"""The entry points "open" and "save"."""


def project_service(name: str) -> Callable[..., Any]:
    """What the app offers to notebooks: "open" (folder) or "save" (result, folder).

    Raises:
        ResourceMissing: the app is not installed.
    """
    for found in entry_points(group=GROUP, name=name):
        service: Callable[..., Any] = found.load()
        return service
    raise ResourceMissing(
        "Projects are kept by the app, but no app is installed beside this library; run 'pip install -e .' in the folder "
        "of KEC+ Studio."
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """Groups of N photos and what they were made from; every change gives another ``Result``.

    Attributes:
        state: knowledge, grounding and clustering, in the words of the library.
        photos: the photos and their features.
        encoder: of the features.
        config: every option.
        looks: encoder of the second space of looks where it came as one; None where its name or a table came, or nothing.
        notes: what the person should know, in sentences.
        made: the knowledge before all ``edits``.
        edits: those since the result was made or opened.
        given_names: of groups that the person named by other means than edits, by label.
        origin: the project and the revision that it was opened from; None for a result that was made here.
    """

    state: LiveState
    photos: EmbeddedPhotos
    encoder: Encoder
    config: RunConfig
    made: Knowledge
    looks: Encoder | None = None
    notes: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    given_names: Mapping[int, str] = field(default_factory=dict)
    origin: tuple[Path, str] | None = None

    def __repr__(self) -> str:
        return f"<Result: {counted(len(self.files), 'photo')} in {counted(len(self.names), 'group')}: {', '.join(self.names.values())}>"

    @property
    def labels(self) -> IntVector:
        """int32 (N,), the group of each photo."""
        labels: IntVector = np.asarray(self.state.clustering.labels)
        return labels

    @cached_property
    def names(self) -> dict[int, str]:
        """The name of each group, by its label."""
        return state_names(self.state, self.given_names)

    @property
    def knowledge(self) -> Knowledge:
        """Concepts and attributes, in words."""
        return self.state.knowledge

    @property
    def files(self) -> tuple[str, ...]:
        """Path of each photo below ``photos.root``, with "/"; the number of the row for features without photos."""
        return self.state.collection.image_ids

    @property
    def skipped(self) -> tuple[SkippedImage, ...]:
        """Files that are not used, and why."""
        return self.photos.skipped

    @cached_property
    def confidence(self) -> FloatVector:
        """float32 (N,) in [0, 1]: 0 on the border to the nearest other group, 1 at the group's centre."""
        fused = self.state.fused()
        centres = centroids_of(fused, self.labels, int(self.labels.max()) + 1)
        return confidence(*nearness(fused, centres, self.labels))

    @cached_property
    def model(self) -> GroupModel:
        """The groups as a model that sorts new photos."""
        state, collection = self.state, self.state.collection
        return GroupModel(
            encoder=self.encoder.info.name,
            revision=self.encoder.info.revision,
            knowledge=state.knowledge,
            vectors=state.vectors,
            grounding=collection.config,
            defaults=collection.defaults,
            weight=state.weight,
            mean=collection_mean(self.photos.raw, collection.defaults),
            product_centre=product_centre(collection.grounded, collection.config),
            whitening=collection.whitening,
            groups=groups_of(state.fused(), self.labels, self.names),
        )

    def assign(
        self, photos: Photos, *, looks: Looks | None = None, progress: bool | Progress = False
    ) -> Assigned:
        """Sort new photos into the groups.

        Args:
            photos: a folder, files, or raw features float32 (N, d), as in ``cluster``.
            looks: these photos in the second space of looks, where there is one: as in ``cluster``; None asks the encoder
                that the groups were made with.
            progress: as in ``cluster``.

        Raises:
            InputError: a photo cannot be used, for rows must stay aligned; nothing came; or features of the second space
                are not to be had, or came where there is none.
            ResourceMissing: weights of the second space are not on this machine.
            ShapeError: features that are not a finite table of the encoder's width.
        """
        space = self.model.space
        asked = looks is None and space is not None
        return self.model.assign(
            *features_of(photos, self.encoder, self.looks or space if asked else looks, progress)
        )

    def explain(self, photo: int | str, *, cluster: int | None = None) -> Explanation:
        """Why a photo is in its group: what its looks and each word add to its cosine to the group's centre.

        Args:
            photo: its row, or its entry in ``files``.
            cluster: another group than its own.

        Raises:
            InputError: there is no such photo or group.
        """
        row = self.files.index(photo) if isinstance(photo, str) and photo in self.files else photo
        if not isinstance(row, (int, np.integer)) or not 0 <= row < len(self.files):
            raise InputError(
                f"A row from 0 to {len(self.files) - 1} or one of the files was expected, but {photo!r} came."
            )
        return explain_place(self._explainer, int(row), cluster)

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.state)

    def to_frame(self) -> pd.DataFrame:
        """A table with a row per photo: file, cluster, cluster_name, confidence, concept ("" without concepts)."""
        import pandas as pd

        grounding, known = self.state.grounding, self.knowledge.by_id
        concepts = [known[one].name if one in known else one for one in grounding.concept_ids]
        labels = self.labels.tolist()
        return pd.DataFrame(
            {
                "file": list(self.files),
                "cluster": self.labels,
                "cluster_name": [self.names[label] for label in labels],
                "confidence": self.confidence,
                "concept": [concepts[column] if column >= 0 else "" for column in grounding.winner.tolist()],
            }
        )

    def plot(self) -> go.Figure:
        """A map: photos near each other look alike and mean the same; coloured by group, with small pictures."""
        from kec_core.api.plot import draw_map

        return draw_map(self.state, self.names, self.photos)

    def edit(self, edits: Sequence[Edit | Mapping[str, Any]]) -> Result:
        """The result after some edits: all of them, or none.

        Args:
            edits: values of ``kec_core.knowledge.edits``, or their JSON objects as in the scripts of ``kec edit``.

        Raises:
            InputError: an edit does not fit; names its index from 0.
        """
        if isinstance(edits, Edit | Mapping):
            raise InputError(
                "A list of edits was expected, but a single edit came; put it in brackets: [edit]."
            )
        if not isinstance(edits, Iterable):
            raise InputError(f"A list of edits was expected, but {edits!r} came; give [] for none.")
        parsed = [_as_edit(index, one) for index, one in enumerate(edits)]
        names = partial(state_names, given=self.given_names)
        done = edited(self.state, parsed, names=names, given=self.given_names)
        return replace(self, state=done.state, notes=done.said, edits=(*self.edits, *parsed))

    def save(self, folder: Path | str) -> str:
        """Keep the result as a project of the app, or as the next revision of the project it was opened from.

        Args:
            folder: new or empty for a new project.

        Returns:
            The id of the revision.

        Raises:
            InputError: the result was not made from photos, or ``folder`` is no path.
            ResourceMissing: the app is not installed.
            StoreError: the folder cannot be written, holds another project, or the project has moved on meanwhile.
        """
        return str(project_service("save")(self, as_path(folder)))


def _as_edit(index: int, given: Edit | Mapping[str, Any]) -> Edit:
    """An edit; what is wrong with its JSON object names its index."""
    if isinstance(given, Edit):
        return given
    with named(index, given.get("op") if isinstance(given, Mapping) else None):
        return parse_edit(given)


def open_project(folder: Path | str) -> Result:
    """The result that a project of the app shows.

    Args:
        folder: of the project.

    Raises:
        InputError: it has no result yet, or ``folder`` is no path.
        ResourceMissing: the weights of its encoder are not on this machine, or the app is not installed.
        StoreError: no project there, or a stored result is missing or damaged.
    """
    result: Result = project_service("open")(as_path(folder))
    return result
