"""The sections of a spec that say what is shown, as models: tables, figures, disclosure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from specs.fields import (
    Checked,
    ColumnName,
    ExpressionField,
    OptionsModel,
    Wording,
    as_written,
    mistake,
    wording_of,
)

__all__ = [
    "DECIMALS",
    "DESCRIPTIVES",
    "NOT_OF_DIAGNOSTICS",
    "SHARES",
    "DisclosureSpec",
    "FigureSpec",
    "TableSpec",
    "default_decimals",
]


def _texts(value: Any) -> tuple[str, ...]:
    items = (value,) if isinstance(value, str) else value
    if not isinstance(items, (tuple, list)):
        raise mistake(f"text or a list of texts is wanted, not {as_written(value)}")
    for index, item in enumerate(items):
        path = () if isinstance(value, str) else (index,)
        if not isinstance(item, str) or not item:
            advice = f"quote it: '{as_written(item)}'" if isinstance(item, (int, float)) else ""
            raise mistake(f"text is wanted, not {as_written(item)}", "", advice, path=path)
        if item in items[: items.index(item)] or items.index(item) != index:
            raise mistake(f"{as_written(item)} stands twice", "", "leave one out", path=path)
    return tuple(items)


def _some_texts(value: Any) -> tuple[str, ...]:
    found = _texts(value)
    if not found:
        raise mistake("an empty list", "", "name one at least")
    return found


_TEXTS_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string", "minLength": 1, "errorMessage": "text is wanted"}},
    ],
    "errorMessage": "text or a list of texts is wanted",
}
Texts = Annotated[tuple[str, ...], Checked(_texts, list, _TEXTS_SCHEMA)]
"""A text or a list of different texts; it may be empty."""

SomeTexts = Annotated[tuple[str, ...], Checked(_some_texts, list, _TEXTS_SCHEMA)]
"""A text or a list of different texts, one at least."""


def _notes(value: Any) -> tuple[str | dict[str, str], ...]:
    items = value if isinstance(value, (tuple, list)) else (value,)
    found = []
    for index, item in enumerate(items):
        try:
            found.append(wording_of(item))
        except PydanticCustomError as error:
            told = (error.context or {})["found"]
            path = (index, *told.path) if isinstance(value, (tuple, list)) else told.path
            raise mistake(told.what, told.meaning, told.advice, path=path) from None
    return tuple(found)


Notes = Annotated[
    tuple[str | dict[str, str], ...], Checked(_notes, list, {"anyOf": [{"type": "string"}, {"type": "array"}]})
]
"""A note or a list of them, each a text or a text a language."""


DECIMALS = {"r_style": 4, "stars": 3, "none": 3}
"""Decimals of a table that does not say: R prints four, journals three."""


SHARES = "adoption_rates"
"""The design whose estimates are shares of firms, which tables print in per cent."""


DESCRIPTIVES = "descriptives"
"""The design whose lines describe firms: it has a table of its own."""


def default_decimals(p_values: str, designs: Sequence[Any]) -> int:
    """Return the decimals of a table that does not say: one of percentages, two of means, if there is nothing else."""
    if designs and all(one == DESCRIPTIVES for one in designs):
        return 2
    return 1 if designs and all(one == SHARES for one in designs) else DECIMALS[p_values]


NOT_OF_DIAGNOSTICS = ("p_values", "keep", "order")
"""Keys that a table of diagnostics does not have."""


class TableSpec(OptionsModel):
    """A table.

    Attributes
    ----------
    kind : str
        ``estimates``, or ``diagnostics`` of productivity entries.
    models : tuple of str
        Ids of models and productivity entries, a column each; empty for all models, in a table of diagnostics for
        all productivity entries.
    formats, locale : tuple of str
    p_values : str
        ``stars``, ``r_style`` or ``none``.
    decimals : int or None
        None takes 1 where all models are shares, 4 for ``r_style``, as R prints, and 3 else.
    title : str, dict of language to str, or None
    headings : dict of str to (str or dict of language to str)
        The heading of a column by the id of its model.
    notes : tuple of (str or dict of language to str)
    keep, order : tuple of str
        Terms shown, and terms that come first; a column's name stands for all its levels.
    """

    kind: Literal["estimates", "diagnostics"] = "estimates"
    models: Texts = ()
    formats: SomeTexts = ("html",)
    locale: SomeTexts = ("en",)
    p_values: Literal["stars", "r_style", "none"] = "stars"
    decimals: Annotated[int, Field(ge=0, le=10)] | None = None
    title: Wording | None = None
    headings: dict[str, Wording] = Field(default_factory=dict)
    notes: Notes = ()
    keep: Texts = ()
    order: Texts = ()

    @model_validator(mode="after")
    def _goes_with_its_kind(self) -> TableSpec:
        for key in NOT_OF_DIAGNOSTICS if self.kind == "diagnostics" else ():
            if key in self.model_fields_set:
                raise mistake(
                    f'"{key}" is no key of a table of diagnostics', "", "leave it out", path=(key,), at_key=True
                )
        return self


class FigureSpec(OptionsModel):
    """A figure.

    Attributes
    ----------
    kind : str
        ``productivity_density``.
    of : tuple of str
        What is drawn: a productivity entry, or models.
    by : str or None
        The column whose levels are drawn apart.
    where : Expression or None
    keep, formats : tuple of str
    title : str or None
    """

    kind: str = Field(min_length=1)
    of: SomeTexts
    by: ColumnName | None = None
    where: ExpressionField | None = None
    keep: Texts = ()
    formats: SomeTexts = ("svg", "png")
    title: Wording | None = None


class DisclosureSpec(OptionsModel):
    """What may leave the room.

    Attributes
    ----------
    minimum_firms : int
        Firms that must stand behind every number.
    on_breach : str
        ``report``, ``suppress`` or ``fail``.
    """

    minimum_firms: int = Field(10, ge=1)
    on_breach: Literal["report", "suppress", "fail"] = "report"
