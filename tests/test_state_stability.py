import pytest

from kec_core.errors import Cancelled, InputError
from state.jobs.progress import JobContext
from state.revisions import revisions
from state.revisions.scoring import Stability, load_stability, measure_stability, stability_job


def test_clear_groups_are_stable_and_the_measurement_is_kept(colours):
    revision = revisions.current(colours)
    assert load_stability(colours, revision) is None
    told = []
    found = measure_stability(colours, revision, progress=lambda *step: told.append(step))
    assert found == Stability(ours=pytest.approx(1.0, abs=0.05), visual=pytest.approx(1.0, abs=0.05))
    assert [(done, total) for done, total, _ in told] == [(n, 16) for n in range(1, 17)]
    assert load_stability(colours, revision) == found
    measure_stability(colours, revision, progress=lambda *_: pytest.fail("it was measured again"))


def test_it_can_be_stopped_and_keeps_nothing_then(colours):
    def stop(*_):
        raise Cancelled("stopped")

    revision = revisions.current(colours)
    with pytest.raises(Cancelled):
        measure_stability(colours, revision, progress=stop)
    assert load_stability(colours, revision) is None


def test_the_job_measures_the_revision_it_names(colours):
    def job(revision):
        return stability_job(
            JobContext(project=colours, params={"revision": revision}, progress=lambda *_: None)
        )

    assert job("r1") == {"ours": pytest.approx(1.0, abs=0.05), "visual": pytest.approx(1.0, abs=0.05)}
    with pytest.raises(InputError, match="no revision 'r7'"):
        job("r7")
