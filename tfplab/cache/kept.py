"""What a run takes from earlier ones, and what it says of that: the one door between runner and cache."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from estimation.figures.cases import ShownCases
from estimation.results import Estimates, Failed, ProductivityFit
from estimation.shown import Figure
from panels.frame import FirmPanel
from panels.saved import UnsavableError, keep_only, read_panel, save_panel
from specs.errors import EstimationError
from tfplab.bootstrapping import Chain
from tfplab.cache.done import Done, told
from tfplab.cache.files import Signature, digest_of_file, digests_of, signatures_of
from tfplab.cache.folder import LIMIT, CacheFolder, Miss
from tfplab.cache.keys import Parts, key_of, panel_parts, parts_of_entry
from tfplab.cache.model_keys import figure_parts, model_parts
from tfplab.cache.records import NotPlainError, settled
from tfplab.cache.why import why
from tfplab.common_rows import OnCommonRows
from tfplab.jobs import ACCIDENT, FitTask, ModelTask, Pool
from tfplab.plan import FigurePlan, ModelPlan, Plan, ProductivityPlan
from tfplab.steps import compute_figure, estimate_model, estimate_productivity

__all__ = ["OF_A_VARIANT", "Kept"]

Fit = ProductivityFit | Failed
Slim = Callable[[Estimates | Failed], Estimates | Failed]
T = TypeVar("T")

OF_A_VARIANT = " of a variant"
_MOST_FITS = 16
_MOST_PARTS = 8


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Something that a run asks for: its parts where they are known, what was kept, or why there is nothing."""

    what: str
    parts: Parts | None = None
    reason: str = ""
    found: Any = None


class Kept:
    """What earlier runs made, on the disk, in memory, both, or neither.

    Parameters
    ----------
    folder : CacheFolder, optional
        Panels and productivity estimates are kept in it.
    in_memory : bool
        Keep what the latest run used, models and figures too, for the next run of this process.
    limit : int
        Bytes that productivity estimates of variants may take in memory.
    jobs : int
        In how many processes at once that is made which is not kept.
    """

    def __init__(
        self, folder: CacheFolder | None = None, in_memory: bool = False, limit: int = LIMIT, jobs: int = 1
    ) -> None:
        self.folder, self.in_memory, self.limit, self.jobs = folder, in_memory, limit, jobs
        self._pool: Pool | None = None
        self.done: list[Done] = []
        self._spec = ""
        self._held: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        self._bytes = 0
        self._parts: dict[str, list[Parts]] = {}
        self._digests: dict[Signature, str] = dict(folder.digests()) if folder is not None else {}
        self._keys: OrderedDict[int, tuple[Fit, str]] = OrderedDict()

    @property
    def idle(self) -> bool:
        """Whether nothing is kept: everything is made, and nothing is said."""
        return self.folder is None and not self.in_memory

    def begin(self, plan: Plan) -> None:
        """Begin a run."""
        self._spec = str(plan.path.resolve())
        self.done = []
        if any(isinstance(one, FirmPanel) for one in self._used.values()):
            # The run before came to no end; its panel may be of use all the same.
            self._held = {key: one for key, one in self._held.items() if not isinstance(one, FirmPanel)}
        self._held, self._used, self._bytes = {**self._held, **self._used}, {}, 0
        self._keys.clear()
        for one in self._held.values():
            if isinstance(one, FirmPanel):
                keep_only(one)

    def end(self) -> None:
        """End a run: what it did not use is forgotten."""
        self._held, self._used = self._used, {}
        self._keys.clear()

    def stop(self) -> None:
        """End the processes of a run, whether it came to an end or not."""
        if self._pool is not None:
            self._pool.stop()
            self._pool = None

    def digest(self, name: str, path: Path) -> str:
        """Return the SHA-256 of a file, as of `tfplab.cache.files`: one that nobody touched is read once."""
        return digest_of_file(name, path, self._digests)

    @property
    def record(self) -> dict[str, str]:
        """What was reused and what was not, and why, by name: for ``manifest.json``."""
        return {one.what: one.why if one.reused else f"anew: {one.why}" for one in self.done}

    @property
    def told(self) -> list[str]:
        """What was reused and what was not, and why, in lines; the cases of a variant are counted in one."""
        return told(self.done)

    # The steps

    def panel(self, plan: Plan, build: Callable[[], FirmPanel], what: str = "panel") -> FirmPanel:
        """Return the panel of a plan: kept, or built."""
        if self.idle:
            return build()
        before = signatures_of(plan)
        parts = panel_parts(plan, digests_of(plan, self._digests))
        if self.folder is not None:
            self.folder.keep_digests(self._digests)
        held = self._from_memory("panel", parts)
        if isinstance(held, FirmPanel):
            return self._reused(what, "panel", parts, held, "as before")
        try:
            found = self._saved_panel(parts)
        except Miss as miss:
            reason = str(miss) or self._why(what, parts)
        else:
            return self._reused(what, "panel", parts, found, "from the cache", memory=what == "panel")
        found = build()
        note = ""
        if signatures_of(plan) != before:
            self._say(Done(what, False, reason, "a file changed while it was read"))
            return found
        if self.folder is not None:
            try:
                note = self.folder.keep("panel", parts, None, lambda folder: save_panel(found, folder))
            except UnsavableError as error:
                note = str(error)
        self._made(what, "panel", parts, found, reason, note, memory=what == "panel")
        return found

    def panel_of_variant(self, plan: Plan, build: Callable[[], FirmPanel]) -> FirmPanel:
        """Return the panel of a variant's cases; in memory there is room for none of these."""
        return self.panel(plan, build, f"panel{OF_A_VARIANT}")

    def productivity(
        self, plan: Plan, step: ProductivityPlan, panel: FirmPanel, earlier: Mapping[str, Fit], of: str = ""
    ) -> Fit:
        """Return a productivity entry: kept, or estimated.

        Parameters
        ----------
        plan : Plan
        step : ProductivityPlan
        panel : FirmPanel
            Without productivity columns.
        earlier : mapping of str to ProductivityFit or Failed
            The entries that it may be made of.
        of : str
            `OF_A_VARIANT`, or nothing.
        """
        return self.productivities([(plan, step)], panel, lambda _: None, earlier, of)[0]

    def productivities(
        self,
        steps: Sequence[tuple[Plan, ProductivityPlan]],
        panel: FirmPanel,
        told: Callable[[ProductivityPlan], None],
        earlier: Mapping[str, Fit] | None = None,
        of: str = "",
    ) -> list[Fit]:
        """Return productivity entries on one panel, of which none is made of another of them: kept, or estimated.

        Parameters
        ----------
        steps : sequence of (Plan, ProductivityPlan)
        panel : FirmPanel
        told : callable
            Hears which is being estimated.
        earlier : mapping of str to ProductivityFit or Failed, optional
        of : str
        """
        known = earlier or {}
        asked = [self._asked_fit(plan, step, panel, known, of) for plan, step in steps]
        missing = [number for number, one in enumerate(asked) if one.found is None]
        tasks = [FitTask(*steps[number]) for number in missing if not steps[number][1].parents]

        def alone(number: int) -> Fit:
            plan, step = steps[number]
            told(step)
            return estimate_productivity(plan, step, panel, known)

        made: list[Fit] | None = None
        if len(tasks) == len(missing):
            made = self._in_processes(
                lambda pool: pool.fits(panel, tasks, lambda place: told(tasks[place].step)), len(tasks)
            )
        made = made or [alone(number) for number in missing]
        for number, found in zip(missing, made, strict=True):
            asked[number] = replace(asked[number], found=self._made_fit(asked[number], _settled(found), of))
        return [one.found for one in asked]

    def models(
        self,
        models: Sequence[ModelPlan],
        chain: Chain,
        lost: Mapping[str, str],
        told: Callable[[ModelPlan], None],
        slim: Callable[[ModelPlan], Slim | None] = lambda _: None,
    ) -> list[Estimates | Failed]:
        """Return models: those of the run before, or estimated.

        Parameters
        ----------
        models : sequence of ModelPlan
        chain : Chain
        lost : mapping of str to str
            The columns that could not be made, with the reason.
        told : callable
            Hears which is being estimated.
        slim : callable, optional
            Returns what takes away that which need not be kept of a model.
        """
        asked = [self._asked_model(model, chain, lost) for model in models]
        missing = [number for number, one in enumerate(asked) if one.found is None]
        tasks = [ModelTask(models[number], slim(models[number])) for number in missing]

        def alone(task: ModelTask) -> Estimates | Failed:
            told(task.model)
            found = estimate_model(task.model, chain, lost)
            return found if task.slim is None else task.slim(found)

        where, common = (chain.on_all, chain.common) if isinstance(chain, OnCommonRows) else (chain, None)
        made: list[Estimates | Failed] | None = self._in_processes(
            lambda pool: pool.models(where, tasks, lambda place: told(tasks[place].model), common), len(tasks)
        )
        made = made or [alone(task) for task in tasks]
        for number, found in zip(missing, made, strict=True):
            one = replace(asked[number], found=_settled(found))
            asked[number] = one
            if one.parts is not None:
                self._made(one.what, "model", one.parts, one.found, one.reason, memory=not _is_accident(one.found))
        return [one.found for one in asked]

    def _asked_model(self, model: ModelPlan, chain: Chain, lost: Mapping[str, str]) -> _Asked:
        what = f"model {model.name}"
        if not self.in_memory:
            return _Asked(what)

        def key(name: str, fit: Fit) -> str:
            return self._key_of_fit(chain.plan, chain.before, chain.fits, name)

        try:
            parts = model_parts(model, chain, lost, key)
        except (EstimationError, NotPlainError):
            return _Asked(what)
        held = self._from_memory("model", parts)
        if held is not None:
            return _Asked(what, parts, found=self._reused(what, "model", parts, held, "as before"))
        return _Asked(what, parts, self._why(what, parts))

    def _asked_fit(
        self, plan: Plan, step: ProductivityPlan, panel: FirmPanel, earlier: Mapping[str, Fit], of: str
    ) -> _Asked:
        what = f"productivity {step.name}{of}"
        if self.idle:
            return _Asked(what)
        try:
            parents = {name: self._key_of_fit(plan, panel, earlier, name) for name in step.parents}
            parts = parts_of_entry(plan, step, panel, parents)
        except EstimationError:
            return _Asked(what)
        held = self._from_memory("fit", parts)
        if held is not None:
            return _Asked(what, found=self._fitted(parts, self._reused(what, "fit", parts, held, "as before")))
        try:
            if self.folder is None:
                raise Miss("")
            found: Fit = self.folder.load("fit", parts)[0]
        except Miss as miss:
            return _Asked(what, parts, str(miss) or self._why(what, parts))
        room = self._room(found, of)
        return _Asked(what, found=self._fitted(parts, self._reused(what, "fit", parts, found, "from the cache", room)))

    def _made_fit(self, asked: _Asked, found: Fit, of: str) -> Fit:
        if asked.parts is None:
            return found
        note = ""
        # Whether a worker was ended says nothing of the data.
        if self.folder is not None and not _is_accident(found):
            try:
                note = self.folder.keep("fit", asked.parts, found)
            except NotPlainError as error:
                note = str(error)
        memory = not _is_accident(found) and self._room(found, of)
        self._made(asked.what, "fit", asked.parts, found, asked.reason, note, memory)
        return self._fitted(asked.parts, found)

    def _in_processes(self, work: Callable[[Pool], list[T]], count: int) -> list[T] | None:
        """Return what processes made of tasks; None where there are too few of either."""
        if self.jobs < 2 or count < 2:
            return None
        if self._pool is None:
            self._pool = Pool(self.jobs)
        try:
            return work(self._pool)
        except (UnsavableError, NotPlainError):
            return None

    def figure(
        self,
        plan: Plan,
        figure: FigurePlan,
        chain: Chain,
        lost: Mapping[str, str],
        models: Mapping[str, Estimates | Failed],
        cases: Mapping[str, ShownCases] | None = None,
    ) -> Figure | Failed:
        """Return a figure: that of the run before, or computed; one of a variant's `cases` is no work."""

        def compute() -> Figure | Failed:
            return compute_figure(plan, figure, chain.after, chain.fits, lost, models, cases)

        if not self.in_memory or cases:
            return compute()

        def key(name: str, fit: Fit) -> str:
            return self._key_of_fit(plan, chain.before, chain.fits, name)

        return self._from_content(
            f"figure {figure.name}",
            "figure",
            lambda: figure_parts(plan, figure, chain.after, chain.fits, lost, models, key),
            compute,
        )

    def _from_content(self, what: str, kind: str, find: Callable[[], Parts], make: Callable[[], T]) -> T:
        try:
            parts = find()
        except (EstimationError, NotPlainError):
            return make()
        held = self._from_memory(kind, parts)
        if held is not None:
            return self._reused(what, kind, parts, held, "as before")  # type: ignore[no-any-return]
        found = make()
        self._made(what, kind, parts, found, self._why(what, parts), memory=True)
        return found

    # What is kept

    def _saved_panel(self, parts: Parts) -> FirmPanel:
        import duckdb

        if self.folder is None:
            raise Miss("")
        saved, folder = self.folder.load("panel", parts)
        try:
            return read_panel(saved, folder)
        except (ValueError, OSError, AttributeError, duckdb.Error):
            self.folder.forget("panel", parts)
            raise Miss("what was kept cannot be read") from None

    def _from_memory(self, kind: str, parts: Parts) -> Any:
        key = f"{kind} {key_of(parts)}"
        return self._used.get(key, self._held.get(key))

    def _reused(self, what: str, kind: str, parts: Parts, found: T, where: str, memory: bool = True) -> T:
        self._say(Done(what, True, where))
        self._remember(what, kind, parts, found, memory)
        return found

    def _made(
        self, what: str, kind: str, parts: Parts, found: object, reason: str, note: str = "", memory: bool = True
    ) -> None:
        self._say(Done(what, False, reason, note))
        self._remember(what, kind, parts, found, memory)

    def _remember(self, what: str, kind: str, parts: Parts, found: object, memory: bool) -> None:
        if self.in_memory and memory:
            self._used[f"{kind} {key_of(parts)}"] = found
        of = f"{self._spec} {_family(what)}"
        known = self._parts.setdefault(of, [])
        self._parts[of] = [*(one for one in known if one != parts), parts][-_MOST_PARTS:]
        if self.folder is not None and kind in ("panel", "fit"):
            self.folder.remember(of, parts)

    def _why(self, what: str, parts: Parts) -> str:
        of = f"{self._spec} {_family(what)}"
        on_disk = self.folder.latest(of) if self.folder is not None else ()
        return why(parts, (*on_disk, *self._parts.get(of, ())))

    def _say(self, done: Done) -> None:
        # A variant may ask for the same thing several times.
        if done not in self.done:
            self.done.append(done)

    def _room(self, found: Fit, of: str) -> bool:
        """Return whether a fit has room in memory: those of variants may be many."""
        if not of:
            return True
        size = _size(found)
        if self._bytes + size > self.limit:
            return False
        self._bytes += size
        return True

    # Keys of fits that the runner holds

    def _fitted(self, parts: Parts, fit: Fit) -> Fit:
        self._keys[id(fit)] = (fit, key_of(parts))
        while len(self._keys) > _MOST_FITS:
            self._keys.popitem(last=False)
        return fit

    def _key_of_fit(self, plan: Plan, panel: FirmPanel, fits: Mapping[str, Fit], name: str) -> str:
        known = self._keys.get(id(fits[name]))
        if known is not None:
            return known[1]
        step = next(one for one in plan.productivity if one.name == name)
        parents = {parent: self._key_of_fit(plan, panel, fits, parent) for parent in step.parents}
        try:
            parts = parts_of_entry(plan, step, panel, parents)
        except EstimationError as error:
            return str(error)
        self._fitted(parts, fits[name])
        return key_of(parts)


def _is_accident(found: object) -> bool:
    return isinstance(found, Failed) and found.reason.startswith(ACCIDENT)


def _settled(found: T) -> T:
    return settled(found)  # type: ignore[no-any-return]


def _family(what: str) -> str:
    """Return under which name the parts of something are remembered: cases of a variant share one, and what they have
    for themselves is held against that of the spec, too.
    """
    return what.partition("[")[0].removesuffix(OF_A_VARIANT)


def _size(fit: Fit) -> int:
    if isinstance(fit, Failed):
        return 0
    arrays: Iterable[Any] = (fit.values, fit.group_of_row, fit.in_sample, fit.gradient)
    rows: Iterable[Any] = (one for pair in fit.elasticities.values() for one in (pair.values, pair.gradient))
    return sum(one.nbytes for one in (*arrays, *rows) if isinstance(one, np.ndarray))
