"""The first two gates of a panel: what the layouts promise, and what the files hold. Loads no engine for CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from panels.facts import ColumnFacts
from panels.kinds import CONDITION, check_expression, facts_of
from panels.layout import Concept, Layout, column_key, load_layout
from panels.readers.files import DataFile, Header
from panels.readers.registry import inspect
from specs.errors import Position, Problem, did_you_mean
from specs.expressions import Expression
from specs.files import FileSet
from specs.sections import PanelSpec
from specs.tree import Node, find

__all__ = [
    "DEFLATED", "DEFLATOR_COLUMNS", "Inspection", "PanelPlan", "Source", "check_variables", "inspect_sources",
    "plan_columns",
]  # fmt: skip

DEFLATED = {
    "value_added": "output",
    "turnover": "output",
    "materials": "intermediates",
    "capital": "investment",
}
"""Which index turns an amount of the accounts into one at the prices of the base year."""

DEFLATOR_COLUMNS = ("nace", "year", "output", "intermediates", "investment")
LINKED = ColumnFacts("linked", "number", CONDITION, "1 where the firm answered the survey of that year")


@dataclass(frozen=True, slots=True)
class PanelPlan:
    """What is needed to build a panel.

    Attributes
    ----------
    panel : PanelSpec
    root : Node
        The whole spec, for positions.
    variables : mapping of str to Expression
        Those that need no productivity column, in an order in which each finds what it uses.
    """

    panel: PanelSpec
    root: Node
    variables: Mapping[str, Expression] = field(default_factory=dict)

    @property
    def base(self) -> Path:
        """The folder of the spec."""
        return Path(self.root.position.file).parent

    def node(self, *path: str) -> Node:
        """Return the node at a path, the nearest above it where it is not written."""
        node = self.root
        for step in path:
            below = find(node, (step,))
            if below is None:
                break
            node = below
        return node


@dataclass(frozen=True, slots=True)
class Source:
    """A file that could be looked into."""

    file: DataFile
    header: Header

    def index(self, layout: Layout | None, name: str) -> int | None:
        """Return the number of the column that the layout calls `name`, None where the file has none."""
        key_of = layout.key_of if layout else column_key
        wanted = key_of(name)
        return next(
            (i for i, header in enumerate(self.header.names) if header and key_of(header) == wanted), None
        )


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the second gate found.

    Attributes
    ----------
    columns : mapping of str to ColumnFacts
        Every column that the panel will have before `variables`; the kind is ``unknown`` for the columns of a
        ready-made CSV file, where only the values tell it. Aliases of keys included.
    absent : mapping of str to str
        Columns that the layout yields and these files cannot: why.
    problems : tuple of Problem
    accounts, survey, deflators, table : tuple of Source
    accounts_layout, survey_layout : Layout or None
    """

    columns: Mapping[str, ColumnFacts]
    absent: Mapping[str, str]
    problems: tuple[Problem, ...]
    accounts: tuple[Source, ...] = ()
    survey: tuple[Source, ...] = ()
    deflators: tuple[Source, ...] = ()
    table: tuple[Source, ...] = ()
    accounts_layout: Layout | None = None
    survey_layout: Layout | None = None


_KEYS = {"firm": ColumnFacts("firm", "text", "", "key"), "year": ColumnFacts("year", "number", "", "key")}


def plan_columns(plan: PanelPlan) -> tuple[dict[str, ColumnFacts] | None, tuple[Problem, ...]]:
    """The first gate: the columns that the layouts promise, without opening a data file.

    Returns
    -------
    columns : dict of str to ColumnFacts, or None
        None for a ready-made panel, whose columns are known at the second gate, and where a layout has a problem.
    problems : tuple of Problem
        Of the layouts, and of what they cannot give: months to clean by, a NACE section to deflate by.
    """
    accounts, survey, problems = _layouts(plan)
    if plan.panel.table is not None:
        return None, tuple(problems + _table_keys(plan))
    if accounts is None or (plan.panel.survey is not None and survey is None):
        return None, tuple(problems)
    columns = {**_KEYS, **accounts.columns()}
    problems += _wanted(plan, columns)
    if plan.panel.deflators is not None:
        columns |= _real(columns)
    if survey is not None:
        problems += _both(plan, columns, survey)
        columns |= {**survey.columns(), "linked": LINKED}
    return columns, tuple(problems)


def check_variables(
    plan: PanelPlan, columns: Mapping[str, ColumnFacts]
) -> tuple[dict[str, ColumnFacts], tuple[Problem, ...]]:
    """Check the expressions of the panel and its variables against columns.

    Returns
    -------
    columns : dict of str to ColumnFacts
        Those given and the variables.
    problems : tuple of Problem
        Names that there are not, texts where numbers are wanted; each at its character.
    """
    problems: list[Problem] = []
    known = dict(columns)
    trim = plan.panel.clean.trim if plan.panel.clean else None
    before = {name: facts for name, facts in columns.items() if facts.kind != "answer" and name != "linked"}
    for index, ratio in enumerate(trim.of if trim else ()):
        problems += _checked(plan, ("panel", "clean", "trim", "of", str(index)), ratio, before)
    for index, name in enumerate(trim.by if trim else ()):
        if name not in before:
            node = plan.node("panel", "clean", "trim", "by", str(index))
            problems.append(Problem(node.position, "panel.clean.trim.by", f'no column "{name}" in the panel', "",
                                    did_you_mean(name, before)))  # fmt: skip
    for name, expression in plan.variables.items():
        node = plan.node("variables", name)
        path = f"variables.{name}"
        if name in columns:
            problems.append(Problem(_key_position(plan, name), path, f'the panel has a column "{name}" already', "",
                                    "choose another name"))  # fmt: skip
        kind, complaints = check_expression(expression, known)
        problems += [
            Problem(node.at(one.offset), path, one.what, one.meaning, one.advice) for one in complaints
        ]
        known[name] = facts_of(name, expression, kind)
    for key in ("where", "where_ever"):
        condition: Expression | None = getattr(plan.panel, key)
        if condition is not None:
            problems += _checked(plan, ("panel", key), condition, known, condition=True)
    return known, tuple(problems)


def _key_position(plan: PanelPlan, name: str) -> Position:
    entry = plan.node("variables").entries.get(name)
    return entry.key_position if entry else plan.root.position


def _checked(
    plan: PanelPlan, path: tuple[str, ...], expression: Expression, columns: Mapping[str, ColumnFacts],
    condition: bool = False,
) -> list[Problem]:  # fmt: skip
    node = plan.node(*path)
    _, complaints = check_expression(expression, columns, condition)
    dotted = ".".join(step for step in path if not step.isdecimal())
    return [Problem(node.at(one.offset), dotted, one.what, one.meaning, one.advice) for one in complaints]


def _layouts(plan: PanelPlan) -> tuple[Layout | None, Layout | None, list[Problem]]:
    found: dict[str, Layout | None] = {"accounts": None, "survey": None}
    problems: list[Problem] = []
    for section in found:
        source = getattr(plan.panel, section)
        if source is None:
            continue
        node, path = plan.node("panel", section, "layout"), f"panel.{section}.layout"
        layout, wrong = load_layout(source.layout, plan.base, node.position, path)
        problems += wrong
        if layout is not None and layout.table != section:
            what = f'"{source.layout}" is a layout of {"the " if layout.table == "accounts" else "a "}{layout.table}'
            problems.append(Problem(node.position, path, what))
            layout = None
        found[section] = layout
    return found["accounts"], found["survey"], problems


def _table_keys(plan: PanelPlan) -> list[Problem]:
    problems = []
    for key in ("firm", "year"):
        if getattr(plan.panel, key) is None:
            node = plan.node("panel")
            problems.append(Problem(node.position, "panel", f'a ready-made panel lacks the key "{key}"', "",
                                    f"name the column: {key}: {key}"))  # fmt: skip
    if plan.panel.clean is not None and plan.panel.clean.months is not None:
        node = plan.node("panel", "clean", "months")
        problems.append(Problem(node.position, "panel.clean.months", "months go with accounts:",
                                "only a layout says which amounts are flows"))  # fmt: skip
    return problems


def _wanted(plan: PanelPlan, columns: Mapping[str, ColumnFacts]) -> list[Problem]:
    """What the steps of the panel ask of the accounts' layout."""
    problems = []
    clean = plan.panel.clean
    if clean is not None and clean.months is not None and "months" not in columns:
        node = plan.node("panel", "clean", "months")
        problems.append(Problem(node.position, "panel.clean.months", 'the layout has no concept "months"'))
    if plan.panel.deflators is not None:
        node = plan.node("panel", "deflators")
        if "nace" not in columns:
            problems.append(Problem(node.position, "panel.deflators", 'the layout has no concept "nace"'))
        elif not _real(columns):
            what = f"the layout has none of {', '.join(DEFLATED)}"
            problems.append(Problem(node.position, "panel.deflators", what))
    return problems


def _both(plan: PanelPlan, columns: Mapping[str, ColumnFacts], survey: Layout) -> list[Problem]:
    node = plan.node("panel", "survey", "layout")
    return [
        Problem(node.position, "panel.survey.layout", f'the layouts of accounts and survey both yield "{name}"', "",
                "rename it in a layout of your own")
        for name in survey.columns()
        if name in columns
    ]  # fmt: skip


def _real(columns: Mapping[str, ColumnFacts]) -> dict[str, ColumnFacts]:
    return {
        f"{name}_real": ColumnFacts(f"{name}_real", "number", "EUR, base year", f"{name} / {index}")
        for name, index in DEFLATED.items()
        if name in columns
    }


def inspect_sources(plan: PanelPlan) -> Inspection:
    """The second gate: open every file, read its first line, and see what can be made of its columns.

    Returns
    -------
    Inspection
        To hand on to `panels.assemble.assemble` if it has no problems.
    """
    panel = plan.panel
    accounts_layout, survey_layout, problems = _layouts(plan)
    if panel.table is not None:
        return _inspect_table(plan, problems)
    absent: dict[str, str] = {}
    columns: dict[str, ColumnFacts] = dict(_KEYS)
    accounts, found = _open(plan, panel.accounts.files if panel.accounts else None, "panel.accounts.files")
    problems += found
    if accounts_layout is not None:
        problems += _keys_missing(accounts, accounts_layout, ("firm", "year"))
        problems += _same_columns(accounts, accounts_layout)
        absent |= _absent_concepts(accounts, accounts_layout)
        columns |= {name: facts for name, facts in accounts_layout.columns().items() if name not in absent}
        problems += _needed_absent(plan, absent)
    deflators, found = _open(plan, panel.deflators, "panel.deflators")
    problems += found
    if panel.deflators is not None:
        wanted = ["nace", "year", *(DEFLATED[name] for name in DEFLATED if name in columns)]
        for source in deflators:
            problems += [
                _lacks(source, name) for name in dict.fromkeys(wanted) if source.index(None, name) is None
            ]
        columns |= _real(columns)
        absent |= {f"{name}_real": absent[name] for name in DEFLATED if name in absent}
    survey, found = _open(plan, panel.survey.files if panel.survey else None, "panel.survey.files")
    problems += found
    if survey_layout is not None:
        problems += _keys_missing(survey, survey_layout, ("firm",))
        problems += _same_columns(survey, survey_layout)
        problems += [problem for source in survey for problem in _wave_problems(source, survey_layout)]
        lost = _absent_concepts(survey, survey_layout) | _absent_items(survey, survey_layout)
        absent |= lost
        columns |= {name: facts for name, facts in survey_layout.columns().items() if name not in lost}
        columns["linked"] = LINKED
    return Inspection(
        columns, absent, tuple(problems), accounts, survey, deflators, (), accounts_layout, survey_layout
    )


def _open(plan: PanelPlan, files: FileSet | None, path: str) -> tuple[tuple[Source, ...], list[Problem]]:
    if files is None:
        return (), []
    paths, missing = files.expand(None, path)
    problems = list(missing)
    sources = []
    for one in paths:
        entry = one.entry
        place = entry.position or plan.node("panel").position
        file = DataFile(
            one.path, one.shown, place, path, entry.delimiter, entry.decimal, entry.encoding, entry.wave
        )
        header, wrong = inspect(file)
        problems += wrong
        if header is not None:
            sources.append(Source(file, header))
    return tuple(sources), problems


def _lacks(source: Source, name: str) -> Problem:
    known = [header for header in source.header.names if header]
    listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return source.file.problem(
        f' has no column "{name}"', "", did_you_mean(name, known) or f"it has: {listed}"
    )


def _keys_missing(sources: Iterable[Source], layout: Layout, keys: tuple[str, ...]) -> list[Problem]:
    return [
        _lacks(source, layout.keys[key].column)
        for source in sources
        for key in keys
        if source.index(layout, layout.keys[key].column) is None
    ]


def _same_columns(sources: Iterable[Source], layout: Layout) -> list[Problem]:
    """Two columns of one file that the layout cannot tell apart."""
    problems = []
    for source in sources:
        seen: dict[str, str] = {}
        for header in source.header.names:
            other = seen.setdefault(layout.key_of(header), header) if header else header
            if other != header:
                problems.append(
                    source.file.problem(f' has "{other}" and "{header}", which the layout takes as one')
                )
    return problems


def _wave_problems(source: Source, layout: Layout) -> list[Problem]:
    wave, column = source.file.wave, layout.keys["wave"].column
    if wave is None and source.index(layout, column) is None:
        return [source.file.problem(f' has no column "{column}"', "its wave is not known",
                                    "write files: {2023: " + source.file.shown + "}")]  # fmt: skip
    if wave is not None and layout.waves and wave not in layout.waves:
        known = ", ".join(str(one) for one in layout.waves)
        return [source.file.problem(f": the layout knows no wave {wave}", "", f"there are: {known}")]
    return []


def _has(sources: Iterable[Source], layout: Layout, column: str) -> str:
    """Return the first file that lacks a column, empty where all have it."""
    return next((source.file.shown for source in sources if source.index(layout, column) is None), "")


def _absent_concepts(sources: tuple[Source, ...], layout: Layout) -> dict[str, str]:
    absent: dict[str, str] = {}
    if sources:
        for name, concept in layout.concepts.items():
            reason = _why_absent(concept, sources, layout, absent)
            if reason:
                absent[name] = reason
    return absent


def _why_absent(
    concept: Concept, sources: tuple[Source, ...], layout: Layout, absent: Mapping[str, str]
) -> str:
    used = list(concept.expression.names()) if concept.expression else []
    used += [pair for case in concept.cases for pair in case.when.names()]
    for name, _ in used:
        if name in absent:
            return f"{name} is absent: {absent[name]}"
    if concept.column is not None:
        lacking = _has(sources, layout, concept.column)
        if lacking and concept.between and not any(_has(sources, layout, one) for one in concept.between):
            lacking = ""
        return f"{lacking} has no column {concept.column}" if lacking else ""
    reasons = []
    for rubrics in concept.sums:
        columns = rubrics.required()
        lacks = [(column, file) for column in columns if (file := _has(sources, layout, column))]
        if not columns and all(_has(sources, layout, term.column) for term in rubrics.terms):
            lacks = [(term.column, sources[0].file.shown) for term in rubrics.terms]
        if not lacks:
            return ""
        reasons.append(f"{lacks[0][1]} has no column {lacks[0][0].upper()}")
    return "; ".join(dict.fromkeys(reasons))


def _absent_items(sources: tuple[Source, ...], layout: Layout) -> dict[str, str]:
    absent: dict[str, str] = {}
    if not sources:
        return absent
    for name, item in layout.items.items():
        if item.column is not None and all(source.index(layout, item.column) is None for source in sources):
            absent[name] = f"no file of the survey has a column {item.column}"
    for name, item in layout.items.items():
        for part in item.any_of:
            column = layout.items[part].column or ""
            for source in sources:
                asked = source.file.wave in layout.items[part].waves or (
                    not layout.items[part].waves and source.file.wave is not None
                )
                if asked and source.index(layout, column) is None:
                    absent.setdefault(name, f"{source.file.shown} has no column {column}")
        if item.any_of and all(part in absent for part in item.any_of):
            absent.setdefault(name, f"no file of the survey has a column of {', '.join(item.any_of)}")
    for one in layout.filters:
        for used, _ in one.asked_if.names():
            if used in absent:
                for part in one.items:
                    absent.setdefault(part, f"its filter needs {used}: {absent[used]}")
    return absent


def _needed_absent(plan: PanelPlan, absent: Mapping[str, str]) -> list[Problem]:
    """What the steps of the panel themselves cannot do without."""
    problems = []
    clean = plan.panel.clean
    if clean is not None and clean.months is not None and "months" in absent:
        node = plan.node("panel", "clean", "months")
        problems.append(
            Problem(node.position, "panel.clean.months", f"no length of the year: {absent['months']}")
        )
    if plan.panel.deflators is not None and "nace" in absent:
        node = plan.node("panel", "deflators")
        problems.append(Problem(node.position, "panel.deflators", f"no NACE section: {absent['nace']}"))
    return problems


def _inspect_table(plan: PanelPlan, problems: list[Problem]) -> Inspection:
    panel = plan.panel
    assert panel.table is not None
    sources, found = _open(plan, panel.table.files, "panel.table.files")
    problems = problems + found + _table_keys(plan)
    columns: dict[str, ColumnFacts] = dict(_KEYS)
    keys = {panel.firm: "firm", panel.year: "year"}
    first = sources[0] if sources else None
    for source in sources:
        for key, written in (("firm", panel.firm), ("year", panel.year)):
            if written is not None and written not in source.header.names:
                known = [name for name in source.header.names if name]
                advice = did_you_mean(written, known) or f"there are: {', '.join(known[:12])}"
                place = plan.node("panel", key).position
                problems.append(
                    Problem(
                        place, f"panel.{key}", f'{source.file.shown} has no column "{written}"', "", advice
                    )
                )
            if written != key and key in source.header.names:
                problems.append(source.file.problem(f' has a column "{key}", which is the name of the panel\'s key', "",
                                                    f"rename it, or write {key}: {key}"))  # fmt: skip
        if first is not None and (
            missing := [n for n in first.header.names if n and n not in source.header.names]
        ):
            problems.append(source.file.problem(f' has no column "{missing[0]}"', f"{first.file.shown} has it",
                                                "give all files of a panel the same columns"))  # fmt: skip
    for name, kind in zip(first.header.names, first.header.kinds, strict=True) if first else ():
        if name and name not in keys:
            known_kind = {"number": "number", "date": "text"}.get(kind, "unknown")
            columns[name] = ColumnFacts(name, known_kind, "", "column of the file")
    for alias, key in keys.items():
        if alias is not None:
            columns[alias] = _KEYS[key]
    return Inspection(columns, {}, tuple(problems), table=sources)
