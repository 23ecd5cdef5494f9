"""Downloads on a network that falls silent: given up with one clear sentence, by real clients of a real server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import open_clip
import pytest

from kec_core.encoders import download
from kec_core.encoders.download import download_or_abort
from kec_core.encoders.openclip_weights import find_weights
from kec_core.errors import ResourceMissing
from tests.silent_host import silent_host

OK = b"HTTP/1.0 200 OK\r\n\r\n"
HALF = b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\nten bytes."
FROM_THE_HUB = """
from pathlib import Path
from huggingface_hub import constants, hf_hub_download
from kec_core.encoders import download
download.DOWNLOAD_TIMEOUT = 0.5
try:
    download.download_or_abort(lambda: hf_hub_download("some/model", "file.bin"), Path(constants.HF_HUB_CACHE))
except TimeoutError as error:
    print(error)
"""


def test_what_a_download_returns_or_raises_is_passed_on(tmp_path):
    assert download_or_abort(lambda: 5, tmp_path / "missing") == 5
    with pytest.raises(ZeroDivisionError):
        download_or_abort(lambda: 1 // 0, tmp_path)


def test_a_slow_download_is_waited_for_as_long_as_bytes_come(monkeypatch, tmp_path):
    monkeypatch.setattr(download, "DOWNLOAD_TIMEOUT", 1.0)

    def slowly():
        with (tmp_path / "file").open("wb", buffering=0) as out:
            for _ in range(15):
                time.sleep(0.1)
                out.write(b"x")
        return "all of it"

    assert download_or_abort(slowly, tmp_path) == "all of it"


def test_weights_that_stop_half_way_are_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(download, "DOWNLOAD_TIMEOUT", 0.5)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))
    with silent_host({"HEAD /half.pt": OK, "GET /half.pt": HALF}) as address:
        monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: {"url": f"{address}/half.pt"})
        with pytest.raises(ResourceMissing, match=r"could not be fetched \(nothing came for 0\.5 seconds\)"):
            find_weights("ViT-B-32/laion2b_e16")


def test_a_program_ends_though_the_hubs_client_would_try_for_minutes(tmp_path):
    with silent_host() as address:
        ended = subprocess.run(
            [sys.executable, "-c", FROM_THE_HUB],
            env={**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"},
            cwd=Path(__file__).resolve().parent.parent,
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
    assert ended.stdout == "nothing came for 0.5 seconds\n"
