"""Elasticities averaged over groups of rows: against the estimates themselves, and against dense sums."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from estimation.average_elasticities import figure_points, row_elasticities
from estimation.productivity import wooldridge
from estimation.results import Elasticities, FloatArray, Inference, ProductivityFit, RowValues
from estimation.shown import ElasticityPoint
from panels.frame import Selection
from specs.errors import EstimationError
from tests.estimation.firms import options, simulate
from tests.estimation.rows import group_fit, productivity, selection

N_FIRMS, YEARS = 160, 3


def panel(seed: int = 4) -> Selection:
    random = np.random.default_rng(seed)
    firm = np.repeat(np.arange(N_FIRMS), YEARS)
    return selection(
        {
            "l": random.normal(size=firm.size),
            "sector": ["AB"[one % 2] for one in firm],
            "size": [str(one) for one in random.integers(0, 3, firm.size)],
            "weight": random.uniform(1, 3, firm.size),
        },
        firm.tolist(),
        np.tile(range(2020, 2020 + YEARS), N_FIRMS).tolist(),
    )


def by_sector(rows: Selection, *, extras: bool = False) -> ProductivityFit:
    """Two technologies; with extras, an elasticity that rises with l: theta_1 + 2 theta_2 l."""
    random = np.random.default_rng(8)
    group = rows.firm % 2
    fits = []
    for number, level in enumerate("AB"):
        firms = np.unique(rows.firm[group == number])
        fit = group_fit(
            firms, 0.01 * random.normal(size=(firms.size, 2)), group=(("sector", level),), small_sample=1.02
        )
        coefficients = np.array([0.6 + 0.1 * number, 0.3])
        found = fit.inference
        moved = replace(found, conf_low=found.conf_low + coefficients, conf_high=found.conf_high + coefficients)
        fits.append(replace(fit, terms=("l", "k"), coefficients=coefficients, inference=moved, rung="two-step"))
    whole = productivity(np.zeros(group.size), np.zeros((group.size, 2)), fits, group.tolist())
    if not extras:
        return whole
    l = rows.number("l")  # noqa: E741  # labour is l in the papers
    theta = np.array([one.coefficients for one in fits])[group]
    values = RowValues(theta[:, 0] + 2 * theta[:, 1] * l, np.column_stack([np.ones(l.size), 2 * l]))
    return replace(whole, elasticities={"l": values})


def points(fit: ProductivityFit, rows: Selection, by: str | None = None, **keys: Any) -> tuple[ElasticityPoint, ...]:
    return figure_points({"tfp": (fit, keys.pop("weights", ""))}, rows, by, own=keys.pop("own", True))[0]


def test_the_groups_points_are_their_estimates() -> None:
    rows = panel()
    fit = by_sector(rows)
    found = points(fit, rows)
    assert [(one.label, one.input) for one in found] == [("A", "l"), ("A", "k"), ("B", "l"), ("B", "k")]
    assert [one.estimate for one in found] == [0.6, 0.3, 0.7, 0.3]
    for one, (group, place) in zip(found, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
        own = fit.groups[group].inference
        assert (one.std_error, one.conf_low, one.conf_high) == (
            own.std_errors[place], own.conf_low[place], own.conf_high[place],
        )  # fmt: skip
        assert (one.rung, one.averaged, one.n_firms) == ("two-step", False, 80)


def test_by_the_column_of_the_groups_nothing_changes() -> None:
    rows = panel()
    fit = by_sector(rows)
    own, other = points(fit, rows), points(fit, rows, "sector")
    found = {(one.label, one.input): one for one in other}
    for one in own:
        same = found[one.label, one.input]
        # The same sums in another order.
        assert (same.estimate, same.std_error, same.conf_low) == pytest.approx(
            (one.estimate, one.std_error, one.conf_low), rel=1e-12
        )
        assert (same.n_obs, same.n_firms, same.averaged) == (one.n_obs, one.n_firms, False)


@pytest.mark.parametrize("weights", ["", "weight"])
@pytest.mark.parametrize("extras", [False, True])
def test_means_over_levels_have_both_errors(extras: bool, weights: str) -> None:
    rows = panel()
    fit = by_sector(rows, extras=extras)
    of = row_elasticities(fit)["l"]
    weight = rows.number("weight") if weights else np.ones(rows.rows.size)
    for one in points(fit, rows, "size", weights=weights):
        if one.input != "l":
            continue
        inside = np.array([level == one.label for level in levels(rows, "size")])
        share = np.where(inside, weight, 0.0)
        share /= share.sum()
        mean = float(share @ of.values)
        by_hand = np.zeros(N_FIRMS)
        for row in np.flatnonzero(inside):
            by_hand[rows.firm[row]] += share[row] * (of.values[row] - mean)
        for number, group in enumerate(fit.groups):
            slope = sum(share[row] * of.gradient[row] for row in np.flatnonzero(inside & (rows.firm % 2 == number)))
            for place, firm in enumerate(group.influence_firms):
                by_hand[firm] += group.influence[place] @ slope
        assert one.estimate == pytest.approx(mean, rel=1e-12)
        assert one.std_error == pytest.approx(np.sqrt((by_hand**2).sum()), rel=1e-12)
        assert one.conf_high == pytest.approx(mean + ndtri(0.975) * one.std_error, rel=1e-12)
        assert (one.averaged, one.n_obs) == (True, int(inside.sum()))


def levels(rows: Selection, name: str) -> list[str]:
    column = rows.columns[name]
    return [column.levels[code] for code in column.codes]  # type: ignore[union-attr]


def test_a_mean_over_few_or_equal_rows_rests_on_their_firms() -> None:
    rows = panel()
    fit = by_sector(rows, extras=True)
    fit = replace(fit, groups=tuple(replace(one, elasticities=none_of("l")) for one in fit.groups))
    one = points(fit, rows.take((rows.firm == 7) & (rows.year == 2021)), own=False)
    assert [(point.averaged, point.n_obs, point.n_firms) for point in one] == [(True, 1, 1)]
    equal = replace(fit.elasticities["l"], values=np.where(rows.firm < 6, 0.5, fit.elasticities["l"].values))
    few = points(replace(fit, elasticities={"l": equal}), rows.take(rows.firm < 6), "sector")
    assert [(point.averaged, point.n_obs, point.n_firms) for point in few] == [(True, 9, 3), (True, 9, 3)]
    assert [point.estimate for point in few] == pytest.approx([0.5, 0.5])


def test_a_level_over_several_technologies_is_a_mean_of_its_rows() -> None:
    rows = panel()
    fit = by_sector(rows)
    fit = replace(fit, groups=(fit.groups[0], replace(fit.groups[1], coefficients=fit.groups[0].coefficients)))
    some = rows.take((rows.firm < 4) & (rows.year == 2021))
    found = points(fit, replace(some, columns={**some.columns, "size": some.columns["sector"]}), "sector", own=False)
    assert [(one.averaged, one.n_firms) for one in found if one.input == "l"] == [(False, 80), (False, 80)]
    everywhere = selection({"all": ["x"] * 4}, some.firm.tolist(), some.year.tolist())
    everywhere = replace(some, columns=everywhere.columns)
    assert [(one.averaged, one.n_firms) for one in points(fit, everywhere, "all", own=False)] == [(True, 4)] * 2


def none_of(name: str) -> Elasticities:
    """An average of an input whose values do not matter."""
    zero = np.zeros(1)
    return Elasticities((name,), zero, np.zeros((1, 1)), Inference(zero, zero, zero, zero, zero), zero)


def test_rows_outside_the_sample_are_not_averaged() -> None:
    rows = panel()
    fit = by_sector(rows, extras=True)
    sample = rows.year > 2020
    later = points(replace(fit, in_sample=sample), rows, "size")
    assert later == points(fit, rows.take(sample), "size")
    assert sum(one.n_obs for one in later) == sample.sum()


def test_few_firms_take_the_t() -> None:
    rows = panel()
    few = rows.take(rows.firm < 12)
    fit = by_sector(rows, extras=True)
    fit = replace(fit, groups=tuple(replace(one, influence=one.influence[:5], influence_firms=one.influence_firms[:5])
                                    for one in fit.groups))  # fmt: skip
    one = points(fit, few, "size")[0]
    assert one.conf_high - one.estimate > 2.1 * one.std_error


def test_cobb_douglas_with_one_technology_says_that_by_says_nothing() -> None:
    rows = panel()
    both = by_sector(rows)
    alone = replace(both, groups=(replace(both.groups[0], group=()),), group_of_row=np.zeros(rows.rows.size, dtype=int))
    found, notes = figure_points({"tfp": (alone, "")}, rows, "size", own=True)
    assert [(one.label, one.input) for one in found] == [("", "l"), ("", "k")]
    assert notes == (
        "the elasticities of tfp are the same at every level of size: it is Cobb-Douglas with one technology",
    )


def test_where_says_which_groups_of_a_constant_elasticity_are_drawn() -> None:
    rows = panel()
    fit = by_sector(rows)
    some = rows.take((rows.firm % 2 == 1) & (rows.year == 2021))
    found, notes = figure_points({"tfp": (fit, "")}, some, None, own=False)
    assert found == tuple(one for one in points(fit, rows) if one.label == "B")
    assert notes == ("the elasticities of tfp are the same in every row of a group: where says which groups are drawn",)
    alone = replace(
        productivity(np.zeros(480), np.zeros((480, 2)), [replace(fit.groups[0], group=())], np.zeros(480, dtype=int)),
        in_sample=rows.year == 2020,
    )
    with pytest.raises(EstimationError, match="where keeps no row of the estimation sample of tfp"):
        figure_points({"tfp": (alone, "")}, some, None, own=False)


def test_what_cannot_be_drawn_is_named() -> None:
    rows = panel()
    nothing = replace(by_sector(rows), groups=(), method="labour_productivity")
    with pytest.raises(EstimationError, match="tfp estimates no elasticity: labour_productivity has none"):
        points(nothing, rows)
    many = selection({"id": [str(one) for one in rows.firm]}, rows.firm.tolist(), rows.year.tolist())
    with pytest.raises(EstimationError, match="id has 160 levels, of which a figure shows 80"):
        points(by_sector(rows), many, "id")


def test_without_influence_there_is_no_interval() -> None:
    rows = panel()
    fit = by_sector(rows)
    bare: FloatArray = np.zeros((80, 0))
    fit = replace(fit, groups=tuple(replace(one, influence=bare) for one in fit.groups))
    one = points(fit, rows, "sector")[0]
    assert one.estimate == 0.6
    assert np.isnan([one.std_error, one.conf_low, one.conf_high]).all()


def test_a_translogs_own_average_is_the_one_over_its_sample() -> None:
    rows = simulate(150, 3)
    chosen = options(technology="translog", degree=2)
    fit = wooldridge.fit("tfp", chosen, rows, np.ones(rows.n_panel, dtype=bool), extras="transitory")
    own = points(fit, rows)
    averaged = points(fit, rows, own=False)
    for one, other in zip(own, averaged, strict=True):
        assert one.averaged
        assert other.averaged
        # Two computations of one formula: the estimate's own, and the general one.
        assert (other.estimate, other.std_error) == pytest.approx((one.estimate, one.std_error), rel=1e-9)


def test_the_note_names_those_whose_points_are_means() -> None:
    rows = panel()
    fit, flexible = by_sector(rows), by_sector(rows, extras=True)
    flexible = replace(flexible, groups=tuple(replace(one, elasticities=none_of("l")) for one in flexible.groups))
    said = "means over the rows of the estimation sample; the intervals count their sampling too"
    assert figure_points({"cd": (fit, ""), "tl": (flexible, "")}, rows, None, own=True)[1] == (f"tl: {said}",)
    assert figure_points({"tl": (flexible, "")}, rows, None, own=True)[1] == (said,)
    assert figure_points({"cd": (fit, "")}, rows, None, own=True)[1] == ()
