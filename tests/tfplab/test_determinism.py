"""The same spec, data, seed and versions give the same bytes of run.json, whatever else differs."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

from panels.demo import write


def run_in_another_process(spec: Path, output: Path, **environment: str) -> bytes:
    command = [sys.executable, "-m", "tfplab", "run", str(spec), "-o", str(output), "--quiet"]
    subprocess.run(command, check=True, env={**os.environ, **environment}, cwd=Path(__file__).parents[2])
    return (output / "run.json").read_bytes()


def test_hash_seeds_and_threads_do_not_matter(demo_folder: Path, demo_bundle: Path, tmp_path: Path) -> None:
    other = run_in_another_process(
        demo_folder / "hrw_2026.yaml", tmp_path / "run",
        PYTHONHASHSEED="7", OPENBLAS_NUM_THREADS="2", OMP_NUM_THREADS="2",
    )  # fmt: skip
    assert other == (demo_bundle / "run.json").read_bytes()
    # The page and the tables follow from the record.
    for name in ("report.html", "ledger.csv", "tables/table1.html", "figures/figure9.svg", "figures/figure9.png"):
        assert (tmp_path / "run" / name).read_bytes() == (demo_bundle / name).read_bytes(), name


def test_the_order_of_rows_and_the_folder_do_not_matter(demo_bundle: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    write(elsewhere)
    for file in sorted((elsewhere / "data").glob("*.csv")):
        header, *rows = file.read_text().splitlines()
        random.Random(5).shuffle(rows)
        file.write_text("\n".join([header, *rows]) + "\n")
    other = run_in_another_process(elsewhere / "hrw_2026.yaml", tmp_path / "run")
    assert other == (demo_bundle / "run.json").read_bytes()
