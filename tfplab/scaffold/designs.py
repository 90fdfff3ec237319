"""What a new spec says of its model: a sketch for each design, filled with the columns that there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from specs.errors import TfplabError
from tfplab.scaffold.data import Data, Usable
from tfplab.scaffold.measures import Measures
from tfplab.scaffold.page import listed, written
from tfplab.scaffold.sketch import METHODS_TOLD, NAME, Line, Sketch

__all__ = ["sketch_of"]


@dataclass(frozen=True, slots=True)
class _Wish:
    method: str
    data: Data
    measures: Measures
    instrument: str

    @property
    def last(self) -> int:
        """The last year in which adoption is known."""
        adopted = self.data.role("adoption")
        if adopted is not None and adopted.kind == "answer":
            return self.data.waves[-1] if self.data.waves else self.data.years[-1]
        return adopted.asked[-1] if adopted is not None and adopted.asked else self.data.years[-1]

    @property
    def one_year(self) -> Line:
        """One year of the panel, and the firms that were asked."""
        why = "one row a firm; leave it out for all years, and cluster the errors by firm"
        if self.data.survey:
            return Line(f"where: year == {self.last} and linked == 1", "firms of the survey; " + why)
        return Line(f"where: year == {self.last}", why)

    def adopted(self, design: str) -> Usable:
        """Return the column of adoption.

        Raises
        ------
        TfplabError
            Where there is none.
        """
        found = self.data.role("adoption")
        if found is None:
            advice = "name it: --adoption COLUMN" if self.data.table else "name a survey: --survey 2021=FILE 2023=FILE"
            raise TfplabError(f"{design}: no column of 0 and 1 says which firms adopt; {advice}")
        return found

    def sides(self, without: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the right side of a regression: adoption and controls, or any number where there is neither."""
        adopted = self.data.role("adoption")
        first = [adopted.name] if adopted is not None else []
        found = [*first, *(one for one in self.measures.controls() if one not in without)]
        left = {self.measures.outcome, *without}
        if not found:
            numbers = [one.name for one in self.data.columns.values() if one.kind == "number" and one.name not in left]
            found = numbers[:1]
        if not found:
            raise TfplabError("no column is left that could explain the outcome; name one: --adoption COLUMN")
        return tuple(found)

    def covariates(self) -> list[str]:
        """Return numbers of the base year that firms may differ in."""
        age = self.data.role("age")
        found = [self.measures.inputs.get("free", "")] + (
            [age.name] if age is not None and age.kind == "number" else []
        )
        return [one for one in found if one and one != self.measures.outcome]

    def weights(self, why: str) -> list[Line]:
        found = self.data.role("weight")
        return [Line(f"weights: {written(found.name)}", why, off=True)] if found is not None else []


def _sum(names: tuple[str, ...]) -> str:
    return " + ".join(names) if len(names) > 1 else written(names[0])


def sketch_of(design: str, method: str, data: Data, measures: Measures, instrument: str = "") -> Sketch:
    """Sketch the model of a design; variables that it needs are added to the measures.

    Parameters
    ----------
    design, method : str
        The method may be empty: the design's default.
    data : Data
    measures : Measures
    instrument : str
        A column, for ``iv``.

    Raises
    ------
    TfplabError
        Where a column is missing that the design cannot do without, or the method is none of it.
    """
    methods = METHODS_TOLD.get(design, {})
    if method and method not in methods:
        there_are = f"it has: {', '.join(methods)}" if methods else "it has one way only: leave --method out"
        raise TfplabError(f'design {design} has no method "{method}" that new can fill in; {there_are}')
    if instrument and method != "iv":
        raise TfplabError("--instrument goes with --method iv")
    if instrument and instrument not in data.columns:
        raise TfplabError(f'--instrument: no column "{instrument}" that a spec can name')
    return _SKETCHES[design](_Wish(method, data, measures, instrument))


def _method(design: str, wish: _Wish) -> list[Line]:
    methods = METHODS_TOLD[design]
    chosen = wish.method or next(iter(methods))
    others = ", ".join(one for one in methods if one != chosen)
    return [Line(f"method: {chosen}", f"{methods[chosen]}. Others: {others}", off=chosen == "ols")]


def _instrument(wish: _Wish, treated: str, *, yearly: bool = False) -> Line:
    """Return the line of an instrument: the one that was named, or what peers do."""
    name = wish.instrument
    why = "what moves adoption and nothing else; the reasons are yours to give"
    if not name:
        cells = [one for one in ("nace3", "region") if one in wish.data.columns]
        if wish.data.table:
            roles = (wish.data.role("sector"), wish.data.role("region"))
            cells = [one.name for one in roles if one is not None and one.grouping]
        if len(cells) < 2:
            raise TfplabError(
                "iv: no columns of sector and region to make peers of; name an instrument: --instrument COLUMN"
            )
        name = wish.measures.free("peers")
        at = f", at={wish.data.waves[0]}" if len(wish.data.waves) > 1 and not wish.data.table and not yearly else ""
        when = "" if at else ", year"
        expression = f"mean({treated}, by=[{', '.join(cells)}{when}]{at}, leave_out=true, min=10)"
        wish.measures.variables[name] = (expression, "the share of other firms of the same cell that adopt")
        why += "; the peers here are an example"
    return Line(f"instruments: {{{written(treated)}: {listed([name])}}}", why)


def _cross_section(wish: _Wish) -> Sketch:
    lines, outcome = _method("cross_section", wish), wish.measures.outcome
    if wish.method in ("logit", "probit"):
        treated = wish.adopted(wish.method).name
        others = [one for one in wish.sides() if one != treated]
        lines.append(
            Line(f"formula: {treated} ~ {' + '.join([outcome, *others])}", "who adopts; texts become indicators")
        )
        lines += [wish.one_year, *wish.weights("shares of all firms, not of those asked")]
        lines.append(Line("errors: HC1", "also {cluster: [firm]}; these take estimated productivity as given"))
        return Sketch(tuple(lines), terms=(outcome,), label=treated)
    right = wish.sides()
    if wish.method == "iv":
        right = (wish.adopted("iv").name, *(one for one in right if one != wish.adopted("iv").name))
        lines.append(_instrument(wish, right[0]))
    if wish.method == "quantile":
        lines.append(Line("quantiles: [0.1, 0.25, 0.5, 0.75, 0.9]", "each an estimate"))
    lines.append(
        Line(f"formula: {outcome} ~ {' + '.join(right)}", "texts become indicators; a:b multiplies, a*b is a + b + a:b")
    )
    lines.append(wish.one_year)
    if wish.method != "quantile":
        lines.append(Line("errors: HC1", "also classical, HC3, {cluster: [firm]}, {bootstrap: {}}"))
    lines += wish.weights("for averages of all firms; without them, of the firms asked")
    if "size" in wish.measures.variables and "size" in right:
        lines.append(
            Line(
                f"reference: {{size: '{wish.measures.first_size}'}}",
                "the level that others are compared with; the most frequent by default",
                off=True,
            )
        )
    figure = ""
    adopted = wish.data.role("adoption")
    if adopted is not None and wish.measures.method and wish.method != "iv":
        line = wish.one_year.text
        figure = f"{{kind: productivity_density, of: {outcome}, by: {written(adopted.name)}, {line}}}"
    return Sketch(tuple(lines), figure, right[:1], right[0])


def _fixed_effects(wish: _Wish) -> Sketch:
    if len(wish.data.years) < 2:
        raise TfplabError("fixed_effects: the files have one year; effects of firms need two")
    lines, outcome = _method("fixed_effects", wish), wish.measures.outcome
    age, sector = wish.data.role("age"), wish.data.role("sector")
    held = tuple(one.name for one in (age, sector) if one is not None)
    right = wish.sides(held)
    if wish.method == "iv":
        first = wish.adopted("iv").name
        right = (first, *(one for one in right if one != first))
        lines.append(_instrument(wish, first, yearly=True))
    lines.append(
        Line(
            f"formula: {outcome} ~ {' + '.join(right)} | firm + year", "effects behind the bar: none of them is printed"
        )
    )
    if sector is not None:
        lines.append(
            Line(
                f"formula: {outcome} ~ {' + '.join(right)} | firm + {sector.name}^year",
                "years of each sector apart, in the place of the line above",
                off=True,
            )
        )
    if wish.data.survey:
        lines.append(Line("where: linked == 1", "the years in which a firm was asked"))
    lines.append(Line("errors: {cluster: [firm]}", "the default here; also two ways: {cluster: [firm, year]}"))
    lines += wish.weights("for averages of all firms")
    return Sketch(tuple(lines), "", right[:1], right[0])


def _did(wish: _Wish) -> Sketch:
    data = wish.data
    if len(data.years) < 2:
        raise TfplabError("did: the files have one year; before and after need two")
    adoption, why, censored = _when(wish)
    lines = [Line(f"outcome: {written(wish.measures.outcome)}", "what is followed over the years"), Line(adoption, why)]
    lines.append(
        Line(
            "estimator: callaway_santanna",
            "the default; or twfe, event_study, sun_abraham, imputation, stacked, or a list of these",
            off=True,
        )
    )
    lines.append(
        Line("control_group: never_treated", "the default; or not_yet_treated: firms that adopt later", off=True)
    )
    covariates = wish.covariates()
    if covariates:
        lines.append(
            Line(
                f"covariates: {listed(covariates)}",
                "measured in the base year: trends may differ with them",
                off=not data.survey,
            )
        )
    if censored:
        lines.append(
            Line(
                "aggregate: [simple]", "one effect: years between the waves are unsure, so that there is no event time"
            )
        )
    else:
        lines.append(
            Line(
                "aggregate: [simple, event]", "one effect, and one for every year since adoption; also group, calendar"
            )
        )
    lines.append(Line("errors: {cluster: [firm]}", "the default here"))
    lines.append(
        Line(
            "sensitivity: {honest: {relative_magnitudes: [0.5, 1, 2]}}",
            "how far trends may differ before the effect is lost",
            off=True,
        )
    )
    lines.append(Line("power: {effect: 0.05}", "how likely an effect of this size would be found", off=True))
    column = data.role("adoption") or data.role("cohort")
    return Sketch(
        tuple(lines), f"{{kind: event_study, of: {NAME}}}", ("att",), column.name if column is not None else ""
    )


def _when(wish: _Wish) -> tuple[str, str, bool]:
    """Return the key that says when firms adopt, why, and whether it is known only to lie between two waves."""
    data = wish.data
    cohort, adopted = data.role("cohort"), data.role("adoption")
    if cohort is not None and not (adopted is not None and "adoption" in data.files.chosen):
        why = "the column with the first year of adoption; never: what it holds for firms that never adopt"
        return f"adoption: {{cohort: {written(cohort.name)}, never: 0}}", why, False
    if adopted is None:
        raise TfplabError(
            "did: no column says when firms adopt; "
            + ("name one: --adoption COLUMN (0 and 1 by year) or --cohort COLUMN (the first year)" if data.table
               else "name a survey of two waves: --survey 2021=FILE 2023=FILE")
        )  # fmt: skip
    name = written(adopted.name)
    waves = data.waves if adopted.kind == "answer" else () if adopted.asked == data.years else adopted.asked
    if adopted.kind == "answer" or waves:
        if len(waves) < 2:
            raise TfplabError(
                f"did: {adopted.name} is known in one year; before and after need two waves of the survey"
            )
        base = waves[0] - 1
        told = f", base_year: {base}" if len(waves) == 2 and base in data.years else ""
        why = "asked in some years only. reversals (who stops): drop, keep, absorbing; dating: censored, early, late"
        return (
            f"adoption: {{indicator: {name}, waves: {list(waves)}{told}, reversals: drop, dating: censored}}",
            why,
            True,
        )
    why = "1 from the year of adoption on. Firms that stop: reversals: drop, keep, absorbing"
    return f"adoption: {{indicator: {name}, reversals: drop}}", why, False


def _long_difference(wish: _Wish) -> Sketch:
    data, outcome = wish.data, wish.measures.outcome
    if len(data.years) < 2:
        raise TfplabError("long_difference: the files have one year; a change needs two")
    adopted = data.role("adoption")
    last = wish.last if wish.last > data.years[0] else data.years[-1]
    before = [one for one in data.years if one < last]
    first_wave = data.waves[0] if data.waves and adopted is not None and adopted.kind == "answer" else None
    start = before[len(before) // 2] if len(before) > 1 else before[0]
    if first_wave is not None and [one for one in before if one < first_wave]:
        start = max(one for one in before if one < first_wave)
    right = wish.sides()
    lines = [
        Line(f"outcome: {written(outcome)}", "its change, end minus start"),
        Line(f"window: [{start}, {last}]", "first and last year; a list of windows gives an estimate each"),
    ]
    if data.years[0] < start:
        lines.append(
            Line(
                f"placebo: [{data.years[0]}, {start}]",
                "the same regressors on the years before: nothing should be found",
            )
        )
    lines.append(Line(f"formula: {_sum(right)}", "the right side alone, measured at the start"))
    if adopted is not None and adopted.name in right:
        lines.append(
            Line(f"at_end: {listed([adopted.name])}", "but these at the end; difference: [...] for their change")
        )
    lines.append(Line("errors: HC1", "also classical, HC3, {bootstrap: {}}"))
    if not data.survey:
        # Weights are read at the start, in which year a survey has none.
        lines += wish.weights("for averages of all firms")
    return Sketch(tuple(lines), "", right[:1], right[0])


def _decomposition(wish: _Wish) -> Sketch:
    data, measures = wish.data, wish.measures
    heads = measures.heads()
    labour = data.role("labour")
    if heads is not None:
        weights = heads.name
    elif labour is not None and labour.kind == "number":
        weights = measures.free("employment")
        measures.variables[weights] = (f"exp({labour.name})", "the level of labour: shares are of levels, not of logs")
    else:
        raise TfplabError("decomposition: no column of activity (persons, turnover); name it: --labour COLUMN")
    lines = _method("decomposition", wish)
    if wish.method == "melitz_polanec" and len(data.years) < 2:
        raise TfplabError("melitz_polanec: the files have one year; a change needs two")
    lines += [
        Line(f"outcome: {written(measures.outcome)}", "the log of productivity"),
        Line(f"weights: {written(weights)}", "the activity whose shares weigh firms; no log"),
    ]
    sector, weight = data.role("sector"), data.role("weight")
    if sector is not None:
        lines.append(
            Line(
                f"by: {written(sector.name)}", "what happens inside sectors, and what comes from their shares", off=True
            )
        )
    if weight is not None and not data.survey:
        lines.append(Line(f"sampling_weights: {written(weight.name)}", "what a firm stands for", off=True))
    lines.append(
        Line(
            f"years: [{data.years[0]}, {data.years[-1]}]",
            "the first and the last that are compared",
            off=wish.method != "melitz_polanec",
        )
    )
    return Sketch(tuple(lines))


def _distribution(wish: _Wish) -> Sketch:
    treated = wish.adopted("distribution")
    lines = [
        Line(f"outcome: {written(wish.measures.outcome)}"),
        Line(f"by: {written(treated.name)}", "two groups of firms, beside each other at every quantile"),
        wish.one_year,
        Line("quantiles: [0.1, 0.25, 0.5, 0.75, 0.9]", "where the gap is measured", off=True),
        *wish.weights("for all firms"),
    ]
    return Sketch(tuple(lines), f"{{kind: quantile_gaps, of: {NAME}}}", (), treated.name)


def _descriptives(wish: _Wish) -> Sketch:
    data, measures = wish.data, wish.measures
    group = data.role("adoption") or data.role("sector")
    sector, age = data.role("sector"), data.role("age")
    shown = [
        measures.outcome,
        *measures.variables,
        *(one.name for one in (age, sector) if one is not None and one is not group),
    ]
    shown = [one for one in dict.fromkeys(shown) if group is None or one != group.name]
    lines = [Line(f"of: {listed(shown)}", "numbers: means; 0 and 1, and texts: shares, a line a level")]
    if group is not None:
        lines.append(Line(f"by: {written(group.name)}", "groups side by side, with tests of equality"))
    lines += [wish.one_year, *wish.weights("for all firms")]
    return Sketch(tuple(lines), "", (), group.name if group is not None else "")


def _adoption_rates(wish: _Wish) -> Sketch:
    data = wish.data
    if data.table or not data.survey:
        raise TfplabError(
            "adoption_rates: shares of the firms of a survey; name it: --accounts FILE --survey 2021=FILE 2023=FILE"
        )
    there = data.columns
    items = [one.name for one in there.values() if one.kind == "answer"]
    adopted = wish.adopted("adoption_rates").name
    blocks = [one for one in ("survey_size", "survey_nace") if one in there]
    others = [one for one in items if one != adopted][:6]
    lines = [
        Line(
            f"items: {listed([adopted])}", f"items of the survey, or variables of 0 and 1. Others: {', '.join(others)}"
        )
    ]
    cells = [f"[{one}]" for one in blocks if one != "survey_size"] or []
    if cells:
        lines.append(
            Line(f"by: [{', '.join(cells)}]", "blocks of cells, the total first; [[a], [b], [a, b]] also crosses them")
        )
    if data.waves:
        lines.append(Line(f"where: wave == {data.waves[-1]}", "one wave"))
    lines.append(Line("base: all", "what a filter skipped counts as no; asked: of the firms that were asked", off=True))
    for key, column, why in (
        ("weights", "weight", "what a respondent stands for"),
        ("strata", "stratum", "the strata that the sample was drawn in"),
        ("population", "stratum_size", "firms of the stratum in the population, for the finite-population correction"),
    ):
        if column in there:
            lines.append(Line(f"{key}: {column}", why))
    return Sketch(tuple(lines), f"{{kind: adoption_rates, of: {NAME}}}" if cells else "", (), adopted)


_SKETCHES: dict[str, Callable[[_Wish], Sketch]] = {
    "cross_section": _cross_section,
    "fixed_effects": _fixed_effects,
    "did": _did,
    "long_difference": _long_difference,
    "decomposition": _decomposition,
    "distribution": _distribution,
    "descriptives": _descriptives,
    "adoption_rates": _adoption_rates,
}
