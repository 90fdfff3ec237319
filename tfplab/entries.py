"""The entries of ``productivity:`` and ``models:``: `like` resolved, each bound to its method's or design's options."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from estimation.designs.methods import NONLINEAR
from estimation.registry import DESIGNS, PRODUCTIVITY
from estimation.registry import Entry as Registered
from specs.bind import bind, unknown_key
from specs.errors import Position, Problem, did_you_mean
from specs.fields import OptionsModel, as_written
from specs.like import resolve_like
from specs.tree import Entry, Node, plain, walk
from specs.uncertainty import BootstrapErrorsField, Errors

__all__ = ["Bound", "EntryErrors", "bind_models", "bind_productivity"]

LATER_METHODS: frozenset[str] = frozenset()
LATER_DESIGNS: frozenset[str] = frozenset()
COPYING = ("like", "and_where")
OF_METHODS = {"instruments": ("iv",), "quantiles": ("quantile",), "balance": ("ols",), "sensitivity": ("ols",)}
OF_METHODS_DESIGNS = ("cross_section", "fixed_effects")
"""Keys that some methods of these designs have: a copy with another method leaves them out."""


@dataclass(frozen=True, slots=True)
class Bound:
    """An entry with its options.

    Attributes
    ----------
    kind : str
        The method or the design.
    options : OptionsModel or None
        None where the entry has a problem.
    node : Node
        Its keys as resolved, each with its own position.
    key_position : Position
    notes : tuple of str
    errors : Errors or None
        The bootstrap that a productivity entry asks for; a model has it among its options.
    """

    kind: str
    options: Any
    node: Node
    key_position: Position
    notes: tuple[str, ...] = ()
    errors: Errors | None = None


class EntryErrors(OptionsModel):
    """The key of a productivity entry that is no method's own: a bootstrap in the place of the closed form."""

    errors: BootstrapErrorsField | None = None


@dataclass(frozen=True, slots=True)
class _Section:
    """What tells the two sections apart."""

    name: str
    selector: str  # the key that names the method or the design
    registry: Mapping[str, Registered]
    later: Collection[str]
    in_options: bool  # whether the selector is one of the options

    def keys(self, kind: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.selector, *self.registry[kind].options.model_fields, *self.beside(kind))))

    def beside(self, kind: str) -> tuple[str, ...]:
        """The key of the bootstrap, where a method can be drawn again; a model has it among its options."""
        return () if self.in_options or self.registry[kind].resampler is None else ("errors",)

    def all_keys(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key for kind in self.registry for key in self.keys(kind)))

    def elsewhere(self, kind: str) -> dict[str, str]:
        """By key that `kind` does not have, the methods that do."""
        own = {*self.keys(kind), *COPYING}
        having: dict[str, list[str]] = {}
        for other in self.registry:
            for key in self.keys(other):
                if key not in own:
                    having.setdefault(key, []).append(other)
        return {key: f"it is a key of {self.selector} {', '.join(others)}" for key, others in having.items()}

    def keys_of(self, node: Node) -> tuple[str, ...] | None:
        kind = self.kind(node)
        if kind not in self.registry:
            return None
        idle = self.registry[kind].options.unused_keys({key: plain(entry.node) for key, entry in node.entries.items()})
        return tuple(key for key in self.keys(kind) if key not in idle)

    def kind(self, node: Node) -> str:
        entry = node.entries.get(self.selector)
        return entry.node.value if entry is not None and isinstance(entry.node.value, str) else ""


_PRODUCTIVITY = _Section("productivity", "method", PRODUCTIVITY, LATER_METHODS, in_options=False)
_MODELS = _Section("models", "design", DESIGNS, LATER_DESIGNS, in_options=True)


def bind_productivity(
    section: Mapping[str, Entry], files: Sequence[str] = (), over: Mapping[str, Collection[str]] | None = None
) -> tuple[dict[str, Bound], tuple[Problem, ...]]:
    """Bind every productivity entry.

    Parameters
    ----------
    section : mapping of str to Entry
        As written.
    files : sequence of str, optional
        Those that the spec is made of, by precedence: a key that an entry has from a file below that which names its
        method is left out where the method does not have it.
    over : mapping of str to collection of str, optional
        By entry, keys that were set on top of the others: these are then left out in the same way.

    Returns
    -------
    bound : dict of str to Bound
        Those with problems too, without options.
    problems : tuple of Problem
    """
    return _bind_section(_PRODUCTIVITY, section, (), files, over)


def bind_models(
    section: Mapping[str, Entry], productivity: Collection[str], files: Sequence[str] = ()
) -> tuple[dict[str, Bound], tuple[Problem, ...]]:
    """Bind every model.

    Parameters
    ----------
    section : mapping of str to Entry
    productivity : collection of str
        The names of the productivity entries: an outcome among them carries its first stage's uncertainty.
    files : sequence of str, optional
        As in `bind_productivity`.

    Returns
    -------
    bound : dict of str to Bound
    problems : tuple of Problem
    """
    return _bind_section(_MODELS, section, productivity, files)


def _bind_section(
    section: _Section,
    written: Mapping[str, Entry],
    productivity: Collection[str],
    files: Sequence[str],
    over: Mapping[str, Collection[str]] | None = None,
) -> tuple[dict[str, Bound], tuple[Problem, ...]]:
    written, left = _without_what_was_extended(section, written, files, over or {})
    start = next((entry.key_position for entry in written.values()), Position("", 1, 1))
    resolved = resolve_like(
        Node(start, dict(written)), section.name, section.keys_of, _settle if section is _MODELS else _as_is
    )
    problems = list(resolved.problems)
    bound: dict[str, Bound] = {}
    found_in: dict[str, tuple[Problem, ...]] = {}
    for name, entry in resolved.entries.items():
        own = written[name].node.entries
        node = _settled_by_its_own(entry.node, own)
        notes = (*left.get(name, ()), *(text for about, text in resolved.notes if about == name))
        if section is _MODELS:
            node, more = _left_by_its_method(node, own)
            notes += more
        kind, options, errors, found = _bind_entry(section, f"{section.name}.{name}", node, entry.key_position)
        found_in[name] = found
        if section is _MODELS and options is not None and options.outcome_column not in productivity:
            options, wrong = _without_first_stage(options, own, f"{section.name}.{name}")
            found_in[name] += wrong
        bound[name] = Bound(kind, options, node, entry.key_position, notes, errors)
    problems += _told_once(found_in, written)
    for name, entry in resolved.orphans.items():
        problems += _unknown_keys(section, f"{section.name}.{name}", entry.node)
        bound[name] = Bound("", None, entry.node, entry.key_position)
    return {name: bound[name] for name in written}, tuple(problems)


def _without_what_was_extended(
    section: _Section, written: Mapping[str, Entry], files: Sequence[str], over: Mapping[str, Collection[str]]
) -> tuple[Mapping[str, Entry], dict[str, tuple[str, ...]]]:
    """Leave out what an entry has from below that which names its method, and what that method does not have."""
    if len(files) < 2 and not over:
        return written, {}
    found, notes = dict(written), dict[str, tuple[str, ...]]()
    for name, entry in written.items():
        selector = entry.node.entries.get(section.selector)
        known = section.keys_of(entry.node)
        if selector is None or known is None:
            continue
        rank, on_top = files.index(selector.node.position.file), over.get(name, ())
        left = {
            key: one.key_position
            for key, one in entry.node.entries.items()
            if (files.index(one.key_position.file) > rank or (section.selector in on_top and key not in on_top))
            and key not in known
            and key not in COPYING
            and key in section.all_keys()
        }
        if left:
            kept = {key: one for key, one in entry.node.entries.items() if key not in left}
            found[name] = Entry(entry.key_position, Node(entry.node.position, kept))
            kind = section.kind(entry.node)
            notes[name] = tuple(
                f'"{key}" of {place.file}:{place.line} is left out: it is no key of {section.selector} {kind}'
                for key, place in left.items()
            )
    return found, notes


def _told_once(found: Mapping[str, tuple[Problem, ...]], written: Mapping[str, Entry]) -> list[Problem]:
    """Leave a parent's mistake to the parent, and tell a copy's own at the copy.

    What a copy takes over stands on its parent's lines. If the parent has the same problem there, once is enough; if
    not, the copy's own keys are what goes wrong with it, and the parent's line would lead astray.
    """
    told: list[Problem] = []
    copied: list[tuple[Problem, Entry]] = []
    for name, problems in found.items():
        entry = written[name]
        lines = _lines_of(entry)
        for problem in problems:
            low, high = lines.get(problem.position.file, (1, 0))
            if low <= problem.position.line <= high:
                told.append(problem)
            else:
                copied.append((problem, entry))
    parents = {(problem.position, problem.what) for problem in told}
    told += [
        replace(problem, position=entry.key_position)
        for problem, entry in copied
        if (problem.position, problem.what) not in parents
    ]
    return told


def _lines_of(entry: Entry) -> dict[str, tuple[int, int]]:
    """Return the first and the last line of an entry in each file that has a part of it."""
    lines: dict[str, tuple[int, int]] = {}
    places = [entry.key_position]
    for _, node in walk(entry.node):
        places += [node.position, *(one.key_position for one in node.entries.values())]
    for place in places:
        low, high = lines.get(place.file, (place.line, place.line))
        lines[place.file] = (min(low, place.line), max(high, place.line))
    return lines


def _bind_entry(
    section: _Section, path: str, node: Node, key_position: Position
) -> tuple[str, Any, Errors | None, tuple[Problem, ...]]:
    if not isinstance(node.value, dict):
        what = f"keys are wanted, not {as_written(plain(node))}"
        place = key_position if node.value is None else node.position
        return "", None, None, (Problem(place, path, what, "", f"begin with {section.selector}:"),)
    kind = section.kind(node)
    if kind not in section.registry:
        wrong = _no_such_kind(section, path, node, key_position)
        return kind, None, None, (wrong, *_unknown_keys(section, path, node))
    entries = {key: one for key, one in node.value.items() if section.in_options or key != section.selector}
    asked, refused = _bootstrap(section, kind, path, entries)
    refused = (*refused, *_wild_bootstrap(section, kind, path, entries))
    if refused or not section.in_options:
        entries.pop("errors", None)
    options, problems = bind(
        section.registry[kind].options,
        Node(node.position, entries),
        path,
        key_position,
        known=(section.selector, *COPYING, *section.beside(kind)),
        # Looking a key up elsewhere loads every method.
        elsewhere=None if entries.keys() <= {*section.keys(kind), *COPYING} else section.elsewhere(kind),
    )
    return kind, None if refused else options, asked, (*problems, *refused)


def _bootstrap(
    section: _Section, kind: str, path: str, entries: Mapping[str, Entry]
) -> tuple[Errors | None, tuple[Problem, ...]]:
    """Bind the bootstrap of a productivity entry; refuse one of what nothing draws again."""
    errors = entries.get("errors")
    asked = errors if errors is None or not section.in_options else errors.node.entries.get("bootstrap")
    if errors is None or asked is None:
        return None, ()
    if section.registry[kind].resampler is None:
        there_is = ", ".join(name for name, one in section.registry.items() if one.resampler is not None)
        what = f"there is no bootstrap of {section.selector}: {kind}"
        return None, (Problem(asked.key_position, f"{path}.errors", what, "", f"there is one of: {there_is}"),)
    if section.in_options:
        return None, ()
    found, problems = bind(EntryErrors, Node(errors.key_position, {"errors": errors}), path, errors.key_position)
    return (None if found is None else found.errors), problems


def _wild_bootstrap(section: _Section, kind: str, path: str, entries: Mapping[str, Entry]) -> tuple[Problem, ...]:
    """Refuse the wild bootstrap of a design that has none."""
    errors = entries.get("errors")
    asked = None if errors is None else errors.node.entries.get("wild_bootstrap")
    if asked is None or not section.in_options or section.registry[kind].wild is not None:
        return ()
    if "errors" not in section.registry[kind].options.model_fields:
        return ()
    there_is = ", ".join(name for name, one in section.registry.items() if one.wild is not None)
    what = f"there is no wild bootstrap of {section.selector}: {kind}"
    return (Problem(asked.key_position, f"{path}.errors", what, "", f"there is one of: {there_is}"),)


def _no_such_kind(section: _Section, path: str, node: Node, key_position: Position) -> Problem:
    there_are = f"there are: {', '.join(section.registry)}"
    entry = node.entries.get(section.selector)
    if entry is None:
        what = f'the key "{section.selector}" is missing'
        return Problem(key_position, path, what, "", f"write {section.selector}: {next(iter(section.registry))}")
    kind, path = plain(entry.node), f"{path}.{section.selector}"
    if isinstance(kind, str) and kind in section.later:
        return Problem(entry.node.position, path, f"{as_written(kind)} is not available in this version", "", there_are)
    near = did_you_mean(kind, section.registry) if isinstance(kind, str) else ""
    what = f"{as_written(kind)} is not a {section.selector}"
    place = entry.key_position if entry.node.value is None else entry.node.position
    return Problem(place, path, what, "", f"{near} {there_are}".strip() if near else there_are)


def _unknown_keys(section: _Section, path: str, node: Node) -> tuple[Problem, ...]:
    """Check keys against those of every method, so that one mistake does not hide another."""
    known = (*section.all_keys(), *COPYING)
    return tuple(
        Problem(entry.key_position, path, *unknown_key(key, known))
        for key, entry in node.entries.items()
        if key not in known
    )


def _as_is(_: str, node: Node) -> Node:
    return node


def _settle(_: str, node: Node) -> Node:
    """Write out what a model implies and a copy takes over: some errors leave the first stage out unless told."""
    errors = node.entries.get("errors")
    leave_out = errors is not None and (errors.node.value == "classical" or "wild_bootstrap" in errors.node.entries)
    if "tfp_uncertainty" in node.entries or errors is None or not leave_out:
        return node
    ignore = Entry(errors.key_position, Node(errors.node.position, "ignore"))
    return Node(node.position, {**node.entries, "tfp_uncertainty": ignore})


def _settled_by_its_own(node: Node, own: Mapping[str, Entry]) -> Node:
    """Leave out an inherited `tfp_uncertainty` that the copy's own errors or method have no room for."""
    inherited = node.entries.get("tfp_uncertainty")
    if inherited is None or "tfp_uncertainty" in own:
        return node
    method = own["method"].node.value if "method" in own else None
    nonlinear = method in NONLINEAR and inherited.node.value in ("include", "murphy_topel")
    if "errors" not in own and not nonlinear:
        return node
    errors = own["errors"].node if "errors" in own else None
    classical = errors is not None and errors.value == "classical"
    without_scores = errors is not None and (classical or "wild_bootstrap" in errors.entries)
    murphy = errors is not None and inherited.node.value == "murphy_topel" and not classical
    if not nonlinear and not murphy and not (inherited.node.value == "include" and without_scores):
        return node
    return Node(node.position, {key: one for key, one in node.entries.items() if key != "tfp_uncertainty"})


def _left_by_its_method(node: Node, own: Mapping[str, Entry]) -> tuple[Node, tuple[str, ...]]:
    """Leave out inherited keys that the copy's method of the same design does not have, and say so."""
    # Of a distribution quantiles are a key whatever its method.
    design = node.entries["design"].node.value if "design" in node.entries else ""
    if "like" not in own or design not in OF_METHODS_DESIGNS:
        return node, ()
    method = node.entries["method"].node.value if "method" in node.entries else "ols"
    left = [key for key, of in OF_METHODS.items() if key in node.entries and key not in own and method not in of]
    kept = {key: one for key, one in node.entries.items() if key not in left}
    parent = own["like"].node.value
    notes = tuple(f'"{key}" of {parent} is left out: it is no key of method {method}' for key in left)
    return Node(node.position, kept), notes


def _without_first_stage(options: Any, own: Mapping[str, Entry], path: str) -> tuple[Any, tuple[Problem, ...]]:
    """Refuse a first stage's uncertainty of an outcome that has none; leave out one that was only copied."""
    # A bootstrap carries over whatever it draws again, on either side: the plan looks whether there is anything.
    if options.tfp_uncertainty not in ("include", "murphy_topel") or options.errors.bootstrap is not None:
        return options, ()
    if "tfp_uncertainty" not in own:
        return options.model_copy(update={"tfp_uncertainty": None}), ()
    what = f'the outcome "{options.outcome_column}" is not estimated under productivity:'
    place = own["tfp_uncertainty"].node.position
    return None, (Problem(place, f"{path}.tfp_uncertainty", what, "it has no first stage", "leave the key out"),)
