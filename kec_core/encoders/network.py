"""What computes batches: its protocol, and how far two ways of computing may differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

MIN_COSINE: Final = 0.999
"""What two ways of computing a network may differ by: least cosine between rows of the same input."""
Batch = NDArray[Any]
"""Rows of one input, float32 or int64 (B, ...)."""


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
