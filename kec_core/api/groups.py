"""KEC in notebooks: ``kec.cluster(photos)`` gives a ``Result`` to look at, to correct and to keep (docs/api.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from kec_core.api.input import EmbeddedPhotos, Names, Photos, embed, knowledge_of
from kec_core.api.projects import save_result
from kec_core.arrays import FloatMatrix, FloatVector, IntVector, Progress, no_progress
from kec_core.clustering.geometry import centroids_of, confidence, nearness
from kec_core.config import RunConfig
from kec_core.encoders import TextCache, encode_texts, load_encoder
from kec_core.encoders.base import Encoder, collection_mean
from kec_core.errors import InputError
from kec_core.explain import Explainer, Explanation, explain_place
from kec_core.grounding import product_centre
from kec_core.knowledge.base import KnowledgeBuilder
from kec_core.knowledge.edits import Edit, named, parse_edit
from kec_core.live import LiveState, live_collection, start
from kec_core.live.edited import edited
from kec_core.result.cluster_names import state_names
from kec_core.result.group_model import Assigned, GroupModel, groups_of
from kec_core.stages import Hooks, Runner
from kec_core.stages.pipeline import Known, RunResult, group, run_embedded
from kec_core.stages.resources import local_resources
from kec_core.store import MemoryStore
from kec_core.terminal import show_progress
from kec_core.types import Knowledge, SkippedImage

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

WORDNET = "wordnet"
KnowledgeInput = str | Knowledge | KnowledgeBuilder | Names
"""Where knowledge comes from: "wordnet", a knowledge, a builder of one, or names of concepts."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """Groups of N photos and what they were made from; every change gives another ``Result``.

    Attributes:
        state: knowledge, grounding and clustering, in the words of the library.
        photos: the photos and their features.
        encoder: of the features.
        config: every option.
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
    notes: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    given_names: Mapping[int, str] = field(default_factory=dict)
    origin: tuple[Path, str] | None = None

    def __repr__(self) -> str:
        return f"<Result: {len(self.files):,} photos in {len(self.names)} groups: {', '.join(self.names.values())}>"

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

    def assign(self, photos: Photos, *, progress: bool | Progress = False) -> Assigned:
        """Sort new photos into the groups.

        Args:
            photos: a folder, files, or raw features float32 (N, d), as in ``cluster``.
            progress: as in ``cluster``.

        Raises:
            InputError: a photo cannot be used, for rows must stay aligned; or nothing came.
            ShapeError: features that are not a finite table of the encoder's width.
        """
        return self.model.assign(raw_features(photos, self.encoder, progress))

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
        parsed = [_as_edit(index, one) for index, one in enumerate(edits)]
        names = partial(state_names, given=self.given_names)
        done = edited(self.state, parsed, names=names, given=self.given_names)
        return replace(self, state=done.state, notes=done.said, edits=(*self.edits, *parsed))

    def save(self, folder: Path | str) -> str:
        """Keep the result as a project of the app, or as the next revision of the project it was opened from.

        Args, Returns, Raises: as ``kec_core.projects.save_result``.
        """
        return save_result(self, folder)


def _as_edit(index: int, given: Edit | Mapping[str, Any]) -> Edit:
    """An edit; what is wrong with its JSON object names its index."""
    if isinstance(given, Edit):
        return given
    with named(index, given.get("op") if isinstance(given, Mapping) else None):
        return parse_edit(given)


def cluster(
    photos: Photos,
    n_clusters: int | None = None,
    encoder: str | Encoder = "auto",
    knowledge: KnowledgeInput = WORDNET,
    guidance: str = "",
    *,
    weight: float | None = None,
    seed: int = 0,
    options: RunConfig | None = None,
    progress: bool | Progress = True,
) -> Result:
    """Group photos by looks and knowledge.

    Args:
        photos: a folder, a list of files, or raw features float32 (N, d) of ``encoder``.
        n_clusters: K; None takes one group per name, or estimates it.
        encoder: what ``kec_core.encoders.load_encoder`` takes, or an encoder.
        knowledge: "wordnet"; a ``Knowledge``; a builder of knowledge; or names of concepts, a list or a mapping to their
            descriptions.
        guidance: what the groups should be about, in words.
        weight: of the knowledge beside the looks; 0 is plain k-means, None chooses it.
        seed: makes the result repeatable.
        options: everything else; the arguments above stand before it.
        progress: True writes a line to stderr; or a function of (done, total, label), which may raise Cancelled.

    Returns:
        The groups; ``skipped`` lists files that cannot be used.

    Raises:
        InputError: photos, knowledge or options that cannot be used.
        ResourceMissing: weights or WordNet are not on this machine.
        ShapeError: features that are not a finite table of the encoder's width.
    """
    used = as_encoder(encoder)
    given = _given(knowledge, guidance)
    config = _config(options or RunConfig(), n_clusters, used, guidance, weight, seed)
    with _progress(progress) as tell:
        runner = Runner(MemoryStore(), Hooks(progress=tell))
        embedded = embed(photos, used, runner)
        if given is not None:
            config = config if config.n_clusters is not None else _counted(config, knowledge, given)
            found = group(
                runner,
                embedded.stored,
                used,
                config,
                lambda _looks: Known(knowledge=given),
                text_cache=TextCache(),
            )
        else:
            builder = None if isinstance(knowledge, str) else cast(KnowledgeBuilder, knowledge)
            resources = local_resources(config, encoder=used, builder=builder)
            found = run_embedded(runner, embedded.stored, resources, config)
    return _result(found, embedded, used, config)


def as_encoder(encoder: str | Encoder) -> Encoder:
    """An encoder, loaded when it is named; the last two stay loaded."""
    return _loaded(encoder) if isinstance(encoder, str) else encoder


@lru_cache(maxsize=2)
def _loaded(name: str) -> Encoder:
    return load_encoder(name)


def _given(knowledge: KnowledgeInput, guidance: str) -> Knowledge | None:
    """Knowledge that need not be built; None for what builds it."""
    if knowledge == WORDNET or hasattr(knowledge, "uni_attributes"):
        return None
    if isinstance(knowledge, str):
        raise InputError(
            f'Knowledge comes from "wordnet", names of concepts, a Knowledge or a builder, but {knowledge!r} came.'
        )
    given = knowledge if isinstance(knowledge, Knowledge) else knowledge_of(knowledge)
    return replace(given, guidance=guidance) if guidance else given


def _config(
    options: RunConfig,
    n_clusters: int | None,
    encoder: Encoder,
    guidance: str,
    weight: float | None,
    seed: int,
) -> RunConfig:
    """The options, with those that were given apart."""
    return replace(
        options,
        encoder=encoder.info.name,
        n_clusters=options.n_clusters if n_clusters is None else n_clusters,
        knowledge=replace(options.knowledge, guidance=guidance or options.knowledge.guidance),
        clustering=replace(
            options.clustering, weight=options.clustering.weight if weight is None else weight
        ),
        seed=seed or options.seed,
    )


def _counted(config: RunConfig, knowledge: KnowledgeInput, given: Knowledge) -> RunConfig:
    """The options with one group per name where only names were given, else with the number that the knowledge wants."""
    wanted = given.n_clusters if isinstance(knowledge, Knowledge) else len(given.concepts)
    return replace(config, n_clusters=wanted)


def _progress(wanted: bool | Progress) -> AbstractContextManager[Progress]:
    if callable(wanted):
        return nullcontext(wanted)
    return show_progress() if wanted else nullcontext(no_progress)


def _result(found: RunResult, photos: EmbeddedPhotos, encoder: Encoder, config: RunConfig) -> Result:
    collection = live_collection(
        found.embeddings,
        config,
        encoder.info.defaults,
        partial(encode_texts, encoder, cache=TextCache()),
        n_clusters=found.clustering.n_clusters,
        weight=found.weight,
        baseline=found.baseline.labels,
        whitening=found.whitening,
    )
    state = start(collection, found.knowledge, found.clustering)
    return Result(
        state=state,
        photos=photos,
        encoder=encoder,
        config=config,
        made=found.knowledge,
        notes=found.notes,
    )


def raw_features(photos: Photos, encoder: Encoder, progress: bool | Progress = False) -> FloatMatrix:
    """Raw features of photos, float32 (N, d), a row for each.

    Raises:
        InputError: a photo cannot be used, or nothing came.
        ShapeError: features that are not a finite table of the encoder's width.
    """
    with _progress(progress) as tell:
        embedded = embed(photos, encoder, Runner(MemoryStore(), Hooks(progress=tell)))
    refuse_skipped(embedded.skipped)
    return embedded.raw


def refuse_skipped(skipped: Sequence[SkippedImage]) -> None:
    """Raise InputError when photos cannot be used where a row for each is needed."""
    if skipped:
        raise InputError(
            f"A row for every photo was expected, but {len(skipped)} cannot be used (first: {skipped[0].path!r}: "
            f"{skipped[0].reason}); leave them out."
        )
