"""Photos into features, over-clusters, nouns and concept components (KEC 3.1, methods.md 6.1 steps 1, 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kec_core.arrays import FloatMatrix, IntVector, fingerprint
from kec_core.clustering.bursts import find_bursts
from kec_core.encoders.base import Encoder, EncoderInfo, collection_mean
from kec_core.encoders.loading import encode_files
from kec_core.encoders.readymade import EarlierRow, ReadymadeEncoder, RowsOfPhotos
from kec_core.errors import InputError
from kec_core.photos.images import ImageRecord
from kec_core.stages.near_copies import find_near_copies
from kec_core.stages.runner import Runner, Stored
from kec_core.store import StageResult, StageStore
from kec_core.wording import counted


def embed_photos(runner: Runner, records: Sequence[ImageRecord], root: Path, encoder: Encoder) -> Stored:
    """Raw features of every readable photo, (N, d); unreadable ones are listed, ids stay aligned.

    Photos that an earlier result of this encoder holds, by content, are taken from there.
    """
    return runner.stage(
        "embed", _inputs(records, encoder), lambda key: _made(runner, "embed", key, records, root, encoder)
    )


def keep_features(
    runner: Runner, records: Sequence[ImageRecord], features: FloatMatrix, encoder: Encoder
) -> Stored:
    """Keep features that other machines made, where ``embed_photos`` finds them.

    Args:
        runner: of the project that holds the photos.
        records: N photos, all readable.
        features: raw float32 (N, d), row i belongs to record i.
        encoder: made them.
    """
    return runner.stage(
        "embed",
        _inputs(records, encoder),
        lambda _key: _result(records, {}, features, encoder, len(records), {}),
    )


def _inputs(records: Sequence[ImageRecord], encoder: Encoder) -> list[object]:
    """What the features depend on."""
    return [encoder.info.revision, [r.pixels_key for r in records], [r.id for r in records]]


def embed_second(
    runner: Runner, records: Sequence[ImageRecord], root: Path, encoder: Encoder, ids: Sequence[str]
) -> Stored:
    """The photos of a run in a second space of looks: raw features (N, d2), row i for ``ids[i]``, and their mean (d2,).

    Args:
        runner: runs the stage and tells progress.
        records: the photos; those not in ``ids`` are left out.
        root: folder of the photos.
        encoder: of the second space; its texts are not used.
        ids: the photos that the first encoder could use.

    Raises:
        InputError: the second space lacks one of the photos.
    """
    wanted = set(ids)
    used = [record for record in records if record.id in wanted]
    info = encoder.info

    def compute(key: str) -> StageResult:
        made = _made(runner, "second", key, used, root, encoder)
        refuse_lacking(info, {item["path"]: item["reason"] for item in made.data["failed"]}, len(used))
        mean = collection_mean(made.arrays["features"], info.defaults)
        return replace(made, arrays={**made.arrays, "mean": mean}, data={**made.data, "name": info.name})

    return runner.stage("second", ["raw", *_inputs(used, encoder)], compute)


def refuse_lacking(info: EncoderInfo, reasons: Mapping[str, str], count: int) -> None:
    """Refuse a second space of looks that lacks photos.

    Args:
        info: of the second space.
        reasons: why it has no features of a photo, by id.
        count: of all photos.

    Raises:
        InputError: there are such photos.
    """
    if reasons:
        path, why = next(iter(reasons.items()))
        raise InputError(
            f"The second space of looks should hold every photo, but {info.caption} lacks {len(reasons):,} of {count:,}, "
            f"first {path} ({why}); complete it, or run without --looks."
        )


def without_features(
    store: StageStore, stage: str, records: Sequence[ImageRecord], root: Path, encoder: Encoder
) -> Mapping[str, str]:
    """Why photos have no features in the file that an encoder reads, by id; none when it makes them itself.

    Raises:
        InputError: the file does not fit these photos at all.
    """
    if not isinstance(encoder, ReadymadeEncoder):
        return {}
    return _rows_for(store, stage, records, root, encoder).reasons


def _made(
    runner: Runner, stage: str, key: str, records: Sequence[ImageRecord], root: Path, encoder: Encoder
) -> StageResult:
    """Raw features of photos; those that an earlier result of the stage holds, by content, are not made again."""
    if isinstance(encoder, ReadymadeEncoder):
        return _read(runner, stage, records, root, encoder)
    known = _known_rows(runner.store, stage, encoder.info.revision, {record.pixels_key for record in records})
    fresh = [record for record in records if record.pixels_key not in known]
    encoded = encode_files(
        encoder,
        [root / record.id for record in fresh],
        progress=runner.hooks.progress,
        workspace=runner.store.workspace(stage, key),
    )
    bad = {fresh[row].id: reason for row, reason in encoded.failed}
    good = [record for record in records if record.id not in bad]
    features = encoded.features if not known else _joined(good, known, encoded.features)
    return _result(records, bad, features, encoder, len(fresh), {})


def _read(
    runner: Runner, stage: str, records: Sequence[ImageRecord], root: Path, encoder: ReadymadeEncoder
) -> StageResult:
    """What a file of features holds for photos."""
    photos = [(record.id, record.pixels_key) for record in records]
    found = _rows_for(runner.store, stage, records, root, encoder)
    known = {} if found.has_names else found.rows
    rows = {} if found.has_names else {"rows": _rows_of(photos, found)}
    unused = [[i, content, known[i]] for i, content in photos if i in known and i in found.reasons]
    more = {"rows": unused, "note": found.note}
    made = _result(records, found.reasons, found.features, encoder, len(records), more)
    return replace(made, arrays={**made.arrays, **rows})


def _rows_for(
    store: StageStore, stage: str, records: Sequence[ImageRecord], root: Path, encoder: ReadymadeEncoder
) -> RowsOfPhotos:
    photos = [(record.id, record.pixels_key) for record in records]
    return encoder.rows_of(photos, root, _earlier_rows(store, stage, encoder.info.revision))


def _rows_of(photos: Sequence[tuple[str, str]], found: RowsOfPhotos) -> IntVector:
    """The row of every used photo, int32 (n_used,)."""
    used = (found.rows[image_id] for image_id, _ in photos if image_id not in found.reasons)
    return np.fromiter(used, dtype=np.int32)


def _result(
    records: Sequence[ImageRecord],
    bad: Mapping[str, str],
    features: FloatMatrix,
    encoder: Encoder,
    encoded: int,
    more: Mapping[str, Any],
) -> StageResult:
    """What the stage keeps; InputError when no photo is left."""
    good = [record for record in records if record.id not in bad]
    if not good:
        raise InputError(
            f"Of {counted(len(records), 'photo')} none could be read (first: {next(iter(bad.values()))}); "
            "choose a folder with readable photos."
        )
    return StageResult(
        arrays={"features": features},
        data={
            "ids": [record.id for record in good],
            "hashes": [record.pixels_key for record in good],
            "encoder": encoder.info.revision,
            "failed": [{"path": image_id, "reason": reason} for image_id, reason in bad.items()],
            "summary": {
                "images": len(good),
                "skipped": len(bad),
                "encoder": encoder.info.name,
                "encoded": encoded,
            },
            **more,
        },
    )


def _earlier_rows(store: StageStore, stage: str, encoder: str) -> list[EarlierRow]:
    """Rows that photos had in earlier results of a ready-made file, newest first.

    Those of used photos are an array; results of earlier versions list all of them, the first versions none: there row i
    was photo i.
    """
    found: list[EarlierRow] = []
    for key in store.fingerprints(stage):
        stored = store.load(stage, key)
        if stored is None or stored.data.get("encoder") != encoder:
            continue
        if "rows" in stored.data:
            found += [(image_id, content, int(row)) for image_id, content, row in stored.data["rows"]]
        if "rows" in stored.arrays or "rows" not in stored.data:
            rows = stored.arrays.get("rows", np.arange(len(stored.data["ids"]))).tolist()
            found += zip(stored.data["ids"], stored.data["hashes"], rows, strict=True)
    return found


def _known_rows(store: StageStore, stage: str, encoder: str, wanted: set[str]) -> dict[str, FloatMatrix]:
    """Raw features (d,) that are stored already, by content hash of the photo."""
    known: dict[str, FloatMatrix] = {}
    for key in store.fingerprints(stage):
        if len(known) == len(wanted):
            break
        stored = store.load(stage, key)
        if stored is not None and stored.data.get("encoder") == encoder:
            features = stored.arrays["features"]
            rows = enumerate(stored.data["hashes"])
            known |= {sha256: features[row] for row, sha256 in rows if sha256 in wanted}
    return known


def _joined(good: Sequence[ImageRecord], known: Mapping[str, FloatMatrix], fresh: FloatMatrix) -> FloatMatrix:
    """Known and fresh rows in the order of the photos, (N, d); ``fresh`` holds those not known, in that order."""
    rows = iter(fresh)
    return np.stack([known[r.pixels_key] if r.pixels_key in known else next(rows) for r in good])


def near_copies(runner: Runner, embedded: Stored) -> tuple[tuple[str, ...], ...]:
    """Image ids of the photos that are near-copies of each other, by group, largest group first."""

    def compute(_key: str) -> StageResult:
        groups = find_near_copies(embedded.arrays["features"], progress=runner.hooks.progress)
        ids: list[list[str]] = [[] for _ in range(int(groups.max(initial=-1)) + 1)]
        for image_id, group in zip(embedded.data["ids"], groups.tolist(), strict=True):
            if group >= 0:
                ids[group].append(image_id)
        return StageResult(data={"groups": ids, "summary": {"near_copies": sum(map(len, ids))}})

    found = runner.stage("copies", [embedded.key], compute).data["groups"]
    return tuple(tuple(group) for group in found)


def with_bursts(embedded: Stored) -> tuple[Stored, IntVector | None]:
    """The features under the key of what follows from them, and the bursts among them; None when there is none.

    Without bursts the key stays, so that what was computed before they were looked for is found.
    """
    bursts = find_bursts(embedded.arrays["features"])
    if not (bursts >= 0).any():
        return embedded, None
    return replace(embedded, key=fingerprint(embedded.key, "bursts", bursts)), bursts
