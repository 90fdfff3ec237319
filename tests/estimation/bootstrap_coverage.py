"""Coverage of the bootstrap of the whole chain, in the simulation of `tests.estimation.coverage`.

Every panel is estimated once and drawn again 399 times, Wooldridge and the regression on AI together. Counted is how
often an interval holds the truth: the two elasticities, and zero for both coefficients of the regression.
``python -m tests.estimation.bootstrap_coverage`` writes the recorded study of 1,000 panels to tests/reference.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from estimation.bootstrap import Summary, blocks
from estimation.chain import FirstStageDraws, bootstrap_design, bootstrap_elasticities
from estimation.designs import cross_section
from estimation.productivity import wooldridge
from estimation.results import FloatArray
from panels.frame import NumberColumn
from specs.uncertainty import Errors
from tests.estimation.coverage import FORMULA, TECHNOLOGIES, TERMS, firms

SEED = 1996
RECORD = Path(__file__).parents[1] / "reference" / "bootstrap_coverage.json"
PANELS, DRAWS = 1000, 399


@dataclass(frozen=True)
class Setting:
    """A sample and a level of TFP; `all_years` takes every year into the regression, else the last one."""

    name: str
    firms: int = 1000
    all_years: bool = False
    tfp_from: str = "residual"


SETTINGS = (
    Setting("last year"),
    Setting("all years", all_years=True),
    Setting("last year, TFP from the control function", tfp_from="control_function"),
    Setting("last year, 150 firms", firms=150),
)


@dataclass(frozen=True)
class Coverage:
    """Shares of 95 per cent intervals that hold the truth, and mean standard errors beside the true spread."""

    setting: str
    term: str
    panels: int
    spread: float
    bootstrap_error: float
    percentile_share: float
    studentised_share: float
    closed_form_share: float


def study(panels: int, draws: int, settings: tuple[Setting, ...] = SETTINGS) -> tuple[Coverage, ...]:
    """Run the simulation: the same seeds, in the same order, whatever the number of panels."""
    return tuple(found for setting in settings for found in _setting(setting, panels, draws))


def _setting(setting: Setting, panels: int, draws: int) -> tuple[Coverage, ...]:
    terms = ("ln_l", "ln_k", *TERMS)
    truth = np.array([*TECHNOLOGIES[0], 0.0, 0.0])
    estimates, errors, inside = [], [], []
    for number, seed in enumerate(np.random.SeedSequence(SEED).spawn(panels)):
        estimate, closed, found = _panel(setting, seed, number, draws)
        estimates.append(estimate)
        errors.append(np.concatenate([one.std_errors for one in found]))
        intervals = [
            np.concatenate([one.percentile for one in found]),
            np.concatenate([one.studentised for one in found]),
            closed,
        ]
        inside.append([(one[:, 0] <= truth) & (truth <= one[:, 1]) for one in intervals])
    spread, error = np.std(estimates, axis=0, ddof=1), np.mean(errors, axis=0)
    share = np.mean(inside, axis=0)
    return tuple(
        Coverage(setting.name, term, panels, round(float(spread[j]), 6), round(float(error[j]), 6),
                 *(float(one[j]) for one in share))
        for j, term in enumerate(terms)
    )  # fmt: skip


def _panel(
    setting: Setting, seed: np.random.SeedSequence, number: int, draws: int
) -> tuple[FloatArray, FloatArray, tuple[Summary, Summary]]:
    """Estimates (4,), closed-form intervals (4, 2), and what the draws say of elasticities and coefficients."""
    panel = firms(np.random.default_rng(seed), separately=False, n=setting.firms)
    options = wooldridge.Options(
        output="ln_va", free=("ln_l",), state=("ln_k",), proxy="ln_m", degree=2, tfp_from=setting.tfp_from
    )
    use = np.ones(panel.n_panel, dtype=bool)
    fit = wooldridge.fit("tfp", options, panel, use)
    resampler = wooldridge.resampler(options, panel, use, fit)
    rows = panel.__class__(
        panel.rows, panel.firm, panel.year, {**panel.columns, "tfp": NumberColumn(fit.values)}, panel.n_panel, {}
    )
    rows = rows if setting.all_years else rows.take(panel.year == 2023)
    model = cross_section.Options(formula=FORMULA, errors=Errors("cluster", (("firm",),)))
    closed = cross_section.fit("m", model, rows, fit)
    everyone = blocks(number, np.arange(setting.firms), setting.firms)
    first = bootstrap_elasticities(fit, resampler, everyone, draws)[0][0]
    design = cross_section.resampler(model, rows, fit)
    second = bootstrap_design(design, everyone, draws, FirstStageDraws(fit, resampler))
    group = fit.groups[0]
    intervals = np.column_stack([
        np.concatenate([group.inference.conf_low, closed.conf_low]),
        np.concatenate([group.inference.conf_high, closed.conf_high]),
    ])  # fmt: skip
    return np.concatenate([group.coefficients, closed.coefficients]), intervals, (first, second)


def main() -> None:
    """Write the recorded study."""
    record = {
        "source": "python -m tests.estimation.bootstrap_coverage",
        "seed": SEED,
        "draws": DRAWS,
        "coverage": [asdict(one) for one in study(PANELS, DRAWS)],
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
