from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from reports.figures.build import Drawn, build_figures, figure_formats
from reports.figures.registry import FIGURES, kind_named
from tests.reports.published import figure9, published_record, spec_facts, wooldridge

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return build_figures(published_record(), "nl_BE")[0]


def texts(figure: Drawn) -> list[str]:
    return [element.text or "" for element in ET.fromstring(figure.images["svg"]).iter(f"{SVG}text")]


def test_the_same_bytes_twice(drawn: Drawn) -> None:
    assert build_figures(published_record(), "nl_BE")[0].images == drawn.images


def test_the_same_bytes_in_another_process_and_with_other_settings(drawn: Drawn) -> None:
    code = (
        "import sys, matplotlib; matplotlib.rcParams['lines.linewidth'] = 9; "
        "matplotlib.rcParams['font.size'] = 30; "
        "from tests.reports.published import published_record; "
        "from reports.figures.build import build_figures; "
        "sys.stdout.buffer.write(build_figures(published_record(), 'nl_BE')[0].images['svg'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == drawn.images["svg"]


def test_no_date_and_no_program(drawn: Drawn) -> None:
    svg = drawn.images["svg"].decode()
    assert "dc:date" not in svg
    assert "atplotlib v" not in svg
    assert b"Software" not in drawn.images["png"]


def test_title_source_groups_and_decimal_commas(drawn: Drawn) -> None:
    shown = texts(drawn)
    assert "Dichtheid: Totale factorproductiviteit (log)" in shown
    assert "Bron: High Council for Employment (2026), section 2.3.2, table 1 and figure 9" in shown
    assert {"Gebruikt AI: nee (n = 1.798)", "Gebruikt AI: ja (n = 512)"} <= set(shown)
    assert "11,5" in shown
    assert "11,0" in shown
    assert not [text for text in shown if text.replace(".", "").isdigit() and "." in text]


def test_the_description_says_what_is_seen(drawn: Drawn) -> None:
    assert "Gebruikt AI: ja, 512 waarnemingen, gemiddelde 11,93" in drawn.description
    assert drawn.rows[1] == ("Gebruikt AI: ja", "512", "512", "11,930", "0,140")


def test_a_suppressed_group_is_named_and_not_drawn() -> None:
    spec = spec_facts(disclosure={"minimum_firms": 10, "on_breach": "suppress"})
    figure = build_figures(published_record(spec=spec, figures=[figure9(users=7)]), "en")[0]
    assert "Uses AI: yes: not shown, fewer than 10 firms." in figure.notes
    assert [text for text in texts(figure) if "yes" in text] == ["Uses AI: yes: not shown, fewer than 10 firms."]
    assert figure.rows[1] == ("Uses AI: yes", "c", "c", "c", "c")


def test_labels_are_no_mathematics() -> None:
    labels: dict[str, Any] = {"tfp": "TFP in $ and $ & <b>", "ai": "A_{1}^2"}
    figure = build_figures(published_record(spec=spec_facts(labels=labels)), "en")[0]
    assert "TFP in $ and $ & <b>" in texts(figure)
    assert "A_{1}^2: no (n = 1,798)" in texts(figure)


def test_without_a_group_there_is_one_curve() -> None:
    whole = figure9()
    alone = replace(whole, by="", where="", series=whole.series[:1])
    figure = build_figures(published_record(figures=[alone]), "en")[0]
    assert [row[0] for row in figure.rows] == ["Total factor productivity (log)"]
    assert len(figure.notes) == 1


def test_the_spec_chooses_title_and_formats() -> None:
    figures = {"figure9": {"kind": "productivity_density", "formats": ["png"], "title": {"en": "Figure 9"}}}
    record = published_record(spec=spec_facts(figures=figures))
    assert figure_formats(record, "figure9") == ("png",)
    figure = build_figures(record, "en")[0]
    assert figure.title == "Figure 9"
    assert set(figure.images) == {"svg", "png"}


def test_every_registered_kind_offers_all_parts() -> None:
    for kind in map(kind_named, FIGURES):
        assert all(callable(part) for part in (kind.draw, kind.describe, kind.facts, kind.notes))


def test_columns_of_different_units_share_no_axis() -> None:
    tfp, curve = wooldridge(), figure9().series[0]
    gross = replace(wooldridge("gross"), method="gandhi_navarro_rivers", options={**tfp.options, "output": "ln_y"})
    again = replace(wooldridge("wlp"), method="wlp")
    margin = replace(
        wooldridge("margin"), method="markup", options={"of": "tfp", "input": "ln_l", "level": "log"}
    )  # fmt: skip
    names = ("tfp", "wlp", "gross", "margin", "age")
    series = tuple(replace(curve, of=name, label="") for name in names)
    figure = replace(figure9(), of=names, by="", series=series)
    record = published_record(productivity=[tfp, again, gross, margin], figures=[figure])
    shown = texts(build_figures(record, "en")[0])
    axes = [text for text in shown if text in {
        "Total factor productivity (log), output ln_va", "Total factor productivity (log), output ln_y",
        "Markup (log)", "age",
    }]  # fmt: skip
    assert len(axes) == 4
    assert shown.count("Density") == 4
    assert "Dotted lines: means." in shown


@pytest.mark.parametrize(
    ("locale", "one", "several"),
    [
        ("en", "missing in one row: left out.", "missing in 3 rows: left out."),
        ("nl_BE", "in één rij: weggelaten.", "in 3 rijen: weggelaten."),
        ("fr_BE", "dans une ligne : écartée.", "dans 3 lignes : écartées."),
    ],
)
def test_rows_that_a_figure_leaves_out_are_counted_in_every_language(locale: str, one: str, several: str) -> None:
    for rows, told in (("1 row", one), ("3 rows", several)):
        figure = replace(figure9(), notes=(f"tfp is missing in {rows}: left out",))
        shown = texts(build_figures(published_record(figures=[figure]), locale)[0])
        assert any(told.replace("\u00a0", " ") in text.replace("\u00a0", " ") for text in shown), shown
