"""Synthetic firms for the estimators in two stages: where each is valid, and where each fails."""

from __future__ import annotations

import numpy as np

from panels.frame import Selection
from tests.estimation.rows import selection

BL, BK = 0.6, 0.4
BURN_IN = 15


def between(n_firms: int, seed: int, n_years: int = 6) -> Selection:
    """Labour is chosen between t-1 and t, when half of the year's surprise is known, at wages of the firm's own.

    Materials follow, given labour, capital and productivity: Phi is a function of (l, k, m), and labour alone no
    function of (k, m). Wages are more persistent than productivity: were both alike, productivity plus any multiple
    of the wage would be a Markov process as well, and bl not identified.
    """
    rng = np.random.default_rng(seed)
    w, wage, k = rng.normal(0, 0.35, n_firms), rng.normal(0, 0.6, n_firms), rng.normal(0, 0.7, n_firms)
    kept: dict[str, list[np.ndarray]] = {name: [] for name in ("y", "l", "k", "m", "truth")}
    for year in range(BURN_IN + n_years):
        k = 0.7 * k + 0.4 * w + rng.normal(0, 0.4, n_firms)
        early, late = rng.normal(0, 0.2, n_firms), rng.normal(0, 0.2, n_firms)
        expected = 0.6 * w + early
        w = expected + late
        wage = 0.95 * wage + rng.normal(0, 0.3, n_firms)
        labour = 0.5 * k + 0.8 * expected - wage
        materials = 0.3 * labour + 0.3 * k + w
        if year >= BURN_IN:
            values = (BL * labour + BK * k + w + rng.normal(0, 0.1, n_firms), labour, k, materials, w)
            for name, value in zip(kept, values, strict=True):
                kept[name].append(value)
    return _panel(kept, n_firms, n_years)


def leaving(n_firms: int, seed: int, n_years: int = 8) -> Selection:
    """Firms that leave when productivity is low, unless they have much capital (Olley and Pakes, 1996).

    A firm stays in t if ``w(t) + 0.5 k(t-1) + 0.5 z(t-1) > -0.6``, with z an offer for the site: the probability, given
    t-1, is a probit in (k, i, z). Investment is a function of capital and productivity, capital of both a year before
    and of luck. Among the small only the productive stay: without a correction the elasticity of capital is too low.
    Columns `y l k i z`, and `left` in a firm's last year.
    """
    rng = np.random.default_rng(seed)
    rows: dict[str, list[float]] = {name: [] for name in ("y", "l", "k", "i", "z", "left", "truth")}
    firm, year = [], []
    for number in range(n_firms):
        w, k, t = rng.normal(0, 0.5), rng.normal(0, 1.0), int(rng.integers(0, n_years - 1))
        while t < n_years:
            labour = 0.4 * k + 0.6 * w + rng.normal(0, 0.4)
            invested = 0.3 * k + w
            z = rng.normal()
            following = 0.7 * w + rng.normal(0, 0.45)
            capital = 0.75 * k + 0.2 * invested + rng.normal(0, 0.3)
            stays = following + 0.5 * k + 0.5 * z > -0.6
            values = (BL * labour + BK * k + w + rng.normal(0, 0.1), labour, k, invested, z)
            for name, value in zip(rows, (*values, float(not stays and t < n_years - 1), w), strict=True):
                rows[name].append(value)
            firm.append(number)
            year.append(2010 + t)
            if not stays:
                break
            w, k, t = following, capital, t + 1
    columns = {name: np.array(values) for name, values in rows.items()}
    return selection(columns, firm, year)


def dependent(n_firms: int, seed: int, n_years: int = 6) -> Selection:
    """Labour is a function of capital and productivity, as materials are (Ackerberg, Caves and Frazer, 2015)."""
    rng = np.random.default_rng(seed)
    w, k = rng.normal(0, 0.35, n_firms), rng.normal(0, 0.7, n_firms)
    kept: dict[str, list[np.ndarray]] = {name: [] for name in ("y", "l", "k", "m", "truth")}
    for year in range(BURN_IN + n_years):
        k = 0.7 * k + 0.4 * w + rng.normal(0, 0.4, n_firms)
        w = 0.6 * w + rng.normal(0, 0.28, n_firms)
        labour = 0.5 * k + 0.8 * w
        if year >= BURN_IN:
            values = (BL * labour + BK * k + w + rng.normal(0, 0.1, n_firms), labour, k, 0.4 * k + np.sinh(2 * w), w)
            for name, value in zip(kept, values, strict=True):
                kept[name].append(value)
    return _panel(kept, n_firms, n_years)


def _panel(kept: dict[str, list[np.ndarray]], n_firms: int, n_years: int) -> Selection:
    columns = {name: np.column_stack(values).ravel() for name, values in kept.items()}
    return selection(columns, np.repeat(np.arange(n_firms), n_years), np.tile(np.arange(n_years) + 2015, n_firms))
