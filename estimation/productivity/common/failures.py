"""Why a production function could not be estimated: the user's names, the usual cause, what to try."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from estimation.cross_products import CollinearError
from estimation.gmm import UnidentifiedError
from estimation.polynomial import DegenerateInputError
from estimation.productivity.common.moments import MomentEquation, Roles
from estimation.results import BoolArray

__all__ = ["collinear", "degenerate", "no_rows", "unidentified"]


def no_rows(moments: Sequence[MomentEquation], use: BoolArray, current: BoolArray, n_firms: int) -> str:
    """Say that hardly any row can be used."""
    complete = int(np.count_nonzero(current))
    if not use.any():
        return "no row is left: where keeps none of them"
    if moments[-1].lags and complete:
        return (
            f"{n_firms} firms have a year before among {complete} complete rows: lags are by firm and year, "
            "a gap gives none; is the panel of consecutive years, and does where keep them?"
        )
    return (
        f"{n_firms} firms with a value in every column it needs, in {int(np.count_nonzero(use))} rows: is a column "
        "empty, a weight zero, or the logarithm of an amount that is not above zero?"
    )


def degenerate(error: DegenerateInputError, roles: Roles) -> str:
    """Say that an input of the polynomial has no variation of its own."""
    name = error.names[error.index]
    if name in roles.markov:
        return f'"{name}" does not vary in these rows, or only with the inputs: markov needs firms with it and without'
    if error.constant:
        return f'"{name}" does not vary in these rows: is it the right column?'
    others = ", ".join(error.names[: error.index])
    if name in roles.state:
        return (
            f'the state "{name}" is a linear function of {others}: the two cannot have elasticities of their own; '
            "leave one out, or add them up before taking logs"
        )
    return f'"{name}" is a linear function of {others}: the proxy must move with productivity, given the state'


def collinear(error: CollinearError, roles: Roles, moments: Sequence[MomentEquation]) -> str:
    """Say which column is a combination of others, and what that means for its part."""
    bare = error.column.removeprefix("lag(").removesuffix(")") if "lag(" in error.column else error.column
    given = "the controls" if not roles.polynomial else "the polynomial and the controls"
    number = f" in equation {error.equation}" if len(moments) > 1 else ""
    if bare in roles.free:
        culprit = "do the controls determine it? Leave out the control that does"
        if roles.polynomial:
            culprit = (
                f"is it a function of ({', '.join(roles.polynomial)}), as the proxy is? Then no equation that holds "
                f"them tells its elasticity; or {culprit}"
            )
        elif not roles.controls:
            culprit = "is it a combination of the other inputs?"
        return (
            f'the free input "{error.column}" has no variation of its own{number}, given {given}: is it constant, does '
            f"it equal another column, {culprit}"
        )
    if error.column in roles.state:
        return (
            f'the state "{error.column}" has no variation of its own{number}, given {given}: '
            "does it never change within a firm, or equal another column? "
            "Its elasticity cannot be estimated then"
        )
    inputs = ", ".join(roles.polynomial)
    return (
        f"the polynomial of degree {roles.degree} in ({inputs}) is rank-deficient{number}: "
        f"{error.column} is a combination of the terms before it, which happens where an input takes few "
        "values; lower the degree"
    )


def unidentified(error: UnidentifiedError, roles: Roles) -> str:
    """Say which elasticity the instruments do not identify."""
    named = [name for name in error.parameters if name in (*roles.free, *roles.state)]
    if not named:
        return (
            "the moments' covariance is singular: too few firms for so many moments; "
            "fewer controls, a lower degree or steps: 1 needs less"
        )
    return (
        f"the elasticity of {', '.join(named)} is not identified: its instruments (its lag, given the "
        "polynomial and the controls) do not move it; is there variation from year to year within firms?"
    )
