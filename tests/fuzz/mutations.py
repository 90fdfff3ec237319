"""Specs, broken in every way that a file can be: as text, as bytes, as a tree whose values have changed their kind."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from ruamel.yaml import YAML

__all__ = ["PARENTS", "mutant", "tree_of", "yaml_of"]

Tree = Any
Steps = tuple[Any, ...]

PIECES = (
    "", " ", "  ", "\t", "\n", ":", ": ", "- ", "{", "}", "[", "]", "(", ")", ",", "'", '"', "#", " # ", "&a ", "*a",
    "!x ", "!!int ", "!!binary ", "!!set ", "|\n", ">\n", "|2-\n", "%", "%YAML 1.1\n---\n", "@", "`", "~", "<<: ",
    "<<: *a\n", "? ", "---\n", "...\n", "010", "0x1F", ".inf", ".nan", "null", "NO", "true", "1e999", "1e-400",
    "-0", "9" * 40, "é", "\u2028", "\x85", "\0", "\x1b", "\ufeff", "\ufffe", "\\", "==", "=", "^", "^2", "-1", "~ ",
    "| firm", "like: tfp\n", "extends: s.yaml\n", "variants: {v: {of: a}}\n", "lag(", "in [", "and ", "not ", "year",
    "firm", "2023", "0", "\U0001f600", "٣", "²", "ﬁrm", "ı", "İ", "\u202e", "\u200b", "a" * 300, "((((", "....",
)  # fmt: skip
TEXTS = (
    "", " ", "x", "NO", "null", "é", "\U0001f600", "a b", "a\nb", "\t", "ln_va", "tfp", "ai", "year", "firm", "nace",
    "2023", "-1", "1e5", "~", "tfp ~ ai", "ai + ", "a:b", "tfp ~ ai | firm", "lag(tfp)", "x" * 5_000, "lag(" * 40,
    "a + " * 3_000 + "a", "'", '"', "{}", "[]", "data/accounts_*.csv", "../..", "/dev/zero", "/", "~/x", "*", "a\0b",
    "classical", "HC1", "include", "firm^year", "nace^year", "^", "1_000", "٣", "size[20-49]", "${HOME}", "%s", "{0}",
    "constant", "tfplab", "__class__", "True", "ſ", "²", "log(tfp) ~ log(ai)", "ai = 0", "2*ai = 1e999", "ai=ai",
    "(ai)^2", "(ai)^99999999999", "ai^2^2", "x" * 70,
)  # fmt: skip
PARENTS = (
    "p.yaml", "p.yaml", "p.yaml", "base.yaml", "few.yaml", "loop.yaml", "pool.yaml", "back.yaml", "s.yaml", "list.yaml",
    "torn.yaml", "nil.yaml", "twice.yaml", "wide.yaml", "chain0.yaml", "chain20.yaml", "chain30.yaml", "binary.yaml",
    "wide16.yaml", "large.yaml", "folder.yaml", "dangling.yaml", "self.yaml", "zero.yaml", "pipe.yaml", "gone.yaml",
    "library/hrw_2026.yaml", "library/long_differences", "library/none.yaml", "library", "library/../base.yaml", ".",
    "..",
    "/", "", " ", "/dev/zero", "/dev/stdin", "/dev/tty", "/proc/self/mem", "/proc/self/environ", "~/base.yaml", "a\0b",
    "x" * 300, "x/" * 3_000, "./base.yaml", "data/../base.yaml", "../" * 50, "data/ict_2021.csv", "base.yaml/x",
    "*.yaml",
)  # fmt: skip
"""What stands beside a mutant (`fuzzing.write_parents`), and what does not."""
NUMBERS = (0, 1, -1, 2, 3, 10, 50, 99, 100, 1_000, 2017, 2023, 2**31, 2**53, -(2**53), 0.5, 1.5, -0.1, 1e-300, 1e300)


def tree_of(text: str) -> Tree:
    """Return the values of a spec."""
    return YAML(typ="safe", pure=True).load(text)


def yaml_of(value: Tree, chance: random.Random, indent: int = 0, flow: bool = False) -> str:
    """Return a tree as YAML, in blocks or brackets as chance has it; values are quoted where plain ones would change.

    Parameters
    ----------
    value : tree
    chance : random.Random
    indent : int
        Of a block.
    flow : bool
        Whether brackets are around it.
    """
    if isinstance(value, (dict, list)):
        if not value:
            return "{}" if isinstance(value, dict) else "[]"
        if flow or (indent and chance.random() < 0.4):
            inner = [
                yaml_of(one, chance, indent, True) for one in (value.values() if isinstance(value, dict) else value)
            ]
            if isinstance(value, dict):
                inner = [f"{_plain(key)}: {one}" for key, one in zip(value, inner, strict=True)]
            body = ", ".join(inner)
            return f"{{{body}}}" if isinstance(value, dict) else f"[{body}]"
        lines = []
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            mark = f"{_plain(key)}:" if isinstance(value, dict) else "-"
            text = yaml_of(one, chance, indent + 2)
            lines.append(f"{' ' * indent}{mark}{text if text.startswith(chr(10)) else ' ' + text}")
        return ("\n" if indent else "") + "\n".join(lines)
    return _plain(value)


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    if re.fullmatch(r"[A-Za-z_][\w./*-]*( [\w.~+<>=-]+)*", text) and tree_of(text) == text:
        return text
    return "'" + text.replace("'", "''").replace("\n", "\n\n") + "'"


def _places(tree: Tree, steps: Steps = ()) -> list[Steps]:
    """Return the steps to every value below the root."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    found: list[Steps] = []
    for key, one in pairs:
        found.append((*steps, key))
        found += _places(one, (*steps, key))
    return found


def _at(tree: Tree, steps: Steps) -> Tree:
    for step in steps:
        tree = tree[step]
    return tree


def _any(chance: random.Random) -> Tree:
    """Return a value of any kind."""
    kind = chance.randrange(9)
    if kind < 2:
        return chance.choice(TEXTS)
    if kind < 4:
        return chance.choice(NUMBERS)
    if kind == 4:
        return chance.choice((None, True, False))
    if kind == 5:
        return [_any(chance) for _ in range(chance.randrange(4))]
    if kind == 6:
        return {chance.choice((*TEXTS[:18], 2021, 1.5, True)): _any(chance) for _ in range(chance.randrange(3))}
    if kind == 7:
        nested: Tree = chance.choice(TEXTS)
        for _ in range(chance.choice((2, 5, 18, 40))):
            nested = [nested] if chance.random() < 0.5 else {"a": nested}
        return nested
    return [chance.choice(TEXTS[:20])] * chance.choice((2, 600, 3_000))


def _copy(tree: Tree) -> Tree:
    if isinstance(tree, dict):
        return {key: _copy(one) for key, one in tree.items()}
    return [_copy(one) for one in tree] if isinstance(tree, list) else tree


def _new_kind(tree: Tree, chance: random.Random, others: Sequence[Tree]) -> None:
    steps = chance.choice(_places(tree))
    _at(tree, steps[:-1])[steps[-1]] = _any(chance)


def _gone(tree: Tree, chance: random.Random, others: Sequence[Tree]) -> None:
    steps = chance.choice(_places(tree))
    del _at(tree, steps[:-1])[steps[-1]]


def _renamed(tree: Tree, chance: random.Random, others: Sequence[Tree]) -> None:
    steps = chance.choice(_places(tree))
    parent = _at(tree, steps[:-1])
    if isinstance(parent, dict):
        known = [other[-1] for other in _places(chance.choice(others)) if isinstance(other[-1], str)]
        key = chance.choice((*known, *TEXTS[:30], str(steps[-1])[:-1], f"{steps[-1]}s", 2021, 1.5, None, True))
        items = [(key if old == steps[-1] else old, one) for old, one in parent.items()]
        parent.clear()
        parent.update(items)


def _exchanged(tree: Tree, chance: random.Random, others: Sequence[Tree]) -> None:
    """Put what stands elsewhere, in this spec or another, in the place of a value, or beside it under its key."""
    other = chance.choice((tree, chance.choice(others)))
    source = chance.choice(_places(other))
    value = _copy(_at(other, source))
    steps = chance.choice(_places(tree))
    parent = _at(tree, steps[:-1])
    if isinstance(parent, dict) and chance.random() < 0.5 and isinstance(source[-1], str):
        parent[source[-1]] = value
    else:
        parent[steps[-1]] = value


def _wrapped(tree: Tree, chance: random.Random, others: Sequence[Tree]) -> None:
    steps = chance.choice(_places(tree))
    parent = _at(tree, steps[:-1])
    value = parent[steps[-1]]
    parent[steps[-1]] = chance.choice(
        ([value], [value, value], {"all": value}, {"en": value}, {2021: value}, str(value))
    )


def _word(tree: Tree, chance: random.Random, others: Sequence[Tree]) -> None:
    """Change a word inside a text: a formula, a condition, a name."""
    places = [steps for steps in _places(tree) if isinstance(_at(tree, steps), str) and _at(tree, steps)]
    if not places:
        return
    steps = chance.choice(places)
    text = _at(tree, steps)
    words = [found.span() for found in re.finditer(r"\w+|[^\w\s]+|\s+", text)]
    start, end = chance.choice(words)
    other = chance.choice((*TEXTS, *PIECES, *[text[first:last] for first, last in words]))
    _at(tree, steps[:-1])[steps[-1]] = text[:start] + other + text[chance.choice((start, end)) :]


def _many(tree: Tree, chance: random.Random, others: Sequence[Tree]) -> None:
    """Repeat an entry under many names."""
    maps = [steps for steps in _places(tree) if isinstance(_at(tree, steps), dict) and _at(tree, steps)]
    if maps:
        entries = _at(tree, chance.choice(maps))
        key = chance.choice(list(entries))
        for number in range(chance.choice((2, 20, 200))):
            entries[f"{key}_{number}"] = _copy(entries[key])


def _extending(tree: Tree, chance: random.Random, others: Sequence[Tree]) -> None:
    """Lay the spec over others, whole or without most of its own keys."""
    if chance.random() < 0.5:
        for key in list(tree):
            if chance.random() < 0.8:
                del tree[key]
        if chance.random() < 0.7:
            tree["tfplab"] = 1
    names = [chance.choice(PARENTS) for _ in range(chance.choice((1, 1, 2, 3, 60)))]
    written: Tree = names[0] if len(names) == 1 else names
    if chance.random() < 0.1:
        written = _any(chance)
    if chance.random() < 0.1 and isinstance(written, list) and written:
        written[chance.randrange(len(written))] = _any(chance)
    tree["extends"] = written
    if chance.random() < 0.5:  # removes or replaces what a parent has
        steps = chance.choice(_places(chance.choice(others)))[: chance.choice((1, 2, 3))]
        below = tree
        for step in steps[:-1]:
            if not isinstance(below.get(step), dict):
                below[step] = {}
            below = below[step]
        below[steps[-1]] = None if chance.random() < 0.6 else _any(chance)


_SETTINGS = (
    "errors", "where", "outcome", "formula", "weights", "reference", "tfp_uncertainty", "adoption.dating", "adoption",
    "like",
    "replace", "replace.ai", "replace.", "design", "title", "split.by", "productivity.tfp.degree", "productivity.tfp",
    "productivity.tfp.method", "productivity.lp.like", "productivity.none.degree", "productivity", "panel.where",
    "panel.years",
    "panel.clean.months", "panel.table.files", "panel", "variables.size", "variables.new", "variables",
    "models.table1.errors",
    "models.other.errors", "models", "variants", "variants.v.of", "seed", "a..b", ".", "errors.cluster", "family",
    "and_where",
    "adoption.indicator.x.y", "estimator", "quantiles", "window", "items", "by", "of", "extends", "tables.t.models",
)  # fmt: skip
_VALUES = (
    "HC0", "HC1", "HC3", "classical", "HC9", "tfp", "lp", "ai", "year", "nace", "year == 2023", "employees > 10",
    "~ ai",
    "tfp ~ ai + size", "lag(tfp) > 0", 1, 2, 3, None, {"cluster": ["firm"]}, {"cluster": ["nace"]}, [2017, 2023],
    "wlp", "log(labour)",
    {"bootstrap": {}}, {"x": 1}, [], {}, True, 0.5,
)  # fmt: skip


def _choices(chance: random.Random) -> Tree:
    kind = chance.randrange(8)
    many = chance.choice((1, 2, 2, 3, 3, 5, 30))
    if kind == 0:
        return _any(chance)
    values = [_copy(chance.choice(_VALUES)) if chance.random() < 0.9 else _any(chance) for _ in range(many)]
    if kind == 1:
        return [f"employees > {number}" for number in range(chance.choice((10, 200, 2_000)))]
    if kind < 4:
        return {chance.choice((*TEXTS[:14], "a", "b", "all", f"c{number}")): one for number, one in enumerate(values)}
    return values


def _settings(chance: random.Random, most: int) -> dict[str, Tree]:
    return {chance.choice(_SETTINGS): _choices(chance) for _ in range(chance.randrange(most + 1))}


def _varied(tree: Tree, chance: random.Random, others: Sequence[Tree]) -> None:
    """Give the spec variants: grids small and huge, lists of cases, any kind of value anywhere."""
    models = tree.get("models")
    names = [*models, "table1", "none"] if isinstance(models, dict) else ["table1"]
    found = tree["variants"] = tree["variants"] if isinstance(tree.get("variants"), dict) else {}
    for number in range(chance.choice((1, 1, 1, 2, 5))):
        one: dict[str, Tree] = {"of": chance.choice(names)}
        if chance.random() < 0.8:
            one["vary"] = _settings(chance, 4)
            if chance.random() < 0.15:
                one["vary"] |= {
                    f"{chance.choice(_SETTINGS)}{axis or ''}": [*range(10)]
                    for axis in range(chance.choice((2, 4, 5, 12)))
                }
        if chance.random() < 0.35:
            cases = [
                {key: chance.choice(_VALUES) for key in _settings(chance, 3)} for _ in range(chance.choice((1, 3, 40)))
            ]
            one["cases"] = cases if chance.random() < 0.7 else {f"c{at}": case for at, case in enumerate(cases)}
        if chance.random() < 0.3 and isinstance(one.get("vary"), dict):
            axes = [
                (key, list(values))
                for key, values in one["vary"].items()
                if isinstance(values, (list, dict)) and values
            ]
            skips = [
                {key: chance.choice(values) for key, values in axes if chance.random() < 0.6}
                for _ in range(chance.choice((1, 2, 300)))
            ]
            one["skip"] = skips
        for key, values in (
            ("at_most", (1, 2, 50, 0, -1, 10**9, 1.5, "5", None)), ("rows", ("own", "common", "all", None, 1)),
            ("family", ({"method": "holm"}, {"method": "romano_wolf", "terms": ["ai"]}, "holm", None, {"terms": [{}]})),
            ("title", ("A grid", 3, None, ["x"])),
        ):  # fmt: skip
            if chance.random() < 0.25:
                one[key] = chance.choice(values)
        if one and chance.random() < 0.1:
            one[chance.choice(list(one))] = _any(chance)
        found[chance.choice(("v", "grid", f"v{number}", "table1", "tfp", "a b", "", "é", "x[1]", "with.point"))] = one
    if chance.random() < 0.3:
        tree["tables"] = {"t": {"models": [*found, *names][: chance.randrange(5)]}}


_TREES: tuple[Callable[[Tree, random.Random, Sequence[Tree]], None], ...] = (
    _new_kind, _new_kind, _new_kind, _gone, _renamed, _renamed, _exchanged, _exchanged, _exchanged, _wrapped, _word,
    _word, _word, _many, _extending, _extending, _varied, _varied,
)  # fmt: skip


def _of_tree(tree: Tree, chance: random.Random, others: Sequence[Tree]) -> str:
    tree = _copy(tree)
    for _ in range(chance.choice((1, 1, 2, 3))):
        if isinstance(tree, dict) and _places(tree):
            chance.choice(_TREES)(tree, chance, others)
    return yaml_of(tree, chance) + "\n"


def _of_text(text: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(text) + 1)
        end = min(len(text), place + chance.choice((0, 0, 1, 2, 10, 60)))
        kind = chance.randrange(8)
        if kind <= 1:
            text = text[:place] + chance.choice(PIECES) + text[end:]
        elif kind == 2:
            text = text[:place] + text[end:]
        elif kind == 3:
            source = chance.randrange(len(text) + 1)
            text = text[:place] + text[source : source + chance.randint(1, 40)] + text[end:]
        elif kind == 4:
            lines = text.split("\n")
            at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
            text = "\n".join(lines)
        elif kind == 5:
            lines = text.split("\n")
            at = chance.randrange(len(lines))
            lines[at:at] = [lines[at]] * chance.choice((1, 1, 2, 50))
            text = "\n".join(lines)
        elif kind == 6:
            lines = text.split("\n")
            at = chance.randrange(len(lines))
            lines[at] = chance.choice((" ", "  ", "\t", "- ", "? ", "# ", "")) + lines[at].strip()
            text = "\n".join(lines)
        else:
            words = [found.span() for found in re.finditer(r"[\w.]+", text)] or [(0, 0)]
            (start, stop), (first, last) = chance.choice(words), chance.choice(words)
            text = text[:start] + text[first:last] + text[stop:]
    return text


def _of_bytes(raw: bytes, chance: random.Random) -> bytes:
    kind = chance.randrange(9)
    at = chance.randrange(len(raw) + 1)
    if kind == 0:
        return raw[:at] + bytes([chance.randrange(256)]) + raw[at:]
    if kind == 1:
        return raw[:at]
    if kind == 2:
        return raw.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\r", b"\n\n")))
    if kind == 3:
        return b"\xef\xbb\xbf" * chance.choice((1, 1, 2)) + raw
    if kind == 4:
        return raw.decode("utf-8", "replace").encode(
            chance.choice(("utf-16", "utf-16-le", "utf-32", "cp1252", "cp037")), "replace"
        )
    if kind == 5:
        return raw[:at] + b"\0" * chance.choice((1, 100)) + raw[at:]
    if kind == 6:
        return raw * chance.choice((2, 20, 300))
    if kind == 7:
        return (
            raw[:at] + chance.choice((b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\x80")) + raw[at:]
        )
    return bytes(chance.randrange(256) for _ in range(chance.choice((0, 1, 30, 500))))


def mutant(text: str, chance: random.Random, others: Sequence[Tree]) -> bytes:
    """Return a spec with a few changes.

    Parameters
    ----------
    text : str
        One that is well formed.
    chance : random.Random
    others : sequence of trees
        Of whole specs, whose parts may come into it.
    """
    kind = chance.random()
    if kind < 0.5:
        made = _of_tree(tree_of(text), chance, others)
    elif kind < 0.9:
        made = _of_text(text, chance)
    else:
        made = _of_text(_of_tree(tree_of(text), chance, others), chance)
    raw = made.encode("utf-8", "replace")
    return _of_bytes(raw, chance) if chance.random() < 0.08 else raw
