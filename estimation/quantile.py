"""Quantile regressions from formula to `Estimates`: one a quantile, the first is the model's own.

With a_i the dual of the fit, q - 1(e_i < 0) off the basis, and f_i the density of the outcome at the quantile::

    psi_i = H^-1 w_i a_i x_i,    H = sum of w_i f_i x_i x_i',    f_i = phi(e_i / h) / h

(Powell, 1991; Kim and White, 2003). The covariance is c x sum of psi psi' by row, or by cluster (Parente and Santos
Silva, 2016). Classical errors take the density to be the same in all rows: q (1 - q) / f(0)^2 (X'X)^-1 (Koenker and
Bassett, 1978). The bandwidth is Hall and Sheather's (1988) in units of probability, carried over by the normal and the
smaller of the standard deviation and the interquartile range over 1.34 (Koenker, 2005).

References
----------
Hall, P. and Sheather, S. (1988). On the distribution of a Studentized quantile. Journal of the Royal Statistical
Society B 50(3), 381-391.
Kim, T.-H. and White, H. (2003). Estimation, inference, and specification testing for possibly misspecified quantile
regression. Advances in Econometrics 17, 107-132.
Koenker, R. (2005). Quantile Regression. Cambridge University Press.
Koenker, R. and Bassett, G. (1978). Regression quantiles. Econometrica 46(1), 33-50.
Koenker, R. and Machado, J. (1999). Goodness of fit and related inference processes for quantile regression. Journal of
the American Statistical Association 94(448), 1296-1310.
Parente, P. and Santos Silva, J. (2016). Quantile regression with clustered data. Journal of Econometric Methods 5(1),
1-15.
Powell, J. (1991). Estimation of monotonic regression models under quantile restrictions. In: Nonparametric and
Semiparametric Methods in Econometrics, Cambridge University Press.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import ndtri

from estimation.covariance import Covariance, clustered, heteroscedastic, numbered
from estimation.design_matrix import Design, design_matrix, firms_behind
from estimation.inference import inference
from estimation.quantile_fit import QuantileFit, loss, quantile_fit
from estimation.regression import Question
from estimation.results import ErrorsInfo, Estimates, FloatArray, ModelPart, ProductivityFit
from estimation.second_stage import join
from estimation.separate_levels import not_gaps
from estimation.taken_as_data import taken_as_data
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["Density", "density_at", "estimate", "named", "quantile_design"]

NORMAL_95 = float(ndtri(0.975))
ROOT_2_PI = float(np.sqrt(2 * np.pi))
OPEN, QUARTER = 1e-10, 1e-9


def named(quantile: float) -> str:
    """Return what a part is called: ``quantile 0.9``."""
    return f"quantile {quantile}"


def quantile_design(question: Question, rows: Selection) -> Design:
    """Build the design of a quantile regression; see `design_matrix`."""
    return design_matrix(
        question.formula,
        rows,
        outcome=question.outcome,
        reference=question.reference,
        weights=question.weights,
        clusters=question.cluster,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """The density of the outcome at a quantile.

    Attributes
    ----------
    rows : (n,) array
        f_i.
    bandwidth : float
        h, in units of the outcome.
    cut : bool
        Whether the bandwidth had to be cut, since it reached beyond all rows.
    inverse : (k, k) array
        H^-1.
    """

    rows: FloatArray
    bandwidth: float
    cut: bool
    inverse: FloatArray


def density_at(fit: QuantileFit, x: FloatArray, weights: FloatArray | None = None) -> Density:
    """Estimate the density at the fitted quantile, and H^-1.

    Parameters
    ----------
    fit : QuantileFit
    x : (n, k) array
    weights : (n,) array, optional
        A weighted sample counts as (sum of w)^2 / sum of w^2 rows (Kish), which sets the bandwidth.

    Raises
    ------
    EstimationError
        If too few rows lie near the quantile for a term to have a standard error.
    """
    e, q = fit.residuals, fit.quantile
    w = np.ones(len(e)) if weights is None else weights
    share = w / w.sum()
    normal = float(ndtri(q))
    height = float(np.exp(-0.5 * normal**2)) / ROOT_2_PI
    size = 1 / float(share @ share)
    wide = size ** (-1 / 3) * NORMAL_95 ** (2 / 3) * (1.5 * height**2 / (2 * normal**2 + 1)) ** (1 / 3)
    cut = False
    while not 0 < q - wide < q + wide < 1:
        wide, cut = wide / 2, True
    # Sums of shares may end a rounding error beyond a quarter.
    low, high = np.quantile(e, np.array([0.25, 0.75]) - QUARTER, method="inverted_cdf", weights=share)
    spread = float(np.sqrt(share @ (e - share @ e) ** 2))
    if high > low:
        spread = min(spread, float(high - low) / 1.34)
    bandwidth = spread * float(ndtri(q + wide) - ndtri(q - wide))
    rows = np.exp(-0.5 * (e / bandwidth) ** 2) / (ROOT_2_PI * bandwidth)
    triangle = np.linalg.qr(x * np.sqrt(share)[:, None], mode="r")
    columns = solve_triangular(triangle, x.T, trans="T").T
    hessian = (columns * (w * rows)[:, None]).T @ columns
    values = np.linalg.eigvalsh(hessian)
    if not values[0] > OPEN * values[-1]:
        raise EstimationError(
            f"quantile {q:g}: hardly a row lies near the quantile for some terms, so that their standard errors are "
            "not known; take a quantile nearer to 0.5, or coarser levels"
        )
    inverse = solve_triangular(triangle, np.linalg.inv(hessian))
    return Density(rows, bandwidth, cut, np.asarray(solve_triangular(triangle, inverse.T)))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The estimate at one quantile, its covariance, the rows' influence (n, k), and the density behind both."""

    part: ModelPart
    covariance: Covariance
    psi: FloatArray
    density: Density


def estimate(
    quantiles: Sequence[float],
    question: Question,
    rows: Selection,
    first_stage: ProductivityFit | None,
    *,
    drawn: bool = False,
) -> Estimates:
    """Answer the question at every quantile.

    Parameters
    ----------
    quantiles : sequence of float
        The first is the model's own.
    question : Question
    rows : Selection
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome: it is taken as data.
    drawn : bool
        Whether a bootstrap puts its errors in the place of these.

    Raises
    ------
    EstimationError
        As `quantile_design` and `density_at` do.
    """
    design = quantile_design(question, rows)
    treatment, why = taken_as_data(design.outcome, first_stage, question.tfp_uncertainty, drawn=drawn)
    fits = [quantile_fit(design.x, design.y, one, design.weights) for one in quantiles]
    found = [_part(question, design, fit, treatment) for fit in fits]
    own = found[0].part
    joined = join(design.rows.firm, found[0].psi)
    units, of_units = not_gaps(question.formula, design.terms, design.outcome, first_stage)
    return Estimates(
        name=question.name,
        design=question.design,
        method="quantile",
        outcome=design.outcome,
        terms=design.terms,
        coefficients=own.coefficients,
        std_errors=own.inference.std_errors,
        statistics=own.inference.statistics,
        p_values=own.inference.p_values,
        conf_low=own.inference.conf_low,
        conf_high=own.inference.conf_high,
        covariance=found[0].covariance.matrix,
        n_firms_term=own.n_firms_term,
        n_obs=own.n_obs,
        n_firms=own.n_firms,
        stats=own.stats,
        errors=own.errors,
        weights=question.weights or "",
        influence_firms=joined.firms,
        influence=joined.influence,
        dropped=design.dropped,
        rows_in=rows.n_panel,
        reference=design.reference,
        not_gaps=units,
        parts=tuple(one.part for one in found) if len(found) > 1 else (),
        parts_drawn=True,
        notes=(*design.notes, *of_units, *_notes(design, fits, found), *_crossings(design, fits), *why),
    )


def _part(question: Question, design: Design, fit: QuantileFit, treatment: str) -> _Part:
    """Return the estimate at one quantile."""
    n, k = design.x.shape
    density = density_at(fit, design.x, design.weights)
    w = np.ones(n) if design.weights is None else design.weights
    psi: FloatArray = (design.x * (w * fit.dual)[:, None]) @ density.inverse
    if question.kind == "classical":
        # Koenker and Bassett (1978), theorem 4.2.
        flat = fit.quantile * (1 - fit.quantile) / float(density.rows.mean()) ** 2
        half = np.linalg.inv(np.linalg.qr(design.x, mode="r"))
        covariance = Covariance(flat * half @ half.T, "classical", n - k, 1.0, "")
    elif question.kind == "cluster":
        covariance = clustered(psi, design.clusters, n, k)
    else:
        covariance = heteroscedastic(psi, question.kind, n, k)
    raw = {} if covariance.raw is None else dict(zip(design.terms, covariance.raw.tolist(), strict=True))
    name = named(fit.quantile)
    part = ModelPart(
        name,
        design.terms,
        fit.coefficients,
        inference(fit.coefficients, covariance.matrix, covariance.df),
        _firms(design, fit),
        n,
        numbered(design.rows.firm)[1],
        ErrorsInfo(question.kind, covariance.clusters, covariance.df, covariance.small_sample, treatment, raw),
        {
            "quantile": fit.quantile,
            "pseudo_r2": _goodness(design, fit),
            "bandwidth": density.bandwidth,
            "df_resid": n - k,
        },
    )
    return _Part(part, covariance, psi, density)


def _notes(design: Design, fits: Sequence[QuantileFit], found: Sequence[_Part]) -> tuple[str, ...]:
    """Say what the reader should know of the quantiles, once for all of which it is true."""
    n, k = design.x.shape
    notes = list(dict.fromkeys(note for one in found for note in one.covariance.notes))
    several = [fit.quantile for fit in fits if not fit.unique]
    if several:
        notes.append(
            f"{_listed(several)} {'has' if len(several) == 1 else 'have'} several solutions, as the median of an even "
            "number has: the one with the lowest mean of fitted values is taken"
        )
    cut = [fit.quantile for fit, one in zip(fits, found, strict=True) if one.density.cut]
    if cut:
        notes.append(
            f"{_listed(cut)}: too near to the end of {n:,} rows for standard errors to be trusted: the bandwidth of "
            "the density was cut"
        )
    met = [fit.quantile for fit in fits if np.count_nonzero(fit.residuals == 0) > max(2 * k, n / 20)]
    if met:
        notes.append(
            f"{_listed(met)}: more than one row in twenty is met exactly: {design.outcome} takes few values, and "
            "standard errors, which rest on its density, mean little"
        )
    alone = [term for term, firms in zip(design.terms, design.n_firms_term, strict=True) if firms == 1]
    if alone:
        notes.append(f"too few firms stand behind {', '.join(alone)} for a standard error to mean anything")
    return tuple(notes)


def _listed(quantiles: Sequence[float]) -> str:
    return f"quantile{'s' if len(quantiles) > 1 else ''} {', '.join(f'{one}' for one in quantiles)}"


def _firms(design: Design, fit: QuantileFit) -> np.ndarray:
    """Count the firms behind each term on that side of the quantile on which they are fewer.

    A quantile of 0.9 is hardly more than the outcome of one firm where a dozen stand behind it.
    """
    sides = [firms_behind(design.x[side], design.rows.firm[side]) for side in (fit.residuals >= 0, fit.residuals <= 0)]
    return np.minimum(*sides)


def _goodness(design: Design, fit: QuantileFit) -> float | None:
    """Return one less the loss beside that of a constant alone (Koenker and Machado, 1999)."""
    if not design.intercept:
        return None
    alone = quantile_fit(np.ones((len(design.y), 1)), design.y, fit.quantile, design.weights)
    return 1 - loss(fit.residuals, fit.quantile, design.weights) / loss(alone.residuals, fit.quantile, design.weights)


def _crossings(design: Design, fits: Sequence[QuantileFit]) -> tuple[str, ...]:
    """Say in how many rows a higher quantile is fitted below a lower one."""
    ordered = sorted(fits, key=lambda one: one.quantile)
    said = []
    for low, high in pairwise(ordered):
        gap = low.residuals - high.residuals  # fitted values of the higher less those of the lower
        crossed = int(np.count_nonzero(gap < -1e-9 * np.abs(design.y).max()))
        if crossed:
            said.append(
                f"quantiles cross: in {crossed:,} of {len(gap):,} rows the fitted quantile {high.quantile:g} lies "
                f"below that of {low.quantile:g}"
            )
    return tuple(said)
