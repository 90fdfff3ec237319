"""One group of firms: the rung it stands on, its estimate, and what can go wrong, in the user's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.cross_products import CollinearError, CrossProducts, cross_products
from estimation.gmm import GmmFit, UnidentifiedError, linear_gmm
from estimation.polynomial import DegenerateInputError
from estimation.productivity.common.diagnostics import heaped
from estimation.productivity.common.failures import collinear, degenerate, no_rows, refuse_constants, unidentified
from estimation.productivity.common.inputs import Inputs, distinct_firms, lag_status
from estimation.productivity.common.ladder import FEWEST_FIRMS, ROWS_PER_PARAMETER
from estimation.productivity.common.moments import MomentEquation, Roles
from estimation.productivity.common.system import PHI, System, build_system
from estimation.productivity.control_function.exit_correction import (
    ExitCorrection,
    exit_correction,
    generated_moments,
)
from estimation.results import BoolArray
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["JUST_IDENTIFIED", "GroupEstimate", "Rules", "estimate_group", "markov_parameters"]

JUST_IDENTIFIED = "just identified"
FIRMS_PER_MOMENT = 2
MARKOV_ADOPTERS = 50


@dataclass(frozen=True, slots=True)
class Rules:
    """How a group is estimated.

    Attributes
    ----------
    steps : int
    weights : str
        ``cluster``, ``robust`` or ``unadjusted``.
    common : bool
        Whether all equations keep to the rows with a year before.
    min_firms : int
        Firms that two steps need.
    ladder : bool
        Whether a group can be too small (least squares have no such rule).
    with_phi : bool
        Whether the control function's parameters are reported beside the elasticities.
    windmeijer : bool
        Whether the covariance of two steps counts the uncertainty of the first one's weight.
    survival_degree : int
        Of the polynomial in the index of the probit of survival.
    """

    steps: int = 2
    weights: str = "cluster"
    common: bool = True
    min_firms: int = 50
    ladder: bool = True
    with_phi: bool = False
    windmeijer: bool = False
    survival_degree: int = 3


@dataclass(frozen=True, slots=True, eq=False)
class GroupEstimate:
    """An estimate with the system it came from.

    Attributes
    ----------
    system : System
    products : CrossProducts
    gmm : GmmFit
        The production function's terms first, then what `Rules.with_phi` adds, then those of markov columns.
    rung : str
        ``two-step`` or ``one-step``.
    firms : tuple of int
        Firms in each equation.
    notes : tuple of str
    correction : ExitCorrection or None
        The survival correction, where there is one.
    corrected : bool
        Whether the covariance counts the uncertainty of the weight of two steps.
    """

    system: System
    products: CrossProducts
    gmm: GmmFit
    rung: str
    firms: tuple[int, ...]
    notes: tuple[str, ...]
    correction: ExitCorrection | None = None
    corrected: bool = False

    @property
    def terms(self) -> tuple[str, ...]:
        """The coefficients of the production function."""
        return self.system.inputs.roles.terms

    @property
    def in_sample(self) -> BoolArray:
        """The rows of the group that any equation uses."""
        rows: BoolArray = np.logical_or.reduce(self.system.rows)
        return rows


def estimate_group(inputs: Inputs, moments: Sequence[MomentEquation], use: BoolArray, rules: Rules) -> GroupEstimate:
    """Estimate the production function of one group.

    Parameters
    ----------
    inputs : Inputs
        The n rows of the group.
    moments : sequence of MomentEquation
        The last one identifies the states.
    use : (n,) bool array
        Rows that may take part.
    rules : Rules

    Raises
    ------
    EstimationError
        If the group is too small, or its design does not identify the elasticities.
    """
    roles = inputs.roles
    current = use & inputs.complete
    lagged = lag_status(inputs, use).usable
    correction = None
    if inputs.status is not None:
        correction, lagged = exit_correction(inputs, inputs.status, rules.survival_degree, use, current, lagged)
    last = current & lagged if moments[-1].lags else current
    n_firms, n_rows = distinct_firms(inputs.firm, last), int(np.count_nonzero(last))
    _enough_adopters(inputs, current, lagged)
    if n_firms < 2:
        raise EstimationError(no_rows(moments, use, current, n_firms, inputs))
    # Before anything is said of columns that hardly vary in so few rows.
    if rules.ladder and n_firms < min(FEWEST_FIRMS, rules.min_firms):
        raise EstimationError(
            f"{counted(n_firms, 'firm')} and {counted(n_rows, 'row')} with a year before, where one step needs "
            f"{FEWEST_FIRMS} firms and {ROWS_PER_PARAMETER} rows for each parameter: is the panel long and "
            "whole enough, and does where keep it? A coarser column in separately_by has more"
        )
    _refuse_own_past(inputs, last)
    refuse_constants([(roles.output, inputs.output), *zip(roles.inputs, inputs.technology, strict=True)], last)
    try:
        survival = None if correction is None else correction.survival
        probability = None if survival is None else survival.probability
        system = build_system(inputs, moments, current, lagged, rules.common, probability)
        products = cross_products(system.equations, system.chunks)
        functions = _functions_of_c(system, products)
        if functions:
            others = tuple(control for control in inputs.controls if control.name not in functions)
            inputs = replace(inputs, controls=others)
            system = build_system(inputs, moments, current, lagged, rules.common, probability)
            products = cross_products(system.equations, system.chunks)
        rung, notes = _rung(products, n_firms, n_rows, rules)
        wanted = list(roles.terms)
        if rules.with_phi:
            wanted += [name for name in products.parameters if name.startswith(f"{PHI}[")]
        wanted += markov_parameters(system, products)
        gmm = linear_gmm(
            products,
            system.chunks,
            wanted,
            steps=2 if rung == "two-step" else 1,
            weights=rules.weights,
            windmeijer=rules.windmeijer,
            generated=None if survival is None else generated_moments(system, survival),
        )
    except DegenerateInputError as error:
        raise EstimationError(degenerate(error, roles)) from None
    except CollinearError as error:
        raise EstimationError(collinear(error, roles, moments)) from None
    except UnidentifiedError as error:
        raise EstimationError(unidentified(error, roles)) from None
    firms = tuple(distinct_firms(inputs.firm, rows) for rows in system.rows)
    corrected = rules.windmeijer and rung == "two-step"
    if rules.windmeijer and not corrected:
        notes = (*notes, "windmeijer has no effect here: without a second step no weight is estimated")
    standing = heaped(roles.proxy, inputs.proxy, system.rows[0])
    said = (*notes, *_repeated(functions, roles), *standing, *_said(system, products, gmm, correction))
    return GroupEstimate(system, products, gmm, rung, firms, said, correction, corrected)


def markov_parameters(system: System, products: CrossProducts) -> list[str]:
    """Return the parameters of the markov columns in the polynomial of t-1: that they are zero is the Wald test."""
    polynomial, roles = system.before, system.inputs.roles
    markov = {*roles.markov, *(f"lead({name})" for name in roles.markov)}
    own = [number for number, name in enumerate(polynomial.inputs) if name in markov]
    index = len(system.equations)
    names = [
        f"lambda{index}[lag({term})]"
        for term, powers in zip(polynomial.terms, polynomial.exponents, strict=True)
        if any(powers[number] for number in own)
    ]
    return [name for name in names if name in products.parameters]


def _functions_of_c(system: System, products: CrossProducts) -> list[str]:
    """Return the numbers among the controls that are functions of the polynomial's inputs and of other controls.

    Of the year before they are spanned. Their values of t are not, and would stand beside C(t-1): with the proxy's
    among them the equation would hold the year's surprise fixed.
    """
    left_out = products.left_out[-1]
    return [
        control.name
        for control in system.inputs.controls
        if control.values is not None and f"lag({control.name})" in left_out and control.name not in left_out
    ]


def _repeated(functions: list[str], roles: Roles) -> list[str]:
    """Return a note on the controls that were taken out of every equation."""
    given = ", ".join(roles.polynomial)
    return [
        f"control {name} is left out of every equation: it is a function of ({given}) and the other controls, which C "
        "holds already"
        for name in functions
    ]


def _refuse_own_past(inputs: Inputs, last: BoolArray) -> None:
    """Refuse an instrument for the proxy that is an input's own value of the year before."""
    at = np.flatnonzero(last)
    for price, values in zip(inputs.roles.prices, inputs.prices, strict=True):
        for name, column in zip(inputs.roles.inputs, inputs.technology, strict=True):
            if np.array_equal(values[at], column[at - 1]):
                raise EstimationError(
                    f'the instrument "{price}" is {name} of the year before, which equation 2 holds already: nothing '
                    f"is left of it to move {inputs.roles.proxy}; name a column that moves it and is no input's past, "
                    "the price of an input"
                )


def _enough_adopters(inputs: Inputs, current: BoolArray, lagged: BoolArray) -> None:
    """Refuse a status in the process of productivity that hardly any firm is seen with in the year before."""
    rows = np.flatnonzero(current & lagged) if inputs.markov else np.empty(0, dtype=np.int64)
    for name, values in zip(inputs.roles.markov, inputs.markov, strict=True):
        if not len(rows):
            years = sorted(set(inputs.year[~np.isnan(values)].tolist()))
            shown = ", ".join(str(year) for year in years[:6]) + (" ..." if len(years) > 6 else "")
            raise EstimationError(
                f"markov: {name} is never observed in two years running together with the other columns (it is in "
                f"{shown or 'no year'}): a process needs the status of every year; declare a variable that imputes it "
                "from what is known, or leave markov out"
            )
        before = values[rows - 1]
        if not np.ptp(before) > 0:
            raise EstimationError(
                f"markov: {name} is {before[0]:g} in every row with a year behind it: the process needs rows with it "
                "and rows without; is it the right column?"
            )
        # Whatever the status is coded with: above its lowest value.
        adopters = len(np.unique(inputs.firm[rows[before > before.min()]]))
        if adopters < MARKOV_ADOPTERS:
            raise EstimationError(
                f"markov: {counted(adopters, 'firm')} with {name} in an observed year before, where {MARKOV_ADOPTERS} "
                "are asked for: so few say nothing of its part in the process of productivity; leave markov out"
            )


def _rung(products: CrossProducts, n_firms: int, n_rows: int, rules: Rules) -> tuple[str, tuple[str, ...]]:
    """Return the rung that these firms reach: two steps, one step, or an error."""
    if not rules.ladder:
        return "", ()
    moments, parameters = products.n_moments, len(products.parameters)
    overidentified = moments > parameters
    wanted = max(rules.min_firms, FIRMS_PER_MOMENT * moments)
    if rules.steps == 2 and overidentified and n_firms >= wanted:
        return "two-step", ()
    rows_wanted = ROWS_PER_PARAMETER * parameters
    if n_firms < FEWEST_FIRMS or n_rows < rows_wanted:
        raise EstimationError(
            f"{counted(n_firms, 'firm')} and {counted(n_rows, 'row')} with a year before, where one step needs "
            f"{FEWEST_FIRMS} firms and {rows_wanted} rows "
            f"({ROWS_PER_PARAMETER} for each of {parameters} parameters): fewer controls or a lower degree needs less"
        )
    if rules.steps == 2 and overidentified:
        return "one-step", (f"{counted(n_firms, 'firm')}, two steps need {wanted} ({moments} moments): one step taken",)
    # Where moments are as many as parameters, they are met exactly: no weight enters.
    return ("one-step" if overidentified else JUST_IDENTIFIED), ()


def _said(system: System, products: CrossProducts, gmm: GmmFit, correction: ExitCorrection | None) -> tuple[str, ...]:
    """Return what the reader should know of the design."""
    notes = [f"control {name} is constant here and left out" for name in system.constant_controls]
    # Controls of t that those of t-1 span are no news; a control that the others span is.
    spanned = [
        name
        for equation, names in zip(products.equations, products.left_out, strict=True)
        for name in names
        if any(column.startswith("lag(") for column in equation.columns) == name.startswith("lag(")
    ]
    spanned = list(dict.fromkeys(name.removeprefix("lag(").removesuffix(")") for name in spanned))
    if spanned:
        shown = ", ".join(spanned[:6]) + (f" and {len(spanned) - 6} more" if len(spanned) > 6 else "")
        notes.append(f"collinear with the other controls and left out: {shown}")
    if correction is not None and correction.pooled:
        notes.append(
            f"no indicator in the probit of survival, for nobody leaves there or all do: {', '.join(correction.pooled)}"
        )
    if gmm.n_exact:
        notes.append(
            f"{counted(gmm.n_exact, 'moment has', 'moments have')} no variance (one firm behind a level of a control): "
            "met exactly"
        )
    return tuple(notes)
