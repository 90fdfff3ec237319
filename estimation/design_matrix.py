"""From a formula and rows to a regression's matrix: missing values counted, terms named, rank checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from estimation.coding import Coded, categories, code_terms, factor_values, is_categorical
from estimation.covariance import Clusters, combine
from estimation.least_squares import dependences
from estimation.results import BoolArray, FloatArray, IntArray
from panels.frame import NumberColumn, Selection, TextColumn
from specs.errors import EstimationError
from specs.formula import Factor, Formula

__all__ = ["Design", "cluster_codes", "clusters_of", "design_matrix", "firms_behind"]

MAX_CELLS = 100_000_000
MAX_NAMED = 6


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A regression's arrays: n rows without a missing value, k terms of full rank.

    Attributes
    ----------
    rows : Selection
        The rows that stay.
    outcome : str
        As written: ``tfp``, ``log(turnover)``.
    y : (n,) array
    slope : (n,) array
        Derivative of `y` with respect to the outcome's column: 1, or 1/x for a log.
    terms : tuple of str
    x : (n, k) array
    intercept : bool
    weights : (n,) array or None
    clusters : tuple of Clusters
    n_firms_term : (k,) integer array
        Firms with a value other than zero behind each term.
    reference : mapping of str to str
        The base level of every categorical column that a term compares with it.
    dropped : mapping of str to int
        Rows lost, by the first reason that applies.
    notes : tuple of str
    """

    rows: Selection
    outcome: str
    y: FloatArray
    slope: FloatArray
    terms: tuple[str, ...]
    x: FloatArray
    intercept: bool
    weights: FloatArray | None
    clusters: tuple[Clusters, ...]
    n_firms_term: IntArray
    reference: Mapping[str, str]
    dropped: Mapping[str, int]
    notes: tuple[str, ...]


def design_matrix(
    formula: Formula,
    rows: Selection,
    *,
    outcome: str | None = None,
    reference: Mapping[str, str] | None = None,
    weights: str | None = None,
    clusters: Sequence[Sequence[str]] = (),
) -> Design:
    """Build the matrix of a regression.

    Parameters
    ----------
    formula : Formula
        Without effects behind the bar.
    rows : Selection
        With every column that the formula, `weights` and `clusters` name; ``firm`` and ``year`` need not be
        among them.
    outcome : str, optional
        A column that replaces the formula's left side.
    reference : mapping of str to str, optional
        Base levels. Other categorical columns take the most frequent level.
    weights : str, optional
        A column of sampling weights: rows with none or zero are dropped and counted.
    clusters : sequence of sequences of str
        ``(("firm",), ("nace3", "region"))``: one clustering each, columns combined.

    Returns
    -------
    Design

    Raises
    ------
    EstimationError
        If no rows are left or fewer than terms, weights are negative, a level is unknown, text stands
        where a number must, or terms are linearly dependent; the terms are named.
    """
    left = Factor(outcome) if outcome is not None else formula.outcome_factor
    if left is None:
        raise EstimationError("no outcome: write it before ~ in the formula, or as outcome:")
    factors = _factors(formula)
    _check_kinds([left, *factors], weights, rows)
    kept, dropped = _complete(rows, [left, *factors], weights, clusters)
    names = dict.fromkeys(one.name for one in factors)
    # A panel's year has two names: a base level under either is that of the one in the formula.
    written = {rows.aliases.get(name, name): name for name in names}
    base = {written.get(rows.aliases.get(name, name), name): level for name, level in (reference or {}).items()}
    coded = {name: categories(name, kept, base.get(name)) for name in names if is_categorical(name, kept)}
    notes = [f"reference: {name} is not an indicator in the formula" for name in base if name not in coded]
    matrix = code_terms(formula, kept, coded, MAX_CELLS // kept.rows.size)
    if len(matrix.terms) >= kept.rows.size:
        raise EstimationError(
            f"{kept.rows.size:,} rows are too few for {len(matrix.terms):,} terms "
            f"({_listed(matrix.terms)}); leave out terms or widen where"
        )
    if matrix.empty:
        notes.append(f"no rows with {_listed(matrix.empty)}: left out")
    notes += [
        f"{name} is {one.levels[0]} in every row: left out"
        for name, one in coded.items()
        if len(one.levels) == 1 and not any(f"{name}[" in term for term in matrix.terms)
    ]
    y = factor_values(left, kept.number(left.name))
    _check_finite(matrix, left, y)
    weight = None if weights is None else kept.number(weights)
    _check_rank(matrix, weight, has_categories=len(coded) > 1)
    return Design(
        rows=kept,
        outcome=left.label,
        y=y,
        slope=_slope(left, kept.number(left.name)),
        terms=matrix.terms,
        x=matrix.x,
        intercept=formula.intercept,
        weights=weight,
        clusters=tuple(clusters_of(names, kept) for names in clusters),
        n_firms_term=firms_behind(matrix.x, kept.firm),
        reference={name: one.levels[one.base] for name, one in coded.items() if name in matrix.compared},
        dropped=dropped,
        notes=tuple(notes),
    )


def _factors(formula: Formula) -> list[Factor]:
    return list({factor.label: factor for term in formula.terms for factor in term.factors}.values())


def _check_kinds(factors: Sequence[Factor], weights: str | None, rows: Selection) -> None:
    outcome = factors[0]
    for factor in factors:
        text = isinstance(rows.columns.get(factor.name), TextColumn)
        if text and (factor is outcome or factor.transform or factor.power != 1):
            place = f"the outcome {factor.name}" if factor is outcome else factor.label
            raise EstimationError(f"{place} must be a number, and {factor.name} is text")
        if rows.is_year(factor.name) and factor is not outcome and factor.label != factor.name:
            raise EstimationError(f"{factor.label}: year enters as indicators; for a trend declare trend: year - 2017")
    if weights is not None and isinstance(rows.columns.get(weights), TextColumn):
        raise EstimationError(f"weights: {weights} must be a number, and it is text")


def _complete(
    rows: Selection, factors: Sequence[Factor], weights: str | None, clusters: Iterable[Sequence[str]]
) -> tuple[Selection, dict[str, int]]:
    """Return the rows that have every value; the others are counted once, by what they lack first."""
    lacks: dict[str, BoolArray] = {}
    plain = [one.name for one in factors] + [weights or ""] + [name for names in clusters for name in names]
    for name in plain:
        if name in rows.columns:
            lacks.setdefault(f"{name} is missing", rows.columns[name].missing())
    for factor in factors:
        if factor.transform == "log":
            lacks.setdefault(f"log({factor.name}) of zero or less", rows.number(factor.name) <= 0)
    if weights is not None:
        values = rows.number(weights)
        if bool((values < 0).any()):
            raise EstimationError(
                f"weights: {weights} is negative in {int((values < 0).sum()):,} rows; "
                "a sampling weight is above zero: leave such rows out by where"
            )
        lacks[f"{weights} is zero"] = values == 0
    keep = np.ones(rows.rows.size, dtype=np.bool_)
    dropped: dict[str, int] = {}
    for reason, lacking in lacks.items():
        count = int((keep & lacking).sum())
        if count:
            dropped[reason] = count
            keep &= ~lacking
    if not keep.any():
        lost = ", ".join(f"{reason}: {count:,}" for reason, count in dropped.items()) or "where keeps none"
        raise EstimationError(f"no rows are left of {keep.size:,} ({lost})")
    return rows.take(keep), dropped


def _check_finite(matrix: Coded, left: Factor, y: FloatArray) -> None:
    too_large = [term for term, column in zip(matrix.terms, matrix.x.T, strict=True) if not np.isfinite(column).all()]
    too_large += [] if np.isfinite(y).all() else [left.label]
    if too_large:
        raise EstimationError(f"{_listed(too_large)}: too large for a number; take logs, or another unit")


def _slope(factor: Factor, values: FloatArray) -> FloatArray:
    inner = np.log(values) if factor.transform else values
    slope = 1 / values if factor.transform else np.ones_like(values)
    return slope if factor.power == 1 else factor.power * inner ** (factor.power - 1) * slope


def _check_rank(matrix: Coded, weights: FloatArray | None, *, has_categories: bool) -> None:
    found = dependences(matrix.x, weights)
    if not found:
        return
    reasons: list[str] = []
    for one in found[:MAX_NAMED]:
        name, others = matrix.terms[one.term], [matrix.terms[other] for other in one.others]
        if not others:
            reasons.append(f"{name} is zero in every row")
        elif others == ["constant"]:
            reasons.append(f"{name} has the same value in every row, as the constant has")
        else:
            reasons.append(f"{name} is an exact combination of {_listed(others)}")
    more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    cause = (
        "two columns of indicators may say the same, one nested in the other"
        if has_categories
        else "one column may be computed from others, or be constant among these rows"
    )
    raise EstimationError(
        "the terms are linearly dependent, so that they have no separate coefficients: "
        f"{'; '.join(reasons)}{more}. The usual cause: {cause}; leave one of them out"
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def firms_behind(x: FloatArray, firm: IntArray) -> IntArray:
    """Count the firms with a value other than zero in each column.

    Parameters
    ----------
    x : (n, k) array
    firm : (n,) integer array

    Returns
    -------
    (k,) integer array
    """
    order = np.argsort(firm, kind="stable")
    starts = np.flatnonzero(np.diff(firm[order], prepend=firm[order[0]] - 1))
    counts: IntArray = np.logical_or.reduceat(x[order] != 0, starts, axis=0).sum(axis=0).astype(np.int64)
    return counts


def cluster_codes(names: Sequence[str], rows: Selection) -> IntArray:
    """Return one code for each combination of the columns' values, (n,); -1 where one is missing.

    Codes of a selection are its own: only ``firm`` and text columns keep theirs between selections.
    """
    codes: list[IntArray] = []
    missing = np.zeros(rows.rows.size, dtype=np.bool_)
    for name in names:
        column = rows.columns.get(name)
        if isinstance(column, TextColumn):
            codes.append(column.codes.astype(np.int64))
        elif isinstance(column, NumberColumn):
            codes.append(np.unique(column.values, return_inverse=True)[1].astype(np.int64))
        else:
            codes.append({"firm": rows.firm, "year": rows.year}[name])
        missing |= column.missing() if column is not None else False
    return np.where(missing, -1, combine(codes))


def clusters_of(names: Sequence[str], rows: Selection) -> Clusters:
    """Return one clustering of these rows by the combinations of some columns."""
    codes = cluster_codes(names, rows)
    return Clusters("^".join(names), codes, int(np.unique(codes).size))
