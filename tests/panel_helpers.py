"""One panel of the workbench on its own, on the small project of the page tests."""

from __future__ import annotations

import textwrap

import pytest
from streamlit.testing.v1 import AppTest

from kec_core.knowledge.edits import parse_script
from state.work.workbench import LiveStates, Workbench
from tests.page_helpers import TIMEOUT


@pytest.fixture
def words(hash_encoder, monkeypatch, tmp_path):
    """The encoder of the small project, which no name leads to."""
    monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))


def edit(project, *edits):
    """Apply edits, given as their JSON, as another window would; returns the new revision."""
    bench = Workbench(project, LiveStates())
    return bench.commit(bench.preview(parse_script({"edits": list(edits)})))


def panel(name, *arguments, project="colours"):
    """The page with one panel on it, looked at for the first time."""
    source = textwrap.dedent(
        f"""
        import streamlit as st
        from pages.concepts.panels import {name}
        from pages.shared import markup
        from pages.shared import editing, session
        for text in session.take_refusals():
            st.error(markup.plain(text))
        project = session.project()
        bench = editing.workbench(project)
        editing.saw(bench.shown().id)
        {name}.draw(project, bench, *{arguments!r})
        """
    )
    test = AppTest.from_string(source, default_timeout=TIMEOUT)
    test.query_params["project"] = project
    test.run()
    assert not test.exception, test.exception
    return test
