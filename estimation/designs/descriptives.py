"""Means, spreads and shares of firms, by group, with tests that groups are alike: ``design: descriptives``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from estimation.designs.distribution import clusters_of_firms
from estimation.designs.options import ColumnUse, columns_of
from specs.fields import ColumnName, Columns, ExpressionField, OptionsModel, Wording, mistake
from specs.uncertainty import Errors, ErrorsField

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit"]


def _some(of: tuple[str, ...]) -> tuple[str, ...]:
    if not of:
        raise mistake("no column", "there would be nothing to describe", "name some: [ln_l, firm_age]")
    for index, name in enumerate(of):
        if name in ("firm", "year"):
            what = f'"{name}" is a key of the panel'
            raise mistake(what, "a mean of it says nothing", "leave it out", path=(index,))
    return of


class Options(OptionsModel):
    """The keys of descriptive statistics.

    Attributes
    ----------
    of : tuple of str
        Columns of numbers, whose means are taken; of 0 and 1, or of text, whose shares are.
    by : str or None
        The column of groups; None for all firms together.
    where : Expression or None
    weights : str or None
        A column of sampling weights.
    errors : Errors
        Clusters of one kind.
    """

    design: Literal["descriptives"] = "descriptives"
    of: Annotated[Columns, AfterValidator(_some)]
    by: ColumnName | None = None
    where: ExpressionField | None = None
    weights: ColumnName | None = None
    errors: Annotated[ErrorsField, AfterValidator(clusters_of_firms)] = Errors("cluster", (("firm",),))
    title: Wording | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.by in self.of:
            what = f'"{self.by}" is described and the column of groups'
            raise mistake(what, "it does not vary within its own groups", "leave it out of `of`", path=("by",))
        if self.weights is not None and self.weights == self.by:
            raise mistake(f'"{self.weights}" is weights and the column of groups', path=("weights",))
        return self

    @property
    def tfp_uncertainty(self) -> None:
        """None: a mean of an estimated column takes it as given."""
        return

    @property
    def outcome_column(self) -> str:
        """None of its own: every column is one."""
        return ""

    def uses(self) -> tuple[ColumnUse, ...]:
        """Return every column that the keys name, with its place."""
        found = [ColumnUse(name, ("of", place)) for place, name in enumerate(self.of)]
        if self.by is not None:
            found.append(ColumnUse(self.by, ("by",)))
        if self.weights is not None:
            found.append(ColumnUse(self.weights, ("weights",), wants="amount"))
        found += [ColumnUse(name, ("errors", *place)) for name, place in self.errors.places]
        return tuple(found)

    def term_names(self) -> tuple[str, ...]:
        """Return the columns, and what differences are called."""
        return (*self.of, "difference")


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the model reads, each once."""
    return columns_of(options.uses())


def equations(options: Options) -> str:
    """Return what is computed, in symbols."""
    w = options.weights or "1"
    lines = [
        f"mean = sum of w x / sum of w, w = {w}; sd: n/(n-1) sum of w (x - mean)^2 / sum of w, its root",
        f"z_i = w_i (x_i - mean) / sum of w; V = G/(G-1) x sum over {options.errors.ways[0]} of (sum of z)^2, "
        "G those of the group",
    ]
    if options.by is not None:
        lines += [
            f"equal by {options.by}: Welch's F of means; of shares Pearson's chi-squared, with weights or clusters of "
            "several rows Rao and Scott's F",
            "all together: Wald's F of every difference, adjusted for the number of clusters",
        ]
    return "\n".join(lines)


def fit(
    name: str,
    options: Options,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None = None,
) -> Estimates:
    """Describe the firms.

    Parameters
    ----------
    name : str
        Its key in the spec.
    options : Options
    rows : Selection
        The rows of the model's `where`, with `columns(options)`.
    first_stage, panel : None
        Not looked at: means of an estimated column take it as given.

    Returns
    -------
    Estimates
        ``ln_l`` for all firms, ``ln_l[ai=1]`` for a group, ``nace[C,ai=1]`` for a share, ``difference[ln_l]`` of two
        groups; `described` says what is behind each.

    Raises
    ------
    EstimationError
        If there is one group, or too many of them or of levels.
    """
    from estimation.descriptives import Question, describe  # numpy and scipy load here

    return describe(Question(name, options.of, options.by, options.weights, options.errors.cluster), rows)
