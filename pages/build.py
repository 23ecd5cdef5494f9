"""Build: how do we get concepts and groups?"""

from __future__ import annotations

from typing import TypeGuard

import streamlit as st

from kec_core.config import RunConfig
from pages import _build_options, _build_results, _html, _options, _ui
from state import session
from state.jobs import Job, log_tail
from state.project import Project
from state.stage_results import StageResults
from state.stage_view import StepView, view_steps

TIPS = {
    "Scan": "Find the photos and check that each can be read.",
    "Embed": "Turn every photo into numbers that words can be compared with (features of the encoder).",
    "Over-cluster": "Cut the photos into many small clusters of look-alikes (k over-clusters).",
    "Nouns": "Find the words nearest to each small cluster (image-text mapping).",
    "Concepts": "Merge small clusters that mean the same and name what they share (concepts and descriptions).",
    "Attributes": "Write what is typical of a concept, and what tells two similar ones apart (uni and bi attributes).",
    "Ground": "Carry the words back into every photo (knowledge-guided features).",
    "Cluster": "Group the photos by looks and words together, and once by looks alone (k-means) to compare.",
}
ICONS = {
    "fresh": ":material/check_circle:",
    "stale": ":material/update:",
    "running": "spinner",
    "failed": ":material/error:",
    "waiting": ":material/radio_button_unchecked:",
}
STOPPED = ("failed", "cancelled", "interrupted")


def _run(project: Project) -> None:
    session.jobs().start(
        project, "run", {"images": None, "config": project.settings().to_json(), "labels": "keep"}
    )
    st.rerun()


def _can_resume(latest: Job | None) -> TypeGuard[Job]:
    return latest is not None and latest.kind == "run" and latest.state in STOPPED


def _node(view: StepView, job: Job | None) -> _html.Node:
    line = ""
    if view.state == "running" and job is not None:
        line = f"{_ui.share(job):.0%}" if job.total else "running"
    elif view.state == "fresh" and view.seconds is not None:
        line = "kept" if view.reused else _html.duration(view.seconds)
    return _html.Node(name=view.step.name, state=view.state, line=line, tip=TIPS[view.step.name])


def _rail(project: Project) -> None:
    """Redrawn every second while a job runs; drawn once otherwise."""
    job = session.jobs().active(project)
    views = view_steps(project.stage_reports(), project.settings(), job)
    st.html(_html.rail([_node(view, job) for view in views]))


def _actions(project: Project, views: tuple[StepView, ...], job: Job | None) -> None:
    latest = next(iter(session.jobs().jobs(project)), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Run all",
            type="primary",
            key="run_all",
            icon=":material/play_arrow:",
            disabled=job is not None,
            help="Every stage in order. What has not changed since the last run is kept.",
            shortcut="Alt+B",
        ):
            _run(project)
        if _can_resume(latest) and st.button(
            "Resume", key="resume", icon=":material/resume:", help="Go on where it stopped."
        ):
            session.jobs().resume(project, latest.id)
            st.rerun()
        stale = [view.step.name for view in views if view.state == "stale"]
        if stale:
            st.caption(f"Out of date: {', '.join(stale)}.")
    if latest is not None and latest.state == "failed" and job is None:
        st.error(_html.plain(latest.error), icon=":material/error:")
        with st.expander("What the job wrote", key="job_log"):
            st.code(log_tail(project, latest.id), language=None)


def _essentials(project: Project, config: RunConfig) -> None:
    with st.container(border=True):
        left, middle, right = st.columns(3)
        with left:
            _options.draw(project, config, _build_options.GROUPS)
        with middle:
            _options.draw(project, config, _build_options.CONCEPTS)
        with right:
            _build_options.encoder(project, config)
        left, right = st.columns([1, 2])
        with left:
            _options.draw(project, config, _build_options.BUILDER)
        with right:
            st.text_area(
                "What matters to you (guidance)",
                placeholder="for example: group by kind of animal; ignore the background",
                help="In your own words. The builder of concepts and attributes takes it into account.",
                height=80,
                **_options.prepare(project, "knowledge.guidance", config.knowledge.guidance),
            )


def _step(project: Project, config: RunConfig, view: StepView, made: _build_results.Made, busy: bool) -> None:
    name = view.step.name
    took = (
        ""
        if view.seconds is None or view.state == "waiting"
        else f" · {'kept' if view.reused else _html.duration(view.seconds)}"
    )
    label = f"**{name}** · {_html.STATE_WORDS[view.state]}{took}"
    with st.expander(
        label, type="step", icon=ICONS[view.state], key=f"step_{name}", on_change="rerun"
    ) as step:
        if not step.open:
            return
        st.html(_html.note(TIPS[name]))
        if view.problem:
            st.error(_html.plain(view.problem), icon=":material/error:")
        options = _build_options.ADVANCED.get(name, ())
        for column, option in zip(st.columns(3) * len(options), options, strict=False):
            with column:
                _options.draw(project, config, option)
        if view.state in ("stale", "failed") and st.button(
            "Run from here",
            key=f"run_from_{name}",
            disabled=busy,
            help="Stages before this one are kept; this one and those after it are redone.",
        ):
            _run(project)
        if view.state in ("fresh", "stale"):
            _build_results.show(made, view)


project = _ui.need_project()
st.title("Build", anchor=False)
with _ui.errors():
    if not project.last_scan:
        _ui.nothing_here(
            "No photos yet",
            "Choose your photos first; building comes next.",
            "data",
            "Choose photos",
        )
        st.stop()
    job = session.jobs().active(project)
    config = project.settings()
    views = view_steps(project.stage_reports(), config, job)
    st.fragment(_rail, run_every=1 if job else None)(project)
    _actions(project, views, job)
    _essentials(project, config)
    made = _build_results.Made(project=project, results=StageResults(project))
    for view in views:
        with _ui.errors():
            _step(project, config, view, made, job is not None)
