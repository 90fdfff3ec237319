"""``balance_event``: effects by event time of the same cohorts throughout.

An average by event time mixes cohorts, and later event times hold the early ones alone: a path that grows may only say
that early cohorts gain more. With ``balance_event: b`` the cohorts are those that have every event time from 0 to b,
and the event times are those up to b that all of them have (R's ``aggte(..., balance_e = b)``, which also keeps event
times before treatment that some of its cohorts lack).
"""

from __future__ import annotations

import numpy as np

from estimation.results import BoolArray, FloatArray
from specs.errors import EstimationError

__all__ = ["balanced_cells", "balanced_told"]


def balanced_cells(cohorts: FloatArray, events: FloatArray, balance: int | None) -> BoolArray:
    """Return the cells that stay, (k,).

    Parameters
    ----------
    cohorts, events : (k,) arrays
        Of the cells that have an effect.
    balance : int or None
        None keeps all.

    Raises
    ------
    EstimationError
        If no cohort has every event time up to `balance`.
    """
    if balance is None:
        return np.ones(cohorts.size, dtype=np.bool_)
    wanted = np.arange(balance + 1)
    whole = [one for one in np.unique(cohorts) if np.isin(wanted, events[cohorts == one]).all()]
    if not whole:
        last = max((float(events[cohorts == one].max()) for one in np.unique(cohorts)), default=-1.0)
        raise EstimationError(
            f"balance_event: no cohort has an effect at every event time from 0 to {balance}; the last that any has is "
            f"{last:g}"
        )
    inside = np.isin(cohorts, whole) & (events <= balance)
    shared = [one for one in np.unique(events[inside]) if (inside & (events == one)).sum() == len(whole)]
    return np.asarray(inside & np.isin(events, shared), dtype=np.bool_)


def balanced_told(cohorts: FloatArray, events: FloatArray, balance: int) -> tuple[str, ...]:
    """Name the cohorts behind the event times, and those that are not."""
    inside = balanced_cells(cohorts, events, balance)
    kept, rest = np.unique(cohorts[inside]), np.setdiff1d(cohorts, cohorts[inside])
    told = f"event times up to {balance} of cohorts that have them all: {', '.join(f'{one:g}' for one in kept)}"
    return (told + (f"; without {', '.join(f'{one:g}' for one in rest)}" if rest.size else ""),)
