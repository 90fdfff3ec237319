"""Olley-Pakes and Melitz-Polanec decompositions with standard errors: shares, means, survivors, and their influence.

Every term is linear in the outcome given the shares, and a smooth function of sums over rows. So the influence of
a row, the shares' denominators included, and the operator T that carries the first stage over, both follow from
the term's derivative with respect to these sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from estimation.both_stages import clusters_of_both, treatment_of
from estimation.covariance import clustered
from estimation.decomposition_rows import Kept, keep_rows
from estimation.design_matrix import clusters_of
from estimation.inference import inference
from estimation.results import BoolArray, ErrorsInfo, Estimates, FloatArray, IntArray, ProductivityFit
from estimation.second_stage import first_stage_part, join
from estimation.sums import Quantity, Sums
from panels.frame import Selection

__all__ = ["Question", "decompose"]

# The sums of a cell: weight, weight times activity, and both times the outcome.
FIRMS, ACTIVITY, OUTCOME, WEIGHTED = range(4)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a decomposition.

    Attributes
    ----------
    name, method, outcome, weights : str
    sampling_weights, by : str or None
    years : (int, int) or None
    cluster : tuple of tuple of str
    tfp_uncertainty : str or None
    """

    name: str
    method: str
    outcome: str
    weights: str
    sampling_weights: str | None
    years: tuple[int, int] | None
    by: str | None
    cluster: tuple[tuple[str, ...], ...]
    tfp_uncertainty: str | None


@dataclass(frozen=True, slots=True, eq=False)
class _Term:
    """A term, the rows that its firms are counted in, and whether it holds the level of the outcome."""

    quantity: Quantity
    behind: BoolArray
    level: bool = False


def decompose(
    question: Question, rows: Selection, first_stage: ProductivityFit | None, panel: Selection | None
) -> Estimates:
    """Answer the question.

    Parameters
    ----------
    question : Question
    rows : Selection
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome.
    panel : Selection or None
        The clustering columns on all rows of the panel.

    Raises
    ------
    EstimationError
        If a year has no rows or no activity, a weight is negative, or a group has no survivors.
    """
    kept = keep_rows(question, rows)
    centre = float(kept.outcome.mean())
    cells = _Cells(kept, centre)
    terms = dict(cells.olley_pakes() if question.method == "olley_pakes" else cells.melitz_polanec())
    sums = cells.sums
    values = np.array([one.quantity.value + centre * one.level for one in terms.values()])
    psi = sums.influence([one.quantity for one in terms.values()])
    clusters = tuple(clusters_of(way, kept.rows) for way in question.cluster)
    treatment, why = treatment_of(
        question.tfp_uncertainty, "cluster", question.outcome, first_stage, kept.rows.firm, clusters
    )
    first = None
    if first_stage is not None and treatment == "include":
        operator = sums.operator([one.quantity for one in terms.values()], cells.moved_by)
        first = first_stage_part(first_stage, kept.rows.rows, operator)
        joined = join(kept.rows.firm, psi, first)
        spread = clusters_of_both(clusters, question.cluster, kept.rows, joined.firms, panel)
        covariance = clustered(joined.influence, spread, kept.rows.rows.size, 1)
    else:
        joined = join(kept.rows.firm, psi)
        covariance = clustered(psi, clusters, kept.rows.rows.size, 1)
    answer = inference(values, covariance.matrix, covariance.df)
    # With one parameter a term, (N-1)/(N-K) is one.
    factor = covariance.small_sample.partition(" x ")[0]
    raw = {} if covariance.raw is None else dict(zip(terms, covariance.raw.tolist(), strict=True))
    errors = ErrorsInfo("cluster", covariance.clusters, covariance.df, factor, treatment, raw)
    return Estimates(
        name=question.name,
        design="decomposition",
        method=question.method,
        outcome=question.outcome,
        terms=tuple(terms),
        coefficients=values,
        std_errors=answer.std_errors,
        statistics=answer.statistics,
        p_values=answer.p_values,
        conf_low=answer.conf_low,
        conf_high=answer.conf_high,
        covariance=covariance.matrix,
        n_firms_term=np.array([_firms(one.behind, kept.rows.firm) for one in terms.values()]),
        n_obs=kept.rows.rows.size,
        n_firms=int(np.unique(kept.rows.firm).size),
        stats={"first_year": kept.years[0], "last_year": kept.years[-1]},
        errors=errors,
        weights=question.weights,
        influence_firms=joined.firms,
        influence=joined.influence,
        dropped=kept.dropped,
        rows_in=rows.n_panel,
        reference={},
        notes=(*kept.notes, *_levels(first_stage, question), *covariance.notes, *why),
    )


def _levels(first_stage: ProductivityFit | None, question: Question) -> tuple[str, ...]:
    if first_stage is None or len(first_stage.groups) < 2:
        return ()
    return (
        f"{question.outcome} comes from technologies estimated separately, whose levels cannot be compared: "
        "terms that set firms of different groups side by side mix them",
    )


def _firms(behind: BoolArray, firm: IntArray) -> int:
    seen = np.zeros(int(firm.max()) + 1, dtype=np.bool_)
    seen[firm[behind]] = True
    return int(np.count_nonzero(seen))


class _Cells:
    """The rows in cells of year, status (survivor or not) and group."""

    def __init__(self, kept: Kept, centre: float) -> None:
        self.kept = kept
        self.n_years, self.n_groups = len(kept.years), len(kept.groups)
        cell = (kept.year * 2 + kept.survives) * self.n_groups + kept.group
        weight, share = kept.weight, kept.weight * kept.activity
        # About the mean: a covariance is a difference of two levels and would lose the digits of the level.
        outcome = kept.outcome - centre
        parts = np.column_stack([weight, share, weight * outcome, share * outcome])
        self.sums = Sums.of(cell, parts, 2 * self.n_years * self.n_groups)
        nothing = np.zeros_like(weight)
        self.moved_by: FloatArray = np.column_stack([nothing, nothing, weight, share])

    def _where(self, year: int, survives: bool | None = None, group: int | None = None) -> BoolArray:
        chosen = np.zeros((self.n_years, 2, self.n_groups), dtype=np.bool_)
        chosen[
            year,
            slice(None) if survives is None else int(survives),
            slice(None) if group is None else group,
        ] = True
        return chosen.ravel()

    def _rows(self, cells: BoolArray) -> BoolArray:
        found: BoolArray = cells[self.sums.cell]
        return found

    def _mean(self, cells: BoolArray) -> Quantity:
        return self.sums.total(OUTCOME, cells) / self.sums.total(FIRMS, cells)

    def _aggregate(self, cells: BoolArray) -> Quantity:
        return self.sums.total(WEIGHTED, cells) / self.sums.total(ACTIVITY, cells)

    def _share(self, year: int, group: int) -> Quantity:
        return self.sums.total(ACTIVITY, self._where(year, None, group)) / self.sums.total(ACTIVITY, self._where(year))

    def olley_pakes(self) -> Iterator[tuple[str, _Term]]:
        """Yield the terms of every year: Olley and Pakes (1996), section 5."""
        for number, year in enumerate(self.kept.years):
            all_ = self._where(number)
            rows = self._rows(all_)
            aggregate, mean = self._aggregate(all_), self._mean(all_)
            yield f"aggregate[{year}]", _Term(aggregate, rows, level=True)
            yield f"mean[{year}]", _Term(mean, rows, level=True)
            yield f"covariance[{year}]", _Term(aggregate - mean, rows)
            if self.kept.by:
                inside = self._added_up(
                    self._share(number, group)
                    * (self._aggregate(cells := self._where(number, None, group)) - self._mean(cells))
                    for group in self._present(number)
                )
                yield f"covariance_inside[{year}]", _Term(inside, rows)
                yield f"covariance_across[{year}]", _Term(aggregate - mean - inside, rows)

    def _present(self, year: int) -> list[int]:
        return [group for group in range(self.n_groups) if self.sums.totals[self._where(year, None, group)].any()]

    def _added_up(self, quantities: Iterator[Quantity]) -> Quantity:
        total = Quantity(0.0, np.zeros_like(self.sums.totals))
        for one in quantities:
            total = total + one
        return total

    def melitz_polanec(self) -> Iterator[tuple[str, _Term]]:
        """Yield the terms of the change between the first and the last year: Melitz and Polanec (2015)."""
        first, last = self.kept.years
        before, after = self._where(0), self._where(1)
        everyone = np.ones(self.kept.rows.rows.size, dtype=np.bool_)
        start, end = self._aggregate(before), self._aggregate(after)
        yield f"aggregate[{first}]", _Term(start, self._rows(before), level=True)
        yield f"aggregate[{last}]", _Term(end, self._rows(after), level=True)
        yield "change", _Term(end - start, everyone)
        survivors = self._rows(self._where(0, True) | self._where(1, True))
        parts = [self._parts(group) for group in range(self.n_groups)]
        shares = [(self._share(0, group) + self._share(1, group)).half() for group in range(self.n_groups)]
        for place, name in enumerate(("within", "between", "entry", "exit")):
            total = self._added_up(share * part[place] for share, part in zip(shares, parts, strict=True))
            yield name, _Term(total, self._behind(name, survivors))
        if self.kept.by:
            across = self._added_up(
                (self._share(1, group) - self._share(0, group))
                * (self._aggregate(self._where(0, None, group)) + self._aggregate(self._where(1, None, group))).half()
                for group in range(self.n_groups)
            )
            yield "across", _Term(across, everyone)

    def _behind(self, name: str, survivors: BoolArray) -> BoolArray:
        """Return the rows whose firms a term counts; that nobody entered rests on all who could have."""
        if name in ("within", "between"):
            return survivors
        year = int(name == "entry")
        rows = self._rows(self._where(year, False))
        return rows if rows.any() else self._rows(self._where(year))

    def _parts(self, group: int) -> tuple[Quantity, Quantity, Quantity, Quantity]:
        """Return within, between, entry and exit of one group."""
        stay_before, stay_after = self._where(0, True, group), self._where(1, True, group)
        within = self._mean(stay_after) - self._mean(stay_before)
        change = self._aggregate(stay_after) - self._aggregate(stay_before)
        # s_E (Phi_E - Phi_S) is the aggregate less that of the survivors; so is exit's, the other way round.
        entry = self._aggregate(self._where(1, None, group)) - self._aggregate(stay_after)
        exit_ = self._aggregate(stay_before) - self._aggregate(self._where(0, None, group))
        return within, change - within, entry, exit_
