"""``attrition``: weights of the firms that are kept, their errors, and what they repair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from estimation.designs.did import Options, columns, equations, fit
from estimation.results import Estimates, FloatArray, ModelPart
from panels.frame import Selection
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tests.estimation.rows import group_fit, productivity, selection

WAVES: dict[str, Any] = {"indicator": "ai", "waves": (2021, 2023)}
YEARS = (2019, 2020, 2021, 2022, 2023)


def estimate(rows: Selection, first: Any = None, **keys: Any) -> Estimates:
    keys = {"outcome": "y", "adoption": WAVES, "attrition": {"covariates": ("x",)}, **keys}
    return fit("m", Options.model_validate(keys), rows, first)


def effect(found: Estimates | ModelPart) -> float:
    return float(found.coefficients[found.terms.index("att[simple]")])


def firms(seed: int, many: int, effect_by: float = 0.5) -> tuple[FloatArray, ...]:
    """Large firms (high x) gain more, trend more, adopt no more than others and answer twice more often."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=many)
    adopts = draw.random(many) < 0.4
    answers = draw.random(many) < 1 / (1 + np.exp(-(0.3 + 1.2 * x)))
    noise = draw.normal(size=(many, 5)) * 0.2
    after = np.array(YEARS) >= 2022
    y = x[:, None] + (0.2 + effect_by * x[:, None]) * (adopts[:, None] & after) + noise
    return x, adopts.astype(float), answers.astype(float), y


def panel(seed: int, many: int = 400, **keys: Any) -> Selection:
    x, adopts, answers, y = firms(seed, many, **keys)
    firm, year = np.repeat(np.arange(many), 5), np.tile(YEARS, many)
    ai = np.where(year == 2021, 0.0, np.where((year == 2023) & (answers[firm] == 1), adopts[firm], np.nan))
    names = np.array(["A", "B", "C"])[np.arange(many) % 3]
    return selection(
        {"y": y.ravel(), "ai": ai, "x": x[firm], "w": np.ones(firm.size), "nace": [names[one] for one in firm]},
        firm, year,
    )  # fmt: skip


def by_hand(x: FloatArray, kept: FloatArray) -> FloatArray:
    """Probabilities of a logit by Newton's steps."""
    z, b = np.column_stack([np.ones(x.size), x]), np.zeros(2)
    for _ in range(30):
        p = 1 / (1 + np.exp(-z @ b))
        b = b + np.linalg.solve((z * (p * (1 - p))[:, None]).T @ z, z.T @ (kept - p))
    return 1 / (1 + np.exp(-z @ b))


def test_the_weighted_comparison_by_hand() -> None:
    """Weighted means of changes from 2020 to 2023, and the unweighted ones beside them."""
    x, adopts, answers, y = firms(1, 400)
    found = estimate(panel(1))
    w = answers / by_hand(x, answers)
    change = y[:, 4] - y[:, 1]
    # The logit stops at 1e-12 of its coefficients.
    for weights, one in ((w, found.parts[0]), (answers, found.parts[-1])):
        means = [np.average(change, weights=weights * (adopts == side)) for side in (1, 0)]
        assert effect(one) == pytest.approx(means[0] - means[1], abs=1e-10)
    assert [part.rung for part in found.parts] == ["attrition weights", "attrition weights", "no attrition weights"]
    assert found.sensitivity is not None
    record = found.sensitivity["attrition"]
    assert (record["n_firms_at_risk"], record["n_firms_kept"]) == (400, int(answers.sum()))
    assert record["effective_firms"] == pytest.approx(w.sum() ** 2 / (w**2).sum(), rel=1e-9)
    line = record["covariates"][0]
    assert line["mean_weighted"] == pytest.approx(np.average(x, weights=w), abs=1e-9)
    assert abs(line["weighted_std_difference"]) < 0.1 < line["std_difference"]
    assert any(note.startswith("attrition: of 400 firms at risk in 2020") for note in found.notes)


@pytest.mark.parametrize("keys", [{}, {"covariates": ("x",)}, {"covariates": ("x",), "adjustment": "ipw"}])
def test_influence_functions_are_derivatives_by_what_a_firm_weighs(keys: dict[str, Any]) -> None:
    """Brute force: of lost firms too, whose only part is in the logit."""
    rows = panel(2, 150)
    ones, step = np.ones(len(rows.rows)), 1e-4

    def at(w: FloatArray) -> Estimates:
        names = {name: rows.number(name) for name in ("y", "ai", "x")}
        return estimate(selection({**names, "w": w}, rows.firm, rows.year), weights="w", **keys)

    middle = at(ones)
    answers = firms(2, 150)[2]
    for firm in (*np.flatnonzero(answers == 1)[:3], *np.flatnonzero(answers == 0)[:3]):
        up, down = (at(ones + sign * step * (rows.firm == firm)) for sign in (1, -1))
        slope = (up.coefficients - down.coefficients) / (2 * step)
        own = middle.influence[middle.influence_firms == firm][0]
        # Central differences: of the order of step^2, and of the logit's last digits over step.
        assert own == pytest.approx(slope, abs=2e-7), firm


def test_weights_repair_what_attrition_does() -> None:
    """The average effect over all adopters is 0.2; kept ones gain more. 20,000 firms: four errors are wide enough."""
    found = estimate(panel(3, 20_000))
    plain, error = effect(found.parts[-1]), float(found.std_errors[0])
    assert abs(effect(found) - 0.2) < 4 * error
    assert plain - 0.2 > 10 * error


def test_errors_of_many_draws() -> None:
    """The mean standard error is the spread of the estimates: 150 draws tell it within 6 %, three times that is let
    through; errors that take the weights as given are wider.
    """
    draws = [estimate(panel(seed, 300, effect_by=0.0)) for seed in range(150)]
    spread = np.std([effect(one) for one in draws], ddof=1)
    assert np.mean([one.std_errors[0] for one in draws]) == pytest.approx(spread, rel=0.18)


def test_an_estimated_outcome_is_carried_over() -> None:
    rows = panel(4, 120)
    draw = np.random.default_rng(5)
    gradient, psi = draw.normal(size=(len(rows.rows), 1)), 0.01 * draw.normal(size=(120, 1))
    first = productivity(rows.number("y"), gradient, [group_fit(np.arange(120), psi)])
    found, plain = estimate(rows, first), estimate(rows)
    names = {name: rows.number(name) for name in ("ai", "x")}
    moved = estimate(selection({"y": gradient[:, 0], **names}, rows.firm, rows.year)).coefficients
    naive = np.zeros((120, len(plain.terms)))
    naive[plain.influence_firms] = plain.influence
    assert found.influence == pytest.approx(naive + psi * moved, abs=1e-11)


@pytest.mark.parametrize(
    "estimator", ["callaway_santanna", "imputation", "twfe", "event_study", "sun_abraham", "stacked"]
)
def test_every_estimator_takes_the_weights(estimator: str) -> None:
    """As if the weights were data: the same effects, other errors."""
    rows = panel(6)
    x, _, answers, _ = firms(6, 400)
    found = estimate(rows, estimator=estimator)
    w = (answers / by_hand(x, answers))[rows.firm]
    kept = rows.take(answers[rows.firm] == 1)
    names = {name: kept.number(name) for name in ("y", "ai", "x")}
    given = selection({**names, "w": w[answers[rows.firm] == 1]}, kept.firm, kept.year)
    same = estimate(given, estimator=estimator, weights="w", attrition=None)
    assert found.coefficients == pytest.approx(same.coefficients, abs=1e-9)
    assert not np.allclose(found.std_errors, same.std_errors, rtol=1e-6)
    assert found.n_obs + sum(found.dropped.values()) == len(rows.rows)


def test_a_yearly_status_and_clusters_above_the_firm() -> None:
    """Kept: seen in the last year. Firms that are lost lie in clusters of their own columns."""
    rows = panel(7)
    answers = firms(7, 400)[2]
    yearly = np.where((rows.year >= 2022) & (rows.firm % 2 == 0), 1.0, 0.0)
    there = (rows.year < 2023) | (answers[rows.firm] == 1)
    nace: Any = rows.columns["nace"]
    text = [nace.levels[code] for code in nace.codes]
    full = selection(
        {"y": rows.number("y"), "ai": yearly, "x": rows.number("x"), "nace": text},
        rows.firm, rows.year,
    ).take(there)  # fmt: skip
    found = estimate(full, adoption={"indicator": "ai"}, errors=Errors("cluster", (("nace",),)))
    by_firm = estimate(full, adoption={"indicator": "ai"})
    assert found.sensitivity is not None
    assert found.sensitivity["attrition"]["n_firms_kept"] == int(answers.sum())
    sums = np.zeros((3, len(found.terms)))
    for firm, psi in zip(by_firm.influence_firms, by_firm.influence, strict=True):
        sums[firm % 3] += psi
    assert by_firm.influence_firms.size == 400
    assert found.covariance == pytest.approx(sums.T @ sums, rel=1e-9)


def test_units_of_a_covariate_and_texts() -> None:
    rows = panel(8)
    nace: Any = rows.columns["nace"]
    names = {name: rows.number(name) for name in ("y", "ai")}
    text = [nace.levels[code] for code in nace.codes]
    moved = selection({**names, "x": 1e6 * rows.number("x") + 3, "nace": text}, rows.firm, rows.year)
    one, other = (estimate(each, attrition={"covariates": ("x", "nace")}) for each in (rows, moved))
    assert other.coefficients == pytest.approx(one.coefficients, abs=1e-9)
    assert other.std_errors == pytest.approx(one.std_errors, rel=1e-7)
    assert one.sensitivity is not None
    assert {line["term"] for line in one.sensitivity["attrition"]["covariates"]} == {"x", "nace[B]", "nace[C]"}


def test_levels_of_which_all_or_none_are_kept() -> None:
    """None: left out, and told. All: they weigh one. The others weigh as in a logit without them."""
    rows = panel(9)
    _, _, answers, _ = firms(9, 400)
    for level, all_kept in ((0, False), (1, False), (0, True), (1, True)):
        own = rows.firm % 3 == level
        asked = np.where(rows.year == 2021, 0.0, np.where(rows.year == 2023, (rows.firm % 5 < 2) * 1.0, np.nan))
        ai = np.where(own & (rows.year == 2023), asked if all_kept else np.nan, rows.number("ai"))
        names = {name: rows.number(name) for name in ("y", "x")}
        text = [("A", "B", "C")[firm % 3] for firm in rows.firm]
        changed = selection({**names, "ai": ai, "nace": text}, rows.firm, rows.year)
        found = estimate(changed, attrition={"covariates": ("nace",)})
        called = "the most frequent nace" if level == 0 else "nace[B]"
        told = f"attrition: no firm of {called} is kept, and no weight stands for it: left out, "
        assert any(note.startswith(told) for note in found.notes) != all_kept
        # By hand: of the other levels the share that is kept.
        group = np.arange(400) % 3
        share = np.array([answers[group == one].mean() for one in range(3)])[group]
        mine = group == level
        w = np.where(mine, float(all_kept), answers / share)
        adopts = changed.number("ai")[changed.year == 2023] == 1
        y = changed.number("y").reshape(400, 5)
        change = y[:, 4] - y[:, 1]
        means = [np.average(change, weights=w * (adopts == side)) for side in (True, False)]
        assert effect(found) == pytest.approx(means[0] - means[1], abs=1e-10)


def test_where_everybody_is_kept_there_are_no_weights() -> None:
    rows = panel(9)
    whole = rows.take(firms(9, 400)[2][rows.firm] == 1)
    found = estimate(whole)
    assert any("each of the" in note and "there are no weights" in note for note in found.notes)
    assert found.coefficients == pytest.approx(estimate(whole, attrition=None).coefficients, abs=0)


def test_what_cannot_be_weighted() -> None:
    """A number that tells for certain who is kept."""
    rows = panel(9)
    names = {name: rows.number(name) for name in ("y", "ai")}
    certain = firms(9, 400)[2][rows.firm]
    with pytest.raises(EstimationError, match="tell for certain"):
        estimate(selection({**names, "x": certain}, rows.firm, rows.year))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"attrition": {"covariates": ()}}, "an empty list"),
        ({"attrition": {"covariates": ("year",)}}, "the same for all"),
        ({"attrition": {"covariates": ("ai",)}}, "is the treatment"),
        ({"attrition": {}}, "covariates"),
        ({"attrition": {"covariates": ("x",)}, "unbalanced": "repeated_cross_sections"}, "as they are"),
    ],
)
def test_mistakes(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Options.model_validate({"outcome": "y", "adoption": WAVES, **keys})


def test_columns_and_equations() -> None:
    options = Options.model_validate({"outcome": "y", "adoption": WAVES, "attrition": {"covariates": ("x", "nace")}})
    assert columns(options) == ("y", "ai", "x", "nace")
    assert "1/p, p the logit of being kept on x, nace" in equations(options)
