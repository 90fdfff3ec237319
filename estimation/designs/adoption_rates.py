"""Shares of firms, as a survey of a stratified sample tells them: ``design: adoption_rates``.

It runs on the respondents, one row a firm and wave, whether or not a firm has accounts.

References
----------
Särndal, C.-E., Swensson, B. and Wretman, J. (1992). Model Assisted Survey Sampling. Springer. Sections 5.5 and 5.8.
Lumley, T. (2010). Complex Surveys: A Guide to Analysis Using R. Wiley. Chapters 2 and 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from estimation.designs.options import ColumnUse
from specs.fields import ColumnName, Columns, ExpressionField, OptionsModel, Wording, as_written, mistake
from specs.uncertainty import Errors

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit"]

WAVE = ("wave", "year")


def _some(items: tuple[str, ...]) -> tuple[str, ...]:
    if not items:
        raise mistake("no item", "there would be no share", "name one: [ai]")
    return items


def _blocks(value: Any) -> Any:
    """Refuse a block that is no list: ``by: [survey_size]`` could mean either of two things."""
    if not isinstance(value, (tuple, list)):
        raise mistake(
            f"a list of blocks is wanted, not {as_written(value)}", "each block is a list of columns",
            f"write [[{value}]]" if isinstance(value, str) else "write [[survey_size], [survey_nace]]",
        )  # fmt: skip
    for index, block in enumerate(value):
        if not isinstance(block, (tuple, list)):
            named = ", ".join(f"[{one}]" for one in value if isinstance(one, str))
            names = [one for one in value if isinstance(one, str)]
            crossed = f", or [[{', '.join(names)}]] for their crossing" if len(names) > 1 else ""
            raise mistake(
                f"a block is a list of columns, not {as_written(block)}", "",
                f"write [{named}]{crossed}" if names else "write [[survey_size]]", path=(index,),
            )  # fmt: skip
        if not block:
            raise mistake("a block without a column", "the total comes first anyway", "leave it out", path=(index,))
        texts = all(isinstance(one, str) for one in block)
        if texts and set(block) in [set(map(str, one)) for one in value[:index]]:
            raise mistake("this block stands twice", "", "leave one out", path=(index,))
    return value


class Options(OptionsModel):
    """The keys of adoption rates.

    Attributes
    ----------
    items : tuple of str
        Items of the survey, or variables that are 1 or 0.
    by : tuple of tuple of str
        Blocks of cells; the total comes first.
    where : Expression or None
        The firms that the shares are of; the others of a wave stay in its strata.
    base : str
        ``all``: an item that a filter skipped counts as no; ``asked``: of those that were asked.
    weights, strata, population : str or None
        Columns: what a respondent stands for, its stratum, the firms in its stratum.
    """

    design: Literal["adoption_rates"] = "adoption_rates"
    items: Annotated[Columns, AfterValidator(_some)]
    by: Annotated[tuple[Columns, ...], BeforeValidator(_blocks)] = ()
    where: ExpressionField | None = None
    base: Literal["all", "asked"] = "all"
    weights: ColumnName | None = None
    strata: ColumnName | None = None
    population: ColumnName | None = None
    title: Wording | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for number, block in enumerate(self.by):
            for place, column in enumerate(block):
                if column in self.items:
                    what = f'"{column}" is an item and a column of cells'
                    raise mistake(what, "its share among its own users is one", path=("by", number, place))
                if column == "firm":
                    raise mistake(
                        "cells of single firms", "a share is one of several firms", path=("by", number, place)
                    )
        if self.population is not None and self.population == self.weights:
            what = f'"{self.weights}" is weights and population'
            raise mistake(what, "population counts the firms of a stratum", path=("population",))
        return self

    @property
    def errors(self) -> Errors:
        """Those of the sampling design: no other can be asked for."""
        return Errors("survey")

    @property
    def tfp_uncertainty(self) -> None:
        """None: an answer is not estimated."""
        return

    @property
    def outcome_column(self) -> str:
        """None of its own: every item is one."""
        return ""

    @property
    def design_columns(self) -> tuple[str, ...]:
        """The columns of the sampling design."""
        return tuple(name for name in (self.weights, self.strata, self.population) if name is not None)

    def uses(self) -> tuple[ColumnUse, ...]:
        """Return every column that the keys name, with its place."""
        found = [ColumnUse(name, ("items", place), wants="item") for place, name in enumerate(self.items)]
        found += [
            ColumnUse(name, ("by", number, place), wants="cell")
            for number, block in enumerate(self.by)
            for place, name in enumerate(block)
        ]
        for key in ("weights", "population"):
            if name := getattr(self, key):
                found.append(ColumnUse(name, (key,), wants="amount"))
        if self.strata is not None:
            found.append(ColumnUse(self.strata, ("strata",)))
        return tuple(found)

    def term_names(self) -> tuple[str, ...]:
        """Return the terms without their cells."""
        return self.items


def columns(options: Options) -> tuple[str, ...]:
    """Return the columns that the model reads, each once: of an item whether it is yes and whether it was asked."""
    found = [f"{what}({item})" for item in options.items for what in ("yes", "asked")]
    found += [name for block in options.by for name in block if name not in WAVE]
    return tuple(dict.fromkeys([*found, *options.design_columns]))


def equations(options: Options) -> str:
    """Return what is computed, in symbols."""
    weight = options.weights or "1"
    among = "asked and answered" if options.base == "asked" else "answered, or skipped by a filter, which is no"
    stratum = options.strata or "the whole wave"
    left = f"(1 - n_h/{options.population}) " if options.population else ""
    return "\n".join([
        f"p = sum of w d yes(item) / sum of w d, w = {weight}, d = 1 in the cell if {among}",
        "z_i = w_i d_i (yes_i - p) / sum of w d, 0 outside the cell",
        f"V = sum over h of {left}n_h/(n_h-1) x sum of (z_i - zbar_h)^2, h = {stratum}",
        "interval: logit(p) +- t(n-H) se / (p(1-p)), taken back",
    ])  # fmt: skip


def fit(
    name: str,
    options: Options,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None = None,
) -> Estimates:
    """Estimate the shares.

    Parameters
    ----------
    name : str
        Its key in the spec.
    options : Options
    rows : Selection
        The respondents of the model's `where`, with `columns(options)`.
    first_stage : None
        Answers are not estimated.
    panel : Selection, optional
        `design_columns` of all respondents: the samples that the rows are domains of. By default the rows are
        taken for the whole sample.

    Returns
    -------
    Estimates
        ``ai`` for all firms, ``ai[survey_size=50-249]`` for a cell; `cells` says what is behind each.

    Raises
    ------
    EstimationError
        If waves would be pooled, a stratum has more respondents than firms, or nobody answered.
    """
    from estimation.adoption_shares import Question, adoption_shares  # numpy and scipy load here

    question = Question(
        name, options.items, options.by, options.base, options.weights, options.strata, options.population
    )
    return adoption_shares(question, rows, panel)
