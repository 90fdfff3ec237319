"""`explain` in three formats: every method and design, well formed, by itself, and what LaTeX makes of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from estimation.registry import DESIGNS, PRODUCTIVITY
from specs.extends import LIBRARY
from tfplab.cli import main
from tfplab.explaining.account import Account, Equations, Settings, Told
from tfplab.explaining.formats import FORMATS, render
from tfplab.explaining.gather import account_of
from tfplab.first_gate import make_plan

INPUTS = "output: y, free: [l], state: [k]"
METHODS = {
    **dict.fromkeys(
        ("wooldridge", "wlp", "levinsohn_petrin", "ackerberg_caves_frazer", "prodest_wrdg", "prodest_wrdg_gmm"),
        f"{INPUTS}, proxy: m_1",
    ),
    "gross_output": f"{INPUTS}, proxy: m_1, instruments: [price]",
    "olley_pakes": f"{INPUTS}, proxy: inv",
    "gandhi_navarro_rivers": f"{INPUTS}, proxy: m_1, share: s",
    "ols": INPUTS,
    "fixed_effects": INPUTS,
    "system_gmm": INPUTS,
    "labour_productivity": "output: y, free: [l]",
    "cost_shares": f"{INPUTS}, shares: {{l: sl}}",
    "tornqvist": f"{INPUTS}, shares: {{l: sl}}",
    "markup": "of: wooldridge, input: l, expenditure: paid, revenue: earned",
}
MODELS = """
  iv: {design: cross_section, method: iv, formula: y ~ l + size, instruments: {l: [price]}}
  logit: {design: cross_section, method: logit, formula: ai ~ l + size}
  quantile: {design: cross_section, method: quantile, quantiles: [0.25, 0.5], formula: y ~ l + log(k):size}
  drawn: {design: cross_section, formula: wooldridge ~ l, errors: {bootstrap: {cluster: [firm], draws: 199}}}
  within: {design: fixed_effects, formula: y ~ l + ai | firm + year, errors: {cluster: [firm, sector]}}
  effects: {design: did, outcome: y, adoption: {cohort: g}, covariates: [k], anticipation: 1, power: {effect: 0.1},
    estimator: [callaway_santanna, imputation, twfe, event_study, stacked, sun_abraham]}
  growth: {design: long_difference, outcome: y, window: [2011, 2014], formula: size + ai}
  reallocation: {design: decomposition, outcome: ols, weights: earned, by: sector}
  quantiles: {design: distribution, outcome: y, by: ai, quantiles: [0.1, 0.9]}
  about: {design: descriptives, of: [y, l], by: ai}
"""
SPEC = """tfplab: 1
title: {{en: 'All & <everything>, 100 %', nl: Alles}}
panel: {{table: {{files: p.csv}}, firm: plant, year: yr, where: "y > 0 and sector != 'K'"}}
variables: {{idle: log(k), used: log(y)}}
productivity:
{entries}
models:{models}
figures: {{f: {{kind: productivity_density, of: ols}}}}
advice: {{swept_out: 'not here & <not> there'}}
"""


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    (tmp_path / "p.csv").write_text("plant,yr\n")
    entries = "\n".join(f"  {name}: {{method: {name}, {keys}}}" for name, keys in METHODS.items())
    spec = tmp_path / "all.yaml"
    spec.write_text(SPEC.format(entries=entries.replace("fixed_effects: {", "fe: {", 1), models=MODELS))
    return spec


def account(spec: Path) -> Account:
    return account_of(make_plan(spec))


class Balanced(HTMLParser):
    """Complains of an element that is not closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []
        assert "src" not in given
        if tag not in ("meta", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_method_and_design_is_told(everything: Path) -> None:
    assert set(METHODS) == set(PRODUCTIVITY)
    told = account(everything)
    sections = {one.title: one for one in told.sections}
    assert list(sections) == [
        "Panel", "Variables", "Productivity", "Models", "Tables and figures", "What will be left out", "Size and time",
        "Advice",
    ]  # fmt: skip
    for block in sections["Productivity"].blocks:
        method = block.heading.split(": ")[1]
        (_, moments) = [part for part in block.parts if isinstance(part, Equations)]
        assert moments.heading == "Moment conditions"
        text = "\n".join(moments.lines)
        assert ("none" in text) if method == "labour_productivity" else ("] = 0" in text or "none" in text), text
        assert any(isinstance(part, Told) and part.label in ("identified if", "says") for part in block.parts)
        estimates = PRODUCTIVITY[method].estimates and method != "markup"
        assert any(isinstance(part, Told) and part.label == "clustered" for part in block.parts) == estimates
    designs = {block.heading.split(": ")[1] for block in sections["Models"].blocks}
    assert designs == set(DESIGNS) - {"adoption_rates"}
    for block in sections["Models"].blocks:
        assert isinstance(block.parts[0], Equations)
        assert any(isinstance(part, Told) and part.label in ("identified if", "says") for part in block.parts)
        assert any(isinstance(part, Told) and part.label in ("clustered", "errors") for part in block.parts)
    regressions = [block.parts[0] for block in sections["Models"].blocks if block.heading.startswith(("iv", "within"))]
    for equations in regressions:
        assert isinstance(equations, Equations)
        assert "y_it = " in equations.lines[0]
        assert "l_it" in equations.lines[0]
        assert equations.lines[0].endswith("+ e_it")


def test_what_nothing_uses_is_said(everything: Path) -> None:
    text = render(account(everything), "text")
    assert "variables that nothing uses: idle, used" in text
    assert "power = {effect: 0.1}" in text


def test_every_setting_has_an_origin(everything: Path) -> None:
    rows = [
        row
        for section in account(everything).sections
        for block in section.blocks
        for part in block.parts
        if isinstance(part, Settings)
        for row in part.rows
    ]
    assert len(rows) > 150
    assert all(re.fullmatch(r"default|all\.yaml:\d+", row.origin) for row in rows)


@pytest.mark.parametrize("name", ["everything", *sorted(one.name for one in LIBRARY.glob("*.yaml"))])
def test_all_formats_of_all_specs(name: str, everything: Path, demo_folder: Path) -> None:
    spec = everything
    if name != "everything":
        spec = everything.parent / name
        spec.write_text((LIBRARY / name).read_text().replace("data/", f"{demo_folder}/data/"))
    told = account(spec)
    text = render(told, "text")
    long = [line for line in text.splitlines() if len(line) > 110 and "  # " not in line]
    assert long == []
    assert "\0" not in text
    page = render(told, "html")
    found = Balanced()
    found.feed(page)
    assert found.open == []
    assert len(set(found.ids)) == len(found.ids)
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    assert not re.search(r"https?:|<script|@import|url\(", page)
    assert page.count("<math>") > 5
    tex = render(told, "latex")
    assert tex.isascii()
    assert tex.startswith("\\documentclass")
    # Whatever the format, the same settings and advice stand in it.
    for section in told.sections:
        assert section.title in text
        assert section.title in found.text


def test_what_is_written_in_a_spec_is_escaped(everything: Path) -> None:
    page, tex = (render(account(everything), name) for name in ("html", "latex"))
    assert "All &amp; &lt;everything&gt;, 100 %" in page
    assert "<everything>" not in page
    assert r"All \& \ensuremath{<}everything\ensuremath{>}, 100 \%" in tex


def test_the_command_writes_a_file_and_refuses_another_format(
    everything: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in FORMATS:
        target = everything.parent / f"out.{name}"
        assert main(["explain", str(everything), "--format", name, "-o", str(target)]) == 0
        assert capsys.readouterr().out == ""
        assert main(["explain", str(everything), "--format", name]) == 0
        assert capsys.readouterr().out == target.read_text()
    with pytest.raises(SystemExit):
        main(["explain", str(everything), "--format", "pdf"])


@pytest.mark.texlive
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is missing: apt install texlive-latex-base")
def test_pdflatex_compiles_it(everything: Path) -> None:
    folder = everything.parent
    (folder / "t.tex").write_text(render(account(everything), "latex"))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "t.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in done.stdout
    # Nothing stands out into the margin by more than a letter.
    over = [float(one) for one in re.findall(r"Overfull \\hbox \(([\d.]+)pt", done.stdout)]
    assert max(over, default=0) < 12
