"""The options of a run as widgets: each shows what the project has stored and stores what the person chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import streamlit as st

from kec_core.config import RunConfig
from state import session
from state.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option.

    Attributes:
        name: dotted, as in ``RunConfig``.
        label: in plain words.
        help: what it does, with the paper's term.
        kind: "number" for floats, "count" for whole numbers; an empty field of these stands for ``automatic``.
        automatic: what an empty field means, "" when it may not be empty.
        low, high, step: bounds of a number.
        choices: value to its name, for "choice".
    """

    name: str
    label: str
    help: str
    kind: Literal["number", "count", "choice", "switch"] = "number"
    automatic: str = ""
    low: float = 0.0
    high: float | None = None
    step: float = 0.05
    choices: Mapping[Any, str] = field(default_factory=dict)


def read(config: RunConfig, name: str) -> object:
    """The value of a dotted option."""
    value: object = config
    for part in name.split("."):
        value = getattr(value, part)
    return value


def changed(config: RunConfig, name: str, value: object) -> RunConfig:
    """The options with one of them changed."""
    group, _, last = name.rpartition(".")
    if not group:
        return replace(config, **{last: value})
    return replace(config, **{group: replace(getattr(config, group), **{last: value})})


def store(project: Project, name: str, key: str) -> None:
    """Keep what a widget holds now as an option of the project (its ``on_change``)."""
    project.save_settings(changed(project.settings(), name, session.widget(key)))


def prepare(project: Project, name: str, value: object) -> dict[str, Any]:
    """Arguments that tie a widget to an option: its key, its value as stored, and what happens on a change."""
    key = f"{project.folder.name}.{name}"
    session.set_widget(key, value)
    return {"key": key, "on_change": store, "args": (project, name, key)}


def draw(project: Project, config: RunConfig, option: Option) -> None:
    """Draw the widget of one option."""
    value = read(config, option.name)
    if option.kind == "switch":
        st.toggle(option.label, help=option.help, **prepare(project, option.name, bool(value)))
    elif option.kind == "choice":
        _draw_choice(project, option, value)
    else:
        _draw_number(project, option, value)


def _draw_choice(project: Project, option: Option, value: object) -> None:
    choices = dict(option.choices)
    if value not in choices:
        choices[value] = str(value)
    st.selectbox(
        option.label,
        list(choices),
        format_func=lambda item: choices[item],
        help=option.help,
        **prepare(project, option.name, value),
    )


def _draw_number(project: Project, option: Option, value: float | None) -> None:
    number = int if option.kind == "count" else float
    st.number_input(
        option.label,
        min_value=number(option.low),
        max_value=None if option.high is None else number(option.high),
        value=None if option.automatic else "min",
        step=1 if option.kind == "count" else option.step,
        placeholder=option.automatic or None,
        help=option.help,
        **prepare(project, option.name, None if value is None else number(value)),
    )
