"""``kec setup``: what the program needs from elsewhere, and the demo project."""

from __future__ import annotations

import argparse
from typing import Any

from commands.output import say
from commands.parsing import Subparsers, add_command


def add(commands: Subparsers[Any]) -> None:
    """Add ``kec setup``."""
    p = add_command(commands, "setup", setup, "fetch WordNet, demo photos and weights; safe to run again")
    p.add_argument("--demo", action="store_true", help="also the demo photos and a ready demo project")
    p.add_argument(
        "--clip",
        nargs="?",
        const="",
        metavar="MODEL/TAG",
        help="also CLIP weights: ViT-B-32/openai, or others of open_clip, such as those of docs/how-to/encoders.md",
    )


def setup(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec setup``: fetch resources, and make the demo project when asked for."""
    from kec_core.encoders.openclip_weights import KNOWN_MODELS
    from kec_core.terminal import show_progress
    from provision import resources
    from state.work.demo import ensure_demo_project
    from state.workspace.workspace import Workspace

    clip = "" if arguments.clip is None else arguments.clip or KNOWN_MODELS[0].weights
    found = resources.setup(demo=arguments.demo, clip=clip, say=say)
    result: dict[str, Any] = {
        "found": [
            {
                "resource": f.resource,
                "path": None if f.path is None else str(f.path),
                "source": f.source,
                "note": f.note,
            }
            for f in found
        ]
    }
    photos = next((f.path for f in found if f.resource == "demo photos"), None)
    if photos is not None:
        with show_progress() as progress:
            project = ensure_demo_project(Workspace(), photos, say, progress)
        result["demo"] = str(project.folder)
    if arguments.json:
        return result
    here = ", ".join(f.resource for f in found)
    return {"markdown": f"Everything asked for is on this computer: {here}. To begin: kec app"}
