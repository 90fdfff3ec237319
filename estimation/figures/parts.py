"""The estimates of a model that figures set side by side: the model's own, or each of its parts."""

from __future__ import annotations

from estimation.results import Estimates, Inference, ModelPart

__all__ = ["CELLS", "estimates_of", "part_name", "without_levels"]

CELLS = ", cells"
"""How the name of a part ends that holds the group-time effects behind an average."""


def estimates_of(model: Estimates, *, groups: bool = True) -> list[tuple[str, ModelPart]]:
    """Return a model's estimates, each with what it is called: ``m``, or ``m, twfe`` where there are several.

    Parameters
    ----------
    model : Estimates
    groups : bool
        Whether those of groups of firms are among them.
    """
    own = [part for part in model.parts if _stands_alone(part) and (groups or not part.group)]
    if len(own) > 1:
        return [(f"{model.name}, {part_name(part)}", part) for part in own]
    inference = Inference(model.std_errors, model.statistics, model.p_values, model.conf_low, model.conf_high)
    whole = ModelPart(
        model.method, model.terms, model.coefficients, inference, model.n_firms_term, model.n_obs, model.n_firms,
        model.errors, model.stats,
    )  # fmt: skip
    return [(model.name, whole)]


def _stands_alone(part: ModelPart) -> bool:
    """Return whether a part is an estimate of its own, and no stage or make of another."""
    made_of = part.estimator.endswith((CELLS, ", index")) or part.estimator.startswith("first_stage[")
    return not made_of and part.estimator != "reduced_form" and not part.reason


def part_name(part: ModelPart) -> str:
    """Return what tells a part from the others of its model, as `reports.disclosure_effects` calls it."""
    of = [f"{column} {level}" for column, level in part.group.items()]
    window = [] if part.window is None else ["-".join(str(year) for year in part.window)]
    return ", ".join(filter(None, [part.estimator, *of, part.rung, *window]))


def without_levels(term: str) -> str:
    """Return ``ai:size`` of ``ai:size[20-49]``."""
    return ":".join(part.partition("[")[0] for part in term.split(":"))
