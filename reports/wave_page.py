"""The survey's waves on the page of a panel: who answered twice, transitions in the use of AI, dates of adoption."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import isfinite
from typing import Any

from reports.few_firms import to_hide
from reports.formats.csv import write_rows
from reports.labels import Labels
from reports.numbers import count
from reports.page_lists import list_table

__all__ = ["shown_waves", "wave_files", "wave_section"]

_WAVES = ("first", "second", "size", "n_first", "n_both", "n_left", "n_entrants", "n_second")
_TRANSITIONS = (
    "indicator", "first", "second", "size", "n_both", "n00", "n01", "n10", "n11", "n_missing", "w00", "w01", "w10",
    "w11", "reversals_of_users", "n_entrants", "n_entrants_yes", "n_entrants_no",
)  # fmt: skip
_CELLS = ("n00", "n01", "n10", "n11")
_SHARES = ("w00", "w01", "w10", "w11")
_ADDED_UP = ("n_first", "n_both", "n_left", *_CELLS, "n_missing", "n_entrants", "n_entrants_yes", "n_entrants_no",
             "n_entrants_missing", "n_second")  # fmt: skip
_ALL = "all"
_FEW = "too few firms"


def shown_waves(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the waves with every count taken out that tells of too few firms, or from which one would follow.

    Parameters
    ----------
    record : mapping
        With ``waves`` (``indicator``, ``years``, ``pairs``, ``adoption``; empty without a survey) and
        ``minimum_firms``.
    """
    waves, minimum = record.get("waves") or {}, record.get("minimum_firms", 1)
    if not waves:
        return {}
    pairs = [_whole(one) for one in waves["pairs"]]
    spans = list(dict.fromkeys((one["first"], one["second"]) for one in pairs))
    shown = [
        one
        for first, second in spans
        for one in _without_few([one for one in pairs if (one["first"], one["second"]) == (first, second)], minimum)
    ]
    adoption = dict(waves["adoption"])
    hidden = to_hide({**adoption, "": sum(adoption.values())}, [("", list(adoption))], minimum)
    return {**waves, "pairs": shown, "adoption": {key: None if key in hidden else n for key, n in adoption.items()}}


def _whole(one: Mapping[str, Any]) -> dict[str, Any]:
    """Put what follows from the counts beside them."""
    users = one["n10"] + one["n11"]
    return {
        **one,
        "n_left": one["n_first"] - one["n_both"],
        "n_entrants_missing": one["n_entrants"] - one["n_entrants_yes"] - one["n_entrants_no"],
        "reversals_of_users": one["n10"] / users if users else None,
    }


def _without_few(pairs: Sequence[dict[str, Any]], minimum: int) -> Iterator[dict[str, Any]]:
    counts = {(key, one["size"]): one[key] for one in pairs for key in _ADDED_UP}
    sizes = [one["size"] for one in pairs if one["size"] != _ALL]
    sums = []
    for one in pairs:
        size = one["size"]
        sums += [
            (("n_first", size), [("n_both", size), ("n_left", size)]),
            (("n_both", size), [(key, size) for key in (*_CELLS, "n_missing")]),
            (("n_entrants", size), [(f"n_entrants_{key}", size) for key in ("yes", "no", "missing")]),
        ]
    sums.append((("n_second", _ALL), [("n_both", _ALL), ("n_entrants", _ALL)]))
    sums += [((key, _ALL), [(key, size) for size in sizes]) for key in _ADDED_UP if sizes]
    hidden = to_hide(counts, sums, minimum)
    for one in pairs:
        gone = {key for key in _ADDED_UP if (key, one["size"]) in hidden}
        # Four shares add up to one, and a share times its users is a count.
        shares = set(_SHARES) if gone & set(_CELLS) else set()
        of_users = {"reversals_of_users"} if gone & {"n10", "n11"} else set()
        yield {key: None if key in gone | shares | of_users else _finite(value) for key, value in one.items()}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value


def wave_files(waves: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield ``waves.csv`` and ``transitions.csv``; nothing without two waves."""
    if waves.get("pairs"):
        yield "waves.csv", write_rows(_WAVES, (tuple(one[key] for key in _WAVES) for one in waves["pairs"]))
        rows = (tuple(one[key] for key in _TRANSITIONS) for one in waves["pairs"])
        yield "transitions.csv", write_rows(_TRANSITIONS, rows)


def wave_section(waves: Mapping[str, Any], labels: Labels) -> str:
    """Return the section of the page; empty without two waves."""
    if not waves.get("pairs"):
        return ""
    of = f"{escape(labels.column(waves['indicator']))} (<code>{escape(waves['indicator'])}</code>)"
    lead = (
        "<p>Respondents, linked to accounts or not. Size by employees in the survey: in the first of two waves, of new "
        f"respondents in the second. Transitions of {of} are those of firms that answered in both waves: "
        "01 began, 10 said yes and then no. A firm that stopped and a firm that was mistaken once look the same; the "
        "share of users who say no later bounds both.</p>\n"
    )
    adoption = waves["adoption"]
    dates = [
        ("No in every wave", adoption["never"], "after the last wave, or never"),
        ("No, then yes", adoption["adopted"], "between two waves"),
        ("Yes from the first answer on", adoption["before_first"], "before the first answer"),
        ("No after a yes", adoption["reversal"], "not dated"),
        ("No answer", adoption["unknown"], "not known"),
    ]
    weighted = any(one["w00"] is not None for one in waves["pairs"])
    return (
        lead
        + list_table(
            ("Waves", "Size", "Answered the first", "Both", "The first only", "The second only", "Answered the second"),
            [_line(one, "n_first", "n_both", "n_left", "n_entrants", "n_second") for one in waves["pairs"]],
            texts={1}, caption="Overlap of the waves; the second wave by its own size class",
        )
        + list_table(
            ("Waves", "Size", "Both", "00", "01", "10", "11", "Without an answer", "10 among users"),
            [
                (*_line(one, "n_both", *_CELLS, "n_missing"), _percent(one, "reversals_of_users"))
                for one in waves["pairs"]
            ],
            texts={1}, caption="Transitions, firms",
        )
        + (
            list_table(
                ("Waves", "Size", "00", "01", "10", "11"),
                [(*_line(one), *(_percent(one, key) for key in _SHARES)) for one in waves["pairs"]],
                texts={1}, caption="Transitions, per cent, weighted by the weights of the first wave",
            )
            if weighted
            else ""
        )
        + list_table(
            ("Waves", "Size", "New respondents", "Already users", "No users"),
            [_line(one, "n_entrants", "n_entrants_yes", "n_entrants_no") for one in waves["pairs"]],
            texts={1}, caption="New respondents of the second wave",
        )
        + list_table(
            ("Answers over all waves", "Firms", "Adoption"),
            [(what, _shown(number), when) for what, number, when in dates],
            texts={2}, caption="What the waves say of the date of adoption",
        )
    )  # fmt: skip


def _line(one: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    # Spans stay on one line.
    span, size = (
        text.replace("-", "\N{NON-BREAKING HYPHEN}") for text in (f"{one['first']}-{one['second']}", one["size"])
    )
    return (span, size, *(_shown(one[key]) for key in keys))


def _shown(value: int | None) -> str:
    return _FEW if value is None else count(value, "en")


def _percent(one: Mapping[str, Any], key: str) -> str:
    if one[key] is not None:
        return f"{100 * one[key]:.1f} %"
    return "" if one["n10"] is not None and one["n11"] is not None else _FEW
