"""Items that are made of others, that break between waves, and that other waves cannot be compared with."""

from __future__ import annotations

from pathlib import Path

import pytest

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
