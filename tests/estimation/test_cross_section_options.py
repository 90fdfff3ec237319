"""The keys of a cross-section: what the first gate refuses, and where it points."""

from __future__ import annotations

from pathlib import Path

import pytest

from estimation.designs.cross_section import Options, columns, equations
from specs.bind import bind
from specs.errors import Problem
from specs.read import read


def bound(path: Path, text: str) -> tuple[Options | None, tuple[Problem, ...]]:
    file = path / "model.yaml"
    file.write_text(text, encoding="utf-8")
    node, problems = read(file)
    assert node is not None
    assert not problems
    return bind(Options, node, "models.m")


def valid(path: Path, text: str) -> Options:
    options, problems = bound(path, text)
    assert not problems
    assert options is not None
    return options


def test_defaults(tmp_path: Path) -> None:
    options = valid(tmp_path, "design: cross_section\nformula: tfp ~ ai\n")
    assert options.errors.kind == "HC1"
    assert options.method == "ols"
    assert options.tfp_uncertainty is None


def test_columns_are_what_the_model_reads(tmp_path: Path) -> None:
    text = (
        "design: cross_section\nformula: tfp ~ size*ai + log(age)\noutcome: tfp_wlp\nweights: weight\n"
        "where: year == 2023\nreference: {size: 10-19, nace2: 62}\nerrors: {cluster: [firm, nace3^region]}\n"
    )
    options = valid(tmp_path, text)
    assert columns(options) == ("tfp_wlp", "size", "ai", "age", "weight", "nace3", "region")
    assert options.reference == {"size": "10-19", "nace2": 62}


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("formula: tfp ~ ai | firm + year", "1:19", "effects behind the bar"),
        ("formula: tfp ~ ai\nmethod: quantiles", "2:9", "quantile"),
        ("formula: tfp ~ ai\nmethod: olss", "2:9", "ols"),
        ("formula: ai + size", "1:10", "no outcome"),
        ("formula: ~ ai + size\noutcome: ai", "2:10", 'the outcome "ai" stands on the right side too'),
        ("formula: tfp ~ size\nreference: {szie: a}", "2:13", 'did you mean "size"'),
        ("formula: tfp ~ ai\nerrors: classical\ntfp_uncertainty: include", "3:18", "write murphy_topel"),
        ("formula: tfp ~ ai\nerrors: HC3\ntfp_uncertainty: murphy_topel", "3:18", "write include"),
        ("formula: tfp ~ ai\nerrors: HC9", "2:9", "HC9"),
        ("formula: tfp ~ ai\nweigths: weight", "2:1", 'did you mean "weights"'),
        ("title: no formula", "1:1", "formula"),
    ],
)
def test_mistakes_have_their_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    _, problems = bound(tmp_path, text + "\n")
    assert len(problems) == 1
    assert f"{problems[0].position.line}:{problems[0].position.column}" == place
    assert words in str(problems[0])


@pytest.mark.parametrize(
    ("keys", "symbols"),
    [
        ("errors: classical", "V = s2 (X'X)^-1, s2 = sum of e^2 / (N-K)"),
        ("errors: HC1", "V = N/(N-K) x sum of psi_i psi_i'"),
        ("errors: HC3\nweights: w", "psi_i = (X'WX)^-1 x_i w_i e_i, e_i over 1-h_i"),
        ("errors: {cluster: [firm]}", "V = G/(G-1) (N-1)/(N-K)"),
        ("errors: {cluster: [firm, year]}", "V1 + V2 - V12"),
        ("errors: classical\ntfp_uncertainty: murphy_topel", "B V_theta B'"),
        ("errors: HC1\ntfp_uncertainty: include", "T(dy/dtheta) psi_theta,i"),
    ],
)
def test_equations_in_symbols(tmp_path: Path, keys: str, symbols: str) -> None:
    options = valid(tmp_path, f"formula: tfp ~ ai + size\n{keys}\n")
    text = equations(options)
    assert text.startswith("tfp_it = b0 + b1 ai_it + b2 size_it + e_it")
    assert symbols in text
