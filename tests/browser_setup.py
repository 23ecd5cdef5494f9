"""Finds a Chromium for the browser journeys; ``python -m tests.browser_setup`` installs Debian's where it may, and nginx."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> str | None:
    """Path of a browser on this machine, or None."""
    given = os.environ.get("KEC_BROWSER")
    return given or next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    """Get both; a missing nginx only skips a test."""
    from tests.nginx import find_nginx, unpack_debians

    if not find_nginx() and shutil.which("apt-get"):
        unpack_debians()
    if find_browser():
        return 0
    if os.geteuid() == 0 and Path("/etc/debian_version").exists():
        print("Installing Debian's chromium for the browser tests.", file=sys.stderr)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
            subprocess.run(command, check=False, env=environment, stdout=subprocess.DEVNULL)
    if find_browser():
        return 0
    print(
        "No Chromium or Chrome found; browser tests need one (or its path in KEC_BROWSER).", file=sys.stderr
    )
    return 1 if os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
