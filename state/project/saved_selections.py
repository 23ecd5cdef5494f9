"""What a person keeps with a project: selections with a name, and suggestions never to be shown again."""

from __future__ import annotations

from collections.abc import Sequence

from kec_core.errors import InputError
from state.project.meta import read_meta, write_meta
from state.project.names import given_name
from state.project.project import Project

_SELECTIONS, _DISMISSED = "selections", "dismissed_suggestions"


def dismissed(project: Project) -> frozenset[str]:
    """Keys of the suggestions (``Suggestion.key``) that are not to be shown."""
    return frozenset(project.meta(_DISMISSED, []))


def dismiss(project: Project, key: str) -> None:
    """Never show a suggestion again."""
    with project.database.writing() as db:
        known = read_meta(db, _DISMISSED, [])
        write_meta(db, _DISMISSED, [*(one for one in known if one != key), key])


def show_again(project: Project) -> None:
    """Show every suggestion again."""
    project.set_meta(_DISMISSED, [])


def saved_selections(project: Project) -> dict[str, tuple[str, ...]]:
    """Image ids by the name of the selection, the one saved last at the end."""
    return {name: tuple(ids) for name, ids in project.meta(_SELECTIONS, {}).items()}


def save_selection(project: Project, name: str, images: Sequence[str]) -> None:
    """Keep photos under a name; the same name again replaces what it held.

    Raises:
        InputError: the name is empty or too long, or no photo is picked.
    """
    name = given_name(name, "a saved selection")
    if not images:
        raise InputError("A selection to save should hold photos, but none is picked; pick some first.")
    _change(project, name, images)


def forget_selection(project: Project, name: str) -> None:
    """Remove a saved selection; its photos stay as they are."""
    _change(project, name, None)


def _change(project: Project, name: str, images: Sequence[str] | None) -> None:
    with project.database.writing() as db:
        known = read_meta(db, _SELECTIONS, {})
        known.pop(name, None)
        if images is not None:
            known[name] = list(images)
        write_meta(db, _SELECTIONS, known)
