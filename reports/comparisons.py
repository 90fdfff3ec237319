"""What a table says below of tests, of groups set beside each other, of added controls and of what is not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.cases import model_of
from reports.numbers import count, decimal, p_value
from reports.table import Note
from reports.views import Context, View, told_of_group, told_of_rung

__all__ = ["comparison_notes"]


def comparison_notes(context: Context, views: Sequence[View], terms: Sequence[str]) -> Iterator[Note]:
    """Yield the notes of every model of a table.

    Parameters
    ----------
    context : Context
    views : sequence of View
        The table's columns.
    terms : sequence of str
        The printed terms: of others nothing is said.
    """
    shown = _spoken_of(context, terms)
    names = dict.fromkeys(view.name for view in views if view.is_model)
    several = len(names) > 1
    for name in names:
        model = model_of(context.record, name)
        assert model is not None, "a column is of a model that there is"
        heading = (context.labels.declared(name) or name) if several else ""
        for texts in (_tests(context, model), _equality(context, model, shown), _moved(context, model, shown),
                      _oster(context, model)):  # fmt: skip
            for text in texts:
                yield Note("note", f"{heading}: {text}" if heading else text)


def _spoken_of(context: Context, terms: Sequence[str]) -> list[str]:
    """Return the terms that notes speak of: those that a table keeps, else no levels and no constant."""
    if context.spec.keep:
        return list(terms)
    plain = [term for term in terms if "[" not in term and term != "constant"]
    return plain or [term for term in terms if term != "constant"]


def _estimates(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the estimates of a model that have tests: its parts, else the model itself."""
    parts = [part for part in model["parts"] if not part.get("reason")]
    return parts if any(part["stats"].get("tests") for part in parts) else [{**model, "group": None, "rung": None}]


def _of(context: Context, part: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """Return of which estimate something is said; nothing where there is one alone."""
    grouped = any(one["group"] for one in model["parts"])
    told = [told_of_group(part, context.labels, context.words, grouped=grouped)]
    if any(one["rung"] for one in model["parts"]):
        told.append(told_of_rung(part["rung"], context.labels, context.words))
    named = ", ".join(filter(None, told))
    return f" ({named})" if named else ""


def _tests(context: Context, model: Mapping[str, Any]) -> Iterator[str]:
    words = context.words
    for part in _estimates(model):
        for test in part["stats"].get("tests") or ():
            if test["by"]:
                continue
            named = {"test": test["test"], "of": _of(context, part, model)}
            if test["statistic"] is None:
                reason = words("suppressed") if test.get("suppressed") else test["reason"]
                yield words("note.test_none", reason=reason, **named)
                continue
            apart = ""
            if test["estimate"] is not None and test["std_error"] is not None:
                apart = words("note.test_apart", apart=_number(context, test["estimate"]),
                              error=_number(context, test["std_error"]))  # fmt: skip
            yield words("note.test", statistic=_f(context, test), p=_p(context, test), apart=apart, **named)


def _equality(context: Context, model: Mapping[str, Any], shown: Sequence[str]) -> Iterator[str]:
    words = context.words
    for part in _estimates(model):
        across = [one for one in part["stats"].get("tests") or () if one["by"]]
        told = []
        for test in across:
            if test["statistic"] is None or (test["of"] is not None and test["of"] not in shown):
                continue
            every = "compare.all_effects" if model["design"] == "did" else "compare.all_slopes"
            of = words(every) if test["of"] is None else _term(context, test["of"], model)
            apart = ""
            if test["estimate"] is not None and test["std_error"] is not None:
                apart = words("note.equal_apart", apart=_number(context, test["estimate"]),
                              error=_number(context, test["std_error"]))  # fmt: skip
            told.append(words("note.equal_one", of=of, statistic=_f(context, test), p=_p(context, test), apart=apart))
        if told:
            rung = _of(context, {**part, "group": None}, {"parts": [{**one, "group": None} for one in model["parts"]]})
            by = context.labels.column(across[0]["by"])
            yield words("note.equal", by=by, of=rung, tests="; ".join(told))


def _moved(context: Context, model: Mapping[str, Any], shown: Sequence[str]) -> Iterator[str]:
    words = context.words
    found = model.get("decomposition") or []
    groups = list(dict.fromkeys(tuple((one["group"] or {}).items()) for one in found))
    for group in groups:
        own = [one for one in found if tuple((one["group"] or {}).items()) == group]
        grouped = len(groups) > 1
        told = told_of_group({"group": dict(group) or None}, context.labels, words, grouped=grouped)
        for term in dict.fromkeys(one["term"] for one in own):
            of_term = {one["block"]: one for one in own if one["term"] == term}
            total = of_term.get("total")
            if term not in shown or total is None or total["estimate"] is None:
                continue
            blocks = [
                words(
                    "note.moved_block",
                    block=told_of_rung(block, context.labels, words),
                    part=_number(context, one["estimate"]),
                    error=_number(context, one["std_error"]),
                    share=_percent(context, one["share"]),
                )
                for block, one in of_term.items()
                if block != "total" and one["estimate"] is not None
            ]
            yield words(
                "note.moved",
                term=_term(context, term, model),
                of=f" ({told})" if told else "",
                total=_number(context, -total["estimate"]),
                error=_number(context, total["std_error"]),
                blocks="; ".join(blocks),
            )


def _oster(context: Context, model: Mapping[str, Any]) -> Iterator[str]:
    words = context.words
    found = (model["sensitivity"] or {}).get("oster")
    if found is None or found["beta_star"] is None:
        return
    delta = words("not_applicable") if found["delta"] is None else decimal(found["delta"], 2, context.locale)
    yield words(
        "note.oster",
        term=_term(context, found["term"], model),
        base=_number(context, found["beta_base"]),
        r2_base=decimal(found["r2_base"], 3, context.locale),
        beta=_number(context, found["beta"]),
        r2=decimal(found["r2"], 3, context.locale),
        within=words("note.oster_within") if found["within"] else "",
        times=decimal(found["r_max"], 2, context.locale),
        r2_max=decimal(found["r2_max"], 3, context.locale),
        star=_number(context, found["beta_star"]),
        delta=delta,
    )


def _term(context: Context, term: str, model: Mapping[str, Any]) -> str:
    return context.labels.term(term, model["design"]).full(context.locale)


def _number(context: Context, value: float | None) -> str:
    return decimal(value, context.spec.decimals, context.locale) or "–"


def _percent(context: Context, share: float | None) -> str:
    if share is None:
        return "–"
    return context.words("percent", value=decimal(100 * share, 1, context.locale))


def _f(context: Context, test: Mapping[str, Any]) -> str:
    df2 = "∞" if test["df2"] is None else count(round(test["df2"]), context.locale)
    return f"F({test['df1']}, {df2}) = {decimal(test['statistic'], 2, context.locale)}"


def _p(context: Context, test: Mapping[str, Any]) -> str:
    printed = p_value(test["p_value"], context.locale)
    return f"p {printed}" if printed.startswith("<") else f"p = {printed}"
