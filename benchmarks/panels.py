"""Accounts: read, validate, deduplicate, annualise, deflate, lag, link, winsorise; tfplab beside SQL by hand.

    python benchmarks/panels.py [--firms 1400000] [--folder DIR]

Seven years of accounts in one Parquet file, one row in fifty filed twice, some accounting years shorter than twelve
months, a survey of 3,000 firms and deflators by section. Each engine runs in a process of its own, on one thread, from
the files to a table of the panel's columns; counted are the CPU seconds of the whole process (resource.getrusage) and
its peak of resident memory, imports included. The SQL is what somebody would write who wants this panel and nothing
else: it has no ledger, names no row that is wrong and knows no layout. Both panels are compared by the sums of their
columns.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
YEARS = (2017, 2023)
SECTIONS = {"10": "C", "41": "F", "46": "G", "49": "H", "62": "J", "70": "M", "78": "N"}
SPEC = """\
tfplab: 1
title: Benchmark
panel:
  accounts: {files: accounts.parquet, layout: nbb}
  survey: {files: {2021: survey.csv}, layout: eurostat_ict}
  deflators: deflators.csv
  years: [2017, 2023]
  clean:
    filings: latest
    months: [6, 18]
    trim: {of: [turnover, labour], by: [nace, year], quantiles: [0.01, 0.99], action: winsorise}
variables:
  ln_va: log(value_added_real)
  before: lag(ln_va)
"""
SQL = """
CREATE TABLE filed AS
SELECT * EXCLUDE place FROM (
    SELECT ENTNR AS firm, CAST(YEAR AS BIGINT) AS year, SCHEME, NACE, STARTDATE, ENDDATE, DEPOSITDATE,
           R70, R60, R61, R9087, R9086, R22_27,
           row_number() OVER (PARTITION BY ENTNR, ENDDATE ORDER BY DEPOSITDATE DESC) AS place
    FROM read_parquet('{folder}/accounts.parquet') WHERE ENTNR IS NOT NULL AND YEAR BETWEEN 2017 AND 2023)
WHERE place = 1;
CREATE TABLE flows AS
SELECT firm, year, s.section AS nace, months, R70 * 12 / months AS turnover,
       CASE SCHEME WHEN 'VOL' THEN (R70 - R60 - R61) * 12 / months END AS value_added,
       (R60 + R61) * 12 / months AS materials, R9087 AS labour, R9086 AS employees,
       CASE WHEN R22_27 >= 0 THEN R22_27 END AS capital
FROM (SELECT *, round((date_diff('day', CAST(STARTDATE AS DATE), CAST(ENDDATE AS DATE)) + 1) / 30.44) AS months
      FROM filed)
JOIN sections s ON s.division = left(NACE, 2) WHERE months BETWEEN 6 AND 18;
CREATE TABLE bounds AS
SELECT nace, year, quantile_cont(turnover, [0.01, 0.99]) AS t, quantile_cont(labour, [0.01, 0.99]) AS l
FROM flows GROUP BY ALL;
CREATE TABLE panel AS
SELECT *, lag_va AS before FROM (
    SELECT *, CASE WHEN lag(year) OVER w = year - 1 THEN lag(ln_va) OVER w END AS lag_va FROM (
        SELECT f.firm, f.year, f.nace, f.months, f.employees, f.capital, f.materials, f.value_added,
               least(greatest(f.turnover, b.t[1]), b.t[2]) AS turnover,
               least(greatest(f.labour, b.l[1]), b.l[2]) AS labour,
               CASE WHEN f.value_added / d.output > 0 THEN ln(f.value_added / d.output) END AS ln_va,
               f.capital / d.investment AS capital_real, f.materials / d.intermediates AS materials_real,
               s.ENTNR IS NOT NULL AS linked, s.E_AI_TTM AS ai_ttm
        FROM flows f JOIN bounds b USING (nace, year)
        LEFT JOIN read_csv('{folder}/deflators.csv') d ON d.nace = f.nace AND d.year = f.year
        LEFT JOIN read_csv('{folder}/survey.csv', types={{'ENTNR': 'VARCHAR'}}) s ON s.ENTNR = f.firm AND f.year = 2021)
    WINDOW w AS (PARTITION BY firm ORDER BY year)) ORDER BY firm, year;
"""


def write(folder: Path, firms: int) -> None:
    """Write the files."""
    import duckdb

    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    divisions = ", ".join(f"'{two}110'" for two in SECTIONS)
    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(
            f"""COPY (SELECT lpad(CAST(firm AS VARCHAR), 10, '0') AS ENTNR, year AS YEAR, 'VOL' AS SCHEME,
                [{divisions}][1 + firm % {len(SECTIONS)}] AS NACE,
                strftime(make_date(year, 1, 1) + CAST(floor(random() * 60) * (random() < 0.05)::INT AS INTEGER),
                         '%Y-%m-%d') AS STARTDATE,
                strftime(make_date(year, 12, 31), '%Y-%m-%d') AS ENDDATE,
                round(exp(13 + random() * 2)) AS R70, round(exp(11 + random() * 2)) AS R60,
                round(exp(10 + random())) AS R61, round(5 + 40 * random(), 1) AS R9087,
                floor(5 + 40 * random()) AS R9086,
                round(exp(12 + random() * 2)) AS R22_27,
                strftime(make_date(year + 1, 5 + copy, 1), '%Y-%m-%d') AS DEPOSITDATE
            FROM range({firms}) AS f(firm), range({YEARS[0]}, {YEARS[1] + 1}) AS y(year), range(2) AS c(copy)
            WHERE copy = 0 OR (firm * 7 + year) % 50 = 0) TO '{folder}/accounts.parquet' (FORMAT parquet)"""
        )
        connection.execute(
            f"""COPY (SELECT lpad(CAST(firm AS VARCHAR), 10, '0') AS ENTNR, 1.5 AS WEIGHT, firm % 2 AS E_AI_TTM
            FROM range(0, {firms}, {max(firms // 3000, 1)}) AS f(firm)) TO '{folder}/survey.csv' (HEADER)"""
        )
    lines = [f"{section},{year},{0.8 + 0.02 * (year - YEARS[0])},0.9,0.95"
             for section in SECTIONS.values() for year in range(YEARS[0], YEARS[1] + 1)]  # fmt: skip
    (folder / "deflators.csv").write_text(
        "nace,year,output,intermediates,investment\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )


COMPARED = ("turnover", "labour", "ln_va", "before", "capital_real", "materials_real", "linked")


def run_tfplab(folder: Path) -> dict[str, object]:
    """Build the panel by its spec, and sum its columns."""
    sys.path.insert(0, str(ROOT))
    import narwhals as nw

    from panels.assemble import assemble
    from panels.sources import inspect_sources
    from panels.store import Table
    from tfplab.first_gate import make_plan

    plan = make_plan(folder / "spec.yaml").panel
    panel = assemble(plan, inspect_sources(plan), memory_limit="2GB")
    # Summed in the database, as the other is: neither copies the panel into arrays.
    store = panel.store
    assert isinstance(store, Table)
    totals = store.frame().select(
        *(nw.col(store.columns[name].physical).cast(nw.Float64).sum().alias(name) for name in COMPARED)
    )
    sums = dict(zip(COMPARED, store.engine.collect(totals)[0], strict=True))
    return {"rows": panel.n_rows, "sums": sums}


def run_sql(folder: Path) -> dict[str, object]:
    """Build the panel by hand."""
    import duckdb

    config = {"threads": "1", "memory_limit": "2GB", "temp_directory": str(folder / "spill")}
    with duckdb.connect(str(folder / "sql.duckdb"), config=config) as connection:
        pairs = ", ".join(f"('{two}', '{section}')" for two, section in SECTIONS.items())
        connection.execute(f"CREATE TABLE sections AS SELECT * FROM (VALUES {pairs}) AS t(division, section)")
        connection.execute(SQL.format(folder=folder))
        sums = ", ".join(f"sum(CAST({name} AS DOUBLE))" for name in COMPARED)
        count, *found = connection.execute(f"SELECT count(*), {sums} FROM panel").fetchone() or ()
    return {"rows": count, "sums": dict(zip(COMPARED, found, strict=True))}


ENGINES = {"tfplab": run_tfplab, "sql": run_sql}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--firms", type=int, default=1_400_000)
    parser.add_argument("--folder", type=Path, help="where the files are written; kept")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.engine:
        found = ENGINES[arguments.engine](arguments.folder)
        used = resource.getrusage(resource.RUSAGE_SELF)
        found |= {"cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024}
        json.dump(found, sys.stdout)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        write(folder, arguments.firms)
        load, runs = os.getloadavg()[0], {}
        for engine in ENGINES:
            command = [sys.executable, __file__, "--engine", engine, "--folder", str(folder)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            runs[engine] = json.loads(done.stdout)
            for name in ("sql.duckdb", "sql.duckdb.wal"):
                (folder / name).unlink(missing_ok=True)
    ours, theirs = runs["tfplab"], runs["sql"]
    print(f"{ours['rows']:,} rows of the panel; load before the run {load:.2f}, {os.cpu_count()} CPUs")
    for engine, one in runs.items():
        print(f"{engine:8}{one['cpu']:8.1f} CPU s{one['peak']:8.0f} MB")
    apart = max(abs(ours["sums"][name] / theirs["sums"][name] - 1) for name in COMPARED)
    print(f"sums of columns apart by {apart:.1e} at most; rows {ours['rows'] - theirs['rows']:+d}")
    print(f"CPU: {ours['cpu'] / theirs['cpu']:.2f} of SQL by hand (wanted: 1.20 or less); memory wanted: 3,000 MB")


if __name__ == "__main__":
    main()
