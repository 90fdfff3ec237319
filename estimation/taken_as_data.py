"""Designs that are not linear in their outcome take one that the spec estimated as data, and say so."""

from __future__ import annotations

from estimation.results import ProductivityFit

__all__ = ["taken_as_data"]


def taken_as_data(
    outcome: str, first_stage: ProductivityFit | None, written: str | None, *, drawn: bool
) -> tuple[str, tuple[str, ...]]:
    """Return ``tfp_uncertainty`` as the record has it, and what the reader must know of it.

    Parameters
    ----------
    outcome : str
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome.
    written : str or None
        The spec's `tfp_uncertainty`.
    drawn : bool
        Whether a bootstrap puts its errors in the place of these.
    """
    if first_stage is None or not any(group.influence.shape[1] for group in first_stage.groups):
        return "none", ()
    if written == "ignore":
        return "ignore", (f"the standard errors take {outcome} as data (tfp_uncertainty: ignore)",)
    if drawn:
        return "ignore", ()
    return "ignore", (
        f"the standard errors take {outcome} as data, though this spec estimated it: in closed form they cannot carry "
        "that over; errors: {bootstrap: {cluster: [firm]}} would",
    )
