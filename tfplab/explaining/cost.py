"""Size and time: rows from the panel or from the bytes of files, seconds from constants that a benchmark measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from specs.uncertainty import Errors
from tfplab.explaining.account import Block, Section, Told
from tfplab.plan import ModelPlan, Plan, ProductivityPlan
from tfplab.sources import input_files

__all__ = ["Size", "bytes_of", "costs", "guessed"]

BYTES_A_ROW = {".parquet": 30, ".gz": 25, ".zip": 25, ".dta": 80, ".xlsx": 60}
TEXT_ROW = 100
"""Bytes that a row of text takes: a guess, right within a factor of three."""

# CPU seconds, fixed and per 100,000 rows, as benchmarks/costs.py measured them on a Xeon server core.
METHODS: Mapping[str, tuple[float, float]] = {
    "wooldridge": (0.006, 0.06), "wlp": (0.004, 0.03), "levinsohn_petrin": (0.02, 0.18),
    "ackerberg_caves_frazer": (0.08, 0.18), "prodest_wrdg": (0.001, 0.15), "prodest_wrdg_gmm": (0.006, 0.05),
    "gross_output": (0.009, 0.08), "olley_pakes": (0.02, 0.19), "gandhi_navarro_rivers": (0.24, 0.81),
    "ols": (0.004, 0.014), "fixed_effects": (0.005, 0.033), "system_gmm": (0.009, 0.078),
    "labour_productivity": (0.002, 0.008), "cost_shares": (0.003, 0.013), "tornqvist": (0.002, 0.032),
    "markup": (0.06, 7.7),
}  # fmt: skip
DESIGNS: Mapping[str, tuple[float, float]] = {
    "cross_section": (0.001, 0.024), "fixed_effects": (0.001, 0.007), "did": (0.1, 0.075),
    "long_difference": (0.001, 0.008), "decomposition": (0.003, 0.1), "distribution": (0.0, 3.5),
    "descriptives": (0.004, 0.27), "adoption_rates": (0.004, 0.27),
}  # fmt: skip
UNKNOWN = (0.05, 1.0)
DRAW_ENTRY, DRAW_MODEL, DRAW_CHAIN = (0.0003, 0.003), (0.0001, 0.008), (0.0001, 0.02)
LOADING, MEGABYTE, TABLE, FIGURE = 1.5, 0.05, 0.02, 0.5
ACCOUNTS = 4
"""How many times as long a megabyte of accounts takes as one of a ready-made panel: cleaned, deflated, linked."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large the panel is.

    Attributes
    ----------
    rows : int
    firms : int or None
        None where nobody counted.
    exact : bool
        Counted, and not guessed from the files.
    samples : mapping of str to int
        Rows by productivity entry and model, where they were counted.
    """

    rows: int
    firms: int | None = None
    exact: bool = False
    samples: Mapping[str, int] = field(default_factory=dict)


def bytes_of(plan: Plan) -> int:
    """Return the bytes of all files that the spec names."""
    return sum(size for _, size in _files(plan))


def guessed(plan: Plan) -> Size:
    """Guess the rows of the panel from the bytes of its files alone.

    Parameters
    ----------
    plan : Plan
    """
    panel = plan.panel.panel
    source = panel.accounts or panel.table
    assert source is not None
    paths = {one.path for one in source.files.expand()[0]}
    rows = sum(size / BYTES_A_ROW.get(suffix, TEXT_ROW) for (path, suffix), size in _files(plan) if path in paths)
    return Size(round(rows))


def costs(plan: Plan, size: Size) -> Section:
    """Return what the run will hold and take.

    Parameters
    ----------
    plan : Plan
    size : Size
    """
    megabytes = bytes_of(plan) / 1e6
    count = len(input_files(plan.spec))
    files = f"{megabytes:.1f} MB in {count} file{'s' * (count != 1)}" if megabytes >= 0.05 else "small files"
    if size.exact:
        firms = f" of {size.firms:,} firms" if size.firms is not None else ""
        told = [Told("size", f"{size.rows:,} firm-years{firms}, from {files}")]
    else:
        told = [
            Told(
                "size",
                f"about {_rough(size.rows)} firm-years, guessed from {files} at {TEXT_ROW} bytes a row of text, before "
                "anything is left out; --data counts them",
            )
        ]
    parts = dict(_seconds(plan, size, megabytes))
    longest = [f"{name} {_time(value)}" for name, value in sorted(parts.items(), key=lambda one: -one[1]) if value >= 1]
    most = f"; most of it: {', '.join(longest[:4])}" if longest else ""
    told.append(Told("time", f"about {_time(sum(parts.values()))} of CPU{most}"))
    cases = [f"{one.name} has {len(one.cases):,} cases" for one in plan.variants]
    if cases:
        own = len(plan.worlds)
        more = f"; {own:,} panel{'s' * (own > 1)} or productivity estimates of their own" if own else ""
        told.append(Told("variants", f"{', '.join(cases)}{more}; what they share is done once"))
    told.append(
        Told(
            "note",
            "an order of magnitude: constants of one server core (benchmarks/costs.py), degrees and terms as usual; "
            "large polynomials, many clusters and slow disks take longer",
        )
    )
    return Section("Size and time", "", [Block("", tuple(told))])


def _files(plan: Plan) -> Iterator[tuple[tuple[object, str], int]]:
    for one in input_files(plan.spec):
        try:
            yield (one.path, one.path.suffix.lower()), one.path.stat().st_size
        except OSError:
            continue


def _seconds(plan: Plan, size: Size, megabytes: float) -> Iterator[tuple[str, float]]:
    slow = 1 if plan.panel.panel.table is not None else ACCOUNTS
    yield "loading libraries", LOADING
    yield "reading", slow * MEGABYTE * megabytes
    for step in plan.productivity:
        yield step.name, _of_entry(step, size)
    for model in plan.models:
        yield model.name, _of_model(model, size)
    for variant in plan.variants:
        yield variant.name, sum(_of_model(case.model, size) for case in variant.cases)
    if plan.worlds:
        own = sum(_of_entry(step, size) for world in plan.worlds for step in world.productivity)
        yield "productivity of variants", own
    yield "tables and figures", TABLE * (len(plan.spec.tables) + 1) + FIGURE * len(plan.figures)


def _of_entry(step: ProductivityPlan, size: Size) -> float:
    rows = size.samples.get(step.name, size.rows)
    return _line(METHODS.get(step.method, UNKNOWN), rows) + _draws(step.errors) * _line(DRAW_ENTRY, rows)


def _of_model(model: ModelPlan, size: Size) -> float:
    rows = size.samples.get(model.name, size.rows)
    errors = model.options.errors
    whole = _line(DRAW_CHAIN, size.rows) if model.estimated else _line(DRAW_MODEL, rows)
    return _line(DESIGNS.get(model.design, UNKNOWN), rows) + _draws(errors) * whole


def _draws(errors: Errors | None) -> int:
    return errors.bootstrap.draws if errors is not None and errors.bootstrap is not None else 0


def _line(cost: tuple[float, float], rows: int) -> float:
    return cost[0] + cost[1] * rows / 1e5


def _rough(rows: int) -> str:
    """Return a guess with one digit that counts."""
    if rows < 100:
        return "100 or fewer"
    step = 10 ** (len(str(rows)) - 1)
    return f"{round(rows / step) * step:,}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1g} h" if seconds < 36000 else f"{round(seconds / 3600):,} h"
