"""Networks ready to compute: through OpenVINO on x86 CPUs, through torch on GPUs and everywhere else.

Both give the same rows up to rounding (cosine at least ``MIN_COSINE``, bfloat16 included), so the features that one made
are good for the other: no cache key tells them apart.
"""

from __future__ import annotations

import logging
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from kec_core.encoders.network import Batch, ConversionError, Network
from kec_core.paths import exists

if TYPE_CHECKING:
    import torch

_GPU_FILES: Final = (
    "/dev/nvidiactl",
    "/dev/dxg",
    "/dev/kfd",
)  # one of these exists on Linux with a GPU for torch
log = logging.getLogger(__name__)


def load_network(
    make: Callable[[], torch.nn.Module],
    examples: Sequence[Batch],
    *,
    key: str,
    exact: bool = False,
    rows_in_flight: int | None = None,
) -> Network:
    """A network of one input and one output on what this machine computes with best.

    Args:
        make: builds the module, in float32; not called where a converted one is in the cache folder.
        examples: batches to convert it with (the first one) and to prove the converted one (all): where a dimension
            may vary it should vary among them.
        key: names the module and its weights.
        exact: compute in float32 even where bfloat16 is faster.
        rows_in_flight: rows that are computed together on a CPU; None: whole batches.
    """
    device = best_device()
    if device == "cpu" and _has_openvino():
        from kec_core.encoders.openvino_network import load_openvino

        try:
            return load_openvino(make, examples, key=key, exact=exact, rows_in_flight=rows_in_flight)
        except ConversionError as error:
            log.warning("A network is computed by torch, more slowly: %s", error)
    return TorchNetwork(make(), device, exact=exact)


class TorchNetwork:
    """A torch module as a Network."""

    def __init__(self, module: torch.nn.Module, device: str, *, exact: bool = False) -> None:
        """Move ``module`` to ``device``, see ``load_network``."""
        import torch

        self._module = module.eval().to(device)
        self._device = device
        self.bf16 = (
            not exact and device == "cuda" and bool(torch.cuda.is_bf16_supported(including_emulation=False))
        )

    def __call__(self, batches: Iterable[Batch]) -> list[NDArray[np.float32]]:
        """See Network."""
        return [self._rows(batch) for batch in batches]

    def _rows(self, batch: Batch) -> NDArray[np.float32]:
        """One batch; in halves if it does not fit in memory."""
        import torch

        try:
            with torch.inference_mode(), torch.autocast(self._device, torch.bfloat16, enabled=self.bf16):
                rows: torch.Tensor = self._module(torch.from_numpy(batch).to(self._device))
                computed: NDArray[np.float32] = rows.float().cpu().numpy()
                return computed
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
        # Not within the handler: the error would hold on to the memory of the failed call.
        half = len(batch) // 2
        return np.concatenate([self._rows(batch[:half]), self._rows(batch[half:])])


def best_device() -> str:
    """The device torch computes on: "cuda" when it can use a GPU, else "cpu"."""
    if sys.platform == "linux" and not any(exists(Path(file)) for file in _GPU_FILES):
        return "cpu"  # known without importing torch, which takes seconds
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@cache
def _has_openvino() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64") and find_spec("openvino") is not None
