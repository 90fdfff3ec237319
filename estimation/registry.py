"""What can be asked for: productivity methods, designs and figures, one line each.

Read by validation, the plan, `explain`, the documentation and the common tests. Reading it loads no numerical
library: an entry's `fit` imports its kernel where it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from estimation.designs import adoption_rates, cross_section, decomposition, did
from estimation.designs import fixed_effects as fixed_effects_design
from estimation.figures import adoption_rates as adoption_figure
from estimation.figures import bacon, coefficients, elasticities, event_study, group_time, honest, productivity_density
from estimation.productivity import (
    ackerberg_caves_frazer,
    cost_shares,
    fixed_effects,
    gandhi_navarro_rivers,
    gross_output,
    labour_productivity,
    levinsohn_petrin,
    markup,
    olley_pakes,
    ols,
    prodest_wrdg,
    prodest_wrdg_gmm,
    system_gmm,
    tornqvist,
    wlp,
    wooldridge,
)
from specs.fields import OptionsModel

__all__ = ["ANY", "DESIGNS", "FIGURES", "PRODUCTIVITY", "Entry", "FigureEntry"]

ANY = "any"
"""In the place of a design: models of all of them that estimate coefficients."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered estimator or design.

    Attributes
    ----------
    options : type of OptionsModel
        The strict model of its keys.
    columns : callable
        ``columns(options)``: the panel columns that it needs.
    equations : callable
        ``equations(options)``: what it estimates, in symbols.
    fit : callable
        Estimators: ``fit(name, options, rows, use, extras="")``; designs: ``fit(name, options, rows, first_stage)``.
    estimates : bool
        Whether it estimates parameters, whose uncertainty a second stage may carry.
    resampler : callable or None
        Estimators: ``resampler(options, rows, use, fit)`` returns a `Resampler`; None where no bootstrap is offered.
    parents : callable or None
        ``parents(options)``: the productivity entries that this one is made of, by the key that names them; `fit`
        then takes them as ``parents=``.
    transitory : bool
        Whether a fit has the transitory error where it is asked for it: what markups need.
    lagged : bool
        Whether a group of rows needs those of a year before.
    respondents : bool
        Whether a design runs on the survey's respondents instead of the panel's firm-years. Its options name `items`,
        of which it reads ``yes(item)`` and ``asked(item)``, and the columns of the sampling design,
        `design_columns`, which `fit` gets on all respondents as ``panel``.
    """

    options: type[OptionsModel]
    columns: Callable[[Any], tuple[str, ...]]
    equations: Callable[[Any], str]
    fit: Callable[..., Any]
    estimates: bool = True
    resampler: Callable[..., Any] | None = None
    parents: Callable[[Any], Mapping[str, str]] | None = None
    transitory: bool = False
    lagged: bool = False
    respondents: bool = False


@dataclass(frozen=True, slots=True)
class FigureEntry:
    """A registered kind of figure: what it computes. `reports.figures.registry` has how it is drawn.

    Attributes
    ----------
    compute : callable
        ``compute(question, panel, fits)`` returns a `Figure`.
    entries : bool
        Whether `of` names productivity entries that estimate something; else it names columns of numbers.
    extras : bool
        Whether `by` and `where` need the elasticities of every row.
    models : str
        The design whose models `of` names, which `compute` then gets in the place of `fits`, or `ANY`; empty for none.
    keeps : str
        What `keep` names: ``items`` or ``terms`` of these models; empty for a kind without it.
    """

    compute: Callable[..., Any]
    entries: bool = False
    extras: bool = False
    models: str = ""
    keeps: str = ""


def _entry(
    module: ModuleType,
    *,
    estimates: bool = True,
    transitory: bool = False,
    lagged: bool = False,
    respondents: bool = False,
) -> Entry:
    return Entry(
        options=module.Options,
        columns=module.columns,
        equations=module.equations,
        fit=module.fit,
        estimates=estimates,
        resampler=getattr(module, "resampler", None),
        parents=getattr(module, "parents", None),
        transitory=transitory,
        lagged=lagged,
        respondents=respondents,
    )


PRODUCTIVITY: Mapping[str, Entry] = {
    "wooldridge": _entry(wooldridge, transitory=True, lagged=True),
    "wlp": _entry(wlp, transitory=True, lagged=True),
    "gross_output": _entry(gross_output, transitory=True, lagged=True),
    "levinsohn_petrin": _entry(levinsohn_petrin, transitory=True, lagged=True),
    "olley_pakes": _entry(olley_pakes, transitory=True, lagged=True),
    "ackerberg_caves_frazer": _entry(ackerberg_caves_frazer, transitory=True, lagged=True),
    "gandhi_navarro_rivers": _entry(gandhi_navarro_rivers, transitory=True, lagged=True),
    "ols": _entry(ols),
    "prodest_wrdg": _entry(prodest_wrdg, lagged=True),
    "prodest_wrdg_gmm": _entry(prodest_wrdg_gmm, lagged=True),
    "fixed_effects": _entry(fixed_effects),
    "cost_shares": _entry(cost_shares),
    "tornqvist": _entry(tornqvist),
    "system_gmm": _entry(system_gmm, lagged=True),
    "labour_productivity": _entry(labour_productivity, estimates=False),
    "markup": _entry(markup),
}

DESIGNS: Mapping[str, Entry] = {
    "cross_section": _entry(cross_section),
    "fixed_effects": _entry(fixed_effects_design),
    "did": _entry(did),
    "decomposition": _entry(decomposition),
    "adoption_rates": _entry(adoption_rates, respondents=True),
}

FIGURES: Mapping[str, FigureEntry] = {
    "productivity_density": FigureEntry(productivity_density.compute),
    "elasticities": FigureEntry(elasticities.compute, entries=True, extras=True),
    "adoption_rates": FigureEntry(adoption_figure.compute, models="adoption_rates", keeps="items"),
    "event_study": FigureEntry(event_study.compute, models="did"),
    "group_time": FigureEntry(group_time.compute, models="did"),
    "bacon": FigureEntry(bacon.compute, models="did"),
    "honest": FigureEntry(honest.compute, models="did"),
    "coefficients": FigureEntry(coefficients.compute, models=ANY, keeps="terms"),
}
