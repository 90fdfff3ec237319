"""What `sensitivity` and `power` of ``design: did`` name, and what in them cannot be."""

from __future__ import annotations

from collections.abc import Sequence

from estimation.designs.options import ColumnUse
from specs.adoption import Adoption
from specs.fields import mistake
from specs.sensitivity import SensitivitySpec

__all__ = ["check_bacon", "check_overall", "check_placebo", "uses_beyond"]


def uses_beyond(asked: SensitivitySpec | None) -> tuple[ColumnUse, ...]:
    """Return the columns that `sensitivity` names, with their places."""
    if asked is None:
        return ()
    outcomes = asked.placebo.outcomes if asked.placebo is not None else ()
    found = [
        ColumnUse(name, ("sensitivity", "placebo", "outcomes", place), wants="number", outcome=True)
        for place, name in enumerate(outcomes)
    ]
    if asked.leave_out is not None:
        found.append(ColumnUse(asked.leave_out, ("sensitivity", "leave_out"), wants="text"))
    return tuple(found)


def check_overall(asked: SensitivitySpec | None, *, power: bool, aggregate: Sequence[str]) -> None:
    """Refuse what is said of the average over all treated rows where there is none.

    Raises
    ------
    PydanticCustomError
        A `mistake` with its place, as the other two do.
    """
    wanting = ["power"] if power else []
    wanting += ["placebo"] if asked is not None and asked.placebo is not None else []
    wanting += ["leave_out"] if asked is not None and asked.leave_out is not None else []
    if wanting and "simple" not in aggregate:
        named = ", ".join(("simple", *aggregate))
        raise mistake(f"{wanting[0]} without att[simple]", "it is of the average over all treated firms and years",
                      f"write aggregate: [{named}]", path=("aggregate",))  # fmt: skip


def check_placebo(asked: SensitivitySpec | None, outcome: str, adoption: Adoption, anticipation: int) -> None:
    """Refuse placebos that are none: the model's own outcome, a date from the base period on."""
    if asked is None or asked.placebo is None:
        return
    for place, name in enumerate(asked.placebo.outcomes):
        if name in (outcome, adoption.column):
            what = f'"{name}" is {"the outcome" if name == outcome else "the treatment"}'
            raise mistake(what, "a placebo is an outcome that treatment does not move",
                          path=("sensitivity", "placebo", "outcomes", place))  # fmt: skip
    if adoption.last_base is None:
        return  # rows date adoption: said when they are read
    last = adoption.last_base - anticipation
    for place, date in enumerate(asked.placebo.dates):
        if date >= last:
            raise mistake(f"the placebo date {date} is not before the base period, {last}",
                          "treatment is made out to begin where it has not", f"name a year before {last}",
                          path=("sensitivity", "placebo", "dates", place))  # fmt: skip


def check_bacon(
    asked: SensitivitySpec | None, adoption: Adoption, estimators: Sequence[str], beside: Sequence[str]
) -> None:
    """Refuse the comparisons behind twfe where they are not asked of it, or are not its own.

    Parameters
    ----------
    asked : SensitivitySpec or None
    adoption : Adoption
    estimators : sequence of str
    beside : sequence of str
        The keys of what stands beside firms and years: ``covariates``, ``effects``.
    """
    if asked is None or not asked.bacon:
        return
    path = ("sensitivity", "bacon")
    if "twfe" not in estimators:
        named = ", ".join((*estimators, "twfe"))
        raise mistake("bacon without twfe", "it takes the coefficient of twfe apart", f"write estimator: [{named}]",
                      path=path)  # fmt: skip
    if adoption.censored:
        raise mistake("bacon of an adoption that lies between waves", "comparisons go by the year of adoption",
                      "leave it out, or write adoption: {..., dating: early}", path=path)  # fmt: skip
    if beside:
        raise mistake(f"bacon beside {beside[0]}", "the comparisons are those of twfe without them",
                      f"leave out bacon, or {beside[0]}", path=path)  # fmt: skip
