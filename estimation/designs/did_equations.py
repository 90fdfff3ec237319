"""What a difference-in-differences estimates, in symbols, as `explain` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from specs.adoption import Adoption

__all__ = ["Asked", "equations_of"]

PLAIN = ("callaway_santanna", "imputation")
"""Estimators without a small-sample factor, whose reference is the normal."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The keys that equations show, by their names in a spec.

    Attributes
    ----------
    outcome : str
    adoption : Adoption
    estimators : tuple of str
    adjustment, control_group, base_period : str
    anticipation : int
    covariates : tuple of str
    effects : tuple of str
        As written: ``nace^year``.
    weights : str or None
    clusters : str
    first_stage : bool
        Whether the first stage is carried over where there is one.
    attrition : tuple of str
        What the probability of being kept rests on; empty for no weights of this kind.
    split : str
        The column whose groups are estimated apart; empty for none.
    cross_sections : bool
        Whether rows are compared, not changes of firms.
    balance_event : int or None
        The last event time of a balanced average.
    """

    outcome: str
    adoption: Adoption
    estimators: tuple[str, ...]
    adjustment: str
    control_group: str
    base_period: str
    anticipation: int
    covariates: tuple[str, ...]
    effects: tuple[str, ...]
    weights: str | None
    clusters: str
    first_stage: bool
    attrition: tuple[str, ...] = ()
    split: str = ""
    cross_sections: bool = False
    balance_event: int | None = None

    @property
    def gap(self) -> int:
        """Years before g in which adoption can lie, where it is only known to lie between waves."""
        waves, base = self.adoption.waves, self.adoption.base_year
        if not self.adoption.censored:
            return 0
        # As `estimation.did.adoption` counts it; waves that are not equally far apart are refused there.
        return waves[1] - waves[0] - (0 if base is None else base - (waves[0] - 1))

    @property
    def early(self) -> int:
        """Years before g in which effects can begin."""
        return self.anticipation + self.gap

    @property
    def control(self) -> str:
        """Who stands beside a cohort."""
        if self.control_group == "never_treated":
            return "never treated"
        return f"not treated by t + {self.early}" if self.early else "not treated by t"


def equations_of(asked: Asked) -> str:
    """Return the equations, a line each: when treatment begins, the estimators, the errors."""
    lines = [*_dates(asked)]
    for name in asked.estimators:
        lines += _estimator(asked, name)
    if asked.weights is not None:
        lines.append(f"firms weigh {asked.weights}")
    if asked.balance_event is not None:
        lines.append(f"event[k], k up to {asked.balance_event}: of the cohorts that have each k from 0 to there")
    if asked.attrition:
        lines.append(
            f"kept firms weigh 1/p, p the logit of being kept on {', '.join(asked.attrition)} in the base year"
        )
    lines += _errors(asked)
    if asked.split:
        lines.append(f"the same on the firms of each {asked.split} of the base year")
    return "\n".join(lines)


def _dates(asked: Asked) -> Iterator[str]:
    adoption = asked.adoption
    if not adoption.censored:
        return
    several = len(adoption.waves) > 2
    wave = "the wave of the first yes" if several else f"{adoption.waves[-1]}, the wave of the first yes"
    years = _years("g", asked.gap, adoption.waves[-1] if not several else None)
    base = "" if several else f"; the base year g - {asked.early + 1} is {adoption.waves[-1] - asked.early - 1}"
    yield f"g = {wave}; adoption lies after the base year, {years} are unsure and left out{base}"


def _years(of: str, gap: int, last: int | None) -> str:
    """Return the unsure years: g - 2 and g - 1."""
    first = f"{of} - {gap}" if gap > 1 else f"{of} - 1"
    span = first if gap == 1 else f"{first} to {of} - 1"
    if last is None:
        return f"years {span}"
    return f"years {span} ({last - 1})" if gap == 1 else f"years {span} ({last - gap} to {last - 1})"


def _base(asked: Asked) -> str:
    return f"g - {1 + asked.early}"


def _estimator(asked: Asked, name: str) -> Iterator[str]:
    y, years = asked.outcome, _effects(asked)
    beside = "".join(f" + {one}(base) c(year)" for one in asked.covariates)
    others = f"k other than {-1 - asked.early}"
    if name == "callaway_santanna":
        given = (
            f", {asked.adjustment} given {', '.join(asked.covariates)} in the base period" if asked.covariates else ""
        )
        yield f"att[g,t] = E[{y}(t) - {y}({_base(asked)}) | cohort g] - E[the same | {asked.control}]{given}"
        if asked.base_period == "varying":
            yield f"before the base period, {_base(asked)}, each year against the one before it"
        if asked.cross_sections:
            yield "each mean is of the firms that are seen in its year: repeated cross-sections"
        yield "averages weigh cohorts by their firms; their influence functions count that"
    elif name == "imputation":
        yield f"{y}_it = a(firm) + {years}{beside} + e_it on untreated rows; effects are averages of {y} less that fit"
    elif name == "twfe":
        treated = f"1[t >= g - {asked.early}]" if asked.early else "1[t >= g]"
        yield f"{y}_it = b {treated} + a(firm) + {years}{beside} + e_it"
    elif name == "event_study":
        yield f"{y}_it = sum of b_k 1[t - g = k] + a(firm) + {years}{beside} + e_it, {others}"
    elif name == "stacked":
        stacks, own = years.replace(")", ", stack)"), beside.replace("c(year)", "c(year, stack)")
        yield (
            f"{y}_it = sum of b_k 1[t - g = k] + a(firm, stack) + {stacks}{own} + e_it, {others}; a stack is a cohort "
            f"g and firms {asked.control}"
        )
    else:
        yield (
            f"{y}_it = sum of b_gk 1[cohort g, t - g = k] + a(firm) + {years}{beside} + e_it, {others}; "
            "event[k] = mean of b_gk by the cohorts' rows"
        )
    if beside and name != "callaway_santanna":
        yield "x(base) is that of the last year before the effects of any cohort can begin"


def _effects(asked: Asked) -> str:
    """Return the effects beside those of firms: of years, or those that are written in their place."""
    if not asked.effects:
        return "a(year)"
    return " + ".join(f"a({', '.join(one.split('^'))})" for one in asked.effects)


def _errors(asked: Asked) -> Iterator[str]:
    yield f"V = c sum over clusters of s_j s_j', s_j the sum of psi_i by {asked.clusters}; {_factor(asked.estimators)}"
    if asked.first_stage:
        yield "psi_i gains T(dw/dtheta) psi_theta,i where the spec estimated the outcome"


def _factor(estimators: Sequence[str]) -> str:
    """Return the small-sample factor and the reference distribution of each estimator."""
    plain = [one for one in estimators if one in PLAIN]
    others = [one for one in estimators if one not in PLAIN]
    told = []
    if plain:
        told.append("c = 1 and the normal" + (f" ({', '.join(plain)})" if others else ""))
    if others:
        told.append("c = G/(G-1) x (N-1)/(N-K) and t(G-1)" + (f" ({', '.join(others)})" if plain else ""))
    return "; ".join(told)
