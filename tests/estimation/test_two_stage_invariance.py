"""What must not matter to the estimators in two stages, what their levels are, and how groups are served."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.productivity import ackerberg_caves_frazer, levinsohn_petrin, olley_pakes
from estimation.results import ProductivityFit
from panels.frame import Selection, TextColumn
from tests.estimation.firms import fitted, simulate, std_errors, with_columns
from tests.estimation.rows import selection
from tests.estimation.two_stage_firms import between, leaving

OFFER = olley_pakes.SurvivalKeys(on=("z",), degree=2)
CASES: dict[str, tuple[Any, Selection, dict[str, Any]]] = {
    "LP": (levinsohn_petrin, simulate(150, 3, ragged=True, sectors=3), {"controls": ("nace",)}),
    "OP": (olley_pakes, leaving(300, 5), {"proxy": "i", "survival": OFFER, "degree": 2}),
    "ACF": (ackerberg_caves_frazer, between(200, 4), {}),
    "ACF, translog": (ackerberg_caves_frazer, between(200, 4), {"technology": "translog", "degree": 2}),
}  # fmt: skip
LOGS = ("y", "l", "k", "m", "i")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("level", ["residual", "control_function"])
def test_amounts_in_euros_thousands_or_millions_keep_ten_digits(case: str, level: str) -> None:
    method, rows, changes = CASES[case]
    found: list[ProductivityFit] = []
    for unit in (1.0, 1e3, 1e6):
        moved = {name: rows.number(name) + 9 - np.log(unit) for name in LOGS if name in rows.columns}
        found.append(fitted(with_columns(rows, **moved), method, tfp_from=level, **changes))
    for other in found[1:]:
        if "technology" in changes:
            # A translog's coefficients on logs belong to the units; its elasticities do not.
            one, same = found[0].groups[0].elasticities, other.groups[0].elasticities
            assert one is not None
            assert same is not None
            np.testing.assert_allclose(same.mean, one.mean, rtol=1e-9)
            np.testing.assert_allclose(same.covariance, one.covariance, rtol=1e-7)
        else:
            np.testing.assert_allclose(other.groups[0].coefficients, found[0].groups[0].coefficients, rtol=1e-10)
            np.testing.assert_allclose(std_errors(other), std_errors(found[0]), rtol=1e-9)
        # The level moves by a constant.
        moved_by = other.values - found[0].values
        np.testing.assert_allclose(moved_by, np.full_like(moved_by, np.nanmean(moved_by)), atol=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_the_order_and_the_names_of_firms(case: str) -> None:
    method, rows, changes = CASES[case]
    names = np.random.default_rng(9).permutation(int(rows.firm.max()) + 1)[rows.firm]
    order = np.lexsort((rows.year, names))
    columns = {
        name: [column.levels[code] for code in column.codes[order]]
        if isinstance(column, TextColumn)
        else column.values[order]
        for name, column in rows.columns.items()
    }
    before = fitted(rows, method, **changes)
    after = fitted(selection(columns, names[order], rows.year[order]), method, **changes)
    np.testing.assert_allclose(after.groups[0].coefficients, before.groups[0].coefficients, rtol=1e-9)
    np.testing.assert_allclose(after.groups[0].covariance, before.groups[0].covariance, rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose(after.values, before.values[order], atol=1e-9)
    assert after.groups[0].notes == before.groups[0].notes


def test_the_same_bytes_twice() -> None:
    method, rows, changes = CASES["ACF"]
    one, other = fitted(rows, method, **changes), fitted(rows, method, **changes)
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.groups[0].influence, other.groups[0].influence)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("level", ["residual", "control_function"])
def test_levels_and_their_gradients(case: str, level: str) -> None:
    """The level is linear in the parameters: values = constant + gradient times parameters."""
    method, rows, changes = CASES[case]
    use = np.ones(rows.n_panel, dtype=bool)
    keys = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m", "tfp_from": level} | changes
    fit = method.fit("tfp", method.Options(**keys), rows, use, extras="transitory")
    group = fit.groups[0]
    parameters = np.zeros(len(group.parameters))
    parameters[: len(group.terms)] = group.coefficients
    by_terms = fit.gradient[:, : len(group.terms)] @ group.coefficients
    if level == "residual":
        np.testing.assert_allclose(fit.values, rows.number("y") + by_terms, atol=1e-10)
    # y - Phi in the record's own terms: residual less smooth level.
    assert fit.transitory is not None
    smooth = fitted(rows, method, **changes, tfp_from="control_function").values
    rough = fitted(rows, method, **changes, tfp_from="residual").values
    np.testing.assert_allclose(fit.transitory.values, rough - smooth, atol=1e-10)
    # The first stage is least squares with a constant: its errors sum to zero over its rows.
    assert abs(np.nanmean(fit.transitory.values)) < 1e-10
    assert set(fit.elasticities) == {"l", "k"}
    mean = np.array([np.mean(fit.elasticities[name].values) for name in ("l", "k")])
    if group.elasticities is None:
        np.testing.assert_allclose(mean, group.coefficients, rtol=1e-12)
    else:
        moved = fit.elasticities["l"].gradient[:, : len(group.terms)] @ group.coefficients
        np.testing.assert_allclose(moved, fit.elasticities["l"].values, rtol=1e-9, atol=1e-12)
    assert group.parameters[: len(group.terms)] == group.terms
    assert fit.gradient.shape[1] == group.influence.shape[1] == len(group.parameters)


def test_the_transitory_error_moves_with_the_parameters_as_its_gradient_says() -> None:
    rows = between(200, 4)
    use = np.ones(rows.n_panel, dtype=bool)
    options = ackerberg_caves_frazer.Options(output="y", free=("l",), state=("k",), proxy="m", degree=2)
    fit = ackerberg_caves_frazer.fit("tfp", options, rows, use, extras="transitory")
    assert fit.transitory is not None
    counts = np.ones((2, 200))
    counts[1, :9] += 1e-4
    (drawn,) = ackerberg_caves_frazer.resampler(options, rows, use, fit).draw(counts)
    # y - Phi = y - C lambda is linear in the parameters, f(l, k) drops out.
    moved = fit.transitory.gradient @ (drawn[1] - drawn[0])
    c = fit.transitory.gradient[:, 2:]
    np.testing.assert_allclose(fit.transitory.gradient[:, :2], 0.0, atol=1e-12)
    np.testing.assert_allclose(moved, c @ (drawn[1] - drawn[0])[2:], atol=1e-12)
    np.testing.assert_allclose(rows.number("y") + c @ drawn[0][2:], fit.transitory.values, atol=1e-9)


def test_a_small_group_is_pooled_and_says_so() -> None:
    rows = simulate(200, 3)
    region = ["small" if firm < 25 else "large" for firm in rows.firm]
    panel = selection(
        {**{name: rows.number(name) for name in "ylkm"}, "region": region}, rows.firm, rows.year
    )  # fmt: skip
    fit = fitted(panel, levinsohn_petrin, separately_by=("region",), degree=2)
    large, small = fit.groups
    assert (large.group, large.rung) == ((("region", "large"),), "two stages")
    assert (small.group, small.rung) == ((("region", "small"),), "two stages, pooled over all")
    assert "25 firms with a year before, where two stages need 30" in small.notes[0]
    np.testing.assert_array_equal(small.coefficients, fitted(rows, levinsohn_petrin, degree=2).groups[0].coefficients)
    assert not np.isnan(fit.values).any()


def test_a_firm_that_changes_its_group_does_not_leave() -> None:
    rows = leaving(400, 5)
    moved = (rows.firm % 3 == 0) & (rows.year > 2014)
    panel = selection(
        {name: rows.number(name) for name in rows.columns} | {"region": [f"r{int(x)}" for x in moved]},
        rows.firm, rows.year,
    )  # fmt: skip
    keys = {"proxy": "i", "survival": OFFER, "degree": 1}
    apart = fitted(panel, olley_pakes, separately_by=("region",), **keys)
    whole = fitted(panel, olley_pakes, **keys)
    exits = [group.diagnostics["survival_exits"] or 0.0 for group in apart.groups]
    assert sum(exits) == whole.groups[0].diagnostics["survival_exits"]


def test_two_free_inputs_and_two_states() -> None:
    rows = simulate(400, 7, second_inputs=True)
    fit = fitted(rows, levinsohn_petrin, free=("l", "l2"), state=("k", "k2"), degree=2)
    np.testing.assert_allclose(fit.groups[0].coefficients, [0.6, 0.15, 0.4, 0.1], atol=0.08)
    assert fit.groups[0].terms == ("l", "l2", "k", "k2")


def test_the_common_sample_and_controls_that_the_first_stage_never_saw() -> None:
    rows = simulate(200, 3)
    panel = selection(
        {name: rows.number(name) for name in "ylkm"} | {"year": rows.year.astype(float)}, rows.firm, rows.year
    )
    everywhere = fitted(panel, levinsohn_petrin, degree=2, controls=("year",)).groups[0]
    assert (everywhere.n_obs, everywhere.diagnostics["n_obs_equation1"]) == (1000, 1200)
    common = fitted(panel, levinsohn_petrin, degree=2, sample="common").groups[0]
    assert (common.n_obs, common.diagnostics["n_obs_equation1"]) == (1000, 1000)
    # The first year has no lag, so its indicator is unknown, and with it Phi of that year.
    lost = fitted(panel, levinsohn_petrin, degree=2, sample="common", controls=("year",)).groups[0]
    assert lost.n_obs == 800
    assert any("200 rows are left out of the second stage" in note for note in lost.notes)
