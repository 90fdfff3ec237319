"""What a model or a figure depends on: what it asks, and the content of every row that it is given.

Designs get their rows as selections and see nothing else of a panel; a bootstrap goes back to the panel without the
productivity columns, so there the columns behind what it draws count too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from estimation.registry import DESIGNS
from estimation.results import Estimates, Failed, ProductivityFit
from panels.frame import FirmPanel
from tfplab.bootstrapping import Chain
from tfplab.cache.keys import Parts, rows_parts
from tfplab.cache.records import digest_of
from tfplab.names import names_of_model
from tfplab.plan import FigurePlan, ModelPlan, Plan
from tfplab.steps import respondents_of_model

__all__ = ["figure_parts", "model_parts"]

Fit = ProductivityFit | Failed
KeyOf = Callable[[str, Fit], str]
"""The key of a productivity entry by its name and its fit."""


def model_parts(model: ModelPlan, chain: Chain, lost: Mapping[str, str], key_of_fit: KeyOf) -> Parts:
    """Return what a model depends on.

    Parameters
    ----------
    model : ModelPlan
    chain : Chain
    lost : mapping of str to str
        The columns that could not be made, with the reason.
    key_of_fit : callable

    Raises
    ------
    EstimationError
        If its rows cannot be had.
    """
    entry, options = DESIGNS[model.design], model.options
    names = names_of_model(model.design, options)
    found = {"name:": model.name, "method:": model.design, "option:": type(options).__name__}
    found |= {f"option:{key}": _text(one) for key, one in options.model_dump(mode="json").items()}
    found["notes:"] = _text([model.estimated, model.given, model.behind_outcome, model.drawable, model.notes])
    found |= {f"lost:{name}": lost[name] for name in (*names, *model.estimated) if name in lost}
    if any(name in lost for name in (*names, *model.estimated)):
        return found
    for name in dict.fromkeys((*model.estimated, model.outcome)):
        if name in chain.fits:
            found[f"parent:{name}"] = key_of_fit(name, chain.fits[name])
    if entry.seeded or options.errors.bootstrap is not None or options.errors.wild is not None:
        found["seed:"] = str(chain.plan.seed)
    if entry.respondents:
        for number, rows in enumerate(respondents_of_model(model, chain.after)):
            found |= _within("column" if number == 0 else "drawn", rows_parts(rows))
        return found
    rows = chain.rows_of(model)
    found |= rows_parts(rows)
    beside = chain.whole(model, rows) if entry.whole else chain.select(options.errors.columns)
    found |= _within("drawn", rows_parts(beside))
    found["firms:"] = str(chain.after.n_firms)
    if options.errors.bootstrap is not None:
        late = chain.plan.late_variables
        found |= {f"variable:{name}": str(one) for name, one in late.items()}
        behind = dict.fromkeys((*names, *(name for one in late.values() for name, _ in one.names())))
        there = chain.before.names()
        found |= _within("behind", rows_parts(chain.before.select([name for name in behind if name in there])))
    return found


def figure_parts(
    plan: Plan,
    figure: FigurePlan,
    panel: FirmPanel,
    fits: Mapping[str, Fit],
    lost: Mapping[str, str],
    models: Mapping[str, Estimates | Failed],
    key_of_fit: KeyOf,
) -> Parts:
    """Return what a figure depends on.

    Parameters
    ----------
    plan : Plan
    figure : FigurePlan
    panel : FirmPanel
        With its productivity columns.
    fits : mapping of str to ProductivityFit or Failed
    lost : mapping of str to str
    models : mapping of str to Estimates or Failed
    key_of_fit : callable

    Raises
    ------
    EstimationError
        If its `where` cannot be computed.
    """
    conditions = [name for name, _ in figure.where.names()] if figure.where is not None else []
    named = dict.fromkeys((*figure.of, *((figure.by,) if figure.by else ()), *conditions))
    found = {"name:": figure.name, "method:": figure.kind, "option:where": _text(str(figure.where or ""))}
    found |= {"option:of": _text(figure.of), "option:by": _text(figure.by), "option:keep": _text(figure.keep)}
    found["option:disclosure"] = _text(plan.spec.disclosure.model_dump(mode="json"))
    found |= {f"lost:{name}": lost[name] for name in named if name in lost}
    found |= {f"parent:{name}": digest_of(models[name]) for name in named if name in models}
    found |= {f"parent:{name}": key_of_fit(name, fits[name]) for name in named if name in fits}
    if any(name in lost for name in (*conditions, figure.by)):
        return found
    done = [one for name in named if isinstance(one := fits.get(name), ProductivityFit)]
    weights = [str(one.options.get("weights") or "") for one in done]
    there = panel.names()
    columns = [name for name in dict.fromkeys((*named, *weights)) if name in there]
    return {**found, **rows_parts(panel.select(columns, figure.where))}


def _within(kind: str, parts: Mapping[str, str]) -> dict[str, str]:
    return {f"{kind}:{name}": one for name, one in parts.items()}


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
