"""Addresses of clusters that cannot be used: one sentence each, soon."""

from __future__ import annotations

import socket

import pytest
import ray

from kec_core.errors import EngineError, InputError
from state.engine.cluster import ATTEMPTS, AUTO, LOCAL, cluster


@pytest.fixture
def refusal():
    def refused(address, kind=InputError):
        with pytest.raises(kind) as error, cluster(address):
            pytest.fail("there is no cluster")
        assert "\n" not in str(error.value)
        return str(error.value)

    return refused


@pytest.fixture
def closed():
    """A port of this machine where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize(
    "address", ["ray://127.0.0.1", "127.0.0.1:6379", "ray://host:99999", "http://host:80", "ray://", ""]
)
def test_what_is_no_address_of_a_cluster_is_refused(refusal, address):
    assert "ray://HOST:PORT" in refusal(address)


def test_where_nothing_answers_there_is_no_cluster(refusal, closed):
    assert "nothing answers there" in refusal(f"ray://127.0.0.1:{closed}")
    assert "nothing answers there" in refusal("ray://no.such.host.invalid:10001")


def test_where_something_else_answers_there_is_no_cluster(refusal):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "none can be used" in refusal(f"ray://127.0.0.1:{silent.getsockname()[1]}")


def test_a_machine_that_belongs_to_a_cluster_that_has_ended_says_so(refusal, closed, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{closed}")
    assert "nothing answers there" in refusal(AUTO)


def test_a_machine_that_belongs_to_no_cluster_says_so(refusal, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "nonsense")
    assert "none can be used" in refusal(AUTO)


def test_a_machine_on_which_ray_does_not_start_says_so_after_bounded_tries(refusal, monkeypatch):
    tried = []

    def busy(**_):
        tried.append(1)
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", busy)
    assert "less busy" in refusal(LOCAL, EngineError)
    assert len(tried) == ATTEMPTS
