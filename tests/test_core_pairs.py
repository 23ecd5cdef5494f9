import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.config import EncoderDefaults, KnowledgeConfig
from kec_core.errors import ShapeError
from kec_core.knowledge.pairs import similar_pairs
from tests.planted import unit

DEFAULTS = EncoderDefaults(pair_scale=10.0)


def at(*degrees):
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def reference_neighbours(phi, scale, mass):
    """N_q as methods.md 6.1 step 3 words it, one concept at a time."""
    neighbours = []
    for q in range(len(phi)):
        others = [other for other in range(len(phi)) if other != q]
        weights = np.exp([scale * float(phi[q] @ phi[other]) for other in others])
        shares = dict(zip(others, weights / weights.sum(), strict=True))
        prefix, total = [], 0.0
        for other in sorted(others, key=lambda o: -shares[o]):
            prefix.append(other)
            total += shares[other]
            if total > mass:
                break
        neighbours.append(tuple(prefix))
    return tuple(neighbours)


def test_pairs_of_a_hand_made_case():
    # 0 and 1 are close, 2 is nearest to 1, 3 lies opposite and is nearest to 2
    found = similar_pairs(at(0, 10, 40, 180), KnowledgeConfig(beta_mass=0.5), DEFAULTS)
    assert found.neighbours == ((1,), (0,), (1,), (2,))
    assert found.pairs == ((0, 1), (1, 2), (2, 3))
    assert found.note == ""


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 9), st.integers(0, 999), st.sampled_from([0.0, 0.3, 0.8, 0.99]))
def test_neighbours_are_the_shortest_prefix_with_the_mass(count, seed, mass):
    phi = unit(np.random.default_rng(seed).normal(size=(count, 6)))
    config = KnowledgeConfig(beta_mass=mass)
    found = similar_pairs(phi, config, DEFAULTS)
    assert found.neighbours == reference_neighbours(phi, 10.0, mass)
    assert set(found.pairs) == {(min(q, n), max(q, n)) for q, row in enumerate(found.neighbours) for n in row}
    assert similar_pairs(3 * phi, config, DEFAULTS).pairs == found.pairs


def test_the_scale_of_the_encoder_gives_way_to_the_persons():
    phi = at(0, 20, 30, 200)
    sharp = similar_pairs(phi, KnowledgeConfig(pair_scale=100.0), DEFAULTS)
    flat = similar_pairs(phi, KnowledgeConfig(pair_scale=0.0), DEFAULTS)
    assert sharp.neighbours == ((1,), (2,), (1,), (0,))
    assert [len(row) for row in flat.neighbours] == [3, 3, 3, 3]


def test_caps_are_kept_and_told():
    phi = unit(np.random.default_rng(0).normal(size=(8, 6)))
    config = KnowledgeConfig(pair_scale=0.0, beta_mass=0.99, max_neighbours=4, max_pairs_per_concept=1)
    found = similar_pairs(phi, config, DEFAULTS)
    cosines = phi @ phi.T
    assert len(found.pairs) == 8
    assert all(len(row) <= 4 for row in found.neighbours)
    values = [cosines[pair] for pair in found.pairs]
    assert values == sorted(values, reverse=True)
    # whoever is named a neighbour is in a pair that was kept
    assert {(min(q, n), max(q, n)) for q, row in enumerate(found.neighbours) for n in row} == set(found.pairs)
    uncut = similar_pairs(phi, KnowledgeConfig(pair_scale=0.0, beta_mass=0.99, max_neighbours=4), DEFAULTS)
    assert found.pairs == uncut.pairs[:8]
    assert "8 concepts have more similar ones than the 4" in found.note
    assert (
        f"the {len(uncut.pairs) - 8} least similar pairs were left out to stay at 1 per concept" in found.note
    )
    assert "pairs" not in uncut.note


def test_a_full_mass_takes_everyone():
    assert similar_pairs(at(0, 90, 180), KnowledgeConfig(beta_mass=1.0), DEFAULTS).pairs == (
        (0, 1),
        (1, 2),
        (0, 2),
    )


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_concepts_have_no_pairs(count):
    found = similar_pairs(np.ones((count, 4), np.float32), KnowledgeConfig(), DEFAULTS)
    assert found.pairs == ()
    assert found.neighbours == ((),) * count


def test_broken_features_are_refused():
    phi = at(0, 10)
    phi[1, 0] = np.inf
    with pytest.raises(ShapeError, match="row 1 has NaN or infinity"):
        similar_pairs(phi, KnowledgeConfig(), DEFAULTS)
