"""Prompts with learned tokens through the frozen text tower of an open_clip model (methods.md 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kec_core.encoders.base import Encoder
from kec_core.encoders.openclip import OpenClipEncoder
from kec_core.encoders.openclip_text import TextTower

if TYPE_CHECKING:
    import torch

PREFIX = "a photo of a"
PLACEHOLDER = "x"  # one token of its own in CLIP's vocabulary


class LearnedPrompts:
    """A tower that reads "a photo of a", some given embeddings and ".", and can say how they should change."""

    def __init__(self, tower: TextTower) -> None:
        self._tower = tower

    def start(self, words: Sequence[str], length: int) -> torch.Tensor:
        """Token embeddings of each word, cut or repeated to ``length`` tokens: (K, length, width)."""
        import torch

        tokens = self._tower.tokens(words)
        ends = self._tower.lengths(tokens) - 1
        # between start and end; a word that the tokenizer drops altogether starts at the end's own embedding
        rows = [line[1 : max(end, 2)] for line, end in zip(tokens, ends, strict=True)]
        return self._tower.embeddings(torch.stack([row.repeat(length)[:length] for row in rows]))

    def features(self, context: torch.Tensor) -> torch.Tensor:
        """Raw text features (K, d) of the prompts around ``context`` (K, length, width); differentiable by it."""
        count, length, _ = context.shape
        tokens, at = self._template(length)
        return self._tower.features(tokens.expand(count, -1), context=context, at=at).float().cpu()

    def fits(self) -> bool:
        """Whether the tokenizer leaves exactly the room that is asked for."""
        tokens, at = self._template(2)
        longer, _ = self._template(3)
        room = tokens[0, at : at + 2]
        return longer.shape[1] == tokens.shape[1] + 1 and bool((room == room[0]).all())

    def _template(self, length: int) -> tuple[torch.Tensor, int]:
        """Token numbers of a prompt with room for the context, (1, positions), and where that begins."""
        text = f"{PREFIX} {' '.join([PLACEHOLDER] * length)}."
        tokens = self._tower.tokens([text, PREFIX])
        whole, before = self._tower.lengths(tokens)
        return tokens[:1, :whole], int(before) - 1


def learned_prompts(encoder: Encoder) -> LearnedPrompts | None:
    """The encoder's tower for learning prompts; None where it has none whose positions are known."""
    if not (isinstance(encoder, OpenClipEncoder) and encoder.text.crops):
        return None
    prompts = LearnedPrompts(encoder.text)
    return prompts if prompts.fits() else None
