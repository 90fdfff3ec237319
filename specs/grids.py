"""``variants:`` read: a grid or a list of settings, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from specs.bind import unknown_key
from specs.errors import Position, Problem, did_you_mean
from specs.fields import as_written
from specs.tree import Entry, Node, as_list, plain, value_key
from specs.variants import REPLACE, ROOTED, Case, Choice, Dimension, VariantSpec

__all__ = ["MAX_CASES", "parse_variants"]

KEYS = ("of", "vary", "cases", "skip", "rows", "at_most", "family", "title")
MAX_COMBINATIONS = 100_000
MAX_CASES = 5_000
MAX_SKIPPED = 1_000_000
"""Combinations times settings to skip. These three bound all variants of a spec together."""
EXAMPLE = "write vary: {errors: [HC1, HC3]}"


def parse_variants(
    section: Mapping[str, Entry],
    models: Collection[str],
    productivity: Collection[str],
    variables: Collection[str],
) -> tuple[dict[str, VariantSpec], tuple[Problem, ...]]:
    """Read the section.

    Parameters
    ----------
    section : mapping of str to Entry
        Of names that have been checked.
    models, productivity, variables : collections of str
        The entries there are.

    Returns
    -------
    variants : dict of str to VariantSpec
        Those without a problem.
    problems : tuple of Problem
    """
    found: dict[str, VariantSpec] = {}
    problems: list[Problem] = []
    sizes = _Sizes()
    for name, entry in section.items():
        parser = _Parser(name, entry, models, {"productivity": productivity, "variables": variables}, sizes)
        one = parser.variant()
        problems += parser.problems
        if one is not None and not parser.problems:
            found[name] = one
    return found, tuple(problems)


@dataclass(slots=True)
class _Sizes:
    """Of all variants so far."""

    combinations: int = 0
    skipped: int = 0
    cases: int = 0


@dataclass(slots=True)
class _Parser:
    name: str
    entry: Entry
    models: Collection[str]
    sections: Mapping[str, Collection[str]]
    sizes: _Sizes
    problems: list[Problem] = field(default_factory=list)

    def problem(self, place: Position, key: str, what: str, meaning: str = "", advice: str = "") -> None:
        path = f"variants.{self.name}.{key}" if key else f"variants.{self.name}"
        self.problems.append(Problem(place, path, what, meaning, advice))

    def variant(self) -> VariantSpec | None:
        node = self.entry.node
        if not isinstance(node.value, dict):
            place = self.entry.key_position if node.value is None else node.position
            what = f"keys are wanted, not {as_written(plain(node))}"
            self.problem(place, "", what, "", "write {of: table1, vary: {errors: [HC1, HC3]}}")
            return None
        for key, one in node.value.items():
            if key not in KEYS:
                self.problem(one.key_position, "", *unknown_key(key, KEYS))
        empty = [key for key in KEYS if key in node.value and node.value[key].node.value is None]
        for key in empty:
            what, advice = "an empty value", "give it a value or leave the key out"
            self.problem(node.value[key].key_position, key, what, "", advice)
        entries = {key: one for key, one in node.value.items() if key in KEYS and key not in empty}
        spec = VariantSpec(self.name, self.entry.key_position, self.of(entries, "of" in empty), node)
        spec = replace(
            spec,
            dimensions=tuple(self.dimensions(entries["vary"].node, "vary", spec.of)) if "vary" in entries else (),
            listed=tuple(self.listed(entries["cases"].node, spec.of)) if "cases" in entries else (),
            family=entries.get("family"),
            title=entries.get("title"),
            at_most=self.at_most(entries.get("at_most")),
            rows=self.rows(entries.get("rows")),
        )
        if "vary" not in entries and "cases" not in entries and not {"vary", "cases"} & set(empty):
            self.problem(self.entry.key_position, "", 'the key "vary" is missing', "", f"{EXAMPLE}, or list cases")
        if "skip" in entries:
            spec = replace(spec, skip=tuple(self.skip(entries["skip"].node, spec)))
        self.check_size(spec)
        return spec

    def check_size(self, spec: VariantSpec) -> None:
        if self.problems:
            return
        sizes, place = self.sizes, self.entry.key_position
        combinations = prod(len(one.choices) for one in spec.dimensions)
        sizes.combinations += combinations
        if sizes.combinations > MAX_COMBINATIONS:
            # Of a grid alone or of all grids of the spec together.
            together = sizes.combinations > combinations
            sizes.combinations -= combinations
            what = f"{combinations:,} combinations{' more' if together else ''}"
            self.problem(place, "vary", what, f"at most {MAX_COMBINATIONS:,} can be looked through")
            return
        sizes.skipped += combinations * len(spec.skip)
        if sizes.skipped > MAX_SKIPPED:
            sizes.skipped -= combinations * len(spec.skip)
            what = f"{combinations:,} combinations times {len(spec.skip):,} settings to skip"
            self.problem(place, "skip", what, f"at most {MAX_SKIPPED:,} can be compared", "list the cases: instead")
            return
        found = len(spec.cases())
        if not found:
            self.problem(place, "", "no case is left", "skip leaves them all out")
        cases = min(found, spec.at_most or found)
        if sizes.cases + cases > MAX_CASES:
            what = (
                f"{found:,} cases" if cases > MAX_CASES else f"{cases:,} cases beside {sizes.cases:,} of other variants"
            )
            self.problem(place, "", what, f"at most {MAX_CASES:,} are estimated", "draw some of them: at_most: 500")
            return
        sizes.cases += cases

    def of(self, entries: Mapping[str, Entry], told: bool) -> str:
        there_are = f"there are: {', '.join(self.models)}" if self.models else "this spec has no model"
        if "of" not in entries:
            if not told:
                what = 'the key "of" is missing'
                self.problem(self.entry.key_position, "", what, "it names the model that varies", there_are)
            return ""
        node = entries["of"].node
        if not isinstance(node.value, str):
            what = f"the name of a model is wanted, not {as_written(plain(node))}"
            self.problem(node.position, "of", what, "", there_are)
            return ""
        if node.value not in self.models:
            near = did_you_mean(node.value, self.models)
            self.problem(node.position, "of", f'no model "{node.value}"', "", near or there_are)
        return node.value

    def dimensions(self, node: Node, key: str, of: str) -> Iterator[Dimension]:
        """Yield what varies: a list of values each, or a map of named values."""
        if not self.is_map(node, key, "settings", EXAMPLE):
            return
        seen: dict[tuple[str, ...], str] = {}
        for written, entry in node.entries.items():
            for path, below in self.paths(written, entry, key, of):
                self.overlaps(path, seen, entry, key)
                choices = tuple(self.choices(below.node, below, f"{key}.{written}", swaps=path[0] == REPLACE))
                if choices:
                    yield Dimension(path, below.key_position, choices)

    def is_map(self, node: Node, key: str, wanted: str, example: str) -> bool:
        if isinstance(node.value, dict) and node.value:
            return True
        what = f"{wanted} are wanted, not {as_written(plain(node))}" if node.value != {} else "an empty map"
        self.problem(node.position, key, what, "", example)
        return False

    def paths(self, written: str, entry: Entry, key: str, of: str) -> Iterator[tuple[tuple[str, ...], Entry]]:
        """Yield the path of a key of `vary`; of ``replace`` one a name."""
        steps = tuple(written.split("."))
        if not all(steps):
            self.problem(entry.key_position, key, f'"{written}" is not the path of a key', "", EXAMPLE)
        elif steps == (REPLACE,):
            if self.is_map(entry.node, f"{key}.{REPLACE}", "names", "write replace: {ai: [ai_ttm, ai_tml]}"):
                yield from (((REPLACE, name), one) for name, one in entry.node.entries.items())
        elif steps[0] == REPLACE:
            yield (REPLACE, ".".join(steps[1:])), entry
        elif steps[0] == "models":
            if len(steps) < 3 or steps[1] != of:
                what = f'"{written}" is no key of {of or "the model"}'
                self.problem(entry.key_position, key, what, "a variant varies the model that it is of", EXAMPLE)
            else:
                yield steps[2:], entry
        elif steps[0] in ROOTED:
            if self.leads_somewhere(written, steps, entry, key):
                yield steps, entry
        else:
            yield steps, entry

    def leads_somewhere(self, written: str, steps: tuple[str, ...], entry: Entry, key: str) -> bool:
        fewest = {"productivity": 3, "panel": 2, "variables": 2}[steps[0]]
        if len(steps) < fewest:
            example = {"productivity": "productivity.tfp.degree", "panel": "panel.where", "variables": "variables.size"}
            what = f'"{written}" is not the path of a key'
            self.problem(entry.key_position, key, what, "", f"write {example[steps[0]]}: [...]")
        elif steps[1] not in self.sections.get(steps[0], steps):
            known = self.sections[steps[0]]
            there_are = f"there are: {', '.join(known)}" if known else ""
            what = f'no {"variable" if steps[0] == "variables" else "productivity entry"} "{steps[1]}"'
            self.problem(entry.key_position, key, what, "", did_you_mean(steps[1], known) or there_are)
        else:
            return True
        return False

    def overlaps(self, path: tuple[str, ...], seen: dict[tuple[str, ...], str], entry: Entry, key: str) -> None:
        for other in seen:
            short = min(len(path), len(other))
            if path[:short] == other[:short]:
                what = f'"{".".join(path)}" and "{".".join(other)}" set the same key'
                self.problem(entry.key_position, key, what, "", "vary one of them")
        seen[path] = ""

    def choices(self, node: Node, entry: Entry, key: str, *, swaps: bool) -> Iterator[Choice]:
        if isinstance(node.value, dict) and node.value:
            found = [Choice(name, one.node) for name, one in node.value.items()]
        elif isinstance(node.value, tuple) and node.value:
            found = [Choice(as_list(one), one) for one in node.value]
        else:
            place = entry.key_position if node.value is None else node.position
            what = f"a list of values, or values with names, is wanted, not {as_written(plain(node))}"
            if node.value in ((), {}):
                what = "nothing to choose from"
            shown = plain(node) if isinstance(node.value, (str, int, float)) else "HC1, HC3"
            self.problem(place, key, what, "", f"write [{shown}]")
            return
        seen = set()
        for one in found:
            if value_key(one.label) in seen:
                self.problem(one.node.position, key, f"{as_written(one.label)} stands twice", "", "leave one out")
            elif swaps and not isinstance(one.node.value, str):
                what = f"the name of a column is wanted, not {as_written(plain(one.node))}"
                self.problem(one.node.position, key, what)
            else:
                yield one
            seen.add(value_key(one.label))

    def listed(self, node: Node, of: str) -> Iterator[Case]:
        example = "write cases: [{errors: HC3}, {outcome: lp, errors: HC1}]"
        if isinstance(node.value, dict) and node.value:
            named = [(name, one.node) for name, one in node.value.items()]
        elif isinstance(node.value, tuple) and node.value:
            named = [("", one) for one in node.value]
        else:
            self.problem(node.position, "cases", f"a list of settings is wanted, not {as_written(plain(node))}", "",
                         example)  # fmt: skip
            return
        for name, one in named:
            if one.value == {}:
                yield Case((), name)  # the model as it is
            elif self.is_map(one, "cases", "settings", example):
                settings = []
                seen: dict[tuple[str, ...], str] = {}
                for written, entry in one.entries.items():
                    for path, below in self.paths(written, entry, "cases", of):
                        self.overlaps(path, seen, entry, "cases")
                        choice = Choice(as_list(below.node), below.node)
                        settings.append((Dimension(path, below.key_position, (choice,)), choice))
                yield Case(tuple(settings), name)

    def skip(self, node: Node, spec: VariantSpec) -> Iterator[Mapping[str, Any]]:
        example = "write skip: [{outcome: lp, errors: HC3}]"
        if not isinstance(node.value, tuple) or not node.value:
            self.problem(node.position, "skip", f"a list of settings is wanted, not {as_written(plain(node))}", "",
                         example)  # fmt: skip
            return
        known: dict[str, dict[Any, Any]] = {}
        for dimension in (*spec.dimensions, *(one for case in spec.listed for one, _ in case.settings)):
            values = known.setdefault(dimension.name, {})
            values |= {
                value_key(one): one for choice in dimension.choices for one in (choice.label, plain(choice.node))
            }
        for one in node.value:
            if not self.is_map(one, "skip", "settings", example):
                continue
            found = {}
            for written, entry in one.entries.items():
                for path, below in self.paths(written, entry, "skip", spec.of):
                    name, value = ".".join(path), plain(below.node)
                    if name not in known:
                        what = f'"{name}" does not vary'
                        self.problem(below.key_position, "skip", what, "", did_you_mean(name, known))
                    elif value_key(value) not in known[name]:
                        labels = [as_written(other) for other in known[name].values()
                                  if not isinstance(other, (dict, tuple))]  # fmt: skip
                        what = f"{as_written(value)} is none of its values"
                        there_are = f"there are: {', '.join(dict.fromkeys(labels))}"
                        self.problem(below.node.position, f"skip.{name}", what, "", there_are)
                    found[name] = value
            yield found

    def at_most(self, entry: Entry | None) -> int | None:
        if entry is None:
            return None
        value = entry.node.value
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        what = f"a whole number from 1 is wanted, not {as_written(plain(entry.node))}"
        self.problem(entry.node.position, "at_most", what, "", "write at_most: 100")
        return None

    def rows(self, entry: Entry | None) -> str:
        if entry is None:
            return "own"
        if entry.node.value in ("own", "common"):
            return str(entry.node.value)
        what = f"{as_written(plain(entry.node))} is not known"
        self.problem(entry.node.position, "rows", what, "", "there are: own, common (the rows that every case has)")
        return "own"
