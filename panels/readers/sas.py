"""SAS's files: data sets (``.sas7bdat``), compressed or not, and transport files (``.xpt``)."""

from __future__ import annotations

from panels.readers.files import DataFile, Header, Reader
from panels.readers.statistical import Statistical
from panels.readers.transport import cut_off

__all__ = ["DATA_SET", "TRANSPORT"]

_DATETIMES = r"(DATETIME|DATEAMPM|DTDATE|DTMONYY|DTWKDATX|DTYEAR|DTYYQC|[BE]8601D[TNXZ]|IS8601DT|NLDATM|MDYAMPM)"
_DATES = (
    r"(DATE|DAY|DDMMYY|MMDDYY|YYMMDD|MMYY|YYMM|YYQ|MONYY|MONTH|YEAR|QTR|JULIAN|JULDAY|WORDDAT|WEEKDAT|DOWNAME|"
    r"[BE]8601DA|IS8601DA|NLDATE|EUR(DF|DF)|PDJULG|MINGUO|NENGO)"
)
# Formats of dates and times begin with DATE as well: they are looked for first.
FORMATS = {_DATETIMES: "seconds", _DATES: "days"}


def line(file: DataFile, header: Header, row: int) -> str:
    """Return the number of the observation."""
    return f"observation {row}"


_SET = Statistical("a SAS file", "read_sas7bdat", FORMATS)
_PORT = Statistical("a SAS transport file", "read_xport", FORMATS, cut_off=cut_off)

DATA_SET = Reader("SAS", (".sas7bdat",), _SET.inspect, _SET.scan, line, ("encoding",))
TRANSPORT = Reader("SAS transport", (".xpt",), _PORT.inspect, _PORT.scan, line, ("encoding",))
