"""The keys that the estimators in two stages share: levinsohn_petrin, olley_pakes, ackerberg_caves_frazer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from estimation.productivity.common.moments import Roles, term_name
from estimation.productivity.common.options import ProductionFunctionOptions, SeparatelyBy
from specs.fields import ColumnName

__all__ = ["TwoStageOptions", "minimising_equations", "solving_equations"]


class TwoStageOptions(ProductionFunctionOptions):
    """A first stage that purges the transitory error, a second on the innovation of productivity.

    Attributes
    ----------
    proxy : str
        Rises with productivity, given the state.
    degree : int
        Total degree of the first stage's polynomial, 1 to 4.
    markov_degree : int
        Degree of the polynomial in last year's productivity, 1 to 5.
    sample : str
        ``all``: the first stage on every complete row; ``common``: on the rows with a year before.
    tfp_from : str
        ``residual`` y - f(l, k), or ``control_function`` Phi - f(l, k), without the transitory error.
    separately_by : tuple of str
        Columns from fine to coarse; empty for one technology.
    """

    proxy: ColumnName
    degree: Annotated[int, Field(ge=1, le=4)] = 3
    markov_degree: Annotated[int, Field(ge=1, le=5)] = 3
    sample: Literal["all", "common"] = "all"
    tfp_from: Literal["residual", "control_function"] = "residual"
    separately_by: SeparatelyBy = ()

    @property
    def roles(self) -> Roles:
        """Which columns play which part."""
        return Roles(self.output, self.free, self.state, self.proxy, self.controls, self.degree)


def minimising_equations(options: TwoStageOptions, survival_degree: int | None = None) -> str:
    """Return the stages of Levinsohn and Petrin's and Olley and Pakes' estimators with the user's columns."""
    roles = options.roles
    free = [f"b[{name}] {name}(t)" for name in roles.free]
    state = [f"b[{name}] {name}(t)" for name in roles.state]
    lines = [
        f"(1) {roles.output}(t) = {' + '.join([*free, 'C(t) lambda', 'e(t)'])}, by least squares; phi(t) = C(t) lambda"
    ]
    past = "w(t-1)"
    if survival_degree is not None:
        on = ", ".join((*roles.polynomial, *(roles.survival or ())))
        lines.append(f"(2) P(t) = Pr(there in a later year): a probit of degree {survival_degree} in ({on})(t-1)")
        past = "w(t-1), P(t)"
    lines += [
        f"({len(lines) + 1}) w(t) = {' - '.join(['phi(t)', *state])}, g({past}) its least-squares polynomial of degree "
        f"{options.markov_degree}{_beside(roles)}; "
        f"minimise the sum of ({' - '.join([f'{roles.output}(t)', *free, *state, f'g({past})'])})^2"
    ]
    return "\n".join([*lines, _held(roles.polynomial, roles)])


def solving_equations(options: TwoStageOptions) -> str:
    """Return the stages of Ackerberg, Caves and Frazer's estimator with the user's columns."""
    roles = options.roles
    terms = [term_name([f"{name}(t)" for name in one]) for one in roles.factors]
    named = [f"b[{name}] {term}" for name, term in zip(roles.terms, terms, strict=True)]
    held = [term_name([f"{name}({'t-1' if name in roles.free else 't'})" for name in one]) for one in roles.factors]
    return "\n".join(
        [
            f"(1) {roles.output}(t) = C(t) lambda + e(t), by least squares; phi(t) = C(t) lambda",
            f"(2) w(t) = {' - '.join(['phi(t)', *named])} = g(w(t-1)) + xi(t), g a polynomial of degree "
            f"{options.markov_degree}{_beside(roles)}; the sum of z(t) xi(t) is zero, z(t): {', '.join(held)}",
            _held((*roles.free, *roles.polynomial), roles),
        ]
    )


def minimising_moments(options: TwoStageOptions, *, survival: bool = False) -> str:
    """Return what is zero in expectation in the stages of Levinsohn and Petrin's and Olley and Pakes' estimators."""
    roles = options.roles
    free = ", ".join(f"{name}(t)" for name in roles.free)
    state = ", ".join(f"b[{name}]" for name in roles.state)
    past = "w(t-1), P(t)" if survival else "w(t-1)"
    terms = [f"b[{name}] {name}(t)" for name in (*roles.free, *roles.state)]
    lines = [f"(1) E[e(t) ({free}, C(t))'] = 0"]
    if survival:
        lines.append("(2) E[s(t)] = 0, s(t) the score of the probit")
    lines.append(
        f"({len(lines) + 1}) E[v(t) dv(t)/db] = 0, v(t) = {' - '.join([f'{roles.output}(t)', *terms])} - g({past}), "
        f"b = ({state})"
    )
    return "\n".join(lines)


def solving_moments(options: TwoStageOptions) -> str:
    """Return what is zero in expectation in both stages of Ackerberg, Caves and Frazer's estimator."""
    roles = options.roles
    held = [term_name([f"{name}({'t-1' if name in roles.free else 't'})" for name in one]) for one in roles.factors]
    return f"(1) E[e(t) C(t)'] = 0\n(2) E[xi(t) ({', '.join(['1', *held])})'] = 0"


def _beside(roles: Roles) -> str:
    return f", beside {', '.join(roles.controls)} of t" if roles.controls else ""


def _held(polynomial: Sequence[str], roles: Roles) -> str:
    parts = ["the constant", f"all monomials of ({', '.join(polynomial)}) up to degree {roles.degree}"]
    if roles.controls:
        parts.append(f"the controls {', '.join(roles.controls)}")
    return f"C: {'; '.join(parts)}"
