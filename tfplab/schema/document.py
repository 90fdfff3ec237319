"""The JSON schema of a whole spec."""

from __future__ import annotations

from panels.shipped import LAYOUTS
from reports.figures.registry import FIGURES, IMAGES
from reports.formats.registry import FORMATS
from reports.numbers import LOCALES
from specs.fields import ExpressionField, OptionsModel, Wording
from specs.model import KEYS, Head
from specs.panel import PanelSpec
from specs.sections import DisclosureSpec, FigureSpec, TableSpec
from tfplab.advice.codes import CODES
from tfplab.schema.descriptions import describe
from tfplab.schema.entries import models, productivity
from tfplab.schema.names import Names
from tfplab.schema.shapes import EMPTY, Schema, Shape, Shaper, each, unknown, wrong
from tfplab.schema.sharing import shared
from tfplab.schema.variants import settings, variants

__all__ = ["schema_of"]

_NAME = {
    "propertyNames": {
        "pattern": r"^[\p{L}\p{Nl}\p{No}_][\p{L}\p{N}_]*$",
        "patternErrorMessage": "cannot be a name, a name begins with a letter and goes on with letters, digits and _",
    }
}
_FREE = {
    "propertyNames": {
        "pattern": "^(?!(?:firm|year)$)",
        "patternErrorMessage": "is a key of the panel, take another name",
    }
}


class _Texts(OptionsModel):
    expression: ExpressionField
    wording: Wording


def schema_of(names: Names | None = None, *, fragment: bool = False) -> Schema:
    """Return the JSON schema of specs, draft 7, as language servers for YAML read it.

    Parameters
    ----------
    names : Names, optional
        What an editor offers where a name is wanted; without them the columns of the shipped layouts. A name that is
        not among them is no mistake: a spec grows while it is written.
    fragment : bool
        For files that are extended: nothing need be there, and a null may remove a key. The complete schema asks the
        same of a spec that has ``extends``.

    Returns
    -------
    dict
        The same for the same names: it holds no path, no time, and nothing of the data but names of columns.
    """
    known = names if names is not None else Names(_shipped_columns())
    lists = {
        "columns": known.columns,
        "productivity": known.productivity,
        "models": known.models,
        "shown": (*known.models, *known.productivity, *known.variants),
        "varied": (*known.models, *known.variants),
        "locales": tuple(LOCALES),
        "layouts": LAYOUTS,
        "drawn": (*known.productivity, *known.models, *known.columns),
    }
    names_of = {kind: list(dict.fromkeys(one)) for kind, one in lists.items()}
    definitions: Schema = {kind: {"enum": one} if one else {} for kind, one in names_of.items()}
    definitions["settings"] = settings(known.productivity)
    shaper = Shaper(names_of)
    sections = _sections(shaper)
    keys = {key: {**shaper.key(shape, text), **shape_beside} for key, (shape, text, shape_beside) in sections.items()}
    empty: Schema = {"if": {"type": "null"}, "then": EMPTY}
    must = each([
        {"required": ["tfplab"], "errorMessage": 'the key "tfplab" is missing'},
        {"required": ["panel"], "errorMessage": 'the key "panel" is missing'},
        {"properties": {key: {"doNotSuggest": True, **(one.must or empty)} for key, (one, _, _) in sections.items()}},
        {"properties": {key: {"doNotSuggest": True, **empty} for key in ("title", "source") if sections[key][0].must}},
    ])  # fmt: skip
    schema: Schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A spec of tfplab" if not fragment else "A part of a spec of tfplab",
        "type": "object",
        "allOf": [{"properties": keys, "additionalProperties": False, "errorMessage": unknown(keys)}],
        "definitions": definitions,
    }
    return shared(schema if fragment else {**schema, "if": {"required": ["extends"]}, "then": {}, "else": must})


def _shipped_columns() -> tuple[str, ...]:
    from panels.shipped import promise_of

    found = [name for layout in ("nbb", "eurostat_ict") for name in promise_of(layout).columns]
    return tuple(dict.fromkeys(["firm", "year", *found]))


def _sections(shaper: Shaper) -> dict[str, tuple[Shape, str, Schema]]:
    """Return, by key of a spec, its shape, what it does, and what else holds for it."""
    head = Head.model_json_schema()["properties"]
    texts = describe("head")
    found: dict[str, tuple[Shape, str, Schema]] = {}
    told = "this version reads format 1, write tfplab: 1"
    found["tfplab"] = (Shape({"enum": [1], "errorMessage": told}, choices={"enum": [1]}), texts["tfplab"], {})
    for key in ("title", "source", "seed"):
        found[key] = (shaper.shape(head[key], {}), texts[key], {})
    expression = _Texts.model_json_schema()["properties"]["expression"]
    variable = Shape(shaper.shape(expression, {}).may)
    found["panel"] = (_panel(shaper), "where the data come from", {})
    found["variables"] = (
        _section(variable, "names are wanted", [_NAME, _FREE], shaper),
        "new columns, each by an expression of others",
        {},
    )
    found["productivity"] = (
        _section(productivity(shaper), "names are wanted", [_NAME, _FREE], shaper),
        "how productivity is estimated; each name becomes a column",
        {},
    )
    found["models"] = (_section(models(shaper), "names are wanted", [_NAME], shaper), "what explains it", {})
    found["variants"] = (
        _section(variants(shaper), "names are wanted", [_NAME], shaper),
        "one model estimated in many ways",
        {},
    )
    found["tables"] = (_section(_table(shaper), "names are wanted", [_NAME], shaper), "which tables are printed", {})
    found["figures"] = (_section(_figure(shaper), "names are wanted", [_NAME], shaper), "which figures are drawn", {})
    found["labels"] = (_labels(shaper), "what columns, models and figures are called in print, by language", {})
    disclosure = shaper.model(DisclosureSpec, describe("disclosure"))
    found["disclosure"] = (disclosure, "what may leave the room", {})
    path = {"type": "string", "errorMessage": "the path of a spec is wanted"}
    found["extends"] = (
        Shape(
            {
                "type": ["string", "array"],
                "items": path,
                "errorMessage": path["errorMessage"],
                "allOf": [{"if": {"type": "array", "maxItems": 0}, "then": wrong("an empty list")}],
            }
        ),
        "the spec, or a list of specs, that this one takes over and changes: later ones win",
        {},
    )
    found["advice"] = (_advice(), "advice that the spec answers, by its code, each with the reason", {})
    return {key: found[key] for key in KEYS if key in found}


def _section(entry: Shape, wanted: str, rules: list[Schema], shaper: Shaper) -> Shape:
    """Return a section whose keys are names of the user's own."""
    may: Schema = {"type": "object", "errorMessage": wanted}
    may["allOf"] = [{"additionalProperties": shaper.key(entry)}, *rules]
    empty: Schema = {"if": {"type": "null"}, "then": {"deprecationMessage": f"{wanted}"}}
    must: Schema = {"additionalProperties": entry.must} if entry.must else {}
    if not entry.must:
        must = {"additionalProperties": {"if": {"type": "null"}, "then": EMPTY}}
    return Shape(may, {**empty, "else": must})


def _panel(shaper: Shaper) -> Shape:
    nested = {"accounts": "panel.accounts", "survey": "panel.survey", "table": "panel.table", "link": "panel.link",
              "clean": "panel.clean"}  # fmt: skip
    shape = shaper.model(PanelSpec, describe("panel"), below=lambda key: describe(nested.get(key, f"panel.{key}")))
    return _null_is_wrong(shape)


def _null_is_wrong(shape: Shape) -> Shape:
    return Shape(
        shape.may, {"if": {"type": "null"}, "then": {"deprecationMessage": "keys are wanted"}, "else": shape.must}
    )


def _table(shaper: Shaper) -> Shape:
    known = {"type": "string", "errorMessage": "text is wanted"}
    shape = shaper.model(
        TableSpec,
        describe("tables"),
        changed={
            "models": _some({**known, "names": "shown"}),
            "formats": _some({"enum": list(FORMATS), "errorMessage": f"not known, there are: {', '.join(FORMATS)}"}),
            "locale": _some({**known, "names": "locales"}),
            "keep": _some({**known, "names": "columns"}),
            "order": _some({**known, "names": "columns"}),
        },
    )
    return _null_is_wrong(shape)


def _figure(shaper: Shaper) -> Shape:
    known = {"type": "string", "errorMessage": "text is wanted"}
    kinds, images = list(FIGURES), list(IMAGES)
    shape = shaper.model(
        FigureSpec,
        describe("figures"),
        changed={
            "kind": {"enum": kinds, "errorMessage": f"not known, there are: {', '.join(kinds)}"},
            "of": _some({**known, "names": "drawn"}),
            "formats": _some({"enum": images, "errorMessage": f"not known, there are: {', '.join(images)}"}),
            "keep": _some({**known, "names": "columns"}),
        },
    )
    return _null_is_wrong(shape)


def _advice() -> Shape:
    """Return the codes, each with a reason: a text, texts by language, or either by entry."""
    text: Schema = {"type": "string"}
    texts: Schema = {"type": "object", "additionalProperties": text}
    reason: Schema = {
        "anyOf": [text, {"type": "object", "additionalProperties": {"anyOf": [text, texts]}}],
        "errorMessage": "a reason is wanted: a text, or texts by language or by entry",
    }
    codes: Schema = {code: {"description": about, **reason} for code, about in CODES.items()}
    may: Schema = {"type": "object", "errorMessage": "codes with their reasons are wanted"}
    may["allOf"] = [{"properties": codes, "additionalProperties": False, "errorMessage": unknown(codes)}]
    return Shape(may)


def _labels(shaper: Shaper) -> Shape:
    text: Schema = {"type": "string", "errorMessage": "text is wanted"}
    languages = shaper.shape(
        {"type": "object", "additionalProperties": text, "errorMessage": "languages are wanted"}, {}
    )
    return _section(languages, "columns are wanted", [], shaper)


def _some(one: Schema) -> Schema:
    """Return a text or a list of such texts."""
    return {"anyOf": [one, {"type": "array", "items": one}], "errorMessage": "text or a list of texts is wanted"}
