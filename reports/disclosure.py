"""What may leave a secure room: every printed number must rest on enough firms.

Applied to the record before anything is written. A model, an elasticity, a coefficient, a correlation or a density
that rests on fewer than ``minimum_firms`` firms is a breach, and so is a number of some firms below it (those that
enter or leave; that nobody does is no breach). ``report`` lists it, ``suppress`` blanks it in the
whole record (everything else is derived from the record), ``fail`` refuses to write. The ledger of the files
and the counts of the link are counts of rows and stay; those that give a suppressed count away do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reports.case_facts import in_its_place
from reports.diagnostics import counts_firms
from reports.disclosure_balance import beside_withheld_levels, lines_of_balance, told_of_levels, without_shares
from reports.disclosure_beyond import beside_levels, beyond_entries, reasons_of, sized_by_cohorts, summarise_levels
from reports.disclosure_described import blank_beside, told_of_groups, withhold_quartiles
from reports.disclosure_effects import (
    COVERS,
    SIDES,
    beside_withheld,
    effects_of_parts,
    estimates_of,
    part_name,
    told_of_cohorts,
    told_together,
)
from reports.disclosure_figures import blank_points, settle_curves
from reports.disclosure_fit import blank_fit
from reports.disclosure_groups import blank_withheld, compared_entries, names_withheld, small_parts, withheld_of
from reports.disclosure_instruments import blank_instruments
from reports.disclosure_lost import lines_of_firms, without_few_firms
from reports.disclosure_shares import blank_added_up, few_behind, is_of_shares
from reports.windows import blank_subsets, note_name, small_windows, windows_of
from specs.counting import counted
from specs.errors import TfplabError

__all__ = ["apply"]

# What a suppressed entry keeps: its name, not a number.
_KEPT = {
    "term", "label", "group", "rung", "window", "item", "cell", "at", "unsure_from", "unsure_to", "date", "cohort",
    "year", "bound", "settings",
}  # fmt: skip

# "7 firms have a year before among 20 complete rows": how estimation words counts. What stands behind such words is no
# count, but a threshold that holds whatever the data: "one step needs 30 firms and 90 rows", "at least 10 firms".
_COUNTS = re.compile(
    r"(?<![\d.,])(?:(?P<part>\d+(?:,\d{3})*) of )?(?P<number>\d+(?:,\d{3})*) (?P<what>firms?|(?:[a-z]+ )?rows?)\b"
    r"(?P<verb> (?:has|is|was|holds|lies|stands|leaves|enters|counts|changes|begins)\b)?"
)
_ASKED_BEFORE = re.compile(
    r"\b(?:needs?|asks? for|asked for|at least|at most|fewer than|more than|below|min_firms:?) (?:\d+ firms? and )?$"
)
_ASKED_AFTER = re.compile(r" (?:is|are) (?:needed|asked for|wanted)\b")
# "wr is zero in 1,789": rows that are not called so, behind "Of 1,831 rows:".
_ROWS = re.compile(r"\b(?P<what>is (?:missing|zero) in) \d+(?:,\d{3})*\b")
_PLURAL = {"has": "have", "is": "are", "was": "were", "leaves": "leave"}
# Of a change that was taken apart: how many firms there are, and their shares.
_WHO = ("n_survivors", "n_entrants", "n_exiters")


def apply(record: dict[str, Any]) -> dict[str, Any]:
    """List, blank or refuse the numbers of a record that rest on too few firms.

    Parameters
    ----------
    record : dict
        Plain data as `reports.record` builds it; changed in place where ``on_breach`` is ``suppress``.

    Returns
    -------
    dict
        The record with a key ``disclosure``: the rule and ``breaches``, each with ``where``, ``item`` and
        ``n_firms`` (None where suppressed).

    Raises
    ------
    TfplabError
        If ``on_breach`` is ``fail`` and there is a breach.
    """
    rule = record["spec"]["disclosure"]
    minimum, action = rule["minimum_firms"], rule["on_breach"]
    withhold_quartiles(record["models"].values(), minimum)
    found = [(where, item, entry) for where, item, entry in _entries(record, minimum) if _breaches(entry, minimum)]
    if found and action == "fail":
        listed = "; ".join(
            f"{in_its_place(where)}: {item} ({counted(few_behind(entry) or 0, 'firm')})" for where, item, entry in found
        )
        rest = counted(len(found), "number rests", "numbers rest")
        raise TfplabError(
            f"disclosure: {rest} on fewer than {minimum} firms and on_breach is fail; nothing was written: {listed}"
        )
    breaches = [
        {"where": where, "item": item, "n_firms": None if action == "suppress" else few_behind(entry)}
        for where, item, entry in found
    ]
    if action == "suppress":
        beside = {name: withheld_of(model, minimum) for name, model in record["models"].items()}
        more = _levels_beside(record, minimum)
        for entry in [*(entry for _, _, entry in found), *more]:
            _blank(entry)
        for name, withheld in beside.items():
            blank_withheld(record["models"][name], withheld, minimum, _blank)
        _blank_beyond(record, minimum)
        _blank_diagnostics(record, minimum)
        _blank_sums(record, minimum)
        _blank_shares(record, minimum)
        _blank_effects(record, minimum)
        blank_instruments(record, _blank, minimum)
        for model in record["models"].values():
            blank_fit(model, _blank)
        _blank_families(record)
        for model in record["models"].values():
            for one in blank_beside(model, minimum):
                _blank(one)
            told_of_groups(model, minimum)
        blank_points(record, _blank)
        masked = _blank_notes(record, minimum, {name: names_withheld(one) for name, one in beside.items()})
        _blank_counts(record, masked)
        settle_curves(record)
    record["disclosure"] = {"minimum_firms": minimum, "on_breach": action, "breaches": breaches}
    return record


def _entries(record: dict[str, Any], minimum: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every part of the record that carries a number of firms: the whole first, then its parts.

    A number of firms that stands by itself, a diagnostic or whom a change is made of, comes as a part of its own.
    """
    for name, fit in record["productivity"].items():
        # A method that estimates nothing has no groups: its column as a whole rests on firms.
        yield f"productivity.{name}", "all", fit
        for group in fit["groups"]:
            of = ", ".join(f"{column} {level}" for column, level in (group["group"] or {}).items())
            yield f"productivity.{name}", of or "all", group
            for key in () if _breaches(group, minimum) else _small_diagnostics(group, minimum):
                yield f"productivity.{name}", f"{of or 'all'}: {key}", {"n_firms": group["diagnostics"][key]}
    for pair in record["agreement"]:
        for what in ("levels", "growth"):
            if pair[what] is not None:
                yield "agreement", f"{', '.join(pair['of'])}: {what}", pair[what]
    for name, model in record["models"].items():
        yield f"models.{name}", "n_firms", model
        # A comparison with few firms tells of them, whatever the number on the other side.
        sides = [key for key in SIDES if _few_side(model["stats"], key, minimum)]
        for key in sides:
            yield f"models.{name}", key, _Whole(model, model["stats"][key])
        if not sides and not _breaches(model, minimum):
            for coefficient in model["coefficients"]:
                yield f"models.{name}", coefficient["term"], coefficient
            for part in small_windows(model, minimum):
                yield f"models.{name}", part_name(part), part
            small = dict(small_parts(model, minimum))
            for item, part in small.items():
                yield f"models.{name}", item, part
            lines = (*lines_of_balance(model), *lines_of_firms(model, minimum), *beyond_entries(model))
            for item, effect in (*effects_of_parts(model), *lines):
                if item.rpartition(": ")[0] not in small:
                    yield f"models.{name}", item, effect
            for item, entry in compared_entries(model):
                yield f"models.{name}", item, entry
            for key in _WHO:
                if _small(model["stats"].get(key), minimum):
                    yield f"models.{name}", key, {"n_firms": model["stats"][key]}
    for name, panel in record["panels"].items():
        # Of the cases of a variant: `where` is written in the spec, the firms that it keeps are not.
        yield f"variants.{name}", "n_firms", panel
    for name, figure in record["figures"].items():
        for series in figure["series"]:
            yield f"figures.{name}", _series(figure, series), series


class _Whole(dict[str, Any]):
    """A model that is a breach by the firms on one side: the number that counts, and the model that it takes along."""

    def __init__(self, model: dict[str, Any], firms: int) -> None:
        super().__init__(n_firms=firms)
        self.model = model


def _few_side(stats: Mapping[str, Any], key: str, minimum: int) -> bool:
    return stats.get(key) is not None and stats[key] < minimum


def _series(figure: dict[str, Any], series: dict[str, Any]) -> str:
    if "case" in series:
        return str(series["case"])
    level = f"{figure['by']}={series['label']}" if figure["by"] and series["label"] else series["label"] or "all"
    several = [series["of"]] if isinstance(figure["of"], list) else []
    if "item" in series or "base" in series:
        return ", ".join([*several, series["term"]])
    return ", ".join([*several, *([series["input"]] if "input" in series else []), level])


def _breaches(entry: dict[str, Any], minimum: int) -> bool:
    behind = few_behind(entry)
    return behind is not None and behind < minimum


def _small(firms: Any, minimum: int) -> bool:
    """Return whether some firms were counted, but too few; that there is none is true of all firms looked at."""
    return firms is not None and 0 < firms < minimum


def _small_diagnostics(group: dict[str, Any], minimum: int) -> list[str]:
    """Return the diagnostics of a group that count too few firms."""
    return [key for key, value in group["diagnostics"].items() if counts_firms(key) and _small(value, minimum)]


def _blank_diagnostics(record: dict[str, Any], minimum: int) -> None:
    for fit in record["productivity"].values():
        for group in fit["groups"]:
            if small := _small_diagnostics(group, minimum):
                group["diagnostics"] |= dict.fromkeys(small)
                group["suppressed_diagnostics"] = small


def _blank(entry: dict[str, Any]) -> None:
    """Set every number of an entry to None, those of its coefficients, statistics and curves included."""
    if isinstance(entry, _Whole):
        entry = entry.model
    for key, value in entry.items():
        if key in _KEPT:
            continue
        entry[key] = _without_numbers(value)
    entry["suppressed"] = True


def _blank_sums(record: dict[str, Any], minimum: int) -> None:
    """Blank all terms of a change that was taken apart if one is blank: the others, shares and rows add up to it."""
    for model in record["models"].values():
        terms = model["coefficients"]
        few = any(_small(model["stats"].get(key), minimum) for key in _WHO)
        if model["method"] == "melitz_polanec" and (few or any(one.get("suppressed") for one in terms)):
            for one in terms:
                _blank(one)
            stats = model["stats"]
            model["stats"] = {key: None if key.startswith(("n_", "share_")) else one for key, one in stats.items()}
            # Survivors have two rows and the others one: rows less firms is the number of survivors.
            model |= {"n_obs": None, "dropped": dict.fromkeys(model["dropped"])}


def _blank_shares(record: dict[str, Any], minimum: int) -> None:
    """Blank the shares by which others could be had, and the points of figures that show any of them."""
    hidden: set[tuple[str, str]] = set()
    for name, model in record["models"].items():
        if is_of_shares(model):
            for one in blank_added_up(model["coefficients"], minimum):
                _blank(one)
            hidden |= {(name, one["term"]) for one in model["coefficients"] if one.get("suppressed")}
    for figure in record["figures"].values():
        for series in figure["series"]:
            if (series["of"], series.get("term")) in hidden:
                _blank(series)


def _levels_beside(record: Mapping[str, Any], minimum: int) -> list[dict[str, Any]]:
    """Return the levels that a model's estimate is not shown without, beside those without enough firms."""
    apart = [(model.get("sensitivity") or {}).get("leave_out") for model in record["models"].values()]
    return [one for found in apart if found and not found.get("suppressed") for one in beside_levels(found, minimum)]


def _blank_beyond(record: dict[str, Any], minimum: int) -> None:
    """Blank what follows from a suppressed part of `sensitivity`, and reasons that count too few firms."""
    for model in record["models"].values():
        found = model.get("sensitivity") or {}
        apart, bacon = found.get("leave_out"), found.get("bacon")
        if apart and any(one.get("suppressed") for one in apart["levels"]) and not model.get("suppressed"):
            summarise_levels(apart)
        if bacon and (
            any(one.get("suppressed") for one in bacon["comparisons"]) or _small(bacon["n_left_out"], minimum)
        ):
            for one in bacon["comparisons"]:
                _blank(one)
            _blank(bacon)
        for one in reasons_of(model):
            one["reason"] = _fewer(one["reason"], minimum)


def _blank_effects(record: dict[str, Any], minimum: int) -> None:
    """Blank the effects by which others could be had, and the firms of a side where they are too few."""
    for model in record["models"].values():
        for one in (*beside_withheld(model), *beside_withheld_levels(model, minimum)):
            _blank(one)
        without_shares(model)
        without_few_firms(model, minimum)
        hidden = any(one.get("suppressed") for _, coefficients in estimates_of(model) for one in coefficients)
        if model["design"] == "did" and hidden:
            model["sensitivity"] = None
            model["notes"] = [note for note in model["notes"] if COVERS not in note and "estimators differ" not in note]
            for stats in (model["stats"], *(part["stats"] for part in model["parts"])):
                stats.update(dict.fromkeys(stats))


def _blank_families(record: dict[str, Any]) -> None:
    """Blank the adjusted p-values of a family with a hypothesis that is withheld: they are made of its own too."""
    families = [model["family"] for model in record["models"].values() if model["family"] is not None]
    for family in families:
        members = [(record["models"][one["model"]], one["term"]) for one in family["members"]]
        if any(
            coefficient.get("suppressed")
            for model, term in members
            for coefficient in model["coefficients"]
            if coefficient["term"] == term
        ):
            family["adjusted"] = dict.fromkeys(family["adjusted"])
            family["suppressed"] = True


def _without_numbers(value: Any) -> Any:
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, dict):
        blanked = {key: inner if key in _KEPT else _without_numbers(inner) for key, inner in value.items()}
        return blanked | {"suppressed": True} if "term" in value else blanked
    if isinstance(value, list):
        # A curve without its points is empty; a list of coefficients or notes keeps its names.
        return [_without_numbers(inner) for inner in value if not isinstance(inner, int | float)]
    return None


def _blank_notes(record: dict[str, Any], minimum: int, groups: Mapping[str, list[str]]) -> set[str]:
    """Withhold what repeats a suppressed number in words: notes that name its term, counts in reasons.

    Returns the entries whose reason to fail says no longer how many there were.
    """
    masked: set[str] = set()
    withheld = f"a note was withheld: it concerns fewer than {minimum} firms"
    for name, model in record["models"].items():
        windows = windows_of(model)
        terms = _hidden(model)
        # Where no term is left, a note speaks of what was taken: of the entrants, whoever holds most.
        whole = model.get("suppressed", False) or 0 < len(terms) == len(model["coefficients"])
        named = {term for part in windows for term in _hidden(part)}
        named |= {note_name(part) for part in windows if part.get("suppressed")}
        of_parts = [f"{part_name(part)}: {term}" for part in model["parts"] for term in _hidden(part)]
        model["notes"] = _withhold(model["notes"], [*terms, *named, *of_parts, *groups[name]], whole, withheld)
        for one in (model, *model["parts"]):
            _blank_errors(one["errors"], _hidden(one))
    for fit in record["productivity"].values():
        hidden = [group for group in fit["groups"] if group.get("suppressed")]
        fit["notes"] = _withhold(fit["notes"], [], bool(hidden) or fit.get("suppressed", False), withheld)
        for group in hidden:
            group["notes"] = _withhold(group["notes"], [], True, withheld)
    for section in ("productivity", "models", "figures"):
        for name, one in record[section].items():
            if one["reason"] is not None and (told := _fewer(one["reason"], minimum)) != one["reason"]:
                one["reason"] = told
                if one.get("dropped"):
                    one["dropped"] = dict.fromkeys(one["dropped"])
                masked.add(f"{section}.{name}")
            for part in (one, *one.get("groups", [])):
                fewer = [(note, _fewer(note, minimum)) for note in part["notes"]]
                said = [told_of_levels(note, told_of_cohorts(note, masks, minimum)) for note, masks in fewer]
                if one.get("design") == "did":
                    said = told_together(said, minimum)
                if one.get("design") in ("did", "long_difference") and said != part["notes"]:
                    # Rows that were left out would give away the firms that the note no longer counts.
                    one["dropped"] = dict.fromkeys(one["dropped"])
                    blank_subsets(one)
                    sized_by_cohorts(one)
                    masked.add(f"{section}.{name}")
                part["notes"] = list(dict.fromkeys(said))
    return masked


def _hidden(estimate: dict[str, Any]) -> list[str]:
    """Return the terms of a model, or of a part of it, that were withheld."""
    return [one["term"] for one in estimate["coefficients"] if one.get("suppressed")]


def _blank_errors(errors: dict[str, Any] | None, terms: list[str]) -> None:
    """Blank what standard errors and draws tell of terms that were withheld."""
    if not errors:
        return
    for key in ("raw", "dfs"):
        errors[key] = {term: None if term in terms else value for term, value in errors[key].items()}
    for one in (errors["bootstrap"] or {"terms": []})["terms"]:
        if one["term"] in terms:
            _blank(one)


def _fewer(text: str, minimum: int) -> str:
    """Replace a count of firms that is too small by what may be said, ``fewer than 10 firms``; thresholds stay.

    The numbers of rows beside it, which would give it away, are taken out too.
    """

    def told(found: re.Match[str]) -> bool:
        return not (_ASKED_BEFORE.search(text, 0, found.start()) or _ASKED_AFTER.match(text, found.end("what")))

    def few(found: re.Match[str]) -> bool:
        numbers = [int(number.replace(",", "")) for number in (found["part"], found["number"]) if number]
        return found["what"].startswith("firm") and min(numbers) < minimum and told(found)

    def said(found: re.Match[str]) -> str:
        if few(found):
            verb = (found["verb"] or "").strip()
            plural = _PLURAL.get(verb, verb.removesuffix("s"))
            of = f" of {found['number']}" if int(found["number"].replace(",", "")) >= minimum else ""
            return f"fewer than {minimum}{of} firms" + (f" {plural}" if verb else "")
        if found["what"].startswith("firm") or not told(found):
            return found[0]
        what = found["what"] if found["what"].endswith("s") else f"{found['what']}s"
        return f"some {what}{found['verb'] or ''}"

    if not any(few(found) for found in _COUNTS.finditer(text)):
        return text
    return _ROWS.sub(r"\g<what> some", _COUNTS.sub(said, text))


def _blank_counts(record: dict[str, Any], masked: set[str]) -> None:
    """Blank the row counts from which a suppressed count could be had by subtraction.

    Parameters
    ----------
    record : dict
    masked : set of str
        ``productivity.<id>`` and the like: those whose reason to fail counted too few.
    """
    hidden = masked | {
        f"models.{name}"
        for name, model in record["models"].items()
        if model.get("suppressed") or (model["status"] == "ok" and model["n_obs"] is None)
    }
    for name, fit in record["productivity"].items():
        if fit.get("suppressed") or any(group.get("suppressed") for group in fit["groups"]):
            hidden.add(f"productivity.{name}")
            fit |= {"n_rows": None, "n_rows_sample": None, "dropped": dict.fromkeys(fit["dropped"])}
            fit["equations"] = {
                number: {"rows": None, "dropped": dict.fromkeys(one["dropped"])}
                for number, one in fit["equations"].items()
            }
            for pair in (one for one in record["agreement"] if name in one["of"]):
                for what in filter(None, (pair["levels"], pair["growth"])):
                    what |= {"n_obs": None, "n_firms": None, "suppressed_counts": True}
        elif f"productivity.{name}" in masked:
            fit["dropped"] = dict.fromkeys(fit["dropped"])
    for entry in record["panel"]["ledger"]:
        if entry["table"] in hidden:
            entry |= {"rows_in": None, "rows_out": None, "dropped": None}


def _withhold(notes: list[str], names: list[str], whole: bool, withheld: str) -> list[str]:
    kept = [note for note in notes if not whole and not any(name in note for name in names)]
    return [*kept, withheld] if len(kept) < len(notes) else kept
