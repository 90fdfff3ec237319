"""The text of ``run.json``; apart from its building, so that reading a bundle loads no numerical library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["FORMAT", "dump_record"]

#: The version of the record's shape.
FORMAT = 1


def dump_record(record: Mapping[str, Any]) -> str:
    """Return the text of ``run.json``: the same bytes for the same record, floats to their last digit."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
