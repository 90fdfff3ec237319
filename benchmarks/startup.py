"""CPU of the commands that must feel instant, beside the CPU of importing what they cannot do without.

Run: ``python benchmarks/startup.py [--repeat N]``. Prints the smallest CPU time (user and system, children
included) of N runs of each, and the ratio to ``import pydantic, ruamel.yaml; pydantic.BaseModel``. The
smallest is the least disturbed by whatever else the machine does; its load is printed too. Our modules are
compiled first, as an installation does it for those of others.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("specs", "panels", "estimation", "reports", "tfplab")
SPEC = ROOT / "specs" / "library" / "hrw_2026.yaml"


def cpu_of(command: list[str], folder: Path, repeat: int) -> float:
    """Return the smallest CPU time of the command, in seconds."""
    times = []
    for _ in range(repeat):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(command, check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=7)
    repeat = parser.parse_args().repeat
    python = sys.executable
    for floor in FLOORS:
        compileall.compile_dir(ROOT / floor, quiet=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo = [python, "-m", "tfplab", "demo", "demo"]
        demo_cpu = cpu_of(demo, folder, 1)
        base = cpu_of([python, "-c", "import pydantic, ruamel.yaml; pydantic.BaseModel"], folder, repeat)
        rows = [
            ("tfplab --help", cpu_of([python, "-m", "tfplab", "--help"], folder, repeat), "2"),
            (
                "tfplab check",
                cpu_of([python, "-m", "tfplab", "check", f"demo/{SPEC.name}"], folder, repeat),
                "2.5",
            ),
        ]
    print(f"load {os.getloadavg()[0]:.2f}; import pydantic, ruamel.yaml: {base:.3f} CPU-seconds")
    for what, seconds, target in rows:
        print(f"{what:<14} {seconds:.3f} CPU-seconds, ratio {seconds / base:.2f} (target {target})")
    print(f"tfplab demo    {demo_cpu:.2f} CPU-seconds (target 15)")


if __name__ == "__main__":
    main()
