"""The arithmetic of the two replicas of R prodest's Wooldridge estimators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from scipy.linalg import solve_triangular

from estimation.cross_products import Chunk, CollinearError, CrossProducts, Equation, cross_products
from estimation.extras import Extras
from estimation.gmm import UnidentifiedError, linear_gmm
from estimation.least_squares import dependences, least_squares
from estimation.polynomial import DegenerateInputError, standardised_polynomial
from estimation.productivity.common.assembling import naming
from estimation.productivity.common.cobb_douglas import ElasticityEstimate, assemble_elasticities
from estimation.productivity.common.diagnostics import heaped, returns_to_scale
from estimation.productivity.common.failures import degenerate, no_rows, refuse_constants, refuse_exact
from estimation.productivity.common.inputs import (
    ROWS_AT_A_TIME,
    Inputs,
    count_missing,
    distinct_firms,
    lag_status,
    read_inputs,
)
from estimation.productivity.common.ladder import Served
from estimation.productivity.common.moments import C_BEFORE, FREE_BEFORE, MomentEquation
from estimation.productivity.common.system import stretches
from estimation.productivity.replicas.options import ReplicaOptions
from estimation.results import BoolArray, ErrorsInfo, FloatArray, IntArray, ProductivityFit
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["estimate_wrdg", "estimate_wrdg_gmm", "fit_replica"]

LAGGED = (MomentEquation(regressors=(C_BEFORE,), instruments=(FREE_BEFORE, C_BEFORE)),)
NORMAL = float("inf")


def fit_replica(
    name: str,
    method: str,
    options: ReplicaOptions,
    rows: Selection,
    use: BoolArray,
    *,
    estimate: Callable[[Inputs, BoolArray], ElasticityEstimate],
    notes: tuple[str, ...],
    extras: Extras,
) -> ProductivityFit:
    """Estimate on the rows with a year before and fill the productivity column.

    Parameters
    ----------
    name, method : str
    options : ReplicaOptions
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
    estimate : callable
        From the inputs and the rows with a year before to the estimate.
    notes : tuple of str
        What is wrong with the replica.
    extras : str

    Raises
    ------
    EstimationError
        By name.
    """
    roles = options.roles
    inputs, dropped = read_inputs(rows, roles), count_missing(rows, roles.columns, use)

    def run() -> ElasticityEstimate:
        current = use & inputs.complete
        both = current & lag_status(inputs, use).usable
        firms = distinct_firms(inputs.firm, both)
        if firms < 2:
            raise EstimationError(no_rows(LAGGED, use, current, firms, inputs))
        names, values = (roles.output, *roles.free, *roles.polynomial), (inputs.output, *inputs.free)
        refuse_constants(list(zip(names, (*values, *inputs.polynomial), strict=True)), both)
        refuse_exact(roles.output, inputs.output[both], [one[both] for one in (*inputs.free, *inputs.state)])
        _refuse_functions(inputs, both)
        return replace(estimate(inputs, both), notes=(*notes, *heaped(roles.proxy, inputs.proxy, both)))

    served = [Served((), "", np.ones(len(use), dtype=bool), None, naming(name, run, lambda: dropped), ())]
    return assemble_elasticities(
        name,
        method=method,
        options=options.model_dump(),
        inputs=inputs,
        served=served,
        use=use,
        dropped=dropped,
        extras=extras,
    )


def _refuse_functions(inputs: Inputs, both: BoolArray) -> None:
    """Refuse inputs of the polynomial that are linear functions of others, and free inputs that are functions of them.

    The package estimates on: with one coefficient vector for C(t) and C(t-1), the false restriction alone tells a free
    input from C(t).
    """
    roles = inputs.roles
    seen = np.stack([values[both] for values in inputs.polynomial])
    mean = seen.mean(axis=1)
    deviations = seen - mean[:, None]
    try:
        polynomial = standardised_polynomial(roles.polynomial, 2, mean, deviations @ deviations.T / seen.shape[1])
    except DegenerateInputError as error:
        raise EstimationError(degenerate(error, roles)) from None
    monomials = polynomial.evaluate(list(seen))
    free = np.stack([values[both] - values[both].mean() for values in inputs.free])
    spanned = [one.term - len(monomials) for one in dependences(np.concatenate([monomials, free]).T)]
    if not spanned or spanned[0] < 0:
        return
    given = ", ".join((*roles.polynomial, *roles.free[: spanned[0]]))
    raise EstimationError(
        f'the free input "{roles.free[spanned[0]]}" has no variation of its own: it is a function of ({given}), a '
        "polynomial of degree 2 at most, and nothing tells its elasticity from productivity; R prodest would print "
        "numbers that rest on its restriction alone"
    )


def estimate_wrdg_gmm(inputs: Inputs, both: BoolArray) -> ElasticityEstimate:
    """Estimate as prodestWRDG_GMM does.

    Its restriction is on the coefficients of raw monomials. Here the monomials are centred, and each regressor keeps
    what the restriction needs of the raw one, up to columns whose coefficients are free: a b = a' b' + b0 a' + a0 b' +
    a constant, with a' = a - a0. The estimates are the same and keep their digits.

    Parameters
    ----------
    inputs : Inputs
    both : (n,) bool array
        Rows with a year before.
    """
    roles = inputs.roles
    terms = (*roles.free, *roles.state)
    equations, chunks = _gmm_system(inputs, both)
    try:
        products = cross_products(equations, chunks)
        gmm = linear_gmm(products, chunks, terms, steps=1)
    except CollinearError as error:
        raise EstimationError(_collinear(error.column, roles.polynomial)) from None
    except UnidentifiedError:
        raise EstimationError(_unidentified(terms)) from None
    inverse = _inverse_of_squares(products)
    place = [products.parameters.index(term) for term in terms]
    influence, squares = _influence(products, chunks, gmm.theta, inverse[place])
    # The package's own: u'u over both equations, divided by the rows of one.
    covariance = squares / products.n_rows[0] * inverse[np.ix_(place, place)]
    return _estimate(inputs, both, gmm.coefficients, covariance, gmm.firms, influence)


def _gmm_system(inputs: Inputs, both: BoolArray) -> tuple[tuple[Equation, Equation], Callable[[], Iterator[Chunk]]]:
    """Lay out the two equations: instruments centred, regressors with the raw ones' restriction."""
    roles = inputs.roles
    v, mains = len(roles.polynomial), roles.polynomial
    n_free, n_states = len(roles.free), len(roles.state)
    pairs = [*combinations(range(v), 2), *((one, one) for one in range(v))]
    second = tuple(f"{mains[a]}*{mains[b]}" if a != b else f"{mains[a]}^2" for a, b in pairs)
    raw = tuple(f"raw {name}" for name in second)

    def dated(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"lag({name})" for name in names)

    # (1): C(t) and l(t) are instruments; the raw second-order terms stand beside them as regressors.
    first = Equation(
        "1",
        ("1", *mains, *second, *roles.free, *raw, roles.output),
        1 + v + len(second) + n_free,
        (
            "a1", *(name if name in roles.state else f"lambda1[{name}]" for name in mains), *[None] * len(second),
            *roles.free, *(f"lambda1[{name}]" for name in second),
        ),
    )  # fmt: skip
    # (2): C(t-1) spans the same whether raw or centred, and its coefficients are free.
    lagged = Equation(
        "2",
        ("1", *dated(mains), *dated(second), *roles.state, *dated(roles.free), *roles.free, roles.output),
        1 + v + len(second) + n_states + n_free,
        (
            "a2", *(f"lambda2[{name}]" for name in (*mains, *second)), *roles.state, *[None] * n_free, *roles.free,
        ),
    )  # fmt: skip
    centre = [float(np.mean(values[both])) for values in inputs.polynomial]
    centre_free = [float(np.mean(values[both])) for values in inputs.free]
    centre_output = float(np.mean(inputs.output[both]))

    def centred(at: IntArray) -> FloatArray:
        return np.stack([values[at] - middle for values, middle in zip(inputs.polynomial, centre, strict=True)])

    def free(at: IntArray) -> FloatArray:
        return np.stack([values[at] - middle for values, middle in zip(inputs.free, centre_free, strict=True)])

    def monomials(x: FloatArray) -> FloatArray:
        return np.stack([x[a] * x[b] for a, b in pairs])

    def restricted(x: FloatArray) -> FloatArray:
        # Only the states' linear parts matter: that of the proxy has a free coefficient.
        slopes = [
            (centre[b] * x[a] if a < n_states else 0.0) + (centre[a] * x[b] if b < n_states else 0.0) for a, b in pairs
        ]
        linear: FloatArray = np.array([np.broadcast_to(one, x.shape[1]) for one in slopes])
        return monomials(x) + linear

    def chunks() -> Iterator[Chunk]:
        for start, stop in stretches(inputs.firm, ROWS_AT_A_TIME):
            rows = np.flatnonzero(both[start:stop])
            if not len(rows):
                continue
            at = rows + start
            now, before = centred(at), centred(at - 1)
            one, l, y = np.ones((1, len(at))), free(at), (inputs.output[at] - centre_output)[None]  # noqa: E741
            left = np.concatenate([one, now, monomials(now), l, restricted(now), y])
            right = np.concatenate([one, before, monomials(before), now[:n_states], free(at - 1), l, y])
            yield Chunk(inputs.firm[start:stop], (rows, rows), (left, right))

    return (first, lagged), chunks


def _inverse_of_squares(products: CrossProducts) -> FloatArray:
    """Return (X'Z (Z'Z)^-1 Z'X)^-1, (P, P)."""
    triangle = np.linalg.qr(products.design / products.lengths, mode="r")
    half = solve_triangular(triangle, np.eye(len(triangle))) / products.lengths[:, None]
    inverse: FloatArray = half @ half.T
    return inverse


def _influence(
    products: CrossProducts, chunks: Callable[[], Iterator[Chunk]], theta: FloatArray, inverse: FloatArray
) -> tuple[FloatArray, float]:
    """Return psi by firm, (G, q), and the sum of squared residuals.

    The restriction that the replica imposes is false, so that its moments are not zero in expectation: the firms'
    part in (Z'Z)^-1 and Z'X is not of second order and belongs to psi. With q instruments made orthonormal, D = Q'X,
    g = Q'u and r = q'g, a row's share is H [(x - D'q) r + D'q u], H = (D'D)^-1.
    """
    moments = products.outcome - products.design @ theta
    weights = products.by_column(theta)
    place = {name: number for number, name in enumerate(products.parameters)}
    parts: list[FloatArray] = []
    squares = 0.0
    for chunk in chunks():
        firm = chunk.firm[chunk.rows[0]]
        total = np.zeros((len(inverse), len(firm)))
        for equation, transform, part, weight, block in zip(
            products.equations, products.transforms, products.slices(), weights, chunk.blocks, strict=True
        ):
            q = transform @ block[: transform.shape[1]]
            residuals, misfit = weight @ block, moments[part] @ q
            fitted = products.design[part].T @ q
            rows = -fitted * misfit + fitted * residuals
            for column, name in enumerate(equation.parameters):
                if name is not None:
                    rows[place[name]] += block[column] * misfit
            total += inverse @ rows
            squares += float(residuals @ residuals)
        starts = np.flatnonzero(np.concatenate(([True], firm[1:] != firm[:-1])))
        parts.append(np.add.reduceat(total, starts, axis=1).T)
    return np.concatenate(parts), squares


def estimate_wrdg(inputs: Inputs, both: BoolArray) -> ElasticityEstimate:
    """Estimate as prodestWRDG does: two least-squares steps on the stacked halves, in the data's own units.

    Parameters
    ----------
    inputs : Inputs
    both : (n,) bool array
        Rows with a year before.
    """
    roles = inputs.roles
    n_free, n_states = len(roles.free), len(roles.state)
    at = np.flatnonzero(both)
    halves = (at, at - 1)
    free = np.column_stack([np.tile(values[at], 2) for values in inputs.free])
    before = np.column_stack([np.tile(values[at - 1], 2) for values in inputs.free])
    state = np.column_stack([np.tile(values[at], 2) for values in inputs.state])
    polynomial = np.vstack([_raw(inputs.polynomial, half) for half in halves])
    y = np.tile(inputs.output[at], 2)
    z = np.column_stack([before, state, polynomial])
    names = (*(f"lag({name})" for name in roles.free), *roles.state, *_raw_names(roles.polynomial))
    dependent = dependences(z)
    if dependent:
        raise EstimationError(_collinear(names[dependent[0].term], roles.polynomial))
    first = [least_squares(z, free[:, number]) for number in range(n_free)]
    d = np.column_stack(
        [np.ones(len(y)), *(free[:, j] - one.residuals for j, one in enumerate(first)), state, polynomial]
    )
    if dependences(d):
        raise EstimationError(_unidentified(roles.free))
    second = least_squares(d, y)
    elasticities = slice(1, 1 + n_free + n_states)
    coefficients = second.coefficients[elasticities]
    covariance = second.residual_variance * second.bread[elasticities, elasticities]
    # Both steps: the second's scores, and how its estimate moves with the first's.
    mistaken = np.column_stack([one.residuals for one in first]) @ coefficients[:n_free]
    operator = second.operator[:, elasticities]
    scores = operator * second.residuals[:, None] - (first[0].operator * mistaken[:, None]) @ (z.T @ operator)
    firm = inputs.firm[at]
    starts = np.flatnonzero(np.concatenate(([True], firm[1:] != firm[:-1])))
    influence = np.add.reduceat(scores[: len(at)] + scores[len(at) :], starts, axis=0)
    return _estimate(inputs, both, coefficients, covariance, firm[starts], influence)


def _raw(inputs: Sequence[FloatArray], at: IntArray) -> FloatArray:
    """Return the raw monomials of degree 1 and 2 at these rows: the inputs, their products, their squares."""
    x = [values[at] for values in inputs]
    products = [a * b for a, b in combinations(x, 2)]
    return np.column_stack([*x, *products, *(one**2 for one in x)])


def _raw_names(names: Sequence[str]) -> tuple[str, ...]:
    return (*names, *(f"{a}*{b}" for a, b in combinations(names, 2)), *(f"{name}^2" for name in names))


def _estimate(
    inputs: Inputs,
    both: BoolArray,
    coefficients: FloatArray,
    covariance: FloatArray,
    firms: IntArray,
    influence: FloatArray,
) -> ElasticityEstimate:
    sandwich = np.sqrt(np.diag(influence.T @ influence))
    diagnostics = dict(returns_to_scale(coefficients, covariance, NORMAL))
    for term, error in zip((*inputs.roles.free, *inputs.roles.state), sandwich, strict=True):
        diagnostics[f"clustered_std_error[{term}]"] = float(error)
    return ElasticityEstimate(
        inputs=inputs,
        in_sample=both,
        coefficients=coefficients,
        covariance=covariance,
        df=NORMAL,
        small_sample=1.0,
        influence_firms=firms,
        influence=influence,
        n_obs=int(np.count_nonzero(both)),
        n_firms=len(firms),
        rung="as the package",
        diagnostics=diagnostics,
        errors=ErrorsInfo("classical", {}, NORMAL, "", "none", detail="prodest"),
    )


def _collinear(column: str, polynomial: Sequence[str]) -> str:
    return (
        f"{column} is a combination of the other columns and the polynomial of degree 2 in ({', '.join(polynomial)}): "
        "does an input take few values, equal another one, or never change within a firm?"
    )


def _unidentified(names: Sequence[str]) -> str:
    return (
        f"the elasticity of {', '.join(names)} is not identified: the free inputs of the year before do not move "
        "those of the year"
    )
