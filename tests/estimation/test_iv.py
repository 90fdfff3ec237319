"""Instrumented regressions: cases that must collapse to others, effects, invariance, what falls out, what is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from estimation.absorb import without_singletons
from estimation.results import Estimates
from specs.errors import EstimationError
from tests.estimation.iv_rows import estimate, firms, ols, part, with_columns
from tests.estimation.rows import group_fit, productivity

FIRM: dict[str, Any] = {"cluster": ["firm"]}
KINDS = ["classical", "HC0", "HC1", FIRM, {"cluster": ["firm", "group"]}]


def same(found: Estimates, expected: Estimates, rel: float = 1e-9) -> None:
    assert found.terms == expected.terms
    assert found.coefficients == pytest.approx(expected.coefficients, rel=rel)
    assert found.std_errors == pytest.approx(expected.std_errors, rel=rel)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("errors", KINDS)
def test_an_instrument_that_is_the_regressor_gives_least_squares(errors: Any, weights: str | None) -> None:
    rows = with_columns(firms(), copy=firms().number("x"))
    found = estimate("y ~ x + c + size", {"x": ("copy",)}, rows, errors=errors, weights=weights)
    expected = ols("y ~ x + c + size", rows, errors=errors, weights=weights)
    same(found, expected)
    assert found.stats["r2"] == pytest.approx(expected.stats["r2"])
    assert found.stats["wu_hausman"] is None
    # No first stage to speak of: the set is the interval of least squares.
    at, region = found.terms.index("x"), found.stats["anderson_rubin"]
    assert (region["low"], region["high"]) == pytest.approx((expected.conf_low[at], expected.conf_high[at]), rel=1e-8)
    assert part(found, "ols").coefficients == pytest.approx(expected.coefficients)


@pytest.mark.parametrize("weights", [None, "w"])
def test_one_instrument_gives_indirect_least_squares(weights: str | None) -> None:
    found = estimate("y ~ x + c + size", {"x": ("z1",)}, weights=weights)
    reduced, first = part(found, "reduced_form"), part(found, "first_stage[x]")
    place = reduced.terms.index("z1")
    ratio = reduced.coefficients[place] / first.coefficients[place]
    assert found.coefficients[found.terms.index("x")] == pytest.approx(ratio, rel=1e-11)
    assert found.stats["overidentification"] is None
    one = found.stats["first_stage"]["x"]
    assert one["f_effective"] == pytest.approx(one["f"])
    assert one["f"] == pytest.approx(first.inference.statistics[place] ** 2)


@pytest.mark.parametrize("errors", KINDS)
def test_parts_are_regressions_of_their_own(errors: Any) -> None:
    rows, keys = firms(), {"errors": errors, "weights": "w"}
    found = estimate("y ~ x + c + size", {"x": ("z1", "region")}, rows, **keys)
    assert [one.estimator for one in found.parts] == ["iv", "ols", "first_stage[x]", "reduced_form"]
    for name, formula in (("ols", "y ~ x + c + size"), ("first_stage[x]", "x ~ c + size + z1 + region"),
                          ("reduced_form", "y ~ c + size + z1 + region")):  # fmt: skip
        expected, one = ols(formula, rows, **keys), part(found, name)
        assert one.terms == expected.terms
        assert one.coefficients == pytest.approx(expected.coefficients, rel=1e-9)
        assert one.inference.std_errors == pytest.approx(expected.std_errors, rel=1e-9)
        assert (one.n_obs, one.errors.df) == (expected.n_obs, expected.errors.df)
    assert part(found, "iv").coefficients == pytest.approx(found.coefficients)
    assert part(found, "iv").stats == found.stats


@pytest.mark.parametrize(("errors", "weights"), [("classical", "w"), ("HC1", None), (FIRM, "w")])
@pytest.mark.parametrize("effects", ["firm", "firm + year", "group + year"])
def test_effects_are_dummies_written_out(effects: str, errors: Any, weights: str | None) -> None:
    rows = firms()
    rows = rows.take(rows.firm < 40)
    who = [f"f{code:03d}" for code in rows.firm]
    codes = {"firm": rows.firm, "year": rows.year, "group": rows.firm % 12}
    keep, _ = without_singletons([np.unique(codes[one], return_inverse=True)[1] for one in effects.split(" + ")])
    written = with_columns(rows, who=who).take(keep)
    instruments = {"x": ("z1", "region")}
    found = estimate(f"y ~ x + c | {effects}", instruments, rows, errors=errors, weights=weights)
    dummies = effects.replace("firm", "who")
    expected = estimate(f"y ~ x + c + {dummies}", instruments, written, errors=errors, weights=weights)
    at = [expected.terms.index(term) for term in found.terms]
    # Nested effects do not count where errors are clustered by firm: the factors differ by a known ratio.
    n, ratio = found.n_obs, 1.0
    if errors == FIRM and "firm" in effects:
        years = len(np.unique(rows.year)) if "year" in effects else 1
        ratio = (n - len(expected.terms)) / (n - len(found.terms) - years)
    assert found.coefficients == pytest.approx(expected.coefficients[at], rel=1e-8)
    assert found.std_errors == pytest.approx(np.sqrt(ratio) * expected.std_errors[at], rel=1e-8)
    one, other = found.stats["first_stage"]["x"], expected.stats["first_stage"]["x"]
    assert one["partial_r2"] == pytest.approx(other["partial_r2"], rel=1e-8)
    assert one["f_classical"] == pytest.approx(other["f_classical"], rel=1e-8)
    if errors != FIRM:
        for test in ("anderson_rubin", "overidentification", "wu_hausman"):
            assert found.stats[test]["statistic"] == pytest.approx(other_of(expected, test), rel=1e-7)


def other_of(found: Estimates, test: str) -> float:
    return float(found.stats[test]["statistic"])


def test_effective_f_by_its_definition() -> None:
    """Montiel Olea and Pflueger (2013) with instruments made orthonormal; 23.1 with one, at a bias of a tenth."""
    rows = firms()
    found = estimate("y ~ x + c", {"x": ("z1", "z2", "z3")}, rows, errors="HC0")
    one = np.column_stack([np.ones(400), rows.number("c")])
    apart = np.eye(400) - one @ np.linalg.pinv(one)
    z = apart @ np.column_stack([rows.number(name) for name in ("z1", "z2", "z3")])
    z = np.linalg.qr(z)[0] * np.sqrt(400)
    x = apart @ rows.number("x")
    left = x - z @ (z.T @ x) / 400
    w2 = (z * left[:, None]).T @ (z * left[:, None]) / 400
    expected = float((x @ z) @ (z.T @ x)) / 400 / np.trace(w2)
    assert found.stats["first_stage"]["x"]["f_effective"] == pytest.approx(expected, rel=1e-9)
    largest = np.linalg.eigvalsh(w2)[-1]
    freedom = np.trace(w2) ** 2 * 21 / (np.trace(w2 @ w2) + 20 * np.trace(w2) * largest)
    critical = stats.ncx2.ppf(0.95, freedom, 10 * freedom) / freedom
    # SciPy has two ways to the quantile, the slower one to six digits.
    assert found.stats["first_stage"]["x"]["f_effective_critical"] == pytest.approx(critical, rel=1e-6)
    alone = estimate("y ~ x + c", {"x": ("z1",)}, rows).stats["first_stage"]["x"]
    assert alone["f_effective_critical"] == pytest.approx(23.1, abs=0.05)


def test_conditional_f_by_its_definition() -> None:
    """Sanderson and Windmeijer (2016): what the other endogenous term leaves, over m - p + 1 instruments."""
    rows = firms()
    found = estimate("y ~ x + v + c", {"x": ("z1", "z2"), "v": ("z3",)}, rows, errors="HC1")
    stages = found.stats["first_stage"]
    for own, other in (("x", "v"), ("v", "x")):
        beside = estimate(f"{own} ~ {other} + c", {other: ("z1", "z2", "z3")}, rows)
        slope = dict(zip(beside.terms, beside.coefficients, strict=True))
        left = rows.number(own) - slope[other] * rows.number(other)
        last = ols("left ~ c + z1 + z2 + z3", with_columns(rows, left=left), errors="HC1")
        at = [last.terms.index(name) for name in ("z1", "z2", "z3")]
        d, v = last.coefficients[at], last.covariance[np.ix_(at, at)]
        assert stages[own]["f_conditional"] == pytest.approx(d @ np.linalg.solve(v, d) / 2, rel=1e-8)
    assert found.stats["first_stage_f"] == min(one["f_conditional"] for one in stages.values())


def test_wu_hausman_by_control_functions() -> None:
    rows = firms()
    left = rows.number("x") - fitted("x ~ c + z1 + z2")
    beside = ols("y ~ x + c + left", with_columns(rows, left=left), errors=FIRM)
    found = estimate("y ~ x + c", {"x": ("z1", "z2")}, rows, errors=FIRM).stats["wu_hausman"]
    assert found["statistic"] == pytest.approx(beside.statistics[beside.terms.index("left")] ** 2, rel=1e-8)
    assert found["p_value"] == pytest.approx(beside.p_values[beside.terms.index("left")], rel=1e-7)


def fitted(formula: str) -> np.ndarray[Any, Any]:
    found, rows = ols(formula), firms()
    columns = [np.ones(400) if term == "constant" else rows.number(term) for term in found.terms]
    return np.column_stack(columns) @ found.coefficients


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(-3, 3))
def test_units_order_and_turned_instruments_do_not_matter(seed: int, shift: float, exponent: float) -> None:
    rows = firms()
    order = np.random.default_rng(seed).permutation(400)
    scale = 10.0**exponent
    turned = with_columns(
        rows,
        x=scale * rows.number("x"), a=rows.number("z1") + rows.number("z2") + shift,
        b=100 * rows.number("z2") - 5 * rows.number("c"),
    )  # fmt: skip
    turned = turned.take(np.ones(400, dtype=np.bool_))
    shuffled = type(turned)(
        turned.rows[order], turned.firm[order], turned.year[order],
        {name: type(one)(one.values[order]) if hasattr(one, "values") else type(one)(one.codes[order], one.levels)
         for name, one in turned.columns.items()}, 400, {},
    )  # fmt: skip
    found = estimate("y ~ x + c", {"x": ("a", "b")}, shuffled, errors=FIRM)
    expected = estimate("y ~ x + c", {"x": ("z1", "z2")}, rows, errors=FIRM)
    units = np.array([1.0, scale, 1.0])
    assert found.coefficients * units == pytest.approx(expected.coefficients, rel=1e-8)
    assert found.std_errors * units == pytest.approx(expected.std_errors, rel=1e-8)
    for key in ("low", "high"):
        assert found.stats["anderson_rubin"][key] * scale == pytest.approx(
            expected.stats["anderson_rubin"][key], rel=1e-7
        )
    for key in ("f", "f_effective", "partial_r2"):
        assert found.stats["first_stage"]["x"][key] == pytest.approx(expected.stats["first_stage"]["x"][key], rel=1e-7)


def test_a_text_among_the_endogenous_terms_and_products() -> None:
    rows = firms()
    large = np.where(rows.number("c") > 0, 1.0, 0.0)
    rows = with_columns(rows, large=large, zl=rows.number("z1") * large)
    found = estimate("y ~ x + large + x:large", {"x": ("z1",), "x:large": ("zl",)}, rows)
    assert list(found.stats["first_stage"]) == ["x", "x:large"]
    names = estimate("y ~ size + c", {"size": ("z1", "z2", "z3")}, rows)
    assert [term[:5] for term in names.stats["first_stage"]] == ["size[", "size["]
    with pytest.raises(EstimationError, match=r"1 instrument for 2 endogenous terms \(size\[.*at least as many"):
        estimate("y ~ size + c", {"size": ("z1",)}, rows)


def test_instruments_that_say_nothing_of_their_own_fall_out_by_name() -> None:
    rows = firms()
    rows = with_columns(
        rows, twice=2 * rows.number("z1"), same=np.ones(400), ours=rows.number("c") + 1,
        only=np.where(rows.firm < 45, 1.0, 0.0),
    )  # fmt: skip
    found = estimate("y ~ x + c", {"x": ("z1", "twice", "same", "ours")}, rows)
    same(found, estimate("y ~ x + c", {"x": ("z1",)}, rows))
    assert part(found, "reduced_form").terms == ("constant", "c", "z1")
    told = [note for note in found.notes if "fell out" in note]
    assert told == [
        "twice fell out of the instruments: it is an exact combination of z1",
        "same fell out of the instruments: it has the same value in every row",
        "ours fell out of the instruments: it is an exact combination of constant, c",
    ]
    within = estimate("y ~ x + c | firm", {"x": ("z1", "only")}, rows)
    assert "only fell out of the instruments: nothing is left beside the effects firm" in within.notes
    with pytest.raises(EstimationError, match=r"0 instruments for 1 endogenous term .*ours fell out"):
        estimate("y ~ x + c", {"x": ("ours",)}, rows)
    with pytest.raises(EstimationError, match=r"0 instruments for 1 endogenous term .*nothing is left beside"):
        estimate("y ~ x + c | firm", {"x": ("only",)}, rows)


def test_terms_that_the_instruments_do_not_move_are_refused() -> None:
    rows = firms()
    z, c = rows.number("z1"), np.column_stack([np.ones(400), rows.number("c"), rows.number("z1")])
    still = rows.number("x") - c @ np.linalg.lstsq(c, rows.number("x"), rcond=None)[0]
    with pytest.raises(EstimationError, match="the instruments z1 move still no otherwise than the other terms do"):
        estimate("y ~ still + c", {"still": ("z1",)}, with_columns(rows, still=still))
    both = with_columns(rows, p=z + still, q=2 * z - still)
    # Two instruments, of which one moves neither: rank one for two endogenous terms.
    apart = np.column_stack([c, still])
    noise = rows.number("z2") - apart @ np.linalg.lstsq(apart, rows.number("z2"), rcond=None)[0]
    with pytest.raises(EstimationError, match="is not identified"):
        estimate("y ~ p + q + c", {"p": ("z1",), "q": ("noise",)}, with_columns(both, noise=noise))


def test_rows_without_an_instrument_are_counted() -> None:
    rows = firms()
    z = rows.number("z1").copy()
    z[:17] = np.nan
    rows = with_columns(rows, z1=z)
    found = estimate("y ~ x + c", {"x": ("z1", "z2")}, rows)
    assert found.dropped == {"z1 is missing": 17}
    assert found.n_obs == 383
    assert part(found, "ols").n_obs == 383
    with pytest.raises(EstimationError, match=r"no rows are left of 400 \(none is missing: 400\)"):
        estimate("y ~ x", {"x": ("none",)}, with_columns(rows, none=np.full(400, np.nan)))


def test_firms_behind_an_effect_are_those_of_term_and_instruments() -> None:
    rows = firms()
    few = np.where(rows.firm < 4, 1.0, 0.0)
    found = estimate("y ~ x + c", {"x": ("few",)}, with_columns(rows, few=few))
    assert dict(zip(found.terms, found.n_firms_term.tolist(), strict=True))["x"] == 4
    rare = np.where(rows.firm < 3, rows.number("x"), 0.0)
    found = estimate("y ~ rare + c", {"rare": ("z1",)}, with_columns(rows, rare=rare))
    assert set(part(found, "first_stage[rare]").n_firms_term.tolist()) == {3}


def test_what_is_said() -> None:
    rows = firms()
    found = estimate("y ~ x + c", {"x": ("z1", "z2")}, rows, errors=FIRM)
    assert found.notes[0] == "x is instrumented by z1, z2"
    assert found.notes[-1] == (
        "the same elsewhere: fixest::feols(y ~ c | x ~ z1 + z2, data, cluster = ~firm); "
        "ivreg2 y c (x = z1 z2), cluster(firm) small"
    )
    assert not any("weak" in note for note in found.notes)
    weak = estimate("y ~ x + c", {"x": ("z3",)}, rows)
    assert any(note.startswith("weak instruments: the effective F of x is ") and "below 23.1" in note
               for note in weak.notes)  # fmt: skip
    shared = np.random.default_rng(1).normal(size=12)[rows.firm % 12]
    found = estimate("y ~ x + c", {"x": ("shared", "z1")}, with_columns(rows, shared=shared),
                     errors={"cluster": ["group"]})  # fmt: skip
    assert any("shared varies only between clusters of group: " in note and "12 clusters" in note
               for note in found.notes)  # fmt: skip
    within = estimate("y ~ x + c:size | firm + year", {"x": ("z1",)}, rows, weights="w", errors="HC0")
    assert within.notes[-1] == (
        'the same elsewhere: fixest::feols(y ~ c:size | firm + year | x ~ z1, data, weights = ~w, vcov = "hetero", '
        "ssc = ssc(K.adj = FALSE)); ivreghdfe y c.c#i.size (x = z1) [pw=w], absorb(firm year) robust"
    )


def test_the_first_stage_of_the_outcome_is_carried_over() -> None:
    """Against the chain itself: the outcome at other parameters, estimated again."""
    rows, draw = firms(), np.random.default_rng(4)
    gradient, codes = draw.normal(size=(400, 2)), np.unique(rows.firm)
    psi = 0.02 * draw.normal(size=(len(codes), 2))
    first = productivity(rows.number("y"), gradient, [group_fit(codes, psi)])
    model: Any = {"formula": "y ~ x + c + size", "instruments": {"x": ("z1", "z2")}}
    found = estimate(**model, rows=rows, first=first, errors=FIRM)
    plain = estimate(**model, rows=rows, errors=FIRM)
    assert found.errors.tfp_uncertainty == "include"
    assert found.notes[-1].endswith("their errors lack the first stage's part")
    step = 1e-3
    moved = [estimate(**model, rows=with_columns(rows, y=rows.number("y") + step * one)).coefficients
             for one in gradient.T]  # fmt: skip
    slope = (np.array(moved).T - plain.coefficients[:, None]) / step
    # The chain is linear: what is left is the rounding of a difference, over the step.
    assert found.influence - plain.influence == pytest.approx(psi @ slope.T, abs=1e-10)
    total = found.influence.T @ found.influence
    g = len(codes)
    factor = g / (g - 1) * 399 / (400 - len(found.terms))
    assert found.covariance == pytest.approx(factor * total, rel=1e-9)
    classical = estimate(**model, rows=rows, first=first, errors="classical", tfp_uncertainty="murphy_topel")
    bare = estimate(**model, rows=rows, errors="classical")
    assert classical.covariance - bare.covariance == pytest.approx(slope @ psi.T @ psi @ slope.T, abs=1e-9)
    ignored = estimate(**model, rows=rows, first=first, errors=FIRM, tfp_uncertainty="ignore")
    assert ignored.covariance == pytest.approx(plain.covariance)
    # So are those of the reduced form; first stages are no function of the outcome.
    reduced = ols("y ~ c + size + z1 + z2", rows, first, errors=FIRM)
    assert part(found, "reduced_form").inference.std_errors == pytest.approx(reduced.std_errors, rel=1e-9)
    assert part(found, "reduced_form").errors.tfp_uncertainty == "include"
    assert part(found, "first_stage[x]").inference.std_errors == pytest.approx(
        part(plain, "first_stage[x]").inference.std_errors, rel=1e-12
    )
