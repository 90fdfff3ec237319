"""A spec, and what can be wrong with it that a schema can see."""

from __future__ import annotations

BASE = """\
tfplab: 1
title: A study
panel:
  table: {files: panel.csv}
variables:
  ln_l: log(l)
productivity:
  tfp: {method: wlp, output: va, free: [l], state: [k], proxy: m}
models:
  t1: {design: cross_section, formula: tfp ~ ai}
"""
PANEL = "firm,year,va,l,k,m,ai,nace,size\na,2020,1,1,1,1,0,A,small\n"


def but(old: str, new: str) -> str:
    """Return the spec with one thing changed."""
    assert old in BASE, old
    return BASE.replace(old, new)


def tfp(text: str) -> str:
    """Return the spec with another productivity entry."""
    return but("{method: wlp, output: va, free: [l], state: [k], proxy: m}", text)


def t1(text: str) -> str:
    """Return the spec with another model."""
    return but("{design: cross_section, formula: tfp ~ ai}", text)


RIGHT = {
    "the spec": BASE,
    "a copy": BASE + "  t2: {like: t1, errors: HC3}\n",
    "a variant": BASE + "variants:\n  v: {of: t1, vary: {errors: [HC1, HC3]}}\n",
}
MISTAKES = {
    "no_head": but("tfplab: 1\n", ""),
    "format_2": but("tfplab: 1", "tfplab: 2"),
    "format_text": but("tfplab: 1", "tfplab: '1'"),
    "unknown_section": BASE + "mdoels: {}\n",
    "no_panel": but("panel:\n  table: {files: panel.csv}\n", ""),
    "panel_null": but("panel:\n  table: {files: panel.csv}\n", "panel:\n"),
    "panel_text": but("panel:\n  table: {files: panel.csv}\n", "panel: panel.csv\n"),
    "panel_unknown": but("{files: panel.csv}", "{file: panel.csv}"),
    "panel_years": but("{files: panel.csv}\n", "{files: panel.csv}\n  years: [2017]\n"),
    "panel_years_text": but("{files: panel.csv}\n", "{files: panel.csv}\n  years: 2017\n"),
    "seed_text": but("title: A study", "seed: one"),
    "seed_negative": but("title: A study", "seed: -1"),
    "title_list": but("title: A study", "title: [a]"),
    "title_null": but("title: A study", "title:"),
    "method_unknown": tfp("{method: wlpp, output: va, free: [l], state: [k], proxy: m}"),
    "method_missing": tfp("{output: va, free: [l], state: [k], proxy: m}"),
    "method_null": tfp("{method: , output: va, free: [l], state: [k], proxy: m}"),
    "method_number": tfp("{method: 3, output: va, free: [l], state: [k], proxy: m}"),
    "degree_big": tfp("{method: wlp, output: va, free: [l], state: [k], proxy: m, degree: 9}"),
    "degree_text": tfp("{method: wlp, output: va, free: [l], state: [k], proxy: m, degree: three}"),
    "degree_float": tfp("{method: wlp, output: va, free: [l], state: [k], proxy: m, degree: 2.5}"),
    "unknown_key": tfp("{method: wlp, output: va, free: [l], state: [k], proxy: m, degre: 2}"),
    "output_missing": tfp("{method: wlp, free: [l], state: [k], proxy: m}"),
    "output_list": tfp("{method: wlp, output: [va], free: [l], state: [k], proxy: m}"),
    "free_text": tfp("{method: wlp, output: va, free: l, state: [k], proxy: m}"),
    "free_number": tfp("{method: wlp, output: va, free: [1], state: [k], proxy: m}"),
    "free_bad_name": tfp("{method: wlp, output: va, free: ['1l'], state: [k], proxy: m}"),
    "proxy_null": tfp("{method: wlp, output: va, free: [l], state: [k], proxy: }"),
    "entry_null": tfp(""),
    "entry_text": tfp("wlp"),
    "steps": tfp("{method: wlp, output: va, free: [l], state: [k], proxy: m, steps: 3}"),
    "gmm_weights": tfp("{method: wlp, output: va, free: [l], state: [k], proxy: m, gmm_weights: clustered}"),
    "separately": tfp("{method: wlp, output: va, free: [l], state: [k], proxy: m, separately_by: nace}"),
    "min_firms": tfp("{method: wlp, output: va, free: [l], state: [k], proxy: m, separately_by: [nace], min_firms: 0}"),
    "other_methods_key": tfp("{method: ols, output: va, free: [l], state: [k], proxy: m}"),
    "design_unknown": t1("{design: cross_sectoin, formula: tfp ~ ai}"),
    "design_missing": t1("{formula: tfp ~ ai}"),
    "design_key_of_another": t1("{design: cross_section, formula: tfp ~ ai, aggregate: [simple]}"),
    "formula_missing": t1("{design: cross_section}"),
    "formula_list": t1("{design: cross_section, formula: [tfp, ai]}"),
    "errors_unknown": t1("{design: cross_section, formula: tfp ~ ai, errors: HC9}"),
    "errors_number": t1("{design: cross_section, formula: tfp ~ ai, errors: 1}"),
    "errors_cluster_text": t1("{design: cross_section, formula: tfp ~ ai, errors: {cluster: firm}}"),
    "errors_key": t1("{design: cross_section, formula: tfp ~ ai, errors: {clusters: [firm]}}"),
    "errors_small": t1("{design: cross_section, formula: tfp ~ ai, errors: {cluster: [firm], small_sample: CR9}}"),
    "errors_boot_draws": t1("{design: cross_section, formula: tfp ~ ai, errors: {bootstrap: {draws: 1}}}"),
    "errors_boot_draws_text": t1("{design: cross_section, formula: tfp ~ ai, errors: {bootstrap: {draws: many}}}"),
    "errors_boot_key": t1("{design: cross_section, formula: tfp ~ ai, errors: {bootstrap: {drws: 499}}}"),
    "wild_no_cluster": t1("{design: cross_section, formula: tfp ~ ai, errors: {wild_bootstrap: {draws: 999}}}"),
    "three_ways": t1("{design: cross_section, formula: tfp ~ ai, errors: {cluster: [a, b, c]}}"),
    "errors_empty": t1("{design: cross_section, formula: tfp ~ ai, errors: {}}"),
    "errors_null": t1("{design: cross_section, formula: tfp ~ ai, errors: }"),
    "uncertainty": t1("{design: cross_section, formula: tfp ~ ai, tfp_uncertainty: maybe}"),
    "adoption_missing": t1("{design: did, outcome: tfp}"),
    "adoption_empty": t1("{design: did, outcome: tfp, adoption: {waves: [2021, 2023]}}"),
    "adoption_key": t1("{design: did, outcome: tfp, adoption: {indicater: ai}}"),
    "adoption_text": t1("{design: did, outcome: tfp, adoption: ai}"),
    "dating": t1("{design: did, outcome: tfp, adoption: {indicator: ai, waves: [2021, 2023], dating: never}}"),
    "one_wave": t1("{design: did, outcome: tfp, adoption: {indicator: ai, waves: [2021]}}"),
    "adjustment": t1("{design: did, outcome: tfp, adoption: {indicator: ai}, adjustment: drr}"),
    "estimator": t1("{design: did, outcome: tfp, adoption: {indicator: ai}, estimator: cs}"),
    "aggregate": t1("{design: did, outcome: tfp, adoption: {indicator: ai}, aggregate: [simpel]}"),
    "anticipation": t1("{design: did, outcome: tfp, adoption: {indicator: ai}, anticipation: -1}"),
    "quantiles": t1("{design: cross_section, formula: tfp ~ ai, method: quantile, quantiles: [0.5, 2]}"),
    "window": t1("{design: long_difference, outcome: tfp, formula: ai, window: [2020]}"),
    "window_text": t1("{design: long_difference, outcome: tfp, formula: ai, window: [a, b]}"),
    "family_missing": t1("{design: cross_section, formula: tfp ~ ai, family: {id: a}}"),
    "family_method": t1("{design: cross_section, formula: tfp ~ ai, family: {id: a, terms: [ai], method: bonferroni}}"),
    "family_terms": t1("{design: cross_section, formula: tfp ~ ai, family: {id: a, terms: []}}"),
    "tests": t1("{design: cross_section, formula: tfp ~ ai, test: ai = 0}"),
    "blocks": t1("{design: cross_section, formula: tfp ~ ai, add_controls: [ln_l]}"),
    "split": t1("{design: cross_section, formula: tfp ~ ai, split: size}"),
    "split_key": t1("{design: cross_section, formula: tfp ~ ai, split: {bi: size}}"),
    "sensitivity_key": t1("{design: cross_section, formula: tfp ~ ai, sensitivity: {ostr: {term: ai}}}"),
    "oster": t1("{design: cross_section, formula: tfp ~ ai, sensitivity: {oster: {term: ai, r_max: big}}}"),
    "power": t1("{design: cross_section, formula: tfp ~ ai, power: {effect: 0}}"),
    "balance": t1("{design: cross_section, formula: tfp ~ ai, balance: {method: entropi, covariates: [ln_l]}}"),
    "like_number": BASE + "  t2: {like: 3}\n",
    "like_key": BASE + "  t2: {like: t1, erors: HC3}\n",
    "model_null": BASE + "  t2:\n",
    "two": BASE + "  t2: {design: cross_section, formula: tfp ~ ai, erors: HC3, errors: HC7}\n  t3: {design: fixed}\n",
    "variable_name": but("ln_l: log(l)", "ln-l: log(l)"),
    "variable_year": but("ln_l: log(l)", "year: log(l)"),
    "variable_null": but("ln_l: log(l)", "ln_l:"),
    "variable_list": but("ln_l: log(l)", "ln_l: [log(l)]"),
    "variables_text": but("variables:\n  ln_l: log(l)\n", "variables: none\n"),
    "variables_null": but("variables:\n  ln_l: log(l)\n", "variables:\n"),
    "table_format": BASE + "tables:\n  one: {models: [t1], formats: [pdf]}\n",
    "table_decimals": BASE + "tables:\n  one: {models: [t1], decimals: 11}\n",
    "table_p": BASE + "tables:\n  one: {models: [t1], p_values: start}\n",
    "table_key": BASE + "tables:\n  one: {model: [t1]}\n",
    "figure_kind": BASE + "figures:\n  one: {kind: density, of: tfp}\n",
    "figure_missing": BASE + "figures:\n  one: {kind: productivity_density}\n",
    "figure_format": BASE + "figures:\n  one: {kind: productivity_density, of: tfp, formats: [jpg]}\n",
    "disclosure": BASE + "disclosure: {minimum_firms: 0}\n",
    "disclosure_breach": BASE + "disclosure: {on_breach: ignore}\n",
    "disclosure_key": BASE + "disclosure: {minimum: 3}\n",
    "labels_text": BASE + "labels: {ai: Uses AI}\n",
    "labels_number": BASE + "labels: {ai: {en: 3}}\n",
    "variant_of": BASE + "variants:\n  v: {vary: {errors: [HC1, HC3]}}\n",
    "variant_vary": BASE + "variants:\n  v: {of: t1}\n",
    "variant_key": BASE + "variants:\n  v: {of: t1, vry: {errors: [HC1, HC3]}}\n",
    "variant_scalar": BASE + "variants:\n  v: {of: t1, vary: {errors: HC3}}\n",
    "variant_rows": BASE + "variants:\n  v: {of: t1, vary: {errors: [HC1, HC3]}, rows: all}\n",
    "variant_at_most": BASE + "variants:\n  v: {of: t1, vary: {errors: [HC1, HC3]}, at_most: 0}\n",
    "extends_number": BASE + "extends: 3\n",
    "extends_empty": BASE + "extends: []\n",
    "emoji": but("title: A study", "title: {en: '\U0001f600', nl: 3}"),
}
