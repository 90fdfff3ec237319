"""The command line as its user meets it: what it prints, where, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tfplab.cli import main

OwnPanel = Callable[..., Path]

MISTAKES = [
    ("degree: 3", "degre: 3", 'productivity.tfp: unknown key "degre", did you mean "degree"?'),
    (
        "size + firm_age + nace",
        "size + firmage + nace",
        'models.table1.formula: no column "firmage" in the panel or in variables:, did you mean "firm_age"?',
    ),
    ("layout: nbb}", "layout: nbbb}", 'panel.accounts.layout: "nbbb" is not a layout, did you mean "nbb"?'),
    ("method: wlp}", "method: wlpp}", 'productivity.tfp_wlp.method: "wlpp" is not a method, did you mean "wlp"?'),
    ("method: wlp}", "method: olley_pake}", '"olley_pake" is not a method, did you mean "olley_pakes"? there are:'),
    (
        "design: cross_section",
        "design: long_diference",
        '"long_diference" is not a design, did you mean "long_difference"? there are: cross_section',
    ),
    ("nace != 'K'", "tfp > 0", 'panel.where: "tfp" is there only after productivity is estimated'),
    ("proxy: ln_m", "proxy: size", 'productivity.tfp.proxy: "size" is text, a number is wanted here'),
    ("data/ict_2023.csv", "data/ict_2032.csv", 'no such file "data/ict_2032.csv"'),
    ("data/accounts_*.csv", "data/acounts_*.csv", "panel.accounts.files"),
    ("by: ai,", "by: aii,", 'figures.figure9.by: no column "aii"'),
    ("tfplab: 1", "tfplab: 1\nextends: base.yaml", 'extends: no such file "base.yaml"'),
    ("tfplab: 1", "tfplab: 1\nvariants: {a: {}}", 'variants.a: the key "of" is missing'),
    ("locale: [en, nl_BE]", "locale: [en, xx]", 'tables.table1.locale: "xx" is not known, there are: en, nl_BE, fr_BE'),
    ("formats: [html,", "formats: [docx,", '"docx" is not available in this version'),
    ("+ nace + ai", "+ nace + ai + log(year)", "log(year): year enters as indicators, for a trend declare trend"),
    ("nace: C}", "nace: C, firm_age: 3}", '"firm_age" is a number and has no base level'),
    ("by: ai,", "by: ai, keep: [x],", '"keep" is no key of a figure of kind productivity_density'),
    ("ai: {en:", "aii: {en:", 'no column, term, model, table or figure "aii", did you mean "ai"?'),
    ("ai: {en:", "ai: {english:", '"english" is not the code of a language, write en, nl, fr or nl_BE'),
    ("[6, 18]}", "[6, 18], trim: {of: [labour / capital], action: winsorise}}", "winsorise replaces the values of a"),
    ("p_values: r_style", "p_values: r_style\n    keep: [ia]", 'no term "ia" in the models of this table'),
    (
        "kind: productivity_density",
        "kind: specification_curve",
        'figures.figure9.of: "tfp" is a productivity entry and no variant',
    ),
    ("method: wlp}", "method: wlp, degre: null}", "productivity.tfp_wlp.degre: an empty value"),
    ("degree: 3,", "degree: 3, shares: {ln_l: x},", "no meaning here, it is a key of method cost_shares, tornqvist"),
]


def spec_of(demo_folder: Path, tmp_path: Path, old: str, new: str) -> Path:
    text = (demo_folder / "hrw_2026.yaml").read_text()
    assert old in text
    (tmp_path / "data").symlink_to(demo_folder / "data")
    spec = tmp_path / "spec.yaml"
    spec.write_text(text.replace(old, new))
    return spec


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES)
def test_a_mistake_is_told_where_it_stands(
    demo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
) -> None:
    spec = spec_of(demo_folder, tmp_path, old, new)
    assert main(["check", str(spec)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    told = next(line for line in printed.err.splitlines() if message in line)
    file, line, column, _ = told.split(":", 3)
    assert file == str(spec)
    # The place lies in what was changed, or in the key or expression around it.
    before = spec.read_text()[: spec.read_text().index(new)]
    first = before.count("\n") + 1
    assert first <= int(line) <= first + new.count("\n")
    assert 1 <= int(column) <= len(spec.read_text().splitlines()[int(line) - 1])


def test_all_mistakes_at_once(demo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (demo_folder / "hrw_2026.yaml").read_text()
    for old, new in [
        ("degree: 3", "degre: 3"),
        ("HC1", "HC4"),
        ("firm_age + nace", "firmage + nace"),
        ("r_style", "r"),
    ]:
        text = text.replace(old, new)
    (tmp_path / "data").symlink_to(demo_folder / "data")
    spec = tmp_path / "spec.yaml"
    spec.write_text(text)
    assert main(["run", str(spec), "-o", str(tmp_path / "run")]) == 2
    assert "4 problems; nothing was written" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_good_spec(demo_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = demo_folder / "hrw_2026.yaml"
    assert main(["check", str(spec)]) == 0
    assert capsys.readouterr().out == f"{spec}: well formed\n"
    assert main(["check", "--data", str(spec)]) == 0


def test_explain_says_what_will_be_done(demo_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(demo_folder / "hrw_2026.yaml")]) == 0
    said = capsys.readouterr().out
    for part in ("ln_va(t) = b[ln_l] ln_l(t)", "C(t-1) lambda2", "year == 2023 and linked == 1", "tfp_uncertainty"):
        assert part in said


def test_a_bundle_holds_what_the_contract_names(demo_bundle: Path) -> None:
    found = {path.relative_to(demo_bundle).as_posix() for path in demo_bundle.rglob("*") if path.is_file()}
    assert {
        "run.json", "spec.yaml", "report.html", "ledger.csv", "manifest.json", "sources/hrw_2026.yaml",
        "tables/table1.html", "tables/table1.tex", "tables/table1.md", "tables/table1.csv", "tables/table1.nl_BE.html",
        "figures/figure9.svg", "figures/figure9.png",
    } <= found  # fmt: skip
    manifest = json.loads((demo_bundle / "manifest.json").read_text())
    assert {"inputs", "outputs", "libraries", "platform", "blas", "seed", "started", "seconds"} <= set(manifest)
    assert len(manifest["inputs"]) == 10


def test_the_resolved_spec_is_a_spec(demo_bundle: Path, demo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(demo_folder / "data")
    spec = tmp_path / "resolved.yaml"
    spec.write_text((demo_bundle / "spec.yaml").read_text())
    assert main(["run", str(spec), "-o", str(tmp_path / "run"), "--quiet"]) == 0
    ours, theirs = (json.loads((path / "run.json").read_text()) for path in (tmp_path / "run", demo_bundle))
    assert ours["models"] == theirs["models"]
    assert ours["spec"]["digest"] == theirs["spec"]["digest"]
    assert (tmp_path / "run" / "run.json").read_bytes() == (demo_bundle / "run.json").read_bytes()


def test_tables_again(demo_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", str(demo_bundle), "table1", "--format", "latex", "--locale", "nl_BE"]) == 0
    assert "Gebruikt AI" in capsys.readouterr().out
    assert main(["table", str(demo_bundle), "--format", "csv", "-o", str(tmp_path / "t.csv")]) == 0
    assert "0.2308" in (tmp_path / "t.csv").read_text()
    for wrong, message in [
        (["table", str(demo_bundle), "tabel1"], 'no table "tabel1", did you mean "table1"?'),
        (["table", str(demo_bundle), "--format", "latx"], 'did you mean "latex"?'),
        (["table", str(demo_bundle), "--locale", "zz"], "is not a locale"),
        (["table", str(tmp_path)], "is not a run bundle"),
    ]:
        assert main(wrong) == 2
        assert message in capsys.readouterr().err


def test_an_own_panel(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    spec = own_panel(
        "models:\n  gap: {design: cross_section, formula: tfp ~ size + sector + yr, errors: {cluster: [plant]}}\n"
    )
    monkeypatch.chdir(spec.parent)
    assert main(["run", str(spec)]) == 0
    record = json.loads((spec.parent / "runs" / "own" / "run.json").read_text())
    terms = {one["term"]: one["estimate"] for one in record["productivity"]["tfp"]["groups"][0]["coefficients"]}
    # 120 plants in six years: the elasticity of labour is found within three of its standard errors.
    assert terms["l"] == pytest.approx(0.6, abs=0.06)
    model = record["models"]["gap"]
    # The panel's own name of the year enters as indicators, like `year`.
    assert [one["term"] for one in model["coefficients"]][-5:] == [f"yr[{year}]" for year in range(2011, 2016)]
    assert model["errors"]["clusters"] == {"plant": 120}
    assert "report:" in capsys.readouterr().out


def test_a_model_that_fails_is_named_and_the_others_go_on(own_panel: OwnPanel, capsys) -> None:
    spec = own_panel(
        "variables: {twice: 2 * k}\n"
        "models:\n"
        "  good: {design: cross_section, formula: tfp ~ sector}\n"
        "  collinear: {design: cross_section, formula: tfp ~ k + twice}\n"
    )
    assert main(["run", str(spec), "-o", str(spec.parent / "run")]) == 1
    record = json.loads((spec.parent / "run" / "run.json").read_text())
    assert record["models"]["good"]["status"] == "ok"
    assert record["models"]["collinear"]["status"] == "failed"
    assert "twice" in record["models"]["collinear"]["reason"]
    assert "collinear" in (spec.parent / "run" / "report.html").read_text()
    assert "model collinear: failed" in capsys.readouterr().out


def test_productivity_that_fails_takes_its_models_with_it(own_panel: OwnPanel) -> None:
    spec = own_panel(
        "variables: {after: tfp - lag(tfp)}\n"
        "models:\n  first: {design: cross_section, formula: tfp ~ sector}\n"
        "  second: {design: cross_section, formula: after ~ sector}\n"
        "  third: {design: cross_section, formula: y ~ sector}\n",
        firms=12,
    )
    assert main(["run", str(spec), "-o", str(spec.parent / "run"), "-q"]) == 1
    record = json.loads((spec.parent / "run" / "run.json").read_text())
    assert record["productivity"]["tfp"]["status"] == "failed"
    for name in ("first", "second"):
        assert record["models"][name]["status"] == "failed"
        assert "productivity tfp failed" in record["models"][name]["reason"]
    assert record["models"]["third"]["status"] == "ok"


def test_foreign_folders_are_left_alone(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]) -> None:
    spec = own_panel()
    folder = spec.parent / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    for command in (["run", str(spec), "-o", str(folder)], ["panel", str(spec), "-o", str(folder)]):
        assert main(command) == 2
        assert "thesis.txt" in capsys.readouterr().err
    assert main(["demo", str(folder)]) == 2
    assert "not empty and holds no demo" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_a_bundle_is_replaced(own_panel: OwnPanel) -> None:
    spec = own_panel()
    folder = spec.parent / "run"
    assert main(["run", str(spec), "-o", str(folder), "-q"]) == 0
    assert main(["run", str(spec), "-o", str(folder), "-q"]) == 0


def test_the_panel_report(own_panel: OwnPanel) -> None:
    spec = own_panel()
    folder = spec.parent / "panel"
    assert main(["panel", str(spec), "-o", str(folder), "-q"]) == 0
    assert main(["panel", str(spec), "-o", str(folder), "-q"]) == 0
    years = (folder / "years.csv").read_text().splitlines()
    assert years[1] == "2010,120,0,"
    assert len(years) == 7
    page = (folder / "panel.html").read_text()
    assert "720 rows, 120 firms, 2010-2015" in page
    columns = {line.split(",")[0]: line.split(",") for line in (folder / "columns.csv").read_text().splitlines()}
    assert columns["y"][4:7] == ["720", "120", "0"]


def test_a_demo_keeps_a_changed_spec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    assert main(["demo", str(folder), "-q"]) == 0
    assert (folder / "runs" / "hrw_2026" / "report.html").is_file()
    assert "ai_ttm" in json.loads((folder / "tfplab.schema.json").read_text())["definitions"]["columns"]["enum"]
    spec = folder / "hrw_2026.yaml"
    spec.write_text(spec.read_text().replace("errors: HC1", "errors: HC3"))
    assert main(["demo", str(folder), "-q"]) == 0
    assert "is kept" in capsys.readouterr().out
    record = json.loads((folder / "runs" / "hrw_2026" / "run.json").read_text())
    assert record["models"]["table1_robust"]["errors"]["kind"] == "HC3"


@pytest.mark.parametrize("module", ["tfplab", "tfplab.cli"])
def test_either_module_runs(tmp_path: Path, module: str) -> None:
    command = [sys.executable, "-m", module, "check", str(tmp_path / "no.yaml")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "no.yaml:1:1" in ended.stderr


@pytest.mark.parametrize("words", [[], ["chek", "x.yaml"], ["run"], ["run", "a.yaml", "--nothing"]])
def test_calls_that_cannot_be_understood(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: tfplab" in capsys.readouterr().err


def test_a_spec_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "no.yaml")]) == 2
    assert "no.yaml:1:1" in capsys.readouterr().err


def test_what_standard_errors_take_as_given_is_said(own_panel: OwnPanel) -> None:
    spec = own_panel(
        "variables: {before: lag(tfp), growth: tfp - lag(tfp), ratio: lp - lag(lp)}\n"
        "models:\n"
        "  plain: {design: cross_section, formula: tfp ~ sector, errors: {cluster: [firm]}}\n"
        "  path: {like: plain, formula: tfp ~ sector + before}\n"
        "  difference: {like: plain, formula: growth ~ sector}\n"
        "  chosen: {like: plain, where: tfp > 0}\n"
        "  data: {like: plain, formula: ratio ~ sector}\n",
        productivity="  lp: {method: labour_productivity, output: y, free: [l]}\n",
    )
    assert main(["run", str(spec), "-o", str(spec.parent / "run"), "-q"]) == 0
    models = json.loads((spec.parent / "run" / "run.json").read_text())["models"]
    said = {name: any("take tfp as given" in note for note in model["notes"]) for name, model in models.items()}
    assert said == {"plain": False, "path": True, "difference": True, "chosen": True, "data": False}
    assert not any("lp" in note for note in models["data"]["notes"])
    kinds = {name: model["errors"]["tfp_uncertainty"] for name, model in models.items()}
    assert kinds == {
        "plain": "include", "path": "outcome", "difference": "ignore", "chosen": "outcome", "data": "none",
    }  # fmt: skip


def test_a_run_that_estimates_nothing_says_so(demo_folder: Path, tmp_path: Path, capsys) -> None:
    text = (demo_folder / "hrw_2026.yaml").read_text()
    (tmp_path / "data").symlink_to(demo_folder / "data")
    spec = tmp_path / "spec.yaml"
    spec.write_text(text[: text.index("productivity:")])
    assert main(["run", str(spec), "-o", str(tmp_path / "run")]) == 0
    assert "neither productivity nor models" in capsys.readouterr().out


def test_failures_are_printed(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]) -> None:
    spec = own_panel("figures: {drawn: {kind: productivity_density, of: tfp}}\n", firms=12)
    assert main(["run", str(spec), "-o", str(spec.parent / "run"), "-q"]) == 1
    quiet = capsys.readouterr()
    assert quiet.out == ""
    assert "tfplab: tfp failed: " in quiet.err
    assert main(["run", str(spec), "-o", str(spec.parent / "run")]) == 1
    printed = capsys.readouterr().out
    assert "productivity tfp: failed: " in printed
    assert "figure drawn: failed: productivity tfp failed" in printed


def test_a_seed_of_the_call_is_the_seed_of_the_run(own_panel: OwnPanel) -> None:
    spec = own_panel()
    assert main(["run", str(spec), "-o", str(spec.parent / "run"), "-q", "--seed", "77"]) == 0
    assert "seed: 77" in (spec.parent / "run" / "spec.yaml").read_text()
    assert json.loads((spec.parent / "run" / "manifest.json").read_text())["seed"] == 77


@pytest.mark.parametrize("value", ["{a: 1}", "[wlp]", "{}", "3"])
def test_a_method_of_another_type(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str], value: str) -> None:
    spec = own_panel(productivity=f"  other: {{like: tfp, method: {value}}}\n")
    assert main(["check", str(spec)]) == 2
    assert "productivity.other" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", ["method: wooldrige", "methd: wooldridge", "method: stochastic_frontier", "method: {a: 1}"]
)
def test_a_wrong_method_beside_models_that_use_its_column(
    own_panel: OwnPanel, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    spec = own_panel(
        "variables: {before: lag(tfp)}\n"
        "models: {path: {design: cross_section, formula: y ~ before + tfp + sector, where: tfp > 0}}\n"
    )
    spec.write_text(spec.read_text().replace("method: wooldridge", wrong))
    assert main(["check", str(spec)]) == 2
    told = capsys.readouterr().err
    assert "own.yaml:5:" in told
    assert "productivity.tfp" in told


def test_a_condition_on_productivity_that_is_none_fails_its_figure_alone(own_panel: OwnPanel) -> None:
    """Others are refused before anything is estimated: test_conditions.py."""
    spec = own_panel(
        "variables: {growth: diff(tfp)}\n"
        "models: {fine: {design: cross_section, formula: y ~ sector}}\n"
        "figures: {drawn: {kind: productivity_density, of: y, where: growth}}\n",
    )
    assert main(["run", str(spec), "-o", str(spec.parent / "run"), "-q"]) == 1
    record = json.loads((spec.parent / "run" / "run.json").read_text())
    assert record["figures"]["drawn"]["status"] == "failed"
    assert "neither 0 nor 1" in record["figures"]["drawn"]["reason"]
    assert record["models"]["fine"]["status"] == "ok"


@pytest.mark.parametrize("number", ["1e308", "-1e200"])
def test_a_number_too_large_to_compute_with(own_panel: OwnPanel, number: str) -> None:
    spec = own_panel("models: {gap: {design: cross_section, formula: y ~ sector}}\n")
    data = spec.parent / "plants.csv"
    header, first, *rest = data.read_text().splitlines()
    cells = first.split(",")
    data.write_text("\n".join([header, ",".join([*cells[:2], number, *cells[3:]]), *rest]) + "\n")
    assert main(["run", str(spec), "-o", str(spec.parent / "run"), "-q"]) == 1
    record = json.loads((spec.parent / "run" / "run.json").read_text())
    for part in (record["productivity"]["tfp"], record["models"]["gap"]):
        assert "y holds the number" in part["reason"]
        assert "too large to compute with" in part["reason"]


def test_an_outcome_that_leaves_nothing_to_explain_is_said(own_panel: OwnPanel) -> None:
    spec = own_panel(
        "variables: {same: 0 * k + 1, double: 2 * k}\n"
        "models:\n  flat: {design: cross_section, formula: same ~ sector}\n"
        "  exact: {design: cross_section, formula: double ~ k}\n"
    )
    assert main(["run", str(spec), "-o", str(spec.parent / "run"), "-q"]) == 0
    models = json.loads((spec.parent / "run" / "run.json").read_text())["models"]
    assert "same is the same in every row: there is nothing to explain" in models["flat"]["notes"]
    assert any("double is an exact sum of the terms" in note for note in models["exact"]["notes"])


def test_a_name_longer_than_a_file_may_be(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]) -> None:
    spec = own_panel(f"tables: {{{'t' * 300}: {{models: [tfp]}}}}\n")
    assert main(["check", str(spec)]) == 2
    assert "a name of 300 characters, files are named after it, take at most 100" in capsys.readouterr().err


def test_keys_are_listed_once(own_panel: OwnPanel, capsys: pytest.CaptureFixture[str]) -> None:
    spec = own_panel("models: {m: {design: decomposition, outcome: tfp, weights: l, qqqqqqqq: 1}}\n")
    assert main(["check", str(spec)]) == 2
    (told,) = [line for line in capsys.readouterr().err.splitlines() if "qqqqqqqq" in line]
    listed = told.partition("there are: ")[2].split(", ")
    assert "design" in listed
    assert len(listed) == len(set(listed))


def test_a_mistake_of_a_copy_stands_at_the_copy_and_one_of_the_parent_once(
    demo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copies = (
        "\n  first: {like: tfp, free: [ln_k]}\n  second: {like: tfp, free: [ln_k]}\n  third: {like: tfp}\nmodels:\n"
    )
    spec = spec_of(demo_folder, tmp_path, "\nmodels:\n", copies)
    assert main(["check", str(spec)]) == 2
    line = spec.read_text()[: spec.read_text().index("  first:")].count("\n") + 1
    told = capsys.readouterr().err.splitlines()
    assert [one.split(" ")[0] for one in told[:2]] == [f"{spec}:{line}:3:", f"{spec}:{line + 1}:3:"]
    assert "free already" in told[0]
    spec.write_text(spec.read_text().replace("free: [ln_k]", "degree: 2").replace("degree: 3", "degree: 8"))
    assert main(["check", str(spec)]) == 2
    assert capsys.readouterr().err.count("at most 4 is wanted") == 1


def test_the_demo_in_difficult_files_gives_the_same_table(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    assert main(["demo", str(folder), "--difficult", "-q"]) == 0
    assert main(["run", str(folder / "hrw_2026.yaml"), "-o", str(folder / "tidy"), "-q"]) == 0
    tidy, difficult = (
        json.loads((bundle / "run.json").read_text(encoding="utf-8"))
        for bundle in (folder / "tidy", folder / "runs" / "hrw_2026_difficult")
    )
    for name in ("table1", "table1_robust"):
        ours, theirs = difficult["models"][name], tidy["models"][name]
        assert ours["n_obs"] == theirs["n_obs"]
        for own, other in zip(ours["coefficients"], theirs["coefficients"], strict=True):
            assert own["term"] == other["term"]
            # Amounts agree to rounding in the last digit, and the estimates lose few of the others.
            assert own["estimate"] == pytest.approx(other["estimate"], abs=1e-10)
            assert own["std_error"] == pytest.approx(other["std_error"], abs=1e-10)
