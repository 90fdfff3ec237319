"""``tfplab schema``: what is in it. How a language server reads it is in test_yaml_language_server.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from estimation.registry import DESIGNS, PRODUCTIVITY
from specs.model import KEYS as SECTIONS
from tests.tfplab.documented_keys import written
from tests.tfplab.mistaken_specs import BASE
from tfplab.cli import main
from tfplab.commands.schema import schema_text
from tfplab.schema.descriptions import KEYS, attributes_of, describe
from tfplab.schema.document import schema_of
from tfplab.schema.names import names_in
from tfplab.schema.shapes import EMPTY
from tfplab.schema.sharing import shared

HERE = Path(__file__).parents[2]


def inside(schema: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every map of a schema with the way to it."""
    if isinstance(schema, dict):
        yield at, schema
        for key, one in schema.items():
            yield from inside(one, f"{at}/{key}")
    elif isinstance(schema, list):
        for number, one in enumerate(schema):
            yield from inside(one, f"{at}/{number}")


def test_the_descriptions_are_those_of_the_docs() -> None:
    told = "run python -m tests.tfplab.documented_keys"
    assert KEYS.read_text(encoding="utf-8") == written(), told


@pytest.mark.parametrize(("section", "registry"), [("productivity", PRODUCTIVITY), ("models", DESIGNS)])
def test_every_key_of_every_method_and_design_is_described(section: str, registry: dict[str, Any]) -> None:
    for kind, one in registry.items():
        texts = describe(section, kind)
        assert set(one.options.model_fields) - set(texts) == set(), kind


def test_of_two_rows_for_a_key_that_of_the_design_is_taken() -> None:
    assert "group-time" in describe("models", "did")["adjustment"]
    assert describe("models", "did")["errors"] == describe("models", "fixed_effects")["errors"]
    assert describe("nowhere") == {}


def test_what_docstrings_say() -> None:
    text = """A thing.

    Attributes
    ----------
    one, two : int
        Both `are`
        told.
    three : int
    """
    assert attributes_of(text) == {"one": "Both are told.", "two": "Both are told."}


@pytest.mark.parametrize("fragment", [False, True])
def test_every_reference_leads_somewhere_and_nothing_is_left_of_pydantic(fragment: bool) -> None:
    schema = schema_of(fragment=fragment)
    for at, one in inside(schema):
        if isinstance(one.get("$ref"), str):
            kind = one["$ref"].removeprefix("#/definitions/")
            assert kind in schema["definitions"], at
        assert (
            not {"names", "described", "first", "$defs", "oneOfKeys"} & set(one) or "properties" in at.split("/")[-2:]
        ), at


def test_it_is_the_same_every_time_and_short_enough_for_an_editor() -> None:
    text = schema_text(None)
    assert text == schema_text(None)
    assert len(text) < 300_000
    assert str(HERE) not in text


def test_what_must_be_there_is_asked_of_a_whole_spec_alone() -> None:
    whole, part = schema_of(), schema_of(fragment=True)
    assert whole["if"] == {"required": ["extends"]}
    assert "else" in whole
    assert "if" not in part
    assert whole["allOf"][0]["properties"].keys() == part["allOf"][0]["properties"].keys()
    assert EMPTY["deprecationMessage"] in json.dumps(whole["else"] | whole["definitions"])


def test_every_section_of_a_spec_is_in_it() -> None:
    assert tuple(schema_of()["allOf"][0]["properties"]) == SECTIONS


def test_sharing_changes_nothing() -> None:
    long = {"type": "object", "errorMessage": "x" * 300, "properties": {"a": {"enum": ["y" * 300]}}}
    schema = {
        "properties": {"one": long, "two": long, "three": {"items": [long, {"enum": ["y" * 300]}]}},
        "definitions": {},
    }
    found = shared(schema)

    def resolved(one: Any) -> Any:
        if isinstance(one, dict) and "$ref" in one:
            return resolved(found["definitions"][one["$ref"].rsplit("/", 1)[1]])
        if isinstance(one, dict):
            return {key: resolved(below) for key, below in one.items() if key != "definitions"}
        return [resolved(below) for below in one] if isinstance(one, list) else one

    assert resolved(found) == {"properties": schema["properties"]}
    assert len(found["definitions"]) == 2


# ---------------------------------------------------------------- names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "panel.csv").write_text("firm,year,va,l,k,m,ai,nace\nSECRET,2020,1.2345,1,1,1,0,HIDDEN\n")
    (tmp_path / "s.yaml").write_text(BASE + "variants:\n  grid: {of: t1, vary: {errors: [HC1, HC3]}}\n")
    return tmp_path


def test_the_names_are_those_of_the_spec(folder: Path) -> None:
    names = names_in(Path("s.yaml"))
    assert names.columns == ("firm", "year", "va", "l", "k", "m", "ai", "nace", "ln_l", "tfp")
    assert (names.productivity, names.models, names.variants) == (("tfp",), ("t1",), ("grid",))
    found = schema_of(names)["definitions"]
    assert found["columns"]["enum"] == list(names.columns)
    assert found["shown"]["enum"] == ["t1", "tfp", "grid"]
    assert "productivity.tfp.degree" in found["settings"]["properties"]


def test_no_value_of_the_data_is_in_it(folder: Path) -> None:
    text = schema_text(Path("s.yaml"))
    assert not any(value in text for value in ("SECRET", "HIDDEN", "1.2345"))


def test_a_spec_with_mistakes_has_names_too(folder: Path) -> None:
    (folder / "s.yaml").write_text(BASE.replace("log(l)", "log(l").replace("method: wlp", "method: wl"))
    assert names_in(Path("s.yaml")).columns[-2:] == ("ln_l", "tfp")


def test_names_of_what_a_spec_extends(folder: Path) -> None:
    (folder / "own.yaml").write_text("extends: s.yaml\nvariables: {ln_k: log(k)}\n")
    names = names_in(Path("own.yaml"))
    assert names.columns[-3:] == ("ln_l", "ln_k", "tfp")
    assert names.models == ("t1",)


def test_without_its_files_a_spec_has_the_names_that_it_gives_itself(folder: Path) -> None:
    (folder / "panel.csv").unlink()
    assert names_in(Path("s.yaml")).columns == ("ln_l", "tfp")
    (folder / "s.yaml").write_text("tfplab: 1\nvariables: {x: 1}\n")
    assert names_in(Path("s.yaml")).columns == ("x",)


def test_columns_that_layouts_promise(demo_folder: Path) -> None:
    columns = names_in(demo_folder / "hrw_2026.yaml").columns
    assert {"firm", "year", "value_added", "value_added_real", "ai", "nace2", "weight"} <= set(columns)


# ---------------------------------------------------------------- the command


def test_it_is_printed_or_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert main(["schema", "s.yaml", "-o", "tfplab.schema.json"]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads(Path("tfplab.schema.json").read_text())["definitions"]["models"] == {"enum": ["t1"]}
    assert main(["schema", "--fragment"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "A part of a spec of tfplab"


def test_what_cannot_be_read_or_written_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "none.yaml"]) == 2
    assert "none.yaml:1:1: no such file" in capsys.readouterr().err
    assert main(["schema", "-o", "no/where.json"]) == 2
    assert capsys.readouterr().err == "tfplab: no/where.json cannot be written: No such file or directory\n"
