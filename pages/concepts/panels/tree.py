"""The concepts as a tree of groups; what is picked here is picked on every page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from kec_core.knowledge.unique_names import unique_names
from kec_core.types import Concept, Group
from pages.concepts.panels import tree_actions, workbench_view
from pages.concepts.panels.tree_actions import TOP
from pages.concepts.panels.workbench_view import View
from pages.shared import markup, session, ui
from state.project.project import Project
from state.work.workbench import Workbench

UNCLEAR = 0.02
"""Lead of a photo's best concept over the second up to which it has no clear one [R]."""

MANY_UNCLEAR = 0.2
"""Share of photos without a clear concept from which on it is said what to do about them [R]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """What lies in what; "" is the top. ``names``: what concepts are called here."""

    groups: dict[str, tuple[Group, ...]]
    concepts: dict[str, tuple[Concept, ...]]
    names: dict[str, str]

    def levels(self) -> list[tuple[Group, ...]]:
        """The groups at the top, those in them, and so on."""
        levels = [self.groups.get(TOP, ())]
        while levels[-1]:
            levels.append(tuple(child for group in levels[-1] for child in self.groups.get(group.id, ())))
        return levels[:-1]


def draw(project: Project, bench: Workbench) -> None:
    """Draw groups with their concepts to pick from, and what can be done with groups."""
    view = workbench_view.look(project, bench)
    tree = _tree(view)
    _unclear(view)
    tree_actions.draw(view, tree.levels())  # above the tree, which may be longer than the window
    for group in tree.groups.get(TOP, ()):
        _group(view, tree, group)
    if TOP in tree.concepts:
        _pills(view, tree, TOP, "Not in a group" if tree.groups else "All concepts")
    if not tree.groups:
        ui.note(
            "Pick concepts that belong together and make a group of them, or let the program propose groups."
        )


def _tree(view: View) -> _Tree:
    """Concepts with many photos first, groups as they were made; what names a lost group is at the top."""
    knowledge = view.state.knowledge
    known = {group.id for group in knowledge.groups}
    groups: dict[str, list[Group]] = {}
    concepts: dict[str, list[Concept]] = {}
    for group in knowledge.groups:
        groups.setdefault(group.parent if group.parent in known else TOP, []).append(group)
    for concept in sorted(knowledge.concepts, key=lambda one: (-view.count(one.id), one.name.casefold())):
        concepts.setdefault(concept.group if concept.group in known else TOP, []).append(concept)
    return _Tree(
        groups={parent: tuple(some) for parent, some in groups.items()},
        concepts={group: tuple(some) for group, some in concepts.items()},
        names=unique_names(knowledge),
    )


def _unclear(view: View) -> None:
    """A way to the photos that no concept clearly wins."""
    rows = view.photos.unclear(UNCLEAR)
    st.button(
        f"{markup.count(len(rows), 'photo')} with no clear concept",
        key="tree_unclear",
        type="tertiary",
        icon=":material/help_center:",
        disabled=not len(rows),
        help=f"Two concepts fit them almost equally well (best and second posterior ω differ by less than {UNCLEAR:g}). "
        "Press to pick them.",
        on_click=lambda: session.select(images=[view.images[row].id for row in rows]),
    )
    if len(rows) > MANY_UNCLEAR * len(view.images):
        ui.note(
            "The words do not tell these photos apart. Pick them and give those that belong together a word of their "
            "own (New group), merge concepts that mean the same, or say in Guidance what matters to you."
        )


def _group(view: View, tree: _Tree, group: Group) -> None:
    """One group with the groups in it, closed or open as the person left it."""
    label = f"**{markup.plain(group.name)}** · {markup.count(_photos(view, tree, group.id), 'photo')}"
    icon = ":material/select_all:" if group.collapsed else None
    with st.expander(label, expanded=True, key=f"tree_group_{group.id}", icon=icon):
        if group.collapsed:
            ui.note("Counts as one concept.")
        for child in tree.groups.get(group.id, ()):
            _group(view, tree, child)
        if group.id in tree.concepts:
            _pills(view, tree, group.id, f"Concepts in {markup.plain(group.name)}", visible=False)
        elif group.id not in tree.groups:
            ui.note("Empty: pick concepts and move them here.")


def _photos(view: View, tree: _Tree, group: str) -> int:
    own = sum(view.count(concept.id) for concept in tree.concepts.get(group, ()))
    return (
        view.count(group) + own + sum(_photos(view, tree, child.id) for child in tree.groups.get(group, ()))
    )


def _pills(view: View, tree: _Tree, group: str, label: str, *, visible: bool = True) -> None:
    """The concepts of one group, one widget for all of them."""
    concepts = tree.concepts[group]
    ids = [concept.id for concept in concepts]
    picked = set(session.selection().concepts)
    labels = {concept.id: _label(view, concept, tree.names[concept.id]) for concept in concepts}
    key = f"tree_{group}_{view.state.knowledge.fingerprint[:8]}_{session.selection_epoch()}"
    st.pills(
        label,
        ids,
        selection_mode="multi",
        default=[one for one in ids if one in picked],
        format_func=labels.__getitem__,
        key=key,
        label_visibility="visible" if visible else "collapsed",
        wrap=True,
        on_change=_pick,
        args=(key, ids),
    )


def _label(view: View, concept: Concept, name: str) -> str:
    marks = "".join(
        f" {icon}"
        for icon, on in ((":material/lock:", concept.locked), (":material/visibility_off:", concept.muted))
        if on
    )
    counts_elsewhere = view.state.knowledge.column_of.get(concept.id, concept.id) != concept.id
    photos = "" if counts_elsewhere else f" · {view.count(concept.id):,}"
    return f"{markup.plain(name)}{photos}{marks}"


def _pick(key: str, ids: Sequence[str]) -> None:
    """Take over what is picked in one group; picks in other groups stay."""
    chosen = session.widget(key)
    mine = [one for one in ids if isinstance(chosen, list | tuple) and one in chosen]
    others = [one for one in session.selection().concepts if one not in ids]
    session.select(concepts=[*others, *mine], from_widget=True)
