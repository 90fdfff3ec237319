"""From respondents to shares: the samples and their strata, the base of every item, the cells of every block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from estimation.results import BoolArray, ErrorsInfo, Estimates, FloatArray, IntArray
from estimation.share_cell import ShareCell
from estimation.survey_ratios import Sample, Shares, shares
from panels.frame import NumberColumn, Selection, TextColumn
from specs.errors import EstimationError

__all__ = ["Question", "adoption_shares"]

WAVE = ("wave", "year")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the respondents; the keys of `estimation.designs.adoption_rates`.

    Attributes
    ----------
    name : str
    items : tuple of str
    by : tuple of tuple of str
    base : str
    weights, strata, population : str or None
    """

    name: str
    items: tuple[str, ...]
    by: tuple[tuple[str, ...], ...]
    base: str
    weights: str | None
    strata: str | None
    population: str | None


@dataclass(frozen=True, slots=True, eq=False)
class _Domains:
    """The shares to be estimated: an answer, a domain and what it is called, one each.

    Attributes
    ----------
    cells : list of (item, levels)
    answers, domains : lists of (m,) arrays
        Of the rows of `where` that are used.
    """

    cells: list[tuple[str, tuple[tuple[str, str], ...]]]
    answers: list[FloatArray]
    domains: list[BoolArray]


def adoption_shares(question: Question, rows: Selection, panel: Selection | None = None) -> Estimates:
    """Estimate the shares of every item in every cell.

    Parameters
    ----------
    question : Question
    rows : Selection
        The respondents that the shares are of.
    panel : Selection, optional
        The columns of the sampling design for all respondents; `rows` by default.

    Returns
    -------
    Estimates
        A share is tested against nothing: statistics and p-values are NaN.

    Raises
    ------
    EstimationError
    """
    waves = np.unique(rows.year)
    notes = _one_wave(question, waves)
    everyone = rows if panel is None else panel
    everyone = everyone.take(np.isin(everyone.year, waves))
    usable, reasons = _usable(question, everyone)
    place = np.searchsorted(everyone.rows, rows.rows)
    kept = usable[place]
    dropped = {reason: int(lost[place].sum()) for reason, lost in reasons.items() if lost[place].any()}
    if not kept.any():
        raise EstimationError(f"models.{question.name}: no respondent is left: {_listed(dropped)}")
    rest = int((~usable).sum()) - sum(dropped.values())
    if rest:
        notes.append(
            f"outside where, {_rows(rest)} of the same waves cannot be used either ({_listed_names(reasons)}): they "
            "are not counted among a stratum's respondents"
        )
    sampled, used = everyone.take(usable), rows.take(kept)
    sample, strata_of = _sample(question, sampled)
    at = np.cumsum(usable)[place[kept]] - 1
    found, more = _domains(question, used, total=waves.size == 1)
    notes += more
    if not found.cells:
        what = "; ".join(more) or "no item has an answer"
        raise EstimationError(f"models.{question.name}: there is no share to estimate: {what}", dropped)
    answers = np.zeros((sample.weight.size, len(found.cells)))
    domains = np.zeros(answers.shape, dtype=np.bool_)
    answers[at], domains[at] = np.column_stack(found.answers), np.column_stack(found.domains)
    df = _degrees(sample.stratum[at], used.year)
    by_wave = np.array([df[int(used.year[domain.argmax()])] for domain in found.domains], dtype=np.float64)
    result = shares(sample, answers, domains, by_wave)
    notes += _said(question, sample, result, waves, df)
    return _estimates(question, rows, used, sampled, sample, strata_of, found, result, min(df.values()), dropped, notes)


def _one_wave(question: Question, waves: IntArray) -> list[str]:
    """Refuse to pool waves: each is a sample of its own year's firms."""
    if waves.size <= 1:
        return []
    apart = question.by and all(any(name in WAVE for name in block) for block in question.by)
    if not apart:
        listed = ", ".join(str(wave) for wave in waves)
        raise EstimationError(
            f"models.{question.name}: the rows are of {waves.size} waves ({listed}), and a share over several years is "
            f"one of no year's firms; write where: wave == {waves[-1]}, or put wave into every block of by: [[wave]]"
        )
    return [
        "waves are samples of their own: no total over them, and errors of a change between two would have to count "
        "the firms that are in both"
    ]


def _usable(question: Question, everyone: Selection) -> tuple[BoolArray, dict[str, BoolArray]]:
    """Return which respondents have a place in the sampling design, and why the others have none."""
    lost: dict[str, BoolArray] = {}
    left = np.ones(everyone.rows.size, dtype=np.bool_)

    def lose(reason: str, where: BoolArray) -> None:
        nonlocal left
        lost[reason], left = left & where, left & ~where

    if question.weights is not None:
        weight = everyone.number(question.weights)
        lose(f"missing {question.weights}", np.isnan(weight))
        lose(f"{question.weights} is zero", weight == 0)
        lose(f"{question.weights} is negative", weight < 0)
    if question.strata is not None:
        lose(f"missing {question.strata}", everyone.columns[question.strata].missing())
    if question.population is not None:
        size = everyone.number(question.population)
        lose(f"missing {question.population}", np.isnan(size))
        lose(f"{question.population} not above zero", size <= 0)
    return left, lost


def _sample(question: Question, sampled: Selection) -> tuple[Sample, IntArray]:
    """Return the sample; a stratum is one of its wave."""
    n = sampled.rows.size
    weight = np.ones(n) if question.weights is None else sampled.number(question.weights)
    named, labels = _levels(sampled, question.strata) if question.strata else (np.zeros(n, dtype=np.int64), ("all",))
    pairs = sampled.year * (max(len(labels), 1) + 1) + named
    distinct, stratum = np.unique(pairs, return_inverse=True)
    stratum = stratum.astype(np.int64).reshape(-1)
    if question.population is None:
        return Sample(weight, stratum, None), distinct
    size = sampled.number(question.population)
    largest, smallest = np.full(distinct.size, -np.inf), np.full(distinct.size, np.inf)
    np.maximum.at(largest, stratum, size)
    np.minimum.at(smallest, stratum, size)
    names = [str(labels[int(one) % (max(len(labels), 1) + 1)]) for one in distinct]
    _refuse(question, names, largest != smallest, f"{question.population} is not the same in all its rows",
            "it counts the firms of the stratum in the population")  # fmt: skip
    more = np.bincount(stratum) > largest
    _refuse(question, names, more, f"more firms answered than {question.population} says that there are",
            "is it the population of the stratum, of this wave?")  # fmt: skip
    return Sample(weight, stratum, largest), distinct


def _refuse(question: Question, names: Sequence[str], wrong: BoolArray, what: str, advice: str) -> None:
    if wrong.any():
        number, first = int(wrong.sum()), names[int(wrong.argmax())]
        strata = "one stratum" if number == 1 else f"{number} strata"
        raise EstimationError(f"models.{question.name}: in {strata} {what} (the first is {first}); {advice}")


def _levels(rows: Selection, name: str) -> tuple[IntArray, tuple[str, ...]]:
    """Return the levels of a column as codes, -1 where it is missing; a number's in ascending order."""
    column = rows.columns[name] if name not in WAVE else NumberColumn(rows.year.astype(np.float64))
    if isinstance(column, TextColumn):
        return column.codes, column.levels
    there = ~column.missing()
    distinct, codes = np.unique(column.values[there], return_inverse=True)
    found = np.full(rows.rows.size, -1, dtype=np.int64)
    found[there] = codes.reshape(-1)
    return found, tuple(f"{value:g}" for value in distinct)


def _domains(question: Question, used: Selection, *, total: bool) -> tuple[_Domains, list[str]]:
    """Return every item in every cell with a base, the total first, and what has none."""
    found, notes, empty = _Domains([], [], []), [], 0
    bases: dict[str, tuple[FloatArray, BoolArray]] = {}
    silent, unasked = {}, []
    for item in question.items:
        yes, asked = used.number(f"yes({item})"), used.number(f"asked({item})") == 1.0
        answered = ~np.isnan(yes)
        silent[item] = int((asked & ~answered).sum())
        bases[item] = yes, answered & asked if question.base == "asked" else answered
        if not bases[item][1].any():
            unasked.append(item)
    blocks: list[tuple[str, ...]] = [*([()] if total else []), *question.by]
    for block in blocks:
        cells = list(_cells(used, block))
        outside = used.rows.size - sum(int(inside.sum()) for _, inside in cells)
        if outside:
            notes.append(f"{' x '.join(block)}: missing in {_rows(outside)}, which are in no cell of it")
        for item in question.items:
            yes, base = bases[item]
            for levels, inside in cells if item not in unasked else ():
                domain = base & inside
                if not domain.any():
                    empty += 1
                    continue
                found.cells.append((item, levels))
                found.answers.append(yes)
                found.domains.append(domain)
    if unasked:
        why = "nobody was asked" if question.base == "asked" else "nobody answered"
        notes.append(f"{why}, left out: {', '.join(unasked)}")
    if empty:
        notes.append(f"cells without any respondent in their base are left out: {empty}")
    if any(silent.values()):
        listed = ", ".join(f"{item} {count:,}" for item, count in silent.items() if count)
        notes.append(f"asked without an answer, and in no base: {listed}")
    return found, notes


def _cells(used: Selection, block: tuple[str, ...]) -> Iterator[tuple[tuple[tuple[str, str], ...], BoolArray]]:
    """Yield the cells of a block that have a row, in the order of their levels."""
    coded = [_levels(used, name) for name in block]
    known = np.ones(used.rows.size, dtype=np.bool_)
    code = np.zeros(used.rows.size, dtype=np.int64)
    for codes, levels in coded:
        known &= codes >= 0
        code = code * max(len(levels), 1) + codes
    for one in np.unique(code[known]):
        inside = known & (code == one)
        first = int(inside.argmax())
        yield tuple((name, levels[codes[first]]) for name, (codes, levels) in zip(block, coded, strict=True)), inside


def _degrees(stratum: IntArray, year: IntArray) -> dict[int, float]:
    """Return units less strata of every wave, counted where the shares are: as R's ``degf`` of a subset."""
    return {
        int(wave): float((year == wave).sum() - np.unique(stratum[year == wave]).size) for wave in np.unique(year)
    }  # fmt: skip


def _said(
    question: Question, sample: Sample, result: Shares, waves: IntArray, df: Mapping[int, float]
) -> Iterator[str]:
    if question.weights is None:
        yield "without weights every respondent counts alike: shares of respondents, not of the firms they stand for"
    lonely = int(sample.lonely.sum())
    if lonely:
        strata = "one stratum holds" if lonely == 1 else f"{lonely} strata hold"
        yield (
            f"{strata} a single respondent of several firms: it is set against the mean of all, as R survey's "
            'lonely.psu = "adjust" does, which tends to widen the errors'
        )
    if np.isnan(result.std_error).any():
        yield "where all respondents of a cell said the same there is neither a standard error nor an interval"
    short = [str(wave) for wave in waves if df[int(wave)] < 1]
    if short:
        yield f"as many strata as respondents ({', '.join(short)}): there is no interval"


def _estimates(
    question: Question, rows: Selection, used: Selection, sampled: Selection, sample: Sample, strata: IntArray,
    found: _Domains, result: Shares, df: float, dropped: Mapping[str, int], notes: Sequence[str],
) -> Estimates:  # fmt: skip
    k = len(found.cells)
    nothing = np.full(k, np.nan)
    firms, place = np.unique(sampled.firm, return_inverse=True)
    influence = np.zeros((firms.size, k))
    np.add.at(influence, place.reshape(-1), result.scores)
    complete = int((sample.unsampled <= 0).sum())
    return Estimates(
        name=question.name,
        design="adoption_rates",
        method="linearisation",
        outcome="",
        terms=tuple(_term(item, levels) for item, levels in found.cells),
        coefficients=result.share,
        std_errors=result.std_error,
        statistics=nothing,
        p_values=nothing,
        conf_low=result.conf_low,
        conf_high=result.conf_high,
        covariance=result.covariance,
        n_firms_term=result.units,
        n_obs=used.rows.size,
        n_firms=int(np.unique(used.firm).size),
        stats={"n_strata": strata.size, "n_strata_single": int(sample.lonely.sum()), "n_strata_complete": complete},
        errors=ErrorsInfo("survey", {}, df, "", "none", detail="population" if question.population is not None else ""),
        weights=question.weights or "",
        influence_firms=firms,
        influence=influence,
        dropped=dropped,
        rows_in=rows.n_panel,
        reference={},
        notes=tuple(notes),
        cells=tuple(
            ShareCell(item, levels, int(yes), int(units - yes))
            for (item, levels), yes, units in zip(found.cells, result.yes, result.units, strict=True)
        ),
        base=question.base,
    )


def _term(item: str, levels: tuple[tuple[str, str], ...]) -> str:
    return f"{item}[{','.join(f'{name}={level}' for name, level in levels)}]" if levels else item


def _listed(dropped: Mapping[str, int]) -> str:
    return "; ".join(f"{reason} ({count:,})" for reason, count in dropped.items()) or "where keeps none"


def _listed_names(reasons: Mapping[str, BoolArray]) -> str:
    return "; ".join(reason for reason, lost in reasons.items() if lost.any())


def _rows(number: int) -> str:
    return f"{number:,} row" if number == 1 else f"{number:,} rows"
