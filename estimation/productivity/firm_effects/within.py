"""Least squares within firms: columns in deviations from the firm's mean, one chunk of whole firms at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from estimation.cross_products import COLLINEAR, Chunk, CollinearError, CrossProducts, Equation, cross_products
from estimation.extras import Extras
from estimation.gmm import GmmFit, UnidentifiedError, linear_gmm
from estimation.productivity.common.assembling import naming
from estimation.productivity.common.clustering import LEAST_SQUARES, by_firm
from estimation.productivity.common.cobb_douglas import ElasticityEstimate, assemble_elasticities
from estimation.productivity.common.diagnostics import returns_to_scale
from estimation.productivity.common.elasticity_draws import ElasticityDraws
from estimation.productivity.common.failures import lacking, nearly_spanned, refuse_constants
from estimation.productivity.common.inputs import Inputs, count_missing, distinct_firms, read_inputs
from estimation.productivity.common.ladder import Served
from estimation.productivity.common.moments import C_NOW, FREE, STATE, MomentEquation
from estimation.productivity.common.options import ProductionFunctionOptions
from estimation.productivity.common.system import System, build_system
from estimation.results import BoolArray, FloatArray, IntArray, ProductivityFit
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["alone", "fit_within", "within_resampler"]

MOMENTS = (MomentEquation(regressors=(FREE, STATE, C_NOW), instruments=(FREE, STATE, C_NOW)),)
ALONE = "the only row of its firm, or of a level of a control"


def fit_within(
    name: str, options: ProductionFunctionOptions, rows: Selection, use: BoolArray, *, extras: Extras
) -> ProductivityFit:
    """Estimate the production function with firm effects; see `estimation.productivity.fixed_effects`.

    Parameters
    ----------
    name : str
    options : ProductionFunctionOptions
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
    extras : str

    Raises
    ------
    EstimationError
        By name: too few firms with two rows, an input without variation within firms, collinear inputs.
    """
    inputs = read_inputs(rows, options.roles)
    dropped = count_missing(rows, options.roles.columns, use)
    singletons = alone(inputs, use & inputs.complete)
    if singletons.any():
        dropped[ALONE] = int(np.count_nonzero(singletons))
    use = use & ~singletons
    estimate = naming(name, lambda: _estimate(inputs, use, singletons), lambda: dropped)
    served = [Served((), "", np.ones(len(use), dtype=bool), None, estimate, ())]
    return assemble_elasticities(
        name,
        method="fixed_effects",
        options=options.model_dump(),
        inputs=inputs,
        served=served,
        use=use,
        dropped=dropped,
        extras=extras,
    )


def within_resampler(
    options: ProductionFunctionOptions, rows: Selection, use: BoolArray, fit: ProductivityFit
) -> ElasticityDraws:
    """Return what estimates the entry again with other weights on its firms; a firm drawn twice has two effects.

    Parameters
    ----------
    options, rows, use
        As in `fit_within`.
    fit : ProductivityFit
        What it returned.
    """
    inputs = read_inputs(rows, options.roles)
    within, products, gmm = _solve(inputs, use & fit.in_sample, np.zeros(len(use), dtype=np.bool_))
    return ElasticityDraws(products, within.chunks, gmm, False, fit.groups[0].terms)


def alone(inputs: Inputs, current: BoolArray) -> BoolArray:
    """Find the rows that firm effects and the controls' indicators fit exactly because nothing shares them.

    Parameters
    ----------
    inputs : Inputs
        The n rows, with controls.
    current : (n,) bool array
        Rows that may take part.

    Returns
    -------
    (n,) bool array
        A row that leaves may leave another one alone: the search goes on until there is none.
    """
    left = current.copy()
    groups: Sequence[IntArray] = [inputs.firm, *(one.codes for one in inputs.controls if one.codes is not None)]
    while True:
        single = np.zeros(len(left), dtype=bool)
        for codes in groups:
            here = codes[left]
            if len(here):
                single[left] |= np.bincount(here)[here] == 1
        if not single.any():
            return current & ~left
        left &= ~single


@dataclass(frozen=True, slots=True, eq=False)
class _Within:
    """The columns of a system without its constant, in deviations from their means by firm.

    `still` marks the columns that do not vary within firms: they are zero.
    """

    system: System
    equation: Equation
    still: BoolArray
    share: FloatArray

    @classmethod
    def of(cls, system: System) -> _Within:
        (whole,) = system.equations
        columns, count = whole.columns[1:], whole.n_instruments - 1
        equation = Equation(whole.name, columns, count, whole.parameters[1:], whole.optional)
        total, left = np.zeros(len(columns)), np.zeros(len(columns))
        for chunk in system.chunks():
            total += np.sum(chunk.blocks[0][1:] ** 2, axis=1)
            left += np.sum(_deviations(chunk)[1:] ** 2, axis=1)
        share = np.divide(left, total, out=np.zeros_like(left), where=total > 0)
        return cls(system, equation, share <= COLLINEAR, share)

    def chunks(self) -> Iterator[Chunk]:
        for chunk in self.system.chunks():
            block = _deviations(chunk)[1:]
            block[self.still] = 0.0
            yield Chunk(chunk.firm, chunk.rows, (block,))


def _deviations(chunk: Chunk) -> FloatArray:
    """Take from every column of a chunk what its firm's constant explains: with the weights' root in it, if any."""
    (block,), (rows,) = chunk.blocks, chunk.rows
    firm = chunk.firm[rows]
    starts = np.flatnonzero(np.concatenate(([True], firm[1:] != firm[:-1])))
    number = np.cumsum(np.concatenate(([False], firm[1:] != firm[:-1])))
    constant = block[0]
    means = np.add.reduceat(block * constant, starts, axis=1) / np.add.reduceat(constant**2, starts)
    deviations: FloatArray = block - means[:, number] * constant
    # Once more: the mean of large numbers has lost its last digit.
    means = np.add.reduceat(deviations * constant, starts, axis=1) / np.add.reduceat(constant**2, starts)
    deviations -= means[:, number] * constant
    return deviations


def _solve(inputs: Inputs, use: BoolArray, singletons: BoolArray) -> tuple[_Within, CrossProducts, GmmFit]:
    """Estimate without the rows that are alone, or say what is in the way."""
    roles = inputs.roles
    terms = (*roles.free, *roles.state)
    current = use & inputs.complete
    firms = distinct_firms(inputs.firm, current)
    if firms < 2:
        raise EstimationError(
            f"{counted(firms, 'firm')} with two rows or more (a row alone says nothing beside its firm's effect; "
            f"{counted(int(np.count_nonzero(singletons)), 'row is', 'rows are')} alone): is the panel one year only, "
            f"are the logs of positive amounts? {lacking(inputs, use | singletons)}".rstrip()
        )
    refuse_constants([(roles.output, inputs.output), *zip(roles.inputs, inputs.technology, strict=True)], current)
    system = build_system(inputs, MOMENTS, current, np.zeros(len(use), dtype=bool), common=True)
    within = _Within.of(system)
    where = {column: place for place, column in enumerate(within.equation.columns)}
    for term in terms:
        if within.still[where[term]]:
            raise EstimationError(
                f'"{term}" does not vary within firms: the firms\' effects explain it, and its elasticity cannot be '
                "estimated beside them; is it the right column? wooldridge and wlp compare firms as well"
            )
    try:
        products = cross_products((within.equation,), within.chunks)
    except CollinearError as error:
        raise EstimationError(_collinear(error.column, roles.controls)) from None
    n_obs, slopes = products.n_rows[0], len(products.parameters)
    if n_obs - firms <= slopes:
        raise EstimationError(
            f"{counted(n_obs, 'row')} of {counted(firms, 'firm')} for {counted(slopes, 'slope')} beside the firms' "
            "effects: nothing is left over; "
            "fewer controls need less"
        )
    try:
        return within, products, linear_gmm(products, within.chunks, terms, steps=1)
    except UnidentifiedError as error:
        raise EstimationError(nearly_spanned(error)) from None


def _estimate(inputs: Inputs, use: BoolArray, singletons: BoolArray) -> ElasticityEstimate:
    within, products, gmm = _solve(inputs, use, singletons)
    roles = inputs.roles
    firms, n_obs, slopes = len(gmm.firms), products.n_rows[0], len(products.parameters)
    # One constant is counted: the firms' effects are nested in the clusters and are not.
    factor = firms / (firms - 1) * (n_obs - 1) / (n_obs - slopes - 1)
    covariance: FloatArray = factor * gmm.covariance
    df = float(firms - 1)
    explained = products.products[0][:, -1]
    diagnostics: dict[str, float | None] = dict(returns_to_scale(gmm.coefficients, covariance, df))
    if not products.squares[0][-1] > 0:
        raise EstimationError(f'"{roles.output}" does not vary within firms: is it the right column?')
    diagnostics["r2_within"] = float(explained @ explained / products.squares[0][-1])
    inside = [within.share[within.equation.columns.index(term)] for term in (*roles.free, *roles.state)]
    diagnostics["smallest_within_share"] = float(min(inside))
    return ElasticityEstimate(
        inputs=inputs,
        in_sample=use & inputs.complete,
        coefficients=gmm.coefficients,
        covariance=covariance,
        df=df,
        small_sample=factor,
        influence_firms=gmm.firms,
        influence=gmm.influence,
        n_obs=n_obs,
        n_firms=firms,
        rung="within firms",
        diagnostics=diagnostics,
        notes=_notes(within, products, int(np.count_nonzero(singletons))),
        errors=by_firm(firms, df, factor, symbols=LEAST_SQUARES),
    )


def _notes(within: _Within, products: CrossProducts, n_singletons: int) -> tuple[str, ...]:
    notes = [f"control {name} is constant here and left out" for name in within.system.constant_controls]
    still = [one for one, flat in zip(within.equation.columns, within.still, strict=True) if flat]
    fixed: list[str] = []
    for control in within.system.inputs.controls:
        own = [one for one in within.equation.columns if one == control.name or one.startswith(f"{control.name}[")]
        flat = [one for one in own if one in still]
        fixed += [control.name] if flat == own else flat
    if fixed:
        notes.append(f"explained by the firms' effects and left out of the controls: {_listed(fixed)}")
    spanned = [column for column in products.left_out[0] if column not in still]
    if spanned:
        notes.append(f"collinear with the other controls and left out: {_listed(spanned)}")
    if n_singletons:
        notes.append(f"{counted(n_singletons, 'row')} alone in a firm or in a level of a control: left out")
    return tuple(notes)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _collinear(column: str, controls: Sequence[str]) -> str:
    given = "the firms' effects" + (f" and the controls {', '.join(controls)}" if controls else "")
    return (
        f'the input "{column}" has no variation of its own given {given}: '
        "does it equal another column, or do the controls determine it?"
    )
