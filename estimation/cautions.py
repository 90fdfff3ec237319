"""What the diagnostics of an estimate oblige to say aloud, under the table and not only beside it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["cautions"]

# Staiger and Stock's (1997) rule of thumb.
WEAK = 10
# Polynomials bend at the edges of the data: some rows fall the wrong way where nothing is wrong.
MONOTONE = 0.95
# What C(t) leaves of a free input, as a share of its variance: below, equation 1 has nothing to go by.
DEPENDENT = 0.01


def cautions(diagnostics: Mapping[str, float | None]) -> tuple[str, ...]:
    """Return a sentence for each sign that an estimate's conditions do not hold.

    Parameters
    ----------
    diagnostics : mapping of str to float or None
        By their names in ``run.json``.
    """
    said = []
    names = {"first_stage_f": "first-stage F", "sanderson_windmeijer_f": "conditional first-stage F"}
    weak = [
        f"the smallest {name} is {value:.1f}"
        for key, name in names.items()
        if (value := diagnostics.get(key)) is not None and value < WEAK
    ]
    if weak:
        said.append(
            f"weak instruments: {' and '.join(weak)}, below {WEAK}; neither the elasticities nor their errors can be "
            "relied on (Staiger and Stock, 1997)"
        )
    anchor = diagnostics.get("anchor_first_stage_f")
    if anchor is not None and anchor < WEAK:
        said.append(
            "the root was chosen by an equation that hardly knows the elasticities: the smallest first-stage F of "
            f"Wooldridge's second equation (wlp) is {anchor:.1f}, below {WEAK}. Nothing in the data prefers this root "
            "to the others; write start: [...], an elasticity for each input that you can defend, and set the roots "
            "beside each other"
        )
    rises = diagnostics.get("share_phi_rises_in_proxy")
    if rises is not None and rises < MONOTONE:
        said.append(
            f"the control function falls in the proxy in {100 * (1 - rises):.1f} per cent of the rows, where it should "
            "rise with productivity: is the proxy chosen freely, and measured without zeros and gaps? Another degree, "
            "or another proxy, tells whether it matters"
        )
    own = diagnostics.get("acf_one_minus_r2")
    if own is not None and own < DEPENDENT:
        said.append(
            f"the state, the proxy and the controls explain {100 * (1 - own):.1f} per cent of a free input: equation 1 "
            "can hardly tell it from productivity (Ackerberg, Caves and Frazer, 2015); set wlp or "
            "ackerberg_caves_frazer beside it"
        )
    p_value = diagnostics.get("survival_excluded_p_value")
    if p_value is not None and p_value > 0.05:
        said.append(
            f"the columns of survival.on do not move exit (likelihood ratio, p = {p_value:.2f}): the correction rests "
            "on the form of the probit alone"
        )
    return tuple(said)
