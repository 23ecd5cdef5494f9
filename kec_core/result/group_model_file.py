"""A group model in one file: an ``.npz`` archive of plain arrays, the rest as JSON in its entry ``model`` (docs/methods.md)."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kec_core.array_files import OBJECTS, read_archive
from kec_core.clustering.whitening import SecondSpace, Whitening
from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.disk import reason, short
from kec_core.errors import InputError
from kec_core.result.group_model import GroupModel, Groups
from kec_core.types import ConceptVectors, Knowledge

FORMAT = "kec-groups-1"
"""What the entry ``format`` of the JSON says; another one is not read."""
_ENTRY = "model"
_OPTIONAL = ("prior", "product_centre", "whitening_centre", "whitening_onto", "second_mean")


def model_bytes(model: GroupModel) -> bytes:
    """A model as the bytes of its file."""
    vectors, space = model.vectors, model.space
    arrays = {
        "mean": model.mean,
        "product_centre": model.product_centre,
        "logit": vectors.logit,
        "zeta": vectors.zeta,
        "attributes": vectors.attributes,
        "prior": vectors.prior,
        "whitening_centre": None if model.whitening is None else model.whitening.centre,
        "whitening_onto": None if model.whitening is None else model.whitening.onto,
        "second_mean": None if space is None else space.mean,
        "clusters": model.groups.clusters,
        "centres": model.groups.centres,
    }
    facts = {
        "format": FORMAT,
        "encoder": model.encoder,
        "encoder_revision": model.revision,
        "second": None if space is None else {"encoder": space.encoder, "revision": space.revision},
        "weight": model.weight,
        "limit": model.groups.limit,
        "names": list(model.groups.names),
        "concept_ids": list(vectors.concept_ids),
        "grounding": model.grounding.to_json(),
        "defaults": model.defaults.to_json(),
        "knowledge": replace(model.knowledge, constraints=(), kept=()).to_json(),  # they name photos
    }
    file = io.BytesIO()
    text = np.array(json.dumps(facts, ensure_ascii=False), dtype=np.str_)
    np.savez_compressed(
        file,
        allow_pickle=False,
        **{_ENTRY: text},
        **{name: array for name, array in arrays.items() if array is not None},
    )
    return file.getvalue()


def read_model(path: Path) -> GroupModel:
    """Read what ``model_bytes`` made.

    Raises:
        InputError: no such file, it cannot be read, or it is not such a model.
    """
    try:
        arrays, pickled = read_archive(path)
        if pickled:
            raise InputError(f"it holds {', '.join(pickled)} as {OBJECTS}")
        return _model(_facts(str(arrays.pop(_ENTRY))), arrays)
    except (
        Exception
    ) as error:  # parsers of foreign bytes raise anything: BadZipFile, zlib.error, EOFError, KeyError
        why = f"the entry {error} is missing" if isinstance(error, KeyError) else short(error)
        why = reason(error, path.parent) if isinstance(error, OSError) else why
        raise InputError(
            f"A model written by `kec export --format model` was expected, but {path} cannot be used ({why}); "
            "name the file of a model, or export it again."
        ) from error


def _facts(text: str) -> dict[str, Any]:
    """What the JSON of a model's file says; raises unless it is that of this format."""
    try:
        facts = json.loads(text)
    except ValueError:
        facts = None
    told = facts.get("format") if isinstance(facts, dict) else None
    if told != FORMAT:
        raise InputError(f"its format is {told!r}, not {FORMAT!r}")
    return dict(facts)


def _model(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> GroupModel:
    """A model of checked shapes; raises whatever does not fit."""
    width, groups, concepts = arrays["mean"].size, arrays["clusters"].size, len(facts["concept_ids"])
    looks = arrays["whitening_onto"].shape[-1] if "whitening_onto" in arrays else width
    second = arrays["second_mean"].size if "second_mean" in arrays else 0
    shapes = {
        "mean": (width,),
        "product_centre": (width,),
        "logit": (concepts, width),
        "zeta": (concepts, width),
        "attributes": (concepts, width),
        "prior": (concepts,),
        "clusters": (groups,),
        "whitening_centre": (width + second,),
        "whitening_onto": (width + second, looks),
        "second_mean": (second,),
        "centres": (groups, looks + width),
    }
    for name, shape in shapes.items():
        if name in _OPTIONAL and name not in arrays:
            continue
        array = arrays[name]
        if array.shape != shape or array.dtype.kind not in "fiu" or not _is_finite(array):
            raise InputError(f"its array {name} should hold finite numbers of shape {shape}")
    _refuse_odd_groups(arrays["clusters"], facts["names"])
    floats = {name: arrays[name].astype(np.float32) for name in shapes.keys() & arrays.keys() - {"clusters"}}
    return GroupModel(
        encoder=str(facts["encoder"]),
        revision=str(facts["encoder_revision"]),
        knowledge=Knowledge.from_json(facts["knowledge"]),
        vectors=ConceptVectors(
            logit=floats["logit"],
            zeta=floats["zeta"],
            attributes=floats["attributes"],
            concept_ids=tuple(facts["concept_ids"]),
            prior=floats.get("prior"),
        ),
        grounding=GroundingConfig.from_json(facts["grounding"]),
        defaults=EncoderDefaults.from_json(facts["defaults"]),
        weight=_number(facts, "weight", 0),
        mean=floats["mean"],
        product_centre=floats.get("product_centre"),
        whitening=_whitening(facts, floats) if "whitening_onto" in floats else None,
        groups=Groups(
            clusters=arrays["clusters"].astype(np.int32),
            names=tuple(facts["names"]),
            centres=floats["centres"],
            limit=_number(facts, "limit", -1),
        ),
    )


def _is_finite(array: NDArray[Any]) -> bool:
    """Whether numbers are finite in float32 too."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(array.astype(np.float32)).all())


def _refuse_odd_groups(clusters: NDArray[Any], names: object) -> None:
    """Raise InputError unless there are groups with whole, ascending ids and as many names."""
    ids = clusters.tolist()
    if clusters.dtype.kind not in "iu" or ids != sorted({one for one in ids if 0 <= one < 2**31}):
        raise InputError("its array clusters should hold ids of groups, whole numbers that ascend")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError("its names should be a list of texts")
    if not ids or len(names) != len(ids):
        raise InputError(f"it has {len(ids)} groups and {len(names)} names")


def _number(facts: Mapping[str, Any], name: str, least: float) -> float:
    value = facts[name]
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value < np.inf:
        raise InputError(f"its {name} should be a number of at least {least:g}, but is {value!r}")
    return float(value)


def _whitening(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[np.float32]]) -> Whitening:
    """The whitening of a model, with the second space of its looks if it has one."""
    return Whitening(
        centre=arrays["whitening_centre"],
        onto=arrays["whitening_onto"],
        space=SecondSpace(
            encoder=str(facts["second"]["encoder"]),
            revision=str(facts["second"]["revision"]),
            mean=arrays["second_mean"],
        )
        if "second_mean" in arrays
        else None,
    )
