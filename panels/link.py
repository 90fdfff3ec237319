"""Accounts and survey, linked on the firm: the accounts are the spine, every firm-year of theirs stays.

Beside the panel stands what became of every respondent (`panels.linkage`): all of them are looked at,
linked or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np

from panels.arrays import FloatArray
from panels.clean import bare_number
from panels.engine import Engine, Frame
from panels.expressions import Column
from panels.layout import Layout
from panels.ledger import Ledger
from panels.link_balance import balance
from panels.link_columns import link_columns
from panels.link_rates import agreements, match_rates, scheme_shares, wave_links
from panels.link_status import DECIDE, FILED, IN_SOME_YEAR, IN_THIS_YEAR, status_of
from panels.linkage import LinkDiagnostics, Propensity, WaveLink
from panels.plan import PanelPlan
from panels.propensity import PropensityError, link_weights
from panels.respondents import Respondents, collect_respondents
from panels.sources import Inspection, Source
from panels.steps import Rows
from panels.store import physical_names
from panels.survey import WAVE
from panels.windows import distinct
from specs.errors import Problem

__all__ = ["link"]

_HIT, _FIRM, _YEAR = "~hit", "~survey firm", "~survey year"
_STATUS, _WEIGHT = "link_status", "link_weight"
_LOST = {
    "no_account": "no accounts of the firm",
    "other_year_only": "accounts of the firm in other years only",
    "account_dropped": "accounts of the wave's year, which cleaning dropped",
}
"""The reason codes of those that are not linked, as the ledger says them."""
_BESIDE = ("nace", "employees", "scheme", "region")
"""What the accounts say of a respondent that its link is described by."""
_LOOKED_AT = tuple(dict.fromkeys(("firm", "year", *_BESIDE, *DECIDE)))


def link(engine: Engine, plan: PanelPlan, inspection: Inspection, accounts: Rows, survey: Rows) -> Rows:
    """Put the survey's columns beside the accounts of the wave's year, and describe what became of its units.

    `linked` is 1 where the firm answered that year, else 0; the survey's columns are missing there. That not one firm
    of a file of the survey is in the accounts is a mistake in the numbers.
    """
    sources = inspection.survey
    taken = [column.physical for column in accounts.columns.values()]
    added = link_columns(plan.panel)
    names = physical_names([name for name in survey.columns if name != "firm"], [*taken, *added])
    # Of the accounts, which may be millions of rows, only those of the firms that were asked are looked at again.
    asked = distinct(survey.frame, "firm")
    looked_at = {name: accounts.columns[name] for name in _LOOKED_AT if name in accounts.columns}
    needed = accounts.frame.select(*dict.fromkeys(column.physical for column in looked_at.values()))
    spine = engine.kept(needed.join(asked, on="firm", how="semi"), "asked")
    counts = _statuses(engine, spine, survey)
    problems = [*accounts.problems, *survey.problems, *_strangers(engine, accounts, spine, survey, counts, sources)]
    units = _respondents(engine, accounts.filed, looked_at, spine, survey)
    weights: FloatArray | None = None
    waves: tuple[Propensity, ...] = ()
    if _WEIGHT in added and not problems:
        weights, waves = _weighted(plan, units, problems)
    found = _described(inspection, units, weights, waves)
    answers = survey.frame.select(
        nw.col("firm").alias(_FIRM),
        nw.col(WAVE).alias(_YEAR),
        nw.lit(1.0).alias(_HIT),
        *(nw.col(survey.columns[name].physical).alias(physical) for name, physical in names.items()),
    )
    codes = _codes(engine, units, weights)
    answers = answers.join(codes, how="left", left_on=[_FIRM, _YEAR], right_on=["~coded firm", "~coded wave"])
    answers = engine.kept(answers, "answers")
    joined = accounts.frame.join(answers, how="left", left_on=["firm", "year"], right_on=[_FIRM, _YEAR])
    joined = joined.with_columns(nw.col(_HIT).fill_null(0.0).alias("linked"))
    frame = joined.select(*dict.fromkeys(taken), *names.values(), *added)
    columns = {**accounts.columns, "linked": Column("linked", "number", condition=True)}
    columns |= {name: Column(name, one.kind) for name, one in added.items() if name != "linked"}
    columns |= {name: replace(survey.columns[name], physical=physical) for name, physical in names.items()}
    facts = {**accounts.facts, **survey.facts, **added}
    became = {str(one.wave): _became(one) for one in found.waves}
    lost = {reason: sum(wave[key] for wave in became.values()) for key, reason in _LOST.items()}
    ledger = accounts.ledger + survey.ledger
    ledger = ledger.step("survey", "link", survey.count, survey.count - sum(lost.values()), lost)
    return replace(accounts, frame=frame, columns=columns, facts=facts, ledger=_noted(ledger, found), link=became,
                   linkage=found, problems=tuple(problems))  # fmt: skip


def _became(wave: WaveLink) -> dict[str, int]:
    """What became of the respondents of a wave, in short."""
    return {"respondents": wave.respondents, "linked": wave.linked, **{key: wave.statuses[key] for key in _LOST}}


def _respondents(
    engine: Engine, filed_table: str, columns: Mapping[str, Column], spine: Frame, survey: Rows
) -> Respondents:
    """Every respondent with its reason code, beside what is looked at of the accounts of its year."""
    renamed = {column.physical: f"~accounts {column.physical}" for column in columns.values()}
    this_year = spine.select(*(nw.col(old).alias(new) for old, new in renamed.items()), nw.lit(1).alias(IN_THIS_YEAR))
    some_year = _last_known(spine, columns).with_columns(nw.lit(1).alias(IN_SOME_YEAR))
    filed = engine.table(filed_table).select(nw.col("firm").alias("~filed firm"), nw.col("year").alias("~filed year"))
    filed = distinct(filed, "~filed firm", "~filed year").with_columns(nw.lit(1).alias(FILED))
    frame = survey.frame.join(this_year, how="left", left_on=["firm", WAVE],
                              right_on=[renamed["firm"], renamed["year"]])  # fmt: skip
    frame = frame.join(some_year, how="left", left_on="firm", right_on="~known firm")
    frame = frame.join(filed, how="left", left_on=["firm", WAVE], right_on=["~filed firm", "~filed year"])
    beside = {name: replace(column, physical=renamed[column.physical]) for name, column in columns.items()}
    kept = engine.kept(frame.with_columns(status_of(beside).alias("status")), "respondents", (WAVE, "firm"))
    engine.drop(filed_table)
    own = {name: column for name, column in survey.columns.items() if name not in ("firm", WAVE)}
    places = {name: beside[name].physical for name in _BESIDE if name in columns}
    if "region" in columns:
        places["region"] = "~region"
    places = {name: at for name, at in places.items() if (name == "employees") == (columns[name].kind == "number")}
    return collect_respondents(engine, kept, {name: column.kind for name, column in own.items()},
                               {name: column.physical for name, column in own.items()}, places)  # fmt: skip


def _last_known(spine: Frame, columns: Mapping[str, Column]) -> Frame:
    """Every firm with its region: that of the last year which says one."""
    if "region" not in columns:
        return distinct(spine, "firm").rename({"firm": "~known firm"})
    region = nw.col(columns["region"].physical)
    known = nw.when(~region.is_null()).then(nw.col("year")).otherwise(nw.col("year") - 10_000)
    last = spine.with_columns(known.alias("~told")).filter(nw.col("~told") == nw.col("~told").max().over("firm"))
    return distinct(last.select(nw.col("firm").alias("~known firm"), region.alias("~region")), "~known firm", "~region")


def _weighted(
    plan: PanelPlan, units: Respondents, problems: list[Problem]
) -> tuple[FloatArray | None, tuple[Propensity, ...]]:
    spec = plan.panel.link.propensity if plan.panel.link is not None else None
    assert spec is not None
    try:
        return link_weights(units, spec)
    except PropensityError as error:
        path = ("panel", "link", "propensity")
        problems.append(Problem(plan.node(*path).position, ".".join(path), *error.args))
        return None, ()


def _described(
    inspection: Inspection, units: Respondents, weights: FloatArray | None, waves: tuple[Propensity, ...]
) -> LinkDiagnostics:
    assert inspection.survey_layout is not None
    compared = balance(units, _not_compared(inspection.survey_layout), weights)
    return LinkDiagnostics(
        wave_links(units), match_rates(units), scheme_shares(units), compared, agreements(units), waves
    )


def _not_compared(layout: Layout) -> set[str]:
    """Items that were not put to everybody, and parts of others."""
    filtered = {name for one in layout.filters for name in one.items}
    of_several = [item for item in layout.items.values() if len(item.any_of) > 1]
    # Another name of one item says nothing more.
    named_again = {name for name, item in layout.items.items() if len(item.any_of) == 1}
    return filtered | named_again | {part for item in of_several for part in item.any_of}


def _codes(engine: Engine, units: Respondents, weights: FloatArray | None) -> Frame:
    """The reason codes and link weights of the respondents, as a table."""
    types = {"~coded firm": "VARCHAR", "~coded wave": "BIGINT", _STATUS: "VARCHAR", _WEIGHT: "DOUBLE"}
    given = weights if weights is not None else np.full(units.wave.size, np.nan)
    columns: tuple[Any, ...] = (units.firm, units.wave, units.status, given)
    chunk: dict[str, Any] = dict(zip(types, columns, strict=True))
    return engine.table(engine.fill(types, [chunk], "reason codes"))


def _noted(ledger: Ledger, found: LinkDiagnostics) -> Ledger:
    """Count weights that weigh nothing."""
    for one in found.waves:
        what = f"weight of {one.wave} {{}}, left out of weighted rates and link weights,"
        ledger = ledger.note("survey", "link", one.respondents, what.format("missing"), one.weights_missing)
        ledger = ledger.note("survey", "link", one.respondents, what.format("not above zero"), one.weights_not_positive)
    return ledger


def _strangers(
    engine: Engine, accounts: Rows, spine: Frame, survey: Rows, counts: Mapping[str, Mapping[str, int]],
    sources: Sequence[Source],
) -> list[Problem]:  # fmt: skip
    """Find files of which no firm is in the accounts, and firms that are there with other leading zeros."""
    if not accounts.count:
        return []
    given = {source.file.wave: source for source in sources if source.file.wave is not None}
    waves: dict[str, list[str]] = {}
    for wave in counts:
        waves.setdefault(given.get(int(float(wave)), sources[0]).file.shown, []).append(wave)
    problems = []
    for source in sources:
        own = waves.get(source.file.shown, [])
        total = sum(counts[wave]["respondents"] for wave in own)
        if total and total == sum(counts[wave]["no_account"] for wave in own):
            first = nw.col("firm").min()
            there = engine.collect(accounts.frame.select(first))[0][0]
            theirs = survey.frame.filter(nw.col(WAVE).is_in([int(float(wave)) for wave in own]))
            here = engine.collect(theirs.select(first))[0][0]
            what = f": none of its {total:,} firms is in the accounts"
            meaning = f'the first is "{here}" here'
            if total == 1:
                what, meaning = ": its only firm is not in the accounts", f'it is "{here}" here'
            advice = "are they the same numbers, with their leading zeros?"
            problems.append(source.file.problem(what, f'{meaning} and "{there}" there', advice))
    return problems or _other_zeros(engine, accounts, spine, survey, sources[0])


def _other_zeros(engine: Engine, accounts: Rows, spine: Frame, survey: Rows, source: Source) -> list[Problem]:
    """Find respondents without accounts whose number, but for its leading zeros, is one of the accounts."""
    lost = distinct(survey.frame, "firm").join(distinct(spine, "firm"), on="firm", how="anti")
    if not engine.collect(lost.head(1)):
        return []
    bare, theirs = bare_number("firm"), engine.sql(distinct(accounts.frame, "firm"))
    total, here, there = engine.rows(
        f"SELECT count(*), min(u.firm), arg_min(a.firm, u.firm) "
        f"FROM (SELECT firm, {bare} AS bare FROM ({engine.sql(lost)})) u "
        f"JOIN (SELECT firm, {bare} AS bare FROM ({theirs})) a ON u.bare = a.bare"
    )[0]
    if not total:
        return []
    what = f': the firm "{here}" of the survey is written "{there}" in the accounts'
    more = f"{total} firms are written in two ways" if total > 1 else "its answers would be lost"
    return [source.file.problem(what, more, "write a number alike in all files, with its leading zeros")]


def _statuses(engine: Engine, spine: Frame, survey: Rows) -> dict[str, dict[str, int]]:
    """Count the survey's units by wave and by what became of them."""
    this_year = distinct(spine, "firm", "year").rename({"firm": "~of", "year": "~when"})
    this_year = this_year.with_columns(nw.lit(1).alias(IN_THIS_YEAR))
    some_year = distinct(spine, "firm").rename({"firm": "~known"}).with_columns(nw.lit(1).alias(IN_SOME_YEAR))
    units = survey.frame.select("firm", WAVE)
    units = units.join(this_year, how="left", left_on=["firm", WAVE], right_on=["~of", "~when"])
    units = units.join(some_year, how="left", left_on="firm", right_on="~known")
    counted = units.group_by(WAVE).agg(
        nw.len().alias("total"),
        nw.col(IN_THIS_YEAR).fill_null(0).sum().alias("linked"),
        nw.col(IN_SOME_YEAR).is_null().cast(nw.Int64).sum().alias("none"),
    )
    return {
        str(wave): {
            "respondents": int(total), "linked": int(linked), "no_account": int(none),
            "other_year_only": int(total - linked - none),
        }
        for wave, total, linked, none in sorted(engine.collect(counted))
    }  # fmt: skip
