"""Groups with technologies of their own: the rungs of the ladder, and where pooling goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from estimation.productivity import wlp, wooldridge
from panels.frame import Selection
from specs.errors import EstimationError
from tests.estimation.firms import fitted, options, simulate, std_errors
from tests.estimation.rows import selection

# Degree 1: C has 3 columns, so 4 + 5 moments and 8 parameters; two steps need max(min_firms, 18) firms.
LINEAR: dict[str, Any] = {"degree": 1}


def grouped(sizes: Sequence[tuple[str, str, int]], seed: int = 4) -> Selection:
    """Groups (fine, coarse, firms) of firms over six years."""
    rows = simulate(sum(size for *_, size in sizes), seed)
    fine = [name for name, _, size in sizes for _ in range(size)]
    coarse = [name for _, name, size in sizes for _ in range(size)]
    return selection(
        {
            **{name: rows.number(name) for name in (*"ylkm", "year")},
            "nace3": [fine[firm] for firm in rows.firm],
            "nace2": [coarse[firm] for firm in rows.firm],
        },
        rows.firm, rows.year,
    )  # fmt: skip


def only(rows: Selection, name: str, level: str) -> Selection:
    column = rows.columns[name]
    return rows.take(column.codes == column.levels.index(level))  # type: ignore[union-attr]


def as_panel(rows: Selection) -> Selection:
    n = len(rows.rows)
    return Selection(np.arange(n), rows.firm, rows.year, rows.columns, n, {})


def test_each_rung() -> None:
    rows = grouped([("101", "10", 60), ("102", "10", 35), ("103", "10", 12)])
    fit = fitted(rows, separately_by=("nace3", "nace2"), **LINEAR)
    assert [(group.group, group.rung) for group in fit.groups] == [
        ((("nace3", "101"),), "two-step"),
        ((("nace3", "102"),), "one-step"),
        ((("nace3", "103"),), "two-step, pooled over nace2"),
    ]
    two, one, pooled = fit.groups
    # Below 100 firms: G/(G-1) and t(G-1).
    assert (two.n_firms, two.small_sample, two.df) == (60, 60 / 59, 59)
    assert (one.n_firms, one.small_sample, one.df) == (35, 35 / 34, 34)
    assert (pooled.n_firms, pooled.small_sample, pooled.df) == (107, 1.0, np.inf)
    assert one.j_statistic is None
    assert one.notes == ("35 firms, two steps need 50 (9 moments): one step taken",)
    assert pooled.notes[0].startswith("nace3 103: 12 firms")
    assert "A coarser column in separately_by has more" in pooled.notes[0]


def test_a_correction_of_two_steps_that_one_takes_is_told() -> None:
    rows = grouped([("101", "10", 60), ("102", "10", 35)])
    said = "windmeijer has no effect here: without a second step no weight is estimated"
    two, one = fitted(rows, separately_by=("nace3",), windmeijer=True, **LINEAR).groups
    assert (two.rung, one.rung) == ("two-step", "one-step")
    assert said not in two.notes
    assert said in one.notes


def test_a_group_of_its_own_is_that_group_alone() -> None:
    rows = grouped([("101", "10", 60), ("102", "10", 70), ("103", "10", 12)])
    fit = fitted(rows, separately_by=("nace3", "nace2"), **LINEAR)
    for number, level in enumerate(("101", "102")):
        alone = fitted(as_panel(only(rows, "nace3", level)), **LINEAR)
        np.testing.assert_array_equal(fit.groups[number].coefficients, alone.groups[0].coefficients)
        np.testing.assert_array_equal(fit.values[fit.group_of_row == number], alone.values)
        np.testing.assert_array_equal(fit.gradient[fit.group_of_row == number], alone.gradient)
    # The parent rests on all of its rows, and serves the small group's alone.
    everyone = fitted(rows, **LINEAR)
    np.testing.assert_allclose(fit.groups[2].coefficients, everyone.groups[0].coefficients, rtol=1e-13)
    assert np.count_nonzero(fit.group_of_row == 2) == 12 * 6
    small = fit.group_of_row == 2
    np.testing.assert_allclose(fit.values[small], everyone.values[small], rtol=1e-13)
    np.testing.assert_array_equal(fit.in_sample, everyone.in_sample)


def test_pooling_climbs_to_all() -> None:
    rows = grouped([("101", "10", 60), ("201", "20", 8), ("202", "20", 9)])
    fit = fitted(rows, separately_by=("nace3", "nace2"), **LINEAR)
    assert [group.rung for group in fit.groups] == ["two-step", *["two-step, pooled over all"] * 2]
    assert fit.groups[1].n_firms == 77
    assert len(fit.groups[1].notes) == 2


def test_min_firms_is_the_users() -> None:
    rows = grouped([("101", "10", 60), ("102", "10", 40)])
    rungs = [
        [group.rung for group in fitted(rows, separately_by=("nace3",), min_firms=n, **LINEAR).groups]
        for n in (30, 50, 80)
    ]
    assert rungs == [["two-step", "two-step"], ["two-step", "one-step"], ["one-step", "one-step"]]


def test_twice_the_moments_are_needed_whatever_min_firms() -> None:
    rows = grouped([("101", "10", 45), ("102", "10", 47)])
    # Degree 3: 11 + 12 moments.
    rungs = [group.rung for group in fitted(rows, separately_by=("nace3",), min_firms=5).groups]
    assert rungs == ["one-step", "two-step"]


def test_one_step_on_request() -> None:
    rows = grouped([("101", "10", 60)])
    group = fitted(rows, steps=1).groups[0]
    assert (group.rung, group.j_statistic, group.notes) == ("one-step", None, ())


def test_too_small_even_together_fails_by_name() -> None:
    rows = grouped([("101", "10", 10), ("102", "10", 12)])
    with pytest.raises(
        EstimationError, match=r"^productivity.tfp: nace3 101: 10 firms and 50 rows.*all rows: 22 firms"
    ):
        fitted(rows, separately_by=("nace3",))
    with pytest.raises(EstimationError, match=r"^productivity.tfp: 22 firms and 110 rows with a year before"):
        fitted(rows)


def test_a_design_that_fails_in_a_group_climbs_too() -> None:
    rows = grouped([("101", "10", 60), ("102", "10", 60)])
    stuck = rows.number("k").copy()
    inside = rows.firm < 60
    stuck[inside] = 5.0
    columns = {**rows.columns, "k": type(rows.columns["k"])(stuck)}
    fit = fitted(Selection(rows.rows, rows.firm, rows.year, columns, rows.n_panel, {}), separately_by=("nace3",))
    assert [group.rung for group in fit.groups] == ["two-step, pooled over all", "two-step"]
    assert '"k" does not vary' in fit.groups[0].notes[0]


def test_a_firm_that_changes_group_has_no_lag_there() -> None:
    rows = grouped([("101", "10", 60), ("102", "10", 60)])
    codes = rows.columns["nace3"].codes.copy()  # type: ignore[union-attr]
    codes[(rows.firm == 0) & (rows.year >= 2018)] = 1
    columns = {**rows.columns, "nace3": type(rows.columns["nace3"])(codes, ("101", "102"))}
    fit = fitted(
        Selection(rows.rows, rows.firm, rows.year, columns, rows.n_panel, {}),
        separately_by=("nace3",),
        **LINEAR,
    )
    assert fit.dropped == {"no row in the year before": 120, "another group in the year before": 1}
    assert [group.n_firms for group in fit.groups] == [60, 61]


def test_a_row_without_a_group_has_no_value() -> None:
    rows = grouped([("101", "10", 60), ("102", "10", 60)])
    codes = rows.columns["nace3"].codes.copy()  # type: ignore[union-attr]
    codes[::7] = -1
    columns = {**rows.columns, "nace3": type(rows.columns["nace3"])(codes, ("101", "102"))}
    fit = fitted(
        Selection(rows.rows, rows.firm, rows.year, columns, rows.n_panel, {}),
        separately_by=("nace3",),
        **LINEAR,
    )
    np.testing.assert_array_equal(np.isnan(fit.values), codes < 0)
    assert fit.dropped["missing nace3"] == (codes < 0).sum()
    assert sum(fit.dropped.values()) + fit.in_sample.sum() == rows.n_panel


def test_levels_that_are_not_nested_name_the_group_that_serves_them() -> None:
    rows = grouped([("101", "10", 60), ("102", "20", 60), ("103", "10", 8), ("103", "20", 8)])
    fit = fitted(rows, separately_by=("nace3", "nace2"), **LINEAR)
    assert [group.group for group in fit.groups] == [
        (("nace3", "101"),), (("nace3", "102"),),
        (("nace3", "103"), ("nace2", "10")), (("nace3", "103"), ("nace2", "20")),
    ]  # fmt: skip
    assert [group.n_firms for group in fit.groups] == [60, 60, 68, 68]


def test_controls_constant_within_a_group_are_left_out_there() -> None:
    rows = grouped([("101", "10", 120), ("102", "10", 120)])
    fit = fitted(rows, separately_by=("nace3",), controls=("nace2", "year"), degree=1)
    assert all("control nace2 is constant here and left out" in group.notes for group in fit.groups)
    without = fitted(rows, separately_by=("nace3",), controls=("year",), degree=1)
    np.testing.assert_array_equal(std_errors(fit), std_errors(without))


def test_wlp_needs_what_one_step_needs() -> None:
    rows = grouped([("101", "10", 35), ("102", "10", 100), ("103", "10", 20)])
    fit = fitted(rows, wlp, separately_by=("nace3",), **LINEAR)
    assert [group.rung for group in fit.groups] == [
        "just identified",
        "just identified",
        "just identified, pooled over all",
    ]
    assert fit.groups[1].notes == ()


def test_a_group_outside_where_is_served_by_none() -> None:
    rows = grouped([("101", "10", 60), ("102", "10", 60), ("103", "20", 60)])
    use = rows.firm < 120
    fit = wooldridge.fit("tfp", options(separately_by=("nace3", "nace2"), **LINEAR), rows, use)
    assert [group.group for group in fit.groups] == [(("nace3", "101"),), (("nace3", "102"),)]
    np.testing.assert_array_equal(np.isnan(fit.values), ~use)
    np.testing.assert_array_equal(fit.group_of_row >= 0, use)
    assert fit.dropped["outside where"] == 360


def test_control_functions_by_group_have_their_own_parameters() -> None:
    rows = grouped([("101", "10", 60), ("102", "10", 70), ("103", "10", 12)])
    keys: dict[str, Any] = {"tfp_from": "control_function", "sample": "all", "controls": ("nace3",)}
    fit = fitted(rows, separately_by=("nace3",), **keys, **LINEAR)
    # Pooled, the control varies and adds two parameters; alone it is constant.
    assert [len(group.parameters) for group in fit.groups] == [5, 5, 7]
    assert fit.gradient.shape == (rows.n_panel, 7)
    for number, level in enumerate(("101", "102")):
        alone = fitted(as_panel(only(rows, "nace3", level)), **keys, **LINEAR)
        here = fit.group_of_row == number
        np.testing.assert_array_equal(fit.values[here], alone.values)
        np.testing.assert_array_equal(fit.gradient[here, :5], alone.gradient)
        assert not fit.gradient[here, 5:].any()
        np.testing.assert_array_equal(fit.groups[number].influence, alone.groups[0].influence)
    together = fitted(rows, **keys, **LINEAR)
    small = fit.group_of_row == 2
    np.testing.assert_allclose(fit.values[small], together.values[small], rtol=1e-12)


def test_one_firm_behind_a_level_of_a_control_is_said() -> None:
    rows = grouped([("101", "10", 100), ("102", "10", 100), ("103", "10", 1)])
    group = fitted(rows, controls=("nace3",), **LINEAR).groups[0]
    assert group.rung == "two-step"
    assert group.notes == ("2 moments have no variance (one firm behind a level of a control): met exactly",)
    without = fitted(as_panel(rows.take(rows.firm < 200)), controls=("nace3",), **LINEAR).groups[0]
    # The firm's own mean is taken up; its five rows' ups and downs are all that it adds.
    np.testing.assert_allclose(group.coefficients, without.coefficients, atol=0.3 * 0.02)
    assert group.j_df == without.j_df == 1
