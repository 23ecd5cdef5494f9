"""A small project made by the real pipeline, and the app on it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from kec_core.arrays import fingerprint
from kec_core.config import ClusteringConfig, MappingConfig, RunConfig
from kec_core.stages import Resources
from kec_core.store import StageResult
from kec_core.types import StageReport
from pages.shared import gallery
from pages.shared.picked import Selection
from state.jobs.jobs import Job
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.work.run import run_project
from tests.fakes import COLOURS, VOCABULARY, FirstNounBuilder, HashEncoder

SCRIPT = Path(__file__).resolve().parents[1] / "pages" / "frame" / "script.py"
CONFIG = RunConfig(
    n_clusters=len(COLOURS),
    mapping=MappingConfig(overclusters=8, n_init=2, top_nouns=2),
    clustering=ClusteringConfig(n_init=3),
)
HOSTILE = "<img src=x onerror=alert(1)> *_`[a](b)`.png"
TIMEOUT = 30


def resources(_project, _config):
    return Resources(encoder=HashEncoder(), vocabulary=VOCABULARY, builder=FirstNounBuilder())


def make_photos(root: Path, per_class: int = 12) -> Path:
    """Photos of four colours in four folders, one of them with a hostile name; a copy, a broken and a tiny file."""
    rng = np.random.default_rng(3)
    for name, colour in COLOURS.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            noise = rng.normal(0, 14, size=(72, 96, 3))
            shade = np.linspace(0.75, 1.15, 96)[None, :, None]
            pixels = np.clip(np.array(colour) * shade + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{name} {number:02d}.png")
    first = next(iter(COLOURS))
    (root / first / f"{first} 00.png").rename(root / first / HOSTILE)
    (root / first / "copy.png").write_bytes((root / first / f"{first} 01.png").read_bytes())
    (root / first / "broken.png").write_bytes(b"not a picture")
    Image.new("RGB", (20, 20), COLOURS[first]).save(root / first / "tiny.png")
    return root


def make_project(home: Path, photos: Path, *, name: str = "Colours", labels: str = "folders") -> Project:
    """A project in the workspace ``home`` with one revision."""
    project = Project.create(home / name.lower(), name)
    run_project(project, photos, CONFIG, labels=labels, resources=resources)
    return project


def set_near_copies(project: Project, groups: list[list[str]]) -> None:
    """The project as if its latest run had found these near-copies."""
    key = fingerprint(groups)
    project.store.save("copies", key, StageResult(data={"groups": groups}))
    report = StageReport(stage="copies", fingerprint=key, seconds=0, reused=False, summary={})
    project.record_stage(report, "fresh", CONFIG)


def make_job(**known) -> Job:
    """A running job; what is not given is unknown."""
    usual = {
        "id": "j1",
        "kind": "run",
        "params": {},
        "state": "running",
        "stage": "embed",
        "label": "",
        "error": "",
    }
    return Job(**{**{field.name: None for field in fields(Job)}, "done": 0, "total": 0, **usual, **known})


def app(page: str = "projects", *, project: str = "", cluster: str = "", stacked: bool = False) -> AppTest:
    """The app, looked at for the first time at this page, with a project open.

    Photos of one colour are near-copies, so each is shown by itself unless ``stacked``.
    """
    test = AppTest.from_file(str(SCRIPT), default_timeout=TIMEOUT)
    test.session_state[gallery.UNSTACKED] = not stacked
    for name, value in (("project", project), ("cluster", cluster)):
        if value:
            test.query_params[name] = value
    test.run()
    if page != "projects":
        visit(test, page)
    assert not test.exception, test.exception
    return test


def visit(test: AppTest, page: str) -> AppTest:
    """Go to another page, as with a click in the navigation."""
    return test.switch_page(f"../{page}/page.py").run()


def shown(test: AppTest) -> str:
    """All HTML, headings, captions and messages of a page; not the mark of the run that drew it."""
    said = [
        element.value
        for kind in ("markdown", "caption", "error", "info", "warning")
        for element in getattr(test, kind)
    ]
    drawn = (element.value for element in test.html if "data-kec-run" not in element.value)
    return "\n".join([*drawn, *said])


def pick(page: AppTest, *images: str) -> AppTest:
    """The page with these photos picked."""
    page.session_state["kec_selection"] = Selection(images=images)
    page.run()
    assert not page.exception
    return page


def kept_labels(project: Project) -> dict[str, int]:
    """The cluster of every photo in the shown revision, by image id."""
    current = revisions.current(project)
    ids = [image.id for image in project.images(current.scan)]
    return dict(zip(ids, load_clustering(project, current).labels.tolist(), strict=True))
