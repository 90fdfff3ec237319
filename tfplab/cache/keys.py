"""What a panel, a productivity estimate, a model or a figure depends on: its parts, and the key made of them.

Parts are short texts by name. The name begins with a word that says what the part is (``option:degree``,
``file:data/accounts.csv``), so that two sets of them can be compared in words. Two things with the same parts are the
same to the last bit; that is the promise of this module, and whatever is not sure to keep it belongs into the parts.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from estimation.results import BoolArray, Failed, ProductivityFit
from panels.frame import FirmPanel, Selection, TextColumn
from tfplab.bootstrapping import rows_of
from tfplab.cache.records import digest_of
from tfplab.plan import Plan, ProductivityPlan
from tfplab.provenance import environment

__all__ = ["Parts", "code_parts", "fit_parts", "key_of", "panel_parts", "parts_of_entry", "rows_parts"]

Parts = Mapping[str, str]

PANEL_CODE = ("specs", "panels")
"""The packages that a panel is made by."""
FIT_CODE = ("specs", "panels", "estimation", "tfplab")
"""Those that estimates are made by."""

_SOURCES = ("accounts", "survey", "table", "deflators", "link")
_NOT_COMPUTING = frozenset({"matplotlib", "babel", "ruamel.yaml"})


def key_of(parts: Parts) -> str:
    """Return the key of parts: 40 hexadecimal digits; the order of parts does not count."""
    return hashlib.blake2b(_text(dict(parts)).encode(), digest_size=20).hexdigest()


@cache
def code_parts(packages: tuple[str, ...]) -> Parts:
    """Return what computes: the content of packages of tfplab, and the versions of Python and of libraries.

    Parameters
    ----------
    packages : tuple of str
    """
    digest = hashlib.blake2b(digest_size=20)
    for package in packages:
        folder = Path(str(import_module(package).__file__)).parent
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".yaml", ".json", ".csv") and path.is_file():
                digest.update(f"{package}/{path.relative_to(folder).as_posix()}\0".encode())
                digest.update(hashlib.blake2b(path.read_bytes()).digest())
    found = environment()
    versions = {name: one for name, one in found["libraries"].items() if name not in _NOT_COMPUTING}
    versions |= {"tfplab": found["tfplab"], "python": found["python"], "BLAS": _text(found["blas"])}
    versions["the machine"] = f"{sys.platform} {platform.machine()}"
    return {"code:tfplab": digest.hexdigest(), **{f"version:{name}": str(one) for name, one in versions.items()}}


def panel_parts(plan: Plan, files: Mapping[str, str]) -> Parts:
    """Return what a panel depends on.

    Parameters
    ----------
    plan : Plan
    files : mapping of str to str
        The digest of every file that is read, by the name under which the spec knows it. Names count: the ledger
        says in which file something stood. Layouts of the user's own are among them.

    Returns
    -------
    mapping of str to str
        Neither comments nor the order of keys count, nor does anything that only estimation reads.
    """
    panel = plan.panel.panel.model_dump(mode="json", exclude_none=True)
    found: dict[str, str] = {f"file:{name}": digest for name, digest in files.items()}
    for name, one in panel.items():
        found[f"panel:{name}"] = _text(one)
    # Their order is that of computation, which follows from what they use and from the order in the spec.
    found |= {f"variable:{name}": str(one) for name, one in plan.early_variables.items()}
    found["order:variables"] = _text(list(plan.early_variables))
    return {**found, **code_parts(PANEL_CODE)}


def fit_parts(
    step: ProductivityPlan,
    rows: Selection,
    use: BoolArray,
    *,
    seed: int,
    parents: Mapping[str, str] | None = None,
    everywhere: Selection | None = None,
    n_firms: int = 0,
) -> Parts:
    """Return what a productivity estimate depends on. Nothing is read but the arguments.

    Parameters
    ----------
    step : ProductivityPlan
    rows : Selection
        All rows of the panel, with the columns that the method reads.
    use : (n,) bool array
        Which rows its `where` keeps.
    seed : int
        Counts only where a bootstrap draws.
    parents : mapping of str to str, optional
        The keys of the entries that it is made of.
    everywhere : Selection, optional
        All rows, with the columns by which a bootstrap draws.
    n_firms : int
        Of the panel; counts only where a bootstrap draws.
    """
    found = {"name:": step.name, "method:": step.method}
    found |= {f"option:{key}": _text(one) for key, one in step.options.model_dump(mode="json").items()}
    found |= {"needs:": step.extras, "notes:": _text(list(step.notes))}
    found |= {f"parent:{name}": key for name, key in (parents or {}).items()}
    found |= rows_parts(rows)
    found["where:"] = digest_of(use)
    if step.errors is not None:
        found["option:errors"] = _text(step.errors.written)
        found |= {"seed:": str(seed), "firms:": str(n_firms)}
        if everywhere is not None:
            found |= {f"drawn:{name}": one for name, one in rows_parts(everywhere).items()}
    return {**found, **code_parts(FIT_CODE)}


def parts_of_entry(
    plan: Plan, step: ProductivityPlan, panel: FirmPanel, parents: Mapping[str, ProductivityFit | Failed | str]
) -> Parts:
    """Return what a productivity entry depends on, with its rows taken from a panel.

    Parameters
    ----------
    plan : Plan
    step : ProductivityPlan
    panel : FirmPanel
        Without productivity columns.
    parents : mapping of str to ProductivityFit, Failed or str
        The entries that it is made of, or their keys.

    Raises
    ------
    EstimationError
        If its `where` cannot be computed.
    """
    rows, use = rows_of(step, panel)
    keys = {name: one if isinstance(one, str) else digest_of(one) for name, one in parents.items()}
    drawn_by = [name for name in step.errors.columns if name != "firm"] if step.errors is not None else []
    everywhere = panel.select(drawn_by) if drawn_by else None
    return fit_parts(
        step, rows, use, seed=plan.seed, parents=keys, everywhere=everywhere, n_firms=panel.n_firms
    )  # fmt: skip


def rows_parts(rows: Selection) -> dict[str, str]:
    """Return the content of rows: which they are, and each column."""
    found = {"rows:": digest_of((rows.rows, rows.firm, rows.year, rows.n_panel, dict(rows.outside)))}
    found["aliases:"] = _text(dict(rows.aliases))
    for name, column in rows.columns.items():
        if isinstance(column, TextColumn):
            found[f"column:{name}"] = digest_of((column.codes, column.levels))
        else:
            found[f"column:{name}"] = digest_of(column.values)
    found["order:columns"] = _text(list(rows.columns))
    return found


def _text(value: Any) -> str:
    """Return plain values as one text, whatever the order of keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
