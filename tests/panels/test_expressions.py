"""The compiler of expressions against the slow interpreter, on small random panels."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from panels.engine import Engine, identifier
from panels.expressions import NO_ANSWER, NOT_APPLICABLE, Column, Stages
from panels.store import count_flags
from specs.expressions import parse_expression
from tests.panels.interpreter import DK, NA, Row, evaluate

Texts = st.SearchStrategy[str]
NUMBERS = ("x", "y", "w")
TEXTS = ("region", "nace")
ITEMS = ("ai", "cc")
CODES = {1: 1, 0: 0, NA: NOT_APPLICABLE, DK: NO_ANSWER, None: None}
# Sums are added in another order than math.fsum's, and the engine's logarithm is a quotient of two.
RELATIVE = 1e-12


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def compute(rows: list[Row], text: str) -> tuple[list[Any], dict[str, int]]:
    """Compile, run and return the values in the order of `rows`, and what was counted."""
    engine = Engine()
    types = {"firm": "VARCHAR", "year": "BIGINT", **dict.fromkeys(NUMBERS, "DOUBLE")}
    types |= {**dict.fromkeys(TEXTS, "VARCHAR"), **dict.fromkeys(ITEMS, "UTINYINT")}
    values = ", ".join(
        "(" + ", ".join([str(i), *(_literal(CODES[row[k]] if k in ITEMS else row[k]) for k in types)]) + ")"
        for i, row in enumerate(rows)
    )
    columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in types.items())
    engine.execute(f'CREATE TABLE p ("~row" INTEGER, {columns})')
    engine.execute(f"INSERT INTO p VALUES {values}")
    kinds = {**dict.fromkeys(types, "number"), **dict.fromkeys(("firm", *TEXTS), "text")}
    kinds |= dict.fromkeys(ITEMS, "answer")
    stages = Stages({name: Column(name, kind) for name, kind in kinds.items()})
    stages.define("v", parse_expression(text), "v")
    flags = dict.fromkeys(flag.column for flag in stages.flags)
    kept = engine.keep(stages.apply(engine.table("p")).select("~row", "v", *flags), "out", ("~row",))
    found = [row[0] for row in engine.rows(f'SELECT v FROM {kept} ORDER BY "~row"')]
    return found, {reason: count for _, reason, count, _ in count_flags(engine, kept, stages)}


def same(found: object, expected: object) -> bool:
    if isinstance(expected, bool):
        expected = float(expected)
    if isinstance(expected, float) and isinstance(found, float):
        return math.isclose(found, expected, rel_tol=RELATIVE, abs_tol=1e-9)
    return found == expected


@st.composite
def panels(draw: st.DrawFn) -> list[Row]:
    """Firms with gaps in their years, missing values, and the rows in any order."""
    key = st.tuples(st.sampled_from(["01", "1", "b"]), st.integers(2018, 2023))
    keys = draw(st.lists(key, min_size=1, max_size=10, unique=True))
    number = st.none() | st.sampled_from([0.0, 1.0, -1.0, 2.5, 10.0, -3.25, 1e300, 7.0])
    rows = []
    for firm, year in keys:
        row: Row = {"firm": firm, "year": year}
        row |= {name: draw(number) for name in NUMBERS}
        row |= {name: draw(st.none() | st.sampled_from(["C", "G"])) for name in TEXTS}
        row |= {name: draw(st.sampled_from([1, 0, NA, DK, None])) for name in ITEMS}
        rows.append(row)
    return rows


def _any_of(*texts: str) -> Texts:
    return st.sampled_from(texts)


numeric: Texts = st.deferred(lambda: st.one_of(
    _any_of("x", "y", "year", "ai", "2", "0.5", "0"),
    st.builds("({} {} {})".format, numeric, _any_of("+", "-", "*", "/"), numeric),
    st.builds("({})^{}".format, numeric, _any_of("2", "0.5", "-1")),
    st.builds("-({})".format, numeric),
    st.builds("{}({})".format, _any_of("log", "abs", "exp", "first", "mean", "sum", "count"), numeric),
    st.builds("{}({}, {})".format, _any_of("min", "max"), numeric, numeric),
    st.builds("{}({}, {})".format, _any_of("lag", "lead", "diff"), numeric, st.integers(1, 3)),
    st.builds("at({}, {})".format, numeric, st.integers(2018, 2023)),
    st.builds("where({}, {}, {})".format, condition, numeric, numeric),
    st.builds(
        "mean({}, by=[{}]{}{}{}{})".format, numeric, _any_of("region", "nace, region", "region, year"),
        _any_of("", ", at=2021"), _any_of("", ", leave_out=true"), _any_of("", ", weights=w"),
        _any_of("", ", min=2"),
    ),
))  # fmt: skip
condition: Texts = st.deferred(lambda: st.one_of(
    st.builds("({} {} {})".format, numeric, _any_of("==", "!=", "<", "<=", ">", ">="), numeric),
    _any_of("region == 'C'", "nace != region", "region in ['C', 'D']", "x not in [1, 2.5]"),
    _any_of("yes(ai)", "asked(cc)", "ai"),
    st.builds("({} {} {})".format, condition, _any_of("and", "or"), condition),
    st.builds("(not {})".format, condition),
    st.builds("{}({})".format, _any_of("any", "all"), condition),
    st.builds("isna({})".format, numeric),
))  # fmt: skip
textual = st.one_of(
    st.sampled_from(["region", "lag(region)", "first(nace)", "at(region, 2020)", "where(yes(ai), region, 'none')"]),
    st.builds("cut({}, [0, 1, 5], labels=['low', 'mid', 'high'])".format, numeric),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(panels(), st.one_of(numeric, condition, textual).filter(lambda text: len(text) < 110))
@example([{**dict.fromkeys((*NUMBERS, *TEXTS, *ITEMS)), "firm": "1", "year": 2018, "x": 1e300}], "x * x > 5")
def test_compiler_equals_interpreter(rows: list[Row], text: str) -> None:
    found, _ = compute(rows, text)
    expected = evaluate(parse_expression(text).root, rows, frozenset(ITEMS))
    wrong = [(row, a, b) for row, a, b in zip(rows, found, expected, strict=True) if not same(a, b)]
    assert not wrong, text


def row(firm: str, year: int, **values: object) -> Row:
    blank: Row = dict.fromkeys((*NUMBERS, *TEXTS, *ITEMS))
    return {**blank, "firm": firm, "year": year, **values}


def test_lag_honours_gaps() -> None:
    rows = [row("a", 2018, x=1.0), row("a", 2019, x=2.0), row("a", 2021, x=4.0)]
    assert compute(rows, "lag(x)")[0] == [None, 1.0, None]
    assert compute(rows, "lag(x, 2)")[0] == [None, None, 2.0]
    assert compute(rows, "lead(x, n=3)")[0] == [4.0, None, None]
    assert compute(rows, "diff(x)")[0] == [None, 1.0, None]


def test_logs_and_divisions_are_missing_and_counted() -> None:
    rows = [row("a", 2018, x=0.0), row("a", 2019, x=-1.0), row("a", 2020, x=math.e), row("a", 2021)]
    assert compute(rows, "log(x)") == (
        [None, None, pytest.approx(1.0, rel=RELATIVE), None],
        {"log of zero or less": 2},
    )
    assert compute(rows, "1 / x")[1] == {"division by zero": 1}


def test_answers() -> None:
    rows = [row("a", 2017 + i, ai=state) for i, state in enumerate([1, 0, NA, DK, None])]
    assert compute(rows, "yes(ai)")[0] == [1.0, 0.0, 0.0, None, None]
    assert compute(rows, "asked(ai)")[0] == [1.0, 1.0, 0.0, 1.0, 0.0]
    assert compute(rows, "ai")[0] == [1.0, 0.0, None, None, None]
    assert compute(rows, "isna(ai)")[0] == [0.0, 0.0, 1.0, 1.0, 1.0]


def test_a_number_that_is_no_condition_is_counted() -> None:
    assert compute([row("a", 2018, x=2.0), row("a", 2019, x=1.0)], "x and x > 0")[1] == {"neither 0 nor 1": 1}


def test_peers_leave_the_firm_out() -> None:
    given_rows = [("a", 2021, 1.0, 1.0), ("b", 2021, 0.0, 2.0), ("c", 2021, 1.0, 1.0), ("a", 2023, None, 9.0)]
    rows = [row(firm, year, x=x, region="C", w=w) for firm, year, x, w in given_rows]
    text = "mean(x, by=[region], at=2021, leave_out=true, weights=w, min=2)"
    assert compute(rows, text)[0] == [pytest.approx(1 / 3), 1.0, pytest.approx(1 / 3), pytest.approx(1 / 3)]
    assert compute(rows, text.replace("min=2", "min=3"))[0] == [None] * 4


@pytest.mark.parametrize(
    ("cells", "peers"),
    [
        # the others have nothing: zero, not a rounding of it
        (
            [("f", 2015, 1.0, 0.25), ("f", 2016, 1.0, 0.11), ("f", 2017, 1.0, 0.41), ("g", 2015, 0.0, 0.16),
             ("k", 2016, 0.0, 0.08)],
            [0.0, 0.0, 0.0, 0.77 / 0.85, 0.77 / 0.93],
        ),
        ([("f", 2015, 1e12, 1.0), ("g", 2015, 1.1, 1.0), ("h", 2015, 2.3, 1.0)], [1.7, 5e11 + 1.15, 5e11 + 0.55]),
        ([("f", 2015, 1.0, 1e17), ("g", 2015, 2.0, 1.0), ("h", 2015, 3.0, 1.0)], [2.5, 1.0, 1.0]),
    ],
)  # fmt: skip
def test_peers_of_a_large_firm_keep_their_digits(
    cells: list[tuple[str, int, float, float]], peers: list[float]
) -> None:
    rows = [row(firm, year, x=x, region="C", w=w) for firm, year, x, w in cells]
    found = compute(rows, "mean(x, by=[region], leave_out=true, weights=w)")[0]
    assert found[0] == peers[0] or peers[0] != 0.0
    assert found == [pytest.approx(one, rel=1e-15, abs=0.0) for one in peers]  # a few roundings of the sums


def test_values_never_depend_on_the_order_of_rows_or_on_texts_that_are_column_names() -> None:
    rows = [
        row("a", 2018, x=1.0, region="x"),
        row("b", 2018, x=2.0, region="y"),
        row("a", 2019, x=5.0, region="x"),
    ]
    text = "where(region == 'x', 'y', 'x')"
    assert compute(rows, text)[0] == ["y", "x", "y"]
    assert compute(rows[::-1], text)[0] == ["y", "x", "y"]
    assert compute(rows[::-1], "mean(x)")[0] == compute(rows, "mean(x)")[0][::-1]
