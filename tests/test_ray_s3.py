"""Photos and results in a bucket: S3's protocol spoken on loopback, without a cluster."""

from __future__ import annotations

import socket
import sys
from contextlib import nullcontext

import fsspec
import pytest
from fsspec.registry import _registry

from kec_core.errors import InputError, ResourceMissing, StoreError
from state.engine.gathering import Plan
from state.engine.run import run_on_cluster
from state.engine.stores import FileAt, Unread, store_at
from state.project.project import Project
from tests.fakes import HashEncoder
from tests.page_helpers import CONFIG, resources
from tests.s3_server import KEYS, s3_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(server):
    """Keys are known again, and drivers read the environment anew."""
    yield
    server.accept()
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def forget_drivers():
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_a_bucket_gives_back_what_was_written():
    store = store_at("s3://museum/written")
    assert store.files() == []
    store.write("a/b.bin", b"0123")
    (file,) = store.files()
    assert file == FileAt("a/b.bin", file.stamp)
    assert store.read("a/b.bin", most=2) == b"01"
    store.write("a/b.bin", b"4567")
    assert store.files()[0].stamp != file.stamp
    store.remove("a/b.bin")
    assert store.files() == []
    gone = store.read("a/b.bin")
    assert isinstance(gone, Unread)
    assert not gone.may_pass


def test_keys_that_the_store_does_not_know_are_refused_in_one_sentence(server):
    store = store_at("s3://museum/closed")
    store.write("a.bin", b"0")
    server.refuse()
    with pytest.raises(InputError, match=r"Access Key Id.*credentials"):
        store.files()
    with pytest.raises(StoreError, match=r"Access Key Id.*credentials"):
        store.write("b.bin", b"0")
    closed = store.read("a.bin")
    assert isinstance(closed, Unread)
    assert closed.may_pass


@pytest.fixture
def told(tmp_path, monkeypatch):
    """A function that runs on a bucket and returns the sentence of its refusal; it comes before any work on a cluster."""
    monkeypatch.setattr("state.engine.run.cluster", lambda address: nullcontext())

    def refusal(kind=InputError, **plan):
        project = Project.create(tmp_path / "project", "there")
        plan = Plan(**{"photos": "s3://museum/photos", "make": HashEncoder, **plan})
        with pytest.raises(kind) as refused:
            run_on_cluster(project, plan, CONFIG, resources=resources)
        assert project.images() == ()
        return str(refused.value)

    return refusal


def test_a_run_without_keys_says_so(told, monkeypatch):
    for key in KEYS:
        monkeypatch.delenv(key)
    forget_drivers()
    assert "environment holds credentials" in told()


def test_a_run_with_wrong_keys_says_so(told, server):
    server.refuse()
    assert "Access Key Id" in told()


def test_a_run_where_nothing_answers_says_so(told, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    forget_drivers()
    assert "Could not connect" in told()


@pytest.mark.parametrize("which", ["photos", "results"])
def test_a_run_on_a_bucket_that_does_not_exist_says_so(told, which):
    store_at("s3://museum/some").write("a.png", b"0")
    places = {"photos": "s3://museum/some", "results": "s3://museum/kec", which: "s3://nowhere/folder"}
    line = told(**places)
    assert line.startswith("s3://nowhere/folder")
    assert "is in no bucket" in line


def test_an_address_without_a_bucket_is_refused(told):
    assert "names no bucket" in told(photos="s3://")


@pytest.mark.parametrize(("kind", "driver"), [("s3", "s3fs"), ("gs", "gcsfs"), ("az", "adlfs")])
def test_a_run_on_a_bucket_without_its_driver_says_what_to_install(told, monkeypatch, kind, driver):
    monkeypatch.delitem(_registry, kind, raising=False)
    monkeypatch.setitem(sys.modules, driver, None)
    line = told(ResourceMissing, photos=f"{kind}://museum/photos")
    assert driver in line
    assert "install it with pip" in line
