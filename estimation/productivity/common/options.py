"""The keys that productivity estimators share."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainSerializer, PlainValidator, TypeAdapter, WithJsonSchema, model_validator

from estimation.productivity.common.moments import Roles
from specs.fields import COLUMNS, ColumnName, Columns, ExpressionField, OptionsModel, mistake

__all__ = [
    "ControlFunctionOptions",
    "ProductionFunctionOptions",
    "SeparatelyBy",
    "SurvivalOptions",
    "SystemOptions",
    "Technology",
    "some",
]


def _separately_by(value: Any) -> tuple[str, ...]:
    if value == "none":
        return ()
    found = TypeAdapter(Columns).validate_python(value)
    if "none" in found:
        index = found.index("none")
        raise mistake(
            '"none" in a list', "it is no column", "write separately_by: none for one technology", path=(index,)
        )
    return found


SeparatelyBy = Annotated[
    tuple[str, ...],
    PlainValidator(_separately_by),
    PlainSerializer(lambda columns: list(columns) or "none"),
    WithJsonSchema({"anyOf": [{"enum": ["none"], "errorMessage": COLUMNS["errorMessage"]}, COLUMNS]}),
]
"""``none`` (an empty tuple), or columns from fine to coarse."""


Technology = Literal["cobb_douglas", "translog"]
"""The production function's form."""


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
        for key in ("free", "state", "proxy", "instruments", "markov", "controls", "weights"):
            names = getattr(self, key, None) or ()
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

    @property
    def corrected(self) -> bool:
        """Whether the covariance of two steps has Windmeijer's correction."""
        return False

    @property
    def survival_degree(self) -> int:
        """The degree of the polynomial in the probit of survival."""
        return 1


class SurvivalOptions(OptionsModel):
    """The probability that a firm survives to the next year, an input of the polynomial of t-1.

    Attributes
    ----------
    on : tuple of str
        Columns that move exit and stand in no other part: investment, age.
    exit : str or None
        A flag that is 1 in a firm's last year; None takes the last row that the panel has of it.
    degree : int
        Of the polynomial in the probit's index.
    """

    on: Columns = ()
    exit: ColumnName | None = None
    degree: Annotated[int, Field(ge=1, le=4)] = 2


class SystemOptions(ControlFunctionOptions):
    """What the linear systems of Wooldridge's kind can have beside the keys of all control functions.

    Attributes
    ----------
    technology : str
        ``cobb_douglas`` or ``translog``.
    markov : tuple of str
        Columns observed every year that move the process of productivity (De Loecker, 2013).
    markov_timing : str
        ``lagged``: their value of t-1 moves productivity in t. ``current``: that of t as well, decided before the
        year's surprise.
    survival : SurvivalOptions or None
    weights : str or None
        A column of sampling weights.
    """

    technology: Technology = "cobb_douglas"
    markov: Columns = ()
    markov_timing: Literal["lagged", "current"] = "lagged"
    survival: SurvivalOptions | None = None
    weights: ColumnName | None = None

    @property
    def roles(self) -> Roles:
        """Which columns play which part."""
        return Roles(
            self.output,
            self.free,
            self.state,
            self.proxy,
            self.controls,
            self.degree,
            translog=self.technology == "translog",
            markov=self.markov,
            markov_current=bool(self.markov) and self.markov_timing == "current",
            prices=getattr(self, "instruments", ()),
            survival=None if self.survival is None else self.survival.on,
            exit=None if self.survival is None else self.survival.exit,
            weights=self.weights,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that the estimate needs."""
        roles = self.roles
        return tuple(dict.fromkeys((*roles.columns, *roles.behind_survival, *self.separately_by)))

    @property
    def survival_degree(self) -> int:
        """The degree of the polynomial in the probit of survival."""
        return 1 if self.survival is None else self.survival.degree

    @model_validator(mode="after")
    def _timing_is_of_a_process(self) -> Self:
        if "markov_timing" in self.model_fields_set and not self.markov:
            raise mistake(
                "markov_timing without markov",
                "it dates the columns of markov, and there are none",
                "leave it out, or write markov_timing: null where like copies it",
                path=("markov_timing",),
                at_key=True,
            )
        return self

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.technology == "translog" and self.degree < 2:
            raise mistake(
                "a polynomial of degree 1 beside a translog",
                "squares of the states stand in the production function, so they must stand in the control function",
                "write degree: 3",
                path=("degree",),
            )
        if self.survival is not None:
            self._survival_is_outside(self.survival)
            if self.gmm_weights != "cluster":
                raise mistake(
                    f"gmm_weights: {self.gmm_weights} with a survival correction",
                    "the probit's part in the moments is by firm",
                    "leave gmm_weights out",
                    path=("gmm_weights",),
                )
        return self

    def _survival_is_outside(self, survival: SurvivalOptions) -> None:
        if not survival.on:
            raise mistake(
                "a survival correction that rests on no column of its own",
                "a probability made of what stands in C(t-1) is spanned by C(t-1) and corrects nothing",
                "write survival: {on: [ln_investment]} or another column that moves exit",
                path=("survival",),
            )
        for index, name in enumerate(survival.on):
            if name in (self.output, *self.free):
                raise mistake(
                    f'"{name}" is {"the output" if name == self.output else "a free input"} already',
                    "the probability of survival must rest on a column that stands nowhere else",
                    "name another one: investment, age",
                    path=("survival", "on", index),
                )
        held = {*self.state, self.proxy, *self.markov, *self.controls, *getattr(self, "instruments", ())}
        for index, name in enumerate(survival.on):
            if name in held:
                raise mistake(
                    f'"{name}" stands in C(t-1) already',
                    "the probability of survival must rest on a column outside it, else it is spanned",
                    "name another one: investment, age",
                    path=("survival", "on", index),
                )
