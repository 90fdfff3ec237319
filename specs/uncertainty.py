"""How the uncertainty of an estimate is asked for: kinds of standard errors, clusters, the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic_core import PydanticCustomError

from specs.errors import did_you_mean
from specs.fields import Checked, as_written, mistake
from specs.tokens import is_name

__all__ = ["SMALL_SAMPLES", "Bootstrap", "BootstrapErrorsField", "Errors", "ErrorsField", "Wild", "refuse_few_clusters"]

KINDS = ("classical", "HC0", "HC1", "HC2", "HC3", "cluster", "bootstrap", "wild_bootstrap")
NAMED = KINDS[:5]
MAPS = ("cluster", "small_sample", "bootstrap", "wild_bootstrap")
LATER_ERRORS = ("survey",)
AVAILABLE = (
    "classical, HC0, HC1, HC2, HC3, {cluster: [firm]}, {cluster: [nace], small_sample: CR2}, "
    "{bootstrap: {cluster: [firm]}}, {wild_bootstrap: {cluster: [nace]}}"
)
SMALL_SAMPLES = ("CR2", "CR3")
"""What may stand in the place of the factor G/(G-1) x (N-1)/(N-K)."""
INTERVALS = ("percentile", "studentised")
BOOTSTRAP_KEYS = ("cluster", "strata", "draws", "interval")
WILD_KEYS = ("cluster", "draws")
WILD_DRAWS = 999
FEWEST_DRAWS, MOST_DRAWS = 99, 99_999


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What is drawn beside the clusters.

    Attributes
    ----------
    strata : str or None
        A column within whose levels clusters are drawn.
    draws : int
    interval : str
        ``percentile`` or ``studentised``.
    """

    strata: str | None = None
    draws: int = 499
    interval: str = "percentile"


@dataclass(frozen=True, slots=True)
class Wild:
    """What a wild cluster bootstrap asks for beside its clusters: how many draws."""

    draws: int = WILD_DRAWS


@dataclass(frozen=True, slots=True)
class Errors:
    """How standard errors are computed.

    Attributes
    ----------
    kind : str
        ``classical``, ``HC0`` .. ``HC3``, ``cluster``, ``bootstrap`` or ``wild_bootstrap``.
    cluster : tuple of tuple of str
        One entry a way (at most two; one for a bootstrap and beside `small_sample`); several columns in one entry are
        combined: ``[firm, nace3^region]`` is ``(("firm",), ("nace3", "region"))``.
    bootstrap : Bootstrap or None
    small_sample : str
        ``CR2`` or ``CR3`` beside clusters; empty for the usual factor.
    wild : Wild or None
    """

    kind: str
    cluster: tuple[tuple[str, ...], ...] = ()
    bootstrap: Bootstrap | None = None
    small_sample: str = ""
    wild: Wild | None = None

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways of clustering as written: ``firm``, ``nace3^region``."""
        return tuple("^".join(way) for way in self.cluster)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns behind clusters and strata, each once."""
        return tuple(dict.fromkeys(name for name, _ in self.places))

    @property
    def places(self) -> tuple[tuple[str, tuple[str | int, ...]], ...]:
        """The columns behind clusters and strata, each with the keys down to it."""
        above: tuple[str, ...] = (self.kind,) if self.bootstrap is not None or self.wild is not None else ()
        found: list[tuple[str, tuple[str | int, ...]]] = [
            (name, (*above, "cluster", index)) for index, way in enumerate(self.cluster) for name in way
        ]
        if self.bootstrap is not None and self.bootstrap.strata is not None:
            found.append((self.bootstrap.strata, (*above, "strata")))
        return tuple(found)

    @property
    def in_closed_form(self) -> bool:
        """Whether nothing is drawn."""
        return self.bootstrap is None and self.wild is None

    @property
    def drawn(self) -> str:
        """What a bootstrap does, in words; empty for other errors."""
        if self.bootstrap is None:
            return ""
        strata = f" within {self.bootstrap.strata}" if self.bootstrap.strata else ""
        return (
            f"{self.bootstrap.draws} draws of {self.ways[0]}{strata} with replacement, everything estimated again "
            f"in each; {self.bootstrap.interval} intervals"
        )

    @property
    def written(self) -> Any:
        """As a spec has it."""
        if self.bootstrap is not None:
            strata = {} if self.bootstrap.strata is None else {"strata": self.bootstrap.strata}
            asked = {"draws": self.bootstrap.draws, "interval": self.bootstrap.interval}
            return {"bootstrap": {"cluster": list(self.ways), **strata, **asked}}
        if self.wild is not None:
            return {"wild_bootstrap": {"cluster": list(self.ways), "draws": self.wild.draws}}
        small = {"small_sample": self.small_sample} if self.small_sample else {}
        return {"cluster": list(self.ways), **small} if self.kind == "cluster" else self.kind


def _errors(value: Any) -> Errors:
    if isinstance(value, Errors):
        return value
    if isinstance(value, str):
        return _named_errors(value)
    if not isinstance(value, dict):
        raise mistake(f"a kind of standard errors is wanted, not {as_written(value)}", "",
                      "write HC1, or {cluster: [firm]}")  # fmt: skip
    for key in value:
        if key in LATER_ERRORS:
            raise _later(key, path=(key,))
        if key not in MAPS:
            advice = f"write errors: {key}" if key in NAMED else did_you_mean(key, (*MAPS, *LATER_ERRORS))
            raise mistake(
                f'unknown key "{key}"',
                "",
                advice or "write HC1, or {cluster: [firm]}",
                path=(key,),
                at_key=True,
            )
    for key in ("bootstrap", "wild_bootstrap"):
        if key in value and len(value) > 1:
            raise _beside(next(one for one in value if one != key), key)
    if "bootstrap" in value:
        return _bootstrap(value["bootstrap"])
    if "wild_bootstrap" in value:
        return _wild(value["wild_bootstrap"])
    if "cluster" not in value:
        missing = "small_sample without clusters" if value else "an empty map"
        raise mistake(
            missing,
            "",
            "write {cluster: [nace], small_sample: CR2}" if value else "write HC1, or {cluster: [firm]}",
            at_key=True,
        )
    ways = _ways(value["cluster"], ("cluster",))
    return Errors(kind="cluster", cluster=ways, small_sample=_small_sample(value.get("small_sample"), ways))


def _beside(beside: str, key: str) -> PydanticCustomError:
    if beside == "cluster":
        advice = f"write {{{key}: {{cluster: [{'firm' if key == 'bootstrap' else 'nace'}]}}}}"
        return mistake(f"cluster beside {key}", "cluster stands inside it", advice, path=("cluster",), at_key=True)
    means = "errors are computed in one way"
    return mistake(f"{beside} beside {key}", means, "leave one of them out", path=(beside,), at_key=True)


def _small_sample(value: Any, ways: tuple[tuple[str, ...], ...]) -> str:
    path = ("small_sample",)
    if value is None:
        return ""
    if value not in SMALL_SAMPLES:
        near = did_you_mean(value, SMALL_SAMPLES) if isinstance(value, str) else ""
        advice = near or f"there are: {', '.join(SMALL_SAMPLES)}; without the key the factor is G/(G-1) x (N-1)/(N-K)"
        raise mistake(f"{as_written(value)} is no correction for few clusters", "", advice, path=path)
    if len(ways) > 1:
        raise mistake(
            f"{value} beside two ways of clustering",
            "it is defined for clusters of one kind",
            "combine columns, {cluster: [nace3^region], small_sample: CR2}, or leave it out",
            path=path,
        )
    return str(value)


def refuse_few_clusters(errors: Errors, design: str) -> None:
    """Refuse what corrects for few clusters, for a design that is no regression.

    Parameters
    ----------
    errors : Errors
    design : str
        In words: ``a decomposition``.
    """
    if errors.wild is not None:
        raise mistake(
            f"no wild bootstrap of {design}",
            "it draws the residuals of a regression",
            "write {cluster: [firm]}",
            path=("wild_bootstrap",),
            at_key=True,
        )
    if errors.small_sample:
        raise mistake(
            f"no {errors.small_sample} of {design}",
            "it corrects the residuals of a regression",
            "leave it out: {cluster: [firm]}",
            path=("small_sample",),
            at_key=True,
        )


def _bootstrap_errors(value: Any) -> Errors:
    """Check the errors of a productivity entry, whose only other choice is its closed form."""
    if isinstance(value, Errors):
        return value
    if isinstance(value, dict) and tuple(value) == ("bootstrap",):
        return _bootstrap(value["bootstrap"])
    if isinstance(value, dict) and "bootstrap" in value:
        beside = next(key for key in value if key != "bootstrap")
        inside, listed = beside in BOOTSTRAP_KEYS, f"{', '.join(BOOTSTRAP_KEYS[:-1])} and {BOOTSTRAP_KEYS[-1]}"
        raise mistake(
            f'"{beside}" beside bootstrap',
            f"{beside} stands inside it" if inside else f"a bootstrap has the keys {listed}",
            f"write {{bootstrap: {{{beside}: {_in_yaml(value[beside])}}}}}" if inside else "leave it out",
            path=(beside,),
            at_key=True,
        )
    shown = as_written(value) if not isinstance(value, dict) or not value else f'"{next(iter(value))}"'
    raise mistake(
        f"{shown} is not a choice for an estimate of productivity",
        "without the key its errors are those of the closed form, clustered by firm",
        "write {bootstrap: {cluster: [firm]}}, or leave the key out",
    )


def _in_yaml(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, (tuple, list)) else str(value)


def _named_errors(value: str) -> Errors:
    lacking = {
        "cluster": "{cluster: [firm]}",
        "bootstrap": "{bootstrap: {cluster: [firm]}}",
        "wild_bootstrap": "{wild_bootstrap: {cluster: [nace]}}",
    }
    if value in SMALL_SAMPLES:
        raise mistake(f'"{value}" lacks its columns', "", f"write {{cluster: [nace], small_sample: {value}}}")
    if value in lacking:
        meant = lacking[value]
        raise mistake(f'"{value}" lacks its columns', "", f"write {meant}")
    if value in KINDS:
        return Errors(value)
    if value in LATER_ERRORS:
        raise _later(value)
    other = {"robust": "HC1", "ols": "classical", "iid": "classical", "clustered": "{cluster: [firm]}"}
    near = f'write "{other[value]}"' if value in other else did_you_mean(value, KINDS)
    raise mistake(f"{as_written(value)} is not a kind of standard errors", "", near or f"there are: {AVAILABLE}")


def _later(kind: str, path: tuple[str, ...] = ()) -> PydanticCustomError:
    return mistake(f'"{kind}" comes later', "", f"available now: {AVAILABLE}", path=path, at_key=True)


def _bootstrap(value: Any) -> Errors:
    here = ("bootstrap",)
    if not isinstance(value, dict):
        advice = "write {bootstrap: {cluster: [firm], draws: 499}}"
        raise mistake(f"a map is wanted, not {as_written(value)}", "", advice, path=here)
    for key in value:
        if key not in BOOTSTRAP_KEYS:
            advice = did_you_mean(key, BOOTSTRAP_KEYS) or f"there are: {', '.join(BOOTSTRAP_KEYS)}"
            raise mistake(f'unknown key "{key}"', "", advice, path=(*here, key), at_key=True)
    ways = _ways(value.get("cluster", ("firm",)), (*here, "cluster"))
    _check_one_way(ways, here, "a bootstrap draws clusters of one kind")
    if "year" in ways[0]:
        raise mistake(
            "clusters of years cut through firms",
            "a bootstrap draws firms with all their years",
            "write {cluster: [firm]}",
            path=(*here, "cluster", 0),
        )
    asked = Bootstrap(
        _strata(value.get("strata"), (*here, "strata"), ways[0]),
        _draws(value.get("draws", 499), (*here, "draws")),
        value.get("interval", "percentile"),
    )
    if asked.interval not in INTERVALS:
        what = f"{as_written(asked.interval)} is not an interval"
        advice = did_you_mean(asked.interval, INTERVALS) if isinstance(asked.interval, str) else ""
        raise mistake(what, "", advice or f"there are: {', '.join(INTERVALS)}", path=(*here, "interval"))
    return Errors("bootstrap", ways, asked)


def _check_one_way(ways: tuple[tuple[str, ...], ...], here: tuple[str, ...], means: str) -> None:
    if len(ways) > 1:
        raise mistake(
            "two ways of clustering",
            means,
            "combine columns: {cluster: [nace3^region]}",
            path=(*here, "cluster", 1),
        )


def _wild(value: Any) -> Errors:
    here = ("wild_bootstrap",)
    if not isinstance(value, dict):
        advice = f"write {{cluster: [nace], draws: {WILD_DRAWS}}}"
        raise mistake(f"a map is wanted, not {as_written(value)}", "", advice, path=here)
    for key in value:
        if key not in WILD_KEYS:
            advice = did_you_mean(key, WILD_KEYS) or f"there are: {', '.join(WILD_KEYS)}"
            raise mistake(f'unknown key "{key}"', "", advice, path=(*here, key), at_key=True)
    if "cluster" not in value:
        raise mistake(
            "a wild bootstrap without clusters",
            "it changes the signs of residuals cluster by cluster",
            "write {wild_bootstrap: {cluster: [nace]}}",
            path=here,
            at_key=True,
        )
    ways = _ways(value["cluster"], (*here, "cluster"))
    _check_one_way(ways, here, "residuals change their signs by clusters of one kind")
    return Errors("wild_bootstrap", ways, wild=Wild(_draws(value.get("draws", WILD_DRAWS), (*here, "draws"))))


def _strata(value: Any, path: tuple[str, ...], cluster: tuple[str, ...]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not is_name(value):
        raise mistake(
            f"the name of a column is wanted, not {as_written(value)}", "", "write strata: stratum", path=path
        )
    if value == "year":
        raise mistake("strata of years cut through firms", "a firm lies in one stratum", "leave strata out", path=path)
    if value in ("firm", *cluster):
        raise mistake(
            f'strata and clusters are both "{value}"' if value in cluster else "every firm a stratum of its own",
            "each stratum would hold one cluster, which is in every draw",
            "leave strata out",
            path=path,
        )
    return value


def _draws(value: Any, path: tuple[str, ...]) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise mistake(f"a whole number is wanted, not {as_written(value)}", "", "write draws: 499", path=path)
    if value < FEWEST_DRAWS:
        raise mistake(
            f"{value} draws",
            "an interval that covers 95 per cent rests on the outer 2.5 per cent of them",
            f"ask for {FEWEST_DRAWS} or more",
            path=path,
        )
    if value > MOST_DRAWS:
        raise mistake(f"{value} draws", "", f"ask for {MOST_DRAWS} or fewer", path=path)
    return value


def _ways(value: Any, above: tuple[str | int, ...]) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, (tuple, list)) or not value:
        advice = f"write {{cluster: [{value}]}}" if isinstance(value, str) else "write {cluster: [firm]}"
        shown = as_written(value) if value else "an empty list"
        raise mistake(f"a list of columns is wanted, not {shown}", "", advice, path=above)
    ways: list[tuple[str, ...]] = []
    for index, item in enumerate(value):
        path: tuple[str | int, ...] = (*above, index)
        way = tuple(part.strip() for part in item.split("^")) if isinstance(item, str) else ()
        if not way or not all(is_name(part) for part in way):
            raise mistake(
                f"{as_written(item)} is not the name of a column",
                "",
                "combined clusters are written nace3^region",
                path=path,
            )
        if set(way) in [set(other) for other in ways] or len(set(way)) < len(way):
            raise mistake(f'"{item}" stands twice', "", "leave one out", path=path)
        ways.append(way)
        if len(ways) > 2:
            raise mistake(
                "more than two ways of clustering",
                "",
                "combine columns: {cluster: [nace3^region]}",
                path=path,
            )
    return tuple(ways)


def _written(errors: Errors) -> Any:
    return errors.written


_WAY = {"type": "string", "minLength": 1, "names": "columns", "errorMessage": "not the name of a column"}
_CLUSTER = {
    "type": "array",
    "items": _WAY,
    "minItems": 1,
    "maxItems": 2,
    "errorMessage": "a list of columns is wanted",
    "lengthErrorMessage": "a list of columns is wanted",
    "moreErrorMessage": "more than two ways of clustering",
}
_ONE_WAY = {**_CLUSTER, "maxItems": 1, "moreErrorMessage": "two ways of clustering"}
_DRAWS = {
    "type": "integer",
    "minimum": FEWEST_DRAWS,
    "maximum": MOST_DRAWS,
    "minimumErrorMessage": f"ask for {FEWEST_DRAWS} or more",
    "maximumErrorMessage": f"ask for {MOST_DRAWS} or fewer",
}
_TOLD = {
    "bootstrap": "the whole chain, productivity too, estimated again on firms drawn anew",
    "wild_bootstrap": "for few clusters: the signs of residuals changed cluster by cluster",
    "cluster": "the columns of the clusters; a^b for what two of them have together",
    "small_sample": "a correction for few clusters",
    "strata": "the column within whose levels clusters are drawn",
    "draws": "how many",
    "interval": "how intervals are made of the draws",
}
_WILD_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "described": _TOLD,
    "required": ["wild_bootstrap"],
    "properties": {
        "wild_bootstrap": {
            "type": "object",
            "additionalProperties": False,
            "described": _TOLD,
            "required": ["cluster"],
            "properties": {"cluster": _ONE_WAY, "draws": _DRAWS},
            "errorMessage": "a map is wanted",
            "requiredErrorMessage": "a wild bootstrap without clusters",
            "first": True,
        }
    },
}
_BOOTSTRAP_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "described": _TOLD,
    "required": ["bootstrap"],
    "properties": {
        "bootstrap": {
            "type": "object",
            "additionalProperties": False,
            "described": _TOLD,
            "properties": {
                "cluster": _ONE_WAY,
                "strata": {"type": "string", "names": "columns", "errorMessage": "the name of a column is wanted"},
                "draws": _DRAWS,
                "interval": {"enum": list(INTERVALS), "errorMessage": "not an interval"},
            },
            "errorMessage": "a map is wanted",
            "first": True,
        }
    },
}
_ERRORS_SCHEMA = {
    "anyOf": [
        {"enum": list(NAMED), "errorMessage": f"not a kind of standard errors, there are: {AVAILABLE}"},
        _BOOTSTRAP_SCHEMA,
        _WILD_SCHEMA,
        {
            "type": "object",
            "additionalProperties": False,
            "described": _TOLD,
            "required": ["cluster"],
            "properties": {
                "cluster": _CLUSTER,
                "small_sample": {"enum": list(SMALL_SAMPLES), "errorMessage": "no correction for few clusters"},
            },
            "requiredErrorMessage": "an empty map, or small_sample without clusters",
            "first": True,
        },
    ],
    "errorMessage": "a kind of standard errors is wanted",
}
ErrorsField = Annotated[Errors, Checked(_errors, _written, _ERRORS_SCHEMA)]
"""``classical``, ``HC0`` .. ``HC3``, ``{cluster: [...]}``, ``{bootstrap: {...}}`` or ``{wild_bootstrap: {...}}``."""

BootstrapErrorsField = Annotated[Errors, Checked(_bootstrap_errors, _written, _BOOTSTRAP_SCHEMA)]
"""``{bootstrap: {...}}``."""
