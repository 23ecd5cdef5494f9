"""Words that announce, end or surround a visual phrase in a definition, as alternatives of regular expressions.

Each list is what dictionary definitions were seen to use.
"""

from __future__ import annotations


def _alternatives(text: str) -> str:
    """A comma-separated list as one alternation, without its own group."""
    return "|".join(" ".join(part.split()) for part in text.split(","))


LINKS = _alternatives("and, or, also, but, only")

DETERMINERS = _alternatives("""
    any, either of two, either, each, one or more, one, own, more, several, some, various, numerous, many, certain,
    a few, a number, the, an?, its, their, other
""")

ADVERBS = _alternatives("""
    usually, typically, often, generally, mostly, mainly, sometimes, somewhat, especially, chiefly, probably,
    relatively, commonly, permanently, more or less, rather, very
""")

KINDS_OF = _alternatives("""
    members? of, types? of, kinds? of, forms? of, variety of, varieties of, species of, genus of, breeds? of,
    family of, group of, class of
""")

KEPT_CUES = _alternatives("""
    resembling, covered (?:with|by|in), surrounded by, lined with, filled with, made (?:up )?of, made from,
    marked (?:with|by), topped (?:off )?(?:with|by), ending in, shaped like
""")
"""A feature follows, and the words themselves say something."""

CUES = _alternatives("""
    having, with, bearing, (?:that|which) (?:has|have|had), that consists? of, that bears?, has, have, whose,
    characterized by, distinguished by, consisting of, consists? of, composed of, possessing, producing, containing,
    followed by
""")
"""A feature follows."""

STOPS = _alternatives("""
    used(?: with| in| on| by)?, stands, native, found, suited, adapted, grown, cultivated, raised, bred, known, noted,
    valued, prized, that, which, who, for, from, belonging, when, where, while, because, so, than, at, during, in, by,
    to, as, formerly, once, of the (?:genus|family|order|class|suborder|superorder|phylum), widely, common, related,
    living, occurring, including, intended, designed, serving, served, eaten, such as, is, are, was, were, can, may,
    both, without, lacking, no, not, modified, considered, associated with, compared with,
    of (?:africa|asia|europe|america|australia|tropical|temperate|warm)
""")
"""Use, origin or company follows, which cannot be seen."""

PREPOSITIONS = _alternatives(
    "of, on, with, at, into, through, along, under, over, near, around, between, above, below, like"
)
"""The head of a noun phrase stands before one of these."""

DANGLING = _alternatives("of, on, into, with, the, an?, able, available, floating, folded, mingled")
"""Left at the end of a phrase by a cut."""
