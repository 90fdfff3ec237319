"""Errors for few clusters and families of hypotheses through whole runs: record, table, disclosure, refusals."""

# ruff: noqa: E501  (messages stand whole, as a user reads them)

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tfplab
from reports.build import build_table
from tfplab.cli import main

OwnPanel = Callable[..., Path]

SIZES = "variables:\n  a: (size == 'large')\n  b: (k > 3)\n  c: (m > 2)\n  cell: cut(k, [-9, 2, 3, 4], labels=['w', 'x', 'y', 'z'])\n"


def models(*lines: str) -> str:
    return SIZES + "models:\n" + "".join(f"  {line}\n" for line in lines)


def model(name: str, right: str, more: str = "", errors: str = "{cluster: [firm]}") -> str:
    return f"{name}: {{design: cross_section, formula: tfp ~ {right}, errors: {errors}{more}}}"


def family(method: str = "romano_wolf", terms: str = "[a]", more: str = "") -> str:
    return f", family: {{id: tech, method: {method}, terms: {terms}{more}}}"


def test_a_family_over_models_is_recorded_and_printed(own_panel: OwnPanel) -> None:
    """Holm over three models by hand; the table has the p-values in brackets and says of what."""
    lines = models(
        model("one", "a", family("holm")), model("two", "b", family("holm", "[b]")),
        model("three", "c + a", family("holm", "[c, a]")), model("other", "a"),
    )  # fmt: skip
    run = tfplab.run(own_panel(lines))
    found = run.record["models"]
    p = {
        (name, one["term"]): one["p_value"]
        for name in ("one", "two", "three")
        for one in found[name]["coefficients"]
        if one["term"] != "constant"
    }
    ranked = sorted(p, key=lambda one: p[one])
    expected, before = {}, 0.0
    for place, one in enumerate(ranked):
        before = max(before, min(1.0, p[one] * (4 - place)))
        expected[one] = before
    for name in ("one", "two", "three"):
        family_ = found[name]["family"]
        assert (family_["id"], family_["method"], family_["draws"], family_["hypotheses"]) == ("tech", "holm", None, 4)
        assert family_["members"] == [{"model": m, "term": t} for m, t in p]
        assert family_["adjusted"] == pytest.approx({t: expected[m, t] for m, t in p if m == name}, rel=1e-12)
    assert found["other"]["family"] is None
    table = build_table(run.record, "models", "en")
    brackets = [cell.text for panel in table.panels for row in panel.rows for cell in row.cells if "[" in cell.text]
    assert len(brackets) == 4
    notes = [one.text for one in table.notes]
    (note,) = [one for one in notes if "In brackets" in one]
    assert note.endswith("p-values adjusted for the 4 hypotheses of the family tech, Holm.")


def test_romano_wolf_draws_firms_of_all_models_together(own_panel: OwnPanel) -> None:
    """The same hypothesis twice needs no adjustment, where Holm doubles it; coarse clusters have codes in common."""
    for errors in ("HC1", "{cluster: [firm]}", "{cluster: [cell]}", "{wild_bootstrap: {cluster: [sector^size]}}"):
        where = ", where: year == 2012"
        lines = models(
            model("one", "y", where + family(terms="[y]", more=", draws: 1999"), errors),
            model("two", "y", where + family(terms="[y]", more=", draws: 1999"), errors),
        )
        run = tfplab.run(own_panel(lines, header="seed: 3\n"))
        one = run.record["models"]["one"]
        p = next(c["p_value"] for c in one["coefficients"] if c["term"] == "y")
        adjusted = one["family"]["adjusted"]["y"]
        assert (one["family"]["draws"], one["family"]["seed"]) == (1999, 3)
        # A share of 1,999 draws.
        assert p <= adjusted <= p + 4 * (p * (1 - p) / 1999) ** 0.5 + 1 / 1999


def test_what_failed_counts_and_is_named(own_panel: OwnPanel) -> None:
    lines = models(
        model("one", "a", family("holm")),
        model("two", "b + e", family("holm", "[b]")),
        model("three", "size", family("holm", "['size[large]', 'size[huge]']")),
    ).replace("variables:\n", "variables:\n  e: 2 * (k > 3)\n")
    run = tfplab.run(own_panel(lines))
    one = run.record["models"]["one"]
    assert run.record["models"]["two"]["status"] == "failed"
    assert one["family"]["hypotheses"] == 4
    assert one["family"]["lost"] == ["two", "size[huge] of three"]
    assert any("in the family tech there is no p-value of two, size[huge] of three" in note for note in one["notes"])


def test_disclosure_withholds_a_family_with_a_withheld_hypothesis(own_panel: OwnPanel) -> None:
    lines = models(
        "rare: {design: cross_section, formula: tfp ~ d, where: year == 2012, errors: HC1"
        + family("holm", "[d]")
        + "}",
        model("one", "a", family("holm"), "HC1"),
        model("free", "b", ", family: {id: free, terms: [b]}", "HC1"),
    ).replace("variables:\n", "variables:\n  d: (first(k) > 4.8)\n")
    rule = "disclosure: {minimum_firms: 10, on_breach: suppress}\n"
    run = tfplab.run(own_panel(lines, header=rule))
    found = run.record["models"]
    (term,) = [one for one in found["rare"]["coefficients"] if one["term"] == "d"]
    assert term.get("suppressed"), "the design of this test: fewer than ten firms"
    for name in ("rare", "one"):
        assert set(found[name]["family"]["adjusted"].values()) == {None}
    assert all(value is not None for value in found["free"]["family"]["adjusted"].values())
    table = build_table(run.record, "models", "en")
    assert not any("family tech" in one.text for one in table.notes)


def test_degrees_of_freedom_of_a_withheld_term_are_withheld(own_panel: OwnPanel) -> None:
    lines = models(
        "rare: {design: cross_section, formula: tfp ~ d + l, where: year == 2012, "
        "errors: {cluster: [firm], small_sample: CR2}}"
    ).replace("variables:\n", "variables:\n  d: (first(k) > 4.8)\n")
    run = tfplab.run(own_panel(lines, header="disclosure: {minimum_firms: 10, on_breach: suppress}\n"))
    dfs = run.record["models"]["rare"]["errors"]["dfs"]
    assert dfs["d"] is None
    assert dfs["l"] is not None


def test_the_same_bytes_again(own_panel: OwnPanel) -> None:
    lines = models(
        model("one", "a", family(), "{wild_bootstrap: {cluster: [sector^size]}}"),
        model("two", "b", family(terms="[b]"), "{cluster: [sector^size], small_sample: CR2}"),
    )
    spec = own_panel(lines)
    records = [json.dumps(tfplab.run(spec).record, sort_keys=True) for _ in range(2)]
    assert records[0] == records[1]


MISTAKES = [
    ((model("m", "a", ", family: {terms: [a]}"),), 'm.family: the key "id" is missing'),
    ((model("m", "a", ", family: {id: t}"),), 'm.family: the key "terms" is missing, the constant and controls are no'),
    ((model("m", "a", ", family: t"),), 'm.family: a map is wanted, not "t"'),
    ((model("m", "a", ", family: {id: t, terms: a}"),), 'm.family.terms: a list of terms is wanted, not "a", write [a]'),
    ((model("m", "a", ", family: {id: t, terms: []}"),), "m.family.terms: a family without a term"),
    ((model("m", "a", ", family: {id: t, terms: [a, a]}"),), 'm.family.terms.1: "a" stands twice'),
    ((model("m", "a", ", family: {id: t, terms: [a], method: bonferroni}"),),
     'm.family.method: "bonferroni" is no method of adjustment, there are: romano_wolf, holm, benjamini_hochberg'),
    ((model("m", "a", ", family: {id: t, terms: [a], method: holm, draws: 99}"),),
     "m.family.draws: draws beside holm, it draws nothing, leave draws out"),
    ((model("m", "a", ", family: {id: t, terms: [a], draws: 9}"),), "m.family.draws: 9 draws"),
    ((model("m", "a", ", family: {id: t, terms: [a], draw: 99}"),), 'm.family.draw: unknown key "draw", did you mean "draws"'),
    ((model("m", "a + b", family(terms="[aa]")),), 'models.m.family.terms: no term "aa" in this model, did you mean "a"?'),
    ((model("m", "a", family()), model("n", "b", family("holm", "[b]"))),
     "models.n.family: method holm of the family tech, in m it is romano_wolf, write the same in both"),
    ((model("m", "a", family()), model("n", "b", family(terms="[b]"), "{cluster: [sector]}")),
     "models.n.family: errors by sector in the family tech, those of m are by firm, and clusters are drawn together"),
    ((model("m", "a", family(), "{cluster: [firm, year]}"),),
     "models.m.family: romano_wolf beside two ways of clustering"),
    ((model("m", "a", ", tfp_uncertainty: include", "{wild_bootstrap: {cluster: [sector]}}"),),
     "models.m.tfp_uncertainty: a wild bootstrap takes the outcome as data"),
    (("m: {design: decomposition, outcome: tfp, weights: y, errors: {wild_bootstrap: {cluster: [sector]}}}",),
     "models.m.errors: there is no wild bootstrap of design: decomposition, there is one of: cross_section, fixed_effects"),
    (("m: {design: decomposition, outcome: tfp, weights: y, errors: {cluster: [firm], small_sample: CR2}}",),
     "models.m.errors.small_sample: no CR2 of a decomposition, it corrects the residuals of a regression"),
    (("m: {design: did, outcome: tfp, adoption: {cohort: a}, errors: {cluster: [firm], small_sample: CR3}}",),
     "models.m.errors.small_sample: no CR3 of a difference-in-differences"),
    (("m: {design: decomposition, outcome: tfp, weights: y, family: {id: t, terms: [a]}}",),
     'models.m: the key "family" has no meaning here, it is a key of design cross_section, fixed_effects, did'),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "message"), MISTAKES)
def test_mistakes_are_told(
    own_panel: OwnPanel, capsys: pytest.CaptureFixture[str], lines: tuple[str, ...], message: str
) -> None:
    spec = own_panel(models(*lines))
    assert main(["check", str(spec)]) == 2
    told = capsys.readouterr().err
    assert message in told
    line = next(one for one in told.splitlines() if message in one)
    assert line.startswith(f"{spec}:")


def test_copies_take_over_what_a_wild_bootstrap_implies(own_panel: OwnPanel) -> None:
    """The first stage stays out of a copy until it asks; a parent's include does not reach a wild bootstrap."""
    lines = models(
        model("wild", "a", errors="{wild_bootstrap: {cluster: [sector^size]}}"),
        "plain: {like: wild, errors: {cluster: [firm]}}",
        model("with", "a", ", tfp_uncertainty: include"),
        "drawn: {like: with, errors: {wild_bootstrap: {cluster: [sector^size], draws: 199}}}",
    )
    run = tfplab.run(own_panel(lines))
    treated = {name: one["errors"]["tfp_uncertainty"] for name, one in run.record["models"].items()}
    assert treated == {"wild": "ignore", "plain": "ignore", "with": "include", "drawn": "ignore"}


def test_clusters_that_cut_through_firms_leave_romano_wolf_out(own_panel: OwnPanel) -> None:
    lines = models(model("one", "a", family() + ", tfp_uncertainty: ignore", "{cluster: [cell]}"))
    one = tfplab.run(own_panel(lines)).record["models"]["one"]
    assert one["family"] is None
    assert any("clusters of cell cut through firms in one" in note for note in one["notes"])


def test_models_of_other_methods_are_drawn_by_their_clusters_too(own_panel: OwnPanel) -> None:
    """A logit and a quantile know no panel where they are estimated: the clusters of their firms are found after it."""
    keys = "where: year == 2012, errors: {cluster: [sector^size]}, family: {id: tech, terms: [y], draws: 99}"
    lines = models(
        "choice: {design: cross_section, method: logit, formula: b ~ y, " + keys + "}",
        "middle: {design: cross_section, method: quantile, formula: tfp ~ y, quantiles: [0.5], " + keys + "}",
    )
    run = tfplab.run(own_panel(lines))
    for name in ("choice", "middle"):
        one = run.record["models"][name]
        p = next(c["p_value"] for c in one["coefficients"] if c["term"] == "y")
        assert p <= one["family"]["adjusted"]["y"] <= min(1, 2 * p)
