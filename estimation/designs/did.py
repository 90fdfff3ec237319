"""Differences in differences: ``design: did``. Firms before and after they begin, beside firms that do not.

References
----------
Borusyak, K., Jaravel, X. and Spiess, J. (2024). Revisiting event-study designs. Review of Economic Studies 91(6).
Callaway, B. and Sant'Anna, P. (2021). Difference-in-differences with multiple time periods. Journal of Econometrics
225(2).
Cengiz, D., Dube, A., Lindner, A. and Zipperer, B. (2019). The effect of minimum wages on low-wage jobs. Quarterly
Journal of Economics 134(3).
Sant'Anna, P. and Zhao, J. (2020). Doubly robust difference-in-differences estimators. Journal of Econometrics 219(1).
Sun, L. and Abraham, S. (2021). Estimating dynamic treatment effects in event studies. Journal of Econometrics 225(2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from estimation.designs.compared_options import split_by_firms
from estimation.designs.did_beyond import check_bacon, check_overall, check_placebo, uses_beyond
from estimation.designs.did_equations import Asked, equations_of
from estimation.designs.did_keys import ESTIMATORS, estimators_of, idle_keys, refuse_idle_keys, told_of_idle_keys
from estimation.designs.elsewhere import in_did
from estimation.designs.options import ColumnUse, columns_of
from specs.adoption import Adoption, AdoptionField
from specs.attrition import AttritionSpec
from specs.comparing import SplitField
from specs.families import FamilyField
from specs.fields import Checked, ColumnName, Columns, ExpressionField, OptionsModel, Wording, as_written, mistake
from specs.sensitivity import PowerField, SensitivityField
from specs.tokens import is_name
from specs.uncertainty import Errors, ErrorsField, refuse_few_clusters

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit"]


def _effects(value: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, (tuple, list)):
        raise mistake(f"a list of effects is wanted, not {as_written(value)}", "", "write [nace^year]")
    found: list[tuple[str, ...]] = []
    for place, one in enumerate(value):
        if isinstance(one, tuple):
            found.append(one)
            continue
        names = tuple(part.strip() for part in one.split("^")) if isinstance(one, str) else ()
        if not names or not all(is_name(name) for name in names):
            raise mistake(f"{as_written(one)} is no effect", "", "write [nace^year]", path=(place,))
        if "firm" in names:
            raise mistake("effects of firms", "they are always there", "leave it out", path=(place,))
        if "year" not in names:
            what = f"{'^'.join(names)} does not hold the year"
            raise mistake(
                what, "an effect beside firm and year says how years differ", f"write {names[0]}^year", path=(place,)
            )
        found.append(names)
    return tuple(found)


def _clustered(errors: Errors) -> Errors:
    refuse_few_clusters(errors, "a difference-in-differences")
    if errors.kind == "bootstrap":
        raise mistake("no bootstrap of this design", "", "write {cluster: [firm]}, which carries the first stage over",
                      path=("bootstrap",))  # fmt: skip
    if errors.kind != "cluster":
        what = f'"{errors.kind}" takes rows for independent'
        raise mistake(what, "a firm has a row in every year", "write {cluster: [firm]}")
    if len(errors.cluster) > 1:
        raise mistake("two ways of clustering", "influence functions are summed by firm",
                      "write {cluster: [firm]}, or a coarser column", path=("cluster", 1))  # fmt: skip
    if "year" in errors.cluster[0]:
        raise mistake("clusters of years cut through firms", "", "write {cluster: [firm]}", path=("cluster", 0))
    return errors


_ESTIMATOR = {"enum": list(ESTIMATORS), "errorMessage": f"no estimator, there are: {', '.join(ESTIMATORS)}"}
_EFFECTS = {
    "type": "array",
    "items": {"type": "string", "names": "columns", "errorMessage": "no effect"},
    "errorMessage": "a list of effects is wanted",
}
EstimatorsField = Annotated[
    tuple[str, ...], Checked(estimators_of, list, {"anyOf": [_ESTIMATOR, {"type": "array", "items": _ESTIMATOR}]})
]
EffectsField = Annotated[
    tuple[tuple[str, ...], ...], Checked(_effects, lambda value: ["^".join(one) for one in value], _EFFECTS)
]


class Options(OptionsModel):
    """The keys of a difference-in-differences.

    Attributes
    ----------
    outcome : str
    adoption : Adoption
        When treatment begins.
    estimator : tuple of str
        One, or several on one sample; the first is the model's own.
    adjustment : str
        How covariates enter group-time effects: ``dr``, ``ipw``, ``reg``.
    control_group : str
        ``never_treated``, ``not_yet_treated``.
    base_period : str
        ``universal``, ``varying``.
    anticipation : int
        Years before treatment in which effects can begin.
    unbalanced : str
        ``pairwise``: a firm counts in a cell if it is seen in its two years; ``balanced``: in every year of the rows;
        ``repeated_cross_sections``: in one of the cell's two years.
    covariates : tuple of str
        Measured in the base period.
    effects : tuple of tuple of str
        Beside firm and year, of the regressions and imputation.
    attrition : AttritionSpec or None
        Weights of the firms that are kept, by what foretells it in the base year.
    aggregate : tuple of str
    balance_event : int or None
        Event times up to this one, of the cohorts that have them all.
    where : Expression or None
    weights : str or None
        Constant within firms.
    errors : Errors
    tfp_uncertainty : str or None
    sensitivity : SensitivitySpec or None
    split : SplitSpec or None
        One estimate a group of firms, by their value in the base year.
    family : FamilySpec or None
    power : PowerSpec or None
    """

    design: Literal["did"] = "did"
    outcome: ColumnName
    adoption: AdoptionField
    estimator: EstimatorsField = ("callaway_santanna",)
    adjustment: Literal["dr", "ipw", "reg"] = "dr"
    control_group: Literal["never_treated", "not_yet_treated"] = "never_treated"
    base_period: Literal["universal", "varying"] = "universal"
    anticipation: Annotated[int, Field(ge=0, le=10)] = 0
    unbalanced: Literal["pairwise", "balanced", "repeated_cross_sections"] = "pairwise"
    covariates: Columns = ()
    effects: EffectsField = ()
    attrition: AttritionSpec | None = None
    aggregate: tuple[Literal["simple", "event", "group", "calendar"], ...] = ("simple", "event")
    balance_event: Annotated[int, Field(ge=0, le=50)] | None = None
    where: ExpressionField | None = None
    weights: ColumnName | None = None
    errors: Annotated[ErrorsField, AfterValidator(_clustered)] = Errors("cluster", (("firm",),))
    tfp_uncertainty: Literal["include", "ignore"] | None = None
    sensitivity: SensitivityField | None = None
    split: SplitField | None = None
    power: PowerField | None = None
    title: Wording | None = None
    family: FamilyField | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_event_time(cls, values: Any) -> Any:
        """Ask for no event time where adoption is only known to lie between two waves, nor of twfe."""
        if not isinstance(values, dict) or "aggregate" in values:
            return values
        adoption = values.get("adoption")
        if isinstance(adoption, dict):
            censored = "waves" in adoption and adoption.get("dating", "censored") == "censored"
        else:
            censored = isinstance(adoption, Adoption) and adoption.censored
        alone = values.get("estimator") in ("twfe", ["twfe"], ("twfe",))
        return {**values, "aggregate": ("simple",)} if censored or alone else values

    @model_serializer(mode="wrap")
    def _as_it_is(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out keys that none of the estimators has: a spec that holds them would be refused."""
        idle = idle_keys(self.estimator, self.unbalanced)
        return {key: value for key, value in written(self).items() if key not in idle}

    @classmethod
    def unused_keys(cls, written: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the keys that none of the estimators has: a copy by `like` leaves them out."""
        named = written.get("estimator", "callaway_santanna")
        listed = named if isinstance(named, (list, tuple)) else (named,)
        estimators = tuple(one for one in listed if one in ESTIMATORS)
        return idle_keys(estimators, str(written.get("unbalanced", "pairwise"))) if estimators else ()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        adoption = self.adoption
        if adoption.column == self.outcome:
            raise mistake(f'the outcome "{self.outcome}" says when treatment begins', path=("adoption", adoption.key))
        for place, name in enumerate(self.covariates):
            if name in ("firm", "year"):
                what = f'"{name}" as a covariate'
                raise mistake(
                    what, "firms and years are compared by the design", "leave it out", path=("covariates", place)
                )
            if name in (self.outcome, adoption.column):
                what = f'"{name}" is {"the outcome" if name == self.outcome else "the treatment"}'
                raise mistake(
                    what, "a covariate is something else, measured before treatment", path=("covariates", place)
                )
        if self.split is not None and self.split.by in (self.outcome, adoption.column, "year"):
            what = f'groups by "{self.split.by}"'
            meaning = "a firm's group is what it was before treatment, the same in all years"
            raise mistake(what, meaning, "take a size, a sector, a region", path=("split", "by"))
        if self.attrition is not None:
            self._check_attrition(self.attrition)
        only = set(self.estimator) & {"twfe", "event_study", "sun_abraham", "stacked"}
        unknown = [kind for kind in self.aggregate if kind in ("group", "calendar")]
        if unknown and only == set(self.estimator):
            raise mistake(
                f"{unknown[0]} averages of {self.estimator[0]}",
                "it has an average over all treated rows and event times",
                "write [simple, event], or take callaway_santanna or imputation",
                path=("aggregate", self.aggregate.index(unknown[0])),
            )
        if not self.aggregate:
            raise mistake("an empty list", "nothing would be shown", "write [simple, event]", path=("aggregate",))
        if adoption.censored and "event" in self.aggregate:
            raise mistake(
                "event time of an adoption that lies between waves",
                "when it happened is not known, so that no year is the first",
                "write aggregate: [simple], or adoption: {..., dating: early}",
                path=("aggregate", self.aggregate.index("event")),
            )
        if self.estimator == ("twfe",) and "event" in self.aggregate:
            raise mistake(
                "event times of twfe", "it has one coefficient of treatment", "write [simple], or take event_study",
                path=("aggregate", self.aggregate.index("event")),
            )  # fmt: skip
        refuse_idle_keys(self.model_fields_set, self.estimator, self.unbalanced)
        if self.balance_event is not None and "event" not in self.aggregate:
            raise mistake(
                "balance_event without event times", "aggregate has none", "write aggregate: [simple, event]",
                path=("balance_event",), at_key=True,
            )  # fmt: skip
        if (
            self.sensitivity is not None
            and self.sensitivity.honest is not None
            and self.base_period == "varying"
            and self.estimator[0] == "callaway_santanna"
        ):
            raise mistake(
                "honest intervals beside base_period: varying",
                "effects before treatment are then changes from year to year, not a path whose trend could go on",
                "write base_period: universal",
                path=("sensitivity", "honest"),
                at_key=True,
            )
        check_overall(self.sensitivity, power=self.power is not None, aggregate=self.aggregate)
        check_placebo(self.sensitivity, self.outcome, adoption, self.anticipation)
        beside = [key for key in ("covariates", "effects") if getattr(self, key)]
        check_bacon(self.sensitivity, adoption, self.estimator, beside)
        return self

    def _check_attrition(self, attrition: AttritionSpec) -> None:
        """Refuse attrition weights of firms that are not followed, or by the treatment."""
        if self.unbalanced == "repeated_cross_sections":
            raise mistake(
                "attrition beside unbalanced: repeated_cross_sections", "that takes each year's firms as they are",
                "write unbalanced: pairwise", path=("attrition",), at_key=True,
            )  # fmt: skip
        if self.adoption.column in attrition.covariates:
            raise mistake(
                f'"{self.adoption.column}" is the treatment', "a covariate is something else, known in the base year",
                path=("attrition", "covariates", attrition.covariates.index(self.adoption.column)),
            )  # fmt: skip

    @property
    def outcome_column(self) -> str:
        """The column whose change is compared."""
        return self.outcome

    def uses(self) -> tuple[ColumnUse, ...]:
        """Return every column that the keys name, with its place."""
        found = [
            ColumnUse(self.outcome, ("outcome",), wants="number", outcome=True),
            ColumnUse(self.adoption.column, ("adoption", self.adoption.key), wants="number"),
        ]
        if self.adoption.dates is not None:
            found.append(ColumnUse(self.adoption.dates, ("adoption", "dates")))
        found += [ColumnUse(name, ("covariates", place)) for place, name in enumerate(self.covariates)]
        if self.attrition is not None:
            found += [
                ColumnUse(name, ("attrition", "covariates", place))
                for place, name in enumerate(self.attrition.covariates)
            ]
        found += [
            ColumnUse(name, ("effects", place), wants="effect")
            for place, one in enumerate(self.effects)
            for name in one
        ]
        if self.weights is not None:
            found.append(ColumnUse(self.weights, ("weights",), wants="amount"))
        found += uses_beyond(self.sensitivity)
        found += [ColumnUse(name, ("errors", *place)) for name, place in self.errors.places]
        if self.split is not None:
            found.append(ColumnUse(self.split.by, ("split", "by")))
        return tuple(found)

    def term_names(self) -> tuple[str, ...]:
        """Return the terms without their levels."""
        return ("att", "event", "pre")


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the model reads, each once."""
    return columns_of(options.uses())


def equations(options: Options) -> str:
    """Return what is estimated, in symbols."""
    return equations_of(Asked(
        options.outcome, options.adoption, options.estimator, options.adjustment, options.control_group,
        options.base_period, options.anticipation, options.covariates, tuple("^".join(one) for one in options.effects),
        options.weights, options.errors.ways[0], options.tfp_uncertainty != "ignore",
        options.attrition.covariates if options.attrition is not None else (),
        options.split.by if options.split is not None else "", options.unbalanced == "repeated_cross_sections",
        options.balance_event,
    ))  # fmt: skip


@split_by_firms
def fit(
    name: str,
    options: Options,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None = None,
) -> Estimates:
    """Estimate the model.

    Parameters
    ----------
    name : str
        Its key in the spec.
    options : Options
    rows : Selection
        The rows of the model's `where`, with `columns(options)`.
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome.
    panel : Selection, optional
        The clustering columns on all rows of the panel.

    Returns
    -------
    Estimates

    Raises
    ------
    EstimationError
        If the model cannot be estimated; the message names firms, cohorts or cells.
    """
    from estimation.did.answer import DidQuestion, estimate_did  # numpy and scipy load here
    from estimation.did.beyond import Beyond, asked_beyond
    from estimation.did.callaway_santanna import CellRules
    from estimation.did.sample import Asked as AskedOfSample
    from estimation.did.sensitivity import Bounds

    rules = CellRules(options.adjustment, options.control_group, options.base_period, options.aggregate,
                      options.unbalanced == "repeated_cross_sections", options.balance_event)  # fmt: skip
    asked = AskedOfSample(
        options.outcome, options.adoption, options.covariates, options.weights, options.effects,
        options.errors.cluster[0], options.unbalanced == "balanced", options.anticipation,
        options.attrition.covariates if options.attrition is not None else (),
    )  # fmt: skip
    wanted = options.sensitivity.honest if options.sensitivity is not None else None
    honest = None if wanted is None else Bounds(wanted.relative_magnitudes, wanted.smoothness)
    question = DidQuestion(
        name, asked, rules, options.estimator, options.errors.cluster, options.tfp_uncertainty, honest
    )
    placebo = options.sensitivity.placebo if options.sensitivity is not None else None
    beyond = Beyond(
        () if placebo is None else placebo.dates, () if placebo is None else placebo.outcomes,
        None if options.sensitivity is None else options.sensitivity.leave_out,
        None if options.sensitivity is None else options.sensitivity.bacon,
        None if options.power is None else options.power.effect,
    )  # fmt: skip
    found = estimate_did(question, rows, first_stage, panel)
    found = asked_beyond(beyond, question, found, rows, first_stage, panel)
    keys: dict[str, str | int] = {
        "adjustment": options.adjustment, "control_group": options.control_group, "base_period": options.base_period,
        "anticipation": options.anticipation, "unbalanced": options.unbalanced,
    }  # fmt: skip
    effects = ["^".join(one) for one in options.effects]
    calls = [
        in_did(one, options.outcome, options.covariates, effects, keys, options.weights, options.errors)
        for one in options.estimator
    ]
    told = f"the same elsewhere, g the first treated year: {'; '.join(calls)}"
    if options.attrition is not None:
        told += "; with the attrition weights for weights"
    if found.errors.tfp_uncertainty == "include":
        told += "; their errors lack the first stage's part"
    return replace(found, notes=(*found.notes, *_idle(options), told))


def _idle(options: Options) -> tuple[str, ...]:
    """Say which keys some of several estimators do not have, and which say nothing here."""
    shown = {"control_group", "base_period", "unbalanced"}
    shown |= {key for key in ("effects", "balance_event") if getattr(options, key) not in ((), None)}
    if options.covariates:
        shown.add("adjustment")
    told = told_of_idle_keys(options.estimator, options.unbalanced, shown, options.aggregate)
    if options.adjustment != "dr" and not options.covariates:
        told += (f"adjustment: {options.adjustment} without covariates: dr, ipw and reg are one",)
    return told
