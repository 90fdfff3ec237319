"""Gandhi, Navarro and Rivers: against plain code, where it must collapse, and what must not matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimation.productivity import gandhi_navarro_rivers as gnr
from estimation.productivity.gnr.fit import gnr_resampler
from estimation.productivity.gnr.levels import control_function_level, residual_level
from estimation.resamplers import LevelResampler
from estimation.results import FloatArray
from panels.frame import NumberColumn, Selection
from tests.estimation.firms import with_columns
from tests.estimation.gross_output_brute import brute_force, powers_up_to
from tests.estimation.gross_output_firms import cobb_douglas, fitted, options, simulate

FREE, STATE = ("l",), ("k",)


def exponents(degree: int, rest: int, n: int = 3) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    return powers_up_to(n, degree), powers_up_to(n - 1, rest)[1:]


def everywhere(rows: Selection) -> np.ndarray[Any, Any]:
    return np.ones(rows.n_panel, dtype=bool)


def parameters(rows: Selection, **changes: Any) -> FloatArray:
    """All parameters of the estimate: the average elasticities, D, E, the constant of integration."""
    return gnr_resampler("tfp", options(**changes), rows, everywhere(rows)).served[0].estimate.parameters


@pytest.mark.parametrize(
    ("free", "state", "degree", "rest"),
    [(("l",), ("k",), 2, 2), (("l",), ("k",), 1, 2), ((), ("l", "k"), 2, 3), ((), ("k",), 3, 3)],
)
def test_estimates_are_those_of_plain_code(free: Any, state: Any, degree: int, rest: int) -> None:
    rows = simulate(300, 7, predetermined=not free, ragged=True)
    keys = {"free": free, "state": state, "degree": degree, "constant_degree": rest}
    found = parameters(rows, **keys)
    n = len(free) + len(state) + 1
    beta = found[-len(exponents(degree, rest, n)[1]) :]
    plain = brute_force(rows, free, state, exponents(degree, rest, n), start=beta)
    # Two solvers of the same equations; the general ones stop within 1e-9 of theirs.
    np.testing.assert_allclose(found, plain.parameters, rtol=1e-7, atol=1e-8)


def test_influence_functions_are_the_infinitesimal_jackknife_of_plain_code() -> None:
    rows = simulate(150, 3, ragged=True)
    group = fitted(rows, controls=("year",)).groups[0]
    years = (rows.year[:, None] == np.arange(2017, 2021)).astype(float)
    h = 1e-4
    beta = parameters(rows, controls=("year",))[-5:]
    for number in (0, 17, 80, 149):
        ends = []
        for size in (h, -h):
            weights = np.ones(150)
            weights[number] += size
            ends.append(
                brute_force(
                    rows, FREE, STATE, exponents(2, 2), weight_of_firm=weights, start=beta, dummies=years
                ).parameters
            )
        derivative = (ends[0] - ends[1]) / (2 * h)
        psi = group.influence[list(group.influence_firms).index(number)]
        # The plain solvers stop at about 1e-11, which the step of 1e-4 makes 1e-7; psi is of the order of 1e-3.
        np.testing.assert_allclose(psi, derivative, rtol=2e-4, atol=2e-6)
    spread = np.sqrt(np.diag(group.influence.T @ group.influence))
    np.testing.assert_allclose(group.inference.std_errors, spread[:3], rtol=1e-12)


def test_draws_are_re_estimates() -> None:
    rows = simulate(120, 5, ragged=True)
    fit = fitted(rows, min_firms=30)
    group = fit.groups[0]
    sampler = gnr.resampler(options(min_firms=30), rows, everywhere(rows), fit)
    rng = np.random.default_rng(1)
    counts = np.vstack([np.ones(120), rng.multinomial(120, np.full(120, 1 / 120)).astype(float)])
    (found,) = sampler.draw(counts)
    np.testing.assert_allclose(found[0, :3], group.coefficients, rtol=1e-11)
    plain = brute_force(rows, FREE, STATE, exponents(2, 2), weight_of_firm=counts[1], start=found[1, -5:])
    # As above: the general solvers' own stop.
    np.testing.assert_allclose(found[1], plain.parameters, rtol=1e-6, atol=1e-7)
    h = 1e-5
    moved = np.ones((2, 120))
    moved[:, 33] += [h, -h]
    (ends,) = sampler.draw(moved)
    at = list(group.influence_firms).index(33)
    # Central differences of converged estimates: their error is of the order of h squared, and 1e-13 / h.
    np.testing.assert_allclose(group.influence[at], (ends[0] - ends[1]) / (2 * h), rtol=1e-5, atol=1e-7)


def test_standard_errors_are_the_spread_of_the_bootstrap() -> None:
    rows = simulate(400, 11)
    fit = fitted(rows)
    group = fit.groups[0]
    rng = np.random.default_rng(20)
    counts = rng.multinomial(400, np.full(400, 1 / 400), size=100).astype(float)
    (found,) = gnr.resampler(options(), rows, everywhere(rows), fit).draw(counts)
    assert np.isfinite(found).all()
    # A standard deviation of 100 draws is known to 7 per cent; three times that.
    np.testing.assert_allclose(found[:, :3].std(axis=0), group.inference.std_errors, rtol=0.21)


def test_a_level_that_is_not_linear_is_computed_at_the_draws_parameters() -> None:
    rows = simulate(160, 12, sectors=2, ragged=True)
    keys = {"tfp_from": "control_function", "separately_by": ("nace",)}
    fit = fitted(rows, **keys)
    sampler = gnr.resampler(options(**keys), rows, everywhere(rows), fit)
    assert isinstance(sampler, LevelResampler)
    assert not isinstance(gnr.resampler(options(), rows, everywhere(rows), fit), LevelResampler)
    own = tuple(one[0] for one in sampler.draw(np.ones((1, 160))))
    np.testing.assert_allclose(sampler.level(own), fit.values, rtol=1e-9)
    step = 1e-6
    moved = tuple(one + step for one in own)
    slope = (sampler.level(moved) - sampler.level(tuple(one - step for one in own))) / (2 * step)
    # Central differences of step 1e-6 keep about nine digits.
    np.testing.assert_allclose(slope, fit.gradient.sum(axis=1), rtol=1e-6, atol=1e-6)


def test_draws_without_an_estimate_are_nan() -> None:
    rows = simulate(80, 6)
    fit = fitted(rows)
    counts = np.zeros((2, 80))
    counts[0, 5], counts[1] = 80.0, 1.0  # one firm has fewer rows than parameters
    (found,) = gnr.resampler(options(), rows, everywhere(rows), fit).draw(counts)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


def test_a_constant_share_collapses_to_cobb_douglas() -> None:
    rows = simulate(300, 8, technology=cobb_douglas)
    rows = with_columns(rows, s=np.full(rows.n_panel, np.log(0.55)))
    fit = fitted(rows)
    group = fit.groups[0]
    names = dict(zip(group.parameters, range(len(group.parameters)), strict=True))
    found = parameters(rows)
    assert group.coefficients[2] == pytest.approx(0.55, abs=1e-13)
    assert found[names["E"]] == pytest.approx(1.0, abs=1e-13)
    assert np.abs(found[names["D[l]"] : names["E"]]).max() < 1e-12
    assert group.diagnostics["transitory_sd"] < 1e-13


def test_without_slopes_in_the_share_the_elasticity_is_its_harmonic_mean() -> None:
    """Errors orthogonal to every monomial leave ln D_E constant: D = exp(mean s) / mean(exp(mean s - s))."""
    rows = simulate(200, 9)
    x = np.column_stack(
        [
            np.prod([(rows.number(n) - rows.number(n).mean()) ** p for n, p in zip("lkm", one, strict=True)], axis=0)
            for one in powers_up_to(3, 2)
        ]
    )
    noise = np.random.default_rng(2).normal(0, 0.2, rows.n_panel)
    noise -= x @ np.linalg.lstsq(x, noise)[0]
    rows = with_columns(rows, s=-0.6 + noise)
    assert fitted(rows).groups[0].coefficients[2] == pytest.approx(1 / np.mean(np.exp(0.6 - noise)), rel=1e-12)


def test_of_cobb_douglas_the_level_is_the_residual() -> None:
    rows = simulate(300, 8, technology=cobb_douglas)
    rows = with_columns(rows, s=np.full(rows.n_panel, np.log(0.55)))
    fit = fitted(rows, degree=1)
    bl, bk, bm = fit.groups[0].coefficients
    plain = rows.number("y") - bl * rows.number("l") - bk * rows.number("k") - bm * rows.number("m")
    np.testing.assert_allclose(fit.values, plain, atol=1e-11)


@pytest.mark.parametrize("tfp_from", ["residual", "control_function"])
def test_levels_and_their_gradients(tfp_from: str) -> None:
    rows = simulate(200, 13, ragged=True)
    fit = fitted(rows, tfp_from=tfp_from, extras="transitory")
    estimate = gnr_resampler("tfp", options(tfp_from=tfp_from), rows, everywhere(rows)).served[0].estimate
    write = control_function_level if tfp_from == "control_function" else residual_level
    n, q = fit.gradient.shape
    assert estimate.names == fit.groups[0].parameters

    def level(values: FloatArray) -> FloatArray:
        out = np.full(n, np.nan)
        write(replace(estimate, parameters=values), everywhere(rows), None, out, np.zeros((n, q)))
        return out

    np.testing.assert_allclose(level(estimate.parameters), fit.values, rtol=0, atol=0)
    h = 1e-6
    for column in range(q):
        moved = np.eye(q)[column] * h
        slope = (level(estimate.parameters + moved) - level(estimate.parameters - moved)) / (2 * h)
        # Central differences of step 1e-6 keep about nine digits of numbers near one.
        np.testing.assert_allclose(fit.gradient[:, column], slope, rtol=1e-6, atol=1e-7)


def test_the_identity_of_output_and_its_parts() -> None:
    """y = a'xbar + f(x) + w + e, with f written out, its derivatives the elasticities, and s = ln(E D) - e."""
    rows = simulate(200, 13, ragged=True)
    residual, purged = fitted(rows, extras="transitory"), fitted(rows, tfp_from="control_function")
    assert residual.transitory is not None
    e = residual.transitory.values
    np.testing.assert_allclose(residual.values - purged.values, e, atol=1e-12)
    value = dict(zip(residual.groups[0].parameters, parameters(rows), strict=True))
    middle = {name: rows.number(name).mean() for name in "lkm"}
    x = {name: rows.number(name) - middle[name] for name in "lkm"}
    share, rest = powers_up_to(3, 2), powers_up_to(2, 2)[1:]
    names = [name for name in residual.groups[0].parameters if name.startswith("D[")]
    d = sum(value[name] * x["l"] ** a * x["k"] ** b * x["m"] ** c for name, (a, b, c) in zip(names, share, strict=True))
    np.testing.assert_allclose(residual.elasticities["m"].values, d, rtol=1e-12)
    np.testing.assert_allclose(np.log(value["E"] * d) - rows.number("s"), e, atol=1e-12)
    assert np.mean(np.exp(e)) == pytest.approx(value["E"], rel=1e-13)
    f = sum(
        value[name] * x["l"] ** a * x["k"] ** b * x["m"] ** (c + 1) / (c + 1)
        for name, (a, b, c) in zip(names, share, strict=True)
    )
    names = [name for name in residual.groups[0].parameters if name.startswith("C[")]
    f = f + sum(value[name] * x["l"] ** a * x["k"] ** b for name, (a, b) in zip(names, rest, strict=True))
    base = sum(value[name] * middle[name] for name in "lkm")
    np.testing.assert_allclose(residual.values, rows.number("y") - base - f, atol=1e-11)
    for name in "lkm":
        mean = residual.elasticities[name].values.mean()
        assert mean == pytest.approx(value[name], rel=1e-12)


def test_elasticities_of_rows_carry_their_gradient() -> None:
    rows = simulate(150, 14)
    fit = fitted(rows, extras="transitory")
    found = parameters(rows)
    for name in "lkm":
        one = fit.elasticities[name]
        # Linear in the parameters: the value is the gradient times them.
        np.testing.assert_allclose(one.gradient @ found, one.values, atol=1e-12)
    elasticities = fit.groups[0].elasticities
    assert elasticities is not None
    np.testing.assert_array_equal(elasticities.mean, fit.groups[0].coefficients)
    for name, share in zip(elasticities.inputs, elasticities.share_negative, strict=True):
        assert share == np.mean(fit.elasticities[name].values < 0)


@pytest.mark.parametrize("degree", [2, 3])
def test_units_do_not_matter(degree: int) -> None:
    rows = simulate(200, 15, ragged=True)
    million = np.log(1e6)
    moved = with_columns(rows, y=rows.number("y") - million, m=rows.number("m") - million, k=rows.number("k") + million)
    base, other = fitted(rows, degree=degree), fitted(moved, degree=degree)
    one, two = base.groups[0], other.groups[0]
    np.testing.assert_allclose(two.coefficients, one.coefficients, rtol=1e-10)
    np.testing.assert_allclose(two.inference.std_errors, one.inference.std_errors, rtol=1e-9)
    shift = -million * (1 - one.coefficients[2] + one.coefficients[1])
    np.testing.assert_allclose(other.values - base.values, shift, rtol=1e-9)


def test_the_order_of_rows_and_firms_does_not_matter() -> None:
    rows = simulate(150, 16, ragged=True)
    base = fitted(rows)
    relabelled = np.random.default_rng(4).permutation(150)[rows.firm]
    order = np.lexsort([rows.year, relabelled])
    columns = {name: NumberColumn(rows.number(name)[order]) for name in ("y", "l", "k", "m", "s")}
    moved = Selection(rows.rows, relabelled[order], rows.year[order], columns, rows.n_panel, {})
    other = fitted(moved)
    np.testing.assert_allclose(other.groups[0].coefficients, base.groups[0].coefficients, rtol=1e-10)
    np.testing.assert_allclose(other.groups[0].inference.std_errors, base.groups[0].inference.std_errors, rtol=1e-9)
    np.testing.assert_allclose(other.values, base.values[order], rtol=1e-10)


def test_the_default_share_is_that_of_the_columns() -> None:
    rows = simulate(150, 17)
    given = with_columns(rows, s=rows.number("m") - rows.number("y"))
    base, other = fitted(given), fitted(rows, share=None)
    np.testing.assert_array_equal(base.values, other.values)
    assert not base.notes
    assert "same money" in other.notes[0]


def test_where_gaps_and_missing_values_are_counted() -> None:
    rows = simulate(150, 18, ragged=True)
    share, proxy = rows.number("s").copy(), rows.number("m").copy()
    share[::50], proxy[7::100] = np.nan, np.nan
    holed = with_columns(rows, s=share, m=proxy)
    use = rows.year < 2020
    fit = gnr.fit("tfp", options(), holed, use)
    group = fit.groups[0]
    complete = use & ~np.isnan(share) & ~np.isnan(proxy)
    lagged = np.zeros(rows.n_panel, dtype=bool)
    lagged[1:] = (rows.firm[1:] == rows.firm[:-1]) & (rows.year[1:] == rows.year[:-1] + 1) & complete[:-1]
    assert group.diagnostics["n_obs_equation1"] == complete.sum()
    assert group.n_obs == (complete & lagged).sum()
    assert group.n_firms == len(np.unique(rows.firm[complete & lagged]))
    assert fit.dropped == {
        "outside where": int((~use).sum()),
        "missing m": int((use & np.isnan(proxy)).sum()),
        "missing s": int((use & np.isnan(share) & ~np.isnan(proxy)).sum()),
    }
    # The residual needs no share, and stands wherever the inputs do.
    np.testing.assert_array_equal(np.isfinite(fit.values), ~np.isnan(proxy))
    purged = gnr.fit("tfp", options(tfp_from="control_function"), holed, use)
    np.testing.assert_array_equal(np.isfinite(purged.values), ~np.isnan(proxy) & ~np.isnan(share))
    assert "rows without a share" in purged.notes[-1]


def test_groups_stand_alone_or_are_pooled() -> None:
    rows = simulate(260, 19, sectors=3)
    apart = fitted(rows, separately_by=("nace",), controls=())
    assert [group.group for group in apart.groups] == [(("nace", f"S{code}"),) for code in range(3)]
    code = rows.columns["nace"].codes  # type: ignore[union-attr]
    alone = gnr.fit("tfp", options(), rows, code == 1)
    np.testing.assert_allclose(apart.groups[1].coefficients, alone.groups[0].coefficients, rtol=1e-9)
    np.testing.assert_allclose(apart.values[code == 1], alone.values[code == 1], rtol=1e-9)
    pooled = fitted(rows, separately_by=("nace",), min_firms=200, controls=("nace",))
    assert {group.rung for group in pooled.groups} == {"two stages, pooled over all"}
    whole = fitted(rows, controls=("nace",))
    np.testing.assert_array_equal(pooled.groups[2].coefficients, whole.groups[0].coefficients)
    draws = gnr.resampler(options(separately_by=("nace",), min_firms=200), rows, everywhere(rows), pooled)
    assert len(draws.draw(np.ones((1, 260)))) == 3


def test_few_firms_have_the_t_and_its_factor() -> None:
    rows = simulate(60, 20)
    group = fitted(rows).groups[0]
    assert group.df == 59
    assert group.small_sample == pytest.approx(60 / 59)
    spread = group.influence.T @ group.influence
    np.testing.assert_allclose(group.covariance, 60 / 59 * spread[:3, :3], rtol=1e-12)


def test_the_equations_name_the_columns() -> None:
    text = gnr.equations(options(controls=("nace",)))
    assert text.startswith("(1) s(t) = ln(E D(t)) - e(t)")
    assert (
        "(2) w(t) = g(w(t-1)) + d(t) delta + xi(t), instruments: the monomials of (l(t-1), k(t)) up to degree 2" in text
    )
    assert "m(t) - y(t)" in gnr.equations(options(share=None))
    assert gnr.columns(options(controls=("nace",))) == ("y", "l", "k", "m", "nace", "s")


def test_first_stage_f_of_two_free_inputs_by_hand() -> None:
    rows = simulate(300, 5)
    rng = np.random.default_rng(6)
    own = np.zeros(rows.n_panel)
    for row in range(rows.n_panel):
        before = 0.7 * own[row - 1] if row and rows.firm[row] == rows.firm[row - 1] else 0.0
        own[row] = before + rng.normal()
    rows = with_columns(rows, h=own + 0.5 * rows.number("l"))
    keys: dict[str, Any] = {"free": ("l", "h"), "degree": 1, "constant_degree": 1}
    estimate = gnr_resampler("tfp", options(**keys), rows, everywhere(rows)).served[0].estimate
    found = fitted(rows, **keys).groups[0].diagnostics
    now = estimate.sample.at[estimate.sample.now]
    lagged = estimate.line.lagged
    k = rows.number("k")[now]
    given = np.column_stack([lagged**power for power in range(4)] + [k])
    at = {name: rows.number(name)[now] for name in ("l", "h")}
    both = np.column_stack([given, rows.number("l")[now - 1], rows.number("h")[now - 1]])

    def left(values: FloatArray, on: FloatArray) -> float:
        return float(np.sum((values - on @ np.linalg.lstsq(on, values, rcond=None)[0]) ** 2))

    conditional = []
    for one, other in (("l", "h"), ("h", "l")):
        rest = left(at[one], both)
        f = (left(at[one], given) - rest) / 2 / (rest / (len(now) - both.shape[1]))
        # Least squares on a thousand rows, in another order of operations.
        assert found[f"first_stage_f[{one}]"] == pytest.approx(f, rel=1e-8)
        fitted_other = both @ np.linalg.lstsq(both, at[other], rcond=None)[0]
        delta = np.linalg.lstsq(np.column_stack([given, fitted_other]), at[one], rcond=None)[0][-1]
        freed = at[one] - at[other] * delta
        rest = left(freed, both)
        conditional.append((left(freed, given) - rest) / (rest / (len(now) - both.shape[1])))
    assert found["sanderson_windmeijer_f"] == pytest.approx(min(conditional), rel=1e-8)
    assert found["first_stage_f"] == min(found["first_stage_f[l]"] or 0, found["first_stage_f[h]"] or 0)
