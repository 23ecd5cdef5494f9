"""A store that speaks S3's protocol on loopback, for tests: moto's server in a thread of this process."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fsspec
from moto.server import ThreadedMotoServer

KEYS = {"AWS_ACCESS_KEY_ID": "anna", "AWS_SECRET_ACCESS_KEY": "secret"}


@dataclass(frozen=True)
class S3Server:
    """A running server.

    Attributes:
        endpoint: its address.
    """

    endpoint: str

    def ask(self, path: str, *, method: str, content: bytes = b"") -> None:
        """Send a request as it is, without credentials."""
        plain = {"Content-Type": "text/plain"}
        asked = urllib.request.Request(f"{self.endpoint}{path}", data=content, headers=plain, method=method)
        urllib.request.urlopen(asked, timeout=60).close()

    def refuse(self) -> None:
        """From now on only keys that were given out are known; none were."""
        self.ask("/moto-api/reset-auth", method="POST", content=b"0")

    def accept(self) -> None:
        """From now on all keys are known."""
        self.ask("/moto-api/reset-auth", method="POST", content=b"inf")


@contextmanager
def s3_server(home: Path) -> Iterator[S3Server]:
    """A server with an empty bucket ``museum``, and an environment whose processes find it and their keys."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    before = dict(os.environ)
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(home / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        **KEYS,
    }
    try:
        running = S3Server(f"http://{host}:{port}")
        running.ask("/museum", method="PUT")
        yield running
    finally:
        server.stop()
        os.environ.clear()
        os.environ |= before
        fsspec.get_filesystem_class("s3").clear_instance_cache()
