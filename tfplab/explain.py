"""``tfplab explain``: the plan in words and equations, as a method section would have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import indent, wrap

from estimation.designs.methods import NONLINEAR
from estimation.registry import DESIGNS, PRODUCTIVITY
from specs.expressions import Expression
from specs.fields import in_english
from specs.uncertainty import Errors
from tfplab.bootstraps import drawn_again
from tfplab.explain_panel import panel_steps
from tfplab.plan import ModelPlan, Plan, ProductivityPlan

__all__ = ["explain"]

WIDTH = 110


def explain(plan: Plan, power: Mapping[str, str] | None = None) -> str:
    """Return the plan as text.

    Parameters
    ----------
    plan : Plan
    power : mapping of str to str, optional
        By model, what it can find: with ``--data``.

    Returns
    -------
    str
        Title, panel, variables, productivity, models, tables and figures, in the order in which they are made.
    """
    spec = plan.spec
    parts = [in_english(spec.title) or plan.file_name]
    if spec.source:
        parts.append(f"Source: {in_english(spec.source)}")
    parts.append(_section("Panel", _panel(plan)))
    if plan.early_variables:
        parts.append(_section("Variables", _variables(plan.early_variables)))
    if plan.productivity:
        parts.append(_section("Productivity", _blank_between(_productivity(one) for one in plan.productivity)))
    if plan.late_variables:
        parts.append(_section("Variables made of productivity", _variables(plan.late_variables)))
    if plan.models:
        parts.append(
            _section("Models", _blank_between(_model(one, plan, (power or {}).get(one.name)) for one in plan.models))
        )
    parts.append(_section("Tables and figures", _outputs(plan)))
    return "\n\n".join(parts)


def _section(title: str, lines: Iterable[str]) -> str:
    return f"{title}\n{'-' * len(title)}\n" + "\n".join(lines)


def _blank_between(blocks: Iterable[list[str]]) -> list[str]:
    lines: list[str] = []
    for block in blocks:
        lines += ["", *block] if lines else block
    return lines


def _said(text: str, start: str = "") -> list[str]:
    return wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start)) or [start]


def _panel(plan: Plan) -> list[str]:
    steps = enumerate(panel_steps(plan), 1)
    return [line for number, step in steps for line in _said(step, f"{number}. ")]


def _variables(variables: Mapping[str, Expression]) -> list[str]:
    width = max(map(len, variables))
    return [line for name, one in variables.items() for line in _said(one.text, f"{name:<{width}} = ")]


def _productivity(step: ProductivityPlan) -> list[str]:
    lines = [f"{step.name}: {step.method}"]
    lines += [indent(PRODUCTIVITY[step.method].equations(step.options), "    ")]
    written = step.options.model_dump(mode="json", exclude_none=True)
    unused = () if written.get("markov") else ("markov_timing",)
    written = {key: value for key, value in written.items() if value not in ([], {})}
    lines += _settings(written, leave_out=("where", *unused))
    where = step.options.where
    lines += _said(where.text if where is not None else "all rows of the panel", "  where: ")
    if step.errors is not None and step.errors.bootstrap is not None:
        lines += _said(_drawn(step.errors, ("the entry",)), "  errors: ")
    return lines + [line for note in step.notes for line in _said(note, "  note: ")]


def _drawn(errors: Errors, again: tuple[str, ...]) -> str:
    """Return what a bootstrap does, in words."""
    asked = errors.bootstrap
    assert asked is not None
    strata = f" within {asked.strata}" if asked.strata else ""
    redone = f"; {', '.join(again)} estimated again in each" if again else ""
    return (
        f"bootstrap: {asked.draws} draws with replacement of {' and '.join(errors.ways)}{strata}{redone}; "
        f"intervals and p-values: {asked.interval}"
    )


def _model(model: ModelPlan, plan: Plan, power: str | None) -> list[str]:
    options = model.options
    lines = [f"{model.name}: {model.design}" + (f", {in_english(options.title)}" if options.title else "")]
    lines += [indent(DESIGNS[model.design].equations(options), "    ")]
    lines += _settings(
        options.model_dump(mode="json", exclude_none=True),
        leave_out=(
            "design",
            "formula",
            "where",
            "title",
            *(("errors",) if options.errors.bootstrap is not None else ()),
            *(("power",) if power is not None else ()),
        ),
    )
    where = options.where
    everyone = "all respondents of the survey" if DESIGNS[model.design].respondents else "all rows of the panel"
    lines += _said(where.text if where is not None else everyone, "  where: ")
    if options.errors.bootstrap is not None:
        behind = () if options.tfp_uncertainty == "ignore" else drawn_again(plan, model)
        lines += _said(_drawn(options.errors, (*behind, "the model")), "  errors: ")
    if model.outcome in plan.productivity_names and options.tfp_uncertainty is None:
        default = {"classical": "ignore, to match published tables", "wild_bootstrap": "ignore"}.get(
            options.errors.kind, "include"
        )
        if getattr(options, "method", "") in NONLINEAR and options.errors.bootstrap is None:
            default = "ignore, in closed form"
        if not DESIGNS[model.design].linear and options.errors.bootstrap is None:
            default = "ignore, as a bootstrap alone can carry it"
        lines += _said(f"{default} (default: {model.outcome} is estimated by this spec)", "  tfp_uncertainty: ")
    if power is not None:
        lines += _said(power, "  power: ")
    return lines + [line for note in (*model.caveats, *model.notes) for line in _said(note, "  note: ")]


def _settings(written: Mapping[str, object], leave_out: tuple[str, ...]) -> list[str]:
    pairs = [f"{key}: {_flat(value)}" for key, value in written.items() if key not in leave_out]
    return _said("; ".join(pairs), "  ")


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flat(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flat, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _outputs(plan: Plan) -> list[str]:
    spec = plan.spec
    lines = []
    for name, table in spec.tables.items():
        if table.kind == "diagnostics":
            what, end = f"diagnostics of {', '.join(table.models or spec.productivity)}", ""
        else:
            what, end = ", ".join(table.models or spec.models), f"; p-values {table.p_values}"
        lines += _said(f"table {name}: {what}; {', '.join(table.formats)}; {', '.join(table.locale)}{end}")
    for figure in plan.figures:
        by = f" by {figure.by}" if figure.by else ""
        where = f", rows where {figure.where.text}" if figure.where is not None else ""
        lines += _said(f"figure {figure.name}: {figure.kind} of {', '.join(figure.of)}{by}{where}")
    rule = spec.disclosure
    done = {
        "report": "listed in the report",
        "suppress": "suppressed everywhere",
        "fail": "a reason to write nothing",
    }
    lines += _said(f"disclosure: numbers that rest on fewer than {rule.minimum_firms} firms are {done[rule.on_breach]}")
    return lines
