"""What designs written as a formula have in common: their keys, their equations, and the question that they ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from estimation.designs.options import ColumnUse, columns_of
from specs.balance import BalanceSpec
from specs.errors import did_you_mean
from specs.families import FamilyField
from specs.fields import ColumnName, ExpressionField, FormulaField, OptionsModel, Wording, mistake
from specs.formula import Factor, Term
from specs.uncertainty import Errors, ErrorsField

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.regression import Question
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["FormulaOptions", "answer", "columns", "dated", "equations", "indexed", "question", "solution"]


class FormulaOptions(OptionsModel):
    """The keys of a regression.

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
        None takes ``include`` for robust and clustered errors, ``ignore`` for classical ones and a wild bootstrap.
    family : FamilySpec or None
        The hypotheses among its terms that are tested together with those of other models.
    balance : BalanceSpec or None
        Weights that make treated and untreated rows alike.
    """

    design: str = ""
    method: str = "ols"
    formula: FormulaField
    outcome: ColumnName | None = None
    where: ExpressionField | None = None
    reference: Mapping[ColumnName, str | int | float] = {}
    weights: ColumnName | None = None
    errors: ErrorsField = Errors(kind="HC1")
    tfp_uncertainty: Literal["include", "ignore", "murphy_topel"] | None = None
    balance: BalanceSpec | None = None
    title: Wording | None = None
    family: FamilyField | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.outcome is None and self.formula.outcome is None:
            raise mistake(
                "no outcome",
                "the formula has no left side",
                "write tfp ~ ..., or outcome: tfp",
                path=("formula",),
            )
        terms = {factor.name for term in self.formula.terms for factor in term.factors}
        if self.outcome is not None and self.outcome in terms:
            what = f'the outcome "{self.outcome}" stands on the right side too'
            raise mistake(what, *self.of_its_level(), path=("outcome",))
        for column in self.reference:
            near = did_you_mean(column, terms)
            if column not in (*terms, *self.added_columns) and near:
                raise mistake(f'"{column}" is not in the formula', "", near, path=("reference", column), at_key=True)
        small = self.errors.small_sample or ("wild_bootstrap" if self.errors.wild is not None else "")
        if small and self.method != "ols":
            raise mistake(
                f"{small} beside method: {self.method}",
                "it is made of the residuals of least squares",
                f"write {{cluster: [{self.errors.ways[0]}]}}",
                path=("errors",),
            )
        classical = self.errors.kind == "classical"
        if classical and self.tfp_uncertainty == "include":
            raise mistake(
                "classical errors have no room for the first stage's scores",
                "",
                "write murphy_topel, or errors: HC1",
                path=("tfp_uncertainty",),
            )
        if self.errors.wild is not None and self.tfp_uncertainty == "include":
            raise mistake(
                "a wild bootstrap takes the outcome as data",
                "it draws this model's residuals, not the first stage",
                "leave the key out, or write errors: {cluster: [firm], small_sample: CR2}",
                path=("tfp_uncertainty",),
            )
        if not classical and self.tfp_uncertainty == "murphy_topel":
            raise mistake("murphy_topel goes with classical errors", "", "write include", path=("tfp_uncertainty",))
        if self.balance is not None:
            _check_balance(self.balance, self.errors, self.left.name, terms)
        return self

    def of_its_level(self) -> tuple[str, str]:
        """Return what it means that the outcome stands in another place too, and what to try."""
        return "", ""

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

    @property
    def added_columns(self) -> tuple[str, ...]:
        """Columns of regressors that do not stand in the formula."""
        return ()

    @property
    def keeps_workings(self) -> bool:
        """Whether an estimate has to hand over what it is made of (`estimation.workings.Workings`)."""
        return False

    def beside(self) -> tuple[str, ...]:
        """Return what is estimated beside the model itself, in symbols."""
        return ()

    def uses(self) -> tuple[ColumnUse, ...]:
        """Return every column that the keys name, with its place, the outcome first."""
        if self.outcome is not None:
            left = ColumnUse(self.outcome, ("outcome",), wants="number", outcome=True)
        else:
            left = ColumnUse(self.left.name, ("formula",), self.left.offset, "number", outcome=True)
        factors = [factor for term in self.formula.terms for factor in term.factors]
        found_effects = [
            ColumnUse(name, ("formula",), offset, "effect")
            for effect in self.formula.absorbed
            for name, offset in zip(effect.names, effect.offsets, strict=True)
        ]
        first = {factor.name: factor for factor in reversed(factors)}
        found = [left, *(ColumnUse(name, ("formula",), first[name].offset) for name in reversed(first))]
        found += [
            ColumnUse(factor.name, ("formula",), factor.offset, written=factor.label)
            for factor in factors
            if factor.label != factor.name
        ]
        found += found_effects
        if self.weights is not None:
            found.append(ColumnUse(self.weights, ("weights",), wants="amount"))
        found += [ColumnUse(name, ("errors", *place)) for name, place in self.errors.places]
        found += [ColumnUse(name, ("reference", name), wants="levels") for name in self.reference]
        if self.balance is not None:
            found += [ColumnUse(one, ("balance", "covariates", i)) for i, one in enumerate(self.balance.covariates)]
            if self.balance.treatment is not None:
                found.append(ColumnUse(self.balance.treatment, ("balance", "treatment"), wants="number"))
        return tuple(found)

    def term_names(self) -> tuple[str, ...]:
        """Return the factors, and the constant."""
        return tuple(dict.fromkeys(["constant", *(f.label for term in self.formula.terms for f in term.factors)]))


def _check_balance(balance: BalanceSpec, errors: Errors, outcome: str, terms: set[str]) -> None:
    if errors.kind not in ("HC0", "HC1", "cluster") or errors.small_sample:
        raise mistake(
            f"{errors.small_sample or errors.kind} beside balance",
            "the weights are estimated, which these errors do not count",
            "write HC1, or {cluster: [firm]}",
            path=("errors",),
        )
    if balance.treatment is not None and balance.treatment not in terms:
        what = f'"{balance.treatment}" is not in the formula'
        advice = did_you_mean(balance.treatment, terms) or f"there are: {', '.join(sorted(terms))}"
        raise mistake(what, "", advice, path=("balance", "treatment"))
    if outcome in balance.covariates:
        what = f'"{outcome}" is the outcome'
        raise mistake(what, "rows alike in it would have nothing left to differ in",
                      path=("balance", "covariates", balance.covariates.index(outcome)))  # fmt: skip


def columns(options: FormulaOptions) -> tuple[str, ...]:
    """Return the panel columns that the model reads, each once; ``firm`` and ``year`` come with every row."""
    return columns_of(options.uses())


def equations(options: FormulaOptions) -> str:
    """Return what is estimated, in symbols."""
    right = (["b0"] if options.formula.intercept else []) + [
        _part(number, dated(term)) for number, term in enumerate(options.formula.terms, 1)
    ]
    effects = [f"a({one.label})" for one in options.formula.absorbed]
    if effects:
        right = right[int(options.formula.intercept) :]
    return "\n".join([f"{indexed(options.left).label} = {' + '.join([*right, *effects, 'e_it'])}", *solution(options)])


def indexed(factor: Factor) -> Factor:
    """Return a factor with the subscripts of a row: the firm and the year."""
    return replace(factor, name=f"{factor.name}_it")


def dated(term: Term) -> str:
    """Return a term with the subscripts of a row on every factor."""
    return ":".join(indexed(factor).label for factor in term.factors)


def solution(options: FormulaOptions) -> list[str]:
    """Return how the equation is solved, and what the covariance is."""
    weight = f"w = {options.weights}" if options.weights else ""
    if options.balance is not None:
        weight = f"{weight} times what balances" if weight else "w = what balances"
    solved = "b = (X'WX)^-1 X'Wy, " + weight if weight else "b = (X'X)^-1 X'y"
    lines = [
        solved + (", columns and outcome less their effects" if options.formula.absorbed else ""),
        _covariance(options.errors, "w" if weight else ""),
    ]
    if options.balance is not None:
        lines += _weighing(options.balance)
    if options.tfp_uncertainty == "murphy_topel":
        lines.append("V gains B V_theta B', B = T(dy/dtheta), where the spec estimated the outcome")
    elif options.tfp_uncertainty != "ignore" and options.errors.in_closed_form and options.errors.kind != "classical":
        lines.append("psi_i gains T(dy/dtheta) psi_theta,i where the spec estimated the outcome")
    return [*lines, *options.beside()]


def _weighing(balance: BalanceSpec) -> list[str]:
    """Return how balancing weights are found, and what that adds."""
    treatment = balance.treatment or "treatment"
    if balance.method == "entropy":
        found = (
            f"rows with {treatment} 0 weigh exp(z'g), z = (1, {', '.join(balance.covariates)}), g such that their "
            f"weighted sums of z are those of rows with {treatment} 1"
        )
    else:
        found = (
            f"rows weigh 1 - p where {treatment} is 1, p where it is 0; p = logit of {treatment} on "
            f"{', '.join(balance.covariates)}"
        )
    return [found, "psi_i gains (X'WX)^-1 (sum of x e dw/dg) psi_g,i"]


def _part(number: int, label: str) -> str:
    return f"b{number} {label}"


def _covariance(errors: Errors, weight: str) -> str:
    bread = "(X'WX)^-1" if weight else "(X'X)^-1"
    score = f"psi_i = {bread} x_i {weight + '_i ' if weight else ''}e_i"
    if errors.kind == "classical":
        return f"V = s2 {bread}, s2 = sum of {'w ' if weight else ''}e^2 / (N-K)"
    if errors.bootstrap is not None:
        return errors.drawn
    if errors.small_sample:
        power = {"CR2": "-1/2", "CR3": "-1"}[errors.small_sample]
        t = {"CR2": "degrees of freedom by Satterthwaite, a term each", "CR3": "t(G-1)"}[errors.small_sample]
        return (
            f"V = sum over clusters of s_g s_g', s_g the sum of {score} by {errors.ways[0]}, "
            f"e_g by (I-H)^{power} of its cluster; {t}"
        )
    if errors.wild is not None:
        return (
            f"t* of y* = Xb(null) + v_g e(null), v_g a number for each cluster of {errors.ways[0]}, "
            f"{errors.wild.draws} draws; p = share of t*^2 >= t^2, intervals by testing"
        )
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


def answer(
    name: str,
    options: FormulaOptions,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None,
) -> Estimates:
    """Estimate the regression by least squares, on balanced rows where these are asked for.

    Parameters
    ----------
    name, options, rows, first_stage, panel
        As in the designs' `fit`.

    Raises
    ------
    EstimationError
    """
    from estimation.regression import estimate

    asked = question(name, options)
    if options.balance is None:
        return estimate(asked, rows, first_stage, panel)
    from estimation.balancing.answer import Asked, estimate_balanced

    balance = Asked(options.balance.method, options.balance.treatment, options.balance.covariates)
    return estimate_balanced(balance, asked, rows, first_stage, panel)


def _has_corrections(options: FormulaOptions) -> bool:
    """Return whether the errors made for few clusters are all to be had."""
    return options.balance is None and options.method == "ols" and options.design != "long_difference"


def question(name: str, options: FormulaOptions) -> Question:
    """Return what the regression is asked."""
    from estimation.regression import Question

    # A bootstrap puts its errors in the place of those of the closed form, which it is set beside.
    drawn, wild = options.errors.kind == "bootstrap", options.errors.kind == "wild_bootstrap"
    treatment = None if drawn and options.tfp_uncertainty == "include" else options.tfp_uncertainty
    return Question(
        name=name,
        design=options.design,
        formula=options.formula,
        outcome=options.outcome,
        reference={column: str(level) for column, level in options.reference.items()},
        weights=options.weights,
        kind="cluster" if drawn or wild else options.errors.kind,
        cluster=options.errors.cluster,
        tfp_uncertainty="ignore" if wild else treatment,
        small_sample=options.errors.small_sample,
        few="silent" if wild else "offer" if _has_corrections(options) else "say",
        keeps_workings=options.keeps_workings,
    )
