"""Labels from folders and CSV files; what is wrong in a file is said at once, with lines."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kec_core.errors import InputError
from kec_core.photos.images import ImageRecord
from state.transfer.csv_cells import plain, write_csv
from state.transfer.label_files import labels_from_file, labels_from_folders

IDS = ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/deep/3.jpg", "top.jpg")


def records(ids=IDS):
    return tuple(ImageRecord(id=i, width=9, height=9, sha256=i, mode="RGB") for i in ids)


def read(tmp_path, text, ids=IDS):
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return dict(labels_from_file(path, tmp_path / "photos", records(ids)).labels)


def notes(tmp_path, text, ids=IDS):
    read(tmp_path, text, ids)
    return " ".join(labels_from_file(tmp_path / "labels.csv", tmp_path / "photos", records(ids)).notes)


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
        "file;cluster;cluster_name\ntop.jpg;7;a,b\n",
        "cluster_name\tfile\na,b\ttop.jpg\n",
        'id,file,label,more\n7,top.jpg,"a,b",x\n\n',
    ],
)
def test_separators_columns_and_line_ends_may_vary(tmp_path, text):
    assert read(tmp_path, text) == {"top.jpg": "a,b"}


def test_labels_that_look_equal_are_one_class(tmp_path):
    forms = ("caf\u00e9", "cafe\u0301", "\u200bcaf\u00e9", " caf\u00e9\u00a0", "\ufeffcaf\u00e9")
    rows = "".join(f"{image_id},{form}\n" for image_id, form in zip(IDS, forms, strict=True))
    assert read(tmp_path, f"file,label\n{rows}") == dict.fromkeys(IDS, "caf\u00e9")
    both = ("caf\u00e9/1.jpg", "cafe\u0301/2.jpg")
    assert set(labels_from_folders(records(both)).values()) == {"caf\u00e9"}
    family = "\U0001f468\u200d\U0001f469"
    assert read(tmp_path, f"file,label\ntop.jpg,{family}\n") == {"top.jpg": family}


def test_a_file_without_any_label_says_so(tmp_path):
    assert "Of 2 photos that labels.csv names none has a label" in notes(
        tmp_path, "file,label\ntop.jpg,\ncat/1.jpg,\n"
    )


def test_a_photo_whose_name_begins_with_a_blank_is_found_by_a_table_that_strips_cells(tmp_path):
    ids = (" lead.jpg", "cat/end .jpg", "top.jpg")
    assert read(tmp_path, 'file,label\nlead.jpg,a\n"cat/end .jpg",b\n', ids) == {
        " lead.jpg": "a",
        "cat/end .jpg": "b",
    }
    assert read(tmp_path, "file,label\nlead.jpg,a\n", (" lead.jpg", "lead.jpg")) == {"lead.jpg": "a"}


def test_a_path_wins_over_a_name(tmp_path):
    assert read(tmp_path, "file,label\n1.jpg,x\n", ("1.jpg", "cat/1.jpg")) == {"1.jpg": "x"}


def test_rows_that_are_not_used_are_counted_with_an_example(tmp_path):
    text = (
        "file,label\n" + "".join(f"no{n}.jpg,x\n" for n in range(5)) + "1.jpg,x\ntop.jpg,a\ntop.jpg,a\n,x\n"
    )
    said = notes(tmp_path, text)
    assert "Of 9 rows of labels.csv 6 name no photo in use, not used: 'no0.jpg' in line 2" in said
    assert "and 3 more" in said
    assert "Of 9 rows of labels.csv 1 fit several photos (write the path), not used: '1.jpg'" in said


def test_two_labels_for_one_photo_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"gives 'top.jpg' two: 'a' in line 2, 'b' in line 3"):
        read(tmp_path, "file,label\ntop.jpg,a\ntop.jpg,b\n")


def test_a_file_of_which_no_row_fits_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"of 1 rows 1 name no photo in use: 'no.jpg' in line 2; correct"):
        read(tmp_path, "file,label\nno.jpg,x\n")


@pytest.mark.parametrize(
    "file",
    [
        "/home/somebody/pics/cat/2.jpg",
        "C:\\Users\\me\\photos\\cat\\2.jpg",
        "file:///C:/photos/cat/2.jpg",
        "photos/cat/2.jpg",
        "../photos/cat/2.jpg",
        " cat/2.jpg ",
        "CAT/2.JPG",
        "/cat/2.jpg",
        "cat/2.JPEG",
        "\u200bcat/2.jpg\ufeff",
        "cat/2",
        "2",
        "cat//2.jpg",
        "https://somewhere.org/files/photos/cat/2.jpg?size=3#top",
        "s3://bucket/photos/cat/2.jpg",
    ],
)
def test_names_that_a_person_would_call_equal_are_found(tmp_path, file):
    assert read(tmp_path, f"file,label\n{file},x\n") == {"cat/2.jpg": "x"}


def test_addresses_are_decoded_and_names_that_only_look_so_are_kept(tmp_path):
    photos = ("cat/a b.jpg", "100%25.jpg")
    assert read(tmp_path, "file,label\nfile:///x/cat/a%20b.jpg,y\n100%25.jpg,z\n", photos) == {
        "cat/a b.jpg": "y",
        "100%25.jpg": "z",
    }


def test_composed_and_decomposed_letters_are_the_same(tmp_path):
    assert read(tmp_path, "file,label\ncafe\u0301.jpg,x\n", ("caf\u00e9.jpg",)) == {"caf\u00e9.jpg": "x"}
    assert read(tmp_path, "file,label\ncaf\u00e9.jpg,x\n", ("cafe\u0301.jpg",)) == {"cafe\u0301.jpg": "x"}


def test_another_folder_is_not_dropped_for_a_photo_of_the_same_name(tmp_path):
    assert "name no photo" in notes(tmp_path, "file,label\nbird/top.jpg,x\ncat/1.jpg,y\n")


def test_names_that_differ_by_case_alone_are_told_apart_or_ambiguous(tmp_path):
    assert read(tmp_path, "file,label\nA.jpg,x\n", ("a.jpg", "A.jpg")) == {"A.jpg": "x"}
    assert "fit several" in notes(tmp_path, "file,label\na.JPG,x\nb.jpg,y\n", ("a.jpg", "A.jpg", "b.jpg"))


def test_suffixes_of_jpeg_are_one_only_where_that_is_clear(tmp_path):
    both = ("a.jpeg", "a.jpg")
    assert read(tmp_path, "file,label\na.jpg,x\na.jpeg,y\n", both) == {"a.jpg": "x", "a.jpeg": "y"}
    assert "fit several" in notes(tmp_path, "file,label\na.jfif,x\nb.jpg,y\n", (*both, "b.jpg"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings_are_recognised(tmp_path, encoding):
    assert read(tmp_path, "file,label\ntop.jpg,caf\u00e9\n".encode(encoding)) == {"top.jpg": "caf\u00e9"}


def test_windows_text_is_read_with_a_note(tmp_path):
    text = b"file,label\ntop.jpg,caf\xe9\n"
    assert read(tmp_path, text) == {"top.jpg": "caf\u00e9"}
    assert "read as Windows-1252" in notes(tmp_path, text)


def test_excels_line_with_the_separator_is_no_header(tmp_path):
    assert read(tmp_path, "sep=;\r\nfile;label\r\ntop.jpg;a,b\r\n") == {"top.jpg": "a,b"}
    assert read(tmp_path, "file|label\ntop.jpg|a,b\n") == {"top.jpg": "a,b"}


def test_the_end_mark_of_dos_is_no_part_of_the_last_label(tmp_path):
    assert read(tmp_path, "file,label\ntop.jpg,a\x1a") == {"top.jpg": "a"}


def test_words_for_nothing_are_no_label_and_counted(tmp_path):
    text = "file,label\ntop.jpg,nan\ncat/1.jpg,NaN\ncat/2.jpg,n/a\ndog/1.jpg,Nancy\n"
    assert read(tmp_path, text) == {"dog/1.jpg": "Nancy"}
    said = notes(tmp_path, text)
    assert "1 photo has the label 'nan': taken as no label" in said
    assert "'n/a'" in said


def test_a_label_or_name_over_255_bytes_is_no_accident(tmp_path):
    assert read(tmp_path, f"file,label\ntop.jpg,{'y' * 300}\n") == {"top.jpg": "y" * 300}
    assert "name no photo" in notes(tmp_path, f"file,label\n{'x' * 300}.jpg,a\ntop.jpg,b\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,label\ntop.jpg,x\n", "needs the columns file and label .* has 'name', 'label'; add them"),
        ("", "needs the columns file and label .* has nothing; add them"),
        ("file,label\n", "needs rows below its first line"),
        ("file,label\ntop.jpg\n", "Line 2 of .* is cut short with 1; complete it"),
        (b"file,label\ntop.jpg,a\0b\n", r"should be text in UTF-8.*CSV UTF-8"),
        (
            "file,label\ntop.jpg," + "x" * 200_000,
            "row that begins in line 2 .*a cell is too long; correct it",
        ),
        ('file,label\ntop.jpg,"a\n1.jpg,b\n', "row that begins in line 2 .*never closed"),
        ('file,label\ntop.jpg,"a\ncat/1.jpg,"b\n', "row that begins in line 2 .*never closed"),
        ('file,label\ntop.jpg,"a\ncat/1.jpg,b"\n', "a quote is opened there and not closed"),
        ("file,label,label\ntop.jpg,a,b\n", "should have one column 'label', but .* has 2; rename or remove"),
        ("file,label, File\ntop.jpg,a,b\n", "should have one column 'file', but .* has 2; rename or remove"),
        ("file,label\ntop.jpg,dog, big\n", r"Line 2 .* should have 2 cells, but has 3: 'top.jpg, dog,  big'"),
    ],
)
def test_an_unusable_file_is_one_clear_error(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(
        InputError, match=r"gone.csv cannot be read \(No such file or directory\); check the path"
    ):
        labels_from_file(tmp_path / "gone.csv", tmp_path, records())


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
    found = labels_from_file(tmp_path / "labels.csv", tmp_path, records(ids)).labels
    assert found == dict.fromkeys(ids, "=SUM(1)")
