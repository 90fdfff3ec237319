"""The bootstrap of the whole chain, as the runner asks for it.

Where the outcome is data, or a productivity column that is linear in its parameters, all draws come from products
that are gathered once. Where an estimated column stands anywhere else (on the right side, in `where`, behind a
variable), the columns of every draw are made anew and the design is estimated on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.bootstrap import Summary, summarise
from estimation.bootstrapped import bootstrapped_group, bootstrapped_model, bootstrapped_parts
from estimation.chain import (
    FirstStageDraws,
    batch_size,
    bootstrap_design,
    bootstrap_elasticities,
    design_std_errors,
    influence_size,
    redrawn_with_influence,
    told_of,
)
from estimation.computable import computable
from estimation.design_draws import DesignResampler, TestedDesign, TestedDraw
from estimation.drawn_firms import DrawnFirms, drawn_firms
from estimation.registry import DESIGNS, PRODUCTIVITY
from estimation.resamplers import LevelResampler, Resampler, TellingResampler
from estimation.results import BoolArray, Estimates, Failed, FloatArray, IntArray, ProductivityFit
from estimation.stacked_parts import stacked, unstacked
from panels.frame import FirmPanel, NumberColumn, Selection
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tfplab.bootstraps import drawn_again
from tfplab.names import names_of_model
from tfplab.plan import ModelPlan, Plan, ProductivityPlan
from tfplab.selections import Selections

if TYPE_CHECKING:
    from specs.expressions import Expression

__all__ = ["Chain", "bootstrap_entry", "rows_of"]

Fits = Mapping[str, ProductivityFit | Failed]


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What a design is estimated on again.

    Attributes
    ----------
    kept : Selection
        The rows of the model's `where`.
    whole : Selection or None
        All rows of the panel, for a design that needs them.
    part : int
        Which of its estimates.
    """

    kept: Selection
    whole: Selection | None = None
    part: int = 0


def rows_of(step: ProductivityPlan, panel: FirmPanel) -> tuple[Selection, BoolArray]:
    """Return the panel's rows with the columns of a productivity entry, and which its `where` keeps.

    Raises
    ------
    EstimationError
    """
    where: Expression | None = step.options.where
    use = np.ones(panel.n_rows, dtype=np.bool_)
    if where is not None:
        use[:] = False
        use[panel.select((), where).rows] = True
    return computable(panel.select(PRODUCTIVITY[step.method].columns(step.options))), use


def bootstrap_entry(
    plan: Plan, step: ProductivityPlan, fit: ProductivityFit, errors: Errors, panel: FirmPanel, earlier: Fits
) -> ProductivityFit:
    """Give the elasticities of a productivity entry the errors of the bootstrap that it asks for.

    Parameters
    ----------
    plan : Plan
    step : ProductivityPlan
    fit : ProductivityFit
    errors : Errors
    panel : FirmPanel
    earlier : mapping of str to ProductivityFit or Failed
        The entries that it may be made of.

    Raises
    ------
    EstimationError
        If clusters cut through firms, or most draws have no estimate.
    """
    asked = errors.bootstrap
    assert asked is not None, "a productivity entry asks for nothing else"
    resampler = Resamplers(plan, panel, {**earlier, step.name: fit})[step.name]
    others = _firms_behind(fit, range(len(fit.groups)))
    everywhere = panel.select([name for name in errors.columns if name != "firm"])
    drawn = drawn_firms(errors, plan.seed, everywhere, panel.n_firms, np.flatnonzero(fit.in_sample), others)
    summaries = bootstrap_elasticities(fit, resampler, drawn.blocks, asked.draws)
    groups = []
    for group, (summary, averages) in zip(fit.groups, summaries, strict=True):
        try:
            groups.append(bootstrapped_group(group, summary, averages, drawn, asked))
        except EstimationError as error:
            of = "".join(f"{column} {level}: " for column, level in group.group)
            raise EstimationError(f"productivity.{fit.name}: {of}{error}") from None
    return replace(fit, groups=tuple(groups))


@dataclass(eq=False)
class Chain:
    """What a bootstrap goes through again.

    Attributes
    ----------
    plan : Plan
    before, after : FirmPanel
        Without and with the productivity columns and what is made of them.
    fits : mapping of str to ProductivityFit or Failed
    """

    plan: Plan
    before: FirmPanel
    after: FirmPanel
    fits: Mapping[str, ProductivityFit | Failed]
    _resamplers: Resamplers = field(init=False, repr=False)
    _selections: Selections = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._selections = Selections(self.after)
        self._resamplers = Resamplers(self.plan, self.before, self.fits)

    def rows_of(self, model: ModelPlan) -> Selection:
        """Return the rows of a model's `where`, with the columns that it reads.

        Raises
        ------
        EstimationError
        """
        options = model.options
        wanted = (*DESIGNS[model.design].columns(options), *options.errors.columns)
        return computable(self.select(wanted, options.where))

    def select(self, columns: Sequence[str], where: Expression | None = None) -> Selection:
        """Return rows of the panel with its productivity columns; what was asked for before is not fetched again.

        Raises
        ------
        EstimationError
        """
        return self._selections.select(columns, where)

    def whole(self, model: ModelPlan, rows: Selection) -> Selection:
        """Return all rows of the panel with the columns that a model reads; `rows` are those of its `where`."""
        return rows if model.options.where is None else computable(self.select(tuple(rows.columns)))

    def bootstrap(
        self, model: ModelPlan, estimates: Estimates, rows: Selection, whole: Selection | None = None
    ) -> Estimates:
        """Give a model the errors of the bootstrap that it asks for.

        Parameters
        ----------
        model : ModelPlan
        estimates : Estimates
            By the closed form.
        rows : Selection
            Of the model's `where`.
        whole : Selection, optional
            All rows, for a design that needs them.

        Raises
        ------
        EstimationError
            If clusters cut through firms, or most draws have no estimate.
        """
        asked = model.options.errors.bootstrap
        behind = drawn_again(self.plan, model)
        redrawn = () if model.options.tfp_uncertainty == "ignore" else behind
        self._resamplers.keep_only(redrawn)
        treatment = "include" if redrawn else "ignore" if behind else "none"

        def draw(one: Estimates, part: int) -> Estimates:
            at, every = _Rows(rows, whole, part), stacked(one)
            if self._at_once(model, one, redrawn):
                drawn, summary = self._from_products(model, at, redrawn)
            else:
                drawn, summary = self._through_the_panel(model, every, at, redrawn)
            return unstacked(one, bootstrapped_model(every, summary, drawn, asked, treatment))

        return bootstrapped_parts(draw(estimates, 0), draw)

    def _at_once(self, model: ModelPlan, estimates: Estimates, redrawn: tuple[str, ...]) -> bool:
        if not redrawn:
            return True
        linear = redrawn == (model.outcome,) and not model.given and estimates.outcome == model.outcome
        return linear and not isinstance(self.resampler(model.outcome), LevelResampler)

    def resampler(self, name: str) -> Resampler:
        """Return what draws an entry again; those of the latest model are kept."""
        return self._resamplers[name]

    def _blocks(self, model: ModelPlan, rows: IntArray, others: IntArray) -> DrawnFirms:
        errors = model.options.errors
        everywhere = self.after.select([name for name in errors.columns if name != "firm"])
        return drawn_firms(errors, self.plan.seed, everywhere, self.after.n_firms, rows, others)

    def _from_products(self, model: ModelPlan, rows: _Rows, redrawn: tuple[str, ...]) -> tuple[DrawnFirms, Summary]:
        fit = self.fits[model.outcome] if redrawn else None
        assert not isinstance(fit, Failed)
        design = _design(model, model.options, rows, fit)
        first, others = None, np.zeros(0, dtype=np.int64)
        if fit is not None:
            first = FirstStageDraws(fit, self.resampler(model.outcome))
            others = _firms_behind(fit, np.unique(fit.group_of_row[design.outcome_rows]).tolist())
        drawn = self._blocks(model, design.rows, others)
        return drawn, bootstrap_design(design, drawn.blocks, model.options.errors.bootstrap.draws, first)

    def _through_the_panel(
        self, model: ModelPlan, estimates: Estimates, rows: _Rows, redrawn: tuple[str, ...]
    ) -> tuple[DrawnFirms, Summary]:
        options = model.options
        if "reference" in type(options).model_fields:
            # The base levels are those of the estimate, whatever is most frequent in a draw.
            options = options.model_copy(update={"reference": {**options.reference, **estimates.reference}})
        if "years" in type(options).model_fields:
            # So are the years: `where` may leave others in a draw.
            years = (estimates.stats["first_year"], estimates.stats["last_year"])
            options = options.model_copy(update={"years": years})
        columns = _Columns(self, model, rows, redrawn)
        itself = _design(model, options, columns.at({}), None)
        others = np.arange(self.after.n_firms) if columns.moves_rows else columns.firms
        drawn = self._blocks(model, itself.rows, others)
        blocks, draws, k = drawn.blocks, options.errors.bootstrap.draws, len(estimates.terms)
        distances: list[FloatArray] = []

        def estimate(at: _Draw, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
            found, errors = np.full(k, np.nan), np.full(k, np.nan)
            design = _design(model, options, columns.at(at.columns), at.outcome)
            groups = () if at.outcome is None else at.outcome.groups
            # The outcome is that of the draw already: from there it moves by nothing, but its slope is asked for.
            one = design.draw(counts, tuple(np.zeros((1, len(group.parameters))) for group in groups))
            if isinstance(one, TestedDraw):
                distances.append(one.distances_from(itself))
            carried = [
                (groups[number].influence_firms, at.influence[number], operator)
                for number, operator in one.operators.items()
            ]
            place = {term: number for number, term in enumerate(design.terms)}
            kept = [number for number, term in enumerate(estimates.terms) if term in place]
            chosen = [place[estimates.terms[number]] for number in kept]
            found[kept] = one.coefficients[0, chosen]
            errors[kept] = design_std_errors(design, one, blocks, counts, carried)[0, chosen]
            return found, errors

        own = estimate(columns.itself, np.ones((1, blocks.n_panel)))[1]
        found, errors = np.full((draws, k), np.nan), np.full((draws, k), np.nan)
        for part, counts in blocks.batches(draws, batch_size(blocks.n_panel + columns.width)):
            for number, at in zip(range(part.start, part.stop), columns.drawn(counts), strict=True):
                one = counts[number - part.start][None]
                if at is None:
                    continue
                try:
                    found[number], errors[number] = estimate(at, one)
                except EstimationError:
                    continue  # a draw without an estimate is counted
        columns.close()
        summary = replace(summarise(estimates.coefficients, found, own, errors), notes=columns.told())
        # The first of them is the sample itself.
        if isinstance(itself, TestedDesign) and len(distances) > 1:
            summary = replace(summary, tests=itself.tested(np.concatenate(distances[1:])))
        return drawn, summary


def _design(model: ModelPlan, options: Any, rows: _Rows, outcome: ProductivityFit | None) -> DesignResampler:
    """Return what estimates a model's design again."""
    make = DESIGNS[model.design].resampler
    assert make is not None, "the first gate saw to it"
    more = () if rows.whole is None else (rows.whole, rows.part)
    found: DesignResampler = make(options, rows.kept, outcome, *more)
    return found


def _with(rows: Selection, columns: Mapping[str, FloatArray]) -> Selection:
    """Return rows with columns of the whole panel in the place of their own."""
    replaced = {
        name: NumberColumn(columns[name][rows.rows]) if name in columns else column
        for name, column in rows.columns.items()
    }
    return replace(rows, columns=replaced)


@dataclass(frozen=True, slots=True, eq=False)
class _Draw:
    """The estimated columns of a draw; where one of them is the outcome, its fit there and its influence functions.

    The influence functions are (1, q, G), by group.
    """

    columns: Mapping[str, FloatArray]
    outcome: ProductivityFit | None
    influence: tuple[FloatArray, ...]


class _Columns:
    """The rows of a model in every draw, where estimated columns stand in them."""

    def __init__(self, chain: Chain, model: ModelPlan, rows: _Rows, redrawn: tuple[str, ...]) -> None:
        self._chain, self._model, self._rows, self._redrawn = chain, model, rows, redrawn
        self._late = _late_variables(chain.plan, model)
        where: Expression | None = model.options.where
        in_where = {name for name, _ in where.names()} if where is not None else set()
        self.moves_rows = bool(in_where & {*redrawn, *self._late})
        self._fits = {name: fit for name, fit in chain.fits.items() if isinstance(fit, ProductivityFit)}
        self._firm = chain.before.select(()).firm
        self._drawn: dict[str, list[tuple[FloatArray, ...]]] = {}
        once = np.ones((1, chain.before.n_firms))
        self._origin = {name: chain.resampler(name).draw(once) for name in redrawn}
        # The entry on the left, where there is one: standard errors carry its first stage, as the closed form does.
        self._outcome = self._fits[model.outcome] if model.outcome in redrawn else None
        self.width = 0 if self._outcome is None else influence_size(self._outcome)
        self._slim = chain.before
        if self._late or self.moves_rows:
            used = {*names_of_model(model.design, model.options)}
            used |= {name for one in self._late.values() for name, _ in one.names()}
            self._slim = chain.before.only([name for name in chain.before.names() if name in used])
            self._fits = {name: fit for name, fit in self._fits.items() if name in used}

    def close(self) -> None:
        """Forget what was kept to make the columns of the draws."""
        if self._slim is not self._chain.before:
            self._chain.before.forget(self._slim)

    @property
    def firms(self) -> IntArray:
        """Codes of the firms behind what is drawn again."""
        found = [_firms_behind(self._fits[name], range(len(self._fits[name].groups))) for name in self._redrawn]
        return np.unique(np.concatenate(found))

    @property
    def itself(self) -> _Draw:
        """The full sample, as a draw of every firm once."""
        if self._outcome is None:
            return _Draw({}, None, ())
        once = np.ones((1, self._chain.before.n_firms))
        redrawn = redrawn_with_influence(self._outcome, self._chain.resampler(self._outcome.name), once)
        return _Draw({}, self._outcome, tuple(one.influence for one in redrawn))

    def drawn(self, counts: FloatArray) -> Iterator[_Draw | None]:
        """Yield what every draw has; None where a column has no estimate."""
        parameters: dict[str, tuple[FloatArray, ...]] = {}
        influence: tuple[FloatArray, ...] = ()
        for name in self._redrawn:
            if self._outcome is not None and name == self._outcome.name:
                redrawn = redrawn_with_influence(self._outcome, self._chain.resampler(name), counts)
                parameters[name] = tuple(one.parameters for one in redrawn)
                influence = tuple(one.influence for one in redrawn)
            else:
                parameters[name] = self._chain.resampler(name).draw(counts)
        for name, drawn in parameters.items():
            if isinstance(self._chain.resampler(name), TellingResampler):
                widths = [len(group.terms) for group in self._chain.fits[name].groups]  # type: ignore[union-attr]
                kept = tuple(one[:, :width].copy() for one, width in zip(drawn, widths, strict=True))
                self._drawn.setdefault(name, []).append(kept)
        for draw in range(len(counts)):
            found = {
                name: self._at(name, tuple(group[draw] for group in parameters[name]), counts[draw])
                for name in self._redrawn
            }
            columns = {name: fit.values for name, fit in found.items() if fit is not None}
            if len(columns) < len(found):
                yield None
                continue
            # Of the full sample there is one for all draws.
            own = tuple(one[min(draw, len(one) - 1)][None] for one in influence)
            yield _Draw(columns, None if self._outcome is None else found[self._outcome.name], own)

    def told(self) -> tuple[str, ...]:
        """Return what the resamplers say of the draws that were made."""
        said = []
        for name, batches in self._drawn.items():
            fit, resampler = self._chain.fits[name], self._chain.resampler(name)
            if isinstance(fit, ProductivityFit) and isinstance(resampler, TellingResampler):
                said += [f"{name}: {note}" for note in told_of(fit, resampler, batches)]
        return tuple(said)

    def _at(self, name: str, parameters: tuple[FloatArray, ...], counts: FloatArray) -> ProductivityFit | None:
        """Return an entry at other parameters; None where a drawn firm is without its group's estimate."""
        fit, resampler = self._fits[name], self._chain.resampler(name)
        lost = [group for group, one in enumerate(parameters) if np.isnan(one).any()]
        if lost and bool((counts[self._firm[np.isin(fit.group_of_row, lost)]] > 0).any()):
            return None
        if isinstance(resampler, LevelResampler):
            found, group_of_row = resampler.linearised(parameters)
            return replace(fit, values=found.values, gradient=found.gradient, group_of_row=group_of_row)
        values = fit.values.copy()
        for group, (one, origin) in enumerate(zip(parameters, self._origin[name], strict=True)):
            rows = np.flatnonzero(fit.group_of_row == group)
            values[rows] += fit.gradient[rows, : len(one)] @ (one - origin[0])
        return replace(fit, values=values)

    def at(self, columns: Mapping[str, FloatArray]) -> _Rows:
        """Return the model's rows with these columns in the place of the estimated ones."""
        if not columns:
            return self._rows
        if not self._late and not self.moves_rows:
            kept, whole = self._rows.kept, self._rows.whole
            return replace(
                self._rows, kept=_with(kept, columns), whole=None if whole is None else _with(whole, columns)
            )
        chain, options = self._chain, self._model.options
        numbers = {name: columns.get(name, fit.values) for name, fit in self._fits.items()}
        facts = {name: chain.after.facts(name) for name in numbers}
        panel = self._slim.with_numbers(numbers, facts)
        try:
            panel = panel.derive(self._late)
            wanted = (*DESIGNS[self._model.design].columns(options), *options.errors.columns)
            whole = None if self._rows.whole is None else computable(panel.select(wanted))
            return replace(self._rows, kept=computable(panel.select(wanted, options.where)), whole=whole)
        finally:
            self._slim.forget(panel)


def _late_variables(plan: Plan, model: ModelPlan) -> dict[str, Expression]:
    """Return the variables made of productivity columns that a model needs, in the order of computation."""
    needed = set(names_of_model(model.design, model.options))
    for name, expression in reversed(list(plan.late_variables.items())):
        if name in needed:
            needed |= {used for used, _ in expression.names()}
    return {name: expression for name, expression in plan.late_variables.items() if name in needed}


class Resamplers:
    """What draws productivity entries again, each made once.

    Parameters
    ----------
    plan : Plan
    panel : FirmPanel
        Without the productivity columns.
    fits : mapping of str to ProductivityFit or Failed
    """

    def __init__(self, plan: Plan, panel: FirmPanel, fits: Fits) -> None:
        self._steps = {one.name: one for one in plan.productivity}
        self._panel, self._fits = panel, fits
        self._made: dict[str, Resampler] = {}

    def __getitem__(self, name: str) -> Resampler:
        if name not in self._made:
            step, fit = self._steps[name], self._fit(name)
            parents = {parent: (self._fit(parent), self[parent]) for parent in step.parents}
            self._made[name] = _resampler(step, fit, self._panel, **({"parents": parents} if parents else {}))
        return self._made[name]

    def keep_only(self, names: Iterable[str]) -> None:
        """Forget what draws others, and is none of theirs: what a resampler keeps is large."""
        kept = {one for name in names for one in (name, *self._steps[name].parents)}
        self._made = {name: one for name, one in self._made.items() if name in kept}

    def _fit(self, name: str) -> ProductivityFit:
        fit = self._fits[name]
        assert isinstance(fit, ProductivityFit), "what rests on a failure has failed before"
        return fit


def _resampler(step: ProductivityPlan, fit: ProductivityFit, panel: FirmPanel, **more: object) -> Resampler:
    make = PRODUCTIVITY[step.method].resampler
    assert make is not None, "the first gate saw to it"
    rows, use = rows_of(step, panel)
    found: Resampler = make(step.options, rows, use, fit, **more)
    return found


def _firms_behind(fit: ProductivityFit, groups: range | list[int]) -> IntArray:
    """Return the codes of the firms with a score in these groups."""
    found = [fit.groups[group].influence_firms for group in groups if group >= 0]
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *found]))
