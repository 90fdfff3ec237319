"""``callaway_santanna``: group-time effects on the two periods of every cell, and their averages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from estimation.did.aggregate import Averages, GroupTime, average, cells_by_cohort, group_time
from estimation.did.balanced import balanced_told
from estimation.did.cells import Cell, CellEffect, CellFirms, CellProblem, cells_of, effect_of
from estimation.did.cross_sections import CellRows, effect_of_rows
from estimation.did.fitted import DidFit
from estimation.did.sample import DidSample, control_firms
from estimation.results import BoolArray, FloatArray
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["CellRules", "callaway_santanna"]

IN_NO_CELL = {
    False: "in no cell: the firm is not seen in a base year and a year to compare it with",
    True: "in no cell: a row of neither a base year nor a year that is compared with one",
}
Effect = Callable[[Cell], CellEffect | CellProblem]


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
    cross_sections : bool
        Each year's firms are its own: a firm counts in a cell if it is seen in one of its years.
    balance_event : int or None
        Event times up to this one, of the cohorts that have them all.
    """

    adjustment: str
    control_group: str
    base_period: str
    aggregate: tuple[str, ...]
    cross_sections: bool = False
    balance_event: int | None = None


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
            "control_group: never_treated, and every firm is treated in the end"
            + (": write control_group: not_yet_treated" if firms.cohorts.size > 1 else ", all in the same year")
        )
    effects: list[CellEffect] = []
    problems: list[CellProblem] = []
    effect = _of_rows(sample, rules) if rules.cross_sections else _of_pairs(sample, rules)
    for cell in _asked(sample, rules):
        found = effect(cell)
        if isinstance(found, CellEffect):
            effects.append(found)
        else:
            problems.append(found)
    notes = (*_told(sample, problems), *_lacking(sample, rules))
    if not any(one.cell.event >= 0 for one in effects):
        why = "; ".join(notes) or "no cohort has a year before its treatment"
        raise EstimationError(f"no group-time effect can be estimated: {why}")
    together = group_time(firms, effects)
    averaged = average(together, rules.aggregate, rules.balance_event)
    if rules.balance_event is not None:
        notes += balanced_told(*cells_by_cohort(together), rules.balance_event)
    if sample.censored:
        averaged = _with_years_before(sample, together, averaged)
    trimmed = sum(one.trimmed for one in effects)
    if trimmed:
        said = f"{counted(trimmed, 'firm')} left out of cells as controls"
        notes += (f"{said}: their probability of treatment is 0.995 or more",)
    notes += _covered(together, problems, firms.cohort, firms.mass())
    shares = _shares(sample, together)
    used = (shares != 0).any(axis=1)
    seen = _cells_terms(sample, together)
    alone = int((~used).sum())
    dropped = {IN_NO_CELL[rules.cross_sections]: alone} if alone else {}
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


def _of_pairs(sample: DidSample, rules: CellRules) -> Effect:
    """Return how a cell is estimated on the firms that are seen in both of its years."""
    firms = sample.firms
    place = np.full((firms.n_firms, firms.years.size), -1, dtype=np.int64)
    place[firms.firm, firms.time] = np.arange(firms.firm.size)
    known: BoolArray = np.asarray(~np.isnan(firms.covariates).any(axis=1), dtype=np.bool_)
    mass = firms.mass()

    def effect(cell: Cell) -> CellEffect | CellProblem:
        treated: BoolArray = np.asarray(firms.cohort == cell.cohort, dtype=np.bool_)
        now, base = place[:, cell.year], place[:, cell.base]
        both = (treated | _controls(sample, rules, cell)) & (now >= 0) & (base >= 0)
        inside = np.flatnonzero(both & known[base])
        rows = np.array([now[inside], base[inside]])
        change, x = firms.y[rows[0]] - firms.y[rows[1]], firms.covariates[rows[1]]
        found = CellFirms(inside, rows, change, treated[inside], x, firms.names, mass[inside])
        return effect_of(cell, found, rules.adjustment)

    return effect


def _of_rows(sample: DidSample, rules: CellRules) -> Effect:
    """Return how a cell is estimated on the rows of its two years."""
    firms = sample.firms
    known, mass = ~np.isnan(firms.covariates).any(axis=1), firms.mass()[firms.firm]

    def effect(cell: Cell) -> CellEffect | CellProblem:
        treated: BoolArray = np.asarray(firms.cohort == cell.cohort, dtype=np.bool_)
        of_years = (firms.time == cell.year) | (firms.time == cell.base)
        either: BoolArray = np.asarray(treated | _controls(sample, rules, cell), dtype=np.bool_)
        rows = np.flatnonzero(known & of_years & either[firms.firm])
        firm = firms.firm[rows]
        found = CellRows(
            rows, firm, firms.y[rows], treated[firm], firms.time[rows] == cell.year, firms.covariates[rows],
            firms.names, mass[rows],
        )  # fmt: skip
        return effect_of_rows(cell, found, rules.adjustment)

    return effect


def _controls(sample: DidSample, rules: CellRules, cell: Cell) -> BoolArray:
    latest = max(cell.year, cell.base)
    return control_firms(sample.firms, rules.control_group, cell.cohort, latest, sample.anticipation)


def _lacking(sample: DidSample, rules: CellRules) -> tuple[str, ...]:
    """Say what leaves cells because a covariate is missing."""
    firms = sample.firms
    unknown = np.isnan(firms.covariates).any(axis=1)
    if rules.cross_sections:
        lost = int(unknown.sum())
        return (f"{lost:,} rows lack a covariate: they leave the cells of their year",) if lost else ()
    lost_firms = np.zeros(firms.n_firms, dtype=np.bool_)
    for cell in _asked(sample, rules):
        inside = (firms.cohort == cell.cohort) | _controls(sample, rules, cell)
        there = np.bincount(firms.firm[firms.time == cell.year], minlength=firms.n_firms) > 0
        at_base = firms.firm[unknown & (firms.time == cell.base)]
        lost_firms[at_base[(inside & there)[at_base]]] = True
    lost = int(lost_firms.sum())
    told = f"{lost:,} firm{'s' if lost != 1 else ''} lack{'s' if lost == 1 else ''} a covariate in their base period"
    return (f"{told}: they leave the cells of that period",) if lost else ()


def _told(sample: DidSample, problems: Sequence[CellProblem]) -> tuple[str, ...]:
    """Name the cells without an effect, by reason."""
    by_reason: dict[str, list[str]] = {}
    for one in problems:
        name = f"att[{one.cell.cohort:g},{sample.firms.years[one.cell.year]:g}]"
        firms = f"{counted(one.n_treated, 'firm')} treated, {counted(one.n_controls, 'firm')} beside them"
        by_reason.setdefault(one.reason, []).append(f"{name} ({firms})")
    notes = [f"not estimated: {', '.join(cells)}: {reason}" for reason, cells in by_reason.items()]
    left = [
        f"{cohort:g}" for cohort in sample.firms.cohorts
        if not (sample.firms.years < cohort - sample.anticipation).any()
    ]  # fmt: skip
    if left:
        notes.append(f"cohorts without a year before their effects can begin: {', '.join(left)}")
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
    shares = np.zeros((sample.firms.firm.size, len(found.effects)))
    for number, one in enumerate(found.effects):
        shares[one.rows, number] = one.shares
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
