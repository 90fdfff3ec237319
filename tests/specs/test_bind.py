"""Binding a map to a model: every mistake at its own place, in plain words."""
# ruff: noqa: E501  (messages stand whole, as a user reads them)

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, model_validator

from specs.bind import bind
from specs.errors import Position
from specs.fields import (
    ColumnName,
    Columns,
    ExpressionField,
    FormulaField,
    OptionsModel,
    RightHandSide,
    mistake,
)
from specs.uncertainty import Errors, ErrorsField
from tests.specs.support import root_of


class Inner(OptionsModel):
    low: float = 0.0
    high: float = 1.0


class Options(OptionsModel):
    method: Literal["wooldridge", "wlp"] = "wooldridge"
    output: ColumnName = "y"
    free: Columns = ("l",)
    formula: FormulaField | None = None
    right: RightHandSide | None = None
    where: ExpressionField | None = None
    errors: ErrorsField = Errors("HC1")
    degree: int = Field(3, ge=1, le=4)
    ratio: float = 0.5
    robust: bool = False
    title: str = ""
    inner: Inner = Inner()
    many: Annotated[tuple[Inner, ...], Field(min_length=1, max_length=2)] | None = None
    names: dict[str, str] = Field(default_factory=dict)
    depth: Literal["none"] | tuple[int, ...] = "none"
    level: Literal[1, 2] = 1

    @model_validator(mode="after")
    def _together(self) -> Options:
        if self.method == "wlp" and self.degree == 4:
            raise mistake("degree 4 is not for wlp", "", "write degree: 3", path=("degree",))
        if self.method == "wlp" and not self.title:
            raise mistake("wlp wants a title", path=("title",))
        return self


def told(folder: Path, text: str) -> list[str]:
    model, problems = bind(Options, root_of(folder, text), "m", Position("s.yaml", 1, 1))
    assert (model is None) == bool(problems)
    return [str(problem) for problem in problems]


def test_values_of_a_spec(tmp_path: Path) -> None:
    text = (
        "method: wlp\ntitle: x\nfree: [l, s]\nwhere: year == 2023\nformula: y ~ a | firm\nright: a + b\n"
        "ratio: 1\ninner: {low: 2}\nmany: [{high: 3}]\nnames: {a: b}\ndepth: [1, 2]\n"
        "errors: {cluster: [firm, nace^region]}\nrobust: true\nlevel: 2\n"
    )
    model, problems = bind(Options, root_of(tmp_path, text), "m")
    assert problems == ()
    assert model is not None
    assert (model.free, model.ratio, model.inner.low, model.depth) == (("l", "s"), 1.0, 2.0, (1, 2))
    assert model.errors == Errors("cluster", (("firm",), ("nace", "region")))
    assert (model.errors.ways, model.errors.columns) == (("firm", "nace^region"), ("firm", "nace", "region"))
    written = model.model_dump(mode="json", exclude_none=True)
    assert written["where"] == "year == 2023"
    assert written["formula"] == "y ~ a | firm"
    assert written["errors"] == {"cluster": ["firm", "nace^region"]}
    assert Options().model_dump(mode="json")["errors"] == "HC1"
    again = Options(**{**written, "many": model.many, "depth": (1, 2), "inner": model.inner})
    assert again == model


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("degre: 3", ['s.yaml:1:1: m: unknown key "degre", did you mean "degree"?']),
        ("inner: {lo: 3, zzz: 4}", ['s.yaml:1:9: m.inner: unknown key "lo", did you mean "low"?',
                                    's.yaml:1:16: m.inner: unknown key "zzz", there are: low, high']),
        ("many: [{lows: 3}]", ['s.yaml:1:9: m.many.0: unknown key "lows", did you mean "low"?']),
        ("register: {ai: [z]}", ['s.yaml:1:1: m: the key "register" is not available in this version']),
        # wrong types
        ("title: 3", ["s.yaml:1:8: m.title: text is wanted, not 3, quote it: '3'"]),
        ("title: true", ["s.yaml:1:8: m.title: text is wanted, not true, quote it: 'true'"]),
        ("title: [a]", ["s.yaml:1:8: m.title: text is wanted, not a list, leave out the brackets"]),
        ("degree: '3'", ['s.yaml:1:9: m.degree: a whole number is wanted, not "3", write 3 without quotation marks']),
        ("degree: 2.5", ["s.yaml:1:9: m.degree: a whole number is wanted, not 2.5"]),
        ("degree: true", ["s.yaml:1:9: m.degree: a whole number is wanted, not true"]),
        ("degree: 5", ["s.yaml:1:9: m.degree: at most 4 is wanted, not 5"]),
        ("degree: three", ['s.yaml:1:9: m.degree: a whole number is wanted, not "three"']),
        ("ratio: '0,5'", ['s.yaml:1:8: m.ratio: a number is wanted, not "0,5", write 0.5 with a point']),
        ("ratio: 1_000", ['s.yaml:1:8: m.ratio: a number is wanted, not "1_000", write 1000 without quotation marks']),
        ("ratio: 5%", ['s.yaml:1:8: m.ratio: a number is wanted, not "5%", write 0.05']),
        ("ratio: true", ["s.yaml:1:8: m.ratio: a number is wanted, not true"]),
        ("robust: yes", ['s.yaml:1:9: m.robust: true or false is wanted, not "yes", write true']),
        ("robust: NO", ['s.yaml:1:9: m.robust: true or false is wanted, not "NO", write false']),
        ("robust: 1", ["s.yaml:1:9: m.robust: true or false is wanted, not 1, write true"]),
        ("inner: 3", ["s.yaml:1:8: m.inner: a map of keys is wanted, not 3"]),
        ("many: {low: 1}", ["s.yaml:1:7: m.many: a list is wanted, not a map"]),
        ("many: []", ["s.yaml:1:7: m.many: at least 1 item is wanted, not none"]),
        ("many: [{}, {}, {}]", ["s.yaml:1:7: m.many: at most 2 items is wanted, not 3"]),
        ("many: [{low: x}]", ['s.yaml:1:14: m.many.0.low: a number is wanted, not "x"']),
        ("names: {a: 1}", ["s.yaml:1:12: m.names.a: text is wanted, not 1, quote it: '1'"]),
        ("names: [a]", ["s.yaml:1:8: m.names: a map of keys is wanted, not a list"]),
        ("method: wooldrige", ['s.yaml:1:9: m.method: "wooldrige" is not one of the values of this key, did you mean "wooldridge"?']),
        ("method: 3", ["s.yaml:1:9: m.method: 3 is not one of the values of this key, there are: wooldridge, wlp"]),
        ("level: 3", ["s.yaml:1:8: m.level: 3 is not one of the values of this key, there are: 1, 2"]),
        ("depth: nones", ['s.yaml:1:8: m.depth: "nones" is not one of the values of this key, did you mean "none"?']),
        ("depth: [1, x]", ['s.yaml:1:12: m.depth.1: a whole number is wanted, not "x"']),
        ("depth: 3", ["s.yaml:1:8: m.depth: 3 is not one of the values of this key, there are: none, or a list"]),
        # empty values
        ("title:", ["s.yaml:1:1: m.title: an empty value, give it a value or leave the key out"]),
        ("inner: {low: ~}", ["s.yaml:1:9: m.inner.low: an empty value, give it a value or leave the key out"]),
        ("free: [a, ~]", ["s.yaml:1:11: m.free.1: an empty value, give it a value or leave the key out"]),
        # columns
        ("output: 3", ["s.yaml:1:9: m.output: the name of a column is wanted, not 3"]),
        ("output: [y]", ["s.yaml:1:9: m.output: the name of a column is wanted, not a list, write a list only where the key wants one"]),
        ("output: log(y)", ['s.yaml:1:9: m.output: "log(y)" is not the name of a column, declare it under variables: and name it here']),
        ("free: l", ['s.yaml:1:7: m.free: a list of columns is wanted, not "l", write [l]']),
        ("free: {l: 1}", ["s.yaml:1:7: m.free: a list of columns is wanted, not a map"]),
        ("free: [l, k, l]", ['s.yaml:1:14: m.free.2: the column "l" stands twice, leave one out']),
        ("free: [l, 2]", ["s.yaml:1:11: m.free.1: the name of a column is wanted, not 2"]),
        # the grammars: the column inside the text
        ("where: year = 2023", ['s.yaml:1:13: m.where: "=" has no meaning here, write == to compare']),
        ("where: 'year = 2023'", ['s.yaml:1:14: m.where: "=" has no meaning here, write == to compare']),
        ("where: >\n  year == 2023\n  and a = 1\n", ['s.yaml:3:9: m.where: "=" has no meaning here, write == to compare']),
        ("where: [a]", ["s.yaml:1:8: m.where: an expression is wanted, not a list, quote an expression that begins with [ or {"]),
        ("where: true", ["s.yaml:1:8: m.where: an expression is wanted, not true, write 1 or 0"]),
        ("formula: y ~ a + + b", ['s.yaml:1:18: m.formula: "+" stands where a column is wanted']),
        ("formula: {y: a}", ["s.yaml:1:10: m.formula: a formula is wanted, not a map, write tfp ~ size + ai"]),
        ("right: y ~ a", ['s.yaml:1:10: m.right: "~" is not expected here, only the right side is wanted here, leave out the part up to ~']),
        # errors
        ("errors: HC9", ['s.yaml:1:9: m.errors: "HC9" is not a kind of standard errors, did you mean "HC3"?']),
        ("errors: robust", ['s.yaml:1:9: m.errors: "robust" is not a kind of standard errors, write "HC1"']),
        ("errors: bayes", ['s.yaml:1:9: m.errors: "bayes" is not a kind of standard errors, there are: classical, HC0, HC1, HC2, HC3, {cluster: [firm]}, {cluster: [nace], small_sample: CR2}, {bootstrap: {cluster: [firm]}}, {wild_bootstrap: {cluster: [nace]}}']),
        ("errors: 1", ["s.yaml:1:9: m.errors: a kind of standard errors is wanted, not 1, write HC1, or {cluster: [firm]}"]),
        ("errors: cluster", ['s.yaml:1:9: m.errors: "cluster" lacks its columns, write {cluster: [firm]}']),
        ("errors: {}", ["s.yaml:1:1: m.errors: an empty map, write HC1, or {cluster: [firm]}"]),
        ("errors: {HC1: 1}", ['s.yaml:1:10: m.errors.HC1: unknown key "HC1", write errors: HC1']),
        ("errors: {clusters: [firm]}", ['s.yaml:1:10: m.errors.clusters: unknown key "clusters", did you mean "cluster"?']),
        ("errors: {cluster: firm}", ['s.yaml:1:19: m.errors.cluster: a list of columns is wanted, not "firm", write {cluster: [firm]}']),
        ("errors: {cluster: []}", ["s.yaml:1:19: m.errors.cluster: a list of columns is wanted, not an empty list, write {cluster: [firm]}"]),
        ("errors: {cluster: [firm, firm]}", ['s.yaml:1:26: m.errors.cluster.1: "firm" stands twice, leave one out']),
        ("errors: {cluster: [firm, nace-region]}", ['s.yaml:1:26: m.errors.cluster.1: "nace-region" is not the name of a column, combined clusters are written nace3^region']),
        ("errors: {cluster: [a, b, c]}", ["s.yaml:1:26: m.errors.cluster.2: more than two ways of clustering, combine columns: {cluster: [nace3^region]}"]),
        ("errors: CR2", ['s.yaml:1:9: m.errors: "CR2" lacks its columns, write {cluster: [nace], small_sample: CR2}']),
        ("errors: wild_bootstrap", ['s.yaml:1:9: m.errors: "wild_bootstrap" lacks its columns, write {wild_bootstrap: {cluster: [nace]}}']),
        ("errors: {small_sample: CR2}", ["s.yaml:1:1: m.errors: small_sample without clusters, write {cluster: [nace], small_sample: CR2}"]),
        ("errors: {cluster: [a], small_sample: CR4}", ['s.yaml:1:38: m.errors.small_sample: "CR4" is no correction for few clusters, did you mean "CR3"?']),
        ("errors: {cluster: [a], small_sample: [CR2]}", ["s.yaml:1:38: m.errors.small_sample: a list is no correction for few clusters, there are: CR2, CR3; without the key the factor is G/(G-1) x (N-1)/(N-K)"]),
        ("errors: {cluster: [a, b], small_sample: CR2}", ["s.yaml:1:41: m.errors.small_sample: CR2 beside two ways of clustering, it is defined for clusters of one kind, combine columns, {cluster: [nace3^region], small_sample: CR2}, or leave it out"]),
        ("errors: {bootstrap: {}, small_sample: CR2}", ["s.yaml:1:25: m.errors.small_sample: small_sample beside bootstrap, errors are computed in one way, leave one of them out"]),
        ("errors: {cluster: [a], wild_bootstrap: {cluster: [a]}}", ["s.yaml:1:10: m.errors.cluster: cluster beside wild_bootstrap, cluster stands inside it, write {wild_bootstrap: {cluster: [nace]}}"]),
        ("errors: {wild_bootstrap: [nace]}", ["s.yaml:1:26: m.errors.wild_bootstrap: a map is wanted, not a list, write {cluster: [nace], draws: 999}"]),
        ("errors: {wild_bootstrap: {draws: 999}}", ["s.yaml:1:10: m.errors.wild_bootstrap: a wild bootstrap without clusters, it changes the signs of residuals cluster by cluster, write {wild_bootstrap: {cluster: [nace]}}"]),
        ("errors: {wild_bootstrap: {cluster: [a, b]}}", ["s.yaml:1:40: m.errors.wild_bootstrap.cluster.1: two ways of clustering, residuals change their signs by clusters of one kind, combine columns: {cluster: [nace3^region]}"]),
        ("errors: {wild_bootstrap: {cluster: [a], draws: 10}}", ["s.yaml:1:48: m.errors.wild_bootstrap.draws: 10 draws, an interval that covers 95 per cent rests on the outer 2.5 per cent of them, ask for 99 or more"]),
        ("errors: {wild_bootstrap: {cluster: [a], strata: s}}", ['s.yaml:1:41: m.errors.wild_bootstrap.strata: unknown key "strata", there are: cluster, draws']),
        ("errors: {survey: {strata: s}}", ['s.yaml:1:10: m.errors.survey: "survey" comes later, available now: classical, HC0, HC1, HC2, HC3, {cluster: [firm]}, {cluster: [nace], small_sample: CR2}, {bootstrap: {cluster: [firm]}}, {wild_bootstrap: {cluster: [nace]}}']),
        # what one key asks of another
        ("method: wlp\ndegree: 4", ["s.yaml:2:9: m.degree: degree 4 is not for wlp, write degree: 3"]),
        ("degree: 3\nmethod: wlp", ["s.yaml:1:1: m.title: wlp wants a title"]),
        # several at once
        ("degree: 9\nratio: x\nfoo: 1", ["s.yaml:1:9: m.degree: at most 4 is wanted, not 9",
                                         's.yaml:2:8: m.ratio: a number is wanted, not "x"',
                                         's.yaml:3:1: m: unknown key "foo", there are: method, output, free, formula, right, where, errors, degree, ratio, robust, title, inner, many, names, depth, level']),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, text: str, messages: list[str]) -> None:
    assert told(tmp_path, text) == messages


def test_a_missing_key_is_reported_at_the_key_above(tmp_path: Path) -> None:
    class Needs(OptionsModel):
        output: ColumnName
        inner: Inner

    class Outer(OptionsModel):
        needs: Needs

    root = root_of(tmp_path, "a:\n  needs:\n    inner: {}\n")
    entry = root.entries["a"]
    _, problems = bind(Outer, entry.node, "a", entry.key_position)
    assert [str(one) for one in problems] == ['s.yaml:2:3: a.needs: the key "output" is missing']


def test_something_else_than_a_map(tmp_path: Path) -> None:
    root = root_of(tmp_path, "a: [1]\n")
    _, problems = bind(Inner, root.entries["a"].node, "a")
    assert [str(one) for one in problems] == ["s.yaml:1:4: a: keys are wanted, not a list, there are: low, high"]
