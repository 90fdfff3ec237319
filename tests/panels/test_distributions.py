"""Quantiles by year: against numpy's, and that none is a firm's own value or tells of too few."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panels.distributions import SHARES, describe_distributions, smoothed_quantile
from tests.panels.building import build, write

MINIMUM = 10


def test_ranks_give_the_quantile_itself_where_values_are_equally_spaced() -> None:
    values = np.arange(1001.0)
    for share in SHARES:
        # Ten values around a rank lie half a rank to one side of it at most.
        assert smoothed_quantile(values, share, MINIMUM) == pytest.approx(np.quantile(values, share), abs=0.5)


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=150),
    st.sampled_from(SHARES),
    st.integers(1, 12),
)
def test_a_quantile_is_the_mean_of_enough_firms_on_either_side_of_enough(
    values: list[float], share: float, minimum: int
) -> None:
    ordered = np.sort(np.array(values))
    found = smoothed_quantile(ordered, share, minimum)
    cut = np.quantile(ordered, share)
    # Brute force over ranks: how many lie at or below and at or above.
    ranks = np.arange(ordered.size)
    place = share * (ordered.size - 1)
    below, above = int((ranks <= place).sum()), int((ranks >= place).sum())
    if min(below, above) < minimum or ordered.size < 2:
        assert found is None
        return
    assert found is not None
    width = max(minimum, 2)
    near = np.sort(np.abs(ranks - place))[width - 1] + 1.0
    window = ordered[np.abs(ranks - place) <= near]
    assert window.min() - 1e-3 <= found <= window.max() + 1e-3
    assert window.min() <= cut <= window.max()


def test_columns_of_two_values_texts_and_keys_are_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    firms, years = 40, (2020, 2021)
    rows = [
        (f"f{i:02}", year, float(rng.normal()), float(i % 2), 2021 + 2 * (i % 2), "a")
        for i in range(firms)
        for year in years
    ]
    rows += [(f"g{i:02}", 2022, 1.5 + i, 1.0, 2021, "a") for i in range(4)]
    lines = ["id,t,x,flag,wave,word", *(",".join(map(repr, row)).replace("'", "") for row in rows)]
    write(tmp_path, own__csv="\n".join(lines))
    panel = build(tmp_path, "panel: {table: {files: own.csv}, firm: id, year: t}\n")
    found = describe_distributions(panel, MINIMUM)
    assert {one.column for one in found} == {"x"}
    assert [(one.year, one.firms) for one in found] == [(2020, 40), (2021, 40), (2022, None)]
    assert found[-1].quantiles == (None,) * 5
    # p10 of 40 values has four at or below it: too few.
    assert found[0].quantiles[0] is None
    own = sorted(row[2] for row in rows if row[1] == 2020)
    assert found[0].quantiles[2] == pytest.approx(np.mean(own[15:25]), abs=1e-12)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(-50, 50)), min_size=1, max_size=150),
    st.sampled_from(SHARES),
    st.integers(1, 12),
)
def test_the_values_of_a_quantile_are_of_enough_firms(rows: list[tuple[int, int]], share: float, minimum: int) -> None:
    rows = sorted(rows, key=lambda row: row[1])
    firms = np.array([row[0] for row in rows])
    # Values that say where they stood.
    values = np.arange(float(len(rows)))
    found = smoothed_quantile(values, share, minimum, firms)
    place = share * (len(rows) - 1)
    below, above = firms[values <= place], firms[values >= place]
    enough = min(len(set(below)), len(set(above))) >= minimum and len(set(firms)) >= max(minimum, 2)
    assert (found is not None) == enough
    if found is not None:
        # The mean of consecutive ranks is their middle: some stretch around it holds enough firms.
        reach = min(found, len(rows) - 1 - found)
        assert len(set(firms[(values >= found - reach) & (values <= found + reach)])) >= minimum
        alone = smoothed_quantile(values, share, minimum)
        if len(set(firms)) == len(rows):
            assert found == alone
