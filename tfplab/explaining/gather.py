"""From a plan to its account: title, panel, variables, productivity, models, outputs, what is left out, advice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from estimation.designs.methods import NONLINEAR
from estimation.registry import DESIGNS, PRODUCTIVITY
from specs.fields import in_english
from specs.tree import Node, find
from specs.uncertainty import Errors
from tfplab.advice.codes import CODES
from tfplab.advice.given import Advice
from tfplab.advice.heard import advice_of_plan
from tfplab.bootstraps import drawn_again
from tfplab.explaining.account import Account, Block, Equations, Listed, Part, Section, Setting, Settings, Told
from tfplab.explaining.cost import Size, costs, guessed
from tfplab.explaining.identification import assumed, clustered, of_design, of_method
from tfplab.explaining.left_out import left_out
from tfplab.explaining.origins import DEFAULT, origin_of, settings_of
from tfplab.explaining.panel import panel_steps
from tfplab.plan import ModelPlan, Plan, ProductivityPlan

__all__ = ["Seen", "account_of"]

SUBSCRIPTS = (
    "In equations i is a firm and t a year: what carries both, or (t), is the value in their row. C is a row of "
    "columns, b and lambda are coefficients. Behind the name of a text stand the indicators of all its levels but one."
)

FIRST = 6
"""Entries that are named where the same is said of many."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What ``--data`` adds: what the panel says, and nothing of what the models find.

    Attributes
    ----------
    size : Size
    power : mapping of str to str
        By model, what it can find.
    samples : mapping of str to str
        By productivity entry and model, its rows and firms in a sentence.
    advice : sequence of Advice
        What only the data tell.
    """

    size: Size
    power: Mapping[str, str] = field(default_factory=dict)
    samples: Mapping[str, str] = field(default_factory=dict)
    advice: Sequence[Advice] = ()


def account_of(plan: Plan, seen: Seen | None = None) -> Account:
    """Return the plan in words.

    Parameters
    ----------
    plan : Plan
    seen : Seen, optional
        With ``--data``.

    Returns
    -------
    Account
        In the order in which things are made; advice last.
    """
    spec = plan.spec
    sections = [Section("Panel", "", [_panel(plan)])]
    if plan.early_variables:
        sections.append(_variables("Variables", plan, plan.early_variables))
    lead = SUBSCRIPTS
    if plan.productivity:
        blocks = [_productivity(one, plan, seen) for one in plan.productivity]
        sections.append(Section("Productivity", lead, blocks))
        lead = ""
    if plan.late_variables:
        sections.append(_variables("Variables made of productivity", plan, plan.late_variables))
    if plan.models:
        sections.append(Section("Models", lead, [_model(one, plan, seen) for one in plan.models]))
    sections += [Section("Tables and figures", "", list(_outputs(plan))), left_out(plan)]
    sections.append(costs(plan, seen.size if seen is not None else guessed(plan)))
    sections.append(_advice(plan, [*advice_of_plan(plan), *(seen.advice if seen is not None else ())]))
    title = in_english(spec.title) or plan.file_name
    return Account(title, in_english(spec.source) if spec.source else "", plan.file_name, tuple(sections))


def _settings(plan: Plan, written: Mapping[str, Any], node: Node | None, leave_out: Sequence[str] = ()) -> list[Part]:
    rows = settings_of(written, node, plan, leave_out)
    return [Settings(rows)] if rows else []


def _panel(plan: Plan) -> Block:
    panel = plan.panel.panel
    node = find(plan.spec.root, ("panel",))
    head = {"seed": plan.seed}
    own = plan.seed == plan.spec.seed
    parts: list[Part] = [Listed(tuple(panel_steps(plan)))]
    rows = (
        *settings_of(head, plan.spec.root if own else None, plan),
        *settings_of(panel.model_dump(mode="json", exclude_none=True), node, plan),
    )
    return Block("", (*parts, Settings(rows)))


def _variables(title: str, plan: Plan, variables: Mapping[str, Any]) -> Section:
    section = find(plan.spec.root, ("variables",))
    rows = []
    for name, one in variables.items():
        node = find(section, (name,)) if section is not None else None
        rows.append(Setting(name, one.text, DEFAULT if node is None else origin_of(node.position, plan)))
    return Section(title, "", [Block("", (Settings(tuple(rows)),))])


def _where(plan: Plan, options: Any, node: Node, everyone: str) -> Told:
    """Say which rows an entry begins with, and where that stands."""
    if options.where is None:
        return Told("where", everyone)
    stands = find(node, ("where",))
    return Told("where", options.where.text, origin_of(stands.position, plan) if stands is not None else "")


def _productivity(step: ProductivityPlan, plan: Plan, seen: Seen | None) -> Block:
    entry, options = PRODUCTIVITY[step.method], step.options
    columns = (*entry.columns(options), *step.parents)
    parts: list[Part] = [
        Equations("", tuple(entry.equations(options).split("\n")), columns),
        Equations("Moment conditions", tuple(entry.moments(options).split("\n")), columns),
    ]
    written = options.model_dump(mode="json", exclude_none=True)
    unused = () if written.get("markov") else ("markov_timing",)
    written = {"method": step.method, **{key: value for key, value in written.items() if value not in ([], {})}}
    parts += _settings(plan, written, step.node, ("where", *unused))
    parts.append(_where(plan, options, step.node, "all rows of the panel"))
    if apart := getattr(options, "separately_by", ()):
        coarser = "".join(f"all of their {name}, else with " for name in apart[1:])
        parts.append(
            Told(
                "separately",
                f"a technology for each {apart[0]}; a group that is too small is estimated with {coarser}all rows, and "
                "keeps its rows",
            )
        )
    if step.errors is not None and step.errors.bootstrap is not None:
        parts.append(Told("errors", _drawn(step.errors, ("the entry",))))
    elif clustered(step.method):
        parts.append(Told("clustered", clustered(step.method)))
    parts.append(Told(assumed(step.method), of_method(step.method)))
    parts += _sample(step.name, seen)
    parts += [Told("note", note) for note in step.notes]
    return Block(f"{step.name}: {step.method}", tuple(parts))


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


def _model(model: ModelPlan, plan: Plan, seen: Seen | None) -> Block:
    options = model.options
    entry = DESIGNS[model.design]
    heading = f"{model.name}: {model.design}" + (f", {in_english(options.title)}" if options.title else "")
    columns = (*entry.columns(options), *options.errors.columns, "firm", "year")
    lines = entry.equations(options).split("\n")
    if model.outcome not in _estimated(plan):
        # The design says it of any outcome; this one is data.
        lines = [one for one in lines if not one.endswith("where the spec estimated the outcome")]
    parts: list[Part] = [Equations("", tuple(lines), columns)]
    written = options.model_dump(mode="json", exclude_none=True)
    written = {key: value for key, value in written.items() if value not in ([], {})}
    power = seen.power.get(model.name) if seen is not None else None
    parts += _settings(plan, written, model.node, ("where", "title", *(("power",) if power is not None else ())))
    everyone = "all respondents of the survey" if entry.respondents else "all rows of the panel"
    parts.append(_where(plan, options, model.node, everyone))
    if options.errors.bootstrap is not None:
        behind = () if options.tfp_uncertainty == "ignore" else drawn_again(plan, model)
        parts.append(Told("errors", _drawn(options.errors, (*behind, "the model"))))
    elif said := _clusters(options.errors, entry.respondents):
        parts.append(Told("clustered", said))
    if (default := _uncertainty(model, plan)) is not None:
        parts.append(Told("tfp_uncertainty", default))
    parts.append(Told("identified if" if _causal(model) else "says", of_design(model.design, options)))
    if power is not None:
        parts.append(Told("power", power))
    parts += _sample(model.name, seen)
    parts += [Told("note", note) for note in (*model.caveats, *model.notes)]
    return Block(heading, tuple(parts))


def _causal(model: ModelPlan) -> bool:
    return model.design == "did" or getattr(model.options, "method", "") == "iv"


def _clusters(errors: Errors, respondents: bool) -> str:
    if respondents:
        return "nothing; the errors are those of a stratified sample"
    if errors.kind == "cluster" or errors.wild is not None:
        ways = " and ".join(errors.ways)
        return f"by {ways}: rows of the same {' or '.join(errors.ways)} may have errors in common"
    why = "all errors have one variance" if errors.kind == "classical" else "errors may differ in variance"
    return f"nothing; {why}, and no two rows have errors in common"


def _estimated(plan: Plan) -> set[str]:
    return {one.name for one in plan.productivity if PRODUCTIVITY[one.method].estimates}


def _uncertainty(model: ModelPlan, plan: Plan) -> str | None:
    """Return what becomes of the first stage's uncertainty where the spec does not say."""
    options = model.options
    if model.outcome not in _estimated(plan) or options.tfp_uncertainty is not None:
        return None
    default = {"classical": "ignore, to match published tables", "wild_bootstrap": "ignore"}.get(
        options.errors.kind, "include"
    )
    if getattr(options, "method", "") in NONLINEAR and options.errors.bootstrap is None:
        default = "ignore, in closed form"
    if not DESIGNS[model.design].linear and options.errors.bootstrap is None:
        default = "ignore, as a bootstrap alone can carry it"
    return f"{default} (default: {model.outcome} is estimated by this spec)"


def _sample(name: str, seen: Seen | None) -> list[Part]:
    said = seen.samples.get(name) if seen is not None else None
    return [Told("sample", said)] if said else []


def _outputs(plan: Plan) -> Iterator[Block]:
    spec, root = plan.spec, plan.spec.root
    for name, table in spec.tables.items():
        if table.kind == "diagnostics":
            what, end = f"diagnostics of {', '.join(table.models or spec.productivity)}", ""
        else:
            what, end = ", ".join(table.models or spec.models), f"; p-values {table.p_values}"
        told = f"{what}; {', '.join(table.formats)}; {', '.join(table.locale)}{end}"
        node = find(root, ("tables", name))
        written = table.model_dump(mode="json", exclude_none=True)
        yield Block(f"table {name}", (Told("", told), *_settings(plan, written, node, ("models",))))
    for figure in plan.figures:
        by = f" by {figure.by}" if figure.by else ""
        where = f", rows where {figure.where.text}" if figure.where is not None else ""
        written = spec.figures[figure.name].model_dump(mode="json", exclude_none=True)
        node = find(root, ("figures", figure.name))
        told = f"{figure.kind} of {', '.join(figure.of)}{by}{where}"
        yield Block(f"figure {figure.name}", (Told("", told), *_settings(plan, written, node, ("where",))))
    rule = spec.disclosure
    done = {
        "report": "listed in the report",
        "suppress": "suppressed everywhere",
        "fail": "a reason to write nothing",
    }
    told = f"numbers that rest on fewer than {rule.minimum_firms} firms are {done[rule.on_breach]}"
    settings = _settings(plan, rule.model_dump(mode="json"), find(root, ("disclosure",)))
    yield Block("disclosure", (Told("", told), *settings))


def _advice(plan: Plan, given: Iterable[Advice]) -> Section:
    # What is said of several entries alike is said once, with its reason.
    alike: dict[tuple[str, ...], dict[str, list[Advice]]] = {}
    for one in given:
        said = alike.setdefault((one.code, one.why, one.advice, one.reason or ""), {})
        said.setdefault(one.what, []).append(one)
    blocks = []
    for (code, why, tried, reason), said in alike.items():
        parts = [_said_of(what, of, plan) for what, of in said.items()]
        # Answered: the answer in the place of the reason and of what to try.
        parts += [Told("silenced, because", reason)] if reason else [Told("why", why), Told("try", tried)]
        blocks.append(Block(f"{code}: {CODES[code]}", tuple(parts)))
    lead = (
        "Questions that a referee may ask, each with its reason. Answer one in the spec, and it is silent, with its "
        "answer printed: advice: {code: the reason}."
        if blocks
        else "None that the spec alone gives rise to."
    )
    return Section("Advice", lead, blocks)


def _said_of(what: str, of: Sequence[Advice], plan: Plan) -> Told:
    names = list(dict.fromkeys(one.entry for one in of))
    places = list(dict.fromkeys(origin_of(one.position, plan) for one in of if one.position is not None))
    return Told(_first(names, FIRST), what, _first(places, 2))


def _first(names: Sequence[str], most: int) -> str:
    """Return names with commas; of many the first, and how many there are beside them."""
    return ", ".join(names) if len(names) <= most + 1 else f"{', '.join(names[:most])} and {len(names) - most} others"
