"""How large selection on what is not seen would have to be to explain an estimate away.

References
----------
Oster, E. (2019). Unobservable selection and coefficient stability: theory and evidence. Journal of Business & Economic
Statistics 37(2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from estimation.comparing.labels import label_of
from estimation.results import Estimates, FloatArray
from specs.comparing import OsterSpec
from specs.errors import EstimationError, did_you_mean

__all__ = ["Moments", "Unseen", "moments_of", "oster", "selection_on_unobservables"]

NOTHING = 1e-10


@dataclass(frozen=True, slots=True)
class Moments:
    """What Oster's formulas are made of.

    Attributes
    ----------
    beta_base, r2_base : float
        Without controls (but those that are always in).
    beta, r2 : float
        With them.
    variance_y : float
        Of the outcome.
    variance_x : float
        Of the regressor given what is always in.
    variance_rest : float
        Of the regressor given all controls.
    """

    beta_base: float
    r2_base: float
    beta: float
    r2: float
    variance_y: float
    variance_x: float
    variance_rest: float


@dataclass(frozen=True, slots=True)
class Unseen:
    """What selection on what is not seen would do.

    Attributes
    ----------
    delta : float or None
        Selection on what is not seen, relative to that on the controls, at which the coefficient is zero.
    beta_star : float
        The coefficient at delta = 1.
    beta_star_other : float or None
        The other root, on which the controls would turn the sign of the bias.
    """

    delta: float | None
    beta_star: float
    beta_star_other: float | None


def selection_on_unobservables(of: Moments, r2_max: float, target: float = 0.0) -> Unseen:
    """Solve Oster's equations.

    Parameters
    ----------
    of : Moments
    r2_max : float
        Above the R2 with controls.
    target : float
        The coefficient that delta explains.

    Notes
    -----
    Proposition 1 (delta = 1): the bias v = beta - beta* solves -t D s v^2 + theta v + m D s = 0 with D = beta_base -
    beta, s and t the variances of the regressor given nothing and given the controls, m = (R2max - R2) var(y) and theta
    = m (s - t) - (R2 - R2base) var(y) t - s t D^2. The product of the roots is -m / t: one of them has the sign of D,
    and is taken (assumption 3: the controls do not turn the sign of the bias). Proposition 3 is solved for delta.
    """
    s, t, apart = of.variance_x, of.variance_rest, of.beta_base - of.beta
    gained, room = (of.r2 - of.r2_base) * of.variance_y, (r2_max - of.r2) * of.variance_y
    theta = room * (s - t) - gained * t - s * t * apart**2
    if apart == 0:
        star, other = of.beta, None
    else:
        a, c = -t * apart * s, room * apart * s
        root = np.sqrt(theta**2 - 4 * a * c)
        # The larger in size first: no cancellation. The other follows from their product.
        large = (-theta - np.copysign(root, theta)) / (2 * a)
        small = c / (a * large)
        right, wrong = (large, small) if (large > 0) == (apart > 0) else (small, large)
        star, other = float(of.beta - right), float(of.beta - wrong)
    v = of.beta - target
    above = v * gained * t + v * s * t * apart**2 + 2 * v**2 * t * apart * s + v**3 * (t * s - t**2)
    below = room * apart * s + v * room * (s - t) + v**2 * t * apart * s + v**3 * (t * s - t**2)
    return Unseen(float(above / below) if below != 0 else None, star, other)


def moments_of(
    x: FloatArray, y: FloatArray, weights: FloatArray, places: tuple[int, Sequence[int]], *, constant: int | None
) -> Moments:
    """Compute what the formulas are made of.

    Parameters
    ----------
    x : (n, k) array
        All columns of the regression with controls.
    y : (n,) array
    weights : (n,) array
    places : (int, sequence of int)
        The regressor, and the columns that are always in, the constant among them.
    constant : int or None
        R2 compares with the mean where there is one, else with zero.
    """
    root = np.sqrt(weights)
    wx, wy = x * root[:, None], y * root
    term, always = places
    others = [place for place in range(x.shape[1]) if place != term]

    def left(column: FloatArray, beside: Sequence[int]) -> FloatArray:
        if not beside:
            return column
        q = np.linalg.qr(wx[:, list(beside)])[0]
        rest: FloatArray = column - q @ (q.T @ column)
        return rest - q @ (q.T @ rest)

    def slope(beside: Sequence[int]) -> tuple[float, float, float]:
        regressor, outcome = left(wx[:, term], beside), left(wy, beside)
        spread = float(regressor @ regressor)
        b = float(regressor @ outcome) / spread
        rest = outcome - b * regressor
        return b, float(rest @ rest), spread

    about = left(wy, [] if constant is None else [constant])
    total, mass = float(about @ about), float(weights.sum())
    base, unexplained_base, spread_base = slope(always)
    beta, unexplained, spread = slope(others)
    return Moments(
        base,
        1 - unexplained_base / total,
        beta,
        1 - unexplained / total,
        total / mass,
        spread_base / mass,
        spread / mass,
    )


def oster(asked: OsterSpec, estimates: Estimates) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Answer what a spec asks.

    Parameters
    ----------
    asked : OsterSpec
    estimates : Estimates
        The regression with all controls, with its `workings`.

    Returns
    -------
    found : dict
        As it stands in ``run.json``.
    notes : tuple of str
        What the reader must know.

    Raises
    ------
    EstimationError
        If the term is not in the model.
    """
    made = estimates.workings
    if made is None:
        raise EstimationError("sensitivity.oster: the bounds are of least squares")
    if estimates.stats.get("r2") is None:
        raise EstimationError("sensitivity.oster: the outcome does not vary, or nothing is known of its fit")
    if asked.term not in estimates.terms:
        hint = did_you_mean(asked.term, estimates.terms) or f"there are: {', '.join(estimates.terms)}"
        raise EstimationError(f'sensitivity.oster.term: no term "{asked.term}" in this model, {hint}')
    term = estimates.terms.index(asked.term)
    constant = estimates.terms.index("constant") if "constant" in estimates.terms else None
    always = [place for place, one in enumerate(estimates.terms)
              if place == constant or label_of(one) in asked.always]  # fmt: skip
    if len(always) + 1 == len(estimates.terms):
        raise EstimationError("sensitivity.oster: there are no controls beside the term and what is always in")
    found = moments_of(made.x, made.y, made.weights, (term, always), constant=constant)
    r2_max = min(1.0, asked.r_max * found.r2)
    shown: dict[str, Any] = {
        "term": asked.term, "always": list(asked.always), "r_max": asked.r_max, "r2_max": r2_max,
        **{key: value for key, value in asdict(found).items() if not key.startswith("variance")},
        "within": bool(estimates.effects), "delta": None, "beta_star": None, "beta_star_other": None,
        "low": None, "high": None, "excludes_zero": None, "n_firms": int(estimates.n_firms_term[term]), "reason": None,
    }  # fmt: skip
    if not r2_max - found.r2 > NOTHING or not found.variance_rest > 0:
        shown["reason"] = "the controls explain everything: there is no room for what is not seen"
        return shown, (f"sensitivity of {asked.term} to what is not seen: {shown['reason']}",)
    answer = selection_on_unobservables(found, r2_max)
    low, high = sorted((found.beta, answer.beta_star))
    shown |= {
        "delta": answer.delta, "beta_star": answer.beta_star, "beta_star_other": answer.beta_star_other,
        "low": low, "high": high, "excludes_zero": bool(low > 0 or high < 0),
    }  # fmt: skip
    return shown, ()
