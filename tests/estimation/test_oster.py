"""Oster's delta and bias-adjusted coefficient, against worlds in which what is not seen is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation.comparing.oster import Moments, selection_on_unobservables
from estimation.designs import cross_section, fixed_effects
from specs.uncertainty import Errors
from tests.estimation.rows import reference_panel, selection


def world(beta: float, on_seen: float, unseen: float, delta: float, noise: float, left: float) -> tuple[Moments, float]:
    """The moments of y = beta x + w1 + w2 + e with var(w1) = 1, and the R2 with all of it.

    x = on_seen w1 + on_unseen w2 + rest; w1 (an index of the controls) and w2 are unrelated, and delta is the selection
    on w2 relative to that on w1: cov(w2, x) / var(w2) = delta cov(w1, x) / var(w1).
    """
    on_unseen = delta * on_seen
    covariance = np.diag([1.0, unseen, left, noise])  # w1, w2, rest of x, e
    x, y = np.array([on_seen, on_unseen, 1, 0]), np.array([0.0, 1, 0, 1])
    y = beta * x + np.array([1.0, 1, 0, 1])
    w1 = np.array([1.0, 0, 0, 0])

    def cov(a: Any, b: Any) -> float:
        return float(a @ covariance @ b)

    base = cov(x, y) / cov(x, x)
    seen = np.array([x, w1])
    b = np.linalg.solve(seen @ covariance @ seen.T, seen @ covariance @ y)
    total = cov(y, y)
    rest = x - cov(x, w1) * w1
    all_seen = (total - noise) / total
    r2 = float(b @ seen @ covariance @ y) / total
    found = Moments(base, base * cov(x, y) / total, float(b[0]), r2, total, cov(x, x), cov(rest, rest))
    return found, all_seen


WORLDS = st.tuples(
    st.floats(-2, 2), st.floats(0.2, 2), st.floats(0.1, 2), st.floats(0.2, 3), st.floats(0.1, 3), st.floats(0.3, 3)
)


@settings(max_examples=200, deadline=None)
@given(WORLDS, st.sampled_from([-1.0, 1.0]))
def test_delta_is_the_selection_of_a_known_world(of: tuple[float, ...], sign: float) -> None:
    beta, on_seen, unseen, delta, noise, left = of
    moments, r2_max = world(beta, sign * on_seen, unseen, delta, noise, left)
    found = selection_on_unobservables(moments, r2_max, target=beta)
    # Rounding, enlarged where the controls hardly move the coefficient.
    assert found.delta == pytest.approx(delta, rel=1e-6)


@settings(max_examples=200, deadline=None)
@given(WORLDS)
def test_beta_is_that_of_a_world_with_equal_selection(of: tuple[float, ...]) -> None:
    beta, on_seen, unseen, _, noise, left = of
    moments, r2_max = world(beta, on_seen, unseen, 1.0, noise, left)
    found = selection_on_unobservables(moments, r2_max)
    roots = [found.beta_star, found.beta_star_other]
    assert min(abs(root - beta) for root in roots if root is not None) < 1e-6 * max(1, abs(beta))
    # Assumption 3: where the controls do not turn the sign of the bias, it is the root that is taken.
    if (moments.beta_base - moments.beta) * (moments.beta - beta) > 0:
        assert found.beta_star == pytest.approx(beta, rel=1e-6, abs=1e-6)
    # Both solve the quadratic of proposition 1; in delta itself numerator and denominator can vanish together.
    s, t, apart = moments.variance_x, moments.variance_rest, moments.beta_base - moments.beta
    room, gained = (r2_max - moments.r2) * moments.variance_y, (moments.r2 - moments.r2_base) * moments.variance_y
    for root in roots:
        v = moments.beta - (root if root is not None else moments.beta)
        terms = [-t * apart * s * v**2, (room * (s - t) - gained * t - s * t * apart**2) * v, room * apart * s]
        assert abs(sum(terms)) <= 1e-9 * max(abs(one) for one in terms)


def test_as_the_formulas_of_psacalc() -> None:
    """Delta and both roots as Stata's psacalc and R's robomit write them, term by term."""
    m, r2_max, target = Moments(0.8, 0.15, 0.5, 0.4, 2.0, 1.5, 0.9), 0.52, 0.0
    v, room, gained, apart = m.beta - target, 0.12 * 2.0, 0.25 * 2.0, 0.3
    above = v * gained * 0.9 + v * 1.5 * 0.9 * apart**2 + 2 * v**2 * 0.9 * apart * 1.5 + v**3 * (0.9 * 1.5 - 0.81)
    below = room * apart * 1.5 + v * room * 0.6 + v**2 * 0.9 * apart * 1.5 + v**3 * (0.9 * 1.5 - 0.81)
    theta = room * 0.6 - gained * 0.9 - 1.5 * 0.9 * apart**2
    root = np.sqrt(theta**2 + 4 * room * apart**2 * 1.5**2 * 0.9)
    roots = [0.5 - (-theta + sign * root) / (-2 * 0.9 * apart * 1.5) for sign in (-1, 1)]
    found = selection_on_unobservables(m, r2_max)
    assert found.delta == pytest.approx(above / below, rel=1e-12)
    assert sorted([found.beta_star, found.beta_star_other or 0]) == pytest.approx(sorted(roots), rel=1e-12)
    assert found.beta_star < m.beta < m.beta_base


def test_small_selection_is_the_approximation() -> None:
    """Where selection is small, beta* = beta - (beta_base - beta)(R2max - R2)/(R2 - R2base) (Oster, section 3)."""
    m = Moments(0.501, 0.2, 0.5, 0.4, 1.0, 1.0, 0.9999)
    found = selection_on_unobservables(m, 0.45)
    assert m.beta - found.beta_star == pytest.approx(0.001 * 0.05 / 0.2, rel=0.01)


def test_controls_that_change_nothing_leave_the_coefficient() -> None:
    found = selection_on_unobservables(Moments(0.5, 0.2, 0.5, 0.4, 1.0, 1.0, 1.0), 0.5)
    assert (found.beta_star, found.beta_star_other) == (0.5, None)


def draw(n: int = 400, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    z, q = rng.normal(size=(2, n))
    x = 0.5 * z + 0.3 * q + rng.normal(size=n)
    return {"y": 0.4 * x + z + 0.5 * q + rng.normal(size=n), "x": x, "z": z, "q": q, "w": rng.uniform(0.5, 2, n)}


def fit(formula: str, rows: Any, asked: dict[str, Any], **keys: Any) -> dict[str, Any]:
    module: Any = fixed_effects if "|" in formula else cross_section
    options = module.Options.model_validate({"formula": formula, "sensitivity": {"oster": asked}, **keys})
    found: dict[str, Any] = module.fit("m", options, rows, None).sensitivity["oster"]
    return found


def test_what_it_stands_on_are_the_two_regressions() -> None:
    data = draw()
    found = fit("y ~ x + z + q", selection(data), {"term": "x", "r_max": 1.3})
    one = np.column_stack([np.ones(400), data["x"]])
    all_ = np.column_stack([one, data["z"], data["q"]])
    for x, beta, r2 in ((one, "beta_base", "r2_base"), (all_, "beta", "r2")):
        b, rest = np.linalg.lstsq(x, data["y"], rcond=None)[:2]
        assert found[beta] == pytest.approx(b[1], rel=1e-11)
        assert found[r2] == pytest.approx(1 - rest[0] / ((data["y"] - data["y"].mean()) ** 2).sum(), rel=1e-11)
    assert found["r2_max"] == pytest.approx(1.3 * found["r2"])
    assert found["low"] <= found["high"]
    assert {found["low"], found["high"]} == {found["beta"], found["beta_star"]}


def test_what_is_always_in_is_partialled_out_of_all() -> None:
    """As psacalc's mcontrol: the variances of x are those given what is always in."""
    data = draw(seed=1)
    found = fit("y ~ x + z + q", selection(data), {"term": "x", "always": ("q",)})
    part = np.column_stack([np.ones(400), data["q"]])
    y, x, z = (data[name] - part @ np.linalg.lstsq(part, data[name], rcond=None)[0] for name in ("y", "x", "z"))
    both = np.column_stack([x, z])
    b = np.linalg.lstsq(both, y, rcond=None)[0]
    total = ((data["y"] - data["y"].mean()) ** 2).sum()
    rest = x - z * (x @ z) / (z @ z)
    base = x @ y / (x @ x)
    moments = Moments(base, 1 - ((y - base * x) ** 2).sum() / total, b[0], 1 - ((y - both @ b) ** 2).sum() / total,
                      total, x @ x, rest @ rest)  # fmt: skip
    expected = selection_on_unobservables(moments, min(1, 1.3 * moments.r2))
    assert (found["delta"], found["beta_star"]) == pytest.approx((expected.delta, expected.beta_star), rel=1e-9)


def test_weights_are_copies_of_rows() -> None:
    data = draw(120, 2)
    times = np.random.default_rng(0).integers(1, 4, 120)
    weighted = fit("y ~ x + z", selection({**data, "w": times.astype(float)}), {"term": "x"}, weights="w")
    copied = fit(
        "y ~ x + z", selection({name: np.repeat(values, times) for name, values in data.items()}), {"term": "x"}
    )
    assert (weighted["delta"], weighted["beta_star"]) == pytest.approx((copied["delta"], copied["beta_star"]), rel=1e-9)


def test_effects_are_always_in() -> None:
    data = draw(400, 3)
    firm = np.repeat(np.arange(100), 4)
    data["y"] = data["y"] + firm / 10
    swept = {name: (values.reshape(100, 4) - values.reshape(100, 4).mean(axis=1, keepdims=True)).ravel()
             for name, values in data.items() if name != "w"}  # fmt: skip
    found = fit("y ~ x + z | firm", selection(data, firm.tolist(), np.tile([1, 2, 3, 4], 100).tolist()), {"term": "x"})
    by_hand = fit("y ~ x + z -1", selection(swept), {"term": "x"}, errors=Errors("HC1"))
    assert found["within"]
    for key in ("beta_base", "r2_base", "beta", "r2", "delta", "beta_star"):
        assert found[key] == pytest.approx(by_hand[key], rel=1e-8)


def test_added_controls_are_controls() -> None:
    rows = selection(draw(seed=4))
    whole = fit("y ~ x + z + q", rows, {"term": "x"})
    climbing = fit("y ~ x", rows, {"term": "x"}, add_controls=[["z"], ["q"]])
    assert climbing == {**whole, "always": []}


def test_no_room_above_the_controls_is_said() -> None:
    data = draw(50)
    data["y"] = data["x"] + data["z"]
    options = cross_section.Options.model_validate(
        {"formula": "y ~ x + z", "sensitivity": {"oster": {"term": "x"}}, "errors": Errors("HC1")}
    )
    model = cross_section.fit("m", options, selection(data), None)
    assert model.sensitivity is not None
    found = model.sensitivity["oster"]
    assert (found["delta"], found["beta_star"], found["r2_max"]) == (None, None, 1)
    assert any("there is no room for what is not seen" in note for note in model.notes)


def test_units_do_not_matter() -> None:
    rows = reference_panel(2023)
    found = fit("ln_tfp ~ ai + size + nace", rows, {"term": "ai"})
    scaled = selection({
        "y": rows.number("ln_tfp") * 1000, "ai": rows.number("ai") / 3,
        "size": [rows.columns["size"].levels[c] for c in rows.columns["size"].codes],  # type: ignore[union-attr]
        "nace": [rows.columns["nace"].levels[c] for c in rows.columns["nace"].codes],  # type: ignore[union-attr]
    })  # fmt: skip
    again = fit("y ~ ai + size + nace", scaled, {"term": "ai"})
    assert again["delta"] == pytest.approx(found["delta"], rel=1e-8)
    assert again["beta_star"] == pytest.approx(3000 * found["beta_star"], rel=1e-8)


def test_a_level_may_be_the_term() -> None:
    found = fit("ln_tfp ~ ai + size + nace", reference_panel(2023), {"term": "size[250+]", "always": ("ai",)})
    assert found["delta"] is not None
