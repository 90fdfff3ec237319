"""A regression in levels, one row or several a firm: ``design: cross_section``. Table 1 of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, model_validator

from estimation.designs.options import ColumnUse, columns_of
from specs.errors import did_you_mean
from specs.fields import (
    ColumnName,
    ExpressionField,
    FormulaField,
    OptionsModel,
    Wording,
    as_written,
    mistake,
)  # fmt: skip
from specs.formula import Factor, Formula
from specs.uncertainty import Errors, ErrorsField

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.design_draws import DesignResampler
    from estimation.regression import Question
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "resampler"]

LATER_METHODS = ("iv", "quantile", "logit", "probit")


def _method(value: Any) -> Any:
    if value in LATER_METHODS:
        raise mistake(f"method {as_written(value)} comes later", "", "available now: ols")
    return value


def _without_effects(formula: Formula) -> Formula:
    if formula.bar is not None:
        raise mistake(
            "effects behind the bar",
            "a cross-section absorbs none",
            "write them as terms: tfp ~ ai + nace + year",
            offset=formula.bar,
        )
    return formula


class Options(OptionsModel):
    """The keys of a cross-section.

    Attributes
    ----------
    formula : Formula
    outcome : str or None
        Replaces the formula's left side.
    where : Expression or None
        The rows; productivity is estimated before and untouched by it.
    reference : mapping of column to level
        Base levels; other columns of indicators take their most frequent level.
    weights : str or None
        A column of sampling weights.
    errors : Errors
    tfp_uncertainty : str or None
        None takes ``include`` for robust and clustered errors, ``ignore`` for classical ones.
    """

    design: Literal["cross_section"] = "cross_section"
    method: Annotated[Literal["ols"], BeforeValidator(_method)] = "ols"
    formula: Annotated[FormulaField, AfterValidator(_without_effects)]
    outcome: ColumnName | None = None
    where: ExpressionField | None = None
    reference: Mapping[ColumnName, str | int | float] = {}
    weights: ColumnName | None = None
    errors: ErrorsField = Errors(kind="HC1")
    tfp_uncertainty: Literal["include", "ignore", "murphy_topel"] | None = None
    title: Wording | None = None

    @model_validator(mode="after")
    def _agree(self) -> Options:
        if self.outcome is None and self.formula.outcome is None:
            raise mistake(
                "no outcome",
                "the formula has no left side",
                "write tfp ~ ..., or outcome: tfp",
                path=("formula",),
            )
        terms = {factor.name for term in self.formula.terms for factor in term.factors}
        if self.outcome is not None and self.outcome in terms:
            raise mistake(f'the outcome "{self.outcome}" stands on the right side too', path=("outcome",))
        for column in self.reference:
            near = did_you_mean(column, terms)
            if column not in terms and near:
                raise mistake(f'"{column}" is not in the formula', "", near, path=("reference", column), at_key=True)
        classical = self.errors.kind == "classical"
        if classical and self.tfp_uncertainty == "include":
            raise mistake(
                "classical errors have no room for the first stage's scores",
                "",
                "write murphy_topel, or errors: HC1",
                path=("tfp_uncertainty",),
            )
        if not classical and self.tfp_uncertainty == "murphy_topel":
            raise mistake("murphy_topel goes with classical errors", "", "write include", path=("tfp_uncertainty",))
        return self

    @property
    def left(self) -> Factor:
        """The outcome: ``outcome``, else the formula's left side."""
        factor = Factor(self.outcome) if self.outcome is not None else self.formula.outcome_factor
        if factor is None:
            raise ValueError("validation saw to it that there is an outcome")
        return factor

    @property
    def outcome_column(self) -> str:
        """The column on the left side."""
        return self.left.name

    def uses(self) -> tuple[ColumnUse, ...]:
        """Return every column that the keys name, with its place, the outcome first."""
        if self.outcome is not None:
            left = ColumnUse(self.outcome, ("outcome",), wants="number", outcome=True)
        else:
            left = ColumnUse(self.left.name, ("formula",), self.left.offset, "number", outcome=True)
        factors = [factor for term in self.formula.terms for factor in term.factors]
        first = {factor.name: factor for factor in reversed(factors)}
        found = [left, *(ColumnUse(name, ("formula",), first[name].offset) for name in reversed(first))]
        found += [
            ColumnUse(factor.name, ("formula",), factor.offset, written=factor.label)
            for factor in factors
            if factor.label != factor.name
        ]
        if self.weights is not None:
            found.append(ColumnUse(self.weights, ("weights",), wants="amount"))
        found += [ColumnUse(name, ("errors", *place)) for name, place in self.errors.places]
        found += [ColumnUse(name, ("reference", name), wants="levels") for name in self.reference]
        return tuple(found)

    def term_names(self) -> tuple[str, ...]:
        """Return the factors, and the constant."""
        return tuple(dict.fromkeys(["constant", *(f.label for term in self.formula.terms for f in term.factors)]))


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the model reads, each once; ``firm`` and ``year`` come with every row."""
    return columns_of(options.uses())


def equations(options: Options) -> str:
    """Return what is estimated, in symbols."""
    right = (["b0"] if options.formula.intercept else []) + [
        _part(number, term.label) for number, term in enumerate(options.formula.terms, 1)
    ]
    weight = f"w = {options.weights}" if options.weights else ""
    lines = [
        f"{options.left.label} = {' + '.join([*right, 'e'])}",
        "b = (X'WX)^-1 X'Wy, " + weight if weight else "b = (X'X)^-1 X'y",
        _covariance(options.errors, "w" if weight else ""),
    ]
    if options.tfp_uncertainty == "murphy_topel":
        lines.append("V gains B V_theta B', B = T(dy/dtheta), where the spec estimated the outcome")
    elif options.tfp_uncertainty != "ignore" and options.errors.kind not in ("classical", "bootstrap"):
        lines.append("psi_i gains T(dy/dtheta) psi_theta,i where the spec estimated the outcome")
    return "\n".join(lines)


def _part(number: int, label: str) -> str:
    return f"b{number} {label}"


def _covariance(errors: Errors, weight: str) -> str:
    bread = "(X'WX)^-1" if weight else "(X'X)^-1"
    score = f"psi_i = {bread} x_i {weight + '_i ' if weight else ''}e_i"
    if errors.kind == "classical":
        return f"V = s2 {bread}, s2 = sum of {'w ' if weight else ''}e^2 / (N-K)"
    if errors.bootstrap is not None:
        return errors.drawn
    if errors.kind == "cluster":
        two = len(errors.cluster) == 2
        total = "V1 + V2 - V12" if two else "sum over clusters of s_g s_g'"
        letter = "Gmin" if two else "G"
        return (
            f"V = {letter}/({letter}-1) (N-1)/(N-K) x ({total}), s_g the sum of {score} "
            f"by {' and '.join(errors.ways)}; t({letter}-1)"
        )
    factor = {"HC1": "N/(N-K) x "}.get(errors.kind, "")
    scaled = {"HC2": ", e_i over sqrt(1-h_i)", "HC3": ", e_i over 1-h_i"}.get(errors.kind, "")
    return f"V = {factor}sum of psi_i psi_i', {score}{scaled}; t(N-K)"


def fit(
    name: str,
    options: Options,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None = None,
) -> Estimates:
    """Estimate the model.

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
        The clustering columns on all rows of the panel: where clusters are coarser than the firm, they
        place the firms that only the first stage sees.

    Returns
    -------
    Estimates

    Raises
    ------
    EstimationError
        If the model cannot be estimated; the message names the terms, columns or levels.
    """
    from estimation.regression import estimate  # numpy and scipy load here

    return estimate(_question(name, options), rows, first_stage, panel)


def resampler(options: Options, rows: Selection, first_stage: ProductivityFit | None) -> DesignResampler:
    """Return what estimates the model again with other weights on its firms.

    Parameters
    ----------
    options, rows, first_stage
        As in `fit`; first_stage where the outcome is drawn with the rest.

    Raises
    ------
    EstimationError
        As `fit` does.
    """
    from estimation.regression import redrawable

    return redrawable(_question("", options), rows, first_stage)


def _question(name: str, options: Options) -> Question:
    from estimation.regression import Question

    # A bootstrap puts its errors in the place of those of the closed form, which it is set beside.
    drawn = options.errors.kind == "bootstrap"
    return Question(
        name=name,
        design=options.design,
        formula=options.formula,
        outcome=options.outcome,
        reference={column: str(level) for column, level in options.reference.items()},
        weights=options.weights,
        kind="cluster" if drawn else options.errors.kind,
        cluster=options.errors.cluster,
        tfp_uncertainty=None if drawn and options.tfp_uncertainty == "include" else options.tfp_uncertainty,
    )
