"""System GMM of the dynamic production function, the common-factor restrictions, and the tests beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from estimation.cross_products import CollinearError, CrossProducts, cross_products
from estimation.extras import Extras
from estimation.gmm import GmmFit, UnidentifiedError, linear_gmm
from estimation.productivity.common.assembling import naming
from estimation.productivity.common.clustering import by_firm
from estimation.productivity.common.cobb_douglas import ElasticityEstimate, assemble_elasticities, few_firms
from estimation.productivity.common.diagnostics import returns_to_scale
from estimation.productivity.common.elasticity_draws import ElasticityDraws
from estimation.productivity.common.failures import lacking, refuse_constants, refuse_exact
from estimation.productivity.common.inputs import Inputs, count_missing, distinct_firms, read_inputs
from estimation.productivity.common.ladder import Served
from estimation.productivity.common.options import ProductionFunctionOptions
from estimation.productivity.firm_effects.common_factor import CommonFactor, common_factor
from estimation.productivity.firm_effects.dynamic_system import DynamicSystem, build_dynamic_system, years_before
from estimation.productivity.firm_effects.dynamic_tests import serial_correlation, strength, warnings
from estimation.results import BoolArray, FloatArray, ProductivityFit
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["DynamicRules", "fit_system_gmm", "system_gmm_resampler"]

FEWEST_FIRMS = 30
FIRMS_PER_INSTRUMENT = 2


@dataclass(frozen=True, slots=True)
class DynamicRules:
    """How the system is estimated.

    Attributes
    ----------
    lags : tuple of (int, int)
    collapse : bool
    steps : int
    windmeijer : bool
    """

    lags: tuple[int, int]
    collapse: bool
    steps: int
    windmeijer: bool


def fit_system_gmm(
    name: str,
    options: ProductionFunctionOptions,
    rules: DynamicRules,
    rows: Selection,
    use: BoolArray,
    *,
    extras: Extras,
) -> ProductivityFit:
    """Estimate and fill the productivity column; see `estimation.productivity.system_gmm`.

    Parameters
    ----------
    name : str
    options : ProductionFunctionOptions
    rules : DynamicRules
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
    extras : str

    Raises
    ------
    EstimationError
        By name: too few firms with enough years in a row, or instruments that do not identify the coefficients.
    """
    roles = options.roles
    inputs = read_inputs(rows, roles)
    dropped = count_missing(rows, roles.columns, use)
    estimate = naming(name, lambda: _estimate(inputs, use, rules), lambda: dropped)
    served = [Served((), "", np.ones(len(use), dtype=bool), None, estimate, ())]
    short = use & inputs.complete & ~estimate.in_sample
    if short.any():
        dropped[f"fewer than {rules.lags[0]} consecutive years before"] = int(np.count_nonzero(short))
    return assemble_elasticities(
        name,
        method="system_gmm",
        options=options.model_dump(),
        inputs=inputs,
        served=served,
        use=use & ~short,
        dropped=dropped,
        extras=extras,
    )


def system_gmm_resampler(
    options: ProductionFunctionOptions, rules: DynamicRules, rows: Selection, use: BoolArray
) -> ElasticityDraws:
    """Return what estimates the entry again with other weights on its firms.

    The means of the instruments, the steps and the weight of the minimum distance are the full sample's; moments and
    restrictions are recentred, so that a draw's population meets both.

    Parameters
    ----------
    options, rules, rows, use
        As in `fit_system_gmm`.
    """
    solved = _solve(read_inputs(rows, options.roles), use, rules)
    p = len(solved.distance.elasticities)
    gap = solved.raw - solved.distance.restricted

    def become(raw: FloatArray) -> tuple[FloatArray, FloatArray]:
        found = common_factor(raw - gap, solved.covariance)
        lost = 1.0 if found.converged else np.nan
        return lost * found.elasticities, lost * found.operator[1 : 1 + p]

    return ElasticityDraws(
        solved.products, solved.system.chunks, solved.gmm, solved.two_step, solved.system.regressors, become
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Solved:
    """The system, its unrestricted estimate and the restricted one."""

    system: DynamicSystem
    constant: tuple[str, ...]
    products: CrossProducts
    gmm: GmmFit
    two_step: bool
    wanted_firms: int
    distance: CommonFactor

    @property
    def raw(self) -> FloatArray:
        """rho, the inputs' coefficients, those of their lags."""
        return self.gmm.coefficients[: len(self.system.regressors)]

    @property
    def covariance(self) -> FloatArray:
        """Of `raw`, without any small-sample factor."""
        count = len(self.system.regressors)
        return self.gmm.covariance[:count, :count]


def _solve(inputs: Inputs, use: BoolArray, rules: DynamicRules) -> _Solved:
    """Estimate the system and impose the restrictions, or say what is in the way."""
    system, constant = _system(inputs, use, rules)
    firms = distinct_firms(inputs.firm, system.rows)
    try:
        products = cross_products(system.equations, system.chunks)
        instruments, parameters = products.n_moments, len(products.parameters)
        if instruments < parameters:
            raise UnidentifiedError(system.regressors)
        wanted = FIRMS_PER_INSTRUMENT * instruments
        two_step = rules.steps == 2 and instruments > parameters and firms >= wanted
        gmm = linear_gmm(
            products,
            system.chunks,
            (*system.regressors, *system.control_names()),
            steps=2 if two_step else 1,
            windmeijer=rules.windmeijer and two_step,
        )
    except CollinearError as error:
        raise EstimationError(f"{error.column} is a combination of the columns before it: do columns repeat?") from None
    except UnidentifiedError as error:
        raise EstimationError(_unidentified(error.parameters, system, rules.lags)) from None
    count = len(system.regressors)
    raw, covariance = gmm.coefficients[:count], gmm.covariance[:count, :count]
    if not np.all(np.diag(covariance) > 0):
        raise EstimationError(
            "the differences and levels are fitted without error: are the columns made of each other?"
        )
    distance = common_factor(raw, covariance)
    if not distance.converged:
        raise EstimationError(
            "minimum distance found no rho and elasticities near the unrestricted coefficients "
            f"({', '.join(f'{one:.4g}' for one in raw)}): are the instruments too weak? a longer panel helps"
        )
    return _Solved(system, constant, products, gmm, two_step, wanted, distance)


def _estimate(inputs: Inputs, use: BoolArray, rules: DynamicRules) -> ElasticityEstimate:
    solved = _solve(inputs, use, rules)
    system, products, gmm, distance = solved.system, solved.products, solved.gmm, solved.distance
    terms = (*inputs.roles.free, *inputs.roles.state)
    firms, instruments = distinct_firms(inputs.firm, system.rows), products.n_moments
    factor, df = few_firms(firms)
    influence = gmm.influence[:, : len(solved.raw)] @ distance.operator.T
    covariance: FloatArray = factor * influence.T @ influence
    elasticities = covariance[1:, 1:]
    diagnostics = dict(returns_to_scale(distance.elasticities, elasticities, df))
    diagnostics |= {
        "rho": distance.rho,
        "rho_std_error": float(np.sqrt(covariance[0, 0])),
        "common_factor_statistic": distance.statistic / factor,
        "common_factor_p_value": float(chdtrc(len(terms), distance.statistic / factor)),
        "n_instruments": float(instruments),
        "sanderson_windmeijer_f": strength(products, system, distance.slope),
    }
    # Differences are correlated over one year by construction; over as many as the first lag they must not be.
    for order in (1, rules.lags[0]):
        found = serial_correlation(system, gmm, order)
        diagnostics[f"ar{order}_statistic"], diagnostics[f"ar{order}_p_value"] = found or (None, None)
    diagnostics |= {
        f"unrestricted[{name}]": float(one) for name, one in zip(system.regressors, solved.raw, strict=True)
    }
    j = None
    if gmm.j_statistic is not None and gmm.j_df is not None:
        j = (gmm.j_statistic, gmm.j_df, float(chdtrc(gmm.j_df, gmm.j_statistic)))
    notes = [f"control {name} is constant here and left out" for name in solved.constant]
    if system.left_out:
        notes.append(f"collinear with the other controls and left out: {', '.join(system.left_out[:6])}")
    if rules.steps == 2 and not solved.two_step and instruments > len(products.parameters):
        needed = solved.wanted_firms
        notes.append(f"{counted(firms, 'firm')}, two steps need {needed} ({instruments} instruments): one step taken")
    if instruments > firms:
        notes.append(f"more instruments ({instruments}) than firms ({firms}): collapse them, or use fewer lags")
    notes += warnings(diagnostics, rules.lags)
    return ElasticityEstimate(
        inputs=inputs,
        in_sample=system.rows,
        coefficients=distance.elasticities,
        covariance=elasticities,
        df=df,
        small_sample=factor,
        influence_firms=gmm.firms,
        influence=influence[:, 1:],
        n_obs=products.n_rows[0],
        n_firms=firms,
        rung="two-step" if solved.two_step else "one-step",
        j=j,
        diagnostics=diagnostics,
        notes=tuple(notes),
        errors=by_firm(len(gmm.firms), df, factor, detail="windmeijer" if rules.windmeijer and solved.two_step else ""),
    )


def _system(inputs: Inputs, use: BoolArray, rules: DynamicRules) -> tuple[DynamicSystem, tuple[str, ...]]:
    """Lay out the equations, or say what they lack."""
    first = rules.lags[0]
    rows = years_before(inputs, use) >= first
    firms, complete = distinct_firms(inputs.firm, rows), int(np.count_nonzero(use & inputs.complete))
    if firms < FEWEST_FIRMS:
        raise EstimationError(
            f"{counted(firms, 'firm')} with {first + 1} consecutive years among {counted(complete, 'complete row')}, "
            f"{FEWEST_FIRMS} are needed: a gap breaks the row of years; is the panel long enough, and does where keep "
            f"its years? {lacking(inputs, use)}".rstrip()
        )
    roles, current = inputs.roles, use & inputs.complete
    refuse_constants([(roles.output, inputs.output)], current)
    refuse_exact(roles.output, inputs.output[current], [one[current] for one in inputs.technology])
    for name, values in zip((*roles.free, *roles.state), (*inputs.free, *inputs.state), strict=True):
        at = np.flatnonzero(rows)
        if not np.ptp(values[at]) > 0:
            raise EstimationError(f'"{name}" does not vary in these rows: is it the right column?')
        if not np.any(values[at] != values[at - 1]):
            raise EstimationError(
                f'"{name}" does not vary within firms: nothing is left of it in differences; is it the right column?'
            )
    longest = int(years_before(inputs, use)[rows].max())
    if rules.lags[1] > longest:
        raise EstimationError(
            f"lags: [{first}, {rules.lags[1]}] asks for levels of {rules.lags[1]} years before, and no firm has more "
            f"than {longest} consecutive ones before a row: write [{first}, {longest}]"
        )
    return build_dynamic_system(inputs, use, rules.lags, rules.collapse)


def _unidentified(parameters: Sequence[str], system: DynamicSystem, lags: tuple[int, int]) -> str:
    blamed = [name for name in parameters if name in system.regressors] or list(system.regressors)
    return (
        f"the coefficients of {', '.join(blamed)} are not identified: levels of t-{lags[0]} and before and lagged "
        "differences do not move them apart; does an input equal another one, or are there too few years for the lags?"
    )
