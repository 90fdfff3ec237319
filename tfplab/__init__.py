"""Floor 5, the public face: from one YAML spec to the published table.

>>> import tfplab
>>> run = tfplab.run("hrw_2026.yaml")  # doctest: +SKIP
>>> run.models["table1"].coefficients  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specs.errors import BundleError, EstimationError, SpecError, TfplabError
    from tfplab.api import Model, Run, run
    from tfplab.spec import Spec

__version__ = "0.1.0"

__all__ = ["BundleError", "EstimationError", "Model", "Run", "Spec", "SpecError", "TfplabError", "__version__", "run"]

_HOMES = {"run": "tfplab.api", "Run": "tfplab.api", "Model": "tfplab.api", "Spec": "tfplab.spec"}


def _guard() -> None:
    """Refuse to start where another distribution's package hides one of the four lower floors."""
    home = Path(__file__).resolve().parent.parent
    for floor in ("specs", "panels", "estimation", "reports"):
        found = import_module(floor).__file__
        if found is None or Path(found).resolve().parent.parent != home:
            raise ImportError(
                f"another distribution's package {floor!r} ({found}) hides tfplab's: install tfplab into an "
                "environment of its own (python -m venv) and start it there"
            )


_guard()


def __getattr__(name: str) -> object:
    """Load a public name at its first use, so that the command line starts fast."""
    if name not in __all__:
        raise AttributeError(f"module 'tfplab' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "specs.errors")), name)
