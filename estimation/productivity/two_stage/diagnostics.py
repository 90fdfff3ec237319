"""What stands beside an estimate in two stages."""

from __future__ import annotations

import numpy as np

from estimation.productivity.common.diagnostics import elasticity_diagnostics, entries_and_exits, own_share
from estimation.productivity.common.inputs import distinct_firms
from estimation.productivity.two_stage.first import FirstStage
from estimation.productivity.two_stage.group import TwoStageEstimate
from estimation.productivity.two_stage.solution import BOXES
from estimation.results import Elasticities, FloatArray

__all__ = ["diagnostics_of"]


def diagnostics_of(
    estimate: TwoStageEstimate,
    coefficients: FloatArray,
    covariance: FloatArray,
    df: float,
    elasticities: Elasticities | None,
) -> dict[str, float | None]:
    """Return the diagnostics of an estimate in two stages, by their names in ``run.json``.

    Parameters
    ----------
    estimate : TwoStageEstimate
    coefficients, covariance : (p,) and (p, p) arrays
        Of the terms, small-sample factor included.
    df : float
        Of the t reference.
    elasticities : Elasticities or None
        Their averages, where they are not the coefficients.

    Returns
    -------
    dict
        Those of `estimation.productivity.common.diagnostics` that exist here; ``roots``: distinct roots of
        the moments that the search led to, or ``minima``: local minima of the criterion; ``search_starts``: where the
        search began, and ``search_lowest``, ``search_highest``: the box of elasticities that the starts for roots
        fill; ``anchor_first_stage_f``: the smallest first-stage F of the linear equation that decided between several
        roots, given the other inputs where there are several; ``scaled_moment_norm``: the norm of the moments over the
        lengths of what they multiply, zero at a root; ``survival_exits`` and ``survival_pseudo_r2``: firms that leave,
        and McFadden's measure of the probit.
    """
    first, solving = estimate.first, estimate.stage.instruments is not None
    found: dict[str, float | None] = {
        "n_obs_equation1": float(np.count_nonzero(first.rows)),
        "n_firms_equation1": float(distinct_firms(estimate.inputs.firm, first.rows)),
        "n_obs_equation2": float(len(estimate.stage.at)),
        "n_firms_equation2": float(estimate.n_firms),
        ("roots" if solving else "minima"): float(len(estimate.found)),
        "search_starts": float(estimate.tried),
        "scaled_moment_norm": estimate.evaluation.norm,
        "acf_one_minus_r2": own_share(first.products, first.system.inputs.roles) if first.n_free else None,
        "share_phi_rises_in_proxy": _share_rising(first),
    }
    if estimate.anchor_f is not None:
        found["anchor_first_stage_f"] = estimate.anchor_f
    if solving:
        found["search_lowest"], found["search_highest"] = BOXES[-1][:2]
    found |= elasticity_diagnostics(coefficients, covariance, df, elasticities)
    found["entries"], found["exits"] = entries_and_exits(estimate.inputs, estimate.in_sample)
    if estimate.survival is not None:
        found["survival_exits"] = float(estimate.survival.exits)
        found["survival_pseudo_r2"] = estimate.survival.fit.pseudo_r2
    return found


def _share_rising(first: FirstStage) -> float | None:
    rising = total = 0
    for at, slopes in first.slope(first.rows):
        rising += int(np.count_nonzero(slopes > 0))
        total += len(at)
    return rising / total if total else None
