"""The list of keys says what the keys do: every shortcut of the pages is in it, and nothing else."""

import re
from pathlib import Path

from pages.frame.keys import KEYS
from pages.shared.keyboard import FIELDS, PRESSES

PAGES = Path(__file__).parents[1] / "pages"
SAID = {"Escape": "Esc"}


def used():
    """Keys that widgets and components of the pages react to."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted(PAGES.rglob("*.py")))
    found = set(re.findall(r'shortcut="([^"]+)"', source))
    found |= {*PRESSES, *FIELDS}
    return {SAID.get(key, key) for key in found}


def listed():
    lines = [line for keys in KEYS.values() for line in keys]
    return {key for keys, _meaning in lines for key in keys.split(", ")}


def test_every_shortcut_is_listed():
    assert used() > {"Shift+A", "Shift+Z", "W", "F", "G", "Ctrl+Enter"}
    assert used() <= listed()


def test_what_is_listed_for_buttons_is_a_shortcut():
    places = ("Everywhere", "Data, Build", "Export", "Concepts", "Clusters")
    told = {key for place in places for keys, _meaning in KEYS[place] for key in keys.split(", ")}
    by_table = {
        "J",
        "K",
        "N",
        "1 to 9",
        "Tab",
        "Enter",
        "arrows",
        "O",
    }  # given in a table or by number, the browser's own, or of a gallery's tile
    assert told - by_table <= used()


def test_no_line_is_empty_or_said_twice_in_a_place():
    for lines in KEYS.values():
        assert all(key and meaning for key, meaning in lines)
        assert len({key for key, _meaning in lines}) == len(lines)
