"""The years that a difference-in-differences names, against those of the panel: waves, base year, cohorts, placebos.

At the first gate against ``panel.years``, where it is written; before anything is estimated against the years that
there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from specs.errors import Problem
from tfplab.places import dotted, nearest

if TYPE_CHECKING:
    from panels.frame import FirmPanel
    from tfplab.plan import ModelPlan, Plan

__all__ = ["check_dates", "check_dates_of"]

Place = tuple[str | int, ...]


def check_dates(plan: Plan) -> list[Problem]:
    """Find years outside ``panel.years``; nothing where it is not written.

    Parameters
    ----------
    plan : Plan
    """
    panel = plan.spec.panel
    if panel is None or panel.years is None:
        return []
    first, last = panel.years
    said = f"panel.years are {first} to {last}"
    return [one for model in _dated(plan) for one in _problems(model, range(first, last + 1), said)]


def check_dates_of(plan: Plan, panel: FirmPanel) -> list[Problem]:
    """Find years that no row of the panel has, and cohorts of which none begins within its years.

    Parameters
    ----------
    plan : Plan
    panel : FirmPanel
        Without productivity columns: cohorts that rest on them are known after estimation.
    """
    models = list(_dated(plan))
    if not models:
        return []
    years = sorted({int(year) for year in panel.select(()).year})
    if not years:
        return []
    gaps = "" if len(years) == years[-1] - years[0] + 1 else ", with gaps"
    said = f"the panel has the years {years[0]} to {years[-1]}{gaps}"
    problems = [one for model in models for one in _problems(model, years, said)]
    later = {*plan.productivity_names, *plan.late_variables}
    for model in models:
        adoption = model.options.adoption
        if adoption.cohort is not None and adoption.cohort not in later:
            problems += _cohorts(model, panel, years, said)
    return problems


def _dated(plan: Plan) -> Iterator[ModelPlan]:
    return (one for one in plan.models if getattr(one.options, "adoption", None) is not None)


def _problems(model: ModelPlan, years: Sequence[int], said: str) -> Iterator[Problem]:
    """Yield what a model's years lack among those that there are, ascending."""
    options: Any = model.options
    adoption = options.adoption
    absent = [place for place, wave in enumerate(adoption.waves) if wave not in years]
    for place in absent:
        what = f"the wave {adoption.waves[place]} is no year of the panel"
        yield _at(model, ("adoption", "waves", place), what, said, "widen panel.years, or name the waves that it holds")
    if adoption.base_year is not None and adoption.base_year not in years:
        what = f"the base year {adoption.base_year} is no year of the panel"
        yield _at(model, ("adoption", "base_year"), what, said, "widen panel.years, or take a base year that it holds")
    elif adoption.waves and adoption.base_year is None and not absent and len(adoption.waves) == 2:
        base = adoption.last_base - options.anticipation
        if base not in years:
            what = f"the base year of these waves, {base}, is no year of the panel"
            yield _at(model, ("adoption", "waves"), what, said, "widen panel.years, or write a base_year that it holds")
    placebo = options.sensitivity.placebo if options.sensitivity is not None else None
    for place, date in enumerate(placebo.dates if placebo is not None else ()):
        where: Place = ("sensitivity", "placebo", "dates", place)
        if date not in years:
            yield _at(model, where, f"the placebo date {date} is no year of the panel", said, "")
        elif not any(year < date - options.anticipation for year in years):
            what = f"no year of the panel lies before the placebo date {date}"
            if options.anticipation:
                what += f" less {options.anticipation} of anticipation"
            yield _at(model, where, what, f"{said}, and there is nothing to compare it with", "name a later year")


def _cohorts(model: ModelPlan, panel: FirmPanel, years: Sequence[int], said: str) -> Iterator[Problem]:
    """Yield that no firm is first treated in a year of the panel that has one before it."""
    import numpy as np

    from panels.frame import NumberColumn

    adoption = model.options.adoption
    column = panel.select((adoption.cohort,)).columns[adoption.cohort]
    if not isinstance(column, NumberColumn):
        return  # said where columns are looked up
    found = np.unique(column.values[np.isfinite(column.values)])
    found = found[found != adoption.never] if adoption.never is not None else found
    if found.size and not ((found > years[0]) & (found <= years[-1])).any():
        span = f"{found[0]:g}" if found.size == 1 else f"{found[0]:g} to {found[-1]:g}"
        what = f"no firm is first treated in a year of the panel after its first: {adoption.cohort} is {span}"
        advice = (
            "" if adoption.never is not None else "if it marks firms that are never treated, write never: in adoption"
        )
        yield _at(model, ("adoption", "cohort"), what, said, advice)


def _at(model: ModelPlan, place: Place, what: str, meaning: str, advice: str) -> Problem:
    path = dotted(model.path, place)
    return Problem(nearest(model.node, place).position, path, what, meaning, advice)
