"""Values that are made at their first use."""

import threading

import pytest

from kec_core.encoders.network import Once
from kec_core.errors import ResourceMissing


def test_it_is_made_when_first_asked_for_and_only_then():
    made = []
    value = Once(lambda: made.append("made"))
    assert not made
    assert value() is value() is None  # a value like any other
    assert made == ["made"]


def test_who_asks_while_it_is_made_gets_the_same_one():
    making, finished, given = threading.Event(), threading.Event(), []

    def slow():
        making.set()
        finished.wait(10)
        return object()

    value = Once(slow)
    threads = [threading.Thread(target=lambda: given.append(value())) for _ in range(2)]
    threads[0].start()
    assert making.wait(10)
    threads[1].start()
    finished.set()
    for thread in threads:
        thread.join(10)
    assert len(given) == 2
    assert given[0] is given[1]


def test_after_a_failure_the_next_one_tries_again():
    answers = iter([ResourceMissing("There are no weights yet."), "weights"])

    def make():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    value = Once(make)
    with pytest.raises(ResourceMissing, match="no weights yet"):
        value()
    assert value() == "weights"
