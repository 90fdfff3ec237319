"""``stacked`` against dummies on a stacked data set, and what it is with one cohort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.designs.did import Options, fit
from estimation.results import Estimates
from panels.frame import Selection
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tests.estimation.rows import did_panel, selection


def estimate(rows: Selection, **keys: Any) -> Estimates:
    keys = {"outcome": "y", "adoption": {"cohort": "cohort"}, "estimator": "stacked", **keys}
    return fit("m", Options.model_validate(keys), rows, None)


def panel(*cohorts: float, seed: int = 3, gaps: float = 0.15) -> Selection:
    """Firms of these cohorts in turn, 2017 to 2022, some rows missing."""
    draw = np.random.default_rng(seed)
    firm, year = np.repeat(np.arange(50), 6), np.tile(np.arange(2017, 2023), 50)
    cohort = np.array(cohorts)[np.arange(50) % len(cohorts)][firm]
    there = draw.random(firm.size) > gaps
    effect = np.where(year >= cohort, 0.1 * (year - cohort + 1) * (cohort - 2018), 0.0)
    columns = {
        "y": draw.normal(size=50)[firm] + effect + 0.3 * draw.normal(size=firm.size), "cohort": cohort,
        "x": draw.normal(size=50)[firm], "w": draw.uniform(0.5, 2, 50)[firm], "nace": (firm // 5) % 2 * 1.0,
    }  # fmt: skip
    return selection({name: one[there] for name, one in columns.items()}, firm[there], year[there])


def by_dummies(rows: Selection, keys: dict[str, Any], ahead: int) -> tuple[dict[str, float], dict[str, float]]:
    """A loop over rows makes the stacks, a dense regression has an indicator of every level; singletons leave one by
    one. Returns coefficients and clustered standard errors of the event times.
    """
    y, cohort, x, w, nace = (rows.number(name) for name in ("y", "cohort", "x", "w", "nace"))
    never = np.isnan(cohort)
    stacked: list[tuple[int, float, float]] = []
    for g in np.unique(cohort[~never]):
        mine = [i for i in range(len(y)) if cohort[i] == g]
        beside = [i for i in range(len(y)) if never[i]]
        if keys.get("control_group") == "not_yet_treated":
            beside += [i for i in range(len(y)) if cohort[i] > g and rows.year[i] < cohort[i] - ahead]
        both = {int(rows.year[i]) for i in mine} & {int(rows.year[i]) for i in beside}
        stacked += [(i, g, rows.year[i] - g) for i in mine if int(rows.year[i]) in both]
        stacked += [(i, g, np.nan) for i in beside if int(rows.year[i]) in both]
    by_nace = "effects" in keys
    while True:
        firm_in = [(g, int(rows.firm[i])) for i, g, _ in stacked]
        year_in = [(g, int(rows.year[i]), float(nace[i]) if by_nace else 0.0) for i, g, _ in stacked]
        alone = [n for n, (a, b) in enumerate(zip(firm_in, year_in, strict=True))
                 if firm_in.count(a) == 1 or year_in.count(b) == 1]  # fmt: skip
        if not alone:
            break
        stacked = [one for n, one in enumerate(stacked) if n not in alone]
    at = np.array([i for i, *_ in stacked])
    k = np.array([event for *_, event in stacked])
    events = [event for event in np.unique(k[~np.isnan(k)]) if event != -1 - ahead]
    columns = [(k == event) * 1.0 for event in events]
    effects = [np.array([one == level for one in firm_in]) * 1.0 for level in sorted(set(firm_in))]
    effects += [np.array([one == level for one in year_in]) * 1.0 for level in sorted(set(year_in))]
    covariates = []
    if "covariates" in keys:
        covariates = [
            x[at] * np.array([(g, int(rows.year[i])) == level for i, g, _ in stacked])
            for level in sorted({(g, int(rows.year[i])) for i, g, _ in stacked})
        ]
    z = np.column_stack([*columns, *covariates, *effects])
    weight = w[at] if "weights" in keys else np.ones(len(at))
    inverse = np.linalg.pinv(z.T @ (weight[:, None] * z), rcond=1e-12, hermitian=True)
    beta = inverse @ z.T @ (weight * y[at])
    scores = (inverse @ (z * (weight * (y[at] - z @ beta))[:, None]).T).T[:, : len(events)]
    mass = np.array([weight[k == event].sum() if event >= 0 else 0.0 for event in events])
    mix = np.column_stack([np.eye(len(events)), mass / mass.sum()])
    sums = np.array([scores[rows.firm[at] == firm].sum(axis=0) for firm in np.unique(rows.firm[at])]) @ mix
    # fixest's factor: firms' effects lie in their clusters and count as one, the others by level less one.
    slopes = np.linalg.matrix_rank(z) - np.linalg.matrix_rank(np.column_stack(effects))
    parameters = slopes + 1 + len(set(year_in)) - 1
    factor = len(sums) / (len(sums) - 1) * (len(at) - 1) / (len(at) - parameters)
    terms = [f"event[{event:g}]" for event in events] + ["att[simple]"]
    errors = np.sqrt(factor * (sums**2).sum(axis=0))
    estimates = mix.T @ beta[: len(events)]
    return dict(zip(terms, estimates, strict=True)), dict(zip(terms, errors, strict=True))


@pytest.mark.parametrize(
    "keys",
    [
        {}, {"weights": "w"}, {"covariates": ("x",)}, {"control_group": "not_yet_treated"}, {"anticipation": 1},
        {"effects": ["nace^year"]},
        {"control_group": "not_yet_treated", "anticipation": 1, "weights": "w", "covariates": ("x",)},
    ],
)  # fmt: skip
def test_a_regression_on_stacked_rows_with_an_indicator_of_every_level(keys: dict[str, Any]) -> None:
    rows = panel(np.nan, 2019.0, 2020.0, 2021.0, np.nan)
    found = estimate(rows, **keys)
    estimates, errors = by_dummies(rows, keys, keys.get("anticipation", 0))
    assert set(found.terms) == set(estimates)
    for term, estimate_, error in zip(found.terms, found.coefficients, found.std_errors, strict=True):
        assert estimate_ == pytest.approx(estimates[term], abs=1e-10), term
        assert error == pytest.approx(errors[term], abs=1e-10), term
    assert found.errors.df == len(np.unique(rows.firm)) - 1


@pytest.mark.parametrize("keys", [{}, {"weights": "w"}, {"covariates": ("x",), "anticipation": 1}])
def test_one_cohort_is_an_event_study(keys: dict[str, Any]) -> None:
    rows = panel(np.nan, 2020.0)
    one, other = estimate(rows, **keys), estimate(rows, **{**keys, "estimator": "event_study"})
    assert one.terms == other.terms
    assert one.coefficients == pytest.approx(other.coefficients, abs=1e-12)
    assert one.covariance == pytest.approx(other.covariance, abs=1e-14)
    assert (one.n_obs, one.dropped, one.errors) == (other.n_obs, other.dropped, other.errors)


def test_effects_that_grow_alike_are_found() -> None:
    """On the unbalanced reference panel. The treatment dummy of twfe is far from their mean."""
    rows = did_panel()
    cohort = rows.number("cohort")
    y = rows.number("size_idx") + np.where(rows.year >= cohort, (rows.year - cohort + 1.0), 0.0)
    grown = selection({"y": y, "cohort": cohort}, rows.firm, rows.year)
    found = estimate(grown)
    events = np.array([float(term[6:-1]) for term in found.terms if term != "att[simple]"])
    assert found.coefficients[:-1] == pytest.approx(np.where(events < 0, 0, events + 1), abs=1e-10)
    treated = rows.year >= cohort
    mean = (rows.year - cohort + 1)[treated].mean()
    assert found.coefficients[-1] == pytest.approx(mean, abs=0.01)
    assert estimate(grown, estimator="twfe").coefficients[0] < 0.9 * mean


def test_clusters_coarser_than_the_firm_hold_all_stacks_of_a_firm() -> None:
    rows = panel(np.nan, 2019.0, 2021.0)
    found = estimate(rows, errors=Errors("cluster", (("nace",),)))
    psi = np.zeros((2, len(found.terms)))
    nace = {int(firm): int(code) for firm, code in zip(rows.firm, rows.number("nace"), strict=True)}
    for firm, one in zip(found.influence_firms, found.influence, strict=True):
        psi[nace[int(firm)]] += one
    ratio = found.covariance[0, 0] / (psi.T @ psi)[0, 0]
    assert found.covariance == pytest.approx(ratio * psi.T @ psi, rel=1e-9)
    assert ratio > 1


def test_without_firms_never_treated() -> None:
    """The last cohort is a control of the others as long as it is not treated, and has no stack."""
    rows = panel(2019.0, 2021.0, gaps=0.0)
    with pytest.raises(EstimationError, match=r"control_group: not_yet_treated takes later cohorts"):
        estimate(rows)
    found = estimate(rows, control_group="not_yet_treated")
    assert "no clean control beside the cohort of 2021: it has no stack" in found.notes
    assert set(found.terms) == {"event[-2]", "event[0]", "event[1]", "att[simple]"}
    assert found.dropped == {"in no stack: no clean control in this year": 50 * 2}
    y, year, own = rows.number("y"), rows.year, rows.number("cohort")

    def mean(cohort: float, when: int) -> float:
        return float(y[(own == cohort) & (year == when)].mean())

    change = mean(2019, 2020) - mean(2019, 2018) - mean(2021, 2020) + mean(2021, 2018)
    assert found.coefficients[found.terms.index("event[1]")] == pytest.approx(change, abs=1e-12)
    assert found.stats["n_stacks"] == 1
    assert found.stats["n_rows_stacked"] == found.n_obs == 200
