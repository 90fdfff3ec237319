"""Long differences as a user meets them: the plan, the record, the table, the messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfplab
from tfplab.api import Run
from tfplab.cli import main

OwnPanel = Callable[..., Path]
MODELS = """models:
  growth:
    design: long_difference
    outcome: tfp
    window: [2012, 2015]
    placebo: [2010, 2012]
    formula: l + size
    at_end: [l]
  windows: {design: long_difference, outcome: y, window: [[2012, 2015], [2010, 2013]], formula: size | sector}
  drawn: {design: long_difference, outcome: tfp, window: [2012, 2015], formula: k + size, where: m > 1,
          reference: {size: small}, errors: {bootstrap: {draws: 199}}}
  closed: {like: drawn, errors: HC1}
  through: {like: drawn, formula: tfp_start + size}
  several: {like: drawn, window: [[2012, 2015], [2011, 2013]], placebo: [2010, 2012]}
tables:
  growth: {models: [growth], formats: [md], locale: [en, nl_BE]}
  others: {models: [windows, drawn, closed, through], formats: [md]}
"""
HEAD = (
    "tfplab: 1\ntitle: Plants\npanel: {table: {files: plants.csv}, firm: plant, year: yr}\nproductivity:\n"
    "  tfp: {method: wooldridge, output: y, free: [l], state: [k], proxy: m, degree: 2}\n"
)
START = "variables: {tfp_start: tfp}\n"


def write_plants(path: Path) -> None:
    """Write 240 plants over six years, whose inputs follow their productivity."""
    random = np.random.default_rng(11)
    lines = ["plant,yr,y,l,k,m,sector,size"]
    for plant in range(240):
        omega, k = random.normal(0, 0.3), random.normal(3, 1)
        for year in range(2010, 2016):
            omega = 0.8 * omega + random.normal(0, 0.2)
            l = 2 + 0.5 * omega + random.normal(0, 0.5)  # noqa: E741  # labour is l in the papers
            k = 0.9 * k + 0.3 + random.normal(0, 0.3)
            y = 0.6 * l + 0.3 * k + omega + random.normal(0, 0.1)
            numbers = ",".join(f"{one:.6f}" for one in (y, l, k, 0.6 * k + omega))
            lines.append(f"p{plant:03},{year},{numbers},{'AB'[plant % 2]},{('small', 'large')[plant % 3 == 0]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("growth")
    write_plants(folder / "plants.csv")
    spec = folder / "own.yaml"
    spec.write_text(HEAD + START + MODELS, encoding="utf-8")
    return tfplab.run(spec)


def test_the_record_names_the_windows(run: Run) -> None:
    model = run.record["models"]["growth"]
    assert (model["design"], model["status"], model["errors"]["kind"]) == ("long_difference", "ok", "HC1")
    assert [(part["estimator"], part["window"]) for part in model["parts"]] == [
        ("ols", [2012, 2015]), ("placebo", [2010, 2012]),
    ]  # fmt: skip
    assert model["coefficients"] == model["parts"][0]["coefficients"]
    assert [one["term"] for one in model["coefficients"]] == ["constant", "l", "size[large]"]
    assert model["errors"]["tfp_uncertainty"] == model["parts"][1]["errors"]["tfp_uncertainty"] == "include"
    assert model["productivity"] == ["tfp"]
    assert [part["window"] for part in run.record["models"]["windows"]["parts"]] == [[2012, 2015], [2010, 2013]]
    assert run.record["models"]["windows"]["effects"] == {"sector": 2}
    assert [part["window"] for part in run.record["models"]["closed"]["parts"]] == [[2012, 2015]]


def test_every_row_is_in_the_ledger(run: Run) -> None:
    steps = [one for one in run.record["panel"]["ledger"] if one["table"] == "models.closed"]
    assert steps[0]["rows_in"] == 240 * 6
    assert steps[0]["rows_in"] == steps[0]["rows_out"] + sum(one["dropped"] for one in steps)
    reasons = {one["reason"] for one in steps}
    assert reasons == {
        "other years than 2012 and 2015", "joined to the firm's row of 2012", "where is not true in 2012",
    }  # fmt: skip


def test_a_bootstrap_of_the_chain(run: Run) -> None:
    drawn, closed = (run.record["models"][name] for name in ("drawn", "closed"))
    assert (drawn["errors"]["kind"], drawn["errors"]["tfp_uncertainty"]) == ("bootstrap", "include")
    assert drawn["parts"][0]["coefficients"] == drawn["coefficients"]
    assert drawn["parts"][0]["errors"] == drawn["errors"]
    ours, theirs = (np.array([one["std_error"] for one in model["coefficients"]]) for model in (drawn, closed))
    # 199 draws: the error of a standard error is 5 per cent.
    assert ours == pytest.approx(theirs, rel=0.2)
    # Every window and the placebo are drawn; the first is what it is alone.
    several = run.record["models"]["several"]
    assert several["coefficients"] == drawn["coefficients"] == several["parts"][0]["coefficients"]
    assert [part["window"] for part in several["parts"]] == [[2012, 2015], [2011, 2013], [2010, 2012]]
    for part in several["parts"]:
        bootstrap = part["errors"]["bootstrap"]
        assert (bootstrap["draws"], bootstrap["failed"], len(bootstrap["terms"])) == (199, 0, 3)
    # With the level of TFP on the right side too the columns of every draw are made anew.
    through = run.record["models"]["through"]
    assert (through["errors"]["tfp_uncertainty"], through["errors"]["bootstrap"]["failed"]) == ("include", 0)


def test_the_tables_set_windows_side_by_side(run: Run) -> None:
    text = run.table("growth", format="md")
    heading = text.split("| Variable")[1].splitlines()[0]
    columns = [cell.strip() for cell in heading.split("|")[1:-1]]
    assert columns == ["growth, 2012-2015", "growth, 2010-2012, placebo"]
    assert "Years of the change" in text
    assert "firms of 2012-2015 seen in 2010 and 2012" in text
    assert "2012-2015: 2012-2015" not in text, "the years stand once before a note"
    assert "the same elsewhere: d <- merge" in text
    assert "Jaren van de verandering" in run.table("growth", format="md", locale="nl_BE")
    others = run.table("others", format="md")
    assert "windows, 2010-2013" in others
    assert "bootstrap, 199 draws" in others


def test_the_resolved_spec_gives_the_same(run: Run, tmp_path: Path) -> None:
    bundle = run.save(tmp_path / "bundle")
    write_plants(tmp_path / "plants.csv")
    (tmp_path / "again.yaml").write_text((bundle / "spec.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert main(["run", str(tmp_path / "again.yaml"), "-o", str(tmp_path / "twice"), "--quiet"]) == 0
    ours, theirs = (json.loads((one / "run.json").read_text(encoding="utf-8")) for one in (tmp_path / "twice", bundle))
    assert ours["models"] == theirs["models"]
    assert "joined to the firm's row of 2012" in (bundle / "ledger.csv").read_text(encoding="utf-8")


def test_explain_prints_the_equations(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(own_panel(START + MODELS))]) == 0
    said = capsys.readouterr().out
    assert "tfp(2015) - tfp(2012) = b0 + b1 l(2015) + b2 size(2012) + e" in said
    assert "placebo: tfp(2012) - tfp(2010) = b0 + b1 l(2015) + b2 size(2010) + e" in said
    assert "y(2013) - y(2010) = b1 size(2010) + a(sector(2010)) + e" in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("window: [2012, 2015]\n", "window: [2012, 2016]\n",
         "11:20: models.growth.window: 2016 is outside the panel's years, panel.years keeps 2010 to 2015"),
        ("placebo: [2010, 2012]", "placebo: [2009, 2012]", "12:15: models.growth.placebo: 2009 is outside"),
        ("[[2012, 2015], [2010, 2013]]", "[[2012, 2015], [2008, 2013]]", "models.windows.window: 2008 is outside"),
        ("at_end: [l]", "at_end: [l]\n    difference: [size]", 'difference: "size" is text, a number is wanted here'),
        ("design: long_difference", "design: long_differences", '"long_differences" is not a design, did you mean'),
        ("outcome: tfp\n    window", "outcome: sector\n    window", '"sector" is text, a number is wanted here'),
    ],
)  # fmt: skip
def test_mistakes(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str) -> None:
    spec = own_panel(START + MODELS)
    text = spec.read_text(encoding="utf-8").replace("year: yr}", "year: yr, years: [2010, 2015]}")
    assert old in text
    spec.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert main(["check", "--data", str(spec)]) == 2
    assert said in capsys.readouterr().err


def test_a_window_that_fails_fails_its_model_alone(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]) -> None:
    failing = MODELS.replace("placebo: [2010, 2012]", "placebo: [2008, 2012]").replace("draws: 199", "draws: 99")
    failing = failing.replace("formula: tfp_start + size", "errors: HC1")
    spec = own_panel(START + failing, firms=60)
    folder = spec.parent / "run"
    assert main(["run", str(spec), "-o", str(folder)]) == 1
    models = json.loads((folder / "run.json").read_text(encoding="utf-8"))["models"]
    assert models["growth"]["reason"].startswith("2008-2012, placebo: the panel has no row in 2008; its years are 2010")
    assert models["closed"]["status"] == "ok"


def test_labour_productivity_has_no_technology_to_change(own_panel: OwnPanel) -> None:
    lp = "  lp: {method: labour_productivity, output: y, free: [l]}\n"
    growth = "models:\n  m: {design: long_difference, outcome: lp, window: [2012, 2015], formula: size}\n"
    found = tfplab.run(own_panel(growth, productivity=lp)).record["models"]["m"]
    assert (found["status"], found["n_firms"]) == ("ok", 120)
    assert found["errors"]["tfp_uncertainty"] == "none"
