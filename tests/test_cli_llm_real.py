"""``kec run --knowledge llm`` from end to end: demo photos, the compact encoder, WordNet, and a real language model."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
from dataclasses import replace

import pytest

import cli
from kec_core.config import LLMConfig
from provision.demo_photos import demo_folder
from state.llm import setup as llm_setup
from state.llm.items import account, read_items
from state.project.project import Project
from state.revisions import revisions
from tests.real_llm import MODEL, serving

pytestmark = [pytest.mark.server, pytest.mark.weights]
QUICK = LLMConfig(in_flight=2, timeout=300.0, max_tokens=60, long_max_tokens=90, reasks=1)
PHOTOS_EACH, FOLDERS = 4, 3


@pytest.fixture
def handful(tmp_path):
    """A few of the demo photos, in their folders."""
    found = next(
        (demo_folder(name) for name in ("stamps", "imagenette", "digits") if demo_folder(name).is_dir()), None
    )
    if found is None:
        assert not os.environ.get("CI"), "CI sets the demo photos up first"
        pytest.skip("kec setup --demo has not been run")
    for folder in sorted(path for path in found.iterdir() if path.is_dir())[:FOLDERS]:
        (tmp_path / "photos" / folder.name).mkdir(parents=True)
        for photo in sorted(folder.iterdir())[:PHOTOS_EACH]:
            shutil.copy(photo, tmp_path / "photos" / folder.name)
    return tmp_path / "photos"


@pytest.fixture
def quick(monkeypatch):
    """Short answers: a tiny model runs on and on."""
    named = llm_setup.named_setup
    monkeypatch.setattr(llm_setup, "named_setup", lambda *a, **k: replace(named(*a, **k), config=QUICK))


def counted(endpoint):
    """What the server has worked so far, by its own count."""
    with urllib.request.urlopen(f"{endpoint.url.removesuffix('/v1')}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    totals = dict(line.split() for line in lines if line.startswith("llamacpp:") and "_total " in line)
    return {name: float(value) for name, value in totals.items()}


def test_a_run_and_a_second_one_that_asks_nothing(handful, quick, tmp_path, capsys):
    folder = tmp_path / "project"
    words = ["run", str(handful), "--project", str(folder), "--encoder", "compact", "--knowledge", "llm"]
    words += [
        "--clusters",
        "3",
        "--concepts",
        "2",
        "--concepts-from",
        "overclusters",
        "--uni",
        "1",
        "--bi",
        "1",
        "--labels",
        "folders",
        "--json",
    ]

    def kec(endpoint, *more):
        status = cli.main([*words, "--llm-url", endpoint.url, "--llm-model", MODEL, *more])
        said = capsys.readouterr()
        assert status == 0, said.err
        return json.loads(said.out)

    with serving() as endpoint:
        planned = kec(endpoint, "--dry-run")
        assert counted(endpoint)["llamacpp:tokens_predicted_total"] == 0
        first = kec(endpoint)
        worked = counted(endpoint)
        second = kec(endpoint)
        assert counted(endpoint) == worked
    project = Project.open(folder)
    known = revisions.current(project).knowledge
    told = account(record.report for record in project.stage_reports())
    assert planned["calls"] >= 2 + 2 + 1
    assert first["llm"]["requests"] >= sum(told.counts.values()) >= 5
    assert worked["llamacpp:tokens_predicted_total"] > 0
    assert (second["llm"]["requests"], second["revision"]) == (0, first["revision"])
    assert {item.status for item in read_items(project.database)} <= {"done", "cached", "fallback", "failed"}
    assert set(told.counts) <= {"done", "fallback", "failed"}  # the model's, marked as another's, or told
    made = [*known.concepts, *known.uni, *known.bi]
    assert {item.source for item in made} <= {"llm", "wordnet"}
    assert sum(c.source == "wordnet" for c in known.concepts) == sum(
        i.kind == "concept" for i in told.replaced
    )
    assert all("gave no usable answer" in c.note for c in known.concepts if c.source == "wordnet")
