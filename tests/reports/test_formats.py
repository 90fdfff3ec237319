from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimation.results import Failed
from reports.build import build_table
from reports.formats import csv as csv_format
from reports.formats import html, latex, markdown
from reports.formats.latex_text import escape
from reports.formats.registry import FORMATS, format_named
from reports.table import Cell, Column, Note, Row, RowPanel, Spanner, Table
from reports.words import words_of
from specs.errors import TfplabError
from tests.reports.published import published_record, spec_facts, wooldridge
from tests.reports.snapshot import matches_snapshot

NASTY = (
    r"""100% & _under_ #1 $5 {x} ~ ^ \input{/etc/passwd} <b>"q"</b> | `c` *s* [l](u) 'a' -- """
    "naïve Łódź œuvre Ω ≤ × 中 €"
)


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    several = {
        "models": ["table1", "table1_robust"],
        "p_values": "r_style",
        "keep": ["constant", "size", "ai"],
        "title": "Both",
    }
    return published_record(spec=spec_facts(tables={**spec_facts().tables, "several": several}))


def nasty(text: str = NASTY) -> Table:
    cells = (Cell("estimate", "-0,1234", -0.1234, "***"),)
    return Table(
        name="n_1",
        title=text,
        locale="nl_BE",
        stub=text,
        spanners=(),
        columns=(Column("m", "estimate", text),),
        panels=(RowPanel(text, (Row("x", text, cells), Row("x", "", (Cell("text", text),), continues=True))),),
        footer=(Row("n", text, (Cell("count", "1", 1),)),),
        notes=(Note("note", text),),
    )


@pytest.mark.parametrize("name", ["md", "html", "latex", "csv"])
def test_the_published_table_in_dutch(name: str, record: dict[str, Any]) -> None:
    table = build_table(record, "table1", "nl_BE")
    matches_snapshot(f"table1.nl_BE.{FORMATS[name].extension}", FORMATS[name].render(table))


@pytest.mark.parametrize(("name", "table", "locale"), [
    ("md", "several", "fr_BE"), ("html", "robust", "en"), ("html", "several", "nl_BE"),
    ("latex", "several", "en"), ("latex", "robust", "en"),
])  # fmt: skip
def test_several_models(name: str, table: str, locale: str, record: dict[str, Any]) -> None:
    text = FORMATS[name].render(build_table(record, table, locale))
    matches_snapshot(f"{table}.{locale}.{FORMATS[name].extension}", text)


def test_every_format_prints_every_number(record: dict[str, Any]) -> None:
    table = build_table(record, "table1", "en")
    for name in FORMATS:
        text = FORMATS[name].render(table).replace(r"\ensuremath{-}", "-")
        for row in table.rows():
            for cell in row.cells:
                if cell.kind in ("estimate", "error", "count"):
                    assert cell.text in text, (name, row.key)


def test_an_unknown_format_is_named() -> None:
    with pytest.raises(TfplabError, match='no table format "htlm", did you mean "html"'):
        format_named("htlm")


def test_markdown_keeps_to_its_columns() -> None:
    lines = [line for line in markdown.render(nasty()).splitlines() if line.startswith("| ")]
    # An escaped pipe ends no cell: every line has as many unescaped ones.
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {3}
    assert "<b>" not in re.sub(r"\\<", "", markdown.render(nasty()))


def test_markdown_leaves_ordinary_words_alone() -> None:
    assert markdown.escape("tfp_wlp, p < 0.1: *** and a-b") == "tfp_wlp, p < 0.1: *** and a-b"
    assert markdown.escape("*a* _b_ <i> &amp; a|b") == r"\*a\* \_b\_ \<i> &amp;amp; a\|b"


class Outline(HTMLParser):
    """Every element opened and closed in order, with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def outline(text: str) -> Outline:
    parser = Outline()
    parser.feed(text)
    assert parser.open == []
    return parser


def test_html_is_semantic(record: dict[str, Any]) -> None:
    parsed = outline(html.render(build_table(record, "robust", "en")))
    tags = [tag for tag, _ in parsed.seen]
    assert tags[:3] == ["div", "table", "caption"]
    assert {"thead", "tbody"} <= set(tags)
    # Notes stand outside the frame that scrolls sideways.
    assert tags.index("p") > len(tags) - 1 - tags[::-1].index("td")
    assert all("scope" in attributes for tag, attributes in parsed.seen if tag == "th")
    scopes = {attributes.get("scope") for tag, attributes in parsed.seen if tag == "th"}
    assert scopes == {"col", "row", "rowgroup"}


def test_html_rows_cover_all_columns(record: dict[str, Any]) -> None:
    for name in ("table1", "robust", "several"):
        body = html.render(build_table(record, name, "en")).partition("</thead>")[2]
        widths = set()
        carried = 0
        for line in re.findall(r"<tr.*?</tr>", body, re.DOTALL):
            cells = re.findall(r"<t[hd]([^>]*)>", line)
            spans = [re.search(r'colspan="(\d+)"', cell) for cell in cells]
            widths.add(carried + sum(int(span[1]) if span else 1 for span in spans))
            carried = 1 if 'rowspan="2"' in line else 0
        assert len(widths) == 1, name


def test_html_escapes_everything() -> None:
    for text in (html.render(nasty()), html.document(nasty())):
        parsed = outline(text)
        assert "b" not in {tag for tag, _ in parsed.seen}
        assert NASTY in parsed.text


def test_a_page_of_one_table_needs_nothing_else(record: dict[str, Any]) -> None:
    text = html.document(build_table(record, "table1", "nl_BE"))
    assert text.startswith("<!DOCTYPE html>")
    assert '<html lang="nl-BE">' in text
    assert not re.search(r"https?:|@import|<link|<script|url\(", text)


def test_csv_is_tidy(record: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_format.render(build_table(record, "table1", "nl_BE")))))
    ai = {row["quantity"]: row for row in rows if row["term"] == "ai"}
    assert set(ai) == {"estimate", "std_error", "p_value"}
    assert (ai["estimate"]["value"], ai["estimate"]["printed"]) == ("0.2306", "0,2306")
    assert (ai["p_value"]["printed"], ai["p_value"]["mark"]) == ("4,02e-13", "***")
    negative = next(row for row in rows if row["term"] == "nace[F]" and row["quantity"] == "estimate")
    assert (negative["value"], negative["printed"]) == ("-0.0592", "-0,0592")
    assert next(row["value"] for row in rows if row["term"] == "n_obs") == "2310"


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1+1", "-2+3+cmd", "@SUM(A1)", "\t=1", "\r=1", "|x", "%x"])
def test_csv_runs_no_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_format.render(nasty(text)), newline="")))
    assert not [cell for row in rows for cell in row if cell == text]
    assert csv_format.guard(text) == f"'{text}"


def test_csv_leaves_numbers_alone() -> None:
    for text in (
        "-0,0592",
        "-1.234,5",
        "3,96e-09",
        "-3.1e-07",
        "2\N{NARROW NO-BREAK SPACE}310",
        "< 2e-16",
        "",
    ):
        assert csv_format.guard(text) == text


def test_latex_escapes_everything() -> None:
    text = latex.render(nasty())
    assert text.isascii()
    assert r"\input" not in text
    assert r"100\% \& \_under\_ \#1 \$5 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{}input" in text
    assert r"na\"{\i{}}ve" in text or r"na\"{i}ve" in text


@given(st.text(max_size=40))
def test_latex_text_is_ascii_with_balanced_braces(text: str) -> None:
    escaped = escape(text)
    assert escaped.isascii()
    assert escaped.isprintable()
    bare = re.sub(r"\\[{}%&#$_\\]", "", escaped)
    assert bare.count("{") == bare.count("}")
    assert not re.search(r"[%&#$_~]", bare.replace("~", "", escaped.count("~")))


def test_latex_puts_minus_signs_on_numbers_only() -> None:
    assert r"\ensuremath{-}0,1234" in latex.render(nasty("20-49"))
    assert "20-49" in latex.render(nasty("20-49"))
    assert escape("a--b ''c'' ?`") == "a-{}-b '{}'c'{}' ?\\textasciigrave{}"


def compile_latex(folder: Path, body: str) -> str:
    (folder / "t.tex").write_text(
        "\\documentclass{article}\n\\usepackage[a4paper,margin=2cm]{geometry}\n\\usepackage{booktabs,longtable,array,pdflscape}\n"
        f"\\begin{{document}}\n{body}\n\\end{{document}}\n",
        encoding="utf-8",
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "t.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, env={**os.environ, "openout_any": "p"})
    log = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, log[-2000:]
    assert (folder / "t.pdf").stat().st_size > 1000
    return log


@pytest.mark.texlive
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is missing: apt install texlive-latex-base")
def test_pdflatex_compiles_every_table(tmp_path: Path, record: dict[str, Any]) -> None:
    tables = [build_table(record, *asked) for asked in (("table1", "nl_BE"), ("robust", "en"), ("several", "fr_BE"))]
    log = compile_latex(tmp_path, "\n".join(map(latex.render, [*tables, nasty()])))
    # The nasty table is wider than any page; the real ones stay within it.
    assert log.count("Overfull") <= 2


def wide_tables() -> list[Table]:
    fits = [wooldridge(f"entry_{number}") for number in range(14)]
    groups = replace(fits[0], name="groups", groups=tuple(
        replace(fits[0].groups[0], group=(("nace", level),)) for level in "ABCDEFGH"
    ))  # fmt: skip
    tables = {
        "checks": {"kind": "diagnostics"},
        "entries": {"models": [fit.name for fit in fits]},
        "r": {"models": [fit.name for fit in fits[:5]], "p_values": "r_style"},
    }
    record = published_record(spec=spec_facts(tables=tables), productivity=[*fits, groups])
    return [build_table(record, name, "en") for name in tables]


def test_wide_tables_are_set_over_turned_pages() -> None:
    checks, entries, r_style = wide_tables()
    for made, parts in ((checks, 5), (entries, 2), (r_style, 3)):
        text = latex.render(made)
        assert text.startswith("% \\usepackage{booktabs,longtable,array")
        assert ("\\begin{landscape}" in text) == ("pdflscape" in text)
        assert text.count("\\begin{longtable}") == parts
        assert text.count("\\label{") == 1
        assert not re.search(r"\\begin\{table\}", text)
    assert "\\begin{landscape}" in latex.render(entries)
    # What stands under one heading stays together.
    assert latex.render(r_style).count("\\multicolumn{3}{c}{entry") == 5 * 2


def test_html_has_blocks_of_wide_tables_too() -> None:
    checks, entries, r_style = wide_tables()
    for made, parts, columns in ((checks, 5, 6), (entries, 2, 7), (r_style, 3, 6)):
        text = html.render(made)
        assert text.count("<table") == text.count('<div class="wide"') == parts
        first = text.partition("</table>")[0]
        assert first.count("<thead>") == 1
        assert f'<table class="estimates several" lang="{made.language}">' in first
        assert len(made.in_blocks(8).parts()[0].columns) == columns
        # Every entry stands in some block, and the notes once, below the last.
        assert all(f">{one.heading}<" in text for one in (*made.columns, *made.spanners) if one.heading)
        assert text.count('class="tablenotes"') == 1
        assert text.index('class="tablenotes"') > text.rindex("</table>")
    assert "(1/2)" in html.render(replace(entries, title="Entries"))


def test_what_stands_under_one_wide_heading_is_parted() -> None:
    entries = wide_tables()[1]
    over = replace(entries, spanners=(Spanner("a", 1), Spanner("one", 13)))
    parts = over.in_blocks(6).parts()
    assert [[one.heading for one in part.spanners] for part in parts] == [["a"], ["one"], ["one"], ["one"]]
    assert sum(len(part.columns) for part in parts) == 14
    assert max(len(part.columns) for part in parts) <= 9
    assert replace(entries, blocks=(14,)).in_blocks(6).blocks == (14,)


@pytest.mark.texlive
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is missing: apt install texlive-latex-base")
def test_pdflatex_keeps_wide_tables_on_the_page(tmp_path: Path) -> None:
    log = compile_latex(tmp_path, "\n".join(map(latex.render, wide_tables())))
    assert "Overfull" not in log


@pytest.mark.parametrize(
    ("locale", "said"), [("nl_BE", "zijn in het Engels"), ("fr_BE", "sont en anglais"), ("en", "")]
)
@pytest.mark.parametrize("kind", ["estimates", "diagnostics"])
def test_a_table_says_that_notes_are_in_english_and_marks_them(kind: str, locale: str, said: str) -> None:
    reason = "the regressors nace and section are <collinear>"
    given: dict[str, Any] = {"models": [], "figures": [], "productivity": []}
    given["productivity" if kind == "diagnostics" else "models"] = [Failed("t", "ols", reason)]
    record = published_record(spec=spec_facts(tables={"t": {"kind": kind, "models": ["t"]}}), **given)
    table = build_table(record, "t", locale)
    texts = [note.text for note in table.notes]
    shown = FORMATS["html"].render(table)
    marked = '<span lang="en">the regressors nace and section are &lt;collinear&gt;</span>'
    if not said:
        assert not any("anglais" in text or "Engels" in text for text in texts)
        assert marked not in shown
        return
    (place,) = [number for number, text in enumerate(texts) if said in text]
    assert reason in texts[place + 1]
    assert marked in shown
    assert said in FORMATS["md"].render(table)


@pytest.mark.parametrize("locale", ["en", "nl_BE", "fr_BE"])
def test_words_are_put_beside_labels_without_an_article(locale: str) -> None:
    words = words_of(locale)
    keys = {"draws": 99, "strata": "", "seed": 1, "failed": "", "interval": "x", "of": ""}
    said = words("note.bootstrap", by=words("column.firm"), **keys)
    assert not re.search(rf"\b(of|van|de) {words('column.firm')}\b", said)
    assert not any(re.search("[Ee]rreurs? types?", text) for text in words.texts.values())
