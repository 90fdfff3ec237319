"""Two-way fixed effects of 150,000 firms over seven years, tfplab beside pyfixest and, where there is R, fixest.

    python benchmarks/two_way.py [--firms 150000] [--peer PYTHON] [--turns 5]

One outcome, one treatment, effects of firms and years, errors clustered by firm. Each engine runs in a process of its
own on the same rows; counted is the CPU (user and system) of one call, the smallest of several turns after a first
that is not counted (compilation, caches). `--peer` names a Python that has pyfixest, this one by default; an engine
that is not there is named and left out. The coefficients and errors are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
R = """
library(fixest); setFixest_nthreads(1)
d <- as.data.frame(read.csv("{folder}/panel.csv"))
run <- function() feols(y ~ ai | firm + year, d, cluster = ~firm)
m <- run(); best <- Inf
for (i in 1:{turns}) {{ t <- system.time(m <- run()); best <- min(best, t[["user.self"]] + t[["sys.self"]]) }}
cat(sprintf('{{"cpu": %f, "coefficient": %.15g, "error": %.15g}}', best, coef(m)[["ai"]], se(m)[["ai"]]))
"""


def write(folder: Path, firms: int) -> None:
    """Write the rows: four firms in ten begin in some year, one row in ten is missing."""
    import numpy as np

    draw = np.random.default_rng(1)
    firm, year = np.repeat(np.arange(firms), 7), np.tile(np.arange(2017, 2024), firms)
    begins = np.where(draw.random(firms) < 0.4, draw.integers(2019, 2024, firms), 9999)
    ai = (year >= begins[firm]) * 1.0
    y = draw.normal(size=firms)[firm] + 0.1 * ai + 0.02 * (year - 2017) + draw.normal(size=firm.size)
    kept = draw.random(firm.size) < 0.9
    np.savez(folder / "panel.npz", firm=firm[kept], year=year[kept], ai=ai[kept], y=y[kept])
    if shutil.which("Rscript"):
        rows = np.column_stack([firm[kept], year[kept], ai[kept], y[kept]])
        np.savetxt(folder / "panel.csv", rows, delimiter=",", header="firm,year,ai,y", comments="", fmt="%.17g")


def run_tfplab(folder: Path, turns: int) -> dict[str, float]:
    """Estimate the design fixed_effects, from columns to the finished record."""
    sys.path.insert(0, str(ROOT))
    import numpy as np

    from estimation.designs.fixed_effects import Options, fit
    from panels.frame import NumberColumn, Selection

    held = np.load(folder / "panel.npz")
    n = held["y"].size
    columns = {name: NumberColumn(held[name]) for name in ("y", "ai")}
    rows = Selection(np.arange(n), held["firm"].astype(np.int64), held["year"].astype(np.int64), columns, n, {})
    options = Options.model_validate({"formula": "y ~ ai | firm + year"})
    found = fit("twfe", options, rows, None)
    best = float("inf")
    for _ in range(turns):
        start = time.process_time()
        found = fit("twfe", options, rows, None)
        best = min(best, time.process_time() - start)
    return {"cpu": best, "coefficient": float(found.coefficients[0]), "error": float(found.std_errors[0])}


def run_pyfixest(folder: Path, turns: int) -> dict[str, float]:
    """Estimate the same by pyfixest's feols."""
    import numpy as np
    import pandas as pd
    import pyfixest as pf

    held = np.load(folder / "panel.npz")
    data = pd.DataFrame({name: held[name] for name in ("firm", "year", "ai", "y")})
    found = pf.feols("y ~ ai | firm + year", data, vcov={"CRV1": "firm"})
    best = float("inf")
    for _ in range(turns):
        start = time.process_time()
        found = pf.feols("y ~ ai | firm + year", data, vcov={"CRV1": "firm"})
        best = min(best, time.process_time() - start)
    return {"cpu": best, "coefficient": float(found.coef().iloc[0]), "error": float(found.se().iloc[0])}


ENGINES = {"tfplab": run_tfplab, "pyfixest": run_pyfixest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--firms", type=int, default=150_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--peer", default=sys.executable, help="a Python that has pyfixest")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.engine:
        print(json.dumps(ENGINES[given.engine](given.folder, given.turns)))
        return
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1",
                   "RAYON_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, given.firms)
        own = ["--folder", name, "--turns", str(given.turns)]
        commands = {
            "tfplab": [sys.executable, __file__, "--engine", "tfplab", *own],
            "pyfixest": [given.peer, __file__, "--engine", "pyfixest", *own],
        }
        if shutil.which("Rscript"):
            commands["fixest"] = ["Rscript", "-e", R.format(folder=name, turns=given.turns)]
        print(f"load before the run {os.getloadavg()[0]:.2f}, {os.cpu_count()} CPUs, one thread each")
        found: dict[str, dict[str, float]] = {}
        for engine, command in commands.items():
            done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
            if done.returncode:
                print(f"{engine}: not run: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
                continue
            found[engine] = json.loads(done.stdout.strip().splitlines()[-1])
    for engine, one in found.items():
        ratio = found["tfplab"]["cpu"] / one["cpu"]
        print(f"{engine:10}{one['cpu']:8.3f} CPU s   tfplab / {engine}: {ratio:.2f}   "
              f"{one['coefficient']:.12f} ({one['error']:.12f})")  # fmt: skip
    if "fixest" not in found:
        print("fixest: not run: no Rscript with fixest here (measured elsewhere on this kind of machine: 0.8 CPU s)")


if __name__ == "__main__":
    main()
