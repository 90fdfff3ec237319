"""Wooldridge's system in a draw, written with dense matrices and recentred moments: slow, independent of the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from panels.frame import Selection, TextColumn

__all__ = ["Dense", "dense_system", "recentred"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Dense:
    """Stacked instruments, regressors and outcome of both equations, the firm of each row, its row in the panel."""

    z: Array
    x: Array
    y: Array
    firm: Array
    row: Array
    first: int  # instruments of equation 1


def dense_system(rows: Selection, degree: int, controls: tuple[str, ...] = (), common: bool = True) -> Dense:
    y, l, k, m = (rows.number(name) for name in "ylkm")  # noqa: E741
    firm, year = rows.firm, rows.year
    lag = np.zeros(len(y), dtype=bool)
    lag[1:] = (firm[1:] == firm[:-1]) & (year[1:] == year[:-1] + 1)
    k0, m0 = (k - k.mean()) / k.std(), (m - m.mean()) / m.std()
    c = np.column_stack([k0**i * m0**j for i in range(degree + 1) for j in range(degree + 1 - i)])
    for name in controls:
        column = rows.columns[name]
        codes = column.codes if isinstance(column, TextColumn) else year - year.min()
        c = np.column_stack([c, (codes[:, None] == np.unique(codes)[None, :]).astype(float)])
    own = c[:, (degree + 1) * (degree + 2) // 2 :]
    now = np.flatnonzero(lag)
    early = now if common else np.arange(len(y))
    z1, x1 = np.column_stack([c[early], l[early]]), c[early]
    x2 = np.column_stack([c[now - 1], own[now]])
    z2 = np.column_stack([x2, l[now - 1], k[now]])
    n1, n2 = len(early), len(now)
    z = np.zeros((n1 + n2, z1.shape[1] + z2.shape[1]))
    z[:n1, : z1.shape[1]], z[n1:, z1.shape[1] :] = z1, z2
    x = np.zeros((n1 + n2, 2 + x1.shape[1] + x2.shape[1]))
    x[:n1, 0], x[n1:, 0], x[n1:, 1] = l[early], l[now], k[now]
    x[:n1, 2 : 2 + x1.shape[1]], x[n1:, 2 + x1.shape[1] :] = x1, x2
    row = np.concatenate([early, now])
    return Dense(z, x, np.concatenate([y[early], y[now]]), firm[row], row, z1.shape[1])


def _independent(columns: Array, used: Array) -> list[int]:
    """The columns that are no combination of those before them in the rows that are used."""
    kept: list[int] = []
    basis = np.zeros((int(used.sum()), 0))
    for j, column in enumerate(columns[used].T):
        left = column - basis @ (basis.T @ column)
        left -= basis @ (basis.T @ left)
        if np.linalg.norm(left) > 1e-8 * max(np.linalg.norm(column), 1e-300):
            kept.append(j)
            basis = np.column_stack([basis, left / np.linalg.norm(left)])
    return kept


def recentred(system: Dense, counts: Array, steps: int, weights: str = "cluster", ridge: float = 0.0) -> Array:
    """The two elasticities of a draw: moments less those of the full sample at its estimate, in both steps.

    `counts` by firm code. Recentred are the sums of each firm, with `robust` those of each row of the panel. A
    `ridge` on the correlations of S stands for the limit in which moments without variance are met exactly.
    """
    ones = np.ones(len(system.y))
    zero = np.zeros(system.x.shape[0])
    full, x_kept = _solve(system, ones, zero, steps, weights, ridge)
    residual = system.y - system.x[:, x_kept] @ full
    return _solve(system, counts[system.firm], residual, steps, weights, ridge)[0][:2]


def _solve(system: Dense, n: Array, residual: Array, steps: int, weights: str, ridge: float) -> tuple[Array, list[int]]:
    z_kept, x_kept = _independent(system.z, n > 0), _independent(system.x, n > 0)
    z, x, y = system.z[:, z_kept], system.x[:, x_kept], system.y
    unit = system.row if weights == "robust" else system.firm
    units, where = np.unique(unit, return_inverse=True)
    drawn = np.zeros(len(units))
    drawn[where] = n
    centre = z.T @ residual / len(units)
    zx, moment = z.T @ (x * n[:, None]), z.T @ (y * n) - drawn.sum() * centre
    gram = z.T @ (z * n[:, None])
    second = np.array(z_kept) >= system.first
    weight = np.zeros_like(gram)
    for part in (~second, second):
        weight[np.ix_(part, part)] = np.linalg.inv(gram[np.ix_(part, part)])
    theta = np.linalg.solve(zx.T @ weight @ zx, zx.T @ weight @ moment)
    if steps == 2:
        u = y - x @ theta
        if weights == "unadjusted":
            s = _homoskedastic(system, z, u, n, second)
        else:
            scores = np.zeros((len(units), len(z_kept)))
            np.add.at(scores, where, z * u[:, None])
            scores -= centre
            s = (scores * drawn[:, None]).T @ scores
        scale = np.sqrt(np.diag(s))
        correlation = s / np.outer(scale, scale) + ridge * np.eye(len(scale))
        inverse = np.linalg.inv(correlation) / np.outer(scale, scale)
        theta = np.linalg.solve(zx.T @ inverse @ zx, zx.T @ inverse @ moment)
    return theta, x_kept


def _homoskedastic(system: Dense, z: Array, u: Array, n: Array, second: Array) -> Array:
    """Blocks sigma_ab Z_a'Z_b; zero off the diagonal where the equations have different rows."""
    early, late = ~np.any(system.z[:, system.first :] != 0, axis=1), np.any(system.z[:, system.first :] != 0, axis=1)
    same = np.array_equal(system.row[early], system.row[late])
    parts = [(early, ~second), (late, second)]
    s = np.zeros((z.shape[1], z.shape[1]))
    for a, (rows_a, columns_a) in enumerate(parts):
        for b, (rows_b, columns_b) in enumerate(parts):
            if a != b and not same:
                continue
            wa, wb = n[rows_a], n[rows_b]
            sigma = (u[rows_a] * wa) @ u[rows_b] / np.sqrt(wa.sum() * wb.sum())
            cross = z[rows_a][:, columns_a].T @ (z[rows_b][:, columns_b] * wb[:, None])
            s[np.ix_(columns_a, columns_b)] = sigma * cross
    return s
