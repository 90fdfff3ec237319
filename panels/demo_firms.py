"""The demo's firms before the level of their productivity is known: type, age, life, AI, labour and capital.

Everything here is invented. Years are columns 0 to 6, for 2017 to 2023.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from panels.arrays import BoolArray, FloatArray, IntArray

__all__ = [
    "AI_EFFECT",
    "AI_PATH",
    "CELLS",
    "SECTIONS",
    "SIZES",
    "YEARS",
    "Cell",
    "Lives",
    "Types",
    "draw_lives",
    "draw_types",
    "read_rows",
    "size_class",
]


FIRST_YEAR, LAST_YEAR = 2017, 2023
YEARS = np.arange(FIRST_YEAR, LAST_YEAR + 1)
SIZES = ("10-19", "20-49", "50-249", "250+")
SIZE_BREAKS = np.array([10.0, 20.0, 50.0, 250.0])
LN_SIZE_LOW = np.log([11.0, 20.0, 50.0, 250.0])
LN_SIZE_HIGH = np.log([20.0, 50.0, 250.0, 6000.0])

# Share of a type's users of 2023 that use AI already in 2017, ..., 2023.
AI_PATH = np.array([0.30, 0.40, 0.50, 0.60, 0.72, 0.86, 1.0])
# Log points of TFP in the year of adoption, one year later, and from two years later on.
AI_EFFECT = np.array([0.04, 0.07, 0.10])

EXIT_RATE = 0.015
TFP_SHOCK_SD = 0.10
LABOUR_SHOCK_SD = 0.10
CAPITAL_SHOCK_SD = 0.45
CAPITAL_ADJUSTMENT = 0.3
CAPITAL_TARGET_SD = 0.8


@dataclass(frozen=True, slots=True)
class Cell:
    """A section x size cell of the design.

    Attributes
    ----------
    section, size : int
        Positions in `SECTIONS` and `SIZES`.
    n_linked : float
        Linked firms in 2023 that the published standard errors imply.
    p_ai : float
        Share that uses AI by 2023.
    age_mean, age_sd : float
        Years, in 2023.
    """

    section: int
    size: int
    n_linked: float
    p_ai: float
    age_mean: float
    age_sd: float


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the data files that lie beside this module."""
    text = files("panels").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _read_cells() -> tuple[tuple[str, ...], tuple[Cell, ...]]:
    rows = read_rows("demo_design.csv")
    sections = tuple(dict.fromkeys(row["nace"] for row in rows))
    cells = tuple(
        Cell(
            sections.index(row["nace"]),
            SIZES.index(row["size"]),
            float(row["n_cell"]),
            float(row["p_ai"]),
            float(row["age_mean"]),
            float(row["age_sd"]),
        )
        for row in rows
    )
    return sections, cells


SECTIONS, CELLS = _read_cells()


def size_class(employees: FloatArray) -> IntArray:
    """Return the position in `SIZES` of each number of employees; -1 below ten."""
    return np.searchsorted(SIZE_BREAKS, employees, side="right").astype(np.int64) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Types:
    """What a firm is for good, one entry a firm.

    Attributes
    ----------
    section, size : (n,) integer array
        Positions in `SECTIONS` and `SIZES`; the observed size class may differ.
    ln_size : (n,) array
        Logarithm of FTE before shocks.
    age : (n,) integer array
        In 2023, years.
    adoption_year : (n,) integer array
        First year with AI (2017 for those that used it before); 0 without AI by 2023.
    level_shock : (n,) array
        V_i, standard normal.
    """

    section: IntArray
    size: IntArray
    ln_size: FloatArray
    age: IntArray
    adoption_year: IntArray
    level_shock: FloatArray

    @property
    def ai_by_2023(self) -> BoolArray:
        """Whether a firm uses AI in 2023."""
        return self.adoption_year > 0


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """What happens to a firm, (n, 7) arrays over 2017-2023; meaningless where not `active`.

    Attributes
    ----------
    active : boolean array
        The firm exists and files accounts.
    walk : array
        R_it, the random walk in log TFP, 0 at entry.
    ai_effect : array
        Log points of TFP owed to AI.
    labour : array
        FTE, one decimal.
    full_time, part_time : integer array
        Average heads of the year.
    ln_capital : array
        Logarithm of EUR at 2023 prices.
    """

    active: BoolArray
    walk: FloatArray
    ai_effect: FloatArray
    labour: FloatArray
    full_time: IntArray
    part_time: IntArray
    ln_capital: FloatArray

    @property
    def employees(self) -> FloatArray:
        """Average heads, full-time and part-time."""
        return (self.full_time + self.part_time).astype(np.float64)


def draw_types(rng: np.random.Generator, extra: int = 0) -> Types:
    """Draw the firms of every cell, in random order, and `extra` firms with the linked ones' mix of cells.

    Parameters
    ----------
    rng : Generator
    extra : int
        Firms at the end that are to be known to the survey alone.

    Returns
    -------
    Types
        ceil(2.05 n_cell + 3) firms a cell, then the extra ones.
    """
    weights = np.array([cell.n_linked for cell in CELLS])
    repeated = np.repeat(np.arange(len(CELLS)), np.ceil(2.05 * weights + 3).astype(np.int64))
    drawn = np.searchsorted(np.cumsum(weights), rng.random(extra) * weights.sum())
    of = np.concatenate([rng.permutation(repeated), drawn])
    n = of.size
    section = np.array([cell.section for cell in CELLS])[of]
    size = np.array([cell.size for cell in CELLS])[of]
    uniform = LN_SIZE_LOW[size] + rng.random(n) * (LN_SIZE_HIGH - LN_SIZE_LOW)[size]
    exponential = np.minimum(LN_SIZE_LOW[3] + 0.7 * rng.standard_exponential(n), LN_SIZE_HIGH[3])
    mean, sd = (np.array([getattr(cell, name) for cell in CELLS])[of] for name in ("age_mean", "age_sd"))
    # Gamma with this mean and standard deviation; firms enter at age 1, so none is younger in 2023.
    age = np.maximum(1, np.rint(rng.standard_gamma((mean / sd) ** 2) * sd**2 / mean)).astype(np.int64)
    needed = rng.random(n) / np.array([cell.p_ai for cell in CELLS])[of]
    first = np.searchsorted(AI_PATH, needed, side="right")
    adoption = np.where(needed < 1, np.maximum(YEARS[np.minimum(first, 6)], _entry_year(age)), 0)
    return Types(section, size, np.where(size == 3, exponential, uniform), age, adoption, rng.standard_normal(n))


def _entry_year(age: IntArray) -> IntArray:
    """Firms enter the panel at age 1, or are there when it begins."""
    return np.maximum(FIRST_YEAR, LAST_YEAR - age + 1)


def draw_lives(rng: np.random.Generator, types: Types, capital_shift: FloatArray) -> Lives:
    """Draw entry, exit, TFP's random walk, labour and capital.

    Parameters
    ----------
    rng : Generator
    types : Types
    capital_shift : (number of sections,) array
        How much more capital a section wants at a given size, in logs.
    """
    n, years = types.age.size, YEARS.size
    entry = _entry_year(types.age)[:, None]
    leaves: BoolArray = (rng.random((n, years)) < EXIT_RATE) & (entry <= YEARS)
    left_before: IntArray = np.cumsum(leaves, axis=1) - leaves
    active: BoolArray = (entry <= YEARS) & (left_before == 0)

    walk = np.cumsum(np.where(entry < YEARS, TFP_SHOCK_SD * rng.standard_normal((n, years)), 0.0), axis=1)
    adoption = types.adoption_year[:, None]
    ai_effect = np.where(
        (adoption > 0) & (adoption <= YEARS), AI_EFFECT[np.clip(YEARS - adoption, 0, AI_EFFECT.size - 1)], 0.0
    )
    productivity = walk + ai_effect

    ln_labour = types.ln_size[:, None] + 0.4 * productivity + LABOUR_SHOCK_SD * rng.standard_normal((n, years))
    labour = np.rint(10 * np.exp(ln_labour)) / 10
    # Part-timers work six tenths of full time; heads exceed FTE by 1 to 8 per cent.
    share = (0.02 + 0.10 * rng.random(n))[:, None]
    part_time = np.rint(share * labour / 0.6).astype(np.int64)
    full_time = np.maximum(1, np.rint(labour - 0.6 * part_time)).astype(np.int64)

    target = 11 + 0.95 * types.ln_size + capital_shift[types.section] + CAPITAL_TARGET_SD * rng.standard_normal(n)
    spread = CAPITAL_SHOCK_SD / np.sqrt(1 - (1 - CAPITAL_ADJUSTMENT) ** 2)
    capital = target + spread * rng.standard_normal(n)
    shocks = CAPITAL_SHOCK_SD * rng.standard_normal((n, years))
    ln_capital = np.empty((n, years))
    for t in range(years):
        if t > 0:
            # Capital of t is decided in t - 1: it answers last year's productivity, not this year's surprise.
            wanted = target + 0.5 * productivity[:, t - 1]
            moved = capital + CAPITAL_ADJUSTMENT * (wanted - capital) + shocks[:, t]
            capital = np.where(entry[:, 0] < YEARS[t], moved, capital)
        ln_capital[:, t] = capital
    return Lives(active, walk, ai_effect, labour, full_time, part_time, ln_capital)
