r"""``attrition``: weights that make the firms that are kept like all firms that could have been.

At risk are the firms that are seen in the base year with their outcome and covariates (and, where adoption is asked in
waves, said no in the first); kept are those among them that the comparison can use to the end: seen in its last year
(and asked in every wave). With p the logit of being kept on covariates of the base year, a kept firm weighs 1/p times
its own weight, so that kept firms have the covariates of those at risk (Wooldridge, 2010, section 19.8; Abowd, Crepon
and Kramarz, 2001). It helps where what is left of attrition, given the covariates, does not go with the outcome.

The weights are estimated. With psi_j the terms of an effect at given weights, its derivative by the log of a firm's
weight, and p_j = p(x_j g),

    psi_i  gains  (sum over kept j of psi_j d log w_j / dg)' phi_i,      d log w_j / dg = -(1 - p_j) x_j,

phi_i the influence functions of the logit's coefficients g, of lost firms too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from estimation.design_matrix import cluster_codes
from estimation.did.adoption import UNSEEN, date_firms
from estimation.did.logit import logit, one_sided
from estimation.did.sample import Asked, Attrition, DidSample, covariates_of
from estimation.least_squares import dependences
from estimation.results import BoolArray, FloatArray, IntArray
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["Told", "reweighted", "with_attrition"]

RARE, HEAVY = 0.1, 0.05
"""A firm that is kept with a probability below the first, or one that holds more than the second of all weights."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of the weights.

    Attributes
    ----------
    record : mapping
        Of ``sensitivity.attrition`` in ``run.json``.
    notes : tuple of str
    """

    record: dict[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Risk:
    """The firms at risk: A of them, by their code."""

    codes: IntArray
    kept: BoolArray
    x: FloatArray
    names: tuple[str, ...]
    weights: FloatArray
    clusters: IntArray


def reweighted(asked: Asked, rows: Selection, sample: DidSample) -> tuple[DidSample, Told]:
    """Weigh the kept firms of a sample.

    Parameters
    ----------
    asked : Asked
    rows : Selection
        All rows of the model, those that `sample` left out too.
    sample : DidSample

    Returns
    -------
    sample : DidSample
        Without the firms that were not at risk, or are lost; with weights.
    told : Told

    Raises
    ------
    EstimationError
        If nothing tells kept firms from lost ones apart, or some are told for certain.
    """
    base = int(sample.firms.years[sample.firms.years <= sample.base].max())
    last = asked.adoption.waves[-1] if asked.adoption.waves else int(sample.firms.years[-1])
    risk, notes = _without_lost_levels(_at_risk(asked, rows, sample, base, last))
    n, kept = len(risk.kept), int(risk.kept.sum())
    named = ", ".join(asked.attrition)
    if not kept:
        raise EstimationError(f"attrition: no firm of {base} is seen in {last}")
    if kept == n:
        told = f"attrition: each of the {n:,} firms at risk is kept: there are no weights"
        return sample, Told({}, (*notes, told))
    p, score = _chance(risk)
    mass = np.where(risk.kept, risk.weights / p, 0.0)
    place = np.searchsorted(risk.codes, sample.codes)
    place[place == n] = 0
    inside: BoolArray = np.asarray((risk.codes[place] == sample.codes) & risk.kept[place], dtype=np.bool_)
    off = int((~inside).sum())
    reason = f"attrition: the firm is not at risk (not seen in {base}), or not seen in {last}"
    taken = sample.take(inside[sample.firms.firm], reason) if off else sample
    own = mass[np.searchsorted(risk.codes, taken.codes)]
    weighed = replace(
        taken,
        firms=replace(taken.firms, weights=own / own.mean()),
        attrition=Attrition(risk.codes, risk.clusters, score, -np.where(risk.kept, 1 - p, 0.0)[:, None] * risk.x),
    )  # fmt: skip
    record = _record(risk, mass, base, last)
    heaviest = float(mass.max() / mass.sum())
    notes += [
        f"attrition: of {n:,} firms at risk in {base} {kept:,} are seen in {last}; they weigh 1/p, p by {named}; they "
        f"count as {record['effective_firms']:,.1f} firms; standardised differences from those at risk were "
        f"{_largest(record, 'std_difference'):.3f} at most and are {_largest(record, 'weighted_std_difference'):.3f}"
    ]
    notes.append(
        "attrition: what the covariates do not say of lost firms stays in; parts holds the unweighted estimate"
    )
    rare = int((p[risk.kept] < RARE).sum())
    if rare:
        notes.append(f"attrition: {rare:,} firms that are kept had a probability below {RARE:g} of it: they weigh much")
    if heaviest > HEAVY:
        notes.append(f"attrition: one firm holds {heaviest:.0%} of the weights")
    if asked.outcome in asked.attrition:
        notes.append(f"attrition: the weights take {asked.outcome} of the base year as data")
    return weighed, Told(record, tuple(notes))


def _at_risk(asked: Asked, rows: Selection, sample: DidSample, base: int, last: int) -> _Risk:
    """Find the firms at risk: not left out for what they said, seen in the base year with outcome and covariates."""
    codes, firm = np.unique(rows.firm, return_inverse=True)
    adoption = asked.adoption
    values = rows.number(adoption.column)
    dated = date_firms(adoption, firm.astype(np.int64), rows.year, values)
    possible: BoolArray = np.asarray(~np.isnan(dated.cohort), dtype=np.bool_)
    if adoption.waves:
        first = firm[(rows.year == adoption.waves[0]) & (values == 0)]
        said_no = np.zeros(codes.size, dtype=np.bool_)
        said_no[first] = True
        unseen = [one for why, one in dated.left_out.items() if why.startswith(UNSEEN)]
        possible = np.logical_or.reduce([possible, *unseen])
        possible = np.asarray(said_no & possible, dtype=np.bool_)
    x, names = covariates_of(asked.attrition, rows)
    outcome = rows.number(asked.outcome)
    weights = np.ones(firm.size) if asked.weights is None else rows.number(asked.weights)
    clusters = rows.firm if asked.clusters == ("firm",) else cluster_codes(asked.clusters, rows)
    there = (rows.year == base) & ~np.isnan(outcome) & ~np.isnan(x).any(axis=1) & (weights > 0) & (clusters >= 0)
    at = np.flatnonzero(there & possible[firm])
    if not at.size:
        raise EstimationError(f"attrition: no firm has its outcome and covariates in {base}")
    seen = np.zeros(codes.size, dtype=np.bool_)
    seen[np.searchsorted(codes, sample.rows.firm[sample.rows.year == last])] = True
    # A level that nobody at risk has is no covariate.
    some = np.array(
        [name == "constant" or not name.endswith("]") or bool(x[at, j].any()) for j, name in enumerate(names)]
    )
    return _Risk(
        codes[firm[at]], seen[firm[at]], x[at][:, some],
        tuple(name for name, one in zip(names, some, strict=True) if one), weights[at], clusters[at],
    )  # fmt: skip


def _without_lost_levels(risk: _Risk) -> tuple[_Risk, list[str]]:
    """Leave out firms of levels of which none is kept: no weight makes others stand for them."""
    notes: list[str] = []
    while True:
        lost = [(name, rows) for name, kept, rows in one_sided(risk.x, risk.kept, risk.names) if not kept]
        if not lost:
            return risk, notes
        for name, rows in lost:
            many = int(rows.sum())
            firms = f"{many:,} firm{'s' if many != 1 else ''}"
            notes.append(
                f"attrition: no firm of {name} is kept, and no weight stands for it: left out, {firms} at risk"
            )
        keep = ~np.logical_or.reduce([rows for _, rows in lost])
        risk = _Risk(
            risk.codes[keep], risk.kept[keep], risk.x[keep], risk.names, risk.weights[keep], risk.clusters[keep]
        )  # fmt: skip


def _chance(risk: _Risk) -> tuple[FloatArray, FloatArray]:
    """Return the probabilities of being kept, (A,), and the influence functions of the logit's coefficients, (A, q).

    Of a level of which every firm is kept the probability is one, and its firms say nothing of the others.
    """
    p, score = np.ones(len(risk.kept)), np.zeros(risk.x.shape)
    open_ = np.ones(len(risk.kept), dtype=np.bool_)
    while True:
        whole = [rows for _, _, rows in one_sided(risk.x[open_], risk.kept[open_], risk.names)]
        if not whole:
            break
        open_[np.flatnonzero(open_)[np.logical_or.reduce(whole)]] = False
        if not open_.any():
            return p, score
    x, weights = risk.x[open_], risk.weights[open_] / risk.weights[open_].mean()
    gone = {one.term for one in dependences(x, weights)}
    columns = np.array([place for place in range(x.shape[1]) if place not in gone])
    found = logit(x[:, columns], risk.kept[open_], weights)
    if found is None:
        raise EstimationError(
            "attrition: the covariates tell for certain of some firms whether they are kept: take fewer, or put levels "
            "together"
        )
    p[open_] = found[0]
    score[np.ix_(open_, columns)] = found[1] / open_.sum()
    return p, score


def _record(risk: _Risk, mass: FloatArray, base: int, last: int) -> dict[str, Any]:
    kept, own = risk.kept, risk.weights
    lines = []
    for name, column in zip(risk.names[1:], risk.x.T[1:], strict=True):
        mean = float(own @ column / own.sum())
        spread = float(np.sqrt(own @ (column - mean) ** 2 / own.sum()))
        of_kept = float(own[kept] @ column[kept] / own[kept].sum())
        weighted = float(mass @ column / mass.sum())
        lines.append({
            "term": name, "n_firms": _behind(column, kept, name), "mean_at_risk": mean, "mean_kept": of_kept,
            "mean_weighted": weighted, "std_difference": (of_kept - mean) / spread if spread > 0 else 0.0,
            "weighted_std_difference": (weighted - mean) / spread if spread > 0 else 0.0,
        })  # fmt: skip
    return {
        "n_firms": int((~kept).sum()),
        "base_year": base,
        "last_year": last,
        "n_firms_at_risk": len(kept),
        "n_firms_kept": int(kept.sum()),
        "effective_firms": float(mass.sum() ** 2 / (mass**2).sum()),
        "largest_share": float(mass.max() / mass.sum()),
        "covariates": lines,
    }


def _behind(column: FloatArray, kept: BoolArray, name: str) -> int:
    """Return the firms that a line tells of: of a level the fewest that it counts, else those that were lost."""
    if not name.endswith("]"):
        return int((~kept).sum())
    level = column != 0
    return min(int(one.sum()) for one in (level & kept, level & ~kept, ~level & kept, ~level & ~kept) if one.any())


def _largest(record: dict[str, Any], key: str) -> float:
    return max((abs(one[key]) for one in record["covariates"]), default=0.0)


def with_attrition(sample: DidSample, influence: FloatArray) -> FloatArray:
    """Return what the estimated weights add to the influence functions of k effects, (A, k).

    Parameters
    ----------
    sample : DidSample
    influence : (F, k) array
        Of the sample's firms, at given weights.
    """
    found = sample.attrition
    assert found is not None
    return found.influence @ (found.slope[np.searchsorted(found.codes, sample.codes)].T @ influence)
