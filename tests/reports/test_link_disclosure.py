"""What may be seen of a link: nothing that rests on too few units, nor what would give it away."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panels.link_status import STATUSES
from panels.linkage import Agreement, Balance, LinkDiagnostics, MatchRate, Propensity, SchemeShare, Term, WaveLink
from reports.labels import Labels
from reports.link_disclosure import hidden, shown_linkage
from reports.link_page import link_files, link_sections
from reports.words import words_of

counts = st.one_of(st.just(0), st.integers(0, 30))


@given(st.lists(st.tuples(counts, counts), max_size=8), st.integers(1, 12))
def test_no_small_count_is_seen_or_follows_from_the_totals(rows: list[tuple[int, int]], minimum: int) -> None:
    found = hidden(rows, minimum)
    for place, row in enumerate(rows):
        assert place in found or not any(0 < one < minimum for one in row)
    if not any(0 < one < minimum for row in rows for one in row):
        assert not found
    others = [place for place, row in enumerate(rows) if place not in found and any(row)]
    if found and others:
        assert len(found) > 1
        assert not any(0 < sum(rows[place][i] for place in found) < minimum for i in (0, 1))


def rate(by: str, level: str, units: int, linked: int) -> MatchRate:
    return MatchRate(2023, by, level, units, linked, linked / units, 0.5, units, linked)


def linkage(linked: int, sections: dict[str, tuple[int, int]], **more: Any) -> LinkDiagnostics:
    units = sum(one for one, _ in sections.values())
    statuses = dict.fromkeys((one.name for one in STATUSES), 0) | {"linked_full": linked, "no_account": units - linked}
    rates = [rate("all", "all", units, linked), *(rate("nace", level, *one) for level, one in sections.items())]
    return LinkDiagnostics(
        (WaveLink(2023, units, linked, statuses, 3, 0),), tuple(rates), more.get("schemes", ()),
        more.get("balance", ()), more.get("agreement", ()), more.get("propensity", ()),
    )  # fmt: skip


def test_rates_are_bounded_where_few_are_unlinked() -> None:
    shown = shown_linkage(linkage(240, {"C": (100, 97), "F": (100, 80), "G": (50, 50), "R": (25, 8), "S": (9, 5)}), 10)
    lines = {one["level"]: one for one in shown["rates"]}
    assert [lines["C"][key] for key in ("units", "linked", "share", "weighted_share", "over")] == [
        100,
        None,
        None,
        None,
        0.9,
    ]
    assert (lines["F"]["linked"], lines["F"]["share"]) == (80, 0.8)
    assert (lines["G"]["linked"], lines["G"]["share"]) == (50, 1.0)
    # The nine of S would follow from the total: the next smallest goes with them.
    assert [lines[level]["units"] for level in "CFGRS"] == [100, 100, 50, None, None]
    assert (lines["all"]["units"], lines["all"]["linked"]) == (284, 240)
    assert shown["waves"][0]["weights_missing"] is None


def test_statuses_do_not_give_a_small_one_away() -> None:
    shown = shown_linkage(linkage(95, {"C": (100, 95)}), 10)
    units = {one["status"]: one["units"] for one in shown["statuses"]}
    assert (units["linked_full"], units["no_account"], units["linked_micro"]) == (None, None, 0)
    assert shown["waves"] == [
        {"wave": 2023, "respondents": 100, "linked": None, "weights_missing": None, "weights_not_positive": 0}
    ]


def test_tables_do_not_give_away_what_another_withholds() -> None:
    cells = {("C", "C"): 97, ("F", "F"): 40, ("F", "C"): 40}
    found = linkage(
        177, {"C": (100, 97), "F": (110, 80)},
        schemes=(SchemeShare(2023, "full", 177, 1.0, 1.0, 177),),
        balance=(
            Balance(2023, "survey_nace[C]", 177, 33, 97, 30, 0.5, 0.9, -0.8, 1.1, None, True),
            Balance(2023, "ai", 177, 33, 20, 4, 0.1, 0.1, 0.0, 1.0, None, False),
            Balance(2023, "cc", 177, 33, 20, 12, 0.1, 0.4, -0.6, 1.0, 0.01, True),
        ),
        agreement=(Agreement(2023, "nace", ("C", "F"), cells, 177, 137, 4),),
        propensity=(Propensity(
            2023, 210, 177, (Term("constant", 1.0, 0.1, 210, 177), Term("t[b]", 1.0, 0.1, 30, 25)), 0, 177, 2, 12,
            150.0, 160.0, (("t[c]: all are linked", 5, 5), ("t[d]: all are linked", 50, 50)),
        ),),
    )  # fmt: skip
    shown = shown_linkage(found, 10)
    # Three of C are not linked: neither its linked nor what rests on them are shown anywhere.
    assert [one["withheld"] for one in shown["balance"]] == [True, True, False]
    (agreement,) = shown["agreement"]
    assert [row["units"] for row in agreement["rows"]] == [None, None]
    assert agreement["rows"][0]["cells"] == [None, 0]
    assert [row["share"] for row in agreement["rows"]] == [1.0, 0.5]
    assert (agreement["units"], agreement["share"], agreement["unknown"]) == (177, 137 / 177, None)
    (propensity,) = shown["propensity"]
    assert [term["estimate"] for term in propensity["terms"]] == [1.0, None]
    assert (propensity["trimmed_low"], propensity["trimmed_high"]) == (None, 12)
    assert [note["few"] for note in propensity["notes"]] == [True, False]
    page = "".join(body for _, body in link_sections(shown, Labels({}, words_of("en"))))
    assert "fewer than 10 units" in page
    assert ">97<" not in page
    files = dict(link_files(shown))
    assert list(files) == ["link.csv", "match_rates.csv", "balance.csv", "agreement.csv", "propensity.csv"]
    assert "2023,nace,C,C,,1" in files["agreement.csv"]
    assert not [line for text in files.values() for line in text.splitlines() if ",97," in line]


def test_a_total_that_is_withheld_cannot_be_summed() -> None:
    table = Agreement(2023, "nace", ("C", "F"), {("C", "C"): 60, ("F", "F"): 35}, 95, 95, 0)
    full = SchemeShare(2023, "full", 95, 1.0, None, 0)
    found = linkage(95, {"C": (60, 60), "F": (40, 35)}, schemes=(full,), agreement=(table,))
    shown = shown_linkage(found, 10)
    assert [one["linked"] for one in shown["rates"]] == [None, None, None]
    # Nor reckoned from a share of it.
    assert (shown["schemes"][0]["units"], shown["schemes"][0]["share"]) == (None, None)
    assert (shown["agreement"][0]["units"], shown["agreement"][0]["share"]) == (None, None)
    numbers = [cell for row in shown["agreement"][0]["rows"] for cell in (*row["cells"], row["units"])]
    assert set(numbers) <= {None, 0}


@pytest.mark.parametrize("minimum", [1, 3])
def test_nothing_is_withheld_where_all_is_enough(minimum: int) -> None:
    shown = shown_linkage(linkage(180, {"C": (100, 97), "F": (100, 83)}), minimum)
    assert not [one for one in itertools.chain(shown["rates"], shown["statuses"]) if one["share"] is None]


def test_statuses_do_not_follow_from_how_many_are_linked() -> None:
    units = dict.fromkeys((one.name for one in STATUSES), 0)
    units |= {"linked_full": 80, "linked_micro": 12, "no_account": 5, "other_year_only": 20, "account_dropped": 40}
    wave = WaveLink(2023, 157, 92, units, 0, 0)
    shown = shown_linkage(LinkDiagnostics((wave,), (rate("all", "all", 157, 92),), (), (), ()), 10)
    told = {one["status"]: one["units"] for one in shown["statuses"] if one["units"] != 0}
    # 65 are not linked: the five are hidden by one of those, not by the smallest of all.
    assert told == {"linked_full": 80, "linked_micro": 12, "no_account": None, "other_year_only": None,
                    "account_dropped": 40}  # fmt: skip


@pytest.mark.parametrize(("linked", "unlinked", "withheld"), [(172, 40, False), (164, 40, True), (150, 40, False),
                                                              (172, 38, True), (172, 20, False)])  # fmt: skip
def test_a_few_without_an_answer_do_not_follow(linked: int, unlinked: int, withheld: bool) -> None:
    line = Balance(2023, "erp", linked, unlinked, linked // 2, unlinked // 2, 0.5, 0.5, 0.0, 1.0, 0.0, False)
    found = linkage(172, {"C": (212, 172)}, balance=(line,))
    (shown,) = shown_linkage(found, 10)["balance"]
    assert shown["withheld"] == withheld
    assert (shown["linked"], shown["unlinked"]) == ((None, None) if withheld else (linked, unlinked))
    assert (shown["mean_linked"] is None) == withheld


def test_units_without_a_covariate_do_not_follow_from_those_with_one() -> None:
    sizes = ((4, 208, 172), (0, 212, 165), (40, 172, 150))
    told = []
    for incomplete, units, weighted in sizes:
        one = Propensity(2023, units, weighted, (), incomplete, weighted, 0, 0, 1.0, 1.0)
        (shown,) = shown_linkage(linkage(172, {"C": (212, 172)}, propensity=(one,)), 10)["propensity"]
        told.append((shown["units"], shown["incomplete"], shown["weighted"]))
    assert told == [(None, None, None), (212, 0, None), (172, 40, 150)]
