"""The GMM kernel against dense matrices, and special cases that must collapse."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from estimation.cross_products import Chunk, CollinearError, Equation, cross_products
from estimation.gmm import UnidentifiedError, linear_gmm

FIRST = Equation("1", ("one", "x", "l", "y"), 3, ("a0", "a1", "bl"))
SECOND = Equation("2", ("one", "x", "z1", "z2", "l", "y"), 4, ("b0", "b1", None, None, "bl"))


class Dense:
    """A random two-equation system, whole and in chunks; the second equation lacks some rows."""

    def __init__(self, seed: int = 0, chunk: int = 7) -> None:
        rng = np.random.default_rng(seed)
        self.firm = np.sort(rng.integers(0, 60, 400))
        n = len(self.firm)
        shock = rng.normal(size=60)[self.firm]
        x, z1, z2 = rng.normal(size=(3, n))
        l = 0.5 * x + z1 + 0.5 * z2 + rng.normal(size=n) + shock  # noqa: E741
        y = 1 + 2 * x + 0.7 * l + rng.normal(size=n) + shock
        one = np.ones(n)
        self.rows = (np.arange(n), np.flatnonzero(rng.random(n) < 0.8))
        self.blocks = (np.stack([one, x, l, y]), np.stack([one, x, z1, z2, l, y])[:, self.rows[1]])
        self.edges = np.searchsorted(self.firm, np.arange(0, 61, chunk)).tolist()

    def chunks(self) -> Iterator[Chunk]:
        for start, stop in zip(self.edges, [*self.edges[1:], len(self.firm)], strict=True):
            inside = [(rows >= start) & (rows < stop) for rows in self.rows]
            yield Chunk(
                self.firm[start:stop],
                tuple(rows[kept] - start for rows, kept in zip(self.rows, inside, strict=True)),
                tuple(block[:, kept] for block, kept in zip(self.blocks, inside, strict=True)),
            )

    def stacked(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """X, Z, y, row and equation of the stacked system; parameters a0 a1 bl b0 b1."""
        one, two = self.blocks
        x = np.zeros((one.shape[1] + two.shape[1], 5))
        z = np.zeros((len(x), 7))
        x[: one.shape[1], :3] = one[:3].T
        x[one.shape[1] :, [3, 4, 2]] = two[[0, 1, 4]].T
        z[: one.shape[1], :3] = one[:3].T
        z[one.shape[1] :, 3:] = two[:4].T
        equation = np.repeat([0, 1], [one.shape[1], two.shape[1]])
        return x, z, np.concatenate([one[-1], two[-1]]), np.concatenate(self.rows), equation


def moment_covariance(z: np.ndarray, e: np.ndarray, unit: np.ndarray) -> np.ndarray:
    sums = np.zeros((unit.max() + 1, z.shape[1]))
    np.add.at(sums, unit, z * e[:, None])
    return sums.T @ sums


@pytest.mark.parametrize("weights", ["cluster", "robust", "unadjusted"])
@pytest.mark.parametrize("steps", [1, 2])
def test_brute_force(weights: str, steps: int) -> None:
    world = Dense()
    x, z, y, row, equation = world.stacked()
    unit = world.firm[row] if weights == "cluster" else row

    def s(theta: np.ndarray) -> np.ndarray:
        e = y - x @ theta
        if weights != "unadjusted":
            return moment_covariance(z, e, unit)
        # Equations with different rows are weighted as separate samples.
        return sum(np.mean(e[equation == k] ** 2) * z[equation == k].T @ z[equation == k] for k in (0, 1))  # type: ignore[return-value]

    w = np.linalg.inv(z.T @ z)
    for step in range(steps):
        g = z.T @ x
        a = np.linalg.solve(g.T @ w @ g, g.T @ w)
        theta = a @ z.T @ y
        if step + 1 < steps:
            w = np.linalg.inv(s(theta))
    v = a @ s(theta) @ a.T
    system = cross_products([FIRST, SECOND], world.chunks)
    wanted = ["a0", "a1", "bl", "b0", "b1"]
    fit = linear_gmm(system, world.chunks, wanted, steps, weights)
    # Well-conditioned dense matrices: both sides keep twelve digits.
    np.testing.assert_allclose(fit.coefficients, theta, rtol=1e-11)
    np.testing.assert_allclose(fit.covariance, v, rtol=1e-10, atol=1e-14)
    psi = np.zeros((60, 5))
    np.add.at(psi, world.firm[row], (z * (y - x @ theta)[:, None]) @ a.T)
    np.testing.assert_array_equal(fit.firms, np.unique(world.firm))
    np.testing.assert_allclose(fit.influence, psi[fit.firms], rtol=1e-9, atol=1e-14)
    if steps == 2:
        gbar = z.T @ (y - x @ theta)
        assert fit.j_statistic == pytest.approx(gbar @ w @ gbar, rel=1e-9)
        assert fit.j_df == 2
    else:
        assert fit.j_statistic is None


def test_chunks_do_not_matter() -> None:
    found = []
    for size in (1, 7, 60):
        world = Dense(chunk=size)
        system = cross_products([FIRST, SECOND], world.chunks)
        found.append(linear_gmm(system, world.chunks, ["bl"]))
    for other in found[1:]:
        # The order of additions alone.
        np.testing.assert_allclose(other.coefficients, found[0].coefficients, rtol=1e-13)
        np.testing.assert_allclose(other.covariance, found[0].covariance, rtol=1e-12)


def test_instruments_that_are_the_regressors_give_least_squares() -> None:
    world = Dense()
    block, rows = world.blocks[0], world.rows[0]
    chunks = lambda: [Chunk(world.firm, (rows,), (block,))]  # noqa: E731
    for steps in (1, 2):
        fit = linear_gmm(cross_products([FIRST], chunks), chunks, ["a0", "a1", "bl"], steps)
        expected = np.linalg.lstsq(block[:3].T, block[3], rcond=None)[0]
        np.testing.assert_allclose(fit.coefficients, expected, rtol=1e-12)
        # Just identified: nothing is left to test, and steps make no difference.
        assert fit.j_statistic is None


def test_a_spanned_optional_instrument_is_left_out_and_a_required_one_is_named() -> None:
    world = Dense()
    one, x, l, y = world.blocks[0]  # noqa: E741
    block = np.stack([one, x, 3 * x - 2 * one, l, y])
    chunks = lambda: [Chunk(world.firm, (world.rows[0],), (block,))]  # noqa: E731
    columns = ("one", "x", "copy", "l", "y")
    equation = Equation("1", columns, 4, ("a0", "a1", "a2", "bl"), frozenset({"copy"}))
    system = cross_products([equation], chunks)
    assert system.left_out == (("copy",),)
    assert system.parameters == ("a0", "a1", "bl")
    expected = np.linalg.lstsq(np.stack([one, x, l]).T, y, rcond=None)[0]
    np.testing.assert_allclose(linear_gmm(system, chunks, ["a0", "a1", "bl"]).coefficients, expected, rtol=1e-12)
    with pytest.raises(CollinearError) as found:
        cross_products([Equation("1", columns, 4, ("a0", "a1", "a2", "bl"))], chunks)
    assert found.value.column == "copy"


def test_an_unmoved_regressor_is_named() -> None:
    world = Dense()
    one, x, z1, z2, l, y = world.blocks[1]  # noqa: E741
    q = np.linalg.qr(np.stack([one, x, z1, z2, l]).T)[0]
    unmoved = q[:, 4]  # orthogonal to all instruments
    block = np.stack([one, x, z1, z2, unmoved, y])
    chunks = lambda: [Chunk(world.firm[world.rows[1]], (np.arange(len(y)),), (block,))]  # noqa: E731
    with pytest.raises(UnidentifiedError) as found:
        linear_gmm(cross_products([SECOND], chunks), chunks, ["bl"])
    assert "bl" in found.value.parameters


def test_moments_without_variance_are_met_exactly() -> None:
    """One firm behind an indicator: the limit of the weight (S + epsilon I)^-1."""
    world = Dense()
    lone = (world.firm == world.firm[0]).astype(float)
    blocks = (
        np.insert(world.blocks[0], 2, lone, axis=0),
        np.insert(world.blocks[1], 2, lone[world.rows[1]], axis=0),
    )
    first = Equation("1", ("one", "x", "d", "l", "y"), 4, ("a0", "a1", "a2", "bl"))
    second = Equation("2", ("one", "x", "d", "z1", "z2", "l", "y"), 5, ("b0", "b1", "b2", None, None, "bl"))
    chunks = lambda: [Chunk(world.firm, world.rows, blocks)]  # noqa: E731
    system = cross_products([first, second], chunks)
    fit = linear_gmm(system, chunks, system.parameters)
    assert fit.n_exact == 2
    assert fit.j_df == 2

    one_step = linear_gmm(system, chunks, system.parameters, steps=1)
    q = [t @ b[: t.shape[1]] for t, b in zip(system.transforms, blocks, strict=True)]
    scores = np.zeros((60, system.n_moments))
    for part, matrix, weight, block, rows in zip(
        system.slices(), q, system.by_column(one_step.theta), blocks, world.rows, strict=True
    ):
        np.add.at(scores[:, part], world.firm[rows], (matrix * (weight @ block)).T)
    s = scores.T @ scores
    w = np.linalg.inv(s + 1e-7 * np.eye(len(s)))
    d = system.design
    limit = np.linalg.solve(d.T @ w @ d, d.T @ w @ system.outcome)
    # epsilon itself, against variances of the order of one.
    np.testing.assert_allclose(fit.theta, limit, rtol=1e-5)


@pytest.mark.parametrize(("apart", "passes"), [(1.0, 1), (0.02, 1), (1e-3, 2), (1e-5, 2)])
def test_one_pass_where_it_keeps_the_digits_and_two_where_it_does_not(apart: float, passes: int) -> None:
    """x is the constant, but for a share `apart`: its coefficient against a QR decomposition of the columns."""
    rng = np.random.default_rng(7)
    firm = np.sort(rng.integers(0, 200, 2_000))
    x, z = 1 + apart * rng.normal(size=2_000), rng.normal(size=2_000)
    y = 1 + 2 * x + 0.5 * z + rng.normal(size=2_000)
    block = np.stack([np.ones(2_000), x, z, y])
    read = 0

    def chunks() -> Iterator[Chunk]:
        nonlocal read
        read += 1
        yield Chunk(firm, (np.arange(2_000),), (block,))

    system = cross_products([Equation("1", ("one", "x", "z", "y"), 3, ("a", "b", "c"))], chunks)
    assert read == passes
    q, r = np.linalg.qr(block[:3].T)
    expected = np.linalg.solve(r, q.T @ y)
    # Rounding, 2e-16, times the square of the condition number in one pass and times itself in two.
    np.testing.assert_allclose(linear_gmm(system, chunks, ["a", "b", "c"]).coefficients, expected, rtol=1e-10)
    mine = system.transforms[0] @ block[:3]
    # Of columns that differ by `apart`, a product keeps as many digits less.
    np.testing.assert_allclose(mine @ mine.T, np.eye(3), atol=1e-12 + 1e-15 / apart)


@pytest.mark.parametrize("first", ["numbers", "levels"])
def test_a_spanned_column_is_seen_behind_others_that_hardly_differ(first: str) -> None:
    """A trend far from zero, its square and its cube beside indicators of ten years: three columns are too many,
    whichever stand first; rounding in what stands first must not hide it.
    """
    rng = np.random.default_rng(3)
    firm = np.repeat(np.arange(300), 10)
    year = np.tile(np.arange(10.0), 300)
    powers = {f"t{power}": (20 + year) ** power for power in (1, 2, 3)}
    numbers = {name: (values - values.mean()) / values.std() for name, values in powers.items()}
    levels = {f"y{one}": (year == one) * 1.0 for one in range(1, 10)}
    columns = {**numbers, **levels} if first == "numbers" else {**levels, **numbers}
    y = rng.normal(size=3000) + year
    names = ("one", *columns, "y")
    block = np.stack([np.ones(3000), *columns.values(), y])
    equation = Equation("1", names, 1 + len(columns), names[:-1], frozenset(columns))

    def chunks() -> Iterator[Chunk]:
        yield Chunk(firm, (np.arange(3000),), (block,))

    system = cross_products([equation], chunks)
    assert system.n_moments == 10
    fit = linear_gmm(system, chunks, system.parameters, steps=1)
    kept = [names.index(name) for name in system.parameters]
    np.testing.assert_allclose(fit.theta @ block[kept], np.array([y[year == one].mean() for one in year]), rtol=1e-7)
