"""Markups: the definition, a known markup recovered, the gradient and the influence functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.bootstrap import blocks
from estimation.chain import bootstrap_elasticities
from estimation.productivity import (
    ackerberg_caves_frazer,
    gandhi_navarro_rivers,
    levinsohn_petrin,
    markup,
    wlp,
    wooldridge,
)
from estimation.productivity.markup_draws import MarkupResampler
from estimation.resamplers import InfluenceResampler, LevelResampler
from estimation.results import FloatArray, ProductivityFit
from panels.frame import Selection
from specs.errors import EstimationError
from tests.estimation import gross_output_firms
from tests.estimation.duplicates import duplicated
from tests.estimation.firms import simulate, with_columns
from tests.estimation.slopes import assert_slopes


def priced(rows: Selection, seed: int = 4) -> tuple[Selection, FloatArray]:
    """The panel with what labour cost: its share in planned output is 0.6 over the firm's markup."""
    rng = np.random.default_rng(seed)
    log_markup = 0.2 + 0.1 * rng.normal(size=rows.firm.max() + 1)[rows.firm]
    planned = 3 + 0.6 * rows.number("l") + 0.4 * rows.number("k") + rows.number("truth")
    paid = 0.6 * np.exp(planned - log_markup)
    return with_columns(rows, paid=paid, earned=np.exp(rows.number("y"))), log_markup


def parent_options(**changes: Any) -> Any:
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m", "sample": "all"}
    return wlp.Options(**(keys | changes))


def parent_of(rows: Selection, method: Any = wooldridge, **changes: Any) -> ProductivityFit:
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m", "sample": "all"} | changes
    fit = method.fit("tfp", method.Options(**keys), rows, np.ones(rows.n_panel, dtype=bool), extras="transitory")
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


@pytest.mark.parametrize("absurd", [1e-320, 1e-120, 1e-300])
def test_a_level_that_is_no_number_is_left_out_and_counted(absurd: float) -> None:
    rows, _ = priced(simulate(100, 5))
    parent = parent_of(rows)
    paid = rows.number("paid").copy()
    paid[4] = absurd
    fit = markups(with_columns(rows, paid=paid), parent, level="level")
    without = np.where(np.arange(rows.n_panel) == 4, np.nan, paid)
    same = markups(with_columns(rows, paid=without), parent, level="level")
    assert fit.dropped == {"earned over paid too large for a markup in levels": 1}
    np.testing.assert_array_equal(fit.values, same.values)
    np.testing.assert_array_equal(fit.groups[0].coefficients, same.groups[0].coefficients)
    np.testing.assert_array_equal(fit.groups[0].covariance, same.groups[0].covariance)
    assert np.isfinite(fit.groups[0].inference.std_errors).all()


def test_a_level_that_is_no_number_is_left_out_of_draws() -> None:
    rows, _ = priced(simulate(60, 5))
    paid = rows.number("paid").copy()
    counts = blocks(3, np.arange(60), 60).counts(0, 5)
    drawn = []
    for absurd in (1e-320, np.nan):
        paid[4] = absurd
        _, _, resampler = resampler_of(with_columns(rows, paid=paid), wlp, {"degree": 2}, level="level")
        drawn.append(resampler.redraw(counts)[0])
    np.testing.assert_array_equal(drawn[0].parameters, drawn[1].parameters)
    np.testing.assert_array_equal(drawn[0].influence, drawn[1].influence)
    assert np.isfinite(drawn[0].parameters).all()


@pytest.mark.parametrize("largest", [1e200, 1e308])
@pytest.mark.parametrize("column", ["paid", "earned"])
def test_an_absurd_amount_breaks_no_sum_of_squares(column: str, largest: float) -> None:
    """Warnings are errors here: what is asked of the amounts has no overflow."""
    rows, _ = priced(simulate(100, 5))
    values = rows.number(column).copy()
    values[4] = largest
    fit = markups(with_columns(rows, **{column: values}), parent_of(rows))
    assert np.isfinite(fit.groups[0].coefficients).all()
    assert any("one row of 600 holds more than 99 per cent" in note for note in fit.groups[0].notes)


@pytest.mark.parametrize("level", ["log", "level"])
def test_a_wild_value_is_told(level: str) -> None:
    rows, _ = priced(simulate(100, 5))
    parent = parent_of(rows)
    fit = markups(rows, parent, level=level)
    assert fit.groups[0].notes == ()
    paid = rows.number("paid").copy()
    paid[4] *= 1e-9
    wild = markups(with_columns(rows, paid=paid), parent, level=level)
    assert abs(wild.groups[0].coefficients[0] - fit.groups[0].coefficients[0]) > fit.groups[0].inference.std_errors[0]
    (note,) = wild.groups[0].notes
    bound = 90 if level == "log" else 99
    assert note.startswith(f"one row of 600 holds more than {bound} per cent of the sum of squares of the markups")


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


def resampler_of(
    rows: Selection, method: Any, parent_keys: dict[str, Any], **changes: Any
) -> tuple[ProductivityFit, ProductivityFit, MarkupResampler]:
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m"} | parent_keys
    options, use = method.Options(**keys), np.ones(rows.n_panel, dtype=bool)
    parent = method.fit("tfp", options, rows, use, extras="transitory")
    fit = markups(rows, parent, **changes)
    own = markup.Options(**({"of": "tfp", "input": "l", "expenditure": "paid", "revenue": "earned"} | changes))
    behind = method.resampler(options, rows, use, parent)
    return fit, parent, markup.resampler(own, rows, use, fit, parents={"tfp": (parent, behind)})


DRAWN: list[tuple[Any, dict[str, Any], dict[str, Any], float]] = [
    (wlp, {"degree": 2}, {}, 1e-8),
    (wlp, {"degree": 2, "controls": ("nace",)}, {"level": "level"}, 1e-8),
    (wlp, {"degree": 2, "technology": "translog"}, {}, 1e-8),
    (wlp, {"degree": 1, "separately_by": ("nace",), "min_firms": 20}, {}, 1e-8),
    # Roots are polished to 1e-10 of their moments.
    (levinsohn_petrin, {"degree": 2}, {}, 1e-6),
    (ackerberg_caves_frazer, {"degree": 1}, {"level": "level"}, 1e-6),
]


@pytest.mark.parametrize(("method", "parent_keys", "changes", "tolerance"), DRAWN)
def test_draws_are_markups_of_firms_that_stand_several_times(
    method: Any, parent_keys: dict[str, Any], changes: dict[str, Any], tolerance: float
) -> None:
    rows, _ = priced(simulate(180, 7, sectors=2))
    fit, _, resampler = resampler_of(rows, method, parent_keys, **changes)
    assert isinstance(resampler, LevelResampler)
    assert isinstance(resampler, InfluenceResampler)
    once = resampler.draw(np.ones((1, 180)))
    np.testing.assert_allclose([one[0, 0] for one in once], [one.coefficients[0] for one in fit.groups], atol=1e-10)
    np.testing.assert_allclose(resampler.level(tuple(one[0] for one in once)), fit.values, atol=1e-10)
    for own in blocks(3, np.arange(180), 180).counts(0, 3):
        drawn = resampler.draw(own[None])
        many, where = duplicated(rows, own)
        again, _, _ = resampler_of(many, method, parent_keys, **changes)
        wanted = [one.coefficients[0] for one in again.groups]
        np.testing.assert_allclose([one[0, 0] for one in drawn], wanted, atol=tolerance)
        at = tuple(one[0] for one in drawn)
        np.testing.assert_allclose(resampler.level(at)[where], again.values, atol=tolerance)
    assert_slopes(resampler, at)


def test_groups_without_a_row_are_absent_and_counted() -> None:
    rows, _ = priced(simulate(180, 7, sectors=3))
    keys = {"degree": 1, "separately_by": ("nace",), "min_firms": 20}
    parent = parent_of(rows, wlp, **keys)
    own = markup.Options(of="tfp", input="l", expenditure="paid", revenue="earned")
    use = parent.group_of_row == 1
    fit = markup.fit("mu", own, rows, use, parents={"tfp": parent})
    assert [group.group for group in fit.groups] == [parent.groups[1].group]
    assert fit.notes[-1] == "2 of the 3 groups of tfp have no row here"
    assert set(fit.group_of_row.tolist()) == {-1, 0}
    everywhere = np.ones(rows.n_panel, dtype=bool)
    behind = wlp.resampler(parent_options(**keys), rows, everywhere, parent)
    resampler = markup.resampler(own, rows, use, fit, parents={"tfp": (parent, behind)})
    (counts,) = blocks(3, np.arange(180), 180).counts(1, 2)
    counts = np.vstack([np.ones(180), counts])
    drawn = resampler.draw(counts)
    assert len(drawn) == 1
    assert drawn[0][0, 0] == pytest.approx(fit.groups[0].coefficients[0], abs=1e-10)
    np.testing.assert_allclose(resampler.level((drawn[0][0],)), fit.values, atol=1e-10)
    (again,) = resampler.redraw(counts)
    np.testing.assert_array_equal(again.parameters, drawn[0])
    np.testing.assert_allclose(again.influence[0], fit.groups[0].influence.T, atol=1e-10)


def test_draws_of_elasticities_that_are_not_linear_in_the_parameters() -> None:
    """Gandhi, Navarro and Rivers: both the elasticity and the transitory error are computed anew."""
    rows = gross_output_firms.simulate(200, 5)
    options = gross_output_firms.options()
    rows = with_columns(rows, paid=np.exp(rows.number("m") - 1.0), earned=np.exp(rows.number("y")))
    own = markup.Options(of="tfp", input="m", expenditure="paid", revenue="earned")

    def made(of: Selection) -> tuple[ProductivityFit, MarkupResampler]:
        everywhere = np.ones(of.n_panel, dtype=bool)
        parent = gandhi_navarro_rivers.fit("tfp", options, of, everywhere, extras="transitory")
        fit = markup.fit("mu", own, of, everywhere, parents={"tfp": parent})
        behind = gandhi_navarro_rivers.resampler(options, of, everywhere, parent)
        return fit, markup.resampler(own, of, everywhere, fit, parents={"tfp": (parent, behind)})

    _, resampler = made(rows)
    (counts,) = blocks(3, np.arange(200), 200).counts(1, 2)
    drawn = resampler.draw(counts[None])
    many, where = duplicated(rows, counts)
    again, _ = made(many)
    np.testing.assert_allclose(drawn[0][0, 0], again.groups[0].coefficients[0], atol=1e-7)
    at = tuple(one[0] for one in drawn)
    np.testing.assert_allclose(resampler.level(at)[where], again.values, atol=1e-7)
    assert_slopes(resampler, at)


@pytest.mark.parametrize("level", ["log", "level"])
def test_influence_functions_of_a_draw_are_what_its_counts_do(level: str) -> None:
    rows, _ = priced(simulate(80, 9))
    fit, _, resampler = resampler_of(rows, wlp, {"degree": 1}, level=level)
    counts = blocks(3, np.arange(80), 80).counts(0, 1)
    (found,) = resampler.redraw(counts)
    for firm in range(0, 80, 11):
        ends = []
        for sign in (-1, 1):
            own = counts.copy()
            own[0, firm] += sign * 1e-4
            ends.append(resampler.draw(own)[0][0, 0])
        place = int(np.searchsorted(fit.groups[0].influence_firms, firm))
        np.testing.assert_allclose(found.influence[0, 0, place], (ends[1] - ends[0]) / 2e-4, rtol=1e-5, atol=1e-10)


def test_the_bootstrap_of_the_average_is_near_its_closed_form() -> None:
    rows, _ = priced(simulate(300, 9))
    fit, _, resampler = resampler_of(rows, wooldridge, {"degree": 2})
    ((summary, _),) = bootstrap_elasticities(fit, resampler, blocks(1, np.arange(300), 300), 499)
    # The spread of 499 draws is known to 3 per cent.
    np.testing.assert_allclose(summary.std_errors, np.sqrt(np.diag(fit.groups[0].covariance)), rtol=0.15)
    assert summary.failed == 0
