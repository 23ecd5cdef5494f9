"""Photos of every kind a phone or an archive gives fall into the groups of their JPEG copies."""

from __future__ import annotations

import io

import numpy as np
import pillow_jxl  # noqa: F401 - lets Pillow write JPEG XL
import pytest
import tifffile
from PIL import Image, ImageCms

from kec_core.clustering import spherical_kmeans
from kec_core.encoders.base import visual_features
from kec_core.encoders.loading import encode_files
from kec_core.photos.images import scan_images
from tests.fakes import COLOURS, HashEncoder
from tests.photo_samples import profile

P3 = profile((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), name="Display P3")
KINDS = ("jpg", "heic", "heif", "avif", "jxl", "mpo", "16-bit.tif", "cmyk.jpg", "p3.jpg")


def write(image, path):
    """One photo as a file of the kind that its name says."""
    kind = path.name.split(".", 1)[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "mpo":
        image.save(path, format="MPO", save_all=True, append_images=[image], quality=90)
    elif kind == "16-bit.tif":
        tifffile.imwrite(path, np.asarray(image).astype(np.uint16) * 257, photometric="rgb")
    elif kind == "cmyk.jpg":
        image.convert("CMYK").save(path, quality=95)
    elif kind == "p3.jpg":
        wide = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), io.BytesIO(P3))
        wide.save(path, quality=95, icc_profile=P3)
    else:
        image.save(path, quality=90)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Group of every photo by its path without what tells the kind."""
    root = tmp_path_factory.mktemp("kinds")
    rng = np.random.default_rng(0)
    for colour, rgb in COLOURS.items():
        for number in range(3):
            pixels = np.clip(np.array(rgb) + rng.normal(0, 10, 3) + rng.normal(0, 8, (32, 32, 3)), 0, 255)
            for kind in KINDS:
                write(Image.fromarray(pixels.astype(np.uint8)), root / f"{colour}-{number}.{kind}")
    report = scan_images(root)
    assert report.skipped == ()
    ids = [image.id for image in report.images]
    assert len(ids) == len(KINDS) * len(COLOURS) * 3
    encoder = HashEncoder()
    features = encode_files(encoder, [root / image_id for image_id in ids]).features
    x = visual_features(features, encoder.info.defaults)
    labels = spherical_kmeans(x, len(COLOURS), n_init=10, max_iter=100, seed=0).labels
    return dict(zip(ids, labels.tolist(), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_photos_of_a_kind_are_with_their_jpeg_copies(found, kind):
    mine = {name.split(".", 1)[0]: group for name, group in found.items() if name.split(".", 1)[1] == kind}
    assert mine == {
        name[:-4]: group for name, group in found.items() if name.count(".") == 1 and name.endswith(".jpg")
    }
    assert len({(name.split("-")[0], group) for name, group in mine.items()}) == len(set(mine.values())) == 4
