"""Who answers the demo's two survey waves, and with which weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from panels.arrays import BoolArray, FloatArray, IntArray, TextArray
from panels.demo_firms import CELLS, SECTIONS, SIZES, Types, read_rows, size_class

__all__ = ["Strata", "draw_2021", "draw_2023", "stratify"]


# By size class: the chance that a linked respondent of 2023 answered in 2021 as well.
OVERLAP = np.array([0.26, 0.30, 0.44, 0.78])
OTHERS_2021 = 1150

# Belgian firms with 10 employees and more, by publication class: an assumed order of magnitude.
CLASSES = ("10_49", "50_249", "250")
CLASS_OF_SIZE = np.array([0, 0, 1, 2])
POPULATION_50_249 = 4900.0
POPULATION_250 = 1100.0
# Sections too thin to be split further: strata without a region, or without size as well.
WITHOUT_REGION = {"D": "DE", "E": "DE", "I": "I", "L": "L"}
WITHOUT_SIZE = {"Q": "QRS", "R": "QRS", "S": "QRS"}


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """The strata of one wave's respondents, one entry a respondent.

    Attributes
    ----------
    name : (n,) text array
    size : (n,) integer array
        Firms in the population of the stratum.
    weight : (n,) array
        Population over respondents, four decimals.
    """

    name: TextArray
    size: IntArray
    weight: FloatArray


def _quotas() -> IntArray:
    """Linked firms of 2023 by section and size class: largest remainders, rounded totals by section."""
    wanted = np.zeros((len(SECTIONS), len(SIZES)))
    for cell in CELLS:
        wanted[cell.section, cell.size] = cell.n_linked
    quotas = np.floor(wanted).astype(np.int64)
    for s in range(len(SECTIONS)):
        missing = int(np.rint(wanted[s].sum())) - int(quotas[s].sum())
        largest = np.argsort(-(wanted[s] - quotas[s]), kind="stable")
        quotas[s, largest[:missing]] += 1
    return quotas


def draw_2023(rng: np.random.Generator, types: Types, employees: FloatArray, eligible: BoolArray) -> IntArray:
    """Draw the linked respondents of 2023 by quota of section and observed size class.

    Parameters
    ----------
    rng : Generator
    types : Types
    employees : (n,) array
        Heads in 2023.
    eligible : (n,) boolean array
        Firms with accounts in 2023.

    Returns
    -------
    (m,) integer array
        Positions, ascending. What an emptied cell lacks comes from the other cells of its section.
    """
    order = rng.permutation(types.section.size)
    order = order[eligible[order] & (employees[order] >= 10)]
    observed, quotas = size_class(employees), _quotas()
    chosen: list[IntArray] = []
    for s in range(len(SECTIONS)):
        there = order[types.section[order] == s]
        cells = [there[observed[there] == size] for size in range(len(SIZES))]
        taken = [cell[: quotas[s, size]] for size, cell in enumerate(cells)]
        spare = np.concatenate([cell[quotas[s, size] :] for size, cell in enumerate(cells)])
        short = int(quotas[s].sum()) - sum(part.size for part in taken)
        chosen += [*taken, spare[:short]]
    return np.sort(np.concatenate(chosen))


def draw_2021(rng: np.random.Generator, sample_2023: IntArray, size_2023: IntArray, eligible: BoolArray) -> IntArray:
    """Draw the linked respondents of 2021: part of those of 2023, more of the larger, and others.

    Parameters
    ----------
    rng : Generator
    sample_2023 : (m,) integer array
    size_2023 : (n,) integer array
        Observed size class in 2023.
    eligible : (n,) boolean array
        Firms with accounts and ten employees or more in 2021.

    Returns
    -------
    (k,) integer array
        Positions, ascending.
    """
    again = rng.random(sample_2023.size) < OVERLAP[size_2023[sample_2023]]
    both = sample_2023[again & eligible[sample_2023]]
    others = np.setdiff1d(np.flatnonzero(eligible), sample_2023)
    return np.sort(np.concatenate([both, rng.permutation(others)[:OTHERS_2021]]))


def stratify(section: IntArray, employees: FloatArray, region: TextArray, growth: float) -> Strata:
    """Put respondents into strata of section, size class and region, and weight them up to the population.

    Parameters
    ----------
    section : (n,) integer array
    employees : (n,) array
        As the survey knows them, ten or more.
    region : (n,) text array
    growth : float
        Population relative to 2023.

    Returns
    -------
    Strata
    """
    population = _population() * growth
    group = CLASS_OF_SIZE[size_class(employees)]
    names: list[str] = []
    for s, g, place in zip(section.tolist(), group.tolist(), region.tolist(), strict=True):
        letter = SECTIONS[s]
        if letter in WITHOUT_SIZE:
            names.append(WITHOUT_SIZE[letter])
        elif letter in WITHOUT_REGION:
            names.append(f"{WITHOUT_REGION[letter]}-{CLASSES[g]}")
        else:
            names.append(f"{letter}-{CLASSES[g]}-{place}")
    label = np.array(names)
    levels, of, counts = np.unique(label, return_inverse=True, return_counts=True)
    # A stratum's population: its respondents' shares of their section x class populations.
    cells, of_cell, in_cell = np.unique(section * len(CLASSES) + group, return_inverse=True, return_counts=True)
    share = population.ravel()[cells][of_cell] / in_cell[of_cell]
    size = np.maximum(counts, np.rint(np.bincount(of, weights=share, minlength=levels.size))).astype(np.int64)
    return Strata(label, size[of], np.round(size[of] / counts[of], 4))


def _population() -> FloatArray:
    """Firms by section and publication class in 2023, (sections, 3)."""
    total = {row["nace"]: float(row["population"]) for row in read_rows("demo_sectors.csv")}
    medium, large = np.zeros(len(SECTIONS)), np.zeros(len(SECTIONS))
    for cell in CELLS:
        medium[cell.section] += cell.n_linked * (cell.size == 2)
        large[cell.section] += cell.n_linked * (cell.size == 3)
    medium *= POPULATION_50_249 / medium.sum()
    large *= POPULATION_250 / large.sum()
    return np.column_stack([np.array([total[s] for s in SECTIONS]) - medium - large, medium, large])
