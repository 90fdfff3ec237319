"""What an estimate stands on, in words: how its standard errors were computed, and the rung of the ladder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from reports.labels import Labels
from reports.numbers import count
from reports.views import Context
from reports.words import Words

__all__ = ["clusters_of", "columns_of", "errors_text", "rung_meaning", "rung_text"]

POOLED = "pooled over "
ALL = "all"


def errors_text(context: Context, errors: Mapping[str, Any] | None) -> str:
    """Return how standard errors were computed: ``clustered by firm (G = 1,234)``; none where there are none.

    Parameters
    ----------
    context : Context
    errors : mapping or None
        Of a model or of a group of a productivity entry, as in the record.
    """
    words = context.words
    if errors is None:
        return words("none")
    kind, by = errors["kind"], words("errors.and").join(clusters_of(context, errors))
    if kind == "bootstrap":
        draws = errors["bootstrap"]["draws"]
        said = words("errors.bootstrap", by=by, draws=words("suppressed") if draws is None else _count(context, draws))
    elif kind == "wild_bootstrap":
        draws = errors["wild_bootstrap"]["draws"]
        number = words("suppressed") if draws is None else _count(context, draws)
        said = words("errors.wild_bootstrap", by=by, draws=number)
    elif kind == "cluster":
        said = words("errors.cluster", by=by)
    else:
        said = words.known(f"errors.{kind}") or words("errors.robust", kind=kind)
    detail = errors.get("detail")
    return words(f"errors.with_{detail}", errors=said) if detail else said


def clusters_of(context: Context, errors: Mapping[str, Any]) -> list[str]:
    """Return the clusterings of a model by name, with their numbers of clusters."""
    hidden = context.words("suppressed")
    return [
        f"{columns_of(context, column)} (G = {hidden if number is None else _count(context, number)})"
        for column, number in errors["clusters"].items()
    ]


def _count(context: Context, number: int) -> str:
    return count(number, context.locale)


def columns_of(context: Context, joined: str) -> str:
    """Return the labels of columns that are combined: ``nace3^region``."""
    return " × ".join(context.labels.column(part) for part in joined.split("^"))


class Speaker(Protocol):
    """Whoever has the labels and the words of a locale: a table's context or a figure's."""

    @property
    def labels(self) -> Labels:
        """Of the spec."""

    @property
    def words(self) -> Words:
        """Of the locale."""


def rung_text(context: Speaker, rung: str) -> str:
    """Return what an estimate stands on: ``two-step, pooled over NACE section``."""
    words = context.words
    own, found = _in_two(rung)
    said = [words.known(f"rung.{own}") or own] if own else []
    if found:
        said.append(
            words("rung.pooled_all") if found == ALL else words("rung.pooled", column=context.labels.column(found))
        )
    return ", ".join(said)


def rung_meaning(context: Context, rungs: Iterable[str]) -> str:
    """Return what the rungs among these that ask for a word mean; empty where none does."""
    words = context.words
    parts = [part for rung in rungs for part in (_in_two(rung)[0], "pooled" if _in_two(rung)[1] else "")]
    said = (words.known(f"rung.{part}.meaning") for part in dict.fromkeys(parts) if part)
    return "; ".join(text for text in said if text)


def _in_two(rung: str) -> tuple[str, str]:
    """Return what was done, and the column that it was pooled over."""
    own, _, over = f", {rung}".partition(f", {POOLED}")
    return own.removeprefix(", "), over
