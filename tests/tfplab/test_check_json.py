"""``tfplab check --json``: the same mistakes, for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tfplab.mistaken_specs import BASE, PANEL
from tfplab.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status = main(["check", "--json", *arguments])
    output = capsys.readouterr()
    assert output.err == ""
    return status, json.loads(output.out)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "panel.csv").write_text(PANEL)
    (tmp_path / "good.yaml").write_text(BASE)
    (tmp_path / "bad.yaml").write_text(
        BASE.replace("method: wlp", "degre: 2, method: wlp").replace("A study", "é: '\U0001f600")
    )
    return tmp_path


def test_a_spec_without_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "good.yaml") == (
        0,
        {"format": 1, "specs": [{"spec": "good.yaml", "ok": True, "problems": []}]},
    )


def test_several_specs_and_what_is_wrong_with_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.yaml").write_text(BASE.replace("method: wlp", "degre: 2, method: wlp"))
    status, found = run(capsys, "good.yaml", "bad.yaml")
    assert status == 2
    assert [(one["spec"], one["ok"]) for one in found["specs"]] == [("good.yaml", True), ("bad.yaml", False)]
    assert found["specs"][1]["problems"] == [
        {
            "file": "bad.yaml",
            "line": 8,
            "column": 9,
            "path": "productivity.tfp",
            "what": 'unknown key "degre"',
            "meaning": "",
            "advice": 'did you mean "degree"?',
        }
    ]


def test_it_holds_what_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.yaml").write_text(BASE.replace("wlp", "wl").replace("cross_section", "cross"))
    _, found = run(capsys, "bad.yaml")
    main(["check", "bad.yaml"])
    printed = capsys.readouterr().err.splitlines()[:-1]
    for one, line in zip(found["specs"][0]["problems"], printed, strict=True):
        place = f"{one['file']}:{one['line']}:{one['column']}: {one['path']}: "
        assert line == place + ", ".join(part for part in (one["what"], one["meaning"], one["advice"]) if part)


def test_the_values_of_the_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "panel.csv").write_text(PANEL.replace(",2020,", ",twenty,"))
    assert run(capsys, "good.yaml")[0] == 0
    status, found = run(capsys, "--data", "good.yaml")
    assert status == 2
    assert found["specs"][0]["problems"]


def test_a_mistake_in_what_both_extend_is_told_of_both(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "base.yaml").write_text(BASE.replace("wlp", "wl"))
    (folder / "a.yaml").write_text("extends: base.yaml\ntitle: A\n")
    (folder / "b.yaml").write_text("extends: base.yaml\ntitle: B\n")
    _, found = run(capsys, "a.yaml", "b.yaml")
    assert [[one["file"] for one in spec["problems"]] for spec in found["specs"]] == [["base.yaml"], ["base.yaml"]]


def test_what_cannot_be_read_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    status, found = run(capsys, "none.yaml", "bad.yaml")
    assert status == 2
    assert [(one["problems"][0]["line"], one["ok"]) for one in found["specs"]] == [(1, False), (2, False)]
