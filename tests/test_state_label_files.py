"""Labels from folders and CSV files; what is wrong in a file is said at once, with lines."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kec_core.errors import InputError
from kec_core.images import ImageRecord
from state.csv_cells import plain, write_csv
from state.ingest import labels_from_csv, labels_from_folders

IDS = ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/deep/3.jpg", "top.jpg")


def records(ids=IDS):
    return tuple(ImageRecord(id=i, width=9, height=9, sha256=i, mode="RGB") for i in ids)


def read(tmp_path, text, ids=IDS):
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return labels_from_csv(path, tmp_path / "photos", records(ids))


def test_folders_are_labels_and_photos_at_the_top_have_none():
    assert labels_from_folders(records()) == {
        "cat/1.jpg": "cat",
        "cat/2.jpg": "cat",
        "dog/1.jpg": "dog",
        "dog/deep/3.jpg": "dog/deep",
    }


def test_files_are_named_by_path_or_by_a_name_that_occurs_once(tmp_path):
    found = read(
        tmp_path, "file,label\ncat/1.jpg,Cat\n2.jpg,Cat\ndog\\1.jpg,Dog\n./dog/deep/3.jpg, Pup \ntop.jpg,\n"
    )
    assert found == {"cat/1.jpg": "Cat", "cat/2.jpg": "Cat", "dog/1.jpg": "Dog", "dog/deep/3.jpg": "Pup"}


def test_absolute_paths_below_the_photo_folder_are_understood(tmp_path):
    assert read(tmp_path, f"file,label\n{tmp_path}/photos/cat/1.jpg,x\n") == {"cat/1.jpg": "x"}


@pytest.mark.parametrize(
    "text",
    [
        "file;label\ntop.jpg;a,b\n",
        "file\tlabel\ntop.jpg\ta,b\n",
        'Label ,"File"\n"a,b",top.jpg\n',
        '\ufefffile,label\r\ntop.jpg,"a,b"\r\n',
        'id,file,label,more\n7,top.jpg,"a,b",x\n\n',
    ],
)
def test_separators_columns_and_line_ends_may_vary(tmp_path, text):
    assert read(tmp_path, text) == {"top.jpg": "a,b"}


def test_a_path_wins_over_a_name(tmp_path):
    assert read(tmp_path, "file,label\n1.jpg,x\n", ("1.jpg", "cat/1.jpg")) == {"1.jpg": "x"}


def test_all_that_is_wrong_is_said_in_one_error(tmp_path):
    text = "file,label\n" + "".join(f"no{n}.jpg,x\n" for n in range(5))
    text += "1.jpg,x\ntop.jpg,a\ntop.jpg,a\n,x\n"
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert (
        "no such photo: 'no0.jpg' in line 2, 'no1.jpg' in line 3, 'no2.jpg' in line 4 and 3 more" in message
    )
    assert "several photos have this name (write the path): '1.jpg' in line 7" in message
    assert "named twice: 'top.jpg' in line 9" in message
    assert message.endswith("no label was taken.")


def test_rows_of_files_that_are_there_but_not_in_use_are_passed_over(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "corrupt.jpg").write_bytes(b"")
    assert read(tmp_path, "file,label\ncorrupt.jpg,x\ntop.jpg,y\n") == {"top.jpg": "y"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,label\ntop.jpg,x\n", "needs the columns file and label .* has 'name', 'label'; add them"),
        ("", "needs the columns file and label .* has nothing; add them"),
        ("file,label\n", "needs rows below its first line"),
        ("file,label\ntop.jpg\n", "Line 2 of .* is cut short; complete it"),
        (b"file,label\ntop.jpg,caf\xe9\n", r"should be text in UTF-8.*at byte 22.*CSV UTF-8"),
        ("file,label\ntop.jpg," + "x" * 200_000, "is not valid CSV after line 1 .*; correct it"),
    ],
)
def test_an_unusable_file_is_one_clear_error(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(
        InputError, match=r"gone.csv cannot be read \(No such file or directory\); check the path"
    ):
        labels_from_csv(tmp_path / "gone.csv", tmp_path, records())


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=cmd()", "'=cmd()"),
        ("@a|b", "'@a\\|b"),
        ("-1+1", "'-1+1"),
        ("-1.5", "-1.5"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\uff1d1", "'\uff1d1"),
        ("it's = fine", "it's = fine"),
        (-0.25, "-0.25"),
        (None, ""),
    ],
)
def test_cells_cannot_become_formulas(cell, written):
    file = io.StringIO(newline="")
    write_csv(file, ("a",), [(cell,), ("x",)])
    rows = list(csv.reader(io.StringIO(file.getvalue(), newline="")))
    assert [row[0] if row else "" for row in rows] == ["a", written, "x"]


TEXTS = st.text(st.sampled_from("=+-@|%\\\t\r\n'\"a1,;é"), min_size=1, max_size=6)


@given(TEXTS)
def test_a_written_cell_is_harmless_and_reads_back(text):
    file = io.StringIO(newline="")
    write_csv(file, ("a", "b"), [(text, "x")])
    cell = list(csv.reader(io.StringIO(file.getvalue(), newline="")))[1][0]
    number = all(c in "0123456789,." for c in cell.removeprefix("-"))
    assert number or not cell.startswith(("=", "+", "-", "@", "|", "%", "\t", "\r", "\n"))
    if not text.startswith("'"):
        assert plain(cell) == text


def test_an_exported_table_serves_as_labels(tmp_path):
    ids = ("=a|b.jpg", "dir/-1+1.jpg", "plain.jpg")
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        write_csv(file, ("file", "label"), [(i, "=SUM(1)") for i in ids])
    found = labels_from_csv(tmp_path / "labels.csv", tmp_path, records(ids))
    assert found == dict.fromkeys(ids, "=SUM(1)")
