"""The names of models that run on the survey's respondents, who have none of the accounts' columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from estimation.designs.options import ColumnUse
from panels.facts import ColumnFacts
from panels.kinds import CONDITION, Complaint, check_expression
from panels.plan import KEYS, columns_of_survey, names_of_respondents
from specs.errors import Problem, did_you_mean
from specs.tree import find
from tfplab.places import dotted, nearest

if TYPE_CHECKING:
    from tfplab.plan import ModelPlan, Plan

__all__ = ["check_respondents_model"]

ADVICE = "declare a variable made of the survey's columns alone, as size_class: cut(survey_employees, ...)"


def check_respondents_model(
    plan: Plan, model: ModelPlan, known: Mapping[str, ColumnFacts], absent: Mapping[str, str]
) -> list[Problem]:
    """Find every name in a model that the respondents do not have, and every column of the wrong kind.

    Parameters
    ----------
    plan : Plan
    model : ModelPlan
    known : mapping of str to ColumnFacts
        All columns of the panel.
    absent : mapping of str to str
        What the files cannot give, and why.
    """
    path = model.path
    if plan.panel.panel.survey is None:
        place = nearest(model.node, ("design",)).position
        what, meaning = f'"{model.design}" needs panel.survey', "its shares are of the firms that answered one"
        advice = "a panel of your own has no survey: give it as survey: {files: ..., layout: ...} beside accounts"
        return [Problem(place, f"{path}.design", what, meaning, advice if plan.panel.panel.table else "")]
    survey = columns_of_survey(plan.panel)
    if survey is None:
        return []
    own = {name: known[name] for name in (*KEYS, *survey, *names_of_respondents(plan.early_variables, survey))
           if name in known}  # fmt: skip
    problems = []
    for use in model.options.uses():
        node = nearest(model.node, use.place)
        problems += [
            Problem(node.at(use.offset), dotted(path, use.place), one.what, one.meaning, one.advice)
            for one in _wrong(use, model.design, known, own, absent)
        ]
    where = model.options.where
    if where is not None:
        node = find(model.node, ("where",)) or model.node
        lacking = {name: offset for name, offset in where.names() if name not in own and name in known}
        for name, offset in lacking.items():
            one = _not_of_the_survey(name, model.design, own)
            problems.append(Problem(node.at(offset), f"{path}.where", one.what, one.meaning, one.advice))
        # A column that is there but not the survey's has been told; its kind is as good as any.
        seen = {**own, **{name: known[name] for name in lacking}}
        problems += [
            Problem(node.at(one.offset), f"{path}.where", one.what, one.meaning, one.advice)
            for one in check_expression(where, seen, condition=True, absent=absent)[1]
        ]
    return problems


def _not_of_the_survey(name: str, design: str, own: Mapping[str, ColumnFacts]) -> Complaint:
    what = f'"{name}" is no column of the survey'
    near = f'did you mean "survey_{name}"?' if f"survey_{name}" in own else did_you_mean(name, own)
    return Complaint(0, what, f"{design} runs on the respondents, linked or not", near or ADVICE)


def _wrong(
    use: ColumnUse, design: str, known: Mapping[str, ColumnFacts], own: Mapping[str, ColumnFacts],
    absent: Mapping[str, str],
) -> Iterator[Complaint]:  # fmt: skip
    facts = own.get(use.name)
    if facts is None and use.name in known:
        yield _not_of_the_survey(use.name, design, own)
    elif facts is None and use.name in absent:
        yield Complaint(0, f'no column "{use.name}" can be made of the files', absent[use.name])
    elif facts is None:
        yield Complaint(0, f'no column "{use.name}" in the survey or in variables:', "", did_you_mean(use.name, own))
    elif use.wants == "item":
        if facts.kind != "answer" and facts.unit != CONDITION:
            advice = "name an item, or a variable that is 1 or 0: large_ai: yes(ai) and survey_employees >= 250"
            yield Complaint(0, f'"{use.name}" is no item of the survey', "it is not answered by yes or no", advice)
    elif use.wants == "cell":
        dated = facts.name in ("year", "wave")
        if facts.kind == "number" and facts.unit != CONDITION and not dated:
            yield Complaint(0, f'"{use.name}" is a number and has no levels', "", "cut() makes classes of a number")
    elif use.wants == "amount":
        if facts.kind == "text":
            yield Complaint(0, f'"{use.name}" is text', "a number is wanted here")
        elif facts.unit == "log":
            yield Complaint(0, f'"{use.name}" is a log', "weights are amounts", "name the amount itself")
