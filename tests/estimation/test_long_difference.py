"""Changes over a window against regressions on differences made by hand, and special cases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation.designs import cross_section, fixed_effects
from estimation.designs.long_difference import Options, fit
from estimation.results import Estimates
from panels.frame import NumberColumn, Selection, TextColumn
from specs.errors import EstimationError
from specs.expressions import parse_expression
from specs.uncertainty import Errors
from tests.estimation.rows import did_panel, selection

# Two ways to solve the same normal equations, in double precision.
SAME = 1e-10
FIRM, NACE = Errors("cluster", (("firm",),)), Errors("cluster", (("nace",),))
YEARS = (2017, 2020, 2021, 2023)


def messy(seed: int = 5, firms: int = 260) -> pd.DataFrame:
    """Firms that come and go, with holes; ai is asked in 2021 and 2023, as surveys do."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({"firm": np.repeat(np.arange(firms), len(YEARS)), "year": np.tile(YEARS, firms)})
    n = len(frame)
    frame["ai"] = np.where(frame.year >= 2021, draw.integers(0, 2, n), np.nan)
    frame["x"] = draw.normal(size=n) + 0.1 * (frame.firm % 7)
    frame["z"] = draw.uniform(1, 9, n)
    frame["nace"] = np.array(["A", "B", "C", "D"])[(frame.firm % 4 + draw.integers(0, 2, n)) % 4]
    frame["region"] = np.array(["N", "S", "W"])[frame.firm % 3]
    frame["w"] = draw.uniform(0.5, 3, n)
    frame["y"] = frame.firm * 0.1 + 0.05 * frame.x * (frame.year - 2017) + draw.normal(size=n)
    for column, share in (("x", 0.05), ("y", 0.06), ("z", 0.03)):
        frame.loc[draw.uniform(size=n) < share, column] = np.nan
    return frame[draw.uniform(size=n) > 0.12].reset_index(drop=True)


def rows_of(frame: pd.DataFrame) -> Selection:
    columns = {
        name: frame[name].tolist() if frame[name].dtype.kind in "OUT" else frame[name].to_numpy(float)
        for name in frame.columns
        if name not in ("firm", "year")
    }
    return selection(columns, frame.firm.to_numpy(), frame.year.to_numpy())


def estimate(rows: Selection, kept: Selection | None = None, **keys: Any) -> Estimates:
    keys = {"outcome": "y", "window": [2020, 2023], "formula": "ai + x + nace", "at_end": ("ai",), **keys}
    return fit("m", Options.model_validate(keys), rows if kept is None else kept, None, rows)


def by_hand(frame: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    """The two years of each firm side by side, with the change of y."""
    both = frame[frame.year == first].merge(frame[frame.year == last], on="firm", suffixes=("", "_end"))
    return both.assign(change=both.y_end - both.y)


def solved(d: pd.DataFrame, right: list[str], weights: str | None = None) -> tuple[Any, list[str]]:
    """Statsmodels' regression of the change, and the names of its terms; texts as indicators."""
    used = d.dropna(subset=["change", *right, *([weights] if weights else [])])
    x = pd.DataFrame({"constant": np.ones(len(used))}, index=used.index)
    for name in right:
        if used[name].dtype.kind in "OUT":
            base = used[name].value_counts().sort_index().idxmax()
            for level in sorted(set(used[name]) - {base}):
                x[f"{name}[{level}]"] = (used[name] == level).astype(float)
        else:
            x[name.removesuffix("_end")] = used[name]
    model = sm.OLS(used.change, x) if weights is None else sm.WLS(used.change, x, weights=used[weights])
    return model, list(x.columns)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("kind", ["classical", "HC0", "HC1", "HC2", "HC3", "cluster"])
def test_as_statsmodels_on_differences_made_by_hand(kind: str, weights: str | None) -> None:
    frame = messy()
    found = estimate(rows_of(frame), weights=weights, errors=NACE if kind == "cluster" else Errors(kind))
    model, terms = solved(by_hand(frame, 2020, 2023), ["ai_end", "x", "nace"], weights)
    if kind == "cluster":
        codes = by_hand(frame, 2020, 2023).loc[model.data.row_labels, "nace"]
        theirs = model.fit(cov_type="cluster", cov_kwds={"groups": codes.astype("category").cat.codes})
    else:
        theirs = model.fit(cov_type="nonrobust" if kind == "classical" else kind)
    assert found.terms == tuple(terms)
    assert found.n_obs == found.n_firms == int(theirs.nobs)
    assert found.coefficients == pytest.approx(theirs.params.to_numpy(), rel=SAME)
    assert found.std_errors == pytest.approx(theirs.bse.to_numpy(), rel=SAME)
    assert found.stats["r2"] == pytest.approx(theirs.rsquared, rel=1e-9)


def test_columns_at_the_end_and_as_changes() -> None:
    frame = messy()
    found = estimate(rows_of(frame), formula="ai + x + log(z) + z:ai", difference=("x",), at_end=("ai",))
    d = by_hand(frame, 2020, 2023)
    d = d.assign(x_was=d.x, x=d.x_end - d.x, lz=np.log(d.z), zai=d.z * d.ai_end)
    theirs, _ = solved(d, ["ai_end", "x", "lz", "zai"])
    theirs = theirs.fit(cov_type="HC1")
    assert found.terms == ("constant", "ai", "x", "log(z)", "z:ai")
    assert found.coefficients == pytest.approx(theirs.params.to_numpy(), rel=SAME)
    assert found.std_errors == pytest.approx(theirs.bse.to_numpy(), rel=SAME)


def test_the_placebo_rests_on_the_firms_of_the_window_with_their_exceptions() -> None:
    frame = messy()
    found = estimate(rows_of(frame), placebo=[2017, 2020], formula="ai + x + z + nace", difference=("z",))
    d = by_hand(frame, 2020, 2023).assign(z=lambda one: one.z_end - one.z)
    used = d.dropna(subset=["change", "ai_end", "x", "z"])
    before = by_hand(frame, 2017, 2020).merge(used[["firm", "ai_end", "z"]], on="firm", suffixes=("_before", "_main"))
    assert 50 < len(before) < len(used)
    before = before.assign(ai_end=before.ai_end_main, z=before.z_main)
    # The base level is that of the window, whatever is most frequent three years before.
    base = found.reference["nace"]
    x = [np.ones(len(before)), before.ai_end, before.x, before.z]
    x += [(before.nace == level).astype(float) for level in "ABCD" if level != base]
    keep = before[["change", "x"]].notna().all(axis=1)
    theirs = sm.OLS(before.change[keep], np.column_stack(x)[keep]).fit(cov_type="HC1")
    main, placebo = found.parts
    assert (main.window, main.estimator, placebo.window, placebo.estimator) == (
        (2020, 2023), "ols", (2017, 2020), "placebo",
    )  # fmt: skip
    assert main.coefficients.tolist() == found.coefficients.tolist()
    assert placebo.n_obs == placebo.n_firms == int(keep.sum())
    assert placebo.coefficients == pytest.approx(theirs.params.to_numpy(), rel=SAME)
    assert placebo.inference.std_errors == pytest.approx(theirs.bse.to_numpy(), rel=SAME)
    said = next(note for note in found.notes if note.startswith("2017-2020, placebo: firms of 2020-2023"))
    assert f"{len(used) - len(before)} firms: not seen in 2017" in said


def test_windows_are_estimates_of_their_own() -> None:
    rows = rows_of(messy())
    keys: dict[str, Any] = {"formula": "x + nace", "at_end": (), "reference": {"nace": "A"}}
    found = estimate(rows, window=[[2020, 2023], [2017, 2021]], **keys)
    for part, window in zip(found.parts, ([2020, 2023], [2017, 2021]), strict=True):
        alone = estimate(rows, window=window, **keys)
        assert (part.window, part.n_obs) == (tuple(window), alone.n_obs)
        assert part.coefficients.tolist() == alone.coefficients.tolist()
        assert part.inference.std_errors.tolist() == alone.std_errors.tolist()
    assert found.coefficients.tolist() == found.parts[0].coefficients.tolist()


def test_two_periods_with_effects_of_firms_and_years() -> None:
    """With nothing but treatment, changes on its changes are the regression with firm and year effects."""
    rows = did_panel()
    both = rows.take(np.isin(rows.year, (2020, 2023)))
    both = both.take(np.bincount(both.firm)[both.firm] == 2)
    within = fixed_effects.fit(
        "m", fixed_effects.Options.model_validate({"formula": "ln_tfp ~ ai | firm + year"}), both, None
    )
    found = estimate(rows, outcome="ln_tfp", formula="ai", at_end=(), difference=("ai",), errors=FIRM)
    n = found.n_obs
    assert within.n_obs == 2 * n
    assert found.coefficients[1] == pytest.approx(within.coefficients[0], rel=SAME)
    # Both are CR0 times G/(G-1) and (N-1)/(N-K); with 2n rows K counts the slope, the constant and a year.
    factor = ((n - 1) / (n - 2)) / ((2 * n - 1) / (2 * n - 3))
    assert found.std_errors[1] == pytest.approx(within.std_errors[0] * np.sqrt(factor), rel=1e-9)


def test_effects_behind_the_bar_are_indicators_written_out() -> None:
    rows = rows_of(messy())
    swept = estimate(rows, formula="ai + x | nace^region")
    written = estimate(rows, formula="ai + x + nace:region -1")
    alone = swept.dropped.get("alone in its level of nace^region (singleton)", 0)
    assert alone == 0
    assert swept.coefficients == pytest.approx(written.coefficients[:2], rel=SAME)
    assert swept.effects == {"nace^region": 12}
    assert "effects of firms" not in " ".join(swept.notes)


def test_where_and_weights_and_clusters_are_those_of_the_start() -> None:
    frame = messy()
    rows = rows_of(frame)
    kept = rows.take((rows.number("z") > 4) & ~np.isnan(rows.number("z")))
    found = estimate(rows, kept, where=parse_expression("z > 4"), weights="w", errors=NACE)
    d = by_hand(frame, 2020, 2023)
    model, _ = solved(d[d.z > 4], ["ai_end", "x", "nace"], "w")
    assert found.coefficients == pytest.approx(model.fit().params.to_numpy(), rel=SAME)
    assert found.errors.clusters == {"nace": 4}
    assert "z > 4" in found.notes[-1]


def test_every_row_of_the_panel_is_accounted_for() -> None:
    frame = messy()
    rows = rows_of(frame)
    kept = rows.take(rows.number("z") > 3)
    found = estimate(rows, kept, where=parse_expression("z > 3"))
    assert found.rows_in == len(frame)
    assert sum(found.dropped.values()) + found.n_obs == len(frame)
    first, last = (set(frame.firm[frame.year == year]) for year in (2020, 2023))
    start = frame[frame.year == 2020]
    assert found.dropped["where is not true in 2020"] == int((~(start.z > 3)).sum())
    assert found.dropped["not seen in 2020"] == len(last - first)
    assert found.dropped["not seen in 2023"] == len(set(start.firm[start.z > 3]) - last)
    assert found.dropped["joined to the firm's row of 2020"] == len(first & last)
    assert {"y of 2020 is missing", "y of 2023 is missing", "x of 2020 is missing"} <= found.dropped.keys()
    assert "z of 2020 is missing" not in found.dropped, "where has said so already"


def shuffled(rows: Selection, seed: int) -> Selection:
    """The same firms under other codes, so that they come in another order."""
    firms = np.random.default_rng(seed).permutation(int(rows.firm.max()) + 1)
    order = np.lexsort((rows.year, firms[rows.firm]))
    moved = rows.take(order)
    return as_panel(replace(moved, firm=firms[moved.firm]), dict(moved.columns))


def as_panel(rows: Selection, columns: dict[str, NumberColumn | TextColumn]) -> Selection:
    n = rows.firm.size
    return Selection(np.arange(n), rows.firm, rows.year, columns, n, {})


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), unit=st.sampled_from([1e-4, 3.0, 1e5]), shift=st.floats(-50, 50))
def test_what_must_not_matter_does_not(seed: int, unit: float, shift: float) -> None:
    """The order and codes of firms, other years, a level that the outcome holds in every year, units."""
    rows = rows_of(messy(seed % 7, 120))
    plain = estimate(rows, placebo=[2017, 2020])
    other = rows.take(rows.year != 2021)
    y = other.number("y") * unit + shift + np.random.default_rng(seed).normal(size=130)[other.firm] * unit
    columns = {**other.columns, "y": NumberColumn(y), "x": NumberColumn(other.number("x") * 100)}
    moved = estimate(shuffled(as_panel(other, columns), seed), placebo=[2017, 2020])
    units = np.array([unit / 100 if term == "x" else unit for term in plain.terms])
    # The shift is up to fifty standard deviations of a change in the smallest unit: digits go with it.
    digits = {"rel": 1e-7, "abs": 1e-9 * unit + 1e-12 * abs(shift)}
    for before, after in zip(plain.parts, moved.parts, strict=True):
        assert after.n_obs == before.n_obs
        assert after.coefficients == pytest.approx(before.coefficients * units, **digits)
        assert after.inference.std_errors == pytest.approx(before.inference.std_errors * units, **digits)


def test_recovery() -> None:
    """Growth that depends on a status that is known at the end, and on size at the start."""
    draw, n = np.random.default_rng(9), 4000
    size, ai = draw.normal(size=n), draw.integers(0, 2, n)
    level = draw.normal(0, 5, n) + 2 * ai
    growth = 0.02 + 0.05 * ai - 0.03 * size + draw.normal(0, 0.1, n) * (1 + ai)
    before = level - 0.01 + 0.04 * size + draw.normal(0, 0.1, n)
    rows = selection(
        {
            "y": np.column_stack([before, level, level + growth]).ravel(),
            "ai": np.column_stack([np.full((n, 2), np.nan), ai]).ravel(),
            "size": np.column_stack([size, size, size + 9]).ravel(),
        },
        np.repeat(np.arange(n), 3), np.tile([2017, 2020, 2023], n),
    )  # fmt: skip
    found = estimate(rows, formula="ai + size", placebo=[2017, 2020])
    for part, truth in zip(found.parts, ([0.02, 0.05, -0.03], [0.01, 0, -0.04]), strict=True):
        # Four standard errors: one seed in two thousand has a term of six beyond them.
        assert np.all(np.abs(part.coefficients - truth) < 4 * part.inference.std_errors)


def test_a_cross_section_of_differences_made_by_hand_is_the_same() -> None:
    frame = messy()
    d = by_hand(frame, 2020, 2023).drop(columns=["ai", "year", "year_end"]).rename(columns={"ai_end": "ai"})
    keys = {"formula": "change ~ ai + x + nace", "errors": Errors("HC3")}
    theirs = cross_section.fit("m", cross_section.Options.model_validate(keys), rows_of(d.assign(year=2020)), None)
    found = estimate(rows_of(frame), errors=Errors("HC3"))
    assert found.coefficients == pytest.approx(theirs.coefficients, rel=SAME)
    assert found.std_errors == pytest.approx(theirs.std_errors, rel=SAME)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"window": [2019, 2023]}, "the panel has no row in 2019; its years are 2017, 2020, 2021, 2023"),
        ({"window": [2017, 2020]}, "no firm is left between 2017 and 2020"),
        ({"at_end": ()}, "no firm is left between 2020 and 2023"),
        ({"at_end": (), "formula": "zero + x"}, "zero is zero in every row.*columns are those of 2020, unless at_end"),
        ({"placebo": [2019, 2020]}, "2019-2020, placebo: the panel has no row in 2019"),
        ({"difference": ("nace",)}, "nace is text, which has no difference between two years"),
    ],
)
def test_what_cannot_be_estimated_says_why(keys: dict[str, Any], said: str) -> None:
    frame = messy()
    frame["zero"] = np.where(frame.year == 2023, 1.0, 0.0)
    with pytest.raises(EstimationError, match=said):
        estimate(rows_of(frame), **keys)
