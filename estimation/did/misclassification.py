r"""What answers that are taken back say of mistakes in the answers, and of the effect under them.

Asked twice, a firm says no or yes; if nobody stops, yes then no (yn) holds a mistake. Let a firm that does not use say
yes with probability a0, one that uses no with a1, in both waves, by chance and whatever its outcome. With P the shares
of the four pairs of answers and l the share that truly begins between the waves, no true yn means

    a1 = A / (A - B),   A = (1 - a0) P_yn - a0 P_nn,   B = a0 P_ny - (1 - a0) P_yy,   0 <= a0 <= P_yn / (P_yn + P_nn)

(the matrix of mistakes inverted, its entry for yn set to zero): one of the two rates is free, from all mistakes being
a no of users to all being a yes of others. In each case P_ny - P_yn = l (1 - a0 - a1), and if trends are those of firms
that do not begin, users before the first wave among them, firms that say no, then yes, beside those that say no twice
differ by the effect on firms that truly begin times

    lambda = P(begins | ny) - P(begins | nn) = l (1 - a0) ((1 - a1) / P_ny - a1 / P_nn)

(Aigner, 1973, Journal of Econometrics 1; Lewbel, 2007, Econometrica 75, on a treatment that is told wrongly).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

__all__ = ["Answers", "Mistakes", "mistakes_of", "told_of_mistakes"]

STEPS, ROUNDING = 401, 1e-7


@dataclass(frozen=True, slots=True)
class Answers:
    """Firms that were asked in both of two waves, by what they said.

    Attributes
    ----------
    no_no, no_yes, yes_no, yes_yes : int
    kept : bool
        Whether those that say yes, then no count among the controls (``reversals: keep``).
    """

    no_no: int
    no_yes: int
    yes_no: int
    yes_yes: int
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What is possible if nobody stops.

    Attributes
    ----------
    false_yes, false_no : float
        The largest a0 and a1.
    lowest, highest : float
        Of lambda; not above zero where the answers leave no bound.
    """

    false_yes: float
    false_no: float
    lowest: float
    highest: float


def mistakes_of(answers: Answers) -> Mistakes | None:
    """Return what the answers allow; None where nobody takes a yes back.

    Parameters
    ----------
    answers : Answers
        With firms that say no twice, and firms that say no, then yes.
    """
    total = answers.no_no + answers.no_yes + answers.yes_no + answers.yes_yes
    if not answers.yes_no:
        return None
    nn, ny, yn, yy = (
        one / total for one in (answers.no_no, answers.no_yes, answers.yes_no, answers.yes_yes)
    )  # fmt: skip
    # Along the line by either rate: where there are few users before, one of the two says little of the other.
    by_yes, by_no = np.linspace(0.0, yn / (yn + nn), STEPS), np.linspace(0.0, yn / (yn + yy), STEPS)
    one, other = (1 - by_yes) * yn - by_yes * nn, by_yes * ny - (1 - by_yes) * yy
    apart = (1 - by_no) * (yn + nn) - by_no * (ny + yy)
    a0 = np.concatenate([by_yes[:-1], (1 - by_no) * yn - by_no * yy])
    a1 = np.concatenate([one[:-1], by_no])
    below = np.concatenate([(one - other)[:-1], apart])
    solved = below > 0
    a0[STEPS - 1 :] /= np.where(solved, below, 1.0)[STEPS - 1 :]
    a1[: STEPS - 1] /= np.where(solved, below, 1.0)[: STEPS - 1]
    # Nor can there be fewer than no users, or than no firms that never use.
    users = a0**2 * nn - a0 * (1 - a0) * (ny + yn) + (1 - a0) ** 2 * yy
    never = (1 - a1) ** 2 * nn - a1 * (1 - a1) * (ny + yn) + a1**2 * yy
    inside = (a0 >= 0) & (a1 >= 0) & (a0 + a1 < 1)
    possible = solved & inside & (users >= -ROUNDING) & (never >= -ROUNDING)
    begins = (ny - yn) / np.where(possible, 1 - a0 - a1, 1.0)
    beside = (1 - a0) * a1 + (a0 * a1 if answers.kept else 0.0)
    factor = begins * ((1 - a0) * (1 - a1) / ny - beside / (nn + (yn if answers.kept else 0.0)))
    if not possible.any():
        return Mistakes(float(by_yes[-1]), float(by_no[-1]), 0.0, 0.0)
    rates, factor = (a0[possible], a1[possible]), factor[possible]
    return Mistakes(float(rates[0].max()), float(rates[1].max()), float(factor.min()), float(factor.max()))


def told_of_mistakes(
    answers: Answers, estimate: float, conf_low: float, conf_high: float
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the record of `sensitivity.misclassification` and what is said of it.

    Parameters
    ----------
    answers : Answers
    estimate, conf_low, conf_high : float
        Of ``att[simple]``; lambda is taken as given.
    """
    counts = (answers.no_no, answers.no_yes, answers.yes_no, answers.yes_yes)
    # That nobody answered in one of the four ways tells of nobody.
    record: dict[str, Any] = {"n_firms": min(one for one in counts if one), **asdict(answers)}
    del record["kept"]
    found = mistakes_of(answers)
    if found is None:
        return record, ("misclassification: no firm says yes, then no: no answer has to be a mistake",)
    record |= {
        "false_yes_at_most": found.false_yes, "false_no_at_most": found.false_no,
        "attenuation_low": found.lowest, "attenuation_high": found.highest,
    }  # fmt: skip
    firms = f"{answers.yes_no:,} firm{'s' if answers.yes_no != 1 else ''}"
    begun = f"misclassification: if nobody stops, a yes that {firms} took back later, or the no after it, was a mistake"
    if found.lowest <= 0:
        record |= dict.fromkeys(("effect_low", "effect_high", "conf_low", "conf_high"))
        return record, (
            f"{begun}; as often as that a first yes can be one too, so that the answers set no bound to the effect",
        )
    factors = (found.lowest, found.highest)
    effects = sorted(estimate / one for one in factors)
    low, high = min(conf_low / one for one in factors), max(conf_high / one for one in factors)
    record |= {"effect_low": effects[0], "effect_high": effects[1], "conf_low": low, "conf_high": high}
    return record, (
        f"{begun}: up to {100 * found.false_yes:.2g} % of those that do not use say yes, or up to "
        f"{100 * found.false_no:.2g} % of users no; on firms that truly began the effect is then {effects[0]:.4g} to "
        f"{effects[1]:.4g} (95 % interval {low:.4g} to {high:.4g}), mistakes being made by chance and as often in both "
        "waves",
    )
