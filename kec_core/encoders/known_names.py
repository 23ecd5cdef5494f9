"""Names that open_clip and timm know, read from their files: importing either takes many seconds, and a mistyped name needs none."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path


def open_clip_models() -> tuple[str, ...]:
    """All models that open_clip builds; those it was taught besides where it is imported already."""
    if imported := sys.modules.get("open_clip"):
        return tuple(imported.list_models())
    return tuple(sorted(path.stem for path in _folder("open_clip", "model_configs").glob("*.json")))


def open_clip_tags(model: str) -> tuple[str, ...] | None:
    """Tags of published weights of a model of open_clip; None: not known before it is imported."""
    if imported := sys.modules.get("open_clip"):
        return tuple(imported.list_pretrained_tags_by_model(model))
    return _table((_folder("open_clip") / "pretrained.py").read_text(encoding="utf-8")).get(model)


def may_be_of_timm(model: str) -> bool:
    """Whether a word stands in timm's models at all; one that does need not be a model."""
    word = re.compile(rf"\b{re.escape(model)}\b".encode())
    return any(word.search(path.read_bytes()) for path in _folder("timm", "models").glob("*.py"))


def _folder(library: str, *below: str) -> Path:
    found = find_spec(library)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"No module named {library!r}", name=library)
    return Path(found.origin).parent.joinpath(*below)


def _table(source: str) -> Mapping[str, tuple[str, ...]]:
    """Tags by model: ``_PRETRAINED`` names for each model a dictionary that stands before it, or holds it."""
    by_variable: dict[str, tuple[str, ...]] = {}
    models: dict[str, tuple[str, ...]] = {}
    for statement in ast.parse(source).body:
        match statement:
            case ast.Assign(targets=[ast.Name("_PRETRAINED")], value=ast.Dict(keys, values)):
                for key, value in zip(keys, values, strict=True):
                    tags = by_variable.get(value.id) if isinstance(value, ast.Name) else _keys(value)
                    if isinstance(key, ast.Constant) and tags:
                        models[str(key.value)] = tags
            case ast.Assign(targets=[ast.Name(name)], value=value):
                by_variable[name] = _keys(value)
    return models


def _keys(value: ast.expr) -> tuple[str, ...]:
    match value:
        case ast.Call(func=ast.Name("dict"), keywords=keywords):
            return tuple(keyword.arg for keyword in keywords if keyword.arg)
        case ast.Dict(keys=keys):
            return tuple(str(key.value) for key in keys if isinstance(key, ast.Constant))
    return ()
