"""System GMM of the dynamic production function, the common-factor restrictions, and the tests beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc

from estimation.cross_products import CollinearError, cross_products
from estimation.gmm import UnidentifiedError, linear_gmm
from estimation.productivity.assembling import naming
from estimation.productivity.cobb_douglas import ElasticityEstimate, assemble_elasticities, few_firms
from estimation.productivity.common_factor import common_factor
from estimation.productivity.diagnostics import returns_to_scale
from estimation.productivity.dynamic_system import DynamicSystem, build_dynamic_system, years_before
from estimation.productivity.dynamic_tests import conditional_f, serial_correlation, warnings
from estimation.productivity.inputs import Inputs, count_missing, distinct_firms, read_inputs
from estimation.productivity.ladder import Served
from estimation.productivity.options import ProductionFunctionOptions
from estimation.results import BoolArray, FloatArray, ProductivityFit
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["fit_system_gmm"]

FEWEST_FIRMS = 30
FIRMS_PER_INSTRUMENT = 2


def fit_system_gmm(
    name: str,
    options: ProductionFunctionOptions,
    rows: Selection,
    use: BoolArray,
    *,
    lags: tuple[int, int],
    collapse: bool,
    steps: int,
    windmeijer: bool,
    extras: bool,
) -> ProductivityFit:
    """Estimate and fill the productivity column; see `estimation.productivity.system_gmm`.

    Parameters
    ----------
    name : str
    options : ProductionFunctionOptions
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
    lags : tuple of (int, int)
    collapse : bool
    steps : int
    windmeijer, extras : bool

    Raises
    ------
    EstimationError
        By name: too few firms with enough years in a row, or instruments that do not identify the coefficients.
    """
    roles = options.roles
    inputs = read_inputs(rows, roles)

    def run() -> ElasticityEstimate:
        return _estimate(inputs, use, lags, collapse, steps, windmeijer)

    served = [Served((), "", np.ones(len(use), dtype=bool), None, naming(name, run), ())]
    dropped = count_missing(rows, roles.columns, use)
    short = use & inputs.complete & ~served[0].estimate.in_sample
    if short.any():
        dropped[f"fewer than {lags[0]} consecutive years before"] = int(np.count_nonzero(short))
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


def _estimate(
    inputs: Inputs, use: BoolArray, lags: tuple[int, int], collapse: bool, steps: int, windmeijer: bool
) -> ElasticityEstimate:
    roles = inputs.roles
    terms = (*roles.free, *roles.state)
    system, constant = _system(inputs, use, lags, collapse)
    firms = distinct_firms(inputs.firm, system.rows)
    try:
        products = cross_products(system.equations, system.chunks)
        instruments, parameters = products.n_moments, len(products.parameters)
        if instruments < parameters:
            raise UnidentifiedError(system.regressors)
        wanted = FIRMS_PER_INSTRUMENT * instruments
        taken = 2 if steps == 2 and instruments > parameters and firms >= wanted else 1
        gmm = linear_gmm(
            products,
            system.chunks,
            (*system.regressors, *system.control_names()),
            steps=taken,
            windmeijer=windmeijer and taken == 2,
        )
    except CollinearError as error:
        raise EstimationError(f"{error.column} is a combination of the columns before it: do columns repeat?") from None
    except UnidentifiedError as error:
        raise EstimationError(_unidentified(error.parameters, system, lags)) from None
    count = len(system.regressors)
    raw: FloatArray = gmm.coefficients[:count]
    if not np.all(np.diag(gmm.covariance)[:count] > 0):
        raise EstimationError(
            "the differences and levels are fitted without error: are the columns made of each other?"
        )
    distance = common_factor(raw, gmm.covariance[:count, :count])
    if not distance.converged:
        raise EstimationError(
            "minimum distance found no rho and elasticities near the unrestricted coefficients "
            f"({', '.join(f'{one:.4g}' for one in raw)}): are the instruments too weak? a longer panel helps"
        )
    factor, df = few_firms(firms)
    influence = gmm.influence[:, :count] @ distance.operator.T
    covariance: FloatArray = factor * influence.T @ influence
    elasticities = covariance[1:, 1:]
    diagnostics = dict(returns_to_scale(distance.elasticities, elasticities, df))
    diagnostics |= {
        "rho": distance.rho,
        "rho_std_error": float(np.sqrt(covariance[0, 0])),
        "common_factor_statistic": distance.statistic / factor,
        "common_factor_p_value": float(chdtrc(len(terms), distance.statistic / factor)),
        "n_instruments": float(instruments),
        "sanderson_windmeijer_f": conditional_f(products, system, distance.slope),
    }
    for order in sorted({1, 2, lags[0]}):
        found = serial_correlation(system, gmm, order)
        diagnostics[f"ar{order}_statistic"], diagnostics[f"ar{order}_p_value"] = found or (None, None)
    diagnostics |= {f"unrestricted_{name}": float(one) for name, one in zip(system.regressors, raw, strict=True)}
    j = None
    if gmm.j_statistic is not None and gmm.j_df is not None:
        j = (gmm.j_statistic, gmm.j_df, float(chdtrc(gmm.j_df, gmm.j_statistic)))
    notes = [f"control {name} is constant here and left out" for name in constant]
    if system.left_out:
        notes.append(f"collinear with the other controls and left out: {', '.join(system.left_out[:6])}")
    if taken < steps and instruments > parameters:
        notes.append(f"{firms} firms, two steps need {wanted} ({instruments} instruments): one step taken")
    if instruments > firms:
        notes.append(f"more instruments ({instruments}) than firms ({firms}): collapse them, or use fewer lags")
    notes += warnings(diagnostics, lags)
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
        rung="two-step" if taken == 2 else "one-step",
        j=j,
        diagnostics=diagnostics,
        notes=tuple(notes),
    )


def _system(
    inputs: Inputs, use: BoolArray, lags: tuple[int, int], collapse: bool
) -> tuple[DynamicSystem, tuple[str, ...]]:
    """Lay out the equations, or say what they lack."""
    rows = years_before(inputs, use) >= lags[0]
    firms, complete = distinct_firms(inputs.firm, rows), int(np.count_nonzero(use & inputs.complete))
    if firms < FEWEST_FIRMS:
        raise EstimationError(
            f"{firms} firms with {lags[0] + 1} consecutive years among {complete} complete rows, {FEWEST_FIRMS} are "
            "needed: a gap breaks the row of years; is the panel long enough, and does where keep its years?"
        )
    roles = inputs.roles
    for name, values in zip((*roles.free, *roles.state), (*inputs.free, *inputs.state), strict=True):
        at = np.flatnonzero(rows)
        if not np.ptp(values[at]) > 0:
            raise EstimationError(f'"{name}" does not vary in these rows: is it the right column?')
        if not np.any(values[at] != values[at - 1]):
            raise EstimationError(
                f'"{name}" does not vary within firms: nothing is left of it in differences; is it the right column?'
            )
    return build_dynamic_system(inputs, use, lags, collapse)


def _unidentified(parameters: Sequence[str], system: DynamicSystem, lags: tuple[int, int]) -> str:
    blamed = [name for name in parameters if name in system.regressors] or list(system.regressors)
    return (
        f"the coefficients of {', '.join(blamed)} are not identified: levels of t-{lags[0]} and before and lagged "
        "differences do not move them apart; does an input equal another one, or are there too few years for the lags?"
    )
