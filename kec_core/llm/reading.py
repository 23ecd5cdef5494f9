"""Finding the answer in what a language model said: after its thoughts, out of prose, in JSON that may be broken, in YAML, lines or tables."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from html import unescape
from itertools import chain, groupby, pairwise, takewhile
from textwrap import dedent
from typing import Any, TypeVar

from pydantic import ValidationError

from kec_core.errors import LLMReplyError
from kec_core.llm.fields import Answer, Part, plain_key, texts_in, valid_json

LONGEST_ANSWER = 20_000
"""Letters of an answer, from its end, that are searched for JSON; the longest sensible answer has about 2,000."""

_THOUGHT = r"[\w:.-]*(?:think|thought|reason|reflect|analy[sz]|scratch|monologue|ponder|deliberat)[\w-]*"
_MARKER = re.compile(
    rf"(?P<close>[<\[◁⟨]\|?\s*(?:/|end[_ ](?:of[_ ])?)\s*{_THOUGHT}\s*\|?[>\]▷⟩]"
    r"|<\|channel\|>\s*final\b.*?<\|message\|>)"
    rf"|(?P<open>[<\[◁⟨]\|?\s*(?:(?:begin|start)[_ ](?:of[_ ])?)?{_THOUGHT}(?:\s[^<>\[\]]*)?\|?[>\]▷⟩]"
    r"|<\|channel\|>\s*(?:analysis|commentary)\b)",
    re.IGNORECASE | re.DOTALL,
)
"""Where a model's reasoning begins and ends: tags of any name and case, Kimi's, Mistral's and Harmony's markers."""
_CLAUSE_END = re.compile(r"[.!?;\n]+(?:\s|$)")
_REJECTED = re.compile(
    r"\b(?:reject|discard|dismiss|drop|scrap|scratch|abandon)\w*|\b(?:instead of|rather than|in place of|as opposed to)\b|"
    r"\b(?:drafts?|wrong|incorrect|invalid|bad|poor|earlier|previous|initial(?:ly)?|original(?:ly)?|alternative\w*|considered|at first)\b|"
    r"\b(?:did|do|does|would|could|should|will)(?: not|n't)\b|"
    r"\bfirst (?:idea|try|attempt|thought|version|answer)\b|\b(?:not|never|avoid)\W*(?:this|that|these|it)?\W*$",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"\b(?:final\w*|correct\w*|better|improve\w*|revis\w*|fix\w*|updated?|actual\w*|instead(?! of)|settled?|chosen?|chose)\b",
    re.IGNORECASE,
)
"""What a model says in front of an answer that it does not give, and of one that it gives after all."""
_TAKEN_BACK = re.compile(
    r"\W*(?:(?:that|this|it|which|the (?:above|last) one)\s)?(?:was|is|would be|seem(?:s|ed)|looks?|felt|feels)\b[^.!?;\n]*?"
    r"\b(?:reject|discard|dismiss|wrong|draft|too (?:narrow|broad|wide|general|vague|specific|long|short))[^.!?;\n]*[.!?;\n]|"
    r"[^.!\n]*\?\W*no\b",
    re.IGNORECASE,
)
"""What a model says behind an answer that it takes back."""
_STRUCK = re.compile(
    r"(?<!~)~~(?!~).*?(?<!~)~~(?!~)|<!--.*?-->|<(s|del|strike)>.*?</\1>", re.DOTALL | re.IGNORECASE
)
"""What a model shows as crossed out."""
_TOKENS = re.compile(
    r"<[|\uff5c][\w \u2581]{1,40}[|\uff5c]>|</?s>|<(?:start|end)_of_turn>|<(?:eos|bos|pad|unk)>",
    re.IGNORECASE,
)
"""Marks of a model's own format that a server forgot to take away."""
_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,}).*$", re.MULTILINE)
_WIDE = str.maketrans("\uff5b\uff5d\uff3b\uff3d\uff1a\uff0c\uff02", '{}[]:,"')
"""Signs that stand for those of JSON in other scripts."""
_QUOTE = re.compile(r'(?<!\\)"')
_BRACE = re.compile("[{\uff5b]")
_KEY_LINE = re.compile(
    r"^[\s>*•\d.)-]*[*_`\"]*(?P<key>[A-Za-z][\w ]{0,30}?)[*_`\"]*\s*[:=\uff1a][*_`]*(?P<rest>(?:(?<=\uff1a)|\s).*|)$"
)
"""A key with its value, with marks of lists, of bold or quotes around it or not."""
_INLINE_KEY = re.compile(r"(?:(?<=[^\d][.;,])\s+|\s*(?:\||<br\s*/?>)\s*)(?=description\s*:)", re.IGNORECASE)
_BULLET = re.compile(r"^(\s*)(?:[*+•‣◦▪·–—]|\(?\d+[.)])\s+")
_BOLD = re.compile(r"\*\*|__|`")
_PHRASE_WORDS = 12  # eight are asked for; what is longer is a sentence
_OFFERS = re.compile(
    r"\b(?:here|attributes?|features?|phrases?|list|answers?|parts?|sub-?concepts?)\b", re.IGNORECASE
)
_ASKS = re.compile(
    r"[?]|n['\u2019]t\b|\b(?:please|provide|give|tell|send|need|not|unable|sorry)\b", re.IGNORECASE
)
"""What a model says in front of a list that answers, and of one of what it lacks."""
_TABLE_RULE = re.compile(r"[\s|:-]+")
_TAGGED = re.compile(r"<(\w+)>([^<>]*)</\1>")

SomeAnswer = TypeVar("SomeAnswer", bound=Answer)


def visible(text: str) -> str:
    """What a model said outside its reasoning; a closing mark without an opening one ends reasoning that began unmarked."""
    said: list[str] = []
    place, thinking = 0, False
    for marker in _MARKER.finditer(text):
        closes = marker["close"] is not None
        if not thinking:
            said = [] if closes else [*said, text[place : marker.start()]]
        thinking, place = not closes, marker.end()
    return "\n".join(said if thinking else [*said, text[place:]])


def reasons(text: str) -> bool:
    """Whether a text carries marks of reasoning."""
    return _MARKER.search(text) is not None


def read_answer(
    text: str,
    model: type[SomeAnswer],
    *,
    repair: bool = True,
    known: Mapping[str, Any] | None = None,
) -> SomeAnswer:
    """Find the last complete answer after a model's reasoning: drafts before it, and those it rejects, do not count.

    Args:
        text: prose, code fences and reasoning included.
        model: the fields asked for; keys in another case, nested or in a list are found.
        repair: mend broken JSON; not for a text that was cut, whose end would be invented.
        known: fields that an earlier answer gave, taken where this one has none.

    Raises:
        LLMReplyError: nothing in the text has the expected fields; the text is attached.
    """
    if not text.strip():
        raise LLMReplyError("the answer was empty", text)
    problem = "the answer held no JSON object"
    missing = f'the answer\'s field "{next(iter(model.model_fields))}" was not as asked: Field required'
    said_aloud = _said_aloud(text)
    for value in chain(
        _values(said_aloud, repair=repair),
        _values_in_lines(said_aloud, list(model.model_fields)) if repair else (),
    ):
        found = model.fields_in(value)
        if found is None:
            problem = missing if isinstance(value, dict) else problem
            continue
        if _is_form(found, model.model_fields):
            continue
        merged = {**found, **(known or {}), **{key: value for key, value in found.items() if value}}
        try:
            return model.model_validate(merged)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            problem = f'the answer\'s field "{place}" was not as asked: {first["msg"]}'
    raise LLMReplyError(problem, text)


def _said_aloud(text: str) -> str:
    """What a model said outside its reasoning, without what it crossed out and marks of formats."""
    said = dedent(visible(text).strip("\n"))
    said = _TOKENS.sub("", _STRUCK.sub("", said).strip() or said)[-LONGEST_ANSWER:]
    if "&quot;" in said and '"' not in said:
        said = unescape(said)
    return said.translate(_WIDE) if "\uff5b" in said and "{" not in said else said


def _is_form(found: Mapping[str, Any], names: Collection[str]) -> bool:
    """Whether the fields only say the form again that was asked for: "..." or their own names."""
    texts = [plain_key(text).rstrip("0123456789") for text in texts_in(dict(found))]
    return bool(texts) and {*texts} <= {"", "name", "string", "text", *map(plain_key, names)}


def _values(text: str, *, repair: bool) -> Iterator[Any]:
    """What could be an answer, the last first: whole JSON, JSON inside it, mended JSON; then lists."""
    for opening, closing in ("{}", "[]"):
        for start, end in _likeliest(text, _spans(text, opening, closing)):
            span = text[start:end]
            yield from reversed(valid_json(span, opening))
            if repair and not _is_torn(span, closing):
                yield from _mended(span, dict if opening == "{" else list)


def _likeliest(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Answers in a text, by where they begin and end, the last first; those that the words around reject come after all."""
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    around = [
        _FENCE.sub("", text[start:end]).strip() for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    around[-1] += "\n"  # the words behind the last answer lead to no other
    rejected: list[bool] = []
    for lead, behind in pairwise(around):
        goes_on = bool(rejected and rejected[-1]) and lead in ("", ",", "and", "or", ", and", ", or")
        rejected.append(goes_on or _leads_away(lead) or _TAKEN_BACK.match(behind) is not None)
    ranked = sorted(range(len(spans)), key=lambda place: (rejected[place], -place))
    return [spans[place] for place in ranked]


def _leads_away(lead: str) -> bool:
    """Whether the last clause in front of an answer rejects it; a whole sentence may speak of the answer before."""
    *_, clause = ["", *filter(str.strip, _CLAUSE_END.split(lead))]
    of_last = lead.endswith((".", "!", "?")) and _TAKEN_BACK.match(f"{clause}.")
    return not of_last and bool(_REJECTED.search(clause)) and not _CHOSEN.search(clause)


def _spans(text: str, opening: str, closing: str) -> list[tuple[int, int]]:
    """Outermost bracketed parts; the last may lack its end."""
    found: list[tuple[int, int]] = []
    start, depth = 0, 0
    for place, letter in enumerate(text):
        if letter == opening:
            start, depth = (start, depth + 1) if depth else (place, 1)
        elif letter == closing and depth:
            depth -= 1
            if not depth:
                found.append((start, place + 1))
    return [*found, (start, len(text))] if depth else found


def _is_torn(span: str, closing: str) -> bool:
    """Whether JSON ends in the middle of a text, whose rest nobody knows."""
    return not span.endswith(closing) and (
        len(_QUOTE.findall(span)) % 2 == 1 or span.count("\u201c") > span.count("\u201d")
    )


def _mended(span: str, kind: type) -> Iterator[Any]:
    """Broken JSON as it was meant; not what is made of words that merely stand in brackets."""
    import json_repair

    try:
        value = json_repair.loads(span.replace("\xab", '"').replace("\xbb", '"'))
    except (RecursionError, ValueError):
        return
    if isinstance(value, kind):
        yield value


def _values_in_lines(text: str, fields: Sequence[str]) -> Iterator[Any]:
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
    yield from _in_bullets(text)


def _in_lines(text: str, names: Set[str], first: str) -> Iterator[Any]:
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
        value = _yaml("\n".join(kept))
        cells = (line.partition(":") for line in kept)
        yield value or {key: cell.strip() for key, _, cell in cells if cell.strip()}


def _yaml(text: str) -> Any:  # noqa: ANN401 - YAML
    """What YAML holds, texts as they stand; None of what is none or refers to itself, which could unfold without end."""
    import yaml

    try:
        refers = any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text))
        return None if refers else yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def _in_bullets(text: str) -> Iterator[Any]:
    """The one list of a text: its phrases, its names with their nouns behind a colon, its records in YAML."""
    block = _offered_list(text)
    said = "\n".join(block)
    items = [" ".join(_BOLD.sub("", item).split()) for item in re.split("^- ", said, flags=re.MULTILINE)[1:]]
    pairs = [item.partition(": ") for item in items]
    if not any(line.startswith(" ") and line.lstrip().startswith("- ") for line in block):
        if len(items) > 1 and all(map(_is_phrase, items)):
            yield items
        if items and all(nouns for _, _, nouns in pairs):
            yield [dict(zip(Part.model_fields, pair[::2], strict=True)) for pair in pairs]
    records = _yaml(said)
    if isinstance(records, list) and all(isinstance(record, dict) for record in records):
        yield records


def _offered_list(text: str) -> list[str]:
    """Lines of the one list of a text, its bullets at the left edge.

    None where the words around do not say that it is the answer, or where there is a second list.
    """
    lines = [_BULLET.sub(r"\1- ", line) for line in _FENCE.sub("", text).splitlines() if line.strip()]
    first = next((place for place, line in enumerate(lines) if line.lstrip().startswith("- ")), len(lines))
    edge = len("".join(lines[first : first + 1]).partition("-")[0])
    block = [
        line[edge:] for line in takewhile(lambda line: line[: edge + 1].strip() in ("", "-"), lines[first:])
    ]
    lead, behind = "\n".join(lines[:first]), "\n".join(lines[first + len(block) :])
    is_offered = not lead or (_OFFERS.search(lead) and not _ASKS.search(lead))
    is_refused = _REJECTED.search(f"{lead}\n{behind}") or re.search(r"^\s*- ", behind, re.MULTILINE)
    return block if is_offered and not is_refused else []


def _is_phrase(item: str) -> bool:
    return len(item.split()) <= _PHRASE_WORDS and not _CLAUSE_END.search(item.rstrip("."))


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
