"""What may be seen of a link: the one place where counts, rates and differences on too few units are withheld.

A count from 1 to ``minimum`` - 1 is withheld, and what rests on it. Where one count of a group whose total is shown
would follow from the others, or from another table, the smallest of those is withheld too. That nobody is in a cell is
no breach. What is withheld is None; ``over`` then says, where it can, what a share lies above: all but ``minimum``.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from panels.link_status import STATUSES
from panels.linkage import Agreement, Balance, LinkDiagnostics, MatchRate, Propensity
from reports.few_firms import to_hide

__all__ = ["hidden", "shown_linkage"]

_Lost = Container[tuple[int, str, str]]
"""The groups of which it is withheld how many are linked: wave, by what, level."""


def shown_linkage(found: LinkDiagnostics, minimum: int) -> dict[str, Any]:
    """Return the diagnostics as plain data, without what rests on fewer units than `minimum`."""
    rates, lost = _rates(found.rates, minimum)
    totals = {one["wave"]: one for one in rates if one["by"] == "all"}
    units = {one.wave: (one.linked, one.respondents - one.linked) for one in found.waves}
    return {
        "minimum_firms": minimum,
        "waves": [
            {
                "wave": one.wave,
                "respondents": totals[one.wave]["units"],
                "linked": totals[one.wave]["linked"],
                "weights_missing": _enough(one.weights_missing, minimum),
                "weights_not_positive": _enough(one.weights_not_positive, minimum),
            }
            for one in found.waves
        ],
        "statuses": [line for one in found.waves for line in _statuses(one.wave, one.statuses, minimum)],
        "rates": rates,
        "schemes": _schemes(found, minimum, lost),
        "balance": [_balance(one, units[one.wave], minimum, lost) for one in found.balance],
        "agreement": [_agreement(one, minimum, lost) for one in found.agreement],
        "propensity": [_propensity(one, units[one.wave], minimum, lost) for one in found.propensity],
    }


def hidden(rows: Sequence[tuple[int, ...]], minimum: int) -> set[int]:
    """Return the rows of counts that have to be withheld so that no small one can be seen or reckoned from the totals.

    Parameters
    ----------
    rows : sequence of tuples of int
        The counts of each row; the totals of all rows are taken as known.
    minimum : int
    """
    found = {place for place, counts in enumerate(rows) if any(_small(count, minimum) for count in counts)}
    while found:
        sums = [sum(rows[place][i] for place in found) for i in range(len(rows[0]))]
        left = [place for place, counts in enumerate(rows) if place not in found and any(counts)]
        if not left or (len(found) > 1 and not any(_small(one, minimum) for one in sums)):
            break
        found.add(min(left, key=lambda place: (sum(rows[place]), place)))
    return found


def _small(count: int, minimum: int) -> bool:
    return 0 < count < minimum


def _enough(count: int, minimum: int) -> int | None:
    return None if _small(count, minimum) else count


def _statuses(wave: int, counts: Mapping[str, int], minimum: int) -> list[dict[str, Any]]:
    total = sum(counts.values())
    kinds = {True: "of the linked", False: "of the unlinked"}
    parts = {what: [one.name for one in STATUSES if one.linked is linked] for linked, what in kinds.items()}
    sums = {what: sum(counts[name] for name in names) for what, names in parts.items()}
    lost = to_hide({**counts, **sums, "": total}, [("", list(parts)), *parts.items()], minimum)
    return [
        {
            "wave": wave,
            "status": one.name,
            "linked": one.linked,
            "units": None if one.name in lost else counts[one.name],
            "share": None if one.name in lost or total < minimum else counts[one.name] / total,
            "meaning": one.meaning,
        }
        for one in STATUSES
    ]


def _rates(rates: Sequence[MatchRate], minimum: int) -> tuple[list[dict[str, Any]], set[tuple[int, str, str]]]:
    """Return the rates, and the groups whose linked are withheld."""
    lines, gone = [], set()
    for wave, by in dict.fromkeys((one.wave, one.by) for one in rates):
        group = [one for one in rates if (one.wave, one.by) == (wave, by)]
        no_units = hidden([(one.units,) for one in group], minimum)
        lost = no_units | hidden([(one.linked, one.units - one.linked) for one in group], minimum)
        for place, one in enumerate(group):
            few = _small(one.weighted_units, minimum)
            over = (one.units - minimum) / one.units if one.units > minimum else None
            bounded = place in lost - no_units and one.units - one.linked < minimum
            lines.append({
                "wave": wave, "by": by, "level": one.level,
                "units": None if place in no_units else one.units,
                "linked": None if place in lost else one.linked,
                "share": None if place in lost else one.share,
                "weighted_share": None if place in lost or few else one.weighted_share,
                "over": over if bounded else None,
                "weighted": one.weighted_share is not None,
            })  # fmt: skip
            if place in lost:
                gone.add((wave, by, one.level))
    return lines, gone


def _schemes(found: LinkDiagnostics, minimum: int, lost: _Lost) -> list[dict[str, Any]]:
    lines = []
    for wave in dict.fromkeys(one.wave for one in found.schemes):
        group = [one for one in found.schemes if one.wave == wave]
        few = hidden([(one.units,) for one in group], minimum)
        # Their sum is the number of the linked, and a count that the reason codes tell over its share is that as well.
        counted = (wave, "all", "all") not in lost
        for place, one in enumerate(group):
            gone = place in few or not counted
            lines.append({
                "wave": wave, "scheme": one.scheme, "units": None if gone else one.units,
                "share": None if gone else one.share, "weighted_share": None if gone else one.weighted_share,
            })  # fmt: skip
    return lines


def _balance(one: Balance, units: tuple[int, int], minimum: int, lost: _Lost) -> dict[str, Any]:
    groups = [one.linked, one.unlinked]
    for ones, known in ((one.ones_linked, one.linked), (one.ones_unlinked, one.unlinked)):
        groups += [ones, known - ones] if ones is not None else []
    counted = (one.wave, "all", "all") not in lost
    # Those that gave no answer are the difference to all.
    silent = any(_small(all_ - own, minimum) for all_, own in zip(units, groups, strict=False))
    gone = silent or any(_small(count, minimum) for count in groups)
    if one.covariate.startswith("survey_nace["):
        section = one.covariate.removeprefix("survey_nace[").removesuffix("]")
        gone |= (one.wave, "nace", section) in lost

    def value(number: float | None) -> float | None:
        return None if gone else number

    return {
        "wave": one.wave, "covariate": one.covariate,
        "linked": _enough(one.linked, minimum) if counted and not silent else None,
        "unlinked": _enough(one.unlinked, minimum) if counted and not silent else None,
        "mean_linked": value(one.mean_linked), "mean_unlinked": value(one.mean_unlinked),
        "difference": value(one.difference), "variance_ratio": value(one.variance_ratio),
        "weighted_difference": value(one.weighted_difference),
        "imbalanced": None if gone else one.imbalanced, "withheld": gone,
    }  # fmt: skip


def _agreement(one: Agreement, minimum: int, lost: _Lost) -> dict[str, Any]:
    table = [[one.cells.get((said, filed), 0) for filed in one.levels] for said in one.levels]
    no_rows = hidden([(sum(counts),) for counts in table], minimum)
    rows = []
    for place, (said, counts) in enumerate(zip(one.levels, table, strict=True)):
        total, few = sum(counts), place in no_rows
        # The row's sum is the number of the linked of that level.
        uncounted = few or (one.wave, one.of, said) in lost
        cells = set(range(len(counts))) if uncounted else hidden([(count,) for count in counts], minimum)
        share, over = _alike(counts[place], total, minimum)
        rows.append({
            "survey": said, "units": None if uncounted else total,
            "cells": [None if i in cells and (count or few) else count for i, count in enumerate(counts)],
            "share": None if few else share, "over": None if few else over,
        })  # fmt: skip
    counted = (one.wave, "all", "all") not in lost
    share, over = _alike(one.agree, one.units, minimum) if counted else (None, None)
    return {
        "wave": one.wave, "of": one.of, "levels": list(one.levels), "rows": rows, "share": share, "over": over,
        "units": _enough(one.units, minimum) if counted else None, "unknown": _enough(one.unknown, minimum),
    }  # fmt: skip


def _alike(agree: int, units: int, minimum: int) -> tuple[float | None, float | None]:
    """The share that agrees; where it would show too few, the bound below it."""
    if not units or units < minimum or _small(agree, minimum):
        return None, None
    return (None, (units - minimum) / units) if _small(units - agree, minimum) else (agree / units, None)


def _propensity(one: Propensity, units: tuple[int, int], minimum: int, lost: _Lost) -> dict[str, Any]:
    # Those without a covariate are the difference to all respondents and to all linked.
    told = not _small(one.incomplete, minimum)
    counted = told and (one.wave, "all", "all") not in lost and not _small(units[0] - one.weighted, minimum)
    few = _small(one.weighted, minimum)
    terms = []
    for term in one.terms:
        gone = any(_small(count, minimum) for count in (term.units, term.linked, term.units - term.linked))
        estimate, error = (None, None) if gone else (term.estimate, term.std_error)
        terms.append({"term": term.term, "estimate": estimate, "std_error": error})
    return {
        "wave": one.wave, "units": _enough(one.units, minimum) if told else None, "terms": terms,
        "incomplete": _enough(one.incomplete, minimum),
        "weighted": _enough(one.weighted, minimum) if counted else None,
        "trimmed_low": _enough(one.trimmed_low, minimum), "trimmed_high": _enough(one.trimmed_high, minimum),
        "effective": None if few else one.effective, "effective_design": None if few else one.effective_design,
        "notes": [{"what": what, "few": _small(units, minimum)} for what, units, _ in one.notes],
    }  # fmt: skip
