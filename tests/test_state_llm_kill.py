"""A killed run loses no answer that had arrived, and the next run asks only for the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kec_core.arrays import no_progress
from kec_core.llm.client import LLMClient
from kec_core.llm.prompts import concept_question
from state.project.database import Database, create
from state.project.llm_cache import AnswerCache
from tests.llm_fakes import FAST, endpoint
from tests.llm_server import LLMServer

ITEMS = 100
CHILD = """
import sys
from pathlib import Path
from tests.test_state_llm_kill import run
run(Path(sys.argv[1]), sys.argv[2], lambda done, total, label: print(done, flush=True))
"""


def run(path: Path, url: str, progress=no_progress):
    client = LLMClient(endpoint(url), AnswerCache(Database(path)), FAST)
    return client.ask([concept_question([f"noun{i}"]) for i in range(ITEMS)], progress=progress)


@pytest.mark.kill
def test_a_kill_keeps_answers_and_a_restart_asks_the_rest_once(tmp_path):
    path = tmp_path / "project.db"
    database = create(path, {})
    with LLMServer(latency=0.3) as server:
        root = Path(__file__).resolve().parent.parent
        command = [sys.executable, "-c", CHILD, str(path), server.url]
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as child:
            reported = iter(child.stdout)
            told = next(int(line) for line in reported if int(line) >= 20)
            child.kill()
            told = max([told, *(int(line) for line in reported)])
        with database.reading() as db:
            kept = db.execute("SELECT count(*) FROM llm_answers WHERE prompt != 'dialect'").fetchone()[0]
        assert 20 <= told <= kept < ITEMS
        before = server.asked.copy()
        outcomes = run(path, server.url)
        again = server.asked - before
    assert sorted(again.values()) == [1] * (ITEMS - kept)
    assert [o.status for o in outcomes].count("cached") == kept
    assert all(o.answer for o in outcomes)
