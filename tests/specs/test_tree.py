"""The position tree: finding, merging and setting values, each of which keeps its own place."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.errors import Position
from specs.tree import find, is_list, is_mapping, is_scalar, merge, nearest, plain, set_value, walk
from tests.specs.support import root_of

PARENT = """\
a: 1
b: {x: 1, y: [1, 2]}
errors: {cluster: [firm]}
gone: 5
"""
CHILD = """\
b: {y: [3], z: 4}
errors: HC1
gone:
new: 6
"""


@pytest.fixture
def parent(tmp_path: Path):  # type: ignore[no-untyped-def]
    return root_of(tmp_path, PARENT)


def test_forms_and_paths(parent) -> None:  # type: ignore[no-untyped-def]
    assert is_mapping(parent)
    found = find(parent, ("b", "y", 1))
    assert found is not None
    assert is_scalar(found)
    assert found.position == Position("s.yaml", 2, 18)
    assert is_list(nearest(parent, ("b", "y", "nothing", "below")))
    assert find(parent, ("b", "y", 2)) is None
    assert find(parent, ("a", "below")) is None
    assert [path for path, _ in walk(parent)][:5] == [(), ("a",), ("b",), ("b", "x"), ("b", "y")]


def test_merge_keeps_the_place_of_every_value(tmp_path: Path, parent) -> None:  # type: ignore[no-untyped-def]
    child = root_of(tmp_path, CHILD)
    merged = merge(parent, child, lambda _, key: key == "errors")
    assert plain(merged) == {"a": 1, "b": {"x": 1, "y": (3,), "z": 4}, "errors": "HC1", "new": 6}
    assert merged.entries["b"].node.entries["x"].key_position.line == 2  # of the parent
    assert merged.entries["b"].node.entries["y"].key_position.line == 1  # of the child


def test_set_value_makes_the_maps_on_its_way(parent) -> None:  # type: ignore[no-untyped-def]
    value = parent.entries["a"].node
    assert plain(set_value(parent, ("b", "y", 0), value)) == {**plain(parent), "b": {"x": 1, "y": (1, 2)}}  # type: ignore[dict-item]
    changed = set_value(parent, ("p", "q"), value)
    assert find(changed, ("p", "q")) == value
    assert find(parent, ("p",)) is None
    with pytest.raises(KeyError):
        set_value(parent, ("a", "below"), value)
