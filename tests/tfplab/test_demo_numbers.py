"""The demo's estimated table 1 against the published one, and against what its generator knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfplab.api import Run

REFERENCE = Path(__file__).parent.parent / "reference" / "table1_published.json"


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = json.loads(REFERENCE.read_text())
    return table


def test_coefficients_lie_within_three_published_standard_errors(demo_run: Run, published) -> None:
    estimates = demo_run.models["table1"].coefficients.set_index("term")
    terms = published["coefficients"]
    assert set(estimates.index) == set(terms)
    for term, one in terms.items():
        distance = abs(estimates.loc[term, "estimate"] - one["estimate"]) / one["std_error"]
        assert distance < 3, f"{term} lies {distance:.2f} published standard errors off"


def test_classical_standard_errors_come_within_ten_per_cent(demo_run: Run, published) -> None:
    estimates = demo_run.models["table1"].coefficients.set_index("term")
    for term, one in published["coefficients"].items():
        # A handful of firms stand behind sections Q, R and S: the issue allows them more.
        allowed = 0.15 if term in ("nace[Q]", "nace[R]", "nace[S]") else 0.10
        assert estimates.loc[term, "std_error"] == pytest.approx(one["std_error"], rel=allowed), term


def test_elasticities_are_those_of_the_generator(demo_run: Run) -> None:
    (group,) = demo_run.record["productivity"]["tfp"]["groups"]
    elasticities = {one["term"]: one["estimate"] for one in group["coefficients"]}
    assert elasticities["ln_l"] == pytest.approx(0.70, abs=0.01)
    assert elasticities["ln_k"] == pytest.approx(0.10, abs=0.01)
    assert group["rung"] == "two-step"
    assert group["j_df"] == 1
    assert group["j_p_value"] > 0.05


def test_the_links_are_as_many_as_designed(demo_run: Run) -> None:
    assert 2100 <= demo_run.models["table1"].record["n_firms"] <= 2150
    rows = demo_run.results.panel.select(["ai", "linked"])
    linked = rows.number("linked") == 1
    first, second = (set(rows.firm[linked & (rows.year == wave)].tolist()) for wave in (2021, 2023))
    assert 900 <= len(first & second) <= 1000
    ai = rows.number("ai")
    no_then = set(rows.firm[linked & (rows.year == 2021) & (ai == 0)].tolist())
    yes_now = set(rows.firm[linked & (rows.year == 2023) & (ai == 1)].tolist())
    assert 60 <= len(no_then & yes_now) <= 110


def test_the_correction_moves_what_rests_on_the_elasticities(demo_run: Run) -> None:
    """Size classes and the constant move with the elasticities, AI hardly (statistics.md, section 1)."""
    robust = demo_run.models["table1_robust"]
    assert robust.record["errors"]["tfp_uncertainty"] == "include"
    plain = demo_run.models["table1"].coefficients.set_index("term")["std_error"]
    corrected = robust.coefficients.set_index("term")["std_error"]
    assert corrected["constant"] > 1.1 * plain["constant"]
    assert corrected["ai"] == pytest.approx(plain["ai"], rel=0.05)


def test_firms_behind_every_coefficient_are_counted(demo_run: Run) -> None:
    counted = demo_run.models["table1"].coefficients.set_index("term")["n_firms"]
    assert counted["constant"] == demo_run.models["table1"].record["n_firms"]
    assert counted["nace[R]"] < 10
    listed = {one["item"] for one in demo_run.record["disclosure"]["breaches"]}
    assert {"nace[Q]", "nace[R]", "nace[S]"} <= listed
