"""What identifies an estimate, in a sentence: the assumption a referee asks about first."""

from __future__ import annotations

from typing import Any

__all__ = ["assumed", "clustered", "of_design", "of_method"]

_CONTROL = (
    "productivity is a function of the state and the proxy, strictly rising in the proxy, and follows a first-order "
    "Markov process; the states were chosen a year before, so that this year's surprise has nothing to do with them"
)

_METHODS = {
    "wooldridge": _CONTROL + "; free inputs of the year before move those of the year (Wooldridge, 2009)",
    "wlp": _CONTROL + "; free inputs of the year before move those of the year (Petrin and Levinsohn, 2012)",
    "gross_output": _CONTROL + "; input prices are given to the firm, and move the proxy, which is an input itself",
    "levinsohn_petrin": _CONTROL + "; given them free inputs still move, in the first stage (Levinsohn and Petrin, "
    "2003; Ackerberg, Caves and Frazer, 2015, ask what moves them)",
    "olley_pakes": _CONTROL
    + "; the proxy is investment, and given it free inputs still move in the first stage (Olley "
    "and Pakes, 1996)",
    "ackerberg_caves_frazer": _CONTROL + "; free inputs are chosen before or with the proxy, and all elasticities come "
    "from the second stage (Ackerberg, Caves and Frazer, 2015)",
    "gandhi_navarro_rivers": "materials are bought each year at given prices, so that their share in output is their "
    "elasticity; productivity follows a first-order Markov process (Gandhi, Navarro and Rivers, 2020)",
    "ols": "inputs have nothing to do with productivity, which is rarely so: firms that know it choose inputs by it",
    "prodest_wrdg": "a replica of a biased estimator, to reproduce what it printed: no assumption makes it right",
    "prodest_wrdg_gmm": "a replica of a biased estimator, to reproduce what it printed: no assumption makes it right",
    "fixed_effects": "productivity that moves inputs does not change over a firm's years; inputs have nothing to do "
    "with the rest in any year",
    "system_gmm": "productivity is a constant of the firm and a first-order autoregression; its surprises have nothing "
    "to do with inputs of the past, and changes of inputs nothing with the constant (Blundell and Bond, 2000)",
    "cost_shares": "firms minimise costs at given prices, inputs adjust, and returns to scale are constant",
    "tornqvist": "firms minimise costs at given prices, inputs adjust, and returns to scale are constant (Caves, "
    "Christensen and Diewert, 1982)",
    "labour_productivity": "output per unit of labour, whatever the capital: there is nothing to identify",
    "markup": "the input is chosen each year at a given price, so that its elasticity over its share in revenue is the "
    "markup (De Loecker and Warzynski, 2012); output deflated by an index of its industry leaves prices in it",
}

_NOTHING = ("labour_productivity", "prodest_wrdg", "prodest_wrdg_gmm")
_NO_CLUSTERS = ("labour_productivity", "markup")
CLUSTERED = "by firm: the moments of a firm's years are summed before they are squared"


def assumed(method: str) -> str:
    """Return what the sentence on a method says: what identifies it, or merely what it is."""
    return "says" if method in _NOTHING else "identified if"


_ALIKE = {
    "twfe": "where firms begin in several years, effects are the same in all cohorts and in all years since",
    "event_study": "where firms begin in several years, effects since adoption are the same in all cohorts",
}
"""What two-way effects need beside parallel trends (Goodman-Bacon, 2021; Sun and Abraham, 2021)."""


def of_method(method: str) -> str:
    """Return what a productivity method needs."""
    return _METHODS.get(method, "")


def of_design(design: str, options: Any) -> str:
    """Return what a model needs to be read as an effect, or that it is none.

    Parameters
    ----------
    design : str
    options : OptionsModel
        Of the design.
    """
    method = getattr(options, "method", "")
    if design in ("cross_section", "fixed_effects", "long_difference") and method == "iv":
        excluded: dict[str, None] = dict.fromkeys(name for names in options.instruments.values() for name in names)
        return (
            f"{', '.join(excluded)} move{'s' if len(excluded) == 1 else ''} {', '.join(options.instruments)} and the "
            "outcome through nothing else, given the other terms"
        )
    if design == "did":
        given = f", given {', '.join(options.covariates)} in the base year" if options.covariates else ""
        asked = tuple(options.estimator)
        # Regressions on all rows, and fits on the untreated ones, know no group of controls.
        on_rows = set(asked) <= {"imputation", *_ALIKE}
        beside = "never treated" if options.control_group == "never_treated" else "not yet treated"
        beside = "not treated by then" if on_rows else beside
        one_date = len(options.adoption.waves) == 2
        alike = "".join(f"; {one}: {_ALIKE[one]}" for one in asked if one in _ALIKE and not one_date)
        years = int(options.anticipation)
        early = f" by more than {years} year{'s' * (years > 1)}" if years else ""
        return (
            f"without treatment the outcome of the treated would have moved as that of firms {beside}{given} (parallel "
            f"trends), and nobody moved ahead of treatment{early}{alike}"
        )
    if design == "fixed_effects":
        return (
            "comparisons within what stands behind the bar: effects if what moves the regressors there has nothing to "
            "do with what else moves the outcome, in any of its years"
        )
    if design == "long_difference":
        return (
            "growth of firms alike in the regressors at the start: an effect if without it they would have grown alike"
        )
    if design == "cross_section":
        return (
            "a comparison between firms alike in the other terms: an effect only if nothing else that moves the "
            "outcome goes with the regressor"
        )
    return "a description: no effect is claimed"


def clustered(method: str) -> str:
    """Return what is clustered in a productivity estimate; empty where nothing is estimated."""
    return "" if method in _NO_CLUSTERS else CLUSTERED
