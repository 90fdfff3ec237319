"""The section ``panel`` as models: where the data come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from specs.cleaning import CleanSpec
from specs.fields import ExpressionField, OptionsModel, mistake
from specs.files import FilesField
from specs.linking import LinkSpec
from specs.spans import CALENDAR, Years

__all__ = ["PanelSpec", "SourceSpec", "TableFileSpec"]


class SourceSpec(OptionsModel):
    """A source of microdata: its files and the layout that says what their columns mean.

    Attributes
    ----------
    files : FileSet
    layout : str
        The name of a layout, or the path of a YAML file of one's own.
    """

    files: FilesField
    layout: str = Field(min_length=1, json_schema_extra={"names": "layouts"})


class TableFileSpec(OptionsModel):
    """The files of a ready-made panel."""

    files: FilesField


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
        The first and the last year kept; of a ready-made panel they may be numbers of periods.
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
        for index, year in enumerate(self.years or () if self.table is None else ()):
            if year < CALENDAR:
                raise mistake(f"a whole number from {CALENDAR} to 9999 is wanted, not {year}", path=("years", index))
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
