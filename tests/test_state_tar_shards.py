"""Shards of a webdataset come in as photos: safely, all or none, the rest listed or counted; a run groups them."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cli
from kec_core.encoders.readymade import load_readymade
from kec_core.errors import InputError
from kec_core.photos.images import scan_images
from kec_core.stages import resources
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.revisions.overview import cluster_names, load_overview
from state.transfer.tar_shards import unpack_tar
from state.transfer.uploads import UPLOADED, add_uploads, unpacked, with_left_out
from tests.fakes import COLOURS, HashEncoder, colour_photos
from tests.test_core_layouts import clip_retrieval


def photo(number=0):
    content = io.BytesIO()
    Image.new("RGB", (40, 40), (number * 50, 9, 9)).save(content, "JPEG")
    return content.getvalue()


def shard(entries, links=()):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as out:
        for name, data in entries.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
        for name, target in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            out.addfile(member)
    content.seek(0)
    return content


def img2dataset(folder, shards=2):
    folder.mkdir()
    for number in range(shards):
        keys = [f"{number:05}{row:04}" for row in range(2)]
        entries = {f"{key}.jpg": photo(int(key[-1]) + number) for key in keys}
        entries |= {f"{key}.{kind}": b"{}" for key in keys for kind in ("json", "txt")}
        (folder / f"{number:05}.tar").write_bytes(shard(entries).getvalue())
        (folder / f"{number:05}_stats.json").write_text("{}")
    return folder


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "p", "p")


def test_a_folder_of_shards_becomes_the_photos_of_the_project(project, tmp_path):
    root = unpacked(project, img2dataset(tmp_path / "set"))
    report = with_left_out(scan_images(root), project, root)
    assert [image.id for image in report.images] == [
        "00000/000000000.jpg",
        "00000/000000001.jpg",
        "00001/000010000.jpg",
        "00001/000010001.jpg",
    ]
    assert report.others == {".json": 6, ".txt": 4}  # those of the shards, and two beside them
    assert unpacked(project, tmp_path / "set") == root
    assert len(scan_images(root).images) == 4


def test_one_archive_is_enough_and_folders_stay_where_they_are(project, tmp_path):
    folder = img2dataset(tmp_path / "set")
    assert len(scan_images(unpacked(project, folder / "00001.tar")).images) == 2
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("more/a.jpg", photo(3))
    assert len(scan_images(unpacked(project, tmp_path / "a.zip")).images) == 3
    (folder / "own.jpg").write_bytes(photo())
    assert unpacked(project, folder) == folder
    assert unpacked(project, tmp_path / "nowhere") == tmp_path / "nowhere"


def test_a_shard_that_cannot_be_used_and_what_lies_beside_shards_is_listed(project, tmp_path):
    folder = img2dataset(tmp_path / "set")
    cut = shard({"9.jpg": photo()}).getvalue()[:700]
    for name, content in {
        "00002.tar": shard({}).getvalue(),
        "00003.tar": cut,
        "00004.tar.gz": b"\x1f\x8b",
    }.items():
        (folder / name).write_bytes(content)
    root = unpacked(project, folder)
    report = with_left_out(scan_images(root), project, root)
    assert len(report.images) == 4
    assert [item.path for item in report.skipped] == ["00002.tar", "00003.tar"]
    assert report.others == {".json": 6, ".txt": 4, ".gz": 1}
    for number in range(2):
        (folder / f"{number:05}.tar").write_bytes(b"")
    with pytest.raises(InputError, match="A tar archive that is not compressed was expected"):
        unpacked(project, folder)


def test_how_names_of_a_zip_were_read_is_told_by_the_run_too(project, tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("Voegel.jpg", photo())
    (tmp_path / "old.zip").write_bytes(content.getvalue().replace(b"Voegel", b"V\x94gel1"))  # of DOS
    root = unpacked(project, tmp_path / "old.zip")
    report = with_left_out(scan_images(root), project, root)
    assert [image.id for image in report.images] == ["Vögel1.jpg"]
    assert report.warnings == ("Names in the archive were read as cp850.",)


def test_nothing_is_written_outside_and_what_is_left_out_is_listed(tmp_path):
    entries = {
        "../out.jpg": photo(),
        "/abs.jpg": photo(),
        "a/ok.jpg": photo(),
        "a/.hidden.jpg": photo(),
        "b.txt": b"x",
    }
    came = unpack_tar("x/00000.tar", shard(entries, [("link.jpg", "a/ok.jpg")]), tmp_path / "in")
    assert came.saved == ("00000/a/ok.jpg",)
    assert {item.path: item.reason for item in came.skipped} == {
        "../out.jpg": "its path leads out of the folder",
        "/abs.jpg": "its path leads out of the folder",
        "link.jpg": "it is a link, not a photo",
    }
    assert came.others == {"hidden or system files": 1, ".txt": 1}
    assert not (tmp_path / "out.jpg").exists()
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["00000"]


@pytest.mark.parametrize(
    "content",
    [b"", b"no tar" * 200, shard({"a.jpg": photo()}).getvalue()[:700], shard({"a.txt": b"x"}).getvalue()],
)
def test_an_archive_that_is_none_or_has_no_photo_is_refused(tmp_path, content):
    with pytest.raises(InputError, match=r"archive"):
        unpack_tar("a.tar", io.BytesIO(content), tmp_path / "in")
    assert list((tmp_path / "in").iterdir()) == []


def test_uploads_take_shards_beside_photos(project):
    came = add_uploads(project, [("00007.tar", shard({"1.jpg": photo()})), ("b.jpg", io.BytesIO(photo(2)))])
    assert set(came.saved) == {"00007/1.jpg", "b.jpg"}
    assert (project.folder / UPLOADED / "00007/1.jpg").is_file()


def test_the_command_says_what_it_expected(tmp_path, capsys):
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    assert cli.main(["run", str(tmp_path / "a.rar"), "--project", str(tmp_path / "p")]) == 2
    assert "is neither a folder nor a zip or tar archive" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()


# --- a whole run

PER_COLOUR = 6


@pytest.fixture
def collection(tmp_path):
    """Coloured photos in two shards under keys that tell nothing, their captions beside them; the colour of each."""
    photos = [
        path.read_bytes() for path in sorted(colour_photos(tmp_path / "made", PER_COLOUR).rglob("*.png"))
    ]
    folders = [path.parent.name for path in sorted((tmp_path / "made").rglob("*.png"))]
    order = np.random.default_rng(0).permutation(len(photos)).tolist()
    shards = tmp_path / "shards"
    shards.mkdir()
    colour_of = {}
    for number, rows in enumerate(np.array_split(order, 2)):
        entries = {}
        for place, row in enumerate(rows.tolist()):
            key = f"{number:05}{place:04}"
            entries |= {f"{key}.png": photos[row], f"{key}.txt": b"a photo", f"{key}.json": b"{}"}
            colour_of[f"{number:05}/{key}.png"] = folders[row]
        (shards / f"{number:05}.tar").write_bytes(shard(entries).getvalue())
        (shards / f"{number:05}_stats.json").write_text("{}")
    return shards, colour_of


@pytest.fixture
def without_weights(monkeypatch, tiny_wordnet):
    """The commands with an encoder that needs no weights, its texts for features of a file too."""

    def load(name):
        if name.startswith("embeddings:"):
            return load_readymade(Path(name.partition(":")[2].partition("#")[0]), HashEncoder())
        return HashEncoder()

    monkeypatch.setattr(resources, "load_encoder", load)
    monkeypatch.setattr(resources, "load_wordnet", lambda: tiny_wordnet)


def run_on_shards(capsys, tmp_path, shards, *options):
    """``kec run`` on the shards with a vocabulary of colours; what it prints."""
    (tmp_path / "words.txt").write_text("\n".join(COLOURS))
    words = ["--vocabulary", str(tmp_path / "words.txt"), "--vocabulary-mode", "only"]
    command = [
        "run",
        str(shards),
        "--project",
        str(tmp_path / "p"),
        "--clusters",
        str(len(COLOURS)),
        "--json",
    ]
    assert cli.main([*command, *words, *options]) == 0
    return json.loads(capsys.readouterr().out)


def groups_of(folder):
    """The photos of each group of a project, and what they are called."""
    project = Project.open(folder)
    shown = revisions.current(project)
    names = cluster_names(load_overview(project, shown), shown.knowledge)
    found = {}
    for image, cluster in zip(
        project.images(shown.scan), load_clustering(project, shown).labels.tolist(), strict=True
    ):
        found.setdefault(names[cluster], set()).add(image.id)
    return found


def expected(colour_of):
    return {
        colour: {photo for photo, own in colour_of.items() if own == colour}
        for colour in set(colour_of.values())
    }


def test_a_run_on_shards_groups_their_photos(collection, without_weights, capsys, tmp_path):
    shards, colour_of = collection
    said = run_on_shards(capsys, tmp_path, shards)
    assert (said["images"], said["skipped"]) == (len(colour_of), [])
    assert said["others"] == {".json": len(colour_of) + 2, ".txt": len(colour_of)}  # two beside the shards
    assert groups_of(tmp_path / "p") == expected(colour_of)
    again = run_on_shards(capsys, tmp_path, shards)
    assert again["revision"] == said["revision"]


def test_a_run_on_shards_takes_the_features_of_clip_retrieval(collection, without_weights, capsys, tmp_path):
    shards, colour_of = collection
    in_shards = sorted(colour_of)
    colours = sorted(COLOURS)
    words = HashEncoder().encode_texts(colours)
    # each photo gets the vector of the next colour: groups are those of the file, whatever the photos show
    told = words[[(colours.index(colour_of[photo]) + 1) % len(colours) for photo in in_shards]]
    features = np.float32(told + np.random.default_rng(1).normal(0, 0.02, told.shape))
    keys = [Path(photo).stem for photo in in_shards]
    folder = clip_retrieval(tmp_path / "embeddings", names=keys, features=features, parts=2)
    said = run_on_shards(capsys, tmp_path, shards, "--encoder", f"embeddings:{folder}#hash")
    assert said["images"] == len(colour_of)
    assert any("rows belong to photos by name" in note for note in said["notes"])
    right = expected(colour_of)
    assert groups_of(tmp_path / "p") == {
        colours[(place + 1) % len(colours)]: right[colour] for place, colour in enumerate(colours)
    }
