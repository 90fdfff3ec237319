"""Shares of firms in the record, tables, figures and under disclosure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation.designs.adoption_rates import Options, fit
from estimation.figures.adoption_rates import compute
from estimation.figures.question import FigureQuestion
from estimation.results import Estimates
from panels.ledger import Ledger
from reports.build import build_table
from reports.disclosure_shares import blank_added_up, few_behind
from reports.figures.build import build_figures
from reports.formats.registry import format_named
from reports.record import PanelFacts, SpecFacts, build_record
from specs.errors import EstimationError, TfplabError
from tests.estimation.rows import selection

SIZES, SECTIONS = ("small", "large"), ("C", "G")


def model(name: str, users: dict[tuple[str, str], tuple[int, int]], **keys: Any) -> Estimates:
    """A model of shares of firms: by size and section how many say yes and no."""
    yes, size, section = [], [], []
    for (one, other), (many, rest) in users.items():
        yes += [1.0] * many + [0.0] * rest
        size += [one] * (many + rest)
        section += [other] * (many + rest)
    n = len(yes)
    rows = selection(
        {"yes(ai)": yes, "asked(ai)": [1.0] * n, "yes(cc)": yes[::-1], "asked(cc)": [1.0] * n, "size": size,
         "nace": section, "weight": [1.0 + (k % 3) for k in range(n)]},
        levels={"size": SIZES},
    )  # fmt: skip
    by = (("size",), ("nace",), ("size", "nace"))
    return fit(name, Options(**{"items": ("ai", "cc"), "by": by, "weights": "weight"} | keys), rows, None)


PLENTY = {("small", "C"): (30, 70), ("small", "G"): (20, 90), ("large", "C"): (25, 25), ("large", "G"): (40, 15)}
FEW = PLENTY | {("small", "C"): (3, 97)}


def record(*models: Estimates, figures: tuple[Any, ...] = (), minimum: int = 10, **rule: Any) -> dict[str, Any]:
    spec = SpecFacts(
        title="Use", source="A survey", digest="x", tables=rule.pop("tables", {}),
        figures={one.name: {} for one in figures}, labels={"size": {"en": "Size class", "nl": "Grootte"}},
        disclosure={"minimum_firms": minimum, "on_breach": rule.get("on_breach", "report")},
    )  # fmt: skip
    return build_record(spec, PanelFacts(10, 10, (2023,), Ledger()), (), models, figures)


def coefficients(found: dict[str, Any], name: str = "use") -> dict[str, dict[str, Any]]:
    return {one["term"]: one for one in found["models"][name]["coefficients"]}


def test_the_record_has_what_is_behind_each_share() -> None:
    found = coefficients(record(model("use", PLENTY)))
    one = found["ai[size=small,nace=C]"]
    assert (one["item"], one["cell"], one["n_firms"], one["n_yes"], one["n_no"]) == (
        "ai", {"size": "small", "nace": "C"}, 100, 30, 70,
    )  # fmt: skip
    assert one["statistic"] is None
    assert one["p_value"] is None
    assert record(model("use", PLENTY))["models"]["use"]["base"] == "all"


def test_tables_are_in_per_cent_with_respondents() -> None:
    found = record(model("use", PLENTY), model("then", FEW))
    text = format_named("md").render(build_table(found, "models", "en"))
    one = coefficients(found)["ai[size=large]"]
    line = next(line for line in text.splitlines() if "by size class: large" in line and "Uses AI" in line)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1:4] == [f"{100 * one['estimate']:.1f}", f"{100 * one['std_error']:.1f}", "105"]
    assert "Shares of firms in per cent" in text
    assert "*" not in text.replace("**", "")
    assert "linearised, stratified sample" in text
    for name, share in (("nl_BE", "Aandeel (%)"), ("fr_BE", "Part (%)")):
        other = format_named("md").render(build_table(found, "models", name))
        assert share in other
        assert f"{100 * one['estimate']:.1f}".replace(".", ",") in other
    for kind in ("html", "latex", "csv"):
        assert f"{100 * one['estimate']:.1f}" in format_named(kind).render(build_table(found, "models", "en"))


def test_a_block_can_be_kept() -> None:
    tables = {"t": {"models": ["use"], "keep": ["ai[size]", "cc[size,nace]"]}}
    table = build_table(record(model("use", PLENTY), tables=tables), "t", "en")
    keys = [row.key for panel in table.panels for row in panel.rows]
    assert keys[:2] == ["ai[size=small]", "ai[size=large]"]
    assert {key.partition("[")[0] for key in keys[2:]} == {"cc"}
    assert len(keys) == 6
    assert table.panels[0].heading == "Uses AI, by size class"


def test_few_users_are_a_breach_whatever_the_base() -> None:
    few = model("use", FEW, items=("ai",))
    found = record(few)
    breaches = {one["item"]: one["n_firms"] for one in found["disclosure"]["breaches"]}
    assert breaches == {"ai[size=small,nace=C]": 3}
    with pytest.raises(TfplabError, match=r"ai\[size=small,nace=C\] \(3 firms\)"):
        record(few, on_breach="fail")
    text = format_named("md").render(build_table(found, "models", "en"))
    assert "Resting on fewer than 10 firms: Uses AI, by size class × NACE section: small × C (3)." in text


def test_a_share_of_zero_or_one_is_a_breach() -> None:
    found = record(model("use", PLENTY | {("large", "G"): (0, 55)}, items=("ai",)))
    assert [one["item"] for one in found["disclosure"]["breaches"]] == ["ai[size=large,nace=G]"]
    assert few_behind({"n_firms": 55, "n_yes": 55, "n_no": 0}) == 0


def test_suppression_takes_what_it_would_follow_from() -> None:
    few = model("use", FEW, items=("ai",))
    figure = compute(FigureQuestion("f", "adoption_rates", ("use",), "size", None, 10), None, {"use": few})  # type: ignore[arg-type]
    found = record(few, figures=(figure,), on_breach="suppress")
    of_ai = {term: one for term, one in coefficients(found).items() if one["item"] == "ai"}
    gone = {term for term, one in of_ai.items() if one.get("suppressed")}
    # small x C would follow from small and small x G, and from C and large x C; then large x G from these.
    assert {"ai[size=small,nace=C]", "ai[size=small,nace=G]", "ai[size=large,nace=C]"} <= gone
    assert not {"ai", "ai[size=small]", "ai[size=large]"} & gone
    for term in gone:
        assert all(of_ai[term][key] is None for key in ("estimate", "std_error", "n_firms", "n_yes", "n_no"))
    text = format_named("md").render(build_table(found, "models", "en"))
    assert "said yes or said no, or because another suppressed share" in text
    assert all(one["estimate"] is not None for one in found["figures"]["f"]["series"])
    hidden = {("small", "C"): (3, 7), **{key: value for key, value in PLENTY.items() if key != ("small", "C")}}
    few = model("use", hidden)
    again = compute(FigureQuestion("f", "adoption_rates", ("use",), "nace", None, 60), None, {"use": few})  # type: ignore[arg-type]
    blank = record(few, figures=(again,), minimum=60, on_breach="suppress")
    shown = coefficients(blank)
    for series in blank["figures"]["f"]["series"]:
        assert bool(series.get("suppressed")) == bool(shown[series["term"]].get("suppressed"))
    (drawn,) = build_figures(blank, "nl_BE")
    assert drawn.images["svg"].startswith(b"<?xml")
    assert drawn.images["png"]
    assert any("onderdrukt" in note for note in drawn.notes)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=6, max_size=6), st.integers(1, 12))
def test_no_difference_gives_a_share_away(cells: list[tuple[int, int]], minimum: int) -> None:
    """Of every coarser cell that is told, the finer ones left out hold enough firms, yes and no, together."""
    grid = {(a, b): cells[3 * i + j] for i, a in enumerate("xy") for j, b in enumerate("pqr")}

    def entry(cell: dict[str, str], inside: list[tuple[int, int]]) -> dict[str, Any]:
        yes, no = (sum(one[k] for one in inside) for k in (0, 1))
        few = min(yes, no) < minimum
        counts = {"n_firms": yes + no, "n_yes": yes, "n_no": no}
        return {"item": "ai", "cell": cell, **({**dict.fromkeys(counts), "suppressed": True} if few else counts)}

    shares = [entry({}, list(grid.values()))]
    shares += [entry({"a": a}, [grid[a, b] for b in "pqr"]) for a in "xy"]
    shares += [entry({"b": b}, [grid[a, b] for a in "xy"]) for b in "pqr"]
    shares += [entry({"a": a, "b": b}, [grid[a, b]]) for a in "xy" for b in "pqr"]
    taken = [id(one) for one in blank_added_up(shares, minimum)]
    shown = [one for one in shares if not one.get("suppressed") and id(one) not in taken]
    for parent in shown:
        for columns in ({"a"}, {"b"}, {"a", "b"}):
            if not columns > set(parent["cell"]):
                continue
            within = [one for one in shares if set(one["cell"]) == columns
                      and parent["cell"].items() <= one["cell"].items()]  # fmt: skip
            told = [one for one in within if one in shown]
            if len(told) < len(within) and told:
                for key in ("n_firms", "n_yes", "n_no"):
                    assert parent[key] - sum(one[key] for one in told) >= minimum


def test_figures_refuse_what_one_picture_cannot_show() -> None:
    models = {"use": model("use", PLENTY), "then": model("then", FEW)}
    several = FigureQuestion("f", "adoption_rates", ("use", "then"), "size", None, 10)
    with pytest.raises(EstimationError, match="2 items by size of 2 models"):
        compute(several, None, models)  # type: ignore[arg-type]
    nothing = FigureQuestion("f", "adoption_rates", ("use",), "region", None, 10)
    with pytest.raises(EstimationError, match="no share by region"):
        compute(nothing, None, models)  # type: ignore[arg-type]
    one = compute(FigureQuestion("f", "adoption_rates", ("use", "then"), "size", None, 10, ("ai",)), None, models)  # type: ignore[arg-type]
    assert [(point.of, point.label) for point in one.series] == [  # type: ignore[union-attr]
        ("use", "small"), ("use", "large"), ("then", "small"), ("then", "large"),
    ]  # fmt: skip
    assert one.notes == ("base all", "weights weight")


@pytest.mark.parametrize(("of", "by", "keep"), [
    (("use",), None, ()), (("use", "then"), None, ()), (("use",), "size", ()), (("use",), "nace", ("cc",)),
    (("use", "then"), "size", ("ai",)),
])  # fmt: skip
def test_every_way_of_drawing(of: tuple[str, ...], by: str | None, keep: tuple[str, ...]) -> None:
    models = {"use": model("use", PLENTY), "then": model("then", FEW)}
    figure = compute(FigureQuestion("f", "adoption_rates", of, by, None, 10, keep), None, models)  # type: ignore[arg-type]
    found = record(*models.values(), figures=(figure,))
    for locale in ("en", "fr_BE"):
        (drawn,) = build_figures(found, locale)
        assert len(drawn.rows) == len(figure.series)
        assert len({row[0] for row in drawn.rows}) == len(drawn.rows)
        assert "%" in drawn.description
    point = figure.series[0]
    assert math.isclose(float(drawn.rows[0][1].replace(",", ".")), 100 * point.estimate, abs_tol=0.051)  # type: ignore[union-attr]
    assert build_figures(found, "en")[0].images["svg"] == build_figures(found, "en")[0].images["svg"]


def test_a_table_beside_a_regression_is_in_per_cent_too() -> None:
    found = record(model("use", PLENTY), tables={"t": {"models": ["use"], "decimals": 2}})
    (first, *_) = (row for panel in build_table(found, "t", "en").panels for row in panel.rows)
    assert first.cells[0].text == f"{100 * coefficients(found)['ai']['estimate']:.2f}"
    assert first.cells[0].value == pytest.approx(coefficients(found)["ai"]["estimate"])
    assert np.isfinite(first.cells[1].value)
