"""Image-text models of open_clip that are offered by name, with what is published about them.

Sizes and accuracies are those of the publishers: open_clip's docs (model_profile.csv, openclip_results.csv), the cards of
apple/MobileCLIP2, and table 1 of SigLIP 2 (arXiv 2502.14786).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """One set of weights.

    Attributes:
        weights: "MODEL/TAG" of open_clip.
        caption: its name for people.
        hub: where open_clip's registry finds it; kept here, for importing open_clip takes seconds.
        image_parameters, text_parameters: in millions.
        zero_shot: accuracy on ImageNet by words alone, in percent.
        licence: of the weights.
    """

    weights: str
    caption: str
    hub: str
    image_parameters: float
    text_parameters: float
    zero_shot: float
    licence: str

    @property
    def advice(self) -> str:
        """What is published about it, in one line."""
        return (
            f"{self.zero_shot:g} % on ImageNet by words alone, {self.image_parameters:g} million parameters for photos and "
            f"{self.text_parameters:g} for words, licence {self.licence}."
        )


KNOWN_MODELS: Final = (
    KnownModel(
        weights="ViT-B-32/openai",
        caption="CLIP ViT-B/32 (OpenAI)",
        hub="timm/vit_base_patch32_clip_224.openai/",
        image_parameters=88,
        text_parameters=63,
        zero_shot=63.3,
        licence="MIT",
    ),
    KnownModel(
        weights="ViT-B-32/datacomp_xl_s13b_b90k",
        caption="CLIP ViT-B/32 (DataComp)",
        hub="laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K/",
        image_parameters=88,
        text_parameters=63,
        zero_shot=69.2,
        licence="MIT",
    ),
    KnownModel(
        weights="MobileCLIP2-S0/dfndr2b",
        caption="MobileCLIP2-S0",
        hub="timm/MobileCLIP2-S0-OpenCLIP/",
        image_parameters=11.4,
        text_parameters=63.4,
        zero_shot=71.5,
        licence="Apple AMLR (research only)",
    ),
    KnownModel(
        weights="MobileCLIP2-S2/dfndr2b",
        caption="MobileCLIP2-S2",
        hub="timm/MobileCLIP2-S2-OpenCLIP/",
        image_parameters=35.7,
        text_parameters=63.4,
        zero_shot=77.2,
        licence="Apple AMLR (research only)",
    ),
    KnownModel(
        weights="ViT-B-32-SigLIP2-256/webli",
        caption="SigLIP 2 ViT-B/32 256",
        hub="timm/ViT-B-32-SigLIP2-256/",
        image_parameters=94,
        text_parameters=282,
        zero_shot=74.0,
        licence="Apache-2.0",
    ),
    KnownModel(
        weights="ViT-B-16-SigLIP2-256/webli",
        caption="SigLIP 2 ViT-B/16 256",
        hub="timm/ViT-B-16-SigLIP2-256/",
        image_parameters=93,
        text_parameters=282,
        zero_shot=79.1,
        licence="Apache-2.0",
    ),
)
"""The preferred one first."""
