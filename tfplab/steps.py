"""The steps that the runner takes, one function each: panel rows in, frozen records out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from estimation.agreement import Agreement, agreement_of
from estimation.both_stages import firm_clusters
from estimation.computable import computable
from estimation.designs.options import ModelOptions
from estimation.figures.cases import ShownCases
from estimation.figures.question import FigureQuestion
from estimation.registry import DESIGNS, FIGURES, PRODUCTIVITY
from estimation.results import ErrorsInfo, Estimates, Failed, IntArray, ProductivityFit
from estimation.shown import Figure
from panels.facts import ColumnFacts
from panels.frame import FirmPanel, Selection
from panels.survey_panel import with_answers
from specs.errors import EstimationError
from tfplab.bootstrapping import Chain, bootstrap_entry, rows_of
from tfplab.names import names_of_model
from tfplab.plan import FigurePlan, ModelPlan, Plan, ProductivityPlan

__all__ = [
    "add_productivity",
    "compare_measures",
    "compute_figure",
    "estimate_model",
    "estimate_productivity",
    "respondents_of_model",
]

Fits = Mapping[str, ProductivityFit | Failed]


def estimate_productivity(
    plan: Plan, step: ProductivityPlan, panel: FirmPanel, earlier: Fits
) -> ProductivityFit | Failed:
    """Estimate one productivity entry on the panel; `earlier` holds those that it may be made of."""
    entry = PRODUCTIVITY[step.method]
    try:
        rows, use = rows_of(step, panel)
        more: dict[str, object] = {"extras": step.extras}
        if step.parents:
            more["parents"] = {name: _fitted(name, earlier[name]) for name in step.parents}
        fit: ProductivityFit = entry.fit(step.name, step.options, rows, use, **more)
        if step.errors is not None:
            fit = bootstrap_entry(plan, step, fit, step.errors, panel, earlier)
    except EstimationError as error:
        return Failed(step.name, step.method, _reason("productivity", step.name, error), error.dropped)
    return replace(fit, notes=(*fit.notes, *step.notes))


def _reason(section: str, name: str, error: EstimationError) -> str:
    """Return what went wrong; whoever prints it names the entry."""
    return str(error).removeprefix(f"{section}.{name}: ")


def _fitted(name: str, found: ProductivityFit | Failed) -> ProductivityFit:
    if isinstance(found, Failed):
        raise EstimationError(f"productivity {name} failed: {found.reason}")
    return found


def add_productivity(plan: Plan, panel: FirmPanel, fits: Fits) -> tuple[FirmPanel, dict[str, str]]:
    """Add the productivity columns and the variables that are made of them.

    Returns
    -------
    panel : FirmPanel
    lost : dict of str to str
        The columns that could not be made, with the reason.
    """
    done = {name: fit for name, fit in fits.items() if isinstance(fit, ProductivityFit)}
    facts = {name: ColumnFacts(name, "number", "log", f"productivity, {fit.method}") for name, fit in done.items()}
    panel = panel.with_numbers({name: fit.values for name, fit in done.items()}, facts)
    lost = {name: f"productivity {name} failed: {fit.reason}" for name, fit in fits.items() if isinstance(fit, Failed)}
    for name, expression in plan.late_variables.items():
        broken = [used for used, _ in expression.names() if used in lost]
        if broken:
            lost[name] = lost[broken[0]]
            continue
        try:
            panel = panel.derive({name: expression})
        except EstimationError as error:
            lost[name] = str(error)
    return panel, lost


def compare_measures(plan: Plan, panel: FirmPanel, fits: Fits) -> tuple[Agreement, ...]:
    """Correlate the measures of productivity; what is made of another entry, a markup, is none."""
    made_of_others = {step.name for step in plan.productivity if step.parents}
    done = {name: fit for name, fit in fits.items() if isinstance(fit, ProductivityFit) and name not in made_of_others}
    rows = panel.select(())
    return agreement_of(done, rows.firm, rows.year)


def estimate_model(model: ModelPlan, chain: Chain, lost: Mapping[str, str]) -> Estimates | Failed:
    """Estimate one model; what it rests on and cannot be had is its reason to fail."""
    entry, options = DESIGNS[model.design], model.options
    panel, fits = chain.after, chain.fits
    broken = _broken((*names_of_model(model.design, options), *model.estimated), lost)
    if broken:
        return Failed(model.name, model.design, broken)
    own = fits.get(model.outcome)
    first_stage = own if isinstance(own, ProductivityFit) else None
    coarse = tuple(name for name in options.errors.columns if name != "firm")
    everywhere: Selection | None
    try:
        if entry.respondents:
            rows, everywhere = respondents_of_model(model, panel)
        elif entry.whole:
            rows = chain.rows_of(model)
            everywhere = chain.whole(model, rows)
        else:
            rows = chain.rows_of(model)
            asked = first_stage is not None or getattr(options, "family", None) is not None
            everywhere = chain.select(coarse) if asked and coarse else None
        seeded = {"seed": chain.plan.seed} if entry.seeded else {}
        estimates: Estimates = entry.fit(model.name, options, rows, first_stage, everywhere, **seeded)
        if options.errors.bootstrap is not None:
            estimates = chain.bootstrap(model, estimates, rows, everywhere if entry.whole else None)
        if options.errors.wild is not None and entry.wild is not None:
            estimates = entry.wild(options, rows, estimates, chain.plan.seed)
    except EstimationError as error:
        return Failed(model.name, model.design, _reason("models", model.name, error), error.dropped)
    return replace(
        estimates,
        influence_clusters=_clusters_for_family(options, estimates, rows, everywhere),
        errors=_with_given(model, estimates.errors),
        parts=tuple(replace(part, errors=_with_given(model, part.errors)) for part in estimates.parts),
        dropped=estimates.dropped if entry.whole else {**rows.outside, **estimates.dropped},
        notes=(*estimates.notes, *model.caveats, *model.notes),
    )


def _clusters_for_family(
    options: ModelOptions, estimates: Estimates, rows: Selection, everywhere: Selection | None
) -> IntArray | None:
    """Return the clusters of the firms behind a model's influence functions, where a family is drawn by them."""
    ways = options.errors.cluster
    asked = getattr(options, "family", None) is not None and len(ways) == 1 and ways != (("firm",),)
    if estimates.influence_clusters is not None or not asked or everywhere is None:
        return estimates.influence_clusters
    return firm_clusters(ways[0], rows, estimates.influence_firms, everywhere)


def _with_given(model: ModelPlan, errors: ErrorsInfo) -> ErrorsInfo:
    """Say of errors what they take as given."""
    if not model.given or errors.bootstrap is not None:
        return errors
    # The design sees data where this spec estimated what stands on the right side, or behind the outcome.
    carried = errors.tfp_uncertainty in ("include", "murphy_topel")
    return replace(errors, tfp_uncertainty="outcome" if carried else "ignore")


def respondents_of_model(model: ModelPlan, panel: FirmPanel) -> tuple[Selection, Selection]:
    """Return the respondents of a model's `where`, and the columns of the sampling design for all of them."""
    if panel.respondents is None:
        raise EstimationError("nobody answered the survey")
    options = model.options
    answered = with_answers(panel.respondents, options.items)
    rows = computable(answered.select(DESIGNS[model.design].columns(options), options.where))
    everywhere = computable(answered.select(options.design_columns))
    panel.respondents.forget(answered)
    return rows, everywhere


def compute_figure(
    plan: Plan,
    figure: FigurePlan,
    panel: FirmPanel,
    fits: Fits,
    lost: Mapping[str, str],
    models: Mapping[str, Estimates | Failed] | None = None,
    cases: Mapping[str, ShownCases] | None = None,
) -> Figure | Failed:
    """Compute what one figure shows, without those that failed; it fails where nothing is left to draw.

    A figure of a variant gets its `cases`, by the name of the variant.
    """
    if FIGURES[figure.kind].variants:
        lost = {}
    elif FIGURES[figure.kind].models:
        lost = {name: f"model {name} failed: {one.reason}" for name, one in (models or {}).items()
                if isinstance(one, Failed)}  # fmt: skip
    conditions = [figure.by] if figure.by else []
    conditions += [name for name, _ in figure.where.names()] if figure.where else []
    there = tuple(name for name in figure.of if name not in lost)
    broken = _broken(conditions, lost)
    if broken or not there:
        return Failed(figure.name, figure.kind, broken or _broken(figure.of, lost))
    done: dict[str, ProductivityFit | Estimates | ShownCases]
    done = {name: fit for name, fit in fits.items() if isinstance(fit, ProductivityFit)}
    if FIGURES[figure.kind].variants:
        done = dict(cases or {})
    elif FIGURES[figure.kind].models:
        done = {name: one for name, one in (models or {}).items() if isinstance(one, Estimates)}
    question = FigureQuestion(
        figure.name, figure.kind, there, figure.by, figure.where, plan.spec.disclosure.minimum_firms, figure.keep
    )
    try:
        found: Figure = FIGURES[figure.kind].compute(question, panel, done)
    except EstimationError as error:
        return Failed(figure.name, figure.kind, _reason("figures", figure.name, error))
    rule = plan.spec.disclosure
    if rule.on_breach == "suppress" and all(
        one.n_firms is None or one.n_firms < rule.minimum_firms for one in found.series
    ):
        few = f"nothing is left to draw: all of it rests on fewer than {rule.minimum_firms} firms, and disclosure"
        advice = "" if FIGURES[figure.kind].models else "; widen where, or take a coarser by"
        return Failed(figure.name, figure.kind, f"{few} suppresses that{advice}")
    absent = tuple(f"not drawn: {name}: {lost[name]}" for name in figure.of if name in lost)
    return replace(found, notes=(*found.notes, *absent))


def _broken(names: Iterable[str], lost: Mapping[str, str]) -> str:
    return "; ".join(dict.fromkeys(lost[name] for name in names if name in lost))
