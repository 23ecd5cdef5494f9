"""A real nginx in front of the app, with the configuration that the documentation gives."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
import pytest

from tests import patience
from tests.doc_pointers import ROOT

GUIDE = ROOT / "docs/how-to/server.md"
UNPACKED = platformdirs.user_cache_path("kec-studio-tests") / "nginx"
PLACES = ("/usr/sbin/nginx", str(UNPACKED / "usr" / "sbin" / "nginx"))


def find_nginx() -> str | None:
    """Path of nginx on this machine, or None."""
    return next(filter(None, map(shutil.which, ("nginx", *PLACES))), None)


def unpack_debians() -> None:
    """Fetch Debian's package and unpack it into a cache: installing it would start a server on port 80."""
    UNPACKED.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["apt-get", "download", "-qq", "nginx"], cwd=UNPACKED, check=False, stderr=subprocess.DEVNULL
    )
    for package in UNPACKED.glob("nginx_*.deb"):
        subprocess.run(["dpkg", "-x", package.name, "."], cwd=UNPACKED, check=False)
    if not find_nginx():
        print(
            "No nginx found and none to be had from Debian; the test of the proxy is skipped.",
            file=sys.stderr,
        )


def block(kind: str) -> str:
    """The one code block of this kind in the guide."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    return found


def configuration(folder: Path, port: int, app_port: int) -> str:
    """The guide's configuration, at a port of loopback and without its certificate."""
    server = block("nginx").replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    server = server.replace("photos.example.org", "localhost").replace(":8501;", f":{app_port};")
    server = re.sub(r"\n *ssl_certificate\S* .*", "", server)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    return (
        f"daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;\n"
        f"events {{}}\nhttp {{ access_log off; {folders}\n{server}\n}}\n"
    )


@contextmanager
def running_nginx(folder: Path, port: int, app_port: int) -> Iterator[str]:
    """Serve the app below /kec/ at this port; yields that address. Without nginx the test is skipped."""
    program = find_nginx()
    if program is None:
        pytest.skip("no nginx on this machine; python -m tests.browser_setup fetches Debian's")
    path = folder / "nginx.conf"
    path.write_text(configuration(folder, port, app_port))
    proxy = subprocess.Popen([program, "-p", str(folder), "-e", "stderr", "-c", str(path)])
    try:
        _wait(f"http://localhost:{port}/kec/healthz", proxy)
        yield f"http://localhost:{port}/kec/"
    finally:
        proxy.terminate()
        proxy.wait(timeout=patience.SECONDS)


def _wait(address: str, proxy: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + patience.SECONDS
    while time.monotonic() < end:
        assert proxy.poll() is None, "nginx ended at once"
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("nginx did not answer")
