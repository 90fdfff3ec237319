"""The formats of ``explain``: a module each, with `render(account)`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from specs.errors import TfplabError
from tfplab.explaining.account import Account

__all__ = ["FORMATS", "render"]

FORMATS: Mapping[str, str] = {"text": "text", "latex": "latex", "html": "html"}
"""A name of the command line, and the module that writes it."""


def render(account: Account, name: str) -> str:
    """Return the account in a format, a whole document that ends with a line's end.

    Parameters
    ----------
    account : Account
    name : str
        Of `FORMATS`.

    Raises
    ------
    TfplabError
        If there is no such format.
    """
    if name not in FORMATS:
        raise TfplabError(f'"{name}" is no format of explain; there are: {", ".join(FORMATS)}')
    written: str = import_module(f"tfplab.explaining.{FORMATS[name]}").render(account)
    return written.rstrip("\n") + "\n"
