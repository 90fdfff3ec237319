"""What a figure of models shows may be shown where the models show it.

A point that is a coefficient goes with that coefficient, its number of firms with that number; honest intervals and the
comparisons behind two-way fixed effects go with the part of the model that they are drawn from. The point that effects
are compared with is zero, but has the firms of its cohort: it goes with the effects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reports.disclosure_effects import estimates_of

__all__ = ["blank_points"]

PARTS = {"honest": "honest", "bacon": "bacon"}
"""The part of `sensitivity` that a kind of figure is drawn from."""


def blank_points(record: Mapping[str, Any], blank: Callable[[dict[str, Any]], None]) -> None:
    """Blank the points, and the counts, that the models no longer show.

    Parameters
    ----------
    record : mapping
        After all else of it was suppressed.
    blank : callable
        What is done to a point.
    """
    shown = {
        (name, estimator, one["term"]): one
        for name, model in record["models"].items()
        for estimator, coefficients in estimates_of(model)
        for one in coefficients
    }
    for figure in record["figures"].values():
        for point in figure["series"]:
            own = shown.get((point["of"], point.get("estimator"), point.get("term")))
            if own is not None and own.get("suppressed"):
                blank(point)
            elif own is not None and own["n_firms"] is None:
                point["n_firms"] = None
        for point in [*_of_parts(record, figure), *_compared_with(figure)]:
            blank(point)


def _of_parts(record: Mapping[str, Any], figure: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    key = PARTS.get(figure["kind"])
    for point in figure["series"] if key is not None else ():
        model = record["models"].get(point["of"], {})
        part = (model.get("sensitivity") or {}).get(key)
        if part is None or part.get("suppressed") or model.get("suppressed"):
            yield point


def _compared_with(figure: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the reference points beside effects that are withheld; the average over all years stands alone."""
    if figure["kind"] in ("event_study", "group_time"):
        hidden = {one["label"] for one in figure["series"] if one.get("suppressed")}
        for one in figure["series"]:
            if one["label"] in hidden and (one["term"] == "reference" or one.get("reference")):
                yield one
