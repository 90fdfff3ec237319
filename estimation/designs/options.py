"""What the floors above ask of a model's options, whatever its design."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from specs.expressions import Expression
from specs.uncertainty import Errors

__all__ = ["ColumnUse", "ModelOptions", "columns_of"]


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """A column where a model names it.

    Attributes
    ----------
    name : str
    place : tuple of str or int
        The keys down to it: ``("formula",)``, ``("errors", "cluster", 0)``.
    offset : int
        The character of the text there (from 0) at which the name stands.
    wants : str
        ``any``; ``number``; ``text``; ``amount``, a number that is no log; ``levels``, whose place ends in a key that
        names a column with base levels; ``effect``, whose levels are swept out and never shown; ``item``, an answer or
        a number that is 0 or 1; ``cell``, that, a text or the year.
    written : str
        A function of the column, ``log(ai)``: numbers alone have one. Empty for the column itself.
    outcome : bool
        Whether it stands on the left side: there the uncertainty of an estimated column can be carried over.
    """

    name: str
    place: tuple[str | int, ...]
    offset: int = 0
    wants: Literal["any", "number", "text", "amount", "levels", "effect", "item", "cell"] = "any"
    written: str = ""
    outcome: bool = False


@runtime_checkable
class ModelOptions(Protocol):
    """The options of a design, as the plan, the checks of names and the reports see them."""

    @property
    def where(self) -> Expression | None:
        """The rows of the model."""

    @property
    def errors(self) -> Errors:
        """How standard errors are computed."""

    @property
    def tfp_uncertainty(self) -> str | None:
        """As written; None for the default: ``ignore`` with classical errors, ``include`` with others."""

    @property
    def title(self) -> Any:
        """A text, a text a language, or None."""

    @property
    def outcome_column(self) -> str:
        """The column on the left side; empty for a design that has none of its own."""

    def uses(self) -> tuple[ColumnUse, ...]:
        """Return every column that the keys name, with its place; `where` apart."""

    def term_names(self) -> tuple[str, ...]:
        """Return what a table's `keep` and `order` may name: the terms without their levels."""


def columns_of(uses: Iterable[ColumnUse]) -> tuple[str, ...]:
    """Return the panel columns that a model reads, each once; ``firm`` and ``year`` of clusters and effects come with
    every row.
    """
    found = [
        one.name
        for one in uses
        if one.wants != "levels"
        and not ((one.place[0] == "errors" or one.wants == "effect") and one.name in ("firm", "year"))
    ]
    return tuple(dict.fromkeys(found))
