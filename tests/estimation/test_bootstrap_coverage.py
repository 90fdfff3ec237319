"""Coverage of the bootstrap of the whole chain: 40 panels here, 1,000 in the recorded study."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache

import pytest

from tests.estimation.bootstrap_coverage import PANELS, RECORD, SETTINGS, Coverage, study

MANY = tuple(one.name for one in SETTINGS if one.firms == 1000)


@cache
def recorded() -> Mapping[tuple[str, str], Coverage]:
    rows = json.loads(RECORD.read_text(encoding="utf-8"))["coverage"]
    return {(row["setting"], row["term"]): Coverage(**row) for row in rows}


def three_errors(panels: int) -> float:
    """Three Monte Carlo standard errors of a share of 0.95."""
    return 3 * math.sqrt(0.95 * 0.05 / panels)


def test_intervals_of_the_bootstrap_hold_the_truth() -> None:
    for found in study(40, 199, SETTINGS[:1]):
        for share in (found.percentile_share, found.studentised_share):
            assert share >= 0.95 - three_errors(40), found
        # The spread of 40 estimates is known to 11 per cent.
        assert found.bootstrap_error == pytest.approx(found.spread, rel=0.33), found


@pytest.mark.parametrize("setting", MANY)
def test_recorded_intervals_cover(setting: str) -> None:
    for term in ("ln_l", "ln_k", "constant", "ai"):
        found = recorded()[setting, term]
        assert found.panels == PANELS
        assert found.percentile_share == pytest.approx(0.95, abs=three_errors(PANELS))
        assert found.studentised_share == pytest.approx(0.95, abs=three_errors(PANELS))
        # The spread of 1,000 estimates is known to 2.2 per cent.
        assert found.bootstrap_error == pytest.approx(found.spread, rel=0.07)


@pytest.mark.heavy
def test_recorded_study_is_what_the_code_gives() -> None:
    for found in study(PANELS, 399):
        kept = recorded()[found.setting, found.term]
        # Another BLAS may round an interval's end to the other side of the truth once in 1,000.
        assert found.percentile_share == pytest.approx(kept.percentile_share, abs=2e-3)
        assert found.studentised_share == pytest.approx(kept.studentised_share, abs=2e-3)
