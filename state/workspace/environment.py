"""Names of the environment's variables that tell the app's server what the command was given."""

from __future__ import annotations

HOME_VARIABLE = "KEC_HOME"
"""Where projects are kept, instead of the user's data folder."""
SERVER_CONFIG_VARIABLE = "KEC_SERVER_CONFIG"
"""Path of the file that says who may log in; empty when nobody has to."""
IMAGES_ROOTS_VARIABLE = "KEC_IMAGES_ROOTS"
"""Folders that photos may be read from when no file says it, separated as in PATH."""
