"""Groups, added controls, tests and Oster's bounds from the spec to the bundle, and where their mistakes are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tfplab.test_names import told
from tfplab.cli import main

OwnPanel = Callable[..., Path]
HEADER = "variables:\n  id: plant\n  w: exp(l)\n  half: l > 3\n"


def models(*lines: str) -> str:
    return "models:\n" + "".join(f"  m{number}: {line}\n" for number, line in enumerate(lines))


def test_mistakes_are_told_at_their_characters(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]) -> None:
    start = "{design: cross_section, formula: y ~ l + k"
    spec = own_panel(
        models(
            f"{start}, test: ['l = kk']}}",
            f"{start}, sensitivity: {{oster: {{term: l, always: [kk]}}}}}}",
            f"{start}, errors: {{bootstrap: {{}}}}, test: ['l = k']}}",
            f"{start}, split: {{by: id}}, add_controls: [[plant]]}}",
            "{design: decomposition, outcome: y, weights: w, split: {by: size}}",
        ),
        header=HEADER,
    )
    found = told(spec, capsys, "check")
    lines = spec.read_text().splitlines()
    for one, (path, at, said) in zip(
        found,
        [
            ("models.m0.test.0", "kk", 'no term "kk" in the formula'),
            ("models.m1.sensitivity.oster.always.0", "kk", 'no term "kk" in the formula'),
            ("models.m2.test", "test", "test beside a bootstrap"),
            ("models.m3.split.by", "id", "holds the panel's firm"),
            ("models.m3.add_controls", "plant", "holds the panel's firm"),
            ("models.m4", "split", "it is a key of design cross_section, fixed_effects, did"),
        ],
        strict=True,
    ):
        line, column = (int(part) for part in one.split(":")[:2])
        assert one.split(": ")[1] == path
        assert lines[line - 1][column - 1 :].startswith(at), one
        assert said in one


def test_columns_are_told_where_they_stand(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]) -> None:
    start = "{design: cross_section, formula: y ~ l"
    spec = own_panel(models(f"{start}, split: {{by: szie}}}}", f"{start}, add_controls: [[sector], [k, log(sise)]]}}"))
    found = told(spec, capsys, "check", "--data")
    assert [one.split(": ")[1] for one in found] == ["models.m0.split.by", "models.m1.add_controls"]
    lines = spec.read_text().splitlines()
    for one in found:
        line, column = (int(part) for part in one.split(":")[:2])
        assert lines[line - 1][column - 1 :].startswith(("szie", "sise"))
        assert 'did you mean "size"?' in one


def test_a_number_of_many_values_makes_no_groups(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]) -> None:
    spec = own_panel(models("{design: cross_section, formula: y ~ k, split: {by: l}}"))
    assert main(["check", "--data", str(spec)]) == 2
    said = capsys.readouterr().err
    assert "models.m0.split.by" in said
    assert "cut(l, " in said


def test_the_bundle_has_all_of_it(own_panel: OwnPanel, tmp_path: Path) -> None:
    spec = own_panel(
        models(
            "{design: cross_section, formula: tfp ~ l, split: {by: size}, add_controls: [[k], [sector]],"
            " errors: {cluster: [firm]}, test: [l = 0], sensitivity: {oster: {term: l}}}",
            "{design: fixed_effects, formula: tfp ~ l | firm, add_controls: [[k]]}",
        ),
        header=HEADER,
    )
    assert main(["run", str(spec), "-o", str(tmp_path / "run")]) == 0
    record: dict[str, Any] = json.loads((tmp_path / "run" / "run.json").read_text())
    model = record["models"]["m0"]
    levels = [part["group"] for part in model["parts"][3:]]
    assert [part["rung"] for part in model["parts"][:3]] == [None, "+ k", "+ k + sector"]
    assert levels[::3] == [{"size": one["group"]["size"]} for one in model["parts"][3::3]]
    assert model["errors"]["tfp_uncertainty"] == "include"
    assert {one["block"] for one in model["decomposition"]} == {"k", "sector", "total"}
    assert model["sensitivity"]["oster"]["term"] == "l"
    assert model["stats"]["tests"][0]["test"] == "l = 0"
    assert record["models"]["m1"]["decomposition"][-1]["block"] == "total"
    # The resolved spec is a spec, and says the same again.
    again = spec.with_name("again.yaml")
    again.write_text((tmp_path / "run" / "spec.yaml").read_text())
    assert main(["run", str(again), "-o", str(tmp_path / "again")]) == 0
    repeated = json.loads((tmp_path / "again" / "run.json").read_text())
    assert repeated["models"] == record["models"]
    assert repeated["spec"]["digest"] == record["spec"]["digest"]


def test_a_group_of_few_firms_leaves_no_trace(own_panel: OwnPanel, tmp_path: Path) -> None:
    spec = own_panel(
        models("{design: cross_section, formula: y ~ l, split: {by: few}, errors: {cluster: [firm]}}")
        + "disclosure: {minimum_firms: 10, on_breach: suppress}\n",
        header="variables:\n  few: where(firm == 'p001' or firm == 'p002', 'few', size)\n",
    )
    assert main(["run", str(spec), "-o", str(tmp_path / "run")]) == 0
    model = json.loads((tmp_path / "run" / "run.json").read_text())["models"]["m0"]
    hidden = [part["group"] for part in model["parts"] if part.get("suppressed")]
    assert {"few": "few"} in hidden
    assert len(hidden) == 2
    assert model["n_obs"] is not None
