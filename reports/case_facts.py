"""Variants in the record: each case a model of its own, under the name of its variant and its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from estimation.results import Estimates, Failed
from reports.record_parts import failed_part, model_part

__all__ = ["CaseFacts", "OwnFacts", "VariantFacts", "in_its_place", "settled", "unsettled"]


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
    """Put the cases among the models, and what they rest on among the panels and productivity entries of a record.

    So whatever holds for models, disclosure first of all, holds for them; `settled` takes them out again.
    """
    record["panels"] = {}
    for variant in variants:
        for case in variant.cases:
            found = case.result
            part = failed_part(found, case.title) if isinstance(found, Failed) else model_part(found, case.title)
            record["models"][case.name] = {**part, "productivity": list(case.behind)}
        for number, own in enumerate(variant.own):
            record["panels"][f"{variant.name}.own[{number}]"] = {"rows": own.rows, "n_firms": own.firms}
            for name, fit in own.productivity.items():
                record["productivity"][_own_name(variant.name, number, name)] = dict(fit)


def settled(record: dict[str, Any], variants: Sequence[VariantFacts]) -> None:
    """Take the cases out of the models again, and put them where they belong."""
    panels = record.pop("panels")
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
                    "rows": panels[f"{variant.name}.own[{number}]"]["rows"],
                    "firms": panels[f"{variant.name}.own[{number}]"]["n_firms"],
                    "productivity": {
                        name: record["productivity"].pop(_own_name(variant.name, number, name))
                        for name in own.productivity
                    },
                }
                for number, own in enumerate(variant.own)
            ],
        }
    for breach in record["disclosure"]["breaches"]:
        breach["where"] = in_its_place(breach["where"])


def in_its_place(where: str) -> str:
    """Return where an entry belongs that stands among models and productivity entries for a while."""
    section, _, name = where.partition(".")
    if section == "models" and "[" in name:
        return f"variants.{name}"
    return name if section == "productivity" and name.startswith("variants.") else where


def _own_name(variant: str, number: int, name: str) -> str:
    return f"variants.{variant}.own[{number}].{name}"
