"""What the tests of this floor share."""

from __future__ import annotations

from pathlib import Path

from specs.errors import SpecError
from specs.like import resolve_like
from specs.model import SpecModel, parse_spec
from specs.read import read
from specs.tree import Node, plain

SHIPPED = Path(__file__).parents[2] / "specs" / "library" / "hrw_2026.yaml"


def tree(folder: Path, text: str | bytes) -> tuple[Node | None, list[str]]:
    """Read a text as a file that messages call s.yaml."""
    path = folder / "s.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    root, problems = read(path, shown="s.yaml")
    return root, [str(problem) for problem in problems]


def root_of(folder: Path, text: str) -> Node:
    """Read a text that has no problem."""
    root, problems = tree(folder, text)
    assert problems == []
    assert root is not None
    return root


def values(folder: Path, text: str) -> object:
    """Read a text that has no problem, without positions."""
    return plain(root_of(folder, text))


def spec(folder: Path, text: str) -> tuple[SpecModel, list[str]]:
    """Read and bind a text; the problems as a user sees them."""
    model, problems = parse_spec(root_of(folder, text))
    shown = str(SpecError(problems)).split("\n") if problems else []
    return model, shown


def all_problems(path: Path, shown: str) -> list[tuple[int, int, str]]:
    """Return line, column and message of all that this floor finds in a file."""
    root, problems = read(path, shown=shown)
    found = list(problems)
    if root is not None:
        model, more = parse_spec(root)
        found += more
        for key in ("productivity", "models"):
            if getattr(model, key):
                found += resolve_like(root.entries[key].node, key).problems
    return [(one.position.line, one.position.column, str(one)) for one in found]
