"""Compare, tab "What was chosen for you": how the program set what the paper fixes, and the way to the paper's values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from kec_core.config import PAPER_WEIGHT, EncoderDefaults, paper_defaults
from kec_core.knowledge.edits import SetWeight
from pages.shared import editing, markup, navigation, ui
from state.project.project import Project
from state.revisions.clusterings import load_features
from state.revisions.revisions import Revision


class Choice(NamedTuple):
    """A value the program chose: what it is, the value, the paper's, and why."""

    name: str
    value: str
    paper: str
    why: str


def draw(project: Project, shown: Revision) -> None:
    """The whole tab."""
    ui.note(
        "Words can help and words can harm: where they do not fit the photos, plain k-means is better. So the program "
        "sets how much the words count for each collection, without looking at any label, and k-means is always shown "
        "beside the result. The paper uses one fixed setting for every collection; it is one click away."
    )
    with ui.errors():
        defaults = load_features(project, shown).defaults
        _table(choices(shown, defaults))
        _weight(project, shown)
        _preset(project)
        ui.run_notes(shown, "What the run noted", key="choice_notes")


def choices(shown: Revision, defaults: EncoderDefaults) -> list[Choice]:
    """What was chosen for a revision, beside the paper's value."""
    return [
        _weight_choice(shown, defaults),
        Choice(
            "How decidedly a photo leans to its best concept (temperature)",
            f"× {shown.config.grounding.logit_scale or defaults.logit_scale:g}",
            "not stated",
            "Yours."
            if shown.config.grounding.logit_scale
            else "Fits the spread of this encoder's similarities.",
        ),
        Choice(
            "When two small clusters become one concept (β)",
            f"{shown.config.mapping.beta if shown.config.mapping.beta is not None else defaults.beta:g}",
            "0.8",
            "Yours."
            if shown.config.mapping.beta is not None
            else f"Fits this encoder; compared by {shown.config.mapping.similarity or defaults.similarity}.",
        ),
        Choice(
            "Number of clusters (K)",
            str(shown.facts.n_clusters),
            "the number of classes",
            "Yours." if _asked_for(shown) else "Estimated from the photos; see the notes below.",
        ),
    ]


def _asked_for(shown: Revision) -> bool:
    return shown.knowledge.n_clusters is not None or shown.config.n_clusters is not None


def _weight_choice(shown: Revision, defaults: EncoderDefaults) -> Choice:
    weight = shown.facts.weight
    if shown.knowledge.weight is not None:
        why = f"Yours; the program's own choice was {shown.facts.automatic.weight:.2f}."
    elif shown.config.clustering.weight is not None:
        why = "Yours, from the options of the run."
    else:
        why = _why(shown) or f"From {defaults.weight / 2:g} on, by how clearly words set the photos apart."
    return Choice("How much the words count beside the photos (w)", f"{weight:.2f}", f"{PAPER_WEIGHT:g}", why)


def _why(shown: Revision) -> str:
    """What the run noted about its choice of the weight."""
    return next((note for note in shown.facts.notes if note.startswith("Knowledge counts")), "")


def _table(rows: Sequence[Choice]) -> None:
    st.html(
        '<table class="kec kec-scores kec-wide"><thead><tr><th scope="col">What</th><th scope="col">Here</th>'
        '<th scope="col">Paper</th><th scope="col">Why</th></tr></thead><tbody>'
        + "".join(
            f'<tr><th scope="row">{markup.text(row.name)}</th><td>{markup.text(row.value)}</td>'
            f'<td>{markup.text(row.paper)}</td><td class="kec-quiet">{markup.text(row.why)}</td></tr>'
            for row in rows
        )
        + "</tbody></table>"
    )


def _weight(project: Project, shown: Revision) -> None:
    """The weight alone: at once, on this result, and back."""
    st.subheader("Try it on this result", anchor=False)
    weight = shown.facts.weight
    own = shown.facts.automatic.weight
    with st.container(horizontal=True):
        for label, key, edit, same, why in (
            (
                f"The paper's weight ({PAPER_WEIGHT:g})",
                "weight_paper",
                SetWeight(knowledge=PAPER_WEIGHT),
                weight == PAPER_WEIGHT,
                "Words and photos count alike, as in the paper.",
            ),
            ("Photos alone (0)", "weight_none", SetWeight(knowledge=0.0), weight == 0, "No words at all."),
            (
                f"The program's choice ({own:.2f})",
                "weight_own",
                SetWeight(knowledge=None),
                shown.knowledge.weight is None,
                "Chosen for this collection without labels.",
            ),
        ):
            st.button(
                label,
                key=key,
                disabled=same,
                on_click=_try,
                args=(project, edit),
                help=f"{why} The photos regroup at once; Undo takes it back.",
            )


def _try(project: Project, edit: SetWeight) -> None:
    editing.act(project, [edit])


def _preset(project: Project) -> None:
    """All options of the paper, for the next run."""
    st.subheader("Run with the paper's defaults", anchor=False)
    config = project.settings()
    wanted = paper_defaults(config)
    ui.note(
        "Sets every option of the Build page to the paper's value (weight 1, β 0.8 on the plain cosine, no guard "
        "against one big concept), and leads there. A run then makes a new revision beside this one."
        if config != wanted
        else "The options of the Build page are the paper's already; run there."
    )
    if st.button("Paper defaults, then Build", key="paper_defaults", icon=":material/article:"):
        project.save_settings(wanted)
        navigation.go_to("build")
