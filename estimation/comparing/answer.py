"""A regression beside others: on groups of rows, with controls added in turn, under restrictions.

Everything here asks the design's own `fit` several times, and knows nothing of what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from estimation.coding import factor_values
from estimation.comparing.gelbach import decompose
from estimation.comparing.groups import Group, groups_of, options_within
from estimation.comparing.joint import Clustering, df_of
from estimation.comparing.oster import oster
from estimation.comparing.wald import asked_tests, equality_tests
from estimation.results import ErrorsInfo, Estimates, Inference, ModelPart, ProductivityFit
from estimation.workings import Moved, WaldTest
from panels.frame import NumberColumn, Selection
from specs.counting import counted
from specs.errors import EstimationError
from specs.formula import Factor

__all__ = ["estimate_compared"]

ELSEWHERE = "the same elsewhere"

Fit = Callable[..., Estimates]


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What every estimate is made with."""

    fit: Fit
    name: str
    options: Any
    first_stage: ProductivityFit | None
    panel: Selection | None

    def rungs(self, options: Any, rows: Selection) -> list[Estimates]:
        """Estimate the formula of some options, then with each block more, on the same rows."""
        found: list[Estimates] = []
        given = dict(options.reference)
        for number, formula in enumerate(options.rungs):
            names = {factor.name for term in formula.terms for factor in term.factors}
            later = set(options.added_columns) - names
            reference = {column: level for column, level in given.items() if column not in later}
            # The base level of a control is that of the rung on which it came in, as everywhere.
            one = options.model_copy(update={"formula": formula, "reference": reference})
            try:
                found.append(self.fit(self.name, one, rows, self.first_stage, self.panel))
            except EstimationError as error:
                if number == 0:
                    raise
                raise EstimationError(f"{_rung(options, number)}: {error}") from None
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _OfGroup:
    """The rungs on the rows of one group; on all rows where the level is empty."""

    level: str
    rungs: list[Estimates]
    n_firms: int
    n_obs: int
    reason: str = ""
    apart: tuple[set[str], ...] = ()


def estimate_compared(
    fit: Fit,
    name: str,
    options: Any,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None,
) -> Estimates:
    """Estimate a model and what its keys set it beside.

    Parameters
    ----------
    fit : callable
        The design's own.
    name, options, rows, first_stage, panel
        As `fit` takes them; the options are `ComparedOptions`.

    Returns
    -------
    Estimates
        Of the formula on all rows: those of the groups, and those with all added controls. `parts` has every estimate,
        this one first; a group that cannot be estimated has a reason and no terms.

    Raises
    ------
    EstimationError
        If the model cannot be estimated on all rows, or a test names a term that is not there.
    """
    asked = _Asked(fit, name, options, first_stage, panel)
    groups: tuple[Group, ...] = ()
    dropped: dict[str, int] = {}
    kept = rows
    if options.split is not None:
        kept, groups, dropped = groups_of(rows, options.split.by)
    complete, lacking = _complete(kept, options)
    dropped |= lacking
    kept = kept.take(complete)
    whole = _OfGroup("", asked.rungs(options, kept), 0, 0)
    every = [whole]
    for group in groups:
        every.append(_group(asked, group.level, kept.take(group.inside[complete]), whole))
    clustering = Clustering(options.errors.kind, options.errors.cluster, rows, panel)
    moved, why = _moved(asked, every, clustering)
    tests, untested = _tests(options, every, clustering)
    parts = tuple(part for one, found in zip(every, tests, strict=True) for part in _parts(options, one, found))
    own = whole.rungs[0]
    sensitivity, unseen = own.sensitivity, tuple[str, ...]()
    if options.sensitivity is not None and options.sensitivity.oster is not None:
        answer, unseen = oster(options.sensitivity.oster, whole.rungs[-1])
        sensitivity = {**(sensitivity or {}), "oster": answer}
    alone = len(parts) == 1
    notes = (*_notes(options, every), *why, *untested, *unseen)
    # The arrays have served: they would fill memory beside those of other models.
    return replace(
        own,
        parts=own.parts if alone else parts,
        tests=tests[0][0],
        moved=moved,
        sensitivity=sensitivity,
        dropped={**dropped, **own.dropped},
        notes=notes,
        workings=None,
    )


def _complete(rows: Selection, options: Any) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], dict[str, int]]:
    """Return where the controls of the last rung have values, and the other rows by what they lack first."""
    keep = np.ones(rows.rows.size, dtype=np.bool_)
    lacking: dict[str, int] = {}
    factors: list[Factor] = [factor for block in options.blocks for term in block for factor in term.factors]
    for factor in dict.fromkeys(factors):
        column = rows.columns.get(factor.name)
        if column is None:
            continue
        lacks = column.missing()
        reason = f"{factor.name} is missing"
        if factor.transform == "log" and isinstance(column, NumberColumn):
            lost = keep & ~lacks & np.isnan(factor_values(factor, column.values))
            if lost.any():
                lacking[f"log({factor.name}) of zero or less"] = int(lost.sum())
                keep &= ~lost
        lost = keep & lacks
        if lost.any():
            lacking[reason] = lacking.get(reason, 0) + int(lost.sum())
            keep &= ~lost
    if not keep.any():
        told = ", ".join(f"{reason}: {count:,}" for reason, count in lacking.items()) or "where keeps none"
        raise EstimationError(f"no rows are left of {keep.size:,} ({told})")
    return keep, lacking


def _group(asked: _Asked, level: str, rows: Selection, whole: _OfGroup) -> _OfGroup:
    size = int(np.unique(rows.firm).size), int(rows.rows.size)
    reference = {column: base for one in whole.rungs for column, base in one.reference.items()}
    try:
        if not rows.rows.size:
            raise EstimationError("no rows are left")
        rungs = _with_base(asked, rows, reference)
    except EstimationError as error:
        return _OfGroup(level, [], *size, reason=str(error))
    apart = tuple(_apart(one, of_all, asked.options.split.by) for one, of_all in zip(rungs, whole.rungs, strict=True))
    return _OfGroup(level, rungs, *size, apart=apart)


def _with_base(asked: _Asked, rows: Selection, reference: Mapping[str, str]) -> list[Estimates]:
    """Estimate a group with the base levels of all rows; with its own where one of these is not among its rows."""
    try:
        return asked.rungs(options_within(asked.options, rows, reference), rows)
    except EstimationError as error:
        written = {column: str(level) for column, level in asked.options.reference.items()}
        if "reference: " not in str(error) or written == dict(reference):
            raise
        return asked.rungs(options_within(asked.options, rows, written), rows)


def _apart(group: Estimates, whole: Estimates, by: str) -> set[str]:
    """Return the terms that compare with another base level than on all rows; the constant is that of the base."""
    other = {column for column, base in whole.reference.items() if column != by and group.reference.get(column) != base}
    found = {term for term in group.terms if any(part.partition("[")[0] in other for part in term.split(":"))}
    return found | ({"constant"} if other else set())


def _moved(
    asked: _Asked, every: Sequence[_OfGroup], clustering: Clustering
) -> tuple[tuple[Moved, ...], tuple[str, ...]]:
    options = asked.options
    if not options.blocks:
        return (), ()
    blocks = {name: [t.label for t in block] for name, block in zip(options.block_names, options.blocks, strict=True)}
    found: list[Moved] = []
    reasons: dict[str, list[str]] = {}
    for one in every:
        if not one.rungs:
            continue
        group = {options.split.by: one.level} if one.level else {}
        moved, why = decompose(one.rungs[0], one.rungs[-1], blocks, clustering, group)
        found += moved
        if why:
            reasons.setdefault(why, []).append(one.level)
    return tuple(found), tuple(
        f"no decomposition of what the added controls change{_within(options, levels, every)}: {why}"
        for why, levels in reasons.items()
    )


def _within(options: Any, levels: Sequence[str], every: Sequence[_OfGroup]) -> str:
    if len(levels) == sum(bool(one.rungs) for one in every):
        return ""
    return f" ({', '.join(f'{options.split.by} {level}' if level else 'all rows' for level in levels)})"


def _tests(
    options: Any, every: Sequence[_OfGroup], clustering: Clustering
) -> tuple[list[list[tuple[WaldTest, ...]]], tuple[str, ...]]:
    """Return the tests of each group's rungs, those across groups with all rows."""
    found = [[asked_tests(one, options.tested, whole=not of.level) for one in of.rungs] for of in every]
    notes: dict[str, None] = {}
    if options.split is None:
        return found, ()
    there = [one for one in every[1:] if one.rungs]
    for number in range(len(every[0].rungs)):
        groups = {one.level: one.rungs[number] for one in there}
        apart = {one.level: one.apart[number] for one in there}
        across, why = equality_tests(groups, options.split.by, apart, clustering, df_of(every[0].rungs[number].errors))
        found[0][number] += across
        notes |= dict.fromkeys(why)
    return found, tuple(notes)


def _rung(options: Any, number: int) -> str:
    """Return what was added up to a rung: ``+ ln_l + nace``; nothing on the first."""
    return "".join(f" + {one}" for one in options.block_names[:number]).strip()


def _parts(options: Any, of: _OfGroup, tests: Sequence[tuple[WaldTest, ...]]) -> list[ModelPart]:
    group = {options.split.by: of.level} if of.level else {}
    if of.reason:
        nothing = np.zeros(0)
        errors = ErrorsInfo(options.errors.kind, {}, float("nan"), "none", "none")
        inference = Inference(nothing, nothing, nothing, nothing, nothing)
        return [
            ModelPart(options.method, (), nothing, inference, np.zeros(0, dtype=np.int64), of.n_obs, of.n_firms, errors,
                      group=group, reason=of.reason)
        ]  # fmt: skip
    found: list[ModelPart] = []
    for number, (one, tested) in enumerate(zip(of.rungs, tests, strict=True)):
        rung = _rung(options, number)
        if one.parts:
            # A method with several estimates of its own, quantiles say: each of them, the tests with the first.
            found += [
                replace(part, group={**part.group, **group}, rung=rung, tests=tested if place == 0 else ())
                for place, part in enumerate(one.parts)
            ]
            continue
        inference = Inference(one.std_errors, one.statistics, one.p_values, one.conf_low, one.conf_high)
        found.append(
            ModelPart(one.method, one.terms, one.coefficients, inference, one.n_firms_term, one.n_obs, one.n_firms,
                      one.errors, one.stats, group=group, rung=rung, tests=tested)
        )  # fmt: skip
    return found


def _notes(options: Any, every: Sequence[_OfGroup]) -> list[str]:
    """Return the notes of the model, then what the other estimates say beyond them, each with who says it."""
    own = every[0].rungs[0].notes
    notes = [*own]
    if options.split is not None:
        by = options.split.by
        notes.append(
            f"split by {by}: the model's own estimate is of all rows with a {by}, the formula as it is written; "
            "groups keep its base levels where they have them"
        )
        for one in every:
            if one.reason:
                notes.append(f"{by} {one.level} was not estimated ({counted(one.n_firms, 'firm')}): {one.reason}")
    if options.blocks:
        notes.append(
            "controls are added in turn on the rows that have all of them; the model's own estimate is that of the "
            "formula"
        )
    said: dict[str, list[str]] = {}
    for of in every:
        group = f"{options.split.by} {of.level}" if of.level else ""
        for number, rung in enumerate(of.rungs):
            for note in rung.notes:
                # That a group has one level of what makes the groups goes without saying.
                known = note.startswith(ELSEWHERE) or (
                    of.level and note.startswith(f"{options.split.by} is {of.level} ")
                )
                if note not in own and not known:
                    said.setdefault(note, []).append(", ".join(filter(None, [group, _rung(options, number)])))
    return [*notes, *(f"{'; '.join(dict.fromkeys(names))}: {note}" for note, names in said.items())]
