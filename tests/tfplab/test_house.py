"""The house itself: its package lists, its start-up, its size, its public names."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from estimation.registry import DESIGNS, PRODUCTIVITY
from reports.words import words_of

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ["specs", "panels", "estimation", "reports", "tfplab"]
HEAVY = {"numpy", "scipy", "pandas", "duckdb", "narwhals", "matplotlib", "babel", "rich", "statsmodels", "linearmodels"}


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_package_lists_are_equal(project: dict) -> None:
    tool = project["tool"]
    assert tool["hatch"]["build"]["targets"]["wheel"]["packages"] == FLOORS
    assert tool["mypy"]["packages"] == FLOORS
    assert tool["importlinter"]["root_packages"] == FLOORS
    assert tool["importlinter"]["contracts"][0]["layers"] == FLOORS[::-1]
    assert [name for name in FLOORS if (ROOT / name / "__init__.py").is_file()] == FLOORS
    assert set(FLOORS) < set(tool["ruff"]["lint"]["isort"]["known-first-party"])


def test_tests_mirror_the_house() -> None:
    for floor in FLOORS:
        assert (ROOT / "tests" / floor / "__init__.py").is_file()


def test_no_module_is_longer_than_500_lines() -> None:
    long = [
        path for floor in FLOORS for path in (ROOT / floor).rglob("*.py") if len(path.read_text().splitlines()) > 500
    ]
    assert long == []


def test_every_pin_is_a_pin_and_names_no_registry() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+]+", line), line


def test_every_dependency_is_pinned(project: dict) -> None:
    pins = {
        line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *extras["dev"], *extras["docs"]]
    names = {re.split(r"[\[><=!]", one)[0].lower().replace("_", "-") for one in wanted}
    assert names <= pins


@pytest.mark.parametrize("words", [["--help"], ["check", "SPEC"]])
def test_commands_that_must_be_fast_load_nothing_heavy(words: list[str], demo_folder: Path) -> None:
    spec = str(demo_folder / "hrw_2026.yaml")
    code = (
        "import sys; from tfplab.cli import main\n"
        f"try: main({[spec if word == 'SPEC' else word for word in words]!r})\n"
        "except SystemExit: pass\n"
        "print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {name.strip("'[] ") for name in done.stderr.split(",")}
    assert loaded & HEAVY == set()


def test_another_packages_floor_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "__init__.py").write_text("")
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; import tfplab"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: another distribution's package 'reports'")
    assert "environment of its own" in last


@pytest.mark.parametrize("registry", [PRODUCTIVITY, DESIGNS])
def test_registered_entries_offer_what_the_plan_asks_for(registry) -> None:
    for name, entry in registry.items():
        assert name.isidentifier()
        for what in ("columns", "equations", "fit"):
            assert getattr(entry, what).__doc__
        assert entry.options.__doc__


@pytest.mark.parametrize("language", ["en", "nl", "fr"])
def test_every_method_has_a_name_that_tables_print(language: str) -> None:
    words = words_of(language)
    assert [method for method in PRODUCTIVITY if not words.known(f"method.{method}")] == []
