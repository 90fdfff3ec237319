"""The columns of a table before they are printed: a model, or one group of a productivity estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.cases import model_of
from reports.labels import Labels
from reports.numbers import symbols
from reports.windows import PLACEBO, note_name
from reports.words import Words, localised
from specs.errors import TfplabError, did_you_mean
from specs.sections import DESCRIPTIVES, SHARES, default_decimals
from specs.variants import CASES_BESIDE, in_words

__all__ = ["Context", "TableSpec", "View", "table_spec", "told_of_group", "told_of_rung", "views_of"]


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table's keys as the spec has them, every default filled in.

    Attributes
    ----------
    name, kind : str
        ``estimates`` or ``diagnostics``.
    models : tuple of str
        Models, cases of variants and productivity entries.
    variants : tuple of str
        Variants with too many cases for columns: such a table has nothing else.
    formats, locales : tuple of str
    p_values : str
        ``stars``, ``r_style``, ``none``.
    decimals : int
    title : str, mapping of language to str, or None
    headings : sequence in the order of `models`, or mapping by id
    notes : tuple of str or of mapping of language to str
    keep, order : tuple of str
        Terms, or factors without their levels.
    """

    name: str
    kind: str
    models: tuple[str, ...]
    variants: tuple[str, ...]
    formats: tuple[str, ...]
    locales: tuple[str, ...]
    p_values: str
    decimals: int
    title: Any
    headings: Any
    notes: tuple[Any, ...]
    keep: tuple[str, ...]
    order: tuple[str, ...]


def table_spec(record: Mapping[str, Any], name: str) -> TableSpec:
    """Return a table's keys.

    Parameters
    ----------
    record : mapping
        The content of ``run.json``.
    name : str

    Raises
    ------
    TfplabError
        If the run has no such table.
    """
    tables = record["spec"]["tables"]
    if name not in tables:
        hint = did_you_mean(name, tables) or f"there are: {', '.join(tables) or 'none'}"
        raise TfplabError(f'no table "{name}" in this run, {hint}')
    given = {key: value for key, value in tables[name].items() if value is not None}
    p_values, kind = given.get("p_values", "stars"), given.get("kind", "estimates")
    everything = list(record["productivity" if kind == "diagnostics" else "models"])
    if kind != "diagnostics":
        # Descriptive statistics have a table of their own.
        others = [one for one in everything if record["models"][one]["design"] != DESCRIPTIVES]
        everything = others or everything
    named = _texts(given.get("models") or everything)
    variants = {one: record["variants"][one]["cases"] for one in named if one in record["variants"]}
    if sum(map(len, variants.values())) <= CASES_BESIDE:
        models = tuple(
            name for one in named for name in ([case["name"] for case in variants[one]] if one in variants else [one])
        )
        variants = {}
    else:
        models = ()
    shown = [*(model_of(record, one) or {} for one in models), *(case for cases in variants.values() for case in cases)]
    designs = [one.get("design") for one in shown]
    return TableSpec(
        name=name,
        kind=kind,
        models=models,
        variants=tuple(variants),
        formats=_texts(given.get("formats") or ["html"]),
        locales=_texts(given.get("locale") or ["en"]),
        p_values=p_values,
        decimals=given.get("decimals", default_decimals(p_values, designs)),
        title=given.get("title"),
        headings=given.get("headings") or (),
        notes=_listed(given.get("notes")),
        keep=_texts(given.get("keep")),
        order=_texts(given.get("order")),
    )


def _listed(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in _listed(value))


@dataclass(frozen=True, slots=True)
class Context:
    """What every part of one table is printed with.

    Attributes
    ----------
    record : mapping
        The content of ``run.json``.
    spec : TableSpec
    labels : Labels
    words : Words
    """

    record: Mapping[str, Any]
    spec: TableSpec
    labels: Labels
    words: Words

    @property
    def locale(self) -> str:
        """The table's locale."""
        return self.words.locale

    def name(self, fit: Mapping[str, Any]) -> str:
        """Return what a productivity method is called."""
        return self.words.known(f"method.{fit['method']}") or str(fit["method"])


@dataclass(frozen=True, slots=True)
class View:
    """One column of estimates.

    Attributes
    ----------
    name, heading : str
        The id in the spec, and what stands above the column.
    content : mapping
        The model, or the group of a productivity entry, as in the record.
    outcome : str
        Empty for a productivity entry, and for shares.
    productivity : tuple of str
        The productivity entries that a model rests on, or the entry itself; empty if the spec estimated none.
    design : str
        The model's design, or the entry's method.
    group : str
        The group of a productivity entry, readable; empty otherwise.
    model_heading : str
        What the model is called whose estimate this is, where it has several whose notes are of all of them.
    """

    name: str
    heading: str
    content: Mapping[str, Any]
    outcome: str
    productivity: tuple[str, ...]
    design: str = ""
    group: str = ""
    model_heading: str = ""

    @property
    def is_model(self) -> bool:
        """Whether it is a model, not a productivity entry."""
        return bool(self.outcome) or self.is_of_shares or self.describes

    @property
    def is_of_shares(self) -> bool:
        """Whether its coefficients are shares of firms."""
        return self.design == SHARES

    @property
    def describes(self) -> bool:
        """Whether its lines describe firms."""
        return self.design == DESCRIPTIVES

    @property
    def scale(self) -> float:
        """What its estimates are multiplied by in print: shares are printed in per cent."""
        return 100.0 if self.is_of_shares else 1.0

    @property
    def coefficients(self) -> dict[str, Mapping[str, Any]]:
        """The coefficients by term, in their order; an average elasticity in the place of its input's coefficient.

        A translog's first-order coefficients are elasticities at inputs of one unit: they depend on the units.
        """
        return {one["term"]: one for one in [*self.content["coefficients"], *(self.content.get("elasticities") or ())]}

    @property
    def adjusted(self) -> Mapping[str, float | None]:
        """The p-values by term that are adjusted for a family of hypotheses."""
        found: Mapping[str, float | None] = (self.content.get("family") or {}).get("adjusted") or {}
        return found

    @property
    def averaged(self) -> bool:
        """Whether some of `coefficients` are averages over rows where the technology has others of its own."""
        inputs = {one["term"] for one in self.content.get("elasticities") or ()}
        return bool(inputs) and any(one["term"] not in inputs for one in self.content["coefficients"])

    @property
    def not_gaps(self) -> frozenset[str]:
        """Terms that compare what cannot be compared: they are not printed."""
        return frozenset(self.content.get("not_gaps") or ())

    @property
    def suppressed(self) -> bool:
        """Whether disclosure took all its numbers."""
        return bool(self.content.get("suppressed"))


def views_of(context: Context) -> tuple[list[View], list[tuple[str, str]]]:
    """Return the columns of a table and what is missing from it.

    Parameters
    ----------
    context : Context

    Returns
    -------
    views : list of View
        Only what was estimated.
    failed : list of (heading, reason)

    Raises
    ------
    TfplabError
        If the table names what the run does not have.
    """
    record, spec, labels, words = context.record, context.spec, context.labels, context.words
    views: list[View] = []
    failed: list[tuple[str, str]] = []
    titles = _distinct_titles(record, spec, words)
    for index, name in enumerate(spec.models):
        heading = _heading(name, index, spec, labels, words) or titles.get(name) or labels.declared(name)
        heading = heading or _set_in(record, name, labels) or name
        model = model_of(record, name)
        if model is not None:
            if model["status"] == "failed":
                failed.append((heading, model["reason"]))
            else:
                behind = model.get("productivity") or [model["outcome"]]
                # What a case has estimated for itself is not what the spec's own entry of this name is.
                own = record["variants"][name.partition("[")[0]]["own"] if model.get("own") is not None else []
                apart = own[model["own"]]["productivity"] if own else {}
                known = tuple(one for one in behind if one in record["productivity"] and one not in apart)
                several = _side_by_side(model, labels, words)
                # The groups of the one model of a table need not repeat its name; what is said of a window is its own.
                alone = len(spec.models) == 1 and heading == name and _is_compared(model)
                of_windows = any(part["window"] is not None for part in model.get("parts") or ())
                for label, content in several:
                    column = (label if alone else f"{heading}, {label}") if label else heading
                    shared = "" if of_windows else heading
                    views.append(
                        View(
                            name, column, content, model["outcome"] or "", known, model["design"], model_heading=shared
                        )
                    )
        elif name in record["productivity"]:
            if record["productivity"][name]["status"] == "failed":
                failed.append((heading, record["productivity"][name]["reason"]))
            for group in record["productivity"][name]["groups"]:
                of = ", ".join(f"{labels.column(key)} {level}" for key, level in (group["group"] or {}).items())
                design = record["productivity"][name]["method"]
                views.append(View(name, f"{heading}, {of}" if of else heading, group, "", (name,), design, of))
        else:
            known_names = [*record["models"], *record["variants"], *record["productivity"]]
            raise TfplabError(
                f'tables.{spec.name}.models: no "{name}" in this run, '
                + (did_you_mean(name, known_names) or f"there are: {', '.join(known_names)}")
            )
    return views, failed


def _side_by_side(model: Mapping[str, Any], labels: Labels, words: Words) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the estimates of a model that has several, each with what tells it apart; else the model itself."""
    parts = [
        part
        for part in model.get("parts") or ()
        # A group that could not be estimated has no column; a note names it.
        if not _stands_behind(part["estimator"]) and not part.get("reason")
    ]
    if len(parts) < 2:
        windows = [part["window"] for part in parts]
        return [("", {**model, "window": windows[0], "notes": _notes_of(parts, model["notes"])[0]} if parts else model)]
    # What is said of the model stands once, under the first.
    several = len({part["estimator"] for part in parts if part["estimator"] != PLACEBO}) > 1
    grouped, climbs = any(part["group"] for part in parts), any(part["rung"] for part in parts)
    # A family adjusts the model's own estimates.
    own = [model.get("family"), *(None for _ in parts[1:])]
    return [
        (
            _told_apart(part, labels, words, several=several, grouped=grouped, climbs=climbs),
            {**model, **part, "notes": notes, "family": family},
        )
        for part, notes, family in zip(parts, _notes_of(parts, model["notes"]), own, strict=True)
    ]


def _notes_of(parts: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> list[list[str]]:
    """Return the notes of each part: those that begin with its years, without them; all others are the first's."""
    found: list[list[str]] = [[] for _ in parts]
    names = [note_name(part) for part in parts]
    for note in notes:
        place = next((place for place, name in enumerate(names) if name and note.startswith(name)), None)
        found[place or 0].append(note if place is None else note.removeprefix(names[place]))
    return found


def _is_compared(model: Mapping[str, Any]) -> bool:
    return any(part["group"] or part["rung"] for part in model["parts"])


def _stands_behind(estimator: str) -> bool:
    """Return whether a part is what an estimate is made of, which has no column of its own."""
    made_of = estimator.endswith((", cells", ", index"))
    return made_of or estimator.startswith("first_stage[") or estimator == "reduced_form"


def _told_apart(
    part: Mapping[str, Any], labels: Labels, words: Words, *, several: bool, grouped: bool, climbs: bool
) -> str:
    """Return what a part is called beside the others: its estimator, its firms, its controls, its years."""
    estimator = words.known(f"estimator.{part['estimator']}") or _quantile(part, words) or part["estimator"]
    of = told_of_group(part, labels, words, grouped=grouped)
    rung = told_of_rung(part["rung"], labels, words) if climbs else ""
    window = [] if part["window"] is None else ["-".join(str(year) for year in part["window"])]
    if part["estimator"] == PLACEBO:
        return ", ".join(filter(None, [of, *window, estimator]))
    return ", ".join(filter(None, [estimator if several else "", of, rung, *window])) or estimator


def told_of_group(part: Mapping[str, Any], labels: Labels, words: Words, *, grouped: bool) -> str:
    """Return which rows an estimate is of: ``Size 10-19``; all of them beside those of groups."""
    of = [f"{labels.column(column)} {level}" for column, level in (part["group"] or {}).items()]
    return ", ".join(of) or (words("compare.all") if grouped else "")


def told_of_rung(rung: str | None, labels: Labels, words: Words) -> str:
    """Return what was added to the controls, in the labels of its columns; the formula itself where nothing was."""
    if not rung:
        return words("compare.first_rung")
    if known := words.known(f"part.{rung.replace(' ', '_')}"):
        return known
    plus = "+ " if rung.startswith("+ ") else ""
    return plus + " + ".join(labels.term(one).full(words.locale) for one in rung.removeprefix("+ ").split(" + "))


def _quantile(part: Mapping[str, Any], words: Words) -> str:
    """Return what the estimate at a quantile is called, its number as the language writes it; empty for others."""
    name, _, number = part["estimator"].partition(" ")
    return (
        words("estimator.at", quantile=number.replace(".", symbols(words.locale).decimal)) if name == "quantile" else ""
    )


def _heading(name: str, index: int, spec: TableSpec, labels: Labels, words: Words) -> str:
    if isinstance(spec.headings, Mapping):
        given = spec.headings.get(name)
    elif isinstance(spec.headings, Sequence) and not isinstance(spec.headings, str):
        given = spec.headings[index] if index < len(spec.headings) else None
    else:
        given = None
    return localised(given, words.locale)


def _set_in(record: Mapping[str, Any], name: str, labels: Labels) -> str:
    """Return what a case is called: by its name, else by what is set in it; empty for all else."""
    case = model_of(record, name)
    if case is None or "settings" not in case:
        return ""
    if case["called"]:
        return labels.declared(case["called"]) or str(case["called"])
    told = []
    for path, value in case["settings"].items():
        text, swaps = in_words(value), path.startswith("replace.")
        own = labels.declared(text) or (labels.column(text) if swaps else None)
        # A swapped name says by itself what it is; any other value needs its setting beside it.
        told.append(str(own) if own and (swaps or len(case["settings"]) == 1) else
                    f"{labels.declared(path) or path} = {own or text}")  # fmt: skip
    return ", ".join(told)


def _distinct_titles(record: Mapping[str, Any], spec: TableSpec, words: Words) -> dict[str, str]:
    """Return the models' titles where they tell the columns apart; `like` copies a title with all else."""
    titles = {
        name: localised(model["title"], words.locale)
        for name in spec.models
        if (model := model_of(record, name)) is not None
    }
    several = len(titles) == len(spec.models) > 1
    return titles if several and all(titles.values()) and len(set(titles.values())) == len(titles) else {}
