"""An instrumented model from its question to `Estimates`; least squares, first stages and reduced form beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from estimation.inference import inference
from estimation.iv.anderson_rubin import AndersonRubin, anderson_rubin
from estimation.iv.draws import InstrumentedDraws
from estimation.iv.instruments import Instrumented, instrumented
from estimation.iv.least_squares import TwoStages, two_stages
from estimation.iv.specification import Tested, overidentification, wu_hausman
from estimation.iv.spread import Spread
from estimation.iv.strength import Strength, strengths
from estimation.least_squares import LeastSquares, least_squares
from estimation.regression import Question, check_freedom, estimates_of, slope_of
from estimation.results import ErrorsInfo, Estimates, Inference, IntArray, ModelPart, ProductivityFit
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["estimate_instrumented", "redrawable_instrumented"]

WEAK = 10
REJECTED = 0.05
NAMED = 6


def estimate_instrumented(
    question: Question,
    instruments: Mapping[str, Sequence[str]],
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None,
) -> Estimates:
    """Answer the question by two-stage least squares.

    Parameters
    ----------
    question : Question
        Of errors other than HC2 and HC3.
    instruments : mapping of str to sequence of str
        By endogenous term of the formula, columns of `rows`.
    rows : Selection
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome.
    panel : Selection or None
        The clustering columns on all rows of the panel.

    Returns
    -------
    Estimates
        `parts` are ``iv``, ``ols`` on the same rows, ``first_stage[ai]`` of each endogenous term, ``reduced_form``.

    Raises
    ------
    EstimationError
    """
    of = instrumented(question, instruments, rows)
    found = _fitted(of)
    design = of.design
    own = estimates_of(question, design, found.fit, first_stage, panel)
    behind = np.where(of.endogenous, np.minimum(design.n_firms_term, of.n_firms), design.n_firms_term)
    plain = least_squares(design.x, design.y, design.weights, found.fit.absorbed)
    ols = estimates_of(question, design, plain, first_stage, panel)
    carries = own.errors.tfp_uncertainty in ("include", "murphy_topel")
    spread = Spread(question, design, first_stage if carries else None, panel)
    strength = strengths(found, spread, design.x, of.endogenous, of.z)
    centre = float(found.fit.coefficients[found.endogenous[0]]) if len(found.endogenous) == 1 else None
    region = anderson_rubin(spread.joint(found), centre)
    agree = overidentification(found, spread)
    endogeneity = wu_hausman(found, spread, design.x, design.y)
    decisive = [one.decisive for one in strength if one.decisive is not None]
    stats: dict[str, Any] = {
        **_fit_of(found.fit, of, own),
        "first_stage_f": min(decisive) if decisive else None,
        "first_stage": {term: asdict(one) for term, one in zip(of.named, strength, strict=True)},
        "anderson_rubin": None if region is None else _region(region),
        "overidentification": None if agree is None else asdict(agree),
        "wu_hausman": None if endogeneity is None else asdict(endogeneity),
    }
    own = replace(own, method="iv", n_firms_term=behind, stats=stats)
    told = [_instrumented_by(of), *of.notes, *_weak(of, strength), *_disagreeing(of, agree)]
    told += [*_between(of, own), *_without(region, found)]
    parts, beside = _behind(of, found, spread, own)
    beside = [*(("ols", note) for note in ols.notes), *beside]
    repeated = [f"{name}: {note}" for name, note in beside if note not in own.notes]
    return replace(own, parts=(*_side_by_side(own, ols), *parts), notes=(*told, *own.notes, *repeated))


def redrawable_instrumented(
    question: Question,
    instruments: Mapping[str, Sequence[str]],
    rows: Selection,
    first_stage: ProductivityFit | None,
) -> InstrumentedDraws:
    """Return what estimates the model again with other weights on its firms.

    Parameters
    ----------
    question, instruments, rows
        As in `estimate_instrumented`.
    first_stage : ProductivityFit or None
        Of the outcome, where it is drawn with the rest.

    Raises
    ------
    EstimationError
    """
    of = instrumented(question, instruments, rows)
    slope = None if first_stage is None else slope_of(of.design, first_stage)
    return InstrumentedDraws(_fitted(of), of, slope)


def _fitted(of: Instrumented) -> TwoStages:
    design, swept = of.design, check_freedom(of.design)
    n, columns = len(design.y), len(of.columns)
    if n <= columns + swept:
        raise EstimationError(
            f"{counted(n, 'row is', 'rows are')} too few for first stages of {counted(columns, 'term')}"
            f"{f' and {swept:,} levels of effects' if swept else ''}; leave out terms or instruments, or widen where"
        )
    return two_stages(design.x, of.endogenous, of.z, design.y, design.weights, swept)


def _fit_of(fit: LeastSquares, of: Instrumented, own: Estimates) -> dict[str, Any]:
    """Describe the fit: R2 is one less residual over total variation, and may be negative."""
    if of.design.absorbed is not None:
        return dict(own.stats)
    y, df = of.design.y, fit.n_obs - fit.n_terms
    centre = np.average(y, weights=fit.weights) if of.design.intercept else 0.0
    total, residual = float(fit.weights @ (y - centre) ** 2), float(fit.weights @ fit.residuals**2)
    r2 = 1 - residual / total if total > 0 else None
    adjusted = None if r2 is None else 1 - (1 - r2) * (fit.n_obs - int(of.design.intercept)) / df
    return {"r2": r2, "adj_r2": adjusted, "sigma": float(np.sqrt(residual / df)), "df_resid": df}


def _region(found: AndersonRubin) -> dict[str, Any]:
    """Return the test and its set as the record has it: None where a piece does not end."""
    pieces = [[None if np.isinf(end) else end for end in piece] for piece in found.pieces]
    low, high = pieces[0] if len(pieces) == 1 else (None, None)
    return {
        "statistic": found.statistic,
        "df1": found.df1,
        "df2": found.df2,
        "p_value": found.p_value,
        "shape": found.shape or None,
        "low": low,
        "high": high,
        "pieces": pieces,
    }


def _side_by_side(own: Estimates, ols: Estimates) -> tuple[ModelPart, ...]:
    return tuple(
        ModelPart(
            estimator=name,
            terms=one.terms,
            coefficients=one.coefficients,
            inference=Inference(one.std_errors, one.statistics, one.p_values, one.conf_low, one.conf_high),
            n_firms_term=one.n_firms_term,
            n_obs=one.n_obs,
            n_firms=one.n_firms,
            errors=one.errors,
            stats=one.stats,
        )
        for name, one in (("iv", own), ("ols", ols))
    )


def _behind(
    of: Instrumented, found: TwoStages, spread: Spread, own: Estimates
) -> tuple[tuple[ModelPart, ...], list[tuple[str, str]]]:
    """Return first stages and reduced form, and what is said of each."""
    design = of.design
    said: list[tuple[str, str]] = []
    firms: IntArray = np.concatenate([design.n_firms_term[~of.endogenous], of.n_firms_term])

    def part(name: str, fit: LeastSquares, *, outcome: bool, at_most: int) -> ModelPart:
        covariance = spread.of(fit, outcome=outcome)
        said.extend((name, note) for note in covariance.notes)
        raw = {} if covariance.raw is None else dict(zip(of.columns, covariance.raw.tolist(), strict=True))
        treatment = own.errors.tfp_uncertainty if outcome else "none"
        left = fit.n_obs - fit.n_terms
        return ModelPart(
            estimator=name,
            terms=of.columns,
            coefficients=fit.coefficients,
            inference=inference(fit.coefficients, covariance.matrix, covariance.df),
            n_firms_term=np.minimum(firms, at_most),
            n_obs=own.n_obs,
            n_firms=own.n_firms,
            errors=ErrorsInfo(
                spread.question.kind, covariance.clusters, covariance.df, covariance.small_sample, treatment, raw
            ),
            stats={"sigma": float(np.sqrt(fit.residual_variance)), "df_resid": left},
        )

    # The first stage of what few firms do tells of these firms.
    stages = [
        part(f"first_stage[{term}]", fit, outcome=False, at_most=int(firms_of_term))
        for term, fit, firms_of_term in zip(of.named, found.first, own.n_firms_term[of.endogenous], strict=True)
    ]
    return (*stages, part("reduced_form", found.reduced, outcome=True, at_most=own.n_firms)), said


def _instrumented_by(of: Instrumented) -> str:
    verb = "is" if len(of.named) == 1 else "are"
    return f"{_listed(of.named)} {verb} instrumented by {_listed(of.terms)}"


def _weak(of: Instrumented, strength: Sequence[Strength]) -> tuple[str, ...]:
    """Say which endogenous terms the instruments hardly move."""
    advice = "estimate and errors of two-stage least squares are unreliable"
    notes = []
    for term, one in zip(of.named, strength, strict=True):
        effective, critical, decisive = one.f_effective, one.f_effective_critical, one.decisive
        if effective is not None and critical is not None:
            if effective < critical:
                ten = f" (and below {WEAK})" if effective < WEAK else ""
                notes.append(
                    f"weak instruments: the effective F of {term} is {_printed(effective)}, below {critical:.1f}, from "
                    f"which on a bias of a tenth can be ruled out{ten}: {advice}; the Anderson-Rubin set holds "
                    "whatever their strength"
                )
        elif decisive is not None and decisive < WEAK:
            of_term = f"the conditional F of {term} is {_printed(decisive)}"
            notes.append(f"weak instruments: {of_term}, below {WEAK}: {advice}")
    return tuple(notes)


def _disagreeing(of: Instrumented, test: Tested | None) -> tuple[str, ...]:
    """Say that the instruments give different effects, where they do."""
    if test is None or test.p_value >= REJECTED:
        return ()
    name = {"sargan": "Sargan's test", "hansen_j": "Hansen's J"}[test.kind]
    return (
        f"the instruments of {_listed(of.named)} disagree ({name}: p {test.p_value:.2g}): some move the outcome "
        "otherwise as well, or effects differ by instrument",
    )


def _printed(value: float) -> str:
    return f"{value:.1f}" if value >= WEAK else f"{value:.2f}"


def _between(of: Instrumented, own: Estimates) -> tuple[str, ...]:
    """Say which instruments have one value a cluster."""
    notes = []
    for one in of.design.clusters:
        if one.count >= own.n_firms:
            continue
        order = np.argsort(one.codes, kind="stable")
        starts = np.flatnonzero(np.diff(one.codes[order], prepend=one.codes[order[0]] - 1))
        low, high = (pick.reduceat(of.raw[order], starts, axis=0) for pick in (np.minimum, np.maximum))
        same = [term for term, equal in zip(of.terms, (low == high).all(axis=0), strict=True) if equal]
        if same:
            verb = "varies" if len(same) == 1 else "vary"
            notes.append(
                f"{_listed(same)} {verb} only between clusters of {one.name}: what can be learnt of them comes "
                f"from {one.count:,} clusters, not from {own.n_obs:,} rows"
            )
    return tuple(notes)


def _without(region: AndersonRubin | None, found: TwoStages) -> tuple[str, ...]:
    if region is not None:
        return ()
    return (
        f"no Anderson-Rubin test: the covariance of the coefficients of {counted(found.m, 'instrument')} is singular, "
        "as with fewer clusters than instruments",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
