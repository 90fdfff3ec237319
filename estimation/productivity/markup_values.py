"""Markups of every row, their averages, and how both move with the production function."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from estimation.inference import inference
from estimation.productivity.common.clustering import by_firm
from estimation.results import BoolArray, FloatArray, GroupFit, ProductivityFit
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["markups", "too_large"]

# Logs above this have levels whose squares are no number any more.
LARGEST_LOG = 230.0
# Shares of the sum of squares about the mean that one row is said to exceed, and not the share itself: that would give
# the row's value away. Of few rows a normal one may hold a quarter: there half of it is the least that is told.
BOUNDS, BOUND_OF_FEW, MANY_ROWS = (0.99, 0.9, 0.75, 0.5, 0.25), 0.5, 100

# What tells a log from money: rows that it takes, slopes on the input's log, their fit, values that are not positive.
FEWEST_ROWS = 20
LEAST_SLOPE, LEAST_FIT = 0.3, 0.25
LOGS_BELOW = 0.05


class Keys(Protocol):
    """What the values need of the entry's keys."""

    @property
    def of(self) -> str:
        """The entry behind."""

    @property
    def input(self) -> str:
        """The input."""

    @property
    def expenditure(self) -> str:
        """What was paid for it."""

    @property
    def revenue(self) -> str:
        """The output in money."""

    @property
    def level(self) -> str:
        """``log`` or ``level``."""

    def model_dump(self) -> dict[str, Any]:
        """The keys as plain data."""


def markups(name: str, keys: Keys, rows: Selection, use: BoolArray, parent: ProductivityFit) -> ProductivityFit:
    """Compute the column, its gradient, and the average of every group.

    The average m of the N rows of a group moves with the rows drawn and with the parent's parameters:
    ``psi_m,i = sum over the firm's rows of (v - m)/N + mean(dv/dtheta) psi_theta,i``.

    Parameters
    ----------
    name : str
    keys : Keys
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
    parent : ProductivityFit
        With elasticities and the transitory error of every row.

    Raises
    ------
    EstimationError
        If no row has a value, or an amount looks like the log of one.
    """
    assert parent.transitory is not None
    elasticity, error = parent.elasticities[keys.input], parent.transitory
    paid, earned = rows.number(keys.expenditure), rows.number(keys.revenue)
    for column, values in ((keys.expenditure, paid), (keys.revenue, earned)):
        refused = _like_a_log(column, values[use], keys.input, rows.number(keys.input)[use])
        if refused:
            raise EstimationError(f"productivity.{name}: {refused}")
    kept, dropped = use.copy(), {}
    for reason, bad in (
        ("outside where", ~use),
        (f"missing {keys.expenditure}", np.isnan(paid)),
        (f"missing {keys.revenue}", np.isnan(earned)),
        (f"{keys.expenditure} not above zero", paid <= 0),
        (f"{keys.revenue} not above zero", earned <= 0),
        (f"no transitory error in {keys.of}", np.isnan(error.values)),
        (f"elasticity of {keys.input} not above zero", ~(elasticity.values > 0)),
    ):
        gone = bad if reason == "outside where" else kept & bad
        dropped[reason] = int(np.count_nonzero(gone))
        kept &= ~bad
    values, theta = np.full(len(use), np.nan), elasticity.values
    values[kept] = np.log(theta[kept]) + np.log(earned[kept]) - error.values[kept] - np.log(paid[kept])
    if keys.level == "level":
        beyond = kept & too_large(values)
        dropped[f"{keys.revenue} over {keys.expenditure} too large for a markup in levels"] = int(beyond.sum())
        kept &= ~beyond
        values[beyond] = np.nan
    if not kept.any():
        told = ", ".join(f"{reason} {count}" for reason, count in dropped.items() if count)
        raise EstimationError(f"productivity.{name}: no row has a markup: {told}")
    gradient = np.zeros((len(use), 1 + parent.gradient.shape[1]))
    gradient[kept, 1:] = elasticity.gradient[kept] / theta[kept, None] - error.gradient[kept]
    if keys.level == "level":
        values[kept] = np.exp(values[kept])
        gradient[kept] *= values[kept, None]
    # A group without a row has no average: it is left out, and told.
    present = np.unique(parent.group_of_row[kept])
    group_of_row = np.full_like(parent.group_of_row, -1)
    group_of_row[kept] = np.searchsorted(present, parent.group_of_row[kept])
    term = "log_markup" if keys.level == "log" else "markup"
    groups = tuple(
        _group(term, parent.groups[behind], rows, values, gradient, group_of_row == number)
        for number, behind in enumerate(present)
    )
    absent = len(parent.groups) - len(present)
    return ProductivityFit(
        name=name,
        method="markup",
        tfp_from="",
        groups=groups,
        values=values,
        group_of_row=group_of_row,
        in_sample=kept,
        gradient=gradient,
        dropped={reason: count for reason, count in dropped.items() if count},
        options=keys.model_dump(),
        notes=(
            f"markups of {keys.input} rest on the elasticities of {keys.of}, on its price being given to the firm and "
            "on its being chosen within the year without cost of adjustment",
            *([f"{absent} of the {len(parent.groups)} groups of {keys.of} have no row here"] if absent else []),
        ),
    )


def too_large(logs: FloatArray) -> BoolArray:
    """Say which logs have no level that can be averaged with others; those of missing values have none to judge."""
    return np.asarray(logs > LARGEST_LOG, dtype=np.bool_)


def _wild(values: FloatArray) -> tuple[str, ...]:
    """Say that one row makes most of the spread, and so may have moved the mean."""
    if len(values) < FEWEST_ROWS:
        return ()
    squares = (values - values.mean()) ** 2
    largest, total = float(squares.max()), float(squares.sum())
    above = [bound for bound in BOUNDS if largest > bound * total]
    if not above or (len(values) < MANY_ROWS and above[0] < BOUND_OF_FEW):
        return ()
    return (
        f"one row of {len(values)} holds more than {100 * above[0]:.0f} per cent of the sum of squares of the markups "
        "about their mean: it moves the average and its error; look for a wrong amount, and leave it out by where",
    )


def _like_a_log(column: str, values: FloatArray, name: str, log_input: FloatArray) -> str:
    """Say why a column is taken for the log of an amount; empty where it is not.

    Money moves in proportion with the input that it pays or that makes it: its log rises about as much as the log of
    the input, and the amount itself by whatever the currency is. Of a log, the column itself rises so, and its log
    hardly does, or does not exist, or follows the input less closely than the column itself.
    """
    there = ~(np.isnan(values) | np.isnan(log_input))
    x, level = log_input[there], values[there]
    above = level > 0
    if np.count_nonzero(there) < FEWEST_ROWS or not np.ptp(x) > 0 or not np.ptp(level) > 0:
        return ""
    slope, fit = _line(x, level)
    if not (LEAST_SLOPE < slope < 1 / LEAST_SLOPE and fit > LEAST_FIT):
        return ""
    below = int(np.count_nonzero(~above))
    if np.count_nonzero(above) >= FEWEST_ROWS:
        of_logs, fit_of_logs = _line(x[above], np.log(level[above]))
        straight = below > LOGS_BELOW * len(level) and _line(x[above], level[above])[1] > fit_of_logs
        if of_logs > LEAST_SLOPE and not straight:
            return ""
    return (
        f'"{column}" looks like the log of an amount: it rises by {slope:.2f} where {name} does by one, and '
        f"{counted(below, 'of its values is', 'of its values are')} not above zero, of {len(level)}; name the column "
        "in money"
    )


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Return the slope of the least-squares line and its R2."""
    # In units of its largest value: squares of what somebody typed may be no number any more.
    unit = float(np.abs(y).max())
    x, y = x - x.mean(), y / unit - (y / unit).mean()
    if not (x @ x > 0 and y @ y > 0):
        return 0.0, 0.0
    slope = float(x @ y / (x @ x))
    return slope * unit, slope * float(x @ y) / float(y @ y)


def _group(
    term: str, parent: GroupFit, rows: Selection, values: FloatArray, gradient: FloatArray, inside: BoolArray
) -> GroupFit:
    n = int(np.count_nonzero(inside))
    firms = np.union1d(parent.influence_firms, rows.firm[inside])
    width = parent.influence.shape[1]
    influence = np.zeros((len(firms), 1 + width))
    influence[np.searchsorted(firms, parent.influence_firms), 1:] = parent.influence
    mean = float(values[inside].mean())
    own = np.bincount(np.searchsorted(firms, rows.firm[inside]), (values[inside] - mean) / n, minlength=len(firms))
    influence[:, 0] = own + influence[:, 1:] @ gradient[inside, 1 : 1 + width].mean(axis=0)
    covariance = np.atleast_2d(parent.small_sample * influence[:, 0] @ influence[:, 0])
    coefficients = np.array([mean])
    # Half of the rows lie below the median, whatever the largest are.
    level = np.exp(np.minimum(values[inside], LARGEST_LOG)) if term == "log_markup" else values[inside]
    return GroupFit(
        group=parent.group,
        rung=parent.rung,
        terms=(term,),
        coefficients=coefficients,
        covariance=covariance,
        inference=inference(coefficients, covariance, parent.df),
        df=parent.df,
        n_obs=n,
        n_firms=len(np.unique(rows.firm[inside])),
        n_firms_scores=len(firms),
        j_statistic=None,
        j_df=None,
        j_p_value=None,
        parameters=(term, *parent.parameters),
        influence_firms=firms,
        influence=influence,
        small_sample=parent.small_sample,
        diagnostics={
            "median_markup": float(np.median(level)),
            "share_markup_below_one": float(np.mean(level < 1)),
        },
        notes=_wild(values[inside]),
        # The average moves with the rows drawn and with the parent's parameters, whatever errors the parent prints.
        errors=replace(by_firm(len(firms), parent.df, parent.small_sample), tfp_uncertainty="include"),
    )
