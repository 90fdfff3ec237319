"""What a run prints when it is done, where disclosure took numbers and where there are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.reports.published import classical, published_record, spec_facts, wooldridge
from tfplab.terminal import summarise


def test_what_disclosure_took_is_said_and_ends_in_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    facts = spec_facts(disclosure={"minimum_firms": 100_000, "on_breach": "suppress"})
    record = published_record(
        spec=facts, productivity=[wooldridge(group=(("nace", "R"),))], models=[classical()], figures=[]
    )
    summarise(record, Path("out"))
    lines = capsys.readouterr().out.splitlines()
    assert any(
        line.startswith("  productivity tfp (nace R): ") and line.endswith("suppressed; rows suppressed")
        for line in lines
    )
    assert "  model table1: rows suppressed, firms suppressed" in lines


def test_a_number_that_does_not_exist_is_not_called_suppressed(capsys: pytest.CaptureFixture[str]) -> None:
    record = published_record(productivity=[wooldridge()], models=[], figures=[])
    record["productivity"]["tfp"]["groups"][0]["coefficients"][0]["estimate"] = None
    record["productivity"]["tfp"]["groups"][0]["elasticities"] = None
    summarise(record, Path("out"))
    printed = capsys.readouterr().out
    assert " none, " in printed
    assert "suppressed" not in printed


def test_what_estimates_nothing_has_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    lp = replace(wooldridge("lp"), method="labour_productivity", groups=(), n_firms=4068)
    summarise(published_record(productivity=[lp], models=[], figures=[]), Path("out"))
    assert "  productivity lp: labour_productivity; 24,289 rows" in capsys.readouterr().out.splitlines()
    facts = spec_facts(disclosure={"minimum_firms": 100_000, "on_breach": "suppress"})
    summarise(published_record(spec=facts, productivity=[lp], models=[], figures=[]), Path("out"))
    assert "  productivity lp: labour_productivity; rows suppressed" in capsys.readouterr().out.splitlines()
