"""Names that tell concepts apart."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.knowledge.unique_names import free_name, unique_names
from kec_core.types import Concept, Group, Knowledge, Noun


def concept(number, name, *nouns):
    return Concept(id=f"c{number:03d}", name=name, nouns=tuple(Noun(word=word) for word in nouns))


def shown(*concepts, groups=()):
    return list(unique_names(Knowledge(concepts=concepts, groups=groups)).values())


def test_a_name_of_its_own_stays_as_it_is():
    assert shown(concept(1, "saw", "chain saw"), concept(2, "truck")) == ["saw", "truck"]


def test_namesakes_show_the_first_noun_that_only_they_have():
    first = concept(1, "saw", "saw", "blade", "chain saw")
    second = concept(2, "Saw", "Blade", "hack saw", "hand saw")
    assert shown(first, second) == ["saw (chain saw)", "Saw (hack saw)"]


def test_namesakes_of_the_same_nouns_show_their_ids():
    assert shown(concept(1, "saw", "blade"), concept(2, "saw", "blade")) == ["saw (c001)", "saw (c002)"]


def test_a_collapsed_group_is_told_from_a_concept_of_its_name():
    group = Group(id="g003", name="saw", collapsed=True)
    assert sorted(shown(concept(1, "saw", "chain saw"), groups=(group,))) == ["saw (chain saw)", "saw (g003)"]


def test_what_no_word_fits_has_a_number_and_no_count_of_photos_that_it_once_had():
    names = shown(
        concept(1, "unclear (15 photos)", "gong"), concept(2, "saw"), concept(3, "unclear (28 photos)")
    )
    assert names == ["unclear", "saw", "unclear 2"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["saw", "Saw", "truck"]), st.lists(st.sampled_from("abc"), max_size=3)),
        max_size=6,
    )
)
def test_no_two_names_are_alike_and_all_begin_with_the_name(drawn):
    concepts = [concept(number, name, *nouns) for number, (name, nouns) in enumerate(drawn, start=1)]
    names = unique_names(Knowledge(concepts=tuple(concepts)))
    assert len({name.casefold() for name in names.values()}) == len(concepts)
    assert all(names[one.id].startswith(one.name) for one in concepts)


def test_a_free_name_has_the_lowest_number():
    assert free_name("dog", {"cat"}) == "dog"
    assert free_name("Dog", {"dog", "dog 2"}) == "Dog 3"
