"""System GMM: linearmodels on stacked rows, tests and minimum distance written out, recovery, what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from linearmodels.iv import IVGMM
from pydantic import ValidationError
from scipy.linalg import block_diag
from scipy.optimize import minimize
from scipy.stats import chi2, norm

from estimation.productivity import system_gmm
from estimation.productivity.firm_effects.common_factor import common_factor
from estimation.results import FloatArray, ProductivityFit
from panels.frame import Selection, TextColumn
from specs.errors import EstimationError
from tests.estimation.firms import fitted, simulate, std_errors, with_columns
from tests.estimation.processes import BK, BL, dynamic
from tests.estimation.rows import selection

TWO = {"free": ("l", "l2"), "state": ("k", "k2")}


@dataclass(frozen=True)
class Stacked:
    """Both equations' rows, differences first, of a panel of dictionaries."""

    y: FloatArray
    x: FloatArray
    z: FloatArray
    firm: FloatArray
    year: FloatArray
    inputs: int


def stacked(
    rows: Selection, names: tuple[str, ...], lags: tuple[int, int] = (2, 3), collapse: bool = True,
    controls: FloatArray | None = None,
) -> Stacked:  # fmt: skip
    """Build the rows one by one: slow, and not as the package does it."""
    values = np.column_stack([rows.number(name) for name in names])
    d = np.zeros((rows.n_panel, 0)) if controls is None else controls
    place = {(f, t): at for at, (f, t) in enumerate(zip(rows.firm.tolist(), rows.year.tolist(), strict=True))}
    first, last = lags

    def back(at: int, s: int) -> int | None:
        f, t = int(rows.firm[at]), int(rows.year[at])
        return place[f, t - s] if all((f, t - one) in place for one in range(s + 1)) else None

    used = [at for at in range(rows.n_panel) if back(at, first) is not None]
    years = sorted({int(rows.year[at]) for at in used})
    dates: list[int | None] = [None] if collapse else list(years)

    def at_lag(at: int, s: int) -> FloatArray | None:
        # An older instrument is there although a year between is not.
        found = place.get((int(rows.firm[at]), int(rows.year[at]) - s))
        return None if found is None else values[found]

    means = {
        (s, year): np.mean(
            [v for at in used if year in (None, rows.year[at]) and (v := at_lag(at, s)) is not None] or [values[0] * 0],
            axis=0,
        )
        for s in range(first, last + 1)
        for year in dates
    }
    # Levels that stand only in the years before: their effects are in the differences alone, and instrument themselves.
    early = ~np.any(d[used] != 0, axis=0)
    x1, x2, z1, z2, y1, y2 = ([] for _ in range(6))
    for at in used:
        b1, b2, i1, i2 = back(at, 1), back(at, 2), back(at, first - 1), back(at, first)
        now, before, two = values[at], values[b1], values[b2]
        x1.append([before[0] - two[0], *(now - before)[1:], *(before - two)[1:], *(d[at] - d[b1]), 0.0])
        x2.append([before[0], *now[1:], *before[1:], *d[at], 1.0])
        y1.append(now[0] - before[0])
        y2.append(now[0])
        held1, held2 = [], []
        for s in range(first, last + 1):
            for year in dates:
                found = at_lag(at, s) if year in (None, rows.year[at]) else None
                held1 += list(found - means[s, year]) if found is not None else [0.0] * len(names)
        for year in dates:
            held2 += list((values[i1] - values[i2]) if year in (None, rows.year[at]) else [0.0] * len(names))
        z1.append([*held1, *(d[at] - d[b1])[early]])
        z2.append([1.0, *d[at][~early], *held2])
    z1_array, z2_array = np.array(z1), np.array(z2)
    z1_array = z1_array[:, np.abs(z1_array).sum(axis=0) > 0]
    return Stacked(
        np.array(y1 + y2), np.array(x1 + x2), block_diag(z1_array, z2_array),
        np.tile(rows.firm[used], 2), np.tile(rows.year[used], 2), len(names) - 1,
    )  # fmt: skip


def years_of(rows: Selection) -> FloatArray:
    """Indicators of the years that the equations see, but for the first; of the year before that, which differences
    see.
    """
    years = np.delete(np.unique(rows.year)[1:], 1)
    return (rows.year[:, None] == years) * 1.0


def unrestricted(fit: ProductivityFit) -> FloatArray:
    found = fit.groups[0].diagnostics
    return np.array([value for name, value in found.items() if name.startswith("unrestricted[")], dtype=float)


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        ({"controls": ("year",)}, ("y", "l", "k")),
        ({"controls": ("year",), "collapse": False}, ("y", "l", "k")),
        ({"lags": (3, 4)}, ("y", "l", "k")),
        ({"controls": ("m",), **TWO}, ("y", "l", "l2", "k", "k2")),
    ],
    ids=["collapsed", "by year", "from lag 3", "two of each, a number as control"],
)
@pytest.mark.parametrize("gaps", [False, True], ids=["", "a year missing"])
def test_against_ivgmm_on_stacked_rows(keys: dict[str, Any], names: tuple[str, ...], gaps: bool) -> None:
    rows = simulate(300, 21, ragged=True, n_years=7, second_inputs=True)
    if gaps:
        # Older instruments stand on the other side of the gap.
        rows = part(rows, (rows.firm % 3 > 0) | (rows.year != rows.year.min() + 2))
        keys = {"lags": (2, 4)} | keys
    controls = {(): None, ("year",): years_of(rows), ("m",): rows.number("m")[:, None]}[keys.get("controls", ())]
    of = stacked(rows, names, keys.get("lags", (2, 3)), keys.get("collapse", True), controls)
    referee = IVGMM(of.y, None, of.x, of.z, weight_type="clustered", clusters=of.firm).fit(
        cov_type="clustered", clusters=of.firm, debiased=False
    )
    fit = fitted(rows, system_gmm, windmeijer=False, **keys)
    group, count = fit.groups[0], 1 + 2 * of.inputs
    assert group.rung == "two-step"
    # The bound; the by-year instruments of the referee are raw columns.
    np.testing.assert_allclose(unrestricted(fit), referee.params.to_numpy()[:count], rtol=1e-8)
    assert group.j_statistic == pytest.approx(float(referee.j_stat.stat), rel=1e-7)
    assert group.j_df == referee.j_stat.df
    # The same covariance in the minimum distance: its estimate, and the errors that follow from it.
    covariance = referee.cov.to_numpy()[:count, :count]
    distance = common_factor(referee.params.to_numpy()[:count], covariance)
    np.testing.assert_allclose(group.coefficients, distance.elasticities, rtol=1e-7)
    expected = (distance.operator @ covariance @ distance.operator.T)[1:, 1:]
    np.testing.assert_allclose(group.covariance, expected, rtol=1e-6)


def dense_two_steps(of: Stacked) -> dict[str, FloatArray]:
    """Two steps with Windmeijer's correction, by the formulas, on the stacked rows."""
    firms = np.unique(of.firm)
    member = (of.firm[:, None] == firms) * 1.0

    def scores(theta: FloatArray) -> FloatArray:
        return (of.z * (of.y - of.x @ theta)[:, None]).T @ member

    g = of.z.T @ of.x
    w1 = np.linalg.inv(of.z.T @ of.z)
    a1 = np.linalg.solve(g.T @ w1 @ g, g.T @ w1)
    theta1 = a1 @ of.z.T @ of.y
    s1 = scores(theta1)
    w2 = np.linalg.inv(s1 @ s1.T)
    a2 = np.linalg.solve(g.T @ w2 @ g, g.T @ w2)
    theta2 = a2 @ of.z.T @ of.y
    pull = w2 @ of.z.T @ (of.y - of.x @ theta2)
    v1, v2 = a1 @ s1 @ s1.T @ a1.T, np.linalg.inv(g.T @ w2 @ g)
    slope = np.zeros((len(theta1), len(theta1)))
    for j in range(len(theta1)):
        turned = -((of.z * of.x[:, [j]]).T @ member)
        slope[:, j] = -a2 @ (turned @ s1.T + s1 @ turned.T) @ pull
    corrected = v2 + slope @ v2 + v2 @ slope.T + slope @ v1 @ slope.T
    return {"theta": theta2, "covariance": corrected, "influence": (a2 @ scores(theta2)).T}


def test_windmeijers_correction_by_its_formula() -> None:
    rows = dynamic(150, 3)
    of = stacked(rows, ("y", "l", "k"), controls=years_of(rows))
    expected = dense_two_steps(of)
    fit = fitted(rows, system_gmm, controls=("year",))
    np.testing.assert_allclose(unrestricted(fit), expected["theta"][:5], rtol=1e-8)
    distance = common_factor(expected["theta"][:5], expected["covariance"][:5, :5])
    np.testing.assert_allclose(fit.groups[0].coefficients, distance.elasticities, rtol=1e-6)
    wide = (distance.operator @ expected["covariance"][:5, :5] @ distance.operator.T)[1:, 1:]
    np.testing.assert_allclose(fit.groups[0].covariance, wide, rtol=1e-6)
    narrow = fitted(rows, system_gmm, controls=("year",), windmeijer=False)
    assert (std_errors(fit) > std_errors(narrow)).all()


@pytest.mark.parametrize("order", [1, 2])
def test_serial_correlation_by_the_formula(order: int) -> None:
    """Arellano and Bond (1991), equation 8, on the rows of the first equation."""
    rows = dynamic(200, 4)
    of = stacked(rows, ("y", "l", "k"), controls=years_of(rows))
    found = dense_two_steps(of)
    half = len(of.y) // 2
    e, x = (of.y - of.x @ found["theta"])[:half], of.x[:half]
    place = {(f, t): at for at, (f, t) in enumerate(zip(of.firm[:half], of.year[:half], strict=True))}
    before = np.array([e[place[f, t - order]] if (f, t - order) in place else 0.0 for f, t in place])
    # Term by term: the products' own variance, twice the covariance with the coefficients, their variance.
    member = (of.firm[:half][:, None] == np.unique(of.firm)) * 1.0
    products = (e * before) @ member
    reach = x.T @ before
    variance = products @ products - 2 * reach @ (found["influence"].T @ products)
    variance += reach @ found["influence"].T @ found["influence"] @ reach
    diagnostics = fitted(rows, system_gmm, controls=("year",), windmeijer=False).groups[0].diagnostics
    statistic = (e @ before) / np.sqrt(variance)
    assert diagnostics[f"ar{order}_statistic"] == pytest.approx(statistic, rel=1e-7)
    assert diagnostics[f"ar{order}_p_value"] == pytest.approx(2 * norm.sf(abs(statistic)), rel=1e-6)


def test_the_minimum_distance_by_search() -> None:
    rng = np.random.default_rng(5)
    root = rng.normal(size=(7, 7))
    covariance = root @ root.T / 100
    b, rho = np.array([0.5, 0.2, 0.3]), 0.6
    raw = np.concatenate([[rho], b, -rho * b]) + 0.05 * rng.normal(size=7)
    found = common_factor(raw, covariance)

    def distance(theta: FloatArray) -> float:
        gap = raw - np.concatenate([theta, -theta[0] * theta[1:]])
        return float(gap @ np.linalg.solve(covariance, gap))

    searched = minimize(distance, np.concatenate([[rho], b]), method="BFGS", options={"gtol": 1e-10})
    np.testing.assert_allclose([found.rho, *found.elasticities], searched.x, atol=1e-5)
    assert found.statistic == pytest.approx(distance(np.array([found.rho, *found.elasticities])), rel=1e-9)
    assert found.statistic <= searched.fun + 1e-9
    # The operator is the estimate's derivative only where the restrictions hold; there it is exactly that.
    exact = np.concatenate([[rho], b, -rho * b])
    at = common_factor(exact, covariance)
    np.testing.assert_allclose([at.rho, *at.elasticities], [rho, *b], rtol=1e-10)
    assert at.statistic == pytest.approx(0.0, abs=1e-18)
    for column in range(7):
        step = np.zeros(7)
        step[column] = 1e-6
        up, down = (common_factor(exact + sign * step, covariance) for sign in (1, -1))
        slope = (np.array([up.rho, *up.elasticities]) - [down.rho, *down.elasticities]) / 2e-6
        np.testing.assert_allclose(at.operator[:, column], slope, atol=1e-6)


def test_the_strength_of_the_instruments_by_hand() -> None:
    rows = dynamic(300, 6)
    of = stacked(rows, ("y", "l", "k"), controls=years_of(rows))
    group = fitted(rows, system_gmm, controls=("year",)).groups[0]
    rho, (bl, bk) = group.diagnostics["rho"], group.coefficients
    # In the order of the stacked columns: y(t-1), l, k, l(t-1), k(t-1).
    quasi = of.x[:, :5] @ np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-bl, -rho, 0], [-bk, 0, -rho]])
    project = of.z @ np.linalg.pinv(of.z)
    found = []
    for which in range(3):
        others = np.column_stack([np.delete(quasi, which, axis=1), of.x[:, 5:]])
        fitted_others, own = project @ others, project @ quasi[:, which]
        # Sanderson and Windmeijer (2016): x less the others times their coefficients by two-stage least squares.
        delta = np.linalg.lstsq(fitted_others, own, rcond=None)[0]
        part = own - fitted_others @ delta
        rest = quasi[:, which] - others @ delta
        left = rest - project @ rest
        degrees = len(of.y) - of.z.shape[1]
        found.append((part @ part) / (of.z.shape[1] - others.shape[1]) / (left @ left / degrees))
    assert group.diagnostics["sanderson_windmeijer_f"] == pytest.approx(min(found), rel=1e-6)
    assert any(note.startswith("weak instruments (conditional F ") for note in group.notes)
    strong = fitted(dynamic(6000, 3), system_gmm, controls=("year",)).groups[0]
    assert (strong.diagnostics["sanderson_windmeijer_f"] or 0) > 10
    assert strong.notes == ()


def test_recovery_from_a_known_process() -> None:
    fit = fitted(dynamic(6000, 11), system_gmm, controls=("year",), lags=(2, 4))
    group = fit.groups[0]
    found = np.array([*group.coefficients, group.diagnostics["rho"]], dtype=float)
    errors = np.array([*std_errors(fit), group.diagnostics["rho_std_error"]], dtype=float)
    # Precise enough to say something, and right within three errors.
    assert (errors < 0.06).all()
    assert (np.abs(found - [BL, BK, 0.5]) < 3 * errors).all()
    assert group.j_p_value is not None
    assert min(group.j_p_value, group.diagnostics["common_factor_p_value"] or 0) > 0.01
    assert group.diagnostics["common_factor_p_value"] == pytest.approx(
        chi2.sf(group.diagnostics["common_factor_statistic"] or 0, 2), rel=1e-10
    )
    assert (group.diagnostics["ar1_p_value"] or 1) < 1e-6
    assert (group.diagnostics["ar2_p_value"] or 0) > 0.01
    truth = dynamic(6000, 11)
    clean = truth.number("y") - BL * truth.number("l") - BK * truth.number("k")
    assert np.corrcoef(fit.values, clean)[0, 1] > 0.95


def test_measurement_error_is_told_and_later_lags_allow_for_it() -> None:
    rows = dynamic(4000, 12, n_years=8, noise=0.2)
    early = fitted(rows, system_gmm, controls=("year",))
    assert (np.abs(early.groups[0].coefficients - [BL, BK]) > 3 * std_errors(early)).any()
    group = early.groups[0]
    assert max(group.diagnostics["ar2_p_value"] or 1, group.j_p_value or 1) < 0.05
    assert any("correlated over 2 years" in note and "lags: [3, 4]" in note for note in group.notes)
    late = fitted(rows, system_gmm, controls=("year",), lags=(3, 5))
    group = late.groups[0]
    assert (np.abs(group.coefficients - [BL, BK]) < 2 * std_errors(late)).all()
    # Two years apart the residuals may be correlated then; three years apart they are not.
    assert "ar2_p_value" not in group.diagnostics
    assert min(group.diagnostics["ar3_p_value"] or 0, group.j_p_value or 0) > 0.05
    assert not any("correlated" in note for note in group.notes)


def test_coverage() -> None:
    draws = []
    for seed in range(100):
        fit = fitted(dynamic(800, 500 + seed), system_gmm, controls=("year",))
        group = fit.groups[0]
        inside = np.abs(group.coefficients - [BL, BK]) < group.inference.conf_high - group.coefficients
        draws.append([*inside, (group.j_p_value or 1) < 0.05])
    shares = np.mean(draws, axis=0)
    # Three Monte Carlo errors of 100 draws below 0.95; J rejects no more than 5 per cent by as much.
    assert (shares[:2] > 0.95 - 3 * (0.95 * 0.05 / 100) ** 0.5).all()
    assert shares[2] < 0.05 + 3 * (0.95 * 0.05 / 100) ** 0.5


@pytest.mark.parametrize("keys", [{}, {"collapse": False}, {"steps": 1}], ids=["", "by year", "one step"])
def test_units_order_and_names_do_not_matter(keys: dict[str, Any]) -> None:
    rows = dynamic(300, 7)
    before = fitted(rows, system_gmm, controls=("year",), **keys)
    for shift in (9.0, -7.0):
        moved = with_columns(rows, **{name: rows.number(name) + shift for name in "ylk"})
        after = fitted(moved, system_gmm, controls=("year",), **keys)
        np.testing.assert_allclose(after.groups[0].coefficients, before.groups[0].coefficients, rtol=1e-10)
        np.testing.assert_allclose(std_errors(after), std_errors(before), rtol=1e-10)
    names = np.random.default_rng(1).permutation(300)[rows.firm]
    order = np.lexsort((rows.year, names))
    columns = {name: rows.number(name)[order] for name in ("y", "l", "k", "year")}
    after = fitted(selection(columns, names[order], rows.year[order]), system_gmm, controls=("year",), **keys)
    np.testing.assert_allclose(after.groups[0].coefficients, before.groups[0].coefficients, rtol=1e-9)
    np.testing.assert_allclose(after.groups[0].covariance, before.groups[0].covariance, rtol=1e-8)
    np.testing.assert_allclose(after.values, before.values[order], atol=1e-8)


def test_effects_of_the_years_do_not_depend_on_which_is_the_base() -> None:
    """The change into the first year of the equations has an effect of its own, as every other change has."""
    rows = dynamic(300, 7)
    year = rows.year
    found = []
    for names in (year, 9000 - year, (year * 7) % 11):
        named = {**{name: rows.number(name) for name in "ylk"}, "year": year * 1.0}
        labels = [f"{one:04}" for one in names]
        texts = selection({**named, "t": labels}, rows.firm, year, {"t": sorted(set(labels))})
        found.append(fitted(texts, system_gmm, controls=("t",)).groups[0])
    for other in found[1:]:
        np.testing.assert_allclose(other.coefficients, found[0].coefficients, rtol=1e-9)
        np.testing.assert_allclose(other.covariance, found[0].covariance, rtol=1e-8)
        assert other.j_statistic == pytest.approx(found[0].j_statistic, rel=1e-8)


def test_a_shock_to_all_in_the_first_year_is_an_effect_of_that_year() -> None:
    rows = dynamic(3000, 5)
    shocked = with_columns(rows, y=rows.number("y") + 0.3 * (rows.year >= rows.year.min() + 2))
    keys: dict[str, Any] = {"controls": ("year",), "collapse": False}
    calm, storm = (fitted(one, system_gmm, **keys).groups[0] for one in (rows, shocked))
    # What moves every firm alike moves nothing: the effects of the years take it whole.
    np.testing.assert_allclose(storm.coefficients, calm.coefficients, rtol=1e-8)
    np.testing.assert_allclose(storm.covariance, calm.covariance, rtol=1e-7)
    # Collapsed instruments are set about one mean, not the year's: the shock is in them, and in no equation's error.
    storm = fitted(shocked, system_gmm, controls=("year",)).groups[0]
    np.testing.assert_allclose(storm.coefficients, [BL, BK], atol=3 * np.sqrt(np.diag(storm.covariance)).max())


def test_a_log_in_another_unit_has_an_elasticity_in_that_unit() -> None:
    rows = dynamic(300, 7)
    before = fitted(rows, system_gmm, controls=("year",)).groups[0]
    for factor in (1e-6, 2.0, 1e12):
        moved = with_columns(rows, l=factor * rows.number("l"))
        after = fitted(moved, system_gmm, controls=("year",)).groups[0]
        units = np.array([factor, 1.0])
        np.testing.assert_allclose(units * after.coefficients, before.coefficients, rtol=1e-9)
        spread = np.outer(units, units) * after.covariance
        np.testing.assert_allclose(spread, before.covariance, rtol=1e-8, atol=1e-12)
        for name in ("rho", "rho_std_error", "common_factor_statistic", "sanderson_windmeijer_f"):
            assert after.diagnostics[name] == pytest.approx(before.diagnostics[name], rel=1e-8)


def test_raw_levels_as_instruments_would_depend_on_units() -> None:
    """Why they stand in deviations from their means: the equation in differences has no constant among them."""
    rows = dynamic(300, 7)
    found = []
    for shift in (0.0, 7.0):
        of = stacked(with_columns(rows, y=rows.number("y") + shift), ("y", "l", "k"))
        raw = of.z.copy()
        lagged = {(f, t): y for f, t, y in zip(rows.firm, rows.year, rows.number("y") + shift, strict=True)}
        half = len(of.y) // 2
        raw[:half, 0] = [lagged[f, t - 2] for f, t in zip(of.firm[:half], of.year[:half], strict=True)]
        projected = raw @ np.linalg.lstsq(raw, of.x, rcond=None)[0]
        found.append(np.linalg.lstsq(projected, of.y, rcond=None)[0][:5])
    assert np.abs(found[1] - found[0]).max() > 0.01


def test_influence_gives_the_covariance_and_the_gradient_is_that_of_the_residual() -> None:
    rows = dynamic(120, 8)
    fit = fitted(rows, system_gmm, controls=("year",))
    group = fit.groups[0]
    np.testing.assert_allclose(group.small_sample * group.influence.T @ group.influence, group.covariance, rtol=1e-12)
    np.testing.assert_array_equal(fit.gradient, -np.column_stack([rows.number("l"), rows.number("k")]))
    assert group.parameters == group.terms == ("l", "k")


def test_influence_is_what_leaving_out_a_firm_does() -> None:
    """To first order: the weights and the restrictions move a little as well."""
    rows = dynamic(6000, 9)
    whole = fitted(rows, system_gmm, controls=("year",), windmeijer=False).groups[0]
    moved = []
    for firm in range(12):
        kept = rows.take(rows.firm != firm)
        kept = Selection(np.arange(len(kept.rows)), kept.firm, kept.year, kept.columns, len(kept.rows), {})
        moved.append(whole.coefficients - fitted(kept, system_gmm, controls=("year",), windmeijer=False).groups[0].coefficients)  # fmt: skip  # noqa: E501
    for number in range(2):
        assert np.corrcoef(np.array(moved)[:, number], whole.influence[:12, number])[0, 1] > 0.95


def test_rows_are_counted() -> None:
    rows = simulate(120, 6, ragged=True, n_years=7)
    y = rows.number("y").copy()
    y[5] = np.nan
    fit = fitted(with_columns(rows, y=y), system_gmm)
    assert sum(fit.dropped.values()) + int(fit.in_sample.sum()) == rows.n_panel
    assert fit.dropped["missing y"] == 1
    assert fit.groups[0].n_obs == int(fit.in_sample.sum())


def test_few_firms_take_one_step_and_too_many_instruments_are_told() -> None:
    few = fitted(dynamic(40, 2), system_gmm, controls=("year",), collapse=False).groups[0]
    assert few.rung == "one-step"
    assert few.j_statistic is None
    instruments = int(few.diagnostics["n_instruments"] or 0)
    assert instruments > 40
    assert f"40 firms, two steps need {2 * instruments} ({instruments} instruments): one step taken" in few.notes
    assert f"more instruments ({instruments}) than firms (40): collapse them, or use fewer lags" in few.notes
    assert (few.df, few.small_sample) == (39.0, 40 / 39)
    many = fitted(dynamic(200, 2), system_gmm, controls=("year",)).groups[0]
    assert (many.rung, many.df, many.small_sample) == ("two-step", np.inf, 1.0)


def test_controls_that_are_constant_or_spanned_change_nothing() -> None:
    rows = dynamic(150, 3)
    extra = with_columns(rows, trend=rows.year * 2.0, one=np.ones(rows.n_panel))
    before = fitted(rows, system_gmm, controls=("year",))
    after = fitted(extra, system_gmm, controls=("year", "trend", "one"))
    np.testing.assert_allclose(after.groups[0].covariance, before.groups[0].covariance, rtol=1e-9)
    assert "control one is constant here and left out" in after.groups[0].notes
    assert "collinear with the other controls and left out: trend" in after.groups[0].notes


def test_a_text_control() -> None:
    rows = simulate(200, 4, sectors=3, n_years=7, switchers=0.2)
    codes = rows.columns["nace"]
    assert isinstance(codes, TextColumn)
    of = stacked(rows, ("y", "l", "k"), controls=(codes.codes[:, None] == [1, 2]) * 1.0)
    expected = dense_two_steps(of)["theta"][:5]
    np.testing.assert_allclose(unrestricted(fitted(rows, system_gmm, controls=("nace",))), expected, rtol=1e-7)


def failing(rows: Selection, **changes: Any) -> str:
    with pytest.raises(EstimationError, match=r"^productivity\.tfp: ") as found:
        fitted(rows, system_gmm, **changes)
    return str(found.value)


def part(rows: Selection, kept: FloatArray) -> Selection:
    taken = rows.take(kept)
    return Selection(np.arange(len(taken.rows)), taken.firm, taken.year, taken.columns, len(taken.rows), {})


def test_failures_by_name() -> None:
    rows = dynamic(60, 1)
    assert "20 firms with 3 consecutive years" in failing(part(rows, rows.firm < 20))
    assert "0 firms with 3 consecutive years" in failing(part(rows, rows.year < 2012))
    assert "a gap breaks the row of years" in failing(part(rows, rows.year % 3 > 0))
    assert "0 firms" in failing(with_columns(rows, y=np.full(rows.n_panel, np.nan)))
    assert '"k" does not vary in these rows' in failing(with_columns(rows, k=np.full(rows.n_panel, 7.0)))
    first = rows.number("k")[np.searchsorted(rows.firm, rows.firm)]
    assert '"k" does not vary within firms' in failing(with_columns(rows, k=first))
    twice = with_columns(rows, l2=2 * rows.number("l"))
    assert "are not identified" in failing(twice, free=("l", "l2"))
    exact = with_columns(rows, y=rows.number("l") + rows.number("k"))
    assert "productivity does not vary: y is an exact function of the inputs" in failing(exact)
    almost_empty = np.where(np.arange(rows.n_panel) == 3, 1.0, np.nan)
    few = failing(with_columns(rows, l=almost_empty))
    assert "0 firms with 3 consecutive years among 1 complete row" in few
    assert f"l is missing in {rows.n_panel - 1}" in few


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"lags": (1, 3)}, ("lags", 0), "lag 1"),
        ({"lags": (3, 2)}, ("lags", 1), "lag 2 comes before lag 3"),
        ({"lags": (2,)}, ("lags",), "two whole numbers"),
        ({"lags": 2}, ("lags",), "two whole numbers are wanted, not 2"),
        ({"lags": (2, True)}, ("lags",), "two whole numbers"),
        ({"steps": 3}, ("steps",), ""),
        ({"collapse": "yes"}, ("collapse",), ""),
        ({"proxy": "m"}, ("proxy",), ""),
    ],
)
def test_options_refuse(changes: dict[str, Any], path: tuple[str | int, ...], said: str) -> None:
    with pytest.raises(ValidationError) as found:
        system_gmm.Options(**({"output": "y", "free": ("l",), "state": ("k",)} | changes))
    (error,) = found.value.errors()
    mistake = (error.get("ctx") or {}).get("found")
    assert (*error["loc"], *(mistake.path if mistake else ())) == path
    assert said in (mistake.what if mistake else "")


def test_equations_and_defaults() -> None:
    keys = system_gmm.Options(output="y", free=("l",), state=("k",), controls=("year",))
    assert (keys.lags, keys.collapse, keys.steps, keys.windmeijer) == ((2, 3), True, 2, True)
    assert keys.model_dump(mode="json")["lags"] == [2, 3]
    assert system_gmm.columns(keys) == ("y", "l", "k", "year")
    assert system_gmm.equations(keys).splitlines() == [
        "y(t) = rho y(t-1) + b[l] l(t) + g[l] l(t-1) + b[k] k(t) + g[k] k(t-1) + lambda[year] year(t) + a[firm] + e(t)",
        "(1) in first differences, instruments: y, l, k of t-2 to t-3",
        "(2) in levels, instruments: differences of y, l, k of t-1; the constant, year",
        "then by minimum distance: g[l] = -rho b[l], g[k] = -rho b[k]",
    ]
