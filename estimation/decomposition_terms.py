"""The terms of a decomposition as functions of sums over cells: those of the sample, or of many draws at once.

References
----------
Olley, G. S. and Pakes, A. (1996). The dynamics of productivity in the telecommunications equipment industry.
Econometrica 64(6), 1263-1297. Section 5.
Melitz, M. J. and Polanec, S. (2015). Dynamic Olley-Pakes productivity decomposition with entry and exit. RAND
Journal of Economics 46(2), 362-375.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from estimation.decomposition_rows import Kept
from estimation.results import BoolArray, FloatArray, IntArray
from estimation.sums import Quantity, Sums

__all__ = ["Cells", "Term"]

# The sums of a cell: weight, weight times activity, and both times the outcome.
FIRMS, ACTIVITY, OUTCOME, WEIGHTED = range(4)


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A term.

    Attributes
    ----------
    name : str
    quantity : Quantity
        Of the sums of its cells.
    cells : slice
        Where these stand among all cells.
    level : bool
        Whether it holds the level of the outcome, which is measured from the sample's mean.
    """

    name: str
    quantity: Quantity
    cells: slice
    level: bool = False


class Cells:
    """The rows of a decomposition in cells of year, status and group.

    Attributes
    ----------
    cell : (n,) integer array
    parts : (n, 4) array
        Weight, weight times activity, and both times the outcome less `centre`.
    centre : float
        The outcome's mean: a covariance is a difference of two levels and would lose the digits of the level.
    n_cells : int
    """

    def __init__(self, kept: Kept, method: str) -> None:
        self.kept, self.method = kept, method
        self._n_groups = len(kept.groups)
        # Only a change knows survivors.
        self._n_status = 1 if method == "olley_pakes" else 2
        status = kept.survives if self._n_status == 2 else np.zeros_like(kept.survives)
        self.cell: IntArray = (kept.year * self._n_status + status) * self._n_groups + kept.group
        self.n_cells = len(kept.years) * self._n_status * self._n_groups
        self.centre = float(kept.outcome.mean())
        weight, share, outcome = kept.weight, kept.weight * kept.activity, kept.outcome - self.centre
        self.parts: FloatArray = np.column_stack([weight, share, weight * outcome, share * outcome])

    def terms(self, totals: FloatArray) -> list[Term]:
        """Return all terms at these sums.

        Parameters
        ----------
        totals : (B, cells, 4) array
        """
        if self.method == "olley_pakes":
            size = self._n_groups
            return [
                term
                for number, year in enumerate(self.kept.years)
                for term in self._of_year(totals, year, slice(number * size, (number + 1) * size))
            ]
        return list(self._of_change(Sums(totals)))

    def behind(self, name: str) -> BoolArray:
        """Return the rows whose firms a term counts; that nobody entered rests on all who could have.

        Inside a group of one firm there is no covariance: such a firm is not behind a sum of covariances.
        """
        kept = self.kept
        if name in ("change", "across"):
            return np.ones(kept.rows.rows.size, dtype=np.bool_)
        if name in ("within", "between"):
            stay = np.asarray(kept.survives == 1, dtype=np.bool_)
            return stay if name == "within" else self._several(stay)
        if name in ("entry", "exit"):
            here = kept.year == int(name == "entry")
            rows = here & (kept.survives == 0)
            return np.asarray(rows if rows.any() else here, dtype=np.bool_)
        term, _, year = name.removesuffix("]").partition("[")
        here = np.asarray(kept.year == kept.years.index(int(year)), dtype=np.bool_)
        return self._several(here) if term == "covariance_inside" else here

    def _several(self, rows: BoolArray) -> BoolArray:
        """Return those of these rows whose group holds several firms of their year; all where none does."""
        place = self.kept.group * len(self.kept.years) + self.kept.year
        several = rows & (np.bincount(place[rows], minlength=int(place.max()) + 1)[place] > 1)
        return np.asarray(several if several.any() else rows, dtype=np.bool_)

    def _of_year(self, totals: FloatArray, year: int, cells: slice) -> Iterator[Term]:
        """Yield the terms of a year: Olley and Pakes (1996), section 5."""
        sums = Sums(totals[:, cells])
        everyone = np.ones(self._n_groups, dtype=np.bool_)
        activity = sums.total(ACTIVITY, everyone)
        aggregate, mean = _aggregate(sums, everyone), _mean(sums, everyone)
        yield Term(f"aggregate[{year}]", aggregate, cells, level=True)
        yield Term(f"mean[{year}]", mean, cells, level=True)
        yield Term(f"covariance[{year}]", aggregate - mean, cells)
        if not self.kept.by:
            return
        parts = []
        for own in np.eye(self._n_groups, dtype=np.bool_):
            # Share times (aggregate less mean) of the group, without a division by its activity: that may be zero.
            part = (sums.total(WEIGHTED, own) - sums.total(ACTIVITY, own) * _mean(sums, own)) / activity
            parts.append(part.or_nothing(_nobody(sums, own)))
        inside = reduce(add, parts)
        yield Term(f"covariance_inside[{year}]", inside, cells)
        yield Term(f"covariance_across[{year}]", aggregate - mean - inside, cells)

    def _where(self, year: int, survives: bool | None = None, group: int | None = None) -> BoolArray:
        chosen = np.zeros((2, 2, self._n_groups), dtype=np.bool_)
        chosen[
            year,
            slice(None) if survives is None else int(survives),
            slice(None) if group is None else group,
        ] = True
        return chosen.ravel()

    def _of_change(self, sums: Sums) -> Iterator[Term]:
        """Yield the terms of the change between the first and the last year: Melitz and Polanec (2015)."""
        first, last = self.kept.years
        everything = slice(0, self.n_cells)
        before, after = self._where(0), self._where(1)
        start, end = _aggregate(sums, before), _aggregate(sums, after)
        yield Term(f"aggregate[{first}]", start, everything, level=True)
        yield Term(f"aggregate[{last}]", end, everything, level=True)
        yield Term("change", end - start, everything)
        added: dict[str, list[Quantity]] = {}
        for group in range(self._n_groups):
            own_before, own_after = self._where(0, None, group), self._where(1, None, group)
            shares = [
                sums.total(ACTIVITY, own) / sums.total(ACTIVITY, whole)
                for own, whole in ((own_before, before), (own_after, after))
            ]
            share = (shares[0] + shares[1]).half()
            absent = _nobody(sums, own_before | own_after)
            for name, part in self._parts(sums, group):
                added.setdefault(name, []).append((share * part).or_nothing(absent))
            if self.kept.by:
                middle = (_aggregate(sums, own_before) + _aggregate(sums, own_after)).half()
                added.setdefault("across", []).append(((shares[1] - shares[0]) * middle).or_nothing(absent))
        for name, parts in added.items():
            yield Term(name, reduce(add, parts), everything)

    def _parts(self, sums: Sums, group: int) -> Iterable[tuple[str, Quantity]]:
        """Return within, between, entry and exit of one group."""
        stay_before, stay_after = self._where(0, True, group), self._where(1, True, group)
        within = _mean(sums, stay_after) - _mean(sums, stay_before)
        change = _aggregate(sums, stay_after) - _aggregate(sums, stay_before)
        # s_E (Phi_E - Phi_S) is the aggregate less that of the survivors; so is exit's, the other way round.
        entry = _aggregate(sums, self._where(1, None, group)) - _aggregate(sums, stay_after)
        exit_ = _aggregate(sums, stay_before) - _aggregate(sums, self._where(0, None, group))
        return (("within", within), ("between", change - within), ("entry", entry), ("exit", exit_))


def _mean(sums: Sums, cells: BoolArray) -> Quantity:
    return sums.total(OUTCOME, cells) / sums.total(FIRMS, cells)


def _aggregate(sums: Sums, cells: BoolArray) -> Quantity:
    return sums.total(WEIGHTED, cells) / sums.total(ACTIVITY, cells)


def _nobody(sums: Sums, cells: BoolArray) -> BoolArray:
    return np.asarray(sums.totals[:, cells, FIRMS].sum(axis=1) == 0, dtype=np.bool_)
