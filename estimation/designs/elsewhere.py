"""What gives the same numbers in other software: the line that a reader can run there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from specs.formula import Factor, Formula, Term
from specs.uncertainty import Errors

__all__ = [
    "changes_in_fixest", "changes_in_stata", "few_clusters", "in_did", "in_fixest", "in_fixest_iv", "in_ivreg2",
    "in_reghdfe",
]  # fmt: skip


def _cluster(errors: Errors) -> str:
    ways = " + ".join("^".join(way) for way in errors.cluster)
    if errors.cluster:
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
    right = " + ".join(_term_in_r(term) for term in formula.terms)
    effects = " + ".join(one.label for one in formula.absorbed)
    return f"fixest::feols({outcome} ~ {right} | {effects}, data{_weights(weights)}{_cluster(errors)})"


def in_reghdfe(
    formula: Formula, outcome: str, errors: Errors, weights: str | None, indicators: Collection[str] = ()
) -> str:
    """Return the command of Stata's reghdfe; `indicators` are the columns that enter by their levels."""
    right = " ".join(_term_in_stata(term, indicators) for term in formula.terms)
    absorbed = " ".join("#".join(one.names) for one in formula.absorbed)
    # Stata takes no sampling weights beside classical errors; analytic ones give the same coefficients.
    weight = f" [{'aw' if errors.kind == 'classical' else 'pw'}={weights}]" if weights else ""
    ways = " ".join("#".join(way) for way in errors.cluster)
    spread = f" vce(cluster {ways})" if ways else "" if errors.kind == "classical" else " vce(robust)"
    return f"reghdfe {outcome} {right}{weight}, absorb({absorbed}){spread}"


def few_clusters(errors: Errors) -> str:
    """Return what corrects the errors of these calls for few clusters; empty where nothing is asked for."""
    if errors.small_sample:
        test = ', test = "Satterthwaite"' if errors.small_sample == "CR2" else ', test = "naive-t"'
        return f'clubSandwich::coef_test(lm with the effects as factors, vcov = "{errors.small_sample}"{test})'
    if errors.wild is not None:
        return f"boottest of each term, cluster({' '.join(errors.ways)}) reps({errors.wild.draws})"
    return ""


def _term_in_stata(term: Term, indicators: Collection[str]) -> str:
    several = len(term.factors) > 1 or any(factor.power != 1 for factor in term.factors)
    parts = [
        "#".join([f"i.{one.name}" if one.name in indicators else f"{'c.' if several else ''}{_in_stata(one)}"]
                 * one.power)
        for one in term.factors
    ]  # fmt: skip
    return "#".join(parts)


def _term_in_r(term: Term) -> str:
    """Return a term in R, where text enters by its levels and the year, a number, would not."""
    return ":".join("factor(year)" if one.label == "year" else one.label for one in term.factors)


def _in_stata(factor: Factor) -> str:
    """Return a factor's column: Stata's factor notation takes no functions, so that a log has to be a column."""
    return f"{factor.transform}_{factor.name}" if factor.transform else factor.name


def changes_in_fixest(
    formula: Formula, outcome: str, errors: Errors, weights: str | None, window: tuple[int, int],
    at_end: Sequence[str] = (), difference: Sequence[str] = (),
) -> str:  # fmt: skip
    """Return the calls in R that give the changes of a window: the panel's two years side by side, then fixest.

    Parameters
    ----------
    formula : Formula
        The right side.
    outcome : str
    errors : Errors
    weights : str or None
    window : (int, int)
    at_end, difference : sequence of str
        Columns taken at the end of the window, and as changes over it.
    """
    first, last = window

    def named(factor: Factor) -> str:
        inner = f"{factor.name}.end" if factor.name in at_end else factor.name
        inner = f"I({factor.name}.end - {factor.name})" if factor.name in difference else inner
        inner = f"{factor.transform}({inner})" if factor.transform else inner
        return inner if factor.power == 1 else f"I({inner}^{factor.power})"

    right = " + ".join(":".join(map(named, term.factors)) for term in formula.terms) or "1"
    right = right if formula.intercept else f"-1 + {right}"
    effects = " + ".join(
        "^".join(f"{name}.end" if name in at_end else name for name in one.names) for one in formula.absorbed
    )
    right += f" | {effects}" if effects else ""
    spread = {"HC2": ', vcov = "HC2"', "HC3": ', vcov = "HC3"'}.get(errors.kind)
    return (
        f"d <- merge(subset(data, year == {first}), subset(data, year == {last}), "
        'by = "firm", suffixes = c("", ".end")); '
        f"fixest::feols(I({outcome}.end - {outcome}) ~ {right}, d{_weights(weights)}"
        f"{_cluster(errors) if spread is None else spread})"
    )


def changes_in_stata(
    formula: Formula, outcome: str, errors: Errors, weights: str | None, window: tuple[int, int],
    at_end: Sequence[str] = (), difference: Sequence[str] = (), indicators: Collection[str] = (),
) -> str:  # fmt: skip
    """Return the commands of Stata that give the changes of a window; see `changes_in_fixest`.

    Parameters
    ----------
    formula, outcome, errors, weights, window, at_end, difference
    indicators : collection of str
        The columns that enter by their levels.
    """
    first, last = window

    def named(factor: Factor) -> str:
        inner = f"{factor.name}{last if factor.name in at_end else first}"
        if factor.name in difference:
            return f"d_{factor.name}"
        if factor.label == factor.name:
            return inner
        # Stata's lists of variables know no functions.
        return made.setdefault(replace(factor, name=inner).label, f"t{len(made) + 1}")

    def written(term: Term) -> str:
        number = "c." if len(term.factors) > 1 else ""
        return "#".join(f"{'i.' if one.name in indicators else number}{named(one)}" for one in term.factors)

    made: dict[str, str] = {}
    terms = " ".join(written(term) for term in formula.terms)
    used = dict.fromkeys([outcome, *(name for name, _ in formula.names()), *([weights] if weights else [])])
    used |= dict.fromkeys(name for way in errors.cluster for name in way if name != "firm")
    changes = [f"gen d_{name} = {name}{last} - {name}{first}" for name in (outcome, *difference)]
    changed = "; ".join([*changes, *(f"gen {name} = {label}" for label, name in made.items())])
    absorbed = " ".join(
        "#".join(f"{name}{last if name in at_end else first}" for name in one.names) for one in formula.absorbed
    )
    ways = " ".join("#".join(name if name == "firm" else f"{name}{first}" for name in way) for way in errors.cluster)
    known = {"classical": "", "HC2": "vce(hc2)", "HC3": "vce(hc3)"}
    spread = f"vce(cluster {ways})" if ways else known.get(errors.kind, "vce(robust)")
    weight = f" [{'aw' if errors.kind == 'classical' else 'pw'}={weights}{first}]" if weights else ""
    tail = [f"absorb({absorbed})" if absorbed else "", "" if formula.intercept or absorbed else "noconstant", spread]
    after = " ".join(filter(None, tail))
    return (
        f"keep if inlist(year, {first}, {last}); keep firm year {' '.join(used)}; "
        f"reshape wide {' '.join(used)}, i(firm) j(year); {changed}; "
        f"{'reghdfe' if absorbed else 'regress'} d_{outcome} {terms}{weight}{', ' + after if after else ''}"
    )


def in_fixest_iv(
    formula: Formula, outcome: str, instruments: Mapping[str, Sequence[str]], errors: Errors, weights: str | None
) -> str:
    """Return the call of R's fixest for an instrumented regression."""
    exogenous, excluded = _parted(formula, instruments)
    right = " + ".join([*([] if formula.intercept else ["-1"]), *(_term_in_r(term) for term in exogenous)]) or "1"
    effects = f" | {' + '.join(one.label for one in formula.absorbed)}" if formula.absorbed else ""
    first = f"{' + '.join(instruments)} ~ {' + '.join(excluded)}"
    return f"fixest::feols({outcome} ~ {right}{effects} | {first}, data{_weights(weights)}{_cluster(errors)})"


def in_ivreg2(
    formula: Formula, outcome: str, instruments: Mapping[str, Sequence[str]], errors: Errors, weights: str | None,
    indicators: Collection[str] = (),
) -> str:  # fmt: skip
    """Return the command of Stata's ivreg2, of ivreghdfe beside effects; `indicators` enter by their levels."""
    exogenous, excluded = _parted(formula, instruments)
    right = "".join(f" {_term_in_stata(term, indicators)}" for term in exogenous)
    inside = [term for term in formula.terms if term not in exogenous]
    endogenous = " ".join(_term_in_stata(term, indicators) for term in inside)
    excluded = [f"i.{one}" if one in indicators else one for one in excluded]
    # Sampling weights would make classical errors robust; analytic ones give the same coefficients.
    weight = f" [{'aw' if errors.kind == 'classical' else 'pw'}={weights}]" if weights else ""
    ways = " ".join("#".join(way) for way in errors.cluster)
    options = [f"absorb({' '.join('#'.join(one.names) for one in formula.absorbed)})"] if formula.absorbed else []
    options += ["noconstant"] if not formula.intercept and not formula.absorbed else []
    options += [f"cluster({ways})"] if errors.kind == "cluster" else ["robust"] if errors.kind != "classical" else []
    options += ["small"] if errors.kind != "HC0" else []
    command = "ivreghdfe" if formula.absorbed else "ivreg2"
    return f"{command} {outcome}{right} ({endogenous} = {' '.join(excluded)}){weight}, {' '.join(options)}".rstrip(", ")


def _parted(formula: Formula, instruments: Mapping[str, Sequence[str]]) -> tuple[list[Term], list[str]]:
    """Return the exogenous terms, and the instruments, each once."""
    keys = {frozenset(name.split(":")) for name in instruments}
    excluded = dict.fromkeys(name for names in instruments.values() for name in names)
    return [term for term in formula.terms if term.key not in keys], list(excluded)


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
        rule = ", each cell on the firms seen in its two years" if keys["unbalanced"] == "pairwise" else ""
        unbalanced = "allow_unbalanced_panel = TRUE, " if keys["unbalanced"] == "repeated_cross_sections" else ""
        way = "" if errors.cluster == (("firm",),) else f', clustervars = c("{"^".join(errors.cluster[0])}")'
        group = str(keys["control_group"]).replace("_", "")
        return (
            f'did::att_gt("{outcome}", "year", "firm", "g", data{given}{of}, control_group = "{group}", base_period = '
            f'"{keys["base_period"]}", anticipation = {anticipation}, est_method = "{keys["adjustment"]}", '
            f"{unbalanced}bstrap = FALSE, cband = FALSE{way}){rule}"
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
