r"""What the coefficient of two-way fixed effects is made of: every comparison of two groups (Goodman-Bacon, 2021).

On a balanced panel, with n_k the share of the firms that begin together in group k and D_k the share of years in which
they are treated (k before l, D_k > D_l; D = 0 never, D = 1 always), TWFE is the weighted mean over pairs of

    k treated, l not yet:     years before l begins               weight  n_k n_l (D_k - D_l)(1 - D_k)
    l treated, k already:     years from k's beginning on         weight  n_k n_l (D_k - D_l) D_l

each a difference of mean changes, the weights divided by their sum (his equation 10, the group sizes multiplied out).
The second kind takes firms for controls that are treated themselves: where their effects still grow, it is biased.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from estimation.did.firms import NEVER, DidFirms
from estimation.results import BoolArray, FloatArray
from specs.errors import EstimationError

__all__ = ["ALWAYS", "Bacon", "Comparison", "decompose"]

ALWAYS = -np.inf
"""The group of firms that are treated in every year."""
BEFORE_NEVER, BEFORE_LATER = "treated vs never treated", "earlier vs later treated"
AFTER_EARLIER, AFTER_ALWAYS = "later vs earlier treated", "later vs always treated"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One group beside another.

    Attributes
    ----------
    treated, control : float
        The first year of each that is seen and treated; `NEVER`, `ALWAYS`.
    kind : str
    estimate : float
        The difference of their mean changes.
    weight : float
        Weights sum to one.
    n_treated, n_control : int
        Firms of either group.
    """

    treated: float
    control: float
    kind: str
    estimate: float
    weight: float
    n_treated: int = 0
    n_control: int = 0


@dataclass(frozen=True, slots=True)
class Bacon:
    """The comparisons behind TWFE.

    Attributes
    ----------
    comparisons : tuple of Comparison
        By the treated group, then the control.
    n_firms : int
        Seen in every year.
    n_left_out : int
        Firms that are not.
    """

    comparisons: tuple[Comparison, ...]
    n_firms: int
    n_left_out: int

    @property
    def estimate(self) -> float:
        """Return the weighted sum: TWFE on these firms."""
        return sum(one.weight * one.estimate for one in self.comparisons)

    @property
    def treated_controls(self) -> float:
        """Return the share of the weight on comparisons whose controls are treated already."""
        return sum(one.weight for one in self.comparisons if one.kind in (AFTER_EARLIER, AFTER_ALWAYS))


def decompose(firms: DidFirms, anticipation: int = 0) -> Bacon:
    """Take TWFE, without covariates and with effects of firms and years, apart.

    Parameters
    ----------
    firms : DidFirms
        Firms that are not seen in every year are left out.
    anticipation : int
        Years before a cohort's from which it counts as treated.

    Raises
    ------
    EstimationError
        If no firm is seen in every year, or they have no group that begins beside another.
    """
    full = np.bincount(firms.firm, minlength=firms.n_firms) == firms.years.size
    if not full.any():
        raise EstimationError("no firm is seen in every year: the decomposition of twfe needs a balanced panel")
    y, mass = firms.wide(firms.y)[full], firms.mass()[full]
    begins = _group(firms.cohort[full] - anticipation, firms.years.astype(np.float64))
    groups = np.unique(begins)
    means = np.array([mass[begins == one] @ y[begins == one] / mass[begins == one].sum() for one in groups])
    counts = {float(one): int((begins == one).sum()) for one in groups}
    shares = np.array([mass[begins == one].sum() for one in groups]) / mass.sum()
    treated = firms.years >= groups[:, None]
    found = [
        (groups[mine], groups[other], change, shares[mine] * shares[other] * weight)
        for early, late in combinations(range(groups.size), 2)
        for mine, other, change, weight in _pair(early, late, treated, means)
    ]
    total = sum(weight for *_, weight in found)
    if not found:
        raise EstimationError("of the firms seen in every year none begins while another does not: nothing to compare")
    comparisons = [
        Comparison(
            _told(mine, anticipation),
            _told(other, anticipation),
            _kind(mine, other),
            change,
            weight / total,
            counts[float(mine)],
            counts[float(other)],
        )
        for mine, other, change, weight in found
    ]
    comparisons.sort(key=lambda one: (one.treated, one.control))
    return Bacon(tuple(comparisons), int(full.sum()), int((~full).sum()))


def _group(begins: FloatArray, years: FloatArray) -> FloatArray:
    """Return the first treated year that is seen, `NEVER` after the last and `ALWAYS` from the first on."""
    place = np.searchsorted(years, begins)
    seen = np.append(years, NEVER)[place]
    return np.where(place == 0, ALWAYS, seen)


def _pair(early: int, late: int, treated: BoolArray, means: FloatArray) -> Iterator[tuple[int, int, float, float]]:
    """Give the comparisons of two groups that have a year before and one after: treated, control, estimate, weight."""
    one, other = treated[early], treated[late]
    apart = float((one & ~other).mean())
    gap = means[early] - means[late]
    if (~one).any():
        yield early, late, float(gap[one & ~other].mean() - gap[~one].mean()), apart * float((~one).mean())
    if other.any():
        yield late, early, float(gap[one & ~other].mean() - gap[other].mean()), apart * float(other.mean())


def _kind(mine: float, other: float) -> str:
    if other == NEVER:
        return BEFORE_NEVER
    if other == ALWAYS:
        return AFTER_ALWAYS
    return BEFORE_LATER if mine < other else AFTER_EARLIER


def _told(begins: float, anticipation: int) -> float:
    return float(begins + anticipation)
