"""The keys that productivity estimators share."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainSerializer, PlainValidator, TypeAdapter, WithJsonSchema, model_validator

from estimation.productivity.moments import Roles
from specs.fields import ColumnName, Columns, ExpressionField, OptionsModel, mistake

__all__ = ["ControlFunctionOptions", "ProductionFunctionOptions", "SeparatelyBy", "some"]


def _separately_by(value: Any) -> tuple[str, ...]:
    return () if value == "none" else TypeAdapter(Columns).validate_python(value)


SeparatelyBy = Annotated[
    tuple[str, ...],
    PlainValidator(_separately_by),
    PlainSerializer(lambda columns: list(columns) or "none"),
    WithJsonSchema({"anyOf": [{"const": "none"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""``none`` (an empty tuple), or columns from fine to coarse."""


def some(options: OptionsModel, *keys: str) -> None:
    """Raise a mistake where a list of columns is empty."""
    for key in keys:
        if not getattr(options, key):
            raise mistake("an empty list", f"{key} names at least one column", path=(key,))


class ProductionFunctionOptions(OptionsModel):
    """A Cobb-Douglas production function in logs.

    Attributes
    ----------
    output : str
        Log value added.
    free, state : tuple of str
        Logs of the inputs chosen in the year (labour), and of those chosen before it (capital).
    controls : tuple of str
        Numbers enter as they are; text and the year as indicators. They are not subtracted from TFP.
    where : Expression or None
        The rows that the estimate rests on.
    """

    output: ColumnName
    free: Columns
    state: Columns
    controls: Columns = ()
    where: ExpressionField | None = None

    @property
    def roles(self) -> Roles:
        """Which columns play which part."""
        return Roles(self.output, self.free, self.state, None, self.controls, 0)

    @model_validator(mode="after")
    def _each_column_has_one_part(self) -> Self:
        some(self, "free", "state")
        seen = {self.output: "output"}
        for key in ("free", "state", "proxy", "controls"):
            names = getattr(self, key, ())
            for index, name in enumerate((names,) if isinstance(names, str) else names):
                if name in seen:
                    path: tuple[str | int, ...] = (key,) if isinstance(names, str) else (key, index)
                    raise mistake(f'the column "{name}" is {seen[name]} already', "a column has one part", path=path)
                seen[name] = key
        return self


class ControlFunctionOptions(ProductionFunctionOptions):
    """A production function whose unobserved productivity is a polynomial in (state, proxy).

    Attributes
    ----------
    proxy : str
        Log materials: rises with productivity, given the state.
    degree : int
        Total degree of the polynomial, 1 to 4.
    steps : int
        1, or 2 with the efficient weight. The same where the system is just identified.
    sample : str
        ``common``: rows with a lag in both equations; ``all``: every row in the first.
    gmm_weights : str
        ``cluster`` by firm, ``robust`` or ``unadjusted``: in the second step's weight and in the covariance.
    tfp_from : str
        ``residual`` y - l bl - k bk, or ``control_function`` C lambda1 - k bk, without the transitory error.
    separately_by : tuple of str
        Columns from fine to coarse; empty for one technology.
    min_firms : int
        Firms that a group needs for two steps.
    """

    proxy: ColumnName
    degree: Annotated[int, Field(ge=1, le=4)] = 3
    steps: Annotated[int, Field(ge=1, le=2)] = 2
    sample: Literal["common", "all"] = "common"
    gmm_weights: Literal["cluster", "robust", "unadjusted"] = "cluster"
    tfp_from: Literal["residual", "control_function"] = "residual"
    separately_by: SeparatelyBy = ()
    min_firms: Annotated[int, Field(ge=2)] = 50

    @property
    def roles(self) -> Roles:
        """Which columns play which part."""
        return Roles(self.output, self.free, self.state, self.proxy, self.controls, self.degree)
