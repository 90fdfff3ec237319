"""The whole distribution of an outcome in one group beside that in another: ``design: distribution``.

References
----------
Delgado, M. A., Fariñas, J. C. and Ruano, S. (2002). Firm productivity and export markets: a non-parametric approach.
Journal of International Economics 57(2), 397-422.
Barrett, G. F. and Donald, S. G. (2003). Consistent tests for stochastic dominance. Econometrica 71(1), 71-104.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from estimation.designs.options import ColumnUse, columns_of
from specs.errors import did_you_mean
from specs.fields import ColumnName, ExpressionField, OptionsModel, Wording, as_written, mistake
from specs.uncertainty import FEWEST_DRAWS, MOST_DRAWS, Errors, ErrorsField

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.design_draws import DesignResampler
    from estimation.distribution import Question
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "clusters_of_firms", "columns", "equations", "fit", "resampler"]

MOST_QUANTILES = 99
DRAWS = 999


def clusters_of_firms(errors: Errors) -> Errors:
    """Refuse errors that take a firm's rows for independent, and clusters of two kinds."""
    if errors.kind not in ("cluster", "bootstrap"):
        raise mistake(
            f'"{errors.kind}" takes rows for independent',
            "a firm may have several; with one row a firm, clusters of firms are the same",
            "write {cluster: [firm]}, or leave the key out",
        )
    if len(errors.cluster) > 1:
        raise mistake(
            "two ways of clustering",
            "groups are compared with clusters of one kind",
            "write {cluster: [firm]}, or combine columns: {cluster: [nace3^region]}",
            path=("cluster", 1),
        )
    if errors.kind == "cluster" and "year" in errors.cluster[0]:
        raise mistake(
            f"clusters of {errors.ways[0]} cut through firms",
            "a firm's years are not independent",
            "write {cluster: [firm]}",
            path=("cluster", 0),
        )
    return errors


def _shares(value: Any) -> Any:
    if not isinstance(value, (tuple, list)):
        raise mistake(f"a list of quantiles is wanted, not {as_written(value)}", "", "write [0.1, 0.5, 0.9]")
    if not value:
        raise mistake("no quantile", "there would be no gap but that of the means", "name one: [0.5]")
    for index, one in enumerate(value):
        if not isinstance(one, (int, float)) or isinstance(one, bool) or not 0 < one < 1:
            advice = f"write {one / 100:g}" if isinstance(one, (int, float)) and 1 < one < 100 else "write 0.5"
            what = f"{as_written(one)} is not between 0 and 1"
            raise mistake(what, "a quantile is named by the share below it", advice, path=(index,))
        if one in value[:index]:
            raise mistake(f"{as_written(one)} stands twice", "", "leave one out", path=(index,))
    if len(value) > MOST_QUANTILES:
        raise mistake(f"{len(value)} quantiles", "", f"ask for {MOST_QUANTILES} or fewer")
    return tuple(sorted(float(one) for one in value))


def _draws(value: Any) -> Any:
    if not isinstance(value, int) or isinstance(value, bool):
        raise mistake(f"a whole number is wanted, not {as_written(value)}", "", "write draws: 999")
    if not FEWEST_DRAWS <= value <= MOST_DRAWS:
        raise mistake(f"{value} draws", "", f"ask for {FEWEST_DRAWS} to {MOST_DRAWS}")
    return value


class Options(OptionsModel):
    """The keys of a comparison of distributions.

    Attributes
    ----------
    outcome : str
    by : str
        The column of groups.
    quantiles : tuple of float
        Shares at which gaps are taken, ascending.
    reference : mapping of column to level
        The group that the others are compared with; the first of two, else the most frequent.
    where : Expression or None
    weights : str or None
        A column of sampling weights.
    errors : Errors
        Clusters of one kind, or draws of them.
    draws : int or None
        Of the multipliers that give p-values of tests; None takes 999.
    tfp_uncertainty : str or None
        None takes ``include`` with a bootstrap and ``ignore`` without.
    """

    design: Literal["distribution"] = "distribution"
    outcome: ColumnName
    by: ColumnName
    quantiles: Annotated[tuple[float, ...], BeforeValidator(_shares)] = (0.1, 0.25, 0.5, 0.75, 0.9)
    reference: Mapping[ColumnName, str | int | float] = {}
    where: ExpressionField | None = None
    weights: ColumnName | None = None
    errors: Annotated[ErrorsField, AfterValidator(clusters_of_firms)] = Errors("cluster", (("firm",),))
    draws: Annotated[int, BeforeValidator(_draws)] | None = None
    tfp_uncertainty: Literal["include", "ignore"] | None = None
    title: Wording | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.by == self.outcome:
            what = f'"{self.by}" is the outcome'
            raise mistake(what, "groups of its own values would have nothing to compare", path=("by",))
        if self.weights in (self.outcome, self.by):
            role = "the outcome" if self.weights == self.outcome else "the column of groups"
            raise mistake(f'"{self.weights}" is {role}', "weights are what a row stands for", path=("weights",))
        for column in self.reference:
            if column != self.by:
                near = did_you_mean(column, (self.by,)) or f"write {{{self.by}: ...}}"
                raise mistake(f'"{column}" is not the column of by', "", near, path=("reference", column), at_key=True)
        if self.errors.bootstrap is None and self.tfp_uncertainty == "include":
            raise mistake(
                "a closed form cannot include it",
                "quantiles are not linear in the outcome",
                "write errors: {bootstrap: {cluster: [firm]}}",
                path=("tfp_uncertainty",),
            )
        if self.errors.bootstrap is not None and self.draws is not None:
            raise mistake(
                "draws beside a bootstrap",
                "its draws give the tests their p-values",
                f"write errors: {{bootstrap: {{draws: {self.draws}}}}}",
                path=("draws",),
                at_key=True,
            )
        return self

    @property
    def outcome_column(self) -> str:
        """The column whose distributions are compared."""
        return self.outcome

    def uses(self) -> tuple[ColumnUse, ...]:
        """Return every column that the keys name, with its place."""
        found = [ColumnUse(self.outcome, ("outcome",), wants="number", outcome=True), ColumnUse(self.by, ("by",))]
        if self.weights is not None:
            found.append(ColumnUse(self.weights, ("weights",), wants="amount"))
        found += [ColumnUse(name, ("errors", *place)) for name, place in self.errors.places]
        return tuple(found)

    def term_names(self) -> tuple[str, ...]:
        """Return the terms without their quantiles."""
        return ("gap", "mean")


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the model reads, each once."""
    return columns_of(options.uses())


def equations(options: Options) -> str:
    """Return what is computed, in symbols."""
    y, w = options.outcome, "" if options.weights is None else f", weighted by {options.weights}"
    lines = [
        f"gap[tau] = Q1(tau) - Q0(tau), Q = inf{{y: F(y) >= tau}} of {y} by {options.by}{w}; mean = mean1 - mean0",
        "ks = sup |F1 - F0|; first_order = sup (F1 - F0); second_order = sup over z of the integral of F1 - F0 up to z",
    ]
    if options.errors.bootstrap is not None:
        return "\n".join([*lines, options.errors.drawn])
    return "\n".join([
        *lines,
        f"psi_i(tau) = -(1(y_i <= Q) - tau) / f(Q), f by a kernel; V = G/(G-1) x sum of s_g s_g' by "
        f"{options.errors.ways[0]}; t(G-1)",
        "p-values: Kolmogorov and Smirnov's where rows are independent and without weights, else "
        f"{options.draws or DRAWS} draws of multipliers by {options.errors.ways[0]}",
    ])  # fmt: skip


def fit(
    name: str,
    options: Options,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None = None,
    seed: int = 1,
) -> Estimates:
    """Compare the distributions.

    Parameters
    ----------
    name : str
        Its key in the spec.
    options : Options
    rows : Selection
        The rows of the model's `where`, with `columns(options)`.
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome: taken as data by the closed form.
    panel : None
        Not looked at.
    seed : int
        Of the multipliers.

    Returns
    -------
    Estimates
        ``gap[0.5]`` and ``mean`` of two groups; ``gap[0.5,20-49]`` and ``mean[20-49]`` of a level beside the base.

    Raises
    ------
    EstimationError
        If there is one group, too many of them, or no such base level.
    """
    from estimation.distribution import compare  # numpy and scipy load here

    return compare(_question(name, options, seed), rows, first_stage)


def resampler(options: Options, rows: Selection, first_stage: ProductivityFit | None) -> DesignResampler:
    """Return what compares the distributions again with other weights on the firms.

    Parameters
    ----------
    options, rows, first_stage
        As in `fit`; first_stage where the outcome is drawn with the rest.

    Raises
    ------
    EstimationError
        As `fit` does.
    """
    from estimation.distribution import redrawable

    return redrawable(_question("", options, 1), rows, first_stage)


def _question(name: str, options: Options, seed: int) -> Question:
    from estimation.distribution import Question

    level = options.reference.get(options.by)
    return Question(
        name=name,
        outcome=options.outcome,
        by=options.by,
        reference=None if level is None else f"{level:g}" if isinstance(level, float) else str(level),
        weights=options.weights,
        quantiles=options.quantiles,
        cluster=options.errors.cluster,
        bootstrap=options.errors.bootstrap is not None,
        draws=options.draws or DRAWS,
        seed=seed,
    )
