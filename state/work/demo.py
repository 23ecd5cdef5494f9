"""The project that is there before a person has done anything: the demo photos, clustered by KEC, and their map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kec_core.arrays import Progress
from kec_core.config import RunConfig
from kec_core.paths import is_folder
from kec_core.stages import Hooks
from state.project.locks import RunLock
from state.project.project import Project
from state.revisions import revisions
from state.workspace.workspace import Workspace

DEMO_FOLDER = "demo"
DEMO_NAME = "Demo"


def ensure_demo_project(
    workspace: Workspace, photos: Path, say: Callable[[str], None], progress: Progress
) -> Project:
    """The demo project, made on first use; what is there already is never changed.

    Args:
        workspace: where projects are kept.
        photos: folder of the demo photos, one sub-folder per kind (used as labels for scores).
        say: told what is done.
        progress: told how far a run is.
    """
    folder = workspace.home / DEMO_FOLDER
    project = Project.open(folder) if Project.is_project(folder) else Project.create(folder, DEMO_NAME)
    if revisions.current(project) is not None:
        say(f"Demo project: ready in {folder}.")
        return project
    from state.revisions.layouts import (  # slow to load for who only asks where it is
        make_layout,
        usual_method,
    )
    from state.work.run import run_project

    say("Demo project: clustering the demo photos.")
    kinds = sum(1 for path in photos.iterdir() if is_folder(path))
    config = RunConfig(n_clusters=kinds or None)
    with RunLock.acquire(folder, "kec setup"):
        run = run_project(project, photos, config, labels="folders", hooks=Hooks(progress=progress))
        method = usual_method(run.revision.facts.images)
        make_layout(project, run.revision, "combined", method, progress=progress)
    say(f"Demo project: made in {folder}.")
    return project
