"""What may be seen of a panel's columns, years and distributions: the one place where `tfplab panel` withholds of them.

A count of firms from 1 to ``minimum`` - 1 is withheld, and so is the smallest beside it from which it would follow:
over the levels of a column, the levels that make up one of another column (divisions of a section), and the years.
What is withheld is None.

A mean of two values is a share: enough firms must have either. Any other mean is withheld where one firm or two
dominate its sum. Of columns of the survey nothing is told where the count of those without an answer, or of those that
found no accounts, would be small: the means of whole numbers give their number away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from panels.describe import ColumnSummary, LevelCount, Nesting, YearSummary
from panels.distributions import YearDistribution
from reports.few_firms import to_hide

__all__ = ["DOMINANCE_ONE", "DOMINANCE_TWO", "shown_panel"]

DOMINANCE_ONE = 0.50
"""The (1, 50) rule: no mean where one firm has more of the sum of absolute values, over all its rows."""

DOMINANCE_TWO = 0.85
"""The (2, 85) rule: nor where two firms have more."""

_SURVEY_NACE = "survey_nace"

_Key = tuple[str, str]


def shown_panel(
    columns: Sequence[ColumnSummary],
    nestings: Sequence[Nesting],
    years: Sequence[YearSummary],
    distributions: Sequence[YearDistribution],
    linkage: Mapping[str, Any] | None,
    minimum: int,
) -> dict[str, Any]:
    """Return columns, years and distributions as plain data, without what rests on too few firms.

    Parameters
    ----------
    columns : sequence of ColumnSummary
    nestings : sequence of Nesting
    years : sequence of YearSummary
    distributions : sequence of YearDistribution
    linkage : mapping or None
        As `reports.link_disclosure.shown_linkage` returns it: where it withholds how many are linked, so does this.
    minimum : int

    Returns
    -------
    dict
        ``columns``, ``by_year``, ``distributions``.
    """
    unlinked = {one["wave"] for one in linkage["waves"] if one["linked"] is None} if linkage is not None else set()
    hidden_years = _hidden_years(years, unlinked, minimum)
    linked_known = ("linked", "") not in hidden_years
    untold = {one.name for one in columns if _untold(one, years, linked_known, minimum)}
    # The levels of the linked by their section stand in the match rates, which withhold some of them.
    of_levels = [one for one in columns if one.levels and (linkage is None or one.name != _SURVEY_NACE)]
    # Other texts of the survey may be the same groups by another name, such as classes of its employees.
    grouped = linkage is None or all(one["linked"] is not None for one in linkage["rates"])
    told = [one for one in of_levels if grouped or not one.of_survey]
    gone = _hidden_counts(columns, years, hidden_years, untold, minimum)
    untold |= {name for name, year in gone if not year}
    levels, wholes = _hidden_levels(told, nestings, untold, minimum)
    untold |= wholes
    levels |= {(one.name, level.level) for one in of_levels if one not in told for level in one.levels}
    shown_levels = {one.name: _levels(one, levels) for one in of_levels}
    return {
        "columns": [
            _column(one, untold, linked_known, minimum) | {"levels": shown_levels.get(one.name, [])} for one in columns
        ],
        "by_year": [
            {"year": one.year, **{
                key: None if (key, str(one.year)) in hidden_years else getattr(one, key)
                for key in ("firms", "also_year_before", "linked")
            }}
            for one in years
        ],
        "distributions": [
            {**asdict(one), "firms": None if (one.column, str(one.year)) in gone else one.firms}
            for one in distributions
        ],
    }  # fmt: skip


def _small(count: int, minimum: int) -> bool:
    return 0 < count < minimum


def _hidden_years(years: Sequence[YearSummary], unlinked: Collection[int], minimum: int) -> set[_Key]:
    """Return which counts of which years are withheld; ``("linked", "")`` is how many are linked in all."""
    counts: dict[_Key, int] = {("firms", ""): sum(one.firms for one in years)}
    sums: list[tuple[_Key, list[_Key]]] = [(("firms", ""), [("firms", str(one.year)) for one in years])]
    also: set[_Key] = set()
    for one in years:
        parts = {"also_year_before": one.also_year_before, "linked": one.linked}
        year = str(one.year)
        counts["firms", year] = one.firms
        for key, number in parts.items():
            if number is not None:
                rest = f"not {key}"
                counts |= {(key, year): number, (rest, year): one.firms - number}
                sums.append((("firms", year), [(key, year), (rest, year)]))
    linked = [("linked", str(one.year)) for one in years if one.linked is not None]
    if linked:
        counts["linked", ""] = sum(counts[key] for key in linked)
        sums.append((("linked", ""), linked))
        also = {("linked", str(year)) for year in unlinked if ("linked", str(year)) in counts}
        also |= {("linked", "")} if unlinked else set()
    return to_hide(counts, sums, minimum, also)


def _untold(one: ColumnSummary, years: Sequence[YearSummary], linked_known: bool, minimum: int) -> bool:
    """Return whether the number of its values is withheld."""
    if _small(one.firms, minimum):
        return True
    if not one.of_survey:
        return False
    linked = {year.year: year.linked or 0 for year in years}
    # Those asked are those that said yes to what an item is asked of, those not asked said no.
    counts = (count for year in one.years for count in (year.rows, linked[year.year] - year.rows))
    return not linked_known or any(_small(count, minimum) for count in counts)


def _hidden_levels(
    columns: Sequence[ColumnSummary], nestings: Sequence[Nesting], untold: Collection[str], minimum: int
) -> tuple[set[_Key], set[str]]:
    """Return the levels that are withheld, by column and level, and the columns whose total is."""
    # A level may have any name, also none; the total has none.
    levels = {(one.name, f"={level.level}"): level for one in columns for level in one.levels}
    counts = {key: level.firms for key, level in levels.items()}
    names = {one.name for one in columns}
    # Parts first: a level beside them protects them and what they make up.
    sums = [
        ((one.column, f"={one.level}"), [(one.within, f"={part}") for part in one.parts])
        for one in nestings
        if {one.column, one.within} <= names
    ]
    for one in columns:
        counts[one.name, ""] = one.firms
        sums.append(((one.name, ""), [(one.name, f"={level.level}") for level in one.levels]))

    def together(keys: Sequence[_Key]) -> int:
        return _together([levels[key] for key in keys], minimum)

    gone = to_hide(counts, sums, minimum, {(name, "") for name in untold if (name, "") in counts}, together)
    return {(name, level[1:]) for name, level in gone if level}, {name for name, level in gone if not level}


def _together(levels: Sequence[LevelCount], minimum: int) -> int:
    """Return how many firms stand behind some levels, at least: a firm may stand behind several."""
    enough = max((level.firms for level in levels), default=0)
    return enough if enough >= minimum else len(frozenset().union(*(level.few for level in levels)))


def _column(one: ColumnSummary, untold: Collection[str], linked_known: bool, minimum: int) -> dict[str, Any]:
    hidden = one.name in untold
    bare = hidden or (one.name == "linked" and not linked_known) or not _mean_may_be_told(one, minimum)
    return {
        "column": one.name, "kind": one.kind, "unit": one.unit, "source": one.source,
        "rows": None if hidden else one.rows,
        "firms": None if hidden else one.firms,
        "missing": None if hidden else one.missing,
        "mean": None if bare else one.mean,
        "sd": None if bare else one.sd,
        "quantiles": {f"{share:g}": value for share, value in one.quantiles.items()},
    }  # fmt: skip


def _levels(one: ColumnSummary, hidden: Collection[_Key]) -> list[tuple[str, int | None, int | None]]:
    return [
        (level.level, None, None) if (one.name, level.level) in hidden else (level.level, level.rows, level.firms)
        for level in one.levels
    ]


def _mean_may_be_told(one: ColumnSummary, minimum: int) -> bool:
    if one.firms < max(minimum, 2):
        return False
    if one.ones is None or one.zeros is None:
        return one.largest <= DOMINANCE_ONE and one.two_largest <= DOMINANCE_TWO
    # The tables of the link have the share of a wave.
    few = one.of_survey and any(_small(count, minimum) for year in one.years for count in (year.ones, year.zeros))
    return min(one.ones, one.zeros) >= minimum and not few


def _hidden_counts(
    columns: Sequence[ColumnSummary],
    years: Sequence[YearSummary],
    hidden_years: Collection[_Key],
    untold: Collection[str],
    minimum: int,
) -> set[_Key]:
    """Return of which columns and years it is withheld how many firms have a value; all years are ``""``."""
    linked = {one.year: one.linked or 0 for one in years}
    gone: set[_Key] = set()
    for one in columns:
        counts = {str(year.year): year.rows for year in one.years}
        also = {key for key in counts if ("firms", key) in hidden_years}
        if one.of_survey:
            also |= {key for key in counts if ("linked", key) in hidden_years}
            also |= {str(year.year) for year in one.years if _small(linked[year.year] - year.rows, minimum)}
        also |= {""} if one.name in untold else set()
        gone |= {(one.name, key) for key in to_hide({**counts, "": one.rows}, [("", list(counts))], minimum, also)}
    return gone
