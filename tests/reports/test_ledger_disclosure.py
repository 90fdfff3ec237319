"""The ledger of a panel beside the tables of its link: what these withhold, it does not tell."""

from __future__ import annotations

from typing import Any

from reports.ledger_disclosure import shown_ledger
from reports.waterfall import waterfall


def line(table: str, step: str, rows_in: int, rows_out: int, dropped: int, reason: str) -> dict[str, Any]:
    return {"table": table, "step": step, "rows_in": rows_in, "rows_out": rows_out, "dropped": dropped,
            "reason": reason}  # fmt: skip


def link_of(linked: int | None, **statuses: int | None) -> dict[str, Any]:
    known = [{"status": name, "units": units, "linked": name.startswith("linked")} for name, units in statuses.items()]
    return {"waves": [{"wave": 2023, "linked": linked}], "statuses": known}


def test_one_unit_without_accounts_is_not_told() -> None:
    ledger = [
        line("accounts", "years", 700, 697, 3, "year outside 2017-2023"),
        line("survey", "years", 60, 60, 0, ""),
        line("survey", "link", 60, 59, 1, "no accounts of the firm"),
    ]
    found = shown_ledger(ledger, link_of(None, linked_full=None, no_account=None), 10)
    # What cleaning took of the files stays.
    assert found[:2] == ledger[:2]
    assert (found[2]["rows_in"], found[2]["rows_out"], found[2]["dropped"]) == (60, None, None)
    assert waterfall(found, "survey") == ""
    assert waterfall(found, "accounts") != ""


def test_a_reason_does_not_follow_from_the_waves_that_tell_it() -> None:
    ledger = [
        line("survey", "link", 300, 245, 25, "no accounts of the firm"),
        line("survey", "link", 300, 245, 30, "accounts of the firm in other years only"),
    ]
    found = shown_ledger(ledger, link_of(245, no_account=None, other_year_only=None), 10)
    assert [(one["dropped"], one["rows_out"]) for one in found] == [(None, 245), (None, 245)]
    assert shown_ledger(ledger, link_of(245, no_account=25, other_year_only=30), 10) == ledger
    # By wave there are enough of either; over all waves the counts are told apart otherwise.
    ledger[0]["dropped"], ledger[1]["dropped"] = 4, 51
    found = shown_ledger(ledger, link_of(245, account_dropped=25, other_year_only=30), 10)
    assert [one["dropped"] for one in found] == [None, None]


def test_few_answers_in_words() -> None:
    ledger = [
        line("survey", "filters", 300, 300, 0, "ai_pms: yes although its filter skips it, in 3 rows"),
        line("survey", "filters", 300, 300, 0, "ai_ppp: yes although its filter skips it, in 1,030 rows"),
        line("survey", "filters", 300, 300, 0, "ai_pba: yes although its filter skips it, in 30 rows"),
        line("panel", "variables", 900, 900, 0, "ln_va: log of zero or less, missing in 3 rows"),
    ]
    found = [one["reason"] for one in shown_ledger(ledger, None, 10)]
    assert found[0] == "ai_pms: yes although its filter skips it, in fewer than 10 rows"
    assert found[1:] == [one["reason"] for one in ledger[1:]]
