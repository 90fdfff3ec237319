"""Coverage of differences in differences on estimated TFP, in a seeded simulation.

Every draw makes a panel of firms, estimates TFP by Wooldridge, compares firms that begin to use AI with firms that do
not, and asks of the overall effect and of every event time whether the 95 per cent interval holds the truth, with and
without the first stage's share. ``python -m tests.estimation.did_coverage`` writes the recorded study of 2,000 draws to
tests/reference.

The technology is that of `tests.estimation.coverage`, which a polynomial of degree one spans. Firms that begin invest
from then on, so that their capital grows: an error in its elasticity goes straight into the effect. In the first design
AI does nothing; in the second it moves productivity from the year after on, through its Markov process, which the
estimate of productivity knows; in the third it does nothing and is asked for in two years alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from threadpoolctl import threadpool_limits

from estimation.designs import did
from estimation.did import answer
from estimation.productivity import wooldridge
from estimation.results import Estimates, FloatArray
from panels.frame import NumberColumn, Selection
from tests.estimation.rows import selection

SEED = 2021
RECORD = Path(__file__).parents[1] / "reference" / "did_coverage.json"
FIRMS, FIRST, LAST, BURN_IN = 1000, 2017, 2023, 12
BL, BK, MEMORY, GROWTH, EFFECT = 0.6, 0.4, 0.7, 0.8, 0.1
COHORTS = (2020, 2021, 2022)
DYNAMIC = ("callaway_santanna", "imputation", "sun_abraham")


@dataclass(frozen=True)
class Setting:
    """One design of the study.

    `effect` is what AI adds to productivity each year from the year after on; `waves` are the years in which firms are
    asked, empty for all.
    """

    name: str
    estimators: tuple[str, ...]
    effect: float = 0.0
    waves: tuple[int, ...] = ()


SETTINGS = (
    Setting("no effect", (*DYNAMIC, "stacked", "event_study", "twfe")),
    Setting("effect that builds up", DYNAMIC, effect=EFFECT),
    Setting("two waves", ("callaway_santanna",), waves=(2021, 2023)),
)


@dataclass(frozen=True)
class Coverage:
    """What the draws of one setting gave for one term of one estimator.

    `mean` and `truth` are of the estimates, `spread` is their standard deviation; `*_error` the mean standard error and
    `*_share` the share of intervals that hold the truth, without (naive) and with the first stage's part.
    """

    setting: str
    estimator: str
    term: str
    draws: int
    truth: float
    mean: float
    spread: float
    naive_error: float
    corrected_error: float
    naive_share: float
    corrected_share: float


def firms(random: np.random.Generator, setting: Setting, n: int = FIRMS) -> Selection:
    """A panel by firm and year: ln_va, ln_l, ln_k, ln_m, ai, cohort."""
    years = np.arange(FIRST, LAST + 1)
    intensity = random.normal(0, 0.4, n)
    omega, wage, stock = random.normal(0, 0.3, n), random.normal(0, 0.35, n), random.normal(0, 0.3, n)
    # More begin among firms with much capital; when, is drawn.
    begins = random.random(n) < np.where(intensity > 0, 0.6, 0.3)
    cohort = np.where(begins, random.choice(COHORTS, n), 0)
    grown = np.zeros(n)
    columns: dict[str, list[FloatArray]] = {name: [] for name in ("ln_va", "ln_l", "ln_k", "ln_m", "ai")}
    for year in range(FIRST - BURN_IN, LAST + 1):
        used = begins & (year >= cohort)
        before = begins & (year - 1 >= cohort)
        stock = 0.7 * stock + 0.15 * omega + random.normal(0, 0.2, n)  # set before this year's productivity
        grown = grown + GROWTH * before * random.random(n)
        omega = MEMORY * omega + setting.effect * before + random.normal(0, 0.2, n)
        wage = 0.6 * wage + random.normal(0, 0.3, n)
        k = intensity + stock + grown
        l = 0.4 * k + 0.6 * omega - wage + random.normal(0, 0.1, n)  # noqa: E741  # labour is l in the papers
        output = BL * l + BK * k + omega + random.normal(0, 0.2, n)
        if year >= FIRST:
            asked = not setting.waves or year in setting.waves
            values = (output, l, k, 0.5 * k + 1.2 * omega, used.astype(float) if asked else np.full(n, np.nan))
            for name, one in zip(columns, values, strict=True):
                columns[name].append(one)
    return selection(
        {**{name: np.column_stack(one).ravel() for name, one in columns.items()},
         "cohort": np.repeat(cohort.astype(float), years.size)},
        np.repeat(np.arange(n), years.size), np.tile(years, n),
    )  # fmt: skip


def truth_of(setting: Setting, term: str, shares: Mapping[int, float]) -> float:
    """What a term is: the effect k years after the first, averaged over the cells behind it."""

    def after(years: int) -> float:
        # The first year of use moves productivity from the next year on; a share of it stays.
        return setting.effect * (1 - MEMORY**years) / (1 - MEMORY) if years > 0 else 0.0

    if term == "att[simple]":
        cells = [(cohort, year) for cohort in COHORTS for year in range(cohort, LAST + 1)]
        total = sum(shares[cohort] for cohort, _ in cells)
        return sum(shares[cohort] * after(year - cohort) for cohort, year in cells) / total
    if term == "att[event]":
        return sum(after(years) for years in range(LAST - min(COHORTS) + 1)) / (LAST - min(COHORTS) + 1)
    return after(int(term[6:-1])) if term.startswith("event[") else 0.0


def estimates(panel: Selection, setting: Setting) -> tuple[Estimates, Estimates]:
    """Estimate TFP, then the design on it: without and with the first stage's part."""
    keys: dict[str, Any] = {"output": "ln_va", "free": ("ln_l",), "state": ("ln_k",), "proxy": "ln_m", "degree": 1}
    if setting.effect:
        keys["markov"] = ("ai",)
    options = wooldridge.Options.model_validate(keys)
    first = wooldridge.fit("tfp", options, panel, np.ones(panel.rows.size, dtype=np.bool_))
    columns = {**panel.columns, "tfp": NumberColumn(first.values)}
    rows = Selection(panel.rows, panel.firm, panel.year, columns, panel.n_panel, {})
    adoption: dict[str, Any] = {"cohort": "cohort", "never": 0}
    if setting.waves:
        adoption = {"indicator": "ai", "waves": list(setting.waves)}
    asked = {"outcome": "tfp", "adoption": adoption, "estimator": list(setting.estimators)}
    naive, corrected = (
        did.fit("m", did.Options.model_validate({**asked, "tfp_uncertainty": treatment}), rows, first)
        for treatment in ("ignore", "include")
    )
    return naive, corrected


Drawn = dict[tuple[str, str], tuple[float, float]]


def drawn(found: Estimates, setting: Setting) -> Drawn:
    """By estimator and term, the estimate and half the width of its interval."""
    parts = [part for part in found.parts if not part.estimator.endswith(", cells")]
    if not parts:
        widths = (found.conf_high - found.conf_low) / 2
        return {
            (setting.estimators[0], term): (value, width)
            for term, value, width in zip(found.terms, found.coefficients.tolist(), widths.tolist(), strict=True)
        }
    return {
        (part.estimator, term): (value, width)
        for part in parts
        for term, value, width in zip(
            part.terms,
            part.coefficients.tolist(),
            ((part.inference.conf_high - part.inference.conf_low) / 2).tolist(),
            strict=True,
        )
    }


# Neither bands over all event times nor what a pre-test would miss is looked at here.
@patch.object(answer, "UNIFORM_DRAWS", 1_000)
@patch.object(answer, "sensitivity_of", lambda *_: (None, ()))
def study(draws: int, settings: tuple[Setting, ...] = SETTINGS) -> tuple[Coverage, ...]:
    """Run the simulation: the same seeds, in the same order, whatever the number of draws."""
    kept: dict[tuple[str, str, str], list[tuple[float, float, float, float]]] = {}
    for seed in np.random.SeedSequence(SEED).spawn(draws):
        for setting in settings:
            panel = firms(np.random.default_rng(seed), setting)
            cohort = panel.number("cohort")
            shares = {one: float((cohort == one).sum()) for one in COHORTS}
            with threadpool_limits(1):  # as a run does
                naive, corrected = (drawn(found, setting) for found in estimates(panel, setting))
            for (estimator, term), (value, width) in corrected.items():
                row = value, truth_of(setting, term, shares), naive[estimator, term][1], width
                kept.setdefault((setting.name, estimator, term), []).append(row)
    return tuple(_coverage(*key, np.array(rows)) for key, rows in kept.items())


def _coverage(setting: str, estimator: str, term: str, rows: FloatArray) -> Coverage:
    off = rows[:, 0] - rows[:, 1]
    inside = np.abs(off)[:, None] <= rows[:, 2:]
    errors = rows[:, 2:].mean(axis=0) / 1.96
    return Coverage(
        setting=setting,
        estimator=estimator,
        term=term,
        draws=len(rows),
        truth=round(float(rows[:, 1].mean()), 6),
        mean=round(float(rows[:, 0].mean()), 6),
        spread=round(float(off.std(ddof=1)), 6),
        naive_error=round(float(errors[0]), 6),
        corrected_error=round(float(errors[1]), 6),
        naive_share=float(inside[:, 0].mean()),
        corrected_share=float(inside[:, 1].mean()),
    )


def main() -> None:
    """Write the recorded study."""
    record = {
        "source": "python -m tests.estimation.did_coverage",
        "seed": SEED,
        "firms": FIRMS,
        "years": [FIRST, LAST],
        "coverage": [asdict(one) for one in study(2000)],
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
