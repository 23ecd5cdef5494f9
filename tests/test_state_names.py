"""Names that a person gives."""

import pytest

from kec_core.errors import InputError
from state.project.names import LONGEST_NAME, given_name


@pytest.mark.parametrize("typed", ["Elk", "  Elk ", "Elk\n"])
def test_a_name_is_one_line_without_space_around_it(typed):
    assert given_name(typed, "a project") == "Elk"
    assert given_name(" Two \t words ", "a project") == "Two words"


def test_the_longest_name_is_that_of_a_folder():
    assert given_name("x" * LONGEST_NAME, "a project") == "x" * LONGEST_NAME


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (" ", "A project needs a name, but it is empty; type one"),
        ("x" * 256, "The name of a project may have 255 characters, but this one has 256; shorten it"),
    ],
)
def test_a_name_that_cannot_be_is_one_sentence(typed, why):
    with pytest.raises(InputError, match=why):
        given_name(typed, "a project")
