"""The link on the page of a panel, and its files: what became of the survey's units, and how those that found accounts
differ from those that found none. Reads what `reports.link_disclosure` lets through, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from reports.formats.csv import write_rows
from reports.labels import Labels
from reports.numbers import count
from reports.page_lists import list_table
from specs.counting import counted

__all__ = ["link_files", "link_sections"]

_BY = {"all": "All units", "nace": "NACE section in the survey", "size": "Size class", "region": "Region"}
_FEW = "too few"
_Plain = Mapping[str, Any]


def link_files(link: _Plain) -> Iterator[tuple[str, str]]:
    """Yield the link's CSV files by name; an empty cell is withheld or not defined, and ``withheld`` says which."""
    keys: tuple[str, ...] = ("wave", "status", "linked", "units", "share", "meaning")
    yield "link.csv", _csv(keys, [{**one, "linked": int(one["linked"])} for one in link["statuses"]])
    keys = ("wave", "by", "level", "units", "linked", "share", "weighted_share", "over", "share_of")
    lines = [{**one, "share_of": "units"} for one in link["rates"]]
    lines += [
        {**one, "by": "scheme", "level": one["scheme"], "linked": one["units"], "over": None, "share_of": "linked"}
        for one in link["schemes"]
    ]
    yield (
        "match_rates.csv",
        _csv((*keys, "withheld"), [{**one, "withheld": int(one["share"] is None)} for one in lines]),
    )
    keys = ("wave", "covariate", "linked", "unlinked", "mean_linked", "mean_unlinked", "difference", "variance_ratio",
            "weighted_difference", "imbalanced", "withheld")  # fmt: skip
    flags = ("imbalanced", "withheld")
    lines = [{**one, **{key: None if one[key] is None else int(one[key]) for key in flags}} for one in link["balance"]]
    yield "balance.csv", _csv(keys, lines)
    keys = ("wave", "of", "survey", "accounts", "units", "withheld")
    cells = [
        {"wave": one["wave"], "of": one["of"], "survey": row["survey"], "accounts": level, "units": units,
         "withheld": int(units is None)}
        for one in link["agreement"] for row in one["rows"]
        for level, units in zip(one["levels"], row["cells"], strict=True)
    ]  # fmt: skip
    yield "agreement.csv", _csv(keys, cells)
    if link["propensity"]:
        keys = ("wave", "term", "estimate", "std_error")
        terms = [{"wave": one["wave"], **term} for one in link["propensity"] for term in one["terms"]]
        yield "propensity.csv", _csv(keys, terms)


def _csv(keys: tuple[str, ...], lines: Sequence[_Plain]) -> str:
    return write_rows(keys, [tuple(one[key] for key in keys) for one in lines])


def link_sections(link: _Plain, labels: Labels) -> list[tuple[str, str]]:
    """Return the sections of the page: heading and HTML."""
    minimum = link["minimum_firms"]
    rule = (
        f"Numbers that rest on fewer than {counted(minimum, 'unit')} are withheld ({_FEW}), and so is the next "
        "smallest where the others would give one away."
    )
    return [
        ("What became of the survey's units", _statuses(link) + _said(rule) + _weights(link)),
        ("Match rates", _rates(link) + _schemes(link)),
        ("Linked and unlinked units", _balance(link, labels)),
        ("Survey and accounts on the same units", _agreement(link)),
        ("Probability of being linked, and weights", _propensity(link, labels)),
    ]


def _said(text: str) -> str:
    return f'<p class="small">{escape(text)}</p>\n'


def _number(value: int | None) -> str:
    return _FEW if value is None else count(value, "en")


def _share(value: float | None, over: float | None = None, known: bool = True) -> str:
    if value is not None:
        return f"{100 * value:.1f} %"
    # Rounded down, so that the bound holds.
    return f"over {int(100 * over)} %" if over is not None else _FEW if known else ""


def _decimal(value: float | None, places: int = 3) -> str:
    if value is None:
        return "not defined"
    if abs(value) < 0.5 * 10**-places:
        return f"{0:.{places}f}"
    return f"{value:,.{places}f}".replace("-", "\N{MINUS SIGN}")


def _waves(lines: Sequence[_Plain]) -> list[int]:
    return sorted({one["wave"] for one in lines})


def _statuses(link: _Plain) -> str:
    waves = _waves(link["waves"])
    cells = {(one["wave"], one["status"]): one for one in link["statuses"]}
    totals = {one["wave"]: one for one in link["waves"]}
    rows = []
    for one in link["statuses"]:
        if one["wave"] != waves[0]:
            continue
        counts = [cells[wave, one["status"]] for wave in waves]
        rows.append((one["status"], one["meaning"], *(
            text for cell in counts for text in (_number(cell["units"]), _share(cell["share"]))
        )))  # fmt: skip
    rows.append(("linked in all", "accounts of the wave's year", *(
        text for wave in waves for text in (_number(totals[wave]["linked"]), "")
    )))  # fmt: skip
    rows.append(("respondents", "", *(
        text for wave in waves for text in (_number(totals[wave]["respondents"]), "")
    )))  # fmt: skip
    headings = ("Status", "Meaning", *(text for wave in waves for text in (str(wave), "Share")))
    return list_table(headings, rows, texts={1})


def _weights(link: _Plain) -> str:
    notes = ""
    for one in link["waves"]:
        for key, what in (
            ("weights_missing", "no design weight"),
            ("weights_not_positive", "a weight of zero or less"),
        ):
            if one[key] != 0:
                have = "A few units have" if one[key] is None else counted(one[key], "unit has", "units have")
                them, they = ("it", "it gets") if one[key] == 1 else ("them", "they get")
                notes += _said(f"{one['wave']}: {have} {what}. Weighted rates leave {them} out, and {they} no "
                               "link weight.")  # fmt: skip
    return notes


def _rates(link: _Plain) -> str:
    waves, body = _waves(link["rates"]), ""
    weighted = any(one["weighted"] for one in link["rates"])
    headings = tuple(
        text for wave in waves for text in (f"{wave}: units", "Linked", *(("Weighted",) if weighted else ()))
    )
    for by in dict.fromkeys(one["by"] for one in link["rates"]):
        cells = {(one["wave"], one["level"]): one for one in link["rates"] if one["by"] == by}
        rows = []
        for level in dict.fromkeys(level for _, level in cells):
            row = ["all" if by == "all" else level or "not known"]
            for wave in waves:
                one = cells.get((wave, level))
                shown = ("", "", "") if one is None else (
                    _number(one["units"]), _share(one["share"], one["over"]),
                    _share(one["weighted_share"], known=one["weighted"]),
                )  # fmt: skip
                row += shown[: 3 if weighted else 2]
            rows.append(tuple(row))
        body += list_table((_BY[by], *headings), rows)
        if by == "region" and any(not level for _, level in cells):
            body += _said("The survey gives no region: it is that of the accounts, of another year where the wave's "
                          "has none. Units without any accounts have none. So these rates say how many of the firms "
                          "with accounts in some year have them in the wave's.")  # fmt: skip
    return body


def _schemes(link: _Plain) -> str:
    waves = _waves(link["schemes"])
    cells = {(one["wave"], one["scheme"]): one for one in link["schemes"]}
    weighted = any(one["weighted_share"] is not None for one in link["schemes"])
    rows = []
    for scheme in dict.fromkeys(scheme for _, scheme in cells):
        row = [scheme or "not known"]
        for wave in waves:
            one = cells.get((wave, scheme))
            shown = ("0", "", "") if one is None else (
                _number(one["units"]), _share(one["share"]), _share(one["weighted_share"])
            )  # fmt: skip
            row += shown[: 3 if weighted else 2]
        rows.append(tuple(row))
    headings = ("Scheme of the linked", *(
        text for wave in waves for text in (f"{wave}: linked", "Share", *(("Weighted",) if weighted else ()))
    ))  # fmt: skip
    return list_table(headings, rows) if rows else ""


def _balance(link: _Plain, labels: Labels) -> str:
    body = ""
    after = any(one["weighted_difference"] is not None for one in link["balance"])
    headings = ("Covariate", "Mean of linked", "Mean of unlinked", "Std. difference", "Variance ratio",
                *(("After weighting",) if after else ()), "Beyond 0.1")  # fmt: skip
    for wave in _waves(link["balance"]):
        lines = [one for one in link["balance"] if one["wave"] == wave]
        rows = []
        for one in lines:
            if one["withheld"]:
                continue
            keys = ("mean_linked", "mean_unlinked", "difference", "variance_ratio")
            row = [_covariate(one["covariate"], labels), *(_decimal(one[key]) for key in keys)]
            row += [_decimal(one["weighted_difference"])] if after else []
            rows.append((*row, "yes" if one["imbalanced"] else ""))
        linked, unlinked = (_most([one[key] for one in lines]) for key in ("linked", "unlinked"))
        with_accounts = f"{_FEW} units" if linked is None else counted(linked, "unit")
        units = f"linked: {with_accounts}, unlinked: {_number(unlinked)}"
        body += list_table(headings, rows, caption=f"{wave}: {units}") if rows else ""
        withheld = _listed([one["covariate"] for one in lines if one["withheld"]], labels)
        body += _said(f"{wave}, withheld: {withheld}.") if withheld else ""
    note = (
        "Means are not weighted. The standardised difference is the difference of the means over the root of the mean "
        "of the two variances; the variance ratio is that of the linked to the unlinked. Beyond 0.1 in absolute value "
        "two groups are usually taken to differ. Items that a filter skips and parts of other items are not compared, "
        "nor what says of every unit the same as a covariate above it."
    )
    if after:
        note += (
            " After weighting: the linked by their link weight less all respondents by their design weight, over the "
            "same root."
        )
    return body + _said(note) if body else ""


def _most(counts: Sequence[int | None]) -> int | None:
    """Return the largest count that is told; nobody is a count as well."""
    return max((one for one in counts if one is not None), default=None)


def _listed(terms: Sequence[str], labels: Labels) -> str:
    """Return covariates in words, the levels of one column together."""
    levels: dict[str, list[str]] = {}
    for term in terms:
        told = labels.term(term)
        levels.setdefault(told.heading or told.label, []).extend([told.label] if told.heading else [])
    return "; ".join(f"{of}: {', '.join(own)}" if own else of for of, own in levels.items())


def _covariate(term: str, labels: Labels) -> str:
    return labels.term(term).full("en")


def _agreement(link: _Plain) -> str:
    body = ""
    titles = {"nace": "NACE section", "size": "size class"}
    for one in link["agreement"]:
        rows = []
        for row in one["rows"]:
            cells = ["c" if cell is None else count(cell, "en") if cell else "\N{MIDDLE DOT}" for cell in row["cells"]]
            units = "c" if row["units"] is None else count(row["units"], "en")
            rows.append((row["survey"], *cells, units, _share(row["share"], row["over"])))
        alike = _alike(one)
        caption = f"{one['wave']}: {titles[one['of']]} in the survey (rows) and in the accounts (columns), {alike}"
        table = list_table(("Survey", *one["levels"], "Units", "Alike"), rows, caption=caption) if rows else ""
        body += table.replace('class="list', 'class="list many', 1) if len(one["levels"]) > 8 else table
        if one["unknown"] != 0:
            what = counted(one["unknown"], "linked unit") if one["unknown"] is not None else "a few linked units"
            body += _said(f"Left out: {what} of which one of the two does not say.")
    return body + _said("c: withheld. Alike: the share of a row's units of which both say the same.") if body else ""


def _alike(one: _Plain) -> str:
    if one["share"] is None and one["over"] is None:
        return "too few units to say how many are alike"
    units = counted(one["units"], "unit") if one["units"] is not None else "the units"
    return f"{_share(one['share'], one['over'])} of {units} alike"


def _propensity(link: _Plain, labels: Labels) -> str:
    if not link["propensity"]:
        return ""
    facts = (
        ("Units", "units"), ("Without a covariate, no weight", "incomplete"), ("Linked with a weight", "weighted"),
        ("Drawn in to the lower quantile", "trimmed_low"), ("Drawn in to the upper quantile", "trimmed_high"),
    )  # fmt: skip
    rows = [(name, *(_number(one[key]) for one in link["propensity"])) for name, key in facts]
    sizes = (("Effective sample size, design weights", "effective_design"), ("with link weights", "effective"))
    rows += [
        (name, *(_FEW if one[key] is None else f"{one[key]:,.0f}" for one in link["propensity"])) for name, key in sizes
    ]
    body = list_table(("", *(str(one["wave"]) for one in link["propensity"])), rows)
    body += _said(
        "The weight of a linked unit is its design weight over its probability of being linked, drawn in to the "
        "quantiles and brought to a mean of one in each wave. The effective sample size is the square of the sum of "
        "the weights over the sum of their squares."
    )
    for one in link["propensity"]:
        terms = [
            (
                _covariate(term["term"], labels),
                *(_FEW if term[key] is None else _decimal(term[key]) for key in ("estimate", "std_error")),
            )
            for term in one["terms"]
        ]
        if terms:
            headings = ("Term", "Coefficient", "Std. error")
            body += list_table(headings, terms, caption=f"{one['wave']}: logit of being linked")
        few = f" (fewer than {counted(link['minimum_firms'], 'unit')})"
        notes = [note["what"] + (few if note["few"] else "") for note in one["notes"]]
        if notes:
            items = "".join(f"<li>{escape(note)}</li>\n" for note in notes)
            body += f'<ul class="notes">\n{items}</ul>\n'
    return body
