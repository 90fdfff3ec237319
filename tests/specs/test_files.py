"""`files:` in all its forms, what it finds, and what it cannot find."""
# ruff: noqa: E501  (messages stand whole, as a user reads them)

from __future__ import annotations

from pathlib import Path

import pytest

from specs.bind import bind
from specs.fields import OptionsModel
from specs.files import FileEntry, FileSet, FilesField
from specs.read import read
from tests.specs.support import root_of


class Source(OptionsModel):
    files: FilesField


def files_of(folder: Path, text: str) -> FileSet:
    root = root_of(folder, f"files: {text}\n")
    model, problems = bind(Source, root, "m")
    assert [str(one) for one in problems] == []
    assert model is not None
    return model.files.located(root.entries["files"].node)


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("a.csv", [("a.csv", None, None, None, None, 8)]),
        ("'a.csv'", [("a.csv", None, None, None, None, 9)]),
        ("[a.csv, b.csv]", [("a.csv", None, None, None, None, 9), ("b.csv", None, None, None, None, 16)]),
        ("{path: a.csv, delimiter: ';', decimal: ',', encoding: latin-1}", [("a.csv", None, ";", ",", "latin-1", 15)]),
        ("{path: a.csv, delimiter: tab}", [("a.csv", None, "\t", None, None, 15)]),
        ("{2021: a.csv, 2023: [b.csv, {path: c.csv, decimal: '.'}]}",
         [("a.csv", 2021, None, None, None, 15), ("b.csv", 2023, None, None, None, 29),
          ("c.csv", 2023, None, ".", None, 43)]),
    ],
)  # fmt: skip
def test_forms(tmp_path: Path, text: str, entries: list[tuple[object, ...]]) -> None:
    found = files_of(tmp_path, text)
    assert [
        (
            one.pattern,
            one.wave,
            one.delimiter,
            one.decimal,
            one.encoding,
            one.position.column if one.position else 0,
        )
        for one in found.entries
    ] == entries


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3", "s.yaml:1:8: m.files: a path is wanted, not 3, write data/accounts.csv"),
        ("''", "s.yaml:1:8: m.files: an empty path"),
        ("[]", "s.yaml:1:8: m.files: an empty list of files"),
        ("[a, 3]", "s.yaml:1:12: m.files.1: a path is wanted, not 3, write data/accounts.csv"),
        ("{}", 's.yaml:1:1: m.files: the key "path" is missing'),
        ("{pth: a}", 's.yaml:1:9: m.files.pth: unknown key "pth", did you mean "path"?'),
        ("{path: 3}", "s.yaml:1:15: m.files.path: text is wanted, not 3"),
        ("{path: a, delimiter: ab}", "s.yaml:1:29: m.files.delimiter: \"ab\" is not a delimiter, write ';', ',', '|' or tab"),
        ("{path: a, decimal: ';'}", "s.yaml:1:27: m.files.decimal: \";\" is not a decimal mark, write '.' or ','"),
        ("{path: a, decimal: ',', delimiter: ','}", "s.yaml:1:27: m.files.decimal: delimiter and decimal are the same sign"),
        ("{path: a, encoding: utf8000}", 's.yaml:1:28: m.files.encoding: "utf8000" is not an encoding, write utf-8, latin-1 or cp1252'),
        ("{path: a, encoding: base64}", 's.yaml:1:28: m.files.encoding: "base64" is not an encoding, write utf-8, latin-1 or cp1252'),
        ("{21: a}", 's.yaml:1:9: m.files.21: "21" is not the year of a wave, write {2021: data/ict_2021.csv}'),
        ("{2021: {2023: a}}", "s.yaml:1:15: m.files.2021: a map of waves inside a wave"),
        ("{2021: a, path: b}", 's.yaml:1:9: m.files.2021: unknown key "2021", there are: path, delimiter, decimal, encoding, sheet, table, references, or the years of waves'),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    _, problems = bind(Source, root_of(tmp_path, f"files: {text}\n"), "m")
    assert [str(one) for one in problems] == [message]


def test_files_are_looked_up_beside_the_spec(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("b_2.csv", "b_1.csv", "c.csv", "odd[1].csv"):
        (tmp_path / "data" / name).write_text("x\n")
    chosen = files_of(tmp_path, "['data/b_*.csv', data/c.csv, 'data/odd[1].csv']")
    found, problems = chosen.expand(tmp_path)
    assert problems == ()
    assert [one.shown for one in found] == ["data/b_1.csv", "data/b_2.csv", "data/c.csv", "data/odd[1].csv"]
    assert found[0].path == tmp_path / "data" / "b_1.csv"
    assert found[0].entry.pattern == "data/b_*.csv"


def test_the_folder_is_that_of_the_file_in_which_the_path_is_written(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("x\n")
    (tmp_path / "s.yaml").write_text("files: c.csv\n")
    root, _ = read(tmp_path / "s.yaml")
    assert root is not None
    chosen = FileSet((FileEntry("c.csv"),), "c.csv").located(root.entries["files"].node)
    assert chosen.expand()[0][0].path == tmp_path / "c.csv"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data/c.csv", 's.yaml:1:8: p: no such file "data/c.csv", did you mean "cc.csv"?'),
        ("dta/c.csv", 's.yaml:1:8: p: no such file "dta/c.csv", there is no folder "{folder}/dta"'),
        ("data/*.parquet", 's.yaml:1:8: p: no file matches "data/*.parquet"'),
        ("data", 's.yaml:1:8: p: "data" is a folder, name its files: data/*.csv'),
        ("[data/*.csv, data/cc.csv]", 's.yaml:1:21: p.1: the file "data/cc.csv" is named twice, its rows would count twice'),
        ("'a\\0'", 's.yaml:1:9: p: no such file "a\\0"'),
    ],
)  # fmt: skip
def test_what_is_not_there(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cc.csv").write_text("x\n")
    _, problems = files_of(tmp_path, text).expand(tmp_path, "p")
    assert [str(one) for one in problems] == [message.replace("{folder}", str(tmp_path))]


def test_one_file_may_serve_two_waves(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("x\n")
    found, problems = files_of(tmp_path, "{2021: c.csv, 2023: c.csv}").expand(tmp_path)
    assert problems == ()
    assert [one.entry.wave for one in found] == [2021, 2023]
