"""The content of the files that a panel is made of: digests, each computed once for a file that nobody touched."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

from tfplab.plan import Plan
from tfplab.provenance import digest_files, digest_inputs
from tfplab.sources import input_files

__all__ = ["Signature", "digest_of_file", "digests_of", "signatures_of"]

Signature = tuple[str, int, int, int]
"""The path of a file, its size, the time of its change in nanoseconds, its number in the file system."""


def digests_of(plan: Plan, known: MutableMapping[Signature, str]) -> dict[str, str]:
    """Return the digest of everything that the panel of a plan is read from, by its name in the spec.

    Parameters
    ----------
    plan : Plan
    known : mapping of tuple to str
        Digests by signature; those that are computed now are added.

    Returns
    -------
    dict of str to str
        SHA-256. Tables of a server are digested by their rows, every time.
    """
    found: dict[str, str] = {}
    for file in input_files(plan.spec):
        if file.path.is_file():
            # The same file may stand under several waves.
            found[file.shown] = digest_of_file(file.shown, file.path, known)
        else:
            found |= {name: str(one["sha256"]) for name, one in digest_inputs([file]).items()}
    for name, path in plan.layout_files:
        found[f"layout {name}"] = digest_of_file(name, path, known)
    return found


def signatures_of(plan: Plan) -> tuple[Signature, ...]:
    """Return the signatures of all files that the panel of a plan is read from."""
    paths = [file.path for file in input_files(plan.spec)] + [path for _, path in plan.layout_files]
    return tuple(_signature(path) for path in paths if path.is_file())


def _signature(path: Path) -> Signature:
    found = path.stat()
    return (str(path.resolve()), found.st_size, found.st_mtime_ns, found.st_ino)


def digest_of_file(name: str, path: Path, known: MutableMapping[Signature, str]) -> str:
    """Return the SHA-256 of a file; that of one with a known signature is known."""
    signature = _signature(path)
    if signature not in known:
        digest = str(digest_files([(name, path)])[name]["sha256"])
        # A file that somebody is writing to has no digest to be remembered.
        if _signature(path) != signature:
            return digest
        known[signature] = digest
    return known[signature]
