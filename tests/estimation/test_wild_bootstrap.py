"""The wild cluster bootstrap against literal refits, its intervals against its tests, its size with few clusters."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation import regression_wild, wild_bootstrap
from estimation.designs import cross_section, fixed_effects
from estimation.few_clusters import basis_of
from estimation.least_squares import least_squares
from estimation.results import Estimates
from estimation.wild_bootstrap import WildTest, signs_of, wild_test
from panels.frame import NumberColumn, Selection
from specs.errors import EstimationError
from specs.uncertainty import Errors, Wild
from tests.estimation.few_clusters_brute import by_refits, written_out
from tests.estimation.rows import REFERENCE, selection


def rows(seed: int = 1, n: int = 84, firms: int = 21, groups: int = 7) -> Selection:
    draw = np.random.default_rng(seed)
    # Every firm at least twice: no singletons.
    firm = np.concatenate([np.tile(np.arange(firms), 2), draw.integers(0, firms, n - 2 * firms)])
    return selection(
        {
            "x": draw.normal(size=n) + 0.1 * firm, "z": draw.normal(size=n), "y": draw.normal(size=n) + 0.1 * firm,
            "w": draw.uniform(0.3, 3, n), "g": [f"g{one:02}" for one in firm % groups],
        },
        firm, 2017 + draw.integers(0, 4, n),
    )  # fmt: skip


def estimate(formula: str, panel: Selection, draws: int = 999, seed: int = 1, **keys: Any) -> Estimates:
    module: Any = fixed_effects if "|" in formula else cross_section
    errors = Errors("wild_bootstrap", (("g",),), wild=Wild(draws))
    options = module.Options.model_validate({"formula": formula, "errors": errors, **keys})
    found: Estimates = module.wild(options, panel, module.fit("m", options, panel, None), seed)
    return found


@pytest.mark.parametrize("groups", [7, 10, 13], ids=["all signs", "Webb", "signs"])
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("effects", [(), ("firm",), ("firm", "year"), ("year",)])
def test_as_literal_refits(effects: tuple[str, ...], weights: str | None, groups: int) -> None:
    """Every draw estimated anew with the null imposed: the same counts, effects inside the clusters and across them."""
    panel = rows(groups=groups)
    draws = 128 if groups == 7 else 99
    formula = "y ~ x + z" + (f" | {' + '.join(effects)}" if effects else "")
    found = estimate(formula, panel, draws, weights=weights)
    codes = panel.firm % groups
    signs = signs_of(groups, draws, 1)
    assert (signs.weights, signs.enumerated) == {
        7: ("rademacher", True), 10: ("webb", False), 13: ("rademacher", False)
    }[groups]  # fmt: skip
    x = np.column_stack([*([] if effects else [np.ones(len(panel.rows))]), panel.number("x"), panel.number("z")])
    x = written_out(x, [{"firm": panel.firm, "year": panel.year}[one] for one in effects])
    w = np.ones(len(panel.rows)) if weights is None else panel.number(weights)
    for term in range(len(found.terms)):
        beyond = by_refits(x, panel.number("y"), w, codes, term, 0.0, signs.values)
        expected = 2 * beyond / signs.draws if signs.enumerated else (1 + beyond) / (1 + signs.draws)
        assert found.p_values[term] == expected


def quick(panel: Selection, y: Any, draws: int, groups: int, seed: int = 1) -> tuple[WildTest, Any, Any]:
    x = np.column_stack([np.ones(len(panel.rows)), panel.number("x")])
    fit = least_squares(x, y)
    codes = panel.firm % groups
    sums = np.zeros((groups, 2))
    np.add.at(sums, codes, fit.operator * fit.residuals[:, None])
    errors = np.sqrt((sums**2).sum(axis=0))
    signs = signs_of(groups, draws, seed)
    basis = basis_of(x, None, (), codes)
    return wild_test(fit.coefficients, errors, fit.residuals, basis, codes, signs), fit, errors


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([8, 11, 14]))
def test_ends_of_intervals_are_where_the_test_turns(seed: int, groups: int) -> None:
    """A hypothesis is moved into the outcome: y - r x. Just inside an end it is not rejected, just outside it is."""
    panel = rows(seed, groups=groups)
    y = panel.number("y")
    found, fit, errors = quick(panel, y, 299, groups)
    for end, side in ((found.low[1], -1), (found.high[1], 1)):
        if not np.isfinite(end):
            continue
        # Halves end far below 1e-6 of an error.
        inside, outside = end - side * 1e-6 * errors[1], end + side * 1e-6 * errors[1]
        p_in, p_out = (quick(panel, y - r * panel.number("x"), 299, groups)[0].p_values[1] for r in (inside, outside))
        assert p_out <= 0.05 < p_in
    assert found.low[1] < fit.coefficients[1] < found.high[1]


def test_what_must_not_matter_does_not() -> None:
    """Units, a level of the outcome, row order and the names of clusters in their order."""
    panel = rows()
    found = estimate("y ~ x + z", panel, weights="w")
    order = np.random.default_rng(0).permutation(len(panel.rows))
    other = selection(
        {
            "x": 1000 * panel.number("x")[order], "z": panel.number("z")[order],
            "y": 3 * panel.number("y")[order], "w": 7 * panel.number("w")[order],
            "g": [f"h{one}" for one in panel.firm[order] % 7],
        }
    )  # fmt: skip
    again = estimate("y ~ x + z", other, weights="w")
    assert again.p_values.tolist() == found.p_values.tolist()
    units = np.array([3, 3 / 1000, 3])
    # Ends are found by halves to 1e-16 of where the search begins, and counts turn where two roundings meet.
    assert again.conf_low == pytest.approx(units * found.conf_low, rel=1e-7)
    assert again.conf_high == pytest.approx(units * found.conf_high, rel=1e-7)
    for seed in (1, 2):
        one, two = (estimate("y ~ x + z", rows(groups=13), seed=seed).p_values.tolist() for _ in range(2))
        assert one == two


def test_blocks_of_draws_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = rows(groups=13)
    found = estimate("y ~ x + z", panel)
    monkeypatch.setattr(wild_bootstrap, "AT_ONCE", 100)
    assert estimate("y ~ x + z", panel).p_values.tolist() == found.p_values.tolist()


def test_size_with_few_clusters() -> None:
    """A regressor that varies between eight unequal clusters: t(G-1) rejects too often, the wild bootstrap does not.

    200 samples know a rate of 5 per cent to 1.5 points; three of these are allowed.
    """
    draw = np.random.default_rng(20_240)
    sizes = np.array([4, 4, 6, 8, 10, 14, 20, 34])
    codes = np.repeat(np.arange(8), sizes)
    between = np.array([0.0, 1, 0, 0, 1, 0, 0, 1])[codes]
    plain = wild = 0
    for _ in range(200):
        x = between + 0.2 * draw.normal(size=100)
        y = draw.normal(size=8)[codes] + draw.normal(size=100)
        panel = selection({"x": x, "y": y}, codes)
        found, fit, errors = quick(panel, y, 256, 8)
        wild += found.p_values[1] <= 0.05
        # CR1: 8/7 x 99/98; t(7) at 5 per cent.
        plain += abs(fit.coefficients[1]) > 2.3646 * errors[1] * np.sqrt(8 / 7 * 99 / 98)
    assert wild / 200 == pytest.approx(0.05, abs=0.046)
    assert plain / 200 > 0.1


def test_what_is_recorded_and_said() -> None:
    panel = rows()
    found = estimate("y ~ x + z", panel, 199)
    info = found.errors.wild
    assert info is not None
    assert (found.errors.kind, found.errors.df, dict(found.errors.clusters)) == ("wild_bootstrap", 6, {"g": 7})
    assert (info.draws, info.weights, info.enumerated, info.seed) == (128, "rademacher", True, 1)
    assert any("all 128 patterns of signs of 7 clusters were taken" in one for one in found.notes)
    assert not any("below 40" in one for one in found.notes)
    plain = cross_section.Options.model_validate({"formula": "y ~ x + z", "errors": Errors("cluster", (("g",),))})
    assert found.std_errors.tolist() == cross_section.fit("m", plain, panel, None).std_errors.tolist()
    webb = estimate("y ~ x + z", panel, 99)
    assert any("Webb's six values" in one for one in webb.notes)
    few = estimate("y ~ x", rows(groups=3), 99)
    assert any("only 3 clusters of g: even a wild bootstrap has little to go by" in one for one in few.notes)


def test_p_values_at_their_bound_are_said() -> None:
    panel = rows(groups=13)
    strong = replace(panel, columns={**panel.columns, "y": NumberColumn(panel.number("y") + 50 * panel.number("x"))})
    found = estimate("y ~ x", strong, 99)
    assert found.p_values[1] == 0.01
    assert any("p-values of 99 draws cannot be below 1/(99 + 1) = 0.01: of x they are" in one for one in found.notes)


def test_a_term_of_one_cluster_has_no_p_value() -> None:
    found = estimate("y ~ x + g", rows())
    unknown = np.isnan(found.p_values)
    assert [term for term, gone in zip(found.terms, unknown, strict=True) if not gone] == ["x"]
    assert np.isnan(found.std_errors[unknown]).all()
    assert np.isnan(found.conf_low[unknown]).all()
    assert any("without one of the clusters of g" in one for one in found.notes)


def test_intervals_without_an_end_are_said() -> None:
    """Two clusters: one draw in six multiplies both by the same number, and no hypothesis is far enough off."""
    found = estimate("y ~ x", rows(groups=2))
    assert found.conf_low.tolist() == [-np.inf, -np.inf]
    assert found.conf_high.tolist() == [np.inf, np.inf]
    assert any("the interval of constant, x has no end on one side or both" in one for one in found.notes)


def test_too_many_clusters_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression_wild, "MOST", 20)
    with pytest.raises(EstimationError, match=r"7 clusters of g and 2 columns are too many for it.*\{cluster: \[g\]\}"):
        estimate("y ~ x", rows())


def test_as_wildboottest() -> None:
    """Another package's t statistics, and its p-values but for the sample and its mirror, which it leaves out."""
    theirs = json.loads((REFERENCE / "wild_bootstrap.json").read_text(encoding="utf-8"))
    panel = selection(
        {**{name: theirs[name] for name in ("x", "z", "y")}, "g": [f"g{one}" for one in theirs["cluster"]]}
    )
    found = estimate("y ~ x + z", panel)
    assert found.terms == tuple(theirs["terms"])
    assert found.statistics == pytest.approx(theirs["t"], rel=1e-10)
    for ours, other in zip(found.p_values, theirs["p"], strict=True):
        # Rounding decides whether they count the two ties.
        assert round(256 * (ours - other)) in (0, 1, 2)
        assert 256 * ours == round(256 * ours)
