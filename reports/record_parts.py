"""The parts of the record: a productivity estimate, a model, a figure, each as a dict with fixed keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from estimation.agreement import Agreement
from estimation.described import Described
from estimation.family import Family
from estimation.results import (
    BootstrapInfo,
    Elasticities,
    ErrorsInfo,
    Estimates,
    Failed,
    FloatArray,
    GroupFit,
    Inference,
    ModelPart,
    ProductivityFit,
)
from estimation.shown import Figure
from estimation.workings import Moved, WaldTest

__all__ = ["agreement_part", "failed_part", "figure_part", "model_part", "productivity_part"]


def productivity_part(fit: ProductivityFit | Failed) -> dict[str, Any]:
    """Return ``productivity.<id>``: the same keys, empty, of one that failed."""
    if isinstance(fit, Failed):
        return {
            "method": fit.design,
            "status": "failed",
            "reason": fit.reason,
            "tfp_from": None,
            "options": {},
            "n_rows": None,
            "n_rows_sample": None,
            "n_firms": None,
            "dropped": fit.dropped,
            "equations": {},
            "groups": [],
            "notes": [],
        }
    return {
        "method": fit.method,
        "status": "ok",
        "reason": None,
        "tfp_from": fit.tfp_from,
        "options": fit.options,
        "n_rows": int(np.isfinite(fit.values).sum()),
        "n_rows_sample": int(fit.in_sample.sum()),
        "n_firms": fit.n_firms,
        "dropped": fit.dropped,
        "equations": {number: {"rows": one.used, "dropped": one.dropped} for number, one in fit.equations.items()},
        "groups": [_group(group) for group in fit.groups],
        "notes": fit.notes,
    }


def _group(group: GroupFit) -> dict[str, Any]:
    return {
        "group": dict(group.group) or None,
        "rung": group.rung,
        "coefficients": _terms(group),
        "elasticities": None if group.elasticities is None else _averages(group.elasticities, group.n_firms),
        "n_obs": group.n_obs,
        "n_firms": group.n_firms,
        "n_firms_scores": group.n_firms_scores,
        "df": group.df,
        "j_statistic": group.j_statistic,
        "j_df": group.j_df,
        "j_p_value": group.j_p_value,
        "diagnostics": group.diagnostics,
        "errors": None if group.errors is None else _errors(group.errors, group.terms),
        "notes": group.notes,
    }


def _terms(group: GroupFit) -> list[dict[str, Any]]:
    return _inferred(group.terms, group.coefficients, group.inference, group.n_firms)


def _averages(elasticities: Elasticities, n_firms: int) -> list[dict[str, Any]]:
    return _inferred(elasticities.inputs, elasticities.mean, elasticities.inference, n_firms)


def _inferred(terms: Sequence[str], values: FloatArray, found: Inference, n_firms: int) -> list[dict[str, Any]]:
    columns = (found.std_errors, found.statistics, found.p_values, found.conf_low, found.conf_high)
    return _coefficients(terms, values, *columns, [n_firms] * len(terms))


def _coefficients(terms: Sequence[str], *columns: Sequence[Any] | np.ndarray) -> list[dict[str, Any]]:
    names = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "n_firms")
    return [
        {"term": term, **dict(zip(names, values, strict=True))} for term, *values in zip(terms, *columns, strict=True)
    ]


def model_part(model: Estimates, title: Any) -> dict[str, Any]:
    """Return ``models.<id>`` of an estimated model."""
    return {
        "design": model.design,
        "method": model.method,
        "title": title,
        "status": "ok",
        "reason": None,
        "outcome": model.outcome or None,
        "n_obs": model.n_obs,
        "n_firms": model.n_firms,
        "coefficients": _with_cells(
            model,
            _coefficients(
                model.terms,
                model.coefficients,
                model.std_errors,
                model.statistics,
                model.p_values,
                model.conf_low,
                model.conf_high,
                model.n_firms_term,
            ),
        ),
        "stats": _stats(model.stats, model.tests),
        "errors": _errors(model.errors, model.terms),
        "weights": model.weights or None,
        "sampling_weights": model.sampling_weights or None,
        "reference": model.reference,
        "not_gaps": list(model.not_gaps),
        "base": model.base or None,
        "effects": model.effects,
        "rows_in": model.rows_in,
        "dropped": model.dropped,
        "parts": [_model_part(one) for one in model.parts],
        "decomposition": [_moved(one) for one in model.moved],
        "sensitivity": model.sensitivity,
        "family": None if model.family is None else _family(model.family),
        "power": model.power,
        "balance": model.balance,
        "notes": model.notes,
    }


def _model_part(part: ModelPart) -> dict[str, Any]:
    """Return one of ``parts``."""
    inference = part.inference
    return {
        "estimator": part.estimator,
        "group": part.group or None,
        "rung": part.rung or None,
        "window": None if part.window is None else list(part.window),
        "n_obs": part.n_obs,
        "n_firms": part.n_firms,
        "coefficients": _coefficients(
            part.terms,
            part.coefficients,
            inference.std_errors,
            inference.statistics,
            inference.p_values,
            inference.conf_low,
            inference.conf_high,
            part.n_firms_term,
        ),
        "stats": _stats(part.stats, part.tests),
        "errors": _errors(part.errors, part.terms),
        "reason": part.reason or None,
    }


def _stats(stats: Mapping[str, float | int | None], tests: Sequence[WaldTest]) -> dict[str, Any]:
    """Put the tests beside what describes the fit; a model without any has no such key."""
    if not tests:
        return dict(stats)
    return {
        **stats,
        "tests": [
            {
                "test": one.test,
                "statistic": one.statistic,
                "df1": one.df1,
                "df2": one.df2,
                "p_value": one.p_value,
                "estimate": one.estimate,
                "std_error": one.std_error,
                "by": one.by or None,
                "of": one.term or None,
                "n_firms": one.n_firms,
                "reason": one.reason or None,
            }
            for one in tests
        ],
    }


def _moved(one: Moved) -> dict[str, Any]:
    return {key: value or None if key == "group" else value for key, value in asdict(one).items()}


def _with_cells(model: Estimates, coefficients: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put beside each share or mean what it is of, and what is behind it."""
    if model.described:
        return [{**one, **_described(what)} for one, what in zip(coefficients, model.described, strict=True)]
    if not model.cells:
        return coefficients
    return [
        {**one, "n_yes": cell.n_yes, "n_no": cell.n_no, "item": cell.item, "cell": dict(cell.levels)}
        for one, cell in zip(coefficients, model.cells, strict=True)
    ]


def _described(one: Described) -> dict[str, Any]:
    found: dict[str, Any] = {
        "item": one.item,
        "level": one.level or None,
        "cell": dict(one.cell),
        "kind": one.kind,
        "n_obs": one.n_obs,
        "n_missing": one.n_missing,
    }
    if one.kind == "difference":
        return found | {"standardised": one.standardised}
    if one.kind == "share":
        return found | {"n_yes": one.n_yes, "n_no": one.n_no}
    quartiles = dict(zip(("p25", "p50", "p75"), one.quartiles, strict=True))
    beside = dict(zip(("n_firms_p25", "n_firms_p50", "n_firms_p75"), one.beside, strict=True))
    return found | {"sd": one.sd, **quartiles, **beside}


def _errors(errors: ErrorsInfo, terms: Sequence[str]) -> dict[str, Any]:
    return {
        "kind": errors.kind,
        "clusters": errors.clusters,
        "df": errors.df,
        "detail": errors.detail or None,
        "small_sample": errors.small_sample,
        "tfp_uncertainty": errors.tfp_uncertainty,
        "raw": errors.raw,
        "bootstrap": None if errors.bootstrap is None else _bootstrap(errors.bootstrap, terms),
        "dfs": errors.dfs,
        "wild_bootstrap": None if errors.wild is None else asdict(errors.wild),
    }


def _family(family: Family) -> dict[str, Any]:
    return {
        "id": family.id,
        "method": family.method,
        "draws": family.draws,
        "seed": family.seed,
        "members": [{"model": model, "term": term} for model, term in family.members],
        "lost": list(family.lost),
        "hypotheses": family.n_hypotheses,
        "adjusted": family.adjusted,
    }


def _bootstrap(drawn: BootstrapInfo, terms: Sequence[str]) -> dict[str, Any]:
    return {
        "draws": drawn.draws,
        "failed": drawn.failed,
        "seed": drawn.seed,
        "interval": drawn.interval,
        "strata": drawn.strata,
        "terms": [
            {"term": term, "percentile": percentile, "studentised": studentised, "undefined": undefined}
            for term, percentile, studentised, undefined in zip(
                terms, drawn.percentile, drawn.studentised, drawn.undefined, strict=True
            )
        ],
    }


def failed_part(model: Failed, title: Any) -> dict[str, Any]:
    """Return ``models.<id>`` of a model that failed: the same keys, empty, but for the rows left out before."""
    return {
        "design": model.design,
        "method": None,
        "title": title,
        "status": "failed",
        "reason": model.reason,
        "outcome": None,
        "n_obs": None,
        "n_firms": None,
        "coefficients": [],
        "stats": {},
        "errors": None,
        "weights": None,
        "sampling_weights": None,
        "reference": {},
        "not_gaps": [],
        "base": None,
        "effects": {},
        "rows_in": None,
        "dropped": dict(model.dropped),
        "parts": [],
        "decomposition": [],
        "sensitivity": None,
        "family": None,
        "power": None,
        "balance": None,
        "notes": [],
    }


def agreement_part(pair: Agreement) -> dict[str, Any]:
    """Return one of ``agreement``."""
    return {
        "of": list(pair.of),
        "levels": None if pair.levels is None else asdict(pair.levels),
        "growth": None if pair.growth is None else asdict(pair.growth),
        "within": list(pair.within),
        "outputs": list(pair.outputs),
    }


def figure_part(figure: Figure | Failed) -> dict[str, Any]:
    """Return ``figures.<id>``; of one that failed the same keys, empty."""
    if isinstance(figure, Failed):
        return {
            "kind": figure.design,
            "status": "failed",
            "reason": figure.reason,
            "of": None,
            "by": None,
            "where": None,
            "series": [],
            "notes": [],
        }
    return {
        "kind": figure.kind,
        "status": "ok",
        "reason": None,
        "of": figure.of[0] if len(figure.of) == 1 else list(figure.of),
        "by": figure.by or None,
        "where": figure.where or None,
        # The fields of a kind's own records are its keys.
        "series": [{one.name: getattr(series, one.name) for one in fields(series)} for series in figure.series],
        "notes": figure.notes,
    }
