"""The page of a panel: its ledger, its link and its columns, without any estimate."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from panels.ledger import LEDGER_COLUMNS
from reports.distribution_page import distribution_files, distribution_section
from reports.formats import html
from reports.formats.csv import write_rows
from reports.link_page import link_files, link_sections
from reports.numbers import count
from reports.page_lists import ledger_table, list_table, provenance_tables
from reports.strata import shown_strata, strata_files, strata_section
from reports.waterfall import waterfall
from reports.wave_page import shown_waves, wave_files, wave_section
from reports.words import words_of

__all__ = ["panel_files"]

_COLUMNS = ("column", "kind", "unit", "source", "rows", "firms", "missing", "mean", "sd")
_YEARS = ("year", "firms", "also_year_before", "linked")


def panel_files(
    record: Mapping[str, Any], title: str, manifest: Mapping[str, Any]
) -> Iterator[tuple[str, str | bytes]]:
    """Yield the files of a panel report by name.

    Parameters
    ----------
    record : mapping
        ``{"panel": {rows, firms, years, ledger, link}, "columns": [...], "by_year": [...], "waves": {...},
        "minimum_firms": 10, "linkage": ... or None, "strata": [...], "distributions": [...],
        "distribution_shares": [...]}``, plain data; the linkage as
        `reports.link_disclosure` shows it.
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
    panel = record["panel"]
    years = panel["years"]
    size = (
        f"{count(panel['rows'], 'en')} rows, {count(panel['firms'], 'en')} firms, {years[0]}-{years[-1]}"
        if years
        else ""
    )
    sections = [
        ("What became of every row", _waterfalls(panel["ledger"]) + ledger_table(record, words)),
        ("Who left", strata_section(strata, record["minimum_firms"])),
        *(link_sections(record["linkage"]) if record["linkage"] is not None else ()),
        ("Years", _years(record["by_year"])),
        ("Waves of the survey", wave_section(waves)),
        ("Numbers", _numbers(record["columns"], shares)),
        ("Distributions", distribution_section(record["distributions"], record["minimum_firms"])),
        ("Texts", _levels(record["columns"])),
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


def _waterfalls(ledger: Sequence[Mapping[str, Any]]) -> str:
    tables = dict.fromkeys(one["table"] for one in ledger)
    pictures = {table: waterfall(ledger, table) for table in tables}
    return "".join(
        f"<figure>{picture}<figcaption>{escape(table.capitalize())}: what is left after each reason (blue), and what "
        "it took (red)</figcaption></figure>\n"
        for table, picture in pictures.items()
        if picture
    )


def _shown(value: float | int | None) -> str:
    if value is None:
        return "too few firms"
    return count(value, "en") if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _years(years: Sequence[Mapping[str, Any]]) -> str:
    linked = any(one["linked"] is not None for one in years)
    headings = ("Year", "Firms", "There the year before", *(("Linked to the survey",) if linked else ()))
    rows = [
        (str(one["year"]), _shown(one["firms"]), _shown(one["also_year_before"]),
         *((_shown(one["linked"]),) if linked else ()))
        for one in years
    ]  # fmt: skip
    return list_table(headings, rows)


def _numbers(columns: Sequence[Mapping[str, Any]], shares: Sequence[str]) -> str:
    headings = ("Column", "Unit", "Rows", "Firms", "Missing", "Mean", "SD", *(f"p{100 * float(s):g}" for s in shares))
    rows = [
        (one["column"], one["unit"], *(_shown(one[key]) for key in ("rows", "firms", "missing", "mean", "sd")),
         *(_shown(one["quantiles"].get(share)) for share in shares))
        for one in columns
        if one["kind"] != "text" and one["rows"] != 0
    ]  # fmt: skip
    empty = [one["column"] for one in columns if one["rows"] == 0]
    note = f"<p>Without any value: {escape(', '.join(empty))}.</p>\n" if empty else ""
    return list_table(headings, rows, texts={1}) + note if rows else note


def _levels(columns: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (one["column"] if place == 0 else "", level, _shown(count_rows), _shown(firms))
        for one in columns
        for place, (level, count_rows, firms) in enumerate(one["levels"])
    ]
    return list_table(("Column", "Level", "Rows", "Firms"), rows, texts={1}) if rows else ""
