"""The layer in front of the app: loopback names and configured hosts are served, whatever else a browser may be told is not."""

import asyncio

import pytest

from kec_core.errors import InputError
from state.server import allowed_hosts
from state.server.allowed_hosts import AllowedHosts, Host, parse_allowed

PORT = 8501


async def _served(scope, receive, send):
    await send({"type": "served"})


def answer(*headers, kind="http", allowed=(), server=("127.0.0.1", PORT)):
    """The messages that a request with these headers is answered by."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": kind,
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers],
        "server": server,
    }
    asyncio.run(AllowedHosts(_served, parse_allowed(allowed))(scope, None, send))
    return sent


def is_served(*headers, **options):
    return answer(*headers, **options) == [{"type": "served"}]


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "host",
    [
        "localhost:8501",
        "LocalHost.:8501",
        "127.0.0.1:8501",
        "127.9.8.7:8501",
        "[::1]:8501",
        "[0:0:0:0:0:0:0:1]:8501",
        "localhost",
        "[::1]",
    ],
)
def test_names_of_this_machine_are_served(host, kind):
    assert is_served(("host", host), kind=kind)


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        [("host", "evil.example:8501")],
        [("host", "evil.example")],
        [("host", "localhost.evil.example:8501")],
        [("host", "evillocalhost:8501")],
        [("host", "127.0.0.1.evil.example:8501")],
        [("host", "localhost:9999")],
        [("host", "localhost:99999")],
        [("host", "0.0.0.0:8501")],
        [("host", "2130706433:8501")],
        [("host", "user@localhost:8501")],
        [("host", "localhost:8501/evil.example")],
        [("host", "localhost:8501 ")],
        [("host", "[::1")],
        [("host", "lo\xdfcalhost:8501")],
        [("host", "")],
        [("host", ".")],
        [],
        [("host", "localhost:8501"), ("host", "evil.example:8501")],
        [("host", "evil.example:8501"), ("origin", "http://evil.example:8501")],
    ],
)
def test_other_hosts_are_refused(headers, kind):
    sent = answer(*headers, kind=kind)
    if kind == "websocket":
        assert [message["type"] for message in sent] == ["websocket.close"]
    else:
        assert sent[0]["status"] == 403
        assert b"--allowed-host" in sent[1]["body"]


@pytest.mark.parametrize(
    ("origin", "served"),
    [
        ("http://localhost:8501", True),
        ("HTTP://LOCALHOST:8501", True),
        ("http://localhost:9999", False),
        ("http://127.0.0.1:8501", False),
        ("http://evil.example:8501", False),
        ("https://localhost", False),
        ("file://localhost:8501", False),
        ("localhost:8501", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_pages_of_the_same_origin_may_ask(origin, served):
    for kind in ("http", "websocket"):
        assert is_served(("host", "localhost:8501"), ("origin", origin), kind=kind) == served


def test_a_configured_host_is_served_at_its_port_or_at_any():
    proxied = ("host", "Photos.Example"), ("origin", "https://photos.example")
    assert is_served(*proxied, allowed=["photos.example"])
    assert is_served(("host", "photos.example:9000"), allowed=["photos.example"])
    assert is_served(("host", "localhost:9000"), allowed=["localhost:9000"])
    assert is_served(("host", "xn--bcher-kva.example:8"), allowed=["bücher.example:8"])
    assert not is_served(("host", "bücher.example"), allowed=["bücher.example"])
    assert not is_served(("host", "photos.example:9001"), allowed=["photos.example:9000"])
    assert not is_served(("host", "sub.photos.example"), allowed=["photos.example"])


def test_the_address_at_which_a_request_came_in_is_this_machine():
    assert is_served(("host", "192.168.1.5:8501"), server=("192.168.1.5", PORT))
    assert is_served(("host", "192.168.1.5:8501"), server=("::ffff:192.168.1.5", PORT))
    assert not is_served(("host", "192.168.1.6:8501"), server=("192.168.1.5", PORT))


def test_start_and_end_of_the_server_pass():
    assert is_served(kind="lifespan")


@pytest.mark.parametrize("text", ["http://photos.example", "a b", "", "[::1", "photos.example:70000"])
def test_what_is_no_host_cannot_be_allowed(text):
    with pytest.raises(InputError, match="allowed host should be"):
        parse_allowed([text])


def test_hosts_come_from_the_environment_as_they_were_given(monkeypatch):
    hosts = (Host("photos.example", None), Host("::1", 9000), Host("10.0.0.1", 80))
    monkeypatch.setenv(allowed_hosts.ALLOWED_HOSTS_VARIABLE, ",".join(map(str, hosts)))
    assert allowed_hosts.from_environment() == hosts
    monkeypatch.delenv(allowed_hosts.ALLOWED_HOSTS_VARIABLE)
    assert allowed_hosts.from_environment() == ()
