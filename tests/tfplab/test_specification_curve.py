"""Specification curves at the first gate and in a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tfplab.cli import main
from tfplab.first_gate import make_plan

OwnPanel = Callable[..., Path]

MODELS = """variables:
  b: where(first(l) > 2.3, 2012, where(first(l) > 2, 2013, 0))
  few: where(y > 4.5, 1, 0)
models:
  m: {design: cross_section, outcome: tfp, formula: l + sector, where: year == 2013, errors: HC1}
  two: {like: m, formula: l + k}
  text: {like: m, formula: sector}
  d: {design: did, outcome: y, adoption: {cohort: b, never: 0}}
variants:
  grid: {of: m, vary: {outcome: [tfp, y], errors: [HC1, HC3]}}
  both: {of: two, vary: {errors: [HC1, HC3]}}
  swaps: {of: two, vary: {replace: {l: [l, m]}}}
  texts: {of: text, vary: {errors: [HC1, HC3]}}
  dated: {of: d, vary: {base_period: [varying, universal]}}
  years:
    of: two
    cases: {now: {}, then: {where: year == 2014, formula: l}, never: {where: year == 1900}, bare: {formula: k}}
"""


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        ("{of: gird}", 'of: no variant "gird", a curve is of the cases of a variant, did you mean "grid"?'),
        ("{of: m}", 'of: "m" is a model and no variant'),
        ("{of: tfp}", 'of: "tfp" is a productivity entry and no variant'),
        ("{of: b}", 'of: "b" is a variable and no variant'),
        ("{of: [grid, both]}", "of: 2 names, the cases of one variant stand in a curve, draw a figure for each"),
        ("{of: grid, keep: [l, k]}", "keep: 2 terms, the estimates of one term stand in a curve"),
        ("{of: both, keep: kk}", 'keep: no case of both has a term "kk", did you mean "k"?'),
        ("{of: both, keep: 'l:kk'}", 'keep: no case of both has a term "l:kk"'),
        (
            "{of: both}",
            "both has 2 terms that could be drawn, the estimates of one term stand in a curve, name one with",
        ),
        ("{of: dated}", "nothing to draw, all terms have levels, name one with its level, keep: [...]; there are: att"),
        ("{of: grid, by: sector}", '"by" says nothing here'),
        ("{of: grid, where: l > 2}", '"where" says nothing here'),
    ],
)
def test_mistakes(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str], figure: str, said: str) -> None:
    spec = own_panel(f"{MODELS}figures: {{f: {{kind: specification_curve, {figure[1:]}}}\n")
    # Which terms have levels is known with the columns.
    assert main(["check", "--data", str(spec)]) == 2
    told = capsys.readouterr().err
    assert said in told
    line = next(number for number, text in enumerate(spec.read_text().splitlines(), 1) if text.startswith("figures:"))
    assert f"own.yaml:{line}:" in told


def test_a_text_alone_cannot_be_drawn(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]) -> None:
    spec = own_panel(MODELS + "figures: {f: {kind: specification_curve, of: texts}}\n")
    assert main(["check", "--data", str(spec)]) == 2
    assert "nothing to draw, all terms have levels" in capsys.readouterr().err


def test_a_spec_without_variants_is_told_how_to_write_one(
    own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]
) -> None:
    text = MODELS.partition("variants:")[0] + "figures: {f: {kind: specification_curve, of: m}}\n"
    assert main(["check", str(own_panel(text))]) == 2
    assert "write variants: {grid: {of: m, vary: {...}}}" in capsys.readouterr().err


def test_a_variant_with_a_mistake_is_told_once(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]) -> None:
    text = MODELS.replace("[HC1, HC3]}}\n  both", "[HC1, HC9]}}\n  both")
    assert main(["check", str(own_panel(text + "figures: {f: {kind: specification_curve, of: grid}}\n"))]) == 2
    assert "1 problem;" in capsys.readouterr().err


def run(spec: Path, out: Path, status: int, *more: str) -> dict[str, Any]:
    assert main(["run", str(spec), "-q", "-o", str(out), *more]) == status
    record: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return record


FIGURES = """figures:
  g: {kind: specification_curve, of: grid}
  s: {kind: specification_curve, of: swaps}
  y: {kind: specification_curve, of: years, keep: [l]}
  d: {kind: specification_curve, of: dated, keep: ['att[simple]']}
  t: {kind: specification_curve, of: texts, keep: 'sector[B]'}
  c: {kind: coefficients, of: m, keep: l}
"""


def test_a_run_draws_them(own_panel: OwnPanel, tmp_path: Path) -> None:
    record = run(own_panel(MODELS + FIGURES), tmp_path / "run", 1)
    figures = record["figures"]
    assert {name: one["status"] for name, one in figures.items()} == dict.fromkeys("gsydtc", "ok")
    for name, figure in figures.items():
        assert (tmp_path / "run" / "figures" / f"{name}.svg").exists()
        if name == "c":
            continue
        cases = {one["name"]: one for one in record["variants"][figure["of"]]["cases"]}
        assert {one["case"] for one in figure["series"]} == set(cases)
        shown = [one["estimate"] for one in figure["series"] if one["estimate"] is not None]
        assert shown == sorted(shown)
        for one in figure["series"]:
            own = [each for each in cases[one["case"]]["coefficients"] if each["term"] == one["term"]]
            assert (one["settings"], one["main"]) == (cases[one["case"]]["settings"], cases[one["case"]]["main"])
            if one["status"] == "ok":
                keys = ("estimate", "std_error", "p_value", "conf_low", "conf_high", "n_firms")
                assert [one[key] for key in keys] == [own[0][key] for key in keys]
                assert one["n_obs"] == cases[one["case"]]["n_obs"]
    assert {one["case"]: one["term"] for one in figures["s"]["series"]} == {"swaps[1]": "l", "swaps[2]": "m"}
    assert {one["label"]: one["status"] for one in figures["y"]["series"]} == {
        "now": "ok", "then": "ok", "never": "failed", "bare": "no_term",
    }  # fmt: skip
    assert [one["case"] for one in figures["g"]["series"] if one["main"]] == ["grid[1]"]


def test_the_main_case_is_found_where_errors_leave_the_first_stage_out(own_panel: OwnPanel) -> None:
    """A copy writes out that classical errors do: it asks for what its model asks for all the same."""
    text = MODELS.replace("year == 2013, errors: HC1}", "year == 2013, errors: classical}")
    plan = make_plan(own_panel(text.replace("years:\n", "as_it_is: {of: m, cases: [{}, {errors: HC1}]}\n  years:\n")))
    cases = next(one for one in plan.variants if one.name == "as_it_is").cases
    assert [case.main for case in cases] == [True, False]


def test_only_a_curve_runs_its_variant_alone(own_panel: OwnPanel, tmp_path: Path) -> None:
    record = run(own_panel(MODELS + FIGURES), tmp_path / "run", 0, "--only", "g")
    assert (list(record["figures"]), list(record["variants"]), list(record["models"])) == (["g"], ["grid"], [])
    assert len(record["figures"]["g"]["series"]) == 4


def test_a_factor_of_several_levels_fails_the_figure_alone(own_panel: OwnPanel, tmp_path: Path) -> None:
    text = MODELS.replace("formula: sector}", "formula: year, where: l > 0}")
    spec = own_panel(text + "figures: {f: {kind: specification_curve, of: texts, keep: year}}\n")
    record = run(spec, tmp_path / "run", 1, "--only", "f")
    assert record["figures"]["f"]["status"] == "failed"
    assert '"year" has several levels in texts[1], keep one of year[2011]' in record["figures"]["f"]["reason"]


def test_cases_on_few_firms_are_taken(own_panel: OwnPanel, tmp_path: Path) -> None:
    """Every number of a suppressed case is gone from the whole bundle, its place in the curve too."""
    text = MODELS + "figures: {f: {kind: specification_curve, of: w, keep: l}}\n"
    text = text.replace("  years:\n", "  w: {of: m, cases: [{}, {where: year == 2013 and l > 2.9}]}\n  years:\n")
    plain = run(own_panel(text), tmp_path / "plain", 0, "--only", "f")
    few = next(one for one in plain["figures"]["f"]["series"] if one["case"] == "w[2]")
    assert 3 < few["n_obs"] < 30
    rule = f"disclosure: {{minimum_firms: {few['n_obs'] + 1}, on_breach: suppress}}\n"
    record = run(own_panel(text + rule), tmp_path / "run", 0, "--only", "f")
    assert [one["case"] for one in record["figures"]["f"]["series"]] == ["w[1]", "w[2]"]
    hidden = record["figures"]["f"]["series"][1]
    assert hidden["suppressed"]
    assert hidden["estimate"] is hidden["n_obs"] is hidden["n_firms"] is None
    for file in (tmp_path / "run").rglob("*"):
        if file.suffix in (".json", ".html", ".svg", ".csv", ".md"):
            told = file.read_text(encoding="utf-8")
            assert f"{few['estimate']:.3f}" not in told, file
            assert str(few["estimate"]) not in told, file


def test_the_term_that_the_tables_of_the_variant_keep_is_drawn(own_panel: OwnPanel) -> None:
    figure = "figures: {f: {kind: specification_curve, of: both}}\n"
    spec = own_panel(f"{MODELS}tables: {{t: {{models: [both], keep: [k]}}}}\n{figure}")
    assert main(["run", str(spec), "-o", str(spec.parent / "kept"), "-q", "--only", "f"]) == 0
    record = json.loads((spec.parent / "kept" / "run.json").read_text(encoding="utf-8"))
    assert {one["term"] for one in record["figures"]["f"]["series"]} == {"k"}
