"""Starts the app's server: loopback by default, usage statistics off."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kec_core.errors import InputError
from kec_core.paths import is_folder
from state.workspace import HOME_VARIABLE

IMAGES_ROOTS_VARIABLE = "KEC_IMAGES_ROOTS"
"""Folders that photos may be read from, separated as in PATH."""

_APP = Path(__file__).resolve().parent.parent / "app.py"


def serve(*, port: int, images_roots: Sequence[Path], projects: Path | None, headless: bool) -> int:
    """Run the app until it is stopped; returns the server's exit status.

    Args:
        port: TCP port on the loopback address.
        images_roots: folders the app may read photos from; none: the user's home folder.
        projects: where projects are kept; None: the user's data folder.
        headless: do not open a browser window.

    Raises:
        InputError: a folder does not exist.
    """
    missing = [root for root in images_roots if not is_folder(root)]
    if missing:
        raise InputError(
            f"--images-root should be a folder, but {missing[0]} is not one; give an existing folder."
        )
    environment = dict(os.environ)
    if images_roots:
        environment[IMAGES_ROOTS_VARIABLE] = os.pathsep.join(str(root.resolve()) for root in images_roots)
    if projects is not None:
        environment[HOME_VARIABLE] = str(projects.resolve())
    command = [sys.executable, "-m", "streamlit", "run", str(_APP)]
    command += ["--server.port", str(port), "--server.headless", str(headless).lower()]
    try:
        # Streamlit reads .streamlit/config.toml (theme, loopback address) from the folder it is started in.
        return subprocess.run(command, cwd=_APP.parent, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0
