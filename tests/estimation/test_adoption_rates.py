"""Shares of firms from stratified samples: against textbooks, sums over rows, laws, and repeated samples."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation.designs.adoption_rates import Options, columns, equations, fit
from estimation.results import Estimates
from panels.frame import NumberColumn, Selection, TextColumn
from specs.errors import EstimationError
from tests.estimation.rows import selection
from tests.estimation.survey_brute import brute_share, stratified_proportion
from tests.estimation.survey_coverage import coverage

NO, YES, SKIPPED, SILENT, UNASKED = "no", "yes", "skipped", "silent", "unasked"


def respondents(answers: list[str], year: list[int] | None = None, **more: Any) -> Selection:
    """Rows with an item `ai` answered in words."""
    yes = {NO: 0.0, YES: 1.0, SKIPPED: 0.0, SILENT: math.nan, UNASKED: math.nan}
    asked = {NO: 1.0, YES: 1.0, SKIPPED: 0.0, SILENT: 1.0, UNASKED: 0.0}
    columns = {"yes(ai)": [yes[one] for one in answers], "asked(ai)": [asked[one] for one in answers], **more}
    return selection(columns, year=year)


def estimated(rows: Selection, everyone: Selection | None = None, **keys: Any) -> Estimates:
    return fit("use", Options(items=("ai",), **keys), rows, None, everyone)


def shares_of(found: Estimates) -> dict[str, tuple[float, float]]:
    return {
        term: (float(share), float(error))
        for term, share, error in zip(found.terms, found.coefficients, found.std_errors, strict=True)
    }


def test_a_simple_random_sample_has_the_textbooks_error() -> None:
    rows = respondents([YES] * 30 + [NO] * 70, size=[1000.0] * 100)
    found = estimated(rows, population="size")
    # Cochran (1977), equation 3.8: (1 - n/N) p (1-p) / (n-1).
    assert found.coefficients[0] == pytest.approx(0.3, abs=1e-15)
    assert found.std_errors[0] == pytest.approx(math.sqrt(0.9 * 0.3 * 0.7 / 99), rel=1e-14)
    assert found.errors.df == 99
    plain = estimated(rows)
    assert plain.std_errors[0] == pytest.approx(math.sqrt(0.3 * 0.7 / 99), rel=1e-14)
    assert any("without weights" in note for note in plain.notes)
    # The logit interval by hand, t(99) at 97.5 per cent.
    width = 1.984216951586 * math.sqrt(0.3 * 0.7 / 99) / (0.3 * 0.7)
    middle = math.log(0.3 / 0.7)
    assert plain.conf_low[0] == pytest.approx(1 / (1 + math.exp(width - middle)), rel=1e-9)
    assert plain.conf_high[0] == pytest.approx(1 / (1 + math.exp(-middle - width)), rel=1e-9)


def stratified(sizes: tuple[int, ...], sampled: tuple[int, ...], yes: tuple[int, ...]) -> Selection:
    answers, stratum, size, weight = [], [], [], []
    for number, (many, n, users) in enumerate(zip(sizes, sampled, yes, strict=True)):
        answers += [YES] * users + [NO] * (n - users)
        stratum += [f"s{number}"] * n
        size += [float(many)] * n
        weight += [many / n] * n
    return respondents(answers, stratum=stratum, size=size, weight=weight)


def test_a_stratified_sample_has_the_textbooks_error() -> None:
    # The stratified survey of learned societies in Lohr, Sampling: Design and Analysis (chapter on stratification):
    # N_h, returned, female share in whole per cent; the estimate printed there is 0.2465, its standard error 0.0071.
    sizes, sampled, females = (9100, 1950, 5500, 10850, 2100, 5500, 9000), (636, 451, 481, 611, 493, 575, 588), (
        38, 27, 18, 19, 36, 13, 26,
    )  # fmt: skip
    users = tuple(round(n * share / 100) for n, share in zip(sampled, females, strict=True))
    found = estimated(stratified(sizes, sampled, users), weights="weight", strata="stratum", population="size")
    share, error = stratified_proportion(sizes, sampled, users)
    assert found.coefficients[0] == pytest.approx(share, rel=1e-13)
    assert found.std_errors[0] == pytest.approx(error, rel=1e-12)
    assert found.coefficients[0] == pytest.approx(0.2465, abs=4e-4)
    assert found.std_errors[0] == pytest.approx(0.0071, abs=5e-5)
    assert found.errors.df == sum(sampled) - len(sampled)


def random_rows(rng: np.random.Generator, n: int = 240) -> tuple[Selection, dict[str, float]]:
    stratum = [f"s{one}" for one in rng.integers(0, 9, n - 1)] + ["lonely"]
    counts = {name: stratum.count(name) for name in set(stratum)}
    population = {name: float(count + rng.integers(0, 40)) for name, count in counts.items()} | {"lonely": 7.0}
    cell = [("small", "large")[one] for one in rng.integers(0, 2, n)]
    answers = [str(one) for one in rng.choice([YES, NO, SKIPPED, SILENT, UNASKED], n, p=[0.3, 0.4, 0.1, 0.1, 0.1])]
    rows = respondents(
        answers, stratum=stratum, size=[population[one] for one in stratum], cell=cell,
        weight=list(rng.uniform(0.5, 30, n)), sector=[str(one) for one in rng.choice(["C", "G", "J"], n)],
    )  # fmt: skip
    return rows, population


def texts(rows: Selection, name: str) -> list[str]:
    column = rows.columns[name]
    assert isinstance(column, TextColumn)
    return [column.levels[code] for code in column.codes]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("base", ["all", "asked"])
@pytest.mark.parametrize("finite", [True, False])
def test_every_cell_is_what_a_plain_sum_over_rows_gives(seed: int, base: str, finite: bool) -> None:
    rows, population = random_rows(np.random.default_rng(seed))
    keys = {"weights": "weight", "strata": "stratum", "base": base, **({"population": "size"} if finite else {})}
    found = estimated(rows, by=(("cell",), ("cell", "sector")), **keys)
    answers = [None if math.isnan(one) else float(one) for one in rows.number("yes(ai)")]
    asked = rows.number("asked(ai)") == 1
    cells, sectors = texts(rows, "cell"), texts(rows, "sector")
    stratum, weight = texts(rows, "stratum"), list(rows.number("weight"))
    for term, (share, error) in shares_of(found).items():
        inside = [
            all(f"{key}={value}" in (f"cell={cells[i]}", f"sector={sectors[i]}") for key, value in
                (part.split("=") for part in term[3:-1].split(",") if part))
            and (base == "all" or bool(asked[i]))
            for i in range(len(answers))
        ]  # fmt: skip
        by_hand = brute_share(answers, weight, stratum, inside, population if finite else None)
        assert (share, error) == pytest.approx(by_hand, rel=1e-11), term
        k = found.terms.index(term)
        counted = sum(one and answer is not None for one, answer in zip(inside, answers, strict=True))
        assert found.n_firms_term[k] == counted == found.cells[k].n_yes + found.cells[k].n_no
    assert found.terms[:3] == ("ai", "ai[cell=large]", "ai[cell=small]")
    assert "ai[cell=large,sector=C]" in found.terms
    assert found.stats["n_strata_single"] == 1
    assert any("single respondent" in note for note in found.notes)
    assert any("asked without an answer" in note for note in found.notes)
    np.testing.assert_allclose(np.diag(found.covariance), found.std_errors**2, rtol=1e-12)
    np.testing.assert_allclose(found.influence.sum(axis=0), 0, atol=1e-12)


def test_where_is_a_domain_of_the_whole_sample() -> None:
    everyone, _population = random_rows(np.random.default_rng(9))
    inside = np.array([one == "small" for one in texts(everyone, "cell")])
    keys = {"weights": "weight", "strata": "stratum", "population": "size"}
    found = estimated(everyone.take(inside), everyone, **keys)
    cell = shares_of(estimated(everyone, by=(("cell",),), **keys))["ai[cell=small]"]
    assert shares_of(found)["ai"] == pytest.approx(cell, rel=1e-13)
    assert found.n_obs == int(inside.sum())
    # Taken for the whole sample, the same rows pretend that their number in each stratum was fixed.
    alone = estimated(everyone.take(inside), **keys)
    assert shares_of(alone)["ai"][1] != pytest.approx(cell[1], rel=1e-3)
    # R's degf of a subset: units less strata among the rows themselves.
    assert found.errors.df == inside.sum() - len(set(np.array(texts(everyone, "stratum"))[inside]))


def test_bases_count_skipped_firms_or_not() -> None:
    rows = respondents([YES] * 3 + [NO] * 2 + [SKIPPED] * 5 + [SILENT, UNASKED])
    everybody, asked = estimated(rows), estimated(rows, base="asked")
    assert everybody.coefficients[0] == pytest.approx(0.3)
    assert asked.coefficients[0] == pytest.approx(0.6)
    assert (everybody.n_firms_term[0], asked.n_firms_term[0]) == (10, 5)
    assert (asked.cells[0].n_yes, asked.cells[0].n_no) == (3, 2)
    assert any(note.endswith("in no base: ai 1") for note in everybody.notes)


def test_what_has_no_place_in_the_design_is_left_out_and_counted() -> None:
    rows = respondents(
        [YES, NO] * 5,
        weight=[math.nan, 0.0, -1.0, *[2.0] * 7],
        stratum=["a", "a", "a", None, *["a"] * 6],  # type: ignore[list-item]
        size=[40.0] * 4 + [math.nan, 0.0] + [40.0] * 4,
    )
    found = estimated(rows, weights="weight", strata="stratum", population="size")
    assert found.dropped == {
        "missing weight": 1, "weight is zero": 1, "weight is negative": 1, "missing stratum": 1, "missing size": 1,
        "size not above zero": 1,
    }  # fmt: skip
    assert found.n_obs == 4
    assert found.rows_in == found.n_obs + sum(found.dropped.values())
    with pytest.raises(EstimationError, match=r"no respondent is left: missing weight \(1\)"):
        estimated(rows.take(np.arange(10) == 0), weights="weight")


def test_more_respondents_than_firms_is_a_problem_named_with_its_strata() -> None:
    rows = respondents([YES, NO] * 4, stratum=["a"] * 4 + ["b"] * 4, size=[3.0] * 4 + [40.0] * 4)
    with pytest.raises(EstimationError, match=r"in one stratum more firms answered than size says .* first is a"):
        estimated(rows, strata="stratum", population="size")
    uneven = respondents([YES, NO] * 4, stratum=["a"] * 4 + ["b"] * 4, size=[9.0] * 7 + [40.0])
    with pytest.raises(EstimationError, match="size is not the same in all its rows"):
        estimated(uneven, strata="stratum", population="size")


def test_waves_are_not_pooled() -> None:
    rows = respondents([YES, NO, NO, YES], year=[2021, 2021, 2023, 2023])
    with pytest.raises(EstimationError, match=r"2 waves \(2021, 2023\).*where: wave == 2023"):
        estimated(rows)
    with pytest.raises(EstimationError, match="put wave into every block"):
        estimated(rows, by=(("wave",), ("cell",)))
    found = estimated(rows, by=(("wave",),))
    assert found.terms == ("ai[wave=2021]", "ai[wave=2023]")
    assert any("samples of their own" in note for note in found.notes)
    # Each wave is a sample of its own: its errors are those of the wave alone.
    alone = estimated(rows.take(rows.year == 2023))
    assert found.std_errors[1] == pytest.approx(alone.std_errors[0], rel=1e-14)
    assert found.errors.df == 1


def test_where_all_say_the_same_there_is_no_error_unless_all_were_asked() -> None:
    alike = estimated(respondents([NO] * 12, size=[100.0] * 12), population="size")
    assert alike.coefficients[0] == 0
    assert np.isnan(alike.std_errors[0])
    assert np.isnan(alike.conf_high[0])
    assert any("all respondents of a cell said the same" in note for note in alike.notes)
    census = estimated(respondents([NO] * 12, size=[12.0] * 12), population="size")
    assert (census.std_errors[0], census.conf_low[0], census.conf_high[0]) == (0, 0, 0)
    mixed = estimated(respondents([NO] * 9 + [YES] * 3, size=[12.0] * 12), population="size")
    assert (mixed.std_errors[0], mixed.conf_low[0], mixed.conf_high[0]) == (0, 0.25, 0.25)
    assert mixed.stats["n_strata_complete"] == 1


def test_a_stratum_of_one_firm_that_is_all_of_it_adds_nothing() -> None:
    rows = respondents([YES, NO, YES, NO], stratum=["a", "a", "a", "big"], size=[9.0, 9.0, 9.0, 1.0])
    found = estimated(rows, strata="stratum", population="size")
    assert found.stats["n_strata_single"] == 0
    without = brute_share([1, 0, 1, 0], [1] * 4, ["a", "a", "a", "big"], [True] * 4, {"a": 9, "big": 1})
    assert shares_of(found)["ai"] == pytest.approx(without, rel=1e-13)


def test_items_that_nobody_was_asked_are_left_out_by_name() -> None:
    rows = respondents([YES, NO, NO])
    more = replace(rows, columns={**rows.columns, "yes(ai_pba)": NumberColumn(np.full(3, np.nan)),
                                  "asked(ai_pba)": NumberColumn(np.zeros(3))})  # fmt: skip
    found = fit("use", Options(items=("ai", "ai_pba")), more, None)
    assert found.terms == ("ai",)
    assert "nobody answered, left out: ai_pba" in found.notes
    with pytest.raises(EstimationError, match="no share to estimate: nobody answered"):
        fit("use", Options(items=("ai_pba",)), more, None)


def test_rows_without_a_level_are_in_no_cell_and_counted() -> None:
    rows = respondents([YES, NO, NO, YES], cell=["x", None, "x", "y"])  # type: ignore[list-item]
    found = estimated(rows, by=(("cell",),))
    assert dict(zip(found.terms, found.n_firms_term, strict=True)) == {"ai": 4, "ai[cell=x]": 2, "ai[cell=y]": 1}
    assert "cell: missing in 1 row, which are in no cell of it" in found.notes


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e4), st.booleans())
def test_laws(seed: int, factor: float, finite: bool) -> None:
    """Order of rows, names of firms and strata, and the unit of weights change neither shares nor errors."""
    rng = np.random.default_rng(seed)
    rows, _ = random_rows(rng, 60)
    keys: dict[str, Any] = {"weights": "weight", "strata": "stratum", "by": (("cell",), ("cell", "sector"))}
    keys |= {"population": "size"} if finite else {}
    known = shares_of(estimated(rows, **keys))
    order = rng.permutation(rows.rows.size)
    moved: dict[str, NumberColumn | TextColumn] = {}
    for name, column in rows.columns.items():
        if isinstance(column, NumberColumn):
            moved[name] = NumberColumn(column.values[order] * (factor if name == "weight" else 1.0))
        elif name == "stratum":
            turned = rng.permutation(len(column.levels))
            moved[name] = TextColumn(turned[column.codes[order]], tuple(f"t{k}" for k in range(len(column.levels))))
        else:
            moved[name] = TextColumn(column.codes[order], column.levels)
    there = shares_of(estimated(replace(rows, columns=moved), **keys))
    assert there.keys() == known.keys()
    for term, found in known.items():
        assert there[term] == pytest.approx(found, rel=1e-9, abs=1e-13, nan_ok=True)
    everyone = estimated(rows, **keys)
    inside = (everyone.conf_low <= everyone.coefficients) & (everyone.coefficients <= everyone.conf_high)
    assert inside[np.isfinite(everyone.conf_low)].all()
    assert (everyone.conf_low[np.isfinite(everyone.conf_low)] >= 0).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_splitting_a_stratum_at_random_changes_no_share(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, _ = random_rows(rng, 80)
    halves = [f"{one}{half}" for one, half in zip(texts(rows, "stratum"), rng.integers(0, 2, 80), strict=True)]
    levels = tuple(sorted(set(halves)))
    finer = replace(
        rows, columns={**rows.columns, "finer": TextColumn(np.array([levels.index(h) for h in halves]), levels)}
    )
    keys: dict[str, Any] = {"weights": "weight", "by": (("cell",),)}
    for one, other in ((estimated(rows, strata="stratum", **keys), estimated(finer, strata="finer", **keys)),):
        np.testing.assert_allclose(other.coefficients, one.coefficients, rtol=1e-14)
    # Shares of the cells, weighted by their parts of the base, are the total.
    found = estimated(rows, strata="stratum", **keys)
    weight, answered = rows.number("weight"), ~np.isnan(rows.number("yes(ai)"))
    cells = np.array(texts(rows, "cell"))
    parts = [weight[answered & (cells == level)].sum() for level in ("large", "small")]
    assert found.coefficients[0] == pytest.approx(float(np.average(found.coefficients[1:3], weights=parts)), rel=1e-12)


def test_options_refuse_what_means_nothing() -> None:
    for keys, message in (
        ({"items": ()}, "no item"),
        ({"by": ("survey_size",)}, "a block is a list of columns"),
        ({"by": "survey_size"}, "a list of blocks is wanted"),
        ({"by": (("a", "b"), ("b", "a"))}, "stands twice"),
        ({"by": (("ai",),)}, "is an item and a column of cells"),
        ({"by": (("firm",),)}, "cells of single firms"),
        ({"by": ((),)}, "a block without a column"),
        ({"weights": "w", "population": "w"}, "weights and population"),
    ):
        with pytest.raises(ValueError, match=message):
            Options(**({"items": ("ai",)} | keys))
    options = Options(items=("ai",), by=(("wave", "cell"),), weights="w", strata="s", population="n", base="asked")
    assert columns(options) == ("yes(ai)", "asked(ai)", "cell", "w", "s", "n")
    assert "(1 - n_h/n)" in equations(options)


def test_intervals_cover_in_repeated_samples() -> None:
    for one in coverage(draws=250, seed=5):
        assert 0.90 <= one.share_covered <= 0.99, one
        assert one.mean_error == pytest.approx(one.spread, rel=0.15), one


@pytest.mark.heavy
def test_intervals_cover_in_many_repeated_samples() -> None:
    for one in coverage(draws=4000, seed=6):
        assert 0.935 <= one.share_covered <= 0.965, one
        assert one.mean_error == pytest.approx(one.spread, rel=0.04), one
