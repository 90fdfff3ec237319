"""The sections of a spec as models: panel, tables, figures, disclosure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from specs.fields import (
    Checked,
    ColumnName,
    Columns,
    ExpressionField,
    OptionsModel,
    Wording,
    as_written,
    mistake,
    wording_of,
)
from specs.files import FilesField

__all__ = [
    "DECIMALS",
    "NOT_OF_DIAGNOSTICS",
    "CleanSpec",
    "DisclosureSpec",
    "FigureSpec",
    "LinkSpec",
    "PanelSpec",
    "SourceSpec",
    "TableFileSpec",
    "TableSpec",
    "TrimSpec",
    "Years",
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


_TEXTS_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
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


def _span(low: int, high: int, example: str) -> Callable[[Any], tuple[int, int]]:
    """Return the check of a pair of whole numbers: within bounds, the first not above the second."""

    def check(value: Any) -> tuple[int, int]:
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            shown = f"{len(value)} items" if isinstance(value, (tuple, list)) else as_written(value)
            raise mistake(f"a first and a last are wanted, not {shown}", "", f"write {example}")
        for index, item in enumerate(value):
            if not isinstance(item, int) or isinstance(item, bool) or not low <= item <= high:
                what = f"a whole number from {low} to {high} is wanted, not {as_written(item)}"
                raise mistake(what, path=(index,))
        if value[0] > value[1]:
            raise mistake(f"the first, {value[0]}, lies after the last, {value[1]}", "", "exchange them")
        return value[0], value[1]

    return check


_PAIR = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
Years = Annotated[tuple[int, int], Checked(_span(1000, 9999, "[2017, 2023]"), list, _PAIR)]
Months = Annotated[tuple[int, int], Checked(_span(1, 36, "[6, 18]"), list, _PAIR)]


def _shares(value: Any) -> tuple[float, float]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise mistake(f"two shares are wanted, not {as_written(value)}", "", "write [0.01, 0.99]")
    for index, item in enumerate(value):
        if not isinstance(item, (int, float)) or isinstance(item, bool) or not 0 <= item <= 1:
            raise mistake(f"a share from 0 to 1 is wanted, not {as_written(item)}", path=(index,))
    if value[0] >= value[1]:
        raise mistake("the first share is not below the second")
    return float(value[0]), float(value[1])


Shares = Annotated[tuple[float, float], Checked(_shares, list, _PAIR)]


class SourceSpec(OptionsModel):
    """A source of microdata: its files and the layout that says what their columns mean.

    Attributes
    ----------
    files : FileSet
    layout : str
        The name of a layout, or the path of a YAML file of one's own.
    """

    files: FilesField
    layout: str = Field(min_length=1)


class TableFileSpec(OptionsModel):
    """The files of a ready-made panel."""

    files: FilesField


class LinkSpec(OptionsModel):
    """How the survey meets the accounts: on the firm's number."""

    on: Literal["firm"] = "firm"


class TrimSpec(OptionsModel):
    """Outliers: rows beyond quantiles of some ratios, within cells.

    Attributes
    ----------
    of : tuple of Expression
    by : tuple of str
        The cells within which quantiles are taken; none for all rows.
    quantiles : (float, float)
    action : str
        ``drop`` the row, ``blank`` the value, or ``winsorise`` it.
    """

    of: Annotated[tuple[ExpressionField, ...], Field(min_length=1)]
    by: Columns = ()
    quantiles: Shares = (0.01, 0.99)
    action: Literal["drop", "blank", "winsorise"] = "drop"


class CleanSpec(OptionsModel):
    """Cleaning of the accounts.

    Attributes
    ----------
    months : (int, int) or None
        Accounting periods kept; their flows are annualised.
    trim : TrimSpec or None
    """

    months: Months | None = None
    trim: TrimSpec | None = None


class PanelSpec(OptionsModel):
    """Where the panel comes from: accounts and survey in their layouts, or a ready-made table.

    Attributes
    ----------
    accounts, survey : SourceSpec or None
    deflators : FileSet or None
    table : TableFileSpec or None
        A ready-made panel.
    firm, year : str or None
        The key columns of a ready-made panel under their own names; `parse_spec` fills in the usual ones.
    years : (int, int) or None
        The first and the last year kept.
    link : LinkSpec or None
        Filled in by `parse_spec` where there is a survey.
    clean : CleanSpec or None
    where : Expression or None
        Rows kept.
    where_ever : Expression or None
        Firms kept in all years if it holds in one.
    """

    accounts: SourceSpec | None = None
    survey: SourceSpec | None = None
    deflators: FilesField | None = None
    table: TableFileSpec | None = None
    firm: Annotated[str, Field(min_length=1)] | None = None
    year: Annotated[str, Field(min_length=1)] | None = None
    years: Years | None = None
    link: LinkSpec | None = None
    clean: CleanSpec | None = None
    where: ExpressionField | None = None
    where_ever: ExpressionField | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> PanelSpec:
        if self.accounts is None and self.table is None:
            raise mistake(
                "no source of data",
                "",
                "write accounts: {files: ..., layout: nbb}, or table: {files: ...}",
                at_key=True,
            )
        if self.accounts is not None and self.table is not None:
            raise mistake(
                "accounts and a ready-made table",
                "a panel has one origin",
                "leave one out",
                path=("table",),
                at_key=True,
            )
        with_accounts = ("survey", "deflators", "link")
        for name in with_accounts if self.table is not None else ():
            if getattr(self, name) is not None:
                raise mistake(
                    f'"{name}" goes with accounts:',
                    "a ready-made panel is taken as it is",
                    "leave it out",
                    path=(name,),
                    at_key=True,
                )
        for name in ("firm", "year") if self.table is None else ():
            if getattr(self, name) is not None:
                raise mistake(
                    f'"{name}" goes with table:',
                    "layouts name their own keys",
                    "leave it out",
                    path=(name,),
                    at_key=True,
                )
        if self.link is not None and self.survey is None:
            raise mistake("a link without a survey", "", "leave it out", path=("link",), at_key=True)
        return self


DECIMALS = {"r_style": 4, "stars": 3, "none": 3}
"""Decimals of a table that does not say: R prints four, journals three."""


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
        None takes 4 for ``r_style``, as R prints, and 3 else.
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
