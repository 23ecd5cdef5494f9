"""Networks through OpenVINO: converted from torch once, kept in the cache folder, several requests in flight."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from kec_core.arrays import blocks, fingerprint
from kec_core.disk import reason, short
from kec_core.encoders.network import MIN_COSINE, Batch, ConversionError
from kec_core.paths import is_folder
from kec_core.store import cache_dir

if TYPE_CHECKING:
    import torch

_DEVICE = "CPU"
_FILE = "network.xml"

log = logging.getLogger(__name__)

# The binding looks up numpy when it first makes an array. Two threads that are first at once can wait for each other
# for ever, one for the interpreter's lock, one for the lookup; within an import only one thread is.
_FIRST_ARRAY = ov.Tensor(np.zeros(1, dtype=np.float32)).data


class OpenVinoNetwork:
    """A compiled model as a Network: one request per core, each on a stream of its own."""

    def __init__(self, model: ov.Model, *, bf16: bool, rows_in_flight: int | None) -> None:
        """Compile for this machine, see ``load_network``."""
        self.bf16 = bf16
        self._rows_in_flight = rows_in_flight
        compiled = ov.Core().compile_model(
            model,
            _DEVICE,
            {
                "PERFORMANCE_HINT": "THROUGHPUT",
                "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
                # A stream tied to a core waits for whatever else runs there.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._at_once = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._free: SimpleQueue[ov.InferRequest] = SimpleQueue()
        for _ in range(self._at_once):
            self._free.put(compiled.create_infer_request())

    def __call__(self, batches: Iterable[Batch]) -> list[NDArray[np.float32]]:
        """See Network."""
        # Threads rather than OpenVINO's own queue, whose end can wait for a callback that waits for the interpreter.
        with ThreadPoolExecutor(self._at_once) as pool:
            waiting: deque[Future[Any]] = deque()
            computed: list[list[Future[Any]]] = []
            for batch in batches:
                computed.append([])
                for part in blocks(len(batch), self._rows_in_flight or len(batch)):
                    computed[-1].append(pool.submit(self._infer, batch[part]))
                    waiting.append(computed[-1][-1])
                    if len(waiting) > 2 * self._at_once:
                        waiting.popleft().result()
            return [np.concatenate([part.result() for part in parts]) for parts in computed]

    def _infer(self, rows: Batch) -> NDArray[np.float32]:
        request = self._free.get()
        try:
            found: NDArray[np.float32] = request.infer({0: np.ascontiguousarray(rows)})[0]
            return found.astype(np.float32, copy=False)
        finally:
            self._free.put(request)


def load_openvino(
    make: Callable[[], torch.nn.Module],
    examples: Sequence[Batch],
    *,
    key: str,
    exact: bool,
    rows_in_flight: int | None,
) -> OpenVinoNetwork:
    """The converted network: from the cache folder, or converted now; see ``load_network``.

    In bfloat16 only if its rows for the examples are then the same within ``MIN_COSINE``.

    Raises:
        ConversionError: OpenVINO cannot compute this module, or computes something else.
    """
    folder = cache_dir() / f"network-{fingerprint(ov.get_version(), key)}"
    try:
        model = ov.Core().read_model(folder / _FILE)
    except RuntimeError:  # not there, or damaged
        model = _converted(make, examples)
        _store(model, folder)
    try:
        plain = OpenVinoNetwork(model, bf16=False, rows_in_flight=rows_in_flight)
        expected = plain(examples)
    except RuntimeError as error:
        raise ConversionError(f"OpenVINO cannot compute it on this processor ({short(error)}).") from error
    if exact or not _has_bf16():
        return plain
    try:
        network = OpenVinoNetwork(model, bf16=True, rows_in_flight=rows_in_flight)
        least = min(map(_least_cosine, network(examples), expected))
    except RuntimeError as error:  # OpenVINO was told to do without instructions that the processor has
        log.warning("bfloat16 cannot be used (%s), so a network computes in float32.", short(error))
        return plain
    if least >= MIN_COSINE:  # NaN counts as different
        return network
    log.warning("bfloat16 is too coarse for a network (cosine %.4f), so it computes in float32.", least)
    return plain


def _has_bf16() -> bool:
    return "BF16" in ov.Core().get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")


def _converted(make: Callable[[], torch.nn.Module], examples: Sequence[Batch]) -> ov.Model:
    """Convert a module and prove it: the rows of all examples are those that torch computes.

    Raises:
        ConversionError: see ``load_openvino``.
    """
    import torch

    module = make().eval()
    inputs = [torch.from_numpy(example) for example in examples]
    try:
        # With gradients: without them torch's transformers take a path of their own that OpenVINO does not know.
        with torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about what may not be traced: proved below instead
            trace: Callable[..., torch.jit.ScriptModule] = torch.jit.trace
            traced = trace(module, inputs[0], check_trace=False, strict=False)
            model = _frontend(traced, inputs[0])
        computed = OpenVinoNetwork(model, bf16=False, rows_in_flight=None)(examples)
    except Exception as error:  # tracing and converters raise anything on modules they do not know
        raise ConversionError(f"OpenVINO cannot compute it ({type(error).__name__}).") from error
    with torch.inference_mode():
        expected = [module(rows).float().numpy() for rows in inputs]
    least = min(_least_cosine(*pair) for pair in zip(computed, expected, strict=True))
    if not least >= MIN_COSINE:  # NaN counts as different
        raise ConversionError(f"OpenVINO computes something else (cosine {least:.4f}).")
    return model


def _frontend(traced: torch.jit.ScriptModule, example: torch.Tensor) -> ov.Model:
    """Convert by OpenVINO's frontend itself: ``ov.convert_model`` would send statistics of its use to its makers."""
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    manager = FrontEndManager()
    frontend = manager.load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced, example_input=(example,))  # must outlive the conversion
    return frontend.convert(frontend.load(decoder))


def _least_cosine(computed: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    a, b = (rows.reshape(len(rows), -1).astype(np.float64) for rows in (computed, expected))
    return float(((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min())


def _store(model: ov.Model, folder: Path) -> None:
    """Keep a converted network; that it could not be written is only logged."""
    fresh = folder.with_name(f".{folder.name}.new{os.getpid()}")
    try:
        fresh.mkdir(parents=True)
        ov.save_model(model, fresh / _FILE, compress_to_fp16=False)
        if is_folder(folder):  # it could not be read
            shutil.rmtree(folder)
        fresh.rename(folder)
    except (OSError, RuntimeError) as error:
        why = reason(error, folder.parent) if isinstance(error, OSError) else str(error)
        log.warning("%s could not be written (%s); it is made again next time.", folder, why)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
