"""The ledger by stratum, with small counts left out, and as a waterfall."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reports.labels import Labels
from reports.strata import shown_strata, strata_files, strata_section
from reports.waterfall import waterfall
from reports.words import words_of

WORDS = words_of("en")
LABELS = Labels({}, WORDS)


def entry(level: str, dropped: int, stratum: str = "size", reason: str = "too small") -> dict[str, Any]:
    return {"table": "accounts", "step": "require", "reason": reason, "stratum": stratum, "level": level,
            "dropped": dropped}  # fmt: skip


def test_small_counts_are_left_out_and_one_beside_them() -> None:
    shown = shown_strata([entry("0-9", 3), entry("10-19", 40), entry("250+", 12)], 10)
    assert [one["dropped"] for one in shown] == [None, 40, None]
    assert dict(strata_files(shown))["ledger_by_stratum.csv"].splitlines()[1:] == [
        "accounts,require,too small,size,0-9,", "accounts,require,too small,size,10-19,40",
        "accounts,require,too small,size,250+,",
    ]  # fmt: skip


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_no_small_count_follows_from_the_others_and_the_total(counts: list[int]) -> None:
    shown = shown_strata([entry(str(number), count) for number, count in enumerate(counts)], 10)
    hidden = sum(counts) - sum(one["dropped"] or 0 for one in shown)
    assert all(one["dropped"] is None or one["dropped"] >= 10 for one in shown)
    gone = [one for one in shown if one["dropped"] is None]
    # What is hidden holds at least ten rows together, or nothing is shown at all.
    assert hidden == 0 or hidden >= 10 or len(gone) == len(shown)


def test_of_a_small_drop_nothing_is_told() -> None:
    # A zero beside the one would say where it was.
    entries = [entry("0-9", 1), entry("0-9", 30, reason="late"), entry("10-19", 40, reason="late")]
    shown = shown_strata(entries, 10)
    assert {one["reason"] for one in shown} == {"late"}
    assert "too small" not in strata_section(shown, 10, LABELS, WORDS)


def test_the_page_has_a_column_a_level_in_the_order_of_size() -> None:
    entries = [entry("", 30), entry("250+", 20), entry("0-9", 50), entry("10-19", 15), entry("C", 99, "nace")]
    page = strata_section(shown_strata(entries, 10), 10, LABELS, WORDS)
    assert re.findall(r'<th scope="col">([^<]*)</th>', page) == [
        "Reason",
        "0\u20119",
        "10\u201119",
        "250+",
        "not known",
    ]
    assert "by size class" in page
    assert strata_section([], 10, LABELS, WORDS) == ""


def test_reasons_and_tables_have_the_labels_of_the_spec() -> None:
    labels = Labels(
        {"materials": "Purchases & services", "capital": {"en": "Fixed assets", "nl": "Vaste activa"}}, WORDS
    )
    entries = [entry("0-9", 30, reason="materials is missing"), entry("0-9", 40, reason="capital is zero"),
               entry("0-9", 50, reason="labour is missing")]  # fmt: skip
    page = strata_section(shown_strata(entries, 10), 10, labels, WORDS)
    told = re.findall(r"<tr><th scope=\"row\">([^<]*)</th>", page)
    assert told == ["accounts: Purchases &amp; services is missing", "accounts: Fixed assets is zero",
                    "accounts: labour is missing"]  # fmt: skip
    dutch = words_of("nl_BE")
    assert "Vaste activa" in strata_section(
        shown_strata(entries, 10), 10, Labels({"capital": {"nl": "Vaste activa"}}, dutch), dutch
    )


def ledger(*steps: tuple[str, int, int, str]) -> list[dict[str, Any]]:
    return [
        {"table": table, "step": "s", "rows_in": rows, "rows_out": 0, "dropped": dropped, "reason": reason}
        for table, rows, dropped, reason in steps
    ]


def test_a_waterfall_leaves_what_the_ledger_leaves() -> None:
    rows = ledger(("accounts", 1000, 0, ""), ("accounts", 1000, 250, "a < b & c"), ("accounts", 750, 50, "x" * 90),
                  ("accounts", 700, 0, "noted only"), ("survey", 9, 9, "other"))  # fmt: skip
    picture = waterfall(rows, "accounts")
    assert "<title>1,000 rows of accounts read, 700 left</title>" in picture
    widths = [float(one) for one in re.findall(r'width="([\d.]+)" height="14" fill="#33658a"', picture)]
    assert [round(one / widths[0], 2) for one in widths] == [1.0, 0.75, 0.7]
    assert "a &lt; b &amp; c" in picture
    # A long reason takes two lines, and loses no letter.
    assert sum(one.count("x") for one in re.findall(r'text-anchor="end">(x+)</text>', picture)) == 90
    lines = [int(one) for one in re.findall(r'y="(\d+)" text-anchor="end"', picture)]
    assert len(lines) == 4
    assert lines == sorted(set(lines))
    assert "noted only" not in picture
    assert waterfall(ledger(("accounts", 5, 0, "")), "accounts") == ""
