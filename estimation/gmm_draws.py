"""Linear GMM estimated again with other weights on the firms: all draws of a bootstrap from one set of products.

Firm i was drawn n_i times. With theta0 the estimate of the full sample, G its firms and g0 = sum of s_i(theta0),
the moments of a drawn firm are recentred (Hall and Horowitz, 1996)::

    s*_i(theta) = s_i(theta) - g0 / G,    g*(theta) = sum of n_i s*_i(theta)

so that they hold at theta0 on average over the draws, as the population's hold at the truth. Without this an
overidentified system would be drawn from a world in which its restrictions fail. Both steps minimise
``g*' W g*``, the first with ``W = blockdiag(Z_e'NZ_e)^-1``, the second with ``W = (sum of n_i s*_i s*_i')^-1`` at
the draw's own first step. In a just identified system g0 = 0 and nothing is recentred.

Everything is written in the deviation from theta0, in orthonormal instruments and regressors of the full sample:
what is solved in a draw is close to the unit matrix, and a level of a control that no drawn firm has is an exact
zero. An instrument that the draw's others span is left out there, as it would be in a sample of its own.

References
----------
Hall, P. and Horowitz, J. L. (1996). Bootstrap critical values for tests based on generalized-method-of-moments
estimators. Econometrica 64(4), 891-916.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from estimation.cross_products import COLLINEAR, Chunks, CollinearError, CrossProducts, orthonormal
from estimation.gmm import NO_VARIANCE, Generated, GmmFit
from estimation.results import BoolArray, FloatArray, IntArray
from estimation.spectra import Spectra, spectra
from estimation.unit_products import UnitProducts, bilinear, layout_of, unpack

__all__ = ["GmmDraws", "Reestimated"]

# Above this share of the largest eigenvalue the inverse of S keeps nine digits; below, its small directions are
# looked at one draw at a time.
CLOSE_TO_SINGULAR = 1e-7
# Scores of all draws in one block: small enough to stay in a processor's cache.
BLOCK_VALUES = 400_000
# So few influence functions come from the products themselves; more of them from the firms' moments.
FEW_WANTED = 4


@dataclass(frozen=True, slots=True, eq=False)
class Reestimated:
    """A system in B draws.

    Attributes
    ----------
    theta : (B, P) array
        NaN where the draw's instruments do not identify it at all.
    deviation : (B, P) array
        From the full sample's estimate, in the orthonormal regressors.
    projection : (B, P, m) array
        A with ``theta - theta0 = A g*(theta0)``.
    free : mapping of int to (P, d) array
        For draws that do not determine all parameters: the directions, in the orthonormal regressors, along
        which they are free.
    """

    theta: FloatArray
    deviation: FloatArray
    projection: FloatArray
    free: Mapping[int, FloatArray]


class GmmDraws:
    """Estimates a system again with counts of its firms.

    Parameters
    ----------
    products : CrossProducts
        Of the full sample.
    chunks : callable
    fit : GmmFit
        The estimate of the full sample.
    two_step : bool
    weights : str
        ``cluster``, ``robust`` or ``unadjusted``: what S is in the second step.
    generated : callable, optional
        What an estimated regressor adds to the firms' moments in S; with ``cluster``.
    """

    def __init__(
        self,
        products: CrossProducts,
        chunks: Chunks,
        fit: GmmFit,
        two_step: bool,
        weights: str,
        generated: Generated | None = None,
    ) -> None:
        self._system, self._chunks, self._weights, self._generated = products, chunks, weights, generated
        self._theta = fit.theta
        self._overidentified = products.n_moments > len(products.parameters)
        self._two_step = two_step and self._overidentified
        self._layouts = layout_of(products, fit.theta)
        self._parts = list(products.slices())
        self._firms = UnitProducts(self._layouts, chunks, "firm")
        self._units = UnitProducts(self._layouts, chunks, "row") if weights == "robust" else self._firms
        # Regressors made orthonormal as the instruments see them: theta - theta0 = scale @ deviation.
        triangle = np.linalg.qr(products.design / products.lengths, mode="r")
        self._scale = np.linalg.inv(triangle) / products.lengths[:, None]
        self._coordinates = [layout.coordinates @ self._scale for layout in self._layouts]
        self._moments = products.outcome - products.design @ fit.theta
        self.firms = fit.firms

    @property
    def scale(self) -> FloatArray:
        """What makes parameters of a direction in the orthonormal regressors, (P, P)."""
        return self._scale

    def estimate(self, counts: FloatArray) -> Reestimated:
        """Estimate every draw.

        Parameters
        ----------
        counts : (B, n_panel) array
        """
        grams, design, moments = self._sums(counts)
        n_units, drawn = self._drawn(counts)
        moments -= (drawn / n_units)[:, None] * self._moments
        inverse = [spectra(gram, COLLINEAR) for gram in grams]
        weighted = np.concatenate(
            [one.inverse @ design[:, part] for one, part in zip(inverse, self._parts, strict=True)], axis=1
        )
        first = spectra(design.transpose(0, 2, 1) @ weighted, COLLINEAR)
        projection = first.inverse @ weighted.transpose(0, 2, 1)
        frames = self._frames(grams, inverse) if self._overidentified else {}
        for draw, frame in frames.items():
            projection[draw] = _one_step(frame, design[draw], first, draw)
        deviation = (projection @ moments[:, :, None])[:, :, 0]
        if self._two_step:
            meat = self._meat(counts, deviation, n_units)
            projection = _two_step(meat, design, first, frames, projection, self._identity)
            deviation = (projection @ moments[:, :, None])[:, :, 0]
        free = {int(draw): first.vectors[draw][:, ~first.kept[draw]] for draw in np.flatnonzero(~first.full)}
        return Reestimated(self._theta + deviation @ self._scale.T, deviation, self._scale @ projection, free)

    def influence(self, found: Reestimated, chosen: FloatArray) -> FloatArray:
        """Return the firms' influence functions at each draw's own estimate.

        Parameters
        ----------
        found : Reestimated
        chosen : (q, P) array
            The combinations of parameters that are wanted.

        Returns
        -------
        (B, q, G) array
            On `firms`, of a firm that is drawn once.
        """
        matrix = chosen @ found.projection
        if len(chosen) <= FEW_WANTED:
            return self._few(matrix, found.deviation)
        out = np.zeros((len(matrix), len(chosen), len(self.firms)))
        start = 0
        for firm, scores in self._scores(self._firms, found.deviation, len(self.firms)):
            for part, own in zip(self._parts, scores, strict=True):
                out[:, :, start : start + len(firm)] += matrix[:, :, part] @ own
            start += len(firm)
        return out

    def _few(self, matrix: FloatArray, deviation: FloatArray) -> FloatArray:
        """Return matrix (B, q, m) times s*_i, in one product with the packed products of the firms."""
        n, q = matrix.shape[:2]
        weights = []
        for part, coordinates in zip(self._parts, self._coordinates, strict=True):
            local = np.concatenate([-deviation @ coordinates.T, np.ones((n, 1))], axis=1)
            right = np.broadcast_to(local[:, None, :], (n, q, local.shape[1]))
            weights.append(bilinear(matrix[:, :, part], right).reshape(n * q, -1))
        shift = (matrix @ self._moments / len(self.firms)).reshape(n * q, 1)
        out = np.empty((n * q, len(self.firms)))
        start = 0
        for units in self._firms:
            place = out[:, start : start + len(units.firm)]
            place[:] = -shift
            for weight, packed in zip(weights, units.packed, strict=True):
                place += weight @ packed
            start += len(units.firm)
        return out.reshape(n, q, -1)

    @property
    def _identity(self) -> FloatArray:
        return np.eye(len(self._moments))

    def _drawn(self, counts: FloatArray) -> tuple[int, FloatArray]:
        """Return the units of S in the full sample, and those of each draw, (B,)."""
        if self._units is self._firms:
            return len(self.firms), np.asarray(counts[:, self.firms].sum(axis=1))
        firm = np.concatenate([units.firm for units in self._units])
        return len(firm), np.asarray(counts @ np.bincount(firm, minlength=counts.shape[1]))

    def _sums(self, counts: FloatArray) -> tuple[list[FloatArray], FloatArray, FloatArray]:
        """Return Z'NZ by equation, Z'NX (B, m, P) in orthonormal regressors, and Z'Nr (B, m)."""
        totals: list[FloatArray] = []
        for units in self._firms:
            drawn = counts[:, units.firm]
            found = [drawn @ packed.T for packed in units.packed]
            totals = [total + one for total, one in zip(totals, found, strict=True)] if totals else found
        grams, design, moments = [], [], []
        for layout, coordinates, total in zip(self._layouts, self._coordinates, totals, strict=True):
            full = unpack(total.T, layout.moments, layout.width).transpose(2, 1, 0)
            grams.append(np.ascontiguousarray(full[:, :, : layout.moments]))
            design.append(full[:, :, :-1] @ coordinates)
            moments.append(full[:, :, -1])
        return grams, np.concatenate(design, axis=1), np.concatenate(moments, axis=1)

    def _frames(self, grams: list[FloatArray], inverse: list[Spectra]) -> dict[int, FloatArray]:
        """Return, for draws whose instruments span each other, orthonormal ones without those, (m', m).

        A draw that cannot do without a required instrument has an entry without rows.
        """
        found: dict[int, FloatArray] = {}
        for draw in np.flatnonzero(~np.logical_and.reduce([one.full for one in inverse])):
            rows: list[FloatArray] = []
            for equation, part, product, gram in zip(
                self._system.equations, self._parts, self._system.products, grams, strict=True
            ):
                raw = product[:, : equation.n_instruments]
                own = raw.T @ gram[draw] @ raw
                gone = np.diag(own) <= COLLINEAR * np.einsum("mz,mz->z", raw, raw)
                own[gone], own[:, gone] = 0.0, 0.0
                try:
                    kept = orthonormal(equation, own) @ raw.T
                except CollinearError:
                    rows = []
                    break
                kept = np.linalg.inv(np.linalg.cholesky(kept @ gram[draw] @ kept.T)) @ kept
                row = np.zeros((len(kept), len(self._moments)))
                row[:, part] = kept
                rows.append(row)
            found[int(draw)] = np.concatenate(rows) if rows else np.zeros((0, len(self._moments)))
        return found

    def _scores(
        self, source: UnitProducts, deviation: FloatArray, n_units: int
    ) -> Iterator[tuple[IntArray, list[FloatArray]]]:
        """Yield units with s*_i at each draw's estimate, by equation (B, m_e, u)."""
        n = len(deviation)
        local = [np.concatenate([-deviation @ one.T, np.ones((n, 1))], axis=1) for one in self._coordinates]
        size = max(BLOCK_VALUES // (n * len(self._moments)), 16)
        for units in source:
            for start in range(0, len(units.firm), size):
                part = slice(start, start + size)
                firm = units.firm[part]
                scores = []
                for layout, place, weight, packed in zip(self._layouts, self._parts, local, units.packed, strict=True):
                    table = unpack(packed[:, part], layout.moments, layout.width)
                    table[-1] -= self._moments[place, None] / n_units
                    found = weight @ table.reshape(layout.width, -1)
                    scores.append(found.reshape(n, layout.moments, len(firm)))
                yield firm, scores

    def _meat(self, counts: FloatArray, deviation: FloatArray, n_units: int) -> FloatArray:
        """Return S of every draw at its estimate, (B, m, m)."""
        if self._weights == "unadjusted":
            return self._unadjusted(counts, deviation)
        if self._generated is not None:
            return self._with_generated(counts, deviation, self._generated)
        m = len(self._moments)
        total = np.zeros((len(counts), m, m))
        for firm, scores in self._scores(self._units, deviation, n_units):
            root = np.sqrt(counts[:, firm])[:, None, :]
            for e, part in enumerate(self._parts):
                scores[e] *= root
                for other, before in enumerate(self._parts[: e + 1]):
                    total[:, part, before] += scores[e] @ scores[other].transpose(0, 2, 1)
        for e, part in enumerate(self._parts):
            for before in self._parts[:e]:
                total[:, before, part] = total[:, part, before].transpose(0, 2, 1)
        return total

    def _with_generated(self, counts: FloatArray, deviation: FloatArray, generated: Generated) -> FloatArray:
        m = len(self._moments)
        total = np.zeros((len(counts), m, m))
        for draw in range(len(counts)):
            own = np.zeros((counts.shape[1], m))
            for firm, scores in self._scores(self._firms, deviation[draw : draw + 1], len(self.firms)):
                own[firm] = np.concatenate(scores, axis=1)[0].T
            firms, extra = generated(self._system, self._theta + self._scale @ deviation[draw])
            own[firms] += extra
            total[draw] = (own * counts[draw][:, None]).T @ own
        return total

    def _unadjusted(self, counts: FloatArray, deviation: FloatArray) -> FloatArray:
        """Return S with blocks sigma_ab Z_a'NZ_b; sigma_ab is zero between equations with different rows."""
        n, m, n_equations = len(counts), len(self._moments), len(self._parts)
        local = [np.concatenate([-deviation @ one.T, np.ones((n, 1))], axis=1) for one in self._coordinates]
        gram = np.zeros((n, m * m))
        sigma = np.zeros((n, n_equations, n_equations))
        rows_drawn = np.zeros((n, n_equations))
        same = np.ones((n_equations, n_equations), dtype=bool)
        for chunk in self._chunks():
            columns = [layout.columns(block) for layout, block in zip(self._layouts, chunk.blocks, strict=True)]
            instruments = np.zeros((m, len(chunk.firm)))
            residuals = np.zeros((n, n_equations, len(chunk.firm)))
            for e, (layout, part, rows) in enumerate(zip(self._layouts, self._parts, chunk.rows, strict=True)):
                instruments[part, rows] = columns[e][: layout.moments]
                residuals[:, e, rows] = local[e] @ columns[e]
                rows_drawn[:, e] += counts[:, chunk.firm[rows]].sum(axis=1)
                same[e] &= [len(rows) == len(other) and bool(np.all(rows == other)) for other in chunk.rows]
            drawn = counts[:, chunk.firm]
            sigma += (residuals * drawn[:, None]) @ residuals.transpose(0, 2, 1)
            for first in range(m):
                gram[:, first * m : (first + 1) * m] += drawn @ (instruments[first] * instruments).T
        rows_drawn = np.maximum(rows_drawn, 1.0)
        sigma /= np.sqrt(rows_drawn[:, :, None] * rows_drawn[:, None, :])
        sigma = np.where(same, sigma, 0.0)
        owner = np.repeat(np.arange(n_equations), [part.stop - part.start for part in self._parts])
        found: FloatArray = gram.reshape(n, m, m) * sigma[:, owner[:, None], owner[None, :]]
        return found


def _one_step(frame: FloatArray, design: FloatArray, first: Spectra, draw: int) -> FloatArray:
    """Return the first step's projection of a draw in its own instruments, (P, m); NaN where it has none."""
    if not len(frame):
        return np.full((design.shape[1], design.shape[0]), np.nan)
    inside = first.vectors[draw][:, first.kept[draw]]
    found: FloatArray = inside @ np.linalg.pinv(frame @ design @ inside) @ frame
    return found


def _two_step(
    meat: FloatArray,
    design: FloatArray,
    first: Spectra,
    frames: Mapping[int, FloatArray],
    projection: FloatArray,
    identity: FloatArray,
) -> FloatArray:
    """Return the second step's projection of every draw, (B, P, m)."""
    usable = np.asarray(~np.isnan(projection).any(axis=(1, 2)), dtype=np.bool_)
    values = np.linalg.eigvalsh(np.where(usable[:, None, None], meat, identity))
    regular: BoolArray = usable & first.full & (values[:, 0] > CLOSE_TO_SINGULAR * values[:, -1])
    regular[list(frames)] = False
    found = np.full_like(projection, np.nan)
    chosen = np.flatnonzero(regular)
    if len(chosen):
        weighted = np.linalg.solve(meat[chosen], design[chosen]).transpose(0, 2, 1)
        found[chosen] = np.linalg.solve(weighted @ design[chosen], weighted)
    for draw in np.flatnonzero(usable & ~regular):
        frame = frames.get(int(draw), identity)
        found[draw] = _carefully(frame, meat[draw], design[draw], first.vectors[draw][:, first.kept[draw]])
    return found


def _carefully(frame: FloatArray, meat: FloatArray, design: FloatArray, inside: FloatArray) -> FloatArray:
    """Return the second step's projection of a draw whose moments have directions without variance, (P, m).

    Their moments are met exactly and the others fitted in what is left, as `estimation.gmm` does in the full
    sample.
    """
    seen = frame @ design @ inside
    variances, directions = np.linalg.eigh(frame @ meat @ frame.T)
    still = variances <= NO_VARIANCE * variances[-1]
    whiten = directions[:, ~still].T / np.sqrt(variances[~still])[:, None]
    if not still.any():
        return np.asarray(inside @ np.linalg.pinv(whiten @ seen) @ whiten @ frame, dtype=np.float64)
    exact = directions[:, still].T @ seen
    left, values, right = np.linalg.svd(exact)
    if len(exact) > seen.shape[1] or not values[-1] > np.sqrt(COLLINEAR):
        return np.full((len(inside), len(design)), np.nan)
    rest = right[len(exact) :].T
    meet = (right[: len(exact)].T / values) @ left.T @ directions[:, still].T
    fit = np.linalg.pinv(whiten @ seen @ rest) @ whiten
    return np.asarray(inside @ (meet + rest @ (fit - fit @ seen @ meet)) @ frame, dtype=np.float64)
