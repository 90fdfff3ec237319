"""What speaks for and against a dynamic panel estimate: serial correlation, the strength of the instruments."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from estimation.cross_products import CrossProducts
from estimation.gmm import GmmFit
from estimation.inference import two_sided
from estimation.productivity.common.diagnostics import conditional_f
from estimation.productivity.common.inputs import ROWS_AT_A_TIME
from estimation.productivity.common.system import stretches
from estimation.productivity.firm_effects.dynamic_system import DynamicSystem
from estimation.results import FloatArray

__all__ = ["serial_correlation", "strength", "warnings"]

REJECTED = 0.05
WEAK = 10.0


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
    for start, stop in stretches(inputs.firm, ROWS_AT_A_TIME):
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


def strength(products: CrossProducts, system: DynamicSystem, slope: FloatArray) -> float | None:
    """Return the smallest conditional F of a restricted regressor; see `common.diagnostics.conditional_f`.

    Given the restrictions the regressors are x(t) - rho x(t-1) and y(t-1) - x(t-1) b: `slope` makes them of the
    unrestricted ones. Over the rows of both equations, as if their errors were independent and alike: a gauge, and
    no test.
    """
    names = list(system.regressors)
    controls = [name for name in products.parameters if name not in names]
    gram = np.zeros((len(products.parameters),) * 2)
    for chunk in system.chunks():
        for equation, block in zip(products.equations, chunk.blocks, strict=True):
            own = np.array([place for place, name in enumerate(equation.parameters) if name is not None])
            here = np.array([products.parameters.index(str(equation.parameters[place])) for place in own])
            gram[np.ix_(here, here)] += block[own] @ block[own].T
    place = [products.parameters.index(name) for name in (*names, *controls)]
    # The restricted regressors, and beside them the controls as they are.
    combine = np.zeros((len(place), slope.shape[1] + len(controls)))
    combine[: len(names), : slope.shape[1]] = slope
    combine[len(names) :, slope.shape[1] :] = np.eye(len(controls))
    design = products.design[:, place] @ combine
    unexplained = combine.T @ gram[np.ix_(place, place)] @ combine - design.T @ design
    return conditional_f(design, unexplained, sum(products.n_rows) - products.n_moments, len(controls))


def warnings(diagnostics: Mapping[str, float | None], lags: tuple[int, int]) -> list[str]:
    """Return what the tests say against the estimate, for the notes."""
    notes: list[str] = []
    first, last = lags
    correlated = diagnostics[f"ar{first}_p_value"]
    if correlated is not None and correlated < REJECTED:
        notes.append(
            f"differenced residuals are correlated over {first} years (p {correlated:.3f}): levels of t-{first} are "
            f"then no instruments; lags: [{first + 1}, {last + 1}] allows for it, as measurement error asks"
        )
    conditional = diagnostics["sanderson_windmeijer_f"]
    if conditional is not None and conditional < WEAK:
        notes.append(
            f"weak instruments (conditional F {conditional:.2g} of a regressor beside the others, below {WEAK:g}): "
            "neither the estimate nor its interval can be relied on"
        )
    restricted = diagnostics["common_factor_p_value"]
    if restricted is not None and restricted < REJECTED:
        notes.append(f"the common-factor restrictions are rejected (p {restricted:.3f})")
    return notes
