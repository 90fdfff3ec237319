"""Rows read are rows used in each equation and rows dropped by reason, of estimates and of those that failed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimation.results import ProductivityFit
from panels.frame import NumberColumn, Selection, TextColumn
from specs.errors import EstimationError
from tests.estimation.test_every_estimator import KEYS, METHODS, fitted, here

LAGGED = {"wooldridge", "wlp", "gross_output"}
TWO_STAGE = {"ackerberg_caves_frazer", "levinsohn_petrin", "olley_pakes"}


def with_losses(rows: Selection) -> Selection:
    """The panel with gaps, missing values and a column of sectors in which firms move."""
    rng = np.random.default_rng(5)
    kept = rng.random(rows.n_panel) > 0.05
    taken = rows.take(kept)
    n = len(taken.rows)
    columns = dict(taken.columns)
    for name in ("l", "k", "y", "q", "m", "share"):
        values = taken.number(name).copy()
        values[rng.random(n) < 0.01] = np.nan
        columns[name] = NumberColumn(values)
    codes = np.where(rng.random(n) < 0.02, 1 - taken.firm % 2, taken.firm % 2)
    columns["nace"] = TextColumn(codes, ("A", "B"))
    columns["age"] = NumberColumn(np.where(rng.random(n) < 0.03, np.nan, rng.normal(size=n)))
    return Selection(np.arange(n), taken.firm, taken.year, columns, n, {})


def balanced(fit: ProductivityFit) -> None:
    sample = int(np.count_nonzero(fit.in_sample))
    assert sample + sum(fit.dropped.values()) == len(fit.values)
    for one in fit.equations.values():
        assert one.used + sum(one.dropped.values()) == sample
        assert all(count > 0 for count in one.dropped.values())


@pytest.mark.parametrize("method", METHODS)
def test_the_rows_of_every_method_add_up(method: str) -> None:
    rows = with_losses(here())
    use = np.arange(rows.n_panel) % 50 > 0
    fit = fitted(method, rows, use)
    balanced(fit)
    assert fit.dropped["outside where"] == np.count_nonzero(~use)


@pytest.mark.parametrize("method", sorted(LAGGED | {"gandhi_navarro_rivers"} | TWO_STAGE))
@pytest.mark.parametrize("separately_by", [(), ("nace",)])
def test_rows_of_an_equation_add_up_where_another_keeps_more(method: str, separately_by: tuple[str, ...]) -> None:
    rows = with_losses(here())
    changes: dict[str, Any] = {"separately_by": separately_by}
    if method not in TWO_STAGE:
        changes["min_firms"] = 2
    if method in LAGGED:
        changes["sample"] = "all"
    fit = fitted(method, rows, **changes)
    balanced(fit)
    second = fit.equations["2"]
    assert second.used == sum(group.n_obs for group in fit.groups)
    if method == "wlp":
        return
    keys = KEYS[method]
    complete = ~np.isnan([rows.number(name) for name in ("l", "k", keys["proxy"], keys["output"])]).any(axis=0)
    if method == "gandhi_navarro_rivers":
        complete &= ~np.isnan(rows.number("share"))
    follows = np.append(False, (np.diff(rows.firm) == 0) & (np.diff(rows.year) == 1))
    assert second.dropped["no row in the year before"] == np.count_nonzero(complete & ~follows)
    before = np.append(False, complete[:-1])
    assert second.dropped["missing value in the year before"] == np.count_nonzero(complete & follows & ~before)
    same = np.append(False, np.diff(rows.columns["nace"].codes) == 0)  # type: ignore[union-attr]
    moved = int(np.count_nonzero(complete & follows & before & ~same)) if separately_by else 0
    assert second.dropped.get("another group in the year before", 0) == moved


@pytest.mark.parametrize("sample", ["common", "all"])
def test_the_column_that_survival_lacks_is_named(sample: str) -> None:
    rows = with_losses(here())
    rng = np.random.default_rng(2)
    there = rows.year < 2016 + rng.integers(0, 6, 1 + rows.firm.max())[rows.firm]
    rows = rows.take(there)
    rows = replace(rows, rows=np.arange(len(rows.rows)), n_panel=len(rows.rows))
    full = {"i": NumberColumn(rows.number("m") + rng.normal(size=len(rows.rows)))}
    rows = replace(rows, columns={**rows.columns, **full})
    fit = fitted("wooldridge", rows, sample=sample, survival={"on": ("i", "age"), "degree": 1})
    balanced(fit)
    lost = (fit.dropped if sample == "common" else fit.equations["2"].dropped).get("missing age in the year before", 0)
    assert lost > 0
    assert not any(" i " in reason for one in (fit.dropped, fit.equations["2"].dropped) for reason in one)
    said = [note for note in fit.notes if "probability of survival" in note]
    assert said == ([] if sample == "common" else [
        f"{lost} rows stand in equation 1 alone: the year before lacks age for the probability of survival"
    ])  # fmt: skip


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"labour_productivity", "markup"}))
def test_what_was_dropped_is_known_of_an_estimate_that_failed(method: str) -> None:
    rows = here()
    values = rows.number("k").copy()
    values[:1248] = np.nan
    rows = replace(rows, columns={**rows.columns, "k": NumberColumn(values)})
    use = np.arange(rows.n_panel) < 1250
    with pytest.raises(EstimationError) as found:
        fitted(method, rows, use)
    assert found.value.dropped == {"outside where": rows.n_panel - 1250, "missing k": 1248}
