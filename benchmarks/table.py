"""Quality on labelled folders: KEC beside k-means, one fixed configuration, mean and sd over seeds.

``kec bench table --data FOLDER [FOLDER ...] [--encoder compact] [--seeds 5]``. A folder's sub-folders are its labels;
they give the number of clusters and the scores, nothing else. Every folder is run with the same options.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from kec_core import pipeline
from kec_core.arrays import as_labels
from kec_core.config import RunConfig
from kec_core.encoders import TextCache, load_encoder
from kec_core.errors import InputError
from kec_core.images import scan_images
from kec_core.knowledge.wordnet_builder import WordNetBuilder
from kec_core.metrics import score
from kec_core.stages import Resources
from kec_core.store import FolderStore, cache_dir
from kec_core.types import Clustering, Scores
from kec_core.vocabulary import wordnet_vocabulary
from kec_core.wordnet import load_wordnet
from state.ingest import labels_from_folders

METRICS = ("acc", "nmi", "ari")


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run the table; also prints it as Markdown on stderr, ready for the README."""
    parser = argparse.ArgumentParser(prog="kec bench table")
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("--encoder", default="compact")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(options)
    wordnet = load_wordnet()
    resources = Resources(
        encoder=load_encoder(arguments.encoder),
        vocabulary=wordnet_vocabulary(wordnet),
        builder=WordNetBuilder(wordnet),
        text_cache=TextCache(),
    )
    sets = [measure_set(folder, resources, range(arguments.seeds)) for folder in arguments.data]
    result = {
        "encoder": resources.encoder.info.name,
        "seeds": arguments.seeds,
        "sets": sets,
        "mean": {
            name: {m: fmean(s["methods"][name][m]["mean"] for s in sets) for m in METRICS}
            for name in sets[0]["methods"]
        },
    }
    print(markdown(result), file=sys.stderr)
    return result


def measure_set(folder: Path, resources: Resources, seeds: Sequence[int]) -> dict[str, Any]:
    """Scores of k-means and KEC on one folder, mean and sd over seeds."""
    report = scan_images(folder)
    names = labels_from_folders(report.images)
    kinds = sorted(set(names.values()))
    if len(kinds) < 2:
        raise InputError(f"{folder} should hold at least two sub-folders of photos, one per label, but has {len(kinds)}.")
    store = FolderStore(cache_dir() / "bench")
    config = RunConfig(encoder=resources.encoder.info.name, n_clusters=len(kinds))
    scores: dict[str, list[Scores]] = {"k-means": [], "KEC": []}
    for seed in seeds:
        result = pipeline.run(report.images, folder, resources, replace(config, seed=seed), store)
        truth = as_labels([names[image_id] for image_id in result.embeddings.ids])
        for name, made in (("k-means", result.baseline), ("KEC", result.clustering)):
            scores[name].append(_scored(made, truth))
    methods = {name: _mean_sd(values) for name, values in scores.items()}
    return {"set": folder.resolve().name, "images": len(report.images), "clusters": len(kinds), "methods": methods}


def _scored(made: Clustering, truth: Any) -> Scores:  # noqa: ANN401
    return score(made.labels, truth)


def _mean_sd(values: Sequence[Scores]) -> dict[str, dict[str, float]]:
    rows = [asdict(value) for value in values]
    return {
        m: {
            "mean": fmean(row[m] for row in rows),
            "sd": stdev(row[m] for row in rows) if len(rows) > 1 else 0.0,
        }
        for m in METRICS
    }


def markdown(result: dict[str, Any]) -> str:
    """The result as a Markdown table, scores x100: NMI / ACC / ARI, ACC with its sd."""
    names = list(result["sets"][0]["methods"])
    lines = ["| set (images, clusters) | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row in result["sets"]:
        cells = [_cell(row["methods"][name]) for name in names]
        lines.append(f"| {row['set']} ({row['images']}, {row['clusters']}) | " + " | ".join(cells) + " |")
    means = [" / ".join(f"{100 * result['mean'][name][m]:.1f}" for m in ("nmi", "acc", "ari")) for name in names]
    lines.append("| mean | " + " | ".join(means) + " |")
    return "\n".join(lines)


def _cell(scores: dict[str, dict[str, float]]) -> str:
    nmi, acc, ari = (scores[m] for m in ("nmi", "acc", "ari"))
    return f"{100 * nmi['mean']:.1f} / {100 * acc['mean']:.1f} ± {100 * acc['sd']:.1f} / {100 * ari['mean']:.1f}"
