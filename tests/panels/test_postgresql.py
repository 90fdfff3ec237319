"""Tables of a real PostgreSQL server, started for these tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tfplab
from tests.panels.building import build, column, messages
from tests.panels.postgres_server import programs, server

psycopg = pytest.importorskip("psycopg")
pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.skipif(programs() is None, reason="needs Debian's postgresql server"),
]

TABLES = """
CREATE SCHEMA stat;
CREATE TABLE stat.accounts (firm text, "Year" integer, x double precision, n numeric(12, 2), big bigint,
    flag boolean, closed date, note text, stamp timestamptz, odd interval);
INSERT INTO stat.accounts VALUES
    ('0002', 2021, 'NaN', 10.25, 9007199254740993, true, '2021-12-31', 'a, "b"', '2021-12-31 12:00+00', '1 day'),
    ('0001', 2022, 2.5, NULL, 2, false, '2022-06-30', 'NA', NULL, NULL),
    ('0001', 2021, 0.1, 1e3, 1, NULL, NULL, E'two\\nlines', NULL, NULL);
CREATE VIEW late AS SELECT * FROM stat.accounts WHERE "Year" = 2022;
CREATE ROLE reader LOGIN;
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with server() as found:
        with psycopg.connect(found, autocommit=True) as connection:
            connection.execute(TABLES)
        yield found


def spec(address: str, table: str = "stat.accounts", extra: str = "") -> str:
    files = f"{{path: '{address}', table: {table}}}"
    return f"panel: {{table: {{files: {files}}}, firm: firm, year: Year}}\n{extra}"


def test_a_table_is_a_panel(tmp_path: Path, address: str) -> None:
    panel = build(tmp_path, spec(address))
    assert (panel.n_rows, panel.n_firms, panel.years) == (3, 2, (2021, 2022))
    assert panel.firm_names == ("0001", "0002")
    expected: dict[str, list[Any]] = {
        "x": [0.1, 2.5, None],
        "n": [1000.0, None, 10.25],
        "flag": [None, 0.0, 1.0],
        "closed": [None, "2022-06-30", "2021-12-31"],
        "note": ["two\nlines", None, 'a, "b"'],
        "stamp": [None, None, "2021-12-31"],
        "odd": [None, None, "P1D"],
    }
    for name, values in expected.items():
        assert column(panel, name) == values, name


def test_a_view_too(tmp_path: Path, address: str) -> None:
    assert column(build(tmp_path, spec(address, "late")), "x") == [2.5]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("accounts", ': there is no table "accounts"'),
        ("stat.other", ': there is no table "stat.other"'),
        ("'accounts; DROP TABLE accounts'", ': there is no table "accounts; DROP TABLE accounts"'),
    ],
)
def test_a_table_that_is_not_there(tmp_path: Path, address: str, table: str, said: str) -> None:
    (message,) = messages(tmp_path, spec(address, table))
    assert said in message
    assert "write schema.table if it is in a schema" in message


def test_a_table_is_named_by_schema_and_name(tmp_path: Path, address: str) -> None:
    (message,) = messages(tmp_path, spec(address, "'stat.accounts; DROP TABLE stat.accounts'"))
    assert "is not the name of a table, write schema.table" in message


def test_a_table_that_may_not_be_read(tmp_path: Path, address: str) -> None:
    (message,) = messages(tmp_path, spec(address.replace("tester", "reader")))
    assert "may not be read" in message


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    (message,) = messages(tmp_path, spec(f"postgresql://nobody@/none?host={tmp_path}"))
    assert "cannot be read" in message
    assert "~/.pgpass" in message


def test_no_table_is_named(tmp_path: Path, address: str) -> None:
    (message,) = messages(tmp_path, f"panel: {{table: {{files: '{address}'}}, firm: firm, year: Year}}\n")
    assert "no table is named" in message


def test_a_run_digests_the_rows_whatever_their_order(tmp_path: Path, address: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("tfplab: 1\n" + spec(address), encoding="utf-8")
    found = []
    for name, sql in (("one", ""), ("two", "UPDATE stat.accounts SET note = note WHERE firm = '0002'"),
                      ("three", "UPDATE stat.accounts SET x = 3 WHERE x = 2.5")):  # fmt: skip
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql or "SELECT 1")
        folder = tfplab.run(path).save(tmp_path / name)
        inputs = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["inputs"]
        found.append((inputs, (folder / "run.json").read_bytes()))
    assert found[0] == found[1]
    assert found[0][0] != found[2][0]


def test_passwords_do_not_stand_in_specs(tmp_path: Path) -> None:
    for secret in ("postgresql://me:hush@host/db", "postgresql://host/db?password=hush"):
        (message,) = messages(tmp_path, spec(secret))
        assert "a password stands in the address" in message
        assert "hush" not in message
