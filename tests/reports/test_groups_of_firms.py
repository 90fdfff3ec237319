"""Descriptive statistics and comparisons of distributions in the record, tables, figures and under disclosure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation.designs import descriptives, distribution
from estimation.figures.quantile_gaps import compute
from estimation.figures.question import FigureQuestion
from estimation.results import Estimates
from estimation.shown import Figure
from panels.ledger import Ledger
from reports.build import build_table
from reports.disclosure_described import blank_beside
from reports.figures.build import build_figures
from reports.formats.registry import format_named
from reports.record import PanelFacts, SpecFacts, build_record
from specs.errors import EstimationError
from tests.estimation.rows import selection


def firms(users: int = 60, others: int = 140, **more: Any) -> Any:
    n = users + others
    rng = np.random.default_rng(1)
    ai = np.array([1.0] * users + [0.0] * others)
    columns = {
        "y": rng.normal(10, 1, n) + 0.4 * ai,
        "cc": (np.arange(n) % 3 == 0).astype(float),
        "nace": [("C", "G", "J")[k % 3] for k in range(n)],
        "size": [("small", "middle", "large")[(k // 2) % 3] for k in range(n)],
        "ai": ai,
    }
    return selection({**columns, **more})


def described(rows: Any = None, of: tuple[str, ...] = ("y", "cc", "nace"), **keys: Any) -> Estimates:
    options = descriptives.Options(**({"of": of, "by": "ai"} | keys))
    return descriptives.fit("about", options, firms() if rows is None else rows, None)


def compared(rows: Any = None, name: str = "gaps", **keys: Any) -> Estimates:
    options = distribution.Options(**({"outcome": "y", "by": "ai", "draws": 99} | keys))
    return distribution.fit(name, options, firms() if rows is None else rows, None, seed=1)


def record(*models: Estimates, figures: tuple[Figure, ...] = (), **rule: Any) -> dict[str, Any]:
    labels = {"nace": {"en": "Sector", "nl": "Sector"}, "y": {"en": "Output", "nl": "Output"}}
    spec = SpecFacts(
        title="Firms", source="A survey", digest="x", tables=rule.pop("tables", {}),
        figures={one.name: {} for one in figures}, labels=labels,
        disclosure={"minimum_firms": rule.get("minimum", 10), "on_breach": rule.get("on_breach", "report")},
    )  # fmt: skip
    return build_record(spec, PanelFacts(10, 10, (2023,), Ledger()), (), models, figures)


def lines(found: dict[str, Any], name: str = "about") -> dict[str, dict[str, Any]]:
    return {one["term"]: one for one in found["models"][name]["coefficients"]}


def table(found: dict[str, Any], name: str, locale: str = "en") -> list[list[str]]:
    text = format_named("md").render(build_table(found, name, locale))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_the_record_says_what_is_behind_each_line() -> None:
    found = lines(record(described()))
    one = found["y[ai=1]"]
    assert (one["item"], one["level"], one["cell"], one["kind"], one["n_obs"]) == ("y", None, {"ai": "1"}, "mean", 60)
    assert one["p25"] < one["p50"] < one["p75"]
    assert one["sd"] > 0
    share = found["nace[C,ai=1]"]
    assert (share["level"], share["n_yes"], share["n_no"], share["kind"]) == ("C", 20, 40, "share")
    assert "sd" not in share
    assert found["difference[y]"]["standardised"] > 0


def test_groups_stand_side_by_side() -> None:
    found = record(described())
    rows = table(found, "about")
    assert rows[0][2] == "Uses AI"
    assert rows[2] == ["", "All", "no", "yes", "Difference", "Std. difference", "p-value"]
    named = {row[0]: row for row in rows if row[0]}
    one = lines(found)
    assert named["Output"][1:4] == [f"{one[term]['estimate']:.2f}" for term in ("y", "y[ai=0]", "y[ai=1]")]
    assert named["Output"][4].rstrip("*") == f"{one['difference[y]']['estimate']:.2f}"
    below = rows[rows.index(named["Output"]) + 1]
    assert below[1:4] == [f"({one[term]['sd']:.2f})" for term in ("y", "y[ai=0]", "y[ai=1]")]
    assert below[4] == f"({one['difference[y]']['std_error']:.2f})"
    quartiles = rows[rows.index(named["Output"]) + 2]
    assert quartiles[1].count(";") == 2
    assert named["Sector: C"][3] == "33.3 %"
    assert named["Observations"][1:4] == ["200", "140", "60"]
    assert named["All columns alike (joint test)"][6]
    assert [row[0] for row in table(found, "about", "nl_BE") if row[0]][-1] == "Gewichten"


def test_a_line_of_three_is_one_in_every_format() -> None:
    built = build_table(record(described()), "about", "en")
    html = format_named("html").render(built)
    assert '<th scope="row" rowspan="3">Output</th>' in html
    assert html.count('<th scope="row" rowspan="2">') == 1  # the share of a column of 1 and 0, and its error
    lines_of = [line.split(",") for line in format_named("csv").render(built).splitlines()]
    means = {
        line[2]: float(line[8]) for line in lines_of if line[5] == "y" and line[7] == "number" and "(" not in line[9]
    }
    one = lines(record(described()))
    assert means["Uses AI: yes"] == one["y[ai=1]"]["estimate"]
    assert means["All"] == one["y"]["estimate"]


def test_more_groups_have_no_difference_and_none_no_test() -> None:
    several = table(record(described(by="size", of=("y",))), "about")
    assert several[2] == ["", "All", "large", "middle", "small", "p-value"]
    alone = table(record(described(by=None)), "about")
    assert alone[0] == ["Variable", "All"]
    both = record(described(), tables={"t": {"models": ["about"], "p_values": "none", "keep": ["cc"]}})
    rows = table(both, "t")
    assert rows[2] == ["", "All", "no", "yes", "Difference", "Std. difference"]
    assert [row[0] for row in rows[3:5]] == ["Buys cloud computing", ""]


def test_without_tables_descriptive_statistics_have_their_own() -> None:
    found = record(compared(), described())
    assert found["spec"]["tables"] == {"about": {"models": ["about"]}, "models": {"models": ["gaps"]}}
    assert record(described())["spec"]["tables"] == {"about": {"models": ["about"]}}
    # A table of all models is one of those that estimate.
    assert [row[0] for row in table(record(compared(), described(), tables={"t": {}}), "t")][2] == "Gap: quantile 0.1"


def test_gaps_and_what_the_tests_say() -> None:
    found = record(compared(), compared(name="by_size", by="size"))
    rows = {row[0]: row[1:] for row in table(found, "models")}
    gaps = lines(found, "gaps")
    assert rows["Gap: quantile 0.5"][0].rstrip("*") == f"{gaps['gap[0.5]']['estimate']:.3f}"
    assert rows["Gap: mean"][1] == ""
    assert "Gap, middle: quantile 0.1" in rows
    stats = found["models"]["gaps"]["stats"]
    assert rows["Kolmogorov-Smirnov distance"][0].startswith(f"{stats['ks']:.3f} (p ")
    assert rows["Stochastic dominance"][0] in ("yes over no, first order", "yes over no, second order", "not told")
    assert "Stochastic dominance: middle" in rows
    dutch = {row[0]: row[1:] for row in table(found, "models", "nl_BE")}
    assert "Kloof: kwantiel 0,1" in dutch


@pytest.mark.parametrize(
    ("dominance", "p_values", "words"),
    [
        (1, (0.6, 0.01), "yes over no, first order"),
        (-2, (0.01, 0.02), "no over yes, second order"),
        (0, (0.01, 0.02), "neither: they cross"),
        (0, (0.4, 0.3), "not told"),
    ],
)
def test_verdicts_in_words(dominance: int, p_values: tuple[float, float], words: str) -> None:
    found = record(compared())
    stats = found["models"]["gaps"]["stats"]
    names = ("first_order_p_value", "first_order_reverse_p_value")
    stats |= {"dominance": dominance, **dict(zip(names, p_values, strict=True))}
    assert {row[0]: row[1] for row in table(found, "models")}["Stochastic dominance"] == words


def test_quartiles_are_told_where_enough_firms_lie_on_either_side() -> None:
    rows = firms(30, 100)
    found = lines(record(described(rows)))
    # A quarter of 30 firms is eight.
    assert [found["y[ai=1]"][key] for key in ("p25", "p75", "n_firms_p25")] == [None, None, None]
    assert found["y[ai=1]"]["p50"] is not None
    assert found["y[ai=0]"]["p25"] is not None
    assert lines(record(described(rows), minimum=1))["y[ai=1]"]["p25"] is not None
    assert not record(described(rows, of=("y",)))["disclosure"]["breaches"]


def test_a_small_group_goes_with_what_would_give_it_away() -> None:
    found = record(described(firms(6, 120)), on_breach="suppress")
    one, stats = lines(found), found["models"]["about"]["stats"]
    assert one["y"]["estimate"] is not None
    assert [one[term]["estimate"] for term in ("y[ai=0]", "y[ai=1]", "difference[y]")] == [None] * 3
    assert [stats[f"n_firms[{level}]"] for level in "01"] == [None, None]
    assert [stats[key] for key in ("p_value[y]", "standardised_difference[y]", "statistic[nace]")] == [None] * 3
    rows = {row[0]: row[1:] for row in table(found, "about")}
    assert rows["Output"][1:] == ["c", "c", "c", "c", "c"]
    assert rows["Firms"][1:3] == ["c", "c"]
    reported = record(described(firms(6, 120)))
    assert {one["item"] for one in reported["disclosure"]["breaches"]} >= {"y[ai=1]", "difference[y]"}


def test_the_share_of_a_small_level_goes_with_another() -> None:
    nace = ["C"] * 100 + ["G"] * 96 + ["J"] * 4
    rows = selection({"nace": nace, "y": np.random.default_rng(1).normal(size=200)})
    found = lines(record(described(rows, of=("nace", "y"), by=None), on_breach="suppress"))
    assert [found[f"nace[{level}]"]["estimate"] is None for level in "CGJ"] == [False, True, True]
    assert found["y"]["estimate"] is not None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=12, max_size=12))
def test_no_small_cell_follows_from_one_sum(counts: list[int]) -> None:
    """Levels by groups: of every sum that is told, what is not told holds enough firms, or nothing is missing."""
    table_of = np.array(counts).reshape(4, 3)
    model: dict[str, Any] = {"design": "descriptives", "coefficients": []}
    for level in range(4):
        for group in (None, 0, 1, 2):
            inside = table_of if group is None else table_of[:, [group]]
            yes, firms_there = int(inside[level].sum()), int(inside.sum())
            hidden = min(yes, firms_there - yes) < 10
            model["coefficients"].append({
                "term": f"nace[{level},{group}]", "item": "nace", "level": f"L{level}", "kind": "share",
                "cell": {} if group is None else {"ai": str(group)}, "n_firms": firms_there, "n_yes": yes,
                "n_no": firms_there - yes, "suppressed": hidden,
            })  # fmt: skip
    gone = {one["term"] for one in model["coefficients"] if one["suppressed"]}
    gone |= {one["term"] for one in blank_beside(model, 10)}
    total = {level: f"nace[{level},None]" in gone for level in range(4)}
    for level in range(4):
        lost = [group for group in range(3) if f"nace[{level},{group}]" in gone]
        if lost and not total[level]:
            assert table_of[level, lost].sum() >= 10
    for group in range(3):
        lost = [level for level in range(4) if f"nace[{level},{group}]" in gone]
        assert len(lost) != 1
        if lost and len(lost) < 4:
            assert table_of[lost, group].sum() >= 10


def test_gaps_of_few_firms() -> None:
    """A tail of 60 users holds six: its gap goes; of six users everything does."""
    found = record(compared(), on_breach="suppress")
    one = lines(found, "gaps")
    assert [one[f"gap[{share}]"]["estimate"] is None for share in (0.1, 0.25, 0.5, 0.75, 0.9)] == [
        True, False, False, False, True,
    ]  # fmt: skip
    assert found["models"]["gaps"]["stats"]["ks"] is not None
    few = record(compared(firms(6, 120)), on_breach="suppress")["models"]["gaps"]
    assert all(one["estimate"] is None for one in few["coefficients"])
    assert not any(value is not None for value in few["stats"].values())
    size = ["small"] * 5 + ["middle"] * 100 + ["large"] * 95
    several = record(compared(firms(size=size), by="size"), on_breach="suppress")
    stats = several["models"]["gaps"]["stats"]
    assert stats["ks[small]"] is None
    assert stats["ks[large]"] is not None
    assert stats["n_firms[small]"] is None
    assert sum(stats[f"n_firms[{level}]"] is None for level in ("large", "middle")) == 1
    rows = {row[0]: row[1] for row in table(several, "models")}
    assert rows["Kolmogorov-Smirnov distance: small"] == rows["Stochastic dominance: small"] == "c"


def test_a_note_on_a_group_of_one_firm_is_withheld() -> None:
    rows = firms(1, 120)
    assert any("one firm is all of 1" in note for note in record(compared(rows))["models"]["gaps"]["notes"])
    assert "is all of" not in str(record(compared(rows), on_breach="suppress"))


def figure(*models: Estimates) -> Figure:
    question = FigureQuestion("drawn", "quantile_gaps", tuple(one.name for one in models), None, None, 10)
    return compute(question, None, {one.name: one for one in models})  # type: ignore[arg-type]


def test_the_figures_points_are_the_estimates() -> None:
    model = compared()
    drawn = figure(model)
    assert [one.at for one in drawn.series] == [0.1, 0.25, 0.5, 0.75, 0.9, None]  # type: ignore[union-attr]
    assert [one.term for one in drawn.series] == list(model.terms)  # type: ignore[union-attr]
    one: Any = drawn.series[2]
    assert (one.label, one.base, one.outcome, one.estimate) == ("1", "0", "y", model.coefficients[2])
    assert (one.conf_low, one.conf_high) == (model.conf_low[2], model.conf_high[2])
    several: list[Any] = list(figure(compared(by="size")).series)
    assert [(one.base, one.label, one.at) for one in several[4:7]] == [
        ("small", "large", 0.9), ("small", "large", None), ("small", "middle", 0.1),
    ]  # fmt: skip
    with pytest.raises(EstimationError, match="9 comparisons cannot be told apart"):
        figure(compared(firms(size=[f"s{k % 10}" for k in range(200)]), by="size"))


def test_the_figure_is_drawn_described_and_the_same_every_time() -> None:
    model = compared()
    found = record(model, figures=(figure(model),), on_breach="suppress")
    (drawn,), (again,) = build_figures(found, "en"), build_figures(found, "en")
    assert drawn.images["svg"] == again.images["svg"]
    assert drawn.title == "Gaps between distributions: output"
    assert "Uses AI: yes less no, 0.5: " in drawn.description
    rows = {row[0]: row[1:] for row in drawn.rows}
    assert rows["0.1"][0] == "c"
    assert rows["Mean"][0] == f"{model.coefficients[-1]:.3f}"
    assert any("fewer than 10 firms on a side" in note for note in drawn.notes)
    breaches = {one["item"] for one in record(model, figures=(figure(model),))["disclosure"]["breaches"]}
    assert breaches == {"gap[0.1]", "gap[0.9]"}
    (french,) = build_figures(record(model, figures=(figure(model),)), "fr_BE")
    assert "0,1" in {row[0] for row in french.rows}
