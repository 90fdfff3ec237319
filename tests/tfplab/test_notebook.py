"""What a notebook shows by itself: tables, figures, why one is missing, and never what disclosure withheld."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfplab
from tfplab.api import Model, Run

MODELS = """\
models:
  m: {design: cross_section, formula: tfp ~ size}
  few: {design: cross_section, formula: tfp ~ size, where: sector == 'A'}
  bad: {design: cross_section, formula: tfp ~ l + twice}
figures:
  curve: {kind: productivity_density, of: tfp, by: size}
"""


@pytest.fixture(scope="module")
def own_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    rows = [f"{firm},{year},{firm * 7 % 11 + year % 3},"
            f"{int(firm % 20 == 0)},{'AB'[firm % 20 == 0]},{'sl'[firm % 3 == 0]}"
            for firm in range(120) for year in range(2010, 2014)]  # fmt: skip
    folder = tmp_path_factory.mktemp("own")
    (folder / "panel.csv").write_text("\n".join(["firm,year,y,b,sector,size", *rows]) + "\n")
    return tfplab.Spec.parse(
        "tfplab: 1\ntitle: Firms & <b>plants</b>\npanel: {table: {files: panel.csv}}\n"
        "models:\n"
        "  m: {design: cross_section, formula: y ~ size}\n"
        "  few: {design: cross_section, formula: y ~ size, where: sector == 'B'}\n"
        "  bad: {design: cross_section, formula: y ~ size + b, where: sector == 'A'}\n"
        "tables:\n  t: {models: [m, few, bad], locale: [nl_BE, en]}\n"
        "figures:\n"
        "  curve: {kind: productivity_density, of: y, by: size, formats: [svg]}\n"
        "  small: {kind: productivity_density, of: y, where: sector == 'B'}\n"
        "disclosure: {minimum_firms: 10, on_breach: suppress}\n",
        folder / "spec.yaml",
    ).run()


def told(html: str) -> str:
    """Return what a reader sees: no style, no tags."""
    return re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))


def test_html_stands_by_itself_and_touches_nothing_around_it(own_run: Run) -> None:
    for html in (own_run._repr_html_(), own_run.models["m"]._repr_html_(), own_run.tables["t"]._repr_html_()):
        (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
        rules = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
        selectors = [one.strip() for group in re.findall(r"([^{}]+)\{", rules) for one in group.split(",")]
        assert selectors
        assert [one for one in selectors if not one.startswith(".tfplab")] == []
        # The colours are those around it, in a dark theme too; only figures have paper of their own.
        assert re.findall(r"(?<![-\w])color: (?!inherit)", rules) == []
        assert "background: #fff" in rules
        assert not re.search(r"https?://|<script|<link|url\(", html)


def test_a_run_shows_what_failed_its_tables_and_its_figures(own_run: Run) -> None:
    html = own_run._repr_html_()
    assert html.count('class="alert"') == 2
    assert "models.bad" in html
    assert "figures.small" in html
    assert html.count("<table") == 1
    assert html.count("<figure>") == html.count('<img alt="') == 1
    assert "<b>plants" not in html
    assert "&lt;b&gt;plants" in html


def test_a_failed_model_shows_its_reason(own_run: Run) -> None:
    bad = own_run.models["bad"]
    assert bad.failed is not None
    assert bad.failed in repr(bad)
    assert told(bad._repr_html_()).strip().startswith("models.bad : ")
    figure = own_run.figures["small"]
    assert figure.failed is not None
    shown = figure._repr_mimebundle_()
    assert shown.keys() == {"text/plain", "text/html"}
    assert figure.failed in shown["text/plain"]
    with pytest.raises(tfplab.EstimationError, match=r"figures\.small: "):
        _ = figure.svg


def test_what_disclosure_withheld_is_nowhere(own_run: Run) -> None:
    record = own_run.models["few"].record
    assert [one["estimate"] for one in record["coefficients"]] == [None, None]
    # Six firms of sector B: their mean is 5 years' and firms' own.
    shown = told(own_run.models["few"]._repr_html_())
    assert not re.search(r"\d[.,]\d{2}", shown.split("R²")[0])
    assert own_run.models["few"].coefficients["estimate"].isna().all()


def test_a_model_is_shown_as_its_table_prints_it(own_run: Run, demo_run: Run) -> None:
    html = own_run.models["m"]._repr_html_()
    assert 'lang="nl-BE"' in html or 'lang="nl"' in html
    shown = told(demo_run.models["table1"]._repr_html_())
    assert "5.50e-13" in shown  # R's way, as the table of the spec has it
    assert "Robust" not in shown
    alone = Model("m", own_run.record["models"]["m"])
    assert "estimate" in alone._repr_html_()


def test_a_table_in_every_form(own_run: Run) -> None:
    table = own_run.tables["t"]
    assert str(table) == table._repr_markdown_() == own_run.table("t")
    assert r"\toprule" in table._repr_latex_()
    assert repr(table) == "<Table t>"
    assert table.text("csv", "en").startswith("table,")
    with pytest.raises(tfplab.TfplabError, match='no table format "x"'):
        table.text("x")


def test_a_figure_in_every_form(own_run: Run, tmp_path: Path) -> None:
    figure = own_run.figures["curve"]
    shown = figure._repr_mimebundle_()
    assert shown["image/png"].startswith(b"\x89PNG")
    assert "data:image/svg+xml;base64," in shown["text/html"]
    assert shown["text/plain"].startswith("Dichtheid: y. Dichtheidscurven van y: ")
    # The PNG is there although the spec asked for SVG alone.
    assert figure.save(tmp_path / "a.png").read_bytes() == figure.png == shown["image/png"]
    assert figure.save(tmp_path / "a.SVG").read_bytes() == figure.svg
    with pytest.raises(tfplab.TfplabError, match=r"written as \.svg or \.png"):
        figure.save(tmp_path / "a.pdf")
    assert repr(figure) == "<Figure curve>"


def test_a_mistake_is_shown_without_a_traceback() -> None:
    with pytest.raises(tfplab.SpecError) as caught:
        tfplab.run({"panel": {}})
    assert caught.value._render_traceback_()[0] == "SpecError:"
    assert caught.value._render_traceback_()[1].startswith("<spec>:2:1: panel: no source of data")


def test_a_real_notebook(own_panel: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is missing: make test installs it")
    pytest.importorskip("ipykernel", reason="ipykernel is missing: make test installs it")
    from nbformat.v4 import new_code_cell, new_notebook

    own_panel(MODELS, header="variables: {twice: l * 2}\n")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    cells = [
        "import tfplab\nspec = tfplab.Spec.read('own.yaml')\nspec",
        "spec['models']['m']['errors'] = 'HC3'\nrun = spec.run()\nrun",
        "run.models['m']",
        "run.models['bad']",
        "run.figures['curve']",
        "spec['models']['m']['errors'] = 'HC9'\nspec.run()",
    ]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs: list[list[Any]] = [cell.outputs for cell in notebook.cells]
    assert outputs[0][0].data["text/markdown"].startswith("```yaml\ntfplab: 1\n")
    shown = [one.data["text/html"] for (one,) in outputs[1:5]]
    assert shown[0].count("<table") == 1
    assert shown[0].count("<img") == 1
    assert "HC3" in told(shown[1])
    assert "models.bad" in told(shown[2])
    assert outputs[4][0].data["image/png"]
    (error,) = outputs[5]
    assert (error.ename, error.traceback[0]) == ("SpecError", "SpecError:")
    assert error.traceback[1].startswith("own.yaml:8:")
    assert len(error.traceback) == 2
