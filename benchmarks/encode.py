"""Encoding photos and words with CLIP ViT-B/32 and photos with the compact encoder, beside the plain loops, in one run.

    kec bench encode [--images 96] [--side 1600] [--strings 400] [--compact-images 96] [--compact-side 500] [--seed 0]

Random weights for CLIP (they take the same time as trained ones), synthetic JPEG photos, nouns of WordNet. Plain: the
loop of open_clip's README in batches: float32, photos opened one after the other, every prompt padded to 77 positions;
for the compact encoder the same loop around the package's own network. Its network alone, with photos that are decoded
already, is the limit. ``--compact-side 4000`` makes photos of 12 megapixels.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks.common import options_parser
from kec_core.arrays import FloatMatrix
from kec_core.encoders import Encoder, encode_files, encode_texts, load_encoder
from kec_core.encoders.imagenet import weights_file
from kec_core.encoders.openclip import OpenClipEncoder, load_open_clip
from kec_core.wordnet.vocabulary import wordnet_vocabulary
from kec_core.wordnet.wordnet import load_wordnet

if TYPE_CHECKING:
    import torch

MODEL = "ViT-B-32"
PROMPT = "a photo of a {}"
BATCH = 32
TURNS = 3

Item = TypeVar("Item")


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Images and strings per second, ours and plain, and how far the features differ; see the module."""
    parser = options_parser(
        "encode", images=96, side=1600, strings=400, compact_images=96, compact_side=500, seed=0
    )
    arguments = parser.parse_args(options)
    with tempfile.TemporaryDirectory(prefix="kec-bench-") as name:
        folder = Path(name)
        encoder = _random_model(folder, arguments.seed)
        photos = _photos(folder, arguments.images, arguments.side, arguments.seed)
        return {
            "images": _compare_images(encoder, photos),
            "texts": _compare_texts(encoder, _nouns(arguments.strings, arguments.seed)),
            "compact": _compare_compact(
                _photos(folder, arguments.compact_images, arguments.compact_side, arguments.seed)
            ),
            "model": MODEL,
            "cores": os.cpu_count(),
        }


def _compare_images(encoder: OpenClipEncoder, photos: Sequence[Path]) -> dict[str, Any]:
    encode_files(encoder, photos[:8])  # the first call prepares kernels
    plain, ours, speeds = _in_turns(
        photos, lambda part: _plain_images(encoder, part), lambda part: encode_files(encoder, part).features
    )
    return {**speeds, "bf16": encoder.bf16, "cosine_min": _cosine_min(plain, ours)}


def _compare_compact(photos: Sequence[Path]) -> dict[str, Any]:
    """The compact encoder from disk, the plain loop around its network, and the network alone."""
    encoder, network = load_encoder("compact"), _plain_compact()
    encode_files(encoder, photos[:8])
    plain, ours, speeds = _in_turns(
        photos,
        lambda part: _plain_loop(encoder, network, part),
        lambda part: encode_files(encoder, part).features,
    )
    pixels = np.stack([encoder.preprocess(Image.open(photo)) for photo in photos[:BATCH]])
    _, seconds = _timed(lambda _part: encoder.encode_images(pixels), photos)
    return {
        **speeds,
        "network_per_second": round(len(pixels) / seconds, 2),
        "cosine_min": _cosine_min(plain, ours),
    }


def _plain_compact() -> Callable[[torch.Tensor], torch.Tensor]:
    """The network as its package makes it."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(weights_file(), weights_only=True))
    network.eval()
    return lambda pixels: network.extract_features(pixels).mean(dim=(2, 3))


def _plain_loop(
    encoder: Encoder, network: Callable[[torch.Tensor], torch.Tensor], photos: Sequence[Path]
) -> FloatMatrix:
    import torch

    parts = []
    for start in range(0, len(photos), BATCH):
        batch = np.stack([encoder.preprocess(Image.open(photo)) for photo in photos[start : start + BATCH]])
        with torch.no_grad():
            parts.append(network(torch.from_numpy(batch)).numpy())
    return np.concatenate(parts)


def _cosine_min(plain: FloatMatrix, ours: FloatMatrix) -> float:
    cosines = (plain * ours).sum(axis=1) / (np.linalg.norm(plain, axis=1) * np.linalg.norm(ours, axis=1))
    return round(float(cosines.min()), 6)


def _compare_texts(encoder: OpenClipEncoder, nouns: Sequence[str]) -> dict[str, Any]:
    encode_texts(encoder, nouns[:8], templates=(PROMPT,))
    plain, ours, speeds = _in_turns(
        nouns,
        lambda part: _plain_texts(encoder, [PROMPT.format(noun) for noun in part]),
        lambda part: encode_texts(encoder, part, templates=(PROMPT,)),
    )
    norm = round(float(np.linalg.norm(plain, axis=1).mean()), 3)
    return {**speeds, "max_difference": float(np.abs(plain - ours).max()), "norm_mean": norm}


def _in_turns(
    items: Sequence[Item],
    plain: Callable[[Sequence[Item]], FloatMatrix],
    ours: Callable[[Sequence[Item]], FloatMatrix],
) -> tuple[FloatMatrix, FloatMatrix, dict[str, Any]]:
    """Features both ways and the speeds; in turns, so that a busy moment of the machine hits both."""
    size = -(-len(items) // TURNS)
    parts = [items[start : start + size] for start in range(0, len(items), size)]
    runs = [(_timed(plain, part), _timed(ours, part)) for part in parts]
    seconds = [sum(run[side][1] for run in runs) for side in (0, 1)]
    speeds = {
        "count": len(items),
        "ours_per_second": round(len(items) / seconds[1], 2),
        "plain_per_second": round(len(items) / seconds[0], 2),
        "ratio": round(seconds[0] / seconds[1], 2),
    }
    return np.concatenate([run[0][0] for run in runs]), np.concatenate([run[1][0] for run in runs]), speeds


def _plain_images(encoder: OpenClipEncoder, photos: Sequence[Path]) -> FloatMatrix:
    import open_clip
    import torch

    settings = open_clip.transform.PreprocessCfg(**encoder.model.visual.preprocess_cfg)
    preprocess = open_clip.transform.image_transform_v2(settings, is_train=False)
    parts = []
    for start in range(0, len(photos), BATCH):
        batch = torch.stack([preprocess(Image.open(photo)) for photo in photos[start : start + BATCH]])
        with torch.no_grad():
            parts.append(encoder.model.encode_image(batch.to(encoder.device), normalize=False).cpu().numpy())
    return np.concatenate(parts)


def _plain_texts(encoder: OpenClipEncoder, prompts: Sequence[str]) -> FloatMatrix:
    import open_clip
    import torch

    tokenizer = open_clip.get_tokenizer(MODEL)
    parts = []
    for start in range(0, len(prompts), BATCH):
        tokens = tokenizer(list(prompts[start : start + BATCH]))
        with torch.no_grad():
            parts.append(encoder.model.encode_text(tokens.to(encoder.device), normalize=False).cpu().numpy())
    return np.concatenate(parts)


def _timed(work: Callable[[Sequence[Item]], FloatMatrix], items: Sequence[Item]) -> tuple[FloatMatrix, float]:
    started = time.perf_counter()
    result = work(items)
    return result, time.perf_counter() - started


def _random_model(folder: Path, seed: int) -> OpenClipEncoder:
    import open_clip
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = open_clip.create_model(MODEL)
    file = folder / "random.pt"
    torch.save(model.state_dict(), file)
    return load_open_clip(f"{MODEL}/{file}")


def _photos(folder: Path, count: int, side: int, seed: int) -> list[Path]:
    """JPEG files with shapes of every size, like photos and unlike noise."""
    rng = np.random.default_rng(seed)
    paths = [folder / f"{number:05d}.jpg" for number in range(count)]
    for path in paths:
        coarse: NDArray[np.uint8] = rng.integers(0, 256, size=(12, 16, 3), dtype=np.uint8)
        fine: NDArray[np.uint8] = rng.integers(0, 256, size=(90, 120, 3), dtype=np.uint8)
        below, above = (
            Image.fromarray(part).resize((side, side * 3 // 4), Image.Resampling.BICUBIC)
            for part in (coarse, fine)
        )
        Image.blend(below, above, 0.3).filter(ImageFilter.SHARPEN).save(path, quality=90)
    return paths


def _nouns(count: int, seed: int) -> list[str]:
    vocabulary = wordnet_vocabulary(load_wordnet())
    chosen = np.random.default_rng(seed).choice(
        len(vocabulary), size=min(count, len(vocabulary)), replace=False
    )
    return [vocabulary[number].word for number in sorted(chosen)]
