"""From a formula and rows to a regression's matrix: missing values counted, terms named, rank checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from estimation.absorb import Absorber, Effect, without_singletons
from estimation.coding import (
    Categories,
    Coded,
    Recipe,
    categories,
    code_terms,
    factor_slope,
    factor_values,
    is_categorical,
)  # fmt: skip
from estimation.covariance import Clusters, combine, numbered
from estimation.least_squares import RANK_TOLERANCE, dependences
from estimation.results import BoolArray, FloatArray, IntArray
from panels.frame import NumberColumn, Selection, TextColumn
from specs.counting import counted
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
    absorbed : Absorbed or None
        Effects that were swept out of `x` and `y`.
    coded : mapping of str to Categories
        The columns that enter as indicators.
    recipes : tuple of Recipe
        What the k columns are products of, before effects were swept out.
    unseen : tuple of Recipe
        Combinations of levels that no row has.
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
    absorbed: Absorbed | None = None
    coded: Mapping[str, Categories] = field(default_factory=dict)
    recipes: tuple[Recipe, ...] = ()
    unseen: tuple[Recipe, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Absorbed:
    """Effects that were swept out.

    Attributes
    ----------
    effects : tuple of Effect
    variation : float
        Sum of squares of the outcome about its (weighted) mean, before.
    """

    effects: tuple[Effect, ...]
    variation: float

    @property
    def parameters(self) -> int:
        """Levels of the effects; every effect after the first loses one, which the others span already."""
        return sum(one.count for one in self.effects) - (len(self.effects) - 1)


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
        Effects behind the bar are swept out.
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
    kept, dropped = _complete(rows, [left, *factors], weights, [*clusters, *formula.effects])
    kept, effects = _effects(formula, kept, dropped)
    names = dict.fromkeys(one.name for one in factors)
    # A panel's year has two names: a base level under either is that of the one in the formula.
    written = {rows.aliases.get(name, name): name for name in names}
    base = {written.get(rows.aliases.get(name, name), name): level for name, level in (reference or {}).items()}
    coded = {name: categories(name, kept, base.get(name)) for name in names if is_categorical(name, kept)}
    notes = [f"reference: {name} is not an indicator in the formula" for name in base if name not in coded]
    # The effects span the constant: indicators leave out a level as beside one.
    shape = replace(formula, intercept=True) if effects else formula
    spanned = _said_by(effects, factors, formula, kept, coded)
    matrix = code_terms(shape, kept, coded, MAX_CELLS // kept.rows.size, spanned)
    if len(matrix.terms) >= kept.rows.size:
        raise EstimationError(
            f"{counted(kept.rows.size, 'row is', 'rows are')} too few for {counted(len(matrix.terms), 'term')} "
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
    n_firms_term, absorbed = firms_behind(matrix.x, kept.firm), None
    if effects:
        matrix = replace(matrix, terms=matrix.terms[1:], x=matrix.x[:, 1:], recipes=matrix.recipes[1:])
        n_firms_term = firms_that_vary(matrix.x, kept.firm) if ("firm",) in formula.effects else n_firms_term[1:]
        matrix, y, absorbed = _within(matrix, y, effects, weight)
    _check_rank(matrix, weight, has_categories=len(coded) > 1)
    return Design(
        rows=kept,
        outcome=left.label,
        y=y,
        slope=factor_slope(left, kept.number(left.name)),
        terms=matrix.terms,
        x=matrix.x,
        intercept=shape.intercept,
        weights=weight,
        clusters=tuple(clusters_of(names, kept) for names in clusters),
        n_firms_term=n_firms_term,
        reference={name: one.levels[one.base] for name, one in coded.items() if name in matrix.compared},
        dropped=dropped,
        notes=tuple(notes),
        absorbed=absorbed,
        coded=coded,
        recipes=matrix.recipes,
        unseen=matrix.unseen,
    )


def _effects(formula: Formula, rows: Selection, dropped: dict[str, int]) -> tuple[Selection, tuple[Effect, ...]]:
    """Take out rows that stand alone in a level of an effect, and return the effects on the others."""
    if not formula.effects:
        return rows, ()
    codes = [cluster_codes(names, rows) for names in formula.effects]
    keep, lost = without_singletons(codes)
    for one, count in zip(formula.absorbed, lost, strict=True):
        if count:
            dropped[f"alone in its level of {one.label} (singleton)"] = count
    if not keep.any():
        named = " + ".join(one.label for one in formula.absorbed)
        raise EstimationError(f"every row stands alone in a level of {named}: there is nothing to compare it with")
    kept = rows.take(keep)
    return kept, tuple(Effect.of(one.label, found[keep]) for one, found in zip(formula.absorbed, codes, strict=True))


def _said_by(
    effects: Sequence[Effect],
    factors: Sequence[Factor],
    formula: Formula,
    rows: Selection,
    coded: Mapping[str, Categories],
) -> set[frozenset[str]]:
    """Return the products of factors within terms that do not vary within the levels of an effect."""
    found: set[frozenset[str]] = set()
    for one in effects:
        first = np.zeros(one.count, dtype=np.int64)
        first[one.codes] = np.arange(len(one.codes))
        same = set()
        for factor in factors:
            known = coded.get(factor.name)
            values = known.codes if known is not None else rows.number(factor.name)
            if bool((values == values[first][one.codes]).all()):
                same.add(factor.label)
        for term in formula.terms:
            inside = [factor.label for factor in term.factors if factor.label in same]
            found |= {frozenset(part) for size in range(1, len(inside) + 1) for part in combinations(inside, size)}
    return found


def _within(
    matrix: Coded, y: FloatArray, effects: Sequence[Effect], weights: FloatArray | None
) -> tuple[Coded, FloatArray, Absorbed]:
    """Sweep effects out of the columns and the outcome; terms of which nothing is left are refused by name."""
    named = " + ".join(one.name for one in effects)
    if not matrix.terms:
        raise EstimationError(f"there is no term beside the effects {named}")
    about = y - np.average(y, weights=weights)
    variation = float(about @ about if weights is None else weights @ about**2)
    found = Absorber(effects, weights).within(np.column_stack([matrix.x, y]))
    x = found[:, :-1]
    centred = np.linalg.norm(matrix.x - matrix.x.mean(axis=0), axis=0)
    gone = np.linalg.norm(x, axis=0) <= RANK_TOLERANCE * np.maximum(centred, np.abs(matrix.x).max(axis=0))
    if gone.any():
        terms = [term for term, lost in zip(matrix.terms, gone, strict=True) if lost]
        raise EstimationError(
            f"{_listed(terms)}: nothing is left beside the effects {named}, which say the same (a column that does not "
            "vary within a level, or is an exact sum of theirs); leave out the term, or an effect"
        )
    return replace(matrix, x=x), found[:, -1], Absorbed(tuple(effects), variation)


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
                f"weights: {weights} is negative in {counted(int((values < 0).sum()), 'row')}; "
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


def firms_that_vary(x: FloatArray, firm: IntArray) -> IntArray:
    """Count the firms within which each column varies: beside effects of firms nothing is known from others.

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
    low, high = np.minimum.reduceat(x[order], starts, axis=0), np.maximum.reduceat(x[order], starts, axis=0)
    counts: IntArray = (low != high).sum(axis=0).astype(np.int64)
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
    return Clusters("^".join(names), codes, numbered(codes)[1])
