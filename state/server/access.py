"""Who may use the app's server and which folders each may read: the file that ``kec app --server-config`` names.

The file holds no secret. What the login itself needs stands in Streamlit's secrets, whose path the file names.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from kec_core.errors import InputError
from kec_core.paths import is_folder
from state.workspace.environment import IMAGES_ROOTS_VARIABLE, SERVER_CONFIG_VARIABLE
from state.workspace.workspace import Workspace

CALLBACK = "oauth2callback"
"""Where the provider sends a browser back to, below the base path; Streamlit's own name."""

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_DOMAIN = re.compile(r"@[^@\s]+")
_PROVIDER_KEYS = ("client_id", "client_secret", "server_metadata_url")
_AUTH_KEYS = ("redirect_uri", "cookie_secret")
_SHORTEST_SECRET = 32
"""Characters of the secret that signs the cookies of a login."""


def _address(text: str) -> str:
    if _ADDRESS.fullmatch(text) is None:
        raise ValueError("should be an e-mail address (ann@example.org)")
    return text.casefold()


def _address_or_domain(text: str) -> str:
    if _DOMAIN.fullmatch(text) is None and _ADDRESS.fullmatch(text) is None:
        raise ValueError("should be an e-mail address (ann@example.org) or a domain (@example.org)")
    return text.casefold()


def _folder(path: Path) -> Path:
    if not path.is_absolute() or not is_folder(path):
        raise ValueError(f"should be an existing folder given by its whole path, but {path} is not")
    return path


def _writable(path: Path) -> Path:
    if not os.access(path, os.W_OK | os.X_OK):
        raise ValueError(
            f"should be a folder that the server's user may write to, but {path} is not; `chown` it"
        )
    return path


Folder = Annotated[Path, AfterValidator(_folder)]
ProjectsFolder = Annotated[Folder, AfterValidator(_writable)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Login(_Section):
    """Whom the login lets in.

    Attributes:
        secrets: Streamlit's secrets file with the section ``auth``.
        allow: e-mail addresses, and domains that begin with @ and stand for all their addresses; lower case.
    """

    secrets: Path
    allow: Annotated[tuple[Annotated[str, AfterValidator(_address_or_domain)], ...], Field(min_length=1)]


class Folders(_Section):
    """What one person may read.

    Attributes:
        images_roots: folders that photos may come from; none: those of everybody.
        projects: a folder of projects of their own; None: that of everybody.
    """

    images_roots: tuple[Folder, ...] = ()
    projects: ProjectsFolder | None = None


class ServerConfig(_Section):
    """The whole file.

    Attributes:
        login: whom the login lets in.
        images_roots: folders that everybody who is let in may read photos from; none: those of the command.
        projects: the folder of projects that they share; None: that of the command.
        users: what single persons may read, by address in lower case.
    """

    login: Login
    images_roots: tuple[Folder, ...] = ()
    projects: ProjectsFolder | None = None
    users: dict[Annotated[str, AfterValidator(_address)], Folders] = Field(default_factory=dict)

    def admits(self, email: str) -> bool:
        """Whether the list of the login names an address or its domain."""
        address = email.casefold()
        if _ADDRESS.fullmatch(address) is None:  # the bare name of a domain is nobody
            return False
        return address in self.login.allow or f"@{address.rpartition('@')[2]}" in self.login.allow

    def workspace(self, email: str) -> Workspace:
        """What the person with this address may see."""
        own = self.users.get(email.casefold(), Folders())
        roots = own.images_roots or self.images_roots or roots_from_environment()
        return Workspace(own.projects or self.projects, roots)


def load_server_config(path: Path) -> ServerConfig:
    """Read and check the file.

    Raises:
        InputError: it cannot be read, is no TOML, or something in it is missing, unknown or of the wrong kind.
    """
    try:
        config = ServerConfig.model_validate(_read_toml(path))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"] if not str(part).endswith("]"))
        said = problem["msg"].removeprefix("Value error, ")
        raise InputError(f"{path}: {where}: {said}; docs/how-to/server.md shows the file.") from error
    stranger = next((one for one in config.users if not config.admits(one)), None)
    if stranger is not None:
        raise InputError(
            f"{path}: users names {stranger}, whom login.allow does not let in; add the address or its domain there."
        )
    return config


def check_secrets(config: ServerConfig, base_path: str) -> str:
    """Whether Streamlit can ask for the login; returns the host and port under which browsers come.

    Args:
        config: names the file of secrets; nothing out of that file is ever said.
        base_path: of the app's addresses, "" or like "/kec".

    Raises:
        InputError: the file cannot be read, or a key of its section ``auth`` is missing or does not fit.
    """
    path = config.login.secrets
    section = _read_toml(path).get("auth", {})
    if not isinstance(section, Mapping):
        raise InputError(f"{path}: auth should be a section ([auth]), but a single value came.")
    missing = [f"auth.{key}" for key in _AUTH_KEYS if not isinstance(section.get(key), str)]
    for provider in [section[name] for name in providers(section)] or [section]:
        missing += [f"auth.{key}" for key in _PROVIDER_KEYS if not isinstance(provider.get(key), str)]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}; docs/how-to/server.md shows the file.")
    if len(section["cookie_secret"]) < _SHORTEST_SECRET:
        raise InputError(
            f"{path}: auth.cookie_secret should have at least {_SHORTEST_SECRET} random characters; make one with: "
            'python -c "import secrets; print(secrets.token_hex(32))"'
        )
    back = urlsplit(section["redirect_uri"])
    wanted = f"{base_path}/{CALLBACK}"
    if back.path != wanted or not back.hostname:
        raise InputError(
            f"{path}: auth.redirect_uri should be the address of the app as browsers see it, ending in {wanted}, but "
            f"its path is {back.path or 'empty'}."
        )
    return back.netloc


def providers(auth: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the login's providers as ``st.login`` takes them; empty for the one that has no name.

    Args:
        auth: section ``auth`` of Streamlit's secrets.
    """
    return tuple(name for name, one in auth.items() if isinstance(one, Mapping) and "client_id" in one)


@lru_cache(maxsize=1)
def server_config() -> ServerConfig | None:
    """The file that this server was started with; None when nobody has to log in.

    Raises:
        InputError: as ``load_server_config``.
    """
    path = os.environ.get(SERVER_CONFIG_VARIABLE)
    return load_server_config(Path(path)) if path else None


def roots_from_environment() -> tuple[Path, ...]:
    """The folders of photos that the command named; empty for the user's home folder."""
    listed = os.environ.get(IMAGES_ROOTS_VARIABLE, "").split(os.pathsep)
    return tuple(Path(root) for root in listed if root)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); give the path of a TOML file."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text in UTF-8; save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is no valid TOML: {error}.") from error
