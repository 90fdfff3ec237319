"""A change of one value in the text of a spec leaves all else as it is."""

from __future__ import annotations

import difflib
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.edit import insert_first, remove, rename, set_value, values_of
from specs.errors import TfplabError
from specs.yaml_text import Value, block, flow

LIBRARY = sorted((Path(__file__).parents[2] / "specs" / "library").glob("*.yaml"))

TEXT = """\
# What a referee asked.
tfplab: 1
panel:   # where the data are
  table: {files: "panel.csv"}   # ours

  firm: 'id'
models:
  # the first
  m:
    design: cross_section
    where: |
      year == 2020
      and ai == 1

    of:
    - a   # one
    - {b: 1,
       c: 2}
    keep:
  n: {like: m, errors: {cluster: [firm]}}   # clustered
# the end
"""


def changed(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        ("panel.firm", "firm id", ["-  firm: 'id'", "+  firm: 'firm id'"]),
        ("panel.firm", 3, ["-  firm: 'id'", "+  firm: 3"]),
        ("panel.table.files", "a.csv",
         ['-  table: {files: "panel.csv"}   # ours', '+  table: {files: "a.csv"}   # ours']),
        ("panel.table", "x", ['-  table: {files: "panel.csv"}   # ours', "+  table: x   # ours"]),
        ("panel.year", "yr", ["+  year: yr"]),
        ("models.m.of.0", "z", ["-    - a   # one", "+    - z   # one"]),
        ("models.m.of.1.c", [1, 2], ["-       c: 2}", "+       c: [1, 2]}"]),
        ("models.m.of.2", "new", ["+    - new"]),
        ("models.m.keep", "ai", ["-    keep:", "+    keep: ai"]),
        ("models.m.errors.cluster", ["firm"], ["+    errors: {cluster: [firm]}"]),
        ("models.n.errors", "HC1",
         ["-  n: {like: m, errors: {cluster: [firm]}}   # clustered", "+  n: {like: m, errors: HC1}   # clustered"]),
        ("models.o", {"like": "m"}, ["+  o: {like: m}"]),
        ("seed", 7, ["+seed: 7"]),
        ("models.m.title", "NO", ["+    title: NO"]),
        ("models.m.title", "010", ["+    title: '010'"]),
        ("models.m.title", "it's: so", ["+    title: 'it''s: so'"]),
        ("models.m.title", "two\nlines", ['+    title: "two\\nlines"']),
        ("models.m.title", "2020", ["+    title: '2020'"]),
        ("panel", "gone", ["-panel:   # where the data are", '-  table: {files: "panel.csv"}   # ours', "-",
                           "-  firm: 'id'", "+panel: gone   # where the data are"]),
    ],
)  # fmt: skip
def test_only_what_is_set_changes(path: str, value: Value, lines: list[str]) -> None:
    after = set_value(TEXT, path.split("."), value)
    assert changed(TEXT, after) == lines
    assert set_value(after, path.split("."), value) == after


def test_a_map_over_a_map_keeps_what_stays() -> None:
    values: Any = values_of(TEXT)
    panel = {**values["panel"], "firm": "plant", "year": "yr"}
    assert changed(TEXT, set_value(TEXT, ["panel"], panel)) == ["-  firm: 'id'", "+  firm: 'plant'", "+  year: yr"]


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("panel.table", ['-  table: {files: "panel.csv"}   # ours']),
        ("panel.table.files", ['-  table: {files: "panel.csv"}   # ours', "+  table: {}   # ours"]),
        ("models.m.of.0", ["-    - a   # one"]),
        ("models.m.of.1.b", ["-    - {b: 1,", "-       c: 2}", "+    - {c: 2}"]),
        ("models.n.like", ["-  n: {like: m, errors: {cluster: [firm]}}   # clustered",
                           "+  n: {errors: {cluster: [firm]}}   # clustered"]),
        ("models.n", ["-  n: {like: m, errors: {cluster: [firm]}}   # clustered"]),
    ],
)  # fmt: skip
def test_only_what_is_removed_goes(path: str, lines: list[str]) -> None:
    assert changed(TEXT, remove(TEXT, path.split("."))) == lines


def test_a_key_gets_another_name_in_its_place() -> None:
    assert changed(TEXT, rename(TEXT, ["models", "m", "of"], "parts")) == ["-    of:", "+    parts:"]
    with pytest.raises(TfplabError, match='"where" is there already'):
        rename(TEXT, ["models", "m", "of"], "where")
    with pytest.raises(TfplabError, match=r"models\.q: there is nothing"):
        rename(TEXT, ["models", "q"], "r")


def test_a_new_first_key_stands_below_the_comments_at_the_head() -> None:
    text = "# mine\n\npanel: {table: {files: a.csv}}\n"
    assert insert_first(text, "tfplab", 1) == "# mine\n\ntfplab: 1\npanel: {table: {files: a.csv}}\n"
    assert insert_first("{a: 1}\n", "tfplab", 1) == "{tfplab: 1, a: 1}\n"
    assert insert_first("--- # x\r\n  a: 1\r\n", "tfplab", 1) == "--- # x\r\n  tfplab: 1\r\n  a: 1\r\n"


def test_the_files_own_line_breaks_stay() -> None:
    text = TEXT.replace("\n", "\r\n")
    after = set_value(text, ["models", "p"], {"where": "x" * 130, "of": ["a", "b"]})
    assert after.count("\n") == after.count("\r\n") > text.count("\r\n")
    assert values_of(after)["models"] == {**values_of(text)["models"], "p": {"where": "x" * 130, "of": ["a", "b"]}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("seed.x.y", "seed.x: seed is a single value, it has no keys"),
        ("list.5", "list.5: the list has 2 items, counted from 0"),
        ("b.c", "b.c: the text cannot be changed there without changing something else"),
        ("a.c", "a.c: the text cannot be changed there without changing something else"),
    ],
)
def test_what_would_reach_further_is_refused(path: str, why: str) -> None:
    text = "seed: 1\nlist: [1, 2]\na: &x {c: 1}\nb: *x\n"
    with pytest.raises(TfplabError) as caught:
        set_value(text, path.split("."), 5)
    assert str(caught.value).startswith(why)
    assert set_value(text, ["b"], 5) == text.replace("*x", "5")


def test_something_missing_cannot_be_removed() -> None:
    with pytest.raises(TfplabError, match=r"panel\.nothing: there is nothing"):
        remove(TEXT, ["panel", "nothing"])


words = st.text(
    st.one_of(st.sampled_from("ab :#'\"{}[],-&*!|>%@`~<=0123456789.\n\téNOyes"), st.characters(codec="utf-8")),
    max_size=12,
).filter(lambda text: all(one.isprintable() or one in "\n\t" for one in text) and "\ufffe" not in text)
singles = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e300, 1e300, allow_nan=False), words
)
plain_values = st.recursive(
    singles,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=12,
)
documents = st.dictionaries(words, plain_values, min_size=1, max_size=4)


@settings(max_examples=int(os.environ.get("TFPLAB_LAYOUTS", "80")), deadline=None)
@given(documents)
def test_what_is_written_reads_back_as_itself(values: dict[str, Value]) -> None:
    for text in ("\n".join(block(values, 0, 0)) + "\n", flow(values) + "\n"):
        assert json.dumps(values_of(text)) == json.dumps(values)


def laid_out(value: Value, chance: random.Random, indent: int = 0, within_flow: bool = False) -> str:
    """Write a value as a person might: in braces or a key a line, with comments, empty lines and odd spaces."""

    def note() -> str:
        return chance.choice(["", "", "", "  # note"])

    if not isinstance(value, (dict, list)) or not value or within_flow or chance.random() < 0.3:
        return " " * chance.choice([1, 1, 3]) + flow(value) + ("" if within_flow else note()) + "\n"
    lines = [note(), "\n"]
    deeper = indent + chance.choice([1, 2, 4])
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        lines += chance.choice(["", "", "\n", " " * chance.choice([0, deeper]) + "# above\n"])
        start = flow(key).strip() + ":" if isinstance(key, str) else "-"
        lines += [" " * deeper, start, laid_out(one, chance, deeper)]
    return "".join(lines)


@settings(max_examples=int(os.environ.get("TFPLAB_LAYOUTS", "80")), deadline=None)
@given(documents, plain_values, st.randoms(use_true_random=False))
def test_any_value_of_any_layout_can_be_set_and_removed(
    values: dict[str, Value], new: Value, chance: random.Random
) -> None:
    text = laid_out(values, chance).lstrip(" ")
    text = text[text.index("\n") + 1 :] if not text.startswith(("{", "#")) else text
    assert json.dumps(values_of(text)) == json.dumps(values)
    paths = list(ways(values))
    path = chance.choice(paths)
    after = set_value(text, path, new)
    comments = [line for line in text.splitlines() if line.strip().startswith("#")]
    if not isinstance(at(values, path), (dict, list)):
        # Of a single value no comment goes, and no other line changes.
        assert [line for line in after.splitlines() if line.strip().startswith("#")] == comments
    assert json.dumps(at(values_of(after), path)) == json.dumps(new)
    assert set_value(text, path, at(values, path)) == text
    assert len(path) == 1 or json.dumps(values_of(remove(text, path))) != json.dumps(values)


def ways(value: Value, path: tuple[str, ...] = ()) -> Any:
    if path:
        yield path
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from ways(one, (*path, str(key)))


def at(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["unix", "windows"])
def test_every_value_of_the_librarys_specs_can_be_set(path: Path, newline: str) -> None:
    text = path.read_text(encoding="utf-8").replace("\n", newline)
    values = values_of(text)
    chance = random.Random(path.stem)
    for way in chance.sample(list(ways(values)), 12):
        after = set_value(text, way, "another text")
        assert at(values_of(after), way) == "another text"
        assert set_value(text, way, at(values, way)) == text
        if not isinstance(at(values, way), (dict, list)):
            assert len(changed(text, after)) == 2
