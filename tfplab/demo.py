"""``tfplab demo``: synthetic microdata, their spec, a run."""

from __future__ import annotations

from pathlib import Path

from specs.errors import BundleError
from tfplab.runner import Outcome, Watcher, run_plan

__all__ = ["run_demo"]

SPEC = "hrw_2026.yaml"
DIFFICULT = "hrw_2026_difficult.yaml"
README = "README.txt"
SCHEMA = "tfplab.schema.json"


def run_demo(folder: Path, watcher: Watcher, *, difficult: bool = False) -> tuple[Outcome, Path]:
    """Write the demo into a folder and run its spec.

    A spec that was changed since is kept, and run as it is.

    Parameters
    ----------
    folder : Path
        New, empty, or an earlier demo.
    watcher : Watcher
    difficult : bool
        Write the same firms also in difficult files, and run the spec for these.

    Returns
    -------
    outcome : Outcome
    output : Path
        The bundle.

    Raises
    ------
    BundleError
        If the folder holds something else.
    """
    from panels.demo import write
    from tfplab.commands.schema import schema_text
    from tfplab.first_gate import make_plan

    if folder.exists() and not folder.is_dir():
        raise BundleError(f"{folder} is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not _is_demo(folder):
        raise BundleError(f"{folder} is not empty and holds no demo; name a new folder: tfplab demo NEW")
    watcher.step("writing synthetic microdata")
    known = {path: path.read_bytes() for path in folder.glob("*.yaml")}
    write(folder, difficult=difficult)
    for path, own in known.items():
        if own != path.read_bytes():
            path.write_bytes(own)
            print(f"{path} was changed: it is kept as it is")
    spec = folder / (DIFFICULT if difficult else SPEC)
    (folder / SCHEMA).write_text(schema_text(spec), encoding="utf-8", newline="\n")
    output = folder / "runs" / spec.stem
    return run_plan(make_plan(spec), output, watcher), output


def _is_demo(folder: Path) -> bool:
    readme = folder / README
    return readme.is_file() and "SYNTHETIC" in readme.read_text(encoding="utf-8", errors="replace")[:2000]
