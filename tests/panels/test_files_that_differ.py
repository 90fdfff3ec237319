"""Files of one entry that have different columns, days written the Belgian way, and years that a rule moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.panels.building import build, column, messages, write
from tests.panels.test_cleaning import accounts, balanced, dropped, row, values

DATED = "STARTDATE,ENDDATE"


def amounts(folder: Path, clean: str = "", **files: str) -> dict[tuple[str, int], tuple[float | None, ...]]:
    write(folder, **{f"{name}__csv": text for name, text in files.items()})
    names = ", ".join(f"{name}.csv" for name in files)
    spec = f"panel: {{accounts: {{files: [{names}], layout: nbb}}, clean: {{{clean}}}}}\n"
    return values(build(folder, spec), "value_added", "labour", "employees")


def test_a_filing_of_its_own_goes_before_the_year_before_in_a_later_one(tmp_path: Path) -> None:
    """An extract of old years, which has no column of periods, beside deposits that have one."""
    old = f"ENTNR,YEAR,{DATED},SCHEME,NACE,R9900,R9087,R9086\n1,2021,2021-01-01,2021-12-31,VKT,10710,120,7,8\n"
    new = (
        f"ENTNR,YEAR,{DATED},SCHEME,NACE,R9900,R9087,R9086,PERIOD,DEPOSITDATE\n"
        "1,2021,2021-01-01,2021-12-31,VKT,10710,95,6,8,NM1,2023-07-01\n"
        "1,2022,2022-01-01,2022-12-31,VKT,10710,130,7,8,N,2023-07-01\n"
    )
    found = amounts(tmp_path, "filings: latest", old=old, new=new)
    assert found == {("1", 2021): (120.0, 7.0, 8.0), ("1", 2022): (130.0, 7.0, 8.0)}


def test_each_file_gives_a_concept_in_its_own_way(tmp_path: Path) -> None:
    """Two files give what one file with the columns of both gives."""
    first = "ENTNR,YEAR,SCHEME,NACE,R9900,R9087,R1003,R1001,R1002,R9086,MONTHS\na,2020,VKT,10710,100,7,,3,4,9,12\n"
    second = f"ENTNR,YEAR,SCHEME,NACE,R9900,R1003,R9086,{DATED}\nb,2020,VKT,10710,100,6,8,2020-01-01,2020-12-31\n"
    both = (
        f"ENTNR,YEAR,SCHEME,NACE,R9900,R9087,R1003,R1001,R1002,R9086,MONTHS,{DATED}\n"
        "a,2020,VKT,10710,100,7,,3,4,9,12,,\nb,2020,VKT,10710,100,,6,,,8,,2020-01-01,2020-12-31\n"
    )
    apart = amounts(tmp_path, "months: [6, 18]", first=first, second=second)
    assert apart == amounts(tmp_path, "months: [6, 18]", both=both)
    assert apart == {("a", 2020): (100.0, 7.0, 7.0), ("b", 2020): (100.0, 6.0, 8.0)}


def test_a_file_that_cannot_give_a_case_is_told_with_its_line(tmp_path: Path) -> None:
    full = "ENTNR,YEAR,SCHEME,NACE,R70,R60,R61,R9900\na,2020,VOL,10710,100,20,5,\nb,2020,VKT,10710,,,,50\n"
    short = "ENTNR,YEAR,SCHEME,NACE,R9900\nc,2020,VKT,10710,50\nd,2020,VOL,10710,50\n"
    write(tmp_path, full__csv=full, short__csv=short)
    found = messages(tmp_path, "panel: {accounts: {files: [full.csv, short.csv], layout: nbb}}\n")
    (told,) = (one for one in found if "value_added" in one)
    assert "short.csv, line 3: value_added where scheme == 'full' needs the column R70, which the file lacks" in told


@pytest.mark.parametrize(("first", "second", "kept"), [("31/08/2021", "05/11/2021", 200), ("", "05/11/2021", 200)])
def test_deposits_are_ordered_by_their_days(tmp_path: Path, first: str, second: str, kept: float) -> None:
    rows = [row("1", 2020, R70=100 + 50, DEPOSITDATE=first), row("1", 2020, R70=250, DEPOSITDATE=second)]
    for each in (rows, rows[::-1]):
        assert values(build(tmp_path, accounts(tmp_path, each, "filings: latest")), "value_added") == {
            ("1", 2020): (kept,)
        }


def test_a_day_of_deposit_that_is_none_is_told(tmp_path: Path) -> None:
    rows = [row("1", 2020, DEPOSITDATE="2021-08-31"), row("1", 2020, DEPOSITDATE="August")]
    (message,) = messages(tmp_path, accounts(tmp_path, rows, "filings: latest"))
    assert 'line 3, column DEPOSITDATE: "August" is not a date' in message


@pytest.mark.parametrize("day", ["31-08-1021", "2921-08-31", "9999-12-31"])
def test_a_day_of_deposit_in_no_plausible_year_is_told(tmp_path: Path, day: str) -> None:
    rows = [row("1", 2020, DEPOSITDATE="2199-12-31"), row("2", 2020, DEPOSITDATE="1800-01-01")]
    assert messages(tmp_path, accounts(tmp_path, rows, "filings: latest")) == []
    rows += [row("1", 2020, DEPOSITDATE=day), row("2", 2020, DEPOSITDATE=day)]
    (message,) = messages(tmp_path, accounts(tmp_path, rows, "filings: latest"))
    assert message.endswith(
        f'line 4, column DEPOSITDATE: "{day}" is not a date of a plausible year, 1 more such cell in the column, '
        "years are 1800 to 2199, of four digits: write 2023-12-31, or empty the cell if it is not known"
    )


@pytest.mark.parametrize(
    ("clean", "kept"),
    [("year: orbis", {("1", 2020): (20.0,)}), ("year: calendar", {("1", 2020): (20.0,), ("1", 2021): (21.0,)})],
)
def test_expressions_of_a_layout_are_of_the_year_that_a_row_has_now(
    tmp_path: Path, clean: str, kept: dict[tuple[str, int], tuple[float | None, ...]]
) -> None:
    write(
        tmp_path,
        a__csv=f"ENTNR,YEAR,SCHEME,NACE,R9900,START,{DATED}\n1,2021,VKT,10710,50,2000,2020-04-01,2021-03-31\n",
    )
    spec = f"panel: {{accounts: {{files: a.csv, layout: nbb}}, clean: {{{clean}}}}}\n"
    assert values(build(tmp_path, spec), "firm_age") == kept


def test_expressions_of_a_layout_are_of_amounts_of_twelve_months(tmp_path: Path) -> None:
    layout = (
        "layout: own\ntable: accounts\nkeys: {firm: {column: ID}, year: {column: FY}}\nconcepts:\n"
        "  months: {label: m, column: M, between: [BEG, END]}\n"
        "  output: {label: o, of: A, flow: true}\n  labour: {label: l, of: F}\n"
        "  ratio: {label: r, expression: output / labour}\n"
    )
    text = (
        "ID,FY,BEG,END,M,A,F\na,2020,2020-01-01,2020-06-30,,100,10\na,2020,2020-07-01,2020-12-31,,150,10\n"
        "b,2020,2020-01-01,2020-09-30,,90,10\n"
    )
    write(tmp_path, own__yaml=layout, a__csv=text)
    spec = "panel: {accounts: {files: a.csv, layout: own.yaml}, clean: {periods: sum, months: [6, 18]}}\n"
    assert values(build(tmp_path, spec), "output", "ratio") == {
        ("a", 2020): (250.0, 25.0), ("b", 2020): (120.0, 12.0),
    }  # fmt: skip


def test_days_in_common_are_not_added_twice(tmp_path: Path) -> None:
    rows = [row("1", 2020, "2020-01-01", "2020-06-29"), row("1", 2020, "2020-01-01", "2020-06-30", R70=120)]
    panel = build(tmp_path, accounts(tmp_path, rows, "filings: latest, periods: sum, months: [6, 18]"))
    assert values(panel, "turnover", "months") == {("1", 2020): (240.0, 6.0)}
    assert dropped(panel, "periods") == {"has days in common with a longer accounting year of the same year": 1}


def test_days_in_common_are_not_spread_twice(tmp_path: Path) -> None:
    rows = [row("1", 2020, "2020-01-01", "2020-12-30"), row("1", 2020, "2020-01-01", "2020-12-31", R70=120)]
    rows += [row("1", 2021), row("2", 2020), row("2", 2020, "2020-03-01", "2020-04-30")]
    for each in (rows, rows[::-1]):
        panel = build(tmp_path, accounts(tmp_path, each, "year: calendar"))
        assert values(panel, "turnover", "months") == {
            ("1", 2020): (120.0, 12.0), ("1", 2021): (100.0, 12.0), ("2", 2020): (100.0, 12.0),
        }  # fmt: skip
        reason = "has days in common with an accounting period that closes later"
        assert dropped(panel, "overlaps") == {reason: 2}
        balanced(panel)


@pytest.mark.parametrize(
    ("rule", "statuses"),
    [("orbis", ["other_year_only", "account_dropped"]), ("calendar", ["linked_full", "account_dropped"])],
)
def test_accounts_were_dropped_only_if_they_belonged_to_the_year_of_the_wave(
    tmp_path: Path, rule: str, statuses: list[str]
) -> None:
    rows = [
        row("1", 2021, "2020-04-01", "2021-03-31"),
        row("2", 2020),
        row("2", 2022, "2022-01-01" if rule == "orbis" else "2021-12-01", "2022-03-31", R70=70),
    ]
    spec = accounts(
        tmp_path, rows, f"year: {rule}, months: [{6 if rule == 'orbis' else 2}, 18]",
        ", survey: {files: {2021: ict.csv}, layout: eurostat_ict}",
    )  # fmt: skip
    write(tmp_path, ict__csv="ENTNR,WEIGHT,E_AI_TTM\n1,1,0\n2,1,1\n")
    panel = build(tmp_path, spec)
    assert panel.linkage is not None
    (wave,) = panel.linkage.waves
    assert [name for name, units in wave.statuses.items() if units] == sorted(statuses, key=list(wave.statuses).index)
    assert column(panel, "linked").count(1.0) == (0 if rule == "orbis" else 1)


def test_heads_and_full_time_equivalents_below_zero_are_missing(tmp_path: Path) -> None:
    rows = [row("1", 2020, R9087=-4, R9086=-5), row("2", 2020)]
    panel = build(tmp_path, accounts(tmp_path, rows, "months: [6, 18]"))
    assert values(panel, "labour", "employees") == {("1", 2020): (None, None), ("2", 2020): (12.0, 14.0)}
    assert [one.reason for one in panel.ledger if one.step == "bounds"] == [
        "employees below 0, missing (acc.csv line 2) in 1 row",
        "labour below 0, missing (acc.csv line 2) in 1 row",
    ]
