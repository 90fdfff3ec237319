"""The points of a specification curve: one coefficient of every case, in ascending order."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from estimation.designs.cross_section import Options, fit
from estimation.figures.cases import ShownCase, ShownCases
from estimation.figures.question import FigureQuestion
from estimation.registry import FIGURES
from estimation.results import Estimates, Failed
from estimation.shown import CasePoint, Figure
from specs.errors import EstimationError
from tests.estimation.rows import selection


@cache
def model(formula: str = "y ~ d + x", errors: str = "HC1") -> Estimates:
    rng = np.random.default_rng(5)
    d, x = (rng.random(200) < 0.4) * 1.0, rng.normal(size=200)
    rows = selection({
        "y": 0.3 * d + 0.5 * x + rng.normal(size=200), "d": d, "e": (rng.random(200) < 0.3) * 1.0, "x": x,
        "s": [("a", "b", "c")[k % 3] for k in range(200)],
    })  # fmt: skip
    found: Estimates = fit("m", Options.model_validate({"formula": formula, "errors": errors}), rows, None)
    return found


def with_estimate(value: float) -> Estimates:
    found = model()
    coefficients = found.coefficients.copy()
    coefficients[found.terms.index("d")] = value
    return replace(found, coefficients=coefficients)


def curve(*results: Estimates | Failed, terms: tuple[str, ...] | str = "d", drawn_from: int = 0) -> Figure:
    every = (terms,) * len(results) if isinstance(terms, str) else terms
    cases = tuple(
        ShownCase(f"g[{k}]", "", {"errors": f"HC{k}"}, k == 1, term, one)
        for k, (one, term) in enumerate(zip(results, every, strict=True), 1)
    )
    question = FigureQuestion("f", "specification_curve", ("g",), None, None, 10)
    found: Figure = FIGURES["specification_curve"].compute(question, None, {"g": ShownCases("m", drawn_from, cases)})
    return found


def points(figure: Figure) -> list[CasePoint]:
    return [one for one in figure.series if isinstance(one, CasePoint)]


def test_a_point_is_the_coefficient_of_its_case() -> None:
    fits = [model(formula, errors) for formula in ("y ~ d", "y ~ d + x") for errors in ("HC1", "HC3")]
    found = points(curve(*fits))
    assert len(found) == 4
    for one in found:
        number = int(one.case[2:-1])
        own = fits[number - 1]
        k = own.terms.index("d")
        assert (one.of, one.label, one.settings) == ("g", f"errors = HC{number}", {"errors": f"HC{number}"})
        assert (one.main, one.status, one.reason, one.design) == (number == 1, "ok", None, "cross_section")
        told = (one.estimate, one.std_error, one.p_value, one.conf_low, one.conf_high, one.n_obs, one.n_firms)
        assert told == (
            own.coefficients[k], own.std_errors[k], own.p_values[k], own.conf_low[k], own.conf_high[k], own.n_obs,
            own.n_firms_term[k],
        )  # fmt: skip


def test_points_ascend_and_ties_keep_the_order_of_the_cases() -> None:
    found = points(curve(*(with_estimate(value) for value in (0.3, -1.0, 0.3, 0.0, -1.0, 0.3))))
    assert [one.case for one in found] == ["g[2]", "g[5]", "g[4]", "g[1]", "g[3]", "g[6]"]


def test_the_order_of_the_cases_does_not_matter_where_estimates_differ() -> None:
    values = [0.3, -1.0, 0.7, 0.0, -2.0]
    one, other = (points(curve(*map(with_estimate, order))) for order in (values, values[::-1]))
    assert [point.estimate for point in one] == [point.estimate for point in other] == sorted(values)


def test_what_has_no_estimate_stays_with_its_reason() -> None:
    failed = Failed("g[1]", "cross_section", "no rows are left")
    found = points(curve(failed, with_estimate(0.2), model("y ~ x"), with_estimate(float("nan")), with_estimate(0.1)))
    assert [(one.case, one.status) for one in found] == [
        ("g[5]", "ok"), ("g[2]", "ok"), ("g[1]", "failed"), ("g[3]", "no_term"), ("g[4]", "no_term"),
    ]  # fmt: skip
    assert [one.reason for one in found[2:]] == [
        "no rows are left", 'it has no term "d"', 'its coefficient of "d" is not estimated',
    ]  # fmt: skip
    assert all(np.isnan(one.estimate) and one.n_obs is None and one.n_firms is None for one in found[2:])


def test_a_case_that_swaps_the_name_has_its_own_term() -> None:
    found = points(curve(model("y ~ d + x"), model("y ~ e + x"), terms=("d", "e")))
    assert {one.case: one.term for one in found} == {"g[1]": "d", "g[2]": "e"}


def test_without_a_term_the_only_one_that_is_no_level_is_drawn() -> None:
    assert points(curve(model("y ~ d + s"), terms=""))[0].term == "d"
    with pytest.raises(EstimationError, match=r"several terms could be drawn in g\[1\], keep one of d, x"):
        curve(model("y ~ d + x + s"), terms="")


def test_a_factor_is_drawn_where_it_has_one_level() -> None:
    assert points(curve(model("y ~ s + x"), terms="s[b]"))[0].term == "s[b]"
    with pytest.raises(EstimationError, match=r'"s" has several levels in g\[1\], keep one of s\[b\], s\[c\]'):
        curve(model("y ~ s + x"), terms="s")


def test_indicators_of_separate_technologies_are_not_drawn() -> None:
    found = replace(with_estimate(1.0), not_gaps=("d",))
    assert points(curve(with_estimate(0.0), found))[-1].status == "no_term"


def test_nothing_to_draw_says_why() -> None:
    failed = Failed("g[1]", "cross_section", "no rows are left")
    with pytest.raises(EstimationError, match=r'no case has an estimate: no rows are left; it has no term "d"'):
        curve(failed, failed, model("y ~ x"))


def test_cases_that_were_drawn_are_said() -> None:
    assert curve(model(), drawn_from=1).notes == ()
    assert curve(model(), drawn_from=864).notes == ("g: 1 of 864 cases of m, drawn at random",)
