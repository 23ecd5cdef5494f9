"""The live loop: a knowledge and its groups as values, new ones after every edit, and the full clustering they come from."""

from kec_core.live.collection import LiveCollection, live_collection
from kec_core.live.state import LiveState
from kec_core.live.update import restore, start, update, with_clustering, with_groups

__all__ = [
    "LiveCollection",
    "LiveState",
    "live_collection",
    "restore",
    "start",
    "update",
    "with_clustering",
    "with_groups",
]
