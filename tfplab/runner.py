"""The runner: reads aloud as the method section of a paper."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from specs.errors import SpecError
from tfplab.conditions import check_conditions
from tfplab.dates import check_dates_of
from tfplab.families import adjust_families
from tfplab.groups import check_levels
from tfplab.names import check_names
from tfplab.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from estimation.agreement import Agreement
    from estimation.results import Estimates, Failed, ProductivityFit
    from estimation.shown import Figure
    from panels.frame import FirmPanel
    from tfplab.cache.kept import Kept
    from tfplab.cases import VariantDone

__all__ = ["Outcome", "Results", "Watcher", "build_panel", "estimate", "run_plan"]


class Watcher(Protocol):
    """Whoever wants to know which step runs now."""

    def step(self, what: str) -> None:
        """Hear what runs now."""


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """All that a plan yields, before it is written down.

    Attributes
    ----------
    panel : FirmPanel
        With its productivity columns and the variables made of them.
    productivity : mapping of str to ProductivityFit or Failed
    models : mapping of str to Estimates or Failed
    figures : mapping of str to Figure or Failed
    agreement : tuple of Agreement
        Of each pair of productivity measures.
    variants : tuple of VariantDone
    """

    panel: FirmPanel
    productivity: Mapping[str, ProductivityFit | Failed]
    models: Mapping[str, Estimates | Failed]
    figures: Mapping[str, Figure | Failed]
    agreement: tuple[Agreement, ...]
    variants: tuple[VariantDone, ...] = ()

    @property
    def failed(self) -> tuple[Failed, ...]:
        """Everything that could not be estimated, with its reason."""
        from estimation.results import Failed

        cases = (case.result for variant in self.variants for case in variant.cases)
        found = (*self.productivity.values(), *self.models.values(), *cases, *self.figures.values())
        return tuple(one for one in found if isinstance(one, Failed))


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A run that is written down.

    Attributes
    ----------
    record : mapping
        The content of ``run.json``.
    failed : tuple of Failed
        What could not be estimated; the exit status is 1 if there is any.
    """

    record: Mapping[str, Any]
    failed: tuple[Failed, ...]


def build_panel(
    plan: Plan,
    watcher: Watcher | None = None,
    kept: Callable[[Plan, Callable[[], FirmPanel]], FirmPanel] | None = None,
) -> FirmPanel:
    """Open the plan's files, check their columns, then their values, and build the panel: the second and third gate.

    Parameters
    ----------
    plan : Plan
    watcher : Watcher, optional
        Hears which file is being read.
    kept : callable, optional
        Returns the panel of a plan if it was kept, and what it is given builds it if not.

    Returns
    -------
    FirmPanel

    Raises
    ------
    SpecError
        With every problem of the gate at which it stops.
    """
    from panels.sources import inspect_sources

    inspection = inspect_sources(plan.panel)
    problems = [*inspection.problems]
    if inspection.columns and (inspection.table or plan.panel.panel.table is None):
        problems += check_names(plan, inspection.columns, inspection.absent)
    if problems:
        raise SpecError(problems)

    from panels.assemble import assemble

    def build() -> FirmPanel:
        return assemble(plan.panel, inspection, told=watcher.step if watcher is not None else None)

    panel = build() if kept is None else kept(plan, build)
    own = {name: facts for name, facts in panel.names().items() if name not in plan.early_variables}
    problems = check_names(plan, own, inspection.absent)
    if not problems:
        problems = [*check_conditions(plan, panel), *check_levels(plan, panel), *check_dates_of(plan, panel)]
    if problems:
        raise SpecError(problems)
    return panel


def estimate(plan: Plan, watcher: Watcher, kept: Kept | None = None) -> Results:
    """Build the panel and estimate everything that the plan asks for.

    Parameters
    ----------
    plan : Plan
    watcher : Watcher
    kept : Kept, optional
        What earlier runs made; nothing is kept if not given.

    Returns
    -------
    Results
        A model that fails is a `Failed` with its reason; the others go on.

    Raises
    ------
    SpecError
        If the files or their values are not as the spec says.
    """
    from tfplab.cache.kept import Kept

    kept = kept or Kept()
    kept.begin(plan)
    try:
        results = _estimate(plan, watcher, kept)
        kept.end()
        return results
    finally:
        kept.stop()


def _estimate(plan: Plan, watcher: Watcher, kept: Kept) -> Results:
    from threadpoolctl import threadpool_limits

    from tfplab.bootstrapping import Chain
    from tfplab.cases import Base, cases_shown, estimate_variants
    from tfplab.steps import add_productivity, compare_measures

    watcher.step("building the panel")
    panel = build_panel(plan, watcher, kept.panel)

    # Sums of floating-point numbers depend on their order: one thread, the same bytes whatever the machine's cores.
    with threadpool_limits(1):
        productivity: dict[str, ProductivityFit | Failed] = {}
        # Those that are made of others come after them; the record keeps the order of the spec.
        for steps in ([one for one in plan.productivity if not one.parents],
                      *([one] for one in plan.productivity if one.parents)):  # fmt: skip
            fits = kept.productivities(
                [(plan, step) for step in steps],
                panel,
                lambda step: watcher.step(f"estimating productivity {step.name}"),
                productivity,
            )
            productivity |= zip((step.name for step in steps), fits, strict=True)
        productivity = {step.name: productivity[step.name] for step in plan.productivity}
        agreement = compare_measures(plan, panel, productivity)
        before = panel
        panel, lost = add_productivity(plan, before, productivity)
        chain = Chain(plan, before, panel, productivity)
        found = kept.models(plan.models, chain, lost, lambda model: watcher.step(f"estimating model {model.name}"))
        models: dict[str, Estimates | Failed] = {
            model.name: one for model, one in zip(plan.models, found, strict=True)
        }  # fmt: skip
        base = Base(before, chain, lost, productivity, models)
        variants = estimate_variants(
            plan, base, lambda own: build_panel(own, watcher, kept.panel_of_variant), watcher.step, kept
        )
        models = adjust_families(plan, models)
        watcher.step("computing figures")
        tables = tuple(plan.spec.tables.values())
        figures = {
            one.name: kept.figure(plan, one, chain, lost, models, cases_shown(one, variants, tables))
            for one in plan.figures
        }
    return Results(panel, productivity, models, figures, agreement, variants)


def run_plan(
    plan: Plan,
    output: Path,
    watcher: Watcher,
    asked: Mapping[str, Sequence[str]] | None = None,
    kept: Kept | None = None,
) -> Outcome:
    """Estimate a plan and write its bundle.

    Parameters
    ----------
    plan : Plan
    output : Path
        The bundle's folder: new, empty, or an earlier bundle, which is replaced in one step.
    watcher : Watcher
    asked : mapping, optional
        What the command asked for besides the spec, for the manifest: ``set``, ``only``, ``locale``.
    kept : Kept, optional
        What earlier runs made.

    Returns
    -------
    Outcome

    Raises
    ------
    SpecError
        If the files or their values are not as the spec says; nothing is written.
    BundleError
        If the folder holds something else.
    """
    from tfplab.writing import check_target, write_run

    check_target(output)
    started, clock = datetime.now(UTC), time.perf_counter()
    results = estimate(plan, watcher, kept)
    watcher.step("writing tables, figures and the report")
    record = write_run(plan, results, output, started, clock, asked, kept)
    return Outcome(record, results.failed)
