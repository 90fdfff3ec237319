from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np

from estimation.results import Failed
from reports.record import dump_record
from tests.reports.published import classical, published_record, spec_facts, wooldridge

COEFFICIENT = ["term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "n_firms"]


def test_the_keys_of_the_language_document() -> None:
    record = published_record()
    assert list(record)[:7] == ["format", "spec", "panel", "productivity", "models", "variants", "figures"]
    assert record["format"] == 1
    assert {"title", "source", "digest", "tables", "figures", "labels", "disclosure"} == set(record["spec"])
    assert list(record["panel"]) == ["rows", "firms", "years", "ledger", "link"]
    assert list(record["panel"]["ledger"][0]) == ["table", "step", "rows_in", "rows_out", "dropped", "reason"]
    group = record["productivity"]["tfp"]["groups"][0]
    needed = {
        "group",
        "rung",
        "coefficients",
        "n_obs",
        "n_firms",
        "j_statistic",
        "j_df",
        "j_p_value",
        "diagnostics",
    }
    assert needed <= set(group)
    assert group["group"] is None
    model = record["models"]["table1"]
    needed = {"design", "status", "reason", "outcome", "n_obs", "n_firms", "coefficients", "stats", "errors"}
    assert needed | {"parts", "sensitivity", "power", "balance", "notes"} <= set(model)
    assert {"kind", "clusters", "df", "small_sample", "tfp_uncertainty"} <= set(model["errors"])
    assert {"r2", "adj_r2", "sigma", "df_resid"} <= set(model["stats"])
    assert list(model["coefficients"][0]) == list(group["coefficients"][0]) == COEFFICIENT


def test_a_failed_model_has_the_same_keys() -> None:
    models = published_record()["models"]
    assert set(models["small"]) == set(models["table1"])
    assert models["small"]["status"] == "failed"
    assert "collinear" in models["small"]["reason"]


def test_failed_productivity_and_figures_have_the_same_keys() -> None:
    whole = published_record()
    failed = [Failed("tfp", "wooldridge", "no lags"), Failed("f", "productivity_density", "no firms")]
    record = published_record(productivity=failed[:1], figures=failed[1:])
    assert set(record["productivity"]["tfp"]) == set(whole["productivity"]["tfp"])
    assert set(record["figures"]["f"]) == set(whole["figures"]["figure9"])
    assert (record["productivity"]["tfp"]["status"], record["figures"]["f"]["reason"]) == (
        "failed",
        "no firms",
    )


def test_elasticities_have_t_or_normal_inference() -> None:
    one = published_record()["productivity"]["tfp"]["groups"][0]["coefficients"][0]
    # df is infinite in the fixture: the interval is the normal's, 1.959964 standard errors to either side.
    assert abs(one["conf_high"] - one["estimate"] - 1.959963984540054 * one["std_error"]) < 1e-12
    assert one["p_value"] == 0.0


def test_only_finite_plain_numbers() -> None:
    model = classical()
    model.coefficients[1] = np.nan
    model.p_values[2] = np.inf
    record = published_record(models=[model])
    text = dump_record(record)
    assert json.loads(text) == record
    assert record["models"]["table1"]["coefficients"][1]["estimate"] is None
    assert record["models"]["table1"]["coefficients"][2]["p_value"] is None
    assert record["productivity"]["tfp"]["groups"][0]["df"] is None
    assert "NaN" not in text
    assert "Infinity" not in text


def test_the_same_bytes_twice() -> None:
    assert dump_record(published_record()) == dump_record(published_record())


def test_floats_to_their_last_digit() -> None:
    text = dump_record(published_record())
    p_value = json.loads(text)["models"]["table1"]["coefficients"][-1]["p_value"]
    assert p_value == classical().p_values[-1]


def test_without_tables_there_is_one_of_all_models() -> None:
    record = published_record(spec=spec_facts(tables={}))
    assert record["spec"]["tables"] == {"models": {"models": ["table1", "table1_robust", "small"]}}


def test_groups_are_written_with_their_levels() -> None:
    record = published_record(productivity=[wooldridge(group=(("nace", "C"),))])
    assert record["productivity"]["tfp"]["groups"][0]["group"] == {"nace": "C"}


def test_a_run_of_failures_alone_can_be_written() -> None:
    record: dict[str, Any] = published_record(models=[Failed("m", "cross_section", "why")], figures=[])
    assert record["models"]["m"]["coefficients"] == []


def test_reading_and_printing_load_no_numerical_library() -> None:
    # `tfplab table RUN` must answer at once.
    code = (
        "import sys, reports.bundle, reports.build, reports.formats.registry; "
        "print(sorted({'numpy', 'pandas', 'scipy', 'matplotlib', 'duckdb'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
