"""Hypotheses that are tested together: which they are, and how their p-values are adjusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from specs.errors import did_you_mean
from specs.fields import Checked, as_written, mistake
from specs.tokens import is_name

__all__ = ["FAMILY_KEYS", "FAMILY_METHODS", "FamilyField", "FamilySpec"]

FAMILY_METHODS = ("romano_wolf", "holm", "benjamini_hochberg")
FAMILY_KEYS = ("id", "method", "terms", "draws")
DRAWS, FEWEST_DRAWS, MOST_DRAWS = 999, 99, 99_999
EXAMPLE = "write family: {id: technologies, terms: [ai]}"


@dataclass(frozen=True, slots=True)
class FamilySpec:
    """The hypotheses of a model that belong to a family.

    Attributes
    ----------
    id : str
        Shared by the models of a family.
    terms : tuple of str
        Whole, ``size[20-49]``, or without their levels, ``size``.
    method : str
        ``romano_wolf``, ``holm``, ``benjamini_hochberg``.
    draws : int
        Of `romano_wolf`.
    """

    id: str
    terms: tuple[str, ...]
    method: str = "romano_wolf"
    draws: int = DRAWS

    @property
    def written(self) -> dict[str, Any]:
        """As a spec has it."""
        draws = {"draws": self.draws} if self.method == "romano_wolf" else {}
        return {"id": self.id, "method": self.method, "terms": list(self.terms), **draws}


def _family(value: Any) -> FamilySpec:
    if isinstance(value, FamilySpec):
        return value
    if not isinstance(value, dict):
        raise mistake(f"a map is wanted, not {as_written(value)}", "", EXAMPLE)
    for key in value:
        if key not in FAMILY_KEYS:
            near = did_you_mean(key, FAMILY_KEYS) if isinstance(key, str) else ""
            raise mistake(
                f'unknown key "{key}"', "", near or f"there are: {', '.join(FAMILY_KEYS)}", path=(key,), at_key=True
            )
    for key, means in (
        ("id", "models with the same id are one family"),
        ("terms", "the constant and controls are no hypotheses: name those that are"),
    ):
        if key not in value:
            raise mistake(f'the key "{key}" is missing', means, EXAMPLE, at_key=True)
    name, method = value["id"], value.get("method", FAMILY_METHODS[0])
    if not isinstance(name, str) or not is_name(name):
        raise mistake(f"a name is wanted, not {as_written(name)}", "", "write id: technologies", path=("id",))
    if method not in FAMILY_METHODS:
        near = did_you_mean(method, FAMILY_METHODS) if isinstance(method, str) else ""
        what = f"{as_written(method)} is no method of adjustment"
        raise mistake(what, "", near or f"there are: {', '.join(FAMILY_METHODS)}", path=("method",))
    if "draws" in value and method != "romano_wolf":
        raise mistake(f"draws beside {method}", "it draws nothing", "leave draws out", path=("draws",), at_key=True)
    return FamilySpec(name, _terms(value["terms"]), method, _draws(value.get("draws", DRAWS)))


def _terms(value: Any) -> tuple[str, ...]:
    path = ("terms",)
    if not isinstance(value, (tuple, list)):
        advice = f"write [{value}]" if isinstance(value, str) else "write [ai]"
        raise mistake(f"a list of terms is wanted, not {as_written(value)}", "", advice, path=path)
    if not value:
        raise mistake("a family without a term", "there is nothing to adjust", "write [ai]", path=path)
    for place, term in enumerate(value):
        if not isinstance(term, str) or not term:
            raise mistake(f"a term is wanted, not {as_written(term)}", "", "write [ai]", path=(*path, place))
        if term in value[:place]:
            raise mistake(f'"{term}" stands twice', "", "leave one out", path=(*path, place))
    return tuple(value)


def _draws(value: Any) -> int:
    path = ("draws",)
    if not isinstance(value, int) or isinstance(value, bool):
        raise mistake(f"a whole number is wanted, not {as_written(value)}", "", f"write draws: {DRAWS}", path=path)
    if value < FEWEST_DRAWS:
        raise mistake(
            f"{value} draws", "a small p-value is a share of them", f"ask for {FEWEST_DRAWS} or more", path=path
        )
    if value > MOST_DRAWS:
        raise mistake(f"{value} draws", "", f"ask for {MOST_DRAWS} or fewer", path=path)
    return value


def _written(family: FamilySpec) -> dict[str, Any]:
    return family.written


_NAME = {"type": "string", "errorMessage": "a name is wanted"}
_TERM = {"type": "string", "minLength": 1, "names": "columns", "errorMessage": "a term is wanted"}
_TOLD = {
    "id": "models with the same one are one family",
    "method": "how p-values are adjusted",
    "terms": "the coefficients that are hypotheses",
    "draws": "of romano_wolf: how many",
}
_SCHEMA = {
    "described": _TOLD,
    "type": "object",
    "errorMessage": "a map is wanted",
    "first": True,
    "additionalProperties": False,
    "required": ["id", "terms"],
    "properties": {
        "id": _NAME,
        "method": {"enum": list(FAMILY_METHODS), "errorMessage": "no method of adjustment"},
        "terms": {
            "type": "array",
            "items": _TERM,
            "minItems": 1,
            "errorMessage": "a list of terms is wanted",
            "lengthErrorMessage": "a family without a term",
        },
        "draws": {"type": "integer", "minimum": FEWEST_DRAWS, "maximum": MOST_DRAWS},
    },
}
FamilyField = Annotated[FamilySpec, Checked(_family, _written, _SCHEMA)]
"""``{id: technologies, method: romano_wolf, terms: [ai_ttm], draws: 999}``."""
