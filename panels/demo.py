"""The demo panel: synthetic firms whose estimated table 1 comes out near the published one.

No firm in here exists. The files have the layouts of the annual accounts (`nbb`) and of the ICT survey
(`eurostat_ict`), so that what works on them works on the real ones. In the order of the making:

- `demo_firms`: types, entry and exit, adoption of AI, labour, capital;
- `demo_sample`: who answers the survey, with which weight;
- `demo_levels`: the level of productivity, calibrated on the sample of 2023; value added, materials;
- `demo_filing`: the accounts, in rubrics and nominal euros;
- `demo_items`: the answers to the survey;
- `demo_records`, `demo_files`: what is handed out and written;
- `demo_difficult`: the same firms in files as they come.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from panels.arrays import BoolArray, IntArray
from panels.demo_difficult import write_difficult
from panels.demo_files import DemoFiles, write_files
from panels.demo_filing import draw_prices, file_accounts
from panels.demo_firms import (
    AI_EFFECT,
    AI_PATH,
    SECTIONS,
    YEARS,
    Lives,
    Types,
    draw_lives,
    draw_types,
    read_rows,
    size_class,
)
from panels.demo_items import DIGITAL_LEVEL, DIGITAL_SECTION_J, answer, draw_inclinations
from panels.demo_levels import (
    ELASTICITY_CAPITAL,
    ELASTICITY_LABOUR,
    VALUE_ADDED_SHOCK_SD,
    calibrate,
    design_matrix,
    produce,
)
from panels.demo_records import DemoAccounts, DemoData, DemoFirms, DemoTruth, DemoWave
from panels.demo_sample import draw_2021, draw_2023, stratify

__all__ = ["SHIPPED_SEED", "DemoData", "DemoFiles", "generate", "write"]


# The seed of the shipped demo: all that design asks of the panel holds for it, Hansen's J included.
SHIPPED_SEED = 5

WITHOUT_ACCOUNTS = 180
REVERSAL_RATE = 0.04
REGIONS = {"BE1": 0.18, "BE2": 0.58, "BE3": 0.24}
# First interview, days of field work, population relative to 2023, respondents without accounts.
FIELD_WORK = {
    2021: (np.datetime64("2021-05-03"), 130, 0.97, slice(0, 85)),
    2023: (np.datetime64("2023-02-06"), 140, 1.0, slice(80, 180)),
}


def generate(seed: int = SHIPPED_SEED) -> DemoData:
    """Draw a demo panel.

    Parameters
    ----------
    seed : int
        The same seed gives the same panel.

    Returns
    -------
    DemoData
        Firms, about 30,000 rows of accounts, two survey waves, prices and the truths.

    Notes
    -----
    log TFP is a random walk with a common drift, so that it is Markov as a whole; section, size and AI
    levels are starting values. Materials are m = -7.4 + 0.8 k + w and carry no term of their own;
    value added is y = 0.7 l + 0.1 k + w + N(0, 0.14).
    """
    # A stream a subject: a new survey item does not move the production side.
    for_firms, for_lives, for_shocks, for_sample, for_filing, for_items, for_names = (
        np.random.default_rng(stream) for stream in np.random.SeedSequence(seed).spawn(7)
    )
    shifts = {row["nace"]: float(row["capital_shift"]) for row in read_rows("demo_sectors.csv")}
    types = draw_types(for_firms, WITHOUT_ACCOUNTS)
    lives = draw_lives(for_lives, types, np.array([shifts[section] for section in SECTIONS]))
    n = types.section.size
    files = np.arange(n) < n - WITHOUT_ACCOUNTS
    firms = _name_firms(for_names, types, files)

    samples = _draw_samples(for_sample, types, lives, files)
    shock = VALUE_ADDED_SHOCK_SD * for_shocks.standard_normal((n, YEARS.size))
    reversal = for_items.random(n) < REVERSAL_RATE
    sampled, last = samples[2023], YEARS.size - 1
    design = design_matrix(
        size_class(lives.employees[sampled, last]),
        types.age[sampled],
        types.section[sampled],
        _reports_ai(types, 2023, reversal)[sampled],
    )
    noise = (lives.walk + lives.ai_effect + shock)[sampled, last]
    levels = calibrate(types, design, sampled, noise)
    production = produce(types, lives, levels, shock)

    prices = draw_prices()
    filing = file_accounts(for_filing, types, lives, production, prices=prices, files=files)
    at = (filing.firm, filing.year - YEARS[0])
    heads = lives.employees[at]
    accounts = DemoAccounts(
        filing=filing,
        labour=lives.labour[at],
        full_time=lives.full_time[at],
        part_time=lives.part_time[at],
        closing_heads=np.maximum(1, np.rint(heads * (1 + 0.03 * for_filing.standard_normal(heads.size)))).astype(
            np.int64
        ),
        value_added=np.exp(production.value_added[at]),
        materials=np.exp(production.materials[at]),
        capital=np.exp(lives.ln_capital[at]),
        tfp=production.tfp[at],
        ai_effect=lives.ai_effect[at],
    )

    waves = _survey(for_items, types, lives, firms, samples=samples, reversal=reversal)
    adopters = _adopters(waves)
    truth = DemoTruth(
        labour=ELASTICITY_LABOUR,
        capital=ELASTICITY_CAPITAL,
        ai_path=AI_PATH,
        ai_effect=AI_EFFECT,
        adopters=adopters,
        effect_on_adopters=float(lives.ai_effect[adopters, last].mean()),
        starting=levels.starting,
        spread=levels.spread,
    )
    return DemoData(seed, firms, accounts, waves, prices, truth)


def write(folder: Path, seed: int = SHIPPED_SEED, *, difficult: bool = False) -> DemoFiles:
    """Write the files of a demo panel: ``data/*.csv``, the shipped specs and ``README.txt``.

    Parameters
    ----------
    folder : Path
        Made where it does not exist; files of the same names are replaced.
    seed : int
    difficult : bool
        Also the same firms in ``data_difficult/*.csv``, and their spec.

    Returns
    -------
    DemoFiles
    """
    data = generate(seed)
    written = write_files(data, folder)
    return replace(written, specs=(*written.specs, write_difficult(data, folder))) if difficult else written


def _name_firms(rng: np.random.Generator, types: Types, files: BoolArray) -> DemoFirms:
    n = types.section.size
    # The first eight digits rise in steps from 0010 0000 and stay below 0100 0000: never issued.
    stem = 100_000 + np.cumsum(rng.integers(1, 150, n))
    right = 97 - stem % 97
    wrong = right % 97 + 1
    codes = {row["nace"]: row["codes"].split() for row in read_rows("demo_sectors.csv")}
    per_section = np.array([len(codes[section]) for section in SECTIONS])
    flat = np.array([code for section in SECTIONS for code in codes[section]])
    first = np.cumsum(per_section) - per_section
    pick = (rng.random(n) * per_section[types.section]).astype(np.int64)
    return DemoFirms(
        number=np.char.mod("%010d", stem * 100 + wrong),
        section=np.array(SECTIONS)[types.section],
        nace_code=flat[first[types.section] + pick],
        region=rng.choice(np.array(list(REGIONS)), size=n, p=list(REGIONS.values())),
        start_year=YEARS[-1] - types.age,
        adoption_year=types.adoption_year,
        files_accounts=files,
    )


def _draw_samples(rng: np.random.Generator, types: Types, lives: Lives, files: BoolArray) -> dict[int, IntArray]:
    """Linked respondents by wave."""
    heads, there = lives.employees, lives.active & files[:, None]
    in_2021, in_2023 = 4, 6
    sample_2023 = draw_2023(rng, types, heads[:, in_2023], there[:, in_2023])
    eligible = there[:, in_2021] & (heads[:, in_2021] >= 10)
    return {2021: draw_2021(rng, sample_2023, size_class(heads[:, in_2023]), eligible), 2023: sample_2023}


def _reports_ai(types: Types, wave: int, reversal: BoolArray) -> BoolArray:
    """Use of AI as the firm reports it: some users of 2021 say no in 2023."""
    used_2021 = types.ai_by_2023 & (types.adoption_year <= 2021)
    if wave == 2021:
        return used_2021
    return types.ai_by_2023 & ~(used_2021 & reversal)


def _survey(
    rng: np.random.Generator,
    types: Types,
    lives: Lives,
    firms: DemoFirms,
    *,
    samples: dict[int, IntArray],
    reversal: BoolArray,
) -> tuple[DemoWave, ...]:
    n = types.section.size
    inclinations = draw_inclinations(rng, n)
    lead = DIGITAL_LEVEL * types.level_shock + DIGITAL_SECTION_J * (firms.section == "J")
    without_accounts = np.flatnonzero(~firms.files_accounts)
    waves = []
    for year, (start, days, growth, unlinked) in FIELD_WORK.items():
        t = year - int(YEARS[0])
        strangers = without_accounts[unlinked]
        strangers = strangers[lives.active[strangers, t]]
        respondents = np.sort(np.concatenate([samples[year], strangers]))
        told = lives.employees[respondents, t] * np.exp(0.02 * rng.standard_normal(respondents.size))
        employees = np.maximum(10, np.rint(told))
        strata = stratify(types.section[respondents], employees, firms.region[respondents], growth)
        answers = answer(
            year,
            _reports_ai(types, year, reversal)[respondents],
            size_class(employees),
            lead[respondents],
            {code: drawn[respondents] for code, drawn in inclinations.items()},
        )
        waves.append(
            DemoWave(
                wave=year,
                firm=respondents,
                linked=firms.files_accounts[respondents],
                employees=employees.astype(np.int64),
                stratum=strata.name,
                stratum_size=strata.size,
                weight=strata.weight,
                interview_date=start + rng.integers(0, days, respondents.size),
                answers=answers,
            )
        )
    return tuple(waves)


def _adopters(waves: tuple[DemoWave, ...]) -> IntArray:
    """Firms linked in both waves that report AI in 2023 for the first time."""
    before, after = ({"no": w.firm[w.linked & ~w.ai], "yes": w.firm[w.linked & w.ai]} for w in waves)
    return np.intersect1d(before["no"], after["yes"])
