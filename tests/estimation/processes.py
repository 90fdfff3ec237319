"""A process of firms alike to that of reference panel A, for what simple estimators get wrong there."""

from __future__ import annotations

import numpy as np

from panels.frame import Selection
from tests.estimation.rows import selection

BL, BK = 0.6, 0.4


def design_a(n_firms: int, seed: int, n_years: int = 7) -> Selection:
    """Firms whose labour and materials follow productivity at once, and whose capital is close to a constant.

    Moments are those of the panel: productivity AR(1) with 0.7 and innovations of 0.21, m = k + 2.5 w - 0.27, labour
    moved by capital, productivity and a persistent wage, capital almost a unit root, the transitory error 0.1.
    """
    rng = np.random.default_rng(seed)
    shape = (n_firms, n_years)
    w, k, wage = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    w[:, 0], k[:, 0] = rng.normal(0, 0.3, n_firms), rng.normal(1.8, 0.65, n_firms)
    wage[:, 0] = rng.normal(0, 0.365, n_firms)
    for t in range(1, n_years):
        w[:, t] = 0.7 * w[:, t - 1] + rng.normal(0, 0.2137, n_firms)
        k[:, t] = 0.03 + 0.983 * k[:, t - 1] + 0.113 * w[:, t - 1] + rng.normal(0, 0.11, n_firms)
        wage[:, t] = 0.6 * wage[:, t - 1] + rng.normal(0, 0.292, n_firms)
    l = -1.29 + k + 2.5 * w - wage  # noqa: E741
    m = -0.27 + k + 2.5 * w
    y = 1 + BL * l + BK * k + w + rng.normal(0, 0.1, shape)
    firm, year = np.nonzero(np.ones(shape, dtype=bool))
    columns = {name: values.ravel() for name, values in {"y": y, "l": l, "k": k, "m": m, "truth": w}.items()}
    return selection({**columns, "year": year + 2010.0}, firm, year + 2010)
