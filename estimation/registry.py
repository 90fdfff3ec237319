"""What can be asked for: productivity methods, designs and figures, one line each.

Read by validation, the plan, `explain`, the documentation and the common tests. Reading it loads nothing else: an
entry's module is imported where something is asked of it, and its `fit` imports the numerical kernel where it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any

from specs.fields import OptionsModel

__all__ = ["ANY", "DESIGNS", "FIGURES", "PRODUCTIVITY", "Entry", "FigureEntry"]

ANY = "any"
"""In the place of a design: models of all of them that estimate coefficients."""


class Entry:
    """A registered estimator or design.

    Parameters
    ----------
    module : str
        Its module below this package: ``productivity.wooldridge``.
    estimates : bool
        Whether it estimates parameters, whose uncertainty a second stage may carry.
    transitory : bool
        Whether a fit has the transitory error where it is asked for it: what markups need.
    lagged : bool
        Whether a group of rows needs those of a year before.
    respondents : bool
        Whether a design runs on the survey's respondents instead of the panel's firm-years. Its options name `items`,
        of which it reads ``yes(item)`` and ``asked(item)``, and the columns of the sampling design,
        `design_columns`, which `fit` gets on all respondents as ``panel``.
    whole : bool
        Whether a design compares rows of its `where` with others of the panel: `fit` and `resampler` get its columns
        on all rows as ``panel``, and `dropped` says what became of every one of them.
    seeded : bool
        Whether the `fit` of a design draws by itself: it then takes the spec's ``seed=``.
    linear : bool
        Whether a design is linear in its outcome, so that the closed form can carry the outcome's first stage.
    """

    def __init__(
        self,
        module: str,
        *,
        estimates: bool = True,
        transitory: bool = False,
        lagged: bool = False,
        respondents: bool = False,
        whole: bool = False,
        seeded: bool = False,
        linear: bool = True,
    ) -> None:
        self.module = module
        self.estimates, self.transitory = estimates, transitory
        self.lagged, self.respondents, self.whole = lagged, respondents, whole
        self.seeded, self.linear = seeded, linear

    @cached_property
    def _loaded(self) -> ModuleType:
        return import_module(f"estimation.{self.module}")

    @property
    def options(self) -> type[OptionsModel]:
        """The strict model of its keys."""
        found: type[OptionsModel] = self._loaded.Options
        return found

    @property
    def columns(self) -> Callable[[Any], tuple[str, ...]]:
        """``columns(options)``: the panel columns that it needs."""
        found: Callable[[Any], tuple[str, ...]] = self._loaded.columns
        return found

    @property
    def equations(self) -> Callable[[Any], str]:
        """``equations(options)``: what it estimates, in symbols."""
        found: Callable[[Any], str] = self._loaded.equations
        return found

    @property
    def moments(self) -> Callable[[Any], str]:
        """Estimators: ``moments(options)``: what is zero in expectation, in the same symbols."""
        found: Callable[[Any], str] = self._loaded.moments
        return found

    @property
    def fit(self) -> Callable[..., Any]:
        """Estimators: ``fit(name, options, rows, use, extras="")``; designs: ``fit(name, options, rows, first_stage,
        panel)``.
        """
        found: Callable[..., Any] = self._loaded.fit
        return found

    @property
    def resampler(self) -> Callable[..., Any] | None:
        """Estimators: ``resampler(options, rows, use, fit)`` returns a `Resampler`; designs: ``resampler(options, rows,
        first_stage)`` a `DesignResampler`; None where no bootstrap is offered.
        """
        return getattr(self._loaded, "resampler", None)

    @property
    def wild(self) -> Callable[..., Any] | None:
        """Designs: ``wild(options, rows, estimates, seed)`` puts p-values and intervals of a wild cluster bootstrap in
        the place of those of clustered errors; None where there is none.
        """
        return getattr(self._loaded, "wild", None)

    @property
    def parents(self) -> Callable[[Any], Mapping[str, str]] | None:
        """``parents(options)``: the productivity entries that this one is made of, by the key that names them; `fit`
        then takes them as ``parents=``.
        """
        return getattr(self._loaded, "parents", None)


@dataclass(frozen=True, slots=True)
class FigureEntry:
    """A registered kind of figure: what it computes. `reports.figures.registry` has how it is drawn.

    Attributes
    ----------
    module : str
        Its module below this package.
    entries : bool
        Whether `of` names productivity entries that estimate something; else it names columns of numbers.
    extras : bool
        Whether `by` and `where` need the elasticities of every row.
    models : str
        The design whose models `of` names, which `compute` then gets in the place of `fits`, or `ANY`; empty for none.
    keeps : str
        What `keep` names: ``items`` or ``terms`` of these models, ``term`` for a single one; empty for a kind without
        it.
    variants : bool
        Whether `of` names a variant, whose cases are those models: `compute` gets `ShownCases` by its name.
    """

    module: str
    entries: bool = False
    extras: bool = False
    models: str = ""
    keeps: str = ""
    variants: bool = False

    @property
    def compute(self) -> Callable[..., Any]:
        """``compute(question, panel, fits)`` returns a `Figure`."""
        found: Callable[..., Any] = import_module(f"estimation.{self.module}").compute
        return found


PRODUCTIVITY: Mapping[str, Entry] = {
    "wooldridge": Entry("productivity.wooldridge", transitory=True, lagged=True),
    "wlp": Entry("productivity.wlp", transitory=True, lagged=True),
    "gross_output": Entry("productivity.gross_output", transitory=True, lagged=True),
    "levinsohn_petrin": Entry("productivity.levinsohn_petrin", transitory=True, lagged=True),
    "olley_pakes": Entry("productivity.olley_pakes", transitory=True, lagged=True),
    "ackerberg_caves_frazer": Entry("productivity.ackerberg_caves_frazer", transitory=True, lagged=True),
    "gandhi_navarro_rivers": Entry("productivity.gandhi_navarro_rivers", transitory=True, lagged=True),
    "ols": Entry("productivity.ols"),
    "prodest_wrdg": Entry("productivity.prodest_wrdg", lagged=True),
    "prodest_wrdg_gmm": Entry("productivity.prodest_wrdg_gmm", lagged=True),
    "fixed_effects": Entry("productivity.fixed_effects"),
    "cost_shares": Entry("productivity.cost_shares"),
    "tornqvist": Entry("productivity.tornqvist"),
    "system_gmm": Entry("productivity.system_gmm", lagged=True),
    "labour_productivity": Entry("productivity.labour_productivity", estimates=False),
    "markup": Entry("productivity.markup"),
}

DESIGNS: Mapping[str, Entry] = {
    "cross_section": Entry("designs.cross_section"),
    "fixed_effects": Entry("designs.fixed_effects"),
    "did": Entry("designs.did"),
    "long_difference": Entry("designs.long_difference", whole=True),
    "decomposition": Entry("designs.decomposition"),
    "distribution": Entry("designs.distribution", seeded=True, linear=False),
    "descriptives": Entry("designs.descriptives", estimates=False),
    "adoption_rates": Entry("designs.adoption_rates", respondents=True),
}

FIGURES: Mapping[str, FigureEntry] = {
    "productivity_density": FigureEntry("figures.productivity_density"),
    "elasticities": FigureEntry("figures.elasticities", entries=True, extras=True),
    "adoption_rates": FigureEntry("figures.adoption_rates", models="adoption_rates", keeps="items"),
    "event_study": FigureEntry("figures.event_study", models="did"),
    "quantile_gaps": FigureEntry("figures.quantile_gaps", models="distribution"),
    "group_time": FigureEntry("figures.group_time", models="did"),
    "bacon": FigureEntry("figures.bacon", models="did"),
    "honest": FigureEntry("figures.honest", models="did"),
    "coefficients": FigureEntry("figures.coefficients", models=ANY, keeps="terms"),
    "specification_curve": FigureEntry("figures.specification_curve", models=ANY, keeps="term", variants=True),
}
