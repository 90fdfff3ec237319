"""Whatever a registered method says of its estimates, the reports have a name for it in every language."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from estimation.registry import PRODUCTIVITY
from estimation.results import ProductivityFit
from panels.frame import NumberColumn, Selection
from reports.build import build_table
from reports.diagnostics import bound_of, label_of, lines_of, meaning_of
from reports.labels import Labels
from reports.reasons import reason_of
from reports.standing import rung_text
from reports.views import Context, table_spec
from reports.words import words_of
from tests.estimation.test_every_estimator import METHODS, fitted, here
from tests.reports.published import published_record, spec_facts

LOCALES = ("en", "nl_BE", "fr_BE")
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "wooldridge": [
        {"survival": {"on": ("i",)}, "sample": "all"}, {"technology": "translog", "degree": 2}, {"markov": ("price",)},
        {"windmeijer": True, "degree": 1}, {"steps": 1},
    ],
    "olley_pakes": [{"survival": {"on": ("price",)}}],
    "ackerberg_caves_frazer": [{"technology": "translog"}],
    "system_gmm": [{"lags": (3, 4)}],
    "markup": [{"level": "level"}],
    "tornqvist": [{"chained": True}],
    "cost_shares": [{"average": "median"}],
}  # fmt: skip


@cache
def leavers() -> Selection:
    """The firms of the common laws, every sixth of which leaves two years early, with gaps and shares above one."""
    rows = here()
    kept = (rows.year < rows.year.max() - 1) | (rows.firm % 6 != 0)
    columns = {name: rows.number(name).copy() for name in rows.columns}
    columns["labour_share"][::50] = 1.2
    columns["i"][::40] = np.nan
    columns["share"][::60] = np.nan
    return Selection(
        np.arange(int(kept.sum())), rows.firm[kept], rows.year[kept],
        {name: NumberColumn(values[kept]) for name, values in columns.items()}, int(kept.sum()), {},
    )  # fmt: skip


@cache
def fits() -> dict[str, ProductivityFit]:
    found = {}
    for method in METHODS:
        for number, changes in enumerate([{}, *VARIANTS.get(method, [])]):
            found[f"{method}_{number}"] = fitted(method, leavers(), **changes)
    return found


def context(locale: str) -> Context:
    record = published_record(spec=spec_facts(tables={"t": {"kind": "diagnostics"}}))
    words = words_of(locale)
    return Context(record, table_spec(record, "t"), Labels({}, words), words)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_diagnostic_has_a_name_and_a_meaning_where_it_has_a_bound(locale: str) -> None:
    where, nameless, silent = context(locale), set(), set()
    keys = {key for fit in fits().values() for group in fit.groups for key in group.diagnostics}
    assert {"rho", "survival_pseudo_r2", "markov_wald", "ar3_p_value", "transitory_sd", "r2_within"} <= keys
    for key in keys - {"markov_df", "markov_p_value", "constant_returns_p_value"}:  # in the lines of their tests
        if re.fullmatch(r"n_(obs|firms)_equation2", key):  # the rows and firms themselves
            continue
        label = label_of(key, where)
        if label == key:
            nameless.add(key)
        if bound_of(key) is not None and not meaning_of(key, where.words):
            silent.add(key)
    assert (nameless, silent) == (set(), set())


@pytest.mark.parametrize("locale", LOCALES)
def test_every_rung_reason_and_method_has_words(locale: str) -> None:
    where = context(locale)
    plain = set()
    for fit in fits().values():
        if where.words.known(f"method.{fit.method}") is None:
            plain.add(fit.method)
        for group in fit.groups:
            if group.rung and where.words.known(f"rung.{group.rung.partition(', pooled')[0]}") is None:
                plain.add(rung_text(where, group.rung))
        reasons = [*fit.dropped, *(reason for one in fit.equations.values() for reason in one.dropped)]
        english = {reason_of(reason, where.labels, words_of("en")) for reason in reasons}
        if locale != "en":
            plain |= {reason for reason in reasons if reason_of(reason, where.labels, where.words) in english}
    assert plain == set()
    assert {"no row in the year before", "missing i", "labour_share outside (0, 1)"} <= {
        reason for fit in fits().values() for reason in fit.dropped
    }


def test_every_estimate_says_how_its_errors_were_computed() -> None:
    for name, fit in fits().items():
        assert all(group.errors is not None for group in fit.groups), name
        if PRODUCTIVITY[fit.method].estimates:
            assert fit.groups, name
    kinds = {
        (name.rpartition("_")[0], group.errors.kind, group.errors.detail)
        for name, fit in fits().items()
        for group in fit.groups
        if group.errors is not None
    }
    assert ("prodest_wrdg", "classical", "prodest") in kinds
    assert {("wooldridge", "cluster", "windmeijer"), ("wooldridge", "cluster", "")} <= kinds
    markups = fits()["markup_0"].groups[0].errors
    assert markups is not None
    assert markups.tfp_uncertainty == "include"


@pytest.mark.parametrize("locale", LOCALES)
def test_a_table_of_all_of_them_speaks_one_language(locale: str) -> None:
    entries = list(fits().values())
    named = [_named(fit, name) for name, fit in zip(fits(), entries, strict=True)]
    record = published_record(spec=spec_facts(tables={"t": {"kind": "diagnostics"}}), productivity=named)
    made = build_table(record, "t", locale)
    assert max(made.blocks) <= 6
    assert [panel.heading for panel in made.panels][-1] != words_of(locale)("diagnostic.other")
    shown = {row.label for row in made.rows()} | {cell.text for row in made.rows() for cell in row.cells}
    assert not shown & _foreign(locale)
    for fit in named:
        for group in record["productivity"][fit.name]["groups"]:
            assert list(lines_of(record["productivity"][fit.name], group, context(locale)))


def _named(fit: ProductivityFit, name: str) -> ProductivityFit:
    from dataclasses import replace

    return replace(fit, name=name)


def _foreign(locale: str) -> set[str]:
    """The English words that another language has others for."""
    own, english = words_of(locale).texts, words_of("en").texts
    return {text for key, text in english.items() if " " in text and own[key] != text} - set(own.values())
