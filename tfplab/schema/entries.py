"""The schemas of ``productivity:`` and ``models:``: each entry by its method or design."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from estimation.registry import DESIGNS, PRODUCTIVITY
from estimation.registry import Entry as Registered
from specs.fields import COLUMN, ExpressionField, OptionsModel
from tfplab.entries import COPYING, EntryErrors
from tfplab.schema.descriptions import describe
from tfplab.schema.shapes import Schema, Shape, Shaper, each, unknown

__all__ = ["models", "productivity"]

_LIKE = {"type": "string", "errorMessage": "the name of an entry is wanted"}


class _Copying(OptionsModel):
    """The keys of a copy that are read before its method or design is known."""

    and_where: ExpressionField


def productivity(shaper: Shaper) -> Shape:
    """Return the schema of one entry under ``productivity:``."""
    return _entry(shaper, "productivity", "method", PRODUCTIVITY, {"markup": {"of": _named("productivity")}})


def models(shaper: Shaper) -> Shape:
    """Return the schema of one entry under ``models:``."""
    return _entry(shaper, "models", "design", DESIGNS, {})


def _named(names: str) -> Schema:
    return {**COLUMN, "names": names}


def _entry(
    shaper: Shaper,
    section: str,
    selector: str,
    registry: Mapping[str, Registered],
    changed: Mapping[str, Mapping[str, Schema]],
) -> Shape:
    kinds = list(registry)
    chosen: Schema = {"enum": kinds, "errorMessage": f"not a {selector}, there are: {', '.join(kinds)}"}
    copying: Schema = {
        "like": {**_LIKE, "names": section},
        "and_where": _Copying.model_json_schema()["properties"]["and_where"],
    }
    errors = EntryErrors.model_json_schema()["properties"]["errors"]
    shapes: dict[str, Shape] = {}
    for kind, one in registry.items():
        beside: Schema = {selector: chosen, **copying}
        if section == "productivity" and one.resampler is not None:
            beside["errors"] = errors
        shapes[kind] = shaper.model(
            one.options,
            describe(section, kind),
            changed={selector: chosen, **changed.get(kind, {})},
            beside={key: schema for key, schema in beside.items() if key not in one.options.model_fields},
        )
    texts = describe(section)
    keys = _agreed(shapes, texts)
    told = unknown(keys[0])
    of_any: Schema = {"allOf": [{"properties": keys[0], "additionalProperties": False, "errorMessage": told}]}
    of_copy: Schema = {"allOf": [{"properties": keys[1], "additionalProperties": False, "errorMessage": told}]}
    # One without the key copies another, is laid over another, or has forgotten it.
    may: Schema = {"if": {"required": [selector]}, "then": of_any, "else": of_copy}
    for shape in shapes.values():
        _refuse_others(shape, keys[0], f"the key has no meaning here, it is one of another {selector}")
    must: Schema = {}
    inside: Schema = {}
    for kind, shape in reversed(shapes.items()):
        condition = {"required": [selector], "properties": {selector: {"const": kind}}}
        may = {"if": condition, "then": shape.may, "else": may}
        must = {"if": condition, "then": shape.must, "else": must}
        if shape.inside or inside:
            inside = {"if": condition, "then": shape.inside, "else": inside}
    first = {"required": [selector], "errorMessage": f'the key "{selector}" is missing'}
    none = {"deprecationMessage": f"nothing is {chosen['errorMessage']}"}
    chosen_at_all = {"properties": {selector: {"doNotSuggest": True, "if": {"type": "null"}, "then": none}}}
    begin = {"deprecationMessage": f"keys are wanted, begin with {selector}:"}
    must = {"if": {"required": ["like"]}, "then": inside, "else": each([first, chosen_at_all, must])}
    is_map: Schema = {"type": "object", "errorMessage": f"keys are wanted, begin with {selector}:"}
    return Shape(
        {"if": {"type": "null"}, "then": {}, "else": {"if": {"type": "object"}, "then": may, "else": is_map}},
        {"if": {"type": "null"}, "then": begin, "else": must},
    )


def _refuse_others(shape: Shape, keys: Iterable[str], told: str) -> None:
    """Mark the keys of other methods or designs as such: they are not unknown."""
    own = shape.may["allOf"][0]["properties"]
    others = [key for key in keys if key not in own]
    own |= dict.fromkeys(others, True)
    shape.may["allOf"].append({"properties": dict.fromkeys(others, False), "errorMessage": told})


def _agreed(shapes: Mapping[str, Shape], texts: Mapping[str, str]) -> tuple[Schema, Schema]:
    """Return the keys of an entry whose method or design is not known, and of a copy, whose parent's it is.

    Of the first `check` looks at the keys alone, so that one mistake does not hide another; of the second the schema
    says what all methods agree on.
    """
    found: dict[str, list[Schema]] = {}
    for shape in shapes.values():
        for key, one in shape.may["allOf"][0]["properties"].items():
            found.setdefault(key, []).append(one)
    loose: Schema = {}
    agreed: Schema = {}
    always = {*COPYING, "method", "design"}
    for key, all_of_it in found.items():
        kinds = [{k: v for k, v in one.items() if k not in ("description", "default")} for one in all_of_it]
        offered = {k: v for k, v in kinds[0].items() if k == "anyOf"}
        text = {"description": texts[key]} if key in texts else {}
        same = all(one == kinds[0] for one in kinds)
        agreed[key] = {**text, **(kinds[0] if same else offered)}
        loose[key] = agreed[key] if same and key in always else {**text, **offered}
    return loose, agreed
