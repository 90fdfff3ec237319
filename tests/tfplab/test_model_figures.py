"""Figures of models at the first gate and in a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tfplab.cli import main

OwnPanel = Callable[..., Path]

MODELS = """variables:
  b: where(first(l) > 2.3, 2012, where(first(l) > 2, 2013, 0))
models:
  d: {design: did, outcome: y, adoption: {cohort: b, never: 0}, estimator: [callaway_santanna, twfe],
      sensitivity: {honest: {}, leave_out: size, placebo: {dates: [2011]}}, power: {effect: 0.1}}
  c: {design: cross_section, outcome: y, formula: l + k + sector}
"""


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        ("{kind: group_time, of: c}", 'figures.f.of: "c" is no model of design did, there are: d'),
        ("{kind: coefficients, of: tfp}", 'figures.f.of: "tfp" is no model with coefficients'),
        ("{kind: coefficients, of: c, keep: [sektor]}", 'no term "sektor" in the models of this figure, did you mean'),
        ("{kind: coefficients, of: c, by: sector}", '"by" says nothing here'),
        ("{kind: honest, of: d, keep: [att]}", '"keep" says nothing here'),
        ("{kind: bacon, of: d, where: l > 0}", '"where" says nothing here'),
        ("{kind: specification_curve, of: d}", 'figures.f.of: "d" is a model and no variant'),
    ],
)  # fmt: skip
def test_mistakes(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str], figure: str, said: str) -> None:
    assert main(["check", str(own_panel(MODELS + f"figures: {{f: {figure}}}\n"))]) == 2
    assert said in capsys.readouterr().err


def test_a_run_draws_them(own_panel: OwnPanel, tmp_path: Path) -> None:
    figures = """figures:
  g: {kind: group_time, of: d}
  b: {kind: bacon, of: d}
  h: {kind: honest, of: d}
  k: {kind: coefficients, of: [c, d], keep: [sector, 'att[simple]']}
"""
    assert main(["run", str(own_panel(MODELS + figures)), "-q", "-o", str(tmp_path / "run")]) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert {name: figure["status"] for name, figure in record["figures"].items()} == dict.fromkeys("gbhk", "ok")
    assert {one["of"] for one in record["figures"]["k"]["series"]} == {"c", "d"}
    assert (tmp_path / "run" / "figures" / "g.svg").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("leave_out: size", "leave_out: k", 'sensitivity.leave_out: "k" is a number, a text column is wanted here'),
        ("leave_out: size", "leave_out: siez", 'sensitivity.leave_out: no column "siez"'),
        ("dates: [2011]", "outcomes: [kk]", 'sensitivity.placebo.outcomes: no column "kk"'),
        ("dates: [2011]", "outcomes: [size]", 'sensitivity.placebo.outcomes: "size" is text, a number is wanted here'),
    ],
)
def test_columns_are_looked_up(
    own_panel: OwnPanel, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    spec = own_panel(MODELS.replace(old, new))
    assert main(["check", "--data", str(spec)]) == 2
    assert said in capsys.readouterr().err
