"""Selections made of plain arrays, and a small first stage, for the tests of designs."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from estimation.inference import inference
from estimation.results import FloatArray, GroupFit, ProductivityFit
from panels.frame import NumberColumn, Selection, TextColumn

REFERENCE = Path(__file__).parents[1] / "reference"


def column(values: Sequence[Any] | FloatArray, levels: Sequence[str] | None = None) -> NumberColumn | TextColumn:
    """Numbers as they are; text as codes, None as missing."""
    if not isinstance(values[0], str) and values[0] is not None:
        return NumberColumn(np.asarray(values, dtype=np.float64))
    ordered = tuple(levels or sorted({value for value in values if value is not None}))
    return TextColumn(np.array([-1 if value is None else ordered.index(value) for value in values]), ordered)


def selection(
    columns: Mapping[str, Any],
    firm: Sequence[int] | None = None,
    year: Sequence[int] | None = None,
    levels: Mapping[str, Sequence[str]] | None = None,
) -> Selection:
    """A panel as one selection; one row a firm and the year 2023 unless told."""
    n = len(next(iter(columns.values())))
    return Selection(
        rows=np.arange(n),
        firm=np.arange(n) if firm is None else np.asarray(firm, dtype=np.int64),
        year=np.full(n, 2023) if year is None else np.asarray(year, dtype=np.int64),
        columns={name: column(values, (levels or {}).get(name)) for name, values in columns.items()},
        n_panel=n,
        outside={},
    )


@cache
def reference_panel(year: int | None = None) -> Selection:
    """The synthetic panel behind R's numbers (one year of it), by firm and year."""
    with gzip.open(REFERENCE / "cross_section_panel.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if year is None or row["year"] == str(year)]
    rows.sort(key=lambda row: (row["firm"], row["year"]))
    firms = {name: code for code, name in enumerate(sorted({row["firm"] for row in rows}))}
    return selection(
        {
            **{name: [row[name] for row in rows] for name in ("size", "nace")},
            **{name: [float(row[name]) for row in rows] for name in ("ln_tfp", "ai", "weight")},
        },
        [firms[row["firm"]] for row in rows],
        [int(row["year"]) for row in rows],
        {"size": ("10-19", "20-49", "50-249", "250+")},
    )


@cache
def reference_numbers() -> dict[str, Any]:
    """R's numbers."""
    found: dict[str, Any] = json.loads((REFERENCE / "cross_section_r.json").read_text(encoding="utf-8"))
    return found


@cache
def did_panel() -> Selection:
    """The synthetic panel behind the numbers of R's packages for differences in differences; `cohort` is missing for
    firms that never adopt.
    """
    with gzip.open(REFERENCE / "did_panel_a.csv.gz", "rt") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["firm"], row["year"]))
    firms = {name: code for code, name in enumerate(sorted({row["firm"] for row in rows}))}
    numbers = ("ln_tfp", "ai", "weight", "size_idx", "age0")
    return selection(
        {
            "size": [row["size_class"] for row in rows],
            "nace": [row["nace"] for row in rows],
            **{name: [float(row[name]) for row in rows] for name in numbers},
            "cohort": [float(row["adopt_year"]) or np.nan for row in rows],
        },
        [firms[row["firm"]] for row in rows],
        [int(row["year"]) for row in rows],
        {"size": ("10-19", "20-49", "50-249", "250+")},
    )


@cache
def did_numbers() -> dict[str, Any]:
    """Their numbers."""
    with gzip.open(REFERENCE / "did_r.json.gz", "rt") as file:
        found: dict[str, Any] = json.load(file)
    return found


def group_fit(
    firms: Sequence[int] | np.ndarray[Any, Any],
    influence: FloatArray,
    *,
    group: tuple[tuple[str, str], ...] = (),
    small_sample: float = 1.0,
) -> GroupFit:
    """A first stage of which only the influence functions matter."""
    q = influence.shape[1]
    covariance = small_sample * influence.T @ influence
    return GroupFit(
        group=group, rung="one-step", terms=tuple(f"x{j}" for j in range(q)), coefficients=np.zeros(q),
        covariance=covariance,
        inference=inference(np.zeros(q), covariance, np.inf), df=np.inf, n_obs=len(firms), n_firms=len(firms),
        n_firms_scores=len(firms), j_statistic=None, j_df=None, j_p_value=None,
        parameters=tuple(f"x{j}" for j in range(q)), influence_firms=np.asarray(firms), influence=influence,
        small_sample=small_sample,
    )  # fmt: skip


def productivity(
    values: FloatArray,
    gradient: FloatArray,
    groups: Sequence[GroupFit],
    group_of_row: Sequence[int] | None = None,
) -> ProductivityFit:
    """A productivity column with the derivatives of its values."""
    n = len(values)
    return ProductivityFit(
        name="tfp", method="test", tfp_from="residual", groups=tuple(groups), values=values,
        group_of_row=np.zeros(n, dtype=np.int64) if group_of_row is None else np.asarray(group_of_row),
        in_sample=np.ones(n, dtype=np.bool_), gradient=gradient,
    )  # fmt: skip
