"""The runner: a plan becomes a panel, productivity, models and densities, in the order of a method section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from estimation.registry import DESIGNS, PRODUCTIVITY
from specs.errors import EstimationError
from tfplab.plan import FigurePlan, ModelPlan, Plan, ProductivityPlan

if TYPE_CHECKING:
    from estimation.results import Density, Estimates, Failed, ProductivityFit
    from panels.frame import FirmPanel

__all__ = ["Results", "Watcher", "build_panel", "estimate"]


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
    densities : mapping of str to tuple of Density, or Failed
        By figure.
    """

    panel: FirmPanel
    productivity: Mapping[str, ProductivityFit | Failed]
    models: Mapping[str, Estimates | Failed]
    densities: Mapping[str, tuple[Density, ...] | Failed]

    @property
    def failed(self) -> tuple[Failed, ...]:
        """Everything that could not be estimated, with its reason."""
        from estimation.results import Failed

        found = (*self.productivity.values(), *self.models.values(), *self.densities.values())
        return tuple(one for one in found if isinstance(one, Failed))


def estimate(plan: Plan, watcher: Watcher) -> Results:
    """Build the panel and estimate everything that the plan asks for.

    Parameters
    ----------
    plan : Plan
    watcher : Watcher

    Returns
    -------
    Results
        A model that fails is a `Failed` with its reason; the others go on.

    Raises
    ------
    SpecError
        If the files or their values are not as the spec says.
    """
    from threadpoolctl import threadpool_limits

    # Sums of floating-point numbers depend on their order: one thread, the same bytes whatever the machine's cores.
    with threadpool_limits(1):
        watcher.step("building the panel")
        panel = build_panel(plan)
        productivity: dict[str, ProductivityFit | Failed] = {}
        for step in plan.productivity:
            watcher.step(f"estimating productivity {step.name}")
            productivity[step.name] = estimate_productivity(step, panel)
        panel = add_productivity(plan, panel, productivity)
        models: dict[str, Estimates | Failed] = {}
        for model in plan.models:
            watcher.step(f"estimating model {model.name}")
            models[model.name] = estimate_model(model, panel, productivity)
        watcher.step("drawing densities")
        densities = {figure.name: estimate_density(plan, figure, panel, productivity) for figure in plan.figures}
    return Results(panel, productivity, models, densities)
