"""A specification curve as it is drawn: marks, rows below, notes, languages, size, and what disclosure takes."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from estimation.results import Estimates, Failed
from estimation.shown import CasePoint, Figure
from reports.case_facts import CaseFacts, VariantFacts
from reports.figures.build import Drawn, build_figures
from reports.figures.curve_rows import AT_MOST
from tests.reports.published import classical, published_record, spec_facts

SVG = "{http://www.w3.org/2000/svg}"
VALUES = {"outcome": ("tfp", "lp"), "errors": ("HC1", "HC3"), "where": ("all", "large")}


def points(n: int, settings: dict[str, Any] | None = None) -> list[CasePoint]:
    draw = random.Random(4)
    found = []
    for k in range(1, n + 1):
        estimate, error = draw.gauss(0.2, 0.15), draw.uniform(0.05, 0.15)
        own = {path: draw.choice(values) for path, values in (settings or VALUES).items()}
        found.append(
            CasePoint("grid", f"grid[{k}]", f"outcome = {k}", own, k == 2, "ok", None, "ai", "cross_section", estimate,
                      error, 0.01 if abs(estimate) > 2 * error else 0.4, estimate - 2 * error, estimate + 2 * error,
                      2000 + k, 300)
        )  # fmt: skip
    return sorted(found, key=lambda one: one.estimate)


def lost(case: str, status: str, reason: str) -> CasePoint:
    nothing = (float("nan"),) * 5
    return CasePoint("grid", case, case, {}, False, status, reason, "ai", "cross_section", *nothing, None, None)


def drawn(series: list[CasePoint], locale: str = "en", notes: tuple[str, ...] = (), **more: Any) -> Drawn:
    figure = Figure("f", "specification_curve", ("grid",), "", "", tuple(series), notes)
    more.setdefault("figures", {"f": {"formats": ["svg"]}})
    return build_figures(published_record(spec=spec_facts(**more), figures=[figure]), locale)[0]


def texts(figure: Drawn) -> list[str]:
    return [element.text or "" for element in ET.fromstring(figure.images["svg"]).iter(f"{SVG}text")]


@pytest.mark.parametrize("locale", ["en", "nl_BE", "fr_BE"])
def test_it_has_its_parts_in_every_language(locale: str) -> None:
    said = ("grid: 48 of 864 cases of table1, drawn at random", "p-values are not adjusted for the family of the cases")
    series = [*points(48), lost("grid[49]", "failed", "no rows"), lost("grid[50]", "no_term", "no term")]
    figure = drawn(series, locale, said)
    shown = texts(figure)
    assert figure.title in shown
    assert {"outcome", "tfp", "lp", "errors", "HC1", "HC3", "where", "all", "large"} <= set(shown)
    assert figure.description.startswith(figure.title)
    assert len(figure.rows) == 50
    assert {len(row) for row in figure.rows} == {len(figure.headings)}
    assert all(any(note[:30] in text for text in shown) for note in figure.notes)
    if locale != "en":
        english = drawn(series, "en", said)
        assert figure.title != english.title
        assert not set(figure.notes) & set(english.notes)
        assert not [text for text in shown if text.replace(".", "").replace("−", "").isdigit() and "." in text]


def test_the_notes_count_what_is_shown() -> None:
    estimates = (-0.2, -0.1, 0.1, 0.3, 0.5)
    series = [
        replace(one, estimate=value, p_value=p, n_obs=n)
        for one, value, p, n in zip(
            points(5), estimates, (0.01, 0.3, 0.2, 0.04, 0.001), (900, 2000, 1500, 1800, 1000), strict=True
        )
    ]
    figure = drawn(series)
    assert figure.notes[:3] == (
        "Cases of grid: 5; above zero 3 (60 %), significant at 5 % with the sign of the median 2 (40 %).",
        "Estimates from -0.200 to 0.500, median 0.100.",
        "Observations of a case: 900 to 2,000.",
    )
    assert all(note in figure.description for note in figure.notes[:3])
    main = next(one for one in series if one.main)
    assert f"Main case, grid[2]: {main.estimate:.3f}" in figure.description
    assert f"main case {main.estimate:.3f}".replace("-", "−") in texts(figure)


def test_cases_without_an_estimate_are_named() -> None:
    series = [*points(3), *(lost(f"grid[{k}]", "failed", "no rows are left") for k in range(4, 13))]
    figure = drawn([*series, lost("grid[13]", "no_term", 'it has no term "ai"')])
    assert "Failed: grid[4], grid[5], grid[6], grid[7], grid[8], grid[9] and 3 more." in figure.notes
    assert "Without an estimate of the term: grid[13]." in figure.notes
    assert figure.rows[3][:2] == ("grid[4]", "grid[4] (no rows are left)")
    assert set(figure.rows[3][3:]) == {"–"}


def test_what_is_significant_has_a_mark_and_a_colour_of_its_own() -> None:
    both = drawn(points(40))
    assert {"significant at 5 %", "not significant at 5 %", "main case"} <= set(texts(both))
    without = drawn([replace(one, p_value=float("nan")) for one in points(40)])
    assert not [text for text in texts(without) if "significant" in text and "median" not in text]


@pytest.mark.parametrize("n", [1, 6, 151, 700, 5000])
def test_many_cases_make_a_small_file(n: int) -> None:
    figure = drawn(points(n))
    assert len(figure.images["svg"]) < 1_000_000
    assert ET.fromstring(figure.images["svg"]) is not None
    # Above 600 cases neighbours share a column.
    assert any("neighbouring" in note for note in figure.notes) == (n > 600)


def test_the_same_bytes_twice() -> None:
    one, other = (drawn(points(200), figures={}) for _ in range(2))
    assert one.images == other.images
    assert set(one.images) == {"svg", "png"}


def test_too_many_values_give_way_but_the_main_one_stays() -> None:
    series = points(300, {"errors": ("HC1", "HC3"), "replace.ai": tuple(f"ai_{k:02}" for k in range(90))})
    there = {one.settings["replace.ai"] for one in series}
    figure = drawn(series)
    shown = texts(figure)
    assert f"Below: {AT_MOST} of {len(there) + 2} values of the settings." in figure.notes
    assert {"HC1", "HC3", next(one.settings["replace.ai"] for one in series if one.main)} <= set(shown)
    assert sum(text.startswith("ai_") for text in shown) == AT_MOST - 2


def test_settings_have_the_labels_of_the_spec() -> None:
    series = points(8, {"errors": ("HC1", "HC3"), "replace.ai": ("ai_ttm", "own")})
    series[0] = replace(series[0], settings={"errors": "HC1"})
    shown = texts(drawn(series, labels={"errors": "Standard errors", "HC3": "leverage", "own": "Own measure"}))
    assert {"Standard errors", "HC1", "leverage", "Uses AI", "Text mining", "Own measure", "as in the model"} <= set(
        shown
    )


def test_long_values_that_begin_alike_are_told_apart() -> None:
    begins = "year == 2023 and linked == 1 and employees"
    shown = texts(
        drawn(points(20, {"where": (f"{begins} >= 20", f"{begins} < 100", "nace == 'C' and not isna(l) and k > 0")}))
    )
    assert {
        "… linked == 1 and employees >= 20",
        "… linked == 1 and employees < 100",
        "nace == 'C' and not isna(l) and …",
    } <= set(shown)


# What disclosure takes


def case_of(number: int, estimate: float, firms: int = 512, whole: int = 2310, name: str = "grid") -> Estimates:
    found = classical(f"{name}[{number}]")
    k = found.terms.index("ai")
    coefficients, behind = found.coefficients.copy(), found.n_firms_term.copy()
    coefficients[k], behind[k] = estimate, firms
    return replace(found, coefficients=coefficients, n_firms_term=behind, n_firms=whole, n_obs=whole)


def with_cases(results: list[Estimates | Failed], on_breach: str) -> tuple[Drawn, dict[str, Any]]:
    cases = [
        CaseFacts(f"grid[{k}]", "", {"errors": k}, k == 1, None, (), None, one) for k, one in enumerate(results, 1)
    ]
    series = []
    for k, one in enumerate(results, 1):
        if isinstance(one, Failed):
            series.append(lost(f"grid[{k}]", "failed", one.reason))
            continue
        place = one.terms.index("ai")
        series.append(
            CasePoint("grid", f"grid[{k}]", f"errors = {k}", {"errors": k}, k == 1, "ok", None, "ai", one.design,
                      float(one.coefficients[place]), 0.1, 0.01, 0.0, 1.0, one.n_obs, int(one.n_firms_term[place]))
        )  # fmt: skip
    series.sort(key=lambda one: (one.status != "ok", one.estimate if one.status == "ok" else 0))
    figure = Figure("f", "specification_curve", ("grid",), "", "", tuple(series))
    rule = {"minimum_firms": 10, "on_breach": on_breach}
    record = published_record(
        spec=spec_facts(disclosure=rule, figures={"f": {"formats": ["svg"]}}), figures=[figure],
        variants=[VariantFacts("grid", "table1", "own", None, len(cases), cases, ())],
    )  # fmt: skip
    return build_figures(record, "en")[0], record


def test_a_case_on_few_firms_is_taken_with_its_place_and_its_part_of_the_notes() -> None:
    estimates = (0.2, -0.5, 0.9, 0.4, 0.3)
    results: list[Estimates | Failed] = [case_of(k, value) for k, value in enumerate(estimates, 1)]
    results[1] = case_of(2, -0.5, firms=4)  # its coefficient
    results[2] = case_of(3, 0.9, firms=8, whole=8)  # the case as a whole
    results.append(Failed("grid[6]", "cross_section", "7 firms have a year before among 20 complete rows"))
    figure, record = with_cases(results, "suppress")
    series = record["figures"]["f"]["series"]
    assert [one["case"] for one in series] == ["grid[1]", "grid[5]", "grid[4]", "grid[2]", "grid[3]", "grid[6]"]
    for one in series[3:5]:
        assert one["suppressed"]
        assert [one[key] for key in ("estimate", "std_error", "p_value", "conf_low", "n_obs", "n_firms")] == [None] * 6
        assert one["settings"] == {"errors": int(one["case"][5])}
    assert "7 firms" not in series[5]["reason"]
    assert figure.notes[0].startswith("Cases of grid: 3; above zero 3 (100 %)")
    assert figure.notes[1] == "Estimates from 0.200 to 0.400, median 0.300."
    assert any(note.startswith("Not shown: grid[2], grid[3], resting on fewer than 10 firms") for note in figure.notes)
    everything = " ".join([figure.description, *figure.notes, *(cell for row in figure.rows for cell in row)])
    for hidden in ("-0.500", "0.900", "7 firms"):
        assert hidden not in everything
    # Their table and their rows say the same.
    assert record["variants"]["grid"]["cases"][2]["suppressed"]
    assert {one["where"] for one in record["disclosure"]["breaches"]} >= {"variants.grid[2]", "figures.f"}


def test_what_is_only_reported_stays() -> None:
    figure, record = with_cases([case_of(1, 0.2), case_of(2, -0.5, firms=4)], "report")
    assert [one["estimate"] for one in record["figures"]["f"]["series"]] == [-0.5, 0.2]
    assert {"where": "figures.f", "item": "grid[2]", "n_firms": 4} in record["disclosure"]["breaches"]
    assert not any("Not shown" in note for note in figure.notes)


def test_a_curve_of_which_all_is_taken_is_empty() -> None:
    figure, _ = with_cases([case_of(1, 0.2, firms=3), case_of(2, -0.5, firms=4)], "suppress")
    assert figure.notes[0] == "Vertical: 95 % intervals."
    assert ET.fromstring(figure.images["svg"]) is not None
