"""What a logit or probit cannot estimate, and says; its draws; its keys at the first gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from estimation.bootstrap import blocks
from estimation.chain import bootstrap_design, design_std_errors
from estimation.design_draws import meat_of_scores
from estimation.designs.cross_section import Options, equations, fit, resampler
from estimation.results import Estimates
from panels.frame import Selection
from specs.errors import EstimationError
from tests.estimation.duplicates import duplicated
from tests.estimation.rows import selection
from tests.estimation.test_choice import BASE, FIRM, PLAIN, answers, estimate
from tests.estimation.test_cross_section_options import bound, valid


def with_levels(rows: Selection, levels: list[str], **more: Any) -> Selection:
    taken = {name: rows.number(name) for name in ("y", "x", "z", "d", "w")}
    return selection({**taken, **more, "size": levels}, rows.firm, rows.year)


def told(seed: int = 5) -> Selection:
    """All 40 rows of level t say yes, all 30 of level u no."""
    rows = answers(seed)
    levels = [("a", "b", "c")[code] for code in rows.columns["size"].codes]  # type: ignore[union-attr]
    y = rows.number("y").copy()
    for level, value, count in (("t", 1, 40), ("u", 0, 30)):
        chosen = np.flatnonzero(y == value)[:count]
        levels = [level if row in set(chosen.tolist()) else one for row, one in enumerate(levels)]
    return with_levels(rows, levels, y=y)


@pytest.mark.parametrize("method", ["logit", "probit"])
def test_levels_that_tell_the_outcome_leave_with_their_rows(method: str) -> None:
    rows = told()
    codes = np.asarray(rows.columns["size"].codes)  # type: ignore[union-attr]
    found = estimate(method, PLAIN, rows, errors=FIRM, **BASE)
    without = estimate(method, PLAIN, rows.take(codes < 3), errors=FIRM, **BASE)
    assert found.terms == (*without.terms, "size[t]", "size[u]")
    np.testing.assert_array_equal(found.coefficients[:5], without.coefficients)
    np.testing.assert_array_equal(found.std_errors[:5], without.std_errors)
    assert np.isnan(found.coefficients[5:]).all()
    assert found.n_firms_term[5:].tolist() == [len(np.unique(rows.firm[codes == level])) for level in (3, 4)]
    assert found.dropped == {"a level tells y for certain": 70}
    assert found.n_obs == 830
    assert any(note.startswith("size[t], size[u]: all rows have the same y") for note in found.notes)
    # The limit of the likelihood with the levels in: a hair of doubt in each.
    y = rows.number("y").copy()
    for level in (3, 4):
        one = np.flatnonzero(codes == level)[0]
        y[one] = 1 - y[one]
    weight = np.where(y != rows.number("y"), 1e-7, 1.0)
    almost = estimate(method, PLAIN, selection(
        {"y": y, "x": rows.number("x"), "d": rows.number("d"), "z": rows.number("z"), "v": weight,
         "size": [rows.columns["size"].levels[code] for code in codes]}, rows.firm, rows.year), weights="v", **BASE)  # type: ignore[union-attr]  # fmt: skip
    assert found.parts[0].terms == (*without.parts[0].terms, "size[t]", "size[u]")
    np.testing.assert_array_equal(found.parts[0].coefficients[:-2], without.parts[0].coefficients)
    assert np.isnan(found.parts[0].coefficients[-2:]).all()
    kept = [almost.parts[0].terms.index(term) for term in without.parts[0].terms]
    # The doubt weighs 1e-7 of a row, and the coefficients of the others feel about as much.
    assert almost.parts[0].coefficients[kept] == pytest.approx(without.parts[0].coefficients, rel=1e-4)


def test_a_base_level_that_the_spec_names_may_not_tell_the_outcome() -> None:
    with pytest.raises(EstimationError, match=r'without the rows of size\[t\], size\[u\], which tell y.* no level "t"'):
        estimate("probit", PLAIN, told(), reference={"size": "t"})


@pytest.mark.parametrize("method", ["logit", "probit"])
def test_separation_is_named(method: str) -> None:
    rows = answers()
    y = rows.number("y")
    levels = ["a"] * 450 + ["b"] * 450
    step = np.where(y == 1, 1.0, rows.number("d"))
    with pytest.raises(EstimationError, match="every row with d = 0 has y = 0: d tells the outcome for certain there"):
        estimate(method, PLAIN, with_levels(rows, levels, d=step))
    apart = rows.number("x") + 100 * y
    with pytest.raises(EstimationError, match="by x alone: where it is 0 all values lie below those where it is 1"):
        estimate(method, "y ~ x + z", with_levels(rows, levels, x=apart))
    x = rows.number("x") + np.sqrt(np.arange(900))
    with pytest.raises(
        EstimationError, match=r"told for certain in \d+ rows by (z, x|x, z): a combination of the terms"
    ):
        estimate(method, "y ~ x + z", with_levels(rows, levels, x=x, z=x + 3 * y + rows.number("d")))
    only = [level if value == 1 else "n" for level, value in zip(levels, y, strict=True)]
    with pytest.raises(EstimationError, match="size tell y for certain: no level has both of its values"):
        estimate(method, "y ~ size", with_levels(rows, only))


@pytest.mark.parametrize("method", ["logit", "probit"])
def test_outcomes_that_are_no_answers(method: str) -> None:
    rows = answers()
    levels = ["a", "b"] * 450
    codes = np.where(np.arange(900) % 50 == 0, 9.0, rows.number("y"))
    with pytest.raises(EstimationError, match=r"y must be 0 or 1, and it is another number in 18 rows \(9\)"):
        estimate(method, "y ~ x", with_levels(rows, levels, y=codes))
    with pytest.raises(EstimationError, match=r"another number in 900 rows; declare a variable") as found:
        estimate(method, "y ~ z", with_levels(rows, levels, y=rows.number("x")))
    # A firm's own number is nobody's business.
    assert "." not in str(found.value).partition("rows;")[0]
    with pytest.raises(EstimationError, match="y is 1 in every row: there is nothing to explain"):
        estimate(method, "y ~ x", with_levels(rows, levels, y=np.ones(900)))


def test_no_effect_where_no_row_could_stand() -> None:
    rows = answers()
    nace = ["A" if one < 500 else "B" for one in range(900)]
    size = ["a" if row < 300 or (row >= 500 and row % 2) else "b" for row in range(900)]
    # No row of nace B has size c.
    size = ["c" if row < 400 and row % 3 == 0 else one for row, one in enumerate(size)]
    taken = {name: rows.number(name) for name in ("y", "x")}
    both = selection({**taken, "nace": nace, "size": size}, rows.firm, rows.year)
    found = estimate("logit", "y ~ x + nace*size", both, reference={"size": "a", "nace": "A"}, errors=FIRM)
    values = dict(zip(found.terms, found.coefficients, strict=True))
    assert np.isnan(values["size[c]"])
    assert np.isnan(values["nace[B]"])
    assert np.isfinite([values["x"], values["size[b]"]]).all()
    assert np.isfinite(found.std_errors[[found.terms.index(term) for term in ("x", "size[b]")]]).all()
    assert any("nace[B], size[c]: no effect, since it would put rows into combinations" in note for note in found.notes)


def again(method: str, rows: Selection, **keys: Any) -> tuple[Estimates, Any]:
    options = Options.model_validate({"method": method, "formula": PLAIN, "errors": FIRM, **BASE, **keys})
    return fit("m", options, rows, None), resampler(options, rows, None)


@pytest.mark.parametrize("method", ["logit", "probit"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_a_draw_is_the_estimate_on_the_drawn_firms(method: str, weights: str | None) -> None:
    rows = told()
    rows = rows.take(np.asarray(rows.columns["size"].codes) != 4)  # type: ignore[union-attr]
    found, draws = again(method, rows, weights=weights)
    index = found.parts[0]
    assert draws.terms == (*found.terms, *(f"{method}, index: {term}" for term in index.terms))
    n = int(rows.firm.max()) + 1
    counts = np.vstack([np.ones(n), np.random.default_rng(2).multinomial(n, np.full(n, 1 / n), size=2)])
    drawn = draws.draw(counts)
    both = np.append(found.coefficients, index.coefficients)
    # Newton's method ends within rounding of the maximum, from wherever it begins.
    np.testing.assert_allclose(drawn.coefficients[0], both, rtol=1e-9)
    for number in (1, 2):
        many, _ = duplicated(rows, counts[number])
        refit, _ = again(method, many, weights=weights)
        there = np.append(refit.coefficients, refit.parts[0].coefficients)
        np.testing.assert_allclose(drawn.coefficients[number], there, rtol=1e-9)
    # Standard errors of a draw are those of its influence functions, without the factor.
    once = blocks(1, np.arange(n), n)
    errors = design_std_errors(draws, drawn, once, counts)
    clusters = found.errors.clusters["firm"]
    factor = clusters / (clusters - 1) * (found.n_obs - 1) / (found.n_obs - len(index.terms) + 1)
    known = ~np.isnan(both)
    own = np.append(found.std_errors, index.inference.std_errors)
    np.testing.assert_allclose(errors[0][known] * np.sqrt(factor), own[known], rtol=1e-8)


def test_a_level_that_tells_the_outcome_in_a_draw_has_no_effect_there() -> None:
    rows = answers()
    size = ["r" if row in (5, 400) else ("a", "b")[row % 2] for row in range(900)]
    y = rows.number("y").copy()
    y[[5, 400]] = [0, 1]
    rows = with_levels(rows, size, y=y)
    found, draws = again("probit", rows)
    n = int(rows.firm.max()) + 1
    counts = np.ones((2, n))
    counts[0, rows.firm[5]] = 0
    counts[1, rows.firm[[5, 400]]] = 0
    drawn = draws.draw(counts).coefficients
    lost = [number for number, term in enumerate(draws.terms) if "size[r]" in term]
    assert np.isnan(drawn[:, lost]).all()
    others = [number for number in range(len(draws.terms)) if number not in lost]
    assert np.isfinite(drawn[:, others]).all()
    kept = rows.take(~np.isin(rows.firm, rows.firm[[5, 400]]))
    np.testing.assert_allclose(drawn[1, others[:4]], again("probit", kept)[0].coefficients, rtol=1e-9)
    summary = bootstrap_design(draws, blocks(4, np.arange(n), n), 40)
    assert summary.undefined[lost].max() > 0
    # Draws of firms and the clustered closed form see the same sampling error: 40 draws know it to about a tenth.
    place = found.terms.index("x")
    assert summary.std_errors[place] == pytest.approx(found.std_errors[place], rel=0.4)


def test_scores_of_stretches_are_those_of_all() -> None:
    _, draws = again("logit", answers())
    n = len(draws.firms)
    drawn = draws.draw(np.ones((2, int(draws.firms.max()) + 1)))
    whole = drawn.scores(0, n)
    np.testing.assert_allclose(np.concatenate([drawn.scores(0, 7), drawn.scores(7, n)], axis=2), whole)
    # At the maximum they sum to zero.
    np.testing.assert_allclose(whole.sum(axis=2), 0, atol=1e-9)
    own, crossed = drawn.meat(0, n, np.ones((2, n)), whole)
    np.testing.assert_allclose(own, meat_of_scores(whole, np.ones((2, n)), whole)[0])
    np.testing.assert_allclose(crossed, own)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("formula: ai ~ tfp\nmethod: probit\nerrors: HC3", "3:9", "HC3 beside method: probit, leverages scale"),
        ("formula: ai ~ tfp\nmethod: logit\nerrors: classical\nweights: w", "3:9", "write HC1"),
        ("formula: log(ai) ~ tfp\nmethod: logit", "1:14", "the outcome log(ai) is no answer"),
        ("formula: ai ~ tfp - 1\nmethod: logit", "1:10", "no constant beside method: logit"),
        ("formula: ai ~ 1\nmethod: logit", "1:10", "no term besides the constant"),
        ("formula: ai ~ tfp\nmethod: probit\ntfp_uncertainty: include", "3:18", "include beside method: probit"),
        (
            "formula: y ~ ai\nmethod: quantile\nbalance: {method: entropy, covariates: [z]}",
            "3:1",
            "balance beside method",
        ),
        ("formula: ai ~ tfp\nquantiles: [0.5]", "2:1", "quantiles are a key of method: quantile"),
        ("formula: y ~ x\nmethod: quantile\nquantiles: 0.9", "3:12", "write quantiles: [0.9]"),
        ("formula: y ~ x\nmethod: quantile\nquantiles: [0.5, 90]", "3:18", "write 0.9"),
        ("formula: y ~ x\nmethod: quantile\nquantiles: [0.5, 0.5]", "3:18", "stands twice"),
        ("formula: y ~ x\nmethod: quantile\nquantiles: []", "3:12", "an empty list"),
        ("formula: y ~ x\nmethod: quantile\nquantiles: [1]", "3:13", "1 is not a quantile"),
        ("formula: y ~ x\nmethod: quantile\nerrors: HC2", "3:9", "HC2 beside method: quantile"),
    ],
)
def test_mistakes_have_their_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    _, problems = bound(tmp_path, text + "\n")
    assert len(problems) == 1
    assert f"{problems[0].position.line}:{problems[0].position.column}" == place
    assert words in str(problems[0])


def test_terms_are_columns_and_equations_are_in_symbols(tmp_path: Path) -> None:
    options = valid(tmp_path, "formula: ai ~ log(x)*size + (x)^2\nmethod: probit\nerrors: {cluster: [firm]}\n")
    assert options.term_names() == ("x", "size")
    text = equations(options)
    assert text.startswith("Pr(ai_it = 1 | x) = Phi(x b), x b = b0 + b1 log(x_it) + b2 size_it")
    assert "J = d(effects)/db" in text
    options = valid(tmp_path, "formula: tfp ~ ai\nmethod: quantile\nquantiles: [0.1, 0.5]\nerrors: {bootstrap: {}}\n")
    assert options.quantiles_asked == (0.1, 0.5)
    assert "q = 0.1, 0.5" in equations(options)
    assert "499 draws" in equations(options)
    assert valid(tmp_path, "formula: tfp ~ ai\nmethod: quantile\nweights: w\n").quantiles_asked == (0.5,)
