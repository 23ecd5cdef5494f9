"""Photos of a folder: found, checked, listed with the reason where they cannot be used."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from kec_core.errors import Cancelled, InputError
from kec_core.parallel import map_in_threads
from kec_core.photos import files as photo_files
from kec_core.photos.images import ImageRecord, ScanReport, find_images, open_image, passed_over, scan_images
from kec_core.types import SkippedImage
from tests import photos
from tests.photos import notes, reasons


def bad_files(folder):
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.png").write_text("not a photo")
    (folder / "noise.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)))
    photos.truncated(folder / "cut.jpg")
    photos.truncated(folder / "cut.png")
    photos.truncated(folder / "cut.webp")
    photos.bomb(folder / "bomb.png")
    (folder / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (folder / "film.jpg").write_bytes(b"\0\0\0\x18ftypisom")
    (folder / "page.jpg").write_text("<!DOCTYPE html><html>404</html>")
    (folder / "camera.nef").write_bytes(b"raw data")
    (folder / "layers.psd").write_bytes(b"8BPS\0\1")
    (folder / "folder.png.d").mkdir()


def test_unreadable_photos_are_listed_with_the_reason_and_the_others_stay_aligned(tmp_path):
    bad_files(tmp_path)
    photos.plain(tmp_path / "a.jpg")
    photos.plain(tmp_path / "z.jpg")
    report = scan_images(tmp_path)
    assert [image.id for image in report.images] == ["a.jpg", "z.jpg"]
    found = reasons(report)
    assert list(found) == sorted(found)
    expected = {
        "empty.jpg": "it is empty (0 bytes)",
        "text.png": "no image in a known format",
        "noise.jpg": "damaged",
        "cut.jpg": "cut short",
        "cut.png": "cut short",
        "cut.webp": "cut short",
        "bomb.png": "more than 175 million pixels",
        "phone.heic": "damaged",
        "film.jpg": "it is a video, which is not read as a photo; save it as JPEG first",
        "page.jpg": "it is a web page, which is not read as a photo; save it as JPEG first",
        "camera.nef": "damaged",
        "layers.psd": "it is a Photoshop file, which is not read as a photo; save it as JPEG first",
    }
    assert set(found) == set(expected)
    for name, reason in expected.items():
        assert reason in found[name], name
    assert report.warnings[0] == "12 files cannot be used and are skipped."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n",
            "pointer of Git LFS.*git lfs pull",
        ),
        (b"/annex/objects/SHA256E-s9--4d7a.jpg\n", "pointer of Git LFS or git-annex.*git annex get"),
        (b"data:image/jpeg;base64,/9j/4AAQ", "it is a picture written as text"),
        (b"\x1f\x8b\x08\0", "it is a gzip archive"),
        (b"\0\0\1\0\1\0", "it is an icon of Windows"),
    ],
)
def test_what_stands_in_the_place_of_a_photo_is_called_what_it_is(tmp_path, content, words):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(InputError, match=words):
        open_image(tmp_path / "a.jpg")


def test_opening_a_bad_file_raises_its_reason(tmp_path):
    bad_files(tmp_path)
    with pytest.raises(InputError, match="it is empty"):
        open_image(tmp_path / "empty.jpg")
    with pytest.raises(InputError, match="cut short"):
        open_image(tmp_path / "cut.jpg", min_side=16)
    with pytest.raises(InputError, match="No such file"):
        open_image(tmp_path / "gone.jpg")


def test_an_image_just_above_the_limit_is_refused_and_pillow_is_left_as_it_was(tmp_path):
    before = Image.MAX_IMAGE_PIXELS
    path = photos.bomb(tmp_path / "a.png", 17_500, 10_001)
    with (
        pytest.warns(Image.DecompressionBombWarning),
        pytest.raises(InputError, match="175 million pixels; make it smaller"),
    ):
        open_image(path)
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_wrong_suffix_is_read_and_noted(tmp_path):
    photos.save(tmp_path / "a.jpg", format="PNG")
    photos.save(tmp_path / "b.jpeg", format="JPEG")
    report = scan_images(tmp_path)
    assert notes(report) == {"a.jpg": "it is PNG in spite of its name", "b.jpeg": ""}
    assert report.odd == ("a.jpg",)


def test_a_scan_says_what_each_photo_is(tmp_path):
    path = photos.save(tmp_path / "in" / "a.png", Image.new("L", (50, 33)))
    assert scan_images(tmp_path).images == (
        ImageRecord(
            id="in/a.png", width=50, height=33, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), mode="L"
        ),
    )


def test_ids_are_relative_paths_in_order_and_lead_back_to_the_file(tmp_path):
    for name in ("b.jpg", "a/z.JPG", "a b/c.png", "a.jpg", "a/b/c.webp"):
        photos.plain(tmp_path / name)
    ids = [image.id for image in scan_images(tmp_path).images]
    assert ids == ["a b/c.png", "a.jpg", "a/b/c.webp", "a/z.JPG", "b.jpg"]
    assert list(find_images(tmp_path)) == [tmp_path / i for i in ids]


def test_awkward_names_are_ids_like_any_other(tmp_path):
    for name in photos.BAD_NAMES:
        photos.plain(tmp_path / name)
    report = scan_images(tmp_path)
    assert {image.id for image in report.images} == set(photos.BAD_NAMES)
    assert not report.skipped


def test_a_name_that_is_not_text_is_skipped_and_shown(tmp_path):
    photos.plain(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").rename(tmp_path / os.fsdecode(b"caf\xe9.jpg"))
    photos.plain(tmp_path / "b.jpg")
    report = scan_images(tmp_path)
    assert report.skipped == (
        SkippedImage(path="caf\\udce9.jpg", reason="its name is not valid UTF-8; rename it"),
    )


def test_files_of_systems_and_other_kinds_are_counted_by_kind(tmp_path):
    photos.plain(tmp_path / "a.jpg")
    for name in (
        ".DS_Store",
        "Thumbs.db",
        "sub/desktop.ini",
        "._a.jpg",
        "notes.txt",
        "paper.pdf",
        "list.csv",
        "noext",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    for name in (".hidden.jpg", ".git/b.jpg", "__MACOSX/._a.jpg", "@eaDir/a.jpg"):
        photos.plain(tmp_path / name)
    report = scan_images(tmp_path)
    assert [image.id for image in report.images] == ["a.jpg"]
    assert reasons(report) == {
        ".hidden.jpg": "its name begins with a dot, so it counts as hidden; rename it to use it"
    }
    assert report.others == {
        "hidden or system files": 3,
        ".DS_Store (how macOS shows a folder)": 1,
        "Thumbs.db (small pictures that Windows keeps)": 1,
        "desktop.ini (how Windows shows a folder)": 1,
        "beginning with ._ (what macOS notes beside a file)": 1,
        ".txt": 1,
        ".pdf": 1,
        ".csv": 1,
        "without suffix": 1,
    }
    assert passed_over(report.others) == (
        "11 other files are no photos: 3 hidden or system files, 1 .DS_Store (how macOS shows a folder), 1 .csv, 1 .pdf, "
        "1 .txt, 1 Thumbs.db (small pictures that Windows keeps), 1 beginning with ._ (what macOS notes beside a file), "
        "1 desktop.ini (how Windows shows a folder), 1 without suffix."
    )


def test_what_stands_for_a_photo_in_the_cloud_is_listed(tmp_path):
    photos.plain(tmp_path / "a.jpg")
    (tmp_path / ".b.jpg.icloud").write_bytes(b"bplist00")
    report = scan_images(tmp_path)
    assert reasons(report) == {
        ".b.jpg.icloud": "it stands for a file that is still in iCloud; download that first"
    }


@pytest.mark.parametrize("mark", ["project.db", "kec-export.json"])
def test_projects_and_exports_below_the_folder_are_not_photos_of_it(tmp_path, mark):
    photos.plain(tmp_path / "a.jpg")
    photos.plain(tmp_path / "other" / "thumbs" / "b.jpg")
    (tmp_path / "other" / mark).write_bytes(b"")
    report = scan_images(tmp_path)
    assert [image.id for image in report.images] == ["a.jpg"]
    assert report.others == {"files of KEC+ Studio projects and exports": 2}
    assert [image.id for image in scan_images(tmp_path / "other").images] == ["thumbs/b.jpg"]


def test_links_in_a_loop_or_out_of_the_folder_are_listed_and_not_followed(tmp_path):
    root = tmp_path / "root"
    photos.plain(root / "in" / "a.jpg")
    photos.plain(tmp_path / "outside" / "secret.jpg")
    (root / "copy.jpg").symlink_to(root / "in" / "a.jpg")
    (root / "in" / "loop").symlink_to(root)
    (root / "self.jpg").symlink_to(root / "self.jpg")
    (root / "gone.jpg").symlink_to(root / "nowhere.jpg")
    (root / "out.jpg").symlink_to(tmp_path / "outside" / "secret.jpg")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "out.txt").symlink_to(tmp_path / "outside" / "secret.jpg")
    report = scan_images(root)
    assert [image.id for image in report.images] == ["copy.jpg", "in/a.jpg"]
    assert report.duplicates == (("copy.jpg", "in/a.jpg"),)
    nowhere = "it is a link that leads nowhere or in a circle"
    out = "it is a link that leads out of the folder; copy the photos in instead"
    assert reasons(report) == {
        "gone.jpg": nowhere,
        "in/loop": "it is a link to a folder; its photos are read under their own path",
        "out": out,
        "out.jpg": out,
        "out.txt": out,
        "self.jpg": nowhere,
    }


def test_a_folder_reached_by_a_link_is_scanned_like_any_other(tmp_path):
    photos.plain(tmp_path / "real" / "a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [image.id for image in scan_images(tmp_path / "link").images] == ["a.jpg"]


def test_pipes_are_not_waited_for(tmp_path):
    photos.plain(tmp_path / "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reasons(scan_images(tmp_path)) == {"pipe.jpg": "it is not a regular file"}


SCAN_AND_TELL = """
import json, sys
from pathlib import Path
from kec_core.photos.images import scan_images
report = scan_images(Path(sys.argv[1]))
print(json.dumps([[i.id for i in report.images], {s.path: s.reason for s in report.skipped}, dict(report.others)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the rights of root are given up as Linux does")
def test_closed_folders_and_files_cost_only_themselves(tmp_path):
    for name in (
        "open/a.jpg",
        "no_search/b.jpg",
        "no_search/c",
        "no_search/sub/d.jpg",
        "no_read/e.jpg",
        ".closed/f.jpg",
    ):
        photos.save(tmp_path / name, format="JPEG")
    photos.plain(tmp_path / "no_file.jpg").chmod(0)
    modes = {"no_search": 0o444, "no_read": 0o333, ".closed": 0}
    for name, mode in modes.items():
        (tmp_path / name).chmod(mode)
    try:
        images, skipped, others = json.loads(photos.run_as_ordinary_user(SCAN_AND_TELL, str(tmp_path)))
    finally:
        for name in modes:
            (tmp_path / name).chmod(0o755)
    denied = "it cannot be read (Permission denied)"
    assert images == ["open/a.jpg"]
    assert skipped == dict.fromkeys(
        ("no_file.jpg", "no_read", "no_search/b.jpg", "no_search/c", "no_search/sub"), denied
    )
    assert others == {}


@pytest.mark.parametrize("number", [errno.EIO, errno.ENAMETOOLONG, errno.EACCES, errno.ESTALE])
@pytest.mark.parametrize("call", ["is_symlink", "is_dir", "is_file"])
def test_a_file_that_cannot_be_looked_at_is_listed(tmp_path, monkeypatch, number, call):
    photos.plain(tmp_path / "a.jpg")
    photos.plain(tmp_path / "bad.jpg")

    class Entry:
        def __init__(self, entry):
            self._entry = entry

        def __getattr__(self, name):
            if self._entry.name == "bad.jpg" and name == call:
                raise OSError(number, os.strerror(number))
            return getattr(self._entry, name)

    real = photo_files._entries
    monkeypatch.setattr(photo_files, "_entries", lambda folder: [Entry(entry) for entry in real(folder)])
    report = scan_images(tmp_path)
    assert [image.id for image in report.images] == ["a.jpg"]
    assert reasons(report) == {"bad.jpg": f"it cannot be read ({os.strerror(number)})"}


def test_folders_too_deep_for_the_system_or_for_python_end_no_scan(tmp_path):
    photos.plain(tmp_path / "a.jpg")
    photos.plain(tmp_path / ("n" * 251 + ".jpg"))
    levels, before = 2100, Path.cwd()
    os.chdir(tmp_path)
    try:
        for _ in range(levels):
            Path("d").mkdir()
            os.chdir("d")
        photos.plain(Path("deep.jpg"))
        os.chdir(tmp_path)
        report = scan_images(tmp_path)
        assert [image.id for image in report.images] == ["a.jpg", "n" * 251 + ".jpg"]
        Path("d").rename(".d")
        assert scan_images(tmp_path).skipped == ()
        Path(".d").rename("d")
        assert [item.reason for item in report.skipped] == ["it cannot be read (File name too long)"]
    finally:
        os.chdir(before)
        subprocess.run(
            ["rm", "-rf", str(tmp_path / "d")], check=True
        )  # shutil.rmtree goes as deep as Python can


def test_thumbnails_of_a_project_in_the_photo_folder_are_not_photos_of_it(tmp_path):
    photos.plain(tmp_path / "a.jpg")
    photos.plain(tmp_path / "thumbs" / "my own.jpg")
    digest = "ab" * 32
    photos.plain(tmp_path / "thumbs" / "ab" / f"{digest}-256.jpg")
    (tmp_path / "project.db").write_bytes(b"")
    report = scan_images(tmp_path)
    assert [image.id for image in report.images] == ["a.jpg", "thumbs/my own.jpg"]
    assert report.others == {"files of KEC+ Studio projects and exports": 1, ".db": 1}


def test_duplicates_and_small_photos_are_reported_and_kept(tmp_path):
    for name in ("a.png", "b.png", "c/a.png"):
        photos.plain(tmp_path / name)
    photos.plain(tmp_path / "tiny.png", size=(31, 500))
    photos.plain(tmp_path / "enough.png", size=(32, 32))
    report = scan_images(tmp_path)
    assert len(report.images) == 5
    assert report.duplicates == (("a.png", "b.png", "c/a.png"),)
    assert report.too_small == ("tiny.png",)
    assert report.warnings == (
        "2 photos are an exact copy of another one; all are kept.",
        "1 photo is smaller than 32 pixels; results may be poor there.",
    )


def test_one_photo_is_allowed_and_none_is_one_clear_error(tmp_path):
    with pytest.raises(
        InputError, match=r"A folder with photos .* was expected, but .* has none; choose another"
    ):
        scan_images(tmp_path)
    (tmp_path / "bad.jpg").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"Of 1 photo in .* none can be used \(first: 'bad.jpg': it is empty"
    ):
        scan_images(tmp_path)
    photos.plain(tmp_path / "good.jpg")
    assert len(scan_images(tmp_path).images) == 1


def test_a_file_or_a_missing_folder_is_refused(tmp_path):
    path = photos.plain(tmp_path / "a.jpg")
    for wrong in (path, tmp_path / "gone"):
        with pytest.raises(InputError, match=r"is not a folder that can be read \(.*\); check the path"):
            scan_images(wrong)


def test_progress_counts_every_photo_and_may_stop_the_scan(tmp_path):
    for number in range(5):
        photos.plain(tmp_path / f"{number}.png")
    calls = []
    scan_images(tmp_path, progress=lambda *call: calls.append(call))
    assert calls == [(n, 5, "Checking photos") for n in range(1, 6)]

    def stop(done, total, label):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        scan_images(tmp_path, progress=stop)


def test_threads_keep_the_order_and_drop_what_has_not_begun():
    assert map_in_threads(lambda n: n * n, range(1000), label="") == [n * n for n in range(1000)]
    begun = []
    gate = threading.Event()

    def work(n):
        begun.append(n)
        if n == 0:
            gate.set()
            raise ValueError("first")
        gate.wait(5)
        return n

    with pytest.raises(ValueError, match="first"):
        map_in_threads(work, range(100_000), label="")
    assert len(begun) < 1000


def test_reports_are_values():
    image = ImageRecord(id="a", width=1, height=1, sha256="0", mode="RGB")
    assert ScanReport(images=(image,)) == ScanReport(images=(image,), skipped=(), warnings=())
