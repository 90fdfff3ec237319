"""Decompositions of aggregate productivity against loops over firms, reweighting of firms, and what must not matter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from estimation.designs.decomposition import Options, columns, equations, fit
from estimation.designs.options import ModelOptions
from estimation.productivity import wlp
from estimation.registry import DESIGNS
from estimation.results import Estimates, FloatArray, ProductivityFit
from panels.frame import Selection
from specs.bind import bind
from specs.errors import EstimationError, Problem
from specs.read import read
from specs.uncertainty import Errors
from tests.estimation.firms import fitted, simulate, with_columns
from tests.estimation.rows import group_fit, productivity, selection

YEARS = (2018, 2019, 2023)


def panel(firms: int = 60, seed: int = 5, *, sectors: int = 3, switch: bool = False) -> Selection:
    """Firms of some sectors, of which a fifth enters after the first year and a fifth leaves before the last."""
    random = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {name: [] for name in ("firm", "year", "tfp", "employees", "nace", "weight")}
    for firm in range(firms):
        size, level = np.exp(random.normal(3, 1)), random.normal(2, 0.5)
        for year in YEARS:
            if (firm % 5 == 0 and year == YEARS[0]) or (firm % 5 == 1 and year == YEARS[-1]):
                continue
            sector = "ABC"[(firm + (switch and firm == 7 and year == YEARS[-1])) % sectors]
            row = (firm, year, level + random.normal(0, 0.3), size * np.exp(random.normal(0, 0.2)), sector,
                   1 + firm % 4)  # fmt: skip
            for name, value in zip(columns, row, strict=True):
                columns[name].append(value)
    numbers = {name: np.array(columns[name], dtype=float) for name in ("tfp", "employees", "weight")}
    return selection({**numbers, "nace": columns["nace"]}, columns["firm"], columns["year"])


def answer(rows: Selection, first: ProductivityFit | None = None, **keys: Any) -> Estimates:
    return fit("agg", Options(outcome="tfp", weights="employees", **keys), rows, first)


def terms(estimates: Estimates) -> dict[str, float]:
    return dict(zip(estimates.terms, estimates.coefficients.tolist(), strict=True))


def by_hand(rows: Selection, weight: dict[int, float] | None = None) -> dict[str, float]:
    """Melitz and Polanec (2015) by loops over firms, from the shares of entrants and exiters as the paper has them."""
    w, a = rows.number("tfp"), rows.number("employees")
    times = weight or {}
    first, last = (
        {int(f): (w[i], a[i], times.get(int(f), 1.0)) for i, f in enumerate(rows.firm) if rows.year[i] == year}
        for year in (YEARS[0], YEARS[-1])
    )

    def share(of: dict[int, Any], chosen: set[int]) -> float:
        return float(sum(of[f][1] * of[f][2] for f in chosen) / sum(a * m for _, a, m in of.values()))

    def aggregate(of: dict[int, Any], chosen: set[int]) -> float:
        weights = {f: of[f][1] * of[f][2] for f in chosen}
        return float(sum(of[f][0] * weights[f] for f in chosen) / sum(weights.values()))

    def mean(of: dict[int, Any], chosen: set[int]) -> float:
        return float(sum(of[f][0] * of[f][2] for f in chosen) / sum(of[f][2] for f in chosen))

    stay = set(first) & set(last)
    enter, leave = set(last) - stay, set(first) - stay
    within = mean(last, stay) - mean(first, stay)
    return {
        "aggregate[2018]": aggregate(first, set(first)),
        "aggregate[2023]": aggregate(last, set(last)),
        "change": aggregate(last, set(last)) - aggregate(first, set(first)),
        "within": within,
        "between": aggregate(last, stay) - aggregate(first, stay) - within,
        "entry": share(last, enter) * (aggregate(last, enter) - aggregate(last, stay)),
        "exit": share(first, leave) * (aggregate(first, stay) - aggregate(first, leave)),
    }


def test_melitz_polanec_is_the_papers() -> None:
    found = terms(answer(panel(), method="melitz_polanec"))
    # The same sums in another order.
    assert found == pytest.approx(by_hand(panel()), abs=1e-13)


@pytest.mark.parametrize("by", [None, "nace"])
@pytest.mark.parametrize("weight", [None, "weight"])
def test_the_parts_add_up_exactly(by: str | None, weight: str | None) -> None:
    found = terms(answer(panel(), method="melitz_polanec", by=by, sampling_weights=weight))
    parts = sum(found[name] for name in ("within", "between", "entry", "exit", *(("across",) if by else ())))
    assert abs(parts - found["change"]) < 1e-12
    assert abs(found["aggregate[2023]"] - found["aggregate[2018]"] - found["change"]) < 1e-12
    levels = terms(answer(panel(), by=by, sampling_weights=weight))
    for year in YEARS:
        assert abs(levels[f"mean[{year}]"] + levels[f"covariance[{year}]"] - levels[f"aggregate[{year}]"]) < 1e-12
        if by:
            two = levels[f"covariance_inside[{year}]"] + levels[f"covariance_across[{year}]"]
            assert abs(two - levels[f"covariance[{year}]"]) < 1e-12


def test_olley_pakes_is_the_sum_over_deviations() -> None:
    rows = panel()
    found = terms(answer(rows))
    for year in YEARS:
        here = rows.year == year
        w, a = rows.number("tfp")[here], rows.number("employees")[here]
        s = a / a.sum()
        assert found[f"mean[{year}]"] == pytest.approx(w.mean(), abs=1e-13)
        assert found[f"covariance[{year}]"] == pytest.approx(((s - s.mean()) * (w - w.mean())).sum(), abs=1e-13)


def test_groups_by_hand() -> None:
    """Inside and across of one year, and of a change, from the groups' own decompositions."""
    rows = panel()
    levels, change = terms(answer(rows, by="nace")), terms(answer(rows, by="nace", method="melitz_polanec"))
    total = {year: rows.number("employees")[rows.year == year].sum() for year in YEARS}
    inside = 0.0
    sums = dict.fromkeys(("within", "between", "entry", "exit", "across"), 0.0)
    codes = rows.columns["nace"].codes  # type: ignore[union-attr]
    for code in range(3):
        alone = rows.take(codes == code)
        of = terms(answer(alone))
        moves = by_hand(alone)
        share = {year: alone.number("employees")[alone.year == year].sum() / total[year] for year in YEARS}
        inside += share[2019] * of["covariance[2019]"]
        for name in ("within", "between", "entry", "exit"):
            sums[name] += (share[2018] + share[2023]) / 2 * moves[name]
        middle = (moves["aggregate[2018]"] + moves["aggregate[2023]"]) / 2
        sums["across"] += (share[2023] - share[2018]) * middle
    assert levels["covariance_inside[2019]"] == pytest.approx(inside, abs=1e-13)
    assert {name: change[name] for name in sums} == pytest.approx(sums, abs=1e-13)


def test_a_balanced_panel_has_no_entry_and_no_exit() -> None:
    rows = panel()
    rows = rows.take((rows.firm % 5 > 1) & (rows.year != 2019))
    found = answer(rows, method="melitz_polanec")
    assert (terms(found)["entry"], terms(found)["exit"]) == (0.0, 0.0)
    levels = terms(answer(rows))
    assert terms(found)["within"] == pytest.approx(levels["mean[2023]"] - levels["mean[2018]"], abs=1e-13)
    # That nobody entered is said of all firms of the last year.
    assert found.n_firms_term[found.terms.index("entry")] == np.unique(rows.firm).size


@pytest.mark.parametrize("method", ["olley_pakes", "melitz_polanec"])
@pytest.mark.parametrize("by", [None, "nace"])
def test_influence_is_what_reweighting_a_firm_does(method: str, by: str | None) -> None:
    """The infinitesimal jackknife by brute force: each firm at weight 1 + h and 1 - h."""
    rows, h = panel(firms=30), 1e-5
    found = answer(rows, method=method, by=by)
    for place, firm in enumerate(found.influence_firms):
        moved = []
        for times in (1 + h, 1 - h):
            weight = np.where(rows.firm == firm, times, 1.0)
            again = selection({**_plain(rows), "own": weight}, rows.firm.tolist(), rows.year.tolist())
            moved.append(answer(again, method=method, by=by, sampling_weights="own").coefficients)
        # Central differences of a function with derivatives of order one: h^2 and rounding over h.
        assert (moved[0] - moved[1]) / (2 * h) == pytest.approx(found.influence[place], abs=1e-9)


def test_standard_errors_are_near_the_jackknifes() -> None:
    rows = panel(firms=200)
    found = answer(rows, method="melitz_polanec")
    left_out = np.array([
        list(by_hand(rows.take(rows.firm != firm)).values()) for firm in np.unique(rows.firm)
    ])  # fmt: skip
    n = len(left_out)
    jackknife = np.sqrt((n - 1) / n * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    # Both estimate the same spread to first order; 200 firms with sizes over a factor of fifty leave a tenth.
    assert found.std_errors == pytest.approx(jackknife, rel=0.1)


def test_the_mean_of_one_year_has_the_textbooks_error() -> None:
    rows = panel()
    rows = rows.take(rows.year == 2019)
    found = answer(rows)
    w = rows.number("tfp")
    place = found.terms.index("mean[2019]")
    assert found.std_errors[place] == pytest.approx(w.std(ddof=1) / np.sqrt(w.size), rel=1e-12)
    assert found.errors.df == w.size - 1


def first_stage(rows: Selection, *, groups: int = 1, seed: int = 2) -> tuple[ProductivityFit, FloatArray]:
    """A column y - x theta, whose theta has influence functions."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows.rows.size, 2)) + rows.number("tfp")[:, None]
    group_of_row = rows.firm % groups
    fits = []
    for number in range(groups):
        firms = np.unique(rows.firm[group_of_row == number])
        fits.append(group_fit(firms, 0.02 * random.normal(size=(firms.size, 2)), group=(("g", str(number)),)))
    return productivity(rows.number("tfp"), -x, fits, group_of_row.tolist()), x


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("by", [None, "nace"])
@pytest.mark.parametrize("method", ["olley_pakes", "melitz_polanec"])
def test_the_first_stage_is_carried_over(method: str, by: str | None, groups: int) -> None:
    """T(dw/dtheta) by numerical derivatives of the whole decomposition."""
    rows = panel()
    stage, x = first_stage(rows, groups=groups)
    found = answer(rows, stage, method=method, by=by)
    assert found.errors.tfp_uncertainty == "include"
    expected = answer(rows, method=method, by=by).influence.copy()
    h = 1e-6
    for number, group in enumerate(stage.groups):
        for parameter in range(2):
            moved = []
            for step in (h, -h):
                tfp = rows.number("tfp") - step * x[:, parameter] * (stage.group_of_row == number)
                again = selection({**_plain(rows), "tfp": tfp}, rows.firm.tolist(), rows.year.tolist())
                moved.append(answer(again, method=method, by=by).coefficients)
            slope = (moved[0] - moved[1]) / (2 * h)
            expected[group.influence_firms] += np.outer(group.influence[:, parameter], slope)
    # The outcome enters linearly: only rounding over h is left.
    assert found.influence == pytest.approx(expected, abs=1e-9)
    n = len(expected)
    assert found.covariance == pytest.approx(n / (n - 1) * expected.T @ expected, abs=1e-9)
    assert any("cannot be compared" in note for note in found.notes) == (groups > 1)


def test_ignored_is_said() -> None:
    rows = panel()
    stage, _ = first_stage(rows)
    found = answer(rows, stage, tfp_uncertainty="ignore")
    assert found.std_errors == pytest.approx(answer(rows).std_errors, rel=1e-12)
    assert found.errors.tfp_uncertainty == "ignore"
    assert any("as data" in note for note in found.notes)


@pytest.mark.parametrize("method", ["olley_pakes", "melitz_polanec"])
def test_what_must_not_matter(method: str) -> None:
    """Units of the outcome and of the activity, the order and the names of firms."""
    rows = panel()
    found = answer(rows, method=method, by="nace")
    shifted = {**_plain(rows), "tfp": rows.number("tfp") + np.log(1e6), "employees": 1e-3 * rows.number("employees")}
    firm = np.random.default_rng(1).permutation(1000)[rows.firm]
    order = np.lexsort((rows.year, firm))
    again = selection(
        {name: [values[place] for place in order] for name, values in shifted.items()},
        firm[order].tolist(),
        rows.year[order].tolist(),
    )
    other = answer(again, method=method, by="nace")
    level = np.array([name.startswith(("aggregate[", "mean[")) for name in found.terms])
    # Fourteen is added to numbers of order one: two digits of sixteen are gone.
    assert other.coefficients - np.log(1e6) * level == pytest.approx(found.coefficients, abs=1e-12)
    assert other.std_errors == pytest.approx(found.std_errors, rel=1e-10)


def test_clusters_coarser_than_the_firm() -> None:
    rows = panel()
    stage, _ = first_stage(rows)
    found = answer(rows, stage, errors=Errors("cluster", (("nace",),)))
    assert found.errors.clusters == {"nace": 3}
    assert found.errors.tfp_uncertainty == "include"
    sums = np.zeros((3, len(found.terms)))
    np.add.at(sums, np.arange(60) % 3, found.influence)
    assert found.covariance == pytest.approx(3 / 2 * sums.T @ sums, abs=1e-12)


def test_what_was_left_out_is_counted() -> None:
    rows = panel()
    tfp, employees = rows.number("tfp").copy(), rows.number("employees").copy()
    tfp[(rows.firm == 2) & (rows.year == 2023)] = np.nan
    employees[(rows.firm == 3) & (rows.year == 2018)] = np.nan
    again = selection({**_plain(rows), "tfp": tfp, "employees": employees}, rows.firm.tolist(), rows.year.tolist())
    found = answer(again, method="melitz_polanec")
    assert found.dropped == {"other years than 2018 and 2023": 60, "tfp is missing": 1, "employees is missing": 1}
    assert found.n_obs + sum(found.dropped.values()) == rows.rows.size
    assert found.notes[:2] == (
        "1 firm counts as entering with a row in 2018 that lacks tfp or a positive employees",
        "1 firm counts as leaving with a row in 2023 that lacks tfp or a positive employees",
    )


def test_a_firm_that_changes_group_leaves_one_and_enters_another() -> None:
    found = answer(panel(switch=True), method="melitz_polanec", by="nace")
    assert any(note.startswith("1 firm changes nace: each counts as an exit where it leaves") for note in found.notes)
    same = answer(panel(switch=True), method="melitz_polanec")
    place = same.terms.index("within")
    assert found.n_firms_term[place] == same.n_firms_term[place] - 1


@pytest.mark.parametrize(
    ("change", "keys", "words"),
    [
        ({"employees": -1.0}, {}, "employees is negative in"),
        ({"employees": np.inf}, {}, "employees is infinite in"),
        ({"employees": 0.0}, {}, "a positive employees"),
        ({"tfp": np.nan}, {}, "no row has both tfp and employees"),
        ({}, {"years": (2020, 2023)}, "no row of 2020 has .*; the years that have: 2018, 2019, 2023"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_named(change: dict[str, float], keys: dict[str, Any], words: str) -> None:
    rows = panel()
    columns = {**_plain(rows), **{name: np.full(rows.rows.size, value) for name, value in change.items()}}
    with pytest.raises(EstimationError, match=words):
        answer(selection(columns, rows.firm.tolist(), rows.year.tolist()), **keys)


def changed(rows: Selection, **columns: FloatArray | list[str]) -> Selection:
    """Return the rows with other columns, or more of them."""
    return selection({**_plain(rows), **columns}, rows.firm.tolist(), rows.year.tolist())


@pytest.mark.parametrize("method", ["olley_pakes", "melitz_polanec"])
@pytest.mark.parametrize("by", [None, "half"])
def test_firms_without_activity_are_left_out_and_counted(method: str, by: str | None) -> None:
    """An activity that one firm has makes that firm's own value of the aggregate: one firm is counted behind it."""
    rows = changed(panel(), half=["ab"[int(firm) % 2] for firm in panel().firm])
    own = np.where(np.isin(rows.firm, (2, 3, 12)), rows.number("employees"), 0.0)
    idle = changed(rows, employees=own, half=["ab"[int(firm) == 3] for firm in rows.firm])
    found = answer(idle, method=method, by=by)
    few = answer(idle.take(own > 0), method=method, by=by)
    np.testing.assert_array_equal(found.coefficients, few.coefficients)
    np.testing.assert_array_equal(found.std_errors, few.std_errors)
    # One group holds two of the three, and what happens inside is theirs.
    assert set(found.n_firms_term.tolist()) == ({2, 3} if by else {3})
    assert found.n_firms == 3
    assert found.dropped["employees is zero"] + found.n_obs + found.dropped.get(
        "other years than 2018 and 2023", 0
    ) == len(rows.firm)


@pytest.mark.parametrize("method", ["olley_pakes", "melitz_polanec"])
def test_one_firm_alone_is_refused(method: str) -> None:
    rows = panel()
    with pytest.raises(EstimationError, match="one firm alone has tfp and a positive employees"):
        answer(changed(rows, employees=np.where(rows.firm == 2, 1.0, 0.0)), method=method)


@pytest.mark.parametrize("method", ["olley_pakes", "melitz_polanec"])
def test_one_firm_alone_in_a_year_is_counted_and_has_no_error(method: str) -> None:
    rows = panel()
    one = (rows.firm == 2) & (rows.year == 2018)
    activity = np.where(one | (rows.year != 2018), rows.number("employees"), 0.0)
    found = answer(changed(rows, employees=activity), method=method)
    place = found.terms.index("aggregate[2018]")
    assert found.coefficients[place] == pytest.approx(rows.number("tfp")[one][0], abs=1e-13)
    assert found.n_firms_term[place] == 1
    assert np.isnan([found.std_errors[place], found.conf_low[place], found.conf_high[place]]).all()
    assert found.std_errors[found.terms.index("aggregate[2023]")] > 0.01
    said = " ".join(found.notes)
    assert "one firm stands behind aggregate[2018], " in said
    assert "one firm holds all of employees in 2018" in said


def test_nobody_enters_and_nobody_leaves() -> None:
    """Firms without activity in a year are not there: nobody with any enters, and zero is no estimate."""
    rows = panel()
    there = (rows.firm % 5 > 1) & (rows.year != 2019)
    found = answer(changed(rows, employees=np.where(there, rows.number("employees"), 0.0)), method="melitz_polanec")
    for term in ("entry", "exit"):
        place = found.terms.index(term)
        assert found.coefficients[place] == 0.0
        assert np.isnan([found.std_errors[place], found.conf_low[place], found.conf_high[place]]).all()
        assert found.n_firms_term[place] == 36
    assert "nobody enters: entry is zero because nobody is there, and has no standard error" in found.notes
    assert "nobody leaves: exit is zero because nobody is there, and has no standard error" in found.notes
    # One of them has no activity in one of the two years: it enters.
    lost = changed(rows, employees=np.where(there & ~((rows.firm == 2) & (rows.year == 2018)), 1.0, 0.0))
    found = answer(lost, method="melitz_polanec")
    assert (found.stats["n_entrants"], found.stats["n_exiters"]) == (1, 0)
    assert found.n_firms_term[found.terms.index("entry")] == 1
    assert "1 firm counts as entering with a row in 2018 that lacks tfp or a positive employees" in found.notes


@pytest.mark.parametrize(("times", "told"), [(1.2, "50"), (4.0, "75"), (20.0, "90"), (1e6, "99")])
def test_a_firm_that_holds_most_of_a_year_is_told(times: float, told: str) -> None:
    rows = panel()
    activity = rows.number("employees").copy()
    assert not any("one firm holds" in note for note in answer(rows).notes)
    big = (rows.firm == 2) & (rows.year == 2019)
    activity[big] = times * activity[(rows.firm != 2) & (rows.year == 2019)].sum()
    notes = [note for note in answer(changed(rows, employees=activity)).notes if "one firm holds" in note]
    assert len(notes) == 1
    assert notes[0].startswith(f"one firm holds more than {told} per cent of employees in 2019: ")
    entered = (rows.firm == 5) & (rows.year == 2023)
    activity = rows.number("employees").copy()
    activity[entered] = 3 * activity[(rows.firm % 5 == 0) & (rows.year == 2023) & ~entered].sum()
    found = answer(changed(rows, employees=activity), method="melitz_polanec")
    assert any("of employees of the entrants: " in note for note in found.notes)


@pytest.mark.parametrize("unit", [2.0**1010, 2.0**-900])
@pytest.mark.parametrize("method", ["olley_pakes", "melitz_polanec"])
def test_activities_at_the_ends_of_what_numbers_hold(method: str, unit: float) -> None:
    """Sums of the activity and its products with sampling weights are no numbers here; shares are."""
    rows = panel()
    found = answer(rows, method=method, sampling_weights="weight")
    far = changed(rows, employees=rows.number("employees") * unit, weight=rows.number("weight") * unit)
    same = answer(far, method=method, sampling_weights="weight")
    np.testing.assert_array_equal(same.coefficients, found.coefficients)
    np.testing.assert_array_equal(same.std_errors, found.std_errors)
    assert same.n_obs == found.n_obs


def test_groups_of_one_firm() -> None:
    rows = panel()
    with pytest.raises(EstimationError, match="by: no own holds two firms of one year"):
        answer(changed(rows, own=[f"f{firm}" for firm in rows.firm]), by="own")
    with pytest.raises(EstimationError, match="by: no own holds two firms of one year"):
        answer(changed(rows, own=[f"f{firm}" for firm in rows.firm]), by="own", method="melitz_polanec")
    found = answer(changed(rows, own=["alone" if firm == 2 else "other" for firm in rows.firm]), by="own")
    assert "3 of 6 groups of own by year hold one firm: there is no covariance inside these" in found.notes
    # Of a group of two among single ones, what happens inside is that of two firms.
    pair = changed(rows, own=["pair" if firm in (2, 3) else f"f{firm}" for firm in rows.firm])
    few = answer(pair, by="own")
    behind = dict(zip(few.terms, few.n_firms_term.tolist(), strict=True))
    assert (behind["covariance_inside[2019]"], behind["covariance[2019]"]) == (2, 60)
    few = answer(pair.take(rows.firm % 5 > 1), by="own", method="melitz_polanec")
    behind = dict(zip(few.terms, few.n_firms_term.tolist(), strict=True))
    assert (behind["between"], behind["within"]) == (2, 36)
    # A year whose groups hold one firm each has no covariance inside, and zero no error.
    last = [f"f{firm}" if year == 2019 else "all" for firm, year in zip(rows.firm, rows.year, strict=True)]
    found = answer(changed(rows, own=last), by="own")
    errors = dict(zip(found.terms, found.std_errors.tolist(), strict=True))
    assert np.isnan(errors["covariance_inside[2019]"])
    assert errors["covariance_inside[2018]"] > 0.01


def test_a_log_in_the_place_of_an_activity_is_told() -> None:
    rows = panel(200)
    logs = np.log(rows.number("employees"))
    above = answer(changed(rows, employees=logs - logs.min() + 0.1))
    assert any(note.startswith("employees looks like the log of an amount") for note in above.notes)
    with pytest.raises(
        EstimationError,
        match=r"employees is negative in .* by where.* looks like the log of an amount",
    ):
        answer(changed(rows, employees=logs - 2.0))
    for activity in (rows.number("employees"), rows.number("employees") / 1000, np.round(logs - logs.min() + 1)):
        assert not any("log of an amount" in note for note in answer(changed(rows, employees=activity)).notes)


@pytest.mark.parametrize("how", ["missing", "zero"])
def test_the_column_that_empties_a_year_is_named(how: str) -> None:
    rows = panel()
    weight = rows.number("weight").copy()
    weight[rows.year == 2018] = np.nan if how == "missing" else 0.0
    with pytest.raises(EstimationError, match=f"^weight is {how} in every row of 2018 that has what else"):
        answer(changed(rows, weight=weight), sampling_weights="weight")


def test_nobody_survives() -> None:
    rows = panel()
    alone = rows.take((rows.firm % 2 == 0) == (rows.year == 2018))
    with pytest.raises(EstimationError, match="no survivor"):
        answer(alone, method="melitz_polanec", years=(2018, 2023))
    codes = rows.columns["nace"].codes  # type: ignore[union-attr]
    without = rows.take((codes != 1) | (rows.year != 2018))
    with pytest.raises(EstimationError, match="no firm of nace B"):
        answer(without, method="melitz_polanec", years=(2018, 2023), by="nace")
    one = rows.take(rows.year == 2018)
    with pytest.raises(EstimationError, match="a change needs two years"):
        answer(one, method="melitz_polanec")


def bound(path: Path, text: str) -> tuple[Options | None, tuple[Problem, ...]]:
    file = path / "model.yaml"
    file.write_text(text, encoding="utf-8")
    node, problems = read(file)
    assert node is not None
    assert not problems
    return bind(Options, node, "models.m")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("outcome: tfp\nweights: tfp", "2:10", "is the outcome"),
        ("outcome: tfp\nweights: w\nsampling_weights: w", "3:19", '"w" is weights and sampling_weights'),
        ("outcome: tfp\nweights: w\nsampling_weights: tfp", "3:19", "is the outcome"),
        ("outcome: tfp\nweights: employees\nerrors: HC1", "3:9", "write {cluster: [firm]}"),
        ("outcome: tfp\nweights: employees\nby: year", "3:5", "a group holds several firms"),
        ("outcome: tfp\nweights: employees\nmethod: melitz_polanec\nyears: [2020, 2020]", "4:8", "the same year"),
        ("outcome: tfp\nweights: employees\nmethod: foster", "3:9", "olley_pakes"),
        ("outcome: tfp", "1:1", "weights"),
        ("outcome: tfp\nweights: employees\nsampling_weigths: w", "3:1", "sampling_weights"),
    ],
)
def test_mistakes_have_their_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    _, problems = bound(tmp_path, text + "\n")
    assert len(problems) == 1
    assert f"{problems[0].position.line}:{problems[0].position.column}" == place
    assert words in str(problems[0])


def test_columns_and_equations(tmp_path: Path) -> None:
    text = (
        "outcome: tfp\nweights: employees\nby: nace\nmethod: melitz_polanec\nsampling_weights: weight\n"
        "errors: {cluster: [firm, region]}\n"
    )
    options, _ = bound(tmp_path, text)
    assert options is not None
    assert columns(options) == ("tfp", "employees", "weight", "nace", "region")
    assert "change = within + between + entry + exit + across" in equations(options)


def test_every_design_says_what_the_plan_asks() -> None:
    minimal: dict[str, dict[str, Any]] = {
        "cross_section": {"formula": "y ~ x"},
        "fixed_effects": {"formula": "y ~ x | firm"},
        "did": {"outcome": "y", "adoption": {"indicator": "x"}},
        "long_difference": {"outcome": "y", "window": [2020, 2023], "formula": "x"},
        "decomposition": {"outcome": "y", "weights": "x"},
        "distribution": {"outcome": "y", "by": "x"},
        "descriptives": {"of": ("y",), "by": "x"},
        "adoption_rates": {"items": ("y",), "weights": "x"},
    }
    assert minimal.keys() == DESIGNS.keys()
    for name, entry in DESIGNS.items():
        options = entry.options.model_validate(minimal[name])
        assert isinstance(options, ModelOptions)
        # Every item of a survey, every column described is an outcome: none that a first stage could be carried to.
        own = [] if entry.respondents or name == "descriptives" else ["y"]
        assert options.outcome_column == "".join(own)
        assert {use.name for use in options.uses() if use.wants != "levels"} >= {"x", "y"}
        assert [use.name for use in options.uses() if use.outcome] == own


def _plain(rows: Selection) -> dict[str, Any]:
    found: dict[str, Any] = {name: rows.number(name) for name in ("tfp", "employees", "weight")}
    text = rows.columns["nace"]
    return {**found, "nace": [text.levels[code] for code in text.codes]}  # type: ignore[union-attr]


def test_years_bound_the_levels() -> None:
    found = answer(panel(), years=(2019, 2023))
    assert [name for name in found.terms if name.startswith("mean")] == ["mean[2019]", "mean[2023]"]
    assert found.dropped["outside the years 2019 and 2023"] == 48
    assert replace(found).stats == {"first_year": 2019, "last_year": 2023}


@pytest.mark.parametrize("method", ["olley_pakes", "melitz_polanec"])
def test_the_whole_chain_moves_as_its_influence_says(method: str) -> None:
    """Both stages re-estimated with one firm at weight 1 + h and 1 - h: productivity, then its decomposition."""
    rows, h = simulate(120, 3), 1e-4
    rows = with_columns(rows, employees=np.exp(rows.number("l")))

    def chain(times: FloatArray) -> Estimates:
        weighted = with_columns(rows, own=times)
        # Just identified: no weight matrix moves with the firms, so that the influence is the exact derivative.
        stage = fitted(weighted, wlp, degree=1, weights="own")
        asked = Options(outcome="tfp", weights="employees", sampling_weights="own", method=method, years=(2016, 2020))
        return fit("agg", asked, with_columns(weighted, tfp=stage.values), stage)

    found = chain(np.ones(rows.rows.size))
    assert found.errors.tfp_uncertainty == "include"
    for firm in (0, 17, 60, 119):
        moved = [chain(np.where(rows.firm == firm, 1 + step, 1.0)).coefficients for step in (h, -h)]
        place = int(np.flatnonzero(found.influence_firms == firm)[0])
        # Central differences: h^2, and rounding of TFP over h.
        assert (moved[0] - moved[1]) / (2 * h) == pytest.approx(found.influence[place], abs=1e-8)


def test_a_cluster_that_holds_a_whole_year_is_refused() -> None:
    rows = panel()
    copy = selection({**_plain(rows), "wave": rows.year.astype(float)}, rows.firm.tolist(), rows.year.tolist())
    with pytest.raises(EstimationError, match="all rows of 2018 lie in one cluster of wave"):
        answer(copy, errors=Errors("cluster", (("wave",),)))
    with pytest.raises(EstimationError, match="all rows of 2018 lie in one cluster of wave"):
        answer(copy, errors=Errors("cluster", (("firm",), ("wave",))))


def test_who_stands_behind_entry_exit_and_survivors() -> None:
    rows = panel()
    found = answer(rows, method="melitz_polanec")
    a, first, last = rows.number("employees"), rows.year == 2018, rows.year == 2023
    enter, leave = rows.firm % 5 == 0, rows.firm % 5 == 1
    assert {name: found.stats[name] for name in ("n_survivors", "n_entrants", "n_exiters")} == {
        "n_survivors": 36, "n_entrants": 12, "n_exiters": 12,
    }  # fmt: skip
    assert found.stats["share_entrants"] == pytest.approx(a[last & enter].sum() / a[last].sum(), abs=1e-13)
    assert found.stats["share_exiters"] == pytest.approx(a[first & leave].sum() / a[first].sum(), abs=1e-13)
    assert found.stats["share_survivors_first"] == pytest.approx(1 - found.stats["share_exiters"], abs=1e-13)
    assert found.stats["share_survivors_last"] == pytest.approx(1 - found.stats["share_entrants"], abs=1e-13)
    assert "n_entrants" not in answer(rows).stats


@pytest.mark.parametrize(
    ("written", "what", "advice"),
    [
        ("HC1", '"HC1" takes rows for independent', "write {cluster: [firm]}, or {bootstrap: {cluster: [firm]}}"),
        ("{cluster: [year]}", "clusters of years", "write {cluster: [firm]}"),
        ("{cluster: [firm, year]}", "clusters of years", "write {cluster: [firm]}"),
        ("{cluster: [nace^year]}", "clusters of nace^year cut through firms",
         "write {cluster: [firm]}, or {cluster: [firm, nace^year]}"),
    ],
)  # fmt: skip
def test_errors_that_a_decomposition_does_not_have(tmp_path: Path, written: str, what: str, advice: str) -> None:
    _, (problem,) = bound(tmp_path, f"outcome: tfp\nweights: employees\nerrors: {written}\n")
    assert (problem.what, problem.advice) == (what, advice)
    assert problem.position.line == 3


def test_errors_that_it_has(tmp_path: Path) -> None:
    for written in ("{cluster: [firm, nace^year]}", "{bootstrap: {draws: 99}}"):
        options, problems = bound(tmp_path, f"outcome: tfp\nweights: employees\nerrors: {written}\n")
        assert not problems
        assert options is not None
