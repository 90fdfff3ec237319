"""Instrumented models through a whole run: the record, a copy by least squares, a bootstrap, positions of mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfplab
from tfplab.cli import main

HEADER = "variables:\n  before: lag(l)\n  earlier: lag(k)\n"
IV = "design: cross_section, formula: tfp ~ l + size, method: iv, instruments: {l: [before]}"
MODELS = (
    "models:\n"
    f"  iv: {{{IV}, errors: {{cluster: [plant]}}}}\n"
    "  ols: {like: iv, method: ols, and_where: not isna(before)}\n"
    "  again: {like: ols, title: Again}\n"
    "  drawn: {like: iv, errors: {bootstrap: {draws: 99}}}\n"
    "  given: {like: iv, formula: y ~ tfp, instruments: {tfp: [earlier]}}\n"
    "  within: {design: fixed_effects, formula: tfp ~ l | plant + yr, method: iv, "
    "instruments: {l: [before, earlier]}}\n"
)


def test_a_run(own_panel: Callable[..., Path]) -> None:
    run = tfplab.run(own_panel(MODELS, header=HEADER, memory=0.8))
    models = run.record["models"]
    assert {name: one["status"] for name, one in models.items()} == dict.fromkeys(models, "ok")
    iv, ols = models["iv"], models["ols"]
    assert (iv["method"], ols["method"]) == ("iv", "ols")
    assert iv["dropped"] == {"before is missing": 120}
    assert [part["estimator"] for part in iv["parts"]] == ["iv", "ols", "first_stage[l]", "reduced_form"]
    assert iv["errors"]["tfp_uncertainty"] == "include"
    # Least squares on the same rows: a part, and a copy that leaves the instruments out and says so.
    for one, other in zip(iv["parts"][1]["coefficients"], ols["coefficients"], strict=True):
        assert one["estimate"] == pytest.approx(other["estimate"], rel=1e-12)
        assert one["std_error"] == pytest.approx(other["std_error"], rel=1e-12)
    for name, parent in (("ols", "iv"), ("again", "ols")):
        assert f'"instruments" of {parent} is left out: it is no key of method ols' in models[name]["notes"]
    region = iv["stats"]["anderson_rubin"]
    assert region["low"] < iv["coefficients"][1]["estimate"] < region["high"]
    assert iv["stats"]["first_stage_f"] > 10
    # The first part is the model itself, whatever its errors.
    drawn = models["drawn"]
    assert drawn["errors"]["kind"] == drawn["parts"][0]["errors"]["kind"] == "bootstrap"
    assert drawn["parts"][0]["coefficients"] == drawn["coefficients"]
    assert drawn["parts"][1]["errors"]["kind"] == "cluster"
    ratio = np.array([one["std_error"] for one in drawn["coefficients"]]) / np.array(
        [one["std_error"] for one in iv["coefficients"]]
    )
    # The spread of 99 draws is known to 7 per cent.
    assert (np.abs(ratio - 1) < 0.3).all()
    given = models["given"]
    assert given["errors"]["tfp_uncertainty"] == given["parts"][0]["errors"]["tfp_uncertainty"] == "ignore"
    within = models["within"]
    assert list(within["effects"]) == ["plant", "yr"]
    assert within["stats"]["overidentification"]["kind"] == "hansen_j"
    assert any("ivreghdfe tfp (l = before earlier), absorb(plant yr) cluster(firm) small" in note
               for note in within["notes"])  # fmt: skip


def test_names_of_instruments_are_checked_where_they_stand(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    spec = own_panel(f"models:\n  iv: {{{IV}}}\n".replace("[before]", "[befor]"), header=HEADER)
    assert main(["check", "--data", str(spec)]) == 2
    said = capsys.readouterr().err
    column = spec.read_text().splitlines()[-1].index("befor") + 1
    assert f"{len(spec.read_text().splitlines())}:{column}: models.iv.instruments.l: no column" in said
    assert 'did you mean "before"?' in said


def test_a_model_that_cannot_be_identified_fails_by_name(own_panel: Callable[..., Path]) -> None:
    lines = f"models:\n  iv: {{{IV}}}\n".replace("before", "flat")
    run = tfplab.run(own_panel(lines, header="variables:\n  flat: 0 * l + 1\n"))
    model = run.record["models"]["iv"]
    assert model["status"] == "failed"
    assert model["reason"].startswith("0 instruments for 1 endogenous term (l): flat fell out of the instruments")
