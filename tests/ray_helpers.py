"""A Ray cluster of two nodes for tests, and stores that misbehave; nothing but Ray's own processes is started."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager

MEMORY = "KEC_TEST_MEMORY"
"""Environment variable: a folder whose files every worker finds at ``memory://photos``."""


def fill_memory():
    """Run in every worker as it starts: the files of a folder into its memory store."""
    from pathlib import Path

    import fsspec

    folder = Path(os.environ.get(MEMORY, ""))
    store = fsspec.filesystem("memory")
    for file in sorted(folder.rglob("*")) if os.environ.get(MEMORY) else []:
        if file.is_file():
            store.pipe_file(f"/photos/{file.relative_to(folder).as_posix()}", file.read_bytes())


@contextmanager
def two_nodes(folder, photos):
    """A cluster of two nodes with one processor each, on loopback; logs and sockets lie below ``folder``."""
    os.environ |= {
        "RAY_TMPDIR": str(folder),
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # every node listens on loopback alone, on any system
        MEMORY: str(photos),
    }
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        cluster.add_node(**node)
        ray.init(
            address=cluster.address,
            log_to_driver=False,
            runtime_env={"worker_process_setup_hook": "tests.ray_helpers.fill_memory"},
        )
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()
