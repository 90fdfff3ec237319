"""Intervals from draws of firms hold the truth: a short seeded version, and 200 panels."""

from __future__ import annotations

import numpy as np
import pytest

from estimation.results import FloatArray
from tests.estimation.test_two_stage_simulation import TRUTH, VALID


def bootstrap_coverage(case: str, n_panels: int, n_firms: int, n_draws: int) -> FloatArray:
    """The share of panels whose bootstrap percentile interval holds the truth."""
    make, method, changes = VALID[case]
    keys = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m"} | changes
    options = method.Options(**keys)
    inside = []
    for seed in range(n_panels):
        rows = make(n_firms, seed)
        use = np.ones(rows.n_panel, dtype=bool)
        fit = method.fit("tfp", options, rows, use)
        rng = np.random.default_rng(seed + 10_000)
        firms = int(rows.firm.max()) + 1
        counts = rng.multinomial(firms, np.full(firms, 1 / firms), size=n_draws).astype(float)
        (drawn,) = method.resampler(options, rows, use, fit).draw(counts)
        low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
        inside.append((low < TRUTH) & (high > TRUTH))
    return np.asarray(np.mean(inside, axis=0))


@pytest.mark.parametrize("case", ["LP", "ACF"])
def test_bootstrap_intervals_hold_the_truth_in_a_few_panels(case: str) -> None:
    # Percentiles of 79 draws cover 0.93 or so: fewer than 19 of 24 happen once in a hundred times.
    assert np.all(bootstrap_coverage(case, 24, 200, 79) >= 19 / 24)


@pytest.mark.parametrize("case", ["LP", "ACF"])
@pytest.mark.heavy
def test_coverage_of_the_bootstrap_intervals(case: str) -> None:
    inside = bootstrap_coverage(case, 200, 1000, 199)
    print(case, "coverage of percentile intervals", inside)
    # Percentiles of 199 draws cover 0.94 at best; three Monte Carlo errors below.
    assert np.all(inside > 0.89)
