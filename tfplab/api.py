"""The Python side: run a spec, look at its models and tables in a notebook."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specs.errors import TfplabError
from tfplab.first_gate import make_plan
from tfplab.notebook import FigureView, TableView, model_html, run_html
from tfplab.plan import Plan
from tfplab.spec import Spec
from tfplab.values import as_value

if TYPE_CHECKING:
    import pandas as pd

    from tfplab.cache.kept import Kept
    from tfplab.runner import Results

__all__ = ["Model", "Run", "run"]

COLUMNS = (
    "term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "n_firms",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a run.

    Attributes
    ----------
    name : str
    record : mapping
        ``models.<name>`` of ``run.json``.
    of : mapping, optional
        The content of ``run.json``, from which a notebook shows the model's table.
    """

    name: str
    record: Mapping[str, Any]
    of: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)

    @property
    def failed(self) -> str | None:
        """Why the model could not be estimated; None where it was."""
        return self.record["reason"] if self.record["status"] == "failed" else None

    @property
    def coefficients(self) -> pd.DataFrame:
        """One row a term, with estimate, std_error, statistic, p_value, conf_low, conf_high, n_firms."""
        import pandas as pd

        return pd.DataFrame(self.record["coefficients"], columns=list(COLUMNS))

    @property
    def stats(self) -> Mapping[str, Any]:
        """R2, sigma, residual degrees of freedom."""
        return dict(self.record["stats"])

    def __repr__(self) -> str:
        failed = self.failed
        said = f"failed: {failed}" if failed is not None else f"{len(self.record['coefficients'])} coefficients"
        return f"<Model {self.name}: {said}>"

    def _repr_html_(self) -> str:
        if self.of is None:
            return str(self.coefficients.to_html(index=False))
        return model_html(self.of, self.name)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A run of a spec.

    Attributes
    ----------
    plan : Plan
    results : Results
        Panel, productivity estimates, models and figures as records of arrays.
    record : mapping
        The content of ``run.json``.
    """

    plan: Plan
    results: Results
    record: Mapping[str, Any]
    started: datetime
    clock: float
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kept: Kept | None = field(default=None, repr=False)

    @property
    def models(self) -> Mapping[str, Model]:
        """The models by name."""
        return {name: Model(name, one, self.record) for name, one in self.record["models"].items()}

    @property
    def variants(self) -> Mapping[str, pd.DataFrame]:
        """The variants by name, each a row a case and coefficient, with a column a setting."""
        import pandas as pd

        from reports.cases import case_rows

        made = {name: case_rows(one) for name, one in self.record["variants"].items()}
        return {name: pd.DataFrame(list(rows), columns=list(columns)) for name, (columns, rows) in made.items()}

    @property
    def productivity(self) -> pd.DataFrame:
        """One row an elasticity, with entry, group, rung, term, estimate, std_error and so on."""
        import pandas as pd

        rows = [
            {"productivity": name, "group": group["group"], "rung": group["rung"], **coefficient}
            for name, fit in self.record["productivity"].items()
            for group in fit["groups"]
            for coefficient in group["coefficients"]
        ]
        return pd.DataFrame(rows)

    @property
    def ledger(self) -> pd.DataFrame:
        """What each step kept and dropped, and why."""
        import pandas as pd

        return pd.DataFrame(self.record["panel"]["ledger"])

    def table(self, name: str | None = None, *, format: str = "markdown", locale: str | None = None) -> str:  # noqa: A002
        """Return a table as text; the first where no name is given.

        Raises
        ------
        TfplabError
            If there is no such table, format or locale.
        """
        chosen = name if name is not None else next(iter(self.record["spec"]["tables"]))
        return TableView(self.record, chosen).text(format, locale)

    @property
    def tables(self) -> Mapping[str, TableView]:
        """The tables by name; a notebook shows them."""
        return {name: TableView(self.record, name) for name in self.record["spec"]["tables"]}

    @property
    def figures(self) -> Mapping[str, FigureView]:
        """The figures by name; a notebook shows them."""
        return {name: FigureView(self.record, name) for name in self.record["figures"]}

    def save(self, output: str | Path) -> Path:
        """Write the run bundle and return its folder.

        Raises
        ------
        BundleError
            If the folder holds something that is not a bundle.
        """
        from tfplab.writing import write_run

        write_run(self.plan, self.results, Path(output), self.started, self.clock, self.asked, self.kept)
        return Path(output)

    def __repr__(self) -> str:
        panel = self.record["panel"]
        return (
            f"<Run of {self.plan.file_name}: {panel['rows']:,} rows, {panel['firms']:,} firms; "
            f"productivity {', '.join(self.record['productivity']) or 'none'}; "
            f"models {', '.join(self.record['models']) or 'none'}>"
        )

    def _repr_html_(self) -> str:
        return run_html(self.record, repr(self)[1:-1])


def run(
    spec: str | Path | Mapping[str, Any] | Spec,
    output: str | Path | None = None,
    *,
    seed: int | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002
    only: str | Sequence[str] = (),
    locale: str | Sequence[str] = (),
    jobs: int = 1,
    cache: str | Path | None = None,
    quiet: bool = True,
) -> Run:
    """Run a spec.

    Parameters
    ----------
    spec : str, Path, Spec or mapping
        The YAML file, or the spec itself.
    output : str or Path, optional
        Where to write the bundle; nothing is written where it is not given.
    seed : int, optional
        Instead of the spec's own.
    set : mapping of str to value, optional
        Values in the place of the spec's, by dotted path: ``{"models.table1.errors": "HC3"}``. None removes a key.
    only : str or sequence of str, optional
        What is run, with what it rests on; all by default.
    locale : str or sequence of str, optional
        Of all tables, instead of their own.
    jobs : int
        Processes that estimate at once; the results are the same.
    cache : str or Path, optional
        A folder that keeps panels and productivity estimates for later runs; see ``docs/cache.md``.
    quiet : bool
        Whether to say nothing; else the step that runs now is shown, if standard error is a terminal.

    Returns
    -------
    Run

    Raises
    ------
    SpecError
        With every problem in the spec, its files or their values.
    BundleError
        If `output` holds something that is not a bundle.
    TfplabError
        If a mapping holds what cannot stand in a spec, `jobs` is below 1, or `cache` is a folder of something else.
    """
    from tfplab.cache.folder import LIMIT, CacheFolder
    from tfplab.cache.kept import Kept
    from tfplab.only import narrowed, with_locales
    from tfplab.runner import estimate
    from tfplab.terminal import Progress
    from tfplab.writing import check_target, record_of

    if output is not None:
        check_target(Path(output))
    if jobs < 1:
        raise TfplabError(f"jobs: {jobs} is no number of processes, write 1 or more")
    kept = Kept(None if cache is None else CacheFolder(Path(cache).expanduser(), LIMIT), jobs=jobs)
    if set is not None and not isinstance(set, Mapping):
        raise TfplabError('set: a map from paths to values is asked, {"models.table1.errors": "HC3"}')
    # One name is one name, not its letters.
    only, locale = ((one,) if isinstance(one, str) else tuple(one) for one in (only, locale))
    started, clock = datetime.now(UTC), time.perf_counter()
    values = {path: as_value(value, path) for path, value in (set or {}).items()}
    given = [f"{path}={json.dumps(value, ensure_ascii=False)}" for path, value in values.items()]
    if isinstance(spec, Mapping):
        plan = (spec if isinstance(spec, Spec) else Spec(spec)).plan(seed, given)
    else:
        plan = make_plan(Path(spec), seed, given)
    plan = with_locales(narrowed(plan, only), locale)
    asked = {"set": given, "only": list(only), "locale": list(locale)}
    with Progress(quiet) as progress:
        results = estimate(plan, progress, kept)
    done = Run(
        plan, results, record_of(plan, results), started, clock, {key: one for key, one in asked.items() if one}, kept
    )
    if output is not None:
        done.save(output)
    return done
