"""Kernel densities by group, drawn so that no firm's own point can be read off them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from estimation.groups import levels_of
from estimation.results import BoolArray, FloatArray, IntArray
from estimation.shown import Density
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["BANDWIDTH", "Densities", "bandwidth", "densities", "gaussian_density"]

BANDWIDTH = "Silverman's rule of thumb (R's bw.nrd0)"
TAIL_SHARE = 0.01
STEPS_A_BANDWIDTH = 8
MAX_POINTS = 512
CHUNK = 20_000
ROUNDING = 1e-12
"""Of the size of its values that a column which does not vary may move by."""
FEW, STILL = "too few firms for a curve", "its values do not vary: no curve"
HARDLY = "its values hardly vary between the tails that are cut: no curve"


@dataclass(frozen=True, slots=True, eq=False)
class Densities:
    """The curves of a figure and what must be said below it."""

    curves: tuple[Density, ...]
    notes: tuple[str, ...]


def densities(rows: Selection, of: str, by: str | None = None, minimum_firms: int = 10) -> Densities:
    """Estimate the density of a column, one curve for each level of another.

    Parameters
    ----------
    rows : Selection
        With both columns.
    of : str
        A number column.
    by : str, optional
        Text, or numbers with few values: ``ai``.
    minimum_firms : int
        Each curve ends where this many firms, or 1 per cent of the group's if that is more, still lie
        beyond.

    Returns
    -------
    Densities
        In level order. A group too small for a curve, or whose values do not vary, is left out and named.

    Raises
    ------
    EstimationError
        If no group has values that vary, of enough firms.

    Notes
    -----
    Gaussian kernel, bandwidth 0.9 min(s, IQR/1.34) n^(-1/5) (Silverman, 1986, equation 3.31), each group
    its own. The density is that of all the group's rows: over the part that is drawn it integrates to less
    than one.
    """
    values = rows.number(of)
    labels, codes = levels_of(rows, by)
    missing = np.isnan(values)
    curves: list[Density] = []
    left_out: dict[str, list[str]] = {}
    for code, label in enumerate(labels):
        inside: BoolArray = (codes == code) & ~missing
        curve = _curve(of, label, values[inside], rows.firm[inside], minimum_firms)
        if isinstance(curve, str):
            left_out.setdefault(curve, []).append(f"{by} {label}" if by else of)
        else:
            curves.append(curve)
    if not curves:
        raise EstimationError(f"density of {of}: {_no_curve(of, by, missing, codes, left_out, minimum_firms)}")
    notes = [
        f"Gaussian kernel, bandwidth by {BANDWIDTH}",
        f"each curve ends where at least {counted(minimum_firms, 'firm')} and 1 % of its firms lie beyond",
    ]
    notes += [f"{why}: {', '.join(groups)}" for why, groups in left_out.items()]
    without = int(missing.sum())
    notes += [f"{of} is missing in {counted(without, 'row')}: left out"] if without else []
    ungrouped = int((~missing & (codes < 0)).sum())
    notes += [f"{by} is missing in {counted(ungrouped, 'row')}: left out"] if ungrouped else []
    return Densities(tuple(curves), tuple(notes))


def _no_curve(
    of: str, by: str | None, missing: BoolArray, codes: IntArray, left_out: Mapping[str, list[str]], minimum_firms: int
) -> str:
    """Say why no group of a column has a curve."""
    if missing.all():
        return f'"{of}" has no value in these rows; is it the right column, and does where keep rows that have one?'
    if by is not None and not (~missing & (codes >= 0)).any():
        return f'no row has both "{of}" and "{by}"; is it the right column?'
    if FEW not in left_out:
        still = f'"{of}" {"does not vary" if STILL in left_out else "hardly varies"}'
        return f"{still} {'within any group' if by else 'in these rows'}; is it the right column?"
    beyond = counted(minimum_firms, "firm lies", "firms lie")
    return (
        f"no group has enough firms for a curve whose tails are cut where {beyond} beyond; widen where, or draw all "
        "firms together"
    )


def _curve(of: str, label: str, values: FloatArray, firm: IntArray, minimum_firms: int) -> Density | str:
    """Return a curve, or why there is none."""
    n_firms = int(np.unique(firm).size)
    beyond = max(minimum_firms, int(np.ceil(TAIL_SHARE * n_firms)), 1)
    if n_firms <= 2 * beyond:
        return FEW
    if not float(np.ptp(values)) > ROUNDING * float(np.abs(values).max()):
        return STILL
    width = bandwidth(values)
    order = np.argsort(values, kind="stable")
    low = _beyond(values[order], firm[order], beyond)
    high = -_beyond(-values[order[::-1]], firm[order[::-1]], beyond)
    grid = _grid(low, high, width)
    if grid.size < 2 or width <= 0:
        return HARDLY
    return Density(
        of=of,
        label=label,
        grid=grid,
        density=gaussian_density(values, grid, width),
        bandwidth=width,
        n_obs=values.size,
        n_firms=n_firms,
        mean=float(values.mean()),
    )


def _beyond(values: FloatArray, firm: IntArray, firms: int) -> float:
    """Return the value at which, from below, so many firms have been seen; `values` ascending."""
    first = np.sort(np.unique(firm, return_index=True)[1])
    return float(values[first[firms - 1]])


def _grid(low: float, high: float, width: float) -> FloatArray:
    """Return round numbers strictly between two values: an end of the curve is then no firm's own value."""
    step = max(width / STEPS_A_BANDWIDTH, (high - low) / (MAX_POINTS - 1))
    if step <= 0:
        return np.zeros(0)
    step = float(10.0 ** np.ceil(np.log10(step)))
    while step / 2 >= max(width / STEPS_A_BANDWIDTH, (high - low) / (MAX_POINTS - 1)):
        step /= 2
    first, last = np.floor(low / step) + 1, np.ceil(high / step) - 1
    return np.arange(first, last + 1) * step


def bandwidth(values: FloatArray) -> float:
    """Return Silverman's bandwidth, as R's `bw.nrd0`.

    Parameters
    ----------
    values : (n,) array
        At least two.

    Returns
    -------
    float
        0.9 min(s, IQR/1.34) n^(-1/5); where the quartiles coincide, s alone; zero where all values do.
    """
    deviation = float(np.std(values, ddof=1))
    lower, upper = np.quantile(values, [0.25, 0.75])
    spread = min(deviation, float(upper - lower) / 1.34) or deviation
    return float(0.9 * spread * values.size**-0.2)


def gaussian_density(values: FloatArray, grid: FloatArray, width: float) -> FloatArray:
    """Return the Gaussian kernel density of n values at m points, exactly (no binning).

    Parameters
    ----------
    values : (n,) array
    grid : (m,) array
    width : float
        The kernel's standard deviation.

    Returns
    -------
    (m,) array
    """
    total = np.zeros(grid.size)
    for start in range(0, values.size, CHUNK):
        distance = (grid[:, None] - values[None, start : start + CHUNK]) / width
        total += np.exp(-0.5 * distance**2).sum(axis=1)
    density: FloatArray = total / (values.size * width * np.sqrt(2 * np.pi))
    return density
