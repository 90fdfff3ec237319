"""Differences in differences against R: did and DRDID, didimputation, fixest; and what each is in special cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from specs.uncertainty import Errors
from tests.estimation.did_reference import COVARIATES, EXACT, LOGIT, estimate, part, printed, same_as_did
from tests.estimation.rows import did_numbers, did_panel


@pytest.mark.parametrize("name", did_numbers()["did_balanced_subset"])
def test_as_did(name: str) -> None:
    """Every group-time effect, every average and the pre-test, under every setting."""
    same_as_did("did_balanced_subset", name, "balanced")


@pytest.mark.parametrize("adjustment", ["none", "reg", "dr"])
def test_pairs_of_years_as_drdid(adjustment: str) -> None:
    """The unbalanced panel, balanced within each cell's two years."""
    found = estimate(covariates=() if adjustment == "none" else COVARIATES,
                     adjustment="dr" if adjustment == "none" else adjustment)  # fmt: skip
    cells = printed(part(found, "callaway_santanna, cells"))
    key = "nocov" if adjustment == "none" else adjustment
    for one in did_numbers()["cs_pairwise_balanced"]:
        close = LOGIT if adjustment == "dr" else EXACT
        assert cells[f"att[{one['g']},{one['t']}]"] == pytest.approx((one[key], one[f"{key}_se"]), abs=close)


@pytest.mark.parametrize(
    ("estimator", "name", "keys"),
    [
        ("twfe", "twfe_cl", {}),
        ("twfe", "twfe_w_cl", {"weights": "weight"}),
        ("twfe", "twfe_cov_cl", {"covariates": ("size_idx", "age0"), "effects": ["nace^year"]}),
        ("event_study", "es_twfe", {}),
        ("sun_abraham", "sunab_dynamic", {}),
        ("sun_abraham", "sunab_w_dynamic", {"weights": "weight"}),
        ("sun_abraham", "sunab_att", {}),
        ("sun_abraham", "sunab_w_att", {"weights": "weight"}),
    ],
)
def test_as_fixest(estimator: str, name: str, keys: dict[str, Any]) -> None:
    expected = did_numbers()["fixest"][name]
    found = estimate(estimator=estimator, **keys)
    ours = {
        {"att[simple]": "ATT" if "att" in name else "ai"}.get(term, term[6:-1]): values
        for term, values in printed(found).items()
    }
    theirs = {
        term.split("::")[-1]: (expected["coef"][term], expected["se"][term])
        for term in expected["coef"]
        if ":size_idx" not in term and ":age0" not in term
    }
    for term, values in theirs.items():
        # fixest ends its iterations at 1e-6 of the outcome's spread where it has more than two effects.
        assert ours[term] == pytest.approx(values, abs=1e-9 if "cov" in name else EXACT), term
    if expected.get("df_t"):
        assert found.errors.df == expected["df_t"]


@pytest.mark.parametrize("cohort", [2021, 2023])
def test_one_cohort_beside_those_never_treated_as_fixest(cohort: int) -> None:
    """Their whole covariance matrix."""
    rows = did_panel()
    own = rows.number("cohort")
    found = estimate(rows.take(np.isnan(own) | (own == cohort)), estimator="event_study")
    expected = did_numbers()["fixest"][f"es_{cohort}cohort"]
    names = [f"year::{cohort + int(term[6:-1])}:tr" for term in found.terms if term.startswith("event")]
    at = [found.terms.index(term) for term in found.terms if term.startswith("event")]
    assert names == expected["vcov_names"]
    assert found.coefficients[at] == pytest.approx([expected["coef"][name] for name in names], abs=EXACT)
    assert found.covariance[np.ix_(at, at)] == pytest.approx(np.array(expected["vcov"]).reshape(len(at), -1), abs=1e-15)


def test_imputation_as_didimputation() -> None:
    """Its own number drops firms with one untreated row; keeping them, its point estimate is known to eight digits."""
    expected = did_numbers()
    kept = estimate(estimator="imputation")
    assert kept.coefficients[0] == pytest.approx(expected["bjs_keep_singletons"]["att"], abs=1e-8)
    assert kept.stats["n_treated"] == expected["bjs_keep_singletons"]["n_treated"]
    rows = did_panel()
    before = np.where(np.isnan(rows.number("cohort")), np.inf, rows.number("cohort")) > rows.year
    firms = np.flatnonzero(np.bincount(rows.firm[before], minlength=int(rows.firm.max()) + 1) > 1)
    several = rows.take(np.isin(rows.firm, firms))
    # R's first stage is fixest's, iterated to 1e-6 of the outcome's spread: 2e-9 in the estimate.
    static = expected["imputation"]["bjs_static"]
    assert printed(estimate(several, estimator="imputation"))["att[simple]"] == pytest.approx(
        (static["estimate"], static["se"]), abs=1e-8
    )
    weighted = printed(estimate(several, estimator="imputation", weights="weight"))["att[simple]"]
    right = expected["bjs_weighted"]
    assert weighted == pytest.approx((right["att"], right["se_correct"]), abs=1e-8)
    # didimputation 0.5.0 multiplies by the weight twice.
    assert abs(weighted[1] - right["se_didimputation_0.5.0"]) > 1e-4
    dynamic = expected["imputation"]["bjs_dynamic"]
    ours = printed(estimate(several, estimator="imputation"))
    for term, att, error in zip(dynamic["term"], dynamic["estimate"], dynamic["se"], strict=True):
        if int(term) >= 0:
            assert ours[f"event[{term}]"] == pytest.approx((att, error), abs=1e-8)
    covariates = expected["imputation"]["bjs_cov_static"]
    found = estimate(several, estimator="imputation", covariates=("size_idx", "age0"), effects=["nace^year"])
    assert printed(found)["att[simple]"] == pytest.approx((covariates["estimate"], covariates["se"]), abs=1e-7)
    by_sector = expected["imputation"]["bjs_cl_nace_static"]
    found = estimate(several, estimator="imputation", errors=Errors("cluster", (("nace",),)))
    assert printed(found)["att[simple]"] == pytest.approx((by_sector["estimate"], by_sector["se"]), abs=1e-8)
    assert found.errors.clusters == {"nace": 8}


def test_two_years_and_one_cohort_are_one_comparison() -> None:
    """Every estimator is the difference of mean changes."""
    rows = did_panel()
    rows = rows.take(np.isin(rows.year, (2020, 2021)))
    own = rows.number("cohort")
    rows = rows.take(np.isnan(own) | (own == 2021))
    both = np.bincount(rows.firm, minlength=int(rows.firm.max()) + 1)[rows.firm] == 2
    pairs = rows.take(both)
    y, adopts = pairs.number("ln_tfp").reshape(-1, 2), ~np.isnan(pairs.number("cohort").reshape(-1, 2)[:, 0])
    change = y[:, 1] - y[:, 0]
    expected = change[adopts].mean() - change[~adopts].mean()
    for name in ("callaway_santanna", "imputation", "sun_abraham", "stacked", "event_study", "twfe"):
        assert printed(estimate(rows, estimator=name))["att[simple]"][0] == pytest.approx(expected, abs=1e-13), name
    # Its error: two independent means, without a small-sample factor.
    spread = np.sqrt(change[adopts].var() / adopts.sum() + change[~adopts].var() / (~adopts).sum())
    assert printed(estimate(rows))["att[simple]"][1] == pytest.approx(spread, rel=1e-12)
    assert printed(estimate(rows, estimator="imputation"))["att[simple]"][1] == pytest.approx(spread, rel=1e-12)
