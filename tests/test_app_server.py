"""`kec app` as a real process, spoken to over raw sockets: whom it answers, what it says to odd addresses, how it ends."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from state.server.access import IMAGES_ROOTS_VARIABLE
from state.workspace.workspace import HOME_VARIABLE
from tests.browser import ROOT, wait_until_served

PATIENCE = 60  # seconds; only a failure waits that long
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
ROUTES = [
    "/",
    "/clusters",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/agent/openapi.json",
    "/media/none.jpg",
    "/static/none.js",
    "/component/none/none.js",
    f"/thumb/none/{'f' * 64}/256.jpg",
    "/map/none/1/0.jpg",
    f"/map/none/{'f' * 32}.bin",
]
LONG = "a" * 5000


def default_signals():
    """Signals as in a shell: a parent under nohup leaves SIGHUP ignored."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def kec_app(home: Path):
    """The command, up to where it answers; yields its process and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, HOME_VARIABLE: str(home), IMAGES_ROOTS_VARIABLE: str(home)}
    command = [sys.executable, "-m", "cli", "app", "--headless", "--port", str(port)]
    with (home / f"{port}.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, preexec_fn=default_signals
        )
    try:
        wait_until_served(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield server, port
    finally:
        server.kill()
        server.wait(timeout=PATIENCE)


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    home = tmp_path_factory.mktemp("server")
    with kec_app(home) as (_, port):
        yield port
    assert "Traceback" not in (home / f"{port}.log").read_text()


def ask(port, path, *headers, method="GET"):
    """The status of the answer to a request exactly as given."""
    lines = [f"{method} {path} HTTP/1.1", *headers]
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return int(connection.recv(100).split()[1])


@pytest.mark.parametrize("path", ROUTES)
def test_other_hosts_are_refused_on_every_route(port, path):
    assert ask(port, path, f"Host: evil.example:{port}") == 403
    assert ask(port, path, f"Host: localhost:{port}") != 403


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "OPTIONS", "HEAD"])
def test_other_hosts_are_refused_whatever_they_do(port, method):
    path = "/_stcore/upload_file/session/file"
    assert ask(port, path, f"Host: evil.example:{port}", method=method) == 403


@pytest.mark.parametrize(
    "host", ["localhost:{}", "LOCALHOST.:{}", "127.0.0.1:{}", "127.1.2.3:{}", "[::1]:{}"]
)
def test_names_of_this_machine_are_served(port, host):
    host = host.format(port)
    assert ask(port, "/", f"Host: {host}") == 200
    stream = "/_stcore/stream", f"Host: {host}", *UPGRADE
    assert ask(port, *stream, f"Origin: http://{host}") == 101


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example:{}", "http://evil.example:{}"),
        ("localhost:{}", "http://localhost:9999"),
        ("localhost:{}", "http://evil.example:{}"),
        ("localhost:{}", "null"),
        ("localhost:9999", "http://localhost:9999"),
        ("evil.example:{}", None),
    ],
)
def test_the_websocket_refuses_other_hosts_origins_and_ports(port, host, origin):
    headers = [f"Host: {host.format(port)}", *UPGRADE]
    headers += [f"Origin: {origin.format(port)}"] if origin else []
    assert ask(port, "/_stcore/stream", *headers) == 403


def test_a_request_without_a_host_is_refused(port):
    assert ask(port, "/") in (400, 403)
    assert ask(port, "/_stcore/stream", *UPGRADE) in (400, 403)


@pytest.mark.parametrize(
    "path",
    [
        f"/map/{LONG}/1/0.jpg",
        f"/map/{LONG}/{'f' * 32}.bin",
        f"/map/none/{LONG}.bin",
        f"/map/none/1/{'9' * 5000}.jpg",
        f"/thumb/{LONG}/{'f' * 64}/256.jpg",
        f"/thumb/none/{LONG}/256.jpg",
        f"/thumb/none/{'f' * 64}/{'9' * 5000}.jpg",
        "/map/a%00b/1/0.jpg",
        "/thumb/a%00b/%00/256.jpg",
        "/map/../1/0.jpg",
        "/map/%2e%2e/1/0.jpg",
        "/map/..%2F..%2Fetc/1/0.jpg",
        "/thumb/..%5C..%5Cetc/x/256.jpg",
        "/map/%ff%fe/1/0.jpg",
        "/thumb/%ff/%c3%28/256.jpg",
        "/thumb/%ed%a0%80/x/256.jpg",
        "/map/%F0%9F%A6%8A/1/0.jpg",
        f"/map/{'%F0%9F%A6%8A' * 400}/1/0.jpg",
        "/map/none/%D9%A1/0.jpg",
    ],
)
def test_odd_addresses_lead_to_nothing(port, path):
    # 400 is the server's own answer to paths that lead upwards.
    assert ask(port, path, f"Host: localhost:{port}") in (404, 400)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_command_ends_the_server_with_an_open_window(tmp_path, number):
    with kec_app(tmp_path) as (server, port), socket.create_connection(("127.0.0.1", port)) as window:
        head = ["GET /_stcore/stream HTTP/1.1", f"Host: localhost:{port}", *UPGRADE, "", ""]
        window.sendall("\r\n".join(head).encode())
        assert b" 101 " in window.recv(100)
        server.send_signal(number)
        server.wait(timeout=PATIENCE)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        log = (tmp_path / f"{port}.log").read_text()
        assert "Traceback" not in log


def test_a_second_app_at_the_same_port_says_what_to_do(port, tmp_path):
    environment = {**os.environ, HOME_VARIABLE: str(tmp_path)}
    command = [sys.executable, "-m", "cli", "app", "--headless", "--port", str(port)]
    second = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert second.stderr.startswith(f"kec: Port {port} is taken by another KEC+ Studio (process ")
    assert second.stderr.count("\n") == 1
    with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=PATIENCE) as answer:
        assert answer.status == 200
