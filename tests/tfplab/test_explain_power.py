"""``tfplab explain --data`` says what a design can find, and nothing of what it finds."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import tfplab
from tfplab.cli import main

SPEC = """tfplab: 1
title: Power
panel: {{table: {{files: panel.csv}}, firm: firm, year: year}}
variables: {{gain: p + 1}}
productivity:
  p: {{method: labour_productivity, output: y, free: [l]}}
  other: {{method: ols, output: y, free: [l], state: [k]}}
models:
  m: {{design: did, outcome: gain, adoption: {{cohort: g}}{power}}}
  plain: {{design: did, outcome: p, adoption: {{cohort: g}}}}
disclosure: {{on_breach: {action}, minimum_firms: {minimum}}}
"""


def spec(folder: Path, effect: float = 0.0, action: str = "report", minimum: int = 10, power: str = "0.1") -> Path:
    draw = np.random.default_rng(3)
    lines = ["firm,year,y,l,k,g"]
    for firm in range(80):
        begins = 2020 if firm < 30 else 0
        for year in range(2017, 2022):
            y = draw.normal() + effect * (firm < 30 and year >= begins)
            lines.append(f"f{firm},{year},{y},{draw.normal()},{draw.normal()},{begins or ''}")
    (folder / "panel.csv").write_text("\n".join(lines))
    asked = f", power: {{effect: {power}}}" if power else ""
    (folder / "spec.yaml").write_text(SPEC.format(power=asked, action=action, minimum=minimum))
    return folder / "spec.yaml"


def explained(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["explain", "--data", str(path)]) == 0
    return re.sub(r"\s+", " ", capsys.readouterr().out)


def test_it_is_the_power_of_the_run_whatever_the_effect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = explained(spec(tmp_path), capsys)
    found = re.search(r"power: minimum detectable effect (\S+) at 80 % power and 5 %, .* to find 0.1: (\S+) %", said)
    assert found is not None
    run = tfplab.run(tmp_path / "spec.yaml", output=tmp_path / "out")
    power = run.record["models"]["m"]["power"]
    assert float(found[1]) == pytest.approx(power["minimum_detectable_effect"], rel=1e-3)
    assert float(found[2]) == pytest.approx(100 * power["power"], abs=0.06)
    estimate = next(one for one in run.record["models"]["m"]["coefficients"] if one["term"] == "att[simple]")[
        "estimate"
    ]
    assert f"{abs(estimate):.3g}"[:5] not in said
    assert "30 firms treated, 50 beside them; 80 clusters of firm" in said
    assert explained(spec(tmp_path, effect=3.0), capsys) == said


def test_few_firms_are_not_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = explained(spec(tmp_path, action="suppress", minimum=40), capsys)
    assert "power: withheld: it rests on fewer than 40 firms" in said
    assert "minimum detectable effect" not in said


def test_without_power_nothing_is_estimated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "power:" not in explained(spec(tmp_path, power=""), capsys)
