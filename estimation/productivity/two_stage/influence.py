"""The firms' influence functions of both stages: what a firm's weight does to the estimate, to first order.

With F(theta, lambda, gamma) the second stage's moments, h their summand of a row with nuisances profiled out,

    psi_theta,i = -(dF/dtheta)^-1 [sum of the firm's h + dF/dlambda psi_lambda,i + dF/dgamma psi_gamma,i],

exactly the infinitesimal jackknife: lambda moves Phi(t) = C(t) lambda and Phi(t-1), and with them w and w1; the
elasticities of free inputs that stand apart move tau; the probit's gamma moves P.

References
----------
Newey, W. K. and McFadden, D. (1994). Large sample estimation and hypothesis testing. Handbook of Econometrics 4,
chapter 36, section 6.
"""

from __future__ import annotations

import numpy as np

from estimation.productivity.common.survival import Survival
from estimation.productivity.two_stage.first import FirstStage
from estimation.productivity.two_stage.markov import Evaluation, SecondStage
from estimation.results import FloatArray, IntArray

__all__ = ["influence_of"]


def influence_of(
    first: FirstStage, stage: SecondStage, evaluation: Evaluation, survival: Survival | None
) -> tuple[IntArray, FloatArray]:
    """Return the firms with a score in any stage, and their influence functions.

    Returns
    -------
    firms : (G,) integer array
        Ascending.
    influence : (G, f + s + q) array
        Of the free inputs that stand apart, theta, and the coefficients of C.
    """
    parts, own = evaluation.parts, first.gmm
    firms: IntArray = np.unique(
        np.concatenate([own.firms, stage.firm, np.zeros(0, np.int64) if survival is None else survival.firms])
    )
    known = np.zeros((len(firms), len(own.parameters)))
    known[np.searchsorted(firms, own.firms)] = own.influence
    by_phi = parts.by_w + parts.by_target if stage.instruments is not None else parts.by_w
    slopes = np.zeros((len(stage.x), len(own.parameters)))
    slopes[:, : first.n_free] = -parts.by_target @ stage.free.T
    for at, weight in ((stage.at, by_phi), (stage.at - 1, parts.by_before)):
        for part, c in first.columns(at):
            slopes[:, first.n_free :] += weight[:, part] @ c.T
    scores = known @ slopes.T
    np.add.at(scores, np.searchsorted(firms, stage.firm), parts.h.T)
    if survival is not None and parts.by_survival is not None:
        before = stage.at - 1
        moved = (parts.by_survival * survival.density[before]) @ survival.regressors[before]
        scores[np.searchsorted(firms, survival.firms)] += survival.influence @ moved.T
    theta = -np.linalg.solve(evaluation.jacobian, scores.T).T
    return firms, np.hstack([known[:, : first.n_free], theta, known[:, first.n_free :]])
