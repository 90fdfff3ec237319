"""Advice that needs what was estimated: read from records, behind the rule of disclosure; and its way into a bundle."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfplab
from tfplab.advice.found import few_clusters, few_controls, rows_of_one_firm, size_and_returns, thin_cohorts
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


def test_few_controls_and_thin_cohorts(own_panel: OwnPanel) -> None:
    plan = make_plan(own_panel(MODELS))
    terms = [
        {"term": "att[2020,2021]", "estimate": 0.1, "n_firms": 12},
        {"term": "att[2021,2021]", "estimate": 0.1, "n_firms": 90},
        {"term": "att[2019,2021]", "estimate": None, "n_firms": None},
        {"term": "att[simple]", "estimate": 0.1, "n_firms": 12},
    ]
    did = {
        "status": "ok", "design": "did", "stats": {"n_treated_firms": 60, "n_control_firms": 40}, "coefficients": terms,
    }  # fmt: skip
    record: dict[str, Any] = {"models": {"m": did}}
    assert [one.code for one in few_controls(plan, record)] == ["few_controls"]
    assert [one.what for one in thin_cohorts(plan, record)] == ["cohorts of fewer than 30 firms: 2020"]
    # No count of firms is told by it.
    assert not any(char.isdigit() for one in few_controls(plan, record) for char in one.what)
    did["stats"] = {"n_treated_firms": None, "n_control_firms": 40}
    assert list(few_controls(plan, record)) == []


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
