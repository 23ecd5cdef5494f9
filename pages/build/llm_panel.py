"""The language model on the Build page: which one, what a run would cost, what it is doing, what it could not answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from kec_core.knowledge.base import ItemReport
from kec_core.llm.cost import HOW, Budget
from pages.shared import llm_connection, markup, navigation, session, ui
from pages.shared.llm_connection import Connection
from state.jobs.jobs import Job
from state.llm.items import account, read_items
from state.llm.setup import LLMSetup
from state.project.project import Project

ASKING = ("concepts", "attributes")
ROWS = 200
POLL_SECONDS = 2
"""The header says every second how far a job is; the table of its questions may take its time."""
KINDS = {"concept": "Concept", "uni": "Attributes", "pair": "Pair", "caption": "Caption"}
STATUSES = {
    "waiting": "to be asked",
    "done": "answered",
    "cached": "answered before",
    "fallback": "made by WordNet",
    "failed": "no usable answer",
}
COLUMNS = ("State", "What", "About", "Reason", "Requests", "Tokens", "Seconds")
"""Of the table of items; without a reason to tell, its column gives way to what the items are about."""
_ORDER = ("failed", "fallback", "done", "cached", "waiting")


def draw(project: Project) -> Connection:
    """Draw everything about the language model that a project's runs use; returns how to reach it.

    Raises:
        InputError: the settings cannot be used.
    """
    setup = llm_connection.chosen()
    made = llm_connection.connection(setup)
    if setup is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(
                "No language model is chosen yet. Choose one first, or use WordNet.", icon=":material/info:"
            )
            st.page_link(navigation.page("settings"), label="Choose one")
        return made
    with st.container(horizontal=True, vertical_alignment="center"):
        ui.note(_sentence(setup))
        st.page_link(navigation.page("settings"), label="Settings")
    job = session.jobs().active(project)
    if job is not None and job.kind == "run":
        st.fragment(_live, run_every=POLL_SECONDS)(project, job.id)
    elif job is None:
        _estimate(project, made)
        _ended(project, made)
    return made


def _sentence(setup: LLMSetup) -> str:
    cap = f" Stops before more than {budget_words(setup.budget)}." if setup.budget != Budget() else ""
    return f"{setup.endpoint.model} at {setup.endpoint.url} is asked with nouns and names. It never sees a photo.{cap}"


def budget_words(budget: Budget) -> str:
    """A cap in words."""
    caps = []
    if budget.tokens is not None:
        caps.append(f"{budget.tokens:,} tokens")
    if budget.money is not None:
        caps.append(f"{budget.money:g} in money")
    return " or ".join(caps)


# --- before


def _params(project: Project, made: Connection) -> dict[str, Any]:
    return {"images": None, "config": project.settings().to_json(), **made.params}


def _estimate(project: Project, made: Connection) -> None:
    """The latest estimate when nothing has changed since, and a button that makes one."""
    latest = next(iter(session.jobs().jobs(project)), None)
    current = (
        latest is not None
        and latest.kind == "estimate"
        and latest.result is not None
        and latest.params == _params(project, made)
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Estimate",
            key="llm_estimate",
            icon=":material/calculate:",
            disabled=not project.last_scan,
            help="Counts what a run would ask, without asking. Steps before the concepts are done if they must be.",
        ):
            session.jobs().start(project, "estimate", _params(project, made))
            st.rerun()
        if current and latest is not None and latest.result is not None:
            ui.note(estimate_words(latest.result))
        else:
            ui.note("How many questions, tokens and how much money would a run take?")


def estimate_words(estimate: Mapping[str, Any]) -> str:
    """An estimate in one line."""
    if not estimate["calls"]:
        return "Nothing would be asked: every answer is stored already."
    parts = [
        markup.count(estimate["calls"], "question"),
        f"about {estimate['prompt_tokens'] + estimate['completion_tokens']:,} tokens",
        "no price known" if estimate["money"] is None else f"about {estimate['money']:.4f} in money",
    ]
    if estimate["cached"]:
        parts.append(f"{estimate['cached']:,} answered before")
    return f"{' · '.join(parts)} ({HOW})"


# --- during


def _live(project: Project, job_id: str) -> None:
    """Redrawn while a run lasts."""
    job = session.jobs().status(project, job_id)
    items = read_items(project.database)
    if job.stage not in ASKING or not items:
        ui.note("The questions begin when the nouns are found.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Go on" if job.paused else "Pause",
            key="llm_pause",
            disabled=job.state != "running",
            help="While paused nothing new is sent. Answers that are under way are still waited for.",
            on_click=_pause,
            args=(project, job),
        )
        st.progress(ui.share(job), text=markup.plain(_progress(job)), width=420)
    _show_items(items)


@ui.refusals()
def _pause(project: Project, job: Job) -> None:
    session.jobs().pause(project, job.id, paused=not job.paused)


def _progress(job: Job) -> str:
    rest = f" · about {markup.duration(job.eta)} left" if job.eta and not job.paused else ""
    return f"{job.label}: {job.done:,} of {job.total:,}{rest}"


def _show_items(items: Sequence[ItemReport]) -> None:
    """Figures of how items stand, and a table: troubled ones first, then the latest."""
    counts = {status: sum(item.status == status for item in items) for status in STATUSES}
    tokens = sum(item.prompt_tokens + item.completion_tokens for item in items)
    figures = [(STATUSES[status], f"{n:,}", "") for status, n in counts.items() if n]
    st.html(
        markup.facts([*figures, ("tokens", f"{tokens:,}", "Prompt and answer, failed requests included")])
    )
    places = sorted(range(len(items)), key=lambda i: (_ORDER.index(items[i].status), -i))
    _table([items[i] for i in places])


def _table(items: Sequence[ItemReport]) -> None:
    """Items as plain text; at most 200 of them."""
    shown = items[:ROWS]
    rows = [
        {
            "State": STATUSES[item.status],
            "What": KINDS.get(item.kind, item.kind),
            "About": item.label,
            "Reason": item.reason,
            "Requests": item.requests or None,
            "Tokens": item.prompt_tokens + item.completion_tokens or None,
            "Seconds": round(item.seconds, 1) or None,
        }
        for item in shown
    ]
    narrow = st.column_config.NumberColumn(width="small")
    wide = st.column_config.TextColumn(width="large")
    reasons = any(item.reason for item in shown)
    st.dataframe(
        rows,
        hide_index=True,
        placeholder="",
        height=min(300, 38 + 35 * len(rows)),
        column_order=[name for name in COLUMNS if reasons or name != "Reason"],
        column_config={
            "About": st.column_config.TextColumn(width="medium") if reasons else wide,
            "Reason": wide,
            **dict.fromkeys(("Requests", "Tokens", "Seconds"), narrow),
        },
    )
    if len(items) > ROWS:
        ui.note(f"{ROWS} of {len(items):,} are shown.")


# --- after


def _ended(project: Project, made: Connection) -> None:
    """How the latest run's questions ended: of one that stopped all of them, else those without a usable answer."""
    latest = next((job for job in session.jobs().jobs(project) if job.kind == "run"), None)
    if latest is not None and latest.state in ("failed", "cancelled", "interrupted"):
        items = read_items(project.database)
        if items and "llm" in latest.params:
            ui.note("The latest run stopped. Its answers are kept; a new run asks only for the rest.")
            _show_items(items)
        return
    if latest is not None and (unasked := (latest.result or {}).get("llm", {}).get("unasked")):
        ui.note(unasked)
    told = account(record.report for record in project.stage_reports() if record.state == "fresh")
    if not told.counts:
        return
    total = sum(told.counts.values())
    if not told.replaced:
        ui.note(f"All {total:,} items of the latest result are by the language model.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            f"{len(told.replaced):,} of {total:,} items had no usable answer. WordNet made them, and they are marked.",
            icon=":material/warning:",
        )
        if st.button(
            f"Ask again for these {len(told.replaced):,}",
            key="llm_retry",
            help="Only these are asked again; all other answers are kept.",
        ):
            params = {**_params(project, made), "labels": "keep", "retry_failed": True}
            session.jobs().start(project, "run", params, secrets=made.secrets)
            st.rerun()
    with st.expander("Which ones, and why", key="llm_replaced"):
        _table(told.replaced)
