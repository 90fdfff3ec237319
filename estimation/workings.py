"""What several estimates of one model are compared by, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Moved", "WaldTest", "Workings"]


@dataclass(frozen=True, slots=True, eq=False)
class Workings:
    """What a regression is made of: for the covariance between two estimates, and for decompositions.

    Attributes
    ----------
    rows : (n,) integer array
        Positions in the panel.
    firm : (n,) integer array
    x : (n, k) array
        Effects swept out, in the order of the terms.
    y : (n,) array
        Effects swept out.
    weights, residuals : (n,) arrays
    psi : (n, k) array
        The rows' influence on the coefficients, scaled for HC2 and HC3.
    factor : float
        The small-sample factor inside the covariance.
    first_firms, first_influence, first_covariance : (F,), (F, k) and (k, k) arrays
        What the first stage adds (`estimation.second_stage.FirstStage`); no firms where it adds nothing.
    """

    rows: NDArray[np.int64]
    firm: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    weights: NDArray[np.float64]
    residuals: NDArray[np.float64]
    psi: NDArray[np.float64]
    factor: float
    first_firms: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    first_influence: NDArray[np.float64] | None = None
    first_covariance: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class WaldTest:
    """A Wald test of linear restrictions, as an F.

    Attributes
    ----------
    test : str
        As it is written, or ``ai equal across size``.
    statistic, p_value : float or None
        None where it cannot be computed.
    df1 : int
        Restrictions that are tested, those that follow from others left out.
    df2 : float
        ``inf`` for the chi-squared over df1.
    estimate, std_error : float or None
        Of a single restriction: the left side less the right.
    term : str
        The term that is compared across groups; empty for others.
    by : str
        The column of the groups; empty where none are compared.
    n_firms : int
        The fewest firms that any of the coefficients rests on.
    reason : str
        Why there is no statistic; empty where there is one.
    """

    test: str
    statistic: float | None
    df1: int
    df2: float
    p_value: float | None
    estimate: float | None
    std_error: float | None
    term: str = ""
    by: str = ""
    n_firms: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """How much of the change of a coefficient comes from one block of controls (Gelbach, 2016).

    Attributes
    ----------
    term : str
        Of the formula.
    block : str
        ``nace``, ``cc + itsp2``; ``total`` for the change as a whole.
    estimate : float
        Without controls less with them: the omitted-variable bias that the block removes.
    std_error, statistic, p_value, conf_low, conf_high : float
        NaN where there is none.
    share : float
        Of the whole change; NaN where there is none.
    n_firms : int
        Firms behind the term.
    group : mapping of str to str
        As in `estimation.results.ModelPart`.
    """

    term: str
    block: str
    estimate: float
    std_error: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    share: float
    n_firms: int
    group: Mapping[str, str] = field(default_factory=dict)
