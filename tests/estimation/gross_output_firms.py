"""Synthetic firms with a known gross-output technology, whose intermediates solve their first-order condition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from estimation.productivity import gandhi_navarro_rivers as gnr
from estimation.results import FloatArray, ProductivityFit
from panels.frame import Selection
from tests.estimation.rows import selection

Technology = Callable[[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
"""``technology(l, k, m)`` returns f, and the elasticities of l, k and m stacked."""

E_SD = 0.15
"""The standard deviation of the transitory error; E = exp(E_SD^2 / 2)."""


def cobb_douglas(l: FloatArray, k: FloatArray, m: FloatArray) -> tuple[FloatArray, FloatArray]:  # noqa: E741
    """0.25 l + 0.15 k + 0.55 m."""
    f = 0.25 * l + 0.15 * k + 0.55 * m
    return f, np.stack([np.full_like(m, slope) for slope in (0.25, 0.15, 0.55)])


def translog(l: FloatArray, k: FloatArray, m: FloatArray) -> tuple[FloatArray, FloatArray]:  # noqa: E741
    """Cobb-Douglas with squares and products: a polynomial of degree one spans the elasticity of m, two the rest."""
    f = 0.25 * l + 0.15 * k + 0.55 * m + 0.02 * l**2 + 0.015 * k**2 - 0.01 * m**2 - 0.02 * l * k - 0.02 * l * m
    slopes = (
        0.25 + 0.04 * l - 0.02 * k - 0.02 * m,
        0.15 + 0.03 * k - 0.02 * l,
        0.55 - 0.02 * m - 0.02 * l,
    )
    return f, np.stack(slopes)


def ces(l: FloatArray, k: FloatArray, m: FloatArray) -> tuple[FloatArray, FloatArray]:  # noqa: E741
    """Returns to scale 0.95, elasticity of substitution 1.5; no polynomial spans it."""
    r, scale = 1 / 3, 0.95
    parts = np.stack([0.25 * np.exp(r * l), 0.15 * np.exp(r * k), 0.6 * np.exp(r * m)])
    total = parts.sum(axis=0)
    return scale / r * np.log(total), scale * parts / total


def simulate(
    n_firms: int,
    seed: int,
    n_years: int = 6,
    technology: Technology = translog,
    *,
    predetermined: bool = False,
    sectors: int = 0,
    ragged: bool = False,
) -> Selection:
    """A panel of firms: y, l, k, m, s (the log share), the truth w, e, el, ek, em, and nace.

    Productivity is AR(1) with 0.6. Capital is set a year before; labour as well if `predetermined`, else it answers
    productivity and a wage of the firm's own, which is more persistent (0.9): were both alike, productivity plus any
    multiple of the wage would be Markov too. Intermediates cost the same for all, and are bought until their
    expected marginal revenue is that price; the transitory error comes after. `ragged` takes one row in eight away.
    """
    rng = np.random.default_rng(seed)
    shape = (n_firms, n_years)
    w, k, wage, l = (np.zeros(shape) for _ in range(4))  # noqa: E741
    sector = np.arange(n_firms) % max(sectors, 1)
    mean = 0.2 * sector
    w[:, 0], k[:, 0], wage[:, 0] = (rng.normal(0, sd, n_firms) for sd in (0.25, 0.8, 0.6))
    l[:, 0] = 0.4 * k[:, 0] + rng.normal(0, 0.5, n_firms)
    for t in range(1, n_years):
        w[:, t] = 0.6 * w[:, t - 1] + rng.normal(0, 0.2, n_firms)
        k[:, t] = 0.7 * k[:, t - 1] + 0.5 * w[:, t - 1] + rng.normal(0, 0.4, n_firms)
        wage[:, t] = 0.9 * wage[:, t - 1] + rng.normal(0, 0.26, n_firms)
        l[:, t] = 0.6 * l[:, t - 1] + 0.3 * k[:, t - 1] + 0.4 * w[:, t - 1] + rng.normal(0, 0.3, n_firms)
    w += mean[:, None]
    if not predetermined:
        l = 0.3 * k + 0.6 * w - wage  # noqa: E741
    m = _bought(technology, l, k, w)
    f, slopes = technology(l, k, m)
    e = rng.normal(0, E_SD, shape)
    y = f + w + e
    columns = {
        "y": y + 4.0,
        "l": l + 2.0,
        "k": k + 5.0,
        "m": m + 3.0,
        "s": m - y,
        "w": w,
        "e": e,
        "el": slopes[0],
        "ek": slopes[1],
        "em": slopes[2],
    }
    kept = rng.random(shape) > (0.125 if ragged else 0.0)
    firm, year = np.nonzero(kept)
    flat: dict[str, Any] = {name: values[kept] for name, values in columns.items()}
    flat["year"] = (year + 2015).astype(float)
    flat["nace"] = [f"S{code}" for code in np.repeat(sector[:, None], n_years, axis=1)[kept]]
    return selection(flat, firm, year + 2015)


def fitted(rows: Selection, **changes: Any) -> ProductivityFit:
    """Fit on every row; the share is in a column of its own, for y and m have units of their own."""
    extras = changes.pop("extras", "")
    return gnr.fit("tfp", options(**changes), rows, np.ones(rows.n_panel, dtype=bool), extras=extras)


def options(**changes: Any) -> gnr.Options:
    """Return the keys for `simulate`, with changes."""
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m", "share": "s"}
    return gnr.Options.model_validate(keys | changes)


def _bought(technology: Technology, l: FloatArray, k: FloatArray, w: FloatArray) -> FloatArray:  # noqa: E741
    """Solve ln D(l, k, m) + f(l, k, m) + w + ln E = m by bisection: the left side rises slower than the right."""
    low, high = np.full_like(w, -20.0), np.full_like(w, 20.0)
    for _ in range(80):
        m = 0.5 * (low + high)
        f, slopes = technology(l, k, m)
        gain = np.where(slopes[2] > 0, np.log(np.maximum(slopes[2], 1e-300)) + f + w + E_SD**2 / 2 - m, -1.0)
        low, high = np.where(gain > 0, m, low), np.where(gain > 0, high, m)
    return 0.5 * (low + high)
