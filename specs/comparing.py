"""What a regression is set beside: itself on groups of rows and with more controls, restrictions, what is not seen."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from specs.errors import did_you_mean
from specs.fields import Checked, ColumnName, OptionsModel, as_written, mistake
from specs.formula import Formula, Term, parse_formula
from specs.restrictions import Restriction, parse_restrictions
from specs.tokens import GrammarError

__all__ = [
    "AskedTest", "Block", "BlocksField", "FormulaSensitivityField", "FormulaSensitivitySpec", "OsterSpec",
    "SplitField", "SplitSpec", "TestsField",
]  # fmt: skip

Block = tuple[Term, ...]
"""Controls that are added together."""
AskedTest = tuple[Restriction, ...]
"""Restrictions that are tested together."""


class SplitSpec(OptionsModel):
    """One estimate a group.

    Attributes
    ----------
    by : str
        A column of groups.
    """

    by: ColumnName


def _split(value: Any) -> Any:
    if isinstance(value, str):
        raise mistake(f"a map of keys is wanted, not {as_written(value)}", "", f"write {{by: {value}}}")
    return value


SplitField = Annotated[SplitSpec, BeforeValidator(_split)]
"""``{by: size}``."""


def _blocks(value: Any) -> tuple[Block, ...]:
    if not isinstance(value, (tuple, list)):
        raise mistake(f"a list of blocks is wanted, not {as_written(value)}", "", f"write [[{value}]]")
    if not value:
        raise mistake("an empty list", "no controls are added", "leave the key out, or write [[ln_l], [nace]]")
    return tuple(_block(one, place) for place, one in enumerate(value))


def _block(value: Any, place: int) -> Block:
    if isinstance(value, str):
        advice = "a block is a list of its own: [[ln_l], [nace]]"
        raise mistake(f"a list of controls is wanted, not {as_written(value)}", "", advice, path=(place,))
    if not isinstance(value, (tuple, list)) or not value:
        raise mistake(f"a list of controls is wanted, not {as_written(value)}", "", "write [ln_l]", path=(place,))
    if all(isinstance(one, Term) for one in value):
        return tuple(value)
    found: list[Term] = []
    for index, one in enumerate(value):
        found += _terms_of(one, (place, index))
    return tuple(found)


def _terms_of(value: Any, path: tuple[int, int]) -> tuple[Term, ...]:
    if not isinstance(value, str):
        raise mistake(f"a term is wanted, not {as_written(value)}", "", "write ln_l, or log(labour)", path=path)
    try:
        formula: Formula = parse_formula(value, right_hand_side=True)
    except GrammarError as error:
        raise mistake(error.what, error.meaning, error.advice, path=path, offset=error.offset) from None
    if formula.bar is not None:
        what, advice = "effects behind a bar in a block", "effects stand in the formula: all rungs have them"
        raise mistake(what, "", advice, path=path, offset=formula.bar)
    if not formula.intercept or not formula.terms:
        raise mistake("no control", "the constant is the formula's", "name a column", path=path)
    return formula.terms


def _written_blocks(blocks: tuple[Block, ...]) -> list[list[str]]:
    return [[term.label for term in block] for block in blocks]


BlocksField = Annotated[
    tuple[Block, ...],
    Checked(
        _blocks,
        _written_blocks,
        {
            "type": "array",
            "items": {
                "type": "array",
                "items": {"type": "string", "names": "columns", "errorMessage": "a term is wanted"},
                "minItems": 1,
                "errorMessage": "a list of controls is wanted",
                "lengthErrorMessage": "a list of controls is wanted",
            },
            "errorMessage": "a list of blocks is wanted",
        },
    ),
]
"""``[[ln_l], [nace], [cc, itsp2]]``."""


def _tests(value: Any) -> tuple[AskedTest, ...]:
    if isinstance(value, str):
        raise mistake(f"a list of tests is wanted, not {as_written(value)}", "", f"write ['{value}']")
    if not isinstance(value, (tuple, list)):
        raise mistake(f"a list of tests is wanted, not {as_written(value)}", "", "write ['developer = buyer']")
    if not value:
        raise mistake("an empty list", "nothing is tested", "leave the key out, or write ['developer = buyer']")
    return tuple(_test(one, (place,)) for place, one in enumerate(value))


def _test(value: Any, path: tuple[int, ...]) -> AskedTest:
    if isinstance(value, (tuple, list)) and value:
        if all(isinstance(one, Restriction) for one in value):
            return tuple(value)
        if len(path) == 1:
            return tuple(one for index, text in enumerate(value) for one in _test(text, (*path, index)))
    if not isinstance(value, str):
        raise mistake(f"a test is wanted, not {as_written(value)}", "", "write 'developer = buyer'", path=path)
    try:
        return parse_restrictions(value)
    except GrammarError as error:
        raise mistake(error.what, error.meaning, error.advice, path=path, offset=error.offset) from None


def _written_tests(tests: tuple[AskedTest, ...]) -> list[str]:
    return [", ".join(one.text for one in asked) for asked in tests]


TestsField = Annotated[
    tuple[AskedTest, ...],
    Checked(
        _tests,
        _written_tests,
        {
            "type": "array",
            "items": {"type": ["string", "array"], "errorMessage": "a test is wanted"},
            "errorMessage": "a list of tests is wanted",
        },
    ),
]
"""``['developer = buyer', 'ai = 0, cc = 0']``."""


_R_MAX: dict[str, Any] = {"exclusiveMinimum": 1, "errorMessage": "r_max is a number above 1"}


class OsterSpec(OptionsModel):
    """How large selection on what is not seen would have to be (Oster, 2019).

    Attributes
    ----------
    term : str
        Whose coefficient it is, as a table has it.
    r_max : float
        R2 with everything in the regression that there is, in multiples of the R2 with the controls; at most 1.
    always : tuple of str
        Terms of the formula that the regression without controls has too.
    """

    term: str
    r_max: Annotated[float, Field(strict=False, json_schema_extra=_R_MAX)] = 1.3
    always: tuple[str, ...] = ()


def _oster(value: Any) -> Any:
    if isinstance(value, str):
        raise mistake(f"a map of keys is wanted, not {as_written(value)}", "", f"write {{term: {value}, r_max: 1.3}}")
    if isinstance(value, dict) and "r_max" in value:
        bound = value["r_max"]
        if isinstance(bound, bool) or not isinstance(bound, (int, float)) or not 1 < bound < 1e6:
            what = f"r_max is a number above 1, not {as_written(bound)}"
            meaning = "it is a multiple of the R2 with controls, above which there has to be room"
            raise mistake(what, meaning, "write r_max: 1.3", path=("r_max",))
    return value


class FormulaSensitivitySpec(OptionsModel):
    """What is asked of a regression beyond its coefficients.

    Attributes
    ----------
    oster : OsterSpec or None
        How large selection on what is not seen would have to be (Oster, 2019).
    """

    oster: Annotated[OsterSpec, BeforeValidator(_oster)] | None = None


OF_DID = ("honest", "placebo", "leave_out")


def _known(value: Any) -> Any:
    for key in value if isinstance(value, dict) else ():
        if key in OF_DID:
            what, advice = f'"{key}" on a regression', "here there is: oster"
            raise mistake(what, "it is of design: did", advice, path=(key,), at_key=True)
        if key != "oster":
            near = did_you_mean(key, ("oster",)) if isinstance(key, str) else ""
            raise mistake(f'unknown key "{key}"', "", near or "there is: oster", path=(key,), at_key=True)
    return value


FormulaSensitivityField = Annotated[FormulaSensitivitySpec, BeforeValidator(_known)]
"""``{oster: {term: ai, r_max: 1.3}}``."""
