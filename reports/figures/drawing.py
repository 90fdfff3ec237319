"""What all figures share: their texts, their look, and the same bytes for the same record."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reports.labels import Labels
from reports.numbers import symbols
from reports.table import colon
from reports.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS", "DASHES", "FigureContext", "FigureKind", "columns_drawn", "frame",
    "localise_ticks", "look", "save", "wrapped",
]  # fmt: skip

#: Okabe and Ito's colours, told apart by colour-blind readers, and line styles that a photocopy keeps.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (6, 2)),
    (0, (2, 1.5)),
    (0, (7, 2, 1.5, 2)),
    (0, (10, 2)),
    (0, (4, 1)),
    "-",
)


NOTE_HEIGHT = 0.13
"""Inches that a line below a figure takes."""
LEGEND_HEIGHT = 0.21
"""Inches that a line of a legend takes."""


@dataclass(frozen=True, slots=True)
class FigureContext:
    """What a figure is drawn with.

    Attributes
    ----------
    figure : mapping
        ``figures.<id>`` of the record.
    title, source : str
        In the locale; may be empty.
    labels : Labels
    words : Words
    minimum_firms : int
        Below which a series was suppressed.
    productivity : mapping
        ``productivity`` of the record: what the columns measure.
    """

    figure: Mapping[str, Any]
    title: str
    source: str
    labels: Labels
    words: Words
    minimum_firms: int
    productivity: Mapping[str, Any] = field(default_factory=dict)

    @property
    def locale(self) -> str:
        """The figure's locale."""
        return self.words.locale


@dataclass(frozen=True, slots=True)
class FigureKind:
    """One kind of figure.

    Attributes
    ----------
    title : callable
        ``title(figure, labels, words)``: where neither the figure nor a label has one.
    draw : callable
        ``draw(context)`` to a matplotlib Figure; imports matplotlib where it runs.
    describe : callable
        ``describe(context)``: the figure in words, for those who cannot see it.
    facts : callable
        ``facts(context)``: headings, and rows of texts for the table beside the figure.
    notes : callable
        ``notes(context)``: what stands below. Title, notes and source are in the picture itself.
    """

    title: Callable[[Mapping[str, Any], Labels, Words], str]
    draw: Callable[[FigureContext], Figure]
    describe: Callable[[FigureContext], str]
    facts: Callable[[FigureContext], tuple[tuple[str, ...], list[tuple[str, ...]]]]
    notes: Callable[[FigureContext], Sequence[str]]


def look() -> AbstractContextManager[None]:
    """Return a context in which matplotlib draws as we do, whatever the user's own settings are."""
    import matplotlib as mpl

    settings: dict[Any, Any] = dict(mpl.rcParamsDefault)
    for own in ("backend", "interactive"):
        settings.pop(own, None)
    settings |= {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#4a4a4a",
        "axes.linewidth": 0.8,
        "text.color": "#1b1b1b",
        "axes.labelcolor": "#1b1b1b",
        "xtick.color": "#4a4a4a",
        "ytick.color": "#4a4a4a",
        "legend.frameon": False,
        "figure.dpi": 100,
        "savefig.dpi": 200,
        # Names inside the SVG are hashes: with a salt of our own they are the same every time.
        "svg.hashsalt": "tfplab",
        # Text stays text: small, searchable, and set in the page's own sans serif.
        "svg.fonttype": "none",
        # A dollar in a label is money, not mathematics.
        "text.parse_math": False,
    }
    return mpl.rc_context(settings)


def localise_ticks(axes: Axes, locale: str, which: str = "xy") -> None:
    """Print the ticks of axes with the locale's decimal mark, all of an axis with as many decimals."""
    mark = symbols(locale).decimal
    for axis in [axis for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)) if name in which]:
        low, high = sorted(axis.get_view_interval())
        ticks = [float(tick) for tick in axis.get_majorticklocs() if low <= tick <= high]
        decimals = max((len(f"{tick:.6f}".rstrip("0").partition(".")[2]) for tick in ticks), default=0)
        labels = [f"{tick:.{decimals}f}".replace("-", "−").replace(".", mark) for tick in ticks]
        axis.set_ticks(ticks, labels)


def columns_drawn(figure: Mapping[str, Any]) -> list[str]:
    """Return what a figure is of: one column or several, which the record then has as a list."""
    of = figure["of"]
    return [of] if isinstance(of, str) else list(of)


def wrapped(text: str, width: int, lines: int = 3) -> str:
    """Return a text over so many lines at most; what does not fit ends in three dots."""
    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder=" …"))


def frame(figure: Figure, context: FigureContext, notes: Sequence[str], legend_rows: int = 0) -> float:
    """Put the title above, what explains the picture and the source below, so that it can stand alone.

    Parameters
    ----------
    figure : matplotlib Figure
    context : FigureContext
    notes : sequence of str
    legend_rows : int
        Lines of a legend that is to stand between the picture and the notes.

    Returns
    -------
    float
        The height of the notes, as a share of the figure's: where that legend begins.
    """
    figure.suptitle(wrapped(context.title, 72), x=0.01, ha="left", fontweight="bold", fontsize=10.5)
    lines = [wrapped(note, 112) for note in notes]
    if context.source:
        lines.append(wrapped(f"{context.words('note.source')}{colon(context.locale)}{context.source}", 112))
    text = "\n".join(lines)
    room = math.ceil(LEGEND_HEIGHT * (legend_rows + 0.5) / NOTE_HEIGHT) if legend_rows else 0
    width, height = figure.get_size_inches()
    height += NOTE_HEIGHT * (text.count("\n") + room)
    figure.set_size_inches(width, height)
    if lines or room:
        # Lines without a letter keep the room.
        figure.supxlabel("\n".join([*[" "] * room, *lines]), x=0.01, ha="left", fontsize=7.5, color="#4a4a4a")
    return float((NOTE_HEIGHT * (text.count("\n") + 1) + 0.05) / height) if lines else 0.0


def save(figure: Figure, extension: str) -> bytes:
    """Return a figure as SVG or PNG, without the date and the program's name: equal bytes.

    Parameters
    ----------
    figure : matplotlib Figure
        Drawn within `look`.
    extension : str
        ``svg`` or ``png``.
    """
    metadata: dict[str, str | None] = {"Software": None}
    if extension == "svg":
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
    stream = io.BytesIO()
    with look(), warnings.catch_warnings():
        # A letter that matplotlib's font lacks is a box in the PNG and whole in the SVG: no reason to stop,
        # or to warn of fonts in the middle of a run.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(stream, format=extension, metadata=metadata)
    return stream.getvalue()
