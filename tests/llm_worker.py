"""``state.jobs.worker`` with the tests' encoder and dictionary; language models are asked for real.

``python -m tests.llm_worker FOLDER JOB_ID LOCK_FD``
"""

from __future__ import annotations

import sys

from kec_core.stages import Resources
from state.jobs import worker
from state.work import llm_run
from state.work.loading import llm_builder
from tests.fakes import VOCABULARY, FirstNounBuilder, HashEncoder


def load_resources(project, config, *, asking=None):
    """As ``state.work.loading.load_resources``."""
    plain = FirstNounBuilder()
    return Resources(
        encoder=HashEncoder(),
        vocabulary=VOCABULARY,
        builder=plain if asking is None else llm_builder(project, config, asking, plain),
        rebuild=asking is not None and asking.retry_failed,
    )


if __name__ == "__main__":
    llm_run.load_resources = load_resources
    sys.exit(worker.main(sys.argv[1:]))
