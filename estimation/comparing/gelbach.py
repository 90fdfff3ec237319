"""What the change of a coefficient is made of when blocks of controls are added, whatever their order.

References
----------
Gelbach, J. (2016). When do covariates matter? And which ones, and how much? Journal of Labor Economics 34(2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from estimation.comparing.joint import Clustering, Sums, df_of, meat
from estimation.comparing.labels import label_of
from estimation.inference import inference
from estimation.results import Estimates, FloatArray
from estimation.second_stage import FirstStage, join
from estimation.workings import Moved, Workings

__all__ = ["TOTAL", "decompose"]

TOTAL = "total"
SAME = 1e-9
NOTHING = 1e-12


def decompose(
    short: Estimates,
    full: Estimates,
    blocks: Mapping[str, Sequence[str]],
    clustering: Clustering,
    group: Mapping[str, str],
) -> tuple[tuple[Moved, ...], str]:
    """Take the change of each coefficient of the short regression apart by block.

    Parameters
    ----------
    short, full : Estimates
        On the same rows, with their `workings`.
    blocks : mapping of str to sequence of str
        Terms of the formula, as they are written, by the name of their block.
    clustering : Clustering
    group : mapping of str to str

    Returns
    -------
    moved : tuple of Moved
        By term, the blocks in their order, then the total; the constant is left out.
    why_not : str
        Why there is none; empty else.

    Notes
    -----
    Equation 7 of Gelbach: b_short - b_full = sum over blocks of delta_k, delta_k = (X1'WX1)^-1 X1'W h_k, h_k = X_k b_k.
    Its influence function is that of a regression of h_k on X1, plus Gamma_k times that of b_k, Gamma_k = (X1'WX1)^-1
    X1'W X_k; summed over blocks it is the difference of those of the two regressions. Classical errors take both for
    independent, as they are where X explains all but noise.
    """
    one, two = short.workings, full.workings
    if one is None or two is None or {short.method, full.method} != {"ols"}:
        return (), "a decomposition by block is known of least squares"
    if full.errors.detail in ("CR2", "CR3"):
        return (), f"{full.errors.detail} corrects one regression, a decomposition is of two; take {{cluster: [...]}}"
    if one.rows.size != two.rows.size or bool((one.rows != two.rows).any()):
        return (), "the rungs are not on the same rows"
    at = [full.terms.index(term) if term in full.terms else -1 for term in short.terms]
    size = np.abs(one.x).max(axis=0)
    if -1 in at or bool((np.abs(one.x - two.x[:, at]).max(axis=0) > SAME * size).any()):
        return (), "the added controls change what the terms of the formula compare"
    block_of = {label: name for name, labels in blocks.items() for label in labels}
    added = [place for place in range(len(full.terms)) if place not in at]
    of = np.array([list(blocks).index(block_of[label_of(full.terms[place])]) for place in added])
    member = (of[:, None] == np.arange(len(blocks))).astype(float)
    operator, bread = _solved(one)
    gamma = operator.T @ two.x[:, added]
    b = full.coefficients[added]
    h = two.x[:, added] @ (b[:, None] * member)
    delta = operator.T @ h
    rest = h - one.x @ delta
    moved: list[Moved] = []
    for place, term in enumerate(short.terms):
        if term == "constant":
            continue
        weights = np.column_stack([gamma[place][:, None] * member, gamma[place]])
        if clustering.kind == "classical":
            variances = _classical(short, full, (rest, weights, added), bread[place, place])
        else:
            scores = operator[:, [place]] * np.column_stack([rest, rest.sum(axis=1)]) + two.psi[:, added] @ weights
            variances = _robust(two, added, scores, weights, clustering)
        total = float(short.coefficients[place] - full.coefficients[at[place]])
        values = np.append(delta[place], total)
        with np.errstate(invalid="ignore"):
            known = np.isfinite(short.std_errors[place]) and np.isfinite(full.std_errors[at[place]])
            spread = np.diag(variances) if known else np.full((len(values), len(values)), np.nan)
            found = inference(values, spread, df_of(full.errors))
        scale = max(abs(float(short.coefficients[place])), abs(float(full.coefficients[at[place]])))
        share = values / total if abs(total) > NOTHING * scale else np.full(len(values), np.nan)
        # A block's part is its coefficients times what they have in common with the term: it rests on both.
        own = int(short.n_firms_term[place])
        firms = full.n_firms_term[added]
        behind = [min([own, *firms[of == block].tolist()]) for block in range(len(blocks))] + [own]
        for number, block in enumerate((*blocks, TOTAL)):
            moved.append(
                Moved(
                    term, block, float(values[number]), float(found.std_errors[number]),
                    float(found.statistics[number]), float(found.p_values[number]), float(found.conf_low[number]),
                    float(found.conf_high[number]), float(share[number]), behind[number], group,
                )
            )  # fmt: skip
    return tuple(moved), ""


def _solved(made: Workings) -> tuple[FloatArray, FloatArray]:
    """Return T, (n, k), with coefficients = T'z for any outcome z, and (X'WX)^-1."""
    root = np.sqrt(made.weights)
    q, r = np.linalg.qr(made.x * root[:, None])
    inverse = np.linalg.inv(r)
    operator: FloatArray = (q * root[:, None]) @ inverse.T
    return operator, inverse @ inverse.T


def _classical(
    short: Estimates, full: Estimates, parts: tuple[FloatArray, FloatArray, Sequence[int]], bread: float
) -> FloatArray:
    rest, weights, added = parts
    made, df = short.workings, short.stats["df_resid"]
    if made is None or df is None:
        raise ValueError("a regression has degrees of freedom")
    every = np.column_stack([rest, rest.sum(axis=1)])
    noise = (made.weights[:, None] * every**2).sum(axis=0) / df
    inner = full.covariance[np.ix_(added, added)]
    return np.asarray(noise * bread + np.einsum("ib,ij,jb->b", weights, inner, weights), dtype=np.float64)


def _robust(
    made: Workings, added: Sequence[int], scores: FloatArray, weights: FloatArray, clustering: Clustering
) -> FloatArray:
    """Return the variances of scores summed over the model's clusters, the first stage's part with them."""
    sums: tuple[Sums, ...]
    if made.first_influence is None:
        sums = clustering.rows(made.rows, scores)
    else:
        carried = made.first_influence[:, list(added)] @ weights
        joined = join(made.firm, scores, FirstStage(made.first_firms, carried, np.zeros((0, 0))))
        sums = clustering.firms(joined.firms, joined.influence, made.rows, made.firm)
    return np.asarray(made.factor * np.diag(meat(sums, sums)), dtype=np.float64)
