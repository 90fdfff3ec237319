"""Which keys of ``design: did`` each estimator has."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from specs.errors import did_you_mean
from specs.fields import as_written, mistake

__all__ = ["ESTIMATORS", "USED_BY", "estimators_of", "idle_keys", "refuse_idle_keys", "told_of_idle_keys"]

ESTIMATORS = ("callaway_santanna", "imputation", "sun_abraham", "stacked", "event_study", "twfe")
CELLS = ("callaway_santanna",)
USED_BY: Mapping[str, tuple[str, ...]] = {
    "adjustment": CELLS,
    "control_group": ("callaway_santanna", "stacked"),
    "base_period": CELLS,
    "effects": ESTIMATORS[1:],
    "balance_event": ("callaway_santanna", "imputation", "sun_abraham"),
}
"""The estimators that have a key; every other key is of all."""
RULES_OF_CELLS = ("pairwise", "repeated_cross_sections")
"""Values of `unbalanced` that say which firms a cell has; ``balanced`` is of the sample, whatever the estimator."""
INSTEAD = {
    "adjustment": "covariates stand in the regression",
    "control_group": "its controls are all that is not treated",
    "base_period": "it compares with all years before",
    "effects": "it compares firms cell by cell; write covariates",
    "balance_event": "its coefficients of event times are shared by cohorts",
    "unbalanced": "it takes every row of a firm; write unbalanced: balanced for firms seen in every year",
}


def estimators_of(value: Any) -> tuple[str, ...]:
    """Check `estimator`: a name, or a list of names."""
    named = value if isinstance(value, (tuple, list)) else (value,)
    if not named:
        raise mistake("no estimator", "", f"there are: {', '.join(ESTIMATORS)}")
    for place, one in enumerate(named):
        path = (place,) if isinstance(value, (tuple, list)) else ()
        if one not in ESTIMATORS:
            near = did_you_mean(one, ESTIMATORS) if isinstance(one, str) else ""
            advice = near or f"there are: {', '.join(ESTIMATORS)}"
            raise mistake(f"{as_written(one)} is no estimator", "", advice, path=path)
        if one in named[:place]:
            raise mistake(f'"{one}" stands twice', "", "leave one out", path=path)
    return tuple(named)


def _without(key: str, unbalanced: str, estimators: Sequence[str]) -> tuple[str, ...]:
    """Return the estimators that do not have a key."""
    having = USED_BY.get(key, ESTIMATORS)
    if key == "unbalanced" and unbalanced in RULES_OF_CELLS:
        having = CELLS
    return tuple(one for one in estimators if one not in having)


def idle_keys(estimators: Sequence[str], unbalanced: str = "pairwise") -> tuple[str, ...]:
    """Return the keys that none of the estimators has."""
    keys = (*USED_BY, "unbalanced")
    return tuple(key for key in keys if len(_without(key, unbalanced, estimators)) == len(estimators))


def refuse_idle_keys(written: Collection[str], estimators: Sequence[str], unbalanced: str) -> None:
    """Refuse a key that is written and that none of the estimators has, at its place."""
    for key in idle_keys(estimators, unbalanced):
        if key in written:
            raise mistake(
                f"{key} beside {' and '.join(estimators)}",
                f"{INSTEAD[key]}" if len(estimators) == 1 else "none of them has it",
                f"leave it out, or take {' or '.join(CELLS if key == 'unbalanced' else USED_BY[key][:3])}",
                path=(key,), at_key=True,
            )  # fmt: skip


def told_of_idle_keys(
    estimators: Sequence[str], unbalanced: str, shown: Collection[str], aggregate: Sequence[str]
) -> tuple[str, ...]:
    """Say which keys some of several estimators do not have.

    Parameters
    ----------
    estimators : sequence of str
    unbalanced : str
    shown : collection of str
        The keys that say something in this model.
    aggregate : sequence of str
    """
    if len(estimators) == 1:
        return ()
    lacking = {key: _without(key, unbalanced, estimators) for key in (*USED_BY, "unbalanced") if key in shown}
    of_cohorts = [kind for kind in aggregate if kind in ("group", "calendar")]
    if of_cohorts:
        without = tuple(one for one in estimators if one not in ("callaway_santanna", "imputation"))
        lacking |= {f"aggregate {kind}": without for kind in of_cohorts}
    if "event" in aggregate:
        lacking["aggregate event"] = tuple(one for one in estimators if one == "twfe")
    by_names: dict[tuple[str, ...], list[str]] = {}
    for key, names in lacking.items():
        if names:
            by_names.setdefault(names, []).append(key)
    told = "; ".join(f"{', '.join(keys)} of {', '.join(names)}" for names, keys in by_names.items())
    return (f"keys that an estimator does not have are left out: {told}",) if told else ()
