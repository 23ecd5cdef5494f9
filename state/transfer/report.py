"""A result as one file that opens anywhere and loads nothing: clusters, photos, concepts, scores, parameters, edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from kec_core.clustering.geometry import centroids_of
from kec_core.knowledge.edit_base import with_cluster_names
from kec_core.knowledge.unique_names import unique_names
from kec_core.types import Knowledge
from kec_core.wording import counted
from state.project.project import Project
from state.revisions.audits import load_audit
from state.revisions.clusterings import Features
from state.revisions.overview import ClusterCard, Overview, cluster_cards, load_overview
from state.revisions.revisions import Revision
from state.revisions.scoring import WITH_LABELS, WITHOUT_LABELS, Metric, load_stability
from state.transfer import report_story as story
from state.transfer.assignments import Assignments
from state.transfer.report_page import (
    PER_CLUSTER,
    PHOTOS,
    Bar,
    Block,
    Cluster,
    Paragraph,
    Section,
    Table,
    chosen,
    per_cluster,
    photos,
    render,
)

CONCEPTS = 4
"""Concepts named per cluster, fewer where there are many clusters: about ``CONCEPT_ROWS`` in all."""
CONCEPT_ROWS = 120
MOST_CLUSTERS = 200
"""Clusters with photos of their own, the largest; of the others only the number is said."""


def write_report(
    project: Project, revision: Revision, features: Features, table: Assignments, path: Path
) -> None:
    """Write the report of a revision as one HTML file.

    Args:
        project: which.
        revision: of the project.
        features: of the revision.
        table: of the revision.
        path: the file to write.
    """
    overview = load_overview(project, revision)
    cards = cluster_cards(overview, revision.knowledge, table.labels)
    told = with_cluster_names(revision.knowledge, {card.id: card.name for card in cards})
    parts = [
        ("scores", "Scores", [*_scores(revision), *_checks(project, revision)]),
        ("clusters", "Clusters", _clusters(project, revision, features, overview, cards)),
        ("concepts", "Concepts and attributes", story.concepts(revision.knowledge, features.grounding)),
        ("guidance", "What the person said", story.wishes(told)),
        ("edits", "Edit log", story.edits(project, revision)),
        ("parameters", "Parameters", story.parameters(revision)),
        ("notes", "Notes", story.notes(project, revision)),
    ]
    sections = [Section(anchor, title, list(blocks)) for anchor, title, blocks in parts]
    page = render(project.name, revision.id, list(_head(revision, table, cards)), sections)
    path.write_text(page, encoding="utf-8", errors="backslashreplace")  # names of files may be no text


def _head(revision: Revision, table: Assignments, cards: Sequence[ClusterCard]) -> Iterator[Block]:
    name = f" “{revision.name}”" if revision.name else ""
    yield Paragraph(
        f"Revision {revision.id}{name}: {revision.note} · {revision.created[:16].replace('T', ' ')} UTC",
        quiet=True,
    )
    yield Paragraph(
        f"{counted(len(table.files), 'photo')} in {counted(len(cards), 'cluster')}, "
        f"by {counted(len(revision.knowledge.concepts), 'concept')}. "
        "Made with KEC+ Studio."
    )
    yield Paragraph(f"Encoder: {encoder_in_words(revision.facts.encoder)}")


def encoder_in_words(name: str) -> str:
    """The encoder that compared photos and words; the compact one is never mistaken for CLIP."""
    if name == "compact":
        return "compact (offline). This is not CLIP: its words are coarser, and its scores do not compare with CLIP's."
    return name.removeprefix("open_clip:") or "unknown"


# --- scores


def _scores(revision: Revision) -> Iterator[Block]:
    if revision.scores:
        yield Paragraph(
            "Against the person's labels, which the method never saw; plain k-means on the same photos beside it."
        )
        yield _score_table(revision, WITH_LABELS)
    if revision.internal:
        yield Paragraph(
            "From the photos alone: how clear the clusters are, not whether they are the ones wanted."
        )
        yield _score_table(revision, WITHOUT_LABELS)


def _checks(project: Project, revision: Revision) -> Iterator[Block]:
    """What was found without labels besides: how many photos keep their group by chance, and what the person judged."""
    stability, audit = load_stability(project, revision), load_audit(project, revision.id)
    judged = None if audit is None else audit.estimate()
    if stability is not None:
        yield Paragraph(
            f"Groups that survive chance (stability): {stability.ours:.0%} of the photos keep their cluster when photos and "
            f"starts are drawn anew; {stability.visual:.0%} with photos alone."
        )
    if judged is not None:
        yield Paragraph(
            f"Judged by eye: {judged.share:.0%} of the photos are in the right place, 95 % interval {judged.low:.0%} to "
            f"{judged.high:.0%} ({counted(judged.judged, 'photo')} judged"
            + (f", in clusters of {judged.covered:.0%} of all photos)." if judged.covered < 1 else ").")
        )


def _score_table(revision: Revision, metrics: Sequence[Metric]) -> Table:
    rows = []
    for one in metrics:
        title = f"{one.name} ({one.term}{'' if one.higher_is_better else ', less is better'})"
        rows.append((title, _number(one.of(revision)), _number(one.of_baseline(revision))))
    return Table(("", "KEC", "k-means"), rows)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.3f}"


# --- clusters


def _clusters(
    project: Project, revision: Revision, features: Features, overview: Overview, cards: Sequence[ClusterCard]
) -> Iterator[Block]:
    count = per_cluster(len(cards))
    yield Paragraph(
        f"Of every cluster at most {count} photos are shown (a report holds at most {PER_CLUSTER} of each and {PHOTOS:,} in "
        "all): the most typical first, the last quarter those nearest to another cluster.",
        quiet=True,
    )
    images = project.images(revision.scan)
    nearest = _nearest(revision, features, overview)
    names = {card.id: card.name for card in cards}
    largest = {card.id for card in sorted(cards, key=lambda card: (-card.size, card.id))[:MOST_CLUSTERS]}
    for card in (card for card in cards if card.id in largest):
        rows = chosen(overview, card.id, count)
        yield Cluster(
            card.name,
            [fact for fact in _facts(card) if fact],
            photos(project, [images[row] for row in rows]),
            _in_words(overview, revision.knowledge, card.id, nearest.get(card.id), names),
        )
    if len(cards) > len(largest):
        yield Paragraph(
            f"These are the largest {len(largest):,} clusters; the table (CSV) has {len(cards) - len(largest):,} more."
        )


def _facts(card: ClusterCard) -> list[str]:
    share = f"{card.purity:.0%} labelled {card.label}" if card.purity is not None else ""
    return [
        f"cluster {card.id}",
        counted(card.size, "photo"),
        f"{card.coherence:.0%} alike",
        share,
        "done" if card.done else "",
    ]


def _nearest(revision: Revision, features: Features, overview: Overview) -> dict[int, int]:
    """The cluster whose centre is nearest, by cluster id; nothing for a single cluster."""
    fused = features.fused(revision.facts.weight)
    centres = centroids_of(fused, np.asarray(overview.labels), len(overview.coherence))
    filled = np.flatnonzero(np.bincount(overview.labels, minlength=len(centres)))
    if len(filled) < 2:
        return {}
    cosines = centres[filled] @ centres[filled].T
    np.fill_diagonal(cosines, -np.inf)
    return {int(cluster): int(filled[row.argmax()]) for cluster, row in zip(filled, cosines, strict=True)}


def _in_words(
    overview: Overview, knowledge: Knowledge, cluster: int, nearest: int | None, names: Mapping[int, str]
) -> Table | None:
    """Its strongest concepts, beside those of the nearest cluster."""
    here = overview.concepts[cluster]
    there = None if nearest is None else overview.concepts[nearest]
    head = ["Concept", "Mean share here"]
    if nearest is not None:
        head.append(f"In the nearest cluster, {names[nearest]}")
    rows: list[list[str | Bar]] = []
    told = unique_names(knowledge)
    shown = max(1, min(CONCEPTS, CONCEPT_ROWS // len(names)))
    for column in np.argsort(-here, kind="stable")[:shown].tolist():
        concept = overview.concept_ids[column]
        cells: list[str | Bar] = [told.get(concept, concept), Bar(float(here[column]))]
        rows.append(cells if there is None else [*cells, Bar(float(there[column]))])
    return Table(head, rows) if rows else None
