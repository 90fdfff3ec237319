"""Means, spreads, quartiles and shares by group, and tests that the groups are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimation.complete_rows import complete_rows
from estimation.covariance import FEW_CLUSTERS
from estimation.described import Described
from estimation.described_items import GroupedRows, Item, grouped, items_of, standardised
from estimation.equality import Test, difference_df, means_alike, pearson, rao_scott, wald
from estimation.inference import inference, two_sided
from estimation.results import ErrorsInfo, Estimates, FloatArray
from panels.frame import Selection
from specs.counting import counted

__all__ = ["Question", "describe"]

FEWEST_EXPECTED = 5
# Of a column's size: a spread below it is rounding.
STILL = 1e-12


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked to be described.

    Attributes
    ----------
    name : str
    of : tuple of str
    by, weights : str or None
    cluster : tuple of tuple of str
        One way.
    """

    name: str
    of: tuple[str, ...]
    by: str | None
    weights: str | None
    cluster: tuple[tuple[str, ...], ...]


def describe(question: Question, rows: Selection) -> Estimates:
    """Answer the question.

    Parameters
    ----------
    question : Question
    rows : Selection

    Raises
    ------
    EstimationError
        If there is one group, or too many of them or of levels, or a single cluster.
    """
    ways = [name for way in question.cluster for name in way]
    kept, dropped = complete_rows(rows, (question.by, *ways), question.weights)
    at = grouped(kept, question.by, question.weights, question.cluster)
    items = [item for name in question.of for item in items_of(name, kept, at)]
    two = len(at.levels) == 2
    terms: list[str] = []
    described: list[Described] = []
    values, errors, df, firms = [], [], [], []
    influence: list[FloatArray] = []
    for item in items:
        cells = [""] + [f"{question.by}={level}" for level in at.levels if at.by]
        for number, cell in enumerate(cells):
            inside = ",".join(filter(None, (item.level, cell)))
            terms.append(f"{item.name}[{inside}]" if inside else item.name)
            described.append(item.described[number])
            values.append(item.mean[number])
            errors.append(float(np.sqrt(item.covariance[number, number])))
            df.append(item.clusters[number] - 1)
            firms.append(item.firms[number])
            influence.append(item.sums[:, number])
        if two:
            terms.append(f"difference[{item.term}]")
            described.append(_difference(item))
            values.append(item.mean[2] - item.mean[1])
            moves = item.sums[:, 2] - item.sums[:, 1]
            errors.append(float(np.sqrt(moves @ moves)))
            variances = np.diag(item.covariance)[1:]
            df.append(difference_df(variances, item.clusters[1:]) if at.apart else at.n_clusters - 1.0)
            firms.append(int(item.firms[1:].min()))
            influence.append(moves)
    answer = _inferred(np.array(values), np.array(errors), np.array(df), [one.kind for one in described])
    spread = np.stack(influence, axis=1)
    tests, notes = _tests(question, items, at)
    return Estimates(
        name=question.name,
        design="descriptives",
        method="means",
        outcome="",
        terms=tuple(terms),
        coefficients=np.array(values),
        std_errors=answer[0],
        statistics=answer[1],
        p_values=answer[2],
        conf_low=answer[3],
        conf_high=answer[4],
        covariance=spread.T @ spread,
        n_firms_term=np.array(firms, dtype=np.int64),
        n_obs=kept.rows.size,
        n_firms=int(np.unique(kept.firm).size),
        stats={**_sizes(at), **tests},
        errors=ErrorsInfo(
            "cluster", {"^".join(question.cluster[0]): at.n_clusters}, at.n_clusters - 1, "G/(G-1)", "none"
        ),
        weights=question.weights or "",
        influence_firms=np.zeros(0, dtype=np.int64),
        influence=np.zeros((0, len(terms))),
        dropped=dropped,
        rows_in=rows.n_panel,
        reference={},
        notes=tuple(notes),
        described=tuple(described),
    )


def _difference(item: Item) -> Described:
    nan = float("nan")
    rows = [one.n_obs for one in item.described[1:]], [one.n_missing for one in item.described[1:]]
    return Described(
        item.name, item.level, (), "difference", nan, (nan, nan, nan), (0, 0, 0), sum(rows[0]), sum(rows[1]), None,
        None, standardised(item, 1, 2),
    )  # fmt: skip


def _inferred(
    values: FloatArray, errors: FloatArray, df: FloatArray, kinds: Sequence[str]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return errors, statistics, p-values and intervals; a mean is tested against nothing."""
    size = np.where(np.isnan(values), 0.0, np.abs(values))
    errors = np.where((errors > STILL * size) & ~np.isnan(values), errors, np.nan)
    found = [
        inference(values[[j]], errors[[j], None] ** 2, float(df[j]) if df[j] > 0 else float("nan"))
        for j in range(len(values))
    ]
    low, high = (np.array([float(getattr(one, key)[0]) for one in found]) for key in ("conf_low", "conf_high"))
    tested = np.array([kind == "difference" for kind in kinds])
    statistics = np.where(tested, values / errors, np.nan)
    p_values = np.array([float(two_sided(statistics[[j]], float(df[j]))[0]) for j in range(len(values))])
    return errors, statistics, np.where(tested, p_values, np.nan), low, high


def _sizes(at: GroupedRows) -> dict[str, float | int | None]:
    if not at.by:
        return {}
    found: dict[str, float | int | None] = {}
    for number, level in enumerate(at.levels):
        inside = at.group == number
        found[f"n_firms[{level}]"] = int(np.unique(at.firm[inside]).size)
        found[f"n_obs[{level}]"] = int(inside.sum())
    return found


def _tests(
    question: Question, items: Sequence[Item], at: GroupedRows
) -> tuple[dict[str, float | int | None], list[str]]:
    """Return the tests that groups are alike, column by column and all together, and how they were made."""
    notes = [
        f"only {at.n_clusters} clusters of {'^'.join(question.cluster[0])}: below {FEW_CLUSTERS}, clustered errors "
        "tend to be too small"
    ] if at.n_clusters < FEW_CLUSTERS else []  # fmt: skip
    notes += _lacking(items)
    if not at.by:
        return {}, notes
    found: dict[str, float | int | None] = {}
    untested, sparse = [], []
    for name in question.of:
        own = [item for item in items if item.name == name]
        test = _shares_alike(own, at) if own[0].share else _means_alike(own[0], at)
        if test is None:
            untested.append(name)
        elif own[0].share and at.plain and _least_expected(own) < FEWEST_EXPECTED:
            sparse.append(name)
        found[f"statistic[{name}]"] = None if test is None else test.statistic
        found[f"p_value[{name}]"] = None if test is None else test.p_value
        for item in own:
            found[f"standardised_difference[{item.term}]"] = _largest(item, len(at.levels))
    joint = _joint(items, at)
    for key, value in (("f", "statistic"), ("df", "df"), ("df2", "df2"), ("p_value", "p_value")):
        found[f"joint_{key}"] = None if joint is None else getattr(joint, value)
    if untested:
        notes.append(f"no test of {', '.join(untested)}: it does not vary, or a group holds fewer than two clusters")
    if sparse:
        notes.append(
            f"fewer than {FEWEST_EXPECTED} firms are expected in some cell of {', '.join(sparse)} by a group: "
            "Pearson's p-value is rough there"
        )
    if joint is None:
        notes.append("no joint test: there are no more clusters than differences, or a column has no value in a group")
    how = "Pearson's chi-squared" if at.plain else "Pearson's chi-squared with the correction of Rao and Scott"
    welch = "Welch's F" if at.apart else "Wald's F (firms are in several groups)"
    tested = [text for text, there in ((f"means: {welch}", any(not item.share for item in items)),
                                       (f"shares: {how}", any(item.share for item in items))) if there]  # fmt: skip
    notes.append(f"tests of equality: {'; '.join(tested)}; all together: Wald's F, adjusted for the number of clusters")
    return found, notes


def _lacking(items: Sequence[Item]) -> list[str]:
    lacking = {item.name: item.described[0].n_missing for item in items if item.described[0].n_missing}
    if not lacking:
        return []
    named = ", ".join(f"{counted(count, 'row')} ({name})" for name, count in lacking.items())
    return [f"without a value: {named}"]


def _means_alike(item: Item, at: GroupedRows) -> Test | None:
    there = item.clusters[1:] > 0
    means, covariance = item.mean[1:][there], item.covariance[1:, 1:][there][:, there]
    size = STILL * float(np.abs(means).max(initial=0.0))
    if np.isnan(covariance).any() or not (np.sqrt(np.diag(covariance)) > size).any():
        return None
    return means_alike(means, covariance, item.clusters[1:][there], at.n_clusters, apart=at.apart)


def _shares_alike(own: Sequence[Item], at: GroupedRows) -> Test | None:
    """Return the test that shares do not differ by group; a column of 0 and 1 has two levels."""
    there = [one.n_obs > 0 for one in own[0].described[1:]]
    if sum(there) < 2:
        return None
    if at.plain:
        rows = np.array([[one.n_obs * item.mean[1 + j] if there[j] else 0.0
                          for j, one in enumerate(item.described[1:])] for item in own])  # fmt: skip
        counts = np.round(rows)
        if len(own) == 1 and not own[0].level:
            counts = np.vstack([np.array([float(one.n_obs) for one in own[0].described[1:]]) - counts[0], counts])
        return pearson(counts)
    return _clustered_shares(own, at)


def _least_expected(own: Sequence[Item]) -> float:
    """Return the fewest firms that a level and a group would share if they had nothing to do with each other."""
    groups = [one.n_obs for one in own[0].described[1:]]
    shares = [float(item.mean[0]) for item in own]
    shares += [1 - shares[0]] if not own[0].level else []
    return min(share for share in shares) * min(groups)


def _clustered_shares(own: Sequence[Item], at: GroupedRows) -> Test | None:
    """Return Rao and Scott's test, from the shares of all rows in every level and group."""
    there = ~np.isnan(own[0].values)
    levels = [item.values[there] for item in own]
    if len(own) == 1 and not own[0].level:
        levels = [1 - levels[0], levels[0]]
    group, weight, cluster = at.group[there], at.weight[there], at.cluster[there]
    inside = np.stack([level * (group == j) for level in levels for j in range(len(at.levels))], axis=1)
    share = np.asarray(weight @ inside / weight.sum(), dtype=np.float64)
    moves = weight[:, None] * (inside - share) / weight.sum()
    sums = np.stack([np.bincount(cluster, weights=one, minlength=at.n_clusters) for one in moves.T], axis=1)
    g = int(np.unique(cluster).size)
    if g < 2:
        return None
    covariance = np.asarray(g / (g - 1) * (sums.T @ sums), dtype=np.float64)
    return rao_scott(share.reshape(len(levels), -1), covariance, int(there.sum()), g)


def _largest(item: Item, groups: int) -> float | None:
    if groups == 2:
        found = [standardised(item, 1, 2)]
    else:
        found = [abs(standardised(item, i, j)) for j in range(1, groups + 1) for i in range(1, j)]
    known = [one for one in found if not np.isnan(one)]
    return max(known, key=abs) if known else None


def _joint(items: Sequence[Item], at: GroupedRows) -> Test | None:
    """Return the test that no column differs by group; of a text's levels one follows from the others."""
    gaps, sums = [], []
    for place, item in enumerate(items):
        if item.level and (place == 0 or items[place - 1].name != item.name):
            continue
        if (item.clusters[1:] < 2).any():
            return None
        for number in range(2, len(at.levels) + 1):
            gaps.append(item.mean[number] - item.mean[1])
            sums.append(item.sums[:, number] - item.sums[:, 1])
    if not gaps:
        return None
    moves = np.stack(sums, axis=1)
    size = np.array([STILL * abs(gap) for gap in gaps])
    covariance = moves.T @ moves
    still = np.sqrt(np.diag(covariance)) <= size
    covariance[still] = 0.0
    covariance[:, still] = 0.0
    return wald(np.array(gaps), covariance, at.n_clusters)
