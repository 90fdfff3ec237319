"""The commands, a file each: its words, and what it does. Help lists them in this order."""

from __future__ import annotations

from tfplab.commands import check, demo, editor, explain, new, panel, run, schema, table, upgrade

__all__ = ["COMMANDS"]

COMMANDS = (demo, new, check, explain, panel, run, table, upgrade, schema, editor)
"""Modules with ``add(commands)``, which makes the parser of a command and names the function that runs it."""
