"""The text tower of an open_clip model, computing no more positions than the prompts have.

The tower pads every prompt to its full context (77 positions for CLIP). With a causal mask a position sees only what
comes before it, and the feature is read at the end-of-text position: what follows it never counts, so a batch cropped
to its longest prompt gives the same features.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix
from kec_core.encoders.network import Network, Once
from kec_core.encoders.networks import load_network

if TYPE_CHECKING:
    import torch

_BATCH_TOKENS = 512  # of one batch: enough to fill a core, little enough for its cache
_ENOUGH_TOKENS = 256  # such a batch takes no longer prompts: their padding would cost more than a call


class ClipModel(Protocol):
    """What is used of an open_clip model (which has no types)."""

    visual: Any
    _modules: dict[str, Any]
    logit_scale: torch.Tensor

    def eval(self) -> Self:
        """Itself, in evaluation mode."""
        ...

    def to(self, device: str) -> Self:
        """Itself, on another device."""
        ...

    def encode_image(self, image: torch.Tensor, normalize: bool) -> torch.Tensor:
        """(B, 3, side, side) to (B, d)."""
        ...

    def encode_text(self, text: torch.Tensor, normalize: bool) -> torch.Tensor:
        """Token numbers (T, context) to (T, d)."""
        ...


class _Tower(Protocol):
    positional_embedding: torch.Tensor
    attn_mask: torch.Tensor


class TextTower:
    """Encodes texts with ``model.encode_text``; may be called from many threads, which take turns.

    Attributes:
        crops: whether cropping is provably right for this tower; otherwise the full context is computed.
    """

    def __init__(
        self, model: ClipModel, tokenizer: Callable[[list[str]], torch.Tensor], device: str, key: str
    ) -> None:
        """The text tower of ``model``, which is on ``device``; ``key`` names the model and its weights."""
        tower: Any = getattr(model, "text", model)  # CLIP is its own text tower, CustomTextCLIP has one
        self.crops = _reads_forward_only(tower)
        self._tower = tower
        self._model = model
        self._module = _text_module(model, self._cropped)
        self._tokenizer = tokenizer
        self._device = device
        self._turn = threading.RLock()
        self._key = key
        self._network = Once(self._loaded)

    def __reduce__(self) -> tuple[type[TextTower], tuple[object, ...]]:
        return type(self), (self._model, self._tokenizer, self._device, self._key)

    def encode(self, texts: Sequence[str]) -> FloatMatrix:
        """One or more texts to raw float32 (T, d); prompts of like length share a batch."""
        tokens = self.tokens(texts)
        lengths = self.lengths(tokens)
        order = np.argsort(lengths, kind="stable")
        batches = (tokens[rows, : lengths[rows[-1]]].numpy() for rows in _batches(order, lengths))
        parts = self._network()(batches)
        features = np.concatenate(parts)
        features[order] = features.copy()
        return features

    def lengths(self, tokens: torch.Tensor) -> NDArray[np.int64]:
        """(T,) positions each prompt needs: up to the one its feature is read at, or all where cropping is not right."""
        if not self.crops:
            return np.full(len(tokens), tokens.shape[1])
        pool = _pool(self._tower)
        marks = tokens if pool == "argmax" else (tokens == self._end_of_text()).int()
        return np.asarray(marks.argmax(dim=-1) + 1)

    def _end_of_text(self) -> int:
        return int(getattr(self._tower, "text_eos_id", getattr(self._tower, "eos_id", 0)))

    def _loaded(self) -> Network:
        """Token numbers (B, length) to raw features (B, d), always in float32."""
        examples = [self.tokens(texts) for texts in (["cat", "dog"], ["a photo of three small cats"])]
        cropped = [tokens[:, : self.lengths(tokens).max()].numpy() for tokens in examples]
        return load_network(lambda: self._module, cropped, key=f"text tower of {self._key}", exact=True)

    def features(
        self, tokens: torch.Tensor, *, context: torch.Tensor | None = None, at: int = 0
    ) -> torch.Tensor:
        """Raw features of one batch, (B, d), on the tower's device.

        Args:
            tokens: (B, length) token numbers; cut after the position that is read, where ``crops`` allows it.
            context: (B, count, width) token embeddings to put at positions ``at`` and following, whatever the tokens
                there are; the features are differentiable by them.
            at: first position of the context.
        """
        with self._turn, self._lending(context, at):
            raw: torch.Tensor = self._module(tokens.to(self._device))
        return raw

    @contextmanager
    def _lending(self, context: torch.Tensor | None, at: int) -> Iterator[None]:
        """For the time of a call, token embeddings are replaced by ``context`` from position ``at`` on."""
        import torch

        if context is None:
            yield
            return
        given = context.to(self._device)

        def put(_module: object, _tokens: object, embedded: torch.Tensor) -> torch.Tensor:
            return torch.cat([embedded[:, :at], given, embedded[:, at + given.shape[1] :]], dim=1)

        hook = self._tower.token_embedding.register_forward_hook(put)
        try:
            yield
        finally:
            hook.remove()

    def tokens(self, texts: Sequence[str]) -> torch.Tensor:
        """Token numbers (T, context) of some texts, with start, end and padding."""
        return self._tokenizer(list(texts))

    def embeddings(self, tokens: torch.Tensor) -> torch.Tensor:
        """Embeddings of some token numbers, one row each, apart from the tower's own table."""
        found: torch.Tensor = self._tower.token_embedding(tokens.to(self._device))
        return found.detach().float().cpu()

    @contextmanager
    def _cropped(self, length: int) -> Iterator[None]:
        """For the time of a call, the tower has as many positions as its prompts."""
        if not self.crops:
            yield
            return
        parameters, buffers = self._tower._parameters, self._tower._buffers
        with self._turn:  # one thread at a time, from the reading of the whole ones on
            places, mask = parameters["positional_embedding"], buffers["attn_mask"]
            try:
                parameters["positional_embedding"] = places[:length]
                buffers["attn_mask"] = mask[:length, :length]
                yield
            finally:
                parameters["positional_embedding"], buffers["attn_mask"] = places, mask


def _reads_forward_only(tower: _Tower) -> bool:
    """Whether the tower is open_clip's own, with a causal mask, and reads the feature at the end of the text.

    Not so: Hugging Face towers, SigLIP and CLIPA (no mask), CoCa (a class token behind the padding).
    """
    import torch
    from open_clip.model import CLIP
    from open_clip.transformer import TextTransformer

    if not isinstance(tower, CLIP | TextTransformer) or getattr(tower, "cls_emb", None) is not None:
        return False
    if _pool(tower) not in ("argmax", "eos") or tower.attn_mask is None:
        return False
    looks_ahead = torch.ones_like(tower.attn_mask, dtype=torch.bool).triu(1)
    return bool(torch.isneginf(tower.attn_mask[looks_ahead]).all())


def _pool(tower: _Tower) -> str:
    return str(getattr(tower, "text_pool_type", getattr(tower, "pool_type", "")))


def _text_module(model: ClipModel, cropped: Callable[[int], AbstractContextManager[None]]) -> torch.nn.Module:
    """A module whose call is ``model.encode_text``, raw, with no more positions than there are tokens."""
    import torch

    class EncodeText(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            with cropped(tokens.shape[1]):
                return self.model.encode_text(tokens, normalize=False)

    return EncodeText().eval()


def _batches(order: NDArray[np.intp], lengths: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Cut rows sorted by length into batches: at most ``_BATCH_TOKENS`` with padding, and little padding in them."""
    start = 0
    for end in range(1, len(order)):
        length, next_length = lengths[order[end - 1]], lengths[order[end]]
        full = (end - start + 1) * next_length > _BATCH_TOKENS
        if full or (next_length > length and (end - start) * length >= _ENOUGH_TOKENS):
            yield order[start:end]
            start = end
    yield order[start:]
