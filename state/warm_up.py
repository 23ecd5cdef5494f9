"""Loads what the first edit needs while the person still looks around: the server's first click is as fast as its second."""

from __future__ import annotations

import logging
import threading

from kec_core.encoders import automatic_encoder
from kec_core.errors import KecError
from state.editing import text_encoder

log = logging.getLogger(__name__)


def start() -> None:
    """Load the encoder that new projects use, in a thread of its own; what fails here is said where it is needed."""
    threading.Thread(target=_load, name="warm-up", daemon=True).start()


def _load() -> None:
    try:
        text_encoder(automatic_encoder())
    except KecError as error:
        log.info("Nothing was loaded in advance: %s", error)
