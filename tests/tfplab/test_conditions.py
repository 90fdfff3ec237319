"""Conditions of entries, models and figures are refused where they stand, once the panel's values are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tfplab.cli import main

CASES = [
    ("model", "l", "a condition is neither 0 nor 1 in 720 rows, write a comparison"),
    ("model", "not l", "a condition is neither 0 nor 1 in 720 rows, write a comparison"),
    ("model", "yr == 2050", "no row of the panel fulfils this condition"),
    ("model", "log(-y^2) > 0", "no row of the panel fulfils this condition, it is missing in 720 of 720 rows"),
    ("entry", "l", "a condition is neither 0 nor 1 in 720 rows, write a comparison"),
    ("entry", "yr == 2050", "no row of the panel fulfils this condition"),
    ("figure", "l", "a condition is neither 0 nor 1 in 720 rows, write a comparison"),
    ("figure", "yr == 2050", "no row of the panel fulfils this condition"),
]


@pytest.mark.parametrize(("place", "where", "said"), CASES)
def test_a_condition_is_refused_where_it_stands(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str], place: str, where: str, said: str
) -> None:
    key = f", where: {where}"
    keys = {one: key if one == place else "" for one in ("entry", "model", "figure")}
    productivity = f"  own: {{method: ols, output: y, free: [l], state: [k]{keys['entry']}}}\n"
    extra = f"models:\n  m: {{design: cross_section, formula: y ~ size{keys['model']}}}\n"
    extra += f"figures:\n  f: {{kind: productivity_density, of: [tfp]{keys['figure']}}}\n"
    spec = own_panel(extra, productivity=productivity)
    assert main(["run", str(spec), "-o", str(spec.parent / "out")]) == 2
    told = capsys.readouterr().err
    line = 1 + next(number for number, text in enumerate(spec.read_text().splitlines()) if key in text)
    column = 1 + spec.read_text().splitlines()[line - 1].index(
        where, spec.read_text().splitlines()[line - 1].index(key)
    )
    path = {"entry": "productivity.own", "model": "models.m", "figure": "figures.f"}[place]
    assert f":{line}:{column}: {path}.where: {said}" in told
    assert not (spec.parent / "out").exists()


def test_conditions_on_productivity_wait_for_it(own_panel: Callable[..., Path]) -> None:
    spec = own_panel("models:\n  m: {design: cross_section, formula: y ~ size, where: tfp > 99}\n")
    assert main(["run", str(spec), "-o", str(spec.parent / "out")]) == 1
