"""Photos of four colours in a project with a result, which grows, and what tests ask of it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from kec_core.knowledge.edits import parse_script
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.work.editing import edit_project
from state.work.run import run_project
from tests.fakes import COLOURS, HashEncoder, colour_photos
from tests.test_state_run import CONFIG, resources


def make_colours(folder):
    """The project, and its photos beside it."""
    project = Project.create(folder / "project", "colours")
    run_project(project, colour_photos(folder / "photos", 12), CONFIG, labels="folders", resources=resources)


class CountingEncoder(HashEncoder):
    """Counts the photos it is asked for."""

    photos = 0

    def encode_images(self, pixels):
        CountingEncoder.photos += len(pixels)
        return super().encode_images(pixels)


def photo(path, colour, seed=0):
    """A tiny noisy photo of a colour, as ``colour_photos`` makes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(1000 + seed).normal(0, 25, size=(24, 24, 3))
    pixels = np.clip(np.array(COLOURS.get(colour, colour)) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def labels_of(project):
    shown = revisions.current(project)
    ids = [image.id for image in project.images(shown.scan)]
    return dict(zip(ids, load_clustering(project, shown).labels.tolist(), strict=True))


def edit(project, *edits):
    return edit_project(project, parse_script({"edits": list(edits)}))
