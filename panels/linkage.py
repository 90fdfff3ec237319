"""What is known of a link: records of counts, rates and differences, each with the units behind it. Plain numbers:
whoever prints them decides what may be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Agreement", "Balance", "LinkDiagnostics", "MatchRate", "Propensity", "SchemeShare", "Term", "WaveLink"]


@dataclass(frozen=True, slots=True)
class WaveLink:
    """The units of one wave.

    Attributes
    ----------
    wave : int
    respondents, linked : int
    statuses : mapping of str to int
        Units by reason code, every code of `panels.link_status.STATUSES`; they sum to the respondents.
    weights_missing, weights_not_positive : int
        Units without a design weight, and with one of zero or less: weighted rates leave them out.
    """

    wave: int
    respondents: int
    linked: int
    statuses: Mapping[str, int]
    weights_missing: int
    weights_not_positive: int


@dataclass(frozen=True, slots=True)
class MatchRate:
    """How many of a group's units are linked.

    Attributes
    ----------
    wave : int
    by, level : str
        ``all``, ``nace``, ``size`` or ``region``, and which of it; an empty level is not known.
    units, linked : int
    share : float
    weighted_share : float or None
        By design weight; None without weights.
    weighted_units, weighted_linked : int
        Units with a weight above zero, on which the weighted share rests.
    """

    wave: int
    by: str
    level: str
    units: int
    linked: int
    share: float
    weighted_share: float | None
    weighted_units: int
    weighted_linked: int


@dataclass(frozen=True, slots=True)
class SchemeShare:
    """How the linked units of a wave filed: units of a scheme, and their share of the linked.

    The weighted share rests on `weighted_units` linked ones of any scheme.
    """

    wave: int
    scheme: str
    units: int
    share: float
    weighted_share: float | None
    weighted_units: int


@dataclass(frozen=True, slots=True)
class Balance:
    r"""A covariate among the linked and the unlinked units of a wave.

    .. math:: d = (\bar x_1 - \bar x_0) / \sqrt{(s_1^2 + s_0^2) / 2}

    Attributes
    ----------
    wave : int
    covariate : str
        ``log(survey_employees)``, ``ai``, ``survey_nace[C]``.
    linked, unlinked : int
        Units that have a value.
    ones_linked, ones_unlinked : int or None
        Those for which it is 1; None for a covariate that is no yes or no.
    mean_linked, mean_unlinked, difference, variance_ratio : float or None
        Not weighted; the ratio is that of linked to unlinked. None where they are not defined.
    weighted_difference : float or None
        Of the linked by their link weight from all respondents by their design weight, in the same units; None without
        a propensity.
    imbalanced : bool
        The difference is beyond 0.1 in absolute value.
    """

    wave: int
    covariate: str
    linked: int
    unlinked: int
    ones_linked: int | None
    ones_unlinked: int | None
    mean_linked: float | None
    mean_unlinked: float | None
    difference: float | None
    variance_ratio: float | None
    weighted_difference: float | None
    imbalanced: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """What survey and accounts say of the same linked units.

    Attributes
    ----------
    wave : int
    of : str
        ``nace`` or ``size``.
    levels : tuple of str
        In the order of a table.
    cells : mapping of (str, str) to int
        Units by what the survey and what the accounts say; zeros are left out.
    units, agree : int
        Compared, and alike.
    unknown : int
        Linked units of which one of the two does not say.
    """

    wave: int
    of: str
    levels: tuple[str, ...]
    cells: Mapping[tuple[str, str], int]
    units: int
    agree: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Term:
    """A coefficient of the logit; `units` are those for which its column is not zero, `linked` the linked of them."""

    term: str
    estimate: float
    std_error: float
    units: int
    linked: int


@dataclass(frozen=True, slots=True)
class Propensity:
    """The probability of being linked in one wave, and the weights made of it.

    Attributes
    ----------
    wave : int
    units, linked : int
        On which the logit was estimated.
    terms : tuple of Term
    incomplete : int
        Respondents that lack a number among the covariates: no probability, no weight.
    weighted : int
        Linked units with a weight.
    trimmed_low, trimmed_high : int
        Weights that were drawn in to the quantiles.
    effective, effective_design : float
        Effective sample size, the square of the sum of weights over the sum of their squares: of these weights, and of
        the design weights of the same units.
    notes : tuple of (str, int, int)
        What was set aside, in words, and the units and linked units that it rests on; no number stands in the words.
    """

    wave: int
    units: int
    linked: int
    terms: tuple[Term, ...]
    incomplete: int
    weighted: int
    trimmed_low: int
    trimmed_high: int
    effective: float
    effective_design: float
    notes: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class LinkDiagnostics:
    """What is known of a link, wave by wave in each part.

    Attributes
    ----------
    waves : tuple of WaveLink
    rates : tuple of MatchRate
    schemes : tuple of SchemeShare
    balance : tuple of Balance
    agreement : tuple of Agreement
    propensity : tuple of Propensity
        Empty where the spec asks for none.
    """

    waves: tuple[WaveLink, ...]
    rates: tuple[MatchRate, ...]
    schemes: tuple[SchemeShare, ...]
    balance: tuple[Balance, ...]
    agreement: tuple[Agreement, ...]
    propensity: tuple[Propensity, ...] = ()
