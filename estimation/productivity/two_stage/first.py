"""The first stage: output on the control function by least squares, which leaves the transitory error behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from estimation.cross_products import CrossProducts, cross_products
from estimation.gmm import GmmFit, linear_gmm
from estimation.productivity.common.inputs import ROWS_AT_A_TIME, Inputs
from estimation.productivity.common.moments import C_NOW, FREE, MomentEquation
from estimation.productivity.common.system import PHI, System, build_system
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["APART", "WITHIN", "FirstStage", "first_stage"]

APART = MomentEquation(regressors=(FREE, C_NOW), instruments=(FREE, C_NOW))
"""y = l bl + C(k, m, d) lambda + e: the free inputs stand apart from the polynomial."""
WITHIN = MomentEquation(regressors=(C_NOW,), instruments=(C_NOW,))
"""y = C(l, k, m, d) lambda + e: the free inputs stand in the polynomial."""


@dataclass(frozen=True, slots=True, eq=False)
class FirstStage:
    """A regression on C and, where they stand apart, on the free inputs.

    Attributes
    ----------
    system : System
    products : CrossProducts
    gmm : GmmFit
        Its parameters are all of the regression's: free inputs first, then those of C.
    n_free : int
        Free inputs that stand apart.
    n_polynomial : int
        Leading columns of C that are monomials; the others are controls.
    rows : (n,) bool array
        Rows of the group that it rests on.
    """

    system: System
    products: CrossProducts
    gmm: GmmFit
    n_free: int
    n_polynomial: int
    rows: BoolArray

    @property
    def names(self) -> tuple[str, ...]:
        """The q columns of C that were kept, as parameters: ``phi[1]``, ``phi[ln_k]``, ``phi[nace[D]]``."""
        return self.gmm.parameters[self.n_free :]

    @property
    def free(self) -> FloatArray:
        """The elasticities of the free inputs that stand apart, (n_free,)."""
        return self.gmm.coefficients[: self.n_free]

    @property
    def phi(self) -> FloatArray:
        """The coefficients of C, (q,), about the mean of y - l bl."""
        return self.gmm.coefficients[self.n_free :]

    def knows(self, rows: BoolArray) -> BoolArray:
        """Return which rows have C: their inputs, and no level of a control that the regression never saw."""
        known = rows & self.system.inputs.has_inputs
        for control in self.system.inputs.controls:
            if control.codes is not None and control.name in self.system.levels:
                known[known] = self.system.levels[control.name][control.codes[known]] != -2
        return known

    def columns(self, at: IntArray) -> Iterator[tuple[slice, FloatArray]]:
        """Yield C at these rows, a stretch at a time.

        Parameters
        ----------
        at : (r,) integer array
            Positions in the group, ascending, of rows that `knows` C.

        Yields
        ------
        part : slice
            Of `at`.
        c : (q, part) array
        """
        parts = [one for one in self.system.parts[0] if (one.parameters[0] or "").startswith(f"{PHI}[")]
        place = {name: number for number, name in enumerate(name for one in parts for name in one.parameters)}
        kept = [place[name] for name in self.names]
        begin = 0
        while begin < len(at):
            start = int(at[begin])
            end = int(np.searchsorted(at, start + ROWS_AT_A_TIME))
            chosen = at[begin:end]
            monomials = self.system.monomials(start, int(chosen[-1]) + 1)
            out = np.empty((len(place), len(chosen)))
            row = 0
            for one in parts:
                one.fill(out[row : row + len(one.columns)], chosen, start, monomials)
                row += len(one.columns)
            yield slice(begin, end), out if len(kept) == len(out) else out[kept]
            begin = end

    def slope(self, rows: BoolArray) -> Iterator[tuple[IntArray, FloatArray]]:
        """Yield positions among these rows and dPhi / d proxy there, a stretch at a time."""
        polynomial = self.system.polynomial
        slope = self.phi[: self.n_polynomial] @ polynomial.derivative(len(polynomial.inputs) - 1)
        for start in range(0, len(rows), ROWS_AT_A_TIME):
            there = np.flatnonzero(rows[start : start + ROWS_AT_A_TIME])
            if len(there):
                stop = min(start + ROWS_AT_A_TIME, len(rows))
                yield there + start, slope @ self.system.monomials(start, stop)[:, there]


def first_stage(inputs: Inputs, rows: BoolArray, within: bool) -> FirstStage:
    """Regress output on the control function.

    Parameters
    ----------
    inputs : Inputs
        The n rows of the group.
    rows : (n,) bool array
        Complete rows that the regression rests on.
    within : bool
        Whether the free inputs stand in the polynomial, beside state and proxy.

    Raises
    ------
    DegenerateInputError
        If an input of the polynomial does not vary, or only with the others.
    CollinearError
        If a free input or a monomial is a combination of the other columns.
    """
    if within:
        roles = replace(inputs.roles, free=(), state=(*inputs.roles.free, *inputs.roles.state), translog=False)
        inputs = replace(inputs, roles=roles, free=(), state=(*inputs.free, *inputs.state))
    system = build_system(inputs, [WITHIN if within else APART], rows, rows, common=False)
    products = cross_products(system.equations, system.chunks)
    wanted = (*inputs.roles.free, *(name for name in products.parameters if name.startswith(f"{PHI}[")))
    gmm = linear_gmm(products, system.chunks, wanted, steps=1)
    return FirstStage(
        system=system,
        products=products,
        gmm=gmm,
        n_free=len(inputs.roles.free),
        n_polynomial=len(system.polynomial.terms),
        rows=system.rows[0],
    )
