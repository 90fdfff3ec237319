"""A folder of what earlier runs made, safe to delete at any time.

It holds microdata: nobody but its owner may look into it, and nothing is written beside it. Runs at the same time share
it without locks: whatever is kept is written beside its place and moved there in one step, and what is broken, or gone
meanwhile, is made anew.

::

    CACHEDIR.TAG                what backup programs look for, and that the folder is ours
    digests                     the digests of files, by path, size and time
    panel-<key>/                a panel: ``record`` and Parquet files
    fit-<key>/                  a productivity estimate: ``record``
    of-<spec and name>/<key>    the parts of a key, the latest of each spec and name
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specs.errors import TfplabError
from tfplab.cache.keys import Parts, key_of
from tfplab.cache.records import BrokenRecordError, from_bytes, to_bytes

__all__ = ["LIMIT", "CacheError", "CacheFolder", "Miss"]

LIMIT = 2 * 10**9
"""How many bytes a folder may hold if nothing else is said."""

_TAG = "CACHEDIR.TAG"
_TAG_TEXT = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This folder is a cache of tfplab. It may hold microdata of firms, and is safe to delete.\n"
)
_RECORD, _NEW = "record", "new-"
_OLD_SECONDS = 24 * 3600
_MOST_PARTS = 8
_CHUNK = 1 << 20


class CacheError(TfplabError):
    """A folder that cannot be a cache."""


class Miss(Exception):  # noqa: N818 - it is no error: what is not there is made
    """What was kept cannot be used: why; empty where there is nothing."""


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    size: int
    used: float


class CacheFolder:
    """A cache on the disk.

    Parameters
    ----------
    folder : Path
        Made where there is none, for its owner alone.
    limit : int
        Bytes; what was not used for longest goes first.

    Raises
    ------
    CacheError
        If the folder holds something else.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self.folder, self.limit = folder, limit
        tag = folder / _TAG
        if not tag.is_file():
            if _is_foreign(folder) and not tag.is_file():
                raise CacheError(f"{folder} holds something that is no cache of tfplab: name another folder, or none")
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            _write(tag, _TAG_TEXT.encode())
        self._tidy()

    def clear(self) -> int:
        """Remove all that is kept, the folder itself stays; return how many bytes there were."""
        total = sum(entry.size for entry in self._entries())
        for path in self.folder.iterdir():
            if path.name != _TAG:
                _remove(path)
        return total

    def load(self, kind: str, parts: Parts) -> tuple[Any, Path]:
        """Return what is kept of these parts, and the folder in which its files are.

        Raises
        ------
        Miss
            If there is nothing, or what there is is broken.
        """
        folder = self.folder / f"{kind}-{key_of(parts)}"
        if not folder.is_dir():
            raise Miss("")
        try:
            found = from_bytes((folder / _RECORD).read_bytes())
            if not isinstance(found, dict) or set(found) != {"parts", "files", "value"} or found["parts"] != parts:
                raise BrokenRecordError("is of something else")
            for name, digest in found["files"].items():
                if Path(name).name != name or _digest(folder / name) != digest:
                    raise BrokenRecordError("has files that were changed")
        except (OSError, BrokenRecordError) as error:
            _remove(folder)
            raise Miss(f"what was kept {_told(error)}") from None
        with suppress(OSError):
            os.utime(folder)
        return found["value"], folder

    def forget(self, kind: str, parts: Parts) -> None:
        """Remove what is kept of these parts."""
        _remove(self.folder / f"{kind}-{key_of(parts)}")

    def keep(self, kind: str, parts: Parts, value: object, write: Callable[[Path], object] | None = None) -> str:
        """Keep a value under its parts.

        Parameters
        ----------
        kind : str
            ``panel``, ``fit``.
        parts : mapping of str to str
        value : object
            A record.
        write : callable, optional
            Writes files into a folder, and returns the record to keep instead of `value`.

        Returns
        -------
        str
            Why it was not kept; empty if it was.
        """
        place, new = self.folder / f"{kind}-{key_of(parts)}", self.folder / f"{_NEW}{uuid.uuid4().hex}"
        try:
            new.mkdir(mode=0o700)
            kept = write(new) if write is not None else value
            files = {}
            for path in sorted(new.iterdir()):
                path.chmod(0o600)
                files[path.name] = _digest(path)
            _write(new / _RECORD, to_bytes({"parts": dict(parts), "files": files, "value": kept}))
            size = _size(new)
            if size > self.limit:
                return f"it takes {size / 1e6:,.0f} MB and the cache may hold {self.limit / 1e6:,.0f}"
            if not place.exists():
                # Somebody else may have kept the same meanwhile.
                with suppress(FileExistsError, PermissionError):
                    new.rename(place)
            self._shrink()
        except OSError as error:
            return f"{self.folder} cannot be written: {error.strerror or error}"
        finally:
            _remove(new)
        return ""

    # The latest parts, for why something was made anew

    def latest(self, of: str) -> tuple[Parts, ...]:
        """Return the latest parts of something, the oldest first; what is broken is left out."""
        found = []
        for path in self._parts(of):
            with suppress(OSError, BrokenRecordError):
                parts = from_bytes(path.read_bytes())
                if isinstance(parts, dict) and all(type(one) is str for pair in parts.items() for one in pair):
                    found.append(parts)
        return tuple(found)

    def remember(self, of: str, parts: Parts) -> None:
        """Remember the parts of something as its latest."""
        folder = self._folder_of(of)
        with suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)
            _write(folder / key_of(parts), to_bytes(dict(parts)))
            for path in self._parts(of)[:-_MOST_PARTS]:
                path.unlink(missing_ok=True)

    def _folder_of(self, of: str) -> Path:
        return self.folder / f"of-{hashlib.blake2b(of.encode(), digest_size=20).hexdigest()}"

    def _parts(self, of: str) -> list[Path]:
        try:
            return sorted(self._folder_of(of).iterdir(), key=lambda path: (path.stat().st_mtime_ns, path.name))
        except OSError:
            return []

    # Digests of files

    def digests(self) -> dict[tuple[str, int, int, int], str]:
        """Return the digests of files by path, size, time of change and number; none where they are broken."""
        try:
            found = from_bytes((self.folder / "digests").read_bytes())
        except (OSError, BrokenRecordError):
            return {}
        return found if isinstance(found, dict) else {}

    def keep_digests(self, found: Mapping[tuple[str, int, int, int], str]) -> None:
        """Keep the digests of files, of each path the latest."""
        latest = {signature[0]: signature for signature in found}
        with suppress(OSError):
            _write(self.folder / "digests", to_bytes({one: found[one] for one in latest.values()}))

    # What is too old or too much

    def _entries(self) -> list[_Entry]:
        found = []
        for path in self.folder.iterdir():
            if path.is_dir() and not path.name.startswith(_NEW):
                with suppress(OSError):
                    found.append(_Entry(path, _size(path), path.stat().st_mtime))
        return sorted(found, key=lambda entry: (entry.used, entry.path.name))

    def _shrink(self) -> None:
        entries = self._entries()
        total = sum(entry.size for entry in entries)
        for entry in entries:
            if total <= self.limit:
                break
            _remove(entry.path)
            total -= entry.size

    def _tidy(self) -> None:
        """Remove what a run that was stopped has left half written."""
        for path in self.folder.glob(f"{_NEW}*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _OLD_SECONDS:
                    _remove(path)
        self._shrink()


def _is_foreign(folder: Path) -> bool:
    """Return whether there is something else in a folder; another run may be making a cache of it just now."""
    if not folder.is_dir():
        return folder.exists()
    return any(path.name != _TAG and not path.name.startswith(_NEW) for path in folder.iterdir())


def _write(path: Path, data: bytes) -> None:
    """Write a file for its owner alone, in one step."""
    new = path.with_name(f"{_NEW}{uuid.uuid4().hex}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    """Remove a file or a folder; a folder by its name first, so that nobody finds half of it."""
    if path.is_dir() and not path.name.startswith(_NEW):
        aside = path.with_name(f"{_NEW}{uuid.uuid4().hex}")
        with suppress(OSError):
            path = path.rename(aside)
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _digest(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=20)
    with path.open("rb") as stream:
        while block := stream.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


def _told(error: OSError | BrokenRecordError) -> str:
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    return str(error)
