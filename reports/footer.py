"""The lines between the estimates and the notes: observations, firms, fit, errors, productivity, weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from reports.distribution_footer import distribution_rows
from reports.instruments_footer import anderson_rubin, first_stage_f, is_instrumented, overidentification
from reports.numbers import count, decimal, p_value
from reports.standing import errors_text, rung_text
from reports.table import Cell, Row
from reports.views import Context, View

__all__ = ["WHO", "footer_of"]


# Whom a change that was taken apart rests on, and their shares in the activity of a year.
WHO: Mapping[str, tuple[str, ...]] = {
    "survivors": ("share_survivors_first", "share_survivors_last"),
    "entrants": ("share_entrants",),
    "exiters": ("share_exiters",),
}


NONLINEAR = ("logit", "probit", "quantile")
FITS = {"pseudo_r2": 3, "log_likelihood": 1, "correctly_predicted": 3}
"""How well a model fits that is no least squares, and the decimals that are printed."""


def footer_of(context: Context, views: list[View]) -> tuple[Row, ...]:
    """Return the footer of a table; empty for a table without columns.

    Parameters
    ----------
    context : Context
    views : list of View
        The table's columns.
    """
    if not views:
        return ()
    width = 3 if context.spec.p_values == "r_style" else 1

    def row(key: str, word: str, cell: Callable[[View], Cell]) -> Row:
        return Row(key, context.words(word), tuple(_spanning(cell(view), width) for view in views))

    def model_row(key: str, word: str, text: Callable[[Context, View], str]) -> Row:
        return row(key, word, lambda view: Cell("text", text(context, view)) if view.is_model else Cell("empty"))

    models = [view for view in views if view.is_model]
    entries = [view for view in views if not view.is_model]
    rows: list[Row] = []
    if len({view.outcome for view in models if view.outcome}) > 1:
        rows.append(model_row("outcome", "dependent_variable", _outcome))
    if any(view.content.get("window") for view in models):
        rows.append(model_row("window", "window", _window))
    rows.append(row("n_obs", "observations", lambda view: _count(context, view, "n_obs")))
    rows.append(row("n_firms", "firms", lambda view: _count(context, view, "n_firms")))
    if any(view.content["stats"].get("r2") is not None for view in models):
        rows.append(row("r2", "r2", lambda view: _r2(context, view)))
    if any(view.content["stats"].get("within_r2") is not None for view in models):
        rows.append(row("within_r2", "within_r2", lambda view: _r2(context, view, "within_r2")))
    if any(view.content.get("effects") for view in models):
        rows.append(model_row("effects", "effects", _effects))
    for key in FITS:
        if any(view.content["stats"].get(key) is not None for view in models):
            rows.append(row(key, key, partial(_fit, context, key)))
    instrumented = [view.content["stats"] for view in models if is_instrumented(view)]
    if instrumented:
        rows.append(row("first_stage_f", "iv.first_stage_f", partial(first_stage_f, context)))
    if any(stats.get("anderson_rubin") and stats["anderson_rubin"]["shape"] for stats in instrumented):
        rows.append(row("anderson_rubin", "iv.anderson_rubin", partial(anderson_rubin, context)))
    if any(stats.get("overidentification") for stats in instrumented):
        rows.append(row("overidentification", "iv.overidentification", partial(overidentification, context)))
    for who in WHO:
        if any(f"n_{who}" in view.content["stats"] for view in models):
            rows.append(row(who, f"decomposition.{who}", partial(_who, context, who)))
    several_ways = any(view.content.get("method") in NONLINEAR for view in models)
    if several_ways and not any(view.design == "did" for view in models):
        rows.append(model_row("method", "estimator", _method_of))
    rows.append(row("std_errors", "standard_errors", lambda view: Cell("text", _errors(context, view))))
    if any(_tfp_uncertainty(view) != "none" for view in views):
        rows.append(row("tfp_uncertainty", "tfp_uncertainty", lambda view: _uncertainty(context, view)))
    if any(view.productivity for view in views):
        rows.append(row("productivity", "productivity", lambda view: Cell("text", _method(context, view))))
    if any(view.design == "did" for view in models):
        rows.append(model_row("estimator", "estimator", _estimator))
        rows.append(row("sides", "sides", lambda view: _sides(context, view)))
        if any(view.content["stats"].get("pretest_p") is not None for view in models):
            rows.append(row("pretest", "pretest", lambda view: _pretest(context, view)))
    if any(view.content.get("balance") for view in models):
        rows.append(model_row("balance", "balance", _balance))
    if any(view.design == "distribution" for view in models):
        rows += distribution_rows(context, views, width)
    if models:
        rows.append(model_row("weights", "weights", _weights))
    if entries:
        rows.append(row("rung", "rung", lambda view: Cell("text", _rung(context, view))))
    if any(view.content["j_statistic"] is not None for view in entries):
        rows.append(row("j_statistic", "hansen_j", lambda view: _hansen(context, view)))
    return tuple(rows)


def _spanning(cell: Cell, width: int) -> Cell:
    return Cell(cell.kind, cell.text, cell.value, cell.mark, width)


def _count(context: Context, view: View, key: str) -> Cell:
    value = view.content[key]
    if value is None:
        return Cell("text", context.words("suppressed"))
    return Cell("count", count(value, context.locale), value)


def _r2(context: Context, view: View, key: str = "r2") -> Cell:
    value = view.content["stats"].get(key) if view.is_model else None
    return Cell("empty") if value is None else Cell("number", decimal(value, 3, context.locale), value)


def _fit(context: Context, key: str, view: View) -> Cell:
    value = view.content["stats"].get(key) if view.is_model else None
    return Cell("empty") if value is None else Cell("number", decimal(value, FITS[key], context.locale), value)


def _method_of(context: Context, view: View) -> str:
    """Return how a model was estimated, beside one that is no least squares."""
    method = view.content.get("method")
    return context.words.known(f"estimator.{method}") or str(method)


def _who(context: Context, who: str, view: View) -> Cell:
    stats = view.content["stats"] if view.is_model else {}
    if f"n_{who}" not in stats:
        return Cell("empty")
    value = stats[f"n_{who}"]
    if value is None:
        return Cell("text", context.words("suppressed"))
    percent = "; ".join(
        context.words("percent", value=decimal(100 * stats[one], 1, context.locale)) for one in WHO[who]
    )
    return Cell("text", f"{count(value, context.locale)} ({percent})")


def _outcome(context: Context, view: View) -> str:
    return context.labels.column(view.outcome) if view.outcome else ""


def _window(context: Context, view: View) -> str:
    """Return the years of a change."""
    window = view.content.get("window")
    return "-".join(str(year) for year in window) if window else context.words("not_applicable")


def _errors(context: Context, view: View) -> str:
    return errors_text(context, view.content.get("errors"))


def _rung(context: Context, view: View) -> str:
    return "" if view.is_model else rung_text(context, view.content["rung"])


def _tfp_uncertainty(view: View) -> str:
    found: str = (view.content.get("errors") or {}).get("tfp_uncertainty") or "none"
    return found


def _uncertainty(context: Context, view: View) -> Cell:
    kind = _tfp_uncertainty(view)
    if kind == "none" and not view.is_model:
        return Cell("empty")
    return Cell("text", context.words.known(f"uncertainty.{kind}") or kind)


def _method(context: Context, view: View) -> str:
    if not view.productivity:
        return context.words("not_applicable")
    return "; ".join(dict.fromkeys(_of_entry(context, name) for name in view.productivity))


def _of_entry(context: Context, name: str) -> str:
    """Return an entry's method, with those of the entries that it is made of."""
    fit = context.record["productivity"][name]
    parents = [_of_entry(context, parent) for parent in fit.get("made_of") or ()]
    own = context.name(fit)
    return context.words("method.made_of", method=own, parents="; ".join(parents)) if parents else own


def _effects(context: Context, view: View) -> str:
    """Return the effects that were swept out, from the declared design: ``Firm, Sector x Year``."""
    effects = view.content.get("effects") or {}
    if not effects and view.design == "did":
        return context.words("not_applicable")
    named = (" × ".join(context.labels.column(name) for name in one.split("^")) for one in effects)
    return ", ".join(named) or context.words("none")


def _estimator(context: Context, view: View) -> str:
    """Return the estimator of a difference-in-differences."""
    if view.design != "did":
        return _method_of(context, view) if view.content.get("method") in NONLINEAR else context.words("not_applicable")
    name = view.content.get("estimator") or view.content["method"]
    return context.words.known(f"estimator.{name}") or name


def _sides(context: Context, view: View) -> Cell:
    """Return the firms on either side of a comparison: treated, and beside them."""
    stats = view.content["stats"] if view.is_model else {}
    if view.design != "did":
        return Cell("empty")
    sides = [stats.get(key) for key in ("n_treated_firms", "n_control_firms")]
    if None in sides:
        return Cell("text", context.words("suppressed"))
    return Cell("text", " / ".join(count(one, context.locale) for one in sides))


def _pretest(context: Context, view: View) -> Cell:
    value = view.content["stats"].get("pretest_p") if view.design == "did" else None
    return Cell("empty") if value is None else Cell("number", p_value(value, context.locale), value)


def _weights(context: Context, view: View) -> str:
    weights, sampling = view.content["weights"], view.content.get("sampling_weights")
    if not weights:
        return context.words("none")
    name = context.labels.column(weights)
    return (
        context.words("weights.sampled", weights=name, sampling=context.labels.column(sampling)) if sampling else name
    )


def _balance(context: Context, view: View) -> str:
    """Return the covariates in which both sides are alike; none in the column of rows as they are."""
    balance = view.content.get("balance")
    if not balance or view.content.get("estimator") == "unbalanced":
        return context.words("none")
    names = dict.fromkeys(one["term"].partition("[")[0] for one in balance["covariates"])
    return ", ".join(context.labels.column(name) for name in names)


def _hansen(context: Context, view: View) -> Cell:
    content = view.content
    value = None if view.is_model else content["j_statistic"]
    if value is None:
        return Cell("empty")
    printed = context.words(
        "hansen_j_value",
        value=decimal(value, 3, context.locale),
        df=content["j_df"],
        p=p_value(content["j_p_value"], context.locale),
    )
    return Cell("number", printed, value)
