"""Starts the app's server: loopback by default, beyond it only when somebody asks who comes; usage statistics off.

Streamlit can collect all garbage after every run of a page, which stops every window for a third of a second once torch
and the records of 50,000 photos are in memory; ``.streamlit/config.toml`` turns that off. Objects that nothing refers
to any more are freed at once anyway. Those that refer to each other in a circle, such as what belonged to a closed
window with its event loop and sockets, are freed here.
"""

from __future__ import annotations

import errno
import gc
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from kec_core.errors import InputError
from kec_core.paths import is_folder
from state.server.allowed_hosts import ALLOWED_HOSTS_VARIABLE, Host, as_dns, parse_allowed
from state.workspace.environment import HOME_VARIABLE, IMAGES_ROOTS_VARIABLE, SERVER_CONFIG_VARIABLE

if TYPE_CHECKING:
    from state.server.access import ServerConfig

TIDY_SECONDS = 60.0
"""Between two collections, when anything was done meanwhile."""
WHOLE = 10
"""Every so many collections all of the memory is looked at, which takes a while; else only what is new since then."""


@contextmanager
def tidied(seconds: float = TIDY_SECONDS) -> Iterator[None]:
    """Collect garbage every so many seconds while the block runs, in a thread of its own."""
    ended = threading.Event()
    thread = threading.Thread(target=_tidy_until, args=(ended, seconds), name="memory", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _tidy_until(ended: threading.Event, seconds: float) -> None:
    rounds, before = 0, -1
    while not ended.wait(seconds):
        if gc.get_stats()[1]["collections"] != before:  # an idle server allocates next to nothing
            tidy(whole=rounds % WHOLE == 0)
            rounds += 1
            before = gc.get_stats()[1]["collections"]


def tidy(*, whole: bool) -> None:
    """Free what refers to itself in a circle.

    Args:
        whole: look at all of the memory, then take what stays out of the sight of later collections, also those that
            Python makes by itself: they become short.
    """
    if whole:
        gc.unfreeze()
    gc.collect()
    if whole:
        gc.freeze()


GRACE_SECONDS = 3
"""For open connections and running pages; what they were doing is lost no more than when a browser is closed."""


def limit_shutdown() -> None:
    """Give the graceful end, for which the server has installed handlers of SIGTERM and SIGINT, a limit of time.

    After it the kernel ends the process: a thread that never returns cannot hold it. Call it in the main thread.
    """
    if not hasattr(signal, "SIGALRM"):  # Windows has no such clock; the end has no limit there
        return
    signals = (signal.SIGTERM, signal.SIGINT)
    handlers = {number: signal.getsignal(number) for number in signals}
    if not callable(handlers[signal.SIGTERM]):  # not within the server: the signal ends the process at once
        return

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(GRACE_SECONDS)
        handler = handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in signals:
        signal.signal(number, end)


DEFAULT_HOST = "127.0.0.1"

_APP = Path(__file__).resolve().parents[2] / "app.py"
_PORTS_TRIED = 100
_BASE_PATH = re.compile(r"(/[A-Za-z0-9._~-]*[A-Za-z0-9_~-])+")


def serve(
    *,
    port: int,
    images_roots: Sequence[Path],
    projects: Path | None,
    headless: bool,
    host: str = DEFAULT_HOST,
    allowed_hosts: Sequence[str] = (),
    base_url_path: str = "",
    server_config: Path | None = None,
    auth_by_proxy: bool = False,
) -> NoReturn:
    """Become the app's server: this process ends with it, whatever ends it.

    Args:
        port: TCP port.
        images_roots: folders the app may read photos from; none: the user's home folder.
        projects: where projects are kept; None: the user's data folder.
        headless: do not open a browser window.
        host: address of this machine to listen at.
        allowed_hosts: hosts that the server answers to besides loopback names and ``host``.
        base_url_path: where the app lies below the address of the host, like "kec"; "" for the address itself.
        server_config: file that says who may log in; None: nobody has to.
        auth_by_proxy: a proxy in front asks who comes.

    Raises:
        InputError: a folder does not exist, a host is none, the port cannot be used, the file of the login is not
            usable, or people from beyond this machine would be let in without being asked who they are.
    """
    missing = [root for root in images_roots if not is_folder(root)]
    if missing:
        raise InputError(
            f"--images-root should be a folder, but {missing[0]} is not one; give an existing folder."
        )
    host = host.strip("[]")  # as an address line shows IPv6
    base_path = check_base_path(base_url_path)
    config, login_hosts = _login(server_config, base_path)
    named_hosts = [*allowed_hosts, *([] if _is_wildcard(host) else [_bracketed(host)])]
    if config is None and not auth_by_proxy:
        _need_loopback(host, allowed_hosts)
    hosts = parse_allowed([*named_hosts, *login_hosts])
    check_port(host, port)
    environment = {
        **os.environ,
        ALLOWED_HOSTS_VARIABLE: ",".join(map(str, hosts)),
        SERVER_CONFIG_VARIABLE: str(server_config.resolve()) if server_config else "",
    }
    if images_roots:
        environment[IMAGES_ROOTS_VARIABLE] = os.pathsep.join(str(root.resolve()) for root in images_roots)
    if projects is not None:
        environment[HOME_VARIABLE] = str(projects.resolve())
    command = [sys.executable, "-m", "pages.frame.command", "run", str(_APP)]
    command += ["--server.address", host, "--server.port", str(port)]
    command += ["--server.headless", str(headless).lower(), "--server.baseUrlPath", base_path]
    if config is not None:
        command += ["--secrets.files", str(config.login.secrets.resolve())]
    # Streamlit reads .streamlit/config.toml (theme, usage statistics) from the folder it is started in.
    os.chdir(_APP.parent)
    os.execve(command[0], command, environment)


def _login(file: Path | None, base_path: str) -> tuple[ServerConfig | None, list[str]]:
    """Who may log in, and the host under which their browsers come; None and no host without a login."""
    if file is None:
        return None, []
    from state.server.access import check_secrets, load_server_config  # most servers have no login

    config = load_server_config(file)
    return config, [check_secrets(config, base_path)]


def check_base_path(text: str) -> str:
    """The path below which the app is served, "" or like "/kec".

    Raises:
        InputError: it is no plain path.
    """
    path = f"/{text.strip('/')}" if text.strip("/") else ""
    if path and _BASE_PATH.fullmatch(path) is None:
        raise InputError(
            f"--base-url-path should be a path of letters, digits, -, _, . and ~ such as kec or tools/kec, but {text!r} "
            "came; leave it out for the address itself."
        )
    return path


def _need_loopback(host: str, allowed_hosts: Sequence[str]) -> None:
    """Refuse to serve beyond this machine."""
    named = [("--host", host), *(("--allowed-host", one) for one in allowed_hosts)]
    for option, text in named:
        parsed = Host.parse(as_dns(_bracketed(text) if option == "--host" else text))
        if (
            parsed is not None and not parsed.is_loopback
        ):  # what is no host at all is refused with its own sentence
            raise InputError(
                f"{option} {text} would let people from other machines see and edit without asking who they are; give "
                "--server-config FILE with a login, or --auth-by-proxy if a proxy in front asks "
                "(docs/how-to/server.md)."
            )


def check_port(host: str, port: int) -> None:
    """Refuse a port that the server could not listen at.

    Raises:
        InputError: it is none, it is taken, or this user may not use it; says what to do.
    """
    if not 1 <= port <= 65535:
        raise InputError(
            f"--port should be a number from 1 to 65535, but {port} came; leave it out for 8501."
        )
    try:
        reason = _bind_error(host, port)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no host has such a name"
        raise InputError(
            f"--host should be an address of this machine, but {host!r} is none ({why}); leave it out for "
            f"{DEFAULT_HOST}."
        ) from error
    if reason == errno.EACCES:
        raise InputError(f"Port {port} needs the rights of an administrator; give --port 8501 or higher.")
    if reason is not None:
        free = _free_port(host, port)
        other = f"or give --port {free}, which is free" if free else "or give another --port"
        raise InputError(f"Port {port} is taken{_user_of(port)}; end that program, {other}.")


def _bind_error(host: str, port: int) -> int | None:
    """The errno with which a port cannot be used, None when it can.

    Raises:
        OSError: the host is no address of this machine.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(address)
            tried.listen()
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            return error.errno
    return None


def _free_port(host: str, taken: int) -> int | None:
    following = range(taken + 1, min(taken + _PORTS_TRIED, 65536))
    return next((port for port in following if _bind_error(host, port) is None), None)


def _user_of(port: int) -> str:
    """Who listens at a port, as far as the operating system says it to this user."""
    import psutil

    try:
        listening = psutil.net_connections("tcp")
        pids = {
            one.pid
            for one in listening
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port
        }
        process = psutil.Process(next(pid for pid in pids if pid))
        runs_app = str(_APP) in process.cmdline()
        name = "another KEC+ Studio" if runs_app else process.name()
    except (psutil.Error, StopIteration):
        return ""
    return f" by {name} (process {process.pid})"


def _is_wildcard(host: str) -> bool:
    address = (Host.parse(_bracketed(host)) or Host(host, None)).address
    return address is not None and address.is_unspecified


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
