"""What a table says of a difference-in-differences: who was compared with whom, and by what."""

from __future__ import annotations

import numpy as np
import pytest

from estimation.designs.did import Options, fit
from reports.build import build_tables
from tests.estimation.rows import selection
from tests.reports.published import published_record, spec_facts

YEARS = [2018, 2019, 2020, 2021]


def rows_of(locale: str, **keys: object) -> dict[str, list[str]]:
    firm, year = np.repeat(np.arange(100), 4), np.tile(YEARS, 100)
    y = np.random.default_rng(4).normal(size=400)
    rows = selection({"y": y, "cohort": np.where(firm < 40, 2021.0, np.nan)}, firm, year)
    found = fit(
        "effect", Options.model_validate({"outcome": "y", "adoption": {"cohort": "cohort"}, **keys}), rows, None
    )
    tables = {"t": {"models": ["effect"], "p_values": "none", "decimals": 3, "locale": [locale]}}
    record = published_record(spec=spec_facts(tables=tables), models=[found])
    table = build_tables(record, locale)[0]
    return {row.label: [cell.text for cell in row.cells] for row in table.rows()}


@pytest.mark.parametrize(
    ("locale", "estimator", "sides"),
    [
        ("en", "Estimator", "Treated firms / beside them"),
        ("nl_BE", "Schatter", "Behandelde ondernemingen / ernaast"),
        ("fr_BE", "Estimateur", "Entreprises traitées / à côté"),
    ],
)
def test_the_footer_names_the_comparison(locale: str, estimator: str, sides: str) -> None:
    found = rows_of(locale)
    assert found[estimator] == ["Callaway–Sant’Anna"]
    assert found[sides] == ["40 / 60"]


def test_several_estimators_have_a_column_each() -> None:
    found = rows_of("en", estimator=("callaway_santanna", "imputation"))
    assert found["Estimator"] == ["Callaway–Sant’Anna", "imputation"]
    assert found["Observations"] == ["400", "400"]
    assert found["Effects before treatment: p"][1] == ""
