"""1,000 draws of the whole chain at 100,000 firm-years: tfplab beside refitting every draw.

    python benchmarks/bootstrap.py [--firms 14286] [--draws 1000] [--refits 3]

The chain: Wooldridge at degree 3 (two steps, and one step beside it), then ordinary least squares of TFP in the last
year on four size classes, fifteen sectors and AI use, 20 terms. A draw takes firms with replacement, all years of
each. Each engine runs in a process of its own with one BLAS thread, after its imports, with the data loaded and the
full sample estimated. Counted are the CPU seconds from there (resource.getrusage) and the peak of resident memory
above what was there before.

tfplab makes all draws, with recentred moments, and both intervals: the percentile interval, and the studentised one,
for which it computes the clustered standard error of every draw from both stages' influence functions. Refitting is
timed on a few draws and scaled up: `tfplab refits` calls the same estimators on panels in which drawn firms stand
several times, linearmodels its IVGMM on the stacked rows of both equations (two steps, weights and covariance by
firm) and numpy's least squares. Refits recentre nothing and give no standard error of a draw's chain.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from wooldridge import NAMES, ONE_THREAD, ROOT, cpu_seconds, peak_megabytes, resident_megabytes, simulate

SEED = 1
COLUMNS = (*NAMES, "size", "sector", "ai")
SIZES, SECTORS = ("10-19", "20-49", "50-249", "250+"), tuple("CDEFGHIJLMNQRST")
FORMULA = "tfp ~ size + sector + ai"


def made(n_firms: int, seed: int) -> dict[str, np.ndarray]:
    """The firms of benchmarks/wooldridge.py, with a size, a sector and AI use."""
    data = simulate(n_firms, seed)
    rng = np.random.default_rng(seed + 1)
    firm = data["firm"]
    data["size"] = rng.choice(4, n_firms, p=[0.4, 0.3, 0.2, 0.1])[firm]
    data["sector"] = rng.choice(15, n_firms, p=np.arange(30, 0, -2) / 240)[firm]
    data["ai"] = (data["k"] + rng.normal(0, 1, len(firm)) > 3).astype(float)
    return data


def first_stage(data: dict[str, np.ndarray], steps: int):
    from estimation.productivity import wooldridge
    from panels.frame import NumberColumn, Selection, TextColumn

    columns = {name: NumberColumn(data[name]) for name in ("y", "l", "k", "m", "ai")}
    columns |= {"size": TextColumn(data["size"], SIZES), "sector": TextColumn(data["sector"], SECTORS)}
    n = len(data["y"])
    rows = Selection(np.arange(n), data["firm"], data["year"], columns, n, {})
    options = wooldridge.Options(output="y", free=("l",), state=("k",), proxy="m", steps=steps)
    use = np.ones(n, dtype=bool)
    return options, rows, use, wooldridge.fit("tfp", options, rows, use)


def second_stage(rows, values: np.ndarray):
    from dataclasses import replace

    from estimation.designs import cross_section
    from panels.frame import NumberColumn

    whole = replace(rows, columns={**rows.columns, "tfp": NumberColumn(values)})
    reference = {"size": "10-19", "sector": "C"}
    return cross_section.Options(formula=FORMULA, reference=reference), whole.take(rows.year == rows.year.max())


def run_tfplab(data: dict[str, np.ndarray], draws: int, steps: int) -> dict[str, object]:
    from estimation.bootstrap import blocks
    from estimation.chain import FirstStageDraws, bootstrap_design
    from estimation.designs import cross_section
    from estimation.productivity import wooldridge

    options, rows, use, fit = first_stage(data, steps)
    model, kept = second_stage(rows, fit.values)
    closed = cross_section.fit("m", model, kept, fit)
    n_firms = int(data["firm"].max()) + 1
    memory, start = resident_megabytes(), cpu_seconds()
    resampler = wooldridge.resampler(options, rows, use, fit)
    design = cross_section.resampler(model, kept, fit)
    found = bootstrap_design(design, blocks(SEED, np.arange(n_firms), n_firms), draws, FirstStageDraws(fit, resampler))
    cpu = cpu_seconds() - start
    at = closed.terms.index("ai")
    return {
        "cpu": cpu,
        "memory": peak_megabytes() - memory,
        "draws": draws,
        "ai": [float(closed.coefficients[at]), float(closed.std_errors[at]), float(found.std_errors[at])],
        "intervals": [found.percentile[at].tolist(), found.studentised[at].tolist()],
        "failed": found.failed,
    }


def drawn(data: dict[str, np.ndarray], draw: int) -> dict[str, np.ndarray]:
    """The data with firms as often as they were drawn, under new numbers."""
    from estimation.bootstrap import blocks

    n_firms = int(data["firm"].max()) + 1
    counts = blocks(SEED, np.arange(n_firms), n_firms).counts(draw, draw + 1)[0].astype(int)
    years = len(data["firm"]) // n_firms
    firms = np.repeat(np.arange(n_firms), counts)
    at = (firms[:, None] * years + np.arange(years)).ravel()
    return {name: values[at] for name, values in data.items()} | {"firm": np.repeat(np.arange(len(firms)), years)}


def run_refits(data: dict[str, np.ndarray], draws: int, steps: int) -> dict[str, object]:
    from estimation.designs import cross_section

    start = cpu_seconds()
    for draw in range(draws):
        _, rows, _, fit = first_stage(drawn(data, draw), steps)
        model, kept = second_stage(rows, fit.values)
        cross_section.fit("m", model, kept, fit)
    return {"cpu": cpu_seconds() - start, "draws": draws}


def run_linearmodels(data: dict[str, np.ndarray], draws: int, steps: int) -> dict[str, object]:
    from linearmodels.iv import IVGMM

    start = cpu_seconds()
    for draw in range(draws):
        own = drawn(data, draw)
        firm, year, y, l, k, m = (own[name] for name in NAMES)  # noqa: E741
        now = np.flatnonzero((firm[1:] == firm[:-1]) & (year[1:] == year[:-1] + 1)) + 1
        k0, m0 = k - k.mean(), m - m.mean()
        c = np.column_stack([k0**i * m0**j for i in range(4) for j in range(4 - i)])
        n, width = len(now), c.shape[1]
        exog, instruments = np.zeros((2 * n, 1 + 2 * width)), np.zeros((2 * n, 2))
        exog[n:, 0], exog[:n, 1 : 1 + width], exog[n:, 1 + width :] = k[now], c[now], c[now - 1]
        instruments[:n, 0], instruments[n:, 1] = l[now], l[now - 1]
        clusters = np.tile(firm[now], 2)
        model = IVGMM(
            np.tile(y[now], 2), exog, np.tile(l[now], 2), instruments, weight_type="clustered", clusters=clusters
        )
        found = model.fit(cov_type="clustered", clusters=clusters, iter_limit=steps).params
        last = year == year.max()
        tfp = y - found["endog"] * l - found["exog.0"] * k
        size, sector = (own[name][last][:, None] == np.arange(1, top) for name, top in (("size", 4), ("sector", 15)))
        x = np.column_stack([np.ones(int(last.sum())), size, sector, own["ai"][last]])
        np.linalg.lstsq(x, tfp[last], rcond=None)
    return {"cpu": cpu_seconds() - start, "draws": draws}


ENGINES = {"tfplab": run_tfplab, "tfplab refits": run_refits, "linearmodels refits": run_linearmodels}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--firms", type=int, default=14_286)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--refits", type=int, default=3)
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, default=2, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.engine:
        sys.path.insert(0, str(ROOT))
        data = {name: np.load(arguments.folder / f"{name}.npy") for name in COLUMNS}
        json.dump(ENGINES[arguments.engine](data, arguments.draws, arguments.steps), sys.stdout)
        return
    with tempfile.TemporaryDirectory() as folder:
        data = made(arguments.firms, SEED)
        for name, values in data.items():
            np.save(Path(folder) / name, values)
        load = os.getloadavg()
        found = {}
        for engine in ENGINES:
            for steps in (1, 2) if engine == "tfplab" else (2,):
                draws = arguments.draws if engine == "tfplab" else arguments.refits
                command = [sys.executable, __file__, "--engine", engine, "--folder", folder]
                command += ["--draws", str(draws), "--steps", str(steps)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ | ONE_THREAD)
                found[engine, steps] = json.loads(done.stdout)
    machine = f"load before the run {load[0]:.2f}, {os.cpu_count()} CPUs"
    print(f"{len(data['y']):,} firm-years, {arguments.draws:,} draws of the chain; {machine}")
    for (engine, steps), one in found.items():
        scaled = one["cpu"] * arguments.draws / one["draws"]
        how = "" if one["draws"] == arguments.draws else f", {one['draws']} draws scaled up"
        memory = f", {one['memory']:.0f} MB above" if "memory" in one else ""
        print(f"{engine}, {'one step' if steps == 1 else 'two steps'}: {scaled:,.2f} CPU s{memory}{how}")
        if "ai" in one:
            estimate, closed, error = one["ai"]
            percentile, studentised = ([f"{end:.4f}" for end in pair] for pair in one["intervals"])
            print(f"    ai {estimate:.4f}, closed-form error {closed:.5f}, bootstrap {error:.5f}; "
                  f"percentile {percentile}, studentised {studentised}; failed draws {one['failed']}")  # fmt: skip
    ours, refits = found["tfplab", 2]["cpu"], {name: one for (name, steps), one in found.items() if "refits" in name}
    for name, one in refits.items():
        print(f"{name}: {one['cpu'] * arguments.draws / one['draws'] / ours:,.0f} times as much as tfplab's two steps")
    print(f"two steps below 5 CPU s: {'yes' if ours < 5 else 'no'}")


if __name__ == "__main__":
    main()
