"""A few rounds of the search that make fuzz goes on with."""

from collections import Counter

import pytest

from tests.fuzz_tables import fuzz_embedding_tables, fuzz_label_csvs


@pytest.mark.parametrize("kind", [fuzz_label_csvs, fuzz_embedding_tables])
def test_random_tables_are_read_or_refused(kind):
    found = Counter(kind(150, 0))
    assert found.total() == 150
    assert found.keys() == {"used", "refused"}
