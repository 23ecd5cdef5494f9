"""The tree of revisions, drawn line by line from the newest to the first; pure functions, no streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pages.shared.markup import text
from state.revisions.revisions import RevisionInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One revision in the tree.

    Attributes:
        lane: of its dot, 0 is leftmost.
        through: lanes that pass by, from above to below.
        above: whether its own lane comes from a newer revision.
        below: whether its own lane goes on to its parent.
        joining: lanes that end here: branches that start at this revision.
    """

    revision: RevisionInfo
    lane: int
    through: tuple[int, ...]
    above: bool
    below: bool
    joining: tuple[int, ...]


def lay_out(history: Sequence[RevisionInfo]) -> list[Line]:
    """Where everything lies, newest revision first; a parent lies below its children.

    Args:
        history: all revisions, oldest first.
    """
    lanes: list[str | None] = []  # the revision that each lane waits for
    lines = []
    for revision in reversed(history):
        waiting = [lane for lane, wanted in enumerate(lanes) if wanted == revision.id]
        lane = waiting[0] if waiting else _free(lanes)
        through = [
            i for i, wanted in enumerate(lanes) if wanted is not None and i not in waiting and i != lane
        ]
        lines.append(
            Line(
                revision=revision,
                lane=lane,
                through=tuple(through),
                above=bool(waiting),
                below=revision.parent is not None,
                joining=tuple(waiting[1:]),
            )
        )
        for ended in waiting:
            lanes[ended] = None
        lanes[lane] = revision.parent
        while lanes and lanes[-1] is None:
            lanes.pop()
    return lines


def _free(lanes: list[str | None]) -> int:
    """The first lane that nobody uses; made when there is none."""
    for lane, wanted in enumerate(lanes):
        if wanted is None:
            return lane
    lanes.append(None)
    return len(lanes) - 1


def drawing(line: Line, *, lanes: int, shown: bool) -> str:
    """The part of the tree beside one revision, as HTML (Streamlit lets no SVG through).

    Args:
        line: what to draw.
        lanes: number of lanes of the whole tree, so that all lines are equally wide.
        shown: whether this is the revision that is shown now.
    """
    x = line.lane + 0.5
    parts = [_stroke(lane + 0.5, 0, 1) for lane in line.through]
    parts += [_stroke(x, 0, 0.5)] if line.above else []
    parts += [_stroke(x, 0.5, 0.5)] if line.below else []
    parts += [
        f'<i class="kec-bend" style="left:{_lanes(x)};width:{_lanes(lane - line.lane)};height:50%"></i>'
        for lane in line.joining
    ]
    kind = "kec-now" if shown else ("kec-made" if line.revision.edits else "kec-run")
    said = "shown now" if shown else ("edited" if line.revision.edits else "run")
    return (
        f'<div class="kec kec-tree" style="--lanes:{lanes}" role="img" '
        f'aria-label="{text(line.revision.id)}, {said}">{"".join(parts)}'
        f'<b class="{kind}" style="left:{_lanes(x)};top:50%"></b></div>'
    )


def _stroke(x: float, top: float, height: float) -> str:
    """A line at ``x`` lanes, from ``top`` on, both parts of the height of the drawing."""
    return f'<i style="left:{_lanes(x)};top:{top:.0%};height:{height:.0%}"></i>'


def _lanes(count: float) -> str:
    """A length; the style says how wide a lane is, which depends on their number and on the window."""
    return f"calc(var(--lane)*{count:g})"


def words(revision: RevisionInfo, facts: Sequence[str], *, shown: bool) -> str:
    """What a revision is, as HTML: what was done, its name, and quiet facts below."""
    name = f'<span class="kec-name">{text(revision.name)}</span>' if revision.name else ""
    pin = '<span class="kec-name" title="marked as worth keeping">pinned</span>' if revision.pinned else ""
    now = '<span class="kec-name kec-here">shown now</span>' if shown else ""
    line = " · ".join(text(fact) for fact in facts if fact)
    return (
        f'<div class="kec kec-revision"><div title="{text(revision.note)}">{text(revision.note)}</div>'
        f'<div class="kec-quiet">{now}{name}{pin}{line}</div></div>'
    )
