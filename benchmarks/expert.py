"""What a person's knowledge is worth: an expert's script of edits against the automatic result, on labelled folders.

``kec bench expert --data FOLDER [FOLDER ...] [--seeds 5] [--photos 5]``. The expert knows the names of the groups
wanted. The script replaces the knowledge by these names with two attributes each; a second one
also assigns a few photos to every group, chosen by the seed. Both go through the live loop that the app uses. Class
names and the labels of the assigned photos are the expert's knowledge here; scores are of the other photos, and of
all photos beside them. The last row is what the encoder tells at most: a linear probe that is told most classes.

By class folder: the name as the person would say it, then the attributes. Written once, before any measurement.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict

from benchmarks.common import markdown_table
from benchmarks.table import Collection, labelled_folder, measure_sets
from kec_core.arrays import FloatMatrix, IntVector, as_labels
from kec_core.clustering import cluster, fuse
from kec_core.clustering.metrics import score
from kec_core.clustering.whitening import fit_whitening
from kec_core.config import RunConfig
from kec_core.grounding import concept_vectors, ground
from kec_core.knowledge.edits import AssignImages, ConceptText, Edit, SetKnowledge, apply_script
from kec_core.live import LiveCollection, LiveState, start, update
from kec_core.live.full import full_clustering, weighed
from kec_core.methods.base import METRICS, summarise
from kec_core.methods.prepare import prepare
from kec_core.stages import Resources, Runner
from kec_core.types import Scores

EXPERT: Mapping[str, tuple[str, str, str]] = {
    # imagenette
    "English_springer": ("English springer", "long floppy ears", "brown and white coat"),
    "French_horn": ("French horn", "coiled brass tubing", "wide flared bell"),
    "cassette_player": ("cassette player", "row of buttons", "slot for a tape"),
    "chain_saw": ("chain saw", "long toothed blade", "orange motor housing"),
    "church": ("church", "tall steeple", "stained glass windows"),
    "garbage_truck": ("garbage truck", "large container body", "lifting arm for bins"),
    "gas_pump": ("gas pump", "hose with a nozzle", "price display"),
    "golf_ball": ("golf ball", "white dimpled surface", "lying on grass"),
    "parachute": ("parachute", "colourful canopy", "cords holding a person in the sky"),
    "tench": ("tench", "olive green scales", "fish held in the hands"),
    # tuxpaint-stamps
    "bird": ("bird", "feathers and wings", "beak"),
    "coin": ("coin", "round metal disc", "embossed portrait"),
    "fish": ("fish", "fins and tail", "shiny scales"),
    "flower": ("flower", "colourful petals", "green stem"),
    "fruit": ("fruit", "round juicy shape", "smooth skin with a stalk"),
    "insect": ("insect", "six thin legs", "antennae"),
    "mammal": ("mammal", "fur", "four legs"),
    "musical_instrument": ("musical instrument", "strings or keys", "polished wood or brass"),
    "road_sign": ("road sign", "flat coloured panel", "symbol or letters"),
    "tool": ("hand tool", "handle", "metal head"),
    "vegetable": ("vegetable", "green leaves", "edible root"),
    "vehicle": ("vehicle", "wheels", "windows and doors"),
    # cifar10
    "airplane": ("airplane", "long wings", "sky in the background"),
    "automobile": ("automobile", "four wheels", "windshield and headlights"),
    "cat": ("cat", "pointed ears and whiskers", "round face"),
    "deer": ("deer", "slender legs", "antlers"),
    "dog": ("dog", "long snout", "hanging tongue"),
    "frog": ("frog", "wet green skin", "bulging eyes"),
    "horse": ("horse", "mane and long tail", "long legs with hooves"),
    "ship": ("ship", "hull on the water", "masts or a deck"),
    "truck": ("truck", "large cargo box", "big wheels"),
    # caltech101-30
    "airplanes": ("airliner", "long wings with engines", "fuselage with windows"),
    "brain": ("brain", "folded grey surface", "two halves"),
    "brontosaurus": ("brontosaurus", "very long neck", "huge body with a long tail"),
    "camera": ("camera", "round lens", "black body with buttons"),
    "cellphone": ("cellphone", "small keypad", "small screen"),
    "chandelier": ("chandelier", "hanging lights", "crystal arms"),
    "cougar_face": ("cougar", "tawny face", "whiskers and small round ears"),
    "crab": ("crab", "two claws", "hard wide shell"),
    "crocodile_head": ("crocodile", "long jaws with teeth", "rough scaly skin"),
    "ferry": ("ferry", "several passenger decks", "large white boat on the water"),
    "flamingo": ("flamingo", "pink feathers", "long thin legs and a curved neck"),
    "hawksbill": ("hawksbill turtle", "patterned shell", "flippers"),
    "headphone": ("headphones", "two ear cups", "curved headband"),
    "hedgehog": ("hedgehog", "short spines", "pointed snout"),
    "helicopter": ("helicopter", "rotor blades", "tail boom"),
    "inline_skate": ("inline skate", "row of wheels", "high boot with buckles"),
    "kangaroo": ("kangaroo", "strong hind legs", "thick long tail"),
    "ketch": ("sailing boat", "tall masts with sails", "hull on the sea"),
    "llama": ("llama", "woolly coat", "long neck with upright ears"),
    "menorah": ("menorah", "branched candle holder", "row of candles"),
    "okapi": ("okapi", "striped legs", "dark brown body"),
    "revolver": ("revolver", "rotating cylinder", "barrel and grip"),
    "sea_horse": ("sea horse", "curled tail", "upright body with a long snout"),
    "stegosaurus": ("stegosaurus", "plates along the back", "spiked tail"),
    "stop_sign": ("stop sign", "red octagon", "white letters"),
    "trilobite": ("trilobite fossil", "segmented stone shell", "oval ridged body"),
    "watch": ("wristwatch", "dial with hands", "strap"),
    "wheelchair": ("wheelchair", "two large wheels", "seat with armrests"),
    "wrench": ("wrench", "open metal jaw", "long steel handle"),
    "yin_yang": ("yin and yang symbol", "black and white circle", "two curved halves"),
    # intel-scenes
    "buildings": ("buildings", "tall facades", "rows of windows"),
    "forest": ("forest", "many trees", "green leaves"),
    "glacier": ("glacier", "blue ice", "snow between rocks"),
    "mountain": ("mountain", "rocky peaks", "wide slopes under the sky"),
    "sea": ("sea", "water to the horizon", "waves and a beach"),
    "street": ("street", "road between houses", "cars and people walking"),
}  # fmt: skip


def expert_text(folder: str) -> tuple[str, tuple[str, ...]]:
    """Name and attributes of a class folder; a folder nobody wrote about has its name and no attributes."""
    if folder in EXPERT:
        name, *attributes = EXPERT[folder]
        return name, tuple(attributes)
    return " ".join(Path(folder).name.replace("_", " ").split()), ()


ROWS: Mapping[str, str] = {
    "kmeans": "k-means on the photos alone",
    "automatic": "KEC, automatic",
    "names": "named by an expert",
    "names+photos": "named, {photos} photos assigned per group",
    "probe": "told the classes of three quarters of the photos",
}
"""What is compared, in order, and how the table calls it."""
PROBE = LogisticRegression(C=10.0, max_iter=300)
"""On centred unit rows; C is the best of 3, 10, 30 and 100 in the mean [M]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One grouping with one seed: scores without the assigned photos, and of all photos."""

    rest: Scores
    all: Scores


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run the comparison; the Markdown table is part of the result."""
    result = measure_sets("expert", options, measure_set, table, seeds=5, photos=5)
    gains = {
        name: fmean(each["rows"][name]["gain"] for each in result["sets"])
        for name in ("names", "names+photos")
    }
    return {**result, "gain": gains}


def measure_set(folder: Path, resources: Resources, seeds: int, photos: int) -> dict[str, Any]:
    """Every grouping of one folder: mean and sd over the seeds, and the gain in ACC over the automatic result."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in ROWS}
    with labelled_folder(folder, resources) as (collection, runner):
        for seed in range(seeds):
            for name, outcome in one_seed(collection, resources, runner, seed, photos).items():
                outcomes[name].append(outcome)
    rows = {name: _row(several) for name, several in outcomes.items()}
    for row in rows.values():
        row["gain"] = row["acc"]["mean"] - rows["automatic"]["acc"]["mean"]
    _say(f"{collection.name}: " + ", ".join(f"{name} {row['acc']['mean']:.3f}" for name, row in rows.items()))
    return {
        "set": collection.name,
        "images": len(collection.labels),
        "clusters": collection.n_clusters,
        "rows": rows,
    }


def one_seed(
    collection: Collection, resources: Resources, runner: Runner, seed: int, photos: int
) -> dict[str, Outcome]:
    """All groupings with one seed, the automatic ones made as ``kec run`` makes them."""
    state = automatic_state(collection, resources, runner, seed)
    shown = assigned_photos(collection.labels, photos, seed)
    image_ids = state.collection.image_ids
    names = naming_script(list(shown))
    examples = [
        AssignImages(images=tuple(image_ids[row] for row in rows), concept=expert_text(name)[0])
        for name, rows in shown.items()
    ]
    assert state.collection.baseline is not None
    known = np.array([row for row, label in enumerate(collection.labels) if label is not None])
    truth = as_labels([label or "" for label in collection.labels])
    labels = {
        "kmeans": state.collection.baseline,
        "automatic": state.clustering.labels,
        "names": edited(state, [names]).clustering.labels,
        "names+photos": edited(state, [names, *examples]).clustering.labels,
        "probe": linear_probe(state.collection.x, truth, known, seed),
    }
    rest = np.setdiff1d(known, np.concatenate(list(shown.values())))
    return {
        name: Outcome(rest=score(found[rest], truth[rest]), all=score(found[known], truth[known]))
        for name, found in labels.items()
    }


def linear_probe(x: FloatMatrix, truth: IntVector, known: NDArray[np.int64], seed: int) -> IntVector:
    """What the encoder tells of the classes, at most: logistic regression, each quarter told by the three others.

    Args:
        x: float32 (N, D), unit rows.
        truth: int32 (N,), classes.
        known: int64, rows whose class is known; others stay in class 0.
        seed: draws the quarters.
    """
    found = np.zeros(len(truth), dtype=np.int32)
    centred = x - x.mean(axis=0)
    quarters = KFold(4, shuffle=True, random_state=seed)
    found[known] = cross_val_predict(PROBE, centred[known], truth[known], cv=quarters)
    return found


def automatic_state(collection: Collection, resources: Resources, runner: Runner, seed: int) -> LiveState:
    """The automatic result with its live collection."""
    config = replace(RunConfig(encoder=resources.encoder.info.name), seed=seed)
    inputs, split = prepare(
        runner, collection.embedded, resources, config, collection.n_clusters, needs={"knowledge"}
    )
    ids = collection.embedded.data["ids"]
    assert inputs.knowledge is not None
    assert inputs.weight is not None
    x, defaults, k = inputs.test.x, inputs.defaults, collection.n_clusters
    vectors = concept_vectors(inputs.knowledge, inputs.encode, config.grounding)
    grounding = ground(x, vectors, config.grounding, defaults)
    live = LiveCollection(
        image_ids=tuple(ids if split is None else (ids[row] for row in split.test)),
        x=x,
        grounded=x,
        encode=inputs.encode,
        defaults=defaults,
        config=config.grounding,
        n_clusters=k,
        weight=inputs.weight,
        baseline=cluster(x, k, config.clustering, seed=seed).labels,
        whitening=fit_whitening(x),
        seed=seed,
    )
    fused = fuse(live.looks, grounding.kappa, inputs.weight)
    options = weighed(config.clustering, inputs.weight)
    clustering = full_clustering(fused, grounding, inputs.knowledge, live.image_ids, k, options, seed=seed)
    return start(live, inputs.knowledge, clustering)


def assigned_photos(labels: Sequence[str | None], count: int, seed: int) -> dict[str, NDArray[np.int64]]:
    """Rows of some photos of every class, by class in alphabetical order; at least one photo of each is left over."""
    rng = np.random.default_rng(seed)
    rows_of: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        if label is not None:
            rows_of.setdefault(label, []).append(row)
    return {
        name: rng.choice(np.array(rows_of[name]), max(1, min(count, len(rows_of[name]) - 1)), replace=False)
        for name in sorted(rows_of)
    }


def naming_script(classes: Sequence[str]) -> Edit:
    """What an expert would write: the groups wanted, with their attributes."""
    texts = [expert_text(name) for name in classes]
    return SetKnowledge(
        concepts=tuple(ConceptText(name=name, attributes=attributes) for name, attributes in texts)
    )


def edited(state: LiveState, edits: Sequence[Edit]) -> LiveState:
    """The state after a script, as the app computes it."""
    return update(state, apply_script(state.knowledge, edits))


def _row(several: Sequence[Outcome]) -> dict[str, Any]:
    spreads = summarise([outcome.rest for outcome in several])
    whole = summarise([outcome.all for outcome in several])
    return {
        **{metric: asdict(spread) for metric, spread in spreads.items()},
        "all_photos": {metric: whole[metric].mean for metric in METRICS},
    }


def table(result: Mapping[str, Any]) -> str:
    """ACC x100 of every grouping on every set, mean ± sd over the seeds; the gain over the automatic result."""
    sets = result["sets"]
    heads = [f"{each['set']} ({each['images']}, {each['clusters']})" for each in sets]
    told = (
        f"Encoder: {result['encoder']}. ACC x100, mean ± sd of {result['seeds']} seeds; assigned photos are left out "
        "of every score. In brackets: gain over the automatic result."
    )
    rows = [
        [
            caption.format(photos=result["photos"]),
            *(_cell(each["rows"][name], gain=name.startswith("names")) for each in sets),
        ]
        for name, caption in ROWS.items()
    ]
    return markdown_table(["", *heads], rows, told)


def _cell(row: Mapping[str, Any], *, gain: bool) -> str:
    text = f"{100 * row['acc']['mean']:.1f} ± {100 * row['acc']['sd']:.1f}"
    return f"{text} ({100 * row['gain']:+.1f})" if gain else text


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
