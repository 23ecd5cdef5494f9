"""Libraries of linear algebra compute few rows in one thread, and many in as many as they had."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from kec_core.parallel import threads_for
from kec_core.stages import pipeline


@pytest.fixture
def two():
    """Every library computes in two threads."""
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(limits=2):
        if not any(count > 1 for count in counts()):
            pytest.skip("no library here can compute in two threads")
        yield


def counts():
    return [library["num_threads"] for library in threadpool_info()]


def test_few_rows_are_computed_in_one_thread(two):
    before = counts()
    with threads_for(100):
        assert set(counts()) == {1}
    assert counts() == before


def test_many_rows_are_computed_in_as_many_threads_as_before(two):
    before = counts()
    with threads_for(1_000_000):
        assert counts() == before


def test_a_run_over_few_photos_is(two, monkeypatch):
    seen = []
    monkeypatch.setattr(pipeline, "group", lambda *_args, **_more: seen.extend(counts()))
    embedded = pipeline.Stored(key="k", arrays={}, data={"ids": ["a", "b"]})
    pipeline.run_embedded(None, embedded, _Resources(), pipeline.RunConfig())
    assert set(seen) == {1}


class _Resources:
    encoder = text_cache = None
