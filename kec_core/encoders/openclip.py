"""Any open_clip model: bf16 images where the machine has it, text cropped to the longest prompt."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kec_core.arrays import FloatMatrix, Progress, fingerprint, no_progress
from kec_core.config import EncoderDefaults
from kec_core.encoders.base import TPL7, EncoderInfo, Pixels, Places
from kec_core.encoders.network import Network, Once, example_photos
from kec_core.encoders.networks import best_device, load_network
from kec_core.encoders.openclip_text import ClipModel, TextTower
from kec_core.encoders.openclip_weights import Weights, find_weights, needs_hub, require_hub
from kec_core.errors import InputError
from kec_core.types import Noun

if TYPE_CHECKING:
    import torch

_MAX_ASPECT = 4  # the centre crop drops what is beyond; resizing a 1 x 1,000,000 strip would fill the memory


def load_open_clip(spec: str) -> OpenClipEncoder:
    """Load "MODEL/TAG" or "MODEL/PATH"; the model's name ends at the first "/", so a path may hold more.

    Checkpoints are read without unpickling arbitrary objects.

    Raises:
        InputError: no such model, tag or file, or the file does not fit the model.
        ResourceMissing: weights are not on this machine and cannot be fetched.
    """
    weights = find_weights(spec)
    import open_clip  # after mistyped names are refused

    for repository in needs_hub(weights.model):
        require_hub(f"Files of {repository} that {weights.model} needs are", "run once with internet.")
    device = best_device()
    model = _build(weights).eval().to(device)
    return OpenClipEncoder(model, open_clip.get_tokenizer(weights.model), _describe(weights, model), device)


class OpenClipEncoder:
    """An open_clip model as an Encoder.

    Attributes:
        model: the torch module, in float32 and evaluation mode, on ``device``.
        device: "cuda" or "cpu".
        text: the text tower by itself.
    """

    def __init__(
        self, model: ClipModel, tokenizer: Callable[[list[str]], torch.Tensor], info: EncoderInfo, device: str
    ) -> None:
        from open_clip.transform import PreprocessCfg, image_transform_v2

        self.model = model
        self.device = device
        self._info = info
        settings = PreprocessCfg(**model.visual.preprocess_cfg)
        self._crops = settings.resize_mode == "shortest"
        self._transform = image_transform_v2(settings, is_train=False)
        self._images = Once(self._image_network)
        self.text = TextTower(model, tokenizer, device, info.revision)

    @property
    def info(self) -> EncoderInfo:
        """See Encoder."""
        return self._info

    def preprocess(self, image: Image.Image) -> Pixels:
        """The model's own resize, crop and scaling; see Encoder."""
        if self._crops:
            image = _without_far_ends(image)
        pixels: Pixels = self._transform(image).numpy()
        return pixels

    @property
    def bf16(self) -> bool:
        """Whether images are encoded in bfloat16, where the machine computes it faster; texts never are."""
        return self._images().bf16

    def encode_images(self, pixels: Pixels) -> FloatMatrix:
        """See Encoder."""
        (features,) = self._images()([pixels])
        return features

    def _image_network(self) -> Network:
        """Pixels (B, 3, side, side) to raw features (B, d)."""
        blank = self.preprocess(Image.new("RGB", (64, 64)))
        return load_network(
            lambda: _image_module(self.model),
            example_photos(*blank.shape[1:]),
            key=f"image tower of {self.info.revision}",
            rows_in_flight=1,
        )

    def encode_places(self, image: Image.Image) -> Places:
        """See PlaceEncoder: the patches of a vision transformer, through its last norm and projection.

        Raises:
            InputError: the image tower is another kind of network, or pools its patches by attention.
        """
        import torch

        tower = self.model.visual
        if not hasattr(tower, "forward_intermediates") or getattr(tower, "attn_pool", 0) is not None:
            raise InputError(
                f"Places of a photo can be shown for a plain vision transformer, but {self.info.caption} is "
                "another kind of network; choose an open_clip ViT or the compact encoder."
            )
        pixels = self.preprocess(image)
        with torch.inference_mode():
            patches = tower.forward_intermediates(
                torch.from_numpy(pixels[None]).to(self.device),
                indices=1,
                normalize_intermediates=True,
                intermediates_only=True,
            )["image_intermediates"][-1]
            features = patches[0].permute(1, 2, 0)
            features = features if tower.proj is None else features @ tower.proj
        return Places(features=features.cpu().numpy(), seen=self._seen(pixels), pooled=False)

    def _seen(self, pixels: Pixels) -> NDArray[np.uint8]:
        """What ``preprocess`` kept of a photo, as colours."""
        known = self.model.visual.preprocess_cfg
        colours = pixels.transpose(1, 2, 0) * np.asarray(known["std"]) + np.asarray(known["mean"])
        seen: NDArray[np.uint8] = np.clip(colours * 255, 0, 255).astype(np.uint8)
        return seen

    def encode_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """See Encoder; longer texts than the model takes are cut."""
        if not texts:
            return np.empty((0, self.info.dim), dtype=np.float32)
        return self.text.encode(texts)

    def covers(self, nouns: Sequence[Noun], *, progress: Progress = no_progress) -> NDArray[np.bool_]:  # noqa: ARG002 - quick
        """See Encoder: the model was trained on words of every kind."""
        return np.ones(len(nouns), dtype=np.bool_)


def _image_module(model: ClipModel) -> torch.nn.Module:
    """A module whose call is ``model.encode_image``, raw."""
    import torch

    class EncodeImage(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.model.encode_image(pixels, normalize=False)

    return EncodeImage()


def _build(weights: Weights) -> ClipModel:
    import open_clip

    try:
        model: ClipModel = open_clip.create_model(
            weights.model,
            str(weights.file),
            force_quick_gelu=weights.quick_gelu,
            force_preprocess_cfg=dict(weights.preprocess),
            weights_only=True,
        )
    except Exception as error:  # open_clip asserts and raises anything at all on files that do not fit
        raise InputError(
            f"{weights.file} should hold weights of {weights.model}, but does not ({_first_words(error)}); "
            "give a state dict saved by torch.save or as safetensors."
        ) from error
    return model


def _first_words(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):
        return "it cannot be read without running code that it may carry"
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _describe(weights: Weights, model: ClipModel) -> EncoderInfo:
    import open_clip

    with weights.file.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    scale = round(float(model.logit_scale.detach().exp().mean()), 1)
    size = model.visual.preprocess_cfg["size"]
    side = size if isinstance(size, int) else max(size)
    return EncoderInfo(
        name=f"open_clip:{weights.model}/{weights.source}",
        dim=int(open_clip.get_model_config(weights.model)["embed_dim"]),
        # The temperature the model was trained with fits its similarities; TAC's tau is 0.5 of it at CLIP's 100.
        defaults=EncoderDefaults(logit_scale=scale, pair_scale=scale, counterpart_tau=0.5 / scale),
        caption=f"{weights.model} ({weights.file.name if weights.file.name in weights.source else weights.source})",
        revision=fingerprint(
            "open_clip", weights.model, weights.quick_gelu, dict(weights.preprocess), content
        ),
        image_side=side,
        noun_templates=TPL7,
    )


def _without_far_ends(image: Image.Image) -> Image.Image:
    """The centre of a very long photo, still much longer than the crop that follows."""
    width, height = image.size
    limit = _MAX_ASPECT * min(width, height)
    if max(width, height) <= limit:
        return image
    left, top = max(0, (width - limit) // 2), max(0, (height - limit) // 2)
    return image.crop((left, top, left + min(width, limit), top + min(height, limit)))
