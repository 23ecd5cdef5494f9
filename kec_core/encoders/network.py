"""What computes batches: its protocol, how far two ways of computing may differ, and making it at its first use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class Once(Generic[T]):
    """A value that is made when it is first asked for; whoever asks meanwhile waits for the same one.

    A copy makes its own, so what holds one can be copied and pickled whatever the value is.

    Args:
        make: makes it; when it raises, nothing is kept and the next one who asks tries again.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []
        self._making = threading.Lock()

    def __reduce__(self) -> tuple[type[Once[T]], tuple[Callable[[], T]]]:
        return type(self), (self._make,)

    def __call__(self) -> T:
        """The value."""
        with self._making:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


MIN_COSINE: Final = 0.999
"""What two ways of computing a network may differ by: least cosine between rows of the same input."""
Batch = NDArray[Any]
"""Rows of one input, float32 or int64 (B, ...)."""


def example_photos(height: int, width: int) -> tuple[Batch, Batch]:
    """What networks of photos are proved with: float32 (1, 3, height, width) and (3, 3, height, width).

    Noise, a ramp and an even area: of noise alone bfloat16 seems much finer than it is of photos, whose smooth areas
    show most what is rounded away (compact encoder: cosine of noise .9987, of photos .93 to .999, of an even area .93).
    """
    ramp = np.broadcast_to(np.linspace(-1, 1, width), (3, height, width))
    noise = np.random.default_rng(0).uniform(-1, 1, ramp.shape)
    photos = np.stack([ramp, noise, np.full_like(ramp, 0.9)]).astype(np.float32)
    return photos[:1], photos


class ConversionError(RuntimeError):
    """OpenVINO cannot compute a module, or computes something else."""


class Network(Protocol):
    """Computes batches whose rows do not depend on each other; may be called from many threads."""

    @property
    def bf16(self) -> bool:
        """Whether it computes in bfloat16, because this machine does so faster."""
        ...

    def __call__(self, batches: Iterable[Batch]) -> list[NDArray[np.float32]]:
        """Float32 (B, ...) for each batch, in order; a batch is taken when there is room, so the iterable sets the pace."""
        ...
