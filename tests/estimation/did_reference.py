"""Estimates on the reference panel set against those of R's did."""

from __future__ import annotations

from typing import Any

import pytest

from estimation.designs.did import Options, fit
from estimation.results import Estimates, ModelPart
from panels.frame import Selection
from tests.estimation.rows import did_numbers, did_panel

# Means and least squares agree to rounding; a logit's coefficients are R's `glm`, which stops at 1e-8 of the deviance.
EXACT, LOGIT = 1e-12, 1e-8
COVARIATES = ("size_idx", "age0", "nace")
ALL = ("simple", "event", "group", "calendar")


def estimate(rows: Selection | None = None, **keys: Any) -> Estimates:
    keys = {"outcome": "ln_tfp", "adoption": {"cohort": "cohort"}, **keys}
    return fit("m", Options.model_validate(keys), did_panel() if rows is None else rows, None)


def part(found: Estimates, name: str) -> ModelPart:
    return next(one for one in found.parts if one.estimator == name)


def printed(found: Estimates | ModelPart) -> dict[str, tuple[float, float]]:
    errors = found.std_errors if isinstance(found, Estimates) else found.inference.std_errors
    return dict(zip(found.terms, zip(found.coefficients.tolist(), errors.tolist(), strict=True), strict=True))


def same_as_did(block: str, name: str, unbalanced: str, errors: float | None = None) -> None:
    """Every group-time effect, every average and the pre-test of one setting; `errors` is how far errors may lie from
    R's, as a share, where R's are known to be off.
    """
    expected = did_numbers()[block][name]
    parts = name.split("|")
    weighted, parts = parts[0] == "weighted", parts[parts[0] == "weighted" :]
    found = estimate(
        covariates=COVARIATES if parts[0] == "cov" else (), adjustment=parts[1], base_period=parts[3], aggregate=ALL,
        control_group={"nevertreated": "never_treated", "notyettreated": "not_yet_treated"}[parts[2]],
        anticipation=int("anticipation1" in parts), weights="weight" if weighted else None, unbalanced=unbalanced,
    )  # fmt: skip
    close = EXACT if parts[0] == "nocov" or parts[1] == "reg" else LOGIT
    cells = printed(part(found, "callaway_santanna, cells"))
    theirs = {
        f"att[{group},{year}]": (att, error)
        for group, year, att, error in zip(*(expected[key] for key in ("group", "t", "att", "se")), strict=True)
        if error is not None
    }
    assert cells.keys() == theirs.keys()
    averages = {"aggte_simple": "att[simple]", "aggte_dynamic": "att[event]", "aggte_group": "att[group]",
                "aggte_calendar": "att[calendar]"}  # fmt: skip
    ours = printed(found)
    for key, term in averages.items():
        theirs[term] = expected[key]["overall_att"], expected[key]["overall_se"]
        level = {"aggte_dynamic": "event[{}]", "aggte_group": "att[group={}]", "aggte_calendar": "att[calendar={}]"}
        if key in level:
            for one, att, error in zip(*(expected[key][of] for of in ("egt", "att_egt", "se_egt")), strict=True):
                if error is not None:
                    theirs[level[key].format(one)] = att, error
    assert (cells | ours).keys() == theirs.keys()
    for term, values in (cells | ours).items():
        assert values[0] == pytest.approx(theirs[term][0], abs=close), term
        limits = {"abs": close} if errors is None else {"rel": errors}
        assert values[1] == pytest.approx(theirs[term][1], **limits), term
    assert found.n_firms == expected["n_units"]
    if "anticipation1" in parts:
        # R tests the years in which effects may already have begun along with those before.
        assert found.stats["pretest_df"] == 9
        return
    if errors is not None:
        return
    # The inverse of the covariance magnifies what a logit leaves.
    assert found.stats["pretest_chi2"] == pytest.approx(expected["wald_pretest"], rel=1e-10 if close == EXACT else 1e-5)
    assert found.stats["pretest_p"] == pytest.approx(expected["wald_p"], abs=1e-5)
