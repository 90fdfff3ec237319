"""Where a run came from: digests, versions, the machine. All goes into ``manifest.json``, none into ``run.json``."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from specs.errors import Position
from specs.files import FilePath
from tfplab import __version__

__all__ = ["digest_bytes", "digest_files", "digest_inputs", "environment"]

_LIBRARIES = (
    "numpy",
    "scipy",
    "duckdb",
    "narwhals",
    "openpyxl",
    "pandas",
    "matplotlib",
    "pydantic",
    "pyreadstat",
    "ruamel.yaml",
    "babel",
)
_CHUNK = 1 << 20


def digest_files(files: Iterable[tuple[str, Path]]) -> dict[str, dict[str, object]]:
    """Return the SHA-256 and the size in bytes of each file, by the name under which the spec knows it.

    Parameters
    ----------
    files : iterable of (str, Path)

    Returns
    -------
    dict
        ``{name: {"sha256": ..., "bytes": ...}}`` in the order given.
    """
    found: dict[str, dict[str, object]] = {}
    for name, path in files:
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while block := stream.read(_CHUNK):
                digest.update(block)
        found[name] = {"sha256": digest.hexdigest(), "bytes": path.stat().st_size}
    return found


def digest_bytes(content: bytes) -> dict[str, object]:
    """Return the SHA-256 of a content and its size in bytes."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def digest_inputs(
    files: Iterable[FilePath], known: Callable[[str, Path], str] | None = None
) -> dict[str, dict[str, object]]:
    """Return the digests of what a spec reads: files by their bytes, tables of a server by their rows.

    Parameters
    ----------
    files : iterable of FilePath
    known : callable, optional
        Returns the SHA-256 of a file by its name and path, where it is known already.

    Returns
    -------
    dict
        As `digest_files`; what no reader can digest is there with nothing.
    """
    from panels.readers.found import data_file
    from panels.readers.registry import reader_of

    found: dict[str, dict[str, object]] = {}
    for one in files:
        if one.path.is_file():
            if known is None:
                found |= digest_files([(one.shown, one.path)])
            else:
                found[one.shown] = {"sha256": known(one.shown, one.path), "bytes": one.path.stat().st_size}
            continue
        file = data_file(one, "", Position("", 1, 1))
        reader = reader_of(file)
        if reader is not None and reader.digest is not None:
            digest, size = reader.digest(file)
            found[f"{one.shown} {file.table}"] = {"sha256": digest, "bytes": size}
    return found


def environment() -> dict[str, Any]:
    """Return the versions of what computed, the platform and the linear algebra behind NumPy."""
    return {
        "tfplab": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "blas": _blas(),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _blas() -> Mapping[str, str]:
    import numpy as np

    build: Any = np.show_config(mode="dicts")
    blas = build.get("Build Dependencies", {}).get("blas", {})
    return {key: str(blas.get(key, "unknown")) for key in ("name", "version")}
