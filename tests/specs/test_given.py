"""Values given with a command: laid over a spec, with their own place."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.given import lay_over
from specs.read import read
from specs.tree import Node, as_list, find


def spec(tmp_path: Path, text: str) -> Node:
    path = tmp_path / "s.yaml"
    path.write_text(text, encoding="utf-8")
    root, problems = read(path, shown="s.yaml")
    assert root is not None
    assert not problems
    return root


TEXT = "models: {m: {errors: HC1, where: year == 2023}}\nseed: 1\n"


def test_values_replace_add_and_remove(tmp_path: Path) -> None:
    given = ["models.m.errors={cluster: [firm]}", "models.m.where=null", "labels.ai.en=Uses AI = yes", "seed=7"]
    root, problems = lay_over(spec(tmp_path, TEXT), given)
    assert not problems
    assert as_list(root) == {
        "models": {"m": {"errors": {"cluster": ["firm"]}}}, "seed": 7, "labels": {"ai": {"en": "Uses AI = yes"}}
    }  # fmt: skip
    node = find(root, ("models", "m", "errors", "cluster", 0))
    assert node is not None
    assert str(node.position) == "--set:1:28"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("seed", '--set:1:1: "seed" has no value, write --set models.table1.errors=HC3'),
        ("=3", '--set:1:1: "=3" is not a path and a value, write --set models.table1.errors=HC3'),
        ("a..b=3", '--set:1:1: "a..b=3" is not a path and a value, write --set models.table1.errors=HC3'),
        ("seed=", "--set:1:1: seed: no value, write --set models.table1.errors=HC3"),
        ("seed=[1", '--set:1:6: "[" is opened and never closed, add "]"'),
        ("extends=base.yaml", "--set:1:1: extends: what a spec extends cannot be set, it has been read by now"),
        ("models.n.errors=HC3", '--set:1:1: models.n.errors: no entry "n" under models:, there are: m'),
        ("seed.x=1", '--set:1:1: seed.x: "seed.x" leads through a value, x has no keys there, set the whole key'),
        ("seed=1\nx: 2", "--set:1:1: seed: a value on several lines, write it on one: {a: 1}, [1, 2]"),
        ("models.n=null", '--set:1:1: models.n: there is no "n" to remove, there are: m'),
        ("sed=null", '--set:1:1: sed: there is no "sed" to remove, did you mean "seed"?'),
        ("seed=!!python/none 3", "--set:1:6: "),
    ],
)
def test_mistakes_have_the_options_number_as_their_line(tmp_path: Path, given: str, told: str) -> None:
    before = spec(tmp_path, TEXT)
    root, problems = lay_over(before, [given])
    assert as_list(root) == as_list(before)
    assert len(problems) == 1
    assert str(problems[0]).startswith(told)
    _, problems = lay_over(before, ["seed=2", given])
    assert problems[0].position.line == 2
