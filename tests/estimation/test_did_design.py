"""What a difference-in-differences does with its firms (dated, left out, counted), and laws its estimators keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from estimation.designs.did import Options, columns, equations, fit
from estimation.designs.did_keys import ESTIMATORS as NAMES
from estimation.did.honest import relative_magnitudes, smoothness
from estimation.results import Estimates, FloatArray
from panels.frame import Selection
from specs.adoption import Adoption
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tests.estimation.rows import did_panel, group_fit, productivity, selection


def estimate(rows: Selection, first: Any = None, **keys: Any) -> Estimates:
    keys = {"outcome": "y", "adoption": {"cohort": "cohort"}, **keys}
    return fit("m", Options.model_validate(keys), rows, first)


def values(found: Estimates) -> dict[str, float]:
    return dict(zip(found.terms, found.coefficients.tolist(), strict=True))


def panel(seed: int, firms: int = 60, *, y: FloatArray | None = None, gaps: float = 0.15) -> Selection:
    """A panel of 2017 to 2022 with cohorts 2019, 2020, 2021 and firms never treated, some rows missing."""
    draw = np.random.default_rng(seed)
    firm, year = np.repeat(np.arange(firms), 6), np.tile(np.arange(2017, 2023), firms)
    cohort = np.array([np.nan, np.nan, 2019.0, 2020.0, 2021.0])[np.arange(firms) % 5][firm]
    x = draw.normal(size=firms)[firm]
    there = draw.random(firm.size) > gaps
    effect = np.where(year >= cohort, 0.1 * (year - cohort + 1), 0.0)
    outcome = x + 0.05 * year + effect + draw.normal(size=firm.size) * 0.3 if y is None else y
    columns = {
        "y": outcome, "cohort": cohort, "x": x, "w": draw.uniform(0.5, 2, firms)[firm],
        "ai": np.where(year >= cohort, 1.0, 0.0), "nace": [("A", "B")[i % 2] for i in firm],
    }  # fmt: skip
    kept = np.flatnonzero(there)
    return selection(
        {name: [one[i] for i in kept] if isinstance(one, list) else one[kept] for name, one in columns.items()},
        firm[kept], year[kept],
    )  # fmt: skip


def with_y(rows: Selection, y: FloatArray) -> Selection:
    names = {name: rows.number(name) for name in ("cohort", "x", "w", "ai")}
    nace = rows.columns["nace"]
    text = [nace.levels[code] for code in nace.codes]  # type: ignore[union-attr]
    return selection({"y": y, **names, "nace": text}, rows.firm, rows.year)


@pytest.mark.parametrize("estimator", NAMES)
@pytest.mark.parametrize("keys", [{}, {"covariates": ("x",)}, {"weights": "w"}, {"control_group": "not_yet_treated"}])
def test_an_estimator_is_linear_in_its_outcome(estimator: str, keys: dict[str, Any]) -> None:
    """T of the correction for an estimated outcome: the same estimator on another outcome gives shares' z."""
    rows = panel(1)
    if estimator in ("twfe", "event_study", "sun_abraham", "imputation") and "control_group" in keys:
        keys = {}
    draw = np.random.default_rng(5)
    gradient, psi = draw.normal(size=(len(rows.rows), 2)), 0.01 * draw.normal(size=(60, 2))
    first = productivity(rows.number("y"), gradient, [group_fit(np.arange(60), psi)])
    found = estimate(rows, first, estimator=estimator, **keys)
    plain = estimate(rows, first, estimator=estimator, tfp_uncertainty="ignore", **keys)
    assert (found.errors.tfp_uncertainty, plain.errors.tfp_uncertainty) == ("include", "ignore")
    moved = np.column_stack([
        estimate(with_y(rows, gradient[:, number]), estimator=estimator, **keys).coefficients for number in (0, 1)
    ])  # fmt: skip
    place = np.searchsorted(plain.influence_firms, np.arange(60))
    naive = np.zeros((60, len(plain.terms)))
    seen = np.isin(np.arange(60), plain.influence_firms)
    naive[seen] = plain.influence[place[seen]]
    assert found.influence == pytest.approx(naive + psi @ moved.T, abs=1e-11)


@pytest.mark.parametrize("estimator", NAMES)
def test_units_order_and_names_do_not_matter(estimator: str) -> None:
    rows = panel(2)
    found = estimate(rows, estimator=estimator, covariates=("x",))
    turned = selection(
        {"y": 1e3 * rows.number("y") - 7, "cohort": rows.number("cohort"), "x": 1e4 * rows.number("x") + 3},
        99 - rows.firm, rows.year,
    )  # fmt: skip
    order = np.lexsort([turned.year, turned.firm])
    again = estimate(turned.take(order), estimator=estimator, covariates=("x",))  # type: ignore[arg-type]
    assert again.terms == found.terms
    assert again.coefficients == pytest.approx(1e3 * found.coefficients, abs=1e-6)
    assert again.std_errors == pytest.approx(1e3 * found.std_errors, rel=1e-7)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_no_effect_is_found_where_there_is_none(seed: int) -> None:
    """Firm and year effects alone: every effect is zero, whatever is missing."""
    rows = panel(seed, gaps=0.2)
    draw = np.random.default_rng(seed)
    rows = with_y(rows, draw.normal(size=60)[rows.firm] + draw.normal(size=6)[rows.year - 2017])
    for estimator in NAMES:
        found = estimate(rows, estimator=estimator)
        assert found.coefficients == pytest.approx(np.zeros(len(found.terms)), abs=1e-9), estimator


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_the_same_effect_everywhere_is_found_by_all(seed: int) -> None:
    rows = panel(seed, gaps=0.2)
    draw = np.random.default_rng(seed)
    y = draw.normal(size=60)[rows.firm] + draw.normal(size=6)[rows.year - 2017] + 0.25 * rows.number("ai")
    for estimator in NAMES:
        found = values(estimate(with_y(rows, y), estimator=estimator))
        assert found["att[simple]"] == pytest.approx(0.25, abs=1e-9), estimator


def test_rows_in_are_rows_used_and_dropped() -> None:
    rows = panel(3)
    for estimator in NAMES:
        found = estimate(rows, estimator=estimator)
        assert found.n_obs + sum(found.dropped.values()) == len(rows.rows), estimator


def yearly(*answers: str, start: int = 2018) -> Selection:
    """A firm a text: 1, 0 or . (missing) in the years from `start` on."""
    cells = [(firm, start + place, cell) for firm, text in enumerate(answers) for place, cell in enumerate(text)]
    draw = np.random.default_rng(0)
    return selection(
        {"y": draw.normal(size=len(cells)), "ai": [np.nan if cell == "." else float(cell) for *_, cell in cells]},
        [firm for firm, *_ in cells], [year for _, year, _ in cells],
    )  # fmt: skip


def test_a_yearly_indicator_dates_firms() -> None:
    rows = yearly("0011", "0000", "0000", "1111", "0010", "....", ".011", ".111", "0001")
    found = estimate(rows, adoption={"indicator": "ai"})
    assert "treatment begins in 2020 2 firms, in 2021 1 firm; never: 2 firms" in found.notes
    assert {reason: count for reason, count in found.dropped.items() if "left out" in reason} == {
        "firm left out: ai is missing in every year": 4,
        "firm left out: treated, then not (reversal)": 4,
        "firm left out: treated already when first seen, since when is not known": 8,
    }
    kept = estimate(rows, adoption={"indicator": "ai", "reversals": "absorbing"})
    assert "treatment begins in 2020 3 firms, in 2021 1 firm; never: 2 firms" in kept.notes
    last = estimate(rows, adoption={"indicator": "ai", "reversals": "keep"})
    assert "treatment begins in 2020 2 firms, in 2021 1 firm; never: 3 firms" in last.notes


def waves() -> Selection:
    """Years 2018 to 2024, asked in 2021 and 2023; the first digit answers 2021, the second 2023."""
    return yearly(*(f"...{one}.{two}." for one, two in ("01", "01", "00", "00", "00", "11", "10", ".1", "0.")))


def test_adoption_between_waves() -> None:
    """Base year 2020; 2021 and 2022 unsure for adopters; users in 2021, reversals and firms not asked twice leave."""
    adoption = {"indicator": "ai", "waves": [2021, 2023]}
    found = estimate(waves(), adoption=adoption)
    assert found.terms == ("att[simple]", "pre[2018]", "pre[2019]")
    y, year, firm = waves().number("y"), waves().year, waves().firm

    def change(firms: range, later: int) -> float:
        return float(np.mean([y[(firm == one) & (year == later)] - y[(firm == one) & (year == 2020)] for one in firms]))

    for term, later in (("att[simple]", 2023), ("pre[2018]", 2018), ("pre[2019]", 2019)):
        assert values(found)[term] == pytest.approx(change(range(2), later) - change(range(2, 5), later), abs=1e-13)
    assert {reason: count for reason, count in found.dropped.items() if "left out" in reason} == {
        "firm left out: not seen in every wave (2021, 2023)": 14,
        "firm left out: yes in a wave, no in a later one (reversal)": 7,
        "firm left out: users in 2021 already": 7,
    }
    nearer = values(estimate(waves(), adoption={**adoption, "base_year": 2021}))
    assert set(nearer) == {"att[simple]", "pre[2018]", "pre[2019]", "pre[2020]"}
    absorbing = estimate(waves(), adoption={**adoption, "reversals": "absorbing"})
    assert absorbing.dropped["firm left out: users in 2021 already"] == 14
    last = estimate(waves(), adoption={**adoption, "reversals": "keep"})
    assert "treatment begins in 2023 2 firms; never: 4 firms" in last.notes


def test_early_and_late_dates_halve_a_constant_effect() -> None:
    """Half adopt in 2022, half in 2023, the effect is 0.10: both datings give 0.05 at event time 0."""
    firm, year = np.repeat(np.arange(400), 7), np.tile(np.arange(2017, 2024), 400)
    began = np.where(firm < 100, 2022, np.where(firm < 200, 2023, 9999))
    rows = selection(
        {"y": 0.1 * (year >= began), "ai": np.where(np.isin(year, (2021, 2023)), (year >= began) * 1.0, np.nan)},
        firm,
        year,
    )
    for dating in ("early", "late"):
        found = values(estimate(rows, adoption={"indicator": "ai", "waves": [2021, 2023], "dating": dating}))
        assert found["event[0]"] == pytest.approx(0.05, abs=1e-12)
    censored = values(estimate(rows, adoption={"indicator": "ai", "waves": [2021, 2023]}))
    assert censored["att[simple]"] == pytest.approx(0.1, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cohort": lambda rows: np.full(len(rows.rows), np.nan)}, "no treated firm is left"),
        ({"cohort": lambda rows: np.full(len(rows.rows), 2020.0)}, "every firm is treated in the end"),
        ({"cohort": lambda rows: np.full(len(rows.rows), 2017.0)}, "no rows are left"),
        ({"cohort": lambda rows: np.where(rows.year > 2019, 2020.0, np.nan)}, "cohort changes within"),
        ({"cohort": lambda rows: np.full(len(rows.rows), 2019.5)}, "cohort is no year"),
        ({"w": lambda rows: -rows.number("w")}, "w is negative"),
    ],
)
def test_what_cannot_be_estimated(change: dict[str, Any], said: str) -> None:
    rows = panel(4)
    names = {name: rows.number(name) for name in ("y", "cohort", "x", "w")}
    changed = selection({**names, **{name: made(rows) for name, made in change.items()}}, rows.firm, rows.year)
    with pytest.raises(EstimationError, match=said):
        estimate(changed, weights="w")


def test_cells_that_cannot_be_estimated_are_named() -> None:
    """Covariates dependent among the controls of one cohort, and another without overlap."""
    rows = panel(6, gaps=0.0)
    x = np.where(rows.number("cohort") == 2020, 10.0 + rows.number("x"), rows.number("x"))
    apart = selection({"y": rows.number("y"), "cohort": rows.number("cohort"), "x": x}, rows.firm, rows.year)
    found = estimate(apart, covariates=("x",))
    assert any("att[2020,2021]" in note and "no overlap" in note for note in found.notes)
    assert any("% of the treated firms' years" in note for note in found.notes)
    twice = selection(
        {"y": rows.number("y"), "cohort": rows.number("cohort"), "x": rows.number("x"), "v": 2 * rows.number("x")},
        rows.firm, rows.year,
    )  # fmt: skip
    with pytest.raises(EstimationError, match="linearly dependent"):
        estimate(twice, covariates=("x", "v"))


def test_a_cohort_of_one_firm_and_weights_that_vary_are_told() -> None:
    rows = panel(7, gaps=0.0)
    cohort = np.where(rows.firm == 2, 2022.0, rows.number("cohort"))
    weights = np.where((rows.firm == 3) & (rows.year == 2022), 9.0, rows.number("w"))
    changed = selection({"y": rows.number("y"), "cohort": cohort, "w": weights}, rows.firm, rows.year)
    found = estimate(changed, weights="w")
    assert any(note.startswith("1 firm begins in 2022") for note in found.notes)
    assert "w varies within 1 firm: each keeps that of its first year" in found.notes


def test_firms_treated_from_the_start_are_left_out() -> None:
    rows = did_panel()
    cohort = np.where(rows.firm % 50 == 0, 2015.0, rows.number("cohort"))
    changed = selection({"y": rows.number("ln_tfp"), "cohort": cohort}, rows.firm, rows.year)
    found = estimate(changed)
    assert found.dropped["firm left out: treated in the first year of the rows or before it"] == int(
        (rows.firm % 50 == 0).sum()
    )


def test_clusters_coarser_than_the_firm() -> None:
    rows = panel(8)
    found = estimate(rows, errors=Errors("cluster", (("nace",),)))
    by_firm = estimate(rows)
    nace = {int(firm): code for firm, code in zip(rows.firm, rows.columns["nace"].codes, strict=True)}  # type: ignore[union-attr]
    sums = np.zeros((2, len(found.terms)))
    for firm, psi in zip(by_firm.influence_firms, by_firm.influence, strict=True):
        sums[nace[int(firm)]] += psi
    assert found.covariance == pytest.approx(sums.T @ sums, rel=1e-12)
    assert found.errors.clusters == {"nace": 2}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"adoption": "ai"}, "a map is wanted"),
        ({"adoption": {}}, "neither cohort nor indicator"),
        ({"adoption": {"cohort": "g", "indicator": "ai"}}, "cohort beside indicator"),
        ({"adoption": {"cohort": "g", "waves": [2021, 2023]}}, "waves beside cohort"),
        ({"adoption": {"cohort": "g", "never": "no"}}, "a whole number is wanted"),
        ({"adoption": {"indicator": "ai", "waves": [2023, 2021]}}, "from the first to the last"),
        ({"adoption": {"indicator": "ai", "waves": [2021]}}, "two years or more"),
        ({"adoption": {"indicator": "ai", "dating": "early"}}, "dating without waves"),
        ({"adoption": {"indicator": "ai", "waves": [2021, 2023], "base_year": 2022}}, "a base year after 2021"),
        ({"adoption": {"indicator": "ai", "reversals": "drp"}}, "none of drop, keep, absorbing"),
        ({"adoption": {"indikator": "ai"}}, "unknown key"),
        ({"estimator": "callaway"}, "no estimator"),
        ({"estimator": ("twfe", "twfe")}, "stands twice"),
        ({"effects": ("nace",)}, "does not hold the year"),
        ({"effects": ("nace^year",)}, "effects beside callaway_santanna"),
        ({"errors": "HC1"}, "takes rows for independent"),
        ({"errors": {"cluster": ("firm", "year")}}, "two ways of clustering"),
        ({"covariates": ("y",)}, "is the outcome"),
        ({"sensitivity": {"honest": {"smoothness": (-1,)}}}, "is no bound"),
        ({"sensitivity": {"oster": {}}}, "on a difference-in-differences"),
        ({"sensitivity": {"honnest": {}}}, "unknown key"),
        (
            {"adoption": {"indicator": "ai", "waves": (2021, 2023)}, "aggregate": ("event",)},
            "event time of an adoption",
        ),
    ],
)
def test_mistakes_in_the_keys(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Options.model_validate({"outcome": "y", "adoption": {"indicator": "ai"}, **keys})


def test_columns_equations_and_defaults() -> None:
    options = Options.model_validate({
        "outcome": "tfp", "adoption": {"indicator": "ai", "waves": (2021, 2023)}, "covariates": ("ln_l",),
        "estimator": ("callaway_santanna", "twfe"), "effects": ("nace^year",), "weights": "weight",
    })  # fmt: skip
    assert columns(options) == ("tfp", "ai", "ln_l", "nace", "weight")
    assert "att[g,t]" in equations(options)
    assert options.aggregate == ("simple",)
    assert options.model_dump(mode="json")["adoption"] == {
        "indicator": "ai", "reversals": "drop", "waves": [2021, 2023], "dating": "censored"
    }  # fmt: skip
    assert Options.model_validate({"outcome": "y", "adoption": Adoption(cohort="g")}).aggregate == ("simple", "event")


def test_the_same_elsewhere() -> None:
    found = estimate(panel(9), estimator=NAMES, covariates=("x",), weights="w", anticipation=1)
    calls = found.notes[-1].removeprefix("the same elsewhere, g the first treated year: ").split("; ")
    assert calls[0].startswith('did::att_gt("y", "year", "firm", "g", data, xformla = ~x, weightsname = "w"')
    assert calls[0].endswith("cband = FALSE), each cell on the firms seen in its two years")
    assert calls[1].startswith(
        'didimputation::did_imputation(data, "y", "g", "year", "firm", first_stage = ~x:factor(year)'
    )
    assert (
        "~ sunab(g, year, ref.p = -2) + x:factor(year) | firm + year, data, weights = ~w, cluster = ~firm)" in calls[2]
    )
    assert calls[3].startswith(
        "fixest::feols(y ~ i(k, ref = c(-2, -Inf)) + x:factor(year):factor(stack) | firm^stack + year^stack, stacked, "
        "weights = ~w, cluster = ~firm), stacked: for each g (stack) its firms' rows and rows of firms never treated"
    )
    assert "i(k, ref = c(-2, -Inf))" in calls[4]
    assert "y ~ treated + x:factor(year) | firm + year" in calls[5]


def test_estimators_share_one_sample_and_are_set_side_by_side() -> None:
    rows = panel(10)
    found = estimate(rows, estimator=NAMES)
    own = [one for one in found.parts if not one.estimator.endswith(", cells")]
    assert [one.estimator for one in own] == list(NAMES)
    assert len({one.n_obs for one in own}) == 1
    assert found.n_obs + sum(found.dropped.values()) == len(rows.rows)
    alone = estimate(rows.take(np.isin(rows.rows, rows.rows)), estimator="callaway_santanna")
    assert alone.n_obs >= found.n_obs
    # With cells of their own all weigh by treated rows: imputation's own average does that already.
    stats = {one.estimator: dict(zip(one.terms, one.coefficients, strict=True)) for one in own}
    assert found.stats["common_imputation"] == pytest.approx(stats["imputation"]["att[simple]"], abs=1e-12)
    assert found.stats["common_twfe"] == stats["twfe"]["att[simple]"]
    # Effects that grow and differ by cohort: two-way fixed effects is apart from the others.
    y = rows.number("x") + np.where(
        rows.year >= rows.number("cohort"), 1.0 * (rows.year - rows.number("cohort") + 1), 0.0
    )
    noise = 0.01 * np.random.default_rng(1).normal(size=len(y))
    apart = estimate(with_y(rows, y + noise), estimator=("callaway_santanna", "twfe"))
    assert apart.stats["spread_in_std_errors"] > 2  # type: ignore[operator]
    assert any(note.startswith("the estimators differ: callaway_santanna and twfe by") for note in apart.notes)


def test_honest_intervals_are_those_of_the_event_times() -> None:
    rows = did_panel()
    keys = {"outcome": "ln_tfp", "sensitivity": {"honest": {"relative_magnitudes": (0.5, 1.0), "smoothness": (0.01,)}}}
    found = estimate(rows, **keys)
    assert found.sensitivity is not None
    honest, events = found.sensitivity["honest"], [term for term in found.terms if term.startswith("event")]
    at = [found.terms.index(term) for term in events]
    given = found.coefficients[at], found.covariance[np.ix_(at, at)], 5, 3
    for one, other in zip(honest["relative_magnitudes"], relative_magnitudes(*given, None, (0.5, 1.0)), strict=True):
        assert (one["conf_low"], one["conf_high"]) == (other.low, other.high)
    (smooth,) = smoothness(*given, None, (0.01,))
    assert honest["smoothness"][0]["conf_low"] == smooth.low
    assert honest["target"] == "event[0]"
    half, most = found.sensitivity["pretest"]["slopes"]
    assert 0 < half["joint"] < most["joint"]
    assert any(note.startswith("zero is among the values of event[0] from") for note in found.notes)


def test_between_waves_every_unsure_year_is_a_step() -> None:
    keys = {"outcome": "ln_tfp", "adoption": {"indicator": "ai", "waves": [2021, 2023]}}
    found = estimate(
        did_panel(), **keys, sensitivity={"honest": {"relative_magnitudes": (0.5,), "smoothness": (0.01,)}}
    )
    assert found.sensitivity is not None
    honest = found.sensitivity["honest"]
    at = [found.terms.index(term) for term in ("pre[2017]", "pre[2018]", "pre[2019]", "att[simple]")]
    (one,) = relative_magnitudes(found.coefficients[at], found.covariance[np.ix_(at, at)], 3, 1, None, (1.5,))
    assert honest["relative_magnitudes"][0]["conf_low"] == one.low
    assert (honest["steps"], honest["smoothness"]) == (3, [])
    assert any(note.startswith("no smoothness bounds") for note in found.notes)


def test_honest_intervals_need_effects_before_treatment() -> None:
    found = estimate(panel(1), estimator="imputation", sensitivity={"honest": {}})
    assert found.sensitivity is None
    assert any(note.startswith("no honest intervals: there are no effects before") for note in found.notes)


def exact(cohorts: dict[float, int], never: int, years: range = range(2015, 2023)) -> Selection:
    """Firms of these cohorts over these years, without noise; the effect is exactly one."""
    of_firm = np.array([cohort for cohort, many in cohorts.items() for _ in range(many)] + [np.nan] * never)
    firm, year = np.repeat(np.arange(of_firm.size), len(years)), np.tile(np.array(years), of_firm.size)
    y = firm * 0.3 + 0.1 * (year - 2015) ** 2 + (year >= of_firm[firm])
    return selection({"y": y, "cohort": of_firm[firm]}, firm, year)


@pytest.mark.parametrize("estimator", ["sun_abraham", "event_study"])
def test_without_firms_never_treated_the_effect_is_still_found(estimator: str) -> None:
    """The last cohort is the control before it is treated itself; an event study takes a second reference."""
    found = estimate(exact({2018.0: 12, 2020.0: 8}, 0), estimator=estimator)
    for term, value in values(found).items():
        before = term.startswith("event[-")
        assert value == pytest.approx(0.0 if before else 1.0, abs=1e-9), term
    if estimator == "sun_abraham":
        assert found.dropped["no control: from 2020 on every firm may be treated"] == 60
    else:
        assert any("further references" in note for note in found.notes)


@pytest.mark.parametrize("estimator", NAMES)
def test_firms_treated_after_the_last_year_are_controls(estimator: str) -> None:
    later = estimate(exact({2018.0: 12, 2030.0: 9}, 5), estimator=estimator)
    never = estimate(exact({2018.0: 12}, 14), estimator=estimator)
    assert later.terms == never.terms
    assert later.coefficients == pytest.approx(never.coefficients, abs=1e-9)
    assert "9 firms treated after the last year: never treated in these rows" in later.notes


@pytest.mark.parametrize("scale", [1e-8, 1e-5, 1e5, 1e8])
def test_imputation_does_not_depend_on_the_units_of_a_covariate(scale: float) -> None:
    rows = panel(12)
    size = np.exp(2 * rows.number("x"))
    names = {name: rows.number(name) for name in ("y", "cohort")}
    plain = estimate(selection({**names, "x": size}, rows.firm, rows.year), estimator="imputation", covariates=("x",))
    scaled = estimate(
        selection({**names, "x": scale * size}, rows.firm, rows.year), estimator="imputation", covariates=("x",)
    )
    assert scaled.n_obs == plain.n_obs
    assert scaled.coefficients == pytest.approx(plain.coefficients, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("estimator", [name for name in NAMES if name != "twfe"])
def test_the_overall_effect_is_that_of_treated_years_under_anticipation_too(estimator: str) -> None:
    """Half an effect in the year before: it is an event time, and no part of the average."""
    rows = exact({2018.0: 12, 2020.0: 8}, 10)
    y = rows.number("y") + 0.5 * (rows.year == rows.number("cohort") - 1)
    found = values(estimate(selection({"y": y, "cohort": rows.number("cohort")}, rows.firm, rows.year),
                            estimator=estimator, anticipation=1))  # fmt: skip
    assert found["att[simple]"] == pytest.approx(1.0, abs=1e-9)
    assert found["event[-1]"] == pytest.approx(0.5, abs=1e-9)


def test_the_pre_test_has_the_errors_of_the_model() -> None:
    rows = did_panel()
    by_firm = estimate(rows, outcome="ln_tfp")
    by_size = estimate(rows, outcome="ln_tfp", errors=Errors("cluster", (("nace", "size"),)))
    assert by_firm.stats["pretest_df"] == by_size.stats["pretest_df"] == 12
    assert by_firm.stats["pretest_chi2"] != pytest.approx(by_size.stats["pretest_chi2"], rel=1e-3)
    few = estimate(exact({2018.0: 30, 2020.0: 3}, 40))
    assert any(note.startswith("the pre-test leaves out") and "fewer than 20 firms" in note for note in few.notes)


def test_a_marker_that_is_not_declared_is_named() -> None:
    rows = exact({2018.0: 12, 2020.0: 8}, 10)
    marked = np.where(np.isnan(rows.number("cohort")), 0.0, rows.number("cohort"))
    changed = selection({"y": rows.number("y"), "cohort": marked}, rows.firm, rows.year)
    with pytest.raises(EstimationError, match=r"cohort is 0 in 10 firms and never missing.*write never: 0"):
        estimate(changed)
    assert values(estimate(changed, adoption={"cohort": "cohort", "never": 0}))["att[simple]"] == pytest.approx(1.0)


def test_missing_years_before_the_first_yes_are_told() -> None:
    rows = yearly("0..1", "0001", "0000", "0000")
    found = estimate(rows, adoption={"indicator": "ai"})
    assert "of 1 firm the years before the first yes are missing: dated to the first yes" in found.notes
    stops = yearly("1000", "0011", "0000", "0000")
    kept = estimate(stops, adoption={"indicator": "ai", "reversals": "absorbing"})
    assert kept.dropped["firm left out: treated already when first seen, since when is not known"] == 4


def test_firms_that_are_not_treated_yet_are_controls_too() -> None:
    """Without firms never treated, the eight of the later cohort stand beside the twelve of the earlier one."""
    rows = exact({2018.0: 12, 2020.0: 8}, 0)
    for estimator in ("imputation", "event_study"):
        found = estimate(rows, estimator=estimator)
        assert (found.stats["n_treated_firms"], found.stats["n_control_firms"]) == (20, 8), estimator
    with_never = estimate(exact({2018.0: 12}, 14), estimator="imputation")
    assert (with_never.stats["n_treated_firms"], with_never.stats["n_control_firms"]) == (12, 14)
