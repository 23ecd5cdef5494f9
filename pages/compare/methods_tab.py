"""Compare, tab "Methods": every method of the papers on these photos, in one table."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from kec_core.arrays import fingerprint
from kec_core.llm.answer_cache import MemoryCache
from kec_core.llm.captions import SIDE, estimate_captions
from kec_core.llm.client import LLMClient
from kec_core.llm.cost import Estimate, Meter
from kec_core.methods import METHODS
from kec_core.methods.base import Method, Need
from pages.compare import method_table
from pages.shared import llm_connection, markup, navigation, session, ui
from state.jobs.jobs import Job
from state.llm.setup import LLMSetup
from state.methods.needs import (
    captions_file,
    expected_seconds,
    has_needs,
    keep_captions,
    keep_photo_captions,
    photo_captions_file,
)
from state.methods.results import KeptRow, Preset
from state.project.project import Project
from state.revisions.revisions import Revision

FAMILIES: dict[str, tuple[str, ...]] = {
    "To compare with": ("kmeans", "zeroshot", "caption"),
    "KEC": ("kec", "kec-fixed", "kec-spectral", "kec-agglomerative", "kec-bisecting"),
    "TAC and SIC": ("tac-notrain", "tac", "kec-tac", "sic", "sic-best-epoch"),
    "TURTLE": ("turtle", "turtle-tac", "turtle-kec"),
    "CAE": ("cae", "cae-no-captions", "cae-no-nouns", "cae-softmax", "cae-uniform", "cae-sum"),
    "LAIC": ("laic", "laic-centres"),
    "Parts of KEC (ablation)": (
        "kec-looks",
        "kec-plain-looks",
        "kec-no-words-start",
        "kec-con",
        "kec-des",
        "kec-con-des",
        "kec-con-des-ua",
        "kec-con-des-ba",
    ),
}
USUAL = ("kmeans", "tac-notrain", "kec")
LACKING: dict[Need, str] = {
    "nouns": "a list of nouns (WordNet; `kec setup` fetches it)",
    "knowledge": "concepts; run the stages first",
    "class names": "labels for some photos, to know the names of the classes (page Data)",
    "captions": "a text file of captions, below",
    "photo captions": "a caption for each photo, or your consent to have them written, below",
    "labels": "a label for every photo (page Data)",
}
PRESETS: dict[Preset, str] = {"fast": "Fast (for a laptop)", "full": "Full (as published)"}


def draw(project: Project, shown: Revision) -> None:
    """The whole tab."""
    encoder = shown.facts.encoder
    with st.container(horizontal=True, vertical_alignment="center"):
        ui.note(
            "All methods get the same photo features, the same number of clusters and, where they use any, the nouns and "
            "knowledge of this result. Each starts anew from every seed: wishes on photos and groups that grew from names "
            "you gave shape your result, not this table. Labels are looked at only to score."
        )
        ui.encoder_badge(encoder)
    job = session.jobs().active(project)
    running = job is not None and job.kind == "methods"
    st.fragment(method_table.draw, run_every=2 if running else None)(project, shown)
    _ending(project)
    with ui.errors():
        _choose(project, shown, job)


def _ending(project: Project) -> None:
    """Why the latest comparison stopped, if it did."""
    latest = next((job for job in session.jobs().jobs(project) if job.kind == "methods"), None)
    if latest is None or latest.is_active or latest.state == "done":
        return
    if latest.state == "failed":
        ui.error(latest.error)
    else:
        st.info(
            "The last comparison was stopped. What it finished is kept; start it again to go on.",
            icon=":material/info:",
        )


def _choose(project: Project, shown: Revision, job: Job | None) -> None:
    present = set(has_needs(project, shown))
    if _agreed(project) is not None:
        present.add("photo captions")
    kept = method_table.kept(project, shown)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            seeds = st.number_input(
                "Seeds",
                min_value=1,
                max_value=20,
                value=5,
                key="method_seeds",
                width=120,
                persist_state="session",
                help="Each method runs that often from other starts; the table shows mean and spread.",
            )
            preset = ui.choose(
                "Preset",
                PRESETS,
                key="method_preset",
                labelled=True,
                tip="Trained methods take fewer steps in the fast preset; the others are the same in both.",
            )
        n_images = shown.facts.images
        names = _checkboxes(present, n_images, preset, kept)
        _files(project)
        total = int(seeds) * sum(expected_seconds(name, n_images, preset, kept) for name in names)
        _start(project, names, int(seeds), preset, total, job)


def _checkboxes(
    present: Collection[Need], n_images: int, preset: Preset, kept: Sequence[KeptRow]
) -> list[str]:
    """One box per method; those that cannot run are grey and say what they lack."""
    chosen = []
    grid = st.grid(min_column_width=330, gap="medium")
    for family, names in FAMILIES.items():
        with grid.cell():
            st.markdown(f"**{family}**")
            for name in names:
                method = METHODS[name]
                lacking = sorted(method.needs - set(present))
                seconds = expected_seconds(name, n_images, preset, kept)
                picked = st.checkbox(
                    _label(method, seconds),
                    value=name in USUAL,
                    key=f"method_{name}",
                    disabled=bool(lacking),
                    help=_help(method, lacking),
                    persist_state="session",
                )
                if picked and not lacking:
                    chosen.append(name)
    return chosen


def _label(method: Method, seconds: float) -> str:
    # No markup: a screen reader reads the label, and that of its help, as it is written here.
    return f"{markup.plain(method.caption)} · {markup.plain(method.provenance)} · {_rough(seconds)}"


def _rough(seconds: float) -> str:
    """A time as coarse as it is known."""
    if seconds < 8:
        return "seconds"
    if seconds < 90:
        return f"about {math.ceil(seconds / 10) * 10} s a seed"
    return f"about {math.ceil(seconds / 60)} min a seed"


def _help(method: Method, lacking: Sequence[Need]) -> str:
    follows = {
        "paper": "Follows the paper.",
        "authors' code": "Follows the authors' code where it differs from the paper.",
        "reconstruction": "Our reconstruction: the paper leaves details open and there is no code.",
    }[method.provenance]
    needs = f" Needs {' and '.join(LACKING[need] for need in lacking)}." if lacking else ""
    return markup.plain(" ".join(filter(None, [method.note, follows]))) + needs


def _files(project: Project) -> None:
    """Captions that some methods need; kept with the project."""
    with st.expander("Captions, for the methods that need them", key="method_files"):
        for title, kind, present_now, keep, tip in (
            (
                "Captions of any photos, one per line (.txt)",
                "txt",
                captions_file(project) is not None,
                keep_captions,
                "Sentences about photos like these, for CAE: the nearest ones describe each group.",
            ),
            (
                "Captions of these photos (.csv with columns file, caption)",
                "csv",
                photo_captions_file(project) is not None,
                keep_photo_captions,
                "One sentence for each photo, for “Captions, then k-means”.",
            ),
        ):
            key = f"upload_{kind}_captions"
            st.file_uploader(
                title + (" · kept; a new file replaces it" if present_now else ""),
                type=kind,
                key=key,
                help=tip,
                on_change=_keep_file,
                args=(project, key, keep),
            )
        _consent(project)


def _keep_file(project: Project, key: str, keep: Callable[[Project, bytes], int]) -> None:
    upload = session.widget(key)
    if not isinstance(upload, UploadedFile):
        return
    with ui.refusals():
        count = keep(project, upload.getvalue())
        session.notice(f"{markup.count(count, 'caption')} kept with the project.")


def _start(
    project: Project, names: Sequence[str], seeds: int, preset: Preset, total: float, job: Job | None
) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Run the comparison",
            key="run_methods",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not names or job is not None,
            help="It runs beside your work, can be cancelled in the header, and goes on where it stopped.",
        ):
            params = {
                "methods": list(names),
                "seeds": seeds,
                "preset": preset,
                "captions": _path(captions_file(project)),
                "photo_captions": _path(photo_captions_file(project)),
            }
            seeing = llm_connection.connection(_agreed(project) if "caption" in names else None)
            if seeing.params:
                params |= {"photo_captions": None, "send_photos": True, **seeing.params}
            session.jobs().start(project, "methods", params, secrets=seeing.secrets)
            st.rerun()
        if job is not None:
            st.caption("A job is running; the comparison can start when it has ended.")
        elif names:
            st.caption(
                f"{markup.count(len(names), 'method')} × {markup.count(seeds, 'seed')}, roughly {markup.duration(max(1.0, total))} "
                "the first time; finished seeds are not computed again."
            )
        else:
            st.caption("Choose at least one method.")


def _path(path: object) -> str | None:
    return None if path is None else str(path)


def _agreed(project: Project) -> LLMSetup | None:
    """The model that the person lets see the photos; None without consent, or after another model was chosen."""
    setup = llm_connection.chosen()
    return setup if setup is not None and session.widget(_consent_key(project, setup)) is True else None


def _consent(project: Project) -> None:
    """Draw what would be sent, where to and what it may cost, and the box that agrees to it."""
    st.markdown("**Let a language model describe the photos**", help="The baseline “caption + cluster”.")
    with ui.errors():
        setup = llm_connection.chosen()
        if setup is None:
            ui.note("No language model is chosen yet. It must be one that takes photos.")
            st.page_link(navigation.page("settings"), label="Choose one")
            return
        photos = markup.count(len(project.images()), "photo")
        ui.note(
            f"Sends a copy of each of the {photos}, at most {SIDE} pixels wide and without metadata, once to "
            f"{setup.endpoint.url}. {_cost(project, setup)} Sentences are kept with the project."
        )
        st.checkbox(
            f"I agree: these photos leave this machine and go to {markup.plain(setup.endpoint.model)}",
            key=_consent_key(project, setup),
            persist_state="session",
        )


def _consent_key(project: Project, setup: LLMSetup) -> str:
    return f"send_photos_{fingerprint(str(project.folder), setup.endpoint.url, setup.endpoint.model)}"


def _cost(project: Project, setup: LLMSetup) -> str:
    """The most that it takes, from one photo: those described before are free, but 50,000 are not looked up here."""
    photos = project.images()
    client = LLMClient(setup.endpoint, MemoryCache(), setup.config, meter=Meter(price=setup.price))
    one: Estimate = estimate_captions(client, photos[:1])
    tokens = (one.prompt_tokens + one.completion_tokens) * len(photos)
    money = "" if one.money is None else f", about {one.money * len(photos):.2f} in money"
    return f"At most {markup.count(len(photos), 'question')}, about {tokens:,} tokens{money}."
