"""Coverage of the correction for an estimated outcome, in a seeded simulation.

Every draw makes a panel of firms, estimates TFP by Wooldridge, regresses it on AI use, and asks whether
the 95 per cent interval holds the truth, with and without the first stage's share. ``python -m
tests.estimation.coverage`` writes the recorded study of 2,000 draws to tests/reference.

The technology is known and the polynomial spans it: productivity and capital follow linear processes,
materials are linear in both, so that the control function and its law of motion are polynomials of degree
one. Wage shocks of the firm's own move labour, with memory, so that labour has variation that capital and
productivity do not explain and its lag is an instrument. AI is taken up by firms with much capital, which
is independent of productivity: the true coefficient of AI is zero, and an error in the capital elasticity
goes straight into it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from estimation.designs import cross_section
from estimation.productivity import wooldridge
from estimation.results import FloatArray, ProductivityFit
from panels.frame import NumberColumn, Selection, TextColumn
from specs.formula import parse_formula

SEED = 2009
RECORD = Path(__file__).parents[1] / "reference" / "second_stage_coverage.json"
FIRMS, YEARS, BURN_IN = 1000, 5, 12
TECHNOLOGIES = ((0.6, 0.4), (0.45, 0.55))
FORMULA = parse_formula("tfp ~ ai")
TERMS = ("constant", "ai")


@dataclass(frozen=True)
class Setting:
    """One design of the study; the truth of both coefficients is zero in each.

    `errors` is a kind of standard errors of the cross-section of the last year, or ``cluster`` for all
    years by firm.
    """

    name: str
    errors: str
    tfp_from: str = "residual"
    separately: bool = False


SETTINGS = (
    Setting("HC1", "HC1"),
    Setting("HC3", "HC3"),
    Setting("clusters by firm, all years", "cluster"),
    Setting("classical, murphy_topel", "classical"),
    Setting("HC1, TFP from the control function", "HC1", tfp_from="control_function"),
    Setting("HC1, two technologies estimated separately", "HC1", separately=True),
)


@dataclass(frozen=True)
class Coverage:
    """What the draws of one setting gave for one term.

    `spread` is the standard deviation of the estimates; `*_error` the mean standard error and `*_share`
    the share of intervals that hold the truth, without (naive) and with the first stage's part.
    """

    setting: str
    term: str
    draws: int
    mean: float
    spread: float
    naive_error: float
    corrected_error: float
    naive_share: float
    corrected_share: float


def firms(random: np.random.Generator, *, separately: bool, n: int = FIRMS) -> Selection:
    """A panel by firm and year: ln_va, ln_l, ln_k, ln_m, ai, nace."""
    intensity = random.normal(0, 1.0, n)
    omega, wage, stock = random.normal(0, 0.3, n), random.normal(0, 0.35, n), random.normal(0, 0.3, n)
    nace = random.integers(0, 2, n)
    labour, capital = np.array(TECHNOLOGIES)[nace if separately else np.zeros(n, dtype=int)].T
    columns: dict[str, list[FloatArray]] = {name: [] for name in ("ln_va", "ln_l", "ln_k", "ln_m")}
    for year in range(BURN_IN + YEARS):
        stock = 0.7 * stock + 0.15 * omega + random.normal(0, 0.2, n)  # set before this year's productivity
        omega = 0.7 * omega + random.normal(0, 0.2, n)
        wage = 0.6 * wage + random.normal(0, 0.3, n)
        if year < BURN_IN:
            continue
        k = intensity + stock
        l = 0.4 * k + 0.6 * omega - wage + random.normal(0, 0.1, n)  # noqa: E741  # labour is l in the papers
        columns["ln_k"].append(k)
        columns["ln_l"].append(l)
        columns["ln_m"].append(0.5 * k + 1.2 * omega)
        columns["ln_va"].append(labour * l + capital * k + omega + random.normal(0, 0.2, n))
    columns["ai"] = [np.where(intensity + random.normal(0, 0.4, n) > 0.8, 1.0, 0.0)] * YEARS
    rows = n * YEARS
    return Selection(
        rows=np.arange(rows),
        firm=np.repeat(np.arange(n), YEARS),
        year=np.tile(np.arange(2024 - YEARS, 2024), n),
        columns={
            **{name: NumberColumn(np.column_stack(values).ravel()) for name, values in columns.items()},
            "nace": TextColumn(np.repeat(nace, YEARS).astype(np.int64), ("C", "G")),
        },
        n_panel=rows,
        outside={},
    )


def first_stage(panel: Selection, setting: Setting) -> ProductivityFit:
    """TFP by Wooldridge with its defaults: degree 3, two steps, clustered by firm."""
    options = wooldridge.Options.model_validate(
        {
            "output": "ln_va", "free": ("ln_l",), "state": ("ln_k",), "proxy": "ln_m",
            "tfp_from": setting.tfp_from, "separately_by": ("nace",) if setting.separately else "none",
        }
    )  # fmt: skip
    return wooldridge.fit("tfp", options, panel, np.ones(panel.rows.size, dtype=np.bool_))


def second_stage(panel: Selection, first: ProductivityFit, setting: Setting) -> tuple[FloatArray, FloatArray]:
    """Coefficients (2,), and the half widths of their intervals (2, 2): naive in the first row, corrected."""
    whole = Selection(
        panel.rows,
        panel.firm,
        panel.year,
        {**panel.columns, "tfp": NumberColumn(first.values)},
        panel.n_panel,
        {},
    )
    clustered = setting.errors == "cluster"
    rows = whole if clustered else whole.take(panel.year == 2023)
    corrected = "murphy_topel" if setting.errors == "classical" else "include"
    widths: list[FloatArray] = []
    for treatment in ("ignore", corrected):
        options = cross_section.Options.model_validate(
            {
                "formula": FORMULA,
                "errors": {"cluster": ("firm",)} if clustered else setting.errors,
                "tfp_uncertainty": treatment,
            }
        )
        found = cross_section.fit("m", options, rows, first)
        widths.append((found.conf_high - found.conf_low) / 2)
    return found.coefficients, np.array(widths)


def study(draws: int, settings: tuple[Setting, ...] = SETTINGS) -> tuple[Coverage, ...]:
    """Run the simulation: the same seeds, in the same order, whatever the number of draws."""
    estimates: Mapping[str, list[FloatArray]] = {setting.name: [] for setting in settings}
    widths: Mapping[str, list[FloatArray]] = {setting.name: [] for setting in settings}
    for seed in np.random.SeedSequence(SEED).spawn(draws):
        for separately in (False, True):
            panel = firms(np.random.default_rng(seed), separately=separately)
            fits: dict[str, ProductivityFit] = {}
            for setting in (one for one in settings if one.separately == separately):
                if setting.tfp_from not in fits:
                    fits[setting.tfp_from] = first_stage(panel, setting)
                b, half = second_stage(panel, fits[setting.tfp_from], setting)
                estimates[setting.name].append(b)
                widths[setting.name].append(half)
    return tuple(
        _coverage(
            setting.name,
            term,
            np.array(estimates[setting.name])[:, at],
            np.array(widths[setting.name])[:, :, at],
        )
        for setting in settings
        for at, term in enumerate(TERMS)
    )


def _coverage(setting: str, term: str, estimates: FloatArray, widths: FloatArray) -> Coverage:
    inside = np.abs(estimates)[:, None] <= widths
    # The half width over 1.96: with a thousand firms t and the normal are one here.
    errors = widths.mean(axis=0) / 1.96
    return Coverage(
        setting=setting,
        term=term,
        draws=estimates.size,
        mean=round(float(estimates.mean()), 6),
        spread=round(float(estimates.std(ddof=1)), 6),
        naive_error=round(float(errors[0]), 6),
        corrected_error=round(float(errors[1]), 6),
        naive_share=float(inside[:, 0].mean()),
        corrected_share=float(inside[:, 1].mean()),
    )


def main() -> None:
    """Write the recorded study."""
    found = study(2000)
    record = {
        "source": "python -m tests.estimation.coverage",
        "seed": SEED,
        "firms": FIRMS,
        "years": YEARS,
        "truth": 0.0,
        "coverage": [asdict(one) for one in found],
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
