"""Answers of a language model that are no JSON: YAML, lines of keys and values, tags, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from itertools import groupby
from typing import Any

from kec_core.llm.fields import plain_key

_FENCE = re.compile(r"^\s*`{3,}.*$", re.MULTILINE)
_BRACE = re.compile("[{\uff5b]")
_KEY_LINE = re.compile(
    r"^[\s>*•\d.)-]*[*_`\"]*(?P<key>[A-Za-z][\w ]{0,30}?)[*_`\"]*\s*[:=][*_`]*(?P<rest>\s.*|)$"
)
"""A key with its value, with marks of lists, of bold or quotes around it or not."""
_INLINE_KEY = re.compile(r"(?<=[^\d][.;,])\s+(?=description\s*:)", re.IGNORECASE)
_BULLET = re.compile(r"^(\s*)(?:[*•]|\d+[.)])\s+")
_TABLE_RULE = re.compile(r"[\s|:-]+")
_TAGGED = re.compile(r"<(\w+)>([^<>]*)</\1>")


def values_in_lines(text: str, fields: Sequence[str]) -> Iterator[Any]:
    """Answers in YAML, in lines of "key: value", in tags or in tables, the last first; none where there is something of JSON.

    Args:
        text: of the model.
        fields: names of the answer's fields; an answer begins with the first.
    """
    if _BRACE.search(text):
        return
    names = {plain_key(name) for name in fields}
    yield from _in_lines(text, names, plain_key(fields[0]))
    tagged: dict[str, list[str]] = {}
    for tag, content in _TAGGED.findall(text):
        if plain_key(tag) in names:
            tagged.setdefault(tag, []).append(content.strip())
    if tagged:
        yield {tag: found if len(found) > 1 else found[0] for tag, found in tagged.items()}
    yield from _in_tables(text, names)


def _in_lines(text: str, names: Set[str], first: str) -> Iterator[Any]:
    import yaml

    lines, starts = list[str](), list[int]()
    for line in _FENCE.sub("", _INLINE_KEY.sub("\n", text)).splitlines():
        key = _KEY_LINE.match(line)
        if key and plain_key(key["key"]) in names:
            starts += [len(lines)] if plain_key(key["key"]) == first else []
            lines.append(f"{key['key']}: {key['rest'].strip().strip('*_`')}")
        else:
            lines.append(_BULLET.sub(r"\1- ", line))
    for start in reversed(starts):
        kept = [lines[start]]
        for line in lines[start + 1 :]:
            if line[:1].strip() and line[0] != "-" and plain_key(line.partition(":")[0]) not in names:
                break
            kept.append(line)
        said = "\n".join(kept)
        try:
            # an answer refers to no other part of itself; nested references would unfold without end
            refers = any(isinstance(token, yaml.AliasToken) for token in yaml.scan(said))
            value = None if refers else yaml.load(said, Loader=yaml.BaseLoader)
        except (yaml.YAMLError, RecursionError, ValueError):
            value = None
        cells = (line.partition(":") for line in kept)
        yield value or {key: cell.strip() for key, _, cell in cells if cell.strip()}


def _in_tables(text: str, names: Set[str]) -> Iterator[Any]:
    """Answers in tables of Markdown: a row for each field, or a column for each field and a row for each answer."""
    lines = [line.strip() for line in text.splitlines() if not _TABLE_RULE.fullmatch(line)]
    tables = [list(table) for is_row, table in groupby(lines, lambda line: line.startswith("|")) if is_row]
    for table in reversed(tables):
        head, *rows = [[cell.strip(' *_`"') for cell in row.strip("|").split("|")] for row in table]
        columns = {cell: place for place, cell in enumerate(head) if plain_key(cell) in names}
        if any(plain_key(row[0]) in names for row in rows):
            yield {row[0]: ", ".join(row[1:]) for row in (head, *rows) if plain_key(row[0]) in names}
        elif columns and len(names) == 1:
            yield {cell: [row[place] for row in rows if place < len(row)] for cell, place in columns.items()}
        elif columns:
            for row in reversed(rows):
                yield {cell: row[place] for cell, place in columns.items() if place < len(row)}
