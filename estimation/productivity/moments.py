"""The moment equations of a productivity estimator as symbols: declared once, then estimated and printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["C_BEFORE", "C_NOW", "FREE", "FREE_BEFORE", "STATE", "MomentEquation", "Roles", "written_out"]

FREE = "l(t)"
FREE_BEFORE = "l(t-1)"
STATE = "k(t)"
C_NOW = "C(t)"
C_BEFORE = "C(t-1)"


@dataclass(frozen=True, slots=True)
class MomentEquation:
    """One equation ``y(t) = sum of regressors + error``, with the errors orthogonal to the instruments.

    Attributes
    ----------
    regressors, instruments : tuple of str
        Of `FREE`, `FREE_BEFORE`, `STATE`, `C_NOW`, `C_BEFORE`. C holds the constant, the polynomial in
        (state, proxy) and the controls. Coefficients on `FREE` and `STATE` are shared by all equations.
        Where `C_BEFORE` stands, the controls of t stand beside it as far as those of t-1 do not span them.
    """

    regressors: tuple[str, ...]
    instruments: tuple[str, ...]

    @property
    def lags(self) -> bool:
        """Whether a row needs the firm's year before."""
        return C_BEFORE in self.instruments or FREE_BEFORE in self.instruments


@dataclass(frozen=True, slots=True)
class Roles:
    """Which columns play which part.

    Attributes
    ----------
    output : str
    free, state : tuple of str
    proxy : str or None
    controls : tuple of str
    degree : int
        Of the polynomial in (state, proxy); 0 where C is the constant and the controls alone.
    """

    output: str
    free: tuple[str, ...]
    state: tuple[str, ...]
    proxy: str | None
    controls: tuple[str, ...]
    degree: int

    @property
    def polynomial(self) -> tuple[str, ...]:
        """The inputs of the polynomial."""
        return (*self.state, self.proxy) if self.proxy is not None and self.degree else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, each once."""
        proxy = () if self.proxy is None else (self.proxy,)
        return tuple(dict.fromkeys((self.output, *self.free, *self.state, *proxy, *self.controls)))


def written_out(equations: Sequence[MomentEquation], roles: Roles) -> str:
    """Return the equations with the user's columns in them, a line each, and what C holds."""
    lines = []
    for number, equation in enumerate(equations, start=1):
        right: list[str] = []
        for block in equation.regressors:
            if block in (FREE, STATE):
                names = roles.free if block == FREE else roles.state
                right += [f"b[{name}] {name}(t)" for name in names]
            else:
                right.append(f"{block} lambda{number}")
        held: list[str] = []
        for block in equation.instruments:
            names = {FREE: roles.free, FREE_BEFORE: roles.free, STATE: roles.state}.get(block, ())
            time = "t-1" if block == FREE_BEFORE else "t"
            held += [f"{name}({time})" for name in names] or [block]
        right.append(f"e{number}(t)")
        left = f"({number}) {roles.output}(t)"
        lines.append(f"{left} = {' + '.join(right)}, instruments: {', '.join(held)}")
    parts = ["the constant"]
    if roles.polynomial:
        parts.append(f"all monomials of ({', '.join(roles.polynomial)}) up to degree {roles.degree}")
    if roles.controls:
        parts.append(f"the controls {', '.join(roles.controls)}")
    lines.append(f"C: {'; '.join(parts)}")
    if roles.controls and any(C_BEFORE in equation.regressors for equation in equations):
        lines.append("Beside C(t-1) stand the controls of t that those of t-1 do not span.")
    return "\n".join(lines)
