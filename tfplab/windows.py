"""Windows of years against the years that a panel keeps: what the first gate can see of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specs.errors import Problem
from specs.tree import find

if TYPE_CHECKING:
    from tfplab.plan import Plan

__all__ = ["check_windows"]


def check_windows(plan: Plan) -> list[Problem]:
    """Find windows and placebos with a year that `panel.years` leaves out.

    Parameters
    ----------
    plan : Plan
    """
    panel = plan.spec.panel
    if panel is None or panel.years is None:
        return []
    first, last = panel.years
    problems: list[Problem] = []
    for model in plan.models:
        for key in ("window", "placebo"):
            value = getattr(model.options, key, None)
            windows = value if key == "window" else [value]
            for number, window in enumerate(windows or ()):
                outside = [place for place, year in enumerate(window or ()) if not first <= year <= last]
                if outside:
                    node = find(model.node, (key, number, outside[0])) or find(model.node, (key, outside[0]))
                    what = f"{window[outside[0]]} is outside the panel's years"
                    meaning = f"panel.years keeps {first} to {last}"
                    where = (node or model.node).position
                    problems.append(Problem(where, f"{model.path}.{key}", what, meaning, "widen panel.years"))
    return problems
