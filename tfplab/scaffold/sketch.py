"""The model of a new spec as keys and comments, and the sections that go with it."""

from __future__ import annotations

from dataclasses import dataclass

from tfplab.scaffold.page import Page, listed, written

__all__ = ["DESIGNS_TOLD", "METHODS_TOLD", "NAME", "Line", "Sketch"]

NAME = "main"

DESIGNS_TOLD = {
    "cross_section": "a regression of firms in one year: levels beside levels",
    "fixed_effects": "a regression within firms: what changes in a firm when its AI use changes",
    "did": "differences in differences: firms before and after they begin, beside firms that have not",
    "long_difference": "changes over a window of years, with a placebo before it",
    "decomposition": "aggregate productivity: what firms do, and where activity stands",
    "distribution": "the whole distribution of an outcome in two groups of firms",
    "descriptives": "means, spreads and shares by group, with tests",
    "adoption_rates": "weighted shares of firms of a survey, with the errors of its design",
}

METHODS_TOLD = {
    "cross_section": {
        "ols": "least squares",
        "logit": "adoption as the outcome, 0 or 1: average marginal effects",
        "probit": "adoption as the outcome, with a normal error: average marginal effects",
        "quantile": "effects at several quantiles of the outcome",
        "iv": "two-stage least squares, with an instrument",
    },
    "fixed_effects": {"ols": "least squares", "iv": "two-stage least squares, with an instrument"},
    "decomposition": {
        "olley_pakes": "every year: the mean firm, and the covariance of productivity and shares",
        "melitz_polanec": "the change from the first year to the last: stayers, entrants, exiters",
    },
}
"""Methods of the designs that have several, the default first."""


@dataclass(frozen=True, slots=True)
class Line:
    """A key of the model.

    Attributes
    ----------
    text, why : str
    off : bool
        Whether it stands behind a ``#``: an alternative.
    """

    text: str
    why: str = ""
    off: bool = False


@dataclass(frozen=True, slots=True)
class Sketch:
    """A model and its figure.

    Attributes
    ----------
    lines : tuple of Line
        Keys of the model.
    figure : str
        A figure, as a map in brackets; empty for none.
    terms : tuple of str
        What a table may keep.
    label : str
        A column that a label may name.
    """

    lines: tuple[Line, ...]
    figure: str = ""
    terms: tuple[str, ...] = ()
    label: str = ""

    def write(self, page: Page, design: str) -> None:
        """Write the sections from ``models`` on."""
        page.gap()
        page.say("A model is a design with its keys; as many as you like, a column of the table each.")
        page.key("models:")
        page.key(f"{NAME}:", "the name is yours", 2)
        others = ", ".join(one for one in DESIGNS_TOLD if one != design)
        page.key(f"design: {design}", f"{DESIGNS_TOLD[design]}. Others: {others}", 4)
        for line in self.lines:
            (page.off if line.off else page.key)(line.text, line.why, 4)
        page.off(
            f"again: {{like: {NAME}, title: The same with other keys}}", "takes all keys of another; own keys win", 2
        )
        page.gap()
        page.say("Without this section: one table of all models.")
        page.key("tables:")
        page.key("results:", "", 2)
        page.key(f"models: [{NAME}]", "models, variants and productivity entries", 4)
        page.key("formats: [html, md]", "also latex, csv", 4)
        if self.terms:
            page.off(f"keep: {listed(self.terms)}", "rows that are printed; all others stay in run.json", 4)
        page.off("locale: [en, nl_BE, fr_BE]", "languages of the printed words", 4)
        if self.figure:
            page.gap()
            page.key("figures:")
            page.key(f"figure: {self.figure}", "", 2)
        page.gap()
        if self.label:
            page.off(f"labels: {{{written(self.label)}: {{en: Uses AI, nl: Gebruikt AI}}}}", "printed instead of names")
        page.key(
            "disclosure: {minimum_firms: 10, on_breach: report}",
            "or suppress, or fail: numbers that rest on fewer firms",
        )
