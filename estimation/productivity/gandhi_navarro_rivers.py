"""Gandhi, Navarro and Rivers (2020): gross output, with the flexible input's elasticity from its revenue share.

With y log gross output, l free inputs, k states, m the flexible input, s the log of its share in revenue,

    y = f(l, k, m) + w + e,    w(t) = g(w(t-1)) + d(t) delta + xi(t),
    s = ln(E D(l, k, m)) - e,  D = df/dm, E = E[exp(e)]                       (first-order condition of m)

the share equation identifies D, E and e; f is the integral of D over m and a function of (l, k) alone, which the
second stage finds: xi(t) is orthogonal to the monomials of (l(t-1), k(t)). As many moments as coefficients.

References
----------
Gandhi, A., Navarro, S. and Rivers, D. A. (2020). On the identification of gross output production functions. Journal
of Political Economy 128(8), 2973-3016. Equations (11) to (21).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from estimation.extras import Extras
from estimation.productivity.common.moments import Roles
from estimation.productivity.common.options import SeparatelyBy, some
from specs.fields import ColumnName, Columns, ExpressionField, OptionsModel, mistake

if TYPE_CHECKING:
    from estimation.productivity.gnr.fit import GnrResampler
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

DEGREES = (1, 2, 3, 4)

__all__ = ["Options", "columns", "equations", "fit", "moments", "resampler"]


class Options(OptionsModel):
    """The keys of ``method: gandhi_navarro_rivers``.

    Attributes
    ----------
    output : str
        Log gross output.
    free : tuple of str
        Logs of inputs chosen within the year, other than the flexible one; instrumented by their lags. It may be
        empty.
    state : tuple of str
        Logs of inputs chosen before it; their own instruments.
    proxy : str
        Log of the flexible input (intermediates).
    share : str or None
        Log of the flexible input's cost over revenue; None for proxy - output.
    degree : int
        Total degree of the elasticity D in all inputs, 1 to 4.
    constant_degree : int
        Total degree of the constant of integration in (free, state); at least `degree`, and equal to it where it is
        not written.
    markov_degree : int
        Of g.
    controls : tuple of str
        Stand in the Markov process; not subtracted from TFP.
    where : Expression or None
        The rows that the estimate rests on.
    tfp_from : str
        ``residual`` w + e, or ``control_function`` w alone.
    separately_by : tuple of str
        Columns from fine to coarse; empty for one technology.
    min_firms : int
        Firms with a year before that a group needs.
    """

    output: ColumnName
    free: Columns
    state: Columns
    proxy: ColumnName
    share: ColumnName | None = None
    degree: Annotated[int, Field(ge=1, le=4)] = 2
    constant_degree: Annotated[int, Field(ge=1, le=4)] = 2
    markov_degree: Annotated[int, Field(ge=1, le=5)] = 3
    controls: Columns = ()
    where: ExpressionField | None = None
    tfp_from: Literal["residual", "control_function"] = "residual"
    separately_by: SeparatelyBy = ()
    min_firms: Annotated[int, Field(ge=2)] = 50

    @property
    def roles(self) -> Roles:
        """Which columns play which part."""
        return Roles(self.output, self.free, self.state, self.proxy, self.controls, 0)

    @property
    def degrees(self) -> tuple[int, int, int]:
        """Of the elasticity, the constant of integration and the process."""
        return self.degree, self.constant_degree, self.markov_degree

    @model_validator(mode="before")
    @classmethod
    def _the_constant_is_as_rich_as_the_share(cls, keys: Any) -> Any:
        # What degree itself cannot be is told of degree alone.
        if isinstance(keys, dict) and keys.get("degree") in DEGREES:
            return {"constant_degree": keys["degree"], **keys}
        return keys

    @model_validator(mode="after")
    def _each_column_has_one_part(self) -> Self:
        some(self, "state")
        seen = {self.output: "output", self.proxy: "proxy"}
        if self.proxy == self.output:
            raise mistake(f'the column "{self.proxy}" is output already', "a column has one part", path=("proxy",))
        for key in ("free", "state", "controls", "share"):
            names = getattr(self, key)
            for index, name in enumerate((names,) if isinstance(names, str) else names or ()):
                if name in seen:
                    path: tuple[str | int, ...] = (key,) if isinstance(names, str) else (key, index)
                    raise mistake(f'the column "{name}" is {seen[name]} already', "a column has one part", path=path)
                seen[name] = key
        return self

    @model_validator(mode="after")
    def _the_constant_spans_the_share(self) -> Self:
        if self.constant_degree < self.degree:
            raise mistake(
                f"constant_degree {self.constant_degree} is below degree {self.degree}",
                "the constant of integration would not span what another unit of the proxy adds to the integral, "
                "and elasticities would depend on it",
                f"write constant_degree: {self.degree}",
                path=("constant_degree",),
            )
        return self


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    share = () if options.share is None else (options.share,)
    return tuple(dict.fromkeys((*options.roles.columns, *share, *options.separately_by)))


def equations(options: Options) -> str:
    """Return both stages in symbols, with the user's columns."""
    fixed = (*options.free, *options.state)
    inputs = ", ".join(f"{name}(t)" for name in (*fixed, options.proxy))
    moments = ", ".join((*(f"{name}(t-1)" for name in options.free), *(f"{name}(t)" for name in options.state)))
    share = f"{options.share}(t)" if options.share else f"{options.proxy}(t) - {options.output}(t)"
    controls = " + d(t) delta" if options.controls else ""
    lines = [
        f"(1) {share} = ln(E D(t)) - e(t), E the mean of exp(e)",
        f"    {options.output}(t) = integral of D over {options.proxy} + B(t) + w(t) + e(t)",
        f"(2) w(t) = g(w(t-1)){controls} + xi(t), instruments: the monomials of ({moments}) up to degree "
        f"{options.constant_degree}",
        f"D: a polynomial of degree {options.degree} in ({inputs})",
        f"B: a polynomial of degree {options.constant_degree} in ({', '.join(f'{name}(t)' for name in fixed)})",
        f"g: a polynomial of degree {options.markov_degree}",
    ]
    if options.controls:
        lines.append(f"d: the constant and the controls {', '.join(options.controls)}, of t and of t-1")
    return "\n".join(lines)


def moments(options: Options) -> str:
    """Return the moment conditions of both stages in symbols, with the user's columns."""
    held = ", ".join((*(f"{name}(t-1)" for name in options.free), *(f"{name}(t)" for name in options.state)))
    controls = ", d(t), d(t-1)" if options.controls else ""
    return (
        "(1) E[e(t) dln(D(t))/dgamma] = 0, gamma the coefficients of D: nonlinear least squares of the share\n"
        f"(2) E[xi(t) (1, monomials of ({held}){controls})'] = 0"
    )


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Estimate both stages and the TFP of every row that has its inputs.

    Parameters
    ----------
    name : str
        The key in the spec.
    options : Options
    rows : Selection
        All n rows of the panel, with the columns of `columns(options)`.
    use : (n,) bool array
        Rows that the entry's own `where` keeps.
    extras : str
        What is wanted of every row too, see `estimation.extras`.

    Returns
    -------
    ProductivityFit
        Its terms are the inputs, its coefficients the average output elasticities.

    Raises
    ------
    EstimationError
        If a group is too small, an input does not vary, the share equation does not converge, or the second stage
        has no root.
    """
    from estimation.productivity.gnr.fit import fit_gnr

    return fit_gnr(name, options, rows, use, extras=extras)


def resampler(options: Options, rows: Selection, use: BoolArray, fit: ProductivityFit) -> GnrResampler:
    """Return what re-estimates the entry with other weights on the firms.

    Parameters
    ----------
    options : Options
    rows : Selection
    use : (n,) bool array
    fit : ProductivityFit
        What these gave.
    """
    from estimation.productivity.gnr.fit import gnr_resampler

    return gnr_resampler(fit.name, options, rows, use)
