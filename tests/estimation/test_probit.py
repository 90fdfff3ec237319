"""The probit against statsmodels, its influence functions against reweighting, and separation told by name."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.discrete.discrete_model import Probit

from estimation.probit import SeparationError, probit

RNG = np.random.default_rng(1934)
N = 1500
K = RNG.normal(4, 2, N)
X = np.column_stack([np.ones(N), K, K**2, RNG.normal(size=N)])
D = (X @ [0.4, 0.3, -0.05, 0.5] + RNG.normal(size=N) > 0).astype(float)
FIRM = np.arange(N) // 5


def test_statsmodels_finds_the_same() -> None:
    ours = probit(X, D)
    theirs = Probit(D, X).fit(disp=0, method="newton", tol=1e-12)
    # Theirs inverts the normal equations of raw powers: nine digits are left.
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=1e-8)
    assert ours.log_likelihood == pytest.approx(theirs.llf, rel=1e-12)
    assert ours.null_log_likelihood == pytest.approx(theirs.llnull, rel=1e-8)
    assert ours.pseudo_r2 == pytest.approx(theirs.prsquared, rel=1e-7)


def test_the_firms_influence_gives_the_clustered_covariance() -> None:
    firms, psi = probit(X, D).influence(FIRM)
    theirs = Probit(D, X).fit(
        disp=0, method="newton", tol=1e-12, cov_type="cluster", cov_kwds={"groups": FIRM, "use_correction": False}
    )
    np.testing.assert_array_equal(firms, np.arange(N // 5))
    np.testing.assert_allclose(psi.T @ psi, theirs.cov_params(), rtol=1e-6)


def test_influence_is_the_derivative_by_the_firms_weight() -> None:
    _, psi = probit(X, D).influence(FIRM)
    h = 1e-5
    for firm in (0, 17, 299):
        moved = [probit(X, D, np.where(firm == FIRM, 1 + step, 1.0)).coefficients for step in (h, -h)]
        # Central differences: h^2 of truncation and 1e-16 / h of rounding.
        np.testing.assert_allclose((moved[0] - moved[1]) / (2 * h), psi[firm], rtol=1e-6, atol=1e-10)


def test_weights_count_rows() -> None:
    counts = RNG.integers(0, 4, N).astype(float)
    repeated = np.repeat(np.arange(N), counts.astype(int))
    weighted, copied = probit(X, D, counts), probit(X[repeated], D[repeated])
    np.testing.assert_allclose(weighted.coefficients, copied.coefficients, rtol=1e-10)
    assert weighted.null_log_likelihood == pytest.approx(copied.null_log_likelihood, rel=1e-12)


def test_where_it_begins_does_not_matter() -> None:
    cold = probit(X, D)
    far = probit(X, D, start=cold.coefficients + np.array([3.0, -1.0, 0.2, 2.0]))
    np.testing.assert_allclose(far.coefficients, cold.coefficients, rtol=1e-10)


@pytest.mark.parametrize("kind", ["complete", "quasi"])
def test_separation_is_named(kind: str) -> None:
    outcome = (K > 4).astype(float)
    if kind == "quasi":
        # Above 4 all stay; below, some do.
        outcome = np.where(K > 4, 1.0, RNG.integers(0, 2, N))
        x = np.column_stack([np.ones(N), K > 4]).astype(float)
    else:
        x = X
    with pytest.raises(SeparationError) as found:
        probit(x, outcome)
    assert found.value.rows > N / 4


def test_a_rare_outcome_far_out_is_no_separation() -> None:
    x = np.column_stack([np.ones(N), np.linspace(-3, 3, N)])
    outcome = np.zeros(N)
    outcome[[10, N // 2, N - 1]] = 1.0
    found = probit(x, outcome)
    theirs = Probit(outcome, x).fit(disp=0, method="newton", tol=1e-12)
    np.testing.assert_allclose(found.coefficients, theirs.params, rtol=1e-7)
