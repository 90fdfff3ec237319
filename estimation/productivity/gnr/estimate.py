"""Gandhi, Navarro and Rivers (2020) on one group of rows: both stages, and the firms' influence functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from estimation.productivity.gnr.markov_search import BOXES, Search, Terms, roots_of_a_draw, search
from estimation.productivity.gnr.markov_step import CollinearTermError, Linearised, MarkovStep, markov_step
from estimation.productivity.gnr.sample import Degrees, Sample, stretches_of
from estimation.productivity.gnr.share_equation import NoShareFitError, ShareFit, fit_share
from estimation.results import BoolArray, FloatArray, IntArray
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["GnrEstimate", "draw_parameters", "draws_elsewhere", "estimate_gnr"]

# The smallest singular value of the moments' derivative, terms and instruments of length one, below which the
# moments do not identify the constant of integration.
UNIDENTIFIED = 1e-8
# Roots whose elasticities a note shows.
SHOWN = 6


@dataclass(frozen=True, slots=True, eq=False)
class GnrEstimate:
    """The estimate on a group.

    Attributes
    ----------
    sample : Sample
    parameters : (v + b + 1 + q,) array
        Average elasticities, gamma, E, beta, as `names` has them.
    influence : (G, v + b + 1 + q) array
        Of the parameters, by firm of the sample.
    share : ShareFit
    found : Search
    sizes : (q,) array
        What a coefficient of the constant of integration of one is in elasticities, root mean square over rows.
    line : Linearised
        The second stage at its root.
    n_controls : int
    negative : (v,) array
        Share of rows with a negative elasticity.
    above_one : int
        Rows whose elasticity of the flexible input is above one.
    notes : tuple of str
    """

    sample: Sample
    parameters: FloatArray
    influence: FloatArray
    share: ShareFit
    found: Search
    sizes: FloatArray
    line: Linearised
    negative: FloatArray
    above_one: int
    notes: tuple[str, ...]

    @property
    def terms(self) -> tuple[str, ...]:
        """The v inputs, whose average elasticities come first among the parameters."""
        return self.sample.surface.inputs

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters by name."""
        b = len(self.sample.transform)
        rest = self.sample.surface.parameters
        return (*self.terms, *rest[:b], "E", *rest[b:])

    @property
    def gamma(self) -> FloatArray:
        """Coefficients of the elasticity of the flexible input, (b,)."""
        v, b = len(self.terms), len(self.sample.transform)
        return self.parameters[v : v + b]

    @property
    def scale(self) -> float:
        """E, the mean of exp(e)."""
        return float(self.parameters[len(self.terms) + len(self.sample.transform)])

    @property
    def beta(self) -> FloatArray:
        """Coefficients of the constant of integration, (q,)."""
        return self.parameters[len(self.terms) + len(self.sample.transform) + 1 :]

    @property
    def in_sample(self) -> BoolArray:
        """The rows of the group that either stage uses."""
        return self.sample.in_sample


def estimate_gnr(sample: Sample, degrees: Degrees) -> GnrEstimate:
    """Estimate both stages.

    Parameters
    ----------
    sample : Sample
    degrees : Degrees

    Raises
    ------
    EstimationError
        If the share equation does not converge, or no start reaches a root of the second stage.
    """
    try:
        share = fit_share(sample.columns, sample.log_share)
        cho_factor(share.curvature)
    except (NoShareFitError, np.linalg.LinAlgError):
        raise EstimationError(
            f"the share equation of {sample.surface.inputs[-1]} did not converge: a lower degree asks less of it; "
            "do shares near zero, or far above one, belong in these rows?"
        ) from None
    first = _FirstStage(sample, share)
    try:
        step = _second_stage(sample, degrees, first.phi)
    except CollinearTermError as error:
        raise EstimationError(_collinear(sample, error)) from None
    sizes = _sizes(sample)
    found = search(step, _terms(sample, sizes))
    if not found.roots and np.isnan(found.smallest):
        raise EstimationError(
            f"productivity does not vary: {sample.inputs.roles.output} is a function of the inputs and their share, "
            "up to rounding"
        )
    if not found.roots:
        raise EstimationError(
            f"no root of the second stage's moments from {found.starts} starts {_where(found)}; the smallest scaled "
            f"norm reached is {found.smallest:.2g}, a root has less than 1e-8. A lower markov_degree or "
            "constant_degree asks less of "
            "the data; so does a state that moves within firms"
        )
    line = step.linearise(found.roots[0].coefficients)
    if not line.strength > UNIDENTIFIED:
        raise EstimationError(
            "the second stage does not identify the constant of integration: its instruments do not move the terms in "
            f"({', '.join(sample.surface.rest.inputs)}) apart from productivity; lower constant_degree, or leave out "
            "the controls that determine an input"
        )
    beta = found.roots[0].coefficients
    coefficients = np.concatenate([first.gamma, beta])
    average = sample.slopes.sum(axis=0) @ coefficients / len(sample.at)
    parameters = np.concatenate([average, first.gamma, [first.scale], beta])
    negative, above_one = _signs(sample, coefficients)
    return GnrEstimate(
        sample=sample,
        parameters=parameters,
        influence=_influence(sample, first, beta, line, average),
        share=share,
        found=found,
        sizes=sizes,
        line=line,
        negative=negative,
        above_one=above_one,
        notes=(*sample.notes, *_said(sample, first, found, above_one)),
    )


def draw_parameters(sample: Sample, degrees: Degrees, at: GnrEstimate, counts: FloatArray) -> FloatArray | None:
    """Return the parameters with other weights on the firms: of the draw's roots, the one nearest to the estimate.

    Nearest in the root mean square of the difference in the constant of integration, over the sample's rows. The
    powers keep their centre, so that the parameters mean the same in every draw.

    Parameters
    ----------
    sample : Sample
    degrees : Degrees
    at : GnrEstimate
    counts : (G,) array
        Of the sample's firms, zero or more.

    Returns
    -------
    (v + b + 1 + q,) array or None
        None where the draw has no estimate.
    """
    sample = sample.of_firms(counts > 0)
    weights = counts[sample.firm]
    try:
        share = fit_share(sample.columns, sample.log_share, weights, at.share.coefficients)
        first = _FirstStage(sample, share, weights)
        step = _second_stage(sample, degrees, first.phi, weights)
        known = (root.coefficients for root in at.found.roots)
        found = roots_of_a_draw(step, _terms(sample, at.sizes), known)
    except (NoShareFitError, CollinearTermError, np.linalg.LinAlgError):
        return None
    if not found:
        return None
    beta = min((root.coefficients for root in found), key=lambda one: _apart(at, one))
    coefficients = np.concatenate([first.gamma, beta])
    average = np.tensordot(counts, sample.slopes, axes=1) @ coefficients / weights.sum()
    return np.concatenate([average, first.gamma, [first.scale], beta])


def draws_elsewhere(at: GnrEstimate, drawn: FloatArray) -> tuple[int, int]:
    """Count the draws that lie nearer to another root of the sample than to the estimate, in average elasticities.

    Parameters
    ----------
    at : GnrEstimate
    drawn : (B, v) array
        Average elasticities; rows of NaN are not counted.

    Returns
    -------
    elsewhere, draws : int
    """
    made = drawn[~np.isnan(drawn).any(axis=1)]
    slopes = at.sample.slopes.sum(axis=0) / len(at.sample.at)
    known = [slopes @ np.concatenate([at.gamma, root.coefficients]) for root in at.found.roots]
    apart = np.array([np.linalg.norm(made - one, axis=1) for one in known])
    return int(np.count_nonzero(np.argmin(apart, axis=0) != 0)), len(made)


def _apart(at: GnrEstimate, beta: FloatArray) -> float:
    return float(np.std((beta - at.beta) @ at.sample.monomials.rest[:, at.sample.now]))


class _FirstStage:
    """What the share equation hands on: E, gamma, and phi = y - e - I(x)."""

    def __init__(self, sample: Sample, share: ShareFit, weights: FloatArray | None = None) -> None:
        self.share = share
        self.scale = float(np.average(np.exp(share.errors), weights=weights))
        self.gamma: FloatArray = sample.transform @ share.coefficients / self.scale
        self.integral: FloatArray = self.gamma @ sample.monomials.integral
        self.phi: FloatArray = sample.output - share.errors - self.integral


def _second_stage(sample: Sample, degrees: Degrees, phi: FloatArray, weights: FloatArray | None = None) -> MarkovStep:
    now, terms = sample.now, sample.monomials.rest.T
    return markov_step(
        (phi[now], phi[now - 1]),
        (terms[now], terms[now - 1]),
        sample.instruments,
        controls=sample.controls,
        degree=degrees.markov,
        weights=None if weights is None else weights[now],
    )


def _terms(sample: Sample, sizes: FloatArray) -> Terms:
    """Return the monomials of the constant of integration as the search needs them."""
    rest, now = sample.monomials.rest, sample.now
    exponents = sample.surface.rest.exponents[1:]
    parts = tuple(tuple(int(index) + 1 for index in np.repeat(np.arange(len(one)), one)) for one in exponents)
    return Terms(rest[:, now], rest[:, now - 1], parts, sizes)


def _sizes(sample: Sample) -> FloatArray:
    """Return what each monomial of the constant of integration adds to elasticities, root mean square over rows."""
    rest = sample.surface.rest
    monomials = np.vstack([np.ones(len(sample.at)), sample.monomials.rest])
    squares = [np.mean((rest.derivative(index)[1:] @ monomials) ** 2, axis=1) for index in range(len(rest.inputs))]
    return np.sqrt(np.asarray(np.sum(squares, axis=0), dtype=np.float64))


def _influence(
    sample: Sample, first: _FirstStage, beta: FloatArray, line: Linearised, average: FloatArray
) -> FloatArray:
    """Return psi of all parameters, (G, v + b + 1 + q).

    By the chain of the two stages: gamma' (coefficients of D_E) from its scores; E from exp(e) and gamma'; beta from
    the second stage's scores and the change of phi with gamma' and E; the averages from the rows drawn, gamma and beta.
    """
    n, share, firms = len(sample.at), first.share, len(sample.firms)
    psi_c: FloatArray = cho_solve(cho_factor(share.curvature), _by_firm(sample, share.scores(sample.columns), None).T).T
    grown = np.exp(share.errors)
    relative = sample.columns / share.fitted[:, None]  # d e / d gamma'
    own = _by_firm(sample, (grown - first.scale)[:, None], None)[:, 0]
    psi_scale = own / n + psi_c @ (grown @ relative / n)
    # phi = y - e - I gamma, gamma = T gamma' / E
    by_c = -relative - sample.monomials.integral.T @ sample.transform / first.scale
    by_scale = first.integral / first.scale
    now = sample.now
    moved = line.now.T @ by_c[now] - line.before.T @ by_c[now - 1]
    moved_scale = line.now.T @ by_scale[now] - line.before.T @ by_scale[now - 1]
    total = _by_firm(sample, line.scores, now) + psi_c @ moved.T + np.outer(psi_scale, moved_scale)
    psi_beta = -np.linalg.solve(line.jacobian, total.T).T
    psi_gamma = (psi_c @ sample.transform.T - np.outer(psi_scale, first.gamma)) / first.scale
    coefficients = np.concatenate([first.gamma, beta])
    rows = np.bincount(sample.firm, minlength=firms)
    drawn = (sample.slopes @ coefficients - np.outer(rows, average)) / n
    psi_average = drawn + np.column_stack([psi_gamma, psi_beta]) @ (sample.slopes.sum(axis=0) / n).T
    return np.column_stack([psi_average, psi_gamma, psi_scale, psi_beta])


def _by_firm(sample: Sample, rows: FloatArray, at: IntArray | None) -> FloatArray:
    firm = sample.firm if at is None else sample.firm[at]
    found = np.empty((len(sample.firms), rows.shape[1]))
    for column in range(rows.shape[1]):
        found[:, column] = np.bincount(firm, rows[:, column], minlength=len(sample.firms))
    return found


def _signs(sample: Sample, coefficients: FloatArray) -> tuple[FloatArray, int]:
    """Return the share of rows with a negative elasticity, by input, and the rows where the last is above one."""
    inputs = (*sample.inputs.free, *sample.inputs.state, sample.inputs.proxy)
    negative, above = np.zeros(len(inputs)), 0
    for part in stretches_of(len(sample.at)):
        at = sample.at[part]
        values = [column[at] for column in inputs if column is not None]
        slopes = [coefficients @ slope for slope in sample.surface.slopes(values)]
        negative += [np.count_nonzero(slope < 0) for slope in slopes]
        above += int(np.count_nonzero(slopes[-1] > 1))
    return negative / len(sample.at), above


def _said(sample: Sample, first: _FirstStage, found: Search, above_one: int) -> tuple[str, ...]:
    notes = []
    proxy = sample.surface.inputs[-1]
    if above_one:
        notes.append(f"the elasticity of {proxy} is above one in {above_one} of {counted(len(sample.at), 'row')}")
    if len(found.roots) > 1:
        slopes = sample.slopes.sum(axis=0) / len(sample.at)
        shown = []
        for root in found.roots[:SHOWN]:
            averages = slopes[:-1] @ np.concatenate([first.gamma, root.coefficients])
            pairs = zip(sample.surface.inputs, averages, strict=False)
            shown.append(" ".join(f"{name} {value:.4f}" for name, value in pairs))
        more = "; ..." if len(found.roots) > SHOWN else ""
        notes.append(
            f"{len(found.roots)} roots of the second stage's moments, with average elasticities {'; '.join(shown)}"
            f"{more}. Taken is the first, the nearest to the root under a linear process. They are what {found.starts} "
            f"starts {_where(found)} lead to; there may be others"
        )
    return tuple(notes)


def _where(found: Search) -> str:
    if not found.boxed:
        return "around least squares"
    return f"with elasticities between {BOXES[-1][0]:g} and {BOXES[-1][1]:g}"


def _collinear(sample: Sample, error: CollinearTermError) -> str:
    name = sample.surface.rest.terms[1:][error.index]
    inputs = ", ".join(sample.surface.rest.inputs)
    if error.instrument:
        return (
            f"the instrument {name} of the second stage (free inputs a year before, states of the year) has no "
            "variation of its own, given the instruments before it and the controls: does an input never change, "
            "or do the controls determine it? Leave out the control that does, or lower constant_degree"
        )
    return (
        f"the constant of integration in ({inputs}) is rank-deficient: {name} is a combination of the terms before it "
        "in the rows with a year before; lower constant_degree (it is at least degree)"
    )
