"""A Ray cluster for the time of some work: one that is there, or one on this machine alone."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit

from kec_core.disk import short
from kec_core.errors import EngineError, InputError, KecError, ResourceMissing

LOCAL = "local"
AUTO = "auto"
_TOKEN_VARIABLES = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}
"""Where Ray looks for the secret that its processes know each other by, before it keeps one in the home folder."""
_ANSWER_SECONDS = 10.0
ATTEMPTS = 3
"""How often some work is begun whose process ends in the middle: by a fault in a library, or for want of memory."""
GPU_SECONDS = 60.0
"""How long a cluster may be without a GPU before its processors do the work."""
_MOST_BLOCKS = 10_000
"""Tasks that Ray plans at once at most; with more parts than that a task takes several."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Shared = TypeVar("Shared")


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
    os.environ.setdefault(
        "RAY_ENABLE_AUTO_CONNECT", "0"
    )  # a thread that outlives the block must not connect again
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
        logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)  # it says how to do without
        _start(**quiet)
        return
    host, port = _place_of(address)
    try:  # Ray itself would try for minutes
        socket.create_connection((host, port), timeout=_ANSWER_SECONDS).close()
    except OSError as error:
        raise InputError(
            f"A Ray cluster was expected at {address} ({host}:{port}), but nothing answers there "
            f"({error.strerror or error}); check the address, and that the cluster runs (`ray status`)."
        ) from error
    try:
        with warnings.catch_warnings(action="ignore"):  # what Ray warns of there, the error below says
            ray.init(address=address, **quiet)
    except Exception as error:  # ConnectionError, RuntimeError, ValueError, those of grpc
        raise _no_cluster(address, error) from error


def _start(**quiet: Any) -> None:  # noqa: ANN401 - options of ray.init
    """Start Ray on this machine; it gives up after half a minute, so a busy machine is tried again.

    Raises:
        EngineError: it does not start.
    """
    import ray

    for attempt in range(1, ATTEMPTS + 1):
        try:
            ray.init(address=LOCAL, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
            return
        except Exception as error:  # Ray raises bare ones
            ray.shutdown()
            if attempt == ATTEMPTS:
                raise EngineError(
                    f"Ray could not be started on this machine ({short(error)}); try again when the machine is less busy, "
                    "or give the --address of a cluster."
                ) from error


def _place_of(address: str) -> tuple[str, int]:
    """Host and port of a cluster.

    Raises:
        InputError: the address is none, or this machine belongs to no cluster.
    """
    if address == AUTO:
        from ray._private import services

        try:
            host, _, port = services.canonicalize_bootstrap_address(AUTO).rpartition(":")
            return host, int(port)
        except Exception as error:  # ConnectionError; ValueError and more for an unusable RAY_ADDRESS
            raise _no_cluster(address, error) from error
    try:
        place = urlsplit(address)
        host, number = place.hostname or "", place.port
    except ValueError:
        host, number = "", None
    if not address.startswith("ray://") or not host or not number:
        raise InputError(
            f"The address of a Ray cluster should be local, auto or ray://HOST:PORT, but is {address!r}; "
            "give one of these."
        )
    return host, number


def _no_cluster(address: str, error: Exception) -> InputError:
    return InputError(
        f"A Ray cluster was expected at {address!r}, but none can be used ({short(error)}); start one with "
        "`ray start --head`, or give --address local."
    )


def over(
    items: Sequence[Item], work: Callable[[Item], Result], *, on_gpu: bool = False, may_crash: bool = False
) -> Iterator[Result]:
    """Do something with every item on the machines of the cluster; results as they come, in any order.

    Args:
        items: at most ``_MOST_BLOCKS`` of them where ``may_crash``: each is a task of its own.
        work: sent to the workers.
        on_gpu: each task gets a GPU.
        may_crash: leave out an item whose work ended its process ``ATTEMPTS`` times, instead of failing.

    Raises:
        KecError: what the work raised.
    """
    return results(mapped(dataset(items, may_crash=may_crash), work, on_gpu=on_gpu))


def sharing(value: Shared, work: Callable[[Shared, Any], Result]) -> Callable[[Any], Result]:
    """Work that gets a value besides its item: the value is sent to each machine once, not with every task."""
    import ray

    sent = ray.put(value)
    return lambda item: work(ray.get(sent), item)


def dataset(items: Sequence[Any], *, may_crash: bool = False) -> Any:  # noqa: ANN401 - ray.data.Dataset
    """A Ray dataset with one row ``item`` for each item; ``may_crash``: rows whose processes end are left out."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # Its warnings are of its own ways, and on a cluster as small as a trial's false: "the job may hang forever" while it runs.
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    rows = [{"item": item} for item in items]
    data = ray.data.from_items(rows, override_num_blocks=max(1, min(len(rows), _MOST_BLOCKS)))
    data.context.max_errored_blocks = -1 if may_crash else 0
    return data


def mapped(
    rows: Any,  # noqa: ANN401 - ray.data.Dataset
    work: Callable[[Any], Any],
    *,
    on_gpu: bool = False,
    attempts: int = ATTEMPTS,
) -> Any:  # noqa: ANN401 - ray.data.Dataset
    """The rows with what some work makes of each item, in tasks; an error that it raises becomes the item.

    Args:
        rows: of ``dataset``, or of ``mapped``.
        work: sent to the workers.
        on_gpu: each task gets a GPU, and no processor besides.
        attempts: how often a task is begun whose process ends.
    """
    with warnings.catch_warnings():
        # requirements-ray.txt says until which version Ray takes them
        warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated")
        return rows.map(
            lambda row: {"item": _answer(work, row["item"])},
            num_cpus=0 if on_gpu else 1,
            num_gpus=1 if on_gpu else 0,
            max_calls=0,  # Ray would end a process after each task on a GPU, and the encoder with it
            max_retries=attempts - 1,
        )


def _answer(work: Callable[[Any], Any], item: Any) -> Any:  # noqa: ANN401 - what the work takes and makes
    """What some work makes of an item, or the error it raised: a row is missing only when its process ended."""
    if isinstance(item, KecError):
        return item
    try:
        return work(item)
    except Exception as error:  # whatever a library raises, told on the machine that called
        logging.getLogger(__name__).exception("work on a cluster failed")
        return _plain(error)


def results(rows: Any) -> Iterator[Any]:  # noqa: ANN401 - ray.data.Dataset
    """The items of the rows, as they come.

    Raises:
        KecError: the first error among them.
    """
    for row in rows.iter_rows():
        if isinstance(row["item"], KecError):
            raise row["item"]
        yield row["item"]


def gpus_there() -> bool:
    """Whether a machine of the cluster has a GPU."""
    import ray

    return bool(ray.cluster_resources().get("GPU", 0) >= 1)


def hide_other_gpus() -> None:
    """Before a library looks for GPUs in a task: it finds none if the task has none, for they are there for those that have one."""
    import ray

    if not ray.get_runtime_context().get_accelerator_ids().get("GPU"):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def while_gpus_last(found: Iterator[Result]) -> Iterator[Result]:
    """The results of tasks on GPUs, until no GPU has been in the cluster for a minute: Ray would wait for one for ever.

    Raises:
        KecError: what ``found`` raises.
    """
    came: SimpleQueue[Result | KecError | None] = SimpleQueue()
    ended = Event()

    def take() -> None:
        try:
            for one in found:
                came.put(one)
                if ended.is_set():
                    return
            came.put(None)
        except Exception as error:  # those of Ray too
            came.put(error if isinstance(error, KecError) else _plain(error))

    Thread(target=take, daemon=True).start()
    seen = time.monotonic()
    try:
        while time.monotonic() - seen < GPU_SECONDS:
            if gpus_there():
                seen = time.monotonic()
            with suppress(Empty):
                one = came.get(timeout=1)
                if one is None:
                    return
                if isinstance(one, KecError):
                    raise one
                yield one
    finally:
        ended.set()


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
