"""What can be asked for: productivity methods and designs, one line each.

Read by validation, the plan, `explain`, the documentation and the common tests. Reading it loads no numerical
library: an entry's `fit` imports its kernel where it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from estimation.designs import cross_section, decomposition
from estimation.productivity import (
    cost_shares,
    fixed_effects,
    gross_output,
    labour_productivity,
    ols,
    prodest_wrdg,
    prodest_wrdg_gmm,
    tornqvist,
    wlp,
    wooldridge,
)
from specs.fields import OptionsModel

__all__ = ["DESIGNS", "PRODUCTIVITY", "Entry"]


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
        Estimators: ``fit(name, options, rows, use, extras=False)``; designs: ``fit(name, options, rows, first_stage)``.
    estimates : bool
        Whether it estimates parameters, whose uncertainty a second stage may carry.
    resampler : callable or None
        Estimators: ``resampler(options, rows, use, fit)`` returns a `Resampler`; None where no bootstrap is offered.
    """

    options: type[OptionsModel]
    columns: Callable[[Any], tuple[str, ...]]
    equations: Callable[[Any], str]
    fit: Callable[..., Any]
    estimates: bool = True
    resampler: Callable[..., Any] | None = None


def _entry(module: ModuleType, *, estimates: bool = True) -> Entry:
    resampler = getattr(module, "resampler", None)
    return Entry(module.Options, module.columns, module.equations, module.fit, estimates, resampler)


PRODUCTIVITY: Mapping[str, Entry] = {
    "wooldridge": _entry(wooldridge),
    "wlp": _entry(wlp),
    "gross_output": _entry(gross_output),
    "ols": _entry(ols),
    "prodest_wrdg": _entry(prodest_wrdg),
    "prodest_wrdg_gmm": _entry(prodest_wrdg_gmm),
    "fixed_effects": _entry(fixed_effects),
    "cost_shares": _entry(cost_shares),
    "tornqvist": _entry(tornqvist),
    "labour_productivity": _entry(labour_productivity, estimates=False),
}

DESIGNS: Mapping[str, Entry] = {
    "cross_section": _entry(cross_section),
    "decomposition": _entry(decomposition),
}
