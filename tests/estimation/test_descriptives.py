"""Descriptive statistics against statsmodels, SciPy and another package's Rao-Scott test; special cases, invariance."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats
from statsmodels.stats.oneway import anova_oneway
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from estimation.described import Described
from estimation.designs import descriptives
from estimation.equality import pearson, rao_scott, wald
from estimation.results import Estimates
from panels.frame import Selection
from specs.errors import EstimationError
from tests.estimation.rows import REFERENCE, selection


def firms(n: int = 300, seed: int = 1, **more: Any) -> Selection:
    rng = np.random.default_rng(seed)
    ai = (rng.random(n) < 0.4).astype(float)
    columns = {
        "y": 10 + rng.normal(size=n) * (1 + ai) + 0.3 * ai,
        "z": rng.gamma(2, 3, n),
        "cc": (rng.random(n) < 0.3 + 0.3 * ai).astype(float),
        "nace": [("C", "G", "J")[i] for i in rng.choice(3, n)],
        "size": [("a", "b", "c", "d")[i] for i in rng.choice(4, n)],
        "ai": ai,
        "w": rng.uniform(0.5, 3, n),
    }
    return selection({**columns, **more})


def describe(rows: Selection, of: list[str], **keys: Any) -> Estimates:
    return descriptives.fit("d", descriptives.Options(of=of, **keys), rows, None)


def line(found: Estimates, term: str) -> dict[str, Any]:
    at = found.terms.index(term)
    return {
        "estimate": found.coefficients[at], "std_error": found.std_errors[at], "p_value": found.p_values[at],
        "low": found.conf_low[at], "high": found.conf_high[at], "n_firms": int(found.n_firms_term[at]),
        "what": found.described[at],
    }  # fmt: skip


def test_means_and_welch_are_those_of_statsmodels() -> None:
    rows = firms()
    found = describe(rows, ["y", "z"], by="ai")
    y, ai = rows.number("y"), rows.number("ai")
    sides = [DescrStatsW(y[ai == one]) for one in (0, 1)]
    for level, side in enumerate(sides):
        own = line(found, f"y[ai={level}]")
        what: Described = own["what"]
        assert own["estimate"] == pytest.approx(side.mean, rel=1e-13)
        assert own["std_error"] == pytest.approx(side.std_mean, rel=1e-12)
        assert what.sd == pytest.approx(np.std(y[ai == level], ddof=1), rel=1e-12)
        assert what.n_obs == own["n_firms"] == int((ai == level).sum())
        np.testing.assert_allclose((own["low"], own["high"]), side.tconfint_mean(), rtol=1e-10)
        quartiles = np.quantile(y[ai == level], [0.25, 0.5, 0.75], method="averaged_inverted_cdf")
        np.testing.assert_allclose(what.quartiles, quartiles, rtol=1e-14)
    both = CompareMeans(sides[1], sides[0])
    own = line(found, "difference[y]")
    statistic, p_value, _ = both.ttest_ind(usevar="unequal")
    assert own["estimate"] == pytest.approx(sides[1].mean - sides[0].mean, rel=1e-12)
    assert own["p_value"] == pytest.approx(p_value, rel=1e-9)
    np.testing.assert_allclose((own["low"], own["high"]), both.tconfint_diff(usevar="unequal"), rtol=1e-9)
    assert found.stats["statistic[y]"] == pytest.approx(statistic**2, rel=1e-10)
    assert found.stats["p_value[y]"] == pytest.approx(p_value, rel=1e-9)
    spread = np.sqrt((np.var(y[ai == 0], ddof=1) + np.var(y[ai == 1], ddof=1)) / 2)
    assert found.stats["standardised_difference[y]"] == pytest.approx(own["estimate"] / spread, rel=1e-12)
    assert own["what"].standardised == found.stats["standardised_difference[y]"]


def test_several_groups_are_welchs_analysis_of_variance() -> None:
    rows = firms()
    found = describe(rows, ["y"], by="size")
    codes = rows.columns["size"].codes  # type: ignore[union-attr]
    theirs = anova_oneway([rows.number("y")[codes == one] for one in range(4)], use_var="unequal")
    assert found.stats["statistic[y]"] == pytest.approx(theirs.statistic, rel=1e-10)
    assert found.stats["p_value[y]"] == pytest.approx(theirs.pvalue, rel=1e-9)
    assert not any(term.startswith("difference") for term in found.terms)


def test_weighted_means_are_those_of_statsmodels() -> None:
    rows = firms()
    found = describe(rows, ["y"], weights="w")
    y, w = rows.number("y"), rows.number("w")
    n = len(y)
    theirs = DescrStatsW(y, w * n / w.sum(), ddof=1)
    own = line(found, "y")
    assert own["estimate"] == pytest.approx(theirs.mean, rel=1e-13)
    assert own["what"].sd == pytest.approx(theirs.std, rel=1e-12)
    # A ratio of sums, linearised.
    z = w * (y - theirs.mean) / w.sum()
    assert own["std_error"] == pytest.approx(np.sqrt(n / (n - 1) * (z**2).sum()), rel=1e-12)


def test_clustered_errors_by_brute_force() -> None:
    rng = np.random.default_rng(2)
    firm = np.sort(rng.integers(0, 60, 200))
    year = np.array([2000 + int((firm[:at] == one).sum()) for at, one in enumerate(firm)])
    rows = selection({"y": rng.normal(size=200), "ai": (rng.random(200) < 0.5).astype(float)}, firm, year)
    found = describe(rows, ["y"], by="ai")
    y, ai = rows.number("y"), rows.number("ai")
    sums = []
    for one in (0, 1):
        own = y[ai == one]
        moves = np.array([(own - own.mean())[firm[ai == one] == code].sum() / len(own) for code in range(60)])
        g = np.unique(firm[ai == one]).size
        sums.append(np.sqrt(g / (g - 1)) * moves)
        assert line(found, f"y[ai={one}]")["std_error"] == pytest.approx(np.sqrt((sums[-1] ** 2).sum()), rel=1e-12)
    # Firms in both groups: their parts go together.
    error = np.sqrt(((sums[1] - sums[0]) ** 2).sum())
    own = line(found, "difference[y]")
    assert own["std_error"] == pytest.approx(error, rel=1e-12)
    assert own["p_value"] == pytest.approx(2 * stats.t.sf(abs(own["estimate"] / error), np.unique(firm).size - 1))
    assert found.stats["p_value[y]"] == pytest.approx(own["p_value"], rel=1e-9)
    assert "firms are in several groups" in found.notes[-1]


def test_shares_and_pearson() -> None:
    rows = firms()
    found = describe(rows, ["cc", "nace"], by="ai")
    cc, ai = rows.number("cc"), rows.number("ai")
    own = line(found, "cc[ai=1]")
    assert own["estimate"] == pytest.approx(cc[ai == 1].mean(), rel=1e-13)
    assert (own["what"].n_yes, own["what"].n_no) == (int(cc[ai == 1].sum()), int((1 - cc[ai == 1]).sum()))
    table = np.array([[((cc == k) & (ai == j)).sum() for j in (0, 1)] for k in (0, 1)])
    theirs = stats.chi2_contingency(table, correction=False)
    assert found.stats["statistic[cc]"] == pytest.approx(theirs.statistic, rel=1e-10)
    assert found.stats["p_value[cc]"] == pytest.approx(theirs.pvalue, rel=1e-9)
    codes = rows.columns["nace"].codes  # type: ignore[union-attr]
    table = np.array([[((codes == k) & (ai == j)).sum() for j in (0, 1)] for k in range(3)])
    assert found.stats["p_value[nace]"] == pytest.approx(stats.chi2_contingency(table).pvalue, rel=1e-9)
    shares = [line(found, f"nace[{level},ai=1]")["estimate"] for level in "CGJ"]
    assert sum(shares) == pytest.approx(1.0)


@pytest.mark.parametrize(("case", "weights"), [("weighted", "w"), ("unweighted", None)])
def test_rao_scott_is_that_of_another_package(case: str, weights: str | None) -> None:
    kept = json.loads((REFERENCE / "rao_scott.json").read_text(encoding="utf-8"))
    data = kept["data"]
    n = len(data["firm"])
    rows = selection(
        {"level": data["level"], "ai": [float(one) for one in data["ai"]], "w": data["weight"]},
        data["firm"], list(range(n)),
    )  # fmt: skip
    found = describe(rows, ["level"], by="ai", weights=weights)
    # 13 digits: both solve the same small systems.
    assert found.stats["statistic[level]"] == pytest.approx(kept[case]["statistic"], rel=1e-11)
    assert found.stats["p_value[level]"] == pytest.approx(kept[case]["p_value"], rel=1e-10)


def test_rao_scott_of_rows_that_stand_twice() -> None:
    """Every row twice in its cluster: a design effect of two, and Pearson's statistic of the rows once."""
    counts = np.array([[30.0, 10.0], [20.0, 25.0], [15.0, 20.0]])
    n = int(counts.sum())
    share = counts / n
    alone = (np.diag(share.ravel()) - np.outer(share.ravel(), share.ravel())) / n
    found, once = rao_scott(share, alone, 2 * n, n), pearson(counts)
    assert found is not None
    assert once is not None
    assert found.statistic == pytest.approx(once.statistic / once.df, rel=1e-10)
    assert found.df == pytest.approx(2.0)
    assert found.df2 == pytest.approx(2.0 * (n - 1))


def test_the_joint_test_of_one_column_is_its_own() -> None:
    rows = firms()
    found = describe(rows, ["y"], by="ai")
    own = line(found, "difference[y]")
    f = float(found.stats["joint_f"] or 0)
    # One difference: Wald's statistic is t squared, with G - 1 for Welch's degrees of freedom.
    assert f == pytest.approx((own["estimate"] / own["std_error"]) ** 2, rel=1e-10)
    assert (found.stats["joint_df"], found.stats["joint_df2"]) == (1.0, 299.0)
    many = describe(rows, ["y", "z", "cc", "nace"], by="ai")
    assert many.stats["joint_df"] == 5.0  # one level of nace follows from the others
    twice = describe(firms(y2=2 * rows.number("y")), ["y", "y2"], by="ai")
    assert twice.stats["joint_df"] == 1.0
    assert twice.stats["joint_f"] == pytest.approx(f, rel=1e-8)


def test_wald_by_brute_force() -> None:
    rng = np.random.default_rng(1)
    moves = rng.normal(size=(50, 3))
    gaps, covariance = moves.sum(axis=0) / 20, moves.T @ moves / 50
    found = wald(gaps, covariance, 50)
    assert found is not None
    w = gaps @ np.linalg.solve(covariance, gaps)
    assert found.statistic == pytest.approx(w * 47 / (49 * 3), rel=1e-10)
    assert found.p_value == pytest.approx(stats.f.sf(found.statistic, 3, 47), rel=1e-10)
    assert wald(gaps, covariance, 3) is None
    assert wald(gaps, np.zeros((3, 3)), 50) is None


def test_tests_reject_as_often_as_they_say() -> None:
    rng, rejected = np.random.default_rng(5), np.zeros(3)
    for _ in range(200):
        firm = np.repeat(np.arange(80), 2)
        noise = np.repeat(rng.normal(size=80), 2)
        ai = np.repeat((np.arange(80) < 30).astype(float), 2)
        rows = selection(
            {"y": noise + rng.normal(size=160), "cc": (noise + rng.normal(size=160) > 0).astype(float), "ai": ai},
            firm, np.tile([2022, 2023], 80),
        )  # fmt: skip
        found = describe(rows, ["y", "cc"], by="ai").stats
        rejected += [float(found[key] or 0) < 0.1 for key in ("p_value[y]", "p_value[cc]", "joint_p_value")]
    # 10 per cent within three and a half standard deviations of a share of 200.
    assert np.abs(rejected / 200 - 0.1).max() < 0.075, rejected / 200


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-50, 50))
def test_units_and_order_do_not_matter(seed: int, scale: float, shift: float) -> None:
    rows = firms(120, seed=2)
    order = np.random.default_rng(seed).permutation(120)
    ai = rows.number("ai")[order]
    other = selection({"y": scale * rows.number("y")[order] + shift, "w": 9 * rows.number("w")[order], "ai": ai})
    first, second = (describe(one, ["y"], by="ai", weights="w") for one in (rows, other))
    # Far from zero a column keeps fewer of its digits.
    close = 1e-10 * (1 + abs(shift) / scale)
    np.testing.assert_allclose(second.coefficients[:3], scale * first.coefficients[:3] + shift, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(second.std_errors, scale * first.std_errors, rtol=close)
    for key in ("p_value[y]", "standardised_difference[y]", "joint_p_value"):
        assert second.stats[key] == pytest.approx(first.stats[key], rel=close * 1e4, abs=1e-10)


def test_constants_and_identical_groups() -> None:
    values = np.random.default_rng(1).normal(size=50)
    ai = [0.0] * 50 + [1.0] * 50
    rows = selection({"y": np.concatenate([values, values]), "k": [3.0] * 100, "one": [1.0] * 100, "ai": ai})
    found = describe(rows, ["y", "k", "one"], by="ai")
    assert found.stats["p_value[y]"] == pytest.approx(1.0)
    assert found.stats["standardised_difference[y]"] == pytest.approx(0.0, abs=1e-15)
    assert found.stats["p_value[k]"] is None
    assert found.stats["p_value[one]"] is None
    assert line(found, "k")["estimate"] == 3.0
    assert np.isnan(line(found, "k")["std_error"])
    assert any("no test of k, one" in note for note in found.notes)
    apart = describe(selection({"y": [1.0] * 50 + [2.0] * 50, "ai": ai}), ["y"], by="ai")
    assert np.isnan(line(apart, "difference[y]")["p_value"])
    assert apart.stats["standardised_difference[y]"] is None


def test_missing_values_are_counted_where_they_are() -> None:
    rows = firms(80)
    y, ai = rows.number("y").copy(), rows.number("ai").copy()
    y[:7], ai[5:9] = np.nan, np.nan
    found = describe(selection({"y": y, "z": rows.number("z"), "ai": ai}), ["y", "z"], by="ai")
    assert found.dropped == {"ai is missing": 4}
    assert line(found, "y")["what"].n_missing == 5
    assert line(found, "y")["what"].n_obs == 71
    assert line(found, "z")["what"].n_obs == 76
    assert "without a value: 5 rows (y)" in found.notes
    assert found.stats["n_firms[0]"] + found.stats["n_firms[1]"] == 76  # type: ignore[operator]
    # Nothing is missing: z is described as it would be alone.
    alone = describe(selection({"z": rows.number("z"), "ai": ai}), ["z"], by="ai")
    np.testing.assert_array_equal(alone.coefficients, found.coefficients[4:])


def test_a_column_without_a_value_in_a_group() -> None:
    rows = firms(80)
    y, ai = rows.number("y").copy(), rows.number("ai")
    y[ai == 1] = np.nan
    found = describe(selection({"y": y, "ai": ai}), ["y"], by="ai")
    own = line(found, "difference[y]")
    assert np.isnan([own["estimate"], own["std_error"], own["p_value"]]).all()
    assert found.stats["p_value[y]"] is None
    assert line(found, "y[ai=1]")["n_firms"] == 0


def test_without_groups_there_are_no_tests() -> None:
    found = describe(firms(), ["y", "cc"])
    assert found.terms == ("y", "cc")
    assert found.stats == {}
    assert np.isnan(found.p_values).all()


def test_what_cannot_be_described() -> None:
    rows = firms(70)
    with pytest.raises(EstimationError, match="all rows have ai 1"):
        describe(rows.take(rows.number("ai") == 1), ["y"], by="ai")
    with pytest.raises(EstimationError, match="y has no value in these rows"):
        describe(firms(70, y=np.full(70, np.nan)), ["y"])
    with pytest.raises(EstimationError, match="z has 70 levels here, and 30 are the most"):
        describe(rows, ["y"], by="z")
    with pytest.raises(EstimationError, match="name is text with 70 levels here"):
        describe(firms(70, name=[f"n{one}" for one in range(70)]), ["name"])
    with pytest.raises(EstimationError, match="all rows lie in one cluster of nace"):
        describe(firms(70, nace=["C"] * 70), ["y"], errors={"cluster": ["nace"]})


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"of": []}, "no column"),
        ({"of": ["y", "year"]}, "is a key of the panel"),
        ({"of": ["ai"], "by": "ai"}, "is described and the column of groups"),
        ({"of": ["y"], "by": "ai", "weights": "ai"}, "is weights and the column of groups"),
        ({"of": ["y"], "errors": "classical"}, "takes rows for independent"),
    ],
)
def test_mistakes(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){words}"):
        descriptives.Options(**keys)
