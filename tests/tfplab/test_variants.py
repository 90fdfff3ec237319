"""Variants bound at the first gate: the main case, what cases share, what is left out, and mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.errors import SpecError
from tfplab.first_gate import make_plan
from tfplab.plan import Plan

BASE = """\
tfplab: 1
panel:
  accounts: {files: data/accounts_*.csv, layout: nbb}
  survey: {files: {2021: data/ict_2021.csv, 2023: data/ict_2023.csv}, layout: eurostat_ict}
  deflators: data/deflators.csv
  years: [2017, 2023]
variables:
  ln_va: log(value_added_real)
  ln_l: log(labour)
  ln_k: log(capital_real)
  ln_m: log(materials_real)
  large: employees >= 250
productivity:
  tfp: {method: wooldridge, output: ln_va, free: [ln_l], state: [ln_k], proxy: ln_m, degree: 2, controls: [year]}
  lp: {method: labour_productivity, output: ln_va, free: [ln_l]}
models:
  m: {design: cross_section, formula: tfp ~ ai + nace, where: year == 2023, errors: HC1}
"""


@pytest.fixture
def plan_of(demo_folder: Path, tmp_path: Path) -> object:
    (tmp_path / "data").symlink_to(demo_folder / "data")

    def made(variants: str, base: str = BASE) -> Plan:
        path = tmp_path / "s.yaml"
        path.write_text(base + variants, encoding="utf-8")
        return make_plan(path)

    return made


def told(plan_of: object, variants: str, base: str = BASE) -> list[str]:
    with pytest.raises(SpecError) as caught:
        plan_of(variants, base)  # type: ignore[operator]
    return [str(one).partition("s.yaml:")[2] for one in caught.value.problems]


def only_variant(plan_of: object, variants: str) -> object:
    plan = plan_of(variants)  # type: ignore[operator]
    return plan.variants[0]


def test_the_main_case_is_the_model_itself(plan_of: object) -> None:
    variant = only_variant(
        plan_of, "variants: {g: {of: m, vary: {errors: [HC3, HC1], productivity.tfp.degree: [3, 2], outcome: [tfp]}}}\n"
    )
    assert [case.main for case in variant.cases] == [False, False, False, True]  # type: ignore[attr-defined]
    assert [case.world for case in variant.cases] == [0, -1, 0, -1]  # type: ignore[attr-defined]


def test_a_productivity_setting_that_a_case_does_not_use_needs_nothing_of_its_own(plan_of: object) -> None:
    variant = only_variant(plan_of, "variants: {g: {of: m, vary: {outcome: [lp], productivity.tfp.degree: [2, 3]}}}\n")
    assert {case.world for case in variant.cases} == {-1}  # type: ignore[attr-defined]


def test_worlds_share_the_entries_that_they_do_not_change(plan_of: object) -> None:
    plan = plan_of("variants: {g: {of: m, vary: {productivity.tfp.degree: [1, 3]}}}\n")  # type: ignore[operator]
    own = {one.name: one for one in plan.productivity}
    for world in plan.worlds:
        there = {one.name: one for one in world.productivity}
        assert there["lp"] is own["lp"]
        assert there["tfp"] is not own["tfp"]


def test_keys_that_another_method_lacks_are_left_out_with_a_note(plan_of: object) -> None:
    plan = plan_of(  # type: ignore[operator]
        "variants: {g: {of: m, vary: {productivity.tfp.method: [ols]}}}\n"
    )
    tfp = next(one for one in plan.worlds[0].productivity if one.name == "tfp")
    assert any('"degree"' in note and "left out" in note for note in tfp.notes)


def test_swapped_names_reach_formulas_conditions_and_families(plan_of: object) -> None:
    plan = plan_of(  # type: ignore[operator]
        "variants: {g: {of: m, vary: {replace: {ai: [ai_ttm, cc]}}, family: {method: holm}}}\n"
    )
    formulas = [case.model.options.term_names() for case in plan.variants[0].cases]
    assert [("ai_ttm" in one, "cc" in one, "ai" in one) for one in formulas] == [
        (True, False, False), (False, True, False)
    ]  # fmt: skip
    families = [case.model.options.family for case in plan.variants[0].cases]
    assert [one.terms for one in families] == [("ai_ttm",), ("cc",)]
    assert {one.id for one in families} == {"g"}


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ("{g: {of: m, vary: {errors: [HC9]}}}", '18:39: variants.g.errors: "HC9" is not a kind of standard errors'),
        ("{g: {of: m, vary: {formula: [tfp ~ aii]}}}", 'variants.g.formula: no column "aii" in the panel'),
        ("{g: {of: m, vary: {productivity.tfp.degree: [9]}}}", "productivity.tfp.degree: at most"),
        ("{g: {of: m, vary: {productivity.tfp.methd: [ols]}}}", 'productivity.tfp: unknown key "methd"'),
        ("{g: {of: m, vary: {variables.large: ['employees >']}}}", "variables.large: the expression ends"),
        ("{g: {of: m, vary: {panel.where: [emloyees > 3]}}}", 'panel.where: no column "emloyees"'),
        ("{g: {of: m, vary: {like: [m]}}}", "variants.g: like cannot vary"),
        ("{g: {of: m, vary: {replace: {cc: [ai]}}}}", '"cc" does not stand in m'),
        ("{g: {of: m, vary: {formula.x: [1]}}}", 'variants.g: "formula.x" leads through a value'),
        ("{g: {of: m, vary: {panel.where: [ai == 1]}, rows: common}}", "rows: common beside panel.where"),
        (
            "{g: {of: m, vary: {errors: [HC1]}, family: {method: holm}}}",
            'variants.g.family: the key "terms" is missing',
        ),
        ("{m: {of: m, vary: {errors: [HC1]}}}", '"m" is a model or a productivity entry too'),
        ("{g: {of: m, vary: {degre: [1]}}}", 'unknown key "degre"'),
    ],
)
def test_mistakes_of_cases_are_told_once_where_they_stand(plan_of: object, variants: str, message: str) -> None:
    found = told(plan_of, f"variants: {variants}\n")
    assert any(message in one for one in found), found
    assert len(found) == len(set(found))


@pytest.mark.parametrize("path", ["productivity.tfp.degre", "panel.wher"])
def test_an_unknown_key_is_told_at_the_key_not_at_each_of_its_values(plan_of: object, path: str) -> None:
    (one,) = told(plan_of, f"variants: {{g: {{of: m, vary: {{{path}: [1, 2, 3]}}}}}}\n")
    assert one.startswith("18:30: ")


def test_many_cases_with_the_same_mistake_tell_it_once(plan_of: object) -> None:
    values = ", ".join(f"year == {year}" for year in range(1900, 2000))
    found = told(plan_of, f"variants: {{g: {{of: m, vary: {{where: [{values}], errors: [HC1, HC9]}}}}}}\n")
    assert len(found) == 1


def test_a_variant_of_a_model_with_a_mistake_adds_none(plan_of: object) -> None:
    found = told(plan_of, "variants: {g: {of: m, vary: {errors: [HC1]}}}\n", BASE.replace("errors: HC1", "errors: HC9"))
    assert len(found) == 1


def test_a_table_of_many_cases_stands_alone(plan_of: object) -> None:
    values = ", ".join(f"year == {year}" for year in range(2017, 2024))
    text = f"variants: {{g: {{of: m, vary: {{where: [{values}]}}}}}}\ntables: {{t: {{models: [m, g]}}}}\n"
    assert told(plan_of, text) == [
        "19:22: tables.t.models: g beside m, of more than 6 cases each is a row, and models are columns, "
        "give it a table of its own"
    ]
    plan_of(text.replace("[m, g]", "[g], keep: [ai]"))  # type: ignore[operator]
    assert 'no term "aii"' in told(plan_of, text.replace("[m, g]", "[g], keep: [aii]"))[0]


def test_labels_may_name_settings_and_their_values(plan_of: object) -> None:
    plan_of(  # type: ignore[operator]
        "variants: {g: {of: m, vary: {productivity.tfp.degree: [1, 2], where: {late: year == 2023}}}}\n"
        "labels: {productivity.tfp.degree: {en: Degree}, late: {en: In 2023}, g: {en: The grid}}\n"
    )


def test_an_entry_that_others_need_more_of_is_estimated_anew(plan_of: object) -> None:
    # A markup needs the transitory part of every row, which the spec's own estimate was not asked for.
    plan = plan_of(  # type: ignore[operator]
        "variants:\n  g:\n    of: m\n    cases:\n      - {outcome: lp, productivity.lp.method: markup, "
        "productivity.lp.of: tfp, productivity.lp.input: ln_l, productivity.lp.revenue: turnover, "
        "productivity.lp.expenditure: labour_cost}\n"
    )
    own = {one.name: one for one in plan.productivity}
    there = {one.name: one for one in plan.worlds[0].productivity}
    assert own["tfp"].extras == ""
    assert there["tfp"].extras == "transitory"
