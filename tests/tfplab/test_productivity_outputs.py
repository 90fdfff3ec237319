"""What a spec can ask of productivity beside a column: diagnostics, elasticities, agreement, decompositions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tfplab
from reports.figures.drawing import FigureContext
from reports.figures.sayings import said
from reports.labels import Labels
from reports.words import words_of
from tfplab.cli import main

Panel = Callable[..., Path]

ENTRIES = """\
  by_sector: {like: tfp, separately_by: [sector], degree: 1}
  flexible: {like: tfp, technology: translog, steps: 1}
  pooled: {method: ols, output: y, free: [l], state: [k]}
  lp: {method: labour_productivity, output: y, free: [l]}
"""
OUTPUTS = """\
variables: {employees: exp(l)}
models:
  levels: {design: decomposition, outcome: tfp, weights: employees, by: sector}
  change: {design: decomposition, outcome: tfp, weights: employees, method: melitz_polanec, years: [2011, 2014]}
  outside: {like: change, outcome: y}
tables:
  checks: {kind: diagnostics, models: [tfp, by_sector], formats: [md, html, latex, csv], locale: [en, nl_BE, fr_BE]}
  everything: {kind: diagnostics}
  change: {models: [change, outside], keep: [within, entry]}
figures:
  own: {kind: elasticities, of: [tfp, by_sector, flexible]}
  sizes: {kind: elasticities, of: [flexible, by_sector, tfp], by: size}
  late: {kind: elasticities, of: flexible, where: yr >= 2013}
  curves: {kind: productivity_density, of: [tfp, lp]}
"""
PARENTS = """\
  lp: {method: labour_productivity, output: y, free: [l]}
  mu: {method: markup, of: tfp, input: l, expenditure: paid, revenue: earned}
"""


def test_a_spec_may_ask_for_all_of_it(own_panel: Panel, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = own_panel(OUTPUTS, productivity=ENTRIES)
    assert main(["run", str(spec), "-o", str(tmp_path / "run"), "-q"]) == 0, capsys.readouterr().err
    names = {path.name for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert {"checks.md", "checks.fr_BE.tex", "everything.html", "sizes.svg", "sizes.png"} <= names
    text = (tmp_path / "run" / "tables" / "checks.md").read_text(encoding="utf-8")
    assert "First-stage F" in text
    assert "sector A" in text
    assert main(["check", str(tmp_path / "run" / "spec.yaml")]) == 2  # its paths are those of the original
    (tmp_path / "again.yaml").write_bytes((tmp_path / "run" / "spec.yaml").read_bytes())
    assert main(["check", str(tmp_path / "again.yaml")]) == 0, capsys.readouterr().err


def test_the_record_holds_it(own_panel: Panel) -> None:
    run = tfplab.run(own_panel(OUTPUTS, productivity=ENTRIES))
    record = run.record
    pairs = [tuple(one["of"]) for one in record["agreement"]]
    assert len(pairs) == 10
    assert pairs[0] == ("tfp", "by_sector")
    assert record["agreement"][0]["within"] == ["sector"]
    assert record["agreement"][0]["outputs"] == ["y", "y"]
    assert 0 < record["agreement"][-1]["levels"]["spearman"] <= 1
    terms = {one["term"]: one["estimate"] for one in record["models"]["change"]["coefficients"]}
    added = sum(terms[name] for name in ("within", "between", "entry", "exit"))
    assert added == pytest.approx(terms["change"], abs=1e-12)
    assert record["models"]["change"]["errors"]["tfp_uncertainty"] == "include"
    assert record["models"]["outside"]["errors"]["tfp_uncertainty"] == "none"
    sizes = record["figures"]["sizes"]
    assert sizes["of"] == ["flexible", "by_sector", "tfp"]
    assert {(one["of"], one["label"]) for one in sizes["series"]} == {
        ("flexible", "small"), ("flexible", "large"), ("by_sector", "small"), ("by_sector", "large"), ("tfp", ""),
    }  # fmt: skip
    assert all(one["conf_low"] < one["estimate"] < one["conf_high"] for one in sizes["series"])
    assert any("the same at every level of size" in note for note in sizes["notes"])
    assert [one["averaged"] for one in record["figures"]["late"]["series"]] == [True, True]
    own = {(one["of"], one["label"], one["input"]): one for one in record["figures"]["own"]["series"]}
    group = record["productivity"]["by_sector"]["groups"][1]
    assert own["by_sector", "B", "k"]["conf_high"] == group["coefficients"][1]["conf_high"]
    assert (
        own["flexible", "", "l"]["estimate"]
        == record["productivity"]["flexible"]["groups"][0]["elasticities"][0]["estimate"]
    )
    assert run.table("change").count("Survivors: within") == 1


BY_PROXY = """\
  lagged: {like: tfp, method: wlp, technology: translog}
  poly: {like: tfp, method: levinsohn_petrin}
  dynamic: {like: tfp, method: ackerberg_caves_frazer}
"""
BY_SIZE = """\
figures:
  sizes: {kind: elasticities, of: [tfp, by_sector, flexible, pooled, lagged, poly, dynamic], by: size}
"""


def test_an_estimate_does_not_depend_on_what_else_is_asked(own_panel: Panel) -> None:
    """The elasticities of rows are extras: asking for them changes no digit."""
    plain = tfplab.run(own_panel(productivity=ENTRIES + BY_PROXY)).record["productivity"]
    asked = tfplab.run(own_panel(OUTPUTS, productivity=ENTRIES + BY_PROXY)).record["productivity"]
    assert asked == plain
    asked = tfplab.run(own_panel(BY_SIZE, productivity=ENTRIES + BY_PROXY)).record["productivity"]
    assert asked == plain


@pytest.mark.parametrize("parent", ["tfp", "lagged", "poly", "dynamic"])
def test_a_markup_moves_no_number_of_its_parent(own_panel: Panel, parent: str) -> None:
    """The transitory error needs the parameters of the control function beside the elasticities: other products of
    the same numbers, which differ by rounding."""
    plain = tfplab.run(own_panel(productivity=BY_PROXY)).record["productivity"][parent]
    markup = f"  mu: {{method: markup, of: {parent}, input: l, expenditure: paid, revenue: earned}}\n"
    variables = "variables: {paid: 0.4 * exp(l), earned: exp(y)}\n"
    behind = tfplab.run(own_panel(variables, productivity=BY_PROXY + markup)).record["productivity"][parent]
    for one, other in zip(plain["groups"], behind["groups"], strict=True):
        for mine, theirs in zip(one["coefficients"], other["coefficients"], strict=True):
            assert theirs["estimate"] == pytest.approx(mine["estimate"], rel=1e-9)
            assert theirs["std_error"] == pytest.approx(mine["std_error"], rel=1e-9)
        assert other["n_obs"] == one["n_obs"]
        j = one["j_statistic"]
        assert other["j_statistic"] == (None if j is None else pytest.approx(j, rel=1e-8))


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("figures: {f: {kind: elasticities, of: lp}}", 'figures.f.of: "lp" estimates no elasticity: its method is'),
        ("figures: {f: {kind: elasticities, of: [tfp, tpf]}}", 'no productivity entry "tpf", did you mean "tfp"?'),
        (
            "variables: {paid: exp(l), earned: exp(y)}\nfigures: {f: {kind: elasticities, of: [tfp, mu]}}",
            '"mu" estimates no elasticity: its method is markup, name the entry that it is made of: tfp',
        ),
        ("figures: {f: {kind: elasticities, of: y}}", 'no productivity entry "y", there are: tfp'),
        ("figures: {f: {kind: elasticities, of: tfp, by: sizes}}", 'no column "sizes"'),
        ("figures: {f: {kind: productivity_density, of: [tfp, sector]}}", '"sector" is text'),
        ("tables: {t: {kind: diagnostics, keep: [l]}}", '"keep" is no key of a table of diagnostics'),
        ("tables: {t: {kind: diagnostics, models: [m]}}", 'no productivity entry "m"'),
        ("tables: {t: {kind: diagnostic}}", "diagnostics"),
        ("tables: {t: {models: []}}", "tables.t.models: no model is named"),
        ("tables: {t: {kind: diagnostics, models: []}}", "leave the key out for all productivity entries"),
        ("models: {a: {design: decomposition, outcome: tfp, weights: k, by: secto}}", 'no column "secto"'),
        ("models: {a: {design: decomposition, outcome: tfp, weights: sector}}", '"sector" is text'),
        ("models: {a: {design: decomposition, outcome: tfp, weights: k, errors: HC1}}", "write {cluster: [firm]}"),
        (
            "models: {a: {design: decomposition, outcome: tfp, weights: k}}\n"
            "tables: {t: {models: [a], keep: [within]}}",
            'no term "within" in the models of this table',
        ),
    ],
)
def test_mistakes_are_told_before_a_row_is_read(
    own_panel: Panel, capsys: pytest.CaptureFixture[str], extra: str, said: str
) -> None:
    models = "" if "models:" in extra else "models: {m: {design: cross_section, formula: tfp ~ size}}\n"
    if "variables:" not in extra:
        extra += "\nvariables: {paid: exp(l), earned: exp(y)}"
    spec = own_panel(models + extra + "\n", productivity=PARENTS)
    assert main(["check", "--data", str(spec)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "1 problem" in error


def test_a_figure_draws_what_did_not_fail_and_names_what_did(own_panel: Panel) -> None:
    broken = "  broken: {like: tfp, where: yr == 2010}\n  late: {like: tfp, technology: translog, where: yr > 2012}\n"
    extra = (
        "figures:\n"
        "  f: {kind: elasticities, of: [tfp, broken]}\n"
        "  curves: {kind: productivity_density, of: [broken, tfp]}\n"
        "  all: {kind: elasticities, of: broken}\n"
        "  condition: {kind: elasticities, of: tfp, where: broken > 0}\n"
        "  some: {kind: elasticities, of: [tfp, late], where: yr == 2012}\n"
    )
    figures = tfplab.run(own_panel(extra, productivity=broken)).record["figures"]
    for name in ("f", "curves"):
        assert (figures[name]["status"], figures[name]["of"]) == ("ok", "tfp")
        assert any(
            note.startswith("not drawn: broken: productivity broken failed: ") for note in figures[name]["notes"]
        )
    for name in ("all", "condition"):
        assert figures[name]["status"] == "failed"
        assert "broken failed" in figures[name]["reason"]
    assert "not drawn: late: where keeps no row of the estimation sample of late" in figures["some"]["notes"]


def test_an_estimated_weight_is_taken_as_given_and_said(own_panel: Panel) -> None:
    extra = (
        "variables: {size_of_tfp: exp(tfp)}\nmodels: {m: {design: decomposition, outcome: tfp, weights: size_of_tfp}}\n"
    )
    model = tfplab.run(own_panel(extra)).record["models"]["m"]
    assert any(note.startswith("standard errors take tfp as given") for note in model["notes"])


def test_a_failure_is_named_once(own_panel: Panel) -> None:
    broken = "  broken: {like: tfp, where: yr == 2010}\n"
    run = tfplab.run(own_panel("models: {m: {design: cross_section, formula: broken ~ size}}\n", productivity=broken))
    reason = run.record["productivity"]["broken"]["reason"]
    assert "productivity" not in reason
    assert run.record["models"]["m"]["reason"] == f"productivity broken failed: {reason}"


def test_the_record_knows_what_a_model_rests_on(own_panel: Panel) -> None:
    extra = (
        "variables: {moved: tfp + 1, paid: 0.5 * exp(y), earned: exp(y)}\n"
        "models:\n"
        "  own: {design: cross_section, formula: tfp ~ size}\n"
        "  made: {design: cross_section, formula: moved ~ size, errors: {bootstrap: {draws: 99}}}\n"
        "  data: {design: cross_section, formula: y ~ size}\n"
        "  price: {design: cross_section, formula: margin ~ size}\n"
        "tables: {t: {models: [own, made, data, price, lp, margin]}}\n"
    )
    more = (
        "  whole: {like: tfp, sample: all}\n"
        "  margin: {method: markup, of: whole, input: l, expenditure: paid, revenue: earned}\n"
        "  lp: {method: labour_productivity, output: y, free: [l]}\n"
    )
    run = tfplab.run(own_panel(extra, productivity=more))
    models = run.record["models"]
    assert [models[name]["productivity"] for name in ("own", "made", "data", "price")] == [
        ["tfp"], ["tfp"], [], ["margin"],
    ]  # fmt: skip
    assert run.record["productivity"]["margin"]["made_of"] == ["whole"]
    lines = {line.split("|")[1].strip(): line for line in run.table("t").splitlines() if line.startswith("|")}
    cells = [cell.strip() for cell in lines["Productivity"].split("|")[2:-1]]
    markup = "markup, De Loecker and Warzynski (2012), of Wooldridge (2009)"
    assert cells == ["Wooldridge (2009)", "Wooldridge (2009)", "not applicable", markup, markup]
    text = run.table("t")
    # The entry behind the markup is described, with its sample and its errors.
    assert "whole: Wooldridge (2009); output y" in text
    assert "standard errors: clustered by firm" in text
    assert "lp: nothing is estimated" in text


def test_figures_speak_one_language(own_panel: Panel) -> None:
    """What the computation says below a figure has words in every language."""
    extra = (
        "variables: {gap: lag(y)}\n"
        "figures:\n"
        "  curves: {kind: productivity_density, of: [tfp, by_sector, gap], by: size}\n"
        "  sizes: {kind: elasticities, of: [flexible, tfp], by: size}\n"
        "  late: {kind: elasticities, of: [flexible, tfp, by_sector], where: yr >= 2013}\n"
    )
    record = tfplab.run(own_panel(extra, productivity=ENTRIES)).record
    seen = []
    for figure in record["figures"].values():
        assert figure["status"] == "ok", figure["reason"]
        for note in figure["notes"]:
            texts = {
                said(note, FigureContext(figure, "", "", Labels({}, words), words, 10))
                for words in map(words_of, ("en", "nl_BE", "fr_BE"))
            }
            assert len(texts) == 3, note
            seen.append(note)
    for part in (
        "Gaussian kernel",
        "each curve ends",
        "missing in",
        "cannot be compared",
        "at every level",
        "means over",
    ):
        assert any(part in note for note in seen), part


def test_indicators_of_separate_technologies_are_not_printed_as_gaps(own_panel: Panel) -> None:
    productivity = "  own: {like: tfp, separately_by: [sector], min_firms: 20}\n"
    extra = (
        "models:\n"
        "  apart: {design: cross_section, formula: own ~ sector + size + size:sector}\n"
        "  mixed: {design: cross_section, formula: own ~ size}\n"
        "  one: {design: cross_section, formula: tfp ~ sector + size}\n"
        "tables:\n"
        "  alone: {models: [apart], formats: [md]}\n"
        "  beside: {models: [apart, one], formats: [md]}\n"
        "  kept: {models: [apart], keep: [sector, size], formats: [md]}\n"
    )
    run = tfplab.run(own_panel(extra, productivity=productivity))
    record = run.record["models"]
    # They are estimated, and a reader of run.json finds them.
    (term,) = record["apart"]["not_gaps"]
    assert term.startswith("sector[")
    assert term in [one["term"] for one in record["apart"]["coefficients"]]
    assert record["one"]["not_gaps"] == record["mixed"]["not_gaps"] == []
    assert any("no productivity gaps" in note for note in record["apart"]["notes"])
    assert any("with sector in the formula" in note for note in record["mixed"]["notes"])
    assert not any("separately" in note for note in record["one"]["notes"])
    for table in ("alone", "kept"):
        printed = run.table(table, format="md").split("Dependent variable")[0]
        assert [line for line in printed.splitlines() if line.startswith("| sector")] == []
    (row,) = [one for one in run.table("beside", format="md").splitlines() if one.startswith("| sector")]
    apart, one = (cell.strip() for cell in row.split("|")[2:4])
    assert apart == "–"
    assert float(one.strip("*")) == pytest.approx(
        next(x["estimate"] for x in record["one"]["coefficients"] if x["term"] == term), abs=6e-4
    )


def test_who_enters_and_leaves_stands_beside_a_change_and_is_hidden_with_it(own_panel: Panel) -> None:
    where = "where: yr == 2010 and k < 5 or yr == 2015 and k > 2"
    extra = (
        "variables: {people: exp(l)}\n"
        f"models:\n  m: {{design: decomposition, outcome: y, weights: people, method: melitz_polanec, {where}}}\n"
    )
    spec = own_panel(extra)
    run = tfplab.run(spec)
    stats = run.record["models"]["m"]["stats"]
    firms = {one["term"]: one["n_firms"] for one in run.record["models"]["m"]["coefficients"]}
    assert (stats["n_survivors"], stats["n_entrants"], stats["n_exiters"]) == (
        firms["within"], firms["entry"], firms["exit"],
    )  # fmt: skip
    assert stats["share_survivors_first"] + stats["share_exiters"] == pytest.approx(1, abs=1e-12)
    assert stats["share_survivors_last"] + stats["share_entrants"] == pytest.approx(1, abs=1e-12)
    (row,) = [line for line in run.table("models", format="md").splitlines() if line.startswith("| Entrants")]
    assert f"{stats['n_entrants']} ({100 * stats['share_entrants']:.1f} %)" in row
    fewest = min(stats["n_entrants"], stats["n_exiters"])
    spec.write_text(spec.read_text() + f"disclosure: {{minimum_firms: {fewest + 1}, on_breach: suppress}}\n")
    hidden = tfplab.run(spec)
    stats = hidden.record["models"]["m"]["stats"]
    assert {key for key, one in stats.items() if one is not None} == {"first_year", "last_year"}
    (row,) = [line for line in hidden.table("models", format="md").splitlines() if line.startswith("| Entrants")]
    assert row.split("|")[2].strip() == "c"


def test_diagnostics_without_an_estimate_are_refused_at_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.csv").write_text("firm,year,y,l\n1,2010,1,2\n2,2010,2,3\n", encoding="utf-8")
    spec = tmp_path / "s.yaml"
    spec.write_text(
        "tfplab: 1\npanel: {table: {files: p.csv}}\nmodels: {d: {design: cross_section, formula: y ~ l}}\n"
        "tables:\n  t: {kind: diagnostics}\n",
        encoding="utf-8",
    )
    assert main(["check", str(spec)]) == 2
    error = capsys.readouterr().err
    assert "s.yaml:5:13: tables.t.kind: there is no productivity entry" in error


def test_sampling_weights_are_named_beside_the_activity(own_panel: Panel) -> None:
    extra = (
        "variables: {people: exp(l), drawn: exp(0.1 * k)}\n"
        "models: {m: {design: decomposition, outcome: tfp, weights: people, sampling_weights: drawn}}\n"
    )
    run = tfplab.run(own_panel(extra))
    model = run.record["models"]["m"]
    assert (model["weights"], model["sampling_weights"]) == ("people", "drawn")
    (row,) = [line for line in run.table("models", format="md").splitlines() if line.startswith("| Weights")]
    assert "people, times drawn (sampling weights)" in row


def test_a_mean_over_one_firm_is_suppressed(own_panel: Panel) -> None:
    """A translog's elasticity in one row is a firm's own number, however many the estimate rests on."""
    extra = (
        "figures: {f: {kind: elasticities, of: flexible, by: few, where: yr == 2013}}\n"
        "disclosure: {on_breach: suppress}\n"
    )
    header = "variables: {few: 1 * (plant == 'p007')}\n"
    record = tfplab.run(own_panel(extra, productivity=ENTRIES, header=header)).record
    figure = record["figures"]["f"]
    assert figure["status"] == "ok", figure["reason"]
    one_firm = [one for one in figure["series"] if one["label"] == "1"]
    assert [one["estimate"] for one in one_firm] == [None, None]
    assert all(one["suppressed"] and one["averaged"] for one in one_firm)
    assert all(one["n_firms"] > 10 for one in figure["series"] if one["label"] == "0")
    assert record["productivity"]["flexible"]["groups"][0]["n_firms"] > 10


def test_a_figure_of_which_disclosure_leaves_nothing_fails(own_panel: Panel) -> None:
    """An empty frame would be no figure; one group that is left is."""
    figures = (
        "figures:\n  one: {kind: elasticities, of: flexible, where: plant == 'p001'}\n"
        "  all: {kind: elasticities, of: flexible}\n  some: {kind: elasticities, of: flexible, by: few}\n"
    )
    header = "variables: {few: 1 * (plant == 'p001')}\n"
    rule = "disclosure: {minimum_firms: 10, on_breach: suppress}\n"
    entry = "  flexible: {like: tfp, technology: translog, steps: 1}\n"
    run = tfplab.run(own_panel(figures + rule, productivity=entry, header=header))
    record = run.record["figures"]
    assert record["one"]["status"] == "failed"
    assert record["one"]["reason"] == (
        "nothing is left to draw: all of it rests on fewer than 10 firms, and disclosure suppresses that; widen "
        "where, or take a coarser by"
    )
    assert [one.name for one in run.results.failed] == ["one"]
    assert record["all"]["status"] == record["some"]["status"] == "ok"
    run = tfplab.run(own_panel(figures, productivity=entry, header=header))
    assert run.record["figures"]["one"]["status"] == "ok"
    assert "figures.one" in {one["where"] for one in run.record["disclosure"]["breaches"]}
