"""The keys of instrumented models: what is refused, where, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from estimation.designs import cross_section, fixed_effects
from specs.bind import bind
from specs.read import read

GOOD = "formula: tfp ~ ai + size\nmethod: iv\ninstruments: {ai: [peers]}"


def problems(path: Path, text: str, design: Any = cross_section) -> list[str]:
    file = path / "s.yaml"
    file.write_text(text, encoding="utf-8")
    node, wrong = read(file)
    assert node is not None
    assert not wrong
    return [str(one).removeprefix(f"{path}/") for one in bind(design.Options, node, "m")[1]]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("formula: tfp ~ ai\ninstruments: {ai: [z]}", "2:1", "instruments beside method: ols, they would not be used"),
        ("formula: tfp ~ ai\nmethod: iv", "2:9", "method iv has no instruments, write instruments: {ai: [peers]}"),
        ("formula: tfp ~ ai\nmethod: iv\ninstruments: {}", "2:9", "method iv has no instruments"),
        (GOOD.replace("{ai:", "{aii:"), "3:15", '"aii" is no term of the formula'),
        (GOOD.replace("{ai:", "{aii:"), "3:15", 'did you mean "ai"?'),
        (GOOD.replace("peers", "size"), "3:20", '"size" stands in the formula too'),
        (GOOD.replace("peers", "ai"), "3:20", '"ai" stands in the formula too'),
        (GOOD.replace("peers", "tfp"), "3:20", 'the outcome "tfp" is no instrument'),
        (GOOD.replace("peers", "y") + "\noutcome: y", "3:20", 'the outcome "y" is no instrument'),
        (GOOD.replace("[peers]", "peers"), "3:19", "a list of columns is wanted"),
        (GOOD.replace("[peers]", "[]"), "3:19", 'no instrument of "ai"'),
        (GOOD.replace("peers", "z, z"), "3:23", 'the column "z" stands twice'),
        (GOOD.replace("[peers]}", "[z], size: [z]}"), "3:1", "2 endogenous terms and fewer instruments: z"),
        (
            GOOD.replace("ai + size", "ai*size"),
            "3:1",
            "ai:size is made of ai, where ai is endogenous, so is the product",
        ),
        (GOOD.replace("ai + size", "ai:size"), "3:15", '"ai" is no term of the formula, name the term: ai:size'),
        (GOOD + "\nerrors: HC3", "4:9", "HC3 with instruments"),
        (GOOD + "\nerrors: HC2", "4:9", "write HC1, or {cluster: [firm]}"),
        (GOOD.replace("iv", "ivv"), "2:9", 'did you mean "iv"?'),
    ],
)
def test_mistakes(tmp_path: Path, text: str, place: str, said: str) -> None:
    (found,) = problems(tmp_path, text)
    assert found.startswith(f"s.yaml:{place}: m")
    assert said in found


def test_what_is_swept_out_is_no_instrument(tmp_path: Path) -> None:
    text = "formula: tfp ~ ai | firm + nace^year\nmethod: iv\ninstruments: {ai: [nace]}"
    assert problems(tmp_path, text, fixed_effects) == [
        's.yaml:3:20: m.instruments.ai.0: "nace" stands behind the bar too, nothing of it is left'
    ]
    with pytest.raises(ValidationError, match="HC3"):
        fixed_effects.Options.model_validate(
            {"formula": "y ~ x | firm", "method": "iv", "instruments": {"x": ("z",)}, "errors": "HC3"}
        )


def test_products_are_endogenous_by_their_own_names(tmp_path: Path) -> None:
    text = "formula: tfp ~ ai*size\nmethod: iv\ninstruments: {ai: [z], 'size:ai': [zs]}"
    assert problems(tmp_path, text) == []


def test_columns_equations_and_places() -> None:
    options = cross_section.Options.model_validate({
        "formula": "tfp ~ ai + cloud + size", "method": "iv", "instruments": {"ai": ("peers", "z"), "cloud": ("z",)},
        "weights": "w", "errors": {"cluster": ["region"]},
    })  # fmt: skip
    assert cross_section.columns(options) == ("tfp", "ai", "cloud", "size", "w", "region", "peers", "z")
    places = [one.place for one in options.uses() if one.place[0] == "instruments"]
    assert places == [("instruments", "ai", 0), ("instruments", "ai", 1), ("instruments", "cloud", 0)]
    said = cross_section.equations(options)
    assert "Z = peers, z and the other terms; e = y - Xb" in said
    assert "b = (X^'WX^)^-1 X^'Wy, X^ = X with ai, cloud as fitted on Z, w = w" in said
    assert "psi_i = (X^'WX^)^-1 x^_i w_i e_i by region" in said
    assert options.term_names() == ("constant", "ai", "cloud", "size")
