"""The folder exported to: copies of photos, what an earlier export left there, and files of others."""

from __future__ import annotations

import csv
import os

import numpy as np
import pytest

from kec_core.errors import Cancelled, InputError, StoreError
from kec_core.photos.images import scan_images
from state.transfer import export_files
from state.transfer.export import export_project
from state.transfer.export_files import MANIFEST
from tests import photos
from tests.exports import IDS, commit, files, keep_results


def test_every_photo_is_copied_into_the_folder_of_its_cluster(project, root, out):
    report = export_project(project, out, ["folders"])
    assert files(out / "clusters") == [
        "=Dogs cats/=cmd().png",
        "=Dogs cats/x.png",
        "Birds/X.png",
        "Birds/d.png",
    ]
    assert set(report.files) == {"clusters/", "clusters.csv"}
    copied = out / "clusters" / "Birds" / "X.png"
    assert not copied.is_symlink()
    assert copied.read_bytes() == (root / "c/X.png").read_bytes()


def test_photos_of_one_name_in_one_cluster_are_numbered(project, root, out):
    commit(project, keep_results(project, np.int32([0, 1, 1, 1])), parent="r1")
    export_project(project, out, ["folders"])
    assert files(out / "clusters" / "Birds") == ["X (2).png", "d.png", "x.png"]
    assert (out / "clusters/Birds/X (2).png").read_bytes() == (root / "c/X.png").read_bytes()


def test_photos_may_be_linked_instead(project, root, out):
    export_project(project, out, ["folders"], link=True)
    place = out / "clusters" / "Birds" / "d.png"
    assert place.is_symlink()
    assert place.resolve() == (root / "d.png").resolve()


def test_a_photo_that_is_gone_is_listed_and_no_earlier_copy_is_removed(project, root, out):
    export_project(project, out, ["folders"])
    commit(project, keep_results(project, np.int32([0, 0, 0, 1])), parent="r1")
    (root / "c/X.png").unlink()
    report = export_project(project, out, ["folders"])
    assert [item.reason for item in report.skipped] == [
        "the photo 'c/X.png' is not in the photo folder any more"
    ]
    assert "clusters/Birds/X.png" in files(out)
    photos.plain(root / "c/X.png")
    export_project(project, out, ["folders"])
    assert files(out / "clusters" / "Birds") == ["d.png"]


def test_when_all_photos_have_moved_the_person_is_told(project, root, out):
    root.rename(root.with_name("elsewhere"))
    with pytest.raises(InputError, match=r"Of 4 photos none is in .*photos any more.*link the project"):
        export_project(project, out, ["folders"])
    assert not out.exists()
    assert export_project(project, out, ["csv"]).files == ("assignments.csv",)


def test_a_photo_that_leads_out_of_the_photo_folder_is_not_exported(project, root, out, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (root / "d.png").unlink()
    (root / "d.png").symlink_to(tmp_path / "secret")
    report = export_project(project, out, ["folders"])
    assert [item.path for item in report.skipped] == ["clusters/Birds/d.png"]


def test_an_earlier_export_is_replaced_and_what_it_had_more_is_removed(project, out):
    export_project(project, out, ["csv", "folders"])
    commit(project, keep_results(project, np.int32([0, 0, 0, 0])), parent="r1")
    export_project(project, out, ["folders", "json"])
    assert files(out) == sorted(
        [
            MANIFEST,
            "assignments.csv",
            "assignments.json",
            "clusters.csv",
            "edits.json",
            "knowledge.json",
            "result.json",
        ]
        + [f"clusters/=Dogs cats/{name}" for name in ("=cmd().png", "X (2).png", "d.png", "x.png")]
    )
    assert not (out / "clusters" / "Birds").exists()


def test_files_of_an_earlier_export_that_stay_are_counted_and_named(project, root, out):
    assert export_project(project, out, ["csv", "folders"]).kept == ()
    again = export_project(project, out, ["json"])
    assert again.kept == ("assignments.csv", "clusters.csv", "clusters/")
    assert again.notes == ("Of an earlier export 6 files stay: assignments.csv, clusters.csv, clusters/.",)
    assert again.to_json()["kept"] == again.kept
    (root / "d.png").unlink()
    last = export_project(project, out, ["folders", "csv", "json"])
    assert last.kept == ("clusters/Birds/d.png",)
    assert last.notes == ("Of an earlier export 1 file stays: clusters/Birds/d.png.",)


def test_files_of_others_are_never_touched(project, out):
    out.mkdir()
    (out / "assignments.csv").write_text("mine")
    with pytest.raises(InputError, match="holds other files; choose another folder, nothing was changed"):
        export_project(project, out, ["csv"])
    assert files(out) == ["assignments.csv"]
    assert (out / "assignments.csv").read_text() == "mine"


def test_files_added_to_an_earlier_export_are_never_touched(project, out):
    export_project(project, out, ["folders"])
    (out / "clusters" / "Birds" / "mine.txt").write_text("mine")
    (out / "assignments.csv").write_text("mine")
    with pytest.raises(
        InputError, match=r"assignments.csv is not a file of an earlier export, so it is not replaced"
    ):
        export_project(project, out, ["csv"])
    assert (out / "assignments.csv").read_text() == "mine"
    commit(project, keep_results(project, np.int32([0, 0, 0, 0])), parent="r1")
    export_project(project, out, ["folders"])
    assert files(out / "clusters" / "Birds") == ["mine.txt"]


def test_a_link_inside_the_folder_does_not_lead_an_export_out(project, out, tmp_path):
    export_project(project, out, ["csv"])
    (tmp_path / "else").mkdir()
    (out / "clusters").symlink_to(tmp_path / "else")
    with pytest.raises(InputError, match="is not replaced"):
        export_project(project, out, ["folders"])
    assert files(tmp_path / "else") == []


@pytest.mark.parametrize(
    "content",
    [
        '{"files": {"csv": ["../victim"]}}',
        '{"files": {"csv": ["/etc/passwd"]}}',
        "[]",
        "no json",
        '{"files": 7}',
    ],
)
def test_a_list_of_files_that_is_not_ours_removes_nothing(project, out, tmp_path, content):
    out.mkdir()
    (tmp_path / "victim").write_text("mine")
    (out / MANIFEST).write_text(content)
    with pytest.raises(InputError, match="should list the files of an earlier export"):
        export_project(project, out, ["csv"])
    assert (tmp_path / "victim").read_text() == "mine"
    assert files(out) == [MANIFEST]


def test_a_file_as_folder_is_refused(project, out):
    out.write_text("mine")
    with pytest.raises(InputError, match="cannot be used"):
        export_project(project, out, ["csv"])
    assert out.read_text() == "mine"


def test_an_export_that_was_stopped_can_be_made_again(project, out):
    def stop(done, total, label):
        assert (total, label) == (6, "Exporting")
        if done == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        export_project(project, out, ["csv", "folders"], progress=stop)
    assert len(files(out)) == 4
    export_project(project, out, ["csv", "folders"])
    assert len(files(out)) == 7


def test_a_full_disk_is_said_and_the_earlier_file_stays_whole(project, out, monkeypatch):
    export_project(project, out, ["csv"])
    before = (out / "assignments.csv").read_bytes()

    def full(file, header, rows):
        file.write("half a")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("state.transfer.formats.tables.write_csv", full)
    with pytest.raises(StoreError, match=r"assignments.csv could not be written \(the disk is full\)"):
        export_project(project, out, ["csv"])
    assert (out / "assignments.csv").read_bytes() == before
    assert files(out) == ["assignments.csv", MANIFEST]


def test_the_scanner_knows_an_export_by_its_mark(project, out, root):
    export_project(project, root / "export", ["folders"])
    assert [image.id for image in scan_images(root).images] == list(IDS)
    assert export_files.MANIFEST == "kec-export.json"


def test_copies_keep_their_date_and_a_table_says_which_photo_each_is(project, root, out):
    os.utime(root / "d.png", (1_000_000_000, 1_000_000_000))
    commit(project, keep_results(project, np.int32([0, 1, 1, 1])), parent="r1")
    export_project(project, out, ["folders"])
    assert (out / "clusters/Birds/d.png").stat().st_mtime == 1_000_000_000
    with (out / "clusters.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["copy"]: row["file"] for row in rows} == {
        "clusters/=Dogs cats/=cmd().png": "'=cmd().png",
        "clusters/Birds/x.png": "b/x.png",
        "clusters/Birds/X (2).png": "c/X.png",
        "clusters/Birds/d.png": "d.png",
    }


def test_a_photo_that_is_gone_is_no_copy_in_the_table(project, root, out):
    (root / "d.png").unlink()
    export_project(project, out, ["folders"])
    assert "d.png" not in (out / "clusters.csv").read_text(encoding="utf-8-sig")


def test_that_links_are_not_read_again_is_said(project, out):
    assert "kec run reads no links" in export_project(project, out, ["folders"], link=True).notes[0]
    assert export_project(project, out, ["folders"]).notes == ()
