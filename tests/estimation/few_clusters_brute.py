"""Corrections for few clusters as the papers write them: matrices of rows by rows, and literal refits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from estimation.results import FloatArray, IntArray

TIE = 1e-9


def indicators(codes: IntArray) -> FloatArray:
    found: FloatArray = (codes[:, None] == np.unique(codes)).astype(np.float64)
    return found


def power(matrix: FloatArray, exponent: float) -> FloatArray:
    """Return a power of a symmetric matrix, zero where its eigenvalues are."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-9
    found: FloatArray = (vectors[:, kept] * values[kept] ** exponent) @ vectors[:, kept].T
    return found


def textbook(
    x: FloatArray, y: FloatArray, weights: FloatArray, codes: IntArray, kind: str, k: int
) -> tuple[FloatArray, FloatArray]:
    """Return the covariance of the first k coefficients and their degrees of freedom by Satterthwaite."""
    n = len(y)
    bread = np.linalg.pinv(x.T * weights @ x)
    off = np.eye(n) - x @ bread @ (x.T * weights)
    residuals = off @ y
    covariance, vectors = np.zeros((k, k)), []
    for code in np.unique(codes):
        own = codes == code
        if kind == "CR2":
            adjust = power(off[own] @ off[own].T, -0.5)
        else:
            root = np.sqrt(weights[own])
            adjust = power(off[np.ix_(own, own)] * root[:, None] / root, -1.0) / root[:, None] * root
        line = bread @ (x[own].T * weights[own]) @ adjust
        score = (line @ residuals[own])[:k]
        covariance += np.outer(score, score)
        vectors.append((off[own].T @ line.T)[:, :k])
    dfs = []
    for term in range(k):
        columns = np.column_stack([one[:, term] for one in vectors])
        gram = columns.T @ columns
        dfs.append(np.trace(gram) ** 2 / (gram**2).sum())
    return covariance, np.array(dfs)


def t_statistic(x: FloatArray, y: FloatArray, weights: FloatArray, codes: IntArray, term: int, null: float) -> float:
    """Return (b - null) over its clustered standard error, without the factor."""
    bread = np.linalg.pinv(x.T * weights @ x)
    b = bread @ (x.T * weights) @ y
    scores = np.zeros(int(codes.max()) + 1)
    np.add.at(scores, codes, (x @ bread[:, term]) * weights * (y - x @ b))
    return float((b[term] - null) / np.sqrt(scores @ scores))


def restricted(
    x: FloatArray, y: FloatArray, weights: FloatArray, term: int, null: float
) -> tuple[FloatArray, FloatArray]:
    """Return fitted values and residuals of the regression with one coefficient given."""
    others = np.delete(x, term, axis=1)
    given = x[:, term] * null
    b = np.linalg.pinv(others.T * weights @ others) @ (others.T * weights) @ (y - given)
    fitted: FloatArray = others @ b + given
    return fitted, y - fitted


def by_refits(
    x: FloatArray, y: FloatArray, weights: FloatArray, codes: IntArray, term: int, null: float, signs: FloatArray
) -> int:
    """Return how many draws have a t statistic as large as the sample's, each estimated anew."""
    fitted, residuals = restricted(x, y, weights, term, null)
    own = abs(t_statistic(x, y, weights, codes, term, null))
    drawn = [t_statistic(x, fitted + one[codes] * residuals, weights, codes, term, null) for one in np.asarray(signs).T]
    return sum(abs(one) >= own * (1 - TIE) for one in drawn)


def written_out(terms: FloatArray, effects: Sequence[IntArray]) -> FloatArray:
    """Return the terms with an indicator for each level of each effect behind them."""
    return np.column_stack([terms, *(indicators(one) for one in effects)])
