"""Quantile regression: proofs of the minimum, another solver, special cases, errors, draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.special import ndtri

from estimation.bootstrap import blocks
from estimation.chain import design_std_errors
from estimation.designs.cross_section import Options, fit, resampler
from estimation.quantile_fit import loss, quantile_fit
from estimation.results import Estimates, FloatArray
from panels.frame import Selection
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tests.estimation.duplicates import duplicated
from tests.estimation.rows import group_fit, productivity, selection

FIRM = Errors("cluster", (("firm",),))
QUANTILES = (0.1, 0.5, 0.75)


def outcomes(seed: int = 4, n: int = 600) -> Selection:
    rng = np.random.default_rng(seed)
    firm = np.sort(rng.integers(0, n // 3, n))
    x, level = rng.normal(size=n), rng.integers(0, 3, n)
    y = 1 + 0.5 * x + 0.3 * level + (1 + 0.3 * np.abs(x)) * (rng.normal(size=n) + 0.5 * rng.normal(size=n)[firm])
    return selection(
        {"y": y, "x": x, "w": rng.uniform(0.2, 3, n), "size": [("a", "b", "c")[one] for one in level]}, firm
    )


def estimate(formula: str, rows: Selection | None = None, first: Any = None, **keys: Any) -> Estimates:
    options = Options.model_validate({"method": "quantile", "formula": formula, **keys})
    return fit("m", options, rows if rows is not None else outcomes(), first)


def assert_a_minimum(x: FloatArray, y: FloatArray, q: float, w: FloatArray | None) -> None:
    """The dual proves it: between q - 1 and q, at an end off the fit, with no sum left in any term."""
    found = quantile_fit(x, y, q, w)
    weights = np.ones(len(y)) if w is None else w
    assert found.dual.min() >= q - 1
    assert found.dual.max() <= q
    sure = np.abs(found.residuals) > 1e-9 * np.abs(y).max()
    np.testing.assert_array_equal(found.dual[sure], np.where(found.residuals[sure] > 0, q, q - 1))
    length = np.sqrt(weights @ x**2 * weights.sum())
    # Sums of some hundred numbers: rounding of 1e-16 each.
    assert np.abs(((weights * found.dual) @ x) / length).max() < 1e-12
    assert np.count_nonzero(found.residuals == 0) >= x.shape[1]
    assert found.residuals == pytest.approx(y - x @ found.coefficients, abs=1e-9 * np.abs(y).max())


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000), st.sampled_from([15, 60, 450]), st.integers(1, 5), st.sampled_from([0.03, 0.25, 0.5, 0.9]),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_minima_are_proved(seed: int, n: int, k: int, q: float, weighted: bool, few: bool) -> None:
    """Continuous outcomes, and outcomes of few values on levels, where many rows are met at once."""
    rng = np.random.default_rng(seed)
    if few:
        x = np.column_stack([np.ones(n), rng.integers(0, 3, (n, k))]).astype(float)
        y = rng.integers(0, 4, n) + 0.0
        if np.linalg.matrix_rank(x) < k + 1 or np.linalg.matrix_rank(np.column_stack([x, y])) < k + 2:
            return  # dependent terms are refused before, an outcome that is fitted exactly by name
    else:
        x = np.column_stack([np.ones(n), rng.normal(size=(n, k - 1)) * 10.0 ** rng.integers(-3, 4, k - 1) + 3])
        y = 1e3 * rng.standard_t(2, size=n)
    w = rng.uniform(0.1, 4, n) if weighted else None
    assert_a_minimum(x, y, q, w)


@pytest.mark.parametrize("seed", range(12))
def test_of_several_solutions_the_lowest_on_average(seed: int) -> None:
    """Among all minima, by a second linear program, no fitted values have a lower mean."""
    rng = np.random.default_rng(seed)
    n = 40
    x = np.column_stack([np.ones(n), rng.integers(0, 3, (n, 2))]).astype(float)
    y, w, q = rng.integers(0, 4, n) + 0.0, rng.integers(1, 4, n) + 0.0, (0.25, 0.5, 0.75)[seed % 3]
    found = quantile_fit(x, y, q, w)
    mean = w @ x / w.sum()
    lowest = linprog(
        np.concatenate([mean, np.zeros(2 * n)]),
        A_eq=np.column_stack([x, np.eye(n), -np.eye(n)]), b_eq=y,
        A_ub=np.concatenate([np.zeros(3), q * w, (1 - q) * w])[None], b_ub=[loss(found.residuals, q, w) + 1e-9],
        bounds=[(None, None)] * 3 + [(0, None)] * (2 * n), method="highs",
    )  # fmt: skip
    assert lowest.status == 0
    # The bound on the loss and HiGHS leave 1e-7.
    assert mean @ found.coefficients == pytest.approx(lowest.fun, abs=1e-6)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("weighted", [False, True])
def test_as_linear_programming_and_statsmodels(q: float, weighted: bool) -> None:
    rng = np.random.default_rng(12)
    n = 700
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 4)), rng.random(n) < 0.3]).astype(float)
    y = x @ [1, 2, -1, 0.5, 0, 3] + rng.standard_t(3, size=n)
    w = rng.uniform(0.2, 4, n) if weighted else None
    found, weights = quantile_fit(x, y, q, w), np.ones(n) if w is None else w
    bounds = np.column_stack([np.zeros(n), weights])
    solved = linprog(-y, A_eq=x.T, b_eq=(1 - q) * x.T @ weights, bounds=bounds, method="highs")
    # HiGHS accepts a minimum within 1e-7.
    assert found.coefficients == pytest.approx(-solved.eqlin.marginals, abs=1e-6)
    assert loss(found.residuals, q, w) <= loss(y + x @ solved.eqlin.marginals, q, w) * (1 + 1e-12)
    if w is None:
        theirs = sm.QuantReg(y, x).fit(q=q, max_iter=5000, p_tol=1e-8)
        # Their reweighted least squares comes near the minimum, and not below it.
        assert loss(found.residuals, q) <= loss(y - x @ theirs.params, q) * (1 + 1e-12)
        assert found.coefficients == pytest.approx(theirs.params, abs=2e-3)


def test_many_rows_are_solved_inside_first() -> None:
    """Above the few hundred rows on which edges are walked from the start: the same minimum either way."""
    rng = np.random.default_rng(5)
    n = 4000
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 6)), *(rng.integers(0, 6, n) == one for one in range(3))])
    y = rng.standard_cauchy(size=n)
    inside, walked = quantile_fit(x, y, 0.8), quantile_fit(x, y, 0.8, start=np.zeros(10))
    assert inside.pivots < 40 < walked.pivots
    np.testing.assert_array_equal(np.sort(inside.basis), np.sort(walked.basis))


@pytest.mark.parametrize("q", [0.1, 0.25, 0.5, 0.9])
def test_a_constant_is_the_quantile_and_levels_are_those_of_groups(q: float) -> None:
    rows = outcomes(9, 604)  # quarters and tenths of some of these groups are whole numbers: several solutions
    y, w = rows.number("y"), rows.number("w")
    codes = np.asarray(rows.columns["size"].codes)  # type: ignore[union-attr]

    def lower(values: FloatArray, weights: FloatArray) -> float:
        order = np.argsort(values)
        share = np.cumsum(weights[order]) / weights.sum()
        return float(values[order][np.searchsorted(share, q - 1e-12)])

    alone = estimate("y ~ 1", rows, quantiles=(q,))
    assert alone.coefficients[0] == pytest.approx(lower(y, np.ones(604)), abs=1e-12)
    assert estimate("y ~ 1", rows, quantiles=(q,), weights="w").coefficients[0] == pytest.approx(lower(y, w), abs=1e-12)
    groups = estimate("y ~ size", rows, quantiles=(q,), reference={"size": "a"})
    own = [lower(y[codes == level], np.ones(int((codes == level).sum()))) for level in range(3)]
    assert groups.coefficients == pytest.approx([own[0], own[1] - own[0], own[2] - own[0]], abs=1e-12)


def test_several_solutions_are_told_and_the_lower_one_taken() -> None:
    rows = selection({"y": np.arange(10.0) ** 2})
    found = estimate("y ~ 1", rows)
    assert found.coefficients.tolist() == [16.0]
    assert any("quantile 0.5 has several solutions" in note for note in found.notes)
    assert not any("several" in note for note in estimate("y ~ 1", rows, quantiles=(0.45,)).notes)


@settings(max_examples=20, deadline=None)
@example(310, 0.2, 0.0)
@given(st.integers(0, 1000), st.sampled_from([0.2, 0.5, 0.9]), st.floats(-2, 2))
def test_equivariance(seed: int, q: float, digits: float) -> None:
    """Koenker and Bassett (1978), theorem 3.2: scale, sign, shift by the terms, other terms of the same span; order."""
    rng, unit = np.random.default_rng(seed), 10.0**digits
    n = 211
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    y = rng.standard_t(3, size=n)
    b = quantile_fit(x, y, q).coefficients
    turn, order = rng.normal(size=(3, 3)), rng.permutation(n)
    assert quantile_fit(x, unit * y, q).coefficients == pytest.approx(unit * b, rel=1e-9, abs=1e-11 * unit)
    assert quantile_fit(x, -y, 1 - q).coefficients == pytest.approx(-b, rel=1e-9, abs=1e-11)
    assert quantile_fit(x, y + x @ [3, -2, 1], q).coefficients == pytest.approx(
        b + np.array([3, -2, 1]), rel=1e-8, abs=1e-10
    )
    condition = np.linalg.cond(turn)
    assert turn @ quantile_fit(x @ turn, y, q).coefficients == pytest.approx(b, abs=1e-12 * condition**2 + 1e-9)
    assert quantile_fit(x[order], y[order], q).coefficients == pytest.approx(b, rel=1e-9, abs=1e-11)
    # Monotone: the quantile of a rising function is the function of the quantile, where levels are all there is.
    one = np.ones((n, 1))
    assert quantile_fit(one, np.exp(y), q).coefficients[0] == pytest.approx(
        np.exp(quantile_fit(one, y, q).coefficients[0])
    )


@pytest.mark.parametrize("q", [0.2, 0.5])
def test_errors_by_hand(q: float) -> None:
    rows = outcomes()
    y, x = rows.number("y"), rows.number("x")
    columns = np.column_stack([np.ones(600), x])
    found = estimate("y ~ x", rows, quantiles=(q,), errors=Errors("HC1"))
    e = y - columns @ found.coefficients
    height = np.exp(-(ndtri(q) ** 2) / 2) / np.sqrt(2 * np.pi)
    wide = 600 ** (-1 / 3) * ndtri(0.975) ** (2 / 3) * (1.5 * height**2 / (2 * ndtri(q) ** 2 + 1)) ** (1 / 3)
    low, high = np.quantile(e, [0.25, 0.75], method="inverted_cdf")
    h = min(e.std(), (high - low) / 1.34) * (ndtri(q + wide) - ndtri(q - wide))
    assert found.stats["bandwidth"] == pytest.approx(h)
    f = np.exp(-((e / h) ** 2) / 2) / np.sqrt(2 * np.pi) / h
    inverse = np.linalg.inv((columns * f[:, None]).T @ columns)
    dual = quantile_fit(columns, y, q).dual
    # Off the two rows that are met exactly the dual is the derivative of the loss.
    assert np.count_nonzero(dual != q - (e < 0)) <= 2
    score = columns * dual[:, None]
    expected = inverse @ score.T @ score @ inverse * 600 / 598
    assert found.covariance == pytest.approx(expected, rel=1e-7, abs=1e-12)
    clustered = np.zeros((200, 2))
    np.add.at(clustered, rows.firm, score)
    g = len(np.unique(rows.firm))
    expected = inverse @ clustered.T @ clustered @ inverse * g / (g - 1) * 599 / 598
    assert estimate("y ~ x", rows, quantiles=(q,), errors=FIRM).covariance == pytest.approx(
        expected, rel=1e-7, abs=1e-12
    )
    flat = estimate("y ~ x", rows, quantiles=(q,), errors=Errors("classical"))
    iid = q * (1 - q) / f.mean() ** 2 * np.linalg.inv(columns.T @ columns)
    assert flat.covariance == pytest.approx(iid, rel=1e-9)
    theirs = sm.QuantReg(y, columns).fit(
        q=q, vcov="iid", kernel="gau", bandwidth="hsheather", p_tol=1e-9, max_iter=5000
    )
    # Their quartiles of the residuals are interpolated, ours are residuals.
    assert flat.std_errors == pytest.approx(theirs.bse, rel=0.01)
    assert flat.errors.df == 598
    assert found.stats["pseudo_r2"] == pytest.approx(theirs.prsquared, rel=1e-3)


def test_scores_sum_to_zero_and_weights_have_no_unit() -> None:
    rows = outcomes()
    found = estimate("y ~ x + size", rows, errors=Errors("HC0"), weights="w", quantiles=QUANTILES)
    assert np.abs(found.influence.sum(axis=0)).max() < 1e-12
    scaled = selection({"y": rows.number("y"), "x": rows.number("x"), "w": 7 * rows.number("w"),
                        "size": [rows.columns["size"].levels[code] for code in rows.columns["size"].codes]}, rows.firm)  # type: ignore[union-attr]  # fmt: skip
    again = estimate("y ~ x + size", scaled, errors=Errors("HC0"), weights="w", quantiles=QUANTILES)
    for one, other in zip(found.parts, again.parts, strict=True):
        np.testing.assert_allclose(one.coefficients, other.coefficients, atol=1e-11)
        np.testing.assert_allclose(one.inference.std_errors, other.inference.std_errors, rtol=1e-9)


def test_parts_are_the_quantiles_and_the_first_is_the_models_own() -> None:
    found = estimate("y ~ x + size", quantiles=QUANTILES)
    assert [part.estimator for part in found.parts] == ["quantile 0.1", "quantile 0.5", "quantile 0.75"]
    assert found.method == "quantile"
    for part, q in zip(found.parts, QUANTILES, strict=True):
        one = estimate("y ~ x + size", quantiles=(q,))
        assert one.parts == ()
        np.testing.assert_array_equal(part.coefficients, one.coefficients)
        np.testing.assert_array_equal(part.inference.std_errors, one.std_errors)
        assert part.stats["quantile"] == q
    np.testing.assert_array_equal(found.coefficients, found.parts[0].coefficients)


def test_firms_are_counted_on_the_emptier_side() -> None:
    rng = np.random.default_rng(0)
    rows = selection({"y": rng.normal(size=200), "d": (np.arange(200) < 40).astype(float)})
    found = estimate("y ~ d", rows, quantiles=(0.9, 0.5))
    # A tenth of 160 and of 40 firms lie above, with those that are met exactly.
    assert found.parts[0].n_firms_term.tolist() == pytest.approx([21, 5], abs=1)
    assert found.parts[1].n_firms_term.tolist() == pytest.approx([101, 21], abs=1)
    assert found.n_firms == 200


def test_crossings_are_counted() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=120)
    found = estimate("y ~ x", selection({"y": rng.normal(size=120) * np.exp(x), "x": x}), quantiles=(0.55, 0.4, 0.45))
    fitted = {
        q: part.coefficients[0] + part.coefficients[1] * x
        for q, part in zip((0.55, 0.4, 0.45), found.parts, strict=True)
    }
    crossed = [int((fitted[high] < fitted[low]).sum()) for low, high in ((0.4, 0.45), (0.45, 0.55))]
    assert any(crossed)
    said = [note for note in found.notes if note.startswith("quantiles cross")]
    assert len(said) == np.count_nonzero(crossed)
    assert f"in {max(crossed)} of 120 rows" in " ".join(said)


def test_what_cannot_be_estimated() -> None:
    x = np.arange(30.0)
    with pytest.raises(EstimationError, match="an exact sum of the terms"):
        estimate("y ~ x", selection({"y": 2 + 3 * x, "x": x}))
    few = estimate("y ~ x", selection({"y": (x % 3), "x": np.sin(x)}), quantiles=(0.95,))
    assert any("the bandwidth of the density was cut" in note for note in few.notes)
    many = selection({"y": np.random.default_rng(1).integers(0, 3, 300) + 0.0, "x": np.repeat([0.0, 1.0], 150)})
    assert any("y takes few values" in note for note in estimate("y ~ x", many).notes)


def test_an_estimated_outcome_is_taken_as_data_and_told() -> None:
    rows = outcomes()
    first = productivity(
        rows.number("y"), np.ones((600, 1)), [group_fit(np.unique(rows.firm), np.ones((len(np.unique(rows.firm)), 1)))]
    )
    found = estimate("y ~ x", rows, first, errors=FIRM)
    assert found.errors.tfp_uncertainty == "ignore"
    assert any("take y as data" in note and "{bootstrap: {cluster: [firm]}} would" in note for note in found.notes)
    ignored = estimate("y ~ x", rows, first, errors=FIRM, tfp_uncertainty="ignore")
    assert any(note.endswith("(tfp_uncertainty: ignore)") for note in ignored.notes)


@pytest.mark.parametrize("weights", [None, "w"])
def test_a_draw_is_the_estimate_on_the_drawn_firms(weights: str | None) -> None:
    rows = outcomes()
    keys = {"method": "quantile", "formula": "y ~ x + size", "quantiles": QUANTILES, "errors": FIRM, "weights": weights,
            "reference": {"size": "a"}}  # fmt: skip
    options = Options.model_validate(keys)
    found, draws = fit("m", options, rows, None), resampler(options, rows, None)
    n = int(rows.firm.max()) + 1
    counts = np.vstack([np.ones(n), np.random.default_rng(2).multinomial(n, np.full(n, 1 / n), size=2)])
    drawn = draws.draw(counts)
    np.testing.assert_allclose(
        drawn.coefficients[0], np.concatenate([one.coefficients for one in found.parts]), atol=1e-11
    )
    for number in (1, 2):
        many, _ = duplicated(rows, counts[number])
        refit = fit("m", options, many, None)
        np.testing.assert_allclose(
            drawn.coefficients[number], np.concatenate([one.coefficients for one in refit.parts]), atol=1e-10
        )
    errors = design_std_errors(draws, drawn, blocks(1, np.arange(n), n), counts)[0]
    g = len(np.unique(rows.firm))
    own = np.concatenate([one.inference.std_errors for one in found.parts]) / np.sqrt(g / (g - 1) * 599 / 596)
    np.testing.assert_allclose(errors, own, rtol=1e-9)


def test_draws_go_along_with_an_outcome_that_is_drawn_too() -> None:
    rows = outcomes()
    n = int(rows.firm.max()) + 1
    firms = np.unique(rows.firm)
    gradient = np.random.default_rng(6).normal(size=(600, 2))
    first = productivity(rows.number("y"), gradient, [group_fit(firms, np.ones((len(firms), 2)))])
    options = Options.model_validate(
        {"method": "quantile", "formula": "y ~ x", "quantiles": (0.5, 0.9), "errors": FIRM}
    )
    draws = resampler(options, rows, first)
    step = np.array([[0.0, 0.0], [0.03, -0.05], [np.nan, 0.0]])
    drawn = draws.draw(np.ones((3, n)), (step,))
    moved = selection({"y": rows.number("y") + gradient @ step[1], "x": rows.number("x")}, rows.firm)
    np.testing.assert_allclose(
        drawn.coefficients[1],
        np.concatenate([one.coefficients for one in fit("m", options, moved, None).parts]),
        atol=1e-11,
    )
    assert np.isnan(drawn.coefficients[2]).all()
    # The slope in the parameters, smoothed over the rows within the bandwidth: near the jumps of the exact solution.
    wide = draws.draw(np.ones((2, n)), (np.array([[0.2, 0.0], [-0.2, 0.0]]),)).coefficients
    assert (wide[0] - wide[1]) / 0.4 == pytest.approx(drawn.operators[0][0][:, 0], abs=0.15)


def test_intervals_cover() -> None:
    """Errors that fan out with x, in 120 samples of 300: 0.95 within three Monte Carlo errors and a hundredth.

    The kernel's bandwidth biases the density, so that intervals of few rows are a little too wide.
    """
    rng = np.random.default_rng(5)
    covered = np.zeros(4)
    for _ in range(120):
        x = rng.uniform(0, 2, 300)
        rows = selection({"y": 1 + x + (1 + x) * rng.normal(size=300), "x": x})
        found = estimate("y ~ x", rows, quantiles=(0.5, 0.8))
        truth = np.array([1 + ndtri(0.5), 1 + ndtri(0.5), 1 + ndtri(0.8), 1 + ndtri(0.8)])
        low = np.concatenate([part.inference.conf_low for part in found.parts])
        high = np.concatenate([part.inference.conf_high for part in found.parts])
        covered += (low <= truth) & (truth <= high)
    assert np.abs(covered / 120 - 0.95).max() < 3 * np.sqrt(0.95 * 0.05 / 120) + 0.01


def test_clustered_intervals_cover_where_rows_of_a_firm_are_alike() -> None:
    """100 samples of 100 firms with five rows that share most of their error: rows taken alone cover about 0.78."""
    rng = np.random.default_rng(9)
    covered = np.zeros(2)
    firm = np.repeat(np.arange(100), 5)
    for _ in range(100):
        x = rng.normal(size=100)[firm]
        error = 0.8 * rng.normal(size=100)[firm] + 0.6 * rng.normal(size=500)
        found = estimate("y ~ x", selection({"y": 1 + x + error, "x": x}, firm), quantiles=(0.75,), errors=FIRM)
        truth = [1 + ndtri(0.75), 1]
        covered += (found.conf_low <= truth) & (truth <= found.conf_high)
    assert np.abs(covered / 100 - 0.95).max() < 3 * np.sqrt(0.95 * 0.05 / 100)
