"""The tutorials are followed to the letter: files written, commands given, what they print is what is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tfplab
from tests.tfplab.test_docs import write_plants
from tfplab.cli import main

ROOT = Path(__file__).parents[2]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
FILE = re.compile(r"# (\S+\.yaml)\n")
LINE = re.compile(r"(.*?)   # (\S+\.yaml), line (\d+)\n")


def matches(shown: str, printed: str) -> bool:
    """Return whether a text is what was printed; a line of three dots stands for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in shown.rstrip("\n").split("\n")
    )
    return re.fullmatch(pattern if shown else "", printed.rstrip("\n") + "\n" if printed else "") is not None


def write(text: str) -> None:
    """Write the file that a block of YAML is, or the one line of it that it changes."""
    if found := FILE.match(text):
        Path(found[1]).write_text(text, encoding="utf-8")
        return
    changed = LINE.fullmatch(text)
    assert changed, text
    path, number = Path(changed[2]), int(changed[3])
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[number - 1].split(":")[0] == changed[1].split(":")[0]
    lines[number - 1] = changed[1]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def give(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Give a command and return what it prints."""
    if command.startswith("tfplab "):
        main(command.split()[1:])
        printed = capsys.readouterr()
        return printed.out + printed.err
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the tutorials speak to a Unix shell")
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_what_is_shown_is_what_happens(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    write_plants(tmp_path / "data" / "panel.csv")
    names: dict[str, Any] = {}
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        language, block = found[1], found[2]
        where = f"{page.name}:{text.count(os.linesep, 0, found.start(2)) + 1}"
        if language == "yaml":
            write(block)
        elif language == "python":
            exec(compile(block, where, "exec"), names)
        else:
            assert language == "console", where
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                printed = give(command, capsys)
                assert matches(shown, printed), f"{where}: {command}\n{printed}"


def test_the_first_tutorial_asks_for_no_python() -> None:
    assert "```python" not in (ROOT / "docs" / "tutorials" / "first_spec.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).resolve().exists(), target


def test_numbers_in_the_text_are_those_of_the_run(demo_run: tfplab.Run) -> None:
    text = (ROOT / "docs" / "tutorials" / "refereeing.md").read_text(encoding="utf-8")
    steps = demo_run.ledger.set_index(["table", "step"])
    assert f"Of the {steps.loc[('survey', 'link'), 'rows_in'].sum():,} answers of the survey" in text
    assert f"survey {steps.loc[('survey', 'link'), 'dropped'].sum():,} have no accounts" in text
    assert f"TFP is estimated on {demo_run.record['productivity']['tfp']['n_rows_sample']:,} rows" in text
    assert f"the {demo_run.record['models']['table1']['n_firms']:,} firms that answered in 2023" in text
