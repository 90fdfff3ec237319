"""One estimate a group: each as statsmodels has it on the group's rows, and the test as one interacted regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from estimation.designs import cross_section, fixed_effects
from estimation.results import Estimates, FloatArray, ModelPart
from estimation.workings import WaldTest
from panels.frame import Selection
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tests.estimation.rows import group_fit, productivity, reference_panel, selection

FIRM, NACE = Errors("cluster", (("firm",),)), Errors("cluster", (("nace",),))


def estimate(formula: str, rows: Selection | None = None, *, stage: Any = None, **keys: Any) -> Estimates:
    keys.setdefault("errors", FIRM)
    module: Any = fixed_effects if "|" in formula else cross_section
    options = module.Options.model_validate({"formula": formula, **keys})
    found: Estimates = module.fit("m", options, rows or reference_panel(), stage)
    return found


def part(found: Estimates, **group: str) -> ModelPart:
    return next(one for one in found.parts if one.group == group and not one.rung)


def outcome_of(found: Estimates, name: str) -> WaldTest:
    return next(one for one in found.tests if one.test == name)


def columns(rows: Selection, names: Sequence[str]) -> FloatArray:
    return np.column_stack([np.ones(len(rows.rows)), *(rows.number(name) for name in names)])


def inside(rows: Selection, column: str, level: str) -> Selection:
    codes = rows.columns[column]
    return rows.take(codes.codes == codes.levels.index(level))  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["HC1", "cluster"])
def test_each_group_is_statsmodels_on_its_rows(kind: str) -> None:
    found = estimate("ln_tfp ~ ai", split={"by": "size"}, errors=FIRM if kind == "cluster" else Errors("HC1"))
    assert [dict(one.group) for one in found.parts] == [{}] + [
        {"size": level} for level in ("10-19", "20-49", "50-249", "250+")
    ]
    assert found.parts[0].coefficients == pytest.approx(found.coefficients, abs=0)
    for one in found.parts[1:]:
        rows = inside(reference_panel(), "size", one.group["size"])
        model = sm.OLS(rows.number("ln_tfp"), columns(rows, ["ai"]))
        theirs = (
            model.fit(cov_type="cluster", cov_kwds={"groups": rows.firm}, use_t=True)
            if kind == "cluster"
            else model.fit(cov_type="HC1", use_t=True)
        )
        # Both solve by orthogonal decompositions: what is left is rounding.
        assert one.coefficients == pytest.approx(theirs.params, rel=1e-10)
        assert one.inference.std_errors == pytest.approx(theirs.bse, rel=1e-10)
        assert (one.n_obs, one.n_firms) == (len(rows.rows), len(np.unique(rows.firm)))


def stacked(rows: Selection, by: FloatArray, names: Sequence[str]) -> tuple[FloatArray, int]:
    """Everything interacted with the groups: the columns of each group behind those of the one before."""
    x, levels = columns(rows, names), np.unique(by)
    return np.column_stack([x * (by == level)[:, None] for level in levels]), len(levels)


def draw(seed: int, n: int = 400) -> Selection:
    """Firms with several rows, each year another group of rows: a firm is in several groups."""
    rng = np.random.default_rng(seed)
    firm, year = np.repeat(np.arange(n // 4), 4), np.tile(np.arange(2020, 2024), n // 4)
    own = rng.normal(size=n // 4)[firm]
    x = rng.normal(size=n) + own
    return selection(
        {
            "y": 0.5 * x + own + rng.normal(size=n), "x": x, "z": rng.normal(size=n), "w": rng.uniform(0.5, 2, n),
            "year": year.astype(float), "nace": [("A", "B", "C", "D", "E", "F")[i] for i in (firm % 6)],
            "half": (rng.random(n) < 0.5).astype(float),
        },
        firm.tolist(), year.tolist(),
    )  # fmt: skip


@pytest.mark.parametrize("errors", [FIRM, NACE, Errors("cluster", (("firm",), ("nace",))), Errors("HC0")])
@pytest.mark.parametrize("weights", [None, "w"])
def test_equality_is_the_test_of_one_interacted_regression(errors: Errors, weights: str | None) -> None:
    rows = draw(1)
    found = estimate("y ~ x + z", rows, split={"by": "year"}, errors=errors, weights=weights)
    x, groups = stacked(rows, rows.number("year"), ["x", "z"])
    w = rows.number("w") if weights else np.ones(len(x))
    bread = np.linalg.inv(x.T @ (w[:, None] * x))
    b = bread @ x.T @ (w * rows.number("y"))
    scores = x * (w * (rows.number("y") - x @ b))[:, None] @ bread

    def meat(codes: FloatArray) -> FloatArray:
        sums = np.zeros((int(codes.max()) + 1, x.shape[1]))
        np.add.at(sums, codes.astype(int), scores)
        return np.asarray(sums.T @ sums)

    nace = rows.columns["nace"].codes  # type: ignore[union-attr]
    by = {"firm": rows.firm, "nace": nace}
    if errors.kind == "HC0":
        # A firm has one row in each year: within a group this is HC0, and across groups its rows hang together.
        covariance = meat(rows.firm)
    elif len(errors.cluster) == 2:
        covariance = meat(rows.firm) + meat(nace) - meat(rows.firm * 10 + nace)
    else:
        covariance = meat(by[errors.cluster[0][0]])
    # The interacted regression has one small-sample factor, the groups have each their own.
    factor = np.ones(groups)
    if errors.kind == "cluster":
        fewest = min(len(np.unique(by[one[0]])) for one in errors.cluster)
        factor = np.repeat(fewest / (fewest - 1) * (100 - 1) / (100 - 3), groups)
        df = fewest - 1
    else:
        df = len(x) - x.shape[1]
    scale = np.sqrt(np.repeat(factor, 3))
    covariance = covariance * scale * scale[:, None]
    for name, of in (("x", [1]), ("z", [2]), ("constant", [0]), ("all slopes", [1, 2])):
        restrictions = np.zeros((3 * len(of), len(b)))
        for i, term in enumerate(of):
            for g in range(1, groups):
                restrictions[i * 3 + g - 1, [term, 3 * g + term]] = -1, 1
        apart, spread = restrictions @ b, restrictions @ covariance @ restrictions.T
        tested = outcome_of(found, f"{name} equal across year")
        if np.linalg.matrix_rank(spread) < len(spread):
            assert tested.statistic is None
            continue
        statistic = apart @ np.linalg.solve(spread, apart) / len(apart)
        assert tested.statistic == pytest.approx(statistic, rel=1e-9)
        assert (tested.df1, tested.df2) == (len(apart), df)
        assert tested.p_value == pytest.approx(stats.f.sf(statistic, len(apart), df), rel=1e-8)


def test_two_groups_have_the_interaction_as_their_difference() -> None:
    rows = draw(2)
    found = estimate("y ~ x + z", rows, split={"by": "half"}, errors=FIRM)
    half = rows.number("half")
    x = columns(rows, ["x", "z"])
    theirs = sm.OLS(rows.number("y"), np.column_stack([x, x * half[:, None]])).fit(
        cov_type="cluster", cov_kwds={"groups": rows.firm, "use_correction": False}
    )
    tested = outcome_of(found, "x equal across half")
    assert tested.estimate == pytest.approx(theirs.params[4], rel=1e-10)
    # CR0 there; here each group has its factor, both within 2 per cent of one.
    assert tested.std_error == pytest.approx(theirs.bse[4], rel=0.02)


def test_classical_groups_are_independent() -> None:
    found = estimate("y ~ x", draw(3), split={"by": "half"}, errors=Errors("classical"))
    errors = [part(found, half=level).inference.std_errors[1] for level in ("0", "1")]
    assert outcome_of(found, "x equal across half").std_error == pytest.approx(np.hypot(*errors), rel=1e-12)


def test_groups_share_the_first_stage() -> None:
    """An error of the first stage that moves both groups alike does not blur their difference."""
    rows, rng = draw(4, 200), np.random.default_rng(0)
    gradient = rows.number("x")[:, None] * 10  # the outcome moves with x: so do both slopes, alike
    stage = productivity(rows.number("y"), gradient, [group_fit(np.arange(50), rng.normal(size=(50, 1)))])
    found = estimate("y ~ x", rows, split={"by": "half"}, stage=stage)
    alone = estimate("y ~ x", rows, split={"by": "half"}, stage=stage, tfp_uncertainty="ignore")
    carried = [part(found, half=level).inference.std_errors[1] for level in ("0", "1")]
    assert min(carried) > 10 * part(alone, half="1").inference.std_errors[1]
    # What is left is due to the groups' own small-sample factors, which differ by one per cent.
    mine, theirs = (outcome_of(one, "x equal across half").std_error for one in (found, alone))
    assert mine is not None
    assert mine < 0.1 * min(carried)
    assert mine == pytest.approx(theirs, rel=0.3)


def test_rows_without_a_group_are_counted_and_leave() -> None:
    base = draw(5)
    half = base.number("half").copy()
    half[:37] = np.nan
    rows = selection({name: base.number(name) for name in ("y", "x")} | {"half": half}, base.firm.tolist(),
                     base.year.tolist())  # fmt: skip
    found = estimate("y ~ x", rows, split={"by": "half"})
    assert found.dropped == {"half is missing": 37}
    assert found.n_obs == len(half) - 37 == sum(one.n_obs for one in found.parts[1:])
    assert found.coefficients == pytest.approx(estimate("y ~ x", rows.take(~np.isnan(half))).coefficients, abs=0)


def test_a_group_that_cannot_be_estimated_is_named() -> None:
    base = draw(6)
    size = ["big" if place < 2 else ("mid" if place % 2 else "small") for place in range(len(base.rows))]
    rows = selection({"y": base.number("y"), "x": base.number("x"), "z": base.number("z"), "size": size},
                     base.firm.tolist(), base.year.tolist())  # fmt: skip
    found = estimate("y ~ x + z", rows, split={"by": "size"})
    failed = part(found, size="big")
    assert (failed.terms, failed.n_obs) == ((), 2)
    assert failed.reason.startswith("2 rows are too few for 3 terms")
    assert any(note.startswith("size big was not estimated (1 firm): 2 rows are too few") for note in found.notes)
    assert outcome_of(found, "x equal across size").df1 == 1
    assert found.n_obs == len(base.rows)


def test_base_levels_are_those_of_all_rows_where_a_group_has_them() -> None:
    found = estimate("ln_tfp ~ ai + nace", split={"by": "size"})
    base = found.reference["nace"]
    for one in found.parts[1:]:
        assert f"nace[{base}]" not in one.terms
    rows = reference_panel()
    keep = ~((rows.columns["size"].codes == 3) & (rows.columns["nace"].codes  # type: ignore[union-attr]
              == rows.columns["nace"].levels.index(base)))  # type: ignore[union-attr]  # fmt: skip
    found = estimate("ln_tfp ~ ai + nace", rows.take(keep), split={"by": "size"}, reference={"nace": base})
    last = found.parts[-1]
    assert last.terms
    assert sum(term.startswith("nace[") for term in last.terms) < len(rows.columns["nace"].levels)  # type: ignore[union-attr]
    # The others still share a base level: their constants and levels can be compared, hers not.
    assert outcome_of(found, "constant equal across size").df1 == 2
    assert outcome_of(found, "ai equal across size").df1 == 3


def test_what_makes_the_groups_may_stand_in_the_formula() -> None:
    rows = draw(7)
    plain = estimate("y ~ x + z", rows, split={"by": "half"})
    for formula in ("y ~ x + z + half", "y ~ x + z + half + half:x"):
        found = estimate(formula, rows, split={"by": "half"})
        for level in ("0", "1"):
            assert part(found, half=level).coefficients == pytest.approx(
                part(plain, half=level).coefficients, rel=1e-12
            )
    found = estimate("y ~ x + year", rows, split={"by": "year"})
    assert part(found, year="2021").terms == ("constant", "x")
    assert not any("2021 in every row" in note for note in found.notes)


def test_effects_are_swept_out_of_each_group() -> None:
    rows = draw(8)
    found = estimate("y ~ x + z | firm", rows, split={"by": "nace"})
    alone = estimate("y ~ x + z | firm", inside(rows, "nace", "C"))
    one = part(found, nace="C")
    assert one.coefficients == pytest.approx(alone.coefficients, abs=0)
    assert one.inference.std_errors == pytest.approx(alone.std_errors, abs=0)
    # Firms lie within sectors: the groups are independent, and the difference is that of independent estimates.
    two = estimate("y ~ x + z | firm", rows.take(rows.columns["nace"].codes < 2), split={"by": "nace"})  # type: ignore[union-attr]
    errors = [part(two, nace=level).inference.std_errors[0] for level in ("A", "B")]
    assert outcome_of(two, "x equal across nace").std_error == pytest.approx(np.hypot(*errors), rel=1e-10)


def test_balanced_groups_are_balanced_each_by_itself() -> None:
    rows = draw(12)
    balance = {"method": "entropy", "covariates": ("x",)}
    found = estimate("y ~ half + x", rows, split={"by": "nace"}, balance=balance)
    alone = estimate("y ~ half + x", inside(rows, "nace", "B"), balance=balance)
    mine = [one for one in found.parts if one.group == {"nace": "B"}]
    assert [one.estimator for one in mine] == ["entropy_balancing", "unbalanced"]
    for part_, other in zip(mine, alone.parts, strict=True):
        assert part_.coefficients == pytest.approx(other.coefficients, rel=1e-10)
        assert part_.inference.std_errors == pytest.approx(other.inference.std_errors, rel=1e-10)
    # Firms lie within sectors, and weights are estimated within them: the groups are independent.
    two = estimate("y ~ half + x", rows.take(rows.columns["nace"].codes < 2), split={"by": "nace"}, balance=balance)  # type: ignore[union-attr]
    errors = [part(two, nace=level).inference.std_errors[1] for level in ("A", "B")]
    assert outcome_of(two, "half equal across nace").std_error == pytest.approx(np.hypot(*errors), rel=1e-10)
    for keys in ({"add_controls": [["z"]]}, {"sensitivity": {"oster": {"term": "half"}}}):
        with pytest.raises(ValidationError, match="beside balance"):
            estimate("y ~ half + x", rows, balance=balance, **keys)


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("x", "x is a number with 400 values among these rows, which make no groups; make classes of it: cut\\(x"),
        ("one", "one is 1 in every row: there is nothing to split"),
        ("none", "none is missing in every row"),
    ],
)
def test_what_makes_no_groups_is_refused(by: str, said: str) -> None:
    base = draw(9)
    n = len(base.rows)
    rows = selection({"y": base.number("y"), "x": base.number("x"), "one": np.ones(n), "none": np.full(n, np.nan)})
    with pytest.raises(EstimationError, match=said):
        estimate("y ~ x" if by != "x" else "y ~ one -1", rows, split={"by": by})


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_neither_units_nor_order_nor_names_matter(seed: int) -> None:
    rows, rng = draw(seed, 120), np.random.default_rng(seed)
    found = estimate("y ~ x + z", rows, split={"by": "half"})
    order = rng.permutation(len(rows.rows))
    names = rng.permutation(1000)[: len(np.unique(rows.firm))]
    moved = selection(
        {"y": rows.number("y")[order] * 1e3, "x": rows.number("x")[order], "z": rows.number("z")[order] / 7,
         "half": 1 - rows.number("half")[order]},
        names[rows.firm[order]].tolist(), rows.year[order].tolist(),
    )  # fmt: skip
    again = estimate("y ~ x + z", moved, split={"by": "half"})
    assert {one.test: one.statistic for one in again.tests} == pytest.approx(
        {one.test: one.statistic for one in found.tests}, rel=1e-8
    )


def test_the_size_of_the_test_is_right() -> None:
    """Groups that are alike: five per cent of tests reject, within three Monte Carlo errors of 250 draws."""
    rejected = 0
    for seed in range(250):
        found = estimate("y ~ x", draw(seed, 200), split={"by": "half"})
        p = outcome_of(found, "x equal across half").p_value
        rejected += p is not None and p < 0.05
    assert abs(rejected / 250 - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 250)
