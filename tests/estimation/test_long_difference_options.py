"""The keys of a long difference: what the first gate refuses, where it points, and the equations it promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from estimation.designs.elsewhere import changes_in_fixest, changes_in_stata
from estimation.designs.long_difference import Options, columns, equations
from specs.bind import bind
from specs.errors import Problem
from specs.read import read

HEAD = "outcome: y\nwindow: [2020, 2023]\n"
EVERYTHING = (
    "outcome: y\nwindow: [[2020, 2023], [2017, 2020]]\nplacebo: [2017, 2020]\n"
    "formula: ai + log(l)*(k)^2 + x | nace^region\nat_end: [ai, region]\ndifference: [x]\nweights: w\n"
    "errors: {cluster: [nace3]}\n"
)


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


def test_defaults_and_what_is_written_back(tmp_path: Path) -> None:
    options = valid(tmp_path, HEAD + "formula: ai\n")
    assert options.errors.kind == "HC1"
    assert options.window == ((2020, 2023),)
    assert options.placebo is None
    assert (options.at_end, options.difference) == ((), ())
    written = options.model_dump(mode="json", exclude_none=True)
    assert written["window"] == [2020, 2023]
    several = valid(tmp_path, EVERYTHING).model_dump(mode="json", exclude_none=True)
    assert (several["window"], several["placebo"]) == ([[2020, 2023], [2017, 2020]], [2017, 2020])
    assert valid(tmp_path, HEAD.replace("[2020, 2023]", "[[2020, 2023]]") + "formula: ai\n") == options


def test_columns_are_what_the_model_reads(tmp_path: Path) -> None:
    assert columns(valid(tmp_path, EVERYTHING)) == ("y", "ai", "l", "k", "x", "nace", "region", "w", "nace3")


def test_equations_say_which_year(tmp_path: Path) -> None:
    lines = equations(valid(tmp_path, EVERYTHING)).split("\n")
    assert lines[0] == (
        "y(2023) - y(2020) = b1 ai(2023) + b2 log(l(2020)) + b3 (k(2020))^2 + b4 log(l(2020)):(k(2020))^2 + "
        "b5 (x(2023) - x(2020)) + a(nace(2020)^region(2023)) + e"
    )
    assert lines[1].startswith("y(2020) - y(2017) = b1 ai(2020) + b2 log(l(2017))")
    assert lines[2].startswith("placebo: y(2020) - y(2017) = b1 ai(2023) + b2 log(l(2017))")
    assert "b5 (x(2023) - x(2020)) + a(nace(2017)^region(2023))" in lines[2]
    plain = equations(valid(tmp_path, HEAD + "formula: ai\n")).split("\n")
    assert plain[0] == "y(2023) - y(2020) = b0 + b1 ai(2020) + e"


def test_the_calls_of_other_software(tmp_path: Path) -> None:
    options = valid(tmp_path, EVERYTHING)
    asked = options.formula, options.outcome, options.errors, options.weights, options.window[0]
    assert changes_in_fixest(*asked, options.at_end, options.difference) == (
        'd <- merge(subset(data, year == 2020), subset(data, year == 2023), by = "firm", suffixes = c("", ".end")); '
        "fixest::feols(I(y.end - y) ~ ai.end + log(l) + I(k^2) + log(l):I(k^2) + I(x.end - x) | nace^region.end, d, "
        "weights = ~w, cluster = ~nace3)"
    )
    assert changes_in_stata(*asked, options.at_end, options.difference, {"ai"}) == (
        "keep if inlist(year, 2020, 2023); keep firm year y ai l k x nace region w nace3; "
        "reshape wide y ai l k x nace region w nace3, i(firm) j(year); gen d_y = y2023 - y2020; "
        "gen d_x = x2023 - x2020; gen t1 = log(l2020); gen t2 = (k2020)^2; "
        "reghdfe d_y i.ai2023 t1 t2 c.t1#c.t2 d_x [pw=w2020], absorb(nace2020#region2023) vce(cluster nace32020)"
    )


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (HEAD + "formula: y ~ ai", "3:12", "only the right side is wanted here, leave out the part up to ~"),
        ("window: [2020, 2023]\nformula: ai", "1:1", "outcome"),
        ("outcome: y\nformula: ai", "1:1", "window"),
        (HEAD + "formula: ai + y", "1:10", "for its level at the start declare y_start: y under variables:"),
        (HEAD + "formula: ai | y", "1:10", "the outcome stands behind the bar too"),
        (HEAD + "formula: ai\nweights: y", "1:10", "the outcome is a weight or a cluster too"),
        (HEAD + "formula: ai + year", "3:15", "all changes of a window begin in the same year"),
        (HEAD + "formula: ai | nace^year", "3:20", '"year" in the formula'),
        (HEAD + "formula: ai | firm", "3:15", "every firm has one row"),
        (HEAD + "formula: 1 | nace", "3:10", "no term before the bar"),
        ("outcome: y\nwindow: 2020\nformula: ai", "2:9", "two years are wanted, not 2020, write [2020, 2023]"),
        ("outcome: y\nwindow: [2020]\nformula: ai", "2:9", "a window has two years"),
        ("outcome: y\nwindow: [2017, 2020, 2023]\nformula: ai", "2:9", "several windows are a list of pairs"),
        ("outcome: y\nwindow: [2020, x]\nformula: ai", "2:16", 'a year is wanted, not "x"'),
        ("outcome: y\nwindow: [2023, 2020]\nformula: ai", "2:9", "2020 is not after 2023"),
        ("outcome: y\nwindow: [2020, 2020]\nformula: ai", "2:9", "2020 is not after 2020"),
        ("outcome: y\nwindow: [[2020, 2023], 2017]\nformula: ai", "2:24", "two years are wanted"),
        ("outcome: y\nwindow: [[2020, 2023], [2020, 2023]]\nformula: ai", "2:24", "stands twice"),
        (HEAD + "placebo: [2018, 2021]\nformula: ai", "3:10", "write [2017, 2020]"),
        (HEAD + "placebo: [[2017, 2020]]\nformula: ai", "3:11", "a year is wanted, not a list"),
        (HEAD + "formula: ai + size\nat_end: [siz]", "4:10", '"siz" is not in the formula, did you mean "size"?'),
        (HEAD + "formula: ai\ndifference: [k]", "4:14", '"k" is not in the formula'),
        (HEAD + "formula: ai\nat_end: [ai]\ndifference: [ai]", "5:14", '"ai" stands in at_end too'),
        (HEAD + "formula: ai | nace\ndifference: [nace]", "4:14", "effects are levels, not changes"),
        (HEAD + "formula: log(k) + k\ndifference: [k]", "3:14", "log(k) of a change"),
        (HEAD + "formula: ai + w\nweights: w\nat_end: [w]", "5:10", "weights and clusters are those of the start"),
        (HEAD + "formula: nace\nerrors: {cluster: [nace]}\nat_end: [nace]", "5:10", "is a weight or a cluster too"),
        (HEAD + "formula: ai\nerrors: {cluster: [firm, year]}", "4:9", "clusters of years"),
        (HEAD + "formula: ai | nace\nerrors: HC3", "4:9", "the leverage of a row is not known"),
        (HEAD + "formula: ai + size\nbalance: {method: entropy, covariates: [size], treatment: ai}", "4:1",
         "balance beside changes over a window"),
        (HEAD + "formula: ai\nat_ends: [ai]", "4:1", 'did you mean "at_end"'),
        (HEAD + "formula: ai\nmethod: iv", "4:9", "ols"),
    ],
)  # fmt: skip
def test_mistakes_have_their_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    _, problems = bound(tmp_path, text + "\n")
    assert len(problems) == 1, problems
    assert words in str(problems[0])
    assert f"{problems[0].position.line}:{problems[0].position.column}" == place
