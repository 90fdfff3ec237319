"""What the report, the tables and disclosure make of a balanced comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.designs.cross_section import Options, fit
from reports.build import build_tables
from reports.disclosure_balance import told_of_levels
from reports.page_balance import balance_tables
from reports.record import dump_record
from reports.words import words_of
from tests.estimation.rows import selection
from tests.reports.published import published_record, spec_facts


def record(action: str = "suppress", locale: str = "en") -> dict[str, Any]:
    """Three sectors: in one of them six firms use AI, in another nobody."""
    rng = np.random.default_rng(2)
    sector = np.repeat(["C", "G", "J", "R"], [100, 80, 60, 4])
    ai = np.concatenate([np.arange(100) < 33, np.arange(80) < 6, np.arange(60) < 30, np.zeros(4)]).astype(float)
    x = rng.normal(size=244) + 0.5 * ai
    rows = selection({"y": rng.normal(size=244) + ai, "ai": ai, "x": x, "nace": sector.tolist()})
    keys = {"formula": "y ~ ai", "balance": {"method": "entropy", "covariates": ["x", "nace"]}}
    tables = {"t": {"models": ["m"], "p_values": "none", "decimals": 3, "locale": [locale]}}
    spec = spec_facts(disclosure={"minimum_firms": 10, "on_breach": action}, tables=tables)
    found: dict[str, Any] = published_record(spec=spec, models=[fit("m", Options.model_validate(keys), rows, None)])
    return found


def test_levels_of_few_firms_and_one_beside_them_are_withheld() -> None:
    lines = {one["term"]: one for one in record()["models"]["m"]["balance"]["covariates"]}
    # nace[G] has six users; of two levels that are left the smaller one would give it away.
    assert {term for term, one in lines.items() if one.get("suppressed")} == {"nace[G]", "nace[J]"}
    assert lines["x"]["mean_treated"] is not None
    reported = record("report")["models"]["m"]["balance"]["covariates"]
    shown = dump_record(record())
    for one in reported:
        if lines[one["term"]].get("suppressed"):
            assert f"{one['mean_treated']:.9f}"[:9] not in shown


def test_a_level_of_users_alone_or_none_is_not_named_where_it_is_small() -> None:
    named = [note for note in record("report")["models"]["m"]["notes"] if "left out" in note]
    assert named == ["balance: nace R has no treated row: 4 firms left out"]
    assert "nace R" not in dump_record(record())
    assert any("a level of nace was left out" in note for note in record()["models"]["m"]["notes"])
    many = "balance: nace R has no treated row: 40 firms left out"
    assert told_of_levels(many, many) == many


@pytest.mark.parametrize(
    ("locale", "label", "columns"),
    [
        ("en", "Alike in", ("m, entropy balanced", "m, as they are")),
        ("nl_BE", "Gelijk in", ("m, met entropiegewichten", "m, zoals ze zijn")),
        ("fr_BE", "Semblables en", ("m, poids d’entropie", "m, telles quelles")),
    ],
)
def test_both_estimates_stand_in_the_table(locale: str, label: str, columns: tuple[str, str]) -> None:
    table = build_tables(record(locale=locale), locale)[0]
    rows = {row.label: [cell.text for cell in row.cells] for row in table.rows()}
    assert rows[label][0].startswith("x, ")
    assert rows[label][1] == words_of(locale)("none")
    assert [column.heading for column in table.columns] == list(columns)


@pytest.mark.parametrize("locale", ["en", "nl_BE", "fr_BE"])
def test_the_page_shows_the_balance(locale: str) -> None:
    found = record(locale=locale)
    text = balance_tables(found, words_of(locale))
    balance = found["models"]["m"]["balance"]
    assert text.count("<tr>") == 1 + len(balance["covariates"])
    assert words_of(locale)("balance.entropy") in text
    assert balance_tables({**found, "models": {}}, words_of(locale)) == ""
