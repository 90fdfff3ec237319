"""The panel in words: every step that a spec asks for, in the order in which it is taken."""

from __future__ import annotations

from collections.abc import Iterator

from panels.plan import DEFLATED
from specs.cleaning import CleanSpec
from specs.linking import LinkSpec
from specs.panel import PanelSpec
from tfplab.plan import Plan
from tfplab.sources import input_files

__all__ = ["panel_steps"]

_YEARS = {
    "orbis": "The year of an accounting period is the one in which it closes, the one before if it closes before June.",
    "calendar": "Spread the flows of accounting periods by days over the calendar years that they touch, and add them "
    "up; stocks are those of the period that closes in the year.",
}
_PERIODS = {
    "sum": "Add up two accounting periods of a firm in one year if together they are 13 months or less, all else being "
    "that of the one that closes last; of others keep the longest.",
    "longest": "Of two accounting periods of a firm in one year keep the longest.",
}
_JUMPS = {
    "drop": "Drop the rows in which",
    "blank": "Blank the numbers behind what moved, where",
    "firm": "Drop with all their rows the firms of which",
}


def panel_steps(plan: Plan) -> Iterator[str]:
    """Yield a sentence or two a step.

    Parameters
    ----------
    plan : Plan
    """
    panel = plan.panel.panel
    clean = panel.clean or CleanSpec()
    yield _read(plan, panel)
    if clean.numbers == "enterprise":
        yield "Bring enterprise numbers to ten digits and check their last two; rows with another number leave."
    if panel.accounts is not None and clean.filings != "refuse":
        when = "" if clean.filings == "latest" else ", where the layout says which that is"
        yield f"Of several filings of a firm for one accounting year keep the latest{when}."
    if clean.year in _YEARS:
        yield _YEARS[clean.year]
    if panel.years is not None:
        yield f"Keep the years {panel.years[0]} to {panel.years[1]}."
    if clean.periods in _PERIODS:
        yield _PERIODS[clean.periods]
    if clean.months is not None:
        yield (
            f"Drop accounting years shorter than {clean.months[0]} or longer than {clean.months[1]} months; bring the "
            "flows of the others to twelve months. Stocks are not scaled."
        )
    if panel.link is not None and panel.link.bridge is not None:
        yield (
            f"Put legal units together by enterprise (layout {panel.link.bridge.layout}), each where it belongs at the "
            "closing date of its accounting year: amounts, heads and FTE are summed, the rest is the largest unit's "
            "unless the layout says otherwise."
        )
    yield from _wanted(clean)
    if panel.deflators is not None:
        pairs = ", ".join(f"{name} by {index}" for name, index in DEFLATED.items())
        yield f"Deflate to prices of the base year: {pairs}."
    if clean.capital is not None:
        one = clean.capital
        yield (
            f"Make capital_pim by perpetual inventory: {1 - one.depreciation:g} of the year before and "
            f"{one.investment}, from a firm's first {one.stock} on; after a gap it begins again."
        )
    if panel.survey is not None:
        yield (
            f"Link the survey (layout {panel.survey.layout}) on the firm's number and the wave's year; linked is 1 "
            "where the firm answered that year. Answers of firms that were not asked are missing."
        )
    if panel.link is not None:
        yield from _weighed(panel.link)
    if plan.early_variables:
        lags = (
            " Their lags see the rows that the next step leaves out."
            if panel.where_ever is not None or panel.where is not None
            else ""
        )
        yield f"Derive the variables below.{lags}"
    if panel.where_ever is not None:
        yield f"Keep all years of firms for which, in at least one year, {panel.where_ever.text}."
    if panel.where is not None:
        yield f"Keep rows where {panel.where.text}."


def _read(plan: Plan, panel: PanelSpec) -> str:
    names = [file.shown for file in input_files(plan.spec)]
    listed = ", ".join(names if len(names) <= 4 else [*names[:3], f"... ({len(names)} files)"])
    step = f"Read {listed}."
    if panel.table is not None:
        step += f" One row a firm ({panel.firm}) and year ({panel.year})."
    if panel.accounts is not None:
        step += f" Accounts by the layout {panel.accounts.layout}: every firm-year stays, unless a step below says so."
    return step


def _wanted(clean: CleanSpec) -> Iterator[str]:
    """Rows that are too small, lack something, or lie far out."""
    if clean.minimum_employees is not None:
        yield f"Drop rows with fewer than {clean.minimum_employees:g} employees, or an unknown number."
    if clean.missing_intermediates == "drop":
        yield "Drop rows without materials."
    if clean.require:
        yield f"Drop rows for which one of these is false or not known: {', '.join(one.text for one in clean.require)}."
    if clean.trim is not None:
        trim = clean.trim
        within = f" within {' x '.join(trim.by)}" if trim.by else ""
        yield (
            f"{trim.action.capitalize()} what lies beyond the quantiles {trim.quantiles[0]:g} and "
            f"{trim.quantiles[1]:g} of {', '.join(one.text for one in trim.of)}{within}."
        )
    if clean.jumps is not None:
        moved = " or ".join(one.text for one in clean.jumps.of)
        yield f"{_JUMPS[clean.jumps.action]} {moved} moved by more than {clean.jumps.above:g} in logs within a year."


def _weighed(link: LinkSpec) -> Iterator[str]:
    propensity = link.propensity
    if propensity is not None:
        shares = " and ".join(f"{share:g}" for share in propensity.trim)
        yield (
            "Weigh the linked units (link_weight): design weight over the probability of being linked, by a logit a "
            f"wave on {', '.join(propensity.covariates)}; drawn in to the quantiles {shares}, with a mean of one."
        )
