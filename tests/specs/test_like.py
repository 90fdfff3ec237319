"""`like` and `and_where`: what a copy has, where each of its values stands, and what cannot be copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.bind import bind
from specs.errors import Position
from specs.fields import ExpressionField, OptionsModel
from specs.like import Resolved, resolve_like
from specs.tree import Entry, Node, plain
from tests.specs.support import root_of


class Body(OptionsModel):
    where: ExpressionField


def resolved(folder: Path, text: str) -> Resolved:
    return resolve_like(root_of(folder, text), "models")


def bodies(found: Resolved) -> dict[str, object]:
    return {name: plain(entry.node) for name, entry in found.entries.items()}


def test_own_keys_win_and_every_value_keeps_its_place(tmp_path: Path) -> None:
    found = resolved(
        tmp_path,
        "c: {like: b, errors: HC3}\n"
        "a: {design: d, errors: classical, reference: {size: x, nace: C}}\n"
        "b: {like: a, reference: {size: y}}\n",
    )
    assert found.problems == ()
    assert bodies(found) == {
        "c": {"design": "d", "errors": "HC3", "reference": {"size": "y"}},
        "a": {"design": "d", "errors": "classical", "reference": {"size": "x", "nace": "C"}},
        "b": {"design": "d", "errors": "classical", "reference": {"size": "y"}},
    }
    copy = found.entries["c"].node.entries
    assert copy["design"].key_position == Position("s.yaml", 2, 5)
    assert copy["reference"].key_position == Position("s.yaml", 3, 14)
    assert copy["errors"].node.position == Position("s.yaml", 1, 22)


def test_a_null_removes_what_would_be_copied(tmp_path: Path) -> None:
    found = resolved(tmp_path, "a: {x: 1, y: 2}\nb: {like: a, y: }\n")
    assert bodies(found)["b"] == {"x": 1}


def test_where_replaces_and_and_where_narrows(tmp_path: Path) -> None:
    found = resolved(
        tmp_path,
        "a: {where: x == 1 or y}\n"
        "b: {like: a, where: z}\n"
        "c: {like: a, and_where: 'w > 2'}\n"
        "d: {like: c, and_where: v}\n"
        "e: {and_where: u}\n"
        "f: {like: a, where: t, and_where: s}\n",
    )
    assert {name: body["where"] for name, body in bodies(found).items()} == {  # type: ignore[index]
        "a": "x == 1 or y",
        "b": "z",
        "c": "(x == 1 or y) and (w > 2)",
        "d": "((x == 1 or y) and (w > 2)) and (v)",
        "e": "u",
        "f": "(t) and (s)",
    }


def test_a_joined_condition_knows_the_place_of_both_halves(tmp_path: Path) -> None:
    found = resolved(tmp_path, "a: {where: x == 1}\nb: {like: a, and_where: 'w > 2'}\nc: {like: b, and_where: v}\n")
    entry = found.entries["c"]
    model, problems = bind(Body, entry.node, "models.c")
    assert problems == ()
    assert model is not None
    where = entry.node.entries["where"].node
    places = {name: where.at(offset) for name, offset in model.where.names()}
    assert places == {
        "x": Position("s.yaml", 1, 12),
        "w": Position("s.yaml", 2, 26),
        "v": Position("s.yaml", 3, 25),
    }


def test_no_bracket_of_one_condition_closes_in_the_other(tmp_path: Path) -> None:
    found = resolved(tmp_path, "a: {where: x}\nb: {like: a, and_where: 'y) or (z'}\n")
    assert [str(one) for one in found.problems] == ['s.yaml:2:27: models.b.and_where: ")" is not expected here']
    found = resolved(tmp_path, "a: {where: 'y) or (z'}\nb: {like: a, and_where: x}\n")
    assert bodies(found)["b"] == {"where": "y) or (z"}  # which is refused where it is bound


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "table1: {x: 1}\nb: {like: tabel1}\n",
            ['s.yaml:2:11: models.b.like: no entry "tabel1" under models:, did you mean "table1"?'],
        ),
        ("b: {like: zzz}\n", ['s.yaml:1:11: models.b.like: no entry "zzz" under models:']),
        ("a: {like: a}\n", ["s.yaml:1:11: models.a.like: a circle, a -> a"]),
        (
            "a: {like: b}\nb: {like: c}\nc: {like: b}\n",
            ["s.yaml:3:11: models.c.like: a circle, b -> c -> b"],
        ),
        (
            "a: {x: 1}\nb: {like: [a]}\n",
            ["s.yaml:2:11: models.b.like: the name of an entry is wanted, not a list, write like: table1"],
        ),
        (
            "a: {where: x}\nb: {like: a, and_where: [y]}\n",
            ["s.yaml:2:25: models.b.and_where: an expression is wanted, not a list, write and_where: employees >= 50"],
        ),
        (
            "a: {where: x}\nb: {like: a, and_where: y = 2}\n",
            ['s.yaml:2:27: models.b.and_where: "=" has no meaning here, write == to compare'],
        ),
    ],
)
def test_mistakes(tmp_path: Path, text: str, messages: list[str]) -> None:
    assert [str(one) for one in resolved(tmp_path, text).problems] == messages


def test_copies_of_nothing_are_kept_apart_so_that_their_own_keys_can_be_checked(tmp_path: Path) -> None:
    found = resolved(tmp_path, "a: {like: zzz, errors: HC1}\nb: {like: a}\n")
    assert list(found.entries) == []
    assert {name: plain(entry.node) for name, entry in found.orphans.items()} == {
        "a": {"errors": "HC1"},
        "b": {},
    }
    assert len(found.problems) == 1


def test_keys_that_the_new_method_lacks_are_left_out_with_a_note(tmp_path: Path) -> None:
    root = root_of(tmp_path, "a: {method: m, degree: 2, x: 1}\nb: {like: a, method: n, x: 2, own: 3}\n")
    known = {"m": {"method", "degree", "x"}, "n": {"method"}}
    found = resolve_like(root, "productivity", keys_of=lambda node: known[str(node.entries["method"].node.value)])
    # x and own are the copy's own: whatever is wrong with them is its own mistake
    assert bodies(found)["b"] == {"method": "n", "x": 2, "own": 3}
    assert found.notes == (("b", '"degree" of a is left out: it is no key here'),)


def test_a_copy_takes_over_what_its_parent_only_implies(tmp_path: Path) -> None:
    root = root_of(tmp_path, "a: {errors: classical}\nb: {like: a, errors: HC1}\n")

    def settle(name: str, node: Node) -> Node:
        implied = Entry(node.position, Node(node.position, "ignore"))
        return Node(node.position, {"tfp_uncertainty": implied, **node.entries})

    found = resolve_like(root, "models", settle=settle)
    assert bodies(found) == {
        "a": {"errors": "classical"},
        "b": {"tfp_uncertainty": "ignore", "errors": "HC1"},
    }


def test_a_long_chain_of_copies(tmp_path: Path) -> None:
    lines = ["m0: {x: 1}"] + [f"m{number}: {{like: m{number - 1}, and_where: y}}" for number in range(1, 12)]
    found = resolved(tmp_path, "\n".join(reversed(lines)))
    assert found.problems == ()
    assert str(found.entries["m11"].node.entries["where"].node.value).count("and") == 10


def test_chains_of_copies_are_bounded(tmp_path: Path) -> None:
    lines = ["m0: {x: 1}"] + [f"m{number}: {{like: m{number - 1}}}" for number in range(1, 3_000)]
    messages = [str(one) for one in resolved(tmp_path, "\n".join(reversed(lines))).problems]
    assert messages[0].endswith("more than 50 copies of copies")
