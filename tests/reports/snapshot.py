"""Snapshots: a text as it was when somebody last looked. TFPLAB_UPDATE_SNAPSHOTS=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "snapshots"


def matches_snapshot(name: str, text: str) -> None:
    path = FOLDER / name
    if os.environ.get("TFPLAB_UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8", newline="")
    assert text == path.read_text(encoding="utf-8")
