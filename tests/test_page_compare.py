"""Compare page: every tab in every state; names from people are text."""

import html
import shutil
from dataclasses import replace

import pytest

from kec_core.config import PAPER_WEIGHT, EncoderDefaults, paper_defaults
from kec_core.methods import METHODS
from kec_core.methods.base import Spread
from kec_core.types import Scores
from pages.compare import (
    choices_tab,
    method_table,
    methods_tab,
    metric_cards,
)
from state.jobs import jobs
from state.methods.needs import photo_captions_file
from state.methods.results import MethodRow, keep_row, kept_rows
from state.project.project import Project
from state.revisions import revisions
from state.revisions.audits import NEW_GROUP, answer, answers, load_audit, start_audit
from state.revisions.scoring import WITH_LABELS, WITHOUT_LABELS, measure_stability
from tests.page_helpers import app, kept_labels, make_job, shown
from tests.panel_helpers import edit, words  # noqa: F401 - a fixture

HOSTILE = "<b>grass</b>"


def compare(tab="Result"):
    page = app("compare", project="colours")
    if tab != "Result":
        page.session_state["compare_tab"] = tab
        page.run()
        assert not page.exception, page.exception
    return page


@pytest.fixture
def edited(colours, words):  # noqa: F811 - the fixture
    """r1 the run; r2 with a concept of a hostile name and three clusters: photos of two clusters share one."""
    edit(
        colours,
        {"op": "rename_concept", "concept": "leaf", "name": HOSTILE},
        {"op": "set_clusters", "k": 3},
    )
    return colours


# --- cards


def test_cards_say_better_and_worse_in_words_with_the_right_sign():
    accuracy, overlap = WITH_LABELS[0], WITHOUT_LABELS[1]
    drawn = metric_cards.card(accuracy, 0.75, [("k-means", 0.5), ("r1", 0.8), ("r2", None), ("r3", 0.75)])
    assert "75.0%" in drawn
    assert "▲ +25.0 points" in drawn
    assert "▼ −5.0 points" in drawn
    assert "–" in drawn
    assert "same" in drawn
    assert "better" in metric_cards.card(overlap, 1.0, [("k-means", 1.5)])
    assert "not defined" in metric_cards.card(accuracy, None, [("k-means", 0.5)])


# --- Result


def test_before_the_first_result_it_leads_to_build(empty_home):
    Project.create(empty_home / "new", "New")
    page = app("compare", project="new")
    assert "Nothing to compare yet" in shown(page)
    assert page.button(key="empty_build").label == "Go to Build"


def test_a_single_result_stands_beside_k_means_and_invites_to_edit(colours):
    page = compare()
    text = shown(page)
    assert text.count('class="kec-value"') == 3
    assert "k-means" in text
    assert "Only one result so far" in text
    assert page.button(key="empty_concepts").label == "Go to Concepts"


def test_the_result_stands_beside_the_one_before_and_the_automatic_one(edited):
    edit(edited, {"op": "set_clusters", "k": 4})
    page = compare()
    assert page.selectbox(key="compare_with").options[:2] == [
        "the one before (r2)",
        "the automatic result (r1)",
    ]
    text = shown(page)
    for name in ("r2", "automatic (r1)", "k-means"):
        assert f">{name}</span>" in text
    page.selectbox(key="compare_with").set_value("r1").run()
    text = shown(page)
    assert "automatic (r1)" not in text
    assert "from r1 to r3" in text


def test_flows_list_their_photos(edited):
    page = compare()
    assert "photos of 50 changed cluster from r1 to r2." in shown(page)
    flows = page.selectbox(key="compare_flow_r1_r2")
    assert flows.options[0].startswith("All that moved · ")
    moved = shown(page).count('role="listitem"')
    flows.set_value(0).run()
    assert not page.exception
    assert 0 < shown(page).count('role="listitem"') <= moved
    assert HOSTILE not in shown(page)


def test_mistakes_list_their_photos(edited):
    page = compare()
    chosen = page.selectbox(key="compare_mistake")
    assert chosen.options[0].startswith("labelled ")
    assert 'aria-label="Photos off the diagonal"' in shown(page)


def test_a_perfect_result_has_no_mistakes(colours):
    assert "No photo lies off the diagonal." in shown(compare())


def test_worse_than_k_means_is_said_and_blocks_nothing(colours):
    baseline = revisions.current(colours).baseline
    better = replace(baseline, scores=Scores(acc=1.0, nmi=1.0, ari=1.0))
    revisions.set_scores(colours, "r1", Scores(acc=0.5, nmi=0.5, ari=0.5), better)
    assert "plain k-means fits the labels better" in compare().warning[0].value


def test_worse_by_what_another_start_makes_as_well_is_not_called_worse(colours):
    baseline = revisions.current(colours).baseline
    better = replace(baseline, scores=Scores(acc=0.505, nmi=0.5, ari=0.5))
    revisions.set_scores(colours, "r1", Scores(acc=0.5, nmi=0.5, ari=0.5), better)
    assert not compare().warning


def test_groups_that_a_person_made_are_not_told_to_weigh_the_knowledge_less(colours, words):  # noqa: F811
    edit(colours, {"op": "sort_into", "names": ["grass", "leaf", "sky"], "none": False})
    made = revisions.current(colours)
    better = replace(made.baseline, scores=Scores(acc=1.0, nmi=1.0, ari=1.0))
    revisions.set_scores(colours, made.id, Scores(acc=0.5, nmi=0.5, ari=0.5), better)
    said = compare().warning[0].value
    assert "The groups follow what you said" in said
    assert "weight" not in said


def test_without_labels_the_cards_are_those_that_need_none(colours):
    colours.set_labels({})
    revisions.set_scores(colours, "r1", None, replace(revisions.current(colours).baseline, scores=None))
    text = shown(compare())
    assert "silhouette" in text
    assert "ACC" not in text
    assert "Clusters and labels" not in [heading.value for heading in compare().subheader]


def test_missing_arrays_are_said_in_one_sentence(edited):
    first = revisions.get(edited, "r1")
    shutil.rmtree(edited.folder / "artifacts" / f"overview-{first.clustering_fp}")
    page = compare()
    assert "run the project again" in page.error[0].value.replace("\\", "")


# --- Without labels


def test_stability_is_measured_as_a_job_and_then_shown(colours, started):
    page = compare("Without labels")
    assert "not measured yet" in shown(page)
    page.button(key="measure_stability").click().run()
    assert started == [("stability", {"revision": "r1"})]
    measure_stability(colours, revisions.current(colours))
    text = shown(compare("Without labels"))
    assert "not measured yet" not in text
    assert "photos alone" in text


def test_an_audit_is_started_judged_by_key_taken_back_and_finished(colours):
    page = compare("Without labels")
    page.number_input(key="audit_size").set_value(5).run()
    page.button(key="audit_start").click().run()
    audit = load_audit(colours, "r1")
    assert len(audit.questions) == 5
    assert "Does it belong to “" in shown(page)
    assert page.button(key="audit_yes").proto.shortcut.lower() == "y"
    page.button(key="audit_yes").click().run()
    page.button(key="audit_no").click().run()
    page.button(key="audit_back").click().run()
    assert load_audit(colours, "r1").answers == {audit.questions[0].image: True}
    for key in ("audit_no", "audit_unknown", "audit_skip", "audit_yes", "audit_yes"):
        page.button(key=key).click().run()
    assert not page.exception
    text = shown(page)
    assert list(load_audit(colours, "r1").answers.values()) == [True, False, None, True, True]
    assert "<dt>95 % interval</dt>" in text
    assert "Photos that you found in the wrong place:" in text
    assert 'aria-label="Photos in the wrong place"' in text
    page.button(key="audit_reopen").click().run()
    assert "Does it belong to “" in shown(page)


def test_no_asks_where_it_belongs_and_the_answers_put_the_groups_right(colours, words):  # noqa: F811 - the fixture
    audit = start_audit(colours, revisions.current(colours), size=4)
    first, second, third, fourth = (question.image for question in audit.questions)
    page = compare("Without labels")
    page.button(key="audit_yes").click().run()
    page.button(key="audit_no").click().run()
    assert "Where does it belong?" in [m.value.strip("*") for m in page.markdown]
    assert page.button(key="audit_place_1").proto.shortcut == "1"
    page.button(key="audit_back").click().run()
    assert load_audit(colours, "r1").answers == {first: True}
    for key in ("audit_no", "audit_place_1", "audit_no", "audit_new", "audit_no", "audit_unknown"):
        page.button(key=key).click().run()
        assert not page.exception, page.exception
    places = load_audit(colours, "r1").places
    assert (places[third], places[fourth]) == (NEW_GROUP, None)
    before = kept_labels(colours)
    assert places[second] != before[second]
    assert "Use these answers: 1 photo stays where it is, 2 move, and" in shown(page)
    page.button(key="audit_teach").click().run()
    assert not page.exception, page.exception
    now = kept_labels(colours)
    assert revisions.current(colours).id == "r2"
    assert (now[first], now[second]) == (before[first], places[second])
    assert now[third] not in set(before.values())
    assert "new group" in {kept.name for kept in revisions.current(colours).knowledge.kept}
    told = answers(colours, revisions.current(colours))
    assert {one.image: one.right for one in told} == {first: True, second: False, third: False}
    assert load_audit(colours, "r1").places == places


def test_a_half_done_audit_goes_on_where_it_stopped(colours):
    audit = start_audit(colours, revisions.current(colours), size=6)
    answer(colours, "r1", audit.questions[0].image, True)
    text = shown(compare("Without labels"))
    assert f'alt="{html.escape(audit.questions[1].image)}"' in text
    assert "<dd>100%</dd>" in text


def test_other_photos_can_be_drawn_and_earlier_audits_stay_in_sight(edited):
    for revision in revisions.history(edited):
        audit = start_audit(edited, revision, size=4)
        for question in audit.questions:
            answer(edited, revision.id, question.image, True)
    page = compare("Without labels")
    assert "Judged before, on other results:" in shown(page)
    assert "100% right" in shown(page)
    page.button(key="audit_again").click().run()
    assert load_audit(edited, "r2").seed == 1
    assert load_audit(edited, "r2").answers == {}


# --- Methods


def row(name, acc=None, seconds=1.5):
    return MethodRow(
        name=name,
        caption=METHODS[name].caption,
        provenance=METHODS[name].provenance,
        scores=None if acc is None else {m: Spread(mean=acc, sd=0.012) for m in ("acc", "nmi", "ari")},
        seconds=seconds,
        note="noted",
        keys=("a", "b"),
    )


def test_every_method_can_be_chosen_in_one_family():
    listed = [name for names in methods_tab.FAMILIES.values() for name in names]
    assert sorted(listed) == sorted(METHODS)


def test_methods_run_as_a_job_with_what_was_chosen(colours, started):
    page = compare("Methods")
    assert "No methods compared yet" in shown(page)
    page.checkbox(key="method_laic").check().run()
    page.checkbox(key="method_tac-notrain").uncheck().run()
    page.number_input(key="method_seeds").set_value(2).run()
    page.button(key="run_methods").click().run()
    ((kind, params),) = started
    assert kind == "methods"
    assert set(params["methods"]) == {"kmeans", "kec", "laic"}
    assert (params["seeds"], params["preset"], params["captions"]) == (2, "fast", None)


def test_what_cannot_run_is_grey_and_says_what_it_lacks(colours):
    page = compare("Methods")
    captions = page.checkbox(key="method_cae-no-nouns")
    assert captions.disabled
    assert "a text file of captions" in captions.help
    assert not page.checkbox(key="method_zeroshot").disabled
    assert not page.checkbox(key="method_sic-best-epoch").disabled
    colours.set_labels({})
    page.run()
    assert page.checkbox(key="method_zeroshot").disabled
    assert "labels for some photos" in page.checkbox(key="method_zeroshot").help


def test_captions_that_are_uploaded_make_their_methods_possible(colours):
    page = compare("Methods")
    page.file_uploader(key="upload_csv_captions").upload("c.csv", b"nonsense", "text/csv").run()
    assert not page.exception
    assert photo_captions_file(colours) is None
    assert "this file" in page.error[0].value
    page.file_uploader(key="upload_txt_captions").upload("c.txt", b"a dog\na cat\n", "text/plain").run()
    assert not page.checkbox(key="method_cae-no-nouns").disabled


def test_the_table_shows_mean_and_spread_best_first(colours):
    for name, acc in (("kmeans", 0.5), ("kec", 0.75), ("laic", None)):
        keep_row(colours, "r1", "fast", row(name, acc))
    frame = method_table.table(kept_rows(colours, "r1"))
    assert frame["Method"].tolist() == [METHODS[n].caption for n in ("kec", "kmeans", "laic")]
    assert frame["ACC"].tolist() == ["75.0 ± 1.2", "50.0 ± 1.2", "–"]
    assert frame["Seeds"].tolist() == [2, 2, 2]
    page = compare("Methods")
    assert page.dataframe[0].value["Method"].tolist() == frame["Method"].tolist()
    assert not page.info
    assert not page.warning


def test_rows_of_another_result_or_of_other_labels_are_said_to_be_so(edited):
    keep_row(edited, "r1", "fast", row("kmeans", 0.5))
    page = compare("Methods")
    assert "made on r1; r2 is shown now" in page.info[0].value
    edited.set_labels({})
    keep_row(edited, "r2", "fast", row("kmeans"))
    assert "There are no labels" in compare("Methods").info[0].value
    edited.set_labels({image.id: "x" for image in edited.images()})
    assert "The labels have changed" in compare("Methods").warning[0].value


@pytest.mark.parametrize(
    ("state", "where", "said"), [("failed", "error", "No nouns\\."), ("cancelled", "info", "was stopped")]
)
def test_why_the_last_comparison_ended_is_said(colours, monkeypatch, state, where, said):
    job = make_job(kind="methods", state=state, error="No nouns.")
    monkeypatch.setattr(jobs.JobManager, "jobs", lambda *_: (job,))
    assert said in getattr(compare("Methods"), where)[0].value


def test_while_a_job_runs_nothing_else_starts(colours, monkeypatch):
    job = make_job(kind="methods", label="KEC, seed 1 of 5")
    monkeypatch.setattr(jobs.JobManager, "jobs", lambda *_: (job,))
    page = compare("Methods")
    assert page.button(key="run_methods").disabled
    assert "can start when it has ended" in shown(page)


# --- What was chosen for you


def test_the_choice_is_explained_beside_the_papers_value(colours):
    text = shown(compare("What was chosen for you"))
    assert "How much the words count beside the photos (w)" in text
    assert "Knowledge counts " in text
    assert "<td>0.8</td>" in text


def test_a_choice_of_ones_own_is_called_so(edited):
    edit(edited, {"op": "set_weight", "knowledge": 0.125})
    text = shown(compare("What was chosen for you"))
    assert "Yours; the program&#x27;s own choice was " in text


def test_the_papers_weight_is_one_click_and_undo_away(colours, words):  # noqa: F811 - the fixture
    page = compare("What was chosen for you")
    page.button(key="weight_none").click().run()
    page.button(key="weight_paper").click().run()
    assert revisions.current(colours).knowledge.weight == PAPER_WEIGHT
    assert page.button(key="weight_paper").disabled
    page.button(key="weight_own").click().run()
    assert revisions.current(colours).knowledge.weight is None
    assert [step.id for step in revisions.history(colours)] == ["r1", "r2", "r3", "r4"]


def test_the_papers_defaults_lead_to_build(colours):
    page = compare("What was chosen for you")
    page.button(key="paper_defaults").click().run()
    assert page.title[0].value == "Build"
    settings = colours.settings()
    assert settings == paper_defaults(settings)
    assert settings.clustering.weight == 1.0


def test_values_of_a_revision_are_read_from_its_own_options(colours):
    revision = revisions.current(colours)
    config = replace(
        revision.config,
        grounding=replace(revision.config.grounding, logit_scale=7.0),
        clustering=replace(revision.config.clustering, weight=0.5),
        mapping=replace(revision.config.mapping, beta=0.3),
    )
    rows = choices_tab.choices(replace(revision, config=config), EncoderDefaults())
    assert [row.value for row in rows[1:3]] == ["× 7", "0.3"]
    assert rows[0].why == "Yours, from the options of the run."
