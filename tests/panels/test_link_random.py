"""Random bridges, accounts and surveys against plain Python loops; the order of rows decides nothing."""

from __future__ import annotations

import math
import random
import tempfile
from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from panels.frame import FirmPanel
from panels.link_status import STATUSES
from tests.panels.building import build, column, write

LAYOUT = """\
layout: mine
table: accounts
keys: {firm: {column: ID}, year: {column: Y}, closing: {column: CLOSED}}
concepts:
  scheme: {column: FORM, kind: text}
  value_added: {of: VA, unit: EUR}
  materials: {of: M, unit: EUR}
  tag: {column: TAG, kind: text, over_units: first}
  born: {column: BORN, kind: year}
"""
THEIRS = "layout: s\ntable: survey\nkeys: {firm: {column: F}, wave: {column: WAVE}}\nconcepts: {weight: {column: W}}\n"
SPEC = """\
    panel:
      accounts: {files: accounts.csv, layout: mine.yaml}
      survey: {files: s.csv, layout: theirs.yaml}
      link: {bridge: {files: bridge.csv}}
    """
UNITS, ENTERPRISES, YEARS = ("u1", "u2", "u3", "u4", "u5"), ("e1", "e2"), (2021, 2022, 2023)
amounts = st.one_of(st.none(), st.integers(-5, 40))
Spell = tuple[str, str, str, str]
Account = tuple[int | None, int | None, str, str, int, str]
Accounts = dict[tuple[str, int], Account]


@st.composite
def bridges(draw: st.DrawFn) -> list[Spell]:
    """Spells of units in enterprises that never overlap."""
    rows = []
    for unit in UNITS:
        cuts = sorted(
            draw(st.sets(st.integers(date(2020, 6, 1).toordinal(), date(2024, 6, 1).toordinal()), max_size=4))
        )
        for number in range(len(cuts) // 2):
            first, last = (date.fromordinal(one).isoformat() for one in cuts[2 * number : 2 * number + 2])
            start = "" if number == 0 and draw(st.booleans()) else first
            end = "" if number == len(cuts) // 2 - 1 and draw(st.booleans()) else last
            rows.append((draw(st.sampled_from(ENTERPRISES)), unit, start, end))
    return [*rows, ("e1", "u9", "", "")]


accounts_of = st.dictionaries(
    st.tuples(st.sampled_from([*UNITS, "u9"]), st.sampled_from(YEARS)),
    st.tuples(amounts, amounts, st.sampled_from(["full", "abridged", "micro", ""]), st.sampled_from(["", "x", "y"]),
              st.integers(1990, 1999), st.sampled_from(["", "06-30", "12-31"])),
    min_size=1,
)  # fmt: skip


def lines(header: str, rows: list[tuple[object, ...]]) -> str:
    return header + "\n" + "".join(",".join("" if one is None else str(one) for one in row) + "\n" for row in rows)


def panel_of(bridge: list[Spell], accounts: Accounts, survey: set[tuple[str, int]], seed: int) -> FirmPanel:
    """Write the files with their rows in an order of chance, and build the panel."""
    shuffled = random.Random(seed)
    filed: list[tuple[object, ...]] = [
        (unit, year, f"{year}-{closed}" if closed else "", form, va, m, tag, born)
        for (unit, year), (va, m, form, tag, born, closed) in accounts.items()
    ]
    said: list[tuple[object, ...]] = [(firm, wave, 1) for firm, wave in sorted(survey)]
    spells: list[tuple[object, ...]] = list(bridge)
    for rows in (filed, said, spells):
        shuffled.shuffle(rows)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), mine__yaml=LAYOUT, theirs__yaml=THEIRS, s__csv=lines("F,WAVE,W", said),
              accounts__csv=lines("ID,Y,CLOSED,FORM,VA,M,TAG,BORN", filed),
              bridge__csv=lines("ENTERPRISE,UNIT,VALID_FROM,VALID_TO", spells))  # fmt: skip
        return build(Path(folder), SPEC)


def at(bridge: list[Spell], unit: str, day: str) -> str | None:
    return next((e for e, u, a, b in bridge if u == unit and (not a or a <= day) and (not b or day <= b)), None)


def by_hand(bridge: list[Spell], accounts: Accounts) -> dict:
    """Every enterprise and year by a plain loop."""
    members: dict[tuple[str, int], list[str]] = {}
    for (unit, year), row in accounts.items():
        firm = at(bridge, unit, f"{year}-{row[5] or '12-31'}") or unit
        members.setdefault((firm, year), []).append(unit)
    found = {}
    for (firm, year), units in members.items():
        rows = {unit: accounts[unit, year] for unit in sorted(units)}
        sums = [sum(row[i] for row in rows.values()) if all(row[i] is not None for row in rows.values()) else None
                for i in (0, 1)]  # fmt: skip
        largest = min(rows, key=lambda unit: (rows[unit][0] is None, -(rows[unit][0] or 0), unit))
        expected = {u for _, u, _, _ in bridge if at(bridge, u, f"{year}-12-31") == firm}
        missing = len([unit for unit in expected if (unit, year) not in accounts])
        tag = next((row[3] for row in rows.values() if row[3]), None)
        found[firm, year] = [*sums, rows[largest][2] or None, tag, min(row[4] for row in rows.values()),
                             len(rows) + missing, missing, int(len(rows) > 1)]  # fmt: skip
    return found


def status_by_hand(firm: str, wave: int, enterprises: dict) -> str:
    row = enterprises.get((firm, wave))
    if row is None:
        return "other_year_only" if any(one == firm for one, _ in enterprises) else "no_account"
    va, m, scheme, _, _, total, missing, _ = row
    if missing:
        return "unit_incomplete"
    if va is None or va <= 0:
        return "value_added_missing" if va is None else "value_added_not_positive"
    if m is None or m <= 0:
        return "no_intermediates"
    return "linked_multi_unit" if total > 1 else f"linked_{scheme}" if scheme else "linked"


@settings(max_examples=40, deadline=None)
@given(
    bridges(),
    accounts_of,
    st.sets(st.tuples(st.sampled_from([*ENTERPRISES, *UNITS, "x"]), st.sampled_from(YEARS)), min_size=1),
    st.integers(0, 99),
)
def test_sums_and_statuses_are_those_of_a_plain_loop(
    bridge: list[Spell],
    accounts: Accounts,
    survey: set[tuple[str, int]],
    seed: int,
) -> None:
    accounts = {**accounts, ("u9", 2021): (3, 2, "full", "", 1991, "")}
    survey = survey | {("e1", 2021)}
    panel = panel_of(bridge, accounts, survey, seed)
    names = ["firm", "year", "value_added", "materials", "scheme", "tag", "born", "legal_units", "units_missing",
             "intra_group"]  # fmt: skip
    columns = {name: column(panel, name) for name in names}
    rows = {row[:2]: list(row[2:]) for row in zip(*columns.values(), strict=True)}
    expected = by_hand(bridge, accounts)
    assert rows == expected
    assert panel.linkage is not None
    counts = {one.wave: {name: n for name, n in one.statuses.items() if n} for one in panel.linkage.waves}
    told: dict[int, dict[str, int]] = {}
    for firm, wave in survey:
        status = status_by_hand(firm, wave, expected)
        told.setdefault(wave, {})[status] = told.setdefault(wave, {}).get(status, 0) + 1
    assert counts == told
    for one in panel.linkage.waves:
        assert sum(one.statuses.values()) == one.respondents == len([wave for _, wave in survey if wave == one.wave])
        assert one.linked == sum(one.statuses[status.name] for status in STATUSES if status.linked)
    codes = dict(zip(zip(columns["firm"], columns["year"], strict=True), column(panel, "link_status"), strict=True))
    assert codes == {key: status_by_hand(key[0], int(key[1]), expected) if key in survey else None for key in codes}
    again = panel_of(bridge, accounts, survey, seed + 1)
    assert again.linkage == panel.linkage
    assert all(column(again, name) == values for name, values in columns.items())
    assert again.ledger == panel.ledger


def test_sums_do_not_depend_on_the_order_of_rows() -> None:
    """Sums of decimals depend on their order: it is that of the units' numbers, wherever their rows stand."""
    values = {f"u{n:03}": 0.1 * n + 1e9 * (n % 3) for n in range(200)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bridge = "ENTERPRISE,UNIT,VALID_FROM,VALID_TO\n" + "".join(f"e1,{unit},,\n" for unit in values)
        totals = []
        for seed in (1, 2):
            rows = list(values.items())
            random.Random(seed).shuffle(rows)
            accounts = lines("ID,Y,CLOSED,FORM,VA,M,TAG,BORN", [(u, 2022, "", "full", v, 1, "", 1990) for u, v in rows])
            write(folder, mine__yaml=LAYOUT, theirs__yaml=THEIRS, s__csv="F,WAVE,W\ne1,2022,1\n",
                  accounts__csv=accounts, bridge__csv=bridge)  # fmt: skip
            totals += column(build(folder, SPEC), "value_added")
        assert totals[0] == totals[1]
        assert math.isclose(totals[0], math.fsum(values.values()), rel_tol=1e-12)
