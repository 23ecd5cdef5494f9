"""Networks through OpenVINO and through torch: the same rows, in order, whatever happens to the converted file."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from kec_core.encoders import networks
from kec_core.encoders.network import MIN_COSINE, example_photos
from kec_core.encoders.networks import TorchNetwork, load_network
from kec_core.errors import Cancelled

pytest.importorskip("openvino")
from kec_core.encoders import openvino_network

pytestmark = pytest.mark.skipif(not networks._has_openvino(), reason="OpenVINO is used on x86 CPUs")

ROWS = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)


class Small(torch.nn.Module):
    """Two layers with weights of their own, and how often it was asked for."""

    made = 0

    def __init__(self):
        super().__init__()
        Small.made += 1
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.layers = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.GELU(), torch.nn.Linear(8, 3))

    def forward(self, rows):
        return self.layers(rows)


class Branching(Small):
    """Computes something else for two rows or more, which tracing one row does not see."""

    def forward(self, rows):
        return self.layers(rows) if len(rows) == 1 else -self.layers(rows)


class Unknown(Small):
    """Something that the converter does not know."""

    def forward(self, rows):
        return torch.special.bessel_j0(self.layers(rows))


@pytest.fixture(autouse=True)
def _cpu_and_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(networks, "best_device", lambda: "cpu")
    monkeypatch.setattr(Small, "made", 0)


def load(module=Small, **options):
    return load_network(module, (ROWS[:1], ROWS), key="small", **options)


def expected(module=Small):
    with torch.inference_mode():
        return module()(torch.from_numpy(ROWS)).numpy()


def assert_close(rows, wanted):
    cosines = (rows * wanted).sum(1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(wanted, axis=1)
    assert cosines.min() >= MIN_COSINE


@pytest.mark.parametrize("rows_in_flight", [None, 1, 3])
def test_rows_are_those_of_torch_in_order(rows_in_flight):
    network = load(rows_in_flight=rows_in_flight)
    assert isinstance(network, openvino_network.OpenVinoNetwork)
    first, second = network([ROWS, ROWS[:2]])
    assert_close(first, expected())
    assert_close(second, expected()[:2])


def test_exact_computes_in_float32():
    network = load(exact=True)
    assert not network.bf16
    np.testing.assert_allclose(network([ROWS])[0], expected(), atol=1e-5)


def test_a_converted_network_is_kept():
    load()
    made = Small.made
    assert_close(load()([ROWS])[0], expected())
    assert made == 1
    assert Small.made == made + 1  # only the one of ``expected``


def test_no_statistics_of_use_are_begun(monkeypatch):
    telemetry = pytest.importorskip("openvino_telemetry")
    begun = []
    monkeypatch.setattr(telemetry.Telemetry, "start_session", lambda *_args, **_more: begun.append(1))
    load()
    assert not begun


def test_another_key_is_another_network():
    load()
    made = Small.made
    load_network(Small, (ROWS[:1], ROWS), key="another")
    assert Small.made == made + 1


@pytest.mark.parametrize("suffix", ["xml", "bin"])
def test_a_damaged_file_is_made_again(tmp_path, suffix):
    load()
    (file,) = (tmp_path / "cache").rglob(f"network.{suffix}")
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    assert_close(load()([ROWS])[0], expected())
    made = Small.made
    load()
    assert Small.made == made


def test_a_cache_that_cannot_be_written_is_no_hindrance(monkeypatch, caplog):
    def full(*_arguments, **_options):
        raise RuntimeError("no space left")

    monkeypatch.setattr(openvino_network.ov, "save_model", full)
    assert_close(load()([ROWS])[0], expected())
    assert "no space left" in caplog.text


@pytest.mark.parametrize("module", [Branching, Unknown])
def test_what_openvino_computes_otherwise_is_left_to_torch(module, caplog):
    network = load(module)
    assert isinstance(network, TorchNetwork)
    assert "computed by torch" in caplog.text
    np.testing.assert_allclose(network([ROWS])[0], expected(module), rtol=1e-5, atol=1e-5)


def test_without_openvino_torch_computes(monkeypatch):
    monkeypatch.setattr(networks, "_has_openvino", lambda: False)
    network = load()
    assert isinstance(network, TorchNetwork)
    np.testing.assert_allclose(network([ROWS])[0], expected(), atol=1e-5)


def test_stopping_between_batches_leaves_the_network_usable():
    network = load(rows_in_flight=1)

    def batches():
        yield ROWS
        raise Cancelled

    with pytest.raises(Cancelled):
        network(batches())
    assert_close(network([ROWS])[0], expected())


def test_many_threads_may_use_one_network():
    network = load(rows_in_flight=1)
    wanted = expected()
    with ThreadPoolExecutor(6) as pool:
        for number, (rows,) in enumerate(pool.map(lambda n: network([ROWS[n % 7 :]]), range(40))):
            assert_close(rows, wanted[number % 7 :])


def test_torch_halves_a_batch_that_does_not_fit_in_memory():
    sizes = []

    class Narrow(Small):
        def forward(self, rows):
            sizes.append(len(rows))
            if len(rows) > 2:
                raise torch.OutOfMemoryError
            return super().forward(rows)

    (rows,) = TorchNetwork(Narrow(), "cpu")([ROWS])
    np.testing.assert_allclose(rows, expected(), atol=1e-5)
    assert sizes == [7, 3, 1, 2, 4, 2, 2]


def test_a_single_row_that_does_not_fit_is_an_error():
    class Never(Small):
        def forward(self, rows):
            raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        TorchNetwork(Never(), "cpu")([ROWS])


@pytest.mark.parametrize(("error", "kept"), [(0.001, True), (0.5, False)])
def test_bfloat16_is_used_only_where_its_rows_are_the_same(monkeypatch, caplog, error, kept):
    class Coarse(openvino_network.OpenVinoNetwork):
        def __init__(self, model, *, bf16, rows_in_flight):
            super().__init__(model, bf16=False, rows_in_flight=rows_in_flight)
            self.bf16 = bf16

        def __call__(self, batches):
            wrong = np.array([error, -error, error], dtype=np.float32) if self.bf16 else 0
            return [rows + wrong for rows in super().__call__(batches)]

    monkeypatch.setattr(openvino_network, "OpenVinoNetwork", Coarse)
    monkeypatch.setattr(openvino_network, "_has_bf16", lambda: True)
    assert load().bf16 == kept
    assert ("too coarse" in caplog.text) != kept


@pytest.mark.parametrize(
    ("exact_too", "wanted", "said"),
    [
        (False, openvino_network.OpenVinoNetwork, "bfloat16 cannot be used (no primitive)"),
        (True, TorchNetwork, "on this processor (no primitive)"),
    ],
)
def test_what_openvino_compiles_but_cannot_compute_is_computed_otherwise(
    monkeypatch, caplog, exact_too, wanted, said
):
    load()  # converted and kept before

    class Unable(openvino_network.OpenVinoNetwork):
        def __call__(self, batches):
            if self.bf16 or exact_too:
                raise RuntimeError("no\nprimitive")
            return super().__call__(batches)

    monkeypatch.setattr(openvino_network, "OpenVinoNetwork", Unable)
    monkeypatch.setattr(openvino_network, "_has_bf16", lambda: True)
    network = load()
    assert isinstance(network, wanted)
    assert not network.bf16
    assert said in caplog.text
    assert_close(network([ROWS])[0], expected())


@pytest.mark.parametrize("limit", ["AVX2", "SSE41"])
def test_older_instructions_than_the_processor_has_are_enough(limit):
    """Convolution, softmax and normalisation are where OpenVINO fails in bfloat16 when oneDNN is held to these."""
    program = """
import numpy as np, torch
from torch import nn
from kec_core.encoders.networks import load_network
rows = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
make = lambda: nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU6(), nn.Flatten(), nn.LayerNorm(576), nn.Softmax(dim=1))
torch.manual_seed(0)
module = make().eval()
(computed,) = load_network(lambda: module, (rows[:1], rows), key="old")([rows])
with torch.inference_mode():
    wanted = module(torch.from_numpy(rows)).numpy()
print(float((computed * wanted).sum() / np.linalg.norm(computed) / np.linalg.norm(wanted)))
"""
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": limit}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) >= MIN_COSINE


def test_networks_of_photos_are_proved_with_smooth_pictures_too():
    first, photos = example_photos(20, 30)
    np.testing.assert_array_equal(first, photos[:1])
    assert (photos.shape, photos.dtype, np.abs(photos).max()) == ((3, 3, 20, 30), np.float32, 1)
    steps = np.abs(np.diff(photos, axis=-1)).max(axis=(1, 2, 3))
    assert steps[0] < 0.1 < steps[1]
    assert steps[2] == 0
