"""The equations of a difference-in-differences show every key that changes what is estimated."""

from __future__ import annotations

from typing import Any

from estimation.designs.did import Options, equations
from estimation.designs.did_keys import ESTIMATORS as NAMES

WAVES = {"indicator": "ai", "waves": [2021, 2023]}


def lines(**keys: Any) -> list[str]:
    options = Options.model_validate({"outcome": "y", "adoption": {"cohort": "g"}, **keys})
    return equations(options).split("\n")


def test_the_defaults() -> None:
    assert lines() == [
        "att[g,t] = E[y(t) - y(g - 1) | cohort g] - E[the same | never treated]",
        "averages weigh cohorts by their firms; their influence functions count that",
        "V = c sum over clusters of s_j s_j', s_j the sum of psi_i by firm; c = 1 and the normal",
        "psi_i gains T(dw/dtheta) psi_theta,i where the spec estimated the outcome",
    ]


def test_covariates_effects_and_weights_stand_where_they_enter() -> None:
    found = lines(estimator=NAMES, covariates=("x", "z"), effects=("nace^year", "region^year"), weights="w",
                  control_group="not_yet_treated", anticipation=1)  # fmt: skip
    beside = "x(base) c(year) + z(base) c(year)"
    effects = "a(nace, year) + a(region, year)"
    assert found[0] == (
        "att[g,t] = E[y(t) - y(g - 2) | cohort g] - E[the same | not treated by t + 1], "
        "dr given x, z in the base period"
    )
    assert (
        f"y_it = a(firm) + {effects} + {beside} + e_it on untreated rows; effects are averages of y less that fit"
        in found
    )
    assert f"y_it = b 1[t >= g - 1] + a(firm) + {effects} + {beside} + e_it" in found
    assert f"y_it = sum of b_k 1[t - g = k] + a(firm) + {effects} + {beside} + e_it, k other than -2" in found
    stacked = next(line for line in found if "a stack is" in line)
    assert "a(nace, year, stack) + a(region, year, stack) + x(base) c(year, stack)" in stacked
    assert "firms weigh w" in found
    errors = next(line for line in found if line.startswith("V ="))
    assert errors.endswith(
        "c = 1 and the normal (callaway_santanna, imputation); c = G/(G-1) x (N-1)/(N-K) and t(G-1) (sun_abraham, "
        "stacked, event_study, twfe)"
    )
    assert lines(estimator="twfe")[1].endswith("by firm; c = G/(G-1) x (N-1)/(N-K) and t(G-1)")


def test_between_waves_the_gap_is_shown() -> None:
    found = lines(adoption=WAVES)
    assert found[0] == (
        "g = 2023, the wave of the first yes; adoption lies after the base year, years g - 2 to g - 1 (2021 to 2022) "
        "are unsure and left out; the base year g - 3 is 2020"
    )
    assert found[1].startswith("att[g,t] = E[y(t) - y(g - 3) | cohort g]")
    nearer = lines(adoption={**WAVES, "base_year": 2021})
    assert "years g - 1 (2022) are unsure and left out; the base year g - 2 is 2021" in nearer[0]
    three = lines(adoption={"indicator": "ai", "waves": [2019, 2021, 2023]})
    assert three[0].endswith("after the base year, years g - 2 to g - 1 are unsure and left out")
    assert lines(adoption={**WAVES, "dating": "late"})[0].startswith("att[g,t] = E[y(t) - y(g - 1)")


def test_short_differences_are_told() -> None:
    assert "before the base period, g - 1, each year against the one before it" in lines(base_period="varying")
    assert not any("psi_theta" in line for line in lines(tfp_uncertainty="ignore"))


def test_who_is_compared_and_weighed_is_told() -> None:
    assert "each mean is of the firms that are seen in its year: repeated cross-sections" in lines(
        unbalanced="repeated_cross_sections"
    )
    found = lines(attrition={"covariates": ("x", "z")}, split={"by": "size"}, balance_event=2)
    assert "kept firms weigh 1/p, p the logit of being kept on x, z in the base year" in found
    assert "the same on the firms of each size of the base year" in found
    assert "event[k], k up to 2: of the cohorts that have each k from 0 to there" in found
