"""A layout's concepts as columns: rubrics added up, codes translated, NACE cut to sections, months
counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import narwhals as nw

from panels.engine import Engine, Frame
from panels.expressions import Column, Stages
from panels.layout import Layout, divisions
from panels.layout_parts import Concept, Rubrics
from panels.ledger import Ledger
from panels.load import AT, FILE, Wanted, place
from panels.sources import Source, columns_lacking
from panels.windows import distinct
from specs.counting import counted
from specs.errors import Problem

__all__ = ["BELOW", "Check", "Inputs", "build_concepts", "can_be_made", "failed_checks", "noted_unknown", "sum_of"]

DAYS_A_MONTH = 30.44
BELOW = "~below "
"""How the column begins that is true where an amount lies below its bound."""
_NOT_KNOWN = "~not known "
"""How the column begins that holds, where a cell says that its code is not known, what it says."""
_SHOWN = 3
_ROOM = 2**40
"""More rows than a file has: the numbers of a file and of a row in it are one number."""


@dataclass(frozen=True, slots=True)
class Check:
    """Values that the layout does not allow: where `flag` is true, `column` holds one, and `what` says of
    which kind.
    """

    flag: str
    column: str
    header: str
    what: str
    advice: str = ""


@dataclass(slots=True)
class Inputs:
    """The columns to read from the files, each once for every way in which it is read.

    What is made of a text alone (a section of a NACE code) is made once for each text that occurs, in a table of its
    own: `lookups`, by the column of the text.
    """

    layout: Layout
    sources: Sequence[Source]
    wanted: dict[tuple[str, str], Wanted] = field(default_factory=dict)
    lookups: dict[str, Stages] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    """The columns of the file in which texts mean that a code is not known, by the columns that hold those."""

    def column(self, name: str, kind: str, codes: Mapping[str, int] | None = None) -> str:
        """Return the name in the table of a column of the file, read as `kind` (by these `codes`)."""
        key = self.layout.key_of(name)
        physical = f"~{kind} {key}"
        index = _finder(self.layout, name)
        self.wanted.setdefault((key, kind), Wanted(physical, index, kind, codes or {}))
        return physical

    def lookup(self, text: str) -> Stages:
        """Return the stages of what is made of a column of texts."""
        return self.lookups.setdefault(text, Stages({text: Column(text, "text")}))

    def looked_up(self, engine: Engine, frame: Frame, checks: list[Check]) -> Frame:
        """Return the table as it was read with what is made of its texts; checks that none of them fails are done, and
        leave the list.
        """
        read = frame
        for text, stages in self.lookups.items():
            texts = distinct(read.filter(~nw.col(text).is_null()), text)
            made = engine.kept(stages.apply(texts), "texts")
            frame = frame.join(made, on=text, how="left")
            own = [check for check in checks if check.flag in stages.columns]
            if own:
                failed = engine.collect(made.select(*(nw.col(check.flag).any() for check in own)))[0]
                for check in (one for one, some in zip(own, failed, strict=True) if not some):
                    checks.remove(check)
        return frame

    def there(self, name: str) -> bool:
        """Return whether some file has the column; in the others it is empty."""
        return any(source.index(self.layout, name) is not None for source in self.sources)


def _finder(layout: Layout, name: str) -> Callable[[Source], int | None]:
    return lambda source: source.index(layout, name)


def build_concepts(inputs: Inputs, stages: Stages, names: Mapping[str, str], skip: Mapping[str, str]) -> list[Check]:
    """Add the columns of a layout's concepts to the stages.

    Parameters
    ----------
    inputs : Inputs
        Notes what has to be read.
    stages : Stages
        Over the table as it will be read.
    names : mapping of str to str
        The name in the table of each concept.
    skip : mapping of str to str
        Concepts that the files cannot give.
    """
    checks: list[Check] = []
    for name, concept in inputs.layout.concepts.items():
        if name in skip:
            continue
        if concept.expression is not None:
            stages.define(name, concept.expression, names[name])
            continue
        kind = concept.facts_kind
        needs: tuple[str, ...] = ()
        if concept.column is not None and (concept.kind == "nace" or concept.codes):
            made = _nace if concept.kind == "nace" else _coded
            checks += made(inputs, concept, concept.column, names[name])
            stages.columns[name] = Column(names[name], kind)
            continue
        if concept.column is not None:
            expr = _column(inputs, concept, concept.column)
        elif concept.cases:
            expr, needs, found = _cases(inputs, stages, name, concept)
            checks += found
        else:
            expr = nw.coalesce(*(sum_of(inputs, one) for one in concept.sums if can_be_made(inputs, one)), nw.lit(None))
        if concept.at_least is not None:
            raw = f"~raw {name}"
            stages.add(f"{name} as filed", expr, Column(raw, kind), needs)
            low = (nw.col(raw) < concept.at_least).fill_null(False)
            stages.add(f"{BELOW}{name}", low, Column(f"{BELOW}{name}", "number"), (raw,))
            expr, needs = nw.when(~low).then(nw.col(raw)), (raw,)
        stages.add(name, expr, Column(names[name], kind), needs)
    return checks


def _lacking(inputs: Inputs, rubrics: Rubrics) -> dict[int, str]:
    """Return the files, by their numbers, that cannot give a sum, each with a column that it would need."""
    lacks = {number: columns_lacking(rubrics, source, inputs.layout) for number, source in enumerate(inputs.sources)}
    return {number: columns[0] for number, columns in lacks.items() if columns}


def can_be_made(inputs: Inputs, rubrics: Rubrics) -> bool:
    """Return whether some file has the columns of a sum."""
    return len(_lacking(inputs, rubrics)) < len(inputs.sources)


def sum_of(inputs: Inputs, rubrics: Rubrics) -> nw.Expr:
    """Return a sum of rubrics, missing where a term that is not optional is, or where all are."""
    terms = [(term, nw.col(inputs.column(term.column, "number"))) for term in rubrics.terms]
    parts = [
        (x.fill_null(0.0) if term.optional else x) * nw.lit(float(term.sign)) if term.sign < 0 or term.optional else x
        for term, x in terms
    ]
    total = reduce(lambda a, b: a + b, parts)
    if rubrics.required():
        return total
    filed = reduce(lambda a, b: a | b, [~x.is_null() for _, x in terms])
    return nw.when(filed).then(total)


def _cases(inputs: Inputs, stages: Stages, name: str, concept: Concept) -> tuple[nw.Expr, tuple[str, ...], list[Check]]:
    checks = []
    expr: nw.Expr = nw.lit(None)
    conditions = [f"~case {name} {number}" for number in range(len(concept.cases))]
    for case, condition in reversed(list(zip(concept.cases, conditions, strict=True))):
        stages.condition(name, case.when, condition)
        if can_be_made(inputs, case.of):
            expr = nw.when(nw.col(condition)).then(sum_of(inputs, case.of)).otherwise(expr)
        for column in dict.fromkeys((lacks := _lacking(inputs, case.of)).values()):
            flag = f"{condition} lacks {column}"
            of_these = nw.col(FILE).is_in([number for number, one in lacks.items() if one == column])
            stages.add(flag, nw.col(condition) & of_these, Column(flag, "number"), (condition,))
            what = f"{name} where {case.when} needs the column {column.upper()}, which the file lacks"
            checks.append(Check(flag, "firm", "", what))
    return expr, tuple(conditions), checks


def _column(inputs: Inputs, concept: Concept, header: str) -> nw.Expr:
    x = nw.col(inputs.column(header, concept.kind))
    if not concept.between:
        return x
    # A year from 1 January to 31 December has 365 days: both ends count.
    start, end = (nw.col(inputs.column(one, "day")) for one in concept.between)
    reckoned = ((end - start + 1.0) / DAYS_A_MONTH).round(0)
    return nw.coalesce(x, reckoned) if inputs.there(header) else reckoned


def _coded(inputs: Inputs, concept: Concept, header: str, physical: str) -> list[Check]:
    """Add what each code of a column stands for to the lookup of its texts."""
    raw = inputs.column(header, concept.kind)
    stages = inputs.lookup(raw)
    said = nw.col(raw).str.to_uppercase()
    expr: nw.Expr = nw.lit(None)
    known: list[str] = []
    for value, codes in concept.codes.items():
        listed = [str(code).upper() for code in codes]
        known += listed
        expr = nw.when(said.is_in(listed)).then(nw.lit(value)).otherwise(expr)
    _unknown(inputs, stages, concept, header, said)
    known += [str(code).upper() for code in concept.unknown]
    flag = f"~unknown {physical}"
    stages.add(flag, ~said.is_in(known), Column(flag, "number"))
    stages.add(physical, expr, Column(physical, concept.facts_kind))
    there = ", ".join(dict.fromkeys(str(code) for codes in concept.codes.values() for code in codes[:2]))
    return [Check(flag, raw, header, "is not a code of the layout", f"there are: {there}, ...")]


def _unknown(inputs: Inputs, stages: Stages, concept: Concept, header: str, said: nw.Expr) -> nw.Expr | None:
    """Add to a lookup which of its texts say that the code is not known; return whether one does, if any may."""
    if not concept.unknown:
        return None
    column = f"{_NOT_KNOWN}{inputs.layout.key_of(header)}"
    inputs.unknown[column] = header
    expr: nw.Expr = nw.lit(None)
    plain = [_bare(str(one)) if concept.kind == "nace" else str(one).upper() for one in concept.unknown]
    for text, one in zip(plain, concept.unknown, strict=True):
        expr = nw.when(said == text).then(nw.lit(str(one))).otherwise(expr)
    stages.add(column, expr, Column(column, "text"))
    return said.is_in(plain)


def _bare(code: str) -> str:
    return code.replace(".", "").replace(" ", "").upper()


def noted_unknown(engine: Engine, frame: Frame, table: str, count: int, inputs: Inputs, ledger: Ledger) -> Ledger:
    """Count the cells that say that a code is not known, by their columns and by what they say.

    Parameters
    ----------
    engine : Engine
    frame : Frame
        As read, with what `inputs` looked up.
    table : str
        As the ledger names it.
    count : int
        The rows of the frame.
    inputs : Inputs
    ledger : Ledger
    """
    for column, header in inputs.unknown.items():
        found = frame.filter(~nw.col(column).is_null()).group_by(column).agg(nw.len().alias("n"))
        for text, number in sorted(engine.collect(found.select(column, "n"))):
            ledger = ledger.note(table, "read", count, f"column {header}: {text} is not known, missing", int(number))
    return ledger


def _nace(inputs: Inputs, concept: Concept, header: str, physical: str) -> list[Check]:
    """Add the level of an activity that is wanted to the lookup of its codes."""
    raw = inputs.column(header, "text")
    stages, key = inputs.lookup(raw), inputs.layout.key_of(header)
    code, digits, division = (f"~{part} {key}" for part in ("nace", "digits", "division"))
    flag, nowhere = f"~bad nace {key}", f"~no division {key}"
    sections = divisions(inputs.layout.classification)
    checks: list[Check] = []
    if code not in stages.columns:
        clean = nw.col(raw).str.replace_all(".", "", literal=True).str.replace_all(" ", "", literal=True)
        clean = clean.str.to_uppercase()
        unknown = _unknown(inputs, stages, concept, header, clean)
        stages.add(code, clean if unknown is None else nw.when(~unknown).then(clean), Column(code, "text"))
        stages.add(digits, nw.col(code).str.replace_all("^[A-Z]", ""), Column(digits, "text"), (code,))
        stages.add(division, nw.col(digits).str.slice(0, 2), Column(division, "text"), (digits,))
        lengths = "|".join(f"[A-U]?[0-9]{{{n}}}" for n in sorted(concept.digits))
        stages.add(flag, ~nw.col(code).str.contains(f"^(?:[A-U]|{lengths})$"), Column(flag, "number"), (code,))
        many = " or ".join(str(n) for n in sorted(concept.digits))
        checks.append(
            Check(
                flag,
                raw,
                header,
                f"is not a NACE code of {many} digits",
                "sections are A to U; has a leading zero been lost?",
            )
        )
        # Many a register writes zeros or nines where it does not know the activity; division 99 has one class, 99.00.
        stray = ~nw.col(division).is_in(list(sections)) | nw.col(digits).str.contains("^999+$")
        fits = nw.col(code).str.contains(f"^(?:{lengths})$")
        stages.add(nowhere, fits & stray, Column(nowhere, "number"), (code, digits, division))
        checks.append(
            Check(
                nowhere,
                raw,
                header,
                "is in no division of NACE Rev. 2",
                "if the activity is not known empty the cells, or list the code under unknown: in a layout of your "
                "own; 34, 40 and 67 were divisions of Rev. 1.1",
            )
        )
        checks.append(_contradiction(stages, inputs.layout, raw, header, (code, division)))
    if concept.level != "section":
        length = nw.col(digits).str.len_chars()
        expr: nw.Expr = nw.when(length >= concept.level).then(nw.col(digits).str.slice(0, concept.level))
    else:
        expr = nw.when(nw.col(code).str.contains("^[A-U]$")).then(nw.col(code))
        for section in dict.fromkeys(sections.values()):
            listed = [two for two, of in sections.items() if of == section]
            expr = nw.when(nw.col(division).is_in(listed)).then(nw.lit(section)).otherwise(expr)
    stages.add(physical, expr, Column(physical, "text"), (code, digits, division))
    return checks


def _contradiction(stages: Stages, layout: Layout, raw: str, header: str, parts: tuple[str, str]) -> Check:
    """Add whether the letter before a code is that of another section than its division's: A6201, where 62 is of J."""
    code, division = parts
    flag = f"~other section {layout.key_of(header)}"
    own: nw.Expr = nw.lit("")
    sections = divisions(layout.classification)
    for section in dict.fromkeys(sections.values()):
        listed = [two for two, of in sections.items() if of == section]
        own = nw.when(nw.col(division).is_in(listed)).then(nw.lit(section)).otherwise(own)
    lettered = nw.col(code).str.contains("^[A-U][0-9]")
    stages.add(flag, lettered & (own != "") & (nw.col(code).str.slice(0, 1) != own), Column(flag, "number"), parts)
    return Check(flag, raw, header, "has the letter of one section and the division of another",
                 "correct the code; without a letter the division says the section")  # fmt: skip


def failed_checks(
    engine: Engine, frame: Frame, spots: Frame, checks: Sequence[Check], sources: Sequence[Source]
) -> list[Problem]:
    """Name the first values that the layout does not allow, with their lines.

    Parameters
    ----------
    engine : Engine
    frame : Frame
        The rows that are kept, with the flags of the checks.
    spots : Frame
        The same rows, with the columns of the checks and where they stand in the files.
    checks : sequence of Check
    sources : sequence of Source
    """
    if not checks:
        return []
    flags = [nw.col(check.flag).fill_null(False).cast(nw.Int64).sum().alias(check.flag) for check in checks]
    counts = engine.collect(frame.select(*flags))[0]
    problems = []
    for check, count in zip(checks, counts, strict=True):
        if not count:
            continue
        wrong = spots.filter(nw.col(check.flag)).select(FILE, AT, check.column)
        found, left = (_each_value if check.header else _each_row)(engine, wrong, check.column)
        for number, (file, at, value, times) in enumerate(found):
            source = sources[file]
            more = [counted(times - 1, "more such row")] if times > 1 else []
            if left and number == len(found) - 1:
                more.append(counted(left, "other such value" if check.header else "more such row"))
            column = f', column {check.header}: "{value}" ' if check.header else ": "
            what = f", {place(source, at)}{column}{check.what}"
            problems.append(source.file.problem(what, ", ".join(more), check.advice))
    return problems


_Found = list[tuple[int, int, str, int]]
"""File, row, value, and in how many rows it stands."""


def _each_row(engine: Engine, wrong: Frame, column: str) -> tuple[_Found, int]:
    """Return the first rows, and how many there are besides."""
    wrong = distinct(wrong, FILE, AT, column)
    first = engine.collect(wrong.sort(FILE, AT).head(_SHOWN))
    return [(int(file), int(at), value, 1) for file, at, value in first], _length(engine, wrong) - len(first)


def _each_value(engine: Engine, wrong: Frame, column: str) -> tuple[_Found, int]:
    """Return the first values with their first rows, and how many others there are: a code that stands in thousands
    of rows hides no other.
    """
    spot = (nw.col(FILE).cast(nw.Int64) * _ROOM + nw.col(AT)).alias("~spot")
    # A row spread over several years still stands in its file once.
    values = (
        distinct(wrong.select(spot, column), "~spot", column)
        .group_by(column)
        .agg(nw.col("~spot").min(), nw.len().alias("~times"))
    )
    first = engine.collect(values.select("~spot", column, "~times").sort("~spot").head(_SHOWN))
    found = [(*divmod(int(spot), _ROOM), value, int(times)) for spot, value, times in first]
    return found, _length(engine, values) - len(found)


def _length(engine: Engine, frame: Frame) -> int:
    return int(engine.collect(frame.select(nw.len().alias("n")))[0][0])
