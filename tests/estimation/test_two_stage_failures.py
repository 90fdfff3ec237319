"""Bad input to the estimators in two stages: each failure names the columns, the usual cause and what to try."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from estimation.productivity import ackerberg_caves_frazer, levinsohn_petrin, olley_pakes
from estimation.productivity.two_stage import solution
from panels.frame import Selection
from specs.errors import EstimationError
from tests.estimation.firms import fitted, simulate, with_columns
from tests.estimation.rows import selection
from tests.estimation.two_stage_firms import leaving

ROWS = simulate(120, 8)
METHODS = (levinsohn_petrin, olley_pakes, ackerberg_caves_frazer)


def failing(rows: Selection, method: Any, **changes: Any) -> str:
    with pytest.raises(EstimationError) as found:
        fitted(rows, method, **changes)
    text = str(found.value)
    assert text.startswith("productivity.tfp: ")
    return text


@pytest.mark.parametrize("method", METHODS)
def test_one_year_a_firm(method: Any) -> None:
    one = ROWS.take(ROWS.year == 2017)
    rows = Selection(np.arange(120), one.firm, one.year, one.columns, 120, {})
    assert "0 firms have a year before among 120 complete rows" in failing(rows, method)


@pytest.mark.parametrize("method", METHODS)
def test_a_proxy_of_zeros_is_missing_and_counted(method: Any) -> None:
    m = ROWS.number("m").copy()
    m[:50] = np.nan
    fit = fitted(with_columns(ROWS, m=m), method, degree=2)
    assert fit.dropped["missing m"] == 50
    nothing = failing(with_columns(ROWS, m=np.full(ROWS.n_panel, np.nan)), method)
    assert "is a column empty" in nothing


@pytest.mark.parametrize("method", METHODS)
def test_a_proxy_without_variation(method: Any) -> None:
    assert '"m" does not vary in these rows' in failing(with_columns(ROWS, m=np.full(ROWS.n_panel, 7.0)), method)
    text = failing(with_columns(ROWS, m=2 * ROWS.number("k") + 1), method)
    assert '"m" is a linear function of' in text
    assert "the proxy must move with productivity" in text


@pytest.mark.parametrize("method", METHODS)
def test_collinear_states(method: Any) -> None:
    text = failing(with_columns(ROWS, k2=3 * ROWS.number("k") - 1), method, state=("k", "k2"))
    assert '"k2" is a linear function of' in text
    assert "leave one out" in text


def test_labour_that_the_polynomial_determines() -> None:
    rows = with_columns(ROWS, l=ROWS.number("k") - 0.5 * ROWS.number("m") ** 2)
    text = failing(rows, levinsohn_petrin)
    assert 'the free input "l" has no variation of its own' in text
    assert "ackerberg_caves_frazer or wlp can" in text
    # There it stands in the polynomial, which is then rank-deficient.
    assert "is rank-deficient" in failing(rows, ackerberg_caves_frazer)


def test_an_input_of_few_values() -> None:
    rows = with_columns(ROWS, m=(ROWS.number("m") > 1).astype(float))
    text = failing(rows, levinsohn_petrin)
    assert "the polynomial of degree 3 in (k, m) is rank-deficient" in text
    assert "lower the degree" in text


@pytest.mark.parametrize("method", METHODS)
def test_too_few_firms(method: Any) -> None:
    few = ROWS.take(ROWS.firm < 20)
    rows = Selection(np.arange(120), few.firm, few.year, few.columns, 120, {})
    assert "20 firms with a year before, where two stages need 30" in failing(rows, method)
    short = ROWS.take((ROWS.firm < 40) & (ROWS.year > 2018))
    rows = Selection(np.arange(80), short.firm, short.year, short.columns, 80, {})
    assert "40 rows with a year before, where two stages need" in failing(rows, method, degree=2)


def test_a_first_stage_that_never_saw_a_year_before() -> None:
    two = ROWS.take(ROWS.year > 2018)
    kind = [f"{year} {'even' if firm % 2 else 'odd'}" for firm, year in zip(two.firm, two.year, strict=True)]
    rows = selection({name: two.number(name) for name in "ylkm"} | {"kind": kind}, two.firm, two.year)
    text = failing(rows, levinsohn_petrin, degree=1, sample="common", controls=("kind",))
    assert "120 rows are left out of the second stage" in text
    assert "0 firms are left" in text
    # With every complete row in the first stage nothing is lost.
    assert fitted(rows, levinsohn_petrin, degree=1, controls=("kind",)).groups[0].n_obs == 120


def test_inputs_that_never_move() -> None:
    """Nothing changes from year to year: labour's lag is labour, capital is capital's lag."""
    first = np.searchsorted(ROWS.firm, ROWS.firm)
    still = {name: ROWS.number(name)[first] for name in "lkm"}
    text = failing(with_columns(ROWS, **still), ackerberg_caves_frazer, degree=2)
    assert "not identified" in text or "no root" in text


def test_roots_at_infinity_are_none() -> None:
    # Labour that never moves: along its elasticity the cosines vanish as it grows without bound.
    still = with_columns(ROWS, l=ROWS.number("l")[np.searchsorted(ROWS.firm, ROWS.firm)])
    group = fitted(still, ackerberg_caves_frazer, degree=2).groups[0]
    assert group.diagnostics["roots"] == 1
    assert group.notes == ()


def test_an_output_without_variation_or_without_productivity() -> None:
    flat = with_columns(ROWS, y=np.full(ROWS.n_panel, 3.0))
    exact = with_columns(ROWS, y=0.6 * ROWS.number("l") + 0.4 * ROWS.number("k"))
    for method in METHODS:
        assert '"y" does not vary in these rows' in failing(flat, method)
        said = failing(exact, method, degree=2)
        assert "productivity does not vary: y is an exact function of the inputs" in said
    # So is what a translog's squares and products make.
    squares = with_columns(ROWS, y=0.6 * ROWS.number("l") + 0.1 * ROWS.number("k") ** 2)
    said = failing(squares, ackerberg_caves_frazer, degree=2, technology="translog")
    assert "productivity does not vary" in said


def test_a_translog_needs_squares() -> None:
    with pytest.raises(ValidationError, match="a polynomial of degree 1 beside a translog"):
        ackerberg_caves_frazer.Options(
            output="y", free=("l",), state=("k",), proxy="m", degree=1, technology="translog"
        )


def test_a_start_of_another_length() -> None:
    with pytest.raises(ValidationError, match="3 numbers for 2 inputs"):
        ackerberg_caves_frazer.Options(output="y", free=("l",), state=("k",), proxy="m", start=(0.5, 0.5, 0.1))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"markov_degree": 6}, "markov_degree"),
        ({"degree": 5}, "degree"),
        ({"sample": "some"}, "sample"),
        ({"steps": 2}, "steps"),
        ({"proxy": "l"}, "proxy"),
        ({"survival": {"degree": 5}}, "survival"),
        ({"survival": {"on": ("k",)}}, "survival"),
    ],
)
def test_options_refuse(changes: dict[str, Any], what: str) -> None:
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m"}
    with pytest.raises(ValidationError) as found:
        olley_pakes.Options.model_validate(keys | changes)
    error = found.value.errors()[0]
    assert what in [*error["loc"], *getattr((error.get("ctx") or {}).get("found"), "path", ())]


def test_defaults_are_the_documented_ones() -> None:
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m"}
    for method in METHODS:
        options = method.Options(**keys)
        assert (options.degree, options.markov_degree, options.sample, options.tfp_from) == (3, 3, "all", "residual")
    assert olley_pakes.Options(**keys).correction is None
    assert olley_pakes.Options(**keys, survival=True).correction == olley_pakes.SurvivalKeys(on=(), exit=None, degree=3)


def test_an_exit_flag_that_contradicts_the_panel() -> None:
    rows = leaving(200, 5)
    left = rows.number("left").copy()
    left[np.flatnonzero(left == 1)[:3]] = 0.0
    text = failing(
        with_columns(rows, left=left), olley_pakes, proxy="i", survival=olley_pakes.SurvivalKeys(exit="left")
    )
    assert "3 firms disappear before the panel's last year without left = 1" in text


def test_a_panel_without_exit() -> None:
    text = failing(ROWS, olley_pakes, survival=True)
    assert "no firm leaves before the panel's last year" in text


def test_a_column_of_survival_that_is_missing_everywhere() -> None:
    rows = with_columns(leaving(200, 5), z=np.full(leaving(200, 5).n_panel, np.nan))
    text = failing(rows, olley_pakes, proxy="i", survival=olley_pakes.SurvivalKeys(on=("z",)))
    assert "no row has z" in text


def test_rows_without_a_probability_of_survival_are_counted() -> None:
    rows = leaving(300, 5)
    z = rows.number("z").copy()
    z[::10] = np.nan
    whole = fitted(rows, olley_pakes, proxy="i", degree=1, survival=olley_pakes.SurvivalKeys(on=("z",), degree=1))
    fit = fitted(
        with_columns(rows, z=z), olley_pakes, proxy="i", degree=1,
        survival=olley_pakes.SurvivalKeys(on=("z",), degree=1),
    )  # fmt: skip
    lost = whole.groups[0].n_obs - fit.groups[0].n_obs
    assert lost > 0
    assert fit.equations["2"].dropped["missing z in the year before"] == lost
    assert (
        f"{lost} rows stand in equation 1 alone: the year before lacks z for the probability of survival" in fit.notes
    )


def test_columns_and_equations_read_like_the_papers() -> None:
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "i", "controls": ("nace",)}
    options = olley_pakes.Options(**keys, survival=olley_pakes.SurvivalKeys(on=("age",), exit="left"))
    assert olley_pakes.columns(options) == ("y", "l", "k", "i", "nace", "age", "left")
    assert olley_pakes.equations(options).splitlines() == [
        "(1) y(t) = b[l] l(t) + C(t) lambda + e(t), by least squares; phi(t) = C(t) lambda",
        "(2) P(t) = Pr(there in a later year): a probit of degree 3 in (k, i, age)(t-1)",
        "(3) w(t) = phi(t) - b[k] k(t), g(w(t-1), P(t)) its least-squares polynomial of degree 3, beside nace of t; "
        "minimise the sum of (y(t) - b[l] l(t) - b[k] k(t) - g(w(t-1), P(t)))^2",
        "C: the constant; all monomials of (k, i) up to degree 3; the controls nace",
    ]
    translog = ackerberg_caves_frazer.Options(output="y", free=("l",), state=("k",), proxy="m", technology="translog")
    assert ackerberg_caves_frazer.equations(translog).splitlines() == [
        "(1) y(t) = C(t) lambda + e(t), by least squares; phi(t) = C(t) lambda",
        "(2) w(t) = phi(t) - b[l] l(t) - b[k] k(t) - b[l^2] l(t)^2 - b[l*k] l(t)*k(t) - b[k^2] k(t)^2 = g(w(t-1)) + "
        "xi(t), g a polynomial of degree 3; the sum of z(t) xi(t) is zero, z(t): l(t-1), k(t), l(t-1)^2, l(t-1)*k(t), "
        "k(t)^2",
        "C: the constant; all monomials of (l, k, m) up to degree 3",
    ]


def test_a_selection_in_another_order_is_refused() -> None:
    rows = selection({name: ROWS.number(name)[::-1] for name in "ylkm"}, ROWS.firm[::-1], ROWS.year[::-1])
    with pytest.raises(AssertionError):
        fitted(rows, levinsohn_petrin)


def test_flags_of_exit_that_say_nothing_or_the_reverse() -> None:
    rows = leaving(200, 5)
    left = rows.number("left")
    keys = {"proxy": "i", "survival": olley_pakes.SurvivalKeys(exit="left")}

    def told(flag: Any) -> str:
        return failing(with_columns(rows, left=flag), olley_pakes, **keys)

    assert 'the exit flag "left" has no value in any row' in told(np.full(rows.n_panel, np.nan))
    nobody = told(np.zeros(rows.n_panel))
    assert f"is 1 in no row, while {int(left.sum())} firms disappear" in nobody
    assert "leave it out: a firm then exits after its last row" in nobody
    there = told(1.0 - left)
    assert "it reads like a status of survival, 1 while the firm is there" in there
    one = left.copy()
    one[np.flatnonzero(left == 1)[0]] = 0.0
    assert "1 firm disappears before the panel's last year without left = 1" in told(one)


def test_a_start_far_outside() -> None:
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m"}
    with pytest.raises(ValidationError, match="60 is no elasticity of l"):
        ackerberg_caves_frazer.Options(**keys, start=(60.0, 30.0))
    assert ackerberg_caves_frazer.Options(**keys, start=(-9.9, 9.9)).start == (-9.9, 9.9)
    assert ackerberg_caves_frazer.FARTHEST_START == solution.BOXES[-1][1] == -solution.BOXES[-1][0]


@pytest.mark.parametrize("method", METHODS)
def test_two_firms_and_one(method: Any) -> None:
    for firms in (1, 2):
        few = ROWS.take(ROWS.firm < firms)
        n = len(few.firm)
        text = failing(Selection(np.arange(n), few.firm, few.year, few.columns, n, {}), method)
        assert ("1 firm has a year before" if firms == 1 else "2 firms with a year before") in text
        assert "1 firms" not in text


def test_groups_of_one_firm_are_pooled() -> None:
    groups = ["alone" if firm == 0 else "others" for firm in ROWS.firm]
    rows = selection({name: ROWS.number(name) for name in "ylkm"} | {"g": groups}, ROWS.firm, ROWS.year)
    for method in METHODS:
        alone, others = fitted(rows, method, degree=2, separately_by=("g",)).groups
        assert (alone.rung, others.rung) == ("two stages, pooled over all", "two stages")
        assert alone.notes[0].startswith("g alone: 1 firm has a year before")


@pytest.mark.parametrize("method", METHODS)
def test_a_proxy_that_stands_still_in_many_rows_is_told(method: Any) -> None:
    m = ROWS.number("m").copy()
    m[: ROWS.n_panel // 2] = 0.0
    notes = fitted(with_columns(ROWS, m=m), method, degree=2).groups[0].notes
    assert any(note.startswith("50 per cent of the rows have m = 0: a proxy that stands still") for note in notes)
    plain = fitted(ROWS, method, degree=2).groups[0].notes
    assert not any("stands still" in note for note in plain)


@pytest.mark.parametrize("method", METHODS)
def test_a_proxy_that_falls_with_productivity_is_told(method: Any) -> None:
    falling = with_columns(ROWS, m=0.8 * ROWS.number("k") - ROWS.number("m"))
    group = fitted(falling, method, degree=1).groups[0]
    assert group.diagnostics["share_phi_rises_in_proxy"] == 0.0
    assert any(note.startswith("the control function falls in the proxy in 100.0 per cent") for note in group.notes)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("column", ["m", "k", "l"])
def test_a_control_that_is_an_input_stands_in_neither_stage(method: Any, column: str) -> None:
    rows = with_columns(ROWS, copy=ROWS.number(column))
    if column == "l" and method is not ackerberg_caves_frazer:
        text = failing(rows, method, degree=2, controls=("copy",))
        assert text.endswith("Or is one of the controls (copy) a function of it?")
        return
    plain = fitted(ROWS, method, degree=2).groups[0]
    group = fitted(rows, method, degree=2, controls=("copy",)).groups[0]
    assert any(note.startswith("control copy is left out of both stages: it is a function of") for note in group.notes)
    np.testing.assert_allclose(group.coefficients, plain.coefficients, rtol=1e-9)
    np.testing.assert_allclose(group.covariance, plain.covariance, rtol=1e-7)
