"""What is said of levels of technologies estimated separately, and of what a formula holds equal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from estimation.separate_levels import not_gaps
from specs.formula import parse_formula


def notes(formula: str, *columns: str) -> str:
    groups = [
        SimpleNamespace(coefficients=np.array([at / 10]), group=tuple((name, str(at)) for name in columns))
        for at in (5, 6)
    ]
    read = parse_formula(formula)
    return " ".join(not_gaps(read, ["ai", "nace[C]"], "tfp", cast(Any, SimpleNamespace(groups=groups)))[1])


@pytest.mark.parametrize(
    ("formula", "lacking"),
    [
        ("tfp ~ ai", "with nace3, nace in"),
        ("tfp ~ ai + nace", "with nace3 in"),
        # Firms of one fine group are of one coarse group.
        ("tfp ~ ai + nace3", ""),
        # What is behind the bar is held equal too.
        ("tfp ~ ai | nace3^year", ""),
        ("tfp ~ ai | nace^year", "with nace3 in"),
    ],
)
def test_what_is_held_equal_is_not_asked_for(formula: str, lacking: str) -> None:
    said = notes(formula, "nace3", "nace")
    assert (lacking in said) if lacking else ("differences of units" not in said)


def test_within_firms_only_those_that_change_their_technology_count() -> None:
    assert "of firms that go from one to another" in notes("tfp ~ ai | firm + year", "nace")
    assert "of firms that go" not in notes("tfp ~ ai | year", "nace")
