"""Every string is encoded once: within a call, between calls, threads and processes."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.encoders import TextCache, encode_texts, text_cache
from kec_core.errors import Cancelled, InputError, StoreError
from tests import patience
from tests.fakes import HashEncoder

ROOT = Path(__file__).resolve().parents[1]


class CountingEncoder(HashEncoder):
    """Remembers every prompt it was asked for."""

    def __init__(self, dim=8):
        super().__init__(dim)
        self.asked = []

    def encode_texts(self, texts):
        self.asked += texts
        return super().encode_texts(texts)


@pytest.fixture
def cache(tmp_path):
    return TextCache(tmp_path / "texts.sqlite")


class TestEncodeTexts:
    def test_is_the_mean_of_the_raw_features_over_the_templates(self):
        encoder = HashEncoder(8)
        prompts = encoder.encode_texts(["a dog", "the dog!", "a cat", "the cat!"])
        expected = [(prompts[0] + prompts[1]) / 2, (prompts[2] + prompts[3]) / 2]
        ours = encode_texts(encoder, ["dog", "cat"], templates=("a {}", "the {}!"))
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)
        assert ours.dtype == np.float32

    def test_repeated_strings_are_asked_once(self):
        encoder = CountingEncoder()
        ours = encode_texts(encoder, ["dog", "cat", "dog", "dog"])
        assert sorted(encoder.asked) == ["cat", "dog"]
        np.testing.assert_array_equal(ours[0], ours[3])

    def test_braces_in_a_word_are_only_braces(self):
        encoder = CountingEncoder()
        encode_texts(encoder, ["{0}"], templates=("a {}",))
        assert encoder.asked == ["a {0}"]

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.text(max_size=12), max_size=8), st.randoms())
    def test_rows_follow_the_texts(self, texts, random):
        encoder = HashEncoder(8)
        alone = [encode_texts(encoder, [text])[0] for text in texts]
        together = encode_texts(encoder, texts)
        assert together.shape == (len(texts), 8)
        np.testing.assert_array_equal(together, np.reshape(alone, (-1, 8)))

    @pytest.mark.parametrize("templates", [(), ("a photo",), ("{}", "photo of {0}")])
    def test_templates_need_a_place_for_the_word(self, templates):
        with pytest.raises(InputError, match=r'Text templates need "\{\}"'):
            encode_texts(HashEncoder(8), ["dog"], templates=templates)


class TestTheCache:
    def test_known_strings_are_not_asked_again(self, cache):
        encoder = CountingEncoder()
        first = encode_texts(encoder, ["dog", "cat"], cache=cache)
        second = encode_texts(encoder, ["cat", "bird", "dog"], cache=TextCache(cache.path))
        assert sorted(encoder.asked) == ["bird", "cat", "dog"]
        np.testing.assert_array_equal(second[[2, 0]], first)

    def test_other_templates_and_other_encoders_have_features_of_their_own(self, cache):
        encoder = CountingEncoder()
        plain = encode_texts(encoder, ["dog"], cache=cache)
        prompted = encode_texts(encoder, ["dog"], templates=("a {}",), cache=cache)
        encoder.info = replace(encoder.info, revision="another")
        encode_texts(encoder, ["dog"], cache=cache)
        assert encoder.asked == ["dog", "a dog", "dog"]
        assert not np.array_equal(plain, prompted)

    def test_what_was_encoded_before_a_stop_is_kept(self, cache, monkeypatch):
        monkeypatch.setattr(text_cache, "_BLOCK", 2)
        encoder = CountingEncoder()

        def stop_after_a_block(done, total, _label):
            assert total == 5
            if done == 2:
                raise Cancelled

        with pytest.raises(Cancelled):
            encode_texts(
                encoder, ["aaaaa", "bbbb", "ccc", "dd", "e"], cache=cache, progress=stop_after_a_block
            )
        assert encoder.asked == ["e", "dd"]  # short ones first: neighbours in length share a batch
        encode_texts(encoder, ["aaaaa", "bbbb", "ccc", "dd", "e"], cache=cache)
        assert sorted(encoder.asked) == ["aaaaa", "bbbb", "ccc", "dd", "e"]

    def test_any_string_can_be_a_key(self, cache):
        vectors = {
            text: np.array([number], dtype=np.float32)
            for number, text in enumerate(["", "a\0b", "é", "\ud800"])
        }
        cache.put("space", vectors)
        assert cache.get("space", [*vectors, "unknown"]) == vectors

    def test_more_strings_than_one_query_may_name(self, cache):
        vectors = {str(number): np.array([number], dtype=np.float32) for number in range(1201)}
        cache.put("space", vectors)
        assert len(cache.get("space", list(vectors))) == 1201

    def test_threads_share_it(self, cache):
        encoder = HashEncoder(8)
        words = [f"word {number}" for number in range(60)]
        expected = encode_texts(encoder, words)
        with ThreadPoolExecutor(6) as pool:
            results = list(
                pool.map(lambda start: encode_texts(encoder, words[start:], cache=cache), range(30))
            )
        for start, rows in enumerate(results):
            np.testing.assert_array_equal(rows, expected[start:])

    def test_processes_share_it(self, cache):
        script = "import sys; from tests.test_core_text_cache import fill; fill(*sys.argv[1:])"
        workers = [
            subprocess.Popen([sys.executable, "-c", script, str(cache.path), name], cwd=ROOT)
            for name in ("left", "right")
        ]
        assert [worker.wait(patience.SECONDS) for worker in workers] == [0, 0]
        words = [f"{name} {number}" for name in ("left", "right") for number in range(15)]
        assert len(cache.get("space", words)) == 30

    def test_a_file_that_is_none_is_named(self, tmp_path):
        (tmp_path / "texts.sqlite").write_text("not a database, but long enough to be looked at" * 50)
        with pytest.raises(StoreError, match=r"texts\.sqlite cannot be used .*delete that file"):
            TextCache(tmp_path / "texts.sqlite")

    def test_a_read_only_one_warns_once_and_keeps_nothing(self, tmp_path, monkeypatch, caplog):
        monkeypatch.setattr(text_cache, "may_write", lambda _path: False)
        cache = TextCache(tmp_path / "texts.sqlite")
        cache.put("space", {"a": np.ones(2, dtype=np.float32)})
        assert cache.get("space", ["a"]) == {}
        assert caplog.text.count("cannot be written") == 1
        assert list(tmp_path.iterdir()) == []

    def test_by_default_it_lies_in_the_shared_cache_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "shared"))
        assert TextCache().path == tmp_path / "shared" / "texts.sqlite"


def fill(path, name):
    cache = TextCache(Path(path))
    for number in range(15):
        cache.put("space", {f"{name} {number}": np.zeros(4, dtype=np.float32)})


def test_many_may_open_a_cache_that_is_not_there_yet(tmp_path):
    gate = Barrier(8)

    def opened(path):
        gate.wait()
        return TextCache(path).get("space", ["word"])

    with ThreadPoolExecutor(8) as pool:
        for attempt in range(20):
            assert list(pool.map(opened, [tmp_path / f"{attempt}.sqlite"] * 8)) == [{}] * 8
