"""HTML of explanations: bars of contributions, and what sets one cluster apart from another; pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kec_core.explain import Contrast, Contribution, Explanation, HeatMap
from kec_core.types import Concept
from pages.shared.markup import text

WARM = (255, 140, 0)
STRENGTH = 0.8
SIDE = 420


def draw(found: HeatMap) -> NDArray[np.uint8]:
    """The photo as the encoder saw it, uint8 (420, 420, 3), coloured from the lowest value to the highest."""
    low, high = float(found.values.min()), float(found.values.max())
    shares = (found.values - low) / ((high - low) or 1.0)
    smooth = Image.fromarray(shares.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    photo = Image.fromarray(found.seen).resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("L")
    grey = np.asarray(photo, dtype=np.float32)[..., None]
    cover = STRENGTH * np.asarray(smooth)[..., None]
    return np.clip((1 - cover) * grey + cover * np.asarray(WARM, dtype=np.float32), 0, 255).astype(np.uint8)


SHOWN = 8
_ROLES = {
    "name": "its name",
    "description": "its description",
    "attribute": "typical of it",
    "pair attribute": "sets it apart",
}
_LOOKS = "Looks"
_LONGEST = 60
_LOOKS_TIP = "How much the photo by itself looks like the others here (the visual part of the cosine)."


def heading(name: str, colour: str) -> str:
    """The name of what is looked at, with a dot of its colour."""
    return f'<h2 class="kec kec-heading"><span class="kec-dot" style="background:{text(colour)}"></span>{text(name)}</h2>'


def contributions(
    found: Explanation, concepts: Mapping[str, Concept], *, total: str, tip: str, shown: int = SHOWN
) -> str:
    """A score as a sum: its largest parts as bars, all others in one, and what they come to.

    Args:
        found: the explanation.
        concepts: by id.
        total: what the sum is called.
        tip: the field's word for it.
        shown: bars at most, besides the one of all others.
    """
    parts = _merged(found.parts)
    largest, rest = parts[:shown], parts[shown:]
    rows = [(_short(_name(part)), _role(part, concepts), _tip(part), part.value) for part in largest]
    if rest:
        rows.append(
            ("All other words", f"{len(rest):,} of them", "Their sum.", sum(part.value for part in rest))
        )
    reach = max((abs(value) for *_, value in rows), default=0.0) or 1.0
    both = any(value < -reach / 1000 for *_, value in rows)
    body = "".join(_bar_row(*row, reach=reach, both=both) for row in rows)
    return (
        f'<table class="kec kec-why"><tbody>{body}</tbody><tfoot><tr><th scope="row" title="{text(tip)}">{text(total)}</th>'
        f"<td></td><td>{signed(found.total)}</td></tr></tfoot></table>"
    )


def _merged(parts: Sequence[Contribution]) -> list[Contribution]:
    """Parts that a reader could not tell apart (one text that sets a concept apart from several others) as one."""
    alike: dict[tuple[str, str, str], list[Contribution]] = {}
    for part in parts:
        alike.setdefault((part.kind, part.text, part.concept), []).append(part)
    sums = [replace(same[0], value=sum(part.value for part in same)) for same in alike.values()]
    return sorted(sums, key=lambda part: -abs(part.value))


def _name(part: Contribution) -> str:
    return _LOOKS if part.kind == "looks" else part.text


def _short(said: str) -> str:
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1].rstrip()}…"


def _role(part: Contribution, concepts: Mapping[str, Concept]) -> str:
    if part.kind == "looks":
        return "the photo itself"
    if part.kind == "guidance":
        return "your guidance"
    concept = concepts[part.concept].name if part.concept in concepts else part.concept
    return f"{concept}: {_ROLES[part.kind]}" if part.kind != "name" else "a concept's name"


def _tip(part: Contribution) -> str:
    return _LOOKS_TIP if part.kind == "looks" else f"{part.text}: adds {part.value:+.6f}"


def _bar_row(name: str, role: str, tip: str, value: float, *, reach: float, both: bool) -> str:
    width = abs(value) / reach * (50 if both else 100)
    left = (50 - width if value < 0 else 50) if both else 0
    kind = "kec-against" if value < 0 else "kec-for"
    zero = '<b style="left:50%"></b>' if both else ""
    return (
        f'<tr><th scope="row" title="{text(tip)}">{text(name)} <span class="kec-quiet">{text(role)}</span></th>'
        f'<td><span class="kec-track">{zero}<i class="{kind}" style="left:{left:.2f}%;width:{width:.2f}%"></i></span></td>'
        f"<td>{signed(value)}</td></tr>"
    )


def signed(value: float, digits: int = 3) -> str:
    """A number with its sign, "+0.120" or "−0.120"."""
    return f"{value:+.{digits}f}".replace("-", "−")


def contrasts(rows: Sequence[Contrast], here: str, there: str) -> str:
    """Concepts and attributes with how well they fit two groups of photos, as two bars each.

    Args:
        rows: what to compare.
        here: what the first group is called.
        there: what the second group is called.
    """
    body = "".join(_contrast_row(row, here, there, _reach(rows, row)) for row in rows)
    return f'<table class="kec kec-why kec-apart"><tbody>{body}</tbody></table>'


def _reach(rows: Sequence[Contrast], row: Contrast) -> float:
    """The longest bar of rows of the same unit."""
    alike = [other for other in rows if (other.kind == "name") == (row.kind == "name")]
    return max(max(abs(other.here), abs(other.there)) for other in alike) or 1.0


def _contrast_row(row: Contrast, here: str, there: str, reach: float) -> str:
    if row.kind == "name":
        role, tip = "concept", "Mean share of this concept in the photos (posterior omega)."
        values = [f"{value:.0%}" for value in (row.here, row.there)]
    else:
        role, tip = "can be seen", "Mean likeness of photos and phrase (cosine)."
        values = [signed(value, 2) for value in (row.here, row.there)]
    bars = "".join(
        f'<span class="kec-track" title="{text(name)}: {shown}">'
        f'<i class="{kind}" style="width:{max(0.0, value) / reach * 100:.2f}%"></i></span>'
        for name, value, shown, kind in (
            (here, row.here, values[0], "kec-for"),
            (there, row.there, values[1], "kec-other"),
        )
    )
    return (
        f'<tr><th scope="row" title="{text(tip)}">{text(row.text)} <span class="kec-quiet">{role}</span></th><td>{bars}</td>'
        f'<td>{values[0]} <span class="kec-quiet">{values[1]}</span></td></tr>'
    )
