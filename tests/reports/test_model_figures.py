"""Figures of models as they are drawn: names, languages, what is suppressed, the same bytes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from estimation.designs.did import Options, fit
from estimation.figures.question import FigureQuestion
from estimation.registry import FIGURES
from estimation.results import Estimates
from reports.figures.build import Drawn, build_figures
from tests.estimation.rows import selection
from tests.reports.published import published_record, spec_facts

SVG = "{http://www.w3.org/2000/svg}"
YEARS = np.arange(2015, 2022)
KINDS = ("group_time", "coefficients", "bacon", "honest")


@cache
def model(cohorts: tuple[tuple[float, int], ...] = ((2018.0, 30), (2020.0, 30), (np.nan, 40))) -> Estimates:
    of_firm = np.concatenate([np.full(many, cohort) for cohort, many in cohorts])
    firm, year = np.repeat(np.arange(of_firm.size), 7), np.tile(YEARS, of_firm.size)
    y = np.random.default_rng(8).normal(size=firm.size) * 0.3 + 0.5 * (year >= of_firm[firm])
    rows = selection({"y": y, "cohort": of_firm[firm]}, firm, year)
    keys = {
        "outcome": "y", "adoption": {"cohort": "cohort"}, "estimator": ("callaway_santanna", "twfe"),
        "sensitivity": {"honest": {"relative_magnitudes": (0.5, 1)}},
    }  # fmt: skip
    return fit("effect", Options.model_validate(keys), rows, None)


def drawn(
    kind: str, locale: str = "en", keep: tuple[str, ...] = (), several: bool = False, **changes: Any
) -> tuple[Drawn, dict[str, Any]]:
    found = changes.pop("found", model())
    models = {"effect": found, **({"again": replace(found, name="again")} if several else {})}
    figure = FIGURES[kind].compute(FigureQuestion("f", kind, tuple(models), None, None, 10, keep), None, models)
    record = published_record(spec=spec_facts(**changes), models=list(models.values()), figures=[figure])
    return build_figures(record, locale)[0], record


def texts(figure: Drawn) -> list[str]:
    return [element.text or "" for element in ET.fromstring(figure.images["svg"]).iter(f"{SVG}text")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("locale", ["en", "nl_BE", "fr_BE"])
def test_a_figure_has_its_parts_in_every_language(kind: str, locale: str) -> None:
    figure, _ = drawn(kind, locale)
    assert figure.title in texts(figure)
    assert figure.description.startswith(figure.title)
    assert len({len(row) for row in figure.rows} | {len(figure.headings)}) == 1
    assert figure.notes[0].split(" ")[0] in " ".join(texts(figure))
    if locale != "en":
        english, _ = drawn(kind, "en")
        assert figure.title != english.title
        assert not set(figure.headings) & (set(english.headings) - {"Trends"})
        # Numbers in the picture have decimal commas.
        assert not [text for text in texts(figure) if text.replace(".", "").replace("−", "").isdigit() and "." in text]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bytes_twice(kind: str) -> None:
    assert drawn(kind)[0].images == drawn(kind)[0].images


def test_cells_show_their_effect_and_treatment() -> None:
    figure, record = drawn("group_time")
    shown = texts(figure)
    assert shown.count("reference") == 2
    series = record["figures"]["f"]["series"]
    one = next(one for one in series if (one["cohort"], one["year"]) == (2018, 2021))
    printed = f"{one['estimate']:.3f}"
    assert printed in shown
    interval = f"{one['conf_low']:.3f}; {one['conf_high']:.3f}"
    assert f"cohort of 2018, 2021: {printed} ({interval})" in figure.description
    row = next(row for row in figure.rows if row[0] == "cohort of 2018, 2021")
    assert (row[1], row[2], row[5]) == (printed, interval, "30")


def test_one_term_has_a_line_for_every_estimate() -> None:
    figure, _ = drawn("coefficients", keep=("att[simple]",))
    assert figure.title == "Average effect: all treated firms and years"
    assert {"Callaway–Sant’Anna", "two-way fixed effects"} <= set(texts(figure))
    assert [row[0] for row in figure.rows] == ["Callaway–Sant’Anna", "two-way fixed effects"]
    several, _ = drawn("coefficients", several=True, labels={"effect": {"en": "Main"}})
    assert "Main, Callaway–Sant’Anna" in texts(several)
    assert "again, two-way fixed effects" in texts(several)
    assert ("Main, Callaway–Sant’Anna, Years since adoption: -3") in [row[0] for row in several.rows]


def test_comparisons_are_told_by_kind() -> None:
    figure, record = drawn("bacon")
    assert {"treated beside never treated", "earlier beside later treated", "later beside earlier treated"} <= set(
        texts(figure)
    )
    average = record["models"]["effect"]["sensitivity"]["bacon"]["estimate"]
    assert f"{average:.3f}" in texts(figure)
    assert ("2018 beside never", "treated beside never treated") in [row[:2] for row in figure.rows]
    assert all(row[4] in ("30 / 40", "30 / 30") for row in figure.rows)


def test_honest_intervals_say_where_zero_comes_in() -> None:
    figure, record = drawn("honest")
    honest = record["models"]["effect"]["sensitivity"]["honest"]
    bound = f"{honest['breakdown_magnitude']:.3g}"
    assert f"Dotted: zero is among the values from {bound} times what trends did before." in figure.notes
    assert [row[0] for row in figure.rows] == [
        "parallel trends", "up to 0.5 times what trends did before", "up to 1 times what trends did before",
    ]  # fmt: skip
    assert {"own", "0.5", "1.0", "Effect at event time 0"} <= set(texts(figure))


def test_an_interval_without_a_value_is_a_cross() -> None:
    found = model()
    honest = dict(found.sensitivity["honest"])  # type: ignore[index]
    honest["relative_magnitudes"] = [
        {**one, "conf_low": None, "conf_high": None} for one in honest["relative_magnitudes"]
    ]
    figure, _ = drawn("honest", found=replace(found, sensitivity={"honest": honest}))
    assert [row[1] for row in figure.rows][1:] == ["no value", "no value"]
    assert any(note.startswith("Cross: every value is rejected") for note in figure.notes)


@pytest.mark.parametrize("kind", KINDS)
def test_few_firms_are_not_shown(kind: str) -> None:
    """A cohort of four: of its effects, and of what they would follow from, nothing is drawn."""
    rule = {"minimum_firms": 10, "on_breach": "suppress"}
    few = model(((2018.0, 30), (2020.0, 4), (np.nan, 40)))
    figure, record = drawn(kind, found=few, disclosure=rule)
    whole, plain = drawn(kind, found=few)
    assert any("fewer than 10 firms" in note for note in figure.notes)
    hidden = [one for one in record["figures"]["f"]["series"] if one.get("suppressed")]
    assert hidden
    left = {one["term"] for one in record["figures"]["f"]["series"] if "term" in one and not one.get("suppressed")}
    assert left <= {"att[simple]"}
    for one, before in zip(record["figures"]["f"]["series"], plain["figures"]["f"]["series"], strict=True):
        if one.get("suppressed") and before["estimate"]:
            printed = f"{before['estimate']:.3f}"
            assert printed not in figure.description, one
            assert printed not in {cell for row in figure.rows for cell in row}
    assert whole.rows != figure.rows
    assert ET.fromstring(figure.images["svg"]) is not None
