"""Two-stage least squares and its tests against linearmodels, whose small-sample factors differ where said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from linearmodels.iv import IV2SLS, IVGMM

from estimation.results import Estimates
from panels.frame import NumberColumn
from tests.estimation.iv_rows import estimate, firms, part

# Two ways to solve the same equations of 400 rows.
CLOSE = 1e-9

ONE = ("y ~ x + c", {"x": ("z1", "z2")}, ["x"], ["z1", "z2"])
TWO = ("y ~ x + v + c", {"x": ("z1", "z2"), "v": ("z3", "z1")}, ["x", "v"], ["z1", "z2", "z3"])
JUST = ("y ~ x + c", {"x": ("z2",)}, ["x"], ["z2"])


def data() -> pd.DataFrame:
    rows = firms()
    columns = {name: one.values for name, one in rows.columns.items() if isinstance(one, NumberColumn)}
    groups = rows.firm % 12
    return pd.DataFrame({**columns, "firm": rows.firm, "group": groups, "constant": 1.0})


def theirs(case: Any, weights: str | None, **kind: Any) -> Any:
    frame, (_, _, endogenous, instruments) = data(), case
    w = frame[weights] if weights else None
    model = IV2SLS(frame.y, frame[["constant", "c"]], frame[endogenous], frame[instruments], weights=w)
    return model.fit(**kind)


def ours(case: Any, errors: Any, weights: str | None) -> Estimates:
    return estimate(case[0], case[1], errors=errors, weights=weights)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("case", [ONE, TWO, JUST], ids=["one", "two", "just"])
@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ("classical", {"cov_type": "unadjusted", "debiased": True}),
        ("HC0", {"cov_type": "robust"}),
        ("HC1", {"cov_type": "robust", "debiased": True}),
        ({"cluster": ["firm"]}, {"cov_type": "clustered", "clusters": ["firm"]}),
        ({"cluster": ["firm", "group"]}, {"cov_type": "clustered", "clusters": ["firm", "group"]}),
    ],
)
def test_coefficients_and_errors(case: Any, errors: Any, kind: dict[str, Any], weights: str | None) -> None:
    frame, factor = data(), 1.0
    found = ours(case, errors, weights)
    if "clusters" in kind:
        ways = kind["clusters"]
        kind = {**kind, "clusters": frame[ways]}
        # linearmodels has no factor here unless asked for one; ours is G/(G-1) (N-1)/(N-K).
        fewest, n = min(frame[one].nunique() for one in ways), len(frame)
        factor = np.sqrt(fewest / (fewest - 1) * (n - 1) / (n - len(found.terms)))
    expected = theirs(case, weights, **kind)
    names = list(found.terms)
    assert found.coefficients == pytest.approx(expected.params[names].to_numpy(), rel=CLOSE)
    assert found.std_errors == pytest.approx(factor * expected.std_errors[names].to_numpy(), rel=CLOSE)
    if errors == "HC1":
        assert found.stats["r2"] == pytest.approx(expected.rsquared, rel=CLOSE)
        assert found.stats["adj_r2"] == pytest.approx(expected.rsquared_adj, rel=CLOSE)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("case", [ONE, TWO, JUST], ids=["one", "two", "just"])
def test_first_stages(case: Any, weights: str | None) -> None:
    for errors, kind in (("classical", {"cov_type": "unadjusted", "debiased": True}), ("HC0", {"cov_type": "robust"})):
        found = ours(case, errors, weights)
        first = theirs(case, weights, **kind).first_stage
        for term, one in found.stats["first_stage"].items():
            expected = first.diagnostics.loc[term]
            # Robust: theirs is a chi-square.
            wald = expected["f.stat"] / (one["df1"] if errors == "HC0" else 1)
            assert one["f"] == pytest.approx(wald, rel=CLOSE)
            assert one["partial_r2"] == pytest.approx(expected["partial.rsquared"], rel=CLOSE)
            stage, of = part(found, f"first_stage[{term}]"), first.individual[term]
            assert stage.coefficients == pytest.approx(of.params[list(stage.terms)].to_numpy(), abs=1e-10)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("case", [ONE, TWO], ids=["one", "two"])
def test_over_identification(case: Any, weights: str | None) -> None:
    frame = data()
    w = frame[weights] if weights else None
    sargan = ours(case, "classical", weights).stats["overidentification"]
    expected = theirs(case, weights, cov_type="unadjusted").sargan
    assert sargan["kind"] == "sargan"
    assert (sargan["statistic"], sargan["df1"]) == (pytest.approx(expected.stat, rel=1e-8), expected.df)
    assert sargan["p_value"] == pytest.approx(expected.pval, rel=1e-8)
    of = frame.y, frame[["constant", "c"]], frame[case[2]], frame[case[3]]
    for errors, kind in (("HC1", {}), ({"cluster": ["firm"]}, {"clusters": frame.firm})):
        found = ours(case, errors, weights).stats["overidentification"]
        gmm = IVGMM(*of, weights=w, weight_type="clustered" if kind else "robust", **kind).fit()
        assert found["kind"] == "hansen_j"
        assert found["statistic"] == pytest.approx(gmm.j_stat.stat, rel=1e-8)
        assert found["p_value"] == pytest.approx(gmm.j_stat.pval, rel=1e-8)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("case", [ONE, TWO, JUST], ids=["one", "two", "just"])
def test_endogeneity(case: Any, weights: str | None) -> None:
    found = ours(case, "classical", weights).stats["wu_hausman"]
    expected = theirs(case, weights, cov_type="unadjusted").wu_hausman()
    assert found["statistic"] == pytest.approx(expected.stat, rel=1e-8)
    assert (found["df1"], found["df2"]) == (expected.df, expected.df_denom)
    assert found["p_value"] == pytest.approx(expected.pval, rel=1e-7)


def test_anderson_rubin_at_zero() -> None:
    """The test of no effect, classical, is the F test of the reduced form's instruments."""
    found = ours(ONE, "classical", None).stats["anderson_rubin"]
    frame = data()
    model = IV2SLS(frame.y, frame[["constant", "c", "z1", "z2"]], None, None).fit(cov_type="unadjusted", debiased=True)
    expected = model.wald_test(formula=["z1 = 0", "z2 = 0"])
    # Theirs is a chi-square.
    assert found["statistic"] == pytest.approx(expected.stat / 2, rel=CLOSE)
    assert (found["df1"], found["df2"]) == (2, 396)
