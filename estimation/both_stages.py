"""Whether and how a design's standard errors carry the first stage, and clusters over the firms of both stages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from estimation.covariance import Clusters
from estimation.design_matrix import cluster_codes
from estimation.results import IntArray, ProductivityFit
from estimation.second_stage import nests_firms, one_row_a_firm, spread_clusters
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["clusters_of_both", "firm_clusters", "treatment_of"]


def treatment_of(
    written: str | None,
    kind: str,
    outcome: str,
    first_stage: ProductivityFit | None,
    firm: IntArray,
    clusters: Sequence[Clusters],
) -> tuple[str, tuple[str, ...]]:
    """Return how the first stage enters, and what the reader must know of it.

    Parameters
    ----------
    written : str or None
        The spec's `tfp_uncertainty`; None for the default.
    kind : str
        ``classical``, ``HC0`` .. ``HC3``, ``cluster``.
    outcome : str
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome.
    firm : (n,) integer array
        The firms of the design's rows.
    clusters : sequence of Clusters
        On these rows.

    Returns
    -------
    treatment : str
        ``include``, ``ignore``, ``murphy_topel`` or ``none``.
    notes : tuple of str

    Raises
    ------
    EstimationError
        If what the spec writes cannot be had.
    """
    if first_stage is None:
        if written in ("include", "murphy_topel"):
            raise EstimationError(
                f"tfp_uncertainty: {written} needs an outcome that this spec estimates under productivity:, "
                f"and {outcome} is data; leave the key out"
            )
        return "none", ()
    if not any(group.influence.shape[1] for group in first_stage.groups):
        return "none", ()
    ignored = (f"the standard errors take {outcome} as data (tfp_uncertainty: ignore)",)
    if written == "ignore" or (kind == "classical" and written is None):
        return "ignore", ignored
    if kind == "classical":
        return "murphy_topel", ()
    obstacle = ""
    if kind != "cluster":
        if not one_row_a_firm(firm):
            obstacle = f"{kind} errors need one row a firm, and some firms have more"
    else:
        crossing = [one.name for one in clusters if not nests_firms(one, firm)]
        if crossing:
            obstacle = f"clusters of {' and '.join(crossing)} cut through firms"
    if not obstacle:
        return "include", ()
    if written == "include":
        raise EstimationError(
            f"tfp_uncertainty: include: the first stage is estimated by firm; {obstacle}: "
            "write errors: {cluster: [firm]}, or tfp_uncertainty: ignore"
        )
    return "ignore", (*ignored, f"{obstacle}; errors: {{cluster: [firm]}} would carry the first stage over")


def clusters_of_both(
    clusters: Sequence[Clusters],
    ways: Sequence[Sequence[str]],
    rows: Selection,
    firms: IntArray,
    panel: Selection | None,
) -> tuple[Clusters, ...]:
    """Give every firm of either stage its cluster.

    Parameters
    ----------
    clusters : sequence of Clusters
        On the n rows of the design, nesting firms.
    ways : sequence of sequences of str
        The columns of each.
    rows : Selection
        The design's rows.
    firms : (F,) integer array
        The union.
    panel : Selection or None
        The clustering columns on all rows of the panel.

    Returns
    -------
    tuple of Clusters
        On the F firms.
    """
    everywhere: tuple[IntArray, ...] = ()
    if panel is not None:
        everywhere = tuple(cluster_codes(names, panel) for names in ways)
        clusters = tuple(
            Clusters(one.name, codes[rows.rows], one.count) for one, codes in zip(clusters, everywhere, strict=True)
        )
    return spread_clusters(clusters, rows.firm, firms, everywhere, None if panel is None else panel.firm)


def firm_clusters(way: Sequence[str], rows: Selection, firms: IntArray, panel: Selection) -> IntArray | None:
    """Give every firm its cluster in codes that are the same for all models on a panel.

    Parameters
    ----------
    way : sequence of str
        The columns of the clusters.
    rows : Selection
        The design's rows, with these columns.
    firms : (F,) integer array
        Ascending.
    panel : Selection
        The columns on all rows of the panel.

    Returns
    -------
    (F,) integer array or None
        A firm that the design does not see lies where its last row in the panel lies; -1 without one. None where
        clusters cut through the firms of the rows.
    """
    everywhere = cluster_codes(way, panel)
    if not nests_firms(Clusters("^".join(way), everywhere[rows.rows], 0), rows.firm):
        return None
    codes: IntArray = np.full(firms.size, -1, dtype=np.int64)
    known = (everywhere >= 0) & np.isin(panel.firm, firms)
    codes[np.searchsorted(firms, panel.firm[known])] = everywhere[known]
    seen = np.isin(rows.firm, firms)
    codes[np.searchsorted(firms, rows.firm[seen])] = everywhere[rows.rows[seen]]
    return codes
