"""Coverage of the decomposition's intervals in a seeded simulation: closed form and bootstrap.

Two designs whose terms are known exactly. In the first productivity is data: log size is normal, productivity is
linear in it, and entrants and exiters have sizes and levels of their own, so that aggregates of lognormal weights have
a closed form. In the second it is estimated by Wooldridge in the process of `tests.estimation.coverage`, the activity
is exp(k/2), and its covariance with productivity follows from the process' moments. ``python -m
tests.estimation.decomposition_coverage`` writes the recorded study of 200 panels to tests/reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from estimation.bootstrap import blocks
from estimation.chain import FirstStageDraws, bootstrap_design
from estimation.designs import decomposition
from estimation.productivity import wooldridge
from estimation.results import FloatArray, ProductivityFit
from panels.frame import NumberColumn, Selection
from tests.estimation.coverage import BURN_IN, YEARS, firms
from tests.estimation.rows import selection

SEED = 2015
RECORD = Path(__file__).parents[1] / "reference" / "decomposition_coverage.json"
PANELS, DRAWS, FIRMS = 200, 199, 1000
SETTINGS = ("productivity known", "productivity estimated")

# The first design: survivors, entrants, exiters; log size N(mean, 0.6^2), which grows by N(0, 0.3^2).
SHARES, SIZES, SPREAD, GROWTH = (0.7, 0.15, 0.15), (0.0, -0.4, -0.3), 0.6, 0.3
SLOPE, DRIFT, ENTRANTS, EXITERS, NOISE = (0.2, 0.3), 0.1, 0.15, -0.1, 0.4
# The second: what the log of the activity is of capital.
OF_CAPITAL = 0.5


@dataclass(frozen=True)
class Coverage:
    """Shares of 95 per cent intervals that hold the truth, and mean standard errors beside the true spread."""

    setting: str
    term: str
    panels: int
    truth: float
    mean: float
    spread: float
    closed_error: float
    bootstrap_error: float
    closed_share: float
    percentile_share: float
    studentised_share: float


def known(random: np.random.Generator, n: int) -> tuple[Selection, dict[str, float]]:
    """The first design: a panel of two years, and the truth of both methods' terms."""
    kind = random.choice(3, n, p=SHARES)
    size = np.array(SIZES)[kind] + random.normal(0, SPREAD, n)
    later = size + np.where(kind == 0, random.normal(0, GROWTH, n), 0.0)
    first = SLOPE[0] * size + EXITERS * (kind == 2) + random.normal(0, NOISE, n)
    last = SLOPE[1] * later + DRIFT + ENTRANTS * (kind == 1) + random.normal(0, NOISE, n)
    firm = np.concatenate([np.flatnonzero(kind != 1), np.flatnonzero(kind != 2)])
    year = np.repeat([2017, 2023], [int((kind != 1).sum()), int((kind != 2).sum())])
    order = np.lexsort((year, firm))
    firm, year = firm[order], year[order]
    tfp = np.where(year == 2017, first[firm], last[firm])
    activity = np.exp(np.where(year == 2017, size[firm], later[firm]))
    rows = selection({"tfp": tfp, "people": activity}, firm.tolist(), year.tolist())
    return rows, truth_of_known()


def truth_of_known() -> dict[str, float]:
    """Lognormal weights: E[exp(s) s] / E[exp(s)] is the mean of s plus its variance."""
    own, grown = SPREAD**2, SPREAD**2 + GROWTH**2
    stay = [SLOPE[0] * (SIZES[0] + own), SLOPE[1] * (SIZES[0] + grown) + DRIFT]
    leave, enter = SLOPE[0] * (SIZES[2] + own) + EXITERS, SLOPE[1] * (SIZES[1] + own) + DRIFT + ENTRANTS
    mass = [np.exp(SIZES[0] + own / 2) * SHARES[0], np.exp(SIZES[0] + grown / 2) * SHARES[0]]
    gone, new = np.exp(SIZES[2] + own / 2) * SHARES[2], np.exp(SIZES[1] + own / 2) * SHARES[1]
    within = SLOPE[1] * SIZES[0] + DRIFT - SLOPE[0] * SIZES[0]
    between = stay[1] - stay[0] - within
    entry, exit_ = new / (new + mass[1]) * (enter - stay[1]), gone / (gone + mass[0]) * (stay[0] - leave)
    return {
        "change": within + between + entry + exit_,
        "within": within,
        "between": between,
        "entry": entry,
        "exit": exit_,
    }


def estimated(random: np.random.Generator, n: int) -> tuple[Selection, dict[str, float], ProductivityFit, object]:
    """The second design: every year of a tenth of the firms is cut short at either end, at random."""
    panel = firms(random, separately=False, n=n)
    people = NumberColumn(np.exp(OF_CAPITAL * panel.number("ln_k")))
    panel = replace(panel, columns={**panel.columns, "people": people})
    part = random.random(n)[panel.firm]
    gone = ((part < 0.1) & (panel.year == panel.year.min())) | ((part > 0.9) & (panel.year == panel.year.max()))
    panel = panel.take(~gone)
    panel = replace(panel, rows=np.arange(panel.firm.size), n_panel=panel.firm.size)
    options = wooldridge.Options(output="ln_va", free=("ln_l",), state=("ln_k",), proxy="ln_m", degree=2)
    use = np.ones(panel.n_panel, dtype=bool)
    fit = wooldridge.fit("tfp", options, panel, use)
    rows = replace(panel, columns={**panel.columns, "tfp": NumberColumn(fit.values)})
    return rows, truth_of_estimated(), fit, wooldridge.resampler(options, panel, use, fit)


def truth_of_estimated() -> dict[str, float]:
    """The moments of the process, year by year from its start: E[exp(c k) w] / E[exp(c k)] is c cov(k, w)."""
    variance, covariance, found = 0.3**2, 0.0, []
    for _ in range(BURN_IN + YEARS):
        covariance = 0.7 * (0.7 * covariance + 0.15 * variance)
        variance = 0.7**2 * variance + 0.2**2
        found.append(OF_CAPITAL * covariance)
    return {
        "aggregate[2023]": found[-1],
        "change": found[-1] - found[BURN_IN],
        "within": 0.0,
        "between": found[-1] - found[BURN_IN],
        "entry": 0.0,
        "exit": 0.0,
    }


def study(panels: int, draws: int, n: int = FIRMS, settings: tuple[str, ...] = SETTINGS) -> tuple[Coverage, ...]:
    """Run the simulation: the same seeds, in the same order, whatever the number of panels."""
    return tuple(one for setting in settings for one in _setting(setting, panels, draws, n))


def _setting(setting: str, panels: int, draws: int, n: int) -> tuple[Coverage, ...]:
    asked = decomposition.Options(outcome="tfp", weights="people", method="melitz_polanec")
    truth: Mapping[str, float] = {}
    estimates, closed, drawn, inside = [], [], [], []
    for number, seed in enumerate(np.random.SeedSequence(SEED).spawn(panels)):
        random = np.random.default_rng(seed)
        first: FirstStageDraws | None = None
        fit: ProductivityFit | None = None
        if setting == SETTINGS[0]:
            rows, truth = known(random, n)
        else:
            rows, truth, fit, resampler = estimated(random, n)
            first = FirstStageDraws(fit, resampler)  # type: ignore[arg-type]
        found = decomposition.fit("m", asked, rows, fit)
        at = [found.terms.index(term) for term in truth]
        design = decomposition.resampler(asked, rows, fit)
        summary = bootstrap_design(design, blocks(number, np.arange(n), n), draws, first)
        value = np.array(list(truth.values()))
        estimates.append(found.coefficients[at])
        closed.append(found.std_errors[at])
        drawn.append(summary.std_errors[at])
        intervals = (np.column_stack([found.conf_low, found.conf_high]), summary.percentile, summary.studentised)
        inside.append([(one[at, 0] <= value) & (value <= one[at, 1]) for one in intervals])
    return tuple(
        Coverage(setting, term, panels, *(round(float(one), 6) for one in numbers), *(float(one) for one in shares))
        for term, numbers, shares in zip(
            truth,
            zip(
                truth.values(),
                np.mean(estimates, axis=0),
                _spread(estimates),
                np.mean(closed, axis=0),
                np.mean(drawn, axis=0),
                strict=True,
            ),
            np.mean(inside, axis=0).T,
            strict=True,
        )
    )


def _spread(estimates: list[FloatArray]) -> FloatArray:
    return np.asarray(np.std(estimates, axis=0, ddof=1), dtype=np.float64)


def main() -> None:
    """Write the recorded study."""
    record = {
        "source": "python -m tests.estimation.decomposition_coverage",
        "seed": SEED,
        "firms": FIRMS,
        "draws": DRAWS,
        "coverage": [asdict(one) for one in study(PANELS, DRAWS)],
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
