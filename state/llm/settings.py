"""What the app remembers about language models, for all projects: one small file beside them, without a key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pydantic import SecretStr, TypeAdapter, ValidationError

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
        return TypeAdapter(LLMSettings).validate_json(path.read_bytes())
    except FileNotFoundError:
        return LLMSettings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = ": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"]]))
    except OSError as error:
        said = short(error)
    raise InputError(
        f"The settings in {path} cannot be read ({said}); correct the file, or delete it to start anew."
    )


def save_llm_settings(home: Path, settings: LLMSettings) -> None:
    """Keep the settings.

    Raises:
        StoreError: the folder of projects cannot be written.
    """
    write_atomically(home / FILE, json.dumps(asdict(settings), indent=1).encode())
