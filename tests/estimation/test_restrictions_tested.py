"""Linear restrictions on a regression's coefficients against statsmodels, and what cannot be tested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from pydantic import ValidationError

from estimation.comparing.wald import wald
from estimation.designs import cross_section, fixed_effects
from estimation.results import Estimates
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tests.estimation.rows import reference_panel, selection

KINDS = {
    "classical": ("nonrobust", Errors("classical")),
    "HC1": ("HC1", Errors("HC1")),
    "HC3": ("HC3", Errors("HC3")),
    "cluster": ("cluster", Errors("cluster", (("firm",),))),
}


def draw() -> Any:
    rng = np.random.default_rng(5)
    firm = np.repeat(np.arange(60), 4)
    x, z, v = rng.normal(size=(3, 240)) + rng.normal(size=60)[firm]
    y = 0.4 * x + 0.5 * z + rng.normal(size=60)[firm] + rng.normal(size=240) * (1 + np.abs(x))
    return selection({"y": y, "x": x, "z": z, "v": v}, firm.tolist(), np.tile([1, 2, 3, 4], 60).tolist())


def estimate(formula: str, rows: Any, **keys: Any) -> Estimates:
    module: Any = fixed_effects if "|" in formula else cross_section
    found: Estimates = module.fit("m", module.Options.model_validate({"formula": formula, **keys}), rows, None)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("x = z", "x1 = x2"),
        ("x = 0.1", "x1 = 0.1"),
        ("x + 2*z - 0.5*v = 1", "x1 + 2*x2 - 0.5*x3 = 1"),
        ("x = 0, z = v", "x1 = 0, x2 = x3"),
        ("x = 0, z = 0, v = 0, constant = 0.2", "x1 = 0, x2 = 0, x3 = 0, const = 0.2"),
    ],
)
def test_as_statsmodels(kind: str, ours: str, theirs: str) -> None:
    rows = draw()
    cov_type, errors = KINDS[kind]
    found = estimate("y ~ x + z + v", rows, errors=errors, test=[ours]).tests[0]
    x = np.column_stack([np.ones(240), *(rows.number(name) for name in "xzv")])
    more = {"cov_kwds": {"groups": rows.firm}} if kind == "cluster" else {}
    model = sm.OLS(rows.number("y"), x).fit(cov_type=cov_type, use_t=True, **more)
    model.model.data.xnames[:] = ["const", "x1", "x2", "x3"]
    expected = model.f_test(theirs)
    # Two ways to the same numbers: rounding.
    assert found.statistic == pytest.approx(float(expected.fvalue), rel=1e-9)
    assert (found.df1, found.df2) == (expected.df_num, expected.df_denom)
    assert found.p_value == pytest.approx(float(expected.pvalue), rel=1e-8)


def test_a_test_of_zero_is_the_t_statistic_squared() -> None:
    found = estimate("ln_tfp ~ ai + size + nace", reference_panel(2023), test=["ai = 0"])
    place = found.terms.index("ai")
    one = found.tests[0]
    assert one.statistic == pytest.approx(found.statistics[place] ** 2, rel=1e-12)
    assert one.p_value == pytest.approx(found.p_values[place], rel=1e-9)
    assert (one.estimate, one.std_error) == (found.coefficients[place], pytest.approx(found.std_errors[place]))


def test_levels_and_products_can_be_tested() -> None:
    found = estimate("ln_tfp ~ ai*size", reference_panel(2023), test=["size[250+] = size[50-249]", "size[250+]:ai = 0"])
    b = dict(zip(found.terms, found.coefficients, strict=True))
    assert found.tests[0].estimate == pytest.approx(b["size[250+]"] - b["size[50-249]"], rel=1e-12)
    assert found.tests[1].estimate == pytest.approx(b["ai:size[250+]"], abs=0)


def test_what_follows_from_others_is_not_counted() -> None:
    rows = draw()
    found = estimate("y ~ x + z + v", rows, test=["x = z, z = v, x = v", "x = z, z = v"]).tests
    assert found[0].df1 == found[1].df1 == 2
    assert found[0].statistic == pytest.approx(found[1].statistic, rel=1e-9)


def test_restrictions_that_contradict_each_other_have_no_statistic() -> None:
    found = estimate("y ~ x + z", draw(), test=["x = 0, x = 1"]).tests[0]
    assert (found.statistic, found.reason) == (None, "the restrictions contradict each other")


def test_a_singular_covariance_has_no_statistic() -> None:
    """Three clusters carry two restrictions, not three."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(2, 3))
    found = wald(np.ones(3), np.eye(3), scores.T @ scores, 2.0)
    assert found.statistic is None
    assert found.reason.startswith("the covariance of what is tested is singular")


def test_within_effects_there_is_no_constant_to_test() -> None:
    with pytest.raises(ValidationError, match="there is no constant in this model"):
        estimate("y ~ x | firm", draw(), test=["constant = 0"])
    assert estimate("y ~ x + z | firm", draw(), test=["x = z"]).tests[0].df2 == 59


def test_an_unknown_level_fails_by_name() -> None:
    with pytest.raises(
        EstimationError, match=r'test: no term "size\[250\]" in this model, did you mean "size\[250\+\]"'
    ):
        estimate("ln_tfp ~ size", reference_panel(2023), test=["size[250] = 0"])


def test_the_base_level_is_told() -> None:
    keys = {"test": ["size[10-19] = size[250+]"], "reference": {"size": "10-19"}}
    with pytest.raises(EstimationError, match=r"size\[10-19\] is the base level"):
        estimate("ln_tfp ~ size", reference_panel(2023), **keys)
