"""The records of figures: what is drawn, without any firm's own point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from estimation.results import FloatArray

__all__ = [
    "BaconPoint", "CasePoint", "CellPoint", "CoefficientPoint", "Density", "EffectPoint", "ElasticityPoint", "Figure",
    "GapPoint", "HonestPoint", "SharePoint",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """A kernel density, drawn without any firm's own point.

    Attributes
    ----------
    of : str
        The column.
    label : str
        The level of the grouping column (``0``, ``1``), empty for all.
    grid, density : (m,) arrays
        The curve; its tails are cut so that enough firms lie beyond either end.
    bandwidth : float
    n_obs, n_firms : int
    mean : float
    """

    of: str
    label: str
    grid: FloatArray
    density: FloatArray
    bandwidth: float
    n_obs: int
    n_firms: int
    mean: float


@dataclass(frozen=True, slots=True)
class ElasticityPoint:
    """An output elasticity of a group of rows.

    Attributes
    ----------
    of : str
        The productivity entry.
    input : str
        The input's column.
    label : str
        The group or level, empty for all.
    estimate : float
    std_error, conf_low, conf_high : float
        NaN where there is no standard error. The interval covers 95 per cent.
    averaged : bool
        Whether it is a mean over rows; else it is a parameter of one technology, the same in every row
        (Cobb-Douglas).
    rung : str
        Of the ladder, where the estimate of one group stands behind the point.
    n_obs, n_firms : int
        That it rests on: those of the rows of a mean, those of the estimate for a parameter.
    """

    of: str
    input: str
    label: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    averaged: bool
    rung: str
    n_obs: int
    n_firms: int


@dataclass(frozen=True, slots=True)
class SharePoint:
    """A share of firms.

    Attributes
    ----------
    of : str
        The model.
    item : str
    label : str
        The level of the figure's `by`; empty for all firms.
    term : str
        As the model has it.
    estimate : float
    std_error, conf_low, conf_high : float
        NaN where there are none.
    n_firms, n_yes, n_no : int
        Firms in the base, and what they said; not weighted.
    """

    of: str
    item: str
    label: str
    term: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    n_firms: int
    n_yes: int
    n_no: int


@dataclass(frozen=True, slots=True)
class EffectPoint:
    """An effect of a difference-in-differences at an event time, or in a year.

    Attributes
    ----------
    of : str
        The model.
    estimator : str
    label : str
        The model's name, with the estimator's where it has several.
    term : str
        ``event[-2]``, ``pre[2019]``, ``att[simple]``; ``reference`` for the time that the others are compared with.
    at : int
        The event time; a year where adoption lies between waves.
    scale : str
        ``event`` or ``year``: what `at` is.
    estimate : float
    std_error, conf_low, conf_high : float
        Of the point alone; NaN where there are none.
    band_low, band_high : float
        Of a band that covers all event times at once with 95 per cent; NaN where there is none.
    unsure_from, unsure_to : int or None
        Years between which it is not known who was treated.
    n_firms : int
        Treated firms behind it.
    """

    of: str
    estimator: str
    label: str
    term: str
    at: int
    scale: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    band_low: float
    band_high: float
    unsure_from: int | None
    unsure_to: int | None
    n_firms: int


@dataclass(frozen=True, slots=True)
class GapPoint:
    """A gap between the distributions of two groups, at a quantile or of their means.

    Attributes
    ----------
    of : str
        The model.
    outcome : str
        The column whose distributions are compared.
    label : str
        The group that is compared with the base.
    base : str
        The group that it is compared with.
    term : str
        As the model has it.
    at : float or None
        The quantile; None for the means.
    estimate : float
    std_error, conf_low, conf_high : float
        NaN where there are none.
    n_firms : int
        Of a quantile those on its thinner side, in either group; of means those of the smaller group.
    """

    of: str
    outcome: str
    label: str
    base: str
    term: str
    at: float | None
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    n_firms: int


@dataclass(frozen=True, slots=True)
class CellPoint:
    """A group-time effect of a difference-in-differences.

    Attributes
    ----------
    of : str
        The model.
    estimator : str
        The part of the model that has it: ``callaway_santanna, cells``.
    label : str
        The model's name, with the estimator's where several have cells.
    term : str
        ``att[2021,2022]``.
    cohort, year : int
    reference : bool
        Whether it is the base period, with which the others are compared: its effect is zero.
    estimate : float
    std_error, p_value, conf_low, conf_high : float
        NaN where there are none.
    n_firms : int
        Treated firms behind it.
    """

    of: str
    estimator: str
    label: str
    term: str
    cohort: int
    year: int
    reference: bool
    estimate: float
    std_error: float
    p_value: float
    conf_low: float
    conf_high: float
    n_firms: int


@dataclass(frozen=True, slots=True)
class CoefficientPoint:
    """A coefficient of a model of any design.

    Attributes
    ----------
    of : str
        The model.
    design : str
    estimator : str
        Which of the model's estimates: its method, or the name of a part (``twfe``, ``ols, size 10-19``).
    label : str
        The model's name, with the part's where it has several.
    term : str
    estimate : float
    std_error, p_value, conf_low, conf_high : float
        NaN where there are none.
    n_firms : int
    """

    of: str
    design: str
    estimator: str
    label: str
    term: str
    estimate: float
    std_error: float
    p_value: float
    conf_low: float
    conf_high: float
    n_firms: int


@dataclass(frozen=True, slots=True)
class BaconPoint:
    """A comparison of two groups behind two-way fixed effects.

    Attributes
    ----------
    of, estimator, label : str
        The model, ``twfe``, and the model again.
    type : str
        ``treated vs never treated`` and the like.
    treated, control : str
        A cohort, ``never`` or ``always``.
    estimate, weight : float
    average : float
        The weighted sum of all comparisons of the model: twfe on these firms.
    n_firms, n_treated_firms, n_control_firms : int
    """

    of: str
    estimator: str
    label: str
    type: str
    treated: str
    control: str
    estimate: float
    weight: float
    average: float
    n_firms: int
    n_treated_firms: int
    n_control_firms: int


@dataclass(frozen=True, slots=True)
class HonestPoint:
    """An interval of an effect that allows for other trends.

    Attributes
    ----------
    of, estimator, label : str
        The model, its method, and the model again.
    term : str
        The effect: ``event[0]``, ``att[simple]``.
    restriction : str
        ``relative_magnitudes``, ``smoothness``.
    bound : float or None
        None for the model's own interval, which takes trends for parallel.
    estimate : float
        The effect.
    conf_low, conf_high : float
        NaN where every value is rejected.
    breakdown : float
        The bound from which zero is among the values; NaN where there is none.
    n_firms : int
        Treated firms behind the effect, or behind an effect before treatment if they are fewer.
    """

    of: str
    estimator: str
    label: str
    term: str
    restriction: str
    bound: float | None
    estimate: float
    conf_low: float
    conf_high: float
    breakdown: float
    n_firms: int


@dataclass(frozen=True, slots=True)
class CasePoint:
    """A coefficient in one case of a variant.

    Attributes
    ----------
    of, case : str
        The variant, and ``grid[3]``.
    label : str
        What was set, in words; the name of a case that is listed under one.
    settings : mapping of str to plain value
        By path.
    main : bool
        Whether the case is the model itself.
    status : str
        ``ok``, ``failed``, or ``no_term`` where the case was estimated without a coefficient of the term.
    reason : str or None
        Why there is no estimate.
    term, design : str
    estimate, std_error, p_value, conf_low, conf_high : float
        NaN where there are none. The interval covers 95 per cent.
    n_obs : int or None
        Of the case.
    n_firms : int or None
        Behind the coefficient.
    """

    of: str
    case: str
    label: str
    settings: Mapping[str, Any]
    main: bool
    status: str
    reason: str | None
    term: str
    design: str
    estimate: float
    std_error: float
    p_value: float
    conf_low: float
    conf_high: float
    n_obs: int | None
    n_firms: int | None


Shown = (
    CasePoint | Density | ElasticityPoint | SharePoint | EffectPoint | GapPoint | CellPoint | CoefficientPoint
    | BaconPoint | HonestPoint
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """What a figure shows.

    Attributes
    ----------
    name, kind : str
        The key in the spec, and the registered kind.
    of : tuple of str
    by, where : str
        As written; empty for none.
    series : tuple of records
        Dataclasses whose fields are their keys in ``run.json``, each with ``n_firms``: the firms that it rests on.
    notes : tuple of str
    """

    name: str
    kind: str
    of: tuple[str, ...]
    by: str
    where: str
    series: tuple[Shown, ...]
    notes: tuple[str, ...] = ()
