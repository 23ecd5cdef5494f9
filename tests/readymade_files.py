"""Files of ready-made features for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

from kec_core.encoders.readymade import load_readymade

FEATURES = np.arange(12, dtype=np.float32).reshape(4, 3)


IDS = ("cats/1.jpg", "cats/2.jpg", "dogs/1.jpg", "dogs/3.jpg")


def npy(folder, features=FEATURES):
    np.save(folder / "x.npy", features)
    return folder / "x.npy"


def npz(folder, **arrays):
    np.savez(folder / "x.npz", **arrays)
    return folder / "x.npz"


def parquet(folder, **columns):
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "x.parquet")
    return folder / "x.parquet"


def lists(features=FEATURES):
    return [row.tolist() for row in features]


def rows_of(encoder, *ids, earlier=(), root="/photos"):
    """Features and reasons of photos whose content is named like them."""
    return encoder.rows_of([(i, f"content of {i}") for i in ids], Path(root), earlier)


def load(path):
    return load_readymade(path, None)
