"""Logit, probit and quantile regression from the spec to the table: record, words, disclosure, the whole chain."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfplab.cli import main

HEAD = """tfplab: 1
panel: {table: {files: panel.csv}}
variables:
  high: tfp >= 1.2
  before: lag(tfp)
productivity:
  tfp: {method: ols, output: ln_y, free: [ln_l], state: [ln_k]}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 firms in 3 years; all 4 firms of sector q use it, and so does one of 12 in r."""
    folder, rng = tmp_path_factory.mktemp("methods"), np.random.default_rng(21)
    with (folder / "panel.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["firm", "year", "ln_y", "ln_l", "ln_k", "age", "sector", "ai", "w"])
        for firm in range(150):
            sector = "q" if firm < 4 else "r" if firm < 16 else ("a", "b")[firm % 2]
            own, age = rng.normal(1, 0.4), int(rng.integers(1, 40))
            for year in (2021, 2022, 2023):
                labour, capital = rng.normal(3, 1), rng.normal(4, 1)
                output = own + 0.6 * labour + 0.3 * capital + rng.normal(0, 0.3)
                uses = int(sector == "q" or (rng.random() < 0.2 + 0.4 * (own > 1) and sector != "r") or firm == 7)
                rows.writerow([firm, year, output, labour, capital, age + year - 2021, sector, uses, rng.uniform(1, 3)])
    return folder


def run(place: Path, text: str, capsys: pytest.CaptureFixture[str], status: int = 0) -> tuple[dict[str, Any], Path]:
    spec = place / "spec.yaml"
    spec.write_text(HEAD + text, encoding="utf-8")
    assert main(["run", str(spec), "-o", str(place / "run")]) == status, capsys.readouterr().err
    capsys.readouterr()
    record: dict[str, Any] = json.loads((place / "run" / "run.json").read_text(encoding="utf-8"))
    return record, place / "run" / "tables"


METHODS = """models:
  linear: {design: cross_section, formula: ai ~ before + sector + age, where: year == 2023}
  probit: {like: linear, method: probit}
  quantiles: {design: cross_section, method: quantile, quantiles: [0.5, 0.25], formula: tfp ~ sector + age,
              errors: {cluster: [firm]}}
tables: {all: {models: [linear, probit, quantiles], formats: [md], locale: [en, nl_BE, fr_BE]}}
"""


def test_record_and_table(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record, tables = run(place, METHODS, capsys)
    linear, probit, quantiles = (record["models"][name] for name in ("linear", "probit", "quantiles"))
    terms = [one["term"] for one in probit["coefficients"]]
    # The same names as those of the linear model, without its constant; the level without an effect behind.
    assert terms == ["before", "sector[b]", "sector[r]", "age", "sector[q]"]
    assert set(terms) == {one["term"] for one in linear["coefficients"]} - {"constant"}
    assert probit["coefficients"][-1] == {
        "term": "sector[q]", "estimate": None, "std_error": None, "statistic": None, "p_value": None, "conf_low": None,
        "conf_high": None, "n_firms": 4,
    }  # fmt: skip
    assert [part["estimator"] for part in probit["parts"]] == ["probit, index"]
    assert probit["parts"][0]["coefficients"][0]["term"] == "constant"
    assert probit["method"] == "probit"
    assert probit["errors"]["tfp_uncertainty"] == "ignore"
    assert probit["dropped"]["a level tells ai for certain"] == 4
    assert probit["reference"] == {"sector": "a"}
    assert any("{bootstrap: {cluster: [firm]}} would not" in note for note in probit["notes"])
    assert quantiles["errors"]["tfp_uncertainty"] == "ignore"
    assert [part["estimator"] for part in quantiles["parts"]] == ["quantile 0.5", "quantile 0.25"]
    assert quantiles["coefficients"] == quantiles["parts"][0]["coefficients"]
    written = (place / "run" / "spec.yaml").read_text(encoding="utf-8")
    assert "quantiles: [0.5, 0.25]" in written
    # What is said of a model is said of all its columns.
    assert "\nquantiles: the standard errors take tfp as data" in (tables / "all.md").read_text(encoding="utf-8")
    for name, words in {
        "all": ["probit, average marginal effects", "quantiles, quantile 0.25", "Share correctly predicted"],
        "all.nl_BE": ["probit, gemiddelde marginale effecten", "kwantiel 0,25", "Aandeel juist voorspeld"],
        "all.fr_BE": ["probit, effets marginaux moyens", "quantile 0,25", "Part correctement prédite"],
    }.items():
        text = (tables / f"{name}.md").read_text(encoding="utf-8")
        assert [one for one in words if one not in text] == []
        assert "index |" not in text.partition("\n\n")[2].splitlines()[0]


def test_the_median_is_written_out_and_copies_may_change_the_method(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, _ = run(
        place,
        """models:
  with_first: {design: cross_section, formula: tfp ~ age, errors: {cluster: [firm]}, tfp_uncertainty: include}
  median: {like: with_first, method: quantile}
  drawn: {like: with_first, method: quantile, errors: {bootstrap: {draws: 99}}}
""",
        capsys,
    )
    assert record["models"]["with_first"]["errors"]["tfp_uncertainty"] == "include"
    # What closed form cannot have is not copied; a bootstrap has it anyway.
    assert record["models"]["median"]["errors"]["tfp_uncertainty"] == "ignore"
    assert record["models"]["drawn"]["errors"]["tfp_uncertainty"] == "include"
    assert "quantiles: [0.5]" in (place / "run" / "spec.yaml").read_text(encoding="utf-8")
    assert main(["explain", str(place / "spec.yaml")]) == 0
    said = capsys.readouterr().out
    assert "Q(tfp_it | x, q) = b0 + b1 age_it, q = 0.5" in said
    assert "ignore, in closed form (default" in said


BOOTSTRAPS = """models:
  regressor: {design: cross_section, method: logit, formula: ai ~ before + age, where: year == 2023,
              errors: {bootstrap: {draws: 99}}}
  given: {like: regressor, tfp_uncertainty: ignore}
  data: {like: regressor, formula: ai ~ age}
  outcome: {design: cross_section, method: probit, formula: high ~ age + ai, errors: {bootstrap: {draws: 99}}}
  quantiles: {design: cross_section, method: quantile, quantiles: [0.5, 0.9], formula: tfp ~ age,
              errors: {bootstrap: {draws: 99, interval: studentised}}}
  closed: {like: quantiles, errors: {cluster: [firm]}}
  late: {like: quantiles, formula: tfp ~ before, quantiles: [0.5]}
tables: {all: {formats: [md]}}
"""


def test_the_chain_is_drawn_wherever_productivity_stands(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record, tables = run(place, BOOTSTRAPS, capsys)
    models = record["models"]
    treated = {name: one["errors"]["tfp_uncertainty"] for name, one in models.items()}
    assert treated == {
        "regressor": "include", "given": "ignore", "data": "none", "outcome": "include", "quantiles": "include",
        "closed": "ignore", "late": "include",
    }  # fmt: skip
    assert all(one["errors"]["bootstrap"]["failed"] == 0 for name, one in models.items() if name != "closed")
    for name in ("regressor", "quantiles"):
        for one in (models[name], *models[name]["parts"]):
            assert all(term["std_error"] > 0 for term in one["coefficients"])
            drawn = one["errors"]["bootstrap"]["terms"]
            assert [term["term"] for term in drawn] == [term["term"] for term in one["coefficients"]]
            of = one["errors"]["bootstrap"]["interval"]
            assert [term[of] for term in drawn] == [
                [term["conf_low"], term["conf_high"]] for term in one["coefficients"]
            ]
        assert not any("as data" in note for note in models[name]["notes"])
    # 99 draws know a standard error to about a tenth; the first stage hardly moves the slope in age.
    closed, drawn = (
        {c["term"]: c["std_error"] for c in models[name]["coefficients"]} for name in ("closed", "quantiles")
    )
    assert drawn["age"] == pytest.approx(closed["age"], rel=0.5)
    estimates = [[one["estimate"] for one in models[name]["coefficients"]] for name in ("closed", "quantiles")]
    assert estimates[0] == estimates[1]
    assert "bootstrap, 99 draws" in (tables / "all.md").read_text(encoding="utf-8")


def test_disclosure_sees_every_part(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = "disclosure: {minimum_firms: 10, on_breach: suppress}\n"
    drawn = METHODS.replace("errors: {cluster: [firm]}}", "errors: {bootstrap: {draws: 99}}}")
    record, tables = run(place, drawn + rule, capsys)
    probit, quantiles = record["models"]["probit"], record["models"]["quantiles"]
    for one in (probit, *probit["parts"]):
        hidden = {term["term"]: term for term in one["coefficients"] if term.get("suppressed")}
        assert set(hidden) == {"sector[q]"}
        assert set(hidden["sector[q]"].values()) == {"sector[q]", None, True}
    for one in (quantiles, *quantiles["parts"]):
        hidden = {term["term"] for term in one["coefficients"] if term.get("suppressed")}
        # A quarter of 12 firms lie below the lower quartile of sector r.
        assert hidden == {"sector[q]", "sector[r]"}
        assert {term["term"] for term in one["errors"]["bootstrap"]["terms"] if term.get("suppressed")} == hidden
    assert not any("sector[q]" in note for one in record["models"].values() for note in one["notes"])
    assert "sector: q" in (tables / "all.md").read_text(encoding="utf-8")
    few, _ = run(place, METHODS.replace("year == 2023", "year == 2023 and sector == 'r'").replace("+ sector", "")
                 .replace("tfp ~ sector +", "tfp ~ ") + rule, capsys)  # fmt: skip
    # One firm of twelve uses it: the whole model is a comparison with that firm.
    model = few["models"]["probit"]
    assert model["suppressed"]
    assert {value for one in model["parts"] for term in one["coefficients"] for value in term.values()} <= {
        None, True, *(term["term"] for one in model["parts"] for term in one["coefficients"])
    }  # fmt: skip
    assert {"where": "models.probit", "item": "n_yes_firms", "n_firms": None} in few["disclosure"]["breaches"]


def test_mistakes_are_told_together(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = place / "bad.yaml"
    spec.write_text(HEAD + """models:
  a: {design: cross_section, method: quantile, formula: tfp ~ age, quantiles: [50]}
  b: {design: cross_section, method: probit, formula: ai ~ age, errors: HC2}
  c: {design: cross_section, method: logit, formula: ai ~ tfp, tfp_uncertainty: include}
  d: {design: fixed_effects, formula: ai ~ tfp | firm, quantiles: [0.5]}
  e: {design: cross_section, formula: ai ~ tfp, quantiles: [0.5]}
""", encoding="utf-8")  # fmt: skip
    assert main(["check", str(spec)]) == 2
    told = [line.partition("bad.yaml:")[2] for line in capsys.readouterr().err.splitlines() if "bad.yaml:" in line]
    assert [line.partition(", there are: ")[0] for line in told] == [
        "9:80: models.a.quantiles.0: 50 is not a quantile, quantiles lie between 0 and 1, both excluded, write 0.5",
        "10:73: models.b.errors: HC2 beside method: probit, leverages scale the residuals of least squares alone, "
        "write HC1",
        "11:81: models.c.tfp_uncertainty: include beside method: logit, in closed form the first stage is carried over "
        "into designs that are linear in their outcome, write errors: {bootstrap: {cluster: [firm]}}, or leave the key "
        "out",
        '12:56: models.d: the key "quantiles" has no meaning here, it is a key of design cross_section, distribution',
        "13:49: models.e.quantiles: quantiles are a key of method: quantile, this is method: ols, write method: "
        "quantile, or leave the key out",
    ]
