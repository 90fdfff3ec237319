"""A model and its parts as one list of terms, so that a bootstrap draws all of them at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from estimation.results import ErrorsInfo, Estimates, Inference

__all__ = ["stacked", "stacked_terms", "unstacked"]


def stacked_terms(estimator: str, terms: tuple[str, ...]) -> tuple[str, ...]:
    """Return a part's terms among those of all parts: ``quantile 0.9: ai``."""
    return tuple(f"{estimator}: {term}" for term in terms)


def stacked(estimates: Estimates) -> Estimates:
    """Return the model with the terms of its parts behind its own, where they are drawn with it.

    Parameters
    ----------
    estimates : Estimates
        One that is the first of its own parts stands there alone.
    """
    if not estimates.parts_drawn or not estimates.parts:
        return estimates
    parts, first = estimates.parts, _is_first_part(estimates)
    terms = [term for part in parts for term in stacked_terms(part.estimator, part.terms)]
    own = () if first else (estimates,)
    return replace(
        estimates,
        terms=(*(() if first else estimates.terms), *terms),
        coefficients=np.concatenate([one.coefficients for one in (*own, *parts)]),
        n_firms_term=np.concatenate([one.n_firms_term for one in (*own, *parts)]),
    )


def unstacked(estimates: Estimates, whole: Estimates) -> Estimates:
    """Return the model with what was drawn of it and of its parts.

    Parameters
    ----------
    estimates : Estimates
        Before.
    whole : Estimates
        What `stacked` made of it, with the errors of the bootstrap.
    """
    if not estimates.parts_drawn or not estimates.parts:
        return whole
    first = _is_first_part(estimates)
    sizes = [len(part.terms) for part in estimates.parts]
    ends = np.cumsum(sizes) + (0 if first else len(estimates.terms))
    pieces = [slice(int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True)]
    own = slice(0, len(estimates.terms))
    answer = _inference(whole, own)
    return replace(
        estimates,
        std_errors=answer.std_errors,
        statistics=answer.statistics,
        p_values=answer.p_values,
        conf_low=answer.conf_low,
        conf_high=answer.conf_high,
        covariance=whole.covariance[own, own],
        errors=_errors(whole.errors, own),
        notes=whole.notes,
        parts=tuple(
            replace(part, inference=_inference(whole, piece), errors=_errors(whole.errors, piece))
            for part, piece in zip(estimates.parts, pieces, strict=True)
        ),
    )


def _is_first_part(estimates: Estimates) -> bool:
    first = estimates.parts[0]
    return first.terms == estimates.terms and np.array_equal(first.coefficients, estimates.coefficients, equal_nan=True)


def _inference(whole: Estimates, piece: slice) -> Inference:
    columns = (whole.std_errors, whole.statistics, whole.p_values, whole.conf_low, whole.conf_high)
    return Inference(*(one[piece] for one in columns))


def _errors(errors: ErrorsInfo, piece: slice) -> ErrorsInfo:
    drawn = errors.bootstrap
    if drawn is None:
        return errors
    parts = {key: getattr(drawn, key)[piece] for key in ("percentile", "studentised", "undefined")}
    return replace(errors, bootstrap=replace(drawn, **parts))
