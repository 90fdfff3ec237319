"""Answers that are taken back: the rates of mistakes that they allow, and the effect under them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from estimation.designs.did import Options, fit
from estimation.did.misclassification import Answers, mistakes_of, told_of_mistakes
from specs.errors import EstimationError
from tests.estimation.rows import selection


def expected(shares: tuple[float, float, float], a0: float, a1: float, total: float = 1e7) -> Answers:
    """The pairs of answers of firms that never use, begin, use already, without chance."""
    never, begin, use = shares
    nn = never * (1 - a0) ** 2 + begin * (1 - a0) * a1 + use * a1**2
    ny = never * (1 - a0) * a0 + begin * (1 - a0) * (1 - a1) + use * a1 * (1 - a1)
    yn = never * a0 * (1 - a0) + begin * a0 * a1 + use * (1 - a1) * a1
    yy = never * a0**2 + begin * a0 * (1 - a1) + use * (1 - a1) ** 2
    return Answers(*(round(total * one) for one in (nn, ny, yn, yy)))


@settings(max_examples=60, deadline=None)
@given(st.floats(0.02, 0.3), st.floats(0.0, 0.08), st.floats(0.0, 0.08), st.floats(0.01, 0.3))
def test_the_truth_lies_between_the_bounds(begin: float, a0: float, a1: float, use: float) -> None:
    """Whatever the two rates: the share by which they weaken the effect is one of the possible ones."""
    never = 1 - begin - use
    answers = expected((never, begin, use), a0, a1)
    found = mistakes_of(answers)
    if found is None:
        return
    total = answers.no_no + answers.no_yes + answers.yes_no + answers.yes_yes
    truth = begin * (1 - a0) * ((1 - a1) * total / answers.no_yes - a1 * total / answers.no_no)
    # Counts are rounded to 1 in 10 million; the grid over each rate has 401 points.
    assert found.lowest - 2e-3 <= truth <= found.highest + 2e-3


def test_mistakes_of_one_kind() -> None:
    """By hand: of 100 that say yes first, 60 say yes again; 10 take it back."""
    answers = Answers(no_no=790, no_yes=100, yes_no=10, yes_yes=100)
    found = mistakes_of(answers)
    assert found is not None
    assert (found.false_yes, found.false_no) == pytest.approx((10 / 800, 10 / 110), rel=1e-12)
    only_yes, only_no = 90 / 100, 90 * (1 / 100 - 10 / (100 * 790))
    assert (found.highest, found.lowest) == pytest.approx((only_yes, only_no), rel=1e-9)
    kept = mistakes_of(Answers(790, 100, 10, 100, kept=True))
    assert kept is not None
    assert kept.highest == pytest.approx(only_yes, rel=1e-9)


def test_what_is_said() -> None:
    record, notes = told_of_mistakes(Answers(790, 100, 10, 100), 0.09, -0.009, 0.18)
    assert record["n_firms"] == record["yes_no"] == 10
    assert (record["effect_low"], record["effect_high"]) == pytest.approx((0.1, 0.09 / record["attenuation_low"]))
    assert (record["conf_low"], record["conf_high"]) == pytest.approx(
        (-0.009 / record["attenuation_low"], 0.18 / record["attenuation_low"])
    )
    assert notes[0].startswith("misclassification: if nobody stops, a yes that 10 firms took back later")
    none, said = told_of_mistakes(Answers(790, 100, 0, 100), 0.09, 0, 0.18)
    assert "effect_low" not in none
    assert said == ("misclassification: no firm says yes, then no: no answer has to be a mistake",)
    wild, said = told_of_mistakes(Answers(790, 20, 30, 100), 0.09, 0, 0.18)
    assert wild["effect_low"] is None
    assert "set no bound" in said[0]


@pytest.mark.parametrize(("a0", "a1"), [(0.05, 0.0), (0.0, 0.1), (0.03, 0.05)])
def test_the_effect_is_found_under_mistakes(a0: float, a1: float) -> None:
    """A known process: 60,000 firms, an effect of 0.5 on those that begin, users before with an effect that stays."""
    draw = np.random.default_rng(int(1000 * (a0 + 2 * a1)))
    many = 60_000
    kind = draw.choice(3, size=many, p=(0.7, 0.2, 0.1))  # never, begins, uses already
    uses = np.column_stack([kind == 2, kind >= 1])
    says = np.where(uses, draw.random((many, 2)) >= a1, draw.random((many, 2)) < a0)
    years = np.array([2020, 2021, 2023])
    firm, year = np.repeat(np.arange(many), 3), np.tile(years, many)
    y = draw.normal(size=many)[firm] + 0.1 * (year - 2020) + 0.5 * ((kind[firm] == 1) & (year == 2023))
    y = y + 0.3 * draw.normal(size=firm.size)
    ai = np.where(year == 2021, says[firm, 0], np.where(year == 2023, says[firm, 1], np.nan))
    options = Options.model_validate({"outcome": "y", "adoption": {"indicator": "ai", "waves": (2021, 2023)}})
    found = fit("m", options, selection({"y": y, "ai": ai}, firm, year), None)
    assert found.sensitivity is not None
    record = found.sensitivity["misclassification"]
    assert found.coefficients[0] < 0.48
    # Two standard errors, and what chance does to the shares.
    assert record["effect_low"] - 0.02 < 0.5 < record["effect_high"] + 0.02


def interviews(days: list[str | None], **adoption: object) -> tuple[str, ...]:
    """Forty firms asked in 2021 and 2023, the first of them on these days of the wave of 2021."""
    firm, year = np.repeat(np.arange(40), 3), np.tile((2020, 2021, 2023), 40)
    draw = np.random.default_rng(1)
    ai = np.where(year == 2021, 0.0, np.where(year == 2023, firm % 2, np.nan))
    day = [
        None if when == 2020 else "2023-06-15" if when == 2023 else days[one] if one < len(days) else "2021-06-15"
        for one, when in zip(firm.tolist(), year.tolist(), strict=True)
    ]
    waves = {"indicator": "ai", "waves": (2021, 2023), "dates": "day", **adoption}
    options = Options.model_validate({"outcome": "y", "adoption": waves})
    rows = selection({"y": draw.normal(size=120), "ai": ai, "day": day}, firm, year)
    return fit("m", options, rows, None).notes


def test_days_of_interviews() -> None:
    told = interviews(["2020-12-10", "2020-12-31", None])
    assert "nine in ten interviews of 2021 lie between 2020-12 and 2021-06; of 1 firm the day is not known" in told
    assert "nine in ten interviews of 2023 lie between 2023-06 and 2023-06" in told
    assert "2 firms answered in 2021 before the base year 2020 was over: they may begin in it" in told
    assert not any("before the base year" in note for note in interviews([]))
    late = interviews(["2022-01-10"] * 40)
    assert "every answer of 2021 came after 2021: with base_year: 2021 no year is lost" in late
    with pytest.raises(EstimationError, match="is no day"):
        interviews(["soon"])
    with pytest.raises(ValidationError, match="dates without waves"):
        Options.model_validate({"outcome": "y", "adoption": {"indicator": "ai", "dates": "day"}})
