"""Covariances and tails: special cases that must collapse, and p-values as small as they come."""

from __future__ import annotations

import math

import numpy as np
import pytest

from estimation.covariance import Clusters, clustered, combine, heteroscedastic, influence, told_of_rank
from estimation.designs.cross_section import Options, fit
from estimation.inference import inference
from estimation.least_squares import least_squares
from specs.errors import EstimationError
from specs.formula import parse_formula
from specs.uncertainty import Errors
from tests.estimation.rows import selection

RANDOM = np.random.default_rng(21)
N = 90
X = np.column_stack([np.ones(N), RANDOM.normal(size=(N, 2))])
Y = X @ [1.0, 2.0, -1.0] + RANDOM.normal(size=N) * (1 + X[:, 1] ** 2)
W = RANDOM.uniform(0.5, 4, N)


def test_rows_as_clusters_are_hc1_but_for_one_row() -> None:
    psi = influence(least_squares(X, Y, W))
    one = clustered(psi, [Clusters("row", np.arange(N), N)], N, 3)
    # N/(N-1) x (N-1)/(N-K) = N/(N-K)
    assert one.matrix == pytest.approx(heteroscedastic(psi, "HC1", N, 3).matrix, rel=1e-12)
    assert one.df == N - 1


def test_two_ways_with_one_inside_the_other_is_the_coarser() -> None:
    psi = influence(least_squares(X, Y))
    coarse = Clusters("nace", np.arange(N) % 6, 6)
    fine = Clusters("firm", np.arange(N) % 30, 30)
    two = clustered(psi, [fine, coarse], N, 3)
    assert two.matrix == pytest.approx(clustered(psi, [coarse], N, 3).matrix, rel=1e-10)
    assert two.df == 5
    assert two.raw is None


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_scale_of_weights_changes_nothing(kind: str) -> None:
    once = heteroscedastic(influence(least_squares(X, Y, W), kind), kind, N, 3).matrix
    assert heteroscedastic(influence(least_squares(X, Y, 1000 * W), kind), kind, N, 3).matrix == pytest.approx(
        once, rel=1e-12
    )


def test_order_of_rows_changes_nothing() -> None:
    order = RANDOM.permutation(N)
    codes = RANDOM.integers(0, 12, N)
    one = clustered(influence(least_squares(X, Y, W)), [Clusters("c", codes, 12)], N, 3)
    psi = influence(least_squares(X[order], Y[order], W[order]))
    other = clustered(psi, [Clusters("c", 5 - 3 * codes[order], 12)], N, 3)
    assert other.matrix == pytest.approx(one.matrix, rel=1e-11)


def test_leverage_sums_to_the_number_of_terms() -> None:
    solved = least_squares(X, Y, W)
    assert solved.leverage.sum() == pytest.approx(3, rel=1e-13)
    assert pytest.approx(solved.coefficients, rel=1e-12) == solved.operator.T @ Y
    assert pytest.approx(np.eye(3), abs=1e-13) == solved.operator.T @ X


def test_an_exactly_fitted_row_has_no_score() -> None:
    x = np.column_stack([X, np.arange(N) == 7])
    for kind in ("HC2", "HC3"):
        psi = influence(least_squares(x, Y), kind)
        assert np.isfinite(psi).all()
        assert (psi[7] == 0).all()


def test_one_cluster_is_refused() -> None:
    with pytest.raises(EstimationError, match="one cluster of nace"):
        clustered(influence(least_squares(X, Y)), [Clusters("nace", np.zeros(N, dtype=int), 1)], N, 3)


def test_few_clusters_are_said() -> None:
    psi = influence(least_squares(X, Y))
    assert "only 30 clusters of c" in clustered(psi, [Clusters("c", np.arange(N) % 30, 30)], N, 3).notes[0]
    assert clustered(psi, [Clusters("c", np.arange(N) % 45, 45)], N, 3).notes == ()


def test_combined_codes() -> None:
    pairs = combine([np.array([4, 4, 9, 9, 4]), np.array([1, 2, 1, 1, 1])])
    assert pairs[0] == pairs[4] != pairs[1]
    assert pairs[2] == pairs[3]
    assert np.unique(pairs).size == 3
    # Many codes a column must not overflow into each other.
    wide = np.arange(10**6, dtype=np.int64) * 7_000_003
    assert np.unique(combine([wide, wide[::-1], wide])).size == 10**6


@pytest.mark.parametrize(("t", "df"), [(40.0, 2300.0), (7.3, 2300.0), (-7.3, 2300.0), (1.96, 5.0), (12.0, math.inf)])
def test_p_values_far_in_the_tail(t: float, df: float) -> None:
    # t = 7.3 is the published table's 4e-13; t = 40 lies beyond 1e-260.
    found = inference(np.array([t]), np.eye(1), df).p_values[0]
    assert found == pytest.approx(_tail(abs(t), df), rel=1e-9, abs=0)  # Simpson's own error is below 1e-10
    assert found > 0


def _tail(t: float, df: float) -> float:
    """2 P(T > t) by Simpson's rule in log steps, independent of any library's distribution functions."""
    if math.isinf(df):
        return math.erfc(t / math.sqrt(2))
    u = np.linspace(math.log(t), math.log(t) + 8, 1_000_001)
    constant = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
    heights = np.exp(constant - (df + 1) / 2 * np.log1p(np.exp(2 * u) / df) + u)
    total = heights[0] + heights[-1] + 4 * heights[1::2].sum() + 2 * heights[2:-1:2].sum()
    return float(2 * total * (u[1] - u[0]) / 3)


def test_intervals_and_degenerate_errors() -> None:
    found = inference(np.array([1.0, 3.0]), np.diag([4.0, 0.0]), math.inf)
    assert found.conf_low[0] == pytest.approx(1 - 2 * 1.959963984540054, rel=1e-14)
    assert found.std_errors[1] == 0
    assert np.isnan(found.statistics[1])
    assert np.isnan(found.p_values[1])
    below = inference(np.array([1.0, 3.0]), np.diag([4.0, -1e-9]), math.inf)
    for one in (below.std_errors, below.statistics, below.p_values, below.conf_low, below.conf_high):
        assert np.isnan(one).tolist() == [False, True]
    narrow = inference(np.array([0.0]), np.eye(1), 7.0)
    assert narrow.conf_high[0] == pytest.approx(2.364624251592785, rel=1e-12)  # R: qt(0.975, 7)


def test_a_term_with_one_firm_is_said_under_robust_errors() -> None:
    nace = ["R"] + ["C"] * 50 + ["F"] * (N - 51)
    rows = selection({"tfp": Y, "nace": nace})
    for kind in ("HC1", "HC3"):
        options = Options(design="cross_section", formula=parse_formula("tfp ~ nace"),
                          errors=Errors(kind))  # fmt: skip
        ours = fit("m", options, rows, None)
        assert any("too few firms stand behind nace[R]" in note for note in ours.notes)
        assert np.isfinite(ours.std_errors).all()
    classical = Options(design="cross_section", formula=parse_formula("tfp ~ nace"), errors=Errors(kind="classical"))
    assert fit("m", classical, rows, None).notes == ()
    as_base = Options(design="cross_section", formula=parse_formula("tfp ~ nace"), reference={"nace": "R"})
    assert any("fitted exactly" in note for note in fit("m", as_base, rows, None).notes)


def test_goodness_of_fit_without_a_constant_and_without_spread() -> None:
    rows = selection({"tfp": Y, "k": X[:, 1], "flat": np.full(N, 2.0)})
    ours = fit("m", Options(design="cross_section", formula=parse_formula("tfp ~ k - 1")), rows, None)
    slope = (X[:, 1] @ Y) / (X[:, 1] @ X[:, 1])
    assert ours.stats["r2"] == pytest.approx(slope**2 * (X[:, 1] @ X[:, 1]) / (Y @ Y), rel=1e-12)
    assert ours.stats["df_resid"] == N - 1
    flat = fit("m", Options(design="cross_section", formula=parse_formula("flat ~ 1")), rows, None)
    assert flat.stats["r2"] is None or flat.stats["r2"] == 0
    assert flat.coefficients == pytest.approx([2.0])


@pytest.mark.parametrize("seed", range(12))
def test_a_negative_two_way_variance_is_seen_in_any_units(seed: int) -> None:
    random = np.random.default_rng(seed)
    x = np.column_stack([np.ones(N), np.exp(random.normal(size=N)), random.random(N) < 0.3])
    y, codes = random.normal(size=N), [random.integers(0, g, N) for g in (3, 4)]
    found = []
    for scale in (1.0, 1e9):
        fitted = least_squares(x * [1.0, scale, 1.0], y)
        ways = [Clusters(name, code, code.max() + 1) for name, code in zip("ab", codes, strict=True)]
        found.append(clustered(influence(fitted), ways, N, 3))
    assert (found[0].raw is None) == (found[1].raw is None)
    if found[0].raw is not None and found[1].raw is not None:
        assert found[1].raw * [1, 1e18, 1] == pytest.approx(found[0].raw, rel=1e-8)
        # A repair never takes from a variance, however small its units make it.
        for one in found:
            assert one.raw is not None
            assert (np.diag(one.matrix) >= one.raw * (1 - 1e-9)).all()
            assert np.diag(one.matrix)[1] < 100 * abs(one.raw[1])


def test_clusters_that_are_no_more_than_the_terms_are_told() -> None:
    assert told_of_rank({"firm": 5, "year": 4}, 3) == ()
    (said,) = told_of_rank({"firm": 50, "year": 4}, 4)
    assert said.startswith("4 clusters of year and 4 terms: the covariance has rank 3 at most")
