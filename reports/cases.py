"""Variants in the record: each case a model of its own, under the name of its variant and its number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from estimation.results import Estimates, Failed
from reports.numbers import count
from reports.record_parts import failed_part, model_part
from reports.words import Words

__all__ = [
    "CASE_COLUMNS",
    "COLUMNS_AT_MOST",
    "CaseFacts",
    "OwnFacts",
    "VariantFacts",
    "all_cases",
    "case_rows",
    "first_names",
    "in_words",
    "model_of",
    "settings_text",
    "settled",
    "unsettled",
]

NAMED_AT_MOST = 6
COLUMNS_AT_MOST = 6
"""Cases that stand side by side in a table; more of them stand below each other."""


@dataclass(frozen=True, slots=True, eq=False)
class CaseFacts:
    """One case.

    Attributes
    ----------
    name : str
        ``grid[3]``.
    called : str
        The name that a listed case has; empty without one.
    settings : mapping of str to plain value
        By path.
    main : bool
        Whether it is the model itself.
    own : int or None
        Which of the variant's own panels and productivity estimates it rests on; None for those of the spec.
    behind : sequence of str
        The productivity entries that it rests on.
    title : str, mapping of language to str, or None
    result : Estimates or Failed
    """

    name: str
    called: str
    settings: Mapping[str, Any]
    main: bool
    own: int | None
    behind: Sequence[str]
    title: Any
    result: Estimates | Failed


@dataclass(frozen=True, slots=True, eq=False)
class OwnFacts:
    """A panel and productivity estimates that some cases have for themselves.

    Attributes
    ----------
    settings : mapping of str to plain value
        What was set there.
    rows, firms : int
        Of the panel.
    productivity : mapping of str to mapping
        Entries as ``run.json`` has them, those of the spec left out.
    """

    settings: Mapping[str, Any]
    rows: int
    firms: int
    productivity: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class VariantFacts:
    """A variant.

    Attributes
    ----------
    name, of, rows : str
    title : str, mapping of language to str, or None
    drawn_from : int
        Cases before some of them were drawn.
    cases : sequence of CaseFacts
    own : sequence of OwnFacts
    """

    name: str
    of: str
    rows: str
    title: Any
    drawn_from: int
    cases: Sequence[CaseFacts]
    own: Sequence[OwnFacts]


def unsettled(record: dict[str, Any], variants: Sequence[VariantFacts]) -> None:
    """Put the cases among the models, and what they rest on among the productivity entries of a record.

    So whatever holds for models, disclosure first of all, holds for them; `settled` takes them out again.
    """
    for variant in variants:
        for case in variant.cases:
            found = case.result
            part = failed_part(found, case.title) if isinstance(found, Failed) else model_part(found, case.title)
            record["models"][case.name] = {**part, "productivity": list(case.behind)}
        for number, own in enumerate(variant.own):
            for name, fit in own.productivity.items():
                record["productivity"][_own_name(variant.name, number, name)] = dict(fit)


def settled(record: dict[str, Any], variants: Sequence[VariantFacts]) -> None:
    """Take the cases out of the models again, and put them where they belong."""
    variants_of = {case.name: variant.name for variant in variants for case in variant.cases}
    for variant in variants:
        record["variants"][variant.name] = {
            "of": variant.of,
            "title": variant.title,
            "rows": variant.rows,
            "drawn_from": variant.drawn_from,
            "cases": [
                {
                    "name": case.name,
                    "called": case.called,
                    "settings": dict(case.settings),
                    "main": case.main,
                    "own": case.own,
                    **record["models"].pop(case.name),
                }
                for case in variant.cases
            ],
            "own": [
                {
                    "settings": dict(own.settings),
                    "rows": own.rows,
                    "firms": own.firms,
                    "productivity": {
                        name: record["productivity"].pop(_own_name(variant.name, number, name))
                        for name in own.productivity
                    },
                }
                for number, own in enumerate(variant.own)
            ],
        }
    for breach in record["disclosure"]["breaches"]:
        section, _, name = breach["where"].partition(".")
        if name in variants_of and section == "models":
            breach["where"] = f"variants.{name}"
        elif section == "productivity" and name.startswith("variants."):
            breach["where"] = name


def _own_name(variant: str, number: int, name: str) -> str:
    return f"variants.{variant}.own[{number}].{name}"


def model_of(record: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Return a model or a case by its name; None where the record has none.

    Parameters
    ----------
    record : mapping
        The content of ``run.json``.
    name : str
        ``table1``, or ``grid[3]``.
    """
    found: Mapping[str, Any] | None = record["models"].get(name)
    variant, bracket, number = name.partition("[")
    if found is None and bracket and variant in record["variants"]:
        cases = record["variants"][variant]["cases"]
        place = number.removesuffix("]")
        if place.isdigit() and 0 < int(place) <= len(cases):
            found = cases[int(place) - 1]
    return found


def all_cases(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the cases of all variants by name.

    Parameters
    ----------
    record : mapping
        The content of ``run.json``.
    """
    return {case["name"]: case for variant in record["variants"].values() for case in variant["cases"]}


def first_names(names: Sequence[str], words: Words) -> list[str]:
    """Return the names of cases, of many the first and how many more there are."""
    more = len(names) - NAMED_AT_MOST
    told = words("cases.more", more=count(more, words.locale)) if more > 0 else ""
    few = list(names[:NAMED_AT_MOST])
    return [*few[:-1], f"{few[-1]}{told}"]


def settings_text(settings: Mapping[str, Any], main: str = "") -> str:
    """Return settings as a reader reads them: ``outcome = lp, errors = HC3``; `main` where nothing is set."""
    return ", ".join(f"{path} = {in_words(value)}" for path, value in settings.items()) or main


def in_words(value: Any) -> str:
    """Return a setting's value as the spec writes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {in_words(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(in_words(one) for one in value) + "]"
    return str(value)


CASE_COLUMNS = (
    "outcome", "term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "n_firms",
    "n_obs", "error_kind",
)  # fmt: skip


def case_rows(variant: Mapping[str, Any]) -> tuple[tuple[str, ...], Iterator[dict[str, Any]]]:
    """Return the tidy table of a variant: a row a case and coefficient; a case that failed has one row.

    Parameters
    ----------
    variant : mapping
        One of ``variants`` of ``run.json``.

    Returns
    -------
    columns : tuple of str
        ``case``, ``called``, ``main``, a column a setting, ``status``, ``reason`` and `CASE_COLUMNS`.
    rows : iterator of dict
        Empty settings are those that a case leaves as they are.
    """
    settings = dict.fromkeys(path for case in variant["cases"] for path in case["settings"])
    names = {path: path if path not in _HEAD + CASE_COLUMNS else f"setting {path}" for path in settings}

    def rows() -> Iterator[dict[str, Any]]:
        for case in variant["cases"]:
            own = {names[path]: _plain_cell(case["settings"][path]) for path in settings if path in case["settings"]}
            head = {"case": case["name"], "called": case["called"], "main": case["main"], **own}
            head |= {"status": case["status"], "reason": case["reason"]}
            if case["status"] == "failed":
                yield {**head, "outcome": case["outcome"]}
                continue
            of = {"outcome": case["outcome"], "n_obs": case["n_obs"], "error_kind": case["errors"]["kind"]}
            for one in case["coefficients"]:
                yield {**head, **of, **{key: one[key] for key in CASE_COLUMNS if key in one}}

    return (*_HEAD[:3], *names.values(), *_HEAD[3:], *CASE_COLUMNS), rows()


_HEAD = ("case", "called", "main", "status", "reason")


def _plain_cell(value: Any) -> Any:
    return in_words(value) if value is None or isinstance(value, Mapping | list | tuple) else value
