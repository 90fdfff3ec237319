"""What a spec asks to be written: table formats, locales, kinds of figures. Checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from estimation.registry import FIGURES as COMPUTED
from reports.figures.registry import FIGURES, IMAGES
from reports.formats.registry import FORMATS
from reports.numbers import LOCALES
from specs.errors import Problem, TfplabError, did_you_mean
from specs.model import SpecModel
from specs.sections import TableSpec
from specs.tree import Node, find

__all__ = ["check_outputs"]

LATER_FORMATS = ("docx", "xlsx", "typst", "json")
_LANGUAGE = re.compile(r"[a-z]{2}(_[A-Z]{2})?")


def check_outputs(spec: SpecModel) -> list[Problem]:
    """Find formats, locales and kinds of figures that there are not.

    Parameters
    ----------
    spec : SpecModel

    Returns
    -------
    list of Problem
    """
    problems: list[Problem] = []
    for name, table in spec.tables.items():
        node = find(spec.root, ("tables", name))
        problems += _without_columns(node, f"tables.{name}", table)
        problems += _without_entries(node, name, spec)
        problems += _listed(node, f"tables.{name}", "formats", table.formats, FORMATS, LATER_FORMATS)
        problems += _listed(node, f"tables.{name}", "locale", table.locale, _locales(table.locale), ())
    for name, figure in spec.figures.items():
        node = find(spec.root, ("figures", name))
        problems += _listed(node, f"figures.{name}", "kind", (figure.kind,), FIGURES, ())
        problems += _listed(node, f"figures.{name}", "formats", figure.formats, IMAGES, ())
        keeps = figure.kind not in COMPUTED or bool(COMPUTED[figure.kind].models)
        if figure.keep and not keeps and node is not None:
            keep = node.entries["keep"].key_position
            what = f'"keep" is no key of a figure of kind {figure.kind}'
            problems.append(Problem(keep, f"figures.{name}", what, "it draws every group", "narrow where instead"))
    for column, texts in spec.labels.items():
        for language in texts:
            if not _LANGUAGE.fullmatch(language):
                entry = find(spec.root, ("labels", column))
                place = entry.entries[language].key_position if entry is not None else spec.root.position
                what = f'"{language}" is not the code of a language'
                problems.append(Problem(place, f"labels.{column}", what, "", "write en, nl, fr or nl_BE"))
    return problems


def _without_columns(node: Node | None, path: str, table: TableSpec) -> list[Problem]:
    """Refuse a list of models that names none: it would stand for all of them."""
    if "models" not in table.model_fields_set or table.models:
        return []
    place = None if node is None else find(node, ("models",)) or node
    if place is None:
        return []
    everything = "productivity entries" if table.kind == "diagnostics" else "models"
    advice = f"name some, or leave the key out for all {everything}"
    return [Problem(place.position, f"{path}.models", "no model is named", "the table would have no column", advice)]


def _without_entries(node: Node | None, name: str, spec: SpecModel) -> list[Problem]:
    """Refuse diagnostics of productivity where the spec has none."""
    kind = None if node is None else find(node, ("kind",))
    if spec.tables[name].kind != "diagnostics" or spec.productivity or kind is None:
        return []
    advice = "estimate some productivity, or leave the table out"
    return [
        Problem(
            kind.position,
            f"tables.{name}.kind",
            "there is no productivity entry",
            "the table would have no column",
            advice,
        )
    ]


def _locales(written: Sequence[str]) -> tuple[str, ...]:
    """Return the locales that are built in, and those written that work as well (``nl_NL``)."""
    from reports.words import words_of

    known = list(LOCALES)
    for one in written:
        if one not in known:
            try:
                words_of(one)
            except TfplabError:
                continue
            known.append(one)
    return tuple(known)


def _listed(
    node: Node | None, path: str, key: str, written: Sequence[str], known: Iterable[str], later: Sequence[str]
) -> list[Problem]:
    """Complain of every value that is not known, at its own place."""
    problems = []
    there_are = f"there are: {', '.join(known)}"
    for index, value in enumerate(written):
        if value in known or node is None:
            continue
        what = f'"{value}" is not known'
        if value in later:
            what = f'"{value}" is not available in this version'
        near = did_you_mean(value, known) if value not in later else ""
        place = _below(node, node, key, index).position
        problems.append(Problem(place, f"{path}.{key}", what, "", f"{near} {there_are}".strip()))
    return problems


def _below(node: Node | None, root: Node, key: str, index: int) -> Node:
    """Return the node of one item of a key; of the key where it is no list."""
    if node is None:
        return root
    return find(node, (key, index)) or find(node, (key,)) or node
