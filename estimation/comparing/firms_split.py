"""A difference-in-differences on groups of firms, by what they were before anybody began.

A firm belongs to one group in all years, that of its value in the base year: what treatment may change later cannot
move it. Its value then is missing for a firm that is not seen in that year; it is in no group, and left out of all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from estimation.comparing.groups import groups_of
from estimation.comparing.joint import Clustering, df_of
from estimation.comparing.wald import equality_tests
from estimation.results import ErrorsInfo, Estimates, Inference, ModelPart, ProductivityFit
from panels.frame import NumberColumn, Selection, TextColumn
from specs.adoption import Adoption
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["base_year_of", "estimate_split_firms"]

CELLS, EFFECTS = ", cells", "all effects"
ELSEWHERE = "the same elsewhere"


def base_year_of(adoption: Adoption, rows: Selection) -> int:
    """Return the year whose values make the groups.

    With waves the last year that is surely untreated: `base_year`, else the year before the first wave. Else the first
    year of the rows, before any cohort that is compared begins.
    """
    if adoption.waves:
        return adoption.base_year if adoption.base_year is not None else adoption.waves[0] - 1
    return int(rows.year.min())


def estimate_split_firms(
    fit: Callable[..., Estimates],
    name: str,
    options: Any,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None,
) -> Estimates:
    """Estimate a design of firms over years on all firms that have a group, and on each group.

    Parameters
    ----------
    fit : callable
        The design's own.
    name, options, rows, first_stage, panel
        As `fit` takes them; the options have `split` and `adoption`.

    Returns
    -------
    Estimates
        Of all firms of the groups, with the groups among its `parts`.

    Raises
    ------
    EstimationError
        If the firms make no groups, or the model cannot be estimated on all of them.
    """
    if not rows.rows.size:
        raise EstimationError("no rows are left: where keeps none")
    by, year = options.split.by, base_year_of(options.adoption, rows)
    fixed, lost = _as_in(rows, by, year)
    kept, groups, dropped = groups_of(fixed, by)
    whole = fit(name, options, kept, first_stage, panel)
    found: dict[str, Estimates] = {}
    plain = _of_groups(options)
    failed: dict[str, str] = {}
    size: dict[str, tuple[int, int]] = {}
    for group in groups:
        inside = kept.take(group.inside)
        size[group.level] = int(np.unique(inside.firm).size), int(inside.rows.size)
        try:
            found[group.level] = fit(name, plain, inside, first_stage, panel)
        except EstimationError as error:
            failed[group.level] = str(error)
    clustering = Clustering(options.errors.kind, options.errors.cluster, rows, panel)
    tests, why = equality_tests(found, by, {level: set() for level in found}, clustering, df_of(whole.errors), EFFECTS)
    parts = [replace(part, tests=tests if place == 0 else ()) for place, part in enumerate(_parts(whole, {}))]
    for level, of in size.items():
        if level in found:
            parts += [one for one in _parts(found[level], {by: level}) if not one.estimator.endswith(CELLS)]
        else:
            parts.append(_failed(options, whole.method, {by: level}, of, failed[level]))
    notes = [f"split by the {by} that firms had in {year}; the model's own estimate is of all firms that have one"]
    if lost:
        notes.append(f"{counted(lost, 'firm is', 'firms are')} in no group: not seen in {year}, or without a {by} then")
    notes += [
        f"{by} {level} was not estimated ({counted(size[level][0], 'firm')}): {reason}"
        for level, reason in failed.items()
    ]
    for level, one in found.items():
        notes += [f"{by} {level}: {note}" for note in one.notes
                  if note not in whole.notes and not note.startswith(ELSEWHERE)]  # fmt: skip
    missing = {f"{by} is missing in {year}": count for count in dropped.values()}
    return replace(
        whole, parts=tuple(parts), tests=tests, notes=(*whole.notes, *notes, *why), dropped={**missing, **whole.dropped}
    )


def _of_groups(options: Any) -> Any:
    """Return the options without what is shown of the whole model alone; a group may have nothing to leave out."""
    asked = options.sensitivity
    if asked is not None:
        asked = asked.model_copy(update={"placebo": None, "leave_out": None, "bacon": False})
    return options.model_copy(update={"sensitivity": asked, "power": None})


def _as_in(rows: Selection, by: str, year: int) -> tuple[Selection, int]:
    """Give every row its firm's value of one year; return how many firms have none."""
    column, then = rows.columns[by], rows.year == year
    place = np.full(int(rows.firm.max()) + 1, -1, dtype=np.int64)
    place[rows.firm[then]] = np.flatnonzero(then)
    at = place[rows.firm]
    seen = at >= 0
    made: TextColumn | NumberColumn
    if isinstance(column, TextColumn):
        made = TextColumn(np.where(seen, column.codes[at], -1), column.levels)
    else:
        made = NumberColumn(np.where(seen, column.values[at], np.nan))
    lost = int(np.unique(rows.firm[made.missing()]).size)
    return replace(rows, columns={**rows.columns, by: made}), lost


def _parts(one: Estimates, group: dict[str, str]) -> list[ModelPart]:
    if one.parts:
        return [replace(part, group=group) for part in one.parts]
    inference = Inference(one.std_errors, one.statistics, one.p_values, one.conf_low, one.conf_high)
    return [
        ModelPart(one.method, one.terms, one.coefficients, inference, one.n_firms_term, one.n_obs, one.n_firms,
                  one.errors, one.stats, group=group)
    ]  # fmt: skip


def _failed(options: Any, method: str, group: dict[str, str], size: tuple[int, int], reason: str) -> ModelPart:
    nothing = np.zeros(0)
    return ModelPart(
        method, (), nothing, Inference(nothing, nothing, nothing, nothing, nothing), np.zeros(0, dtype=np.int64),
        size[1], size[0], ErrorsInfo(options.errors.kind, {}, float("nan"), "none", "none"), group=group, reason=reason,
    )  # fmt: skip
