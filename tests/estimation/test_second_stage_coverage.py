"""Coverage of second stages on estimated TFP: 200 draws here, 2,000 in the recorded study."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache

import pytest

from tests.estimation.coverage import RECORD, SETTINGS, TERMS, Coverage, study

# The two technologies are in the recorded study, and exact in test_second_stage.py.
QUICK = tuple(setting for setting in SETTINGS if not setting.separately)


@cache
def quick() -> Mapping[tuple[str, str], Coverage]:
    return {(found.setting, found.term): found for found in study(200, QUICK)}


@cache
def recorded() -> Mapping[tuple[str, str], Coverage]:
    rows = json.loads(RECORD.read_text(encoding="utf-8"))["coverage"]
    return {(row["setting"], row["term"]): Coverage(**row) for row in rows}


def three_errors(draws: int) -> float:
    """Three Monte Carlo standard errors of a share of 0.95."""
    return 3 * math.sqrt(0.95 * 0.05 / draws)


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("setting", [setting.name for setting in QUICK])
def test_corrected_intervals_cover(setting: str, term: str) -> None:
    found = quick()[setting, term]
    assert found.corrected_share == pytest.approx(0.95, abs=three_errors(200))
    # The mean of 200 estimates itself has a standard error of 0.07 of their spread.
    assert abs(found.mean) < (0.15 + 3 / math.sqrt(200)) * found.spread


@pytest.mark.parametrize("setting", [setting.name for setting in QUICK])
def test_naive_intervals_undercover_for_ai(setting: str) -> None:
    found = quick()[setting, "ai"]
    assert found.naive_share < 0.95 - three_errors(200)
    assert found.naive_error < 0.75 * found.spread


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("setting", [setting.name for setting in SETTINGS])
def test_recorded_study_meets_its_targets(setting: str, term: str) -> None:
    found = recorded()[setting, term]
    assert found.draws == 2000
    assert found.corrected_share == pytest.approx(0.95, abs=three_errors(2000))
    assert abs(found.mean) < 0.15 * found.spread
    assert found.naive_share < 0.95 - three_errors(2000)


@pytest.mark.heavy
def test_recorded_study_is_what_the_code_gives() -> None:
    for found in study(2000):
        kept = asdict(recorded()[found.setting, found.term])
        # Another BLAS may round an interval's end to the other side of zero once in 2,000.
        assert asdict(found) == pytest.approx(kept, abs=1e-3)
