"""HTML of explanations: bars of contributions, and what sets one cluster apart from another; pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kec_core.explain import Contrast, Contribution, Explanation
from kec_core.types import Concept
from pages._html import text

SHOWN = 8
_ROLES = {
    "name": "its name",
    "description": "its description",
    "attribute": "typical of it",
    "pair attribute": "sets it apart",
}
_LOOKS = "Looks"
_LOOKS_TIP = "How much the photo by itself looks like the others here (the visual part of the cosine)."


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
    largest, rest = found.parts[:shown], found.parts[shown:]
    rows = [(_name(part), _role(part, concepts), _tip(part), part.value) for part in largest]
    if rest:
        rows.append(
            ("All other words", f"{len(rest):,} of them", "Their sum.", sum(part.value for part in rest))
        )
    reach = max((abs(value) for *_, value in rows), default=0.0) or 1.0
    signed = any(value < -reach / 1000 for *_, value in rows)
    body = "".join(_bar_row(*row, reach=reach, signed=signed) for row in rows)
    return (
        f'<table class="kec kec-why"><tbody>{body}</tbody><tfoot><tr><th scope="row" title="{text(tip)}">{text(total)}</th>'
        f"<td></td><td>{found.total:+.3f}</td></tr></tfoot></table>"
    )


def _name(part: Contribution) -> str:
    return _LOOKS if part.kind == "looks" else part.text


def _role(part: Contribution, concepts: Mapping[str, Concept]) -> str:
    if part.kind == "looks":
        return "the photo itself"
    concept = concepts[part.concept].name if part.concept in concepts else part.concept
    return f"{concept}: {_ROLES[part.kind]}" if part.kind != "name" else "a concept's name"


def _tip(part: Contribution) -> str:
    return _LOOKS_TIP if part.kind == "looks" else f"Adds {part.value:+.6f}"


def _bar_row(name: str, role: str, tip: str, value: float, *, reach: float, signed: bool) -> str:
    width = abs(value) / reach * (50 if signed else 100)
    left = (50 - width if value < 0 else 50) if signed else 0
    kind = "kec-against" if value < 0 else "kec-for"
    zero = '<b style="left:50%"></b>' if signed else ""
    return (
        f'<tr><th scope="row" title="{text(tip)}">{text(name)} <span class="kec-quiet">{text(role)}</span></th>'
        f'<td><span class="kec-track">{zero}<i class="{kind}" style="left:{left:.2f}%;width:{width:.2f}%"></i></span></td>'
        f"<td>{value:+.3f}</td></tr>"
    )


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
        role, tip, shown = "concept", "Mean share of this concept in the photos (posterior omega).", "{:.0%}"
    else:
        role, tip, shown = "can be seen", "Mean likeness of photos and phrase (cosine).", "{:+.2f}"
    bars = "".join(
        f'<span class="kec-track" title="{text(name)}: {text(shown.format(value))}">'
        f'<i class="{kind}" style="width:{max(0.0, value) / reach * 100:.2f}%"></i></span>'
        for name, value, kind in ((here, row.here, "kec-for"), (there, row.there, "kec-other"))
    )
    return (
        f'<tr><th scope="row" title="{text(tip)}">{text(row.text)} <span class="kec-quiet">{role}</span></th><td>{bars}</td>'
        f'<td>{text(shown.format(row.here))} <span class="kec-quiet">{text(shown.format(row.there))}</span></td></tr>'
    )
