"""Datasets of Hugging Face saved on disk come in as photos, and their labels find them again."""

from __future__ import annotations

import io

import pytest
from PIL import Image

import cli
from kec_core.errors import InputError
from kec_core.photos.images import scan_images
from state.project.project import Project
from state.transfer.label_files import labels_from_file
from state.transfer.uploads import UPLOADED, unpacked, with_left_out

datasets = pytest.importorskip("datasets", reason="requirements-dev.txt brings datasets")

KINDS = ("finch", "wren")


def picture(shade):
    content = io.BytesIO()
    Image.new("RGB", (20, 20), (shade * 20, 9, 9)).save(content, "PNG")
    return content.getvalue()


def dataset(paths, contents=None, **more):
    """A dataset of pictures under these paths, every second one a wren."""
    contents = [picture(number) for number in range(len(paths))] if contents is None else contents
    columns = {
        "image": [data and {"bytes": data, "path": path} for data, path in zip(contents, paths, strict=True)],
        "label": [number % 2 for number in range(len(paths))],
        **more,
    }
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(KINDS))}
    features |= {name: datasets.Value("string") for name in more}
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "p", "p")


def came_in(project, saved):
    root = unpacked(project, saved)
    assert root == project.folder / UPLOADED
    report = with_left_out(scan_images(root), project, root)
    return report, dict(labels_from_file(saved, root, report.images).labels)


def test_pictures_lie_under_their_names_and_have_their_labels(project, tmp_path):
    dataset(["a.png", "b.png", "c.png"]).save_to_disk(tmp_path / "set")
    report, labels = came_in(project, tmp_path / "set")
    assert [image.id for image in report.images] == ["a.png", "b.png", "c.png"]
    assert labels == {"a.png": "finch", "b.png": "wren", "c.png": "finch"}
    with Image.open(project.folder / UPLOADED / "b.png") as shown:
        assert shown.getpixel((0, 0)) == (20, 9, 9)
    came_in(project, tmp_path / "set")
    assert len(scan_images(project.folder / UPLOADED).images) == 3


def test_names_that_come_twice_or_not_at_all_are_numbers_of_rows(project, tmp_path):
    paths = ["/made/here/1.png", "/made/there/1.png", None, "C:\\made\\2.png"]
    dataset(paths).save_to_disk(tmp_path / "set")
    report, labels = came_in(project, tmp_path / "set")
    expected = ["2.png", "set/000000000.png", "set/000000001.png", "set/000000002"]
    assert [image.id for image in report.images] == expected
    assert labels == dict(zip(expected, ["wren", "finch", "wren", "finch"], strict=True))


def test_a_column_of_names_and_splits_are_taken(project, tmp_path):
    splits = {
        "train": dataset([None, None], file=["birds/1.png", "birds/2.png"]),
        "test": dataset([None], file=["more/3.png"]),
    }
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "set")
    report, labels = came_in(project, tmp_path / "set")
    assert [image.id for image in report.images] == ["birds/1.png", "birds/2.png", "more/3.png"]
    assert labels == {"birds/1.png": "finch", "birds/2.png": "wren", "more/3.png": "finch"}


def test_pictures_of_one_name_in_several_splits_are_told_apart_unless_they_are_the_same(project, tmp_path):
    train = dataset(["1.png", "same.png"])
    test = dataset(["1.png", "same.png"], [picture(7), picture(1)])
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(tmp_path / "set")
    _, labels = came_in(project, tmp_path / "set")
    assert labels == {"train/000000000.png": "finch", "test/000000000.png": "finch", "same.png": "wren"}


def test_a_column_of_pictures_of_any_name_names_the_photos(project, tmp_path):
    dataset(["a.png", "b.png"]).rename_column("image", "img").save_to_disk(tmp_path / "set")
    assert came_in(project, tmp_path / "set")[1] == {"a.png": "finch", "b.png": "wren"}


def test_what_cannot_be_used_is_listed_and_nothing_is_written_outside(project, tmp_path):
    paths, names = ["a.png", None, "c"], ["../out.png", "gone.png", "text"]
    contents = [picture(0), None, b"no picture at all"]
    dataset(paths, contents, file=names).save_to_disk(tmp_path / "set")
    with pytest.raises(InputError, match=r"Of 3 photos .*'../out.png'"):
        unpacked(project, tmp_path / "set")
    assert not list(tmp_path.rglob("out.png"))
    dataset([*paths, None], [*contents, picture(3)], file=[*names, "good.png"]).save_to_disk(
        tmp_path / "set2"
    )
    report, _ = came_in(project, tmp_path / "set2")
    assert [image.id for image in report.images] == ["good.png"]
    assert {item.path: item.reason for item in report.skipped} == {
        "../out.png": "its path leads out of the folder",
        "gone.png": "the dataset holds no picture of it, at most a path; choose the folder of the pictures",
        "text": "its content is no photo",
    }


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "state.json").write_text("{}"), "should be a dataset saved on disk"),
        (lambda folder: (folder / "dataset_info.json").unlink(), "should be a dataset saved on disk"),
        (
            lambda folder: next(folder.glob("*.arrow")).write_bytes(b"ARROW"),
            "should be a dataset saved on disk",
        ),
    ],
)
def test_a_damaged_dataset_is_one_sentence(project, tmp_path, capsys, spoil, said):
    dataset(["a.png"]).save_to_disk(tmp_path / "set")
    spoil(tmp_path / "set")
    with pytest.raises(InputError, match=said):
        unpacked(project, tmp_path / "set")
    assert cli.main(["run", str(tmp_path / "set"), "--project", str(tmp_path / "q")]) == 2
    assert said in capsys.readouterr().err


def test_a_dataset_without_pictures_is_one_sentence(project, tmp_path):
    datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(tmp_path / "set")
    with pytest.raises(InputError, match=r"column of pictures .* has text"):
        unpacked(project, tmp_path / "set")
