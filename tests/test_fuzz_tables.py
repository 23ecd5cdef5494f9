"""A few rounds of the search that make fuzz goes on with."""

from tests.fuzz_tables import fuzz_embedding_tables, fuzz_label_csvs


def test_random_label_files_are_read_or_refused():
    fuzz_label_csvs(150, 0)


def test_random_tables_of_embeddings_are_read_or_refused():
    fuzz_embedding_tables(150, 0)
