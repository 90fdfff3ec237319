"""The first gate: from a spec to a plan, or every problem that can be known before a file of data is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from panels.plan import plan_columns
from specs.errors import Problem, SpecError
from specs.extends import read_spec
from specs.given import GIVEN, lay_over
from specs.model import parse_spec
from tfplab.advice.codes import check_codes
from tfplab.assembling import assemble_plan, estimates_something
from tfplab.bootstraps import check_bootstraps
from tfplab.dates import check_dates
from tfplab.entries import bind_models, bind_productivity
from tfplab.families import check_families
from tfplab.groups import check_groups
from tfplab.kinship import check_parents
from tfplab.model_figures import check_figures_of_models
from tfplab.names import check_entries, check_names, check_order
from tfplab.outputs import check_outputs
from tfplab.plan import Plan
from tfplab.sources import missing_files
from tfplab.variants import bind_variants
from tfplab.windows import check_windows

__all__ = ["make_plan"]


def make_plan(
    path: Path, seed: int | None = None, given: Sequence[str] = (), *, texts: Mapping[str, str] | None = None
) -> Plan:
    """Read a spec and bind every name in it: the first gate.

    Parameters
    ----------
    path : Path
    seed : int, optional
        Instead of the spec's own.
    given : sequence of str, optional
        Values laid over it, ``path=value`` each.
    texts : mapping of str to str, optional
        See `specs.extends.read_spec`.

    Returns
    -------
    Plan

    Raises
    ------
    SpecError
        With every problem that can be known before a file of data is opened.
    """
    read = read_spec(path, texts)
    if read.root is None or not read.whole:
        raise SpecError(read.problems)
    root, problems = lay_over(read.root, given)
    problems = (*read.problems, *problems)
    spec, found = parse_spec(root)
    precedence = (*((GIVEN,) if given else ()), *(one.shown for one in read.files))
    productivity, productivity_problems = bind_productivity(spec.productivity, precedence)
    estimated = {name for name, one in productivity.items() if estimates_something(one)}
    models, model_problems = bind_models(spec.models, estimated, precedence)
    everything: list[Problem] = [
        *problems,
        *found,
        *missing_files(spec),
        *productivity_problems,
        *check_parents(productivity),
        *model_problems,
    ]
    plan = assemble_plan(path, spec, spec.seed if seed is None else seed, productivity, models, read.files)
    plan, variant_problems = bind_variants(plan, productivity, models, precedence)
    everything += variant_problems
    everything += [*check_bootstraps(plan), *check_families(plan), *check_groups(plan)]
    everything += [*check_codes(spec), *check_outputs(spec), *check_entries(plan), *check_windows(plan)]
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
