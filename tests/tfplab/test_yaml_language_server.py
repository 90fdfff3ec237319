"""The schema in a real language server, the one behind VS Code's YAML extension: places, words, names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specs.errors import Problem, SpecError
from specs.extends import LIBRARY
from tests.tfplab.editors import VERSION, Editor, yaml_language_server
from tests.tfplab.mistaken_specs import BASE, MISTAKES, PANEL, RIGHT
from tfplab.commands.schema import schema_text
from tfplab.first_gate import make_plan

pytestmark = pytest.mark.nodejs

WHOLE = "# yaml-language-server: $schema=./tfplab.schema.json\n"
PART = "# yaml-language-server: $schema=./fragment.schema.json\n"
DOCS = Path(__file__).parents[2] / "docs"
HALF = """\
tfplab: 1
panel:
  table: {files: panel.csv}
  clean:
    |
variables:
  ln_l: log(l)
productivity:
  tfp:
    method: wlp
    output: |
    free: [l, |]
    |
    state:
      - k
      - |
models:
  t1:
    design: cross_section
    formula: tfp ~ ai
    weights: |
    errors: {cluster: [|]}
    |
  d:
    design: did
    adoption: {indicator: |}
    adjustment: |
    |
  c:
    like: |
  v:
    design: |
tables:
  one:
    models: [|]
figures:
  f:
    kind: |
    of: |
variants:
  g:
    of: |
    vary:
      |
"""
"""A spec as it is typed; completion is asked for at every bar."""

OF_THE_SPEC = {"firm", "year", "va", "l", "k", "m", "ai", "nace", "size", "ln_l", "tfp"}
MODELS = {"t1", "d", "c", "v"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("specs").resolve()
    (folder / "panel.csv").write_text(PANEL)
    (folder / "fragment.schema.json").write_text(schema_text(None, fragment=True))
    spec = folder / "s.yaml"
    spec.write_text(HALF.replace("|", ""))
    here = Path.cwd()
    os.chdir(folder)
    (folder / "tfplab.schema.json").write_text(schema_text(Path("s.yaml")))
    os.chdir(here)
    return folder


@pytest.fixture(scope="module")
def editor(folder: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    cache = getattr(request.config, "cache", None)
    command = yaml_language_server(tmp_path_factory.mktemp("npm") if cache is None else cache.mkdir("npm"))
    if command is None:
        pytest.skip(
            f"yaml-language-server {VERSION} is missing: apt install nodejs npm, and npm must reach its registry"
        )
    with Editor(command, folder) as editor:
        yield editor


def shown(editor: Editor, texts: dict[str, str], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the diagnostics of texts, all opened at once."""
    uris = {editor.open(folder / f"{next(editor.numbers)}.yaml", text): name for name, text in texts.items()}
    found: dict[str, list[dict[str, Any]]] = {}
    while len(found) < len(texts):
        one = editor.published.get(timeout=60)
        if one["uri"] in uris:
            found[uris[one["uri"]]] = one["diagnostics"]
    for uri in uris:
        editor.close(uri)
    return found


def checked(path: Path, text: str) -> list[Problem]:
    try:
        make_plan(path, texts={os.path.realpath(path): text})
    except SpecError as error:
        return list(error.problems)
    return []


def place_of(one: dict[str, Any], text: str) -> tuple[int, int]:
    """Return the line and the column, in characters from 1, of a diagnostic, which counts UTF-16 units from 0."""
    start = one["range"]["start"]
    line = text.splitlines()[start["line"]]
    before = line.encode("utf-16-le")[: 2 * start["character"]].decode("utf-16-le")
    return start["line"] + 1, len(before) + 1


def agree(told: str, problem: Problem) -> bool:
    """Return whether the editor says what `check` says, as far as it can: a schema does not know the value."""
    words = re.sub(r"^(?:the|this) key (?!\")", "", told.split(", ", maxsplit=1)[0])
    return words in ", ".join((problem.what, problem.meaning, problem.advice))


def test_every_mistake_stands_where_check_says_and_in_its_words(
    editor: Editor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    texts = {name: WHOLE + text for name, text in MISTAKES.items()}
    assert len(texts) > 100
    wrong = {}
    for name, found in shown(editor, texts, folder).items():
        problems = checked(Path(f"{name}.yaml"), texts[name])
        assert problems, f"{name} is no mistake"
        editors = sorted((place_of(one, texts[name]), one["message"]) for one in found)
        ours = sorted(((one.position.line, one.position.column), one) for one in problems)
        if [place for place, _ in editors] != [place for place, _ in ours] or not all(
            agree(told, one) for (_, told), (_, one) in zip(editors, ours, strict=True)
        ):
            wrong[name] = (editors, [str(one) for one in problems])
    assert wrong == {}


def test_what_is_right_is_not_marked(editor: Editor, folder: Path) -> None:
    texts = {name: WHOLE + text for name, text in RIGHT.items()}
    texts |= {path.stem: path.read_text(encoding="utf-8") for path in sorted(LIBRARY.glob("*.yaml"))}
    texts |= {f"{name}, a part": PART + text.replace(WHOLE, "") for name, text in texts.items()}
    assert all(text.startswith((WHOLE, PART)) for text in texts.values()), "specs of the library begin with the comment"
    assert {name: found for name, found in shown(editor, texts, folder).items() if found} == {}


def test_examples_of_the_docs_are_not_marked(editor: Editor, folder: Path) -> None:
    texts: dict[str, str] = {}
    for page in sorted(DOCS.glob("*.md")):
        for number, text in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)):
            if ": refused\n" not in text and page.stem != "layouts":
                texts[f"{page.stem} {number}"] = PART + text.replace(WHOLE, "")
    assert len([name for name in texts if name.startswith("language ")]) > 10
    assert {name: found for name, found in shown(editor, texts, folder).items() if found} == {}


def test_a_part_of_a_spec_may_leave_out_and_remove(editor: Editor, folder: Path) -> None:
    part = "models: {t1: {errors: null, formula: tfp ~ ai}}\nproductivity: {tfp: {steps: 2}, lp: null}\ntables: null\n"
    texts = {"part": PART + part, "child": WHOLE + "extends: base.yaml\n" + part}
    texts["wrong"] = PART + part.replace("steps: 2", "steps: 9").replace("errors", "erors")
    found = shown(editor, texts, folder)
    assert (found["part"], found["child"]) == ([], [])
    assert {one["message"].split(",")[0] for one in found["wrong"]} == {"unknown key", "at most 2 is wanted"}


def offered(editor: Editor, folder: Path) -> dict[str, set[str]]:
    """Return what is offered at the bars of the spec, by what stands before them."""
    text = HALF.replace("|", "")
    uri = editor.open(folder / "half.yaml", WHOLE + text)
    found: dict[str, set[str]] = {}
    section = ""
    for number, line in enumerate(HALF.splitlines(), start=1):
        section = line.rstrip(":") if line[:1].isalpha() else section
        if "|" in line:
            key = line.split("|")[0].strip() or "a new key"
            name = f"{section} {key}"
            found[name + "'" * (name in found)] = set(editor.complete(uri, number, line.index("|")))
    editor.close(uri)
    return found


def test_names_and_choices_are_offered(editor: Editor, folder: Path) -> None:
    found = offered(editor, folder)
    for place in ("productivity output:", "productivity free: [l,", "productivity -", "models weights:",
                  "models errors: {cluster: [", "models adoption: {indicator:"):  # fmt: skip
        assert found[place] == OF_THE_SPEC, place
    assert found["models like:"] == MODELS
    assert found["models adjustment:"] == {"dr", "ipw", "reg"}
    assert {"did", "cross_section"} <= found["models design:"]
    assert found["tables models: ["] == {*MODELS, "tfp", "g"}
    assert "event_study" in found["figures kind:"]
    assert {"tfp", "t1", "nace"} <= found["figures of:"]
    assert found["variants of:"] == MODELS
    assert {"errors", "where", "replace", "productivity.tfp.degree", "panel.where"} <= found["variants a new key"]
    assert {"trim", "jumps", "numbers"} <= found["panel a new key"]


def test_keys_offered_are_those_of_the_method_or_design_that_are_not_there_yet(editor: Editor, folder: Path) -> None:
    found = offered(editor, folder)
    assert {"degree", "where", "like"} <= found["productivity a new key"]
    assert not {"method", "output", "share", "lags"} & found["productivity a new key"]
    assert {"split", "family", "quantiles"} <= found["models a new key"]
    assert not {"design", "formula", "adoption", "aggregate"} & found["models a new key"]
    assert {"aggregate", "control_group"} <= found["models a new key'"]
    assert not {"formula", "quantiles", "adoption"} & found["models a new key'"]


def test_a_word_is_explained_as_in_the_docs(editor: Editor, folder: Path) -> None:
    uri = editor.open(folder / "hover.yaml", WHOLE + BASE)
    lines = (WHOLE + BASE).splitlines()
    row = next(number for number, line in enumerate(lines) if "wlp" in line)
    told = editor.hover(uri, row, lines[row].index("output")).replace("\\", "")
    editor.close(uri)
    assert "log value added" in told
    assert len(told) < 500, "no list of all columns"
