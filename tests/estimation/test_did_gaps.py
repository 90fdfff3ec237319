"""Panels with years that nobody can use: biennial ones, outcomes that are missing, controls that are few."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from estimation.designs.did import Options, fit
from estimation.results import Estimates
from panels.frame import NumberColumn, Selection
from specs.errors import EstimationError
from tests.estimation.rows import selection


def panel(years: list[int], cohorts: dict[float, int], never: int, lost: tuple[int, ...] = ()) -> Selection:
    """Firms that begin in some years; the outcome is missing in those that are lost."""
    of_firm = np.array([cohort for cohort, many in cohorts.items() for _ in range(many)] + [np.nan] * never)
    firm, year = np.repeat(np.arange(of_firm.size), len(years)), np.tile(years, of_firm.size)
    cohort = of_firm[firm]
    rng = np.random.default_rng(3)
    y = rng.normal(size=of_firm.size)[firm] + 0.5 * (year >= cohort) + rng.normal(0, 0.2, firm.size)
    y = y + 1.0 * (np.isfinite(cohort) & (year == min(years)))
    y[np.isin(year, lost)] = np.nan
    ai = np.where(year >= cohort, 1.0, 0.0)
    return selection({"y": y, "cohort": cohort, "ai": ai, "x": rng.normal(size=of_firm.size)[firm]}, firm, year)


def estimate(rows: Selection, **keys: Any) -> Estimates:
    asked = {"outcome": "y", "adoption": {"cohort": "cohort"}, **keys}
    return fit("m", Options.model_validate(asked), rows, None)


BIENNIAL = [2016, 2018, 2020, 2022]


@pytest.mark.parametrize("estimator", ["event_study", "stacked", "sun_abraham"])
def test_without_rows_at_the_reference_regressions_say_so(estimator: str) -> None:
    with pytest.raises(EstimationError, match="seen at event time -1, with which others"):
        estimate(panel(BIENNIAL, {2020.0: 25}, 35), estimator=estimator)


def test_cells_say_which_year_they_compare_with() -> None:
    found = estimate(panel(BIENNIAL, {2020.0: 25}, 35))
    # The last year before 2020 that there is lies two years before.
    assert found.stats["reference_event"] == -2
    assert found.coefficients[found.terms.index("att[simple]")] == pytest.approx(0.5, abs=0.2)
    mixed = estimate(panel([2016, 2017, 2019, 2020, 2021], {2018.0: 25, 2020.0: 25, 2019.0: 25}, 35))
    assert "reference_event" not in mixed.stats
    assert mixed.sensitivity is None


def test_honest_intervals_want_one_base_year() -> None:
    asked = {"outcome": "y", "adoption": {"cohort": "cohort"}, "base_period": "varying"}
    with pytest.raises(ValidationError, match="honest intervals beside base_period: varying"):
        Options.model_validate({**asked, "sensitivity": {"honest": {}}})
    assert estimate(panel([2017, 2018, 2019, 2020], {2019.0: 30}, 30), base_period="varying").sensitivity is None


@pytest.mark.parametrize("estimator", ["callaway_santanna", "imputation", "event_study", "stacked", "twfe"])
def test_a_year_without_an_outcome_is_no_year(estimator: str) -> None:
    years, cohorts = [2016, 2017, 2018, 2019, 2020], {2017.0: 20, 2019.0: 20}
    missing = panel(years, cohorts, 30, lost=(2016,))
    keys: dict[str, Any] = {"estimator": estimator, "aggregate": ("simple",)}
    one, other = estimate(missing, **keys), estimate(missing.take(missing.year > 2016), **keys)
    assert one.coefficients.tolist() == other.coefficients.tolist()
    assert any("no year of the rows lies before effects can begin: 20 firms" in note for note in one.notes)


def test_no_year_before_is_a_reason_and_no_traceback() -> None:
    rows = panel([2017, 2018, 2019, 2020], {2018.0: 20}, 30, lost=(2017,))
    with pytest.raises(EstimationError, match="no treated firm is left"):
        estimate(rows, attrition={"covariates": ("x",)})
    waves = {"indicator": "ai", "waves": (2018, 2020, 2022)}
    years = [2017, 2018, 2019, 2020, 2021, 2022]
    found = estimate(panel(years, {2019.0: 30, 2021.0: 30}, 40, lost=(2017, 2016)), adoption=waves)
    assert "att[simple]" in found.terms


def test_firms_that_begin_later_are_no_controls_of_sun_and_abraham() -> None:
    rows = panel([2017, 2018, 2019, 2020, 2021], {2019.0: 40, 2020.0: 40}, 3)
    assert estimate(rows, estimator="sun_abraham").stats["n_control_firms"] == 3
    assert estimate(rows, estimator="stacked", control_group="never_treated").stats["n_control_firms"] == 3
    later = estimate(rows, estimator="stacked", control_group="not_yet_treated").stats["n_control_firms"]
    assert later is not None
    assert later > 3


def test_all_firms_of_one_year_get_no_advice_that_fails() -> None:
    with pytest.raises(EstimationError, match="all in the same year"):
        estimate(panel([2017, 2018, 2019, 2020], {2019.0: 40}, 0))


@pytest.mark.parametrize("estimator", ["callaway_santanna", "imputation", "event_study", "twfe"])
def test_an_outcome_of_firms_and_years_alone_has_no_p_value(estimator: str) -> None:
    rows = panel([2017, 2018, 2019, 2020], {2019.0: 30}, 30)
    exact = np.repeat(np.random.default_rng(1).normal(10, 1, 60), 4) + 0.1 * (rows.year - 2017)
    columns = {**rows.columns, "y": NumberColumn(exact)}
    found = estimate(Selection(rows.rows, rows.firm, rows.year, columns, rows.n_panel, {}), estimator=estimator)
    place = found.terms.index("att[simple]")
    assert found.coefficients[place] == pytest.approx(0, abs=1e-12)
    assert np.isnan(found.p_values[place])
