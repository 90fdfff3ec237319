"""Regressions with absorbed effects against R's fixest, dummies written out, and special cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from estimation.absorb import Absorber, Effect, without_singletons
from estimation.designs import cross_section, fixed_effects
from estimation.designs.fixed_effects import Options, columns, equations, fit
from estimation.results import Estimates, FloatArray, IntArray
from panels.frame import Selection
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tests.estimation.rows import did_numbers, did_panel, group_fit, productivity, selection

# R prints 15 digits; fixest stops its iterations at 1e-6 of the outcome's spread, which leaves 1e-9 in coefficients.
CLOSE = 1e-8

FIRM, BOTH = Errors("cluster", (("firm",),)), Errors("cluster", (("firm",), ("year",)))
EFFECTS = ("firm", "firm + year", "firm + nace^year", "nace + year + region", "firm + year + nace")


def estimate(formula: str, rows: Selection | None = None, **keys: Any) -> Estimates:
    keys.setdefault("errors", FIRM)
    return fit("m", Options.model_validate({"formula": formula, **keys}), rows or did_panel(), None)


def year(rows: Selection, *years: int) -> Selection:
    return rows.take(np.isin(rows.year, years))


@pytest.mark.parametrize(
    ("name", "formula", "keys"),
    [
        ("twfe_cl", "ln_tfp ~ ai | firm + year", {}),
        ("twfe_iid", "ln_tfp ~ ai | firm + year", {"errors": Errors("classical")}),
        ("twfe_HC1", "ln_tfp ~ ai | firm + year", {"errors": Errors("HC1")}),
        ("twfe_w_cl", "ln_tfp ~ ai | firm + year", {"weights": "weight"}),
        ("twfe_cov_cl", "ln_tfp ~ ai + size_idx:year + age0:year | firm + nace^year", {"reference": {"year": 2017}}),
        ("pooled_cl_firm", "ln_tfp ~ ai | size + nace + year", {}),
        ("pooled_cl_firm_twoway", "ln_tfp ~ ai | size + nace + year", {"errors": BOTH}),
        ("xs2023_fe_iid", "ln_tfp ~ ai | size + nace", {"errors": Errors("classical")}),
        ("xs2023_fe_HC1", "ln_tfp ~ ai | size + nace", {"errors": Errors("HC1")}),
    ],
)  # fmt: skip
def test_as_fixest(name: str, formula: str, keys: dict[str, Any]) -> None:
    expected = did_numbers()["fixest"][name]
    rows = year(did_panel(), 2023) if name.startswith("xs2023") else did_panel()
    found = estimate(formula, rows, **keys)
    theirs = [term if ":year" not in term else f"year::{term[-5:-1]}:{term.split(':')[0]}" for term in found.terms]
    assert set(theirs) == set(expected["coef"])
    for key, values in (("coef", found.coefficients), ("se", found.std_errors), ("p", found.p_values)):
        assert values == pytest.approx([expected[key][term] for term in theirs], rel=CLOSE, abs=1e-12)
    assert found.n_obs == expected["nobs"]
    assert found.errors.df == expected["df_t"]
    assert sum(found.dropped.values()) == expected["nobs_origin"] - expected["nobs"]
    assert found.stats["r2"] == pytest.approx(expected["r2"], rel=CLOSE)
    assert found.stats["within_r2"] == pytest.approx(expected["wr2"], rel=CLOSE)
    levels = {term.replace("year^nace", "nace^year"): count for term, count in expected["fixef_sizes"].items()}
    assert found.effects == {term.replace("size_class", "size"): count for term, count in levels.items()}


def test_two_years_are_a_first_difference() -> None:
    """Two rows a firm: firm and year effects give the regression of changes on changes."""
    rows = year(did_panel(), 2021, 2023)
    cohort = rows.number("cohort")
    rows = rows.take(np.isnan(cohort) | (cohort > 2021))
    found = estimate("ln_tfp ~ ai | firm + year", rows)
    expected = did_numbers()["fixest"]["did2x2_2021_2023"]
    assert found.coefficients[0] == pytest.approx(expected["coef"]["ai"], rel=CLOSE)
    assert found.std_errors[0] == pytest.approx(expected["se"]["ai"], rel=CLOSE)
    both = np.isin(rows.firm, np.flatnonzero(np.bincount(rows.firm) == 2))
    y, x = rows.number("ln_tfp")[both].reshape(-1, 2), rows.number("ai")[both].reshape(-1, 2)
    change, adopts = y[:, 1] - y[:, 0], x[:, 1] - x[:, 0]
    assert found.coefficients[0] == pytest.approx(change[adopts == 1].mean() - change[adopts == 0].mean(), abs=1e-13)


def messy(seed: int, n: int = 160) -> Selection:
    draw = np.random.default_rng(seed)
    firm, when = draw.integers(0, 40, n), draw.integers(2017, 2022, n)
    return selection(
        {
            "y": draw.normal(size=n) + firm, "x": draw.normal(size=n) + 0.1 * firm, "z": draw.normal(size=n),
            "w": draw.uniform(0.5, 2, n), "nace": [("A", "B", "C")[i] for i in draw.integers(0, 3, n)],
            "region": [("N", "S")[i] for i in firm % 2],
        },
        firm, when,
    )  # fmt: skip


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize(
    "effects", ["firm", "firm + year", "firm + nace^year", "nace + year + region", "firm + year + nace"]
)
@pytest.mark.parametrize("errors", [Errors("classical"), Errors("HC1"), FIRM])
def test_effects_are_dummies_written_out(effects: str, weights: str | None, errors: Errors) -> None:
    """The same slopes as a cross-section with all indicators; the factors differ by what they count."""
    rows = messy(3)
    found = estimate(f"y ~ x + z | {effects}", rows, weights=weights, errors=errors)
    keep = np.isin(rows.rows, rows.rows)
    codes = [np.unique(_codes(rows, name), return_inverse=True)[1] for name in effects.split(" + ")]
    keep, _ = without_singletons(codes)
    inner = rows.take(keep)
    dummies = np.column_stack([(one[keep][:, None] == np.unique(one[keep])).astype(float) for one in codes])
    root = np.sqrt(inner.number("w")) if weights else np.ones(len(inner.rows))
    x = np.column_stack([inner.number("x"), inner.number("z"), dummies]) * root[:, None]
    solved = np.linalg.pinv(x) @ (root * inner.number("y"))
    assert found.coefficients == pytest.approx(solved[:2], abs=1e-11)
    residual = root * inner.number("y") - x @ solved
    bread, n = np.linalg.pinv(x.T @ x), len(residual)
    counts = [len(np.unique(one[keep])) for one in codes]
    full = 2 + sum(counts) - (len(counts) - 1)
    if errors.kind == "classical":
        expected = bread * (residual @ residual) / (n - full)
    elif errors.kind == "HC1":
        scores = x * residual[:, None]
        expected = bread @ scores.T @ scores @ bread * n / (n - full)
    else:
        scores = np.zeros((40, x.shape[1]))
        np.add.at(scores, inner.firm, x * residual[:, None])
        nested = [1 if name in ("firm", "region") and name == "firm" else count
                  for name, count in zip(effects.split(" + "), counts, strict=True)]  # fmt: skip
        k, g = 2 + sum(nested) - (len(nested) - 1), len(np.unique(inner.firm))
        expected = bread @ scores.T @ scores @ bread * g / (g - 1) * (n - 1) / (n - k)
    assert found.covariance == pytest.approx(expected[:2, :2], rel=1e-9)


def _codes(rows: Selection, effect: str) -> IntArray:
    code = np.zeros(len(rows.rows), dtype=np.int64)
    for name in effect.split("^"):
        own = {"firm": rows.firm, "year": rows.year}.get(name)
        code = code * 10_000 + (own if own is not None else rows.columns[name].codes)  # type: ignore[union-attr]
    return code


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 3, 5]))
def test_swept_columns_are_orthogonal_to_every_level(seed: int, several: int) -> None:
    draw = np.random.default_rng(seed)
    n = 300
    effects = [Effect.of(str(one), draw.integers(0, 60 // (one + 1) + 2, n)) for one in range(several)]
    weights = draw.uniform(0.2, 3, n)
    column: FloatArray = draw.normal(size=(n, 1)) * 1e3 + 1e6
    swept = Absorber(effects, weights).within(column)
    for one in effects:
        # In units of the column, 1e6 of which 1e-16 is rounding in each of some 100 rows.
        assert np.abs(np.bincount(one.codes, weights=weights * swept[:, 0])).max() < 1e-6
    again = Absorber(effects, weights).within(swept)
    assert again == pytest.approx(swept, abs=1e-7)


def test_many_levels_are_swept_by_steps() -> None:
    """More levels than are solved at once: the same columns as by the indicators themselves."""
    draw = np.random.default_rng(5)
    n = 6_000
    effects = [Effect.of(str(one), draw.integers(0, 1_800, n)) for one in range(3)]
    column: FloatArray = draw.normal(size=(n, 1))
    absorber = Absorber(effects)
    swept = absorber.within(column)
    assert absorber.steps > 5
    for one in effects:
        assert np.abs(np.bincount(one.codes, weights=swept[:, 0])).max() < 1e-10


def test_singletons_fall_in_turn() -> None:
    firm, when = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 2])
    keep, lost = without_singletons([firm, when])
    assert keep.tolist() == [True, True, True, True, False]
    assert lost == (1, 0)
    # A chain: each row that falls leaves another alone.
    keep, lost = without_singletons([np.array([0, 1, 1, 2, 2]), np.array([0, 0, 1, 1, 2])])
    assert not keep.any()
    assert sum(lost) == 5


def test_units_order_and_names_do_not_matter() -> None:
    rows = messy(8)
    found = estimate("y ~ x + z | firm + nace^year", rows)
    order = np.random.default_rng(1).permutation(len(rows.rows))
    turned = selection(
        {"y": 1e3 * rows.number("y")[order], "x": 1e-3 * rows.number("x")[order] + 5, "z": rows.number("z")[order],
         "nace": [{"A": "z", "B": "y", "C": "x"}[rows.columns["nace"].levels[code]]  # type: ignore[union-attr]
                  for code in rows.columns["nace"].codes[order]]},  # type: ignore[union-attr]
        (97 - rows.firm)[order], rows.year[order],
    )  # fmt: skip
    again = estimate("y ~ x + z | nace^year + firm", turned)
    scale = np.array([1e6, 1e3])
    assert again.coefficients == pytest.approx(found.coefficients * scale, rel=1e-9)
    assert again.std_errors == pytest.approx(found.std_errors * scale, rel=1e-9)


def test_the_first_stage_is_carried_over() -> None:
    """Firms whose effects are swept out: the correction is the same as with indicators written out."""
    rows = messy(11)
    draw = np.random.default_rng(2)
    firms = np.unique(rows.firm)
    first = productivity(
        rows.number("y"),
        draw.normal(size=(len(rows.rows), 2)),
        [group_fit(firms, 0.01 * draw.normal(size=(len(firms), 2)))],
    )
    within = fit("m", Options.model_validate({"formula": "y ~ x + z | firm + year", "errors": FIRM}), rows, first)
    single = np.bincount(rows.firm)[rows.firm] > 1
    names = [f"f{code:03d}" for code in rows.firm]
    dummies = selection(
        {"y": rows.number("y"), "x": rows.number("x"), "z": rows.number("z"), "who": names}, rows.firm, rows.year
    ).take(single)
    options = cross_section.Options.model_validate({"formula": "y ~ x + z + who + year", "errors": FIRM})
    written = cross_section.fit("m", options, dummies, first)
    at = [written.terms.index(term) for term in ("x", "z")]
    assert within.errors.tfp_uncertainty == written.errors.tfp_uncertainty == "include"
    assert within.influence == pytest.approx(written.influence[:, at], abs=1e-11)


def test_what_cannot_be_estimated() -> None:
    rows = messy(4)
    with pytest.raises(EstimationError, match=r"region\[N\]: nothing is left beside the effects firm \+ year"):
        estimate("y ~ x + region | firm + year", rows)
    with pytest.raises(EstimationError, match="every row stands alone in a level of firm"):
        estimate("y ~ x | firm", rows.take(np.isin(rows.rows, np.unique(rows.firm, return_index=True)[1])))
    twice = selection(
        {**{name: rows.number(name) for name in ("y", "x")}, "v": 2 * rows.number("x")}, rows.firm, rows.year
    )
    with pytest.raises(EstimationError, match="v is an exact combination of x"):
        estimate("y ~ x + v | firm", twice)


def test_firms_behind_a_term_are_those_in_which_it_varies() -> None:
    firm, when = np.repeat(np.arange(6), 3), np.tile(np.arange(2020, 2023), 6)
    ai = np.where((firm < 2) & (when > 2020) | (firm == 2), 1.0, 0.0)
    y = np.random.default_rng(0).normal(size=18)
    found = estimate("y ~ ai | firm + year", selection({"y": y, "ai": ai}, firm, when))
    assert found.n_firms_term.tolist() == [2]
    assert estimate("y ~ ai | year", selection({"y": y, "ai": ai}, firm, when)).n_firms_term.tolist() == [3]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"formula": "y ~ x"}, "no effects behind a bar"),
        ({"formula": "y ~ 1 | firm"}, "no term before the bar"),
        ({"formula": "y ~ x | firm", "errors": "HC3"}, "HC3 beside effects"),
    ],
)
def test_mistakes_in_the_keys(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Options.model_validate(keys)


def test_columns_and_equations() -> None:
    options = Options.model_validate({"formula": "tfp ~ ai + size | firm + nace^year", "weights": "weight"})
    assert columns(options) == ("tfp", "ai", "size", "nace", "weight")
    said = equations(options)
    assert "tfp_it = b1 ai_it + b2 size_it + a(firm) + a(nace^year) + e_it" in said
    assert "less their effects" in said
    assert fixed_effects.Options.model_fields["errors"].default == FIRM


def test_the_same_elsewhere() -> None:
    rows = messy(4)
    weighted = estimate("y ~ x + z:nace | firm + nace^year", rows, weights="w", errors=BOTH)
    assert weighted.notes[-1] == (
        "the same elsewhere: fixest::feols(y ~ x + z:nace | firm + nace^year, data, weights = ~w, "
        "cluster = ~firm + year); reghdfe y x c.z#i.nace [pw=w], absorb(firm nace#year) vce(cluster firm year)"
    )
    plain = estimate("y ~ x | firm", rows, errors=Errors("classical"))
    assert plain.notes[-1].endswith('fixest::feols(y ~ x | firm, data, vcov = "iid"); reghdfe y x, absorb(firm)')
