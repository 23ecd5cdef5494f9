"""Photos come in from archives and uploads; nothing lands outside the folder, nothing is overwritten."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import PurePosixPath
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kec_core.errors import Cancelled, InputError, StoreError
from kec_core.photos.images import scan_images
from state.transfer import ingest
from state.transfer.ingest import safe_path, save_uploads, unpack_zip
from state.transfer.uploads import joined
from tests import photos


@pytest.fixture
def photo(tmp_path_factory):
    return photos.plain(tmp_path_factory.mktemp("source") / "a.png").read_bytes()


@pytest.fixture
def other_photo(tmp_path_factory):
    return photos.plain(tmp_path_factory.mktemp("source") / "a.png", (0, 0, 255)).read_bytes()


def archive(entries, packing=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as target:
        for name, content in entries:
            target.writestr(name, content)
    buffer.seek(0)
    return buffer


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def reasons(ingested):
    return {item.path: item.reason for item in ingested.skipped}


def test_photos_are_unpacked_under_their_path_and_the_rest_is_passed_over(tmp_path, photo):
    content = [(n, photo) for n in ("cat/a.png", "dog/b.JPG", "top.webp")]
    noise = [(n, b"x") for n in ("notes.txt", "__MACOSX/._a.png", ".hidden.png", "cat/.DS_Store", "empty/")]
    calls = []
    found = unpack_zip(archive(content + noise), tmp_path / "new", progress=lambda *call: calls.append(call))
    assert found.saved == ("cat/a.png", "dog/b.JPG", "top.webp")
    assert found.skipped == ()
    assert files(tmp_path / "new") == ["cat/a.png", "dog/b.JPG", "top.webp"]
    assert (tmp_path / "new" / "cat" / "a.png").read_bytes() == photo
    assert calls == [(n, 3, "Unpacking") for n in (1, 2, 3)]


def test_entries_that_lead_out_or_are_links_are_listed_and_not_written(tmp_path, photo):
    bad = [
        "/etc/a.png",
        "../a.png",
        "x/../../a.png",
        "..\\a.png",
        "C:\\a.png",
        "c:a.png",
        "\\\\host\\share\\a.png",
    ]
    entries = [("good.png", photo), *((name, photo) for name in bad), (link("link.png"), "/etc/passwd")]
    found = unpack_zip(archive(entries), tmp_path / "root" / "in")
    assert found.saved == ("good.png",)
    assert reasons(found) == {
        **dict.fromkeys(bad, "its path leads out of the folder"),
        "C:\\a.png": "its path begins with a drive (C:), so it leads out of the folder; rename it",
        "c:a.png": "its path begins with a drive (c:), so it leads out of the folder; rename it",
        "link.png": "it is a link, not a photo",
    }
    assert files(tmp_path) == ["root/in/good.png"]


def test_archives_inside_locked_and_oddly_packed_entries_are_listed(tmp_path, photo):
    buffer = archive([("good.png", photo), ("locked.png", photo), ("inner.zip", b"PK")])
    content = bytearray(buffer.getvalue())
    position = content.rindex(b"PK\1\2", 0, content.rindex(b"locked.png"))
    content[position + 8] |= 1
    with zipfile.ZipFile(extended := io.BytesIO(bytes(content)), "a") as target:
        target.writestr("odd.png", photo, zipfile.ZIP_LZMA)
    extended.seek(0)
    found = unpack_zip(extended, tmp_path)
    assert found.saved == ("good.png",)
    assert reasons(found) == {
        "locked.png": "it is locked with a password; make the archive again without one",
        "inner.zip": "it is an archive inside the archive; unpack it first",
        "odd.png": "it is packed in an unusual way; make the archive again as an ordinary zip",
    }


def test_a_damaged_entry_is_listed_and_the_others_are_kept(tmp_path, photo):
    content = bytearray(archive([("good.png", photo), ("bad.png", photo)]).getvalue())
    content[content.index(b"bad.png") + len("bad.png") + 20] ^= 0xFF
    found = unpack_zip(io.BytesIO(bytes(content)), tmp_path)
    assert found.saved == ("good.png",)
    assert "it is damaged in the archive" in reasons(found)["bad.png"]
    assert files(tmp_path) == ["good.png"]


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 but no more")
    for wrong in (tmp_path / "a.zip", tmp_path / "gone.zip", io.BytesIO(b"")):
        with pytest.raises(
            InputError, match=r"A zip archive was expected, but this one cannot be read \(.*make it"
        ):
            unpack_zip(wrong, tmp_path / "new")


def test_an_archive_without_photos_is_refused(tmp_path, photo):
    with pytest.raises(
        InputError, match="An archive with photos was expected, but there is none in this one"
    ):
        unpack_zip(archive([("notes.txt", b"x")]), tmp_path)
    with pytest.raises(
        InputError,
        match=r"Of 1 photo in this archive none can be used \(first: '\.\./a\.png': its path leads out",
    ):
        unpack_zip(archive([("../a.png", photo)]), tmp_path)
    assert files(tmp_path) == []


def test_a_bomb_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(ingest, "_HARMLESS_BYTES", 1 << 20)
    bomb = archive([(f"{n}.bmp", bytes(1 << 20)) for n in range(3)], zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match=r"would grow \d{3,}-fold when unpacked, as zip bombs do"):
        unpack_zip(bomb, tmp_path)
    assert files(tmp_path) == []


def test_an_archive_that_lies_about_its_sizes_unpacks_no_more_than_it_says(tmp_path):
    content = bytearray(archive([("a.bmp", bytes(1 << 20))], zipfile.ZIP_DEFLATED).getvalue())
    directory = content.rindex(b"PK\1\2")
    content[directory + 24 : directory + 28] = struct.pack("<I", 1000)
    with pytest.raises(InputError, match=r"'a.bmp': it is damaged in the archive"):
        unpack_zip(io.BytesIO(bytes(content)), tmp_path)
    assert files(tmp_path) == []


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILES", 2), ("MAX_BYTES", 300)])
def test_too_many_files_or_bytes_are_refused(tmp_path, monkeypatch, photo, limit, value):
    monkeypatch.setattr(ingest, limit, value)
    with pytest.raises(InputError, match=r"this one would unpack to 3 files of .*choose the folder"):
        unpack_zip(archive([(f"{n}.png", photo) for n in range(3)]), tmp_path)
    assert files(tmp_path) == []


def test_a_full_disk_is_said_and_nothing_half_written_stays(tmp_path, monkeypatch, photo):
    entries = [(f"{n}.png", photo) for n in range(3)]
    monkeypatch.setattr(ingest.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(StoreError, match=r"Unpacking needs .* GB are free; free some space"):
        unpack_zip(archive(entries), tmp_path)
    monkeypatch.undo()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ingest.shutil, "copyfileobj", full)
    with pytest.raises(StoreError, match=r"could not be written .*the disk is full.*free some space"):
        unpack_zip(archive(entries), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_unpacking_leaves_nothing(tmp_path, photo):
    def stop(done, total, label):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        unpack_zip(archive([("a.png", photo)]), tmp_path, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_nothing_is_overwritten_and_the_same_photo_is_kept_once(tmp_path, photo, other_photo):
    first = unpack_zip(archive([("in/a.png", photo), ("in/a.png", other_photo)]), tmp_path)
    assert first.saved == ("in/a.png", "in/a (2).png")
    again = unpack_zip(archive([("in/a.png", other_photo)]), tmp_path)
    assert again.saved == ("in/a (2).png",)
    assert (tmp_path / "in" / "a.png").read_bytes() == photo
    assert files(tmp_path) == ["in/a (2).png", "in/a.png"]


def test_a_photo_named_like_a_folder_costs_only_what_lies_in_it(tmp_path, photo):
    found = unpack_zip(archive([("a.png", photo), ("a.png/b.png", photo)]), tmp_path)
    assert found.saved == ("a.png",)
    assert reasons(found) == {"a.png/b.png": "another file has the name of its folder"}


def test_a_link_in_the_photo_folder_does_not_lead_an_archive_out(tmp_path, photo):
    (tmp_path / "outside").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "outside")
    found = unpack_zip(archive([("link/a.png", photo), ("b.png", photo)]), tmp_path / "in")
    assert found.saved == ("b.png",)
    assert files(tmp_path / "outside") == []


def test_unpacked_photos_are_found_by_a_scan(tmp_path, photo, other_photo):
    names = [f"{n}/{name}" for n, name in enumerate(photos.BAD_NAMES)]
    found = unpack_zip(archive([(name, photo) for name in names]), tmp_path)
    assert sorted(found.saved) == [image.id for image in scan_images(tmp_path).images]


def test_uploads_are_saved_and_archives_among_them_unpacked(tmp_path, photo, other_photo):
    uploads = [
        ("a.png", io.BytesIO(photo)),
        ("a.png", io.BytesIO(other_photo)),
        ("more/Zip.ZIP", archive([("in/c.png", photo), ("../d.png", photo)])),
        ("../../e.png", io.BytesIO(photo)),
        ("f.txt", io.BytesIO(b"x")),
        (".g.png", io.BytesIO(photo)),
    ]
    found = joined(list(save_uploads(uploads, tmp_path / "new").values()))
    assert found.saved == ("a.png", "a (2).png", "in/c.png")
    assert files(tmp_path) == ["new/a (2).png", "new/a.png", "new/in/c.png"]
    assert reasons(found) == {
        "../d.png": "its path leads out of the folder",
        "../../e.png": "its path leads out of the folder",
        "f.txt": "it is no photo in a known format, by its name or its content",
        ".g.png": "its name begins with a dot, so it counts as hidden; rename it to use it",
    }


PART = st.one_of(
    st.sampled_from(["..", ".", "", "...", " ..", "..\0", "C:", "~", "a" * 300 + ".jpg", "\udce9"]),
    st.text(max_size=8),
)
NAMES = st.lists(st.tuples(PART, st.sampled_from("/\\")), min_size=1, max_size=5).map(
    lambda parts: "".join(part + slash for part, slash in parts)[:-1]
)


@given(NAMES)
def test_a_safe_path_stays_below_its_folder(name):
    try:
        path = safe_path(name)
    except InputError:
        return
    assert not path.is_absolute()
    assert path.parts
    assert all(p not in ("", ".", "..") and "\\" not in p and "\0" not in p for p in path.parts)
    assert all(len(p.encode("utf-8")) <= 255 for p in path.parts)
    assert safe_path(str(path)) == path


@given(NAMES)
def test_whatever_the_names_nothing_is_written_outside(tmp_path_factory, name):
    root = tmp_path_factory.mktemp("zip")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        entry = zipfile.ZipInfo("x")
        entry.filename = (name + ".png").encode("utf-8", "replace").decode("utf-8")
        target.writestr(entry, b"content")
        target.writestr("good.png", b"good")
    found = unpack_zip(buffer, root / "in" / "deep")
    assert "good.png" in found.saved
    assert all(p.startswith("in/deep/") for p in files(root))
    assert sorted(f"in/deep/{saved}" for saved in found.saved) == files(root)


def test_ordinary_names_are_kept_as_they_are():
    for name in ("a b/c.png", "é/ü.jpg", "-x.png", "a/..b.png", "CON.png", *photos.BAD_NAMES):
        assert safe_path(name) == PurePosixPath(name)
