"""Fixtures that several floors share."""

from __future__ import annotations

from pathlib import Path

import pytest

from panels.demo import write


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's microdata and spec, written once; nobody writes into it."""
    folder = tmp_path_factory.mktemp("demo")
    write(folder)
    return folder
