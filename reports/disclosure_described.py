"""Which numbers of groups of firms may leave a room: descriptive statistics and comparisons of distributions.

A mean of a group follows from that of all firms and those of the other groups; a share from those of the other levels;
a difference and the group's own base give the group. Quartiles are values of firms: one is told where enough firms lie
on either side, whatever the rule does with other breaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reports.disclosure_shares import blank_added_up
from reports.few_firms import to_hide
from specs.sections import DESCRIPTIVES

__all__ = ["blank_beside", "told_of_groups", "withhold_quartiles"]

QUARTILES = ("p25", "p50", "p75")
DISTRIBUTION = "distribution"
ALL_OF = " is all of "
"""In the note that names groups of a single cluster."""


def withhold_quartiles(models: Iterable[dict[str, Any]], minimum: int) -> None:
    """Take the quartiles out that have fewer than `minimum` firms on a side."""
    for model in models:
        for one in model["coefficients"] if model["design"] == DESCRIPTIVES else ():
            for key in QUARTILES:
                if key in one and one[f"n_firms_{key}"] < minimum:
                    one |= {key: None, f"n_firms_{key}": None}


def blank_beside(model: Mapping[str, Any], minimum: int) -> list[Any]:
    """Return the descriptive statistics that have to be left out beside those that are suppressed already."""
    if model["design"] != DESCRIPTIVES:
        return []
    every = model["coefficients"]
    hidden = {one["term"] for one in every if one.get("suppressed")}
    found: list[Any] = []

    def take(ones: Iterable[Any]) -> bool:
        new = [one for one in ones if one["term"] not in hidden]
        hidden.update(one["term"] for one in new)
        found.extend(new)
        return bool(new)

    def now(ones: Iterable[Any]) -> list[Any]:
        return [{**one, "suppressed": True} if one["term"] in hidden else one for one in ones]

    lines = [one for one in every if one["kind"] != "difference"]
    changed = True
    while changed:
        changed = False
        for item in dict.fromkeys((one["item"], one["level"]) for one in lines):
            own = [one for one in lines if (one["item"], one["level"]) == item]
            terms = {one["term"] for one in blank_added_up(now(own), minimum)}
            changed = take(one for one in own if one["term"] in terms) or changed
        for cell in dict.fromkeys((one["item"], *one["cell"].items()) for one in lines if one["level"]):
            levels = [one for one in lines if one["level"] and (one["item"], *one["cell"].items()) == cell]
            changed = take(_of_levels(now(levels), levels, minimum)) or changed
    groups = {(one["item"], one["level"]) for one in lines if one["term"] in hidden and one["cell"]}
    take(one for one in every if one["kind"] == "difference" and (one["item"], one["level"]) in groups)
    return found


def _of_levels(now: list[Any], levels: list[Any], minimum: int) -> list[Any]:
    """Return the levels of a text that go with those that are gone: shares of a group add up to one."""
    gone = [one for one in now if one.get("suppressed")]
    left = sorted((one for one in now if not one.get("suppressed")), key=lambda one: one["n_yes"])
    taken: list[str] = []
    firms = max((one["n_firms"] for one in left), default=0)
    while gone and left and (len(gone) < 2 or firms - sum(one["n_yes"] for one in left) < minimum):
        gone.append(left[0])
        taken.append(left.pop(0)["term"])
    return [one for one in levels if one["term"] in taken]


def told_of_groups(model: dict[str, Any], minimum: int) -> None:
    """Take out the statistics that rest on a group of too few firms, and the counts that give it away."""
    if model["design"] not in (DESCRIPTIVES, DISTRIBUTION) or model["status"] != "ok" or model.get("suppressed"):
        return
    stats = model["stats"]
    firms = {key[8:-1]: value for key, value in stats.items() if key.startswith("n_firms[")}
    few = {level for level, value in firms.items() if value < minimum}
    if few:
        whole = {**firms, "": model["n_firms"]}
        hidden = to_hide(whole, [("", list(firms))], minimum)
        for one in model["coefficients"]:
            # Means and gaps of a level count its firms once more.
            if any(one["term"].endswith((f"[{level}]", f",{level}]")) for level in hidden - {""}):
                one["n_firms"] = None
        for level in hidden - {""}:
            stats |= {key: None for key in (f"n_firms[{level}]", f"n_obs[{level}]") if key in stats}
        if "" in hidden:
            model |= {"n_firms": None, "n_obs": None}
        said = [note for note in model["notes"] if ALL_OF not in note]
        if len(said) < len(model["notes"]):
            model["notes"] = [*said, f"a note was withheld: it concerns fewer than {minimum} firms"]
    if model["design"] == DISTRIBUTION:
        base = set(model["reference"].values())
        others = [level for level in firms if level not in base]
        gone = [level for level in others if level in few or few & base]
        ends = ("",) if len(others) == 1 and gone else tuple(f"[{level}]" for level in gone)
        tests = [key for key in stats if not key.startswith("n_firms[")]
        stats |= dict.fromkeys(key for key in tests if ends and key.endswith(ends))
        return
    if few or any(one.get("suppressed") for one in model["coefficients"]):
        stats |= dict.fromkeys(key for key in stats if key.startswith("joint_"))
    items = {one["item"] for one in model["coefficients"] if one.get("suppressed")}
    stats |= dict.fromkeys(key for key in stats for item in items if f"[{item}]" in key or f"[{item}[" in key)
