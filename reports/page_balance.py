"""The part of the report on balanced comparisons: how alike treated and untreated rows are, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from reports.labels import Labels
from reports.numbers import count, decimal
from reports.page_lists import list_table
from reports.words import Words

__all__ = ["balance_tables"]

COLUMNS = ("mean_treated", "mean_control", "balanced_treated", "balanced_control", "std_difference",
           "balanced_std_difference", "variance_ratio")  # fmt: skip


def balance_tables(record: Mapping[str, Any], words: Words) -> str:
    """Return a table a model that balances covariates; empty where none does.

    Parameters
    ----------
    record : mapping
        The content of ``run.json``.
    words : Words
    """
    labels = Labels(record["spec"]["labels"], words)
    tables = "".join(
        _table(name, model["balance"], labels, words) for name, model in record["models"].items() if model["balance"]
    )
    return f'<p class="lead">{escape(words("balance.lead"))}</p>\n{tables}' if tables else ""


def _table(name: str, balance: Mapping[str, Any], labels: Labels, words: Words) -> str:
    def number(value: float | None, digits: int) -> str:
        # What is left of a difference that balancing took away is rounding.
        return "" if value is None else decimal(value if abs(value) >= 0.5 * 10**-digits else 0.0, digits, words.locale)

    def firms(side: str) -> str:
        total, effective = balance[f"n_firms_{side}"], balance[f"effective_{side}"]
        if total is None or effective is None:
            return words("suppressed")
        return words("balance.firms", firms=count(total, words.locale), effective=decimal(effective, 1, words.locale))

    def called(term: str) -> str:
        found = labels.term(term)
        return ": ".join(filter(None, [found.heading, found.label]))

    rows = [
        (
            called(one["term"]),
            *(words("suppressed") if one.get("suppressed") else number(one[key], 3) for key in COLUMNS),
        )
        for one in balance["covariates"]
    ]
    caption = words(
        "balance.caption",
        name=labels.declared(name) or name,
        method=words(f"balance.{balance['method']}"),
        treatment=labels.column(balance["treatment"]),
        treated=firms("treated"),
        control=firms("control"),
    )
    headings = [words("balance.covariate"), *(words(f"balance.{key}") for key in COLUMNS)]
    return list_table(headings, rows, caption=caption)
