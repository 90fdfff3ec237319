"""Quantiles by year on the page of a panel."""

from __future__ import annotations

import re
from typing import Any

from reports.distribution_page import distribution_files, distribution_section
from reports.labels import Labels
from reports.words import words_of

LABELS = Labels({"turnover": "Sales"}, words_of("en"))

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


def entry(column: str, year: int, quantiles: tuple[float | None, ...], firms: int | None = 80) -> dict[str, Any]:
    return {"column": column, "unit": "EUR", "year": year, "firms": firms, "quantiles": quantiles}


def heights(section: str) -> list[float]:
    return [float(one) for one in re.findall(r'height="([\d.]+)" fill="#b8cfe0"', section)]


def test_the_file_has_a_line_a_column_and_year_with_gaps() -> None:
    entries = [entry("x", 2020, (1.0, 2.0, 3.0, 4.0, 5.0)), entry("x", 2021, (None,) * 5, None)]
    assert dict(distribution_files(entries, SHARES))["distributions.csv"].splitlines() == [
        "column,unit,year,firms,p10,p25,p50,p75,p90", "x,EUR,2020,80,1.0,2.0,3.0,4.0,5.0", "x,EUR,2021,,,,,,",
    ]  # fmt: skip
    assert not dict(distribution_files([], SHARES))


def test_a_bar_is_as_high_as_its_quantiles_are_apart() -> None:
    section = distribution_section([entry("x", 2020, (0.0, 1.0, 2.0, 3.0, 10.0)),
                                    entry("x", 2021, (0.0, 1.0, 2.0, 3.0, 5.0))], 10, LABELS)  # fmt: skip
    wide, narrow = heights(section)
    assert abs(wide - 2 * narrow) < 0.11  # one decimal is printed
    assert "x (EUR): median 2 in 2020, 2 in 2021" in section
    assert "log scale" not in section


def test_a_skewed_column_is_drawn_in_logarithms() -> None:
    section = distribution_section([entry("x", 2020, (1.0, 2.0, 5.0, 50.0, 100.0)),
                                    entry("x", 2021, (1.0, 2.0, 5.0, 8.0, 10.0))], 10, LABELS)  # fmt: skip
    wide, narrow = heights(section)
    assert abs(wide - 2 * narrow) < 0.11
    assert "x (EUR, log scale)" in section


def test_what_is_not_drawn_is_named() -> None:
    entries = [
        entry("few", 2020, (None,) * 5, None),
        entry("flat", 2020, (12.0,) * 5),
        entry("x", 2020, (None, None, 2.0, None, None), 12),
        entry("x", 2021, (0.0, 1.0, 2.0, 3.0, 4.0)),
    ]
    section = distribution_section(entries, 10, LABELS)
    assert "Too few firms in every year: few." in section
    assert "not drawn: flat." in section
    assert section.count("<svg") == 1
    assert len(heights(section)) == 1  # 2020 has its median alone
    assert distribution_section(entries[:1], 10, LABELS) == ""


def test_names_are_escaped() -> None:
    assert "<b>" not in distribution_section([entry("<b>", 2020, (0.0, 1.0, 2.0, 3.0, 4.0))], 10, LABELS)


def test_a_picture_has_the_columns_label_where_it_fits() -> None:
    cuts = (0.0, 1.0, 2.0, 3.0, 4.0)
    assert '<text x="0" y="12" font-weight="600">Sales (EUR)</text>' in distribution_section(
        [entry("turnover", 2020, cuts)], 10, LABELS
    )
    long = Labels({"turnover": "Sales of goods and services " * 3}, words_of("en"))
    section = distribution_section([entry("turnover", 2020, cuts)], 10, long)
    assert '<text x="0" y="12" font-weight="600">turnover (EUR)</text>' in section
    assert "<title>Sales of goods" in section
