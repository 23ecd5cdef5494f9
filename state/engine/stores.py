"""Folders at any address that fsspec knows: this machine, S3, Google, Azure, memory.

Credentials come from the environment of the process that reads, as each driver of fsspec documents it; an address that
carries some is refused, so none is ever kept in a project.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from kec_core.disk import short
from kec_core.errors import InputError, ResourceMissing, StoreError
from kec_core.store import write_atomically

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

ATTEMPTS: Final = 4
"""How often an object is read that a store does not give at once; the waits between are 0.5, 1 and 2 s."""
_STAMPS: Final = (
    "ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated", "created",
)  # fmt: skip
"""What the drivers of fsspec call what changes with a file's content, best first."""
_FINAL: Final = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""Answers of a store that asking again does not change."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Why an object could not be read, and whether it may be readable another time."""

    reason: str
    may_pass: bool


@dataclass(frozen=True, slots=True)
class FileAt:
    """A file in a store: its name below the store's folder, with "/", and what changes with its content."""

    name: str
    stamp: str


@dataclass(frozen=True)
class Store:
    """A folder at an address; cheap to send to another machine, which connects by itself.

    Attributes:
        address: ``protocol://...``, without credentials; made by ``store_at``.
    """

    address: str

    @cached_property
    def _opened(self) -> tuple[AbstractFileSystem, str]:
        import fsspec

        protocol = self.address.partition("://")[0]
        if protocol not in {*fsspec.available_protocols(), *fsspec.registry}:  # the second: registered here
            raise InputError(
                f"An address such as s3://bucket/folder was expected, but {self.address!r} came, and fsspec knows nothing "
                f"that begins with {protocol}://; give a folder, or an address of a kind that it knows."
            )
        try:
            system, folder = fsspec.core.url_to_fs(self.address)
        except ImportError as error:
            raise ResourceMissing(
                f"Addresses that begin with {protocol}:// need a driver that is not installed ({short(error)}); install "
                "it with pip, on every machine of the cluster."
            ) from error
        except Exception as error:  # each driver raises errors of its own library
            raise InputError(
                f"{self.address} cannot be opened ({short(error)}); check the address, and that the environment holds "
                "credentials for it."
            ) from error
        return system, str(folder).rstrip("/")

    @property
    def folder(self) -> Path | None:
        """The folder on this machine, None where the store is elsewhere."""
        return Path(self.address.removeprefix("file://")) if self.address.startswith("file://") else None

    def below(self, name: str) -> Store:
        """A folder in this store."""
        return Store(f"{self.address.rstrip('/')}/{name}")

    def files(self) -> list[FileAt]:
        """Every file in the folder and below it, by name; none where there is no such folder.

        Raises:
            InputError: it cannot be listed, or there is no such bucket.
            ResourceMissing: no driver for this kind of address.
        """
        system, folder = self._opened
        try:
            system.invalidate_cache()
            found: dict[str, dict[str, Any]] = system.find(folder, detail=True)
        except FileNotFoundError as error:
            if self._has_bucket():
                return []
            raise InputError(
                f"{self.address} is in no bucket that the store knows ({short(error)}); check the bucket's name, or make "
                "the bucket first."
            ) from error
        except Exception as error:  # each driver raises errors of its own library
            raise InputError(
                f"What lies at {self.address} cannot be listed ({short(error)}); check the address, and that the "
                "environment holds credentials for it, or try again when the store is less busy."
            ) from error
        start = len(folder) + 1
        return sorted(
            (FileAt(path[start:], _stamp(facts)) for path, facts in found.items()), key=lambda f: f.name
        )

    def _has_bucket(self) -> bool:
        """False where the first step of the address is a bucket, or a container, that is not there."""
        system, folder = self._opened
        bucket = folder.partition("/")[0]
        return not bucket or bool(system.exists(bucket))

    def read(self, name: str, *, most: int | None = None) -> bytes | Unread:
        """A file, or its first ``most`` bytes; a store that is busy is asked again.

        Raises:
            ResourceMissing: no driver for this kind of address.
        """
        system, folder = self._opened
        for attempt in range(ATTEMPTS):
            try:
                content: bytes = system.cat_file(
                    f"{folder}/{name}", start=None if most is None else 0, end=most
                )
                return content
            except _FINAL as error:
                return Unread(_why(error), may_pass=isinstance(error, PermissionError))
            except Exception as error:  # each driver raises errors of its own library
                failed = Unread(_why(error), may_pass=True)
            if attempt + 1 < ATTEMPTS:
                time.sleep(0.5 * 2**attempt)
        return failed

    def needed(self, name: str) -> bytes:
        """A file that was written here before.

        Raises:
            StoreError: it cannot be read.
        """
        content = self.read(name)
        if isinstance(content, Unread):
            raise StoreError(
                f"{name} was expected at {self.address}, but cannot be read ({content.reason}); make the place "
                "readable from every machine of the cluster, or run again: what is missing is made anew."
            )
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file: readers see all of it or nothing.

        Raises:
            StoreError: it cannot be written.
        """
        if self.folder is not None:
            write_atomically(self.folder / name, content)
            return
        system, folder = self._opened
        try:
            system.pipe_file(f"{folder}/{name}", content)  # object stores show an object when it is whole
        except Exception as error:  # each driver raises errors of its own library
            raise StoreError(
                f"{name} could not be written at {self.address} ({short(error)}); check the address, and that the "
                "environment holds credentials that may write there."
            ) from error

    def remove(self, name: str) -> None:
        """Remove a file that need not be there.

        Raises:
            StoreError: it cannot be removed.
        """
        system, folder = self._opened
        try:
            system.rm_file(f"{folder}/{name}")
        except FileNotFoundError:
            return
        except Exception as error:  # each driver raises errors of its own library
            raise StoreError(f"{name} could not be removed at {self.address} ({short(error)}).") from error


def store_at(address: str | Path) -> Store:
    """The store of a folder of this machine, or of an address.

    Raises:
        InputError: the address carries credentials, or is of no known kind.
        ResourceMissing: no driver for this kind of address.
    """
    text = str(address)
    if "://" not in text:
        return Store(f"file://{Path(text).absolute()}")
    if re.search(r"//[^/]*@", text) and urlsplit(text).password is not None:
        kind = text.partition("://")[0]
        raise InputError(
            f"An address without credentials was expected, but this {kind}:// address has a password in it; "
            "take it out and set the credentials in the environment."
        )
    if not text.partition("://")[2].strip("/") and not text.startswith("file://"):
        raise InputError(
            f"An address such as {text.partition('://')[0]}://bucket/folder was expected, but {text} names no bucket; "
            "add its name."
        )
    store = Store(text.rstrip("/"))
    if text.startswith("file://"):
        return Store(f"file://{Path(text.removeprefix('file://')).absolute()}")
    _ = store._opened
    return store


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "it is not there"  # drivers say no more than the name
    return (getattr(error, "strerror", None) or short(error)) if isinstance(error, OSError) else short(error)


def _stamp(facts: dict[str, Any]) -> str:
    """The size of a file and what else changes with its content."""
    return f"{facts.get('size')} {next((facts[key] for key in _STAMPS if facts.get(key)), '')}"
