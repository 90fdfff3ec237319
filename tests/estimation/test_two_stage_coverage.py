"""Intervals hold the truth: a short seeded version, and the recorded study of 200 panels."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.estimation.two_stage_coverage import DRAWS, FIRMS, PANELS, RECORD, TRUTH, VALID, study

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"


@pytest.mark.parametrize("case", ["levinsohn_petrin", "ackerberg_caves_frazer"])
def test_intervals_hold_the_truth_in_a_few_panels(case: str) -> None:
    for one in study(case, 24, 200, 59):
        # With 95 per cent in truth fewer than 20 of 24 happen once in two hundred times; percentiles of 59 draws
        # cover less, 0.92 or so.
        assert one.share >= 20 / 24
        assert one.percentile_share >= 19 / 24
        assert one.lost < 0.05


@pytest.mark.parametrize("case", VALID)
@pytest.mark.heavy
def test_coverage_is_what_was_recorded(case: str) -> None:
    recorded = [one for one in json.loads(RECORD.read_text(encoding="utf-8"))["coverage"] if one["estimator"] == case]
    for one, then in zip(study(case, PANELS, FIRMS, DRAWS), recorded, strict=True):
        # Rounding differs between machines, an interval may fall the other side of the truth.
        assert one.mean == pytest.approx(then["mean"], abs=2e-5)
        assert one.share == pytest.approx(then["share"], abs=0.011)
        assert one.percentile_share == pytest.approx(then["percentile_share"], abs=0.011)


def test_the_recorded_coverage_is_near_its_name() -> None:
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert {one["estimator"] for one in record["coverage"]} == set(VALID)
    for one in record["coverage"]:
        truth = record["truth"][one["term"]]
        # Three Monte Carlo errors of 200 panels about 0.95; percentiles of 199 draws cover 0.94.
        assert abs(one["share"] - 0.95) < 3 * np.sqrt(0.95 * 0.05 / one["panels"])
        assert abs(one["percentile_share"] - 0.94) < 3 * np.sqrt(0.94 * 0.06 / one["panels"])
        assert abs(one["mean"] - truth) < 0.15 * one["spread"] + 3 * one["spread"] / np.sqrt(one["panels"])
    assert np.array_equal(list(record["truth"].values()), TRUTH)


def test_the_documented_table_is_the_recorded_study() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"^\| estimator \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert found
    shown = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()]
    record = json.loads(RECORD.read_text(encoding="utf-8"))["coverage"]
    assert len(shown) == len(record)
    for row, one in zip(shown, record, strict=True):
        assert row[:2] == [one["estimator"], one["term"]]
        numbers = [one["mean"], one["spread"], one["error"]]
        assert row[2:5] == [f"{number:.4f}" for number in numbers]
        assert row[5:] == [f"{one['share']:.3f}", f"{one['percentile_share']:.3f}"]
