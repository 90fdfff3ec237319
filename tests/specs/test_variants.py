"""Variants as written: grids, lists, exclusions, samples, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.grids import parse_variants
from specs.read import read
from specs.variants import VariantSpec, in_words


def parsed(tmp_path: Path, text: str) -> tuple[dict[str, VariantSpec], list[str]]:
    path = tmp_path / "v.yaml"
    path.write_text(text, encoding="utf-8")
    root, problems = read(path, shown="v.yaml")
    assert root is not None
    assert not problems
    found, wrong = parse_variants(root.entries, ["table1", "other"], ["tfp"], ["size"])
    return found, [str(one) for one in wrong]


def labels(tmp_path: Path, text: str) -> list[dict[str, object]]:
    found, wrong = parsed(tmp_path, text)
    assert not wrong
    return [case.labels for case in found["g"].cases()]


def test_a_grid_is_the_full_product_the_last_setting_fastest(tmp_path: Path) -> None:
    text = "g: {of: table1, vary: {outcome: [tfp, lp], errors: [HC1, HC3], productivity.tfp.degree: [2]}}"
    assert labels(tmp_path, text) == [
        {"outcome": one, "errors": other, "productivity.tfp.degree": 2}
        for one in ("tfp", "lp") for other in ("HC1", "HC3")
    ]  # fmt: skip


def test_named_values_lists_of_cases_and_what_is_skipped(tmp_path: Path) -> None:
    text = """
g:
  of: table1
  vary: {where: {all: year == 2023, large: employees > 50}, errors: [HC1, {cluster: [nace2]}]}
  cases: {as it is: {}, robust: {errors: HC3, where: null}}
  skip: [{where: large, errors: {cluster: [nace2]}}, {where: year == 2023, errors: HC1}]
"""
    found, wrong = parsed(tmp_path, text)
    assert not wrong
    cases = found["g"].cases()
    assert [(case.name, case.labels) for case in cases] == [
        ("", {"where": "all", "errors": {"cluster": ["nace2"]}}),
        ("", {"where": "large", "errors": "HC1"}),
        ("as it is", {}),
        ("robust", {"errors": "HC3", "where": None}),
    ]


def test_paths_of_the_model_in_full_and_names_to_swap(tmp_path: Path) -> None:
    text = "g: {of: table1, vary: {models.table1.errors: [HC1], replace: {ai: [x, y]}, replace.size: [z]}}"
    found, wrong = parsed(tmp_path, text)
    assert not wrong
    assert [one.path for one in found["g"].dimensions] == [("errors",), ("replace", "ai"), ("replace", "size")]


def test_a_sample_keeps_the_main_case_and_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    text = f"g: {{of: table1, vary: {{degree: [{', '.join(map(str, range(100)))}]}}, at_most: 10}}"
    found, wrong = parsed(tmp_path, text)
    assert not wrong
    spec = found["g"]
    cases = spec.cases()
    for seed in range(20):
        drawn = spec.sampled(cases, cases[41], seed)
        assert len(drawn) == 10
        assert cases[41] in drawn
        assert [cases.index(one) for one in drawn] == sorted(cases.index(one) for one in drawn)
        assert drawn == spec.sampled(cases, cases[41], seed)
    assert spec.sampled(cases, None, 1) != spec.sampled(cases, None, 2)


def test_every_case_is_drawn_as_often_as_any_other(tmp_path: Path) -> None:
    found, _ = parsed(tmp_path, f"g: {{of: table1, vary: {{degree: [{', '.join(map(str, range(20)))}]}}, at_most: 5}}")
    cases = found["g"].cases()
    counts = dict.fromkeys(range(20), 0)
    for seed in range(2000):
        for case in found["g"].sampled(cases, None, seed):
            counts[cases.index(case)] += 1
    # 2,000 draws of a quarter each: 500 give or take five standard deviations of 19.4.
    assert all(abs(count - 500) < 97 for count in counts.values())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("g: 3", "v.yaml:1:4: variants.g: keys are wanted, not 3, write {of: table1, vary: {errors: [HC1, HC3]}}"),
        ("g:", "v.yaml:1:1: variants.g: keys are wanted, not nothing"),
        ("g: {of: tabel1, vary: {a: [1]}}", 'v.yaml:1:9: variants.g.of: no model "tabel1", did you mean "table1"?'),
        ("g: {of: [table1], vary: {a: [1]}}", "variants.g.of: the name of a model is wanted"),
        ("g: {vary: {a: [1]}}", 'variants.g: the key "of" is missing'),
        ("g: {of: table1}", 'variants.g: the key "vary" is missing'),
        ("g: {of: table1, vary: }", "variants.g.vary: an empty value"),
        ("g: {of: table1, vary: {}}", "variants.g.vary: an empty map"),
        ("g: {of: table1, vary: [a]}", "variants.g.vary: settings are wanted"),
        ("g: {of: table1, vary: {errors: HC1}}", "variants.g.vary.errors: a list of values"),
        ("g: {of: table1, vary: {errors: []}}", "variants.g.vary.errors: nothing to choose from"),
        ("g: {of: table1, vary: {errors: [HC1, HC1]}}", 'v.yaml:1:38: variants.g.vary.errors: "HC1" stands twice'),
        ("g: {of: table1, vary: {errors: [HC1]}, rows: some}", 'variants.g.rows: "some" is not known'),
        ("g: {of: table1, vary: {errors: [HC1]}, at_most: 0}", "variants.g.at_most: a whole number from 1 is wanted"),
        ("g: {of: table1, vary: {errors: [HC1]}, at_most: true}", "variants.g.at_most: a whole number from 1"),
        ("g: {of: table1, vari: {errors: [HC1]}}", 'variants.g: unknown key "vari", did you mean "vary"?'),
        ("g: {of: table1, vary: {a..b: [1]}}", '"a..b" is not the path of a key'),
        ("g: {of: table1, vary: {productivity.tfp: [1]}}", '"productivity.tfp" is not the path of a key'),
        ("g: {of: table1, vary: {productivity.tpf.degree: [1]}}", 'no productivity entry "tpf", did you mean "tfp"?'),
        ("g: {of: table1, vary: {variables.sise: [1]}}", 'no variable "sise", did you mean "size"?'),
        ("g: {of: table1, vary: {models.other.errors: [HC1]}}", '"models.other.errors" is no key of table1'),
        ("g: {of: table1, vary: {errors: [HC1], errors.cluster: [firm]}}", 'and "errors" set the same key'),
        ("g: {of: table1, vary: {replace: [a]}}", "variants.g.vary.replace: names are wanted"),
        ("g: {of: table1, vary: {replace: {ai: [1]}}}", "the name of a column is wanted, not 1"),
        ("g: {of: table1, cases: 3}", "variants.g.cases: a list of settings is wanted"),
        ("g: {of: table1, vary: {a: [1]}, skip: [{b: 1}]}", 'variants.g.skip: "b" does not vary'),
        ("g: {of: table1, vary: {a: [1]}, skip: [{a: 2}]}", "variants.g.skip.a: 2 is none of its values"),
        ("g: {of: table1, vary: {a: [1]}, skip: [{a: 1}]}", "variants.g: no case is left"),
    ],
)
def test_mistakes_are_told_at_their_place(tmp_path: Path, text: str, told: str) -> None:
    found, wrong = parsed(tmp_path, text)
    assert not found
    assert any(told in one for one in wrong), wrong


def test_a_grid_that_is_too_large_is_refused_before_it_is_made(tmp_path: Path) -> None:
    values = f"[{', '.join(map(str, range(100)))}]"
    text = f"g: {{of: table1, vary: {{a: {values}, b: {values}, c: {values}, d: {values}}}}}"
    _, wrong = parsed(tmp_path, text)
    assert wrong == ["v.yaml:1:1: variants.g.vary: 100,000,000 combinations, at most 100,000 can be looked through"]
    _, wrong = parsed(tmp_path, f"g: {{of: table1, vary: {{a: {values}, b: {values}}}}}")
    assert wrong == [
        "v.yaml:1:1: variants.g: 10,000 cases, at most 5,000 are estimated, draw some of them: at_most: 500"
    ]
    found, wrong = parsed(tmp_path, f"g: {{of: table1, vary: {{a: {values}, b: {values}}}, at_most: 500}}")
    assert not wrong
    assert len(found["g"].cases()) == 10_000


def test_values_in_words() -> None:
    assert in_words({"cluster": ["nace2", "region"]}) == "{cluster: [nace2, region]}"
    assert (in_words(None), in_words(True), in_words(2.5)) == ("none", "true", "2.5")
