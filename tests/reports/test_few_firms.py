"""Counts that add up: what is left out cannot be had from what is told, one sum at a time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reports.few_firms import to_hide

ROWS, COLUMNS = "abc", "xyz"


def table(values: list[list[int]]) -> tuple[dict[str, int], list[tuple[str, list[str]]]]:
    counts = {f"{r}{c}": values[i][j] for i, r in enumerate(ROWS) for j, c in enumerate(COLUMNS)}
    counts |= {f"{r}.": sum(values[i]) for i, r in enumerate(ROWS)}
    counts |= {f".{c}": sum(row[j] for row in values) for j, c in enumerate(COLUMNS)}
    counts[".."] = sum(map(sum, values))
    sums = [(f"{r}.", [f"{r}{c}" for c in COLUMNS]) for r in ROWS]
    sums += [(f".{c}", [f"{r}{c}" for r in ROWS]) for c in COLUMNS]
    sums += [("..", [f"{r}." for r in ROWS]), ("..", [f".{c}" for c in COLUMNS])]
    return counts, sums


def test_a_small_count_takes_the_smallest_beside_it() -> None:
    counts, sums = {"all": 60, "a": 3, "b": 20, "c": 37, "d": 0}, [("all", ["a", "b", "c", "d"])]
    assert to_hide(counts, sums, 10) == {"a", "b"}
    assert to_hide(counts, sums, 1) == set()
    # Zeros are told, and hide nothing.
    assert to_hide({"all": 12, "a": 12, "b": 0}, [("all", ["a", "b"])], 10) == set()
    # Two small ones that together are still few take a third.
    assert to_hide({"all": 27, "a": 3, "b": 4, "c": 20}, [("all", ["a", "b", "c"])], 10) == {"a", "b", "c"}


def test_a_total_of_one_part_goes_with_it() -> None:
    # b is withheld beside a; section B consists of it alone.
    counts = {"all": 60, "a": 3, "b": 20, "c": 37, "A": 40, "B": 20}
    sums = [("all", ["a", "b", "c"]), ("B", ["b"]), ("A", ["a", "c"])]
    assert to_hide(counts, sums, 10) == {"a", "b", "c", "B"}


def test_what_is_left_out_for_another_reason_takes_one_along() -> None:
    counts, sums = {"all": 60, "a": 15, "b": 20, "c": 25}, [("all", ["a", "b", "c"])]
    assert to_hide(counts, sums, 10, {"all"}) == {"all", "a"}
    assert to_hide(counts, sums, 10, {"c"}) == {"c", "a"}


def test_firms_behind_several_counts_are_counted_once() -> None:
    counts, sums = {"all": 40, "a": 6, "b": 6, "c": 15, "d": 20}, [("all", ["a", "b", "c", "d"])]
    assert to_hide(counts, sums, 10) == {"a", "b"}
    assert to_hide(counts, sums, 10, together=lambda keys: 6 if set(keys) <= {"a", "b"} else 15) == {"a", "b", "c"}


@settings(max_examples=300)
@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=3, max_size=3), st.integers(1, 12))
def test_no_sum_gives_a_small_count_away(values: list[list[int]], minimum: int) -> None:
    counts, sums = table(values)
    hidden = to_hide(counts, sums, minimum)
    assert {key for key, count in counts.items() if 0 < count < minimum} <= hidden
    for total, parts in sums:
        gone = [key for key in parts if key in hidden]
        assert len(gone) + (total in hidden) != 1
        if total not in hidden and gone:
            assert sum(counts[key] for key in gone) >= minimum or len(gone) == len(parts)
    if not any(0 < count < minimum for count in counts.values()):
        assert not hidden
