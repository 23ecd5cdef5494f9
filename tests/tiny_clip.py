"""Real open_clip models, tiny and with random weights, saved as checkpoints like trained ones."""

from __future__ import annotations

import json
from pathlib import Path

VISION = {"image_size": 32, "layers": 2, "width": 32, "patch_size": 16, "head_width": 16}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
CONFIGS = {
    "kec-tiny": {"text_cfg": TEXT},
    "kec-tiny-custom": {"text_cfg": TEXT, "custom_text": True},
    # the end-of-text number of open_clip's tokenizer
    "kec-tiny-eos": {"text_cfg": {**TEXT, "pool_type": "eos", "eos_id": 49407}, "custom_text": True},
    "kec-tiny-two-way": {"text_cfg": {**TEXT, "no_causal_mask": True}, "custom_text": True},
    "kec-tiny-class-token": {"text_cfg": {**TEXT, "embed_cls": True}, "custom_text": True},
    "kec-tiny-last": {"text_cfg": {**TEXT, "pool_type": "last"}, "custom_text": True},
}
CROPPED = ("kec-tiny", "kec-tiny-custom", "kec-tiny-eos")
FULL = ("kec-tiny-two-way", "kec-tiny-class-token", "kec-tiny-last")


def make_checkpoints(folder: Path) -> dict[str, Path]:
    """Register the models with open_clip and save weights for each; model to checkpoint."""
    import open_clip
    import torch

    files = {}
    (folder / "with / slash").mkdir(parents=True)
    for name, config in CONFIGS.items():
        (folder / f"{name}.json").write_text(json.dumps({"embed_dim": 16, "vision_cfg": VISION, **config}))
    open_clip.add_model_config(folder)
    for name in CONFIGS:
        with torch.random.fork_rng():
            torch.manual_seed(len(name))
            model = open_clip.create_model(name)
        files[name] = folder / "with / slash" / f"{name}.pt"
        torch.save(model.state_dict(), files[name])
    return files
