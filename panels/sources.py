"""The second gate of a panel: every file opened, its first line read. Loads no engine for CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from panels.facts import ColumnFacts
from panels.layout import Layout, load_layout
from panels.layout_parts import Concept, Item, Rubrics, column_key
from panels.link_columns import bridge_columns, covariate_problems, link_columns
from panels.plan import (
    DEFLATED,
    KEYS,
    PanelPlan,
    capital_column,
    layouts_of,
    real_columns,
    table_keys,
)
from panels.readers.files import DataFile, Header
from panels.readers.found import data_files
from panels.readers.registry import inspect
from specs.errors import Problem, did_you_mean
from specs.files import FileSet

__all__ = ["Inspection", "Source", "columns_lacking", "inspect_sources"]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that could be looked into."""

    file: DataFile
    header: Header

    def index(self, layout: Layout | None, name: str) -> int | None:
        """Return the number of the column that the layout calls `name`, None where the file has none."""
        key_of = layout.key_of if layout else column_key
        wanted = key_of(name)
        return next((i for i, header in enumerate(self.header.names) if header and key_of(header) == wanted), None)


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
    accounts, survey, deflators, table, bridge : tuple of Source
    accounts_layout, survey_layout, bridge_layout : Layout or None
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
    bridge: tuple[Source, ...] = ()
    bridge_layout: Layout | None = None


def inspect_sources(plan: PanelPlan) -> Inspection:
    """The second gate: open every file, read its first line, and see what can be made of its columns.

    Returns
    -------
    Inspection
        To hand on to `panels.assemble.assemble` if it has no problems.
    """
    panel = plan.panel
    accounts_layout, survey_layout, bridge_layout, problems = layouts_of(plan, load_layout)
    if panel.table is not None:
        return _inspect_table(plan, problems)
    absent: dict[str, str] = {}
    columns: dict[str, ColumnFacts] = dict(KEYS)
    accounts, found = _open(plan, panel.accounts.files if panel.accounts else None, "panel.accounts.files")
    problems += found
    deflated: tuple[str, ...] = ()
    if accounts_layout is not None:
        problems += _keys_missing(accounts, accounts_layout, ("firm", "year"))
        problems += _same_columns(accounts, accounts_layout)
        named = tuple(source for source in accounts if _names_columns(source, accounts_layout))
        absent |= _absent_concepts(named, accounts_layout)
        columns |= {name: facts for name, facts in accounts_layout.columns().items() if name not in absent}
        problems += _needed_absent(plan, absent) + _undated(plan, named, accounts_layout)
        # Which amounts accounts have that name none of the layout's columns is not known.
        deflated = tuple(name for name in DEFLATED if name in columns and named)
    spec = panel.link.bridge if panel.link is not None else None
    bridge, found = _open(plan, spec.files if spec else None, "panel.link.bridge.files")
    problems += found
    if bridge_layout is not None:
        problems += _keys_missing(bridge, bridge_layout, tuple(bridge_layout.keys))
        problems += _same_columns(bridge, bridge_layout)
        columns |= bridge_columns(panel)
    deflators, found = _open(plan, panel.deflators, "panel.deflators")
    problems += found
    if panel.deflators is not None:
        wanted = ["nace", "year", *(DEFLATED[name] for name in deflated)]
        for source in deflators:
            problems += [_lacks(source, name) for name in dict.fromkeys(wanted) if source.index(None, name) is None]
        columns |= real_columns(columns)
    if accounts_layout is not None:
        columns |= capital_column(panel.clean, columns)
        absent |= {f"{name}_real": absent[name] for name in DEFLATED if name in absent}
    survey, found = _open(plan, panel.survey.files if panel.survey else None, "panel.survey.files")
    problems += found
    if survey_layout is not None:
        problems += _keys_missing(survey, survey_layout, ("firm",))
        problems += _same_columns(survey, survey_layout)
        problems += [problem for source in survey for problem in _wave_problems(source, survey_layout)]
        # What a file that could not be read would have had of its wave is not known.
        named = survey if not found and all(_names_columns(source, survey_layout) for source in survey) else ()
        lost = _absent_concepts(named, survey_layout) | _absent_items(named, survey_layout)
        absent |= lost
        kept = {name: facts for name, facts in survey_layout.columns().items() if name not in lost}
        problems += covariate_problems(panel, plan.node, kept, lost)
        columns |= {**kept, **link_columns(panel)}
    return Inspection(columns, absent, tuple(problems), accounts, survey, deflators, (),
                      accounts_layout, survey_layout, bridge, bridge_layout)  # fmt: skip


def _open(plan: PanelPlan, files: FileSet | None, path: str) -> tuple[tuple[Source, ...], list[Problem]]:
    if files is None:
        return (), []
    found, missing = data_files(files, path, plan.node("panel").position)
    problems = list(missing)
    sources = []
    for file in found:
        header, wrong = inspect(file)
        problems += wrong
        if header is not None:
            sources.append(Source(file, header))
    return tuple(sources), problems


def _lacks(source: Source, name: str) -> Problem:
    known = [header for header in source.header.names if header]
    listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return source.file.problem(f' has no column "{name}"', "", did_you_mean(name, known) or f"it has: {listed}")


def _names_columns(source: Source, layout: Layout) -> bool:
    """Return whether the first line of a file names any column of the layout: another line is no header, and to say of
    each concept what it lacks would bury that.
    """
    listed = [key.column for key in layout.keys.values()]
    listed += [item.column for item in layout.items.values() if item.column is not None]
    for concept in layout.concepts.values():
        listed += [concept.column] if concept.column is not None else []
        listed += [*(concept.between or ()), *(term.column for one in concept.sums for term in one.terms)]
    known = {layout.key_of(column) for column in listed}
    return any(layout.key_of(header) in known for header in source.header.names if header)


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
                problems.append(source.file.problem(f' has "{other}" and "{header}", which the layout takes as one'))
    return problems


def _wave_problems(source: Source, layout: Layout) -> list[Problem]:
    wave, column = source.file.wave, layout.keys["wave"].column if "wave" in layout.keys else ""
    if wave is None and (not column or source.index(layout, column) is None):
        what = f' has no column "{column}"' if column else ": the layout has no key wave"
        return [source.file.problem(what, "its wave is not known",
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


def _why_absent(concept: Concept, sources: tuple[Source, ...], layout: Layout, absent: Mapping[str, str]) -> str:
    """Say all that a concept lacks: concepts above it, and every column, file by file; empty where it can be made."""
    used = list(concept.expression.names()) if concept.expression else []
    used += [pair for case in concept.cases for pair in case.when.names()]
    reasons = [f"{name} is absent: {absent[name]}" for name, _ in used if name in absent]
    # Each file may give a concept in its own way.
    for source in sources:
        columns = _columns_lacking(concept, source, layout, all_told=bool(reasons))
        if columns:
            listed = ", ".join(dict.fromkeys(columns))
            reasons.append(f"{source.file.shown} has no column{'s' if len(set(columns)) > 1 else ''} {listed}")
    return "; ".join(dict.fromkeys(reasons))


def columns_lacking(rubrics: Rubrics, source: Source, layout: Layout) -> list[str]:
    """Return the columns for want of which a file cannot give a sum: all that it cannot do without; or every one, where
    it can do without each and the file has none.
    """
    needed = rubrics.required() or tuple(term.column for term in rubrics.terms)
    lacks = [column for column in needed if source.index(layout, column) is None]
    return lacks if rubrics.required() or len(lacks) == len(needed) else []


def _columns_lacking(concept: Concept, source: Source, layout: Layout, all_told: bool) -> list[str]:
    """Return the columns for want of which a file cannot give a concept; with `all_told` those of every sum, although
    one of them can be made.
    """

    def there(column: str) -> bool:
        return source.index(layout, column) is not None

    if concept.column is not None:
        made = there(concept.column) or (concept.between and all(there(one) for one in concept.between))
        return [] if made else [concept.column]
    found = [[column.upper() for column in columns_lacking(one, source, layout)] for one in concept.sums]
    if not all_told and not all(found):
        return []
    return [column for lacks in found for column in lacks]


def _absent_items(sources: tuple[Source, ...], layout: Layout) -> dict[str, str]:
    absent: dict[str, str] = {}
    if not sources:
        return absent
    for name, item in layout.items.items():
        if item.column is not None and all(source.index(layout, item.column) is None for source in sources):
            absent[name] = f"no file of the survey has a column {item.column}"
    for name, item in layout.items.items():
        if lacking := _never_certain(sources, layout, item):
            absent.setdefault(name, lacking)
        if item.any_of and all(part in absent for part in item.any_of):
            absent.setdefault(name, f"no file of the survey has a column of {', '.join(item.any_of)}")
    for one in layout.filters:
        for used, _ in one.asked_if.names():
            if used in absent:
                for part in one.items:
                    absent.setdefault(part, f"its filter needs {used}: {absent[used]}")
    return absent


def _never_certain(sources: tuple[Source, ...], layout: Layout, item: Item) -> str:
    """Say which column is lacking where every wave that asks parts of an item lacks one: it would be yes or nothing.

    Where only some waves do, the item has its noes in the others, and the ledger says of these what they lack.
    """
    reasons = []
    for source in sources:
        asking = [layout.items[part] for part in item.any_of]
        asking = [one for one in asking if not one.waves or source.file.wave in one.waves]
        if source.file.wave is None or not asking:
            continue
        lacks = [one.column for one in asking if one.waves and source.index(layout, one.column or "") is None]
        found = any(source.index(layout, one.column or "") is not None for one in asking)
        if not lacks and found:
            return ""
        reasons += [f"{source.file.shown} has no column {column}" for column in lacks]
    return reasons[0] if reasons else ""


def _needed_absent(plan: PanelPlan, absent: Mapping[str, str]) -> list[Problem]:
    """What the steps of the panel themselves cannot do without."""
    problems = []
    clean = plan.panel.clean
    if clean is not None and clean.months is not None and "months" in absent:
        node = plan.node("panel", "clean", "months")
        problems.append(Problem(node.position, "panel.clean.months", f"no length of the year: {absent['months']}"))
    if plan.panel.deflators is not None and "nace" in absent:
        node = plan.node("panel", "deflators")
        problems.append(Problem(node.position, "panel.deflators", f"no NACE section: {absent['nace']}"))
    return problems


def _undated(plan: PanelPlan, sources: tuple[Source, ...], layout: Layout) -> list[Problem]:
    """Years by the day on which a period closes need that day."""
    clean = plan.panel.clean
    if clean is None or clean.year == "closing" or not sources:
        return []
    dates = layout.period
    lacking = next((file for column in dates if (file := _has(sources, layout, column))), "") if dates else ""
    if dates and not lacking:
        return []
    node = plan.node("panel", "clean", "year")
    what = f"the days on which accounting years open and close are not known: {lacking or 'the layout'} has none"
    columns = f"the columns {dates[0]} and {dates[1]}" if dates else "months: {between: [...]} in the layout"
    return [Problem(node.position, "panel.clean.year", what, "", f"add {columns}, or leave year: out")]


def _inspect_table(plan: PanelPlan, problems: list[Problem]) -> Inspection:
    panel = plan.panel
    assert panel.table is not None
    sources, found = _open(plan, panel.table.files, "panel.table.files")
    problems = problems + found + table_keys(plan)
    columns: dict[str, ColumnFacts] = dict(KEYS)
    keys = {panel.firm: "firm", panel.year: "year"}
    first = sources[0] if sources else None
    for source in sources:
        for key, written in (("firm", panel.firm), ("year", panel.year)):
            if written is not None and written not in source.header.names:
                known = [name for name in source.header.names if name]
                advice = did_you_mean(written, known) or f"there are: {', '.join(known[:12])}"
                place = plan.node("panel", key).position
                problems.append(
                    Problem(place, f"panel.{key}", f'{source.file.shown} has no column "{written}"', "", advice)
                )
            if written != key and key in source.header.names:
                what = f' has a column "{key}", which is the name of the panel\'s key'
                problems.append(source.file.problem(what, "", f"rename it, or write {key}: {key}"))
        if first is not None and (missing := [n for n in first.header.names if n and n not in source.header.names]):
            what, meaning = f' has no column "{missing[0]}"', f"{first.file.shown} has it"
            problems.append(source.file.problem(what, meaning, "give all files of a panel the same columns"))
    if all(panel.firm not in source.header.names and panel.year not in source.header.names for source in sources):
        # No file could be read, or none begins with names: a message for each name of the spec would bury that.
        return Inspection({}, {}, tuple(problems), table=sources)
    for name in first.header.names if first else ():
        if name and name not in keys:
            kinds = {one.header.kinds[one.header.names.index(name)] for one in sources if name in one.header.names}
            # Files that disagree are read like CSV: the values tell.
            kind = {"number": "number", "date": "text"}.get(kinds.pop(), "unknown") if len(kinds) == 1 else "unknown"
            columns[name] = ColumnFacts(name, kind, "", "column of the file")
    for alias, key in keys.items():
        if alias is not None:
            columns[alias] = KEYS[key]
    return Inspection(columns, {}, tuple(problems), table=sources)
