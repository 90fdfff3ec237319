"""A run of the demo, made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfplab
from tfplab.api import Run


@pytest.fixture(scope="session")
def demo_run(demo_folder: Path) -> Run:
    return tfplab.run(demo_folder / "hrw_2026.yaml")


@pytest.fixture(scope="session")
def demo_bundle(demo_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_run.save(tmp_path_factory.mktemp("bundle") / "run")


@pytest.fixture
def own_panel(tmp_path: Path) -> Callable[..., Path]:
    """Write a small panel of plants and a spec on it; returns the spec."""

    def make(extra: str = "", *, firms: int = 120, productivity: str = "", header: str = "", memory: float = 0) -> Path:
        rng = np.random.default_rng(11)
        lines = ["plant,yr,y,l,k,m,sector,size"]
        for firm in range(firms):
            omega, capital, hired = rng.normal(0, 0.3), rng.normal(3, 1), 0.0
            for year in range(2010, 2016):
                omega = 0.8 * omega + rng.normal(0, 0.2)
                hired = memory * hired + rng.normal(0, 0.5)
                labour = 2 + 0.5 * omega + hired
                capital = 0.9 * capital + 0.3 + rng.normal(0, 0.3)
                materials = 0.6 * capital + omega
                output = 0.6 * labour + 0.3 * capital + omega + rng.normal(0, 0.1)
                sector, size = "AB"[firm % 2], ("small", "large")[firm % 3 == 0]
                lines.append(
                    f"p{firm:03},{year},{output:.6f},{labour:.6f},{capital:.6f},{materials:.6f},{sector},{size}"
                )
        (tmp_path / "plants.csv").write_text("\n".join(lines) + "\n")
        spec = tmp_path / "own.yaml"
        spec.write_text(
            "tfplab: 1\ntitle: Plants\n"
            "panel: {table: {files: plants.csv}, firm: plant, year: yr}\n"
            + header
            + "productivity:\n"
            + "  tfp: {method: wooldridge, output: y, free: [l], state: [k], proxy: m, degree: 2}\n"
            + productivity
            + extra
        )
        return spec

    return make
