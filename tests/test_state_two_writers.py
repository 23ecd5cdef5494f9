"""Two processes edit one project at once: every edit that was acknowledged is there, the other one is told."""

import multiprocessing
import traceback

from kec_core.errors import StoreError
from kec_core.knowledge.edits import apply_script, parse_script
from state.project.project import Project
from state.revisions import revisions
from state.work.workbench import LiveStates, Workbench
from tests.page_helpers import app
from tests.panel_helpers import words  # noqa: F401 - a fixture

EDITS = 6


def attribute(text):
    return parse_script({"edits": [{"op": "add_attribute", "concept": "leaf", "text": text}]})


def _write(folder, name, gate, answers):
    """Add attributes one by one; whoever is told of a conflict looks again and repeats, as a person would."""
    bench, refusals = Workbench(Project(folder), LiveStates()), []
    try:
        gate.wait()
        for number in range(EDITS):
            while True:
                try:
                    bench.commit(bench.preview(attribute(f"{name} {number}")))
                    break
                except StoreError as error:
                    refusals.append(str(error))
        answers.put((name, refusals))
    except Exception:  # the other process must not wait for ever; the test fails with the story
        answers.put((name, [traceback.format_exc()]))


def together(work, folder, *extra):
    """Run ``work`` in two processes at once; what each said, by name."""
    fork = multiprocessing.get_context("fork")
    gate, answers = fork.Barrier(2), fork.Queue()
    writers = [fork.Process(target=work, args=(folder, name, gate, answers, *extra)) for name in "ab"]
    for writer in writers:
        writer.start()
    told = dict(answers.get(timeout=60) for _ in writers)
    for writer in writers:
        writer.join()
    return told


def test_no_acknowledged_edit_is_lost_and_every_conflict_is_said(colours, words):  # noqa: F811 - the fixture
    told = together(_write, colours.folder)
    refusals = [said for each in told.values() for said in each]
    assert all("This project was changed in another window: it is at r" in said for said in refusals)
    history = revisions.history(colours)
    assert [step.parent for step in history[1:]] == [step.id for step in history[:-1]]
    assert len(history) == 1 + 2 * EDITS
    kept = [attribute.text for attribute in revisions.current(colours).knowledge.uni]
    written = [text for text in kept if text.startswith(("a ", "b "))]
    assert sorted(written) == sorted(f"{name} {number}" for name in "ab" for number in range(EDITS))
    for name in "ab":
        assert [text for text in written if text[0] == name] == [f"{name} {n}" for n in range(EDITS)]
    script = {"edits": [dict(edit) for edit in revisions.journal(colours, history[-1].id)]}
    again = apply_script(revisions.get(colours, "r1").knowledge, parse_script(script))
    assert again == revisions.current(colours).knowledge


def _go_back(folder, name, gate, answers):
    """Try to step back from what was seen."""
    bench = Workbench(Project(folder), LiveStates())
    seen = bench.shown().id
    gate.wait()
    try:
        answers.put((name, bench.undo(expected=seen).id))
    except StoreError as error:
        answers.put((name, str(error)))


def test_two_who_step_back_at_once_go_one_step_together(colours, words):  # noqa: F811 - the fixture
    bench = Workbench(colours, LiveStates())
    for text in ("one", "two"):
        bench.commit(bench.preview(attribute(text)))
    told = sorted(together(_go_back, colours.folder).values(), key=len)
    assert told[0] == "r2"
    assert "changed in another window: it is at r2 now" in told[1]
    assert revisions.current(colours).id == "r2"
    assert revisions.steps(colours).redo == "r3"


def test_a_window_that_is_behind_is_told_then_goes_on(colours, words):  # noqa: F811 - the fixture
    def window():
        page = app("compare", project="colours")
        page.session_state["compare_tab"] = "What was chosen for you"
        return page.run()

    first, second = window(), window()
    first.button(key="weight_none").click().run()
    assert revisions.current(colours).id == "r2"
    second.button(key="weight_none").click().run()
    assert "this window showed r1" in second.error[0].value
    assert revisions.current(colours).id == "r2"
    second.button(key="weight_own").click().run()
    assert not second.error
    assert revisions.current(colours).id == "r3"
    first.button(key="weight_own").click().run()
    assert "this window showed r2" in first.error[0].value
    assert revisions.current(colours).id == "r3"
