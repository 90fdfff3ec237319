"""Logit and probit against statsmodels and brute force; effects of columns through every term; separation by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, ndtr

from estimation.binary_response import LINKS, binary_response
from estimation.designs.cross_section import Options, fit
from estimation.results import Estimates, FloatArray
from panels.frame import Selection
from specs.uncertainty import Errors
from tests.estimation.rows import selection

FIRM = Errors("cluster", (("firm",),))
THEIRS = {"logit": sm.Logit, "probit": sm.Probit}
LOGS = {"logit": lambda index: -np.logaddexp(0, -index), "probit": lambda index: np.log(ndtr(index))}


def answers(seed: int = 3, n: int = 900) -> Selection:
    rng = np.random.default_rng(seed)
    firm = np.sort(rng.integers(0, n // 3, n))
    x, z, d = rng.normal(size=n), rng.normal(2, 1, n), (rng.random(n) < 0.4).astype(float)
    size = rng.integers(0, 3, n)
    index = 0.6 * x - 0.3 * z + 0.5 * d + 0.4 * (size == 1) - 0.5 * (size == 2) + 0.3 * rng.normal(size=n // 3)[firm]
    return selection(
        {
            "y": (index + rng.logistic(size=n) > 0).astype(float), "x": x, "z": z, "d": d, "w": rng.uniform(0.3, 2, n),
            "g": np.exp(z), "size": [("a", "b", "c")[one] for one in size],
        },
        firm, np.arange(n) % 5 + 2018,
    )  # fmt: skip


def estimate(method: str, formula: str, rows: Selection | None = None, **keys: Any) -> Estimates:
    options = Options.model_validate({"method": method, "formula": formula, **keys})
    return fit("m", options, rows if rows is not None else answers(), None)


def matrix(rows: Selection) -> FloatArray:
    size = rows.columns["size"].codes  # type: ignore[union-attr]
    n = len(size)
    return np.column_stack(
        [np.ones(n), rows.number("x"), rows.number("d"), size == 1, size == 2, rows.number("z")]
    ).astype(float)


PLAIN = "y ~ x + d + size + z"
BASE = {"reference": {"size": "a"}}


@pytest.mark.parametrize("method", ["logit", "probit"])
@pytest.mark.parametrize(
    ("errors", "theirs"),
    [
        (Errors("classical"), {}),
        (Errors("HC0"), {"cov_type": "HC0"}),
        (Errors("HC1"), {"cov_type": "HC1"}),
        (FIRM, {"cov_type": "cluster"}),
        (Errors("cluster", (("firm",), ("year",))), {"cov_type": "cluster"}),
    ],
    ids=lambda one: getattr(one, "kind", ""),
)
def test_as_statsmodels(method: str, errors: Errors, theirs: dict[str, Any]) -> None:
    rows = answers()
    groups = rows.firm if len(errors.cluster) < 2 else np.column_stack([rows.firm, rows.year])
    more = {"cov_kwds": {"groups": groups}} if theirs.get("cov_type") == "cluster" else {}
    expected = THEIRS[method](rows.number("y"), matrix(rows)).fit(disp=0, method="newton", tol=1e-13, **theirs, **more)
    found = estimate(method, PLAIN, rows, errors=errors, **BASE)
    (index,) = found.parts
    assert index.estimator == f"{method}, index"
    assert index.terms == ("constant", "x", "d", "size[b]", "size[c]", "z")
    # Newton's method to the last digits in both; theirs inverts the normal equations.
    assert index.coefficients == pytest.approx(expected.params, rel=1e-8)
    # HC0 and HC1 are one thing to statsmodels' maximum likelihood: without a factor.
    factor = 900 / 894 if errors.kind == "HC1" else 1.0
    if len(errors.cluster) == 2:
        # Theirs has a factor for each way, ours that of the fewer clusters, five years: their parts without any.
        assert index.errors.df == 4
        raw = {"use_correction": False}
        parts = [
            THEIRS[method](rows.number("y"), matrix(rows))
            .fit(disp=0, method="newton", tol=1e-13, cov_type="cluster", cov_kwds={"groups": one, **raw})
            .cov_params()
            for one in (rows.firm, rows.year, rows.firm * 10 + rows.year % 10)
        ]
        total = (parts[0] + parts[1] - parts[2]) * 5 / 4 * 899 / 894
        assert index.errors.raw == {}
        assert index.inference.std_errors**2 == pytest.approx(np.diag(total), rel=1e-6)
    else:
        assert index.inference.std_errors**2 == pytest.approx(np.diag(expected.cov_params()) * factor, rel=1e-7)
        effects = expected.get_margeff(at="overall", dummy=True)
        assert found.terms == ("x", "d", "size[b]", "size[c]", "z")
        ours = [0, 1, 4]  # their indicators of a level leave the other levels' as they are
        at = [0, 1, 4]
        assert found.coefficients[ours] == pytest.approx(effects.margeff[at], rel=1e-8)
        assert found.std_errors[ours] == pytest.approx(effects.margeff_se[at] * factor**0.5, rel=1e-6)
        assert (
            found.p_values[0] == pytest.approx(2 * ndtr(-abs(found.statistics[0])), rel=1e-9)
            or errors.kind == "cluster"
        )
    # Their constant alone is found by a search that ends early.
    assert found.stats["pseudo_r2"] == pytest.approx(expected.prsquared, rel=1e-7)
    assert found.stats["log_likelihood"] == pytest.approx(expected.llf, rel=1e-12)
    right = float(np.trace(expected.pred_table())) / 900
    assert found.stats["correctly_predicted"] == pytest.approx(right)
    assert found.stats["n_yes_firms"] == len(np.unique(rows.firm[rows.number("y") == 1]))


def by_hand(method: str, b: FloatArray, columns: Any, rows: Selection, w: FloatArray) -> dict[str, float]:
    """The effects by their definition: every column moved in turn, slopes by central differences."""
    share = {"logit": expit, "probit": ndtr}[method]
    values = {name: rows.number(name) for name in ("x", "d", "g", "z")}
    size = np.asarray(rows.columns["size"].codes)  # type: ignore[union-attr]
    mean = lambda change: float(np.average(share(columns(**change) @ b), weights=w))  # noqa: E731
    here: dict[str, Any] = {**values, "size": size}
    found = {}
    for name, own in values.items():
        low, high = (0 * own, 0 * own + 1) if name == "d" else (own - 1e-5, own + 1e-5)
        width = 1.0 if name == "d" else 2e-5
        found[name] = (mean({**here, name: high}) - mean({**here, name: low})) / width
    for level, label in ((1, "size[b]"), (2, "size[c]")):
        found[label] = mean({**here, "size": 0 * size + level}) - mean({**here, "size": 0 * size})
    return found


def rich(x: Any, d: Any, g: Any, z: Any, size: Any) -> FloatArray:
    b, c = size == 1, size == 2
    return np.column_stack([x**0, x, x**2, d, b, c, d * b, d * c, x * z, x * b, x * c, np.log(g), z]).astype(float)


RICH = "y ~ x + (x)^2 + d*size + x:z + x:size + log(g) + z"


@pytest.mark.parametrize("method", ["logit", "probit"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_effects_of_columns_through_every_term(method: str, weights: str | None) -> None:
    rng = np.random.default_rng(8)
    rows = answers()
    rows = selection(
        {**{name: rows.number(name) for name in ("y", "x", "z", "d", "w")}, "g": rng.uniform(0.5, 4, 900),
         "size": [("a", "b", "c")[code] for code in rows.columns["size"].codes]},  # type: ignore[union-attr]
        rows.firm, rows.year,
    )  # fmt: skip
    found = estimate(method, RICH, rows, weights=weights, errors=Errors("HC0"), **BASE)
    (index,) = found.parts
    order = {"constant": 0, "x": 1, "(x)^2": 2, "d": 3, "size[b]": 4, "size[c]": 5, "d:size[b]": 6, "d:size[c]": 7,
             "x:z": 8, "x:size[b]": 9, "x:size[c]": 10, "log(g)": 11, "z": 12}  # fmt: skip
    at = [order[term] for term in index.terms]
    b = np.zeros(13)
    b[at] = index.coefficients
    w = rows.number("w") if weights else np.ones(900)
    expected = by_hand(method, b, rich, rows, w)
    # Central differences of 1e-5: h^2 of truncation, 1e-16 / h of rounding.
    assert dict(zip(found.terms, found.coefficients, strict=True)) == pytest.approx(expected, rel=1e-7, abs=1e-10)
    assert any("through every term that holds them (d, size, x, z)" in note for note in found.notes)
    # The delta method, J by differences in b.
    jacobian = np.empty((len(expected), 13))
    for j in range(13):
        step = np.eye(13)[j] * 1e-4
        up, down = (by_hand(method, b + sign * step, rich, rows, w) for sign in (1, -1))
        jacobian[:, j] = [(up[term] - down[term]) / 2e-4 for term in found.terms]
    x = rich(**{name: rows.number(name) for name in ("x", "d", "g", "z")}, size=np.asarray(rows.columns["size"].codes))  # type: ignore[union-attr]
    psi = binary_response(LINKS[method], x, rows.number("y"), w).row_influence
    # Differences of differences: five digits.
    assert found.covariance == pytest.approx(jacobian @ psi.T @ psi @ jacobian.T, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("method", ["logit", "probit"])
def test_saturated_models_give_differences_in_shares(method: str) -> None:
    rows = answers()
    y, size, d = rows.number("y"), np.asarray(rows.columns["size"].codes), rows.number("d")  # type: ignore[union-attr]
    share = [y[size == level].mean() for level in range(3)]
    found = estimate(method, "y ~ size", rows, **BASE)
    assert found.coefficients == pytest.approx([share[1] - share[0], share[2] - share[0]], abs=1e-12)
    linear = fit("m", Options.model_validate({"formula": "y ~ size", "errors": Errors("HC0"), **BASE}), rows, None)
    own = estimate(method, "y ~ size", rows, errors=Errors("HC0"), **BASE)
    assert own.coefficients == pytest.approx(linear.coefficients[1:], abs=1e-12)
    # A share's error is the same whatever the way to it.
    assert own.std_errors == pytest.approx(linear.std_errors[1:], rel=1e-9)
    # With an interaction: the mean over the sizes of the firms of the differences within them.
    both = estimate(method, "y ~ d*size", rows, **BASE)
    cell = {(a, b): y[(d == a) & (size == b)].mean() for a in (0, 1) for b in range(3)}
    expected = sum((size == b).mean() * (cell[1, b] - cell[0, b]) for b in range(3))
    assert both.coefficients[both.terms.index("d")] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", ["logit", "probit"])
def test_weights_count_rows(method: str) -> None:
    rows = answers()
    counts = np.random.default_rng(1).integers(1, 4, 900)
    again = np.repeat(np.arange(900), counts)
    taken = {name: rows.number(name) for name in ("y", "x", "z", "d")}
    size = [("a", "b", "c")[code] for code in rows.columns["size"].codes]  # type: ignore[union-attr]
    many = selection({**{name: one[again] for name, one in taken.items()}, "size": [size[one] for one in again]},
                     rows.firm[again], rows.year[again])  # fmt: skip
    weighted = selection({**taken, "size": size, "w": counts.astype(float)}, rows.firm, rows.year)
    copied, found = (
        estimate(method, PLAIN, many, errors=Errors("classical"), **BASE),
        estimate(method, PLAIN, weighted, weights="w", **BASE),
    )
    assert found.coefficients == pytest.approx(copied.coefficients, rel=1e-10)
    assert found.stats["log_likelihood"] == pytest.approx(copied.stats["log_likelihood"], rel=1e-12)
    family = sm.families.Binomial(link={"logit": sm.families.links.Logit, "probit": sm.families.links.Probit}[method]())
    theirs = sm.GLM(rows.number("y"), matrix(rows), family=family, freq_weights=counts).fit(tol=1e-14)
    assert found.parts[0].coefficients == pytest.approx(theirs.params, rel=1e-7)
    # By firm it makes no difference whether a row counts twice or stands twice.
    by_firm = [estimate(method, PLAIN, one, errors=FIRM, **BASE, **keys)
               for one, keys in ((many, {}), (weighted, {"weights": "w"}))]  # fmt: skip
    factor = (len(many.rows) - 1) / (len(many.rows) - 6) * (900 - 6) / 899
    assert by_firm[0].covariance == pytest.approx(by_firm[1].covariance * factor, rel=1e-8)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["logit", "probit"]), st.floats(-3, 3))
def test_units_order_and_names_do_not_matter(seed: int, method: str, digits: float) -> None:
    rows, unit = answers(seed, 300), 10.0**digits
    order = np.random.default_rng(seed).permutation(300)
    size = [{"a": "n", "b": "z", "c": "m"}[("a", "b", "c")[code]] for code in rows.columns["size"].codes[order]]  # type: ignore[union-attr]
    turned = selection(
        {"y": rows.number("y")[order], "x": unit * rows.number("x")[order] + 7, "d": rows.number("d")[order],
         "z": rows.number("z")[order], "size": size},
        rows.firm[order], rows.year[order],
    )  # fmt: skip
    found = estimate(method, PLAIN, rows, errors=FIRM, **BASE)
    again = estimate(method, PLAIN, turned, errors=FIRM, reference={"size": "n"})
    place = [again.terms.index(term) for term in ("x", "d", "size[z]", "size[m]", "z")]
    scale = np.array([1 / unit, 1, 1, 1, 1])
    # Columns in other units lose digits where their mean is far from zero.
    assert again.coefficients[place] == pytest.approx(found.coefficients * scale, rel=1e-7, abs=1e-11)
    assert again.std_errors[place] == pytest.approx(found.std_errors * scale, rel=1e-6)
    # The other answer: the same effects with the other sign.
    other = selection({"y": 1 - rows.number("y"), **{name: rows.number(name) for name in ("x", "d", "z")},
                       "size": [("a", "b", "c")[code] for code in rows.columns["size"].codes]}, rows.firm, rows.year)  # type: ignore[union-attr]  # fmt: skip
    assert estimate(method, PLAIN, other, errors=FIRM, **BASE).coefficients == pytest.approx(
        -found.coefficients, abs=1e-9
    )


@pytest.mark.parametrize("method", ["logit", "probit"])
def test_intervals_cover(method: str) -> None:
    """The effects in a large population, seen through 200 samples of 400: 0.95 within three errors of 200 draws."""
    rng = np.random.default_rng(77)
    share = {"logit": expit, "probit": ndtr}[method]
    covered = np.zeros(2)
    for _ in range(200):
        x, d = rng.normal(size=400), (rng.random(400) < 0.5).astype(float)
        p = share(-0.4 + 0.8 * x + 0.6 * d)
        rows = selection({"y": (rng.random(400) < p).astype(float), "x": x, "d": d})
        found = estimate(method, "y ~ x + d", rows)
        # Averages over the rows as they are: the truth is theirs too.
        slope = {"logit": p * (1 - p), "probit": np.exp(-((-0.4 + 0.8 * x + 0.6 * d) ** 2) / 2) / np.sqrt(2 * np.pi)}
        truth = [0.8 * slope[method].mean(), (share(0.2 + 0.8 * x) - share(-0.4 + 0.8 * x)).mean()]
        covered += (found.conf_low <= truth) & (truth <= found.conf_high)
    assert np.abs(covered / 200 - 0.95).max() < 3 * np.sqrt(0.95 * 0.05 / 200)
