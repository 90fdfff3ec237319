"""``extends:``: a spec laid over others, every value with the file and the line on which it was written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from specs.errors import Problem, did_you_mean
from specs.fields import as_written
from specs.formats import wrong_format
from specs.read import read
from specs.source import MAX_BYTES
from specs.tree import Entry, Node, merge, plain

__all__ = ["LIBRARY", "ReadSpec", "SpecFile", "read_spec"]

LIBRARY = Path(__file__).parent / "library"
LIBRARY_NAME = "library"
KEY = "extends"
REPLACED_WHOLE = frozenset({"errors", "adoption"})
"""Keys of an entry whose maps never merge: half of one way of counting errors and half of another make no sense."""

MAX_CHAIN = 20
MAX_FILES = 40
MAX_BYTES_OF_ALL = 2 * MAX_BYTES


@dataclass(frozen=True, slots=True)
class SpecFile:
    """A file that a spec is made of.

    Attributes
    ----------
    shown : str
        As messages name it.
    path : Path
    shipped : bool
        Whether it is one of the library.
    text : str or None
        What was read in the place of its content: what an editor or Python holds.
    """

    shown: str
    path: Path
    shipped: bool = False
    text: str | None = None

    def content(self) -> bytes:
        """Return what was read."""
        return self.path.read_bytes() if self.text is None else self.text.encode()


@dataclass(frozen=True, slots=True)
class ReadSpec:
    """A spec as read, with all that it extends below it.

    Attributes
    ----------
    root : Node or None
        One map without ``extends``; None where the spec itself cannot be read.
    problems : tuple of Problem
        Of all files, each once.
    files : tuple of SpecFile
        By precedence: the spec first, and each before those that it is laid over.
    whole : bool
        Whether all that it extends could be read: else keys that seem to be missing may stand there.
    """

    root: Node | None
    problems: tuple[Problem, ...]
    files: tuple[SpecFile, ...]
    whole: bool = True


def read_spec(path: Path, texts: Mapping[str, str] | None = None) -> ReadSpec:
    """Read a spec and what it extends.

    Later files win over earlier ones, and the spec over all that it extends: maps merge, lists and single values
    replace, `errors` and `adoption` of an entry replace whole, and ``key: null`` removes what was written before.
    A file of the library (``extends: library/hrw_2026.yaml``) speaks of the data of whoever extends it.

    Parameters
    ----------
    path : Path
    texts : mapping of str to str, optional
        What an editor or Python holds of files, by their real paths: read in the place of what stands there.

    Returns
    -------
    ReadSpec
    """
    reader = _Reader(texts or {})
    file = SpecFile(str(path), path)
    root = reader.tree(file, "", ())
    return ReadSpec(root, tuple(dict.fromkeys(reader.problems)), tuple(reversed(reader.files)), reader.whole)


@dataclass(slots=True)
class _Reader:
    texts: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    files: list[SpecFile] = field(default_factory=list)
    whole: bool = True
    done: dict[tuple[str, str], Node | None] = field(default_factory=dict)
    bytes_read: int = 0

    def tree(self, file: SpecFile, base: str, chain: tuple[tuple[str, str], ...]) -> Node | None:
        """Return the map of a file laid over those that it extends; `chain` are the files on the way here."""
        key = os.path.realpath(file.path)
        if (key, base) in self.done:
            return self.done[key, base]
        file = replace(file, text=self.texts.get(key))
        root, problems = read(file.path, shown=file.shown, base=base, text=file.text)
        self.problems += problems
        self.whole &= root is not None
        if root is not None:
            # The spec's own number wins over those of the files below it, which are written as they are.
            wrong = wrong_format(root) if chain else None
            self.problems += [] if wrong is None else [wrong]
            root = self.over_parents(root, file, (*chain, (key, file.shown)))
        self.files.append(file)
        self.done[key, base] = root
        return root

    def over_parents(self, root: Node, file: SpecFile, chain: tuple[tuple[str, str], ...]) -> Node:
        entry = root.entries.get(KEY)
        if entry is None:
            return root
        own = Node(root.position, {key: one for key, one in root.entries.items() if key != KEY})
        below: Node | None = None
        for node in self.named(entry):
            parent = self.parent(node, file, chain)
            if parent is not None:
                below = parent if below is None else laid_over(below, parent)
        return own if below is None else laid_over(below, own)

    def named(self, entry: Entry) -> tuple[Node, ...]:
        """Return the nodes that name a file each; tell of those that do not."""
        node = entry.node
        nodes = node.items if isinstance(node.value, tuple) else (node,)
        if not nodes:
            self.problem(node, "an empty list", advice="name a spec, or leave the key out")
        found = []
        for one in nodes:
            if isinstance(one.value, str) and one.value.strip():
                found.append(one)
                continue
            place = Node(entry.key_position, None) if one.value is None else one
            self.problem(
                place, f"the path of a spec is wanted, not {as_written(plain(one))}", advice="write extends: base.yaml"
            )
        return tuple(found)

    def parent(self, node: Node, file: SpecFile, chain: tuple[tuple[str, str], ...]) -> Node | None:
        written = str(node.value)
        found = _found(written, file, node)
        if isinstance(found, Problem):
            self.problems.append(found)
            self.whole = False
            return None
        key = os.path.realpath(found.path)
        names = [name for name, _ in chain]
        if key in names:
            circle = " -> ".join([*(shown for _, shown in chain[names.index(key) :]), found.shown])
            self.problem(node, "a circle", circle)
            return None
        if len(chain) >= MAX_CHAIN:
            self.problem(node, f"more than {MAX_CHAIN} specs that extend one another")
            return None
        if len(self.files) + len(chain) >= MAX_FILES:
            self.problem(node, f"more than {MAX_FILES} files")
            return None
        self.bytes_read += found.path.stat().st_size
        if self.bytes_read > MAX_BYTES_OF_ALL:
            self.problem(node, f"more than {MAX_BYTES_OF_ALL:,} bytes in all", "is this a spec, or data?")
            return None
        base = str(node.position.folder) if found.shipped else ""
        return self.tree(found, base, chain)

    def problem(self, node: Node, what: str, meaning: str = "", advice: str = "") -> None:
        self.problems.append(Problem(node.position, KEY, what, meaning, advice))
        self.whole = False


def _found(written: str, file: SpecFile, node: Node) -> SpecFile | Problem:
    """Return the file that is meant: beside the spec that names it, else in the library."""
    folder = file.path.parent
    path = folder / written
    try:
        if path.is_file():
            return SpecFile(_shown(Path(file.shown).parent / written, path), path, file.shipped)
        parts = Path(written).parts
        if len(parts) == 2 and parts[0] == LIBRARY_NAME:
            return _of_library(parts[1], node)
        what = f'"{written}" is a folder' if path.is_dir() else f'no such file "{written}"'
        if path.exists() and not path.is_dir():
            what = f'"{written}" is no file'
        near = _near(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Problem(node.position, KEY, f"{as_written(written)} cannot be looked up: {reason}")
    where = os.path.normpath(path)
    meaning = f"it would be {where}" if where != written else ""
    return Problem(node.position, KEY, what, meaning, near or f"a spec of ours: extends: {LIBRARY_NAME}/hrw_2026.yaml")


def _of_library(name: str, node: Node) -> SpecFile | Problem:
    known = sorted(one.name for one in LIBRARY.glob("*.yaml"))
    name = name if name.endswith(".yaml") else f"{name}.yaml"
    if name in known:
        return SpecFile(str(LIBRARY / name), LIBRARY / name, shipped=True)
    what = f'the library has no spec "{name}"'
    advice = did_you_mean(name, known) or f"there are: {', '.join(known)}"
    return Problem(node.position, KEY, what, "", advice)


def _near(path: Path) -> str:
    try:
        names = [one.name for one in path.parent.iterdir() if one.suffix in (".yaml", ".yml")]
    except OSError:
        return f'there is no folder "{path.parent}"'
    return did_you_mean(path.name, names)


def _shown(joined: Path, path: Path) -> str:
    """Return a path without steps up and down again, where that names the same file (links may make it another)."""
    short = os.path.normpath(joined)
    try:
        return short if os.path.samefile(short, path) else str(joined)
    except OSError:
        return str(joined)


def laid_over(parent: Node, child: Node) -> Node:
    """Return `child` laid over `parent`, both maps of a spec; see `specs.tree.merge`."""
    # Sections, then entries, then their keys.
    return merge(parent, child, lambda depth, key: depth == 2 and key in REPLACED_WHOLE)
