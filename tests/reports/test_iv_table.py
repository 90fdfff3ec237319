"""What a table says of instruments, and what disclosure takes of an instrumented model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.results import Estimates
from reports.build import build_tables
from reports.record import dump_record
from tests.estimation.iv_rows import estimate, firms, with_columns
from tests.reports.published import published_record, spec_facts


def footer(found: Estimates, locale: str = "en") -> dict[str, list[str]]:
    tables = {"t": {"models": ["m"], "p_values": "none", "decimals": 2, "locale": [locale]}}
    record = published_record(spec=spec_facts(tables=tables), models=[found])
    table = build_tables(record, locale)[0]
    assert len(table.columns) == 2
    return {row.label: [cell.text for cell in row.cells] for row in table.footer}


@pytest.mark.parametrize(
    ("locale", "f", "region", "test", "interval"),
    [
        ("en", "First-stage F", "Anderson–Rubin 95 % set", "Over-identification: p", "[0.44; 0.76]"),
        ("nl_BE", "F van de eerste trap", "Anderson–Rubin, 95%-verzameling", "Overidentificatie: p", "[0,44; 0,76]"),
        ("fr_BE", "F de la première étape", "Anderson–Rubin, ensemble à 95 %", "Suridentification : p", "[0,44; 0,76]"),
    ],
)
def test_the_footer_has_strength_and_set(locale: str, f: str, region: str, test: str, interval: str) -> None:
    model = estimate("y ~ x + c", {"x": ("z1", "z2")})
    found = footer(model, locale)
    assert found[f] == ["29.79" if locale == "en" else "29,79", ""]
    assert found[region] == [interval, ""]
    assert found[test] == ["0.045" if locale == "en" else "0,045", ""]


def test_estimates_stand_side_by_side() -> None:
    model = estimate("y ~ x + c", {"x": ("z1", "z2")})
    tables = {"t": {"models": ["m"], "p_values": "none", "decimals": 2}}
    table = build_tables(published_record(spec=spec_facts(tables=tables), models=[model]), "en")[0]
    assert [one.heading for one in table.columns] == ["m, IV (2SLS)", "m, ordinary least squares"]
    assert [cell.text for cell in next(row for row in table.rows() if row.key == "x").cells] == ["0.62", "0.86"]


@pytest.mark.parametrize(
    ("instruments", "shown"),
    [({"x": ("z1", "z2", "z3")}, "empty"), ({"x": ("z3",)}, "(−∞; ")],
)
def test_sets_that_are_no_interval(instruments: dict[str, tuple[str, ...]], shown: str) -> None:
    found = footer(estimate("y ~ x + c", instruments))["Anderson–Rubin 95 % set"][0]
    assert found.startswith(shown)


def test_each_of_several_terms_has_its_f() -> None:
    found = footer(estimate("y ~ x + v + c", {"x": ("z1", "z2"), "v": ("z3",)}))
    assert found["First-stage F"][0].startswith("x ")
    assert "; v " in found["First-stage F"][0]
    assert "Anderson–Rubin 95 % set" not in found


def record(action: str, **columns: Any) -> dict[str, Any]:
    rows = with_columns(firms(), c=firms().number("c"), **columns)
    endogenous = "rare" if "rare" in columns else "x"
    instrument = "few" if "few" in columns else "z1"
    model = estimate(f"y ~ {endogenous} + c", {endogenous: (instrument,)}, rows)
    facts = spec_facts(disclosure={"minimum_firms": 10, "on_breach": action})
    found: dict[str, Any] = published_record(spec=facts, models=[model])
    return found


@pytest.mark.parametrize("which", ["rare", "few"])
def test_an_effect_of_few_firms_is_withheld_with_what_gives_it_away(which: str) -> None:
    rows = firms()
    column = np.where(rows.firm < 4, rows.number("x") if which == "rare" else 1.0, 0.0)
    reported, hidden = record("report", **{which: column}), record("suppress", **{which: column})
    term = "rare" if which == "rare" else "x"
    model, text = reported["models"]["m"], dump_record(hidden)
    assert {one["item"] for one in hidden["disclosure"]["breaches"] if one["where"] == "models.m"} >= {term}
    secrets = [model["stats"]["first_stage_f"], model["stats"]["anderson_rubin"]["statistic"]]
    first = next(part for part in model["parts"] if part["estimator"] == f"first_stage[{term}]")
    secrets += [one["estimate"] for one in first["coefficients"] if which == "rare" or one["term"] == "few"]
    secrets += [one["estimate"] for one in model["coefficients"] if one["term"] == term]
    for secret in secrets:
        assert f"{secret:.12f}"[:10] not in text
    shown = hidden["models"]["m"]
    assert shown["stats"]["first_stage"] is None
    assert shown["parts"][0]["stats"]["anderson_rubin"] is None
    assert shown["stats"]["df_resid"] == 397
    assert not any("weak" in note for note in shown["notes"])
    table = build_tables(hidden | {"spec": reported["spec"] | {"tables": {"t": {"models": ["m"]}}}}, "en")[0]
    assert next(row for row in table.rows() if row.key == term).cells[0].text == "c"


def test_errors_of_the_parts_do_not_tell_of_suppressed_terms() -> None:
    """A two-way covariance that had to be repaired keeps the variances before, in every part."""
    rows = firms()
    few = np.where(rows.firm < 5, 1.0, 0.0)
    model = estimate("y ~ x + few + size + region", {"x": ("z1", "z2")}, with_columns(rows, few=few),
                     errors={"cluster": ["size", "region"]})  # fmt: skip
    facts = spec_facts(disclosure={"minimum_firms": 10, "on_breach": "suppress"})
    shown = published_record(spec=facts, models=[model])["models"]["m"]
    repaired = [part for part in (shown, *shown["parts"]) if part["errors"]["raw"]]
    assert repaired
    assert all(part["errors"]["raw"]["few"] is None for part in repaired)


def test_what_rests_on_enough_firms_stays() -> None:
    shown = record("suppress")["models"]["m"]
    assert shown["stats"]["first_stage_f"] is not None
    assert not any(one.get("suppressed") for part in shown["parts"] for one in part["coefficients"])
