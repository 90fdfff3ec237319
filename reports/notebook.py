"""Tables and figures as a notebook shows them: HTML that stands by itself and takes the colours of its surroundings."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from reports.figures.build import Drawn, build_figures
from reports.figures.registry import IMAGES
from reports.page import locales_of
from reports.views import table_spec

__all__ = ["alert", "draw", "figure_html", "first_locale", "framed", "record_of_model"]


def framed(*parts: str) -> str:
    """Return parts of HTML with the style that they need; it reaches nothing outside them."""
    style = (Path(__file__).parent / "notebook.css").read_text(encoding="utf-8")
    return f'<div class="tfplab">\n<style>\n{style}</style>\n{"".join(parts)}</div>\n'


def alert(what: str, reason: str) -> str:
    """Return the box that says why something is not there."""
    return f'<p class="alert"><strong>{escape(what)}</strong>: {escape(reason)}</p>\n'


def first_locale(record: Mapping[str, Any], name: str | None = None) -> str:
    """Return the locale in which a table, or a figure, is shown: the first that is asked for."""
    return table_spec(record, name).locales[0] if name is not None else locales_of(record)[0]


def draw(record: Mapping[str, Any], name: str) -> Drawn:
    """Draw one figure that did not fail, as SVG and PNG."""
    spec = record["spec"]
    figures = {**spec["figures"], name: {**spec["figures"].get(name, {}), "formats": list(IMAGES)}}
    alone = {**record, "figures": {name: record["figures"][name]}, "spec": {**spec, "figures": figures}}
    return build_figures(alone, first_locale(record))[0]


def figure_html(drawn: Drawn) -> str:
    """Return a figure: on white, whatever is around it, with its description for those who cannot see it."""
    source = b64encode(drawn.images["svg"]).decode()
    return f'<figure><img alt="{escape(drawn.description)}" src="data:image/svg+xml;base64,{source}"></figure>\n'


def record_of_model(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the record with one table alone, of the model as the first table prints it that names it."""
    keys: Mapping[str, Any] = {}
    for table in record["spec"]["tables"]:
        if name in table_spec(record, table).models:
            keys = record["spec"]["tables"][table]
            break
    kept = {key: keys[key] for key in ("p_values", "decimals", "locale") if key in keys}
    return {**record, "spec": {**record["spec"], "tables": {name: {**kept, "models": [name]}}}}
