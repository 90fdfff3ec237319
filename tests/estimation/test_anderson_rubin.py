"""The Anderson-Rubin test and its set: brute force, a fine grid, every shape, coverage where instruments are weak."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from estimation.iv.anderson_rubin import AndersonRubin, Joint, anderson_rubin
from estimation.results import FloatArray, ProductivityFit
from panels.frame import Selection
from tests.estimation.iv_rows import estimate, firms, ols, with_columns
from tests.estimation.rows import group_fit, productivity, selection

FIRM: dict[str, Any] = {"cluster": ["firm"]}


def brute(rows: Selection, b: float, first: ProductivityFit | None = None, **keys: Any) -> tuple[float, float, float]:
    """Regress y - xb on the exogenous terms and the instruments, and test the instruments: F, p and its critical F."""
    rows = with_columns(rows, y=rows.number("y") - b * rows.number("x"))
    found = ols("y ~ c + z1 + z2 + z3", rows, first, **keys)
    at = [found.terms.index(name) for name in ("z1", "z2", "z3")]
    d, v = found.coefficients[at], found.covariance[np.ix_(at, at)]
    statistic = float(d @ np.linalg.solve(v, d)) / 3
    reference = stats.f(3, found.errors.df)
    return statistic, float(reference.sf(statistic)), float(reference.ppf(0.95))


@pytest.mark.parametrize("strength", [1.0, 0.3])
@pytest.mark.parametrize("errors", ["classical", "HC0", "HC1", FIRM, {"cluster": ["firm", "region"]}])
def test_the_ends_are_where_the_test_of_the_instruments_turns(errors: Any, strength: float) -> None:
    rows = valid(firms(5, 400, strength))
    keys = {"errors": errors, "weights": "w"}
    if errors == {"cluster": ["firm", "region"]}:
        # With three regions the covariance of three instruments would be singular.
        rows = with_columns(rows, region=[f"r{one:02d}" for one in rows.firm % 17])
    found = estimate("y ~ x + c", {"x": ("z1", "z2", "z3")}, rows, **keys).stats["anderson_rubin"]
    statistic, p_value, _ = brute(rows, 0.0, **keys)
    assert found["statistic"] == pytest.approx(statistic, rel=1e-8)
    assert found["p_value"] == pytest.approx(p_value, rel=1e-7)
    ends = [end for piece in found["pieces"] for end in piece if end is not None]
    assert ends
    for end in ends:
        statistic, _, critical = brute(rows, end, **keys)
        # The end is a root in b; the statistic's slope there is of the order of ten.
        assert statistic == pytest.approx(critical, rel=1e-7)
    for b in np.linspace(-3, 4, 29):
        statistic, _, critical = brute(rows, float(b), **keys)
        assert (statistic <= critical) == inside(found["pieces"], float(b))


def valid(rows: Selection) -> Selection:
    """Rows whose outcome `v` does not move, so that all three instruments move it through `x` alone."""
    return with_columns(rows, y=rows.number("y") + 0.3 * rows.number("v"))


def inside(pieces: Any, b: float) -> bool:
    return any((low is None or low <= b) and (high is None or b <= high) for low, high in pieces)


def test_the_first_stage_of_the_outcome_counts() -> None:
    rows, draw = valid(firms()), np.random.default_rng(7)
    codes = np.unique(rows.firm)
    first = productivity(
        rows.number("y"), draw.normal(size=(400, 2)), [group_fit(codes, 0.05 * draw.normal(size=(len(codes), 2)))]
    )
    wider = estimate("y ~ x + c", {"x": ("z1", "z2", "z3")}, rows, first, errors=FIRM)
    plain = estimate("y ~ x + c", {"x": ("z1", "z2", "z3")}, rows, errors=FIRM)
    found = wider.stats["anderson_rubin"]
    assert found["statistic"] == pytest.approx(brute(rows, 0.0, first, errors=FIRM)[0], rel=1e-8)
    for end in (found["low"], found["high"]):
        statistic, _, critical = brute(rows, end, first, errors=FIRM)
        assert statistic == pytest.approx(critical, rel=1e-7)
    width = [one["high"] - one["low"] for one in (found, plain.stats["anderson_rubin"])]
    assert width[0] > width[1]


def random_joint(draw: np.random.Generator) -> tuple[Joint, float]:
    m = int(draw.integers(1, 6))
    root = draw.normal(size=(2 * m, 2 * m + int(draw.integers(0, 4))))
    slope = draw.normal(size=m) * draw.choice([1, 5, 20])
    outcome = slope * draw.normal() * 3 + draw.normal(size=m) * draw.choice([0, 1, 3, 15])
    scale = 10.0 ** draw.integers(-4, 5)
    units = np.concatenate([np.ones(m), np.full(m, scale)])
    joint = Joint(outcome, scale * slope[:, None], root @ root.T * units * units[:, None], 100.0)
    return joint, float(slope @ outcome / (slope @ slope)) / scale


def test_the_set_is_that_of_a_fine_grid() -> None:
    """Random covariances in units from 1e-4 to 1e4: every kind of set, each as a grid of the whole line has it."""
    draw, shapes = np.random.default_rng(0), Counter[str]()
    for _ in range(150):
        joint, centre = random_joint(draw)
        found = anderson_rubin(joint, centre)
        if found is None:
            continue
        shapes[found.shape] += 1
        m = len(joint.on_outcome)
        critical = float(stats.f(m, joint.df).ppf(0.95))
        scale = 1 / np.abs(joint.on_endogenous).max()
        for b in centre + scale * np.tan(np.linspace(-1.57, 1.57, 201)):
            d, v = joint.at(np.array([b]))
            statistic = float(d @ np.linalg.solve(v, d)) / m
            if abs(statistic - critical) > 1e-6 * critical:
                assert (statistic <= critical) == any(low <= b <= high for low, high in found.pieces)
    assert set(shapes) >= {"interval", "pieces", "line", "empty"}


def set_of(outcome: list[float], slope: list[float], covariance: FloatArray) -> AndersonRubin:
    found = anderson_rubin(
        Joint(np.array(outcome), np.array(slope)[:, None], covariance, 100.0),
        float(np.dot(slope, outcome) / np.dot(slope, slope)),
    )
    assert found is not None
    return found


def test_one_instrument_is_a_quadratic() -> None:
    """Fieller's (1954) interval of a ratio: closed form."""
    q = stats.f(1, 100).ppf(0.95)
    for slope, shape in ((3.0, "interval"), (1.0, "pieces"), (1.0, "line")):
        y = 4.0 if shape == "pieces" else 0.5 if shape == "line" else 2.0
        found = set_of([y], [slope], np.array([[1.0, 0.3], [0.3, 1.0]]))
        # (y - b s)^2 <= q (1 - 0.6 b + b^2)
        roots = np.roots([slope**2 - q, -2 * y * slope + 0.6 * q, y**2 - q])
        assert found.shape == shape
        if shape != "line":
            ends = sorted(end for piece in found.pieces for end in piece if np.isfinite(end))
            assert ends == pytest.approx(sorted(roots.real), rel=1e-10)
        else:
            assert (np.abs(roots.imag) > 0).all()


def test_instruments_that_contradict_each_other_leave_nothing() -> None:
    assert set_of([5.0, -5.0], [5.0, 5.0], np.eye(4) / 10).shape == "empty"
    # `v` is left out, which z3 moves.
    found = estimate("y ~ x + c", {"x": ("z1", "z2", "z3")})
    region = found.stats["anderson_rubin"]
    assert (region["shape"], region["pieces"], region["low"]) == ("empty", [], None)
    assert found.stats["overidentification"]["p_value"] < 0.01


def test_an_effect_at_which_nothing_is_left_is_no_piece_of_the_set() -> None:
    """y - 2x is a multiple of z: no error is left there, and the test of z rejects without end."""
    draw = np.random.default_rng(0)
    z, other, u = draw.normal(size=(3, 5_000))
    x = 0.3 * z + u
    rows = selection({"y": x + u, "x": x, "z": z, "other": other})
    for instruments in (("z",), ("z", "other")):
        found = estimate("y ~ x", {"x": instruments}, rows).stats["anderson_rubin"]
        assert found["shape"] == "interval"
        assert found["low"] < 1 < found["high"] < 1.5


def test_several_endogenous_terms_have_a_test_and_no_set() -> None:
    found = estimate("y ~ x + v + c", {"x": ("z1", "z2"), "v": ("z3",)}).stats["anderson_rubin"]
    assert (found["shape"], found["pieces"], found["df1"]) == (None, [], 3)
    reduced = ols("y ~ c + z1 + z2 + z3")
    at = [reduced.terms.index(name) for name in ("z1", "z2", "z3")]
    d, v = reduced.coefficients[at], reduced.covariance[np.ix_(at, at)]
    assert found["statistic"] == pytest.approx(d @ np.linalg.solve(v, d) / 3, rel=1e-9)


def test_more_instruments_than_clusters_are_told() -> None:
    rows = with_columns(firms(), part=[f"p{one}" for one in firms().firm % 3])
    found = estimate("y ~ x + c", {"x": ("z1", "z2", "z3")}, rows, errors={"cluster": ["part"]})
    assert found.stats["anderson_rubin"] is None
    assert found.stats["first_stage_f"] is None
    assert any(note.startswith("no Anderson-Rubin test: the covariance of the coefficients of 3 instruments")
               for note in found.notes)  # fmt: skip


def test_coverage_with_a_weak_instrument() -> None:
    """The set covers the truth as often as it says where the t interval does not; 400 draws, seeded."""
    draw, covered, wald, n, draws = np.random.default_rng(2), 0, 0, 150, 400
    for _ in range(draws):
        z, u = draw.normal(size=n), draw.normal(size=n)
        x = 0.08 * z + 0.95 * u + 0.3 * draw.normal(size=n)
        scale = np.exp(0.5 * z)
        joint, low, high = robust(1.0 * x + scale * u, x, z)
        found = anderson_rubin(joint, float(joint.on_outcome[0] / joint.on_endogenous[0, 0]))
        assert found is not None
        covered += any(one <= 1.0 <= other for one, other in found.pieces)
        wald += low <= 1.0 <= high
    # Three Monte Carlo errors of 0.011.
    assert abs(covered / draws - 0.95) < 0.033
    assert wald / draws < 0.90


def robust(y: FloatArray, x: FloatArray, z: FloatArray) -> tuple[Joint, float, float]:
    """Return the joint coefficients of one instrument beside a constant, HC1, and the t interval."""
    n, z = len(y), z - z.mean()
    operator = z / (z @ z)
    slope = np.array([operator @ y, operator @ x])
    left = np.column_stack([y, x]) - np.array([y.mean(), x.mean()]) - z[:, None] * slope
    psi = operator[:, None] * left
    joint = Joint(slope[:1], slope[1:, None], n / (n - 2) * psi.T @ psi, n - 2)
    b = slope[0] / slope[1]
    lift = np.array([1.0, -b]) / slope[1]
    half = 1.98 * float(np.sqrt(lift @ joint.covariance @ lift))
    return joint, float(b - half), float(b + half)


def test_the_joint_covariance_of_a_design_is_the_one_above() -> None:
    draw = np.random.default_rng(1)
    z, u = draw.normal(size=150), draw.normal(size=150)
    x = 0.3 * z + u
    y = x + np.exp(z) * u
    joint, _, _ = robust(y, x, z)
    found = anderson_rubin(joint, float(joint.on_outcome[0] / joint.on_endogenous[0, 0]))
    assert found is not None
    of_design = estimate("y ~ x", {"x": ("z",)}, selection({"y": y, "x": x, "z": z}), errors="HC1")
    assert of_design.stats["anderson_rubin"]["shape"] == found.shape == "interval"
    assert of_design.stats["anderson_rubin"]["pieces"][0] == pytest.approx(found.pieces[0], rel=1e-9)
