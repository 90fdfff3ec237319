"""Distributions and descriptive statistics from spec to bundle: the whole chain, the messages, the plan in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tfplab
from tfplab.cli import main

MODELS = """\
models:
  closed: {design: distribution, outcome: tfp, by: sector, quantiles: [0.25, 0.5, 0.75]}
  chain: {like: closed, errors: {bootstrap: {draws: 99}}}
  through: {like: chain, where: tfp > -100}
  given: {like: chain, tfp_uncertainty: ignore}
  about: {design: descriptives, of: [tfp, l, size], by: sector}
"""
FIGURES = "figures:\n  gaps: {kind: quantile_gaps, of: [closed, chain]}\n"


def test_from_spec_to_bundle(own_panel: Callable[..., Path], tmp_path: Path) -> None:
    spec = own_panel(MODELS + FIGURES, firms=60)
    run = tfplab.run(spec)
    models = run.record["models"]
    assert {name: one["status"] for name, one in models.items()} == dict.fromkeys(models, "ok")
    closed, chain = (run.models[name].coefficients.set_index("term") for name in ("closed", "chain"))
    assert list(closed.index) == ["gap[0.25]", "gap[0.5]", "gap[0.75]", "mean"]
    assert list(chain["estimate"]) == list(closed["estimate"])
    assert not (chain["std_error"] == closed["std_error"]).any()
    uncertain = [models[name]["errors"]["tfp_uncertainty"] for name in ("closed", "chain", "through", "given")]
    assert uncertain == ["ignore", "include", "include", "ignore"]
    # A condition that is true of every firm sends the draws through the panel: the same draws of both stages.
    for one, other in zip(models["chain"]["coefficients"], models["through"]["coefficients"], strict=True):
        assert one["std_error"] == pytest.approx(other["std_error"], rel=1e-6)
    for key, value in models["chain"]["stats"].items():
        assert value == pytest.approx(models["through"]["stats"][key], abs=1e-9), key
    assert models["chain"]["stats"]["ks_p_value"] is not None
    assert models["given"]["stats"]["ks_p_value"] != models["chain"]["stats"]["ks_p_value"]
    assert run.record["spec"]["tables"].keys() == {"about", "models"}
    assert [point["at"] for point in run.record["figures"]["gaps"]["series"]][:4] == [0.25, 0.5, 0.75, None]
    assert any("take tfp as given" in note for note in models["about"]["notes"])
    bundle = run.save(tmp_path / "run")
    assert "Stochastic dominance" in (bundle / "report.html").read_text(encoding="utf-8")


def test_two_runs_are_the_same_and_another_seed_is_not(own_panel: Callable[..., Path]) -> None:
    models = "models:\n  m: {design: distribution, outcome: l, by: sector, errors: {cluster: [plant]}}\n"
    first, second = (tfplab.run(own_panel(models, firms=60)).record["models"] for _ in range(2))
    assert first == second
    other = tfplab.run(own_panel(models, firms=60), seed=2).record["models"]["m"]
    assert other["coefficients"] == first["m"]["coefficients"]
    assert other["stats"] != first["m"]["stats"]


@pytest.mark.parametrize(
    ("extra", "answer"),
    [
        (
            "models:\n  m: {design: distribution, outcome: tfp, by: sectr}\n",
            'models.m.by: no column "sectr" in the panel or in variables:, did you mean "sector"?',
        ),
        (
            "models:\n  m: {design: distribution, outcome: sector, by: size}\n",
            'models.m.outcome: "sector" is text, a number is wanted here',
        ),
        (
            "models:\n  m: {design: distribution, outcome: tfp, by: plant}\n",
            'models.m.by: "plant" holds the panel\'s firm, each level would be one firm',
        ),
        (
            "models:\n  m: {design: distribution, outcome: tfp, by: sector, covariates: [l]}\n",
            'models.m: the key "covariates" has no meaning here',
        ),
        (
            "models:\n  m: {design: distribution, outcome: tfp, by: sector, tfp_uncertainty: include}\n",
            "models.m.tfp_uncertainty: a closed form cannot include it",
        ),
        (
            "models:\n  m: {design: descriptives, of: [tfp, nothing], by: sector}\n",
            'models.m.of: no column "nothing" in the panel or in variables:',
        ),
        (
            "models:\n  m: {design: descriptives, of: [l], errors: {bootstrap: {}}}\n",
            "models.m.errors: there is no bootstrap of design: descriptives",
        ),
        (
            "models:\n  m: {design: descriptives, of: [l]}\n  d: {design: distribution, outcome: l, by: size}\n"
            "tables:\n  t: {models: [d, m]}\n",
            'tables.t.models: "m" describes firms, and stands beside the estimates of d',
        ),
        (
            "models:\n  m: {design: descriptives, of: [l]}\nfigures:\n  f: {kind: quantile_gaps, of: m}\n",
            'figures.f.of: "m" is no model of design distribution',
        ),
        (
            "models:\n  m: {design: distribution, outcome: l, by: size}\n"
            "figures:\n  f: {kind: quantile_gaps, of: m, by: size}\n",
            'figures.f: "by" says nothing here',
        ),
        (
            "models:\n  m: {design: descriptives, of: [l], by: size}\ntables:\n  t: {models: [m], keep: [k]}\n",
            'tables.t.keep: no term "k" in the models of this table',
        ),
    ],
)
def test_mistakes_are_told_before_anything_runs(
    extra: str, answer: str, own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--data", str(own_panel(extra, firms=30))]) == 2
    assert answer in capsys.readouterr().err


def test_a_model_that_cannot_be_had_fails_alone(
    own_panel: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = (
        "models:\n"
        "  one_group: {design: distribution, outcome: l, by: sector, where: sector == 'A'}\n"
        "  no_level: {design: distribution, outcome: l, by: size, reference: {size: tiny}}\n"
        "  about: {design: descriptives, of: [l], by: size}\n"
    )
    assert main(["run", str(own_panel(extra, firms=60)), "-o", str(tmp_path / "run")]) == 1
    capsys.readouterr()
    models = json.loads((tmp_path / "run" / "run.json").read_text())["models"]
    assert [models[name]["status"] for name in ("one_group", "no_level", "about")] == ["failed", "failed", "ok"]
    assert "all rows that have l have sector A" in models["one_group"]["reason"]
    assert "size has no level tiny" in models["no_level"]["reason"]


def test_the_plan_in_words(own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(own_panel(MODELS))]) == 0
    text = capsys.readouterr().out
    assert "gap[tau] = Q1(tau) - Q0(tau)" in text
    assert "ignore, as a bootstrap alone can carry it" in text
    assert "Welch's F of means" in text
