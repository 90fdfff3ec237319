"""What a step of a run costs: the constants from which ``tfplab explain`` estimates the time of a spec.

    python benchmarks/costs.py [--firms 7143] [--draws 100]

A ready-made panel of firms over seven years (benchmarks/wooldridge.py) is read and every productivity method and every
design run on it, in one process with one BLAS thread, one after the other; then the same on five times as many firms.
Counted are the CPU seconds between the steps that the runner announces. The first estimate of a kind also pays for
loading its libraries, so that each is run twice and the second one counted; what a bootstrap adds is divided by its
draws. Printed are, by the straight line through both sizes, what is fixed and what 100,000 rows add: the numbers of
`tfplab/explaining/cost.py`, true of the machine that ran them, an order of magnitude on another.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from wooldridge import ONE_THREAD, ROOT, cpu_seconds, simulate

INPUTS = "output: y, free: [l], state: [k]"
PROXY = f"{INPUTS}, proxy: m"
ENTRIES = {
    **dict.fromkeys(
        ("wooldridge", "wlp", "levinsohn_petrin", "ackerberg_caves_frazer", "prodest_wrdg", "prodest_wrdg_gmm"), PROXY
    ),
    "gross_output": "output: o, free: [l], state: [k], proxy: m, instruments: [price]",
    "olley_pakes": f"{INPUTS}, proxy: i",
    "gandhi_navarro_rivers": "output: o, free: [l], state: [k], proxy: m, share: s",
    "ols": INPUTS,
    "fixed_effects": INPUTS,
    "system_gmm": INPUTS,
    "labour_productivity": "output: y, free: [l]",
    "cost_shares": f"{INPUTS}, shares: {{l: sl}}",
    "tornqvist": f"{INPUTS}, shares: {{l: sl}}",
    "markup": "of: wooldridge, input: l, expenditure: paid, revenue: earned",
}
DESIGNS = {
    "cross_section": "formula: y ~ size + sector + ai, errors: HC1",
    "fixed_effects": "formula: y ~ l + k | firm + year, errors: {cluster: [firm]}",
    "did": "outcome: y, adoption: {cohort: begins, never: 0}",
    "long_difference": "outcome: y, window: [2020, 2023], formula: size + ai",
    "decomposition": "outcome: y, weights: earned, by: sector",
    "distribution": "outcome: y, by: ai",
    "descriptives": "of: [y, l, k, m], by: sector",
}
DRAWN = {
    "entry": ("productivity", "wooldridge", f"method: wooldridge, {PROXY}, errors: {{bootstrap: {{draws: %d}}}}"),
    "model": (
        "models",
        "cross_section",
        "design: cross_section, formula: y ~ size + sector + ai, errors: {bootstrap: {cluster: [firm], draws: %d}}",
    ),
    "chain": (
        "models",
        "chain",
        "design: cross_section, formula: wooldridge ~ size + sector + ai, "
        "errors: {bootstrap: {cluster: [firm], draws: %d}}",
    ),
}


class Clock:
    """Hears of every step and notes when it began."""

    def __init__(self) -> None:
        self.began: list[tuple[str, float]] = []

    def step(self, what: str) -> None:
        """Note the CPU time used so far."""
        self.began.append((what, cpu_seconds()))

    def seconds(self) -> dict[str, float]:
        """Return the CPU seconds of every step."""
        ends = [*(time for _, time in self.began[1:]), cpu_seconds()]
        return {what: end - begun for (what, begun), end in zip(self.began, ends, strict=True)}


def write_panel(path: Path, n_firms: int) -> int:
    """Write the panel as CSV; return its rows."""
    data = dict(simulate(n_firms, 1))
    rng = np.random.default_rng(2)
    n = len(data["y"])
    data["o"] = np.log(np.exp(data["y"]) + np.exp(data["m"]))
    data["s"] = rng.normal(-1, 0.1, n)
    data["i"] = data["k"] + 0.5 * data["m"] + rng.normal(0, 0.1, n)
    data["sl"] = rng.uniform(0.5, 0.7, n)
    data["price"] = rng.normal(0, 1, n)
    data["earned"] = np.exp(data["y"])
    data["paid"] = 0.5 * np.exp(data["y"] + rng.normal(0, 0.1, n))
    texts = {
        "size": np.array(["10-19", "20-49", "50-249", "250+"])[rng.choice(4, n_firms, p=[0.4, 0.3, 0.2, 0.1])],
        "sector": np.array(list("CDEFGHIJLMNQRST"))[rng.choice(15, n_firms)],
        "ai": (rng.uniform(size=n_firms) < 0.2).astype(int),
        "begins": rng.choice([0, 0, 0, 2020, 2021, 2022], n_firms),
    }
    names = [*data, *texts]
    with path.open("w", encoding="utf-8") as stream:
        stream.write(",".join(names) + "\n")
        for row in range(n):
            firm = int(data["firm"][row])
            numbers = [f"{data[name][row]:.8g}" for name in data]
            stream.write(",".join([*numbers, *(str(texts[name][firm]) for name in texts)]) + "\n")
    return n


def spec_of(draws: int) -> str:
    """Return a spec with everything twice, and what is drawn."""
    lines = ["tfplab: 1", "title: Costs", "panel: {table: {files: panel.csv}, firm: firm, year: year}", "productivity:"]
    for name, keys in ENTRIES.items():
        lines += [f"  {name}: {{method: {name}, {keys}}}", f"  {name}_2: {{method: {name}, {keys}}}"]
    lines += [f"  {key}: {{{text % draws}}}" for key, (part, _, text) in DRAWN.items() if part == "productivity"]
    lines.append("models:")
    for name, keys in DESIGNS.items():
        lines += [f"  first_{name}: {{design: {name}, {keys}}}", f"  second_{name}: {{design: {name}, {keys}}}"]
    chain = DRAWN["chain"][2].split(", errors:")[0]
    lines += [f"  second_chain: {{{chain}, errors: HC1}}"]
    lines += [f"  {key}: {{{text % draws}}}" for key, (part, _, text) in DRAWN.items() if part == "models"]
    return "\n".join(lines) + "\n"


def measured(n_firms: int, draws: int) -> tuple[int, dict[tuple[str, str], float]]:
    """Run everything once; return the rows and the CPU seconds of every part."""
    from tfplab.first_gate import make_plan
    from tfplab.runner import estimate

    with tempfile.TemporaryDirectory() as place:
        rows = write_panel(Path(place) / "panel.csv", n_firms)
        megabytes = (Path(place) / "panel.csv").stat().st_size / 1e6
        spec = Path(place) / "costs.yaml"
        spec.write_text(spec_of(draws), encoding="utf-8")
        clock = Clock()
        found = estimate(make_plan(spec), clock)
    for failed in found.failed:
        print(f"# {failed.name}: {failed.reason}", file=sys.stderr)
    seconds = clock.seconds()
    reading = sum(value for what, value in seconds.items() if what.startswith(("building", "reading")))
    print(f"# {rows:,} rows, {megabytes:.1f} MB read in {reading:.2f} s")
    times = {("method", name): seconds[f"estimating productivity {name}_2"] for name in ENTRIES}
    times |= {("design", name): seconds[f"estimating model second_{name}"] for name in DESIGNS}
    for key, (part, of, _) in DRAWN.items():
        what, plain = ("productivity", f"{of}_2") if part == "productivity" else ("model", f"second_{of}")
        more = seconds[f"estimating {what} {key}"] - seconds[f"estimating {what} {plain}"]
        times["draw", key] = more / draws
    return rows, times


def main() -> None:
    """Run the spec at two sizes and print what is fixed and what goes with the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--firms", type=int, default=7143)
    parser.add_argument("--draws", type=int, default=100)
    asked = parser.parse_args()
    os.environ.update(ONE_THREAD)
    sys.path.insert(0, str(ROOT))
    few, at_few = measured(asked.firms // 5, asked.draws)
    many, at_many = measured(asked.firms, asked.draws)
    print("part,name,fixed seconds,seconds per 100000 rows")
    for part, name in at_many:
        slope = max(at_many[part, name] - at_few[part, name], 0.0) / (many - few)
        fixed = max(at_many[part, name] - slope * many, 0.0)
        print(f"{part},{name},{fixed:.4f},{1e5 * slope:.4f}")


if __name__ == "__main__":
    main()
