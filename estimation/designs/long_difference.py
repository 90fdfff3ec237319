"""Changes over a window of years on what firms are at its start: ``design: long_difference``. Growth of firms.

References
----------
Babina, T., Fedyk, A., He, A. and Hodson, J. (2024). Artificial intelligence, firm growth, and product innovation.
Journal of Financial Economics 151.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from estimation.designs.elsewhere import changes_in_fixest, changes_in_stata, few_clusters
from estimation.designs.formula_options import FormulaOptions, columns, question, solution
from estimation.designs.options import ColumnUse
from specs.errors import did_you_mean
from specs.fields import ColumnName, Columns, RightHandSide, mistake
from specs.formula import Factor, Formula
from specs.windows import Window, WindowField, WindowsField

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.design_draws import DesignResampler
    from estimation.long_differences import Windows
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "resampler"]


def _of_firms(formula: Formula) -> Formula:
    """Refuse what says nothing where every firm has one row, and all rows begin in one year."""
    for name, offset in formula.names():
        if name == "year":
            meaning, advice = "all changes of a window begin in the same year", "leave it out"
            raise mistake('"year" in the formula', meaning, advice, offset=offset)
    for effect in formula.absorbed:
        if "firm" in effect.names:
            meaning = "every firm has one row, its change, from which its level has gone"
            at = effect.offsets[effect.names.index("firm")]
            raise mistake("effects of firms", meaning, "leave them out", offset=at)
    if formula.absorbed and not formula.terms:
        raise mistake("no term before the bar", "there is nothing to estimate", "write ai | nace^region")
    return formula


class Options(FormulaOptions):
    """The keys of a long difference: those of `FormulaOptions`, with the right side alone in `formula`.

    Attributes
    ----------
    window : tuple of (int, int)
        One or several; the first is the model's own.
    placebo : (int, int) or None
        Years before the first window.
    at_end, difference : tuple of str
        Columns of the formula taken at the end of a window, and as changes over it; others are those of its start.
    """

    design: Literal["long_difference"] = "long_difference"
    method: Literal["ols"] = "ols"
    outcome: ColumnName
    window: WindowsField
    placebo: WindowField | None = None
    formula: Annotated[RightHandSide, AfterValidator(_of_firms)]
    at_end: Columns = ()
    difference: Columns = ()

    @model_validator(mode="after")
    def _windows_agree(self) -> Self:
        self._check_placebo()
        used = {name for name, _ in self.formula.names()}
        if self.outcome in used:
            raise mistake("the outcome stands behind the bar too", *self.of_its_level(), path=("outcome",))
        if self.outcome == self.weights or self.outcome in self.errors.columns:
            raise mistake("the outcome is a weight or a cluster too", *self.of_its_level(), path=("outcome",))
        for key, names in (("at_end", self.at_end), ("difference", self.difference)):
            for place, name in enumerate(names):
                if name not in used:
                    near = did_you_mean(name, used)
                    raise mistake(f'"{name}" is not in the formula', "", near or "leave it out", path=(key, place))
                if name == self.weights or name in self.errors.columns:
                    meaning = "weights and clusters are those of the start"
                    advice = f"declare {name}_start: {name} under variables: and take that for them"
                    raise mistake(f'"{name}" is a weight or a cluster too', meaning, advice, path=(key, place))
        terms = {factor.name for term in self.formula.terms for factor in term.factors}
        for place, name in enumerate(self.difference):
            if name in self.at_end:
                what = f'"{name}" stands in at_end too'
                raise mistake(
                    what, "it is taken at the end or as a change", "leave one out", path=("difference", place)
                )
            if name not in terms:
                what, meaning = f'"{name}" stands behind the bar alone', "effects are levels, not changes"
                raise mistake(what, meaning, "leave it out", path=("difference", place))
            for factor in (one for term in self.formula.terms for one in term.factors):
                if factor.name == name and factor.label != name:
                    what, meaning = f"{factor.label} of a change", "a change is taken of the column itself"
                    advice = f"declare a column for {factor.label} under variables: and name it in both places"
                    raise mistake(what, meaning, advice, path=("formula",), offset=factor.offset)
        return self

    def _check_placebo(self) -> None:
        if self.placebo is None:
            return
        first, last = self.window[0]
        if self.placebo[1] > first:
            length = last - first
            raise mistake(
                f"the placebo ends in {self.placebo[1]}, after the window {first}-{last} begins",
                "a placebo looks at the years before, which the window cannot have moved",
                f"write [{first - length}, {first}]",
                path=("placebo",),
            )

    @model_validator(mode="after")
    def _errors_that_there_are(self) -> Self:
        errors = self.errors
        for way in errors.cluster:
            if "year" in way:
                what, meaning = "clusters of years", "all changes of a window begin in the same year"
                raise mistake(what, meaning, "write {cluster: [firm]}, or a coarser column", path=("errors",))
        if self.formula.absorbed and errors.kind in ("HC2", "HC3"):
            what, meaning = (
                f"{errors.kind} beside effects",
                "the leverage of a row is not known once effects are swept out",
            )
            raise mistake(what, meaning, "write HC1, or the effects as terms", path=("errors",))
        if self.balance is not None:
            what, meaning = "balance beside changes over a window", "it weighs rows of a regression in levels"
            raise mistake(what, meaning, "leave it out", path=("balance",), at_key=True)
        return self

    def of_its_level(self) -> tuple[str, str]:
        """Return what the outcome's column stands for, and how its level can be had beside it."""
        name = self.outcome
        return "here it is its change", f"for its level at the start declare {name}_start: {name} under variables:"

    def uses(self) -> tuple[ColumnUse, ...]:
        """Return every column that the keys name, with its place, the outcome first."""
        found = [*super().uses()]
        found += [ColumnUse(name, ("at_end", place)) for place, name in enumerate(self.at_end)]
        found += [ColumnUse(name, ("difference", place), wants="number") for place, name in enumerate(self.difference)]
        return tuple(found)


def equations(options: Options) -> str:
    """Return what is estimated, in symbols."""
    lines = [_equation(options, window, window) for window in options.window]
    if options.placebo is not None:
        lines.append(f"placebo: {_equation(options, options.placebo, options.window[0])}")
        lines.append(f"the placebo on the firms of {_named(options.window[0])} seen in its two years")
    lines.append("each on the firms seen in its two years; where, weights and clusters are those of the first of them")
    return "\n".join([*lines, *solution(options)])


def _named(window: Window) -> str:
    return f"{window[0]}-{window[1]}"


def _equation(options: Options, window: Window, exceptions: Window) -> str:
    """Return the equation of a window; what is not taken at its start is of the window `exceptions`."""

    def year(factor: Factor) -> str:
        if factor.name in options.difference:
            return f"({factor.name}({exceptions[1]}) - {factor.name}({exceptions[0]}))"
        return replace(factor, name=f"{factor.name}({_at(options, factor.name, window, exceptions)})").label

    right = ["b0"] if options.formula.intercept and not options.formula.absorbed else []
    right += [f"b{number} {':'.join(map(year, term.factors))}" for number, term in enumerate(options.formula.terms, 1)]
    right += [
        f"a({'^'.join(f'{name}({_at(options, name, window, exceptions)})' for name in one.names)})"
        for one in options.formula.absorbed
    ]
    y = options.outcome
    return f"{y}({window[1]}) - {y}({window[0]}) = {' + '.join([*right, 'e'])}"


def _at(options: Options, name: str, window: Window, exceptions: Window) -> int:
    return exceptions[1] if name in options.at_end else window[0]


def _windows(options: Options) -> Windows:
    from estimation.long_differences import Windows

    return Windows(options.window, options.placebo, options.at_end, options.difference)


def fit(
    name: str,
    options: Options,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None = None,
) -> Estimates:
    """Estimate the model.

    Parameters
    ----------
    name : str
        Its key in the spec.
    options : Options
    rows : Selection
        The rows of the model's `where`, with `columns(options)`.
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome.
    panel : Selection, optional
        All rows of the panel, with the same columns and those of clusters; `rows` by default.

    Returns
    -------
    Estimates

    Raises
    ------
    EstimationError
        If the model cannot be estimated; the message names the window, terms, columns or levels.
    """
    from estimation.coding import is_categorical  # numpy and scipy load here
    from estimation.long_differences import estimate_changes

    found = estimate_changes(
        question(name, options), _windows(options), rows, rows if panel is None else panel, first_stage
    )
    names = {factor.name for term in options.formula.terms for factor in term.factors}
    told = _elsewhere(options, {one for one in names if is_categorical(one, rows)})
    if told and options.errors.kind == "bootstrap":
        told += "; their errors are clustered, not drawn"
    elif told and found.errors.tfp_uncertainty == "include":
        told += "; their errors lack the first stage's part"
    return replace(found, notes=(*found.notes, told) if told else found.notes)


def _elsewhere(options: Options, indicators: set[str]) -> str:
    """Return the calls that give the same in other software; empty where none does."""
    kind, weighted = options.errors.kind, options.weights is not None
    if weighted and kind in ("HC2", "HC3"):
        return ""  # fixest leaves the weight out of the leverage, Stata refuses it there
    asked = options.formula, options.outcome, options.errors, options.weights, options.window[0]
    exceptions = options.at_end, options.difference
    told = f"the same elsewhere: {changes_in_fixest(*asked, *exceptions)}"
    if kind != "HC0":  # which Stata does not have
        told += f"; Stata: {changes_in_stata(*asked, *exceptions, indicators)}"
    if corrected := few_clusters(options.errors):
        told += f"; then, for the errors, {corrected}"
    if options.where is not None:
        first = options.window[0][0]
        told += f"; both after leaving out firms where this does not hold in {first}: {options.where.text}"
    return told


def resampler(
    options: Options,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None = None,
    part: int = 0,
) -> DesignResampler:
    """Return what estimates the model again with other weights on its firms.

    Parameters
    ----------
    options, rows, first_stage, panel
        As in `fit`; first_stage where the outcome is drawn with the rest.
    part : int
        Which of the windows, in the order of the estimate's parts.

    Raises
    ------
    EstimationError
        As `fit` does.
    """
    from estimation.long_differences import redrawable_changes

    return redrawable_changes(
        question("", options), _windows(options), rows, rows if panel is None else panel, first_stage, part
    )
