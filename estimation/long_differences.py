"""Changes over a window of years, one row a firm: the outcome at the end less that at the start.

For the firms i seen in both years of a window (a, b)::

    y_ib - y_ia = x_i'b + e_i

with the regressors x, the weights and the clusters of year a, but for those that are taken at the end or as changes
themselves. A placebo is the same on the firms of the first window and years before it, with these exceptions as they
are in the first window (Babina, Fedyk, He and Hodson, 2024).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.absorbed_draws import AbsorbedDraws
from estimation.design_matrix import Design
from estimation.regression import Question, design_of, draws_of, estimate_on
from estimation.regression_draws import RegressionDraws
from estimation.results import BoolArray, Estimates, Inference, IntArray, ModelPart, ProductivityFit
from panels.frame import NumberColumn, Selection, TextColumn
from specs.counting import counted
from specs.errors import EstimationError
from specs.windows import Window

__all__ = ["Changes", "Windows", "changes", "estimate_changes", "redrawable_changes"]

Column = NumberColumn | TextColumn


@dataclass(frozen=True, slots=True)
class Windows:
    """Between which years, and what is not taken at their start.

    Attributes
    ----------
    windows : tuple of (int, int)
        The first is the model's own.
    placebo : (int, int) or None
    at_end, difference : tuple of str
        Columns that are taken at the end of a window, and as changes over it.
    """

    windows: tuple[Window, ...]
    placebo: Window | None = None
    at_end: tuple[str, ...] = ()
    difference: tuple[str, ...] = ()

    @property
    def beside(self) -> tuple[tuple[Window, bool], ...]:
        """The windows beside the first, and whether each is the placebo."""
        placebo = () if self.placebo is None else ((self.placebo, True),)
        return (*((window, False) for window in self.windows[1:]), *placebo)


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """The firms of a window, a row each, ascending.

    Attributes
    ----------
    rows : Selection
        At the positions of their first year. The outcome's column holds its change, others hold what the window says.
    last : (n,) integer array
        Positions in the panel of their last year.
    lost : mapping of str to int
        Firms that do not take part, by the first reason that applies.
    """

    rows: Selection
    last: IntArray
    lost: Mapping[str, int]

    def last_of(self, design: Design) -> IntArray:
        """Return `last` of the rows that a design kept."""
        return self.last[np.searchsorted(self.rows.rows, design.rows.rows)]


def changes(
    question: Question,
    window: Window,
    asked: Windows,
    kept: Selection,
    panel: Selection,
    main: Selection | None = None,
) -> Changes:
    """Put the firms of a window together.

    Parameters
    ----------
    question : Question
        Firms without one of its columns are left out.
    window : (int, int)
    asked : Windows
    kept : Selection
        The rows of the model's `where`: it says who is looked at, in the window's first year.
    panel : Selection
        All rows of the panel, sorted by firm and year, with every column of the model.
    main : Selection, optional
        Of a placebo: the rows that the first window was estimated on, which say who is looked at.

    Returns
    -------
    Changes

    Raises
    ------
    EstimationError
        If no firm is left.
    """
    first, last = np.flatnonzero(panel.year == window[0]), np.flatnonzero(panel.year == window[1])
    lost: dict[str, int] = {}
    if main is None:
        wanted = np.isin(panel.rows[first], kept.rows)
        lost[f"where is not true in {window[0]}"] = int((~wanted).sum())
        others = ~np.isin(panel.firm[last], panel.firm[first])
        lost[f"not seen in {window[0]}"] = int(others.sum())
        first = first[wanted]
    else:
        first = first[np.isin(panel.firm[first], main.firm)]
        lost[f"not seen in {window[0]}"] = main.firm.size - first.size
    there = np.isin(panel.firm[first], panel.firm[last])
    lost[f"not seen in {window[1]}"] = int((~there).sum())
    first = first[there]
    last = last[np.isin(panel.firm[last], panel.firm[first])]
    columns, lacks = _columns(question, window, asked, panel, (first, last), main)
    keep = np.ones(first.size, dtype=np.bool_)
    for reason, lacking in lacks.items():
        lost[reason] = int((keep & lacking).sum())
        keep &= ~lacking
    lost = {reason: count for reason, count in lost.items() if count}
    if not keep.any():
        raise EstimationError(_nobody(window, lost, panel, placebo=main is not None))
    rows = replace(
        panel, rows=panel.rows[first], firm=panel.firm[first], year=panel.year[first], columns=columns, outside={}
    )
    return Changes(rows.take(keep), panel.rows[last][keep], lost)


def _columns(
    question: Question,
    window: Window,
    asked: Windows,
    panel: Selection,
    at: tuple[IntArray, IntArray],
    main: Selection | None,
) -> tuple[dict[str, Column], dict[str, BoolArray]]:
    """Return the columns of a window's firms, and by reason which firms lack something."""
    found: dict[str, Column] = {}
    lacks: dict[str, BoolArray] = {}
    outcome, needed = str(question.outcome), _needed(question)
    # The outcome first: what lacks it tells nothing, whatever else it lacks.
    for name in sorted(panel.columns, key=lambda name: name != outcome):
        start, end = (_taken(panel.columns[name], rows) for rows in at)
        excepted = name in asked.at_end or name in asked.difference
        if excepted and main is not None:
            place = np.searchsorted(main.firm, panel.firm[at[0]])
            found[name] = _taken(main.columns[name], place)
            continue
        if name == outcome or name in asked.difference:
            if isinstance(start, TextColumn) or isinstance(end, TextColumn):
                raise EstimationError(f"{name} is text, which has no difference between two years")
            found[name] = NumberColumn(end.values - start.values)
            sources: dict[int, Column] = {window[0]: start, window[1]: end}
        else:
            found[name] = end if name in asked.at_end else start
            sources = {window[1]: end} if name in asked.at_end else {window[0]: start}
        for year, column in sources.items() if name in needed else ():
            lacks[f"{name} of {year} is missing"] = column.missing()
    return found, lacks


def _needed(question: Question) -> set[str]:
    """Return the columns without which a firm says nothing; a bootstrap's strata are not among them."""
    named = {name for name, _ in question.formula.names()}
    named |= {name for way in question.cluster for name in way}
    return named | {str(question.outcome), *([] if question.weights is None else [question.weights])}


def _taken(column: Column, rows: IntArray) -> Column:
    if isinstance(column, TextColumn):
        return TextColumn(column.codes[rows], column.levels)
    return NumberColumn(column.values[rows])


def _nobody(window: Window, lost: Mapping[str, int], panel: Selection, *, placebo: bool) -> str:
    years = np.unique(panel.year)
    absent = [str(year) for year in window if year not in years]
    if absent:
        there = ", ".join(str(year) for year in years.tolist())
        return f"the panel has no row in {' and '.join(absent)}; its years are {there}"
    of = " of the main window" if placebo else ""
    advice = ""
    if f"where is not true in {window[0]}" in lost:
        advice = f"; where is asked of {window[0]}: at(x, {window[1]}) in it asks of another year"
    return f"no firm{of} is left between {window[0]} and {window[1]} ({_listed(lost)}){advice}"


def _listed(lost: Mapping[str, int]) -> str:
    return ", ".join(f"{counted(count, 'firm')}: {reason}" for reason, count in lost.items()) or "the panel holds none"


def estimate_changes(
    question: Question,
    asked: Windows,
    kept: Selection,
    panel: Selection,
    first_stage: ProductivityFit | None,
) -> Estimates:
    """Estimate every window, and the placebo.

    Parameters
    ----------
    question : Question
        Its `outcome` is the column whose change is explained.
    asked : Windows
    kept, panel : Selection
        The rows of the model's `where`, and all rows, each with every column of the model.
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome.

    Returns
    -------
    Estimates
        Of the first window; `parts` has them all.

    Raises
    ------
    EstimationError
        If one of them cannot be estimated; the message names the window.
    """
    own = asked.windows[0]
    main = changes(question, own, asked, kept, panel)
    try:
        found, design = _estimate(question, main, panel, first_stage)
    except EstimationError as error:
        raise EstimationError(f"{error}{_whose(own, error)}", error.dropped) from None
    parts = [_part(found, "ols", own)]
    notes = [_said_of_firms(own, main, design), *_moved(main, design, first_stage, own), *found.notes]
    for window, placebo in asked.beside:
        try:
            one = changes(question, window, asked, kept, panel, design.rows if placebo else None)
            alike, told = _with_base_levels(question, design, one.rows)
            other, of_other = _estimate(alike, one, panel, first_stage)
        except EstimationError as error:
            named = f"{window[0]}-{window[1]}" + (", placebo" if placebo else "")
            raise EstimationError(f"{named}: {error}{_whose(window, error)}", error.dropped) from None
        part = _part(other, "placebo" if placebo else "ols", window)
        parts.append(part)
        notes.append(_said_of_firms(window, one, of_other, placebo_of=own if placebo else None))
        said = [*told, *_moved(one, of_other, first_stage, window), *other.notes]
        notes += [f"{part.name}: {note}" for note in said if note not in found.notes]
    return replace(
        found,
        dropped=_rows_lost(own, main, panel) | dict(design.dropped),
        rows_in=panel.n_panel,
        parts=tuple(parts),
        notes=tuple(notes),
    )


def redrawable_changes(
    question: Question,
    asked: Windows,
    kept: Selection,
    panel: Selection,
    first_stage: ProductivityFit | None,
    part: int = 0,
) -> RegressionDraws | AbsorbedDraws:
    """Return what estimates a window again with other weights on its firms.

    Parameters
    ----------
    question, asked, kept, panel, first_stage
        As in `estimate_changes`.
    part : int
        Which of the windows, in the order of the parts.

    Raises
    ------
    EstimationError
    """
    one = changes(question, asked.windows[0], asked, kept, panel)
    design = design_of(question, one.rows)
    if part:
        window, placebo = asked.beside[part - 1]
        one = changes(question, window, asked, kept, panel, design.rows if placebo else None)
        design = design_of(_with_base_levels(question, design, one.rows)[0], one.rows)
    return draws_of(design, first_stage, one.last_of(design))


def _estimate(
    question: Question, one: Changes, panel: Selection, first_stage: ProductivityFit | None
) -> tuple[Estimates, Design]:
    design = design_of(question, one.rows)
    coarse = any(name != "firm" for way in question.cluster for name in way)
    everywhere = panel if coarse else None
    return estimate_on(question, design, first_stage, everywhere, one.last_of(design)), design


def _whose(window: Window, error: EstimationError) -> str:
    """Return, where a term does not vary, in which year it was looked at: an answer may come later than the start."""
    if "in every row" not in str(error):
        return ""
    return f"; columns are those of {window[0]}, unless at_end or difference names them"


def _with_base_levels(question: Question, main: Design, rows: Selection) -> tuple[Question, list[str]]:
    """Return the question with the base levels of the first window, and those that no firm of this one has."""
    base, lacking = {**main.reference, **question.reference}, []
    for name, level in list(base.items()):
        column = rows.columns.get(name)
        if isinstance(column, TextColumn) and level not in {column.levels[code] for code in np.unique(column.codes)}:
            lacking.append(f"no firm has the base level {level} of {name}: another one is taken")
            del base[name]
    return replace(question, reference=base), lacking


def _part(found: Estimates, estimator: str, window: Window) -> ModelPart:
    inference = Inference(found.std_errors, found.statistics, found.p_values, found.conf_low, found.conf_high)
    return ModelPart(
        estimator=estimator,
        terms=found.terms,
        coefficients=found.coefficients,
        inference=inference,
        n_firms_term=found.n_firms_term,
        n_obs=found.n_obs,
        n_firms=found.n_firms,
        errors=found.errors,
        stats=found.stats,
        window=window,
    )


def _rows_lost(window: Window, one: Changes, panel: Selection) -> dict[str, int]:
    """Return why rows of the panel are no row of the model, whose rows have two of them each."""
    elsewhere = int((~np.isin(panel.year, window)).sum())
    both = int(np.isin(panel.firm[panel.year == window[1]], panel.firm[panel.year == window[0]]).sum())
    found = {
        f"other years than {window[0]} and {window[1]}": elsewhere,
        f"joined to the firm's row of {window[0]}": both,
    }
    return {reason: count for reason, count in found.items() if count} | dict(one.lost)


def _said_of_firms(window: Window, one: Changes, design: Design, placebo_of: Window | None = None) -> str:
    """Say which firms a window rests on, and who is left out."""
    lost = {**one.lost, **design.dropped}
    named = f"{window[0]}-{window[1]}"
    whom = f"firms seen in {window[0]} and {window[1]}"
    if placebo_of is not None:
        named, whom = f"{named}, placebo", f"firms of {placebo_of[0]}-{placebo_of[1]} {whom.removeprefix('firms ')}"
    return f"{named}: {whom}" + (f"; left out are {_listed(lost)}" if lost else "")


def _moved(one: Changes, design: Design, first_stage: ProductivityFit | None, window: Window) -> Sequence[str]:
    """Say how many firms change between technologies that were estimated separately."""
    if first_stage is None or len(first_stage.groups) < 2:
        return ()
    # Groups that were pooled share one.
    groups = [tuple(group.coefficients.tolist()) for group in first_stage.groups]
    first, last = (first_stage.group_of_row[rows] for rows in (design.rows.rows, one.last_of(design)))
    technology = np.array([groups.index(one) for one in groups])
    count = int(((first >= 0) & (last >= 0) & (technology[first] != technology[last])).sum())
    if not count:
        return ()
    return (
        f"{counted(count, 'firm has', 'firms have')} another technology of {first_stage.name} in {window[1]} than in "
        f"{window[0]}: their change holds the difference of two technologies' levels",
    )
