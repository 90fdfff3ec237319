"""How the standard errors of a productivity estimate were computed, for the record."""

from __future__ import annotations

from estimation.results import ErrorsInfo

__all__ = ["LEAST_SQUARES", "by_firm"]

LEAST_SQUARES = "G/(G-1) x (N-1)/(N-K)"
FEW_FIRMS = "G/(G-1)"


def by_firm(firms: int, df: float, factor: float, *, detail: str = "", symbols: str = FEW_FIRMS) -> ErrorsInfo:
    """Return what a covariance is that sums influence functions by firm.

    Parameters
    ----------
    firms : int
        Firms with a score in any equation.
    df : float
        Of the t reference; ``inf`` for the normal.
    factor : float
        The small-sample factor inside the covariance.
    detail : str
        See `ErrorsInfo`.
    symbols : str
        The factor in symbols, where it is not one.
    """
    return ErrorsInfo("cluster", {"firm": firms}, df, symbols if factor != 1.0 else "", "none", detail=detail)
