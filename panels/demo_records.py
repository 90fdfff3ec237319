"""What the demo's generator hands out: firms, accounts, survey waves, and the truths behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panels.arrays import BoolArray, FloatArray, IntArray, TextArray
from panels.demo_filing import Filing, Prices

__all__ = ["DemoAccounts", "DemoData", "DemoFirms", "DemoTruth", "DemoWave"]


@dataclass(frozen=True, slots=True, eq=False)
class DemoFirms:
    """One entry a firm.

    Attributes
    ----------
    number : (n,) text array
        Ten digits; from a range never issued, with check digits that are wrong.
    section, nace_code, region : (n,) text array
        Letter, five digits of NACE-BEL 2008, and BE1 (Brussels), BE2 (Flanders) or BE3 (Wallonia).
    start_year : (n,) integer array
    adoption_year : (n,) integer array
        First year with AI, 2017 for those that used it before; 0 without AI by 2023.
    files_accounts : (n,) boolean array
        False for the few that only the survey knows.
    """

    number: TextArray
    section: TextArray
    nace_code: TextArray
    region: TextArray
    start_year: IntArray
    adoption_year: IntArray
    files_accounts: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class DemoAccounts:
    """One entry a row of accounts, sorted by year and firm number.

    Attributes
    ----------
    filing : Filing
        Firm, year and rubrics.
    labour : (r,) array
        FTE, one decimal.
    full_time, part_time, closing_heads : (r,) integer array
        Average heads of the year; heads on its closing date.
    value_added, materials, capital : (r,) array
        EUR at 2023 prices, twelve months: what the rubrics must give back.
    tfp : (r,) array
        True log TFP.
    ai_effect : (r,) array
        Log points of it owed to AI.
    """

    filing: Filing
    labour: FloatArray
    full_time: IntArray
    part_time: IntArray
    closing_heads: IntArray
    value_added: FloatArray
    materials: FloatArray
    capital: FloatArray
    tfp: FloatArray
    ai_effect: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class DemoWave:
    """One wave of the survey, one entry a respondent, sorted by firm number.

    Attributes
    ----------
    wave : int
    firm : (m,) integer array
        Position in `DemoFirms`.
    linked : (m,) boolean array
        Whether the firm has accounts of the wave's year.
    employees : (m,) integer array
        As the survey knows them; they may differ a little from the accounts.
    stratum : (m,) text array
    stratum_size : (m,) integer array
    weight : (m,) array
        Stratum size over respondents, four decimals.
    interview_date : (m,) date array
        Days.
    answers : mapping of str to (m,) int8 array
        Code without ``E_`` to 1, 0, or -1 where a filter skipped the item.
    """

    wave: int
    firm: IntArray
    linked: BoolArray
    employees: IntArray
    stratum: TextArray
    stratum_size: IntArray
    weight: FloatArray
    interview_date: NDArray[np.datetime64]
    answers: Mapping[str, NDArray[np.int8]]

    @property
    def ai(self) -> BoolArray:
        """Whether the firm reports any use of AI."""
        return np.asarray(self.answers["AI_TANY"] == 1)


@dataclass(frozen=True, slots=True, eq=False)
class DemoTruth:
    """What the generator knows and an estimator must find.

    Attributes
    ----------
    labour, capital : float
        Elasticities of value added.
    ai_path : (7,) array
        Share of the users of 2023 that use AI already in 2017, ..., 2023.
    ai_effect : (3,) array
        Log points of TFP in the year of adoption, the next, and from two years later on.
    adopters : (a,) integer array
        Firms linked in both waves that report no AI in 2021 and AI in 2023.
    effect_on_adopters : float
        Mean log points of TFP that AI gives these firms in 2023; nothing in 2020.
    starting, spread : (19,) array and float
        The calibrated levels, see `demo_levels.Levels`.
    """

    labour: float
    capital: float
    ai_path: FloatArray
    ai_effect: FloatArray
    adopters: IntArray
    effect_on_adopters: float
    starting: FloatArray
    spread: float


@dataclass(frozen=True, slots=True, eq=False)
class DemoData:
    """A whole demo panel.

    Attributes
    ----------
    seed : int
    firms : DemoFirms
    accounts : DemoAccounts
    waves : tuple of DemoWave
        2021 and 2023.
    prices : Prices
    truth : DemoTruth
    """

    seed: int
    firms: DemoFirms
    accounts: DemoAccounts
    waves: tuple[DemoWave, ...]
    prices: Prices
    truth: DemoTruth
