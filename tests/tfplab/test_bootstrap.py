"""The bootstrap through a whole run: what is drawn again, what is recorded, what is said and what is refused."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfplab
from estimation import chain
from estimation.productivity import levinsohn_petrin
from estimation.resamplers import Resampler
from estimation.results import FloatArray
from tfplab import bootstrapping
from tfplab.api import Run
from tfplab.cli import main

WLP = "  wlp: {method: wlp, output: y, free: [l], state: [k], proxy: m, degree: 1}\n"
LATE = "variables:\n  growth: diff(wlp)\n  high: cut(wlp, [-9, 0.2], labels=['low', 'high'])\n"
BOOT = "errors: {bootstrap: {cluster: [plant], draws: 99}}"


def models(*lines: str) -> str:
    return "models:\n" + "".join(f"  {line}\n" for line in lines)


def model(name: str, formula: str, errors: str = BOOT, more: str = "") -> str:
    return f"{name}: {{design: cross_section, formula: {formula}, {errors}{more}}}"


def errors_of(run: Run, name: str) -> np.ndarray:
    return run.models[name].coefficients[["std_error", "conf_low", "conf_high", "p_value"]].to_numpy()


def test_what_a_run_records(own_panel: Callable[..., Path]) -> None:
    lines = models(
        model("plain", "tfp ~ size", "errors: {cluster: [plant]}"),
        model("drawn", "tfp ~ size"),
        model("student", "tfp ~ size", "errors: {bootstrap: {draws: 99, interval: studentised, strata: sector}}"),
    )
    productivity = "  tfp_b: {like: tfp, errors: {bootstrap: {draws: 199}}}\n"
    run = tfplab.run(own_panel(lines, productivity=productivity, header="seed: 5\n"))
    plain, drawn, student = (run.record["models"][name] for name in ("plain", "drawn", "student"))
    estimates = [[one["estimate"] for one in of["coefficients"]] for of in (plain, drawn, student)]
    assert estimates[0] == estimates[1] == estimates[2]
    errors = drawn["errors"]
    assert (errors["kind"], errors["clusters"], errors["df"]) == ("bootstrap", {"plant": 120}, None)
    assert (errors["tfp_uncertainty"], errors["small_sample"]) == ("include", "")
    asked = errors["bootstrap"]
    assert {key: asked[key] for key in ("draws", "failed", "seed", "interval", "strata")} == {
        "draws": 99, "failed": 0, "seed": 5, "interval": "percentile", "strata": {},
    }  # fmt: skip
    assert student["errors"]["bootstrap"]["strata"] == {"sector": 2}
    for of, shown in ((drawn, "percentile"), (student, "studentised")):
        for one, both in zip(of["coefficients"], of["errors"]["bootstrap"]["terms"], strict=True):
            assert both["term"] == one["term"]
            assert both[shown] == [one["conf_low"], one["conf_high"]]
            assert both["percentile"] != both["studentised"]
            assert both["undefined"] == 0
    # The spread of 99 draws is known to 7 per cent.
    ratio = errors_of(run, "drawn")[:, 0] / errors_of(run, "plain")[:, 0]
    assert (np.abs(ratio - 1) < 0.25).all()
    (closed,), (group,) = (run.record["productivity"][name]["groups"] for name in ("tfp", "tfp_b"))
    assert closed["errors"]["kind"] == "cluster"
    assert (group["errors"]["kind"], group["errors"]["clusters"]) == ("bootstrap", {"firm": 120})
    assert group["errors"]["bootstrap"]["draws"] == 199
    for one, other in zip(closed["coefficients"], group["coefficients"], strict=True):
        assert one["estimate"] == other["estimate"]
        assert one["std_error"] != other["std_error"]
        assert one["std_error"] == pytest.approx(other["std_error"], rel=0.25)


def test_a_run_again_gives_the_same_and_another_seed_does_not(own_panel: Callable[..., Path]) -> None:
    spec = own_panel(models(model("drawn", "wlp ~ size"), model("grown", "growth ~ size")), productivity=WLP,
                     header=LATE)  # fmt: skip
    first, again = tfplab.run(spec), tfplab.run(spec)
    assert first.record["models"] == again.record["models"]
    spec.write_text(spec.read_text().replace("title: Plants\n", "title: Plants\nseed: 2\n"))
    other = tfplab.run(spec)
    assert not np.array_equal(errors_of(first, "drawn"), errors_of(other, "drawn"))
    assert other.record["models"]["drawn"]["errors"]["bootstrap"]["seed"] == 2


def test_both_ways_through_the_chain_agree(own_panel: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    productivity = "  own: {like: tfp, separately_by: [sector], min_firms: 20, tfp_from: control_function}\n"
    spec = own_panel(models(model("a", "tfp ~ size + year"), model("b", "own ~ size")), productivity=productivity)
    once = tfplab.run(spec)
    monkeypatch.setattr(bootstrapping.Chain, "_at_once", lambda *_: False)
    slowly = tfplab.run(spec)
    # Percentiles agree to rounding; a draw's standard error knows the first stage only on the quick way.
    for name in ("a", "b"):
        np.testing.assert_allclose(errors_of(once, name), errors_of(slowly, name), rtol=1e-8)


def duplicates(spec: Path, counts: np.ndarray, folder: Path) -> Path:
    """The spec on plants that stand as often as they were drawn, its errors in closed form."""
    with (spec.parent / "plants.csv").open() as file:
        rows = list(csv.reader(file))
    names = sorted({row[0] for row in rows[1:]})
    folder.mkdir()
    with (folder / "plants.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(rows[0])
        for name, count in zip(names, counts.astype(int), strict=True):
            for copy in range(count):
                out.writerows([f"{name}x{copy}", *row[1:]] for row in rows[1:] if row[0] == name)
    found = folder / "own.yaml"
    found.write_text(spec.read_text().replace(BOOT, "errors: {cluster: [plant]}"))
    return found


def test_columns_of_a_draw_are_made_anew(
    own_panel: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = models(
        model("right", "l ~ wlp + size"),
        model("grown", "growth ~ size"),
        model("class", "y ~ high", more=", reference: {high: low}"),
        model("within", "wlp ~ size", more=", where: wlp > 0.1"),
        model("logged", "log(m) ~ wlp + (wlp)^2"),
    )
    spec = own_panel(lines, productivity=WLP, header=LATE)
    kept: dict[int, Any] = {}
    inner = bootstrapping.summarise
    monkeypatch.setattr(
        bootstrapping, "summarise", lambda *args: kept.setdefault(len(kept), args) and inner(*args)
    )  # fmt: skip
    frames: list[Any] = []
    drawn_firms = bootstrapping.drawn_firms
    monkeypatch.setattr(
        bootstrapping, "drawn_firms", lambda *args: frames.append(drawn_firms(*args)) or frames[-1]
    )  # fmt: skip
    run = tfplab.run(spec)
    names = ("right", "grown", "class", "within", "logged")
    assert len(kept) == len(names)
    for draw in (0, 1):
        for number, name in enumerate(names):
            counts = frames[number].blocks.counts(draw, draw + 1)[0]
            again = tfplab.run(duplicates(spec, counts, tmp_path / f"{name}{draw}"))
            wanted = again.models[name].coefficients.set_index("term")["estimate"]
            terms = run.models[name].coefficients["term"]
            # The files hold six digits, and the panels are the same: what is left is rounding.
            np.testing.assert_allclose(kept[number][1][draw], wanted[terms].to_numpy(), rtol=1e-7)
    for name in names:
        record = run.record["models"][name]
        assert record["errors"]["tfp_uncertainty"] == "include"
        assert not any("as given" in note for note in record["notes"])


LP = "  lp: {method: levinsohn_petrin, output: y, free: [l], state: [k], proxy: m, degree: 1}\n"
MARKUP = LP + "  mu: {method: markup, of: lp, input: l, expenditure: paid, revenue: earned}\n"
AMOUNTS = "variables:\n  paid: exp(l)\n  earned: 3 * exp(y)\n  people: exp(l) + 1\n"


def test_markups_and_decompositions_are_drawn_through_the_whole_chain(
    own_panel: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parts(name: str, outcome: str, method: str, more: str = "") -> str:
        keys = f"outcome: {outcome}, weights: people, method: {method}, by: sector"
        return f"{name}: {{design: decomposition, {keys}, {BOOT}{more}}}"

    lines = models(
        model("right", "l ~ mu + size"),
        model("left", "mu ~ size"),
        parts("levels", "wlp", "olley_pakes"),
        parts("change", "wlp", "melitz_polanec"),
        parts("within", "wlp", "olley_pakes", ", where: wlp > 0.1"),
        parts("marked", "mu", "melitz_polanec"),
    )
    spec = own_panel(lines, productivity=WLP + MARKUP, header=AMOUNTS)
    kept: list[Any] = []
    frames: list[Any] = []
    for module in (bootstrapping, chain):
        inner = module.summarise
        monkeypatch.setattr(module, "summarise", lambda *args, inner=inner: kept.append(args) or inner(*args))
    drawn_firms = bootstrapping.drawn_firms
    monkeypatch.setattr(
        bootstrapping, "drawn_firms", lambda *args: frames.append(drawn_firms(*args)) or frames[-1]
    )  # fmt: skip
    run = tfplab.run(spec)
    names = ("right", "left", "levels", "change", "within", "marked")
    assert len(kept) == len(frames) == len(names)
    for number, name in enumerate(names):
        counts = frames[number].blocks.counts(0, 1)[0]
        again = tfplab.run(duplicates(spec, counts, tmp_path / name))
        wanted = again.models[name].coefficients.set_index("term")["estimate"]
        terms = run.models[name].coefficients["term"]
        # The panels are the same; the root behind the markup is polished to 1e-10 of its moments.
        close = 1e-6 if name in ("right", "left", "marked") else 1e-8
        np.testing.assert_allclose(kept[number][1][0], wanted[terms].to_numpy(), atol=close)
        assert run.record["models"][name]["errors"]["tfp_uncertainty"] == "include"


def test_t_statistics_of_a_markup_carry_the_first_stage(
    own_panel: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard errors in t and t* are those of the closed form, of the sample and of the drawn firms."""
    productivity = WLP + "  mu: {method: markup, of: wlp, input: l, expenditure: paid, revenue: earned, level: level}\n"
    taken_apart = f"taken: {{design: decomposition, outcome: mu, weights: people, method: olley_pakes, {BOOT}}}"
    names = ("left", "within", "given", "taken")
    lines = models(
        model("left", "mu ~ size + k"),
        model("within", "mu ~ size", more=", where: wlp > -0.1"),
        model("given", "wlp ~ size + mu"),
        taken_apart,
    )
    spec = own_panel(lines, productivity=productivity, header=AMOUNTS, memory=0.7)
    kept: list[Any] = []
    inner = bootstrapping.summarise
    monkeypatch.setattr(bootstrapping, "summarise", lambda *args: kept.append(args) or inner(*args))
    frames: list[Any] = []
    drawn_firms = bootstrapping.drawn_firms
    monkeypatch.setattr(
        bootstrapping, "drawn_firms", lambda *args: frames.append(drawn_firms(*args)) or frames[-1]
    )  # fmt: skip
    run = tfplab.run(spec)
    assert len(kept) == len(names)
    for number, name in enumerate(names):
        terms = run.models[name].coefficients["term"]
        ratios = []
        for draw in (None, 0, 1):
            counts = np.ones(120) if draw is None else frames[number].blocks.counts(draw, draw + 1)[0]
            again = tfplab.run(duplicates(spec, counts, tmp_path / f"{name}{draw}"))
            closed = again.models[name].coefficients.set_index("term")["std_error"][terms].to_numpy()
            own = kept[number][2] if draw is None else kept[number][3][draw]
            ratios.append(closed / own)
            # The closed form's factor for few clusters and many terms, which is the same for all terms.
            np.testing.assert_allclose(ratios[-1], ratios[-1][0], rtol=1e-6)
        np.testing.assert_allclose(ratios, ratios[0][0], rtol=2e-3)
        assert 1 < ratios[0][0] < 1.03


def test_a_markup_has_errors_of_its_own_draws(own_panel: Callable[..., Path]) -> None:
    drawn = (
        MARKUP.removeprefix(LP)
        .replace("mu:", "drawn:")
        .replace("earned}", "earned, errors: {bootstrap: {draws: 199}}}")
    )
    run = tfplab.run(own_panel(models(model("m", "y ~ size", "errors: HC1")), productivity=WLP + MARKUP + drawn,
                               header=AMOUNTS))  # fmt: skip
    closed, own = (run.record["productivity"][name]["groups"][0] for name in ("mu", "drawn"))
    assert own["errors"]["kind"] == "bootstrap"
    assert own["errors"]["tfp_uncertainty"] == closed["errors"]["tfp_uncertainty"] == "include"
    assert own["coefficients"][0]["estimate"] == closed["coefficients"][0]["estimate"]
    # The spread of 199 draws is known to 5 per cent.
    assert own["coefficients"][0]["std_error"] == pytest.approx(closed["coefficients"][0]["std_error"], rel=0.3)


def test_a_bootstrap_is_advised_only_where_there_is_one(own_panel: Callable[..., Path]) -> None:
    other = "  other: {method: prodest_wrdg, output: y, free: [l], state: [k], proxy: m}\n"
    lines = models(
        model("replica", "l ~ other", "errors: HC1"),
        model("both", "tfp ~ mu", "errors: {cluster: [plant]}"),
        "parts: {design: decomposition, outcome: tfp, weights: people, where: wlp > -9}",
    )
    run = tfplab.run(own_panel(lines, productivity=WLP + MARKUP + other, header=AMOUNTS))
    notes = {name: " ".join(one["notes"]) for name, one in run.record["models"].items()}
    assert "take other as given" in notes["replica"]
    assert "bootstrap" not in notes["replica"]
    for name in ("both", "parts"):
        assert "errors: {bootstrap: {cluster: [firm]}} would not" in notes[name]
        assert run.record["models"][name]["errors"]["tfp_uncertainty"] == "outcome"
    assert "included for the outcome, not elsewhere" in run.table("models", format="md")


def test_what_is_taken_as_given_is_said(own_panel: Callable[..., Path]) -> None:
    lines = models(
        model("closed", "l ~ tfp", "errors: HC1"),
        model("fixed", "l ~ tfp", more=", tfp_uncertainty: ignore"),
        model("drawn", "l ~ tfp"),
        model("outcome", "tfp ~ size", more=", tfp_uncertainty: ignore"),
        model("data", "l ~ size"),
    )
    run = tfplab.run(own_panel(lines))
    notes = {name: " ".join(one["notes"]) for name, one in run.record["models"].items()}
    treated = {name: one["errors"]["tfp_uncertainty"] for name, one in run.record["models"].items()}
    assert "errors: {bootstrap: {cluster: [firm]}} would not" in notes["closed"]
    assert "as given" in notes["fixed"]
    assert "as given" not in notes["drawn"]
    assert "take tfp as data" in notes["outcome"]
    assert treated == {"closed": "ignore", "fixed": "ignore", "drawn": "include", "outcome": "ignore", "data": "none"}
    drawn, fixed = errors_of(run, "drawn")[:, 0], errors_of(run, "fixed")[:, 0]
    assert not np.allclose(drawn, fixed, rtol=1e-3)


def test_the_table_says_what_was_drawn(own_panel: Callable[..., Path], tmp_path: Path) -> None:
    lines = models(
        model("closed", "tfp ~ size", "errors: HC1"),
        model("drawn", "tfp ~ size", "errors: {bootstrap: {strata: sector, draws: 1099}}"),
    )
    tables = "tables:\n  t: {models: [closed, drawn, own], locale: [en, nl_BE, fr_BE]}\n"
    productivity = "  own: {like: tfp, errors: {bootstrap: {draws: 99, interval: studentised}}}\n"
    run = tfplab.run(own_panel(lines + tables, productivity=productivity))
    english = run.table("t", format="md")
    assert "Bootstrap (own): 99 draws with replacement by firm (G = 120), seed 1." in english
    run.save(tmp_path / "bundle")
    assert "Bootstrap (own): 99 draws" in (tmp_path / "bundle" / "report.html").read_text()
    assert "bootstrap, 1,099 draws by firm (G = 120)" in english
    said = (
        "Bootstrap (drawn): 1,099 draws with replacement by firm (G = 120), within sector, seed 1. Intervals and "
        "p-values: percentile. Productivity is estimated again in every draw."
    )
    assert said in english
    dutch, french = run.table("t", format="md", locale="nl_BE"), run.table("t", format="md", locale="fr_BE")
    assert "1.099 trekkingen met teruglegging per onderneming (G = 120), binnen sector" in dutch
    assert "De productiviteit wordt in elke trekking opnieuw geschat." in dutch
    assert "tirages avec remise par entreprise (G = 120), strates : sector" in french


def test_terms_that_disclosure_takes_keep_no_interval(own_panel: Callable[..., Path]) -> None:
    header = "variables: {rare: \"cut(l, [-9, 3.4], labels=['low', 'rare'])\"}\n"
    spec = own_panel(models(model("drawn", "tfp ~ rare + k", more=", where: yr == 2013")), header=header)
    spec.write_text(spec.read_text() + "disclosure: {minimum_firms: 10, on_breach: suppress}\n")
    record = tfplab.run(spec).record["models"]["drawn"]
    hidden = [one["term"] for one in record["coefficients"] if one.get("suppressed")]
    assert hidden == ["rare[rare]"]
    (term,) = [one for one in record["errors"]["bootstrap"]["terms"] if one["term"] in hidden]
    assert term["suppressed"]
    assert (term["percentile"], term["studentised"], term["undefined"]) == ([], [], None)


class Failing:
    """Draws that have no estimate but for one in a few."""

    def __init__(self, inner: Resampler, every: int) -> None:
        self.inner, self.every = inner, every

    def draw(self, counts: FloatArray) -> tuple[FloatArray, ...]:
        found = self.inner.draw(counts)
        if len(counts) > 1:
            for one in found:
                one[np.arange(len(one)) % self.every > 0] = np.nan
        return found


@pytest.mark.parametrize("formula", ["tfp ~ size", "y ~ tfp"])
def test_draws_that_fail_are_counted_and_too_many_fail_the_model(
    own_panel: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, formula: str
) -> None:
    inner = bootstrapping._resampler
    for every, outcome in ((3, "failed"), (2, "ok")):
        monkeypatch.setattr(bootstrapping, "_resampler", lambda *args, n=every: Failing(inner(*args), n))
        run = tfplab.run(own_panel(models(model("m", formula))))
        record = run.record["models"]["m"]
        assert record["status"] == outcome
        if outcome == "failed":
            assert "bootstrap: 66 of 99 draws have no estimate" in record["reason"]
        else:
            assert record["errors"]["bootstrap"]["failed"] == 49
            assert any("49 of 99 draws of the bootstrap have no estimate" in note for note in record["notes"])
            assert "49 without an estimate" in run.table("models", format="md")
    productivity = "  drawn: {like: tfp, errors: {bootstrap: {draws: 99}}}\n"
    monkeypatch.setattr(bootstrapping, "_resampler", lambda *args: Failing(inner(*args), 4))
    run = tfplab.run(own_panel(models(model("m", "y ~ size", "errors: HC1")), productivity=productivity))
    assert "bootstrap: 74 of 99 draws" in run.record["productivity"]["drawn"]["reason"]


MISTAKES = [
    ("productivity", "errors: {bootstrap: {draws: 20}}", "productivity.wlp.errors.bootstrap.draws: 20 draws"),
    ("productivity", "errors: {bootstrap: {draws: many}}", 'a whole number is wanted, not "many"'),
    ("productivity", "errors: {bootstrap: {draws: 200000}}", "200000 draws, ask for 99999 or fewer"),
    ("productivity", "errors: HC1", '"HC1" is not a choice for an estimate of productivity'),
    ("productivity", "errors: {cluster: [firm]}", '"cluster" is not a choice for an estimate of productivity'),
    ("productivity", "errors: {bootstrap: {}, cluster: [firm]}",
     '"cluster" beside bootstrap, cluster stands inside it, write {bootstrap: {cluster: [firm]}}'),
    ("productivity", "errors: {draws: 199, bootstrap: {}}",
     '"draws" beside bootstrap, draws stands inside it, write {bootstrap: {draws: 199}}'),
    ("productivity", "errors: {bootstrap: {}, seed: 1}",
     '"seed" beside bootstrap, a bootstrap has the keys cluster, strata, draws and interval, leave it out'),
    ("productivity", "errors: {bootstrap: [firm]}", "a map is wanted, not a list"),
    ("productivity", "errors: {bootstrap: {clusters: [firm]}}", 'unknown key "clusters", did you mean "cluster"?'),
    ("productivity", "errors: {bootstrap: {cluster: firm}}", 'a list of columns is wanted, not "firm"'),
    ("productivity", "errors: {bootstrap: {cluster: [firm, sector]}}", "two ways of clustering"),
    ("productivity", "errors: {bootstrap: {cluster: [year]}}", "clusters of years cut through firms"),
    ("productivity", "errors: {bootstrap: {interval: bca}}", '"bca" is not an interval, there are: percentile'),
    ("productivity", "errors: {bootstrap: {interval: studentized}}", 'did you mean "studentised"?'),
    ("productivity", "errors: {bootstrap: {strata: firm}}", 'strata and clusters are both "firm"'),
    ("productivity", "errors: {bootstrap: {strata: year}}", "strata of years cut through firms"),
    ("productivity", "errors: {bootstrap: {strata: [sector]}}", "the name of a column is wanted, not a list"),
    ("model", "errors: bootstrap", '"bootstrap" lacks its columns, write {bootstrap: {cluster: [firm]}}'),
    ("model", "errors: {bootstrap: {}, cluster: [firm]}", "cluster beside bootstrap, cluster stands inside"),
    ("model", "errors: {bootstrap: {}}, tfp_uncertainty: murphy_topel", "murphy_topel goes with classical errors"),
    ("model", "errors: {bootstrap: {cluster: [sectr]}}", 'no column "sectr" in the panel or in variables:'),
    ("model", "errors: {bootstrap: {strata: sise}}", 'in the panel or in variables:, did you mean "size"?'),
]  # fmt: skip


@pytest.mark.parametrize(("where", "written", "said"), MISTAKES)
def test_mistakes_are_told_where_they_stand(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str], where: str, written: str, said: str
) -> None:
    inside = where == "productivity"
    productivity = WLP.replace("degree: 1}", f"degree: 1, {written}}}") if inside else WLP
    spec = own_panel(models(model("m", "wlp ~ size", "errors: HC1" if inside else written)), productivity=productivity)
    assert main(["check", "--data", str(spec)]) == 2
    told = capsys.readouterr().err
    assert said in told
    line, column = told.split("own.yaml:")[1].split(":")[:2]
    # The position lies inside of what was written.
    text = spec.read_text().splitlines()[int(line) - 1]
    assert text.index(written) < int(column) <= text.index(written) + len(written) + 1


@pytest.mark.parametrize(
    ("productivity", "lines", "said"),
    [
        (
            "  lp: {method: labour_productivity, output: y, free: [l], errors: {bootstrap: {}}}\n",
            models(model("m", "tfp ~ size", "errors: HC1")),
            "productivity.lp.errors: there is no bootstrap of method: labour_productivity, there is one of: wooldridge",
        ),
        (
            "  other: {method: prodest_wrdg, output: y, free: [l], state: [k], proxy: m}\n",
            models(model("m", "other ~ size")),
            'models.m.errors: nothing draws "other" again: there is no bootstrap of method: prodest_wrdg',
        ),
        (
            "  other: {method: prodest_wrdg, output: y, free: [l], state: [k], proxy: m}\n",
            models(model("m", "tfp ~ size", more=", where: other > 0")),
            'models.m.errors: nothing draws "other" again',
        ),
        (
            "  lp: {method: labour_productivity, output: y, free: [l]}\n",
            models(model("m", "lp ~ size", more=", tfp_uncertainty: include")),
            "models.m.tfp_uncertainty: this model rests on no productivity that this spec estimates",
        ),
        (
            "  other: {method: prodest_wrdg, output: y, free: [l], state: [k], proxy: m}\n",
            models(f"m: {{design: decomposition, outcome: other, weights: l, {BOOT}}}"),
            'models.m.errors: nothing draws "other" again: there is no bootstrap of method: prodest_wrdg',
        ),
    ],
)
def test_what_cannot_be_drawn_again_is_refused_at_the_first_gate(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str], productivity: str, lines: str, said: str
) -> None:
    assert main(["check", str(own_panel(lines, productivity=productivity))]) == 2
    assert said in capsys.readouterr().err


def test_what_is_made_of_an_entry_that_nothing_draws_is_refused(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(levinsohn_petrin, "resampler")
    drawn = MARKUP.replace("earned}", "earned, errors: {bootstrap: {draws: 99}}}")
    assert main(["check", str(own_panel(models(model("m", "mu ~ size")), productivity=drawn, header=AMOUNTS))]) == 2
    told = capsys.readouterr().err
    said = 'nothing draws "lp" again: there is no bootstrap of method: levinsohn_petrin, there is one of: wooldridge'
    assert f"productivity.mu.errors: {said}" in told
    assert f"models.m.errors: {said}" in told
    plain = own_panel(models(model("m", "l ~ mu", "errors: HC1")), productivity=MARKUP, header=AMOUNTS)
    (note,) = [one for one in tfplab.run(plain).record["models"]["m"]["notes"] if "as given" in one]
    assert "bootstrap" not in note


def test_a_copy_of_a_method_without_a_bootstrap_leaves_the_key_out(own_panel: Callable[..., Path]) -> None:
    drawn = "  drawn: {like: tfp, errors: {bootstrap: {draws: 99}}}\n"
    productivity = drawn + "  replica: {like: drawn, method: prodest_wrdg}\n"
    run = tfplab.run(own_panel(models(model("m", "tfp ~ size", "errors: HC1")), productivity=productivity))
    notes = " ".join(run.record["productivity"]["replica"]["notes"])
    assert "errors" in notes


def test_clusters_that_cut_through_firms_fail_the_model_alone(own_panel: Callable[..., Path]) -> None:
    lines = models(
        model("cut", "tfp ~ size", "errors: {bootstrap: {cluster: [band], draws: 99}}"),
        model("fine", "tfp ~ size", "errors: {bootstrap: {cluster: [sector^size], draws: 99}}"),
    )
    run = tfplab.run(own_panel(lines, header="variables: {band: \"cut(l, [-9, 2], labels=['a', 'b'])\"}\n"))
    assert "clusters of band cut through" in run.record["models"]["cut"]["reason"]
    fine = run.record["models"]["fine"]
    assert fine["errors"]["clusters"] == {"sector^size": 4}
    assert any("only 4 clusters" in note for note in fine["notes"])


def test_few_clusters_and_p_values_at_their_bound_are_said(own_panel: Callable[..., Path]) -> None:
    drawn = "  drawn: {like: tfp, errors: {bootstrap: {cluster: [sector^size], draws: 99}}}\n"
    lines = models(model("m", "l ~ m"), model("n", "l ~ size"))
    run = tfplab.run(own_panel(lines, productivity=drawn))
    (group,) = run.record["productivity"]["drawn"]["groups"]
    assert any("only 4 clusters of sector^size" in note for note in group["notes"])
    table = run.record["models"]["m"]
    bound = 2 / 100
    at = [one["term"] for one in table["coefficients"] if one["p_value"] == bound]
    (said,) = [note for note in table["notes"] if "cannot be below" in note]
    assert "99 draws cannot be below 2/(99 + 1) = 0.02: of " in said
    assert all(term in said for term in at)
    assert at


def test_strata_that_most_clusters_are_alone_in(own_panel: Callable[..., Path]) -> None:
    def drawn(name: str, keys: str) -> str:
        return model(name, "tfp ~ size", f"errors: {{bootstrap: {{draws: 99, {keys}}}}}")

    lines = models(
        drawn("own", "strata: alone"),
        drawn("two", "cluster: [sector]"),
        drawn("finer", "cluster: [sector], strata: size"),
        drawn("fine", "strata: sector"),
    )
    run = tfplab.run(alone(own_panel(lines)))
    reasons = {name: one["reason"] for name, one in run.record["models"].items()}
    assert "clusters are alone in their stratum of alone" in reasons["own"]
    assert reasons["two"] is None
    assert any("only 2 clusters" in note for note in run.record["models"]["two"]["notes"])
    assert "clusters of sector lie in several strata of size" in reasons["finer"]
    assert reasons["fine"] is None


def alone(spec: Path) -> Path:
    """Add a column that is another number for every plant of the first two thirds."""
    file = spec.parent / "plants.csv"
    head, *rows = file.read_text().splitlines()
    numbers = [int(row.split(",")[0][1:]) for row in rows]
    lines = [f"{row},s{min(number, 80)}" for row, number in zip(rows, numbers, strict=True)]
    file.write_text("\n".join([f"{head},alone", *lines]) + "\n")
    return spec
