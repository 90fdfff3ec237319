"""Selections that are kept are those that the panel itself gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from panels.frame import FirmPanel, Selection, TextColumn
from specs.expressions import parse_expression
from tests.tfplab.test_variants import BASE
from tfplab.first_gate import make_plan
from tfplab.runner import build_panel
from tfplab.selections import Selections

WANTED = [("ln_va", "nace"), ("nace",), (), ("year", "firm", "ai"), ("ln_va", "ln_l", "region", "ln_va")]
CONDITIONS = [None, "year == 2023", "ai == 1", "lag(labour) > 20", "year == 1900"]


@pytest.fixture(scope="module")
def panel(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> FirmPanel:
    folder = tmp_path_factory.mktemp("selections")
    (folder / "data").symlink_to(demo_folder / "data")
    (folder / "s.yaml").write_text(BASE, encoding="utf-8")
    return build_panel(make_plan(folder / "s.yaml"))


def same(one: Selection, other: Selection) -> bool:
    assert list(one.columns) == list(other.columns)
    assert (one.n_panel, one.outside, one.aliases) == (other.n_panel, other.outside, other.aliases)
    pairs = [(one.rows, other.rows), (one.firm, other.firm), (one.year, other.year)]
    for mine, theirs in zip(one.columns.values(), other.columns.values(), strict=True):
        assert type(mine) is type(theirs)
        if isinstance(mine, TextColumn):
            assert mine.levels == theirs.levels  # type: ignore[union-attr]
            pairs.append((mine.codes, theirs.codes))  # type: ignore[union-attr]
        else:
            pairs.append((mine.values, theirs.values))  # type: ignore[union-attr]
    return all(np.array_equal(a, b, equal_nan=True) and a.dtype == b.dtype for a, b in pairs)


@pytest.mark.parametrize("at_most", [2**28, 2_000_000, 0], ids=["all", "some", "nothing"])
def test_they_are_those_of_the_panel(panel: FirmPanel, at_most: int) -> None:
    kept = Selections(panel, at_most)
    for text in [*CONDITIONS, *CONDITIONS[:2]]:
        where = None if text is None else parse_expression(text)
        for columns in WANTED:
            assert same(kept.select(columns, where), panel.select(columns, where)), (text, columns)


def test_the_same_question_gives_the_same_object_with_what_was_made_of_it(panel: FirmPanel) -> None:
    kept, where = Selections(panel), parse_expression("year == 2023")
    first = kept.select(("ln_va",), where)
    first.made["x"] = 1
    assert kept.select(("ln_va",), where) is first
    # What is made of some rows is not handed on to others.
    assert first.take(np.ones(first.rows.size, dtype=np.bool_)).made == {}
    assert kept.select(("ln_l",), where).made == {}


def test_nobody_can_write_into_what_others_see(panel: FirmPanel) -> None:
    found = Selections(panel).select(("ln_va",))
    with pytest.raises(ValueError, match="read-only"):
        found.number("ln_va")[0] = 0.0
