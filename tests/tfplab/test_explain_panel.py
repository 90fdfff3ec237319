"""``tfplab explain`` says every step of the panel, in the order in which it is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.cleaning import CleanSpec
from tfplab.cli import main

SAID = {
    "numbers": ("enterprise", "check their last two"),
    "filings": ("latest", "for one accounting year keep the latest."),
    "year": ("calendar", "by days over the calendar years"),
    "periods": ("sum", "13 months or less"),
    "months": ("[6, 18]", "shorter than 6 or longer than 18 months"),
    "minimum_employees": ("5", "fewer than 5 employees"),
    "missing_intermediates": ("drop", "Drop rows without materials"),
    "require": ("[value_added > 0]", "false or not known: value_added > 0."),
    "trim": (
        "{of: [turnover], by: [year]}",
        "Drop what lies beyond the quantiles 0.01 and 0.99 of turnover within year",
    ),
    "jumps": ("{of: [turnover, labour]}", "turnover or labour moved by more than 1.5 in logs"),
    "capital": ("{depreciation: 0.1}", "0.9 of the year before and investment, from a firm's first capital on"),
}


def explained(demo_folder: Path, folder: Path, clean: str, capsys: pytest.CaptureFixture[str]) -> str:
    text = (demo_folder / "hrw_2026.yaml").read_text(encoding="utf-8").replace("data/", f"{demo_folder}/data/")
    assert text.count("clean: {months: [6, 18]}") == 1
    spec = folder / "spec.yaml"
    spec.write_text(text.replace("clean: {months: [6, 18]}", clean), encoding="utf-8")
    assert main(["explain", str(spec)]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_no_key_of_cleaning_is_left_unsaid(
    demo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(SAID) == set(CleanSpec.model_fields)
    clean = ", ".join(f"{key}: {value}" for key, (value, _) in SAID.items())
    said = explained(demo_folder, tmp_path, f"clean: {{{clean}}}", capsys)
    places = [said.find(part) for _, part in SAID.values()]
    assert -1 not in places, [key for key, place in zip(SAID, places, strict=True) if place < 0]
    assert places == sorted(places)  # the keys stand in the order of the steps
    # More than nine steps keep their numbers.
    assert " 10. " in said
    assert " 11. " in said


def test_what_is_not_asked_is_not_said(demo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = explained(demo_folder, tmp_path, "clean: {filings: refuse}", capsys)
    assert not [key for key, (_, part) in SAID.items() if part in said]
    said = explained(demo_folder, tmp_path, "", capsys)
    assert "keep the latest, where the layout says which that is." in said


def test_what_is_derived_last_sees_no_later_step(
    demo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Their lags see the rows that the next step leaves out." in explained(
        demo_folder, tmp_path, "clean: {filings: refuse}", capsys
    )
    text = (tmp_path / "spec.yaml").read_text(encoding="utf-8")
    alone = "".join(line for line in text.splitlines(True) if not line.startswith(("  where:", "  where_ever:")))
    (tmp_path / "spec.yaml").write_text(alone, encoding="utf-8")
    assert main(["explain", str(tmp_path / "spec.yaml")]) == 0
    said = capsys.readouterr().out
    assert "Derive the variables below." in said
    assert "Their lags" not in said


def test_what_is_needed_beside_parallel_trends(
    demo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def did(rest: str, waves: str = "") -> str:
        explained(demo_folder, tmp_path, "clean: {filings: refuse}", capsys)
        path = tmp_path / "spec.yaml"
        adoption = f"{{indicator: ai, reversals: drop{waves}}}"
        model = f"models:\n  d: {{design: did, outcome: lp, adoption: {adoption}{rest}}}\n"
        path.write_text(path.read_text(encoding="utf-8").replace("models:\n", model, 1), encoding="utf-8")
        assert main(["explain", str(path)]) == 0
        return " ".join(capsys.readouterr().out.split())

    said = did(", estimator: [callaway_santanna, twfe, event_study]")
    assert "twfe: where firms begin in several years, effects are the same in all cohorts and in all years" in said
    assert "event_study: where firms begin in several years, effects since adoption are the same in all" in said
    assert "firms never treated (parallel" in said
    assert "where firms begin" not in did(", estimator: [twfe]", ", waves: [2021, 2023]")  # all in one
    said = did(", estimator: imputation")
    assert "where firms begin" not in said
    assert "firms not treated by then (parallel" in said


def test_balanced_rows_are_weighed_in_the_equation(
    demo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    explained(demo_folder, tmp_path, "clean: {filings: refuse}", capsys)
    path = tmp_path / "spec.yaml"
    balance = "errors: HC1\n    balance: {method: entropy, covariates: [ln_l]}"
    path.write_text(path.read_text(encoding="utf-8").replace("errors: classical", balance), encoding="utf-8")
    assert main(["explain", str(path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "b = (X'WX)^-1 X'Wy, w = what balances" in said
    assert "rows of a level that one side of the balance alone has" in said


def test_small_groups_and_outcomes_that_are_data(
    demo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Small groups are estimated with others, and keep their rows; an outcome that is data has no first stage."""
    explained(demo_folder, tmp_path, "clean: {filings: refuse}", capsys)
    path, gains = tmp_path / "spec.yaml", "where the spec estimated the outcome"
    text = path.read_text(encoding="utf-8").replace("degree: 3", "separately_by: [nace3, nace], degree: 3")
    path.write_text(text.replace("errors: classical", "errors: HC1"), encoding="utf-8")
    assert main(["explain", str(path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "for each nace3; a group that is too small is estimated with all of their nace, else with all rows" in said
    assert "the first after a gap, and the first in a group with another technology" in said
    assert "too small to be estimated" not in said
    assert gains in said
    path.write_text(text.replace("tfp ~ size", "ln_va ~ size").replace(", tfp_uncertainty: include", ""))
    assert main(["explain", str(path)]) == 0
    assert gains not in " ".join(capsys.readouterr().out.split())
