"""A weighted logit with the influence functions of its coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from estimation.results import BoolArray, FloatArray

__all__ = ["logit", "one_sided"]

STEPS, TOLERANCE = 50, 1e-12


def logit(x: FloatArray, yes: BoolArray, weights: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Estimate by Newton's steps, halved where the likelihood would fall.

    Parameters
    ----------
    x : (m, p) array
        Of full rank, a constant first.
    yes : (m,) bool array
    weights : (m,) array

    Returns
    -------
    p : (m,) array
        Probabilities.
    score : (m, p) array
        The coefficients' influence functions, times m.

    None where the coefficients are not identified: some outcomes are foretold for certain.
    """
    scale = np.sqrt((x**2).mean(axis=0))
    z, d = x / scale, np.where(yes, 1.0, 0.0)
    b = np.zeros(x.shape[1])
    best = -np.inf
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(z @ b, -40, 40)))
        information = (z * (weights * p * (1 - p))[:, None]).T @ z
        gradient = z.T @ (weights * (d - p))
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            return None
        size = 1.0
        while size > 1e-4:
            eta = z @ (b + size * step)
            likelihood = float(weights @ (d * eta - np.logaddexp(0, eta)))
            if likelihood >= best - 1e-12 * abs(best):
                break
            size /= 2
        b, best = b + size * step, likelihood
        if float(np.abs(step).max()) < TOLERANCE * max(1.0, float(np.abs(b).max())):
            break
        if float(np.abs(b).max()) > 1e3:
            return None
    p = 1 / (1 + np.exp(-np.clip(z @ b, -40, 40)))
    information = (z * (weights * p * (1 - p))[:, None]).T @ z
    if float(np.abs(z @ b).min(where=yes, initial=np.inf)) > 25 or np.linalg.cond(information) > 1e14:
        return None
    score = len(d) * (z * (weights * (d - p))[:, None]) @ np.linalg.inv(information)
    return p, score / scale


def one_sided(x: FloatArray, yes: BoolArray, names: Sequence[str]) -> tuple[tuple[str, bool, BoolArray], ...]:
    """Return the levels of texts whose rows all have one outcome, which a logit tells for certain, with that outcome
    and these rows.

    Parameters
    ----------
    x : (m, p) array
    yes : (m,) bool array
    names : sequence of str
        Of the columns: ``nace[C]`` is an indicator; the most frequent level of a text has no column.
    """
    levels = {name: column != 0 for name, column in zip(names, x.T, strict=True) if name.endswith("]")}
    for text in dict.fromkeys(name.partition("[")[0] for name in levels):
        others = [rows for name, rows in levels.items() if name.partition("[")[0] == text]
        levels[f"the most frequent {text}"] = ~np.logical_or.reduce(others)
    return tuple(
        (name, bool(yes[rows].all()), np.asarray(rows, dtype=np.bool_))
        for name, rows in levels.items()
        if rows.any() and np.unique(yes[rows]).size == 1
    )
