"""What `stats` of a difference-in-differences repeats of an average that is withheld."""

from __future__ import annotations

import numpy as np

from estimation.designs.did import Options, fit
from reports.record import dump_record
from tests.estimation.rows import selection
from tests.reports.published import published_record, spec_facts


def test_an_average_that_is_withheld_stands_nowhere_else() -> None:
    """Five treated firms of sixty: neither the average, in words and stats, nor what follows from its error."""
    firm, year = np.repeat(np.arange(60), 3), np.tile([2019, 2020, 2021], 60)
    y = np.random.default_rng(4).normal(size=180)
    rows = selection({"y": y, "cohort": np.where(firm < 5, 2021.0, np.nan)}, firm, year)
    options = {"outcome": "y", "adoption": {"cohort": "cohort"}, "estimator": ("twfe", "imputation")}
    found = fit("effect", Options.model_validate(options), rows, None)
    reported = published_record(
        spec=spec_facts(disclosure={"minimum_firms": 10, "on_breach": "report"}), models=[found]
    )
    suppressed = published_record(
        spec=spec_facts(disclosure={"minimum_firms": 10, "on_breach": "suppress"}), models=[found]
    )
    stats = reported["models"]["effect"]["stats"]
    hidden = suppressed["models"]["effect"]["stats"]
    for key in ("minimum_detectable_effect", "common_twfe", "common_imputation"):
        assert f"{stats[key]:.6f}"[:8] in dump_record(reported)
        assert hidden[key] is None
        assert f"{stats[key]:.6f}"[:8] not in dump_record(suppressed)
    assert hidden["spread_in_std_errors"] == stats["spread_in_std_errors"]
    for part in suppressed["models"]["effect"]["parts"]:
        assert part["stats"].get("minimum_detectable_effect") is None
