"""What an option of a run is: which stages it decides, how it is asked for on screen and on the command line.

A configuration writes an option once, as a field with this description. The keys of stored results, the Build page, the
flags of ``kec run`` and the table in the docs are read from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, Self, TypeVar

from kec_core.errors import InputError


class Options:
    """Shared by the option classes: JSON out, JSON in, unknown keys refused."""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote.

        Raises:
            InputError: a key is not an option of this class.
        """
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(data) - known)
        if unknown:
            raise InputError(f"Unknown option {unknown[0]!r}; known options: {', '.join(sorted(known))}.")
        plain = cls()
        parts = {name: value for name in data if isinstance(value := getattr(plain, name), Options)}
        return cls(**{**data, **{name: part.from_json(data[name]) for name, part in parts.items()}})


Kind = Literal["number", "count", "choice", "switch", "text", "file"]
Config = TypeVar("Config")
Default = TypeVar("Default")
_METADATA = "option"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option, as people and stages meet it.

    Attributes:
        stages: the stages whose results it decides; their computation sees it, and their stored results are found by it.
        through: stages that it decides through something with a key of its own: the encoder, the builder, a resolved
            number. Their computation does not see it.
        mark: where its default comes from: P, C, S, R, M or KEC+ (see ``kec_core.config``).
        label: in plain words; "" for an option that no page shows.
        help: what it does, with the paper's term.
        kind: "number" for floats, "count" for whole numbers; an empty field of these stands for ``automatic``.
        automatic: what an empty field means, "" when it may not be empty.
        low, high, step: bounds of a number.
        choices: value to its name, for "choice"; "" stands for None.
        may_type: True allows a whole number besides the choices.
        essential: True shows it above the steps instead of at its own.
        flag: of ``kec run``, "" for none; ``metavar`` and ``flag_help`` are what ``kec run --help`` says of it.
        name: dotted, as in ``RunConfig``; filled in by ``options_of``.
    """

    stages: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    mark: str = "R"
    label: str = ""
    help: str = ""
    kind: Kind = "number"
    automatic: str = ""
    low: float = 0.0
    high: float | None = None
    step: float = 0.05
    choices: Mapping[str, str] = field(default_factory=dict)
    may_type: bool = False
    essential: bool = False
    flag: str = ""
    metavar: str | None = None
    flag_help: str = ""
    name: str = ""


def option(default: Default, *stages: str, **described: object) -> Default:
    """A dataclass field with a default and an ``Option`` of these stages and this description."""
    about = Option(stages=stages, **described)  # type: ignore[arg-type]  # a wrong name or type ends the import
    return field(default=default, metadata={_METADATA: about})


def options_of(config: object, prefix: str = "") -> Iterator[Option]:
    """Every option of a configuration and of those inside it, in the order of the fields, with its dotted name."""
    assert is_dataclass(config)
    for one in fields(config):
        name = f"{prefix}{one.name}"
        value = getattr(config, one.name)
        if is_dataclass(value):
            yield from options_of(value, f"{name}.")
        elif _METADATA in one.metadata:
            yield replace(one.metadata[_METADATA], name=name)


def value_of(config: object, name: str) -> object:
    """The value of a dotted option."""
    value = config
    for part in name.split("."):
        value = getattr(value, part)
    return value


def changed(config: Config, name: str, value: object) -> Config:
    """The configuration with one dotted option changed."""
    group, _, rest = name.partition(".")
    new = changed(getattr(config, group), rest, value) if rest else value
    return replace(config, **{group: new})  # type: ignore[type-var]


def values_for(config: object, stage: str) -> dict[str, object]:
    """The options that decide a stage, dotted name to value: what its stored result is found by."""
    return {one.name: value_of(config, one.name) for one in options_of(config) if stage in one.stages}


def only_for(config: Config, stage: str) -> Config:
    """The configuration as a stage may see it: options that do not decide it have their defaults.

    A computation that uses an option which does not name its stage therefore does not depend on it, so no stored
    result can be out of date unnoticed.
    """
    seen = type(config)()
    for name, value in values_for(config, stage).items():
        seen = changed(seen, name, value)
    return seen
