"""The default weight of the knowledge, from how decidedly words speak."""

from __future__ import annotations

import numpy as np
import pytest

from kec_core.config import ClusteringConfig
from kec_core.grounding.photos import decidedness, knowledge_weight
from kec_core.live.full import weighed


def test_sure_words_decide_and_equal_ones_do_not():
    assert decidedness(np.eye(4, dtype=np.float32)) == pytest.approx(1.0, abs=1e-6)
    assert decidedness(np.full((10, 4), 0.25, dtype=np.float32)) == pytest.approx(0.0, abs=1e-6)
    half = np.array([[0.5, 0.5, 0, 0]], dtype=np.float32)
    assert decidedness(half) == pytest.approx(0.5, abs=1e-6)


def test_one_concept_decides_nothing():
    assert decidedness(np.ones((5, 1), dtype=np.float32)) == 0.0


@pytest.mark.parametrize(
    ("decided", "weight"), [(0.0, 0.25), (0.4, 0.25), (0.45, 0.625), (0.5, 1.0), (1.0, 1.0)]
)
def test_sure_words_give_the_knowledge_weight(decided, weight):
    assert knowledge_weight(decided, 0.5) == pytest.approx(weight)


def test_words_start_no_group_where_the_knowledge_weighs_nothing():
    config = ClusteringConfig()
    assert weighed(config, 0.5).words_start == config.words_start
    assert not weighed(config, 0.0).words_start
