"""Comparisons of distributions against SciPy, statsmodels and brute force, in special cases and simulations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from estimation.covariance import Clusters, clustered
from estimation.designs import distribution
from estimation.distribution import Question, redrawable
from estimation.distribution_tests import distances, shares_beyond, verdict
from estimation.quantiles import firms_beside, quantiles, share_below
from estimation.results import Estimates, FloatArray
from panels.frame import Selection
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tests.estimation.rows import group_fit, productivity, selection

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


def firms(n: int = 400, seed: int = 1, **more: Any) -> Selection:
    rng = np.random.default_rng(seed)
    ai = (rng.random(n) < 0.3).astype(float)
    columns = {
        "y": rng.normal(size=n) * (1 + 0.5 * ai) + 0.3 * ai,
        "ai": ai,
        "size": [("10-19", "20-49", "50+")[i] for i in rng.choice(3, n, p=[0.2, 0.5, 0.3])],
        "w": rng.uniform(0.5, 3, n),
    }
    return selection({**columns, **more})


def compare(rows: Selection, **keys: Any) -> Estimates:
    options = distribution.Options(**({"outcome": "y", "by": "ai"} | keys))
    return distribution.fit("m", options, rows, None, seed=1)


def term(found: Estimates, name: str, of: str = "coefficients") -> float:
    return float(getattr(found, of)[found.terms.index(name)])


@pytest.mark.parametrize("weighted", [False, True])
def test_quantiles_are_those_of_statsmodels(weighted: bool) -> None:
    rng = np.random.default_rng(3)
    for n in (1, 2, 7, 40, 101):
        values, weights = np.sort(rng.normal(size=n).round(1)), rng.uniform(0.5, 3, n) if weighted else np.ones(n)
        shares = np.array([0.025, 0.1, 0.25, 0.5, 0.6, 0.9])
        theirs = DescrStatsW(values, weights).quantile(shares, return_pandas=False)
        # The mean of the same two values.
        np.testing.assert_allclose(quantiles(values, weights, shares), theirs, rtol=1e-14)
        hyndman = np.quantile(values, shares, method="averaged_inverted_cdf")
        if not weighted:
            np.testing.assert_allclose(quantiles(values, weights, shares), hyndman, rtol=1e-14)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 3)), min_size=1, max_size=30), st.floats(0.02, 0.98))
def test_a_weight_is_a_number_of_rows(pairs: list[tuple[int, int]], share: float) -> None:
    values = np.sort(np.array([float(value) for value, _ in pairs]))
    counts = np.array([count for _, count in pairs])
    if not counts.sum():
        return
    many = np.repeat(values, counts)
    at = np.array([share])
    found = quantiles(values, counts.astype(float), at)
    assert found == quantiles(many, np.ones(len(many)), at)
    # No weight's unit matters, and turning the values round turns the quantile round.
    assert quantiles(values, counts / 7.0, at) == pytest.approx(found, abs=1e-12)
    turned = quantiles(-many[::-1], np.ones(len(many)), 1 - at)
    assert turned == pytest.approx(-found, abs=1e-12)
    assert share_below(values, counts.astype(float), found)[0] >= share - 1e-9


def test_firms_beside_a_quantile_are_counted_once() -> None:
    values, firm = np.array([1.0, 1.0, 2.0, 3.0, 3.0]), np.array([0, 0, 1, 1, 2])
    assert [firms_beside(values, firm, at) for at in (1.0, 2.0, 3.0, 0.5)] == [1, 2, 2, 0]


def test_gaps_are_differences_of_quantiles_and_means() -> None:
    rows = firms()
    found = compare(rows, weights="w")
    y, ai, w = (rows.number(name) for name in ("y", "ai", "w"))
    sides = [DescrStatsW(y[ai == one], w[ai == one]) for one in (0, 1)]
    gaps = sides[1].quantile(SHARES, return_pandas=False) - sides[0].quantile(SHARES, return_pandas=False)
    np.testing.assert_allclose(found.coefficients[:-1], gaps, rtol=1e-12)
    assert term(found, "mean") == pytest.approx(sides[1].mean - sides[0].mean, rel=1e-12)
    assert found.terms == ("gap[0.1]", "gap[0.25]", "gap[0.5]", "gap[0.75]", "gap[0.9]", "mean")
    assert found.reference == {"ai": "0"}
    # The mean gap is that of a regression on the indicator, with its clustered error.
    x = np.column_stack([np.ones(len(y)), ai])
    bread = np.linalg.inv((x * w[:, None]).T @ x)
    score = (x * (w * (y - x @ (bread @ x.T @ (w * y))))[:, None]) @ bread
    n = len(y)
    error = np.sqrt(n / (n - 1) * (score.T @ score)[1, 1])
    assert term(found, "mean", "std_errors") == pytest.approx(error, rel=1e-10)


def test_kolmogorov_and_smirnov_are_scipys() -> None:
    for n in (300, 2600):
        rows = firms(n)
        found = compare(rows)
        y, ai = rows.number("y"), rows.number("ai")
        for key, side in (("ks", "two-sided"), ("first_order", "greater"), ("first_order_reverse", "less")):
            theirs = stats.ks_2samp(y[ai == 1], y[ai == 0], alternative=side, method="exact" if n < 1000 else "asymp")
            assert found.stats[key] == pytest.approx(theirs.statistic, abs=1e-14)
            assert found.stats[f"{key}_p_value"] == pytest.approx(theirs.pvalue, rel=1e-12)
        assert ("exact" in found.notes[0]) == (n < 1000)
        assert ("asymptotic" in found.notes[0]) == (n > 1000)


def test_distances_by_brute_force() -> None:
    rng = np.random.default_rng(2)
    y, w = rng.normal(size=60).round(1), rng.uniform(0.5, 2, 60)
    group = rng.random(60) < 0.5
    mass = np.where(group, w / w[group].sum(), -w / w[~group].sum())
    order = np.argsort(y)
    found = distances(y[order], mass[order])
    grid = np.unique(y)
    path = np.array([mass[y <= at].sum() for at in grid])
    area = np.array([(path[:k] * np.diff(grid[: k + 1])).sum() for k in range(len(grid))])
    wanted = [abs(path).max(), path.max(), -path.min(), max(area.max(), 0), max(-area.min(), 0)]
    np.testing.assert_allclose(found, wanted, atol=1e-14)


def test_multipliers_agree_with_the_asymptotic_p_values() -> None:
    """Weights that are all one leave the tests as they are, and take them by multipliers."""
    rows = firms(1500, seed=5, y=np.random.default_rng(8).normal(size=1500), one=np.ones(1500))
    plain, drawn = compare(rows), compare(rows, weights="one", draws=2000)
    for key in ("ks", "first_order", "first_order_reverse"):
        assert drawn.stats[key] == pytest.approx(plain.stats[key], abs=1e-12)
        p = float(plain.stats[f"{key}_p_value"] or 0)
        # Four standard deviations of a share of 2,000 draws, and what the asymptotic formula is off at 1,500 firms.
        assert drawn.stats[f"{key}_p_value"] == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 2000) + 0.025)


def test_the_influence_is_what_a_firm_moves() -> None:
    """Means by moving counts; of quantiles the sum of influences is zero and their size that of the density."""
    rows = firms(seed=4)
    question = Question("m", "y", "ai", None, "w", SHARES, (("firm",),), False, 99, 1)
    design = redrawable(question, rows, None)
    n = rows.rows.size
    psi = design.influence()
    np.testing.assert_allclose(psi.sum(axis=0), 0.0, atol=1e-12)
    counts = np.repeat(np.ones((1, n)), 40, axis=0)
    counts[np.arange(40), np.arange(40)] += 1e-5
    moved = (design.draw(counts).coefficients[:, -1] - design.values[-1]) / 1e-5
    np.testing.assert_allclose(moved, psi[:40, -1], atol=1e-4 * np.abs(psi[:, -1]).max())


def test_identical_groups_and_a_shift() -> None:
    values = np.random.default_rng(1).normal(size=200)
    ai = [0.0] * 200 + [1.0] * 200
    same = compare(selection({"y": np.concatenate([values, values]), "ai": ai}))
    np.testing.assert_allclose(same.coefficients, 0.0, atol=1e-14)
    assert (same.stats["ks"], same.stats["ks_p_value"], same.stats["dominance"]) == (0.0, 1.0, 0)
    assert (same.p_values > 0.99).all()
    moved = compare(selection({"y": np.concatenate([values, values + 0.5]), "ai": ai}))
    np.testing.assert_allclose(moved.coefficients, 0.5, rtol=1e-12)
    assert moved.stats["first_order"] == 0.0
    assert moved.stats["first_order_p_value"] == 1.0
    assert moved.stats["dominance"] == 1
    back = compare(selection({"y": np.concatenate([values, values + 0.5]), "ai": ai}), reference={"ai": 1})
    np.testing.assert_allclose(back.coefficients, -0.5, rtol=1e-12)
    assert back.stats["dominance"] == -1
    # As high on average, and less spread out: better at second order alone.
    calm = compare(selection({"y": np.concatenate([values, values * 0.3]), "ai": ai}))
    assert calm.stats["dominance"] == 2
    assert calm.stats["first_order_p_value"] < 0.05  # type: ignore[operator]


def test_two_constants_have_a_gap_and_no_error() -> None:
    found = compare(selection({"y": [1.0] * 20 + [3.0] * 20, "ai": [0.0] * 20 + [1.0] * 20}))
    np.testing.assert_array_equal(found.coefficients, 2.0)
    assert np.isnan(found.std_errors).all()
    assert np.isnan(found.p_values).all()
    assert found.stats["ks"] == pytest.approx(1.0, abs=1e-12)
    assert found.stats["dominance"] == 1


def test_a_group_of_one_firm_has_neither_errors_nor_tests() -> None:
    rows = firms(90, size=["10-19"] + ["20-49"] * 50 + ["50+"] * 39)
    found = compare(rows, by="size")
    lone = [name for name, error in zip(found.terms, found.std_errors, strict=True) if np.isnan(error)]
    assert lone == [name for name in found.terms if "10-19" in name]
    assert found.stats["ks_p_value[10-19]"] is None
    assert found.stats["dominance[10-19]"] is None
    assert found.stats["ks_p_value[50+]"] is not None
    assert "one firm is all of 10-19: no error, and no test of what rests on it" in found.notes


def test_verdicts() -> None:
    def said(ks: float, *p_values: float) -> int:
        names = ("ks", "first_order", "first_order_reverse", "second_order", "second_order_reverse")
        return verdict(dict(zip(names, (ks, *p_values), strict=True)))

    assert said(0.01, 0.6, 0.01, 0.7, 0.01) == 1
    assert said(0.01, 0.01, 0.6, 0.01, 0.7) == -1
    assert said(0.01, 0.01, 0.01, 0.7, 0.01) == 2
    assert said(0.2, 0.6, 0.04, 0.7, 0.4) == 0
    assert said(0.01, 0.01, 0.01, 0.2, 0.3) == 0


def test_p_values_count_the_sample_itself() -> None:
    drawn = np.array([[1.0] * 5, [2.0] * 5, [3.0] * 5, [np.nan] * 5])
    np.testing.assert_allclose(shares_beyond(np.full(5, 2.0), drawn), 3 / 4)
    assert np.isnan(shares_beyond(np.full(5, 2.0), drawn[3:])).all()


def test_several_groups_are_each_set_against_the_base() -> None:
    rows = firms(900, seed=3)
    found = compare(rows, by="size")
    assert found.reference == {"size": "20-49"}  # the most frequent
    assert found.terms[0] == "gap[0.1,10-19]"
    assert found.terms[-1] == "mean[50+]"
    codes = rows.columns["size"].codes  # type: ignore[union-attr]
    two = compare(rows.take(np.isin(codes, [1, 2])), by="size")
    assert two.reference == {"size": "20-49"}
    np.testing.assert_allclose(two.coefficients, found.coefficients[6:], rtol=1e-14)
    # Groups have no firm in common: the clusters' factor alone tells how many there are.
    g, h = (one.errors.clusters["firm"] for one in (two, found))
    ratio = np.sqrt(g / (g - 1) * (h - 1) / h)
    np.testing.assert_allclose(two.std_errors, found.std_errors[6:] * ratio, rtol=1e-12)
    assert found.stats["ks[50+]"] == two.stats["ks"]
    assert sum(found.stats[f"n_firms[{level}]"] for level in ("10-19", "20-49", "50+")) == 900  # type: ignore[misc]
    assert compare(rows, by="size", reference={"size": "50+"}).terms[0] == "gap[0.1,10-19]"


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-50, 50))
def test_units_order_and_names_do_not_matter(seed: int, scale: float, shift: float) -> None:
    rows = firms(150, seed=7)
    y, ai, w = (rows.number(name) for name in ("y", "ai", "w"))
    order = np.random.default_rng(seed).permutation(150)
    other = selection({"y": (scale * y + shift)[order], "ai": ai[order], "w": 5 * w[order]})
    first, second = compare(rows, weights="w", draws=99), compare(other, weights="w", draws=99)
    # Far from zero the outcome keeps fewer of its digits.
    close = 1e-9 * (1 + abs(shift) / scale)
    np.testing.assert_allclose(second.coefficients, scale * first.coefficients, rtol=close, atol=close * scale)
    np.testing.assert_allclose(second.std_errors, scale * first.std_errors, rtol=max(close, 1e-9) * 100)
    assert second.stats["ks"] == pytest.approx(first.stats["ks"], abs=1e-9)


def test_duplicated_firms_in_clusters_are_one_firm() -> None:
    """Every row twice within its firm: the same gaps, and the same errors but for the bandwidth's n."""
    rows = firms(300, seed=9)
    twice = selection(
        {name: np.repeat(rows.number(name), 2) for name in ("y", "ai", "w")},
        np.repeat(np.arange(300), 2), np.tile([2022, 2023], 300),
    )  # fmt: skip
    one, two = compare(rows), compare(twice)
    np.testing.assert_allclose(one.coefficients, two.coefficients, rtol=1e-12)
    assert term(one, "mean", "std_errors") == pytest.approx(term(two, "mean", "std_errors"), rel=1e-12)
    np.testing.assert_allclose(one.std_errors, two.std_errors, rtol=0.15)
    # Twice the rows are not twice the firms: multipliers by firm see that, a formula for rows would not.
    assert two.stats["ks"] == pytest.approx(one.stats["ks"], abs=1e-12)
    naive = stats.ks_2samp(*(twice.number("y")[twice.number("ai") == side] for side in (1, 0))).pvalue
    p_one, p_two = float(one.stats["ks_p_value"] or 0), float(two.stats["ks_p_value"] or 0)
    assert abs(p_two - p_one) < abs(naive - p_one)
    np.testing.assert_array_equal(one.n_firms_term, two.n_firms_term)


def test_intervals_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    hits, draws = np.zeros(6), 200
    truth = np.append(0.3 + 0.5 * stats.norm.ppf(SHARES), 0.3)
    question = Question("m", "y", "ai", None, None, SHARES, (("firm",),), False, 99, 1)
    for _ in range(draws):
        # Firms with two rows that go together, unequal spreads: the median of 250 firms beside 120.
        ai = np.repeat((np.arange(370) < 120).astype(float), 2)
        noise = np.repeat(rng.normal(size=370), 2) * 0.8 + rng.normal(size=740) * 0.6
        rows = selection({"y": noise * (1 + 0.5 * ai) + 0.3 * ai, "ai": ai}, np.repeat(np.arange(370), 2),
                         np.tile([2022, 2023], 370))  # fmt: skip
        design = redrawable(question, rows, None)
        covariance = clustered(design.influence(), (Clusters("firm", rows.firm, 370),), 740, 1)
        hits += np.abs(design.values - truth) <= 1.966 * np.sqrt(np.diag(covariance.matrix))
    # 95 per cent within three and a half standard deviations of a share of 200.
    assert np.abs(hits / draws - 0.95).max() < 0.055, hits / draws


def test_tests_of_equal_distributions_reject_as_often_as_they_say() -> None:
    rng, rejected = np.random.default_rng(2), np.zeros(3)
    for number in range(120):
        ai = np.repeat((np.arange(120) < 50).astype(float), 2)
        noise = np.repeat(rng.normal(size=120), 2) + 0.5 * rng.normal(size=240)
        rows = selection({"y": noise, "ai": ai}, np.repeat(np.arange(120), 2), np.tile([2022, 2023], 120))
        options = distribution.Options(outcome="y", by="ai", draws=199)
        found = distribution.fit("m", options, rows, None, seed=number).stats
        rejected += [float(found[f"{key}_p_value"] or 0) < 0.1 for key in ("ks", "first_order", "second_order")]
    # 10 per cent within three and a half standard deviations of a share of 120.
    assert np.abs(rejected / 120 - 0.1).max() < 0.097, rejected / 120


def test_rows_that_lack_something_are_counted() -> None:
    rows = firms(60)
    y, ai, w = (rows.number(name).copy() for name in ("y", "ai", "w"))
    y[:3], ai[2:6], w[10:12] = np.nan, np.nan, 0.0
    found = compare(selection({"y": y, "ai": ai, "w": w}), weights="w")
    assert found.dropped == {"y is missing": 3, "ai is missing": 3, "w is zero": 2}
    assert found.n_obs == 52
    assert found.rows_in == 60


def test_what_cannot_be_compared() -> None:
    rows = firms(60)
    with pytest.raises(EstimationError, match="all rows that have y have ai 1: there is no other group"):
        compare(rows.take(rows.number("ai") == 1))
    with pytest.raises(EstimationError, match="reference: size has no level 20-40 in these rows; did you mean"):
        compare(rows, by="size", reference={"size": "20-40"})
    with pytest.raises(EstimationError, match="the weight w is negative in 1 row"):
        compare(selection({"y": [1.0, 2.0], "ai": [0.0, 1.0], "w": [1.0, -1.0]}), weights="w")
    with pytest.raises(EstimationError, match="no row is left: y is missing in 60 rows"):
        compare(firms(60, y=np.full(60, np.nan)))
    with pytest.raises(EstimationError, match="ai has 60 levels here, and 30 are the most"):
        compare(firms(60, ai=np.arange(60.0)))
    with pytest.raises(EstimationError, match="the outcome size must be a number, and it is text"):
        compare(rows, outcome="size")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"by": "y"}, "is the outcome"),
        ({"quantiles": [10]}, "10 is not between 0 and 1.*write 0.1"),
        ({"quantiles": [0.5, 0.5]}, "0.5 stands twice"),
        ({"quantiles": []}, "no quantile"),
        ({"errors": "HC1"}, "takes rows for independent"),
        ({"errors": {"cluster": ["firm", "nace"]}}, "two ways of clustering"),
        ({"errors": {"cluster": ["year"]}}, "cut through firms"),
        ({"reference": {"aj": 1}}, "is not the column of by.*write {ai"),
        ({"tfp_uncertainty": "include"}, "a closed form cannot include it"),
        ({"errors": {"bootstrap": {}}, "draws": 199}, "draws beside a bootstrap"),
        ({"draws": 10}, "10 draws"),
        ({"weights": "ai"}, "is the column of groups"),
    ],
)
def test_mistakes(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){words}"):
        distribution.Options(**({"outcome": "y", "by": "ai"} | keys))


def test_an_estimated_outcome_is_taken_as_data_and_said() -> None:
    rows = firms(200)
    influence: FloatArray = np.random.default_rng(1).normal(size=(200, 1))
    fit = productivity(rows.number("y"), np.ones((200, 1)), [group_fit(np.arange(200), influence)])
    options = distribution.Options(outcome="y", by="ai")
    found = distribution.fit("m", options, rows, fit)
    assert found.errors.tfp_uncertainty == "ignore"
    assert "bootstrap" in found.notes[-1]
    # Estimated, it has no exact p-values: multipliers by firm.
    assert "draws of multipliers by firm" in found.notes[0]
    np.testing.assert_array_equal(found.std_errors, compare(rows).std_errors)
    again = distribution.fit("m", options, rows, fit, seed=1)
    assert found.stats == again.stats
    assert distribution.fit("m", options, rows, fit, seed=2).stats != again.stats


def test_a_tied_outcome_is_named() -> None:
    rows = firms(200, y=np.random.default_rng(1).integers(0, 4, 200).astype(float))
    assert any("many rows of 0, 1 share one value" in note for note in compare(rows).notes)
    assert Errors("cluster", (("firm",),)) == distribution.Options(outcome="y", by="ai").errors
