"""Text files of the user's: read as a spec may be, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from specs.errors import SpecError, TfplabError
from specs.source import SourceError, load

__all__ = ["content_of", "write_atomically"]


def content_of(path: Path) -> str:
    """Return the text of a spec, with its byte-order mark and its own line breaks.

    Raises
    ------
    SpecError
        If it is missing, too large, not UTF-8 or holds control characters.
    """
    try:
        load(path, str(path))
    except SourceError as error:
        raise SpecError([error.problem]) from None
    return path.read_bytes().decode("utf-8")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there; a link stays one, the rights of a file that is there too.

    Raises
    ------
    TfplabError
        If its folder is not there, or there is a folder in its place.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise TfplabError(f"{path}: there is no folder {target.parent}")
    if target.is_dir():
        raise TfplabError(f"{path}: this is a folder, name a file")
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        if target.exists():
            os.chmod(name, target.stat().st_mode & 0o7777)
        else:
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
