"""What a notebook shows of a run by itself: its tables, its figures, and why something is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["FigureView", "TableView", "model_html", "run_html"]


@dataclass(frozen=True, slots=True, eq=False)
class TableView:
    """A table of a run; a notebook shows it.

    Attributes
    ----------
    record : mapping
        The content of ``run.json``.
    name : str
    """

    record: Mapping[str, Any]
    name: str

    def text(self, format: str = "markdown", locale: str | None = None) -> str:  # noqa: A002
        """Return the table as text: ``markdown``, ``html``, ``latex`` or ``csv``; in its first locale by default.

        Raises
        ------
        TfplabError
            If there is no such format or locale.
        """
        from reports.build import build_table
        from reports.formats.registry import format_named
        from reports.notebook import first_locale

        locale = locale or first_locale(self.record, self.name)
        return format_named(format).render(build_table(self.record, self.name, locale))

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Table {self.name}>"

    def _repr_html_(self) -> str:
        from reports.notebook import framed

        return framed(self.text("html"))

    def _repr_markdown_(self) -> str:
        return self.text("markdown")

    def _repr_latex_(self) -> str:
        return self.text("latex")


@dataclass(frozen=True, slots=True, eq=False)
class FigureView:
    """A figure of a run; a notebook shows it.

    Attributes
    ----------
    record : mapping
        The content of ``run.json``.
    name : str
    """

    record: Mapping[str, Any]
    name: str

    @property
    def failed(self) -> str | None:
        """Why there is nothing to draw; None where there is."""
        one = self.record["figures"][self.name]
        return one["reason"] if one["status"] == "failed" else None

    @property
    def svg(self) -> bytes:
        """The picture as SVG.

        Raises
        ------
        EstimationError
            If there is nothing to draw.
        """
        return self._image("svg")

    @property
    def png(self) -> bytes:
        """The picture as PNG; see `svg`."""
        return self._image("png")

    def _image(self, form: str) -> bytes:
        from reports.notebook import draw
        from specs.errors import EstimationError

        if self.failed is not None:
            raise EstimationError(f"figures.{self.name}: {self.failed}")
        return draw(self.record, self.name).images[form]

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file whose name ends in ``.svg`` or ``.png``, and return the file.

        Raises
        ------
        TfplabError
            If the name ends otherwise.
        EstimationError
            If there is nothing to draw.
        """
        from specs.errors import TfplabError
        from tfplab.files import write_atomically

        target = Path(path)
        form = target.suffix.lower().removeprefix(".")
        if form not in ("svg", "png"):
            raise TfplabError(f"{target}: a figure is written as .svg or .png")
        write_atomically(target, self._image(form))
        return target

    def __repr__(self) -> str:
        return f"<Figure {self.name}{': ' + self.failed if self.failed is not None else ''}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from reports.notebook import alert, draw, figure_html, framed

        if self.failed is not None:
            return {"text/plain": repr(self), "text/html": framed(alert(f"figures.{self.name}", self.failed))}
        drawn = draw(self.record, self.name)
        return {
            "text/plain": drawn.description,
            "text/html": framed(figure_html(drawn)),
            "image/png": drawn.images["png"],
        }


def model_html(record: Mapping[str, Any], name: str) -> str:
    """Return a model as a table of its own, or why it could not be estimated."""
    from reports.notebook import alert, framed, record_of_model

    model = record["models"][name]
    if model["status"] == "failed":
        return framed(alert(f"models.{name}", model["reason"]))
    return framed(TableView(record_of_model(record, name), name).text("html"))


def run_html(record: Mapping[str, Any], said: str) -> str:
    """Return what failed, the tables and the figures of a run.

    Parameters
    ----------
    record : mapping
        The content of ``run.json``.
    said : str
        One line about the run.
    """
    from html import escape

    from reports.notebook import alert, draw, figure_html, framed
    from reports.page import failures

    parts = [f'<p class="lead">{escape(said)}</p>\n']
    parts += [alert(what, reason) for what, reason in failures(record)]
    parts += [TableView(record, name).text("html") for name in record["spec"]["tables"]]
    parts += [figure_html(draw(record, name)) for name, one in record["figures"].items() if one["status"] != "failed"]
    return framed(*parts)
