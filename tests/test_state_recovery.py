import errno
import json
import sqlite3
from contextlib import closing

import pytest

from commands.run import new_or_open
from kec_core.config import RunConfig
from kec_core.errors import StoreError
from kec_core.types import StageReport
from state.project.locks import RunLock
from state.project.project import Project
from state.project.recovery import keep_copy
from state.revisions import revisions
from state.work.run import run_project
from tests.fakes import colour_photos
from tests.state_helpers import commit_simple, knowledge, scan
from tests.test_state_run import CONFIG, resources


@pytest.fixture
def project(tmp_path):
    project = Project.create(tmp_path / "project", "Birds")
    project.set_images(scan("a", "b"))
    commit_simple(project, None, "one")
    return project


def journal(project):
    return project.folder / "backup/journal.jsonl"


def damage(project):
    file = project.folder / "project.db"
    content = bytearray(file.read_bytes())
    content[:] = content[: len(content) // 2]
    file.write_bytes(content)
    return bytes(content)


def test_copy_and_journal_take_the_place_of_a_damaged_file(project):
    for number in range(1, 4):
        commit_simple(project, f"r{number}", f"name {number}", edits=[{"op": "x", "n": number}])
    revisions.undo(project)
    before = revisions.history(project)
    content = damage(project)
    with pytest.raises(
        StoreError, match=r"damaged .*aside as project.db.damaged1.*last good state \(revision r4\)"
    ):
        Project.open(project.folder)
    assert (project.folder / "project.db.damaged1").read_bytes() == content
    again = Project.open(project.folder)
    assert again.name == "Birds"
    assert [i.id for i in again.images()] == ["a", "b"]
    assert revisions.history(again) == before
    assert revisions.current(again).knowledge == knowledge("name 3")
    assert commit_simple(again, "r4", "five").id == "r5"


def spoil(project, statement, *values):
    """Change what is stored behind the program's back, as a flipped bit does; the file stays a sound database."""
    with closing(sqlite3.connect(project.folder / "project.db")) as db, db:
        assert db.execute(statement, values).rowcount == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE revisions SET note = 'twp' WHERE number = 2",
        "UPDATE revisions SET knowledge = x'789c' WHERE number = 1",
        "UPDATE revisions SET edits = '[{\"op\"' WHERE number = 2",
        "UPDATE revisions SET summary = '[]' WHERE number = 2",
        "UPDATE revisions SET scores = '{\"acd\": 1}' WHERE number = 2",
        "UPDATE revisions SET config = CAST(x'ff22' AS TEXT) WHERE number = 2",
        "UPDATE images SET id = 'A' WHERE id = 'a'",
        "UPDATE scans SET warnings = '[' WHERE number = 1",
        "UPDATE labels SET label = 'wrem' WHERE id = 'a'",
        "UPDATE meta SET value = '\"Birds' WHERE key = 'name'",
        "UPDATE stages SET summary = '{' WHERE stage = 'embed'",
        "UPDATE pointer SET current = 99",
    ],
)
def test_content_that_was_changed_is_noticed_and_the_good_state_restored(project, statement):
    project.set_labels({"a": "wren", "b": "owl"})
    project.record_stage(
        StageReport(stage="embed", fingerprint="f", seconds=1, reused=False), "fresh", RunConfig()
    )
    commit_simple(project, "r1", "two", edits=[{"op": "x"}])
    keep_copy(project.database)
    commit_simple(project, "r2", "three")
    spoil(project, statement)
    with pytest.raises(
        StoreError, match=r"damaged.*aside as project.db.damaged1.*last good state \(revision r3\)"
    ):
        Project.open(project.folder)
    again = Project.open(project.folder)
    assert [r.note for r in revisions.history(again)] == ["one", "two", "three"]
    assert again.labels() == ["wren", "owl"]
    assert (again.name, revisions.current(again).id) == ("Birds", "r3")


def test_who_reads_no_photos_does_not_check_their_rows_but_all_others(project):
    spoil(project, "UPDATE images SET id = 'A' WHERE id = 'a'")
    assert Project.open(project.folder, photos=False).name == "Birds"
    with pytest.raises(StoreError, match="its scans 1 changed"):
        Project.open(project.folder)  # what was not checked does not count as found whole
    again = Project.open(project.folder)
    spoil(again, "UPDATE revisions SET note = 'onf' WHERE number = 1")
    with pytest.raises(StoreError, match="its revisions 1 changed"):
        Project.open(project.folder, photos=False)


def test_a_changed_line_of_the_journal_is_not_believed(project):
    commit_simple(project, "r1", "two")
    commit_simple(project, "r2", "three")
    content = journal(project).read_bytes()
    journal(project).write_bytes(content.replace(b'"note":"three"', b'"note":"threw"'))
    damage(project)
    with pytest.raises(StoreError, match="revision r2"):
        Project.open(project.folder)


def test_a_second_damage_is_kept_aside_beside_the_first(project):
    for number in (1, 2):
        damage(project)
        with pytest.raises(StoreError, match=f"damaged{number}"):
            Project.open(project.folder)
    assert revisions.current(Project.open(project.folder)).id == "r1"


def test_a_new_scan_gets_into_the_copy(project):
    project.set_images(scan("a", "b", "c"))
    commit_simple(project, "r1", "two")
    damage(project)
    with pytest.raises(StoreError, match="revision r2"):
        Project.open(project.folder)
    assert [i.id for i in Project.open(project.folder).images()] == ["a", "b", "c"]


def test_a_line_cut_by_a_kill_costs_nothing_that_was_noted_later(project):
    commit_simple(project, "r1", "two")
    with journal(project).open("ab") as file:
        file.write(b'{"number": 3, "par')
    commit_simple(project, "r2", "three")
    commit_simple(project, "r3", "four")
    damage(project)
    with pytest.raises(StoreError, match="revision r4"):
        Project.open(project.folder)
    assert [r.id for r in revisions.history(Project.open(project.folder))] == ["r1", "r2", "r3", "r4"]


def test_a_revision_whose_note_was_lost_is_noted_with_the_next(project):
    commit_simple(project, "r1", "two")
    lines = journal(project).read_bytes().splitlines(keepends=True)
    journal(project).write_bytes(b"".join(lines[:-1]))
    commit_simple(project, "r2", "three")
    numbers = [json.loads(line)["number"] for line in journal(project).read_bytes().splitlines() if line]
    assert numbers == [1, 2, 3]


def test_a_lost_journal_is_replaced_by_a_fresh_copy(project):
    journal(project).unlink()
    commit_simple(project, "r1", "two")
    damage(project)
    with pytest.raises(StoreError, match="revision r2"):
        Project.open(project.folder)


def test_trouble_with_the_journal_does_not_hurt_the_commit(project, caplog):
    journal(project).unlink()
    (project.folder / "backup/project.db").unlink()
    (project.folder / "backup").rmdir()
    (project.folder / "backup").write_text("in the way")
    assert commit_simple(project, "r1", "two").id == "r2"
    assert "could not be noted" in caplog.text
    assert revisions.current(Project.open(project.folder)).id == "r2"


def test_where_the_backup_is_damaged_too_the_project_is_made_anew_once_it_is_moved_away(tmp_path):
    photos, folder = colour_photos(tmp_path / "photos", 5), tmp_path / "project"

    def run():
        with new_or_open(folder, photos) as project:
            return run_project(project, photos, CONFIG, resources=resources)

    first, backup = run(), folder / "backup"
    for file in (folder / "project.db", backup / "project.db"):
        file.write_bytes(b"rubbish" * 1000)
    noted = (backup / "journal.jsonl").read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError) as refused:
            run()
        told = str(refused.value)
        assert f"(The project file {backup / 'project.db'} is damaged (file is not a database))" in told
        assert (
            f": move {backup} away, then 'kec run PHOTOS --project {folder}' makes the project anew" in told
        )
    assert (backup / "journal.jsonl").read_bytes() == noted
    assert not [path.name for path in folder.iterdir() if ".new" in path.name]
    backup.rename(tmp_path / "moved away")
    anew = run()
    assert (anew.revision.id, anew.revision.knowledge) == ("r1", first.revision.knowledge)
    assert "embed" in [report.stage for report in anew.stages if report.reused]
    assert (folder / "project.db.damaged1").read_bytes() == b"rubbish" * 1000
    assert (backup / "project.db").is_file()


def test_a_project_without_a_backup_is_made_anew_in_its_folder(tmp_path):
    project = Project.create(tmp_path / "project", "Birds")
    content = damage(project)
    told = f"no backup yet: 'kec run PHOTOS --project {project.folder}' makes the project anew"
    with pytest.raises(StoreError, match=told):
        Project.open(project.folder)
    assert Project.create(project.folder, "Birds").images() == ()
    assert (project.folder / "project.db.damaged1").read_bytes() == content


def test_a_backup_that_cannot_be_put_back_for_now_is_no_damaged_one(project, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    content = damage(project)
    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.write_bytes", full)
        with pytest.raises(StoreError, match=r"No space .*mend that, then open"):
            Project.open(project.folder)
    with pytest.raises(StoreError, match=r"last good state \(revision r1\)"):
        Project.open(project.folder)
    assert revisions.current(Project.open(project.folder)).id == "r1"
    assert (project.folder / "project.db.damaged1").read_bytes() == content


def test_nothing_is_moved_under_a_running_job(project):
    content = damage(project)
    with (
        RunLock.acquire(project.folder, "A job"),
        pytest.raises(StoreError, match="Something is running on it"),
    ):
        Project.open(project.folder)
    assert (project.folder / "project.db").read_bytes() == content


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE stages RENAME COLUMN created TO creates",
        "ALTER TABLE jobs RENAME TO jobz",
        "ALTER TABLE labels ADD COLUMN more TEXT",
    ],
)
def test_a_table_that_is_named_or_built_otherwise_is_damage(project, change):
    with closing(sqlite3.connect(project.folder / "project.db")) as db, db:
        db.execute(change)
    with pytest.raises(StoreError, match=r"columns of its tables changed.*last good state \(revision r1\)"):
        Project.open(project.folder)
    assert [r.note for r in revisions.history(Project.open(project.folder))] == ["one"]


@pytest.mark.parametrize("harm", [lambda file: file.write_bytes(b""), lambda file: file.unlink()])
def test_an_emptied_or_lost_file_is_restored_as_a_damaged_one(project, harm):
    keep_copy(project.database)
    harm(project.folder / "project.db")
    assert Project.is_project(project.folder)
    with pytest.raises(StoreError, match=r"project.db is (empty|missing)\. .*good state \(revision r1\)"):
        Project.open(project.folder)
    assert revisions.current(Project.open(project.folder)).id == "r1"


@pytest.mark.parametrize("statement", ["DELETE FROM pointer", "DROP TABLE pointer", "DROP TABLE checksums"])
@pytest.mark.parametrize("photos", [True, False])
def test_what_is_gone_from_the_file_is_damage(project, statement, photos):
    keep_copy(project.database)
    with closing(sqlite3.connect(project.folder / "project.db")) as db, db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(statement)
    with pytest.raises(StoreError, match=r"damaged.*good state \(revision r1\)"):
        Project.open(project.folder, photos=photos)
    assert revisions.current(Project.open(project.folder)).id == "r1"


def test_an_entry_of_another_type_is_damage(project):
    project.set_meta("images_root", 5)
    with pytest.raises(StoreError, match="damaged: the folder of its photos cannot be read"):
        _ = project.images_root


NO_ROWS = ["{", "5", "[]", "{}", '{"number": "x", "scan": 1}', '{"number": 9, "scan": 1, "knowledge": "*"}']


def test_lines_of_the_journal_that_are_no_rows_are_passed_over(project):
    keep_copy(project.database)
    commit_simple(project, "r1", "two")
    injected = '{"number": 9, "scan": 1, "knowledge": "", "note) SELECT 1; --": 1}'
    with journal(project).open("a") as file:
        file.write("\n".join([*NO_ROWS, injected, ""]))
    commit_simple(project, "r2", "three")
    damage(project)
    with pytest.raises(StoreError, match=r"good state \(revision r3\)"):
        Project.open(project.folder)


def test_a_copy_without_its_journal_is_used(project):
    keep_copy(project.database)
    journal(project).unlink()
    damage(project)
    with pytest.raises(StoreError, match=r"good state \(revision r1\)"):
        Project.open(project.folder)
