"""The program's own files: knowledge and edits to replay, features, the report, the file of groups for new photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from state.transfer.formats.base import Content, write_json

if TYPE_CHECKING:
    from state.transfer.export_files import WriteFile


def write_documents(content: Content) -> Mapping[str, WriteFile]:
    """The result as JSON: assignments, knowledge, edits to replay, and scores with options."""
    from state.revisions import revisions

    columns = content.table.columns()
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    edits = [dict(edit) for edit in revisions.journal(content.project, content.revision.id)]
    return {
        "assignments.json": partial(write_json, {"assignments": rows}),
        "knowledge.json": partial(write_json, content.revision.knowledge.to_json()),
        "edits.json": partial(write_json, {"edits": edits}),
        "result.json": partial(write_json, _result(content)),
    }


def _result(content: Content) -> dict[str, Any]:
    import numpy as np

    revision = content.revision
    sizes = np.bincount(content.table.clusters, minlength=len(content.table.names)).tolist()
    return {
        "project": content.project.name,
        "revision": revision.id,
        "created": revision.created,
        "note": revision.note,
        "images": len(content.table.files),
        "clusters": [
            {"cluster": cluster, "name": content.table.names[cluster], "images": size}
            for cluster, size in enumerate(sizes)
            if size
        ],
        "scores": asdict(revision.scores) if revision.scores else None,
        "baseline": asdict(revision.baseline) if revision.baseline else None,
        "internal": asdict(revision.internal) if revision.internal else None,
        "summary": dict(revision.summary),
        "config": revision.config.to_json(),
    }


def write_features(content: Content) -> Mapping[str, WriteFile]:
    """What was clustered, as NumPy arrays without pickle."""
    return {"features.npz": partial(_features, content)}


def _features(content: Content, path: Path) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            ids=np.array(content.table.files, dtype=np.str_),
            labels=content.table.clusters,
            x=content.features.visual(),
            looks=content.features.looks(),
            kappa=content.features.grounding.kappa,
        )


def write_report(content: Content) -> Mapping[str, WriteFile]:
    """One page that opens without internet."""
    from state.transfer.report import write_report as write

    return {"report.html": partial(write, content.project, content.revision, content.features, content.table)}


def write_model(content: Content) -> Mapping[str, WriteFile]:
    """The groups, for photos that are in no project."""
    return {"model.npz": partial(_model, content)}


def _model(content: Content, path: Path) -> None:
    from kec_core.encoders import load_encoder
    from kec_core.result.group_model_file import model_bytes
    from state.revisions.group_models import model_of

    encoder = load_encoder(content.revision.facts.encoder)
    path.write_bytes(model_bytes(model_of(content.project, content.revision, encoder)))
