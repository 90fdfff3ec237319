"""The Python side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tfplab
from tfplab.api import COLUMNS, Run


def test_every_exported_name_is_there() -> None:
    assert {name for name in tfplab.__all__ if not hasattr(tfplab, name)} == set()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tfplab.nothing  # noqa: B018


def test_coefficients_are_a_frame(demo_run: Run) -> None:
    frame = demo_run.models["table1"].coefficients
    assert tuple(frame.columns) == COLUMNS
    assert frame["term"].tolist()[:3] == ["constant", "size[20-49]", "size[50-249]"]


def test_a_notebook_shows_the_tables(demo_run: Run) -> None:
    shown = demo_run._repr_html_()
    assert "<table" in shown
    assert "Uses AI" in shown


def test_a_run_prints_as_one_line(demo_run: Run) -> None:
    assert repr(demo_run) == (
        "<Run of hrw_2026.yaml: 30,253 rows, 4,564 firms; productivity tfp, tfp_wlp, lp; models table1, table1_robust>"
    )


def test_tables_in_any_format_and_locale(demo_run: Run) -> None:
    assert "0,2308" in demo_run.table("table1", locale="nl_BE")
    assert r"\toprule" in demo_run.table(format="latex")


def test_nothing_is_written_unless_asked(demo_folder: Path, demo_run: Run) -> None:
    assert not (demo_folder / "runs").exists()
    assert demo_run.record["format"] == 1


def test_what_is_saved_is_the_record(demo_run: Run, demo_bundle: Path) -> None:
    assert json.loads((demo_bundle / "run.json").read_text()) == json.loads(json.dumps(demo_run.record))


def test_mistakes_are_one_exception_with_all_problems(tmp_path: Path) -> None:
    spec = tmp_path / "bad.yaml"
    spec.write_text("tfplab: 2\npanl: {}\n")
    with pytest.raises(tfplab.SpecError) as caught:
        tfplab.run(spec)
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(("column", "written"), [("year", "year"), ("jaar", "jaar"), ("jaar", "year")])
def test_a_year_has_a_base_level_under_either_name(tmp_path: Path, column: str, written: str) -> None:
    rows = [f"{firm},{2010 + t},{firm * 7 % 5 + t}" for firm in range(20) for t in range(3)]
    (tmp_path / "panel.csv").write_text("\n".join([f"firm,{column},y", *rows]) + "\n", encoding="utf-8")
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        f"tfplab: 1\npanel: {{table: {{files: panel.csv}}, year: {column}}}\nmodels:\n"
        f"  m: {{design: cross_section, formula: y ~ {column}, reference: {{{written}: 2011}}}}\n",
        encoding="utf-8",
    )
    terms = list(tfplab.run(spec).models["m"].coefficients["term"])
    assert terms == ["constant", f"{column}[2010]", f"{column}[2012]"]


def test_a_run_of_several_processes_from_what_was_kept_is_the_same(
    demo_folder: Path, demo_run: Run, tmp_path: Path
) -> None:
    spec = demo_folder / "hrw_2026.yaml"
    first = tfplab.run(spec, cache=tmp_path / "cache")
    second = tfplab.run(spec, tmp_path / "bundle", cache=tmp_path / "cache", jobs=2)
    assert first.record == second.record == demo_run.record
    told = json.loads((tmp_path / "bundle" / "manifest.json").read_text(encoding="utf-8"))["cache"]
    assert told
    with pytest.raises(tfplab.TfplabError, match="no number of processes"):
        tfplab.run(spec, jobs=0)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(tfplab.TfplabError):
        tfplab.run(spec, cache=tmp_path / "other")


def test_one_name_is_one_name_and_wrong_kinds_are_said(demo_folder: Path) -> None:
    path = demo_folder / "hrw_2026.yaml"
    run = tfplab.run(path, only="lp", locale="nl_BE")
    assert list(run.record["productivity"]) == ["lp"]
    assert run.record["models"] == {}
    with pytest.raises(tfplab.TfplabError, match="a map from paths to values"):
        tfplab.run(path, set=["models.table1.errors=HC3"])  # type: ignore[arg-type]
    with pytest.raises(tfplab.TfplabError, match='"pdf" is no format of explain; there are: text, latex, html'):
        tfplab.Spec.read(path).explain(format="pdf")
