"""Years of days against the calendar of Python."""

from __future__ import annotations

from datetime import date, timedelta

import narwhals as nw
import pandas as pd

from panels.days import first_day, first_of_june, with_year

START = date(1970, 1, 1)


def test_every_day_of_two_centuries() -> None:
    frame = nw.from_native(pd.DataFrame({"day": [float(day) for day in range(-40_000, 60_000)]}))
    found = with_year(frame.lazy(), "day", "year").with_columns(
        first_day(nw.col("year")).alias("first"), first_of_june(nw.col("year")).alias("june")
    )  # fmt: skip
    table = nw.to_native(found.collect())
    days = [START + timedelta(int(day)) for day in table["day"]]
    assert table["year"].tolist() == [one.year for one in days]
    assert table["first"].tolist() == [(date(one.year, 1, 1) - START).days for one in days]
    assert table["june"].tolist() == [(date(one.year, 6, 1) - START).days for one in days]
