"""``unbalanced: repeated_cross_sections``: R's did on an unbalanced panel, and the laws that these effects keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.results import BoolArray, Estimates, FloatArray
from panels.frame import Selection
from specs.errors import EstimationError
from tests.estimation.did_reference import COVARIATES, estimate, part, printed, same_as_did
from tests.estimation.rows import did_numbers, did_panel, group_fit, productivity, selection

CROSS_SECTIONS: dict[str, Any] = {"unbalanced": "repeated_cross_sections"}


@pytest.mark.parametrize("name", did_numbers()["did_unbalanced_allow"])
def test_as_did(name: str) -> None:
    """`allow_unbalanced_panel = TRUE`, on all firms, under every setting. The errors of DRDID 1.2.3's doubly robust
    effects are off by a sign (below).
    """
    same_as_did("did_unbalanced_allow", name, "repeated_cross_sections", 0.02 if "|dr|" in f"|{name}" and "nocov" not in
                name else None)  # fmt: skip


def test_the_doubly_robust_errors_with_the_sign_that_drdid_has() -> None:
    """DRDID 1.2.3 subtracts what the regression of the base year's controls adds to the influence function, where
    the derivative (tested below) has it added. With its sign R's errors are found to the digits of its logit.
    """
    expected = did_numbers()["did_unbalanced_allow"]["cov|dr|nevertreated|varying"]
    rows = did_panel()
    cohort, y = rows.number("cohort"), rows.number("ln_tfp")
    nace: Any = rows.columns["nace"]
    levels = np.unique(nace.codes)[1:]
    x = np.column_stack([np.ones(y.size), rows.number("size_idx"), rows.number("age0"), nace.codes[:, None] == levels])
    cells = part(estimate(covariates=COVARIATES, base_period="varying", **CROSS_SECTIONS), "callaway_santanna, cells")
    for place, term in enumerate(cells.terms):
        group, year = (int(one) for one in term[4:-1].split(","))
        base = group - 1
        if year < group:
            continue
        inside = np.flatnonzero(np.isin(rows.year, (year, base)) & (np.isnan(cohort) | (cohort == group)))
        columns: dict[str, Any] = {
            one: rows.number(one)[inside] for one in ("ln_tfp", "cohort", "size_idx", "age0")
        }  # fmt: skip
        columns["nace"] = [str(code) for code in nace.codes[inside]]
        own = estimate(
            selection(columns, rows.firm[inside], rows.year[inside]), covariates=COVARIATES, aggregate=("simple",),
            **CROSS_SECTIONS,
        )  # fmt: skip
        d, early = np.isfinite(cohort[inside]), rows.year[inside] == base
        z, left = x[inside], y[inside]
        p = logit(z, d)
        w = np.where(d, 0.0, p / (1 - p))
        side = ~d & early
        bread = np.linalg.inv(z[side].T @ z[side])
        e = left - z @ (bread @ z[side].T @ left[side])
        moved = z[d & early].mean(axis=0) - (w[early] @ z[early]) / w[early].sum()
        term_of_rows = np.where(side, e, 0.0) * (z @ bread @ moved)
        firms, codes = np.unique(rows.firm[inside], return_inverse=True)
        psi = own.influence[:, 0] - 2 * np.bincount(codes, weights=term_of_rows)
        assert (own.influence_firms == firms).all()
        at = list(zip(expected["group"], expected["t"], strict=True)).index((group, year))
        assert cells.inference.std_errors[place] == pytest.approx(own.std_errors[0], rel=1e-9)
        assert np.sqrt((psi**2).sum()) == pytest.approx(expected["se"][at], abs=1e-8), term


def logit(x: FloatArray, d: BoolArray) -> FloatArray:
    """Newton's steps, twenty of them."""
    b = np.zeros(x.shape[1])
    for _ in range(20):
        p = 1 / (1 + np.exp(-x @ b))
        b = b + np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x, x.T @ (d - p))
    return 1 / (1 + np.exp(-x @ b))


def panel(seed: int, firms: int = 90, gaps: float = 0.3, shift: float = 0.0, x_moves: bool = False) -> Selection:
    """2018 to 2022, cohorts 2020 and 2021, gaps."""
    draw = np.random.default_rng(seed)
    firm, year = np.repeat(np.arange(firms), 5), np.tile(np.arange(2018, 2023), firms)
    cohort = np.array([np.nan, np.nan, 2020.0, 2021.0])[np.arange(firms) % 4][firm]
    x = draw.normal(size=firms)[firm] + (0.3 * draw.normal(size=firm.size) if x_moves else 0.0)
    y = shift + 0.5 * x + 0.1 * (year >= cohort) + draw.normal(size=firm.size) * 0.3
    there = np.flatnonzero(draw.random(firm.size) >= gaps)
    columns = {"ln_tfp": y, "cohort": cohort, "x": x, "w": draw.uniform(0.5, 2, firms)[firm]}
    return selection({name: one[there] for name, one in columns.items()}, firm[there], year[there])


def with_y(rows: Selection, y: FloatArray) -> Selection:
    return selection({"ln_tfp": y, **{name: rows.number(name) for name in ("cohort", "x", "w")}}, rows.firm, rows.year)


@pytest.mark.parametrize("keys", [{}, *({"covariates": ("x",), "adjustment": one} for one in ("dr", "ipw", "reg"))])
@pytest.mark.parametrize("weights", [None, "w"])
def test_where_nobody_is_missing_they_are_the_effects_of_pairs(keys: dict[str, Any], weights: str | None) -> None:
    rows = panel(1, gaps=0.0)
    one, other = (estimate(rows, weights=weights, unbalanced=rule, **keys)
                  for rule in ("repeated_cross_sections", "pairwise"))  # fmt: skip
    assert one.terms == other.terms
    # The two come by different sums; a logit of twice the rows stops at its own last digit.
    assert one.coefficients == pytest.approx(other.coefficients, abs=1e-11)
    assert one.covariance == pytest.approx(other.covariance, abs=1e-12)


@pytest.mark.parametrize("adjustment", ["dr", "ipw", "reg"])
def test_an_effect_is_linear_in_the_outcome(adjustment: str) -> None:
    """T of the correction for an estimated outcome: the same estimator on another outcome."""
    rows = panel(2, x_moves=True)
    keys: dict[str, Any] = {**CROSS_SECTIONS, "covariates": ("x",), "adjustment": adjustment}
    draw = np.random.default_rng(5)
    gradient, psi = draw.normal(size=(len(rows.rows), 2)), 0.01 * draw.normal(size=(90, 2))
    first = productivity(rows.number("ln_tfp"), gradient, [group_fit(np.arange(90), psi)])
    found, plain = with_first(rows, first, keys), estimate(rows, **keys)
    moved = np.column_stack([estimate(with_y(rows, z), **keys).coefficients for z in gradient.T])
    naive = np.zeros((90, len(plain.terms)))
    naive[plain.influence_firms] = plain.influence
    assert found.errors.tfp_uncertainty == "include"
    assert found.influence == pytest.approx(naive + psi @ moved.T, abs=1e-11)


def with_first(rows: Selection, first: Any, keys: dict[str, Any]) -> Estimates:
    from estimation.designs.did import Options, fit

    options = Options.model_validate({"outcome": "ln_tfp", "adoption": {"cohort": "cohort"}, **keys})
    return fit("m", options, rows, first)


@pytest.mark.parametrize("adjustment", ["dr", "ipw", "reg"])
def test_influence_functions_are_derivatives_by_what_a_firm_weighs(adjustment: str) -> None:
    """Brute force: weigh one firm a little more, and look how far each effect of a cell moves."""
    rows = panel(3, firms=60, x_moves=True)
    keys: dict[str, Any] = {**CROSS_SECTIONS, "covariates": ("x",), "adjustment": adjustment, "weights": "w"}

    def cells(w: FloatArray) -> Estimates:
        names = ("ln_tfp", "cohort", "x")
        weighed = selection({"w": w, **{one: rows.number(one) for one in names}}, rows.firm, rows.year)
        return estimate(weighed, **keys, aggregate=("simple",))

    ones, step = np.ones(len(rows.rows)), 1e-5
    at = cells(ones)
    for firm in (0, 2, 3, 7):
        up, down = (cells(ones + sign * step * (rows.firm == firm)) for sign in (1, -1))
        slope = (up.coefficients - down.coefficients) / (2 * step)
        own = at.influence[at.influence_firms == firm][0]
        # Central differences: what is left is of the order of step^2 and of rounding over step.
        assert own == pytest.approx(slope, abs=1e-7), firm


def test_a_shift_of_the_outcome_and_the_order_of_firms_do_not_matter() -> None:
    keys: dict[str, Any] = {**CROSS_SECTIONS, "covariates": ("x",)}
    rows, moved = panel(4), panel(4, shift=40.0)
    found, again = estimate(rows, **keys), estimate(moved, **keys)
    assert again.coefficients == pytest.approx(found.coefficients, abs=1e-10)
    assert again.covariance == pytest.approx(found.covariance, abs=1e-11)
    turned = selection({name: rows.number(name) for name in ("ln_tfp", "cohort", "x")}, 89 - rows.firm, rows.year)
    order = np.lexsort([turned.year, turned.firm])
    other = estimate(turned.take(order), **keys)  # type: ignore[arg-type]
    assert other.coefficients == pytest.approx(found.coefficients, abs=1e-12)


def test_firms_seen_once_count() -> None:
    """Every firm in one year alone: no pair of years, and four means."""
    draw = np.random.default_rng(6)
    firm = np.arange(400)
    year, cohort = np.where(firm % 2 == 0, 2020, 2021), np.where(firm % 4 < 2, 2021.0, np.nan)
    y = draw.normal(size=400)
    rows = selection({"ln_tfp": y, "cohort": cohort}, firm, year)
    found = estimate(rows, **CROSS_SECTIONS)
    means = {(d, t): y[(np.isfinite(cohort) == d) & (year == t)] for d in (True, False) for t in (2020, 2021)}
    expected = sum(
        sign * means[d, t].mean() for (d, t), sign in
        {(True, 2021): 1, (True, 2020): -1, (False, 2021): -1, (False, 2020): 1}.items()
    )  # fmt: skip
    spread = np.sqrt(sum(one.var() / one.size for one in means.values()))
    assert printed(found)["att[simple]"] == pytest.approx((expected, spread), rel=1e-12)
    assert found.n_obs == found.n_firms == 400
    with pytest.raises(EstimationError, match="seen in both years"):
        estimate(rows)


def test_rows_are_counted() -> None:
    rows = panel(7)
    x = np.where(np.arange(len(rows.rows)) % 9 == 0, np.nan, rows.number("x"))
    names = {name: rows.number(name) for name in ("ln_tfp", "cohort")}
    found = estimate(selection({**names, "x": x}, rows.firm, rows.year), covariates=("x",), **CROSS_SECTIONS)
    lost = int(np.isnan(x).sum())
    assert f"{lost:,} rows lack a covariate: they leave the cells of their year" in found.notes
    assert found.n_obs + sum(found.dropped.values()) == len(rows.rows)
    assert sum(found.dropped.values()) == lost
    assert "allow_unbalanced_panel = TRUE" in found.notes[-1]
    assert part(found, "callaway_santanna, cells").n_obs == found.n_obs


def test_a_level_without_treated_firms_in_a_year_is_named() -> None:
    """The doubly robust effect regresses treated firms too."""
    rows = panel(8)
    nace = ["B" if firm % 4 in (0, 1) and firm % 3 == 0 else "A" for firm in rows.firm]
    names = {name: rows.number(name) for name in ("ln_tfp", "cohort")}
    apart = selection({**names, "nace": nace}, rows.firm, rows.year)
    with pytest.raises(EstimationError, match=r"nobody is nace\[B\] among its treated firms"):
        estimate(apart, covariates=("nace",), **CROSS_SECTIONS)
    assert np.isfinite(estimate(apart, covariates=("nace",), adjustment="reg", **CROSS_SECTIONS).coefficients).all()


@pytest.mark.parametrize("level", [0, 1])
def test_a_level_of_one_side_is_named_in_pairs_too(level: int) -> None:
    """Of a text's most frequent level and of another: controls alone have it."""
    rows = panel(9, gaps=0.0)
    nace = [("A", "B")[level] if firm % 4 in (0, 1) and firm % 2 == 0 else ("B", "A")[level] for firm in rows.firm]
    names = {name: rows.number(name) for name in ("ln_tfp", "cohort")}
    apart = selection({**names, "nace": nace}, rows.firm, rows.year)
    with pytest.raises(EstimationError, match=r"only among controls|nobody is nace"):
        estimate(apart, covariates=("nace",), adjustment="ipw")
