"""From a spec to a plan: every name bound to a registered method or design before a row is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from estimation.extras import Extras
from estimation.registry import DESIGNS, FIGURES, PRODUCTIVITY
from panels.plan import PanelPlan, plan_columns
from panels.shipped import LAYOUTS
from specs.digest import spec_digest
from specs.errors import Problem, SpecError
from specs.expressions import Expression
from specs.fields import OptionsModel
from specs.model import SpecModel, parse_spec
from specs.read import read
from specs.tree import Node
from specs.uncertainty import Errors
from tfplab.bootstraps import check_bootstraps
from tfplab.dates import check_dates
from tfplab.entries import Bound, bind_models, bind_productivity
from tfplab.families import check_families
from tfplab.groups import check_groups
from tfplab.kinship import behind_others, can_be_drawn, check_parents, parents_of
from tfplab.model_figures import check_figures_of_models
from tfplab.names import check_entries, check_names, check_order, names_of_model, names_taken_as_given
from tfplab.outputs import check_outputs
from tfplab.sources import missing_files
from tfplab.windows import check_windows

__all__ = ["FigurePlan", "ModelPlan", "Plan", "ProductivityPlan", "make_plan"]


@dataclass(frozen=True, slots=True)
class ProductivityPlan:
    """A productivity entry, bound.

    Attributes
    ----------
    name, method : str
    options : OptionsModel
        Of the registered method.
    node : Node
        Its keys as resolved, for positions.
    notes : tuple of str
        What `like` left out.
    extras : str
        What others need of every row, see `estimation.extras`.
    parents : tuple of str
        The entries that it is made of.
    errors : Errors or None
        A bootstrap in the place of the closed form.
    """

    name: str
    method: str
    options: Any
    node: Node
    notes: tuple[str, ...] = ()
    extras: Extras = ""
    parents: tuple[str, ...] = ()
    errors: Errors | None = None


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """A model, bound.

    Attributes
    ----------
    name, design : str
    options : OptionsModel
        Of the registered design.
    node : Node
        Its keys as resolved, for positions.
    outcome : str
        The column on the left.
    estimated : tuple of str
        The productivity entries that its columns or its `where` rest on, directly or through variables.
    given : tuple of str
        Those of them that have estimated parameters and enter otherwise than as the outcome itself: standard
        errors take them as given.
    behind_outcome : tuple of str
        Those of them that the outcome is made of, where it is a variable and not the entry itself.
    drawable : bool
        Whether a bootstrap can draw the design and all of `given` again.
    notes : tuple of str
    """

    name: str
    design: str
    options: Any
    node: Node
    outcome: str
    estimated: tuple[str, ...]
    given: tuple[str, ...]
    behind_outcome: tuple[str, ...]
    drawable: bool
    notes: tuple[str, ...] = ()

    @property
    def caveats(self) -> tuple[str, ...]:
        """What the standard errors take as given, in a sentence; none where they take nothing."""
        drawn, ignored = self.options.errors.bootstrap is not None, self.options.tfp_uncertainty == "ignore"
        if not self.given or (drawn and not ignored):
            return ()
        them = "them" if len(self.given) > 1 else "it"
        advice = "; errors: {bootstrap: {cluster: [firm]}} would not" if self.drawable else ""
        why = " (tfp_uncertainty: ignore)" if drawn else advice
        return (f"standard errors take {', '.join(self.given)} as given, though this spec estimated {them}{why}",)


@dataclass(frozen=True, slots=True)
class FigurePlan:
    """A figure, bound.

    Attributes
    ----------
    name, kind : str
    of : tuple of str
    by : str or None
    where : Expression or None
    estimated : tuple of str
        As in `ModelPlan`.
    keep : tuple of str
    """

    name: str
    kind: str
    of: tuple[str, ...]
    by: str | None
    where: Expression | None
    estimated: tuple[str, ...]
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All that will be done, and nothing of it yet.

    Attributes
    ----------
    path : Path
        The spec.
    spec : SpecModel
        What it says of panel, tables, figures, labels, disclosure.
    seed : int
    early_variables, late_variables : mapping of str to Expression
        In the order in which they can be computed, those of productivity columns apart.
    productivity, models, figures : tuples
        In the order of the spec.
    """

    path: Path
    spec: SpecModel
    seed: int
    early_variables: Mapping[str, Expression]
    late_variables: Mapping[str, Expression]
    productivity: tuple[ProductivityPlan, ...]
    models: tuple[ModelPlan, ...]
    figures: tuple[FigurePlan, ...]

    @property
    def panel(self) -> PanelPlan:
        """What is needed to build the panel."""
        if self.spec.panel is None:
            raise ValueError("the first gate saw to it that there is a panel")
        return PanelPlan(self.spec.panel, self.spec.root, self.early_variables)

    @property
    def written(self) -> dict[str, Any]:
        """The spec as resolved, every default filled in."""
        productivity = {
            one.name: {"method": one.method, **_dump(one.options), **_errors(one.errors)} for one in self.productivity
        }
        models = {one.name: _dump(one.options) for one in self.models}
        for one in self.models:
            if one.outcome in self.productivity_names and one.options.errors.kind in ("classical", "wild_bootstrap"):
                models[one.name].setdefault("tfp_uncertainty", "ignore")
        written = self.spec.written(productivity, models)
        return {**written, "seed": self.seed}

    @property
    def digest(self) -> str:
        """SHA-256 of the resolved spec without its file paths; comments and the order of keys do not count."""
        return spec_digest(self.written)

    @property
    def layout_files(self) -> tuple[tuple[str, Path], ...]:
        """The layouts of the user's own, by the name that the spec gives them."""
        sources = (self.panel.panel.accounts, self.panel.panel.survey)
        names = [one.layout for one in sources if one is not None and one.layout not in LAYOUTS]
        return tuple((name, self.panel.base / name) for name in names)

    @property
    def productivity_names(self) -> tuple[str, ...]:
        """The columns that estimation adds."""
        return tuple(self.spec.productivity)


def make_plan(path: Path, seed: int | None = None) -> Plan:
    """Read a spec and bind every name in it: the first gate.

    Parameters
    ----------
    path : Path
    seed : int, optional
        Instead of the spec's own.

    Returns
    -------
    Plan

    Raises
    ------
    SpecError
        With every problem that can be known before a file of data is opened.
    """
    root, problems = read(path)
    if root is None:
        raise SpecError(problems)
    spec, found = parse_spec(root)
    productivity, productivity_problems = bind_productivity(spec.productivity)
    estimated = {name for name, one in productivity.items() if _estimates(one)}
    models, model_problems = bind_models(spec.models, estimated)
    everything: list[Problem] = [
        *problems,
        *found,
        *missing_files(spec),
        *productivity_problems,
        *check_parents(productivity),
        *model_problems,
    ]
    plan = _assemble(path, spec, spec.seed if seed is None else seed, productivity, models)
    everything += [*check_bootstraps(plan), *check_families(plan), *check_groups(plan)]
    everything += [*check_outputs(spec), *check_entries(plan), *check_windows(plan)]
    everything += check_dates(plan)
    if spec.panel is not None:
        columns, layout_problems = plan_columns(plan.panel)
        everything += layout_problems
        # What figures of models name is known without the columns of a ready-made panel.
        alone = [*check_order(plan), *check_figures_of_models(plan)] if columns is None else []
        everything += alone if columns is None else check_names(plan, columns)
    if everything:
        raise SpecError(everything)
    return plan


def _assemble(
    path: Path,
    spec: SpecModel,
    seed: int,
    productivity: Mapping[str, Bound],
    models: Mapping[str, Bound],
) -> Plan:
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
        return tuple(name for name in estimated(names) if _estimates(productivity[name]))

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
    )


def _estimates(entry: Bound) -> bool:
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


def _errors(errors: Errors | None) -> dict[str, Any]:
    return {} if errors is None else {"errors": errors.written}


def _dump(options: OptionsModel) -> dict[str, Any]:
    written: dict[str, Any] = options.model_dump(mode="json", exclude_none=True)
    if not written.get("markov"):
        # It dates the columns of markov, and is refused where there are none.
        written.pop("markov_timing", None)
    return written
