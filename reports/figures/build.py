"""From the record to drawn figures in a locale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.figures.drawing import FigureContext, save
from reports.figures.registry import IMAGES, kind_named
from reports.labels import Labels
from reports.words import localised, words_of

__all__ = ["Drawn", "build_figures", "figure_formats"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure in one locale.

    Attributes
    ----------
    name, title, locale : str
    description : str
        In words, for those who cannot see it.
    headings, rows : tuples
        The numbers behind it, as texts.
    notes : tuple of str
        As they stand in the picture.
    images : mapping of str to bytes
        ``svg`` always, ``png`` where it was asked for.
    """

    name: str
    title: str
    locale: str
    description: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    images: Mapping[str, bytes]


def figure_formats(record: Mapping[str, Any], name: str) -> Sequence[str]:
    """Return the formats in which the spec wants a figure; both by default."""
    wanted = record["spec"]["figures"].get(name, {}).get("formats") or IMAGES
    return (wanted,) if isinstance(wanted, str) else tuple(wanted)


def build_figures(record: Mapping[str, Any], locale: str) -> list[Drawn]:
    """Draw every figure of a run in one locale; those that failed are left to the report's list.

    Parameters
    ----------
    record : mapping
        The content of ``run.json``.
    locale : str

    Returns
    -------
    list of Drawn
    """
    words = words_of(locale)
    drawn = []
    for name, figure in record["figures"].items():
        if figure["status"] == "failed":
            continue
        spec = record["spec"]["figures"].get(name, {})
        kind = kind_named(figure["kind"])
        labels = Labels(record["spec"]["labels"], words)
        title = localised(spec.get("title"), locale) or labels.declared(name) or kind.title(figure, labels, words)
        context = FigureContext(
            figure=figure,
            title=title,
            source=localised(record["spec"]["source"], locale),
            labels=labels,
            words=words,
            minimum_firms=record["disclosure"]["minimum_firms"],
            productivity=record["productivity"],
        )
        picture = kind.draw(context)
        headings, rows = kind.facts(context)
        # The page always needs the SVG.
        wanted = dict.fromkeys(("svg", *figure_formats(record, name)))
        drawn.append(
            Drawn(
                name=name,
                title=title,
                locale=locale,
                description=kind.describe(context),
                headings=headings,
                rows=tuple(rows),
                notes=tuple(kind.notes(context)),
                images={extension: save(picture, extension) for extension in wanted},
            )
        )
    return drawn
