"""Accounts and survey, linked on the firm: the accounts are the spine, every firm-year of theirs stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import narwhals as nw

from panels.clean import bare_number
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


def link(engine: Engine, accounts: Rows, survey: Rows, sources: Sequence[Source]) -> Rows:
    """Put the survey's columns beside the accounts of the wave's year, and count what found no accounts.

    `linked` is 1 where the firm answered that year, else 0; the survey's columns are missing there. That not one firm
    of a file of `sources` is in the accounts is a mistake in the numbers.
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
        problems=(*accounts.problems, *survey.problems, *_strangers(engine, accounts, survey, counts, sources)),
    )  # fmt: skip


def _strangers(
    engine: Engine, accounts: Rows, survey: Rows, counts: Mapping[str, Mapping[str, int]], sources: Sequence[Source]
) -> list[Problem]:
    """Find files of which no firm is in the accounts, and firms that are there with other leading zeros."""
    if not accounts.count:
        return []
    units, spine = (engine.sql(one) for one in (survey.frame.select("firm", WAVE), accounts.frame.select("firm")))
    first = engine.rows(f"SELECT min(firm) FROM ({spine})")[0][0]
    given = {source.file.wave: source for source in sources if source.file.wave is not None}
    waves: dict[str, list[str]] = {}
    for wave in counts:
        waves.setdefault(given.get(int(float(wave)), sources[0]).file.shown, []).append(wave)
    problems = []
    for source in sources:
        own = waves.get(source.file.shown, [])
        total = sum(counts[wave]["respondents"] for wave in own)
        if total and total == sum(counts[wave]["no_account"] for wave in own):
            here = engine.rows(f"SELECT min(firm) FROM ({units}) WHERE {identifier(WAVE)} IN ({', '.join(own)})")[0][0]
            what, meaning = f": none of its {total} firms is in the accounts", f'the first is "{here}" here'
            advice = "are they the same numbers, with their leading zeros?"
            problems.append(source.file.problem(what, f'{meaning} and "{first}" there', advice))
    return problems or _other_zeros(engine, units, spine, sources[0])


def _other_zeros(engine: Engine, units: str, spine: str, source: Source) -> list[Problem]:
    bare = bare_number("firm")
    total, here, there = engine.rows(
        f"SELECT count(*), min(u.firm), arg_min(a.firm, u.firm) "
        f"FROM (SELECT DISTINCT firm, {bare} AS bare FROM ({units})) u "
        f"JOIN (SELECT DISTINCT firm, {bare} AS bare FROM ({spine})) a ON u.bare = a.bare AND u.firm <> a.firm"
    )[0]
    if not total:
        return []
    what = f': the firm "{here}" of the survey is written "{there}" in the accounts'
    more = f"{total} firms are written in two ways" if total > 1 else "its answers would be lost"
    return [source.file.problem(what, more, "write a number alike in all files, with its leading zeros")]


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
