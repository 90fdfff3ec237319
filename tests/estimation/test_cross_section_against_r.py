"""OLS and WLS under every covariance against R's fixest and sandwich, and against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS, WLS

from estimation.design_matrix import design_matrix
from estimation.designs.cross_section import Options, fit
from estimation.results import Estimates
from specs.formula import parse_formula
from specs.uncertainty import Errors
from tests.estimation.rows import reference_numbers, reference_panel

# R prints its numbers with 15 digits; both sides solve by QR on well-scaled columns.
CLOSE = 1e-9

FORMULA = "ln_tfp ~ ai + size + nace"
BASE = {"size": "10-19", "nace": "C"}


def estimate(
    errors: Errors, *, year: int | None = 2023, formula: str = FORMULA, weights: str | None = None
) -> Estimates:
    options = Options(
        design="cross_section", formula=parse_formula(formula), errors=errors, weights=weights,
        reference={name: level for name, level in BASE.items() if name in formula},
    )  # fmt: skip
    return fit("m", options, reference_panel(year), None)


def clusters(*ways: tuple[str, ...]) -> Errors:
    return Errors(kind="cluster", cluster=ways)


def r_name(term: str) -> str:
    """R's name of a term."""
    if term == "constant":
        return "(Intercept)"
    return term.replace("size[", "size_class::").replace("nace[", "nace::").rstrip("]")


def compare(ours: Estimates, theirs: dict[str, object]) -> None:
    for kind, values in (("coef", ours.coefficients), ("se", ours.std_errors), ("p", ours.p_values)):
        expected = theirs[kind]
        assert isinstance(expected, dict)
        assert set(expected) == {r_name(term) for term in ours.terms}
        for term, value in zip(ours.terms, values, strict=True):
            # Clustered by nace, the scores of a section's own indicator add up to zero within it: what is
            # left is small and R's last digits go (ours stand in extended precision, below). Their
            # p-values magnify that.
            degenerate = "nace" in ours.errors.clusters and term.startswith("nace")
            close = {"coef": CLOSE, "se": 1e-8, "p": 1e-7}[kind] if degenerate else CLOSE
            assert value == pytest.approx(expected[r_name(term)], rel=close, abs=1e-12 if kind == "coef" else 0)
    assert ours.n_obs == theirs["nobs"]
    assert ours.errors.df == theirs["df_t"]
    assert ours.stats["r2"] == pytest.approx(theirs["r2"], rel=CLOSE)
    assert ours.stats["adj_r2"] == pytest.approx(theirs["ar2"], rel=CLOSE)


@pytest.mark.parametrize(
    ("errors", "name"),
    [
        (Errors(kind="classical"), "iid"),
        (Errors(kind="HC0"), "HC0"),
        (Errors(kind="HC1"), "HC1"),
        (Errors(kind="HC2"), "HC2"),
        (Errors(kind="HC3"), "HC3"),
        (clusters(("nace",)), "cl_nace"),
        (clusters(("nace",), ("size",)), "cl_nace_size"),
        (clusters(("nace", "size")), "cl_cellnace_size"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_eight_covariances_as_fixest(errors: Errors, name: str) -> None:
    compare(estimate(errors), reference_numbers()["fixest"][f"xs2023_ols_{name}"])


@pytest.mark.parametrize(("errors", "name"), [("classical", "iid"), ("HC1", "HC1")])
def test_weighted_as_fixest(errors: str, name: str) -> None:
    ours = estimate(Errors(errors), weights="weight")
    compare(ours, reference_numbers()["fixest"][f"xs2023_wls_{name}"])
    assert ours.weights == "weight"


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
@pytest.mark.parametrize("weights", [None, "weight"])
def test_robust_as_sandwich(kind: str, weights: str | None) -> None:
    ours = estimate(Errors(kind), weights=weights)
    expected = reference_numbers()["sandwich_ai_coefficient_se_2023"][f"{'wls' if weights else 'ols'}_{kind}"]
    assert ours.std_errors[ours.terms.index("ai")] == pytest.approx(expected, rel=CLOSE)


def test_weighted_hc3_is_not_fixests() -> None:
    # fixest leaves the weight out of the leverage: its HC3 then depends on the scale of the weights.
    ours = estimate(Errors(kind="HC3"), weights="weight")
    fixest = reference_numbers()["fixest"]["xs2023_wls_HC3"]["se"]["ai"]
    assert abs(ours.std_errors[1] / fixest - 1) > 1e-3


def test_two_way_keeps_the_raw_variance() -> None:
    ours = estimate(clusters(("nace",), ("size",)))
    assert ours.errors.raw["ai"] ** 0.5 == pytest.approx(0.014591, abs=5e-7)  # printed with six decimals
    assert ours.errors.clusters == {"nace": 8, "size": 4}
    assert ours.errors.small_sample == "Gmin/(Gmin-1) x (N-1)/(N-K)"
    assert any("not positive semidefinite" in note for note in ours.notes)
    assert any("only 4 clusters of size" in note for note in ours.notes)
    assert np.linalg.eigvalsh(ours.covariance)[0] > -1e-18


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="no extended precision on this machine")
def test_degenerate_clusters_in_extended_precision() -> None:
    design = design_matrix(parse_formula(FORMULA), reference_panel(2023), reference=BASE, clusters=(("nace",),))
    x, y = design.x.astype(np.longdouble), design.y.astype(np.longdouble)
    bread = np.linalg.inv(design.x.T @ design.x).astype(np.longdouble)
    for _ in range(3):  # Newton's iteration for an inverse squares its error each time
        bread = bread @ (2 * np.eye(len(bread)) - (x.T @ x) @ bread)
    psi = (x @ bread) * (y - x @ (bread @ (x.T @ y)))[:, None]
    sums = np.array([psi[design.clusters[0].codes == code].sum(axis=0) for code in range(8)])
    n, k = x.shape
    std_errors = np.sqrt(np.diag(sums.T @ sums) * 8 / 7 * (n - 1) / (n - k))
    ours = estimate(clusters(("nace",)))
    assert ours.std_errors == pytest.approx(std_errors.astype(float), rel=1e-11)


def test_pooled_by_firm_as_fixest() -> None:
    expected = reference_numbers()["fixest"]["pooled_cl_firm"]
    ours = estimate(clusters(("firm",)), year=None, formula=FORMULA + " + year")
    at = ours.terms.index("ai")
    assert ours.coefficients[at] == pytest.approx(expected["coef"]["ai"], rel=CLOSE)
    assert ours.std_errors[at] == pytest.approx(expected["se"]["ai"], rel=CLOSE)
    assert ours.p_values[at] == pytest.approx(expected["p"]["ai"], rel=1e-8)  # p of 1e-19 magnifies t's last digits
    assert ours.n_firms == 2999
    assert not ours.errors.raw


def test_pooled_two_way_as_fixest() -> None:
    # fixest absorbs year and, year being a cluster, does not count its 6 indicators in K; here they are
    # terms.
    expected = reference_numbers()["fixest"]["pooled_cl_firm_twoway"]
    ours = estimate(clusters(("firm",), ("year",)), year=None, formula=FORMULA + " + year")
    n = ours.n_obs
    se = expected["se"]["ai"] * np.sqrt((n - 12) / (n - 18))
    # It repairs the 1 x 1 matrix of ai, which needs none; with 18 terms one is negative elsewhere. So:
    # before repair. 1e-8: fixest demeans by iterations that end at a tolerance of their own.
    assert ours.errors.raw["ai"] ** 0.5 == pytest.approx(se, rel=1e-8)
    assert ours.errors.df == 6


def test_slopes_by_size_as_fixest() -> None:
    expected = reference_numbers()["fixest"]["pooled_inter"]
    ours = estimate(clusters(("firm",)), year=None, formula="ln_tfp ~ size:ai + size + nace + year")
    for level in ("10-19", "20-49", "50-249", "250+"):
        at = ours.terms.index(f"size[{level}]:ai")
        assert ours.coefficients[at] == pytest.approx(expected["coef"][f"size_class::{level}:ai"], rel=CLOSE)
        # 1e-8: fixest demeans by iterations that end at a tolerance of their own.
        assert ours.std_errors[at] == pytest.approx(expected["se"][f"size_class::{level}:ai"], rel=1e-8)


@pytest.mark.parametrize("weights", [None, "weight"])
def test_covariance_matrices_as_statsmodels(weights: str | None) -> None:
    rows = reference_panel(2023)
    design = design_matrix(parse_formula(FORMULA), rows, weights=weights)
    model = OLS(design.y, design.x) if weights is None else WLS(design.y, design.x, weights=design.weights)
    for kind in ("HC0", "HC1", "HC2", "HC3"):
        ours = estimate(Errors(kind), weights=weights)
        # Other base levels, other columns: only the rows and columns of shared terms are set side by side.
        shared = [(ours.terms.index(term), design.terms.index(term)) for term in ("ai",)]
        theirs = model.fit(cov_type=kind)
        for here, there in shared:
            assert ours.covariance[here, here] == pytest.approx(theirs.cov_params()[there, there], rel=CLOSE)
    ours = estimate(clusters(("nace",)), weights=weights)
    theirs = model.fit(cov_type="cluster", cov_kwds={"groups": rows.columns["nace"].codes})
    assert ours.std_errors[1] == pytest.approx(theirs.bse[1], rel=CLOSE)
