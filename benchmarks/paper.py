"""The paper's sets with the paper's encoder: ours beside the paper's own cells.

``kec bench paper --datasets pets,flowers [--methods ...] [--seeds 5]`` fetches the sets through torchvision, so it
needs the internet once. Options as for ``kec bench table``; the encoder is CLIP ViT-B/32 unless another is named.

Transcribed from an OCR text of the paper (CC BY 4.0), so a digit may be wrong; "?" marks one that was lost. The means
of these cells agree with the means the paper prints within 0.1, except those of KEC inside TAC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import markdown_table, options_parser
from benchmarks.paper_sets import SETS, fetch
from benchmarks.table import add_options, chosen_methods, load_resources, measure_folders
from kec_core.encoders import PREFERRED
from kec_core.errors import InputError
from kec_core.store import cache_dir
from kec_core.terminal import show_progress

COLUMNS = (
    "kmeans",
    "tac-notrain",
    "kec-fixed",
    "sic",
    "tac",
    "kec-tac",
    "turtle",
    "turtle-tac",
    "turtle-kec",
    "zeroshot",
)
"""Our names of the paper's columns; its KEC without training has a fixed knowledge weight."""

_CELLS = {
    "cifar10": "73.7/80.4/64.6 81.4/90.4/80.3 81.9/90.7/80.6 84.7/92.6/84.4 82.9/91.5/82.3 "
    "84.1/92.3/84.0 78.6/86.5/75.1 83.5/91.9/83.2 83.7/92.1/83.5 80.7/90.0/79.3",
    "cifar100": "59.7/43.4/29.1 65.0/50.1/35.7 66.4/51.8/37.3 63.2/47.6/34.8 67.5/56.1/40.8 "
    "68.0/57.1/41.3 60.8/45.0/33.1 62.0/46.4/34.6 62.9/47.6/35.3 69.9/65.0/44.7",
    "stl10": "91.8/94.3/89.2 92.5/94.8/89.9 95.1/97.9/95.5 95.3/98.1/95.9 95.6/98.2/96.1 "
    "95.8/98.3/96.3 95.8/98.4/96.4 95.3/98.0/95.7 96.1/98.5/96.7 93.8/97.0/93.7",
    "dtd": "58.6/45.4/29.0 60.3/48.2/31.4 60.7/47.4/31.5 59.6/45.9/30.5 60.8/47.8/32.4 "
    "62.5/51.3/36.0 62.9/52.9/36.7 63.3/52.9/36.8 63.1/52.8/36.7 56.1/42.6/26.6",
    "ucf101": "80.7/59.5/51.4 80.9/61.8/52.0 81.9/62.5/53.2 81.4/65.3/56.7 81.3/67.4/58.2 "
    "81.6/67.6/58.7 80.9/67.1/57.1 81.9/69.2/59.4 82.8/70.0/60.7 80.3/63.7/50.2",
    "imagenet": "72.3/38.9/27.1 77.5/48.4/34.5 77.7/48.6/35.5 77.2/47.0/34.3 78.2/54.4/39.6 "
    "78.4/55.3/40.1 66.4/25.6/15.6 65.6/23.8/14.5 68.7/30.6/19.9 81.0/63.6/45.3",
    "food101": "71.1/60.4/47.8 72.5/61.5/48.1 74.6/66.2/53.3 74.1/62.4/51.8 74.9/68.4/54.2 "
    "75.9/70.0/56.3 72.9/64.3/52.5 71.5/62.2/49.7 73.8/66.9/54.2 82.7/83.3/69.8",
    "sun397": "76.3/50.0/38.4 78.6/54.4/42.5 78.2/54.0/42.3 76.1/51.3/38.2 74.6/41.2/32.3 "
    "78.7/54.1/42.6 77.8/54.7/42.9 76.9/53.3/40.5 77.7/54.6/42.1 80.3/64.4/47.5",
    "cars": "67.1/35.9/24.9 64.7/32.6/21.3 68.3/37.6/26.6 66.5/33.7/24.1 60.5/25.7/16.5 "
    "65.4/33.7/22.6 69.4/41.4/30.2 69.4/41.5/30.2 69.7/42.4/30.4 77.4/59.3/43.3",
    "aircraft": "49.4/21.5/11.6 48.6/21.6/10.7 50.6/22.5/13.3 48.8/22.1/12.0 44.9/19.1/9.3 "
    "48.8/22.7/12.9 49.6/24.0/13.6 48.8/23.8/13.0 49.8/24.5/13.7 48.8/22.0/11.3",
    "pets": "65.0/51.3/40.5 79.2/65.8/57.8 81.2/67.8/63.3 67.7/51.6/42.6 83.6/77.9/69.1 "
    "84.8/79.7/71.5 71.5/60.9/48.9 73.7/63.4/52.5 81.0/72.4/63.3 87.6/84.9/75.4",
    "flowers": "86.5/71.5/67.7 84.5/69.4/64.8 87.3/72.8/67.5 67.7/43.1/34.0 80.4/64.2/59.6 "
    "85.4/71.6/66.8 90.7/87.2/79.8 90.8/86.8/79.1 92.4/88.4/82.7 79.4/67.5/58.7",
    "mnist": "49.4/57.8/38.6 36.9/45.5/24.7 46.9/53.7/35.2 40.8/50.1/32.5 42.7/54.6/34.0 "
    "45.4/56.2/36.8 42.8/49.6/34.4 41.5/50.7/33.6 47.8/57.8/39.4 28.4/38.1/11.9",
    "eurosat": "53.7/61.9/43.7 48.8/60.9/34.5 54.6/62.7/42.8 61.5/67.2/53.5 53.0/67.8/45.7 "
    "56.7/69.8/48.0 57.9/63.6/48.2 60.0/67.7/51.8 63.0/76.8/57.4 41.0/45.6/26.4",
    "resisc45": "71.8/64.1/50.5 70.7/58.3/45.6 74.3/62.4/51.5 75.7/67.7/57.0 72.9/68.0/53.0 "
    "75.6/70.6/57.1 75.3/70.9/57.0 74.4/69.4/55.4 76.4/73.6/59.3 64.4/53.4/35.3",
    "gtsrb": "52.5/32.1/23.1 48.3/31.0/20.2 51.9/32.6/22.6 52.3/36.4/28.3 40.5/26.7/16.8 "
    "48.6/29.6/20.1 51.1/33.9/25.1 48.1/29.9/22.1 48.8/32.4/23.5 46.2/32.3/22.3",
    "pcam": "10.2/63.3/7.0 1.5/56.7/1.8 10.0/63.6/7.4 0.0/51.1/0.0 0.0/50.3/0.0 "
    "9.0/63.2/7.1 0.0/51.3/0.0 0.0/50.3/0.0 8.9/62.7/6.8 3.1/52.1/0.2",
    "clevr": "18.9/27.6/8.1 11.8/23.6/5.4 16.3/26.6/8.9 5.2/20.6/1.5 8.4/22.4/3.6 "
    "15.9/25.4/6.8 16.0/24.6/7.0 16.6/25.8/7.5 18.8/28.6/8.0 16.4/?4.4/8.0",
    "hatefulmemes": "2.0/58.2/2.4 1.2/56.4/1.4 1.6/57.4/2.0 0.1/51.8/0.0 0.6/54.6/0.6 "
    "2.3/59.0/3.0 1.1/55.6/1.8 1.4/56.0/2.0 2.0/58.4/2.6 0.5/53.4/0.3",
    "sst": "0.4/53.7/0.5 0.1/51.9/0.1 0.5/53.8/0.6 0.5/54.1/0.6 0.1/52.0/0.1 "
    "0.9/55.5/1.1 0.2/52.4/0.4 0.2/52.4/0.5 0.8/55.2/1.0 0.0/51.0/0.0",
}

REPORTED = tuple(_CELLS)
"""The paper's 20 sets."""


def paper_cell(dataset: str, method: str) -> tuple[float | None, float | None, float | None] | None:
    """NMI, ACC and ARI x100 of a method on a set, None where the paper has no such cell; a lost digit gives None too."""
    if dataset not in _CELLS or method not in COLUMNS:
        return None
    nmi, acc, ari = _CELLS[dataset].split()[COLUMNS.index(method)].split("/")
    return _number(nmi), _number(acc), _number(ari)


def _number(text: str) -> float | None:
    return None if "?" in text else float(text)


METHODS = "kmeans,tac-notrain,kec-fixed,kec,sic,tac,kec-tac,turtle,turtle-tac,turtle-kec,zeroshot"
METRICS = ("nmi", "acc", "ari")


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Fetch the sets, run the methods, print ours beside the paper's."""
    parser = options_parser("paper", seeds=5)
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
    told = f"Encoder: {result['encoder']}. {result['seeds']} seeds, preset {result['preset']}. The paper: CLIP ViT-B/32."
    heads = ["set", "method", "ours NMI / ACC / ARI", "paper NMI / ACC / ARI", "ACC, ours - paper"]
    rows = []
    for each in result["sets"]:
        for name, scores in each["methods"].items():
            ours = [100 * scores[metric]["mean"] for metric in METRICS]
            paper = paper_cell(each["set"], name)
            theirs = "-" if paper is None else " / ".join("?" if v is None else f"{v:.1f}" for v in paper)
            known = paper is not None and paper[1] is not None
            gap = f"{ours[1] - paper[1]:+.1f}" if known and paper else "-"
            caption = result["methods"][name]["caption"]
            rows.append([each["set"], caption, " / ".join(f"{v:.1f}" for v in ours), theirs, gap])
    return markdown_table(heads, rows, told)
