"""Controls added in turn: rungs on common rows, and Gelbach's decomposition by brute force and by its identities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation.designs import cross_section, fixed_effects
from estimation.results import Estimates, FloatArray
from estimation.workings import Moved
from panels.frame import Selection
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tests.estimation.rows import group_fit, productivity, reference_panel, selection

FIRM, NACE = Errors("cluster", (("firm",),)), Errors("cluster", (("nace",),))
BLOCKS = [["z"], ["v", "nace"]]


def estimate(formula: str, rows: Selection, blocks: Any = BLOCKS, *, stage: Any = None, **keys: Any) -> Estimates:
    keys.setdefault("errors", FIRM)
    module: Any = fixed_effects if "|" in formula else cross_section
    options = module.Options.model_validate({"formula": formula, "add_controls": blocks, **keys})
    found: Estimates = module.fit("m", options, rows, stage)
    return found


def moved(found: Estimates, term: str, block: str) -> Moved:
    return next(one for one in found.moved if (one.term, one.block) == (term, block))


def draw(seed: int, firms: int = 100, years: int = 4) -> Selection:
    """What is left out moves with x, and is alike within firms."""
    rng = np.random.default_rng(seed)
    n = firms * years
    firm, year = np.repeat(np.arange(firms), years), np.tile(2020 + np.arange(years), firms)
    own = rng.normal(size=firms)[firm]
    x = rng.normal(size=n) + own
    z = 0.6 * x + rng.normal(size=n)
    v = -0.3 * x + rng.normal(size=n) + 0.5 * z
    sector = (rng.integers(0, 3, firms)[firm] + (x > 1)) % 4
    return selection(
        {
            "y": 0.5 * x + z - 0.4 * v + 0.3 * sector + own + (1 + 0.5 * np.abs(x)) * rng.normal(size=n),
            "x": x, "z": z, "v": v, "w": rng.uniform(0.5, 2, n), "q": rng.normal(size=n), "year": year.astype(float),
            "nace": [("A", "B", "C", "D")[i] for i in sector],
        },
        firm.tolist(), year.tolist(),
    )  # fmt: skip


def blocks_of(rows: Selection) -> tuple[FloatArray, list[FloatArray]]:
    codes = rows.columns["nace"].codes  # type: ignore[union-attr]
    counts = np.bincount(codes)
    levels = [level for level in range(len(counts)) if level != int(np.argmax(counts))]
    indicators = [(codes == level).astype(float) for level in levels]
    short = np.column_stack([np.ones(len(codes)), rows.number("x"), rows.number("q")])
    return short, [rows.number("z")[:, None], np.column_stack([rows.number("v"), *indicators])]


@pytest.mark.parametrize("weights", [None, "w"])
def test_each_rung_is_statsmodels_on_common_rows(weights: str | None) -> None:
    base = draw(1)
    z = base.number("z").copy()
    z[::7] = np.nan
    rows = selection({name: base.number(name) for name in ("y", "x", "v", "w", "q")} | {"z": z, "nace": [
        base.columns["nace"].levels[code] for code in base.columns["nace"].codes]},  # type: ignore[union-attr]
        base.firm.tolist(), base.year.tolist())  # fmt: skip
    found = estimate("y ~ x + q", rows, weights=weights)
    assert [one.rung for one in found.parts] == ["", "+ z", "+ z + v + nace"]
    kept = rows.take(~np.isnan(z))
    assert {one.n_obs for one in found.parts} == {len(kept.rows)} == {found.n_obs}
    assert found.dropped == {"z is missing": int(np.isnan(z).sum())}
    short, blocks = blocks_of(kept)
    for one, x in zip(found.parts, (short, np.hstack([short, blocks[0]]), np.hstack([short, *blocks])), strict=True):
        w = kept.number("w") if weights else np.ones(len(x))
        theirs = sm.WLS(kept.number("y"), x, weights=w).fit(cov_type="cluster", cov_kwds={"groups": kept.firm})
        # Two orthogonal decompositions: what differs is rounding.
        assert one.coefficients == pytest.approx(theirs.params, rel=1e-9)
        assert one.inference.std_errors == pytest.approx(theirs.bse, rel=1e-9)


@pytest.mark.parametrize("weights", [None, "w"])
def test_the_blocks_are_auxiliary_regressions_and_sum_to_the_change(weights: str | None) -> None:
    rows = draw(2)
    found = estimate("y ~ x + q", rows, weights=weights)
    short, blocks = blocks_of(rows)
    root = np.sqrt(rows.number("w")) if weights else np.ones(len(short))
    y, x1 = root * rows.number("y"), root[:, None] * short
    full = np.linalg.lstsq(root[:, None] * np.hstack([short, *blocks]), y, rcond=None)[0]
    start = 3
    for block, name in zip(blocks, ("z", "v + nace"), strict=True):
        gamma = np.linalg.lstsq(x1, root[:, None] * block, rcond=None)[0]
        expected = gamma @ full[start : start + block.shape[1]]
        start += block.shape[1]
        for place, term in ((1, "x"), (2, "q")):
            assert moved(found, term, name).estimate == pytest.approx(expected[place], abs=1e-12)
    for term in ("x", "q"):
        parts = [one for one in found.moved if one.term == term]
        total = moved(found, term, "total").estimate
        change = found.parts[0].coefficients - found.parts[-1].coefficients[:3]
        assert total == pytest.approx(change[["constant", "x", "q"].index(term)], abs=0)
        # The identity is exact: rounding alone.
        assert sum(one.estimate for one in parts if one.block != "total") == pytest.approx(total, abs=1e-12)
        assert sum(one.share for one in parts if one.block != "total") == pytest.approx(1, abs=1e-9)


def test_the_order_of_blocks_does_not_matter() -> None:
    rows = draw(3)
    one, other = estimate("y ~ x", rows), estimate("y ~ x", rows, BLOCKS[::-1])
    for block in ("z", "v + nace", "total"):
        mine, theirs = moved(one, "x", block), moved(other, "x", block)
        assert (mine.estimate, mine.std_error) == pytest.approx((theirs.estimate, theirs.std_error), rel=1e-9)


@pytest.mark.parametrize(
    "errors", [FIRM, NACE, Errors("cluster", (("firm",), ("year",))), Errors("HC0"), Errors("HC1")]
)
def test_errors_are_those_of_the_stacked_moments(errors: Errors) -> None:
    """Both regressions and the change as one set of estimating equations, solved by the sandwich with its jacobian."""
    rows = draw(4)
    found = estimate("y ~ x + q", rows, [["z"], ["v"]], errors=errors)
    y = rows.number("y")
    short, _ = blocks_of(rows)
    z, v = rows.number("z"), rows.number("v")
    full = np.column_stack([short, z, v])
    b = np.linalg.lstsq(full, y, rcond=None)[0]
    theta = [b]
    for place, column in ((3, z), (4, v)):
        theta.append(np.linalg.lstsq(short, column * b[place], rcond=None)[0])
    k, m = full.shape[1], short.shape[1]
    rest = [full * (y - full @ b)[:, None]]
    jacobian = np.zeros((k + 2 * m, k + 2 * m))
    jacobian[:k, :k] = full.T @ full
    for number, (place, column) in enumerate(((3, z), (4, v))):
        at = slice(k + number * m, k + (number + 1) * m)
        rest.append(short * (column * b[place] - short @ theta[number + 1])[:, None])
        jacobian[at, at] = short.T @ short
        jacobian[at, place] = -short.T @ column
    psi = np.hstack(rest) @ np.linalg.inv(jacobian).T

    def meat(codes: FloatArray) -> FloatArray:
        index = np.unique(codes, return_inverse=True)[1]
        sums = np.zeros((index.max() + 1, psi.shape[1]))
        np.add.at(sums, index, psi)
        return np.asarray(sums.T @ sums)

    nace, n = rows.columns["nace"].codes, len(y)  # type: ignore[union-attr]
    if errors.kind != "cluster":
        covariance = meat(np.arange(n)) * (n / (n - k) if errors.kind == "HC1" else 1)
    else:
        if len(errors.cluster) == 2:
            covariance, fewest = meat(rows.firm) + meat(rows.year) - meat(np.arange(n)), 4
        else:
            codes = rows.firm if errors == FIRM else nace
            covariance, fewest = meat(codes), len(np.unique(codes))
        covariance = covariance * fewest / (fewest - 1) * (n - 1) / (n - k)
    for place, term in ((1, "x"), (2, "q")):
        at = [k + place, k + m + place]
        for block, variance in (
            ("z", covariance[at[0], at[0]]),
            ("v", covariance[at[1], at[1]]),
            ("total", covariance[np.ix_(at, at)].sum()),
        ):
            error = moved(found, term, block).std_error
            if variance < 0:
                assert np.isnan(error)
            else:
                # The jacobian is inverted here: two or three digits more are lost than by orthogonal decompositions.
                assert error == pytest.approx(np.sqrt(variance), rel=1e-7)


def test_errors_are_those_of_a_bootstrap_of_firms() -> None:
    rows = draw(5, firms=150)
    found = estimate("y ~ x", rows, [["z"], ["v"]])
    y, x, z, v = (rows.number(name).reshape(150, 4) for name in ("y", "x", "z", "v"))
    rng, draws = np.random.default_rng(0), []
    for _ in range(800):
        firms = rng.integers(0, 150, 150)
        one = np.column_stack([np.ones(600), x[firms].ravel()])
        more = np.column_stack([z[firms].ravel(), v[firms].ravel()])
        b = np.linalg.lstsq(np.hstack([one, more]), y[firms].ravel(), rcond=None)[0]
        gamma = np.linalg.lstsq(one, more, rcond=None)[0]
        draws.append([*(gamma[1] * b[2:]), gamma[1] @ b[2:]])
    spread = np.std(draws, axis=0, ddof=1)
    # 800 draws: a standard error of 2.5 per cent; three of them, and what differs in small samples.
    for block, expected in zip(("z", "v", "total"), spread, strict=True):
        assert moved(found, "x", block).std_error == pytest.approx(expected, rel=0.1)


def test_classical_errors_hold_where_errors_are_classical() -> None:
    """Normal and homoskedastic: the classical errors are those of many samples."""
    rng, found = np.random.default_rng(3), []
    for _ in range(150):
        x, n = rng.normal(size=200), 200
        z = 0.5 * x + rng.normal(size=n)
        rows = selection({"y": x + z + rng.normal(size=n), "x": x, "z": z})
        one = moved(estimate("y ~ x", rows, [["z"]], errors=Errors("classical")), "x", "z")
        found.append((one.estimate, one.std_error))
    values, errors = np.array(found).T
    # 150 samples: a standard deviation is known to 5.8 per cent, three times that here.
    assert errors.mean() == pytest.approx(values.std(ddof=1), rel=0.18)
    # The truth: gamma 0.5 times 1.
    assert values.mean() == pytest.approx(0.5, abs=3 * values.std() / np.sqrt(150))


def test_effects_stay_in_all_rungs() -> None:
    rows = draw(6)
    found = estimate("y ~ x | firm + year", rows, [["z"], ["v"]])

    def swept(column: FloatArray) -> FloatArray:
        cells = column.reshape(100, 4)
        return (cells - cells.mean(axis=1, keepdims=True) - cells.mean(axis=0) + cells.mean()).ravel()

    y, x, z, v = (swept(rows.number(name)) for name in ("y", "x", "z", "v"))
    b = np.linalg.lstsq(np.column_stack([x, z, v]), y, rcond=None)[0]
    assert found.parts[-1].coefficients == pytest.approx(b, rel=1e-9)
    assert moved(found, "x", "z").estimate == pytest.approx(x @ z / (x @ x) * b[1], rel=1e-9)
    assert moved(found, "x", "total").estimate == pytest.approx(x @ y / (x @ x) - b[0], rel=1e-9)
    assert found.effects == {"firm": 100, "year": 4}


def test_the_first_stage_is_carried_over() -> None:
    """An outcome that moves with theta along z: the part of z moves by gamma, and nothing else does."""
    rows, rng = draw(7), np.random.default_rng(1)
    influence = rng.normal(size=(100, 1))
    stage = productivity(rows.number("y"), rows.number("z")[:, None], [group_fit(np.arange(100), influence)])
    found = estimate("y ~ x", rows, [["z"], ["v"]], stage=stage)
    assert {one.errors.tfp_uncertainty for one in found.parts} == {"include"}
    plain = estimate("y ~ x", rows, [["z"], ["v"]], stage=stage, tfp_uncertainty="ignore")
    short = np.column_stack([np.ones(400), rows.number("x")])
    gamma = np.linalg.lstsq(short, rows.number("z"), rcond=None)[0][1]
    # dy/dtheta = z: b_z moves by one, b_v and b_x do not.
    carried = gamma * np.sqrt((influence**2).sum())
    assert moved(found, "x", "z").std_error == pytest.approx(carried, rel=0.05)
    assert moved(found, "x", "v").std_error == pytest.approx(moved(plain, "x", "v").std_error, rel=1e-6)
    assert moved(plain, "x", "z").std_error < 0.1 * carried


def test_groups_and_rungs_together() -> None:
    rows = draw(8)
    found = estimate("y ~ x", rows, [["z"], ["v"]], split={"by": "year"})
    assert [(dict(one.group), one.rung) for one in found.parts[:4]] == [
        ({}, ""), ({}, "+ z"), ({}, "+ z + v"), ({"year": "2020"}, "")
    ]  # fmt: skip
    one = estimate("y ~ x", rows.take(rows.year == 2022), [["z"], ["v"]])
    mine = [part for part in found.parts if part.group == {"year": "2022"}]
    for part, alone in zip(mine, one.parts, strict=True):
        assert part.coefficients == pytest.approx(alone.coefficients, abs=0)
    theirs = moved(one, "x", "z")
    own = next(m for m in found.moved if m.group == {"year": "2022"} and m.block == "z")
    assert (own.estimate, own.std_error) == pytest.approx((theirs.estimate, theirs.std_error), rel=1e-12)
    # The test across groups is there for every rung, with the estimate on all rows.
    assert [[t.test for t in part.tests] for part in found.parts[:3]] == [
        ["all slopes equal across year", "constant equal across year", "x equal across year"],
        ["all slopes equal across year", *(f"{name} equal across year" for name in ("constant", "x", "z"))],
        ["all slopes equal across year", *(f"{name} equal across year" for name in ("constant", "x", "z", "v"))],
    ]


def test_a_control_that_says_what_is_there_already_names_its_rung() -> None:
    base = draw(9)
    rows = selection({"y": base.number("y"), "x": base.number("x"), "twice": 2 * base.number("x")})
    with pytest.raises(EstimationError, match=r"^\+ twice: the terms are linearly dependent"):
        estimate("y ~ x", rows, [["twice"]])


def test_logs_and_products_of_controls() -> None:
    base = draw(10)
    size = np.exp(base.number("z"))
    size[:5] = 0
    rows = selection({"y": base.number("y"), "x": base.number("x"), "size": size, "v": base.number("v")})
    found = estimate("y ~ x", rows, [["log(size)"], ["v", "v:x"]], errors=Errors("HC1"))
    assert found.dropped == {"log(size) of zero or less": 5}
    assert found.parts[-1].terms == ("constant", "x", "log(size)", "v", "v:x")
    assert {one.block for one in found.moved} == {"log(size)", "v + v:x", "total"}


def test_a_decomposition_of_what_the_controls_recode_is_refused() -> None:
    """``x:nace`` alone has every sector's slope; beside ``x`` it has slopes beyond the base's."""
    found = estimate("y ~ x:nace + nace", draw(11), [["x"]])
    assert found.moved == ()
    assert any("the added controls change what the terms of the formula compare" in note for note in found.notes)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(0.01, 100))
def test_units_of_controls_do_not_matter_and_those_of_x_and_y_do_as_they_should(seed: int, a: float, c: float) -> None:
    rows = draw(seed, 30)
    found = estimate("y ~ x", rows, [["z"], ["v"]])
    again = estimate(
        "y ~ x",
        selection({"y": rows.number("y") * a, "x": rows.number("x") * c, "z": rows.number("z") * 7,
                   "v": rows.number("v") / 3 + 5}, rows.firm.tolist(), rows.year.tolist()),
        [["z"], ["v"]],
    )  # fmt: skip
    for block in ("z", "v", "total"):
        mine, theirs = moved(found, "x", block), moved(again, "x", block)
        assert theirs.estimate == pytest.approx(mine.estimate * a / c, rel=1e-7, abs=1e-9 * a / c)
        assert theirs.std_error == pytest.approx(mine.std_error * a / c, rel=1e-7)


def test_the_published_panel_adds_up() -> None:
    found = estimate("ln_tfp ~ ai", reference_panel(), [["size"], ["nace"]])
    parts = {one.block: one.estimate for one in found.moved}
    assert parts["size"] + parts["nace"] == pytest.approx(parts["total"], abs=1e-12)
