"""What a grid costs: reading 500 cases, and 200 cases that share one productivity estimate beside 200 separate runs.

    python benchmarks/variants.py [--repeat 3]

On the demo's firms. Counted is CPU (user and system); the smallest of several runs, with the machine's load. A separate
run has the spec of one case written out; of its CPU only the seconds of estimating productivity are counted.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

BASE = """\
tfplab: 1
extends: library/hrw_2026.yaml
tables: null
figures: null
labels: {table1: null, table1_robust: null}
variants:
  grid:
    of: table1
    vary:
"""
MANY = {
    "settings of the model": """\
      where: [{where}]
      outcome: [tfp, lp]
      errors: [HC1, HC3]
""",
    "a productivity estimate of its own in half of them": """\
      productivity.tfp.where: [{where}]
      productivity.tfp.degree: [1, 2]
      errors: [HC1, HC3]
""",
    "a panel of its own in half of them": """\
      panel.where: [{where}]
      panel.years: [[2017, 2023], [2018, 2023]]
      errors: [HC1, HC3]
""",
}
SHARED = """\
      where: {a: linked == 1, b: year == 2023 and linked == 1, c: year == 2021 and linked == 1, d: employees >= 10,
              e: employees >= 20}
      formula: [tfp ~ ai + nace, tfp ~ ai + nace + size, tfp ~ ai + nace + firm_age, tfp ~ ai + size, tfp ~ ai,
                tfp ~ ai + firm_age, tfp ~ ai + nace + firm_age + size, tfp ~ ai + nace + region]
      errors: [HC0, HC1, HC3, classical, {cluster: [nace2]}]
"""


class _Silent:
    def step(self, what: str) -> None:
        """Say nothing."""


def checked(folder: Path, repeat: int) -> None:
    """Print the CPU of `tfplab check`, start of Python included."""
    conditions = ", ".join(f"employees >= {number}" for number in range(10, 135))
    for what, vary in MANY.items():
        (folder / "many.yaml").write_text(BASE + vary.replace("{where}", conditions), encoding="utf-8")
        times = []
        for _ in range(repeat):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-m", "tfplab", "check", "many.yaml"]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            subprocess.run(command, check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        print(f"check, 500 cases, {what}: {min(times):.2f} CPU-seconds (target 1)")


def shared(folder: Path, repeat: int) -> None:
    """Print what the cases cost beside the productivity of as many runs."""
    import tfplab.cache.kept
    import tfplab.cases
    from tfplab.first_gate import make_plan
    from tfplab.runner import estimate

    (folder / "shared.yaml").write_text(BASE + SHARED, encoding="utf-8")
    plan = make_plan(folder / "shared.yaml")
    cases = len(plan.variants[0].cases)
    spent = {"productivity": 0.0, "cases": 0.0}

    def timed(name: str, function: object) -> object:
        def call(*arguments: object) -> object:
            start = time.process_time()
            found = function(*arguments)  # type: ignore[operator]
            spent[name] += time.process_time() - start
            return found

        return call

    tfplab.cache.kept.estimate_productivity = timed("productivity", tfplab.cache.kept.estimate_productivity)  # type: ignore
    tfplab.cases.estimate_variants = timed("cases", tfplab.cases.estimate_variants)  # type: ignore
    best: dict[str, float] = {}
    for _ in range(repeat):
        spent.update(productivity=0.0, cases=0.0)
        estimate(plan, _Silent())
        best = {name: min(seconds, best.get(name, seconds)) for name, seconds in spent.items()}
    separate = cases * best["productivity"]
    print(f"productivity of one run: {best['productivity']:.3f} CPU-seconds, of {cases} separate runs {separate:.1f}")
    print(f"productivity of one run of {cases} cases: {best['productivity'] / separate:.1%} of that (target 5 %)")
    print(f"all of the {cases} cases, models included: {best['cases']:.2f}, {best['cases'] / separate:.1%} of that")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    print(f"load {os.getloadavg()[0]:.2f}")
    with tempfile.TemporaryDirectory() as name:
        from panels.demo import write

        folder = Path(name)
        write(folder)
        checked(folder, repeat)
        shared(folder, repeat)


if __name__ == "__main__":
    main()
