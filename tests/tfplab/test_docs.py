"""What the docs show is run: whole specs, sections of a spec, commands, Python; and what they list is complete."""

from __future__ import annotations

import csv
import json
import math
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

import tfplab
from estimation.registry import DESIGNS, PRODUCTIVITY
from panels.shipped import LAYOUTS
from specs import cleaning, linking, model, panel, sections
from specs.fields import OptionsModel
from specs.later import LATER_KEYS
from tests.tfplab.other_formats import write_other_formats
from tfplab.api import Run
from tfplab.cli import main
from tfplab.entries import COPYING, LATER_DESIGNS, LATER_METHODS

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "specs" / "library" / "hrw_2026.yaml"
ESTIMATORS = ROOT / "docs" / "estimators"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(ESTIMATORS.glob("*.md"))]
LANGUAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
REFUSED = re.compile(r"# (\S+\.yaml): refused\n")


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, the line of its first line, its language and text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            line = text.count("\n", 0, found.start(2)) + 1
            yield Block(str(page.relative_to(ROOT)), line, found[1], found[2])


def plain(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


BLOCKS = list(blocks())
YAMLS = [block for block in BLOCKS if block.language == "yaml"]
WHOLE = [block for block in YAMLS if block.text.startswith("tfplab: 1")]
WRONG = [block for block in YAMLS if REFUSED.match(block.text)]
# The layouts' page has files of its own, and a test of its own beside the layouts.
FRAGMENTS = [block for block in YAMLS if block not in WHOLE + WRONG and block.page != "docs/layouts.md"]


@pytest.fixture(scope="session")
def place(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the docs' commands are given: the demo in ./demo, a panel of plants in ./data."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(demo_folder, folder / "demo")
    (folder / "data").mkdir()
    write_plants(folder / "data" / "colombian_food.csv")
    write_plants(folder / "data" / "panel.csv")
    write_other_formats(folder / "demo" / "data")
    write_bridge(folder / "demo" / "data")
    for name in ("colombian_food.csv", "panel.csv"):
        (folder / "demo" / "data" / name).write_bytes((folder / "data" / name).read_bytes())
    return folder


def write_bridge(folder: Path) -> None:
    """Give a hundred respondents of the demo a second legal unit, a firm that no wave asked."""
    filed, asked = (
        sorted({line.split(",", 1)[0] for path in folder.glob(names) for line in path.read_text().splitlines()[1:]})
        for names in ("accounts_20??.csv", "ict_20??.csv")
    )
    others = [number for number in filed if number not in asked]
    pairs = zip(asked[:100], others, strict=False)
    rows = [f"{first},{unit},2019-01-01,\n" for first, second in pairs for unit in (first, second)]
    (folder / "bridge.csv").write_text("ENTERPRISE,UNIT,VALID_FROM,VALID_TO\n" + "".join(rows))


def write_plants(path: Path) -> None:
    """Write synthetic plants under the names of the README's second example: all but the keys in logs."""
    rng = np.random.default_rng(11)
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["id", "year", "RGO", "L", "K", "RI"])
        for plant in range(200):
            tfp, capital, wage = rng.normal(0, 0.3), rng.normal(5, 1), rng.normal(0, 0.4)
            for year in range(81, 92):
                capital = 1 + 0.8 * capital + 0.3 * tfp + rng.normal(0, 0.3)
                tfp, wage = 0.7 * tfp + rng.normal(0, 0.2), 0.8 * wage + rng.normal(0, 0.2)
                labour = 0.4 * capital + 0.5 * tfp - wage
                materials = 1 + 0.6 * capital + tfp
                value_added = 0.6 * labour + 0.3 * capital + tfp + rng.normal(0, 0.1)
                output = math.log(math.exp(value_added) + math.exp(materials))
                rows.writerow([plant, year, output, labour, capital, materials])


def check(text: str, folder: Path) -> tuple[int, Path]:
    path = folder / "example.yaml"
    path.write_text(text, encoding="utf-8")
    return main(["check", str(path)]), path


def in_demo(section: str) -> str:
    """Put a section of a spec in the place of what the shipped spec says there."""
    spec, own = plain(SHIPPED.read_text(encoding="utf-8")), plain(section)
    for key, value in own.items():
        joined = isinstance(value, dict) and isinstance(spec.get(key), dict)
        spec[key] = {**spec[key], **value} if joined else value
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(spec, stream)
    return stream.getvalue()


@pytest.mark.parametrize("block", WHOLE, ids=str)
def test_whole_specs_run(block: Block, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = place / "demo" if "layout: nbb" in block.text else place
    path = folder / f"{block.page.replace('/', '_')}_{block.line}.yaml"
    path.write_text(block.text, encoding="utf-8")
    status = main(["run", str(path), "-o", str(folder / "bundles" / path.stem)])
    printed = capsys.readouterr()
    assert status == 0, printed.err
    # A block of text behind a spec shows lines that its run prints.
    behind = BLOCKS[BLOCKS.index(block) + 1 :][:1]
    if behind and behind[0].page == block.page and behind[0].language == "text":
        lines = [line.strip() for line in printed.out.splitlines()]
        assert [line for line in behind[0].text.splitlines() if line not in lines] == []


@pytest.mark.parametrize("block", FRAGMENTS, ids=str)
def test_sections_are_well_formed(block: Block, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _ = check(in_demo(block.text), place / "demo")
    assert status == 0, capsys.readouterr().err


@pytest.mark.parametrize("block", WRONG, ids=str)
def test_mistakes_are_answered_as_shown(block: Block, place: Path, monkeypatch: pytest.MonkeyPatch,
                                        capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.chdir(place)
    found = REFUSED.match(block.text)
    assert found is not None
    Path(found[1]).write_text(block.text, encoding="utf-8")
    assert main(["check", found[1]]) == 2
    answer = next(one for one in BLOCKS[BLOCKS.index(block) + 1 :] if not one.language)
    assert capsys.readouterr().err == answer.text


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Yield the commands of a console or shell block that are tfplab's, and the output shown below each."""
    shown: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if block.language == "sh":
            shown.append((line, []))
        elif line.startswith("$ "):
            shown.append((line.removeprefix("$ "), []))
        else:
            shown[-1][1].append(line)
    for command, output in shown:
        if found := re.match(r"(?:\S*bin/)?tfplab (.*)", command):
            yield found[1], "\n".join(output)


@pytest.mark.parametrize("block", [one for one in BLOCKS if one.language in ("sh", "console")], ids=str)
def test_commands_do_what_is_shown(block: Block, place: Path, monkeypatch: pytest.MonkeyPatch,
                                   capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.chdir(place)
    for command, output in commands(block):
        assert main(shlex.split(command, comments=True)) == 0, capsys.readouterr().err
        printed = capsys.readouterr().out
        assert output in printed


@pytest.mark.parametrize("block", [one for one in BLOCKS if one.language == "python"], ids=str)
def test_python_runs(block: Block, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    names: dict[str, Any] = {}
    exec(compile(block.text, str(block), "exec"), names)
    assert not names["run"].models["table1"].coefficients.empty


def section_of(heading: str) -> str:
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", LANGUAGE, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found[1]


DOCUMENTED: list[tuple[str, type[OptionsModel]]] = [
    ("The head", model.Head),
    *(("`panel`", one) for one in (panel.PanelSpec, panel.SourceSpec, panel.TableFileSpec, linking.LinkSpec)),
    *(("`panel`", one) for one in (linking.BridgeSpec, linking.PropensitySpec)),
    *(("`panel`", one) for one in (cleaning.CleanSpec, cleaning.TrimSpec)),
    *(("`productivity`", entry.options) for entry in PRODUCTIVITY.values()),
    *(("`models`", entry.options) for entry in DESIGNS.values()),
    ("`tables`", sections.TableSpec),
    ("`figures`", sections.FigureSpec),
    ("`disclosure`", sections.DisclosureSpec),
]


@pytest.mark.parametrize(("heading", "options"), DOCUMENTED, ids=lambda one: getattr(one, "__module__", one))
def test_every_key_is_documented(heading: str, options: type[OptionsModel]) -> None:
    section = section_of(heading)
    # In a table of keys, its first cell holds one key or several.
    listed = {
        key for cell in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for key in re.findall(r"`(\w+)`", cell)
    }
    assert not options.model_fields.keys() - listed


def test_defaults_are_the_documented_ones() -> None:
    written = dict(re.findall(r"^\| `(\w+)` \| `?\[?([\w.]+)\]?`? \|", LANGUAGE, re.MULTILINE))
    for options in (*(one for _, one in DOCUMENTED),):
        for key, field in options.model_fields.items():
            if isinstance(field.default, (int, str)) and field.default != "" and key in written:
                default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
                assert written[key] in (default, "required", "none", "firm", "year"), (options, key)


def test_sections_methods_and_what_is_refused_are_named() -> None:
    for name in model.KEYS:
        assert f"`{name}`" in LANGUAGE
    for name in (*PRODUCTIVITY, *DESIGNS, *LAYOUTS, *COPYING):
        assert f"`{name}`" in LANGUAGE, name
    for name in (*LATER_METHODS, *LATER_DESIGNS):
        assert re.search(rf"\b{name}\b", LANGUAGE), name
    for name in LATER_KEYS & {"extends", "variants", "register", "markov", "split", "sensitivity", "power"}:
        assert re.search(rf"\b{name}\b", LANGUAGE), name


@pytest.mark.parametrize("method", PRODUCTIVITY)
def test_every_estimator_has_a_page_that_names_its_keys_and_runs_it(method: str) -> None:
    path = ESTIMATORS / f"{method}.md"
    assert path.exists(), f"write docs/estimators/{method}.md"
    text = path.read_text(encoding="utf-8")
    keys = {key for cell in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for key in re.findall(r"`(\w+)`", cell)}
    assert not PRODUCTIVITY[method].options.model_fields.keys() - keys
    page = str(path.relative_to(ROOT))
    assert any(block.page == page and f"method: {method}" in block.text for block in WHOLE)
    assert f"[`{method}`]({method}.md)" in (ESTIMATORS / "README.md").read_text(encoding="utf-8")


def test_what_the_architecture_names_exists() -> None:
    named = set(re.findall(r"`((?:specs|panels|estimation|reports|tfplab|tests|benchmarks)/[\w/.]*)`", ARCHITECTURE))
    missing = sorted(name for name in named if not (ROOT / name).exists())
    assert not missing
    dotted = set(re.findall(r"`((?:specs|panels|estimation|reports|tfplab)(?:\.\w+)+)(?:\(\))?`", ARCHITECTURE))
    assert dotted
    for name in sorted(dotted):
        assert resolves(name), name


def resolves(name: str) -> bool:
    """Return whether a dotted name is a module or package, or something that one of them defines."""
    parts = name.split(".")
    for stop in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:stop])
        home = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        if home.is_file():
            rest = parts[stop:]
            text = home.read_text(encoding="utf-8")
            return len(rest) <= 1 and (
                not rest or bool(re.search(rf"^(?:def |class )?{rest[0]}\b", text, re.MULTILINE))
            )
    return False


def rows_of(page: str, first: str) -> list[list[str]]:
    """Return the cells of a table of a page, by the first cell of its heading."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.search(rf"^\| {first} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert found, first
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()]


def test_the_demos_table_is_what_the_demo_gives(demo_run: Run) -> None:
    published = json.loads((ROOT / "tests/reference/table1_published.json").read_text(encoding="utf-8"))
    shown = {row[0]: row[1:] for row in rows_of("demo.md", "term")}
    coefficients = demo_run.record["models"]["table1"]["coefficients"]
    assert shown.keys() == {one["term"] for one in coefficients}
    for one in coefficients:
        then, row = published["coefficients"][one["term"]], shown[one["term"]]
        away = (one["estimate"] - then["estimate"]) / then["std_error"]
        assert row[:2] == [f"{then['estimate']:.4f}", f"{one['estimate']:.4f}"]
        assert float(row[2]) == pytest.approx(away, abs=0.0051)
        assert row[3:5] == [f"{then['std_error']:.4f}", f"{one['std_error']:.4f}"]
        assert row[6] == f"{one['n_firms']:,}"


def test_the_table_of_coverage_is_the_recorded_study() -> None:
    study = json.loads((ROOT / "tests/reference/second_stage_coverage.json").read_text(encoding="utf-8"))
    shown = {(row[0], row[1]): row[2:] for row in rows_of("statistics.md", "setting")}
    assert len(shown) == len(study["coverage"])
    for one in study["coverage"]:
        row = [float(cell) for cell in shown[one["setting"], one["term"]]]
        assert row[:2] == pytest.approx([one["naive_share"], one["corrected_share"]], abs=0.00051)
        assert row[2:] == pytest.approx([one["spread"], one["naive_error"], one["corrected_error"]], abs=0.000051)


def test_the_agreement_shown_is_that_of_the_spec_above_it(place: Path) -> None:
    block = next(block for block in WHOLE if block.page == "docs/estimators/README.md")
    path = place / "demo" / "several_measures.yaml"
    path.write_text(block.text, encoding="utf-8")
    found = {
        ", ".join(pair["of"]): [f"{pair[what]['spearman']:.3f}" for what in ("levels", "growth")]
        for pair in tfplab.run(path).record["agreement"]
    }
    assert {row[0]: row[1:] for row in rows_of("estimators/README.md", "pair")} == found


def test_the_effects_shown_are_those_of_the_spec_above_them(place: Path) -> None:
    block = next(block for block in WHOLE if block.page == "docs/binary_and_quantile.md")
    spec = plain(block.text)
    kept = ("linear", "probit", "logit")
    path = place / "demo" / "effects.yaml"
    with path.open("w", encoding="utf-8") as stream:
        models = {name: spec["models"][name] for name in kept}
        YAML(typ="safe", pure=True).dump({**spec, "models": models, "tables": {}}, stream)
    found = tfplab.run(path).record["models"]
    shown = {row[0]: row[1:] for row in rows_of("binary_and_quantile.md", "term")}
    estimates = [{one["term"]: one for one in found[name]["coefficients"]} for name in kept]
    assert shown == {
        term: [f"{one[term]['estimate']:.4f} ({one[term]['std_error']:.4f})" for one in estimates]
        for term in estimates[1]
    }


def test_the_table_of_the_bootstraps_coverage_is_the_recorded_study() -> None:
    study = json.loads((ROOT / "tests/reference/bootstrap_coverage.json").read_text(encoding="utf-8"))
    kept = {(one["setting"], one["term"]): one for one in study["coverage"]}
    shown = rows_of("statistics.md", "sample")
    assert shown
    for row in shown:
        one = kept[row[0], row[1]]
        shares = [one["percentile_share"], one["studentised_share"], one["closed_form_share"]]
        assert [float(cell) for cell in row[2:5]] == pytest.approx(shares, abs=0.00051)
        assert [float(cell) for cell in row[5:]] == pytest.approx([one["spread"], one["bootstrap_error"]], abs=0.000051)


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([\w-]+))?\)", page.read_text(encoding="utf-8")):
            there = (page.parent / target).resolve() if target else page
            assert there.exists(), f"{page.name}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
                slugs = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
                assert anchor in slugs, f"{page.name}: {target}#{anchor}"
