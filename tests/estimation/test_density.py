"""Kernel densities: R's bandwidth, an exact sum, tails that no firm can be read from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from estimation.density import bandwidth, densities, gaussian_density
from specs.errors import EstimationError
from tests.estimation.rows import selection

RANDOM = np.random.default_rng(8)
VALUES = RANDOM.normal(10, 0.6, 500)


def test_bandwidth_is_rs_rule_of_thumb() -> None:
    # R: bw.nrd0(c(1, 2, 3, 4, 10)) = 0.9 * min(3.535534, 2/1.34) * 5^-0.2
    assert bandwidth(np.array([1.0, 2, 3, 4, 10])) == pytest.approx(0.9 * 2 / 1.34 * 5**-0.2, rel=1e-15)
    assert bandwidth(np.array([1.0, 1, 1, 1, 9])) == pytest.approx(0.9 * np.sqrt(12.8) * 5**-0.2, rel=1e-15)
    assert bandwidth(np.ones(4)) == 0


def test_density_is_scipys() -> None:
    grid = np.linspace(8, 12, 41)
    theirs = gaussian_kde(VALUES, bw_method=0.2 / VALUES.std(ddof=1))(grid)
    assert gaussian_density(VALUES, grid, 0.2) == pytest.approx(theirs, rel=1e-12)  # the same sum in another order


def test_two_groups() -> None:
    ai = RANDOM.integers(0, 2, 500).astype(float)
    ai[:7] = np.nan
    values = VALUES.copy()
    values[7:10] = np.nan
    found = densities(selection({"tfp": values, "ai": ai}), "tfp", "ai")
    assert [curve.label for curve in found.curves] == ["0", "1"]
    for code, curve in enumerate(found.curves):
        mine = values[(ai == code) & ~np.isnan(values)]
        assert curve.n_obs == curve.n_firms == mine.size
        assert curve.mean == pytest.approx(mine.mean(), rel=1e-14)
        assert curve.bandwidth == bandwidth(mine)
        assert (mine < curve.grid[0]).sum() >= 10
        assert (mine > curve.grid[-1]).sum() >= 10
        assert not np.isin(curve.grid, mine).any()
        assert curve.density == pytest.approx(gaussian_density(mine, curve.grid, curve.bandwidth))
    assert "tfp is missing in 3 rows: left out" in found.notes
    assert "ai is missing in 7 rows: left out" in found.notes
    assert any("bw.nrd0" in note for note in found.notes)
    assert any("lie beyond" in note for note in found.notes)


def test_one_per_cent_of_a_large_group() -> None:
    values = RANDOM.normal(size=5000)
    curve = densities(selection({"tfp": values}), "tfp", minimum_firms=10).curves[0]
    assert (values < curve.grid[0]).sum() >= 50
    assert (values > curve.grid[-1]).sum() >= 50
    assert curve.label == ""
    area = float(np.trapezoid(curve.density, curve.grid))
    assert 0.94 < area < 0.99  # two tails of 1 % are cut, and the kernel moves a little mass out


def test_firms_and_not_rows_lie_beyond() -> None:
    # One firm has the 30 lowest rows: it counts once.
    values = np.concatenate([np.full(30, -5.0) + np.arange(30) / 100, RANDOM.normal(size=200)])
    firm = np.concatenate([np.zeros(30, dtype=int), np.arange(1, 201)])
    curve = densities(selection({"tfp": values}, firm), "tfp", minimum_firms=10).curves[0]
    assert np.unique(firm[values < curve.grid[0]]).size >= 10
    assert curve.n_firms == 201
    assert curve.n_obs == 230


def test_a_small_group_is_named_and_left_out() -> None:
    size = ["large"] * 15 + ["small"] * 485
    found = densities(selection({"tfp": VALUES, "size": size}), "tfp", "size")
    assert [curve.label for curve in found.curves] == ["small"]
    assert "too few firms for a curve: size large" in found.notes
    with pytest.raises(EstimationError, match="no group has enough firms"):
        densities(selection({"tfp": VALUES[:20]}), "tfp")


def test_what_has_no_curve_says_why() -> None:
    """A column without a value, or with one, is no matter of too few firms."""
    flat, none = np.full(100, 1.3), np.full(100, np.nan)
    with pytest.raises(EstimationError, match='density of l: "l" does not vary in these rows; is it the right column'):
        densities(selection({"l": flat}), "l")
    with pytest.raises(EstimationError, match='density of l: "l" has no value in these rows; is it the right column'):
        densities(selection({"l": none}), "l")
    with pytest.raises(EstimationError, match='no row has both "l" and "by"'):
        densities(selection({"l": VALUES[:100], "by": none}), "l", "by")
    with pytest.raises(EstimationError, match='"l" hardly varies in these rows'):
        densities(selection({"l": np.append(flat, VALUES[:5])}), "l")
    size = ["still"] * 100 + ["small"] * 400
    found = densities(selection({"l": np.append(flat, VALUES[:400]), "size": size}), "l", "size")
    assert "its values do not vary: no curve: size still" in found.notes
    both = selection({"l": np.append(flat, VALUES[:5]), "size": ["still"] * 100 + ["few"] * 5})
    with pytest.raises(EstimationError, match="no group has enough firms"):
        densities(both, "l", "size")


def test_an_outlier_does_not_stretch_the_grid() -> None:
    values = np.append(VALUES, 1e6)
    curve = densities(selection({"tfp": values}), "tfp").curves[0]
    assert curve.grid.size <= 512
    assert curve.grid[-1] < 13


def test_heavy_tails_stay_within_the_points() -> None:
    values = RANDOM.standard_cauchy(4000)
    curve = densities(selection({"tfp": values}), "tfp").curves[0]
    assert 100 < curve.grid.size <= 512
    assert np.isfinite(curve.density).all()


def test_one_firm_beyond_is_called_one() -> None:
    notes = densities(selection({"tfp": VALUES}), "tfp", minimum_firms=1).notes
    assert "each curve ends where at least 1 firm and 1 % of its firms lie beyond" in notes


def test_one_row_that_is_missing_is_called_one() -> None:
    values = VALUES.copy()
    values[0] = np.nan
    note = "tfp is missing in 1 row: left out"
    assert note in densities(selection({"tfp": values}), "tfp").notes
