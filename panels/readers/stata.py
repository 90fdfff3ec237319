"""Stata's files, of any version since 8. Value labels stay aside: a column of codes is a column of numbers."""

from __future__ import annotations

from panels.readers.files import DataFile, Header, Reader
from panels.readers.statistical import Statistical

__all__ = ["READER"]

# %td and its older name %d count days, %tc and %tC milliseconds. Months, quarters and years (%tm, %tq, %ty) are no
# days: they stay the numbers that they are.
FORMATS = {r"%-?T?D": "days", r"%-?TC": "milliseconds"}
FORMAT = Statistical("a Stata file", "read_dta", FORMATS, {b"<stata_dta>": b"</stata_dta>"})


def line(file: DataFile, header: Header, row: int) -> str:
    """Return the number of the observation."""
    return f"observation {row}"


READER = Reader("Stata", (".dta",), FORMAT.inspect, FORMAT.scan, line, ("encoding",))
