"""Which of several answers of a language model counts: drafts that it rejects or crosses out come last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_CLAUSE_END = re.compile(r"[.!?;\n]+(?:\s|$)")
_REJECTED = re.compile(
    r"\b(?:reject|discard|dismiss|drop|scrap|abandon)\w*|\b(?:instead of|rather than|in place of|as opposed to)\b|"
    r"\b(?:draft|wrong|incorrect|invalid|bad|poor|earlier|previous|initial(?:ly)?|original(?:ly)?|alternative\w*|considered|at first)\b|"
    r"\b(?:did|do|does|would|could|should|will)(?: not|n't)\b|"
    r"\bfirst (?:idea|try|attempt|thought|version|answer)\b|\b(?:not|never|avoid)\W*(?:this|that|these|it)?\W*$",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"\b(?:final\w*|correct\w*|better|improve\w*|revis\w*|fix\w*|updated?|actual\w*|instead(?! of)|settled?|chosen?|chose)\b",
    re.IGNORECASE,
)
"""What a model says in front of an answer that it does not give, and of one that it gives after all."""
_TURNED_DOWN = re.compile(
    r"\W*(?:(?:that|this|it|which|the (?:above|last) one)\s)?(?:was|is|would be|seem(?:s|ed)|looks?|felt|feels)\b.*?"
    r"\b(?:reject|discard|dismiss|wrong|draft|too (?:narrow|broad|wide|general|vague|specific|long|short))",
    re.IGNORECASE,
)
"""What a model says behind an answer that it takes back."""
_DENIED = re.compile(r"[^.!\n]*\?\W*no\b", re.IGNORECASE)
_STRUCK = re.compile(r"~~.*?~~|<!--.*?-->|<(s|del|strike)>.*?</\1>", re.DOTALL | re.IGNORECASE)
"""What a model shows as crossed out."""
_FENCE = re.compile(r"^\s*`{3,}.*$", re.MULTILINE)


def without_struck(text: str) -> str:
    """The text without what is crossed out in it."""
    return _STRUCK.sub("", text)


def likeliest(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Answers in a text, by where they begin and end, the last first; rejected ones come after all others."""
    ends, starts = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)]
    between = [_FENCE.sub("", text[end:start]).strip() for end, start in zip(ends, starts, strict=True)]
    rejected: list[bool] = []
    for lead, behind in pairwise(between):
        clauses, following = (
            [part for part in _CLAUSE_END.split(said) if part.strip()] for said in (lead, behind)
        )
        last = clauses[-1] if clauses and not (lead[-1] in ".!?" and _TURNED_DOWN.match(clauses[-1])) else ""
        leads_away = _CHOSEN.search(last) is None and _REJECTED.search(last) is not None
        goes_on = bool(rejected and rejected[-1]) and lead in ("", ",", "and", "or", ", and", ", or")
        is_of_this = len(following) > 1 or behind.endswith((".", "!", "?")) or len(rejected) + 1 == len(spans)
        taken_back = bool(following) and is_of_this and _TURNED_DOWN.match(following[0]) is not None
        taken_back = taken_back or _DENIED.match(behind) is not None
        rejected.append(leads_away or goes_on or taken_back)
    ranked = sorted(range(len(spans)), key=lambda place: (rejected[place], -place))
    return [spans[place] for place in ranked]
