"""Accounts and survey, linked on the firm: the accounts are the spine, every firm-year of theirs stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import narwhals as nw

from panels.engine import Engine, identifier
from panels.expressions import Column
from panels.plan import LINKED
from panels.sources import Source
from panels.steps import Rows
from panels.store import physical_names
from panels.survey import WAVE
from specs.errors import Problem

__all__ = ["link"]

_HIT, _FIRM, _YEAR = "~hit", "~survey firm", "~survey year"


def link(engine: Engine, accounts: Rows, survey: Rows, source: Source) -> Rows:
    """Put the survey's columns beside the accounts of the wave's year, and count what found no accounts.

    `linked` is 1 where the firm answered that year, else 0; the survey's columns are missing there. That not one firm
    of the survey is in the accounts is a mistake in the numbers, told at the survey's first file, `source`.
    """
    taken = [column.physical for column in accounts.columns.values()]
    names = physical_names([name for name in survey.columns if name != "firm"], [*taken, "linked"])
    answers = survey.frame.select(
        nw.col("firm").alias(_FIRM),
        nw.col(WAVE).alias(_YEAR),
        nw.lit(1.0).alias(_HIT),
        *(nw.col(survey.columns[name].physical).alias(physical) for name, physical in names.items()),
    )
    joined = accounts.frame.join(answers, how="left", left_on=["firm", "year"], right_on=[_FIRM, _YEAR])
    joined = joined.with_columns(nw.col(_HIT).fill_null(0.0).alias("linked"))
    frame = joined.select(*dict.fromkeys(taken), *names.values(), "linked")
    columns = {**accounts.columns, "linked": Column("linked", "number", condition=True)}
    columns |= {name: replace(survey.columns[name], physical=physical) for name, physical in names.items()}
    facts = {**accounts.facts, **survey.facts, "linked": LINKED}
    counts = _statuses(engine, accounts, survey)
    totals = {key: sum(wave[key] for wave in counts.values()) for key in ("linked", "no_account", "other_year_only")}
    ledger = (accounts.ledger + survey.ledger).step("survey", "link", survey.count, totals["linked"], {
        "no accounts of the firm": totals["no_account"],
        "accounts of the firm in other years only": totals["other_year_only"],
    })  # fmt: skip
    return replace(
        accounts, frame=frame, columns=columns, facts=facts, ledger=ledger, link=counts,
        problems=(*accounts.problems, *survey.problems, *_strangers(engine, accounts, survey, totals, source)),
    )  # fmt: skip


def _strangers(
    engine: Engine, accounts: Rows, survey: Rows, totals: Mapping[str, int], source: Source
) -> list[Problem]:
    if not survey.count or not accounts.count or totals["no_account"] < survey.count:
        return []
    here, there = (
        engine.rows(f"SELECT min(firm) FROM ({engine.sql(rows.frame.select('firm'))})")[0][0]
        for rows in (survey, accounts)
    )
    what = f": none of its {survey.count} firms is in the accounts"
    meaning = f'the first is "{here}" here and "{there}" there'
    return [source.file.problem(what, meaning, "are they the same numbers, with their leading zeros?")]


def _statuses(engine: Engine, accounts: Rows, survey: Rows) -> dict[str, dict[str, int]]:
    """Count the survey's units by wave and by what became of them."""
    spine, units = (
        engine.sql(accounts.frame.select("firm", "year")),
        engine.sql(survey.frame.select("firm", WAVE)),
    )
    rows = engine.rows(
        f"SELECT {identifier(WAVE)}, count(*), "
        f'count(*) FILTER ((firm, {identifier(WAVE)}) IN (SELECT (firm, "year") FROM ({spine}))), '
        f"count(*) FILTER (firm NOT IN (SELECT firm FROM ({spine}))) FROM ({units}) GROUP BY 1 ORDER BY 1"
    )
    return {
        str(wave): {
            "respondents": int(total), "linked": int(linked), "no_account": int(none),
            "other_year_only": int(total - linked - none),
        }
        for wave, total, linked, none in rows
    }  # fmt: skip
