"""Names that a person gives: to projects, revisions and saved selections."""

from __future__ import annotations

from kec_core.errors import InputError

LONGEST_NAME = 255
"""In characters, as of a folder's name."""


def given_name(text: str, what: str) -> str:
    """One line without white space around it.

    Args:
        text: as it was typed.
        what: the thing that is named, as "a project".

    Raises:
        InputError: the name is empty or too long.
    """
    name = " ".join(text.split())
    if not name:
        raise InputError(f"{what[:1].upper()}{what[1:]} needs a name, but it is empty; type one.")
    if len(name) > LONGEST_NAME:
        raise InputError(
            f"The name of {what} may have {LONGEST_NAME} characters, but this one has {len(name)}; shorten it."
        )
    return name
