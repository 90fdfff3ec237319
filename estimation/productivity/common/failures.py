"""Why a production function could not be estimated: the user's names, the usual cause, what to try."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from estimation.cross_products import CollinearError
from estimation.gmm import UnidentifiedError
from estimation.polynomial import DegenerateInputError
from estimation.productivity.common.inputs import Inputs
from estimation.productivity.common.moments import MomentEquation, Roles
from estimation.results import BoolArray, FloatArray, IntArray
from specs.counting import counted
from specs.errors import EstimationError

__all__ = [
    "EXACT", "before", "collinear", "degenerate", "is_exact", "lacking", "nearly_spanned", "no_productivity", "no_rows",
    "refuse_constants", "refuse_exact", "unidentified",
]  # fmt: skip

# Of the largest number in a column: less is rounding.
STILL = 1e-12
# What varies by less has squares that are zero.
NO_SQUARE = 1e-150
EXACT = 1e-10
"""Of a standard deviation, or of a coefficient: less is rounding."""
# Of a variance: what sums of squares can tell apart from nothing at all.
NEARLY_EXACT = 1e-8
NOTHING_LEFT = "no row is left: where keeps none of them"


def no_rows(
    moments: Sequence[MomentEquation],
    use: BoolArray,
    current: BoolArray,
    n_firms: int,
    inputs: Inputs | None = None,
    more: Sequence[tuple[str, FloatArray]] = (),
) -> str:
    """Say that hardly any row can be used, and which columns empty the sample.

    Parameters
    ----------
    moments : sequence of MomentEquation
    use, current : (n,) bool arrays
        Rows that may take part, and those among them with every column.
    n_firms : int
        Firms that are left.
    inputs : Inputs, optional
        The n rows, to count what they lack.
    more : sequence of (str, (n,) array)
        Columns that a row needs beside those of the production function.
    """
    complete = int(np.count_nonzero(current))
    if not use.any():
        return NOTHING_LEFT
    lacks = "" if inputs is None else lacking(inputs, use, more)
    if moments[-1].lags and complete:
        told = (
            f"{counted(n_firms, 'firm has', 'firms have')} a year before among {counted(complete, 'complete row')}: "
            "lags are by firm and year, a gap gives none; is the panel of consecutive years, and does where keep them?"
        )
        return f"{told} {lacks}" if lacks else told
    told = (
        f"{counted(n_firms, 'firm')} with a value in every column it needs, in "
        f"{counted(int(np.count_nonzero(use)), 'row')}: is a column empty, a weight zero, or the logarithm of an "
        "amount that is not above zero?"
    )
    return f"{told} {lacks}" if lacks else told


def lacking(inputs: Inputs, use: BoolArray, more: Sequence[tuple[str, FloatArray]] = ()) -> str:
    """Count, for every column by itself, the rows without a value; the emptiest first. Empty where none lacks one."""
    if not use.any():
        return NOTHING_LEFT
    roles = inputs.roles
    named = [
        (roles.output, inputs.output),
        *zip(roles.free, inputs.free, strict=True),
        *zip(roles.state, inputs.state, strict=True),
        *(((roles.proxy, inputs.proxy),) if roles.proxy is not None and inputs.proxy is not None else ()),
        *zip(roles.prices, inputs.prices, strict=True),
        *zip(roles.markov, inputs.markov, strict=True),
        *more,
    ]
    counts = {name: int(np.count_nonzero(use & np.isnan(values))) for name, values in named}
    counts |= {control.name: int(np.count_nonzero(use & control.missing())) for control in inputs.controls}
    told = [(count, f"{name} is missing in {count:,}") for name, count in counts.items()]
    if inputs.weights is not None:
        missing, zero = (int(np.count_nonzero(use & one)) for one in (np.isnan(inputs.weights), inputs.weights == 0))
        told += [
            (missing, f"{roles.weights} is missing in {missing:,}"),
            (zero, f"{roles.weights} is zero in {zero:,}"),
        ]
    shown = [text for count, text in sorted(told, key=lambda one: -one[0]) if count]
    return f"Of {counted(int(np.count_nonzero(use)), 'row')}: {', '.join(shown)}" if shown else ""


def refuse_constants(named: Sequence[tuple[str, FloatArray]], rows: BoolArray | IntArray | slice) -> None:
    """Refuse a column that does not vary in these rows, whether or not another one would span it.

    Parameters
    ----------
    named : sequence of (str, (n,) array)
    rows : (n,) bool array, positions, or a slice

    Raises
    ------
    EstimationError
        By the column's name.
    """
    for name, values in named:
        seen = values[rows]
        spread = float(np.ptp(seen)) if len(seen) else 0.0
        if not len(seen) or not spread > STILL * float(np.max(np.abs(seen))):
            raise EstimationError(f'"{name}" does not vary in these rows: is it the right column?')
        if spread < NO_SQUARE:
            raise EstimationError(
                f'"{name}" varies by {spread:.1g} in all, too little to compute with: no log does; was it divided by a '
                "large number?"
            )


def is_exact(outcome: FloatArray, columns: Sequence[FloatArray]) -> bool:
    """Return whether the outcome is a linear function of the columns and a constant, up to rounding.

    Parameters
    ----------
    outcome : (n,) array
    columns : sequence of (n,) arrays
    """
    if len(outcome) <= len(columns) + 1:
        return False
    x = np.stack([values - values.mean() for values in columns])
    y = outcome - outcome.mean()
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    total = float(y @ y)
    # Most outcomes are far from it, which the sums tell at once.
    explained = x @ y
    left = total - float(explained @ np.linalg.lstsq(x @ x.T, explained)[0])
    if left > NEARLY_EXACT * total:
        return False
    residuals = y - np.linalg.lstsq(x.T, y)[0] @ x
    return float(np.linalg.norm(residuals)) <= EXACT * float(np.sqrt(total))


def no_productivity(output: str) -> str:
    """Say that an output leaves no productivity."""
    return (
        f"productivity does not vary: {output} is an exact function of the inputs, up to rounding, and nothing is "
        "left of it; was it made of them, or imputed from them?"
    )


def refuse_exact(output: str, values: FloatArray, terms: Sequence[FloatArray]) -> None:
    """Refuse an output that the terms of the production function explain without a rest.

    Parameters
    ----------
    output : str
        The column.
    values : (n,) array
    terms : sequence of (n,) arrays

    Raises
    ------
    EstimationError
    """
    if is_exact(values, terms):
        raise EstimationError(no_productivity(output))


def degenerate(error: DegenerateInputError, roles: Roles) -> str:
    """Say that an input of the polynomial has no variation of its own."""
    name = error.names[error.index]
    if name in roles.markov:
        return f'"{name}" does not vary in these rows, or only with the inputs: markov needs firms with it and without'
    if error.constant:
        return f'"{name}" does not vary in these rows: is it the right column?'
    others = before(error)
    if name in roles.state:
        return (
            f'the state "{name}" is a linear function of {others}: they cannot all have '
            "elasticities; leave one out, or add them up before taking logs"
        )
    if name in roles.prices:
        return (
            f'the price "{name}" is a linear function of {others}: an instrument must vary given the inputs and the '
            "other prices; leave it out"
        )
    return f'"{name}" is a linear function of {others}: the proxy must move with productivity, given the state'


def before(error: DegenerateInputError) -> str:
    """Name the inputs of the polynomial before the one that they span."""
    others = error.names[: error.index]
    return ", ".join(others) + (" or of some of them" if len(others) > 1 else "")


def collinear(error: CollinearError, roles: Roles, moments: Sequence[MomentEquation]) -> str:
    """Say which column is a combination of others, and what that means for its part."""
    bare = error.column.removeprefix("lag(").removesuffix(")") if "lag(" in error.column else error.column
    given = "the controls" if not roles.polynomial else "the polynomial and the controls"
    number = f" in equation {error.equation}" if len(moments) > 1 else ""
    if bare in roles.free:
        culprit = "do the controls determine it? Leave out the control that does"
        if roles.polynomial:
            culprit = (
                f"is it a function of ({', '.join(roles.polynomial)}), as the proxy is? Then no equation that holds "
                f"them tells its elasticity; or {culprit}"
            )
        elif not roles.controls:
            culprit = "is it a combination of the other inputs?"
        return (
            f'the free input "{error.column}" has no variation of its own{number}, given {given}: is it constant, does '
            f"it equal another column, {culprit}"
        )
    if error.column in roles.state:
        still = "does it never change within a firm" if roles.polynomial else "is it a function of the other inputs"
        return (
            f'the state "{error.column}" has no variation of its own{number}, given {given}: '
            f"{still}, or equal another column? Its elasticity cannot be estimated then"
        )
    inputs = ", ".join(roles.polynomial)
    return (
        f"the polynomial of degree {roles.degree} in ({inputs}) is rank-deficient{number}: "
        f"{error.column} is a combination of the terms before it, which happens where an input takes few "
        "values; lower the degree"
    )


def nearly_spanned(error: UnidentifiedError) -> str:
    """Say which columns of a regression are so nearly combinations of each other that it cannot tell them apart."""
    shown = ", ".join(error.parameters[:6]) or "the columns"
    return (
        f"{shown} are so nearly combinations of each other and of the other columns that rounding is all that tells "
        "them apart: leave one of the controls out, or take a coarser one"
    )


def unidentified(error: UnidentifiedError, roles: Roles) -> str:
    """Say which elasticity the instruments do not identify."""
    named = [name for name in error.parameters if name in (*roles.free, *roles.state)]
    if not named:
        return (
            "the moments' covariance is singular: too few firms for so many moments; "
            "fewer controls, a lower degree or steps: 1 needs less"
        )
    return (
        f"the elasticity of {', '.join(named)} is not identified: its instruments (its lag, given the "
        "polynomial and the controls) do not move it; is there variation from year to year within firms?"
    )
