"""What the docs say of the grammars is what the parsers do; and what `check` must not load, it does not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from specs import expressions, formula, read, source, tokens
from specs.functions import FUNCTIONS

DOCS = (Path(__file__).parents[2] / "docs" / "grammar.md").read_text(encoding="utf-8")


def test_the_bounds_stand_in_the_docs() -> None:
    for bound in (
        formula.MAX_LENGTH,
        formula.MAX_TERMS,
        formula.MAX_FACTORS,
        expressions.MAX_LENGTH,
        expressions.MAX_NESTING,
        expressions.MAX_DEPTH,
        expressions.MAX_ITEMS,
        source.MAX_BYTES,
        read.MAX_DEPTH,
        read.MAX_VALUES,
    ):
        assert re.search(rf"\b{bound:,}\b", DOCS), bound
    assert f'"{formula.MAX_POWER}" ;' in DOCS


def test_every_function_stands_in_the_docs_and_no_other() -> None:
    rows = "\n".join(line.split("|")[1] for line in DOCS.split("\n") if line.startswith("| `"))
    table = rows[rows.index("`log(x)`") :]
    assert set(re.findall(r"`(\w+)\(", table)) == set(FUNCTIONS)


def test_reserved_words_are_no_names() -> None:
    assert not any(tokens.is_name(word) for word in ("and", "or", "not", "in", "true", "false", "", "3x", "a b", "a."))
    assert all(tokens.is_name(word) for word in ("ai", "_x", "log.sales", "café", "AND", "x2"))


def test_reading_a_spec_loads_nothing_heavy() -> None:
    code = (
        "import sys, specs.model, specs.like, specs.read, specs.digest\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'duckdb', 'narwhals', 'matplotlib', 'babel', 'rich'}\n"
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
