"""Excluded instruments as columns: complete rows, indicators, effects swept out, and those that say nothing of their
own left out by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.absorb import Absorber
from estimation.coding import categories, code_terms, is_categorical
from estimation.design_matrix import Design, design_matrix, firms_behind, firms_that_vary
from estimation.least_squares import RANK_TOLERANCE, dependences
from estimation.regression import Question
from estimation.results import BoolArray, FloatArray, IntArray
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError
from specs.formula import Factor, Formula, Term

__all__ = ["Instrumented", "instrumented"]

NAMED = 6


@dataclass(frozen=True, slots=True, eq=False)
class Instrumented:
    """A design and its instruments.

    Attributes
    ----------
    design : Design
        Of rows that have the instruments too; `dropped` counts the others.
    endogenous : (k,) bool array
        Which terms.
    terms : tuple of str
        The m instruments: ``peers``, ``region[B]``.
    z, raw : (n, m) arrays
        Effects swept out, and before.
    n_firms_term : (m,) integer array
        Firms with a value other than zero (beside effects of firms: within which it varies).
    n_firms : int
        Firms of which this holds for any instrument.
    notes : tuple of str
    """

    design: Design
    endogenous: BoolArray
    terms: tuple[str, ...]
    z: FloatArray
    raw: FloatArray
    n_firms_term: IntArray
    n_firms: int
    notes: tuple[str, ...]

    @property
    def named(self) -> tuple[str, ...]:
        """The endogenous terms."""
        return tuple(term for term, inside in zip(self.design.terms, self.endogenous, strict=True) if inside)

    @property
    def columns(self) -> tuple[str, ...]:
        """The exogenous terms, then the instruments: the terms of first stages and reduced form."""
        exogenous = [term for term, inside in zip(self.design.terms, self.endogenous, strict=True) if not inside]
        return (*exogenous, *self.terms)


def instrumented(question: Question, instruments: Mapping[str, Sequence[str]], rows: Selection) -> Instrumented:
    """Build the design and the columns of the instruments.

    Parameters
    ----------
    question : Question
    instruments : mapping of str to sequence of str
        By endogenous term of the formula, columns; all of them enter every first stage.
    rows : Selection
        With the columns of the instruments too.

    Raises
    ------
    EstimationError
        As `design_matrix` does; if fewer instruments than endogenous columns are left, or if they move one of these
        only as the other terms do.
    """
    names = tuple(dict.fromkeys(name for several in instruments.values() for name in several))
    complete, lost = _complete(rows, names)
    # Base levels of instruments are looked for among the instruments.
    others = {column: level for column, level in question.reference.items() if column not in names}
    design = design_matrix(
        question.formula,
        complete,
        outcome=question.outcome,
        reference=others,
        weights=question.weights,
        clusters=question.cluster,
    )
    design = replace(design, dropped={**lost, **design.dropped})
    endogenous = _endogenous(question.formula, tuple(instruments), design.terms)
    within = ("firm",) in question.formula.effects
    terms, z, raw, notes = _coded(question, names, design)
    kept, fallen = _apart(design, endogenous, terms, z)
    notes += fallen
    named = [term for term, inside in zip(design.terms, endogenous, strict=True) if inside]
    if int(kept.sum()) < len(named):
        why = f": {'; '.join(notes)}" if notes else ""
        raise EstimationError(
            f"{counted(int(kept.sum()), 'instrument')} for {counted(len(named), 'endogenous term')} "
            f"({_listed(named)}){why}; "
            "there must be at least as many that the other terms do not say already"
        )
    found = Instrumented(
        design=design,
        endogenous=endogenous,
        terms=tuple(term for term, keep in zip(terms, kept, strict=True) if keep),
        z=z[:, kept],
        raw=raw[:, kept],
        n_firms_term=(firms_that_vary if within else firms_behind)(raw[:, kept], design.rows.firm),
        n_firms=_firms_of_any(raw[:, kept], design.rows.firm, within=within),
        notes=tuple(notes),
    )
    _check_identified(found)
    return found


def _complete(rows: Selection, names: Sequence[str]) -> tuple[Selection, dict[str, int]]:
    """Return the rows that have every instrument, and how many others each is missing from first."""
    keep, lost = np.ones(rows.rows.size, dtype=np.bool_), {}
    for name in names:
        missing = rows.columns[name].missing() if name in rows.columns else np.zeros(keep.size, dtype=np.bool_)
        count = int((keep & missing).sum())
        if count:
            lost[f"{name} is missing"] = count
        keep &= ~missing
    if not keep.any():
        told = ", ".join(f"{reason}: {count:,}" for reason, count in lost.items()) or "where keeps none"
        raise EstimationError(f"no rows are left of {keep.size:,} ({told})")
    return rows.take(keep), lost


def _endogenous(formula: Formula, named: Sequence[str], terms: Sequence[str]) -> BoolArray:
    """Return which columns belong to the endogenous terms of the formula."""
    keys = {frozenset(name.split(":")) for name in named}
    labels = [[factor.label for factor in term.factors] for term in formula.terms if term.key in keys]
    # Levels may hold any sign. What matches because of that is a product of the same factors, endogenous as well.
    patterns = [re.compile(":".join(rf"{re.escape(one)}(\[.*\])?" for one in label), re.DOTALL) for label in labels]
    return np.array([any(one.fullmatch(term) for one in patterns) for term in terms], dtype=np.bool_)


def _coded(
    question: Question, names: Sequence[str], design: Design
) -> tuple[tuple[str, ...], FloatArray, FloatArray, list[str]]:
    """Write the instruments as columns, and the same with effects swept out before them."""
    rows = design.rows
    coded = {name: categories(name, rows, question.reference.get(name)) for name in names if is_categorical(name, rows)}
    formula = Formula(None, tuple(Term((Factor(name),)) for name in names), design.intercept, (), " + ".join(names))
    found = code_terms(formula, rows, coded, max(rows.rows.size - len(design.terms), 1))
    start = int(design.intercept)
    terms, raw = found.terms[start:], found.x[:, start:]
    large = [term for term, column in zip(terms, raw.T, strict=True) if not np.isfinite(column).all()]
    if large:
        raise EstimationError(f"{_listed(large)}: too large for a number; take logs, or another unit")
    if design.absorbed is None:
        return terms, raw, raw, []
    z = Absorber(design.absorbed.effects, design.weights).within(raw)
    size = np.maximum(np.linalg.norm(raw - raw.mean(axis=0), axis=0), np.abs(raw).max(axis=0))
    left = np.linalg.norm(z, axis=0) > RANK_TOLERANCE * size
    notes = []
    if not left.all():
        named = " + ".join(one.name for one in design.absorbed.effects)
        lost = [term for term, kept in zip(terms, left, strict=True) if not kept]
        notes.append(f"{_listed(lost)} fell out of the instruments: nothing is left beside the effects {named}")
    return tuple(term for term, kept in zip(terms, left, strict=True) if kept), z[:, left], raw[:, left], notes


def _firms_of_any(raw: FloatArray, firm: IntArray, *, within: bool) -> int:
    """Count the firms of which some instrument says something: by a value, or within the firm."""
    order = np.argsort(firm, kind="stable")
    starts = np.flatnonzero(np.diff(firm[order], prepend=firm[order[0]] - 1))
    if within:
        differ = np.minimum.reduceat(raw[order], starts, axis=0) != np.maximum.reduceat(raw[order], starts, axis=0)
        return int(differ.any(axis=1).sum())
    return int(np.logical_or.reduceat((raw[order] != 0).any(axis=1), starts).sum())


def _apart(
    design: Design, endogenous: BoolArray, terms: Sequence[str], z: FloatArray
) -> tuple[BoolArray, tuple[str, ...]]:
    """Return which instruments say something that exogenous terms and instruments before them do not, and of the
    others why.
    """
    exogenous = [term for term, inside in zip(design.terms, endogenous, strict=True) if not inside]
    names = [*exogenous, *terms]
    keep, notes = np.ones(len(terms), dtype=np.bool_), []
    if not terms:
        return keep, ()
    columns = np.column_stack([design.x[:, ~endogenous], z])
    for one in dependences(columns, design.weights):
        keep[one.term - len(exogenous)] = False
        others = [names[other] for other in one.others]
        if not others:
            why = "it is zero in every row"
        elif others == ["constant"]:
            why = "it has the same value in every row"
        else:
            why = f"it is an exact combination of {_listed(others)}"
        notes.append(f"{names[one.term]} fell out of the instruments: {why}")
    if len(notes) > NAMED:
        notes = [*notes[:NAMED], f"{len(notes) - NAMED} more instruments fell out for such reasons"]
    return keep, tuple(notes)


def _check_identified(found: Instrumented) -> None:
    """Refuse instruments that move an endogenous term only as other terms do."""
    design, inside = found.design, found.endogenous
    exogenous = design.x[:, ~inside]
    columns = np.column_stack([exogenous, found.z])
    root = np.ones(len(columns)) if design.weights is None else np.sqrt(design.weights)
    q = np.linalg.qr(columns * root[:, None])[0]
    target = design.x[:, inside] * root[:, None]
    fitted = q @ (q.T @ target)
    names = [*(term for term in found.columns if term not in found.terms), *found.named]
    lost = dependences(np.column_stack([exogenous * root[:, None], fitted]))
    # Columns that the instruments do not move at all are left with rounding alone.
    base = np.linalg.qr(exogenous * root[:, None])[0] if exogenous.shape[1] else np.zeros((len(columns), 0))
    moved = fitted - base @ (base.T @ fitted)
    still = np.linalg.norm(moved, axis=0) <= RANK_TOLERANCE * np.linalg.norm(target, axis=0)
    unmoved = [name for name, one in zip(found.named, still, strict=True) if one]
    unmoved += [names[one.term] for one in lost if names[one.term] not in unmoved]
    if unmoved:
        raise EstimationError(
            f"the instruments {_listed(found.terms)} move {_listed(unmoved)} no otherwise than the other terms do: "
            "its coefficient is not identified; take other instruments, or drop the term"
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
