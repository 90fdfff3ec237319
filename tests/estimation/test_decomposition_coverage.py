"""Coverage of the decomposition's intervals: 40 panels here, 200 in the recorded study."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache

import pytest

from tests.estimation.decomposition_coverage import DRAWS, PANELS, RECORD, SETTINGS, Coverage, study


@cache
def recorded() -> Mapping[tuple[str, str], Coverage]:
    rows = json.loads(RECORD.read_text(encoding="utf-8"))["coverage"]
    return {(row["setting"], row["term"]): Coverage(**row) for row in rows}


def three_errors(panels: int) -> float:
    """Three Monte Carlo standard errors of a share of 0.95."""
    return 3 * math.sqrt(0.95 * 0.05 / panels)


def test_intervals_hold_the_truth() -> None:
    for found in study(40, 99, settings=SETTINGS[:1]):
        for share in (found.closed_share, found.percentile_share, found.studentised_share):
            assert share >= 0.95 - three_errors(40), found
        assert abs(found.mean - found.truth) < 4 * found.spread / math.sqrt(40), found
        # The spread of 40 estimates is known to 11 per cent.
        assert found.closed_error == pytest.approx(found.spread, rel=0.33), found
        assert found.bootstrap_error == pytest.approx(found.closed_error, rel=0.1), found


@pytest.mark.parametrize("setting", SETTINGS)
def test_recorded_intervals_cover(setting: str) -> None:
    kept = [one for (name, _), one in recorded().items() if name == setting]
    assert len(kept) >= 5
    for one in kept:
        assert one.panels == PANELS
        for share in (one.closed_share, one.percentile_share, one.studentised_share):
            assert share == pytest.approx(0.95, abs=three_errors(PANELS)), one
        # The spread of 200 estimates is known to 5 per cent.
        assert one.closed_error == pytest.approx(one.spread, rel=0.15), one
        assert one.bootstrap_error == pytest.approx(one.spread, rel=0.15), one


@pytest.mark.heavy
def test_recorded_study_is_what_the_code_gives() -> None:
    for found in study(PANELS, DRAWS):
        kept = recorded()[found.setting, found.term]
        assert found.mean == pytest.approx(kept.mean, abs=1e-5)
        # Another BLAS may round an interval's end to the other side of the truth once.
        for name in ("closed_share", "percentile_share", "studentised_share"):
            assert getattr(found, name) == pytest.approx(getattr(kept, name), abs=0.0051)
