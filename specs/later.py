"""Keys that the spec language knows and this version does not have yet: refused by name, never ignored."""

from __future__ import annotations

__all__ = ["LATER_KEYS"]

LATER_KEYS = frozenset({
    # the whole spec
    "extends", "variants",
    # the panel
    "register",
    # models
    "adjustment", "adoption", "add_controls", "aggregate", "anticipation", "at_end", "attrition", "balance",
    "base_period", "control_group", "covariates", "difference", "effects", "estimator", "family",
    "instruments", "placebo", "power", "quantiles", "sensitivity", "split", "test", "unbalanced", "window",
})  # fmt: skip
"""A model that has one of these keys of its own (``trim`` has ``quantiles``) simply knows it."""
