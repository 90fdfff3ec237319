"""Terms, base levels, missing values, dependent columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.design_matrix import Design, design_matrix, firms_behind
from estimation.least_squares import Dependence, dependences, least_squares
from specs.errors import EstimationError
from specs.formula import parse_formula
from tests.estimation.rows import selection

RANDOM = np.random.default_rng(5)
N = 240
SIZES = ("10-19", "20-49", "50-249")
DATA: dict[str, Any] = {
    "tfp": RANDOM.normal(size=N),
    "ai": RANDOM.integers(0, 2, N).astype(float),
    "age": RANDOM.integers(1, 40, N).astype(float),
    "size": [SIZES[code] for code in RANDOM.integers(0, 3, N)],
    "nace": [("C", "F", "G")[code] for code in RANDOM.choice(3, N, p=[0.2, 0.3, 0.5])],
}
YEARS = np.arange(2019, 2023).repeat(60)


def build(formula: str, data: dict[str, Any] | None = None, **options: Any) -> Design:
    rows = selection({**DATA, **(data or {})}, np.tile(np.arange(60), 4), YEARS, {"size": SIZES})
    return design_matrix(parse_formula(formula), rows, **options)


def test_terms_as_written() -> None:
    design = build("tfp ~ ai + size + log(age) + (age)^2", reference={"size": "10-19"})
    assert design.terms == ("constant", "ai", "size[20-49]", "size[50-249]", "log(age)", "(age)^2")
    assert design.x[:, 4] == pytest.approx(np.log(DATA["age"]))
    assert design.x[:, 5] == pytest.approx(DATA["age"] ** 2)
    assert design.reference == {"size": "10-19"}


def test_base_is_the_most_frequent_level() -> None:
    assert build("tfp ~ nace").terms == ("constant", "nace[C]", "nace[F]")
    tied = ["G", "C"] * (N // 2)
    assert build("tfp ~ nace", {"nace": tied}).reference == {"nace": "C"}


def test_base_is_counted_among_the_rows_that_stay() -> None:
    tfp = np.where(np.array(DATA["nace"]) == "G", np.nan, DATA["tfp"])
    design = build("tfp ~ nace", {"tfp": tfp})
    assert design.terms == ("constant", "nace[C]")
    assert design.dropped == {"tfp is missing": DATA["nace"].count("G")}


def test_year_enters_as_indicators() -> None:
    assert build("tfp ~ year", reference={"year": "2021"}).terms == (
        "constant", "year[2019]", "year[2020]", "year[2022]",
    )  # fmt: skip
    with pytest.raises(EstimationError, match="declare trend: year - 2017"):
        build("tfp ~ (year)^2")


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        ("tfp ~ ai*size", ("constant", "ai", "size[20-49]", "size[50-249]", "ai:size[20-49]",
            "ai:size[50-249]")),
        ("tfp ~ ai + ai:size", ("constant", "ai", "ai:size[20-49]", "ai:size[50-249]")),
        ("tfp ~ ai:size", ("constant", "ai:size[10-19]", "ai:size[20-49]", "ai:size[50-249]")),
        ("tfp ~ -1 + size", ("size[10-19]", "size[20-49]", "size[50-249]")),
        ("tfp ~ -1 + size + nace", ("size[10-19]", "size[20-49]", "size[50-249]", "nace[F]", "nace[G]")),
        ("tfp ~ size + size:nace", ("constant", "size[20-49]", "size[50-249]",
            "size[10-19]:nace[F]", "size[10-19]:nace[G]", "size[20-49]:nace[F]", "size[20-49]:nace[G]",
            "size[50-249]:nace[F]", "size[50-249]:nace[G]")),
    ],
)  # fmt: skip
def test_coding_of_interactions(formula: str, terms: tuple[str, ...]) -> None:
    reference = {name: level for name, level in {"size": "10-19", "nace": "C"}.items() if name in formula}
    design = build(formula, reference=reference)
    assert design.terms == terms
    assert np.linalg.matrix_rank(design.x) == len(terms)


@pytest.mark.parametrize(
    ("formula", "columns"),
    [
        ("tfp ~ size + ai:size", {"size"}),  # an interaction shows the base level that the main effect leaves out
        ("tfp ~ size + size:nace", {"size", "nace"}),
        ("tfp ~ size:nace", {"size", "nace"}),  # the cell of the base levels
        ("tfp ~ ai:size", set()),
        ("tfp ~ -1 + size:nace", set()),
        ("tfp ~ -1 + size + nace", {"nace"}),
    ],
)
def test_the_reference_is_that_of_every_column_compared_with_its_base(formula: str, columns: set[str]) -> None:
    base = {"size": "10-19", "nace": "C"}
    design = build(formula, reference={name: level for name, level in base.items() if name in formula})
    assert design.reference == {name: base[name] for name in columns}


@pytest.mark.parametrize(
    "formula",
    ["tfp ~ size:nace", "tfp ~ -1 + size:nace", "tfp ~ size*nace", "tfp ~ nace + size:nace",
     "tfp ~ -1 + size*nace", "tfp ~ -1 + nace + size:nace"],
)  # fmt: skip
def test_every_coding_of_all_cells_fits_the_same(formula: str) -> None:
    design = build(formula)
    assert len(design.terms) == 9
    cells = np.array([f"{size}{nace}" for size, nace in zip(DATA["size"], DATA["nace"], strict=True)])
    residuals = least_squares(design.x, design.y).residuals
    for cell in set(cells):
        assert residuals[cells == cell].sum() == pytest.approx(0, abs=1e-10)  # a sum of some 30 rounded numbers


def test_x_by_size_and_by_nace_is_of_full_rank() -> None:
    assert len(build("tfp ~ size + nace + age:size + age:nace").terms) == 1 + 2 + 2 + 3 + 2


def test_empty_cells_are_left_out_and_said() -> None:
    nace = ["G" if size == "50-249" else code for size, code in zip(DATA["size"], DATA["nace"], strict=True)]
    design = build("tfp ~ size*nace", {"nace": nace}, reference={"size": "10-19", "nace": "G"})
    assert "size[50-249]:nace[C]" not in design.terms
    assert "no rows with size[50-249]:nace[C], size[50-249]:nace[F]: left out" in design.notes


def test_a_column_with_one_level_is_left_out_and_said() -> None:
    design = build("tfp ~ ai + nace", {"nace": ["C"] * N})
    assert design.terms == ("constant", "ai")
    assert "nace is C in every row: left out" in design.notes


def test_rows_are_dropped_once_and_counted_by_column() -> None:
    ai, age, weight = DATA["ai"].copy(), DATA["age"].copy(), np.ones(N)
    ai[:5], age[3:9], age[9] = np.nan, np.nan, 0
    weight[[10, 11]], weight[12] = 0, np.nan
    nace = [None, *DATA["nace"][1:]]
    design = build("tfp ~ ai + log(age)", {"ai": ai, "age": age, "weight": weight, "nace": nace},
                   weights="weight", clusters=(("nace",),))  # fmt: skip
    assert design.dropped == {
        "ai is missing": 5, "age is missing": 4, "weight is missing": 1, "log(age) of zero or less": 1,
        "weight is zero": 2,
    }  # fmt: skip
    assert design.y.size == N - sum(design.dropped.values())
    assert build("tfp ~ ai", {"nace": nace}, clusters=(("nace",),)).dropped == {"nace is missing": 1}


def test_outcome_replaces_the_left_side() -> None:
    design = build("tfp ~ ai", outcome="age")
    assert design.outcome == "age"
    assert (design.y == DATA["age"]).all()
    logged = build("log(age) ~ ai")
    assert logged.outcome == "log(age)"
    assert logged.slope == pytest.approx(1 / DATA["age"])


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("tfp ~ nace", {"reference": {"nace": "c"}},
         'nace has no level "c", there are: C, F, G; did you mean "C"'),
        ("nace ~ ai", {}, "the outcome nace must be a number, and nace is text"),
        ("tfp ~ log(nace)", {}, r"log\(nace\) must be a number, and nace is text"),
        ("tfp ~ ai", {"weights": "nace"}, "weights: nace must be a number"),
        ("~ ai", {}, "no outcome"),
    ],
)  # fmt: skip
def test_mistakes_are_named(formula: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(EstimationError, match=message):
        build(formula, **options)


def test_a_level_of_other_rows_is_named() -> None:
    rows = selection(DATA, np.tile(np.arange(60), 4), YEARS, {"size": SIZES}).take(np.array(DATA["nace"]) != "C")
    with pytest.raises(EstimationError, match='nace has no level "C" among these rows, there are: F, G'):
        design_matrix(parse_formula("tfp ~ nace"), rows, reference={"nace": "C"})


def test_negative_weights_are_refused() -> None:
    with pytest.raises(EstimationError, match="weight is negative in 1 row;"):
        build("tfp ~ ai", {"weight": np.append(np.ones(N - 1), -1)}, weights="weight")


def test_no_rows_left() -> None:
    with pytest.raises(EstimationError, match=r"no rows are left of 240 \(tfp is missing: 240\)"):
        build("tfp ~ ai", {"tfp": np.full(N, np.nan)})


def test_where_keeps_none() -> None:
    rows = selection(DATA).take(np.zeros(N, dtype=bool))
    with pytest.raises(EstimationError, match=r"no rows are left of 0 \(where keeps none\)"):
        design_matrix(parse_formula("tfp ~ ai + nace"), rows)


def test_powers_beyond_numbers() -> None:
    with (
        pytest.raises(EstimationError, match=r"\(age\)\^9: too large for a number"),
        np.errstate(over="ignore"),
    ):
        build("tfp ~ (age)^9", {"age": DATA["age"] * 1e40})


def test_too_few_rows() -> None:
    with pytest.raises(EstimationError, match=r"3 rows are too few for 3 terms \(constant, ai, age\)"):
        design_matrix(parse_formula("tfp ~ ai + age"), selection({name: DATA[name][:3] for name in DATA}))


@pytest.mark.parametrize(
    ("formula", "data", "message"),
    [
        ("tfp ~ ai + size", {"ai": np.ones(N)}, "ai has the same value in every row, as the constant has"),
        ("tfp ~ ai + size", {"ai": np.zeros(N)}, "ai is zero in every row"),
        ("tfp ~ age + born + year_number", {"born": 2023 - DATA["age"], "year_number": np.full(N, 2023.0)},
         "born is an exact combination of constant, age"),
        ("tfp ~ nace + nace2", {"nace2": [code + "1" for code in DATA["nace"]]},
         r"nace2\[C1\] is an exact combination of nace\[C\].*one nested in the other"),
    ],
)  # fmt: skip
def test_dependent_terms_are_named(formula: str, data: dict[str, Any], message: str) -> None:
    with pytest.raises(EstimationError, match=message):
        build(formula, data)


def test_dependences_do_not_hang_on_units() -> None:
    x = np.column_stack([np.ones(N), DATA["age"] * 1e9, RANDOM.normal(size=N) * 1e-9, DATA["ai"]])
    assert dependences(x) == ()
    assert dependences(np.column_stack([x, x[:, 1] * 1e-9 + x[:, 3]])) == (Dependence(4, (1, 3)),)
    year = YEARS - 0.0
    assert dependences(np.column_stack([np.ones(N), year, year**2])) == ()


def test_firms_behind_each_term() -> None:
    firm = np.array([3, 3, 1, 1, 2])
    x = np.array([[1, 0, 1], [1, 1, 0], [1, 1, 0], [1, 1, 0], [1, 0, 0]], dtype=float)
    assert firms_behind(x, firm).tolist() == [3, 2, 1]
    design = build("tfp ~ ai + size")
    firms = np.tile(np.arange(60), 4)
    assert design.n_firms_term.tolist() == [
        60, *(np.unique(firms[design.x[:, j] != 0]).size for j in range(1, 4))
    ]  # fmt: skip
