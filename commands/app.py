"""``kec app``: the app in the browser."""

from __future__ import annotations

import argparse
from typing import Any

from commands.parsing import Subparsers, add_command, given_path


def add(commands: Subparsers[Any]) -> None:
    """Add ``kec app``."""
    p = add_command(commands, "app", app, "open the app in the browser")
    p.add_argument("--port", type=int, default=8501)
    p.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen at (127.0.0.1); another one needs --server-config or --auth-by-proxy",
    )
    p.add_argument(
        "--allowed-host",
        action="append",
        metavar="NAME[:PORT]",
        help="host name under which browsers may ask for the app besides localhost, e.g. behind a proxy",
    )
    p.add_argument(
        "--base-url-path", default="", metavar="PATH", help="path of the app below its host, e.g. kec"
    )
    p.add_argument(
        "--server-config",
        type=given_path,
        metavar="FILE",
        help="TOML file with the login, who is let in, and whose folders are which",
    )
    p.add_argument(
        "--auth-by-proxy", action="store_true", help="a proxy in front asks who comes; this server does not"
    )
    p.add_argument(
        "--images-root",
        type=given_path,
        action="append",
        metavar="DIR",
        help="folder the app may read (home)",
    )
    p.add_argument("--projects", type=given_path, metavar="DIR", help="where projects are kept")
    p.add_argument("--headless", action="store_true", help="do not open a browser window")


def app(arguments: argparse.Namespace) -> None:
    """``kec app``: serve the app on this machine and open it in the browser."""
    from state.server.serve import serve

    serve(
        port=arguments.port,
        images_roots=arguments.images_root or [],
        projects=arguments.projects,
        headless=arguments.headless,
        host=arguments.host,
        allowed_hosts=arguments.allowed_host or [],
        base_url_path=arguments.base_url_path,
        server_config=arguments.server_config,
        auth_by_proxy=arguments.auth_by_proxy,
    )
