r"""``stacked``: each cohort beside firms that are not treated yet, the comparisons stacked in one regression.

A stack s holds the firms of one cohort g and its clean controls: rows of firms that are never treated and, with
``not_yet_treated``, rows of later cohorts in years before their own effects can begin. On the rows of all stacks

    y_its = sum over k of b_k 1[t - g_s = k] D_is + a_is + l_ts + x_i d_ts + e_its,    k other than -1 - anticipation,

D marks the cohort's firms (Cengiz, Dube, Lindner and Zipperer, 2019, online appendix D). An earlier cohort is
never a control of a later one. The window of a cohort is every year in which it has a clean control. A row of a control
stands in several stacks; what this module hands on is summed over them: of the shares by row, of the scores by firm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.did.firms import NEVER, DidFirms
from estimation.did.fitted import DidFit
from estimation.did.two_way import TwoWay, event_study
from estimation.results import BoolArray, FloatArray, IntArray
from specs.errors import EstimationError

__all__ = ["Stacks", "pile", "stacked"]

NO_CONTROL = "in no stack: no clean control in this year"
ALONE = "alone in its level of firm or year in every stack (singleton)"


@dataclass(frozen=True, slots=True, eq=False)
class Stacks:
    """The rows of all stacks, one stack below the other.

    Attributes
    ----------
    rows : (m,) integer array
        The place of each stacked row in the sample.
    stack : (m,) integer array
        0 to S - 1.
    cohorts : (S,) array
    without : (q,) array
        Cohorts that have no clean control, and no stack.
    """

    rows: IntArray
    stack: IntArray
    cohorts: FloatArray
    without: FloatArray


def pile(firms: DidFirms, control_group: str, anticipation: int = 0) -> Stacks:
    """Make a stack of every cohort that has a clean control.

    Parameters
    ----------
    firms : DidFirms
    control_group : str
        ``never_treated``, ``not_yet_treated``.
    anticipation : int
        Years before a cohort's in which effects can begin.

    Raises
    ------
    EstimationError
        If no cohort has one.
    """
    cohort, year = firms.cohort[firms.firm], firms.years[firms.time]
    never = cohort == NEVER
    waiting = never if control_group == "never_treated" else year < cohort - anticipation
    rows: list[IntArray] = []
    kept: list[float] = []
    without: list[float] = []
    for own in firms.cohorts:
        controls = waiting & (cohort > own)
        years = np.unique(firms.time[controls])
        treated = (cohort == own) & np.isin(firms.time, years)
        if not treated.any():
            without.append(float(own))
            continue
        kept.append(float(own))
        rows.append(np.flatnonzero(treated | (controls & np.isin(firms.time, np.unique(firms.time[treated])))))
    if not rows:
        advice = " (control_group: not_yet_treated takes later cohorts)" if control_group == "never_treated" else ""
        raise EstimationError(f"no cohort has a firm beside it that is not treated yet{advice}")
    sizes = [len(one) for one in rows]
    return Stacks(
        np.concatenate(rows), np.repeat(np.arange(len(rows)), sizes), np.array(kept), np.array(without)
    )  # fmt: skip


def stacked(
    firms: DidFirms,
    effects: Sequence[tuple[str, IntArray]],
    beside: FloatArray,
    clusters: IntArray,
    control_group: str = "never_treated",
    anticipation: int = 0,
) -> tuple[DidFit, None]:
    """Return the coefficients of event times, shared by all stacks, and ``att[simple]``: those from 0 on,
    weighed by their treated rows.

    Parameters
    ----------
    firms : DidFirms
    effects : sequence of (name, (n,) integer array)
        In the place of years.
    beside : (n, p) array
        Covariates of the base period by year: each stack has its own coefficients of them, as it has its own years.
    clusters : (n,) integer array
    control_group, anticipation
        See `pile`.

    Returns
    -------
    DidFit
        On the rows and firms of the sample. The small-sample factor counts stacked rows (`n_rows`), as a regression on
        the stacked data does.
    """
    stacks = pile(firms, control_group, anticipation)
    rows, stack = stacks.rows, stacks.stack
    codes, firm = np.unique(stack * firms.n_firms + firms.firm[rows], return_inverse=True)
    of_firm, of_stack = codes % firms.n_firms, codes // firms.n_firms
    own = firms.cohort[of_firm] == stacks.cohorts[of_stack]
    inside = DidFirms(
        firm.astype(np.int64), firms.time[rows], firms.y[rows], firms.years,
        np.where(own, firms.cohort[of_firm], NEVER), None if firms.weights is None else firms.weights[of_firm],
    )  # fmt: skip
    by_stack = [
        (name, one[rows] + stack * (int(one.max()) + 1)) for name, one in (effects or [("year", firms.time)])
    ]  # fmt: skip
    regression = TwoWay(
        inside, by_stack, _by_stack(beside[rows], stack, stacks.cohorts.size), [clusters[rows]], -1 - anticipation
    )
    found, _ = event_study(regression)
    return _of_the_sample(found, firms, stacks, of_firm, regression.keep), None


def _by_stack(columns: FloatArray, stack: IntArray, count: int) -> FloatArray:
    inside = stack[:, None] == np.arange(count)
    found: FloatArray = (columns[:, :, None] * inside[:, None, :]).reshape(len(stack), -1)
    return found


def _of_the_sample(found: DidFit, firms: DidFirms, stacks: Stacks, of_firm: IntArray, kept: BoolArray) -> DidFit:
    """Sum over stacks what belongs to one row, or one firm, of the sample."""
    n, k = firms.firm.size, len(found.terms)
    influence, shares = np.zeros((firms.n_firms, k)), np.zeros((n, k))
    np.add.at(influence, of_firm, found.influence)
    np.add.at(shares, stacks.rows, found.shares)
    treated = np.zeros((firms.n_firms, k), dtype=np.bool_)
    np.logical_or.at(treated, of_firm, found.treated)
    stood, used = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    stood[stacks.rows] = True
    used[stacks.rows[kept]] = True
    dropped = {NO_CONTROL: int((~stood).sum()), ALONE: int((stood & ~used).sum())}
    notes = found.notes
    if stacks.without.size:
        told = ", ".join(f"{cohort:g}" for cohort in stacks.without)
        notes = (*notes, f"no clean control beside the cohort of {told}: it has no stack")
    return replace(
        found, influence=influence, shares=shares, treated=treated, used=used, notes=notes,
        dropped={reason: count for reason, count in dropped.items() if count},
        n_rows=int(kept.sum()), stats={"n_stacks": stacks.cohorts.size, "n_rows_stacked": int(kept.sum())},
    )  # fmt: skip
