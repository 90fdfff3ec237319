"""Ready-made panels as people have them, for tests of `tfplab new`."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

Row = dict[str, object]

YEARS = range(2015, 2021)


def rows(firms: int = 160, seed: int = 4) -> list[Row]:
    """Firms with a plain process: productivity, inputs that answer it, adoption from some year on."""
    chance = random.Random(seed)
    found: list[Row] = []
    for firm in range(firms):
        omega, capital = chance.gauss(0, 0.3), chance.gauss(5, 1)
        start = chance.choice((2017, 2018, 2019, 0, 0, 0))
        for year in YEARS:
            omega = 0.8 * omega + chance.gauss(0, 0.2)
            labour = 3 + 0.5 * omega + chance.gauss(0, 0.5)
            capital = 0.9 * capital + 0.5 + chance.gauss(0, 0.3)
            materials = 0.6 * capital + omega + 2
            found.append({
                "firm": f"{firm:04}", "year": year, "ln_y": 0.6 * labour + 0.3 * capital + omega + chance.gauss(0, 0.1),
                "ln_l": labour, "ln_k": capital, "ln_m": materials, "ai": int(0 < start <= year), "start": start,
                "sector": "CGHJ"[firm % 4], "region": ("north", "south")[firm % 8 // 4], "age": year - 1990 - firm % 20,
                "weight": 1 + firm % 3,
            })  # fmt: skip
    return found


def level(name: str) -> Callable[[Row], object]:
    return lambda row: round(1000 * math.exp(float(str(row[name]))) / (1000 if name == "ln_l" else 1), 3)


def same(name: str) -> Callable[[Row], object]:
    return lambda row: row[name]


def some_years(row: Row) -> object:
    return row["ai"] if row["year"] in (2016, 2019) else ""


PANELS: dict[str, dict[str, Callable[[Row], object]]] = {
    "english": {
        "firm_id": same("firm"), "year": same("year"), "sales": level("ln_y"), "value_added": level("ln_y"),
        "employees": level("ln_l"), "tangible_fixed_assets": level("ln_k"), "materials": level("ln_m"),
        "ai": same("ai"),
        "nace": same("sector"), "region": same("region"), "firm_age": same("age"), "weight": same("weight"),
    },
    "logs": {
        "id": same("firm"), "t": same("year"), "ln_va": same("ln_y"), "ln_l": same("ln_l"), "ln_k": same("ln_k"),
        "ln_m": same("ln_m"), "d": same("ai"), "tfp": same("ln_y"), "sector": same("sector"), "region": same("region"),
    },
    "dutch": {
        "ondernemingsnummer": same("firm"), "boekjaar": same("year"), "toegevoegde_waarde": level("ln_y"),
        "werknemers": level("ln_l"), "materiële_vaste_activa": level("ln_k"), "aankopen": level("ln_m"),
        "gebruikt_ai": some_years, "sector": same("sector"), "gewest": same("region"),
    },
    "french": {
        "N° d'entreprise": same("firm"), "Exercice comptable": same("year"), "valeur_ajoutée": level("ln_y"),
        "effectif.moyen": level("ln_l"), "immobilisations_corporelles": level("ln_k"), "achats": level("ln_m"),
        "utilise_ia": same("ai"), "Secteur d'activité": same("sector"), "région": same("region"),
    },
    "cohorts": {
        "plant": same("firm"), "yr": same("year"), "opre": level("ln_y"), "empl": level("ln_l"), "tfas": level("ln_k"),
        "mate": level("ln_m"), "first_treat": same("start"), "nace2": same("sector"), "region": same("region"),
        "treated": same("ai"),
    },
    "awkward": {
        "BvD ID number": same("firm"), "Year: closing": same("year"), "Value added (EUR)": level("ln_y"),
        "2020 sales": level("ln_y"), "in": level("ln_m"), "lag": level("ln_m"), "null": level("ln_k"),
        "é": level("ln_l"),
        "yes": same("ai"), "log": same("ai"), "a#b": same("sector"), "true": same("ai"), "x" * 70: same("ai"),
        "firm's": same("region"), "NO": same("sector"), "size": level("ln_l"), "_": level("ln_l"), "1": same("ai"),
    },
}  # fmt: skip
"""Column names, and what of a row they hold."""


def write_panel(path: Path, kind: str, made: list[Row] | None = None) -> Path:
    """Write a panel as CSV; names are quoted."""
    columns = PANELS[kind]
    lines = [",".join('"' + name + '"' for name in columns)]
    lines += [",".join(str(value(row)) for value in columns.values()) for row in (made or rows())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
