"""What a figure of models shows may be shown where the models show it.

A point that is a coefficient goes with that coefficient; honest intervals and the comparisons behind two-way fixed
effects go with the part of the model that they are drawn from. The point that effects are compared with is zero, but
has the firms of its cohort: it goes with the effects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["points_beside"]


def points_beside(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the points of figures whose part of a model is no longer shown.

    Parameters
    ----------
    record : mapping
        After its models, and the points that are coefficients, were suppressed.
    """
    for figure in record["figures"].values():
        key = {"honest": "honest", "bacon": "bacon"}.get(figure["kind"])
        if figure["kind"] in ("event_study", "group_time"):
            hidden = {one["label"] for one in figure["series"] if one.get("suppressed")}
            # The average over all treated firms and years stands alone.
            compared = (one for one in figure["series"] if one["term"] == "reference" or one.get("reference"))
            yield from (one for one in compared if one["label"] in hidden)
        if key is None:
            continue
        for one in figure["series"]:
            model = record["models"].get(one["of"], {})
            part = (model.get("sensitivity") or {}).get(key)
            if part is None or part.get("suppressed") or model.get("suppressed"):
                yield one
