"""What the keys of a spec may hold: columns, expressions, formulas; and how a mistake is told.

The option models of every floor are made of these. A validator tells its mistake by raising `mistake(...)`:
`specs.bind` turns it into a Problem at the right character of the file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError, core_schema

from specs.expressions import Expression, parse_expression
from specs.formula import Formula, parse_formula
from specs.tokens import GrammarError, is_name

__all__ = [
    "COLUMN", "COLUMNS", "MISTAKE", "Checked", "ColumnName", "Columns", "ExpressionField", "FormulaField",
    "Mistake", "OptionsModel", "RightHandSide", "Wording", "as_written", "in_english", "mistake",
    "wording_of",
]  # fmt: skip

MISTAKE = "tfplab"
"""The type of the pydantic errors that carry a `Mistake`."""


class OptionsModel(BaseModel):
    """The base of all option models: strict, frozen, unknown keys forbidden; lists are tuples."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    @classmethod
    def unused_keys(cls, written: Mapping[str, Any]) -> Collection[str]:
        """Return the keys that what is written leaves without a use: a copy by ``like`` does not take them over."""
        return ()

    @classmethod
    def model_rebuild(cls, *, _parent_namespace_depth: int = 2, **options: Any) -> bool | None:
        """Build the validator, as pydantic does when it is first needed, without a search for plugins.

        The search reads the metadata of every installed package, a tenth of what `tfplab check` costs. It
        is left out for our own models alone: a plugin of the user's goes on serving theirs.
        """
        name = "pydantic.plugin._loader"
        stand_in = ModuleType(name)
        stand_in.__dict__["get_plugins"] = tuple
        before = sys.modules.get(name)
        sys.modules[name] = stand_in
        try:
            return super().model_rebuild(_parent_namespace_depth=_parent_namespace_depth + 1, **options)
        finally:
            if before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = before


class Checked:
    """What an `Annotated` type carries whose values one function checks and one writes out.

    It stands for pydantic's `PlainValidator`, `PlainSerializer` and `WithJsonSchema` together, which would
    also build a schema of the type itself: for a tree of expressions that costs more than reading the spec.

    Parameters
    ----------
    check : callable
        From what the spec holds to the value; raises `mistake(...)`.
    write : callable
        From the value to what a spec would hold.
    schema : dict
        The JSON schema. What `check` says of a mistake stands in it as ``errorMessage`` (and
        ``patternErrorMessage``, ``minimumErrorMessage``, ``maximumErrorMessage``, ``lengthErrorMessage``,
        ``moreErrorMessage`` for items beyond ``maxItems``), so that an editor says the same; ``names`` says whose
        names complete a text; ``described`` what keys do; ``first`` that `check` tells the first mistake alone.
        `tfplab.schema` reads these.
    """

    __slots__ = ("check", "schema", "write")

    def __init__(self, check: Callable[[Any], Any], write: Callable[[Any], Any], schema: dict[str, Any]) -> None:
        self.check, self.write, self.schema = check, write, schema

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.check, serialization=core_schema.plain_serializer_function_ser_schema(self.write)
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return dict(self.schema)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What a validator found.

    Attributes
    ----------
    what, meaning, advice : str
        As in `specs.errors.Problem`.
    path : tuple of str or int
        Further down from the value that the validator was given.
    offset : int or None
        The character of the text (from 0) that is meant; None for the value as a whole.
    at_key : bool
        Point at the key instead of the value.
    """

    what: str
    meaning: str = ""
    advice: str = ""
    path: tuple[str | int, ...] = ()
    offset: int | None = None
    at_key: bool = False


def mistake(
    what: str,
    meaning: str = "",
    advice: str = "",
    *,
    path: tuple[str | int, ...] = (),
    offset: int | None = None,
    at_key: bool = False,
) -> PydanticCustomError:
    """Return what a validator raises: ``raise mistake("what", "what it means", "what to try")``.

    In a model validator `path` says which key is meant: ``path=("degree",)``. Braces need no escape.
    """
    found = Mistake(what, meaning, advice, path, offset, at_key)
    return PydanticCustomError(MISTAKE, "{found}", {"found": found})


def as_written(value: object) -> str:
    """Return a value as a message shows it: ``"nbbb"``, ``2023``, ``true``, ``a list``, ``a map``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (tuple, list)):
        return "a list"
    if isinstance(value, dict):
        return "a map"
    text = str(value)
    return f'"{text}"' if len(text) <= 40 else f'"{text[:37]}..."'


def _column(value: Any) -> str:
    if isinstance(value, str) and is_name(value):
        return value
    if not isinstance(value, str):
        advice = "write a list only where the key wants one" if isinstance(value, tuple) else ""
        raise mistake(f"the name of a column is wanted, not {as_written(value)}", "", advice)
    advice = ""
    if any(sign in value for sign in "()+-*/^ ,="):
        advice = "declare it under variables: and name it here"
    raise mistake(f"{as_written(value)} is not the name of a column", "", advice)


def _columns(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        raise mistake(f"a list of columns is wanted, not {as_written(value)}", "", f"write [{value}]")
    if not isinstance(value, (tuple, list)):
        raise mistake(f"a list of columns is wanted, not {as_written(value)}")
    for index, item in enumerate(value):
        try:
            _column(item)
        except PydanticCustomError as error:
            found = (error.context or {})["found"]
            raise mistake(found.what, found.meaning, found.advice, path=(index,)) from None
        if item in value[:index]:
            raise mistake(f'the column "{item}" stands twice', "", "leave one out", path=(index,))
    return tuple(value)


def _expression(value: Any) -> Expression:
    if isinstance(value, Expression):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise mistake(f"an expression is wanted, not {as_written(value)}", "", _expression_advice(value))
    try:
        return parse_expression(value)
    except GrammarError as error:
        raise mistake(error.what, error.meaning, error.advice, offset=error.offset) from None


def _expression_advice(value: object) -> str:
    if isinstance(value, bool):
        return "write 1 or 0"
    return "quote an expression that begins with [ or {" if isinstance(value, (tuple, dict)) else ""


def _formula(value: Any, *, right_hand_side: bool = False) -> Formula:
    if isinstance(value, Formula):
        return value
    if not isinstance(value, str):
        example = "size + ai" if right_hand_side else "tfp ~ size + ai"
        raise mistake(f"a formula is wanted, not {as_written(value)}", "", f"write {example}")
    try:
        return parse_formula(value, right_hand_side=right_hand_side)
    except GrammarError as error:
        raise mistake(error.what, error.meaning, error.advice, offset=error.offset) from None


def _right_hand_side(value: Any) -> Formula:
    return _formula(value, right_hand_side=True)


def _as_list(values: Any) -> list[Any]:
    return list(values)


def wording_of(value: Any) -> str | dict[str, str]:
    """Check a text, or a text a language."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) or not value:
        advice = f"quote it: '{as_written(value)}'" if isinstance(value, (int, float)) else ""
        raise mistake(f"text is wanted, or a text a language, not {as_written(value)}", "", advice)
    for language, text in value.items():
        if not isinstance(text, str) or not text:
            raise mistake(f"text is wanted, not {as_written(text)}", path=(language,))
    return dict(value)


COLUMN = {
    "type": "string",
    # `specs.tokens.NAME` in the words of ECMAScript; a scheme that refuses less than the check does no harm.
    "pattern": r"^(?!(?:and|or|not|in|true|false)$)[\p{L}\p{Nl}\p{No}_][\p{L}\p{N}_]*(?:\.[\p{L}\p{N}_]+)*$",
    "names": "columns",
    "errorMessage": "the name of a column is wanted",
    "patternErrorMessage": "not the name of a column",
}
"""The JSON schema of the name of a column."""
COLUMNS = {"type": "array", "items": COLUMN, "errorMessage": "a list of columns is wanted"}
"""The JSON schema of a list of columns."""

ColumnName = Annotated[str, Checked(_column, str, COLUMN)]
"""The name of one column."""

Columns = Annotated[tuple[str, ...], Checked(_columns, _as_list, COLUMNS)]
"""A list of columns, none twice; it may be empty."""

_EXPRESSION = {"type": ["string", "number"], "errorMessage": "an expression is wanted"}
_FORMULA = {"type": "string", "errorMessage": "a formula is wanted"}
_WORDING = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "additionalProperties": {"type": "string", "errorMessage": "text is wanted"},
        },
    ],
    "errorMessage": "text is wanted, or a text a language",
}

ExpressionField = Annotated[Expression, Checked(_expression, str, _EXPRESSION)]
"""An expression; a bare number is one too."""

FormulaField = Annotated[Formula, Checked(_formula, str, _FORMULA)]
"""A formula, with or without its left side."""

RightHandSide = Annotated[Formula, Checked(_right_hand_side, str, _FORMULA)]
"""The right side of a formula alone."""

Wording = Annotated[str | dict[str, str], Checked(wording_of, lambda value: value, _WORDING)]
"""A text for all languages, or one a language: ``{en: As published, nl: Zoals gepubliceerd}``."""


def in_english(wording: str | dict[str, str] | None) -> str:
    """Return the English text of a wording, the first where there is none; for the terminal."""
    if isinstance(wording, dict):
        return wording.get("en", next(iter(wording.values())))
    return wording or ""
