"""Match rates, balance, agreement and link weights of the demo, each reckoned again with pandas and statsmodels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from panels.assemble import assemble
from panels.frame import FirmPanel
from panels.link_status import STATUSES
from panels.linkage import LinkDiagnostics
from panels.plan import PanelPlan
from panels.sources import inspect_sources
from specs.model import parse_spec
from specs.read import read
from tests.panels.building import build, column, messages, write

SIZES = ["0-9", "10-19", "20-49", "50-249", "250+"]
COVARIATES = ["survey_nace", "size_class", "cc", "erp1"]


@pytest.fixture(scope="module")
def panel(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> FirmPanel:
    text = (demo_folder / "hrw_2026.yaml").read_text(encoding="utf-8").replace("data/", f"{demo_folder}/data/")
    written = f"propensity: {{covariates: [{', '.join(COVARIATES)}], trim: [0.02, 0.97]}}"
    path = tmp_path_factory.mktemp("link") / "spec.yaml"
    path.write_text(text.replace("link: {on: firm}", f"link: {{on: firm, {written}}}"), encoding="utf-8")
    root, _ = read(path)
    assert root is not None
    model, _ = parse_spec(root)
    assert model.panel is not None
    plan = PanelPlan(model.panel, root)
    return assemble(plan, inspect_sources(plan))


@pytest.fixture(scope="module")
def found(panel: FirmPanel) -> LinkDiagnostics:
    assert panel.linkage is not None
    return panel.linkage


@pytest.fixture(scope="module")
def units(demo_folder: Path) -> pd.DataFrame:
    """The respondents beside the accounts of their year, as an analyst would merge them."""
    accounts = pd.concat(
        [pd.read_csv(path, dtype={"ENTNR": str, "NACE": str}) for path in sorted(demo_folder.glob("data/accounts_*"))]
    )
    accounts = accounts[accounts.MONTHS.between(6, 18)]
    survey = pd.concat([pd.read_csv(path, dtype={"ENTNR": str}) for path in sorted(demo_folder.glob("data/ict_*"))])
    both = survey.merge(accounts, how="left", left_on=["ENTNR", "WAVE"], right_on=["ENTNR", "YEAR"],
                        suffixes=("", "_filed"), indicator=True)  # fmt: skip
    both["linked"] = both._merge == "both"
    both["size"] = pd.cut(both.EMPLOYEES, [0, 10, 20, 50, 250, np.inf], right=False, labels=SIZES).astype(str)
    full = both.SCHEME == "VOL"
    both["status"] = np.where(~both.linked, "no_account", np.where(full, "linked_full", "linked_abridged"))
    return both


def test_statuses_sum_to_the_respondents(found: LinkDiagnostics, units: pd.DataFrame, panel: FirmPanel) -> None:
    for one in found.waves:
        here = units[one.wave == units.WAVE]
        assert list(one.statuses) == [status.name for status in STATUSES]
        assert {name: n for name, n in one.statuses.items() if n} == here.status.value_counts().to_dict()
        assert sum(one.statuses.values()) == one.respondents == len(here) == panel.link[str(one.wave)]["respondents"]
        assert one.linked == panel.link[str(one.wave)]["linked"]
        assert one.linked == sum(one.statuses[status.name] for status in STATUSES if status.linked)
        assert (one.weights_missing, one.weights_not_positive) == (0, 0)
    levels = panel.select(["link_status", "linked"])
    assert set(levels.columns["link_status"].levels) == {"linked_full", "linked_abridged"}
    assert ((levels.columns["link_status"].codes >= 0) == (levels.number("linked") == 1)).all()


def test_match_rates(found: LinkDiagnostics, units: pd.DataFrame) -> None:
    for by, key in (("nace", "NACE"), ("size", "size")):
        expected = {
            (wave, level): (len(group), int(group.linked.sum()), group.linked.mean(),
                            (group.WEIGHT * group.linked).sum() / group.WEIGHT.sum())
            for (wave, level), group in units.groupby(["WAVE", key])
        }  # fmt: skip
        rates = {(one.wave, one.level): one for one in found.rates if one.by == by}
        assert rates.keys() == expected.keys()
        for at, one in rates.items():
            assert (one.units, one.linked) == expected[at][:2]
            assert [one.share, one.weighted_share] == pytest.approx(expected[at][2:], abs=1e-12)
    order = [one.level for one in found.rates if (one.wave, one.by) == (2021, "size")]
    assert order == ["10-19", "20-49", "50-249", "250+"]
    total = next(one for one in found.rates if (one.wave, one.by) == (2023, "all"))
    here = units[units.WAVE == 2023]
    assert (total.units, total.linked) == (len(here), here.linked.sum())
    regions = {one.level: (one.units, one.linked) for one in found.rates if (one.wave, one.by) == (2021, "region")}
    here = units[units.WAVE == 2021]
    filed = here.REGION.value_counts().to_dict()
    assert regions == {**{level: (n, n) for level, n in filed.items()}, "": (int((~here.linked).sum()), 0)}


def test_schemes(found: LinkDiagnostics, units: pd.DataFrame) -> None:
    for one in found.schemes:
        here = units[(one.wave == units.WAVE) & units.linked]
        part = {"full": "VOL", "abridged": "VKT"}[one.scheme] == here.SCHEME
        assert (one.units, one.weighted_units) == (part.sum(), len(here))
        assert [one.share, one.weighted_share] == pytest.approx([part.mean(), np.average(part, weights=here.WEIGHT)])


def test_balance(found: LinkDiagnostics, units: pd.DataFrame) -> None:
    units = units.assign(**{
        "log(survey_employees)": np.log(units.EMPLOYEES), "weight": units.WEIGHT, "stratum_size": units.STRATUM_SIZE,
        "ai_any": units.E_AI_TANY, **{key: units[f"E_{key.upper()}"] for key in ("cc", "itsp2", "itt2", "da", "erp1")},
        **{f"survey_nace[{level}]": (level == units.NACE).astype(float) for level in units.NACE.unique()},
    })  # fmt: skip
    seen = {one.covariate for one in found.balance}
    # `ai` says of everybody what `ai_any` says; filtered items and the seven technologies are not compared.
    assert seen == {"log(survey_employees)", "weight", "stratum_size", "ai_any", "cc", "itsp2", "itt2", "da", "erp1",
                    *(name for name in units.columns if str(name).startswith("survey_nace["))}  # fmt: skip
    for one in found.balance:
        here = units[one.wave == units.WAVE]
        values = here[one.covariate]
        first, second = values[here.linked].dropna(), values[~here.linked].dropna()
        assert (one.linked, one.unlinked) == (len(first), len(second))
        difference = (first.mean() - second.mean()) / np.sqrt((first.var() + second.var()) / 2)
        assert [one.mean_linked, one.mean_unlinked, one.difference] == pytest.approx(
            [first.mean(), second.mean(), difference], abs=1e-10)  # fmt: skip
        assert one.imbalanced == (abs(difference) > 0.1)
        if second.var() > 0:
            assert one.variance_ratio == pytest.approx(first.var() / second.var())
        else:
            assert one.variance_ratio is None
        if set(values.dropna().unique()) <= {0, 1}:
            assert (one.ones_linked, one.ones_unlinked) == (first.sum(), second.sum())


def test_agreement(found: LinkDiagnostics, units: pd.DataFrame) -> None:
    for one in found.agreement:
        here = units[(one.wave == units.WAVE) & units.linked]
        if one.of == "size":
            heads = here[["R1001", "R1002"]].sum(axis=1, min_count=1).fillna(here.R9086)
            filed = pd.cut(heads, [0, 10, 20, 50, 250, np.inf], right=False, labels=SIZES).astype(str)
            table = pd.crosstab(here["size"], filed)
        else:
            sections = {"41": "F", "42": "F", "43": "F"}
            filed = here.NACE_filed.str[:2].map(sections)
            table = pd.crosstab(here.NACE[filed.notna()], filed.dropna())
        for said in table.index:
            for level in table.columns:
                assert one.cells.get((said, level), 0) == table.loc[said, level]
        assert one.units == len(here) == sum(one.cells.values())
        assert one.agree == sum(n for (said, level), n in one.cells.items() if said == level)
        assert one.unknown == 0


def test_the_logit_is_that_of_statsmodels(found: LinkDiagnostics, units: pd.DataFrame, panel: FirmPanel) -> None:
    panel_weights = panel.select(["link_weight", "linked"])
    names = np.array(panel.firm_names)[panel_weights.firm]
    given = {key: w for key, w in zip(zip(names, panel_weights.year, strict=True), panel_weights.number("link_weight"),
                                      strict=True) if np.isfinite(w)}  # fmt: skip
    assert len(given) == sum(one.linked for one in found.waves)
    for one in found.propensity:
        here = units[one.wave == units.WAVE]
        probability = pd.Series(1.0, index=here.index)
        sure = here.groupby("NACE").linked.transform("all")
        left = here[~sure]
        assert len(one.notes) == here.NACE[sure].nunique()
        assert all("all are linked, their probability is one" in what for what, _, _ in one.notes)
        columns = {"constant": np.ones(len(left))}
        columns |= {f"survey_nace[{level}]": level == left.NACE for level in left.NACE.unique()}
        columns |= {f"size_class[{level}]": left["size"] == level for level in left["size"].unique()}
        columns |= {f"{key}[{word}]": left[f"E_{key.upper()}"] == code
                    for key in ("cc", "erp1") for word, code in (("yes", 1), ("no", 0))}  # fmt: skip
        terms = [term.term for term in one.terms]
        design = pd.DataFrame({name: columns[name] for name in terms}).astype(float)
        fit = sm.Logit(left.linked.astype(float).to_numpy(), design).fit(
            disp=0, tol=1e-12, method="newton", maxiter=100
        )
        assert [term.estimate for term in one.terms] == pytest.approx(list(fit.params), abs=1e-6)
        assert [term.std_error for term in one.terms] == pytest.approx(list(fit.bse), abs=1e-6)
        assert [term.units for term in one.terms] == [int((design[name] != 0).sum()) for name in terms]
        probability[left.index] = fit.predict(design)
        raw = (here.WEIGHT / probability)[here.linked]
        low, high = np.quantile(raw, [0.02, 0.97])
        weights = raw.clip(low, high)
        weights /= weights.mean()
        assert (one.trimmed_low, one.trimmed_high) == ((raw < low).sum(), (raw > high).sum())
        assert one.effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
        design_weights = here.WEIGHT[here.linked]
        assert one.effective_design == pytest.approx(design_weights.sum() ** 2 / (design_weights**2).sum())
        mine = [given[firm, one.wave] for firm in here.ENTNR[here.linked]]
        assert mine == pytest.approx(list(weights), rel=1e-6)
        assert np.mean(mine) == pytest.approx(1)
        cloud = next(row for row in found.balance if (row.wave, row.covariate) == (one.wave, "cc"))
        known = here.E_CC.notna()
        target = np.average(here.E_CC[known], weights=here.WEIGHT[known])
        spread = np.sqrt((here.E_CC[here.linked].var() + here.E_CC[~here.linked].var()) / 2)
        reached = np.average(here.E_CC[here.linked & known], weights=weights[known])
        assert cloud.weighted_difference == pytest.approx((reached - target) / spread, abs=1e-6)


SMALL = """\
    panel:
      accounts: {files: a.csv, layout: mine.yaml}
      survey: {files: {2022: s.csv}, layout: theirs.yaml}
      link: {propensity: {covariates: [x, t]}}
    """


def small(folder: Path, rows: list[tuple[float | str, str, bool]], **more: str) -> None:
    """Write a survey of x and t, and accounts of those that are linked."""
    mine = (
        "layout: m\ntable: accounts\nkeys: {firm: {column: ID}, year: {column: Y}}\nconcepts: {value_added: {of: V}}\n"
    )
    theirs = "layout: s\ntable: survey\nkeys: {firm: {column: F}, wave: {column: W}}\n" \
             "concepts: {x: {column: X}, t: {column: T, kind: text}}\n"  # fmt: skip
    survey = "F,X,T\n" + "".join(f"f{i:03},{x},{t}\n" for i, (x, t, _) in enumerate(rows))
    accounts = "ID,Y,V\n" + "".join(f"f{i:03},2022,1\n" for i, (_, _, linked) in enumerate(rows) if linked)
    write(folder, **{"mine__yaml": mine, "theirs__yaml": theirs, "s__csv": survey, "a__csv": accounts, **more})


def test_covariates_that_tell_for_certain_are_refused(tmp_path: Path) -> None:
    small(tmp_path, [(i, "ab"[i % 2], i > 20) for i in range(40)])
    assert messages(tmp_path, SMALL) == [
        "spec.yaml:5:22: panel.link.propensity: the covariates tell for certain which units of 2022 are linked, "
        "their probabilities are zero and one, take fewer covariates or coarser classes"
    ]


def test_levels_that_tell_for_certain_are_set_aside(tmp_path: Path) -> None:
    rows = [(i % 7, "ab"[i % 2], i % 3 > 0) for i in range(60)]
    rows += [(1, "all", True)] * 3 + [(1, "none", False)] * 4 + [("", "a", True)] * 2
    small(tmp_path, rows)
    panel = build(tmp_path, SMALL)
    assert panel.linkage is not None
    (found,) = panel.linkage.propensity
    assert found.notes == (
        ("t[all]: all are linked, their probability is one", 3, 3),
        ("t[none]: none is linked, no weight stands for them", 4, 0),
    )
    assert (found.units, found.linked, found.incomplete, found.weighted) == (67, 43, 2, 43)
    assert [term.term for term in found.terms] == ["constant", "x", "t[b]"]
    weights = column(panel, "link_weight")
    assert weights[-2:] == [None, None]
    # Probability one: the smallest weights there are.
    assert weights[40] == weights[41] == weights[42] == min(w for w in weights if w is not None)


def test_covariates_that_repeat_each_other_are_left_out(tmp_path: Path) -> None:
    small(tmp_path, [(i % 2, "ab"[i % 2], i % 3 > 0) for i in range(60)])
    panel = build(tmp_path, SMALL)
    assert panel.linkage is not None
    (found,) = panel.linkage.propensity
    assert found.notes == (("t[b]: says nothing beyond the others, left out", 60, 40),)
    assert found.effective == pytest.approx(40)
    assert found.effective_design == pytest.approx(40)


def test_where_everybody_is_linked_weights_are_one(tmp_path: Path) -> None:
    small(tmp_path, [(i, "ab"[i % 2], True) for i in range(12)])
    panel = build(tmp_path, SMALL)
    assert column(panel, "link_weight") == [1.0] * 12
    assert panel.linkage is not None
    assert panel.linkage.balance[0].mean_unlinked is None
    assert panel.linkage.balance[0].difference is None


def test_nobody_is_linked(tmp_path: Path) -> None:
    rows: list[tuple[float | str, str, bool]] = [(i, "ab"[i % 2], i % 3 > 0) for i in range(30)]
    small(tmp_path, rows, later__csv="F,X,T\nf001,1,a\nf002,1,b\n")
    spec = SMALL.replace("{2022: s.csv}", "{2022: s.csv, 2023: later.csv}")
    assert messages(tmp_path, spec) == [
        "spec.yaml:5:22: panel.link.propensity: no unit of 2023 is linked, no weight can make up for all of them, "
        "leave the propensity or the wave out"
    ]


def test_weights_of_zero_have_nothing_to_weigh(tmp_path: Path) -> None:
    small(tmp_path, [(i, "ab"[i % 2], i % 3 > 0) for i in range(30)])
    theirs = "layout: s\ntable: survey\nkeys: {firm: {column: F}, wave: {column: W}}\n" \
             "concepts: {x: {column: X}, t: {column: T, kind: text}, weight: {column: G}}\n"  # fmt: skip
    survey = "F,X,T,G\n" + "".join(f"f{i:03},{i},{'ab'[i % 2]},0\n" for i in range(30))
    write(tmp_path, theirs__yaml=theirs, s__csv=survey)
    assert messages(tmp_path, SMALL) == [
        "spec.yaml:5:22: panel.link.propensity: no linked unit of 2022 has a design weight above zero, there is "
        "nothing to weigh up, mend the survey's weights, or leave the propensity out"
    ]


@pytest.mark.parametrize(
    ("covariates", "expected"),
    [
        ("[xx]", 'spec.yaml:5:36: panel.link.propensity.covariates: no column "xx" in the survey, of units without '
                 'accounts nothing else is known, did you mean "x"?'),
        ("[value_added]", 'spec.yaml:5:36: panel.link.propensity.covariates: no column "value_added" in the survey, of '
                          "units without accounts nothing else is known"),
        ("[wave]", 'spec.yaml:5:36: panel.link.propensity.covariates: no column "wave" in the survey, each wave has '
                   "weights of its own"),
        ("[size_class]", 'spec.yaml:5:36: panel.link.propensity.covariates: no column "size_class" in the survey, of '
                         "units without accounts nothing else is known"),
        ("[]", "spec.yaml:5:35: panel.link.propensity.covariates: "),
        ("[x], trim: [1, 0]", "spec.yaml:5:46: panel.link.propensity.trim: the first share is not below the second"),
    ],
)  # fmt: skip
def test_covariates_that_there_are_not(tmp_path: Path, covariates: str, expected: str) -> None:
    small(tmp_path, [(1, "a", True)])
    (found,) = messages(tmp_path, SMALL.replace("[x, t]", covariates))
    assert found.startswith(expected)


def test_a_covariate_that_a_file_lacks(tmp_path: Path) -> None:
    small(tmp_path, [(1, "a", True)], s__csv="F,T\nf000,a\n")
    assert messages(tmp_path, SMALL) == [
        'spec.yaml:5:36: panel.link.propensity.covariates: no column "x" can be made of the files, '
        "s.csv has no column X"
    ]
