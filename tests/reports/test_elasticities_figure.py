from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from estimation import registry
from estimation.results import BootstrapInfo, ErrorsInfo
from estimation.shown import ElasticityPoint, Figure
from reports.figures.build import Drawn, build_figures
from reports.figures.registry import FIGURES
from reports.record import dump_record
from tests.reports.published import published_record, spec_facts, wooldridge

SVG = "{http://www.w3.org/2000/svg}"


def point(of: str, name: str, label: str, estimate: float, **changes: Any) -> ElasticityPoint:
    low, high = estimate - 0.05, estimate + 0.05
    whole = ElasticityPoint(of, name, label, estimate, 0.0255, low, high, False, "two-step", 900, 300)
    return replace(whole, **changes)


def sectors(**changes: Any) -> Figure:
    pooled = {"rung": "two-step, pooled over all", "n_firms": 4000}
    series = (
        point("tfp", "ln_l", "C", 0.6812), point("tfp", "ln_k", "C", 0.1123),
        point("tfp", "ln_l", "Q", 0.7, **pooled), point("tfp", "ln_k", "Q", -0.01, **pooled),
        point("wlp", "ln_l", "C", 0.6934), point("wlp", "ln_k", "C", 0.1034),
        point("wlp", "ln_l", "", 0.66, conf_low=float("nan"), conf_high=float("nan"), rung=""),
    )  # fmt: skip
    whole = Figure("by_sector", "elasticities", ("tfp", "wlp"), "", "", series, ("a note",))
    return replace(whole, **changes)


def build(locale: str = "en", **changes: Any) -> Drawn:
    spec = spec_facts(**changes.pop("spec", {}))
    return build_figures(published_record(spec=spec, figures=[sectors(**changes)]), locale)[0]


def texts(figure: Drawn) -> list[str]:
    return [element.text or "" for element in ET.fromstring(figure.images["svg"]).iter(f"{SVG}text")]


def test_groups_inputs_and_entries_are_named() -> None:
    shown = texts(build(spec={"labels": {"ln_l": {"en": "Labour"}, "wlp": {"en": "WLP"}}}))
    assert {"Labour", "ln_k", "C", "Q *", "all firms", "WLP", "tfp", "Output elasticity"} <= set(shown)
    assert "Output elasticities: tfp, WLP" in shown
    # A file alone explains itself.
    assert "Whiskers: 95 % intervals." in shown


def test_the_facts_beside_it() -> None:
    figure = build("nl_BE")
    assert figure.headings[1:3] == ("ln_l [95%-interval]", "ln_k [95%-interval]")
    assert figure.rows[0] == (
        "tfp, C", "0,681 [0,631; 0,731]", "0,112 [0,062; 0,162]",
        "twee stappen", "900",
        "300",
    )  # fmt: skip
    # No interval, and no capital.
    assert figure.rows[-1][1:3] == ("0,660", "")
    assert figure.notes[-1] == "A note."
    assert any(note.startswith("*: te klein") for note in figure.notes)
    assert "0,681" in figure.description


def test_the_same_bytes_twice() -> None:
    assert build().images == build().images


def test_a_suppressed_group_is_named_and_not_drawn() -> None:
    series = tuple(replace(one, n_firms=7) if one.label == "Q" else one for one in sectors().series)
    rule = {"minimum_firms": 10, "on_breach": "suppress"}
    record = published_record(spec=spec_facts(disclosure=rule), figures=[sectors(series=series)])
    figure = build_figures(record, "en")[0]
    assert "tfp, Q: not shown, fewer than 10 firms." in figure.notes
    assert "Q *" not in texts(figure)
    assert figure.rows[1][1:3] == ("c", "c")
    assert "-0.01," not in dump_record(record)
    items = [one["item"] for one in record["disclosure"]["breaches"] if one["where"] == "figures.by_sector"]
    assert items == ["tfp, ln_l, Q", "tfp, ln_k, Q"]


@pytest.mark.parametrize("locale", ["en", "nl_BE", "fr_BE"])
def test_levels_of_a_column_are_said(locale: str) -> None:
    series = (point("tfp", "ln_l", "1", 0.7, averaged=True, rung=""),)
    figure = build(locale, of=("tfp",), by="ai", where="year == 2023", series=series)
    assert "1" not in texts(figure)
    assert len(figure.headings) == 4
    assert any("year == 2023" in note for note in figure.notes)


def test_without_a_point_there_is_an_empty_frame() -> None:
    assert build(series=()).rows == ()


def test_both_registries_know_the_same_kinds() -> None:
    assert FIGURES.keys() == registry.FIGURES.keys()
    for entry in registry.FIGURES.values():
        assert callable(entry.compute)


def test_without_groups_the_entries_stand_in_their_place() -> None:
    series = tuple(point(of, "ln_l", "", value) for of, value in (("tfp", 0.7), ("wlp", 0.71), ("ols", 0.95)))
    figure = build(of=("tfp", "wlp", "ols"), series=series)
    assert {"wlp", "ols", "tfp"} <= set(texts(figure))
    assert "all firms" not in texts(figure)


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", "tfp: Wooldridge (2009); standard errors: clustered by firm."),
        ("nl_BE", "tfp: Wooldridge (2009); standaardfouten: geclusterd per onderneming."),
        ("fr_BE", "tfp\xa0: Wooldridge (2009)\xa0; erreurs-types\xa0: groupées par entreprise."),
    ],
)
def test_the_method_and_the_errors_stand_below(locale: str, said: str) -> None:
    plain = [note.replace(" :", "\xa0:").replace(" ;", "\xa0;") for note in build(locale).notes]
    assert said in plain
    assert said in [note.replace(" :", "\xa0:").replace(" ;", "\xa0;") for note in build(locale, by="nace").notes]


def test_it_is_said_whose_points_are_means() -> None:
    note = "tfp: means over the rows of the estimation sample; the intervals count their sampling too"
    whole = "Means over the rows of the estimation sample; the intervals count their sampling too."
    assert f"tfp: {whole}" in build(notes=(note,)).notes
    assert whole in build(notes=(note.removeprefix("tfp: "),)).notes


def test_the_mark_of_a_coarser_group_stands_at_the_entry_that_it_is_true_of() -> None:
    """Another entry has an estimate of the group's own: the group's name is no place for the mark."""
    whole = sectors().series
    figure = build(series=(*whole, point("wlp", "ln_l", "Q", 0.5)))
    shown = texts(figure)
    assert "Q *" not in shown
    assert "Q" in shown
    assert shown.count("*") == 2  # tfp's labour and capital
    assert any(note.startswith("*: too small") for note in figure.notes)
    pooled = {"rung": "two-step, pooled over all"}
    shown = texts(build(series=(*whole, point("wlp", "ln_l", "Q", 0.5, **pooled))))
    assert "Q *" in shown
    assert "*" not in shown


def test_means_chosen_here_say_that_the_bootstrap_is_not_theirs() -> None:
    drawn = BootstrapInfo(99, 0, 1, "percentile", {}, np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(2, dtype=int))
    fit = wooldridge()
    (group,) = fit.groups
    errors = ErrorsInfo("bootstrap", {"firm": 300}, 1.0, "", "none", bootstrap=drawn)
    fit = replace(fit, groups=(replace(group, errors=errors),))
    series = tuple(replace(one, averaged=True) for one in sectors().series if one.of == "tfp")
    figure = sectors(series=series, of=("tfp",), by="size")
    for locale, said in (("en", ": asked for a bootstrap"), ("nl_BE", ": een bootstrap"), ("fr_BE", " : un bootstrap")):
        record = published_record(productivity=[fit], figures=[figure])
        notes = build_figures(record, locale)[0].notes
        assert any(said in note for note in notes), notes
    own = published_record(productivity=[fit], figures=[replace(figure, by="")])
    assert not any("asked for a bootstrap" in note for note in build_figures(own, "en")[0].notes)
