"""Second stages of Gandhi, Navarro and Rivers that are made to have known roots."""

from __future__ import annotations

import numpy as np

from estimation.productivity.gnr.markov_search import BOXES, Terms
from estimation.productivity.gnr.markov_step import MarkovStep, markov_step
from estimation.results import FloatArray
from tests.estimation.gross_output_brute import powers_up_to

__all__ = ["in_boxes", "with_roots"]


def in_boxes(seed: int, n_inputs: int, sizes: FloatArray) -> FloatArray:
    """Coefficient vectors (r, p) in the search's boxes, as many as there can be at will.

    r of them are p r conditions on phi(t), which only what the instruments and the powers of w(t-1) span can meet:
    p + 3 r numbers. Five, with three terms or fewer; two with five terms, and one with more.
    """
    rng, p = np.random.default_rng(seed), len(sizes)
    boxes = [0, 1, 1, 2, 2] if p <= 3 else [(seed + index) % 3 for index in range(p // (p - 3))]
    found = []
    for low, high, bend in (BOXES[box] for box in boxes):
        further = rng.uniform(-bend, bend, p - n_inputs)
        found.append(np.append(rng.uniform(low, high, n_inputs), further) / sizes)
    return np.array(found)


def terms_of(seed: int, n_inputs: int, degree: int, n: int) -> tuple[Terms, FloatArray]:
    """Monomials of inputs that persist, and instruments: of all inputs but the last the year before."""
    rng = np.random.default_rng(seed)
    mixed = (rng.normal(size=(n_inputs, n_inputs)) * 0.5 + np.eye(n_inputs)) @ rng.normal(size=(n_inputs, n))
    now = 0.7 * mixed + rng.normal(size=(n_inputs, n)) * 0.5
    exponents = powers_up_to(n_inputs, degree)[1:]

    def monomials(x: FloatArray) -> FloatArray:
        return np.array([np.prod([row**power for row, power in zip(x, one, strict=True)], axis=0) for one in exponents])

    h, slopes = 1e-6, np.zeros(len(exponents))
    for index in range(n_inputs):
        moved = np.zeros((n_inputs, 1))
        moved[index] = h
        slopes += np.mean(((monomials(now + moved) - monomials(now - moved)) / (2 * h)) ** 2, axis=1)
    parts = tuple(tuple(index + 1 for index, power in enumerate(one) for _ in range(power)) for one in exponents)
    instruments = monomials(np.vstack([mixed[:-1], now[-1:]]))
    return Terms(monomials(now), monomials(mixed), parts, np.sqrt(slopes)), instruments


def with_roots(seed: int, n_inputs: int, degree: int = 1, n: int = 400) -> tuple[MarkovStep, Terms, FloatArray]:
    """A step with known roots (r, p): given b, the moments are linear in phi(t), which is made to meet them."""
    terms, z = terms_of(seed, n_inputs, degree, n)
    known = in_boxes(1000 + seed, n_inputs, terms.sizes)
    rng = np.random.default_rng(2000 + seed)
    truth = np.append(np.array([0.6, 0.3, 0.2])[:n_inputs], np.zeros(len(terms.sizes) - n_inputs))
    before = truth @ terms.before + rng.normal(size=n) * 0.4
    phi = truth @ terms.now + 0.6 * (before - truth @ terms.before) + rng.normal(size=n) * 0.2
    columns, values = [], []
    for b in known:
        lagged = before - b @ terms.before
        q, _ = np.linalg.qr(np.vander((lagged - lagged.mean()) / lagged.std(), 4))
        left = z - (z @ q) @ q.T
        columns.append(left)
        values.append(left @ (b @ terms.now))
    wanted = np.vstack(columns)
    phi = phi + np.linalg.lstsq(wanted, np.concatenate(values) - wanted @ phi)[0]
    step = markov_step((phi, before), (terms.now.T, terms.before.T), z.T)
    return step, terms, known
