"""Why an estimate in two stages could not be had: the user's names, the usual cause, what to try."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from estimation.cross_products import CollinearError
from estimation.polynomial import DegenerateInputError
from estimation.productivity.common.failures import before
from estimation.productivity.common.moments import Roles
from estimation.results import FloatArray

__all__ = ["collinear_here", "degenerate_here", "no_root", "not_identified", "several_roots"]


def degenerate_here(error: DegenerateInputError, roles: Roles) -> str:
    """Say that an input of the first stage's polynomial has no variation of its own."""
    name = error.names[error.index]
    if error.constant:
        return f'"{name}" does not vary in these rows: is it the right column?'
    others = before(error)
    if name == roles.proxy:
        return f'"{name}" is a linear function of {others}: the proxy must move with productivity, given the rest'
    return f'"{name}" is a linear function of {others}: leave one out'


def collinear_here(error: CollinearError, roles: Roles, within: bool) -> str:
    """Say which column of the first stage is a combination of those before it."""
    if error.column in roles.free and not within:
        culprit = (
            f". Or is one of the controls ({', '.join(roles.controls)}) a function of it?" if roles.controls else ""
        )
        return (
            f'the free input "{error.column}" has no variation of its own, given the polynomial and the controls: the '
            "first stage cannot tell its elasticity from productivity (Ackerberg, Caves and Frazer, 2015); "
            f"ackerberg_caves_frazer or wlp can{culprit}"
        )
    inputs = ", ".join((*roles.free, *roles.polynomial) if within else roles.polynomial)
    return (
        f"the polynomial of degree {roles.degree} in ({inputs}) is rank-deficient: {error.column} is a combination of "
        "the terms before it, which happens where an input takes few values; lower the degree"
    )


def no_root(norm: float | None, names: Sequence[str], nearest: FloatArray | None = None) -> str:
    """Say that no start led to a root of the second stage."""
    reached = ""
    if norm is not None and isfinite(norm):
        reached = f": the smallest norm of the scaled moments reached is {norm:.1e}"
    if reached and nearest is not None:
        shown = ", ".join(f"{name} {value:.4f}" for name, value in zip(names, nearest, strict=False))
        reached += f", at {shown}"
    return (
        f"the second stage has no root that could be found{reached}. The moments do not meet the data: another "
        "degree or markov_degree, fewer controls, a coarser column in separately_by, or wlp, whose equation is linear"
    )


def several_roots(shown: Sequence[str]) -> str:
    """Say that nothing tells the roots apart."""
    return (
        f"{len(shown)} roots solve the moments ({'; '.join(shown)}), and Wooldridge's second equation, which would "
        "decide between them, is not identified here; write start: [...], an elasticity for each input"
    )


def not_identified(names: Sequence[str]) -> str:
    """Say that the moments do not move with an elasticity."""
    return (
        f"the elasticity of {', '.join(names)} is not identified: the moments of the second stage do not move with it; "
        "is there variation from year to year within firms?"
    )
