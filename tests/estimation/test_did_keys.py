"""Which estimator has which key of a difference-in-differences, and event times of the same cohorts throughout."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from estimation.designs.did import Options
from estimation.designs.did_keys import ESTIMATORS
from estimation.results import Estimates
from panels.frame import Selection
from specs.errors import EstimationError
from tests.estimation.did_reference import estimate, part, printed
from tests.estimation.rows import did_panel, selection

COHORT: dict[str, Any] = {"outcome": "y", "adoption": {"cohort": "g"}}
OTHER: dict[str, Any] = {
    "adjustment": "reg", "control_group": "not_yet_treated", "base_period": "varying", "anticipation": 1,
    "unbalanced": "repeated_cross_sections", "covariates": ("size_idx",), "weights": "weight",
    "effects": ("nace^year",), "balance_event": 1,
}  # fmt: skip
"""Each key with another value than its default."""


@cache
def panel() -> Selection:
    """A ninth of the reference panel, with rows missing."""
    rows = did_panel()
    return rows.take((rows.firm % 9 == 0) & ((rows.firm + rows.year) % 13 != 0))


@cache
def plainly(estimator: str, covariates: tuple[str, ...]) -> Estimates:
    return estimate(panel(), estimator=estimator, covariates=covariates)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("key", OTHER)
def test_a_key_moves_the_numbers_of_an_estimator_or_is_refused(estimator: str, key: str) -> None:
    beside = {"covariates": ("size_idx",)} if key == "adjustment" else {}
    try:
        found = estimate(panel(), estimator=estimator, **beside, **{key: OTHER[key]})
    except ValidationError as error:
        assert f"{key} beside {estimator}" in str(error)  # noqa: PT017
        return
    plain = plainly(estimator, beside.get("covariates", ()))
    cells = [printed(part(one, f"{estimator}, cells")) if estimator == "callaway_santanna" else {}
             for one in (found, plain)]  # fmt: skip
    assert printed(found) | cells[0] != printed(plain) | cells[1]


def test_balanced_is_of_every_estimator() -> None:
    for estimator in ESTIMATORS:
        found = estimate(panel(), estimator=estimator, unbalanced="balanced")
        assert found.dropped["the firm is not seen in every year"] > 0, estimator


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"estimator": "twfe", "control_group": "never_treated"}, "its controls are all that is not treated"),
        ({"estimator": "imputation", "adjustment": "dr"}, "take callaway_santanna"),
        ({"estimator": ("imputation", "twfe"), "base_period": "varying"}, "none of them has it"),
        ({"estimator": "stacked", "unbalanced": "pairwise"}, "write unbalanced: balanced"),
        ({"estimator": "twfe", "aggregate": ("event",)}, "event times of twfe"),
        ({"balance_event": 1, "aggregate": ("simple",)}, "balance_event without event times"),
        ({"balance_event": -1}, "balance_event"),
        ({"estimator": "event_study", "balance_event": 1}, "shared by cohorts"),
    ],
)
def test_mistakes(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Options.model_validate({**COHORT, **keys})


@pytest.mark.parametrize("estimator", [*ESTIMATORS, ESTIMATORS, ("imputation", "twfe")])
def test_what_is_written_out_can_be_read_again(estimator: Any) -> None:
    """With every default filled in, and without the keys that the estimators do not have."""
    options = Options.model_validate({**COHORT, "estimator": estimator})
    written = options.model_dump(mode="json", exclude_none=True)
    assert ("control_group" in written) == (estimator in ("callaway_santanna", "stacked", ESTIMATORS))
    again = Options.model_validate({key: tuple(one) if isinstance(one, list) else one for key, one in written.items()})
    assert again == options


def test_keys_that_some_of_several_do_not_have_are_told() -> None:
    named = ("callaway_santanna", "stacked", "twfe")
    found = estimate(panel(), estimator=named, aggregate=("simple", "event", "group"))
    told = next(note for note in found.notes if note.startswith("keys that an estimator does not have"))
    assert told == (
        "keys that an estimator does not have are left out: control_group, aggregate event of twfe; base_period, "
        "unbalanced, aggregate group of stacked, twfe"
    )
    assert not any("keys that an estimator" in note for note in estimate(panel()).notes)
    alone = estimate(panel(), adjustment="ipw")
    assert "adjustment: ipw without covariates: dr, ipw and reg are one" in alone.notes


def own_cells(found: Estimates, name: str) -> dict[tuple[float, float], float]:
    one = part(found, f"{name}, cells")
    pairs = [tuple(float(value) for value in term[4:-1].split(",")) for term in one.terms]
    return {(g, t - g): att for (g, t), att in zip(pairs, one.coefficients.tolist(), strict=True)}


@pytest.mark.parametrize("estimator", ["callaway_santanna", "imputation", "sun_abraham"])
@pytest.mark.parametrize("balance", [0, 1, 2])
def test_balanced_event_times_are_averages_of_the_same_cohorts(estimator: str, balance: int) -> None:
    """By brute force from the cells: cohorts 2021 to 2023, of which 2021 alone has event time 2."""
    rows = did_panel()
    whole = rows.take(np.bincount(rows.firm, minlength=int(rows.firm.max()) + 1)[rows.firm] == 7)
    found = estimate(whole, estimator=estimator, balance_event=balance)
    cells = own_cells(found, estimator)
    first = np.unique(whole.firm, return_index=True)[1]
    sizes = {g: float((whole.number("cohort")[first] == g).sum()) for g in (2021.0, 2022.0, 2023.0)}
    kept = [g for g in sizes if 2023 - g >= balance]
    times = [e for e in sorted({e for _, e in cells}) if e <= balance and all((g, e) in cells for g in kept)]
    expected = {
        f"event[{e:g}]": sum(sizes[g] * cells[g, e] for g in kept) / sum(sizes[g] for g in kept) for e in times
    }  # fmt: skip
    ours = {term: one for term, (one, _) in printed(found).items() if term.startswith("event[")}
    # Rounding of two sums.
    assert ours == pytest.approx(expected, abs=1e-12)
    if estimator == "callaway_santanna":
        later = [expected[f"event[{e}]"] for e in range(balance + 1)]
        assert printed(found)["att[event]"][0] == pytest.approx(np.mean(later), abs=1e-12)
        assert [e for e in times if e < 0] == list(range(-4, -1))
    rest = ", ".join(f"{g:g}" for g in sizes if g not in kept)
    named = ", ".join(f"{g:g}" for g in kept)
    assert (
        f"event times up to {balance} of cohorts that have them all: {named}" + (f"; without {rest}" if rest else "")
        in found.notes
    )


def test_with_one_cohort_nothing_changes_but_the_last_event_time() -> None:
    rows = did_panel()
    own = rows.number("cohort")
    one = rows.take(np.isnan(own) | (own == 2021))
    for estimator in ("callaway_santanna", "imputation", "sun_abraham"):
        free, even = (printed(estimate(one, estimator=estimator, **keys)) for keys in ({}, {"balance_event": 2}))
        assert even.keys() == free.keys()
        assert np.array([*even.values()]) == pytest.approx(np.array([*free.values()]), abs=1e-13)


def test_more_event_times_than_any_cohort_has() -> None:
    with pytest.raises(EstimationError, match="from 0 to 3; the last that any has is 2"):
        estimate(panel(), balance_event=3)


def test_a_base_year_of_dated_adopters() -> None:
    """It is a year before effects can begin: event times between it and the date are shown, not taken for zero."""
    firm, year = np.repeat(np.arange(200), 7), np.tile(np.arange(2017, 2024), 200)
    yes = (firm % 2 == 0) & (year >= 2022)
    draw = np.random.default_rng(0)
    rows = selection(
        {"ln_tfp": draw.normal(size=firm.size), "ai": np.where(np.isin(year, (2021, 2023)), yes * 1.0, np.nan)},
        firm, year,
    )  # fmt: skip
    y, adopts = rows.number("ln_tfp").reshape(-1, 7), np.arange(200) % 2 == 0

    def since_2020(at: int) -> float:
        change = y[:, at - 2017] - y[:, 3]
        return float(change[adopts].mean() - change[~adopts].mean())

    for dating, first in (("early", 2022), ("late", 2023)):
        adoption = {"indicator": "ai", "waves": (2021, 2023), "base_year": 2020, "dating": dating}
        found = printed(estimate(rows, adoption=adoption))
        for at in (2017, 2021, 2022, 2023):
            assert found[f"event[{at - first}]"][0] == pytest.approx(since_2020(at), abs=1e-12)
        assert f"event[{2020 - first}]" not in found


@pytest.mark.parametrize("estimator", [("imputation", "twfe"), ["imputation", "twfe"], "twfe"])
def test_a_copy_leaves_out_what_its_estimators_do_not_have(estimator: Any) -> None:
    idle = Options.unused_keys({"estimator": estimator, "control_group": "never_treated"})
    assert {"control_group", "adjustment", "base_period", "unbalanced"} <= set(idle)
    assert "effects" not in idle
    assert Options.unused_keys({}) == ("effects",)
    assert Options.unused_keys({"estimator": "no_estimator"}) == ()


def test_a_note_of_several_estimators_stands_once() -> None:
    found = estimate(panel(), estimator=("twfe", "event_study", "callaway_santanna"), covariates=("size_idx",))
    told = [note for note in found.notes if "or of the year nearest to it" in note]
    assert told == ["twfe, event_study: covariates: those of 2020, or of the year nearest to it, times year"]
    alike = estimate(panel(), estimator=("twfe", "event_study"), covariates=("size_idx",))
    assert "covariates: those of 2020, or of the year nearest to it, times year" in alike.notes


def test_a_failure_tells_what_was_left_out_before() -> None:
    rows = panel()
    cohort = np.where(rows.firm % 2, 2015.0, rows.number("cohort"))
    early = selection({"ln_tfp": rows.number("ln_tfp"), "cohort": cohort}, rows.firm, rows.year)
    kept = early.take(~np.isnan(early.number("cohort")))
    with pytest.raises(EstimationError, match="every firm is treated in the end") as raised:
        estimate(kept)
    assert raised.value.dropped["firm left out: treated in the first year of the rows or before it"] == int(
        (kept.firm % 2).sum()
    )
