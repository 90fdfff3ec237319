"""Keys of different designs in one model: what is refused, what is told, and what disclosure takes along."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfplab
from tfplab.cli import main

OwnPanel = Callable[..., Path]
DERIVED = (
    "variables:\n  high: where(l > 2, 1, 0)\n  flat: 1 + 0 * l\n  tiny: y * 1e-12\n"
    "  few: where(plant in ['p000', 'p001', 'p002'], 1, 0)\n  firm2: plant\n"
)


def models(*lines: str) -> str:
    return "models:\n" + "".join(f"  {line}\n" for line in lines)


def run(own_panel: OwnPanel, *lines: str, extra: str = "", **keys: Any) -> dict[str, Any]:
    found: dict[str, Any] = tfplab.run(own_panel(models(*lines) + extra, header=DERIVED, **keys)).record
    return found


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("formula: y ~ l, errors: {wild_bootstrap: {cluster: [sector]}}, split: {by: size}", "split beside a"),
        ("formula: y ~ l, errors: {wild_bootstrap: {cluster: [sector]}}, add_controls: [[k]]", "add_controls beside a"),
        ("formula: y ~ l, errors: {wild_bootstrap: {cluster: [sector]}}, test: [l = 0]", "test beside a bootstrap"),
        ("formula: y ~ l, method: iv, instruments: {l: [plant]}", "each level would be one firm"),
        ("formula: y ~ high, balance: {method: overlap, covariates: [firm2]}", "each level would be one firm"),
        ("formula: y ~ l, method: iv, instruments: {l: [k]}, errors: {cluster: [sector], small_sample: CR2}",
         "CR2 beside method"),
        ("formula: high ~ l, method: logit, errors: {wild_bootstrap: {cluster: [sector]}}", "wild_bootstrap beside"),
        ("formula: y ~ high, balance: {method: entropy, covariates: [k]}, errors: {cluster: [size], small_sample: CR3}",
         "CR3 beside balance"),
    ],
)  # fmt: skip
def test_what_would_be_ignored_is_refused(
    own_panel: OwnPanel, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    spec = own_panel(models(f"m: {{design: cross_section, {line}}}"), header=DERIVED)
    assert main(["check", "--data", str(spec)] if "--data" in said else ["run", str(spec)]) == 2
    assert said in capsys.readouterr().err


def test_copies_with_another_method_leave_out_what_it_does_not_have(own_panel: OwnPanel) -> None:
    found = run(
        own_panel,
        "a: {design: cross_section, formula: y ~ high + k, balance: {method: overlap, covariates: [k]}}",
        "b: {like: a, method: quantile}",
    )["models"]["b"]
    assert found["status"] == "ok"
    assert any('"balance" of a is left out' in note for note in found["notes"])


def test_tests_under_cr2_have_degrees_of_freedom(own_panel: OwnPanel) -> None:
    errors = "errors: {cluster: [group], small_sample: CR2}"
    header = DERIVED + "  group: cut(k, [-9, 1, 2, 3, 4, 5, 6], labels=['a', 'b', 'c', 'd', 'e', 'f', 'g'])\n"
    line = f"m: {{design: cross_section, formula: y ~ l + k, {errors}, test: [l = 0.6, 'l = 0, k = 0']}}"
    model = tfplab.run(own_panel(models(line), header=header)).record["models"]["m"]
    one, both = model["stats"]["tests"]
    # Of one term Satterthwaite's own; of several the clusters less one.
    assert one["df2"] == pytest.approx(model["errors"]["dfs"]["l"])
    assert both["df2"] == min(model["errors"]["clusters"].values()) - 1
    assert 0 <= one["p_value"] <= 1


def test_restrictions_are_judged_in_their_own_units(own_panel: OwnPanel) -> None:
    line = "m: {design: cross_section, formula: tiny ~ l + k, test: ['l = 0, l = 1e-12']}"
    (test,) = run(own_panel, line)["models"]["m"]["stats"]["tests"]
    assert test["reason"] == "the restrictions contradict each other"


def test_terms_without_an_error_do_not_take_tests_of_others_along(own_panel: OwnPanel) -> None:
    # All of one sector use it, so that its indicator has no effect; the test is of another term.
    header = DERIVED + "  use: max(high, where(sector == 'A', 1, 0))\n"
    line = "m: {design: cross_section, method: logit, formula: use ~ k + sector, test: [k = 0]}"
    model = tfplab.run(own_panel(models(line), header=header)).record["models"]["m"]
    assert model["stats"]["tests"][0]["p_value"] is not None


def test_an_outcome_that_does_not_vary_has_no_stars(own_panel: OwnPanel) -> None:
    model = run(own_panel, "m: {design: cross_section, formula: flat ~ l + k}")["models"]["m"]
    assert {one["p_value"] for one in model["coefficients"]} == {None}
    assert model["stats"]["r2"] is None
    assert any("there is nothing to explain" in note for note in model["notes"])


def test_distributions_across_technologies_are_refused(own_panel: OwnPanel) -> None:
    apart = "  apart: {like: tfp, separately_by: [sector], min_firms: 30}\n"
    found = run(
        own_panel, "m: {design: distribution, outcome: apart, by: sector}",
        "other: {design: distribution, outcome: apart, by: size}", productivity=apart,
    )["models"]  # fmt: skip
    assert found["m"]["status"] == "failed"
    assert "no productivity gaps" in found["m"]["reason"]
    assert any("differences of units" in note for note in found["other"]["notes"])


SUPPRESS = "disclosure: {minimum_firms: 10, on_breach: suppress}\n"


def test_few_firms_on_a_side_take_a_balanced_comparison(own_panel: OwnPanel) -> None:
    line = (
        "m: {design: cross_section, formula: y ~ few + l, balance: {method: overlap, covariates: [l], treatment: few}}"
    )
    model = run(own_panel, line, extra=SUPPRESS)["models"]["m"]
    assert model["suppressed"] is True
    assert {one["estimate"] for one in model["coefficients"]} == {None}
    assert model["balance"]["n_firms_treated"] is None


def test_a_test_of_one_thing_said_twice_rests_on_its_firms(own_panel: OwnPanel) -> None:
    line = "m: {design: cross_section, formula: y ~ few + l, test: ['few = 0, 2*few = 0']}"
    (test,) = run(own_panel, line, extra=SUPPRESS)["models"]["m"]["stats"]["tests"]
    assert test["statistic"] is None


def test_a_block_of_few_firms_is_not_told_by_what_it_changes(own_panel: OwnPanel) -> None:
    line = "m: {design: cross_section, formula: y ~ l, add_controls: [[few], [k]]}"
    moved = run(own_panel, line, extra=SUPPRESS)["models"]["m"]["decomposition"]
    assert {one["estimate"] for one in moved if one["block"] in ("few", "k")} == {None}


def test_an_instrument_of_few_firms_takes_the_first_stage_along(own_panel: OwnPanel) -> None:
    line = "m: {design: cross_section, method: iv, formula: y ~ l, instruments: {l: [few]}, errors: classical}"
    model = run(own_panel, line, extra=SUPPRESS)["models"]["m"]
    gone = [part for part in model["parts"] if part["estimator"] != "ols"]
    assert {one["estimate"] for part in (model, *gone) for one in part["coefficients"]} == {None}
    assert model["stats"]["r2"] is model["stats"]["sigma"] is None
    assert not any("effective F" in note for note in model["notes"])


def test_joint_tests_of_groups_with_few_firms_are_withheld(own_panel: OwnPanel) -> None:
    line = "m: {design: descriptives, of: [y, l], by: few}"
    stats = run(own_panel, line, extra=SUPPRESS)["models"]["m"]["stats"]
    assert all(value is None for key, value in stats.items() if key.startswith("joint_"))


def test_ties_leave_no_exact_test(own_panel: OwnPanel) -> None:
    header = DERIVED + "  rounded: where(y > 3, 1, 0) + where(y > 4, 1, 0)\n"
    line = "m: {design: distribution, outcome: rounded, by: sector, where: year == 2012}"
    model = tfplab.run(own_panel(models(line), header=header)).record["models"]["m"]
    assert any("leave no exact ones" in note for note in model["notes"])
    assert not math.isnan(model["stats"]["ks_p_value"])


def test_a_regression_on_few_firms_alone_tells_nothing(own_panel: OwnPanel) -> None:
    line = "m: {design: cross_section, formula: y ~ few, errors: classical}"
    model = run(own_panel, line, extra=SUPPRESS)["models"]["m"]
    # With the constant's error, sigma and R2 the firms and their mean could be had.
    assert {one["estimate"] for one in model["coefficients"]} == {None}
    assert model["stats"]["r2"] is model["stats"]["sigma"] is None
