"""A Ray cluster of two nodes for tests, and stores that misbehave; nothing but Ray's own processes is started."""

from __future__ import annotations

import os
import secrets
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import fsspec
import numpy as np
from fsspec.implementations.memory import MemoryFileSystem

from state.engine.cluster import ATTEMPTS
from tests.doc_pointers import ROOT
from tests.fakes import HashEncoder

MEMORY = "KEC_TEST_MEMORY"
"""Environment variable: a folder whose files every worker finds at ``memory://photos``."""


BUSY, CLOSED = "crimson 05.png", "ocean 03.png"
HEALED = "healed"
"""A file of this name beside that folder ends the troubles of ``flaky://photos``."""


class FlakyStore(MemoryFileSystem):
    """A bucket that answers every object's first request with 503, some always, and keeps one closed."""

    protocol = "flaky"
    store: ClassVar = {}
    pseudo_dirs: ClassVar = [""]
    asked: ClassVar = set()

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace("flaky://", "memory://"))

    def cat_file(self, path, start=None, end=None, **options):
        healed = (Path(os.environ[MEMORY]).parent / HEALED).exists()
        if path.endswith(CLOSED) and not healed:
            raise PermissionError(13, "Forbidden")
        if path not in self.asked or (path.endswith(BUSY) and not healed):
            self.asked.add(path)
            raise OSError("503 Slow Down")
        return super().cat_file(path, start=start, end=end, **options)


def fill_memory():
    """Run in every worker as it starts: the files of a folder into its memory stores."""
    fsspec.register_implementation("flaky", FlakyStore, clobber=True)
    folder = Path(os.environ[MEMORY])
    files = {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    for kind in ("memory", "flaky"):
        for name, content in files.items():
            fsspec.filesystem(kind).pipe_file(f"/photos/{name}", content)


@dataclass(frozen=True)
class Dying:
    """Makes encoders of which the first that is asked kills its process, as the kernel does when memory runs out.

    Attributes:
        mark: a file that tells that it has happened.
    """

    mark: str

    def __call__(self):
        encoder, mark = HashEncoder(), Path(self.mark)
        encode = encoder.encode_images

        def encode_images(pixels):
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return encode(pixels)

        encoder.encode_images = encode_images
        return encoder


POISON = (255, 0, 255)
"""The colour of a photo that no process survives."""


@dataclass(frozen=True)
class Poisoned:
    """Makes encoders whose process ends at every photo of the colour ``POISON``, as by a fault in a library.

    Attributes:
        deaths: a folder with one file for each process that ended.
        step: "preprocess" or "encode_images", where it ends.
    """

    deaths: str
    step: str

    def __call__(self):
        encoder = HashEncoder()
        work = getattr(encoder, self.step)

        def step(photos):
            if self.step == "preprocess":
                poisoned = photos.getpixel((0, 0)) == POISON
            else:
                flat = photos.reshape(len(photos), 3, -1)
                poisoned = (np.abs(flat[:, :, 0] * 255 - POISON) < 1).all(axis=1).any()
            if poisoned:
                (Path(self.deaths) / secrets.token_hex(8)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return work(photos)

        setattr(encoder, self.step, step)
        return encoder


NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
"""What every node of the cluster has."""


@dataclass(frozen=True)
class Told:
    """Makes encoders, and keeps which process made one and which GPUs it was given.

    Attributes:
        folder: with one file for each encoder that was made.
    """

    folder: str

    def __call__(self):
        (Path(self.folder) / str(os.getpid())).write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "all"))
        return HashEncoder()


@contextmanager
def started_nodes(folder, photos, *more):
    """A cluster of nodes with one processor each, on loopback, two unless told; logs and sockets lie below ``folder``."""
    os.environ |= {
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
        ),  # of these tests
        "RAY_TMPDIR": str(folder),
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # every node listens on loopback alone, on any system
        MEMORY: str(photos),
    }
    import ray

    cluster = _running((NODE, *(more or [NODE])))
    try:
        ray.init(
            address=cluster.address,
            log_to_driver=False,
            runtime_env={"worker_process_setup_hook": "tests.ray_helpers.fill_memory"},
        )
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def _running(nodes):
    """A cluster whose first node is its head; Ray gives a node half a minute, so a busy machine is tried again."""
    from ray.cluster_utils import Cluster

    for attempt in range(1, ATTEMPTS + 1):
        cluster = Cluster()
        try:
            with patch.dict(os.environ, RAY_gcs_server_port_wait_time_s="120"):
                for node in nodes:
                    cluster.add_node(**node)
        except Exception:  # Ray raises bare ones
            cluster.shutdown()
            if attempt == ATTEMPTS:
                raise
        else:
            return cluster
