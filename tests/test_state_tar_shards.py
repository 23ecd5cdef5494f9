"""Shards of a webdataset come in as photos: safely, all or none, the rest listed or counted."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest
from PIL import Image

import cli
from kec_core.errors import InputError
from kec_core.photos.images import scan_images
from state.project.project import Project
from state.transfer.tar_shards import unpack_tar
from state.transfer.uploads import UPLOADED, add_uploads, unpacked, with_left_out


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
    assert report.others == {".json": 4, ".txt": 4}
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
