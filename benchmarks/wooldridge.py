"""Wooldridge at a million firm-years: tfplab's engine beside linearmodels' IVGMM on the same data.

    python benchmarks/wooldridge.py [--firms 142858] [--repeats 3]
    python benchmarks/wooldridge.py --export panel.csv     (the same data for benchmarks/peers.R)

Degree 3, two-step, clustered by firm, common sample, Hansen's J. Each engine runs in a process of its own,
with one BLAS thread, after its imports and with the data loaded (firm, year, y, l, k, m: 48 MB). Counted are
the CPU seconds from there (resource.getrusage) and the peak of resident memory above what was there before.

tfplab is charged for everything that `fit` does: lags, polynomial, estimate, influence functions, diagnostics
and the TFP of every row with its gradient. linearmodels is charged for IVGMM alone in time (building the
stacked rows that it needs is shown beside it), and for both in memory. The engines take turns; the run with the median
CPU time of each is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from estimation.cross_products import Chunk

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("firm", "year", "y", "l", "k", "m")
YEARS = 7
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def simulate(n_firms: int, seed: int) -> dict[str, np.ndarray]:
    """Firms over seven years: elasticities 0.6 and 0.4, productivity AR(1), materials k and w alone."""
    rng = np.random.default_rng(seed)
    w = np.zeros((n_firms, YEARS))
    k = np.zeros((n_firms, YEARS))
    w[:, 0] = rng.normal(0, 0.4, n_firms)
    k[:, 0] = rng.normal(2, 1, n_firms)
    for t in range(1, YEARS):
        w[:, t] = 0.8 * w[:, t - 1] + rng.normal(0, 0.25, n_firms)
        k[:, t] = 0.8 * k[:, t - 1] + 0.4 + 0.3 * w[:, t - 1] + rng.normal(0, 0.3, n_firms)
    l = 0.5 * k + 0.9 * w + rng.normal(0, 0.3, w.shape)  # noqa: E741
    m = 0.4 * k + w
    y = 0.6 * l + 0.4 * k + w + rng.normal(0, 0.2, w.shape)
    columns = {
        "firm": np.repeat(np.arange(n_firms), YEARS),
        "year": np.tile(np.arange(2017, 2017 + YEARS), n_firms),
    }
    return columns | {name: values.ravel() for name, values in (("y", y), ("l", l), ("k", k), ("m", m))}


def cpu_seconds() -> float:
    """CPU time of this process, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_megabytes() -> float:
    """Memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def peak_megabytes() -> float:
    """The most that this process held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_tfplab(data: dict[str, np.ndarray]) -> dict[str, object]:
    sys.path.insert(0, str(ROOT))
    import estimation.productivity.control_function.fit  # noqa: F401
    from estimation.productivity import wooldridge
    from estimation.productivity.common.system import System
    from panels.frame import NumberColumn, Selection

    options = wooldridge.Options(output="y", free=("l",), state=("k",), proxy="m")
    columns = {name: NumberColumn(data[name]) for name in "ylkm"}
    n = len(data["y"])
    rows = Selection(np.arange(n), data["firm"], data["year"], columns, n, {})
    use = np.ones(n, dtype=bool)
    passes = 0
    chunks = System.chunks

    def counted(system: System) -> Iterator[Chunk]:
        nonlocal passes
        passes += 1
        return chunks(system)

    System.chunks = counted  # type: ignore[method-assign]
    memory, start = resident_megabytes(), cpu_seconds()
    fit = wooldridge.fit("tfp", options, rows, use)
    cpu = cpu_seconds() - start
    group = fit.groups[0]
    return {
        "cpu": cpu,
        "passes": passes,
        "peak": peak_megabytes(),
        "memory": peak_megabytes() - memory,
        "coefficients": group.coefficients.tolist(),
        "std_errors": np.sqrt(np.diag(group.covariance)).tolist(),
        "j": group.j_statistic,
    }


def run_linearmodels(data: dict[str, np.ndarray]) -> dict[str, object]:
    from linearmodels.iv import IVGMM

    memory, start = resident_megabytes(), cpu_seconds()
    firm, year, y, l, k, m = (data[name] for name in NAMES)  # noqa: E741
    now = np.flatnonzero((firm[1:] == firm[:-1]) & (year[1:] == year[:-1] + 1)) + 1
    k0, m0 = k - k.mean(), m - m.mean()
    c = np.column_stack([k0**i * m0**j for i in range(4) for j in range(4 - i)])
    n, width = len(now), c.shape[1]
    exog = np.zeros((2 * n, 1 + 2 * width))
    exog[n:, 0] = k[now]
    exog[:n, 1 : 1 + width] = c[now]
    exog[n:, 1 + width :] = c[now - 1]
    instruments = np.zeros((2 * n, 2))
    instruments[:n, 0] = l[now]
    instruments[n:, 1] = l[now - 1]
    dependent, endogenous, clusters = np.tile(y[now], 2), np.tile(l[now], 2), np.tile(firm[now], 2)
    stacked = cpu_seconds() - start
    start = cpu_seconds()
    model = IVGMM(dependent, exog, endogenous, instruments, weight_type="clustered", clusters=clusters)
    result = model.fit(cov_type="clustered", clusters=clusters)
    order = [result.params.index.get_loc(name) for name in ("endog", "exog.0")]
    return {
        "cpu": cpu_seconds() - start,
        "stacking": stacked,
        "memory": peak_megabytes() - memory,
        "coefficients": result.params.to_numpy()[order].tolist(),
        "std_errors": result.std_errors.to_numpy()[order].tolist(),
        "j": float(result.j_stat.stat),
    }


def export(data: dict[str, np.ndarray], path: Path) -> None:
    """Write the panel as CSV, a firm-year a line."""
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(NAMES) + "\n")
        for row in zip(*(data[name].tolist() for name in NAMES), strict=True):
            file.write(",".join(map(repr, row)) + "\n")


ENGINES = {"tfplab": run_tfplab, "linearmodels": run_linearmodels}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--firms", type=int, default=142_858)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--export", type=Path, metavar="CSV", help="write the data for benchmarks/peers.R and stop")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.engine:
        data = {name: np.load(arguments.folder / f"{name}.npy") for name in NAMES}
        json.dump(ENGINES[arguments.engine](data), sys.stdout)
        return
    if arguments.export:
        export(simulate(arguments.firms, arguments.seed), arguments.export)
        return
    with tempfile.TemporaryDirectory() as folder:
        data = simulate(arguments.firms, arguments.seed)
        for name, values in data.items():
            np.save(Path(folder) / name, values)
        size = sum(values.nbytes for values in data.values()) / 2**20
        load = os.getloadavg()
        runs: dict[str, list[dict[str, object]]] = {engine: [] for engine in ENGINES}
        for _ in range(arguments.repeats):
            for engine, made in runs.items():
                command = [sys.executable, __file__, "--engine", engine, "--folder", folder]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ | ONE_THREAD)
                made.append(json.loads(done.stdout))
    found = {engine: sorted(made, key=lambda one: one["cpu"])[len(made) // 2] for engine, made in runs.items()}
    ours, theirs = found["tfplab"], found["linearmodels"]
    machine = f"load before the run {load[0]:.2f}, {os.cpu_count()} CPUs"
    print(f"{len(data['y']):,} firm-years, data {size:.0f} MiB; {machine}")
    print(f"{'':14}{'CPU s':>8}{'MB above':>10}  {'bl':>14}{'bk':>14}{'se(bl)':>12}{'se(bk)':>12}{'J':>12}")
    for engine, one in found.items():
        numbers = [*one["coefficients"], *one["std_errors"], one["j"]]
        print(f"{engine:14}{one['cpu']:8.2f}{one['memory']:10.0f}  {numbers[0]:14.10f}{numbers[1]:14.10f}"
              f"{numbers[2]:12.8f}{numbers[3]:12.8f}{numbers[4]:12.8f}")  # fmt: skip
    print(f"linearmodels' stacking, not charged: {theirs['stacking']:.2f} s")
    ratio, share = theirs["cpu"] / ours["cpu"], ours["memory"] / size
    each = ", ".join(f"{b['cpu'] / a['cpu']:.1f}" for a, b in zip(runs["tfplab"], runs["linearmodels"], strict=True))
    print(f"CPU: {ratio:.1f} times less (wanted: 40 or more); by turns {each}")
    print(f"CPU a pass over the rows: {ours['cpu'] / ours['passes']:.3f} s in {ours['passes']} (wanted: 0.333 or less)")
    print(f"memory above imports and data: {share:.2f} of the data; whole process {ours['peak']:.0f} MB (wanted: 300)")


if __name__ == "__main__":
    main()
