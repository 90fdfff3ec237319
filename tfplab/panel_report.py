"""``tfplab panel``: the panel of a spec, described, without estimating anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from panels.describe import describe_columns, describe_years
from panels.distributions import SHARES, describe_distributions
from panels.frame import FirmPanel
from panels.link_columns import LINK_STATUS
from panels.waves import adoption_intervals, wave_pairs
from reports.folder import check_folder, write_folder
from reports.ledger_disclosure import shown_ledger
from reports.link_disclosure import shown_linkage
from reports.panel_disclosure import shown_panel
from reports.panel_page import panel_files
from specs.fields import in_english
from tfplab.plan import Plan
from tfplab.provenance import digest_inputs, environment
from tfplab.runner import Watcher, build_panel
from tfplab.sources import input_files

__all__ = ["write_panel_report"]

INDICATOR = "ai"
"""Whose transitions are shown: any of the technologies that all waves share."""


def write_panel_report(plan: Plan, output: Path, watcher: Watcher) -> Path:
    """Build the panel and write its ledger, link counts and descriptive tables.

    Parameters
    ----------
    plan : Plan
    output : Path
        A new or empty folder, or an earlier panel report.
    watcher : Watcher

    Returns
    -------
    Path
        The page.

    Raises
    ------
    SpecError
        If the files or their values are not as the spec says; nothing is written.
    BundleError
        If the folder holds something else.
    """
    check_folder(output, "panel")
    watcher.step("building the panel")
    panel = build_panel(plan, watcher)
    watcher.step("describing the panel")
    minimum = plan.spec.disclosure.minimum_firms
    linkage = shown_linkage(panel.linkage, minimum) if panel.linkage is not None else None
    record: dict[str, Any] = {
        "spec": {"labels": plan.spec.labels},
        "panel": {
            "rows": panel.n_rows,
            "firms": panel.n_firms,
            "years": list(panel.years),
            "ledger": shown_ledger(panel.ledger.plain(), linkage, minimum),
        },
        "linkage": linkage,
        **_described(panel, linkage, minimum),
        "waves": _waves(panel),
        "strata": [asdict(one) for one in panel.ledger.strata],
        "distribution_shares": list(SHARES),
        "minimum_firms": minimum,
    }
    manifest = {
        "inputs": digest_inputs(input_files(plan.spec)),
        **environment(),
    }
    title = in_english(plan.spec.title) or plan.path.stem
    write_folder(output, "panel", panel_files(record, title, manifest), manifest)
    return output / "panel.html"


def _described(panel: FirmPanel, linkage: Mapping[str, Any] | None, minimum: int) -> dict[str, Any]:
    columns, nestings = describe_columns(panel, minimum)
    # The reason codes have a table of their own: counts of those that `where` left would be the difference of two.
    own = [one for one in columns if one.name != LINK_STATUS.name]
    distributions = describe_distributions(panel, minimum)
    return shown_panel(own, nestings, describe_years(panel), distributions, linkage, minimum)


def _waves(panel: FirmPanel) -> dict[str, Any]:
    """Return what the survey's waves have in common; empty without a survey or an item ``ai``."""
    respondents = panel.respondents
    if respondents is None or INDICATOR not in respondents.columns:
        return {}
    dated = adoption_intervals(respondents, INDICATOR)
    return {
        "indicator": INDICATOR,
        "years": list(respondents.years),
        "pairs": [asdict(one) for one in wave_pairs(respondents, INDICATOR)],
        "adoption": dated.counts,
    }
