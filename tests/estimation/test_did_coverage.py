"""Coverage of differences in differences on TFP of the same spec: 200 draws here, 2,000 in the recorded study."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache

import pytest

from tests.estimation.did_coverage import DYNAMIC, RECORD, SETTINGS, Coverage, study

# Sun and Abraham's effects are those of Callaway and Sant'Anna here; the regressions are in the recorded study.
QUICK = {"effect that builds up": DYNAMIC[:2], "two waves": DYNAMIC[:1]}
Key = tuple[str, str, str]


@cache
def quick(name: str) -> tuple[Coverage, ...]:
    (setting,) = (replace(one, estimators=QUICK[name]) for one in SETTINGS if one.name == name)
    return study(200, (setting,))


def recorded() -> Mapping[Key, Coverage]:
    rows = json.loads(RECORD.read_text(encoding="utf-8"))["coverage"]
    return {(row["setting"], row["estimator"], row["term"]): Coverage(**row) for row in rows}


def three_errors(draws: int) -> float:
    """Three Monte Carlo standard errors of a share of 0.95."""
    return 3 * math.sqrt(0.95 * 0.05 / draws)


@pytest.mark.parametrize("setting", QUICK)
def test_corrected_intervals_cover(setting: str) -> None:
    for found in quick(setting):
        assert found.corrected_share == pytest.approx(0.95, abs=three_errors(200)), found
        # The mean of 200 estimates itself has a standard error of 0.07 of their spread.
        assert abs(found.mean - found.truth) < (0.15 + 3 / math.sqrt(200)) * found.spread, found


@pytest.mark.parametrize("key", recorded(), ids=str)
def test_recorded_study_meets_its_targets(key: Key) -> None:
    found = recorded()[key]
    assert found.draws == 2000
    assert found.corrected_share == pytest.approx(0.95, abs=three_errors(2000))
    assert abs(found.mean - found.truth) < 0.15 * found.spread


def test_without_the_first_stage_late_effects_are_less_sure_than_they_look() -> None:
    found = recorded()["effect that builds up", "callaway_santanna", "event[3]"]
    assert found.naive_share < 0.95 - three_errors(2000)


@pytest.mark.heavy
def test_recorded_study_is_what_the_code_gives() -> None:
    for found in study(2000):
        kept = asdict(recorded()[found.setting, found.estimator, found.term])
        # Another BLAS may round an interval's end to the other side of the truth once in 2,000.
        assert asdict(found) == pytest.approx(kept, abs=1e-3)
