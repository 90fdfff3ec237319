"""Markups: the definition, a known markup recovered, the gradient and the influence functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.productivity import markup, wlp, wooldridge
from estimation.results import FloatArray, ProductivityFit
from panels.frame import Selection
from specs.errors import EstimationError
from tests.estimation.firms import simulate, with_columns


def priced(rows: Selection, seed: int = 4) -> tuple[Selection, FloatArray]:
    """The panel with what labour cost: its share in planned output is 0.6 over the firm's markup."""
    rng = np.random.default_rng(seed)
    log_markup = 0.2 + 0.1 * rng.normal(size=rows.firm.max() + 1)[rows.firm]
    planned = 3 + 0.6 * rows.number("l") + 0.4 * rows.number("k") + rows.number("truth")
    paid = 0.6 * np.exp(planned - log_markup)
    return with_columns(rows, paid=paid, earned=np.exp(rows.number("y"))), log_markup


def parent_of(rows: Selection, method: Any = wooldridge, **changes: Any) -> ProductivityFit:
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m", "sample": "all"} | changes
    fit = method.fit("tfp", method.Options(**keys), rows, np.ones(rows.n_panel, dtype=bool), extras=True)
    assert isinstance(fit, ProductivityFit)
    return fit


def markups(rows: Selection, parent: ProductivityFit, **changes: Any) -> ProductivityFit:
    keys: dict[str, Any] = {"of": "tfp", "input": "l", "expenditure": "paid", "revenue": "earned"} | changes
    use = np.ones(rows.n_panel, dtype=bool)
    return markup.fit("mu", markup.Options(**keys), rows, use, parents={"tfp": parent})


def test_a_known_markup_is_recovered_and_noise_taken_out() -> None:
    rows, truth = priced(simulate(1500, 12))
    fit = markups(rows, parent_of(rows))
    raw = np.log(0.6 * rows.number("earned") / rows.number("paid"))
    # The transitory error has a standard deviation of 0.2; the cubic's own errors leave a tenth of it.
    assert np.std(fit.values - truth) < 0.05 < 0.19 < np.std(raw - truth)
    group = fit.groups[0]
    assert group.terms == ("log_markup",)
    assert abs(group.coefficients[0] - truth.mean()) < 3 * np.sqrt(group.covariance[0, 0])
    assert group.diagnostics["median_markup"] == pytest.approx(np.median(np.exp(fit.values)))


def test_the_definition() -> None:
    rows, _ = priced(simulate(150, 3))
    parent = parent_of(rows)
    fit = markups(rows, parent, level="level")
    assert parent.transitory is not None
    planned = rows.number("earned") * np.exp(-parent.transitory.values)
    expected = parent.groups[0].coefficients[0] / (rows.number("paid") / planned)
    np.testing.assert_allclose(fit.values, expected, rtol=1e-11)
    np.testing.assert_allclose(np.log(fit.values), markups(rows, parent).values, atol=1e-11)


@pytest.mark.parametrize("level", ["log", "level"])
@pytest.mark.parametrize("technology", ["cobb_douglas", "translog"])
def test_inference_is_the_infinitesimal_jackknife(level: str, technology: str) -> None:
    """A just identified parent: reweighting a firm moves the average by its influence function, rows drawn included."""
    rows, _ = priced(simulate(120, 7))
    keys = {"degree": 2, "technology": technology, "weights": "weight"}

    def average(weight: FloatArray) -> float:
        weighted = with_columns(rows, weight=weight)
        values = markups(weighted, parent_of(weighted, wlp, **keys), level=level).values
        return float(np.average(values, weights=weight))

    ones = np.ones(rows.n_panel)
    group = markups(rows, parent_of(with_columns(rows, weight=ones), wlp, **keys), level=level).groups[0]
    step = 1e-4
    for firm in range(0, 120, 17):
        moved = (average(ones + step * (rows.firm == firm)) - average(ones - step * (rows.firm == firm))) / (2 * step)
        place = int(np.searchsorted(group.influence_firms, firm))
        # A central difference of steps 1e-4 keeps some six digits.
        np.testing.assert_allclose(group.influence[place, 0], moved, rtol=1e-4, atol=1e-9)


def test_rows_without_a_markup_are_counted() -> None:
    rows, _ = priced(simulate(100, 5))
    parent = parent_of(rows)
    paid = rows.number("paid").copy()
    paid[:3], paid[3:5] = np.nan, 0.0
    fit = markups(with_columns(rows, paid=paid), parent)
    assert fit.dropped == {"missing paid": 3, "paid not above zero": 2}
    assert np.isnan(fit.values[:5]).all()
    with pytest.raises(EstimationError, match=r"no row has a markup: missing paid 600"):
        markups(with_columns(rows, paid=np.full(rows.n_panel, np.nan)), parent)


@pytest.mark.parametrize("shift", [0.0, 9.0])
@pytest.mark.parametrize("column", ["paid", "earned"])
def test_logs_in_the_place_of_money_are_refused(column: str, shift: float) -> None:
    rows, _ = priced(simulate(150, 3))
    parent = parent_of(rows)
    logs = with_columns(rows, **{column: np.log(rows.number(column)) - 5 + shift})
    with pytest.raises(EstimationError, match=f'"{column}" looks like the log of an amount: it rises by'):
        markups(logs, parent)


@pytest.mark.parametrize("unit", [1e-9, 1e-6, 1e-3, 1e-2, 1.0, 1e6])
def test_money_in_any_unit_is_money(unit: float) -> None:
    rows, _ = priced(simulate(150, 3))
    parent = parent_of(rows)
    paid, earned = rows.number("paid").copy(), rows.number("earned").copy()
    earned[::11] *= -1
    fit = markups(with_columns(rows, paid=paid * unit, earned=earned * unit), parent)
    assert fit.dropped == {"earned not above zero": len(earned[::11])}
