"""The level of the demo's productivity: chosen so that the estimated table 1 comes out as published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from panels.arrays import BoolArray, FloatArray, IntArray
from panels.demo_firms import SECTIONS, SIZES, YEARS, Lives, Types, read_rows

__all__ = [
    "ELASTICITY_CAPITAL",
    "ELASTICITY_LABOUR",
    "RESIDUAL_SD",
    "Levels",
    "Production",
    "calibrate",
    "design_matrix",
    "produce",
    "published_table1",
]


ELASTICITY_LABOUR = 0.7
ELASTICITY_CAPITAL = 0.1
VALUE_ADDED_SHOCK_SD = 0.14
DRIFT = 0.0059
RESIDUAL_SD = 0.588
MATERIALS_CONSTANT = -7.4
MATERIALS_CAPITAL = 0.8


def published_table1() -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Return the terms of the published table 1, their estimates and their classical standard errors."""
    rows = read_rows("demo_table1.csv")
    return (
        tuple(row["term"] for row in rows),
        np.array([float(row["estimate"]) for row in rows]),
        np.array([float(row["std_error"]) for row in rows]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The calibrated starting values of log TFP: Z_i' starting + spread V_i.

    Attributes
    ----------
    starting : (19,) array
        Coefficients on constant, drawn size class, age in 2023, section, AI by 2023; the order of table 1.
    spread : float
        Standard deviation of what the types leave unexplained.
    """

    starting: FloatArray
    spread: float


@dataclass(frozen=True, slots=True, eq=False)
class Production:
    """Logarithms of EUR at 2023 prices, (n, 7) arrays over 2017-2023.

    Attributes
    ----------
    tfp : array
        True log TFP, the transitory shock to value added left out.
    value_added, materials : array
    """

    tfp: FloatArray
    value_added: FloatArray
    materials: FloatArray


def design_matrix(size: IntArray, age: IntArray, section: IntArray, ai: BoolArray) -> FloatArray:
    """Return the regressors of table 1, (n, 19): constant, size, age, section, AI; first levels left out."""
    return np.column_stack(
        [
            np.ones(size.size),
            size[:, None] == np.arange(1, len(SIZES)),
            age,
            section[:, None] == np.arange(1, len(SECTIONS)),
            ai,
        ]
    ).astype(np.float64)


def calibrate(types: Types, design: FloatArray, sampled: IntArray, noise: FloatArray) -> Levels:
    """Choose the starting values so that least squares on the sample gives the published coefficients.

    With b the published coefficients, X the observed design and A = (X'X)^-1 X', the regression of
    T = Z lambda + c V + noise gives b where lambda = (A Z)^-1 (b - c A V - A noise). Its residuals are
    then linear in c, so the c that gives the published residual standard deviation solves a quadratic
    equation.

    Parameters
    ----------
    types : Types
    design : (n, 19) array
        X, the sampled firms' observed characteristics.
    sampled : (n,) integer array
        Positions of the sampled firms.
    noise : (n,) array
        What their measured TFP of 2023 holds beside its level: random walk, AI effect, transitory shock.

    Returns
    -------
    Levels
        Rounded to nine decimals, so that the last bits of a linear algebra library do not reach the files.
    """
    _, published, _ = published_table1()
    z = design_matrix(types.size, types.age, types.section, types.ai_by_2023)[sampled]
    v = types.level_shock[sampled]
    projected = np.linalg.lstsq(design, np.column_stack([z, v, noise]), rcond=None)[0]
    solved = np.linalg.solve(projected[:, :-2], np.column_stack([published, projected[:, -2:]]))
    fixed = z @ (solved[:, 0] - solved[:, 2]) + noise - design @ published
    moving = v - z @ solved[:, 1]
    a, b = moving @ moving, 2 * (moving @ fixed)
    c = fixed @ fixed - RESIDUAL_SD**2 * (sampled.size - design.shape[1])
    spread = (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a)
    starting = solved[:, 0] - spread * solved[:, 1] - solved[:, 2]
    return Levels(np.round(starting, 9), round(float(spread), 9))


def produce(types: Types, lives: Lives, levels: Levels, shock: FloatArray) -> Production:
    """Return true log TFP, and value added and materials that follow from it.

    Parameters
    ----------
    types, lives, levels
        See there.
    shock : (n, 7) array
        The transitory shock to value added.
    """
    z = design_matrix(types.size, types.age, types.section, types.ai_by_2023)
    level = z @ levels.starting + levels.spread * types.level_shock
    tfp = level[:, None] + lives.walk + lives.ai_effect + DRIFT * (YEARS - YEARS[-1])
    value_added = ELASTICITY_LABOUR * np.log(lives.labour) + ELASTICITY_CAPITAL * lives.ln_capital + tfp + shock
    # Materials answer total productivity and capital alone: Wooldridge's proxy, exactly invertible.
    materials = MATERIALS_CONSTANT + MATERIALS_CAPITAL * lives.ln_capital + tfp
    return Production(tfp, value_added, materials)
