"""Names in archives of Windows and macOS, and archives with bad entries among good ones."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib

import pytest

from kec_core.errors import InputError
from state.transfer.ingest import save_uploads, unpack_zip
from tests import fuzz_photos, photos


@pytest.fixture
def photo(tmp_path_factory):
    return photos.plain(tmp_path_factory.mktemp("source") / "a.png").read_bytes()


class RawName(zipfile.ZipInfo):
    """An entry whose name is written as the given bytes, whatever they are."""

    def __init__(self, name: bytes, number: int, *, flagged: bool) -> None:
        super().__init__(f"entry {number}")
        self.name = name
        self.flagged = flagged

    def _encodeFilenameFlags(self):  # noqa: N802 - as zipfile calls it
        return self.name, 0x800 if self.flagged else 0


def archive(entries, *, flagged=False, extra=lambda name: b""):
    """A zip whose names are the given bytes, flagged as UTF-8 or not."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for number, (name, content) in enumerate(entries):
            entry = RawName(name, number, flagged=flagged)
            entry.extra = extra(name)
            target.writestr(entry, content)
    return io.BytesIO(buffer.getvalue())


def reasons(found):
    return {item.path: item.reason for item in found.skipped}


NAMES = {
    "cp932": ["表/写真.png", "ソ.png", "能力.png", "予定表.png", "plain.png", "十/a.png"],
    "gbk": ["我的照片/北京.png", "新建文件夹/狗.png"],
    "big5": ["臺灣/貓咪.png", "照片/風景.png"],
    "cp949": ["사진/고양이.png", "꽃.png"],
    "cp866": ["фото/кошка.png", "Россия 2020.png"],
    "cp1251": ["фото/кошка.png", "ДОМ.png"],
    "cp850": ["Größe/Bär.png", "Straße.png", "São Paulo.png"],
    "cp1252": ["Größe/Bär.png", "café.png", "niño.png"],
    "cp1254": ["İstanbul/ağaç.png"],
    "cp1250": ["Žluťoučký/kůň.png"],
    "cp737": ["φωτογραφία.png"],
    "utf-8": ["café/naïve.png", "写真.png"],
}


@pytest.mark.parametrize("page", NAMES)
def test_names_in_any_code_page_are_read_as_they_were_written(tmp_path, photo, page):
    found = unpack_zip(archive([(name.encode(page), photo) for name in NAMES[page]]), tmp_path)
    assert sorted(found.saved) == sorted(NAMES[page])
    assert found.skipped == ()
    assert found.notes == (() if page == "utf-8" else (f"Names in the archive were read as {page}.",))


def test_names_that_read_in_no_code_page_are_still_unpacked(tmp_path, photo):
    found = unpack_zip(archive([(b"\xb1\xb2\xb3\xff.png", photo), (b"good.png", photo)]), tmp_path)
    assert len(found.saved) == 2
    assert "good.png" in found.saved


def test_the_unicode_form_beside_a_name_is_taken(tmp_path, photo):
    def beside(name):
        value = b"\1" + struct.pack("<I", zlib.crc32(name)) + "猫.png".encode()
        return struct.pack("<HH", 0x7075, len(value)) + value

    assert unpack_zip(archive([(b"\x8c\xc3.png", photo)], extra=beside), tmp_path).saved == ("猫.png",)


def test_one_name_that_is_falsely_flagged_costs_nothing(tmp_path, photo):
    found = unpack_zip(archive([(b"caf\xe9.png", photo), (b"good.png", photo)], flagged=True), tmp_path)
    assert sorted(found.saved) == ["café.png", "good.png"]


@pytest.mark.parametrize(
    ("name", "place"),
    [(b"\0", "_"), (b"\0.png", "_.png"), (b"a\0b.png", "a_b.png"), (b"in/\0\0/x.png", "in/__/x.png")],
)
def test_names_with_nul_are_unpacked(tmp_path, photo, name, place):
    found = unpack_zip(archive([(name, photo), (b"good.png", photo)]), tmp_path)
    assert sorted(found.saved) == sorted([place, "good.png"])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (b"d/" * 1500 + b"x.png", "its folders are nested 1,500 deep, more than 99; make them flatter"),
        (
            b"/".join([b"d" * 190] * 60) + b"/x.png",
            "it cannot be written under its name (File name too long)",
        ),
        (b"../../x.png", "its path leads out of the folder"),
        (b"in/.x.png", "its name begins with a dot, so it counts as hidden"),
    ],
)
def test_one_bad_name_among_good_ones_is_listed_and_the_others_are_used(tmp_path, photo, name, why):
    found = unpack_zip(
        archive([(name, photo), (b"good.png", photo), (b"n" * 300 + b".png", photo)]), tmp_path / "in"
    )
    assert len(found.saved) == 2
    assert all(len(saved) <= 200 and saved.endswith(".png") for saved in found.saved)
    assert [reason.startswith(why) for reason in reasons(found).values()] == [True]
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_content_decides_in_archives_and_the_rest_is_counted(tmp_path, photo):
    names = ["noext", "b.jpg_large", "c.hif", "cat/d.mpo", "e.png "]
    others = {
        "a.txt": b"x",
        "b.txt": b"",
        "c.pdf": b"%PDF",
        "d": b"text",
        ".DS_Store": b"x",
        "__MACOSX/._e.png": photo,
    }
    entries = [(name.encode(), content) for name, content in (dict.fromkeys(names, photo) | others).items()]
    found = unpack_zip(
        archive([*entries, (b".5 mile.png", photo), (b"inner.zip", b"PK"), (b"folder/", b"")]), tmp_path
    )
    assert set(found.saved) == set(names)
    assert set(reasons(found)) == {".5 mile.png", "inner.zip"}
    assert found.others == {
        ".txt": 2,
        ".pdf": 1,
        "without suffix": 1,
        "hidden or system files": 1,
        ".DS_Store (how macOS shows a folder)": 1,
    }


def test_every_refused_name_says_plainly_what_it_is(tmp_path, photo):
    told = {
        "a:b.jpg": r"begins with a drive \(a:\)",
        "C:\\photos\\x.jpg": r"begins with a drive \(C:\)",
        "../up.jpg": "leads out of the folder",
        ".DS_Store": r"it is .DS_Store \(how macOS",
        "._x.jpg": "what macOS notes beside a file",
        "Thumbs.db": "small pictures that Windows keeps",
        "desktop.ini": "how Windows shows a folder",
        ".secret.jpg": "begins with a dot",
    }
    entries = [(name.encode(), photo) for name in ("good.png", *told)]
    found = reasons(unpack_zip(archive(entries), tmp_path / "zip"))
    uploads = save_uploads([(name, io.BytesIO(photo)) for name in told], tmp_path / "upload")
    for name, words in told.items():
        said = [uploads[name].skipped[0].reason, *(why for path, why in found.items() if path == name)]
        assert all(re.search(words, one) for one in said), (name, said)
    empty = save_uploads(
        [("Thumbs.db", io.BytesIO(b"x")), ("._x.jpg", io.BytesIO(b"\0\5\x16\7"))], tmp_path / "more"
    )
    assert "Windows keeps" in empty["Thumbs.db"].skipped[0].reason
    assert "macOS notes" in empty["._x.jpg"].skipped[0].reason


def test_the_same_photo_twice_under_one_name_is_said(tmp_path, photo):
    found = unpack_zip(archive([(b"a.png", photo), (b"./a.png", photo)]), tmp_path)
    assert found.saved == ("a.png",)
    assert reasons(found) == {"a.png": "the same photo comes twice under this name; it is kept once"}


def test_an_archive_of_other_files_says_which(tmp_path):
    with pytest.raises(InputError, match=r"none in this one \(2 other files are no photos: 1 .mp4, 1 .txt\)"):
        unpack_zip(archive([(b"a.txt", b"x"), (b"b.mp4", b"\0\0\0\x18ftypisom")]), tmp_path)


def test_odd_and_damaged_archives_raise_nothing_and_lose_nothing(tmp_path):
    assert list(fuzz_photos.fuzz_zips(8, seed=0, folder=tmp_path))[-1] == 200


def test_an_entry_lost_in_silence_would_be_seen(tmp_path, monkeypatch):
    def careless(content, root):
        found = unpack_zip(content, root)
        return type(found)(saved=found.saved[1:], skipped=found.skipped, others=found.others)

    monkeypatch.setattr(fuzz_photos, "unpack_zip", careless)
    with pytest.raises(AssertionError):
        list(fuzz_photos.fuzz_zips(4, seed=0, folder=tmp_path))
