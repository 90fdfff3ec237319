"""Years that a difference-in-differences names and the panel does not have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfplab.cli import main

SPEC = """tfplab: 1
title: Years
panel: {{table: {{files: panel.csv}}, firm: id, year: year{years}}}
models:
  m: {{design: did, outcome: y, adoption: {adoption}{more}}}
"""


def spec(folder: Path, adoption: str, years: str = "", more: str = "", cohort: int = 2020) -> Path:
    draw = np.random.default_rng(5)
    lines = ["id,year,y,ai,g"]
    for firm in range(60):
        for year in (2017, 2018, 2019, 2020, 2021, 2023):
            ai = int(firm < 25 and year >= 2020)
            lines.append(f"f{firm},{year},{draw.normal()},{ai},{cohort if firm < 25 else 0}")
    (folder / "panel.csv").write_text("\n".join(lines))
    path = folder / "spec.yaml"
    path.write_text(SPEC.format(adoption=adoption, years=years and f", years: {years}", more=more))
    return path


WAVES = "{indicator: ai, waves: [2019, 2021]}"


@pytest.mark.parametrize(
    ("adoption", "more", "said"),
    [
        (WAVES.replace("2021", "2025"), "", "5:72: models.m.adoption.waves: the wave 2025 is no year of the panel"),
        (WAVES.replace("2019", "2016"), "", "5:66: models.m.adoption.waves: the wave 2016 is no year of the panel"),
        (WAVES.replace("2019", "2017"), "", "the base year of these waves, 2016, is no year of the panel"),
        (
            WAVES.replace("}", ", base_year: 2016}"),
            "",
            "adoption.base_year: the base year 2016 is no year of the panel",
        ),
        (WAVES, ", sensitivity: {placebo: {dates: [2016]}}", "the placebo date 2016 is no year of the panel"),
        (WAVES, ", sensitivity: {placebo: {dates: [2017]}}", "no year of the panel lies before the placebo date 2017"),
    ],
)
def test_at_the_first_gate_where_years_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], adoption: str, more: str, said: str
) -> None:
    assert main(["check", str(spec(tmp_path, adoption, "[2017, 2021]", more))]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "panel.years are 2017 to 2021" in err
    # Without it, the rows say.
    assert main(["check", str(spec(tmp_path, adoption, "", more))]) == 0
    assert main(["check", "--data", str(spec(tmp_path, adoption, "", more))]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "the panel has the years 2017 to 2023, with gaps" in err


def test_a_year_in_a_gap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec(tmp_path, WAVES.replace("2021", "2022"), "[2017, 2023]")
    assert main(["check", str(path)]) == 0
    assert main(["check", "--data", str(path)]) == 2
    assert "the wave 2022 is no year of the panel" in capsys.readouterr().err


def test_cohorts_outside_the_panel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for cohort in (2030, 2017):
        path = spec(tmp_path, "{cohort: g, never: 0}", cohort=cohort)
        assert main(["check", "--data", str(path)]) == 2
        said = (
            f"models.m.adoption.cohort: no firm is first treated in a year of the panel after its first: g is {cohort}"
        )
        assert said in capsys.readouterr().err
    # A cohort within the years, of a year without rows.
    assert main(["check", "--data", str(spec(tmp_path, "{cohort: g, never: 0}", cohort=2022))]) == 0


def test_years_that_there_are(tmp_path: Path) -> None:
    more = ", sensitivity: {placebo: {dates: [2018]}}, aggregate: [simple]"
    path = spec(tmp_path, "{indicator: ai}", "[2017, 2023]", more)
    assert main(["check", "--data", str(path)]) == 0
    assert main(["check", "--data", str(spec(tmp_path, WAVES, "[2017, 2023]"))]) == 0


def test_levels_that_are_firms_are_not_left_out_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec(tmp_path, "{indicator: ai}", more=", sensitivity: {leave_out: id}")
    assert main(["check", str(path)]) == 2
    assert 'models.m.sensitivity.leave_out: "id" holds the panel' in capsys.readouterr().err
