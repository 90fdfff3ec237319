"""Levels that tell a binary outcome for certain, and the words for an outcome that columns tell apart.

Where all rows of a level have the same outcome, its coefficient is infinite, and its rows say nothing of the others:
the likelihood without them has the same maximum in the other coefficients (Albert and Anderson, 1984).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.design_matrix import Design
from estimation.results import BoolArray, FloatArray, IntArray
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError
from specs.formula import Formula

__all__ = ["Certain", "alone", "apart", "certain_rows", "check_outcome", "without_certain"]

MAX_NAMED = 6
COMMON = 10


@dataclass(frozen=True, slots=True)
class Certain:
    """A level that tells the outcome for certain.

    Attributes
    ----------
    term : str
        ``nace[D]``.
    rows, firms : int
    """

    term: str
    rows: int
    firms: int


def alone(formula: Formula) -> tuple[str, ...]:
    """Return the columns with a term of their own."""
    return tuple(term.factors[0].name for term in formula.terms if len(term.factors) == 1)


def certain_rows(codes: Sequence[IntArray], y: FloatArray, w: FloatArray) -> list[tuple[int, int]]:
    """Return the levels, by number of the column and code, that hold rows with weight of one outcome alone.

    Parameters
    ----------
    codes : sequence of (n,) integer arrays
    y : (n,) array
        0 and 1.
    w : (n,) array
        Zero for rows that do not count.
    """
    found = []
    for number, one in enumerate(codes):
        total, ones = np.bincount(one, weights=w), np.bincount(one, weights=w * y)
        zeros = np.bincount(one, weights=w * (1 - y))
        found += [(number, int(level)) for level in np.flatnonzero((total > 0) & ((ones == 0) | (zeros == 0)))]
    return found


def without_certain(
    formula: Formula, build: Callable[[Selection], Design], rows: Selection
) -> tuple[Design, tuple[Certain, ...]]:
    """Build the design without the levels that tell the outcome for certain.

    Parameters
    ----------
    formula : Formula
    build : callable
        From rows to the design.
    rows : Selection

    Returns
    -------
    design : Design
    certain : tuple of Certain
        What was left out, in turn: without one level another may tell the outcome.

    Raises
    ------
    EstimationError
        As `build` does; if the outcome is not 0 and 1; if a 0/1 column or a base level that the spec names tells it.
    """
    design = build(rows)
    check_outcome(design)
    dropped, found = dict(design.dropped), list[Certain]()
    while True:
        names = [name for name in alone(formula) if name in design.coded]
        certain = certain_rows([design.coded[name].codes for name in names], design.y, np.ones(len(design.y)))
        _check_steps(design, alone(formula))
        if not certain:
            break
        keep: BoolArray = np.ones(len(design.y), dtype=np.bool_)
        for number, level in certain:
            one = design.coded[names[number]]
            inside = one.codes == level
            firms = len(np.unique(design.rows.firm[inside]))
            found.append(Certain(f"{one.name}[{one.levels[level]}]", int(inside.sum()), firms))
            keep &= ~inside
        if not 0 < design.y[keep].sum() < keep.sum():
            raise EstimationError(
                f"{' and '.join(dict.fromkeys(names[number] for number, _ in certain))} tell {design.outcome} for "
                "certain: no level has both of its values; leave the column out, or take coarser levels"
            )
        reason = f"a level tells {design.outcome} for certain"
        dropped[reason] = dropped.get(reason, 0) + int((~keep).sum())
        try:
            design = build(design.rows.take(keep))
        except EstimationError as error:
            named = ", ".join(one.term for one in found)
            raise EstimationError(
                f"without the rows of {named}, which tell {design.outcome} for certain: {error}"
            ) from None
    # Rows that were missing a value were counted when the design was built first.
    return replace(design, dropped=dropped), tuple(found)


def check_outcome(design: Design) -> None:
    """Refuse an outcome that is not 0 in some rows and 1 in others.

    Parameters
    ----------
    design : Design

    Raises
    ------
    EstimationError
    """
    odd = (design.y != 0) & (design.y != 1)
    if odd.any():
        values, counts = np.unique(design.y[odd], return_counts=True)
        # A code is named; an amount would be that of some firm.
        codes = [f"{value:g}" for value in values[counts >= COMMON]][:MAX_NAMED]
        shown = f" ({', '.join(codes)}{', ...' if len(values) > len(codes) else ''})" if codes else ""
        raise EstimationError(
            f"the outcome {design.outcome} must be 0 or 1, and it is another number in "
            f"{counted(int(odd.sum()), 'row')}{shown}; declare a variable that is 0 or 1, or take method: ols"
        )
    if len(np.unique(design.y)) < 2:
        raise EstimationError(
            f"the outcome {design.outcome} is {design.y[0]:g} in every row: there is nothing to explain"
        )


def _check_steps(design: Design, names: Sequence[str]) -> None:
    """Refuse columns of 0 and 1 that tell the outcome in one of their halves."""
    for name in names:
        if name in design.coded:
            continue
        values = design.rows.number(name)
        if not ((values == 0) | (values == 1)).all():
            continue
        for value in (0.0, 1.0):
            outcomes = np.unique(design.y[values == value])
            if len(outcomes) == 1:
                raise EstimationError(
                    f"every row with {name} = {value:g} has {design.outcome} = {outcomes[0]:g}: {name} tells the "
                    f"outcome for certain there, and its coefficient is infinite; leave {name} out, or these rows by "
                    "where"
                )


def apart(design: Design, far: FloatArray | None, rows: int) -> str:
    """Return what to say of an outcome that no single level tells apart, but columns together do.

    Parameters
    ----------
    design : Design
    far : (k,) array or None
        Coefficients on their way to infinity.
    rows : int
        Rows that are predicted for certain.
    """
    told = f"the outcome {design.outcome} is told for certain"
    for name in dict.fromkeys(one.name for recipe in design.recipes for one in recipe.numbers):
        values = design.rows.number(name)
        low, high = values[design.y == 0], values[design.y == 1]
        for below, above, first in ((low, high, 0), (high, low, 1)):
            if below.max() <= above.min() and below.min() < above.max():
                return (
                    f"{told} by {name} alone: where it is {first} all values lie below those where it is {1 - first}, "
                    "so that the coefficient is infinite; leave it out, or is it made of the outcome?"
                )
    named = ""
    if far is not None:
        spread = np.abs(far) * design.x.std(axis=0)
        order = np.argsort(-spread, kind="stable")
        terms = [design.terms[one] for one in order if spread[one] > spread.max() / 4][:MAX_NAMED]
        named = f" by {', '.join(terms)}"
    return (
        f"{told} in {counted(rows, 'row')}{named}: a combination of the terms tells its values apart, and their "
        "coefficients are infinite; leave terms out, or take coarser levels"
    )
