"""The page of a panel: its ledger, its link and its columns, without any estimate."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import floor, log10
from typing import Any

from panels.ledger import LEDGER_COLUMNS
from reports.distribution_page import distribution_files, distribution_section
from reports.formats import html
from reports.formats.csv import write_rows
from reports.labels import Labels
from reports.link_page import link_files, link_sections
from reports.numbers import count
from reports.page_lists import ledger_table, list_table, provenance_tables
from reports.panel_disclosure import DOMINANCE_ONE, DOMINANCE_TWO
from reports.reasons import reason_of
from reports.strata import shown_strata, strata_files, strata_section
from reports.waterfall import waterfall
from reports.wave_page import shown_waves, wave_files, wave_section
from reports.words import Words, words_of
from specs.counting import counted

__all__ = ["panel_files"]

_COLUMNS = ("column", "kind", "unit", "source", "rows", "firms", "missing", "mean", "sd")
_COUNTS = {"rows": "Rows", "firms": "Firms", "missing": "Missing", "mean": "Mean", "sd": "SD"}
_FEW = "too few firms"
_YEARS = ("year", "firms", "also_year_before", "linked")


def panel_files(
    record: Mapping[str, Any], title: str, manifest: Mapping[str, Any]
) -> Iterator[tuple[str, str | bytes]]:
    """Yield the files of a panel report by name.

    Parameters
    ----------
    record : mapping
        ``{"spec": {labels}, "panel": {rows, firms, years, ledger}, "columns": [...], "by_year": [...],
        "waves": {...}, "minimum_firms": 10, "linkage": ... or None, "strata": [...], "distributions": [...],
        "distribution_shares": [...]}``, plain data; ledger, linkage, columns, years and distributions as
        `reports.ledger_disclosure`, `reports.link_disclosure` and `reports.panel_disclosure` show them.
    title : str
    manifest : mapping
        Versions and digests of the inputs.
    """
    shares = list(next((one["quantiles"] for one in record["columns"] if one["quantiles"]), {}))
    yield "ledger.csv", write_rows(LEDGER_COLUMNS, _rows(record["panel"]["ledger"], LEDGER_COLUMNS))
    yield (
        "columns.csv",
        write_rows(
            (*_COLUMNS, *(f"p{100 * float(share):g}" for share in shares)),
            (
                (*(one[key] for key in _COLUMNS), *(one["quantiles"].get(share) for share in shares))
                for one in record["columns"]
            ),
        ),
    )
    levels = [(one["column"], *level) for one in record["columns"] for level in one["levels"]]
    yield "levels.csv", write_rows(("column", "level", "rows", "firms"), levels)
    yield "years.csv", write_rows(_YEARS, _rows(record["by_year"], _YEARS))
    yield from distribution_files(record["distributions"], record["distribution_shares"])
    strata = shown_strata(record["strata"], record["minimum_firms"])
    yield from strata_files(strata)
    if record["linkage"] is not None:
        yield from link_files(record["linkage"])
    waves = shown_waves(record)
    yield from wave_files(waves)
    yield "panel.html", _page(record, title, manifest, shares, waves, strata)


def _rows(entries: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[tuple[Any, ...]]:
    return [tuple(one[key] for key in keys) for one in entries]


def _page(
    record: Mapping[str, Any],
    title: str,
    manifest: Mapping[str, Any],
    shares: Sequence[str],
    waves: Mapping[str, Any],
    strata: Sequence[Mapping[str, Any]],
) -> str:
    words = words_of("en")
    labels = Labels(record["spec"]["labels"], words)
    minimum = record["minimum_firms"]
    panel = record["panel"]
    years = panel["years"]
    size = f"{counted(panel['rows'], 'row')}, {counted(panel['firms'], 'firm')}, {_span(years)}" if years else ""
    sections = [
        ("What became of every row", _waterfalls(panel["ledger"], labels, words) + _ledger(record, words)),
        ("Who left", strata_section(strata, minimum, labels, words)),
        *(link_sections(record["linkage"], labels) if record["linkage"] is not None else ()),
        ("Years", _years(record["by_year"])),
        ("Waves of the survey", wave_section(waves, labels)),
        ("Numbers", _numbers(record["columns"], shares, minimum, labels)),
        ("Distributions", distribution_section(record["distributions"], minimum, labels)),
        ("Texts", _levels(record["columns"], minimum, labels)),
        ("Provenance", "".join(provenance_tables(manifest, words))),
    ]
    out = io.StringIO()
    out.write('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n')
    out.write('<meta name="viewport" content="width=device-width, initial-scale=1">\n')
    out.write(f"<title>{escape(title)}</title>\n<style>\n{html.style()}</style>\n</head>\n<body>\n")
    byline = f'<p class="byline">The panel: {size}</p>'
    out.write(f'<header class="title">\n<h1>{escape(title)}</h1>\n{byline}\n</header>\n<main>\n')
    for heading, body in sections:
        if body:
            out.write(f"<section>\n<h2>{escape(heading)}</h2>\n{body}</section>\n")
    out.write("</main>\n</body>\n</html>\n")
    return out.getvalue()


def _span(years: Sequence[int]) -> str:
    return f"{years[0]}-{years[-1]}" if years[-1] != years[0] else str(years[0])


def _waterfalls(ledger: Sequence[Mapping[str, Any]], labels: Labels, words: Words) -> str:
    told = [{**one, "reason": reason_of(one["reason"], labels, words)} for one in ledger]
    tables = dict.fromkeys(one["table"] for one in told)
    pictures = {table: waterfall(told, table) for table in tables}
    return "".join(
        f"<figure>{picture}<figcaption>{escape(table.capitalize())}: what is left after each reason (blue), and what "
        "it took (red)</figcaption></figure>\n"
        for table, picture in pictures.items()
        if picture
    )


def _ledger(record: Mapping[str, Any], words: Words) -> str:
    table = ledger_table(record, words)
    if not any(None in (one["dropped"], one["rows_out"]) for one in record["panel"]["ledger"]):
        return table
    return f'{table}<p class="small">c: withheld, as in the tables of the link.</p>\n'


def _shown(value: float | None, year: bool = False) -> str:
    if value is None:
        return _FEW
    if isinstance(value, int):
        return count(value, "en")
    if year:
        return f"{value:.0f}"
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")
    # Four digits, and no exponent: numbers of a column can be compared by their length.
    return f"{value:.{max(3 - floor(log10(abs(value))), 0)}f}".replace("-", "\N{MINUS SIGN}")


def _is_year(one: Mapping[str, Any]) -> bool:
    """Return whether a column's values are calendar years: it has no unit, and nothing is far from our time."""
    told = [value for value in (one["mean"], *one["quantiles"].values()) if value is not None]
    named = one["column"] == "wave" or "year" in one["column"]
    return named and not one["unit"] and bool(told) and all(1500 <= value < 2200 for value in told)


def _years(years: Sequence[Mapping[str, Any]]) -> str:
    linked = any(one["linked"] != 0 for one in years) and not all(one["linked"] is None for one in years)
    headings = ("Year", "Firms", "There the year before", *(("Linked to the survey",) if linked else ()))
    rows = [
        (str(one["year"]), _shown(one["firms"]), _shown(one["also_year_before"]),
         *((_shown(one["linked"]),) if linked else ()))
        for one in years
    ]  # fmt: skip
    return list_table(headings, rows)


def _numbers(columns: Sequence[Mapping[str, Any]], shares: Sequence[str], minimum: int, labels: Labels) -> str:
    known = [one for one in columns if one["kind"] != "text" and one["rows"] != 0]
    body = ""
    if of_many := [one for one in known if one["quantiles"]]:
        headings = ("Column", "Unit", *_COUNTS.values(), *(f"p{100 * float(share):g}" for share in shares))
        rows = [
            (_named(one["column"], labels), one["unit"], *_moments(one),
             *(_shown(one["quantiles"][share], _is_year(one)) for share in shares))
            for one in of_many
        ]  # fmt: skip
        body += list_table(headings, rows, texts={1}, whole={1})
    if of_two := [one for one in known if not one["quantiles"]]:
        headings = ("Column", "Label", "Unit", *_COUNTS.values())
        rows = [(one["column"], _label(one["column"], labels), one["unit"], *_moments(one)) for one in of_two]
        body += list_table(headings, rows, texts={1, 2}, caption="Of two values, 0 and 1 mostly", whole={2})
    empty = [one["column"] for one in columns if one["rows"] == 0]
    note = f"<p>Without any value: {escape(', '.join(empty))}.</p>\n" if empty else ""
    return f'{body}<p class="small">{escape(_rule(minimum))}</p>\n{note}' if body else note


def _moments(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (*(_shown(one[key]) for key in ("rows", "firms", "missing")), _shown(one["mean"], _is_year(one)),
            _shown(one["sd"]))  # fmt: skip


def _rule(minimum: int) -> str:
    return (
        f"{_FEW}: fewer than {counted(minimum, 'firm')}, or what would give such a number away; a mean and its SD "
        f"also where one firm has more than {100 * DOMINANCE_ONE:.0f} %, or two have more than "
        f"{100 * DOMINANCE_TWO:.0f} %, of the "
        "sum of absolute values. Of two values, such as yes and no, at least as many firms must have either. Each "
        f"quantile is the mean of the values around it, of {max(minimum, 2)} firms at least."
    )


def _named(column: str, labels: Labels) -> str:
    label = _label(column, labels)
    return f"{column} ({label})" if label else column


def _label(column: str, labels: Labels) -> str:
    label = labels.column(column)
    return "" if label == column else label


def _levels(columns: Sequence[Mapping[str, Any]], minimum: int, labels: Labels) -> str:
    rows = [
        (*((one["column"], _label(one["column"], labels)) if place == 0 else ("", "")), level, _shown(count_rows),
         _shown(firms))
        for one in columns
        for place, (level, count_rows, firms) in enumerate(one["levels"])
    ]  # fmt: skip
    if not rows:
        return ""
    rule = (
        f"{_FEW}: fewer than {counted(minimum, 'firm')}, or a level from which such a one would follow, by the sum "
        "over the levels or by the levels that make up one of another column."
    )
    table = list_table(("Column", "Label", "Level", "Rows", "Firms"), rows, texts={1, 2})
    return f'{table}<p class="small">{rule}</p>\n'
