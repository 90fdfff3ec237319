"""From bound entries to a plan: what each rests on, and in which order it can be computed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from estimation.extras import Extras
from estimation.registry import DESIGNS, FIGURES, PRODUCTIVITY
from specs.expressions import Expression
from specs.extends import SpecFile
from specs.model import SpecModel
from tfplab.entries import Bound
from tfplab.kinship import behind_others, can_be_drawn, parents_of
from tfplab.names import names_of_model, names_taken_as_given
from tfplab.plan import FigurePlan, ModelPlan, Plan, ProductivityPlan

__all__ = ["assemble_plan", "estimates_something"]


def assemble_plan(
    path: Path,
    spec: SpecModel,
    seed: int,
    productivity: Mapping[str, Bound],
    models: Mapping[str, Bound],
    files: tuple[SpecFile, ...],
) -> Plan:
    """Put a plan together; entries with a problem are left out.

    Parameters
    ----------
    path : Path
    spec : SpecModel
    seed : int
    productivity, models : mapping of str to Bound
    files : tuple of SpecFile
    """
    rests_on = _rests_on(spec.variables, productivity)
    late = {name: one for name, one in spec.variables.items() if rests_on[name]}
    early = {name: one for name, one in spec.variables.items() if not rests_on[name]}

    extras: dict[str, Extras] = {
        name: "elasticities"
        for one in spec.figures.values()
        if one.kind in FIGURES and FIGURES[one.kind].extras and (one.by is not None or one.where is not None)
        for name in one.of
    }
    extras |= dict.fromkeys(behind_others(productivity), "transitory")

    def estimated(names: Mapping[str, object] | tuple[str, ...]) -> tuple[str, ...]:
        found = [one for name in names for one in rests_on.get(name, (name,) if name in productivity else ())]
        return tuple(dict.fromkeys(found))

    def with_parameters(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in estimated(names) if estimates_something(productivity[name]))

    def given(one: Bound) -> tuple[str, ...]:
        return with_parameters(names_taken_as_given(one.kind, one.options, productivity))

    return Plan(
        path=path,
        spec=spec,
        seed=seed,
        early_variables=early,
        late_variables=late,
        productivity=tuple(
            ProductivityPlan(
                name, one.kind, one.options, one.node, one.notes, extras.get(name, ""), parents_of(one), one.errors
            )
            for name, one in productivity.items()
            if one.options is not None
        ),
        models=tuple(
            ModelPlan(
                name,
                one.kind,
                one.options,
                one.node,
                one.options.outcome_column,
                estimated(names_of_model(one.kind, one.options)),
                given(one),
                () if one.options.outcome_column in productivity else with_parameters((one.options.outcome_column,)),
                DESIGNS[one.kind].resampler is not None
                and all(can_be_drawn(productivity, name) for name in given(one)),
                one.notes,
            )
            for name, one in models.items()
            if one.options is not None
        ),
        figures=tuple(
            FigurePlan(
                name,
                one.kind,
                one.of,
                one.by,
                one.where,
                estimated(
                    (
                        *one.of,
                        *((one.by,) if one.by else ()),
                        *(dict(one.where.names()) if one.where else ()),
                    )
                ),
                one.keep,
            )
            for name, one in spec.figures.items()
        ),
        files=files,
    )


def estimates_something(entry: Bound) -> bool:
    """Return whether a productivity entry estimates parameters; one whose method is not known is taken to."""
    return entry.kind not in PRODUCTIVITY or PRODUCTIVITY[entry.kind].estimates


def _rests_on(variables: Mapping[str, Expression], productivity: Mapping[str, Bound]) -> dict[str, tuple[str, ...]]:
    """Return, for every variable in the order of computation, the productivity entries behind it."""
    found: dict[str, tuple[str, ...]] = {}
    for name, expression in variables.items():
        behind: list[str] = []
        for used, _ in expression.names():
            behind += [used] if used in productivity else found.get(used, ())
        found[name] = tuple(dict.fromkeys(behind))
    return found
