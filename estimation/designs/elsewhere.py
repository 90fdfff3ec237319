"""What gives the same numbers in other software: the line that a reader can run there."""

from __future__ import annotations

from collections.abc import Sequence

from specs.formula import Formula
from specs.uncertainty import Errors

__all__ = ["few_clusters", "in_did", "in_fixest", "in_reghdfe"]


def _cluster(errors: Errors) -> str:
    ways = " + ".join("^".join(way) for way in errors.cluster)
    if errors.kind in ("cluster", "wild_bootstrap"):
        return f", cluster = ~{ways}"
    return {
        "classical": ', vcov = "iid"',
        "HC0": ', vcov = "hetero", ssc = ssc(K.adj = FALSE)',
        "HC1": ', vcov = "hetero"',
    }[errors.kind]


def _weights(weights: str | None) -> str:
    return f", weights = ~{weights}" if weights else ""


def in_fixest(formula: Formula, outcome: str, errors: Errors, weights: str | None) -> str:
    """Return the call of R's fixest for a regression with effects."""
    right = " + ".join(term.label for term in formula.terms)
    effects = " + ".join(one.label for one in formula.absorbed)
    return f"fixest::feols({outcome} ~ {right} | {effects}, data{_weights(weights)}{_cluster(errors)})"


def in_reghdfe(formula: Formula, outcome: str, errors: Errors, weights: str | None) -> str:
    """Return the command of Stata's reghdfe, texts as i. variables."""
    right = " ".join(term.label.replace(":", "#") for term in formula.terms)
    absorbed = " ".join("#".join(one.names) for one in formula.absorbed)
    weight = f" [pw={weights}]" if weights else ""
    ways = " ".join("#".join(way) for way in errors.cluster)
    spread = f" vce(cluster {ways})" if errors.cluster else "" if errors.kind == "classical" else " vce(robust)"
    return f"reghdfe {outcome} {right}{weight}, absorb({absorbed}){spread}"


def few_clusters(errors: Errors) -> str:
    """Return what corrects the errors of these calls for few clusters; empty where nothing is asked for."""
    if errors.small_sample:
        test = ', test = "Satterthwaite"' if errors.small_sample == "CR2" else ', test = "naive-t"'
        return f'clubSandwich::coef_test(lm with the effects as factors, vcov = "{errors.small_sample}"{test})'
    if errors.wild is not None:
        return f"boottest of each term, cluster({' '.join(errors.ways)}) reps({errors.wild.draws})"
    return ""


def in_did(
    estimator: str,
    outcome: str,
    covariates: Sequence[str],
    effects: Sequence[str],
    keys: dict[str, str | int],
    weights: str | None,
    errors: Errors,
) -> str:
    """Return the call for an estimator of a difference-in-differences; g is the first treated year, k = year - g.

    Parameters
    ----------
    estimator, outcome : str
    covariates : sequence of str
    effects : sequence of str
        ``nace^year``; empty for years.
    keys : dict
        ``adjustment``, ``control_group``, ``base_period``, ``anticipation``, ``unbalanced``.
    weights : str or None
    errors : Errors
    """
    anticipation = int(keys["anticipation"])
    beside = "".join(f" + {name}:factor(year)" for name in covariates)
    absorbed = " + ".join(["firm", *(effects or ["year"])])
    tail = f"{_weights(weights)}{_cluster(errors)})"
    if estimator == "callaway_santanna":
        given = f", xformla = ~{' + '.join(covariates)}" if covariates else ""
        of = f', weightsname = "{weights}"' if weights else ""
        rule = "" if keys["unbalanced"] == "balanced" else ", each cell on the firms seen in its two years"
        way = "" if errors.cluster == (("firm",),) else f', clustervars = c("{"^".join(errors.cluster[0])}")'
        group = str(keys["control_group"]).replace("_", "")
        return (
            f'did::att_gt("{outcome}", "year", "firm", "g", data{given}{of}, control_group = "{group}", base_period = '
            f'"{keys["base_period"]}", anticipation = {anticipation}, est_method = "{keys["adjustment"]}", '
            f"bstrap = FALSE, cband = FALSE{way}){rule}"
        )
    if estimator == "imputation":
        first = f", first_stage = ~{beside.removeprefix(' + ') or '0'} | {absorbed}" if covariates or effects else ""
        of = f', wname = "{weights}"' if weights else ""
        way = "" if errors.cluster == (("firm",),) else f', cluster_var = "{"^".join(errors.cluster[0])}"'
        return f'didimputation::did_imputation(data, "{outcome}", "g", "year", "firm"{first}{of}{way})'
    if estimator == "stacked":
        of_stack = "".join(f" + {name}:factor(year):factor(stack)" for name in covariates)
        by_stack = " + ".join(f"{one}^stack" for one in ("firm", *(effects or ["year"])))
        group = "never treated" if keys["control_group"] == "never_treated" else "not treated by then"
        return (
            f"fixest::feols({outcome} ~ i(k, ref = c({-1 - anticipation}, -Inf)){of_stack} | {by_stack}, "
            f"stacked{tail}, stacked: for each g (stack) its firms' rows and rows of firms {group}, k = -Inf for "
            "these, in the years that both have"
        )
    term = {
        "twfe": "treated",
        "event_study": f"i(k, ref = c({-1 - anticipation}, -Inf))",
        "sun_abraham": f"sunab(g, year, ref.p = {-1 - anticipation})",
    }[estimator]
    return f"fixest::feols({outcome} ~ {term}{beside} | {absorbed}, data{tail}"
