"""The probit of `estimation.binary_response`, as the correction for exit and its draws use it."""

from __future__ import annotations

from functools import partial

from estimation.binary_response import LINKS, SeparationError, binary_response
from estimation.binary_response import BinaryFit as ProbitFit

__all__ = ["ProbitFit", "SeparationError", "probit"]

probit = partial(binary_response, LINKS["probit"])
"""``probit(x, outcome, weights=None, start=None)``: see `binary_response`."""
