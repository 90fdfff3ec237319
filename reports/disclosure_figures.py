"""What a figure of models shows may be shown where the models show it.

A point that is a coefficient goes with that coefficient, its number of firms with that number; honest intervals and the
comparisons behind two-way fixed effects go with the part of the model that they are drawn from. The point that effects
are compared with is zero, but has the firms of its cohort: it goes with the effects. A point of a specification curve
goes with the coefficient of its case; its place among the others would tell what it is, so that it leaves that too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reports.disclosure_effects import estimates_of

__all__ = ["blank_points", "settle_curves"]

CURVE = "specification_curve"
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
            if figure["kind"] == CURVE:
                _as_in_case(record, point, blank)
                continue
            own = shown.get((point["of"], point.get("estimator"), point.get("term")))
            if own is not None and own.get("suppressed"):
                blank(point)
            elif own is not None and own["n_firms"] is None:
                point["n_firms"] = None
        for point in [*_of_parts(record, figure), *_compared_with(figure)]:
            blank(point)


def _as_in_case(record: Mapping[str, Any], point: dict[str, Any], blank: Callable[[dict[str, Any]], None]) -> None:
    """Blank a point of a curve where its case, or the coefficient there, is blank."""
    case = record["models"].get(point["case"])
    if case is None or point["status"] != "ok":
        return
    own = next((one for one in case["coefficients"] if one["term"] == point["term"]), None)
    if case.get("suppressed") or own is None or own.get("suppressed"):
        blank(point)
    elif own["n_firms"] is None:
        point["n_firms"] = None


def settle_curves(record: Mapping[str, Any]) -> None:
    """Put the points that were blanked behind the others, in the order of their cases, with the cases' own reasons.

    Parameters
    ----------
    record : mapping
        Once everything of it was suppressed that is.
    """
    for figure in record["figures"].values():
        if figure["kind"] != CURVE:
            continue
        for point in figure["series"]:
            case = record["models"].get(point["case"])
            if case is not None and point["status"] == "failed":
                point["reason"] = case["reason"]
            elif case is not None and case["n_obs"] is None:
                point["n_obs"] = None
        # What is shown is in order already.
        places = {id(one): place for place, one in enumerate(figure["series"])}
        figure["series"].sort(
            key=lambda one: (
                one["estimate"] is None,
                _number(one["case"]) if one["estimate"] is None else places[id(one)],
            )
        )


def _number(case: str) -> int:
    return int(case.rpartition("[")[2].removesuffix("]"))


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
