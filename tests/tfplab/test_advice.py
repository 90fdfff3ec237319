"""Each piece of advice where it speaks, beside a case in which it must be silent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tfplab.advice.behind import is_ai
from tfplab.advice.codes import CODES
from tfplab.advice.given import Advice
from tfplab.advice.heard import OF_PLAN, OF_RECORD, advice_of_plan
from tfplab.cli import main
from tfplab.first_gate import make_plan

HEAD = """tfplab: 1
title: Advice
panel:
  accounts: {{files: {data}/accounts_*.csv, layout: nbb}}
  survey: {{files: {{2021: {data}/ict_2021.csv, 2023: {data}/ict_2023.csv}}, layout: eurostat_ict}}
  deflators: {data}/deflators.csv
  years: [2017, 2023]
  link: {{on: firm}}
variables:
  ln_va: log(value_added_real)
  ln_l: log(labour)
  ln_k: log(capital_real)
  ln_m: log(materials_real)
  size: cut(employees, [10, 50], labels=['10-49', '50+'])
  size_before: at(size, 2020)
  born: first(start_year)
  ai_before: lag(ai, 2)
  of_others: mean(labour, by=[nace3], at=2020)
  ln_l_mean: mean(ln_l)
  ln_l_trend: first(ln_l) * (year - 2017)
  w: at(weight, 2021)
"""
TFP = "{method: wooldridge, output: ln_va, free: [ln_l], state: [ln_k], proxy: ln_m, controls: [nace, year]%s}"
LP = "{method: labour_productivity, output: ln_va, free: [ln_l]}"
IGNORE = ", tfp_uncertainty: ignore"
Asked = Callable[..., list[Advice]]


@pytest.fixture
def asked(demo_folder: Path, tmp_path: Path) -> Asked:
    """Return the advice of one code on models of the demo's panel."""

    def advice(code: str, models: str, tfp: str = TFP % "", more: str = "") -> list[Advice]:
        path = tmp_path / "a.yaml"
        entries = f"productivity:\n  tfp: {tfp}\n  lp: {LP}\nmodels:\n"
        path.write_text(HEAD.format(data=demo_folder / "data") + entries + models + more, encoding="utf-8")
        return [one for one in advice_of_plan(make_plan(path)) if one.code == code]

    return advice


def cross(formula: str, rest: str = "") -> str:
    return f"  m: {{design: cross_section, formula: {formula}, where: year == 2023{rest}}}\n"


def test_every_rule_has_a_code_and_every_code_a_rule() -> None:
    assert {*OF_PLAN, *OF_RECORD} == set(CODES)


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("lp ~ size + ai", "size is of the same year as ai"),
        ("lp ~ ln_l + ai + cc + nace", "ln_l and cc are of the same year as ai"),
        ("lp ~ size_before + ai + nace + firm_age", None),
        ("lp ~ size + nace", None),
        # Of two answers on AI neither is a control of the other.
        ("lp ~ ai_tml + ai_ttm + nace", None),
        # A class of size among its industry's years before: at= looks at another year as well.
        ("lp ~ of_others + ai", None),
        ("lp ~ size + ai_before", "size is of the same year as ai_before, or of a later one"),
    ],
)
def test_bad_control(asked: Asked, formula: str, names: str | None) -> None:
    found = asked("bad_control", cross(formula))
    assert [one.entry for one in found] == (["m"] if names else [])
    if names:
        assert found[0].what.startswith(names)
        assert found[0].what.endswith("?")  # a question, not a verdict
        assert found[0].position is not None
        line = Path(found[0].position.file).read_text().splitlines()[found[0].position.line - 1]
        assert line[found[0].position.column - 1 :].startswith(names.split()[0])


def test_bad_control_behind_the_bar_and_beside_firm_effects(asked: Asked) -> None:
    def fixed(formula: str) -> list[Advice]:
        return asked("bad_control", f"  m: {{design: fixed_effects, formula: '{formula}', where: linked == 1}}\n")

    found = fixed("lp ~ ai | nace^size^year")
    assert found[0].what.startswith("size is of the same year as ai")
    assert "add_controls" not in found[0].advice
    assert fixed("lp ~ ai | nace^size_before^year") == []
    # at(size, 2020) alone would be swept out there: what is advised can be estimated.
    assert "x:year" in fixed("lp ~ ai + size | firm + year")[0].advice
    assert fixed("lp ~ ai + size_before:year | firm + year") == []


def test_columns_of_ones_own_may_begin_as_barriers_do() -> None:
    assert is_ai("ai_binary")
    assert is_ai("AI_b")
    assert not is_ai("ai_bcst")
    assert not is_ai("AI_BNU")


def test_markov_without_ai(asked: Asked) -> None:
    found = asked("markov_without_ai", cross("tfp ~ ai + nace"))
    assert [one.entry for one in found] == ["tfp"]
    assert asked("markov_without_ai", cross("tfp ~ ai + nace"), TFP % ", markov: [ai]") == []
    assert asked("markov_without_ai", cross("lp ~ ai + nace")) == []
    assert asked("markov_without_ai", cross("tfp ~ nace")) == []
    assert (
        asked("markov_without_ai", cross("tfp ~ ai"), "{method: ols, output: ln_va, free: [ln_l], state: [ln_k]}") == []
    )
    did = "  m: {design: did, outcome: tfp, adoption: {indicator: ai, waves: [2021, 2023]}}\n"
    assert len(asked("markov_without_ai", did)) == 1


def test_levels_across_technologies(asked: Asked) -> None:
    apart = (TFP % ", separately_by: [nace]").replace("nace, year", "year")
    found = asked("levels_across_technologies", cross("tfp ~ ai"), apart)
    assert "separately by nace, and nace is not in the formula" in found[0].what
    assert asked("levels_across_technologies", cross("tfp ~ ai + nace"), apart) == []
    assert asked("levels_across_technologies", cross("tfp ~ ai")) == []
    nested = apart.replace("[nace]", "[nace3, nace]")
    assert asked("levels_across_technologies", cross("tfp ~ ai + nace3"), nested) == []
    assert "nace3 is not in" in asked("levels_across_technologies", cross("tfp ~ ai + nace"), nested)[0].what


def test_weights_under_oversampling(asked: Asked) -> None:
    assert len(asked("weights_under_oversampling", cross("lp ~ ai"))) == 1
    assert asked("weights_under_oversampling", cross("lp ~ ai", ", weights: weight")) == []
    # Weights of a year without a survey would leave no row: what is advised can be estimated.
    did = "  m: {design: did, outcome: lp, adoption: {indicator: ai, waves: [2021, 2023]}%s}\n"
    assert "at(weight, 2021)" in asked("weights_under_oversampling", did % "")[0].advice
    assert asked("weights_under_oversampling", did % ", weights: w") == []
    change = "  m: {design: long_difference, outcome: lp, window: [2020, 2023], formula: ai, at_end: [ai]}\n"
    assert "at(weight, 2023)" in asked("weights_under_oversampling", change)[0].advice
    # No answer of the survey is read: the rows are those of the accounts.
    assert asked("weights_under_oversampling", cross("lp ~ size + nace")) == []


def test_tfp_uncertainty_ignored(asked: Asked) -> None:
    code = "tfp_uncertainty_ignored"
    assert "classical errors do so by default" in asked(code, cross("tfp ~ size", ", errors: classical"))[0].what
    # The resolved spec writes the default down, and gives the same advice.
    for errors in ("classical", "{wild_bootstrap: {cluster: [nace2]}}"):
        both = [asked(code, cross("tfp ~ size", f", errors: {errors}{said}"))[0] for said in ("", IGNORE)]
        assert both[0].what == both[1].what
    said = asked(code, cross("tfp ~ size", f", errors: HC1{IGNORE}"))
    assert "the spec says so" in said[0].what
    assert asked(code, cross("tfp ~ size", ", errors: HC1")) == []
    # Without a closed form another answer is needed; the errors take productivity as data though nobody said so.
    for rest in (
        ", method: quantile, quantiles: [0.5]",
        ", method: quantile, quantiles: [0.5], tfp_uncertainty: ignore",
    ):
        assert "bootstrap" in asked(code, cross("tfp ~ size", rest))[0].advice
    drawn = ", method: quantile, quantiles: [0.5], errors: {bootstrap: {cluster: [firm], draws: 99}}"
    assert asked(code, cross("tfp ~ size", drawn)) == []
    wild = ", errors: {wild_bootstrap: {cluster: [nace2]}}"
    assert "a wild bootstrap" in asked(code, cross("tfp ~ size", wild))[0].what
    # Nothing was estimated there.
    assert asked(code, cross("lp ~ size", ", errors: classical")) == []
    assert asked(code, cross("ln_va ~ size", ", errors: classical")) == []


def test_several_hypotheses(asked: Asked) -> None:
    code, three = "several_hypotheses", "lp ~ ai_ttm + ai_tsr + ai_tml"
    assert "3 coefficients of AI" in asked(code, cross(three))[0].what
    family = ", family: {id: ai, method: romano_wolf, terms: [ai_ttm, ai_tsr, ai_tml]}"
    assert asked(code, cross(three, family)) == []
    assert asked(code, cross("lp ~ ai_ttm + ai_tsr")) == []
    each = "".join(
        f"  m{one}: {{design: cross_section, formula: lp ~ {one}, where: year == 2023}}\n"
        for one in ("ai_ttm", "ai_tsr", "ai_tml")
    )
    assert "3 models of lp, each on another use of AI" in asked(code, each)[0].what


def test_swept_out(asked: Asked) -> None:
    def fixed(formula: str) -> list[Advice]:
        return asked("swept_out", f"  m: {{design: fixed_effects, formula: '{formula}'}}\n")

    assert "firm effects explain it" in fixed("lp ~ ln_k + start_year | firm")[0].why
    assert "firm effects explain it" in fixed("lp ~ ln_k + born | firm + year")[0].why
    assert "rises by one a year" in fixed("lp ~ ln_k + firm_age | firm + year")[0].why
    assert "firm effects explain it" in fixed("lp ~ ln_k + size_before | firm + year")[0].why
    assert "firm effects explain it" in fixed("lp ~ ln_k + ln_l_mean | firm + year")[0].why
    # A trend with a slope of the firm's own, and a mean of others.
    assert fixed("lp ~ ln_k + ln_l_trend + of_others | firm + year") == []
    assert fixed("lp ~ ln_k + firm_age | firm") == []
    assert fixed("lp ~ ln_k + start_year | nace + year") == []


def test_twfe_alone(asked: Asked) -> None:
    def did(rest: str, adoption: str = "{indicator: ai, reversals: drop}") -> list[Advice]:
        return asked("twfe_alone", f"  m: {{design: did, outcome: lp, adoption: {adoption}{rest}}}\n")

    assert len(did(", estimator: [twfe]")) == 1
    assert did(", estimator: [callaway_santanna, twfe]") == []
    # One date: no firm treated before is a control of one treated later.
    for dating in ("censored", "early", "late"):
        assert did(", estimator: [twfe]", f"{{indicator: ai, waves: [2021, 2023], dating: {dating}}}") == []
    assert "[callaway_santanna, event_study]" in did(", estimator: event_study")[0].advice


def test_selected_on_outcome(asked: Asked) -> None:
    def chosen(where: str) -> list[Advice]:
        return asked("selected_on_outcome", f"  m: {{design: cross_section, formula: lp ~ size, where: '{where}'}}\n")

    assert len(chosen("year == 2023 and lp > 0")) == 1
    for silent in ("year == 2023 and ln_l > 0", "isna(lp) == 0", "lag(lp) > 0", "at(lp, 2020) > 0"):
        assert chosen(silent) == []
    logged = "  m: {design: cross_section, formula: log(turnover) ~ size, where: 'turnover > %s'}\n"
    assert asked("selected_on_outcome", logged % "0 and year == 2023") == []  # the log asks the same
    assert len(asked("selected_on_outcome", logged % "1000 and year == 2023")) == 1
    assert len(asked("selected_on_outcome", logged % "0 or year == 2023")) == 1


def test_amount_as_outcome(asked: Asked) -> None:
    assert "a few large ones decide" in asked("amount_as_outcome", cross("value_added ~ ai"))[0].why
    assert asked("amount_as_outcome", cross("log(value_added) ~ ai")) == []
    assert asked("amount_as_outcome", cross("ln_va ~ ai")) == []
    assert asked("amount_as_outcome", cross("value_added ~ ai", ", method: quantile, quantiles: [0.5]")) == []


def test_what_the_spec_answers_keeps_its_place_with_the_reason(asked: Asked) -> None:
    models = cross("lp ~ size + ai") + cross("lp ~ size + ai + nace").replace("m:", "n:")
    found = asked("bad_control", models, more="advice: {bad_control: {m: size is that of before}}\n")
    assert [(one.entry, one.reason) for one in found] == [("m", "size is that of before"), ("n", None)]
    found = asked("bad_control", models, more="advice: {bad_control: as published}\n")
    assert [one.reason for one in found] == ["as published", "as published"]


def test_an_unknown_code_is_a_mistake(asked: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked("bad_control", cross("lp ~ size"))
    path = tmp_path / "a.yaml"
    path.write_text(path.read_text() + "advice: {few_cluster: so be it}\n")
    assert main(["check", str(path)]) == 2
    assert 'advice: "few_cluster" is no advice, did you mean "few_clusters"' in capsys.readouterr().err
