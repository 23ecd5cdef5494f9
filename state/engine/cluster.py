"""A Ray cluster for the time of some work: one that is there, or one on this machine alone."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from kec_core.disk import short
from kec_core.errors import EngineError, InputError, KecError, ResourceMissing

LOCAL = "local"
AUTO = "auto"
_TOKEN_VARIABLES = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}
"""Where Ray looks for the secret that its processes know each other by, before it keeps one in the home folder."""
_ANSWER_SECONDS = 10.0
_MOST_BLOCKS = 10_000
"""Tasks that Ray plans at once at most; with more parts than that a task takes several."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def cluster(address: str = LOCAL) -> Iterator[None]:
    """Use a cluster inside the block; a connection that was there already is used and stays.

    Args:
        address: "local" starts Ray on this machine for the time of the block, "auto" takes the cluster that this
            machine belongs to, ``ray://HOST:PORT`` one elsewhere.

    Raises:
        ResourceMissing: Ray is not installed.
        InputError: no cluster answers at the address.
        EngineError: the cluster failed; what is finished is kept.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise ResourceMissing(
            "The engine ray needs packages that are not installed; install them with "
            "`pip install -r requirements-ray.txt`."
        ) from error
    was_there = ray.is_initialized()
    if not was_there:
        _connect(address)
    try:
        yield
    except ray.exceptions.RayError as error:
        raise _plain(error) from error
    finally:
        if not was_there:
            ray.shutdown()


def _connect(address: str) -> None:
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.WARNING}
    if address == LOCAL:
        # only this process and its workers know the token, and nothing is reachable from other machines
        if not _TOKEN_VARIABLES & os.environ.keys():
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        ray.init(address=LOCAL, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
        return
    if address != AUTO:
        _check_answers(address)
    try:
        ray.init(address=address, **quiet)
    except Exception as error:  # ConnectionError, RuntimeError, ValueError, those of grpc
        raise InputError(
            f"A Ray cluster was expected at {address!r}, but none can be used ({short(error)}); start one with "
            "`ray start --head`, or give --address local."
        ) from error


def _check_answers(address: str) -> None:
    """Refuse an address that Ray would try for minutes."""
    try:
        place = urlsplit(address)
        host, port = place.hostname, place.port
    except ValueError:
        host = port = None
    if not address.startswith("ray://") or not host or not port:
        raise InputError(
            f"The address of a Ray cluster should be local, auto or ray://HOST:PORT, but is {address!r}; "
            "give one of these."
        )
    try:
        socket.create_connection((host, port), timeout=_ANSWER_SECONDS).close()
    except OSError as error:
        raise InputError(
            f"A Ray cluster was expected at {address}, but nothing answers there ({error.strerror or error}); "
            "check the address, and that the cluster runs (`ray status`)."
        ) from error


def over(items: Sequence[Item], work: Callable[[Item], Result]) -> Iterator[Result]:
    """Do something with every item on the machines of the cluster; results as they come, in any order."""
    for row in dataset(items).map(lambda row: {"result": work(row["item"])}).iter_rows():
        yield row["result"]


def dataset(items: Sequence[Any]) -> Any:  # noqa: ANN401 - ray.data.Dataset, which may not be installed
    """A Ray dataset with one row ``item`` for each item."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    rows = [{"item": item} for item in items]
    return ray.data.from_items(rows, override_num_blocks=max(1, min(len(rows), _MOST_BLOCKS)))


def _plain(error: BaseException) -> KecError:
    """What really went wrong, out of the layers that Ray puts around an error of a worker."""
    inner: BaseException = error
    while deeper := getattr(inner, "cause", None) or inner.__cause__:
        inner = deeper
    if isinstance(inner, KecError):
        return inner
    return EngineError(
        f"The Ray cluster could not finish the work ({short(Exception(str(inner)))}); what is encoded is kept: "
        "run the same command again to go on."
    )
