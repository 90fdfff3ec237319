"""The records that estimation hands on: frozen, arrays of stated shapes, numpy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.described import Described
from estimation.family import Family
from estimation.share_cell import ShareCell
from estimation.workings import Moved, WaldTest, Workings

__all__ = [
    "BoolArray",
    "BootstrapInfo",
    "Elasticities",
    "EquationRows",
    "ErrorsInfo",
    "Estimates",
    "Failed",
    "FloatArray",
    "GroupFit",
    "Inference",
    "IntArray",
    "ModelPart",
    "ProductivityFit",
    "RowValues",
    "WildInfo",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Inference:
    """Standard errors, t statistics, two-sided p-values and 95 per cent intervals, each (k,)."""

    std_errors: FloatArray
    statistics: FloatArray
    p_values: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Elasticities:
    """Output elasticities averaged over the estimation sample, where they differ from row to row.

    Attributes
    ----------
    inputs : tuple of str
        The v inputs.
    mean : (v,) array
    covariance : (v, v) array
        Small-sample factor included.
    inference : Inference
    share_negative : (v,) array
        Of the rows that the average rests on.
    """

    inputs: tuple[str, ...]
    mean: FloatArray
    covariance: FloatArray
    inference: Inference
    share_negative: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class RowValues:
    """A number for every row of the panel, and how it moves with the parameters of the row's group.

    Attributes
    ----------
    values : (n,) array
        NaN where there is none.
    gradient : (n, q) array
        Derivative with respect to the parameters of the row's group (`GroupFit.parameters`), padded with zeros.
    """

    values: FloatArray
    gradient: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class GroupFit:
    """A productivity estimate on one group of firms (all of them where `group` is empty).

    Attributes
    ----------
    group : tuple of (column, level)
        Empty for one estimate on all rows.
    rung : str
        What the estimate stands on: ``two-step``, ``one-step``, ``just identified`` (of moments), ``two stages``,
        ``least squares`` and the like, with ``, pooled over nace`` behind it where a coarser column served.
    terms : tuple of str
        The p coefficients of the production function. Cobb-Douglas: the output elasticities by the name of their
        column, free inputs, then states. Translog: squares and products beside them, ``ln_l^2``, ``ln_l*ln_k``.
    coefficients : (p,) array
    covariance : (p, p) array
        Small-sample factor included.
    inference : Inference
        Of the p elasticities.
    df : float
        Degrees of freedom of the t reference; ``inf`` for the normal.
    n_obs, n_firms : int
        Rows and firms in the estimating equation that identifies the states (equation 2).
    n_firms_scores : int
        Firms with a score in any equation.
    j_statistic, j_df, j_p_value : float or None
        Hansen's J; None where it does not exist.
    parameters : tuple of str
        The q parameters that the TFP level depends on; its first p are `terms`.
    influence_firms : (G,) integer array
        Panel codes of the firms with a score, ascending.
    influence : (G, q) array
        psi_i with estimate - truth = sum of psi_i to first order; V = sum of psi_i psi_i'
        (before the small-sample factor). Width 0 for a method without influence functions.
    small_sample : float
        The factor c already inside `covariance`.
    diagnostics : mapping of str to float or None
        First-stage F, rows lost to lags and the like, by their names in ``run.json``.
    notes : tuple of str
        Said aloud under the table.
    elasticities : Elasticities or None
        None where the coefficients are the elasticities.
    errors : ErrorsInfo or None
        How `covariance` and `inference` were computed; every registered method says it.
    """

    group: tuple[tuple[str, str], ...]
    rung: str
    terms: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    inference: Inference
    df: float
    n_obs: int
    n_firms: int
    n_firms_scores: int
    j_statistic: float | None
    j_df: int | None
    j_p_value: float | None
    parameters: tuple[str, ...]
    influence_firms: IntArray
    influence: FloatArray
    small_sample: float
    diagnostics: Mapping[str, float | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    elasticities: Elasticities | None = None
    errors: ErrorsInfo | None = None


@dataclass(frozen=True, slots=True)
class EquationRows:
    """Rows of the estimation sample in one equation: used, and dropped by reason. They add up to the sample."""

    used: int
    dropped: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class ProductivityFit:
    """A productivity column and where it came from.

    Attributes
    ----------
    name, method, tfp_from : str
        The key in the spec, the registered method, ``residual`` or ``control_function`` (empty for
        methods that know only one level).
    groups : tuple of GroupFit
    values : (n,) array
        The column on the n rows of the panel, in panel order; NaN where an input is missing.
    group_of_row : (n,) array of small integers
        Index into `groups`; -1 where the row has no value.
    in_sample : (n,) bool array
        Rows that the estimate rests on.
    gradient : (n, q) array
        Derivative of the row's value with respect to its group's `parameters` (q the largest among
        groups, padded with zeros); width 0 for a method without estimated parameters.
    dropped : mapping of str to int
        Rows outside the estimation sample by reason (missing inputs by column, no lag, ...). The n rows are those of
        the sample and these.
    options : mapping of str to object
        The options as resolved, defaults included.
    notes : tuple of str
    equations : mapping of str to EquationRows
        By an equation's number (``1``, ``2``), how many rows of the sample it uses, and why not the others.
    elasticities : mapping of str to RowValues
        The output elasticity of each input, by its column. Only where the fit was asked for its `extras`.
    transitory : RowValues or None
        The transitory error y - Phi, what the first stage takes for measurement error and surprises. Only where
        the fit was asked for it among its `extras`, and the method has one. It exists where equation 1 can be computed.
    n_firms : int or None
        Firms behind the values, of a method that estimates nothing; None where the groups count them.
    """

    name: str
    method: str
    tfp_from: str
    groups: tuple[GroupFit, ...]
    values: FloatArray
    group_of_row: NDArray[np.signedinteger[Any]]
    in_sample: BoolArray
    gradient: FloatArray
    dropped: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    equations: Mapping[str, EquationRows] = field(default_factory=dict)
    elasticities: Mapping[str, RowValues] = field(default_factory=dict)
    transitory: RowValues | None = None
    n_firms: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class BootstrapInfo:
    """What a bootstrap drew, and both of its intervals.

    Attributes
    ----------
    draws, failed : int
        Draws asked for, and those of them without any estimate.
    seed : int
    interval : str
        Which interval, and which p-value, is shown: ``percentile`` or ``studentised``.
    strata : mapping of str to int
        The column of strata and their number; empty without strata.
    percentile, studentised : (k, 2) arrays
        NaN where an interval does not exist.
    undefined : (k,) integer array
        Draws with an estimate, but none of this term.
    """

    draws: int
    failed: int
    seed: int
    interval: str
    strata: Mapping[str, int]
    percentile: FloatArray
    studentised: FloatArray
    undefined: IntArray


@dataclass(frozen=True, slots=True)
class WildInfo:
    """What a wild cluster bootstrap drew.

    Attributes
    ----------
    draws : int
        Those that there were: all sign patterns where they are few.
    weights : str
        ``rademacher`` or ``webb``.
    enumerated : bool
        Whether the draws are all patterns of signs that there are.
    seed : int
    """

    draws: int
    weights: str
    enumerated: bool
    seed: int


@dataclass(frozen=True, slots=True)
class ErrorsInfo:
    """How the standard errors of a model, or of a group of a productivity entry, were computed.

    Attributes
    ----------
    kind : str
        ``classical``, ``HC0`` .. ``HC3``, ``cluster``, ``bootstrap``, ``wild_bootstrap``, ``survey``.
    clusters : mapping of str to int
        The clustering columns (``firm``, ``nace3^region``) and their numbers of clusters.
    df : float
        Degrees of freedom of the t reference.
    small_sample : str
        The factor in symbols, ``G/(G-1) x (N-1)/(N-K)``.
    tfp_uncertainty : str
        ``include``, ``ignore``, ``murphy_topel``, ``outcome`` (of the outcome alone: other estimated columns are taken
        as given) or ``none`` (nothing in the model is estimated by the spec).
    detail : str
        What the kind alone does not say: ``CR2``, ``CR3`` (corrected for few clusters), ``windmeijer`` (two steps with
        Windmeijer's correction), ``prodest`` (as that package prints them), ``population`` (with finite-population
        correction); empty for nothing.
    raw : mapping of str to float
        Variances before negative eigenvalues were set to zero, by term; empty where none were.
    bootstrap : BootstrapInfo or None
    dfs : mapping of str to float
        Degrees of freedom by term, where each has its own (CR2; `df` is then NaN); empty else.
    wild : WildInfo or None
    """

    kind: str
    clusters: Mapping[str, int]
    df: float
    small_sample: str
    tfp_uncertainty: str
    raw: Mapping[str, float] = field(default_factory=dict)
    bootstrap: BootstrapInfo | None = None
    detail: str = ""
    dfs: Mapping[str, float] = field(default_factory=dict)
    wild: WildInfo | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """What a design estimated.

    Attributes
    ----------
    name, design, method, outcome : str
    terms : tuple of str
        The k terms as they are written: ``constant``, ``ai``, ``size[20-49]``, ``ai:size[20-49]``.
    coefficients, std_errors, statistics, p_values, conf_low, conf_high : (k,) arrays
        The interval covers 95 per cent.
    covariance : (k, k) array
    n_firms_term : (k,) integer array
        Firms with a value other than zero behind each term (all firms for the constant).
    n_obs, n_firms : int
    stats : mapping of str to float, int, None, or a mapping of these
        ``r2``, ``adj_r2``, ``sigma``, ``df_resid``; of an instrumented model ``anderson_rubin`` and the like.
    errors : ErrorsInfo
    weights : str
        The column of weights; empty for none.
    influence_firms, influence : (G,) and (G, k) arrays
        The firms' influence functions, first-stage part included where it was asked for.
    influence_clusters : (G,) integer array or None
        The cluster of each of these firms, in codes of the panel and -1 where none is known; None where the firms are
        the clusters, where clusters cut through firms, and where nobody asked.
    dropped : mapping of str to int
        Rows that `where` kept and a missing value took, by reason.
    rows_in : int
        Rows of the panel before the model's `where`.
    reference : mapping of str to str
        The base level of every categorical column.
    notes : tuple of str
    not_gaps : tuple of str
        Terms that set levels of technologies estimated separately side by side: indicators of their groups.
    sampling_weights : str
        The column that says what a row stands for, where `weights` is an activity; empty for none.
    cells : tuple of ShareCell
        What is behind each term, where terms are shares; empty else.
    described : tuple of Described
        What is behind each term, where terms describe firms; empty else.
    base : str
        Of whom shares are: ``all`` or ``asked``; empty where there are none.
    effects : mapping of str to int
        The effects that were swept out, ``firm`` or ``nace^year``, and their levels.
    parts : tuple of ModelPart
        Where a model has several estimates, each of them; the first is the model's own. Changes have one a window.
    parts_drawn : bool
        Whether a bootstrap draws the parts with the model (`estimation.stacked_parts`).
    family : Family or None
        P-values adjusted for a family of hypotheses.
    sensitivity : mapping or None
        Honest intervals and the trends that a pre-test would miss, or Oster's bounds, as ``run.json`` has them.
    tests : tuple of WaldTest
        Restrictions that the spec tests, and whether groups have the same coefficients.
    moved : tuple of Moved
        What the change of each coefficient is made of, where controls are added in turn.
    workings : Workings or None
        What joint inference needs of a regression, where the question asked for it; never recorded.
    balance : mapping or None
        How alike treated and untreated rows are before and after they are weighted, as ``run.json`` has it.
    power : mapping or None
        What the design can find, as ``run.json`` has it.
    """

    name: str
    design: str
    method: str
    outcome: str
    terms: tuple[str, ...]
    coefficients: FloatArray
    std_errors: FloatArray
    statistics: FloatArray
    p_values: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    covariance: FloatArray
    n_firms_term: IntArray
    n_obs: int
    n_firms: int
    stats: Mapping[str, Any]
    errors: ErrorsInfo
    weights: str
    influence_firms: IntArray
    influence: FloatArray
    dropped: Mapping[str, int]
    rows_in: int
    reference: Mapping[str, str]
    notes: tuple[str, ...] = ()
    not_gaps: tuple[str, ...] = ()
    sampling_weights: str = ""
    cells: tuple[ShareCell, ...] = ()
    base: str = ""
    effects: Mapping[str, int] = field(default_factory=dict)
    parts: tuple[ModelPart, ...] = ()
    parts_drawn: bool = False
    sensitivity: Mapping[str, Any] | None = None
    tests: tuple[WaldTest, ...] = ()
    moved: tuple[Moved, ...] = ()
    workings: Workings | None = None
    balance: Mapping[str, Any] | None = None
    described: tuple[Described, ...] = ()
    influence_clusters: IntArray | None = None
    family: Family | None = None
    power: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ModelPart:
    """One of several estimates of a model, or what its estimate is made of.

    Attributes
    ----------
    estimator : str
        ``callaway_santanna``, ``twfe``; with ``, cells`` the group-time effects behind an average. Of changes over a
        window ``ols``, or ``placebo``.
    terms : tuple of str
    coefficients : (k,) array
    inference : Inference
    n_firms_term : (k,) integer array
    n_obs, n_firms : int
    errors : ErrorsInfo
    stats : mapping, as of `Estimates`
    group : mapping of str to str
        The firms that the estimate is of, by column: ``{"size": "10-19"}``; empty for all.
    rung : str
        What was added to the controls up to here, ``+ ln_l + nace``; empty where no controls are added in turn.
    window : (int, int) or None
        The first and the last year of a change.
    tests : tuple of WaldTest
        Restrictions that the spec tests, on this estimate.
    reason : str
        Why a group could not be estimated: it has no terms; empty for an estimate.
    """

    estimator: str
    terms: tuple[str, ...]
    coefficients: FloatArray
    inference: Inference
    n_firms_term: IntArray
    n_obs: int
    n_firms: int
    errors: ErrorsInfo
    stats: Mapping[str, Any] = field(default_factory=dict)
    group: Mapping[str, str] = field(default_factory=dict)
    rung: str = ""
    window: tuple[int, int] | None = None
    tests: tuple[WaldTest, ...] = ()
    reason: str = ""

    @property
    def name(self) -> str:
        """What begins a note on a window: ``2020-2023``, ``2017-2020, placebo``; empty for a part that is none."""
        years = "" if self.window is None else f"{self.window[0]}-{self.window[1]}"
        return f"{years}, placebo" if years and self.estimator == "placebo" else years


@dataclass(frozen=True, slots=True)
class Failed:
    """What could not be estimated; the run goes on without it and ends with exit status 1.

    Attributes
    ----------
    name, design, reason : str
    dropped : mapping of str to int
        Rows that could not take part, by reason, as far as they had been counted.
    """

    name: str
    design: str
    reason: str
    dropped: Mapping[str, int] = field(default_factory=dict)
