"""How far parallel trends can fail: honest intervals of an effect, and the trends that a pre-test would miss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from estimation.did.honest import (
    HonestInterval,
    breakdown_magnitude,
    breakdown_smoothness,
    relative_magnitudes,
    smoothness,
)
from estimation.did.pretest import pretest_slopes
from estimation.results import FloatArray
from specs.errors import EstimationError

__all__ = ["Bounds", "sensitivity_of"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What honest intervals are asked for.

    Attributes
    ----------
    relative_magnitudes, smoothness : tuple of float
    """

    relative_magnitudes: tuple[float, ...]
    smoothness: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Path:
    """Effects by period: before treatment, and the one that is asked about."""

    before: list[int]
    after: list[int]
    estimates: FloatArray
    covariance: FloatArray
    reference: int
    target: str
    steps: int


def sensitivity_of(
    terms: Sequence[str], estimates: FloatArray, covariance: FloatArray, stats: Mapping[str, Any], asked: Bounds | None
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Compute what the terms of a difference-in-differences allow.

    Parameters
    ----------
    terms : sequence of str
    estimates, covariance : (k,) and (k, k) arrays
    stats : mapping
        With ``reference_event``, or ``base_year`` and ``effect_year`` where adoption lies between waves.
    asked : Bounds or None
        Honest intervals; the pre-test's slopes come with every event study.

    Returns
    -------
    record : dict or None
        ``honest`` and ``pretest``, as ``run.json`` has them.
    notes : tuple of str
    """
    path = _path(terms, estimates, covariance, stats)
    if path is None or not path.before:
        why = "there are no effects before treatment to judge trends by"
        return None, (f"no honest intervals: {why}",) if asked is not None else ()
    found: dict[str, Any] = {"pretest": _missed(path)}
    if asked is None:
        return found, ()
    try:
        honest, notes = _honest(path, asked)
    except EstimationError as error:
        return found, (f"no honest intervals: {error}",)
    return {**found, "honest": honest}, notes


def _path(
    terms: Sequence[str], estimates: FloatArray, covariance: FloatArray, stats: Mapping[str, Any]
) -> _Path | None:
    places: dict[int, int] = {}
    if stats.get("effect_year") is not None:
        reference, last = int(stats["base_year"]), int(stats["effect_year"])
        for place, term in enumerate(terms):
            if term.startswith("pre["):
                places[int(term[4:-1])] = place
            elif term == "att[simple]":
                places[last] = place
        target, steps = "att[simple]", last - reference
    elif stats.get("reference_event") is not None:
        reference = int(stats["reference_event"])
        places = {int(term[6:-1]): place for place, term in enumerate(terms) if term.startswith("event[")}
        target, steps = f"event[{reference + 1}]", 1
    else:
        return None
    before = sorted(at for at in places if at < reference)
    after = sorted(at for at in places if at > reference)
    if not after:
        return None
    at = [places[one] for one in (*before, *after)]
    return _Path(before, after, estimates[at], covariance[np.ix_(at, at)], reference, target, steps)


def _missed(path: _Path) -> dict[str, Any]:
    """Return the linear slopes that the pre-tests would find half of the time, and four times in five."""
    n = len(path.before)
    try:
        slopes = pretest_slopes(path.covariance[:n, :n], path.before, (0.5, 0.8), float(path.reference))
    except EstimationError:
        return {"event_times": path.before, "slopes": []}
    return {
        "event_times": path.before,
        "slopes": [{"power": one.power, "individual": one.individual, "joint": one.joint} for one in slopes],
    }


def _honest(path: _Path, asked: Bounds) -> tuple[dict[str, Any], tuple[str, ...]]:
    expected = list(range(path.reference - len(path.before), path.reference))
    if path.before != expected:
        raise EstimationError(f"the periods before treatment have gaps: {', '.join(map(str, path.before))}")
    n, later = len(path.before), len(path.after)
    if path.steps == 1 and path.after != list(range(path.reference + 1, path.reference + 1 + later)):
        raise EstimationError(f"the periods after treatment have gaps: {', '.join(map(str, path.after))}")
    notes: list[str] = []
    # Between waves the trends may part in every unsure year: so many steps, each within the bound.
    given = path.estimates, path.covariance, n, later
    scaled = [path.steps * bound for bound in asked.relative_magnitudes]
    found: dict[str, Any] = {"target": path.target, "steps": path.steps}
    magnitudes = relative_magnitudes(*given, None, scaled) if scaled else ()
    found["relative_magnitudes"] = _rows(magnitudes, asked.relative_magnitudes)
    most = breakdown_magnitude(*given) / path.steps
    found["breakdown_magnitude"] = most
    found["smoothness"], found["breakdown_smoothness"] = [], None
    if path.steps == 1:
        found["smoothness"] = (
            _rows(smoothness(*given, None, asked.smoothness), asked.smoothness) if asked.smoothness else []
        )
        found["breakdown_smoothness"] = breakdown_smoothness(*given)
    elif asked.smoothness:
        notes.append("no smoothness bounds: they need every period between the base year and the effect")
    for one in found["relative_magnitudes"]:
        interval = "no value" if one["conf_low"] is None else f"{one['conf_low']:.4f} to {one['conf_high']:.4f}"
        notes.append(
            f"honest interval of {path.target}, trends part by up to {one['bound']:g} times what they did: {interval}"
        )
    for one in found["smoothness"]:
        interval = "no value" if one["conf_low"] is None else f"{one['conf_low']:.4f} to {one['conf_high']:.4f}"
        notes.append(f"honest interval of {path.target}, slopes change by up to {one['bound']:g} a period: {interval}")
    if np.isfinite(most):
        notes.append(f"zero is among the values of {path.target} from {most:.3g} times what trends did before")
    return found, tuple(notes)


def _rows(intervals: Sequence[HonestInterval], bounds: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {
            "bound": bound,
            "conf_low": None if one.empty else one.low,
            "conf_high": None if one.empty else one.high,
            "gaps": [list(gap) for gap in one.gaps],
        }
        for one, bound in zip(intervals, bounds, strict=True)
    ]
