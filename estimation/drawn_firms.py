"""Which firms a bootstrap draws, in which clusters and strata."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.bootstrap import Blocks, blocks
from estimation.design_matrix import cluster_codes
from estimation.results import IntArray
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError
from specs.uncertainty import Errors

__all__ = ["DrawnFirms", "drawn_firms"]

FEWEST_CLUSTERS = 2


@dataclass(frozen=True, slots=True, eq=False)
class DrawnFirms:
    """What is drawn, and what the reader should know of it.

    Attributes
    ----------
    blocks : Blocks
    clusters, strata : dict of str to int
        The columns and how many there are; `strata` is empty without strata.
    notes : tuple of str
    """

    blocks: Blocks
    clusters: dict[str, int]
    strata: dict[str, int]
    notes: tuple[str, ...]


def drawn_firms(
    errors: Errors, seed: int, panel: Selection, n_firms: int, rows: IntArray, others: IntArray
) -> DrawnFirms:
    """Say which firms are drawn, in which clusters and strata.

    Parameters
    ----------
    errors : Errors
        A bootstrap.
    seed : int
    panel : Selection
        All rows of the panel, with the columns of clusters and strata.
    n_firms : int
        Firms of the panel.
    rows : (n,) integer array
        Positions of the rows that are estimated on.
    others : integer array
        Codes of firms that are drawn with them: those that only an earlier step sees.

    Returns
    -------
    DrawnFirms
        A firm of the rows lies in the cluster of these rows, another one in that of its last row in the panel, or
        else in one of its own. Strata are those of the last of the rows that has one; firms without one form a
        stratum of their own, unless their cluster has one.

    Raises
    ------
    EstimationError
        If clusters cut through firms or strata through clusters, if there is one cluster, or most clusters are
        alone in their stratum.
    """
    firms: IntArray = np.union1d(panel.firm[rows], others)
    name = errors.ways[0]
    cluster = None
    if errors.cluster != (("firm",),):
        cluster = _clusters(name, cluster_codes(errors.cluster[0], panel), panel, rows, firms)
    n_clusters = len(firms) if cluster is None else int(np.unique(cluster).size)
    if n_clusters < FEWEST_CLUSTERS:
        raise EstimationError(
            f"bootstrap: all rows lie in one cluster of {name}, which every draw would hold; "
            "draw a finer column, or cluster: [firm]"
        )
    asked = errors.bootstrap
    stratum, notes = None, []
    if asked is not None and asked.strata is not None:
        codes = cluster_codes((asked.strata,), panel)
        stratum = _of_firm(codes[rows], panel.firm[rows], firms)
        moved = _inconstant(codes[rows], panel.firm[rows])
        if moved:
            who = f"{moved} firms change their" if moved > 1 else "1 firm changes its"
            notes.append(f"{who} stratum ({asked.strata}): drawn in that of the last row")
        if cluster is not None:
            stratum = _strata_of_clusters(stratum, cluster, name, asked.strata)
    found = blocks(seed, firms, n_firms, cluster, stratum)
    strata = {} if asked is None or asked.strata is None else {asked.strata: found.n_strata}
    if asked is not None and 2 * found.n_alone > n_clusters:
        raise EstimationError(
            f"bootstrap: {found.n_alone} of {n_clusters} clusters are alone in their stratum of {asked.strata}: every "
            "draw would hold them, and the standard errors would be nothing; strata are few and hold many firms: a "
            "column like the survey's stratum, or none"
        )
    if strata and found.n_alone:
        notes.append(
            f"{counted(found.n_alone, 'stratum', 'strata')} of {asked.strata if asked else ''} "
            f"{'has' if found.n_alone == 1 else 'have'} one cluster, which is in every draw: nothing is added to the "
            "standard errors there"
        )
    return DrawnFirms(found, {name: n_clusters}, strata, tuple(notes))


def _clusters(name: str, codes: IntArray, panel: Selection, rows: IntArray, firms: IntArray) -> IntArray:
    cut = _inconstant(codes[rows], panel.firm[rows])
    if cut:
        raise EstimationError(
            f"bootstrap: clusters of {name} cut through {cut} firm{'s' if cut > 1 else ''}, and a draw takes firms "
            "with all their rows; "
            "write cluster: [firm], or a column that does not change within a firm"
        )
    found = _of_firm(codes, panel.firm, firms)
    own = _of_firm(codes[rows], panel.firm[rows], firms)
    found = np.where(own >= 0, own, found)
    alone = found < 0
    found[alone] = int(found.max(initial=-1)) + 1 + np.arange(int(alone.sum()))
    return found


def _of_firm(codes: IntArray, firm: IntArray, firms: IntArray) -> IntArray:
    """Return the code of each firm's last row that has one, -1 without."""
    found: IntArray = np.full(len(firms), -1, dtype=np.int64)
    there = np.flatnonzero((codes >= 0) & np.isin(firm, firms))
    # Assignment in order: the last row of a firm is the one that stays.
    found[np.searchsorted(firms, firm[there])] = codes[there]
    return found


def _inconstant(codes: IntArray, firm: IntArray) -> int:
    """Count the firms with two codes."""
    there = codes >= 0
    pairs = np.unique(np.column_stack([firm[there], codes[there]]), axis=0)
    return int(np.count_nonzero(np.unique(pairs[:, 0], return_counts=True)[1] > 1))


def _strata_of_clusters(stratum: IntArray, cluster: IntArray, name: str, strata: str) -> IntArray:
    """Give every firm the stratum of its cluster."""
    there = stratum >= 0
    pairs = np.unique(np.column_stack([cluster[there], stratum[there]]), axis=0)
    if len(np.unique(pairs[:, 0])) < len(pairs):
        raise EstimationError(
            f"bootstrap: clusters of {name} lie in several strata of {strata}, and a draw takes whole clusters within "
            "strata; leave strata out, or draw cluster: [firm]"
        )
    of: IntArray = np.full(int(cluster.max()) + 1, -1, dtype=np.int64)
    of[pairs[:, 0]] = pairs[:, 1]
    return np.asarray(of[cluster], dtype=np.int64)
