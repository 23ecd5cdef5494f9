"""Build the knowledge again as a job: under the person's guidance and with the words of their field."""

from __future__ import annotations

from kec_core.config import RunConfig
from kec_core.errors import InputError
from pages.shared import editing, llm_connection, session, ui
from state.project.project import Project


def why_not(project: Project) -> str:
    """Why a rebuild cannot start now, "" when it can."""
    if session.jobs().active(project) is not None:
        return "A job is running; wait for its end or cancel it."
    if editing.staged():
        return "Apply or discard the collected edits first; a rebuild starts from what is kept."
    return ""


def start(project: Project) -> None:
    """Start the job, or tell the person why not."""
    with ui.refusals():
        model = _model(project.settings())
        session.jobs().start(project, "rebuild", model.params, secrets=model.secrets)


def _model(config: RunConfig) -> llm_connection.Connection:
    """How to reach the language model when it writes the knowledge."""
    if config.knowledge.builder != "llm":
        return llm_connection.Connection()
    setup = llm_connection.chosen()
    if setup is None:
        raise InputError(
            "A language model is to write the knowledge, but none is chosen; choose one in the settings, or WordNet on "
            "the Build page."
        )
    return llm_connection.connection(setup)
