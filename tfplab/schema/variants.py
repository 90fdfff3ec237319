"""The schema of ``variants:``: a model, and settings of keys of it."""

from __future__ import annotations

from collections.abc import Iterable

from estimation.registry import DESIGNS, PRODUCTIVITY
from specs.variants import REPLACE
from tfplab.schema.descriptions import describe
from tfplab.schema.shapes import Schema, Shape, Shaper

__all__ = ["settings", "variants"]

_CHOICES: Schema = {
    "type": ["array", "object"],
    "errorMessage": "a list of values, or values with names, is wanted",
    "allOf": [
        {
            "if": {"anyOf": [{"type": "array", "maxItems": 0}, {"type": "object", "maxProperties": 0}]},
            "then": {"type": ["null"], "errorMessage": "nothing to choose from"},
        }
    ],
}
_SETTINGS: Schema = {
    "type": "object",
    "errorMessage": "settings are wanted",
    "allOf": [{"$ref": "#/definitions/settings"}],
}


def settings(productivity: Iterable[str]) -> Schema:
    """Return the keys that an editor offers where settings are written; others are paths too, into maps.

    Parameters
    ----------
    productivity : iterable of str
        The entries of the spec, whose keys can be varied.
    """
    of_models = {key for one in DESIGNS.values() for key in one.options.model_fields} - {"design"}
    of_entries = sorted({key for one in PRODUCTIVITY.values() for key in one.options.model_fields})
    names = [REPLACE, *sorted(of_models), "panel.where"]
    names += [f"productivity.{entry}.{key}" for entry in productivity for key in of_entries]
    return {"properties": {name: {} for name in names}}


def variants(shaper: Shaper) -> Shape:
    """Return the schema of one entry under ``variants:``."""
    texts = describe("variants")
    wanted = "a list of settings is wanted"
    entry: Schema = {
        "type": "object",
        "additionalProperties": False,
        "errorMessage": "keys are wanted",
        "properties": {
            "of": {"type": "string", "names": "models", "errorMessage": "the name of a model is wanted"},
            "at_most": {"type": "integer", "minimum": 1, "errorMessage": "a whole number from 1 is wanted"},
            "rows": {"enum": ["own", "common"], "errorMessage": "not known, there are: own, common"},
            "family": {},
            "title": {},
        },
        "required": ["of"],
    }
    shape = shaper.object(entry, {}, texts)
    keys = shape.may["allOf"][0]["properties"]
    vary: Schema = {**_SETTINGS, "minProperties": 1, "additionalProperties": _CHOICES}
    cases: Schema = {"type": ["array", "object"], "errorMessage": wanted, "items": _SETTINGS}
    skip: Schema = {"type": "array", "errorMessage": wanted, "items": _SETTINGS}
    for key, may in (("vary", vary), ("cases", cases), ("skip", skip)):
        keys[key] = shaper.key(Shape(may), texts.get(key, ""))
    varies: Schema = {
        "if": {"anyOf": [{"required": ["vary"]}, {"required": ["cases"]}]},
        "else": {"required": ["vary"], "errorMessage": 'the key "vary" is missing'},
    }
    empty = {"deprecationMessage": "keys are wanted"}
    return Shape(shape.may, {"if": {"type": "null"}, "then": empty, "else": {"allOf": [shape.must, varies]}})
