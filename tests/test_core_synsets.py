"""The names of ImageNet's classes, read from files: the same as timm's own reader gives."""

import subprocess
import sys

import pytest

from kec_core.errors import ResourceMissing
from kec_core.wordnet import synsets
from kec_core.wordnet.synsets import ALL, CLASSES, ImageNetSynset, read_synsets


def test_the_classes_are_in_the_order_of_a_classifier():
    classes = read_synsets(CLASSES)
    assert len(classes) == 1000
    assert classes[0] == ImageNetSynset(
        id="n01440764",
        words="tench, Tinca tinca",
        definition="freshwater dace-like game fish of Europe and western Asia noted for ability to survive outside water",
    )


@pytest.mark.parametrize(("subset", "name"), [(CLASSES, "imagenet1k"), (ALL, "imagenet22k")])
def test_they_are_what_timm_says(subset, name):
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo(name)
    ours = read_synsets(subset)
    assert [one.id for one in ours] == list(info.label_names())
    for number in (0, 500, 999):
        assert (
            info.index_to_description(number, detailed=True)
            == f"{ours[number].words}: {ours[number].definition}"
        )


def test_without_timm_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(synsets, "find_spec", lambda name: None)
    with pytest.raises(ResourceMissing, match=r"requirements\.txt"):
        read_synsets(CLASSES)


def test_reading_does_not_import_timm():
    code = "import sys; from kec_core.wordnet.synsets import *; read_synsets(CLASSES); sys.exit('timm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
