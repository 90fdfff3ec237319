"""The roots of Gandhi, Navarro and Rivers: known ones are found, and a draw ends where a refit of it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from estimation.bootstrap import blocks
from estimation.chain import bootstrap_elasticities
from estimation.productivity.gnr import markov_search, sample
from estimation.productivity.gnr.estimate import GnrEstimate
from estimation.productivity.gnr.fit import GnrResampler, gnr_resampler
from estimation.productivity.gnr.markov_search import BOXES, roots_of_a_draw, search
from estimation.productivity.gnr.surface import surface
from estimation.results import FloatArray
from panels.frame import Selection
from tests.estimation.constructed_roots import with_roots
from tests.estimation.gross_output_firms import fitted, options, simulate
from tests.estimation.test_two_stage_search import resampled


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As a run does: threads cost small matrices ten times what they save."""
    with threadpool_limits(1):
        yield


def everyone(rows: Selection, **changes: Any) -> GnrResampler:
    return gnr_resampler("tfp", options(**changes), rows, np.ones(rows.n_panel, dtype=bool))


def counted(n: int, draws: int, seed: int = 1) -> FloatArray:
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws).astype(float)


@pytest.mark.parametrize(("n_inputs", "degree", "seeds"), [(2, 1, 8), (3, 1, 4), (2, 2, 2)])
def test_known_roots_within_the_boxes_are_found(n_inputs: int, degree: int, seeds: int) -> None:
    for seed in range(seeds):
        step, terms, known = with_roots(seed, n_inputs, degree)
        found = search(step, terms)
        p = len(terms.sizes)
        assert found.boxed
        # A round of starts in three boxes, and at least another.
        assert found.starts >= 2 * 3 * 24
        assert all(root.norm < 1e-8 for root in found.roots)
        for b in known:
            # phi was made by solving: the roots are known to seven digits or more.
            near = min(step.size(b - root.coefficients) for root in found.roots)
            assert near < 1e-5 * step.size(b), (seed, p, b)


def test_a_draw_finds_what_the_sample_did_not_have() -> None:
    """Constructed roots again, from a start that is none of them."""
    missed = 0
    for seed in range(10):
        step, terms, known = with_roots(seed, 2)
        found = roots_of_a_draw(step, terms, [np.array([50.0, -50.0])])
        missed += sum(min(step.size(b - root.coefficients) for root in found) > 1e-5 * step.size(b) for b in known[:3])
    # Of the 30 within -2 and 3, with an eighth of the sample's starts and in one round.
    assert missed <= 1


def test_more_products_than_the_search_compresses_are_searched_by_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = simulate(200, 5)
    boxed = everyone(rows).served[0].estimate
    monkeypatch.setattr(markov_search, "MOST_PRODUCTS", 10)
    group, by_rows = fitted(rows).groups[0], everyone(rows).served[0].estimate
    np.testing.assert_allclose(by_rows.parameters, boxed.parameters, rtol=1e-9, atol=1e-10)
    assert not by_rows.found.boxed
    assert by_rows.found.starts < 30 < 2 * 3 * 120 < boxed.found.starts
    assert "search_lowest" not in group.diagnostics
    assert any("starts around least squares lead to; there may be others" in note for note in group.notes)


def test_the_note_says_what_was_searched_and_promises_no_more() -> None:
    group = fitted(simulate(200, 5)).groups[0]
    starts = int(group.diagnostics["search_starts"] or 0)
    (note,) = (note for note in group.notes if "roots" in note)
    assert note.startswith("3 roots of the second stage's moments, with average elasticities l 0.2893 k 0.1723; ")
    assert note.endswith(f"what {starts} starts with elasticities between -10 and 10 lead to; there may be others")
    assert (group.diagnostics["search_lowest"], group.diagnostics["search_highest"]) == BOXES[-1][:2]
    assert group.diagnostics["roots"] == 3


def refitted(rows: Selection, at: GnrEstimate, monkeypatch: pytest.MonkeyPatch) -> GnrEstimate:
    """The estimate on other rows, with the powers of the first one's centre, so that coefficients compare."""
    with monkeypatch.context() as patched:
        centre = at.sample.surface.centre
        patched.setattr(sample, "surface", lambda names, degree, rest, _: surface(names, degree, rest, centre))
        return everyone(rows).served[0].estimate


def test_a_draw_is_the_refit_of_its_firms(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = simulate(200, 5)
    sampler = everyone(rows)
    at = sampler.served[0].estimate
    # Descents from the estimate alone leave the first three of these without a root.
    counts = counted(200, 100, seed=2)[[12, 60, 90, 0, 1, 2, 3]]
    (drawn,) = sampler.draw(counts)
    assert np.isfinite(drawn).all()
    for one, count in zip(drawn, counts, strict=True):
        again = refitted(resampled(rows, count), at, monkeypatch)
        rest = at.sample.monomials.rest[:, at.sample.now]
        nearest = min(
            (root.coefficients for root in again.found.roots), key=lambda b: float(np.std((b - at.beta) @ rest))
        )
        # Two searches of the same equations, polished to rounding; shares and roots are less well conditioned.
        np.testing.assert_allclose(one[-5:], nearest, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(one[3:-5], again.parameters[3:-5], rtol=1e-8, atol=1e-10)
        slopes = again.sample.slopes.sum(axis=0) / len(again.sample.at)
        np.testing.assert_allclose(one[:3], slopes @ np.concatenate([again.gamma, nearest]), rtol=1e-6, atol=1e-8)


def test_draws_that_end_elsewhere_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = simulate(200, 5)
    fit, sampler = fitted(rows), everyone(rows)
    at = sampler.served[0].estimate
    slopes = at.sample.slopes.sum(axis=0) / len(at.sample.at)
    own, *others = (slopes @ np.concatenate([at.gamma, root.coefficients]) for root in at.found.roots)
    drawn = np.array([own, others[0], own + 1e-4, np.full(3, np.nan), others[1], others[1]])
    said = (
        "in 3 of 5 draws of the bootstrap the root nearest to the estimate has average elasticities nearer to another "
        "root of the full sample than to the estimate"
    )
    assert sampler.told([drawn]) == ((said,),)
    assert sampler.told([drawn[[0, 2]]]) == ((),)

    def draw(_: Any, counts: FloatArray) -> tuple[FloatArray, ...]:
        rest = np.tile(at.parameters[3:], (len(counts), 1))
        ends = np.tile(own, (len(counts), 1)) + np.random.default_rng(1).normal(0, 1e-3, (len(counts), 3))
        ends[::4] = others[0]
        return (np.hstack([ends, rest]),)

    monkeypatch.setattr(GnrResampler, "draw", draw)
    at_firms = blocks(3, fit.groups[0].influence_firms, 200)
    ((summary, _),) = bootstrap_elasticities(fit, sampler, at_firms, 40)
    assert summary.notes == (said.replace("3 of 5", "10 of 40"),)
