"""The demo panel: the same bytes from a seed, files that give back the truth, the counts that were asked.

That the *estimated* table 1 comes out as published is tested where the estimators are (`tests/tfplab`).
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from panels.demo import SHIPPED_SEED, DemoData, DemoFiles, generate, write
from panels.demo_files import SPECS
from panels.demo_filing import NOT_FILED
from panels.demo_firms import CELLS, SECTIONS, SIZES, YEARS, size_class
from panels.demo_items import TECHNOLOGIES
from panels.demo_levels import RESIDUAL_SD, design_matrix, published_table1

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "table1_published.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def data() -> DemoData:
    return generate()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return write(tmp_path_factory.mktemp("demo"))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_same_seed_same_bytes(files, tmp_path):
    write(tmp_path / "again")
    assert everything(tmp_path / "again") == everything(files.folder)


def test_another_seed_other_firms(files, tmp_path):
    other = everything(write(tmp_path, seed=SHIPPED_SEED + 1).folder)
    same = everything(files.folder)
    assert other.keys() == same.keys()
    differing = {name for name in same if same[name] != other[name]}
    assert {name for name in same if "accounts" in name or "ict" in name} <= differing


def test_what_is_written(files):
    names = set(everything(files.folder))
    wanted = {f"data/accounts_{year}.csv" for year in range(2017, 2024)}
    wanted |= {"data/ict_2021.csv", "data/ict_2023.csv", "data/deflators.csv", "README.txt", *SPECS}
    assert names == wanted
    readme = files.readme.read_text("utf-8")
    assert readme.startswith("SYNTHETIC")
    assert "Known limits" in readme
    assert f"seed {SHIPPED_SEED}" in readme


def test_counts(data):
    bounds = PUBLISHED["demo_bounds"]
    linked = [wave.firm[wave.linked] for wave in data.waves]
    assert 29_000 < data.accounts.labour.size < 31_000
    assert bounds["linked_2023"][0] <= linked[1].size <= bounds["linked_2023"][1]
    assert bounds["both_waves"][0] <= np.intersect1d(*linked).size <= bounds["both_waves"][1]
    assert bounds["adopters"][0] <= data.truth.adopters.size <= bounds["adopters"][1]


def test_one_row_a_firm_and_year(data):
    keys = data.accounts.filing.firm * 10_000 + data.accounts.filing.year
    assert np.unique(keys).size == keys.size
    assert np.unique(data.firms.number).size == data.firms.number.size


def test_linked_firms_fill_the_published_cells(data):
    """Each section has its rounded number of firms, each cell its quota."""
    wave = data.waves[1]
    firm = wave.firm[wave.linked]
    section = data.firms.section[firm]
    for s, letter in enumerate(SECTIONS):
        wanted = round(sum(cell.n_linked for cell in CELLS if cell.section == s))
        assert (section == letter).sum() == wanted
    size = size_class(_employees_of(data, firm, 2023))
    assert size.min() >= 0
    for cell in CELLS:
        there = ((section == SECTIONS[cell.section]) & (size == cell.size)).sum()
        assert abs(there - cell.n_linked) < 1.5


def _rows(data: DemoData, firm, year):
    """Rows of these firms' accounts of a year."""
    filing = data.accounts.filing
    place = np.full(data.firms.number.size, -1)
    of_year = np.flatnonzero(filing.year == year)
    place[filing.firm[of_year]] = of_year
    assert (place[firm] >= 0).all()
    return place[firm]


def _employees_of(data: DemoData, firm, year):
    rows = _rows(data, firm, year)
    return (data.accounts.full_time + data.accounts.part_time)[rows].astype(float)


def test_no_number_can_belong_to_an_enterprise(files):
    numbers = {row["ENTNR"] for path in (*files.accounts, *files.survey.values()) for row in read(path)}
    for number in numbers:
        assert len(number) == 10
        assert "0010" <= number[:4] <= "0099"
        assert 97 - int(number[:8]) % 97 != int(number[8:])
        assert 1 <= int(number[8:]) <= 97


def test_rubrics_give_back_the_real_amounts(data, files):
    """Value added, inputs and capital, found as the layout finds them, are the generator's.

    Tolerance: amounts are whole euros, the smallest some ten thousand of them.
    """
    prices = {
        (row["nace"], row["year"]): [float(row[kind]) for kind in ("output", "intermediates", "investment")]
        for row in read(files.deflators)
    }
    section_of_code = dict(zip(data.firms.nace_code.tolist(), data.firms.section.tolist(), strict=True))
    found = []
    for path in files.accounts:
        for row in read(path):
            r = {
                code[1:]: float(text) if text else 0.0
                for code, text in row.items()
                if code[0] == "R" and code[1].isdigit()
            }
            if row["SCHEME"] == "VOL":
                value_added = r["70"] + r["71"] + r["72"] + r["74"] - r["740"] - r["60"] - r["61"]
            else:
                value_added = r["9900"] - r["76A"]
            output, intermediates, investment = prices[section_of_code[row["NACE"]], row["YEAR"]]
            year_of_months = 12 / float(row["MONTHS"])
            found.append(
                (
                    value_added * year_of_months / output,
                    (r["60"] + r["61"]) * year_of_months / intermediates,
                    (r["22/27"] + r["21"]) / investment,
                    float(row["R9087"] or row["R1003"]),
                    r["1001"] + r["1002"],
                )
            )
    accounts = data.accounts
    truth = np.column_stack(
        [
            accounts.value_added,
            accounts.materials,
            accounts.capital,
            accounts.labour,
            accounts.full_time + accounts.part_time,
        ]
    )
    np.testing.assert_allclose(np.array(found), truth, rtol=1e-4, atol=0)
    # Where amounts are large the rounding vanishes.
    np.testing.assert_allclose(np.array(found)[:, 0], truth[:, 0], rtol=0, atol=2.0)


def test_schemes(data, files):
    rows = [row for path in files.accounts for row in read(path)]
    full = np.array([row["SCHEME"] == "VOL" for row in rows])
    assert 0.2 < full.mean() < 0.9
    for row in rows:
        if row["SCHEME"] == "VOL":
            assert row["R70"]
            assert row["R9087"]
            assert not row["R9900"]
        else:
            assert row["SCHEME"] == "VKT"
            assert row["R9900"]
            assert not any(row[code] for code in ("R71", "R72", "R74", "R740", "R9087"))
    months = np.array([int(row["MONTHS"]) for row in rows])
    assert (months == 12).mean() > 0.98
    assert months.min() >= 6
    assert months.max() <= 18
    rubrics = data.accounts.filing.rubrics
    for code in ("60", "61", "22/27", "9900", "20/58", "62", "8169"):
        assert (rubrics[code][rubrics[code] != NOT_FILED] >= 0).all()
    # 740 is part of 74, so it never exceeds it.
    assert (rubrics["740"] <= rubrics["74"])[rubrics["740"] != NOT_FILED].all()


def test_result_is_income_less_cost(data):
    """9901 = 70/76A - 60/66A wherever the full scheme shows every line of both."""
    filing = data.accounts.filing
    line = {code: np.where(value == NOT_FILED, 0, value) for code, value in filing.rubrics.items()}
    income = line["70"] + line["71"] + line["72"] + line["74"] + line["76A"]
    cost = line["60"] + line["61"] + line["62"] + line["630"]
    assert ((income - cost == line["9901"]) | ~filing.full).all()


@pytest.mark.parametrize("wave", [2021, 2023])
def test_filters(files, wave):
    """What a filter skips is empty, and nothing else is."""
    users = {"PMS", "PPP", "PLOG", "PITS", "ADOWN", "AMOWN", "AOS", "ARDY", "AEXT"}
    users |= {"PBA", "PME", "PHR"} if wave == 2021 else {"PBAM", "PFIN", "PRDI", "PDI", "BIAS"}
    barriers = {"BCST", "BLE", "BINC", "BDDT", "BCDP", "BLEG", "BEC", "BNU"}
    everybody = {code.removeprefix("AI_") for code in TECHNOLOGIES} | {"TANY"}
    rows = read(files.survey[wave])
    asked = {code.removeprefix("E_AI_") for code in rows[0] if code.startswith("E_AI_")}
    assert asked == users | barriers | everybody | {"EC"}
    for row in rows:
        any_technology = any(row[f"E_{code}"] == "1" for code in TECHNOLOGIES)
        assert row["E_AI_TANY"] == str(int(any_technology))
        filled = {code for code in asked if row[f"E_AI_{code}"]}
        considered = row["E_AI_EC"] == "1"
        wanted = everybody | (users if any_technology else {"EC"} | (barriers if considered else set()))
        assert filled == wanted
        assert {row[f"E_AI_{code}"] for code in filled} <= {"0", "1"}
        assert row["E_CC"] in {"0", "1"}
        assert row["E_ITSP2"] in {"0", "1"}


def test_weights_and_strata(data):
    for wave in data.waves:
        names, of, counts = np.unique(wave.stratum, return_inverse=True, return_counts=True)
        assert counts.min() >= 2, "a stratum of one has no variance"
        assert (wave.weight >= 1).all()
        for stratum in range(names.size):
            inside = of == stratum
            assert np.unique(wave.stratum_size[inside]).size == 1
            np.testing.assert_allclose(wave.weight[inside], wave.stratum_size[inside] / counts[stratum], atol=5e-5)
        assert np.datetime64(f"{wave.wave}-01-01") <= wave.interview_date.min()
        assert wave.interview_date.max() <= np.datetime64(f"{wave.wave}-12-31")


def test_survey_and_accounts_know_the_same_firms(data):
    for wave in data.waves:
        assert 0.9 < wave.linked.mean() < 1
        _rows(data, wave.firm[wave.linked], wave.wave)
        assert not data.firms.files_accounts[wave.firm[~wave.linked]].any()


def test_ai_path_and_effect(data):
    """Adoption and its effect by year are what the truths say."""
    truth, filing = data.truth, data.accounts.filing
    adoption = data.firms.adoption_year[filing.firm]
    since = filing.year - adoption
    expected = np.where((adoption > 0) & (since >= 0), truth.ai_effect[np.clip(since, 0, 2)], 0.0)
    np.testing.assert_array_equal(data.accounts.ai_effect, expected)
    # Three binomial standard errors: about 1,100 users.
    users = data.firms.adoption_year[(data.firms.adoption_year > 0) & (data.firms.start_year < 2017)]
    share = (users[:, None] <= YEARS).mean(axis=0)
    assert (np.abs(share - truth.ai_path) <= 3 * np.sqrt(truth.ai_path * (1 - truth.ai_path) / users.size)).all()


def test_adopters_and_reversals(data):
    before, after = data.waves
    both = np.intersect1d(before.firm[before.linked], after.firm[after.linked])
    in_2021, in_2023 = np.isin(before.firm, both), np.isin(after.firm, both)
    assert (before.firm[in_2021] == after.firm[in_2023]).all()
    first, second = before.ai[in_2021], after.ai[in_2023]
    np.testing.assert_array_equal(both[~first & second], data.truth.adopters)
    assert np.isin(data.firms.adoption_year[data.truth.adopters], [2022, 2023]).all()
    assert 0.05 < data.truth.effect_on_adopters < 0.06
    # 4 % of the users of 2021 take it back: within three binomial standard errors.
    rate = (first & ~second).sum() / first.sum()
    assert 0 < rate < 0.04 + 3 * np.sqrt(0.04 * 0.96 / first.sum())


def test_tfp_is_a_random_walk(data):
    """Yearly changes of true TFP, drift and AI taken out, have standard deviation 0.10 and no memory."""
    filing, accounts = data.accounts.filing, data.accounts
    order = np.lexsort((filing.year, filing.firm))
    firm, w = filing.firm[order], (accounts.tfp - accounts.ai_effect)[order]
    change = np.diff(w) - 0.0059
    within = firm[1:] == firm[:-1]
    steps = change[within]
    assert abs(steps.mean()) < 3 * 0.10 / np.sqrt(steps.size)
    assert abs(steps.std() / 0.10 - 1) < 3 / np.sqrt(2 * steps.size)
    twice = within[1:] & within[:-1]
    memory = np.corrcoef(change[1:][twice], change[:-1][twice])[0, 1]
    assert abs(memory) < 3 / np.sqrt(twice.sum())
    levels = w[1:][within], w[:-1][within]
    assert 0.95 < np.corrcoef(*levels)[0, 1] < 1


def test_materials_and_value_added(data):
    """Materials invert exactly to TFP; value added leaves a transitory shock of 0.14."""
    accounts = data.accounts
    ln_k = np.log(accounts.capital)
    np.testing.assert_allclose(np.log(accounts.materials), -7.4 + 0.8 * ln_k + accounts.tfp, rtol=1e-12)
    shock = (
        np.log(accounts.value_added)
        - data.truth.labour * np.log(accounts.labour)
        - data.truth.capital * ln_k
        - accounts.tfp
    )
    assert abs(shock.std() / 0.14 - 1) < 3 / np.sqrt(2 * shock.size)
    assert abs(shock.mean()) < 3 * 0.14 / np.sqrt(shock.size)


def test_published_table_follows_from_the_true_elasticities(data):
    """With the true elasticities least squares gives the published table (levels are rounded to 1e-9)."""
    wave = data.waves[1]
    firm = wave.firm[wave.linked]
    rows = _rows(data, firm, 2023)
    accounts, truth = data.accounts, data.truth
    tfp = (
        np.log(accounts.value_added[rows])
        - truth.labour * np.log(accounts.labour[rows])
        - truth.capital * np.log(accounts.capital[rows])
    )
    section = np.searchsorted(np.array(SECTIONS), data.firms.section[firm])
    x = design_matrix(
        size_class(_employees_of(data, firm, 2023)),
        2023 - data.firms.start_year[firm],
        section,
        wave.ai[wave.linked],
    )
    estimates, _, rank, _ = np.linalg.lstsq(x, tfp, rcond=None)
    assert rank == x.shape[1] == 1 + len(SIZES) - 1 + 1 + len(SECTIONS) - 1 + 1
    terms, published, errors = published_table1()
    np.testing.assert_allclose(estimates, published, atol=1e-6)
    residuals = tfp - x @ estimates
    variance = residuals @ residuals / (firm.size - x.shape[1])
    assert abs(np.sqrt(variance) - RESIDUAL_SD) < 1e-6
    own = np.sqrt(variance * np.diag(np.linalg.inv(x.T @ x)))
    bounds = PUBLISHED["demo_bounds"]
    few = np.isin(terms, bounds["few_firms"])
    allowed = np.where(few, bounds["std_error_relative_few_firms"], bounds["std_error_relative"])
    assert (np.abs(own / errors - 1) < allowed).all()


def test_calibration_aims_at_the_published_table():
    terms, estimates, errors = published_table1()
    assert list(terms) == list(PUBLISHED["coefficients"])
    for term, estimate, error in zip(terms, estimates, errors, strict=True):
        assert PUBLISHED["coefficients"][term] == {"estimate": estimate, "std_error": error}
