"""The gradient of a level at other parameters, by differences."""

from __future__ import annotations

import numpy as np

from estimation.resamplers import LevelResampler
from estimation.results import FloatArray

__all__ = ["assert_slopes"]

STEP = 1e-5


def assert_slopes(resampler: LevelResampler, parameters: tuple[FloatArray, ...]) -> None:
    """Check `linearised` against `level` at these parameters and around them."""
    found, group_of_row = resampler.linearised(parameters)
    np.testing.assert_array_equal(found.values, resampler.level(parameters))
    np.testing.assert_array_equal(np.isnan(found.values), group_of_row < 0)
    assert np.unique(group_of_row[group_of_row >= 0]).tolist() == list(range(len(parameters)))
    for group, own in enumerate(parameters):
        for number, unit in enumerate(np.eye(len(own))):
            ends = [
                resampler.level(tuple(one + sign * STEP * unit * (at == group) for at, one in enumerate(parameters)))
                for sign in (-1, 1)
            ]
            there = ~np.isnan(found.values)
            slope = (ends[1] - ends[0])[there] / (2 * STEP)
            inside = group_of_row[there] == group
            assert not slope[~inside].any()
            # Of a difference of second order: the step squared, and rounding over the step.
            np.testing.assert_allclose(slope[inside], found.gradient[there][inside, number], rtol=1e-5, atol=1e-5)
