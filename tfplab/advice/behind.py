"""What columns are made of: the columns of the panel behind a variable, by whether they are of the same year."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from specs.expression_tree import Call, Expr, Name, children
from specs.expressions import Expression
from tfplab.plan import ModelPlan, Plan

__all__ = ["CHANGED", "Behind", "is_ai", "regressors"]

_AI = re.compile(r"ai(_\w+)?", re.IGNORECASE)
_NOT_USE = re.compile(r"ai_(bcst|ble|binc|bddt|bcdp|bleg|bec|bnu|bias|ec|pdi)", re.IGNORECASE)
"""Barriers, what was considered, whose data are used: said of firms that do not use AI, or of how they use it."""

CHANGED = frozenset({
    "employees", "labour", "labour_cost", "turnover", "value_added", "materials", "capital", "investment",
    "capital_pim", "survey_employees",
    # Answers on other technologies and on people, of the ICT survey.
    "cc", "itsp2", "itt2", "itspt2", "ict_specialists", "da", "daown", "erp1", "crm", "bi", "iot", "rbt", "web",
    "aesell",
})  # fmt: skip
"""Columns of the layouts that a firm decides on in the year, and that a new technology may move."""

_EARLIER = frozenset({"lag", "at", "first"})
"""Functions that look at another year of the firm than the row's: settled before, or the same on all its rows."""


class Behind:
    """What stands behind each variable of a plan.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        self.variables: Mapping[str, Expression] = {**plan.early_variables, **plan.late_variables}

    def names(self, name: str, *, of_the_year: bool = False) -> frozenset[str]:
        """Return the columns of the panel behind a name, itself where it is one.

        Parameters
        ----------
        name : str
        of_the_year : bool
            Leave out what is looked up in another year.
        """
        if name not in self.variables:
            return frozenset((name,))
        found: set[str] = set()
        for used in _names(self.variables[name].root, of_the_year=of_the_year):
            found |= self.names(used, of_the_year=of_the_year)
        return frozenset(found)

    def is_ai(self, name: str) -> bool:
        """Return whether a column says that a firm uses AI, or is made of one that does."""
        return is_ai(name) or any(map(is_ai, self.names(name)))

    def constant(self, name: str) -> bool:
        """Return whether a column is the same on all rows of a firm, whatever the data."""
        if name not in self.variables:
            return name == "start_year"
        return self._constant(self.variables[name].root)

    def _constant(self, tree: Expr) -> bool:
        if isinstance(tree, Name):
            return self.constant(tree.name)
        if isinstance(tree, Call):
            if tree.name in ("first", "at"):
                return True
            if tree.name in ("mean", "sum", "count", "any", "all"):
                return tree.option("by") is None
        return all(map(self._constant, children(tree)))


def _names(tree: Expr, *, of_the_year: bool) -> Iterator[str]:
    if isinstance(tree, Name):
        yield tree.name
    elif not (of_the_year and isinstance(tree, Call) and (tree.name in _EARLIER or tree.option("at") is not None)):
        for below in children(tree):
            yield from _names(below, of_the_year=of_the_year)


def is_ai(name: str) -> bool:
    """Return whether a name is that of an answer on the use of AI: ``ai``, ``ai_tml``, ``ai_pms``."""
    return _AI.fullmatch(name) is not None and _NOT_USE.fullmatch(name) is None


def regressors(model: ModelPlan) -> tuple[tuple[str, int], ...]:
    """Return the columns on the right side of a model's own formula, each once, with the offset of its first letter.

    What is behind the bar is not among them.
    """
    formula = getattr(model.options, "formula", None)
    if formula is None:
        return ()
    found: dict[str, int] = {}
    for term in formula.terms:
        for factor in term.factors:
            found.setdefault(factor.name, factor.offset)
    return tuple(found.items())
