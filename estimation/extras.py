"""What may be asked of a productivity estimate beside its column. No NumPy here: the plan reads it."""

from __future__ import annotations

from typing import Literal

__all__ = ["Extras"]

Extras = Literal["", "elasticities", "transitory"]
"""Nothing; the elasticity of every row by input (figures); these and the transitory error y - Phi of every row
(markups), which needs the parameters of the control function among the estimate's own."""
