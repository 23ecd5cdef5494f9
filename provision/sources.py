"""How a resource is found: its sources are tried in order, with programs of this machine where one must be fetched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kec_core.encoders.download import DOWNLOAD_TIMEOUT
from kec_core.errors import KecError, ResourceMissing
from kec_core.paths import is_file

Report = Callable[[str], None]
"""Receives one line for the person."""

DEBIAN_MARK = Path("/etc/debian_version")
PROGRAM_TIMEOUT = 300
"""Seconds a program that fetches something may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A resource that is on this machine now.

    Attributes:
        resource: "WordNet", "demo photos", "CLIP weights" or "compact weights".
        path: where it lies; None when it is inside an installed package.
        source: where it came from, in words.
        note: what the person should know, or "".
    """

    resource: str
    path: Path | None
    source: str
    note: str = ""


Source = tuple[str, Callable[[], Found]]
"""What is tried, in words, and the function that finds or fetches it; it raises a KecError when it cannot."""


def first_found(resource: str, sources: Sequence[Source], advice: str, say: Report) -> Found:
    """What the first source that works finds; every failure is reported.

    Raises:
        ResourceMissing: no source works; says what was tried and ``advice``.
    """
    for name, find in sources:
        try:
            return reported(find(), say)
        except KecError as error:
            say(f"{resource}: not from {name} ({error})")
    tried = ", ".join(name for name, _ in sources)
    raise ResourceMissing(f"No {resource} could be found or fetched (tried {tried}); {advice}.")


def reported(found: Found, say: Report) -> Found:
    """Say what was found; returns it."""
    place = f" in {found.path}" if found.path else ""
    note = f"; {found.note}" if found.note else ""
    say(f"{found.resource}: {found.source}{place}{note}")
    return found


def folder_in_environment(variable: str) -> Path | None:
    """The folder that an environment variable names, if any."""
    value = os.environ.get(variable)
    return Path(value).expanduser() if value else None


def run_quietly(command: Sequence[str], *, cwd: Path | None = None) -> None:
    """Run a program without questions.

    Raises:
        ResourceMissing: it fails, with its last line of output; cannot be started; or takes over ``PROGRAM_TIMEOUT``.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            timeout=PROGRAM_TIMEOUT,
        )
    except subprocess.CalledProcessError as error:
        words = (error.stdout or "").strip().splitlines()
        raise ResourceMissing(words[-1][:200] if words else f"{command[0]} failed") from error
    except subprocess.TimeoutExpired as error:
        raise ResourceMissing(f"{command[0]} took longer than {PROGRAM_TIMEOUT} s") from error
    except OSError as error:
        raise ResourceMissing(f"{command[0]} cannot be started ({error.strerror})") from error


def run_python(script: str, *arguments: str) -> None:
    """Run a downloading script in a process of its own, where every connection has a time limit.

    Libraries that download through urllib set none, and it can only be given to a whole process.

    Raises:
        ResourceMissing: as ``run_quietly`` does.
    """
    limit = f"import socket; socket.setdefaulttimeout({DOWNLOAD_TIMEOUT})\n"
    run_quietly([sys.executable, "-c", limit + script, *arguments])


def apt_install(package: str, say: Report) -> None:
    """Install a Debian package when this process is root on Debian or Ubuntu; never asks for more rights.

    Raises:
        ResourceMissing: another system, not root, or apt-get fails.
    """
    if not is_file(DEBIAN_MARK) or shutil.which("apt-get") is None:
        raise ResourceMissing("not a Debian or Ubuntu system")
    if os.geteuid() != 0:
        raise ResourceMissing(f"not root; you can run: sudo apt-get install {package}")
    say(f"Installing the Debian package {package} (this process is root) ...")
    limits = (
        "Acquire::Retries=1",
        f"Acquire::http::Timeout={DOWNLOAD_TIMEOUT:.0f}",
        "DPkg::Lock::Timeout=60",
    )
    apt = ["apt-get", "-q", *(part for limit in limits for part in ("-o", limit))]
    install = [*apt, "install", "-y", "--no-install-recommends", package]
    try:
        run_quietly(install)
    except ResourceMissing:
        run_quietly([*apt, "update"])
        run_quietly(install)
