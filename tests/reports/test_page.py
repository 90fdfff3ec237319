from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from estimation.results import Failed
from panels.ledger import Ledger
from reports.formats import html
from reports.page import locales_of, render
from reports.record import PanelFacts
from reports.words import words_of
from tests.reports.published import figure9, published_record, spec_facts, wooldridge
from tests.reports.test_bundle import MANIFEST
from tests.reports.test_formats import NASTY, Outline, wide_tables

SPEC_TEXT = "tfplab: 1\ntitle: <script>alert(1)</script>\n"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def outline(text: str) -> Outline:
    parser = Outline()
    # Inside an SVG matplotlib closes elements in place; the parser knows that only of HTML's own.
    parser.feed(re.sub(r"<(\w+)([^<>]*)/>", r"<\1\2></\1>", text.partition("\n")[2]))
    assert parser.open == []
    return parser


@pytest.fixture(scope="module")
def page() -> str:
    return render(published_record(), SPEC_TEXT, MANIFEST)


def test_the_page_speaks_the_first_locale(page: str) -> None:
    assert locales_of(published_record()) == ("nl_BE", "en")
    assert '<html lang="nl-BE">' in page
    assert "<h2>Tabellen</h2>" in page
    assert "<h2>Tables</h2>" in render(published_record(), SPEC_TEXT, MANIFEST, "en")
    assert "<h2>Tableaux</h2>" in render(published_record(), SPEC_TEXT, MANIFEST, "fr_BE")


def test_every_part_is_there(page: str) -> None:
    parsed = outline(page)
    for text in (
        "AI use and the productivity of Belgian firms", "High Council for Employment (2026)", "10,8442",
        "10.8442", "0,699", "twee stappen", "1,372", "(df 1, p 0,241)", "F van de eerste trap",
        "unexplained_share_of_ln_l", "onder 10", "fewer than 6 months",
        "models.table1_robust", "2.104", "nace[R]", "the regressors nace and section are collinear",
        "<script>alert(1)</script>", "2.4.6", "data/a.csv", "ab" * 32, "0f" * 32, "Gebruikt AI: ja",
    ):  # fmt: skip
        assert text in parsed.text, text


@pytest.mark.parametrize("locale", ["nl_BE", "fr_BE"])
def test_a_page_speaks_one_language(locale: str) -> None:
    ledger = Ledger().step("accounts", "read", 30, 28, {"no firm number": 2})
    ledger = ledger.step("accounts", "months", 28, 25, {"accounting year shorter than 6 months": 3})
    ledger = ledger.step("survey", "link", 25, 24, {"no accounts of the firm": 1})
    ledger = ledger.step("panel", "where", 24, 20, {"where is false: x > 0": 4})
    ledger = ledger.step("productivity.tfp", "sample", 20, 10, {"no row in the year before": 10})
    ledger = ledger.step("productivity.tfp", "equation 2", 10, 9, {"missing ai in the year before": 1})
    link = {"2023": {"respondents": 3, "linked": 1, "no_account": 1, "other_year_only": 1}}
    record = published_record(panel=PanelFacts(rows=20, firms=5, years=(2022, 2023), ledger=ledger, link=link))
    own, english = words_of(locale).texts, words_of("en").texts
    for table in record["spec"]["tables"].values():
        table["locale"] = [locale]
    page = render(record, SPEC_TEXT, {**MANIFEST, "seed": 1}, locale)
    # Reasons and notes of the estimation are marked as English; the spec is the user's own.
    page = re.sub(r"<pre.*?</pre>", "", page, flags=re.DOTALL)
    nodes = {node.strip() for node in re.findall(r">([^<>]+)<", page[page.index("<body>") :])}
    foreign = {
        text for key, text in english.items()
        if own[key] != text and text not in own.values() and text not in ("", "none", "c")
    }  # fmt: skip
    assert nodes & foreign == set()
    for text in (english["step.months"], "accounting year shorter than 6 months", "equation 2", "respondents", "seed"):
        assert text not in nodes


def test_it_needs_no_network_and_no_script(page: str) -> None:
    parsed = outline(page)
    assert not {"script", "link", "iframe", "img", "object"} & {tag for tag, _ in parsed.seen}
    for tag, attributes in parsed.seen:
        for name in ("src", "href", "xlink:href", "action"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_headings_tables_and_figures_are_accessible(page: str) -> None:
    parsed = outline(page)
    levels = [int(tag[1]) for tag, _ in parsed.seen if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in attributes for tag, attributes in parsed.seen if tag == "th")
    svg = next(attributes for tag, attributes in parsed.seen if tag == "svg")
    assert svg["role"] == "img"
    assert "512 waarnemingen" in (svg["aria-label"] or "")


def test_every_name_occurs_once(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for name in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page):
        assert (name[0] or name[1]) in ids


def test_two_figures_do_not_share_names() -> None:
    first = figure9()
    second = replace(first, name="figure10")
    page = render(published_record(figures=[first, second]), SPEC_TEXT, MANIFEST)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_everything_from_the_spec_is_escaped() -> None:
    spec = spec_facts(title=NASTY, source=NASTY, labels={"ai": NASTY, "tfp": NASTY, "figure9": NASTY})
    parsed = outline(render(published_record(spec=spec), NASTY, {"inputs": {NASTY: {"sha256": "x", "bytes": 1}}}))
    assert "b" not in {tag for tag, _ in parsed.seen}
    assert NASTY in parsed.text


def test_times_are_left_to_the_manifest(page: str) -> None:
    assert "2026-01-01" not in page


def test_groups_and_suppression_are_shown() -> None:
    spec: Any = spec_facts(disclosure={"minimum_firms": 10, "on_breach": "suppress"})
    few = wooldridge(n_firms=9, group=(("nace", "R"),))
    page = render(published_record(spec=spec, productivity=[few]), SPEC_TEXT, MANIFEST, "en")
    assert "were left out of the whole bundle" in page
    assert "NACE section R" in page
    assert "0.6987" not in page


def test_everything_that_failed_is_listed() -> None:
    failed = [Failed("tfp", "wooldridge", "no lags"), Failed("f", "productivity_density", "no firms")]
    record = published_record(productivity=failed[:1], figures=failed[1:])
    text = outline(render(record, SPEC_TEXT, MANIFEST, "en")).text
    assert "Not estimated: productivity.tfp, models.small, figures.f." in text
    assert "no lags" in text
    assert "no firms" in text


def test_a_run_without_breaches_says_so() -> None:
    spec = spec_facts(disclosure={"minimum_firms": 1, "on_breach": "report"})
    page = render(published_record(spec=spec), SPEC_TEXT, MANIFEST, "en")
    assert "Every printed number rests on at least one firm." in page
    assert "rust op minstens één onderneming." in render(published_record(spec=spec), SPEC_TEXT, MANIFEST, "nl_BE")
    assert "repose sur au moins une entreprise." in render(published_record(spec=spec), SPEC_TEXT, MANIFEST, "fr_BE")


@pytest.mark.chromium
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing: apt install chromium")
def test_chromium_shows_and_prints_it(tmp_path: Path, page: str) -> None:
    assert CHROMIUM is not None
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=390,6000", f"--print-to-pdf={tmp_path / 'report.pdf'}", "--no-pdf-header-footer",
    ]  # fmt: skip
    address = (tmp_path / "report.html").as_uri()
    subprocess.run([*command, address], check=True, capture_output=True, timeout=120)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    # On a telephone the page itself does not scroll sideways; wide tables scroll within their own frame.
    probe = page.replace("</body>", "<script>document.title=document.documentElement.scrollWidth</script></body>")
    (tmp_path / "report.html").write_text(probe, encoding="utf-8")
    shown = subprocess.run([*command[:-2], "--dump-dom", address], check=True, capture_output=True, timeout=120)
    width = re.search(r"<title>(\d+)</title>", shown.stdout.decode("utf-8"))
    assert width is not None
    # Chromium's own window is never narrower than 500 pixels.
    assert int(width[1]) <= 500


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing: apt install chromium")
def test_wide_tables_have_the_page_and_paper_shows_them_whole(tmp_path: Path) -> None:
    """Six estimates side by side are read without scrolling; where the window is narrow a shadow says there is more."""
    assert CHROMIUM is not None
    text = html.document(wide_tables()[0])
    width = "[...document.querySelectorAll('.wide')].map(e => e.scrollWidth - e.clientWidth)"
    # The width of the text on A4, its table as paper shows it.
    paper = text.replace("@media print {", "@media all {").replace("<body>", '<body style="width: 672px">')
    beyond = "[...document.querySelectorAll('table')].map(e => Math.round(e.getBoundingClientRect().width) - 672)"
    cases = (("screen", text, 1300, width), ("narrow", text, 620, width), ("paper", paper, 1300, beyond))
    found = {}
    for name, page, pixels, asked in cases:
        probe = f"<script>document.title = Math.max(...{asked}) + ' ' + document.documentElement.scrollWidth</script>"
        (tmp_path / "t.html").write_text(page.replace("</body>", f"{probe}</body>"), encoding="utf-8")
        command = [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={pixels},2000", "--dump-dom",
        ]  # fmt: skip
        address = (tmp_path / "t.html").as_uri()
        shown = subprocess.run([*command, address], check=True, capture_output=True, timeout=120)
        title = re.search(r"<title>(-?\d+) (\d+)</title>", shown.stdout.decode("utf-8"))
        assert title is not None
        found[name] = int(title[1])
        assert int(title[2]) <= pixels
    assert found["screen"] == 0
    assert found["narrow"] > 0
    assert found["paper"] <= 0


def test_a_table_that_scrolls_says_so_without_a_script() -> None:
    style = html.style()
    frame = style[style.index(".wide {") : style.index("}", style.index(".wide {"))]
    assert "overflow-x: auto" in frame
    assert frame.count("no-repeat local") == frame.count("no-repeat scroll") == 2
    assert "position: sticky" in style


def test_notes_name_the_group_that_they_are_about() -> None:
    base = wooldridge()
    groups = tuple(
        replace(base.groups[0], group=(("nace", level),), notes=(f"{rows} rows were lost",))
        for level, rows in (("C", 86), ("F", 69))
    )
    text = outline(
        render(published_record(productivity=[replace(base, groups=groups)]), SPEC_TEXT, MANIFEST, "en")
    ).text
    assert "tfp (nace C): 86 rows were lost." in text
    assert "tfp (nace F): 69 rows were lost." in text


def test_reasons_are_marked_as_english(page: str) -> None:
    assert re.search(r'<td class="words" lang="en">[^<]*the regressors nace and section are collinear', page)
