"""The kept table of methods, what a project can give them, and how long they may take."""

import re

import pytest

from kec_core.errors import InputError
from kec_core.methods import METHODS
from kec_core.methods.base import Spread
from state.methods.needs import (
    SECONDS,
    USUAL,
    captions_file,
    expected_seconds,
    has_needs,
    keep_captions,
    keep_photo_captions,
    photo_captions_file,
)
from state.methods.results import MethodRow, compared_revisions, keep_row, kept_rows
from state.revisions import revisions


def row(name="kmeans", acc=0.5, seconds=2.0, seeds=3):
    return MethodRow(
        name=name,
        caption=METHODS[name].caption,
        provenance="paper",
        scores=None if acc is None else {"acc": Spread(mean=acc, sd=0.1)},
        seconds=seconds,
        note="a note",
        keys=tuple(str(seed) for seed in range(seeds)),
    )


def test_rows_come_back_as_they_were_and_a_new_one_replaces_its_method(colours):
    assert kept_rows(colours, "r1") == ()
    keep_row(colours, "r1", "fast", row())
    keep_row(colours, "r1", "full", row("kec", acc=None))
    keep_row(colours, "r1", "full", row(acc=0.75, seeds=5))
    first, second = kept_rows(colours, "r1")
    assert (first.row, first.preset, first.n_seeds) == (row(acc=0.75, seeds=5), "full", 5)
    assert (second.row, second.revision) == (row("kec", acc=None), "r1")
    assert first.labels_version == colours.labels_version


def test_tables_belong_to_revisions(colours):
    for revision in ("r2", "r10", "r1"):
        keep_row(colours, revision, "fast", row())
    assert compared_revisions(colours) == ("r10", "r2", "r1")
    assert kept_rows(colours, "r3") == ()


def test_needs_follow_labels_and_files(colours):
    revision = revisions.current(colours)
    assert has_needs(colours, revision) == {"nouns", "knowledge", "class names", "labels"}
    colours.set_labels({colours.images()[0].id: "only one has a label"})
    assert has_needs(colours, revision) == {"nouns", "knowledge", "class names"}
    colours.set_labels({})
    assert has_needs(colours, revision) == {"nouns", "knowledge"}
    assert keep_captions(colours, b"a red thing\na blue thing\n\na red thing\n") == 2
    file = colours.images()[0].id
    assert keep_photo_captions(colours, f'file,caption\n"{file}",red\n'.encode()) == 1
    assert has_needs(colours, revision) == {"nouns", "knowledge", "captions", "photo captions"}


def test_unusable_caption_files_are_refused_and_not_kept(colours):
    with pytest.raises(InputError, match="holds no caption"):
        keep_captions(colours, b"\n\n")
    with pytest.raises(InputError, match="file"):
        keep_photo_captions(colours, b"photo;words\n")
    with pytest.raises(InputError, match=re.escape("No photo has a caption in this file")):
        keep_photo_captions(colours, f'file,caption\n"{colours.images()[0].id}",\n'.encode())
    assert captions_file(colours) is photo_captions_file(colours) is None
    assert not list(colours.folder.glob(".*captions*"))


def test_time_is_guessed_by_size_and_then_known(colours):
    assert expected_seconds("kmeans", 1000, "fast") == pytest.approx(USUAL[0])
    assert expected_seconds("kmeans", 500, "fast") == pytest.approx(USUAL[0] / 2)
    assert expected_seconds("kmeans", 100_000, "fast") == pytest.approx(2 * USUAL[2])
    least, middle, _ = SECONDS["cae"]
    assert expected_seconds("cae-softmax", 3162, "fast") == pytest.approx((least * middle) ** 0.5, rel=1e-3)
    assert expected_seconds("tac-notrain", 1000, "full") == pytest.approx(SECONDS["tac-notrain"][0])
    assert expected_seconds("turtle-kec", 1000, "full") == 6 * expected_seconds("turtle-kec", 1000, "fast")
    assert expected_seconds("kec-spectral", 50_000, "fast") == pytest.approx(SECONDS["kec-spectral"][2])
    assert expected_seconds("kec-con-des", 50_000, "fast") == pytest.approx(USUAL[2])
    assert set(SECONDS) <= set(METHODS)
    keep_row(colours, "r1", "fast", row("turtle", seconds=7.5))
    kept = kept_rows(colours, "r1")
    assert expected_seconds("turtle", 50, "fast", kept) == 7.5
    assert expected_seconds("turtle", 1000, "full", kept) == pytest.approx(6 * SECONDS["turtle"][0])
