"""What the diagnostics oblige to say aloud."""

from __future__ import annotations

import numpy as np
import pytest

from estimation.cautions import cautions
from estimation.productivity import wlp
from tests.estimation.firms import fitted, simulate, with_columns


@pytest.mark.parametrize(
    ("diagnostics", "words"),
    [
        ({"first_stage_f": 4.2}, "smallest first-stage F is 4.2"),
        ({"first_stage_f": 40.0, "sanderson_windmeijer_f": 2.0}, "smallest conditional first-stage F is 2.0"),
        ({"share_phi_rises_in_proxy": 0.9}, "falls in the proxy in 10.0 per cent"),
        ({"acf_one_minus_r2": 0.004}, "explain 99.6 per cent of a free input"),
        ({"survival_excluded_p_value": 0.4}, "p = 0.40"),
    ],
)
def test_a_sign_is_said(diagnostics: dict[str, float | None], words: str) -> None:
    (said,) = cautions(diagnostics)
    assert words in said


def test_a_just_identified_estimate_speaks_of_no_steps() -> None:
    fit = fitted(simulate(120, 1), wlp)
    assert fit.groups[0].rung == "just identified"
    assert not {"steps", "min_firms"} & set(fit.options)
    assert fitted(simulate(120, 1)).options["steps"] == 2


def test_a_sound_design_has_none() -> None:
    assert fitted(simulate(300, 1)).groups[0].notes == ()
    assert cautions({"first_stage_f": None, "share_phi_rises_in_proxy": None, "acf_one_minus_r2": None}) == ()


def test_labour_that_the_controls_determine_and_labour_without_memory() -> None:
    rows = simulate(300, 2)
    rng = np.random.default_rng(3)
    determined = 2 + 0.4 * rows.number("k") + 0.8 * rows.number("truth") + 0.01 * rng.normal(size=rows.n_panel)
    notes = fitted(with_columns(rows, l=determined)).groups[0].notes
    assert any("equation 1 can hardly tell it from productivity" in note for note in notes)
    forgotten = rows.number("truth") + rng.normal(size=rows.n_panel)
    notes = fitted(with_columns(rows, l=forgotten), wlp).groups[0].notes
    assert any("weak instruments" in note for note in notes)
    falling = with_columns(rows, m=np.abs(rows.number("m") - 1.0))
    assert any("falls in the proxy" in note for note in fitted(falling).groups[0].notes)


def test_a_proxy_that_stands_still_is_told_with_its_share() -> None:
    rows = simulate(300, 2)
    still = np.random.default_rng(4).uniform(size=rows.n_panel)
    m = np.where(still < 0.3, -1.5, rows.number("m"))
    (note,) = (one for one in fitted(with_columns(rows, m=m)).groups[0].notes if "stands still" in one)
    share, rest = note.split(" per cent of the rows have m = -1.5: ")
    # 30 per cent of 2,100 rows: three standard errors are 3 per cent.
    assert 27 <= int(share) <= 33
    assert rest.startswith("a proxy")
    m = np.where(still < 0.15, 0.3, m)  # the same rows in two heaps: neither is a fifth of all
    assert not any("stands still" in one for one in fitted(with_columns(rows, m=m)).groups[0].notes)
