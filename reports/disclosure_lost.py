"""What a did tells of few firms beside its effects: those that were lost, levels that few had, answers taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["lines_of_firms", "without_few_firms"]

SAID = {"attrition": "attrition: of ", "misclassification": "misclassification: "}
"""How the notes begin that tell the same."""


def lines_of_firms(model: Mapping[str, Any], minimum: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what rests on firms: attrition by the firms that were lost, then each covariate's line; mistakes in answers
    by the firms that took one back.

    A mean of an indicator times its firms counts them, among those at risk, kept and lost. That the levels of a text
    add up to one tells nothing: the most frequent has no line.
    """
    for name in SAID:
        found = (model.get("sensitivity") or {}).get(name)
        if found is None:
            continue
        yield name, found
        if found["n_firms"] >= minimum:
            for one in found.get("covariates", ()):
                yield f"{name}: {one['term']}", one


def without_few_firms(model: dict[str, Any], minimum: int) -> None:
    """Leave out the notes and counts by which a number of firms could be had that is withheld."""
    _without_few_lost(model, minimum)
    for name, beginning in SAID.items():
        found = (model.get("sensitivity") or {}).get(name)
        if found is not None and found.get("suppressed"):
            model["notes"] = [note for note in model["notes"] if not note.startswith(beginning)]
            model["dropped"] = dict.fromkeys(model["dropped"])


def _without_few_lost(model: dict[str, Any], minimum: int) -> None:
    """Blank the counts of the unweighted estimates where attrition weights leave out few firms of a side, and the share
    of a single firm.
    """
    found = (model.get("sensitivity") or {}).get("attrition")
    if found is None:
        return
    found["largest_share"] = None
    for part in [one for one in model.get("parts", ()) if (one["rung"] or "").startswith("no ")]:
        own = next((one for one in model["parts"] if one["estimator"] == part["estimator"] and one is not part), part)
        counts = [(part["n_firms"], own["n_firms"])]
        counts += [(part["stats"].get(key), own["stats"].get(key)) for key in ("n_treated_firms", "n_control_firms")]
        if not any(0 < abs(one - other) < minimum for one, other in counts if None not in (one, other)):
            continue
        part |= {"n_firms": None, "n_obs": None}
        gone = [key for key in part["stats"] if key.startswith("n_") or key == "df_resid"]
        part["stats"] = part["stats"] | dict.fromkeys(gone)
        if part["errors"]:
            part["errors"]["clusters"] = dict.fromkeys(part["errors"]["clusters"])
        for one in part["coefficients"]:
            one["n_firms"] = None
