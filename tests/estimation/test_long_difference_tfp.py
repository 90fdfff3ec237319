"""Changes of an estimated outcome: the first stage's part, brute force, and draws of the whole chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimation.designs import cross_section
from estimation.designs.long_difference import Options, fit, resampler
from estimation.regression_draws import RegressionDraws
from estimation.results import Estimates, FloatArray, ProductivityFit
from panels.frame import NumberColumn, Selection
from specs.uncertainty import Bootstrap, Errors
from tests.estimation.rows import productivity, selection
from tests.estimation.test_second_stage import World, world

FIRM, REGION = Errors("cluster", (("firm",),)), Errors("cluster", (("region",),))
DRAWN = Errors("bootstrap", (("firm",),), Bootstrap(draws=99))


def moved_on(here: World) -> World:
    """A third of the firms change their technology in the last year."""
    group = here.estimated.group_of_row.copy()
    group[(here.panel.year == 2023) & (here.panel.firm % 3 == 0)] ^= 1
    return replace(here, estimated=replace(here.estimated, group_of_row=group))


def with_tfp(here: World, values: FloatArray) -> Selection:
    return replace(here.panel, columns={**here.panel.columns, "tfp": NumberColumn(values)})


def options(**keys: Any) -> Options:
    keys = {"formula": "ai + size", "at_end": ("ai",), "errors": Errors("HC0"), **keys}
    return Options.model_validate({"outcome": "tfp", "window": [2021, 2023], **keys})


def estimate(here: World, first_stage: ProductivityFit | None = None, **keys: Any) -> Estimates:
    # Not all firms have both rows in the second stage.
    kept = here.panel.take((here.panel.firm < 130) & (here.panel.number("k") < 2))
    return fit("m", options(**keys), kept, first_stage, here.panel)


def slopes(here: World, number: int = 0, **keys: Any) -> list[FloatArray]:
    """What a window's coefficients move by with the parameters of each group, by moving them: (k, q) each."""
    found = []
    for group in range(len(here.estimated.groups)):
        columns = []
        for parameter in range(here.estimated.gradient.shape[1]):
            step = here.estimated.gradient[:, parameter] * (here.estimated.group_of_row == group)
            ends = [
                estimate(replace(here, panel=with_tfp(here, here.estimated.values + sign * step)), **keys)
                for sign in (1, -1)
            ]
            columns.append((ends[0].parts[number].coefficients - ends[1].parts[number].coefficients) / 2)
        found.append(np.column_stack(columns))
    return found


def by_hand(here: World, naive: Estimates, b: Sequence[FloatArray]) -> FloatArray:
    """Influence functions of both stages by firm of the panel."""
    psi = np.zeros((here.panel.firm.max() + 1, len(naive.terms)))
    psi[naive.influence_firms] = naive.influence
    for slope, group in zip(b, here.estimated.groups, strict=True):
        np.add.at(psi, group.influence_firms, group.influence @ slope.T)
    return psi


WORLDS = {"one": world(), "by size": world(by_size=True), "moving": moved_on(world(by_size=True))}


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("weights", [None, "weight"])
def test_robust_errors_carry_both_rows(name: str, weights: str | None) -> None:
    """Every parameter is moved, TFP made again, and the design estimated on it."""
    here = WORLDS[name]
    ours, naive = (estimate(here, stage, weights=weights) for stage in (here.estimated, None))
    assert (ours.errors.tfp_uncertainty, naive.errors.tfp_uncertainty) == ("include", "none")
    assert ours.coefficients.tolist() == naive.coefficients.tolist()
    b = slopes(here, weights=weights)
    psi = by_hand(here, naive, b)
    assert ours.covariance == pytest.approx(psi.T @ psi, rel=1e-9)
    assert np.abs(ours.std_errors / naive.std_errors - 1).max() > 1e-3, "the correction is not nothing"


def test_clusters_place_the_firms_of_both_stages() -> None:
    here = WORLDS["moving"]
    ours, naive = (estimate(here, stage, errors=REGION) for stage in (here.estimated, None))
    region = here.panel.columns["region"].codes[::3]  # type: ignore[union-attr]
    psi = by_hand(here, naive, slopes(here))
    sums = np.zeros((4, psi.shape[1]))
    np.add.at(sums, region, psi)
    n = ours.n_obs
    assert ours.covariance == pytest.approx(4 / 3 * (n - 1) / (n - 3) * sums.T @ sums, rel=1e-9)
    assert ours.errors.clusters == {"region": 4}


def test_the_placebo_and_other_windows_carry_their_own_rows() -> None:
    here = WORLDS["by size"]
    keys: dict[str, Any] = {"window": [[2022, 2023], [2021, 2023]], "placebo": [2021, 2022], "at_end": ()}
    ours, naive = (estimate(here, stage, **keys) for stage in (here.estimated, None))
    alone = estimate(here, here.estimated, at_end=())
    assert ours.parts[1].inference.std_errors == pytest.approx(alone.std_errors, rel=1e-12)
    for mine, theirs in zip(ours.parts, naive.parts, strict=True):
        assert mine.errors.tfp_uncertainty == "include"
        assert np.abs(mine.inference.std_errors / theirs.inference.std_errors - 1).max() > 1e-3


@pytest.mark.parametrize("errors", [Errors("HC1"), Errors("HC3"), FIRM, REGION, Errors("classical")])
def test_a_cross_section_of_an_outcome_whose_gradient_is_a_difference(errors: Errors) -> None:
    """One row a firm with the change as its outcome, and a first stage whose gradient is a change too."""
    here = WORLDS["one"]
    treatment = "murphy_topel" if errors.kind == "classical" else "include"
    ours = estimate(here, here.estimated, errors=errors, tfp_uncertainty=treatment)
    first, last = (np.flatnonzero(here.panel.year == year) for year in (2021, 2023))
    values, gradient = (one[last] - one[first] for one in (here.estimated.values, here.estimated.gradient))
    size, region = ([one.levels[code] for code in one.codes[first]] for one in (  # type: ignore[union-attr]
        here.panel.columns["size"], here.panel.columns["region"]))  # fmt: skip
    columns = {"tfp": values, "ai": here.panel.number("ai")[last], "size": size, "region": region}
    rows = selection(columns, here.panel.firm[first], here.panel.year[first])
    keep = (here.panel.firm[first] < 130) & (here.panel.number("k")[first] < 2)
    keys = {"formula": "tfp ~ ai + size", "errors": errors, "tfp_uncertainty": treatment}
    stage = productivity(values, gradient, here.estimated.groups)
    theirs = cross_section.fit("m", cross_section.Options.model_validate(keys), rows.take(keep), stage, rows)
    assert ours.coefficients == pytest.approx(theirs.coefficients, rel=1e-12)
    assert ours.std_errors == pytest.approx(theirs.std_errors, rel=1e-12)
    # Other firms of the first stage lie in their last cluster in both panels, and none of these firms moves.
    assert ours.errors.clusters == theirs.errors.clusters


def draws(here: World, stage: ProductivityFit | None) -> RegressionDraws:
    kept = here.panel.take((here.panel.firm < 130) & (here.panel.number("k") < 2))
    found = resampler(options(errors=DRAWN, reference={"size": "large"}), kept, stage, here.panel)
    assert isinstance(found, RegressionDraws)
    return found


@pytest.mark.parametrize("name", WORLDS)
def test_draws_are_the_design_on_firms_that_count_several_times(name: str) -> None:
    here, random = WORLDS[name], np.random.default_rng(4)
    counts = random.integers(0, 4, (6, here.panel.firm.max() + 1)).astype(float)
    moved = tuple(random.normal(0, 0.1, (6, len(group.parameters))) for group in here.estimated.groups)
    drawn = draws(here, here.estimated).draw(counts, moved)
    for draw in range(6):
        values = here.estimated.values.copy()
        for number, step in enumerate(moved):
            inside = here.estimated.group_of_row == number
            values[inside] += here.estimated.gradient[inside] @ step[draw]
        panel = with_tfp(here, values)
        panel = replace(panel, columns={**panel.columns, "times": NumberColumn(counts[draw][panel.firm])})
        again = estimate(replace(here, panel=panel), reference={"size": "large"}, weights="times")
        assert drawn.coefficients[draw] == pytest.approx(again.coefficients, rel=1e-9)


def test_draws_beside_effects() -> None:
    here, random = WORLDS["moving"], np.random.default_rng(4)
    counts = random.integers(1, 4, (3, here.panel.firm.max() + 1)).astype(float)
    moved = tuple(random.normal(0, 0.1, (3, len(group.parameters))) for group in here.estimated.groups)
    kept = here.panel.take((here.panel.firm < 130) & (here.panel.number("k") < 2))
    keys = {"formula": "ai | region"}
    design = resampler(options(**keys, errors=DRAWN), kept, here.estimated, here.panel)
    assert len(design.outcome_rows) == 2 * len(design.rows)
    drawn = design.draw(counts, moved)
    for draw in range(3):
        values = here.estimated.values.copy()
        for number, step in enumerate(moved):
            inside = here.estimated.group_of_row == number
            values[inside] += here.estimated.gradient[inside] @ step[draw]
        panel = with_tfp(here, values)
        panel = replace(panel, columns={**panel.columns, "times": NumberColumn(counts[draw][panel.firm])})
        again = estimate(replace(here, panel=panel), weights="times", **keys)
        assert drawn.coefficients[draw] == pytest.approx(again.coefficients, rel=1e-9)


def test_draws_know_the_rows_at_both_ends() -> None:
    here = WORLDS["moving"]
    design = draws(here, here.estimated)
    assert sorted(np.unique(here.panel.year[design.outcome_rows]).tolist()) == [2021, 2023]
    assert set(here.panel.year[design.rows].tolist()) == {2021}
    assert len(design.outcome_rows) == 2 * len(design.rows)


def test_windows_and_the_placebo_are_drawn_as_they_are_estimated() -> None:
    here = WORLDS["moving"]
    keys: dict[str, Any] = {"window": [[2022, 2023], [2021, 2023]], "placebo": [2021, 2022], "at_end": ()}
    found = estimate(here, here.estimated, **keys)
    kept = here.panel.take((here.panel.firm < 130) & (here.panel.number("k") < 2))
    steps = tuple(np.full((1, len(group.parameters)), 0.1) for group in here.estimated.groups)
    slope = [np.sum([b.sum(axis=1) * 0.1 for b in slopes(here, number, **keys)], axis=0) for number in range(3)]
    for number, part in enumerate(found.parts):
        design = resampler(options(**{**keys, "errors": DRAWN}), kept, here.estimated, here.panel, number)
        once = np.ones((1, here.panel.firm.max() + 1))
        assert design.terms == part.terms
        assert design.draw(once).coefficients[0] == pytest.approx(part.coefficients, rel=1e-9)
        assert design.draw(once, steps).coefficients[0] == pytest.approx(part.coefficients + slope[number], rel=1e-9)


def test_who_changes_technology_is_counted() -> None:
    here = WORLDS["moving"]
    groups = tuple(replace(group, coefficients=np.full(2, 0.1 * j)) for j, group in enumerate(here.estimated.groups))
    found = estimate(here, replace(here.estimated, groups=groups))
    firms = here.panel.firm[draws(here, here.estimated).rows]
    said = f"{int((firms % 3 == 0).sum())} firms have another technology of tfp in 2023 than in 2021"
    assert any(said in note for note in found.notes)
    assert not found.not_gaps, "in a change indicators of the groups compare changes"
    # Groups that were pooled have one technology.
    pooled = estimate(here, here.estimated)
    assert not any("another technology" in note for note in pooled.notes)


def test_ignored_where_asked() -> None:
    here = WORLDS["one"]
    ours, naive = (estimate(here, stage, **keys) for stage, keys in (
        (here.estimated, {"tfp_uncertainty": "ignore"}), (None, {})))  # fmt: skip
    assert ours.errors.tfp_uncertainty == "ignore"
    assert ours.std_errors.tolist() == naive.std_errors.tolist()
