"""Which photo is asked about next, who follows an answer, and what the photos drawn at random say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kec_core.clustering.examples import followers, prototypes
from kec_core.knowledge.edits import parse_script
from kec_core.live import LiveState, start
from kec_core.live.edited import edited
from kec_core.suggestions import questions
from kec_core.suggestions.questions import (
    EVERY,
    LIKELY,
    likely_clusters,
    next_pair,
    next_question,
    placed_rows,
    right_share,
)
from tests.live_clusters import IMAGES, begin, of


def apply(state: LiveState, *edits: dict) -> LiveState:
    return edited(
        state, parse_script({"edits": list(edits)}), names=lambda s: {c: f"g{c}" for c in cluster_ids(s)}
    ).state


def cluster_ids(state: LiveState) -> list[int]:
    return np.unique(state.clustering.labels).tolist()


def cluster_of(state: LiveState, image: str) -> int:
    return int(state.clustering.labels[IMAGES.index(image)])


def mixed() -> LiveState:
    """Half of the cats are in the group of the dogs."""
    state = begin()
    labels = state.clustering.labels.copy()
    labels[: len(of("cat")) // 2] = cluster_of(state, "dog00.jpg")
    return start(state.collection, state.knowledge, replace(state.clustering, labels=labels))


def test_photos_like_an_example_follow_it_and_the_others_stay():
    state = mixed()
    right, before = cluster_of(state, "cat11.jpg"), state.clustering.labels
    done = apply(
        state,
        *({"op": "move_photos", "images": [i], "cluster": right, "follow": True} for i in of("cat", last=2)),
    )
    assert [cluster_of(done, image) for image in of("cat")] == [right] * 12
    others = slice(12, None)
    np.testing.assert_array_equal(done.clustering.labels[others], before[others])


def test_without_follow_only_the_named_photos_move():
    state = mixed()
    right = cluster_of(state, "cat11.jpg")
    done = apply(state, {"op": "move_photos", "images": of("cat", last=2), "cluster": right})
    assert np.flatnonzero(done.clustering.labels != state.clustering.labels).tolist() == [0, 1]


def test_photos_that_were_placed_and_those_of_a_ticked_off_group_never_follow():
    state = mixed()
    dogs, cats = cluster_of(state, "dog00.jpg"), cluster_of(state, "cat11.jpg")
    state = apply(state, {"op": "move_photos", "images": ["cat02.jpg"], "cluster": dogs})
    kept = apply(
        state,
        *({"op": "move_photos", "images": [i], "cluster": cats, "follow": True} for i in of("cat", last=2)),
    )
    assert cluster_of(kept, "cat02.jpg") == dogs
    ticked = apply(
        state,
        {"op": "set_cluster_done", "cluster": dogs, "done": True},
        {"op": "move_photos", "images": ["cat00.jpg"], "cluster": cats, "follow": True},
    )
    assert np.flatnonzero(ticked.clustering.labels != state.clustering.labels).tolist() == [0]


def test_placed_photos_weigh_more_than_the_other_members():
    x = np.zeros((101, 2), dtype=np.float32)
    x[:100, 0], x[100, 1] = 1, 1
    (mean,) = prototypes(x, np.zeros(101, dtype=np.int32), np.array([100]), 1)
    assert mean == pytest.approx(np.array([5, 1]) / np.sqrt(26), abs=1e-5)


def test_nobody_follows_when_all_photos_are_held():
    state = mixed()
    labels = state.clustering.labels.copy()
    held = np.ones(len(labels), dtype=bool)
    found = followers(state.fused(), labels, np.array([0]), int(labels[40]), labels[:1], held)
    assert not len(found)


def test_the_question_is_about_an_open_photo_with_the_likely_groups_first():
    state = mixed()
    question = next_question(state, asked=0)
    assert question is not None
    assert not question.drawn
    assert set(question.clusters) <= set(cluster_ids(state))
    assert len(question.clusters) <= LIKELY
    assert cluster_of(state, "cat11.jpg") in question.clusters[:2]
    assert IMAGES[question.row][:3] in ("cat", "dog")  # where the groups are unclear
    assert next_question(state, asked=0) == question
    other = next_question(state, asked=0, skipped=frozenset({question.row}))
    assert other is not None
    assert other.row != question.row


def test_a_photo_that_surely_lies_in_a_wrong_group_is_asked_about_first():
    state = begin()
    labels = state.clustering.labels.copy()
    labels[IMAGES.index("cat03.jpg")] = cluster_of(state, "dog00.jpg")
    astray = start(state.collection, state.knowledge, replace(state.clustering, labels=labels))
    question = next_question(astray, asked=0)
    assert question is not None
    assert IMAGES[question.row] == "cat03.jpg"
    assert question.clusters[0] == cluster_of(state, "cat00.jpg")


def test_every_sixth_photo_is_drawn_at_random_and_none_is_asked_twice():
    state, rows = mixed(), []
    for asked in range(2 * EVERY):
        question = next_question(state, asked=asked)
        assert question is not None
        assert question.drawn == (asked % EVERY == EVERY - 1)
        assert question.row not in rows
        rows.append(question.row)
        state = apply(
            state, {"op": "move_photos", "images": [IMAGES[question.row]], "cluster": question.clusters[0]}
        )
    assert placed_rows(state).tolist() == sorted(rows)


def test_there_is_no_question_when_every_photo_is_placed_or_skipped():
    state = begin()
    state = apply(state, {"op": "merge_clusters", "clusters": cluster_ids(state)[:5]})
    skipped = frozenset(set(range(len(IMAGES))) - set(placed_rows(state).tolist()))
    assert next_question(state, asked=0, skipped=skipped) is None


def test_one_group_can_be_asked_about_too():
    question = next_question(begin(1), asked=0)
    assert question is not None
    assert len(question.clusters) == 1


def test_the_estimate_counts_placed_photos_as_right_and_the_others_by_the_sample():
    assert right_share([], [], 3, 100) is None
    found = right_share([True, True, False, True], [1.0] * 4, 20, 100)
    assert found is not None
    assert found.share == pytest.approx(0.2 + 0.8 * 0.75)
    assert 0.2 < found.low < found.share < found.high < 1
    assert found.judged == 4


def test_a_drawn_photo_counts_by_how_likely_it_was_drawn():
    light = right_share([True, True, False], [1.0, 1.0, 0.5], 0, 100)
    even = right_share([True, True, False], [1.0, 1.0, 1.0], 0, 100)
    assert light is not None
    assert even is not None
    assert light.share == pytest.approx(0.8)
    assert even.share == pytest.approx(2 / 3)
    doubled = right_share([True, True, False], [2.0, 2.0, 1.0], 0, 100)
    assert doubled is not None
    assert (doubled.low, doubled.high) == pytest.approx((light.low, light.high))


def test_doubtful_photos_are_drawn_more_often_and_the_estimate_stays_that_of_all():
    state = mixed()
    astray = set(range(len(of("cat")) // 2))
    drawn = [next_question(state, asked=EVERY - 1, seed=seed) for seed in range(1500)]
    assert all(question is not None and question.drawn for question in drawn)
    often = np.mean([question.row in astray for question in drawn])
    assert often > 1.2 * len(astray) / len(IMAGES)
    share = sum(q.weight for q in drawn if q.row in astray) / sum(q.weight for q in drawn)
    assert share == pytest.approx(len(astray) / len(IMAGES), abs=0.03)


def doubts(state: LiveState) -> np.ndarray:
    rows = np.arange(len(IMAGES))
    likely, likelihood, _ = questions._likely(state, rows, state.fused(), placed_rows(state))
    return questions._wrong(state, rows, likely, likelihood)


@pytest.mark.parametrize("state", [mixed(), begin(3)], ids=["half of a group astray", "all at home"])
def test_photos_in_doubt_are_asked_about_and_where_none_is_the_most_doubtful(state):
    question = next_question(state, asked=0)
    assert question is not None
    doubt = doubts(state)
    assert doubt[question.row] >= min(questions.DOUBTFUL, doubt.max())


def test_a_pair_lies_across_the_border_that_is_in_doubt_and_is_asked_about_once():
    state = mixed()
    first = next_pair(state, asked=0)
    images = [IMAGES[row] for row in first]
    assert next_pair(state, asked=0) == first
    assert first[0] != first[1]
    skipped = next_pair(state, asked=0, skipped=frozenset({frozenset(first)}))
    assert skipped is not None
    assert set(skipped) != set(first)
    told = apply(state, {"op": "together", "images": images})
    assert set(next_pair(told, asked=1)) != set(first)
    assert next_pair(told, asked=1, skipped=frozenset({frozenset(first)})) == next_pair(told, asked=1)


def test_no_pair_is_asked_about_once_all_photos_are_placed():
    state = begin()
    placed = apply(
        state,
        *({"op": "move_photos", "images": [i], "cluster": cluster_of(state, i)} for i in IMAGES[1:]),
    )
    assert next_pair(placed, asked=0) is None


def test_the_likely_clusters_of_a_photo_leave_out_its_own():
    state = mixed()
    row = IMAGES.index("cat00.jpg")
    found = likely_clusters(state, row)
    assert found[0] == cluster_of(state, "cat11.jpg")
    assert set(found) == set(cluster_ids(state)) - {cluster_of(state, "cat00.jpg")}
