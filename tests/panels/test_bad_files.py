"""What is wrong with a file, told at the gate where it can first be known, with the line."""

from __future__ import annotations

import gzip
from pathlib import Path
from textwrap import dedent

import duckdb
import pytest

from panels.assemble import assemble
from panels.sources import inspect_sources
from specs.errors import SpecError
from tests.panels.building import ONE_ROW, build, column, messages, plan_of, write

TABLE = "panel: {{table: {{files: {}}}, firm: id, year: t}}\n"
START = "spec.yaml:2:24: panel.table.files: "

NACE_ADVICE = "sections are A to U; has a leading zero been lost?"


def told(folder: Path, name: str, content: bytes, files: str = "") -> list[str]:
    (folder / name).write_bytes(content)
    found = messages(folder, TABLE.format(files or name))
    return [message.split(f"{name}", 1)[1] for message in found]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", " is empty"),
        ("a.csv", b"  \n\n", " is empty"),
        ("a.csv", b"PAR1....PAR1", " is not CSV, it is Parquet, name it .parquet"),
        ("a.csv", gzip.compress(b"id,t\n1,2\n", mtime=0), " is not CSV, it is a gzip archive, "
                                                         "save it as CSV or Parquet"),
        ("a.csv", b"PK\x03\x04rest", " is not CSV, it is a zip archive or an Excel workbook (.xlsx), "
                                     "save it as CSV or Parquet"),
        ("a.csv", b"id,t\n1,\x00\n", " is not text: it holds NUL bytes, save it as CSV, or declare encoding: utf-16"),
        ("a.csv", b"\n <!DOCTYPE html>\n<html>", " is not CSV, it is a web page, save it as CSV or Parquet"),
        ("a.csv", b'[{"id": 1}]', " is not CSV, it is JSON, save it as CSV or Parquet"),
        ("a.csv", b'id,t,x\n1,2,"a"b\n', ", line 2: a quoted cell does not end where its quotes do, "
                                         'write a quote in a cell twice: ""'),
        ("a.csv", b"id,t\n1,2\n\x81\x8d,3\n", ", line 3: neither UTF-8 nor windows-1252, declare its encoding:"),
        ("a.csv", b"id,t,t\n1,2,3\n", ': the column "t" stands 2 times in its first line'),
        ("a.csv", b",,\n1,2,3\n", ": its first line holds no names of columns"),
        ("a.csv", b"id,t,x\n1,2,3\n2,2\n3,2,4,5\n", ", line 3: 2 cells, the first line has 3, is the line cut off?"),
        ("a.parquet", b"id,t\n1,2\n", " is not Parquet, it is text, perhaps CSV, give it the name of what it is"),
        ("a.parquet", b"PAR1 and then nothing", " is cut off: the end of a Parquet file is missing, copy it again"),
        ("a.parquet", b"PAR1 and then nonPAR1", " cannot be read as Parquet: "),
        ("a.sav", b"id,t\n1,2\n", ": no reader for files of this name, "
                                  "there are readers for .csv, .txt, .tsv, .parquet, .pq, .dta, .sas7bdat, "
                                  ".xpt, .xlsx, .xlsm, .duckdb, .ddb, .json"),
    ],
)  # fmt: skip
def test_files_that_are_not_what_they_say(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    found = told(tmp_path, name, content)
    assert found[0].startswith(expected) if expected.endswith(": ") else found[0] == expected


def test_ragged_rows_have_their_true_lines(tmp_path: Path) -> None:
    content = b'id;t;x\n1;1;"two\nlines"\n\n2;1\n3;1;a;b\n4;1;c\n5;1\n6;1\n7;1\n'
    assert told(tmp_path, "a.csv", content) == [
        ", line 5: 2 cells, the first line has 3, is the line cut off?",
        ", line 6: 4 cells, the first line has 3, quote cells that hold the delimiter",
        ", line 8: 2 cells, the first line has 3, is the line cut off?",
        ": 5 lines in all do not have 3 cells",
    ]


def test_missing_files_and_empty_globs(tmp_path: Path) -> None:
    assert messages(tmp_path, TABLE.format("x_*.csv")) == [START + 'no file matches "x_*.csv"']
    assert messages(tmp_path, TABLE.format("x.csv")) == [START + 'no such file "x.csv"']


@pytest.mark.parametrize(
    "text",
    ["id,t,x,n\n1,2,1.5,é\n", "id;t;x;n\n1;2;1,5;é\n", "id\tt\tx\tn\n1\t2\t1.5\té\n", "id|t|x|n\r\n1|2|1,5|é\r\n"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252", "utf-16", "utf-32"])
def test_delimiter_decimal_comma_and_encoding_are_detected(tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    panel = build(tmp_path, TABLE.format("a.csv"))
    assert column(panel, "x") == [1.5]
    assert column(panel, "n") == ["é"]


def test_a_declared_delimiter_that_the_file_does_not_hold(tmp_path: Path) -> None:
    (found,) = told(tmp_path, "a.csv", b"id,t\n1,2\n", "{path: a.csv, delimiter: ';'}")
    assert found == (
        ": its first line does not hold a semicolon, the delimiter of the spec, leave delimiter: out to have it found"
    )


@pytest.mark.parametrize("encoding", ["punycode"])
def test_an_encoding_that_no_file_has(tmp_path: Path, encoding: str) -> None:
    (found,) = told(tmp_path, "a.csv", b"id,t\n1,2.5\n", f"{{path: a.csv, encoding: {encoding}}}")
    assert f"not {encoding}, as the spec declares" in found


def test_ends_of_lines_may_differ(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'id,t,x\r\n1,1,"a\nb"\r\n1,2,c\n1,3,d\r\n')
    assert column(build(tmp_path, TABLE.format("a.csv")), "x") == ["a\nb", "c", "d"]


def test_a_long_text_in_a_cell(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,t,x\n1,1," + b"x" * 300_000 + b"\n1,1,y\n")
    (found,) = messages(tmp_path, TABLE.format("a.csv"))
    assert "line 3: firm 1 has the year 1 already" in found


def test_a_link_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to("gone.csv")
    assert messages(tmp_path, TABLE.format("a.csv")) == [
        START + 'no such file "a.csv", "a.csv" there is a link to a file that is gone'
    ]


def test_parquet_whose_inside_is_broken(tmp_path: Path) -> None:
    duckdb.connect().execute(
        "COPY (SELECT range AS id, 1 AS t, hash(range)::VARCHAR AS x FROM range(5000)) "
        f"TO '{tmp_path}/a.parquet' (FORMAT parquet)"
    )
    content = (tmp_path / "a.parquet").read_bytes()
    (found,) = told(
        tmp_path, "a.parquet", content[:100] + bytes(len(content) // 2) + content[100 + len(content) // 2 :]
    )
    assert found.startswith(" cannot be read: ")
    assert found.endswith(", is it damaged or cut off? copy it again")


CSV = "id,t,x\n1,1,é\n2,1,éé\n".encode()


def test_files_that_break_off_after_they_were_looked_into(tmp_path: Path) -> None:
    """The second gate looks at a file, the third reads it: what becomes of it in between is told, and no traceback."""
    select = "SELECT range AS id, 1 AS t, hash(range)::VARCHAR AS x FROM range(5000)"
    duckdb.connect().execute(f"COPY ({select}) TO '{tmp_path}/whole.parquet' (FORMAT parquet)")
    whole = (tmp_path / "whole.parquet").read_bytes()
    for name, content, left in (
        ("a.parquet", whole, whole[: len(whole) // 2]),
        ("a.parquet", whole, None),
        ("a.csv", CSV, CSV[:-2]),
        ("a.csv", CSV, None),
    ):
        (tmp_path / name).write_bytes(content)
        plan = plan_of(tmp_path, TABLE.format(name))
        inspection = inspect_sources(plan)
        assert not inspection.problems
        if left is None:
            (tmp_path / name).unlink()
        else:
            (tmp_path / name).write_bytes(left)
        with pytest.raises(SpecError) as caught:
            assemble(plan, inspection)
        (problem,) = caught.value.problems
        assert problem.what.startswith(f"{name} cannot be read: ")
        assert problem.advice == "is it damaged or cut off? copy it again"


def test_utf_8_that_is_cut_within_a_character_is_no_windows_1252(tmp_path: Path) -> None:
    """It would be read, every letter beyond ASCII as two others."""
    assert told(tmp_path, "a.csv", CSV[:-2]) == [
        ", line 3: ends in the middle of a character of UTF-8, is the file cut off? copy it again"
    ]
    assert told(tmp_path, "a.csv", CSV.rstrip(b"\n")) == []
    # One letter, at the end, of windows-1252; and a file that is no UTF-8 before its end.
    for content, expected in ((b"id,t,x\n1,1,\xe9", "é"), ("id,t,x\n1,1,éé é".encode("windows-1252"), "éé é")):
        (tmp_path / "a.csv").write_bytes(content)
        assert column(build(tmp_path, TABLE.format("a.csv")), "x") == [expected]


def test_what_is_declared_is_taken_at_its_word(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("id;t;x;n\n1;2;1,500;ž\n".encode("latin2"))
    declared = "{path: a.csv, delimiter: ';', decimal: ',', encoding: latin2}"
    panel = build(tmp_path, TABLE.format(declared))
    assert column(panel, "x") == [1.5]
    assert column(panel, "n") == ["ž"]
    # Undeclared, 1,500 may be a thousand and a half: it stays text, and using it as a number says where.
    assert column(build(tmp_path, TABLE.format("a.csv")), "x") == ["1,500"]
    (found,) = messages(tmp_path, TABLE.format("{path: a.csv, encoding: utf-8}"))
    assert found.endswith("a.csv, line 2: not utf-8, as the spec declares, write the encoding that the file has, "
                          "or leave it out")  # fmt: skip


def test_infinite_and_odd_numbers(tmp_path: Path) -> None:
    write(tmp_path, a__csv="id,t,x\n1,1,1e400\n1,2, 7 \n1,3,-.5e1\n1,4,NA\n1,5,.\n")
    assert column(build(tmp_path, TABLE.format("a.csv")), "t") == [1, 2, 3, 4, 5]
    assert messages(tmp_path, TABLE.format("a.csv") + "variables: {y: x + 1}\n") == [
        'spec.yaml:3:16: variables.y: "x" is text, "+" wants a number, '
        'its values are numbers but for "1e400" in a.csv, line 2'
    ]


LAYOUT = """\
    panel:
      accounts: {files: accounts.csv, layout: nbb}
      survey: {files: ict.csv, layout: eurostat_ict}
      deflators: deflators.csv
    """
ACCOUNTS = "ENTNR,YEAR,SCHEME,NACE,R70,R60,R61,R9900,R22_27\n0001,2021,full,10110,5,1,1,,3\n"
ICT = "ENTNR,WAVE,E_CC\n0001,2021,1\n"
DEFLATORS = "nace,year,output,intermediates,investment\nC,2021,1,1,1\n"


OWN_NACE = """\
    layout: own
    title: Accounts
    table: accounts
    keys: {firm: {column: ENTNR}, year: {column: YEAR}}
    concepts: {nace2: {column: NACE, kind: nace, level: 2, digits: [5]}}
    """


def wrong(folder: Path, accounts: str = ACCOUNTS, ict: str = ICT, deflators: str = DEFLATORS) -> list[str]:
    write(folder, accounts__csv=accounts, ict__csv=ict, deflators__csv=deflators)
    return [message.split(": ", 2)[2] for message in messages(folder, LAYOUT)]


def test_the_smallest_files_that_do(tmp_path: Path) -> None:
    assert wrong(tmp_path) == []


def test_headers_are_checked_together(tmp_path: Path) -> None:
    assert wrong(tmp_path, "ENTN,YEAR\n1,2\n", "ENTNR,E_CC\n1,1\n", "nace,year,output\nC,1,1\n") == [
        'accounts.csv has no column "ENTNR", did you mean "ENTN"?',
        'ict.csv has no column "WAVE", its wave is not known, write files: {2023: ict.csv}',
        "no NACE section: accounts.csv has no column NACE",
    ]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("ENTNR,YEAR,SCHEME,R61", "accounts.csv has no columns R70, R60, R9900"),
        ("ENTNR,YEAR,R61,R9900", "scheme is absent: accounts.csv has no column SCHEME; accounts.csv has no columns "
                                 "R70, R60"),
    ],
)  # fmt: skip
def test_all_missing_columns_of_a_concept_are_named(tmp_path: Path, header: str, said: str) -> None:
    write(tmp_path, accounts__csv=f"{header}\n" + ",".join("1" * len(header.split(","))) + "\n")
    spec = "panel: {accounts: {files: accounts.csv, layout: nbb}}\nvariables: {x: log(value_added)}\n"
    (found,) = messages(tmp_path, spec)
    assert found.endswith(f'no column "value_added" can be made of the files, {said}')


WAVES = """\
    panel:
      accounts: {files: accounts.csv, layout: nbb}
      survey: {files: {2021: ict_2021.csv, 2023: ict_2023.csv}, layout: eurostat_ict}
    """


NAMES = "variables: {va: log(value_added_real), ai_cc: ai + cc}\n"
NO_AI = 'no column "ai" can be made of the files, no file of the survey has a column of ai_ttm'
NO_VA = 'no column "value_added_real" can be made of the files, accounts.csv has no columns R70, R60, R61, R9900'


def test_what_cannot_be_made_is_told_beside_a_key_that_is_missing(tmp_path: Path) -> None:
    write(tmp_path, accounts__csv="ENTN,YEAR,SCHEME,NACE,R22_27\n1,2021,full,10110,3\n", ict__csv=ICT,
          deflators__csv=DEFLATORS)  # fmt: skip
    key, va, ai = messages(tmp_path, dedent(LAYOUT) + NAMES)
    assert key.endswith('accounts.csv has no column "ENTNR", did you mean "ENTN"?')
    assert va.endswith(NO_VA)
    assert NO_AI in ai


@pytest.mark.parametrize("accounts", ["# made by a program\n" + ACCOUNTS, "1,2021,full,10110,5\n"])
def test_a_first_line_that_names_nothing_is_no_header_without_columns(tmp_path: Path, accounts: str) -> None:
    write(tmp_path, accounts__csv=accounts, ict__csv="# made by a program\n" + ICT,
          deflators__csv="nace,year,output\nC,2021,1\n")  # fmt: skip
    clean = "  clean: {months: [6, 18], year: orbis}\n"
    found = messages(tmp_path, dedent(LAYOUT) + clean + NAMES)
    # What such files lack, and which deflators their amounts need, is not known.
    assert [one.split(": ")[1] for one in found] == ["panel.accounts.files"] * 2 + ["panel.survey.files"] * 2


def test_what_a_wave_holds_that_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    write(tmp_path, accounts__csv=ACCOUNTS, ict_2021__csv="ENTNR,E_AI_TTM\n0001,1\n", ict_2023__csv="")
    spec = dedent(WAVES) + "variables: {cloud: cc == 1}\n"
    (found,) = messages(tmp_path, spec)
    assert found.endswith("ict_2023.csv is empty")
    write(tmp_path, ict_2023__csv="ENTNR,E_AI_TTM\n0001,1\n")
    assert 'no column "cc" can be made of the files' in messages(tmp_path, spec)[0]


def test_values_are_checked_together(tmp_path: Path) -> None:
    accounts = (
        ACCOUNTS
        + '0002,2021,big,1110,"1.000,5",1,1,,3\n0003,2021,full,6201O,x,1,1,,3\n'
        + "0003,2021,full,62010,1,1,1,,3\n"
    )
    ict = "ENTNR,WAVE,E_CC,E_AI_TTM\n0001,2022,7,1\n0002,2021,x,1\n0001,2021,1,8\n0001,2021,1,1\n"
    assert wrong(
        tmp_path, accounts, ict, "nace,year,output,intermediates,investment\nC,2021,1,0,x\nZ,2021,1,1,1\n"
    ) == [
        'accounts.csv, line 3, column R70: "1.000,5" is not a number, 1 more such cell in the column, '
        "for a decimal comma write files: {path: ..., decimal: ','}; thousands stand without separators",
        'accounts.csv, line 3, column SCHEME: "big" is not a code of the layout, '
        "there are: full, VOL, abridged, VKT, micro, MIC, ...",
        f'accounts.csv, line 3, column NACE: "1110" is not a NACE code of 5 digits, {NACE_ADVICE}',
        f'accounts.csv, line 4, column NACE: "6201O" is not a NACE code of 5 digits, {NACE_ADVICE}',
        f"accounts.csv, line 5: firm 0003 has the year 2021 already, in line 4, {ONE_ROW}",
        'ict.csv, line 4, column E_AI_TTM: "8" is not a code of the layout, '
        "there are: 1, 0, 2, 9, DK, or an empty cell",
        'ict.csv, line 2, column E_CC: "7" is not a code of the layout, 1 more such cell in the column, '
        "there are: 1, 0, 2, 9, DK, or an empty cell",
        "ict.csv: the layout knows no wave 2022, 1 row, there are: 2021, 2023, 2024, 2025",
        "ict.csv, line 5: firm 0001 has the wave 2021 already, in line 4, keep one row a firm and wave",
        'deflators.csv, line 2, column investment: "x" is not a number',
        'deflators.csv, line 3: "Z" is neither a section nor a division of NACE, write C, or 10 for a division',
        "deflators.csv, line 2: the index intermediates of C 2021 is not above zero",
    ]


@pytest.mark.parametrize("year", ["20", "3000", "9999", "0"])
def test_a_year_that_is_not_plausible(tmp_path: Path, year: str) -> None:
    advice = "years are 1800 to 2199, of four digits: write 2023, or empty the cell if it is not known"
    told = wrong(tmp_path, ACCOUNTS + f"0002,{year},full,10110,5,1,1,,3\n")
    assert told == [f'accounts.csv, line 3, column YEAR: "{year}" is not a plausible year, {advice}']
    accounts = ACCOUNTS.replace("R22_27\n", "R22_27,START\n").replace(",3\n", f",3,{year}\n")
    assert wrong(tmp_path, accounts) == [
        f'accounts.csv, line 2, column START: "{year}" is not a plausible year, {advice}'
    ]


@pytest.mark.parametrize("date", ["01/01/20", "31-12-3000", "9999-12-31"])
def test_a_date_of_no_plausible_year(tmp_path: Path, date: str) -> None:
    advice = "years are 1800 to 2199, of four digits: write 2023-12-31, or empty the cell if it is not known"
    accounts = ACCOUNTS.replace("R22_27\n", "R22_27,STARTDATE,ENDDATE,START\n").replace(
        ",3\n", f",3,2021-01-01,{date},{date}\n"
    )
    write(tmp_path, accounts__csv=accounts)
    found = messages(tmp_path, "panel: {accounts: {files: accounts.csv, layout: nbb}, clean: {months: [6, 18]}}")
    assert [one.split("accounts.csv, ")[1] for one in found] == [
        f'line 2, column ENDDATE: "{date}" is not a date of a plausible year, {advice}',
        f'line 2, column START: "{date}" is not a plausible year, '
        "years are 1800 to 2199, of four digits: write 2023, or empty the cell if it is not known",
    ]


def test_a_ready_made_panel_may_count_its_periods(tmp_path: Path) -> None:
    write(tmp_path, a__csv="id,t,x\n1,1,2\n1,2,3\n")
    assert build(tmp_path, TABLE.format("a.csv")).years == (1, 2)


DIVISION = "is in no division of NACE Rev. 2"
DIVISION_ADVICE = (
    "if the activity is not known empty the cells, or list the code under unknown: in a layout of your own; 34, 40 and "
    "67 were divisions of Rev. 1.1"
)


@pytest.mark.parametrize("code", ["00000", "00.000", "04110", "34100", "44000", "83110", "89000", "A0411", "99999"])
def test_a_nace_code_of_no_division(tmp_path: Path, code: str) -> None:
    digits = "[5]" if len(code.replace(".", "")) == 5 and code[0] != "A" else "[4]"
    write(tmp_path, own__yaml=OWN_NACE.replace("[5]", digits), accounts__csv=f"ENTNR,YEAR,NACE\n1,2021,{code}\n")
    (found,) = messages(tmp_path, "panel: {accounts: {files: accounts.csv, layout: own.yaml}}\n")
    assert found.endswith(f'accounts.csv, line 2, column NACE: "{code}" {DIVISION}, {DIVISION_ADVICE}')


def test_codes_of_no_division_are_told_one_by_one(tmp_path: Path) -> None:
    codes = ["00000"] * 5 + ["99000", "34100", "00000", "1011O", "83110", "89110", "99999"]
    accounts = "".join(f"{n:04},2021,full,{code},5,1,1,,3\n" for n, code in enumerate(codes, start=2))
    assert wrong(tmp_path, ACCOUNTS + accounts, ICT, DEFLATORS + "U,2021,1,1,1\n") == [
        f'accounts.csv, line 11, column NACE: "1011O" is not a NACE code of 5 digits, {NACE_ADVICE}',
        f'accounts.csv, line 3, column NACE: "00000" {DIVISION}, 5 more such rows, {DIVISION_ADVICE}',
        f'accounts.csv, line 9, column NACE: "34100" {DIVISION}, {DIVISION_ADVICE}',
        f'accounts.csv, line 12, column NACE: "83110" {DIVISION}, 2 other such values, {DIVISION_ADVICE}',
    ]


def test_a_survey_code_of_no_division(tmp_path: Path) -> None:
    ict = "ENTNR,WAVE,E_CC,NACE\n0001,2021,1,00\n0002,2021,1,99\n0003,2021,1,U\n0004,2021,1,\n"
    assert wrong(tmp_path, ict=ict) == [f'ict.csv, line 2, column NACE: "00" {DIVISION}, {DIVISION_ADVICE}']


LETTER = "has the letter of one section and the division of another"
LETTER_ADVICE = "correct the code; without a letter the division says the section"


def test_the_letter_of_another_section(tmp_path: Path) -> None:
    layout = OWN_NACE.replace("2, digits: [5]", "section, digits: [2, 4]")
    codes = ("J62.01", "A6201", "C62", "A62.01", "a6201", "A", "62")
    rows = "".join(f"{n},2021,{code}\n" for n, code in enumerate(codes))
    write(tmp_path, own__yaml=layout, accounts__csv=f"ENTNR,YEAR,NACE\n{rows}")
    spec = "panel: {accounts: {files: accounts.csv, layout: own.yaml}}\n"
    assert [one.split("accounts.csv, ")[1] for one in messages(tmp_path, spec)] == [
        f'line 3, column NACE: "A6201" {LETTER}, {LETTER_ADVICE}',
        f'line 4, column NACE: "C62" {LETTER}, {LETTER_ADVICE}',
        f'line 5, column NACE: "A62.01" {LETTER}, 1 other such value, {LETTER_ADVICE}',
    ]


def test_one_more_row_is_no_several(tmp_path: Path) -> None:
    accounts = ACCOUNTS + "".join(f"{firm},2021,full,1011O,5,1,1,,3\n" for firm in ("0002", "0003"))
    told = wrong(tmp_path, accounts, deflators=DEFLATORS + "ZZ,2021,1,1,1\nZY,2021,1,1,1\n")
    assert told == [
        f'accounts.csv, line 3, column NACE: "1011O" is not a NACE code of 5 digits, 1 more such row, {NACE_ADVICE}',
        'deflators.csv, line 3: "ZZ" is neither a section nor a division of NACE, 1 more such row, write C, or 10 for '
        "a division",
    ]


def test_missing_deflators_are_named(tmp_path: Path) -> None:
    accounts = ACCOUNTS + "0001,2022,full,10110,5,1,1,,3\n0002,2021,full,62010,,,,9,3\n"
    assert wrong(tmp_path, accounts) == [
        "deflators.csv lacks 4 cells that the accounts need: C 2022 intermediates, C 2022 investment, "
        "C 2022 output, J 2021 investment, add them, or leave those firms and years out of the accounts"
    ]
    hundred = DEFLATORS.replace(",1,1,1", ",100,105,98")
    assert wrong(tmp_path, deflators=hundred)[0] == (
        "deflators.csv: the index output is nowhere below 100, the base year must be 1, not 100, divide it by 100"
    )


def test_a_wave_that_is_not_the_one_of_its_file(tmp_path: Path) -> None:
    write(tmp_path, accounts__csv=ACCOUNTS, ict__csv=ICT, deflators__csv=DEFLATORS)
    found = messages(tmp_path, LAYOUT.replace("files: ict.csv", "files: {2023: ict.csv}"))
    assert found == [
        "spec.yaml:4:26: panel.survey.files: ict.csv is given as the wave 2023 and says 2021 in 1 row of WAVE"
    ]


def test_a_survey_whose_firms_are_all_strangers(tmp_path: Path) -> None:
    assert wrong(tmp_path, ict=ICT.replace("0001", "1")) == [
        'ict.csv: its only firm is not in the accounts, it is "1" here and "0001" there, '
        "are they the same numbers, with their leading zeros?"
    ]


def test_a_scheme_whose_rubrics_the_file_lacks(tmp_path: Path) -> None:
    found = wrong(tmp_path, "ENTNR,YEAR,SCHEME,NACE,R9900\n0001,2021,full,10110,3\n0002,2021,micro,10110,4\n",
                  deflators="nace,year,output\nC,2021,1\n")  # fmt: skip
    assert found == [
        "accounts.csv, line 2: value_added where scheme == 'full' needs the column R70, which the file lacks"
    ]


def test_a_wave_whose_firms_are_written_in_another_way(tmp_path: Path) -> None:
    accounts = ACCOUNTS + "0001,2023,full,10110,5,1,1,,3\n0002,2023,full,10110,5,1,1,,3\n"
    write(
        tmp_path, accounts__csv=accounts, ict_2021__csv="ENTNR,E_CC\n0001,1\n", ict_2023__csv="ENTNR,E_CC\n1,1\n2,0\n"
    )
    assert messages(tmp_path, WAVES) == [
        "spec.yaml:4:46: panel.survey.files: ict_2023.csv: none of its 2 firms is in the accounts, "
        'the first is "1" here and "0001" there, are they the same numbers, with their leading zeros?'
    ]
    write(tmp_path, ict_2023__csv="ENTNR,E_CC\n1,1\n0002,0\n")
    assert messages(tmp_path, WAVES) == [
        'spec.yaml:4:26: panel.survey.files: ict_2021.csv: the firm "1" of the survey is written "0001" in the '
        "accounts, its answers would be lost, write a number alike in all files, with its leading zeros"
    ]
