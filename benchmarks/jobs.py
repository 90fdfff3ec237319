"""What ``run --jobs`` and ``run --cache`` save, and what they cost where there is little to do.

    python benchmarks/jobs.py [--jobs 2] [--repeat 3]

On the demo's firms, whole runs of the command, start of Python included; the smallest of several, with the machine's
load: on a machine that is busy processes have nothing to gain.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

HEAD = """\
tfplab: 1
extends: library/hrw_2026.yaml
tables: null
figures: null
labels: {table1: null, table1_robust: null}
"""
SPECS = {
    "as it is": HEAD,
    "40 productivity estimates": HEAD + """\
variants:
  grid:
    of: table1
    vary:
      productivity.tfp.degree: [1, 2, 3, 4]
      productivity.tfp.method: [wooldridge, wlp]
      productivity.tfp.where: [employees >= 10, employees >= 15, employees >= 20, employees >= 25, employees >= 30]
""",
    "8 bootstraps of 4999 draws": HEAD + """\
variables:
  growth: tfp - lag(tfp)
variants:
  grid:
    of: table1
    vary:
      formula: [growth ~ ai + nace, growth ~ ai + size, growth ~ ai, growth ~ ai + firm_age]
      where: [year == 2023 and linked == 1, linked == 1]
      errors: [{bootstrap: {draws: 4999, cluster: [firm]}}]
""",
}  # fmt: skip


def seconds(folder: Path, spec: str, *words: str) -> float:
    """The wall-clock seconds of a run."""
    command = [sys.executable, "-m", "tfplab", "run", spec, "-o", "run", "-q", *words]
    start = time.perf_counter()
    subprocess.run(command, check=True, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as name:
        from panels.demo import write

        folder = Path(name)
        write(folder)
        for what, text in SPECS.items():
            (folder / "one.yaml").write_text(text, encoding="utf-8")
            alone, several, filling, kept = [], [], [], []
            for _ in range(options.repeat):
                alone.append(seconds(folder, "one.yaml"))
                several.append(seconds(folder, "one.yaml", "--jobs", str(options.jobs)))
                shutil.rmtree(folder / "cache", ignore_errors=True)
                filling.append(seconds(folder, "one.yaml", "--cache", "cache"))
                kept.append(seconds(folder, "one.yaml", "--cache", "cache"))
            one = min(alone)
            print(f"{what}: {one:.1f} seconds; --jobs {options.jobs} {min(several) / one:.2f} of that; "
                  f"--cache {min(filling) / one:.2f} at first, {min(kept) / one:.2f} again")  # fmt: skip
    print(f"load {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
