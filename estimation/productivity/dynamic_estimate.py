"""System GMM of the dynamic production function, the common-factor restrictions, and the tests beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc

from estimation.cross_products import CollinearError, cross_products
from estimation.gmm import GmmFit, UnidentifiedError, linear_gmm
from estimation.inference import two_sided
from estimation.productivity.assembling import naming
from estimation.productivity.cobb_douglas import ElasticityEstimate, assemble_elasticities, few_firms
from estimation.productivity.diagnostics import returns_to_scale
from estimation.productivity.dynamic_system import DynamicSystem, build_dynamic_system, years_before
from estimation.productivity.inputs import Inputs, count_missing, distinct_firms, read_inputs
from estimation.productivity.ladder import Served
from estimation.productivity.options import ProductionFunctionOptions
from estimation.productivity.system import stretches
from estimation.results import BoolArray, FloatArray, ProductivityFit
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["CommonFactor", "common_factor", "fit_system_gmm", "serial_correlation"]

FEWEST_FIRMS = 30
FIRMS_PER_INSTRUMENT = 2
REJECTED = 0.05
RHO_RANGE = (-1.5, 1.5)
RHO_STEPS = 121


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


@dataclass(frozen=True, slots=True, eq=False)
class CommonFactor:
    """rho and the p elasticities by minimum distance.

    Attributes
    ----------
    rho : float
    elasticities : (p,) array
    operator : (1 + p, 1 + 2p) array
        Derivative of (rho, elasticities) by the unrestricted coefficients: it carries influence functions over.
    statistic : float
        The distance: chi-squared with p degrees of freedom where the restrictions hold.
    converged : bool
        Whether the nearest rho lies inside the range that is searched, -1.5 to 1.5.
    """

    rho: float
    elasticities: FloatArray
    operator: FloatArray
    statistic: float
    converged: bool


def common_factor(unrestricted: FloatArray, covariance: FloatArray) -> CommonFactor:
    """Impose ``g = -rho b`` on (rho, b, g) by minimum distance (Blundell and Bond, 2000, section 2).

    Parameters
    ----------
    unrestricted : (1 + 2p,) array
        rho, the inputs' coefficients, those of their lags.
    covariance : (1 + 2p, 1 + 2p) array

    Returns
    -------
    CommonFactor
        The weight is the covariance's inverse. The elasticities are linear given rho, which is searched for.
    """
    p = (len(unrestricted) - 1) // 2
    # A square root of the inverse: with its eigenvalues, since normal equations lose half of the digits.
    values, directions = np.linalg.eigh(covariance)
    whiten = (directions / np.sqrt(np.maximum(values, values[-1] * np.finfo(float).eps))).T

    def given(rho: float) -> FloatArray:
        """Return (rho, b) with the b that comes nearest: linear, given rho."""
        slope = np.concatenate([np.zeros((1, p)), np.eye(p), -rho * np.eye(p)])
        target = unrestricted.copy()
        target[0] -= rho
        return np.concatenate([[rho], np.linalg.lstsq(whiten @ slope, whiten @ target, rcond=None)[0]])

    def uphill(rho: float) -> float:
        gap, slope = _gap(unrestricted, given(rho), p)
        return -float((whiten @ gap) @ (whiten @ slope[:, 0]))

    # The whole range of rho is looked at: the distance may have more than one valley.
    grid = np.linspace(*RHO_RANGE, RHO_STEPS)
    distances = [float(np.sum((whiten @ _gap(unrestricted, given(rho), p)[0]) ** 2)) for rho in grid]
    lowest = int(np.argmin(distances))
    inside = 0 < lowest < len(grid) - 1
    rho = float(brentq(uphill, grid[lowest - 1], grid[lowest + 1], xtol=1e-15)) if inside else float(grid[lowest])
    theta = given(rho)
    gap, slope = _gap(unrestricted, theta, p)
    distance = whiten @ gap
    return CommonFactor(
        rho=float(theta[0]),
        elasticities=theta[1:],
        operator=np.linalg.pinv(whiten @ slope) @ whiten,
        statistic=float(distance @ distance),
        converged=inside,
    )


def _gap(unrestricted: FloatArray, theta: FloatArray, p: int) -> tuple[FloatArray, FloatArray]:
    """Return the unrestricted coefficients less (rho, b, -rho b), and the derivative of the latter."""
    rho, b = theta[0], theta[1:]
    slope = np.zeros((1 + 2 * p, 1 + p))
    slope[: 1 + p] = np.eye(1 + p)
    slope[1 + p :, 0] = -b
    slope[1 + p :, 1:] = -rho * np.eye(p)
    gap: FloatArray = unrestricted - np.concatenate([theta, -rho * b])
    return gap, slope


def serial_correlation(system: DynamicSystem, gmm: GmmFit, order: int) -> tuple[float, float] | None:
    """Test the differenced residuals for serial correlation (Arellano and Bond, 1991, equation 8).

    The sum over rows of e(t) e(t - order) over its standard error, clustered by firm, the estimation of the
    coefficients in it.

    Parameters
    ----------
    system : DynamicSystem
    gmm : GmmFit
        Of the regressors and the controls, in the order of the system.
    order : int

    Returns
    -------
    statistic, p_value : float
        Standard normal where there is none; None where no firm has the years for it.
    """
    inputs, count = system.inputs, len(system.regressors)
    coefficients, controls = gmm.coefficients[:count], gmm.coefficients[count:]
    reach = np.zeros(len(gmm.coefficients))
    own = np.zeros(len(gmm.firms))
    for start, stop in stretches(inputs.firm, 16_384):
        at = np.flatnonzero(system.rows[start:stop] & (system.depth[start:stop] >= system.lags[0] + order)) + start
        if len(at):
            residuals, x = system.residuals(at, coefficients, controls)
            before, _ = system.residuals(at - order, coefficients, controls)
            np.add.at(own, np.searchsorted(gmm.firms, inputs.firm[at]), residuals * before)
            reach += x @ before
    scores = own - gmm.influence @ reach
    spread = float(np.sqrt(scores @ scores))
    if not spread > 0:
        return None
    statistic = float(own.sum()) / spread
    return statistic, float(two_sided(np.array(statistic), float("inf")))


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
    notes += _warnings(diagnostics, lags)
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


def _warnings(diagnostics: dict[str, float | None], lags: tuple[int, int]) -> list[str]:
    """Return what the tests say against the estimate."""
    notes: list[str] = []
    first, last = lags
    correlated = diagnostics[f"ar{first}_p_value"]
    if correlated is not None and correlated < REJECTED:
        notes.append(
            f"differenced residuals are correlated over {first} years (p {correlated:.3f}): levels of t-{first} are "
            f"then no instruments; lags: [{first + 1}, {last + 1}] allows for it, as measurement error asks"
        )
    restricted = diagnostics["common_factor_p_value"]
    if restricted is not None and restricted < REJECTED:
        notes.append(f"the common-factor restrictions are rejected (p {restricted:.3f})")
    return notes
