"""Synthetic firms with endogenous regressors and instruments, for the tests of instrumented designs."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from estimation.designs import cross_section, fixed_effects
from estimation.results import Estimates, ModelPart, ProductivityFit
from panels.frame import Selection
from tests.estimation.rows import selection


@cache
def firms(seed: int = 3, n: int = 400, strength: float = 1.0) -> Selection:
    """Rows of some 90 firms in 12 groups; `x` and `v` are endogenous, `z1` to `z3` move them, `c` is exogenous."""
    draw = np.random.default_rng(seed)
    firm = np.sort(draw.integers(0, 90, n))
    group, shock, noise = firm % 12, draw.normal(size=90)[firm], draw.normal(size=n)
    z1, z2, z3, c = (draw.normal(size=n) for _ in range(4))
    x = strength * (0.4 * z1 + 0.2 * z2) + 0.6 * noise + draw.normal(size=n) + 0.2 * shock
    v = strength * (0.3 * z3 - 0.3 * z1) + 0.5 * noise + draw.normal(size=n)
    y = 1 + 0.5 * x - 0.3 * v + 0.2 * c + noise + 0.5 * shock
    return selection(
        {
            "y": y, "x": x, "v": v, "c": c, "z1": z1, "z2": z2, "z3": z3, "w": draw.uniform(0.5, 2, n),
            "size": [("small", "middle", "large")[one] for one in draw.integers(0, 3, n)],
            "region": [("N", "S", "W")[one] for one in draw.integers(0, 3, n)],
            "group": [f"g{one:02d}" for one in group],
        },
        firm,
        draw.integers(2017, 2022, n),
    )  # fmt: skip


def estimate(
    formula: str,
    instruments: dict[str, tuple[str, ...]],
    rows: Selection | None = None,
    first: ProductivityFit | None = None,
    **keys: Any,
) -> Estimates:
    """Estimate an instrumented model; with a bar in the formula, beside effects."""
    design = fixed_effects if "|" in formula else cross_section
    options = design.Options.model_validate({"formula": formula, "method": "iv", "instruments": instruments, **keys})
    return design.fit("m", options, firms() if rows is None else rows, first)


def ols(formula: str, rows: Selection | None = None, first: ProductivityFit | None = None, **keys: Any) -> Estimates:
    """Estimate by least squares."""
    design = fixed_effects if "|" in formula else cross_section
    options = design.Options.model_validate({"formula": formula, **keys})
    return design.fit("m", options, firms() if rows is None else rows, first)


def part(found: Estimates, name: str) -> ModelPart:
    """Return one of a model's parts."""
    return next(one for one in found.parts if one.estimator == name)


def with_columns(rows: Selection, **columns: Any) -> Selection:
    """Return the rows with columns put in the place of others, or beside them."""
    new = selection(columns, rows.firm.tolist(), rows.year.tolist())
    return Selection(
        rows.rows, rows.firm, rows.year, {**rows.columns, **new.columns}, rows.n_panel, rows.outside, rows.aliases
    )
