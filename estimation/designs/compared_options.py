"""Keys that set a regression beside others: `split`, `add_controls`, `test`, `sensitivity: {oster: ...}`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Self

from pydantic import model_validator

from estimation.designs.formula_options import FormulaOptions
from estimation.designs.options import ColumnUse
from specs.comparing import AskedTest, Block, BlocksField, FormulaSensitivityField, SplitField, TestsField
from specs.errors import did_you_mean
from specs.fields import mistake
from specs.formula import Formula, Term

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["ComparedOptions", "compared", "split_by_firms"]

LINEAR = ("ols",)
"""Methods of which Oster's bounds are known."""


class ComparedOptions(FormulaOptions):
    """The keys of a regression that can be set beside others.

    Attributes
    ----------
    split : SplitSpec or None
        One estimate a group of rows.
    add_controls : tuple of tuple of Term, or None
        Blocks that are added to the formula in turn.
    test : tuple of tuple of Restriction, or None
        Linear restrictions, those of one tuple tested together.
    sensitivity : FormulaSensitivitySpec or None
    """

    split: SplitField | None = None
    add_controls: BlocksField | None = None
    test: TestsField | None = None
    sensitivity: FormulaSensitivityField | None = None

    @model_validator(mode="after")
    def _added(self) -> Self:
        told = {term.key: "in the formula" for term in self.formula.terms}
        left = self.left
        for place, block in enumerate(self.blocks):
            for index, term in enumerate(block):
                path = ("add_controls", place, min(index, len(block) - 1))
                if term.key in told:
                    raise mistake(f'"{term.label}" stands {told[term.key]} already', "", "leave it out", path=path)
                if any(factor.label == left.label for factor in term.factors):
                    raise mistake(f'the outcome "{left.label}" is no control', path=path)
                told[term.key] = f"in block {place + 1}"
        if self.split is not None and self.split.by == self.outcome_column:
            raise mistake(f'the outcome "{self.split.by}" makes the groups', path=("split", "by"))
        return self

    @model_validator(mode="after")
    def _tested(self) -> Self:
        known = self._known_factors()
        for place, asked in enumerate(self.tested):
            for tested in (term for restriction in asked for term in restriction.terms):
                self._check_term(tested.bases, known, ("test", place), tested.offset if len(asked) == 1 else None)
        wanted = self.sensitivity.oster if self.sensitivity is not None else None
        if wanted is None:
            return self
        if self.method not in LINEAR:
            what, meaning = f"oster beside method: {self.method}", "the bounds are of least squares"
            raise mistake(what, meaning, "leave it out, or write method: ols", path=("sensitivity", "oster"))
        path: tuple[str | int, ...] = ("sensitivity", "oster", "term")
        if wanted.term == "constant":
            raise mistake('"constant" is no regressor', "", "name a term of the formula", path=path)
        self._check_term(_bases(wanted.term), known, path, None)
        labels = [term.label for term in self.last_rung.terms]
        for place, one in enumerate(wanted.always):
            path = ("sensitivity", "oster", "always", place)
            if one not in labels:
                raise mistake(f'no term "{one}" in the formula', "", did_you_mean(one, labels), path=path)
            if one == wanted.term.partition("[")[0]:
                raise mistake(f'"{one}" is the term itself', "", "leave it out", path=path)
        term = ":".join(_bases(wanted.term))
        if not any(label != term and label not in wanted.always for label in labels):
            what, meaning = "no controls", "Oster's bounds compare the regression with controls to that without"
            advice = "name some in the formula, or under add_controls"
            raise mistake(what, meaning, advice, path=("sensitivity", "oster"))
        return self

    @model_validator(mode="after")
    def _without_bootstrap(self) -> Self:
        if self.errors.kind != "bootstrap":
            return self
        for key in ("split", "add_controls", "test"):
            if getattr(self, key):
                what, meaning = f"{key} beside a bootstrap", "a bootstrap draws one estimate, that of the formula"
                raise mistake(what, meaning, "write errors: {cluster: [firm]}", path=(key,), at_key=True)
        return self

    @model_validator(mode="after")
    def _without_balance(self) -> Self:
        if self.balance is None:
            return self
        asked: tuple[tuple[str, str, Any], ...] = (
            ("add_controls", "add_controls", self.add_controls),
            ("sensitivity", "oster", self.sensitivity and self.sensitivity.oster),
        )
        for key, what, there in asked:
            if there:
                meaning = "what controls take away is not known of rows whose weights are estimated"
                raise mistake(f"{what} beside balance", meaning, "leave one of them out", path=(key,), at_key=True)
        return self

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The controls that are added, block by block; none where none are."""
        return self.add_controls or ()

    @property
    def tested(self) -> tuple[AskedTest, ...]:
        """The tests that are asked for."""
        return self.test or ()

    @property
    def rungs(self) -> tuple[Formula, ...]:
        """The formula, and the formula with the blocks that were added up to each."""
        found = [self.formula]
        for block in self.blocks:
            found.append(replace(found[-1], terms=(*found[-1].terms, *block)))
        return tuple(found)

    @property
    def last_rung(self) -> Formula:
        """The formula with all blocks."""
        return self.rungs[-1]

    @property
    def block_names(self) -> tuple[str, ...]:
        """What each block is called: ``cc + itsp2``."""
        return tuple(" + ".join(term.label for term in block) for block in self.blocks)

    @property
    def compares(self) -> bool:
        """Whether any of the keys is written."""
        return bool(self.split or self.add_controls or self.test or (self.sensitivity and self.sensitivity.oster))

    @property
    def keeps_workings(self) -> bool:
        """Whether the covariance between several estimates is wanted, or their columns."""
        return bool(self.split or self.add_controls or (self.sensitivity and self.sensitivity.oster))

    @property
    def added_columns(self) -> tuple[str, ...]:
        """The columns of the blocks."""
        return tuple(dict.fromkeys(f.name for block in self.blocks for term in block for f in term.factors))

    def uses(self) -> tuple[ColumnUse, ...]:
        """Return every column that the keys name, with its place, the outcome first."""
        found = [*super().uses()]
        if self.split is not None:
            found.append(ColumnUse(self.split.by, ("split", "by")))
        for place, block in enumerate(self.blocks):
            for index, term in enumerate(block):
                for factor in term.factors:
                    here = ("add_controls", place, index)
                    found.append(ColumnUse(factor.name, here, factor.offset))
                    if factor.label != factor.name:
                        found.append(ColumnUse(factor.name, here, factor.offset, written=factor.label))
        return tuple(found)

    def term_names(self) -> tuple[str, ...]:
        """Return the factors, and the constant, those of added controls last."""
        return tuple(dict.fromkeys([*super().term_names(), *_labels(t for block in self.blocks for t in block)]))

    def beside(self) -> tuple[str, ...]:
        """Return what is estimated beside the model itself, in symbols."""
        lines: list[str] = []
        if self.split is not None:
            lines.append(f"the same on the rows of each {self.split.by}; equal coefficients: F = d'(R V R')^-1 d / q")
        if self.add_controls:
            lines.append(f"then with + {', + '.join(self.block_names)}, on the rows that have them all")
            lines.append("change of b1 by block k: (X1'X1)^-1 X1'Xk bk (Gelbach, 2016)")
        lines += [f"test: {', '.join(one.text for one in asked)}" for asked in self.tested]
        if self.sensitivity is not None and self.sensitivity.oster is not None:
            asked = self.sensitivity.oster
            lines.append(f"{asked.term} under selection on what is not seen, R2 max = {asked.r_max:g} R2 (Oster, 2019)")
        return tuple(lines)

    def _known_factors(self) -> set[str]:
        constant = {"constant"} if self.formula.intercept and not self.formula.absorbed else set()
        return constant | set(_labels(self.last_rung.terms))

    def _check_term(
        self, bases: tuple[str, ...], known: set[str], path: tuple[str | int, ...], offset: int | None
    ) -> None:
        for base in bases:
            if base not in known:
                what = f'no term "{base}" in the formula'
                if base == "constant":
                    what = "there is no constant in this model"
                raise mistake(what, "", did_you_mean(base, known), path=path, offset=offset)


def _labels(terms: Iterator[Term] | tuple[Term, ...]) -> list[str]:
    return [factor.label for term in terms for factor in term.factors]


def _bases(term: str) -> tuple[str, ...]:
    return tuple(part.partition("[")[0] for part in term.split(":"))


def compared(fit: Callable[..., Estimates]) -> Callable[..., Estimates]:
    """Make a design's `fit` answer what `ComparedOptions` ask for beside the model itself.

    Parameters
    ----------
    fit : callable
        ``fit(name, options, rows, first_stage, panel=None)``, which knows nothing of these keys.

    Returns
    -------
    callable
        With the same parameters.
    """

    @wraps(fit)
    def asked(
        name: str,
        options: Any,
        rows: Selection,
        first_stage: ProductivityFit | None,
        panel: Selection | None = None,
    ) -> Estimates:
        if not options.compares:
            return fit(name, options, rows, first_stage, panel)
        from estimation.comparing.answer import estimate_compared  # numpy and scipy load here

        return estimate_compared(fit, name, options, rows, first_stage, panel)

    return asked


def split_by_firms(fit: Callable[..., Estimates]) -> Callable[..., Estimates]:
    """Make the `fit` of a design of firms over years answer `split`; see `compared`."""

    @wraps(fit)
    def asked(
        name: str,
        options: Any,
        rows: Selection,
        first_stage: ProductivityFit | None,
        panel: Selection | None = None,
    ) -> Estimates:
        if options.split is None:
            return fit(name, options, rows, first_stage, panel)
        from estimation.comparing.firms_split import estimate_split_firms  # numpy and scipy load here

        return estimate_split_firms(fit, name, options, rows, first_stage, panel)

    return asked
