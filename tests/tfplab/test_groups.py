"""Columns whose levels are told apart: none may be a firm's own, and a method that looks back needs years together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tfplab.test_names import told
from tfplab.cli import main

HEADER = """variables:
  id: plant
  before: lag(firm)
  one: where(size == 'large', id, 'rest')
  w: exp(l)
"""
FIRM = "each level would be one firm, and no firm-level row enters a bundle"


@pytest.mark.parametrize("name", ["firm", "plant", "id", "before", "one"])
def test_the_firm_is_no_group_under_any_name(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Refused before a file is opened, wherever its levels would be told apart."""
    productivity = f"  s: {{like: tfp, separately_by: [{name}, sector]}}\n"
    models = (
        f"models:\n  m: {{design: cross_section, formula: tfp ~ l + {name}}}\n"
        f"  i: {{design: cross_section, formula: tfp ~ l * {name}}}\n"
        f"  d: {{design: decomposition, outcome: tfp, weights: w, by: {'id' if name == 'firm' else name}}}\n"
    )
    figures = f"figures:\n  f: {{kind: productivity_density, of: tfp, by: {name}}}\n"
    spec = own_panel(models + figures, productivity=productivity, header=HEADER)
    found = told(spec, capsys, "check")
    paths = ["productivity.s.separately_by", "models.m.formula", "models.i.formula", "models.d.by", "figures.f.by"]
    assert [one.split(": ")[1] for one in found] == paths
    assert all(FIRM in one for one in found)
    lines = spec.read_text().splitlines()
    for one in found[:3]:
        line, column = (int(part) for part in one.split(":")[:2])
        assert lines[line - 1][column - 1 :].startswith(name)


def test_what_is_made_of_the_firm_and_names_none_is_a_group(own_panel: Callable[..., Path]) -> None:
    header = (
        "variables:\n  one: 1 * (firm == 'p001')\n  n: count(y)\n  late: cut(year, [2010, 2013], labels=['a', 'b'])\n"
    )
    models = "models:\n  m: {design: cross_section, formula: tfp ~ one + n + year, errors: {cluster: [firm]}}\n"
    productivity = "  s: {like: tfp, separately_by: [size, sector]}\n  t: {like: tfp, separately_by: [late]}\n"
    assert main(["check", "--data", str(own_panel(models, productivity=productivity, header=header))]) == 0


@pytest.mark.parametrize("name", ["year", "yr", "time"])
def test_a_year_by_itself_has_no_year_before(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    shares = "{method: cost_shares, output: y, free: [l], state: [k], shares: {l: half}"
    productivity = (
        f"  s: {{like: tfp, separately_by: [sector, {name}]}}\n"
        f"  a: {{like: tfp, method: ackerberg_caves_frazer, separately_by: [{name}]}}\n"
        f"  c: {shares}, separately_by: [{name}]}}\n"
    )
    spec = own_panel(productivity=productivity, header="variables: {time: year, half: 0.6 + 0 * y}\n")
    first, second = told(spec, capsys, "check")
    assert "productivity.s.separately_by" in first
    assert "wooldridge looks a year back, and a group of one year has no year before" in first
    assert "productivity.a.separately_by" in second
    assert f"controls: [{name}] has an indicator for each year" in second


def test_a_column_with_hardly_a_firm_a_level_is_no_group(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever it is called: a second number of the firm is one too."""
    extra = (
        "models:\n  m: {design: cross_section, formula: tfp ~ ent}\n"
        "figures:\n  f: {kind: productivity_density, of: tfp, by: ent}\n"
        "  n: {kind: productivity_density, of: tfp, by: number}\n"
    )
    productivity = "  s: {like: tfp, separately_by: [ent, sector]}\n  w: {like: tfp, separately_by: [k]}\n"
    spec = own_panel(extra, productivity=productivity)
    data = spec.with_name("plants.csv")
    first, *rows = data.read_text().splitlines()
    more = [f"{row},E{row[:4]},{int(row[1:4])}" for row in rows]
    data.write_text("\n".join([f"{first},ent,number", *more]) + "\n")
    assert main(["check", str(spec)]) == 0
    found = told(spec, capsys, "run")
    ent, number = '"ent" has 120 levels, the panel 120 firms', '"number" has 120 levels, the panel 120 firms'
    whole = '"k" is a number with values that are not whole, 720 in all'
    assert [next(text for text in (ent, number, whole) if text in one) for one in found] == [
        ent, whole, ent, ent, number,
    ]  # fmt: skip
    assert "groups so small speak of single firms" in found[0]
    assert "make classes of it: cut(k, " in found[1]
