"""Synthetic firms with a known production function, for the tests of productivity estimators."""

from __future__ import annotations

import csv
import json
from functools import cache
from typing import Any

import numpy as np

from estimation.productivity import wooldridge
from estimation.results import FloatArray, ProductivityFit
from panels.frame import NumberColumn, Selection
from tests.estimation.rows import REFERENCE, selection

BL, BK = 0.6, 0.4


def simulate(
    n_firms: int,
    seed: int,
    n_years: int = 6,
    *,
    sectors: int = 0,
    second_inputs: bool = False,
    ragged: bool = False,
    switchers: float = 0.0,
) -> Selection:
    """Firms with productivity AR(1), labour moved by it and by a persistent wage, capital set a year before.

    Materials are linear in capital and productivity, so that a polynomial of any degree spans the control
    function: h(k, m) = m - 0.4 k. With `sectors` productivity and materials have a mean by sector (columns
    `nace` and, two sectors in one, `branch`). `second_inputs` adds `l2` and `k2` with elasticities 0.15 and
    0.1; `ragged` takes one row in eight away; `switchers` is the share of firms that change sector.
    """
    rng = np.random.default_rng(seed)
    shape = (n_firms, n_years)
    w, k, k2, wage, wage2 = (np.zeros(shape) for _ in range(5))
    sector = np.zeros(shape, dtype=int)
    if sectors:
        sector += np.arange(n_firms)[:, None] % sectors
        moved = rng.random(n_firms) < switchers
        sector[moved, n_years // 2 :] = (sector[moved, n_years // 2 :] + 1) % sectors
    mean = 0.3 * sector
    w[:, 0], k[:, 0], k2[:, 0] = (rng.normal(0, s, n_firms) for s in (0.4, 0.8, 0.8))
    wage[:, 0], wage2[:, 0] = rng.normal(0, 0.4, n_firms), rng.normal(0, 0.4, n_firms)
    for t in range(1, n_years):
        w[:, t] = 0.8 * w[:, t - 1] + rng.normal(0, 0.25, n_firms)
        k[:, t] = 0.8 * k[:, t - 1] + 0.3 * w[:, t - 1] + rng.normal(0, 0.35, n_firms)
        k2[:, t] = 0.7 * k2[:, t - 1] + 0.2 * w[:, t - 1] + rng.normal(0, 0.35, n_firms)
        wage[:, t] = 0.8 * wage[:, t - 1] + rng.normal(0, 0.25, n_firms)
        wage2[:, t] = 0.8 * wage2[:, t - 1] + rng.normal(0, 0.25, n_firms)
    w += mean
    l = 2 + 0.4 * k + 0.8 * w - wage  # noqa: E741
    l2 = 1 + 0.2 * k + 0.5 * w - wage2
    m = 1 + 0.4 * k + w
    y = 3 + BL * l + BK * (k + 5) + w + rng.normal(0, 0.2, shape)
    columns: dict[str, Any] = {"l": l, "k": k + 5, "m": m}
    if second_inputs:
        y += 0.15 * l2 + 0.1 * k2
        m = m + 0.2 * k2
        columns |= {"l2": l2, "k2": k2, "m": m}
    columns |= {"y": y, "truth": w}
    kept = rng.random(shape) > (0.125 if ragged else 0.0)
    firm, year = np.nonzero(kept)
    flat: dict[str, Any] = {name: values[kept] for name, values in columns.items()}
    flat["year"] = (year + 2015).astype(float)
    if sectors:
        flat["nace"] = [f"S{code}" for code in sector[kept]]
        flat["branch"] = [f"B{code // 2}" for code in sector[kept]]
    return selection(flat, firm, year + 2015)


def options(**changes: Any) -> wooldridge.Options:
    """Return Wooldridge's keys for `simulate`, with changes."""
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m"} | changes
    return wooldridge.Options(**keys)


def fitted(rows: Selection, method: Any = wooldridge, **changes: Any) -> ProductivityFit:
    """Fit a method on every row."""
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",)}
    if "proxy" in method.Options.model_fields:
        keys["proxy"] = "m"
    fit = method.fit("tfp", method.Options(**(keys | changes)), rows, np.ones(rows.n_panel, dtype=bool))
    assert isinstance(fit, ProductivityFit)
    return fit


def std_errors(fit: ProductivityFit, group: int = 0) -> FloatArray:
    """Return the standard errors of a group's elasticities."""
    return np.sqrt(np.diag(fit.groups[group].covariance))


def with_columns(rows: Selection, **values: FloatArray) -> Selection:
    """Return the panel with number columns replaced or added."""
    columns = {**rows.columns, **{name: NumberColumn(value) for name, value in values.items()}}
    return Selection(rows.rows, rows.firm, rows.year, columns, rows.n_panel, rows.outside)


@cache
def reference_panel_a() -> Selection:
    """The synthetic panel behind the reference numbers: 6,600 rows, 919 firms, no gaps."""
    with (REFERENCE / "tfp_panel_a.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (int(row["firm_id"]), int(row["year"])))
    names = {"ln_va": "y", "ln_labour": "l", "ln_capital": "k", "ln_materials": "m", "omega_true": "truth"}
    return selection(
        {short: [float(row[name]) for row in rows] for name, short in names.items()},
        [int(row["firm_id"]) for row in rows],
        [int(row["year"]) for row in rows],
    )


@cache
def reference_numbers_a() -> dict[str, Any]:
    """Return the entries by their keys: ``wooldridge_d3_common_2step_cluster``."""
    found: dict[str, Any] = json.loads((REFERENCE / "tfp_panel_a.json").read_text(encoding="utf-8"))
    return found
