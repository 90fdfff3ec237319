"""Panel A: what R prodest printed for Levinsohn-Petrin, Olley-Pakes and Ackerberg-Caves-Frazer, where it is right."""

from __future__ import annotations

import csv
import json
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest

from estimation.productivity import ackerberg_caves_frazer, levinsohn_petrin, olley_pakes, wlp
from estimation.productivity.common.inputs import read_inputs
from estimation.productivity.common.moments import Roles
from estimation.productivity.two_stage.group import TwoStageEstimate, estimate_two_stage
from estimation.productivity.two_stage.rows import Recipe
from panels.frame import Selection
from tests.estimation.firms import fitted, reference_panel_a, with_columns
from tests.estimation.rows import REFERENCE


@cache
def printed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REFERENCE / "two_stage_panel_a.json").read_text(encoding="utf-8"))
    return found


@cache
def panel() -> Selection:
    with (REFERENCE / "tfp_panel_a.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (int(row["firm_id"]), int(row["year"])))
    return with_columns(reference_panel_a(), i=np.array([float(row["ln_investment"]) for row in rows]))


@cache
def acf_estimate(degree: int = 2) -> TwoStageEstimate:
    rows = panel()
    inputs = read_inputs(rows, Roles("y", ("l",), ("k",), "m", (), degree))
    return estimate_two_stage(inputs, np.ones(rows.n_panel, dtype=bool), Recipe(within=True))


def test_levinsohn_petrin() -> None:
    expected = printed()["prodestLP"]
    fit = fitted(panel(), levinsohn_petrin, degree=2)
    group = fit.groups[0]
    # bl is least squares; bk is as near as R's optimisers are to one another (0.3970482 and 0.3970491).
    assert group.coefficients[0] == pytest.approx(expected["coef"][0], abs=1e-10)
    assert group.coefficients[1] == pytest.approx(expected["coef"][1], abs=1e-5)
    assert group.coefficients[1] == pytest.approx(printed()["prodestLP_solnp"]["coef"][1], abs=1e-6)
    np.testing.assert_allclose(fit.values[:5], expected["omega"], atol=1e-5)
    assert group.n_obs == 5681
    assert group.diagnostics["n_obs_equation1"] == 6600
    assert (group.diagnostics["scaled_moment_norm"] or 0.0) < 1e-12


def test_olley_pakes_with_a_proxy_that_is_none() -> None:
    """Investment does not reveal productivity in this panel: bl takes it up. The point is the arithmetic."""
    expected = printed()["prodestOP"]
    group = fitted(panel(), olley_pakes, degree=2, proxy="i").groups[0]
    assert group.coefficients[0] == pytest.approx(expected["coef"][0], abs=1e-10)
    assert group.coefficients[1] == pytest.approx(expected["coef"][1], abs=1e-5)
    assert group.diagnostics["minima"] == 2
    assert any("2 local minima" in note for note in group.notes)


def test_ackerberg_caves_frazer_at_the_root_that_prodest_came_near() -> None:
    expected = printed()["prodestACF"]
    group = fitted(panel(), ackerberg_caves_frazer, degree=2).groups[0]
    np.testing.assert_allclose(group.coefficients, expected["coef"], atol=0.005)
    assert (group.diagnostics["scaled_moment_norm"] or 0.0) < 1e-12
    # Five draws of a bootstrap say little more than the size.
    np.testing.assert_allclose(group.inference.std_errors, expected["se"], rtol=0.25)


def test_all_three_roots_are_listed() -> None:
    roots = np.array([one.theta for one in acf_estimate().found])
    np.testing.assert_allclose(
        roots, [[0.54649559, 0.45804851], [0.9807933, 0.0222921], [7.884940, -6.925537]], atol=1e-6
    )
    group = fitted(panel(), ackerberg_caves_frazer, degree=2).groups[0]
    assert group.diagnostics["roots"] == 3
    note = group.notes[-1]
    assert note.startswith("3 roots solve the moments: l 0.5465, k 0.4580; l 0.9808, k 0.0223; l 7.8849, k -6.9255.")
    assert "nearest to Wooldridge's second equation (wlp), l 0.6107, k 0.3589" in note


def test_how_well_the_equation_that_chooses_knows_the_elasticities_is_told() -> None:
    rows = panel()
    strong = fitted(rows, ackerberg_caves_frazer, degree=2).groups[0]
    its_own = fitted(rows, wlp, degree=2).groups[0]
    found = strong.diagnostics["anchor_first_stage_f"]
    assert found is not None
    assert found > 10
    assert found == pytest.approx(its_own.diagnostics["first_stage_f"], rel=1e-9)
    assert not any("hardly knows" in note for note in strong.notes)
    # Hours that are drawn anew each year: those of the year before say nothing of them.
    rows = with_columns(rows, h=np.random.default_rng(1).normal(size=rows.n_panel))
    weak = fitted(rows, ackerberg_caves_frazer, degree=2, free=("l", "h")).groups[0]
    its_own = fitted(rows, wlp, degree=2, free=("l", "h")).groups[0]
    assert (weak.diagnostics["roots"] or 0) > 1
    found = weak.diagnostics["anchor_first_stage_f"]
    assert found == pytest.approx(its_own.diagnostics["sanderson_windmeijer_f"], rel=1e-6)
    (told,) = (note for note in weak.notes if "hardly knows" in note)
    assert f"is {found:.1f}, below 10" in told
    assert "write start: [...]" in told
    # Whoever writes where to look has chosen for a reason of their own.
    chosen = fitted(rows, ackerberg_caves_frazer, degree=2, free=("l", "h"), start=(0.6, 0.0, 0.4)).groups[0]
    assert "anchor_first_stage_f" not in chosen.diagnostics
    assert not any("hardly knows" in note for note in chosen.notes)


def test_where_the_user_starts_decides_between_roots() -> None:
    group = fitted(panel(), ackerberg_caves_frazer, degree=2, start=(1.0, 0.0)).groups[0]
    np.testing.assert_allclose(group.coefficients, [0.9807933, 0.0222921], atol=1e-6)
    assert "nearest to the start that was written, l 1.0000, k 0.0000, is taken" in group.notes[0]


def test_what_another_optimiser_of_prodest_returned_is_no_root() -> None:
    from estimation.productivity.two_stage.markov import evaluate

    estimate = acf_estimate()
    away = evaluate(estimate.stage, np.array(printed()["prodestACF_solnp"]["coef"]), estimate.given)
    near = evaluate(estimate.stage, np.array(printed()["prodestACF"]["coef"]), estimate.given)
    assert away.norm > 1e-3
    assert 1e-8 < near.norm < 1e-5


def test_every_start_of_a_grid_ends_in_a_listed_root() -> None:
    from estimation.productivity.common.root_search import roots
    from estimation.productivity.two_stage.coordinates import coordinates

    estimate = acf_estimate()
    system = coordinates(estimate.stage, estimate.given)
    grid = np.array(list(product(np.linspace(-9, 9, 37), repeat=2)))
    found, _ = roots(system, grid)
    listed = [one.theta for one in estimate.found]
    for one in found:
        assert min(np.abs(one.theta - other).max() for other in listed) < 1e-6
