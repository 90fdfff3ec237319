"""Where the effects of a difference-in-differences stand: base years, event times, the rows behind a cell."""

from __future__ import annotations

from estimation.did.firms import DidFirms
from estimation.did.sample import DidSample

__all__ = ["base_years", "event_of", "treated_rows"]


def base_years(sample: DidSample) -> str:
    """Return the last year that there is before the effects of each cohort can begin."""
    years = sample.firms.years
    return ", ".join(
        f"{int(years[years < cohort - sample.anticipation].max())}" for cohort in sample.firms.cohorts
    )  # fmt: skip


def event_of(term: str) -> float:
    """Return the event time of a group-time effect, ``att[2021,2023]``: 2."""
    cohort, year = term[4:-1].split(",")
    return float(year) - float(cohort)


def treated_rows(firms: DidFirms, term: str) -> float:
    """Return what the treated rows of a group-time effect weigh."""
    cohort, year = (float(part) for part in term[4:-1].split(","))
    inside = (firms.cohort[firms.firm] == cohort) & (firms.years[firms.time] == year)
    return float(firms.mass()[firms.firm[inside]].sum())
