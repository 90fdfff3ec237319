"""Builds panels from a few lines of text, gate by gate."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from panels.assemble import assemble
from panels.frame import FirmPanel, NumberColumn, TextColumn
from panels.plan import PanelPlan, check_variables, plan_columns
from panels.sources import inspect_sources
from specs.errors import Problem, SpecError
from specs.model import parse_spec
from specs.read import read

__all__ = ["build", "column", "messages", "plan_of", "write"]


ONE_ROW = (
    "keep one row a firm and year, or write in panel.clean filings: latest (several filings of one accounting year) or "
    "periods: sum (two accounting years in one)"
)
"""What to try where accounts have a firm and year twice."""


def write(folder: Path, **files: str | bytes) -> None:
    """Write files; ``__`` in a name stands for the point."""
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(dedent(content), encoding="utf-8")


def plan_of(folder: Path, spec: str) -> PanelPlan:
    """Read a spec and make the plan of its panel."""
    path = folder / "spec.yaml"
    path.write_text("tfplab: 1\n" + dedent(spec), encoding="utf-8")
    root, problems = read(path)
    assert root is not None
    model, more = parse_spec(root)
    if problems or more:
        raise SpecError((*problems, *more))
    assert model.panel is not None
    return PanelPlan(model.panel, root, model.variables)


def build(folder: Path, spec: str) -> FirmPanel:
    """Pass the three gates; each raises all its problems."""
    plan = plan_of(folder, spec)
    columns, problems = plan_columns(plan)
    if columns is not None:
        problems += check_variables(plan, columns)[1]
    if problems:
        raise SpecError(problems)
    inspection = inspect_sources(plan)
    problems = inspection.problems
    # As `tfplab.runner` does: names are told with the files, unless no file of a ready-made panel could be read.
    if inspection.columns and (inspection.table or plan.panel.table is None):
        problems += check_variables(plan, inspection.columns, inspection.absent)[1]
    if problems:
        raise SpecError(problems)
    return assemble(plan, inspection)


def messages(folder: Path, spec: str) -> list[str]:
    """Return what is wrong, without the folder."""
    try:
        build(folder, spec)
    except SpecError as error:
        return [_shown(folder, problem) for problem in error.problems]
    return []


def _shown(folder: Path, problem: Problem) -> str:
    return str(problem).replace(f"{folder}/", "")


def column(panel: FirmPanel, name: str) -> list[object]:
    """Return a column as plain values, None where missing."""
    found = panel.select([name]).columns[name]
    if isinstance(found, TextColumn):
        return [found.levels[code] if code >= 0 else None for code in found.codes]
    assert isinstance(found, NumberColumn)
    return [None if value != value else float(value) for value in found.values]
