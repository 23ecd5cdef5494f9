"""Bars of explanations: everything shown adds up to the total, nothing is left out, names are text."""

import re

import pytest

from kec_core.explain import Contrast, Contribution, Explanation
from kec_core.types import Concept
from pages.clusters import explanation_bars

CONCEPTS = {"c001": Concept(id="c001", name="<b>cat</b>")}


def part(value, text="word", kind="attribute"):
    return Contribution(kind=kind, text=text, concept="" if kind == "looks" else "c001", id="a1", value=value)


def explanation(*parts):
    return Explanation(total=sum(one.value for one in parts), parts=parts)


def shown(parts, **options):
    return explanation_bars.contributions(
        explanation(*parts), CONCEPTS, total="Sum <of> all", tip="a cosine", **options
    )


def values(page):
    return [float(cell.replace("−", "-")) for cell in re.findall(r"<td>([+−]\d\.\d{3})</td>", page)]


def test_bars_and_the_rest_add_up_to_the_total():
    page = shown([part(0.5, "", "looks"), *(part(0.01 * n, f"word {n}") for n in range(1, 12))], shown=3)
    *rows, total = values(page)
    assert len(rows) == 4
    assert sum(rows) == pytest.approx(total)
    assert "All other words" in page
    assert "9 of them" in page


def test_what_speaks_against_goes_to_the_left():
    page = shown([part(0.4, "for"), part(-0.2, "against")])
    assert values(page) == [0.4, -0.2, 0.2]
    assert 'class="kec-for" style="left:50.00%;width:50.00%"' in page
    assert 'class="kec-against" style="left:25.00%;width:25.00%"' in page


def test_one_text_is_one_row():
    page = shown(
        [part(0.2, "horns", "pair attribute"), part(0.1, "horns", "pair attribute"), part(0.25, "fur")]
    )
    assert values(page) == [0.3, 0.25, 0.55]
    assert page.count("horns") == 2  # its name, and its tip


def test_every_role_is_said_in_words():
    kinds = ("looks", "guidance", "name", "description", "attribute", "pair attribute")
    page = shown([part(0.1, f"text {kind}", kind) for kind in kinds])
    for said in ("the photo itself", "your guidance", "its description", "typical of it", "sets it apart"):
        assert said in page


def test_hostile_text_is_text_and_long_text_is_cut():
    page = shown([part(0.1, "<script>alert(1)</script>" + "x" * 90)])
    assert "<script" not in page
    assert "&lt;b&gt;cat&lt;/b&gt;" in page
    assert "Sum &lt;of&gt; all" in page
    assert "…" in page
    assert "<i>" not in explanation_bars.heading("<i>", "#123456")


def test_nothing_at_all_is_still_a_sum():
    assert "+0.000" in shown([])


def test_two_groups_are_compared_in_their_own_units():
    rows = [
        Contrast(kind="name", text="cat", id="c001", here=0.5, there=0.25),
        Contrast(kind="attribute", text="<fur>", id="a1", here=0.2, there=-0.1),
    ]
    page = explanation_bars.contrasts(rows, "here & now", "there")
    assert re.findall(r"width:([\d.]+)%", page) == ["100.00", "50.00", "100.00", "0.00"]
    assert "50%" in page
    assert "+0.20" in page
    assert "−0.10" in page
    assert "&lt;fur&gt;" in page
    assert "here &amp; now: 50%" in page
