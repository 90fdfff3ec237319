"""The files that a new spec is made for: its panel section, the columns it can name, and what each seems to be."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from panels.glance import Glance, GlancedColumn, glance
from specs.errors import Position, SpecError, TfplabError, did_you_mean
from specs.files import FileEntry, FileSet
from specs.model import MAX_NAME
from specs.tokens import is_name
from tfplab.scaffold.page import Page, written
from tfplab.scaffold.roles import is_log_by_name, named_for

__all__ = ["Data", "Files", "Usable", "data_of", "with_demo_files"]

MOST_LEVELS = 60
"""A text with more levels makes no groups of firms."""

FIRMS_A_LEVEL = 10


@dataclass(frozen=True, slots=True)
class Files:
    """What the user named.

    Attributes
    ----------
    table, accounts, survey, deflators : tuple of str
        Paths and globs; of a survey ``2021=data/ict_2021.csv`` or a path.
    layout, survey_layout : str
    chosen : mapping of str to str
        By role, the column that the user named.
    """

    table: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    survey: tuple[str, ...] = ()
    deflators: tuple[str, ...] = ()
    layout: str = "nbb"
    survey_layout: str = "eurostat_ict"
    chosen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usable:
    """A column that a spec can name.

    Attributes
    ----------
    name : str
    kind : str
        ``number``, ``text`` or ``answer``.
    logs : bool
        A number that is a log already.
    binary : bool
        A number that is 0 or 1.
    grouping : bool
        A text with few levels, each of several firms.
    yearly : bool
        Its values are years, or years and 0.
    reverses : bool
        Some firm is 1 and later 0.
    asked : tuple of int
        Years in which a number of 0 and 1 is filled, ascending.
    """

    name: str
    kind: str
    logs: bool = False
    binary: bool = False
    grouping: bool = False
    yearly: bool = False
    reverses: bool = False
    asked: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Data:
    """Files, seen.

    Attributes
    ----------
    table : bool
        A ready-made panel; else accounts.
    columns : mapping of str to Usable
        Without the keys.
    roles : mapping of str to str
        The column that is taken for each role.
    others : mapping of str to tuple of str
        Further columns that could be.
    years, waves : tuple of int
        Those that have rows, ascending; of a survey the waves.
    unusable : tuple of str
        Columns that no expression can name.
    missing : tuple of str
        Files that are not there (yet).
    added : bool
        Whether turnover less materials is above zero, as value added is.
    """

    table: bool
    files: Files
    columns: Mapping[str, Usable]
    roles: Mapping[str, str]
    others: Mapping[str, tuple[str, ...]]
    years: tuple[int, ...]
    waves: tuple[int, ...] = ()
    unusable: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: bool = False

    @property
    def survey(self) -> bool:
        """Whether there is a survey beside the accounts."""
        return bool(self.files.survey)

    def role(self, role: str) -> Usable | None:
        """Return the column that plays a role; None where none does."""
        return self.columns.get(self.roles.get(role, ""))

    def write_panel(self, page: Page) -> None:
        """Write the panel section."""
        page.key("panel:", "where the data come from; paths are relative to this file")
        (_write_table if self.table else _write_accounts)(page, self)


def data_of(files: Files, name: str) -> Data:
    """Look at the files.

    Parameters
    ----------
    files : Files
    name : str
        Of the spec that is to be written, beside which the files are looked for.

    Raises
    ------
    TfplabError
        Where a file cannot be read or a named column is not there.
    """
    if files.table and (files.accounts or files.survey or files.deflators):
        raise TfplabError("--table goes alone: a ready-made panel has its survey and its prices in it already")
    if files.deflators and not files.accounts:
        raise TfplabError("--deflators needs --accounts: prices turn amounts of accounts into volumes")
    if files.survey and not files.accounts:
        raise TfplabError("--survey needs --accounts: the accounts are the panel to which a survey is linked")
    try:
        return _of_table(files, name) if files.table else _of_accounts(files, name)
    except SpecError as error:
        told = [", ".join(part for part in (one.what, one.meaning, one.advice) if part) for one in error.problems]
        raise TfplabError("; ".join(told)) from None


def _of_table(files: Files, name: str) -> Data:
    place = Position(name, 1, 1)
    entries = tuple(FileEntry(path, path=("0",), position=place) for path in files.table)
    seen, _ = glance(FileSet(entries, list(files.table)), place)
    if not seen.rows:
        raise TfplabError(f"{files.table[0]} has no rows")
    firm, year = _keys(seen, files)
    firms = seen.firms(firm)
    columns, unusable = {}, []
    for one in seen.columns.values():
        if one.name in (firm, year):
            continue
        if not is_name(one.name) or len(one.name) > MAX_NAME:
            unusable.append(one.name)
            continue
        number = one.kind == "number"
        from_zero = number and one.whole and one.low == 0 and 1800 <= one.high <= 2199 and one.levels <= 100
        columns[one.name] = Usable(
            one.name, one.kind,
            logs=number and _in_logs(one),
            binary=one.binary,
            grouping=not number and 2 <= one.levels <= MOST_LEVELS and one.levels * FIRMS_A_LEVEL <= firms,
            yearly=(one.yearly or from_zero) and seen.constant(firm, one.name),
            reverses=one.binary and seen.reverses(firm, year, one.name),
            asked=seen.years(year, one.name) if one.binary else (),
        )  # fmt: skip
    roles, others = _roles(columns, files.chosen, empty={c.name for c in seen.columns.values() if c.levels < 2})
    sold, bought = roles.get("turnover"), roles.get("materials")
    added = sold is not None and bought is not None and seen.mostly_above(sold, bought)
    years = seen.years(year, year)
    return Data(
        True, files, columns, {**roles, "firm": firm, "year": year}, others, years, (), tuple(unusable), (), added
    )


def _in_logs(one: GlancedColumn) -> bool:
    """Return whether a number is a log, by its values, or by its name where its values do not speak against it."""
    return one.filled > 0 and not one.binary and (one.logs or (is_log_by_name(one.name) and one.high <= 30))


def _keys(seen: Glance, files: Files) -> tuple[str, str]:
    """Return the columns of firm and year: as told, else by name and by what they hold."""
    found: dict[str, list[str]] = {}
    for role in ("firm", "year"):
        told = files.chosen.get(role)
        if told is not None:
            _known(told, seen.columns, role)
            found[role] = [told]
            continue
        # A column that is called as a key of the panel can be nothing else.
        found[role] = [role] if role in seen.columns else list(named_for(role, seen.columns))
        found[role] += [one for one in seen.columns if one not in found[role]] if role not in seen.columns else []
    years = [one for one in found["year"] if seen.columns[one].whole and seen.columns[one].levels > 1]
    years = [one for one in years if seen.columns[one].yearly or one in named_for("year", seen.columns)] or years[:1]
    for year in years:
        for firm in found["firm"]:
            if firm != year and _writable(firm) and _writable(year) and seen.is_key(firm, year):
                return firm, year
    names = ", ".join(list(seen.columns)[:12]) + (", ..." if len(seen.columns) > 12 else "")
    what = "no two columns tell a row's firm and year, each pair once"
    raise TfplabError(f"{files.table[0]}: {what}; name them: --firm COLUMN --year COLUMN; there are: {names}")


def _writable(name: str) -> bool:
    """Return whether a name can stand in YAML between quotes as it is."""
    return name == name.strip() and name.replace("\xa0", " ").isprintable()


def _known(name: str, columns: Iterable[str], role: str) -> None:
    known = tuple(columns)
    if name not in known:
        listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        advice = did_you_mean(name, known) or f"there are: {listed}"
        raise TfplabError(f'--{role}: no column "{name}" that a spec can name; {advice}')


_WANTS = {
    "value_added": "amount", "turnover": "amount", "labour": "amount", "capital": "amount", "materials": "amount",
    "wages": "amount", "adoption": "binary", "cohort": "yearly", "sector": "grouping", "size": "grouping",
    "region": "grouping", "age": "number", "weight": "number",
}  # fmt: skip


def _fits(column: Usable, wanted: str) -> bool:
    if wanted == "binary":
        return column.binary or column.kind == "answer"
    if wanted in ("grouping", "yearly"):
        return bool(getattr(column, wanted))
    amount = column.kind == "number" and not column.binary
    return amount and not (wanted == "amount" and column.yearly)


def _roles(
    columns: Mapping[str, Usable], chosen: Mapping[str, str], empty: Iterable[str] = ()
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Return the column of each role, and further ones that fit; no column has two roles."""
    roles: dict[str, str] = {}
    for role, name in chosen.items():
        if role not in ("firm", "year"):
            _known(name, columns, role)
            roles[role] = name
    silent = set(empty)
    others: dict[str, tuple[str, ...]] = {}
    for role, wanted in _WANTS.items():
        fitting = [name for name, one in columns.items() if _fits(one, wanted) and name not in silent]
        named = named_for(role, fitting)
        free = [name for name in named if name not in roles.values()]
        if role not in roles and free:
            roles[role] = free[0]
        rest = fitting if wanted in ("binary", "yearly", "grouping") else named
        others[role] = tuple(name for name in rest if name not in roles.values())[:8]
    if "adoption" not in roles and others["adoption"] and "cohort" not in roles:
        roles["adoption"] = others["adoption"][0]
        others["adoption"] = others["adoption"][1:]
    return roles, others


def _of_accounts(files: Files, name: str) -> Data:
    """See accounts and survey through their layouts; without files, those whose names the demo has."""
    from panels.plan import PanelPlan, plan_columns
    from panels.sources import inspect_sources
    from specs.model import parse_spec
    from specs.read import read

    draft = Page()
    draft.key("tfplab: 1")
    _draft(draft, files)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "draft.yaml"
        path.write_text(draft.text, encoding="utf-8")
        root, problems = read(path, shown=name)
    if root is None or problems:
        raise SpecError(problems)
    spec, told = parse_spec(root)
    if spec.panel is None or told:
        raise SpecError(told)
    plan = PanelPlan(spec.panel, root, {})
    columns, wrong = plan_columns(plan)
    if wrong or columns is None:
        raise SpecError(wrong)
    sets = (spec.panel.accounts, spec.panel.survey)
    missing = [one.what for source in sets if source is not None for one in source.files.expand()[1]]
    if spec.panel.deflators is not None:
        missing += [one.what for one in spec.panel.deflators.expand()[1]]
    years: tuple[int, ...] = tuple(range(2017, 2024))
    waves = spec.panel.survey.files.waves if spec.panel.survey is not None else ()
    if not missing:
        from panels.glance import years_of

        seen = inspect_sources(plan)
        if seen.problems or seen.accounts_layout is None:
            raise SpecError(seen.problems)
        columns = dict(seen.columns)
        years = years_of(seen.accounts, seen.accounts_layout)
        if seen.survey_layout is not None:
            waves = tuple(one for one in years_of(seen.survey, seen.survey_layout) if years[0] <= one <= years[-1])
    usable = {
        one.name: Usable(one.name, one.kind, grouping=one.kind == "text" and _few(one.name))
        for one in columns.values()
        if one.name not in ("firm", "year") and is_name(one.name)
    }
    roles, others = _roles(usable, files.chosen)
    for role, usual in (("size", "employees"), ("weight", "weight"), ("age", "firm_age")):
        if usual in usable and role not in files.chosen:
            roles[role] = usual
    return Data(False, files, usable, roles, others, years, tuple(waves), missing=tuple(missing))


def _few(name: str) -> bool:
    """Return whether a text of a layout has few levels; strata and finer codes have too many for a formula."""
    return name not in ("stratum", "nace3", "nace4", "interview_date", "link_status")


def _draft(page: Page, files: Files) -> None:
    page.key("panel:")
    _write_accounts(page, Data(False, files, {}, {}, {}, ()))


def _paths(paths: tuple[str, ...]) -> str:
    for path in paths:
        if not path or not _writable(path):
            raise TfplabError(f"a path that cannot stand in a spec: {path!r}")
    return written(paths[0]) if len(paths) == 1 else f"[{', '.join(written(path) for path in paths)}]"


def _write_table(page: Page, data: Data) -> None:
    page.key(f"table: {{files: {_paths(data.files.table)}}}", "one row a firm and year; a path, a glob or a list", 2)
    firm, year = data.roles["firm"], data.roles["year"]
    page.key(f"firm: {written(firm)}", "the column that tells firms apart; elsewhere in this file it is firm", 2)
    page.key(f"year: {written(year)}", "the column of years; elsewhere in this file it is year", 2)
    page.off(f"years: [{data.years[0]}, {data.years[-1]}]", "the first and the last year kept", 2)
    page.off("where: year >= " + str(data.years[0]), "rows kept, by any condition on columns and variables", 2)
    if data.unusable:
        page.say(
            "No formula or expression can name these columns; a name begins with a letter and goes on with letters, "
            "digits, _ and points, and is none of: and, or, not, in, true, false. Rename in the file what you need: "
            + ", ".join(data.unusable[:20]) + (", ..." if len(data.unusable) > 20 else ""),
            2,
        )  # fmt: skip


def _write_accounts(page: Page, data: Data) -> None:
    files = data.files
    layout = "how its columns are read: nbb, or a YAML file of your own (docs/layouts.md)"
    page.key(f"accounts: {{files: {_paths(files.accounts)}, layout: {written(files.layout)}}}", layout, 2)
    if files.survey:
        page.key("survey:", "one row a firm and wave; linked to the accounts of the same firm and year", 2)
        waves = _waves(files.survey)
        if isinstance(waves, dict):
            page.key("files:", "by the year of the wave", 4)
            for wave, path in waves.items():
                page.key(f"{wave}: {_paths((path,))}", "", 6)
        else:
            page.key(f"files: {_paths(waves)}", "with a column of waves, or write {2023: path}", 4)
        page.key(f"layout: {written(files.survey_layout)}", "eurostat_ict, or a YAML file of your own", 4)
    if files.deflators:
        why = "prices by nace and year: output, intermediates, investment; they make value_added_real and the like"
        page.key(f"deflators: {_paths(files.deflators)}", why, 2)
    if not data.columns:
        return
    page.key(f"years: [{data.years[0]}, {data.years[-1]}]", "the first and the last year kept", 2)
    if "months" in data.columns:
        why = "accounting years of 6 to 18 months are brought to twelve, others leave"
        page.key("clean: {months: [6, 18]}", why, 2)
    if "employees" in data.columns and files.survey:
        why = "in some year: a firm keeps its lags when it shrinks; where: would cut its years"
        page.key("where_ever: employees >= 10", why, 2)


def _waves(survey: tuple[str, ...]) -> dict[str, str] | tuple[str, ...]:
    """Return the path of each wave; the paths where none is told."""
    pairs = [one.partition("=") for one in survey]
    told = [(before, after) for before, sign, after in pairs if sign and before.isdecimal() and len(before) == 4]
    if not told:
        return survey
    if len(told) < len(survey):
        raise TfplabError(
            "--survey: write a year before every file, or before none: 2021=ict_2021.csv 2023=ict_2023.csv"
        )
    if len(dict(told)) < len(told):
        raise TfplabError("--survey: a wave is named twice; write its files as a glob: 2021=data/ict_2021_*.csv")
    return dict(told)


def with_demo_files(files: Files) -> Files:
    """Return the files of the demo where none is named: places to put one's own."""
    if files.table or files.accounts or files.survey or files.deflators:
        return files
    return replace(
        files, accounts=("data/accounts_*.csv",), deflators=("data/deflators.csv",),
        survey=("2021=data/ict_2021.csv", "2023=data/ict_2023.csv"),
    )  # fmt: skip
