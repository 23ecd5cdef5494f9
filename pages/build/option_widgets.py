"""The options of a run as widgets: each shows what the project has stored and stores what the person chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import streamlit as st

from kec_core.config import RunConfig
from kec_core.config.option import Option, changed, value_of
from kec_core.encoders import EncoderChoice, available_encoders
from kec_core.encoders.timm_images import dinov2_on_disk
from kec_core.errors import InputError, KecError
from pages.build import option_widgets
from pages.shared import session
from state.project.project import Project

_ELSEWHERE = " – not on this computer"


def encoder(project: Project, config: RunConfig) -> None:
    """The choice of encoder, with what is on this computer; any other may be typed."""
    known = {choice.name: choice for choice in available_encoders()}
    names = {"auto": "Automatic: CLIP if it is here, else compact"}
    names |= {name: choice.caption + ("" if choice.ready else _ELSEWHERE) for name, choice in known.items()}
    st.selectbox(
        "Encoder",
        [*names, *({config.encoder} - set(names))],
        format_func=lambda name: names.get(name, name),
        accept_new_options=True,
        help=(
            "What compares photos with words. You may type open_clip:MODEL/PRETRAINED, transformers:FOLDER, or embeddings:FILE#TEXT_ENCODER "
            "for ready-made image features."
        ),
        **option_widgets.prepare(project, "encoder", config.encoder),
    )
    chosen = known.get(config.encoder)
    if chosen is not None:
        st.caption(("compact (offline), not CLIP. " if chosen.name == "compact" else "") + chosen.advice)
    _compare_encoders(known.values())


def _compare_encoders(choices: Iterable[EncoderChoice]) -> None:
    with st.popover("Compare encoders", icon=":material/table_rows:"):
        st.dataframe(
            [
                {
                    "Encoder": choice.caption,
                    "Here": "yes" if choice.ready else "no",
                    "Known by words": "not measured"
                    if choice.zero_shot is None
                    else f"{choice.zero_shot:g} %",
                    "Time": choice.cost,
                    "Licence": choice.licence,
                }
                for choice in choices
            ],
            hide_index=True,
            width=640,
            column_config={
                "Here": st.column_config.TextColumn(help="On this computer; others: `kec setup --clip`."),
                "Known by words": st.column_config.TextColumn(
                    help="Published accuracy on the 1,000 kinds of ImageNet by words alone (zero-shot)."
                ),
                "Time": st.column_config.NumberColumn(
                    help="For one photo on a CPU; CLIP ViT-B/32 takes 1.", format="%.2g ×"
                ),
            },
        )


def looks(project: Project, config: RunConfig) -> None:
    """The choice of a second space of looks; any other may be typed."""
    dinov2 = "DINOv2 ViT-S/14 beside it" + ("" if dinov2_on_disk() else _ELSEWHERE)
    names = {"": "The encoder's alone", "dinov2": dinov2}
    st.selectbox(
        "Looks",
        [*names, *({config.looks} - set(names))],
        format_func=lambda name: names.get(name, name),
        accept_new_options=True,
        help=(
            "Where looks come from; words stay with the encoder. You may type timm:MODEL, timm:MODEL/CHECKPOINT, or a file or "
            "folder of ready-made features. New photos are looked at by both."
        ),
        **option_widgets.prepare(project, "looks", config.looks, lambda value: str(value or "").strip()),
    )


Convert = Callable[[object], object]
"""From what a widget holds to the value of an option; raises InputError when it cannot be one."""


def store(project: Project, name: str, key: str, convert: Convert = lambda value: value) -> None:
    """Keep what a widget holds now as an option of the project (its ``on_change``)."""
    try:
        project.save_settings(changed(project.settings(), name, convert(session.widget(key))))
    except KecError as error:
        session.notice(str(error))


def prepare(
    project: Project, name: str, value: object, convert: Convert = lambda value: value
) -> dict[str, Any]:
    """Arguments that tie a widget to an option: its key, its value as stored, and what happens on a change."""
    key = f"{project.folder.name}.{name}"
    session.set_widget(key, value)
    return {"key": key, "on_change": store, "args": (project, name, key, convert)}


def draw(project: Project, config: RunConfig, option: Option) -> None:
    """Draw the widget of one option."""
    value = value_of(config, option.name)
    if option.kind == "switch":
        st.toggle(option.label, help=option.help, **prepare(project, option.name, bool(value)))
    elif option.kind == "choice":
        _draw_choice(project, option, value)
    else:
        _draw_number(project, option, value)


def _draw_choice(project: Project, option: Option, value: object) -> None:
    chosen = "" if value is None else str(value)
    choices = {**option.choices, **({} if chosen in option.choices else {chosen: chosen})}
    st.selectbox(
        option.label,
        list(choices),
        format_func=lambda item: choices.get(item, item),
        help=option.help,
        accept_new_options=option.may_type,
        **prepare(project, option.name, chosen, partial(_from_choice, option)),
    )


def _from_choice(option: Option, item: object) -> object:
    text = str(item or "")
    if text in option.choices:
        return text or None
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise InputError(
        f"{option.label} should be one of the choices or a whole number above 0, but is {text!r}."
    )


def _draw_number(project: Project, option: Option, value: object) -> None:
    number = int if option.kind == "count" else float
    bounds: dict[str, Any] = {  # all whole, or none: a field of Streamlit takes one type
        "min_value": number(option.low),
        "max_value": None if option.high is None else number(option.high),
        "value": None if option.automatic else "min",
        "step": 1 if option.kind == "count" else option.step,
    }
    kept = number(value) if isinstance(value, (int, float)) else None
    st.number_input(
        option.label,
        placeholder=option.automatic or None,
        help=option.help,
        **bounds,
        **prepare(project, option.name, kept),
    )
