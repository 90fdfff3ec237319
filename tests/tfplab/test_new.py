"""`tfplab new`: what it writes is well formed on the files that it was made for, and runs; what it refuses."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from panels.engine import Engine
from specs.errors import BundleError, TfplabError
from specs.tree import find
from tests.tfplab.own_panels import PANELS, rows, write_panel
from tfplab.cli import main
from tfplab.first_gate import make_plan
from tfplab.scaffold.data import Files
from tfplab.scaffold.questions import ask
from tfplab.scaffold.sketch import DESIGNS_TOLD, METHODS_TOLD
from tfplab.scaffold.spec import Wish, place_of

ALL = [(design, method) for design in DESIGNS_TOLD for method in METHODS_TOLD.get(design, {"": ""})]
SCHEMA = "# yaml-language-server: $schema=./tfplab.schema.json\n"
WITHOUT = {
    "french": ("iv",),  # the column of sectors has a name that no expression can say
    "awkward": ("iv", "olley_pakes", "melitz_polanec"),  # nothing there is called as persons or sectors are
}


@pytest.fixture(scope="module")
def folder(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to work in, with the demo's data and the ready-made panels."""
    place = tmp_path_factory.mktemp("new")
    (place / "data").symlink_to(demo_folder / "data")
    made = rows(96)
    for kind in PANELS:
        write_panel(place / f"{kind}.csv", kind, made)
    before = Path.cwd()
    os.chdir(place)
    yield place
    os.chdir(before)


ACCOUNTS = ("--accounts", "data/accounts_*.csv", "--deflators", "data/deflators.csv")
SURVEY = ("--survey", "2021=data/ict_2021.csv", "2023=data/ict_2023.csv")


def new(name: str, *flags: str) -> Path:
    assert main(["new", name, "--yes", *flags]) == 0
    return Path(f"{name}.yaml")


def one_panel(*paths: Path) -> None:
    """Check all three gates, the last once: what the values must be is the same for these."""
    for path in paths:
        make_plan(path)
    assert main(["check", "--data", str(paths[0])]) == 0


def test_every_design_is_well_formed_on_the_demos_files(folder: Path) -> None:
    paths = [
        new(f"demo_{design}_{method}", "--design", design, "--method", method, *ACCOUNTS, *SURVEY)
        for design, method in ALL
    ]
    assert all(path.read_text(encoding="utf-8").startswith(SCHEMA) for path in paths)
    one_panel(*paths)


@pytest.mark.heavy
@pytest.mark.parametrize(("design", "method"), ALL)
def test_every_design_runs_on_the_demos_files(folder: Path, design: str, method: str) -> None:
    path = new(f"run_{design}_{method}", "--design", design, "--method", method, *ACCOUNTS, *SURVEY)
    assert main(["run", str(path), "-q", "-o", f"runs/{path.stem}"]) == 0


@pytest.mark.parametrize("kind", PANELS)
def test_designs_are_well_formed_on_panels_of_any_names(folder: Path, kind: str) -> None:
    for design, method in (
        ("cross_section", ""),
        ("did", ""),
        ("decomposition", "olley_pakes"),
        ("cross_section", "iv"),
    ):
        flags = ("--design", design, "--method", method, "--table", f"{kind}.csv")
        name = f"{kind}_{design}_{method}"
        if method in WITHOUT.get(kind, ()):
            assert main(["new", name, "--yes", *flags]) == 2
            assert not Path(f"{name}.yaml").exists()
        else:
            assert main(["check", "--data", str(new(name, *flags))]) == 0


@pytest.mark.parametrize("design", ["cross_section", "did", "long_difference"])
def test_designs_run_on_a_ready_made_panel(folder: Path, design: str) -> None:
    path = new(f"quick_{design}", "--design", design, "--table", "english.csv")
    assert main(["run", str(path), "-q", "-o", f"runs/{path.stem}"]) == 0


@pytest.mark.heavy
@pytest.mark.parametrize(("design", "method"), [one for one in ALL if one[0] != "adoption_rates"])
@pytest.mark.parametrize("kind", PANELS)
def test_every_design_runs_on_ready_made_panels(folder: Path, kind: str, design: str, method: str) -> None:
    if method in WITHOUT.get(kind, ()):
        pytest.skip("refused: see above")
    path = new(f"run_{kind}_{design}_{method}", "--design", design, "--method", method, "--table", f"{kind}.csv")
    assert main(["run", str(path), "-q", "-o", f"runs/{path.stem}"]) == 0


def text_of(name: str, *flags: str) -> str:
    return new(name, *flags).read_text(encoding="utf-8")


def test_columns_are_told_by_name_and_by_what_they_hold(folder: Path) -> None:
    text = text_of("dutch", "--design", "did", "--table", "dutch.csv")
    for line in (
        "firm: ondernemingsnummer", "year: boekjaar", "ln_va: log(toegevoegde_waarde)", "ln_l: log(werknemers)",
        "ln_k: log(materiële_vaste_activa)", "ln_m: log(aankopen)",
        # It has answers in two years only: that is a survey, whatever the file calls it.
        "adoption: {indicator: gebruikt_ai, waves: [2016, 2019], base_year: 2015, reversals: drop, dating: censored}",
    ):  # fmt: skip
        assert line in text
    text = text_of("logs", "--table", "logs.csv")
    assert "output: ln_va" in text
    assert "free: [ln_l]" in text
    assert "\nvariables:" not in text  # logs need no log
    assert "  tfp_new:" in text  # a name of the file is not taken again
    assert "adoption: {cohort: first_treat, never: 0}" in text_of(
        "cohorts", "--design", "did", "--table", "cohorts.csv"
    )
    text = text_of("yearly", "--design", "did", "--table", "cohorts.csv", "--adoption", "treated")
    assert "adoption: {indicator: treated, reversals: drop}" in text


@pytest.mark.parametrize("design", ["fixed_effects", "did", "long_difference"])
def test_alternatives_are_used_by_taking_the_sign_away(folder: Path, design: str) -> None:
    lines = text_of(f"on_{design}", "--design", design, *ACCOUNTS, *SURVEY).split("\n")
    off = [at for at, line in enumerate(lines) if re.match(r" *# \w+: ", line)]
    assert len(off) > 3
    told = " ".join(lines)
    assert "# For value added value_added_real was taken; there are also value_added" in told
    assert "turnover_real was taken" not in told  # nothing here is made of it
    # A change reads weights at its start, a year without a survey: no row would be left.
    assert ("weights: weight" in told) == (design == "fixed_effects")
    for at in off:
        on = lines.copy()
        on[at] = on[at].replace("# ", "", 1)
        if "in the place of the line above" in on[at] or "in the place of the line above" in on[at - 1]:
            before = next(one for one in range(at - 1, 0, -1) if not lines[one].lstrip().startswith("#"))
            on[before] = ""
        path = Path(f"on_{design}_{at}.yaml")
        path.write_text("\n".join(on), encoding="utf-8")
        make_plan(path)


def test_names_that_the_language_cannot_say_are_told(folder: Path) -> None:
    text = text_of("awkward", "--table", "awkward.csv")
    assert "firm: 'BvD ID number'" in text
    assert "year: 'Year: closing'" in text
    told = re.search(r"No formula(.*?)\n\n", text, re.DOTALL)
    assert told is not None
    for name in ("Value added (EUR)", "2020 sales", "in", "a#b", "true", "firm's"):
        assert name in told[1]
    assert "indicator: 'yes'" in text_of("quoted", "--design", "did", "--table", "awkward.csv")


def test_a_flag_goes_before_a_guess(folder: Path) -> None:
    text = text_of("told", "--table", "english.csv", "--labour", "tangible_fixed_assets", "--outcome", "sales")
    assert "ln_outcome: log(sales)" in text
    assert "formula: ln_outcome ~ ai" in text
    text = text_of("told2", "--table", "english.csv", "--labour", "weight", "--productivity", "wlp")
    assert "ln_l: log(weight)" in text
    assert "method: wlp" in text


def test_accounts_alone_and_files_that_are_not_there(folder: Path, tmp_path: Path) -> None:
    path = new("alone", *ACCOUNTS)
    assert main(["check", "--data", str(path)]) == 0
    place = tmp_path / "elsewhere"
    place.mkdir()
    path = new(str(place / "later"), "--design", "did")
    assert "There are no such files yet" in path.read_text(encoding="utf-8")
    (place / "data").symlink_to(folder / "data")
    assert main(["check", "--data", str(path)]) == 0


def test_paths_are_relative_to_the_spec(folder: Path) -> None:
    (folder / "specs").mkdir(exist_ok=True)
    path = new("specs/deeper", "--table", "english.csv")
    assert "{files: ../english.csv}" in path.read_text(encoding="utf-8")
    assert main(["check", "--data", str(path)]) == 0
    assert main(["check", "--data", str(new("specs/survey", *ACCOUNTS, *SURVEY))]) == 0


@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
def test_other_formats(folder: Path, ending: str) -> None:
    if ending == "parquet":
        Engine(0).execute("COPY (SELECT * FROM read_csv('english.csv', all_varchar=true)) TO 'english.parquet'")
    else:
        from openpyxl import Workbook

        book = Workbook()
        for line in Path("english.csv").read_text(encoding="utf-8").splitlines():
            book.active.append(line.replace('"', "").split(","))  # type: ignore[union-attr]
        book.save("english.xlsx")
    path = new(f"of_{ending}", "--table", f"english.{ending}")
    assert main(["check", "--data", str(path)]) == 0


def test_nothing_of_a_firm_is_in_the_file(folder: Path) -> None:
    """No identifier, no level of a text, no number but years and those of the keys."""
    text = text_of("private", "--table", "english.csv")
    assert not re.search(r"\b0\d{3}\b", text)
    assert "north" not in text
    numbers = {float(one) for one in re.findall(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-])", text)}
    assert all(one == int(one) for one in numbers)
    assert numbers <= {*range(13), 19, 20, 49, 50, 249, 250, 2009, 2015, 2020}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--design", "dit"), '--design: "dit" is none; did you mean "did"?'),
        (("--method", "logitt"), 'design cross_section has no method "logitt"'),
        (("--design", "did", "--method", "iv"), "it has one way only"),
        (("--productivity", "tfp"), '--productivity: "tfp" is none'),
        (("--table", "gone.csv"), "gone.csv"),
        (("--table", "english.csv", "--accounts", "data/accounts_*.csv"), "--table goes alone"),
        (("--table", "english.csv", "--firm", "firm"), 'no column "firm" that a spec can name; did you mean'),
        (("--table", "english.csv", "--adoption", "aii"), '--adoption: no column "aii"'),
        (("--table", "english.csv", "--instrument", "weight"), "--instrument goes with --method iv"),
        (("--table", "english.csv", "--design", "adoption_rates"), "shares of the firms of a survey"),
        (("--table", "english.csv", "--outcome", "salez"), '--outcome: no column "salez"'),
        (("--survey", "2021=x.csv"), "--survey needs --accounts"),
        ((*ACCOUNTS, "--design", "did"), "name a survey of two waves: --survey 2021=FILE 2023=FILE"),
        ((*ACCOUNTS, "--survey", "2021=data/ict_2021.csv", "--design", "did"), "two waves"),
        ((*ACCOUNTS, "--survey", "2021=a.csv", "b.csv"), "write a year before every file, or before none"),
        ((*ACCOUNTS, "--layout", "nbbb"), '"nbbb"'),
        (("--table", "no\nfile.csv"), "no such file"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], message: str
) -> None:
    assert main(["new", "refused", "--yes", *flags]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
    assert not Path("refused.yaml").exists()


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/", "a\0b", "a\nb", "a:b", "a?b", "*", "a\\b", " a", "a ", "a.", "con", "nul.yaml", "x" * 300,
     "\u202ea"],
)  # fmt: skip
def test_a_name_that_is_none_of_a_file_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(TfplabError, match="no name for a file"):
        place_of(name)


def test_nothing_is_overwritten_and_no_folder_is_made(folder: Path) -> None:
    Path("mine.yaml").write_text("mine")
    for name in ("mine", "mine.yaml"):
        assert main(["new", name, "--yes"]) == 2
    assert Path("mine.yaml").read_text() == "mine"
    Path("link.yaml").symlink_to("nowhere")
    with pytest.raises(BundleError, match="there already"):
        place_of("link")
    with pytest.raises(BundleError, match="no folder is made"):
        place_of("nowhere/study")
    assert not Path("nowhere").exists()


def test_the_list_names_every_design(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from estimation.registry import DESIGNS

    assert main(["new", "--list"]) == 0
    told = capsys.readouterr().out
    assert set(DESIGNS) == set(DESIGNS_TOLD)
    for design, method in ALL:
        assert design in told
        assert method in told
    assert main(["new"]) == 2


def test_questions_have_defaults_and_answers_make_a_spec(folder: Path) -> None:
    answers = iter(["fixed_effects", "", "english.csv", "firm_id", "", "", "nonsense", "lp", "labour_productivity"])
    said: list[str] = []
    wish = ask(Wish("cross_section"), None, lambda prompt: next(answers), said.append)
    assert wish == Wish(
        "fixed_effects", "", Files(table=("english.csv",), chosen={"firm": "firm_id"}), "labour_productivity"
    )
    assert all("\n" not in one for one in said)
    assert any("there is no productivity nonsense" in one for one in said)

    def silent(prompt: str) -> str:
        raise EOFError

    assert ask(Wish("cross_section"), None, silent, said.append) == Wish("cross_section")
    # What flags have said is not asked.
    asked: list[str] = []

    def noted(prompt: str) -> str:
        asked.append(prompt)
        return ""

    told = Wish(
        "did", "", Files(table=("english.csv",), chosen={"firm": "firm_id", "year": "year", "adoption": "ai"}), "wlp"
    )
    assert ask(told, "did", noted, said.append) == told
    assert asked == []


def test_without_a_terminal_nothing_is_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: pytest.fail("asked"))
    assert main(["new", "silent", "--table", "english.csv"]) == 0
    plan = make_plan(Path("silent.yaml"))
    assert find(plan.spec.root, ("panel", "firm")) is not None


def test_waves_may_have_an_option_each(folder: Path) -> None:
    apart = ("--survey", "2021=data/ict_2021.csv", "--survey", "2023=data/ict_2023.csv")
    together = new("together", "--design", "did", *ACCOUNTS, *SURVEY).read_text(encoding="utf-8")
    assert new("apart", "--design", "did", *ACCOUNTS, *apart).read_text(encoding="utf-8") == together
