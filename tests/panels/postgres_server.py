"""A PostgreSQL server of the tests' own, on a socket in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["programs", "server"]


def programs() -> Path | None:
    """Return the folder of the server's programs, None where it is not installed."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


@contextmanager
def server() -> Iterator[str]:
    """Start a server and yield the address of its database; both are gone afterwards."""
    bin_folder = programs()
    assert bin_folder is not None
    # Not below pytest's folder, which only its owner may enter: the server does not run as root.
    folder = Path(tempfile.mkdtemp(prefix="tfplab-pg-"))
    as_other: list[str] = []
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        as_other = ["runuser", "-u", "postgres", "--"]

    def run(program: str, *arguments: str) -> None:
        command = [*as_other, str(bin_folder / program), *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    data = folder / "data"
    try:
        run("initdb", "-D", str(data), "-U", "tester", "--auth=trust", "--encoding=UTF8", "--no-sync")
        # Only the socket: no port of the machine is opened.
        run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", f"-k {folder} -c listen_addresses=''",
            "start")  # fmt: skip
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
