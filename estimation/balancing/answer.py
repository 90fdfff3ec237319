"""A regression on rows that are weighted so that treated and untreated ones are alike in covariates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from estimation.balancing.covariates import Balanced, Columns, alike, columns_of, dependent
from estimation.balancing.tilting import Tilted, entropy, overlap
from estimation.coding import categories, is_categorical
from estimation.covariance import numbered
from estimation.design_matrix import design_matrix
from estimation.inference import inference
from estimation.regression import Question, estimate
from estimation.results import BoolArray, Estimates, FloatArray, ModelPart, ProductivityFit
from panels.frame import NumberColumn, Selection, TextColumn
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["Asked", "estimate_balanced"]

WEIGHT = "balancing weight"
"""No name of a column: nothing in a spec can mean it."""
NAMED = 10
"""Covariates that a message names."""
HEAVY = 0.1
"""Share of the weights of a side from which one firm's is said."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be alike.

    Attributes
    ----------
    method : str
        ``entropy``, ``overlap``.
    treatment : str or None
        None for the only column of the formula that is 0 or 1 in every row.
    covariates : tuple of str
    """

    method: str
    treatment: str | None
    covariates: tuple[str, ...]


def estimate_balanced(
    asked: Asked,
    question: Question,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None,
) -> Estimates:
    """Answer the question on balanced rows, and beside it on the same rows as they are.

    Parameters
    ----------
    asked : Asked
    question : Question
        Its errors are robust or clustered.
    rows : Selection
        With the covariates.
    first_stage : ProductivityFit or None
    panel : Selection or None
        As in `estimation.regression.estimate`.

    Returns
    -------
    Estimates
        With `parts`: balanced, and ``unbalanced``.

    Raises
    ------
    EstimationError
        If the treatment is no 0 and 1, or no weights make both sides alike; the covariates are named.
    """
    kept, dropped, treatment, gone = _comparable(asked, question, rows)
    treated = _treated(treatment, kept)
    plain = estimate(question, kept, first_stage, panel)
    own = np.ones(kept.rows.size) if question.weights is None else kept.number(question.weights)
    columns = columns_of(asked.covariates, kept)
    tilted = _tilted(asked, columns, treated, own)
    weighted = replace(kept, columns={**kept.columns, WEIGHT: NumberColumn(tilted.weights)})
    found = estimate(replace(question, weights=WEIGHT, tilted=tilted), weighted, first_stage, panel)
    told, record = _told(asked.method, treatment, columns, (treated, own, tilted.weights), kept)
    # Few firms on a side take the comparison out of a room.
    sides = {"n_treated_firms": record["n_firms_treated"], "n_control_firms": record["n_firms_control"]}
    found, plain = (replace(one, stats={**one.stats, **sides}) for one in (found, plain))
    name = {"entropy": "entropy_balancing", "overlap": "overlap_weights"}[asked.method]
    return replace(
        found,
        weights=plain.weights,
        rows_in=plain.rows_in,
        dropped=dropped,
        parts=(_part(name, found), _part("unbalanced", plain)),
        balance=record,
        notes=(*plain.notes, *(note for note in found.notes if note not in plain.notes), *told, *gone),
    )


def _comparable(
    asked: Asked, question: Question, rows: Selection
) -> tuple[Selection, dict[str, int], str, tuple[str, ...]]:
    """Return the rows of the regression whose levels of the covariates occur on both sides, why others are not among
    them, the treatment, and which levels are gone.
    """
    kept, dropped = _complete(asked.covariates, rows)
    notes: list[str] = []
    while True:
        design = design_matrix(
            question.formula, kept, outcome=question.outcome, reference=question.reference, weights=question.weights,
            clusters=question.cluster,
        )  # fmt: skip
        kept = design.rows
        for reason, count in design.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
        treatment = asked.treatment or _treatment(question, kept)
        treated = _treated(treatment, kept)
        off = np.zeros(kept.rows.size, dtype=np.bool_)
        for name in asked.covariates:
            reason = f"{name} has a level that treated rows alone have, or untreated rows alone"
            for told, lost in _one_sided(name, kept, treated):
                if count := int((lost & ~off).sum()):
                    dropped[reason] = dropped.get(reason, 0) + count
                    notes.append(f"{told}: {counted(numbered(kept.firm[lost])[1], 'firm')} left out")
                    off |= lost
        if off.all():
            raise EstimationError("balance: no level of the covariates occurs on both sides: take coarser covariates")
        if not off.any():
            return kept, dropped, treatment, tuple(notes)
        kept = kept.take(~off)


def _one_sided(name: str, rows: Selection, treated: BoolArray) -> Iterator[tuple[str, BoolArray]]:
    """Yield the rows of every level that treated or untreated rows alone have: there is nobody to compare them with."""
    if not is_categorical(name, rows):
        return
    found = categories(name, rows, None)
    for place, level in enumerate(found.levels):
        there = np.asarray(found.codes == place, dtype=np.bool_)
        if treated[there].all() or not treated[there].any():
            side = "untreated" if treated[there].all() else "treated"
            yield f"balance: {name} {level} has no {side} row", there


def _complete(names: tuple[str, ...], rows: Selection) -> tuple[Selection, dict[str, int]]:
    keep, dropped = np.ones(rows.rows.size, dtype=np.bool_), dict[str, int]()
    for name in names:
        column = rows.columns.get(name)
        if rows.is_year(name) or column is None:
            continue
        missing = column.codes < 0 if isinstance(column, TextColumn) else np.isnan(column.values)
        lost = int((keep & missing).sum())
        if lost:
            dropped[f"{name} is missing"] = lost
            keep &= ~missing
    return rows.take(keep), dropped


def _treatment(question: Question, rows: Selection) -> str:
    """Return the only column of the formula that is 0 or 1."""
    names = dict.fromkeys(one.name for term in question.formula.terms for one in term.factors)
    numbers = [name for name in names if not is_categorical(name, rows)]
    found = [name for name in numbers if np.isin(np.unique(rows.number(name)), (0.0, 1.0)).all()]
    if len(found) != 1:
        what = f"{' and '.join(found)} are both 0 or 1" if found else "no column of the formula is 0 or 1"
        raise EstimationError(f"balance: {what}; write treatment: with the one whose sides are to be made alike")
    return found[0]


def _treated(name: str, rows: Selection) -> BoolArray:
    if is_categorical(name, rows):
        raise EstimationError(f"balance: the treatment {name} is text: it must be 0 or 1")
    values = rows.number(name)
    if not np.isin(values, (0.0, 1.0)).all():
        strange = values[~np.isin(values, (0.0, 1.0))]
        raise EstimationError(f"balance: the treatment {name} is neither 0 nor 1 in {counted(strange.size, 'row')}")
    treated = np.asarray(values == 1, dtype=np.bool_)
    if treated.all() or not treated.any():
        raise EstimationError(f"balance: the treatment {name} is {int(treated[0])} in every row: there is nobody else")
    return treated


def _tilted(asked: Asked, columns: Columns, treated: BoolArray, own: FloatArray) -> Tilted:
    z = columns.design()
    if asked.method == "overlap":
        found = overlap(z, treated, own)
        if found is None:
            raise EstimationError(
                f"balance: {_apart(columns, treated)} tell some treatments for certain: there is nobody to compare "
                "with; take coarser covariates, or narrow where to firms that could be either"
            )
        return found
    alone = dependent(columns.values[~treated], columns.constrained.tolist())
    if alone:
        named = ", ".join(columns.names[place] for place in sorted(alone))
        raise EstimationError(
            f"balance: among untreated rows {named} does not vary, or follows from the other covariates; among treated "
            "rows it does not: no weights can make them alike; take coarser covariates, or narrow where"
        )
    found = entropy(z, treated, own)
    if found is None:
        raise EstimationError(
            f"balance: no weights give untreated rows the treated ones' means of {_apart(columns, treated)}; take "
            "fewer or coarser covariates, narrow where, or write method: overlap"
        )
    return found


def _apart(columns: Columns, treated: BoolArray) -> str:
    """Name the covariates whose mean among treated rows lies outside all untreated ones; all where none does alone."""
    outside = []
    for place in columns.constrained:
        x = columns.values[:, place]
        mean, low, high = x[treated].mean(), x[~treated].min(), x[~treated].max()
        if not low < mean < high:
            outside.append(columns.names[place])
    named = outside or [columns.names[place] for place in columns.constrained]
    return ", ".join(named[:NAMED]) + (", ..." if len(named) > NAMED else "")


def _part(name: str, found: Estimates) -> ModelPart:
    answer = inference(found.coefficients, found.covariance, found.errors.df)
    return ModelPart(
        name, found.terms, found.coefficients, answer, found.n_firms_term, found.n_obs, found.n_firms, found.errors,
        found.stats,
    )  # fmt: skip


def _told(
    method: str,
    treatment: str,
    columns: Columns,
    weights: tuple[BoolArray, FloatArray, FloatArray],
    rows: Selection,
) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """Return what is said of the weights, and their record."""
    treated, own, balanced = weights
    sides = {"treated": treated, "control": ~treated}
    firms = {name: numbered(rows.firm[side])[1] for name, side in sides.items()}
    effective = {name: _effective(balanced[side], rows.firm[side]) for name, side in sides.items()}
    heaviest = {name: _heaviest(balanced[side], rows.firm[side]) for name, side in sides.items()}
    found = alike(columns, treated, own, balanced, rows)
    before, after = (_largest(found, key) for key in ("std_difference", "balanced_std_difference"))
    named = dict.fromkeys(_column(one) for one in columns.names)
    weighed = "untreated rows" if method == "entropy" else "rows"
    notes = [
        f"{'entropy balancing' if method == 'entropy' else 'overlap weights'}: {weighed} weigh so that those with "
        f"{treatment} 1 and 0 have the same means of {', '.join(named)}; "
        f"standardised differences were {before:.3f} at most and are {after:.3f}; the untreated count as "
        f"{effective['control']:,.1f} firms of {firms['control']:,}"
        + (f", the treated as {effective['treated']:,.1f} of {firms['treated']:,}" if method == "overlap" else "")
        + "; the errors count that the weights are estimated"
    ]
    if columns.spanned:
        notes.append(f"balance: {', '.join(columns.spanned)} follows from the covariates before it")
    notes += [
        f"one firm holds {share:.0%} of the weights of {'treated' if name == 'treated' else 'untreated'} rows"
        for name, share in heaviest.items()
        if share >= HEAVY
    ]
    record = {
        "method": method,
        "treatment": treatment,
        "n_firms_treated": firms["treated"],
        "n_firms_control": firms["control"],
        "effective_treated": effective["treated"],
        "effective_control": effective["control"],
        "largest_share_treated": heaviest["treated"],
        "largest_share_control": heaviest["control"],
        "covariates": [asdict(one) for one in found],
    }
    return tuple(notes), record


def _column(name: str) -> str:
    return name.partition("[")[0]


def _by_firm(weights: FloatArray, firm: np.ndarray) -> FloatArray:
    codes, count = numbered(firm)
    return np.bincount(codes, weights=weights, minlength=count).astype(np.float64)


def _effective(weights: FloatArray, firm: np.ndarray) -> float:
    """Return Kish's effective number of firms, (sum of w)^2 over the sum of w^2."""
    total = _by_firm(weights, firm)
    return float(total.sum() ** 2 / (total @ total))


def _heaviest(weights: FloatArray, firm: np.ndarray) -> float:
    total = _by_firm(weights, firm)
    return float(total.max() / total.sum())


def _largest(found: tuple[Balanced, ...], key: str) -> float:
    return max((abs(getattr(one, key)) for one in found if getattr(one, key) is not None), default=0.0)
