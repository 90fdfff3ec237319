"""Runs that take what earlier ones made: the same bytes, and what is said of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.record_text import dump_record
from tfplab.cache import keys
from tfplab.cache.folder import CacheFolder
from tfplab.cache.kept import Kept
from tfplab.first_gate import make_plan
from tfplab.runner import estimate
from tfplab.writing import record_of

MORE = """\
  drawn: {like: tfp, errors: {bootstrap: {draws: 99, cluster: [firm]}}}
  lp: {method: labour_productivity, output: y, free: [l]}
variables:
  grown: tfp - lag(tfp)
  big: l > 2
models:
  plain: {design: cross_section, where: year == 2015, formula: tfp ~ sector + k}
  swept: {design: fixed_effects, formula: lp ~ k | firm + year, errors: {cluster: [sector, firm]}}
  boot: {design: cross_section, formula: tfp ~ sector, errors: {bootstrap: {draws: 99, cluster: [firm]}}}
  wrong: {design: fixed_effects, formula: lp ~ sector | firm + year}
variants:
  grid:
    of: plain
    vary:
      productivity.tfp.degree: [2, 3]
      where: [year == 2014, year == 2015]
figures:
  density: {kind: productivity_density, of: tfp, by: sector}
"""
CHAINED = """\
  chained:
    design: cross_section
    where: year >= 2013
    formula: tfp ~ sector + grown
    errors: {bootstrap: {draws: 99, cluster: [firm]}}
"""


class Silent:
    def step(self, what: str) -> None:
        """Say nothing."""


def ran(spec: Path, kept: Kept | None = None) -> str:
    """The bytes of run.json."""
    plan = make_plan(spec)
    return dump_record(record_of(plan, estimate(plan, Silent(), kept)))


@pytest.fixture
def spec(own_panel: Callable[..., Path]) -> Path:
    return own_panel(MORE, firms=60)


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def anew(kept: Kept) -> dict[str, str]:
    return {one.what: one.why for one in kept.done if not one.reused}


def test_a_run_from_the_cache_has_the_same_bytes(spec: Path, tmp_path: Path) -> None:
    plain = ran(spec)
    first = Kept(CacheFolder(tmp_path / "cache"))
    assert ran(spec, first) == plain
    assert set(anew(first).values()) == {"nothing kept yet", "degree was 2 and is 3"}
    again = Kept(CacheFolder(tmp_path / "cache"))
    assert ran(spec, again) == plain
    assert anew(again) == {}
    assert again.told[:2] == ["panel: from the cache", "productivity tfp: from the cache"]
    assert again.record["productivity drawn"] == "from the cache"
    shutil.rmtree(tmp_path / "cache")
    assert ran(spec, Kept(CacheFolder(tmp_path / "cache"))) == plain


def test_what_a_change_leaves_alone_is_reused(spec: Path, tmp_path: Path) -> None:
    def run() -> dict[str, str]:
        kept = Kept(CacheFolder(tmp_path / "cache"))
        assert ran(spec, kept) == ran(spec)
        return {what: why for what, why in anew(kept).items() if not what.endswith("variant")}

    run()
    edit(spec, "title: Plants", "# other words\ntitle: Other plants")
    assert run() == {}
    # A case of the variant was estimated with degree 3.
    edit(spec, "degree: 2", "degree: 3")
    assert run() == {"productivity drawn": "degree was 2 and is 3"}
    edit(spec, "big: l > 2", "big: l > 1")
    assert run() == {"panel": "variable big has changed"}
    edit(spec, "yr}", "yr, where: l > 0}")
    assert "panel.where is l > 0" in run()["panel"]
    edit(spec, "tfplab: 1", "tfplab: 1\nseed: 5")
    assert run() == {"productivity drawn": "seed was 1 and is 5"}
    data = spec.parent / "plants.csv"
    rows = data.read_text().splitlines()
    data.write_text("\n".join([*rows[:-1], rows[-1].replace("p059", "p060")]) + "\n")
    found = run()
    assert found["panel"] == "plants.csv has changed"
    assert found["productivity lp"].startswith("the rows of the panel have changed")


def test_another_version_of_the_program_makes_all_anew(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(spec, Kept(CacheFolder(tmp_path / "cache")))
    own = keys.code_parts
    monkeypatch.setattr(keys, "code_parts", lambda packages: {**own(packages), "code:tfplab": "other"})
    kept = Kept(CacheFolder(tmp_path / "cache"))
    ran(spec, kept)
    assert anew(kept)["panel"] == "tfplab has changed"
    assert anew(kept)["productivity lp"] == "tfplab has changed"


def test_a_broken_cache_is_told_and_made_anew(spec: Path, tmp_path: Path) -> None:
    plain = ran(spec, Kept(CacheFolder(tmp_path / "cache")))
    for path in (tmp_path / "cache").glob("*-*/*"):
        if path.parent.name.startswith("panel-") and path.name.startswith("panel_"):
            path.write_bytes(path.read_bytes()[:100])
        elif path.parent.name.startswith("fit-"):
            path.write_bytes(b"x")
    kept = Kept(CacheFolder(tmp_path / "cache"))
    assert ran(spec, kept) == plain
    assert anew(kept)["panel"] == "what was kept has files that were changed"
    assert anew(kept)["productivity tfp"] == "what was kept is no record of tfplab"
    kept = Kept(CacheFolder(tmp_path / "cache"))
    assert ran(spec, kept) == plain
    assert anew(kept) == {}


def test_a_cache_without_room_is_told(spec: Path, tmp_path: Path) -> None:
    kept = Kept(CacheFolder(tmp_path / "cache", limit=5_000))
    ran(spec, kept)
    assert "(not kept: it takes" in kept.told[0]


def test_in_memory_models_and_figures_are_reused_too(spec: Path) -> None:
    kept = Kept(in_memory=True)
    plain = ran(spec)
    assert ran(spec, kept) == plain
    assert ran(spec, kept) == plain
    assert anew(kept) == {}
    assert "figure density: as before" in kept.told
    assert "variant grid: all 3 cases as before" in kept.told

    for before, after, changed in (
        ("formula: lp ~ k |", "formula: lp ~ k + m |", {"model swept"}),
        ("big: l > 2", "big: l > 1", {"panel"}),
        ("by: sector", "by: size", {"figure density"}),
        ("tfplab: 1", "tfplab: 1\nseed: 5", {"productivity drawn", "model boot"}),
        # The variant had it with degree 3.
        ("degree: 2", "degree: 3", {"productivity drawn", "model boot", "figure density"}),
    ):  # fmt: skip
        edit(spec, before, after)
        assert ran(spec, kept) == ran(spec)
        assert {name for name in anew(kept) if "[" not in name} - {"model plain"} == changed, after


def test_a_bootstrap_through_the_panel_sees_what_it_goes_back_to(spec: Path) -> None:
    kept = Kept(in_memory=True)
    edit(spec, "variants:\n", CHAINED + "variants:\n")
    ran(spec, kept)
    edit(spec, "formula: lp ~ k |", "formula: lp ~ k + m |")
    ran(spec, kept)
    assert set(anew(kept)) == {"model swept"}
    edit(spec, "grown: tfp - lag(tfp)", "grown: tfp - lag(tfp) + 0 * k")
    ran(spec, kept)
    assert {"model chained", "model boot"} <= set(anew(kept))


def test_memory_does_not_grow_from_round_to_round(spec: Path) -> None:
    kept = Kept(in_memory=True)

    def held() -> tuple[int, int]:
        from panels.frame import FirmPanel

        panels = [one for one in kept._held.values() if isinstance(one, FirmPanel)]
        engine: Any = panels[0].store.engine  # type: ignore[attr-defined]
        return len(kept._held), len(engine.rows("SELECT 1 FROM duckdb_tables()"))

    counts = []
    for number in range(5):
        edit(spec, "year == 2015, formula", f"year == 2015 and l > -{number + 5}, formula") if number == 0 else edit(
            spec, f"l > -{number + 4}, formula", f"l > -{number + 5}, formula"
        )
        ran(spec, kept)
        counts.append(held())
    assert len(set(counts[1:])) == 1


def test_a_run_that_stops_half_way_keeps_what_it_has(spec: Path) -> None:
    kept = Kept(in_memory=True)
    ran(spec, kept)
    plan = make_plan(spec)
    kept.begin(plan)
    from tfplab.runner import build_panel

    build_panel(plan, None, kept.panel)
    # Nothing more, and the next run finds all.
    ran(spec, kept)
    assert anew(kept) == {}


def test_without_a_place_nothing_is_kept_or_said(spec: Path) -> None:
    kept = Kept()
    ran(spec, kept)
    assert (kept.told, kept.record, kept.idle) == ([], {}, True)


def test_the_demo_and_its_survey_from_the_cache(demo_folder: Path, demo_bundle: Path, tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path / "cache")
    for _ in range(2):
        kept = Kept(folder)
        found = ran(demo_folder / "hrw_2026.yaml", kept)
        assert found == (demo_bundle / "run.json").read_text(encoding="utf-8")
    assert anew(kept) == {}
    assert json.loads(found)["panel"]["ledger"]
