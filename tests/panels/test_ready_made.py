"""A panel of an economist's own, from CSV and Parquet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import openpyxl
import pandas as pd
import pyreadstat
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from panels.frame import ColumnFacts, TextColumn
from specs.errors import EstimationError
from specs.expressions import parse_expression
from tests.panels.building import build, column, messages, write

SPEC = "panel: {table: {files: own.csv}, firm: id, year: t}\n"
OWN = """\
    "",id,t,K,k,region,note
    1,0010,82,1.5,7,N,x
    2,0010,81,2.5,8,S,
    3,0009,81,NA,9,,3
    """


def test_columns_are_numbers_or_text_by_their_values(tmp_path: Path) -> None:
    write(tmp_path, own__csv=OWN)
    panel = build(tmp_path, SPEC)
    assert {name: facts.kind for name, facts in panel.columns.items()} == {
        "firm": "text", "year": "number", "K": "number", "k": "number", "region": "text", "note": "text",
    }  # fmt: skip
    assert column(panel, "firm") == ["0009", "0010", "0010"]
    assert column(panel, "id") == column(panel, "firm")
    assert column(panel, "t") == [81, 81, 82]
    assert column(panel, "K") == [None, 2.5, 1.5]
    assert column(panel, "k") == [9, 8, 7]
    assert panel.firm_names == ("0009", "0010")
    assert panel.years == (81, 82)


def test_variables_conditions_and_the_ledger(tmp_path: Path) -> None:
    write(tmp_path, own__csv=OWN)
    panel = build(tmp_path, """\
        panel: {table: {files: own.csv}, firm: id, year: t, where: not isna(region), where_ever: k >= 8}
        variables: {grown: diff(k), ln: log(K - 2), size: "cut(k, [0, 8], labels=['small', 'big'])", K2: k * 2}
        """)  # fmt: skip
    assert column(panel, "grown") == [None, -1]
    assert column(panel, "ln") == [pytest.approx(np.log(0.5)), None]
    assert column(panel, "K2") == [16, 14]
    size = panel.select(["size"]).columns["size"]
    assert isinstance(size, TextColumn)
    assert size.levels == ("small", "big")
    assert [(e.step, e.rows_in, e.rows_out, e.dropped, e.reason) for e in panel.ledger] == [
        ("read", 3, 3, 0, ""),
        ("read", 3, 3, 0, "years 81-82 taken as numbers of periods (calendar years are written 1981) in 3 rows"),
        ("variables", 3, 3, 0, "ln: log of zero or less, missing in 1 row"),
        ("where_ever", 3, 3, 0, ""),
        ("where", 3, 2, 1, "where is false: not isna(region)"),
    ]


@pytest.mark.parametrize(
    ("years", "span", "written"),
    [((17, 18, 23), "17-23", 2017), ((98, 99), "98-99", 1998), ((10,), "10", 2010), ((9, 10), "9-10", 2009),
     ((98, 99, 0, 1), "98-1", 1998), ((97, 3), "97-3", 1997), ((40, 60), "40-60", 1940), ((1, 3), "1-3", 2001),
     ((1, 2), "", 0), ((0, 1), "", 0), (tuple(range(100)), "", 0), ((99, 100), "", 0), ((2017, 2018), "", 0)],
)  # fmt: skip
def test_years_of_two_digits_are_periods_and_noted(
    tmp_path: Path, years: tuple[int, ...], span: str, written: int
) -> None:
    rows = "".join(f"1,{year},5\n" for year in years)
    write(tmp_path, own__csv="id,t,x\n,17,2\n" + rows)
    panel = build(tmp_path, SPEC)
    assert panel.years == tuple(sorted(years))
    noted = [entry.reason for entry in panel.ledger if "periods" in entry.reason]
    count = f"{len(years)} row{'s' if len(years) > 1 else ''}"
    of = f"years {span} taken as numbers of periods (calendar years are written {written}) in {count}"
    assert noted == ([of] if span else [])


def test_years_of_the_spec_may_be_periods(tmp_path: Path) -> None:
    write(tmp_path, own__csv="id,t,x\n" + "".join(f"1,{year},5\n" for year in range(1, 8)))
    spec = "panel: {table: {files: own.csv}, firm: id, year: t, years: [3, 6]}\n"
    panel = build(tmp_path, spec)
    assert panel.years == (3, 4, 5, 6)
    assert [(one.step, one.dropped, one.reason) for one in panel.ledger] == [
        ("read", 0, ""), ("years", 3, "year outside 3-6"),
    ]  # fmt: skip


OR = "or leave it out, or write the years of the file as 2017"


@pytest.mark.parametrize(
    ("years", "told"),
    [
        ((17, 23), f"its years are 17-23, as numbers of periods, write years: [17, 23], {OR}"),
        ((1, 1), f"its years are 1, as numbers of periods, write years: [1, 1], {OR}"),
        ((1990, 1999), "its years are 1990-1999, write years: [1990, 1999], or leave it out"),
    ],
)  # fmt: skip
def test_years_of_the_spec_that_the_table_has_not(tmp_path: Path, years: tuple[int, int], told: str) -> None:
    write(tmp_path, own__csv="id,t,x\n,2018,1\n" + "".join(f"1,{year},5\n" for year in dict.fromkeys(years)))
    spec = "panel: {table: {files: own.csv}, firm: id, year: t, years: [2017, 2023]}\n"
    assert messages(tmp_path, spec) == [
        f"spec.yaml:2:60: panel.years: the table holds no row of the years 2017-2023, {told}"
    ]


def test_selection_counts_what_where_leaves_out(tmp_path: Path) -> None:
    write(tmp_path, own__csv=OWN)
    panel = build(tmp_path, SPEC)
    rows = panel.select(["K", "region", "id"], parse_expression("K > 2"))
    assert rows.rows.tolist() == [1]
    assert rows.firm.tolist() == [1]
    assert rows.year.tolist() == [81]
    assert rows.n_panel == 3
    assert rows.outside == {"where is false": 1, "where is missing": 1}
    with pytest.raises(EstimationError, match="neither 0 nor 1 in 3 rows"):
        panel.select(["K"], parse_expression("k and K > 2"))


def test_estimates_join_the_panel_and_later_variables_use_them(tmp_path: Path) -> None:
    write(tmp_path, own__csv=OWN)
    panel = build(tmp_path, SPEC)
    more = panel.with_numbers({"tfp": np.array([0.5, np.nan, np.inf])}, {"tfp": ColumnFacts("tfp", "number", "log")})
    assert column(more, "tfp") == [0.5, None, None]
    derived = more.derive({"before": parse_expression("lag(k)"), "x": parse_expression("before + tfp")})
    assert column(derived, "before") == [None, None, 8]
    assert column(derived, "x") == [None, None, None]
    assert "tfp" not in panel.columns
    assert column(derived, "K") == [None, 2.5, 1.5]
    with pytest.raises(ValueError, match="has a column 'K' already"):
        panel.with_numbers({"K": np.zeros(3)})
    with pytest.raises(EstimationError, match=r'variables.z: no column "kk" .*did you mean "K"'):
        panel.derive({"z": parse_expression("kk + 1")})


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    write(tmp_path, own__csv=OWN)
    duckdb.connect().execute(
        "COPY (SELECT * FROM (VALUES (10::DOUBLE, 82, 1.5::FLOAT, 'N'), (10, 81, 2.5, 'S'), (9, 81, 'NaN', NULL)) "
        f"AS v(id, t, K, region)) TO '{tmp_path}/own.parquet' (FORMAT parquet)"
    )
    panel = build(tmp_path, SPEC.replace("csv", "parquet"))
    assert column(panel, "firm") == ["10", "10", "9"]
    assert column(panel, "K") == [2.5, 1.5, None]
    assert column(panel, "region") == ["S", "N", None]


def test_a_panel_is_the_same_bit_for_bit_in_any_order_of_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = [
        f"{firm},{year},{rng.normal()!r},{rng.choice(['a', 'b'])}" for firm in range(60) for year in range(2010, 2020)
    ]
    spec = """\
        panel: {table: {files: own.csv}, firm: id, year: t}
        variables: {m: "mean(x, by=[g], leave_out=true)", s: sum(x), l: "lag(x, 3)"}
        """
    found = []
    for seed in (0, 1):
        order = np.random.default_rng(seed).permutation(len(rows))
        write(tmp_path, own__csv="id,t,x,g\n" + "\n".join(rows[i] for i in order) + "\n")
        panel = build(tmp_path, spec)
        found.append([panel.select([name]).number(name).tobytes() for name in ("x", "m", "s", "l")])
    assert found[0] == found[1]


def test_trim(tmp_path: Path) -> None:
    rows = "".join(f"{i},{t},{i if t == 1 else 10 * i},{'ab'[i % 2]}\n" for i in range(1, 22) for t in (1, 2))
    write(tmp_path, own__csv="id,t,x,g\n" + rows)
    base = (
        "panel: {{table: {{files: own.csv}}, firm: id, year: t, "
        "clean: {{trim: {{of: [x], by: [t], quantiles: [0.1, 0.9], action: {}}}}}}}"
    )
    dropped = build(tmp_path, base.format("drop"))
    # 1, ..., 21: the 10 % quantile by linear interpolation is 3, the 90 % quantile 19.
    assert {v for v, t in zip(column(dropped, "x"), column(dropped, "t"), strict=True) if t == 1} == set(range(3, 20))
    assert [e.dropped for e in dropped.ledger if e.step == "trim"] == [8]
    winsorised = build(tmp_path, base.format("winsorise"))
    pairs = zip(column(winsorised, "x"), column(winsorised, "t"), strict=True)
    assert {value for value, t in pairs if t == 2} == {10.0 * i for i in range(3, 20)}
    blank = build(tmp_path, base.format("blank"))
    assert column(blank, "x").count(None) == 8


def test_mistakes_in_values_are_told_together(tmp_path: Path) -> None:
    write(tmp_path, own__csv="id;t;x\n1;2019;1,5\n1;2019;2,25\n2;201x;3,0\n;2018;4,0\n")
    found = messages(tmp_path, "panel: {table: {files: own.csv}, firm: id, year: t}\n")
    assert found == [
        'spec.yaml:2:24: panel.table.files: own.csv, line 4, column t: "201x" is not a year, '
        "write 2023: a year is a whole number, not a date",
        "spec.yaml:2:24: panel.table.files: own.csv, line 3: firm 1 has the year 2019 already, in line 2, "
        "keep one row a firm and year",
    ]


def test_names_are_checked_when_the_columns_are_known(tmp_path: Path) -> None:
    write(tmp_path, own__csv=OWN)
    spec = SPEC + "variables:\n  a: log(Kk)\n  b: region + 1\n  c: log(note)\n"
    # What is text only the values tell, so that two of the three come at the third gate.
    assert messages(tmp_path, spec) == [
        'spec.yaml:4:10: variables.a: no column "Kk" in the panel or in variables:, did you mean "K"?',
    ]
    assert messages(tmp_path, spec.replace("log(Kk)", "log(K)")) == [
        'spec.yaml:5:6: variables.b: "region" is text, "+" wants a number',
        'spec.yaml:6:10: variables.c: "note" is text, log() wants a number',
    ]


def test_a_column_of_numbers_with_one_text_says_which(tmp_path: Path) -> None:
    write(tmp_path, own__csv="id,t,x\n1,1,2.5\n1,2,n.a.\n1,3,4\n")
    assert messages(tmp_path, SPEC + "variables: {a: log(x)}\n") == [
        'spec.yaml:3:20: variables.a: "x" is text, log() wants a number, '
        'its values are numbers but for "n.a." in own.csv, line 3'
    ]


def test_keys_of_the_spec_that_the_file_lacks(tmp_path: Path) -> None:
    write(tmp_path, own__csv="firm_id,year,x\n1,2,3\n")
    assert messages(tmp_path, SPEC) == [
        'spec.yaml:2:24: panel.table.files: own.csv has a column "year", which is the name of the panel\'s key, '
        "rename it, or write year: year",
        'spec.yaml:2:40: panel.firm: own.csv has no column "id", there are: firm_id, year, x',
        'spec.yaml:2:50: panel.year: own.csv has no column "t", there are: firm_id, year, x',
    ]


def parquet(folder: Path, name: str, select: str) -> None:
    duckdb.connect().execute(f"COPY ({select}) TO '{folder}/{name}' (FORMAT parquet)")


def test_files_of_other_types_do_not_lose_their_text(tmp_path: Path) -> None:
    parquet(tmp_path, "a1.parquet", "SELECT '1' AS id, 2020 AS t, 1.5::DOUBLE AS x, 1 AS z")
    parquet(tmp_path, "a2.parquet", "SELECT '1' AS id, 2021 AS t, 'n.a.' AS x, '2' AS z")
    spec = SPEC.replace("own.csv", "a*.parquet")
    panel = build(tmp_path, spec)
    assert column(panel, "x") == ["1.5", "n.a."]
    assert column(panel, "z") == [1, 2]


def test_whole_numbers_of_parquet_keep_their_last_digit(tmp_path: Path) -> None:
    parquet(
        tmp_path, "own.parquet", "SELECT * FROM (VALUES (900719925474099301, 1), (900719925474099302, 1)) AS v(id, t)"
    )
    panel = build(tmp_path, SPEC.replace("csv", "parquet"))
    assert panel.firm_names == ("900719925474099301", "900719925474099302")


def test_a_firm_that_is_not_a_number_is_missing(tmp_path: Path) -> None:
    parquet(tmp_path, "own.parquet", "SELECT * FROM (VALUES ('NaN'::DOUBLE, 1), (7, 1)) AS v(id, t)")
    assert build(tmp_path, SPEC.replace("csv", "parquet")).firm_names == ("7",)


def test_classes_with_an_underscore_are_no_numbers(tmp_path: Path) -> None:
    write(tmp_path, own__csv="id;t;size;y\n1;1;10_49;1,5\n1;2;50_249;2,5\n")
    panel = build(tmp_path, SPEC)
    assert column(panel, "size") == ["10_49", "50_249"]
    assert column(panel, "y") == [1.5, 2.5]
    write(tmp_path, own__csv="id,t,size\n1,1,10_49\n1,2,50_249\n")
    assert column(build(tmp_path, SPEC), "size") == ["10_49", "50_249"]


def test_many_columns_some_with_a_text_among_numbers(tmp_path: Path) -> None:
    names = [f"v{number}" for number in range(230)]
    lines = [",".join(["1", str(year), *(f"{year}.5" for _ in names)]) for year in (1, 2, 3)]
    lines[1] = lines[1].rsplit(",", 1)[0] + ",-"
    write(tmp_path, own__csv=f"id,t,{','.join(names)}\n" + "\n".join(lines) + "\n")
    panel = build(tmp_path, SPEC)
    assert column(panel, "v0") == [1.5, 2.5, 3.5]
    assert panel.columns["v229"].source == 'its values are numbers but for "-" in own.csv, line 3'


@pytest.mark.parametrize("year", ["2019-12-31", "20191231", "43830", "2019.5"])
def test_dates_are_no_years(tmp_path: Path, year: str) -> None:
    write(tmp_path, own__csv=f"id,t,x\n1,{year},2\n")
    (found,) = messages(tmp_path, SPEC)[:1]
    assert f'line 2, column t: "{year}" is not a year' in found


def test_what_no_file_tells_is_not_held_against_the_spec(tmp_path: Path) -> None:
    write(tmp_path, own__csv="# made by a program\nid,t,x\n1,2,3\n")
    spec = SPEC + "variables: {y: log(x)}\n"
    assert messages(tmp_path, spec) == [
        'spec.yaml:2:40: panel.firm: own.csv has no column "id", there are: # made by a program',
        'spec.yaml:2:50: panel.year: own.csv has no column "t", there are: # made by a program',
    ]
    write(tmp_path, own__csv="id,t,x\n")
    assert messages(tmp_path, spec) == [
        "spec.yaml:2:8: panel: the files hold no rows, a row counts that has a firm and a year"
    ]


@pytest.mark.parametrize(
    ("of", "expected"),
    [("[k, k]", '"k" stands twice, leave one out'),
     ("[k, region]", '"region" is text and has no quantiles, name numbers, or ratios of them')],
)  # fmt: skip
def test_what_cannot_be_trimmed(tmp_path: Path, of: str, expected: str) -> None:
    write(tmp_path, own__csv=OWN)
    found = messages(tmp_path, SPEC.replace("firm: id", f"clean: {{trim: {{of: {of}}}}}, firm: id"))
    assert found == [f"spec.yaml:2:57: panel.clean.trim.of: {expected}"]


@pytest.mark.parametrize("other", ["10", "10.0", "00010"])
def test_a_file_that_lost_leading_zeros(tmp_path: Path, other: str) -> None:
    write(tmp_path, a__csv="id,t\n0010,1\nA1,1\n", b__csv=f"id,t\n{other},2\nA01,2\n")
    assert messages(tmp_path, SPEC.replace("own.csv", "'?.csv'")) == [
        f'spec.yaml:2:25: panel.table.files: b.csv, line 2: the firm "{other}" is written "0010" in a.csv, line 2, '
        "its years would not meet, write a number alike in all rows, with its leading zeros"
    ]


def test_two_spellings_in_one_year_are_two_firms(tmp_path: Path) -> None:
    """Leading zeros are kept: where both spellings stand in one year, no zeros were lost."""
    (tmp_path / "own.csv").write_text("id,t,x\n1,2020,1\n01,2020,2\n1,2021,3\n01,2021,4\n")
    panel = build(tmp_path, SPEC)
    assert panel.firm_names == ("01", "1")
    assert column(panel, "x") == [2.0, 4.0, 1.0, 3.0]


def _cell(value: object, decimal: str) -> str:
    if value is None:
        return ""
    text = repr(value).replace(".", decimal) if isinstance(value, float) else str(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',;"') else text


def _csv(name: str, delimiter: str, decimal: str, options: str = "") -> Callable[[pd.DataFrame, Path], str]:
    def write_rows(frame: pd.DataFrame, folder: Path) -> str:
        lines = [list(frame.columns), *frame.itertuples(index=False, name=None)]
        text = "".join(delimiter.join(_cell(cell, decimal) for cell in line) + "\n" for line in lines)
        (folder / name).write_text(text, encoding="utf-8")
        return f"{{path: {name}{options}}}"

    return write_rows


def _parquet(frame: pd.DataFrame, folder: Path) -> str:
    typed = frame.astype({"t": "Int64", "k": "Int64", "x": "Float64", "id": "string", "g": "string"})
    duckdb.from_df(typed).write_parquet(str(folder / "own.parquet"))
    return "own.parquet"


def _stata(frame: pd.DataFrame, folder: Path) -> str:
    typed = frame.astype({"t": "float64", "k": "float64", "x": "float64"})
    pyreadstat.write_dta(typed.fillna({"id": "", "g": ""}), folder / "own.dta", version=15)
    return "own.dta"


def _excel(frame: pd.DataFrame, folder: Path) -> str:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in [list(frame.columns), *frame.itertuples(index=False, name=None)]:
        sheet.append(line)
    book.save(folder / "own.xlsx")
    return "own.xlsx"


WRITERS = {
    "comma": _csv("own.csv", ",", "."),
    "semicolon": _csv("other.csv", ";", ",", ", delimiter: ';', decimal: ','"),
    "parquet": _parquet,
    "stata": _stata,
    "excel": _excel,
}
# Excel keeps fifteen digits of a number.
AMOUNTS = st.one_of(
    st.none(),
    st.sampled_from([0.0, -7.0, 1.0, 1234.0, 1.234, 1e12]),
    st.floats(-1e9, 1e9).map(lambda x: float(f"{x:.15g}")),
)
KEYS = st.lists(
    st.tuples(st.sampled_from(["0001", "0002", "0a-3", "élan", None]), st.sampled_from([0, 1, 2, 3, 5, None])),
    min_size=1, max_size=18, unique=True,
)  # fmt: skip
RANDOM = """\
panel:
  table: {{files: {files}}}
  firm: id
  year: t
  {years}
  clean: {{trim: {{of: [x], by: [g], quantiles: [0, 0.9], action: drop}}}}
  where: g != 'b; "c"'
variables: {{before: lag(x), ln: log(x), per: x / k, others: "mean(x, by=[g])"}}
"""


@settings(deadline=None, max_examples=12, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.data(), KEYS, st.sampled_from([1, 15, 2015]))
def test_the_same_table_in_every_format_is_the_same_panel(
    data: st.DataObject, keys: list[tuple[str | None, int | None]], start: int
) -> None:
    texts = st.sampled_from(["a", "é, ", 'b; "c"', None])
    rows = [
        (firm, None if step is None else start + step, data.draw(AMOUNTS),
         data.draw(st.sampled_from([None, 0, 1, 12, 10**15])), data.draw(texts))
        for firm, step in keys
    ]  # fmt: skip
    # Where a file has no value in a column, CSV says nothing of its kind.
    rows += [("z", start, 2.5, 3, "a"), ("z", start + 9, 1.5, 4, "a")]
    frame = pd.DataFrame(rows, columns=["id", "t", "x", "k", "g"], dtype=object)
    found: dict[str, Any] = {}
    for name, write_frame in WRITERS.items():
        with TemporaryDirectory() as temporary:
            folder = Path(temporary)
            years = f"years: [{start}, {start + 5}]" if start > 1000 else ""  # periods have no first and last
            panel = build(folder, RANDOM.format(files=write_frame(frame, folder), years=years))
            assert len(rows) - sum(entry.dropped for entry in panel.ledger) == panel.n_rows
            kinds = {key: facts.kind for key, facts in panel.columns.items()}
            values = {f"column {key}": column(panel, key) for key in kinds}
            found[name] = {"kinds": kinds, **values, "ledger": panel.ledger.plain()}
    first = found["comma"]
    differ = {
        (name, key): (one[key], first[key]) for name, one in found.items() for key in first if one[key] != first[key]
    }
    assert not differ
