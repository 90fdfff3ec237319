"""Coverage of the estimators in two stages where each is valid, in a seeded simulation.

``python -m tests.estimation.two_stage_coverage`` writes the recorded study to tests/reference: 200 panels of 1,000
firms for each estimator, the interval of the influence functions in each, and the percentile interval of 199 draws of
firms from its resampler.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from estimation.productivity import ackerberg_caves_frazer, levinsohn_petrin, olley_pakes
from estimation.results import FloatArray
from panels.frame import Selection
from tests.estimation.firms import simulate
from tests.estimation.two_stage_firms import BK, BL, between, leaving

RECORD = Path(__file__).parents[1] / "reference" / "two_stage_coverage.json"
PANELS, FIRMS, DRAWS = 200, 1000, 199
TRUTH = np.array([BL, BK])
TERMS = ("l", "k")
OFFER = olley_pakes.SurvivalKeys(on=("z",), degree=1)
Make = Callable[[int, int], Selection]
VALID: dict[str, tuple[Make, Any, dict[str, Any]]] = {
    # Wages of the firm's own move labour and not materials: the first stage identifies bl.
    "levinsohn_petrin": (simulate, levinsohn_petrin, {"degree": 1}),
    "ackerberg_caves_frazer": (between, ackerberg_caves_frazer, {"degree": 1}),
    "olley_pakes with survival": (leaving, olley_pakes, {"degree": 1, "proxy": "i", "survival": OFFER}),
}


@dataclass(frozen=True)
class Coverage:
    """What the panels of one estimator gave for one term.

    `spread` is the standard deviation of the estimates, `error` the mean standard error; the shares are those of
    intervals that hold the truth: of the influence functions, and between percentiles of the draws. `lost` is the
    share of draws without an estimate.
    """

    estimator: str
    term: str
    panels: int
    mean: float
    spread: float
    error: float
    share: float
    percentile_share: float
    lost: float


def study(case: str, panels: int, firms: int, draws: int) -> tuple[Coverage, ...]:
    """Run the simulation: seeds 0, 1, 2 and so on, those of the draws 10,000 higher."""
    make, method, changes = VALID[case]
    options = method.Options(**({"output": "y", "free": ("l",), "state": ("k",), "proxy": "m"} | changes))
    estimates, errors, held, lost = [], [], [], []
    for seed in range(panels):
        rows = make(firms, seed)
        use = np.ones(rows.n_panel, dtype=bool)
        fit = method.fit("tfp", options, rows, use)
        estimates.append(fit.groups[0].coefficients)
        errors.append(fit.groups[0].inference.std_errors)
        n = int(rows.firm.max()) + 1
        rng = np.random.default_rng(seed + 10_000)
        counts = rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(float)
        with threadpool_limits(1):  # as a run does
            (drawn,) = method.resampler(options, rows, use, fit).draw(counts)
        low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
        held.append((low < TRUTH) & (high > TRUTH))
        lost.append(np.isnan(drawn).any(axis=1).mean())
    return _coverage(case, np.array(estimates), np.array(errors), np.array(held), float(np.mean(lost)))


def _coverage(
    case: str, estimates: FloatArray, errors: FloatArray, held: np.ndarray, lost: float
) -> tuple[Coverage, ...]:
    inside = np.abs(estimates - TRUTH) < 1.96 * errors
    return tuple(
        Coverage(
            estimator=case,
            term=term,
            panels=len(estimates),
            mean=round(float(estimates[:, at].mean()), 5),
            spread=round(float(estimates[:, at].std(ddof=1)), 5),
            error=round(float(errors[:, at].mean()), 5),
            share=float(inside[:, at].mean()),
            percentile_share=float(held[:, at].mean()),
            lost=round(lost, 5),
        )
        for at, term in enumerate(TERMS)
    )


def main() -> None:
    """Write the recorded study."""
    found = [one for case in VALID for one in study(case, PANELS, FIRMS, DRAWS)]
    record = {
        "source": "python -m tests.estimation.two_stage_coverage",
        "firms": FIRMS,
        "draws": DRAWS,
        "truth": {"l": BL, "k": BK},
        "coverage": [asdict(one) for one in found],
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
