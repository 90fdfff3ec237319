"""A plan: every name of a spec bound to a registered method or design, and nothing done yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from estimation.extras import Extras
from panels.plan import PanelPlan
from panels.shipped import LAYOUTS
from specs.digest import spec_digest
from specs.expressions import Expression
from specs.extends import SpecFile
from specs.fields import OptionsModel
from specs.model import SpecModel
from specs.tree import Node
from specs.uncertainty import Errors
from specs.variants import Case, VariantSpec

__all__ = ["UNNAMED", "CasePlan", "FigurePlan", "ModelPlan", "Plan", "ProductivityPlan", "VariantPlan"]


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
    def path(self) -> str:
        """Where the spec has it: a case of a variant has the path of the variant."""
        variant = self.name.partition("[")[0]
        return f"models.{self.name}" if variant == self.name else f"variants.{variant}"

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
class CasePlan:
    """One case of a variant, bound.

    Attributes
    ----------
    name : str
        ``grid[3]``: that of its variant and its number among the cases, from 1.
    case : Case
        What is set.
    model : ModelPlan
    world : int
        Which of `Plan.worlds` it is estimated in; -1 for the plan's own panel and productivity.
    main : bool
        Whether it is the model itself.
    """

    name: str
    case: Case
    model: ModelPlan
    world: int
    main: bool


@dataclass(frozen=True, slots=True)
class VariantPlan:
    """A variant, bound.

    Attributes
    ----------
    name : str
    spec : VariantSpec
    cases : tuple of CasePlan
    drawn_from : int
        How many cases there were before `at_most` drew some.
    """

    name: str
    spec: VariantSpec
    cases: tuple[CasePlan, ...]
    drawn_from: int


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
    files : tuple of SpecFile
        The spec and what it extends.
    variants : tuple of VariantPlan
    worlds : tuple of Plan
        The panels and productivity entries that cases have for themselves: plans with these and the cases' models.
    """

    path: Path
    spec: SpecModel
    seed: int
    early_variables: Mapping[str, Expression]
    late_variables: Mapping[str, Expression]
    productivity: tuple[ProductivityPlan, ...]
    models: tuple[ModelPlan, ...]
    figures: tuple[FigurePlan, ...]
    files: tuple[SpecFile, ...] = ()
    variants: tuple[VariantPlan, ...] = ()
    worlds: tuple[Plan, ...] = ()

    @property
    def file_name(self) -> str:
        """What the spec's file is called; of one that has none, what it would be."""
        return UNWRITTEN if self.path.name == UNNAMED else self.path.name

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
        panel = self.panel.panel
        bridge = panel.link.bridge if panel.link is not None else None
        sources = ((("accounts",), panel.accounts), (("survey",), panel.survey), (("link", "bridge"), bridge))
        return tuple(
            (one.layout, self.panel.node("panel", *steps, "layout").position.folder / one.layout)
            for steps, one in sources
            if one is not None and one.layout not in LAYOUTS
        )

    @property
    def productivity_names(self) -> tuple[str, ...]:
        """The columns that estimation adds."""
        return tuple(self.spec.productivity)


UNNAMED = "<spec>"
"""What messages call a spec that has no file."""

UNWRITTEN = "spec.yaml"


def _errors(errors: Errors | None) -> dict[str, Any]:
    return {} if errors is None else {"errors": errors.written}


def _dump(options: OptionsModel) -> dict[str, Any]:
    written: dict[str, Any] = options.model_dump(mode="json", exclude_none=True)
    if not written.get("markov"):
        # It dates the columns of markov, and is refused where there are none.
        written.pop("markov_timing", None)
    return written
