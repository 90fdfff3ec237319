"""What logits, probits and quantile regressions take of a cross-section's keys, and what they are, in symbols."""

from __future__ import annotations

from typing import Any

from estimation.designs.formula_options import FormulaOptions, dated, indexed
from specs.fields import as_written, mistake

__all__ = ["CHOICE", "NONLINEAR", "check_method", "columns_as_terms", "nonlinear_equations", "quantiles_of", "shown"]

CHOICE = ("logit", "probit")
NONLINEAR = (*CHOICE, "quantile")


def quantiles_of(value: Any) -> tuple[float, ...] | None:
    """Check the list of quantiles.

    Parameters
    ----------
    value
        As the spec has it.
    """
    if value is None:
        return None
    if not isinstance(value, (tuple, list)):
        told = f"write quantiles: [{value}]" if _is_quantile(value) else "write quantiles: [0.1, 0.5, 0.9]"
        raise mistake(f"a list is wanted, not {as_written(value)}", "", told)
    if not value:
        raise mistake("an empty list", "there is nothing to estimate", "write quantiles: [0.5], or leave the key out")
    for index, one in enumerate(value):
        if not _is_quantile(one):
            percent = isinstance(one, (int, float)) and not isinstance(one, bool) and 1 < one < 100
            raise mistake(
                f"{as_written(one)} is not a quantile",
                "quantiles lie between 0 and 1, both excluded",
                f"write {one / 100:g}" if percent else "write quantiles: [0.1, 0.5, 0.9]",
                path=(index,),
            )
        if one in value[:index]:
            raise mistake(f"{as_written(one)} stands twice", "", "leave one out", path=(index,))
    return tuple(float(one) for one in value)


def _is_quantile(value: Any) -> bool:
    return isinstance(value, float) and 0 < value < 1


def shown(quantiles: tuple[float, ...] | None) -> list[float] | None:
    """Return quantiles as a spec has them."""
    return None if quantiles is None else list(quantiles)


def check_method(options: FormulaOptions, quantiles: tuple[float, ...] | None) -> None:
    """Refuse keys that a method would have to ignore, with what to write instead.

    Parameters
    ----------
    options : FormulaOptions
    quantiles : tuple of float or None
    """
    method, errors = options.method, options.errors
    if quantiles is not None and method != "quantile":
        raise mistake(
            "quantiles are a key of method: quantile",
            f"this is method: {method}",
            "write method: quantile, or leave the key out",
            path=("quantiles",),
            at_key=True,
        )
    if method not in NONLINEAR:
        return
    if options.balance is not None:
        raise mistake(
            f"balance beside method: {method}",
            "balanced weights are those of least squares",
            "leave the key out, or take method: ols",
            path=("balance",),
            at_key=True,
        )
    if errors.kind in ("HC2", "HC3"):
        raise mistake(
            f"{errors.kind} beside method: {method}",
            "leverages scale the residuals of least squares alone",
            "write HC1",
            path=("errors",),
        )
    if errors.kind == "classical" and options.weights is not None:
        raise mistake(
            f"classical errors beside weights and method: {method}",
            "they would take a sampling weight for a number of firms",
            "write HC1",
            path=("errors",),
        )
    if options.tfp_uncertainty in ("include", "murphy_topel") and errors.bootstrap is None:
        raise mistake(
            f"{options.tfp_uncertainty} beside method: {method}",
            "in closed form the first stage is carried over into designs that are linear in their outcome",
            "write errors: {bootstrap: {cluster: [firm]}}, or leave the key out",
            path=("tfp_uncertainty",),
        )
    if method in CHOICE:
        _check_choice(options)


def _check_choice(options: FormulaOptions) -> None:
    method, formula = options.method, options.formula
    if options.left.label != options.left.name:
        raise mistake(
            f"the outcome {options.left.label} is no answer",
            f"{method} explains a column that is 0 or 1",
            f"write {options.left.name} ~ ...",
            path=("formula",),
            offset=options.left.offset,
        )
    if not formula.intercept:
        raise mistake(
            f"no constant beside method: {method}",
            "effects are compared with a base level, which the constant holds",
            "leave out -1",
            path=("formula",),
        )
    if not formula.terms:
        raise mistake(
            "no term besides the constant",
            f"{method} estimates the effects of columns",
            "name columns, or take design: adoption_rates for shares",
            path=("formula",),
        )


def columns_as_terms(options: FormulaOptions) -> tuple[str, ...]:
    """Return the columns of a formula: average marginal effects are theirs."""
    return tuple(dict.fromkeys(factor.name for term in options.formula.terms for factor in term.factors))


def nonlinear_equations(options: FormulaOptions, quantiles: tuple[float, ...]) -> str:
    """Return what a logit, a probit or a quantile regression estimates, in symbols.

    Parameters
    ----------
    options : FormulaOptions
    quantiles : tuple of float
    """
    weight = "w_i " if options.weights else ""
    right = (["b0"] if options.formula.intercept else []) + [
        f"b{number} {dated(term)}" for number, term in enumerate(options.formula.terms, 1)
    ]
    index, left = " + ".join(right), indexed(options.left).label
    if options.method == "quantile":
        listed = ", ".join(f"{one:g}" for one in quantiles)
        lines = [
            f"Q({left} | x, q) = {index}, q = {listed}",
            f"b minimises the sum of {weight}(q - 1(e_i < 0)) e_i, e_i = {left} - x_i b",
        ]
        inverse = f"H = sum of {weight}f_i x_i x_i', f_i = K(e_i/h)/h"
        score = f"psi_i = H^-1 {weight}x_i (q - 1(e_i < 0))"
        classical = "V = q(1-q)/f(0)^2 (X'X)^-1, f(0) = mean of K(e_i/h)/h"
    else:
        share = {"probit": "Phi(x b)", "logit": "1/(1 + exp(-x b))"}[options.method]
        lines = [
            f"Pr({left} = 1 | x) = {share}, x b = {index}",
            f"b maximises the sum of {weight}log of the probability of what is seen",
            f"effects: means of {weight}dPr/dx of numbers, and of {weight}changes of Pr: 0 to 1, base level to level",
        ]
        inverse, classical = "", "V_b = I^-1, I the observed information; V = J V_b J', J = d(effects)/db"
        score = f"psi_i = J I^-1 {weight}d log Pr_i/db, J = d(effects)/db"
    errors, reference = options.errors, "t(N-K)" if options.method == "quantile" else "normal"
    if errors.kind == "classical":
        return "\n".join([*lines, classical])
    if errors.bootstrap is not None:
        return "\n".join([*lines, errors.drawn])
    if errors.kind == "cluster":
        two = len(errors.cluster) == 2
        total, letter = ("V1 + V2 - V12", "Gmin") if two else ("sum over clusters of s_g s_g'", "G")
        lines.append(
            f"V = {letter}/({letter}-1) (N-1)/(N-K) x ({total}), s_g the sum of {score} by "
            f"{' and '.join(errors.ways)}; t({letter}-1)"
        )
    else:
        lines.append(f"V = {'N/(N-K) x ' if errors.kind == 'HC1' else ''}sum of psi_i psi_i', {score}; {reference}")
    return "\n".join([*lines, *([inverse] if inverse else [])])
