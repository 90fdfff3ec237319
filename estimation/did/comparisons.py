"""The comparisons behind two-way fixed effects, and its negative weights, as ``run.json`` has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from estimation.did.bacon import Comparison, decompose
from estimation.did.sample import DidSample
from specs.errors import EstimationError

__all__ = ["comparisons"]


def comparisons(sample: DidSample, stats: Mapping[str, Any]) -> dict[str, Any]:
    """Take ``twfe`` apart on the firms that are seen in every year.

    Parameters
    ----------
    sample : DidSample
        Without covariates and further effects.
    stats : mapping
        Of the model's ``twfe``, with ``negative_weight_share`` and ``negative_weight_sum``.

    Returns
    -------
    dict
        ``comparisons`` (``type``, ``treated``, ``control``: a cohort, ``never`` or ``always``; ``estimate``,
        ``weight``, ``n_firms``, ``n_treated_firms``, ``n_control_firms``), their weighted sum ``estimate`` and the
        share ``treated_controls`` of the weight whose controls are treated already; ``reason`` where there is none.
    """
    negative = {"share": stats.get("negative_weight_share"), "sum": stats.get("negative_weight_sum")}
    try:
        found = decompose(sample.firms, sample.anticipation)
    except EstimationError as error:
        return {
            "status": "failed", "reason": str(error), "comparisons": [], "estimate": None, "treated_controls": None,
            "n_firms": None, "n_left_out": None, "negative_weights": negative,
        }  # fmt: skip
    return {
        "status": "ok", "reason": None, "comparisons": [_comparison(one) for one in found.comparisons],
        "estimate": found.estimate, "treated_controls": found.treated_controls, "n_firms": found.n_firms,
        "n_left_out": found.n_left_out, "negative_weights": negative,
    }  # fmt: skip


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "type": one.kind, "treated": _group(one.treated), "control": _group(one.control), "estimate": one.estimate,
        "weight": one.weight, "n_firms": one.n_treated + one.n_control, "n_treated_firms": one.n_treated,
        "n_control_firms": one.n_control,
    }  # fmt: skip


def _group(begins: float) -> str:
    if np.isfinite(begins):
        return f"{begins:g}"
    return "never" if begins > 0 else "always"
