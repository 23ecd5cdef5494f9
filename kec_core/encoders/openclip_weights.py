"""Weights of open_clip models: those offered by name, and where they come from: a checkpoint, this machine's caches, a download.

Sizes and accuracies (not the costs) are those of the publishers: open_clip's docs (model_profile.csv, openclip_results.csv), the cards of
apple/MobileCLIP2, and table 1 of SigLIP 2 (arXiv 2502.14786).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any, Final

from kec_core.encoders.download import download_or_abort, in_thread
from kec_core.encoders.known_names import open_clip_models, open_clip_tags
from kec_core.errors import InputError, ResourceMissing
from kec_core.paths import is_file
from kec_core.store import cache_dir


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """One set of weights.

    Attributes:
        weights: "MODEL/TAG" of open_clip.
        caption: its name for people.
        hub: where open_clip's registry finds it; kept here, for importing open_clip takes seconds.
        cost: time for one photo on a CPU, times that of CLIP ViT-B/32: cores' seconds through OpenVINO in fp32 [M].
        zero_shot: accuracy on ImageNet by words alone, in percent.
        licence: of the weights.
    """

    weights: str
    caption: str
    hub: str
    cost: float
    zero_shot: float
    licence: str

    @property
    def advice(self) -> str:
        """What is published about it, in one line."""
        return (
            f"{self.zero_shot:g} % on ImageNet by words alone, {self.cost:g} times the time of CLIP ViT-B/32, licence "
            f"{self.licence}."
        )


KNOWN_MODELS: Final = (
    KnownModel(
        weights="ViT-B-32/openai",
        caption="CLIP ViT-B/32 (OpenAI)",
        hub="timm/vit_base_patch32_clip_224.openai/",
        cost=1,
        zero_shot=63.3,
        licence="MIT",
    ),
    KnownModel(
        weights="ViT-B-32/datacomp_xl_s13b_b90k",
        caption="CLIP ViT-B/32 (DataComp)",
        hub="laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K/",
        cost=1,
        zero_shot=69.2,
        licence="MIT",
    ),
    KnownModel(
        weights="MobileCLIP2-S0/dfndr2b",
        caption="MobileCLIP2-S0",
        hub="timm/MobileCLIP2-S0-OpenCLIP/",
        cost=0.7,
        zero_shot=71.5,
        licence="Apple AMLR (research only)",
    ),
    KnownModel(
        weights="MobileCLIP2-S2/dfndr2b",
        caption="MobileCLIP2-S2",
        hub="timm/MobileCLIP2-S2-OpenCLIP/",
        cost=1.8,
        zero_shot=77.2,
        licence="Apple AMLR (research only)",
    ),
    KnownModel(
        weights="ViT-B-32-SigLIP2-256/webli",
        caption="SigLIP 2 ViT-B/32 256",
        hub="timm/ViT-B-32-SigLIP2-256/",
        cost=1.3,
        zero_shot=74.0,
        licence="Apache-2.0",
    ),
    KnownModel(
        weights="ViT-B-16-SigLIP2-256/webli",
        caption="SigLIP 2 ViT-B/16 256",
        hub="timm/ViT-B-16-SigLIP2-256/",
        cost=4.7,
        zero_shot=79.1,
        licence="Apache-2.0",
    ),
)
"""The preferred one first."""


PREFERRED_WEIGHTS = KNOWN_MODELS[0].weights
_HUB_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_SUFFIXES = (".safetensors", ".pt", ".bin")
_PREPROCESS = ("mean", "std", "interpolation", "resize_mode")
_URL_FOLDER = Path("~/.cache/clip")  # where open_clip keeps what does not come from the hub
_ANSWER_TIMEOUT = 5.0  # seconds a host may take to answer at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A checkpoint on this machine and how the model must be built for it.

    Attributes:
        model: open_clip's name of the architecture.
        source: open_clip's tag, or the path as given.
        file: the checkpoint.
        quick_gelu: whether the weights were trained with OpenAI's approximate activation.
        preprocess: mean, std, interpolation and resize_mode where they are known.
    """

    model: str
    source: str
    file: Path
    quick_gelu: bool
    preprocess: Mapping[str, Any]


def find_weights(spec: str) -> Weights:
    """Find, or download, the weights of "MODEL/TAG" or "MODEL/PATH".

    Raises:
        InputError: no such model, tag or file.
        ResourceMissing: the tag's weights are not on this machine and cannot be fetched.
    """
    model, source = _parse(spec)
    known = next((one for one in KNOWN_MODELS if one.weights == f"{model}/{_as_tag(source)}"), None)
    if known is not None and not on_disk(known):
        _require_source(model, source, {"hf_hub": known.hub})  # before open_clip is imported
    path = Path(source).expanduser()
    if is_file(path):
        return Weights(
            model=model, source=source, file=path, quick_gelu=False, preprocess=_usual_preprocess(model)
        )
    entry = _table_entry(model, source)
    return Weights(
        model=model,
        source=source,
        file=_placed(model, source) or _cached(entry) or _download(model, source, entry),
        quick_gelu=bool(entry.get("quick_gelu", False)),
        preprocess={key: entry[key] for key in _PREPROCESS if key in entry},
    )


def preferred_on_disk() -> bool:
    """Whether the weights of CLIP ViT-B/32 are on this machine; imports and downloads nothing heavy."""
    return on_disk(KNOWN_MODELS[0])


def on_disk(model: KnownModel) -> bool:
    """Whether the weights of a known model are on this machine; imports and downloads nothing heavy."""
    return bool(_placed(*_split(model.weights)) or _cached({"hf_hub": model.hub}))


def needs_hub(model: str) -> tuple[str, ...]:
    """Repositories with a tokenizer or text tower that the model needs and that are not on this machine."""
    import open_clip
    from huggingface_hub import try_to_load_from_cache

    text = open_clip.get_model_config(model)["text_cfg"]
    repositories = {text.get("hf_model_name", ""), text.get("hf_tokenizer_name", "")} - {""}
    files = ("config.json", "tokenizer_config.json")
    return tuple(
        sorted(
            repository
            for repository in repositories
            if not any(isinstance(try_to_load_from_cache(repository, name), str) for name in files)
        )
    )


def require_hub(what: str, advice: str) -> None:
    """Make sure that Hugging Face's hub can be asked, within seconds.

    Raises:
        ResourceMissing: it is switched off by the environment, or does not answer.
    """
    from huggingface_hub import constants

    if any(os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"} for name in _OFFLINE_SWITCHES):
        raise ResourceMissing(f"{what} not on this machine and HF_HUB_OFFLINE forbids to fetch: {advice}")
    if not _answers(constants.ENDPOINT):
        raise ResourceMissing(
            f"{what} not on this machine and {constants.ENDPOINT} does not answer: {advice}"
        )


_OFFLINE_SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def _split(spec: str) -> tuple[str, str]:
    model, _, source = spec.partition("/")
    return model, source


def _parse(spec: str) -> tuple[str, str]:
    """The model and the source of its weights, both known as far as that can be told without importing open_clip."""
    model, source = _split(spec)
    known = open_clip_models()
    if model not in known:
        near = get_close_matches(model, known, n=3) or ["ViT-B-32", "RN50"]
        raise InputError(f"open_clip has no model {model!r}; similar ones: {', '.join(near)}.")
    tags = open_clip_tags(model)
    if not source:
        raise InputError(
            f"Expected open_clip:{model}/TAG or open_clip:{model}/PATH, but no weights are named; {_some(tags or (), model)}."
        )
    if tags is not None and _as_tag(source) not in tags and not is_file(Path(source).expanduser()):
        raise _no_tag(model, source, tags)
    return model, source


def _as_tag(source: str) -> str:
    return source.lower().replace("-", "_")  # as open_clip reads them


def _no_tag(model: str, source: str, tags: Sequence[str]) -> InputError:
    return InputError(
        f"{source!r} is neither a checkpoint file nor a tag of {model}; give the path of a file, or a tag: "
        f"{_some(tags, model)}."
    )


def _some(tags: Sequence[str], model: str) -> str:
    return f"{model} has {', '.join(tags[:6]) or 'none'}" + (
        f" and {len(tags) - 6} more" if len(tags) > 6 else ""
    )


def _table_entry(model: str, tag: str) -> Mapping[str, Any]:
    import open_clip

    entry: Mapping[str, Any] = open_clip.get_pretrained_cfg(model, tag)
    if not entry:
        raise _no_tag(model, tag, open_clip.list_pretrained_tags_by_model(model))
    return entry


def _usual_preprocess(model: str) -> Mapping[str, Any]:
    """Settings that all published weights of the model share: a checkpoint file does not carry them."""
    import open_clip

    entries = [
        open_clip.get_pretrained_cfg(model, tag) for tag in open_clip.list_pretrained_tags_by_model(model)
    ]
    if not entries:
        return {}
    first = {key: entries[0][key] for key in _PREPROCESS if key in entries[0]}
    return {key: value for key, value in first.items() if all(entry.get(key) == value for entry in entries)}


def _placed(model: str, tag: str) -> Path | None:
    """Weights that a person put where the error message said."""
    return next((path for path in _places(model, tag) if is_file(path)), None)


def _places(model: str, tag: str) -> Iterator[Path]:
    return (cache_dir() / "weights" / f"{model}-{tag}{suffix}" for suffix in _SUFFIXES)


def _cached(entry: Mapping[str, Any]) -> Path | None:
    """Weights that open_clip downloaded before, here or in another program."""
    from huggingface_hub import try_to_load_from_cache

    hub = str(entry.get("hf_hub", ""))
    if hub:
        repository, name = hub.rsplit("/", 1)
        safe = [str(PurePosixPath(name).with_suffix(".safetensors"))] if name else []
        found = (
            try_to_load_from_cache(repository, file) for file in (*safe, *([name] if name else _HUB_NAMES))
        )
        return next((Path(path) for path in found if isinstance(path, str)), None)
    path = _URL_FOLDER.expanduser() / PurePosixPath(entry["url"]).name
    return path if is_file(path) else None


def _download(model: str, tag: str, entry: Mapping[str, Any]) -> Path:
    import open_clip

    what, advice = _require_source(model, tag, entry)
    try:
        return Path(download_or_abort(lambda: open_clip.download_pretrained(dict(entry)), _arrivals(entry)))
    except (OSError, RuntimeError, ValueError) as error:
        raise ResourceMissing(
            f"{what} not on this machine and could not be fetched ({error}): {advice}"
        ) from error


def _require_source(model: str, tag: str, entry: Mapping[str, Any]) -> tuple[str, str]:
    """What is missed and what a person may do about it, once it is known that the host of the weights answers."""
    what = f"The weights of {model}/{tag} are"
    hub = str(entry.get("hf_hub", ""))
    address = f"https://huggingface.co/{hub.rstrip('/')}" if hub else str(entry["url"])
    advice = f"download them from {address} where there is internet and put the file at {next(_places(model, tag))}."
    if hub:
        require_hub(what, advice)
    elif not _answers(address):
        raise ResourceMissing(f"{what} not on this machine and {address} does not answer: {advice}")
    return what, advice


def _arrivals(entry: Mapping[str, Any]) -> Path:
    """The folder where the bytes of a download arrive."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    hub = str(entry.get("hf_hub", ""))
    if not hub:
        return _URL_FOLDER.expanduser()
    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=hub.rsplit("/", 1)[0], repo_type="model")


def _answers(address: str) -> bool:
    """Whether a host answers in time, with whatever status; a thread, as no timeout bounds a name look-up."""
    from huggingface_hub import get_session

    answer = in_thread(lambda: get_session().head(address, timeout=_ANSWER_TIMEOUT))
    return bool(wait([answer], _ANSWER_TIMEOUT).done) and answer.exception() is None
