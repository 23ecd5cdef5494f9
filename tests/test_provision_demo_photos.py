"""Demo photos made from stamps, Imagenette and digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kec_core.errors import ResourceMissing, StoreError
from provision import demo_photos


@pytest.fixture(autouse=True)
def own_data(monkeypatch, tmp_path):
    monkeypatch.setenv("KEC_DATA_DIR", str(tmp_path / "data"))


def noise(path: Path, seed: int = 0, size: tuple[int, int] = (40, 40), alpha: int = 255) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 4), dtype=np.uint8)
    pixels[..., 3] = alpha
    Image.fromarray(pixels).save(path)


def written(out: Path) -> list[str]:
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*"))


def test_photo_like_stamps_are_taken_and_the_rest_left(tmp_path):
    root, out = tmp_path / "stamps", tmp_path / "out"
    noise(root / "animals/birds/owl.png", 1)
    noise(root / "animals/birds/twin_of_owl.png", 1)  # the same pixels
    noise(root / "animals/birds/owl_mirror.png", 2)
    noise(root / "animals/birds/cartoon/duck.png", 3)
    noise(root / "animals/mammals/cats/lion.png", 4)
    noise(root / "animals/marsupials/koala.png", 5)
    noise(root / "vehicles/emergency/sedan_police.png", 6)
    noise(root / "seasonal/christmas/tree.png", 7)  # not a folder that is wanted
    Image.new("RGBA", (40, 40), "red").save(root / "animals/birds/drawing.png")
    (root / "animals/birds/vector.svg").write_text("<svg/>")
    assert demo_photos.from_stamps(root, out) == 3
    assert written(out) == ["bird/owl.jpg", "mammal/koala.jpg", "mammal/lion.jpg"]


def test_equal_names_in_one_class_do_not_overwrite_each_other(tmp_path):
    noise(tmp_path / "stamps/symbols/money/us/001.png", 1)
    noise(tmp_path / "stamps/symbols/money/yen/001.png", 2)
    assert demo_photos.from_stamps(tmp_path / "stamps", tmp_path / "out") == 2
    assert written(tmp_path / "out") == ["coin/001.jpg", "coin/001_2.jpg"]


def test_see_through_parts_become_white_and_large_stamps_small(tmp_path):
    path = tmp_path / "stamps/plants/flowers/rose.png"
    noise(path, 1, size=(400, 600))
    pixels = np.asarray(Image.open(path)).copy()
    pixels[:100, :, 3] = 0
    Image.fromarray(pixels).save(path)
    demo_photos.from_stamps(tmp_path / "stamps", tmp_path / "out")
    with Image.open(tmp_path / "out/flower/rose.jpg") as photo:
        assert (photo.mode, photo.size) == ("RGB", (384, 256))
        assert np.asarray(photo)[:50].min() > 240


def test_is_photo_counts_colours_of_opaque_pixels_only():
    many = np.zeros((40, 40, 4), dtype=np.uint8)
    many[..., 0] = np.arange(40)
    many[..., 1] = np.arange(40)[:, None]  # 1,600 colours on 1,600 pixels
    few = many // 8 * 8  # 25 colours
    for pixels, expected in ((many, True), (few, False)):
        pixels[..., 3] = 255
        assert demo_photos.is_photo(Image.fromarray(pixels)) is expected
    many[..., 3] = 100
    assert demo_photos.is_photo(Image.fromarray(many)) is False


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def fail(out):
        (out / "half.jpg").write_bytes(b"x")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        demo_photos.make_folder("stamps", fail)
    assert list((tmp_path / "data" / "demo-photos").iterdir()) == []


def test_a_source_without_photos_is_missing():
    with pytest.raises(ResourceMissing, match="holds no usable photo"):
        demo_photos.make_folder("stamps", lambda out: 0)


def test_a_data_folder_that_cannot_be_made_is_explained(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KEC_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(StoreError, match="set KEC_DATA_DIR to a writable folder"):
        demo_photos.data_dir()


def test_digits_fill_ten_classes(tmp_path):
    assert demo_photos.from_digits(tmp_path) == 10 * demo_photos.PER_CLASS
    with Image.open(tmp_path / "3" / "000.png") as digit:
        assert (digit.mode, digit.size) == ("RGB", (64, 64))
        assert np.asarray(digit)[0, 0].tolist() == [255, 255, 255]


def test_imagenette_is_cut_to_some_photos_per_class(monkeypatch, tmp_path):
    monkeypatch.setattr(demo_photos, "PER_CLASS", 2)
    for wnid in ("n01440764", "n03000684"):
        folder = tmp_path / "root" / "imagenette2-160" / "val" / wnid
        folder.mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (160, 160), (i, 0, 0)).save(folder / f"{wnid}_{i}.JPEG")
    (tmp_path / "out").mkdir()
    assert demo_photos.from_imagenette(tmp_path / "root", tmp_path / "out") == 4
    assert written(tmp_path / "out") == [
        "chain_saw/n03000684_0.JPEG",
        "chain_saw/n03000684_1.JPEG",
        "tench/n01440764_0.JPEG",
        "tench/n01440764_1.JPEG",
    ]
