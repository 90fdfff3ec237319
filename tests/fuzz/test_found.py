"""What the fuzzer and overlarge specs brought to light, each as its least spec; and size without bound."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from specs.errors import Problem, SpecError
from specs.read import read
from specs.source import MAX_BYTES
from tests.fuzz.fuzzing import answer, broken_rules, whole_specs
from tests.fuzz.mutations import tree_of, yaml_of
from tfplab.cli import main
from tfplab.explaining.formats import FORMATS, render
from tfplab.explaining.gather import account_of
from tfplab.first_gate import make_plan

ROOT = Path(__file__).parents[2]
HEAD = "tfplab: 1\ntitle: t\npanel: {table: {files: p.csv}, firm: f, year: y}\n"
MODEL = HEAD + "models: {m: {design: cross_section, formula: y ~ a}}\n"


def problems(folder: Path, text: str) -> tuple[Problem, ...]:
    """Return the problems of a spec beside a small panel."""
    (folder / "p.csv").write_text("f,y,a\n1,2000,1\n")
    path = folder / "s.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        told = account_of(make_plan(path))
        for name in FORMATS:
            render(told, name)
    except SpecError as error:
        return error.problems
    return ()


def messages(folder: Path, text: str) -> str:
    return "\n".join(str(one) for one in problems(folder, text)).replace(f"{folder}{os.sep}", "")


# Found by mutants


def test_a_block_of_maps_is_no_block_of_columns(tmp_path: Path) -> None:
    text = HEAD + "models: {m: {design: adoption_rates, items: [ai], by: [[{}]]}}\n"
    assert "s.yaml:4:57: models.m.by.0.0: " in messages(tmp_path, text)


def test_a_setting_that_spoils_the_panel_is_told(demo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(demo_folder / "data")
    text = "extends: library/hrw_2026.yaml\nvariants: {v: {of: table1, vary: {panel.years: [late]}}}\n"
    assert "s.yaml:2:49: panel.years: a first and a last are wanted" in messages(tmp_path, text)


def test_an_entry_without_a_name_has_one_problem(tmp_path: Path) -> None:
    found = messages(tmp_path, HEAD + "models: {'': {design: cross_section, formula: y ~ a}}\n")
    assert found.count("\n") == 0
    assert found.startswith("s.yaml:4:10: models")


def test_a_message_is_one_line_that_a_terminal_shows(tmp_path: Path) -> None:
    for name in ('"a\\nb"', '"a\\u202eb"', '"\\u200b"', "'" + "x" * 5_000 + "'"):
        for one in problems(tmp_path, HEAD + f"models: {{m: {{design: {name}, {name}: 1}}}}\n"):
            assert str(one).replace("…", "").isprintable()
            assert len(str(one)) < 3_000


# Files that are none, or never end


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/tty", "pipe", "/proc/self/mem", "."])
@pytest.mark.parametrize("how", ["spec", "parent", "layout"])
def test_devices_pipes_and_folders_are_not_read(tmp_path: Path, place: str, how: str) -> None:
    """A process of its own, so that a reader that waits does not take the tests with it."""
    if not hasattr(os, "mkfifo") or not Path("/dev/zero").exists():
        pytest.skip("no such files here")
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "s.yaml"
    if how == "spec":
        path = tmp_path / place
    elif how == "parent":
        path.write_text(f"extends: {place}\n{MODEL}")
    else:
        accounts = f"accounts: {{files: p.csv, layout: {place}}}"
        path.write_text(MODEL.replace("table: {files: p.csv}, firm: f, year: y", accounts))
    (tmp_path / "p.csv").write_text("f,y,a\n")
    run = subprocess.run(
        [sys.executable, "-m", "tfplab", "check", str(path)], cwd=ROOT, capture_output=True, text=True, timeout=20,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    assert ":1:" in run.stderr or how == "layout"


def test_a_file_that_says_it_is_empty_and_is_not_is_read_no_further_than_a_spec(tmp_path: Path) -> None:
    large = Path("/proc/self/smaps")
    if not large.exists():
        pytest.skip("no such files here")
    _, found = read(large, shown="smaps")
    assert found
    assert len(str(found[0])) < 300


# Size: a clear answer in less than 2 CPU-seconds and 300 MB, whatever it is that there is too much of

MANY = 9_000
GRID = ", ".join(f"k{axis}: [1, 2, 3, 4, 5, 6, 7, 8, 9]" for axis in range(5))
LARGE = {
    "ten megabytes": "# " + "x" * 10_000_000,
    "a million terms": MODEL.replace("y ~ a", "y ~ " + "+".join(["a"] * 1_000_000)),
    "terms within the limit of bytes": MODEL.replace("y ~ a", "y ~ " + "+".join(f"x{one}" for one in range(30_000))),
    "factors": MODEL.replace("y ~ a", "y ~ " + "*".join(f"x{one}" for one in range(40))),
    "brackets in a formula": MODEL.replace("y ~ a", "y ~ " + "(" * 100_000 + "a" + ")" * 100_000),
    "brackets in a condition": MODEL.replace("y ~ a", "y ~ a, where: " + "(" * 90_000 + "a" + ")" * 90_000),
    "signs": MODEL.replace("y ~ a", "y ~ a, where: " + "-" * 200_000 + "a"),
    "brackets within the limit": MODEL.replace("y ~ a", "y ~ a, where: " + "(" * 1_900 + "a" + ")" * 1_900),
    "not": MODEL.replace("y ~ a", "y ~ a, where: " + "not " * 900 + "a"),
    "lags": HEAD + "variables: {v: '" + "lag(" * 700 + "a" + ")" * 700 + "'}\n",
    "digits": MODEL.replace("y ~ a", "y ~ a, where: a > " + "9" * 3_900),
    "a chain of variables": HEAD + "variables:\n" + "".join(f"  v{one}: v{one + 1}\n" for one in range(MANY)),
    "a circle of variables": HEAD + "variables:\n" + "".join(f"  v{one}: v{(one + 1) % MANY}\n" for one in range(MANY)),
    "models": HEAD + "models:\n" + "".join(f"  m{one}: {{design: cros_section, formul: y}}\n" for one in range(2_000)),
    "copies of copies": HEAD + "models:\n  m0: {design: cross_section, formula: y ~ a}\n"
    + "".join(f"  m{one}: {{like: m{one - 1}}}\n" for one in range(1, 4_000)),
    "files": MODEL.replace("files: p.csv", "files: [" + ", ".join(f"p{one}.csv" for one in range(6_000)) + "]"),
    "labels": MODEL + "labels:\n" + "".join(f"  l{one}: x\n" for one in range(MANY)),
    "unknown keys": MODEL + "".join(f"k{one}: 1\n" for one in range(MANY)),
    "repeated keys": MODEL + "seed: 1\n" * MANY,
    "a long name": HEAD + "variables:\n  ? " + "x" * 200_000 + "\n  : a\n",
    "a grid": MODEL + "variants: {v: {of: m, vary: {" + ", ".join(f"k{one}: [1, 2]" for one in range(300)) + "}}}\n",
    "grids": MODEL + "variants:\n"
    + "".join(f"  v{one}: {{of: m, at_most: 1, vary: {{{GRID}}}}}\n" for one in range(9)),
    "cases to skip": MODEL + "variants: {v: {of: m, vary: {a: [" + ", ".join(map(str, range(300))) + "], b: ["
    + ", ".join(map(str, range(300))) + "]}, skip: [" + ", ".join(f"{{a: {one}}}" for one in range(299)) + "]}}\n",
    "values in one setting": MODEL + "variants: {v: {of: m, at_most: 3, vary: {where: ["
    + ", ".join(f"a > {one}" for one in range(4_000)) + "]}}}\n",
}  # fmt: skip


@pytest.mark.parametrize("what", LARGE)
def test_too_much_of_anything_has_a_clear_answer_soon(tmp_path: Path, what: str) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    found = problems(tmp_path, LARGE[what])
    spent = time.process_time() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) // 1024
    # Each takes less than 1.5 here; a machine may be half as fast.
    assert spent < 4.0
    assert grown < 300
    assert all(one.what and len(str(one)) < 3_000 for one in found)
    if what not in ("a chain of variables", "copies of copies", "values in one setting"):
        assert found
    if what == "ten megabytes":
        assert f"at most {MAX_BYTES:,} are read" in str(found[0])


# Kinds

KINDS: tuple[Any, ...] = (
    None, True, 0, -1, 2**60, 0.5, 1e300, "", " ", "text", "é", "a b", "1", "year", "~", [], {}, [[]], [None],
    ["a", "a"],
    {"a": 1}, {"a": {"b": [1]}}, [{"a": None}], {2021: "x"},
)  # fmt: skip


def places(tree: Any, steps: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [found for key, one in pairs for found in ((*steps, key), *places(one, (*steps, key)))]


@pytest.mark.parametrize("share", [0.04, pytest.param(2.0, marks=pytest.mark.heavy)])
def test_every_kind_of_value_in_every_place(demo_folder: Path, tmp_path: Path, share: float) -> None:
    (tmp_path / "data").symlink_to(demo_folder / "data")
    path = tmp_path / "s.yaml"
    chance = random.Random(5)
    for text in whole_specs()[:10]:
        for steps in places(tree_of(text)):
            for kind in KINDS:
                if chance.random() > share * 0.04:
                    continue
                tree = tree_of(text)
                parent = tree
                for step in steps[:-1]:
                    parent = parent[step]
                parent[steps[-1]] = kind
                path.write_text(yaml_of(tree, chance) + "\n", encoding="utf-8")
                assert broken_rules(answer(path)) == [], (steps, kind)


# Names


@pytest.mark.parametrize(
    "name", ["a b", "1a", "a-b", "é è", "and", "in", "true", "x[1]", "", " ", "a.", "log(a)", "x" * 900]
)  # fmt: skip
@pytest.mark.parametrize("section", ["variables", "productivity", "models", "variants", "tables", "figures"])
def test_names_that_are_none_are_told_at_their_place(tmp_path: Path, section: str, name: str) -> None:
    entry = {
        "variables": "a + 1", "productivity": "{method: labour_productivity, output: a, free: [a]}",
        "models": "{design: cross_section, formula: y ~ a}", "variants": "{of: m, vary: {errors: [HC0, HC3]}}",
        "tables": "{models: [m]}", "figures": "{kind: productivity_density, of: a, by: a}",
    }[section]  # fmt: skip
    head = MODEL if section != "models" else HEAD
    found = problems(tmp_path, head + f"{section}:\n  '{name}': {entry}\n")
    place = head.count("\n") + 2
    if found:
        assert found[0].position.line == place
        assert found[0].path.startswith(section)
    else:  # files are called so, or columns
        assert name in ("a-b", "a.", "1a", "and", "in", "true", "é è", "a b", "x[1]", "log(a)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("variables: {a: y + 1}\n", '"a"'),
        ("productivity: {a: {method: labour_productivity, output: y, free: [y]}}\n", '"a"'),
        ("variables: {f: a}\n", '"f"'),
    ],
)
def test_names_that_shadow_columns_are_refused_once_columns_are_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    (tmp_path / "p.csv").write_text("f,y,a\n1,2000,1\n1,2001,2\n2,2000,3\n")
    (tmp_path / "s.yaml").write_text(MODEL + text)
    assert main(["check", "--data", str(tmp_path / "s.yaml")]) == 2
    told = capsys.readouterr().err
    assert "s.yaml:5:" in told
    assert message in told


def test_a_quotation_mark_behind_a_line_break_within_quotes_has_its_own_line(tmp_path: Path) -> None:
    found = problems(tmp_path, HEAD.replace("year: y}", "year: y, where: 'a ---\n\n ''K'''}"))
    assert [(one.position.line, one.position.column) for one in found if one.path == "panel.where"] == [(5, 2)]
