"""The record of a run, as plain data: the content of ``run.json``, from which all else is derived.

No firm's row, no time, no path and no digest of an input ever enters it, so that two runs of one spec on
the same data give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from estimation.agreement import Agreement
from estimation.results import Estimates, Failed, ProductivityFit
from estimation.shown import Figure
from panels.ledger import Ledger
from reports import disclosure
from reports.case_facts import VariantFacts, settled, unsettled
from reports.record_parts import agreement_part, failed_part, figure_part, model_part, productivity_part
from reports.record_text import FORMAT, dump_record
from specs.sections import DESCRIPTIVES

__all__ = ["FORMAT", "PanelFacts", "SpecFacts", "build_record", "dump_record"]

#: The name of the one table of all models that a spec without tables gets.
DEFAULT_TABLE = "models"


@dataclass(frozen=True, slots=True)
class SpecFacts:
    """What the record keeps of a spec, as plain data with every default left out or filled in.

    Attributes
    ----------
    title, source : str or mapping of language to str
    digest : str
        Ignores comments, the order of keys and file paths.
    tables, figures : mapping of id to mapping
        With the keys of the spec language; what is missing has its default.
    labels : mapping
        A column, model or term and its text, or its texts by language.
    disclosure : mapping
        ``minimum_firms``, ``on_breach``.
    model_titles : mapping of id to str
        The models' own ``title``.
    behind : mapping of str to sequence of str
        By ``models.<id>`` and ``productivity.<id>``: the productivity entries that a model rests on, or that an entry
        is made of.
    """

    title: Any
    source: Any
    digest: str
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    labels: Mapping[str, Any] = field(default_factory=dict)
    disclosure: Mapping[str, Any] = field(default_factory=dict)
    model_titles: Mapping[str, Any] = field(default_factory=dict)
    behind: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PanelFacts:
    """What the record keeps of a panel.

    Attributes
    ----------
    rows, firms : int
    years : sequence of int
        Ascending.
    ledger : Ledger
        That of the panel, the productivity entries and the models together.
    link : mapping
        Counts of the link between accounts and survey; empty without one.
    """

    rows: int
    firms: int
    years: Sequence[int]
    ledger: Ledger
    link: Mapping[str, Any] = field(default_factory=dict)


def build_record(
    spec: SpecFacts,
    panel: PanelFacts,
    productivity: Sequence[ProductivityFit | Failed],
    models: Sequence[Estimates | Failed],
    figures: Sequence[Figure | Failed] = (),
    agreement: Sequence[Agreement] = (),
    variants: Sequence[VariantFacts] = (),
) -> dict[str, Any]:
    """Return the record, with the spec's disclosure rule applied.

    Parameters
    ----------
    spec : SpecFacts
    panel : PanelFacts
    productivity, models, figures : sequences
        In the order of the spec.
    agreement : sequence of Agreement
        Of the pairs of productivity measures.
    variants : sequence of VariantFacts

    Returns
    -------
    dict
        Plain data: None, bool, int, finite float, str, list, dict.

    Raises
    ------
    TfplabError
        If ``on_breach`` is ``fail`` and a number rests on too few firms.
    """
    tables = spec.tables or _default_tables(models, variants)
    record = {
        "format": FORMAT,
        "spec": {
            "title": spec.title,
            "source": spec.source,
            "digest": spec.digest,
            "tables": tables,
            "figures": spec.figures,
            "labels": spec.labels,
            "disclosure": {
                "minimum_firms": spec.disclosure.get("minimum_firms", 10),
                "on_breach": spec.disclosure.get("on_breach", "report"),
            },
        },
        "panel": {
            "rows": panel.rows,
            "firms": panel.firms,
            "years": list(panel.years),
            "ledger": panel.ledger.plain(),
            "link": panel.link,
        },
        "productivity": {
            fit.name: {**productivity_part(fit), "made_of": list(spec.behind.get(f"productivity.{fit.name}", ()))}
            for fit in productivity
        },
        "models": {
            model.name: {
                **_model(model, spec.model_titles.get(model.name)),
                "productivity": list(spec.behind.get(f"models.{model.name}", ())),
            }
            for model in models
        },
        "variants": {},
        "figures": {figure.name: figure_part(figure) for figure in figures},
        "agreement": [agreement_part(one) for one in agreement],
    }
    unsettled(record, variants)
    found = disclosure.apply(_plain(record))
    settled(found, variants)
    return found


def _default_tables(
    models: Sequence[Estimates | Failed], variants: Sequence[VariantFacts]
) -> dict[str, dict[str, Any]]:
    """Return one table of all models; descriptive statistics and variants have one each."""
    own = [model.name for model in models if model.design == DESCRIPTIVES]
    others = [model.name for model in models if model.design != DESCRIPTIVES]
    found = {name: {"models": [name]} for name in own}
    if others or not own:
        found[DEFAULT_TABLE] = {"models": others}
    return found | {
        one.name if one.name not in found else f"{one.name}_cases": {"models": [one.name]} for one in variants
    }


def _model(model: Estimates | Failed, title: Any) -> dict[str, Any]:
    return failed_part(model, title) if isinstance(model, Failed) else model_part(model, title)


def _plain(value: Any) -> Any:
    """Return plain data; what is not a finite number becomes None."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_plain(inner) for inner in value]
    return str(value)
