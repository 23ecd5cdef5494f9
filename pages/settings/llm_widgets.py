"""The settings of language models as widgets: each shows what is kept and keeps what the person chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st
from pydantic import SecretStr

from kec_core.arrays import fingerprint
from kec_core.errors import KecError
from kec_core.llm.cost import Budget, Price
from pages.shared import llm_connection, markup, session, ui
from state.llm.settings import LLMSettings, save_llm_settings

_REFUSED = "llm_refused"
"""Why the latest change was not kept: the name of its field, and the sentence."""


def store(name: str, change: Callable[[LLMSettings], LLMSettings]) -> None:
    """Keep a change made in the field of this name; one that cannot be used is said there and not kept."""
    session.set_widget(_REFUSED, None)
    try:
        changed = change(llm_connection.settings())
        changed.endpoint(SecretStr(""))
        save_llm_settings(session.workspace().home, changed)
    except KecError as error:
        session.set_widget(_REFUSED, (name, str(error)))


def refusal(*names: str) -> None:
    """Draw why the latest change in one of these fields was not kept."""
    refused = session.widget(_REFUSED)
    if isinstance(refused, tuple) and refused[0] in names:
        ui.error(refused[1])


def tied(name: str, value: object, change: Callable[[LLMSettings, Any], LLMSettings]) -> dict[str, Any]:
    """Arguments that make a widget show what is kept and keep what it is changed to."""
    widget = f"llm_{name}"
    session.set_widget(widget, value)
    return {
        "key": widget,
        "on_change": lambda: store(name, lambda kept: change(kept, session.widget(widget))),
    }


def cost(kept: LLMSettings) -> None:
    """Draw the caps of a run, the model's price and the price table."""
    left, middle, right = st.columns(3)
    left.number_input(
        "Most tokens per run",
        min_value=1,
        value=None,
        step=10_000,
        placeholder="no limit",
        help="A run stops cleanly before it could spend more; answers received are kept.",
        **tied(
            "tokens", kept.budget.tokens, lambda old, n: replace(old, budget=replace(old.budget, tokens=n))
        ),
    )
    middle.number_input(
        "Most money per run",
        min_value=0.001,
        value=None,
        step=0.5,
        format="%.3f",
        placeholder="no limit",
        help="In the currency of the price table; needs the model's price.",
        **tied("money", kept.budget.money, lambda old, n: replace(old, budget=replace(old.budget, money=n))),
    )
    with right:
        _price(kept)
    refusal("tokens", "money")
    if kept.budget != Budget() and kept.budget.money is not None and kept.model not in kept.prices:
        st.warning("The cap on money needs the price of this model.", icon=":material/warning:")
    with st.expander("Price table", key="llm_prices"):
        _prices(kept)


def _price(kept: LLMSettings) -> None:
    price = kept.prices.get(kept.model)
    said = "not known" if price is None else f"{price.prompt:g} / {price.completion:g}"
    tip = "Per million tokens of prompt and of answer. Without a price, tokens are counted all the same."
    st.html(markup.facts([("Price of the model", said if kept.model else "–", tip)]))


def _prices(kept: LLMSettings) -> None:
    ui.note(
        "Money per million tokens of prompt and of answer, in one currency. The first entries are list prices of 2025 in "
        "US dollars: compare them with your provider's. Empty both prices to take a model out."
    )
    names = list(dict.fromkeys([*kept.prices, *([kept.model] if kept.model else [])]))
    rows = [
        {
            "Model": name,
            "Prompt": price.prompt if price else None,
            "Answer": price.completion if price else None,
        }
        for name in names
        for price in [kept.prices.get(name)]
    ]
    number = st.column_config.NumberColumn(min_value=0.0, format="%.3f")
    widget = f"llm_price_table_{fingerprint(rows)}"
    st.data_editor(
        rows,
        key=widget,
        hide_index=True,
        num_rows="fixed",
        disabled=["Model"],
        column_config={"Prompt": number, "Answer": number},
        on_change=lambda: store(
            "prices", lambda old: replace(old, prices=_edited(rows, session.widget(widget)))
        ),
    )
    refusal("prices")


def _edited(rows: list[dict[str, Any]], edits: object) -> dict[str, Price]:
    """The table after an edit; a row with one price counts 0 for the other, one without any is taken out."""
    changed = edits.get("edited_rows", {}) if isinstance(edits, dict) else {}
    table = [{**row, **changed.get(place, {})} for place, row in enumerate(rows)]
    return {
        row["Model"]: Price(prompt=row["Prompt"] or 0.0, completion=row["Answer"] or 0.0)
        for row in table
        if row["Prompt"] is not None or row["Answer"] is not None
    }


def patience(kept: LLMSettings) -> None:
    """Draw how the model is asked."""
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    left.number_input(
        "Questions at once",
        min_value=1,
        max_value=200,
        help="Requests under way at the same time. Default of the paper: 20. While a server cannot keep up, fewer are sent.",
        **tied("in_flight", kept.in_flight, lambda old, n: replace(old, in_flight=n)),
    )
    middle.number_input(
        "Seconds to wait for an answer",
        min_value=1.0,
        max_value=3600.0,
        step=10.0,
        format="%.0f",
        help="A request without an answer by then is sent again.",
        **tied("timeout", kept.timeout, lambda old, seconds: replace(old, timeout=seconds)),
    )
    right.toggle(
        "Pairs: how each side looks",
        help="Off (paper): what to compare, as “number of wheels”. On: how it looks on either side.",
        **tied("pair_values", kept.pair_values, lambda old, on: replace(old, pair_values=on)),
    )
    refusal("in_flight", "timeout", "pair_values")
