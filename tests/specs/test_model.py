"""A spec as a whole: the shipped one and the language's own examples, and every mistake of the first gate at once."""
# ruff: noqa: E501  (messages stand whole, as a user reads them)

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specs.digest import spec_digest
from specs.errors import Position
from specs.expressions import parse_expression
from specs.files import FileSet
from specs.linking import LinkSpec
from specs.model import parse_spec
from specs.read import read
from specs.sections import DisclosureSpec, TableSpec
from tests.specs.support import SHIPPED, all_problems, spec

FULL = """\
tfplab: 1
title: AI use and the productivity of Belgian firms
source: High Council for Employment (2026), section 2.3.2
panel:
  accounts: {files: data/accounts_*.csv, layout: nbb}
  survey:   {files: {2021: data/ict_2021.csv, 2023: data/ict_2023.csv}, layout: eurostat_ict}
  deflators: data/deflators.csv             # nace, year, output, intermediates, investment
  years: [2017, 2023]
  clean:
    months: [6, 18]
    trim: {of: [value_added / labour, capital / labour], by: [nace, year], quantiles: [0.01, 0.99], action: drop}
  where: nace != 'K'
  where_ever: employees >= 10
variables:
  ratio: ln_va - ln_l
  ln_va: log(value_added_real)
  ln_l:  log(labour)
productivity:
  tfp: {method: wooldridge, output: ln_va, free: [ln_l]}
  tfp_wlp: {like: tfp, method: wlp}
models:
  table1:
    design: cross_section
    where: year == 2023 and linked == 1
    formula: tfp ~ size + firm_age + nace + ai
  table1_robust: {like: table1, errors: HC1}
tables:
  table1: {models: [table1, table1_robust, tfp], formats: [html, md], locale: [nl_BE, en], p_values: none, headings: {tfp: TFP}}
figures:
  figure9: {kind: productivity_density, of: tfp, by: ai, where: year == 2023 and linked == 1}
labels: {ai: {en: Uses AI, nl: Gebruikt AI}}
disclosure: {on_breach: suppress}
"""

OWN_PANEL = """\
tfplab: 1
title: Colombian food plants, Wooldridge and WLP on value added
panel: {table: {files: data/colombian_food.csv}, firm: id, year: year}
variables:
  ln_va: log(exp(RGO) - exp(RI))
productivity:
  wooldridge: {method: wooldridge, output: ln_va, free: [L], state: [K], proxy: RI}
  wlp: {like: wooldridge, method: wlp}
"""


def test_a_spec_of_microdata(tmp_path: Path) -> None:
    model, problems = spec(tmp_path, FULL)
    assert problems == []
    panel = model.panel
    assert panel is not None
    assert panel.accounts is not None
    assert panel.survey is not None
    assert panel.clean is not None
    assert panel.clean.trim is not None
    assert isinstance(panel.deflators, FileSet)
    assert (panel.accounts.layout, panel.years, panel.clean.months) == ("nbb", (2017, 2023), (6, 18))
    assert panel.survey.files.waves == (2021, 2023)
    assert panel.survey.files.entries[1].position == Position("s.yaml", 6, 53)
    assert panel.deflators.entries[0].position == Position("s.yaml", 7, 14)
    assert panel.link == LinkSpec(on="firm")
    assert panel.where == parse_expression("nace != 'K'")
    assert [str(one) for one in panel.clean.trim.of] == ["value_added / labour", "capital / labour"]
    assert list(model.variables) == ["ln_va", "ln_l", "ratio"]  # by what they depend on
    assert list(model.productivity) == ["tfp", "tfp_wlp"]
    assert model.models["table1"].key_position == Position("s.yaml", 22, 3)
    table = model.tables["table1"]
    assert (table.models, table.p_values, table.locale) == (
        ("table1", "table1_robust", "tfp"),
        "none",
        ("nl_BE", "en"),
    )
    assert model.figures["figure9"].of == ("tfp",)
    assert model.labels == {"ai": {"en": "Uses AI", "nl": "Gebruikt AI"}}
    assert model.disclosure == DisclosureSpec(minimum_firms=10, on_breach="suppress")
    assert model.seed == 1


def test_a_spec_of_a_ready_made_panel(tmp_path: Path) -> None:
    model, problems = spec(tmp_path, OWN_PANEL)
    assert problems == []
    assert model.panel is not None
    assert (model.panel.firm, model.panel.year, model.panel.link) == ("id", "year", None)
    assert model.tables == {"productivity": TableSpec(models=("wooldridge", "wlp"))}
    model, _ = spec(tmp_path, "tfplab: 1\npanel: {table: {files: x.csv}}\n")
    assert model.panel is not None
    assert (model.panel.firm, model.panel.year) == ("firm", "year")
    assert model.tables == {}


def test_without_tables_all_models_stand_in_one(tmp_path: Path) -> None:
    model, _ = spec(tmp_path, OWN_PANEL + "models:\n  a: {design: cross_section}\n  b: {like: a}\n")
    assert model.tables == {"models": TableSpec(models=("a", "b"))}


def test_the_shipped_spec_has_no_problem() -> None:
    assert all_problems(SHIPPED, "hrw.yaml") == []


BAD = """\
tfplab: '1'
titel: x
title: 2023
seed: -1
extends: base.yaml
variants: {a: {of: b}}
panel:
  accounts: {files: [], layout: 3, foo: 1}
  survey: {files: {2021: {path: x.csv, delimiter: ';;'}}}
  years: [2023, 2017]
  clean: {months: [6, 40], trim: {of: [a +, b], quantiles: [0.5, 0.2], action: shave, per: year}}
  where: nace = 'K'
  where_ever:
  register: {files: x, layout: kbo}
variables:
  a: b
  b: a
  firm: 1
  c: lag(c)
  d: [1, 2]
  3x: 1
  tfp: 1
  e: true
  f: log(x
  a.b: 1
productivity:
  tfp: {method: wooldridge}
models: [a]
tables:
  t: {models: [tfpp], decimals: 'two', p_values: none, keep: ai, formats: 3, locale: [en, en], title: 3}
  u: {models: tfp, p_values: starz, decimals: 11, headings: {foo: x}}
  v: 3
  w: {modles: tfp}
figures:
  f: {of: tfp, by: 'a b'}
labels: {ai: Uses AI, b: {en: 3}, c: [x]}
disclosure: {minimum_firms: 0, on_breach: reports, x: 1}
"""

BAD_MESSAGES = """\
s.yaml:1:9: tfplab: the format "1" is not known here, this version reads format 1, write tfplab: 1
s.yaml:2:1: unknown key "titel", did you mean "title"?
s.yaml:3:8: title: text is wanted, or a text a language, not 2023, quote it: '2023'
s.yaml:4:7: seed: at least 0 is wanted, not -1
s.yaml:6:12: variants.a: the key "vary" is missing, write vary: {errors: [HC1, HC3]}, or list cases
s.yaml:6:20: variants.a.of: no model "b", this spec has no model
s.yaml:8:21: panel.accounts.files: an empty list of files
s.yaml:8:33: panel.accounts.layout: text is wanted, not 3, quote it: '3'
s.yaml:8:36: panel.accounts: unknown key "foo", there are: files, layout
s.yaml:9:3: panel.survey: the key "layout" is missing
s.yaml:9:51: panel.survey.files.2021.delimiter: ";;" is not a delimiter, write ';', ',', '|' or tab
s.yaml:10:10: panel.years: the first, 2023, lies after the last, 2017, exchange them
s.yaml:11:23: panel.clean.months.1: a whole number from 1 to 36 is wanted, not 40
s.yaml:11:43: panel.clean.trim.of.0: the expression ends where a value is wanted
s.yaml:11:60: panel.clean.trim.quantiles: the first share is not below the second
s.yaml:11:80: panel.clean.trim.action: "shave" is not one of the values of this key, there are: drop, blank, winsorise
s.yaml:11:87: panel.clean.trim: unknown key "per", there are: of, by, quantiles, action
s.yaml:12:15: panel.where: "=" has no meaning here, write == to compare
s.yaml:13:3: panel.where_ever: an empty value, give it a value or leave the key out
s.yaml:14:3: panel: the key "register" is not available in this version
s.yaml:16:3: variables.a: a circle, a -> b -> a
s.yaml:18:3: variables.firm: "firm" is a key of the panel, take another name
s.yaml:19:3: variables.c: a variable cannot be made of itself
s.yaml:20:6: variables.d: an expression is wanted, not a list, quote an expression that begins with [ or {
s.yaml:21:3: variables.3x: "3x" cannot be a name, a name begins with a letter and goes on with letters, digits and _
s.yaml:22:3: variables.tfp: "tfp" is a productivity entry too, both make a column, give one another name
s.yaml:23:6: variables.e: an expression is wanted, not true, write 1 or 0
s.yaml:24:9: variables.f: "(" is opened and never closed, add ")"
s.yaml:25:3: variables.a.b: "a.b" cannot be a name, a name begins with a letter and goes on with letters, digits and _
s.yaml:28:9: models: names are wanted, not a list, write one name a line, indented, with a colon behind it
s.yaml:30:16: tables.t.models: no model, variant or productivity entry "tfpp", did you mean "tfp"?
s.yaml:30:33: tables.t.decimals: a whole number is wanted, not "two"
s.yaml:30:75: tables.t.formats: text or a list of texts is wanted, not 3
s.yaml:30:91: tables.t.locale.1: "en" stands twice, leave one out
s.yaml:30:103: tables.t.title: text is wanted, or a text a language, not 3, quote it: '3'
s.yaml:31:30: tables.u.p_values: "starz" is not one of the values of this key, did you mean "stars"?
s.yaml:31:47: tables.u.decimals: at most 10 is wanted, not 11
s.yaml:31:62: tables.u.headings: "foo" is no column of this table
s.yaml:32:6: tables.v: keys are wanted, not 3, there are: kind, models, formats, locale, p_values, decimals, title, headings, notes, keep, order
s.yaml:33:7: tables.w: unknown key "modles", did you mean "models"?
s.yaml:35:3: figures.f: the key "kind" is missing
s.yaml:35:20: figures.f.by: "a b" is not the name of a column, declare it under variables: and name it here
s.yaml:36:14: labels.ai: languages are wanted, not "Uses AI", write {en: Uses AI}
s.yaml:36:31: labels.b.en: text is wanted, not 3, quote it: '3'
s.yaml:36:38: labels.c: languages are wanted, not a list, write {en: Uses AI}
s.yaml:37:29: disclosure.minimum_firms: at least 1 is wanted, not 0
s.yaml:37:43: disclosure.on_breach: "reports" is not one of the values of this key, did you mean "report"?
s.yaml:37:52: disclosure: unknown key "x", there are: minimum_firms, on_breach"""


def test_every_mistake_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    _, problems = spec(tmp_path, BAD)
    assert problems == BAD_MESSAGES.split("\n")


START = "tfplab: 1\n"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("title: x\n", ['s.yaml:1:1: the key "panel" is missing, it names the data, write panel: {table: {files: panel.csv}}']),
        ("tfplab: 2\npanel: {table: {files: x}}\n", ["s.yaml:1:9: tfplab: the format 2 is newer than this tfplab, this version reads format 1, its keys may mean something else: install a newer tfplab"]),
        ("tfplab: 0\npanel: {table: {files: x}}\n", ["s.yaml:1:9: tfplab: the format 0 is an older one, this version reads format 1, run tfplab upgrade s.yaml"]),
        ("tfplab: true\npanel: {table: {files: x}}\n", ["s.yaml:1:9: tfplab: the format true is not known here, this version reads format 1, write tfplab: 1"]),
        (START + "panel: {}\n", ["s.yaml:2:1: panel: no source of data, write accounts: {files: ..., layout: nbb}, or table: {files: ...}"]),
        (START + "panel: x.csv\n", ['s.yaml:2:8: panel: keys are wanted, not "x.csv", there are: accounts, survey, deflators, table, firm, year, years, link, clean, where, where_ever']),
        (START + "panel: {accounts: {files: a, layout: nbb}, table: {files: b}}\n", ["s.yaml:2:44: panel.table: accounts and a ready-made table, a panel has one origin, leave one out"]),
        (START + "panel: {table: {files: b}, deflators: d.csv}\n", ['s.yaml:2:28: panel.deflators: "deflators" goes with accounts:, a ready-made panel is taken as it is, leave it out']),
        (START + "panel: {accounts: {files: b, layout: nbb}, firm: id}\n", ['s.yaml:2:44: panel.firm: "firm" goes with table:, layouts name their own keys, leave it out']),
        (START + "panel: {accounts: {files: b, layout: nbb}, link: {on: firm}}\n", ["s.yaml:2:44: panel.link: a link without a survey, leave it out"]),
        (START + "panel: {accounts: {files: b, layout: nbb}, survey: {files: c, layout: d}, link: {on: region}}\n", ['s.yaml:2:86: panel.link.on: "region" is not one of the values of this key, there are: firm']),
        (START + "panel: {table: {files: b}, years: 2023}\n", ["s.yaml:2:35: panel.years: a first and a last are wanted, not 2023, write [2017, 2023]"]),
        (START + "panel: {table: {files: b}, years: [2017]}\n", ["s.yaml:2:35: panel.years: a first and a last are wanted, not 1 items, write [2017, 2023]"]),
        (START + "panel: {table: {files: b}, years: ['2017', 2023]}\n", ['s.yaml:2:36: panel.years.0: a whole number from 0 to 9999 is wanted, not "2017"']),
        (START + "panel: {table: {files: b}, years: [-1, 6]}\n", ["s.yaml:2:36: panel.years.0: a whole number from 0 to 9999 is wanted, not -1"]),
        (START + "panel: {accounts: {files: b, layout: nbb}, years: [2017, 23]}\n", ["s.yaml:2:51: panel.years: the first, 2017, lies after the last, 23, write both with four digits"]),
        (START + "panel: {accounts: {files: b, layout: nbb}, years: [17, 2023]}\n", ["s.yaml:2:52: panel.years.0: a whole number from 1000 to 9999 is wanted, not 17"]),
        (START + "panel: {table: {files: b}, wher: x}\n", ['s.yaml:2:28: panel: unknown key "wher", did you mean "where"?']),
        (START + "panel: {table: {files: b}}\nproductivity: {a: {}}\nmodels: {a: {}}\n", ['s.yaml:4:10: models.a: "a" is a productivity entry too, tables name both, give one another name']),
        (START + "panel: {table: {files: b}}\nproductivity: {year: {}}\n", ['s.yaml:3:16: productivity.year: "year" is a key of the panel, take another name']),
        (START + "panel: {table: {files: b}}\nmodels:\n", ["s.yaml:3:1: models: names are wanted, not nothing, write one name a line, indented, with a colon behind it"]),
        (START + "panel: {table: {files: b}}\nlabels: x\n", ['s.yaml:3:9: labels: columns are wanted, not "x", write labels: {ai: {en: Uses AI}}']),
        (START + "panel: {table: {files: b}}\nvariables: {and: 1}\n", ['s.yaml:3:13: variables.and: "and" cannot be a name, a name begins with a letter and goes on with letters, digits and _']),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, text: str, messages: list[str]) -> None:
    found = spec(tmp_path, text)[1]
    if not text.startswith("tfplab"):
        first = (
            's.yaml:1:1: the key "tfplab" is missing, it says in which format the spec is written, begin with tfplab: 1, '
            "as tfplab upgrade s.yaml does"
        )
        assert first in found
        found = [one for one in found if one != first]
    assert found == messages


def digest(folder: Path, text: str) -> str:
    model, problems = spec(folder, text)
    assert problems == []
    return spec_digest(model.written({"tfp": {"degree": 3}}, {}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# nace, year, output, intermediates, investment", "# another comment"),
        ("data/accounts_*.csv", "'/elsewhere/[0-9]*.csv'"),
        ("data/accounts_*.csv", "[a.csv, b.csv]"),
        ("data/deflators.csv", "prices.csv"),
        ("2021: data/ict_2021.csv, 2023: data/ict_2023.csv", "2023: x.csv, 2021: y.csv"),
        ("{2021: data", "{'2021': data"),
        (
            "where: nace != 'K'\n  where_ever: employees >= 10",
            "where_ever: employees >= 10\n  where: nace != 'K'",
        ),
        ("[0.01, 0.99], action: drop", "[1e-2, 0.99]"),
        ("on_breach: suppress", "on_breach: suppress, minimum_firms: 10"),
        ("disclosure:", "seed: 1\ndisclosure:"),
        ("years: [2017, 2023]", "years: [2017, 2023]\n  link: {on: firm}"),
    ],
)
def test_what_the_digest_ignores(tmp_path: Path, old: str, new: str) -> None:
    assert old in FULL
    assert digest(tmp_path, FULL.replace(old, new)) == digest(tmp_path, FULL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("nace != 'K'", "nace != 'L'"),
        ("2021: data/ict_2021.csv, ", ""),
        ("[html, md]", "[md, html]"),
        ("disclosure:", "seed: 2\ndisclosure:"),
        ("data/deflators.csv ", "{path: d.csv, delimiter: ';'} "),
    ],
)
def test_what_the_digest_sees(tmp_path: Path, old: str, new: str) -> None:
    assert old in FULL
    assert digest(tmp_path, FULL.replace(old, new)) != digest(tmp_path, FULL)


def test_the_digest_of_the_same_spec_is_the_same_in_every_version_of_this_program(tmp_path: Path) -> None:
    written = spec(tmp_path, OWN_PANEL)[0].written({}, {})
    assert "colombian" in str(written["panel"])
    assert "colombian" not in str({key: value for key, value in written.items() if key not in ("panel", "title")})
    assert len(spec_digest(written)) == 64


def test_what_is_written_back_reads_as_the_same_spec(tmp_path: Path) -> None:
    model, _ = spec(tmp_path, FULL)
    written = model.written({"tfp": {"method": "wooldridge"}, "tfp_wlp": {}}, {"table1": {}, "table1_robust": {}})
    path = tmp_path / "again.yaml"
    path.write_text(json.dumps(written))  # JSON is YAML
    root, problems = read(path)
    assert problems == ()
    assert root is not None
    again, problems = parse_spec(root)
    assert [str(one) for one in problems] == []
    assert again.written(written["productivity"], written["models"]) == written
