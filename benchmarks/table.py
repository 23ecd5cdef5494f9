"""Quality on labelled folders: every method, one fixed configuration, mean and sd over seeds, mean rank.

``kec bench table --data FOLDER [FOLDER ...] [--methods main|ablation|all|a,b,c] [--encoder compact] [--seeds 5] [--paper]``.
A folder's sub-folders are its labels; they give the number of clusters and the scores, nothing else. Where a folder
has the sub-folders train and test, knowledge comes from train and scores from test. Every folder is run with the
same options; the tables are printed as Markdown, ready for the README. Finished runs are remembered: a stopped table
goes on, and a longer one measures only what is new.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.common import options_parser
from benchmarks.names import NameScores, judge_names
from benchmarks.outcomes import Outcome, measure_method, tables
from kec_core.config import ConceptSource, RunConfig, paper_defaults
from kec_core.encoders import TextCache, load_encoder
from kec_core.errors import InputError
from kec_core.knowledge.wordnet_builder import WordNetBuilder
from kec_core.methods import METHODS, Method, MethodInputs, find_method, missing_needs
from kec_core.methods.base import METRICS, spread, summarise
from kec_core.methods.prepare import Split, find_split, prepare, split_note
from kec_core.photos.images import scan_images
from kec_core.stages import Hooks, Resources, Runner, Stored, embed_photos
from kec_core.stages.resources import wordnet_builder
from kec_core.store import FolderStore, cache_dir
from kec_core.terminal import show_progress
from kec_core.wordnet.vocabulary import wordnet_vocabulary
from kec_core.wordnet.wordnet import load_wordnet
from state.methods.labels import labels_of_test, read_captions, with_answers
from state.transfer.label_files import labels_from_folders

GROUPS: Mapping[str, tuple[str, ...]] = {
    "main": (
        "kmeans",
        "tac-notrain",
        "laic",
        "cae",
        "kec",
        "laic-centres",
        "sic",
        "tac",
        "kec-tac",
        "turtle",
        "turtle-tac",
        "turtle-kec",
        "zeroshot",
    ),
    "ablation": (
        "kmeans",
        "kec-looks",
        "kec-plain-looks",
        "kec-no-words-start",
        "kec-con",
        "kec-des",
        "kec-con-des",
        "kec-con-des-ua",
        "kec-con-des-ba",
        "kec",
        "kec-fixed",
        "kec-spectral",
        "kec-agglomerative",
        "kec-bisecting",
    ),
}
"""What the names of ``--methods`` stand for, besides "all"."""
WAYS: tuple[ConceptSource, ...] = ("words", "overclusters")
"""Where concepts may come from; the words of both are judged."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Collection:
    """A labelled folder, ready for every method.

    Attributes:
        labels: of the photos that are clustered.
        n_clusters: number of different labels.
    """

    name: str
    embedded: Stored
    split: Split | None
    labels: list[str | None]
    n_clusters: int


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run the table; the Markdown tables are part of the result and printed as they are without ``--json``."""
    parser = options_parser("table", seeds=5)
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FOLDER")
    add_options(parser)
    arguments = parser.parse_args(options)
    resources = load_resources(arguments.encoder)
    return measure_folders(arguments.data, resources, arguments)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that every table of methods has."""
    parser.add_argument("--encoder", default="compact")
    parser.add_argument("--methods", default="main", help="main, ablation, all, or names joined by commas")
    parser.add_argument("--preset", default="fast", choices=("fast", "full"))
    parser.add_argument("--paper", action="store_true", help="concepts the paper's way, from over-clusters")
    parser.add_argument("--captions", type=Path, metavar="FILE", help="text, one caption per line, for CAE")


def measure_sets(
    name: str,
    options: Sequence[str],
    measure_set: Callable[..., dict[str, Any]],
    table: Callable[[Mapping[str, Any]], str],
    **numbers: int,
) -> dict[str, Any]:
    """What ``kec bench NAME`` finds on each labelled folder, with the Markdown table of it all.

    Args:
        name: of the benchmark.
        options: ``--data FOLDER ...``, ``--encoder``, and the numbers.
        measure_set: measures one folder, given the resources and the numbers by name.
        table: writes the Markdown.
        numbers: the benchmark's own options with their defaults.
    """
    parser = options_parser(name, encoder="compact", **numbers)
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FOLDER")
    arguments = parser.parse_args(options)
    resources = load_resources(arguments.encoder)
    asked = {option: getattr(arguments, option) for option in numbers}
    sets = [measure_set(folder, resources, **asked) for folder in arguments.data]
    result = {"encoder": resources.encoder.info.caption, **asked, "sets": sets}
    return {**result, "markdown": table(result)}


@contextmanager
def labelled_folder(folder: Path, resources: Resources) -> Iterator[tuple[Collection, Runner]]:
    """A folder with its labels, and what runs stages on it: shows progress, and remembers results over runs."""
    with show_progress() as progress:
        runner = Runner(FolderStore(cache_dir() / "bench"), Hooks(progress=progress))
        yield load_collection(folder, resources, runner), runner


def load_resources(encoder: str) -> Resources:
    """Encoder, WordNet and the builder that needs no language model."""
    wordnet = load_wordnet()
    return Resources(
        encoder=load_encoder(encoder),
        vocabulary=wordnet_vocabulary(wordnet),
        builder=WordNetBuilder(wordnet),
        text_cache=TextCache(),
        wordnet=wordnet,
    )


def measure_folders(
    folders: Sequence[Path], resources: Resources, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Scores of every method on every folder, means over the folders, mean ranks, and all of it as Markdown."""
    methods = chosen_methods(arguments.methods)
    captions = read_captions(arguments.captions) if arguments.captions else ()
    config = RunConfig(encoder=resources.encoder.info.name)
    if arguments.paper:
        config = paper_defaults(config)
        resources = _with_builder(resources, config)
    sets = [measure_set(folder, resources, config, methods, captions, arguments) for folder in folders]
    names = [name for name in methods if all(name in each["methods"] for each in sets)]
    means = {name: {m: fmean(s["methods"][name][m]["mean"] for s in sets) for m in METRICS} for name in names}
    fair = [name for name in names if not METHODS[name].needs & {"class names", "labels"}]
    accuracies = [{name: each["methods"][name]["acc"]["mean"] for name in fair} for each in sets]
    result = {
        "encoder": resources.encoder.info.caption,
        "preset": arguments.preset,
        "seeds": arguments.seeds,
        "sets": sets,
        "mean": means,
        "rank": mean_ranks(accuracies) if fair else {},
        "methods": {
            name: {"caption": METHODS[name].caption, "provenance": METHODS[name].provenance} for name in names
        },
    }
    return {**result, "markdown": tables(result)}


def mean_ranks(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean rank of each method over collections: 1 is best, equal values share the mean of their ranks.

    Args:
        values: per collection, the value of each method, larger is better; every collection has the same methods.
    """
    import pandas as pd

    ranks = pd.DataFrame(list(values)).rank(axis="columns", ascending=False).mean()
    return {str(name): float(rank) for name, rank in ranks.items()}


def chosen_methods(text: str) -> dict[str, Method]:
    """Methods by name, from a group or a list of names.

    Raises:
        InputError: an unknown name.
    """
    names = (
        METHODS if text == "all" else GROUPS.get(text) or [n.strip() for n in text.split(",") if n.strip()]
    )
    return {name: find_method(name) for name in names}


def measure_set(
    folder: Path,
    resources: Resources,
    config: RunConfig,
    methods: Mapping[str, Method],
    captions: tuple[str, ...],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """Scores and seconds of every method on one folder; a method that lacks something there is left out and named."""
    outcomes: dict[str, list[Outcome]] = {}
    left_out: dict[str, str] = {}
    words: dict[ConceptSource, list[NameScores]] = {}
    with labelled_folder(folder, resources) as (collection, runner):
        for seed in range(arguments.seeds):
            inputs = seed_inputs(collection, resources, replace(config, seed=seed), methods, captions, runner)
            if "kec" in methods and resources.wordnet is not None:
                for way in WAYS:
                    words.setdefault(way, []).append(
                        _words(way, collection, resources, replace(config, seed=seed), inputs, runner)
                    )
            for name, method in methods.items():
                if lacking := missing_needs(method, inputs):
                    left_out[name] = f"needs {' and '.join(lacking)}"
                    continue
                outcome = measure_method(
                    runner,
                    name,
                    inputs,
                    collection.labels,
                    collection.n_clusters,
                    seed=seed,
                    preset=arguments.preset,
                )
                outcomes.setdefault(name, []).append(outcome)
                _say(
                    f"{collection.name}, seed {seed}, {name}: ACC {outcome.scores.acc:.3f}, {outcome.seconds:.1f} s"
                )
    return {
        "set": collection.name,
        "images": len(collection.labels),
        "clusters": collection.n_clusters,
        "split": split_note(collection.split),
        "methods": {name: _row(several) for name, several in outcomes.items()},
        "left_out": left_out,
        "words": {way: _mean_words(several) for way, several in words.items()},
    }


def _words(
    way: ConceptSource,
    collection: Collection,
    resources: Resources,
    config: RunConfig,
    inputs: MethodInputs,
    runner: Runner,
) -> NameScores:
    """How good the words are: of the knowledge that the table's methods have, or of that made the paper's way."""
    if way != config.mapping.concepts_from:
        config = replace(config, mapping=replace(config.mapping, concepts_from=way))
        inputs = seed_inputs(
            collection, _with_builder(resources, config), config, {"kec": METHODS["kec"]}, (), runner
        )
    assert resources.wordnet is not None
    return judge_names(
        runner, inputs, collection.labels, collection.n_clusters, resources.wordnet, seed=config.seed
    )


def _with_builder(resources: Resources, config: RunConfig) -> Resources:
    """The resources with the builder that the options ask for."""
    assert resources.wordnet is not None
    return replace(resources, builder=wordnet_builder(config, resources.wordnet))


def _mean_words(several: Sequence[NameScores]) -> dict[str, Any]:
    """All seeds of one way to make concepts."""
    told = [one.attributes for one in several if one.attributes is not None]
    return {
        "name_score": asdict(spread([one.names for one in several])),
        "distinct_names": asdict(spread([one.distinct for one in several])),
        "attribute_auc": asdict(spread(told)) if told else None,
        "concepts": fmean(one.concepts for one in several),
    }


def _row(several: Sequence[Outcome]) -> dict[str, Any]:
    """All seeds of one method."""
    spreads = summarise([outcome.scores for outcome in several])
    return {
        **{metric: asdict(spread) for metric, spread in spreads.items()},
        "seconds": round(fmean(outcome.seconds for outcome in several), 2),
        "note": several[-1].note,
    }


def load_collection(folder: Path, resources: Resources, runner: Runner) -> Collection:
    """Photos, features and labels of a folder.

    Raises:
        InputError: fewer than two labels.
    """
    report = scan_images(folder, progress=runner.hooks.progress)
    embedded = embed_photos(runner, report.images, folder, resources.encoder)
    names = labels_from_folders(report.images)
    split = find_split(embedded.data["ids"])
    labels = labels_of_test([names.get(image_id) for image_id in embedded.data["ids"]], split)
    kinds = {label for label in labels if label is not None}
    if len(kinds) < 2:
        raise InputError(
            f"{folder} should hold at least two sub-folders of photos, one per label, but has {len(kinds)}; "
            "choose a folder whose sub-folders are classes."
        )
    return Collection(
        name=folder.resolve().name, embedded=embedded, split=split, labels=labels, n_clusters=len(kinds)
    )


def seed_inputs(
    collection: Collection,
    resources: Resources,
    config: RunConfig,
    methods: Mapping[str, Method],
    captions: tuple[str, ...],
    runner: Runner,
) -> MethodInputs:
    """What the methods are given for one seed: knowledge is built anew for each."""
    needs = {need for method in methods.values() for need in method.needs}
    inputs, _ = prepare(runner, collection.embedded, resources, config, collection.n_clusters, needs=needs)
    return with_answers(replace(inputs, captions=captions), collection.labels)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
