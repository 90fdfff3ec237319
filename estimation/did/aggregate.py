r"""Averages of group-time effects: simple, by event time, by cohort, by calendar year (Callaway and Sant'Anna, 2021).

With p_g the share of cohort g among the sample's firms (weighted), an average over cells k weighs them by
p_k / sum of p; that the shares are estimated is part of the influence function. Averages over event times and over
years weigh them equally.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimation.did.balanced import balanced_cells
from estimation.did.cells import CellEffect
from estimation.did.firms import DidFirms
from estimation.results import BoolArray, FloatArray

__all__ = ["AGGREGATES", "Averages", "GroupTime", "average", "group_time", "mass_average"]

AGGREGATES = ("simple", "event", "group", "calendar")


@dataclass(frozen=True, slots=True, eq=False)
class GroupTime:
    """Group-time effects on F firms.

    Attributes
    ----------
    effects : tuple of CellEffect
        The k cells that have one.
    years : (k,) array
        Calendar years of the cells.
    att : (k,) array
    influence : (F, k) array
    mass : (F,) array
        What the firms weigh.
    cohort : (F,) array
    """

    effects: tuple[CellEffect, ...]
    years: FloatArray
    att: FloatArray
    influence: FloatArray
    mass: FloatArray
    cohort: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Averages:
    """Averages of effects.

    Attributes
    ----------
    terms : tuple of str
        ``att[simple]``, ``event[-2]``, ``att[group=2021]``, ``att[calendar=2022]``.
    estimates : (m,) array
    influence : (F, m) array
    weights : (k, m) array
        On the cells.
    treated : (F, m) bool array
        The treated firms behind each.
    """

    terms: tuple[str, ...]
    estimates: FloatArray
    influence: FloatArray
    weights: FloatArray
    treated: BoolArray


def group_time(firms: DidFirms, effects: Sequence[CellEffect]) -> GroupTime:
    """Put the cells' influence functions side by side over all firms."""
    influence = np.zeros((firms.n_firms, len(effects)))
    for number, one in enumerate(effects):
        influence[one.firms, number] = one.influence
    years = np.array([float(firms.years[one.cell.year]) for one in effects])
    return GroupTime(
        tuple(effects), years, np.array([one.att for one in effects]), influence, firms.mass(), firms.cohort
    )


def cells_by_cohort(found: GroupTime) -> tuple[FloatArray, FloatArray]:
    """Return the cells' cohorts and event times, (k,) each."""
    cohorts = np.array([one.cell.cohort for one in found.effects])
    return cohorts, found.years - cohorts


def average(found: GroupTime, kinds: Sequence[str], balance: int | None = None) -> Averages:
    """Average effects.

    Parameters
    ----------
    found : GroupTime
    kinds : sequence of str
        Of `AGGREGATES`. ``event`` gives every event time and, as ``att[event]``, the mean of those from 0 on; ``group``
        and ``calendar`` their levels and the overall effect.
    balance : int, optional
        Event times up to this one, of the cohorts that have them all (`estimation.did.balanced`).

    Returns
    -------
    Averages
    """
    cohorts, events = cells_by_cohort(found)
    after = events >= 0
    parts: list[Averages] = []
    for kind in dict.fromkeys(kinds):
        if kind == "simple":
            parts.append(mass_average(found, "att[simple]", after))
        elif kind == "event":
            inside = balanced_cells(cohorts, events, balance)
            times = np.unique(events[inside])
            levels = [mass_average(found, f"event[{event:g}]", inside & (events == event)) for event in times]
            later = [one for one, event in zip(levels, times, strict=True) if event >= 0]
            parts += [*levels, *([_mean(later, "att[event]")] if later else [])]
        elif kind == "group":
            groups = np.unique(cohorts[after])
            levels = [_equal(found, f"att[group={group:g}]", after & (cohorts == group)) for group in groups]
            parts += [*levels, _over_groups(found, levels, groups)]
        else:
            times = np.unique(found.years[after])
            levels = [mass_average(found, f"att[calendar={year:g}]", after & (found.years == year)) for year in times]
            parts += [*levels, _mean(levels, "att[calendar]")]
    return _beside(parts)


def _beside(parts: Sequence[Averages]) -> Averages:
    return Averages(
        tuple(term for part in parts for term in part.terms),
        np.concatenate([part.estimates for part in parts]),
        np.column_stack([part.influence for part in parts]),
        np.column_stack([part.weights for part in parts]),
        np.column_stack([part.treated for part in parts]),
    )


def _shares(found: GroupTime, cohorts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return weights by cohort that add up to one, (m,), and their influence functions, (F, m)."""
    total = found.mass.sum()
    inside = (found.cohort[:, None] == cohorts) * found.mass[:, None]
    share = inside.sum(axis=0) / total
    all_ = share.sum()
    # psi of a share is (w 1(G = g) - w p_g) / sum of w; a ratio of them by the delta method.
    of_share = (inside - found.mass[:, None] * share) / total
    influence = of_share / all_ - of_share.sum(axis=1, keepdims=True) * share / all_**2
    return share / all_, influence


def mass_average(found: GroupTime, term: str, kept: BoolArray) -> Averages:
    """Average some cells by the mass of their cohorts."""
    cells = np.flatnonzero(kept)
    cohorts = np.array([found.effects[cell].cell.cohort for cell in cells])
    share, of_share = _shares(found, cohorts)
    weights = np.zeros(kept.size)
    weights[cells] = share
    influence = found.influence[:, cells] @ share + of_share @ found.att[cells]
    return _one(found, term, weights, influence)


def _equal(found: GroupTime, term: str, kept: BoolArray) -> Averages:
    weights = np.where(kept, 1.0 / kept.sum(), 0.0)
    return _one(found, term, weights, found.influence @ weights)


def _one(found: GroupTime, term: str, weights: FloatArray, influence: FloatArray) -> Averages:
    treated = np.zeros(found.mass.size, dtype=np.bool_)
    for number in np.flatnonzero(weights):
        one = found.effects[number]
        treated[one.firms[found.cohort[one.firms] == one.cell.cohort]] = True
    estimate = np.array([float(found.att @ weights)])
    return Averages((term,), estimate, influence[:, None], weights[:, None], treated[:, None])


def _mean(levels: Sequence[Averages], term: str) -> Averages:
    together = _beside(levels)
    return Averages(
        (term,),
        together.estimates.mean(keepdims=True),
        together.influence.mean(axis=1, keepdims=True),
        together.weights.mean(axis=1, keepdims=True),
        _any(together.treated),
    )


def _over_groups(found: GroupTime, levels: Sequence[Averages], groups: FloatArray) -> Averages:
    together = _beside(levels)
    share, of_share = _shares(found, groups)
    influence = together.influence @ share + of_share @ together.estimates
    return Averages(
        ("att[group]",),
        np.array([float(together.estimates @ share)]),
        influence[:, None],
        (together.weights @ share)[:, None],
        _any(together.treated),
    )


def _any(treated: BoolArray) -> BoolArray:
    """Return the firms behind some of the columns, as a column."""
    return np.asarray(treated.any(axis=1), dtype=np.bool_)[:, None]
