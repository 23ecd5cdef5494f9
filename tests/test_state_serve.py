"""How the app's server starts and ends: in the process of the command itself, at a port that can be used."""

import errno
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from kec_core.errors import InputError
from state.server import access, serve
from state.server.allowed_hosts import ALLOWED_HOSTS_VARIABLE
from state.workspace.workspace import HOME_VARIABLE
from tests.login_files import write_login

PATIENCE = 60  # seconds; only a failure waits that long
DEAF = """
import os, signal, sys, threading
sys.path.insert(0, {root!r})
from state.server import serve
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"told\\n"))
signal.signal(signal.SIGINT, lambda *_: os.write(1, b"told\\n"))
serve.GRACE_SECONDS = 1
serve.limit_shutdown()
os.write(1, b"ready\\n")  # print may be under way when the signal comes
while True:
    threading.Event().wait(1)
"""


@pytest.fixture
def taken():
    """A port that somebody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Instead of becoming the server: what it would have become."""
    calls = []
    monkeypatch.setattr(os, "execve", lambda *call: calls.append(call))
    monkeypatch.setattr(serve, "check_port", lambda *_: None)
    monkeypatch.chdir(tmp_path)  # and back, whatever the server changed
    return calls


def start(**options):
    serve.serve(**{"port": 8501, "images_roots": [], "projects": None, "headless": True, **options})


def test_the_command_becomes_the_server_so_that_nothing_is_left_when_it_ends(started, tmp_path):
    start(
        images_roots=[tmp_path],
        projects=tmp_path / "p",
        allowed_hosts=["photos.example:80"],
        auth_by_proxy=True,
    )
    ((program, command, environment),) = started
    assert program == command[0] == sys.executable
    assert command[command.index("--server.address") + 1] == "127.0.0.1"
    assert environment[access.IMAGES_ROOTS_VARIABLE] == str(tmp_path.resolve())
    assert environment[HOME_VARIABLE] == str((tmp_path / "p").resolve())
    assert environment[ALLOWED_HOSTS_VARIABLE] == "photos.example:80,127.0.0.1"


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("0.0.0.0", ""), ("::", ""), ("::1", "[::1]"), ("[::1]", "[::1]"), ("photos.lan", "photos.lan")],
)
def test_the_host_that_is_served_is_allowed_unless_it_stands_for_all(started, host, allowed):
    start(host=host, auth_by_proxy=True)
    assert started[0][2][ALLOWED_HOSTS_VARIABLE] == allowed


@pytest.mark.parametrize(
    "options",
    [
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"host": "192.168.0.7"},
        {"host": "photos.lan"},
        {"host": "fotoführer.lan"},
        {"allowed_hosts": ["fotoführer.example"]},
        {"allowed_hosts": ["localhost", "photos.example"]},
    ],
)
def test_nobody_is_served_beyond_this_machine_without_being_asked(started, options):
    with pytest.raises(InputError, match=r"--server-config FILE with a login, or --auth-by-proxy"):
        start(**options)
    assert not started
    start(**options, auth_by_proxy=True)
    assert len(started) == 1


def test_this_machine_may_be_named_in_any_way_without_a_login(started):
    start(host="::1", allowed_hosts=["localhost:8502", "127.0.0.2", "[::1]:80"])
    assert len(started) == 1


@pytest.mark.parametrize(
    ("given", "path"),
    [("", ""), ("/", ""), ("kec", "/kec"), ("/tools/kec-2/", "/tools/kec-2"), ("a.b~c", "/a.b~c")],
)
def test_the_base_path_is_passed_on(started, given, path):
    start(base_url_path=given)
    command = started[0][1]
    assert command[command.index("--server.baseUrlPath") + 1] == path


@pytest.mark.parametrize("given", ["a b", "a?b", "kec/../x", "a//b", "https://x/kec", "..", "kec#", "%2e"])
def test_what_is_no_base_path_is_said(started, given):
    with pytest.raises(InputError, match="--base-url-path should be a path"):
        start(base_url_path=given)


def test_a_login_allows_its_own_host_and_hides_its_secrets(started, tmp_path):
    config, secrets = write_login(tmp_path)
    start(host="0.0.0.0", server_config=config, base_url_path="kec")
    ((_, command, environment),) = started
    assert environment[ALLOWED_HOSTS_VARIABLE] == "photos.example.org"
    assert environment[access.SERVER_CONFIG_VARIABLE] == str(config)
    assert command[command.index("--secrets.files") + 1] == str(secrets)
    assert "hush" not in " ".join(command)


def test_a_taken_port_is_said_with_its_user_and_a_free_one(taken):
    with pytest.raises(InputError) as refused:
        start(port=taken)
    said = re.match(
        rf"Port {taken} is taken by .+ \(process {os.getpid()}\); end that program, or give --port (\d+),",
        str(refused.value),
    )
    serve.check_port("127.0.0.1", int(said[1]))


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("127.0.0.1", 0, "from 1 to 65535, but 0"),
        ("127.0.0.1", 70000, "from 1 to 65535, but 70000"),
        ("no.such.host.invalid", 8501, "--host should be an address of this machine"),
        ("ä" * 70, 8501, "--host should be an address of this machine"),
        ("203.0.113.7", 8501, "--host should be an address of this machine"),
    ],
)
def test_what_cannot_be_listened_at_is_said(host, port, said):
    with pytest.raises(InputError, match=said):
        serve.check_port(host, port)


def test_a_port_for_administrators_is_said(monkeypatch):
    monkeypatch.setattr(serve, "_bind_error", lambda *_: errno.EACCES)
    with pytest.raises(InputError, match="Port 80 needs the rights of an administrator"):
        serve.check_port("127.0.0.1", 80)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_does_not_end_by_itself_is_ended(number):
    root = str(serve._APP.parent)
    child = subprocess.Popen(
        [sys.executable, "-c", DEAF.format(root=root)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n"
    child.send_signal(number)
    said, _ = child.communicate(timeout=PATIENCE)
    assert said == "told\n"
    assert child.returncode == -signal.SIGALRM


def test_outside_a_server_signals_keep_their_meaning():
    from state.server.serve import limit_shutdown

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    limit_shutdown()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
