"""Advice that needs what was estimated: read from records, behind the rule of disclosure; and its way into a bundle."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfplab
from tfplab.advice.found import few_clusters, few_controls, rows_of_one_firm, size_and_returns
from tfplab.advice.given import Advice
from tfplab.api import Run
from tfplab.cli import main
from tfplab.first_gate import make_plan
from tfplab.plan import Plan

OwnPanel = Callable[..., Path]
MODELS = """models:
  m: {design: cross_section, formula: tfp ~ size, errors: {cluster: [sector]}}
  h: {design: cross_section, formula: tfp ~ size, errors: HC1}
  d: {design: fixed_effects, formula: y ~ l | firm, errors: {cluster: [sector], small_sample: CR2}}
"""


@pytest.fixture
def ran(own_panel: OwnPanel) -> tuple[Plan, dict[str, Any], Path]:
    """A plan and its record, to be turned in the tests."""
    spec = own_panel(MODELS)
    return make_plan(spec), copy.deepcopy(dict(tfplab.run(spec).record)), spec


def test_few_clusters_unless_corrected_for(ran: tuple[Plan, dict[str, Any], Path]) -> None:
    plan, record, _ = ran
    assert [(one.entry, one.what) for one in few_clusters(plan, record)] == [("m", "2 clusters of sector")]
    record["models"]["m"]["errors"]["clusters"]["sector"] = 40
    assert list(few_clusters(plan, record)) == []
    # What disclosure took is not told.
    record["models"]["m"]["errors"]["clusters"]["sector"] = None
    assert list(few_clusters(plan, record)) == []


def test_rows_of_one_firm(ran: tuple[Plan, dict[str, Any], Path]) -> None:
    plan, record, _ = ran
    assert [one.entry for one in rows_of_one_firm(plan, record)] == ["h"]
    record["models"]["h"]["n_obs"] = record["models"]["h"]["n_firms"]
    assert list(rows_of_one_firm(plan, record)) == []
    record["models"]["h"]["n_obs"] = None
    assert list(rows_of_one_firm(plan, record)) == []


def test_size_and_returns_far_from_one_and_not_by_chance(demo_folder: Path, demo_run: Run) -> None:
    plan, record = make_plan(demo_folder / "hrw_2026.yaml"), copy.deepcopy(dict(demo_run.record))

    def told(value: float | None, p: float | None) -> list[str]:
        for group in record["productivity"]["tfp"]["groups"]:
            group["diagnostics"] |= {"returns_to_scale": value, "constant_returns_p_value": p}
        return [f"{one.entry}: {one.what}" for one in size_and_returns(plan, record)]

    said = "size beside tfp, whose returns to scale are 1.10"
    assert told(1.1, 0.01) == [f"table1: {said}", f"table1_robust: {said}"]
    assert told(1.1, 0.2) == []
    assert told(0.97, 0.001) == []
    assert told(None, None) == []
    record["models"]["table1"]["status"] = "failed"
    assert told(1.1, 0.01) == [f"table1_robust: {said}"]


COHORTS = """models:
  m: {design: did, outcome: y, adoption: {cohort: began, never: 0}%s}
"""
BEGAN = "variables: {began: 'where(first(k) > 4, 2012, where(first(k) > 2.7, 2013, 0))'}\n"
"""Few firms begin in 2012, many in 2013."""


def test_few_controls(own_panel: OwnPanel) -> None:
    did = {"status": "ok", "design": "did", "stats": {"n_treated_firms": 60, "n_control_firms": 40}}
    record: dict[str, Any] = {"models": {"m": did}}

    def told(rest: str) -> list[Advice]:
        return list(few_controls(make_plan(own_panel(COHORTS % rest, header=BEGAN)), record))

    (found,) = told("")
    assert found.code == "few_controls"
    assert not any(char.isdigit() for char in found.what)  # no count of firms is told by it
    assert "control_group: not_yet_treated" in found.advice
    assert "balance" not in found.advice  # which did does not have
    # What the spec does already is not advised.
    assert told(", control_group: not_yet_treated, covariates: [k]")[0].advice == (
        "say who the firms are that never adopt"
    )
    did["stats"] = {"n_treated_firms": None, "n_control_firms": 40}
    assert told("") == []


def test_thin_cohorts_of_a_run(own_panel: OwnPanel) -> None:
    def told(rest: str, more: str = "") -> list[str]:
        run = tfplab.run(own_panel(COHORTS % rest + more, header=BEGAN))
        assert run.models["m"].failed is None
        return [one["what"] for one in run.record["advice"] if one["code"] == "thin_cohorts"]

    assert told(", aggregate: [simple, group]") == ["cohorts of fewer than 30 firms: 2012"]
    assert told(", aggregate: [simple]", "figures: {f: {kind: group_time, of: m}}\n") == [
        "cohorts of fewer than 30 firms: 2012"
    ]
    assert told(", aggregate: [simple, event]") == []


def test_the_demos_record_has_advice_with_its_reasons(demo_run: Run) -> None:
    given = demo_run.record["advice"]
    assert {one["code"] for one in given} == {
        "bad_control", "markov_without_ai", "size_and_returns", "weights_under_oversampling", "tfp_uncertainty_ignored",
    }  # fmt: skip
    assert all(set(one) == {"code", "entry", "what", "why", "advice", "reason"} for one in given)
    assert {one["reason"] for one in given} == {None}
    returns = next(one for one in given if one["code"] == "size_and_returns")
    group = demo_run.record["productivity"]["tfp"]["groups"][0]["diagnostics"]["returns_to_scale"]
    assert f"returns to scale are {group:.2f}" in returns["what"]


def test_a_reason_is_printed_in_explain_the_record_and_the_report(
    own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = (
        "advice: {few_clusters: {en: two sectors <are> all, nl: er zijn er twee}, rows_of_one_firm: {h: as printed}}\n"
    )
    spec = own_panel(MODELS + answer)
    bundle = spec.parent / "run"
    assert main(["run", str(spec), "-o", str(bundle), "-q"]) == 0
    given = {
        (one["code"], one["entry"]): one["reason"] for one in json.loads((bundle / "run.json").read_text())["advice"]
    }
    assert given["few_clusters", "m"] == {"en": "two sectors <are> all", "nl": "er zijn er twee"}
    assert given["rows_of_one_firm", "h"] == "as printed"
    page = (bundle / "report.html").read_text()
    section = page[page.index('<section id="advice">') :]
    section = section[: section.index("</section>")]
    assert "Answered by the spec" in section
    assert "two sectors &lt;are&gt; all" in section
    assert "as printed" in section
    # The resolved spec keeps the answers, and is a spec.
    assert main(["check", str(spec)]) == 0
    assert "two sectors <are> all" in (bundle / "spec.yaml").read_text()
    capsys.readouterr()
    assert main(["explain", "--data", str(spec)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "m: 2 clusters of sector silenced, because: two sectors <are> all" in said


def test_without_advice_there_is_no_section(own_panel: OwnPanel) -> None:
    spec = own_panel("models: {m: {design: cross_section, formula: y ~ l, errors: {cluster: [firm]}}}\n")
    bundle = spec.parent / "run"
    assert main(["run", str(spec), "-o", str(bundle), "-q"]) == 0
    assert json.loads((bundle / "run.json").read_text())["advice"] == []
    assert 'id="advice"' not in (bundle / "report.html").read_text()
