"""The keys of the index numbers: which column holds the share of which input in output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from estimation.productivity.common.moments import Roles
from estimation.productivity.common.options import SeparatelyBy, some
from specs.fields import ColumnName, Columns, ExpressionField, OptionsModel, mistake

__all__ = ["ShareOptions"]


class ShareOptions(OptionsModel):
    """A technology with constant returns whose elasticities are the shares of inputs in output.

    Attributes
    ----------
    output : str
        Log value added.
    free, state : tuple of str
        Logs of the inputs.
    shares : mapping of str to str
        By input, the column with its cost over output, between 0 and 1. One state has none: it takes the rest.
    where : Expression or None
        The rows that the averages rest on.
    separately_by : tuple of str
        Columns from fine to coarse; empty for one technology.
    min_firms : int
        Firms that a group needs.
    """

    output: ColumnName
    free: Columns
    state: Columns
    shares: Mapping[ColumnName, ColumnName]
    where: ExpressionField | None = None
    separately_by: SeparatelyBy = ()
    min_firms: Annotated[int, Field(ge=2)] = 10

    @property
    def roles(self) -> Roles:
        """Which columns play which part; the shares are none of the production function's."""
        return Roles(self.output, self.free, self.state, None, (), 0)

    @property
    def rest(self) -> str:
        """The state without a share of its own."""
        return next(name for name in self.state if name not in self.shares)

    @property
    def share_columns(self) -> tuple[str, ...]:
        """The columns of the shares, in the order of the inputs."""
        return tuple(self.shares[name] for name in (*self.free, *self.state) if name in self.shares)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, each once."""
        return tuple(dict.fromkeys((self.output, *self.free, *self.state, *self.share_columns, *self.separately_by)))

    @model_validator(mode="after")
    def _one_state_takes_the_rest(self) -> Self:
        some(self, "free", "state")
        inputs = (*self.free, *self.state)
        seen: dict[str, str] = {self.output: "output"}
        for key in ("free", "state"):
            for index, name in enumerate(getattr(self, key)):
                if name in seen:
                    what = f'the column "{name}" is {seen[name]} already'
                    raise mistake(what, "a column has one part", path=(key, index))
                seen[name] = key
        for name, column in self.shares.items():
            if name not in inputs:
                what, there_are = f'"{name}" is no input', f"the inputs are {', '.join(inputs)}"
                raise mistake(what, "", there_are, path=("shares", name), at_key=True)
            if column in seen:
                what = f'the column "{column}" is {seen[column]} already'
                raise mistake(what, "a share is cost over output, no log", path=("shares", name))
        without = [name for name in inputs if name not in self.shares]
        if not without:
            raise mistake(
                "every input has a share",
                "one state takes what the others leave, under constant returns",
                f"leave out {self.state[-1]}",
                path=("shares",),
            )
        if len(without) > 1 or without[0] in self.free:
            lacking = [name for name in without if name in self.free] or list(without)
            raise mistake(
                f"no share of {', '.join(lacking)}",
                "every input has one but for one state, which takes the rest",
                f"write shares: {{{lacking[0]}: the column with its cost over output}}",
                path=("shares",),
            )
        return self
