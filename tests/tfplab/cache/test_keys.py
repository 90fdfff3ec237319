"""What counts for a key, and what does not; and what is said where two differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from panels.frame import FirmPanel, NumberColumn, TextColumn
from tfplab.bootstrapping import rows_of
from tfplab.cache.keys import code_parts, fit_parts, key_of, panel_parts, parts_of_entry
from tfplab.cache.why import differences, why
from tfplab.first_gate import make_plan
from tfplab.plan import Plan
from tfplab.runner import build_panel

Make = Callable[[str], tuple[Plan, FirmPanel]]

SPEC = """\
tfplab: 1
title: Plants
seed: 3
panel: {table: {files: plants.csv}, firm: plant, year: yr}
variables:
  ln_y: y + 0
  big: l > 2
productivity:
  tfp: {method: wooldridge, output: ln_y, free: [l], state: [k], proxy: m, degree: 2, where: year > 2010}
  drawn: {like: tfp, errors: {bootstrap: {draws: 99, cluster: [firm]}}}
  mu: {method: markup, of: tfp, input: l, expenditure: paid, revenue: earned}
"""


@pytest.fixture
def made(own_panel: Callable[..., Path]) -> Make:
    folder = own_panel().parent
    lines = (folder / "plants.csv").read_text().splitlines()
    lines = [f"{line},{'paid,earned' if place == 0 else '1.5,4'}" for place, line in enumerate(lines)]
    (folder / "plants.csv").write_text("\n".join(lines) + "\n")

    def make(text: str) -> tuple[Plan, FirmPanel]:
        (folder / "own.yaml").write_text(text)
        plan = make_plan(folder / "own.yaml")
        return plan, build_panel(plan)

    return make


def key(found: tuple[Plan, FirmPanel], name: str = "tfp", parents: dict[str, Any] | None = None) -> str:
    plan, panel = found
    step = next(one for one in plan.productivity if one.name == name)
    return key_of(parts_of_entry(plan, step, panel, parents or dict.fromkeys(step.parents, "a")))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("title: Plants", "title: Other plants"),
        ("seed: 3", "seed: 4"),
        ("  big: l > 2", "  big: l > 1"),
        ("  big: l > 2\n", ""),
        ("free: [l], state: [k]", "state: [k], free: [l]"),
        ("productivity:", "# a comment\nproductivity:"),
    ],
)
def test_what_does_not_matter_to_an_estimate_does_not_count(made: Make, before: str, after: str) -> None:
    changed = SPEC.replace(before, after)
    assert changed != SPEC
    assert key(made(SPEC)) == key(made(changed))


def test_where_the_files_lie_does_not_count(made: Make, tmp_path: Path) -> None:
    found = key(made(SPEC))
    (tmp_path / "moved").mkdir()
    (tmp_path / "plants.csv").rename(tmp_path / "moved" / "firms.csv")
    assert key(made(SPEC.replace("plants.csv", "moved/firms.csv"))) == found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("degree: 2", "degree: 3"),
        ("free: [l], state: [k]", "free: [l], state: [k], controls: [year]"),
        ("y + 0", "y + 0.001"),
        ("year > 2010", "year > 2011"),
        ("method: wooldridge", "method: wlp"),
        ("  tfp: {", "  other: {"),
        ("yr}", "yr, where: l > -9 and year < 2015}"),
    ],
)
def test_what_matters_counts(made: Make, before: str, after: str) -> None:
    changed = SPEC.replace(before, after).replace("like: tfp", "like: " + ("other" if "other" in after else "tfp"))
    changed = changed.replace("of: tfp", "of: other") if "other" in after else changed
    name = "other" if "other" in after else "tfp"
    assert key(made(SPEC)) != key(made(changed), name)


def test_the_seed_counts_where_a_bootstrap_draws(made: Make) -> None:
    one, other = made(SPEC), made(SPEC.replace("seed: 3", "seed: 4"))
    assert key(one) == key(other)
    assert key(one, "drawn") != key(other, "drawn")
    assert key(one, "drawn") != key(made(SPEC.replace("draws: 99", "draws: 100")), "drawn")


def test_what_an_entry_is_made_of_counts(made: Make) -> None:
    found = made(SPEC)
    assert key(found, "mu", {"tfp": "a"}) != key(found, "mu", {"tfp": "b"})
    assert key(found, "mu", {"tfp": "a"}) == key(found, "mu", {"tfp": "a"})


def test_every_value_that_is_read_counts(made: Make) -> None:
    plan, panel = made(SPEC)
    step = plan.productivity[0]
    rows, use = rows_of(step, panel)
    found = key_of(fit_parts(step, rows, use, seed=1))
    assert found == key_of(fit_parts(step, rows, use.copy(), seed=2, n_firms=9))
    for name, column in rows.columns.items():
        if isinstance(column, TextColumn):
            continue
        values = column.values.copy()
        values[-1] = np.nextafter(values[-1], 9.0)
        other = replace(rows, columns={**rows.columns, name: NumberColumn(values)})
        assert key_of(fit_parts(step, other, use, seed=1)) != found, name
    flipped = use.copy()
    flipped[0] = not flipped[0]
    assert key_of(fit_parts(step, rows, flipped, seed=1)) != found
    for name in ("firm", "year", "rows"):
        moved = getattr(rows, name).copy()
        moved[0] += 1
        assert key_of(fit_parts(step, replace(rows, **{name: moved}), use, seed=1)) != found, name
    assert key_of(fit_parts(replace(step, extras="elasticities"), rows, use, seed=1)) != found
    assert key_of(fit_parts(replace(step, notes=("x",)), rows, use, seed=1)) != found


def test_levels_of_text_count(made: Make) -> None:
    plan, panel = made(SPEC.replace("degree: 2", "degree: 2, controls: [sector]"))
    step = plan.productivity[0]
    rows, use = rows_of(step, panel)
    column = rows.columns["sector"]
    assert isinstance(column, TextColumn)
    other = replace(rows, columns={**rows.columns, "sector": TextColumn(column.codes, ("A", "C"))})
    assert key_of(fit_parts(step, rows, use, seed=1)) != key_of(fit_parts(step, other, use, seed=1))


def test_parts_of_a_panel(made: Make) -> None:
    files = {"plants.csv": "ab"}
    plan, _ = made(SPEC)
    found = key_of(panel_parts(plan, files))
    for before, after in (
        ("degree: 2", "degree: 3"), ("title: Plants", "title: P"), ("seed: 3", "seed: 9"),
        ("panel: {table: {files: plants.csv}, firm: plant, year: yr}",
         "# why\npanel: {year: yr, firm: plant, table: {files: plants.csv}}"),
    ):  # fmt: skip
        assert key_of(panel_parts(made(SPEC.replace(before, after))[0], files)) == found, after
    for before, after in (
        ("l > 2", "l > 3"), ("  big:", "  large:"), ("year: yr}", "year: yr, years: [2011, 2015]}"),
        ("year: yr}", "year: yr, where: l > 0}"),
    ):  # fmt: skip
        assert key_of(panel_parts(made(SPEC.replace(before, after))[0], files)) != found, after
    assert key_of(panel_parts(plan, {"plants.csv": "ac"})) != found
    assert key_of(panel_parts(plan, {**files, "more.csv": "ab"})) != found


def test_the_order_of_parts_does_not_count() -> None:
    assert key_of({"a": "1", "b": "2"}) == key_of({"b": "2", "a": "1"})
    assert code_parts(("specs",)) is code_parts(("specs",))
    assert code_parts(("specs",)) != code_parts(("specs", "panels"))


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ({"option:degree": "3"}, {"option:degree": "2"}, "degree was 3 and is 2"),
        ({"option:free": '["l"]'}, {"option:free": '["l", "m"]'}, "free was [l] and is [l, m]"),
        ({"option:where": "null"}, {"option:where": '"a > 1"'}, "where is a > 1"),
        ({"option:by": '["nace"]'}, {"option:by": "null"}, "by was [nace]"),
        ({"option:deep": "true"}, {"option:deep": "false"}, "deep was true and is false"),
        ({"file:data/a.csv": "1"}, {"file:data/a.csv": "2"}, "data/a.csv has changed"),
        ({}, {"file:data/a.csv": "2"}, "data/a.csv is new"),
        ({"file:data/a.csv": "1"}, {}, "data/a.csv is gone"),
        ({"code:tfplab": "1"}, {"code:tfplab": "2"}, "tfplab has changed"),
        ({"version:numpy": "2.0"}, {"version:numpy": "2.1"}, "numpy was 2.0 and is 2.1"),
        ({"column:l": "1"}, {"column:l": "2"}, "the values of l have changed"),
        ({"column:l": "1"}, {"column:m": "2"}, "l is gone, m is new"),
        ({"rows:": "1"}, {"rows:": "2"}, "the rows of the panel have changed"),
        ({"where:": "1"}, {"where:": "2"}, "the rows that where keeps have changed"),
        ({"variable:v": "a"}, {"variable:v": "b"}, "variable v has changed"),
        ({"panel:years": "[1, 2]"}, {"panel:years": "[1, 3]"}, "panel.years was [1, 2] and is [1, 3]"),
        ({"panel:clean": "x" * 50}, {"panel:clean": "y"}, "panel.clean has changed"),
        ({"seed:": "1"}, {"seed:": "2"}, "seed was 1 and is 2"),
        ({"parent:tfp": "1"}, {"parent:tfp": "2"}, "tfp, which it is made of, has changed"),
        ({"method:": "wlp"}, {"method:": "ols"}, "method was wlp and is ols"),
    ],
)
def test_what_is_said(before: dict[str, str], now: dict[str, str], said: str) -> None:
    assert sorted(differences(now, before)) == sorted(said.split(", ") if "is gone, " in said else [said])
    assert why(now, [before]).replace(", ", "") in {said.replace(", ", ""), "m is newl is gone"}


def test_the_nearest_is_compared_and_many_differences_are_counted() -> None:
    far, near = {"option:a": "1", "option:b": "1"}, {"option:a": "2", "option:b": "1"}
    assert why({"option:a": "2", "option:b": "2"}, [far, near]) == "b was 1 and is 2"
    assert why({"option:a": "1"}, []) == "nothing kept yet"
    assert why(far, [far]) == "what was kept is gone"
    many = {f"option:{name}": "1" for name in "abcde"}
    assert why(dict.fromkeys(many, "2"), [many]).endswith("c was 1 and is 2 and 2 more")
