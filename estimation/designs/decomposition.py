"""Aggregate productivity taken apart: ``design: decomposition``.

Aggregate productivity of a year is the mean of log productivity weighted by the firms' shares in an activity
(employment, sales). Olley and Pakes split it into the unweighted mean and a covariance; Melitz and Polanec split
its change into what happens within and between survivors, and what entry and exit add.

References
----------
Olley, G. S. and Pakes, A. (1996). The dynamics of productivity in the telecommunications equipment industry.
Econometrica 64(6), 1263-1297. Section 5.
Melitz, M. J. and Polanec, S. (2015). Dynamic Olley-Pakes productivity decomposition with entry and exit. RAND
Journal of Economics 46(2), 362-375.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from estimation.designs.options import ColumnUse, columns_of
from specs.fields import ColumnName, ExpressionField, OptionsModel, Wording, mistake
from specs.spans import Years
from specs.uncertainty import Errors, ErrorsField, refuse_few_clusters

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.decomposition import Question
    from estimation.design_draws import DesignResampler
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "resampler"]

BY_YEAR = ("aggregate", "mean", "covariance")
OF_CHANGE = ("change", "within", "between", "entry", "exit")


def _clustered(errors: Errors) -> Errors:
    refuse_few_clusters(errors, "a decomposition")
    if errors.kind not in ("cluster", "bootstrap"):
        raise mistake(
            f'"{errors.kind}" takes rows for independent',
            "a firm has a row in every year",
            "write {cluster: [firm]}, or {bootstrap: {cluster: [firm]}}",
        )
    for number, way in enumerate(errors.cluster):
        if errors.kind == "cluster" and way == ("year",):
            raise mistake(
                "clusters of years",
                "all firms of a year lie in one, and what a year adds up to does not vary within it",
                "write {cluster: [firm]}",
                path=("cluster", number),
            )
    if errors.kind == "cluster" and len(errors.cluster) == 1 and "year" in errors.cluster[0]:
        raise mistake(
            f"clusters of {errors.ways[0]} cut through firms",
            "a firm's years are not independent",
            f"write {{cluster: [firm]}}, or {{cluster: [firm, {errors.ways[0]}]}}",
            path=("cluster", 0),
        )
    return errors


class Options(OptionsModel):
    """The keys of a decomposition.

    Attributes
    ----------
    outcome : str
        Log productivity.
    method : str
        ``olley_pakes``: every year; ``melitz_polanec``: the change from one year to another.
    weights : str
        The activity whose yearly shares weigh the firms: employees.
    sampling_weights : str or None
        What a row stands for: a survey's weights.
    years : (int, int) or None
        The first and the last; those of the model's rows where it is not given.
    by : str or None
        A column of groups: what happens inside them, and what comes from their shares.
    where : Expression or None
    errors : Errors
        Clusters, or draws of them: a firm's years are not independent.
    tfp_uncertainty : str or None
        None takes ``include``.
    """

    design: Literal["decomposition"] = "decomposition"
    method: Literal["olley_pakes", "melitz_polanec"] = "olley_pakes"
    outcome: ColumnName
    weights: ColumnName
    sampling_weights: ColumnName | None = None
    years: Years | None = None
    by: ColumnName | None = None
    where: ExpressionField | None = None
    errors: Annotated[ErrorsField, AfterValidator(_clustered)] = Errors("cluster", (("firm",),))
    tfp_uncertainty: Literal["include", "ignore"] | None = None
    title: Wording | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.outcome == self.weights:
            raise mistake(
                f'"{self.weights}" is the outcome', "shares are taken of an activity", "name employees, or sales",
                path=("weights",),
            )  # fmt: skip
        if self.sampling_weights == self.weights:
            raise mistake(
                f'"{self.weights}" is weights and sampling_weights',
                "a firm would count by its activity times its activity",
                "sampling_weights is what a row stands for; leave it out where there is no survey",
                path=("sampling_weights",),
            )
        if self.sampling_weights == self.outcome:
            raise mistake(f'"{self.outcome}" is the outcome', path=("sampling_weights",))
        if self.by in ("firm", "year"):
            raise mistake(f'groups of "{self.by}"', "a group holds several firms of every year", path=("by",))
        if self.method == "melitz_polanec" and self.years is not None and self.years[0] == self.years[1]:
            raise mistake(f"a change from {self.years[0]} to the same year", path=("years",))
        return self

    @property
    def outcome_column(self) -> str:
        """The column that is decomposed."""
        return self.outcome

    def uses(self) -> tuple[ColumnUse, ...]:
        """Return every column that the keys name, with its place."""
        found = [
            ColumnUse(self.outcome, ("outcome",), wants="number", outcome=True),
            ColumnUse(self.weights, ("weights",), wants="amount"),
        ]
        if self.sampling_weights is not None:
            found.append(ColumnUse(self.sampling_weights, ("sampling_weights",), wants="amount"))
        if self.by is not None:
            found.append(ColumnUse(self.by, ("by",)))
        found += [ColumnUse(name, ("errors", *place)) for name, place in self.errors.places]
        return tuple(found)

    def term_names(self) -> tuple[str, ...]:
        """Return the terms without their years."""
        if self.method == "olley_pakes":
            return (*BY_YEAR, *(("covariance_inside", "covariance_across") if self.by else ()))
        return ("aggregate", *OF_CHANGE, *(("across",) if self.by else ()))


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the model reads, each once."""
    return columns_of(options.uses())


def equations(options: Options) -> str:
    """Return what is computed, in symbols."""
    weight = options.weights if options.sampling_weights is None else f"{options.sampling_weights} {options.weights}"
    mean = "unweighted mean" if options.sampling_weights is None else f"mean weighted by {options.sampling_weights}"
    lines = [
        f"aggregate[t] = sum of s_i(t) {options.outcome}_i(t), s_i(t) = {weight} over its sum in t",
        f"mean[t]: {mean}; covariance[t] = aggregate[t] - mean[t]",
    ]
    if options.method == "melitz_polanec":
        lines += [
            "change = within + between + entry + exit" + (" + across" if options.by else ""),
            "within, between: change of the mean and of the covariance of the survivors S",
            "entry = s_E(2) (aggregate_E(2) - aggregate_S(2)), exit = s_X(1) (aggregate_S(1) - aggregate_X(1))",
        ]
        if options.by:
            lines.append(f"each within {options.by}, at the mean of its two shares; across: change of the shares")
    elif options.by:
        lines.append(f"covariance = covariance_inside (within {options.by}) + covariance_across (of its shares)")
    if options.errors.bootstrap is not None:
        return "\n".join([*lines, options.errors.drawn])
    ways = " and ".join(options.errors.ways)
    lines.append(f"V = G/(G-1) x sum over clusters of s_g s_g', s_g the sum of psi_i by {ways}; t(G-1)")
    if options.tfp_uncertainty != "ignore":
        lines.append("psi_i gains T(dw/dtheta) psi_theta,i where the spec estimated the outcome")
    return "\n".join(lines)


def fit(
    name: str,
    options: Options,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None = None,
) -> Estimates:
    """Take aggregate productivity apart.

    Parameters
    ----------
    name : str
        Its key in the spec.
    options : Options
    rows : Selection
        The rows of the model's `where`, with `columns(options)`.
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome.
    panel : Selection, optional
        The clustering columns on all rows of the panel.

    Returns
    -------
    Estimates
        ``aggregate[2023]``, ``mean[2023]``, ``covariance[2023]``; or ``change``, ``within``, ``between``,
        ``entry``, ``exit``, which add up exactly.

    Raises
    ------
    EstimationError
        If a year has no rows or no activity, or nobody survives.
    """
    from estimation.decomposition import decompose  # numpy and scipy load here

    return decompose(_question(name, options), rows, first_stage, panel)


def resampler(options: Options, rows: Selection, first_stage: ProductivityFit | None) -> DesignResampler:
    """Return what takes productivity apart again with other weights on its firms.

    Parameters
    ----------
    options, rows, first_stage
        As in `fit`; first_stage where the outcome is drawn with the rest.

    Raises
    ------
    EstimationError
        As `fit` does.
    """
    from estimation.decomposition import redrawable

    return redrawable(_question("", options), rows, first_stage)


def _question(name: str, options: Options) -> Question:
    from estimation.decomposition import Question

    # A bootstrap puts its errors in the place of those of the closed form, which it is set beside.
    drawn = options.errors.kind == "bootstrap"
    return Question(
        name=name,
        method=options.method,
        outcome=options.outcome,
        weights=options.weights,
        sampling_weights=options.sampling_weights,
        years=options.years,
        by=options.by,
        cluster=options.errors.cluster,
        tfp_uncertainty=None if drawn and options.tfp_uncertainty == "include" else options.tfp_uncertainty,
    )
