"""The paper's sets with the paper's encoder: ours beside the paper's own cells.

``kec bench paper --datasets pets,flowers [--methods ...] [--seeds 5]`` fetches the sets through torchvision, so it
needs the internet once. Options as for ``kec bench table``; the encoder is CLIP ViT-B/32 unless another is named.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.paper_numbers import paper_cell
from benchmarks.paper_sets import SETS, fetch
from benchmarks.table import add_options, chosen_methods, load_resources, measure_folders
from kec_core.encoders import PREFERRED
from kec_core.errors import InputError
from kec_core.store import cache_dir
from kec_core.terminal import show_progress

METHODS = "kmeans,tac-notrain,kec-fixed,kec,sic,tac,kec-tac,turtle,turtle-tac,turtle-kec,zeroshot"
METRICS = ("nmi", "acc", "ari")


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Fetch the sets, run the methods, print ours beside the paper's."""
    parser = argparse.ArgumentParser(prog="kec bench paper")
    parser.add_argument("--datasets", required=True, help=f"some of {', '.join(SETS)}, joined by commas")
    parser.add_argument("--root", type=Path, help="where the sets are kept")
    add_options(parser)
    parser.set_defaults(encoder=PREFERRED, methods=METHODS)
    arguments = parser.parse_args(options)
    chosen_methods(arguments.methods)  # a wrong name is told before anything is fetched
    names = _known([name.strip() for name in arguments.datasets.split(",") if name.strip()])
    root = arguments.root or cache_dir() / "paper"
    with show_progress() as progress:
        folders = [fetch(name, root, progress) for name in names]
    result = measure_folders(folders, load_resources(arguments.encoder), arguments)
    return {**result, "markdown": beside_the_paper(result)}


def _known(names: Sequence[str]) -> Sequence[str]:
    unknown = [name for name in names if name not in SETS]
    if unknown or not names:
        raise InputError(
            f"Sets of the paper are {', '.join(SETS)}, but {unknown[0] if unknown else 'none'!r} was asked for; "
            "lay any other set out as train/CLASS and test/CLASS and give it to `kec bench table`."
        )
    return names


def beside_the_paper(result: Mapping[str, Any]) -> str:
    """One row per method and set: ours, the paper's, and the difference in ACC, all x100."""
    lines = [
        f"Encoder: {result['encoder']}. {result['seeds']} seeds, preset {result['preset']}. The paper: CLIP ViT-B/32.",
        "",
        "| set | method | ours NMI / ACC / ARI | paper NMI / ACC / ARI | ACC, ours - paper |",
        "|---|---|---|---|---|",
    ]
    for each in result["sets"]:
        for name, scores in each["methods"].items():
            ours = [100 * scores[metric]["mean"] for metric in METRICS]
            paper = paper_cell(each["set"], name)
            theirs = "-" if paper is None else " / ".join("?" if v is None else f"{v:.1f}" for v in paper)
            known = paper is not None and paper[1] is not None
            gap = f"{ours[1] - paper[1]:+.1f}" if known and paper else "-"
            cells = (each["set"], result["methods"][name]["caption"], " / ".join(f"{v:.1f}" for v in ours))
            lines.append(f"| {' | '.join(cells)} | {theirs} | {gap} |")
    return "\n".join(lines)
