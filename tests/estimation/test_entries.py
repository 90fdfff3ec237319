"""Entry and exit among the diagnostics: of firms, not of values."""

from __future__ import annotations

import numpy as np
import pytest

from estimation.productivity import ols, wooldridge
from panels.frame import Selection
from tests.estimation.firms import fitted, simulate, with_columns

ROWS = simulate(300, 4)


def moving() -> tuple[Selection, int, int]:
    """The panel without the first years of some firms and the last of others."""
    firm, year = ROWS.firm, ROWS.year
    kept = ~((firm % 6 == 1) & (year < 2017)) & ~((firm % 10 == 2) & (year > 2018))
    taken = ROWS.take(kept)
    rows = Selection(np.arange(len(taken.rows)), taken.firm, taken.year, taken.columns, len(taken.rows), {})
    return rows, 50, 30


@pytest.mark.parametrize("sample", ["common", "all"])
def test_firms_that_come_and_go_are_counted(sample: str) -> None:
    rows, come, go = moving()
    found = fitted(rows, wooldridge, sample=sample).groups[0].diagnostics
    assert (found["entries"], found["exits"]) == (come, go)


def test_a_missing_value_is_no_entry_and_no_exit() -> None:
    rows, come, go = moving()
    status = (rows.firm % 2 == 0).astype(float)
    status[(rows.firm % 3 == 0) & (rows.year < 2017)] = np.nan
    labour = rows.number("l").copy()
    labour[(rows.firm % 7 == 0) & (rows.year > 2018)] = np.nan
    found = fitted(with_columns(rows, ai=status, l=labour), wooldridge, markov=("ai",)).groups[0].diagnostics
    assert (found["entries"], found["exits"]) == (come, go)


def test_a_firm_that_was_there_before_the_sample_does_not_enter() -> None:
    rows, _, _ = moving()
    options = wooldridge.Options(output="y", free=("l",), state=("k",), proxy="m")
    found = wooldridge.fit("tfp", options, rows, rows.year >= 2018).groups[0].diagnostics
    assert found["entries"] == 0
    assert "entries" not in fitted(rows, ols).groups[0].diagnostics
