"""The cases of variants as the record has them, each a model of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.labels import Labels
from reports.numbers import count
from reports.words import Words
from specs.variants import REPLACE, in_words

__all__ = [
    "CASE_COLUMNS",
    "all_cases",
    "case_rows",
    "first_names",
    "model_of",
    "setting_name",
    "setting_value",
    "settings_text",
]

NAMED_AT_MOST = 6


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


def setting_name(path: str, labels: Labels, words: Words) -> str:
    """Return what a setting is called: the spec's label of its path or its name, else its path."""
    last = path.rpartition(".")[2]
    own = labels.declared(path) or words.known(f"setting.{last}")
    if own is None and path.startswith(f"{REPLACE}."):
        own = labels.declared(last) or words.known(f"column.{last}")
    return own or path


def setting_value(path: str, text: str, labels: Labels, words: Words) -> str:
    """Return what a value of a setting, as the spec writes it, is called."""
    built_in = words.known(f"column.{text}") if path.startswith(f"{REPLACE}.") else None
    return labels.declared(text) or built_in or text


def settings_text(settings: Mapping[str, Any], main: str = "") -> str:
    """Return settings as a reader reads them: ``outcome = lp, errors = HC3``; `main` where nothing is set."""
    return ", ".join(f"{path} = {in_words(value)}" for path, value in settings.items()) or main


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
