"""A table of shares of firms: share, standard error and respondents side by side, in per cent, a line a cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reports.numbers import count, decimal
from reports.standing import errors_text
from reports.table import Cell, Column, Note, Row, Spanner
from reports.views import Context, View

__all__ = ["of_shares", "share_columns", "share_footer", "share_notes", "share_rows"]

_QUANTITIES = ("estimate", "std_error", "n_firms")


def of_shares(views: Sequence[View]) -> bool:
    """Return whether a table has shares and nothing else: beside a regression they stand as its estimates do."""
    return bool(views) and all(view.is_of_shares for view in views)


def share_columns(context: Context, views: Sequence[View]) -> tuple[tuple[Column, ...], tuple[Spanner, ...]]:
    """Return three columns a model, under its heading where there are several."""
    columns = tuple(
        Column(view.name, quantity, context.words(f"shares.{quantity}")) for view in views for quantity in _QUANTITIES
    )
    named = len(views) > 1 or bool(context.spec.headings)
    return columns, tuple(Spanner(view.heading, len(_QUANTITIES)) for view in views) if named else ()


def share_rows(context: Context, views: Sequence[View]) -> Callable[[str, str], list[Row]]:
    """Return what makes the line of a term."""
    words, locale = context.words, context.locale

    def cells(view: View, term: str) -> list[Cell]:
        one = view.coefficients.get(term)
        if one is None:
            return [Cell("empty")] * len(_QUANTITIES)
        if one.get("suppressed"):
            return [Cell("text", words("suppressed")), *[Cell("empty")] * (len(_QUANTITIES) - 1)]
        error = decimal(_times(one["std_error"], view.scale), context.spec.decimals, locale)
        return [
            Cell("estimate", decimal(view.scale * one["estimate"], context.spec.decimals, locale), one["estimate"]),
            Cell("error", error, one["std_error"]) if error else Cell("text", "–"),
            Cell("count", count(one["n_firms"], locale), one["n_firms"]),
        ]

    def make(term: str, label: str) -> list[Row]:
        return [Row(term, label, tuple(cell for view in views for cell in cells(view, term)))]

    return make


def share_footer(context: Context, views: Sequence[View]) -> tuple[Row, ...]:
    """Return the respondents, the strata and how standard errors were computed."""
    words = context.words

    def row(key: str, word: str, cell: Callable[[View], Cell]) -> Row:
        found = (cell(view) for view in views)
        wide = (Cell(one.kind, one.text, one.value, one.mark, len(_QUANTITIES)) for one in found)
        return Row(key, words(word), tuple(wide))

    def number(value: int | None) -> Cell:
        return (
            Cell("text", words("suppressed")) if value is None else Cell("count", count(value, context.locale), value)
        )

    return (
        row("n_obs", "shares.n_firms", lambda view: number(view.content["n_obs"])),
        row("n_strata", "shares.strata", lambda view: number(view.content["stats"]["n_strata"])),
        row("std_errors", "standard_errors", lambda view: Cell("text", errors_text(context, view.content["errors"]))),
        row("weights", "weights", lambda view: Cell("text", _weights(context, view))),
    )


def _weights(context: Context, view: View) -> str:
    weights = view.content["weights"]
    return context.labels.column(weights) if weights else context.words("none")


def share_notes(context: Context, views: Sequence[View]) -> list[Note]:
    """Return of whom the shares are, once where several columns say the same."""
    words = context.words
    said: dict[str, list[str]] = {}
    for view in views:
        if view.is_of_shares:
            said.setdefault(words(f"shares.base.{view.content['base']}"), []).append(view.heading)
    if not said:
        return []
    bases = "; ".join(
        words("shares.of", models=", ".join(headings), base=base) if len(said) > 1 else base
        for base, headings in said.items()
    )
    return [Note("note", words("shares.note", base=bases))]


def _times(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale
