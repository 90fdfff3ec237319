"""Digests of files: by content, and computed once for a file that nobody touched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tfplab.cache import files
from tfplab.cache.files import Signature, digests_of, signatures_of
from tfplab.first_gate import make_plan
from tfplab.plan import Plan


@pytest.fixture
def plan(demo_folder: Path, tmp_path: Path) -> Plan:
    shutil.copytree(demo_folder / "data", tmp_path / "data")
    shutil.copy(demo_folder / "hrw_2026.yaml", tmp_path / "hrw_2026.yaml")
    return make_plan(tmp_path / "hrw_2026.yaml")


def test_every_input_is_digested_by_its_name(plan: Plan) -> None:
    found = digests_of(plan, {})
    assert "data/ict_2021.csv" in found
    assert "data/deflators.csv" in found
    assert sum(name.startswith("data/accounts_") for name in found) == 7
    assert all(len(digest) == 64 for digest in found.values())


def test_a_file_is_read_once_until_it_is_touched(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    own = files.digest_files
    monkeypatch.setattr(files, "digest_files", lambda pairs: own([(read.append(n), (n, p))[1] for n, p in pairs]))
    known: dict[Signature, str] = {}
    first = digests_of(plan, known)
    assert len(read) == len(first) == len(known)
    assert digests_of(plan, known) == first
    assert len(read) == len(first)
    path = plan.path.parent / "data" / "ict_2021.csv"
    before = signatures_of(plan)
    text = path.read_bytes()
    # As long as before, at the same time: another file all the same.
    other = path.with_suffix(".new")
    other.write_bytes(text.replace(b"1", b"0", 1))
    times = path.stat()
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    assert signatures_of(plan) != before
    assert digests_of(plan, known) != first
    path.write_bytes(text)
    assert digests_of(plan, known) == first


def test_layouts_of_ones_own_are_inputs(plan: Plan) -> None:
    folder = plan.path.parent
    text = plan.path.read_text().replace("layout: nbb}", "layout: own.yaml}")
    shutil.copy(Path(files.__file__).parents[2] / "panels" / "layouts" / "nbb.yaml", folder / "own.yaml")
    (folder / "hrw_2026.yaml").write_text(text)
    own = make_plan(folder / "hrw_2026.yaml")
    before = digests_of(own, {})
    assert "layout own.yaml" in before
    (folder / "own.yaml").write_text((folder / "own.yaml").read_text() + "# changed\n")
    assert digests_of(own, {}) != before
