"""The prompts that nouns and class names are put into."""

PHOTO = ("a photo of a {}",)
"""The single noun prompt [P] (methods.md A11)."""

TPL7 = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)
"""The seven noun prompts TAC averages over [C] (methods.md 0)."""
