"""The two files of a login, as a person writes them."""

from __future__ import annotations

import json
from pathlib import Path

AUTH = {
    "redirect_uri": "https://photos.example.org/kec/oauth2callback",
    "cookie_secret": "hush " * 8,
    "client_id": "kec",
    "client_secret": "hush",
    "server_metadata_url": "https://login.example.org/.well-known/openid-configuration",
}


def write_login(
    folder: Path, *, auth: dict[str, str] | None = None, allow: str = '["ann@example.org"]', more: str = ""
) -> tuple[Path, Path]:
    """Write ``server.toml`` and ``secrets.toml``; returns their paths.

    Args:
        auth: the keys of the secrets; None: all that are needed.
        allow: the list of the login, as TOML.
        more: what else the file of the server says, before the section of the login.
    """
    config, secrets = folder / "server.toml", folder / "secrets.toml"
    keys = AUTH if auth is None else auth
    secrets.write_text(
        "\n".join(["[auth]", *(f"{name} = {json.dumps(value)}" for name, value in keys.items())])
    )
    config.write_text(f"{more}\n[login]\nsecrets = {json.dumps(str(secrets))}\nallow = {allow}\n")
    return config, secrets
