"""Waves compared with each other, and adoption dated, against loops over firms."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panels.frame import FirmPanel
from panels.waves import STATUSES, adoption_intervals, wave_pairs
from tests.panels.building import build, write
from tests.panels.test_survey_panel import LAYOUT, OWN

WAVES = (2021, 2023, 2024)
SPEC = """\
panel:
  accounts: {files: accounts.csv, layout: own.yaml}
  survey: {files: survey.csv, layout: small.yaml}
"""


def surveyed(folder: Path, answers: dict[str, dict[int, str]], employees: dict[str, int] | None = None) -> FirmPanel:
    """Return the respondents: by firm and wave what they said."""
    lines = ["ENTNR,WAVE,WEIGHT,STRATUM,INTERVIEW_DATE,EMPLOYEES,E_AI_TTM,E_AI_PMS,E_CC"]
    for firm, said in answers.items():
        for wave, answer in said.items():
            heads = (employees or {}).get(firm, 12)
            lines.append(f"{firm},{wave},{1 + len(firm)},a,{wave}-06-0{1 + len(said)},{heads},{answer},,")
    first = next(iter(answers))
    write(
        folder, accounts__csv=f"ENTNR;YEAR;R9087;NACE\n{first};2023;10;C\n", survey__csv="\n".join(lines) + "\n",
        small__yaml=LAYOUT.replace("[2021, 2023]", "[2021, 2023, 2024]"), own__yaml=OWN,
    )  # fmt: skip
    panel = build(folder, SPEC)
    assert panel.respondents is not None
    return panel.respondents


FIRMS = {
    "a": {2021: "0", 2023: "0", 2024: "1"},
    "b": {2021: "1", 2023: "1"},
    "c": {2021: "1", 2023: "0", 2024: "1"},
    "d": {2023: "1", 2024: "0"},
    "e": {2021: "0", 2023: "9", 2024: "1"},
    "f": {2021: "0"},
    "g": {2024: "9"},
    "h": {2021: "0", 2023: "1"},
}


def test_pairs_of_waves_by_size(tmp_path: Path) -> None:
    pairs = wave_pairs(surveyed(tmp_path, FIRMS, {"a": 12, "b": 300, "c": 300, "h": 60}))
    whole = pairs[0]
    assert (whole.first, whole.second, whole.size) == (2021, 2023, "all")
    assert (whole.n_first, whole.n_second, whole.n_both) == (6, 6, 5)
    assert (whole.n00, whole.n01, whole.n10, whole.n11, whole.n_missing) == (1, 1, 1, 1, 1)
    assert (whole.n_entrants, whole.n_entrants_yes, whole.n_entrants_no) == (1, 1, 0)
    assert (whole.w00, whole.w01, whole.w10, whole.w11) == (0.25, 0.25, 0.25, 0.25)
    large = next(one for one in pairs if (one.first, one.size) == (2021, "250+"))
    assert (large.n_both, large.n10, large.n11, large.n00) == (2, 1, 1, 0)
    later = next(one for one in pairs if (one.first, one.size) == (2023, "all"))
    assert (later.second, later.n_both, later.n01, later.n10, later.n_missing) == (2024, 4, 2, 1, 1)
    for key in ("n_first", "n_second", "n_both", "n00", "n01", "n10", "n11", "n_missing", "n_entrants"):
        for first in (2021, 2023):
            of = [one for one in pairs if one.first == first]
            assert getattr(of[0], key) == sum(getattr(one, key) for one in of[1:])


def test_adoption_lies_between_a_no_and_a_yes(tmp_path: Path) -> None:
    there = surveyed(tmp_path, FIRMS)
    found = adoption_intervals(there)
    names = [there.firm_names[code] for code in found.firm]
    dated = dict(zip(names, zip(found.status, found.after, found.by, strict=True), strict=True))
    missing = pytest.approx(math.nan, nan_ok=True)
    assert dated == {
        "a": ("adopted", 2023, 2024), "b": ("before_first", missing, 2021), "c": ("reversal", missing, missing),
        "d": ("reversal", missing, missing), "e": ("adopted", 2021, 2024), "f": ("never", 2021, missing),
        "g": ("unknown", missing, missing), "h": ("adopted", 2021, 2023),
    }  # fmt: skip
    assert found.counts == {"never": 1, "adopted": 3, "before_first": 1, "reversal": 2, "unknown": 1}
    a = names.index("a")
    assert str(found.after_date[a]) == "2023-06-04"
    assert str(found.by_date[a]) == "2024-06-04"
    assert np.isnat(found.by_date[names.index("f")])


def test_reversals_are_dropped_kept_or_taken_for_mistakes(tmp_path: Path) -> None:
    there = surveyed(tmp_path, FIRMS)
    kept, absorbing = (adoption_intervals(there, reversals=one) for one in ("keep", "absorbing"))
    c, d = (there.firm_names.index(name) for name in "cd")
    assert (kept.status[c], kept.by[c], kept.status[d], kept.by[d]) == ("reversal", 2021, "reversal", 2023)
    assert (absorbing.status[c], absorbing.status[d]) == ("before_first", "before_first")
    assert absorbing.reversed[[c, d]].all()
    assert absorbing.reversed.sum() == 2
    assert sum(absorbing.counts.values()) == 8
    few = adoption_intervals(there, waves=[2023, 2021])
    assert few.waves == (2021, 2023)
    assert few.status[there.firm_names.index("a")] == "never"
    assert len(few.firm) == 7


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(*[st.sampled_from(["0", "1", "9", None])] * 3), min_size=1, max_size=12))
def test_dates_are_those_of_a_loop(tmp_path: Path, said: list[tuple[str | None, ...]]) -> None:
    answers = {
        f"f{n}": {wave: one for wave, one in zip(WAVES, of, strict=True) if one is not None}
        for n, of in enumerate(said)
        if any(of)
    }
    if not answers:
        return
    there = surveyed(tmp_path, answers)
    found = adoption_intervals(there, reversals="keep")
    assert sum(found.counts.values()) == len(answers)
    for code, status, after, by, turned in zip(
        found.firm, found.status, found.after, found.by, found.reversed, strict=True
    ):
        said_by = answers[there.firm_names[code]]
        yes = [wave for wave, one in said_by.items() if one == "1"]
        no = [wave for wave, one in said_by.items() if one == "0"]
        first = min(yes, default=math.inf)
        before = [wave for wave in no if wave < first]
        assert by == pytest.approx(first if yes else math.nan, nan_ok=True)
        assert after == pytest.approx(max(before) if before else math.nan, nan_ok=True)
        assert turned == any(wave > first for wave in no)
        expected = "unknown" if not yes and not no else "never" if not yes else "adopted" if before else "before_first"
        assert status == ("reversal" if turned else expected)
        assert status in STATUSES
        assert not (after >= by)
