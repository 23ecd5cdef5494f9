"""Numbers with their nouns, as sentences for people have them."""


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 photo, 2,000 photos; ``many`` is for nouns that take no s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
