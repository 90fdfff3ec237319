"""What a reviewer looks at beside an estimate of productivity: each number, its bound, and what lies beyond it means.

A diagnostic that is not listed here is shown under its own name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from estimation.cautions import DEPENDENT, MONOTONE, WEAK
from reports.labels import Labels
from reports.numbers import count, decimal, p_value
from reports.reasons import reason_of
from reports.standing import errors_text, rung_text
from reports.table import Cell, colon
from reports.views import Context
from reports.words import Words

__all__ = [
    "FLAG", "PARTS", "Line", "bound_of", "counts_firms", "elasticities_of", "equations_of", "label_of", "lines_of",
    "losses_of", "meaning_of", "rank_of",
]  # fmt: skip

FLAG = "!"
"""Beside a number beyond its bound."""
TEST = 0.05
ROOT = 1e-8
SHARE = 1 - MONOTONE
_ORDER = re.compile(r"ar(?P<order>\d+)_(?P<what>statistic|p_value)")


@dataclass(frozen=True, slots=True)
class _Known:
    """A diagnostic with a name of its own.

    Attributes
    ----------
    part : str
        Where it stands: ``technology``, ``identification``, ``sample``.
    bad : callable or None
        Whether a value is beyond its bound.
    bound : float or None
        As the explanation names it.
    form : str
        ``number``, ``count`` or ``p``.
    of_firms : bool
        Whether it counts firms: the rule of disclosure holds for it.
    """

    part: str
    bad: Callable[[float], bool] | None = None
    bound: float | None = None
    form: str = "number"
    of_firms: bool = False


def _below(bound: float) -> tuple[Callable[[float], bool], float]:
    return lambda value: value < bound, bound


def _above(bound: float) -> tuple[Callable[[float], bool], float]:
    return lambda value: value > bound, bound


_KNOWN: Mapping[str, _Known] = {
    "returns_to_scale": _Known("technology"),
    "negative_elasticities": _Known("technology", *_above(0), form="count"),
    "share_negative": _Known("technology", *_above(SHARE)),
    "elasticities_above_one": _Known("technology", form="count"),
    "rho": _Known("technology"),
    "rho_std_error": _Known("technology"),
    "persistence": _Known("technology"),
    "transitory_sd": _Known("technology"),
    "mean_exp_transitory": _Known("technology"),
    "unrestricted": _Known("technology"),
    "clustered_std_error": _Known("technology"),
    "r2_within": _Known("technology"),
    "median_markup": _Known("technology"),
    "share_markup_below_one": _Known("technology"),
    "first_stage_f": _Known("identification", *_below(WEAK)),
    "sanderson_windmeijer_f": _Known("identification", *_below(WEAK)),
    "anchor_first_stage_f": _Known("identification", *_below(WEAK)),
    "acf_one_minus_r2": _Known("identification", *_below(DEPENDENT)),
    "share_phi_rises_in_proxy": _Known("identification", *_below(MONOTONE)),
    "smallest_within_share": _Known("identification"),
    "markov_wald": _Known("identification", bound=TEST),
    "roots": _Known("identification", *_above(1), form="count"),
    "minima": _Known("identification", *_above(1), form="count"),
    "search_starts": _Known("identification", form="count"),
    "search_lowest": _Known("identification"),
    "search_highest": _Known("identification"),
    "moment_norm": _Known("identification", *_above(ROOT)),
    "scaled_moment_norm": _Known("identification", *_above(ROOT)),
    "n_instruments": _Known("identification", form="count"),
    "ar_statistic": _Known("identification"),
    "ar1_p_value": _Known("identification", form="p"),
    "ar_p_value": _Known("identification", *_below(TEST), form="p"),
    "common_factor_statistic": _Known("identification"),
    "common_factor_p_value": _Known("identification", *_below(TEST), form="p"),
    "survival_excluded_p_value": _Known("identification", *_above(TEST), form="p"),
    "survival_one_minus_r2": _Known("identification", *_below(DEPENDENT)),
    "survival_pseudo_r2": _Known("identification"),
    "shares_above_one": _Known("sample", form="count"),
    "entries": _Known("sample", form="count", of_firms=True),
    "exits": _Known("sample", form="count", of_firms=True),
    "survival_exits": _Known("sample", form="count", of_firms=True),
}
# What is estimated is no elasticity there.
_NO_ELASTICITIES = ("markup",)
_FIRST = (
    "std_errors", "rung", "j_statistic", "returns_to_scale", "n_obs", "n_obs_equation1", "n_firms",
    "n_firms_equation1",
)  # fmt: skip
PARTS = ("technology", "identification", "sample", "other")
# Printed in other lines: those of rows and firms, and of the test.
_ELSEWHERE = (
    "n_obs_equation1", "n_obs_equation2", "n_firms_equation1", "n_firms_equation2",
    "markov_wald", "markov_df", "markov_p_value", "returns_to_scale", "constant_returns_p_value",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One diagnostic of one estimate.

    Attributes
    ----------
    key : str
        As in ``run.json``.
    part : str
        One of `PARTS`, or ``estimate``.
    cell : Cell
        The number, marked where it is beyond its bound.
    """

    key: str
    part: str
    cell: Cell


def elasticities_of(fit: Mapping[str, Any], group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the output elasticities of an estimate: its averages, or the coefficients where they are the same."""
    return [] if fit["method"] in _NO_ELASTICITIES else list(group.get("elasticities") or group["coefficients"])


def lines_of(fit: Mapping[str, Any], group: Mapping[str, Any], context: Context) -> Iterator[Line]:
    """Yield what stands beside the elasticities of one group.

    Parameters
    ----------
    fit : mapping
        ``productivity.<id>`` of the record.
    group : mapping
        One of its `groups`.
    context : Context
    """
    words = context.words
    if group.get("suppressed"):
        yield Line("n_firms", "sample", Cell("text", words("suppressed")))
        return
    for one in group["coefficients"] if fit["method"] in _NO_ELASTICITIES else ():
        yield Line(one["term"], "estimate", Cell("estimate", _with_interval(one, words), one["estimate"]))
    yield Line("std_errors", "estimate", Cell("text", errors_text(context, group.get("errors"))))
    if group["rung"]:
        yield Line("rung", "estimate", Cell("text", rung_text(context, group["rung"])))
    if group["j_statistic"] is not None:
        cell = _test(group["j_statistic"], group["j_df"], group["j_p_value"], words)
        yield Line("j_statistic", "estimate", cell)
    yield from _sizes(group, words)
    found = group["diagnostics"]
    if found.get("returns_to_scale") is not None:
        yield Line("returns_to_scale", "technology", _returns(found, words))
    if found.get("markov_wald") is not None:
        test = (found["markov_wald"], found["markov_df"], found["markov_p_value"])
        yield Line("markov_wald", "identification", replace(_test(*test, words), mark=""))
    hidden = group.get("suppressed_diagnostics") or ()
    for key, value in found.items():
        base = _base(key)
        if key in hidden and base not in _ELSEWHERE:
            yield Line(key, _KNOWN[base].part if base in _KNOWN else "other", Cell("text", words("suppressed")))
        elif value is not None and base not in _ELSEWHERE:
            yield Line(key, _KNOWN[base].part if base in _KNOWN else "other", _cell(base, value, words))


def _base(key: str) -> str:
    """Return what a key is known by: without the input in brackets, without the order of a test."""
    base = key.partition("[")[0]
    found = _ORDER.fullmatch(base)
    return base if found is None or base in _KNOWN else f"ar_{found['what']}"


def counts_firms(key: str) -> bool:
    """Return whether a diagnostic is a number of firms, which must not be printed where it is small."""
    base = _base(key)
    return base.startswith("n_firms") or (base in _KNOWN and _KNOWN[base].of_firms)


def label_of(key: str, context: Context) -> str:
    """Return what a diagnostic is called; its own name where it has none."""
    words, inner = context.words, key.partition("[")[2].removesuffix("]")
    known, order = words.known(f"diagnostic.{_base(key)}"), _ORDER.fullmatch(key)
    if known is None:
        return key
    if order is not None and _base(key) != key:
        return known.format(order=order["order"])
    if not inner:
        return known
    lagged = inner.removeprefix("lag(").removesuffix(")")
    name = context.labels.column(lagged)
    return f"{known}{colon(words.locale)}{name if lagged == inner else words('diagnostic.lag_of', column=name)}"


def _returns(found: Mapping[str, Any], words: Words) -> Cell:
    """Return the returns to scale, with the p-value of their being one."""
    value, p = found["returns_to_scale"], found.get("constant_returns_p_value")
    printed = decimal(value, 3, words.locale)
    if p is not None:
        printed = words("diagnostic.with_p", value=printed, p=p_value(p, words.locale))
    return Cell("number", printed, value)


def _with_interval(one: Mapping[str, Any], words: Words) -> str:
    if one["estimate"] is None:
        return "–"
    estimate = decimal(one["estimate"], 3, words.locale)
    if one["conf_low"] is None:
        return estimate
    return f"{estimate} [{decimal(one['conf_low'], 3, words.locale)}; {decimal(one['conf_high'], 3, words.locale)}]"


def _test(value: float, df: float, p: float, words: Words) -> Cell:
    """Return a test in a cell, marked where it rejects."""
    printed = words("hansen_j_value", value=decimal(value, 3, words.locale), df=int(df), p=p_value(p, words.locale))
    return Cell("number", printed, value, FLAG if p < TEST else "")


def _sizes(group: Mapping[str, Any], words: Words) -> Iterator[Line]:
    found = group["diagnostics"]
    for key, other in (("n_obs", "n_obs_equation1"), ("n_firms", "n_firms_equation1")):
        yield Line(key, "sample", Cell("count", count(group[key], words.locale), group[key]))
        more = found.get(other)
        if other in (group.get("suppressed_diagnostics") or ()):
            yield Line(other, "sample", Cell("text", words("suppressed")))
        elif more is not None and more != group[key]:
            yield Line(other, "sample", Cell("count", count(int(more), words.locale), more))


def _cell(base: str, value: float, words: Words) -> Cell:
    known = _KNOWN.get(base, _Known("other"))
    mark = FLAG if known.bad is not None and known.bad(value) else ""
    if known.form == "p":
        return Cell("number", p_value(value, words.locale), value, mark)
    whole = float(value).is_integer()
    if known.form == "count" or (base not in _KNOWN and whole):
        return Cell("count", count(int(value), words.locale), value, mark)
    decimals = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 3
    return Cell("number", decimal(value, decimals, words.locale), value, mark)


def rank_of(key: str) -> int:
    """Return where a diagnostic stands among those of its part: known ones in their order, then others."""
    order = [*_FIRST, *_KNOWN]
    base = _base(key)
    return order.index(base) if base in order else len(order)


def bound_of(key: str) -> float | None:
    """Return the bound of a diagnostic; None where it has none."""
    known = _KNOWN.get(_base(key))
    return None if known is None else known.bound


def meaning_of(key: str, words: Words) -> str:
    """Return what a bad value means, in a line; empty where nothing is known of it."""
    base = _base(key)
    known = words.known(f"diagnostic.{base}.meaning")
    if known is None:
        return ""
    bound = _KNOWN[base].bound if base in _KNOWN else TEST
    return known.format(bound="" if bound is None else _plain(bound, words))


def _plain(bound: float, words: Words) -> str:
    if bound < 1e-4 and bound > 0:
        return f"{bound:.0e}"
    digits = len(f"{bound:.6f}".rstrip("0").partition(".")[2])
    return decimal(bound, digits, words.locale)


def losses_of(fit: Mapping[str, Any], labels: Labels, words: Words) -> Iterator[tuple[str, str, Cell]]:
    """Yield the rows that an entry does not rest on: key, reason and number."""
    for reason, rows in fit["dropped"].items():
        yield f"dropped[{reason}]", reason_of(reason, labels, words), _rows(rows, words)


def equations_of(fit: Mapping[str, Any], labels: Labels, words: Words) -> Iterator[tuple[str, str, Cell]]:
    """Yield the rows of the sample that an entry's equations do not use: key, label and number."""
    for number, equation in (fit.get("equations") or {}).items():
        for reason, rows in equation["dropped"].items():
            why = reason_of(reason, labels, words)
            label = words("diagnostic.dropped_in", number=number, reason=why)
            yield f"equation{number}[{reason}]", label, _rows(rows, words)


def _rows(rows: int | None, words: Words) -> Cell:
    return Cell("text", words("suppressed")) if rows is None else Cell("count", count(rows, words.locale), rows)
