"""`explain --data`: rows and firms that are those of a run, clusters, size and time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import tfplab
from tfplab.explaining.cost import Size, costs, guessed
from tfplab.explaining.data import seen_of
from tfplab.first_gate import make_plan

OwnPanel = Callable[..., Path]
MODELS = """models:
  m: {design: cross_section, formula: y ~ size + k, where: year == 2012, errors: {cluster: [sector]}}
  t: {design: cross_section, formula: tfp ~ size, errors: {cluster: [firm]}}
  a: {design: descriptives, of: [y, tfp], by: size}
"""


def lost(spec: Path) -> None:
    """Take some values out of the panel."""
    path = spec.parent / "plants.csv"
    lines = path.read_text().splitlines()
    for number in range(10, 60, 7):
        cells = lines[number].split(",")
        lines[number] = ",".join([*cells[:4], "", *cells[5:]])
    path.write_text("\n".join(lines) + "\n")


def test_samples_are_those_of_the_run(own_panel: OwnPanel) -> None:
    spec = own_panel(MODELS)
    lost(spec)
    plan = make_plan(spec)
    seen = seen_of(plan)
    run = tfplab.run(spec).record
    m, t = run["models"]["m"], run["models"]["t"]
    assert seen.samples["m"] == f"{m['n_obs']} firm-years of {m['n_firms']} firms where all its columns are known"
    assert m["n_obs"] < 120
    assert seen.samples["t"].startswith(f"at most {t['n_obs']} firm-years of {t['n_firms']} firms")
    assert (seen.size.rows, seen.size.firms, seen.size.exact) == (run["panel"]["rows"], run["panel"]["firms"], True)
    # Two sectors; the other model is clustered by firm.
    assert [(one.code, one.entry) for one in seen.advice] == [("few_clusters", "m")]


def test_rows_that_leave_though_their_columns_are_known(own_panel: OwnPanel) -> None:
    """A row alone in an effect, a weight of zero: the count is then the most that there can be."""
    spec = own_panel("""models:
  effects: {design: fixed_effects, formula: y ~ k | sector^year}
  weighed: {design: cross_section, formula: y ~ size, weights: k}
  logged: {design: cross_section, formula: log(k) ~ size}
""")
    seen = seen_of(make_plan(spec))
    assert all(seen.samples[name].startswith("at most ") for name in ("effects", "weighed", "logged"))
    told = tfplab.Spec.read(spec).explain()
    assert "rows that are alone in a level of an effect" in told
    assert "rows whose k is zero" in told
    assert "rows whose k has no log, at zero or below" in told


def test_clusters_of_combined_columns_are_counted(own_panel: OwnPanel) -> None:
    model = "models: {m: {design: cross_section, formula: y ~ k, errors: {cluster: [%s]}}}\n"

    def told(by: str) -> list[str]:
        return [one.what for one in seen_of(make_plan(own_panel(model % by))).advice]

    assert told("sector^size") == ["4 clusters of sector^size"]
    assert told("sector, firm") == ["2 clusters of sector"]
    assert told("firm") == []


def test_few_firms_are_withheld(own_panel: OwnPanel) -> None:
    rule = "disclosure: {on_breach: suppress, minimum_firms: 100}\n"
    models = "models: {m: {design: cross_section, formula: y ~ k, where: sector == 'A'}}\n"
    seen = seen_of(make_plan(own_panel(models + rule)))
    assert seen.samples["m"] == "withheld: fewer than 100 firms"


def said(spec: Path, size: Size) -> dict[str, str]:
    (block,) = costs(make_plan(spec), size).blocks
    return {part.label: part.text for part in block.parts}  # type: ignore[union-attr]


def test_a_guess_is_said_to_be_one(own_panel: OwnPanel) -> None:
    spec = own_panel(MODELS)
    size = guessed(make_plan(spec))
    assert not size.exact
    # Within a factor of three of the 720 rows that there are.
    assert 240 < size.rows < 2160
    told = said(spec, size)
    assert told["size"].startswith("about ")
    assert "--data counts them" in told["size"]
    assert "an order of magnitude" in told["note"]
    exact = said(spec, replace(size, rows=720, firms=120, exact=True))
    assert exact["size"].startswith("720 firm-years of 120 firms")


def test_draws_and_cases_multiply(own_panel: OwnPanel) -> None:
    def seconds(errors: str) -> float:
        spec = own_panel(f"models: {{m: {{design: cross_section, formula: tfp ~ size, errors: {errors}}}}}\n")
        text = said(spec, Size(1_000_000, 1000, exact=True))["time"]
        value, unit = text.removeprefix("about ").split()[:2]
        return float(value) * {"s": 1, "min": 60, "h": 3600}[unit]

    few = seconds("{bootstrap: {cluster: [firm], draws: 499}}")
    assert seconds("HC1") < 10
    assert few > 60
    # Both are rounded to whole minutes.
    assert seconds("{bootstrap: {cluster: [firm], draws: 4990}}") == pytest.approx(10 * few, rel=0.25)


def test_variants_are_counted(own_panel: OwnPanel) -> None:
    spec = own_panel(
        MODELS + "variants: {grid: {of: m, vary: {errors: [HC1, HC3, classical], formula: [y ~ size, y ~ k]}}}\n"
    )
    assert "grid has 6 cases" in said(spec, Size(720))["variants"]
