"""Items that are made of others, that break between waves, and that other waves cannot be compared with."""

from __future__ import annotations

from pathlib import Path

import pytest

from panels.frame import FirmPanel
from tests.panels.building import build, column, messages, write

ACCOUNTS = "ENTNR,YEAR,SCHEME,R70\na,2021,VOL,1\na,2023,VOL,1\na,2025,VOL,1\nb,2021,VOL,1\nb,2023,VOL,1\n"
TECHNOLOGIES = ",".join(f"E_AI_T{name}" for name in ("TM", "SR", "NLG", "IR", "ML", "PA", "AR"))
SPEC = "panel: {{accounts: {{files: acc.csv, layout: nbb}}, survey: {{files: {files}, layout: eurostat_ict}}}}\n{more}"


def survey(folder: Path, **waves: tuple[str, list[str]]) -> str:
    """Files of waves: the columns beside the technologies, and the rows."""
    write(folder, acc__csv=ACCOUNTS)
    for wave, (columns, rows) in waves.items():
        lines = "\n".join(rows)
        write(folder, **{f"{wave}__csv": f"ENTNR,{TECHNOLOGIES},{columns}\n{lines}\n"})
    return "{" + ", ".join(f"{wave.removeprefix('w')}: {wave}.csv" for wave in waves) + "}"


YES, NO = "1,0,0,0,0,0,0", "0,0,0,0,0,0,0"


def test_developers_and_buyers_are_asked_of_users(tmp_path: Path) -> None:
    files = survey(tmp_path, w2023=(
        "E_AI_ADOWN,E_AI_AMOWN,E_AI_AOS,E_AI_ARDY,E_AI_AEXT", [f"a,{YES},0,1,0,0,0", f"b,{NO},,,,,"],
    ))  # fmt: skip
    more = "variables: {d: yes(ai_adev), b: yes(ai_abuy), asked_b: asked(ai_abuy)}\n"
    panel = build(tmp_path, SPEC.format(files=files, more=more + "").replace("}}\nvar", "}}\nvar"))
    linked = [at for at, one in enumerate(column(panel, "linked")) if one == 1]
    for name, expected in (("d", [1.0, 0.0]), ("b", [0.0, 0.0]), ("asked_b", [1.0, 0.0])):
        found = column(panel, name)
        assert [found[at] for at in linked] == expected, name


def test_administration_and_management_of_all_waves(tmp_path: Path) -> None:
    files = survey(
        tmp_path,
        w2021=("E_AI_PBA,E_AI_PME", [f"a,{YES},0,1", f"b,{YES},0,0"]),
        w2023=("E_AI_PBAM", [f"a,{YES},0", f"b,{YES},1"]),
    )
    panel = build(tmp_path, SPEC.format(files=files, more="variables: {p: yes(ai_padm)}\n"))
    rows = panel.select(["p"])
    found = {
        (panel.firm_names[firm], year): value
        for firm, year, value in zip(rows.firm.tolist(), rows.year.tolist(), rows.number("p").tolist(), strict=True)
        if year != 2025
    }
    assert found == {("a", 2021): 1.0, ("a", 2023): 0.0, ("b", 2021): 0.0, ("b", 2023): 1.0}


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (
            "at(ai_pfin, 2021)",
            '"ai_pfin" was not asked in 2021, accounting and finance are a purpose of their own from',
        ),
        ("at(yes(ai_prdi), 2021)", "2021 had none that holds them, the waves that ask it: 2023, 2024, 2025"),
        ("at(ai_phr, 2023)", "human resources are no purpose of their own from 2023 on"),
    ],
)
def test_what_cannot_be_compared_says_why(tmp_path: Path, expression: str, said: str) -> None:
    files = survey(
        tmp_path,
        w2021=("E_AI_PHR", [f"a,{YES},0"]),
        w2023=("E_AI_PFIN,E_AI_PRDI", [f"a,{YES},0,1"]),
    )
    (message,) = messages(tmp_path, SPEC.format(files=files, more=f"variables: {{x: '{expression}'}}\n"))
    assert said in message


def test_a_break_between_waves_is_noted_where_there_are_both(tmp_path: Path) -> None:
    files = survey(
        tmp_path,
        w2023=("E_AI_TANY", [f"a,{YES},1", f"b,{NO},0"]),
        w2025=("E_AI_TPVSG,E_AI_TANY", [f"a,{YES},1,1"]),
    )
    panel = build(tmp_path, SPEC.format(files=files, more=""))
    assert [one.reason for one in panel.ledger if one.step == "breaks"] == [
        "ai_tnlg from 2025 on: program code counts as language, in 1 row",
        "ai_any from 2025 on: any of eight technologies instead of seven, and language generation counts program code, "
        "in 1 row",
    ]
    files = survey(tmp_path, w2023=("E_AI_TANY", [f"a,{YES},1"]))
    assert not [one for one in build(tmp_path, SPEC.format(files=files, more="")).ledger if one.step == "breaks"]


def test_a_break_is_at_the_year_of_a_wave(tmp_path: Path) -> None:
    files = survey(tmp_path, w2023=("E_AI_TANY", [f"a,{YES},1"]))
    write(
        tmp_path,
        mine__yaml="layout: m\nlike: eurostat_ict\ntable: survey\nitems: {x: {column: X, breaks: {soon: y}}}\n",
    )
    spec = SPEC.format(files=files, more="").replace("layout: eurostat_ict", "layout: mine.yaml")
    (message,) = messages(tmp_path, spec)
    assert '"soon" is not the year of a wave' in message


def by_firm_and_year(panel: FirmPanel, name: str) -> dict[tuple[str, int], float | None]:
    firms, years = column(panel, "firm"), column(panel, "year")
    return {(str(f), int(str(y).split(".")[0])): v for f, y, v in zip(firms, years, column(panel, name), strict=True)}  # type: ignore[misc]


def test_an_item_is_missing_in_a_wave_that_does_not_ask_it(tmp_path: Path) -> None:
    files = survey(
        tmp_path,
        w2021=("E_AI_PFIN,E_AI_TANY", [f"a,{YES},1,1", f"b,{YES},,1"]),
        w2023=("E_AI_PFIN,E_AI_TANY", [f"a,{YES},0,1", f"b,{YES},1,1"]),
    )
    more = "variables: {p: yes(ai_pfin), asked_p: asked(ai_pfin), any: yes(ai_any)}\n"
    panel = build(tmp_path, SPEC.format(files=files, more=more))
    assert by_firm_and_year(panel, "p") == {
        ("a", 2021): None, ("a", 2023): 0, ("a", 2025): None, ("b", 2021): None, ("b", 2023): 1,
    }  # fmt: skip
    assert by_firm_and_year(panel, "asked_p")["a", 2021] == 0
    # The layout does not say which waves ask this one: where it is found.
    assert by_firm_and_year(panel, "any")["a", 2021] == 1
    assert [one.reason for one in panel.ledger if one.step == "waves"] == [
        "ai_pfin: answered in 2021, a wave that does not ask it, taken as not asked, in 1 row"
    ]


def without(column_name: str, row: str) -> str:
    """A row of technologies without one of them."""
    names = TECHNOLOGIES.split(",")
    firm, *cells = row.split(",")
    return ",".join([firm, *(cell for name, cell in zip(names, cells, strict=True) if name != column_name)])


def test_a_wave_that_lacks_a_column_has_no_certain_no(tmp_path: Path) -> None:
    rows = [f"a,{NO}", f"b,{YES}"]
    files = survey(tmp_path, w2021=("E_CC", [f"{row},1" for row in rows]), w2023=("E_CC", []))
    lacking = "E_AI_TPA"
    header = "ENTNR," + ",".join(name for name in TECHNOLOGIES.split(",") if name != lacking)
    write(tmp_path, w2023__csv="\n".join([header, *(without(lacking, row) for row in rows)]) + "\n")
    more = "variables: {x: yes(ai), open: asked(ai)}\n"
    panel = build(tmp_path, SPEC.format(files=files, more=more))
    found = by_firm_and_year(panel, "x")
    assert (found["a", 2021], found["b", 2021], found["a", 2023], found["b", 2023]) == (0, 1, None, 1)
    assert by_firm_and_year(panel, "open")["a", 2023] == 1
    assert "ai in 2023: no file has the column E_AI_TPA, so that a no is not certain and is no answer, in 2 rows" in [
        one.reason for one in panel.ledger if one.step == "waves"
    ]
    # Where no wave has a certain no, the item would be yes or nothing: it is absent, and says why.
    (message,) = messages(tmp_path, SPEC.format(files="{2023: w2023.csv}", more=more.replace(", open: asked(ai)", "")))
    assert "w2023.csv has no column E_AI_TPA" in message
