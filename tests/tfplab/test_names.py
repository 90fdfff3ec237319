"""Names of columns in a spec: what a key of choices or of entries is, what is there too soon, logs for amounts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tfplab.cli import main

MARKUP = "  mu: {method: markup, of: tfp, input: l, expenditure: pay, revenue: sales}\n"
AMOUNTS = "variables: {pay: exp(l), sales: 2 * exp(y)}\n"


def told(spec: Path, capsys: pytest.CaptureFixture[str], *command: str) -> list[str]:
    """Run a command that finds mistakes; return these, without the path of the spec."""
    capsys.readouterr()
    assert main([*command, str(spec)]) == 2
    return [line.split("own.yaml:")[1] for line in capsys.readouterr().err.splitlines() if "own.yaml:" in line]


def test_an_entry_in_the_place_of_a_column_is_told_once_and_before_the_data(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """`of` names the same entry, where it belongs: that is no second problem."""
    productivity = MARKUP + "  x: {like: mu, revenue: tfp}\n  y2: {like: tfp, method: wlp, where: mu > 0}\n"
    spec = own_panel(productivity=productivity, header=AMOUNTS)
    line = spec.read_text().splitlines()
    first, second = (1 + next(n for n, text in enumerate(line) if key in text) for key in ("  x:", "  y2:"))
    places = [(first, line[first - 1].index("revenue: ") + 10), (second, line[second - 1].index("where: ") + 8)]
    wanted = [
        f'{places[0][0]}:{places[0][1]}: productivity.x.revenue: "tfp" is there only after productivity is estimated',
        f'{places[1][0]}:{places[1][1]}: productivity.y2.where: "mu" is there only after productivity is estimated',
    ]
    for command in (("check",), ("check", "--data"), ("run",)):
        assert told(spec, capsys, *command) == wanted


def test_a_choice_is_no_column(own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A column may be called as a choice of another key is: the key still names no column."""
    all_rows = "  all: {method: ols, output: y, free: [l], state: [k]}\n"
    productivity = all_rows + "  x: {like: tfp, output: all, sample: all}\n"
    (one,) = told(own_panel(productivity=productivity), capsys, "run")
    assert 'productivity.x.output: "all" is there only' in one


@pytest.mark.parametrize("keys", ["weights: size_log", "weights: tfp", "weights: k, sampling_weights: size_log"])
def test_a_log_is_no_activity(own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str], keys: str) -> None:
    spec = own_panel(
        f"models:\n  d: {{design: decomposition, outcome: mu, {keys}}}\n",
        productivity=MARKUP,
        header=AMOUNTS[:-2] + ", size_log: log(sales)}\n",
    )
    (one,) = told(spec, capsys, "check", "--data")
    key, _, name = keys.rpartition(", ")[2].partition(": ")
    assert f'models.d.{key}: "{name}" is a log, weights are amounts, name the amount itself' in one
    assert int(one.split(":")[1]) == spec.read_text().splitlines()[int(one.split(":")[0]) - 1].rindex(name) + 1


def test_a_log_is_no_sampling_weight(own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    models = "models:\n  c: {design: cross_section, formula: y ~ size, weights: tfp}\n"
    (one,) = told(own_panel(models), capsys, "check", "--data")
    assert 'models.c.weights: "tfp" is a log, weights are amounts, name the amount itself' in one


def test_an_amount_and_a_markup_in_levels_are_no_logs(own_panel: Callable[..., Path]) -> None:
    level = MARKUP.replace("sales}", "sales, level: level}")
    models = "models:\n  d: {design: decomposition, outcome: tfp, weights: sales}\n  e: {like: d, weights: mu}\n"
    assert main(["check", "--data", str(own_panel(models, productivity=level, header=AMOUNTS))]) == 0


@pytest.mark.parametrize(
    ("productivity", "said"),
    [
        (
            MARKUP.replace("expenditure: pay", "expenditure: l"),
            'productivity.mu.expenditure: "l" is a log: it is the free input of tfp, expenditure is an amount',
        ),
        (
            MARKUP.replace("revenue: sales", "revenue: y"),
            'productivity.mu.revenue: "y" is a log: it is the output of tfp, revenue is an amount',
        ),
        (MARKUP.replace("revenue: sales", "revenue: k"), '"k" is a log: it is the state of tfp'),
        (MARKUP.replace("expenditure: pay", "expenditure: m"), '"m" is a log: it is the proxy of tfp'),
        (MARKUP.replace("of: tfp", "of: mu"), 'productivity.mu.of: "mu" is made of itself, name the entry'),
        (MARKUP.replace("of: tfp", "of: nu"), 'productivity.mu.of: no productivity entry "nu"\n'),
        (
            "  m: {like: tfp}\n",
            'productivity.m: "m" is the name of this entry and of a column that it reads, if the panel has a '
            "column m already, the entry would be a second one, give the entry another name",
        ),
    ],
)
def test_mistakes_of_an_entry_that_no_file_is_needed_for(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str], productivity: str, said: str
) -> None:
    (one,) = told(own_panel(productivity=productivity, header=AMOUNTS), capsys, "check")
    assert said in one + "\n"


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("lp", 'figures.f.of: "lp" estimates no elasticity: its method is labour_productivity, leave it out'),
        ("mu", "name the entry that it is made of: tfp"),
        ("tpf", 'no productivity entry "tpf", did you mean "tfp"?'),
    ],
)
def test_a_figure_of_what_has_no_elasticity_is_told_before_the_data(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str], of: str, said: str
) -> None:
    lp = "  lp: {method: labour_productivity, output: y, free: [l]}\n"
    spec = own_panel(f"figures: {{f: {{kind: elasticities, of: {of}}}}}\n", productivity=MARKUP + lp, header=AMOUNTS)
    for command in (("check",), ("check", "--data"), ("run",)):
        (one,) = told(spec, capsys, *command)
        assert said in one


@pytest.mark.parametrize(("key", "year"), [("free: [l]", "year"), ("state: [k]", "yr"), ("proxy: m", "yr")])
def test_the_year_is_no_input(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str], key: str, year: str
) -> None:
    name, _, was = key.partition(": ")
    written = f"{name}: {f'[{year}]' if '[' in was else year}"
    spec = own_panel(productivity=f"  x: {{like: tfp, controls: [sector], {written}}}\n")
    (one,) = told(spec, capsys, "check", "--data")
    assert f"productivity.x.{name}: \"{year}\" is the panel's year, {name} is an amount of the firm's" in one
    assert f"controls: [{year}] has an indicator for each year" in one
