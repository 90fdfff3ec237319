"""Stratified samples drawn again and again from one population of 5,000 firms: how often the intervals cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.designs.adoption_rates import Options, fit
from tests.estimation.rows import selection

__all__ = ["Covered", "coverage"]

SIZES = (3200, 1200, 450, 150)
SAMPLED = (160, 140, 120, 150)
USERS = (0.06, 0.12, 0.25, 0.5)


@dataclass(frozen=True)
class Covered:
    """A share over many samples.

    Attributes
    ----------
    term : str
    share_covered : float
        Of the samples' 95 per cent intervals.
    spread, mean_error : float
        The standard deviation of the estimates, and the mean standard error.
    """

    term: str
    share_covered: float
    spread: float
    mean_error: float


def coverage(draws: int, seed: int) -> list[Covered]:
    """Draw samples by stratum without replacement; the largest stratum is sampled completely."""
    rng = np.random.default_rng(seed)
    stratum = np.repeat(np.arange(4), SIZES)
    uses = rng.random(stratum.size) < np.array(USERS)[stratum]
    # Two kinds of firm that cut across the strata.
    kind = rng.random(stratum.size) < 0.4
    uses |= kind & (rng.random(stratum.size) < 0.1)
    truth = {"ai": uses.mean(), "ai[kind=0]": uses[~kind].mean(), "ai[kind=1]": uses[kind].mean()}
    options = Options(items=("ai",), by=(("kind",),), weights="weight", strata="stratum", population="size")
    found: dict[str, list[tuple[float, float, bool]]] = {term: [] for term in truth}
    members = [np.flatnonzero(stratum == h) for h in range(4)]
    for _ in range(draws):
        drawn = np.concatenate([rng.choice(members[h], SAMPLED[h], replace=False) for h in range(4)])
        h = stratum[drawn]
        rows = selection({
            "yes(ai)": uses[drawn].astype(float), "asked(ai)": np.ones(drawn.size), "kind": kind[drawn].astype(float),
            "weight": (np.array(SIZES) / np.array(SAMPLED))[h], "stratum": h.astype(float),
            "size": np.array(SIZES, dtype=float)[h],
        })  # fmt: skip
        result = fit("use", options, rows, None)
        for k, term in enumerate(result.terms):
            inside = result.conf_low[k] <= truth[term] <= result.conf_high[k]
            found[term].append((float(result.coefficients[k]), float(result.std_errors[k]), bool(inside)))
    return [
        Covered(
            term, float(np.mean([one[2] for one in of])), float(np.std([one[0] for one in of], ddof=1)),
            float(np.mean([one[1] for one in of])),
        )
        for term, of in found.items()
    ]  # fmt: skip
