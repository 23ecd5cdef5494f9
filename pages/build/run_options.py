"""The choice of the encoder on the Build page."""

from __future__ import annotations

import streamlit as st

from kec_core.config import RunConfig
from kec_core.encoders import available_encoders
from pages.build import option_widgets
from state.project.project import Project


def encoder(project: Project, config: RunConfig) -> None:
    """The choice of encoder, with what is on this computer; any other may be typed."""
    known = {choice.name: choice for choice in available_encoders()}
    names = {"auto": "Automatic: CLIP if it is here, else compact"}
    names |= {
        name: choice.caption + ("" if choice.ready else " – not on this computer")
        for name, choice in known.items()
    }
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


_SPACES = {"": "The encoder's alone", "dinov2": "DINOv2 ViT-S/14 beside it"}


def looks(project: Project, config: RunConfig) -> None:
    """The choice of a second space of looks; any other may be typed."""
    st.selectbox(
        "Looks",
        [*_SPACES, *({config.looks} - set(_SPACES))],
        format_func=lambda name: _SPACES.get(name, name),
        accept_new_options=True,
        help=(
            "Where looks come from; words stay with the encoder. You may type timm:MODEL, timm:MODEL/CHECKPOINT, or a file or "
            "folder of ready-made features. New photos cannot join groups of two spaces."
        ),
        **option_widgets.prepare(project, "looks", config.looks, lambda value: str(value or "").strip()),
    )
