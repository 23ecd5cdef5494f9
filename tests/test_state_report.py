"""The report: one file, everything in it, nothing loaded, and text of anybody is text."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from kec_core.knowledge.edits import parse_script
from kec_core.types import Concept, Grounding, Knowledge
from state.project.thumbnails import THUMBNAILS
from state.revisions import revisions
from state.revisions.audits import answer, start_audit
from state.revisions.cluster_marks import mark_cluster
from state.revisions.overview import load_overview
from state.revisions.scoring import measure_stability
from state.transfer import report, report_page, report_story
from state.transfer.export import export_project
from state.transfer.report import encoder_in_words
from state.transfer.report_page import chosen, per_cluster
from state.work import editing
from state.work.workbench import LiveStates, Workbench
from tests.browser import open_browser
from tests.fakes import HashEncoder
from tests.page_helpers import HOSTILE

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "</style><script>alert(3)</script>",
    "javascript:alert(4)",
    "<svg/onload=alert(5)>",
    "</pre></td><iframe src=https://example.com></iframe>",
)
ALLOWED = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "h1",
    "h2",
    "h3",
    "p",
    "nav",
    "ul",
    "li",
    "a",
    "section",
}
ALLOWED |= {
    "article",
    "div",
    "img",
    "span",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "pre",
    "svg",
    "rect",
}


class Page(HTMLParser):
    """What a browser would find in a file."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.addresses, self.attributes, self.said, self.names = [], [], set(), [], []
        self.policy = ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.tags.append(tag)
        self.names.append(known.get("alt"))
        self.attributes.update(name for name, _ in attrs)
        self.addresses += [
            known[name] for name in ("src", "href", "srcset", "action", "data") if name in known
        ]
        if known.get("http-equiv") == "Content-Security-Policy":
            self.policy = known["content"]

    def handle_data(self, data):
        self.said.append(data)

    @property
    def text(self):
        return "\n".join(self.said)


@pytest.fixture
def words(monkeypatch, tmp_path):
    """The encoder of the small project, which no name leads to."""
    monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(editing, "load_encoder", lambda _name: HashEncoder())
    for cached in (editing.loaded_encoder, editing.text_encoder):
        cached.cache_clear()
    yield
    for cached in (editing.loaded_encoder, editing.text_encoder):
        cached.cache_clear()


def made(project, out):
    written = export_project(project, out, ["report"])
    assert written.files == ("report.html",)
    return (out / "report.html").read_text(encoding="utf-8")


def edit(project, *edits):
    bench = Workbench(project, LiveStates())
    return bench.commit(bench.preview(parse_script({"edits": list(edits)})))


def attack(project):
    """Everything a person, a model or a file can name, named to do harm."""
    one, two, three, four, five, six = ATTACKS
    edit(
        project,
        {"op": "rename_concept", "concept": "crimson", "name": one, "description": two},
        {"op": "add_attribute", "concept": one, "text": three},
        {"op": "add_pair_attribute", "concepts": [one, "leaf"], "text": six},
        {"op": "set_guidance", "text": four, "rebuild": False},
    )
    project.set_labels({image.id: five for image in project.images()})
    mark_cluster(project, "r2", 0, name=two)
    revisions.set_name(project, "r2", six)


def test_everything_about_a_result_is_in_it(colours, tmp_path, words):
    edit(colours, {"op": "add_attribute", "concept": "leaf", "text": "green all over"})
    mark_cluster(colours, "r2", 0, name="My blues")
    mark_cluster(colours, "r2", 0, done=True)
    page = Page(made(colours, tmp_path / "out"))
    for said in (
        "Colours",
        "50 photos in 4 clusters",
        "My blues",
        "done",
        "green all over",
        "something leaf",
        "leaf part 0",
    ):
        assert said in page.text, said
    for said in ("ACC", "silhouette", "k-means", "mapping.top_nouns", "Encoder: hash", "broken.png"):
        assert said in page.text, said
    assert "Automatic run" in page.text
    assert '"op": "add_attribute"' in page.text
    assert f"crimson/{HOSTILE}" in page.names


def test_what_was_found_without_labels_is_in_it(colours, tmp_path):
    shown = revisions.current(colours)
    measured = measure_stability(colours, shown)
    for question in start_audit(colours, shown, size=8).questions[:4]:
        answer(colours, shown.id, question.image, True)
    text = Page(made(colours, tmp_path / "out")).text
    assert f"(stability): {measured.ours:.0%} of the photos" in text
    assert "Judged by eye: 100% of the photos are in the right place" in text
    assert "(4 photos judged" in text


def test_a_report_stays_short_and_says_what_it_leaves_out(colours, tmp_path, words, monkeypatch):
    for text in "abc":
        edit(colours, {"op": "add_attribute", "concept": "leaf", "text": text * 3})
    for name, most in (("TEXTS", 1), ("CONCEPTS", 2), ("STEPS", 2), ("LONGEST_SCRIPT", 10)):
        monkeypatch.setattr(report_story, name, most)
    monkeypatch.setattr(report, "MOST_CLUSTERS", 3)
    page = Page(made(colours, tmp_path / "out"))
    assert page.tags.count("article") == 3
    for said in (
        "These are the largest 3 clusters; the table (CSV) has 1 more.",
        "more, in the knowledge (JSON).",
        "The latest 2 of 4 revisions:",
        "export the edits (JSON).",
    ):
        assert said in page.text, said


def test_photos_are_counted_by_concept_also_under_one_name():
    concepts = (Concept(id="c001", name="Jaguar"), Concept(id="c002", name="Jaguar"))
    omega = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], dtype=np.float32)
    grounding = Grounding(omega=omega, kappa=omega, concept_ids=("c001", "c002"))
    (table,) = report_story.concepts(Knowledge(concepts=concepts), grounding)
    assert [row[-1] for row in table.rows] == ["2", "1"]
    assert [row[0].items[0] for row in table.rows] == ["Jaguar (c001)", "Jaguar (c002)"]


def test_its_photos_are_inside_and_small(colours, tmp_path):
    page = Page(made(colours, tmp_path / "out"))
    pictures = [address for address in page.addresses if address.startswith("data:image/jpeg;base64,")]
    assert len(pictures) == 4 * 12
    assert set(page.addresses) - set(pictures) == {
        f"#{part}" for part in ("scores", "clusters", "concepts", "guidance", "edits", "parameters", "notes")
    }
    with Image.open(io.BytesIO(base64.b64decode(pictures[0].partition(",")[2]))) as picture:
        assert max(picture.size) <= report_page.SIDE
    assert max(map(len, pictures)) < 12_000


def test_larger_photos_are_made_small(colours, tmp_path, monkeypatch):
    monkeypatch.setattr(report_page, "SIDE", 40)
    picture = next(one for one in Page(made(colours, tmp_path / "out")).addresses if one.startswith("data:"))
    with Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))) as opened:
        assert max(opened.size) == 40


def test_a_large_report_shows_fewer_photos_and_says_how_many(colours, tmp_path, monkeypatch):
    monkeypatch.setattr(report_page, "PHOTOS", 20)
    page = Page(made(colours, tmp_path / "out"))
    assert sum(address.startswith("data:") for address in page.addresses) == 4 * 5
    assert "at most 5 photos are shown" in page.text
    assert (per_cluster(1), per_cluster(10), per_cluster(0)) == (12, 2, 12)
    monkeypatch.setattr(report_page, "PHOTOS", 3)
    assert per_cluster(10) == 1


def test_the_last_photos_of_a_cluster_are_those_nearest_to_another(colours):
    overview = load_overview(colours, revisions.current(colours))
    rows = chosen(overview, 0, 8)
    assert rows[6:] == overview.members(0, "boundary")[:2].tolist()
    assert rows[0] == overview.members(0)[0]
    assert len(set(rows)) == 8
    assert sorted(chosen(overview, 0, 99)) == sorted(overview.members(0).tolist())


def test_a_photo_that_is_gone_keeps_its_name(colours, tmp_path):
    shutil.rmtree(colours.folder / THUMBNAILS, ignore_errors=True)
    gone = [image.id for image in colours.images() if image.id.startswith("leaf/")]
    colours.set_images_root(tmp_path / "elsewhere")
    page = Page(made(colours, tmp_path / "out"))
    assert not any(address.startswith("data:") for address in page.addresses)
    assert gone[0] in page.text


def test_the_policy_allows_its_own_style_and_nothing_else(colours, tmp_path):
    source = made(colours, tmp_path / "out")
    page = Page(source)
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["style-src"] == f"'sha256-{digest}'"
    assert "url(" not in style
    assert "@import" not in style
    assert source.index("Content-Security-Policy") < source.index("<title>")


def test_text_that_would_do_harm_is_text(colours, tmp_path, words):
    attack(colours)
    source = made(colours, tmp_path / "out")
    page = Page(source)
    assert set(page.tags) <= ALLOWED
    assert page.tags.count("style") == 1
    assert not any(name.startswith("on") for name in page.attributes)
    assert all(address.startswith(("data:image/jpeg;base64,", "#")) for address in page.addresses)
    for said in ATTACKS:
        assert said in page.text, said


def test_the_log_tells_every_edit_and_can_be_replayed(colours, tmp_path, words):
    edit(
        colours,
        {"op": "rename_concept", "concept": "leaf", "name": "grass"},
        {"op": "add_attribute", "concept": "grass", "text": "blades"},
    )
    source = made(colours, tmp_path / "out")
    script = Page(source).text
    found = json.loads(re.search(r'\{\n "edits".*?\n\}', script, re.DOTALL).group(0))
    assert [one["op"] for one in found["edits"]] == ["rename_concept", "add_attribute"]
    assert len(parse_script(found)) == 2
    assert "blades" in script


def test_an_earlier_revision_has_its_own_report(colours, tmp_path, words):
    edit(colours, {"op": "rename_concept", "concept": "leaf", "name": "grass"})
    export_project(colours, tmp_path / "out", ["report"], revision="r1")
    assert "grass" not in Page((tmp_path / "out" / "report.html").read_text()).text


def test_without_labels_and_baseline_scores_the_rest_is_there(colours, tmp_path):
    colours.set_labels({})
    known = revisions.current(colours)
    revisions.set_scores(colours, "r1", None, replace(known.baseline, scores=None))
    text = Page(made(colours, tmp_path / "out")).text
    assert "ACC" not in text
    assert "silhouette" in text


@pytest.mark.parametrize(
    ("name", "said"),
    [("compact", "not CLIP"), ("open_clip:ViT-B-32/openai", "ViT-B-32/openai"), ("", "unknown")],
)
def test_the_encoder_is_named(name, said):
    assert said in encoder_in_words(name)


@pytest.mark.browser
def test_opened_without_a_network_it_runs_nothing_and_asks_for_nothing(colours, tmp_path, words):
    attack(colours)
    made(colours, tmp_path / "out")
    with open_browser() as browser:
        context = browser.new_context(offline=True)
        page = context.new_page()
        dialogs, requests, blocked = [], [], []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: blocked.append(message.text))
        page.goto((tmp_path / "out" / "report.html").as_uri())
        page.wait_for_function("[...document.images].every(i => i.loading === 'lazy' || i.complete)")
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.wait_for_function("[...document.images].some(i => i.naturalWidth > 0)")
        assert not dialogs
        assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
        assert not blocked, blocked
        assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") != "none"
        assert page.locator("h1").inner_text() == "Colours"
        assert page.evaluate("document.scripts.length") == 0
