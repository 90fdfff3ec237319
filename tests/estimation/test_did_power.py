"""Minimum detectable effects and power against scipy's noncentral t, textbook numbers and simulated designs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nct, norm, t

from estimation.designs.did import Options, fit
from estimation.did.power import detectable_effect, power_to_detect, standard_error
from tests.estimation.rows import group_fit, productivity, selection


def test_the_normal_s_number() -> None:
    """2.80 standard errors (Bloom, 1995, for 80 % and 5 %)."""
    assert detectable_effect(1.0) == pytest.approx(2.8015852, abs=1e-7)
    assert detectable_effect(0.25, power=0.9, level=0.1) == pytest.approx(
        0.25 * (norm.ppf(0.95) + norm.ppf(0.9)), abs=1e-13
    )
    assert power_to_detect(detectable_effect(0.3), 0.3) == pytest.approx(0.8, abs=2e-6)
    assert detectable_effect(1.0, 1e9) == pytest.approx(detectable_effect(1.0), abs=1e-7)


@pytest.mark.parametrize(("df", "close"), [(3, 0.02), (5, 0.006), (10, 0.001), (30, 0.0005), (200, 0.0001)])
def test_the_detectable_effect_is_found_that_often(df: int, close: float) -> None:
    effect = detectable_effect(2.0, df)
    bound = t.ppf(0.975, df)
    found = nct.sf(bound, df, effect / 2.0) + nct.cdf(-bound, df, effect / 2.0)
    assert found == pytest.approx(0.8, abs=close)


@pytest.mark.parametrize("df", [2, 5, 10, 60, 1000])
@pytest.mark.parametrize("away", [0.0, 0.5, 1.0, 2.0, 3.0, 5.0])
def test_power_as_the_noncentral_t(df: int, away: float) -> None:
    bound = t.ppf(0.975, df)
    expected = nct.sf(bound, df, away) + nct.cdf(-bound, df, away)
    assert power_to_detect(away * 0.1, 0.1, df) == pytest.approx(expected, abs=1e-11)
    assert power_to_detect(-away * 0.1, 0.1, df) == power_to_detect(away * 0.1, 0.1, df)


def test_power_rises_from_the_level_to_one() -> None:
    for df in (1.0, 4.0, 1e6, np.inf):
        found = [power_to_detect(effect, 1.0, df, 0.1) for effect in np.arange(0, 80, 0.5)]
        assert found[0] == pytest.approx(0.1, abs=1e-11)
        assert (np.diff(found) >= -1e-12).all()
    assert found[-1] == pytest.approx(1, abs=1e-12)


def test_a_design_finds_its_detectable_effect_in_four_of_five_draws() -> None:
    """Of a difference-in-differences clustered by firm: the influence under the null gives the effect, draws with this
    effect the share of rejections.
    """
    draw = np.random.default_rng(11)
    firm, year = np.repeat(np.arange(60), 2), np.tile([2020, 2021], 60)
    cohort = np.where(firm < 30, 2021.0, np.nan)

    def rejected(effect: float) -> tuple[bool, float]:
        y = draw.normal(size=120) + effect * (year >= cohort)
        rows = selection({"y": y, "cohort": cohort}, firm, year)
        found = fit("m", Options.model_validate({
            "outcome": "y", "adoption": {"cohort": "cohort"}, "estimator": "twfe"}), rows, None)  # fmt: skip
        psi = found.influence[:, found.terms.index("att[simple]")]
        return bool(found.p_values[0] < 0.05), standard_error(psi)

    errors = np.array([rejected(0.0)[1] for _ in range(50)])
    # Two changes of variance 2, in 30 firms each: 2 / sqrt(30).
    assert errors.mean() == pytest.approx(np.sqrt(4 / 30), rel=0.03)
    effect = detectable_effect(float(np.sqrt(4 / 30)), 58)
    share = np.mean([rejected(effect)[0] for _ in range(1000)])
    assert share == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / 1000))


def test_influence_is_summed_by_cluster() -> None:
    psi = np.array([0.3, -0.1, 0.2, 0.4])
    assert standard_error(psi) == pytest.approx(np.sqrt(0.09 + 0.01 + 0.04 + 0.16))
    assert standard_error(psi, np.array([0, 0, 1, 1])) == pytest.approx(np.sqrt(0.04 + 0.36))


@pytest.mark.parametrize(("power", "level"), [(0.04, 0.05), (1.0, 0.05), (0.8, 0.0), (0.8, 1.2)])
def test_what_is_no_power_or_level(power: float, level: float) -> None:
    with pytest.raises(ValueError, match="0 < level < power < 1"):
        detectable_effect(1.0, power=power, level=level)


def test_the_detectable_effect_beside_an_estimate() -> None:
    """2.80 errors with the normal reference, the t of its clusters in a regression, the first stage's part included."""
    firm, year = np.repeat(np.arange(30), 3), np.tile([2019, 2020, 2021], 30)
    draw = np.random.default_rng(1)
    y = draw.normal(size=90)
    rows = selection({"y": y, "cohort": np.where(firm % 3 > 0, 2019.0 + firm % 3, np.nan)}, firm, year)
    first = productivity(y, draw.normal(size=(90, 1)), [group_fit(np.arange(30), 0.1 * draw.normal(size=(30, 1)))])
    for estimator, multiple in (("callaway_santanna", 2.8015852), ("twfe", t.ppf(0.975, 29) + t.ppf(0.8, 29))):
        options = Options.model_validate(
            {"outcome": "y", "adoption": {"cohort": "cohort"}, "estimator": estimator, "aggregate": ("simple",)}
        )
        found = fit("m", options, rows, first)
        assert found.errors.tfp_uncertainty == "include"
        assert found.stats["minimum_detectable_effect"] == pytest.approx(multiple * found.std_errors[0], rel=1e-7)


def test_negative_weights_are_said_beside_twfe() -> None:
    firm, year = np.repeat(np.arange(30), 6), np.tile(np.arange(2015, 2021), 30)
    y = np.random.default_rng(2).normal(size=180)
    own = {"outcome": "y", "adoption": {"cohort": "cohort"}, "estimator": "twfe"}
    early = selection({"y": y, "cohort": np.where(firm < 25, 2016.0, 2020.0)}, firm, year)
    found = fit("m", Options.model_validate(own), early, None)
    # d of the first 25 firms in 2020, of 5 treated years: 1 - 5/6 - 1 + (25 * 5 + 5) / 180 < 0.
    assert found.stats["negative_weight_share"] == pytest.approx(25 / 130)
    assert any(note.startswith("19 % of the treated rows weigh less than zero in att[simple]") for note in found.notes)
    one = selection({"y": y, "cohort": np.where(firm < 15, 2018.0, np.nan)}, firm, year)
    plain = fit("m", Options.model_validate(own), one, None)
    assert plain.stats["negative_weight_share"] == 0
    assert not any("less than zero" in note for note in plain.notes)
