"""The page Concepts for tests."""

from state.revisions import revisions
from tests.page_helpers import app


def page(**remembered):
    """The page in a window that remembers things: mode, selection, staged."""
    test = app("concepts", project="colours")
    for name, value in remembered.items():
        test.session_state[f"kec_{name}"] = value
    return test.run() if remembered else test


def names(project):
    return [concept.name for concept in revisions.current(project).knowledge.concepts]


def looked_at(test):
    return test.session_state["kec_concept"]
