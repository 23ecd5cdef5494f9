"""What the app remembers about language models, for all projects: one small file beside them, without a key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr

from kec_core.config import LLMConfig
from kec_core.disk import short
from kec_core.errors import InputError
from kec_core.llm.cost import DEFAULT_PRICES, Budget, Price
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.store import write_atomically
from state.llm.setup import LLMSetup

FILE = "language-model.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMSettings:
    """The choices of the settings page.

    Attributes:
        url, model: "" while none is chosen.
        prices: money per million tokens, by model.
        budget: the most that one run may spend.
        in_flight: requests under way at once.
        timeout: seconds that one request may take.
        pair_values: ask how a pair looks on either side, not only what to compare.
    """

    url: str = ""
    model: str = ""
    prices: Mapping[str, Price] = field(default_factory=lambda: dict(DEFAULT_PRICES))
    budget: Budget = field(default_factory=Budget)
    in_flight: int = LLMConfig().in_flight
    timeout: float = LLMConfig().timeout
    pair_values: bool = LLMConfig().pair_values

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote; what a newer version added is left out."""
        names = {f.name for f in fields(cls)}
        known = {name: value for name, value in dict(data).items() if name in names}
        if "prices" in known:
            known["prices"] = {model: Price(**price) for model, price in known["prices"].items()}
        if "budget" in known:
            known["budget"] = Budget(**known["budget"])
        return cls(**known)

    def endpoint(self, key: SecretStr) -> LLMEndpoint | None:
        """Where the model listens, or None while there is no address.

        Raises:
            InputError: the address cannot be used.
        """
        return LLMEndpoint(url=self.url, model=self.model, key=key) if self.url else None

    def setup(self, key: SecretStr) -> LLMSetup | None:
        """The language model as a run uses it, or None while address or model is missing.

        Raises:
            InputError: the address cannot be used, or there is a cap on money but no price of the model.
        """
        endpoint = self.endpoint(key)
        if endpoint is None or not endpoint.model:
            return None
        price = self.prices.get(self.model)
        if self.budget.money is not None and price is None:
            raise InputError(
                f"There is a cap on money, but {self.model} is not in the price table; add its price on the "
                "Settings page, or cap the tokens instead."
            )
        config = replace(
            LLMConfig(), in_flight=self.in_flight, timeout=self.timeout, pair_values=self.pair_values
        )
        return LLMSetup(endpoint=endpoint, config=config, price=price, budget=self.budget)


def load_llm_settings(home: Path) -> LLMSettings:
    """The settings kept in the folder of projects, defaults when there are none.

    Raises:
        InputError: the file was changed by hand and cannot be read.
    """
    path = home / FILE
    try:
        return LLMSettings.from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return LLMSettings()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"The settings in {path} cannot be read ({short(error)}); correct the file, or delete it to start anew."
        ) from error


def save_llm_settings(home: Path, settings: LLMSettings) -> None:
    """Keep the settings.

    Raises:
        StoreError: the folder of projects cannot be written.
    """
    write_atomically(home / FILE, json.dumps(settings.to_json(), indent=1).encode())
