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


def dynamic(n_firms: int, seed: int, n_years: int = 7, *, rho: float = 0.5, noise: float = 0.0) -> Selection:
    """Firms with an effect and an AR(1), in their long run: what system GMM assumes.

    Inputs follow the effect, productivity of the year (labour) or of the year before (capital), and shocks of their
    own with memory. `noise` is the standard deviation of measurement error in output. The years have means of their
    own.
    """
    rng = np.random.default_rng(seed)
    burn = 30
    effect = rng.normal(0, 0.3, n_firms)
    w, k, l, wage, plan = (np.zeros(n_firms) for _ in range(5))  # noqa: E741
    kept: dict[str, list[np.ndarray[tuple[int], np.dtype[np.float64]]]] = {name: [] for name in "ylk"}
    for t in range(burn + n_years):
        plan = 0.85 * plan + rng.normal(0, 0.2, n_firms)
        k = 0.3 * k + plan + 0.2 * w + 0.3 * effect + rng.normal(0, 0.2, n_firms)
        w = rho * w + rng.normal(0, 0.2, n_firms)
        wage = 0.9 * wage + rng.normal(0, 0.2, n_firms)
        l = 0.2 * l + 0.5 * w - wage + 0.3 * effect + rng.normal(0, 0.2, n_firms)  # noqa: E741
        if t >= burn:
            kept["k"].append(2 + k)
            kept["l"].append(1 + l)
            y = BL * l + BK * k + effect + w + 0.05 * (t - burn) + rng.normal(0, 1, n_firms) * noise
            kept["y"].append(3 + y)
    firm, year = np.repeat(np.arange(n_firms), n_years), np.tile(np.arange(2010, 2010 + n_years), n_firms)
    columns = {name: np.column_stack(values).ravel() for name, values in kept.items()}
    return selection({**columns, "year": year * 1.0}, firm, year)
