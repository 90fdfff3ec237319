"""From the JSON schema of an option model, as pydantic draws it, to one whose complaints are those of `tfplab check`.

A schema is drawn in two halves. The first says which keys and values there can be at all; the second what must be
there: keys that are required, none empty. A spec that extends another, or copies an entry, may leave out what it takes
over, and a null removes a key of its parent's: the second half does not hold there.

The words are those of `specs.complaints`. A language server for YAML shows them where a schema has them as
``errorMessage``; for bounds, which have none, stands a type that no value of the key has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import BaseModel

from specs.complaints import complain
from tfplab.schema.descriptions import attributes_of

__all__ = ["EMPTY", "Schema", "Shape", "Shaper", "each", "unknown", "wrong"]

Schema: TypeAlias = dict[str, Any]

EMPTY = {"deprecationMessage": "an empty value, give it a value or leave the key out"}
"""A language server shows it at the key, where `check` reports the missing value."""
_ERRORS = {
    "string": "string_type", "integer": "int_type", "number": "float_type", "boolean": "bool_type",
    "array": "list_type", "object": "model_type",
}  # fmt: skip
_LIMITS = {"minimum": ("greater_than_equal", "ge"), "maximum": ("less_than_equal", "le"),
           "exclusiveMinimum": ("greater_than", "gt"), "exclusiveMaximum": ("less_than", "lt"),
           "minItems": ("too_short", "min_length"), "maxItems": ("too_long", "max_length"),
           "minLength": ("string_too_short", "min_length"), "maxLength": ("string_too_long", "max_length")}  # fmt: skip


def wrong(message: str) -> Schema:
    """Return a schema that no value but null meets, with what there is to say of it."""
    return {"type": ["null"], "errorMessage": message}


def unknown(keys: Iterable[str]) -> str:
    """Return what there is to say of a key that is none of these."""
    listed = ", ".join(keys)
    return f"unknown key, there are: {listed}" if listed else "unknown key"


def each(schemas: Iterable[Schema]) -> Schema:
    """Return the schema of what meets all of some; of none the empty one."""
    told = [one for one in schemas if one]
    return {} if not told else told[0] if len(told) == 1 else {"allOf": told}


@dataclass(frozen=True, slots=True)
class Shape:
    """The two halves of a schema.

    Attributes
    ----------
    may : dict
        What there can be.
    must : dict
        What must be there; empty where nothing must.
    inside : dict
        Of a map, the part of `must` that is about the values of its keys and not about the keys.
    choices : dict
        What an editor offers before anything is written.
    """

    may: Schema
    must: Schema = field(default_factory=dict)
    inside: Schema = field(default_factory=dict)
    choices: Schema = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shaper:
    """Draws shapes.

    Attributes
    ----------
    names : mapping of str to sequence of str
        The names that a spec can give, by what they are of (``columns``, ``productivity``, ``models``); the schema has
        them under ``definitions`` by the same keys.
    """

    names: Mapping[str, Sequence[str]]

    def model(
        self,
        model: type[BaseModel],
        described: Mapping[str, str] | None = None,
        *,
        wanted: str = "keys are wanted",
        changed: Mapping[str, Schema] | None = None,
        beside: Mapping[str, Schema] | None = None,
        below: Callable[[str], Mapping[str, str]] = lambda key: {},
    ) -> Shape:
        """Draw an option model.

        Parameters
        ----------
        model : subclass of BaseModel
        described : mapping of str to str, optional
            What each key does; the docstring's section Attributes for those left out.
        wanted : str
            What is said of a value that is no map.
        changed, beside : mapping of str to dict, optional
            The schemas of some keys, where something is known of them that the model does not know; keys that the
            model does not have and that are read before it is bound.
        below : callable, optional
            From a key to the descriptions of the keys of the map that it holds.
        """
        schema = model.model_json_schema()
        properties = {**schema.get("properties", {}), **(beside or {})}
        for key, one in (changed or {}).items():
            if key in properties:
                properties[key] = {**_kept(properties[key]), **one}
        schema = {**schema, "properties": properties, "errorMessage": wanted}
        return self.object(schema, schema.get("$defs", {}), described or {}, below)

    def shape(self, schema: Schema, defs: Mapping[str, Schema], described: Mapping[str, str] | None = None) -> Shape:
        """Draw one schema of pydantic's."""
        schema = _resolved(schema, defs)
        forms = [_resolved(one, defs) for one in schema.get("anyOf", ()) if one.get("type") != "null"]
        if len(forms) == 1:
            return self.shape({**{k: v for k, v in schema.items() if k != "anyOf"}, **forms[0]}, defs, described)
        if forms:
            return self.either(schema, forms, defs, described)
        if "const" in schema or "enum" in schema:
            return _enumerated(schema)
        if schema.get("type") == "object":
            return self.object(schema, defs, described or {})
        if schema.get("type") == "array":
            return self.array(schema, defs)
        return self.scalar(schema)

    def scalar(self, schema: Schema) -> Shape:
        """Draw a text, a number, true or false."""
        kind = schema.get("type")
        if kind is None:
            return Shape({})
        message = schema.get("errorMessage") or f"{_wanted(kind)} is wanted"
        may: Schema = {"type": kind, "errorMessage": message}
        for key in ("pattern", "patternErrorMessage"):
            if key in schema:
                may[key] = schema[key]
        limits = _limits(schema, ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength"))
        choices: Schema = {}
        if kind == "boolean":
            choices = {"enum": [True, False]}
        if "names" in schema:
            choices = {"$ref": f"#/definitions/{schema['names']}"}
        if limits:
            may = {"if": {"type": kind}, "then": {**may, **limits}, "else": may}
        return Shape(may, choices=choices)

    def array(self, schema: Schema, defs: Mapping[str, Schema]) -> Shape:
        """Draw a list."""
        message = schema.get("errorMessage") or f"{_wanted('array')} is wanted"
        of = schema.get("items", {})
        item = self.shape(of, defs)
        may: Schema = {"type": "array", "errorMessage": message}
        most = schema.get("maxItems", 0)
        if "names" in of:
            # What a server offers for an item of a list; it holds nothing against it.
            item.may["examples"] = list(self.names[of["names"]])
        if item.may:
            more = schema.get("moreErrorMessage")
            items: Schema = (
                {"items": [item.may] * most, "additionalItems": wrong(more)} if more else {"items": item.may}
            )
            may |= items
        bounds = ("minItems",) if "moreErrorMessage" in schema else ("minItems", "maxItems")
        limits = _limits(schema, bounds, schema.get("lengthErrorMessage"))
        if limits:
            may["allOf"] = [{"if": {"type": "array"}, "then": limits}]
        choices: Schema = {"items": item.choices} if item.choices else {}
        return Shape(may, {"items": item.must} if item.must else {}, choices=choices)

    def object(
        self,
        schema: Schema,
        defs: Mapping[str, Schema],
        described: Mapping[str, str],
        below: Callable[[str], Mapping[str, str]] = lambda key: {},
    ) -> Shape:
        """Draw a map: with keys of its own, or from any name to one thing."""
        message = schema.get("errorMessage") or f"{_wanted('object')} is wanted"
        may: Schema = {"type": "object", "errorMessage": message}
        texts = {**attributes_of(schema.get("description", "")), **schema.get("described", {}), **described}
        keys: Schema = {}
        must: dict[str, Schema] = {}
        for key, one in schema.get("properties", {}).items():
            shape = self.shape(one, defs, below(key))
            keys[key] = self.key(shape, texts.get(key, ""), one.get("default"))
            if shape.must:
                must[key] = {"doNotSuggest": True, **shape.must}
        rest = schema.get("additionalProperties", {})
        named = self.shape(rest, defs) if isinstance(rest, dict) else None
        patterns = {key: self.shape(one, defs) for key, one in schema.get("patternProperties", {}).items()}
        inner: Schema = {"properties": keys} if keys else {}
        if patterns:
            inner["patternProperties"] = {key: self.key(one) for key, one in patterns.items()}
        if named is None:
            inner |= {"additionalProperties": False, "errorMessage": unknown(keys)}
        elif named.may:
            inner["additionalProperties"] = self.key(named)
        may["allOf"] = [inner] if inner else []
        inside: list[Schema] = [{"properties": must}] if must else []
        inside += [{"patternProperties": {key: one.must for key, one in patterns.items()}}] if patterns else []
        inside += [{"additionalProperties": named.must}] if named is not None and named.must else []
        musts: list[Schema] = [{"additionalProperties": {"if": {"type": "null"}, "then": EMPTY}}, *inside]
        required = _required(schema)
        if schema.get("first") and required:
            # `check` tells the first mistake of these alone: an unknown key before one that is missing.
            known: Schema = {"additionalProperties": False}
            known |= {key: dict.fromkeys(schema[key], True) for key in ("properties",) if key in schema}
            musts.append({"if": known, "then": each(required)})
        else:
            musts += required
        return Shape(may, each(musts), each(inside))

    def either(
        self, schema: Schema, forms: list[Schema], defs: Mapping[str, Schema], described: Mapping[str, str] | None
    ) -> Shape:
        """Draw a choice of forms: the value's own form says which is meant, so that one mistake has one complaint."""
        shapes = [self.shape(one, defs, described) for one in forms]
        message = schema.get("errorMessage")
        if message is None:
            kinds = [_wanted(one.get("type", "object")) if "enum" not in one else "" for one in forms]
            listed = [", ".join(map(str, one["enum"])) if "enum" in one else "" for one in forms]
            told = [kind or values for kind, values in zip(kinds, listed, strict=True)]
            message = f"{' or '.join(dict.fromkeys(told))} is wanted"
        scalar_last = next((shape.may for one, shape in zip(forms, shapes, strict=True) if "enum" in one), None)
        may: Schema = scalar_last if scalar_last is not None else wrong(message)
        must: Schema = {}
        for number, (one, shape) in reversed(list(enumerate(zip(forms, shapes, strict=True)))):
            if "enum" in one or "const" in one:
                continue
            condition = _condition(
                one, [other for other in forms[number + 1 :] if other.get("type") == one.get("type")]
            )
            may = {"if": condition, "then": shape.may, "else": may}
            if shape.must or must:
                must = {"if": condition, "then": shape.must, "else": must}
        if scalar_last is not None and "errorMessage" in schema:
            # Neither a text nor one of the other forms.
            rest = {one.get("type", "object"): None for one in forms if "enum" not in one and "const" not in one}
            may = {"if": {"type": list({"string": None} | rest)}, "then": may, "else": wrong(message)}
        offered = [shape.choices for shape in shapes if shape.choices]
        choices: Schema = {"anyOf": offered} if len(offered) > 1 else offered[0] if offered else {}
        return Shape(may, must, choices=choices)

    def key(self, shape: Shape, text: str = "", default: Any = None) -> Schema:
        """Return the schema of a key: what it does, what it may hold, what an editor offers."""
        found: Schema = {}
        if text:
            found["description"] = text
        if isinstance(default, (str, int, float)) and default != "":
            found["default"] = default
        if shape.choices:
            found["anyOf"] = [{}, _offered(shape.choices)]
        if shape.may:
            found |= {"if": {"type": "null"}, "then": {}, "else": shape.may}
        return found


def _resolved(schema: Schema, defs: Mapping[str, Schema]) -> Schema:
    if "$ref" not in schema:
        return schema
    own = {key: one for key, one in schema.items() if key != "$ref"}
    return {**defs[schema["$ref"].rsplit("/", 1)[1]], **own}


def _kept(schema: Schema) -> Schema:
    return {key: schema[key] for key in ("default", "description") if key in schema}


def _wanted(kind: Any) -> str:
    first = kind[0] if isinstance(kind, list) else kind
    return complain({"type": _ERRORS.get(first, "string_type"), "input": None}).wanted


def _offered(choices: Schema) -> Schema:
    """Return a form that no value has: what an editor offers and nothing is held against."""
    return {"type": ["null"], **choices}


def _enumerated(schema: Schema) -> Shape:
    values = schema.get("enum") or [schema["const"]]
    told = complain({"type": "literal_error", "input": None, "ctx": {"expected": " or ".join(map(repr, values))}})
    message = schema.get("errorMessage") or f"not one of the values of this key, {told.advice}"
    return Shape({"enum": values, "errorMessage": message}, choices={"enum": values})


def _limits(schema: Schema, keys: Iterable[str], message: str | None = None) -> Schema:
    """Return what holds a value to its bounds, each in its own words."""
    found: list[Schema] = []
    for key in keys:
        if key in schema:
            kind, bound = _LIMITS[key]
            limit = schema[key]
            told = complain({"type": kind, "input": None, "ctx": {bound: limit}}).wanted + " is wanted"
            own = schema.get(f"{key}ErrorMessage") or (None if "Items" in key else schema.get("errorMessage"))
            said = message or own or told
            found.append({"if": {key: limit}, "else": wrong(said)})
    return each(found) if len(found) != 1 else {"allOf": found}


def _required(schema: Schema) -> list[Schema]:
    """Return what asks for keys, one by one, since one complaint has one key."""
    message = schema.get("requiredErrorMessage")
    if "oneOfKeys" in schema:
        keys = schema["oneOfKeys"]
        there: Schema = {"anyOf": [{"required": [key]} for key in keys]}
        return [{"if": there, "else": {"required": keys[:1], "errorMessage": message}}]
    return [
        {"required": [key], "errorMessage": message or f'the key "{key}" is missing'}
        for key in schema.get("required", ())
    ]


def _condition(form: Schema, others: list[Schema]) -> Schema:
    """Return what tells a form from the forms behind it."""
    kind: Schema = {"type": form.get("type", "object")}
    if not others:
        return kind
    if form["type"] == "array":
        # A pair, beside a list of pairs.
        return {**kind, "not": {"minItems": 1, "items": {"type": "array"}}}
    if "patternProperties" in form:
        return {**kind, "minProperties": 1, "propertyNames": {"pattern": "^[0-9]+$"}}
    return {**kind, "required": form["required"][:1]}
