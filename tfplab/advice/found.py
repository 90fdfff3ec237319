"""Advice that needs results: read from the record of a run, behind the rule of disclosure, never from rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tfplab.advice.behind import Behind, regressors
from tfplab.advice.causal import listed
from tfplab.advice.given import Advice
from tfplab.plan import Plan

__all__ = [
    "FEW",
    "clustered_few",
    "few_clusters",
    "few_controls",
    "rows_of_one_firm",
    "size_and_returns",
    "thin_cohorts",
]

FEW = 40
"""Clusters below which clustered errors tend to be too small, as `estimation.covariance.FEW_CLUSTERS` has it."""
FAR = 0.05
"""How far from one returns to scale are that matter: a firm ten times as large gains or loses an eighth."""
THIN = 30
"""Firms of a cohort below which the normal is a poor guide to its effects."""
_SIZE = frozenset({
    "employees", "labour", "turnover", "value_added", "capital", "capital_pim", "materials", "survey_employees",
})  # fmt: skip


def _estimated(record: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, model in record["models"].items():
        if model["status"] == "ok":
            yield name, model


def clustered_few(model: str, column: str, count: int) -> Advice:
    """Return the advice on few clusters.

    Parameters
    ----------
    model, column : str
    count : int
        Of clusters.
    """
    return Advice(
        "few_clusters",
        model,
        f"{count} clusters of {column}",
        f"the variance of clustered errors is justified by many clusters: with fewer than {FEW} they tend to be too "
        "small, and tests reject too often (Cameron, Gelbach and Miller, 2008)",
        f"errors: {{wild_bootstrap: {{cluster: [{column}]}}}}, or {{cluster: [{column}], small_sample: CR2}}, where "
        "the design has them",
    )


def few_clusters(plan: Plan, record: Mapping[str, Any]) -> Iterator[Advice]:
    """Models clustered by a column of few levels, without a correction for it."""
    for name, model in _estimated(record):
        errors = model["errors"]
        options = next(one.options for one in plan.models if one.name == name)
        if errors["kind"] != "cluster" or options.errors.small_sample or options.errors.wild is not None:
            continue
        for column, count in errors["clusters"].items():
            if count is not None and count < FEW:
                yield clustered_few(name, column, count)


def rows_of_one_firm(plan: Plan, record: Mapping[str, Any]) -> Iterator[Advice]:
    """Errors of independent rows where firms have several: Bertrand, Duflo and Mullainathan (2004)."""
    for name, model in _estimated(record):
        kind, rows, firms = model["errors"]["kind"], model["n_obs"], model["n_firms"]
        if kind != "classical" and not kind.startswith("HC"):
            continue
        if rows is None or firms is None or rows <= firms:
            continue
        yield Advice(
            "rows_of_one_firm",
            name,
            f"{kind} errors, and firms with several rows",
            "what is not seen of a firm lasts: its rows have errors in common, which these errors do not count "
            "(Bertrand, Duflo and Mullainathan, 2004)",
            "write errors: {cluster: [firm]}",
        )


def size_and_returns(plan: Plan, record: Mapping[str, Any]) -> Iterator[Advice]:
    """Size beside productivity whose returns to scale differ from one, surely and by much."""
    behind = Behind(plan)
    returns = {name: _returns(one) for name, one in record["productivity"].items() if one["status"] == "ok"}
    for model in plan.models:
        found = returns.get(model.outcome)
        if found is None or record["models"][model.name]["status"] != "ok":
            continue
        named = [name for name, _ in regressors(model) if behind.names(name, of_the_year=True) & _SIZE]
        if not named:
            continue
        yield Advice(
            "size_and_returns",
            model.name,
            f"{listed(named)} beside {model.outcome}, whose returns to scale are {found:.2f}",
            f"by the estimated elasticities alone output per bundle of inputs moves by {found - 1:+.2f} per cent with "
            "each per cent of inputs, and productivity leaves that out: what it has to do with size depends on them, "
            "and an error in the elasticities moves the coefficients of size with it (Klette, 1999)",
            "read size as a control, not as a finding; set cost_shares, which has constant returns, or "
            "labour_productivity beside it",
        )


def _returns(entry: Mapping[str, Any]) -> float | None:
    """Return the returns to scale furthest from one of an entry's groups, where one is out of reach of chance."""
    far = []
    for group in entry["groups"]:
        found = group.get("diagnostics") or {}
        value, p = found.get("returns_to_scale"), found.get("constant_returns_p_value")
        if value is not None and p is not None and p < 0.05 and abs(value - 1) > FAR:
            far.append(float(value))
    return max(far, key=lambda one: abs(one - 1)) if far else None


def few_controls(plan: Plan, record: Mapping[str, Any]) -> Iterator[Advice]:
    """More firms treated than stand beside them."""
    options = {one.name: one.options for one in plan.models}
    for name, model in _estimated(record):
        if model["design"] != "did":
            continue
        treated, controls = model["stats"].get("n_treated_firms"), model["stats"].get("n_control_firms")
        if not treated or controls is None or controls >= treated:
            continue
        yield Advice(
            "few_controls",
            name,
            "fewer firms stand beside the treated than are treated",
            "the path without treatment is estimated from few, who may be a remnant: firms that never adopt where most "
            "do are unlike the others (Roth, Sant'Anna, Bilinski and Poe, 2023)",
            "; ".join([*_more_alike(options[name]), "say who the firms are that never adopt"]),
        )


def _more_alike(asked: Any) -> Iterator[str]:
    """Yield keys that did has and a model does not use yet: more controls, or firms more like the treated."""
    if (
        asked.control_group == "never_treated"
        and set(asked.estimator) & {"callaway_santanna", "stacked"}
        and len(asked.adoption.waves) != 2
    ):
        yield "write control_group: not_yet_treated"
    if not asked.covariates:
        yield "write covariates, of the year before"


def thin_cohorts(plan: Plan, record: Mapping[str, Any]) -> Iterator[Advice]:
    """Cohorts of few firms among the effects that are shown."""
    drawn = {name for figure in plan.figures if figure.kind == "group_time" for name in figure.of}
    for name, model in _estimated(record):
        if model["design"] != "did":
            continue
        shown = [one for one in model["coefficients"] if one["term"].startswith("att[group=")]
        if name in drawn:
            # The effects of a cohort and year are no coefficients of the model: they stand in a part.
            shown += [
                one for part in model["parts"] if part["estimator"].endswith(", cells") for one in part["coefficients"]
            ]
        thin = sorted(
            {
                one["term"][4:-1].removeprefix("group=").partition(",")[0]
                for one in shown
                if one["estimate"] is not None and one["n_firms"] is not None and one["n_firms"] < THIN
            }
        )
        if not thin:
            continue
        yield Advice(
            "thin_cohorts",
            name,
            f"cohorts of fewer than {THIN} firms: {', '.join(thin)}",
            "the effects of a cohort of few firms have errors that are themselves badly estimated, and intervals by "
            "the normal may be too short (the R package did warns of small groups as well)",
            "read the average over cohorts, att[simple], or put cohorts together in the column of adoption",
        )
