"""Below a table: power, placebos, the estimate without each group of firms, the comparisons behind twfe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reports.numbers import decimal, p_value
from reports.table import Note, colon
from reports.views import Context, View

__all__ = ["beyond_notes"]


def beyond_notes(context: Context, views: list[View]) -> Iterator[Note]:
    """Say what models were asked beyond their effects, each once.

    Parameters
    ----------
    context : Context
    views : list of View
        The table's columns; the first of a model speaks for it.
    """
    models = {view.name: view for view in reversed(views) if view.is_model and not view.is_of_shares}
    for name in dict.fromkeys(view.name for view in views):
        if name not in models:
            continue
        content = models[name].content
        own = context.labels.declared(name) or name
        of = f"{own}{colon(context.locale)}" if len(models) > 1 else ""
        found = content.get("sensitivity") or {}
        yield from _power(context, of, content.get("power"))
        yield from _placebo(context, of, found.get("placebo"))
        yield from _without(context, of, found.get("leave_out"))
        yield from _bacon(context, of, found.get("bacon"))


def _number(context: Context, value: float | None) -> str:
    return context.words("suppressed") if value is None else decimal(value, context.spec.decimals, context.locale)


def _percent(context: Context, share: float, decimals: int = 1) -> str:
    return context.words("percent", value=decimal(100 * share, decimals, context.locale))


def _power(context: Context, of: str, power: Mapping[str, Any] | None) -> Iterator[Note]:
    if power is None or power.get("suppressed"):
        return
    text = context.words(
        "note.power",
        mde=_number(context, power["minimum_detectable_effect"]),
        target=_percent(context, power["target"], 0),
        level=_percent(context, power["level"], 0),
        effect=_short(context, power["effect"]),
        power=_percent(context, power["power"]),
    )
    yield Note("note", f"{of}{text}")


def _short(context: Context, value: float) -> str:
    """Return a number of the spec's with the decimals that it has there."""
    written = f"{value:.6g}"
    return decimal(value, len(written.partition(".")[2]), context.locale) if "e" not in written else written


def _placebo(context: Context, of: str, found: Mapping[str, Any] | None) -> Iterator[Note]:
    if found is None:
        return
    dates = [(str(one["date"]), one) for one in found["dates"]]
    outcomes = [(context.labels.column(one["outcome"]), one) for one in found["outcomes"]]
    for key, every in (("note.placebo_dates", dates), ("note.placebo_outcomes", outcomes)):
        told = [f"{name}{colon(context.locale)}{_effect(context, one)}" for name, one in every if one["status"] == "ok"]
        if told:
            yield Note("note", f"{of}{context.words(key, effects='; '.join(told))}")
        for name, one in every:
            if one["status"] != "ok":
                yield _failed(context, of, context.words("note.placebo_one", of=name), one["reason"])


def _effect(context: Context, one: Mapping[str, Any]) -> str:
    if one["estimate"] is None:
        return context.words("suppressed")
    error, p = _number(context, one["std_error"]), p_value(one["p_value"], context.locale)
    return context.words("note.placebo_effect", estimate=_number(context, one["estimate"]), error=error, p=p)


def _failed(context: Context, of: str, what: str, reason: str) -> Note:
    return Note("failed", of + context.words("note.failed", model=what, reason=reason), reason)


def _without(context: Context, of: str, apart: Mapping[str, Any] | None) -> Iterator[Note]:
    if apart is None:
        return
    words, column = context.words, context.labels.column(apart["column"])
    if apart["lowest"] is not None:
        most = next(one for one in apart["levels"] if one["level"] == apart["moves_most"])
        text = words(
            "note.leave_out",
            column=column,
            low=_number(context, apart["lowest"]),
            high=_number(context, apart["highest"]),
            estimate=_number(context, apart["estimate"]),
            level=_level(context, apart, apart["moves_most"]),
            moved=_number(context, most["estimate"]),
        )
        yield Note("note", of + text)
    hidden = sum(bool(one.get("suppressed")) for one in apart["levels"])
    if hidden:
        minimum = context.record["disclosure"]["minimum_firms"]
        yield Note("note", of + words("note.leave_out_hidden", column=column, number=hidden, minimum=minimum))
    for one in apart["levels"]:
        if one["status"] != "ok" and not one.get("suppressed"):
            level = _level(context, apart, one["level"])
            yield _failed(context, of, words("note.leave_out_one", column=column, level=level), one["reason"])


def _level(context: Context, apart: Mapping[str, Any], level: str) -> str:
    """Return the label that the spec declares of a level, ``nace[C]``, or the level."""
    return context.labels.declared(f"{apart['column']}[{level}]") or level


def _bacon(context: Context, of: str, bacon: Mapping[str, Any] | None) -> Iterator[Note]:
    if bacon is None or bacon.get("suppressed"):
        return
    name = context.words("estimator.twfe")
    if bacon["status"] != "ok":
        yield _failed(context, of, context.words("note.bacon_failed", estimator=name), bacon["reason"])
        return
    if len(bacon["comparisons"]) < 2:
        return
    text = context.words(
        "note.bacon",
        estimator=name,
        number=len(bacon["comparisons"]),
        share=_percent(context, bacon["treated_controls"]),
        estimate=_number(context, bacon["estimate"]),
        firms=bacon["n_firms"],
    )
    yield Note("note", of + text)
