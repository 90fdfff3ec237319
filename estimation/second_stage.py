"""The first stage's share in the uncertainty of a design whose outcome the same spec estimated.

For any design that is linear in the outcome w, with T(z) the same estimator applied to z (its weights and
nuisances as they are), to first order::

    psi_i = psi_naive,i + T(dw/dtheta) psi_theta,i

over the union of the firms of both stages, theta the parameters that w depends on (Murphy and Topel, 1985;
Newey and McFadden, 1994, section 6). The covariance is c x sum of psi psi', c the second stage's own
small-sample factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimation.covariance import Clusters
from estimation.results import BoolArray, FloatArray, IntArray, ProductivityFit

__all__ = [
    "FirstStage",
    "Joined",
    "first_stage_part",
    "join",
    "nests_firms",
    "one_row_a_firm",
    "spread_clusters",
]


@dataclass(frozen=True, slots=True, eq=False)
class FirstStage:
    """What the first stage adds to k coefficients.

    Attributes
    ----------
    firms : (F,) integer array
        Codes of the firms with a first-stage score, ascending.
    influence : (F, k) array
        T(dw/dtheta) psi_theta,i, summed over the groups that were estimated separately.
    covariance : (k, k) array
        B V_theta B' with B = T(dw/dtheta), each group's small-sample factor included: what Murphy and
        Topel add to classical standard errors, cross terms left out.
    """

    firms: IntArray
    influence: FloatArray
    covariance: FloatArray


def first_stage_part(
    first_stage: ProductivityFit, rows: IntArray, operator: FloatArray, slope: FloatArray | None = None
) -> FirstStage:
    """Carry the first stage's influence functions over to the second stage's coefficients.

    Parameters
    ----------
    first_stage : ProductivityFit
        The outcome's.
    rows : (n,) integer array
        Positions in the panel of the second stage's rows.
    operator : (n, k) array
        T: coefficients = operator' w.
    slope : (n,) array, optional
        Derivative of the outcome with respect to the productivity column, where it is not the column
        itself.

    Returns
    -------
    FirstStage
        With `separately_by`, from each group's own influence functions; groups that share a parent's
        estimate share its firms, so their sum counts their covariance.
    """
    group_of_row = first_stage.group_of_row[rows]
    k = operator.shape[1]
    used = [number for number in range(len(first_stage.groups)) if bool((group_of_row == number).any())]
    firms = _among(*(first_stage.groups[number].influence_firms for number in used))
    influence, scaled = np.zeros((firms.size, k)), np.zeros((firms.size, k))
    for number in used:
        group = first_stage.groups[number]
        inside: BoolArray = group_of_row == number
        weight = operator[inside] if slope is None else operator[inside] * slope[inside, None]
        b = weight.T @ first_stage.gradient[rows[inside], : group.influence.shape[1]]
        part = group.influence @ b.T
        place = np.searchsorted(firms, group.influence_firms)
        influence[place] += part
        scaled[place] += np.sqrt(group.small_sample) * part
    return FirstStage(firms, influence, scaled.T @ scaled)


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Influence functions over the union of the firms of both stages.

    Attributes
    ----------
    firms : (F,) integer array
        Ascending.
    influence : (F, k) array
        Second stage's scores summed by firm, plus the first stage's.
    """

    firms: IntArray
    influence: FloatArray


def join(firm: IntArray, psi: FloatArray, first: FirstStage | None = None) -> Joined:
    """Sum the second stage's influence by firm and add the first stage's.

    Parameters
    ----------
    firm : (n,) integer array
        The firms of the second stage's rows.
    psi : (n, k) array
        Scaled for HC2 and HC3, which concern the second-stage score only.
    first : FirstStage, optional

    Returns
    -------
    Joined
    """
    firms = _among(firm) if first is None else _among(firm, first.firms)
    influence = np.zeros((firms.size, psi.shape[1]))
    np.add.at(influence, np.searchsorted(firms, firm), psi)
    if first is not None:
        influence[np.searchsorted(firms, first.firms)] += first.influence
    return Joined(firms, influence)


def _among(*firms: IntArray) -> IntArray:
    """Return the firms that occur, ascending; the codes of a panel lie close together: nothing is sorted."""
    seen: BoolArray = np.zeros(1 + max((int(one.max(initial=-1)) for one in firms), default=-1), dtype=np.bool_)
    for one in firms:
        seen[one] = True
    return np.flatnonzero(seen)


def one_row_a_firm(firm: IntArray) -> bool:
    """Return whether no firm has two rows: what HC errors need when the outcome is estimated."""
    return int(_among(firm).size) == firm.size


def nests_firms(clusters: Clusters, firm: IntArray) -> bool:
    """Return whether all rows of a firm lie in one cluster."""
    pairs = np.unique(np.column_stack([firm, clusters.codes]), axis=0)
    return int(_among(firm).size) == len(pairs)


def spread_clusters(
    clusters: Sequence[Clusters],
    firm: IntArray,
    firms: IntArray,
    panel: Sequence[IntArray] = (),
    panel_firm: IntArray | None = None,
) -> tuple[Clusters, ...]:
    """Give every firm of the union its cluster.

    Parameters
    ----------
    clusters : sequence of Clusters
        On the n rows of the second stage, nesting firms.
    firm : (n,) integer array
        The firms of these rows.
    firms : (F,) integer array
        The union.
    panel : sequence of (N,) integer arrays, optional
        The same clusterings in the same codes on all rows of the panel, by firm and year; -1 where missing.
    panel_firm : (N,) integer array, optional
        The firms of these rows.

    Returns
    -------
    tuple of Clusters
        On the F firms. A firm that the second stage does not see lies where its last row in the panel
        lies; without one it forms a cluster of its own. `count` stays the second stage's.
    """
    found: list[Clusters] = []
    for number, one in enumerate(clusters):
        codes: IntArray = np.full(firms.size, -1, dtype=np.int64)
        if panel and panel_firm is not None:
            known = (panel[number] >= 0) & np.isin(panel_firm, firms)
            # Assignment in order: the last row of a firm is the one that stays.
            codes[np.searchsorted(firms, panel_firm[known])] = panel[number][known]
        codes[np.searchsorted(firms, firm)] = one.codes
        alone = codes < 0
        codes[alone] = int(codes.max(initial=0)) + 1 + np.arange(int(alone.sum()))
        found.append(Clusters(one.name, codes, one.count))
    return tuple(found)
