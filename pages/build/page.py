"""Build: how do we get concepts and groups?"""

from __future__ import annotations

from typing import TypeGuard

import streamlit as st

from kec_core.config import OPTIONS, RunConfig, paper_defaults, studio_defaults
from kec_core.stages.table import shown_at
from pages.build import llm_panel, option_widgets, step_results
from pages.shared import markup, navigation, session, ui
from pages.shared.llm_connection import Connection
from state.jobs.jobs import Job, log_tail
from state.project.project import Project
from state.revisions import revisions
from state.work.stage_results import StageResults, StepState, StepView, view_steps

STOPPED = ("failed", "cancelled", "interrupted")


def _run(project: Project, model: Connection) -> None:
    params = {"images": None, "config": project.settings().to_json(), "labels": "keep", **model.params}
    session.jobs().start(project, "run", params, secrets=model.secrets)
    st.rerun()


def _can_resume(latest: Job | None) -> TypeGuard[Job]:
    return latest is not None and latest.kind == "run" and latest.state in STOPPED


def _node(view: StepView, job: Job | None) -> markup.Node:
    line = ""
    if view.state == "running" and job is not None:
        line = f"{ui.share(job):.0%}" if job.total else "running"
    elif view.state == "fresh" and view.seconds is not None:
        line = "kept" if view.reused else markup.duration(view.seconds)
    return markup.Node(name=view.step.name, state=view.state, line=line, tip=view.step.tip)


def _rail(project: Project, drawn: tuple[StepState, ...]) -> None:
    """Redrawn every second while a job runs, drawn once otherwise; the whole page follows when a state changes."""
    job = session.jobs().active(project)
    views = view_steps(project.stage_reports(), project.settings(), job)
    if tuple(view.state for view in views) != drawn:
        st.rerun()
    st.html(markup.rail([_node(view, job) for view in views]))


def _actions(project: Project, views: tuple[StepView, ...], job: Job | None, model: Connection) -> None:
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
            _run(project, model)
        if _can_resume(latest) and st.button(
            "Resume", key="resume", icon=":material/resume:", help="Go on where it stopped."
        ):
            session.jobs().resume(project, latest.id, secrets=model.secrets)
            st.rerun()
        _preset(project, disabled=job is not None)
        if job is None and revisions.current(project) is not None:
            st.page_link(navigation.page("clusters"), label="See the clusters")
        stale = [view.step.name for view in views if view.state == "stale"]
        if stale:
            st.caption(f"Out of date: {', '.join(stale)}.")
    if _can_resume(latest) and latest.state == "interrupted":
        st.info("The last run was interrupted. Resume goes on where it stopped.", icon=":material/info:")
    if latest is not None and latest.state == "failed":
        ui.error(latest.error)
        with st.expander("What the job wrote", key="job_log"):
            st.code(log_tail(project, latest.id), language=None)


def _preset(project: Project, *, disabled: bool) -> None:
    """One button for all options: to the paper's values, and back to the program's."""
    config = project.settings()
    is_paper = config == paper_defaults(config)
    st.button(
        "Studio defaults" if is_paper else "Paper defaults",
        key="preset",
        icon=":material/article:",
        disabled=disabled,
        on_click=_save,
        args=(project, studio_defaults(config) if is_paper else paper_defaults(config)),
        help="Every option as the program chooses it for this collection."
        if is_paper
        else "The paper's fixed setting: weight 1, β 0.8 on the plain cosine, no guard against one big concept. Encoder, "
        "number of clusters, seed and guidance stay.",
    )


@ui.refusals()
def _save(project: Project, config: RunConfig) -> None:
    project.save_settings(config)


def _essentials(project: Project, config: RunConfig) -> Connection:
    """The choices that matter most; returns how to reach a language model, if one is chosen."""
    with st.container(border=True):
        clusters, concepts, words, looks = st.columns([2, 2, 3, 3])
        with clusters:
            option_widgets.draw(project, config, OPTIONS["n_clusters"])
        with concepts:
            option_widgets.draw(project, config, OPTIONS["mapping.n_concepts"])
        with words:
            option_widgets.encoder(project, config)
        with looks:
            option_widgets.looks(project, config)
        left, right = st.columns([1, 2])
        with left:
            option_widgets.draw(project, config, OPTIONS["knowledge.builder"])
        with right:
            st.text_area(
                "What matters to you (guidance)",
                placeholder="for example: group by kind of animal; ignore the background",
                help="In your own words. The builder of concepts and attributes takes it into account.",
                height=80,
                **option_widgets.prepare(project, "knowledge.guidance", config.knowledge.guidance),
            )
        return llm_panel.draw(project) if config.knowledge.builder == "llm" else Connection()


def _chosen_step(views: tuple[StepView, ...]) -> StepView | None:
    """The step whose options and results are shown; the one that failed until another is chosen."""
    by_name = {view.step.name: view for view in views}
    failed = next((at for at, view in enumerate(views) if view.state == "failed"), None)
    chosen = st.selectbox(
        "Options and results of a step",
        list(by_name),
        index=failed,
        placeholder="choose a step",
        key="build_step",
        persist_state="session",
        width=320,
    )
    return by_name[chosen] if chosen else None


def _step(project: Project, config: RunConfig, view: StepView, made: step_results.Made) -> bool:
    """One step with its options and results; returns whether to run from here."""
    ui.note(view.step.tip)
    if view.problem:
        ui.error(view.problem)
    options = shown_at(view.step)
    columns = st.columns(3) if options else []
    for place, option in enumerate(options):
        with columns[place % 3]:
            option_widgets.draw(project, config, option)
    wanted = view.state in ("stale", "failed") and st.button(
        "Run from here",
        key="run_from_here",
        help="Stages before this one are kept; this one and those after it are redone.",
    )
    if view.state in ("fresh", "stale"):
        step_results.show(made, view)
    return wanted


def _page(project: Project) -> None:
    job = session.jobs().active(project)
    config = project.settings()
    views = view_steps(project.stage_reports(), config, job)
    st.fragment(_rail, run_every=llm_panel.POLL_SECONDS if job else None)(
        project, tuple(view.state for view in views)
    )
    top = st.container()
    model = _essentials(project, config)
    with top:
        _actions(project, views, job, model)
    chosen = _chosen_step(views)
    if chosen is None:
        return
    made = step_results.Made(project=project, results=StageResults(project))
    with ui.errors(), st.container(border=True):
        if _step(project, config, chosen, made):
            _run(project, model)


project = ui.need_project()
st.title("Build", anchor=False)
with ui.errors():
    if project.last_scan:
        _page(project)
    elif session.jobs().active(project) is not None:
        st.html(
            markup.empty(
                "The photos are being looked at",
                "As soon as that is done you can build here; the line at the top tells how far it is.",
            )
        )
    else:
        ui.nothing_here(
            "No photos yet", "Choose your photos first; building comes next.", "data", "Choose photos"
        )
