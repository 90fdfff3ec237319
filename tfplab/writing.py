"""From results to a run bundle: the record, the resolved spec, the manifest."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estimation.results import Estimates, ProductivityFit
from panels.ledger import Ledger
from reports.bundle import check_target, write_bundle
from reports.case_facts import CaseFacts, OwnFacts, VariantFacts
from reports.record import PanelFacts, SpecFacts, build_record
from specs.extends import SpecFile
from specs.tree import as_list
from tfplab.advice.heard import advice_of_record, plain
from tfplab.plan import UNNAMED, Plan
from tfplab.provenance import digest_bytes, digest_inputs, environment
from tfplab.sources import input_files

if TYPE_CHECKING:
    from tfplab.cache.kept import Kept
    from tfplab.cases import VariantDone
    from tfplab.runner import Results

__all__ = ["check_target", "record_of", "write_run", "yaml_of"]


def record_of(plan: Plan, results: Results) -> dict[str, Any]:
    """Return the record of a run: the content of ``run.json``."""
    written = plan.written
    spec = SpecFacts(
        title=plan.spec.title,
        source=plan.spec.source,
        digest=plan.digest,
        tables=written.get("tables", {}),
        figures=written.get("figures", {}),
        labels=written.get("labels", {}),
        disclosure=written.get("disclosure", {}),
        model_titles={one.name: one.options.title for one in plan.models if one.options.title},
        behind={f"models.{one.name}": one.estimated for one in plan.models}
        | {f"productivity.{one.name}": one.parents for one in plan.productivity},
    )
    panel = PanelFacts(
        rows=results.panel.n_rows,
        firms=results.panel.n_firms,
        years=results.panel.years,
        ledger=results.panel.ledger + _estimation_ledger(results),
        link=results.panel.link,
    )
    record = build_record(
        spec,
        panel,
        tuple(results.productivity.values()),
        tuple(results.models.values()),
        tuple(results.figures.values()),
        results.agreement,
        tuple(_variant_facts(one) for one in results.variants),
    )
    # Behind the rule of disclosure: advice knows nothing that the record does not show.
    return {**record, "advice": [plain(plan, one) for one in advice_of_record(plan, record)]}


def _variant_facts(variant: VariantDone) -> VariantFacts:
    """Return what the record keeps of a variant."""
    numbers = {world: place for place, world in enumerate(sorted(variant.worlds))}
    set_there = {case.plan.world: case.plan.case for case in reversed(variant.cases)}
    title = variant.plan.spec.title
    return VariantFacts(
        name=variant.plan.name,
        of=variant.plan.spec.of,
        rows=variant.plan.spec.rows,
        title=None if title is None else as_list(title.node),
        drawn_from=variant.plan.drawn_from,
        cases=tuple(
            CaseFacts(
                one.plan.name,
                one.plan.case.name,
                one.plan.case.labels,
                one.plan.main,
                numbers.get(one.plan.world),
                one.plan.model.estimated,
                one.plan.model.options.title,
                one.result,
            )
            for one in variant.cases
        ),
        own=tuple(
            OwnFacts(set_there[world].labels_outside, done.rows, done.firms, done.productivity)
            for world, done in sorted(variant.worlds.items())
        ),
    )


def write_run(
    plan: Plan,
    results: Results,
    output: Path,
    started: datetime,
    clock: float,
    asked: Mapping[str, Sequence[str]] | None = None,
    kept: Kept | None = None,
) -> dict[str, Any]:
    """Write the bundle of a run and return its record.

    Parameters
    ----------
    plan : Plan
    results : Results
    output : Path
    started : datetime
        When the run began, for the manifest.
    clock : float
        `time.perf_counter` then.
    asked : mapping, optional
        What was asked for besides the spec: ``set``, ``only``, ``locale``.
    kept : Kept, optional
        What was taken from earlier runs, and why the rest was not, for the manifest.
    """
    record = record_of(plan, results)
    sources = {name: file.content() for name, file in stored_names(plan)}
    manifest = {
        "inputs": digest_inputs(input_files(plan.spec), kept.digest if kept is not None else None),
        "spec_files": {name: digest_bytes(content) for name, content in sources.items()},
        **environment(),
        "seed": plan.seed,
        **({"options": {key: list(values) for key, values in asked.items()}} if asked else {}),
        **({"cache": kept.record} if kept is not None and kept.record else {}),
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock, 2),
    }
    sources |= {Path(name).name: file.read_bytes() for name, file in plan.layout_files}
    write_bundle(output, record, yaml_of(plan.written), sources, manifest)
    return record


def stored_names(plan: Plan) -> list[tuple[str, SpecFile]]:
    """Return the files of a spec with the names under which a bundle keeps them: as they lie about the spec.

    What lies above its folder is kept below ``up``, and the library's below ``library``.
    """
    folder = plan.path.resolve().parent
    found: dict[str, SpecFile] = {}
    for one in plan.files or (SpecFile(str(plan.path), plan.path),):
        path = one.path.resolve()
        if one.shipped:
            name = f"library/{path.name}"
        elif one.path.name == UNNAMED:
            name = plan.file_name
        else:
            try:
                parts = Path(os.path.relpath(path, folder)).parts
            except ValueError:  # another drive
                parts = (path.name,)
            name = "/".join("up" if part == ".." else part for part in parts)
        # The spec itself comes first and keeps its name.
        while name in found:
            name = f"other/{name}"
        found[name] = one
    return list(found.items())


def yaml_of(written: dict[str, Any]) -> str:
    """Return a resolved spec as YAML: a key a line, lists of plain values in brackets."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedSeq

    def laid_out(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: laid_out(inner) for key, inner in value.items()}
        if not isinstance(value, list | tuple):
            return value
        items = CommentedSeq([laid_out(item) for item in value])
        if not any(isinstance(item, dict | list) for item in items):
            items.fa.set_flow_style()
        return items

    yaml = YAML()
    yaml.width = 4096
    stream = io.StringIO()
    yaml.dump(laid_out(written), stream)
    return stream.getvalue()


def _estimation_ledger(results: Results) -> Ledger:
    """Return what productivity estimates and models left out, as further steps of the ledger."""
    ledger = Ledger()
    rows = results.panel.n_rows
    for name, fit in results.productivity.items():
        if isinstance(fit, ProductivityFit):
            sample = int(fit.in_sample.sum())
            ledger = ledger.step(f"productivity.{name}", "sample", rows, sample, fit.dropped)
            for number, one in fit.equations.items():
                ledger = ledger.step(f"productivity.{name}", f"equation {number}", sample, one.used, one.dropped)
        elif fit.dropped:
            left = rows - sum(fit.dropped.values())
            ledger = ledger.step(f"productivity.{name}", "complete rows", rows, left, fit.dropped)
    for name, model in results.models.items():
        if isinstance(model, Estimates):
            ledger = ledger.step(f"models.{name}", "sample", model.rows_in, model.n_obs, model.dropped)
    return ledger
