"""An output folder: whole or not at all, and never over anything that is not of its kind."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from specs.errors import BundleError

__all__ = ["MANIFEST", "check_folder", "write_folder"]

MANIFEST = "manifest.json"
# What file managers leave behind does not make a folder somebody's own.
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}


def check_folder(folder: Path, kind: str) -> Path:
    """Return where a folder may be written, links followed.

    Worth asking before hours of estimation.

    Parameters
    ----------
    folder : Path
    kind : str
        ``run`` or ``panel``: what an earlier folder there must be to be replaced.

    Raises
    ------
    BundleError
        If the folder holds anything else.
    """
    target = Path(os.path.realpath(folder))
    if target.is_dir():
        found = {path.relative_to(target).as_posix() for path in target.rglob("*") if not path.is_dir()}
        foreign = {name for name in found if PurePosixPath(name).name not in _LITTER} - _written(target, kind)
        if foreign:
            listed = ", ".join(sorted(foreign)[:3]) + (", ..." if len(foreign) > 3 else "")
            whose = "a run bundle's" if kind == "run" else f"a {kind} report's"
            raise BundleError(
                f"{folder} holds files that are not {whose} ({listed}): nothing was written there; "
                "name another folder with -o, or empty this one"
            )
    elif target.exists():
        raise BundleError(f"{folder} is a file; name a folder with -o")
    return target


def write_folder(
    folder: Path, kind: str, files: Iterable[tuple[str, str | bytes]], manifest: Mapping[str, Any]
) -> None:
    """Write files beside `folder` and rename them into place.

    Parameters
    ----------
    folder : Path
        Does not exist, is empty, or holds an earlier one of this kind, which is replaced in one step.
    kind : str
    files : iterable of (name, text or bytes)
        Names are relative, with slashes.
    manifest : mapping
        Goes into ``manifest.json`` with the digests of the files.

    Raises
    ------
    BundleError
        If `folder` holds anything else.
    """
    target = check_folder(folder, kind)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as work:
        beside = Path(work) / "new"
        beside.mkdir()
        digests: dict[str, dict[str, Any]] = {}
        for name, content in files:
            data = content.encode("utf-8") if isinstance(content, str) else content
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            digests[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        whole = json.dumps({"kind": kind, **manifest, "outputs": digests}, ensure_ascii=False, indent=1, default=str)
        (beside / MANIFEST).write_text(whole + "\n", encoding="utf-8")
        _replace(beside, target, Path(work) / "older")


def _written(folder: Path, kind: str) -> set[str]:
    """Return the files that an earlier writing of this kind left."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    if not isinstance(manifest, dict) or manifest.get("kind") != kind:
        return set()
    return {MANIFEST, *manifest.get("outputs", {})}


def _replace(beside: Path, target: Path, older: Path) -> None:
    """Rename `beside` to `target`; an older folder there comes back if that fails."""
    if target.exists():
        target.rename(older)
    try:
        beside.rename(target)
    except BaseException:
        if older.exists():
            older.rename(target)
        raise
