import numpy as np
import pytest

from kec_core.arrays import l2_normalize
from kec_core.clustering import bootstrap_agreement
from kec_core.errors import Cancelled


def blobs(spread, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.eye(16, dtype=np.float32)[:4]
    return l2_normalize(
        np.repeat(centres, 40, axis=0) + spread * rng.normal(size=(160, 16)).astype(np.float32)
    )


def open_share(spread):
    return 1 - float(bootstrap_agreement(blobs(spread), 4).mean())


def test_clear_groups_are_never_left_open():
    agreement = bootstrap_agreement(blobs(0.05), 4)
    assert agreement.shape == (160,)
    np.testing.assert_array_equal(agreement, 1.0)


def test_noise_is_left_open():
    assert open_share(0.2) < 0.1 < 0.3 < open_share(3.0) <= 1.0


def test_same_seed_same_agreement():
    x = blobs(1.0)
    np.testing.assert_array_equal(bootstrap_agreement(x, 4, seed=3), bootstrap_agreement(x, 4, seed=3))


def test_it_can_be_cancelled():
    def stop(done, _total, _label):
        if done == 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        bootstrap_agreement(blobs(1.0), 4, progress=stop)


def test_one_cluster_is_always_stable():
    np.testing.assert_array_equal(bootstrap_agreement(blobs(1.0), 1), 1.0)
