"""``rows: common``, ``at_most`` and disclosure of variants, on small panels against the same worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tfplab
from specs.errors import SpecError, TfplabError
from tfplab.cli import main

HEAD = "tfplab: 1\nseed: {seed}\npanel: {{table: {{files: p.csv}}, firm: firm, year: year}}\n"
MODELS = """\
models:
  m: {design: cross_section, formula: y ~ x, errors: HC1}
  fe: {design: fixed_effects, formula: y ~ x | firm}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(4)
    firm, year = np.repeat(np.arange(60), 4), np.tile(np.arange(2018, 2022), 60)
    data = pd.DataFrame({"firm": [f"F{one:02d}" for one in firm], "year": year})
    data["x"], data["z"], data["w"] = rng.normal(size=240), rng.normal(size=240), rng.integers(0, 3, 240)
    data["y"] = data.x + rng.normal(size=240)
    data["sector"] = np.array(list("ABCD"))[firm % 4]
    for name, missing in (("x", 0.2), ("z", 0.4)):
        data.loc[rng.random(240) < missing, name] = np.nan
    data["none"] = np.nan
    data.to_csv(folder / "p.csv", index=False)
    return folder


def run(folder: Path, variants: str, seed: int = 1, more: str = "") -> dict[str, Any]:
    text = HEAD.format(seed=seed) + MODELS + f"variants:\n  v: {{{variants}}}\n" + more
    (folder / "s.yaml").write_text(text, encoding="utf-8")
    found: dict[str, Any] = json.loads(json.dumps(dict(tfplab.run(folder / "s.yaml").record)))
    return found


def test_a_case_without_rows_takes_none_from_the_others(folder: Path) -> None:
    record = run(folder, "of: m, rows: common, cases: [{}, {replace: {x: none}}, {replace: {x: z}}]")
    cases = record["variants"]["v"]["cases"]
    data = pd.read_csv(folder / "p.csv")
    both = int((data.x.notna() & data.z.notna()).sum())
    assert [one["status"] for one in cases] == ["ok", "failed", "ok"]
    assert cases[1]["reason"] == f"no rows are left of {both} (none is missing: {both})"
    assert [one["n_obs"] for one in cases] == [both, None, both]


def test_rows_that_count_for_nothing_or_stand_alone_are_no_common_rows(folder: Path) -> None:
    settings = "{weights: w}, {formula: y ~ x | sector^year}, {formula: y ~ z | firm}"
    cases = run(folder, f"of: fe, rows: common, cases: [{{}}, {settings}]")["variants"]["v"]["cases"]
    data = pd.read_csv(folder / "p.csv")
    kept = data[data.x.notna() & data.z.notna() & (data.w > 0)]
    while True:
        alone = (kept.groupby("firm").y.transform("size") == 1) | (
            kept.groupby(["sector", "year"]).y.transform("size") == 1
        )
        if not alone.any():
            break
        kept = kept[~alone]
    assert [one["n_obs"] for one in cases] == [len(kept)] * 4
    within = kept[["y", "x"]] - kept.groupby("firm")[["y", "x"]].transform("mean")
    slope = float((within.x * within.y).sum() / (within.x**2).sum())
    # The same sums in another order: a few units in the last place.
    assert cases[0]["coefficients"][0]["estimate"] == pytest.approx(slope, rel=1e-12)


@pytest.mark.parametrize("design", ["did", "long_difference"])
def test_designs_with_rows_of_their_own_have_none_in_common(folder: Path, design: str) -> None:
    keys = {
        "did": "design: did, outcome: y, adoption: {cohort: g, never: 0}",
        "long_difference": "design: long_difference, outcome: y, window: [2018, 2021], formula: x",
    }[design]
    text = f"models:\n  m: {{{keys}}}\nvariants: {{v: {{of: m, rows: common, cases: [{{}}]}}}}\n"
    (folder / "d.yaml").write_text(HEAD.format(seed=1) + text, encoding="utf-8")
    with pytest.raises(SpecError) as raised:
        tfplab.run(folder / "d.yaml")
    assert f"variants.v: rows: common beside design {design}, its rows are not" in str(raised.value)


@pytest.mark.parametrize("cases", ["{}", "{errors: HC1}"])
def test_the_listed_case_that_changes_nothing_always_stays(folder: Path, cases: str) -> None:
    listed = f"of: m, at_most: 1, cases: [{{errors: HC2}}, {{errors: HC3}}, {cases}, {{weights: w}}]"
    for seed in range(6):
        (only,) = run(folder, listed, seed)["variants"]["v"]["cases"]
        assert only["main"]


def test_columns_say_what_was_drawn_and_which_rows_are_common(folder: Path) -> None:
    text = HEAD.format(seed=1) + MODELS
    text += "variants:\n  d: {of: m, at_most: 2, vary: {errors: [HC0, HC1, HC2]}}\n"
    text += "  c: {of: m, rows: common, cases: [{}, {replace: {x: z}}]}\n  a: {of: m, cases: [{}]}\n"
    text += "tables: {t: {models: [d, c, a], formats: [md]}}\n"
    (folder / "t.yaml").write_text(text, encoding="utf-8")
    assert main(["run", str(folder / "t.yaml"), "-o", str(folder / "t"), "-q"]) == 0
    printed = (folder / "t" / "tables" / "t.md").read_text(encoding="utf-8")
    assert "d: 2 of 3 cases of m, drawn at random by the seed of the spec." in printed
    assert "c: 2 cases of m.\n\nAll cases are estimated on the rows that every one of them has." in printed
    # All there is to say of the third stands in its column.
    assert "a: 1 cases" not in printed


FEW = "of: m, vary: {panel.where: [year > 2000, \"firm in ['F00', 'F01', 'F02']\"]}"


def test_the_size_of_a_small_panel_is_suppressed(folder: Path) -> None:
    record = run(folder, FEW, more="disclosure: {on_breach: suppress}\n")
    own = record["variants"]["v"]["own"]
    assert [(one["rows"], one["firms"]) for one in own] == [(240, 60), (None, None)]
    assert "variants.v.own[1]" in [one["where"] for one in record["disclosure"]["breaches"]]
    assert "panels" not in record


def test_a_breach_of_a_case_is_named_where_it_stands(folder: Path) -> None:
    with pytest.raises(TfplabError) as raised:
        run(folder, FEW, more="disclosure: {on_breach: fail}\n")
    assert "variants.v[2]: n_firms (3 firms); variants.v.own[1]: n_firms (3 firms)" in str(raised.value)


def test_a_table_of_many_cases_says_what_its_columns_do_not(folder: Path) -> None:
    text = HEAD.format(seed=1) + MODELS
    text += "  c: {design: cross_section, formula: y ~ x, errors: {cluster: [firm]}, weights: w}\n"
    listed = "[{}, {errors: HC1}, {outcome: z}, {weights: null}, {where: year > 2018}, {where: x > 0}, {where: x > 1}]"
    text += f"variants:\n  l: {{of: c, cases: {listed}}}\n"
    values = ", ".join(f"x > {place / 10}" for place in range(8))
    text += f"  w: {{of: c, vary: {{where: [{values}]}}}}\n"
    text += "tables: {l: {models: [l], formats: [md]}, w: {models: [w], formats: [md]}}\n"
    (folder / "n.yaml").write_text(text, encoding="utf-8")
    assert main(["run", str(folder / "n.yaml"), "-o", str(folder / "n"), "-q"]) == 0
    printed = (folder / "n" / "tables" / "l.md").read_text(encoding="utf-8").replace("\\", "")
    assert "Dependent variable (l[1], l[2], l[4], l[5], l[6], l[7]): y." in printed
    assert "Weights (l[1], l[2], l[3], l[5], l[6], l[7]): w." in printed
    assert printed.count("Standard errors (") >= 2
    assert ": clustered by firm (G = " in printed
    assert "heteroskedasticity" not in printed
    # Eight conditions, eight numbers of clusters: one line.
    printed = (folder / "n" / "tables" / "w.md").read_text(encoding="utf-8")
    assert "Standard errors: clustered by firm." in printed
