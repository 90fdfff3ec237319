"""The key of instruments, for designs written as a formula: ``method: iv``, ``instruments: {ai: [peers]}``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from estimation.designs.compared_options import ComparedOptions
from estimation.designs.elsewhere import in_fixest_iv, in_ivreg2
from estimation.designs.formula_options import equations as by_least_squares
from estimation.designs.formula_options import question
from estimation.designs.options import ColumnUse
from specs.errors import did_you_mean
from specs.fields import Columns, mistake

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["InstrumentedOptions", "equations", "fit_instrumented"]


class InstrumentedOptions(ComparedOptions):
    """The keys of a regression that may be instrumented.

    Attributes
    ----------
    instruments : mapping of str to tuple of str
        By endogenous term of the formula its excluded instruments, columns; with ``method: iv`` alone.
    """

    instruments: Mapping[str, Columns] = {}

    @model_validator(mode="after")
    def _instruments_fit(self) -> Self:
        if self.method != "iv":
            if self.instruments:
                raise mistake(
                    f"instruments beside method: {self.method}",
                    "they would not be used",
                    "write method: iv, or leave them out",
                    path=("instruments",),
                    at_key=True,
                )
            return self
        if not self.instruments:
            raise mistake(
                "method iv has no instruments",
                "",
                "write instruments: {ai: [peers]}, the endogenous term and what moves it from outside",
                path=("method",),
            )
        if self.balance is not None:
            raise mistake("balance beside instruments", "both say what AI is compared with, in two ways",
                          "take one of them", path=("balance",), at_key=True)  # fmt: skip
        self._check_endogenous()
        for term, names in self.instruments.items():
            self._check_excluded(term, names)
        excluded = {name for names in self.instruments.values() for name in names}
        if len(excluded) < len(self.instruments):
            raise mistake(
                f"{len(self.instruments)} endogenous terms and fewer instruments: {', '.join(sorted(excluded))}",
                "there must be at least as many",
                "name another column, or leave out a term",
                path=("instruments",),
                at_key=True,
            )
        if self.errors.kind in ("HC2", "HC3"):
            raise mistake(
                f"{self.errors.kind} with instruments",
                "the leverage of a row is that of a regression, which two-stage least squares is not",
                "write HC1, or {cluster: [firm]}",
                path=("errors",),
            )
        return self

    def _check_endogenous(self) -> None:
        """Refuse endogenous names that are no terms, and terms made of them that are not named."""
        terms = {term.key: term for term in self.formula.terms}
        keys = {frozenset(name.split(":")): name for name in self.instruments}
        for key, name in keys.items():
            if key in terms:
                continue
            within = [term.label for term in terms.values() if name in {factor.name for factor in term.factors}]
            advice = f"name the term: {', '.join(within)}" if within else ""
            raise mistake(
                f'"{name}" is no term of the formula',
                "" if within else "the endogenous term stands in both places",
                advice or did_you_mean(name, [term.label for term in terms.values()]) or "add it to the formula",
                path=("instruments", name),
                at_key=True,
            )
        inside = {factor.name for key in keys for factor in terms[key].factors if len(terms[key].factors) == 1}
        for key, term in terms.items():
            made_of = [factor.name for factor in term.factors if factor.name in inside]
            if key not in keys and made_of:
                raise mistake(
                    f"{term.label} is made of {made_of[0]}",
                    f"where {made_of[0]} is endogenous, so is the product",
                    f"give it instruments too: '{term.label}': [...], or leave the term out",
                    path=("instruments",),
                    at_key=True,
                )

    def _check_excluded(self, term: str, names: tuple[str, ...]) -> None:
        if not names:
            raise mistake(f'no instrument of "{term}"', "", "name a column", path=("instruments", term))
        used = {factor.name for one in self.formula.terms for factor in one.factors}
        absorbed = {name for effect in self.formula.effects for name in effect}
        for index, name in enumerate(names):
            place = ("instruments", term, index)
            if name == self.outcome_column:
                raise mistake(f'the outcome "{name}" is no instrument', path=place)
            if name in used:
                raise mistake(
                    f'"{name}" stands in the formula too',
                    "an instrument moves the outcome through the endogenous term alone",
                    "leave it out of one of the two",
                    path=place,
                )
            if name in absorbed:
                raise mistake(f'"{name}" stands behind the bar too', "nothing of it is left", path=place)

    def uses(self) -> tuple[ColumnUse, ...]:
        """Return every column that the keys name, with its place, the outcome first."""
        found = [
            ColumnUse(name, ("instruments", term, index))
            for term, names in self.instruments.items()
            for index, name in enumerate(names)
        ]
        return (*super().uses(), *found)


def equations(options: InstrumentedOptions) -> str:
    """Return what is estimated, in symbols."""
    lines = by_least_squares(options).split("\n")
    if options.method != "iv":
        return "\n".join(lines)
    weight = f", w = {options.weights}" if options.weights else ""
    w, effects = "W" if weight else "", ", all columns less their effects" if options.formula.effects else ""
    excluded = dict.fromkeys(name for names in options.instruments.values() for name in names)
    lines[1] = (
        f"b = (X^'{w}X^)^-1 X^'{w}y, X^ = X with {', '.join(options.instruments)} as fitted on Z{weight}{effects}"
    )
    lines[2] = lines[2].replace(f"(X'{w}X)^-1", f"(X^'{w}X^)^-1").replace(" x_i ", " x^_i ")
    lines.insert(1, f"Z = {', '.join(excluded)} and the other terms; e = y - Xb")
    return "\n".join(lines)


def fit_instrumented(
    name: str,
    options: InstrumentedOptions,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None,
) -> Estimates:
    """Estimate by two-stage least squares, as the `fit` of a design does, and say how to do it elsewhere."""
    from estimation.coding import is_categorical  # numpy and scipy load here
    from estimation.iv.answer import estimate_instrumented

    found = estimate_instrumented(question(name, options), options.instruments, rows, first_stage, panel)
    if options.errors.bootstrap is not None:
        return found
    asked = options.formula, options.left.label, options.instruments, options.errors, options.weights
    names = {factor.name for term in options.formula.terms for factor in term.factors}
    names |= {one for several in options.instruments.values() for one in several}
    indicators = {one for one in names if is_categorical(one, rows)}
    told = f"the same elsewhere: {in_fixest_iv(*asked)}; {in_ivreg2(*asked, indicators)}"
    if found.errors.tfp_uncertainty == "include":
        told += "; their errors lack the first stage's part"
    return replace(found, notes=(*found.notes, told))
