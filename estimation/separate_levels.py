"""What an outcome's separate technologies do to a regression: indicators of their groups are no productivity gaps."""

from __future__ import annotations

from collections.abc import Sequence

from estimation.results import ProductivityFit
from specs.formula import Formula

__all__ = ["not_gaps", "separate_columns"]


def separate_columns(first_stage: ProductivityFit | None) -> tuple[str, ...]:
    """Return the columns whose groups have technologies of their own; none where all share one."""
    if first_stage is None or len({tuple(group.coefficients.tolist()) for group in first_stage.groups}) < 2:
        return ()
    return tuple(dict.fromkeys(column for group in first_stage.groups for column, _ in group.group))


def not_gaps(
    formula: Formula, terms: Sequence[str], outcome: str, first_stage: ProductivityFit | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the terms that compare levels of technologies estimated separately, and what the reader should know.

    Parameters
    ----------
    formula : Formula
    terms : sequence of str
    outcome : str
        As written.
    first_stage : ProductivityFit or None
        The outcome's.

    Returns
    -------
    terms : tuple of str
        Indicators of the groups: units of one technology against units of another.
    notes : tuple of str
    """
    columns = separate_columns(first_stage)
    if not columns:
        return (), ()
    alone = {term.factors[0].name for term in formula.terms if len(term.factors) == 1}
    found = tuple(term for term in terms if ":" not in term and term.partition("[")[0] in alone & set(columns))
    by = ", ".join(columns)
    said = f"{outcome} comes from technologies estimated separately by {by}, whose levels cannot be compared: "
    notes = []
    if found:
        shown = ", ".join(dict.fromkeys(term.partition("[")[0] for term in found))
        notes.append(
            f"{said}the indicators of {shown} are no productivity gaps, and tables leave them out; the constant is the "
            "level of their base"
        )
    absorbed = {name for effect in formula.absorbed for name in effect.names}
    # Columns go from fine to coarse: firms alike in a fine one are alike in those behind it.
    held = next((at for at, column in enumerate(columns) if column in alone | absorbed), len(columns))
    lacking = ", ".join(columns[:held])
    if lacking and ("firm",) in {effect.names for effect in formula.absorbed}:
        notes.append(
            f"{said}of firms that go from one to another, coefficients hold differences of units too; with {lacking} "
            "in the formula they do not"
        )
    elif lacking:
        notes.append(
            f"{said}coefficients of what differs between them hold differences of units too; with {lacking} "
            "in the formula firms are compared within a technology"
        )
    return found, tuple(notes)
