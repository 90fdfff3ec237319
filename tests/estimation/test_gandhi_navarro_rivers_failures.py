"""What a user of Gandhi, Navarro and Rivers can do wrong, and what the answer says; garbage gives no traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from estimation.productivity import gandhi_navarro_rivers as gnr
from estimation.productivity import wlp
from estimation.productivity.gnr.markov_step import markov_step
from panels.frame import NumberColumn, Selection
from specs.errors import EstimationError
from tests.estimation.firms import fitted as fitted_by
from tests.estimation.firms import with_columns
from tests.estimation.gross_output_firms import cobb_douglas, fitted, options, simulate

PAGE = (Path(__file__).parents[2] / "docs/estimators/gandhi_navarro_rivers.md").read_text(encoding="utf-8")
# The page's table of technologies: three elasticities and the norm of the proxy's moments.
PAGE_ROWS = [
    [float(cell) for cell in line.strip("| ").split("|")[1:]]
    for line in PAGE.splitlines()
    if line.startswith(("| a = ", "| off the line"))
]
ROWS = simulate(120, 1)
N = ROWS.n_panel
NUMBER = {name: ROWS.number(name) for name in ("y", "l", "k", "m", "s")}


@pytest.mark.parametrize(
    ("columns", "keys", "said"),
    [
        ({"m": np.full(N, 3.0)}, {}, '"m" does not vary'),
        ({"m": 2 * NUMBER["k"] - NUMBER["l"]}, {}, '"m" is a linear function of l, k'),
        ({"k": NUMBER["l"] + 1.0}, {}, '"k" is a linear function of l'),
        ({"l": (NUMBER["l"] > 2).astype(float)}, {}, r"rank-deficient: l\^2 is a combination.*lower the degree"),
        ({"s": np.exp(NUMBER["s"])}, {}, "the share itself and not its log"),
        ({"s": np.full(N, np.nan)}, {}, "0 firms with a value in every column it needs"),
        ({"z": NUMBER["k"].copy()}, {"controls": ("z",)}, "the instrument k of the second stage.*no variation"),
        ({}, {"min_firms": 121}, "120 firms with a year before, where min_firms asks for 121"),
        ({"y": NUMBER["m"] * 0.55, "s": np.full(N, np.log(0.55))}, {}, "productivity does not vary"),
        ({"s": np.where(np.arange(N) % 40 == 0, -25.0, NUMBER["s"])}, {}, "share equation of m did not converge"),
    ],
)
def test_what_cannot_be_estimated_is_told(columns: dict[str, Any], keys: dict[str, Any], said: str) -> None:
    with pytest.raises(EstimationError, match=rf"productivity\.tfp: .*{said}"):
        fitted(with_columns(ROWS, **columns), **keys)


def test_a_panel_without_consecutive_years_is_told() -> None:
    kept = ROWS.year % 2 == 0
    columns = {name: NumberColumn(values[kept]) for name, values in NUMBER.items()}
    rows = Selection(np.arange(kept.sum()), ROWS.firm[kept], ROWS.year[kept], columns, int(kept.sum()), {})
    with pytest.raises(EstimationError, match="0 firms have a year before among 360 complete rows"):
        fitted(rows)


def test_more_parameters_than_rows_bear_are_told() -> None:
    with pytest.raises(EstimationError, match=r"150 rows with a year before, where 54 parameters need 270"):
        fitted(simulate(50, 2, n_years=4), degree=4)


@pytest.mark.parametrize("tails", [-1.0, 2.0])
def test_shares_above_one_are_counted_and_kept(tails: float) -> None:
    share = np.where(np.arange(N) % 20 == 0, tails, NUMBER["s"])
    group = fitted(with_columns(ROWS, s=share)).groups[0]
    above = int(np.count_nonzero(share > 0))
    assert group.diagnostics["shares_above_one"] == above
    assert any(f"{above} of {N} rows have a share of m in revenue above one" in note for note in group.notes) == (
        above > 0
    )


def test_a_constant_control_is_left_out_and_said() -> None:
    group = fitted(with_columns(ROWS, z=np.ones(N)), controls=("z",)).groups[0]
    assert "control z is constant here and left out" in group.notes
    np.testing.assert_allclose(group.coefficients, fitted(ROWS).groups[0].coefficients, rtol=1e-12)


def test_rows_beyond_the_polynomial_are_counted() -> None:
    """A row outside `where` with inputs far from all others: its fitted share is no share."""
    far = with_columns(ROWS, l=np.where(np.arange(N) == 3, 60.0, NUMBER["l"]))
    use = np.arange(N) != 3
    fit = gnr.fit("tfp", options(degree=1, tfp_from="control_function"), far, use)
    assert any("in 1 row outside the estimation sample the fitted share of m is zero or less" in n for n in fit.notes)
    assert np.isnan(fit.values[3])
    assert np.isfinite(np.delete(fit.values, 3)).all()
    assert np.isfinite(gnr.fit("tfp", options(degree=1), far, use).values).all()


def test_garbage_is_estimated_or_told() -> None:
    rng = np.random.default_rng(9)
    wild = {
        "y": rng.normal(size=N),
        "l": NUMBER["l"] + 2 * rng.standard_t(1.5, N),
        "k": NUMBER["k"] * 1e-8,
        "m": np.where(np.arange(N) == 5, 60.0, NUMBER["m"]),
        "s": rng.normal(-1, 3, N),
    }
    names = sorted(wild)  # k always, the others in every combination
    for mask in range(1, 32, 2):
        columns = {name: wild[name] for bit, name in enumerate(names) if mask >> bit & 1}
        try:
            group = fitted(with_columns(ROWS, **columns)).groups[0]
        except EstimationError:
            continue
        assert np.isfinite(group.coefficients).all()
        assert np.isfinite(group.inference.std_errors).all()
        assert group.diagnostics["scaled_moment_norm"] < 1e-8


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"state": ()}, "an empty list"),
        ({"proxy": "y"}, 'the column "y" is output already'),
        ({"free": ("m",)}, 'the column "m" is proxy already'),
        ({"controls": ("k",)}, 'the column "k" is state already'),
        ({"share": "m"}, 'the column "m" is proxy already'),
        ({"degree": 3, "constant_degree": 2}, "constant_degree 2 is below degree 3"),
        ({"degree": 5}, "less than or equal to 4"),
        ({"steps": 2}, "Extra inputs"),
    ],
)
def test_mistakes_of_the_spec(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        options(**keys)


def test_the_constant_of_integration_is_as_rich_as_the_share_unless_written() -> None:
    assert options().degrees == (2, 2, 3)
    assert options(degree=3).degrees == (3, 3, 3)
    assert options(degree=1, constant_degree=3).degrees == (1, 3, 3)
    assert options(degree=3).model_dump()["constant_degree"] == 3


def test_a_proxy_alone_does_not_identify_its_own_elasticity() -> None:
    """Theorem 1 of Gandhi, Navarro and Rivers (2020): the moments of a proxy do not tell a line of technologies apart.

    With m = M(l, k, w) and its inverse w = N(l, k, m), the technologies f + a N with the productivity (1 - a) w fit
    every moment alike. Here the truth is Cobb-Douglas: N is linear, and the line is in its coefficients.
    """
    rows = simulate(2000, 21, technology=cobb_douglas, predetermined=True)
    l, k, m = (rows.number(name) for name in "lkm")  # noqa: E741
    phi = rows.number("y") - rows.number("e")
    now = np.flatnonzero(rows.firm[1:] == rows.firm[:-1]) + 1
    x = np.column_stack([l, k, m])
    step = markov_step((phi[now], phi[now - 1]), (x[now], x[now - 1]), np.column_stack([l[now], k[now], m[now - 1]]))
    truth, inverse = np.array([0.25, 0.15, 0.55]), np.array([-0.25, -0.15, 0.45])

    def norm(b: Any) -> float:
        point = step._point(step.inner(b))
        assert point is not None
        return point.norm

    assert len(PAGE_ROWS) == 7
    for shown in PAGE_ROWS:
        assert norm(np.array(shown[:3])) == pytest.approx(shown[3], abs=0.00005)
    at_truth = norm(truth)
    assert at_truth < 0.02
    for a in (-0.5, 0.25, 0.5, 0.75):
        # The innovation is (1 - a) times the true one: its correlation with any instrument is the same number.
        assert norm(truth + a * inverse) == pytest.approx(at_truth, rel=1e-6)
    for off in np.eye(3) * 0.05:
        assert norm(truth + off) > 5 * at_truth
    # What the proxy leaves open, the share equation closes.
    group = fitted(rows, free=(), state=("l", "k")).groups[0]
    assert np.all(np.abs(group.coefficients - truth) < 3 * group.inference.std_errors)
    pairs = zip(group.coefficients, group.inference.std_errors, strict=True)
    assert "{} ({}), {} ({}) and {} ({})".format(*(f"{x:.4f}" for pair in pairs for x in pair)) in PAGE


def test_the_lag_of_the_proxy_is_no_instrument_of_the_proxy() -> None:
    rows = with_columns(ROWS, m2=NUMBER["m"].copy())
    with pytest.raises(EstimationError, match=r'the free input "lag\(m\)" has no variation of its own'):
        fitted_by(rows, wlp, free=("l", "m"), proxy="m2")


def test_a_proxy_that_stands_still_in_many_rows_is_told() -> None:
    m = np.where(np.arange(N) % 5 < 2, -0.4, NUMBER["m"])
    notes = fitted(with_columns(ROWS, m=m)).groups[0].notes
    assert any(note.startswith("40 per cent of the rows have m = -0.4: a proxy that stands still") for note in notes)
    assert not any("stands still" in note for note in fitted(ROWS).groups[0].notes)
