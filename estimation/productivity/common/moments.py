"""The moment equations of a productivity estimator as symbols: declared once, then estimated and printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

__all__ = [
    "C_BEFORE",
    "C_NOW",
    "FREE",
    "FREE_BEFORE",
    "PRICES",
    "PROXY",
    "STATE",
    "MomentEquation",
    "Roles",
    "factors_of",
    "moment_conditions",
    "term_name",
    "terms_of",
    "written_out",
]

FREE = "l(t)"
FREE_BEFORE = "l(t-1)"
STATE = "k(t)"
PROXY = "m(t)"
PRICES = "z(t)"
C_NOW = "C(t)"
C_BEFORE = "C(t-1)"


def factors_of(n_inputs: int, translog: bool) -> tuple[tuple[int, ...], ...]:
    """Return what each term of a production function multiplies: one input, or the two of a square or product."""
    single = tuple((index,) for index in range(n_inputs))
    return single + (tuple(combinations_with_replacement(range(n_inputs), 2)) if translog else ())


def term_name(names: Sequence[str]) -> str:
    """Return the name of a term: ``ln_l``, ``ln_l^2``, ``ln_l*ln_k``."""
    if len(names) == 2 and names[0] == names[1]:
        return f"{names[0]}^2"
    return "*".join(names)


@dataclass(frozen=True, slots=True)
class MomentEquation:
    """One equation ``y(t) = sum of regressors + error``, with the errors orthogonal to the instruments.

    Attributes
    ----------
    regressors, instruments : tuple of str
        Of `FREE`, `FREE_BEFORE`, `STATE`, `PROXY`, `PRICES`, `C_NOW`, `C_BEFORE`. `FREE` are the terms of the
        production function that a free input has a part in, `STATE` those of the states alone. C holds the
        constant, the polynomial and the controls. Coefficients on `FREE`, `STATE` and `PROXY` are shared by all
        equations. Where `C_BEFORE` stands, the controls of t stand beside it as far as those of t-1 do not span
        them.
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
        Of the polynomial; 0 where C is the constant and the controls alone.
    translog : bool
        Whether the production function has squares and products.
    markov : tuple of str
        Columns that move the process of productivity, and so stand in the polynomial.
    markov_current : bool
        Whether their values of t stand beside those of t-1 in the polynomial of t-1.
    prices : tuple of str
        Input prices; where there are any, the proxy is an input of the production function, and they stand in
        the polynomial and instrument it.
    survival : tuple of str or None
        What the probability of survival rests on beside the polynomial; None without a survival correction.
    exit : str or None
        A flag of a firm's last year.
    weights : str or None
        Sampling weights.
    """

    output: str
    free: tuple[str, ...]
    state: tuple[str, ...]
    proxy: str | None
    controls: tuple[str, ...]
    degree: int
    translog: bool = False
    markov: tuple[str, ...] = ()
    markov_current: bool = False
    prices: tuple[str, ...] = ()
    survival: tuple[str, ...] | None = None
    exit: str | None = None
    weights: str | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs of the production function: free, state, and the proxy where it is one."""
        proxy = (self.proxy,) if self.prices and self.proxy is not None else ()
        return (*self.free, *self.state, *proxy)

    @property
    def factors(self) -> tuple[tuple[str, ...], ...]:
        """The inputs that each term of the production function multiplies."""
        return tuple(tuple(self.inputs[index] for index in one) for one in factors_of(len(self.inputs), self.translog))

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms of the production function by name, the inputs first."""
        return tuple(term_name(one) for one in self.factors)

    @property
    def polynomial(self) -> tuple[str, ...]:
        """The inputs of the polynomial in C."""
        if self.proxy is None or not self.degree:
            return ()
        return (*self.state, self.proxy, *self.prices, *self.markov)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that a row of the estimation needs, each once."""
        proxy = () if self.proxy is None else (self.proxy,)
        weights = () if self.weights is None else (self.weights,)
        used = (
            self.output, *self.free, *self.state, *proxy, *self.prices, *self.markov, *self.controls, *weights,
        )  # fmt: skip
        return tuple(dict.fromkeys(used))

    @property
    def behind_survival(self) -> tuple[str, ...]:
        """Columns that only the probability of survival needs."""
        used = (*(self.survival or ()), *((self.exit,) if self.exit is not None else ()))
        return tuple(name for name in dict.fromkeys(used) if name not in self.columns)


def written_out(equations: Sequence[MomentEquation], roles: Roles, survival_degree: int = 0) -> str:
    """Return the equations with the user's columns in them, a line each, and what C holds.

    Parameters
    ----------
    equations : sequence of MomentEquation
        One that needs the year before is the second, with or without a first: the record counts its rows so.
    roles : Roles
    survival_degree : int
        Of the polynomial in the index of the probit of survival.
    """
    lines = []
    alone = len(equations) == 1 and equations[0].lags
    for number, equation in enumerate(equations, start=2 if alone else 1):
        right: list[str] = []
        for block in equation.regressors:
            if block in (C_NOW, C_BEFORE):
                right.append(f"{block} lambda{number}")
            else:
                right += [f"b[{term_name(one)}] {_dated(one, roles)}" for one in terms_of(block, roles)]
        held: list[str] = []
        for block in equation.instruments:
            if block in (C_NOW, C_BEFORE):
                held.append(block)
            else:
                held += [_dated(one, roles, block == FREE_BEFORE) for one in terms_of(block, roles)]
        right.append(f"e{number}(t)")
        left = f"({number}) {roles.output}(t)"
        lines.append(f"{left} = {' + '.join(right)}, instruments: {', '.join(held)}")
    parts = ["the constant"]
    if roles.polynomial:
        parts.append(f"all monomials of ({', '.join(roles.polynomial)}) up to degree {roles.degree}")
    if roles.controls:
        parts.append(f"the controls {', '.join(roles.controls)}")
    lines.append(f"C: {'; '.join(parts)}")
    lags = any(C_BEFORE in equation.regressors for equation in equations)
    if lags and roles.markov:
        dated = ", ".join(f"{name}(t-1)" for name in roles.markov)
        if roles.markov_current:
            dated += "".join(f", {name}(t)" for name in roles.markov)
        lines.append(f"The process of productivity moves with {dated}: a Wald test asks whether C(t-1) needs them.")
    if lags and roles.survival is not None:
        rests = ", ".join(dict.fromkeys((*roles.polynomial, *roles.survival)))
        beside = f" and the controls {', '.join(roles.controls)} of t-1" if roles.controls else ""
        lines.append(
            "The polynomial of C(t-1) holds P(t), the probability to survive to t: a probit of "
            f"({rests})(t-1) up to degree {survival_degree}{beside}."
        )
    if roles.controls and lags:
        lines.append("Beside C(t-1) stand the controls of t that those of t-1 do not span.")
    if roles.weights is not None:
        lines.append(f"Every row's moments are multiplied by {roles.weights}(t).")
    return "\n".join(lines)


def moment_conditions(equations: Sequence[MomentEquation], roles: Roles) -> str:
    """Return what is zero in expectation, a line an equation, numbered as by `written_out`.

    Parameters
    ----------
    equations : sequence of MomentEquation
    roles : Roles
    """
    alone = len(equations) == 1 and equations[0].lags
    weight = f"{roles.weights}(t) " if roles.weights is not None else ""
    lines = []
    for number, equation in enumerate(equations, start=2 if alone else 1):
        held: list[str] = []
        for block in equation.instruments:
            if block in (C_NOW, C_BEFORE):
                held.append(block)
            else:
                held += [_dated(one, roles, block == FREE_BEFORE) for one in terms_of(block, roles)]
        lines.append(f"({number}) E[{weight}e{number}(t) ({', '.join(held)})'] = 0")
    return "\n".join(lines)


def terms_of(block: str, roles: Roles) -> list[tuple[str, ...]]:
    """Return the terms of a block, each as the inputs that it multiplies."""
    if block == PRICES:
        return [(name,) for name in roles.prices]
    if block == PROXY:
        return [(roles.proxy,)] if roles.proxy is not None else []
    proxy = {roles.proxy} if roles.prices else set()
    terms = [one for one in roles.factors if not proxy & set(one)]
    free = set(roles.free)
    return [one for one in terms if bool(free & set(one)) == (block != STATE)]


def _dated(factors: Sequence[str], roles: Roles, lag: bool = False) -> str:
    return term_name([f"{name}(t-1)" if lag and name in roles.free else f"{name}(t)" for name in factors])
