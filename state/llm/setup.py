"""Everything that is chosen about a language model: where it listens, how it is asked, what it may cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from kec_core.config import LLMConfig
from kec_core.errors import InputError
from kec_core.llm.cost import DEFAULT_PRICES, Budget, Price
from kec_core.llm.endpoint import LLMEndpoint

_TOKENS = re.compile(r"(\d+(?:\.\d+)?)\s*([kM]?)")
_MONEY = re.compile(r"\$?\s*(\d+(?:\.\d+)?)\s*(?:[A-Z]{3})?")
_PRICE = re.compile(r"\$?\s*(\d+(?:\.\d+)?)\s*,\s*\$?\s*(\d+(?:\.\d+)?)")
_TIMES = {"": 1, "k": 1_000, "M": 1_000_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMSetup:
    """A language model as a run uses it; the JSON form leaves out the key.

    Attributes:
        price: of the model, None when it is not known: tokens are counted all the same.
    """

    endpoint: LLMEndpoint
    config: LLMConfig = field(default_factory=LLMConfig)
    price: Price | None = None
    budget: Budget = field(default_factory=Budget)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types; read back, the key comes from the environment."""
        return {
            "url": self.endpoint.url,
            "model": self.endpoint.model,
            "config": self.config.to_json(),
            "price": None if self.price is None else asdict(self.price),
            "budget": asdict(self.budget),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Self | None:
        """Read what ``to_json`` wrote; None stays None.

        Raises:
            InputError: the address cannot be used, or an option is unknown.
        """
        if data is None:
            return None
        price = data.get("price")
        return cls(
            endpoint=LLMEndpoint(url=data["url"], model=data["model"]),
            config=LLMConfig.from_json(data.get("config", {})),
            price=None if price is None else Price(**price),
            budget=Budget(**data.get("budget", {})),
        )


def named_setup(
    url: str | None, model: str | None, *, budget: str | None = None, price: str | None = None
) -> LLMSetup | None:
    """The language model that a command line names, or None when it names none; its key comes from the environment.

    Args:
        url: its address; both or none of it and the name.
        model: its name there.
        budget: see ``parse_budget``.
        price: money per million tokens, "PROMPT,ANSWER"; by default what is known of the model.

    Raises:
        InputError: only one of address and name is given, or something cannot be read.
    """
    if not url and not model:
        return None
    if not url or not model:
        raise InputError(
            f"A language model needs both an address and a model name, but the {'address' if model else 'name'} is "
            "missing; give both (--llm-url, --llm-model) or none."
        )
    return LLMSetup(
        endpoint=LLMEndpoint(url=url, model=model),
        price=parse_price(price) if price else DEFAULT_PRICES.get(model),
        budget=parse_budget(budget) if budget else Budget(),
    )


def parse_budget(text: str) -> Budget:
    """Tokens ("200000", "200k", "2M"), or money with a sign or code ("$2.50", "2.50USD").

    Raises:
        InputError: it is neither, or zero.
    """
    tokens, money = _TOKENS.fullmatch(text.strip()), _MONEY.fullmatch(text.strip())
    if tokens and float(tokens[1]) > 0:
        return Budget(tokens=int(float(tokens[1]) * _TIMES[tokens[2]]))
    if money and float(money[1]) > 0:
        return Budget(money=float(money[1]))
    raise InputError(
        f'A budget should be tokens such as 200000 or 2M, or money such as 2.50USD, but is "{text}"; correct it.'
    )


def parse_price(text: str) -> Price:
    """Money per million tokens of prompt and of answer: "0.15,0.60".

    Raises:
        InputError: it is not two numbers.
    """
    found = _PRICE.fullmatch(text.strip())
    if not found:
        raise InputError(
            "A price should be two numbers, money per million tokens of prompt and of answer, such as 0.15,0.60, "
            f'but is "{text}"; correct it.'
        )
    return Price(prompt=float(found[1]), completion=float(found[2]))
