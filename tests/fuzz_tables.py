"""Random label files and tables of embeddings: nothing but our own errors, and every row used or counted.

Each function yields "used" or "refused" for every file it has tried.
"""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from kec_core.encoders.readymade import load_readymade
from kec_core.errors import KecError
from kec_core.photos.images import ImageRecord
from kec_core.photos.names import PhotoNames
from state.transfer.label_files import MISSING, labels_from_file
from tests.fuzz_edits import refused

IDS = ("cat/1.jpg", "cat/2.JPG", "dog/1.jpg", "dog/café.jpg", "top.jpg")
_FILES = (
    *IDS,
    "C:\\x\\cat\\1.jpg",
    "/a/b/dog/1.jpg",
    "1.jpg",
    "no.jpg",
    "",
    "x" * 300,
    "photos/top.jpg",
    "cafe\u0301",
)
_LABELS = ("a", "b", "nan", "N/A", "", "y" * 300, "é", '"', "a,b", "=1", "\t", "l\nm")
_PIECES = ('"', ",", ";", "\n", "\r\n", "\0", "sep=;\n", "\ufeff", "file,label\n", "\t")


def fuzz_label_csvs(rounds: int, seed: int) -> Iterator[str]:
    """Read random label files, ``rounds`` of them; AssertionError when a row is lost."""
    rng = random.Random(seed)
    records = [ImageRecord(id=i, width=9, height=9, sha256=i, mode="RGB") for i in IDS]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            path = Path(folder) / "labels.csv"
            rows = [(rng.choice(_FILES), rng.choice(_LABELS)) for _ in range(rng.randint(0, 6))]
            rows = [row for row in rows if "".join(row).strip()]  # blank lines are no rows
            is_sound = rng.random() < 0.4
            quoted = [f'"{f}","{label.replace(chr(34), chr(34) * 2)}"' for f, label in rows]
            text = "file,label\n" + "\n".join(quoted if is_sound else [f"{f},{label}" for f, label in rows])
            for _ in range(0 if is_sound else rng.randint(0, 3)):
                at = rng.randint(0, len(text))
                text = text[:at] + rng.choice(_PIECES) + text[at:]
            path.write_bytes(
                text.encode(
                    rng.choice(("utf-8", "utf-8-sig", "utf-16") if is_sound else ("utf-8", "cp1252")),
                    "replace",
                )
            )
            try:
                read = labels_from_file(path, Path(folder) / "photos", records)
            except KecError as error:
                yield refused(error, 1500)
                continue
            assert set(read.labels) <= set(IDS)
            if is_sound:
                names = PhotoNames(IDS, Path(folder) / "photos")
                used = sum(len(names.find(file)) == 1 for file, _ in rows)
                assert used + _accounted(read.notes) == len(rows)
                given = {label.strip() for _, label in rows}
                assert {label.strip("'") for label in read.labels.values()} <= {g.strip("'") for g in given}
                assert not {label.casefold() for label in read.labels.values()} & MISSING
            yield "used"


def _accounted(notes: tuple[str, ...]) -> int:
    return sum(int(found[1]) for note in notes if (found := re.match(r"Of \d+ rows? of \S+ (\d+) ", note)))


def fuzz_embedding_tables(rounds: int, seed: int) -> Iterator[str]:
    """Read random tables, whole and damaged, ``rounds`` of them; AssertionError when a photo or row is lost."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            path = Path(folder) / rng.choice(("x.npz", "x.npy", "x.parquet"))
            n_rows = rng.randint(1, 7)
            features = noise.normal(size=(n_rows, 3)) * (noise.random((n_rows, 1)) > 0.2)
            _write_table(path, features, rng.sample(_FILES, n_rows), rng)
            content = bytearray(path.read_bytes())
            for _ in range(rng.choice((0, 0, 1, 5))):
                content[rng.randrange(len(content))] = rng.randrange(256)
            path.write_bytes(content[: rng.randrange(len(content))] if rng.random() < 0.1 else content)
            try:
                found = load_readymade(path, None).rows_of([(i, i) for i in IDS], Path(folder) / "photos")
            except KecError as error:
                yield refused(error, 1500)
                continue
            assert len(found.features) + len(found.reasons) == len(IDS)
            assert np.isfinite(found.features).all()
            assert found.note
            yield "used"


def _write_table(path: Path, features: np.ndarray, names: list[str], rng: random.Random) -> None:
    """Features (n, 3) with names in one of the types that programs write, by the suffix of the path."""
    if path.suffix == ".npy":
        np.save(path, features)
    elif path.suffix == ".npz":
        ids = np.array([name.encode() for name in names]) if rng.random() < 0.3 else np.array(names)
        ids = ids.astype("O") if rng.random() < 0.2 else ids
        np.savez(path, **{rng.choice(("features", "x")): features, rng.choice(("ids", "files")): ids})
    else:
        table = pd.DataFrame(features, columns=["a", "b", "c"])
        table.insert(0, rng.choice(("id", "file")), pd.Series(names).astype(rng.choice(("str", "category"))))
        table.to_parquet(path, index=False)
