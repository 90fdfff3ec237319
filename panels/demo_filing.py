"""The demo's firms file their accounts: rubrics in nominal euros, made backwards from real amounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from panels.arrays import BoolArray, FloatArray, IntArray
from panels.demo_firms import SECTIONS, YEARS, Lives, Types, read_rows
from panels.demo_levels import Production

__all__ = ["NOT_FILED", "Filing", "Prices", "draw_prices", "file_accounts"]


NOT_FILED = int(np.iinfo(np.int64).min)

# Price paths 2017-2023 (2023 = 1), bent by each section's exponent. Invented; the rise of 2021-2022 is real.
OUTPUT = np.array([0.840, 0.855, 0.868, 0.872, 0.900, 0.968, 1.0])
INTERMEDIATES = np.array([0.780, 0.805, 0.812, 0.795, 0.860, 0.985, 1.0])
INVESTMENT = np.array([0.835, 0.850, 0.866, 0.878, 0.910, 0.970, 1.0])
WAGES = np.array([0.800, 0.815, 0.835, 0.845, 0.860, 0.910, 1.0])

# A firm above more than one of these files the full scheme: FTE, turnover, balance sheet total.
SMALL_FTE, SMALL_TURNOVER, SMALL_TOTAL = 50.0, 9.0e6, 4.5e6


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Deflators by section and year, (sections, 7), four decimals, 2023 = 1."""

    output: FloatArray
    intermediates: FloatArray
    investment: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Filing:
    """One entry a row of accounts, (r,) arrays.

    Attributes
    ----------
    firm, year : integer array
        Position of the firm; accounting year.
    months : integer array
        Length of the accounting year; flows cover it whole.
    full : boolean array
        Full scheme; otherwise abridged.
    rubrics : dict of str to integer array
        Code to euros; `NOT_FILED` where the firm left the rubric empty.
    """

    firm: IntArray
    year: IntArray
    months: IntArray
    full: BoolArray
    rubrics: dict[str, IntArray]


def draw_prices() -> Prices:
    """Return the deflators of every section and year (nothing in them is random)."""
    rows = {row["nace"]: row for row in read_rows("demo_sectors.csv")}
    bend = {
        kind: np.array([float(rows[section][f"{kind}_price"]) for section in SECTIONS])[:, None]
        for kind in ("output", "intermediates", "investment")
    }
    return Prices(
        np.round(OUTPUT ** bend["output"], 4),
        np.round(INTERMEDIATES ** bend["intermediates"], 4),
        np.round(INVESTMENT ** bend["investment"], 4),
    )


def file_accounts(
    rng: np.random.Generator,
    types: Types,
    lives: Lives,
    production: Production,
    *,
    prices: Prices,
    files: BoolArray,
) -> Filing:
    """Turn real amounts into rubrics from which the `nbb` layout finds them again.

    Parameters
    ----------
    rng : Generator
    types, lives, production, prices
        See there.
    files : (n,) boolean array
        Firms that file accounts with the bank at all.

    Returns
    -------
    Filing
        Sorted by year, then by firm.
    """
    year, firm = np.nonzero((lives.active & files[:, None]).T)
    at = (firm, year)
    section = types.section[firm]
    months = rng.choice(np.array([12, 15, 9, 18, 8]), size=firm.size, p=[0.990, 0.004, 0.003, 0.002, 0.001])
    length = months / 12

    value_added = _euros(np.exp(production.value_added[at]) * prices.output[section, year] * length)
    materials = _euros(np.exp(production.materials[at]) * prices.intermediates[section, year] * length)
    capital = _euros(np.exp(lives.ln_capital[at]) * prices.investment[section, year])
    labour = lives.labour[at]

    # The rubrics beside: small lines, absent where a firm has none.
    goods = (0.25 + 0.6 * rng.random(types.section.size))[firm]
    purchases = _euros(goods * materials)
    stock_change = np.where(
        np.isin(section, _positions("CFG")), _euros(0.01 * rng.standard_normal(firm.size) * materials), 0
    )
    own_work = np.where(rng.random(firm.size) < 0.10, _euros(0.02 * rng.random(firm.size) * value_added), 0)
    subsidies = np.where(rng.random(firm.size) < 0.45, _euros(0.015 * rng.random(firm.size) * value_added), 0)
    other = subsidies + _euros(0.01 * rng.random(firm.size) * value_added)
    one_off = np.where(rng.random(firm.size) < 0.06, _euros(0.05 * rng.random(firm.size) * value_added), 0)
    intangible = np.where(rng.random(types.section.size) < 0.55, 0.12 * rng.random(types.section.size), 0.0)[firm]
    intangible_assets = _euros(intangible * capital)
    total_assets = capital + _euros((0.15 + 0.35 * rng.random(firm.size)) * (value_added + materials) / length)

    turnover = value_added + materials - stock_change - own_work - other + subsidies
    exceeded = (
        (labour > SMALL_FTE).astype(np.int64) + (turnover / length > SMALL_TURNOVER) + (total_assets > SMALL_TOTAL)
    )
    full = exceeded > 1
    abridged_turnover = value_added + materials
    shows_turnover = rng.random(types.section.size)[firm] < 0.35

    ln_wage = np.log(47_000 * WAGES[year]) + 0.25 * (production.tfp[at] - 11.4) + 0.06 * rng.standard_normal(firm.size)
    labour_cost = _euros(labour * np.exp(ln_wage) * length)
    depreciation = _euros(0.12 * capital * length)
    acquired = _acquisitions(lives, firm, year) * prices.investment[section, year] * length
    result = value_added + one_off + np.where(full, subsidies, 0) - labour_cost - depreciation

    everybody = np.ones(firm.size, dtype=np.bool_)
    rubrics = {
        "70": _filed(np.where(full, turnover, abridged_turnover), full | shows_turnover),
        "71": _filed(stock_change, full & (stock_change != 0)),
        "72": _filed(own_work, full & (own_work != 0)),
        "74": _filed(other, full & (other != 0)),
        "740": _filed(subsidies, full & (subsidies != 0)),
        "76A": _filed(one_off, one_off != 0),
        "60": _filed(purchases, everybody),
        "61": _filed(materials - purchases, everybody),
        "9900": _filed(value_added + one_off, ~full),
        "62": _filed(labour_cost, everybody),
        "630": _filed(depreciation, everybody),
        "9901": _filed(result, everybody),
        "21": _filed(intangible_assets, intangible_assets != 0),
        "22/27": _filed(capital - intangible_assets, everybody),
        "20/58": _filed(total_assets, everybody),
        "8169": _filed(_euros(np.maximum(acquired, 0)), everybody),
        "8179": _filed(_euros(np.maximum(-acquired, 0)), acquired < 0),
    }
    return Filing(firm, YEARS[year], months, full, rubrics)


def _acquisitions(lives: Lives, firm: IntArray, year: IntArray) -> FloatArray:
    """Capital less 88 % of last year's, EUR at 2023 prices; in a firm's first year replacement alone."""
    now = np.exp(lives.ln_capital[firm, year])
    before = np.exp(lives.ln_capital[firm, np.maximum(year - 1, 0)])
    return np.where((year > 0) & lives.active[firm, year - 1], now - 0.88 * before, 0.12 * now)


def _positions(letters: str) -> list[int]:
    return [SECTIONS.index(letter) for letter in letters]


def _euros(amount: FloatArray) -> IntArray:
    return np.rint(amount).astype(np.int64)


def _filed(amount: IntArray, filed: BoolArray) -> IntArray:
    return np.where(filed, amount, NOT_FILED)
