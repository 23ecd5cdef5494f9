"""FiftyOne's own library, in an environment of its own: it wrote ``tests/fiftyone_wrote``, and reads what is exported.

It is 1.1 GB, and needs a MongoDB whose one wheel on PyPI wants OpenSSL 1.1, which lies beside OpenCV; so tests read
what it wrote. Linux on x86-64, two minutes::

    python3 -m venv fo && fo/bin/pip install -r requirements-fiftyone.txt
    cd fo/lib/python3*/site-packages/opencv_python_headless.libs
    ln -s libssl-*.so.1.1* libssl.so.1.1 && ln -s libcrypto-*.so.1.1* libcrypto.so.1.1
    export LD_LIBRARY_PATH=$PWD FIFTYONE_DATABASE_VALIDATION=false FIFTYONE_DO_NOT_TRACK=true && cd -
    fo/bin/python tests/fiftyone_library.py    # writes the files again
    FIFTYONE_PYTHON=$PWD/fo/bin/python .venv/bin/python -m pytest tests/test_state_fiftyone.py
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

WROTE = Path(__file__).parent / "fiftyone_wrote"
LABELS = {"cats/1.png": "cat", "cats/2.png": None, "dogs/1.png": "dog", "Vögel/鳥 é.png": "Vögel 鳥"}
"""Of each photo; two are called alike, and one has no label."""
VECTORS = {name: [at + 0.5, at + 1.25, -at - 1.0] for at, name in enumerate(LABELS)}
GONE = "/gone/0.png"
"""A sample whose photo lies nowhere."""


def write():
    """Export one dataset in every form that is read here."""
    import fiftyone as fo
    import numpy as np
    from PIL import Image

    root = Path(tempfile.mkdtemp()) / "photos"
    dataset = fo.Dataset()
    for at, (name, label) in enumerate({**LABELS, GONE: "gone"}.items()):
        path = root / name
        if name != GONE:
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 40), (at * 40, 9, 9)).save(path)
        sample = fo.Sample(filepath=str(path), tags=["Übung"])
        if label is not None:
            sample["ground_truth"] = fo.Classification(label=label)
            sample["guess"] = fo.Classification(label=f"{label}?", confidence=0.25, cluster=at)
            sample["one"] = fo.Classifications(classifications=[fo.Classification(label=label)])
            both = [fo.Classification(label=one) for one in (label, "seen")]
            sample["several"] = fo.Classifications(classifications=both[: 1 + (label == "dog")])
        sample["embedding"] = np.array(VECTORS.get(name, [0, 0, 0]), np.float32)
        sample["listed"] = VECTORS.get(name, [0.0, 0.0, 0.0])
        dataset.add_sample(sample)
    there = dataset.match(fo.ViewField("filepath").starts_with(str(root)))
    classes = {"dataset_type": fo.types.FiftyOneImageClassificationDataset}
    whole = {"dataset_type": fo.types.FiftyOneDataset}
    manifest = {**classes, "data_path": "data.json", "export_media": "manifest", "rel_dir": str(root)}
    forms = {
        "classes-copies": (there, {**classes, "label_field": "ground_truth", "rel_dir": str(root)}),
        "classes-flat": (there, {**classes, "label_field": "ground_truth"}),
        "classes-paths": (dataset, {**classes, "label_field": "ground_truth", "export_media": False, "abs_paths": True}),
        "classes-manifest": (dataset, {**manifest, "label_field": "ground_truth", "classes": dataset.distinct("ground_truth.label")}),
        "classes-details": (dataset, {**manifest, "label_field": "guess", "include_confidence": True, "include_attributes": True}),
        "classes-one": (dataset, {**manifest, "label_field": "one"}),
        "classes-several": (dataset, {**manifest, "label_field": "several", "include_confidence": True}),
        "samples": (dataset, {**whole, "export_media": False}),
        "samples-copies": (there, {**whole, "rel_dir": str(root)}),
        "samples-flat": (there, whole),
        "samples-one": (dataset.select_fields(["one", "listed"]), {**whole, "export_media": False}),
        "samples-legacy": (there, {"dataset_type": fo.types.LegacyFiftyOneDataset, "rel_dir": str(root)}),
    }  # fmt: skip
    shutil.rmtree(WROTE, ignore_errors=True)
    for name, (view, options) in forms.items():
        view.export(export_dir=str(WROTE / name), **options)
        shutil.rmtree(WROTE / name / "data", ignore_errors=True)
        (WROTE / name / "metadata.json").unlink(missing_ok=True)
    for file in WROTE.rglob("*.json"):  # the folder that it was made in lies nowhere
        file.write_text(file.read_text(encoding="utf-8").replace(str(root), "/elsewhere/photos"), encoding="utf-8")  # fmt: skip
    fields = sorted(fo.Classification(label="x")._fields)
    (WROTE / "fields.json").write_text(json.dumps(fields) + "\n")
    dataset.delete()


def read(folder):
    """Load an export as docs/formats.md says, and print its photos with their labels."""
    import fiftyone as fo

    dataset = fo.Dataset.from_dir(
        dataset_dir=str(folder),
        data_path="data.json",
        dataset_type=fo.types.FiftyOneImageClassificationDataset,
    )
    names = ("label", "confidence", "file", "cluster", "concept", "ground_truth")
    found = {
        sample.filepath: {name: sample["ground_truth"].get_field(name) for name in names if sample["ground_truth"].has_field(name)}
        for sample in dataset
    }  # fmt: skip
    print(json.dumps({"classes": dataset.default_classes, "samples": found}))
    dataset.delete()


if __name__ == "__main__":
    read(Path(sys.argv[1])) if len(sys.argv) > 1 else write()
