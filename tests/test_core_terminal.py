"""Progress of commands: rewritten on a terminal, a line now and then in logs."""

from __future__ import annotations

import io

import pytest

from kec_core import terminal


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets, in seconds."""
    now = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    return now


def test_logs_get_a_line_every_ten_seconds_with_the_time_that_remains(monkeypatch, clock):
    stream = io.StringIO()
    monkeypatch.setattr(terminal.sys, "stderr", stream)
    with terminal.show_progress() as progress:
        for second in range(26):
            clock[0] = 100.0 + second
            progress(second * 10, 1000, "Encoding photos")
    assert stream.getvalue().splitlines() == [
        "Encoding photos: 100 of 1,000, about 1 min 30 s left",
        "Encoding photos: 200 of 1,000, about 1 min 20 s left",
    ]


def test_short_work_leaves_no_lines_in_logs(monkeypatch, clock):
    stream = io.StringIO()
    monkeypatch.setattr(terminal.sys, "stderr", stream)
    with terminal.show_progress() as progress:
        for second in range(5):
            clock[0] = 100.0 + second
            progress(second, 4, "Checking photos")
    assert stream.getvalue() == ""


def test_a_terminal_shows_one_line_and_clears_it(monkeypatch, clock):
    stream = Terminal()
    monkeypatch.setattr(terminal.sys, "stderr", stream)
    with terminal.show_progress() as progress:
        for step in range(5):
            clock[0] += 1
            progress(step, 4, "Checking photos")
    shown = stream.getvalue().split("\r\x1b[K")
    assert shown[1] == "Checking photos: 0 of 4"
    assert shown[2] == "Checking photos: 1 of 4, about 3 s left"
    assert shown[-2:] == ["Checking photos: 4 of 4", ""]
    assert "\n" not in stream.getvalue()
