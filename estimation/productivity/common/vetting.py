"""What a finished estimate obliges to say, or to refuse, whatever its method: exact fits, one firm behind it all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from estimation.productivity.common.failures import EXACT, is_exact, no_productivity
from estimation.productivity.common.inputs import Inputs
from estimation.results import BoolArray, FloatArray, GroupFit, IntArray
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["effective_firms", "made_of_the_proxy", "vetted"]

# Of the variance of an elasticity: more from one firm is that firm's estimate.
ONE_FIRM = 0.5
# Of fewer firms one makes up much of the variance of whatever is estimated.
FEWEST_TOLD = 10
# Firms with equal weights that errors by firm need to mean something.
FEWEST_EFFECTIVE = 30


def vetted(
    group: GroupFit,
    output: str,
    n_rows: int,
    spreads: tuple[float, float],
    weights: tuple[str, FloatArray, IntArray] | None = None,
) -> GroupFit:
    """Return the record of a group with the cautions that its numbers ask for.

    Parameters
    ----------
    group : GroupFit
    output : str
        The column.
    n_rows : int
        Rows that the estimate rests on and serves.
    spreads : tuple of float
        The standard deviations of output and of productivity over them.
    weights : tuple of (str, (n_rows,) array, (n_rows,) integer array), optional
        The column, its values, above zero, and the firms, ascending.

    Raises
    ------
    EstimationError
        If productivity does not vary.
    """
    level, tfp = spreads
    if n_rows > len(group.terms) + 1 and tfp <= EXACT * level:
        raise EstimationError(no_productivity(output))
    notes = [*_exact(group, output), *_one_firm(group)]
    if 0 < len(group.influence) < FEWEST_TOLD:
        notes.append(f"{counted(len(group.influence), 'firm')}: standard errors by firm mean little with so few")
    if weights is not None:
        notes += _uneven(*weights)
    return replace(group, notes=(*group.notes, *notes)) if notes else group


def made_of_the_proxy(inputs: Inputs, at: IntArray) -> tuple[str, ...]:
    """Return a note where output is a function of the inputs and the proxy: no error is left.

    Parameters
    ----------
    inputs : Inputs
        The n rows of the panel.
    at : (r,) integer array
        Those of the estimate.
    """
    roles, proxy = inputs.roles, inputs.proxy
    if proxy is None or not is_exact(inputs.output[at], [values[at] for values in (*inputs.technology, proxy)]):
        return ()
    return (
        f"{roles.output} is an exact function of {', '.join(roles.inputs)} and {roles.proxy}, up to rounding: "
        f"no error is left, and productivity is a function of the inputs and {roles.proxy}; was "
        f"{roles.output} made of them, or imputed from them?",
    )


def effective_firms(firm: IntArray, weights: FloatArray) -> tuple[float, float]:
    """Return the number of firms of equal weight that are as precise, and the largest firm's share of the weight.

    Parameters
    ----------
    firm : (r,) integer array
    weights : (r,) array
        Above zero somewhere.
    """
    _, member = np.unique(firm, return_inverse=True)
    held = np.bincount(member.ravel(), weights / weights.max())
    return float(held.sum() ** 2 / (held @ held)), float(held.max() / held.sum())


def _exact(group: GroupFit, output: str) -> list[str]:
    errors = np.sqrt(np.diag(group.covariance))
    largest = float(np.max(errors, initial=0.0))
    if not 0 < largest <= EXACT * float(np.max(np.abs(group.coefficients), initial=0.0)):
        return []
    return [f"{output} is an exact function of the terms and what stands beside them: standard errors are rounding"]


def _one_firm(group: GroupFit) -> list[str]:
    squares = group.influence[:, : len(group.terms)] ** 2
    total = squares.sum(axis=0)
    if len(squares) < FEWEST_TOLD or not np.all(total > 0):
        return []
    shares = squares.max(axis=0) / total
    which = int(np.argmax(shares))
    if not shares[which] > ONE_FIRM:
        return []
    return [
        f"one firm makes up {100 * shares[which]:.0f} per cent of the variance of {group.terms[which]}: the estimate "
        "follows that firm; is a value of it mistyped, or its weight? Look at the largest and smallest values"
    ]


def _uneven(name: str, weights: FloatArray, firm: IntArray) -> list[str]:
    used: BoolArray = weights > 0
    if not used.any():
        return []
    effective, largest = effective_firms(firm[used], weights[used])
    if effective >= FEWEST_EFFECTIVE:
        return []
    return [
        f"the weights {name} are so uneven that the firms count as {effective:.1f} of equal weight "
        f"({FEWEST_EFFECTIVE} are little already); the largest one has {100 * largest:.1f} per cent of the weight: "
        "is a weight mistyped?"
    ]
