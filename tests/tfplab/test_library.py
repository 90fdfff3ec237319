"""The published designs of the library, run on the demo."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tfplab
from panels.demo_files import SPECS
from tests.tfplab.test_docs import ROOT

LIBRARY = ROOT / "specs" / "library"
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")


def test_the_demo_writes_every_spec_of_the_library_and_the_page_names_it() -> None:
    assert sorted(SPECS) == sorted(path.name for path in LIBRARY.glob("*.yaml"))
    assert set(re.findall(r"`(\w+\.yaml)`", PAGE)) == set(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_says_what_it_asks_and_where_it_is_from(name: str) -> None:
    head = (LIBRARY / name).read_text(encoding="utf-8").splitlines()[:4]
    assert head.pop(0) == "# yaml-language-server: $schema=./tfplab.schema.json"
    assert re.match(r"# Question: .+\?$", head[0])
    assert any(line.startswith(("# Source: ", "# Data: ")) for line in head[1:])


@pytest.mark.parametrize("name", SPECS)
def test_it_runs_on_the_demo(name: str, demo_folder: Path) -> None:
    run = tfplab.run(demo_folder / name)
    failed = {key: one["reason"] for key, one in run.record["models"].items() if one["status"] != "ok"}
    failed |= {key: one["reason"] for key, one in run.record["figures"].items() if one["status"] != "ok"}
    assert failed == {}
