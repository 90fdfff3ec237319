"""Which rows and firms stay: `where` and `where_ever`."""

from __future__ import annotations

from panels.expressions import Stages
from specs.expressions import Expression

__all__ = ["EVER", "WHERE", "condition_columns", "lost_reason"]

WHERE, EVER = "~where", "~ever"


def condition_columns(stages: Stages, where: Expression | None, where_ever: Expression | None) -> tuple[str, ...]:
    """Add the conditions' columns to the stages: true, false or missing.

    Parameters
    ----------
    stages : Stages
        Over the panel before any row is left out, so that lags in a condition see all rows.
    where : Expression, optional
        Rows where it holds stay.
    where_ever : Expression, optional
        Firms stay in all years if it holds in one.
    """
    added = []
    if where is not None:
        stages.condition("where", where, WHERE)
        added.append(WHERE)
    if where_ever is not None:
        stages.condition("where_ever", where_ever, EVER, ever=True)
        added.append(EVER)
    return tuple(added)


def lost_reason(where: Expression | None, where_ever: Expression | None) -> list[tuple[str, str, str]]:
    """Return what takes rows out, the first that applies counts: step, reason, SQL condition."""
    reasons = []
    if where_ever is not None:
        reasons.append(
            ("where_ever", f"where_ever is true in no year: {where_ever}", f'"{EVER}" IS DISTINCT FROM true')
        )
    if where is not None:
        reasons += [
            ("where", f"where is false: {where}", f'"{WHERE}" IS NOT DISTINCT FROM false'),
            ("where", f"where is missing: {where}", f'"{WHERE}" IS NULL'),
        ]
    return reasons
