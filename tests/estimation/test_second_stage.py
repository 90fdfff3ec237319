"""The correction for an estimated outcome against numerical derivatives and one stacked GMM system."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from estimation.designs.cross_section import Options, fit
from estimation.results import Estimates, FloatArray, GroupFit, IntArray, ProductivityFit
from estimation.second_stage import first_stage_part
from panels.frame import Selection, TextColumn
from specs.errors import EstimationError
from specs.formula import parse_formula
from specs.uncertainty import Errors
from tests.estimation.rows import group_fit, productivity, selection

N_FIRMS, YEARS = 150, (2021, 2022, 2023)


@dataclass
class World:
    """A panel whose TFP is the residual of y on labour (instrumented) and capital, by firm-clustered IV."""

    panel: Selection
    x: FloatArray
    z: FloatArray
    y: FloatArray
    estimated: ProductivityFit


def iv(y: FloatArray, x: FloatArray, z: FloatArray, firm: IntArray) -> tuple[FloatArray, IntArray, FloatArray]:
    """Just-identified IV: coefficients, firms, influence functions by firm."""
    theta = np.linalg.solve(z.T @ x, z.T @ y)
    firms, index = np.unique(firm, return_inverse=True)
    scores = np.zeros((firms.size, x.shape[1]))
    np.add.at(scores, index, z * (y - x @ theta)[:, None])
    return theta, firms, scores @ np.linalg.inv(z.T @ x).T


def world(*, by_size: bool = False, seed: int = 3) -> World:
    random = np.random.default_rng(seed)
    firm = np.repeat(np.arange(N_FIRMS), len(YEARS))
    year = np.tile(YEARS, N_FIRMS)
    effect = np.repeat(random.normal(size=N_FIRMS), len(YEARS))
    k = effect + random.normal(size=firm.size)
    z1 = random.normal(size=firm.size)
    l = 0.7 * z1 + 0.4 * k + random.normal(size=firm.size)  # noqa: E741  # labour is l in the papers
    y = 0.6 * l + 0.4 * k + 0.5 * effect + random.normal(size=firm.size)
    ai = (0.6 * np.repeat(k.reshape(-1, 3)[:, 2], 3) + random.normal(size=firm.size) > 0).astype(float)
    size = np.array(["small", "large"])[np.repeat(random.integers(0, 2, N_FIRMS), len(YEARS))]
    region = np.array(["b", "f", "w", "x"])[np.repeat(random.integers(0, 4, N_FIRMS), len(YEARS))]
    # A panel of accounts: firms 0 to 9 have no instrument, so that only the second stage rests on them.
    used = firm >= 10
    x = np.column_stack([np.ones(firm.size), l, k])
    z = np.column_stack([np.ones(firm.size), z1, k])
    groups: list[GroupFit] = []
    values, group_of_row = np.zeros(firm.size), np.zeros(firm.size, dtype=np.int64)
    for number, level in enumerate(("small", "large") if by_size else ("",)):
        inside = (size == level) if by_size else np.ones(firm.size, dtype=bool)
        here = inside & used
        theta, firms, psi = iv(y[here], x[here], z[here], firm[here])
        values[inside] = (y - x @ theta)[inside] + theta[0]
        group_of_row[inside] = number
        label = (("size", level),) if by_size else ()
        groups.append(group_fit(firms, psi[:, 1:], group=label, small_sample=1.01))
    columns = {"tfp": values, "ai": ai, "k": k, "size": size.tolist(), "region": region.tolist(),
               "weight": random.uniform(1, 5, firm.size)}  # fmt: skip
    estimated = productivity(values, -x[:, 1:], groups, group_of_row.tolist())
    return World(selection(columns, firm, year), x, z, y, estimated)


def estimate(world: World, kept: Any, formula: str = "tfp ~ ai + size", **options: Any) -> Estimates:
    rows = world.panel.take(kept)
    chosen = Options(design="cross_section", formula=parse_formula(formula), **options)
    return fit("m", chosen, rows, world.estimated)


def last_year(world: World) -> Any:
    # Not all firms have a row in the second stage.
    return (world.panel.year == 2023) & (world.panel.firm < 120)


def stacked_gmm(world: World, kept: Any, cluster: IntArray, weights: FloatArray | None = None) -> FloatArray:
    """The covariance of (ai, ...) from one just-identified system of both stages, A^-1 S A^-1'."""
    panel, n = world.panel, world.panel.firm.size
    used = panel.firm >= 10
    tfp = world.estimated.values
    size = panel.columns["size"]
    assert isinstance(size, TextColumn)
    base = 0 if (size.codes[kept] == 0).sum() >= (size.codes[kept] == 1).sum() else 1
    x2 = np.column_stack([np.ones(n), panel.number("ai"), size.codes == 1 - base])
    w = np.where(kept, 1.0 if weights is None else weights, 0.0)
    b = np.linalg.solve((x2 * w[:, None]).T @ x2, (x2 * w[:, None]).T @ tfp)
    groups = world.estimated.group_of_row
    ends: list[FloatArray] = []
    a_rows: list[list[FloatArray]] = []
    q = 3
    blocks = int(groups.max()) + 1
    for block in range(blocks):
        on = used & (groups == block)
        x, z, y = (part * on[:, None] for part in (world.x, world.z, world.y[:, None]))
        theta = np.linalg.solve(z.T @ x, z.T @ y)
        ends.append(z * (y - x @ theta))
        a_rows.append([-(z.T @ x) if other == block else np.zeros((q, q)) for other in range(blocks)])
    ends.append(x2 * (w * (tfp - x2 @ b))[:, None])
    a = np.zeros((blocks * q + 3, blocks * q + 3))
    for block in range(blocks):
        for other in range(blocks):
            a[block * q : block * q + q, other * q : other * q + q] = a_rows[block][other]
        # The level that the second stage uses keeps its constant: its derivative is -[0 l k].
        slope = -world.x * (groups == block)[:, None] * np.array([0.0, 1, 1])
        a[blocks * q :, block * q : block * q + q] = (x2 * w[:, None]).T @ slope
    a[blocks * q :, blocks * q :] = -(x2 * w[:, None]).T @ x2
    moments = np.column_stack(ends)
    sums = np.zeros((int(cluster.max()) + 1, moments.shape[1]))
    np.add.at(sums, cluster, moments)
    inverse = np.linalg.inv(a)
    return (inverse @ (sums.T @ sums) @ inverse.T)[blocks * q :, blocks * q :]


@pytest.mark.parametrize("by_size", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_robust_covariance_is_that_of_one_stacked_system(by_size: bool, weighted: bool) -> None:
    here = world(by_size=by_size)
    kept = last_year(here)
    weights = here.panel.number("weight") if weighted else None
    ours = estimate(here, kept, errors=Errors(kind="HC0"), weights="weight" if weighted else None)
    theirs = stacked_gmm(here, kept, here.panel.firm, weights)
    assert ours.errors.tfp_uncertainty == "include"
    assert ours.covariance == pytest.approx(theirs, rel=1e-10)  # two ways through the same arithmetic
    hc1 = estimate(here, kept, errors=Errors(kind="HC1"), weights="weight" if weighted else None)
    n = kept.sum()
    assert hc1.covariance == pytest.approx(theirs * n / (n - 3), rel=1e-10)


@pytest.mark.parametrize("by_size", [False, True])
def test_clustered_covariance_is_that_of_one_stacked_system(by_size: bool) -> None:
    here = world(by_size=by_size)
    kept = here.panel.firm < 120
    ours = estimate(here, kept, errors=Errors(kind="cluster", cluster=(("firm",),)))
    n = kept.sum()
    factor = 120 / 119 * (n - 1) / (n - 3)
    assert ours.covariance == pytest.approx(factor * stacked_gmm(here, kept, here.panel.firm), rel=1e-10)
    assert ours.errors.clusters == {"firm": 120}
    assert ours.errors.df == 119


def test_coarser_clusters_place_the_firms_of_the_first_stage() -> None:
    here = world()
    kept = here.panel.firm < 120
    errors = Errors(kind="cluster", cluster=(("region",),))
    options = Options(design="cross_section", formula=parse_formula("tfp ~ ai + size"), errors=errors)
    region = here.panel.columns["region"]
    assert isinstance(region, TextColumn)
    ours = fit("m", options, here.panel.take(kept), here.estimated, here.panel)
    n = kept.sum()
    theirs = 4 / 3 * (n - 1) / (n - 3) * stacked_gmm(here, kept, region.codes)
    assert ours.covariance == pytest.approx(theirs, rel=1e-10)
    # Without the panel the 30 firms that only the first stage sees are clusters of their own.
    alone = np.where(here.panel.firm < 120, region.codes, here.panel.firm)
    theirs = 4 / 3 * (n - 1) / (n - 3) * stacked_gmm(here, kept, alone)
    assert fit("m", options, here.panel.take(kept), here.estimated).covariance == pytest.approx(theirs, rel=1e-10)


@pytest.mark.parametrize("formula", ["tfp ~ ai + size", "log(tfp) ~ ai + size"])
def test_derivative_by_moving_theta(formula: str) -> None:
    here = world()
    kept = last_year(here)
    lifted = here.estimated.values + 20  # so that it has a log
    step = 1e-5
    moved = []
    for sign in (1, -1):
        for parameter in range(2):
            values = lifted + sign * step * here.estimated.gradient[:, parameter]
            columns = {**here.panel.columns, "tfp": type(here.panel.columns["tfp"])(values)}
            rows = replace(here.panel, columns=columns).take(kept)
            options = Options(design="cross_section", formula=parse_formula(formula))
            moved.append(fit("m", options, rows, None).coefficients)
    numerical = np.column_stack([(moved[j] - moved[j + 2]) / (2 * step) for j in range(2)])
    # Influence functions of one pretended firm a parameter make the carried-over part B itself.
    pretended = replace(here.estimated, groups=(group_fit([0, 1], np.eye(2)),))
    rows = replace(here.panel, columns={**here.panel.columns, "tfp": type(here.panel.columns["tfp"])(lifted)})
    options = Options(design="cross_section", formula=parse_formula(formula), errors=Errors(kind="HC0"))
    joined = fit("m", options, rows.take(kept), pretended)
    naive = fit("m", options, rows.take(kept), None)
    ours = (joined.influence[:2] - _by_firm(naive, joined)[:2]).T
    assert ours == pytest.approx(numerical, rel=1e-8, abs=1e-9)  # central differences: step squared, over rounding


def _by_firm(naive: Estimates, joined: Estimates) -> FloatArray:
    spread = np.zeros_like(joined.influence)
    spread[np.searchsorted(joined.influence_firms, naive.influence_firms)] = naive.influence
    return spread


def test_classical_takes_tfp_as_data_and_murphy_topel_adds_its_variance() -> None:
    here = world()
    kept = last_year(here)
    ignored = estimate(here, kept, errors=Errors(kind="classical"))
    assert ignored.errors.tfp_uncertainty == "ignore"
    assert any("take tfp as data" in note for note in ignored.notes)
    ours = estimate(here, kept, errors=Errors(kind="classical"), tfp_uncertainty="murphy_topel")
    design = np.column_stack([np.ones(kept.sum()), here.panel.number("ai")[kept], _first_size(here, kept, ours)])
    b = np.linalg.solve(design.T @ design, design.T @ here.estimated.gradient[kept])
    psi = here.estimated.groups[0].influence
    added = 1.01 * b @ psi.T @ psi @ b.T
    assert ours.covariance == pytest.approx(ignored.covariance + added, rel=1e-10)


def _first_size(here: World, kept: Any, ours: Estimates) -> FloatArray:
    size = here.panel.columns["size"]
    assert isinstance(size, TextColumn)
    level = size.levels.index(ours.terms[2].removeprefix("size[").removesuffix("]"))
    return (size.codes[kept] == level).astype(float)


def test_hc3_scales_the_second_stage_score_only() -> None:
    here = world()
    kept = last_year(here)
    shared: FloatArray | None = None
    for kind in ("HC0", "HC2", "HC3"):
        ours = estimate(here, kept, errors=Errors(kind))
        naive = estimate(here, kept, errors=Errors(kind), tfp_uncertainty="ignore")
        carried = ours.influence - _by_firm(naive, ours)
        shared = carried if shared is None else shared
        assert carried == pytest.approx(shared, abs=1e-15)
        assert ours.covariance == pytest.approx(ours.influence.T @ ours.influence, rel=1e-12)


def test_groups_with_one_parent_count_it_once() -> None:
    here = world()
    kept = last_year(here)
    parent = here.estimated.groups[0]
    size = here.panel.columns["size"]
    assert isinstance(size, TextColumn)
    pooled = replace(here.estimated, groups=(parent, parent), group_of_row=size.codes.astype(np.int64))
    one = estimate(here, kept)
    two = fit(
        "m",
        Options(design="cross_section", formula=parse_formula("tfp ~ ai + size")),
        here.panel.take(kept),
        pooled,
    )
    assert two.covariance == pytest.approx(one.covariance, rel=1e-12)
    operator = np.ones((3, 1))
    part = first_stage_part(pooled, np.array([0, 1, 200]), operator)
    whole = first_stage_part(here.estimated, np.array([0, 1, 200]), operator)
    assert part.covariance == pytest.approx(whole.covariance, rel=1e-12)


def test_robust_errors_need_one_row_a_firm() -> None:
    here = world()
    kept = here.panel.firm < 120
    fallen_back = estimate(here, kept, errors=Errors(kind="HC1"))
    assert fallen_back.errors.tfp_uncertainty == "ignore"
    assert any("HC1 errors need one row a firm" in note for note in fallen_back.notes)
    with pytest.raises(EstimationError, match=r"write errors: \{cluster: \[firm\]\}"):
        estimate(here, kept, errors=Errors(kind="HC1"), tfp_uncertainty="include")


def test_clusters_must_nest_firms() -> None:
    here = world()
    kept = here.panel.firm < 120
    errors = Errors(kind="cluster", cluster=(("firm",), ("year",)))
    fallen_back = estimate(here, kept, errors=errors)
    assert fallen_back.errors.tfp_uncertainty == "ignore"
    assert any("clusters of year cut through firms" in note for note in fallen_back.notes)
    with pytest.raises(EstimationError, match="clusters of year cut through firms"):
        estimate(here, kept, errors=errors, tfp_uncertainty="include")


def test_an_outcome_that_is_data_has_no_first_stage() -> None:
    here = world()
    rows = here.panel.take(last_year(here))
    options = Options(design="cross_section", formula=parse_formula("k ~ ai"))
    assert fit("m", options, rows, None).errors.tfp_uncertainty == "none"
    asked = options.model_copy(update={"tfp_uncertainty": "include"})
    with pytest.raises(EstimationError, match="needs an outcome that this spec estimates"):
        fit("m", asked, rows, None)
    index = replace(here.estimated, groups=(group_fit([], np.zeros((0, 0))),), gradient=np.zeros((450, 0)))
    options = Options(design="cross_section", formula=parse_formula("tfp ~ ai"))
    assert fit("m", options, rows, index).errors.tfp_uncertainty == "none"
