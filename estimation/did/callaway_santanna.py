"""``callaway_santanna``: group-time effects on the two periods of every cell, and their averages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimation.did.aggregate import Averages, GroupTime, average, group_time
from estimation.did.cells import Cell, CellEffect, CellProblem, cells_of, effect_of
from estimation.did.fitted import DidFit
from estimation.did.sample import DidSample, control_firms
from estimation.results import FloatArray
from specs.errors import EstimationError

__all__ = ["CellRules", "callaway_santanna"]


@dataclass(frozen=True, slots=True)
class CellRules:
    """How cells are made.

    Attributes
    ----------
    adjustment : str
        ``dr``, ``ipw``, ``reg``.
    control_group : str
        ``never_treated``, ``not_yet_treated``.
    base_period : str
        ``universal``, ``varying``.
    aggregate : tuple of str
    """

    adjustment: str
    control_group: str
    base_period: str
    aggregate: tuple[str, ...]


def callaway_santanna(sample: DidSample, rules: CellRules) -> tuple[DidFit, DidFit]:
    """Estimate group-time effects.

    Returns
    -------
    averages, cells : DidFit
        The averages asked for, and the effects behind them.

    Raises
    ------
    EstimationError
        If no cell has an effect after treatment.
    """
    firms = sample.firms
    if rules.control_group == "never_treated" and not np.isinf(firms.cohort).any():
        raise EstimationError(
            "control_group: never_treated, and every firm is treated in the end: write control_group: not_yet_treated"
        )
    y, x, mass = firms.wide(firms.y), firms.wide(firms.covariates), firms.mass()
    effects: list[CellEffect] = []
    problems: list[CellProblem] = []
    lacking = np.zeros(firms.n_firms, dtype=np.bool_)
    for cell in _asked(sample, rules):
        treated = firms.cohort == cell.cohort
        latest = max(cell.year, cell.base)
        controls = control_firms(firms, rules.control_group, cell.cohort, latest, sample.anticipation)
        both = (treated | controls) & ~np.isnan(y[:, cell.year]) & ~np.isnan(y[:, cell.base])
        known = ~np.isnan(x[:, cell.base]).any(axis=1)
        lacking |= both & ~known
        inside = np.flatnonzero(both & known)
        change = y[inside, cell.year] - y[inside, cell.base]
        found = effect_of(cell, inside, change, treated[inside], x[inside, cell.base], mass[inside], rules.adjustment)
        if isinstance(found, CellEffect):
            effects.append(found)
        else:
            problems.append(found)
    notes = _told(sample, problems, int(lacking.sum()))
    if not any(one.cell.event >= 0 for one in effects):
        why = "; ".join(notes) or "no cohort has a year before its treatment"
        raise EstimationError(f"no group-time effect can be estimated: {why}")
    together = group_time(firms, effects)
    averaged = average(together, rules.aggregate)
    if sample.censored:
        averaged = _with_years_before(sample, together, averaged)
    trimmed = sum(one.trimmed for one in effects)
    if trimmed:
        notes += (f"{trimmed:,} controls of cells left out: their probability of treatment is 0.995 or more",)
    notes += _covered(together, problems, firms.cohort, mass)
    shares = _shares(sample, together)
    used = (shares != 0).any(axis=1)
    seen = _cells_terms(sample, together)
    alone = int((~used).sum())
    dropped = {"in no cell: the firm is not seen in a base year and a year to compare it with": alone} if alone else {}
    main = DidFit(
        averaged.terms, averaged.estimates, averaged.influence, shares @ averaged.weights, averaged.treated, used, None,
        _sides(sample, together), notes, dropped,
    )  # fmt: skip
    cells = DidFit(
        seen.terms, seen.estimates, seen.influence, shares, seen.treated, used, None,
    )  # fmt: skip
    return main, cells


def _asked(sample: DidSample, rules: CellRules) -> Sequence[Cell]:
    cells = cells_of(sample.firms.years, sample.firms.cohorts, rules.base_period, sample.anticipation)
    if not sample.censored:
        return cells
    # Between the waves it is not known who was treated: there is nothing to estimate.
    return [cell for cell in cells if cell.event >= 0 or cell.event < -sample.anticipation]


def _told(sample: DidSample, problems: Sequence[CellProblem], lacking: int) -> tuple[str, ...]:
    """Name the cells without an effect, by reason, and what leaves cells."""
    by_reason: dict[str, list[str]] = {}
    for one in problems:
        name = f"att[{one.cell.cohort:g},{sample.firms.years[one.cell.year]:g}]"
        firms = f"{one.n_treated:,} firms treated, {one.n_controls:,} firms beside them"
        by_reason.setdefault(one.reason, []).append(f"{name} ({firms})")
    notes = [f"not estimated: {', '.join(cells)}: {reason}" for reason, cells in by_reason.items()]
    left = [
        f"{cohort:g}" for cohort in sample.firms.cohorts
        if not (sample.firms.years < cohort - sample.anticipation).any()
    ]  # fmt: skip
    if left:
        notes.append(f"cohorts without a year before their effects can begin: {', '.join(left)}")
    if lacking:
        notes.append(f"{lacking:,} firms lack a covariate in their base period: they leave the cells of that period")
    return tuple(notes)


def _covered(
    found: GroupTime, problems: Sequence[CellProblem], cohort: FloatArray, mass: FloatArray
) -> tuple[str, ...]:
    """Say what share of the treated firms' years after treatment the effects cover, where it is not all."""
    lost = [one for one in problems if one.cell.event >= 0]
    if not lost:
        return ()
    weight = {value: float(mass[cohort == value].sum()) for value in np.unique(cohort)}
    there = sum(weight[one.cell.cohort] for one in found.effects if one.cell.event >= 0)
    gone = sum(weight[one.cell.cohort] for one in lost)
    return (f"the averages cover {100 * there / (there + gone):.1f} % of the treated firms' years after treatment",)


def _shares(sample: DidSample, found: GroupTime) -> FloatArray:
    """Return T of the cells, (n, k): the weights of each row's outcome."""
    firms = sample.firms
    shares = np.zeros((firms.firm.size, len(found.effects)))
    wide = np.zeros((firms.n_firms, firms.years.size))
    for number, one in enumerate(found.effects):
        wide[:] = 0.0
        wide[one.firms, one.cell.year] = one.shares
        wide[one.firms, one.cell.base] = -one.shares
        shares[:, number] = wide[firms.firm, firms.time]
    return shares


def _sides(sample: DidSample, found: GroupTime) -> dict[str, float | int | None]:
    """Count the firms on either side of the cells after treatment: a firm that is not treated yet is a control too."""
    sides = np.zeros((2, sample.firms.n_firms), dtype=np.bool_)
    for one in found.effects:
        if one.cell.event >= 0:
            own = found.cohort[one.firms] == one.cell.cohort
            sides[0, one.firms[own]], sides[1, one.firms[~own]] = True, True
    return {"n_treated_firms": int(sides[0].sum()), "n_control_firms": int(sides[1].sum())}


def _cells_terms(sample: DidSample, found: GroupTime) -> Averages:
    names = tuple(f"att[{one.cell.cohort:g},{year:g}]" for one, year in zip(found.effects, found.years, strict=True))
    treated = np.zeros((sample.firms.n_firms, len(names)), dtype=np.bool_)
    for number, one in enumerate(found.effects):
        treated[one.firms[found.cohort[one.firms] == one.cell.cohort], number] = True
    return Averages(names, found.att, found.influence, np.eye(len(names)), treated)


def _with_years_before(sample: DidSample, found: GroupTime, averaged: Averages) -> Averages:
    """Add, for adoption between waves, the effects of the years before: ``pre[2017]``, all cohorts together."""
    from estimation.did.aggregate import mass_average

    events = np.array([one.cell.event for one in found.effects])
    early = events < -sample.anticipation
    parts = [
        mass_average(found, f"pre[{year:g}]", early & (found.years == year)) for year in np.unique(found.years[early])
    ]
    return Averages(
        (*averaged.terms, *(part.terms[0] for part in parts)),
        np.concatenate([averaged.estimates, *(part.estimates for part in parts)]),
        np.column_stack([averaged.influence, *(part.influence for part in parts)]),
        np.column_stack([averaged.weights, *(part.weights for part in parts)]),
        np.column_stack([averaged.treated, *(part.treated for part in parts)]),
    )
