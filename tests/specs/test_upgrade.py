"""Older formats become the one of today, and nothing else in a spec changes."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.edit import values_of
from specs.errors import SpecError, TfplabError
from specs.extends import read_spec
from specs.formats import VERSION
from specs.upgrade import STEPS, Rewrite, numbered, removed, renamed, replaced, upgrade
from tests.specs.test_edit import LIBRARY, documents, laid_out

BEFORE = """\
# A study of old.

panel: {table: {files: panel.csv}}   # ours
models:
  m:
    design: cross_section   # a regression
    std_errors: robust  # as they asked
    robust: robust
    parts:
    - {kind: a, std_errors: 3}
    -   # the second
      std_errors: robust
      old: 1
"""


def test_every_step_up_to_the_format_of_today_is_there() -> None:
    assert list(STEPS) == list(range(VERSION))


def test_a_spec_without_a_number_gets_one_below_the_comments_at_its_head() -> None:
    done = upgrade(BEFORE)
    assert done.text == BEFORE.replace("panel: {", "tfplab: 1\npanel: {")
    assert (done.found, done.changes) == (0, ("tfplab: 1 says in which format the spec is written",))
    again = upgrade(done.text)
    assert (again.text, again.found, again.changes) == (done.text, 1, ())


def test_the_number_nought_is_replaced_where_it_stands() -> None:
    assert upgrade("title: x\ntfplab: 0  # old\n").text == "title: x\ntfplab: 1  # old\n"


def to_2() -> tuple[Rewrite, ...]:
    return (
        replaced("models.*.std_errors", "robust", "HC1"),
        renamed("models.*.std_errors", "errors", "the key std_errors of a model is now errors"),
        renamed("models.*.parts.*.std_errors", "errors"),
        removed("models.*.parts.*.old"),
        numbered(2),
    )


MADE_UP: Mapping[int, Callable[[], tuple[Rewrite, ...]]] = {**STEPS, 1: to_2}


def test_steps_follow_one_another_and_comments_stay() -> None:
    done = upgrade(BEFORE, steps=MADE_UP, target=2)
    assert (
        done.text
        == """\
# A study of old.

tfplab: 2
panel: {table: {files: panel.csv}}   # ours
models:
  m:
    design: cross_section   # a regression
    errors: HC1  # as they asked
    robust: robust
    parts:
    - {kind: a, errors: 3}
    -   # the second
      errors: robust
"""
    )
    assert done.changes == (
        "tfplab: 1 says in which format the spec is written",
        "models.*.std_errors: robust is now written HC1",
        "the key std_errors of a model is now errors",
        "models.*.parts.*.std_errors is now called errors",
        "models.*.parts.*.old is no longer a key",
        "tfplab: 2 says in which format the spec is written",
    )
    assert upgrade("tfplab: 1\n", steps=MADE_UP, target=2).changes == done.changes[-1:]


def test_what_cannot_be_changed_alone_is_told() -> None:
    text = "tfplab: 1\nmodels:\n  a: &a {std_errors: 1}\n  b: *a\n"
    with pytest.raises(TfplabError, match=r"old\.yaml: the key std_errors of a model is now errors, but models\.a"):
        upgrade(text, "old.yaml", MADE_UP, 2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tfplab: 2\n", "s.yaml:1:9: tfplab: the format 2 is newer than this tfplab, this version reads format 1"),
        ("tfplab: -1\n", "s.yaml:1:9: tfplab: the format -1 is not known here"),
        ("tfplab: true\n", "s.yaml:1:9: tfplab: the format true is not known here"),
        ("tfplab: '1'\n", 's.yaml:1:9: tfplab: the format "1" is not known here'),
        ("tfplab: 1.0\n", "s.yaml:1:9: tfplab: the format 1.0 is not known here"),
        ("tfplab:\n", "s.yaml:1:1: tfplab: the format nothing is not known here"),
        ("a: [1\n", "s.yaml:"),
        ("a: 1\na: 2\n", "s.yaml:2:1: "),
        ("", "s.yaml:1:1: the file is empty"),
    ],
)
def test_what_has_no_format_that_is_known_stays_as_it_is(text: str, why: str) -> None:
    with pytest.raises(SpecError) as caught:
        upgrade(text, "s.yaml")
    assert str(caught.value).startswith(why)


def test_a_file_below_a_spec_is_in_a_known_format_too(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("title: x\ntfplab: 0\n")
    (tmp_path / "part.yaml").write_text("seed: 2\n")  # states none: it is one with the spec
    (tmp_path / "spec.yaml").write_text("tfplab: 1\nextends: [base.yaml, part.yaml]\n")
    (problem,) = read_spec(tmp_path / "spec.yaml").problems
    base = tmp_path / "base.yaml"
    assert str(problem) == (
        f"{base}:2:9: tfplab: the format 0 is an older one, this version reads format 1, run tfplab upgrade {base}"
    )


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_specs_of_the_library_lose_and_get_their_number(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert upgrade(text).text == text
    line = next(one for one in text.splitlines(keepends=True) if one.startswith("tfplab: 1"))
    without = text.replace(line, "", 1)
    after = upgrade(without).text
    assert values_of(after) == values_of(text)
    assert after.replace("tfplab: 1\n", "", 1) == without


@settings(max_examples=int(os.environ.get("TFPLAB_LAYOUTS", "60")), deadline=None)
@given(documents, st.randoms(use_true_random=False), st.sampled_from(["\n", "\r\n"]))
def test_any_layout_gets_a_number_and_nothing_else(values: Any, chance: random.Random, newline: str) -> None:
    text = laid_out(values, chance).lstrip(" ")
    text = text[text.index("\n") + 1 :] if not text.startswith(("{", "#")) else text
    text = text.replace("\n", newline)
    after = upgrade(text).text
    assert values_of(after) == {"tfplab": 1, **values}
    assert len(after.splitlines()) - len(text.splitlines()) == (0 if text.startswith("{") else 1)
    assert upgrade(after).text == after
