"""CR2, Satterthwaite's degrees of freedom and CR3 against matrices of rows by rows, special cases and simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from estimation import few_clusters
from estimation.designs import cross_section, fixed_effects
from estimation.results import Estimates, FloatArray, IntArray
from panels.frame import Selection
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tests.estimation.few_clusters_brute import textbook, written_out
from tests.estimation.rows import group_fit, productivity, selection

# Two roads through eigenvalues of well-conditioned matrices: rounding alone.
CLOSE = 1e-10

WAYS = {"g": (("g",),), "firm": (("firm",),)}


def of(kind: str, way: str = "g") -> Errors:
    return Errors("cluster", WAYS[way], small_sample=kind)


def rows(seed: int = 1, n: int = 90, firms: int = 20, groups: int = 7) -> Selection:
    draw = np.random.default_rng(seed)
    # Every firm and year at least twice: no singletons.
    firm = np.concatenate([np.tile(np.arange(firms), 2), draw.integers(0, firms, n - 2 * firms)])
    return selection(
        {
            "x": draw.normal(size=n) + 0.1 * firm, "z": draw.normal(size=n), "y": draw.normal(size=n) + 0.2 * firm,
            "w": draw.uniform(0.3, 3, n), "wf": draw.uniform(0.3, 3, firms)[firm],
            "g": [f"g{one}" for one in firm % groups],
        },
        firm, 2017 + draw.integers(0, 5, n),
    )  # fmt: skip


def estimate(formula: str, panel: Selection, errors: Errors, **keys: Any) -> Estimates:
    module: Any = fixed_effects if "|" in formula else cross_section
    options = module.Options.model_validate({"formula": formula, "errors": errors, **keys})
    found: Estimates = module.fit("m", options, panel, keys.pop("first_stage", None))
    return found


def clusters(panel: Selection, way: str) -> IntArray:
    return panel.firm if way == "firm" else np.unique(panel.firm % 7, return_inverse=True)[1]


def one_by_one(panel: Selection, effects: tuple[str, ...]) -> FloatArray:
    codes = {"firm": panel.firm, "year": panel.year}
    constant = [] if effects else [np.ones(len(panel.rows))]
    x = np.column_stack([*constant, panel.number("x"), panel.number("z")])
    return written_out(x, [codes[one] for one in effects])


@pytest.mark.parametrize("kind", ["CR2", "CR3"])
@pytest.mark.parametrize("way", ["g", "firm"])
@pytest.mark.parametrize("weights", [None, "w", "wf"])
@pytest.mark.parametrize("effects", [(), ("firm",), ("firm", "year"), ("year",)])
def test_as_the_matrices_say(effects: tuple[str, ...], weights: str | None, way: str, kind: str) -> None:
    """Effects inside the clusters and across them, weights that differ within levels and not."""
    panel = rows()
    formula = "y ~ x + z" + (f" | {' + '.join(effects)}" if effects else "")
    found = estimate(formula, panel, of(kind, way), weights=weights)
    w = np.ones(len(panel.rows)) if weights is None else panel.number(weights)
    k = len(found.terms)
    covariance, dfs = textbook(one_by_one(panel, effects), panel.number("y"), w, clusters(panel, way), kind, k)
    assert found.covariance == pytest.approx(covariance, rel=CLOSE)
    if kind == "CR2":
        assert [found.errors.dfs[term] for term in found.terms] == pytest.approx(dfs, rel=CLOSE)
        assert np.isnan(found.errors.df)
    else:
        assert found.errors.dfs == {}
        assert found.errors.df == len(np.unique(clusters(panel, way))) - 1
    assert found.errors.detail == kind


@pytest.mark.parametrize(("kind", "same"), [("CR2", "HC2"), ("CR3", "HC3")])
def test_clusters_of_one_row(kind: str, same: str) -> None:
    panel = rows()
    alone = selection({name: panel.number(name) for name in ("x", "z", "y")})
    found, expected = estimate("y ~ x + z", alone, of(kind, "firm")), estimate("y ~ x + z", alone, Errors(same))
    assert found.std_errors == pytest.approx(expected.std_errors, rel=CLOSE)


def test_cr3_leaves_out_one_cluster_at_a_time() -> None:
    """The jackknife around the estimate, weights included; what others call CV3 is (G-1)/G of it."""
    panel = rows()
    found = estimate("y ~ x + z", panel, of("CR3"), weights="w")
    spread = np.zeros((3, 3))
    for code in range(7):
        others = estimate("y ~ x + z", panel.take(clusters(panel, "g") != code), Errors("classical"), weights="w")
        change = others.coefficients - found.coefficients
        spread += np.outer(change, change)
    assert found.covariance == pytest.approx(spread, rel=1e-9)


def test_cr2_is_unbiased_and_its_degrees_of_freedom_match_the_second_moment() -> None:
    """Under the working model E V = M, and 2 (E V)^2 / Var V = df: 40,000 draws know a variance to 1 per cent or so."""
    panel = rows(n=60, firms=12, groups=5)
    x = np.column_stack([np.ones(60), panel.number("x"), panel.number("z")])
    codes = np.unique(panel.firm % 5, return_inverse=True)[1]
    off = np.eye(60) - x @ np.linalg.solve(x.T @ x, x.T)
    basis = few_clusters.basis_of(x, None, (), codes)
    noise = off @ np.random.default_rng(4).normal(size=(60, 40_000))
    operator = x @ np.linalg.inv(x.T @ x)
    total = np.zeros((40_000, 3))
    for code in range(5):
        own = codes == code
        # A_g is linear: what it does to unit vectors is its matrix.
        unit = np.column_stack(
            [few_clusters.adjusted(one, basis, codes, "CR2").residuals[own] for one in np.eye(60)[own]]
        )
        total += ((operator[own].T @ unit @ noise[own]) ** 2).T
    assert total.mean(axis=0) == pytest.approx(np.diag(np.linalg.inv(x.T @ x)), rel=0.03)
    dfs = few_clusters.adjusted(noise[:, 0], basis, codes, "CR2").dfs
    assert dfs == pytest.approx(2 * total.mean(axis=0) ** 2 / total.var(axis=0), rel=0.05)


def test_balanced_clusters_of_a_mean_have_all_their_degrees_of_freedom() -> None:
    """The mean of G clusters of the same size: df = G - 1, and CR2 is the variance of cluster means over G."""
    y = np.random.default_rng(2).normal(size=48)
    panel = selection({"y": y, "g": [f"g{one % 8}" for one in range(48)]})
    found = estimate("y ~ 1", panel, of("CR2"))
    means = y.reshape(6, 8).mean(axis=0)
    assert found.errors.dfs["constant"] == pytest.approx(7, rel=CLOSE)
    assert found.std_errors[0] ** 2 == pytest.approx(means.var(ddof=1) / 8, rel=CLOSE)


@pytest.mark.parametrize("kind", ["CR2", "CR3"])
def test_what_must_not_matter_does_not(kind: str) -> None:
    panel = rows()
    found = estimate("y ~ x + z", panel, of(kind), weights="w")
    order = np.random.default_rng(0).permutation(len(panel.rows))
    shuffled = selection(
        {
            "x": 1000 * panel.number("x")[order], "z": panel.number("z")[order], "y": panel.number("y")[order] + 5,
            "w": 7 * panel.number("w")[order], "g": [f"h{one * 31 % 7}" for one in panel.firm[order] % 7],
        }
    )  # fmt: skip
    other = estimate("y ~ x + z", shuffled, of(kind), weights="w")
    assert other.std_errors[1:] * [1000, 1] == pytest.approx(found.std_errors[1:], rel=1e-9)
    if kind == "CR2":
        assert list(other.errors.dfs.values()) == pytest.approx(list(found.errors.dfs.values()), rel=1e-9)


def test_blocks_of_clusters_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    found = estimate("y ~ x + z", rows(), of("CR2", "firm"))
    monkeypatch.setattr(few_clusters, "AT_ONCE", 20)
    again = estimate("y ~ x + z", rows(), of("CR2", "firm"))
    assert again.covariance == pytest.approx(found.covariance, rel=1e-13)
    assert again.errors.dfs == pytest.approx(found.errors.dfs, rel=1e-13)


@pytest.mark.parametrize("kind", ["CR2", "CR3"])
def test_a_term_that_one_cluster_alone_identifies_has_no_error(kind: str) -> None:
    """An indicator of each cluster: the slope is that within clusters, the indicators are said to be unknown."""
    panel = rows()
    found = estimate("y ~ x + g", panel, of(kind))
    unknown = np.isnan(found.std_errors)
    assert [term for term, gone in zip(found.terms, unknown, strict=True) if not gone] == ["x"]
    assert np.isnan(found.p_values[unknown]).all()
    assert any(
        "without one of the clusters of g there would be no coefficient of constant" in one for one in found.notes
    )
    within = estimate("y ~ x | g", panel, of(kind))
    assert found.std_errors[1] == pytest.approx(within.std_errors[0], rel=CLOSE)


def test_clusters_of_many_rows_need_no_large_matrices() -> None:
    """Two clusters of 60,000 rows: a matrix of rows by rows would take 29 GB."""
    n = 120_000
    draw = np.random.default_rng(1)
    panel = selection({"x": draw.normal(size=n), "y": draw.normal(size=n), "g": [f"g{one % 2}" for one in range(n)]})
    found = estimate("y ~ x", panel, of("CR2"))
    # Two clusters of the same size leave one degree of freedom, but for what the regressor differs between them.
    assert found.errors.dfs["x"] == pytest.approx(1, abs=1e-4)
    assert any("fewer than 4 degrees of freedom by Satterthwaite for constant (1.0), x (1.0)" in one
               for one in found.notes)  # fmt: skip


@pytest.mark.parametrize("kind", ["CR2", "CR3"])
def test_the_first_stage_is_added_unscaled(kind: str) -> None:
    """psi = second stage's corrected scores by cluster + T(dw/dtheta) psi_theta."""
    panel = rows()
    draw = np.random.default_rng(9)
    firms, gradient, psi = np.arange(24), draw.normal(size=(90, 2)), 0.05 * draw.normal(size=(24, 2))
    first = productivity(panel.number("y"), gradient, [group_fit(firms, psi)])
    options = cross_section.Options.model_validate({"formula": "y ~ x + z", "errors": of(kind, "firm")})
    found = cross_section.fit("m", options, panel, first)
    assert found.errors.tfp_uncertainty == "include"
    x = np.column_stack([np.ones(90), panel.number("x"), panel.number("z")])
    operator = x @ np.linalg.inv(x.T @ x)
    basis = few_clusters.basis_of(x, None, (), panel.firm)
    corrected = few_clusters.adjusted(panel.number("y") - x @ found.coefficients, basis, panel.firm, kind).residuals
    total = np.zeros((24, 3))
    np.add.at(total, panel.firm, operator * corrected[:, None])
    total += psi @ (operator.T @ gradient).T
    assert found.covariance == pytest.approx(total.T @ total, rel=1e-9)


def test_few_clusters_are_offered_what_is_made_for_them() -> None:
    panel = rows()
    (note,) = [one for one in estimate("y ~ x", panel, Errors("cluster", (("g",),))).notes if "below 40" in one]
    assert note.endswith("made for few are {cluster: [g], small_sample: CR2} and {wild_bootstrap: {cluster: [g]}}")
    both = estimate("y ~ x", panel, Errors("cluster", (("g",), ("year",)))).notes
    assert any("below 40" in one for one in both)
    assert not any("made for few" in one for one in both)
    assert not any("below 40" in one for one in estimate("y ~ x", panel, of("CR2")).notes)


def test_effects_with_too_many_levels_across_clusters_are_refused() -> None:
    n = 1_400
    draw = np.random.default_rng(3)
    panel = selection(
        {"y": draw.normal(size=n), "x": draw.normal(size=n), "g": [f"g{one}" for one in draw.integers(0, 9, n)]},
        np.arange(n) // 2, 2020 + np.arange(n) % 2,
    )  # fmt: skip
    with pytest.raises(
        EstimationError,
        match=r"firm \(700 levels\) and year \(2 levels\) cut through the clusters: .* 500 is",
    ):
        estimate("y ~ x | firm + year", panel, of("CR3"))


def test_a_single_cluster_fails() -> None:
    panel = selection({"y": np.arange(9.0) ** 2, "x": np.arange(9.0), "g": ["a"] * 9})
    with pytest.raises(EstimationError, match="all rows lie in one cluster of g"):
        estimate("y ~ x", panel, of("CR2"))


def test_a_wild_bootstrap_has_no_room_for_the_first_stage() -> None:
    with pytest.raises(ValidationError, match="a wild bootstrap takes the outcome as data"):
        cross_section.Options.model_validate(
            {"formula": "y ~ x", "errors": {"wild_bootstrap": {"cluster": ["g"]}}, "tfp_uncertainty": "include"}
        )
